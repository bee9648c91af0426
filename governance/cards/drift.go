package cards

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// Drift is what has become of a card since its figures were pinned.
type Drift struct {
	Lines []LineDrift     `json:"lines,omitempty"` // those that changed
	Cost  decimal.Decimal `json:"cost"`            // now, less when pinned
}

// LineDrift is what has become of one component: later less pinned.
type LineDrift struct {
	Component pricing.Component   `json:"component"`
	Unit      pricing.Unit        `json:"unit,omitempty"`
	Usage     decimal.NullDecimal `json:"usage"`
	Cost      decimal.Decimal     `json:"cost"`
}

// DriftOf returns the drift from a pinned card to the same card now. Nil for now
// means that the subject has nothing in that week any more.
func DriftOf(pinned, now *Card) Drift {
	var d Drift
	d.Cost = pinned.Cost.Neg()
	var lines []Line
	if now != nil {
		d.Cost, lines = now.Cost.Sub(pinned.Cost), now.Lines
	}
	sums := map[meter]*LineDrift{}
	var order []meter
	put := func(l *Line, neg bool) {
		m := meter{l.Component, l.Unit}
		x := sums[m]
		if x == nil {
			x = &LineDrift{Component: m.component, Unit: m.unit, Usage: decimal.NullDecimal{Valid: true}}
			sums[m] = x
			order = append(order, m)
		}
		cost, usage := l.Cost, l.Usage.Decimal
		if neg {
			cost, usage = cost.Neg(), usage.Neg()
		}
		x.Cost = x.Cost.Add(cost)
		x.Usage = decimal.NullDecimal{Valid: x.Usage.Valid && l.Usage.Valid, Decimal: x.Usage.Decimal.Add(usage)}
	}
	for i := range pinned.Lines {
		put(&pinned.Lines[i], true)
	}
	for i := range lines {
		put(&lines[i], false)
	}
	for _, m := range order {
		if x := sums[m]; !x.Cost.IsZero() || x.Usage.Valid && !x.Usage.Decimal.IsZero() {
			d.Lines = append(d.Lines, *x)
		}
	}
	return d
}

// Zero reports whether nothing changed.
func (d *Drift) Zero() bool { return d.Cost.IsZero() && len(d.Lines) == 0 }

// Materiality is how much drift is put up with. Both limits must be reached, each "at
// least": a cent of a cent is no matter, nor is a dollar of a hundred thousand. The
// zero value means 1.00 and 1 %.
type Materiality struct {
	Amount  decimal.Decimal // in the bill's currency; negative means 0
	Percent decimal.Decimal // of what was approved; negative means 0
}

// Material reports whether drift matters beside what was approved.
func (m Materiality) Material(approved, drift decimal.Decimal) bool {
	one := decimal.NewFromInt(1)
	if m.Amount.IsZero() {
		m.Amount = one
	}
	if m.Percent.IsZero() {
		m.Percent = one
	}
	drift = drift.Abs()
	return drift.IsPositive() && drift.GreaterThanOrEqual(m.Amount) &&
		drift.Mul(decimal.NewFromInt(100)).GreaterThanOrEqual(approved.Abs().Mul(m.Percent))
}

// Cause says why a card drifted, in the words that the ledger labels differences with.
type Cause = attribution.Label

// Causes returns what changed a subject's money in one currency between generations,
// by what the ledger booked as their differences: restated, invoiced, ownership or
// rules, in that order. New days are no cause, for cards are of complete days, but
// where nothing else is booked they are what the drift came with.
func Causes(s Subject, currency string, deltas []ledger.Delta) []Cause {
	var out []Cause
	days := false
	for _, d := range deltas {
		if d.Currency != currency || !mayConcern(s, &d) {
			continue
		}
		if d.Label == attribution.NewDays {
			days = true
			continue
		}
		out = append(out, d.Label)
	}
	if len(out) == 0 && days {
		return []Cause{attribution.NewDays}
	}
	return MergeCauses(out, nil)
}

// mayConcern reports whether a term is of the subject's usage. Terms know no accounts,
// so any term of what is unowned may be of any unowned subject.
func mayConcern(s Subject, d *ledger.Delta) bool {
	switch d.Outcome {
	case attribution.Claimed, attribution.Shared:
		return s == Of(d.Workload)
	case attribution.Unclaimed, attribution.Defaulted:
		return s.Kind == Unowned
	}
	return false
}

// MergeCauses returns the causes of both lists once, in the order of Causes.
func MergeCauses(a, b []Cause) []Cause {
	order := []Cause{attribution.NewDays, attribution.Restated, attribution.Invoicing, attribution.Ownership, attribution.RuleBased}
	var out []Cause
	for _, c := range order {
		if slices.Contains(a, c) || slices.Contains(b, c) {
			out = append(out, c)
		}
	}
	return out
}

