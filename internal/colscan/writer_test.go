package colscan_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/spendclaim/spendclaim/internal/colscan"
)

// TestWriterLayout looks at the files with parquet-go: order of columns,
// encodings, page version, and what must not be in them.
func TestWriterLayout(t *testing.T) {
	columns := []colscan.Column{{Name: "z", Kind: colscan.String}, {Name: "a", Kind: colscan.Double, Optional: true}, {Name: "m", Kind: colscan.Map}}
	tb := table{Columns: columns}
	for i := range 6000 {
		tb.Rows = append(tb.Rows, []cell{{Text: fmt.Sprint("a rather long and unique text ", i)}, {Text: "1"}, {Text: "{}"}})
	}
	for _, tt := range []struct {
		options colscan.WriterOptions
		groups  int
		page    format.PageType
		plain   bool // the strings leave their dictionary
	}{
		{colscan.WriterOptions{}, 1, format.DataPageV2, false},
		{colscan.WriterOptions{PageVersion: 1, RowGroupRows: 2500}, 3, format.DataPage, false},
		{colscan.WriterOptions{DictionaryLimit: 10_000, PageBytes: 4000}, 1, format.DataPageV2, true},
	} {
		b := tb.write(t, &tt.options)
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		meta := f.Metadata()
		if meta.CreatedBy != "spendclaim" || len(meta.RowGroups) != tt.groups {
			t.Errorf("%+v: created by %q, %d row groups", tt.options, meta.CreatedBy, len(meta.RowGroups))
		}
		var names []string
		for _, e := range meta.Schema[1:] {
			names = append(names, e.Name)
		}
		if want := []string{"z", "a", "m", "key_value", "key", "value"}; !slices.Equal(names, want) {
			t.Errorf("%+v: schema = %v, want %v", tt.options, names, want)
		}
		for i, c := range meta.RowGroups[0].Columns {
			m := c.MetaData
			if m.Codec != format.Snappy || m.Statistics.MinValue != nil {
				t.Errorf("%+v: column %d: codec %v, statistics %+v", tt.options, i, m.Codec, m.Statistics)
			}
		}
		text := meta.RowGroups[0].Columns[0].MetaData
		kinds := map[format.Encoding]bool{}
		for _, s := range text.EncodingStats {
			if s.PageType == tt.page {
				kinds[s.Encoding] = true
			}
		}
		if !kinds[format.RLEDictionary] || kinds[format.Plain] != tt.plain {
			t.Errorf("%+v: encodings of %v pages = %v", tt.options, tt.page, kinds)
		}
	}
}

func TestWriterErrors(t *testing.T) {
	columns := []colscan.Column{{Name: "text", Kind: colscan.String}, {Name: "discount", Kind: colscan.DoubleMap}}
	for _, tt := range []struct {
		name string
		set  func(w *colscan.Writer)
		want error
	}{
		{"wrong kind", func(w *colscan.Writer) { w.SetFloat(0, 1) }, colscan.ErrKind},
		{"map of a string column", func(w *colscan.Writer) { w.SetMap(0, nil) }, colscan.ErrKind},
		{"set twice", func(w *colscan.Writer) { w.SetText(0, "a"); w.SetText(0, "b") }, nil},
		{"number that is none", func(w *colscan.Writer) { w.SetMap(1, []colscan.Pair{{Key: "k", Value: "x"}}) }, nil},
	} {
		w := colscan.NewWriter(io.Discard, columns, nil)
		tt.set(w)
		err := w.EndRow()
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: EndRow: error = %v", tt.name, err)
		}
		if again := w.Close(); again != err {
			t.Errorf("%s: Close: error = %v, want the first one, %v", tt.name, again, err)
		}
	}
	for name, w := range map[string]*colscan.Writer{
		"decimal":      colscan.NewWriter(io.Discard, []colscan.Column{{Name: "d", Kind: colscan.Decimal}}, nil),
		"page version": colscan.NewWriter(io.Discard, columns, &colscan.WriterOptions{PageVersion: 3}),
		"codec":        colscan.NewWriter(io.Discard, columns, &colscan.WriterOptions{Codec: 99}),
	} {
		w.SetText(0, "a")
		if err := w.EndRow(); err == nil {
			t.Errorf("%s: EndRow succeeds", name)
		}
	}
	w := colscan.NewWriter(io.Discard, columns, nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: error = %v", err)
	}
	if err := w.EndRow(); err == nil {
		t.Errorf("EndRow after Close succeeds")
	}
	w = colscan.NewWriter(failingWriter{}, columns, nil)
	w.SetText(0, "a")
	if err := errors.Join(w.EndRow(), w.Close()); !errors.Is(err, errFull) {
		t.Errorf("full disk: error = %v, want %v", err, errFull)
	}
}

var errFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

// TestMemoryDoesNotGrowWithRows writes and reads files of 10 and 60 row
// groups and compares the live heap in between.
func TestMemoryDoesNotGrowWithRows(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the heap")
	}
	columns := []colscan.Column{{Name: "id", Kind: colscan.String}, {Name: "cost", Kind: colscan.Double}, {Name: "tags", Kind: colscan.Map}}
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	measure := func(groups int) (writing, reading int64) {
		buf := bytes.NewBuffer(make([]byte, 0, 16<<20))
		base := live()
		w := colscan.NewWriter(buf, columns, &colscan.WriterOptions{RowGroupRows: 4000})
		for i := range groups * 4000 {
			w.SetText(0, fmt.Sprint("line item ", i*7919))
			w.SetFloat(1, float64(i)/1e4)
			w.SetMap(2, []colscan.Pair{{Key: "n", Value: fmt.Sprint(i)}})
			if err := w.EndRow(); err != nil {
				t.Fatal(err)
			}
		}
		writing = int64(live()) - int64(base)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f := open(t, buf.Bytes())
		rows := f.Rows()
		defer rows.Close()
		base = live()
		for rows.Next(t.Context()) && rows.Index() < f.NumRows()-1 {
			_, _, e1 := rows.Text(0)
			_, _, e2 := rows.Float(1)
			_, _, e3 := rows.Text(2)
			if err := errors.Join(e1, e2, e3); err != nil {
				t.Fatal(err)
			}
		}
		return writing, int64(live()) - int64(base)
	}
	w10, r10 := measure(10)
	w60, r60 := measure(60)
	t.Logf("live heap at 10 and 60 row groups: writing %d and %d, reading %d and %d", w10, w60, r10, r60)
	// The footer takes about a kilobyte to a row group and column.
	if w60 > w10+50*4*2000 || r60 > r10+200_000 {
		t.Errorf("memory grows with the rows: writing %d to %d, reading %d to %d", w10, w60, r10, r60)
	}
}
