package main

import "strings"

// claim is a ratio of two jobs, or a figure of one, and what it must be.
type claim struct {
	name   string
	a, b   job
	figure func(a, b figures) float64
	atMost bool
	must   func(m month) float64 // 0: it is only told
	of     func(m month, rows int64) bool
	slow   bool // measured once
	quick  bool // over in a second, and measured the more often
}

func cpu(a, b figures) float64  { return float64(a.CPU) / float64(b.CPU) }
func wall(a, b figures) float64 { return float64(a.Wall) / float64(b.Wall) }
func peak(a, b figures) float64 { return float64(a.Peak) / float64(b.Peak) }
func perRow(a, b figures) float64 {
	return float64(a.CPU) / float64(a.Answer.Rows) / (float64(b.CPU) / float64(b.Answer.Rows))
}
func megabytes(a, _ figures) float64 { return float64(a.Peak) / 1e6 }
func millions(a, _ figures) float64  { return float64(a.Answer.Rows) / 1e6 / a.CPU.Seconds() }
func allocs(a, _ figures) float64    { return float64(a.Mallocs) / float64(a.Answer.Rows) }

func must(v float64) func(month) float64 { return func(month) float64 { return v } }
func told(month) float64                 { return 0 }

// byShare is a limit that depends on how many rows are AI.
func byShare(few, many float64) func(month) float64 {
	return func(m month) float64 {
		if m.ai >= 50 {
			return many
		}
		return few
	}
}

func every(month, int64) bool     { return true }
func plain(m month, _ int64) bool { return !m.clustered && m.fresh == 0 }
func upTo(most int64) func(month, int64) bool {
	return func(m month, rows int64) bool { return plain(m, 0) && rows <= most }
}

// inexact reports whether a contender does not claim to be exact.
func inexact(contender string) bool { return strings.Contains(contender, "inexact") }

// claims returns what is to be shown of months of so many rows. Where files are read
// several times, the month is as large as its name says: one million rows are over too
// soon.
func claims(rows int64) []claim {
	ten, fifty := max(1, int(10_000_000/rows)), max(1, int(50_000_000/rows))
	return []claim{
		{name: "main job ÷ decompress only, 10 M rows", a: job{Contender: "main job", Times: ten}, b: job{Contender: "decompress only", Times: ten},
			figure: cpu, atMost: true, must: byShare(2, 6), of: every, quick: true},
		{name: "main job, other rows summed ÷ decompress only, 10 M rows", a: job{Contender: "main job, others summed", Times: ten}, b: job{Contender: "decompress only", Times: ten},
			figure: cpu, must: told, of: every, quick: true},
		{name: "DuckDB exact ÷ main job, 10 M rows", a: job{Contender: "DuckDB exact", Times: ten}, b: job{Contender: "main job", Times: ten},
			figure: cpu, must: byShare(4, 20), of: upTo(20_000_000), slow: true},
		{name: "DuckDB DOUBLE, inexact ÷ main job, 10 M rows", a: job{Contender: "DuckDB DOUBLE, inexact", Times: ten}, b: job{Contender: "main job", Times: ten},
			figure: cpu, must: byShare(2, 2), of: plain},
		{name: "arrow-go, five columns ÷ main job", a: job{Contender: "arrow-go, five columns"}, b: job{Contender: "main job"},
			figure: cpu, must: told, of: upTo(20_000_000)},
		{name: "parquet-go generic reader ÷ eight-column iterator, per row", a: job{Contender: "parquet-go generic reader"}, b: job{Contender: "iterator, eight columns"},
			figure: perRow, must: told, of: upTo(2_000_000), slow: true},
		{name: "wall, one ÷ two workers, 10 M rows", a: job{Contender: "main job", Times: ten}, b: job{Contender: "main job", Times: ten, Workers: 2},
			figure: wall, must: must(1.5), of: plain, quick: true},
		{name: "peak memory, 50 M ÷ 1 M rows, same groups", a: job{Contender: "main job", Times: fifty}, b: job{Contender: "main job"},
			figure: peak, atMost: true, must: must(1.5), of: upTo(1_000_000)},
		{name: "peak memory at 50 M rows, MB", a: job{Contender: "main job", Times: fifty},
			figure: megabytes, atMost: true, must: must(200), of: plain},
		{name: "time per row, 50 M ÷ 10 M rows", a: job{Contender: "main job", Times: fifty}, b: job{Contender: "main job", Times: ten},
			figure: perRow, atMost: true, must: must(1.15), of: plain},
		{name: "iterator, eight columns: million rows per CPU second", a: job{Contender: "iterator, eight columns"}, figure: millions, must: must(5), of: plain},
		{name: "iterator, eight columns: allocations per row", a: job{Contender: "iterator, eight columns"}, figure: allocs, atMost: true, must: must(0.05), of: plain},
		{name: "iterator, eight columns of AI rows: million rows per CPU second", a: job{Contender: "iterator, eight columns of AI rows"}, figure: millions, must: told, of: plain},
		{name: "iterator, all columns: million rows per CPU second", a: job{Contender: "iterator, all columns"}, figure: millions, must: told, of: plain},
		{name: "iterator, all columns: allocations per row", a: job{Contender: "iterator, all columns"}, figure: allocs, atMost: true, must: must(0.05), of: plain},
		{name: "csv.gz: main job ÷ gunzip only", a: job{Contender: "main job", CSV: true}, b: job{Contender: "gunzip only", CSV: true},
			figure: cpu, atMost: true, must: must(1.5), of: plain},
		{name: "csv.gz: main job, files hashed ÷ gunzip only", a: job{Contender: "main job, files hashed", CSV: true}, b: job{Contender: "gunzip only", CSV: true},
			figure: cpu, must: told, of: plain},
		{name: "csv.gz: main job, other rows summed ÷ gunzip only", a: job{Contender: "main job, others summed", CSV: true}, b: job{Contender: "gunzip only", CSV: true},
			figure: cpu, must: told, of: plain},
		{name: "csv.gz: wall of main job on two processors ÷ gunzip only", a: job{Contender: "main job", CSV: true, Workers: 2}, b: job{Contender: "gunzip only", CSV: true},
			figure: wall, atMost: true, must: must(1.3), of: plain},
		{name: "csv.gz: encoding/csv, five columns ÷ main job", a: job{Contender: "encoding/csv, five columns", CSV: true}, b: job{Contender: "main job", CSV: true},
			figure: cpu, must: told, of: plain, slow: true},
		{name: "csv.gz ÷ Parquet: main job, per row", a: job{Contender: "main job", CSV: true}, b: job{Contender: "main job", Times: ten},
			figure: perRow, must: told, of: plain},
	}
}
