package attribution_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

const claimsFile = `{
  "version": 1,
  "claims": [
    {"id": "c-1", "workload": "support-bot", "from": "2026-05-01",
     "anchor": {"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1"}},
    {"id": "c-2", "workload": "support-bot", "from": "2026-05-01",
     "anchor": {"kind": "role", "value": "arn:aws:iam::111111111111:role/agents/bot"}}
  ],
  "workloads": [{"id": "support-bot", "name": "Support Bot", "owner": "ann"}]
}`

// bill returns a few rows made by hand; cur.Rollup.Run reads them from files.
func bill() []*cur.LineItem {
	day := time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC)
	line := func(product, usageType, unit, cost string) *cur.LineItem {
		li := &cur.LineItem{Payer: "999999999999", BillingPeriod: cur.MonthOf(day), BillingEntity: "AWS", ProductCode: product,
			UsageType: usageType, PricingUnit: unit, LineItemType: "Usage", Currency: "USD", UsageAccount: "111111111111",
			Region: "us-east-1", IntervalStart: day, IntervalEnd: day.AddDate(0, 0, 1)}
		if err := li.Set(cur.UnblendedCost, decimal.RequireFromString(cost)); err != nil {
			log.Fatal(err)
		}
		return li
	}
	runtime := line("AmazonBedrockAgentCore", "USE1-Runtime:Consumption-based:vCPU", "vCPU-Hours", "60.0000000001")
	runtime.Resource = "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1/runtime-endpoint/DEFAULT"
	call := line("AmazonBedrock", "USE1-Claude4.5-input-tokens", "1K tokens", "840")
	call.Principal = "arn:aws:sts::111111111111:assumed-role/bot/BedrockAgentCore-7f3c"
	memory := line("AmazonBedrockAgentCore", "USE1-Memory:Consumption-based:Short-Term-Memory", "Events", "12.25")
	memory.Resource = "arn:aws:bedrock-agentcore:us-east-1:111111111111:memory/nobodys-1"
	memory.SetColumn("resourceTags/user:team", "research")
	return []*cur.LineItem{runtime, call, memory, line("AmazonEC2", "BoxUsage", "Hrs", "5")}
}

