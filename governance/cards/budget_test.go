package cards_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

func crossed(limit string, s cards.Spending, reported ...cards.Threshold) []string {
	out := []string{}
	for _, c := range cards.Crossed(dec(limit), s, cards.DefaultThresholds(), reported) {
		out = append(out, c.Threshold.String()+" "+c.Value.String())
	}
	return out
}

func TestThresholdsAreReachedAtLeast(t *testing.T) {
	spent := func(used string, days int) cards.Spending { return cards.Spending{Used: dec(used), Days: days, Of: 31} }
	for _, c := range []struct {
		name string
		s    cards.Spending
		want []string
	}{
		{"just below half", spent("49.9999999999", 31), []string{}},
		{"exactly half", spent("50", 31), []string{"actual/50 50"}},
		{"all at once", spent("100", 31), []string{"actual/50 100", "actual/80 100", "actual/100 100", "forecast/100 100"}},
		{"heading there", spent("26", 8), []string{"forecast/100 100.75"}},
		{"one day says nothing of a month", spent("26", 6), []string{}},
		{"the forecast given counts", cards.Spending{Used: dec("1"), Days: 1, Of: 31, Forecast: known("100")}, []string{"forecast/100 100"}},
	} {
		if diff := cmp.Diff(crossed("100", c.s), c.want); diff != "" {
			t.Errorf("%s (-got +want)\n%s", c.name, diff)
		}
	}
	// The comparison is of the run rate before it is rounded: 100/3 × 3 is 100.
	if diff := cmp.Diff(crossed("103.3333333333", cards.Spending{Used: dec("33.3333333333"), Days: 10, Of: 31}), []string{"forecast/100 103.3333333332"}); diff == "" {
		t.Error("a run rate below the budget reached it by rounding")
	}
}

func TestAThresholdIsReportedOnce(t *testing.T) {
	s := cards.Spending{Used: dec("85"), Days: 31, Of: 31}
	if diff := cmp.Diff(crossed("100", s, cards.Threshold{Of: cards.Actual, Percent: dec("50.0")}), []string{"actual/80 85"}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}

func TestAReplanLeavesThePastAlone(t *testing.T) {
	b, err := estimate.Spread(dec("1200"), "USD", day("2026-01-01"), nil)
	if err != nil {
		t.Fatal(err)
	}
	may := estimate.Calendar{}.Month(day("2026-05-01"))
	june := estimate.Calendar{}.Month(day("2026-06-01"))
	next, err := cards.Replan(*b, []estimate.MonthBudget{{Month: may, Amount: dec("130")}, {Month: june, Amount: dec("60")}}, day("2026-05-20"))
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Unallocated(); !got.Equal(dec("10")) || len(next.Months) != 12 || !next.Month(day("2026-05-31")).Decimal.Equal(dec("130")) {
		t.Errorf("%d months, unallocated %s, May %s, want 12, 10 and 130", len(next.Months), got, next.Month(day("2026-05-31")).Decimal)
	}
	april := estimate.Calendar{}.Month(day("2026-04-01"))
	for _, c := range []struct {
		name   string
		months []estimate.MonthBudget
		want   error
	}{
		{"a month that is over", []estimate.MonthBudget{{Month: april, Amount: dec("90")}, {Month: may, Amount: dec("1")}}, estimate.ErrPeriod},
		{"more than the year has", []estimate.MonthBudget{{Month: may, Amount: dec("100.01")}}, estimate.ErrBudget},
		{"the same month twice", []estimate.MonthBudget{{Month: may, Amount: dec("1")}, {Month: may, Amount: dec("1")}}, estimate.ErrPeriod},
		{"less than nothing", []estimate.MonthBudget{{Month: may, Amount: dec("-1")}}, estimate.ErrQuantity},
	} {
		if got, err := cards.Replan(*b, c.months, day("2026-05-20")); !errors.Is(err, c.want) || !got.Unallocated().Equal(decimal.Decimal{}) {
			t.Errorf("%s: %v, unallocated %s, want %v and the budget as it was", c.name, err, got.Unallocated(), c.want)
		}
	}
}
