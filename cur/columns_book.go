package cur

import (
	"math"
	"math/bits"
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// bookBlock books the rows of the block, delivery by delivery.
func (w *columnWorker) bookBlock() error {
	if w.ctlSame && w.n > 0 {
		return w.bookPart(w.control[w.ctl[0]].part, &w.match, &w.rest)
	}
	var parts []*columnPart
	last := uint32(math.MaxUint32)
	for _, c := range w.ctl[:w.n] {
		if c != last {
			if p := w.control[c].part; !slices.Contains(parts, p) {
				parts = append(parts, p)
			}
			last = c
		}
	}
	if len(parts) == 1 {
		return w.bookPart(parts[0], &w.match, &w.rest)
	}
	for _, p := range parts {
		match, rest := w.only(p, &w.match), w.only(p, &w.rest)
		if err := w.bookPart(p, match, rest); err != nil {
			return err
		}
	}
	return nil
}

// only returns the rows of a set that belong to a delivery.
func (w *columnWorker) only(p *columnPart, set *rowSet) *rowSet {
	out := &rowSet{}
	for i, row := range set.rows {
		if w.control[w.ctl[row]].part != p {
			continue
		}
		out.rows = append(out.rows, row)
		switch {
		case set.isNeed:
			out.inNeed = append(out.inNeed, int32(i))
		case len(set.inNeed) > 0:
			out.inNeed = append(out.inNeed, set.inNeed[i])
		}
	}
	return out
}

func (w *columnWorker) bookPart(p *columnPart, match, rest *rowSet) error {
	w.rows[p] += int64(len(match.rows) + len(rest.rows))
	if len(match.rows) > 0 {
		if err := w.bookGroups(p, match); err != nil {
			return err
		}
	}
	if len(rest.rows) == 0 {
		return nil
	}
	if w.run.spec.RestUnread {
		p.unread += int64(len(rest.rows))
		for _, row := range rest.rows {
			w.control[w.ctl[row]].m.Rows++
		}
		return nil
	}
	return w.bookRest(p, rest)
}

// keyColumn is one slot of the keys of a set.
type keyColumn struct {
	ids  []uint32
	same bool
}

// field returns the ids of a field in a set.
func (w *columnWorker) field(field int, set *rowSet) (c keyColumn, err error) {
	n := len(set.rows)
	if all := w.all[field%numTextFields]; field < numTextFields && all != nil {
		c.same = w.allSame[field]
		if set.full || c.same {
			return keyColumn{all[:n], c.same}, nil
		}
		c.ids = w.ids[field][:n]
		for i, row := range set.rows {
			c.ids[i] = all[row]
		}
		return c, nil
	}
	if field >= numTextFields || field == fieldName || field == fieldModel || field == fieldRegion || field == fieldUnit {
		if set.isNeed {
			return keyColumn{ids: w.ids[field][:n]}, nil
		}
		c.ids = w.spare[field][:n]
		for i, at := range set.inNeed {
			c.ids[i] = w.ids[field][at]
		}
		return c, nil
	}
	c.ids = w.ids[field][:n]
	c.same, err = w.texts(field, set, c.ids)
	return c, err
}

// invoices returns the ids of the invoice slices of a set.
func (w *columnWorker) invoices(set *rowSet) (c keyColumn, err error) {
	var f [4]keyColumn
	c.same = true
	for i := range f {
		if f[i], err = w.field(fieldInvoice+i, set); err != nil {
			return c, err
		}
		c.same = c.same && f[i].same
	}
	c.ids = w.invoiceIDs[:len(set.rows)]
	var last [4]uint32
	for i := range c.ids {
		k := [4]uint32{f[0].ids[i], f[1].ids[i], f[2].ids[i], f[3].ids[i]}
		if i > 0 && (c.same || k == last) {
			c.ids[i] = c.ids[i-1]
			continue
		}
		last = k
		id, ok := w.tuples[k]
		if !ok {
			id = w.invoice.id(invoiceText(Invoice{w.dicts[fieldInvoice].vals[k[0]], w.dicts[fieldInvoicing].vals[k[1]],
				w.dicts[fieldLegal].vals[k[2]], w.dicts[fieldBillType].vals[k[3]]}))
			w.tuples[k] = id
		}
		c.ids[i] = id
	}
	return c, nil
}

// periods returns the billing periods of a set.
func (w *columnWorker) periods(set *rowSet) (c keyColumn) {
	c.ids, c.same = w.periodIDs[:len(set.rows)], w.monthSame
	for i, row := range set.rows {
		c.ids[i] = uint32(w.months[row].n)
	}
	return c
}

func (w *columnWorker) bookGroups(p *columnPart, set *rowSet) (err error) {
	cols := w.keyCols[:0]
	for slot := range fixedSlots + len(w.run.spec.Columns) {
		var c keyColumn
		switch {
		case slot == slotPeriod:
			c = w.periods(set)
		case slot == slotInvoice:
			c, err = w.invoices(set)
		case slot == slotBucket:
			c.ids = w.bucket[:len(set.rows)]
			for i, row := range set.rows {
				at := i
				switch {
				case w.plan.timesAll:
					at = int(row)
				case !set.isNeed:
					at = int(set.inNeed[i])
				}
				c.ids[i] = w.buckets[at]
			}
		case slot >= fixedSlots:
			c, err = w.field(numTextFields+slot-fixedSlots, set)
		default:
			c, err = w.field(slotFields[slot], set)
		}
		if err != nil {
			return err
		}
		cols = append(cols, c)
	}
	w.keyCols = cols
	if err := w.find(&p.groups, cols, len(set.rows)); err != nil {
		return err
	}
	return w.sum(&p.groups, set)
}

func (w *columnWorker) bookRest(p *columnPart, set *rowSet) (err error) {
	cols := w.keyCols[:0]
	for _, slot := range restSlots {
		var c keyColumn
		switch slot {
		case slotPeriod:
			c = w.periods(set)
		case slotInvoice:
			c, err = w.invoices(set)
		default:
			c, err = w.field(slotFields[slot], set)
		}
		if err != nil {
			return err
		}
		cols = append(cols, c)
	}
	w.keyCols = cols
	if err := w.find(&p.rest, cols, len(set.rows)); err != nil {
		return err
	}
	return w.sum(&p.rest, set)
}

// find sets index to the groups of n rows whose keys are cols.
func (w *columnWorker) find(g *columnGroups, cols []keyColumn, n int) error {
	hash := w.hash[:n]
	seed := uint64(0)
	for s, c := range cols {
		if c.same {
			seed += mix(c.ids[0], s)
		}
	}
	for i := range hash {
		hash[i] = seed
	}
	w.varying = w.varying[:0]
	key := append(w.groupKey[:0], make([]uint32, len(cols))...)
	w.groupKey = key
	for s, c := range cols {
		if c.same {
			key[s] = c.ids[0]
			continue
		}
		w.varying = append(w.varying, s)
		ids := c.ids[:n]
		for i := range hash {
			hash[i] += mix(ids[i], s)
		}
	}
	w.warmed = g.warm(hash)
	index := w.index[:n]
	for i := range index {
		for _, s := range w.varying {
			key[s] = cols[s].ids[i]
		}
		index[i] = g.find(hash[i], key)
	}
	if g.len() > w.run.limit {
		return errDecline // the row path names the column
	}
	return nil
}

// mix is what the id of a slot adds to a hash. Slots add up in any order, for
// which of them are the same all through a block differs from block to block.
func mix(id uint32, slot int) uint64 {
	hi, lo := bits.Mul64(uint64(id)+0x9e3779b97f4a7c15, 0x9fb21c651e98df25+uint64(slot)*0xc4ceb9fe1a85ec52)
	return hi ^ lo
}

// sum adds the amounts of a set to its groups, at index, and to the control
// totals, which go their own way from the decoded values on.
func (w *columnWorker) sum(g *columnGroups, set *rowSet) error {
	n := len(set.rows)
	index := w.index[:n]
	for i, row := range set.rows {
		g.counts[index[i]].rows++
		w.control[w.ctl[row]].m.Rows++
	}
	cost := w.cost[:n]
	clear(cost)
	for m := range Measure(NumMeasures) {
		col := w.plan.amount[m]
		if col < 0 {
			continue
		}
		dst := w.other[:n]
		if m == UnblendedCost {
			dst = cost
		}
		same, err := resolve(w, col, set, dst, &w.amounts[m], w.amountOf(col, m))
		if err != nil {
			return err
		}
		if m != UnblendedCost && m != NetUnblendedCost && same && dst[0].n.IsZero() {
			continue // most columns of most reports
		}
		w.count(g, set, m, dst)
		w.addUp(g, set, m, dst)
		if m == NetUnblendedCost && w.plan.have.Has(NetUnblendedCost) {
			for i := range dst {
				if dst[i].ok {
					dst[i] = amount{}
				} else {
					dst[i] = cost[i]
				}
			}
			w.addUp(g, set, UnblendedWhereNetBlank, dst)
		}
	}
	return w.reservations(g, set)
}

// count counts the cells whose presence matters.
func (w *columnWorker) count(g *columnGroups, set *rowSet, m Measure, cells []amount) {
	switch m {
	case UnblendedCost:
		for i := range cells {
			if !cells[i].ok {
				g.counts[w.index[i]].blank++
				w.control[w.ctl[set.rows[i]]].m.CostBlank++
			}
		}
	case NetUnblendedCost:
		for i := range cells {
			if cells[i].ok {
				g.counts[w.index[i]].net++
				w.control[w.ctl[set.rows[i]]].m.NetRows++
			}
		}
	}
}

// addUp adds cells to one measure.
func (w *columnWorker) addUp(g *columnGroups, set *rowSet, m Measure, cells []amount) {
	index := w.index[:len(cells)]
	if int(m) < denseMeasures {
		for i := range cells {
			g.dense[int(index[i])*denseMeasures+int(m)].Acc(cells[i].n)
		}
	} else {
		for i := range cells {
			if !cells[i].n.IsZero() {
				g.addSparse(int(index[i]), m, cells[i].n)
			}
		}
	}
	if w.ctlSame {
		var sum exact.Num
		for i := range cells {
			sum.Acc(cells[i].n)
		}
		w.control[w.ctl[0]].m.sums[m].Acc(sum)
		return
	}
	for i, row := range set.rows {
		w.control[w.ctl[row]].m.sums[m].Acc(cells[i].n)
	}
}

// reservations adds the fees of reservations.
func (w *columnWorker) reservations(g *columnGroups, set *rowSet) error {
	col := w.plan.text[fieldReservation]
	if col < 0 {
		return nil
	}
	types, vals := w.all[fieldType], w.dicts[fieldType].vals
	fee := func(row int32) bool { return vals[types[row]] == "Fee" }
	if !slices.ContainsFunc(set.rows, fee) {
		return nil
	}
	n := len(set.rows)
	named, dst := w.flags[:n], w.other[:n]
	_, err := resolve(w, col, set, named, &w.reserved, func(v *colscan.Value) (bool, error) {
		b, err := v.Text()
		return len(b) > 0, err
	})
	if err != nil {
		return err
	}
	clear(dst)
	for i, row := range set.rows {
		if named[i] && fee(row) {
			dst[i] = w.cost[i]
		}
	}
	w.addUp(g, set, ReservationFee, dst)
	return nil
}

// amountOf is the resolver of a cost or usage column.
func (w *columnWorker) amountOf(col int, m Measure) func(*colscan.Value) (amount, error) {
	double := w.plan.cols[col].Kind == colscan.Double
	zeroIsBlank := m == NetUnblendedCost && w.plan.netZero
	return func(v *colscan.Value) (a amount, err error) {
		if v.Null() {
			return a, nil
		}
		if double {
			x, err := v.Float()
			if err != nil {
				return a, err
			}
			if a.ok = true; x != 0 {
				a.n, err = exact.FromFloat(x)
			}
			if zeroIsBlank && a.n.IsZero() {
				a.ok = false
			}
			return a, err
		}
		b, err := v.Text()
		if err != nil || len(b) == 0 {
			return a, err
		}
		a.n, err = exact.Parse(b)
		a.ok = !(zeroIsBlank && a.n.IsZero())
		return a, err
	}
}
