package attribution

import (
	"math"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// A series is groups, one after the other, whose keys are equal but for the bucket:
// what somebody had of something, day by day. A month has ten groups and more to a
// series, and what becomes of them is settled once, unless a claim begins or ends
// among them.

// series adds the sums of the groups after i to got, what became of group i whose key
// is k, as long as the same becomes of them. It returns the number of the first group
// that it did not add, and the bucket of the last that it did.
func (as *Assigner) series(got []piece, g *grain, i int, k *cur.Key) (end int, last cur.Bucket) {
	end, last = i+1, k.Bucket
	if len(g.of[i]) > 0 {
		return end, last // sessions go their own ways
	}
	if _, split := as.ix.poolOf(k, &got[0].Assignment); split {
		return end, last // bucket by bucket
	}
	until := int64(math.MinInt64)
	for ; end < g.book.Len() && len(g.of[end]) == 0; end++ {
		next := g.book.Key(end)
		if !alike(k, next) {
			break
		}
		if until == math.MinInt64 {
			until = as.until(k)
		}
		if next.Bucket.Start >= until {
			break
		}
		m := g.book.Sums(end)
		got[0].sums.Add(&m)
		last = next.Bucket
	}
	return end, last
}

// alike reports whether keys of one partial are equal but for the bucket. What differs
// most often is looked at first.
func alike(a, b *cur.Key) bool {
	return a.Resource == b.Resource && a.Principal == b.Principal && a.UsageAccount == b.UsageAccount && a.Region == b.Region &&
		a.UsageType == b.UsageType && a.Operation == b.Operation && a.PricingUnit == b.PricingUnit && a.LineItemType == b.LineItemType &&
		a.Currency == b.Currency && a.Model == b.Model && a.ProductName == b.ProductName && a.ProductFamily == b.ProductFamily &&
		a.ProductCode == b.ProductCode && a.BillingEntity == b.BillingEntity && a.Invoice == b.Invoice &&
		a.BillingPeriod == b.BillingPeriod && a.Payer == b.Payer &&
		!slices.ContainsFunc(a.Declared(), func(c cur.Column) bool {
			v, _ := a.Column(c)
			w, _ := b.Column(c)
			return v != w
		})
}

// until returns the start of the first bucket after k's that may be assigned in
// another way than the group of k, which was assigned last.
func (as *Assigner) until(k *cur.Key) int64 {
	sc := as.last.scoped
	switch {
	case !as.ix.plainScope:
		return k.Bucket.Start
	case sc.chain == nil:
		return math.MaxInt64
	case !sc.chain.plain:
		return k.Bucket.Start
	}
	return as.last.reading.until(k.Bucket.Start)
}

// until returns the first second after t from which on a claim is in force, or is no
// longer.
func (r *reading) until(t int64) int64 {
	first := int64(math.MaxInt64)
	for _, c := range r.claims {
		for _, at := range [...]time.Time{c.From, c.To} {
			second := at.Unix()
			if at.Nanosecond() > 0 {
				second++
			}
			if second > t && !at.IsZero() {
				first = min(first, second)
			}
		}
	}
	return first
}
