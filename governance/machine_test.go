package governance

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/internal/dynamotest/table"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// faulty is a driver of which commits fail: before anything is written, or with their
// answer lost, written or not.
type faulty struct {
	storage.Driver
	pick func(n int) int
	on   bool
}

func (f *faulty) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if !f.on {
		return f.Driver.Commit(ctx, b)
	}
	switch f.pick(12) {
	case 0:
		return fmt.Errorf("planted: %w", storage.ErrUnavailable)
	case 1:
		return fmt.Errorf("planted, not written: %w", storage.ErrUnknownOutcome)
	case 2:
		if err := f.Driver.Commit(ctx, b); err != nil {
			return err
		}
		return fmt.Errorf("planted, written: %w", storage.ErrUnknownOutcome)
	}
	return f.Driver.Commit(ctx, b)
}

// machine gives random commands by random actors to a desk and remembers which were
// carried out.
type machine struct {
	t     interface{ Fatalf(string, ...any) }
	pick  func(n int) int
	store *storage.Store
	fault *faulty
	desk  *Desk
	now   time.Time

	n, done, refused, faults int
	events                   map[string]Event // by command
	commands                 []Command        // those carried out
}

var machinePeople = []PersonID{"ann", "bob", "cyd", "dan", "eve"}

func newMachine(t interface{ Fatalf(string, ...any) }, d storage.Driver, pick func(int) int) *machine {
	m := &machine{t: t, pick: pick, now: noon, events: map[string]Event{}}
	m.fault = &faulty{Driver: d, pick: pick}
	m.store = storage.New(m.fault, &storage.Options{Attempts: 1, Audited: Audited(nil)})
	m.desk = New(m.store, &Options{Now: func() time.Time { return m.now }})
	for i, p := range machinePeople {
		var all []Assignment
		for j, r := range roles[:4] {
			if i < 3 || (i+j)%2 == 0 {
				all = append(all, Assignment{Role: r, From: noon.AddDate(-1, 0, 0)})
			}
		}
		m.give(Command{Actor: System, Subject: person(p), Action: "put", Detail: PersonDetail{Roles: all}})
	}
	m.fault.on = true
	return m
}

func one[T any](m *machine, of []T) T { return of[m.pick(len(of))] }

// give gives a command, again and again until its outcome is known, and reports
// whether it was carried out.
func (m *machine) give(c Command) bool {
	if c.ID == "" {
		m.n++
		c.ID = fmt.Sprintf("m%d", m.n)
	}
	for try := 0; ; try++ {
		r, err := m.desk.Do(context.Background(), c)
		var refused *TransitionError
		var stale *ConflictError
		switch {
		case err == nil:
			if was, ok := m.events[c.ID]; ok && asJSON(was) != asJSON(r.Event) {
				m.t.Fatalf("%s given again: %s, before %s", c.ID, asJSON(r.Event), asJSON(was))
			} else if !ok {
				m.commands = append(m.commands, c)
				m.done++
			}
			m.events[c.ID] = r.Event
			return true
		case errors.Is(err, storage.ErrUnknownOutcome), errors.Is(err, storage.ErrUnavailable):
			m.faults++
			if try == 100 {
				m.t.Fatalf("no end of faults: %v", err)
			}
		case errors.As(err, &refused), errors.As(err, &stale):
			m.refused++
			return false
		default:
			m.t.Fatalf("%s %s: %v", c.Action, c.Subject, err)
		}
	}
}

