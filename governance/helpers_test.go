package governance

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

const (
	accountA = "820723250459"
	accountB = "341755902216"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// office is a desk with four people, whose clock stands still until it is moved.
type office struct {
	t    testing.TB
	desk *Desk
	now  time.Time
	n    int
}

func newOffice(t testing.TB) *office {
	t.Helper()
	return officeOver(t, storage.New(memstore.New(), &storage.Options{Audited: Audited(nil)}))
}

func officeOver(t testing.TB, s *storage.Store) *office {
	t.Helper()
	o := &office{t: t, now: noon}
	o.desk = New(s, &Options{Now: func() time.Time { return o.now }})
	for id, role := range map[PersonID]Role{"becki": ProductOwner, "olga": ProductOwner, "lead": FinOpsLead, "lead2": FinOpsLead, "eng": CloudEngineer, "port": PortfolioOwner} {
		o.must(Command{Actor: System, Subject: person(id), Action: "put", Detail: PersonDetail{Roles: []Assignment{{Role: role, From: noon.AddDate(-1, 0, 0)}}}})
	}
	return o
}

func person(id PersonID) Ref { return Ref{Kind: KindPerson, ID: string(id)} }

func request(w string) Ref { return Ref{Kind: KindRequest, Workload: workloadID(w), ID: "1"} }

// do carries out a command, which gets an id of its own unless it has one.
func (o *office) do(c Command) (Result, error) {
	o.t.Helper()
	if c.ID == "" {
		o.n++
		c.ID = fmt.Sprintf("c%d", o.n)
	}
	return o.desk.Do(context.Background(), c)
}

func (o *office) must(c Command) Result {
	o.t.Helper()
	r, err := o.do(c)
	if err != nil {
		o.t.Fatalf("%s %s by %s: %v", c.Action, c.Subject, c.Actor, err)
	}
	return r
}

func (o *office) subject(ref Ref) *Subject {
	o.t.Helper()
	s, err := o.desk.Subject(context.Background(), ref)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func scopeA() Scope {
	return Scope{
		Accounts: []string{accountA}, Regions: []string{"us-east-1"},
		Components: []pricing.Group{pricing.GroupRuntime, pricing.GroupMemory, pricing.GroupModel},
		Models:     []string{"*"}, Expires: noon.AddDate(1, 0, 0),
	}
}

func ask() RequestDetail {
	return RequestDetail{Name: "Customer Support Bot", UseCase: "answers customers", Owner: "becki", Scope: scopeA()}
}

// checkHistory demands that a subject's version counts its events and that they
// make its state, byte for byte.
func checkHistory(t testing.TB, d *Desk, ref Ref) []Event {
	t.Helper()
	var events []Event
	for e, err := range d.History(context.Background(), ref) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	stored, err := d.Subject(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if uint64(len(events)) != stored.Version {
		t.Fatalf("%s: version %d with %d events", ref, stored.Version, len(events))
	}
	again, err := Replay(events)
	if err != nil {
		t.Fatal(err)
	}
	got, err1 := again.encode()
	want, err2 := stored.encode()
	if err1 != nil || err2 != nil || string(got) != string(want) {
		t.Fatalf("%s: replayed %s, stored %s (%v, %v)", ref, got, want, err1, err2)
	}
	return events
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
