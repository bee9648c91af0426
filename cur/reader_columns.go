package cur

import (
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// column is a column of the rows decoded: for each row a place in a table of the
// few values there are, which is mostly the dictionary's. A value is so looked at
// once, where its row is handed out.
type column[T any] struct {
	same    bool // all rows have one
	one     T
	table   []T
	refs    []uint32
	listed  bool // the table is the dictionary's, and has null last
	blank   bool // some value that is not null was blank; only times say so
	vals    []T  // a table of the column's own
	spare   []T
	memo    colscan.Memo[T]
	buf     []uint32
	resolve func(*colscan.Value) (T, error)
}

// at returns the value of row i.
func (c *column[T]) at(i int) T {
	if c.same {
		return c.one
	}
	return c.table[c.refs[i]]
}

// load reads the column of a place in the file.
func (c *column[T]) load(b *blocks, col, n int) error {
	codes, pos, err := b.codes(col)
	if err != nil {
		return err
	}
	b.dec.texts[col].many = codes.Size() > manyTexts
	return c.read(b, codes, pos, n, b.every)
}

// read resolves the values of the n rows decoded; every says that the dictionary is
// about this column alone, and all of it will be needed.
func (c *column[T]) read(b *blocks, codes *colscan.Codes, pos []int32, n int, every bool) (err error) {
	if c.same = codes.Same(); c.same {
		var one [1]T
		err = colscan.Resolve(codes, nil, one[:], &c.memo, c.resolve)
		c.one = one[0]
		return err
	}
	if c.buf == nil {
		c.buf = make([]uint32, readerBlock)
	}
	c.refs = c.buf[:n]
	every = every || codes.Size() <= manyTexts // which costs next to nothing
	table, ok, err := colscan.Table(codes, pos, c.refs, every, &c.memo, c.resolve)
	if c.listed = ok; ok || err != nil {
		c.table = table
		return err
	}
	c.own(b, n)
	return colscan.Resolve(codes, pos, c.table, &c.memo, c.resolve)
}

// own makes the table one of n values of the column's own, a value to a row.
func (c *column[T]) own(b *blocks, n int) {
	c.room()
	c.same, c.listed, c.table, c.refs = false, false, c.vals[:n], b.places.refs[:n]
}

func (c *column[T]) room() {
	if c.vals == nil {
		c.vals = make([]T, readerBlock)
	}
}

// full reports whether surely no row is blank.
func (c *column[T]) full() bool {
	if c.same || c.blank || !c.listed {
		return false
	}
	most := uint32(0)
	for _, ref := range c.refs {
		most = max(most, ref)
	}
	return int(most) < len(c.table)-1
}

// value makes strings of a column's values.
func (t *texts) value(v *colscan.Value) (string, error) {
	s, err := v.Text()
	switch {
	case err != nil || len(s) == 0:
		return "", err
	case v.Listed() && t.many:
		return t.copy(s), nil // as soon as look it up
	case v.Listed():
		return t.of(s), nil
	}
	return t.once(s), nil
}

// codes loads a column for the rows decoded, once.
func (b *blocks) codes(col int) (c *colscan.Codes, pos []int32, err error) {
	v, err := b.scan.Column(col)
	if err != nil {
		return nil, nil, err
	}
	if l := &b.loaded[col]; l.serial != b.serial {
		*l = loaded{serial: b.serial}
		err = v.Load(b.ctx, b.from, b.sel, b.n)
	} else if l.all {
		pos = b.sel
	}
	return &v.Codes, pos, err
}

// blockAmounts is a measure's column.
type blockAmounts struct {
	cells
	some  bool // there are vals; else all are 0 or blank
	large bool // some of vals are not below maxTallied
	memo  colscan.Memo[amount]
	other []amount // for what has to be resolved
}

// amount reads the column of a measure.
func (b *blocks) amount(m Measure, n int) error {
	a, bit := &b.amounts[m], uint32(1)<<m
	a.m, a.some, a.large = m, false, false
	col := b.row.amount[m]
	if col < 0 {
		return nil
	}
	if a.mem == nil {
		a.mem = make([]int64, readerBlock)
	}
	v, err := b.scan.Column(col)
	if err != nil {
		return err
	}
	rows := b.sel
	if rows == nil {
		rows = b.places.rows[:n]
	}
	floats, null := b.floats[:n], b.null[:n]
	read, err := v.LoadFloats(b.ctx, b.from, rows, 0, floats, null)
	if err != nil {
		return err
	}
	codes, pos := &v.Codes, []int32(nil)
	if !read {
		if codes, pos, err = b.codes(col); err != nil {
			return err
		}
	}
	double := b.dec.cols[col].Kind == colscan.Double
	zeroIsBlank := m == NetUnblendedCost && b.row.netZero
	resolve := func(v *colscan.Value) (out amount, err error) {
		if out, err = amountOf(v, double); zeroIsBlank && out.n.IsZero() {
			out.ok = false
		}
		return out, err
	}
	if codes.Same() {
		var one [1]amount
		if err := colscan.Resolve(codes, nil, one[:], &a.memo, resolve); err != nil || !one[0].ok {
			return err
		}
		b.all |= bit
		b.some |= bit
		if a.some = !one[0].n.IsZero(); a.some {
			a.begin(n)
			for i := range a.vals {
				a.set(i, one[0].n)
			}
		}
		return nil
	}
	a.begin(n)
	a.some = true
	if !read {
		return b.resolveAmounts(a, codes, pos, resolve)
	}
	for i, x := range floats {
		v, ok := exact.SmallFromFloat(x)
		if a.vals[i] = v; !ok {
			n, err := exact.FromFloat(x)
			if err != nil {
				return err
			}
			a.set(i, n)
		}
	}
	if zeroIsBlank {
		for i, x := range floats {
			null[i] = x == 0
		}
	}
	b.there(bit, null)
	return nil
}

// set sets the amount of a row decoded.
func (a *blockAmounts) set(i int, n exact.Num) {
	a.put(i, n)
	a.large = a.large || a.vals[i] > maxTallied || a.vals[i] < -maxTallied
}

// resolveAmounts is for columns that are no doubles.
func (b *blocks) resolveAmounts(a *blockAmounts, codes *colscan.Codes, pos []int32, resolve func(*colscan.Value) (amount, error)) error {
	null := b.null[:len(a.vals)]
	if a.other == nil {
		a.other = make([]amount, readerBlock)
	}
	vals := a.other[:len(a.vals)]
	if err := colscan.Resolve(codes, pos, vals, &a.memo, resolve); err != nil {
		return err
	}
	for i := range vals {
		a.set(i, vals[i].n)
		null[i] = !vals[i].ok
	}
	b.there(1<<a.m, null)
	return nil
}

// there notes which rows have a cell of a measure.
func (b *blocks) there(bit uint32, null []bool) {
	blanks := 0
	for _, is := range null {
		if is {
			blanks++
		}
	}
	switch {
	case blanks == 0:
		b.all |= bit
		b.some |= bit
		return
	case blanks == len(null):
		return
	case b.all == b.some: // the first
		clear(b.present)
	}
	b.some |= bit
	for i, is := range null {
		if !is {
			b.present[i] |= bit
		}
	}
}

// times reads the times of the rows decoded, and finds their billing periods.
func (b *blocks) times(n int) (err error) {
	r := b.row
	b.iv.same, b.start.same, b.end.same, b.period.same = true, true, true, true
	if r.interval >= 0 {
		err = b.iv.load(b, r.interval, n)
	}
	if err == nil && r.start >= 0 {
		err = b.start.load(b, r.start, n)
	}
	if err == nil && r.end >= 0 {
		err = b.end.load(b, r.end, n)
	}
	if err == nil && !r.left.times {
		err = b.timed(n)
	}
	if err == nil && r.period >= 0 {
		err = b.period.load(b, r.period, n)
	}
	return err
}

// timed checks that every row has a time, and takes the billing period from it
// where the report has none.
func (b *blocks) timed(n int) error {
	months := b.row.period < 0
	if b.iv.same && (b.start.same || !b.iv.one.start.IsZero()) {
		t := b.iv.one.start
		if t.IsZero() {
			t = b.start.one
		}
		if t.IsZero() {
			return errNoTime
		}
		if months {
			b.period.one = MonthOf(t)
		}
		return nil
	}
	if !months && (b.iv.full() || b.start.full()) {
		return nil
	}
	if months {
		b.period.own(b, n)
	}
	for i := range n {
		t := b.iv.at(i).start
		if t.IsZero() {
			t = b.start.at(i)
		}
		if t.IsZero() {
			return errNoTime
		}
		if months {
			if t != b.lastStart {
				b.lastStart, b.lastMonth = t, MonthOf(t)
			}
			b.period.vals[i] = b.lastMonth
		}
	}
	return nil
}

// monthOf reads a billing period.
func (b *blocks) monthOf(v *colscan.Value) (Month, error) {
	t, err := b.timeOf(b.row.period, v)
	if err == nil && t.IsZero() {
		err = errBlankPeriod
	}
	if err != nil {
		return Month{}, err
	}
	return MonthOf(t), nil
}
