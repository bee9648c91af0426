package cur

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// csvScanner splits RFC 4180 text into records without allocating for them. It
// differs from encoding/csv in that a line break inside quotes stays as it is,
// and in a bound on the length of a record, since a quote that nobody closes
// would swallow the rest of the file.
type csvScanner struct {
	in    io.Reader
	buf   []byte  // text read and not yet passed
	limit int     // of a record
	pos   int     // where the next record begins in buf
	start int     // where the current record begins
	cells []int32 // where each of its cells ends
	mark  int     // where the cells begin that begin left out; -1: it left none
	alike int     // how many cells the last two records began alike with
	tried int     // records since that was found out
	plain []csvCell
	spare []byte // what plain is cut from
	err   error  // what reading ended with
	fed   bool   // with blocks of text: more has none
}

// csvCell is a cell of the current record whose doubled quotes were made single.
type csvCell struct {
	cell int
	text []byte
}

const (
	csvBuffer = 64 << 10
	// alikeEvery is how many records pass between looks at what they share.
	alikeEvery = 64
	// maxRecord bounds a record unless told otherwise: the widest known reports have rows of some
	// ten thousand bytes.
	maxRecord = 16 << 20
)

var (
	errBareQuote = errors.New(`bare " in non-quoted-field`)
	errQuote     = errors.New(`extraneous or missing " in quoted-field`)
	errRecord    = errors.New("row is too long")
	errMore      = errors.New("record goes on") // internal
	errPart      = errors.New("more cells")     // internal
)

func newCSVScanner(in io.Reader) *csvScanner {
	return &csvScanner{in: in, limit: maxRecord, tried: alikeEvery, buf: make([]byte, 0, csvBuffer)}
}

// cell returns a cell of the current record, valid until the next one.
func (s *csvScanner) cell(i int) []byte {
	from, to := s.start, int(s.cells[i])
	if i > 0 {
		from = int(s.cells[i-1]) + 1
	}
	if from == to || s.buf[from] != '"' {
		return s.buf[from:to]
	}
	from, to = from+1, to-1
	for _, c := range s.plain {
		if c.cell == i {
			return c.text
		}
	}
	if bytes.IndexByte(s.buf[from:to], '"') < 0 {
		return s.buf[from:to]
	}
	if len(s.plain) == 0 {
		s.spare = s.spare[:0]
	}
	at := len(s.spare)
	s.spare = append(s.spare, s.buf[from:to]...)
	s.spare = s.spare[:at+unescape(s.spare[at:])]
	s.plain = append(s.plain, csvCell{i, s.spare[at:len(s.spare):len(s.spare)]})
	return s.spare[at:]
}

