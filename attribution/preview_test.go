package attribution_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func TestPreviewOfATransfer(t *testing.T) {
	r := arn("runtime/a-1")
	rows := []*cur.LineItem{row(t, "2026-05-03", "1", agent(r)), row(t, "2026-05-10", "2", agent(r)), row(t, "2026-05-11", "4", agent(r)), row(t, "2026-05-24", "8", agent(r))}
	p := roll(t, rows...)
	first := claim("first", "resource", r, "")
	st := attribute(t, p, index(t, p, nil, first), delivered(at(t, "2026-05-25T12:00:00Z"))) // complete through 05-23
	transfer := func(when string) *attribution.Claims {
		was, is := first, claim("second", "resource", r, "")
		was.To = at(t, when)
		is.From = was.To
		return &attribution.Claims{Claims: []attribution.Claim{was, is}}
	}
	tests := []struct {
		name      string
		claims    *attribution.Claims
		workloads map[attribution.WorkloadID]string // before and after
		straddled map[attribution.ClaimID]string
		backDated []attribution.ClaimID
	}{
		{"nothing new", &attribution.Claims{Claims: []attribution.Claim{first}}, nil, nil, nil},
		{"at a day's start", transfer("2026-05-11"), map[attribution.WorkloadID]string{"w-first": "15 3", "w-second": "0 12"}, nil, []attribution.ClaimID{"first", "second"}},
		{"inside a day", transfer("2026-05-10T12:00:00Z"), map[attribution.WorkloadID]string{"w-first": "15 3", "w-second": "0 12"},
			map[attribution.ClaimID]string{"first": "2", "second": "2"}, []attribution.ClaimID{"first", "second"}},
		{"of days that are not complete", transfer("2026-05-24"), map[attribution.WorkloadID]string{"w-first": "15 7", "w-second": "0 8"}, nil, nil},
		{"a release", &attribution.Claims{}, map[attribution.WorkloadID]string{"w-first": "15 0"}, nil, []attribution.ClaimID{"first"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change, err := st.Preview(t.Context(), tt.claims)
			if err != nil {
				t.Fatal(err)
			}
			addsUp(t, st, change.After, change.Terms)
			var workloads map[attribution.WorkloadID]string
			for _, w := range change.Workloads {
				if workloads == nil {
					workloads = map[attribution.WorkloadID]string{}
				}
				workloads[w.Workload] = w.Before.Unblended.String() + " " + w.After.Unblended.String()
			}
			if d := cmp.Diff(tt.workloads, workloads); d != "" {
				t.Errorf("workloads (-want +got):\n%s", d)
			}
			var straddled map[attribution.ClaimID]string
			for _, x := range change.Straddled {
				if straddled == nil {
					straddled = map[attribution.ClaimID]string{}
				}
				straddled[x.Claim.ID] = x.Unblended.String()
			}
			if d := cmp.Diff(tt.straddled, straddled); d != "" {
				t.Errorf("straddled (-want +got):\n%s", d)
			}
			var backDated []attribution.ClaimID
			for _, c := range change.BackDated {
				backDated = append(backDated, c.ID)
			}
			if d := cmp.Diff(tt.backDated, backDated); d != "" {
				t.Errorf("back-dated (-want +got):\n%s", d)
			}
			// What is previewed is what comes of it.
			after := attribute(t, p, index(t, p, nil, tt.claims.Claims...), delivered(st.Delivery.AsOf))
			if a, b := costs(after.Workloads()), costs(change.After.Workloads()); a != b {
				t.Errorf("previewed %s, became %s", b, a)
			}
		})
	}
	conflict := &attribution.Claims{Claims: []attribution.Claim{first, claim("second", "resource", r, "")}}
	if _, err := st.Preview(t.Context(), conflict); !errors.Is(err, attribution.ErrClaimConflict) {
		t.Errorf("two owners: error %v, want ErrClaimConflict", err)
	}
	untagged := rollWith(t, cur.Rollup{}, rows)
	plain := attribute(t, untagged, index(t, untagged, nil, first), nil)
	if _, err := plain.Preview(t.Context(), &attribution.Claims{Claims: []attribution.Claim{claim("t", "tag", string(teamTag)+"=a", "")}}); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("a tag that is not stored: error %v, want ErrNotStored", err)
	}
}

// A re-claim: released, and claimed again by the same workload, with a gap that
// nobody owns.
func TestReleaseAndReclaim(t *testing.T) {
	r := arn("runtime/a-1")
	first, again := claim("first", "resource", r, ""), claim("again", "resource", r, "")
	first.To, again.From, again.Target = at(t, "2026-05-04"), at(t, "2026-05-06"), first.Target
	var rows []*cur.LineItem
	for _, day := range []string{"2026-05-03", "2026-05-04", "2026-05-05", "2026-05-06"} {
		rows = append(rows, row(t, day, "1", agent(r)))
	}
	p := roll(t, rows...)
	st := attribute(t, p, index(t, p, nil, first, again), nil)
	if got := costs(st.Workloads()); got != "w-first 2" {
		t.Errorf("workloads have %s, want w-first 2", got)
	}
	if got := st.Outcomes()[attribution.Unclaimed].Reasons[attribution.ReasonClaimNotInForce].Unblended.String(); got != "2" {
		t.Errorf("unclaimed in the gap: %s, want 2", got)
	}
}

