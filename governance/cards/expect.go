package cards

import (
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
)

const (
	costScale    = 10 // decimals of what is expected, as AWS prints costs
	percentScale = 2
)

// expectation is what is expected of a subject, by week: an estimate is of a period,
// and each of its days has an equal part. Which version of an estimate is in force
// may change inside a week, so days are looked at one by one.
type expectation struct {
	meters  map[meter]*expected
	planned []bool // by week: some plan is in force on a day of it
	open    []bool // by week: a target in force has no cost
	notHeld string
}

// expected is what is expected of one meter. Both hold exact sums from the month's
// start to the end of each week: weeks are differences of these, each rounded, so
// that they add up to the rounded month whatever is lost in between.
type expected struct {
	usage, cost []*big.Rat
	open        []bool // by week: the cost of some target is not known
}

// expectation adds up the plans in force on the days of the month.
func (b *Book) expectation(k accountKey) *expectation {
	ex := &expectation{meters: map[meter]*expected{}, planned: make([]bool, len(b.weeks)), open: make([]bool, len(b.weeks))}
	if b.options.Plan == nil {
		return ex
	}
	for i, w := range b.weeks {
		var last *estimate.Plan
		days := int64(0)
		for d := w.From; d.Before(w.To); d = d.AddDate(0, 0, 1) {
			p := b.options.Plan(k.subject, d)
			if p != nil && !p.Period.Contains(d) {
				p = nil
			}
			if p != last {
				ex.put(last, days, i, k.currency)
				last, days = p, 0
			}
			days++
		}
		ex.put(last, days, i, k.currency)
	}
	// Sums run from the month's start.
	for _, e := range ex.meters {
		for i := 1; i < len(b.weeks); i++ {
			e.usage[i].Add(e.usage[i], e.usage[i-1])
			e.cost[i].Add(e.cost[i], e.cost[i-1])
		}
	}
	return ex
}

// put adds what so many days of a plan expect to week i.
func (ex *expectation) put(p *estimate.Plan, days int64, i int, currency string) {
	switch {
	case p == nil || days == 0:
		return
	case p.Currency != currency:
		ex.notHeld = "the estimate is in " + named(p.Currency) + ", the bill in " + named(currency)
		return
	case p.Basis != "" && p.Basis != estimate.UsageUnblended:
		ex.notHeld = "the estimate is of " + string(p.Basis)
		return
	}
	ex.planned[i] = true
	part := big.NewRat(days, int64(p.Period.Days()))
	for _, t := range p.Targets {
		m := meter{t.Component, t.Unit}
		e := ex.meters[m]
		if e == nil {
			n := len(ex.planned)
			e = &expected{usage: make([]*big.Rat, n), cost: make([]*big.Rat, n), open: make([]bool, n)}
			for j := range n {
				e.usage[j], e.cost[j] = new(big.Rat), new(big.Rat)
			}
			ex.meters[m] = e
		}
		add := func(sum *big.Rat, v decimal.Decimal) { sum.Add(sum, new(big.Rat).Mul(part, v.Rat())) }
		add(e.usage[i], t.Volume)
		if t.Cost.Valid {
			add(e.cost[i], t.Cost.Decimal)
		} else {
			e.open[i], ex.open[i] = true, true
		}
	}
}

// some reports whether anything is planned for a week.
func (ex *expectation) some(i int) bool { return ex.planned[i] }

// cut is an expected figure of one week: exact for decisions, rounded for show.
type cut struct {
	known   bool
	exact   *big.Rat
	rounded decimal.Decimal
}

// weekOf cuts week i out of running sums.
func weekOf(sums []*big.Rat, i int) cut {
	exact, rounded := new(big.Rat).Set(sums[i]), round(sums[i], costScale)
	if i > 0 {
		exact.Sub(exact, sums[i-1])
		rounded = rounded.Sub(round(sums[i-1], costScale))
	}
	return cut{true, exact, rounded}
}

// cost returns what a meter is expected to cost in a week.
func (ex *expectation) cost(m meter, i int) cut {
	if e := ex.meters[m]; e != nil && ex.planned[i] && !e.open[i] {
		return weekOf(e.cost, i)
	}
	return cut{}
}

