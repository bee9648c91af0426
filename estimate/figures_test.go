package estimate_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// dec reads a decimal that the test itself wrote.
func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func decs(ss ...string) []decimal.Decimal {
	var all []decimal.Decimal
	for _, s := range ss {
		all = append(all, dec(s))
	}
	return all
}

// day reads a date that the test itself wrote.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func month(s string) estimate.Interval { return estimate.Calendar{}.Month(day(s + "-01")) }

// same compares decimals by value and prints what was got before what was wanted.
func same(t *testing.T, what string, got decimal.Decimal, want string) {
	t.Helper()
	if !got.Equal(dec(want)) {
		t.Errorf("%s = %s, want %s", what, got, want)
	}
}

func sameNull(t *testing.T, what string, got decimal.NullDecimal, want string) {
	t.Helper()
	switch {
	case want == "":
		if got.Valid {
			t.Errorf("%s = %s, want null", what, got.Decimal)
		}
	case !got.Valid:
		t.Errorf("%s = null, want %s", what, want)
	default:
		same(t, what, got.Decimal, want)
	}
}

// memoryPlan is the source document's estimate: 50,000 events in May.
func memoryPlan() estimate.Plan {
	return estimate.Plan{Period: month("2026-05"), Currency: "USD", Targets: []estimate.Target{{
		Component: pricing.MemoryShortTerm, Unit: pricing.Events, Volume: dec("50000"),
		Cost: decimal.NewNullDecimal(dec("12.50")),
	}}}
}

// memoryRows are 42,000 events over the days up to a last one.
func memoryRows(last string) estimate.Actuals {
	a := estimate.Actuals{Currency: "USD"}
	left := int64(42000)
	for d := day("2026-05-01"); d.Before(day(last)); d = d.AddDate(0, 0, 1) {
		a.Rows = append(a.Rows, eventRow(d, 1500))
		left -= 1500
	}
	a.Rows = append(a.Rows, eventRow(day(last), left))
	return a
}

func eventRow(d time.Time, events int64) estimate.Row {
	n := decimal.NewFromInt(events)
	return estimate.Row{
		Component: pricing.MemoryShortTerm, Unit: pricing.Events, Day: d,
		Usage: n, Cost: n.Mul(dec("0.00025")),
	}
}

