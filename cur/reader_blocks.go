package cur

import (
	"context"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// blocks is how a Reader reads Parquet: column by column for a block of rows,
// which are then handed out one by one. A dictionary entry is looked at once,
// what is the same in the whole block is not looked at row by row, and what the
// predicate rules out is not decoded.
//
// It knows no errors of rows. Where anything is wrong, the Reader goes back to the
// first row of the block and goes on row by row, so that rows and errors are those
// of a reader without blocks, in the same order.
type blocks struct {
	rd   *Reader
	row  *row
	dec  *parquetDecoder
	ctx  context.Context
	scan colscan.Scanner

	// judge looks columns up for the predicate, all rows of a block ahead of the
	// first that is handed out: row cannot, for its look-ups go forwards only. Nil
	// where the sieve tells all.
	judge *row

	group int   // the row group being read; -1 before the first
	first int64 // the number in the file of its first row
	rows  int64 // that it has
	from  int64 // where the block begins in it
	base  int64 // where the next block does
	n     int   // rows of the block

	sel      []int32 // the rows of the block that are decoded; nil: all
	selected []int32
	order    []int32 // places of those handed out, among the decoded
	at       int     // the next of order to hand out
	counted  int     // of order, in control totals

	serial  int64    // of the block
	loaded  []loaded // by column
	tmpl    LineItem // what all rows of the block have in common, but for amounts
	texts   [numTextFields]blockTexts
	vary    []varying // the fields that differ from row to row
	varies  [numTextFields]bool
	amounts [NumMeasures]blockAmounts
	varyNum []varyingAmount
	floats  []float64
	null    []bool
	totals  []*Measures // by row decoded
	recent  []blockTotals
	iv      blockTimes[interval]
	start   blockTimes[time.Time]
	end     blockTimes[time.Time]
	period  blockTimes[Month]
	sieve   sieve
	product productMap
	unit    texts // of descriptions that are read for the unit alone

	lastStart time.Time
	lastMonth Month
}

// readerBlock is how many rows a block has: enough that what is done once a block
// does not count, few enough that their values stay in the processor's cache.
const readerBlock = 1024

// loaded says for which block a column was loaded last, and whether for all of its
// rows or for those decoded.
type loaded struct {
	serial int64
	all    bool
}

type varying struct {
	field int
	vals  []string
}

type varyingAmount struct {
	measure Measure
	zero    bool // in all rows, and there
	vals    []amount
}

// blockTotals are the control totals of rows of a key.
type blockTotals struct {
	key ControlKey
	m   *Measures
}

// blockTexts is a field of the rows of a block.
type blockTexts struct {
	vals  []string
	memo  colscan.Memo[string]
	texts *texts
}

// blockAmounts is a measure's column.
type blockAmounts struct {
	vals []amount
	memo colscan.Memo[amount]
}

// blockTimes is a column of times.
type blockTimes[T any] struct {
	vals []T
	same bool
	memo colscan.Memo[T]
}

// newBlocks returns nil for a file whose columns blocks do not know.
func newBlocks(r *Reader, d *parquetDecoder) *blocks {
	b := &blocks{rd: r, row: r.row, dec: d, ctx: r.ctx, group: -1}
	plain := func(col int) bool {
		switch {
		case col < 0:
			return true
		case d.cols[col].Kind == colscan.Map, d.cols[col].Kind == colscan.DoubleMap, d.cols[col].Kind == colscan.Other:
			return false
		}
		return true
	}
	cols := []int{b.row.interval, b.row.start, b.row.end, b.row.period, b.row.region, b.row.left.description}
	cols = append(append(cols, b.row.text[:]...), b.row.amount[:]...)
	for _, c := range cols {
		if !plain(c) {
			return nil
		}
	}
	if !b.product.plan(b) {
		return nil
	}
	for i := range b.texts {
		if c := b.row.text[i]; c >= 0 {
			b.texts[i].texts = &d.texts[c]
		} else {
			b.texts[i].texts = new(texts)
		}
	}
	b.loaded = make([]loaded, len(d.cols))
	b.floats, b.null = make([]float64, readerBlock), make([]bool, readerBlock)
	b.totals = make([]*Measures, readerBlock)
	b.sieve.plan(b.row, r.where)
	if !b.sieve.exact {
		judge := *b.row
		judge.dec = newParquet(b.ctx, d.file)
		b.judge = &judge
	}
	return b
}

// next reads blocks until one has a row to hand out; false at the end.
func (b *blocks) next() (ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			ok, err = false, errDecline
		}
	}()
	for {
		if err := b.ctx.Err(); err != nil {
			return false, err
		}
		b.order, b.at, b.counted, b.from = b.order[:0], 0, 0, b.base
		if b.base < b.rows {
			b.n = int(min(readerBlock, b.rows-b.base))
			b.base += int64(b.n)
			if err := b.load(); err != nil {
				b.order = b.order[:0]
				return false, err
			}
			if len(b.order) > 0 {
				return true, nil
			}
			continue
		}
		if b.group >= 0 {
			if err := b.scan.End(b.ctx); err != nil {
				return false, err
			}
		}
		if b.group+1 == b.dec.file.NumRowGroups() {
			return false, b.ended()
		}
		b.group++
		b.first += b.rows
		b.rows, b.base = b.scan.Begin(b.dec.file, b.group), 0
		b.product.begin()
	}
}

