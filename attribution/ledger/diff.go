package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Delta is one term of the difference between two generations, in one currency.
// Groups of a term of rules may be 0: the rules of the generation before are
// gone, and what they said is known in sums alone.
type Delta struct {
	Currency string
	attribution.Term
}

// wireDelta is the stored form of a Delta.
type wireDelta struct {
	Currency  string                 `json:"currency"`
	Label     attribution.Label      `json:"label"`
	Outcome   attribution.Outcome    `json:"outcome"`
	Workload  attribution.WorkloadID `json:"workload,omitempty"`
	Component pricing.Component      `json:"component"`
	Unblended decimal.Decimal        `json:"unblended"`
	Groups    int                    `json:"groups,omitempty"`
}

func toWireDeltas(list []Delta) []wireDelta {
	out := make([]wireDelta, len(list))
	for i, d := range list {
		out[i] = wireDelta{d.Currency, d.Label, d.Outcome, d.Workload, d.Component, d.Unblended, d.Groups}
	}
	return out
}

func (w *wireDelta) delta() Delta {
	return Delta{w.Currency, attribution.Term{Label: w.Label, Outcome: w.Outcome, Workload: w.Workload,
		Component: w.Component, Unblended: w.Unblended, Groups: w.Groups}}
}

// state is one side of a difference.
type state struct {
	statements []*attribution.Statement
	groups     *cur.Partial
	sessions   *cur.Partial
	claims     *attribution.Claims
	delivery   cur.Delivery
}

// diff explains the difference to the booked generation and names its cause.
//
// The rules that the booked generation was made under are gone if they changed;
// what it stated is stored, so that the change of rules is the difference between
// that and what its groups and claims come to today. Where they come to nothing,
// since the groups lack what the rules now need or the claims are none under
// them, the whole difference is of rules.
func (b *Booking) diff(ctx context.Context, booked *Generation, at *state) (err error) {
	l, g := b.ledger, &b.Generation
	if at == nil {
		if at, err = l.groups(ctx, *booked); err != nil {
			return err
		}
	}
	old := *at
	if old.claims, err = l.Claims(ctx, *booked); err != nil {
		return err
	}
	var t terms
	if booked.RulesVersion == g.RulesVersion {
		if old.statements, err = l.statements(ctx, old); err == nil {
			err = b.steps(ctx, &t, old)
		}
	} else {
		var stated []Total
		if stated, err = l.Totals(ctx, *booked); err != nil {
			return err
		}
		err = b.rulesChanged(ctx, &t, stated, old)
	}
	if err != nil {
		return b.failed(err)
	}
	if sameDelivery(&booked.Delivery, &g.Delivery) && booked.SpecDigest != g.SpecDigest {
		t.regrouped()
	}
	b.Delta = t.sorted()
	if g.Cause = causeOf(b.Delta); g.Cause == "" {
		g.Cause = b.causeOfInputs(booked)
	}
	return nil
}

// rulesChanged adds the terms from what was stated, under other rules, to b.
func (b *Booking) rulesChanged(ctx context.Context, t *terms, stated []Total, old state) (err error) {
	l := b.ledger
	old.statements, err = l.statements(ctx, old)
	switch {
	case errors.Is(err, attribution.ErrNotStored), errors.Is(err, attribution.ErrClaims):
		t.between(stated, totalsOf(b.partial, b.Statements))
		return nil
	case err != nil:
		return err
	}
	t.between(stated, totalsOf(old.groups, old.statements))
	return b.steps(ctx, t, old)
}

