package cur

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// csvDecoder reads a report's CSV text.
type csvDecoder struct {
	r     *csv.Reader
	head  []string
	cells []string
	maps  mapCells
	last  struct { // usage times repeat from row to row
		text string
		time time.Time
	}
}

// newCSV reads the header. Quotes, embedded newlines and lengths are those of
// RFC 4180; a byte order mark is skipped.
func newCSV(in io.Reader) (*csvDecoder, error) {
	b := bufio.NewReaderSize(in, 1<<16)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		b.Discard(3)
	}
	d := &csvDecoder{r: csv.NewReader(b)}
	d.r.FieldsPerRecord = -1 // counted below, to name both numbers
	head, err := d.r.Read()
	switch {
	case err == io.EOF:
		return nil, errNoHeader
	case err != nil:
		return nil, csvError(err)
	}
	d.head = head
	d.r.ReuseRecord = true
	return d, nil
}

// errNoHeader marks a file without a single byte of text: an empty chunk, which
// is no error in a delivery.
var errNoHeader = errors.New("empty file")

// csvError keeps what went wrong and drops encoding/csv's own coordinates, which
// count lines of text, not rows.
func csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return p.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

func (d *csvDecoder) header() []string { return d.head }

func (d *csvDecoder) next() error {
	cells, err := d.r.Read()
	if err == io.EOF {
		return io.EOF
	}
	if err != nil {
		return csvError(err)
	}
	if len(cells) != len(d.head) {
		return fmt.Errorf("row has %d fields, the header %d", len(cells), len(d.head))
	}
	d.cells = cells
	return nil
}

func (d *csvDecoder) text(col int) (string, error) { return d.cells[col], nil }

func (d *csvDecoder) amount(col int) (exact.Num, bool, error) {
	s := d.cells[col]
	if s == "" {
		return exact.Num{}, false, nil
	}
	n, err := exact.ParseString(s)
	return n, true, err
}

func (d *csvDecoder) time(col int) (time.Time, error) {
	s := d.cells[col]
	if s == "" {
		return time.Time{}, nil
	}
	if s == d.last.text {
		return d.last.time, nil
	}
	t, err := parseTime(s)
	if err == nil {
		d.last.text, d.last.time = s, t
	}
	return t, err
}

func (d *csvDecoder) lookup(col int, key string) (string, error) {
	m, err := d.maps.parse(d.cells[col])
	return m[key], err
}

func (d *csvDecoder) close() error { return nil }
