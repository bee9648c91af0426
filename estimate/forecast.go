package estimate

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

const (
	// MinPoints is the least number of days that a forecast is made from: each
	// weekday twice. From fewer, a weekday profile would be one day's chance.
	MinPoints = 14

	profileDays = 56 // the profile is taken from at most the last eight weeks
	levelDays   = 8  // the level is the median of that many days, weekday removed
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
	Points  int                // days it was made from
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
// neither. Bounds come from the errors that the same rule would have made one
// day ahead on the points given. Growth and month ends are not modelled.
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

// model is a series taken apart. Everything in it is exact, so a forecast is the
// same on every machine.
type model struct {
	profile     [7]*big.Rat
	level       *big.Rat
	variance    *big.Rat // mean squared error one day ahead
	nonNegative bool     // no point was below zero, so no bound is
}

func newModel(points []Point) *model {
	m := &model{nonNegative: true, variance: new(big.Rat)}
	values := make([]*big.Rat, len(points))
	for i, p := range points {
		values[i] = p.Value.Rat()
		m.nonNegative = m.nonNegative && !p.Value.IsNegative()
	}
	from := max(0, len(points)-profileDays)
	m.profile = profileOf(points[from:], values[from:])

	// Walk over the points as if each were tomorrow.
	flat := make([]*big.Rat, 0, len(points)) // values with the weekday taken out
	squares, errors := new(big.Rat), int64(0)
	for i, p := range points {
		share := m.profile[Day(p.Day).Weekday()]
		if len(flat) >= levelDays {
			e := new(big.Rat).Mul(median(flat[len(flat)-levelDays:]), share)
			e.Sub(values[i], e)
			squares.Add(squares, e.Mul(e, e))
			errors++
		}
		if share.Sign() != 0 { // a weekday that is idle says nothing about the level
			flat = append(flat, new(big.Rat).Quo(values[i], share))
		}
	}
	m.level = median(flat[max(0, len(flat)-levelDays):])
	if errors > 0 {
		m.variance = squares.Quo(squares, big.NewRat(errors, 1))
	}
	return m
}

// profileOf returns each weekday's median as a share of the mean of the seven.
// If those are all zero, or their sum is, every day counts the same.
func profileOf(points []Point, values []*big.Rat) (profile [7]*big.Rat) {
	var byWeekday [7][]*big.Rat
	for i, p := range points {
		w := Day(p.Day).Weekday()
		byWeekday[w] = append(byWeekday[w], values[i])
	}
	sum := new(big.Rat)
	for w := range profile {
		profile[w] = median(byWeekday[w])
		sum.Add(sum, profile[w])
	}
	for w := range profile {
		if sum.Sign() <= 0 {
			profile[w] = big.NewRat(1, 1)
			continue
		}
		profile[w].Mul(profile[w], big.NewRat(7, 1)).Quo(profile[w], sum)
	}
	return profile
}

// median returns the median as a new number, zero for no values.
func median(values []*big.Rat) *big.Rat {
	if len(values) == 0 {
		return new(big.Rat)
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, (*big.Rat).Cmp)
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return new(big.Rat).Set(sorted[mid])
	}
	sum := new(big.Rat).Add(sorted[mid-1], sorted[mid])
	return sum.Quo(sum, big.NewRat(2, 1))
}

// band puts bounds around the expected sum of some days ahead. The errors of days
// add up like independent ones, that of the level is shared by all of them and
// shrinks with the days it was taken from:
//
//	width² = 1.645² × variance × days × (1 + days/8)
func (m *model) band(expected *big.Rat, days int, scale int32) Band {
	n := int64(days)
	square := new(big.Rat).Mul(m.variance, big.NewRat(2706025, 1000000)) // 1.645²: nine in ten
	square.Mul(square, big.NewRat(n, 1))
	square.Mul(square, big.NewRat(levelDays+n, levelDays))
	width := sqrt(square, scale).Rat()
	b := Band{
		Expected: round(expected, scale, halfUp),
		Low:      round(new(big.Rat).Sub(expected, width), scale, halfUp),
		High:     round(new(big.Rat).Add(expected, width), scale, halfUp),
	}
	if m.nonNegative && b.Low.IsNegative() {
		b.Low = decimal.Decimal{}
	}
	return b
}

// sqrt returns the square root of r cut to a scale, by integer arithmetic.
func sqrt(r *big.Rat, scale int32) decimal.Decimal {
	n := round(r, 2*scale, towards).Coefficient()
	if n.Sign() <= 0 {
		return decimal.Decimal{}
	}
	return decimal.NewFromBigInt(n.Sqrt(n), -scale)
}
