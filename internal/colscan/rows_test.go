package colscan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"pgregory.net/rapid"
)

// cell is one value to write and to expect: its text, or null.
type cell struct {
	Text string
	Null bool
}

// table is a file in memory.
type table struct {
	Columns []colscan.Column
	Rows    [][]cell
}

// write writes the table through the package's Writer.
func (tb *table) write(t failer, o *colscan.WriterOptions) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := colscan.NewWriter(&buf, tb.Columns, o)
	for _, row := range tb.Rows {
		for i, c := range row {
			if c.Null {
				continue
			}
			switch tb.Columns[i].Kind {
			case colscan.String:
				w.SetText(i, c.Text)
			case colscan.Double:
				x, _ := strconv.ParseFloat(c.Text, 64)
				w.SetFloat(i, x)
			case colscan.Int64:
				n, _ := strconv.ParseInt(c.Text, 10, 64)
				w.SetInt(i, n)
			case colscan.Bool:
				w.SetBool(i, c.Text == "true")
			case colscan.Timestamp:
				at, _ := time.Parse(time.RFC3339Nano, c.Text)
				w.SetTime(i, at)
			case colscan.Map, colscan.DoubleMap:
				w.SetMap(i, pairsOf(c.Text))
			}
		}
		if err := w.EndRow(); err != nil {
			t.Fatalf("EndRow: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return buf.Bytes()
}

// pairsOf reads the restricted JSON objects that the tests draw.
func pairsOf(s string) (pairs []colscan.Pair) {
	s = strings.Trim(s, "{}")
	if s == "" {
		return nil
	}
	for _, p := range strings.Split(s, ",") {
		k, v, _ := strings.Cut(p, ":")
		pairs = append(pairs, colscan.Pair{Key: strings.Trim(k, `"`), Value: strings.Trim(v, `"`)})
	}
	return pairs
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func open(t failer, b []byte) *colscan.File {
	t.Helper()
	f, err := colscan.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return f
}

// readAll reads the columns that want asks for, as text, on the rows that it
// asks for.
func readAll(t failer, f *colscan.File, want func(row int64, col int) bool) [][]cell {
	t.Helper()
	rows := f.Rows()
	defer rows.Close()
	var out [][]cell
	for rows.Next(context.Background()) {
		var row []cell
		for i := range f.Columns() {
			if !want(rows.Index(), i) {
				row = append(row, cell{})
				continue
			}
			b, null, err := rows.Text(i)
			if err != nil {
				t.Fatalf("Text(%d) of row %d: %v", i, rows.Index(), err)
			}
			row = append(row, cell{string(b), null})
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("Err: %v", err)
	}
	return out
}

func every(int64, int) bool { return true }

func drawCell(kind colscan.Kind) *rapid.Generator[string] {
	switch kind {
	case colscan.Double:
		return rapid.Map(rapid.Float64Range(-1e6, 1e6), func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) })
	case colscan.Int64:
		return rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) })
	case colscan.Bool:
		return rapid.SampledFrom([]string{"true", "false"})
	case colscan.Timestamp:
		return rapid.Map(rapid.Int64Range(0, 4e12), func(n int64) string { return time.UnixMilli(n).UTC().Format(time.RFC3339Nano) })
	case colscan.Map:
		return rapid.SampledFrom([]string{"{}", `{"a":"1"}`, `{"a":"","b":"x"}`, `{"k1":"v","k2":"w","k3":"é"}`})
	case colscan.DoubleMap:
		return rapid.SampledFrom([]string{"{}", `{"d":-0.5}`, `{"a":1,"b":0.00000001}`})
	}
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "AmazonBedrock", "AmazonEC2", "arn:aws:sts::820723250459:assumed-role/r/s"}),
		rapid.StringN(0, 20, 60),
	)
}

// zero is what a required column holds where nothing was set.
func zero(kind colscan.Kind) string {
	switch kind {
	case colscan.Double, colscan.Int64:
		return "0"
	case colscan.Bool:
		return "false"
	case colscan.Timestamp:
		return "1970-01-01T00:00:00Z"
	case colscan.Map, colscan.DoubleMap:
		return "{}"
	}
	return ""
}

