package estimate_test

import (
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/internal/samples"
	"github.com/spendclaim/spendclaim/pricing"
	"pgregory.net/rapid"
)

// points are daily values from a first day on.
func points(first string, values ...string) []estimate.Point {
	var ps []estimate.Point
	for i, v := range values {
		ps = append(ps, estimate.Point{Day: day(first).AddDate(0, 0, i), Value: dec(v)})
	}
	return ps
}

// office is three weeks of 100 on weekdays and 30 at weekends, from a Monday on.
func office(weeks int) []estimate.Point {
	var values []string
	for range weeks {
		values = append(values, "100", "100", "100", "100", "100", "30", "30")
	}
	return points("2026-05-04", values...)
}

func TestForecastKnowsWeekdays(t *testing.T) {
	// Through Sunday 24 May; seven days of May are left: five weekdays, a weekend.
	f, err := estimate.NewForecast(office(3), month("2026-05"), &estimate.ForecastOptions{Scale: 4})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "level", f.Level, "80")
	same(t, "Monday", f.Weekday[1], "1.25")
	same(t, "Sunday", f.Weekday[0], "0.375")
	same(t, "total", f.Total.Expected, "560")
	same(t, "total low", f.Total.Low, "560") // a series that never errs has no width
	same(t, "total high", f.Total.High, "560")
	if len(f.Days) != 7 || f.Points != 21 || !f.Days[0].Day.Equal(day("2026-05-25")) {
		t.Fatalf("%d days from %d points, first %v", len(f.Days), f.Points, f.Days[0])
	}
	for i, want := range []string{"100", "100", "100", "100", "100", "30", "30"} {
		same(t, f.Days[i].Day.Weekday().String(), f.Days[i].Expected, want)
	}
}

func TestForecastShrugsOffASpike(t *testing.T) {
	ps := office(4)
	ps[23].Value = dec("5000")
	f, err := estimate.NewForecast(ps, month("2026-06"), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Monday 1 June", f.Days[0].Expected, "100")
	if !f.Days[0].High.GreaterThan(dec("500")) || !f.Days[0].Low.IsZero() {
		t.Errorf("bounds = %s … %s; a spike must widen them, though not below zero", f.Days[0].Low, f.Days[0].High)
	}
}

// TestForecastBounds checks the width by hand: 21 days of 100, the last 107. Of 13
// forecasts a day ahead one missed by 7: a mean square of 49 ÷ 13, of which a
// ninth counts as shared, since no week missed by more than its days.
func TestForecastBounds(t *testing.T) {
	ps := points("2026-05-04", strings.Fields(strings.Repeat("100 ", 20)+"107")...)
	f, err := estimate.NewForecast(ps, month("2026-05"), &estimate.ForecastOptions{Scale: 6})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "day", f.Days[0].High.Round(4), "103.1937")
	same(t, "day, low", f.Days[0].Low.Round(4), "96.8063")
	same(t, "week", f.Total.High.Round(4), "710.9085")
}

