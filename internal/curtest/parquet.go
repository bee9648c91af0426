package curtest

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// WriteParquet writes all rows as one Snappy Parquet file and returns their number.
func (t *Table) WriteParquet(w io.Writer) (int64, error) {
	c := newParquetChunk(t, w, &newPlan(&Delivery{Format: Parquet}, t).d)
	for r := range t.Rows() {
		if err := c.row(r); err != nil {
			return c.n, err
		}
	}
	return c.n, c.close()
}

// parquetChunk writes one Parquet file of a table. Columns are optional in CUR 2.0 and
// required in legacy reports, where blank and 0.0 stand for what is absent.
type parquetChunk struct {
	w     *colscan.Writer
	out   []output
	n     int64
	times map[string]time.Time // of the month's few hundred instants
}

func newParquetChunk(t *Table, w io.Writer, d *Delivery) *parquetChunk {
	c := &parquetChunk{out: t.layout.out, times: make(map[string]time.Time)}
	legacy := t.layout.spelling != CUR2
	columns := make([]colscan.Column, len(c.out))
	for i, o := range c.out {
		kind := colscan.String
		switch o.Kind {
		case Double:
			kind = colscan.Double
		case Timestamp:
			kind = colscan.Timestamp
		case StringMap:
			kind = colscan.Map
		case DoubleMap:
			kind = colscan.DoubleMap
		}
		columns[i] = colscan.Column{Name: o.Name, Kind: kind, Optional: !legacy}
	}
	c.w = colscan.NewWriter(w, columns, &colscan.WriterOptions{
		RowGroupRows: d.RowGroup, PageVersion: d.PageVersion, PageBytes: d.PageBytes, Required: legacy,
		KeyValue: map[string]string{"synthetic": "true"},
	})
	return c
}

func (c *parquetChunk) row(r *Row) error {
	for i := range c.out {
		text := r.At(i)
		if err := c.cell(i, r, text); err != nil {
			return fmt.Errorf("curtest: write parquet: column %s: %q: %w", c.out[i].Name, text, err)
		}
	}
	if err := c.w.EndRow(); err != nil {
		return fmt.Errorf("curtest: write parquet: %w", err)
	}
	c.n++
	return nil
}

func (c *parquetChunk) close() error {
	if err := c.w.Close(); err != nil {
		return fmt.Errorf("curtest: write parquet: %w", err)
	}
	return nil
}

func (c *parquetChunk) cell(i int, r *Row, text string) error {
	switch c.out[i].Kind {
	case StringMap, DoubleMap:
		// An empty map is present, as a CSV cell would be {}.
		c.w.SetMap(i, c.entries(r.maps[c.out[i].cell]))
		return nil
	}
	if text == "" {
		return nil
	}
	switch c.out[i].Kind {
	case Double:
		if text == "0.0" {
			c.w.SetFloat(i, 0)
			return nil
		}
		// The one place where an amount becomes binary: the file's type is DOUBLE.
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		c.w.SetFloat(i, x)
	case Timestamp:
		at, ok := c.times[text]
		if !ok {
			var err error
			if at, err = time.Parse(time.RFC3339, text); err != nil {
				return err
			}
			c.times[text] = at
		}
		c.w.SetTime(i, at)
	default:
		c.w.SetText(i, text)
	}
	return nil
}

// entries converts a map. Only shared ones would be worth keeping, and they are short.
func (c *parquetChunk) entries(m *Map) []colscan.Pair {
	pairs := make([]colscan.Pair, 0, len(m.Pairs()))
	for _, p := range m.Pairs() {
		pairs = append(pairs, colscan.Pair{Key: p.Key, Value: p.Value})
	}
	return pairs
}
