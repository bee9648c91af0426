package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// amount is a cell of a cost or usage column.
type amount struct {
	n  exact.Num
	ok bool // not blank
}

// cells are the amounts of one measure in a set of rows.
type cells struct {
	m    Measure
	vals []int64    // small numbers of package exact
	wide []wideCell // those that vals has no room for, where it has 0
	mem  []int64
}

type wideCell struct {
	i int32
	n exact.Num
}

// sum adds the amounts of a set to its groups, at index, and to the control
// totals, which go their own way from the decoded values on.
func (w *columnWorker) sum(t *sumTable, set *rowSet, index []uint32) error {
	n := len(set.rows)
	blank, noNet := w.blank[:n], w.noNet[:n]
	fillBools(blank, true)
	fillBools(noNet, true)
	w.dense, w.sparse = w.dense[:0], w.sparse[:0]
	add := func(c *cells) {
		if int(c.m) < denseMeasures {
			w.dense = append(w.dense, c)
		} else {
			w.sparse = append(w.sparse, c)
		}
	}
	for m := range Measure(NumMeasures) {
		col := w.plan.amount[m]
		if col < 0 {
			continue
		}
		var blanks []bool
		switch m {
		case UnblendedCost:
			blanks = blank
		case NetUnblendedCost:
			blanks = noNet
		}
		c := &w.cells[m]
		c.m = m
		if some, err := w.amounts(c, col, set, blanks); err != nil {
			return err
		} else if some {
			add(c)
		}
	}
	cost := &w.cells[UnblendedCost]
	if w.plan.amount[UnblendedCost] < 0 {
		cost.begin(n)
		clear(cost.vals)
	}
	if w.plan.amount[NetUnblendedCost] >= 0 && w.plan.have.Has(NetUnblendedCost) {
		if c := &w.cells[UnblendedWhereNetBlank]; c.choose(UnblendedWhereNetBlank, cost, noNet) {
			add(c)
		}
	}
	ctl := w.controlOf(set, w.setCtl)
	if c := &w.cells[ReservationFee]; w.plan.text[fieldReservation] >= 0 {
		if some, err := w.reservations(c, set, ctl); err != nil {
			return err
		} else if some {
			add(c)
		}
	}
	w.addUp(t, index, blank, noNet)
	w.addControl(ctl, blank, noNet)
	return nil
}

func fillBools(dst []bool, v bool) {
	for i := range dst {
		dst[i] = v
	}
}

// begin makes room for n cells.
func (c *cells) begin(n int) {
	if cap(c.mem) < n {
		c.mem = make([]int64, blockRows)
	}
	c.vals, c.wide = c.mem[:n], c.wide[:0]
}

// put keeps an amount.
func (c *cells) put(i int, n exact.Num) {
	v, ok := n.Small()
	if c.vals[i] = v; !ok {
		c.vals[i] = 0
		c.wide = append(c.wide, wideCell{int32(i), n})
	}
}

// amounts reads the cells of a measure, and which of them are blank if blanks is
// not nil. some is false when all are 0, as in most columns of most reports.
func (w *columnWorker) amounts(c *cells, col int, set *rowSet, blanks []bool) (some bool, err error) {
	n := len(set.rows)
	x, null := w.floats[:n], blanks
	if null == nil {
		null = w.flags[:n]
	}
	codes, direct, err := w.loadAmounts(col, set, x, null)
	if err != nil {
		return false, err
	}
	zeroIsBlank := c.m == NetUnblendedCost && w.plan.netZero
	if codes.Same() {
		a, err := colscan.First(codes, w.amountOf(col, zeroIsBlank))
		if err != nil {
			return false, err
		}
		fillBools(blanks, !a.ok)
		if a.n.IsZero() && c.m != UnblendedCost {
			return false, nil
		}
		c.begin(n)
		for i := range c.vals {
			c.put(i, a.n)
		}
		return true, nil
	}
	c.begin(n)
	if !direct && !codes.Floats(w.place(col, set), x, null) {
		dst := w.other[:n]
		if err := colscan.Resolve(codes, w.place(col, set), dst, &w.amountMemos[c.m], w.amountOf(col, zeroIsBlank)); err != nil {
			return false, err
		}
		for i := range dst {
			c.put(i, dst[i].n)
		}
		for i := range blanks {
			blanks[i] = !dst[i].ok
		}
		return true, nil
	}
	for i := range c.vals {
		v, ok := exact.SmallFromFloat(x[i])
		if c.vals[i] = v; !ok {
			n, err := exact.FromFloat(x[i])
			if err != nil {
				return false, err
			}
			c.put(i, n)
		}
	}
	if zeroIsBlank {
		for i := range blanks {
			blanks[i] = x[i] == 0
		}
	}
	return true, nil
}

