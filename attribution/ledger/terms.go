package ledger

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// terms collects the terms of a difference, one for each of what tells terms
// apart. The zero value is empty.
type terms struct {
	sums map[termKey]*termSum
}

type termKey struct {
	currency string
	label    attribution.Label
	cell
}

// cell is where money is.
type cell struct {
	outcome   attribution.Outcome
	workload  attribution.WorkloadID
	component pricing.Component
}

type termSum struct {
	unblended decimal.Decimal
	groups    int
}

func (t *terms) put(k termKey, amount decimal.Decimal, groups int) {
	if t.sums == nil {
		t.sums = map[termKey]*termSum{}
	}
	s := t.sums[k]
	if s == nil {
		s = new(termSum)
		t.sums[k] = s
	}
	s.unblended = s.unblended.Add(amount)
	s.groups += groups
}

func (t *terms) add(currency string, x attribution.Term) {
	t.put(termKey{currency, x.Label, cell{x.Outcome, x.Workload, x.Component}}, x.Unblended, x.Groups)
}

// between adds the terms of rules that lead from what was stated to what is.
// What did not move is no term.
func (t *terms) between(stated, now []Total) {
	type place struct {
		currency string
		cell
	}
	sums := map[place]decimal.Decimal{}
	for _, x := range now {
		p := place{x.Currency, cell{x.Outcome, x.Workload, x.Component}}
		sums[p] = sums[p].Add(x.Unblended)
	}
	for _, x := range stated {
		p := place{x.Currency, cell{x.Outcome, x.Workload, x.Component}}
		sums[p] = sums[p].Sub(x.Unblended)
	}
	for p, d := range sums {
		if !d.IsZero() {
			t.put(termKey{p.currency, attribution.RuleBased, p.cell}, d, 0)
		}
	}
}

// regrouped is told that both sides are of one delivery, rolled up in two ways:
// no row came or changed, so terms that say so are of the rollup.
func (t *terms) regrouped() {
	for k, s := range t.sums {
		switch k.label {
		case attribution.NewDays, attribution.Restated, attribution.Invoicing:
		default:
			continue
		}
		delete(t.sums, k)
		if !s.unblended.IsZero() {
			k.label = attribution.RuleBased
			t.put(k, s.unblended, s.groups)
		}
	}
}

// sorted returns the terms by currency, label in the order that a reader asks
// in, outcome, workload and component.
func (t *terms) sorted() []Delta {
	labels := []attribution.Label{attribution.NewDays, attribution.Restated, attribution.Invoicing, attribution.Ownership, attribution.RuleBased}
	outcomes := []attribution.Outcome{attribution.Claimed, attribution.Shared, attribution.Defaulted, attribution.Spread,
		attribution.Unclaimed, attribution.Unallocated, attribution.Excluded, attribution.Rejected}
	out := make([]Delta, 0, len(t.sums))
	for k, s := range t.sums {
		out = append(out, Delta{k.currency, attribution.Term{Label: k.label, Outcome: k.outcome, Workload: k.workload,
			Component: k.component, Unblended: s.unblended, Groups: s.groups}})
	}
	slices.SortFunc(out, func(a, b Delta) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(slices.Index(labels, a.Label), slices.Index(labels, b.Label)),
			cmp.Compare(slices.Index(outcomes, a.Outcome), slices.Index(outcomes, b.Outcome)),
			cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Component, b.Component))
	})
	return out
}
