package governance

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func runtimeKey(account, region string) *cur.Key {
	return &cur.Key{
		UsageAccount: account, Region: region, ProductCode: "AmazonBedrockAgentCore", BillingEntity: "AWS",
		UsageType: "USE1-AgentRuntime:Consumption-based:vCPU", Operation: "InvokeAgentRuntime", Resource: runtimeARN(1),
	}
}

// TestRemedies: each does its work once, under the rules of the desk, and the same id
// again returns the same reference.
func TestRemedies(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	m := Remedies{o.desk}
	ctx := t.Context()
	k := runtimeKey(accountB, "eu-west-1")
	tests := []struct {
		name, want string
		do         func() (string, error)
	}{
		{"assign", "workload/bot@5", func() (string, error) {
			return m.Assign(ctx, "g1", "lead", "finops_lead", "same role", resource(5), "bot", noon.AddDate(0, 0, -4))
		}},
		{"add scope", "request/bot/1@3", func() (string, error) {
			return m.AddScope(ctx, "g2", "becki", "product_owner", "it grew", "request/bot/1", k)
		}},
		{"approve what has no request", "request/found/found@1", func() (string, error) {
			return m.Decide(ctx, "g3", "lead", "finops_lead", "useful", k, "found", true)
		}},
		{"block what has no request", "request/wild/found@2", func() (string, error) {
			return m.Decide(ctx, "g4", "lead", "finops_lead", "not useful", k, "wild", false)
		}},
		{"task", "task/" + short("remedy g5") + "@1", func() (string, error) {
			return m.Task(ctx, "g5", "lead", "finops_lead", "one role, five tools", "Split Role", attribution.Anchor{Kind: attribution.KindRole, Value: "r", Account: accountA}, "eng")
		}},
	}
	for range 2 {
		for _, tt := range tests {
			if got, err := tt.do(); err != nil || got != tt.want {
				t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
			}
		}
	}
	if q := o.subject(request("bot")).Body.(*Request); !cmp.Equal(q.Proposed.Accounts, []string{accountB, accountA}) {
		t.Errorf("proposed: %s", asJSON(q.Proposed))
	}
	if s := o.subject(Ref{Kind: KindTask, Workload: "wild", ID: "found-1"}); s.Body.(*Task).Type != TaskDecommission {
		t.Errorf("got %s", asJSON(s))
	}
	if got := o.queue(Turn{Person: "eng"}); len(got) != 1 {
		t.Errorf("the engineer's queue: %q", got)
	}
	if _, err := m.Assign(ctx, "g6", "becki", "finops_lead", "mine", resource(6), "bot", noon); !errors.Is(err, ErrRole) {
		t.Errorf("assigned by the owner: %v", err)
	}
	if _, err := m.AddScope(ctx, "g7", "becki", "product_owner", "x", "invoice 7", k); !errors.Is(err, ErrUnknownSubject) {
		t.Errorf("a scope of no request: %v", err)
	}
}

func TestApprovalsSayWhatLiesOutside(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	r, err := o.desk.Register(t.Context())
	if err != nil || len(r.Approvals()) != 1 {
		t.Fatalf("%d approvals, %v", len(r.Approvals()), err)
	}
	a := r.Approvals()[0]
	model := runtimeKey(accountA, "us-east-1")
	model.ProductCode, model.UsageType, model.Operation = "AmazonBedrock", "USE1-Claude4.5Sonnet-input-tokens", "InvokeModelInference"
	unknown := runtimeKey(accountA, "")
	browser := runtimeKey(accountA, "us-east-1")
	browser.UsageType, browser.Operation = "USE1-Browser:Consumption-based:vCPU", "InvokeBrowser"
	for _, tt := range []struct {
		name string
		k    *cur.Key
		want []string
	}{
		{"inside", runtimeKey(accountA, "us-east-1"), nil},
		{"account", runtimeKey(accountB, "us-east-1"), []string{"account"}},
		{"account and region", runtimeKey(accountB, "eu-west-1"), []string{"account", "region"}},
		{"region that nothing tells", unknown, []string{"region"}},
		{"component", browser, []string{"component"}},
		{"any model", model, nil},
	} {
		if got := a.Outside(tt.k); !cmp.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	narrow := *a
	narrow.Scope.Models = []string{"nova-lite"}
	if got := narrow.Outside(model); !cmp.Equal(got, []string{"model"}) {
		t.Errorf("model: got %q", got)
	}
}
