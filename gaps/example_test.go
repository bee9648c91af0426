package gaps_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// exampleStatement is of a runtime that nobody claims, beside one that is claimed.
func exampleStatement() (*attribution.Statement, *attribution.Claims) {
	const prefix = "arn:aws:bedrock-agentcore:us-east-1:820723250459:"
	claims := &attribution.Claims{
		Claims: []attribution.Claim{{ID: "c-1", Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: prefix + "runtime/support_bot-Qe7Rt2Ya9L"},
			Target: attribution.Whole{Workload: "support-bot"}, From: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}},
		Workloads: []attribution.Workload{{ID: "support-bot", Name: "Support Bot", Owner: "becki.smith"}},
	}
	rollup := cur.Rollup{Where: attribution.DefaultScope().Where()}
	partial, _ := rollup.Rows(func(yield func(*cur.LineItem, error) bool) {
		for day := 19; day < 24; day++ {
			for _, runtime := range []string{"support_bot-Qe7Rt2Ya9L", "support_experiment-Zx81qLm4Tn"} {
				start := time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC)
				li := &cur.LineItem{Payer: "741258963014", BillingPeriod: cur.MonthOf(start), BillingEntity: "AWS", ProductCode: "AmazonBedrockAgentCore",
					UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours", LineItemType: "Usage", Currency: "USD",
					UsageAccount: "820723250459", Resource: prefix + "runtime/" + runtime, IntervalStart: start, IntervalEnd: start.AddDate(0, 0, 1)}
				if li.Set(cur.UnblendedCost, decimal.RequireFromString("9.70")) != nil || !yield(li, nil) {
					return
				}
			}
		}
	})
	index, _ := attribution.NewIndex(claims, nil, partial.Spec())
	statements, _ := attribution.Attribute(context.Background(), partial, index, &attribution.Options{
		Delivery: cur.Delivery{AsOf: time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)}})
	return statements[0], claims
}

func ExampleDetect() {
	statement, claims := exampleStatement()
	report, err := gaps.Detect(context.Background(), gaps.Input{Statement: statement, Claims: claims,
		Directory: gaps.People{Claims: claims, Lead: "ravi.menon"}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range report.Gaps {
		e := g.Evidence
		fmt.Printf("%s in %s %v since %s: %s %s so far, %s by the end of the month\n", g.Kind, g.Subject.Account, e.Regions,
			e.FirstSeen.Format(time.DateOnly), e.Spend.StringFixed(2), g.Currency, e.Projected.Decimal.StringFixed(2))
		fmt.Printf("%s: %s (%s)\n", g.Remedy, g.Notify.To, g.Notify.As)
		for _, r := range g.Candidates[0].Reasons {
			fmt.Printf("  %s, %s: %s\n", g.Candidates[0].Workload, r.Code, r.Detail)
		}
	}
	fmt.Println("not looked for:", report.Silent)
	// Output:
	// unclaimed_runtime in 820723250459 [us-east-1] since 2026-05-19: 48.50 USD so far, 126.10 by the end of the month
	// Notify PO: becki.smith (workload_owner)
	//   support-bot, naming: support_experiment shares the words support with it
	//   support-bot, account: it alone spends in account 820723250459
	//   support-bot, overlap: its runtimes ran on 5 of the days
	//   support-bot, region: it spends in region us-east-1 there
	// not looked for: [no_budget_allocation not_business_approved out_of_approved_scope estimate_missing]
}

func ExampleBook() {
	ctx := context.Background()
	store := storage.New(memstore.New(), nil)
	defer store.Close()
	book := gaps.NewBook(store, &gaps.BookOptions{Now: func() time.Time { return time.Date(2026, 5, 26, 9, 0, 0, 0, time.UTC) }})

	statement, claims := exampleStatement()
	report, err := gaps.Detect(ctx, gaps.Input{Statement: statement, Claims: claims}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		changed, err := book.Reconcile(ctx, report, 0)
		fmt.Printf("opened %d, updated %d, %v\n", changed.Opened, changed.Updated, err)
	}
	bill := gaps.Bill{Payer: "741258963014", Currency: "USD"}
	for e, err := range book.Entries(ctx, bill) {
		if err != nil {
			fmt.Println(err)
			return
		}
		e, err = book.Suppress(ctx, gaps.Action{Ref: e.Ref(), Seen: e.Version, Actor: "ravi.menon", Role: "finops_lead",
			Rationale: "ends with the experiment"}, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			fmt.Println(err)
			return
		}
		for ev, err := range book.History(ctx, e.Ref()) {
			fmt.Printf("%s by %s: %s, %s USD %v\n", ev.Action, ev.Actor, ev.Rationale, ev.Spend, err)
		}
		for _, line := range gaps.RollUp([]*gaps.Entry{e}, gaps.ByKind, time.Time{}) {
			fmt.Println(line.Value, line.Gaps, line.Counted)
		}
	}
	// Output:
	// opened 1, updated 0, <nil>
	// opened 0, updated 0, <nil>
	// opened by spendclaim: a statement shows it, 48.5 USD <nil>
	// suppressed by ravi.menon: ends with the experiment, 48.5 USD <nil>
	// unclaimed_runtime 1 48.5
}

// weekends finds what ran on a Saturday or Sunday.
type weekends struct{}

func (weekends) Kinds() []gaps.Kind    { return []gaps.Kind{"weekend"} }
func (weekends) Needs(*gaps.View) bool { return true }
func (weekends) Detect(v *gaps.View, report func(gaps.Finding)) {
	for s := range v.Spends() {
		report(gaps.Finding{Kind: "weekend", Remedy: "Switch Off", Spend: s, Why: "it runs when nobody works",
			Subject: gaps.Subject{Account: s.Key.UsageAccount, Anchor: s.Anchor},
			On:      func(day time.Time) bool { return day.Weekday() == time.Saturday || day.Weekday() == time.Sunday }})
	}
}

// Detectors of one's own find kinds of one's own.
func ExampleDetector() {
	statement, claims := exampleStatement()
	report, err := gaps.Detect(context.Background(), gaps.Input{Statement: statement, Claims: claims},
		&gaps.Options{Detectors: append(gaps.Detectors(), weekends{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range report.Gaps {
		fmt.Println(g.Kind, g.Remedy, g.Evidence.Spend, g.Evidence.Counted)
	}
	// Output:
	// unclaimed_runtime Notify PO 48.5 48.5
	// weekend Switch Off 9.7 0
	// weekend Switch Off 9.7 9.7
}

func ExampleIdentify() {
	// Other spellings of one role are one gap.
	for _, role := range []string{"arn:aws:iam::820723250459:role/agents/lab", "arn:aws:sts::820723250459:assumed-role/lab/session"} {
		fmt.Println(gaps.Identify(gaps.UnclaimedPrincipal, gaps.Subject{Account: "820723250459",
			Anchor: attribution.Anchor{Kind: attribution.KindRole, Value: role}}))
	}
	// Output:
	// 73a32c59a9b653de84400d4716292ae3
	// 73a32c59a9b653de84400d4716292ae3
}
