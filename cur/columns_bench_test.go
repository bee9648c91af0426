package cur

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// benchTimes is how many times each file is read in one run, under different
// names. COLUMNS_TIMES sets it.
func benchTimes() int {
	n, _ := strconv.Atoi(os.Getenv("COLUMNS_TIMES"))
	return max(1, n)
}

// withTags is a Source whose files have an ETag, as those of a bucket do, so that
// no content is hashed.
type withTags struct{ Source }

func (s withTags) Open(ctx context.Context, name string) (File, error) {
	path, _, _ := strings.Cut(name, "?")
	f, err := s.Source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return withTagsFile{f, name}, nil
}

func (s withTags) Stat(ctx context.Context, name string) (Info, error) {
	i, err := s.Source.Stat(ctx, name)
	i.ETag = "etag of " + i.Name
	return i, err
}

func (s withTags) List(ctx context.Context, dir string) ([]Info, error) {
	infos, err := s.Source.List(ctx, dir)
	for i := range infos {
		infos[i].ETag = "etag of " + infos[i].Name
	}
	return infos, err
}

type withTagsFile struct {
	File
	name string
}

func (f withTagsFile) Info() Info {
	i := f.File.Info()
	i.Name, i.ETag = f.name, "etag of "+f.name
	return i
}

// benchMonths are the months of the benchmark. COLUMNS_ROWS sets their size;
// 20,000 rows, which say nothing, without it.
func benchMonths() (rows int64, months map[string]curtest.Config) {
	rows = 20_000
	if n, err := strconv.ParseInt(os.Getenv("COLUMNS_ROWS"), 10, 64); err == nil {
		rows = n
	}
	base := curtest.Config{Rows: rows, Accounts: 60, Roles: 400, Resources: 3000, OtherResources: 20000, Sheet: curtest.Sheet{Hourly: true}}
	months = map[string]curtest.Config{}
	for _, share := range []int{2, 70} {
		c := base
		c.AIShare = share
		months[fmt.Sprintf("%d%%", share)] = c
		c.Clustered = true
		months[fmt.Sprintf("%d%% clustered", share)] = c
	}
	return rows, months
}

// BenchmarkColumns compares the main job with decompressing the columns it
// reads, in pairs, so that a busy machine slows both: x/limit is the ratio of
// processor time. COLUMNS_DIR keeps the months between runs.
func BenchmarkColumns(b *testing.B) {
	rows, months := benchMonths()
	for _, name := range []string{"2%", "70%", "2% clustered"} {
		c := months[name]
		dir := os.Getenv("COLUMNS_DIR")
		if dir == "" {
			dir = b.TempDir()
		} else {
			dir = fmt.Sprintf("%s/%d %s", dir, rows, name)
		}
		set := benchSet(b, dir, c, min(rows, 1_000_000))
		for _, job := range []struct {
			name string
			r    Rollup
		}{
			{"rest counted", Rollup{Where: scopeWhere, RestUnread: true}},
			{"rest summed", Rollup{Where: scopeWhere}},
			{"rest counted, two workers", Rollup{Where: scopeWhere, RestUnread: true, Workers: 2}},
		} {
			b.Run(name+"/"+job.name, func(b *testing.B) { benchPair(b, set, job.r, rows) })
		}
	}
}

