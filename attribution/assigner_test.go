package attribution_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// byRegion claims by a column that the links of the package never look at.
type byRegion struct{}

func (byRegion) Name() string          { return "by region" }
func (byRegion) Columns() []cur.Column { return []cur.Column{cur.ColRegion} }
func (byRegion) Anchors(dst []attribution.Candidate, k *cur.Key) []attribution.Candidate {
	return append(dst, attribution.Candidate{Anchor: attribution.Anchor{Kind: "resource", Value: "region-" + k.Region}})
}

// TestAssignerRemembersNothingWrong hands groups in any order to one assigner,
// under rules that look at columns which the default rules do not, with claims and
// without.
func TestAssignerRemembersNothingWrong(t *testing.T) {
	regional := &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {byRegion{}}, attribution.ChainBedrock: {byTeam{}}}}
	narrow := &attribution.Rules{Scope: attribution.Scope{AI: []attribution.Product{{Name: "east", Chain: attribution.ChainAgentCore,
		Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColRegion, Op: cur.In, Values: []string{"us-east-1"}}}}}}}}}
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamilies(t)
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *cur.LineItem {
			li := f.drawRow(t)
			li.Region = rapid.SampledFrom([]string{"us-east-1", "eu-west-1"}).Draw(t, "region")
			return li
		}), 1, 30).Draw(t, "rows")
		rules := rapid.SampledFrom([]*attribution.Rules{nil, regional, narrow}).Draw(t, "rules")
		rollup := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}}
		p, err := rollup.Rows(seq(rows))
		if err != nil {
			t.Fatal(err)
		}
		claims := append(f.drawClaims(t), claim("east", "resource", "region-us-east-1", ""), claim("a", "resource", "team-a", ""))
		if rapid.Bool().Draw(t, "no claims") {
			claims = nil
		}
		ix, err := attribution.NewIndex(&attribution.Claims{Claims: claims}, rules, p.Spec())
		if err != nil {
			t.Fatal(err)
		}
		as := ix.Assigner()
		for _, i := range rapid.SliceOf(rapid.IntRange(0, p.Len()-1)).Draw(t, "order") {
			k := p.Key(i)
			if d := cmp.Diff(ix.Assign(k), as.Assign(k)); d != "" {
				t.Fatalf("group %d (-alone +among others):\n%s", i, d)
			}
			if d := cmp.Diff(ix.AssignExplained(k), as.Assign(k)); d != "" {
				t.Fatalf("group %d (-step by step +as statements do):\n%s", i, d)
			}
		}
	})
}

// TestIndexServesManyAssigners is for the race detector.
func TestIndexServesManyAssigners(t *testing.T) {
	var rows []*cur.LineItem
	for n := range 20 {
		rows = append(rows, row(t, "2026-05-03", "1", agent(arn(fmt.Sprintf("runtime/a-%d", n)))))
	}
	p := roll(t, rows...)
	ix := index(t, p, nil, claim("one", "resource", arn("runtime/a-1"), ""), claim("acct", "account", acct1, ""))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			as := ix.Assigner()
			for i := range p.Len() {
				if a := as.Assign(p.Key(i)); a.Claim == nil {
					t.Errorf("group %d has no claim", i)
				}
				ix.Explain(p.Key(i))
			}
		})
	}
	wg.Wait()
}

func TestAssignerReadsAnewWhatLinksLookAt(t *testing.T) {
	regional := &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {byRegion{}}}}
	p := roll(t, row(t, "2026-05-03", "1", agent("r")), row(t, "2026-05-03", "1", both(agent("r"), func(li *cur.LineItem) { li.Region = "eu-west-1" })))
	as := index(t, p, regional, claim("east", "resource", "region-us-east-1", ""), claim("west", "resource", "region-eu-west-1", "")).Assigner()
	got := map[string]attribution.WorkloadID{}
	for i := range p.Len() {
		got[p.Key(i).Region] = as.Assign(p.Key(i)).Workload
	}
	if d := cmp.Diff(map[string]attribution.WorkloadID{"us-east-1": "w-east", "eu-west-1": "w-west"}, got); d != "" {
		t.Errorf("workloads by region (-want +got):\n%s", d)
	}
}
