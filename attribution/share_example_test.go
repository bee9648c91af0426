package attribution_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
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
