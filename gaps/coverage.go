package gaps

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// Coverage is how much of a day's usage is taken care of, in three respects. It is
// usage of AI products at unblended cost; what only an account default catches is not
// claimed. Total is the denominator of all three.
type Coverage struct {
	Day      time.Time           `json:"day"`
	Total    decimal.Decimal     `json:"total"`
	Claimed  decimal.Decimal     `json:"claimed"`
	Approved decimal.NullDecimal `json:"approved"`  // null where approvals were not handed in
	Estimate decimal.NullDecimal `json:"estimated"` // null where estimates were not handed in
	// Provisional says that rows of the day may still arrive.
	Provisional bool `json:"provisional"`
}

// covered is a coverage being summed.
type covered struct{ total, claimed, approved, estimated exact.Num }

// coverage sums the spends by day. Of a share, an approval of any of its workloads
// covers it, and it is estimated when all of them have an estimate.
func (v *View) coverage() []Coverage {
	days := map[int64]*covered{}
	for _, s := range v.spends {
		owners := s.Owners()
		var r *reached
		if v.Approvals != nil {
			r = v.approved.reach(s)
		}
		for i := range s.days {
			d := &s.days[i]
			c := days[d.at]
			if c == nil {
				c = &covered{}
				days[d.at] = c
			}
			c.total.Acc(d.cost)
			if len(owners) > 0 {
				c.claimed.Acc(d.cost)
			}
			if r != nil && r.covered(d.time()) {
				c.approved.Acc(d.cost)
			}
			if v.Estimates != nil && len(owners) > 0 && !slices.ContainsFunc(owners, func(w attribution.WorkloadID) bool { return !v.estimated(w, d.time()) }) {
				c.estimated.Acc(d.cost)
			}
		}
	}
	out := make([]Coverage, 0, len(days))
	for _, at := range slices.Sorted(maps.Keys(days)) {
		c, day := days[at], time.Unix(at, 0).UTC()
		x := Coverage{Day: day, Total: c.total.Decimal(), Claimed: c.claimed.Decimal(), Provisional: day.After(v.Complete())}
		if v.Approvals != nil {
			x.Approved = decimal.NewNullDecimal(c.approved.Decimal())
		}
		if v.Estimates != nil {
			x.Estimate = decimal.NewNullDecimal(c.estimated.Decimal())
		}
		out = append(out, x)
	}
	return out
}

// CoverageTotal adds up days, provisional ones too if they are given. Approved and
// Estimate are null where they are on any day.
func CoverageTotal(days []Coverage) Coverage {
	out := Coverage{Approved: decimal.NewNullDecimal(decimal.Zero), Estimate: decimal.NewNullDecimal(decimal.Zero)}
	if len(days) == 0 {
		return Coverage{}
	}
	add := func(to *decimal.NullDecimal, d decimal.NullDecimal) {
		if to.Valid = to.Valid && d.Valid; to.Valid {
			to.Decimal = to.Decimal.Add(d.Decimal)
		} else {
			to.Decimal = decimal.Zero
		}
	}
	out.Day = days[0].Day
	for _, c := range days {
		out.Total, out.Claimed = out.Total.Add(c.Total), out.Claimed.Add(c.Claimed)
		add(&out.Approved, c.Approved)
		add(&out.Estimate, c.Estimate)
		out.Provisional = out.Provisional || c.Provisional
	}
	return out
}

// Percent returns a part of Total as a percentage with two decimals, cut and not
// rounded, so that 100 means all of it; null for an unknown part and where there is
// nothing to cover.
func (c Coverage) Percent(part decimal.NullDecimal) decimal.NullDecimal {
	if !part.Valid || c.Total.IsZero() {
		return decimal.NullDecimal{}
	}
	q, _ := part.Decimal.Shift(2).QuoRem(c.Total, 2)
	return decimal.NewNullDecimal(q)
}
