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

// headCell is a column of the head that says what is billed. Its numbers, followed
// from column to column, give a head one number.
type headCell struct {
	col   int
	ids   cellNumbers
	pairs pairing
	state uint32 // of the current row
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
	// maxLines and maxLineBytes bound the lines remembered of a file.
	maxLines     = 8192
	maxLineBytes = 8 << 20
	// maxAlike bounds those that have one head.
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
	same := t.s.same
	if t.fresh {
		same, t.fresh = 0, false
	}
	state := uint32(0)
	for i := range t.heads {
		h := &t.heads[i]
		if h.col >= same {
			h.state = h.pairs.one(state, h.ids.of(t.s.raw(h.col)))
		}
		state = h.state
	}
	if int(state) >= len(t.lines) {
		t.lines = append(t.lines, make([][]*textLine, int(state)+1-len(t.lines))...)
	}
	t.state = state
	if t.s.mark < 0 {
		// The whole record was split.
		if lines := t.lines[state]; t.head == t.width && len(lines) > 0 {
			return lines[0], nil
		}
		return nil, nil
	}
	for i, l := range t.lines[state] {
		end, err := t.follow(l)
		if err != nil {
			return nil, err
		}
		if end > 0 {
			t.s.pos = end
			if i > 0 { // the next is likely to be like this one
				lines := t.lines[state]
				lines[i], lines[i-1] = lines[i-1], lines[i]
			}
			return l, nil
		}
	}
	return nil, nil
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
		for int(l.ends[c]) < i {
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
	lines := &t.lines[t.state]
	if len(*lines) == maxAlike {
		(*lines)[maxAlike-1] = l
	} else {
		*lines = append(*lines, l)
		t.held++
	}
	t.bytes += 3 * len(l.tail)
}

// forget makes room once there are too many lines or texts to remember. It is called
// between rows.
func (t *textFile) forget() {
	full := t.held >= maxLines || t.bytes >= maxLineBytes
	for i := range t.heads {
		full = full || t.heads[i].ids.full()
	}
	if !full {
		return
	}
	for i := range t.heads {
		h := &t.heads[i]
		h.ids.forget()
		h.pairs = pairing{}
	}
	t.lines, t.held, t.bytes, t.fresh = nil, 0, 0, true
}

// lineOf returns the use of a line for the current row.
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
