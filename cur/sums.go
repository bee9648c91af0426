package cur

import "github.com/spendclaim/spendclaim/internal/exact"

// sumTable holds the measures of numbered groups. A group costs its counts and
// the measures that most AI rows have: 64 bytes without a pointer, one line of the
// processor's cache and nothing to the collector, and growing copies none of them.
// Other measures, and what is no small number of package exact, are kept apart.
type sumTable struct {
	slabs  [][]sumRow // of slabRows each, but for the last
	more   map[sumAt]exact.Num
	inMore MeasureSet // the measures there
}

// sumAt is a measure of a group.
type sumAt struct {
	group   uint32
	measure Measure
}

type sumRow struct {
	sums             [denseMeasures]int64 // small numbers
	rows, net, blank int64
}

const (
	slabShift = 9
	slabRows  = 1 << slabShift
)

func (t *sumTable) len() int {
	if len(t.slabs) == 0 {
		return 0
	}
	return (len(t.slabs)-1)<<slabShift + len(t.slabs[len(t.slabs)-1])
}

func (t *sumTable) at(i int) *sumRow { return &t.slabs[i>>slabShift][i&(slabRows-1)] }

// grow adds a group and returns its number.
func (t *sumTable) grow() int {
	n := t.len()
	switch {
	case n == 0:
		t.slabs = append(t.slabs, make([]sumRow, 0, 1)) // many partials have few groups
	case n&(slabRows-1) == 0:
		t.slabs = append(t.slabs, fresh[sumRow](slabRows)[:0])
	}
	last := &t.slabs[len(t.slabs)-1]
	if n < slabRows && len(*last) == cap(*last) {
		bigger := make([]sumRow, n, min(2*n, slabRows))
		copy(bigger, *last)
		*last = bigger
	}
	*last = append(*last, sumRow{})
	return n
}

// extend adds groups until there are n.
func (t *sumTable) extend(n int) {
	for have := t.len(); have < n; have = t.len() {
		if have == 0 || cap(t.slabs[len(t.slabs)-1]) == len(t.slabs[len(t.slabs)-1]) {
			t.grow()
			continue
		}
		last := &t.slabs[len(t.slabs)-1] // what follows in its memory is zero
		*last = (*last)[:min(len(*last)+n-have, cap(*last))]
	}
}

// arrange puts the group order[i] at place i, for all i. Groups change places in the
// memory they have, so that no second table is needed; order is spent.
func (t *sumTable) arrange(order []uint32) {
	t.renumber(order)
	for first := range order {
		if int(order[first]) == first {
			continue
		}
		// Around a circle of places: into each goes what it is to have.
		row := *t.at(first)
		at := first
		for {
			from := int(order[at])
			order[at] = uint32(at)
			if from == first {
				break
			}
			*t.at(at) = *t.at(from)
			at = from
		}
		*t.at(at) = row
	}
}

// add adds to one measure of a group.
func (t *sumTable) add(i int, m Measure, n exact.Num) {
	if int(m) < denseMeasures {
		if v, ok := n.Small(); ok {
			t.at(i).add(t, i, m, v)
			return
		}
	}
	t.addMore(i, m, n)
}

// add adds a small number to the sum of a group whose row r is.
func (r *sumRow) add(t *sumTable, i int, m Measure, v int64) {
	sum, ok := exact.AddSmall(r.sums[m], v)
	if !ok {
		t.addMore(i, m, exact.FromSmall(v))
		return
	}
	r.sums[m] = sum
}

// addMore adds what has no room in the group's row.
func (t *sumTable) addMore(i int, m Measure, n exact.Num) {
	if n.IsZero() {
		return
	}
	if t.more == nil {
		t.more = make(map[sumAt]exact.Num)
	}
	t.inMore = t.inMore.with(m)
	at := sumAt{uint32(i), m}
	t.more[at] = t.more[at].Add(n)
}

// addAll adds measures to a group.
func (t *sumTable) addAll(i int, m *Measures) {
	r := t.at(i)
	r.rows += m.Rows
	r.net += m.NetRows
	r.blank += m.CostBlank
	for j := range m.sums {
		if !m.sums[j].IsZero() {
			t.add(i, Measure(j), m.sums[j])
		}
	}
}

