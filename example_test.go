package spendclaim_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// report is a cost report of four rows; the data is synthetic. The model call
// carries a principal, the agent's infrastructure a resource id.
const report = `bill_payer_account_id,bill_billing_entity,identity_time_interval,line_item_line_item_type,line_item_product_code,line_item_usage_type,line_item_resource_id,line_item_iam_principal,line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_currency_code,line_item_usage_account_id,product_region_code
111122223333,AWS,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrock,USE1-NovaPro-input-tokens,,arn:aws:sts::444455556666:assumed-role/support-bot/session-17,2000,1K tokens,1.6,USD,444455556666,us-east-1
111122223333,AWS,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrockAgentCore,USE1-Runtime:Consumption-based:vCPU,arn:aws:bedrock-agentcore:us-east-1:444455556666:runtime/support_bot-a1B2c3D4e5,,10,vCPU-Hours,0.895,USD,444455556666,us-east-1
111122223333,AWS,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrockAgentCore,USE1-Memory:Consumption-based:Short-Term-Memory,arn:aws:bedrock-agentcore:us-east-1:444455556666:memory/notes-f6G7h8I9j0,,1200,Events,0.3,USD,444455556666,us-east-1
111122223333,AWS,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonEC2,USE1-BoxUsage:t3.micro,i-0abc,,24,Hrs,0.2496,USD,444455556666,us-east-1
`

// From a report to books: read and sum it, attribute it to the workloads that
// claimed its anchors, and book the statement.
func Example() {
	ctx := context.Background()
	files := fstest.MapFS{"may.csv": {Data: []byte(report), ModTime: time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)}}

	from := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	claims := &attribution.Claims{Claims: []attribution.Claim{
		{ID: "c-1", From: from, Target: attribution.Whole{Workload: "support-bot"},
			Anchor: attribution.Anchor{Kind: attribution.KindRole, Value: "arn:aws:iam::444455556666:role/agents/support-bot"}},
		{ID: "c-2", From: from, Target: attribution.Whole{Workload: "support-bot"},
			Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "arn:aws:bedrock-agentcore:us-east-1:444455556666:runtime/support_bot-a1B2c3D4e5"}},
	}}

	sets, err := cur.Locate(ctx, cur.FS(files), "may.csv")
	if err != nil {
		log.Fatal(err)
	}
	rollup := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(claims, nil)}
	rolled, err := rollup.Run(ctx, sets[0])
	if err != nil {
		log.Fatal(err)
	}

	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)
	booking, err := books.Prepare(ctx, rolled[0], claims, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := booking.Commit(ctx); err != nil {
		log.Fatal(err)
	}

	s := booking.Statements[0]
	for _, w := range s.Workloads() {
		fmt.Println(w.Workload, w.Unblended, s.Currency)
		for _, c := range w.Components {
			fmt.Println("  ", c.Component, c.Usage.Decimal, c.Unit, c.Unblended)
		}
	}
	for _, u := range s.Unclaimed() {
		fmt.Println("nobody's:", u.Anchor, u.Unblended, u.Reason)
	}
	fmt.Println("adds up:", s.Reconciled, s.Totals.Unblended, "in", s.Totals.Rows, "rows")

	// Output:
	// support-bot 2.495 USD
	//    runtime_vcpu 10 vCPU-Hours 0.895
	//    model_input 2000 1K tokens 1.6
	// nobody's: arn:aws:bedrock-agentcore:us-east-1:444455556666:memory/notes-f6G7h8I9j0 0.3 no_claim
	// adds up: true 3.0446 in 4 rows
}
