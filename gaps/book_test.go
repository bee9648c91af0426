package gaps_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// clock is a clock that tests set.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

var sampleBill = gaps.Bill{Payer: "741258963014", Currency: "USD"}

func newBook(t testing.TB, o gaps.BookOptions) (*gaps.Book, *storage.Store, *clock) {
	t.Helper()
	s := storage.New(memstore.New(), nil)
	t.Cleanup(func() { s.Close() })
	c := &clock{time.Date(2026, 5, 28, 9, 0, 0, 0, time.UTC)}
	o.Now = c.Now
	return gaps.NewBook(s, &o), s, c
}

// sampleReport detects the gaps of a delivery of the sample months.
func sampleReport(t testing.TB, folder string, asOf time.Time, c *attribution.Claims) *gaps.Report {
	t.Helper()
	r, err := gaps.Detect(t.Context(), gaps.Input{Statement: sampleStatement(t, folder, asOf, c), Claims: c,
		Directory: gaps.People{Claims: c, Accounts: map[string]string{"820723250459": "joelle.park"}, Lead: "ravi.menon"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func entries(t testing.TB, b *gaps.Book, bill gaps.Bill) (out []*gaps.Entry) {
	t.Helper()
	for e, err := range b.Entries(t.Context(), bill) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y *gaps.Entry) int { return y.Spend().Cmp(x.Spend()) })
	return out
}

// entryOf returns the one entry of a kind.
func entryOf(t testing.TB, b *gaps.Book, k gaps.Kind) *gaps.Entry {
	t.Helper()
	list := slices.DeleteFunc(entries(t, b, sampleBill), func(e *gaps.Entry) bool { return e.Kind != k })
	if len(list) != 1 {
		t.Fatalf("%d entries of %s, want one", len(list), k)
	}
	return list[0]
}

func reconcile(t testing.TB, b *gaps.Book, r *gaps.Report) gaps.Reconciled {
	t.Helper()
	got, err := b.Reconcile(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// failer is a test, or a round of a property.
type failer interface {
	Helper()
	Fatal(...any)
	Context() context.Context
}

// dump is everything a store holds, verified.
func dump(t failer, s *storage.Store) string {
	t.Helper()
	var b strings.Builder
	if _, err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func history(t testing.TB, b *gaps.Book, e *gaps.Entry) (out []string) {
	t.Helper()
	for ev, err := range b.History(t.Context(), e.Ref()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s: %s > %s by %s", ev.Action, ev.From, ev.To, ev.Actor))
	}
	return out
}

func TestReconcilingTheSameStatementTwiceChangesNothing(t *testing.T) {
	b, s, now := newBook(t, gaps.BookOptions{})
	c := sampleClaims(t)
	r := sampleReport(t, "2026-05-first", firstMay, c)
	if got, want := reconcile(t, b, r), (gaps.Reconciled{Opened: len(r.Gaps)}); got != want {
		t.Errorf("first: %+v, want %+v", got, want)
	}
	before := dump(t, s)
	now.now = now.now.Add(time.Hour)
	for range 2 {
		again := sampleReport(t, "2026-05-first", firstMay, c)
		again.Now = again.Now.Add(time.Hour) // judged later, to the same end
		if got := reconcile(t, b, again); got != (gaps.Reconciled{}) {
			t.Errorf("again: %+v, want nothing", got)
		}
	}
	if after := dump(t, s); after != before {
		t.Error("the store changed")
	}
}

func TestARestatedMonthUpdatesSpendWithoutANewGap(t *testing.T) {
	b, s, _ := newBook(t, gaps.BookOptions{})
	c := sampleClaims(t)
	reconcile(t, b, sampleReport(t, "2026-04", april, c))
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, c))
	before := entries(t, b, sampleBill)
	got := reconcile(t, b, sampleReport(t, "2026-05-second", secondMay, c))
	after := entries(t, b, sampleBill)
	if len(after) != len(before) || got.Opened != 0 || got.Resolved != 0 {
		t.Errorf("%d gaps became %d: %+v", len(before), len(after), got)
	}
	runtime := entryOf(t, b, gaps.UnclaimedRuntime)
	if runtime.Spend().StringFixed(2) != "66.52" {
		t.Errorf("runtime has %s, want 66.52", runtime.Spend())
	}
	if first, _ := runtime.Seen(); first.Format(time.DateOnly) != "2026-05-19" || runtime.State != gaps.Active {
		t.Errorf("runtime first seen %s, %s", first, runtime.State)
	}
	// The older delivery afterwards is a no-op.
	later := dump(t, s)
	if got := reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, c)); got != (gaps.Reconciled{Stale: true}) {
		t.Errorf("the older delivery: %+v, want stale", got)
	}
	if dump(t, s) != later {
		t.Error("the older delivery changed the store")
	}
}

// figures is what must not depend on the order statements arrive in.
func figures(list []*gaps.Entry) (out []string) {
	for _, e := range list {
		if e.State.Open() {
			out = append(out, fmt.Sprintf("%s %s %s %s", e.ID, e.Kind, e.Spend(), e.Counted()))
		}
	}
	slices.Sort(out)
	return out
}

func TestOpenSetAndAmountsDoNotDependOnArrival(t *testing.T) {
	c := sampleClaims(t)
	// Claimed in the last delivery, so that a gap is gone there.
	claimed := *c
	claimed.Claims = append(slices.Clone(c.Claims), attribution.Claim{ID: "new", From: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
		Target: attribution.Whole{Workload: "kyc-summariser"}, Anchor: attribution.Anchor{Kind: attribution.KindResource,
			Value: "arn:aws:bedrock-agentcore:us-east-1:341755902216:memory/prototype_memory-b3Nv5Cx7Zl"}})
	none := &attribution.Claims{Workloads: c.Workloads}
	reports := []*gaps.Report{
		sampleReport(t, "2026-04", april, none),
		sampleReport(t, "2026-05-first", firstMay, none),
		sampleReport(t, "2026-05-first", firstMay.Add(time.Hour), c),
		sampleReport(t, "2026-05-second", secondMay, &claimed),
	}
	var want []string
	n := 0
	permute(len(reports), func(order []int) {
		b, _, _ := newBook(t, gaps.BookOptions{})
		for _, i := range order {
			reconcile(t, b, reports[i])
		}
		got := figures(entries(t, b, sampleBill))
		if n++; want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("order %v (-first order +this):\n%s", order, d)
		}
	})
	if n != 24 || len(want) < 20 {
		t.Errorf("%d orders, %d gaps", n, len(want))
	}
}

