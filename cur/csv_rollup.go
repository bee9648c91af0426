package cur

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// textFile rolls up a file of CSV.
type textFile struct {
	w    *columnWorker
	row  *row
	d    *csvDecoder
	s    *csvScanner
	have MeasureSet

	width, head int        // columns in all, and of the head
	kinds       []cellKind // by column
	heads       []cellSpan // of the head that say what is billed, but for the pivot
	inHead      []amountCell
	inTail      []amountCell
	measure     []int // by column: its place in inTail, or -1
	ways        []int // columns that declared ones are made of
	headWays    bool  // some of them are in the head
	who         cellNumbers
	anchors     []textAnchor // by number of who
	times       cellNumbers
	buckets     []timeBucket // by number of times
	late        bool         // the predicate asks for more than what is billed

	pivot cellNumbers
	found [][]*textHead // by number of the pivot
	held  int
	bytes int
	begin []byte // see begins
	begun int
	known int

	ctx      context.Context
	progress func(rows int64)
	n        int64
	carry    []byte // a record that goes on in the next block

	// The current row.
	at     *textHead
	other  []otherCell
	placed bool    // all cells of it are there
	one    []int32 // scratch
}

type amountCell struct {
	m   Measure
	col int
}

// newTextFile plans the reading of a file; nil where it has to be read by rows.
func newTextFile(w *columnWorker, rd *Reader) *textFile {
	d, r := rd.row.dec.(*csvDecoder), rd.row
	t := &textFile{w: w, row: r, d: d, s: d.s, have: rd.have, width: len(d.head), kinds: make([]cellKind, len(d.head)),
		measure: make([]int, len(d.head)), one: make([]int32, 0, 4), times: newCellNumbers(), pivot: newCellNumbers(), who: newCellNumbers()}
	mark := func(col int, k cellKind) {
		if col >= 0 {
			t.kinds[col] |= k
		}
	}
	for f, col := range r.text {
		switch f {
		case fieldAccount, fieldPrincipal, fieldResource, fieldDescription, fieldReservation:
			mark(col, cellOfOther)
		default:
			mark(col, cellOfLine)
		}
	}
	mark(r.period, cellOfLine)
	mark(r.product, cellOfLine)
	mark(r.region, cellOfLine)
	mark(r.interval, cellOfOther)
	mark(r.start, cellOfOther)
	mark(r.end, cellOfOther)
	for _, c := range w.run.spec.Columns {
		if f := fieldOf(c); f >= 0 {
			mark(r.text[f], cellOfWay)
			continue
		}
		for _, way := range r.resolve(c) {
			mark(way.col, cellOfWay)
		}
	}
	t.head = r.headSize()
	for col, k := range t.kinds {
		t.measure[col] = -1
		if n := len(t.heads); k&cellOfLine != 0 && col < t.head-1 {
			if n > 0 && t.heads[n-1].last == col-1 {
				t.heads[n-1].last = col
			} else {
				t.heads = append(t.heads, cellSpan{col, col})
			}
		}
		if k&cellOfWay != 0 {
			t.ways = append(t.ways, col)
			t.headWays = t.headWays || col < t.head
		}
	}
	for m, col := range r.amount {
		if col < 0 {
			continue
		}
		if t.kinds[col]&cellOfAmount != 0 {
			return nil // of two measures
		}
		mark(col, cellOfAmount)
		if a := (amountCell{Measure(m), col}); col < t.head {
			t.inHead = append(t.inHead, a)
		} else {
			t.measure[col] = len(t.inTail)
			t.inTail = append(t.inTail, a)
		}
	}
	for _, clause := range w.run.where {
		for _, c := range clause {
			if f := fieldOf(c.Column); f < 0 && c.Column != ColBillingPeriod || f >= 0 && r.text[f] >= 0 && t.kinds[r.text[f]]&cellOfLine == 0 {
				t.late = true
			}
		}
	}
	return t
}

// headSize returns how many columns make up the head: up to the usage type, or what
// stands in for it. In reports of AWS what follows hangs on it.
func (r *row) headSize() int {
	for _, f := range [...]int{fieldUsageType, fieldProduct} {
		if col := r.text[f]; col >= 0 {
			return col + 1
		}
	}
	return len(r.header)
}

