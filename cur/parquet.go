package cur

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// parquetDecoder reads a report's Parquet columns; a column nobody asks for is
// never decoded.
type parquetDecoder struct {
	ctx   context.Context
	file  *colscan.File
	rows  *colscan.Rows
	cols  []colscan.Column
	head  []string
	texts []texts // by column
	maps  mapCells
	n     int64 // the current row; 1 is the first. rows may be behind: see reach

	pairs    []colscan.Pair // of column pairsCol in row pairsRow
	pairsCol int
	pairsRow int64
}

func newParquet(ctx context.Context, f *colscan.File) *parquetDecoder {
	d := &parquetDecoder{ctx: ctx, file: f, rows: f.Rows(), cols: f.Columns()}
	d.head = make([]string, len(d.cols))
	d.texts = make([]texts, len(d.cols))
	for i, c := range d.cols {
		d.head[i] = c.Name
	}
	return d
}

func (d *parquetDecoder) header() []string { return d.head }

func (d *parquetDecoder) next() error {
	if d.rows.Next(d.ctx) {
		d.n++
		return nil
	}
	return d.ended()
}

// reach brings rows to the current row. Where blocks read the rows, they say which
// one is current, and rows serves look-ups alone.
func (d *parquetDecoder) reach() error {
	if d.rows.Index()+1 == d.n || d.rows.Seek(d.ctx, d.n-1) {
		return nil
	}
	err := d.ended()
	var row *RowError
	if errors.As(err, &row) {
		err = row.Err
	}
	return err
}

// ended returns what rows ended with.
func (d *parquetDecoder) ended() error {
	if err := d.rows.Err(); err != nil {
		// A column that came out short is noticed between row groups.
		var e *colscan.Error
		if errors.As(err, &e) && e.Index >= 0 {
			return &RowError{Column: e.Column, Err: d.fault(err)}
		}
		return d.fault(err)
	}
	// The footer's own count, which no page had a say in.
	if d.n != d.file.NumRows() {
		return fmt.Errorf("%w: %d rows, the footer says %d", ErrFormat, d.n, d.file.NumRows())
	}
	return io.EOF
}

// fault marks what colscan found wrong with the file. An error of the source or
// of the context says nothing about the file.
func (d *parquetDecoder) fault(err error) error {
	if errors.Is(err, colscan.ErrFormat) || errors.Is(err, colscan.ErrKind) {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return err
}

func (d *parquetDecoder) text(col int) (string, error) {
	if err := d.reach(); err != nil {
		return "", err
	}
	b, _, err := d.rows.Text(col)
	if err != nil {
		return "", d.fault(err)
	}
	if len(b) == 0 {
		return "", nil
	}
	return d.texts[col].of(b), nil
}

func (d *parquetDecoder) amount(col int) (exact.Num, bool, error) {
	if err := d.reach(); err != nil {
		return exact.Num{}, false, err
	}
	if d.cols[col].Kind != colscan.Double {
		b, _, err := d.rows.Text(col)
		if err != nil {
			return exact.Num{}, false, d.fault(err)
		}
		if len(b) == 0 {
			return exact.Num{}, false, nil
		}
		n, err := exact.Parse(b)
		return n, true, err
	}
	x, null, err := d.rows.Float(col)
	if err != nil {
		return exact.Num{}, false, d.fault(err)
	}
	if null || x == 0 {
		return exact.Num{}, !null, nil
	}
	n, err := exact.FromFloat(x)
	return n, true, err
}

// blankIsZero reports whether a column has no way to leave a number out. Legacy
// reports require every field and write 0.0 for what is blank in CSV.
func (d *parquetDecoder) blankIsZero(col int) bool {
	c := d.cols[col]
	return !c.Optional && c.Kind != colscan.String
}

func (d *parquetDecoder) time(col int) (time.Time, error) {
	if err := d.reach(); err != nil {
		return time.Time{}, err
	}
	if d.cols[col].Kind != colscan.Timestamp {
		b, _, err := d.rows.Text(col)
		if err != nil {
			return time.Time{}, d.fault(err)
		}
		if len(b) == 0 {
			return time.Time{}, nil
		}
		return parseTime(b)
	}
	t, null, err := d.rows.Time(col)
	if err != nil {
		return time.Time{}, d.fault(err)
	}
	if null || t.Unix() == 0 && d.blankIsZero(col) {
		return time.Time{}, nil
	}
	if t.Unix() < 0 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t, nil
}

// isMap reports whether a column is a map of Parquet, not JSON text.
func (d *parquetDecoder) isMap(col int) bool {
	k := d.cols[col].Kind
	return k == colscan.Map || k == colscan.DoubleMap
}

// load makes pairs those of a map column in the current row.
func (d *parquetDecoder) load(col int) error {
	if d.pairsRow == d.n && d.pairsCol == col {
		return nil
	}
	if err := d.reach(); err != nil {
		return err
	}
	d.pairsRow = 0
	pairs, _, err := d.rows.Map(col, d.pairs[:0])
	if err != nil {
		return d.fault(err)
	}
	d.pairs, d.pairsCol, d.pairsRow = pairs, col, d.n
	return nil
}

func (d *parquetDecoder) lookup(col int, key string) (string, error) {
	if !d.isMap(col) {
		m, err := d.json(col)
		return m[key], err
	}
	if err := d.load(col); err != nil {
		return "", err
	}
	value, found := "", false
	for i := range d.pairs {
		if p := &d.pairs[i]; p.Key == key {
			if found {
				return "", fmt.Errorf("key %q %w", cut(key), errTwice)
			}
			value, found = p.Value, true
		}
	}
	return value, nil
}

func (d *parquetDecoder) holds(col int, prefix string) (bool, error) {
	if !d.isMap(col) {
		m, err := d.json(col)
		return holdsPrefix(m, prefix), err
	}
	if err := d.load(col); err != nil {
		return false, err
	}
	for i := range d.pairs {
		if strings.HasPrefix(d.pairs[i].Key, prefix) {
			return true, nil
		}
	}
	return false, nil
}

// json returns the map in a column of text.
func (d *parquetDecoder) json(col int) (map[string]string, error) {
	if err := d.reach(); err != nil {
		return nil, err
	}
	b, _, err := d.rows.Text(col)
	if err != nil {
		return nil, d.fault(err)
	}
	return d.maps.parse(b)
}

func (d *parquetDecoder) close() error { return d.rows.Close() }
