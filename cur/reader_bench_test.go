package cur

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// eightColumns are what an attribution of one's own needs of a row.
var eightColumns = []Column{ColProductCode, ColPrincipal, ColResource, ColUsageType, ColPricingUnit,
	colUsageStart, "line_item_unblended_cost", "line_item_usage_amount"}

// BenchmarkRows reads months row by row. What counts is rows by processor time,
// in millions a second, and allocations to a row; COLUMNS_ROWS and COLUMNS_DIR
// are those of BenchmarkColumns.
func BenchmarkRows(b *testing.B) {
	rows, months := benchMonths()
	for _, name := range []string{"2%", "70%"} {
		dir := os.Getenv("COLUMNS_DIR")
		if dir == "" {
			dir = b.TempDir()
		} else {
			dir = fmt.Sprintf("%s/%d %s", dir, rows, name)
		}
		set := benchSet(b, dir, months[name], rows)
		for _, c := range []struct {
			name string
			o    *ReaderOptions
		}{
			{"all columns", nil},
			{"eight columns", &ReaderOptions{Columns: eightColumns}},
			{"eight columns of AI rows", &ReaderOptions{Columns: eightColumns, Where: scopeWhere}},
			{"all columns, without blocks", &ReaderOptions{byRows: true}},
		} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begun := processorTime()
				for b.Loop() {
					for i := range set.files {
						benchRows(b, set, i, c.o)
					}
				}
				took := processorTime() - begun
				runtime.ReadMemStats(&after)
				all := float64(rows) * float64(b.N)
				b.ReportMetric(all/1e6/took.Seconds(), "Mrows/cpu-s")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/row")
			})
		}
	}
}

func benchRows(b *testing.B, set *Set, i int, o *ReaderOptions) {
	f, err := set.src.Open(context.Background(), set.files[i].Name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(context.Background(), f, o)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	bytes := 0
	for li, err := range r.All() {
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(li.UsageType)
	}
	if bytes == 0 {
		b.Fatal("no usage types")
	}
}
