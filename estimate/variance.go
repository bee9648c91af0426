package estimate

import (
	"math/big"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

// A Cell is the usage and cost of one component at one price: Variant tells
// apart what is priced apart, such as the model, tier or region, or the usage
// type.
type Cell struct {
	Component pricing.Component
	Unit      pricing.Unit
	Variant   string
	Usage     decimal.Decimal
	Cost      decimal.Decimal
}

// A Comparison is what [Explain] takes apart: the same workload at two times, or
// an estimate and what came of it.
type Comparison struct {
	Basis    Basis
	Currency string
	Before   []Cell // all of the earlier side
	After    []Cell // all of the later side
	// Gained is the part of After, and Lost the part of Before, that is on one
	// side only because a claim changed hands between them.
	Gained []Cell
	Lost   []Cell
}

// Terms are a difference taken apart. Difference = Price + Volume + Mix +
// Attribution, to the last digit.
type Terms struct {
	Before      decimal.Decimal
	After       decimal.Decimal
	Difference  decimal.Decimal
	Price       decimal.Decimal // the same things cost more or less each
	Volume      decimal.Decimal // more or less was used, at the earlier average price
	Mix         decimal.Decimal // use moved between variants of different price, new and gone ones included
	Attribution decimal.Decimal // costs came or went with a claim
}

// ComponentTerms are the terms of one component in one unit.
type ComponentTerms struct {
	Component pricing.Component
	Unit      pricing.Unit
	Terms
}

// A Variance is why a cost differs: in total, and by component.
type Variance struct {
	Basis    Basis
	Currency string
	Total    Terms
	Lines    []ComponentTerms // their terms sum to the total's
}

// Explain takes a difference of cost apart. What changed hands is set aside
// first; of the rest, with cells i of one component, prices p = cost ÷ usage and
// sums without index:
//
//	price  = Σ cost₁ᵢ − p₀ᵢ × usage₁ᵢ      over variants on both sides
//	volume = (usage₁ − usage₀) × p₀
//	mix    = what remains: usage moved between variants
//
// A component that is only on one side is all volume. Cost without usage has no
// price and counts as price. Terms are rounded to ten decimals, or to those of
// the difference if it has more, and what rounding leaves over goes to the
// largest term; a term that is zero stays zero.
//
// The errors wrap ErrQuantity, ErrMix (a gained or lost cell that its side does
// not contain).
func Explain(c Comparison) (*Variance, error) {
	groups := map[meter]*sides{}
	for _, part := range []struct {
		name  string
		cells []Cell
		side  func(*sides) variants
	}{
		{"before", c.Before, func(s *sides) variants { return s.before }},
		{"after", c.After, func(s *sides) variants { return s.after }},
		{"gained", c.Gained, func(s *sides) variants { return s.gained }},
		{"lost", c.Lost, func(s *sides) variants { return s.lost }},
	} {
		for _, cell := range part.cells {
			if !plausible(cell.Usage) || !plausible(cell.Cost) || cell.Usage.IsNegative() {
				return nil, &Error{Op: "explain", Component: cell.Component, Detail: part.name, Err: ErrQuantity}
			}
			m := meter{cell.Component, cell.Unit}
			if groups[m] == nil {
				groups[m] = &sides{variants{}, variants{}, variants{}, variants{}}
			}
			part.side(groups[m]).add(cell)
		}
	}
	v := &Variance{Basis: c.Basis.orDefault(), Currency: c.Currency}
	meters := make([]meter, 0, len(groups))
	for m := range groups {
		meters = append(meters, m)
	}
	slices.SortFunc(meters, meter.compare)
	for _, m := range meters {
		terms, err := groups[m].terms(m)
		if err != nil {
			return nil, err
		}
		v.Lines = append(v.Lines, ComponentTerms{Component: m.component, Unit: m.unit, Terms: terms})
		v.Total = v.Total.plus(terms)
	}
	return v, nil
}

func (t Terms) plus(o Terms) Terms {
	return Terms{
		Before: t.Before.Add(o.Before), After: t.After.Add(o.After), Difference: t.Difference.Add(o.Difference),
		Price: t.Price.Add(o.Price), Volume: t.Volume.Add(o.Volume), Mix: t.Mix.Add(o.Mix),
		Attribution: t.Attribution.Add(o.Attribution),
	}
}

// amount is usage and its cost.
type amount struct{ usage, cost decimal.Decimal }

// variants holds amounts by variant.
type variants map[string]amount

func (v variants) add(c Cell) {
	a := v[c.Variant]
	v[c.Variant] = amount{a.usage.Add(c.Usage), a.cost.Add(c.Cost)}
}

func (v variants) sum() (sum amount) {
	for _, a := range v {
		sum = amount{sum.usage.Add(a.usage), sum.cost.Add(a.cost)}
	}
	return sum
}

// without returns v less what changed hands, and the first variant of which
// more changed hands than there was.
func (v variants) without(moved variants) (rest variants, wrong string, ok bool) {
	rest = variants{}
	for name, a := range v {
		rest[name] = a
	}
	names := make([]string, 0, len(moved))
	for name := range moved {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	for _, name := range names {
		a, there := rest[name]
		m := moved[name]
		if !there || m.usage.GreaterThan(a.usage) {
			return nil, name, false
		}
		left := amount{a.usage.Sub(m.usage), a.cost.Sub(m.cost)}
		if rest[name] = left; left.usage.IsZero() && left.cost.IsZero() {
			delete(rest, name)
		}
	}
	return rest, "", true
}

// sides are the cells of one meter.
type sides struct{ before, after, gained, lost variants }

func (s *sides) terms(m meter) (Terms, error) {
	t := Terms{
		Before: s.before.sum().cost, After: s.after.sum().cost,
		Attribution: s.gained.sum().cost.Sub(s.lost.sum().cost),
	}
	t.Difference = t.After.Sub(t.Before)
	was, wrong, ok := s.before.without(s.lost)
	if !ok {
		return Terms{}, &Error{Op: "explain", Component: m.component, Detail: "lost more of " + quote(wrong) + " than there was", Err: ErrMix}
	}
	is, wrong, ok := s.after.without(s.gained)
	if !ok {
		return Terms{}, &Error{Op: "explain", Component: m.component, Detail: "gained more of " + quote(wrong) + " than there is", Err: ErrMix}
	}
	price, volume, mix := split(was, is)
	rest := t.Difference.Sub(t.Attribution)
	t.Price, t.Volume, t.Mix = settle(rest, price, volume, mix)
	return t, nil
}

// split returns the exact terms between two sides of one meter.
func split(was, is variants) (price, volume, mix *big.Rat) {
	var q0, q1, c0, c1, flat decimal.Decimal
	perUnit := new(big.Rat)
	for name, a := range was {
		if a.usage.IsZero() {
			flat = flat.Sub(a.cost)
			continue
		}
		q0, c0 = q0.Add(a.usage), c0.Add(a.cost)
		if b := is[name]; !b.usage.IsZero() {
			expected := ratio(a.cost, a.usage)
			expected.Mul(expected, b.usage.Rat())
			perUnit.Add(perUnit, expected.Sub(b.cost.Rat(), expected))
		}
	}
	for _, b := range is {
		if b.usage.IsZero() {
			flat = flat.Add(b.cost)
			continue
		}
		q1, c1 = q1.Add(b.usage), c1.Add(b.cost)
	}
	volume, mix = c1.Sub(c0).Rat(), new(big.Rat)
	if !q0.IsZero() { // else nothing was there before, and all of it is new use
		average := ratio(c0, q0)
		volume.Mul(average, q1.Sub(q0).Rat())
		mix.Sub(c1.Sub(c0).Rat(), volume)
		mix.Sub(mix, perUnit)
	}
	return perUnit.Add(perUnit, flat.Rat()), volume, mix
}

// settle rounds exact terms so that they sum to the whole.
func settle(whole decimal.Decimal, exact ...*big.Rat) (price, volume, mix decimal.Decimal) {
	scale := max(valueScale, decimals(whole))
	var terms [3]decimal.Decimal
	left, largest := whole, 0
	for i, r := range exact {
		terms[i] = round(r, scale, halfUp)
		left = left.Sub(terms[i])
		if r := new(big.Rat).Abs(r); r.Cmp(new(big.Rat).Abs(exact[largest])) > 0 {
			largest = i
		}
	}
	terms[largest] = terms[largest].Add(left)
	return terms[0], terms[1], terms[2]
}
