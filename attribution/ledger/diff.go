package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Delta is one term of the difference between two generations, in one currency.
type Delta struct {
	Currency string
	attribution.Term
}

// total is a line of the statement part: enough to say later what a generation
// stated, whatever the rules have become since.
type total struct {
	Currency  string                 `json:"currency"`
	Outcome   attribution.Outcome    `json:"outcome"`
	Reason    attribution.Reason     `json:"reason,omitempty"`
	Kind      attribution.ChargeKind `json:"kind"`
	Workload  attribution.WorkloadID `json:"workload,omitempty"`
	Component pricing.Component      `json:"component"`
	Unit      string                 `json:"unit,omitempty"`
	LineType  string                 `json:"line_item_type"`
	Bucket    string                 `json:"bucket"`
	Rows      int64                  `json:"rows"`
	Usage     decimal.Decimal        `json:"usage"`
	Unblended decimal.Decimal        `json:"unblended"`
	Net       decimal.NullDecimal    `json:"net_unblended"`
	Amortized decimal.NullDecimal    `json:"amortized"`
}

func (t *total) compare(o *total) int {
	return cmp.Or(cmp.Compare(t.Currency, o.Currency), cmp.Compare(t.Outcome, o.Outcome), cmp.Compare(t.Reason, o.Reason),
		cmp.Compare(t.Kind, o.Kind), cmp.Compare(t.Workload, o.Workload), cmp.Compare(t.Component, o.Component),
		cmp.Compare(t.Unit, o.Unit), cmp.Compare(t.LineType, o.LineType), cmp.Compare(t.Bucket, o.Bucket))
}

// totalsOf sums statements by everything a total tells apart, in order. Rows
// outside the rollup's predicate are in no line; the stored groups hold them.
func totalsOf(statements []*attribution.Statement) []total {
	sums := map[total]*total{}
	for _, s := range statements {
		for l := range s.Lines() {
			t := total{Currency: s.Currency, Outcome: l.Outcome, Reason: l.Reason, Kind: l.Kind, Workload: l.Workload,
				Component: l.Component, Unit: l.Key.PricingUnit, LineType: l.Key.LineItemType, Bucket: l.Key.Bucket.String()}
			x := sums[t]
			if x == nil {
				x = new(total)
				*x = t
				x.Net.Valid, x.Amortized.Valid = true, true
				sums[t] = x
			}
			x.Rows += l.Amounts.Rows
			x.Usage = x.Usage.Add(l.Measures.Sum(cur.Usage))
			x.Unblended = x.Unblended.Add(l.Amounts.Unblended)
			x.Net = add(x.Net, l.Amounts.Net)
			x.Amortized = add(x.Amortized, l.Amounts.Amortized)
		}
	}
	out := make([]total, 0, len(sums))
	for _, x := range sums {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b total) int { return a.compare(&b) })
	return out
}

// add adds what is known; null and anything is null.
func add(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || !b.Valid {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.Decimal.Add(b.Decimal))
}

// diff explains the difference to the booked generation and names its cause.
func (b *Booking) diff(ctx context.Context, booked *Generation, oldGroups *cur.Partial) (err error) {
	l := b.ledger
	if oldGroups == nil {
		if oldGroups, err = l.Partial(ctx, *booked); err != nil {
			return err
		}
	}
	oldClaims, err := l.Claims(ctx, *booked)
	if err != nil {
		return err
	}
	old, err := l.statements(ctx, oldGroups, oldClaims, booked.Delivery)
	if err != nil {
		return err
	}
	if booked.RulesVersion != b.Generation.RulesVersion {
		var stated []total
		if err := l.partJSON(ctx, booked, partStatement, &stated); err != nil {
			return err
		}
		b.Delta = rulesTerms(stated, totalsOf(old))
	}
	// Statements are paired by currency; one that appears or goes is compared
	// with a statement of nothing.
	for _, c := range currencies(old, b.Statements) {
		x, err := l.statementOf(ctx, old, c, oldGroups, oldClaims, booked.Delivery)
		if err != nil {
			return err
		}
		y, err := l.statementOf(ctx, b.Statements, c, b.partial, b.claims, b.Generation.Delivery)
		if err != nil {
			return err
		}
		terms, err := attribution.Diff(x, y)
		if err != nil {
			return err
		}
		for _, t := range terms {
			b.Delta = append(b.Delta, Delta{c, t})
		}
	}
	b.Generation.Cause = causeOf(b.Delta)
	return nil
}

// rulesTerms is the difference between what a generation stated and what the
// same groups and claims give today.
func rulesTerms(stated, today []total) []Delta {
	type key struct {
		currency  string
		outcome   attribution.Outcome
		workload  attribution.WorkloadID
		component pricing.Component
	}
	sums := map[key]decimal.Decimal{}
	for _, t := range today {
		k := key{t.Currency, t.Outcome, t.Workload, t.Component}
		sums[k] = sums[k].Add(t.Unblended)
	}
	for _, t := range stated {
		k := key{t.Currency, t.Outcome, t.Workload, t.Component}
		sums[k] = sums[k].Sub(t.Unblended)
	}
	var out []Delta
	for k, d := range sums {
		if !d.IsZero() {
			out = append(out, Delta{k.currency, attribution.Term{Label: attribution.RuleBased, Outcome: k.outcome, Workload: k.workload, Component: k.component, Unblended: d}})
		}
	}
	slices.SortFunc(out, func(a, b Delta) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Outcome, b.Outcome),
			cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Component, b.Component))
	})
	return out
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
func (l *Ledger) statementOf(ctx context.Context, list []*attribution.Statement, currency string, p *cur.Partial, c *attribution.Claims, d cur.Delivery) (*attribution.Statement, error) {
	for _, s := range list {
		if s.Currency == currency {
			return s, nil
		}
	}
	none, err := cur.NewPartial(p.Spec(), cur.Contents{Measures: p.Measures(),
		Control: []cur.Control{{Key: cur.ControlKey{Payer: d.Payer, BillingPeriod: d.Period, Currency: currency}}}})
	if err != nil {
		return nil, err
	}
	s, err := l.statements(ctx, none, c, d)
	if err != nil {
		return nil, err
	}
	return s[0], nil
}

// causeOf names what all terms have in common. A delivery that only completes
// days is of new days, though no money came with it.
func causeOf(terms []Delta) Cause {
	cause := Cause("")
	for _, t := range terms {
		switch c := Cause(t.Label); {
		case cause == "":
			cause = c
		case cause != c:
			return Mixed
		}
	}
	return cmp.Or(cause, Cause(attribution.NewDays))
}
