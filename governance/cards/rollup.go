package cards

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// Approval is where a card stands between people.
type Approval string

// The approvals. A card that was returned waits for its owner as an open one does.
const (
	Open     Approval = "open"
	Accepted Approval = "accepted"
	Disputed Approval = "disputed"
	Returned Approval = "returned"
	Approved Approval = "approved"
)

// Standing is a card, or an adjustment, as it stands.
type Standing struct {
	Subject  Subject
	Name     string // of the workload, for readers
	Week     estimate.Interval
	Currency string
	Approval Approval
	Reason   string // of a dispute or a return
	Lines    []Line // may be nil
	Cost     decimal.Decimal
	Drift    decimal.Decimal // of an approved card, since it was pinned
	Against
}

// Exception is money that is not agreed yet.
type Exception struct {
	Subject  Subject           `json:"subject"`
	Name     string            `json:"name,omitempty"`
	Week     estimate.Interval `json:"week"`
	Approval Approval          `json:"approval"`
	Reason   string            `json:"reason,omitempty"`
	Amount   decimal.Decimal   `json:"amount"`
}

// RollUp is the cards of one portfolio, week and currency added up. Total is all of
// them: what is agreed and the exceptions, whatever their state.
type RollUp struct {
	Portfolio string            `json:"portfolio"`
	Week      estimate.Interval `json:"week"`
	Currency  string            `json:"currency"`
	Cards     int               `json:"cards"`
	Lines     []Line            `json:"lines"` // usage and cost by component, of all cards
	Agreed    decimal.Decimal   `json:"agreed"`
	Total     decimal.Decimal   `json:"total"`
	Against
	// Exceptions are what is not agreed, largest first. More counts those that are not
	// named, and MoreAmount is their sum.
	Exceptions []Exception     `json:"exceptions"`
	More       int             `json:"more,omitempty"`
	MoreAmount decimal.Decimal `json:"more_amount"`
}

// NewRollUp adds up the cards of a week and currency; others are left out. What is
// expected is known while it is of every card, so that a total never looks over its
// estimate because some card has none. Of the options the bands' limits count.
func NewRollUp(portfolio string, week estimate.Interval, currency string, standing []Standing, o *Options) RollUp {
	r := RollUp{Portfolio: portfolio, Week: week, Currency: currency}
	zero := decimal.NewNullDecimal(decimal.Decimal{})
	sums := map[meter]*Line{}
	expected := zero
	for _, s := range standing {
		if s.Currency != currency || !s.Week.From.Equal(week.From) {
			continue
		}
		r.Cards++
		r.Total = r.Total.Add(s.Cost)
		expected = plus(expected, s.Expected)
		if s.agreed() {
			r.Agreed = r.Agreed.Add(s.Cost)
		} else {
			r.Exceptions = append(r.Exceptions, s.exception())
		}
		for _, l := range s.Lines {
			m := meter{l.Component, l.Unit}
			x := sums[m]
			if x == nil {
				x = &Line{Component: l.Component, Unit: l.Unit, Usage: zero, ExpectedUsage: zero, Against: Against{Expected: zero}}
				sums[m] = x
			}
			x.Usage, x.ExpectedUsage = plus(x.Usage, l.Usage), plus(x.ExpectedUsage, l.ExpectedUsage)
			x.Cost = x.Cost.Add(l.Cost)
			x.Expected = plus(x.Expected, l.Expected)
		}
	}
	lim := limitsOf(o)
	for _, l := range sums {
		l.Against = lim.againstSum(l.Cost, l.Expected)
		r.Lines = append(r.Lines, *l)
	}
	if r.Cards > 0 {
		r.Against = lim.againstSum(r.Total, expected)
	}
	slices.SortFunc(r.Lines, compareLines)
	r.Exceptions, r.More, r.MoreAmount = largest(r.Exceptions)
	return r
}

func (s *Standing) agreed() bool { return s.Approval == Accepted || s.Approval == Approved }

func (s *Standing) exception() Exception {
	return Exception{s.Subject, s.Name, s.Week, s.Approval, s.Reason, s.Cost}
}

// largest puts what matters most first, and leaves out what there is no room for.
func largest(list []Exception) (named []Exception, more int, sum decimal.Decimal) {
	slices.SortFunc(list, func(a, b Exception) int {
		return cmp.Or(b.Amount.Abs().Cmp(a.Amount.Abs()), a.Subject.Compare(b.Subject), a.Week.From.Compare(b.Week.From))
	})
	if len(list) <= MaxExceptions {
		return list, 0, sum
	}
	for _, e := range list[MaxExceptions:] {
		sum = sum.Add(e.Amount)
	}
	return list[:MaxExceptions], len(list) - MaxExceptions, sum
}

// plus adds what is known; null and anything is null.
func plus(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || !b.Valid {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.Decimal.Add(b.Decimal))
}

// ByGroup adds lines up by the feature that their components belong to, in the order
// of reports: runtime, memory, code interpreter, models and so on.
func ByGroup(lines []Line) []GroupCost {
	sums := map[pricing.Group]decimal.Decimal{}
	for _, l := range lines {
		g := l.Component.Group()
		sums[g] = sums[g].Add(l.Cost)
	}
	var out []GroupCost
	for _, g := range pricing.Groups() {
		if c, ok := sums[g]; ok {
			out = append(out, GroupCost{g, c})
		}
	}
	return out
}

// GroupCost is what a group of components cost.
type GroupCost struct {
	Group pricing.Group   `json:"group"`
	Cost  decimal.Decimal `json:"cost"`
}
