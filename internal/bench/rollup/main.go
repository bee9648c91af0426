// Rollup compares the main job (a month rolled up exactly and assigned) with other
// ways to do it, in one run, and prints a table of what each took and a table of
// ratios, each with what it must be and whether it is.
//
//	go run ./rollup                                   # months of 1 M rows
//	go run ./rollup -rows 10000000 -runs 5            # generates 10 M rows each
//	go run ./rollup -months 2,70 -only iterator       # a part
//
// Each measurement is a process of its own. It measures itself: processor time
// and clock of the job without the start of the process, and the most memory that
// was resident (VmHWM; what wait reports includes the parent's memory at the time
// of the fork). The two sides of a ratio take turns, pair by pair, and the ratio
// is the median of the pairs': a machine whose speed drifts shifts both sides
// alike. Months are synthetic and made beforehand.
//
// Contenders that claim to be exact must give the same totals, else the run fails.
package main

import (
	"cmp"
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

// month is a shape of month.
type month struct {
	name      string
	ai        int
	clustered bool
	fresh     int // model rows to a session; 0: few sessions
}

var months = []month{
	{"2", 2, false, 0},
	{"70", 70, false, 0},
	{"2-clustered", 2, true, 0},
	{"70-sessions", 70, false, 5},
}

// job is what a process does: a contender over files of a month.
type job struct {
	Contender string   `json:"contender"`
	CSV       bool     `json:"csv"`     // the month as CSV; else Parquet
	Times     int      `json:"times"`   // each file is read so often
	Workers   int      `json:"workers"` // of the rollup, and processors to use
	Files     []string `json:"files"`
}

func (j job) String() string {
	s := j.Contender
	if j.CSV {
		s += ", csv.gz"
	}
	if j.Times > 1 {
		s += fmt.Sprintf(", files × %d", j.Times)
	}
	if j.Workers > 1 {
		s += fmt.Sprintf(", %d workers", j.Workers)
	}
	return s
}

// figures are what one process used and answered.
type figures struct {
	CPU     time.Duration `json:"cpu"`
	Wall    time.Duration `json:"wall"`
	Peak    int64         `json:"peak"` // resident bytes at most
	Mallocs uint64        `json:"mallocs"`
	Answer  answer        `json:"answer"`
}

// answer shows that all did the same job. A contender fills what it works out.
type answer struct {
	Rows   int64  `json:"rows"`   // rows seen
	Groups int    `json:"groups"` // in scope, at the book grain
	Scope  string `json:"scope"`  // unblended cost in scope
	Codes  string `json:"codes"`  // of the products whose code begins with AmazonBedrock
	All    string `json:"all"`    // of all rows

	// complete works the sums out where that is no part of the job.
	complete func(*answer)
}

func main() {
	o := options{}
	flag.Int64Var(&o.rows, "rows", 1_000_000, "rows of each month")
	flag.Int64Var(&o.perFile, "per-file", 1_000_000, "rows to a file")
	flag.IntVar(&o.runs, "runs", 3, "pairs of runs to each ratio")
	flag.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "spendclaim-bench"), "folder of the generated months, kept between runs")
	flag.StringVar(&o.only, "only", "", "only ratios whose name contains this")
	flag.BoolVar(&o.verbose, "v", false, "say what is being measured")
	names := flag.String("months", "2,70,2-clustered,70-sessions", "shapes of months")
	child := flag.String("job", "", "internal: be a contender")
	flag.Parse()
	if *child != "" {
		perform(*child)
		return
	}
	o.months = strings.Split(*names, ",")
	if err := o.compare(); err != nil {
		fmt.Fprintln(os.Stderr, "rollup:", err)
		os.Exit(1)
	}
}

type options struct {
	rows, perFile int64
	runs          int
	dir, only     string
	verbose       bool
	months        []string
}

// seen is what was measured of one job.
type seen struct {
	job  job
	runs []figures
}

