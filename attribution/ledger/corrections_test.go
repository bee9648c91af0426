package ledger_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

var styles = []ledger.CorrectionStyle{ledger.DeltaStyle, ledger.LedgerStyle}

// place is what sums of corrections are compared by.
type place struct {
	currency, workload, outcome, component, start string
}

// Whatever changed, corrections of both styles add up to the difference of what was
// stated, everywhere.
func TestCorrectionsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := open(memstore.New(), nil)
		draw := func(name string) ([]*cur.LineItem, *attribution.Claims) {
			var rows []*cur.LineItem
			for range rapid.IntRange(1, 8).Draw(t, name+" rows") {
				li := row(t, fmt.Sprintf("2026-05-%02d", rapid.IntRange(1, 3).Draw(t, "day")), decimal.New(rapid.Int64Range(-9, 99).Draw(t, "cost"), -1).String(),
					rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "resource"))
				li.LineItemType = rapid.SampledFrom([]string{"Usage", "Usage", "Tax", "Credit", "Refund", "RIFee", "EdpDiscount", "Odd"}).Draw(t, "type")
				li.Currency = rapid.SampledFrom([]string{"USD", "USD", "EUR"}).Draw(t, "currency")
				li.InvoiceID = rapid.SampledFrom([]string{"", "inv-1"}).Draw(t, "invoice")
				li.ProductCode = rapid.SampledFrom([]string{li.ProductCode, li.ProductCode, "AmazonEC2"}).Draw(t, "product")
				rows = append(rows, li)
			}
			var c []attribution.Claim
			for _, r := range []string{"r1", "r2"} {
				if rapid.Bool().Draw(t, r+" claimed") {
					c = append(c, claim("c-"+r, r, rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "workload")))
				}
			}
			return rows, claims(c...)
		}
		oldRows, oldClaims := draw("old")
		newRows, newClaims := draw("new")
		a := book(t, l, delivery(t, "2026-05-20", "1", roll(t, nil, oldRows...)), oldClaims, nil).Generation
		b := book(t, l, delivery(t, "2026-06-20", "2", roll(t, nil, newRows...)), newClaims, nil).Generation
		want := map[place]decimal.Decimal{}
		for sign, g := range map[int64]ledger.Generation{-1: a, 1: b} {
			list, err := l.Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				start := x.Bucket
				if start == "" {
					start = "2026-05-01"
				}
				k := place{x.Currency, string(x.Workload), string(x.Outcome), string(x.Component), start}
				want[k] = want[k].Add(x.Unblended.Mul(decimal.NewFromInt(sign)))
			}
		}
		for _, style := range styles {
			list, err := l.Corrections(ctx, a, b, style)
			if err != nil {
				t.Fatal(err)
			}
			got := map[place]decimal.Decimal{}
			for _, r := range list {
				k := place{r.BillingCurrency, string(r.Workload), string(r.Outcome), string(r.Component), r.ChargePeriodStart.Format("2006-01-02")}
				got[k] = got[k].Add(r.BilledCost)
			}
			if d := cmp.Diff(nonzero(want), nonzero(got)); d != "" {
				t.Errorf("%s: corrections (-difference +corrections):\n%s", style, d)
			}
			if none, err := l.Corrections(ctx, b, b, style); err != nil || len(none) > 0 {
				t.Errorf("%s: of a generation to itself: %v, %v", style, none, err)
			}
		}
	})
}

func nonzero(m map[place]decimal.Decimal) (out []string) {
	for k, v := range m {
		if !v.IsZero() {
			out = append(out, fmt.Sprintf("%+v %s", k, v))
		}
	}
	slices.Sort(out)
	return out
}

func TestCorrectionsInFOCUS(t *testing.T) {
	l := open(memstore.New(), nil)
	invoiced := func(li *cur.LineItem) { li.InvoiceID = "inv-1" }
	none := claims(claim("c", "r1", "=cmd|' /C calc'!A0"))
	a := book(t, l, delivery(t, "2026-06-10", "1", roll(t, nil, row(t, "2026-05-03", "1.50", "r1", invoiced), row(t, "2026-05-04", "2", "r1", invoiced))), none, nil).Generation
	b := book(t, l, delivery(t, "2026-06-14", "2", roll(t, nil, row(t, "2026-05-03", "1.25", "r1", invoiced), row(t, "2026-05-04", "2", "r1", invoiced))), none, nil).Generation
	want := map[ledger.CorrectionStyle][]string{
		ledger.DeltaStyle: {"Usage Correction difference to the total of generation 1: -0.25, 0 rows"},
		ledger.LedgerStyle: {"Usage Correction reversal of the total of generation 1: -1.5, -1 rows",
			"Usage Correction restated total of generation 2: 1.25, 1 rows"},
	}
	for _, style := range styles {
		list, err := l.Corrections(ctx, a, b, style)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s %s %s: %s, %d rows", r.ChargeCategory, r.ChargeClass, r.ChargeDescription, r.BilledCost, r.Rows))
			if r.ChargePeriodStart.Format("2006-01-02") != "2026-05-03" || r.ChargePeriodEnd.Format("2006-01-02") != "2026-05-04" || r.BillingAccountID != payer {
				t.Errorf("%s: period and account of %+v", style, r)
			}
		}
		if d := cmp.Diff(want[style], got); d != "" {
			t.Errorf("%s (-want +got):\n%s", style, d)
		}
		var out bytes.Buffer
		if err := ledger.WriteCorrections(&out, list); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(records) != len(list)+1 {
			t.Fatalf("%s: %d records, %v", style, len(records), err)
		}
		for _, rec := range records[1:] {
			if w := rec[slices.Index(records[0], "x_Workload")]; w != "'=cmd|' /C calc'!A0" {
				t.Errorf("workload %q is not neutralised", w)
			}
			if c := rec[slices.Index(records[0], "BilledCost")]; strings.HasPrefix(c, "'") {
				t.Errorf("cost %q is a text", c)
			}
		}
	}
	// The month was open when the first of these was booked: no Correction, as
	// FOCUS understands the word.
	l = open(memstore.New(), nil)
	a = book(t, l, delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-03", "1.50", "r1"))), none, nil).Generation
	b = book(t, l, delivery(t, "2026-05-11", "2", roll(t, nil, row(t, "2026-05-03", "1.25", "r1"))), none, nil).Generation
	list, err := l.Corrections(ctx, a, b, ledger.DeltaStyle)
	if err != nil || len(list) != 1 || list[0].ChargeClass != "" {
		t.Errorf("of an open month: %+v, %v", list, err)
	}
	other := b
	other.Delivery.Payer = "000000000000"
	if _, err := l.Corrections(ctx, a, other, ledger.DeltaStyle); !errors.Is(err, attribution.ErrNotComparable) {
		t.Errorf("of two books: %v", err)
	}
	if _, err := l.Corrections(ctx, a, b, "net"); err == nil {
		t.Error("an unknown style is accepted")
	}
}
