package cards_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

var weekOne = estimate.Calendar{}.Week(day("2026-05-04"))

func standing(id, cost string, a cards.Approval) cards.Standing {
	return cards.Standing{Subject: cards.Of(attribution.WorkloadID(id)), Name: "Name of " + id, Week: weekOne, Currency: "USD", Approval: a, Cost: dec(cost),
		Lines: []cards.Line{{Component: pricing.MemoryShortTerm, Unit: pricing.Events, Usage: known("10"), ExpectedUsage: known("8"), Cost: dec(cost),
			Against: cards.Against{Expected: known("10")}}},
		Against: cards.Against{Expected: known("10")}}
}

func TestARollUpIsNeverSilentlyShort(t *testing.T) {
	disputed := standing("b", "30", cards.Disputed)
	disputed.Reason = "not ours"
	list := []cards.Standing{standing("a", "10", cards.Accepted), disputed, standing("c", "5", cards.Open), standing("d", "2.5", cards.Approved),
		{Subject: cards.Of("elsewhere"), Week: weekOne, Currency: "EUR", Cost: dec("99")}}
	r := cards.NewRollUp("Insights", weekOne, "USD", list, nil)
	if r.Cards != 4 || !r.Total.Equal(dec("47.5")) || !r.Agreed.Equal(dec("12.5")) {
		t.Errorf("%d cards, total %s, agreed %s, want 4, 47.5, 12.5", r.Cards, r.Total, r.Agreed)
	}
	want := []cards.Exception{
		{Subject: cards.Of("b"), Name: "Name of b", Week: weekOne, Approval: cards.Disputed, Reason: "not ours", Amount: dec("30")},
		{Subject: cards.Of("c"), Name: "Name of c", Week: weekOne, Approval: cards.Open, Amount: dec("5")},
	}
	if diff := cmp.Diff(r.Exceptions, want); diff != "" {
		t.Errorf("exceptions (-got +want)\n%s", diff)
	}
	line := []cards.Line{{Component: pricing.MemoryShortTerm, Unit: pricing.Events, Usage: known("40"), ExpectedUsage: known("32"), Cost: dec("47.5"),
		Against: cards.Against{Expected: known("40"), Variance: known("7.5"), Percent: known("18.75"), Band: cards.BandRed}}}
	if diff := cmp.Diff(r.Lines, line); diff != "" {
		t.Errorf("lines (-got +want)\n%s", diff)
	}
	if r.Band != cards.BandRed || !r.Variance.Decimal.Equal(dec("7.5")) {
		t.Errorf("against %+v", r.Against)
	}
	if diff := cmp.Diff(cards.ByGroup(r.Lines), []cards.GroupCost{{Group: pricing.GroupMemory, Cost: dec("47.5")}}); diff != "" {
		t.Errorf("groups (-got +want)\n%s", diff)
	}
}

func TestARollUpHoldsNoPartialEstimateAgainstATotal(t *testing.T) {
	without := standing("b", "30", cards.Accepted)
	without.Against, without.Lines = cards.Against{}, nil
	if r := cards.NewRollUp("p", weekOne, "USD", []cards.Standing{standing("a", "10", cards.Accepted), without}, nil); r.Expected.Valid || r.Band != cards.BandNone {
		t.Errorf("expected %v, band %q, want neither", r.Expected, r.Band)
	}
	if r := cards.NewRollUp("p", weekOne, "USD", nil, nil); r.Expected.Valid || r.Cards != 0 || !r.Total.IsZero() {
		t.Errorf("a roll-up of nothing: %+v", r)
	}
}

