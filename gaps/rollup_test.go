package gaps_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// A runtime that is unclaimed, never approved and of an unknown meter is in three gaps
// and counts once, for the first kind.
func TestEveryRowCountsOnceInRollUps(t *testing.T) {
	s := scene{approvals: []gaps.Approval{}, rows: []*cur.LineItem{
		row("2026-05-04", "10", func(li *cur.LineItem) { li.UsageType = "USE1-Studio:Consumption-based:Minutes" }),
		row("2026-05-20", "1", func(li *cur.LineItem) {
			li.UsageAccount, li.Resource = acct2, "arn:aws:bedrock-agentcore:us-east-1:"+acct2+":runtime/b-Aa1Bb2Cc3D"
		}),
	}}
	s.claim("c", attribution.KindResource, s.rows[1].Resource, "", "w")
	s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "becki.smith"}}
	s.directory = gaps.People{Claims: &s.claims, Lead: "ravi.menon"}
	b, _, now := newBook(t, gaps.BookOptions{})
	reconcile(t, b, s.detect(t))
	list := entries(t, b, gaps.Bill{Payer: payer, Currency: "USD"})
	show := func(by gaps.By) (out []string) {
		for _, x := range gaps.RollUp(list, by, now.now) {
			out = append(out, fmt.Sprintf("%s: %d gaps, %s, overlapping %s", x.Value, x.Gaps, x.Counted, x.Overlapping))
		}
		return out
	}
	for by, want := range map[gaps.By][]string{
		gaps.ByKind:    {"unclaimed_runtime: 1 gaps, 10, overlapping 10", "no_budget_allocation: 2 gaps, 1, overlapping 11", "unknown_component: 1 gaps, 0, overlapping 10"},
		gaps.ByAccount: {acct1 + ": 3 gaps, 10, overlapping 30", acct2 + ": 1 gaps, 1, overlapping 1"},
		gaps.ByOwner:   {"becki.smith: 1 gaps, 1, overlapping 1", "ravi.menon: 3 gaps, 10, overlapping 30"},
		gaps.ByAge:     {"8-30 days: 4 gaps, 11, overlapping 31"},
	} {
		if d := cmp.Diff(want, show(by)); d != "" {
			t.Errorf("by %s (-want +got):\n%s", by, d)
		}
	}
	// Ages are of the first day seen: a week later, a month later.
	now.now = now.now.AddDate(0, 0, 20)
	if d := cmp.Diff([]string{"8-30 days: 1 gaps, 1, overlapping 1", "31-90 days: 3 gaps, 10, overlapping 30"}, show(gaps.ByAge)); d != "" {
		t.Errorf("by age later (-want +got):\n%s", d)
	}
}

// Whatever the world, each roll-up adds up to what is in any gap.
func TestRollUpsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := plant(rt)
		b, _, now := newBook(t, gaps.BookOptions{})
		reconcile(t, b, w.detect(t))
		list := entries(t, b, gaps.Bill{Payer: payer, Currency: "USD"})
		for _, by := range []gaps.By{gaps.ByKind, gaps.ByAccount, gaps.ByOwner, gaps.ByAge} {
			var sum decimal.Decimal
			for _, x := range gaps.RollUp(list, by, now.now) {
				sum = sum.Add(x.Counted)
			}
			if want := cents(w.expect().inAny); sum.String() != want {
				rt.Errorf("by %s: %s, want %s", by, sum, want)
			}
		}
	})
}