func track(t *testing.T, p estimate.Plan, a estimate.Actuals, f estimate.Freshness, o *estimate.TrackOptions) *estimate.Tracking {
	t.Helper()
	tr, err := estimate.Track(p, a, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestSourceFigureCompleteThroughMay25 is the dialogue of the source document, and
// what it does not say: at that rate the estimate does not last.
func TestSourceFigureCompleteThroughMay25(t *testing.T) {
	f := estimate.Freshness{AsOf: day("2026-05-27").Add(12 * time.Hour)}
	tr := track(t, memoryPlan(), memoryRows("2026-05-25"), f, &estimate.TrackOptions{Scale: 2, Today: day("2026-05-25")})
	g := tr.Lines[0].Volume
	same(t, "used", g.Used, "42000")
	sameNull(t, "remaining", g.Remaining, "8000")
	sameNull(t, "percent", g.Percent, "84")
	sameNull(t, "run rate", g.RunRate, "1680")
	sameNull(t, "projected", g.Projected, "52080")
	sameNull(t, "projected percent", g.ProjectedPercent, "104.16")
	if g.Verdict != estimate.VerdictOver {
		t.Errorf("verdict = %s, want over", g.Verdict)
	}
	if tr.DaysLeft != 6 || tr.CalendarLeft != 6 || tr.DaysComplete != 25 {
		t.Errorf("days left = %d by data, %d by the calendar, %d complete; want 6, 6, 25", tr.DaysLeft, tr.CalendarLeft, tr.DaysComplete)
	}
	if want := day("2026-05-30"); !g.Exhaustion.Equal(want) { // 8,000 ÷ 1,680 is in the fifth day
		t.Errorf("exhaustion = %s, want %s", g.Exhaustion, want)
	}
}

// TestSourceFigureCompleteThroughMay23 is the same usage seen on the same 25 May,
// of which two days have not arrived.
func TestSourceFigureCompleteThroughMay23(t *testing.T) {
	f := estimate.Freshness{AsOf: day("2026-05-25").Add(12 * time.Hour)}
	tr := track(t, memoryPlan(), memoryRows("2026-05-23"), f, &estimate.TrackOptions{Scale: 2})
	g := tr.Lines[0].Volume
	sameNull(t, "percent", g.Percent, "84")
	sameNull(t, "projected", g.Projected, "56608.70")
	sameNull(t, "projected percent", g.ProjectedPercent, "113.22")
	if tr.DaysLeft != 8 || tr.CalendarLeft != 6 {
		t.Errorf("days left = %d by data and %d by the calendar, want 8 and 6", tr.DaysLeft, tr.CalendarLeft)
	}
	if !tr.Through.Equal(day("2026-05-23")) || g.Verdict != estimate.VerdictOver {
		t.Errorf("through %s, verdict %s; want 2026-05-23, over", tr.Through, g.Verdict)
	}
	if want := day("2026-05-28"); !g.Exhaustion.Equal(want) {
		t.Errorf("exhaustion = %s, want %s", g.Exhaustion, want)
	}
}

// TestSourceFigureSessions prices 100 sessions a day of 2 minutes at 1 vCPU and
// 2 GB for 30 days.
func TestSourceFigureSessions(t *testing.T) {
	volumes, err := estimate.Sessions{
		Group: pricing.GroupCodeInterpreter, PerDay: dec("100"), Minutes: dec("2"), VCPU: dec("1"), GB: dec("2"), Days: 30,
	}.Volumes()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "vCPU-hours", volumes[0].Quantity, "100")
	same(t, "GB-hours", volumes[1].Quantity, "200")
	e, err := may(t).Price(volumes)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "vCPU rate", e.Lines[0].Rate.Price(), "0.0895")
	same(t, "memory rate", e.Lines[1].Rate.Price(), "0.00945")
	same(t, "total", e.Total, "10.84")
}

// may prices at the default card in May 2026.
func may(t testing.TB) *estimate.Pricer {
	t.Helper()
	card, err := pricing.DefaultCard()
	if err != nil {
		t.Fatal(err)
	}
	return &estimate.Pricer{Card: card, Region: "us-east-1", Currency: "USD", Period: month("2026-05")}
}

// TestEstimateIsHeldAgainstActuals goes the whole way: volumes are priced, rows
// are held against them, and the difference is taken apart.
func TestEstimateIsHeldAgainstActuals(t *testing.T) {
	e, err := may(t).Price([]estimate.Volume{
		{Item: item(pricing.MemoryShortTerm), Quantity: dec("50000")},
		{Item: estimate.Item{Meter: pricing.Meter{Component: pricing.MemoryLongTermStorage, Variant: "override"}}, Quantity: dec("100")},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := track(t, e.Plan(), memoryRows("2026-05-23"), estimate.Freshness{AsOf: day("2026-05-25")}, nil)
	sameNull(t, "volume", tr.Lines[0].Volume.Percent, "84")
	sameNull(t, "cost", tr.Lines[0].Cost.Percent, "84") // 10.50 of 12.50
	sameNull(t, "storage", tr.Lines[1].Cost.Percent, "0")
	sameNull(t, "all of it", tr.Cost.Estimate, "12.525")
	if tr.Basis != estimate.UsageUnblended || tr.Currency != "USD" || tr.Period != month("2026-05") {
		t.Errorf("tracking is of %s, %s, %s", tr.Basis, tr.Currency, tr.Period)
	}

	cells := e.Cells()
	if cells[1].Variant != "override" || cells[0].Variant != "" {
		t.Errorf("variants = %q, %q", cells[0].Variant, cells[1].Variant)
	}
	v, err := estimate.Explain(estimate.Comparison{Currency: e.Currency, Before: cells, After: []estimate.Cell{
		{Component: pricing.MemoryShortTerm, Unit: pricing.Events, Usage: dec("42000"), Cost: dec("10.50")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "difference", v.Total.Difference, "-2.025")
	same(t, "volume", v.Total.Volume, "-2.025")
	same(t, "price", v.Total.Price, "0")
}
