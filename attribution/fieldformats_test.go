package attribution_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// Rule 4: a month is not final on the first day of the next. Whether it is, the rows
// say, and each slice of the bill for itself.
func TestField04StateComesFromInvoices(t *testing.T) {
	aws, market := on("E1", "AWS Inc."), on("", "Marketplace")
	usage := func(edit func(*cur.LineItem)) *cur.LineItem { return row(t, "2026-05-30", "1", edit) }
	for _, c := range []struct {
		name, asOf string
		rows       []*cur.LineItem
		want       attribution.State
		slices     []string
	}{
		{"before its end", "2026-05-31T23:59:59Z", []*cur.LineItem{usage(on("", "AWS Inc."))}, attribution.Open, []string{"AWS Inc. open"}},
		{"at its end", "2026-06-01", []*cur.LineItem{usage(on("", "AWS Inc."))}, attribution.Provisional, []string{"AWS Inc. provisional"}},
		{"two weeks on and still no invoice", "2026-06-14", []*cur.LineItem{usage(on("", "AWS Inc."))}, attribution.Provisional, []string{"AWS Inc. provisional"}},
		{"one seller has invoiced", "2026-06-04", []*cur.LineItem{usage(aws), usage(market)}, attribution.Provisional, []string{"Marketplace provisional", "AWS Inc. invoiced"}},
		{"all have", "2026-06-04", []*cur.LineItem{usage(aws), usage(on("M1", "Marketplace"))}, attribution.Invoiced, []string{"AWS Inc. invoiced", "Marketplace invoiced"}},
		{"an invoice before the end", "2026-05-20", []*cur.LineItem{usage(on("", "AWS Inc.")), row(t, "2026-05-02", "5", both(kind("Fee"), on("P1", "AWS Inc.")))},
			attribution.Open, []string{"AWS Inc. open", "AWS Inc. invoiced"}},
		{"only a credit is on no invoice", "2026-06-04", []*cur.LineItem{usage(aws), row(t, "2026-05-02", "-1", both(kind("Credit"), on("", "AWS Inc.")))},
			attribution.Invoiced, []string{"AWS Inc. provisional", "AWS Inc. invoiced"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := roll(t, c.rows...)
			st := attribute(t, p, index(t, p, nil), &attribution.Options{Delivery: cur.Delivery{Period: month(t, "2026-05"), AsOf: at(t, c.asOf)}})
			var slices []string
			for _, x := range st.Invoices() {
				slices = append(slices, fmt.Sprintf("%s %s", x.InvoicingEntity, x.State))
			}
			if d := cmp.Diff(c.slices, slices); st.State != c.want || d != "" {
				t.Errorf("state %s, want %s; slices (-want +got):\n%s", st.State, c.want, d)
			}
		})
	}
}

// Rule 14: other partitions and other currencies. A role is one of its partition,
// and amounts of two currencies never meet.
func TestField14PartitionsAndCurrencies(t *testing.T) {
	cn := func(li *cur.LineItem) {
		li.ProductCode, li.UsageType, li.PricingUnit = "AmazonBedrock", "CNN1-Nova2.0Lite-input-tokens", "1K tokens"
		li.Principal, li.Currency, li.Region = "arn:aws-cn:sts::"+acct1+":assumed-role/App/s", "CNY", "cn-north-1"
	}
	us := both(cn, func(li *cur.LineItem) {
		li.Principal, li.Currency, li.Region = "arn:aws:sts::"+acct1+":assumed-role/App/s", "USD", "us-east-1"
	})
	gov := both(us, func(li *cur.LineItem) { li.Principal = "arn:aws-us-gov:sts::" + acct1 + ":assumed-role/App/s" })
	p := roll(t, row(t, "2026-05-02", "7", cn), row(t, "2026-05-02", "2", us), row(t, "2026-05-02", "4", gov))
	ix := index(t, p, nil, claim("cn", "role", "arn:aws-cn:iam::"+acct1+":role/App", ""), claim("us", "role", "arn:aws:iam::"+acct1+":role/App", ""),
		claim("gov", "role", "arn:aws-us-gov:iam::"+acct1+":role/App", ""))
	all, err := attribution.Attribute(t.Context(), p, ix, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, st := range all {
		got[st.Currency] = st.Totals.Unblended.String()
		for _, w := range st.Workloads() {
			got[st.Currency+" "+string(w.Workload)] = w.Unblended.String()
		}
		if !st.Reconciled {
			t.Errorf("%s: %v", st.Currency, st.Differences)
		}
	}
	want := map[string]string{"CNY": "7", "CNY w-cn": "7", "USD": "6", "USD w-us": "2", "USD w-gov": "4"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("totals (-want +got):\n%s", d)
	}
}
