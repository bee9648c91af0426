package attribution

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// OutcomeTotal is what has one outcome. Reasons add up to it.
type OutcomeTotal struct {
	Amounts
	Reasons map[Reason]Amounts // empty where the outcome says it all
}

// ComponentTotal is the usage of one component in one unit.
type ComponentTotal struct {
	Component pricing.Component
	Group     pricing.Group
	Unit      string              // "" when the report names none
	Usage     decimal.NullDecimal // null when the report has no such column
	Amounts
}

// WorkloadTotal is what one workload has. Components and Other add up to it.
type WorkloadTotal struct {
	Workload               WorkloadID
	Name, Owner, Portfolio string           // "" when the workload is not listed
	Components             []ComponentTotal // usage
	Other                  map[ChargeKind]Amounts
	Amounts
}

// UnclaimedTotal is usage that nobody owns, of one anchor in one account and
// region, for one reason.
type UnclaimedTotal struct {
	Kind       AnchorKind // "" with Anchor
	Anchor     string     // as billed; "" when the rows have none
	Account    string
	Region     string
	Reason     Reason
	Components []ComponentTotal
	FirstSeen  time.Time // the day, UTC, of the first rows in the delivery
	LastSeen   time.Time
	Amounts
}

// OverriddenTotal is what a claim would have had if a better one had not won.
type OverriddenTotal struct {
	Claim Claim
	Amounts
}

// Outcomes returns the totals by outcome; outcomes without rows are left out.
func (s *Statement) Outcomes() map[Outcome]OutcomeTotal {
	out := map[Outcome]OutcomeTotal{}
	for o, x := range s.tally.outcomes {
		out[o] = OutcomeTotal{Amounts: s.m.public(x), Reasons: map[Reason]Amounts{}}
	}
	for k, x := range s.tally.reasons {
		if k.reason != "" {
			out[k.outcome].Reasons[k.reason] = s.m.public(x)
		}
	}
	return out
}

// LineTypes returns the totals by line item type.
func (s *Statement) LineTypes() map[string]Amounts { return public(s.m, s.tally.types) }

// Products returns the totals by product code.
func (s *Statement) Products() map[string]Amounts { return public(s.m, s.tally.products) }

func public[K comparable](m metrics, sums map[K]*amounts) map[K]Amounts {
	out := make(map[K]Amounts, len(sums))
	for k, x := range sums {
		out[k] = m.public(x)
	}
	return out
}

// Workloads returns what is claimed, by workload id; it adds up to the outcomes
// claimed and shared. Workloads without rows are left out.
func (s *Statement) Workloads() []WorkloadTotal { return s.accounts(s.tally.owned) }

// Defaulted returns what only the claim on its account catches, by workload id.
func (s *Statement) Defaulted() []WorkloadTotal { return s.accounts(s.tally.defaulted) }

// Spread returns what spread rules gave to workloads, by workload id: beside what
// they have by claims, and in no other total of theirs.
func (s *Statement) Spread() []WorkloadTotal { return s.accounts(s.tally.spread) }

func (s *Statement) accounts(of map[WorkloadID]*account) []WorkloadTotal {
	known := make(map[WorkloadID]Workload, len(s.ix.claims.Workloads))
	for _, w := range s.ix.claims.Workloads {
		known[w.ID] = w
	}
	out := make([]WorkloadTotal, 0, len(of))
	for _, id := range slices.Sorted(maps.Keys(of)) {
		x, w := of[id], known[id]
		total := x.total()
		out = append(out, WorkloadTotal{Workload: id, Name: w.Name, Owner: w.Owner, Portfolio: w.Portfolio,
			Components: s.components(&x.usages), Other: public(s.m, x.other), Amounts: s.m.public(&total)})
	}
	return out
}

// Unclaimed returns the usage that nobody owns, most expensive first.
func (s *Statement) Unclaimed() []UnclaimedTotal {
	out := make([]UnclaimedTotal, 0, s.tally.unclaimed.n)
	for k, x := range s.tally.unclaimed.all {
		total := x.total()
		out = append(out, UnclaimedTotal{Kind: k.kind, Anchor: k.anchor, Account: k.account, Region: k.region, Reason: k.reason,
			Components: s.components(&x.usages), FirstSeen: dayOf(x.begin), LastSeen: dayOf(x.end), Amounts: s.m.public(&total)})
	}
	slices.SortFunc(out, func(a, b UnclaimedTotal) int {
		return cmp.Or(b.Unblended.Cmp(a.Unblended), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Anchor, b.Anchor),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// dayOf returns the day a bucket starts in.
func dayOf(b cur.Bucket) time.Time { return b.Time().Truncate(24 * time.Hour) }

// Overridden returns what claims lost to better ones, by claim id. The amounts
// are inside those of the winners and overlap where several claims lost.
func (s *Statement) Overridden() []OverriddenTotal {
	out := make([]OverriddenTotal, 0, len(s.tally.overridden))
	for c, x := range s.tally.overridden {
		out = append(out, OverriddenTotal{*c, s.m.public(x)})
	}
	slices.SortFunc(out, func(a, b OverriddenTotal) int { return cmp.Compare(a.Claim.ID, b.Claim.ID) })
	return out
}

// components lists components in the order reports show them.
func (s *Statement) components(of *usages) []ComponentTotal {
	order := pricing.Components()
	place := func(c pricing.Component) int {
		if i := slices.Index(order, c); i >= 0 {
			return i
		}
		return len(order) // infrastructure, by its name
	}
	out := make([]ComponentTotal, 0, of.n)
	for x := of.first; x != nil; x = x.next {
		t := ComponentTotal{Component: x.of.component, Group: x.of.component.Group(), Unit: x.of.unit, Amounts: s.m.public(&x.amounts)}
		if s.p.Measures().Has(cur.Usage) {
			t.Usage = decimal.NewNullDecimal(x.usage.Decimal())
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b ComponentTotal) int {
		return cmp.Or(cmp.Compare(place(a.Component), place(b.Component)), cmp.Compare(a.Component, b.Component), cmp.Compare(a.Unit, b.Unit))
	})
	return out
}
