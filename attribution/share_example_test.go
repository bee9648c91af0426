package attribution_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// A role that several applications call models through is split by what they
// weigh; tax and credits would go with a rule.
func ExampleShare() {
	claims := &attribution.Claims{Claims: []attribution.Claim{{
		ID:     "gateway",
		Anchor: attribution.Anchor{Kind: attribution.KindRole, Value: "bot", Account: "111111111111"},
		Target: attribution.Share{By: attribution.ByWeight, Parts: []attribution.Part{
			{Workload: "support", Weight: decimal.NewFromInt(2)},
			{Workload: "triage", Weight: decimal.NewFromInt(1)},
		}},
	}}}
	rules := &attribution.Rules{Spread: []attribution.SpreadRule{{Kinds: []attribution.ChargeKind{attribution.Tax}}}}
	p := rollUp()
	index, err := attribution.NewIndex(claims, rules, p.Spec())
	if err != nil {
		log.Fatal(err)
	}
	statements, err := attribution.Attribute(context.Background(), p, index, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range statements[0].Workloads() {
		fmt.Println(w.Workload, w.Unblended)
	}
	fmt.Println("reconciled:", statements[0].Reconciled)
	// Output:
	// support 560
	// triage 280
	// reconciled: true
}

func ExampleStatement_Explain() {
	claims, err := attribution.ParseClaims("claims.json", []byte(claimsFile))
	if err != nil {
		log.Fatal(err)
	}
	p := rollUp()
	index, err := attribution.NewIndex(claims, nil, p.Spec())
	if err != nil {
		log.Fatal(err)
	}
	statements, err := attribution.Attribute(context.Background(), p, index, nil)
	if err != nil {
		log.Fatal(err)
	}
	list, err := statements[0].Explain(attribution.Anchor{Kind: attribution.KindRole, Value: "bot", Account: "111111111111"})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range list {
		fmt.Println(e.Outcome, e.Workload, "by claim", e.Claim.ID, "of", e.Unblended)
	}
	// Output: claimed support-bot by claim c-2 of 840
}

// A role that two applications use is told apart by its sessions: what no session
// claim takes stays with the role's own. From files, RollUp makes both grains.
func ExampleSessionRollup() {
	const role = "arn:aws:sts::111111111111:assumed-role/shared-svc"
	rows := func(yield func(*cur.LineItem, error) bool) {
		start := time.Date(2026, 5, 3, 9, 0, 0, 0, time.UTC)
		for session, cost := range map[string]int64{"returns-0503": 2, "documents-0503": 3, "by-hand": 5} {
			li := &cur.LineItem{BillingEntity: "AWS", ProductCode: "AmazonBedrock", UsageType: "USE1-NovaLite-input-tokens", LineItemType: "Usage", Currency: "USD",
				UsageAccount: "111111111111", Principal: role + "/" + session, UsageStart: start, UsageEnd: start.Add(time.Hour)}
			err := li.Set(cur.UnblendedCost, decimal.NewFromInt(cost))
			if !yield(li, err) {
				return
			}
		}
	}
	claim := func(id attribution.ClaimID, kind attribution.AnchorKind, value string, w attribution.WorkloadID) attribution.Claim {
		return attribution.Claim{ID: id, Anchor: attribution.Anchor{Kind: kind, Value: value}, Target: attribution.Whole{Workload: w}}
	}
	claims := &attribution.Claims{Claims: []attribution.Claim{
		claim("c-1", attribution.KindRole, role, "document-platform"),
		claim("c-2", attribution.KindSession, role+"/returns-*", "returns-triage"),
	}}

	rollup := &cur.Rollup{Where: attribution.DefaultScope().Where()}
	book, err := rollup.Rows(rows)
	if err != nil {
		log.Fatal(err)
	}
	second, err := attribution.SessionRollup(rollup, claims, nil, book)
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := second.Rows(rows)
	if err != nil {
		log.Fatal(err)
	}
	index, err := attribution.NewIndex(claims, nil, book.Spec())
	if err != nil {
		log.Fatal(err)
	}
	statements, err := attribution.Attribute(context.Background(), book, index, &attribution.Options{Sessions: sessions})
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range statements[0].Workloads() {
		fmt.Println(w.Workload, w.Unblended)
	}
	// Output:
	// document-platform 8
	// returns-triage 2
}