// TestRoundTrip writes drawn tables in drawn layouts and reads them back,
// asking for drawn columns on drawn rows.
func TestRoundTrip(t *testing.T) {
	kinds := []colscan.Kind{colscan.String, colscan.Double, colscan.Int64, colscan.Bool, colscan.Timestamp, colscan.Map, colscan.DoubleMap}
	rapid.Check(t, func(t *rapid.T) {
		o := &colscan.WriterOptions{
			RowGroupRows:    rapid.SampledFrom([]int{0, 7, 600}).Draw(t, "group"),
			PageVersion:     rapid.IntRange(0, 2).Draw(t, "version"),
			PageBytes:       rapid.SampledFrom([]int{0, 64, 1000}).Draw(t, "page"),
			DictionaryLimit: rapid.SampledFrom([]int{0, -1, 40}).Draw(t, "dictionary"),
			Required:        rapid.Bool().Draw(t, "required"),
			Codec:           rapid.SampledFrom([]colscan.Codec{colscan.Snappy, colscan.Gzip, colscan.Zstd, colscan.Uncompressed}).Draw(t, "codec"),
		}
		var tb table
		for i := range rapid.IntRange(1, 6).Draw(t, "columns") {
			tb.Columns = append(tb.Columns, colscan.Column{
				Name:     fmt.Sprint("c", i%4), // names repeat
				Kind:     rapid.SampledFrom(kinds).Draw(t, "kind"),
				Optional: rapid.Bool().Draw(t, "optional"),
			})
		}
		// Few distinct rows, many of them: runs and dictionaries matter.
		var distinct [][]cell
		for range rapid.IntRange(1, 6).Draw(t, "distinct") {
			var row []cell
			for _, c := range tb.Columns {
				if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
					row = append(row, cell{Null: true})
				} else {
					row = append(row, cell{Text: drawCell(c.Kind).Draw(t, "cell")})
				}
			}
			distinct = append(distinct, row)
		}
		for range rapid.IntRange(0, 40).Draw(t, "runs") {
			row := rapid.SampledFrom(distinct).Draw(t, "row")
			for range rapid.SampledFrom([]int{1, 1, 2, 9, 70}).Draw(t, "times") {
				tb.Rows = append(tb.Rows, row)
			}
		}
		b := tb.write(t, o)
		f := open(t, b)
		if got := f.NumRows(); got != int64(len(tb.Rows)) {
			t.Fatalf("NumRows = %d, want %d", got, len(tb.Rows))
		}
		for i, c := range tb.Columns {
			c.Optional = c.Optional && !o.Required
			if got := f.Columns()[i]; got != c {
				t.Fatalf("column %d = %+v, want %+v", i, got, c)
			}
		}
		colMask := rapid.Uint8().Draw(t, "asked columns") | 1
		rowMask := rapid.SampledFrom([]uint64{math.MaxUint64, 1, 0x8421, 0xF000F}).Draw(t, "asked rows")
		asked := func(row int64, col int) bool { return colMask>>col&1 == 1 && rowMask>>(row%20)&1 == 1 }
		got := readAll(t, f, asked)
		if len(got) != len(tb.Rows) {
			t.Fatalf("%d rows delivered, want %d", len(got), len(tb.Rows))
		}
		for r := range tb.Rows {
			for c := range tb.Columns {
				want := tb.Rows[r][c]
				if want.Null && !f.Columns()[c].Optional {
					want = cell{Text: zero(tb.Columns[c].Kind)}
				}
				if !asked(int64(r), c) {
					want = cell{}
				}
				if got[r][c] != want {
					t.Fatalf("row %d, column %d (%v) = %+v, want %+v", r, c, tb.Columns[c].Kind, got[r][c], want)
				}
			}
		}
		if again := tb.write(t, o); !bytes.Equal(again, b) {
			t.Fatalf("the same rows gave other bytes")
		}
	})
}

