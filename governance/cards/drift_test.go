package cards_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

func TestDriftNamesTheComponentsThatChanged(t *testing.T) {
	g := generation(t, 1, asOf)
	pinned := monthOf(t, book(t, g, nil, use("bot", "2026-05-02", "10"), use("bot", "2026-05-02", "3", in(pricing.RuntimeVCPU, "vCPU-Hours")),
		use("bot", "2026-05-02", "1", in(pricing.ModelInput, "1K tokens"))), cards.Of("bot")).Cards[0]
	now := monthOf(t, book(t, g, nil, use("bot", "2026-05-02", "10"), use("bot", "2026-05-02", "5", in(pricing.RuntimeVCPU, "vCPU-Hours"))), cards.Of("bot")).Cards[0]
	d := cards.DriftOf(&pinned, &now)
	want := cards.Drift{Cost: dec("1"), Lines: []cards.LineDrift{
		{Component: pricing.RuntimeVCPU, Unit: pricing.VCPUHours, Usage: known("0"), Cost: dec("2")},
		{Component: pricing.ModelInput, Unit: pricing.Tokens, Usage: known("-100000"), Cost: dec("-1")},
	}}
	if diff := cmp.Diff(d, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if d := cards.DriftOf(&pinned, &pinned); !d.Zero() {
		t.Errorf("a card drifts from itself by %+v", d)
	}
	if d := cards.DriftOf(&pinned, nil); !d.Cost.Equal(dec("-14")) {
		t.Errorf("a card that is gone drifts by %s, want -14", d.Cost)
	}
}

func TestMaterialityWantsBothLimitsReached(t *testing.T) {
	for _, c := range []struct {
		approved, drift string
		want            bool
	}{
		{"100", "1", true}, {"100", "-1", true}, {"100", "0.9999999999", false}, {"101", "1", false},
		{"10000", "99.99", false}, {"10000", "100", true}, {"0", "1", true}, {"0", "0", false}, {"5", "0.5", false},
	} {
		if got := (cards.Materiality{}).Material(dec(c.approved), dec(c.drift)); got != c.want {
			t.Errorf("drift %s of %s: material %t, want %t", c.drift, c.approved, got, c.want)
		}
	}
	any := cards.Materiality{Amount: dec("-1"), Percent: dec("-1")}
	if !any.Material(dec("1000000"), dec("0.0000000001")) {
		t.Error("limits of nothing let drift pass")
	}
}

func TestCausesAreThoseTheLedgerBooked(t *testing.T) {
	term := func(l attribution.Label, o attribution.Outcome, w attribution.WorkloadID) ledger.Delta {
		return ledger.Delta{Currency: "USD", Term: attribution.Term{Label: l, Outcome: o, Workload: w, Unblended: dec("1")}}
	}
	list := []ledger.Delta{
		term(attribution.NewDays, attribution.Claimed, "bot"), term(attribution.RuleBased, attribution.Claimed, "bot"),
		term(attribution.Restated, attribution.Shared, "bot"), term(attribution.Restated, attribution.Claimed, "bot"),
		term(attribution.Ownership, attribution.Claimed, "other"), term(attribution.Ownership, attribution.Unclaimed, ""),
		term(attribution.NewDays, attribution.Claimed, "new"), term(attribution.Restated, attribution.Unallocated, ""),
	}
	for s, want := range map[cards.Subject][]cards.Cause{
		cards.Of("bot"):                    {attribution.Restated, attribution.RuleBased},
		cards.Of("other"):                  {attribution.Ownership},
		cards.Of("new"):                    {attribution.NewDays},
		cards.Of("quiet"):                  nil,
		{Kind: cards.Unowned, ID: "111"}:   {attribution.Ownership},
		{Kind: cards.Unowned, ID: "other"}: {attribution.Ownership},
	} {
		if diff := cmp.Diff(cards.Causes(s, "USD", list), want); diff != "" {
			t.Errorf("%s (-got +want)\n%s", s, diff)
		}
		if got := cards.Causes(s, "EUR", list); got != nil {
			t.Errorf("%s, EUR: %v, want none", s, got)
		}
	}
}

// approved are the cards of a subject as of a generation, pinned.
func approved(t T, g ledger.Generation, list ...ledger.Total) []cards.Card {
	return monthOf(t, book(t, g, nil, list...), cards.Of("bot")).Cards
}

func TestAnAdjustmentIsCutWhenDriftMatters(t *testing.T) {
	g := generation(t, 2, asOf)
	pinned := approved(t, generation(t, 1, asOf), use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "50"))
	for _, c := range []struct {
		name   string
		now    []ledger.Total
		taken  *cards.Adjustment
		closed bool
		want   cards.Trigger
	}{
		{"nothing changed", []ledger.Total{use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "50")}, nil, true, ""},
		{"below materiality", []ledger.Total{use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "50.99")}, nil, false, ""},
		{"material", []ledger.Total{use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "51")}, nil, false, cards.ByAmount},
		{"moved between weeks", []ledger.Total{use("bot", "2026-05-02", "49.5"), use("bot", "2026-05-05", "50.5")}, nil, false, cards.ByAmount},
		{"material to one card, not to the month", []ledger.Total{use("bot", "2026-05-02", "51"), use("bot", "2026-05-05", "50")}, nil, false, cards.ByAmount},
		{"a closed month changed", []ledger.Total{use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "50.01")}, nil, true, cards.ByRestated},
		{"the slices are invoiced", []ledger.Total{use("bot", "2026-05-02", "50", invoiced), use("bot", "2026-05-05", "50.01", invoiced)}, nil, false, cards.ByInvoice},
		{"one slice is not", []ledger.Total{use("bot", "2026-05-02", "50"), use("bot", "2026-05-05", "50.01", invoiced)}, nil, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := cards.DriftingOf(pinned, monthOf(t, book(t, g, nil, c.now...), cards.Of("bot")))
			if got := d.Due(c.taken, c.closed, cards.Materiality{}); got != c.want {
				t.Errorf("due %q, want %q", got, c.want)
			}
			if c.want == "" {
				return
			}
			a := d.Adjust(pinned[0].Key, g, c.want, []cards.Cause{attribution.Restated})
			if amount, gross := d.Left(&a); !amount.IsZero() || !gross.IsZero() || d.Due(&a, true, cards.Materiality{}) != "" {
				t.Errorf("an adjustment leaves %s (%s)", amount, gross)
			}
			if a.Generation != 2 || a.Month.From.Format("2006-01") != "2026-05" || !a.Approved.Equal(dec("100")) {
				t.Errorf("adjustment %+v", a)
			}
		})
	}
}

