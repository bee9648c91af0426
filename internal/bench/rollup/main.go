// Rollup compares the main job (a month rolled up exactly and assigned) with
// other ways to do it, in one run, and prints one table of ratios.
//
//	go run ./rollup                       # 1 M rows, 2 % and 70 % AI
//	go run ./rollup -rows 10000000 -runs 5
//
// Each measurement is a process of its own, so that CPU time, wall time and peak
// memory are the operating system's figures for the whole job. Contenders take
// turns with the baseline, pair by pair, and the table holds medians of the
// paired ratios: a machine whose speed drifts shifts both sides alike. The month
// is synthetic and made beforehand.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// months are the shapes measured.
var months = []struct {
	name      string
	ai        int
	clustered bool
	fresh     int // model rows to a session; 0: few sessions
}{
	{"2 % AI", 2, false, 0},
	{"70 % AI", 70, false, 0},
	{"2 % AI, clustered", 2, true, 0},
	{"70 % AI, new sessions", 70, false, 5},
}

// figures are what one process used and answered.
type figures struct {
	wall, cpu time.Duration
	rss       int64 // bytes
	answer    answer
}

// answer is what a contender prints: enough to see that all did the same job.
type answer struct {
	Rows    int64  `json:"rows"`   // rows seen
	Groups  int    `json:"groups"` // groups in scope
	Cost    string `json:"cost"`   // unblended cost in scope
	Mallocs uint64 `json:"mallocs"`
	Peak    int64  `json:"peak"` // resident bytes at most
}

func main() {
	rows := flag.Int64("rows", 1_000_000, "rows of each month")
	perFile := flag.Int64("per-file", 1_000_000, "rows to a file")
	runs := flag.Int("runs", 3, "pairs of runs to each ratio")
	dir := flag.String("dir", filepath.Join(os.TempDir(), "spendclaim-bench"), "folder of the generated months, kept between runs")
	only := flag.String("only", "", "measure only contenders whose name contains this")
	mode := flag.String("mode", "", "internal: be a contender")
	flag.Parse()
	if *mode != "" {
		child(*mode, flag.Args())
		return
	}
	if err := compare(*rows, *perFile, *runs, *dir, *only); err != nil {
		fmt.Fprintln(os.Stderr, "rollup:", err)
		os.Exit(1)
	}
}

func compare(rows, perFile int64, runs int, dir, only string) error {
	for _, m := range months {
		files, err := generate(dir, rows, perFile, m.ai, m.clustered, m.fresh)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s, %d rows in %d files\n", m.name, rows, len(files.Parquet))
		fmt.Printf("%-44s %9s %9s %9s %9s %11s %9s  %s\n", "", "CPU s", "wall s", "÷ base", "wall ÷", "peak MB", "allocs/row", "answer")
		for _, set := range [...]struct {
			base       string
			files      []string
			contenders []string
		}{
			{"parquet-decompress", files.Parquet, parquetContenders},
			{"csv-gunzip", files.CSV, csvContenders},
		} {
			base, err := measure(set.base, set.files)
			if err != nil {
				return err
			}
			show(set.base, base, 1, 1, rows)
			for _, c := range set.contenders {
				if !strings.Contains(c, only) || skip(c, rows) {
					continue
				}
				var cpu, wall []float64
				var f figures
				for range runs {
					b, err := measure(set.base, set.files)
					if err != nil {
						return err
					}
					if f, err = measure(c, set.files); err != nil {
						return err
					}
					cpu = append(cpu, float64(f.cpu)/float64(b.cpu))
					wall = append(wall, float64(f.wall)/float64(b.wall))
				}
				show(c, f, median(cpu), median(wall), rows)
			}
		}
	}
	return nil
}

// skip leaves out what would take minutes at this size.
func skip(contender string, rows int64) bool {
	return rows > 2_000_000 && (strings.Contains(contender, "generic") || strings.Contains(contender, "encoding-csv")) ||
		rows > 20_000_000 && strings.Contains(contender, "duckdb-exact")
}

func show(name string, f figures, cpu, wall float64, rows int64) {
	fmt.Printf("%-44s %9.3f %9.3f %9.2f %9.2f %11.0f %9.3f  %d rows, %d groups, %s\n", name, f.cpu.Seconds(), f.wall.Seconds(), cpu, wall,
		float64(f.rss)/1e6, float64(f.answer.Mallocs)/float64(rows), f.answer.Rows, f.answer.Groups, f.answer.Cost)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// measure runs a contender in a process of its own.
func measure(contender string, files []string) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	cmd := exec.Command(self, append([]string{"-mode", contender}, files...)...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	f := figures{wall: time.Since(start)}
	if err != nil {
		return f, fmt.Errorf("%s: %w", contender, err)
	}
	f.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := json.Unmarshal(out, &f.answer); err != nil {
		return f, fmt.Errorf("%s: %w", contender, err)
	}
	f.rss = f.answer.Peak
	return f, nil
}
