package attribution_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// on puts a row on an invoice.
func on(id, seller string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.InvoiceID, li.InvoicingEntity, li.LegalEntity = id, seller, seller }
}

func in(currency string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.Currency = currency }
}

// lines spells invoice totals.
func lines(list []attribution.InvoiceTotal) (out []string) {
	for _, t := range list {
		minor := "null"
		if t.Minor.Valid {
			minor = t.Minor.Decimal.String()
		}
		out = append(out, fmt.Sprintf("%q %s %s %s: %d rows, %s, %s", t.ID, t.InvoicingEntity, t.Currency, t.State, t.Rows, t.Unblended, minor))
	}
	return out
}

func TestInvoiceTotals(t *testing.T) {
	elsewhere := func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" }
	rows := []*cur.LineItem{
		row(t, "2026-05-02", "1.004", on("E1", "AWS Inc.")),
		row(t, "2026-05-02", "1.001", both(on("E1", "AWS Inc."), elsewhere)), // half a cent, away from zero
		row(t, "2026-05-02", "-3.0049", both(on("E1", "AWS EMEA"), kind("Credit"))),
		row(t, "2026-05-03", "7", on("", "AWS Inc.")),
		row(t, "2026-05-03", "2", both(on("", "AWS Inc."), kind("Tax"))),
		row(t, "2026-05-03", "99.5", both(on("J", "AWS Japan"), in("JPY"))),
		row(t, "2026-05-03", "1.0005", both(on("K", "AWS"), in("KWD"))),
		row(t, "2026-05-03", "5", both(on("X", "AWS"), in("XXX"))),
	}
	p := roll(t, rows...)
	for asOf, want := range map[string][]string{
		"2026-05-25": {
			`"" AWS Inc. USD open: 2 rows, 9, 900`,
			`"E1" AWS EMEA USD invoiced: 1 rows, -3.0049, -300`,
			`"E1" AWS Inc. USD invoiced: 2 rows, 2.005, 201`,
			`"J" AWS Japan JPY invoiced: 1 rows, 99.5, 100`,
			`"K" AWS KWD invoiced: 1 rows, 1.0005, 1001`,
			`"X" AWS XXX invoiced: 1 rows, 5, null`,
		},
		"2026-06-03": {`"" AWS Inc. USD provisional: 2 rows, 9, 900`},
	} {
		all, err := attribution.Attribute(t.Context(), p, index(t, p, nil), &attribution.Options{Delivery: cur.Delivery{Period: month(t, "2026-05"), AsOf: at(t, asOf)}})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, st := range all {
			total := decimal.Zero
			for i, l := range lines(st.Invoices()) {
				got[l] = true
				total = total.Add(st.Invoices()[i].Unblended)
			}
			if !total.Equal(st.Totals.Unblended) {
				t.Errorf("%s: invoices add up to %s, the statement to %s", st.Currency, total, st.Totals.Unblended)
			}
		}
		for _, l := range want {
			if !got[l] {
				t.Errorf("as of %s: no %s among %v", asOf, l, got)
			}
		}
		if len(got) != 6 {
			t.Errorf("as of %s: %d invoices, want 6", asOf, len(got))
		}
	}
}

// Where discounts are in net columns alone, the invoice has them.
func TestInvoicesAreNetOfDiscounts(t *testing.T) {
	p := roll(t, row(t, "2026-05-02", "10", func(li *cur.LineItem) { on("E1", "AWS")(li); put(t, li, cur.NetUnblendedCost, "9.5") }),
		row(t, "2026-05-02", "1", on("E1", "AWS")))
	st := attribute(t, p, index(t, p, nil), nil)
	if x := st.Invoices()[0]; !x.Net.Valid || x.Minor.Decimal.String() != "1050" || x.Unblended.String() != "11" {
		t.Errorf("got %+v, want 1050 cents: what has no net cost has no discount", x)
	}
}

func TestCompareInvoice(t *testing.T) {
	total := func(cost, currency string) *attribution.InvoiceTotal {
		p := roll(t, row(t, "2026-05-02", cost, both(on("E1", "AWS"), in(currency))))
		return &attribute(t, p, index(t, p, nil), nil).Invoices()[0]
	}
	for _, c := range []struct{ cost, currency, printed, want string }{
		{"12.344", "USD", "12.34", "0"},
		{"12.345", "USD", "12.34", "1"},
		{"-12.345", "USD", "-12.34", "-1"},
		{"12.344", "USD", "20", "-766"},
		{"1500.4", "JPY", "1501", "-1"},
		{"1500.4", "KRW", "1500", "0"},
		{"1.2345", "KWD", "1.234", "1"},
	} {
		d, err := total(c.cost, c.currency).Compare(decimal.RequireFromString(c.printed))
		if err != nil || d.String() != c.want {
			t.Errorf("%s %s printed as %s: difference %s, %v; want %s", c.cost, c.currency, c.printed, d, err, c.want)
		}
	}
	for _, c := range []struct{ currency, printed string }{{"USD", "12.345"}, {"JPY", "1.5"}, {"XXX", "1"}, {"", "1"}} {
		if _, err := total("1", c.currency).Compare(decimal.RequireFromString(c.printed)); !errors.Is(err, attribution.ErrInvoiceTotal) {
			t.Errorf("%s %s: %v, want ErrInvoiceTotal", c.printed, c.currency, err)
		}
	}
}

// Rounded once, a slice is off by at most half a unit.
func TestMinorUnitsAreTheNearest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cost := decimal.New(rapid.Int64Range(-1e15, 1e15).Draw(rt, "cost"), -rapid.Int32Range(0, 12).Draw(rt, "scale"))
		p := roll(t, row(t, "2026-05-02", cost.String(), on("E1", "AWS")))
		x := attribute(t, p, index(t, p, nil), nil).Invoices()[0]
		off := cost.Shift(2).Sub(x.Minor.Decimal).Abs()
		if !x.Minor.Decimal.IsInteger() || off.GreaterThan(decimal.New(5, -1)) {
			rt.Errorf("%s is %s cents", cost, x.Minor.Decimal)
		}
	})
}

func TestATagThatNoRowHasIsAWarning(t *testing.T) {
	const mistyped cur.Column = "resourceTags/user:tema"
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: []cur.Column{teamTag, mistyped}}
	out := func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" }
	p := rollWith(t, r, []*cur.LineItem{row(t, "2026-05-02", "1", tagged("a")), row(t, "2026-05-02", "2", nil), row(t, "2026-05-02", "3", out)})
	st := attribute(t, p, index(t, p, nil), nil)
	if d := cmp.Diff([]attribution.Note{{Code: "tag_absent", Column: mistyped, Rows: 2}}, st.Warnings); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	p = rollWith(t, r, []*cur.LineItem{row(t, "2026-05-02", "3", out)})
	if st := attribute(t, p, index(t, p, nil), nil); len(st.Warnings) != 0 {
		t.Errorf("no row in scope: warnings %v, want none", st.Warnings)
	}
}
