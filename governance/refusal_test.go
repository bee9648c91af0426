package governance

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// TestRefusals: bad commands get typed errors that name subject, state and what is
// allowed, and write nothing.
func TestRefusals(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 2)
	o.approve("ready", ask())
	h := handoff(4)
	for i := range h.Items {
		h.Items[i].Anchor = resource(10 + i)
	}
	h.Items[3].Anchor = resource(0) // the bot's
	o.build("ready", "1-1", h)
	o.approve("open", ask())
	o.must(Command{Actor: "eng", Subject: task("open", "1-1"), Action: "take"})
	for _, s := range o.subject(task("open", "1-1")).Body.(*Task).Steps {
		o.must(Command{Actor: "eng", Subject: task("open", "1-1"), Action: "step", Detail: Step{Name: s}})
	}
	o.must(Command{Actor: "becki", Subject: request("asked"), Action: "submit", Detail: ask()})
	o.must(Command{Actor: "becki", Subject: request("gone"), Action: "submit", Detail: ask()})
	o.must(Command{Actor: "lead", Subject: request("gone"), Action: "reject", Rationale: "no"})
	o.must(Command{Actor: System, Subject: person("left"), Action: "put", Detail: PersonDetail{Roles: []Assignment{{Role: FinOpsLead, From: noon.AddDate(-1, 0, 0)}}}})
	o.must(Command{Actor: System, Subject: person("left"), Action: "leave"})

	handOver := func(items ...HandoffItem) Command {
		return Command{Actor: "eng", Subject: task("open", "1-1"), Action: "hand_over", Detail: Handoff{Items: items}}
	}
	claim := func(d ClaimDetail) Command {
		return Command{Actor: "becki", Subject: workload("ready"), Action: "claim", Detail: d}
	}
	items := func(n ...int) (out []ClaimItem) {
		for _, i := range n {
			out = append(out, ClaimItem{Anchor: resource(i)})
		}
		return out
	}
	confirm := func(d EstimateDetail) Command {
		return Command{Actor: "becki", Subject: workload("bot"), Action: "confirm", Detail: d}
	}
	submit := func(change func(*RequestDetail)) Command {
		d := ask()
		change(&d)
		return Command{Actor: "becki", Subject: request("new"), Action: "submit", Detail: d}
	}
	approve := func(d ApprovalDetail) Command {
		return Command{Actor: "lead", Subject: request("asked"), Action: "approve", Rationale: "yes", Detail: d}
	}
	otherAccount := attribution.Anchor{Kind: attribution.KindResource, Value: strings.Replace(runtimeARN(1), accountA, accountB, 1)}
	otherRegion := attribution.Anchor{Kind: attribution.KindResource, Value: strings.Replace(runtimeARN(1), "us-east-1", "eu-west-1", 1)}
	wide := scopeA()
	wide.Accounts = append(wide.Accounts, accountB)
	tests := []struct {
		name string
		c    Command
		want error
	}{
		{"unknown actor", Command{Actor: "nobody", Subject: request("asked"), Action: "approve", Rationale: "x"}, ErrUnknownActor},
		{"actor who has left", Command{Actor: "left", Subject: request("asked"), Action: "approve", Rationale: "x"}, ErrUnknownActor},
		{"actor without a name", Command{Subject: request("asked"), Action: "approve", Rationale: "x"}, ErrUnknownActor},
		{"system approves", Command{Actor: System, Subject: request("asked"), Action: "approve", Rationale: "x"}, ErrRole},
		{"a consequence from outside", Command{Actor: System, Role: Consequence, Subject: workload("x"), Action: "open"}, ErrRole},
		{"wrong role", Command{Actor: "eng", Subject: request("asked"), Action: "approve", Rationale: "x"}, ErrRole},
		{"unknown subject", Command{Actor: "lead", Subject: request("nothing"), Action: "approve", Rationale: "x"}, ErrUnknownSubject},
		{"unknown kind", Command{Actor: "lead", Subject: Ref{Kind: "invoice", ID: "1"}, Action: "approve"}, ErrUnknownSubject},
		{"subject without an id", Command{Actor: "lead", Subject: Ref{Kind: KindRequest, Workload: "w"}, Action: "approve"}, ErrUnknownSubject},
		{"unknown action", Command{Actor: "lead", Subject: request("asked"), Action: "bless"}, ErrTransition},
		{"closed subject", Command{Actor: "lead", Subject: request("gone"), Action: "approve", Rationale: "x"}, ErrTransition},
		{"asked for twice", Command{Actor: "olga", Subject: request("asked"), Action: "submit", Detail: ask()}, ErrExists},
		{"request for a workload that is there", Command{Actor: "becki", Subject: Ref{Kind: KindRequest, Workload: "bot", ID: "2"}, Action: "submit", Detail: ask()}, ErrGuard},
		{"no rationale", Command{Actor: "lead", Subject: request("asked"), Action: "approve", Rationale: " "}, ErrRationale},
		{"unknown field", Command{Actor: "lead", Subject: request("asked"), Action: "approve", Rationale: "x", Detail: json.RawMessage(`{"scop":{}}`)}, ErrDetail},
		{"detail where none is taken", Command{Actor: "lead", Subject: request("asked"), Action: "reject", Rationale: "x", Detail: json.RawMessage(`{"a":1}`)}, ErrDetail},
		{"broken detail", Command{Actor: "lead", Subject: request("asked"), Action: "approve", Rationale: "x", Detail: json.RawMessage(`{`)}, ErrDetail},
		{"no owner", submit(func(d *RequestDetail) { d.Owner = "" }), ErrDetail},
		{"no account", submit(func(d *RequestDetail) { d.Scope.Accounts = nil }), ErrDetail},
		{"account of eleven digits", submit(func(d *RequestDetail) { d.Scope.Accounts = []string{"12345678901"} }), ErrDetail},
		{"unknown component", submit(func(d *RequestDetail) { d.Scope.Components = []pricing.Group{"telepathy"} }), ErrDetail},
		{"models without the component", submit(func(d *RequestDetail) { d.Scope.Components = []pricing.Group{pricing.GroupRuntime} }), ErrDetail},
		{"negative budget", submit(func(d *RequestDetail) { d.Budget, d.Currency = decimal.NewFromInt(-1), "USD" }), ErrDetail},
		{"approval that has expired", approve(ApprovalDetail{Expires: noon.AddDate(0, 0, -1)}), ErrDates},
		{"approval of more than was asked", approve(ApprovalDetail{Scope: &wide}), ErrScope},
		{"handoff in another account", handOver(HandoffItem{Anchor: otherAccount, Component: pricing.GroupRuntime}), ErrScope},
		{"handoff in another region", handOver(HandoffItem{Anchor: otherRegion, Component: pricing.GroupRuntime}), ErrScope},
		{"handoff of a component that is not approved", handOver(HandoffItem{Anchor: resource(5), Component: pricing.GroupBrowser}), ErrScope},
		{"handoff whose region is not known", handOver(HandoffItem{Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "session-1", Account: accountA}, Component: pricing.GroupRuntime}), ErrDetail},
		{"handoff that contradicts its ARN", handOver(HandoffItem{Anchor: resource(5), Component: pricing.GroupRuntime, Region: "eu-west-1"}), ErrDetail},
		{"handoff of one thing twice", handOver(HandoffItem{Anchor: resource(5), Component: pricing.GroupRuntime}, HandoffItem{Anchor: resource(5), Component: pricing.GroupRuntime}), ErrDetail},
		{"empty handoff", handOver(), ErrDetail},
		{"claim of what is in no handoff", claim(ClaimDetail{Items: items(77)}), ErrScope},
		{"claim of what is claimed", claim(ClaimDetail{Items: items(10, 0)}), ErrAnchorClaimed},
		{"bulk claim of what is claimed", Command{Actor: "becki", Subject: workload("ready"), Action: "claim_bulk", Detail: ClaimDetail{Items: items(10, 0)}}, ErrAnchorClaimed},
		{"claim of one thing twice", claim(ClaimDetail{Items: items(10, 10)}), ErrDetail},
		{"claim of nothing", claim(ClaimDetail{}), ErrDetail},
		{"claim that is no anchor", claim(ClaimDetail{Items: []ClaimItem{{Anchor: attribution.Anchor{Kind: "thing", Value: "x"}}}}), ErrDetail},
		{"claim with a share of nothing", claim(ClaimDetail{Items: []ClaimItem{{Anchor: resource(10), Share: &attribution.Share{By: attribution.ByWeight}}}}), ErrDetail},
		{"claim by another than the owner", Command{Actor: "olga", Subject: workload("ready"), Action: "claim", Detail: ClaimDetail{Items: items(10)}}, ErrGuard},
		{"estimate of a component that is not approved", confirm(monthly(pricing.BrowserVCPU)), ErrScope},
		{"empty estimate", confirm(monthly()), ErrDetail},
		{"estimate without a currency", confirm(func() EstimateDetail { d := monthly(pricing.RuntimeVCPU); d.Estimate.Plan.Currency = ""; return d }()), ErrDetail},
		{"estimate in another currency", confirm(func() EstimateDetail { d := monthly(pricing.RuntimeVCPU); d.Estimate.Plan.Currency = "EUR"; return d }()), ErrDetail},
		{"estimate of a period that ends before it begins", confirm(func() EstimateDetail {
			d := monthly(pricing.RuntimeVCPU)
			d.Estimate.Plan.Period = estimate.Interval{From: noon, To: noon.AddDate(0, 0, -1)}
			return d
		}()), ErrDates},
		{"role that ends before it begins", Command{Actor: "lead", Subject: person("olga"), Action: "grant", Detail: RoleDetail{Role: CloudEngineer, From: noon, To: noon.Add(-time.Hour)}}, ErrDates},
		{"delegation without an end", Command{Actor: "lead", Subject: person("olga"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead}}, ErrDates},
		{"delegation of what is not one's own", Command{Actor: "becki", Subject: person("olga"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, To: noon.AddDate(0, 1, 0)}}, ErrGuard},
		{"broken glass for another", Command{Actor: "becki", Subject: person("olga"), Action: "break_glass", Rationale: "fire", Detail: RoleDetail{Role: FinOpsLead}}, ErrGuard},
		{"broken glass without a reason", Command{Actor: "olga", Subject: person("olga"), Action: "break_glass", Detail: RoleDetail{Role: FinOpsLead}}, ErrRationale},
		{"account of eleven digits in the directory", Command{Actor: "lead", Subject: Ref{Kind: KindAccount, ID: "12345678901"}, Action: "put", Detail: AccountDetail{}}, ErrGuard},
		{"node of no level", Command{Actor: "lead", Subject: Ref{Kind: KindNode, ID: "n"}, Action: "put", Detail: NodeDetail{Level: "guild"}}, ErrGuard},
		{"command without an id", Command{ID: " ", Actor: "lead", Subject: request("asked"), Action: "reject", Rationale: "x"}, ErrDetail},
	}
	before := export(t, o.desk.store)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := o.do(tt.c)
			var refused *TransitionError
			if !errors.As(err, &refused) || !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want a *TransitionError that is %q", err, tt.want)
			}
			if refused.Subject != tt.c.Subject || refused.Action != tt.c.Action || refused.Actor != tt.c.Actor || !strings.Contains(err.Error(), "allowed: ") {
				t.Errorf("it does not say what was refused: %v", err)
			}
			if known, err := o.desk.Subject(t.Context(), tt.c.Subject); err == nil && tt.c.Role != Consequence && !errors.Is(tt.want, ErrDetail) && refused.From != known.State {
				t.Errorf("state %q, the subject is %q", refused.From, known.State)
			}
			if !bytes.Equal(export(t, o.desk.store), before) {
				t.Fatal("something was written")
			}
		})
	}
}