// Trigger says why an adjustment was cut.
type Trigger string

// The triggers.
const (
	ByInvoice  Trigger = "invoiced" // the slice is on invoices: what is drifting stays
	ByAmount   Trigger = "material" // the drift passed the materiality thresholds
	ByRestated Trigger = "closed"   // the month was closed and has changed
)

// Adjustment takes what approved cards of one subject and month have drifted by.
type Adjustment struct {
	Subject    Subject           `json:"subject"`
	Payer      string            `json:"payer"`
	Currency   string            `json:"currency"`
	Month      estimate.Interval `json:"month"`
	Generation uint64            `json:"generation"`
	AsOf       time.Time         `json:"as_of"`
	Trigger    Trigger           `json:"trigger"`
	Causes     []Cause           `json:"causes"`
	Weeks      []WeekDrift       `json:"weeks"`
	Approved   decimal.Decimal   `json:"approved"` // the cards, as pinned
	Amount     decimal.Decimal   `json:"amount"`   // the drift of all weeks
}

// WeekDrift is the drift of one approved card.
type WeekDrift struct {
	Week     estimate.Interval `json:"week"`
	Pinned   uint64            `json:"pinned"` // the generation that was approved
	Approved decimal.Decimal   `json:"approved"`
	Drift
}

// Drifting is the drift of all approved cards of one subject and month.
type Drifting struct {
	Weeks    []WeekDrift     // of cards that drifted
	Approved decimal.Decimal // the cards, as pinned
	Amount   decimal.Decimal // the drift, all of it
	Final    bool            // every approved card's slice is invoiced

	pinned map[time.Time]decimal.Decimal // by week
}

// DriftingOf holds the approved cards of a subject and month against what the month
// is now; nil means that the subject has nothing in it any more.
func DriftingOf(approved []Card, now *Month) Drifting {
	d := Drifting{Final: len(approved) > 0, pinned: map[time.Time]decimal.Decimal{}}
	for i := range approved {
		p := &approved[i]
		var c *Card
		if now != nil {
			c = now.Card(p.Week.From)
		}
		w := WeekDrift{Week: p.Week, Pinned: p.Generation, Approved: p.Cost, Drift: DriftOf(p, c)}
		d.pinned[p.Week.From] = p.Cost
		d.Approved = d.Approved.Add(p.Cost)
		d.Amount = d.Amount.Add(w.Cost)
		d.Final = d.Final && c != nil && c.Final
		if !w.Zero() {
			d.Weeks = append(d.Weeks, w)
		}
	}
	return d
}

// left returns by week what of the drift is in no adjustment; nil takes nothing.
func (d *Drifting) left(taken *Adjustment) map[time.Time]decimal.Decimal {
	out := map[time.Time]decimal.Decimal{}
	for _, w := range d.Weeks {
		out[w.Week.From] = w.Cost
	}
	if taken != nil {
		for _, w := range taken.Weeks {
			out[w.Week.From] = out[w.Week.From].Sub(w.Cost)
		}
	}
	return out
}

// Left returns what of the drift is in no adjustment, the money and the same added up
// by week without signs; nil takes nothing.
func (d *Drifting) Left(taken *Adjustment) (amount, gross decimal.Decimal) {
	for _, x := range d.left(taken) {
		amount, gross = amount.Add(x), gross.Add(x.Abs())
	}
	return amount, gross
}

// Due returns why an adjustment is to be cut, "" if it is not: taken is what one has
// taken of the drift before. What is judged is the drift that is left: it is material
// when that of one card is, beside what was approved on it, or that of all cards
// beside all that was approved, added up without signs, so that money which moved from
// one week to another counts as much as money that came.
func (d *Drifting) Due(taken *Adjustment, closed bool, m Materiality) Trigger {
	_, gross := d.Left(taken)
	switch {
	case gross.IsZero():
		return ""
	case closed:
		return ByRestated
	case d.Final:
		return ByInvoice
	case m.Material(d.Approved, gross):
		return ByAmount
	}
	for week, x := range d.left(taken) {
		if m.Material(d.pinned[week], x) {
			return ByAmount
		}
	}
	return ""
}

// Adjust makes the adjustment that takes all of a drift, of a subject's month as it
// is now. Its trigger is what Due says.
func (d *Drifting) Adjust(k Key, g ledger.Generation, t Trigger, causes []Cause) Adjustment {
	return Adjustment{
		Subject: k.Subject, Payer: k.Payer, Currency: k.Currency, Month: estimate.Calendar{}.Month(k.Week.From),
		Generation: g.Number, AsOf: g.Delivery.AsOf.UTC(), Trigger: t, Causes: causes,
		Weeks: d.Weeks, Approved: d.Approved, Amount: d.Amount,
	}
}
