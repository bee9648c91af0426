package curtest

import (
	"compress/gzip"
	"io"
	"testing"

	fast "github.com/klauspost/compress/gzip"
)

// BenchmarkWriteCSV prints rows/s: months of millions of rows are made inside tests.
func BenchmarkWriteCSV(b *testing.B) {
	for _, form := range []struct {
		name string
		wrap func(io.Writer) io.WriteCloser
	}{
		{"plain", func(w io.Writer) io.WriteCloser { return nopCloser{w} }},
		{"gz", func(w io.Writer) io.WriteCloser {
			z, _ := fast.NewWriterLevel(w, gzip.BestSpeed)
			return z
		}},
	} {
		b.Run(form.name, func(b *testing.B) {
			t, err := (&Config{Rows: int64(b.N), AIShare: 50, EDP: 5, ManualDiscounts: true}).Table()
			if err != nil {
				b.Fatal(err)
			}
			w := form.wrap(io.Discard)
			if _, err := t.WriteCSV(w); err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkWriteParquet(b *testing.B) {
	t, err := (&Config{Rows: int64(b.N), AIShare: 50, EDP: 5, ManualDiscounts: true}).Table()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := t.WriteParquet(io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
