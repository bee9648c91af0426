package estimate

import (
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

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

// add counts a miss. What is summed is cut to a common denominator, since exact
// sums of unlike fractions grow by the digits of each.
func (e *errorSum) add(miss, level *big.Rat) {
	square := miss.Mul(miss, miss)
	e.squares.Add(&e.squares, round(square, squareScale, halfUp).Rat())
	e.n++
	if e.flat = e.flat || level.Sign() <= 0; !e.flat {
		part := new(big.Rat).Mul(level, level)
		e.parts.Add(&e.parts, round(part.Quo(square, part), squareScale, halfUp).Rat())
	}
}

// mean returns the mean square at a level, nil if there was no error.
func (e *errorSum) mean(level *big.Rat) *big.Rat {
	if e.n == 0 {
		return nil
	}
	sum := new(big.Rat).Set(&e.squares)
	if !e.flat && level.Sign() > 0 { // of a workload that has stopped, parts are nothing
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
