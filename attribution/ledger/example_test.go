package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// usage makes rows of one runtime, a cost a day from 2026-05-01 on.
func usage(costs ...string) iter.Seq2[*cur.LineItem, error] {
	return func(yield func(*cur.LineItem, error) bool) {
		day := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		for i, cost := range costs {
			start := day.AddDate(0, 0, i)
			li := &cur.LineItem{
				Payer: "999999999999", BillingPeriod: cur.MonthOf(day), BillingEntity: "AWS", LineItemType: "Usage", Currency: "USD",
				ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours",
				UsageAccount: "111111111111", Region: "us-east-1", Resource: "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1",
				IntervalStart: start, IntervalEnd: start.AddDate(0, 0, 1),
			}
			err := li.Set(cur.UnblendedCost, decimal.RequireFromString(cost))
			if !yield(li, err) {
				return
			}
		}
	}
}

// owner is a set of claims: the runtime belongs to one workload.
func owner(workload attribution.WorkloadID) *attribution.Claims {
	return &attribution.Claims{Claims: []attribution.Claim{{
		ID:     "bot",
		Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1"},
		Target: attribution.Whole{Workload: workload},
		From:   time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	}}}
}

func delivered(asOf time.Time, costs ...string) cur.Rolled {
	r := cur.Rollup{Where: attribution.DefaultScope().Where()}
	p, err := r.Rows(usage(costs...))
	if err != nil {
		log.Fatal(err)
	}
	return cur.Rolled{Partial: p, Delivery: cur.Delivery{Export: "own rows", AsOf: asOf}}
}

func show(b *ledger.Booking) {
	g := b.Generation
	fmt.Printf("generation %d: %s\n", g.Number, g.Cause)
	for _, d := range b.Delta {
		fmt.Printf("  %s %s %s %s %s\n", d.Label, d.Outcome, d.Workload, d.Currency, d.Unblended)
	}
}

func Example() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)

	// A delivery is booked once it is committed; until then it is a preview.
	first, err := books.Prepare(ctx, delivered(time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), "1.10", "2.20"), owner("support-bot"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := first.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	show(first)

	// A later one replaces it: a day was restated, another has come.
	second, err := books.Prepare(ctx, delivered(time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC), "1.05", "2.20", "3.30"), owner("support-bot"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := second.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	show(second)
	// Output:
	// generation 1: first
	// generation 2: mixed
	//   new_days claimed support-bot USD 3.3
	//   restated claimed support-bot USD -0.05
}

func ExampleLedger_Reattribute() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)
	b, err := books.Prepare(ctx, delivered(time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), "1.10", "2.20"), owner("support-bot"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := b.Commit(ctx); err != nil {
		log.Fatal(err)
	}

	// New claims are applied to the stored groups: no cost file is opened.
	claims, err := books.SaveClaims(ctx, owner("sales-bot"))
	if err != nil {
		log.Fatal(err)
	}
	for head, err := range books.Heads(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		b, err := books.Reattribute(ctx, head.Delivery.Payer, head.Delivery.Period, claims)
		if err != nil {
			log.Fatal(err)
		}
		if err := b.Commit(ctx); err != nil {
			log.Fatal(err)
		}
		show(b)
	}
	// Output:
	// generation 2: ownership
	//   ownership claimed sales-bot USD 3.3
	//   ownership claimed support-bot USD -3.3
}

func ExampleLedger_Prepare_older() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)
	for _, day := range []int{5, 4} {
		b, err := books.Prepare(ctx, delivered(time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC), fmt.Sprint(day)), nil, nil)
		if errors.Is(err, ledger.ErrOlder) {
			fmt.Println(err)
			return
		}
		if err == nil {
			err = b.Commit(ctx)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// ledger: book payer "999999999999", period 2026-05: older than the booked delivery: this one was written at 2026-05-04T00:00:00Z, the booked one at 2026-05-05T00:00:00Z
}

func ExampleLedger_Generation() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)
	for i, workload := range []attribution.WorkloadID{"support-bot", "sales-bot"} {
		b, err := books.Prepare(ctx, delivered(time.Date(2026, 5, 4+i, 0, 0, 0, 0, time.UTC), "1.10", "2.20"), owner(workload), nil)
		if err == nil {
			err = b.Commit(ctx)
		}
		if err != nil {
			log.Fatal(err)
		}
	}

	// What was decided on generation 1 can be looked up for good.
	month, err := cur.ParseMonth("2026-05")
	if err != nil {
		log.Fatal(err)
	}
	g, err := books.Generation(ctx, "999999999999", month, 1)
	if err != nil {
		log.Fatal(err)
	}
	statements, err := books.Statements(ctx, g)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range statements {
		for _, w := range s.Workloads() {
			fmt.Println(w.Workload, w.Unblended, s.Currency)
		}
	}
	// Output:
	// support-bot 3.3 USD
}

// What changed after a card was approved, in the two styles of FOCUS.
func ExampleLedger_Corrections() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	books := ledger.New(store, nil)
	var generations []ledger.Generation
	for n, costs := range [][]string{{"1.10", "2.20"}, {"1.05", "2.20"}} {
		b, err := books.Prepare(ctx, delivered(time.Date(2026, 6, 4+n, 0, 0, 0, 0, time.UTC), costs...), owner("support-bot"), nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := b.Commit(ctx); err != nil {
			log.Fatal(err)
		}
		generations = append(generations, b.Generation)
	}
	for _, style := range []ledger.CorrectionStyle{ledger.DeltaStyle, ledger.LedgerStyle} {
		rows, err := books.Corrections(ctx, generations[0], generations[1], style)
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range rows {
			fmt.Println(style, r.ChargePeriodStart.Format(time.DateOnly), r.Workload, r.BilledCost, r.ChargeDescription)
		}
	}
	// Output:
	// delta 2026-05-01 support-bot -0.05 difference to the total of generation 1
	// ledger 2026-05-01 support-bot -1.1 reversal of the total of generation 1
	// ledger 2026-05-01 support-bot 1.05 restated total of generation 2
}
