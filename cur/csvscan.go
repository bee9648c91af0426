package cur

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// csvScanner splits RFC 4180 text into records without allocating for them. It
// differs from encoding/csv in that a line break inside quotes stays as it is,
// and in a bound on the length of a record, since a quote that nobody closes
// would swallow the rest of the file.
type csvScanner struct {
	in    io.Reader
	buf   []byte // text read and not yet passed
	limit int    // of a record
	pos   int    // where the next record begins in buf
	cells []csvCell
	err   error // what reading ended with
}

// csvCell is a cell of the current record, as a part of buf.
type csvCell struct {
	from, to int
	escaped  bool // holds doubled quotes
}

const (
	csvBuffer = 64 << 10
	// maxRecord bounds a record unless told otherwise: the widest known reports have rows of some
	// ten thousand bytes.
	maxRecord = 16 << 20
)

var (
	errBareQuote = errors.New(`bare " in non-quoted-field`)
	errQuote     = errors.New(`extraneous or missing " in quoted-field`)
	errRecord    = errors.New("row is too long")
	errMore      = errors.New("record goes on") // internal
)

func newCSVScanner(in io.Reader) *csvScanner {
	return &csvScanner{in: in, limit: maxRecord, buf: make([]byte, 0, csvBuffer)}
}

// cell returns a cell of the current record, valid until the next one.
func (s *csvScanner) cell(i int) []byte {
	c := &s.cells[i]
	if c.escaped {
		c.to, c.escaped = c.from+unescape(s.buf[c.from:c.to]), false
	}
	return s.buf[c.from:c.to]
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
	s.cells = s.cells[:0]
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
	for {
		if p < len(b) && b[p] == '"' {
			c := csvCell{from: p + 1}
			for p++; ; {
				n := bytes.IndexByte(b[p:], '"')
				if n < 0 || p+n+1 == len(b) && !ended {
					return 0, s.unfinished(errQuote)
				}
				if p += n + 1; p < len(b) && b[p] == '"' {
					c.escaped = true
					p++
					continue
				}
				break
			}
			c.to = p - 1
			s.cells = append(s.cells, c)
			switch n := lineBreak(b[p:], ended); {
			case n > 0:
				return p + n, nil
			case p == len(b):
				return p, s.unfinished(nil)
			case b[p] == ',':
				p++
			case b[p] == '\r' && p+1 == len(b) && !ended:
				return 0, errMore
			default:
				return 0, errQuote
			}
			continue
		}
		from := p
		for p < len(b) && b[p] != ',' && b[p] != '\n' && b[p] != '"' {
			p++
		}
		switch {
		case p == len(b):
			if err := s.unfinished(nil); err != nil {
				return 0, err
			}
			s.cells = append(s.cells, csvCell{from: from, to: trimReturn(b, from, p)})
			return p, nil
		case b[p] == '"':
			return 0, errBareQuote
		case b[p] == '\n':
			s.cells = append(s.cells, csvCell{from: from, to: trimReturn(b, from, p)})
			return p + 1, nil
		}
		s.cells = append(s.cells, csvCell{from: from, to: p})
		p++
	}
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
	if s.err != nil {
		return s.err
	}
	if s.pos > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos = 0
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
