package ledger

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// CorrectionStyle is how a change of what was stated is written down. The names
// are those that the FOCUS specification gives its examples of corrections.
type CorrectionStyle string

// The styles.
const (
	// DeltaStyle has one row for each change: by how much.
	DeltaStyle CorrectionStyle = "delta"
	// LedgerStyle takes back what was stated, and states it anew.
	LedgerStyle CorrectionStyle = "ledger"
)

// Correction is a row that leads from what one generation of a book stated to what
// another does, in the terms of FOCUS 1.2; beside them stands what FOCUS has no
// column for. Rows are as fine as totals, but for the invoice.
type Correction struct {
	BillingAccountID   string
	BillingCurrency    string
	BillingPeriodStart time.Time
	BillingPeriodEnd   time.Time
	// ChargePeriodStart and ChargePeriodEnd are the bucket of time; of rows outside
	// the rollup's predicate, the billing period.
	ChargePeriodStart time.Time
	ChargePeriodEnd   time.Time
	ChargeCategory    string // Usage, Purchase, Tax, Credit or Adjustment
	// ChargeClass is "Correction" where the billing period was invoiced when the
	// earlier generation was booked, and else null, which is "": FOCUS keeps the
	// word for periods that are closed.
	ChargeClass       string
	ChargeDescription string // reversal, restated or difference, and of which generation
	SubAccountID      string // the usage account, where a total names it
	ConsumedQuantity  decimal.NullDecimal
	ConsumedUnit      string
	BilledCost        decimal.Decimal     // unblended
	EffectiveCost     decimal.NullDecimal // amortised

	NetCost   decimal.NullDecimal
	Rows      int64
	Workload  attribution.WorkloadID
	Outcome   attribution.Outcome
	Reason    attribution.Reason
	Component pricing.Component
}

// chargeCategories is the one table from charge kinds to FOCUS's categories. What
// FOCUS folds into the cost of what it discounts, and AWS bills in rows of its own,
// is an adjustment of it.
var chargeCategories = [...]struct {
	kind     attribution.ChargeKind
	category string
}{
	{attribution.Usage, "Usage"},
	{attribution.Fee, "Purchase"},
	{attribution.Commitment, "Purchase"},
	{attribution.Tax, "Tax"},
	{attribution.Credit, "Credit"},
	{attribution.Refund, "Adjustment"},
	{attribution.Discount, "Adjustment"},
	{attribution.Other, "Adjustment"},
}

// chargeCategory returns the category of a total. Rows outside the predicate have
// no kind; what they are of is not known, and a change of theirs is an adjustment.
func chargeCategory(k attribution.ChargeKind) string {
	for _, c := range chargeCategories {
		if c.kind == k {
			return c.category
		}
	}
	return "Adjustment"
}

// Corrections returns the rows that lead from what one generation of a book stated
// to what another stated, in a style. They add up, for each currency and for
// everything that rows tell apart, to the difference of the totals, exactly; what
// did not change has no row. Whatever the rules have become since, what was stated
// counts.
func (l *Ledger) Corrections(ctx context.Context, from, to Generation, style CorrectionStyle) ([]Correction, error) {
	a, b := &from.Delivery, &to.Delivery
	fail := func(err error) ([]Correction, error) {
		return nil, fmt.Errorf("ledger: corrections of payer %q, period %s, generation %d to %d: %w", a.Payer, a.Period, from.Number, to.Number, err)
	}
	if a.Payer != b.Payer || a.Period != b.Period {
		return fail(fmt.Errorf("the other is of payer %q, period %s: %w", b.Payer, b.Period, attribution.ErrNotComparable))
	}
	if style != DeltaStyle && style != LedgerStyle {
		return fail(fmt.Errorf("unknown style %q", style))
	}
	old, err := l.Totals(ctx, from)
	if err != nil {
		return fail(err)
	}
	new, err := l.Totals(ctx, to)
	if err != nil {
		return fail(err)
	}
	was, is := byCell(old), byCell(new)
	cells := make([]Total, 0, len(was)+len(is))
	for k := range was {
		cells = append(cells, k)
	}
	for k := range is {
		if was[k] == nil {
			cells = append(cells, k)
		}
	}
	slices.SortFunc(cells, func(a, b Total) int { return a.compare(&b) })
	var out []Correction
	for _, k := range cells {
		x, y := was[k], is[k]
		if x != nil && y != nil && x.sameAmounts(y) {
			continue
		}
		row := from.correction(&k)
		put := func(t *Total, what string, n uint64) {
			r := row
			r.ChargeDescription = fmt.Sprintf("%s of generation %d", what, n)
			r.ConsumedQuantity, r.BilledCost, r.EffectiveCost, r.NetCost, r.Rows = t.Usage, t.Unblended, t.Amortized, t.Net, t.Rows
			out = append(out, r)
		}
		if style == DeltaStyle {
			d := minus(y, x)
			put(&d, "difference to the total", from.Number)
			continue
		}
		if x != nil {
			d := minus(nil, x)
			put(&d, "reversal of the total", from.Number)
		}
		if y != nil {
			put(y, "restated total", to.Number)
		}
	}
	return out, nil
}