func TestMaterialityByKindAndSubtree(t *testing.T) {
	amount := func(s string) decimal.NullDecimal { return decimal.NewNullDecimal(decimal.RequireFromString(s)) }
	// Workload w, of Risk, has 90; something of its account that nobody has, 10.
	detect := func(limits ...gaps.Limit) (out []string) {
		s := scene{approvals: []gaps.Approval{}, rows: []*cur.LineItem{row("2026-05-04", "90"), row("2026-05-04", "10", func(li *cur.LineItem) {
			li.Resource = arn("runtime/other-Aa1Bb2Cc3D")
		})}}
		s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
		s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "o", Portfolio: "Risk"}}
		s.options.Limits = limits
		for _, g := range s.detect(t).Gaps {
			if g.Material {
				out = append(out, fmt.Sprintf("%s %s", g.Kind, g.Evidence.Spend))
			}
		}
		slices.Sort(out)
		return out
	}
	all := []string{"no_budget_allocation 10", "no_budget_allocation 90", "unclaimed_runtime 10"}
	for name, c := range map[string]struct {
		limits []gaps.Limit
		want   []string
	}{
		"none":                    {nil, all},
		"a limit without figures": {[]gaps.Limit{{}}, all},
		"reached is at least":     {[]gaps.Limit{{Absolute: amount("10")}}, all},
		"absolute":                {[]gaps.Limit{{Absolute: amount("10.01")}}, all[1:2]},
		"percent of all":          {[]gaps.Limit{{Percent: amount("90")}}, all[1:2]},
		"either will do":          {[]gaps.Limit{{Absolute: amount("1000"), Percent: amount("10")}}, all},
		"of a kind":               {[]gaps.Limit{{Kind: gaps.UnclaimedRuntime, Absolute: amount("11")}}, all[:2]},
		"kind before all":         {[]gaps.Limit{{Absolute: amount("1000")}, {Kind: gaps.UnclaimedRuntime}}, all[2:]},
		"under a portfolio":       {[]gaps.Limit{{Under: "Risk", Absolute: amount("91")}}, []string{all[0], all[2]}},
		"percent of a portfolio":  {[]gaps.Limit{{Under: "Risk", Percent: amount("100")}, {Absolute: amount("1000")}}, all[1:2]},
		"portfolio before kind":   {[]gaps.Limit{{Kind: gaps.NoBudgetAllocation, Absolute: amount("1000")}, {Under: "Risk"}}, all[1:]},
	} {
		if d := cmp.Diff(c.want, detect(c.limits...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// What is not material is stored and reported, and told to nobody until it is.
func TestWhatIsNotMaterialIsToldToNobody(t *testing.T) {
	b, s, _ := newBook(t, gaps.BookOptions{})
	limits := gaps.Options{Limits: []gaps.Limit{{Absolute: decimal.NewNullDecimal(decimal.NewFromInt(5))}}}
	w := scene{rows: []*cur.LineItem{row("2026-05-04", "4")}, options: limits}
	reconcile(t, b, w.detect(t))
	bill := gaps.Bill{Payer: payer, Currency: "USD"}
	e := entries(t, b, bill)[0]
	if e.State != gaps.Active || len(e.Told) != 0 || !e.Due.IsZero() || len(messages(t, s)) != 0 {
		t.Errorf("below: %s, told %v, due %s, %d messages", e.State, e.Told, e.Due, len(messages(t, s)))
	}
	w = scene{rows: []*cur.LineItem{row("2026-05-04", "4"), row("2026-05-05", "1")}, options: limits, asOf: at("2026-05-26")}
	reconcile(t, b, w.detect(t))
	e = entries(t, b, bill)[0]
	if len(e.Told) != 1 || e.Due.IsZero() || len(messages(t, s)) != 1 {
		t.Errorf("reached: told %v, due %s, %d messages", e.Told, e.Due, len(messages(t, s)))
	}
}

func TestRunRatesAreOfCompleteDaysSinceTheFirst(t *testing.T) {
	// As of the 25th at a horizon of two days, the 23rd is the last complete day.
	s := scene{rows: []*cur.LineItem{row("2026-05-20", "1"), row("2026-05-22", "3"), row("2026-05-24", "100")}}
	e := s.detect(t).Gaps[0].Evidence
	// Four complete days have 4; eight days remain at one a day.
	if e.RunRate.Decimal.String() != "1" || e.Projected.Decimal.String() != "12" || e.Spend.String() != "104" {
		t.Errorf("run rate %s, projected %s, spend %s; want 1, 12 and 104", e.RunRate.Decimal, e.Projected.Decimal, e.Spend)
	}
	s = scene{rows: []*cur.LineItem{row("2026-05-24", "100")}}
	if e := s.detect(t).Gaps[0].Evidence; e.RunRate.Valid || e.Projected.Valid {
		t.Errorf("of no complete day: run rate %v, projected %v", e.RunRate, e.Projected)
	}
}

func TestCoverageOverTime(t *testing.T) {
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1"), row("2026-05-04", "3", func(li *cur.LineItem) { li.Resource = arn("runtime/other-Aa1Bb2Cc3D") }), row("2026-05-24", "2")}}
	s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
	s.claim("d", attribution.KindAccount, acct1, "", "default") // which is no claim
	s.estimates = estimated{"w": at("2026-05-10")}
	b, _, _ := newBook(t, gaps.BookOptions{})
	reconcile(t, b, s.detect(t))
	all, err := b.CoverageOf(t.Context(), gaps.Bill{Payer: payer, Currency: "USD"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all[cur.MonthOf(at("2026-05-01"))] {
		got = append(got, fmt.Sprintf("%s of %s: claimed %s, approved %v, estimated %s, provisional %v", c.Day.Format(time.DateOnly), c.Total, c.Claimed, c.Approved.Valid, c.Estimate.Decimal, c.Provisional))
	}
	want := []string{"2026-05-04 of 4: claimed 1, approved false, estimated 0, provisional false", "2026-05-24 of 2: claimed 2, approved false, estimated 2, provisional true"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	c := gaps.CoverageTotal(all[cur.MonthOf(at("2026-05-01"))])
	if p := c.Percent(decimal.NewNullDecimal(c.Claimed)); p.Decimal.String() != "50" || c.Approved.Valid {
		t.Errorf("claimed %s %%, approved %v", p.Decimal, c.Approved)
	}
	if p := (gaps.Coverage{}).Percent(decimal.NewNullDecimal(decimal.Zero)); p.Valid {
		t.Errorf("of nothing %s %%", p.Decimal)
	}
	if p := (gaps.Coverage{Total: decimal.NewFromInt(100000)}).Percent(decimal.NewNullDecimal(decimal.NewFromInt(99999))); p.Decimal.String() != "99.99" {
		t.Errorf("not quite all is %s %%", p.Decimal)
	}
}