// loadAmounts loads the cells of a measure. direct says that they were set at once; unless
// they are all the same.
func (w *columnWorker) loadAmounts(col int, set *rowSet, dst []float64, null []bool) (codes *colscan.Codes, direct bool, err error) {
	if w.plan.reach[col] == reachNeed && w.loaded[col] != w.serial {
		v, err := w.scan.Column(col)
		if err != nil {
			return nil, false, err
		}
		if direct, err = v.LoadFloats(w.ctx, w.base, set.rows, w.n, dst, null); direct || err != nil {
			w.loaded[col] = w.serial
			return &v.Codes, direct, err
		}
	}
	codes, err = w.load(col)
	return codes, false, err
}

// amountOf is the resolver of a cost or usage column.
func (w *columnWorker) amountOf(col int, zeroIsBlank bool) func(*colscan.Value) (amount, error) {
	double := w.plan.cols[col].Kind == colscan.Double
	return func(v *colscan.Value) (a amount, err error) {
		if v.Null() {
			return a, nil
		}
		a.ok = true
		if double {
			x, err := v.Float()
			if err != nil {
				return a, err
			}
			if x != 0 {
				a.n, err = exact.FromFloat(x)
			}
			a.ok = !(zeroIsBlank && a.n.IsZero())
			return a, err
		}
		b, err := v.Text()
		if err != nil || len(b) == 0 {
			a.ok = false
			return a, err
		}
		a.n, err = exact.Parse(b)
		a.ok = !(zeroIsBlank && a.n.IsZero())
		return a, err
	}
}

// choose makes c the cells of cost whose row is marked.
func (c *cells) choose(m Measure, cost *cells, marked []bool) (some bool) {
	c.m = m
	if !slices.Contains(marked, false) {
		c.vals, c.wide = cost.vals, append(c.wide[:0], cost.wide...) // nobody writes to vals
		return true
	}
	c.begin(len(marked))
	for i, yes := range marked {
		c.vals[i] = 0
		if yes {
			c.vals[i], some = cost.vals[i], true
		}
	}
	for _, x := range cost.wide {
		if marked[x.i] {
			c.wide = append(c.wide, x)
		}
	}
	return some
}

// reservations makes c the fees of reservations: costs of rows of type Fee that
// name one.
func (w *columnWorker) reservations(c *cells, set *rowSet, ctl keyColumn) (some bool, err error) {
	if ctl.same && !w.control[ctl.id].fee {
		return false, nil
	}
	if !w.fees {
		return false, nil
	}
	marked := w.flags[:len(set.rows)]
	for i := range marked {
		marked[i] = ctl.same || w.control[ctl.ids[i]].fee
		some = some || marked[i]
	}
	if !some {
		return false, nil
	}
	named := w.named[:len(set.rows)]
	if _, err := resolve(w, w.plan.text[fieldReservation], set, named, &w.reserved, func(v *colscan.Value) (bool, error) {
		b, err := v.Text()
		return len(b) > 0, err
	}); err != nil {
		return false, err
	}
	for i := range marked {
		marked[i] = marked[i] && named[i]
	}
	return c.choose(ReservationFee, &w.cells[UnblendedCost], marked), nil
}