// sum returns one measure of a group.
func (t *sumTable) sum(i int, m Measure) (n exact.Num) {
	if int(m) < denseMeasures {
		n = exact.FromSmall(t.at(i).sums[m])
	}
	if t.inMore.Has(m) {
		n.Acc(t.more[sumAt{uint32(i), m}])
	}
	return n
}

// measures copies all measures of a group.
func (t *sumTable) measures(i int) Measures {
	r := t.at(i)
	m := Measures{Rows: r.rows, NetRows: r.net, CostBlank: r.blank}
	for j, v := range r.sums {
		m.sums[j] = exact.FromSmall(v)
	}
	if t.inMore != 0 {
		for j := range m.sums {
			if t.inMore.Has(Measure(j)) {
				m.sums[j].Acc(t.more[sumAt{uint32(i), Measure(j)}])
			}
		}
	}
	return m
}

// total adds up the measures of the groups from i to before end.
func (t *sumTable) total(i, end int) (m Measures) {
	var s sumRow
	overflow := int64(0) // negative once a sum was no small number; told at the end, not row by row
	for n := i; n < end; {
		rows := t.slabs[n>>slabShift][n&(slabRows-1):]
		rows = rows[:min(len(rows), end-n)]
		for k := range rows {
			r := &rows[k]
			s.rows += r.rows
			s.net += r.net
			s.blank += r.blank
			for j := range r.sums {
				sum := s.sums[j] + r.sums[j]
				overflow |= (s.sums[j] ^ sum) & (r.sums[j] ^ sum)
				s.sums[j] = sum
			}
		}
		n += len(rows)
	}
	m.Rows, m.NetRows, m.CostBlank = s.rows, s.net, s.blank
	for j, v := range s.sums {
		if m.sums[j] = exact.FromSmall(v); overflow < 0 {
			m.sums[j] = exact.Num{}
			for n := i; n < end; n++ {
				m.sums[j].Acc(exact.FromSmall(t.at(n).sums[j]))
			}
		}
	}
	for j := range m.sums {
		for n := i; n < end && t.inMore.Has(Measure(j)); n++ {
			m.sums[j].Acc(t.more[sumAt{uint32(n), Measure(j)}])
		}
	}
	return m
}

// addFrom adds group j of another table.
func (t *sumTable) addFrom(i int, from *sumTable, j int) {
	r, s := t.at(i), from.at(j)
	r.rows += s.rows
	r.net += s.net
	r.blank += s.blank
	for m := range s.sums {
		r.add(t, i, Measure(m), s.sums[m])
	}
	t.addMoreFrom(i, from, j)
}

// appendFrom adds a group that has what group j of another table has.
func (t *sumTable) appendFrom(from *sumTable, j int) {
	i := t.grow()
	*t.at(i) = *from.at(j)
	t.addMoreFrom(i, from, j)
}

// addMoreFrom adds what another table keeps apart of its group j.
func (t *sumTable) addMoreFrom(i int, from *sumTable, j int) {
	if from.inMore == 0 {
		return
	}
	for m := range Measure(NumMeasures) {
		if from.inMore.Has(m) {
			t.addMore(i, m, from.more[sumAt{uint32(j), m}])
		}
	}
}

// renumber renumbers what is kept apart of groups: order[i] becomes i.
func (t *sumTable) renumber(order []uint32) {
	if len(t.more) == 0 {
		return
	}
	rank := ranks(order)
	more := make(map[sumAt]exact.Num, len(t.more))
	for at, n := range t.more {
		more[sumAt{rank[at.group], at.measure}] = n
	}
	t.more = more
}

// rows sets dst to the rows of some groups, and reads a little of each: the processor
// waits for many of them at once, and has them when they are added to. The result
// means nothing.
func (t *sumTable) rows(dst []*sumRow, groups []uint32) (warm int64) {
	slabs, dst := t.slabs, dst[:len(groups)]
	for i, g := range groups {
		r := &slabs[g>>slabShift][g&(slabRows-1)]
		dst[i] = r
		warm += r.rows
	}
	return warm
}
