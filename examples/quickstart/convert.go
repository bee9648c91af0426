package main

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
)

// output turns what the run booked into the JSON output.
func (j *job) output() *output {
	out := &output{Schema: 1, Reconciled: true, Periods: []period{}}
	if j.books != nil && j.written {
		out.Books = j.books.path
	}
	for _, b := range j.bookings {
		for _, s := range b.Statements {
			p := periodOf(b, s)
			out.Rows += p.Rows
			out.Reconciled = out.Reconciled && p.Reconciled
			out.Periods = append(out.Periods, p)
		}
	}
	return out
}

func periodOf(b *ledger.Booking, s *attribution.Statement) period {
	d := s.Delivery
	p := period{
		BillingPeriod: d.Period.String(), Payer: known(d.Payer), Export: d.Export, Execution: d.Execution,
		AsOf: d.AsOf.Format(time.RFC3339), CompleteThrough: s.CompleteThrough.Format(time.DateOnly),
		State: known(string(s.State)), Currency: known(s.Currency),
		Rows: s.Totals.Rows, Reconciled: s.Reconciled,
		Generation: generation{Number: b.Generation.Number, Previous: b.Generation.Previous, Cause: string(b.Generation.Cause), Delta: []term{}},
		Totals:     totals{s.Totals.Unblended.String(), null(s.Totals.Net), null(s.Totals.Amortized)},
		LineTypes:  map[string]sum{}, Products: map[string]sum{}, Outcomes: map[string]outcome{},
		Workloads: workloadsOf(s.Workloads()), Defaulted: workloadsOf(s.Defaulted()), Unclaimed: []unclaimed{},
		Incomplete: notesOf(s.Incomplete), Warnings: notesOf(s.Warnings),
	}
	for _, t := range b.Delta {
		if t.Currency == s.Currency {
			p.Generation.Delta = append(p.Generation.Delta, term{string(t.Label), string(t.Outcome), known(string(t.Workload)), string(t.Component), t.Unblended.String()})
		}
	}
	for k, a := range s.LineTypes() {
		p.LineTypes[k] = sumOf(a)
	}
	for k, a := range s.Products() {
		p.Products[k] = sumOf(a)
	}
	for k, o := range s.Outcomes() {
		x := outcome{sumOf(o.Amounts), map[string]sum{}}
		for r, a := range o.Reasons {
			x.Reasons[string(r)] = sumOf(a)
		}
		p.Outcomes[string(k)] = x
	}
	for _, u := range s.Unclaimed() {
		x := unclaimed{Anchor: known(u.Anchor), Kind: string(u.Kind), Account: u.Account, Region: u.Region, Components: []string{},
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
			x.Components = append(x.Components, component{string(c.Component), string(c.Group), c.Unit, null(c.Usage), c.Unblended.String()})
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
		out = append(out, note{string(n.Code), string(n.Column), n.Rows})
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