// byCell sums totals over their invoices: an invoice that came is no correction.
func byCell(list []Total) map[Total]*Total {
	out := make(map[Total]*Total, len(list))
	for i := range list {
		x := list[i]
		k := x
		k.Invoice, k.Rows, k.Unblended = "", 0, decimal.Decimal{}
		k.Usage, k.Net, k.Amortized = decimal.NullDecimal{}, decimal.NullDecimal{}, decimal.NullDecimal{}
		s := out[k]
		if s == nil {
			out[k] = &x
			continue
		}
		s.Rows += x.Rows
		s.Unblended = s.Unblended.Add(x.Unblended)
		s.Usage, s.Net, s.Amortized = add(s.Usage, x.Usage), add(s.Net, x.Net), add(s.Amortized, x.Amortized)
	}
	return out
}

func (t *Total) sameAmounts(o *Total) bool {
	same := func(a, b decimal.NullDecimal) bool { return a.Valid == b.Valid && a.Decimal.Equal(b.Decimal) }
	return t.Rows == o.Rows && t.Unblended.Equal(o.Unblended) && same(t.Usage, o.Usage) && same(t.Net, o.Net) && same(t.Amortized, o.Amortized)
}

// minus returns the amounts of y without those of x; nil is none of them. What one
// side does not know, the difference does not.
func minus(y, x *Total) (d Total) {
	switch {
	case x == nil:
		return *y
	case y == nil:
		d.Usage, d.Net, d.Amortized = neg(x.Usage), neg(x.Net), neg(x.Amortized)
	default:
		d = *y
		d.Usage, d.Net, d.Amortized = add(y.Usage, neg(x.Usage)), add(y.Net, neg(x.Net)), add(y.Amortized, neg(x.Amortized))
	}
	d.Rows -= x.Rows
	d.Unblended = d.Unblended.Sub(x.Unblended)
	return d
}

// correction fills in what a row says beside its amounts.
func (g *Generation) correction(k *Total) Correction {
	period := g.Delivery.Period
	r := Correction{BillingAccountID: g.Delivery.Payer, BillingCurrency: k.Currency, BillingPeriodStart: period.Start(), BillingPeriodEnd: period.End(),
		ChargeCategory: chargeCategory(k.Kind), SubAccountID: k.Account, ConsumedUnit: k.Unit, Workload: k.Workload,
		Outcome: k.Outcome, Reason: k.Reason, Component: k.Component}
	r.ChargePeriodStart, r.ChargePeriodEnd = r.BillingPeriodStart, r.BillingPeriodEnd
	for _, b := range [...]struct {
		layout string
		end    func(time.Time) time.Time
	}{
		{"2006-01-02T15Z", func(t time.Time) time.Time { return t.Add(time.Hour) }},
		{time.DateOnly, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	} {
		if t, err := time.Parse(b.layout, k.Bucket); err == nil {
			r.ChargePeriodStart, r.ChargePeriodEnd = t, b.end(t)
		}
	}
	if g.States[k.Currency] == attribution.Invoiced {
		r.ChargeClass = "Correction"
	}
	return r
}

// WriteCorrections writes corrections as CSV, in FOCUS's columns and, beginning
// with x_, others. Texts that a spreadsheet would take for a formula begin with an
// apostrophe.
func WriteCorrections(w io.Writer, list []Correction) error {
	out := csv.NewWriter(w)
	head := []string{"BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd",
		"ChargeCategory", "ChargeClass", "ChargeDescription", "SubAccountId", "ConsumedQuantity", "ConsumedUnit", "BilledCost", "EffectiveCost",
		"x_NetUnblendedCost", "x_Rows", "x_Workload", "x_Outcome", "x_Reason", "x_Component"}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	null := func(d decimal.NullDecimal) string {
		if !d.Valid {
			return ""
		}
		return d.Decimal.String()
	}
	err := out.Write(head)
	for i := range list {
		r := &list[i]
		err = cmp.Or(err, out.Write([]string{text(r.BillingAccountID), text(r.BillingCurrency), at(r.BillingPeriodStart), at(r.BillingPeriodEnd),
			at(r.ChargePeriodStart), at(r.ChargePeriodEnd), r.ChargeCategory, r.ChargeClass, r.ChargeDescription, text(r.SubAccountID),
			null(r.ConsumedQuantity), text(r.ConsumedUnit), r.BilledCost.String(), null(r.EffectiveCost), null(r.NetCost), strconv.FormatInt(r.Rows, 10),
			text(string(r.Workload)), string(r.Outcome), text(string(r.Reason)), text(string(r.Component))}))
	}
	out.Flush()
	if err = cmp.Or(err, out.Error()); err != nil {
		return fmt.Errorf("ledger: write corrections: %w", err)
	}
	return nil
}

// text neutralises what a spreadsheet would work out.
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