// addUp adds cells to the groups, all measures of a row at once: a group is one line
// of the processor's cache.
func (w *columnWorker) addUp(t *sumTable, index []uint32, blank, noNet []bool) {
	var vals [denseMeasures][]int64
	for m := range vals {
		vals[m] = w.zeros
	}
	for _, c := range w.dense {
		vals[c.m] = c.vals
	}
	var rows [64]*sumRow
	for from := 0; from < len(index); from += len(rows) {
		to := min(from+len(rows), len(index))
		groups := index[from:to]
		w.warm = t.rows(rows[:], groups)
		blank, noNet := blank[from:to], noNet[from:to]
		v0, v1, v2, v3, v4 := vals[0][from:to], vals[1][from:to], vals[2][from:to], vals[3][from:to], vals[4][from:to]
		for i, r := range rows[:to-from] {
			r.rows++
			if blank[i] {
				r.blank++
			}
			if !noNet[i] {
				r.net++
			}
			// over has the sign of what overflows, as in exact.AddSmall.
			a := r.sums[0]
			x := v0[i]
			s0 := a + x
			over := (a ^ s0) & (x ^ s0)
			a, x = r.sums[1], v1[i]
			s1 := a + x
			over |= (a ^ s1) & (x ^ s1)
			a, x = r.sums[2], v2[i]
			s2 := a + x
			over |= (a ^ s2) & (x ^ s2)
			a, x = r.sums[3], v3[i]
			s3 := a + x
			over |= (a ^ s3) & (x ^ s3)
			a, x = r.sums[4], v4[i]
			s4 := a + x
			over |= (a ^ s4) & (x ^ s4)
			if over < 0 {
				for m, v := range [...]int64{v0[i], v1[i], v2[i], v3[i], v4[i]} {
					r.add(t, int(groups[i]), Measure(m), v)
				}
				continue
			}
			r.sums = [denseMeasures]int64{s0, s1, s2, s3, s4}
		}
	}
	for _, c := range w.sparse {
		for i, v := range c.vals {
			if v != 0 {
				t.addMore(int(index[i]), c.m, exact.FromSmall(v))
			}
		}
	}
	for _, list := range [...][]*cells{w.dense, w.sparse} {
		for _, c := range list {
			for _, x := range c.wide {
				t.addMore(int(index[x.i]), c.m, x.n)
			}
		}
	}
}

// addControl adds cells to the control totals of their rows.
func (w *columnWorker) addControl(ctl keyColumn, blank, noNet []bool) {
	n := len(blank)
	// Neighbours mostly belong to one control total.
	for from := 0; from < n; {
		to, id := n, ctl.id
		if !ctl.same {
			for id, to = ctl.ids[from], from+1; to < n && ctl.ids[to] == id; to++ {
			}
		}
		m := &w.control[id].m
		for i := from; i < to; i++ {
			if blank[i] {
				m.CostBlank++
			}
			if !noNet[i] {
				m.NetRows++
			}
		}
		for _, list := range [...][]*cells{w.dense, w.sparse} {
			for _, c := range list {
				m.sums[c.m].Acc(sumOf(c.vals[from:to]))
			}
		}
		from = to
	}
	for _, list := range [...][]*cells{w.dense, w.sparse} {
		for _, c := range list {
			for _, x := range c.wide {
				id := ctl.id
				if !ctl.same {
					id = ctl.ids[x.i]
				}
				w.control[id].m.sums[c.m].Acc(x.n)
			}
		}
	}
}

// sumOf adds small numbers up.
func sumOf(vals []int64) (sum exact.Num) {
	part := int64(0)
	for _, v := range vals {
		next, ok := exact.AddSmall(part, v)
		if !ok {
			sum.Acc(exact.FromSmall(part))
			next = v
		}
		part = next
	}
	sum.Acc(exact.FromSmall(part))
	return sum
}