// benchSet writes a month unless it is there, files of one row group each.
func benchSet(b *testing.B, dir string, c curtest.Config, perFile int64) *Set {
	b.Helper()
	mark := dir + "/manifest-path"
	manifest, err := os.ReadFile(mark)
	if err != nil {
		table, err := c.Table()
		if err != nil {
			b.Fatal(err)
		}
		d := curtest.Delivery{Format: curtest.Parquet, RowsPerFile: perFile, RowGroup: int(perFile)}
		w, err := d.Write(dir, table)
		if err != nil {
			b.Fatal(err)
		}
		manifest = []byte(w.Manifest)
		if err := os.WriteFile(mark, manifest, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	sets, err := Locate(context.Background(), withTags{Local()}, string(manifest))
	if err != nil || len(sets) != 1 {
		b.Fatalf("Locate: %d sets, %v", len(sets), err)
	}
	set := sets[0]
	files := set.files
	for i := range benchTimes() - 1 {
		for _, f := range files {
			f.Name += fmt.Sprint("?", i)
			f.ETag = "etag of " + f.Name
			set.files = append(set.files, f)
		}
	}
	return set
}

func benchPair(b *testing.B, set *Set, r Rollup, rows int64) {
	ctx := context.Background()
	needed := benchNeeded(b, set, r)
	var job, limit, wall time.Duration
	least := [2]time.Duration{1 << 62, 1 << 62}
	var mallocs uint64
	var out []Rolled
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		cpu, at := processorTime(), time.Now()
		var err error
		if out, err = r.Run(ctx, set); err != nil {
			b.Fatal(err)
		}
		wall += time.Since(at)
		took := processorTime() - cpu
		job, least[0] = job+took, min(least[0], took)
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs
		cpu = processorTime()
		benchDecompress(b, set, needed)
		took = processorTime() - cpu
		limit, least[1] = limit+took, min(least[1], took)
	}
	if st := out[0].Stats; st.Again || st.ByRows > 0 {
		b.Fatalf("the column path was not used: %+v", st)
	}
	rows *= int64(benchTimes())
	million := float64(b.N) * float64(rows) / 1e6
	b.ReportMetric(float64(job)/float64(limit), "x/limit")
	// On a machine with other work the least of several runs says more.
	b.ReportMetric(float64(least[0])/float64(least[1]), "least-x/limit")
	b.ReportMetric(job.Seconds()*1e3/million, "ms/Mrow")
	b.ReportMetric(limit.Seconds()*1e3/million, "limit-ms/Mrow")
	b.ReportMetric(wall.Seconds()*1e3/million, "wall-ms/Mrow")
	b.ReportMetric(float64(mallocs)/float64(b.N)/float64(rows), "allocs/row")
	b.ReportMetric(float64(out[0].Partial.Len()), "groups")
	b.ReportMetric(float64(len(needed)), "columns")
	b.ReportMetric(0, "ns/op")
}

// benchNeeded returns the columns that the job reads.
func benchNeeded(b *testing.B, set *Set, r Rollup) []int {
	b.Helper()
	w := newColumnWorker(newRun(&r, set))
	defer w.scan.Close()
	f, rd := benchOpen(b, set, 0)
	defer f.Close()
	defer rd.Close()
	plan := planColumns(rd, &w.run.spec, r.Where)
	if plan == nil {
		b.Fatal("no plan")
	}
	w.begin(plan)
	defer w.announce(f, 0)()
	rows := w.beginGroup(context.Background(), 0)
	for ; w.base < rows; w.base += int64(w.n) {
		w.n = int(min(blockRows, rows-w.base))
		w.serial++
		if err := w.block(); err != nil {
			b.Fatal(err)
		}
	}
	return w.scan.Opened()
}

func benchOpen(b *testing.B, set *Set, i int) (File, *Reader) {
	b.Helper()
	f, err := set.src.Open(context.Background(), set.files[i].Name)
	if err != nil {
		b.Fatal(err)
	}
	rd, err := NewReader(context.Background(), f, nil)
	if err != nil {
		b.Fatal(err)
	}
	return f, rd
}

func benchDecompress(b *testing.B, set *Set, columns []int) {
	b.Helper()
	var s colscan.Scanner
	defer s.Close()
	for i := range set.files {
		f, rd := benchOpen(b, set, i)
		file := rd.row.dec.(*parquetDecoder).file
		for g := range file.NumRowGroups() {
			s.Begin(file, g)
			for _, c := range columns {
				if _, err := s.Decompress(context.Background(), c); err != nil {
					b.Fatal(err)
				}
			}
		}
		rd.Close()
		f.Close()
	}
}

// BenchmarkWorkers compares one worker with two by the clock, over ten files; COLUMNS_ROWS
// sets the rows of them all.
func BenchmarkWorkers(b *testing.B) {
	rows, months := benchMonths()
	for _, name := range []string{"2%", "70%"} {
		b.Run(name, func(b *testing.B) {
			dir := os.Getenv("COLUMNS_DIR")
			if dir == "" {
				dir = b.TempDir()
			} else {
				dir = fmt.Sprintf("%s/%d %s in ten", dir, rows, name)
			}
			set := benchSet(b, dir, months[name], max(1, rows/10))
			least := [2]time.Duration{1 << 62, 1 << 62}
			var total [2]time.Duration
			for b.Loop() {
				for i := range least {
					r := Rollup{Where: scopeWhere, RestUnread: true, Workers: 1 + i}
					runtime.GC()
					at := time.Now()
					if _, err := r.Run(context.Background(), set); err != nil {
						b.Fatal(err)
					}
					took := time.Since(at)
					least[i], total[i] = min(least[i], took), total[i]+took
				}
			}
			b.ReportMetric(float64(total[0])/float64(total[1]), "one/two")
			b.ReportMetric(float64(least[0])/float64(least[1]), "least-one/two")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkColumnGroups measures what a group costs while rows are read, when every
// group has a resource of its own.
func BenchmarkColumnGroups(b *testing.B) {
	const n = 1_000_000
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := newColumnWorker(newRun(&Rollup{}, nil))
		ids, dst := make([]uint32, blockRows), make([]uint32, blockRows)
		for at := uint32(0); at < n; at += blockRows {
			for i := range ids {
				ids[i] = at + uint32(i)
			}
			last := &w.anchors.pairings[len(w.anchors.pairings)-1]
			anchor := last.all(dst, keyColumn{same: true}, keyColumn{ids: ids}, 1, n)
			both := w.both.all(dst, keyColumn{same: true}, anchor, 1, last.len())
			for i := range ids {
				ids[i] %= 31
			}
			w.group.all(dst, both, keyColumn{ids: ids}, w.both.len(), 31)
			w.groupSums.extend(w.group.len())
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if w.groupSums.len() < n {
			b.Fatalf("%d groups, want %d", w.groupSums.len(), n)
		}
		runtime.KeepAlive(w)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/group")
}
