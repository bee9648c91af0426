package attribution

import (
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// Amounts are the metrics of some rows, exact, in one currency. A metric that the
// report has no columns for is null, which is not zero.
type Amounts struct {
	Rows int64
	// Unblended is the cost as billed, before credits and tax, which have rows
	// of their own.
	Unblended decimal.Decimal
	// Net is the unblended cost after discounts.
	Net decimal.NullDecimal
	// Amortized spreads commitments over what they cover.
	Amortized decimal.NullDecimal
}

// amounts are Amounts in the form that is added.
type amounts struct {
	rows                      int64
	unblended, net, amortized exact.Num
}

func (a *amounts) add(o *amounts) {
	a.rows += o.rows
	a.unblended.Acc(o.unblended)
	a.net.Acc(o.net)
	a.amortized.Acc(o.amortized)
}

// metrics are formulas over measures and line item types; groups and control
// totals go through the same ones. Which metrics a report has columns for is
// settled once per statement.
type metrics struct {
	net, amortized bool
	effective      bool // AWS amortised the rows itself, as in FOCUS
}

// newMetrics looks at the line item types that occur in a currency, by the
// decoder's totals: a column that none of them needs is not missed.
func newMetrics(p *cur.Partial, currency string) metrics {
	m := metrics{net: p.Measures().Has(cur.NetUnblendedCost), amortized: true, effective: p.Measures().Has(cur.EffectiveCost)}
	if m.effective {
		return m
	}
	for _, c := range p.Control() {
		if c.Key.Currency != currency {
			continue
		}
		for _, need := range amortizedNeeds(c.Key.LineItemType) {
			m.amortized = m.amortized && p.Measures().Has(need)
		}
	}
	return m
}

// of computes the metrics of rows of one line item type.
func (m metrics) of(s *cur.Measures, lineItemType string) amounts {
	a := amounts{rows: s.Rows, unblended: s.Exact(cur.UnblendedCost)}
	if m.net {
		// AWS leaves the net cell of a row without discount blank. The row of a
		// discount has none of its own, for the rows it discounts have it.
		a.net = s.Exact(cur.NetUnblendedCost)
		if !isDiscount(lineItemType) {
			a.net.Acc(s.Exact(cur.UnblendedWhereNetBlank))
		}
	}
	switch {
	case m.effective:
		a.amortized = s.Exact(cur.EffectiveCost)
	case m.amortized:
		a.amortized = amortized(s, lineItemType)
	}
	return a
}

// amortized follows the rules of AWS's own dashboards: what a commitment covers
// costs its share of the commitment, and the commitment's own rows cost what was
// left unused. Their one rule that looks at a product code, for refunds of
// savings plans, is left out: control totals know no product.
func amortized(s *cur.Measures, lineItemType string) exact.Num {
	switch lineItemType {
	case "SavingsPlanCoveredUsage":
		return s.Exact(cur.SavingsPlanEffectiveCost)
	case "DiscountedUsage":
		return s.Exact(cur.ReservationEffectiveCost)
	case "SavingsPlanNegation", "SavingsPlanUpfrontFee":
		return exact.Num{}
	case "SavingsPlanRecurringFee":
		return s.Exact(cur.SavingsPlanTotalCommitment).Sub(s.Exact(cur.SavingsPlanUsedCommitment))
	case "RIFee":
		return s.Exact(cur.ReservationUnusedAmortizedUpfrontFee).Add(s.Exact(cur.ReservationUnusedRecurringFee))
	case "Fee":
		// Up-front payments of reservations come back in what they cover.
		return s.Exact(cur.UnblendedCost).Sub(s.Exact(cur.ReservationFee))
	}
	return s.Exact(cur.UnblendedCost)
}

// amortizedNeeds lists the measures that amortized reads beside the cost.
func amortizedNeeds(lineItemType string) []cur.Measure {
	switch lineItemType {
	case "SavingsPlanCoveredUsage":
		return []cur.Measure{cur.SavingsPlanEffectiveCost}
	case "DiscountedUsage":
		return []cur.Measure{cur.ReservationEffectiveCost}
	case "SavingsPlanRecurringFee":
		return []cur.Measure{cur.SavingsPlanTotalCommitment, cur.SavingsPlanUsedCommitment}
	case "RIFee":
		return []cur.Measure{cur.ReservationUnusedAmortizedUpfrontFee, cur.ReservationUnusedRecurringFee}
	case "Fee":
		return []cur.Measure{cur.ReservationFee}
	}
	return nil
}

// public returns a in decimals, null where there is no such metric.
func (m metrics) public(a *amounts) Amounts {
	out := Amounts{Rows: a.rows, Unblended: a.unblended.Decimal()}
	if m.net {
		out.Net = decimal.NewNullDecimal(a.net.Decimal())
	}
	if m.amortized {
		out.Amortized = decimal.NewNullDecimal(a.amortized.Decimal())
	}
	return out
}

// compare calls differ for every count and metric in which got is not want.
func (m metrics) compare(got, want *amounts, differ func(metric string, got, want decimal.Decimal)) {
	if got.rows != want.rows {
		differ("rows", decimal.NewFromInt(got.rows), decimal.NewFromInt(want.rows))
	}
	for _, c := range [...]struct {
		metric    string
		on        bool
		got, want exact.Num
	}{
		{"unblended", true, got.unblended, want.unblended},
		{"net_unblended", m.net, got.net, want.net},
		{"amortized", m.amortized, got.amortized, want.amortized},
	} {
		if c.on && !c.got.Equal(c.want) {
			differ(c.metric, c.got.Decimal(), c.want.Decimal())
		}
	}
}