// step gives one random command.
func (m *machine) step() {
	if m.pick(25) == 0 {
		m.now = m.now.Add(time.Duration(m.pick(72)) * time.Hour)
	}
	if len(m.commands) > 0 && m.pick(15) == 0 {
		m.give(one(m, m.commands)) // given again
		return
	}
	w := one(m, []string{"w1", "w2", "w3", "w4", "w5"})
	var subjects []*Subject
	for s, err := range m.desk.In(context.Background(), workload(w), "") {
		if err != nil {
			m.t.Fatalf("%v", err)
		}
		subjects = append(subjects, s)
	}
	var s *Subject
	switch {
	case len(subjects) == 0 || m.pick(60) == 0:
		s = &Subject{Ref: Ref{Kind: KindRequest, Workload: workloadID(w), ID: one(m, []string{"1", "2", "3"})}}
		if got, err := m.desk.Subject(context.Background(), s.Ref); err == nil {
			s = got
		}
	case m.pick(15) == 0:
		got, err := m.desk.Subject(context.Background(), person(one(m, machinePeople)))
		if err != nil {
			m.t.Fatalf("%v", err)
		}
		s = got
	default:
		s = one(m, subjects)
		// The young ones are where something is left to do.
		if live := slices.DeleteFunc(slices.Clone(subjects), func(s *Subject) bool { return slices.Contains(rulesOf(s.Ref.Kind).final, s.State) }); len(live) > 0 && m.pick(12) > 0 {
			s = one(m, live)
		}
	}
	rules := rulesOf(s.Ref.Kind)
	rows := slices.DeleteFunc(rules.rowsFrom(s.State), func(t Transition) bool {
		// What ends everything is rare.
		return t.Role == Consequence || (t.Action == "retire" || t.Action == "revoke" || t.Action == "leave" || t.Action == "owner_left" || t.Action == "suspend" || t.Action == "reject" || t.Action == "withdraw" || t.Action == "propose_change" || t.Action == "draft" || t.Action == "cancel" || t.Action == "put_back" || t.Action == "return") && m.pick(8) > 0
	})
	ahead := slices.DeleteFunc(slices.Clone(rows), func(t Transition) bool {
		if w, ok := s.Body.(*Workload); ok && t.Action == "accept_owner" && w.Offered == "" {
			return true
		}
		return !slices.Contains([]Action{"submit", "resubmit", "approve", "approve_change", "take", "step", "hand_over", "claim", "confirm", "offer", "accept", "accept_owner", "resume"}, t.Action)
	})
	switch n := m.pick(10); {
	case n > 3 && len(ahead) > 0:
		rows = ahead
	case n == 0 && m.pick(2) == 0 || len(rows) == 0:
		rows = rules.rows()
	}
	row := one(m, rows)
	c := Command{Actor: one(m, machinePeople), Subject: s.Ref, Action: row.Action, Rationale: "why"}
	switch {
	case row.Role == Scheduler && m.pick(2) == 0:
		c.Actor = System
	case m.pick(10) == 0:
		c.Actor = one(m, []PersonID{"nobody", System})
	case s.Ref.Kind == KindClaim && (row.Action == "accept" || row.Action == "decline"):
		c.Actor = s.Body.(*Claim).OfferedOwner
	case s.Ref.Kind == KindClaim && row.Role == ProductOwner && m.pick(5) > 0:
		if owner, err := m.desk.Subject(context.Background(), workloadRef(s.Ref.Workload)); err == nil {
			c.Actor = owner.Body.(*Workload).Owner()
		}
	case s.Ref.Kind == KindWorkload && m.pick(5) > 0:
		if b := s.Body.(*Workload); row.Action == "accept_owner" || row.Action == "decline_owner" {
			c.Actor = b.Offered
		} else if row.Role == ProductOwner {
			c.Actor = b.Owner()
		}
	case s.Ref.Kind == KindTask && m.pick(5) > 0 && s.Body.(*Task).Implementer != "":
		c.Actor = s.Body.(*Task).Implementer
	}
	if c.Actor != System && row.Role.grantable() && m.pick(4) > 0 {
		// Somebody who has the role and is not kept apart, if there is one.
		for range 6 {
			p, err := m.desk.Subject(context.Background(), person(c.Actor))
			if err == nil && p.Body.(*Person).grants(Assignment{Role: row.Role}, m.now) && !slices.ContainsFunc(apartFrom(row.Takes), func(x Part) bool { return slices.Contains(s.Parts[x], c.Actor) }) {
				break
			}
			c.Actor = one(m, machinePeople)
		}
	}
	if m.pick(10) == 0 {
		c.Role = one(m, roles)
	}
	if m.pick(20) == 0 {
		c.Expect = uint64(m.pick(5))
	}
	c.Detail = m.detail(s, row.Action, subjects)
	m.give(c)
	if m.pick(40) == 0 {
		_, err := m.desk.Tick(context.Background())
		var refused *TransitionError
		if err != nil && !errors.Is(err, storage.ErrUnknownOutcome) && !errors.Is(err, storage.ErrUnavailable) && !errors.As(err, &refused) {
			m.t.Fatalf("tick: %v", err)
		}
	}
}

func (m *machine) anchor() attribution.Anchor { return resource(m.pick(6)) }