// textUnit reads a file and counts its rows.
func (w *columnWorker) textUnit(ctx context.Context, f *columnFile, progress func(rows int64)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDecline, p)
		}
	}()
	t := newTextFile(w, f.rd)
	if t == nil {
		return errDecline
	}
	t.ctx, t.progress = ctx, progress
	f.rd.readAhead()
	defer f.rd.stopAhead()
	if w.text == nil {
		w.text = &textBlocks{newTextBlock(w), newTextBlock(w)}
	}
	if err := t.read(f.rd); err != nil {
		return textError(err)
	}
	if err := w.bookText(); err != nil {
		return err
	}
	return w.bookTextRest()
}

// read reads the rows of the file. The text comes in blocks, which are used where
// they are; the decoder has read the first of it already.
func (t *textFile) read(rd *Reader) error {
	t.s.fed = true
	err := t.rows()
	if t.s.err != nil { // there are no others
		return err
	}
	t.carry = append(t.carry, t.s.buf[t.s.pos:]...)
	if err == nil {
		err = feed(rd.text, func(b []byte) error {
			if rd.sum != nil {
				rd.sum.Write(b)
			}
			return t.block(b)
		})
	}
	if err != nil {
		return err
	}
	t.s.buf, t.s.pos, t.s.start, t.s.err = t.carry, 0, 0, io.EOF
	return t.rows()
}

// block reads the rows of a block, but for what there is at its end of a record that
// goes on.
func (t *textFile) block(b []byte) error {
	s := t.s
	for least := 0; len(t.carry) > 0 && len(b) > 0; {
		// As much as may end the record that began in the block before.
		n := bytes.IndexByte(b, '\n') + 1
		if n = max(n, least); n == 0 || n > len(b) {
			n = len(b)
		}
		t.carry, b = append(t.carry, b[:n]...), b[n:]
		s.buf, s.pos, s.start = t.carry, 0, 0
		if err := t.rows(); err != nil {
			return err
		}
		if s.pos == 0 {
			if least = len(t.carry); least > s.limit {
				return errDecline // the row path says how long is too long
			}
			continue
		}
		t.carry = t.carry[:copy(t.carry, t.carry[s.pos:])]
	}
	if len(b) == 0 {
		return nil
	}
	s.buf, s.pos, s.start = b, 0, 0
	if err := t.rows(); err != nil {
		return err
	}
	t.carry = append(t.carry, b[s.pos:]...)
	return nil
}

// rows reads the rows that the scanner's buffer holds all of.
func (t *textFile) rows() error {
	for ; ; t.n++ {
		if t.n&0x3ff == 0 {
			if err := t.ctx.Err(); err != nil {
				return err
			}
			t.forget()
			if t.n&0xffff == 0 && t.n > 0 {
				t.progress(t.n)
			}
		}
		switch err := t.next(); err {
		case nil:
		case errMore, io.EOF:
			return nil
		default:
			return err
		}
	}
}

// next reads and books a row.
func (t *textFile) next() error {
	whole, err := t.d.begin(t.head)
	if err != nil {
		return err
	}
	t.placed = whole
	l, err := t.find()
	if err != nil {
		return err
	}
	if l == nil {
		if !whole {
			if err := t.d.rest(); err != nil {
				return err
			}
		}
		t.placed = true
		if l, err = t.learn(); err != nil {
			return err
		}
	}
	use, err := t.useOf(l)
	if err != nil {
		return err
	}
	c := &t.w.control[l.ctl]
	c.rows++
	match := use.match
	if t.late {
		if match, err = t.matches(l, use); err != nil {
			return err
		}
	}
	switch {
	case match:
		c.matched++
		return t.book(l, use)
	case t.w.run.RestUnread:
		return nil
	}
	return t.bookRest(l, use)
}

// matches evaluates a predicate that asks for more than what is billed.
func (t *textFile) matches(l *textLine, u *lineUse) (bool, error) {
	li := *u.item
	for _, f := range [...]int{fieldAccount, fieldPrincipal, fieldResource, fieldDescription, fieldReservation} {
		if col := t.row.text[f]; col >= 0 {
			t.place(l, col)
			s, err := t.d.text(col)
			if err != nil {
				return false, err
			}
			li.put(f, s)
		}
	}
	for _, col := range t.ways {
		t.place(l, col)
	}
	ok := t.w.run.where.match(&li)
	return ok, t.row.err
}
