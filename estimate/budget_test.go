package estimate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"pgregory.net/rapid"
)

func amounts(b *estimate.Budget) []string {
	var s []string
	for _, m := range b.Months {
		s = append(s, m.Amount.String())
	}
	return s
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name    string
		annual  string
		weights []decimal.Decimal
		want    string
	}{
		{"evenly", "1200", nil, "100 100 100 100 100 100 100 100 100 100 100 100"},
		{"cents left over go to the earlier months", "100", nil, "8.34 8.34 8.34 8.34 8.33 8.33 8.33 8.33 8.33 8.33 8.33 8.33"},
		{"to the months that lost most", "0.10", decs("1", "0", "1", "0", "0", "0", "0", "0", "0", "0", "0", "4"), "0.02 0 0.02 0 0 0 0 0 0 0 0 0.06"},
		{"by weight", "30", decs("1", "2", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"), "10 20 0 0 0 0 0 0 0 0 0 0"},
		{"finer than cents", "0.0012", nil, "0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001 0.0001"},
		{"nothing", "0", nil, "0 0 0 0 0 0 0 0 0 0 0 0"},
	} {
		b, err := estimate.Spread(dec(tt.annual), "USD", day("2026-07-09"), tt.weights)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := strings.Join(amounts(b), " "); got != tt.want {
			t.Errorf("%s: months = %s, want %s", tt.name, got, tt.want)
		}
		if err := b.Check(); err != nil || !b.Unallocated().IsZero() {
			t.Errorf("%s: unallocated %s, %v", tt.name, b.Unallocated(), err)
		}
		sameNull(t, "month outside", b.Month(day("2026-06-30")), "")
		sameNull(t, "first month", b.Month(day("2026-07-31")), amounts(b)[0])
	}
}

func TestSpreadSumsToTheAnnual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		annual := decimal.New(rapid.Int64Range(0, 1e15).Draw(t, "annual"), -rapid.Int32Range(0, 9).Draw(t, "scale"))
		weights := []decimal.Decimal{dec("0.5")}
		for range 11 {
			weights = append(weights, decimal.New(rapid.Int64Range(0, 1000).Draw(t, "weight"), -rapid.Int32Range(0, 3).Draw(t, "scale")))
		}
		b, err := estimate.Spread(annual, "USD", day("2026-01-01"), weights)
		if err != nil {
			t.Fatal(err)
		}
		sum, weight := decimal.Decimal{}, decimal.Decimal{}
		for i, m := range b.Months {
			sum, weight = sum.Add(m.Amount), weight.Add(weights[i])
		}
		if !sum.Equal(annual) {
			t.Fatalf("months sum to %s, want %s", sum, annual)
		}
		// No month is off its weight by a whole cent.
		for i, m := range b.Months {
			off := m.Amount.Mul(weight).Sub(annual.Mul(weights[i])).Abs()
			if !off.LessThan(weight.Mul(dec("0.01"))) {
				t.Fatalf("month %d holds %s of %s at weight %s of %s", i, m.Amount, annual, weights[i], weight)
			}
		}
	})
}

func TestSpreadRefusals(t *testing.T) {
	zeros := decs(strings.Fields(strings.Repeat("0 ", 12))...)
	negative := append(decs("-1"), zeros[1:]...)
	for _, tt := range []struct {
		name    string
		annual  decimal.Decimal
		weights []decimal.Decimal
		want    error
	}{
		{"negative annual", dec("-1"), nil, estimate.ErrQuantity},
		{"hostile annual", decimal.New(1, 1<<30), nil, estimate.ErrQuantity},
		{"eleven weights", dec("1"), zeros[1:], estimate.ErrMix},
		{"no weight", dec("1"), zeros, estimate.ErrMix},
		{"negative weight", dec("1"), negative, estimate.ErrMix},
	} {
		_, err := estimate.Spread(tt.annual, "USD", day("2026-01-01"), tt.weights)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "[2026-01-01, 2027-01-01)") {
			t.Errorf("%s: error = %v, want %v naming the year", tt.name, err, tt.want)
		}
	}
}

func TestBudgetCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*estimate.Budget)
		want   error
		says   string
	}{
		{"a month less is fine", func(b *estimate.Budget) { b.Months = b.Months[1:] }, nil, ""},
		{"more than the annual figure", func(b *estimate.Budget) { b.Months[3].Amount = dec("100.01") }, estimate.ErrBudget, "0.01 more than 1200"},
		{"a month twice", func(b *estimate.Budget) { b.Months[3].Month = b.Months[2].Month }, estimate.ErrPeriod, "[2026-03-01"},
		{"a month of another year", func(b *estimate.Budget) { b.Months[11].Month = month("2027-01") }, estimate.ErrPeriod, "[2027-01-01"},
		{"part of a month", func(b *estimate.Budget) { b.Months[0].Month.To = day("2026-01-15") }, estimate.ErrPeriod, "whole month"},
		{"negative month", func(b *estimate.Budget) { b.Months[0].Amount = dec("-1") }, estimate.ErrQuantity, "[2026-01-01"},
		{"negative annual", func(b *estimate.Budget) { b.Annual = dec("-1") }, estimate.ErrQuantity, "annual"},
		{"no year", func(b *estimate.Budget) { b.Year.To = day("2026-12-01") }, estimate.ErrPeriod, "twelve"},
	} {
		b, err := estimate.Spread(dec("1200"), "USD", day("2026-01-01"), nil)
		if err != nil {
			t.Fatal(err)
		}
		tt.change(b)
		if err := b.Check(); !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Check = %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// at is an instant of 2026-04, for recording and confirming.
func at(dom int) time.Time { return time.Date(2026, 4, dom, 9, 0, 0, 0, time.UTC) }

func TestTimelineStates(t *testing.T) {
	b, err := estimate.Spread(dec("1200"), "USD", day("2026-01-01"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var tl estimate.Timeline[estimate.Budget]
	must := func(next estimate.Timeline[estimate.Budget], err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		tl = next
	}
	must(tl.Draft(*b, day("2026-05-01"), at(1))) // 1
	must(tl.Draft(*b, day("2026-07-01"), at(2))) // 2
	must(tl.Draft(*b, day("2026-05-01"), at(3))) // 3: replaces 1 from the same day
	must(tl.Draft(*b, day("2026-06-01"), at(4))) // 4: confirmed last, but ends where 2 begins
	must(tl.Draft(*b, day("2026-05-01"), at(5))) // 5: stays a draft
	empty := tl
	for number, dom := range map[int]int{1: 6, 2: 7, 3: 8, 4: 9} {
		must(tl.Confirm(number, at(dom)))
	}
	for _, tt := range []struct {
		day     string
		inForce int
		states  string
	}{
		{"2026-04-30", 0, "confirmed confirmed confirmed confirmed draft"},
		{"2026-05-01", 3, "superseded confirmed in_force confirmed draft"},
		{"2026-06-15", 4, "superseded confirmed superseded in_force draft"},
		{"2026-07-01", 2, "superseded in_force superseded superseded draft"},
	} {
		v, ok := tl.InForce(day(tt.day).Add(20 * time.Hour))
		if v.Number != tt.inForce || ok != (tt.inForce > 0) {
			t.Errorf("%s: version %d in force, want %d", tt.day, v.Number, tt.inForce)
		}
		var states []string
		for n := 1; n <= 5; n++ {
			states = append(states, string(tl.State(n, day(tt.day))))
		}
		if got := strings.Join(states, " "); got != tt.states {
			t.Errorf("%s: states = %s, want %s", tt.day, got, tt.states)
		}
	}
	if got := tl.State(6, day("2026-05-01")); got != "" {
		t.Errorf("state of a version that is not there = %q", got)
	}
	if _, ok := empty.InForce(day("2026-08-01")); ok {
		t.Errorf("confirming changed the timeline it was called on")
	}
	// Two drafts made from one timeline do not share their place.
	three := tl.KnownAt(at(3))
	a, errA := three.Draft(*b, day("2026-08-01"), at(10))
	c, errC := three.Draft(*b, day("2026-09-01"), at(10))
	if errA != nil || errC != nil || !a.Versions[3].From.Equal(day("2026-08-01")) || !c.Versions[3].From.Equal(day("2026-09-01")) {
		t.Errorf("drafts from %s and %s: %v, %v", a.Versions[3].From, c.Versions[3].From, errA, errC)
	}
	// On the 7th, only 1 and 2 were confirmed; on the 3rd, 4 was not written yet.
	if v, _ := tl.KnownAt(at(7)).InForce(day("2026-05-10")); v.Number != 1 {
		t.Errorf("as known on 7 April, version %d is in force in May, want 1", v.Number)
	}
	if known := tl.KnownAt(at(3)); len(known.Versions) != 3 || known.State(1, day("2026-05-10")) != estimate.Draft {
		t.Errorf("as known on 3 April: %d versions", len(known.Versions))
	}
}

func TestTimelineRefusals(t *testing.T) {
	usd := estimate.Estimate{Currency: "USD"}
	tl, err := estimate.Timeline[estimate.Estimate]{}.Draft(usd, day("2026-05-01"), at(1))
	if err != nil {
		t.Fatal(err)
	}
	confirmed, err := tl.Confirm(1, at(2))
	if err != nil {
		t.Fatal(err)
	}
	draft := func(e estimate.Estimate, from time.Time) error {
		_, err := tl.Draft(e, from, at(2))
		return err
	}
	confirm := func(tl estimate.Timeline[estimate.Estimate], number int, when time.Time) error {
		_, err := tl.Confirm(number, when)
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		want error
		says string
	}{
		{"another basis", draft(estimate.Estimate{Currency: "USD", Basis: "net"}, day("2026-06-01")), estimate.ErrBasis, "draft version 2 [2026-06-01"},
		{"another currency", draft(estimate.Estimate{Currency: "CNY"}, day("2026-06-01")), estimate.ErrCurrency, `"CNY" after "USD"`},
		{"part of a day", draft(usd, at(1)), estimate.ErrPeriod, "start of a UTC day"},
		{"no day", draft(usd, time.Time{}), estimate.ErrPeriod, "start of a UTC day"},
		{"no such version", confirm(tl, 2, at(2)), estimate.ErrVersion, "confirm version 2: there is none"},
		{"confirmed twice", confirm(confirmed, 1, at(3)), estimate.ErrVersion, "confirmed at 2026-04-02"},
		{"confirmed before it was written", confirm(tl, 1, at(1).Add(-1)), estimate.ErrVersion, "before it was recorded"},
	} {
		if !errors.Is(tt.err, tt.want) || !strings.Contains(tt.err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %v saying %q", tt.name, tt.err, tt.want, tt.says)
		}
	}
}
