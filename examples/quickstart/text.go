package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
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
		b.WriteString("0 rows: nothing to book.\n")
	} else {
		b.WriteString("Tables are rounded to cents; sums and differences are exact, as is -format json.\n")
	}
	if o.Books != nil {
		fmt.Fprintf(&b, "The books are in %s\n", *o.Books)
	}
	switch {
	case sample:
		b.WriteString("Your own report: -cur FILE-OR-FOLDER. Other claims on the same books: -db FILE -claims FILE.\n")
	case o.Books != nil && unowned(o):
		fmt.Fprintf(&b, "Nothing is claimed yet. To apply claims: -db %s -claims FILE; the sample's, months/claims.json, show the form.\n", *o.Books)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// unowned reports whether there is something to claim and nobody claims any.
func unowned(o *output) bool {
	open := false
	for i := range o.Periods {
		p := &o.Periods[i]
		if len(p.Workloads) > 0 || len(p.Defaulted) > 0 {
			return false
		}
		open = open || len(p.Unclaimed) > 0
	}
	return open
}

func writePeriod(b *bytes.Buffer, p *period) {
	title := p.BillingPeriod
	if t, err := time.Parse("2006-01", p.BillingPeriod); err == nil {
		title = t.Format("January 2006")
	}
	complete := "complete through " + p.CompleteThrough
	if p.CompleteThrough[:7] > p.BillingPeriod {
		complete = "complete"
	}
	title = fmt.Sprintf("%s, payer %s, %s", title, or(p.Payer, "not named"), or(p.Currency, "currency not named"))
	fmt.Fprintf(b, "%s\n%s\n", title, strings.Repeat("=", utf8.RuneCountInString(title)))
	fmt.Fprintf(b, "%s; delivery as of %s, %s; generation %d (%s)\n\n",
		or(p.State, "invoice state unknown"), p.AsOf, complete, p.Generation.Number, spaced(p.Generation.Cause))
	writeWorkloads(b, "Workload", p.Workloads)
	writeWorkloads(b, "Defaulted to", p.Defaulted)
	writeUnclaimed(b, p)
	writeDelta(b, p)
	writeIdentity(b, p)
	for _, n := range p.Incomplete {
		writeNote(b, "Incomplete", n)
	}
	for _, n := range p.Warnings {
		writeNote(b, "Warning", n)
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
		head = append(head, spaced(c))
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
		name := or(w.Name, plain(w.Workload))
		if w.Owner != nil {
			name += " (" + plain(*w.Owner) + ")"
		}
		line(name, rows[i])
	}
	line("all", sum)
	align(b, lines, func(i int) bool { return i > 0 })
}

// align writes a table, in which amounts stand to the right.
func align(b *bytes.Buffer, lines [][]string, amount func(column int) bool) {
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, l := range lines {
		text := ""
		for i, cell := range l {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				text += "  "
			}
			if amount(i) {
				cell = pad + cell
			} else {
				cell += pad
			}
			text += cell
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	b.WriteString("\n")
}

func writeUnclaimed(b *bytes.Buffer, p *period) {
	scoped := false
	for name := range p.Outcomes {
		scoped = scoped || name != "excluded"
	}
	switch {
	case len(p.Unclaimed) > 0:
	case p.Rows == 0:
		b.WriteString("The delivery has no rows: the month is zero.\n\n")
		return
	case !scoped:
		b.WriteString("No row is of an AI product: there is nothing to own here.\n\n")
		return
	default:
		b.WriteString("Unclaimed: nothing.\n\n")
		return
	}
	b.WriteString("Unclaimed\n")
	cents := func(amount string) string { return decimal.RequireFromString(amount).StringFixed(2) }
	lines := [][]string{{"cost", "account", "region", "first seen", "reason", "anchor"}}
	for _, u := range p.Unclaimed {
		lines = append(lines, []string{cents(u.Unblended), or(u.Account, "-"), or(u.Region, "-"), u.FirstSeen,
			spaced(u.Reason), or(u.Anchor, "none")}) // last, because the longest
	}
	lines = append(lines, []string{cents(p.Outcomes["unclaimed"].Unblended), "all", "", "", "", ""})
	align(b, lines, func(i int) bool { return i == 0 })
}

// writeDelta sums the terms by workload; the JSON output has them by component.
func writeDelta(b *bytes.Buffer, p *period) {
	g := p.Generation
	if g.Previous == nil || len(g.Delta) == 0 {
		return
	}
	type place struct{ term, outcome, workload string }
	var places []place
	sums, total := map[place]decimal.Decimal{}, decimal.Decimal{}
	for _, d := range g.Delta {
		at := place{spaced(d.Term), d.Outcome, or(d.Workload, "-")}
		if _, ok := sums[at]; !ok {
			places = append(places, at)
		}
		x := decimal.RequireFromString(d.Unblended)
		sums[at], total = sums[at].Add(x), total.Add(x)
	}
	lines := [][]string{{fmt.Sprintf("Since generation %d", *g.Previous), "outcome", "workload", "difference"}}
	for _, at := range places {
		lines = append(lines, []string{at.term, at.outcome, at.workload, sums[at].String()})
	}
	lines = append(lines, []string{"all", "", "", total.String()})
	alignPoint(lines, 3)
	align(b, lines, func(i int) bool { return i == 3 })
}

// alignPoint pads the amounts of a column so that their points stand in line.
func alignPoint(lines [][]string, column int) {
	places := func(s string) int {
		if i := strings.IndexByte(s, '.'); i >= 0 {
			return len(s) - i
		}
		return 0
	}
	most := 0
	for _, l := range lines[1:] {
		most = max(most, places(l[column]))
	}
	for _, l := range lines[1:] {
		l[column] += strings.Repeat(" ", most-places(l[column]))
	}
}

// writeIdentity shows that outcomes add up to the export, to the last decimal.
func writeIdentity(b *bytes.Buffer, p *period) {
	var parts []string
	for _, name := range []string{"claimed", "shared", "defaulted", "spread", "unclaimed", "unallocated", "excluded", "rejected"} {
		o, ok := p.Outcomes[name]
		if !ok {
			continue
		}
		part := name + " " + o.Unblended
		if len(o.Reasons) > 0 && name != "unclaimed" { // whose reasons stand in the table
			part += " (" + spaced(strings.Join(slices.Sorted(maps.Keys(o.Reasons)), ", ")) + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	verdict := "equal to the export, to the last decimal."
	if !p.Reconciled {
		verdict = "NOT RECONCILED with the export."
	}
	fmt.Fprintf(b, "%s\n= %s in %d rows: %s\n", strings.Join(parts, " + "), p.Totals.Unblended, p.Rows, verdict)
}

func writeNote(b *bytes.Buffer, title string, n note) {
	fmt.Fprintf(b, "%s: %s (%d rows)\n", title, meaning(n.Code, or(n.Column, "a column")), n.Rows)
}

// meaning says what a note means. One that is not here is shown by its code.
func meaning(code, column string) string {
	switch code {
	case "column_absent":
		return "the report has no column " + column
	case "foreign_period":
		return "another billing period in " + column + "; counted here, as the delivery has them"
	case "net_differs":
		return "net cost over all kinds of rows is not the unblended cost: a discount is in " + column + " alone"
	case "unknown_component":
		return "usage types that are not known; they count as other"
	case "unknown_line_item_type":
		return "line item types that are not known; they are of kind other"
	case "cost_blank", "cost_unreadable":
		return spaced(code) + " in " + column
	case "row_unreadable":
		return "rows cannot be read"
	case "rest_unread":
		return "rows out of scope were left unread"
	}
	return spaced(code) + " in " + column
}

// spaced turns a code into words.
func spaced(code string) string { return strings.ReplaceAll(code, "_", " ") }

// or returns *s, or other for nil.
func or(s *string, other string) string {
	if s == nil {
		return other
	}
	return plain(*s)
}

// plain makes a text from a report or a claims file safe to show: what controls
// a terminal, or breaks a line, is replaced.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, cmp.Or(s, "-"))
}