// detail returns a detail that may well do.
func (m *machine) detail(s *Subject, a Action, beside []*Subject) any {
	someone := one(m, machinePeople)
	switch a {
	case "submit", "resubmit", "draft":
		d := ask()
		d.Owner, d.Scope.Expires = someone, m.now.AddDate(0, 0, 10+m.pick(90))
		d.Scope.Components = d.Scope.Components[:1+m.pick(3)]
		if d.Scope.Models = nil; slices.Contains(d.Scope.Components, pricing.GroupModel) {
			d.Scope.Models = []string{"*"}
		}
		d.Retroactive = m.pick(5) == 0
		return d
	case "propose_change":
		sc := scopeA()
		sc.Expires = m.now.AddDate(0, 0, 1+m.pick(60))
		return ScopeDetail{Scope: sc}
	case "step":
		if b, ok := s.Body.(*Task); ok && len(b.Steps) > 0 {
			for _, name := range b.Steps {
				if !b.done(name) {
					return Step{Name: name}
				}
			}
		}
		return Step{Name: "stop"}
	case "hand_over":
		var h Handoff
		for i := range 6 {
			h.Items = append(h.Items, HandoffItem{Anchor: resource(i), Component: pricing.GroupRuntime})
		}
		return h
	case "claim", "assign", "claim_bulk":
		d := ClaimDetail{Items: []ClaimItem{{Anchor: m.anchor(), Component: pricing.GroupRuntime}}}
		if m.pick(3) == 0 {
			d.Items = append(d.Items, ClaimItem{Anchor: m.anchor(), Component: pricing.GroupRuntime})
		}
		if m.pick(4) == 0 {
			d.From = m.now.Add(time.Duration(m.pick(9)-4) * 24 * time.Hour)
		}
		if m.pick(8) == 0 {
			d.Items[0].Share = &attribution.Share{By: attribution.Evenly, Parts: []attribution.Part{{Workload: "w1"}, {Workload: "w2"}}}
		}
		return d
	case "release", "release_next":
		var d ReleaseDetail
		for _, c := range beside {
			if b, ok := c.Body.(*Claim); ok && m.pick(3) > 0 && len(d.Claims) < 3 {
				d.Claims = append(d.Claims, b.ID)
			}
		}
		if m.pick(4) == 0 {
			d.At = m.now.Add(time.Duration(m.pick(48)) * time.Hour)
		}
		return d
	case "confirm":
		return monthly(pricing.RuntimeVCPU)
	case "offer_owner":
		return OwnerDetail{Owner: someone}
	case "offer":
		return OfferDetail{To: workloadID(one(m, []string{"w1", "w2", "w3"}))}
	case "put":
		d := PersonDetail{}
		for _, r := range roles[:4] {
			if m.pick(4) > 0 {
				d.Roles = append(d.Roles, Assignment{Role: r, From: m.now})
			}
		}
		return d
	case "grant", "revoke", "delegate", "end_delegation", "break_glass":
		if s.Ref.Kind != KindPerson {
			return nil
		}
		return RoleDetail{Role: one(m, roles[:4]), To: m.now.Add(time.Duration(m.pick(96)) * time.Hour)}
	}
	return nil
}

// verify checks everything that must hold of the whole store.
func (m *machine) verify() (subjects, events int) {
	m.fault.on = false
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			m.t.Fatalf("%v", err)
		}
	}
	anchors := map[string]bool{}
	var all []*Subject
	for _, w := range []string{"w1", "w2", "w3", "w4", "w5"} {
		for s, err := range m.desk.In(ctx, workload(w), "") {
			fail(err)
			all = append(all, s)
			if c, ok := s.Body.(*Claim); ok {
				id, err := anchorID(nil, c.Anchor)
				fail(err)
				anchors[id] = true
			}
		}
	}
	for id := range anchors {
		s, err := m.desk.Subject(ctx, anchorRef(id))
		fail(err)
		all = append(all, s)
	}
	for _, p := range machinePeople {
		s, err := m.desk.Subject(ctx, person(p))
		fail(err)
		all = append(all, s)
	}
	held := map[attribution.WorkloadID]int{}
	for _, s := range all {
		subjects++
		events += len(m.history(s))
		for _, pair := range Separated() {
			for _, p := range s.Parts[pair[0]] {
				if slices.Contains(s.Parts[pair[1]], p) {
					m.t.Fatalf("%s: %q is %s and %s", s.Ref, p, pair[0], pair[1])
				}
			}
		}
		if s.Ref.Kind == KindClaim && (s.State == ClaimActive || s.State == ClaimPending || s.State == ClaimOffered) {
			held[s.Ref.Workload]++
		}
	}
	for _, s := range all {
		if w, ok := s.Body.(*Workload); ok && w.Claims != held[s.Ref.Workload] {
			m.t.Fatalf("%s counts %d claims, there are %d", s.Ref, w.Claims, held[s.Ref.Workload])
		}
	}
	// Package attribution has its own idea of two owners.
	claims, err := m.desk.Claims(ctx)
	fail(err)
	fail(claims.Validate(nil))
	changes, err := m.desk.Reindex(ctx)
	fail(err)
	if changes.Created+changes.Corrected+changes.Removed != 0 {
		m.t.Fatalf("lists were not kept: %+v", changes)
	}
	_, err = m.store.Verify(ctx, nil)
	fail(err)
	// What was carried out changes nothing when it is given again.
	before := export(m.t, m.store)
	for range min(20, len(m.commands)) {
		m.give(one(m, m.commands))
	}
	if !bytes.Equal(before, export(m.t, m.store)) {
		m.t.Fatalf("replayed commands changed the store")
	}
	m.fault.on = true
	return subjects, events
}