// next moves to the next record; io.EOF after the last. Lines without a single
// character are no records.
func (s *csvScanner) next() error {
	for {
		end, err := s.split(s.pos)
		switch {
		case err == errMore:
			if err := s.more(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		case len(s.cells) == 0 && end == s.pos: // the end
			return s.err
		}
		s.pos = end
		if len(s.cells) > 0 {
			return nil
		}
	}
}

// split finds the cells of the record at p and where it ends. errMore means that
// buf does not hold all of it.
func (s *csvScanner) split(p int) (end int, err error) {
	s.cells, s.plain, s.start = s.cells[:0], s.plain[:0], p
	b, ended := s.buf, s.err != nil
	if p == len(b) {
		if ended {
			return p, nil
		}
		return 0, errMore
	}
	if n := lineBreak(b[p:], ended); n > 0 {
		return p + n, nil
	}
	end, s.cells, err = s.scan(p, s.cells, 0)
	return end, err
}

// begin moves to the next record as next does, but finds its first n cells only,
// if it has more. resume must follow, or what goes on from mark.
func (s *csvScanner) begin(n int) error {
	s.mark = -1
	for s.pos < len(s.buf) && s.buf[s.pos] != '\n' && s.buf[s.pos] != '\r' {
		before, known := s.start, s.known(n)
		s.plain, s.start = s.plain[:0], s.pos
		p := s.pos
		if known > 0 {
			p = int(s.cells[known-1]) + 1
		}
		end, cells, err := s.scan(p, s.cells[:known], n)
		s.cells = cells
		if s.tried++; err == errPart && before < s.start {
			s.compare(before)
		}
		switch {
		case err == errPart:
			s.mark = end
			return nil
		case err == errMore:
			if err := s.more(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		s.pos = end
		return nil
	}
	return s.next()
}

// raw returns cells of the current record as they are written.
func (s *csvScanner) raw(c cellSpan) []byte {
	from := s.start
	if c.first > 0 {
		from = int(s.cells[c.first-1]) + 1
	}
	return s.buf[from:s.cells[c.last]]
}

// known makes cells those that the next record begins with when it begins as the
// record before did, and returns how many. Records of a report share what they say
// of the bill, and comparing it is cheaper than splitting it.
func (s *csvScanner) known(n int) int {
	k := min(s.alike, len(s.cells), n-1)
	if k <= 0 || s.start >= s.pos {
		return 0
	}
	size := int(s.cells[k-1]) + 1 - s.start // the comma too
	if s.pos+size > len(s.buf) || !bytes.Equal(s.buf[s.start:s.start+size], s.buf[s.pos:s.pos+size]) {
		s.alike = 0
		return 0
	}
	for i, by := 0, int32(s.pos-s.start); i < k; i++ {
		s.cells[i] += by
	}
	return k
}

// compare finds out, now and then, how many cells the record has in common with
// the one that began at before.
func (s *csvScanner) compare(before int) {
	if s.alike > 0 || s.tried < alikeEvery {
		return
	}
	s.tried = 0
	for k, to := range s.cells {
		size := int(to) + 1 - s.start
		if before+size > s.start || s.buf[before+size-1] != ',' || !bytes.Equal(s.buf[before:before+size], s.buf[s.start:s.start+size]) {
			return
		}
		s.alike = k + 1
	}
}

// resume finds the other cells of the record.
func (s *csvScanner) resume() error {
	if s.mark < 0 {
		return nil
	}
	end, cells, err := s.scan(s.mark, s.cells, 0)
	s.cells = cells
	if err == errMore {
		return s.again()
	}
	if err == nil {
		s.pos = end
	}
	return err
}

// again reads on and finds all cells of the record anew.
func (s *csvScanner) again() error {
	if err := s.more(); err != nil {
		return err
	}
	s.mark = -1
	return s.next()
}

// scan is split for a record that has something in it.
//
// It goes on from a cell's begin at p. When it comes to have limit cells, and there
// are more, errPart says that end is the begin of the next.
func (s *csvScanner) scan(p int, cells []int32, limit int) (end int, _ []int32, err error) {
	b, ended := s.buf, s.err != nil
cell:
	for {
		from := p // where a cell begins
		if p < len(b) && b[p] == '"' {
			if p, err = s.quoted(p); err != nil {
				return 0, cells, err
			}
			cells = append(cells, int32(p))
			switch n := lineBreak(b[p:], ended); {
			case n > 0:
				return p + n, cells, nil
			case p == len(b):
				return p, cells, s.unfinished(nil)
			case b[p] == ',':
				if p++; len(cells) == limit {
					return p, cells, errPart
				}
			case b[p] == '\r' && p+1 == len(b) && !ended:
				return 0, cells, errMore
			default:
				return 0, cells, errQuote
			}
			continue
		}
		for p+wide <= len(b) {
			w := b[p : p+wide : p+wide]
			for m := gather(low(binary.LittleEndian.Uint64(w))>>7 | low(binary.LittleEndian.Uint64(w[8:]))>>6 |
				low(binary.LittleEndian.Uint64(w[16:]))>>5 | low(binary.LittleEndian.Uint64(w[24:]))>>4); m != 0; m &= m - 1 {
				i := p + bits.TrailingZeros64(m)
				switch b[i] {
				case ',':
					cells = append(cells, int32(i))
					if from = i + 1; len(cells) == limit {
						return from, cells, errPart
					}
				case '\n':
					cells = append(cells, int32(trimReturn(b, from, i)))
					return i + 1, cells, nil
				case '"':
					if i == from {
						p = i
						continue cell
					}
					return 0, cells, errBareQuote
				}
			}
			p += wide
		}
		for ; p < len(b); p++ {
			switch b[p] {
			case ',':
				cells = append(cells, int32(p))
				if from = p + 1; len(cells) == limit {
					return from, cells, errPart
				}
			case '\n':
				cells = append(cells, int32(trimReturn(b, from, p)))
				return p + 1, cells, nil
			case '"':
				if p == from {
					continue cell
				}
				return 0, cells, errBareQuote
			}
		}
		if err := s.unfinished(nil); err != nil {
			return 0, cells, err
		}
		cells = append(cells, int32(trimReturn(b, from, p)))
		return p, cells, nil
	}
}

// quoted returns where the quoted cell at p ends, behind its last quote.
func (s *csvScanner) quoted(p int) (end int, err error) {
	b := s.buf
	for p++; ; p++ {
		n := bytes.IndexByte(b[p:], '"')
		if n < 0 || p+n+1 == len(b) && s.err == nil {
			return 0, s.unfinished(errQuote)
		}
		if p += n + 1; p == len(b) || b[p] != '"' {
			return p, nil
		}
	}
}

// wide is how many bytes of a report are looked at together.
const wide = 32

// low returns the top bit of every byte of x that is not above a comma in ASCII, as
// quotes and line breaks are: most of a report is.
func low(x uint64) uint64 {
	const ones, lows, tops = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	return ^(x&lows + ones*(0x80-','-1) | x) & tops
}

// gather turns bit k of byte i of x into bit 8k+i, for the first four of k.
func gather(x uint64) uint64 {
	const ones, magic = 0x0101010101010101, 0x0102040810204080
	return x&ones*magic>>56 | x>>1&ones*magic>>56<<8 | x>>2&ones*magic>>56<<16 | x>>3&ones*magic>>56<<24
}

// unfinished says what it means that the text in buf ends inside a record.
func (s *csvScanner) unfinished(atEnd error) error {
	switch s.err {
	case nil:
		return errMore
	case io.EOF:
		return atEnd
	}
	return s.err // the text goes on, but it cannot be read
}

// lineBreak returns the length of the line break at the front of b, else 0. A
// carriage return ends the line also as the last character of the text.
func lineBreak(b []byte, ended bool) int {
	switch {
	case len(b) > 0 && b[0] == '\n':
		return 1
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	case len(b) == 1 && b[0] == '\r' && ended:
		return 1
	}
	return 0
}

func trimReturn(b []byte, from, to int) int {
	if to > from && b[to-1] == '\r' {
		return to - 1
	}
	return to
}

// unescape makes doubled quotes single, in place, and returns the new length.
func unescape(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		b[n] = b[i]
		n++
		if b[i] == '"' {
			i++
		}
	}
	return n
}

// more reads on, keeping the record that has begun. It fills the buffer, since a
// record is split anew after each time.
func (s *csvScanner) more() error {
	switch {
	case s.err != nil:
		return s.err
	case s.fed:
		return errMore
	}
	if s.pos > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos, s.start = 0, 0
	}
	if len(s.buf) == cap(s.buf) {
		if len(s.buf) >= s.limit {
			return fmt.Errorf("%w: more than %d bytes; MaxRow allows more", errRecord, s.limit)
		}
		s.buf = slices.Grow(s.buf, min(len(s.buf), s.limit-len(s.buf)))
	}
	for idle := 0; len(s.buf) < cap(s.buf) && s.err == nil; idle++ {
		n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf, s.err = s.buf[:len(s.buf)+n], err
		if n > 0 {
			idle = 0
		} else if idle == 100 {
			s.err = io.ErrNoProgress
		}
	}
	return nil
}
