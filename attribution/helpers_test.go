package attribution_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

const (
	acct1 = "111111111111"
	acct2 = "222222222222"
)

// teamTag is the tag that test rollups declare.
const teamTag cur.Column = "resourceTags/user:team"

func month(t testing.TB, s string) cur.Month {
	t.Helper()
	m, err := cur.ParseMonth(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if v, err := time.Parse(layout, s); err == nil {
			return v.UTC()
		}
	}
	t.Fatalf("bad time %q", s)
	return time.Time{}
}

// row makes a line item of an hour; edit changes it.
func row(t testing.TB, day, cost string, edit func(*cur.LineItem)) *cur.LineItem {
	t.Helper()
	start := at(t, day)
	li := &cur.LineItem{
		Payer: "999999999999", BillingPeriod: month(t, "2026-05"), BillingEntity: "AWS",
		ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours",
		LineItemType: "Usage", Currency: "USD", UsageAccount: acct1, Region: "us-east-1",
		IntervalStart: start, IntervalEnd: start.Add(time.Hour), UsageStart: start, UsageEnd: start.Add(time.Hour),
	}
	put(t, li, cur.UnblendedCost, cost)
	put(t, li, cur.Usage, "1")
	if edit != nil {
		edit(li)
	}
	return li
}

func put(t testing.TB, li *cur.LineItem, m cur.Measure, v string) {
	t.Helper()
	if err := li.Set(m, decimal.RequireFromString(v)); err != nil {
		t.Fatal(err)
	}
}

func seq(rows []*cur.LineItem) iter.Seq2[*cur.LineItem, error] {
	return func(yield func(*cur.LineItem, error) bool) {
		for _, li := range rows {
			if !yield(li, nil) {
				return
			}
		}
	}
}

// roll groups rows as a rollup of the default scope does.
func roll(t testing.TB, rows ...*cur.LineItem) *cur.Partial {
	t.Helper()
	return rollWith(t, rollupOf(rows), rows)
}

// rollupOf is a rollup of the default scope that declares the tag where a row has
// it: a tag that no row has would be a warning.
func rollupOf(rows []*cur.LineItem) cur.Rollup {
	r := cur.Rollup{Where: attribution.DefaultScope().Where()}
	for _, li := range rows {
		if v, _ := li.Column(teamTag); v != "" {
			r.Keys = []cur.Column{teamTag}
		}
	}
	return r
}

func rollWith(t testing.TB, r cur.Rollup, rows []*cur.LineItem) *cur.Partial {
	t.Helper()
	p, err := r.Rows(seq(rows))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func index(t testing.TB, p *cur.Partial, r *attribution.Rules, claims ...attribution.Claim) *attribution.Index {
	t.Helper()
	ix, err := attribution.NewIndex(&attribution.Claims{Claims: claims}, r, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// claim makes a claim in force from May 2026 on; the workload is named "w-" and
// the id.
func claim(id string, kind attribution.AnchorKind, value, account string) attribution.Claim {
	return attribution.Claim{ID: attribution.ClaimID(id), Anchor: attribution.Anchor{Kind: kind, Value: value, Account: account},
		Target: attribution.Whole{Workload: attribution.WorkloadID("w-" + id)}, From: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
}

func attribute(t testing.TB, p *cur.Partial, ix *attribution.Index, o *attribution.Options) *attribution.Statement {
	t.Helper()
	all, err := attribution.Attribute(context.Background(), p, ix, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d statements, want 1", len(all))
	}
	return all[0]
}

func arn(tail string) string { return "arn:aws:bedrock-agentcore:us-east-1:" + acct1 + ":" + tail }

// agent is an edit: a row of AgentCore for a resource.
func agent(resource string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.Resource = resource }
}

// model is an edit: a row of Bedrock for a principal and a resource.
func model(principal, resource string) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		li.ProductCode, li.UsageType, li.PricingUnit = "AmazonBedrock", "USE1-Claude-input-tokens", "1K tokens"
		li.Principal, li.Resource = principal, resource
	}
}

// both applies edits one after the other.
func both(edits ...func(*cur.LineItem)) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		for _, e := range edits {
			e(li)
		}
	}
}
