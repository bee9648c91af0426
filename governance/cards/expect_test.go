package cards_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

// firstWeek returns the card of May 1–3, of which 3 of 31 days are expected.
func firstWeek(t T, o *cards.Options, cost string) cards.Card {
	t.Helper()
	return monthOf(t, book(t, generation(t, 1, asOf), o, use("bot", "2026-05-02", cost)), cards.Of("bot")).Cards[0]
}

func TestBandsCompareRealDays(t *testing.T) {
	// 31.00 for May is 1.00 a day: 3.00 for three days. Of thirty days it would be
	// 3.10, and 3.06 would look like a saving.
	for _, c := range []struct {
		cost string
		band cards.Band
	}{
		{"2.93", cards.BandGreen}, {"2.94", cards.BandNeutral}, {"3", cards.BandNeutral}, {"3.06", cards.BandNeutral},
		{"3.0600000001", cards.BandAmber}, {"3.30", cards.BandAmber}, {"3.3000000001", cards.BandRed}, {"99", cards.BandRed},
	} {
		got := firstWeek(t, always(plan("31000", "31")), c.cost)
		if got.Band != c.band || got.Lines[0].Band != c.band {
			t.Errorf("%s of 3.00 expected: card %q, line %q, want %q", c.cost, got.Band, got.Lines[0].Band, c.band)
		}
	}
	got := firstWeek(t, always(plan("31000", "31")), "3.3")
	want := cards.Against{Expected: known("3"), Variance: known("0.3"), Percent: known("10"), Band: cards.BandAmber}
	if diff := cmp.Diff(got.Against, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if got := got.Lines[0].ExpectedUsage; !got.Decimal.Equal(dec("3000")) {
		t.Errorf("expected usage %s, want 3000", got.Decimal)
	}
}

func TestBandLimitsAreConfigurable(t *testing.T) {
	o := always(plan("31000", "31"))
	o.Neutral, o.Amber = dec("20"), dec("50")
	if got := firstWeek(t, o, "3.6").Band; got != cards.BandNeutral {
		t.Errorf("20 %% over: %q", got)
	}
	if got := firstWeek(t, o, "4.51").Band; got != cards.BandRed {
		t.Errorf("above 50 %% over: %q", got)
	}
}

func TestWithoutAnEstimateThereIsNoBand(t *testing.T) {
	eur, net := plan("31000", "31"), plan("31000", "31")
	eur.Currency, net.Basis = "EUR", "net"
	for name, c := range map[string]struct {
		o       *cards.Options
		notHeld bool
	}{
		"none":                  {nil, false},
		"no cost yet":           {always(plan("31000", "")), false},
		"in another currency":   {always(eur), true},
		"on another basis":      {always(net), true},
		"of no day in the week": {always(&estimate.Plan{Period: estimate.Calendar{}.Month(day("2026-06-01")), Currency: "USD"}), false},
	} {
		got := firstWeek(t, c.o, "3")
		if got.Band != cards.BandNone || got.Expected.Valid || got.Percent.Valid || (got.NotHeld != "") != c.notHeld {
			t.Errorf("%s: band %q, expected %v, %q", name, got.Band, got.Expected, got.NotHeld)
		}
	}
}

func TestWhatWasExpectedAndNotUsedIsOnTheCard(t *testing.T) {
	p := plan("31000", "31")
	p.Targets = append(p.Targets, estimate.Target{Component: pricing.RuntimeVCPU, Unit: pricing.VCPUHours, Volume: dec("310"), Cost: known("62")})
	m := monthOf(t, book(t, generation(t, 1, asOf), always(p), use("bot", "2026-05-02", "3")), cards.Of("bot"))
	if len(m.Cards) != 5 {
		t.Fatalf("%d cards, want one for each week that something was expected in", len(m.Cards))
	}
	l := m.Cards[0].Lines[0]
	if l.Component != pricing.RuntimeVCPU || !l.Cost.IsZero() || !l.Expected.Decimal.Equal(dec("6")) || l.Band != cards.BandGreen {
		t.Errorf("line %+v", l)
	}
	if c := m.Cards[0]; !c.Expected.Decimal.Equal(dec("9")) || c.Band != cards.BandGreen {
		t.Errorf("card expects %s, %q", c.Expected.Decimal, c.Band)
	}
}

func TestABudgetOfMoneyAloneIsExpectedOfTheWhole(t *testing.T) {
	p := plan("0", "")
	p.Targets = []estimate.Target{{Cost: known("31")}}
	got := firstWeek(t, always(p), "3.2")
	if !got.Expected.Decimal.Equal(dec("3")) || got.Band != cards.BandAmber || len(got.Lines) != 1 || got.Lines[0].Expected.Valid {
		t.Errorf("expected %s, %q, lines %+v", got.Expected.Decimal, got.Band, got.Lines)
	}
}

func TestNothingToBeUsedIsRedOnceUsed(t *testing.T) {
	if got := firstWeek(t, always(plan("0", "0")), "0.01"); got.Band != cards.BandRed || got.Percent.Valid {
		t.Errorf("band %q, percent %v", got.Band, got.Percent)
	}
	if got := firstWeek(t, always(plan("0", "0")), "0").Band; got != cards.BandNeutral {
		t.Errorf("band %q", got)
	}
}

func TestAVersionThatChangesInsideAWeekCountsByDay(t *testing.T) {
	before, after := plan("31", "31"), plan("62", "62") // 1 a day, then 2
	o := &cards.Options{Plan: func(_ cards.Subject, d time.Time) *estimate.Plan {
		if d.Before(day("2026-05-06")) {
			return before
		}
		return after
	}}
	m := monthOf(t, book(t, generation(t, 1, asOf), o, use("bot", "2026-05-04", "1")), cards.Of("bot"))
	// May 4–10: two days at 1, five at 2.
	if got := m.Cards[1].Expected.Decimal; !got.Equal(dec("12")) {
		t.Errorf("expected %s, want 12", got)
	}
}

// TestWeeksOfAMonthExpectTheMonth: rounding loses nothing between weeks.
func TestWeeksOfAMonthExpectTheMonth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "cost"), -rapid.Int32Range(0, 8).Draw(t, "scale"))
		o := always(plan("1", cost.String()))
		o.Calendar = estimate.NewCalendar(time.Weekday(rapid.IntRange(0, 6).Draw(t, "start")))
		m := monthOf(t, book(t, generation(t, 1, asOf), o, use("bot", "2026-05-02", "3")), cards.Of("bot"))
		sum, days := decimal.Decimal{}, 0
		for _, c := range m.Cards {
			sum = sum.Add(c.Expected.Decimal)
			days += c.Week.Days()
		}
		if !sum.Equal(cost) || days != 31 {
			t.Fatalf("weeks expect %s in %d days, want %s in 31", sum, days, cost)
		}
	})
}

func BenchmarkMonths(b *testing.B) {
	totals := week(10_000)
	o := always(plan("50000", "12.50"))
	for b.Loop() {
		k, err := cards.NewBook(generation(b, 1, asOf), totals, o)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for m, err := range k.Months() {
			if err != nil {
				b.Fatal(err)
			}
			n += len(m.Cards)
		}
		if n < 10_000 {
			b.Fatal(n)
		}
	}
}
