package estimate

import (
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// A Budget is what may be spent in a year, by month. The months may hold less
// than the annual figure, which is then not all allocated, but never more.
type Budget struct {
	Year     Interval // twelve months, starting with any
	Basis    Basis
	Currency string
	Annual   decimal.Decimal
	Months   []MonthBudget // ascending; a month that is missing has no budget yet
}

// MonthBudget is the budget of one month.
type MonthBudget struct {
	Month  Interval
	Amount decimal.Decimal
}

// Stated returns the basis and currency of the budget.
func (b Budget) Stated() (Basis, string) { return b.Basis.orDefault(), b.Currency }

// minorUnits is the number of decimals that months are stated with, unless the
// annual figure has more.
const minorUnits = 2

// Spread cuts an annual figure into the twelve months that start with the month
// of first, by weight, or evenly without weights. The months sum to the annual
// figure exactly: they are cut to cents, and the cents left over go to the months
// that lost most by the cut, the earlier first. The caller fills in Basis.
func Spread(annual decimal.Decimal, currency string, first time.Time, weights []decimal.Decimal) (*Budget, error) {
	b := &Budget{Year: Calendar{}.Year(first), Currency: currency, Annual: annual, Basis: UsageUnblended}
	fail := func(detail string, err error) (*Budget, error) {
		return nil, &Error{Op: "spread", Interval: b.Year, Detail: detail, Err: err}
	}
	if !plausible(annual) || annual.IsNegative() {
		return fail("annual "+printable(annual), ErrQuantity)
	}
	months := Calendar{}.Months(b.Year)
	if len(weights) == 0 {
		weights = slices.Repeat([]decimal.Decimal{decimal.NewFromInt(1)}, len(months))
	}
	if len(weights) != len(months) {
		return fail("want a weight for each of twelve months", ErrMix)
	}
	sum := decimal.Decimal{}
	for _, w := range weights {
		if !plausible(w) || w.IsNegative() {
			return fail("weight "+printable(w), ErrMix)
		}
		sum = sum.Add(w)
	}
	if sum.IsZero() {
		return fail("no weight", ErrMix)
	}
	scale := max(minorUnits, decimals(annual))
	left := annual
	lost := make([]*big.Rat, len(months)) // by the cut
	for i, m := range months {
		exact := new(big.Rat).Quo(annual.Mul(weights[i]).Rat(), sum.Rat())
		cut := round(exact, scale, towards)
		lost[i] = exact.Sub(exact, cut.Rat())
		left = left.Sub(cut)
		b.Months = append(b.Months, MonthBudget{Month: m, Amount: cut})
	}
	order := make([]int, len(months))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return lost[j].Cmp(lost[i]) })
	cent := decimal.New(1, -scale)
	for _, i := range order {
		if !left.IsPositive() {
			break
		}
		b.Months[i].Amount = b.Months[i].Amount.Add(cent)
		left = left.Sub(cent)
	}
	return b, nil
}

// Check returns what is wrong with a budget: months outside the year, out of
// order or named twice (ErrPeriod), amounts that are negative or absurd
// (ErrQuantity), or months that sum to more than the annual figure (ErrBudget).
func (b Budget) Check() error {
	fail := func(i Interval, detail string, err error) error {
		return &Error{Op: "check budget", Interval: i, Detail: detail, Err: err}
	}
	if (Calendar{}).Year(b.Year.From) != b.Year {
		return fail(b.Year, "want twelve whole months", ErrPeriod)
	}
	if !plausible(b.Annual) || b.Annual.IsNegative() {
		return fail(b.Year, "annual "+printable(b.Annual), ErrQuantity)
	}
	last := b.Year.From
	for _, m := range b.Months {
		switch {
		case (Calendar{}).Month(m.Month.From) != m.Month:
			return fail(m.Month, "want a whole month", ErrPeriod)
		case m.Month.From.Before(last) || m.Month.To.After(b.Year.To):
			return fail(m.Month, "twice, out of order or outside the year", ErrPeriod)
		case !plausible(m.Amount) || m.Amount.IsNegative():
			return fail(m.Month, printable(m.Amount), ErrQuantity)
		}
		last = m.Month.To
	}
	if over := b.Unallocated(); over.IsNegative() {
		return fail(b.Year, "months sum to "+over.Neg().String()+" more than "+b.Annual.String(), ErrBudget)
	}
	return nil
}

// Unallocated returns the annual figure less all months.
func (b Budget) Unallocated() decimal.Decimal {
	left := b.Annual
	for _, m := range b.Months {
		left = left.Sub(m.Amount)
	}
	return left
}

// Month returns the budget of the month of t, null if it has none.
func (b Budget) Month(t time.Time) decimal.NullDecimal {
	for _, m := range b.Months {
		if m.Month.Contains(t) {
			return known(m.Amount)
		}
	}
	return decimal.NullDecimal{}
}
