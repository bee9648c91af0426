package estimate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
	"pgregory.net/rapid"
)

// TestFieldRule20OneComparator: reached means at least, wherever a limit is.
func TestFieldRule20OneComparator(t *testing.T) {
	for _, tt := range []struct {
		value, limit, percent string
		want                  bool
	}{
		{"40000", "50000", "80", true},
		{"39999.9999999999", "50000", "80", false},
		{"50000", "50000", "100", true},
		{"33.33", "100", "33.33", true},
		{"0", "50000", "0", true},
		{"-1", "50000", "0", false},
		{"0", "0", "80", false}, // nothing used of nothing
		{"0.01", "0", "80", true},
	} {
		if got := estimate.Reached(dec(tt.value), dec(tt.limit), dec(tt.percent)); got != tt.want {
			t.Errorf("Reached(%s, %s, %s %%) = %t, want %t", tt.value, tt.limit, tt.percent, got, tt.want)
		}
	}
	got := estimate.ReachedThresholds(dec("42000"), dec("50000"), decs("100", "84", "50", "84.0", "84.01"))
	if want := decs("50", "84"); !cmp.Equal(got, want) {
		t.Errorf("reached thresholds = %v, want %v", got, want)
	}

	// A projection of exactly the estimate is over, and the last day exhausts it.
	full := estimate.Freshness{AsOf: day("2026-05-12")} // complete through the tenth
	plan := memoryPlan()
	for _, tt := range []struct {
		limit, exhaustion string
		want              estimate.Verdict
	}{
		{"3100.0001", "", estimate.VerdictOnTrack},
		{"3100", "2026-05-31", estimate.VerdictOver},
		{"1000.0001", "2026-05-11", estimate.VerdictOver},
		{"1000", "2026-05-10", estimate.VerdictExhausted},
		{"300", "2026-05-03", estimate.VerdictExhausted},
		{"0", "2026-05-01", estimate.VerdictExhausted},
	} {
		plan.Targets[0].Volume = dec(tt.limit)
		a := estimate.Actuals{Currency: "USD"}
		for i := range 10 {
			a.Rows = append(a.Rows, eventRow(day("2026-05-01").AddDate(0, 0, i), 100))
		}
		g := track(t, plan, a, full, nil).Lines[0].Volume
		date := ""
		if !g.Exhaustion.IsZero() {
			date = g.Exhaustion.Format(time.DateOnly)
		}
		if g.Verdict != tt.want || date != tt.exhaustion {
			t.Errorf("1,000 in ten days of %s: %s, exhausted %q; want %s, %q", tt.limit, g.Verdict, date, tt.want, tt.exhaustion)
		}
	}
}