// steps adds the terms from old to b, both under today's rules.
//
// Where the old groups lack a column that the new claims need and the new groups
// one that the old claims need, nothing can be attributed under both. The old
// claims that need none of the missing columns then stand in between.
func (b *Booking) steps(ctx context.Context, t *terms, old state) (err error) {
	l := b.ledger
	path := []state{old, b.state()}
	if l.lacks(old.groups.Spec(), b.claims) && l.lacks(b.partial.Spec(), old.claims) {
		via := old
		via.claims = &attribution.Claims{Workloads: old.claims.Workloads, Claims: slices.DeleteFunc(slices.Clone(old.claims.Claims), func(c attribution.Claim) bool {
			return l.lacks(b.partial.Spec(), &attribution.Claims{Claims: []attribution.Claim{c}})
		})}
		if via.statements, err = l.statements(ctx, via); err != nil {
			return err
		}
		path = slices.Insert(path, 1, via)
	}
	for i, to := range path[1:] {
		from := path[i]
		// Statements are paired by currency; one that appears or goes is compared
		// with a statement of nothing.
		for _, c := range currencies(from.statements, to.statements) {
			if err := ctx.Err(); err != nil {
				return err
			}
			x, err := l.statementOf(ctx, from, c)
			if err != nil {
				return err
			}
			y, err := l.statementOf(ctx, to, c)
			if err != nil {
				return err
			}
			list, err := attribution.Diff(ctx, x, y)
			if err != nil {
				return err
			}
			for _, term := range list {
				t.add(c, term)
			}
		}
	}
	return nil
}

// lacks reports whether groups of a spec miss a column that claims need.
func (l *Ledger) lacks(spec cur.Spec, c *attribution.Claims) bool {
	return slices.ContainsFunc(attribution.Columns(c, l.rules), func(c cur.Column) bool { return !spec.Has(c) })
}

func currencies(lists ...[]*attribution.Statement) (out []string) {
	for _, l := range lists {
		for _, s := range l {
			if s.Totals.Rows > 0 {
				out = append(out, s.Currency)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// statementOf returns the statement of a currency, of nothing if there is none.
func (l *Ledger) statementOf(ctx context.Context, of state, currency string) (*attribution.Statement, error) {
	for _, s := range of.statements {
		if s.Currency == currency {
			return s, nil
		}
	}
	none, err := cur.NewPartial(of.groups.Spec(), cur.Contents{Measures: of.groups.Measures(),
		Control: []cur.Control{{Key: cur.ControlKey{Payer: of.delivery.Payer, BillingPeriod: of.delivery.Period, Currency: currency}}}})
	if err != nil {
		return nil, err
	}
	s, err := l.statements(ctx, state{groups: none, claims: of.claims, delivery: of.delivery})
	if err != nil {
		return nil, err
	}
	return s[0], nil
}

// causeOf names what all terms have in common, "" where there are none.
func causeOf(list []Delta) (cause Cause) {
	for _, t := range list {
		switch c := Cause(t.Label); {
		case cause == "":
			cause = c
		case cause != c:
			return Mixed
		}
	}
	return cause
}

// causeOfInputs names what changed though no row did.
func (b *Booking) causeOfInputs(booked *Generation) Cause {
	g := &b.Generation
	var causes []Cause
	if !sameDelivery(&booked.Delivery, &g.Delivery) {
		causes = append(causes, b.causeOfDelivery(&booked.Delivery))
	}
	if booked.ClaimsRevision != g.ClaimsRevision {
		causes = append(causes, Cause(attribution.Ownership))
	}
	if booked.RulesVersion != g.RulesVersion {
		causes = append(causes, Cause(attribution.RuleBased))
	}
	switch {
	case len(causes) == 1:
		return causes[0]
	case len(causes) > 1:
		return Mixed
	case booked.SpecDigest != g.SpecDigest:
		return Cause(attribution.RuleBased) // what is grouped by
	}
	return Cause(attribution.Restated)
}

// causeOfDelivery tells a delivery that completes days of the period, though no
// money came with it, from one that says the same again.
func (b *Booking) causeOfDelivery(old *cur.Delivery) Cause {
	day := func(d *cur.Delivery) string {
		t := d.AsOf.UTC()
		// From then on all days of the period are complete.
		if all := d.Period.End().AddDate(0, 0, b.ledger.days()-1); !d.Period.IsZero() && t.After(all) {
			t = all
		}
		return t.Format("2006-01-02")
	}
	if day(old) < day(&b.Generation.Delivery) {
		return Cause(attribution.NewDays)
	}
	return Cause(attribution.Restated)
}