// TestAccessors reads each kind through its typed accessor and the others.
func TestAccessors(t *testing.T) {
	at := time.Date(2026, 5, 1, 2, 3, 4, 5e6, time.UTC)
	tb := table{Columns: []colscan.Column{
		{Name: "text", Kind: colscan.String}, {Name: "cost", Kind: colscan.Double, Optional: true},
		{Name: "count", Kind: colscan.Int64}, {Name: "start", Kind: colscan.Timestamp}, {Name: "tags", Kind: colscan.Map},
	}, Rows: [][]cell{
		{{Text: "a"}, {Text: "0.1"}, {Text: "9007199254740993"}, {Text: at.Format(time.RFC3339Nano)}, {Text: `{"b":"2","a":"1"}`}},
		{{Text: "b"}, {Null: true}, {Text: "-3"}, {Text: "1970-01-01T00:00:00Z"}, {Text: "{}"}},
	}}
	f := open(t, tb.write(t, &colscan.WriterOptions{KeyValue: map[string]string{"spendclaim.synthetic": "yes"}}))
	if v, ok := f.Lookup("spendclaim.synthetic"); v != "yes" || !ok {
		t.Errorf("Lookup = %q, %v", v, ok)
	}
	if _, ok := f.Lookup("other"); ok {
		t.Errorf("Lookup finds a key that is not there")
	}
	ctx := context.Background()
	rows := f.Rows()
	defer rows.Close()
	if _, _, err := rows.Text(0); err == nil {
		t.Errorf("Text before Next succeeds")
	}
	if !rows.Next(ctx) {
		t.Fatal(rows.Err())
	}
	if x, null, err := rows.Float(1); x != 0.1 || null || err != nil {
		t.Errorf("Float = %v, %v, %v", x, null, err)
	}
	if n, null, err := rows.Int(2); n != 9007199254740993 || null || err != nil {
		t.Errorf("Int = %v, %v, %v", n, null, err)
	}
	if _, _, err := rows.Float(2); !errors.Is(err, colscan.ErrKind) {
		t.Errorf("Float of an integer beyond 2^53: error = %v, want %v", err, colscan.ErrKind)
	}
	if got, null, err := rows.Time(3); !got.Equal(at) || null || err != nil {
		t.Errorf("Time = %v, %v, %v", got, null, err)
	}
	pairs, null, err := rows.Map(4, []colscan.Pair{{Key: "before"}})
	want := []colscan.Pair{{Key: "before"}, {Key: "b", Value: "2"}, {Key: "a", Value: "1"}}
	if diff := cmp.Diff(want, pairs); diff != "" || null || err != nil {
		t.Errorf("Map: %v, %v (-want +got)\n%s", null, err, diff)
	}
	if b, _, err := rows.Text(4); string(b) != `{"a":"1","b":"2"}` || err != nil {
		t.Errorf("Text of a map = %s, %v", b, err)
	}
	// Asking for the wrong form harms neither the column nor the others.
	for col := -1; col <= len(tb.Columns); col++ {
		_, _, e1 := rows.Time(col)
		_, _, e2 := rows.Map(col, nil)
		if col != 3 && !errors.Is(e1, colscan.ErrKind) || col != 4 && !errors.Is(e2, colscan.ErrKind) {
			t.Errorf("column %d: Time, Map: errors = %v, %v; want %v", col, e1, e2, colscan.ErrKind)
		}
	}
	if !rows.Next(ctx) {
		t.Fatal(rows.Err())
	}
	if x, null, err := rows.Float(1); x != 0 || !null || err != nil {
		t.Errorf("Float of null = %v, %v, %v", x, null, err)
	}
	if x, null, err := rows.Float(2); x != -3 || null || err != nil {
		t.Errorf("Float of an integer = %v, %v, %v", x, null, err)
	}
	if rows.Next(ctx) || rows.Err() != nil {
		t.Errorf("a third row, or error %v", rows.Err())
	}
	if _, _, err := rows.Text(0); err == nil {
		t.Errorf("Text after the end succeeds")
	}
}