// permute calls f with every order of n things.
func permute(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var rec func(int)
	rec = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			rec(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	rec(0)
}

// fakeRemedies notes what it is asked to do, and refuses on request.
type fakeRemedies struct {
	calls  []string
	refuse error
}

func (f *fakeRemedies) note(format string, args ...any) (string, error) {
	if f.refuse != nil {
		return "", f.refuse
	}
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return fmt.Sprintf("ref-%d", len(f.calls)), nil
}

func (f *fakeRemedies) Assign(_ context.Context, _, actor, _, _ string, a attribution.Anchor, w attribution.WorkloadID, from time.Time) (string, error) {
	return f.note("%s assigns %s to %s from %s", actor, a.Value, w, from.Format(time.DateOnly))
}

func (f *fakeRemedies) Decide(_ context.Context, _, actor, _, _ string, k *cur.Key, w attribution.WorkloadID, approve bool) (string, error) {
	return f.note("%s decides %v on %s in %s", actor, approve, w, k.UsageAccount)
}

func (f *fakeRemedies) AddScope(_ context.Context, _, actor, _, _, approval string, k *cur.Key) (string, error) {
	return f.note("%s adds %s to %s", actor, k.Region, approval)
}

func (f *fakeRemedies) Task(_ context.Context, _, actor, _, _, remedy string, a attribution.Anchor, assignee string) (string, error) {
	return f.note("%s gives %s %q on %s", actor, assignee, remedy, a.Value)
}

func lead(e *gaps.Entry) gaps.Action {
	return gaps.Action{Ref: e.Ref(), Seen: e.Version, Actor: "ravi.menon", Role: "finops_lead", Rationale: "belongs to KYC"}
}

func TestAGapClosesOnlyByWhatReallyClosesIt(t *testing.T) {
	remedies := &fakeRemedies{}
	b, _, now := newBook(t, gaps.BookOptions{Remedies: remedies})
	c := sampleClaims(t)
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, c))
	memory := entryOf(t, b, gaps.UnclaimedMemory)
	a := lead(memory)
	a.Workload = "kyc-summariser"
	acted, err := b.Act(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if acted.State != gaps.Actioned || acted.Reference != "ref-1" {
		t.Errorf("acted: %s, reference %q", acted.State, acted.Reference)
	}
	if d := cmp.Diff([]string{"ravi.menon assigns arn:aws:bedrock-agentcore:us-east-1:341755902216:memory/prototype_memory-b3Nv5Cx7Zl to kyc-summariser from 2026-05-08"}, remedies.calls); d != "" {
		t.Errorf("remedies (-want +got):\n%s", d)
	}
	// A later statement without the claim leaves it actioned; one with it closes it.
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay.Add(time.Hour), c))
	if e := entryOf(t, b, gaps.UnclaimedMemory); e.State != gaps.Actioned {
		t.Errorf("shown again: %s, want actioned", e.State)
	}
	claimed := *c
	claimed.Claims = append(slices.Clone(c.Claims), attribution.Claim{ID: "new", From: time.Date(2026, 5, 8, 0, 0, 0, 0, time.UTC),
		Target: attribution.Whole{Workload: "kyc-summariser"}, Anchor: memory.Subject.Anchor})
	got := reconcile(t, b, sampleReport(t, "2026-05-second", secondMay, &claimed))
	if e := entryOf(t, b, gaps.UnclaimedMemory); e.State != gaps.Resolved || got.Resolved != 1 || !e.Spend().IsZero() {
		t.Errorf("claimed: %s with %s, %+v", e.State, e.Spend(), got)
	}
	if slices.ContainsFunc(gaps.RollUp(entries(t, b, sampleBill), gaps.ByKind, now.now), func(x gaps.Total) bool { return x.Value == "unclaimed_memory" }) {
		t.Error("what is resolved is in the roll-up")
	}
	// Somebody withdraws the claim: the gap is recalled, and is the same gap.
	now.now = now.now.Add(24 * time.Hour)
	got = reconcile(t, b, sampleReport(t, "2026-05-second", secondMay.Add(time.Hour), c))
	e := entryOf(t, b, gaps.UnclaimedMemory)
	if e.State != gaps.Recalled || got.Recalled != 1 || e.ID != memory.ID || !e.Since.Equal(now.now) {
		t.Errorf("unclaimed again: %s since %s, %+v", e.State, e.Since, got)
	}
	want := []string{"opened:  > active by spendclaim", "acted: active > actioned by ravi.menon", "updated: actioned > actioned by spendclaim",
		"resolved: actioned > resolved by spendclaim", "recalled: resolved > recalled by spendclaim"}
	if d := cmp.Diff(want, history(t, b, e)); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	remedies := &fakeRemedies{refuse: errors.New("approver is requester")}
	b, s, now := newBook(t, gaps.BookOptions{Remedies: remedies})
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, sampleClaims(t)))
	memory := entryOf(t, b, gaps.UnclaimedMemory)
	before := dump(t, s)
	with := func(edit func(*gaps.Action)) gaps.Action {
		a := lead(memory)
		a.Workload = "kyc-summariser"
		edit(&a)
		return a
	}
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"the remedy refuses": {func() error { _, err := b.Act(t.Context(), with(func(*gaps.Action) {})); return err }, remedies.refuse},
		"no rationale": {func() error {
			_, err := b.Act(t.Context(), with(func(a *gaps.Action) { a.Rationale = "" }))
			return err
		}, gaps.ErrAction},
		"no actor":              {func() error { _, err := b.Act(t.Context(), with(func(a *gaps.Action) { a.Actor = "" })); return err }, gaps.ErrAction},
		"no workload":           {func() error { _, err := b.Act(t.Context(), with(func(a *gaps.Action) { a.Workload = "" })); return err }, gaps.ErrAction},
		"another version seen":  {func() error { _, err := b.Act(t.Context(), with(func(a *gaps.Action) { a.Seen = 9 })); return err }, storage.ErrConflict},
		"no such gap":           {func() error { _, err := b.Act(t.Context(), with(func(a *gaps.Action) { a.Ref.ID = "x" })); return err }, storage.ErrNotFound},
		"nothing to withdraw":   {func() error { _, err := b.Withdraw(t.Context(), lead(memory)); return err }, gaps.ErrState},
		"suppressed until past": {func() error { _, err := b.Suppress(t.Context(), lead(memory), now.now); return err }, gaps.ErrAction},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.do(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if after := dump(t, s); after != before {
				t.Error("the store changed")
			}
		})
	}
}