func TestForecastOfIdleDays(t *testing.T) {
	idle := points("2026-05-04", strings.Fields(strings.Repeat("0 ", 14))...)
	f, err := estimate.NewForecast(idle, month("2026-05"), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "total", f.Total.Expected, "0")
	same(t, "high", f.Total.High, "0")
	if len(f.Days) != 14 {
		t.Errorf("%d days, want 14", len(f.Days))
	}
	// Idle weekends take no part in the level.
	weekdays := points("2026-05-04", strings.Fields(strings.Repeat("7 7 7 7 7 0 0 ", 3))...)
	if f, err = estimate.NewForecast(weekdays, month("2026-05"), nil); err != nil {
		t.Fatal(err)
	}
	same(t, "level", f.Level, "5")
	same(t, "total", f.Total.Expected, "35")
	// Two Mondays of batch work among idle days are no zero either.
	batch := points("2026-05-04", strings.Fields(strings.Repeat("70 0 0 0 0 0 0 ", 2))...)
	if f, err = estimate.NewForecast(batch, month("2026-05"), nil); err != nil {
		t.Fatal(err)
	}
	same(t, "batch, Mondays 18 and 25 May", f.Total.Expected, "140")
	// What comes on another weekday each time has medians of zero, but costs.
	odd := points("2026-05-04", strings.Fields("5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0 5 0 0 0 0")...)
	if f, err = estimate.NewForecast(odd, month("2026-05"), nil); err != nil {
		t.Fatal(err)
	}
	same(t, "irregular work", f.Total.Expected.Round(6), "5")
	// What has stopped may start again: errors of before keep the bounds open.
	stopped := append(office(4), points("2026-06-01", strings.Fields(strings.Repeat("0 ", 5))...)...)
	if f, err = estimate.NewForecast(stopped, month("2026-06"), nil); err != nil {
		t.Fatal(err)
	}
	if !f.Total.Expected.IsZero() || !f.Total.High.IsPositive() {
		t.Errorf("stopped: expected %s, high %s; want 0 with a bound above", f.Total.Expected, f.Total.High)
	}
	// A period that is over has nothing left to forecast.
	if f, err = estimate.NewForecast(weekdays, month("2026-04"), nil); err != nil || len(f.Days) != 0 {
		t.Errorf("days = %v, error = %v; want none", f, err)
	}
}

