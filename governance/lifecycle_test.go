package governance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// tick runs what is due and returns how much it was.
func (o *office) tick() int {
	o.t.Helper()
	n, err := o.desk.Tick(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

// topics returns the topics of the messages waiting.
func (o *office) topics() (out []string) {
	o.t.Helper()
	for m, err := range o.desk.Box().Pending(context.Background()) {
		if err != nil {
			o.t.Fatal(err)
		}
		out = append(out, m.Topic)
	}
	return out
}

// queue returns the subjects that wait for a person or a role.
func (o *office) queue(t Turn) (out []string) {
	o.t.Helper()
	for l, err := range o.desk.Queue(context.Background(), t) {
		if err != nil {
			o.t.Fatal(err)
		}
		out = append(out, l.Subject.String()+" "+string(l.State))
	}
	return out
}

func TestOwnerLeaves(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	o.must(Command{Actor: "lead", Subject: person("becki"), Action: "leave"})
	if n := o.tick(); n != 1 {
		t.Errorf("%d things were due", n)
	}
	if s := o.subject(workload("bot")); s.State != WorkloadOwnerMissing {
		t.Fatalf("state %s", s.State)
	}
	if n := o.tick(); n != 0 {
		t.Errorf("%d things were due again", n)
	}
	if got := o.queue(Turn{Role: FinOpsLead}); !slices.Contains(got, "workload/bot owner_missing") {
		t.Errorf("the FinOps Lead's queue: %q", got)
	}
	// Nobody owns it against his will.
	o.must(Command{Actor: "lead", Subject: workload("bot"), Action: "offer_owner", Detail: OwnerDetail{Owner: "olga"}})
	if _, err := o.do(Command{Actor: "lead", Subject: workload("bot"), Action: "accept_owner"}); !errors.Is(err, ErrRole) {
		t.Errorf("accepted by the FinOps Lead: %v", err)
	}
	if got := o.queue(Turn{Person: "olga"}); !cmp.Equal(got, []string{"workload/bot owner_missing"}) {
		t.Errorf("Olga's queue: %q", got)
	}
	o.now = o.now.Add(time.Hour)
	o.must(Command{Actor: "olga", Subject: workload("bot"), Action: "accept_owner"})
	s := o.subject(workload("bot"))
	w := s.Body.(*Workload)
	if s.State != WorkloadActive || w.Owner() != "olga" || w.OwnerAt(noon) != "becki" {
		t.Errorf("got %s", asJSON(s))
	}
	r, err := o.desk.Register(t.Context())
	if err != nil || r.WorkloadOwner("bot", o.now) != "olga" || !r.Estimated("bot", o.now) {
		t.Errorf("the register says %q, %v", r.WorkloadOwner("bot", o.now), err)
	}
	checkHistory(t, o.desk, workload("bot"))
}

func TestDelegation(t *testing.T) {
	o := newOffice(t)
	q := request("bot")
	o.must(Command{Actor: "becki", Subject: q, Action: "submit", Detail: ask()})
	from, to := noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 8)
	o.must(Command{Actor: "lead", Subject: person("olga"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, From: from, To: to}})
	approve := Command{Actor: "olga", Subject: q, Action: "approve", Rationale: "while the lead is away"}
	if _, err := o.do(approve); !errors.Is(err, ErrRole) {
		t.Errorf("before it begins: %v", err)
	}
	// A delegate does not delegate on.
	o.now = from
	_, err := o.do(Command{Actor: "olga", Subject: person("eng"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, To: to}})
	if !errors.Is(err, ErrGuard) {
		t.Errorf("delegated on: %v", err)
	}
	o.now = to
	if _, err := o.do(approve); !errors.Is(err, ErrRole) {
		t.Errorf("after its end: %v", err)
	}
	o.now = to.Add(-time.Second)
	r := o.must(approve)
	if r.Event.Actor != "olga" || r.Event.For != "lead" || !cmp.Equal(o.subject(q).Parts[Approver], []PersonID{"lead", "olga"}) {
		t.Errorf("got %s", asJSON(r))
	}
	// What a leaver delegated ends with him.
	o.must(Command{Actor: System, Subject: person("lead"), Action: "leave"})
	if _, err := o.do(Command{Actor: "olga", Subject: q, Action: "revoke", Rationale: "x"}); !errors.Is(err, ErrRole) {
		t.Errorf("delegated by one who has left: %v", err)
	}
}

func TestBreakGlass(t *testing.T) {
	o := newOffice(t)
	q := request("bot")
	o.must(Command{Actor: "becki", Subject: q, Action: "submit", Detail: ask()})
	o.must(Command{Actor: "olga", Subject: person("olga"), Action: "break_glass", Rationale: "both leads are ill", Detail: RoleDetail{Role: FinOpsLead}})
	r := o.must(Command{Actor: "olga", Subject: q, Action: "ask_changes", Rationale: "the budget"})
	if !r.Event.BreakGlass {
		t.Errorf("the event does not say so: %s", asJSON(r.Event))
	}
	loud := slices.DeleteFunc(o.topics(), func(s string) bool { return !strings.Contains(s, "break_glass") })
	if diff := cmp.Diff(loud, []string{"governance.break_glass.request.ask_changes", "governance.person.break_glass"}, cmpSorted); diff != "" {
		t.Errorf("messages (+want): %s", diff)
	}
	o.must(Command{Actor: "becki", Subject: q, Action: "resubmit", Detail: ask()})
	o.now = o.now.Add(4 * time.Hour)
	if _, err := o.do(Command{Actor: "olga", Subject: q, Action: "approve", Rationale: "x"}); !errors.Is(err, ErrRole) {
		t.Errorf("after four hours: %v", err)
	}
}

var cmpSorted = cmp.Transformer("sorted", func(in []string) []string { out := slices.Clone(in); slices.Sort(out); return out })

func TestBackDatedClaimsWaitForTheFinOpsLead(t *testing.T) {
	o := newOffice(t)
	o.approve("bot", ask())
	o.build("bot", "1-1", handoff(2))
	from := noon.AddDate(0, 0, -3)
	o.must(Command{Actor: "becki", Subject: workload("bot"), Action: "claim", Detail: ClaimDetail{Items: []ClaimItem{{Anchor: resource(0)}, {Anchor: resource(1)}}, From: from}})
	claims := func() []attribution.Claim {
		t.Helper()
		c, err := o.desk.Claims(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Claims
	}
	if got := claims(); len(got) != 0 {
		t.Errorf("attributed to already: %s", asJSON(got))
	}
	waiting := o.queue(Turn{Role: FinOpsLead})
	if len(waiting) != 2 {
		t.Fatalf("waiting: %q", waiting)
	}
	var refs []Ref
	for s, err := range o.desk.In(t.Context(), workload("bot"), KindClaim) {
		if err != nil || !s.Body.(*Claim).BackDated() {
			t.Fatalf("%s, %v", asJSON(s), err)
		}
		refs = append(refs, s.Ref)
	}
	o.must(Command{Actor: "lead", Subject: refs[0], Action: "approve", Rationale: "it ran since then"})
	o.must(Command{Actor: "lead", Subject: refs[1], Action: "refuse", Rationale: "it did not"})
	got := claims()
	if len(got) != 1 || !got[0].From.Equal(from) || !got[0].RecordedAt.Equal(noon) {
		t.Errorf("got %s", asJSON(got))
	}
	if w := o.subject(workload("bot")).Body.(*Workload); w.Claims != 1 {
		t.Errorf("%d claims", w.Claims)
	}
	for _, r := range refs {
		checkHistory(t, o.desk, r)
	}
}

func TestTransferTakesConsent(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 2)
	d := ask()
	d.Owner = "olga"
	o.approve("other", d)
	o.build("other", "1-1", Handoff{Items: []HandoffItem{{Anchor: resource(9), Component: pricing.GroupRuntime}}})
	var ref Ref
	for s, err := range o.desk.In(t.Context(), workload("bot"), KindClaim) {
		if err != nil {
			t.Fatal(err)
		}
		ref = s.Ref
	}
	o.must(Command{Actor: "becki", Subject: ref, Action: "offer", Detail: OfferDetail{To: "other"}})
	if _, err := o.do(Command{Actor: "becki", Subject: ref, Action: "accept"}); !errors.Is(err, ErrGuard) {
		t.Errorf("accepted by the giver: %v", err)
	}
	o.must(Command{Actor: "olga", Subject: ref, Action: "decline"})
	o.must(Command{Actor: "becki", Subject: ref, Action: "offer", Detail: OfferDetail{To: "other"}})
	o.now = o.now.Add(36 * time.Hour)
	o.must(Command{Actor: "olga", Subject: ref, Action: "accept"})
	c, err := o.desk.Claims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(nil); err != nil {
		t.Error(err)
	}
	var mine, theirs int
	for _, c := range c.Claims {
		switch c.Target.(attribution.Whole).Workload {
		case "bot":
			mine++
		case "other":
			if theirs++; !c.From.Equal(o.now) {
				t.Errorf("from %s", c.From)
			}
		}
	}
	if mine != 2 || theirs != 1 || o.subject(workload("bot")).Body.(*Workload).Claims != 1 || o.subject(workload("other")).Body.(*Workload).Claims != 1 {
		t.Errorf("%d and %d claims", mine, theirs)
	}
	for _, r := range []Ref{ref, workload("bot"), workload("other")} {
		checkHistory(t, o.desk, r)
	}
}

func TestApprovalExpiresAndIsRevoked(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	o.now = noon.AddDate(1, 0, 0)
	if n := o.tick(); n != 1 || o.subject(request("bot")).State != RequestExpired {
		t.Fatalf("%d due, %s", n, o.subject(request("bot")).State)
	}
	_, err := o.do(Command{Actor: "becki", Subject: workload("bot"), Action: "claim", Detail: ClaimDetail{Items: []ClaimItem{{Anchor: resource(0)}}}})
	if !errors.Is(err, ErrGuard) {
		t.Errorf("claimed under an expired approval: %v", err)
	}
	longer := scopeA()
	longer.Expires = o.now.AddDate(1, 0, 0)
	o.must(Command{Actor: "becki", Subject: request("bot"), Action: "propose_change", Detail: ScopeDetail{Scope: longer}})
	o.must(Command{Actor: "lead", Subject: request("bot"), Action: "approve_change", Rationale: "still needed"})
	if q := o.subject(request("bot")).Body.(*Request); len(q.Tasks) != 1 || len(q.Grants) != 2 {
		t.Errorf("a longer approval is no new work: %s", asJSON(q))
	}
	o.now = o.now.Add(time.Hour)
	o.must(Command{Actor: "lead", Subject: request("bot"), Action: "revoke", Rationale: "no longer"})
	if s := o.subject(workload("bot")); s.State != WorkloadSuspended {
		t.Errorf("the workload is %s", s.State)
	}
	if s := o.subject(task("bot", "1-2")); s.State != TaskOpen || s.Body.(*Task).Type != TaskDecommission {
		t.Errorf("got %s", asJSON(s))
	}
	if _, err := o.do(Command{Actor: "lead2", Subject: workload("bot"), Action: "resume", Rationale: "x"}); !errors.Is(err, ErrGuard) {
		t.Errorf("resumed without an approval: %v", err)
	}
	r, err := o.desk.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range r.Approvals() {
		if from, to := a.InForce(); !from.Before(to) {
			t.Errorf("approval %d from %s to %s", i, from, to)
		}
	}
}

func TestAssignedClaimsWaitForTheOwner(t *testing.T) {
	o := newOffice(t)
	o.activate("bot", 1)
	d := ClaimDetail{Items: []ClaimItem{{Anchor: resource(7), Component: pricing.GroupRuntime}}, From: noon.AddDate(0, 0, -2)}
	o.must(Command{Actor: "lead", Subject: workload("bot"), Action: "assign", Rationale: "same role", Detail: d})
	got := o.queue(Turn{Person: "becki"})
	if len(got) != 1 || !strings.HasSuffix(got[0], " pending") {
		t.Fatalf("becki's queue: %q", got)
	}
	var ref Ref
	for s, err := range o.desk.In(t.Context(), workload("bot"), KindClaim) {
		if err != nil {
			t.Fatal(err)
		}
		if s.State == ClaimPending {
			ref = s.Ref
		}
	}
	if _, err := o.do(Command{Actor: "lead2", Subject: ref, Action: "approve", Rationale: "x"}); !errors.Is(err, ErrGuard) {
		t.Errorf("approved over the owner's head: %v", err)
	}
	o.must(Command{Actor: "becki", Subject: ref, Action: "approve"})
}

func TestClaimsOfTheLedgerAreAProjection(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	o := officeOver(t, s)
	l := ledger.New(s, &ledger.Options{Now: func() time.Time { return o.now }})
	o.activate("bot", 3)
	saved, err := o.desk.SaveClaims(t.Context(), l)
	if err != nil || len(saved.Claims) != 3 {
		t.Fatalf("%d claims, %v", len(saved.Claims), err)
	}
	before := export(t, s)
	if _, err := o.desk.SaveClaims(t.Context(), l); err != nil || string(export(t, s)) != string(before) {
		t.Errorf("saving what is current wrote something, or failed: %v", err)
	}
	o.now = o.now.Add(24 * time.Hour)
	o.must(Command{Actor: "becki", Subject: workload("bot"), Action: "release", Rationale: "gone", Detail: ReleaseDetail{Claims: []attribution.ClaimID{saved.Claims[0].ID}}})
	// Interrupted before: the books still have the old ones, and saving makes it good.
	if saved, err = o.desk.SaveClaims(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	current, err := l.CurrentClaims(t.Context())
	if err != nil || string(current.AppendJSON(nil)) != string(saved.AppendJSON(nil)) || !current.Claims[0].To.Equal(o.now) {
		t.Errorf("the ledger has %s, %v", current.AppendJSON(nil), err)
	}
	if !current.Claims[1].RecordedAt.Equal(noon) {
		t.Errorf("recorded at %s", current.Claims[1].RecordedAt)
	}
}

func TestBulkClaimGoesOn(t *testing.T) {
	fault := &faulty{Driver: memstore.New()}
	s := storage.New(fault, &storage.Options{Attempts: 1, Audited: Audited(nil)})
	o := officeOver(t, s)
	o.approve("bot", ask())
	h := handoff(50)
	o.build("bot", "1-1", h)
	var d ClaimDetail
	for _, i := range h.Items {
		d.Items = append(d.Items, ClaimItem{Anchor: i.Anchor})
	}
	c := Command{ID: "bulk", Actor: "becki", Subject: workload("bot"), Action: "claim_bulk", Detail: d}
	// The store goes away after the third commit.
	n := 0
	fault.on, fault.pick = true, func(int) int {
		if n++; n > 3 {
			return 0
		}
		return 11
	}
	r, err := o.desk.Do(t.Context(), c)
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	fault.on = false
	w := o.subject(workload("bot"))
	if w.State != WorkloadClaiming || w.Body.(*Workload).Bulk.Total != 50 || len(w.Body.(*Workload).Bulk.Items) != 26 || r.Subject.State != WorkloadClaiming {
		t.Fatalf("what is under way is not visible: %s", asJSON(w))
	}
	if o.tick() != 1 {
		t.Error("the tick did not go on")
	}
	if r = o.must(c); !r.Replayed || r.Subject.State != WorkloadClaimed || r.Subject.Body.(*Workload).Claims != 50 {
		t.Errorf("got %s", asJSON(r))
	}
	checkHistory(t, o.desk, workload("bot"))
}

func TestMessagesOfADecisionAreDelivered(t *testing.T) {
	o := newOffice(t)
	o.must(Command{Actor: "becki", Subject: request("bot"), Action: "submit", Detail: ask()})
	var got []string
	r, err := o.desk.Box().Deliver(t.Context(), func(_ context.Context, m outbox.Message) error {
		got = append(got, m.Topic)
		return nil
	}, nil)
	if err != nil || r.Delivered != 1 || !cmp.Equal(got, []string{"governance.request.submit"}) {
		t.Errorf("%+v, %q, %v", r, got, err)
	}
}