func TestEachRemedyGoesThroughItsCommand(t *testing.T) {
	remedies := &fakeRemedies{}
	b, _, _ := newBook(t, gaps.BookOptions{Remedies: remedies})
	c := sampleClaims(t)
	approvals := []gaps.Approval{approval{id: "BR-1", workload: "kyc-summariser", regions: []string{"eu-west-1"}}}
	r, err := gaps.Detect(t.Context(), gaps.Input{Statement: sampleStatement(t, "2026-05-first", firstMay, c), Claims: c, Approvals: approvals}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reconcile(t, b, r)
	for _, e := range entries(t, b, sampleBill) {
		kyc := e.Subject.Workload == "kyc-summariser"
		if e.Kind == gaps.OutOfApprovedScope && kyc || e.Kind == gaps.NoBudgetAllocation && e.Subject.Workload == "fraud-review-agent" || e.Kind == gaps.RoleRecommendation {
			a := lead(e)
			a.Assignee, a.Block = "joelle.park", e.Kind == gaps.NoBudgetAllocation
			if _, err := b.Act(t.Context(), a); err != nil {
				t.Error(err)
			}
		}
	}
	slices.Sort(remedies.calls)
	want := []string{
		"ravi.menon adds us-east-1 to BR-1",
		"ravi.menon decides false on fraud-review-agent in 341755902216",
		`ravi.menon gives joelle.park "Assign Distinct Role" on arn:aws:sts::341755902216:assumed-role/finops-shared-svc`,
	}
	if d := cmp.Diff(want, remedies.calls); d != "" {
		t.Errorf("remedies (-want +got):\n%s", d)
	}
}

// messages are what lies in the outbox: event, kind and whom it is for.
func messages(t testing.TB, s *storage.Store) (out []string) {
	t.Helper()
	for m, err := range outbox.New(s, "gaps").Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s", m.Topic, m.Body))
	}
	return out
}

