package governance

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/golden"
)

func TestTransitionsAreDocumented(t *testing.T) {
	golden.Equal(t, "TRANSITIONS.md", Markdown(nil))
}

var roles = []Role{ProductOwner, PortfolioOwner, FinOpsLead, CloudEngineer, Anyone, Scheduler, Consequence}

// statesOf returns the states of a kind, None first, and its actions.
func statesOf(k Kind) (states []State, actions []Action) {
	states = []State{None}
	for _, t := range rulesOf(k).rows() {
		for _, s := range []State{t.From, t.To} {
			if !slices.Contains(states, s) {
				states = append(states, s)
			}
		}
		if !slices.Contains(actions, t.Action) {
			actions = append(actions, t.Action)
		}
	}
	return states, actions
}

// refOf returns a reference that a subject of the kind could have.
func refOf(k Kind) Ref {
	switch k {
	case KindWorkload:
		return Ref{Kind: k, Workload: "w"}
	case KindPerson, KindNode, KindAccount, KindAnchor:
		return Ref{Kind: k, ID: "820723250459"}
	}
	return Ref{Kind: k, Workload: "w", ID: "1"}
}

// caseIn returns a case with a subject in a state, about which nothing more is known.
func caseIn(k Kind, s State, as ...Capacity) Case {
	c := Case{Subject: Subject{Ref: refOf(k), State: s}, Actors: as, Policy: &Policy{}, Related: map[Ref]*Subject{}}
	if s != None {
		c.Subject.Version, c.Subject.Body = 1, rulesOf(k).body()
	}
	return c
}

// TestEveryStateActionAndRole: each combination is a row of the table, or it is
// refused with what is allowed instead.
func TestEveryStateActionAndRole(t *testing.T) {
	count, inTable := 0, 0
	table := Table()
	for _, k := range Kinds() {
		states, actions := statesOf(k)
		for _, s := range states {
			for _, a := range append(slices.Clone(actions), "no_such_action") {
				for _, role := range roles {
					count++
					row := slices.ContainsFunc(table, func(t Transition) bool {
						return t.Kind == k && t.From == s && t.Action == a && t.Role == role
					})
					cmd := Command{ID: "c", Actor: "x", Subject: refOf(k), Action: a, Rationale: "why"}
					d, err := Decide(caseIn(k, s, Capacity{Role: role}), cmd, noon)
					var refused *TransitionError
					switch {
					case err == nil:
						if !row || d.Event.From != s || d.Event.Role != role {
							t.Errorf("%s in %q: %s by %s is no row and leads to %q", k, s, a, role, d.Event.To)
						}
					case !errors.As(err, &refused):
						t.Errorf("%s in %q: %s by %s: %v is no *TransitionError", k, s, a, role, err)
					default:
						want := TransitionError{Subject: refOf(k), From: s, Action: a, Actor: "x", Roles: []Role{role}, Allowed: AllowedIn(k, s)}
						got := *refused
						got.Err, got.label = nil, nil
						if diff := cmp.Diff(got, want, cmp.AllowUnexported(TransitionError{})); diff != "" {
							t.Errorf("%s in %q: %s by %s (+want): %s", k, s, a, role, diff)
						}
						noRow := errors.Is(err, ErrTransition) || errors.Is(err, ErrRole) || errors.Is(err, ErrExists) || errors.Is(err, ErrUnknownSubject)
						if noRow == row {
							t.Errorf("%s in %q: %s by %s: row %v, refused with %v", k, s, a, role, row, err)
						}
					}
					if row {
						inTable++
					}
				}
			}
		}
	}
	t.Logf("%d combinations of kind, state, action and role: %d in the table, %d refused", count, inTable, count-inTable)
}

// TestEveryStateIsReachedAndLeft searches the table of each kind.
func TestEveryStateIsReachedAndLeft(t *testing.T) {
	for _, k := range Kinds() {
		rules := rulesOf(k)
		states, _ := statesOf(k)
		reached := []State{None}
		for i := 0; i < len(reached); i++ {
			for _, row := range rules.rowsFrom(reached[i]) {
				if !slices.Contains(reached, row.To) {
					reached = append(reached, row.To)
				}
			}
		}
		for _, s := range states {
			if !slices.Contains(reached, s) {
				t.Errorf("%s: state %q is never reached", k, s)
			}
			out := slices.ContainsFunc(rules.rowsFrom(s), func(r Transition) bool { return r.To != s })
			switch final := slices.Contains(rules.final, s); {
			case final && out:
				t.Errorf("%s: state %q is final and is left", k, s)
			case !final && !out:
				t.Errorf("%s: state %q has no way out", k, s)
			}
		}
		for _, s := range rules.final {
			if !slices.Contains(states, s) {
				t.Errorf("%s: final state %q is in no row", k, s)
			}
		}
	}
}

// TestRowsWithOneTripleExclude: where two rows share state, action and role, guards
// must tell them apart.
func TestRowsWithOneTripleExclude(t *testing.T) {
	type triple struct {
		Kind
		State
		Action
		Role
	}
	seen := map[triple]Transition{}
	for _, row := range Table() {
		k := triple{row.Kind, row.From, row.Action, row.Role}
		if other, ok := seen[k]; ok && (len(row.Guards) == 0 || len(other.Guards) == 0 || row.Guards[0].Name == other.Guards[0].Name) {
			t.Errorf("%v leads to %s and to %s", k, other.To, row.To)
		}
		seen[k] = row
	}
}

// TestActiveTakesApprovalAndOwner: every row into active demands both.
func TestActiveTakesApprovalAndOwner(t *testing.T) {
	n := 0
	for _, row := range Table() {
		if row.Kind != KindWorkload || row.To != WorkloadActive || row.From == WorkloadActive {
			continue
		}
		n++
		has := func(name string) bool {
			return slices.ContainsFunc(row.Guards, func(g Guard) bool { return g.Name == name })
		}
		// Who accepts a workload is a present person: he has a role now.
		if !has("approved_request") || !has("present_owner") && !has("offered_to") {
			t.Errorf("%s by %s from %s: guards %v", row.Action, row.Role, row.From, row.Guards)
		}
	}
	if n == 0 {
		t.Error("no row leads to active")
	}
}

// TestSeparatedPartsOfEveryRow: for every row that takes a part, whoever has a part
// that is kept apart is refused, on his own behalf, on another's, and when another
// acts on his.
func TestSeparatedPartsOfEveryRow(t *testing.T) {
	n := 0
	for _, row := range Table() {
		for _, other := range apartFrom(row.Takes) {
			for _, way := range []struct {
				actor, by PersonID
			}{{"x", ""}, {"x", "y"}, {"y", "x"}} {
				n++
				c := caseIn(row.Kind, row.From, Capacity{Role: row.Role, For: way.by})
				c.Subject.Parts = map[Part][]PersonID{other: {"x"}}
				_, err := Decide(c, Command{ID: "c", Actor: way.actor, Subject: refOf(row.Kind), Action: row.Action, Rationale: "why"}, noon)
				if row.From != None && !errors.Is(err, ErrSeparation) {
					t.Errorf("%s in %s: %s takes %s by %q for %q, beside %s: %v", row.Kind, row.From, row.Action, row.Takes, way.actor, way.by, other, err)
				}
			}
		}
	}
	t.Logf("%d cases", n)
	for _, row := range Table() {
		if row.Takes != "" && (row.Role == Scheduler || row.Role == Consequence || row.Role == Anyone) {
			t.Errorf("%s by %s takes %s: only people with a role decide", row.Action, row.Role, row.Takes)
		}
	}
}
