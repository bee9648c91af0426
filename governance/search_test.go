package governance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// world is a small installation in memory: what a session does, with maps for a store.
type world map[Ref]*Subject

// do returns the world after a command and the events, or a refusal.
func (w world) do(c Command, now time.Time) (world, []Event, error) {
	out := maps.Clone(w)
	var events []Event
	for queue := []Command{c}; len(queue) > 0; queue = queue[1:] {
		k := Case{Policy: &Policy{}, Subject: Subject{Ref: queue[0].Subject}}
		if s := out[queue[0].Subject]; s != nil {
			k.Subject = *s
		}
		if err := k.fill(queue[0], now, func(r Ref) (*Subject, error) { return out[r], nil }); err != nil {
			return nil, nil, err
		}
		d, err := Decide(k, queue[0], now)
		if err != nil {
			return nil, nil, err
		}
		s, err := Apply(k.Subject, d.Event)
		if err != nil {
			return nil, nil, err
		}
		s.Version = 1 // versions would make every world a new one
		out[s.Ref] = &s
		events = append(events, d.Event)
		queue = append(queue, d.Then...)
	}
	return out, events, nil
}

// mark returns what tells worlds apart: states, who took which part, who owns, and how
// far things are. What else the bodies say leads to no other decision here, where the
// clock stands still.
func (w world) mark() string {
	var b strings.Builder
	for _, s := range w.subjects() {
		fmt.Fprint(&b, s.Ref, s.State, s.Parts)
		switch x := s.Body.(type) {
		case *Request:
			fmt.Fprint(&b, len(x.Grants), len(x.Tasks))
		case *Task:
			fmt.Fprint(&b, len(x.Progress), x.Implementer, x.Type)
		case *Workload:
			fmt.Fprint(&b, x.Owner(), x.Offered, x.Resume, x.Claims, len(x.Estimates.Versions), len(x.Tasks))
		case *Claim:
			fmt.Fprint(&b, x.Assigned)
		}
	}
	return b.String()
}

// narrow is a scope that takes few steps to build.
func narrow(c ...pricing.Group) Scope {
	s := scopeA()
	s.Components = append([]pricing.Group{pricing.GroupModel}, c...)
	return s
}

// detailFor returns details that fit an action in the world, one of which may do.
func (w world) detailFor(s Ref, a Action) []any {
	switch a {
	case "submit", "resubmit", "draft":
		d := ask()
		d.Owner, d.Scope = "a", narrow()
		return []any{d}
	case "approve", "approve_change":
		return []any{ApprovalDetail{}}
	case "propose_change":
		return []any{ScopeDetail{Scope: narrow(pricing.GroupRuntime)}}
	case "step":
		if t, ok := w[s].Body.(*Task); ok {
			for _, name := range t.Steps {
				if !t.done(name) {
					return []any{Step{Name: name}}
				}
			}
		}
		return nil
	case "hand_over":
		return []any{Handoff{ExecutionRole: "arn:aws:iam::" + accountA + ":role/r"}}
	case "claim", "assign":
		h := Handoff{ExecutionRole: "arn:aws:iam::" + accountA + ":role/r"}
		i := ClaimItem{Anchor: h.all()[0].Anchor, Component: pricing.GroupModel}
		return []any{ClaimDetail{Items: []ClaimItem{i}}, ClaimDetail{Items: []ClaimItem{i}, From: noon.AddDate(0, 0, -1)}}
	case "release":
		for ref, c := range w {
			if ref.Kind == KindClaim && (c.State == ClaimActive || c.State == ClaimPending) {
				return []any{ReleaseDetail{Claims: []attribution.ClaimID{c.Body.(*Claim).ID}}}
			}
		}
		return nil
	case "release_next":
		return w.detailFor(s, "release")
	case "confirm":
		return []any{monthly(pricing.ModelInput)}
	case "offer_owner":
		return []any{OwnerDetail{Owner: "b"}}
	case "claim_bulk", "claim_next", "claim_last", "claim_stop", "offer", "move", "leave":
		return nil
	}
	return []any{nil}
}

// bounded leaves out what would only make the same thing once more.
func (w world) bounded(s *Subject, a Action) bool {
	switch b := s.Body.(type) {
	case *Request:
		return a != "propose_change" || len(b.Grants) < 2
	case *Workload:
		return (a != "confirm" || len(b.Estimates.Versions) == 0) && (a != "claim" && a != "assign" || len(w.claims()) < 1)
	}
	return true
}

func (w world) claims() (live []*Subject) {
	for ref, s := range w {
		if ref.Kind == KindClaim {
			live = append(live, s)
		}
	}
	return live
}

// sound checks what must hold in every world.
func (w world) sound(t *testing.T) {
	for ref, s := range w {
		for _, pair := range Separated() {
			for _, p := range s.Parts[pair[0]] {
				if slices.Contains(s.Parts[pair[1]], p) {
					t.Fatalf("%s: %q is %s and %s", ref, p, pair[0], pair[1])
				}
			}
		}
		switch b := s.Body.(type) {
		case *Holding:
			for i := range b.Intervals[:max(0, len(b.Intervals)-1)] {
				if b.Intervals[i].overlaps(b.Intervals[i+1]) {
					t.Fatalf("%s: two owners: %s", ref, asJSON(b))
				}
			}
		case *Workload:
			n := 0
			for _, c := range w.claims() {
				if c.State == ClaimActive || c.State == ClaimPending || c.State == ClaimOffered {
					n++
				}
			}
			if n != b.Claims {
				t.Fatalf("%s: counts %d claims, there are %d", ref, b.Claims, n)
			}
		}
	}
}

