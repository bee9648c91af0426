package curtest

import (
	"bufio"
	"fmt"
	"io"
)

// WriteCSV writes the header and all rows: UTF-8, LF, a cell quoted only where it must
// be, as AWS writes them. It returns the number of rows.
func (t *Table) WriteCSV(w io.Writer) (int64, error) {
	c := newCSVChunk(t, w)
	for r := range t.Rows() {
		if err := c.row(r); err != nil {
			return c.n, err
		}
	}
	return c.n, c.close()
}

// csvChunk writes one file of a table.
type csvChunk struct {
	w   *bufio.Writer
	out []output
	buf []byte
	n   int64
	err error
}

func newCSVChunk(t *Table, w io.Writer) *csvChunk {
	c := &csvChunk{w: bufio.NewWriterSize(w, 1<<16), out: t.layout.out}
	for i, o := range c.out {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		c.buf = appendCell(c.buf, o.Name)
	}
	c.err = c.line()
	return c
}

func (c *csvChunk) row(r *Row) error {
	if c.err != nil {
		return c.err
	}
	for i := range c.out {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		text := r.At(i)
		if text == "" {
			if c.out[i].quoted {
				c.buf = append(c.buf, '"', '"')
			}
			continue
		}
		c.buf = appendCell(c.buf, text)
	}
	c.err = c.line()
	c.n++
	return c.err
}

func (c *csvChunk) line() error {
	c.buf = append(c.buf, '\n')
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	if err != nil {
		return fmt.Errorf("curtest: write csv: %w", err)
	}
	return nil
}

func (c *csvChunk) close() error {
	if c.err != nil {
		return c.err
	}
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("curtest: write csv: %w", err)
	}
	return nil
}

// appendCell quotes as RFC 4180 asks and no more.
func appendCell(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case ',', '"', '\n', '\r':
			return appendQuoted(dst, s)
		}
	}
	return append(dst, s...)
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
