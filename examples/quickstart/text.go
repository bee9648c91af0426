package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/pricing"
)

// writeText renders the output for a reader. Tables are rounded to cents, which
// the text says; the line that shows that everything adds up is exact.
func writeText(w io.Writer, o *output, sample bool) error {
	var b bytes.Buffer
	if sample {
		b.WriteString("Sample months: synthetic data, embedded in this program.\n\n")
	}
	for i := range o.Periods {
		writePeriod(&b, &o.Periods[i])
	}
	if len(o.Periods) == 0 {
		b.WriteString("The report has no rows: 0 rows, nothing booked.\n")
	}
	if o.Books != "" {
		fmt.Fprintf(&b, "The books are in %s\n", o.Books)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func writePeriod(b *bytes.Buffer, p *period) {
	title := p.BillingPeriod
	if t, err := time.Parse("2006-01", p.BillingPeriod); err == nil {
		title = t.Format("January 2006")
	}
	fmt.Fprintf(b, "%s, payer %s, %s\n", title, or(p.Payer, "not named"), or(p.Currency, "currency not named"))
	fmt.Fprintf(b, "%s; delivery as of %s, complete through %s; generation %d (%s)\n\n",
		or(p.State, "invoice state unknown"), p.AsOf, p.CompleteThrough, p.Generation.Number, p.Generation.Cause)
	writeWorkloads(b, "Workload", p.Workloads)
	if len(p.Defaulted) > 0 {
		writeWorkloads(b, "Defaulted to", p.Defaulted)
	}
	writeUnclaimed(b, p.Unclaimed)
	writeDelta(b, p)
	writeIdentity(b, p)
	for _, n := range p.Incomplete {
		fmt.Fprintf(b, "Incomplete: %s, %d rows\n", n.Code, n.Rows)
	}
	for _, n := range p.Warnings {
		fmt.Fprintf(b, "Warning: %s", n.Code)
		if n.Column != "" {
			fmt.Fprintf(b, " (%s)", n.Column)
		}
		fmt.Fprintf(b, ", %d rows\n", n.Rows)
	}
	b.WriteString("\n")
}

// writeWorkloads writes the workload × component group table; groups without
// money have no column.
func writeWorkloads(b *bytes.Buffer, title string, list []workload) {
	if len(list) == 0 {
		return
	}
	type cells map[string]decimal.Decimal
	rows, sum := make([]cells, len(list)), cells{}
	put := func(i int, column, amount string) {
		d := decimal.RequireFromString(amount)
		if rows[i] == nil {
			rows[i] = cells{}
		}
		rows[i][column] = rows[i][column].Add(d)
		sum[column] = sum[column].Add(d)
	}
	for i, w := range list {
		for _, c := range w.Components {
			put(i, c.Group, c.Unblended)
		}
		for kind, amount := range w.Other {
			put(i, "("+kind+")", amount)
		}
		put(i, "total", w.Unblended)
	}
	var columns []string
	for _, g := range pricing.Groups() {
		columns = append(columns, string(g))
	}
	for _, kind := range []string{"discount", "credit", "refund", "tax", "fee", "commitment", "other"} {
		columns = append(columns, "("+kind+")")
	}
	columns = slices.DeleteFunc(columns, func(c string) bool { _, ok := sum[c]; return !ok })
	columns = append(columns, "total")

	head := []string{title}
	for _, c := range columns {
		head = append(head, strings.ReplaceAll(c, "_", " "))
	}
	lines := [][]string{head}
	line := func(name string, c cells) {
		out := []string{name}
		for _, col := range columns {
			if d, ok := c[col]; ok {
				out = append(out, d.StringFixed(2))
			} else {
				out = append(out, "-")
			}
		}
		lines = append(lines, out)
	}
	for i, w := range list {
		name := or(w.Name, w.Workload)
		if w.Owner != nil {
			name += " (" + *w.Owner + ")"
		}
		line(name, rows[i])
	}
	line("all", sum)
	align(b, lines)
	b.WriteString("\n")
}

// align writes a table whose first column is text and whose others are amounts.
func align(b *bytes.Buffer, lines [][]string) {
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, l := range lines {
		for i, cell := range l {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		b.WriteString("\n")
	}
}

func writeUnclaimed(b *bytes.Buffer, list []unclaimed) {
	if len(list) == 0 {
		b.WriteString("Unclaimed: nothing.\n\n")
		return
	}
	b.WriteString("Unclaimed\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  cost\taccount\tregion\tfirst seen\treason\tanchor")
	for _, u := range list {
		cost := decimal.RequireFromString(u.Unblended).StringFixed(2)
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", cost, u.Account, u.Region, u.FirstSeen, u.Reason, or(u.Anchor, "none"))
	}
	flush(t)
	b.WriteString("\n")
}

// writeDelta sums the terms by workload; the JSON output has them by component.
func writeDelta(b *bytes.Buffer, p *period) {
	g := p.Generation
	if len(g.Delta) == 0 {
		return
	}
	fmt.Fprintf(b, "Difference to generation %d, exact\n", g.Previous)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	total, sum := decimal.Decimal{}, decimal.Decimal{}
	for i, d := range g.Delta {
		sum = sum.Add(decimal.RequireFromString(d.Unblended))
		if n := i + 1; n < len(g.Delta) && g.Delta[n].Term == d.Term && g.Delta[n].Outcome == d.Outcome && or(g.Delta[n].Workload, "") == or(d.Workload, "") {
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", strings.ReplaceAll(d.Term, "_", " "), d.Outcome, or(d.Workload, "-"), sum)
		total, sum = total.Add(sum), decimal.Decimal{}
	}
	fmt.Fprintf(t, "  sum\t\t\t%s\n", total)
	flush(t)
	b.WriteString("\n")
}

// writeIdentity shows that outcomes add up to the export, to the last decimal.
func writeIdentity(b *bytes.Buffer, p *period) {
	var parts []string
	for _, name := range []string{"claimed", "shared", "defaulted", "spread", "unclaimed", "unallocated", "excluded", "rejected"} {
		if o, ok := p.Outcomes[name]; ok {
			parts = append(parts, name+" "+o.Unblended)
		}
	}
	fmt.Fprintf(b, "%s = %s in %d rows: ", strings.Join(parts, " + "), p.Totals.Unblended, p.Rows)
	if p.Reconciled {
		b.WriteString("equal to the export, to the last decimal.\n")
	} else {
		b.WriteString("NOT RECONCILED with the export.\n")
	}
	b.WriteString("Amounts in tables are rounded to cents; -format json has them exact.\n")
}

// flush ends a table. The writer below is a buffer, which takes everything.
func flush(t *tabwriter.Writer) { _ = t.Flush() }

// or returns *s, or other for nil.
func or(s *string, other string) string {
	if s == nil {
		return other
	}
	return *s
}