func (o *options) compare() error {
	failed := 0
	for _, m := range months {
		if !slices.Contains(o.months, m.name) {
			continue
		}
		files, err := generate(o.dir, o.rows, o.perFile, m.ai, m.clustered, m.fresh)
		if err != nil {
			return err
		}
		var all []*seen
		var lines []string
		for _, c := range claims(o.rows) {
			if !c.of(m, o.rows) || !strings.Contains(c.name, o.only) {
				continue
			}
			line, holds, err := o.judge(c, m, files, &all)
			if err != nil {
				return err
			}
			if !holds {
				failed++
			}
			lines = append(lines, line)
		}
		if err := agree(all); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Printf("\nMonth %s: %d rows, %d %% AI, %d Parquet and %d CSV files\n\n", m.name, o.rows, m.ai, len(files.Parquet), len(files.CSV))
		table(all)
		fmt.Printf("\n%-62s %9s %9s %7s\n", "Ratio or figure", "measured", "must", "holds")
		for _, l := range lines {
			fmt.Println(l)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d figures are not what they must be", failed)
	}
	return nil
}

// judge measures one claim and renders its line.
func (o *options) judge(c claim, m month, files generated, all *[]*seen) (line string, holds bool, err error) {
	runs := o.runs
	switch {
	case c.slow:
		runs = 1
	case c.quick:
		runs *= 3
	}
	var ratios []float64
	for range runs {
		a, err := o.measure(c.a, files, all)
		if err != nil {
			return "", false, err
		}
		b := a
		if c.b.Contender != "" {
			if b, err = o.measure(c.b, files, all); err != nil {
				return "", false, err
			}
		}
		ratios = append(ratios, c.figure(a, b))
	}
	got := median(ratios)
	must, sign := c.must(m), "≥"
	holds = got >= must
	if c.atMost {
		sign, holds = "≤", got <= must
	}
	verdict := "yes"
	if !holds {
		verdict = "NO"
	}
	limit := fmt.Sprintf("%s %g", sign, must)
	if must == 0 {
		limit, verdict, holds = "", "", true
	}
	return fmt.Sprintf("%-62s %9.3f %9s %7s", c.name, got, limit, verdict), holds, nil
}

// measure runs a job in a process of its own.
func (o *options) measure(j job, files generated, all *[]*seen) (f figures, err error) {
	j.Times, j.Workers = max(1, j.Times), max(1, j.Workers)
	j.Files = files.Parquet
	if j.CSV {
		j.Files = files.CSV
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	spec, err := json.Marshal(j)
	if err != nil {
		return f, err
	}
	if o.verbose {
		fmt.Fprintln(os.Stderr, j)
	}
	cmd := exec.Command(self, "-job", string(spec))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &f)
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", j, err)
	}
	i := slices.IndexFunc(*all, func(s *seen) bool { return s.job.String() == j.String() })
	if i < 0 {
		i = len(*all)
		*all = append(*all, &seen{job: j})
	}
	(*all)[i].runs = append((*all)[i].runs, f)
	return f, nil
}

// table prints the medians of what each job took.
func table(all []*seen) {
	slices.SortFunc(all, func(a, b *seen) int { return cmp.Compare(a.job.String(), b.job.String()) })
	fmt.Printf("%-52s %8s %8s %8s %11s %11s  %s\n", "Contender", "CPU s", "wall s", "peak MB", "allocs/row", "Mrows/CPU s", "rows, groups")
	for _, s := range all {
		of := func(f func(figures) float64) float64 {
			var v []float64
			for _, r := range s.runs {
				v = append(v, f(r))
			}
			return median(v)
		}
		a := s.runs[0].Answer
		rows := float64(a.Rows)
		perRow := fmt.Sprintf("%11s %11s  -", "-", "-")
		if rows > 0 {
			perRow = fmt.Sprintf("%11.4f %11.2f  %d, %d", of(func(f figures) float64 { return float64(f.Mallocs) / rows }),
				of(func(f figures) float64 { return rows / 1e6 / f.CPU.Seconds() }), a.Rows, a.Groups)
		}
		fmt.Printf("%-52s %8.3f %8.3f %8.0f %s\n", s.job,
			of(func(f figures) float64 { return f.CPU.Seconds() }), of(func(f figures) float64 { return f.Wall.Seconds() }),
			of(func(f figures) float64 { return float64(f.Peak) / 1e6 }), perRow)
	}
}

// agree checks that all exact contenders that read the same rows got the same.
func agree(all []*seen) error {
	type place struct {
		csv   bool
		times int
		what  string
	}
	first := map[place]string{}
	who := map[place]job{}
	for _, s := range all {
		for _, r := range s.runs {
			values := map[string]string{"scope": r.Answer.Scope, "codes": r.Answer.Codes, "all": r.Answer.All}
			if r.Answer.Groups > 0 {
				values["groups"] = fmt.Sprint(r.Answer.Groups)
			}
			if r.Answer.Rows > 0 {
				values["rows"] = fmt.Sprint(r.Answer.Rows)
			}
			for what, v := range values {
				p := place{s.job.CSV, s.job.Times, what}
				switch {
				case v == "" || inexact(s.job.Contender) && what != "rows":
				case first[p] == "":
					first[p], who[p] = v, s.job
				case first[p] != v:
					return fmt.Errorf("%s: %s is %s with %s, %s with %s", what, what, first[p], who[p], v, s.job)
				}
			}
		}
	}
	return nil
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