// total returns what a week is expected to cost; the sum of its lines.
func (ex *expectation) total(i int) cut {
	if !ex.planned[i] || ex.open[i] {
		return cut{}
	}
	sum := cut{known: true, exact: new(big.Rat)}
	for _, e := range ex.meters {
		c := weekOf(e.cost, i)
		sum.exact.Add(sum.exact, c.exact)
		sum.rounded = sum.rounded.Add(c.rounded)
	}
	return sum
}

// lines fills in expected usage, and adds what was expected and not used.
func (ex *expectation) lines(lines []Line, i int) []Line {
	if !ex.planned[i] {
		return lines
	}
	for m, e := range ex.meters {
		if m.component == "" {
			continue // of the subject as a whole
		}
		c := weekOf(e.usage, i)
		if c.exact.Sign() == 0 && !e.open[i] && weekOf(e.cost, i).exact.Sign() == 0 {
			if !slices.ContainsFunc(lines, func(l Line) bool { return l.Component == m.component && l.Unit == m.unit }) {
				continue // of a version that is not in force in this week
			}
		}
		at := slices.IndexFunc(lines, func(l Line) bool { return l.Component == m.component && l.Unit == m.unit })
		if at < 0 {
			at = len(lines)
			lines = append(lines, Line{Component: m.component, Unit: m.unit, Usage: decimal.NewNullDecimal(decimal.Decimal{})})
		}
		lines[at].ExpectedUsage = decimal.NewNullDecimal(c.rounded)
	}
	return lines
}

// limits are where bands end, in per cent.
type limits struct{ neutral, amber *big.Rat }

// limitsOf returns the limits of options, nil for the defaults.
func limitsOf(o *Options) limits {
	l := limits{big.NewRat(2, 1), big.NewRat(10, 1)}
	if o != nil && !o.Neutral.IsZero() {
		l.neutral = o.Neutral.Rat()
	}
	if o != nil && !o.Amber.IsZero() {
		l.amber = o.Amber.Rat()
	}
	return l
}

// againstSum holds a cost against a sum of what was expected, which is exact.
func (lim limits) againstSum(cost decimal.Decimal, expected decimal.NullDecimal) Against {
	if !expected.Valid {
		return Against{}
	}
	return lim.against(cost, cut{true, expected.Decimal.Rat(), expected.Decimal})
}

// against holds a cost against what is expected.
func (lim limits) against(cost decimal.Decimal, c cut) Against {
	if !c.known {
		return Against{}
	}
	a := Against{Expected: decimal.NewNullDecimal(c.rounded), Variance: decimal.NewNullDecimal(cost.Sub(c.rounded))}
	diff := new(big.Rat).Sub(cost.Rat(), c.exact)
	if c.exact.Sign() == 0 {
		a.Band = []Band{BandGreen, BandNeutral, BandRed}[diff.Sign()+1]
		return a
	}
	hundred := big.NewRat(100, 1)
	percent := new(big.Rat).Quo(diff, c.exact)
	percent.Mul(percent, hundred)
	a.Percent = decimal.NewNullDecimal(round(percent, percentScale))
	switch {
	case percent.Cmp(lim.neutral) > 0 && percent.Cmp(lim.amber) > 0:
		a.Band = BandRed
	case percent.Cmp(lim.neutral) > 0:
		a.Band = BandAmber
	case percent.Cmp(new(big.Rat).Neg(lim.neutral)) < 0:
		a.Band = BandGreen
	default:
		a.Band = BandNeutral
	}
	return a
}

// round turns an exact ratio into a decimal of so many digits, half away from zero.
func round(r *big.Rat, scale int32) decimal.Decimal {
	num := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	num.Mul(num, r.Num())
	q, rem := new(big.Int).QuoRem(num, r.Denom(), new(big.Int))
	if rem.CmpAbs(new(big.Int).Sub(r.Denom(), new(big.Int).Abs(rem))) >= 0 && rem.Sign() != 0 {
		q.Add(q, big.NewInt(int64(rem.Sign())))
	}
	return decimal.NewFromBigInt(q, -scale)
}

func named(currency string) string {
	if currency == "" {
		return "no currency"
	}
	return currency
}