func rollUp(keys ...cur.Column) *cur.Partial {
	rollup := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: keys}
	p, err := rollup.Rows(func(yield func(*cur.LineItem, error) bool) {
		for _, li := range bill() {
			if !yield(li, nil) {
				return
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	return p
}

func Example() {
	claims, err := attribution.ParseClaims("claims.json", []byte(claimsFile))
	if err != nil {
		log.Fatal(err)
	}
	p := rollUp(attribution.Columns(claims, nil)...)
	index, err := attribution.NewIndex(claims, nil, p.Spec())
	if err != nil {
		log.Fatal(err)
	}
	statements, err := attribution.Attribute(context.Background(), p, index, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range statements {
		for _, w := range s.Workloads() {
			fmt.Println(w.Name, "of", w.Owner, w.Unblended)
			for _, c := range w.Components {
				fmt.Println("  ", c.Component, c.Unblended)
			}
		}
		for _, u := range s.Unclaimed() {
			fmt.Println("nobody's:", u.Anchor, u.Unblended, u.Reason)
		}
		fmt.Println("excluded:", s.Outcomes()[attribution.Excluded].Unblended)
		fmt.Println("total:", s.Totals.Unblended, "reconciled:", s.Reconciled)
	}
	// Output:
	// Support Bot of ann 900.0000000001
	//    runtime_vcpu 60.0000000001
	//    model_input 840
	// nobody's: arn:aws:bedrock-agentcore:us-east-1:111111111111:memory/nobodys-1 12.25 no_claim
	// excluded: 5
	// total: 917.2500000001 reconciled: true
}

func ExampleClaims() {
	may := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	bot := attribution.Anchor{Kind: attribution.KindRole, Value: "arn:aws:iam::111111111111:role/agents/bot"}
	same := attribution.Anchor{Kind: attribution.KindRole, Value: "bot", Account: "111111111111"}
	claims := &attribution.Claims{Claims: []attribution.Claim{
		{ID: "c-1", Anchor: bot, Target: attribution.Whole{Workload: "support-bot"}, From: may},
		{ID: "c-2", Anchor: same, Target: attribution.Whole{Workload: "pilot"}, From: may.AddDate(0, 0, 14)},
	}}
	fmt.Println(claims.Validate(nil))
	// A transfer: the one ends where the other begins.
	claims.Claims[0].To = claims.Claims[1].From
	fmt.Println(claims.Validate(nil))
	// Output:
	// attribution: claims: claim 2 "c-2": claim "c-1" holds role bot in account 111111111111 as well, from 2026-05-15 on: two claims on one anchor
	// <nil>
}

func ExampleParseARN() {
	a, ok := attribution.ParseARN("arn:aws:bedrock-agentcore:us-east-1:111111111111:memory/m-1")
	fmt.Println(a.Service, a.Region, a.Account, a.Resource, ok)
	// Output: bedrock-agentcore us-east-1 111111111111 memory/m-1 true
}

func ExampleIndex_Explain() {
	claims, err := attribution.ParseClaims("claims.json", []byte(claimsFile))
	if err != nil {
		log.Fatal(err)
	}
	p := rollUp()
	index, err := attribution.NewIndex(claims, nil, p.Spec())
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range index.Explain(p.Key(0)) {
		fmt.Println(step.Link, step.Anchor.Value, step.Verdict)
	}
	// Output:
	// scope  in_scope
	// principal arn:aws:sts::111111111111:assumed-role/bot won
	// profile  absent
	// resource  absent
	// tag  absent
	// account 111111111111 no_claim
}

// teams owns by a rule instead of a claim per resource: whoever tags a resource
// with a team owns it through one claim on that team.
type teams struct{}

func (teams) Name() string          { return "teams 1" }
func (teams) Columns() []cur.Column { return []cur.Column{"resourceTags/user:team"} }

func (teams) Anchors(dst []attribution.Candidate, k *cur.Key) []attribution.Candidate {
	if team, _ := k.Column("resourceTags/user:team"); team != "" {
		dst = append(dst, attribution.Candidate{Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "team:" + team}})
	}
	return dst
}

func ExampleResolver() {
	chain := append([]attribution.Resolver{teams{}}, attribution.DefaultChains()[attribution.ChainAgentCore]...)
	rules := &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: chain}}
	claims := &attribution.Claims{Claims: []attribution.Claim{{ID: "research",
		Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "team:research"}, Target: attribution.Whole{Workload: "lab"}}}}

	p := rollUp(attribution.Columns(claims, rules)...)
	index, err := attribution.NewIndex(claims, rules, p.Spec())
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range p.Groups() {
		if a := index.Assign(&g.Key); a.Claim != nil {
			fmt.Println(a.Component, a.Workload)
		}
	}
	// Output: memory_short_term lab
}

func ExampleDiff() {
	p := rollUp()
	statement := func(c *attribution.Claims) *attribution.Statement {
		index, err := attribution.NewIndex(c, nil, p.Spec())
		if err != nil {
			log.Fatal(err)
		}
		s, err := attribution.Attribute(context.Background(), p, index, nil)
		if err != nil {
			log.Fatal(err)
		}
		return s[0]
	}
	before, err := attribution.ParseClaims("claims.json", []byte(claimsFile))
	if err != nil {
		log.Fatal(err)
	}
	after := &attribution.Claims{Claims: slices.Clone(before.Claims)}
	after.Claims[0].Target = attribution.Whole{Workload: "platform"}
	terms, err := attribution.Diff(context.Background(), statement(before), statement(after))
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range terms {
		fmt.Println(t.Label, t.Workload, t.Component, t.Unblended)
	}
	// Output:
	// ownership platform runtime_vcpu 60.0000000001
	// ownership support-bot runtime_vcpu -60.0000000001
}