func TestAMonthCloseListsExceptionsByNameAndAmount(t *testing.T) {
	g := generation(t, 3, "2026-06-05T00:00:00Z")
	b := book(t, g, nil,
		use("bot", "2026-05-02", "10"), use("bot", "2026-05-05", "20.5"), use("bot", "2026-05-12", "7"),
		use("bot", "2026-05-01", "-3", of(attribution.Claimed, attribution.Credit)),
		use("bot", "2026-05-01", "2", of(attribution.Spread, attribution.Tax)),
		use("", "2026-05-20", "4", unclaimed("111")),
		use("", "2026-05-01", "1", of(attribution.Unallocated, attribution.Tax)), use("", "", "1000", of(attribution.Excluded, "")))
	week := func(s string) estimate.Interval { return estimate.Calendar{}.Week(day(s)) }
	rec := func(from, cost, drift string, a cards.Approval) cards.Standing {
		return cards.Standing{Subject: cards.Of("bot"), Week: week(from), Currency: "USD", Approval: a, Cost: dec(cost), Drift: dec(drift)}
	}
	dispute := rec("2026-05-12", "6", "0", cards.Disputed) // of a statement before; it is 7 now
	dispute.Reason = "who ran this?"
	state := &cards.State{Name: "Support Bot", Cards: []cards.Standing{rec("2026-05-02", "10", "0", cards.Approved), rec("2026-05-05", "20", "0.5", cards.Approved), dispute},
		Adjustment: &cards.Standing{Subject: cards.Of("bot"), Currency: "USD", Approval: cards.Open, Cost: dec("0.3")}}
	var c cards.Closing
	for _, m := range months(t, b) {
		if m.Subject == cards.Of("bot") {
			c.Add(m, state)
		} else {
			c.Add(m, nil)
		}
	}
	got := c.Closes()[0]
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	want := cards.Close{Payer: payer, Month: estimate.Calendar{}.Month(day("2026-05-01")), Currency: "USD", Generation: 3,
		Statement: dec("1041.5"), Cards: 4, Approved: dec("30"), Drift: dec("0.2"), Open: dec("11.3"), Level: dec("0"), Outside: dec("1000"),
		Money: []cards.Sum{{Outcome: attribution.Claimed, Kind: attribution.Credit, Rows: 1, Amount: dec("-3")},
			{Outcome: attribution.Spread, Kind: attribution.Tax, Rows: 1, Amount: dec("2")},
			{Outcome: attribution.Unallocated, Kind: attribution.Tax, Rows: 1, Amount: dec("1")}},
		Exceptions: []cards.Exception{
			{Subject: cards.Of("bot"), Name: "Support Bot", Week: week("2026-05-12"), Approval: cards.Disputed, Reason: "who ran this?", Amount: dec("7")},
			{Subject: cards.Subject{Kind: cards.Unowned, ID: "111"}, Week: week("2026-05-20"), Approval: cards.Open, Amount: dec("4")},
			{Subject: cards.Of("bot"), Name: "Support Bot", Week: estimate.Calendar{}.Month(day("2026-05-01")), Approval: cards.Open, Amount: dec("0.3")},
		}}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("close (-got +want)\n%s", diff)
	}

	// A record that has not kept up with the statement is found out.
	state.Cards[1].Drift = dec("0.4")
	c = cards.Closing{}
	for _, m := range months(t, b) {
		if m.Subject == cards.Of("bot") {
			c.Add(m, state)
		} else {
			c.Add(m, nil)
		}
	}
	if err := c.Closes()[0].Check(); !errors.Is(err, cards.ErrIdentity) {
		t.Errorf("drift that is not recorded: %v, want ErrIdentity", err)
	}
}

func TestExceptionsBeyondTheLimitAreCountedAndSummed(t *testing.T) {
	var c cards.Closing
	totals := week(cards.MaxExceptions + 5)
	b, err := cards.NewBook(generation(t, 1, asOf), totals, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range months(t, b) {
		c.Add(m, nil)
	}
	got := c.Closes()[0]
	if len(got.Exceptions) != cards.MaxExceptions || got.More != 5 || !got.MoreAmount.Equal(dec("262.5")) || got.Check() != nil {
		t.Errorf("%d named, %d more of %s", len(got.Exceptions), got.More, got.MoreAmount)
	}
}
