package cards

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
)

// Measured says what a threshold is held against.
type Measured string

// What thresholds are held against.
const (
	Actual   Measured = "actual"
	Forecast Measured = "forecast"
)

// Threshold is a share of a month's budget that somebody wants to hear of.
type Threshold struct {
	Of      Measured        `json:"of"`
	Percent decimal.Decimal `json:"percent"`
}

// String prints the threshold as part of an id, "actual/80".
func (t Threshold) String() string { return string(t.Of) + "/" + t.Percent.String() }

// DefaultThresholds returns 50, 80 and 100 % actual and 100 % forecast.
func DefaultThresholds() []Threshold {
	return []Threshold{
		{Actual, decimal.NewFromInt(50)}, {Actual, decimal.NewFromInt(80)}, {Actual, decimal.NewFromInt(100)},
		{Forecast, decimal.NewFromInt(100)},
	}
}

// Spending is what a budget is held against: usage on the complete days of a month.
type Spending struct {
	Used decimal.Decimal
	Days int // complete ones
	Of   int // days of the month
	// Forecast of the month; null means that spending goes on as on Days.
	Forecast decimal.NullDecimal
}

// SpendingOf returns what a month of cards says of spending.
func SpendingOf(m *Month) Spending {
	return Spending{Used: m.Judged, Days: m.Days, Of: m.Period.Days()}
}

// minForecastDays is how many days a run rate needs before a threshold is held
// against it: a first of the month says nothing about the last.
const minForecastDays = 7

// Projected returns what the month will come to, null while too few days are known;
// ten decimals.
func (s Spending) Projected() decimal.NullDecimal {
	if s.Forecast.Valid {
		return s.Forecast
	}
	if s.Days < min(minForecastDays, s.Of) {
		return decimal.NullDecimal{}
	}
	r := new(big.Rat).Mul(s.Used.Rat(), big.NewRat(int64(s.Of), int64(s.Days)))
	return decimal.NewNullDecimal(round(r, costScale))
}

// Crossing is a threshold that a budget's spending has reached.
type Crossing struct {
	Threshold
	Value decimal.Decimal `json:"value"`
	Limit decimal.Decimal `json:"limit"` // the month's budget
}

// Crossed returns the thresholds that spending has reached, in their order, without
// those that were reported already. "Reached" is estimate.Reached: at least, and of a
// run rate before its rounding.
func Crossed(limit decimal.Decimal, s Spending, thresholds, reported []Threshold) []Crossing {
	var out []Crossing
	for _, t := range thresholds {
		if slices.ContainsFunc(reported, func(r Threshold) bool { return r.Of == t.Of && r.Percent.Equal(t.Percent) }) {
			continue
		}
		switch t.Of {
		case Actual:
			if estimate.Reached(s.Used, limit, t.Percent) {
				out = append(out, Crossing{t, s.Used, limit})
			}
		case Forecast:
			p := s.Projected()
			reached := p.Valid && estimate.Reached(p.Decimal, limit, t.Percent)
			if p.Valid && !s.Forecast.Valid {
				reached = estimate.Reached(s.Used.Mul(decimal.NewFromInt(int64(s.Of))), limit.Mul(decimal.NewFromInt(int64(s.Days))), t.Percent)
			}
			if reached {
				out = append(out, Crossing{t, p.Decimal, limit})
			}
		}
	}
	return out
}

// Replan returns a budget in which the months given have the place of those there
// were. Months before that of the day have happened: they stay as they are, and
// stating them otherwise is estimate.ErrPeriod. The annual figure is not for a re-plan
// to change; months that come to more are estimate.ErrBudget.
func Replan(b estimate.Budget, months []estimate.MonthBudget, day time.Time) (estimate.Budget, error) {
	first := estimate.Calendar{}.Month(day).From
	fail := func(err error) (estimate.Budget, error) {
		return b, fmt.Errorf("cards: re-plan from %s: %w", first.Format(time.DateOnly), err)
	}
	next := b
	next.Months = slices.DeleteFunc(slices.Clone(b.Months), func(m estimate.MonthBudget) bool {
		return slices.ContainsFunc(months, func(n estimate.MonthBudget) bool { return n.Month == m.Month })
	})
	for _, m := range months {
		if was := b.Month(m.Month.From); m.Month.From.Before(first) && (!was.Valid || !was.Decimal.Equal(m.Amount)) {
			return fail(fmt.Errorf("month %s has begun before: %w", m.Month.From.Format("2006-01"), estimate.ErrPeriod))
		}
		next.Months = append(next.Months, m)
	}
	slices.SortStableFunc(next.Months, func(x, y estimate.MonthBudget) int { return x.Month.From.Compare(y.Month.From) })
	if err := next.Check(); err != nil {
		return fail(err)
	}
	return next, nil
}
