package estimate

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

// Basis says which money is counted. Figures of two bases are never compared or
// added: an amortised cost under an unblended budget looks like a saving.
type Basis string

// UsageUnblended is the default, which a blank basis means: the unblended cost
// of usage rows, before credits, discounts and tax.
const UsageUnblended Basis = "usage, unblended, before credits and tax"

// orDefault returns the basis that is meant.
func (b Basis) orDefault() Basis {
	if b == "" {
		return UsageUnblended
	}
	return b
}

// A Row is what one component used and cost on one day.
type Row struct {
	Component pricing.Component
	Unit      pricing.Unit // as estimated; rows of another unit are refused, never converted by guess
	Day       time.Time    // any instant of the UTC day
	Usage     decimal.Decimal
	Cost      decimal.Decimal
}

// Actuals are rows of one workload (or of any other set that has an estimate)
// in one currency and on one basis.
type Actuals struct {
	Basis    Basis
	Currency string
	Rows     []Row
}

// meter is the finest thing that usage is added within.
type meter struct {
	component pricing.Component
	unit      pricing.Unit
}

func (m meter) compare(n meter) int {
	if c := comparePlace(m.component, n.component); c != 0 {
		return c
	}
	return strings.Compare(string(m.unit), string(n.unit))
}

// comparePlace orders components as reports show them; components outside the
// fixed vocabulary follow by name.
func comparePlace(a, b pricing.Component) int {
	all := pricing.Components()
	i, j := slices.Index(all, a), slices.Index(all, b)
	switch {
	case i >= 0 && j >= 0:
		return i - j
	case i >= 0:
		return -1
	case j >= 0:
		return 1
	}
	return strings.Compare(string(a), string(b))
}

// checkRow refuses a row that no bill could hold. Negative usage and cost are
// let through: AWS restates days with rows that take back earlier ones.
func checkRow(op string, r Row) error {
	for _, v := range []decimal.Decimal{r.Usage, r.Cost} {
		if !plausible(v) {
			return &Error{Op: op, Component: r.Component, Interval: oneDay(r.Day), Err: ErrQuantity}
		}
	}
	if r.Day.IsZero() {
		return &Error{Op: op, Component: r.Component, Detail: "row without a day", Err: ErrPeriod}
	}
	return nil
}

func oneDay(t time.Time) Interval {
	return Interval{From: Day(t), To: Day(t).AddDate(0, 0, 1)}
}
