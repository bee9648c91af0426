package gaps

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// approvals finds what approvals say of a spend. Each is asked once for everything that
// is bought alike in one place, however many resources and days there are.
type approvals struct {
	all   []Approval
	of    map[attribution.WorkloadID][]Approval
	known map[boughtKey]*reached
}

func indexApprovals(list []Approval) *approvals {
	a := &approvals{of: map[attribution.WorkloadID][]Approval{}, known: map[boughtKey]*reached{}}
	// By id, so that the answer does not depend on the order they are given in.
	a.all = slices.Clone(list)
	slices.SortStableFunc(a.all, func(x, y Approval) int { return cmp.Compare(x.ApprovalID(), y.ApprovalID()) })
	for _, x := range a.all {
		a.of[x.ApprovedFor()] = append(a.of[x.ApprovedFor()], x)
	}
	return a
}

// boughtKey is what the answer of an approval is a function of, and for whom.
type boughtKey struct {
	owners, account, region, entity, code, family, name, usageType, operation, unit, model string
}

// reached is what approvals say of a spend.
type reached struct {
	covering []reach
	// beyond are approvals that speak of the spend's owner, or of its account where it
	// has none, and do not cover it; the nearest first.
	beyond []reach
}

// reach is one approval and the time it holds.
type reach struct {
	id       string
	from, to time.Time
	outside  []string
}

func (r *reach) at(t time.Time) bool {
	return !t.Before(r.from) && (r.to.IsZero() || t.Before(r.to))
}

// reach returns what approvals say of a spend.
func (a *approvals) reach(s *Spend) *reached {
	owners := s.Owners()
	k := s.Key
	texts := make([]string, len(owners))
	for i, w := range owners {
		texts[i] = string(w)
	}
	key := boughtKey{strings.Join(texts, "\x00"), k.UsageAccount, k.Region, k.BillingEntity, k.ProductCode, k.ProductFamily, k.ProductName,
		k.UsageType, k.Operation, k.PricingUnit, k.Model}
	if r := a.known[key]; r != nil {
		return r
	}
	r := &reached{}
	a.known[key] = r
	// An approval that names no workload may be anybody's, and whatever nobody owns
	// may be what any approval was given for.
	among := a.all
	if len(owners) > 0 {
		among = slices.Clone(a.of[""])
		for _, w := range owners {
			among = append(among, a.of[w]...)
		}
	}
	for _, x := range among {
		from, to := x.InForce()
		one := reach{x.ApprovalID(), from, to, x.Outside(k)}
		switch {
		case len(one.outside) == 0:
			r.covering = append(r.covering, one)
		case x.ApprovedFor() != "" && len(owners) > 0, !slices.Contains(one.outside, aspectAccount):
			r.beyond = append(r.beyond, one)
		}
	}
	slices.SortStableFunc(r.beyond, func(x, y reach) int {
		return cmp.Or(cmp.Compare(len(x.outside), len(y.outside)), cmp.Compare(x.id, y.id))
	})
	return r
}

// covered reports whether an approval in force at an instant covers the spend.
func (r *reached) covered(at time.Time) bool {
	return slices.ContainsFunc(r.covering, func(x reach) bool { return x.at(at) })
}

// nearest returns the approval in force at an instant that comes closest to covering
// the spend; nil if none speaks of it.
func (r *reached) nearest(at time.Time) *reach {
	for i := range r.beyond {
		if r.beyond[i].at(at) {
			return &r.beyond[i]
		}
	}
	return nil
}

// lapsed returns the approval that covered the spend at another time, the latest one.
func (r *reached) lapsed() *reach {
	var out *reach
	for i := range r.covering {
		if x := &r.covering[i]; out == nil || x.to.After(out.to) {
			out = x
		}
	}
	return out
}