// history replays a subject's events and holds them against its state.
func (m *machine) history(s *Subject) []Event {
	var events []Event
	for e, err := range m.desk.History(context.Background(), s.Ref) {
		if err != nil {
			m.t.Fatalf("%v", err)
		}
		if e.To == WorkloadActive && e.Subject.Kind == KindWorkload && e.From != e.To && e.Actor == System {
			m.t.Fatalf("%s became active by %s", e.Subject, asJSON(e))
		}
		events = append(events, e)
	}
	again, err := Replay(events)
	if err != nil {
		m.t.Fatalf("%s: %v", s.Ref, err)
	}
	got, _ := again.encode()
	want, _ := s.encode()
	if uint64(len(events)) != s.Version || !bytes.Equal(got, want) {
		m.t.Fatalf("%s: version %d, %d events: replayed %s, stored %s", s.Ref, s.Version, len(events), got, want)
	}
	return events
}

func export(t interface{ Fatalf(string, ...any) }, s *storage.Store) []byte {
	var b bytes.Buffer
	if _, err := s.Export(context.Background(), &b); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

func TestRandomCommands(t *testing.T) {
	given, done, refused, faults, subjects, events := 0, 0, 0, 0, 0, 0
	states := map[string]bool{}
	checks(t, 12)
	rapid.Check(t, func(r *rapid.T) {
		// Rapid's own integers are mostly small, which keeps an application from ever
		// getting far; it picks, and shrinks, the seed and the length.
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 8))
		m := newMachine(r, memstore.New(), rng.IntN)
		most := 800
		if testing.Short() {
			most = 200
		}
		for range rapid.IntRange(most/2, most).Draw(r, "steps") {
			m.step()
		}
		s, e := m.verify()
		given, done, refused, faults, subjects, events = given+m.n, done+m.done, refused+m.refused, faults+m.faults, subjects+s, events+e
		for _, e := range m.events {
			states[string(e.Subject.Kind)+"/"+string(e.To)] = true
		}
	})
	t.Logf("%d commands: %d carried out, %d refused, %d faults; %d subjects with %d events replayed; states reached: %s",
		given, done, refused, faults, subjects, events, strings.Join(slices.Sorted(keysOf(states)), " "))
}

// checks sets how many sequences rapid tries, unless the command line says.
func checks(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestRandomCommandsAtLength gives 100,000 commands to each engine that is there.
func TestRandomCommandsAtLength(t *testing.T) {
	if os.Getenv("SPENDCLAIM_LONG") != "1" {
		t.Skip("long: SPENDCLAIM_LONG=1")
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			given, done, events := 0, 0, 0
			for seed := uint64(1); given < 100_000; seed++ {
				rng := rand.New(rand.NewPCG(seed, 8))
				m := newMachine(t, open(t), rng.IntN)
				for range 500 {
					m.step()
				}
				_, e := m.verify()
				given, done, events = given+m.n, done+m.done, events+e
				if err := m.store.Close(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%s: %d commands, %d carried out, %d events replayed", name, given, done, events)
		})
	}
}

// engines opens empty stores.
var engines = map[string]func(*testing.T) storage.Driver{
	"bbolt": func(t *testing.T) storage.Driver {
		d, err := boltstore.Open(filepath.Join(t.TempDir(), "g.db"), &boltstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	},
	"DynamoDB": func(t *testing.T) storage.Driver { return table.Open(t) },
}