func TestTheClockEscalates(t *testing.T) {
	b, s, now := newBook(t, gaps.BookOptions{Within: 48 * time.Hour})
	c := sampleClaims(t)
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, c))
	told := func() (out []string) {
		for _, x := range entryOf(t, b, gaps.UnclaimedRuntime).Told {
			out = append(out, x.To+" as "+x.As)
		}
		return out
	}
	escalate := func(want int) {
		t.Helper()
		if n, err := b.Escalate(t.Context(), sampleBill); err != nil || n != want {
			t.Errorf("escalated %d, %v; want %d", n, err, want)
		}
	}
	if d := cmp.Diff([]string{"joelle.park as account_owner"}, told()); d != "" {
		t.Errorf("opened (-want +got):\n%s", d)
	}
	opened := len(messages(t, s))
	escalate(0)
	now.now = now.now.Add(48 * time.Hour)
	escalate(6)
	escalate(0)
	if d := cmp.Diff([]string{"joelle.park as account_owner", "ravi.menon as finops_lead"}, told()); d != "" {
		t.Errorf("after two days (-want +got):\n%s", d)
	}
	// Two gaps of that account have somebody further to tell; the others' first was the lead.
	if n := len(messages(t, s)) - opened; n != 2 {
		t.Errorf("%d messages by escalation, want 2", n)
	}
	now.now = now.now.Add(48 * time.Hour)
	escalate(2) // everybody was told: the clock stops
	now.now = now.now.Add(480 * time.Hour)
	escalate(0)
}

func TestSuppressionEnds(t *testing.T) {
	b, _, now := newBook(t, gaps.BookOptions{})
	c := sampleClaims(t)
	reconcile(t, b, sampleReport(t, "2026-05-first", firstMay, c))
	e := entryOf(t, b, gaps.UnclaimedRuntime)
	until := now.now.Add(30 * 24 * time.Hour)
	if _, err := b.Suppress(t.Context(), lead(e), until); err != nil {
		t.Fatal(err)
	}
	now.now = until.Add(-time.Second)
	if n, err := b.Escalate(t.Context(), sampleBill); err != nil || entryOf(t, b, gaps.UnclaimedRuntime).State != gaps.Suppressed {
		t.Errorf("a second early: %d, %v", n, err)
	}
	reconcile(t, b, sampleReport(t, "2026-05-second", secondMay, c))
	if e := entryOf(t, b, gaps.UnclaimedRuntime); e.State != gaps.Suppressed || e.Spend().StringFixed(2) != "66.52" {
		t.Errorf("reconciled meanwhile: %s with %s", e.State, e.Spend())
	}
	now.now = until
	if _, err := b.Escalate(t.Context(), sampleBill); err != nil {
		t.Fatal(err)
	}
	e = entryOf(t, b, gaps.UnclaimedRuntime)
	if e.State != gaps.Active || !e.Due.Equal(until.Add(7*24*time.Hour)) {
		t.Errorf("over: %s due %s", e.State, e.Due)
	}
	if _, err := b.Suppress(t.Context(), lead(e), until.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w, err := b.Withdraw(t.Context(), gaps.Action{Ref: e.Ref(), Actor: "a", Role: "r", Rationale: "w"})
	if err != nil || w.State != gaps.Recalled {
		t.Errorf("withdrawn: %v, %v", w, err)
	}
}
