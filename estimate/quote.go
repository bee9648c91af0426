package estimate

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

// An Item is something that can be bought in steps.
type Item struct {
	Meter pricing.Meter
	// Step is the least amount by which a quantity grows; 0 means one unit.
	// Units that come in wholes have whole steps.
	Step decimal.Decimal
	// Minimum is what is billed at the least once anything is used.
	Minimum decimal.Decimal
}

// A Volume is a quantity of one item over a period, in single units: tokens and
// never thousands of them.
type Volume struct {
	Item
	Quantity decimal.Decimal
}

// A Pricer prices volumes, and finds the volumes that a sum of money buys. It
// takes every rate from one card, for one region, currency and day. Its methods
// change nothing and may be called at the same time.
type Pricer struct {
	Card     *pricing.RateCard // with private rates and discounts overlaid, if there are any
	Region   string
	Currency string
	// Period is what volumes and budgets are for. Volume brackets and free tiers
	// are taken as those of one month, so a period that reaches into a second
	// month is refused where a rate has any.
	Period Interval
	On     time.Time // the day whose rates are taken; by default the first of Period
	// Basis of the estimate. The figures here are list or agreed prices times
	// usage, so it says what the estimate may be compared with.
	Basis Basis
}

// An Estimate is volumes with their prices.
type Estimate struct {
	Period   Interval
	Basis    Basis
	Region   string
	Currency string
	On       time.Time // the day whose rates were taken
	Lines    []Line
	Total    decimal.Decimal
}

// A Line is one priced volume. The rate is kept whole, so that status, source
// and validity stand beside every figure.
type Line struct {
	Volume
	Unit pricing.Unit
	Rate pricing.Rate
	Cost decimal.Decimal // exact, not rounded to cents
	// NextStep is what one more step would cost; 0 inside a free tier.
	NextStep decimal.Decimal
	// Share is the part of the budget that this line could spend; null where
	// money was not shared out by line.
	Share decimal.NullDecimal
}

// Unspent returns what the line leaves of its share, null if it has none.
func (l Line) Unspent() decimal.NullDecimal {
	if !l.Share.Valid {
		return l.Share
	}
	return known(l.Share.Decimal.Sub(l.Cost))
}

// Stated returns the basis and currency of the estimate.
func (e Estimate) Stated() (Basis, string) { return e.Basis.orDefault(), e.Currency }

// Plan returns the estimate as actuals are held against.
func (e Estimate) Plan() Plan {
	p := Plan{Period: e.Period, Basis: e.Basis, Currency: e.Currency}
	for _, l := range e.Lines {
		p.Targets = append(p.Targets, Target{
			Component: l.Meter.Component, Unit: l.Unit, Volume: l.Quantity, Cost: known(l.Cost),
		})
	}
	return p
}

// Cells returns the estimate as one side of a comparison, see [Explain]. The
// variant of a cell is what the meter says beyond its component.
func (e Estimate) Cells() []Cell {
	var cells []Cell
	for _, l := range e.Lines {
		variant := strings.TrimPrefix(l.Meter.String(), string(l.Meter.Component))
		cells = append(cells, Cell{
			Component: l.Meter.Component, Unit: l.Unit, Variant: strings.TrimSpace(variant),
			Usage: l.Quantity, Cost: l.Cost,
		})
	}
	return cells
}

// Price returns what volumes cost. Every rate must be on the card: what cannot
// be priced is an error of pricing, never zero.
func (p *Pricer) Price(volumes []Volume) (*Estimate, error) {
	goods, err := p.goods("price", volumes)
	if err != nil {
		return nil, err
	}
	return p.estimate("price", goods, volumes)
}