func TestContextEndsReading(t *testing.T) {
	tb := table{Columns: []colscan.Column{{Name: "a", Kind: colscan.String}}}
	for i := range 5000 {
		tb.Rows = append(tb.Rows, []cell{{Text: strconv.Itoa(i)}})
	}
	f := open(t, tb.write(t, &colscan.WriterOptions{DictionaryLimit: -1, PageBytes: 1000}))
	ctx, cancel := context.WithCancel(context.Background())
	rows := f.Rows()
	defer rows.Close()
	for range 10 {
		rows.Next(ctx)
	}
	cancel()
	n := 0
	for rows.Next(ctx) {
		n++
	}
	if !errors.Is(rows.Err(), context.Canceled) || n > 1024 {
		t.Errorf("%d rows after cancellation, error = %v", n, rows.Err())
	}
	// A page read notices it earlier, whatever Next looked at.
	rows = f.Rows()
	defer rows.Close()
	ctx, cancel = context.WithCancel(context.Background())
	rows.Next(ctx)
	cancel()
	if _, _, err := rows.Text(0); !errors.Is(err, context.Canceled) || errors.Is(err, colscan.ErrFormat) {
		t.Errorf("Text after cancellation: error = %v", err)
	}
}

// TestRowsDoNotAllocate reads a file with nulls, numbers, dictionaries and
// maps; what is allocated is per file and page.
func TestRowsDoNotAllocate(t *testing.T) {
	const n = 50_000
	tb := table{Columns: []colscan.Column{
		{Name: "product", Kind: colscan.String, Optional: true}, {Name: "cost", Kind: colscan.Double, Optional: true},
		{Name: "start", Kind: colscan.Timestamp}, {Name: "tags", Kind: colscan.Map},
	}}
	for i := range n {
		tb.Rows = append(tb.Rows, []cell{{Text: fmt.Sprint("p", i%50), Null: i%7 == 0}, {Text: strconv.Itoa(i)},
			{Text: "2026-05-01T00:00:00Z"}, {Text: fmt.Sprintf(`{"team":"%d"}`, i%9)}})
	}
	f := open(t, tb.write(t, nil))
	var pairs []colscan.Pair
	allocs := testing.AllocsPerRun(1, func() {
		rows := f.Rows()
		defer rows.Close()
		for rows.Next(context.Background()) {
			_, _, e1 := rows.Text(0)
			_, _, e2 := rows.Float(1)
			_, _, e3 := rows.Time(2)
			var e4 error
			pairs, _, e4 = rows.Map(3, pairs[:0])
			if err := errors.Join(e1, e2, e3, e4); err != nil {
				t.Fatal(err)
			}
		}
		if rows.Err() != nil || rows.Index() != n-1 {
			t.Fatal(rows.Index(), rows.Err())
		}
	})
	if allocs > n/100 {
		t.Errorf("%v allocations for %d rows", allocs, n)
	}
}

// TestBuffersAreNotShared reads chunks longer than the read buffer, without
// compression, where values and dictionaries could alias what is overwritten,
// and row groups whose dictionaries are alike in size alone.
func TestBuffersAreNotShared(t *testing.T) {
	const n = 60_000
	tb := table{Columns: []colscan.Column{{Name: "a", Kind: colscan.String}, {Name: "b", Kind: colscan.String}, {Name: "m", Kind: colscan.Map}}}
	for i := range n {
		tb.Rows = append(tb.Rows, []cell{
			{Text: fmt.Sprint("dictionary entry ", i*7919%3000)}, {Text: fmt.Sprintf("%040d", i)},
			{Text: fmt.Sprintf(`{"group":"%d","n":"%d"}`, i/20_000, i%300)},
		})
	}
	f := open(t, tb.write(t, &colscan.WriterOptions{Codec: colscan.Uncompressed, RowGroupRows: 20_000, PageBytes: 20_000, DictionaryLimit: 100_000}))
	for i, row := range readAll(t, f, every) {
		for c := range row {
			if row[c] != tb.Rows[i][c] {
				t.Fatalf("row %d, column %d = %q, want %q", i, c, row[c].Text, tb.Rows[i][c].Text)
			}
		}
	}
}