// ended checks the end of the file, as the decoders do that serve look-ups.
func (b *blocks) ended() error {
	b.first += b.rows
	b.rows, b.base, b.from = 0, 0, 0
	if b.first != b.dec.file.NumRows() {
		return errDecline
	}
	serving := []*parquetDecoder{b.dec}
	if b.judge != nil {
		serving = append(serving, b.judge.dec.(*parquetDecoder))
	}
	for _, d := range serving {
		if d.rows.Index() < 0 || b.first == 0 {
			continue // nothing was looked up
		}
		d.n = b.first
		if err := d.reach(); err != nil {
			return err
		}
		if d.rows.Next(b.ctx) || d.rows.Err() != nil {
			return errDecline
		}
	}
	return nil
}

// leave puts the decoder before the first row that was not handed out, and
// returns how many rows are before it.
func (b *blocks) leave() int64 {
	at := b.first + b.from
	b.dec.n = at
	if at > 0 && b.dec.reach() == nil {
		// The decoder checks the columns that it has read.
		var li LineItem
		b.row.n = at
		_ = b.row.fill(&li)
		b.row.err = nil
	}
	b.scan.Close()
	return at
}

// load reads the current block.
func (b *blocks) load() error {
	b.serial++
	b.tmpl = LineItem{row: b.row}
	b.vary, b.varyNum, b.varies = b.vary[:0], b.varyNum[:0], [numTextFields]bool{}
	if err := b.sieve.sift(b); err != nil {
		return err
	}
	n := b.decoded()
	if n == 0 {
		return nil
	}
	for i := range b.texts {
		if err := b.text(i, n); err != nil {
			return err
		}
	}
	for m := range b.amounts {
		if err := b.amount(Measure(m), n); err != nil {
			return err
		}
	}
	if err := b.times(n); err != nil {
		return err
	}
	if err := b.derive(n); err != nil {
		return err
	}
	return b.filter(n)
}

func (b *blocks) close() error {
	b.scan.Close()
	b.order, b.at, b.counted = nil, 0, 0
	if b.judge != nil {
		return b.judge.dec.close()
	}
	return nil
}