func TestWhatWasBelievedOnADay(t *testing.T) {
	r := arn("runtime/a-1")
	old, late, never := claim("old", "role", "App", acct1), claim("late", "resource", r, ""), claim("never", "resource", "x", "")
	old.RecordedAt, late.RecordedAt = at(t, "2026-04-30"), at(t, "2026-05-20")
	claims := &attribution.Claims{Claims: []attribution.Claim{old, late, never}}
	p := roll(t, row(t, "2026-05-03", "1", agent(r)), row(t, "2026-05-03", "2", model(appRole, "")))
	for day, want := range map[string]string{"2026-05-19": "w-old 2", "2026-05-20": "w-late 1, w-old 2", "2026-04-01": ""} {
		ix, err := attribution.NewIndex(claims.RecordedBy(at(t, day)), nil, p.Spec())
		if err != nil {
			t.Fatal(err)
		}
		if got := costs(attribute(t, p, ix, nil).Workloads()); got != want {
			t.Errorf("believed on %s: %q, want %q", day, got, want)
		}
	}
	if !late.BackDated() || old.BackDated() || never.BackDated() {
		t.Errorf("back-dated: late %v, old %v, never recorded %v; want true, false, false", late.BackDated(), old.BackDated(), never.BackDated())
	}
}

// TestOneWorkloadOverBothProducts is the source document's case: one claim set for
// a function, its AgentCore components and its role's model calls.
func TestOneWorkloadOverBothProducts(t *testing.T) {
	const bot = attribution.WorkloadID("support-bot")
	function := "arn:aws:lambda:us-east-1:" + acct1 + ":function:support-bot"
	interpreter := "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	usage := func(usageType, unit string) func(*cur.LineItem) {
		return func(li *cur.LineItem) { li.UsageType, li.PricingUnit = usageType, unit }
	}
	rows := []*cur.LineItem{
		row(t, "2026-05-03", "7", both(agent(function), func(li *cur.LineItem) {
			li.ProductCode, li.UsageType, li.PricingUnit = "AWSLambda", "USE1-Request", "Requests"
		})),
		row(t, "2026-05-03", "60", agent(arn("runtime/abc-0123456789/runtime-endpoint/DEFAULT"))),
		row(t, "2026-05-03", "10.5", both(agent(arn("memory/xyz-0123456789")), usage("USE1-Memory:Consumption-based:Short-Term-Memory", "Events"))),
		row(t, "2026-05-03", "5", both(agent(interpreter+"/session/7f3c91e2-support-0519"), usage("USE1-CodeInterpreter:Consumption-based:vCPU", "vCPU-Hours"))),
		row(t, "2026-05-03", "840", model("arn:aws:sts::"+acct1+":assumed-role/support-bot/BedrockAgentCore-7f3c", "")),
		row(t, "2026-05-03", "9", both(agent(interpreter+"/session/another"), usage("USE1-CodeInterpreter:Consumption-based:vCPU", "vCPU-Hours"))),
	}
	shape := "arn:aws:bedrock:us-east-1:" + acct1 + ":"
	claims := []attribution.Claim{claim("fn", "resource", function, ""), claim("rt", "resource", shape+"agent-runtime/abc-0123456789", ""),
		claim("mem", "resource", shape+"memory-store/xyz-0123456789", ""), claim("ci", "session", "7f3c91e2-*", acct1),
		claim("role", "role", "arn:aws:iam::"+acct1+":role/agents/support-bot", "")}
	for i := range claims {
		claims[i].Target = attribution.Whole{Workload: bot}
	}
	rules := &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}}}
	p := rollWith(t, cur.Rollup{Where: rules.Scope.Where(), Keys: []cur.Column{teamTag}}, rows)
	st := attribute(t, p, index(t, p, rules, claims...), nil)
	if len(st.Workloads()) != 1 || !st.Reconciled {
		t.Fatalf("workloads %+v, reconciled %v", st.Workloads(), st.Reconciled)
	}
	w := st.Workloads()[0]
	got := map[string]string{"combined": w.Unblended.String(), "AI only": w.AI().Unblended.String()}
	for _, c := range w.Components {
		got[string(c.Component)] = c.Unblended.String()
	}
	want := map[string]string{"combined": "922.5", "AI only": "915.5", "infrastructure/AWSLambda": "7", "runtime_vcpu": "60", "memory_short_term": "10.5",
		"code_interpreter_vcpu": "5", "model_input": "840"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("views (-want +got):\n%s", d)
	}
	if got := st.Outcomes()[attribution.Unclaimed].Unblended.String(); got != "9" {
		t.Errorf("unclaimed %s, want 9: another's session", got)
	}
}
