package cur

import (
	"bytes"
)

// This and the other csv_ files roll up CSV with the tables of the column path. A
// report says the same of every row of one line of the bill: the product, the rate,
// what reservations and savings plans come to. textFile remembers the lines it has
// seen as they were written. The first cells of a record, its head, are split, and
// those of them that say what is billed are numbered; they lead to the tails that
// such heads had. Where a tail is written again, but for a few cells that differ
// from row to row, nothing of it need be split, let alone understood. What a line
// means is worked out when it is first seen, by row, as on the row path.

// cellKind says what the cells of a column are to a rollup.
type cellKind uint8

const (
	cellOfLine   cellKind = 1 << iota // says what is billed
	cellOfAmount                      // of a measure
	cellOfWay                         // of a declared column
	cellOfOther                       // who is billed, and when
)

// cellSpan is columns that follow one another.
type cellSpan struct{ first, last int }

// textHead is what heads of some rows have in common: the cells that say what is
// billed, as they were written.
type textHead struct {
	cells [][]byte // by place in textFile.heads
	begin int      // what rows began with when it was found last: see textFile.begins
	lines []*textLine
}

// textLine is a line of the bill as it was written.
type textLine struct {
	tail []byte   // with the line break; nil: it is not looked for
	ends []uint16 // of its cells, in tail
	at   []uint16 // by eight bytes of tail: the first of its cells that ends there or later

	item      *LineItem // what says what is billed, no more
	ctl       uint32
	described bool                // the pricing unit is in the description
	cases     map[string]*lineUse // by description
	use       lineUse             // without one

	// What the tail's cells come to, once a row asked: amounts that are there, and the
	// numbers of declared columns.
	read    bool
	amounts []lineAmount
	waysAt  bool
	ways    []uint32
}

// lineUse is what becomes of the rows of a line.
type lineUse struct {
	item  *LineItem
	match bool
	line  uint32 // + 1, once there was a row to group
	rest  []uint32
}

const (
	// maxLines and maxLineBytes bound the lines and heads remembered of a file.
	maxLines     = 16384
	maxLineBytes = 8 << 20
	// maxHeads bounds the heads with one pivot, maxAlike the lines with one head.
	maxHeads = 32
	maxAlike = 8
	// maxTail bounds a tail: what is remembered of it is numbered in 16 bits.
	maxTail = 1 << 15
	// maxOther is how many cells of a tail may be written otherwise.
	maxOther = 24
)

// otherCell is a cell of the current tail that is written otherwise than in the line.
type otherCell struct {
	col      int
	from, to int
	shift    int // of what follows, against the line's tail
}

// find returns the line of the record whose head was split; nil where it has to be
// worked out. errMore: the record goes on beyond what was read.
func (t *textFile) find() (*textLine, error) {
	h := t.findHead()
	t.at = h
	if t.s.mark < 0 {
		// The whole record was split.
		if t.head == t.width && len(h.lines) > 0 {
			return h.lines[0], nil
		}
		return nil, nil
	}
	for i, l := range h.lines {
		end, err := t.follow(l)
		if err != nil {
			return nil, err
		}
		if end > 0 {
			t.s.pos = end
			if i > 0 { // the next is likely to be like this one
				h.lines[i], h.lines[i-1] = h.lines[i-1], h.lines[i]
			}
			return l, nil
		}
	}
	return nil, nil
}

// findHead returns the head of the current record, a new one where need be. Heads are
// looked for by the pivot, the last cell of the head; the others are held against it.
func (t *textFile) findHead() *textHead {
	t.begins()
	s, pivot := t.s, t.pivot.of(t.s.raw(cellSpan{t.head - 1, t.head - 1}))
	if int(pivot) == len(t.found) {
		t.found = append(t.found, nil)
	}
	heads := t.found[pivot]
next:
	for i, h := range heads {
		known := t.known
		if h.begin != t.begun {
			known = 0
		}
		for k := len(t.heads) - 1; k >= known; k-- {
			if string(s.raw(t.heads[k])) != string(h.cells[k]) {
				continue next
			}
		}
		h.begin = t.begun
		if i > 0 {
			heads[i], heads[i-1] = heads[i-1], heads[i]
		}
		return h
	}
	h := &textHead{begin: t.begun}
	for _, span := range t.heads {
		h.cells = append(h.cells, bytes.Clone(s.raw(span)))
		t.bytes += len(s.raw(span)) + 24
	}
	if t.held++; len(heads) < maxHeads {
		t.found[pivot] = append(heads, h)
	} else {
		heads[maxHeads-1] = h
	}
	return h
}

// begins gives what the record begins with a number: cells that neighbours mostly
// share. Heads found under that number need not be compared as far as these go.
func (t *textFile) begins() {
	s := t.s
	if n := len(t.begin); n > 0 && s.start+n <= len(s.buf) && string(s.buf[s.start:s.start+n]) == string(t.begin) {
		return
	}
	t.begun++
	t.begin, t.known = t.begin[:0], 0
	if n := min(s.alike, t.head-1); n > 0 {
		t.begin = append(t.begin, s.buf[s.start:s.cells[n-1]+1]...)
		for t.known < len(t.heads) && t.heads[t.known].last < n {
			t.known++
		}
	}
}

