package gaps_test

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/pricing"
)

// approval is a request approved for accounts × regions × groups × models; nil of any
// means all.
type approval struct {
	id                                string
	workload                          attribution.WorkloadID
	from, to                          time.Time
	accounts, regions, groups, models []string
}

var _ gaps.Approval = approval{}

func (a approval) ApprovalID() string                  { return a.id }
func (a approval) ApprovedFor() attribution.WorkloadID { return a.workload }
func (a approval) InForce() (time.Time, time.Time)     { return a.from, a.to }

func (a approval) Outside(k *cur.Key) (out []string) {
	in := func(list []string, v string) bool { return list == nil || slices.Contains(list, v) }
	class := pricing.Classify(pricing.Usage{ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit})
	for _, x := range []struct {
		name string
		ok   bool
	}{
		{"account", in(a.accounts, k.UsageAccount)},
		{"region", in(a.regions, k.Region)},
		{"component", in(a.groups, string(class.Component.Group()))},
		{"model", class.Component.Group() != pricing.GroupModel || in(a.models, k.Model)},
	} {
		if !x.ok {
			out = append(out, x.name)
		}
	}
	return out
}

const (
	acct1            = "111122223333"
	acct2            = "444455556666"
	payer            = "999999999999"
	team  cur.Column = "resourceTags/user:team"
)

func at(s string) time.Time {
	v, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return v
}

// row makes a line item of AgentCore's runtime for a day of May.
func row(day, cost string, edits ...func(*cur.LineItem)) *cur.LineItem {
	start := at(day)
	li := &cur.LineItem{Payer: payer, BillingPeriod: cur.MonthOf(at("2026-05-01")), BillingEntity: "AWS",
		ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours",
		LineItemType: "Usage", Currency: "USD", UsageAccount: acct1, Region: "us-east-1", Resource: arn("runtime/agent-Aa1Bb2Cc3D"),
		IntervalStart: start, IntervalEnd: start.AddDate(0, 0, 1), UsageStart: start, UsageEnd: start.AddDate(0, 0, 1)}
	if err := errors.Join(li.Set(cur.UnblendedCost, decimal.RequireFromString(cost)), li.Set(cur.Usage, decimal.NewFromInt(1))); err != nil {
		panic(err)
	}
	for _, e := range edits {
		e(li)
	}
	return li
}

func arn(tail string) string { return "arn:aws:bedrock-agentcore:us-east-1:" + acct1 + ":" + tail }

func role(name string) string { return "arn:aws:sts::" + acct1 + ":assumed-role/" + name }

// model makes a row one of model calls.
func model(principal string) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		li.ProductCode, li.UsageType, li.PricingUnit = "AmazonBedrock", "USE1-Claude4.6Sonnet-input-tokens", "1K tokens"
		li.Principal, li.Resource = principal, ""
	}
}

// scene is a small world for one detection.
type scene struct {
	rows      []*cur.LineItem
	claims    attribution.Claims
	approvals []gaps.Approval
	directory gaps.Directory
	estimates gaps.Estimates
	sessions  []gaps.SessionStart
	without   []cur.Column // that the export does not have
	detectors []gaps.Detector
	options   gaps.Options
	asOf      time.Time // 2026-05-25 12:00
}

// claim adds a claim in force from 1 May on.
func (s *scene) claim(id string, kind attribution.AnchorKind, value, account string, w attribution.WorkloadID) *attribution.Claim {
	s.claims.Claims = append(s.claims.Claims, attribution.Claim{ID: attribution.ClaimID(id), From: at("2026-05-01"),
		Anchor: attribution.Anchor{Kind: kind, Value: value, Account: account}, Target: attribution.Whole{Workload: w}})
	return &s.claims.Claims[len(s.claims.Claims)-1]
}

func (s *scene) statement(t testing.TB) *attribution.Statement {
	t.Helper()
	p, err := (&cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: []cur.Column{team}}).Rows(func(yield func(*cur.LineItem, error) bool) {
		for _, li := range s.rows {
			if !yield(li, nil) {
				return
			}
		}
	})
	if err == nil && len(s.without) > 0 {
		p, err = without(p, s.without)
	}
	if err != nil {
		t.Fatal(err)
	}
	asOf := s.asOf
	if asOf.IsZero() {
		asOf = at("2026-05-25").Add(12 * time.Hour)
	}
	return statementOf(t, p, &s.claims, cur.Delivery{Payer: payer, Period: cur.MonthOf(at("2026-05-01")), AsOf: asOf})
}

// without returns a partial of a report that lacks columns.
func without(p *cur.Partial, gone []cur.Column) (*cur.Partial, error) {
	c := cur.Contents{Measures: p.Measures(), Rest: slices.Collect(p.Rest()), Control: p.Control(), Objects: p.Objects(), Columns: []cur.Column{team}}
	for _, col := range []cur.Column{cur.ColPayer, cur.ColBillingPeriod, cur.ColInvoiceID, cur.ColBillingEntity, cur.ColProductCode, cur.ColProductFamily,
		cur.ColProductName, cur.ColUsageType, cur.ColOperation, cur.ColPricingUnit, cur.ColLineItemType, cur.ColCurrency, cur.ColUsageAccount, cur.ColRegion,
		cur.ColPrincipal, cur.ColResource} {
		if !slices.Contains(gone, col) {
			c.Columns = append(c.Columns, col)
		}
	}
	for _, g := range p.Groups() {
		if slices.Contains(gone, cur.ColPrincipal) {
			g.Key.Principal = ""
		}
		if slices.Contains(gone, cur.ColResource) {
			g.Key.Resource = ""
		}
		c.Groups = append(c.Groups, g)
	}
	return cur.NewPartial(p.Spec(), c)
}

func (s *scene) detect(t testing.TB) *gaps.Report {
	t.Helper()
	o := s.options
	o.Detectors = s.detectors
	r, err := gaps.Detect(t.Context(), gaps.Input{Statement: s.statement(t), Claims: &s.claims, Approvals: s.approvals, Directory: s.directory,
		Estimates: s.estimates, Sessions: s.sessions}, &o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// only returns the detector of a kind.
func only(k gaps.Kind) []gaps.Detector {
	for _, d := range gaps.Detectors() {
		if slices.Contains(d.Kinds(), k) {
			return []gaps.Detector{d}
		}
	}
	return nil
}

// kindsOf lists the kinds of gaps, once for each gap, sorted.
func kindsOf(r *gaps.Report) []string {
	out := []string{}
	for _, g := range r.Gaps {
		out = append(out, string(g.Kind))
	}
	slices.Sort(out)
	return out
}
