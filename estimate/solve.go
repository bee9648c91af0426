package estimate

import (
	"errors"
	"math/big"

	"github.com/shopspring/decimal"
)

// A Solution is the volumes that a budget buys.
type Solution struct {
	Estimate
	Budget  decimal.Decimal
	Unspent decimal.Decimal // Budget − Total, never negative
	// Multiple is how many times the ratio fits, see [Pricer.ByRatio].
	Multiple decimal.Decimal
	// Unshared is what is left of the budget because shares are cut to finite
	// decimals, see [Pricer.ByShares]. Unspent is the sum of it and of what the
	// lines leave of their shares.
	Unshared decimal.Decimal
}

// A Share is an item and its weight in a budget.
type Share struct {
	Item
	Weight decimal.Decimal // of the sum of weights; need not be a percentage
}

// shareScale is the least number of decimals that shares are stated with.
const shareScale = 12

// ByShares shares a budget out by weight and spends each share on whole steps of
// its item: the volume of a line is the most that fits. It never falls when the
// budget grows, and all lines together leave less than the sum of their next
// steps. Comparisons use exact shares; only those reported are cut.
//
// The errors wrap ErrMix (no item, no weight), ErrQuantity, ErrPeriod, ErrRate
// (an item whose price ends), or those of pricing.
func (p *Pricer) ByShares(budget decimal.Decimal, shares []Share) (*Solution, error) {
	const op = "solve by shares"
	if err := p.checkBudget(op, budget); err != nil {
		return nil, err
	}
	volumes := make([]Volume, len(shares))
	weights := decimal.Decimal{}
	for i, s := range shares {
		if s.Weight.IsNegative() || !plausible(s.Weight) {
			return nil, p.fail(op, s.Item, "weight "+printable(s.Weight), ErrMix)
		}
		volumes[i].Item = s.Item
		weights = weights.Add(s.Weight)
	}
	if weights.IsZero() {
		return nil, &Error{Op: op, Interval: p.Period, Detail: "no weight", Err: ErrMix}
	}
	goods, err := p.goods(op, volumes)
	if err != nil {
		return nil, err
	}
	for i, g := range goods {
		// cost ≤ budget × weight ÷ weights, without the division.
		limit := budget.Mul(shares[i].Weight)
		steps, err := most(func(k decimal.Decimal) (decimal.Decimal, error) {
			cost, err := g.cost(k.Mul(g.item.Step))
			return cost.Mul(weights), err
		}, limit, g.item.Step)
		if err != nil {
			return nil, p.unbounded(op, err, g)
		}
		volumes[i].Quantity = steps.Mul(g.item.Step)
	}
	s, err := p.solution(op, budget, goods, volumes)
	if err != nil {
		return nil, err
	}
	s.Unshared = budget
	for i := range s.Lines {
		l := &s.Lines[i]
		// At least as fine as the cost, so that the cut never undercuts it.
		exact := new(big.Rat).Quo(budget.Mul(shares[i].Weight).Rat(), weights.Rat())
		share := round(exact, max(shareScale, decimals(l.Cost)), towards)
		l.Share = known(share)
		s.Unshared = s.Unshared.Sub(share)
	}
	return s, nil
}

// A Part is an item and how much of it one multiple of a ratio holds.
type Part struct {
	Item
	Per decimal.Decimal // whole steps of the item
}

// ByRatio finds the largest whole multiple of a ratio of volumes that a budget
// buys: one conversation may be 3,000 input tokens, 500 output tokens and two
// memory events, and the multiple is the number of conversations.
//
// The errors are those of [Pricer.ByShares].
func (p *Pricer) ByRatio(budget decimal.Decimal, parts []Part) (*Solution, error) {
	const op = "solve by ratio"
	if err := p.checkBudget(op, budget); err != nil {
		return nil, err
	}
	volumes := make([]Volume, len(parts))
	for i, part := range parts {
		if !part.Per.IsPositive() {
			return nil, p.fail(op, part.Item, "ratio "+printable(part.Per), ErrMix)
		}
		volumes[i] = Volume{part.Item, part.Per}
	}
	goods, err := p.goods(op, volumes)
	if err != nil {
		return nil, err
	}
	widest := decimal.Decimal{}
	for i, g := range goods {
		if !parts[i].Per.Mod(g.item.Step).IsZero() {
			return nil, p.fail(op, g.item, "ratio "+parts[i].Per.String()+" is not whole steps of "+g.item.Step.String(), ErrMix)
		}
		if parts[i].Per.GreaterThan(widest) {
			widest = parts[i].Per
		}
	}
	multiple, err := most(func(k decimal.Decimal) (decimal.Decimal, error) {
		total := decimal.Decimal{}
		for i, g := range goods {
			cost, err := g.cost(k.Mul(parts[i].Per))
			if err != nil {
				return decimal.Decimal{}, err
			}
			total = total.Add(cost)
		}
		return total, nil
	}, budget, widest)
	if err != nil {
		return nil, p.unbounded(op, err, goods...)
	}
	for i := range volumes {
		volumes[i].Quantity = multiple.Mul(parts[i].Per)
	}
	s, err := p.solution(op, budget, goods, volumes)
	if err != nil {
		return nil, err
	}
	s.Multiple = multiple
	return s, nil
}

