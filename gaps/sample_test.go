package gaps_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

const months = "../examples/quickstart/months"

// sampleClaims are the claims of the sample months.
func sampleClaims(t testing.TB) *attribution.Claims {
	t.Helper()
	b, err := os.ReadFile(months + "/claims.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := attribution.ParseClaims("claims.json", b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sampleStatement attributes a delivery of the sample months.
func sampleStatement(t testing.TB, folder string, asOf time.Time, c *attribution.Claims) *attribution.Statement {
	t.Helper()
	ctx := t.Context()
	sets, err := cur.Locate(ctx, cur.Local(), months+"/"+folder)
	if err != nil {
		t.Fatal(err)
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(c, nil), AsOf: asOf}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		t.Fatal(err)
	}
	return statementOf(t, rolled[0].Partial, c, rolled[0].Delivery)
}

// statementOf attributes a partial of one currency.
func statementOf(t testing.TB, p *cur.Partial, c *attribution.Claims, d cur.Delivery) *attribution.Statement {
	t.Helper()
	ix, err := attribution.NewIndex(c, nil, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	sts, err := attribution.Attribute(t.Context(), p, ix, &attribution.Options{Delivery: d})
	if err != nil {
		t.Fatal(err)
	}
	if len(sts) != 1 {
		t.Fatalf("%d statements, want one", len(sts))
	}
	return sts[0]
}

var (
	firstMay  = time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)
	secondMay = time.Date(2026, 5, 27, 12, 0, 0, 0, time.UTC)
	april     = time.Date(2026, 5, 6, 8, 0, 0, 0, time.UTC)
)

// shown is a gap as the tables of the documents state it.
type shown struct {
	Kind, Remedy, Account, Region, Anchor, Spend, First string
}

func show(g gaps.Gap) shown {
	s := shown{Kind: string(g.Kind), Remedy: string(g.Remedy), Account: g.Subject.Account, Anchor: g.Evidence.Anchor, Spend: g.Evidence.Spend.StringFixed(2)}
	if !g.Evidence.FirstSeen.IsZero() {
		s.First = g.Evidence.FirstSeen.Format(time.DateOnly)
	}
	if len(g.Evidence.Regions) > 0 {
		s.Region = g.Evidence.Regions[0]
	}
	return s
}

func TestSampleMonthShowsTheDocumentedGaps(t *testing.T) {
	c := sampleClaims(t)
	st := sampleStatement(t, "2026-05-first", firstMay, c)
	r, err := gaps.Detect(t.Context(), gaps.Input{Statement: st, Claims: c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []shown
	for _, g := range r.Gaps {
		got = append(got, show(g))
		t.Logf("%+v\n  %s\n  %v\n  %+v\n %s", show(g), g.Evidence.Why, g.Evidence.Projected, g.Candidates, g.Evidence.Query)
	}
	want := []shown{
		{"unclaimed_runtime", "Notify PO", "820723250459", "us-east-1", "arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/pricing_experiment-Zx81qLm4Tn", "48.50", "2026-05-19"},
		{"unclaimed_memory", "Assign to Workload", "341755902216", "us-east-1", "arn:aws:bedrock-agentcore:us-east-1:341755902216:memory/prototype_memory-b3Nv5Cx7Zl", "12.25", "2026-05-08"},
		{"unallocated_code_interpreter", "Assign to Workload", "341755902216", "us-east-1", "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1", "9.45", "2026-05-04"},
		{"unclaimed_principal", "Notify PO", "820723250459", "us-east-1", "arn:aws:sts::820723250459:assumed-role/lab-agents-poc", "31.00", "2026-05-12"},
	}
	if d := cmp.Diff(want, got[:min(4, len(got))]); d != "" {
		t.Errorf("unclaimed gaps (-want +got):\n%s", d)
	}
}
