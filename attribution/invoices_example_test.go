package attribution_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// What was exported is compared with the invoice that came by mail.
func ExampleStatement_Invoices() {
	const report = `bill_invoice_id,bill_invoicing_entity,bill_billing_period_start_date,line_item_usage_start_date,line_item_product_code,line_item_currency_code,line_item_unblended_cost
EUINGB26-1,Amazon Web Services EMEA SARL,2026-05-01,2026-05-04,AmazonBedrock,USD,840.0000000021
EUINGB26-1,Amazon Web Services EMEA SARL,2026-05-01,2026-05-04,AmazonEC2,USD,12.3449
,AWS Marketplace,2026-05-01,2026-05-04,abc,USD,3.5
`
	ctx := context.Background()
	sets, err := cur.Locate(ctx, cur.FS(fstest.MapFS{"may.csv": {Data: []byte(report)}}), "may.csv")
	if err != nil {
		log.Fatal(err)
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), AsOf: time.Date(2026, 6, 5, 0, 0, 0, 0, time.UTC)}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		log.Fatal(err)
	}
	ix, err := attribution.NewIndex(nil, nil, r.Spec())
	if err != nil {
		log.Fatal(err)
	}
	statements, err := attribution.Attribute(ctx, rolled[0].Partial, ix, &attribution.Options{Delivery: rolled[0].Delivery})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range statements[0].Invoices() {
		fmt.Printf("%q of %s, %s: %s, %s cents\n", t.ID, t.InvoicingEntity, t.State, t.Unblended, t.Minor.Decimal)
		if t.ID != "" {
			difference, err := t.Compare(decimal.RequireFromString("852.35"))
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("  exported less printed: %s cents\n", difference)
		}
	}
	// Output:
	// "" of AWS Marketplace, provisional: 3.5, 350 cents
	// "EUINGB26-1" of Amazon Web Services EMEA SARL, invoiced: 852.3449000021, 85234 cents
	//   exported less printed: -1 cents
}
