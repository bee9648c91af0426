package governance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
)

// Remedies turns what package gaps wants done about a gap into commands, which the desk
// may refuse like any others: a gap closes by what really closes it. References name
// the subject and the version that the command made.
type Remedies struct{ Desk *Desk }

func (m Remedies) do(ctx context.Context, id, actor, role, rationale string, s Ref, a Action, detail any) (string, error) {
	r, err := m.Desk.Do(ctx, Command{
		ID: id, Actor: PersonID(actor), Role: Role(role), Rationale: rationale, Subject: s, Action: a, Detail: detail,
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s@%d", s, r.Event.Version), nil
}

// Assign claims an anchor for a workload from a day on: as the FinOps Lead it assigns
// it, and the owner approves; as the Product Owner it claims what was handed over.
func (m Remedies) Assign(ctx context.Context, id, actor, role, rationale string, a attribution.Anchor, w attribution.WorkloadID, from time.Time) (string, error) {
	action := Action("assign")
	if Role(role) == ProductOwner {
		action = "claim"
	}
	return m.do(ctx, id, actor, role, rationale, workloadRef(w), action, ClaimDetail{
		Items: []ClaimItem{{Anchor: a, Component: componentOf(a)}}, From: from,
	})
}

// componentOf returns the component that an anchor's form tells; "" where it tells none.
func componentOf(a attribution.Anchor) pricing.Group {
	switch a.Kind {
	case attribution.KindRole, attribution.KindUser, attribution.KindProfile:
		return pricing.GroupModel
	}
	arn, ok := attribution.ParseARN(a.Value)
	if !ok {
		return ""
	}
	what, _, _ := strings.Cut(arn.Resource, "/")
	for prefix, g := range map[string]pricing.Group{
		"runtime": pricing.GroupRuntime, "agent-runtime": pricing.GroupRuntime, "memory": pricing.GroupMemory,
		"code-interpreter": pricing.GroupCodeInterpreter, "browser": pricing.GroupBrowser, "gateway": pricing.GroupGateway,
	} {
		if strings.HasPrefix(what, prefix) {
			return g
		}
	}
	return ""
}

// Decide approves or blocks an application that runs without a request. What waits for
// a decision on it is decided: the retroactive request of the workload. Where there is
// none it is drafted; a block rejects the draft at once, which opens the task to take
// it down, and for an approval somebody has to ask, for nobody approves what he asked
// for himself.
func (m Remedies) Decide(ctx context.Context, id, actor, role, rationale string, k *cur.Key, w attribution.WorkloadID, approve bool) (string, error) {
	if w == "" {
		w = attribution.WorkloadID("found-" + k.UsageAccount + "-" + short(k.Resource + " " + k.Principal + " " + k.ProductCode)[:12])
	}
	ref := Ref{Kind: KindRequest, Workload: w, ID: "found"}
	for s, err := range m.Desk.In(ctx, workloadRef(w), KindRequest) {
		if err != nil {
			return "", err
		}
		if s.Body.(*Request).Retroactive {
			ref = s.Ref
			break
		}
	}
	draft := RequestDetail{Name: string(w), UseCase: "found running without a request", Retroactive: true, Scope: Scope{}.with(k), Anchors: anchorsOf(k), Payers: []string{k.Payer}}
	if !approve {
		reference, err := m.do(ctx, id, actor, role, rationale, ref, "reject", nil)
		if errors.Is(err, ErrUnknownSubject) {
			if _, err = m.do(ctx, id+".draft", actor, role, rationale, ref, "draft", draft); err == nil {
				reference, err = m.do(ctx, id, actor, role, rationale, ref, "reject", nil)
			}
		}
		return reference, err
	}
	// Given again, each of the two finds what it did.
	reference, err := m.do(ctx, id, actor, role, rationale, ref, "draft", draft)
	if errors.Is(err, ErrExists) || errors.Is(err, storage.ErrReplayMismatch) {
		return m.do(ctx, id, actor, role, rationale, ref, "approve", nil)
	}
	return reference, err
}

// with returns the scope with what a key needs.
func (s Scope) with(k *cur.Key) Scope {
	class := pricing.Classify(pricing.Usage{
		ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit,
	})
	region, model := k.Region, class.Model
	if region == "" {
		region = class.Region
	}
	if model == "" {
		model = k.Model
	}
	s.Accounts = append(slices.Clone(s.Accounts), k.UsageAccount)
	if region != "" {
		s.Regions = append(slices.Clone(s.Regions), region)
	}
	g := class.Component.Group()
	s.Components = append(slices.Clone(s.Components), g)
	if g == pricing.GroupModel {
		if model == "" {
			model = "*"
		}
		s.Models = append(slices.Clone(s.Models), model)
	}
	return s.normal()
}

// AddScope asks for an approval, named by its ApprovalID, to be widened to cover a key.
func (m Remedies) AddScope(ctx context.Context, id, actor, role, rationale, approval string, k *cur.Key) (string, error) {
	kind, rest, _ := strings.Cut(approval, "/")
	i := strings.LastIndexByte(rest, '/')
	if Kind(kind) != KindRequest || i < 0 {
		return "", fmt.Errorf("governance: approval %q: %w", approval, ErrUnknownSubject)
	}
	ref := Ref{Kind: KindRequest, Workload: attribution.WorkloadID(rest[:i]), ID: rest[i+1:]}
	return m.do(ctx, id, actor, role, rationale, ref, "propose_change", ScopeDetail{Add: true, Scope: Scope{}.with(k)})
}

// Task hands a remedy that is somebody's work to a person.
func (m Remedies) Task(ctx context.Context, id, actor, role, rationale, remedy string, a attribution.Anchor, assignee string) (string, error) {
	d := TaskDetail{Type: TaskRemedy, Steps: []string{remedy}, Assignee: PersonID(assignee)}
	if a.Value != "" {
		d.Anchors = []attribution.Anchor{a}
	}
	return m.do(ctx, id, actor, role, rationale, Ref{Kind: KindTask, ID: short("remedy " + id)}, "hand_out", d)
}
