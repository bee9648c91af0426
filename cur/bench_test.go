package cur_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/gzip"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// benchFiles is a month with few AI rows, as most are, in each packing. -short makes
// a small one.
func benchFiles(tb testing.TB) map[string][]byte {
	c := curtest.Config{Rows: 30_000, AIShare: 2}
	if testing.Short() {
		c.Rows = 3_000
	}
	text := asCSV(tb, c)
	var gz bytes.Buffer
	w, err := gzip.NewWriterLevel(&gz, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{"csv": text, "csv.gz": gz.Bytes(), "parquet": asParquet(tb, c)}
}

// eachPacking runs a benchmark per packing; read returns the rows it has read.
func eachPacking(b *testing.B, read func(*testing.B, cur.Source) int64) {
	files := benchFiles(b)
	for _, name := range []string{"csv", "csv.gz", "parquet"} {
		src := cur.FS(fstest.MapFS{"in": {Data: files[name]}})
		b.Run(name, func(b *testing.B) {
			var rows int64
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				rows += read(b, src)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(rows), "allocs/row")
		})
	}
}

func BenchmarkReaderRead(b *testing.B) {
	eachPacking(b, func(b *testing.B, src cur.Source) int64 {
		r := openFile(b, src)
		defer r.Close()
		var li cur.LineItem
		for n := int64(0); ; n++ {
			if err := r.Read(&li); err == io.EOF {
				return n
			} else if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRollupRun(b *testing.B) {
	eachPacking(b, func(b *testing.B, src cur.Source) int64 {
		sets, err := cur.Locate(context.Background(), src, "in")
		if err != nil {
			b.Fatal(err)
		}
		rolled, err := (&cur.Rollup{Where: aiWhere, Keys: tagKeys}).Run(context.Background(), sets[0])
		if err != nil {
			b.Fatal(err)
		}
		return rolled[0].Partial.Objects()[0].Rows
	})
}

func openFile(tb testing.TB, src cur.Source) *cur.Reader {
	tb.Helper()
	f, err := src.Open(context.Background(), "in")
	if err != nil {
		tb.Fatal(err)
	}
	r, err := cur.NewReader(context.Background(), f, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Reading a row allocates nothing once its texts have been seen: memory churn must not
// grow with rows.
func TestReadingRowsAllocatesNothing(t *testing.T) {
	c := curtest.Config{Rows: 12_000, AIShare: 50, Roles: 3, Resources: 3, OtherResources: 20, Accounts: 1}
	for name, content := range map[string][]byte{"csv": asCSV(t, c), "parquet": asParquet(t, c)} {
		r := openFile(t, cur.FS(fstest.MapFS{"in": {Data: content}}))
		var li cur.LineItem
		read := func() {
			if err := r.Read(&li); err != nil {
				t.Fatal(err)
			}
		}
		for range 9_000 {
			read()
		}
		// A text that turns up late, or a page, may still cost something.
		if got := testing.AllocsPerRun(2_000, read); got != 0 {
			t.Errorf("%s: %v allocations to a row, want 0", name, got)
		}
		r.Close()
	}
}
