package cards_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

const asOf = "2026-05-25T12:00:00Z"

// spell prints cards, one a line.
func spell(list []cards.Card) []string {
	out := []string{}
	for _, c := range list {
		var marks []string
		if c.Complete {
			marks = append(marks, "complete")
		}
		if c.Final {
			marks = append(marks, "final")
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s..%s %s %s", c.Week.From.Format("02"), c.Week.To.AddDate(0, 0, -1).Format("02"), c.Cost, strings.Join(marks, " "))))
	}
	return out
}

func TestWeeksAreClippedToTheMonthAndOpenWhenComplete(t *testing.T) {
	b := book(t, generation(t, 1, asOf), nil,
		use("bot", "2026-05-01", "1"), use("bot", "2026-05-03", "2"), use("bot", "2026-05-04", "4"), use("bot", "2026-05-10T13Z", "8"),
		use("bot", "2026-05-17", "16"), use("bot", "2026-05-18", "32"), use("bot", "2026-05-31", "64"))
	m := monthOf(t, b, cards.Of("bot"))
	// As-of 05-25 completes days through 05-23, a Saturday: the week 18–24 waits.
	want := []string{"01..03 3 complete", "04..10 12 complete", "11..17 16 complete", "18..24 32", "25..31 64"}
	if diff := cmp.Diff(spell(m.Cards), want); diff != "" {
		t.Errorf("cards (-got +want)\n%s", diff)
	}
	if !m.Judged.Equal(dec("63")) || m.Days != 23 {
		t.Errorf("judged %s on %d days, want 63 on 23", m.Judged, m.Days)
	}
	if got := m.Cards[0]; got.Basis != estimate.UsageUnblended || got.Generation != 1 || !got.AsOf.Equal(b.Generation().Delivery.AsOf) || got.Band != cards.BandNone {
		t.Errorf("card states %q, generation %d, %s, band %q", got.Basis, got.Generation, got.AsOf, got.Band)
	}
}

func TestUsageIsCountedInItsOwnUnit(t *testing.T) {
	b := book(t, generation(t, 1, asOf), nil,
		use("bot", "2026-05-01", "1", in(pricing.ModelInput, "1K tokens")),
		use("bot", "2026-05-02", "2", in(pricing.ModelInput, "1M tokens")),
		use("bot", "2026-05-02", "3", in(pricing.Unknown, "Frobs")),
		use("bot", "2026-05-02", "4", in(pricing.MemoryShortTerm, "Events"), func(x *ledger.Total) { x.Usage = decimal.NullDecimal{} }))
	got := monthOf(t, b, cards.Of("bot")).Cards[0].Lines
	want := []cards.Line{
		{Component: pricing.MemoryShortTerm, Unit: pricing.Unit("Events"), Usage: decimal.NullDecimal{}, Cost: dec("4")},
		{Component: pricing.ModelInput, Unit: pricing.Tokens, Usage: known("100100000"), Cost: dec("3")},
		{Component: pricing.Unknown, Unit: pricing.Unit("Frobs"), Usage: known("100"), Cost: dec("3")},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("lines (-got +want)\n%s", diff)
	}
}

func TestUnownedUsageIsOnACardOfItsAccountOrPortfolio(t *testing.T) {
	list := []ledger.Total{
		use("", "2026-05-02", "3", unclaimed("111")), use("", "2026-05-02", "5", unclaimed("222")),
		use("fallback", "2026-05-03", "7", of(attribution.Defaulted, attribution.Usage), func(x *ledger.Total) { x.Account = "111" }),
		use("bot", "2026-05-02", "1"),
	}
	g := generation(t, 1, asOf)
	got := map[string]string{}
	for _, m := range months(t, book(t, g, nil, list...)) {
		got[m.Subject.String()] = m.Usage().String()
	}
	if diff := cmp.Diff(got, map[string]string{"workload/bot": "1", "unowned/111": "10", "unowned/222": "5"}); diff != "" {
		t.Errorf("by account (-got +want)\n%s", diff)
	}
	got = map[string]string{}
	o := &cards.Options{Unowned: func(account string, w attribution.WorkloadID) string {
		if w == "fallback" {
			return "Risk"
		}
		return "Insights"
	}}
	for _, m := range months(t, book(t, g, o, list...)) {
		got[m.Subject.String()] = m.Usage().String()
	}
	if diff := cmp.Diff(got, map[string]string{"workload/bot": "1", "unowned/Insights": "8", "unowned/Risk": "7"}); diff != "" {
		t.Errorf("by portfolio (-got +want)\n%s", diff)
	}
}

func TestMoneyWithoutDaysIsOnNoCard(t *testing.T) {
	b := book(t, generation(t, 1, asOf), nil,
		use("bot", "2026-05-02", "10"),
		use("bot", "2026-05-01", "-2", of(attribution.Claimed, attribution.Discount)),
		use("bot", "2026-05-01", "1", of(attribution.Spread, attribution.Tax)),
		use("", "2026-05-01", "3", of(attribution.Unallocated, attribution.Tax)),
		use("", "", "100", of(attribution.Excluded, "")),
		use("tax-only", "2026-05-01", "0.5", of(attribution.Spread, attribution.Tax)))
	var got []string
	for _, m := range months(t, b) {
		got = append(got, fmt.Sprintf("%s usage %s total %s", m.Subject, m.Usage(), m.Total()))
	}
	want := []string{"workload/bot usage 10 total 9", "workload/tax-only usage 0 total 0.5", "rest/ usage 0 total 103"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}

func TestForeignDaysAreOnTheNearestWeekAndStated(t *testing.T) {
	b := book(t, generation(t, 1, asOf), nil, use("bot", "2026-04-30", "1"), use("bot", "2026-05-02", "2"), use("bot", "2026-06-01", "4"))
	list := monthOf(t, b, cards.Of("bot")).Cards
	if diff := cmp.Diff(spell(list), []string{"01..03 3 complete", "25..31 4"}); diff != "" {
		t.Errorf("cards (-got +want)\n%s", diff)
	}
	if got := list[0].Outside.String() + " " + list[1].Outside.String(); got != "1 4" {
		t.Errorf("outside %s, want 1 4", got)
	}
}

func TestACardIsFinalWhenItsSliceIsInvoiced(t *testing.T) {
	for _, c := range []struct {
		name  string
		state attribution.State
		list  []ledger.Total
		want  bool
	}{
		{"all rows on an invoice", "", []ledger.Total{use("bot", "2026-05-01", "1", invoiced), use("bot", "2026-05-02", "1", invoiced)}, true},
		{"one row is not", attribution.Provisional, []ledger.Total{use("bot", "2026-05-01", "1", invoiced), use("bot", "2026-05-02", "1")}, false},
		{"shared money waits for the statement", attribution.Provisional, []ledger.Total{use("bot", "2026-05-01", "1", shared)}, false},
		{"and is final with it", attribution.Invoiced, []ledger.Total{use("bot", "2026-05-01", "1", shared)}, true},
		{"no invoice column", "", []ledger.Total{use("bot", "2026-05-01", "1")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := generation(t, 1, "2026-06-05T00:00:00Z")
			if c.state != "" {
				g.States = map[string]attribution.State{"USD": c.state}
			}
			if got := monthOf(t, book(t, g, nil, c.list...), cards.Of("bot")).Cards[0].Final; got != c.want {
				t.Errorf("final %t, want %t", got, c.want)
			}
		})
	}
}

func TestBucketsThatAreNoDaysAreRefused(t *testing.T) {
	for _, bucket := range []string{"2026-05", "", "yesterday"} {
		b := book(t, generation(t, 1, asOf), nil, use("bot", bucket, "1"))
		var err error
		for _, err = range b.Months() {
		}
		if !errors.Is(err, estimate.ErrPeriod) {
			t.Errorf("bucket %q: %v, want ErrPeriod", bucket, err)
		}
	}
}

func TestAFailureToReadTotalsEndsTheSequence(t *testing.T) {
	broken := errors.New("chunk is gone")
	list := ordered(use("a", "2026-05-01", "1"), use("b", "2026-05-01", "1"), use("b", "2026-05-02", "1", shared))
	for at := range 9 { // at every place of every pass
		n := 0
		b, err := cards.NewBook(generation(t, 1, asOf), func(yield func(ledger.Total, error) bool) {
			for x := range list {
				if n++; n == at+1 {
					yield(ledger.Total{}, broken)
					return
				}
				if !yield(x, nil) {
					return
				}
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, err = range b.Months() {
		}
		if !errors.Is(err, broken) {
			t.Errorf("broken at total %d: %v, want the failure", at, err)
		}
	}
}

// drawTotals draws the totals of a statement.
func drawTotals(t *rapid.T) []ledger.Total {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Total {
		x := use(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "workload"),
			day("2026-04-30").AddDate(0, 0, rapid.IntRange(0, 33).Draw(t, "day")).Format(time.DateOnly),
			decimal.New(rapid.Int64Range(-500, 5000).Draw(t, "cost"), -rapid.Int32Range(0, 10).Draw(t, "scale")).String())
		x.Currency = rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency")
		x.Outcome = rapid.SampledFrom([]attribution.Outcome{attribution.Claimed, attribution.Claimed, attribution.Shared, attribution.Defaulted,
			attribution.Spread, attribution.Unclaimed, attribution.Unallocated, attribution.Excluded, attribution.Rejected}).Draw(t, "outcome")
		x.Kind = rapid.SampledFrom([]attribution.ChargeKind{attribution.Usage, attribution.Usage, attribution.Tax, attribution.Credit}).Draw(t, "kind")
		x.Component = rapid.SampledFrom([]pricing.Component{pricing.MemoryShortTerm, pricing.RuntimeVCPU}).Draw(t, "component")
		switch x.Outcome {
		case attribution.Unclaimed, attribution.Unallocated, attribution.Excluded, attribution.Rejected:
			x.Workload = ""
		}
		if x.Outcome == attribution.Unclaimed || x.Outcome == attribution.Defaulted {
			x.Account = rapid.SampledFrom([]string{"111", "222"}).Draw(t, "account")
		}
		x.Invoice = rapid.SampledFrom([]string{"", "inv-1"}).Draw(t, "invoice")
		return x
	}), 0, 60).Draw(t, "totals")
}

// TestAllMonthsAddUpToTheStatement is the identity: whatever a statement says, what
// is yielded adds up to it, once for each subject, and cards to its usage.
func TestAllMonthsAddUpToTheStatement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawTotals(t)
		want := map[string]decimal.Decimal{}
		for _, x := range list {
			want[x.Currency+" total"] = want[x.Currency+" total"].Add(x.Unblended)
			if x.Kind == attribution.Usage && slices.Contains([]attribution.Outcome{attribution.Claimed, attribution.Shared, attribution.Defaulted, attribution.Unclaimed}, x.Outcome) {
				want[x.Currency+" cards"] = want[x.Currency+" cards"].Add(x.Unblended)
			}
		}
		got := map[string]decimal.Decimal{}
		seen := map[string]bool{}
		var closing cards.Closing
		for _, m := range months(t, book(t, generation(t, 1, asOf), nil, list...)) {
			id := m.Subject.String() + " " + m.Currency
			if seen[id] {
				t.Fatalf("%s twice", id)
			}
			seen[id] = true
			got[m.Currency+" total"] = got[m.Currency+" total"].Add(m.Total())
			lines := decimal.Decimal{}
			for _, c := range m.Cards {
				got[m.Currency+" cards"] = got[m.Currency+" cards"].Add(c.Cost)
				for _, l := range c.Lines {
					lines = lines.Add(l.Cost)
				}
			}
			if !lines.Equal(m.Usage()) {
				t.Fatalf("%s: lines %s, cards %s", id, lines, m.Usage())
			}
			closing.Add(m, nil)
		}
		for k, w := range want {
			if !got[k].Equal(w) {
				t.Fatalf("%s: %s, want %s", k, got[k], w)
			}
		}
		for _, c := range closing.Closes() {
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			if !c.Statement.Equal(want[c.Currency+" total"]) || !c.Open.Equal(want[c.Currency+" cards"]) {
				t.Fatalf("close %s: statement %s, open %s, want %s and %s", c.Currency, c.Statement, c.Open, want[c.Currency+" total"], want[c.Currency+" cards"])
			}
		}
	})
}
