package cur

import (
	"context"
	"fmt"
	"io"
	"os"
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
		manifest := benchText(b, name, months[name], rows)
		for _, job := range []struct {
			name string
			src  Source
			r    Rollup
		}{
			{"rest counted", withTags{Local()}, Rollup{Where: scopeWhere, RestUnread: true}},
			{"rest counted, hashed", Local(), Rollup{Where: scopeWhere, RestUnread: true}},
			{"rest summed", withTags{Local()}, Rollup{Where: scopeWhere}},
			{"rest counted, two workers", withTags{Local()}, Rollup{Where: scopeWhere, RestUnread: true, Workers: 2}},
		} {
			sets, err := Locate(context.Background(), job.src, manifest)
			if err != nil || len(sets) != 1 {
				b.Fatalf("Locate: %d sets, %v", len(sets), err)
			}
			set := sets[0]
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

// benchText writes a month as CSV in two files, unless it is there, and returns its
// manifest. From a source with ETags nothing is hashed.
func benchText(b *testing.B, name string, c curtest.Config, rows int64) (manifest string) {
	b.Helper()
	dir := os.Getenv("COLUMNS_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	dir = fmt.Sprintf("%s/%d csv %s", dir, rows, name)
	mark := dir + "/manifest-path"
	if path, err := os.ReadFile(mark); err == nil {
		return string(path)
	}
	table, err := c.Table()
	if err != nil {
		b.Fatal(err)
	}
	d := curtest.Delivery{Format: curtest.CSVGzip, RowsPerFile: max(1, rows/2)}
	w, err := d.Write(dir, table)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(mark, []byte(w.Manifest), 0o666); err != nil {
		b.Fatal(err)
	}
	return w.Manifest
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
