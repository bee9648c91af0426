package colscan

import (
	"context"
	"io"
)

// leaf reads one leaf through the row groups, forwards only. Rows are counted
// within the row group.
type leaf struct {
	spec  *leafSpec
	pages pageReader
	rep   hybrid
	def   hybrid
	vals  values
	left  int   // entries left in the page
	next  int64 // first row not read
	until int64 // rows before this one are not asked for again: see pageReader.once

	cur    value // of row curRow, for leaves that do not repeat
	curRow int64

	peeked     bool // the levels of the next entry were read, for those that do
	repL, defL uint32

	names []string // dictionary entries as strings, made when asked for
	epoch int
}

// open moves the leaf to the start of a chunk. Buffers are kept.
func (l *leaf) open(src io.ReaderAt, c *chunk) {
	l.pages.reset(src, c)
	l.left, l.next, l.until, l.curRow, l.peeked = 0, 0, 0, -1, false
}

// errShort means that the chunk ended before a row that the footer promises.
func (l *leaf) errShort(rows int64) error {
	return corrupt("column has %d rows, the footer promises %d", l.next, rows)
}

// advance begins the next page that holds entries beyond skip, and counts
// those passed. The chunk's end is io.EOF.
func (l *leaf) advance(ctx context.Context, skip int64) (passed int64, err error) {
	h, passed, err := l.pages.next(ctx, skip)
	if err != nil {
		return passed, err
	}
	l.pages.once = l.next+passed+int64(h.values) <= l.until
	if err := l.pages.load(&h, &l.rep, &l.def, &l.vals); err != nil {
		return passed, err
	}
	l.left = int(h.values)
	return passed, nil
}

// at makes cur the value of the row. rows is what the footer promises.
func (l *leaf) at(ctx context.Context, row, rows int64) error {
	if l.curRow == row {
		return nil
	}
	if err := l.seek(ctx, row, rows); err != nil {
		return err
	}
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err == io.EOF {
			return l.errShort(rows)
		} else if err != nil {
			return err
		}
	}
	l.left--
	l.next++
	l.curRow = row
	l.cur.def, l.cur.null = l.spec.maxDef, false
	if l.spec.maxDef > 0 {
		def, ok := l.def.next()
		if !ok || def > l.spec.maxDef {
			return errLevels
		}
		if def < l.spec.maxDef {
			l.cur.def, l.cur.null = def, true
			return nil
		}
	}
	return l.vals.next(&l.cur)
}

var errLevels = corrupt("levels end early or are too high")

// seek passes the rows before row.
func (l *leaf) seek(ctx context.Context, row, rows int64) error {
	for l.next < row {
		n := row - l.next
		switch {
		case l.left == 0:
			passed, err := l.advance(ctx, n)
			l.next += passed
			if err == io.EOF {
				if l.next == row {
					return nil
				}
				return l.errShort(rows)
			}
			if err != nil {
				return err
			}
		case n >= int64(l.left): // the rest of the page, undecoded
			l.next += int64(l.left)
			l.left = 0
		default:
			if err := l.inPage(int(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// inPage passes n entries of the current page, which has more.
func (l *leaf) inPage(n int) error {
	present, ok := n, true
	if l.spec.maxDef > 0 {
		if present, ok = l.def.skip(n, l.spec.maxDef); !ok {
			return errLevels
		}
	}
	if err := l.vals.skip(present); err != nil {
		return err
	}
	l.next += int64(n)
	l.left -= n
	return nil
}

// finish passes the rest of the row group and checks that it holds rows rows.
func (l *leaf) finish(ctx context.Context, rows int64) error {
	var err error
	if l.spec.maxRep > 0 {
		err = l.seekRepeated(ctx, rows, rows)
	} else {
		err = l.seek(ctx, rows, rows)
	}
	if err != nil {
		return err
	}
	if !l.peeked && l.left == 0 {
		if _, _, err := l.pages.next(ctx, 0); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return corrupt("column has more than the %d rows that the footer promises", rows)
}

// peek reads the levels of the next entry of a leaf that repeats, without
// consuming it. The chunk's end is io.EOF.
func (l *leaf) peek(ctx context.Context) error {
	if l.peeked {
		return nil
	}
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err != nil {
			return err
		}
	}
	rep, ok := l.rep.next()
	if !ok || rep > l.spec.maxRep {
		return errLevels
	}
	def, ok := l.def.next()
	if !ok || def > l.spec.maxDef {
		return errLevels
	}
	l.repL, l.defL, l.peeked = rep, def, true
	l.left--
	return nil
}

// take consumes the entry that peek has read.
func (l *leaf) take() error {
	l.peeked = false
	l.cur.def, l.cur.null = l.defL, l.defL < l.spec.maxDef
	if l.cur.null {
		return nil
	}
	return l.vals.next(&l.cur)
}

// seekRepeated is seek for a leaf that repeats: a row begins at each entry of
// repetition level 0, and pages do not say reliably how many rows they hold.
func (l *leaf) seekRepeated(ctx context.Context, row, rows int64) error {
	for l.next < row {
		if err := l.peek(ctx); err == io.EOF {
			return l.errShort(rows)
		} else if err != nil {
			return err
		}
		if l.repL != 0 {
			return corrupt("row %d does not begin a map", l.next)
		}
		if err := l.passRow(ctx); err != nil {
			return err
		}
		l.next++
	}
	return nil
}

// maxPairs bounds a map. Runs of levels and indexes can write two thousand
// million entries in a few bytes.
const maxPairs = 1 << 16

var errPairs = corrupt("map of more than %d entries", maxPairs)

// passRow consumes the entries up to the next row.
func (l *leaf) passRow(ctx context.Context) error {
	for n := 0; ; n++ {
		if n == maxPairs {
			return errPairs
		}
		if err := l.take(); err != nil {
			return err
		}
		if err := l.peek(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if l.repL == 0 {
			return nil
		}
	}
}

// name returns cur as a string that outlives the page. Dictionary entries are
// converted once, so that maps do not allocate for each row.
func (l *leaf) name(text func([]byte, *leafSpec, *value) ([]byte, error)) (string, error) {
	if i := l.cur.entry; i >= 0 {
		if l.epoch != l.pages.epoch || len(l.names) != l.pages.dict.n {
			l.epoch, l.names = l.pages.epoch, make([]string, l.pages.dict.n)
		}
		if s := l.names[i]; s != "" {
			return s, nil
		}
	}
	var buf [64]byte
	b, err := text(buf[:0], l.spec, &l.cur)
	if err != nil {
		return "", err
	}
	s := string(b)
	if i := l.cur.entry; i >= 0 {
		l.names[i] = s
	}
	return s, nil
}
