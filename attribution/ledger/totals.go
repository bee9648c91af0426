package ledger

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Total is a line of what a generation stated: rows of one currency that agree
// in everything it tells apart. A metric is null where the report has no columns
// for it, and Usage also for rows outside the rollup's predicate, which have one
// line for each currency: excluded, without kind, line item type and bucket.
type Total struct {
	Currency     string                 `json:"currency"`
	Outcome      attribution.Outcome    `json:"outcome"`
	Reason       attribution.Reason     `json:"reason,omitempty"`
	Kind         attribution.ChargeKind `json:"kind,omitempty"`
	Workload     attribution.WorkloadID `json:"workload,omitempty"`
	Component    pricing.Component      `json:"component"`
	Unit         string                 `json:"unit,omitempty"`
	LineItemType string                 `json:"line_item_type,omitempty"`
	Bucket       string                 `json:"bucket,omitempty"` // as cur.Bucket prints it: of a day, its date
	// Account is the usage account of what no claim of a workload's own leads to:
	// unclaimed, unallocated or defaulted. Invoice is the invoice that rows are on;
	// what was split names none. Generations of older releases have neither.
	Account string `json:"account,omitempty"`
	Invoice string `json:"invoice,omitempty"`

	Rows      int64               `json:"rows"`
	Usage     decimal.NullDecimal `json:"usage"`
	Unblended decimal.Decimal     `json:"unblended"`
	Net       decimal.NullDecimal `json:"net_unblended"`
	Amortized decimal.NullDecimal `json:"amortized"`
}

func (t *Total) compare(o *Total) int {
	return cmp.Or(cmp.Compare(t.Currency, o.Currency), cmp.Compare(t.Outcome, o.Outcome), cmp.Compare(t.Reason, o.Reason),
		cmp.Compare(t.Kind, o.Kind), cmp.Compare(t.Workload, o.Workload), cmp.Compare(t.Component, o.Component),
		cmp.Compare(t.Unit, o.Unit), cmp.Compare(t.LineItemType, o.LineItemType), cmp.Compare(t.Bucket, o.Bucket),
		cmp.Compare(t.Account, o.Account), cmp.Compare(t.Invoice, o.Invoice))
}

// totalsOf sums statements of p by everything a total tells apart, in order.
func totalsOf(p *cur.Partial, statements []*attribution.Statement) []Total {
	used := p.Measures().Has(cur.Usage)
	sums := map[Total]*Total{} // keys have no amounts
	for _, s := range statements {
		rest := s.Totals
		for l := range s.Lines() {
			k := Total{Currency: s.Currency, Outcome: l.Outcome, Reason: l.Reason, Kind: l.Kind, Workload: l.Workload,
				Component: pricing.Component(valid(string(l.Component))), Unit: valid(l.Key.PricingUnit),
				LineItemType: valid(l.Key.LineItemType), Bucket: l.Key.Bucket.String(), Invoice: valid(l.Key.Invoice.ID)}
			switch l.Outcome {
			case attribution.Unclaimed, attribution.Unallocated, attribution.Defaulted:
				k.Account = valid(l.Key.UsageAccount)
			}
			x := sums[k]
			if x == nil {
				x = new(Total)
				*x = k
				x.Usage.Valid, x.Net.Valid, x.Amortized.Valid = used, rest.Net.Valid, rest.Amortized.Valid
				sums[k] = x
			}
			x.Rows += l.Amounts.Rows
			if used {
				x.Usage.Decimal = x.Usage.Decimal.Add(l.Measures.Sum(cur.Usage))
			}
			x.Unblended = x.Unblended.Add(l.Amounts.Unblended)
			x.Net = add(x.Net, l.Amounts.Net)
			x.Amortized = add(x.Amortized, l.Amounts.Amortized)

			rest.Rows -= l.Amounts.Rows
			rest.Unblended = rest.Unblended.Sub(l.Amounts.Unblended)
			rest.Net = add(rest.Net, neg(l.Amounts.Net))
			rest.Amortized = add(rest.Amortized, neg(l.Amounts.Amortized))
		}
		if rest.Rows == 0 {
			continue
		}
		// A statement has no lines for rows outside the predicate; they are what
		// its lines leave of its totals.
		k := Total{Currency: s.Currency, Outcome: attribution.Excluded, Reason: attribution.ReasonOutOfScope, Component: pricing.Unknown}
		x := k
		x.Rows, x.Unblended, x.Net, x.Amortized = rest.Rows, rest.Unblended, rest.Net, rest.Amortized
		sums[k] = &x
	}
	out := make([]Total, 0, len(sums))
	for _, x := range sums {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Total) int { return a.compare(&b) })
	return out
}

// valid replaces what JSON could not hold, so that a total reads back as it is.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// add adds what is known; null and anything is null.
func add(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || !b.Valid {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.Decimal.Add(b.Decimal))
}

func neg(a decimal.NullDecimal) decimal.NullDecimal {
	a.Decimal = a.Decimal.Neg()
	return a
}