// TestFieldRule21UnknownIsAValue: what is not known is null, never zero.
func TestFieldRule21UnknownIsAValue(t *testing.T) {
	plan := memoryPlan()
	t.Run("no complete day", func(t *testing.T) {
		tr := track(t, plan, memoryRows("2026-05-02"), estimate.Freshness{AsOf: day("2026-05-02")}, nil)
		g := tr.Lines[0].Volume
		sameNull(t, "run rate", g.RunRate, "")
		sameNull(t, "projected", g.Projected, "")
		same(t, "provisional", g.Provisional, "42000")
		same(t, "used", g.Used, "0")
		if g.Verdict != estimate.VerdictUnknown || !tr.Through.IsZero() {
			t.Errorf("verdict = %s, through %s; want unknown, none", g.Verdict, tr.Through)
		}
	})
	t.Run("no estimate", func(t *testing.T) {
		a := memoryRows("2026-05-23")
		a.Rows = append(a.Rows, estimate.Row{
			Component: pricing.Unknown, Unit: "widgets", Day: day("2026-05-04"), Usage: dec("7"), Cost: dec("0.5"),
		})
		tr := track(t, plan, a, estimate.Freshness{AsOf: day("2026-05-25")}, nil)
		if len(tr.Lines) != 2 || tr.Lines[1].Component != pricing.Unknown {
			t.Fatalf("lines = %v, want memory and unknown", tr.Lines)
		}
		g := tr.Lines[1].Cost
		same(t, "used", g.Used, "0.5")
		sameNull(t, "estimate", g.Estimate, "")
		sameNull(t, "percent", g.Percent, "")
		sameNull(t, "remaining", g.Remaining, "")
		sameNull(t, "projected", g.Projected, "0.6739130435")
		if g.Verdict != estimate.VerdictUnknown {
			t.Errorf("verdict = %s, want unknown", g.Verdict)
		}
		same(t, "total used", tr.Cost.Used, "11") // 10.50 and what nobody estimated
		sameNull(t, "total estimate", tr.Cost.Estimate, "12.5")
	})
	t.Run("no estimated cost", func(t *testing.T) {
		p := memoryPlan()
		p.Targets[0].Cost = decimal.NullDecimal{}
		tr := track(t, p, memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil)
		sameNull(t, "cost estimate", tr.Lines[0].Cost.Estimate, "")
		sameNull(t, "total estimate", tr.Cost.Estimate, "")
		sameNull(t, "volume percent", tr.Lines[0].Volume.Percent, "84")
		p.Targets = append(p.Targets, memoryPlan().Targets...)
		tr = track(t, p, memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil)
		sameNull(t, "cost estimate of two lines, one unknown", tr.Lines[0].Cost.Estimate, "")
		p.Targets[0], p.Targets[1] = p.Targets[1], p.Targets[0]
		tr = track(t, p, memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil)
		sameNull(t, "the same in the other order", tr.Lines[0].Cost.Estimate, "")
	})
	t.Run("estimate of zero", func(t *testing.T) {
		p := memoryPlan()
		p.Targets[0].Volume = decimal.Decimal{}
		g := track(t, p, memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil).Lines[0].Volume
		sameNull(t, "percent", g.Percent, "")
		if g.Verdict != estimate.VerdictExhausted {
			t.Errorf("verdict = %s, want exhausted", g.Verdict)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		tr := track(t, estimate.Plan{Period: month("2026-05")}, estimate.Actuals{}, estimate.Freshness{}, nil)
		if len(tr.Lines) != 0 || tr.Cost.Estimate.Valid || tr.DaysLeft != 31 || tr.CalendarLeft != 31 {
			t.Errorf("tracking = %+v", tr)
		}
	})
}

func TestProvisionalDaysDecideNothing(t *testing.T) {
	a := memoryRows("2026-05-23")
	before := track(t, memoryPlan(), a, estimate.Freshness{AsOf: day("2026-05-25")}, nil)
	a.Rows = append(a.Rows, eventRow(day("2026-05-24"), 9000), eventRow(day("2026-05-25"), 10), eventRow(day("2026-06-01"), 1), eventRow(day("2026-04-30"), 1))
	after := track(t, memoryPlan(), a, estimate.Freshness{AsOf: day("2026-05-25")}, nil)
	same(t, "provisional", after.Lines[0].Volume.Provisional, "9010")
	same(t, "provisional cost of all lines", after.Cost.Provisional, "2.2525")
	if after.Outside != 2 {
		t.Errorf("outside = %d, want 2", after.Outside)
	}
	after.Lines[0].Volume.Provisional = before.Lines[0].Volume.Provisional
	if diff := cmp.Diff(before.Lines[0].Volume, after.Lines[0].Volume); diff != "" {
		t.Errorf("provisional rows changed the judgement (-without +with):\n%s", diff)
	}
}

func TestLinesOfOneComponentAreHeldTogether(t *testing.T) {
	p := memoryPlan()
	p.Targets = append(p.Targets, p.Targets[0])
	tr := track(t, p, memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil)
	if len(tr.Lines) != 1 {
		t.Fatalf("lines = %v, want one", tr.Lines)
	}
	sameNull(t, "estimate", tr.Lines[0].Volume.Estimate, "100000")
	sameNull(t, "cost estimate", tr.Lines[0].Cost.Estimate, "25")
	same(t, "the caller's target", p.Targets[0].Volume, "50000")
}

func TestCalendarDaysLeft(t *testing.T) {
	f := estimate.Freshness{AsOf: day("2026-05-25")}
	for _, tt := range []struct {
		today string
		want  int
	}{{"2026-04-12", 31}, {"2026-05-01", 30}, {"2026-05-31", 0}, {"2026-07-01", 0}} {
		tr := track(t, memoryPlan(), memoryRows("2026-05-23"), f, &estimate.TrackOptions{Today: day(tt.today).Add(9 * time.Hour)})
		if tr.CalendarLeft != tt.want || tr.DaysLeft != 8 {
			t.Errorf("on %s: %d days left by the calendar, %d by data; want %d, 8", tt.today, tr.CalendarLeft, tr.DaysLeft, tt.want)
		}
	}
}

func TestTrackRefusals(t *testing.T) {
	f := estimate.Freshness{AsOf: day("2026-05-25")}
	for _, tt := range []struct {
		name   string
		change func(*estimate.Plan, *estimate.Actuals)
		want   error
		says   string
	}{
		{"another basis", func(_ *estimate.Plan, a *estimate.Actuals) { a.Basis = "usage, amortized" }, estimate.ErrBasis, `"usage, amortized"`},
		{"another currency", func(_ *estimate.Plan, a *estimate.Actuals) { a.Currency = "CNY" }, estimate.ErrCurrency, `"CNY"`},
		{"another unit", func(_ *estimate.Plan, a *estimate.Actuals) { a.Rows[3].Unit = "1K events" }, estimate.ErrUnit, "memory_short_term [2026-05-04, 2026-05-05)"},
		{"two units estimated", func(p *estimate.Plan, _ *estimate.Actuals) {
			p.Targets = append(p.Targets, estimate.Target{Component: pricing.MemoryShortTerm, Unit: pricing.Tokens})
		}, estimate.ErrUnit, "tokens"},
		{"no period", func(p *estimate.Plan, _ *estimate.Actuals) { p.Period = estimate.Interval{} }, estimate.ErrPeriod, "whole UTC days"},
		{"part of a day", func(p *estimate.Plan, _ *estimate.Actuals) { p.Period.From = p.Period.From.Add(time.Hour) }, estimate.ErrPeriod, "whole UTC days"},
		{"negative estimate", func(p *estimate.Plan, _ *estimate.Actuals) { p.Targets[0].Volume = dec("-1") }, estimate.ErrQuantity, "memory_short_term [2026-05-01"},
		{"hostile usage", func(_ *estimate.Plan, a *estimate.Actuals) { a.Rows[0].Usage = decimal.New(1, 1<<30) }, estimate.ErrQuantity, "[2026-05-01, 2026-05-02)"},
		{"a hundred digits", func(_ *estimate.Plan, a *estimate.Actuals) { a.Rows[0].Cost = dec(strings.Repeat("9", 100)) }, estimate.ErrQuantity, "[2026-05-01, 2026-05-02)"},
		{"no day", func(_ *estimate.Plan, a *estimate.Actuals) { a.Rows[0].Day = time.Time{} }, estimate.ErrPeriod, "without a day"},
	} {
		p, a := memoryPlan(), memoryRows("2026-05-23")
		tt.change(&p, &a)
		_, err := estimate.Track(p, a, f, nil)
		var e *estimate.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// TestVerdictAgreesWithTheDate: an estimate runs out within the period exactly if
// the projection reaches it, and never before the data says so.
func TestVerdictAgreesWithTheDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := memoryPlan()
		p.Targets[0].Volume = decimal.New(rapid.Int64Range(0, 4_000_000).Draw(t, "limit"), -2)
		a := estimate.Actuals{Currency: "USD"}
		complete := rapid.IntRange(1, 31).Draw(t, "complete")
		used := decimal.Decimal{}
		for i := range complete {
			r := eventRow(day("2026-05-01").AddDate(0, 0, i), rapid.Int64Range(0, 1000).Draw(t, "events"))
			a.Rows, used = append(a.Rows, r), used.Add(r.Usage)
		}
		asOf := day("2026-05-02").AddDate(0, 0, complete)
		tr, err := estimate.Track(p, a, estimate.Freshness{AsOf: asOf}, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := tr.Lines[0].Volume
		inPeriod := !g.Exhaustion.IsZero()
		if inPeriod != (g.Verdict == estimate.VerdictOver || g.Verdict == estimate.VerdictExhausted) {
			t.Fatalf("verdict %s with exhaustion %s", g.Verdict, g.Exhaustion)
		}
		if inPeriod && !p.Period.Contains(g.Exhaustion) {
			t.Fatalf("exhaustion %s lies outside %s", g.Exhaustion, p.Period)
		}
		if g.Verdict == estimate.VerdictOver && !g.Exhaustion.After(tr.Through) {
			t.Fatalf("exhausted %s though data through %s does not say so", g.Exhaustion, tr.Through)
		}
		if !g.Remaining.Decimal.Add(used).Equal(p.Targets[0].Volume) || tr.DaysComplete+tr.DaysLeft != 31 {
			t.Fatalf("remaining %s and used %s are not %s", g.Remaining.Decimal, used, p.Targets[0].Volume)
		}
	})
}