// ByFree keeps the fixed volumes and spends the rest of a budget on whole steps
// of one free item, the last line of the solution: one step more of it would
// exceed the budget. Fixed volumes that exceed it on their own are ErrBudget.
//
// The other errors are those of [Pricer.ByShares].
func (p *Pricer) ByFree(budget decimal.Decimal, fixed []Volume, free Item) (*Solution, error) {
	const op = "solve by free line"
	if err := p.checkBudget(op, budget); err != nil {
		return nil, err
	}
	volumes := append(append([]Volume{}, fixed...), Volume{Item: free})
	goods, err := p.goods(op, volumes)
	if err != nil {
		return nil, err
	}
	left, last := budget, len(goods)-1
	for i, g := range goods[:last] {
		cost, err := g.cost(volumes[i].Quantity)
		if err != nil {
			return nil, p.fail(op, g.item, "", err)
		}
		left = left.Sub(cost)
	}
	if left.IsNegative() {
		detail := "fixed lines cost " + budget.Sub(left).String() + " of " + budget.String()
		return nil, &Error{Op: op, Interval: p.Period, Detail: detail, Err: ErrBudget}
	}
	g := goods[last]
	steps, err := most(func(k decimal.Decimal) (decimal.Decimal, error) {
		return g.cost(k.Mul(g.item.Step))
	}, left, g.item.Step)
	if err != nil {
		return nil, p.unbounded(op, err, g)
	}
	volumes[last].Quantity = steps.Mul(g.item.Step)
	return p.solution(op, budget, goods, volumes)
}

func (p *Pricer) checkBudget(op string, budget decimal.Decimal) error {
	if !plausible(budget) || budget.IsNegative() {
		return &Error{Op: op, Interval: p.Period, Detail: "budget " + printable(budget), Err: ErrQuantity}
	}
	return nil
}

// printable prints a number unless it is made to be long.
func printable(d decimal.Decimal) string {
	if !plausible(d) {
		return "out of bounds"
	}
	return d.String()
}

// solution prices what was found.
func (p *Pricer) solution(op string, budget decimal.Decimal, goods []good, volumes []Volume) (*Solution, error) {
	e, err := p.estimate(op, goods, volumes)
	if err != nil {
		return nil, err
	}
	return &Solution{Estimate: *e, Budget: budget, Unspent: budget.Sub(e.Total)}, nil
}

// errEndless means that every volume that can be counted is within the budget.
var errEndless = errors.New("endless")

// unbounded says why no volume is the largest: either nothing has to be paid for
// more, which is ErrRate, or the budget is absurd. Other errors are passed on.
func (p *Pricer) unbounded(op string, err error, goods ...good) error {
	first := goods[0].item
	if !errors.Is(err, errEndless) {
		return p.fail(op, first, "", err)
	}
	for _, g := range goods {
		if last := g.rate.Brackets[len(g.rate.Brackets)-1]; last.Price.IsPositive() {
			return p.fail(op, g.item, "budget buys more than any bill holds", ErrQuantity)
		}
	}
	return p.fail(op, first, "nothing to pay for more of it", ErrRate)
}

// most returns the largest whole k with cost(k) ≤ limit, where cost never falls.
// Doubling finds a k that is too dear and halving the last that is not, so any
// brackets and minimums will do. A limit that buys more than maxQuantity, which
// is always so where nothing has to be paid, is errEndless.
func most(cost func(k decimal.Decimal) (decimal.Decimal, error), limit, step decimal.Decimal) (decimal.Decimal, error) {
	fits := func(k *big.Int) (bool, error) {
		n := decimal.NewFromBigInt(k, 0)
		if n.Mul(step).GreaterThanOrEqual(maxQuantity) {
			return false, errEndless
		}
		c, err := cost(n)
		return c.LessThanOrEqual(limit), err
	}
	low, high := new(big.Int), big.NewInt(1) // low fits, high does not
	for {
		ok, err := fits(high)
		if err != nil {
			return decimal.Decimal{}, err
		}
		if !ok {
			break
		}
		low.Set(high)
		high.Lsh(high, 1)
	}
	for {
		mid := new(big.Int).Add(low, high)
		if mid.Rsh(mid, 1); mid.Cmp(low) == 0 {
			return decimal.NewFromBigInt(low, 0), nil
		}
		ok, err := fits(mid)
		if err != nil {
			return decimal.Decimal{}, err
		}
		if ok {
			low = mid
		} else {
			high = mid
		}
	}
}
