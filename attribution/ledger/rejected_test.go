package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// A delivery with rows that could not be read is booked with an override or not at
// all, and its rejected rows stay in the books.
func TestRejectedRowsNeedAnOverrideAndAreKept(t *testing.T) {
	const head = "bill_payer_account_id,bill_billing_period_start_date,line_item_usage_start_date,line_item_line_item_type,line_item_currency_code,line_item_product_code,line_item_resource_id,line_item_unblended_cost\n"
	line := func(product, cost string) string {
		return payer + ",2026-05-01T00:00:00Z,2026-05-04T00:00:00Z,Usage,USD," + product + ",r1," + cost + "\n"
	}
	report := head + line("AmazonBedrockAgentCore", "1.5") + line("AmazonBedrockAgentCore", "1,5") + line("AmazonBedrockAgentCore", "1.x") + line("AmazonEC2", "?") + line("AmazonEC2", "2")
	sets, err := cur.Locate(ctx, cur.FS(fstest.MapFS{"in": {Data: []byte(report)}}), "in")
	if err != nil {
		t.Fatal(err)
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), AsOf: at(t, "2026-05-10"), Faults: cur.Faults{Most: 3}}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		t.Fatal(err)
	}
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		_, err := l.Prepare(ctx, rolled[0], nil, nil)
		if !errors.Is(err, ledger.ErrNotReconciled) || !strings.Contains(err.Error(), "cost_unreadable, 2 rows; USD: row_unreadable, 1 rows") {
			t.Fatalf("Prepare: %v, want ErrNotReconciled that says why", err)
		}
		book(t, l, rolled[0], nil, because("asked AWS for a new export"))
		// From what is stored, under other claims.
		b, err := l.Reattribute(ctx, payer, month(t, "2026-05"), &attribution.Claims{Claims: []attribution.Claim{{ID: "c",
			Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "r1", Account: account}, Target: attribution.Whole{Workload: "w"}, From: at(t, "2026-01-01")}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Statements) != 1 {
			t.Fatalf("%d statements, want one: a row without a currency belongs with the others", len(b.Statements))
		}
		s := b.Statements[0]
		got := s.Outcomes()[attribution.Rejected]
		reasons := map[attribution.Reason]int64{}
		for reason, a := range got.Reasons {
			reasons[reason] = a.Rows
		}
		want := map[attribution.Reason]int64{attribution.ReasonCostUnreadable: 2, attribution.ReasonRowUnreadable: 1}
		if d := cmp.Diff(want, reasons); d != "" || got.Rows != 3 || !got.Unblended.IsZero() {
			t.Errorf("rejected %+v, reasons (-want +got):\n%s", got, d)
		}
		if s.Reconciled || len(s.Differences) != 0 || s.Totals.Rows != 5 || s.Control.Rows != 5 || s.Totals.Unblended.String() != "3.5" {
			t.Errorf("reconciled %v, differences %v, totals %+v, control %+v", s.Reconciled, s.Differences, s.Totals, s.Control)
		}
		if b.Generation.Override != "asked AWS for a new export" {
			t.Errorf("override %q is not kept", b.Generation.Override)
		}
	})
}