// decoded is how many rows of the block are decoded.
func (b *blocks) decoded() int {
	if b.sel == nil {
		return b.n
	}
	return len(b.sel)
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

// blockValues resolves a column for the rows decoded.
func blockValues[T any](b *blocks, col, n int, dst *[]T, m *colscan.Memo[T], f func(*colscan.Value) (T, error)) (same bool, err error) {
	codes, pos, err := b.codes(col)
	if err != nil {
		return false, err
	}
	if *dst == nil {
		*dst = make([]T, readerBlock)
	}
	return codes.Same(), colscan.Resolve(codes, pos, (*dst)[:n], m, f)
}

// of makes strings of a column's values.
func (t *texts) value(v *colscan.Value) (string, error) {
	s, err := v.Text()
	switch {
	case err != nil || len(s) == 0:
		return "", err
	case v.Listed():
		return t.of(s), nil
	}
	return t.once(s), nil
}

func (b *blocks) text(field, n int) error {
	col := b.row.text[field]
	if col < 0 {
		return nil
	}
	t := &b.texts[field]
	same, err := blockValues(b, col, n, &t.vals, &t.memo, t.texts.value)
	if err != nil {
		return err
	}
	b.settle(field, same)
	return nil
}

// settle notes whether a field, whose values were read, differs from row to row.
func (b *blocks) settle(field int, same bool) {
	t := &b.texts[field]
	if same {
		b.tmpl.put(field, t.vals[0])
	} else {
		b.vary = append(b.vary, varying{field, t.vals})
		b.varies[field] = true
	}
}

// common reports whether all rows decoded have one value in a field.
func (b *blocks) common(field int) bool { return !b.varies[field] }

// value returns a field of a row decoded.
func (b *blocks) value(field, i int) string {
	if b.common(field) {
		return *textFields[field].of(&b.tmpl)
	}
	return b.texts[field].vals[i]
}

// amount reads the column of a measure.
func (b *blocks) amount(m Measure, n int) error {
	col := b.row.amount[m]
	if col < 0 {
		return nil
	}
	codes, pos, err := b.codes(col)
	if err != nil {
		return err
	}
	a := &b.amounts[m]
	if a.vals == nil {
		a.vals = make([]amount, readerBlock)
	}
	double := b.dec.cols[col].Kind == colscan.Double
	vals, zeroIsBlank := a.vals[:n], m == NetUnblendedCost && b.row.netZero
	if floats, null := b.floats[:n], b.null[:n]; !codes.Same() && codes.Floats(pos, floats, null) {
		for i, x := range floats {
			switch {
			case null[i] || x == 0 && zeroIsBlank:
				vals[i].ok = false
				continue
			case x == 0:
				vals[i].n = exact.Num{}
			default:
				if vals[i].n, err = exact.FromFloat(x); err != nil {
					return err
				}
			}
			vals[i].ok = true
		}
	} else {
		err := colscan.Resolve(codes, pos, vals, &a.memo, func(v *colscan.Value) (out amount, err error) {
			if out, err = amountOf(v, double); zeroIsBlank && out.n.IsZero() {
				out.ok = false
			}
			return out, err
		})
		if err != nil {
			return err
		}
	}
	if !codes.Same() || vals[0].ok {
		b.varyNum = append(b.varyNum, varyingAmount{m, codes.Same() && vals[0].n.IsZero(), a.vals})
	}
	return nil
}

// times reads the times of the rows decoded, and finds their billing periods.
func (b *blocks) times(n int) (err error) {
	r := b.row
	b.iv.same, b.start.same, b.end.same, b.period.same = true, true, true, true
	if c := r.interval; c >= 0 {
		if b.iv.same, err = blockValues(b, c, n, &b.iv.vals, &b.iv.memo, b.intervalOf); err != nil {
			return err
		}
		if b.iv.same {
			b.tmpl.IntervalStart, b.tmpl.IntervalEnd = b.iv.vals[0].start, b.iv.vals[0].end
		}
	}
	at := func(c int, t *blockTimes[time.Time], to *time.Time) (err error) {
		if c < 0 {
			return nil
		}
		t.same, err = blockValues(b, c, n, &t.vals, &t.memo, func(v *colscan.Value) (time.Time, error) { return b.timeOf(c, v) })
		if err == nil && t.same {
			*to = t.vals[0]
		}
		return err
	}
	if err := at(r.start, &b.start, &b.tmpl.UsageStart); err != nil {
		return err
	}
	if err := at(r.end, &b.end, &b.tmpl.UsageEnd); err != nil {
		return err
	}
	if !r.left.times {
		if err := b.timed(n); err != nil {
			return err
		}
	}
	c := r.period
	if c < 0 {
		return nil
	}
	b.period.same, err = blockValues(b, c, n, &b.period.vals, &b.period.memo, func(v *colscan.Value) (Month, error) {
		t, err := b.timeOf(c, v)
		if err == nil && t.IsZero() {
			err = errBlankPeriod
		}
		if err != nil {
			return Month{}, err
		}
		return MonthOf(t), nil
	})
	if err == nil && b.period.same {
		b.tmpl.BillingPeriod = b.period.vals[0]
	}
	return err
}

// timed checks that every row has a time, and takes the billing period from it
// where the report has none.
func (b *blocks) timed(n int) error {
	months := b.row.period < 0
	if b.iv.same && !b.tmpl.IntervalStart.IsZero() || b.iv.same && b.start.same {
		t := b.tmpl.IntervalStart
		if t.IsZero() {
			t = b.tmpl.UsageStart
		}
		if t.IsZero() {
			return errNoTime
		}
		if months {
			b.tmpl.BillingPeriod = MonthOf(t)
		}
		return nil
	}
	if months && b.period.vals == nil {
		b.period.vals = make([]Month, readerBlock)
	}
	b.period.same = !months
	for i := range n {
		t := b.tmpl.IntervalStart
		if !b.iv.same {
			t = b.iv.vals[i].start
		}
		if t.IsZero() {
			if t = b.tmpl.UsageStart; !b.start.same {
				t = b.start.vals[i]
			}
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

// filter chooses the rows to hand out: those of the decoded that pass also what
// the sieve cannot judge.
func (b *blocks) filter(n int) error {
	for i := range int32(n) {
		b.order = append(b.order, i)
	}
	if b.sieve.exact {
		return nil
	}
	var li LineItem
	passed := b.order[:0]
	for i := range n {
		b.fill(&li, i)
		li.row, b.judge.n = b.judge, b.row.n
		b.judge.dec.(*parquetDecoder).n = b.row.n
		if b.rd.where.match(&li) {
			passed = append(passed, int32(i))
		}
		if b.judge.err != nil {
			return errDecline
		}
	}
	b.order = passed
	return nil
}

// give hands out the next row.
func (b *blocks) give(li *LineItem) {
	i := int(b.order[b.at])
	b.at++
	b.fill(li, i)
	b.rd.n = b.row.n
}

// fill makes li the decoded row i.
func (b *blocks) fill(li *LineItem, i int) {
	row := b.first + b.from + int64(i) + 1
	if b.sel != nil {
		row += int64(b.sel[i]) - int64(i)
	}
	b.row.n, b.dec.n = row, row
	li.begin(&b.tmpl)
	for k := range b.vary {
		v := &b.vary[k]
		li.put(v.field, v.vals[i])
	}
	for k := range b.varyNum {
		v := &b.varyNum[k]
		if v.zero {
			li.amounts[v.measure] = exact.Num{}
			li.present |= 1 << v.measure
		} else if a := &v.vals[i]; a.ok {
			li.amounts[v.measure] = a.n
			li.present |= 1 << v.measure
		}
	}
	if !b.iv.same {
		li.IntervalStart, li.IntervalEnd = b.iv.vals[i].start, b.iv.vals[i].end
	}
	if !b.start.same {
		li.UsageStart = b.start.vals[i]
	}
	if !b.end.same {
		li.UsageEnd = b.end.vals[i]
	}
	if !b.period.same {
		li.BillingPeriod = b.period.vals[i]
	}
}

// count adds the rows handed out since the last call to the control totals.
func (b *blocks) count() {
	rows := b.order[b.counted:b.at]
	b.counted = b.at
	if len(rows) == 0 {
		return
	}
	b.recent = b.recent[:0]
	same := b.common(fieldPayer) && b.common(fieldCurrency) && b.common(fieldType) && b.period.same
	for k, i := range rows {
		if same && k > 0 {
			b.totals[i] = b.totals[rows[0]]
		} else {
			b.totals[i] = b.total(int(i))
		}
		b.totals[i].Rows++
	}
	var cost, net []amount
	for _, v := range b.varyNum {
		switch v.measure {
		case UnblendedCost:
			cost = v.vals
		case NetUnblendedCost:
			net = v.vals
		}
		if v.zero {
			continue
		}
		for _, i := range rows {
			if a := &v.vals[i]; a.ok && !a.n.IsZero() {
				b.totals[i].sums[v.measure].Acc(a.n)
			}
		}
	}
	netBlank, fees := b.rd.have.Has(UnblendedWhereNetBlank), b.rd.have.Has(ReservationFee) &&
		!(b.common(fieldReservation) && b.tmpl.Reservation == "")
	for _, i := range rows {
		t := b.totals[i]
		hasNet := net != nil && net[i].ok
		if hasNet {
			t.NetRows++
		}
		if cost == nil || !cost[i].ok {
			t.CostBlank++
			continue
		}
		if netBlank && !hasNet {
			t.sums[UnblendedWhereNetBlank].Acc(cost[i].n)
		}
		if fees && b.value(fieldType, int(i)) == "Fee" && b.value(fieldReservation, int(i)) != "" {
			t.sums[ReservationFee].Acc(cost[i].n)
		}
	}
}

// total returns the control totals of a row decoded.
func (b *blocks) total(i int) *Measures {
	k := ControlKey{b.value(fieldPayer, i), b.tmpl.BillingPeriod, b.value(fieldCurrency, i), b.value(fieldType, i)}
	if !b.period.same {
		k.BillingPeriod = b.period.vals[i]
	}
	for j := range b.recent {
		if b.recent[j].key == k {
			return b.recent[j].m
		}
	}
	m := b.rd.totals(&k)
	if len(b.recent) < 16 {
		b.recent = append(b.recent, blockTotals{k, m})
	}
	return m
}
