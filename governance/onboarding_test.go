package governance

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

func task(w, id string) Ref { return Ref{Kind: KindTask, Workload: workloadID(w), ID: id} }
func workload(w string) Ref { return workloadRef(workloadID(w)) }
func runtimeARN(n int) string {
	return fmt.Sprintf("arn:aws:bedrock-agentcore:us-east-1:%s:runtime/bot-%04d", accountA, n)
}

func resource(n int) attribution.Anchor {
	return attribution.Anchor{Kind: attribution.KindResource, Value: runtimeARN(n)}
}

func handoff(n int) Handoff {
	h := Handoff{ExecutionRole: "arn:aws:iam::" + accountA + ":role/finops-csbot-a4f2"}
	for i := range n {
		h.Items = append(h.Items, HandoffItem{Anchor: resource(i), Component: pricing.GroupRuntime})
	}
	return h
}

func monthly(components ...pricing.Component) EstimateDetail {
	p := estimate.Plan{Period: estimate.Calendar{}.Month(noon), Currency: "USD"}
	for _, c := range components {
		p.Targets = append(p.Targets, estimate.Target{Component: c, Unit: c.Unit(), Volume: decimal.NewFromInt(50000)})
	}
	return EstimateDetail{From: estimate.Day(noon), Estimate: Estimate{Plan: p}}
}

// approve brings a request through approval.
func (o *office) approve(w string, d RequestDetail) {
	o.t.Helper()
	o.must(Command{Actor: "becki", Subject: request(w), Action: "submit", Detail: d})
	o.must(Command{Actor: "lead", Subject: request(w), Action: "approve", Rationale: "fits the platform"})
}

// build does the task and hands it over.
func (o *office) build(w, id string, h Handoff) {
	o.t.Helper()
	ref := task(w, id)
	o.must(Command{Actor: "eng", Subject: ref, Action: "take"})
	for _, s := range o.subject(ref).Body.(*Task).Steps {
		o.must(Command{Actor: "eng", Subject: ref, Action: "step", Detail: Step{Name: s, Record: "done"}})
	}
	o.must(Command{Actor: "eng", Subject: ref, Action: "hand_over", Detail: h})
}

// activate takes a workload with n runtimes all the way.
func (o *office) activate(w string, n int) {
	o.t.Helper()
	o.approve(w, ask())
	o.build(w, "1-1", handoff(n))
	var d ClaimDetail
	for _, i := range handoff(n).Items {
		d.Items = append(d.Items, ClaimItem{Anchor: i.Anchor})
	}
	o.must(Command{Actor: "becki", Subject: workload(w), Action: "claim", Detail: d})
	o.must(Command{Actor: "becki", Subject: workload(w), Action: "confirm", Detail: monthly(pricing.RuntimeVCPU)})
}

func TestFourStepsByFourPeople(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 3)
	w := o.subject(workload("bot"))
	if w.State != WorkloadActive || w.Body.(*Workload).Claims != 3 {
		t.Fatalf("got %s", asJSON(w))
	}
	for _, ref := range []Ref{workload("bot"), request("bot"), task("bot", "1-1")} {
		checkHistory(t, o.desk, ref)
	}
	claims, err := o.desk.Claims(t.Context())
	if err != nil || len(claims.Claims) != 3 || claims.Workloads[0].Owner != "becki" {
		t.Fatalf("claims %s, %v", asJSON(claims), err)
	}
	changes, err := o.desk.Reindex(t.Context())
	if err != nil || changes.Created+changes.Corrected+changes.Removed != 0 {
		t.Fatalf("the lists were wrong: %+v, %v", changes, err)
	}
}

func TestBulkClaim(t *testing.T) {
	o := newOffice(t)
	o.approve("bot", ask())
	h := handoff(100)
	o.build("bot", "1-1", h)
	var d ClaimDetail
	for _, i := range h.Items {
		d.Items = append(d.Items, ClaimItem{Anchor: i.Anchor})
	}
	r := o.must(Command{ID: "bulk", Actor: "becki", Subject: workload("bot"), Action: "claim_bulk", Detail: d})
	if r.Subject.State != WorkloadClaimed || r.Subject.Body.(*Workload).Claims != 100 {
		t.Fatalf("got %s", asJSON(r.Subject))
	}
	if again := o.must(Command{ID: "bulk", Actor: "becki", Subject: workload("bot"), Action: "claim_bulk", Detail: d}); !again.Replayed || again.Subject.Version != r.Subject.Version {
		t.Errorf("given again: %s", asJSON(again))
	}
	events := checkHistory(t, o.desk, workload("bot"))
	t.Logf("%d events", len(events))
	o.now = o.now.Add(time.Hour)
	r = o.must(Command{Actor: "lead", Subject: workload("bot"), Action: "retire", Rationale: "gone"})
	if r.Subject.State != WorkloadRetired || r.Subject.Body.(*Workload).Claims != 0 {
		t.Fatalf("got %s", asJSON(r.Subject))
	}
	claims, err := o.desk.Claims(t.Context())
	if err != nil || len(claims.Claims) != 100 || !claims.Claims[0].To.Equal(o.now) {
		t.Errorf("%d claims, %v", len(claims.Claims), err)
	}
}

func TestAnchorHasOneOwner(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 3)
	o.approve("other", ask())
	o.build("other", "1-1", handoff(3))
	_, err := o.do(Command{Actor: "becki", Subject: workload("other"), Action: "claim", Detail: ClaimDetail{Items: []ClaimItem{{Anchor: resource(1)}}}})
	if !errors.Is(err, ErrAnchorClaimed) {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}

func TestBudgetInPlaceOfVolumes(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	d := monthly()
	d.Estimate.Budget = decimal.NewNullDecimal(decimal.NewFromInt(900))
	d.From = estimate.Day(noon).AddDate(0, 1, 0)
	o.must(Command{Actor: "becki", Subject: workload("bot"), Action: "confirm", Detail: d})
	w := o.subject(workload("bot")).Body.(*Workload)
	may, _ := w.Estimates.InForce(noon)
	june, ok := w.Estimates.InForce(d.From)
	if !ok || may.Number != 1 || june.Number != 2 || june.Value.Budget.Decimal.String() != "900" {
		t.Errorf("got %s", asJSON(w.Estimates))
	}
}
