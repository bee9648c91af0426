package cur

import (
	"context"
	"fmt"
	"io"
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
	texts []map[string]string // per column: texts seen, so that a row allocates none
	maps  mapCells
	pairs []colscan.Pair
	n     int64
}

// maxTexts bounds what is remembered of a column's texts.
const maxTexts = 8192

func newParquet(ctx context.Context, f *colscan.File) *parquetDecoder {
	d := &parquetDecoder{ctx: ctx, file: f, rows: f.Rows(), cols: f.Columns()}
	d.head = make([]string, len(d.cols))
	d.texts = make([]map[string]string, len(d.cols))
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
	if err := d.rows.Err(); err != nil {
		return d.fault(err)
	}
	// The footer's own count, which no page had a say in.
	if d.n != d.file.NumRows() {
		return fmt.Errorf("%w: %d rows, the footer says %d", ErrFormat, d.n, d.file.NumRows())
	}
	return io.EOF
}

// fault marks what colscan found wrong with the file.
func (d *parquetDecoder) fault(err error) error {
	if err == nil || d.ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

func (d *parquetDecoder) text(col int) (string, error) {
	b, _, err := d.rows.Text(col)
	if err != nil || len(b) == 0 {
		return "", d.fault(err)
	}
	seen := d.texts[col]
	if s, ok := seen[string(b)]; ok {
		return s, nil
	}
	if seen == nil || len(seen) >= maxTexts {
		seen = make(map[string]string)
		d.texts[col] = seen
	}
	s := string(b)
	seen[s] = s
	return s, nil
}

func (d *parquetDecoder) amount(col int) (exact.Num, bool, error) {
	if d.cols[col].Kind != colscan.Double {
		s, err := d.text(col)
		if err != nil || s == "" {
			return exact.Num{}, false, err
		}
		n, err := exact.ParseString(s)
		return n, true, err
	}
	x, null, err := d.rows.Float(col)
	if err != nil || null {
		return exact.Num{}, false, d.fault(err)
	}
	n, err := exact.FromFloat(x)
	return n, true, err
}

func (d *parquetDecoder) time(col int) (time.Time, error) {
	if d.cols[col].Kind != colscan.Timestamp {
		s, err := d.text(col)
		if err != nil || s == "" {
			return time.Time{}, err
		}
		return parseTime(s)
	}
	t, null, err := d.rows.Time(col)
	if err != nil || null {
		return time.Time{}, d.fault(err)
	}
	if t.Unix() < 0 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

func (d *parquetDecoder) lookup(col int, key string) (string, error) {
	if k := d.cols[col].Kind; k != colscan.Map && k != colscan.DoubleMap {
		s, err := d.text(col)
		if err != nil {
			return "", err
		}
		m, err := d.maps.parse(s)
		return m[key], err
	}
	pairs, _, err := d.rows.Map(col, d.pairs[:0])
	if err != nil {
		return "", d.fault(err)
	}
	d.pairs = pairs
	value, found := "", false
	for _, p := range pairs {
		if p.Key == key {
			if found {
				return "", fmt.Errorf("key %q occurs twice", cut(key))
			}
			value, found = p.Value, true
		}
	}
	return value, nil
}

func (d *parquetDecoder) close() error { return d.rows.Close() }