// TestSeparationOfDuties: in the flow of onboarding, whatever the roles, delegations
// and their changes.
func TestSeparationOfDuties(t *testing.T) {
	o := newOffice(t)
	grant := func(p PersonID, r Role) {
		o.must(Command{Actor: System, Subject: person(p), Action: "grant", Detail: RoleDetail{Role: r}})
	}
	refused := func(c Command) {
		t.Helper()
		if _, err := o.do(c); !errors.Is(err, ErrSeparation) {
			t.Errorf("%s by %s: %v", c.Action, c.Actor, err)
		}
	}
	grant("becki", FinOpsLead)
	grant("becki", CloudEngineer)
	grant("lead", CloudEngineer)
	q := request("bot")
	o.must(Command{Actor: "becki", Subject: q, Action: "submit", Detail: ask()})
	refused(Command{Actor: "becki", Subject: q, Action: "approve", Rationale: "mine"})
	// On his behalf, and on another's.
	until := noon.AddDate(0, 1, 0)
	o.must(Command{Actor: "becki", Subject: person("eng"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, To: until}})
	refused(Command{Actor: "eng", Subject: q, Action: "approve", Rationale: "for becki"})
	o.must(Command{Actor: "lead2", Subject: person("becki"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, To: until}})
	refused(Command{Actor: "becki", Subject: q, Action: "approve", Rationale: "for lead2"})
	// The requester takes no other role off: what he did stays.
	o.must(Command{Actor: System, Subject: person("becki"), Action: "revoke", Detail: RoleDetail{Role: ProductOwner}})
	refused(Command{Actor: "becki", Subject: q, Action: "approve", Rationale: "no longer PO"})
	// In an emergency neither.
	o.must(Command{Actor: System, Subject: person("becki"), Action: "revoke", Detail: RoleDetail{Role: FinOpsLead}})
	o.must(Command{Actor: "becki", Subject: person("becki"), Action: "break_glass", Rationale: "fire", Detail: RoleDetail{Role: FinOpsLead}})
	refused(Command{Actor: "becki", Subject: q, Action: "approve", Rationale: "fire"})

	o.must(Command{Actor: "lead", Subject: q, Action: "approve", Rationale: "yes"})
	refused(Command{Actor: "lead", Subject: task("bot", "1-1"), Action: "take"})
	o.must(Command{Actor: "lead", Subject: person("port"), Action: "delegate", Detail: RoleDetail{Role: CloudEngineer, To: until}})
	refused(Command{Actor: "port", Subject: task("bot", "1-1"), Action: "take"})
	// The requester may build it, and claim.
	grant("becki", ProductOwner)
	o.must(Command{Actor: "becki", Subject: task("bot", "1-1"), Action: "take"})
	for _, s := range o.subject(task("bot", "1-1")).Body.(*Task).Steps {
		o.must(Command{Actor: "becki", Subject: task("bot", "1-1"), Action: "step", Detail: Step{Name: s}})
	}
	o.must(Command{Actor: "becki", Subject: task("bot", "1-1"), Action: "hand_over", Detail: handoff(1)})
	o.must(Command{Actor: "becki", Subject: workload("bot"), Action: "claim", Detail: ClaimDetail{Items: []ClaimItem{{Anchor: resource(0)}}}})
	// A change of scope is asked and approved anew, by two.
	wide := scopeA()
	wide.Accounts = append(wide.Accounts, accountB)
	o.must(Command{Actor: "olga", Subject: q, Action: "propose_change", Detail: ScopeDetail{Scope: wide}})
	refused(Command{Actor: "becki", Subject: q, Action: "approve_change", Rationale: "mine"})
	o.must(Command{Actor: "lead2", Subject: q, Action: "approve_change", Rationale: "yes"})
	for _, r := range []Ref{q, task("bot", "1-1"), task("bot", "1-2"), workload("bot")} {
		checkHistory(t, o.desk, r)
	}
}