// active checks an event by which a workload becomes active, against the world
// before it.
func (w world) active(t *testing.T, e Event, now time.Time) {
	if e.Subject.Kind != KindWorkload || e.To != WorkloadActive || e.From == WorkloadActive {
		return
	}
	b := w[e.Subject].Body.(*Workload)
	q := w[Ref{Kind: KindRequest, Workload: e.Subject.Workload, ID: b.Request}]
	owner := b.Owner()
	if e.Action == "accept_owner" {
		owner = e.Actor
	}
	p := w[person(owner)]
	switch {
	case q == nil || q.State != RequestApproved && q.State != RequestChangeProposed:
		t.Fatalf("%s is active without an approved request", e.Subject)
	case len(q.Parts[Approver]) == 0 || len(q.Parts[Requester]) == 0:
		t.Fatalf("%s is active, and who asked and approved is %v", e.Subject, q.Parts)
	case p == nil || !p.Body.(*Person).present(now):
		t.Fatalf("%s is active without an owner", e.Subject)
	}
}

// TestSearch walks through everything that two people who both have every role, and
// one who acts for one of them, can do with one application: no path makes a workload
// active without approval and owner, and none lets one person take separated parts. The
// application is walked through in two halves, up to the handoff and from it on, so
// that each can be walked through whole.
func TestSearch(t *testing.T) {
	start := world{}
	for _, p := range []PersonID{"a", "b"} {
		all := []Assignment{}
		for _, r := range roles[:4] {
			all = append(all, Assignment{Role: r, From: noon.AddDate(-1, 0, 0)})
		}
		start = start.mustDo(t, Command{Actor: System, Subject: person(p), Action: "put", Detail: PersonDetail{Roles: all}})
	}
	start = start.mustDo(t, Command{Actor: System, Subject: person("d"), Action: "put", Detail: PersonDetail{}})
	start = start.mustDo(t, Command{Actor: "b", Subject: person("d"), Action: "delegate", Detail: RoleDetail{Role: FinOpsLead, To: noon.AddDate(1, 0, 0)}})
	t.Run("request and task", func(t *testing.T) {
		search(t, start, func(k Kind, a Action) bool { return k == KindRequest || k == KindTask })
	})
	t.Run("workload and claim", func(t *testing.T) {
		w := start.mustDo(t, Command{Actor: "a", Subject: request("w"), Action: "submit", Detail: start.detailFor(request("w"), "submit")[0]})
		w = w.mustDo(t, Command{Actor: "b", Subject: request("w"), Action: "approve", Rationale: "why"})
		w = w.mustDo(t, Command{Actor: "a", Subject: task("w", "1-1"), Action: "take"})
		for range 3 {
			w = w.mustDo(t, Command{Actor: "a", Subject: task("w", "1-1"), Action: "step", Detail: w.detailFor(task("w", "1-1"), "step")[0]})
		}
		w = w.mustDo(t, Command{Actor: "a", Subject: task("w", "1-1"), Action: "hand_over", Detail: w.detailFor(task("w", "1-1"), "hand_over")[0]})
		if search(t, w, func(k Kind, a Action) bool { return k == KindWorkload || k == KindClaim || a == "revoke" }) == 0 {
			t.Error("no path leads to an active workload")
		}
	})
}

// search explores the worlds that can be reached from one by actions of the given
// kinds, and returns how often a workload became active.
func search(t *testing.T, start world, take func(Kind, Action) bool) (became int) {
	limit := 1500
	switch {
	case os.Getenv("SPENDCLAIM_LONG") == "1":
		limit = 1 << 30
	case testing.Short():
		limit = 300
	}
	seen := map[string]bool{start.mark(): true}
	queue := []world{start}
	states := map[State]bool{}
	explored, refusals := 0, 0
	for ; len(queue) > 0 && explored < limit; explored++ {
		w := queue[0]
		queue = queue[1:]
		for _, s := range w.subjects() {
			for _, row := range rulesOf(s.Ref.Kind).rowsFrom(s.State) {
				if row.Role == Consequence || !take(s.Ref.Kind, row.Action) || !w.bounded(s, row.Action) {
					continue
				}
				for _, detail := range w.detailFor(s.Ref, row.Action) {
					for _, actor := range []PersonID{"a", "b", "d", System} {
						if (actor == System) != (row.Role == Scheduler) {
							continue
						}
						next, events, err := w.do(Command{ID: "c", Actor: actor, Role: row.Role, Subject: s.Ref, Action: row.Action, Rationale: "why", Detail: detail}, noon)
						var refused *TransitionError
						if errors.As(err, &refused) {
							refusals++
							continue
						}
						if err != nil {
							t.Fatalf("%s %s: %v", row.Action, s.Ref, err)
						}
						for _, e := range events {
							w.active(t, e, noon)
							states[State(e.Subject.Kind)+"/"+e.To] = true
							if e.To == WorkloadActive && e.Subject.Kind == KindWorkload {
								became++
							}
						}
						if m := next.mark(); !seen[m] {
							next.sound(t)
							seen[m] = true
							queue = append(queue, next)
						}
					}
				}
			}
		}
	}
	t.Logf("%d worlds, %d explored, all: %t; %d steps refused; %d states reached; active %d times",
		len(seen), explored, len(queue) == 0, refusals, len(states), became)
	return became
}

func (w world) mustDo(t *testing.T, c Command) world {
	c.ID = "c"
	next, _, err := w.do(c, noon)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// subjects returns those there are, and the request that there could be, in order.
func (w world) subjects() []*Subject {
	q := request("w")
	var out []*Subject
	if w[q] == nil {
		out = append(out, &Subject{Ref: q})
	}
	for _, ref := range slices.SortedFunc(maps.Keys(w), func(a, b Ref) int { return strings.Compare(a.String(), b.String()) }) {
		if ref.Kind != KindAnchor {
			out = append(out, w[ref])
		}
	}
	return out
}