// goods looks up the rates of volumes and refuses what cannot be priced.
func (p *Pricer) goods(op string, volumes []Volume) ([]good, error) {
	if len(volumes) == 0 {
		return nil, &Error{Op: op, Interval: p.Period, Detail: "nothing to price", Err: ErrMix}
	}
	seen := map[pricing.Meter]bool{}
	goods := make([]good, 0, len(volumes))
	for _, v := range volumes {
		key := v.Meter
		key.Model, key.Variant = pricing.ModelKey(key.Model), strings.ToLower(key.Variant)
		if seen[key] {
			return nil, p.fail(op, v.Item, "named twice", ErrMix) // brackets count the sum
		}
		seen[key] = true
		g, err := p.good(op, v.Item)
		if err != nil {
			return nil, err
		}
		if err := g.check(v.Quantity); err != nil {
			return nil, p.fail(op, v.Item, "quantity "+printable(v.Quantity), err)
		}
		goods = append(goods, g)
	}
	return goods, nil
}

func (p *Pricer) fail(op string, i Item, detail string, err error) error {
	return &Error{Op: op, Component: i.Meter.Component, Interval: p.Period, Detail: detail, Err: err}
}

// on returns the day whose rates are taken.
func (p *Pricer) on() time.Time {
	if p.On.IsZero() {
		return p.Period.From
	}
	return p.On
}

// good looks up what an item costs.
func (p *Pricer) good(op string, i Item) (good, error) {
	if !p.Period.valid() {
		return good{}, p.fail(op, i, "want whole UTC days", ErrPeriod)
	}
	if p.Card == nil {
		return good{}, p.fail(op, i, "no rate card", pricing.ErrNoRate)
	}
	rate, err := p.Card.Lookup(pricing.Query{Meter: i.Meter, Region: p.Region, Currency: p.Currency, At: p.on()})
	if err != nil {
		return good{}, p.fail(op, i, "", err)
	}
	month := Calendar{}.Month(p.Period.From)
	if len(rate.Brackets) > 1 && p.Period.To.After(month.To) {
		return good{}, p.fail(op, i, "brackets count by month", ErrPeriod)
	}
	if i.Step.IsZero() {
		i.Step = decimal.NewFromInt(1)
	}
	g := good{item: i, rate: rate}
	if i.Step.IsNegative() || g.check(i.Step) != nil {
		return good{}, p.fail(op, i, "step "+printable(i.Step), ErrQuantity)
	}
	if g.check(i.Minimum) != nil {
		return good{}, p.fail(op, i, "minimum "+printable(i.Minimum), ErrQuantity)
	}
	return g, nil
}

// good is an item with its price.
type good struct {
	item Item
	rate pricing.Rate
}

// check refuses quantities that nobody can use.
func (g good) check(q decimal.Decimal) error {
	if !plausible(q) || q.IsNegative() || q.GreaterThanOrEqual(maxQuantity) {
		return ErrQuantity
	}
	if g.rate.Unit.Unit.Whole() && !q.IsInteger() {
		return ErrQuantity
	}
	return nil
}

// maxQuantity is beyond what pricing takes for a quantity.
var maxQuantity = decimal.New(1, 18)

// cost prices a quantity. It never falls as the quantity grows.
func (g good) cost(q decimal.Decimal) (decimal.Decimal, error) {
	if q.IsPositive() && q.LessThan(g.item.Minimum) {
		q = g.item.Minimum
	}
	return g.rate.Cost(q)
}

// estimate prices goods at their quantities.
func (p *Pricer) estimate(op string, goods []good, volumes []Volume) (*Estimate, error) {
	e := &Estimate{
		Period: p.Period, Basis: p.Basis.orDefault(), Region: p.Region, Currency: p.Currency, On: p.on(),
	}
	for i, g := range goods {
		q := volumes[i].Quantity
		cost, err := g.cost(q)
		if err != nil {
			return nil, p.fail(op, g.item, "", err)
		}
		next, err := g.cost(q.Add(g.item.Step))
		if err != nil {
			return nil, p.fail(op, g.item, "", err)
		}
		e.Lines = append(e.Lines, Line{
			Volume: Volume{Item: g.item, Quantity: q}, Unit: g.rate.Unit.Unit, Rate: g.rate,
			Cost: cost, NextStep: next.Sub(cost),
		})
		e.Total = e.Total.Add(cost)
	}
	return e, nil
}
