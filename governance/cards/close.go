package cards

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
)

// ErrIdentity: parts do not add up to the statement that they were made of.
var ErrIdentity = errors.New("does not add up to the statement")

// MaxExceptions is how many exceptions of a close or a roll-up are named; of the others
// there are the count and the sum.
const MaxExceptions = 500

// Sum is money of one outcome and kind.
type Sum struct {
	Outcome attribution.Outcome    `json:"outcome"`
	Kind    attribution.ChargeKind `json:"kind,omitempty"`
	Rows    int64                  `json:"rows"`
	Amount  decimal.Decimal        `json:"amount"`
}

// Close is the month close of one payer, month and currency: where all of the
// statement's money stands.
type Close struct {
	Payer      string            `json:"payer"`
	Month      estimate.Interval `json:"month"`
	Currency   string            `json:"currency"`
	Generation uint64            `json:"generation"`

	Statement   decimal.Decimal `json:"statement"`   // the total
	Cards       int             `json:"cards"`       // all of them
	Approved    decimal.Decimal `json:"approved"`    // approved cards, as pinned
	Adjustments decimal.Decimal `json:"adjustments"` // approved ones
	Drift       decimal.Decimal `json:"drift"`       // recorded, and in no adjustment
	Open        decimal.Decimal `json:"open"`        // cards and adjustments that are not approved
	Money       []Sum           `json:"money"`       // of the month: tax, credits, discounts, fees, what is spread
	Level       decimal.Decimal `json:"month_level"` // Money added up
	Outside     decimal.Decimal `json:"outside"`     // excluded or rejected
	// Exceptions are the cards and adjustments in Open, largest first. More counts
	// those that are not named, and MoreAmount is their sum.
	Exceptions []Exception     `json:"exceptions"`
	More       int             `json:"more,omitempty"`
	MoreAmount decimal.Decimal `json:"more_amount"`
}

// Check returns ErrIdentity unless the parts add up to the statement.
func (c *Close) Check() error {
	sum := decimal.Sum(c.Approved, c.Adjustments, c.Drift, c.Open, c.Level, c.Outside)
	if !sum.Equal(c.Statement) {
		return fmt.Errorf("cards: close %s of payer %q, %s: %s of %s: %w", c.Month.From.Format("2006-01"), c.Payer, named(c.Currency), sum, c.Statement, ErrIdentity)
	}
	return nil
}

// Closing adds up a month close, month by month of its subjects. The zero value is
// ready for use; it is used by one goroutine.
type Closing struct {
	closes map[string]*Close
	sums   map[sumKey]*Sum
}

type sumKey struct {
	currency string
	outcome  attribution.Outcome
	kind     attribution.ChargeKind
}

// State is what is on record of a subject's month: its cards as they stand, those
// that are approved with the figures that were pinned and their drift, and its
// adjustment if it has one. Name is for readers.
type State struct {
	Name       string
	Cards      []Standing
	Adjustment *Standing
}

// Add adds a subject's month; nil for the state means that nothing is on record. Cards
// that are not approved count with what they are now, and so do weeks without a card.
// An approved card counts with what is on record of it: that it has kept up with the
// statement is what [Close.Check] finds out. A subject that has nothing in the month
// any more is given with a month of no cards.
func (c *Closing) Add(m *Month, s *State) {
	x := c.at(m)
	if s == nil {
		s = &State{}
	}
	recorded := map[int64]*Standing{}
	for i := range s.Cards {
		r := &s.Cards[i]
		if r.Currency != m.Currency {
			continue
		}
		recorded[r.Week.From.Unix()] = r
		if r.Approval == Approved {
			x.Cards++
			x.Approved = x.Approved.Add(r.Cost)
			x.Drift = x.Drift.Add(r.Drift)
		}
	}
	for i := range m.Cards {
		now := &m.Cards[i]
		e := Exception{Subject: m.Subject, Name: s.Name, Week: now.Week, Approval: Open, Amount: now.Cost}
		if r := recorded[now.Week.From.Unix()]; r != nil {
			if r.Approval == Approved {
				continue
			}
			e.Approval, e.Reason = r.Approval, r.Reason
		}
		x.Cards++
		x.Open = x.Open.Add(now.Cost)
		x.Exceptions = append(x.Exceptions, e)
	}
	if a := s.Adjustment; a != nil && a.Currency == m.Currency {
		x.Drift = x.Drift.Sub(a.Cost)
		if a.Approval == Approved {
			x.Adjustments = x.Adjustments.Add(a.Cost)
		} else {
			x.Open = x.Open.Add(a.Cost)
			e := a.exception()
			e.Name, e.Week = cmp.Or(e.Name, s.Name), m.Period
			x.Exceptions = append(x.Exceptions, e)
		}
	}
	for i := range m.Money {
		c.money(x, m.Currency, &m.Money[i])
	}
}

// at returns the close of a currency.
func (c *Closing) at(m *Month) *Close {
	if c.closes == nil {
		c.closes, c.sums = map[string]*Close{}, map[sumKey]*Sum{}
	}
	x := c.closes[m.Currency]
	if x == nil {
		x = &Close{Payer: m.Payer, Month: m.Period, Currency: m.Currency, Generation: m.Generation}
		c.closes[m.Currency] = x
	}
	return x
}

// money books what is not on cards.
func (c *Closing) money(x *Close, currency string, m *Money) {
	x.Statement = x.Statement.Add(m.Amount)
	switch {
	case m.OnCards():
		return
	case m.Outcome == attribution.Excluded, m.Outcome == attribution.Rejected:
		x.Outside = x.Outside.Add(m.Amount)
		return
	}
	x.Level = x.Level.Add(m.Amount)
	k := sumKey{currency, m.Outcome, m.Kind}
	s := c.sums[k]
	if s == nil {
		s = &Sum{Outcome: m.Outcome, Kind: m.Kind}
		c.sums[k] = s
	}
	s.Rows += m.Rows
	s.Amount = s.Amount.Add(m.Amount)
}

// Closes returns the closes, one for each currency in order.
func (c *Closing) Closes() []Close {
	var out []Close
	for _, currency := range slices.Sorted(maps.Keys(c.closes)) {
		x := *c.closes[currency]
		for k, s := range c.sums {
			if k.currency == currency {
				x.Money = append(x.Money, *s)
			}
		}
		slices.SortFunc(x.Money, func(a, b Sum) int { return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Kind, b.Kind)) })
		x.Exceptions = slices.Clone(x.Exceptions)
		x.Exceptions, x.More, x.MoreAmount = largest(x.Exceptions)
		out = append(out, x)
	}
	return out
}
