package main

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
)

// output turns what the run booked into the JSON output.
func (j *job) output() *output {
	out := &output{Schema: 1, Reconciled: true, Periods: []period{}}
	if j.books != nil && j.written {
		out.Books = known(j.books.path)
	}
	for _, b := range j.bookings {
		for _, p := range periodsOf(b) {
			out.Rows += p.Rows
			out.Reconciled = out.Reconciled && p.Reconciled
			out.Periods = append(out.Periods, p)
		}
	}
	return out
}

// periodsOf lists the currencies of a book: those of its statements, and those
// that the generation before had money in and this one has not. The latter are
// zero, and the difference says why.
func periodsOf(b *ledger.Booking) (out []period) {
	var gone []string
	for _, t := range b.Delta {
		has := func(s *attribution.Statement) bool { return s.Currency == t.Currency }
		if !slices.ContainsFunc(b.Statements, has) && !slices.Contains(gone, t.Currency) {
			gone = append(gone, t.Currency)
		}
	}
	for _, s := range b.Statements {
		if s.Totals.Rows > 0 || len(gone) == 0 { // a month without rows has no currency of its own
			out = append(out, periodOf(b, s))
		}
	}
	for _, currency := range gone {
		p := header(b, b.Statements[0], currency)
		p.Reconciled, p.Totals = true, totals{Unblended: "0"}
		out = append(out, p)
	}
	return out
}

// header is a period without its sums: what all currencies of a delivery share,
// and the terms of one of them.
func header(b *ledger.Booking, s *attribution.Statement, currency string) period {
	d := s.Delivery
	p := period{
		BillingPeriod: d.Period.String(), Payer: known(d.Payer), Export: d.Export, Execution: d.Execution,
		AsOf: d.AsOf.Format(time.RFC3339), CompleteThrough: s.CompleteThrough.Format(time.DateOnly),
		State: known(string(s.State)), Currency: known(currency),
		Generation: generation{Number: b.Generation.Number, Cause: string(b.Generation.Cause), Delta: []term{}},
		LineTypes:  map[string]sum{}, Products: map[string]sum{}, Outcomes: map[string]outcome{},
		Workloads: []workload{}, Defaulted: []workload{}, Spread: []workload{}, Unclaimed: []unclaimed{}, Incomplete: []note{}, Warnings: []note{},
	}
	if n := b.Generation.Previous; n > 0 {
		p.Generation.Previous = &n
	}
	for _, t := range b.Delta {
		if t.Currency == currency {
			p.Generation.Delta = append(p.Generation.Delta, term{string(t.Label), string(t.Outcome), known(string(t.Workload)), string(t.Component), t.Unblended.String()})
		}
	}
	return p
}

func periodOf(b *ledger.Booking, s *attribution.Statement) period {
	p := header(b, s, s.Currency)
	p.Rows, p.Reconciled = s.Totals.Rows, s.Reconciled
	p.Totals = totals{s.Totals.Unblended.String(), null(s.Totals.Net), null(s.Totals.Amortized)}
	p.Workloads, p.Defaulted = workloadsOf(s.Workloads()), workloadsOf(s.Defaulted())
	p.Spread = workloadsOf(s.Spread())
	p.Incomplete, p.Warnings = notesOf(s.Incomplete), notesOf(s.Warnings)
	for k, a := range s.LineTypes() {
		p.LineTypes[k] = sumOf(a)
	}
	for k, a := range s.Products() {
		p.Products[k] = sumOf(a)
	}
	for k, o := range s.Outcomes() {
		x := outcome{o.Rows, o.Unblended.String(), map[string]sum{}}
		for r, a := range o.Reasons {
			x.Reasons[string(r)] = sumOf(a)
		}
		p.Outcomes[string(k)] = x
	}
	for _, u := range s.Unclaimed() {
		x := unclaimed{Anchor: known(u.Anchor), Kind: known(string(u.Kind)), Account: known(u.Account), Region: known(u.Region), Components: []string{},
			FirstSeen: u.FirstSeen.Format(time.DateOnly), LastSeen: u.LastSeen.Format(time.DateOnly),
			Rows: u.Rows, Unblended: u.Unblended.String(), Reason: string(u.Reason)}
		for _, c := range u.Components {
			if n := len(x.Components); n == 0 || x.Components[n-1] != string(c.Component) {
				x.Components = append(x.Components, string(c.Component))
			}
		}
		p.Unclaimed = append(p.Unclaimed, x)
	}
	return p
}

func workloadsOf(list []attribution.WorkloadTotal) []workload {
	out := []workload{}
	for _, w := range list {
		x := workload{Workload: string(w.Workload), Name: known(w.Name), Owner: known(w.Owner), Portfolio: known(w.Portfolio),
			Components: []component{}, Other: map[string]string{}, Unblended: w.Unblended.String()}
		for _, c := range w.Components {
			x.Components = append(x.Components, component{string(c.Component), string(c.Group), known(c.Unit), null(c.Usage), c.Unblended.String()})
		}
		for k, a := range w.Other {
			x.Other[string(k)] = a.Unblended.String()
		}
		out = append(out, x)
	}
	return out
}

func notesOf(list []attribution.Note) []note {
	out := []note{}
	for _, n := range list {
		out = append(out, note{n.Code, known(string(n.Column)), n.Rows})
	}
	return out
}

func sumOf(a attribution.Amounts) sum { return sum{a.Rows, a.Unblended.String()} }

// known returns nil for what the report does not say.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func null(d decimal.NullDecimal) *string {
	if !d.Valid {
		return nil
	}
	s := d.Decimal.String()
	return &s
}