func TestForecastRefusals(t *testing.T) {
	gap := office(3)
	gap[9].Day = gap[9].Day.AddDate(0, 0, 1)
	huge := office(3)
	huge[0].Value = decimal.New(1, 1<<30)
	for _, tt := range []struct {
		name   string
		points []estimate.Point
		period estimate.Interval
		opts   *estimate.ForecastOptions
		want   error
		says   string
	}{
		{"nothing", nil, month("2026-05"), nil, estimate.ErrPoints, "0 points, at least 14"},
		{"thirteen points", office(2)[:13], month("2026-05"), nil, estimate.ErrPoints, "13 points, at least 14: "},
		{"fewer than asked for", office(3), month("2026-05"), &estimate.ForecastOptions{MinPoints: 28}, estimate.ErrPoints, "21 points, at least 28"},
		{"asking for fewer changes nothing", office(2)[:13], month("2026-05"), &estimate.ForecastOptions{MinPoints: 1}, estimate.ErrPoints, "at least 14"},
		{"a day left out", append(office(3), points("2026-05-26", "1")...), month("2026-05"), nil, estimate.ErrPoints, "point of 2026-05-26 does not follow"},
		{"a gap", gap, month("2026-05"), nil, estimate.ErrPoints, "point of 2026-05-14"},
		{"hostile value", huge, month("2026-05"), nil, estimate.ErrQuantity, "point of 2026-05-04"},
		{"a thousand years", office(3), estimate.Interval{From: day("2026-05-01"), To: day("3026-05-01")}, nil, estimate.ErrPeriod, "ten years"},
		{"no period", office(3), estimate.Interval{}, nil, estimate.ErrPeriod, "whole UTC days"},
	} {
		_, err := estimate.NewForecast(tt.points, tt.period, tt.opts)
		var e *estimate.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
	if _, err := estimate.NewForecast(office(2), month("2026-05"), nil); err != nil {
		t.Errorf("fourteen points: %v", err)
	}
}

func TestDaily(t *testing.T) {
	a := estimate.Actuals{Rows: []estimate.Row{
		eventRow(day("2026-05-01"), 10), eventRow(day("2026-05-03").Add(5), 20), eventRow(day("2026-05-03"), 1),
		eventRow(day("2026-05-05"), 99), // provisional
		{Component: pricing.RuntimeVCPU, Unit: pricing.VCPUHours, Day: day("2026-05-02"), Usage: dec("2"), Cost: dec("0.179")},
	}}
	f := estimate.Freshness{AsOf: day("2026-05-06")}
	for _, tt := range []struct {
		component pricing.Component
		by        estimate.Measure
		want      []string
	}{
		{pricing.MemoryShortTerm, estimate.ByUsage, []string{"10", "0", "21", "0"}},
		{pricing.MemoryShortTerm, estimate.ByCost, []string{"0.0025", "0", "0.00525", "0"}},
		{"", estimate.ByCost, []string{"0.0025", "0.179", "0.00525", "0"}},
	} {
		ps, err := estimate.Daily(a, tt.component, tt.by, month("2026-05"), f)
		if err != nil || len(ps) != len(tt.want) {
			t.Fatalf("Daily = %v, %v; want %v", ps, err, tt.want)
		}
		for i, want := range tt.want {
			same(t, ps[i].Day.String(), ps[i].Value, want)
		}
	}
	if _, err := estimate.Daily(a, "", estimate.ByUsage, month("2026-05"), f); !errors.Is(err, estimate.ErrUnit) {
		t.Errorf("events and hours added: error = %v, want %v", err, estimate.ErrUnit)
	}
	if _, err := estimate.Daily(a, "", estimate.ByCost, estimate.Interval{}, f); !errors.Is(err, estimate.ErrPeriod) {
		t.Errorf("no period: error = %v, want %v", err, estimate.ErrPeriod)
	}
}

func TestForecastScalesAndStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(14, 80).Draw(t, "points")
		ps := make([]estimate.Point, n)
		times := make([]estimate.Point, n)
		factor := decimal.NewFromInt(rapid.Int64Range(1, 50).Draw(t, "factor"))
		for i := range ps {
			d := day("2026-01-01").AddDate(0, 0, i)
			v := decimal.New(rapid.Int64Range(0, 5000).Draw(t, "value"), -2)
			ps[i], times[i] = estimate.Point{Day: d, Value: v}, estimate.Point{Day: d, Value: v.Mul(factor)}
		}
		period := estimate.Interval{From: day("2026-01-01"), To: day("2026-05-01")}
		f, err := estimate.NewForecast(ps, period, nil)
		if err != nil {
			t.Fatal(err)
		}
		g, err := estimate.NewForecast(times, period, nil)
		if err != nil {
			t.Fatal(err)
		}
		// In other units the forecast is the same, but for the last digits.
		off := g.Total.Expected.Sub(f.Total.Expected.Mul(factor)).Abs()
		if off.GreaterThan(dec("0.00000001")) {
			t.Fatalf("forecast of %s times the series is off by %s", factor, off)
		}
		for _, b := range append(f.Days, estimate.DayBand{Band: f.Total}) {
			if b.Low.GreaterThan(b.Expected) || b.High.LessThan(b.Expected) || b.Low.IsNegative() {
				t.Fatalf("%s is not within %s … %s", b.Expected, b.Low, b.High)
			}
		}
	})
}

// TestForecastOnRecordedSeries forecasts every other week of labelled series, with
// anomalies in them, and counts how often the outcome lies within the bounds.
func TestForecastOnRecordedSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of forecasts")
	}
	f, err := os.Open(samples.Path(t, "anomaly", "cost-series", "final.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string][]estimate.Point{}
	for _, r := range rows[1:] {
		series[r[0]] = append(series[r[0]], estimate.Point{Day: day(r[1]), Value: dec(r[2])})
	}
	within, all := 0, 0
	for _, ps := range series {
		for at := 28; at+7 <= len(ps); at += 14 {
			week := estimate.Interval{From: ps[at].Day, To: ps[at].Day.AddDate(0, 0, 7)}
			f, err := estimate.NewForecast(ps[:at], week, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum := decimal.Decimal{}
			for _, p := range ps[at : at+7] {
				sum = sum.Add(p.Value)
			}
			all++
			if !sum.LessThan(f.Total.Low) && !sum.GreaterThan(f.Total.High) {
				within++
			}
		}
	}
	t.Logf("%d of %d weeks of %d series lie within their bounds", within, all, len(series))
	if all < 200 || within*100 < 85*all {
		t.Errorf("%d of %d weeks lie within their bounds, want at least 85 %% of 200", within, all)
	}
}
