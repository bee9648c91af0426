package cur

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// csvDecoder reads a report's CSV text.
type csvDecoder struct {
	s     *csvScanner
	head  []string
	texts []texts // by column
	maps  mapCells
	nulls bool // a cell that reads NULL is blank
}

// newCSV reads the header; a byte order mark is skipped.
func newCSV(in io.Reader, maxRow int) (*csvDecoder, error) {
	d := &csvDecoder{s: newCSVScanner(in)}
	d.s.limit = min(maxRow, 1<<30) // cells are numbered by 32 bits
	for len(d.s.buf) < 3 && d.s.err == nil {
		if err := d.s.more(); err != nil {
			return nil, textError(err)
		}
	}
	if bytes.HasPrefix(d.s.buf, []byte("\xef\xbb\xbf")) {
		d.s.pos = 3
	}
	switch err := d.s.next(); {
	case err == io.EOF:
		return nil, errNoHeader
	case err != nil:
		return nil, textError(err)
	}
	d.head = make([]string, len(d.s.cells))
	for i := range d.head {
		d.head[i] = string(d.s.cell(i))
	}
	d.texts = make([]texts, len(d.head))
	return d, nil
}

// errNoHeader marks a file without a single byte of text: an empty chunk, which
// is no error in a delivery.
var errNoHeader = errors.New("empty file")

// textError gives what ended the text a meaning of this package: a stream that
// breaks off, one that is damaged. Other errors are the source's own.
func textError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
		errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return err
}

func (d *csvDecoder) header() []string { return d.head }

func (d *csvDecoder) next() error { return d.whole(d.s.next()) }

// begin moves to the next row, of which the cells before column n are there. Unless
// whole says that it has no others, rest must follow, or what goes on from s.mark.
func (d *csvDecoder) begin(n int) (whole bool, err error) {
	if err := d.s.begin(n); err != nil {
		return false, csvError(err)
	}
	if d.s.mark < 0 {
		return true, d.whole(nil)
	}
	return false, nil
}

// rest finds the other cells of the row.
func (d *csvDecoder) rest() error { return d.whole(d.s.resume()) }

// whole checks a row that was split.
func (d *csvDecoder) whole(err error) error {
	if n := len(d.s.cells); err == nil && n != len(d.head) {
		return fieldsError{n, len(d.head)}
	}
	return csvError(err)
}

func csvError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return textError(err)
}

// nullIsBlank makes the text NULL a blank, as some writers of FOCUS mean it.
func (d *csvDecoder) nullIsBlank() { d.nulls = true }

func (d *csvDecoder) cell(col int) []byte { return d.value(d.s.cell(col)) }

// value returns nil for what stands for a blank.
func (d *csvDecoder) value(b []byte) []byte {
	if d.nulls && len(b) == 4 && (string(b) == "NULL" || string(b) == "null") {
		return nil
	}
	return b
}

func (d *csvDecoder) text(col int) (string, error) {
	b := d.cell(col)
	if len(b) == 0 {
		return "", nil
	}
	return d.texts[col].of(b), nil
}

func (d *csvDecoder) amount(col int) (exact.Num, bool, error) {
	b := d.cell(col)
	if len(b) == 0 {
		return exact.Num{}, false, nil
	}
	n, err := exact.Parse(b)
	return n, true, err
}

func (d *csvDecoder) time(col int) (time.Time, error) {
	b := d.cell(col)
	if len(b) == 0 {
		return time.Time{}, nil
	}
	return parseTime(b)
}

func (d *csvDecoder) lookup(col int, key string) (string, error) {
	m, err := d.maps.parse(d.cell(col))
	return m[key], err
}

func (d *csvDecoder) holds(col int, prefix string) (bool, error) {
	m, err := d.maps.parse(d.cell(col))
	return holdsPrefix(m, prefix), err
}

func holdsPrefix(m map[string]string, prefix string) bool {
	for k := range m {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

func (d *csvDecoder) blankIsZero(int) bool { return false }

func (d *csvDecoder) close() error { return nil }
