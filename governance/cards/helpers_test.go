package cards_test

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

const payer = "999999999999"

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func known(s string) decimal.NullDecimal { return decimal.NewNullDecimal(dec(s)) }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// T is what helpers fail with: a test, a benchmark or a rapid check.
type T interface {
	Helper()
	Fatalf(string, ...any)
}

// generation is a generation of May 2026 whose delivery was written at a time.
func generation(t T, number uint64, asOf string) ledger.Generation {
	t.Helper()
	at, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		t.Fatalf("as-of: %v", err)
	}
	g := ledger.Generation{Number: number}
	g.Delivery.Payer, g.Delivery.AsOf = payer, at
	if err := g.Delivery.Period.UnmarshalText([]byte("2026-05")); err != nil {
		t.Fatalf("period: %v", err)
	}
	return g
}

// use is a day's claimed usage of short-term memory.
func use(workload, on, cost string, edits ...func(*ledger.Total)) ledger.Total {
	x := ledger.Total{Currency: "USD", Outcome: attribution.Claimed, Kind: attribution.Usage, Workload: attribution.WorkloadID(workload),
		Component: pricing.MemoryShortTerm, Unit: "Events", LineItemType: "Usage", Bucket: on, Rows: 1,
		Usage: known("100"), Unblended: dec(cost)}
	for _, e := range edits {
		e(&x)
	}
	return x
}

func invoiced(x *ledger.Total) { x.Invoice = "inv-1" }
func shared(x *ledger.Total)   { x.Outcome = attribution.Shared }
func unclaimed(account string) func(*ledger.Total) {
	return func(x *ledger.Total) {
		x.Outcome, x.Reason, x.Workload, x.Account = attribution.Unclaimed, attribution.ReasonNoClaim, "", account
	}
}
func of(o attribution.Outcome, k attribution.ChargeKind) func(*ledger.Total) {
	return func(x *ledger.Total) { x.Outcome, x.Kind = o, k }
}
func in(c pricing.Component, unit string) func(*ledger.Total) {
	return func(x *ledger.Total) { x.Component, x.Unit = c, unit }
}

// ordered yields totals in the order that the ledger keeps them in.
func ordered(list ...ledger.Total) iter.Seq2[ledger.Total, error] {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b ledger.Total) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Component, b.Component),
			cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.LineItemType, b.LineItemType), cmp.Compare(a.Bucket, b.Bucket),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Invoice, b.Invoice))
	})
	return func(yield func(ledger.Total, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func book(t T, g ledger.Generation, o *cards.Options, list ...ledger.Total) *cards.Book {
	t.Helper()
	b, err := cards.NewBook(g, ordered(list...), o)
	if err != nil {
		t.Fatalf("NewBook: %v", err)
	}
	return b
}

func months(t T, b *cards.Book) []*cards.Month {
	t.Helper()
	var out []*cards.Month
	for m, err := range b.Months() {
		if err != nil {
			t.Fatalf("Months: %v", err)
		}
		out = append(out, m)
	}
	return out
}

// monthOf returns the month of one subject.
func monthOf(t T, b *cards.Book, s cards.Subject) *cards.Month {
	t.Helper()
	for _, m := range months(t, b) {
		if m.Subject == s {
			return m
		}
	}
	t.Fatalf("no month of %s", s)
	return nil
}

// plan is an estimate of short-term memory for May 2026.
func plan(volume, cost string) *estimate.Plan {
	p := &estimate.Plan{Period: estimate.Calendar{}.Month(day("2026-05-01")), Currency: "USD",
		Targets: []estimate.Target{{Component: pricing.MemoryShortTerm, Unit: pricing.Events, Volume: dec(volume)}}}
	if cost != "" {
		p.Targets[0].Cost = known(cost)
	}
	return p
}

func always(p *estimate.Plan) *cards.Options {
	return &cards.Options{Plan: func(cards.Subject, time.Time) *estimate.Plan { return p }}
}
