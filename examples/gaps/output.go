package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/gaps"
)

// output is what the program shows; it is also the JSON output, schema 1.
type output struct {
	Schema   int           `json:"schema"`
	Sample   bool          `json:"sample"`
	AsOf     time.Time     `json:"as_of,omitzero"`
	Gaps     []shownGap    `json:"gaps"`
	ByKind   []gaps.Total  `json:"by_kind"` // overlapping; counted once in counted
	ByOwner  []gaps.Total  `json:"by_owner"`
	ByAge    []gaps.Total  `json:"by_age"`
	Coverage []shownPeriod `json:"coverage"`
	Silent   []gaps.Kind   `json:"silent"`
}

type shownGap struct {
	ID         gaps.ID             `json:"id"`
	Kind       gaps.Kind           `json:"kind"`
	Remedy     gaps.Remedy         `json:"remedy"`
	State      gaps.State          `json:"state"`
	Payer      string              `json:"payer"`
	Currency   string              `json:"currency"`
	Subject    string              `json:"subject"`
	Account    string              `json:"account"`
	Regions    []string            `json:"regions"`
	FirstSeen  string              `json:"first_seen"`
	AgeDays    int                 `json:"age_days"`
	Spend      decimal.Decimal     `json:"spend"`
	Counted    decimal.Decimal     `json:"counted"`
	Projected  decimal.NullDecimal `json:"projected"`
	Why        string              `json:"why"`
	Told       []gaps.Told         `json:"told"`
	Material   bool                `json:"material"`
	Candidates []gaps.Candidate    `json:"candidates"`
	Warnings   []string            `json:"warnings"`
	Query      string              `json:"query"`
}

type shownPeriod struct {
	Payer    string              `json:"payer"`
	Currency string              `json:"currency"`
	Period   string              `json:"period"`
	Total    decimal.Decimal     `json:"total"`
	Claimed  decimal.NullDecimal `json:"claimed_percent"`
	Approved decimal.NullDecimal `json:"approved_percent"`
	Estimate decimal.NullDecimal `json:"estimated_percent"`
}

// output collects what to show.
func (j *job) output(ctx context.Context) (*output, error) {
	entries, err := j.entries(ctx)
	if err != nil {
		return nil, err
	}
	out := &output{Schema: 1, Sample: j.sample(), AsOf: j.now, Gaps: []shownGap{}, Coverage: []shownPeriod{}, Silent: append([]gaps.Kind{}, j.silent...),
		ByKind: gaps.RollUp(entries, gaps.ByKind, j.now), ByOwner: gaps.RollUp(entries, gaps.ByOwner, j.now), ByAge: gaps.RollUp(entries, gaps.ByAge, j.now)}
	for _, e := range entries {
		out.Gaps = append(out.Gaps, shownOf(e, j.now))
	}
	for bill, err := range j.book.Bills(ctx) {
		if err != nil {
			return nil, err
		}
		coverage, err := j.book.CoverageOf(ctx, bill)
		if err != nil {
			return nil, err
		}
		for period, days := range coverage {
			c := gaps.CoverageTotal(days)
			out.Coverage = append(out.Coverage, shownPeriod{bill.Payer, bill.Currency, period.String(), c.Total,
				c.Percent(decimal.NewNullDecimal(c.Claimed)), c.Percent(c.Approved), c.Percent(c.Estimate)})
		}
	}
	slices.SortFunc(out.Coverage, func(a, b shownPeriod) int {
		return strings.Compare(a.Payer+a.Currency+a.Period, b.Payer+b.Currency+b.Period)
	})
	return out, nil
}

func shownOf(e *gaps.Entry, now time.Time) shownGap {
	g := e.Latest()
	age, _ := e.Age(now)
	s := shownGap{ID: e.ID, Kind: e.Kind, Remedy: e.Remedy, State: e.State, Payer: e.Payer, Currency: e.Currency, Subject: g.Evidence.Anchor,
		Account: strings.Join(g.Evidence.Accounts, " "), Regions: g.Evidence.Regions, AgeDays: age, Spend: e.Spend(), Counted: e.Counted(),
		Projected: g.Evidence.Projected, Why: g.Evidence.Why, Told: append([]gaps.Told{}, e.Told...), Material: e.Material(),
		Candidates: append([]gaps.Candidate{}, g.Candidates...), Warnings: append([]string{}, g.Evidence.Warnings...), Query: g.Evidence.Query}
	if first, _ := e.Seen(); !first.IsZero() {
		s.FirstSeen = first.Format(time.DateOnly)
	}
	switch {
	case s.Subject != "":
	case e.Subject.Workload != "":
		s.Subject = "workload " + string(e.Subject.Workload)
	default:
		s.Subject = e.Subject.Aspect + " " + e.Subject.Value
	}
	return s
}

