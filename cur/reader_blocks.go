package cur

import (
	"context"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
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

	places *rowPlaces
	group  int   // the row group being read; -1 before the first
	first  int64 // the number in the file of its first row
	rows   int64 // that it has
	from   int64 // where the block begins in it
	base   int64 // where the next block does
	n      int   // rows of the block

	sel      []int32 // the rows of the block that are decoded; nil: all
	selected []int32
	order    []int32 // those handed out, as numbers among the decoded
	passed   []int32
	blank    []int32
	every    bool // all rows are
	at       int  // the next of order to hand out
	counted  int  // of order, in control totals

	serial  int64    // of the block
	loaded  []loaded // by column
	texts   [numTextFields]column[string]
	iv      column[interval]
	start   column[time.Time]
	end     column[time.Time]
	period  column[Month]
	amounts [NumMeasures]blockAmounts
	floats  []float64
	null    []bool
	all     uint32   // the measures whose cells are there in all rows decoded
	some    uint32   // those whose cells are there in some
	present []uint32 // by row decoded
	sieve   sieve
	product productMap
	unit    texts // of descriptions that are read for the unit alone
	batch   batch
	tally   tally
	probe   [1]LineItem // a row that is looked at and not handed out

	lastStart time.Time
	lastMonth Month
}

// readerBlock is how many rows a block has: enough that what is done once a block
// does not count, few enough that their values stay in the processor's cache.
const readerBlock = 2048

// rowPlaces are the places of the rows of a block.
type rowPlaces struct {
	rows [readerBlock]int32
	refs [readerBlock]uint32
}

// loaded says for which block a column was loaded last, and whether for all of its
// rows or for those decoded.
type loaded struct {
	serial int64
	all    bool
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
			b.texts[i].resolve = d.texts[c].value
		}
	}
	b.iv.resolve = func(v *colscan.Value) (interval, error) {
		iv, err := b.intervalOf(v)
		b.iv.blank = b.iv.blank || iv.start.IsZero() && !v.Null()
		return iv, err
	}
	b.start.resolve = func(v *colscan.Value) (time.Time, error) {
		t, err := b.timeOf(b.row.start, v)
		b.start.blank = b.start.blank || t.IsZero() && !v.Null()
		return t, err
	}
	b.end.resolve = func(v *colscan.Value) (time.Time, error) { return b.timeOf(b.row.end, v) }
	b.period.resolve = b.monthOf
	b.loaded = make([]loaded, len(d.cols))
	b.floats, b.null, b.present = make([]float64, readerBlock), make([]bool, readerBlock), make([]uint32, readerBlock)
	b.row.blocks = b
	b.places, b.blank = new(rowPlaces), make([]int32, readerBlock)
	for i := range b.places.rows {
		b.places.rows[i], b.places.refs[i] = int32(i), uint32(i)
	}
	b.sieve.plan(b.row, r.where)
	b.every = len(r.where) == 0
	if !b.sieve.exact {
		judge := *b.row
		judge.blocks = nil
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
		b.order, b.at, b.counted, b.from = nil, 0, 0, b.base
		if b.base < b.rows {
			b.n = int(min(readerBlock, b.rows-b.base))
			b.base += int64(b.n)
			if err := b.load(); err != nil {
				b.order = nil
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
	b.row.blocks = nil
	return at
}

// load reads the current block.
func (b *blocks) load() error {
	b.serial++
	if err := b.sieve.sift(b); err != nil {
		return err
	}
	n := b.decoded()
	if n == 0 {
		return nil
	}
	for i := range b.texts {
		c := &b.texts[i]
		c.same, c.one = true, ""
		if col := b.row.text[i]; col >= 0 {
			if err := c.load(b, col, n); err != nil {
				return err
			}
		}
	}
	b.all, b.some = 0, 0
	for m := range Measure(NumMeasures) {
		if err := b.amount(m, n); err != nil {
			return err
		}
	}
	if err := b.times(n); err != nil {
		return err
	}
	if err := b.derive(n); err != nil {
		return err
	}
	b.batch.plan(b)
	return b.filter(n)
}

func (b *blocks) close() error {
	b.point()
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

// number returns the number in the file of a row decoded; 1 is the first.
func (b *blocks) number(i int) int64 {
	if b.sel != nil {
		i = int(b.sel[i])
	}
	return b.first + b.from + int64(i) + 1
}

// point moves the decoder that serves look-ups to the row handed out last.
func (b *blocks) point() {
	if b.at > 0 {
		b.row.n = b.number(int(b.order[b.at-1]))
		b.dec.n = b.row.n
	}
}

// filter chooses the rows to hand out: those of the decoded that pass also what
// the sieve cannot judge.
func (b *blocks) filter(n int) error {
	b.order = b.places.rows[:n]
	if !b.sieve.doubts {
		return nil
	}
	passed := b.passed[:0]
	for i := range n {
		row := i
		if b.sel != nil {
			row = int(b.sel[i])
		}
		if !b.sieve.doubted(row) {
			passed = append(passed, int32(i))
			continue
		}
		li := b.look(int32(i))
		b.judge.n = b.number(i)
		li.row, b.judge.dec.(*parquetDecoder).n = b.judge, b.judge.n
		if b.rd.where.match(li) {
			passed = append(passed, int32(i))
		}
		if b.judge.err != nil {
			return errDecline
		}
	}
	b.order, b.passed = passed, passed
	return nil
}
