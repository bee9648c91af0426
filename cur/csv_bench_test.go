package cur

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// BenchmarkCSV compares the main job over CSV with decompressing it, in pairs.
// x/gunzip is the ratio of processor time, wall/gunzip that of the clock.
func BenchmarkCSV(b *testing.B) {
	rows, months := benchMonths()
	for _, name := range []string{"2%", "70%"} {
		set := benchText(b, name, months[name], rows)
		for _, job := range []struct {
			name string
			r    Rollup
		}{
			{"rest counted", Rollup{Where: scopeWhere, RestUnread: true}},
			{"rest summed", Rollup{Where: scopeWhere}},
			{"rest counted, two workers", Rollup{Where: scopeWhere, RestUnread: true, Workers: 2}},
		} {
			b.Run(name+"/"+job.name, func(b *testing.B) {
				var base, baseCPU, ours, oursCPU time.Duration
				for b.Loop() {
					begun, cpu := time.Now(), processorTime()
					for i := range set.files {
						benchGunzip(b, set, i)
					}
					middle, middleCPU := time.Now(), processorTime()
					if _, err := job.r.Run(context.Background(), set); err != nil {
						b.Fatal(err)
					}
					base, baseCPU = base+middle.Sub(begun), baseCPU+middleCPU-cpu
					ours, oursCPU = ours+time.Since(middle), oursCPU+processorTime()-middleCPU
				}
				b.ReportMetric(float64(oursCPU)/float64(baseCPU), "x/gunzip")
				b.ReportMetric(float64(ours)/float64(base), "wall/gunzip")
				b.ReportMetric(float64(oursCPU.Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
			})
		}
	}
}

// benchText writes a month as CSV unless it is there.
func benchText(b *testing.B, name string, c curtest.Config, rows int64) *Set {
	b.Helper()
	dir := os.Getenv("COLUMNS_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	dir = fmt.Sprintf("%s/%d csv %s", dir, rows, name)
	if _, err := os.Stat(dir); err != nil {
		table, err := c.Table()
		if err != nil {
			b.Fatal(err)
		}
		d := curtest.Delivery{Format: curtest.CSVGzip, RowsPerFile: max(1, rows/2)}
		if _, err := d.Write(dir, table); err != nil {
			b.Fatal(err)
		}
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if filepath.Ext(path) == ".gz" {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	sets, err := Locate(context.Background(), Local(), files...)
	if err != nil {
		b.Fatal(err)
	}
	return sets[0]
}

func benchGunzip(b *testing.B, set *Set, i int) {
	b.Helper()
	f, err := set.src.Open(context.Background(), set.files[i].Name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(io.NewSectionReader(f, 0, f.Info().Size))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, z); err != nil {
		b.Fatal(err)
	}
}
