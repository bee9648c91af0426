package estimate

import (
	"fmt"
	"math/big"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

const (
	// MinPoints is the least number of days that a forecast is made from: each
	// weekday twice. From fewer, a weekday profile would be one day's chance.
	MinPoints = 14

	historyDays = 182 // errors are taken from at most the last half year
	profileDays = 56  // the profile is taken from at most the last eight weeks
	levelDays   = 8   // the level is the median of that many days, weekday removed
	squareScale = 24  // decimals of squared errors
)

// A Point is one day's figure: cost or usage.
type Point struct {
	Day   time.Time
	Value decimal.Decimal
}

// Measure picks the figure of a row.
type Measure uint8

const (
	ByCost  Measure = iota // the row's cost
	ByUsage                // the row's usage; rows must be of one unit
)

// Daily sums rows to one point for each complete day of a period, zero where
// nothing was used: a complete day without rows is a day without use. Blank
// components take all rows; usage of several units is ErrUnit.
func Daily(a Actuals, component pricing.Component, m Measure, period Interval, f Freshness) ([]Point, error) {
	if !period.valid() {
		return nil, &Error{Op: "daily", Component: component, Interval: period, Detail: "want whole UTC days", Err: ErrPeriod}
	}
	complete, _ := f.Cut(period)
	points := make([]Point, complete.Days())
	for i := range points {
		points[i].Day = complete.From.AddDate(0, 0, i)
	}
	var first *Row
	for i, r := range a.Rows {
		if err := checkRow("daily", r); err != nil {
			return nil, err
		}
		if component != "" && r.Component != component || !complete.Contains(r.Day) {
			continue
		}
		at, value := daysBetween(complete.From, r.Day), r.Cost
		if m == ByUsage {
			if first == nil {
				first = &a.Rows[i]
			}
			if r.Unit != first.Unit || r.Component != first.Component {
				return nil, &Error{
					Op: "daily", Component: r.Component, Interval: oneDay(r.Day),
					Detail: quote(string(r.Unit)) + " beside " + quote(string(first.Unit)) + " of " + string(first.Component), Err: ErrUnit,
				}
			}
			value = r.Usage
		}
		points[at].Value = points[at].Value.Add(value)
	}
	return points, nil
}

// Band is an expected figure with bounds. Low and High enclose the outcome about
// nine times in ten as long as the series goes on as it did.
type Band struct {
	Expected decimal.Decimal
	Low      decimal.Decimal
	High     decimal.Decimal
}

// DayBand is the band of one day.
type DayBand struct {
	Day time.Time
	Band
}

// A Forecast continues a daily series.
type Forecast struct {
	Points  int                // days given
	Level   decimal.Decimal    // a day's figure with the weekday taken out
	Weekday [7]decimal.Decimal // by time.Weekday: the share of the level that falls on it, 1 being average
	Days    []DayBand
	Total   Band // of Days; narrower than their sum, because errors of days partly cancel
}

// ForecastOptions change how a series is continued; nil means all defaults.
type ForecastOptions struct {
	MinPoints int   // refuse fewer; less than the constant of that name means that
	Scale     int32 // decimals of all figures; 0 means 10

	_ struct{}
}

// NewForecast continues daily points to the end of a period, from the day after
// the last point. Points must be one for each day, ascending and without gaps,
// and complete (see [Daily]); fewer than MinPoints are refused, with ErrPoints.
//
// The profile is each weekday's median over up to eight weeks, the level the
// median of the last eight days with the weekday taken out, so one spike moves
// neither. Where more than three days in ten are idle, means over the eight weeks
// take the place of medians. Bounds come from the errors that the same rule would
// have made, a day and a week ahead, on up to half a year of the points given.
// Growth and month ends are not modelled; growth widens the bounds.
func NewForecast(points []Point, period Interval, opts *ForecastOptions) (*Forecast, error) {
	o := ForecastOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Scale <= 0 {
		o.Scale = valueScale
	}
	if err := checkPoints(points, max(o.MinPoints, MinPoints), period); err != nil {
		return nil, err
	}
	m := newModel(points)
	f := &Forecast{Points: len(points), Level: round(m.level, o.Scale, halfUp)}
	for w, p := range m.profile {
		f.Weekday[w] = round(p, o.Scale, halfUp)
	}
	total := new(big.Rat)
	first := points[len(points)-1].Day.AddDate(0, 0, 1)
	for d := Day(first); d.Before(period.To); d = d.AddDate(0, 0, 1) {
		if d.Before(period.From) {
			continue
		}
		expected := new(big.Rat).Mul(m.level, m.profile[d.Weekday()])
		total.Add(total, expected)
		f.Days = append(f.Days, DayBand{Day: d, Band: m.band(expected, 1, o.Scale)})
	}
	f.Total = m.band(total, len(f.Days), o.Scale)
	return f, nil
}

func checkPoints(points []Point, least int, period Interval) error {
	fail := func(detail string, err error) error {
		return &Error{Op: "forecast", Interval: period, Detail: detail, Err: err}
	}
	if !period.valid() {
		return fail("want whole UTC days", ErrPeriod)
	}
	if period.Days() > maxDays {
		return fail("longer than ten years", ErrPeriod)
	}
	if len(points) < least {
		return fail(fmt.Sprintf("%d points, at least %d", len(points), least), ErrPoints)
	}
	for i, p := range points {
		day := Day(p.Day).Format(time.DateOnly)
		if !plausible(p.Value) {
			return fail("point of "+day, ErrQuantity)
		}
		if i > 0 && daysBetween(points[i-1].Day, p.Day) != 1 {
			return fail("point of "+day+" does not follow the day before it", ErrPoints)
		}
	}
	return nil
}