// TestApprovedAndDriftAreTheStatement: whatever happens to a month, what was pinned
// and what it drifted by are what it is.
func TestApprovedAndDriftAreTheStatement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generation(t, 1, "2026-06-05T00:00:00Z")
		was := map[cards.Subject]*cards.Month{}
		for _, m := range months(t, book(t, g, nil, drawTotals(t)...)) {
			if m.Currency == "USD" {
				was[m.Subject] = m
			}
		}
		for _, m := range months(t, book(t, g, nil, drawTotals(t)...)) {
			old := was[m.Subject]
			if m.Currency != "USD" || old == nil || old.Subject.Kind == cards.Rest {
				continue
			}
			d := cards.DriftingOf(old.Cards, m)
			sum := d.Approved.Add(d.Amount)
			for i := range m.Cards { // weeks that had no card
				if old.Card(m.Cards[i].Week.From) == nil {
					sum = sum.Add(m.Cards[i].Cost)
				}
			}
			if !sum.Equal(m.Usage()) {
				t.Fatalf("%s: approved %s and drift %s come to %s, want %s", m.Subject, d.Approved, d.Amount, sum, m.Usage())
			}
			weeks := decimal.Decimal{}
			for _, w := range d.Weeks {
				weeks = weeks.Add(w.Cost)
				lines := decimal.Decimal{}
				for _, l := range w.Lines {
					lines = lines.Add(l.Cost)
				}
				if !lines.Equal(w.Cost) {
					t.Fatalf("%s: lines drift %s, the card %s", m.Subject, lines, w.Cost)
				}
			}
			if !weeks.Equal(d.Amount) {
				t.Fatalf("%s: weeks drift %s, the month %s", m.Subject, weeks, d.Amount)
			}
		}
	})
}