// follow compares the current tail with a line's. end is that of the record; 0 where
// the record is not of that line.
func (t *textFile) follow(l *textLine) (end int, err error) {
	b, tail, i, shift := t.s.buf, l.tail, 0, t.s.mark
	t.other = t.other[:0]
	for {
		i += alike(b[i+shift:], tail[i:])
		if i == len(tail) {
			return i + shift, nil
		}
		c := int(l.at[i>>3])
		for c < len(l.ends)-1 && int(l.ends[c]) < i { // the line break belongs to the last
			c++
		}
		from := shift
		if c > 0 {
			from += int(l.ends[c-1]) + 1
		}
		next, one, err := t.s.scan(from, t.one[:0], 1)
		last := c == len(l.ends)-1
		switch {
		case err == errMore:
			return 0, err
		case err != nil && err != errPart, err == nil != last:
			return 0, nil // what is wrong is found when all of it is split
		case t.kinds[t.head+c]&cellOfLine != 0, len(t.other) == maxOther:
			return 0, nil
		}
		t.other = append(t.other, otherCell{t.head + c, from, int(one[0]), next - int(l.ends[c]) - 1})
		if last {
			return next, nil
		}
		i = int(l.ends[c]) + 1
		shift = next - i
	}
}

// place makes a cell of the current row one that the decoder finds.
func (t *textFile) place(l *textLine, col int) {
	if col < t.head || t.placed {
		return
	}
	c, shift := col-t.head, t.s.mark
	from, to := 0, int(l.ends[c])
	if c > 0 {
		from = int(l.ends[c-1]) + 1
	}
	for i := range t.other {
		o := &t.other[i]
		if o.col == col {
			from, to, shift = o.from, o.to, 0
			break
		}
		if o.col > col {
			break
		}
		shift = o.shift
	}
	t.s.cells = t.s.cells[:t.width]
	t.s.cells[col-1], t.s.cells[col] = int32(from+shift-1), int32(to+shift)
}

// cell returns a cell of the current row.
func (t *textFile) cell(l *textLine, col int) []byte {
	t.place(l, col)
	return t.d.cell(col)
}

// learn works out the line of the current row, all cells of which are there, and
// remembers it.
func (t *textFile) learn() (*textLine, error) {
	l := &textLine{item: new(LineItem)}
	li := l.item
	if err := t.row.billed(li); err != nil {
		return nil, err
	}
	ctl, err := t.w.controlFor(li)
	if err != nil {
		return nil, err
	}
	l.ctl = ctl
	l.described = li.BillingEntity == marketplace && t.row.text[fieldDescription] >= 0 &&
		(t.row.text[fieldUnit] < 0 || len(t.d.cell(t.row.text[fieldUnit])) == 0)
	l.use = lineUse{item: li, match: !t.late && t.w.run.where.match(li)}
	li.UsageAccount, li.Principal, li.Resource, li.Description, li.Reservation = "", "", "", "", ""
	if l.described {
		l.cases = make(map[string]*lineUse)
	}
	t.remember(l)
	return l, nil
}

// remember keeps a line for the rows to come.
func (t *textFile) remember(l *textLine) {
	s := t.s
	if t.head < t.width {
		from := int(s.cells[t.head-1]) + 1
		tail := s.buf[from:s.pos]
		if len(tail) == 0 || len(tail) > maxTail || tail[len(tail)-1] != '\n' {
			return
		}
		l.tail = bytes.Clone(tail)
		l.ends = make([]uint16, t.width-t.head)
		for i := range l.ends {
			l.ends[i] = uint16(int(s.cells[t.head+i]) - from)
		}
		l.at = make([]uint16, len(tail)/8+1)
		c := 0
		for i := range l.at {
			for c < len(l.ends)-1 && int(l.ends[c]) < 8*i {
				c++
			}
			l.at[i] = uint16(c)
		}
	}
	lines := &t.at.lines
	if len(*lines) == maxAlike {
		(*lines)[maxAlike-1] = l
	} else {
		*lines = append(*lines, l)
		t.held++
	}
	t.bytes += 3 * len(l.tail)
}

// forget makes room once there is too much to remember. It is called between rows.
func (t *textFile) forget() {
	if t.held >= maxLines || t.bytes >= maxLineBytes || t.pivot.full() {
		t.pivot.forget()
		t.found, t.at, t.held, t.bytes = nil, nil, 0, 0
	}
}

// useOf returns the use of a line for the current row.
func (t *textFile) useOf(l *textLine) (*lineUse, error) {
	if !l.described {
		return &l.use, nil
	}
	d := t.cell(l, t.row.text[fieldDescription])
	u := l.cases[string(d)]
	if u == nil {
		li := *l.item
		if li.PricingUnit = unitOf(string(d)); !t.late {
			u = &lineUse{item: &li, match: t.w.run.where.match(&li)}
		} else {
			u = &lineUse{item: &li}
		}
		if len(l.cases) == maxCases {
			clear(l.cases)
		}
		l.cases[string(d)] = u
	}
	return u, nil
}

// maxCases bounds the descriptions remembered of a line.
const maxCases = 256