// writeText writes the tables.
func writeText(w io.Writer, out *output) error {
	var b strings.Builder
	if out.Sample {
		b.WriteString("Sample months: synthetic data, embedded in this program.\n\n")
	}
	if len(out.Gaps) == 0 {
		b.WriteString("No gaps: everything that was looked at has what it needs.\n")
	} else {
		fmt.Fprintf(&b, "Gaps as of %s\n", out.AsOf.Format(time.DateOnly))
		writeGaps(&b, out.Gaps)
	}
	writeTotals(&b, "By kind (spend overlaps where rows are in gaps of several kinds; counted is each row once)", out.ByKind)
	writeTotals(&b, "By who is told", out.ByOwner)
	writeTotals(&b, "By age", out.ByAge)
	if len(out.Coverage) > 0 {
		b.WriteString("\nCoverage of usage, unblended\n")
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "month\tof\t\tclaimed\tapproved\testimated\t")
		for _, c := range out.Coverage {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Period, c.Total.StringFixed(2), plain(c.Currency), percent(c.Claimed), percent(c.Approved), percent(c.Estimate))
		}
		t.Flush()
	}
	if len(out.Silent) > 0 {
		names := make([]string, len(out.Silent))
		for i, k := range out.Silent {
			names[i] = string(k)
		}
		fmt.Fprintf(&b, "\nNot looked for, because nobody handed in approvals or estimates: %s.\n", strings.Join(names, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeGaps writes a table of the gaps, and under it what speaks for each.
func writeGaps(b *strings.Builder, list []shownGap) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "#\tspend\tprojected\tage\tkind\taccount\tregion\tremedy\tstate\ttold")
	for i, g := range list {
		told := "-"
		if n := len(g.Told); n > 0 {
			told = g.Told[n-1].To
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%dd\t%s\t%s\t%s\t%s\t%s\t%s\n", i+1, g.Spend.StringFixed(2), fixed(g.Projected), g.AgeDays, g.Kind,
			plain(g.Account), plain(strings.Join(g.Regions, " ")), g.Remedy, g.State, plain(told))
	}
	t.Flush()
	for i, g := range list {
		fmt.Fprintf(b, "\n%d  gap %s, first seen %s\n   %s\n   %s\n", i+1, g.ID, g.FirstSeen, plain(g.Subject), plain(g.Why))
		for n, c := range g.Candidates[:min(3, len(g.Candidates))] {
			reasons := make([]string, len(c.Reasons))
			for k, r := range c.Reasons {
				reasons[k] = fmt.Sprintf("%s %d", r.Code, r.Points)
			}
			fmt.Fprintf(b, "   candidate %d: %s (%s), %d points: %s\n", n+1, plain(string(c.Workload)), plain(c.Owner), c.Score, strings.Join(reasons, ", "))
		}
	}
}

func writeTotals(b *strings.Builder, title string, list []gaps.Total) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "gaps\tspend\tcounted\t\t")
	for _, x := range list {
		value := x.Value
		if value == "" {
			value = "nobody"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t  %s\n", x.Gaps, x.Overlapping.StringFixed(2), x.Counted.StringFixed(2), plain(x.Currency), plain(value))
	}
	t.Flush()
}

func fixed(d decimal.NullDecimal) string {
	if !d.Valid {
		return "-"
	}
	return d.Decimal.StringFixed(2)
}

func percent(d decimal.NullDecimal) string {
	if !d.Valid {
		return "unknown"
	}
	return d.Decimal.StringFixed(2) + " %"
}

// plain makes a text from a report or a claims file safe to show on a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return '\uFFFD'
		}
		return r
	}, s)
}
