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

	historyDays = 182 // errors are taken from at most the last half year
	profileDays = 56  // the profile is taken from at most the last eight weeks
	levelDays   = 8   // the level is the median of that many days, weekday removed
	partScale   = 18  // decimals of a squared error as part of the squared level
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

// model is a series taken apart. Everything in it is exact, so a forecast is the
// same on every machine.
type model struct {
	profile     [7]*big.Rat
	level       *big.Rat
	daily       *big.Rat // squared error of a day that is its own, at the mean
	shared      *big.Rat // squared error that all days ahead have in common
	nonNegative bool     // no point was below zero, so no bound is
	middle      func([]*big.Rat) *big.Rat
	window      int // days that the level is taken from
}

func newModel(points []Point) *model {
	points = points[max(0, len(points)-historyDays):]
	m := &model{nonNegative: true, middle: median, window: levelDays}
	values := make([]*big.Rat, len(points))
	for i, p := range points {
		values[i] = p.Value.Rat()
		m.nonNegative = m.nonNegative && !p.Value.IsNegative()
	}
	from := max(0, len(points)-profileDays)
	if sparse(values[from:]) {
		m.middle, m.window = mean, profileDays
	}
	m.profile = m.profileOf(points[from:], values[from:])

	// Walk over the points as if each were today, and hold the week ahead
	// against what came.
	flat := make([]*big.Rat, 0, len(points)) // values with the weekday taken out
	var days, weeks errorSum
	for i, p := range points {
		if i >= levelDays { // by then a weekday that is not idle has come
			level := m.levelOf(flat)
			days.add(m.miss(level, points[i:i+1], values[i:]), level)
			if i+7 <= len(points) {
				weeks.add(m.miss(level, points[i:i+7], values[i:]), level)
			}
		}
		// A weekday that is idle says nothing about the level.
		if share := m.share(p); share.Sign() != 0 {
			flat = append(flat, new(big.Rat).Quo(values[i], share))
		}
	}
	m.level = m.levelOf(flat)
	m.spread(days.mean(m.level), weeks.mean(m.level))
	return m
}

// share returns the share of the level that falls on a point's weekday.
func (m *model) share(p Point) *big.Rat { return m.profile[Day(p.Day).Weekday()] }

func (m *model) levelOf(flat []*big.Rat) *big.Rat {
	return m.middle(flat[max(0, len(flat)-m.window):])
}

// miss returns by how much a level would have missed the sum of some points.
func (m *model) miss(level *big.Rat, points []Point, values []*big.Rat) *big.Rat {
	shares, sum := new(big.Rat), new(big.Rat)
	for i, p := range points {
		shares.Add(shares, m.share(p))
		sum.Add(sum, values[i])
	}
	return sum.Sub(sum, shares.Mul(shares, level))
}

// spread tells apart the errors that are each day's own, and cancel over a week,
// from those that a week's days share, such as growth: n days ahead miss by
// n × daily + n² × shared, which is measured at one day and at seven. The level
// is never taken to be known better than its own days allow.
func (m *model) spread(day, week *big.Rat) {
	m.shared = new(big.Rat).Quo(day, big.NewRat(levelDays+1, 1))
	if week != nil {
		measured := new(big.Rat).Sub(week, new(big.Rat).Mul(day, big.NewRat(7, 1)))
		measured.Quo(measured, big.NewRat(7*7-7, 1))
		if measured.Cmp(m.shared) > 0 {
			m.shared = measured
		}
	}
	if m.shared.Cmp(day) > 0 {
		m.shared = day
	}
	m.daily = new(big.Rat).Sub(day, m.shared)
}

// errorSum collects squared errors, as such and as parts of the squared level
// that was expected: errors grow with the series, and those of a year ago, when
// it was half as large, say little about now.
type errorSum struct {
	squares, parts big.Rat
	n              int64
	flat           bool // a level was not positive, so parts of it mean nothing
}

func (e *errorSum) add(miss, level *big.Rat) {
	square := miss.Mul(miss, miss)
	e.squares.Add(&e.squares, square)
	e.n++
	if e.flat = e.flat || level.Sign() <= 0; !e.flat {
		part := new(big.Rat).Mul(level, level)
		// Cut to a common denominator: exact sums of unlike fractions grow by
		// the digits of each.
		e.parts.Add(&e.parts, round(part.Quo(square, part), partScale, halfUp).Rat())
	}
}

// mean returns the mean square at a level, nil if there was no error.
func (e *errorSum) mean(level *big.Rat) *big.Rat {
	if e.n == 0 {
		return nil
	}
	sum := new(big.Rat).Set(&e.squares)
	if !e.flat {
		sum.Mul(&e.parts, level).Mul(sum, level)
	}
	return sum.Quo(sum, big.NewRat(e.n, 1))
}

// sparse reports whether more than three days in ten are zero: such a series
// has a median of zero that says nothing of what it costs.
func sparse(values []*big.Rat) bool {
	zeros := 0
	for _, v := range values {
		if v.Sign() == 0 {
			zeros++
		}
	}
	return zeros*10 > len(values)*3
}

// profileOf returns each weekday's middle as a share of the mean of the seven.
// If those are all zero, or their sum is, every day counts the same.
func (m *model) profileOf(points []Point, values []*big.Rat) (profile [7]*big.Rat) {
	var byWeekday [7][]*big.Rat
	for i, p := range points {
		w := Day(p.Day).Weekday()
		byWeekday[w] = append(byWeekday[w], values[i])
	}
	sum := new(big.Rat)
	for w := range profile {
		profile[w] = m.middle(byWeekday[w])
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

// mean returns the mean as a new number, zero for no values.
func mean(values []*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for _, v := range values {
		sum.Add(sum, v)
	}
	return sum.Quo(sum, big.NewRat(int64(max(1, len(values))), 1))
}

// band puts bounds around the expected sum of some days ahead:
//
//	width² = 1.645² × (days × daily + days² × shared)
func (m *model) band(expected *big.Rat, days int, scale int32) Band {
	n := big.NewRat(int64(days), 1)
	square := new(big.Rat).Mul(m.shared, n)
	square.Add(square, m.daily).Mul(square, n)
	square.Mul(square, big.NewRat(2706025, 1000000)) // 1.645²: nine in ten
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
