package governance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Case is all that a decision may look at.
type Case struct {
	// Subject is what is decided on; in state None it does not exist yet.
	Subject Subject
	// Actors are what the command's actor may act as, now, see [Capacities].
	Actors []Capacity
	// Related are other subjects that the kind asked for; one that is not there
	// does not exist.
	Related map[Ref]*Subject
	Policy  *Policy
}

// A Capacity is a role that a person may act in.
type Capacity struct {
	Role Role
	// Node is the node of the hierarchy that the role is granted for, with what
	// is below it; "" is everywhere.
	Node string
	// For is who delegated the role; "" where it is the person's own.
	For PersonID
	// BreakGlass says that the role was taken in an emergency.
	BreakGlass bool
}

// A Decision is the event that a command leads to, and what follows from it: the
// commands that the desk carries out in the same commit.
type Decision struct {
	Event Event
	Then  []Command

	tell bool // the transition has a message
}

// ruling is a decision being made.
type ruling struct {
	Case
	cmd    Command
	now    time.Time
	row    Transition
	as     Capacity
	detail any // of the command, decoded; decide may complete it
	then   []Command
	takes  map[Part][]PersonID // more parts, of other people than the actor
}

// follow has the desk carry out a command on another subject in the same commit.
func (r *ruling) follow(subject Ref, a Action, detail any) {
	r.then = append(r.then, Command{
		ID: r.cmd.ID, Actor: r.cmd.Actor, Role: Consequence,
		Subject: subject, Action: a, Detail: detail, Rationale: r.cmd.Rationale,
	})
}

// people returns the person who acts and the one he acts for.
func (r *ruling) people() []PersonID {
	if r.as.For != "" && r.as.Role != Consequence {
		return []PersonID{r.cmd.Actor, r.as.For}
	}
	return []PersonID{r.cmd.Actor}
}

// is reports whether the actor acts as the person p: is he, or acts on his behalf.
func (r *ruling) is(p PersonID) bool {
	return p != "" && (r.as.For == "" && r.cmd.Actor == p || r.as.For == p && r.as.Role != Consequence)
}

// Decide returns what a command leads to. It is a pure function: it reads no clock
// and no store, and changes nothing. A refusal is a *[TransitionError], or a
// *[ConflictError] where the command expects another version.
func Decide(c Case, cmd Command, now time.Time) (Decision, error) {
	r := &ruling{Case: c, cmd: cmd, now: now.UTC().Round(0)}
	d, err := r.decide()
	var conflict *ConflictError
	if err != nil && !errors.As(err, &conflict) {
		err = r.refused(err)
	}
	return d, err
}

func (r *ruling) decide() (Decision, error) {
	rules := rulesOf(r.cmd.Subject.Kind)
	if rules == nil {
		return Decision{}, fmt.Errorf("%w: no kind %q", ErrUnknownSubject, r.cmd.Subject.Kind)
	}
	if r.cmd.Expect != 0 && r.cmd.Expect != r.Subject.Version {
		return Decision{}, &ConflictError{Subject: r.cmd.Subject, Expect: r.cmd.Expect, Version: r.Subject.Version, State: r.Subject.State, Since: r.Subject.Since}
	}
	if len(r.Actors) == 0 {
		return Decision{}, ErrUnknownActor
	}
	rows := rules.rows()
	if err := r.possible(rows); err != nil {
		return Decision{}, err
	}
	if err := r.decode(rules); err != nil {
		return Decision{}, err
	}
	if err := r.choose(rules, rows); err != nil {
		return Decision{}, err
	}
	if rules.decide != nil {
		if err := rules.decide(r); err != nil {
			return Decision{}, err
		}
	}
	return r.event()
}

// possible refuses actions that the state does not know, whoever asks.
func (r *ruling) possible(rows []Transition) error {
	here := func(t Transition) bool { return t.From == r.Subject.State && t.Action == r.cmd.Action }
	if slices.ContainsFunc(rows, here) {
		return nil
	}
	switch {
	case r.Subject.State == None:
		return ErrUnknownSubject
	case slices.ContainsFunc(rows, func(t Transition) bool { return t.From == None && t.Action == r.cmd.Action }):
		return ErrExists
	}
	return ErrTransition
}

// decode reads the command's detail strictly into what the action takes.
func (r *ruling) decode(rules *kindRules) error {
	var want any
	if rules.detail != nil {
		want = rules.detail(r.cmd.Action)
	}
	if r.cmd.Detail == nil {
		r.detail = want
		return nil
	}
	raw, err := json.Marshal(r.cmd.Detail)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDetail, err)
	}
	if want == nil {
		if s := string(raw); s != "null" && s != "{}" {
			return fmt.Errorf("%w: %s takes none", ErrDetail, r.cmd.Action)
		}
		return nil
	}
	if err := strict(raw, want); err != nil {
		return fmt.Errorf("%w: %w", ErrDetail, err)
	}
	r.detail = want
	return nil
}

// strict decodes JSON and refuses unknown fields and what comes after.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the value")
	}
	return nil
}

// choose finds the row and the capacity that the command is carried out under: the
// first that fits. Otherwise it says why the one that came furthest does not.
func (r *ruling) choose(rules *kindRules, rows []Transition) error {
	failed, depth := error(ErrRole), 0
	fail := func(err error, d int) {
		if d > depth {
			failed, depth = err, d
		}
	}
	for _, row := range rows {
		if row.From != r.Subject.State || row.Action != r.cmd.Action {
			continue
		}
		for _, as := range r.Actors {
			if as.Role != row.Role || r.cmd.Role != "" && r.cmd.Role != row.Role {
				continue
			}
			r.row, r.as = row, as
			if !r.within(rules) {
				fail(fmt.Errorf("%w: %s is granted for %q, where this is not", ErrRole, r.Policy.Label(as.Role), as.Node), 1)
				continue
			}
			if err := r.apart(); err != nil {
				fail(err, 2)
				continue
			}
			if row.Why && strings.TrimSpace(r.cmd.Rationale) == "" {
				fail(ErrRationale, 3)
				continue
			}
			if err := r.guards(); err != nil {
				fail(err, 4)
				continue
			}
			return nil
		}
	}
	return failed
}

// within reports whether the subject lies where the capacity counts.
func (r *ruling) within(rules *kindRules) bool {
	if r.as.Node == "" {
		return true
	}
	if rules.place == nil {
		return false
	}
	return slices.Contains(r.above(rules.place(r)), r.as.Node)
}

// above returns a node and those above it, as they stand now.
func (r *ruling) above(node string) []string {
	var chain []string
	for node != "" && len(chain) < maxDepth && !slices.Contains(chain, node) {
		chain = append(chain, node)
		s := r.Related[Ref{Kind: KindNode, ID: node}]
		if s == nil {
			break
		}
		node = s.Body.(*Node).At(r.now).Parent
	}
	return chain
}

// apart keeps separated parts with different people.
func (r *ruling) apart() error {
	for _, other := range apartFrom(r.row.Takes) {
		for _, p := range r.people() {
			if slices.Contains(r.Subject.Parts[other], p) {
				return fmt.Errorf("%w: %q is its %s and cannot be its %s", ErrSeparation, p, other, r.row.Takes)
			}
		}
	}
	return nil
}

func (r *ruling) guards() error {
	for _, g := range r.row.Guards {
		if err := g.check(r); err != nil {
			if !errors.Is(err, ErrScope) && !errors.Is(err, ErrDates) && !errors.Is(err, ErrAnchorClaimed) && !errors.Is(err, ErrDetail) {
				err = fmt.Errorf("%w: %s: %w", ErrGuard, g.Name, err)
			}
			return err
		}
	}
	return nil
}

func (r *ruling) event() (Decision, error) {
	e := Event{
		Command: r.cmd.ID, Subject: r.cmd.Subject, Version: r.Subject.Version + 1, Action: r.cmd.Action,
		From: r.row.From, To: r.row.To, At: r.now, Actor: r.cmd.Actor, Role: r.row.Role, For: r.as.For,
		BreakGlass: r.as.BreakGlass, Rationale: strings.TrimSpace(r.cmd.Rationale), Takes: r.takes,
	}
	if r.row.Role == Consequence {
		e.Actor, e.For = System, r.cmd.Actor
	}
	if r.row.Takes != "" {
		if e.Takes == nil {
			e.Takes = map[Part][]PersonID{}
		}
		e.Takes[r.row.Takes] = append(e.Takes[r.row.Takes], r.people()...)
	}
	if r.detail != nil {
		raw, err := json.Marshal(r.detail)
		if err != nil {
			return Decision{}, fmt.Errorf("%w: %w", ErrDetail, err)
		}
		e.Detail = raw
	}
	// Whatever is done under broken glass is told.
	return Decision{Event: e, Then: r.then, tell: r.row.Tell || e.BreakGlass}, nil
}

// Apply returns the state of a subject after an event. It is a pure function: s is
// left as it is. An event that does not follow s is an error.
func Apply(s Subject, e Event) (Subject, error) {
	fail := func(err error) (Subject, error) {
		return Subject{}, fmt.Errorf("governance: apply version %d to %s: %w", e.Version, e.Subject, err)
	}
	rules := rulesOf(e.Subject.Kind)
	switch {
	case rules == nil:
		return fail(ErrUnknownSubject)
	case e.Version != s.Version+1 || e.From != s.State || s.Version > 0 && s.Ref != e.Subject:
		return fail(fmt.Errorf("the subject is %s, version %d, in state %q", s.Ref, s.Version, s.State))
	}
	out := Subject{Ref: e.Subject, State: e.To, Version: e.Version, Since: s.Since, Body: rules.body()}
	if e.From != e.To {
		out.Since = e.At
	}
	if s.Body != nil {
		raw, err := json.Marshal(s.Body)
		if err == nil {
			err = json.Unmarshal(raw, out.Body)
		}
		if err != nil {
			return fail(err)
		}
	}
	out.Parts = take(s.Parts, e.Takes)
	var detail any
	if rules.detail != nil {
		detail = rules.detail(e.Action)
	}
	if detail != nil && len(e.Detail) > 0 {
		if err := json.Unmarshal(e.Detail, detail); err != nil {
			return fail(err)
		}
	}
	if rules.apply != nil {
		if err := rules.apply(&out, &e, detail); err != nil {
			return fail(err)
		}
	}
	return out, nil
}

// take returns the parts with more taken; neither argument is changed.
func take(have, more map[Part][]PersonID) map[Part][]PersonID {
	if len(more) == 0 {
		return have
	}
	out := maps.Clone(have)
	if out == nil {
		out = map[Part][]PersonID{}
	}
	for p, people := range more {
		all := append(slices.Clone(out[p]), people...)
		slices.Sort(all)
		out[p] = slices.Compact(all)
	}
	return out
}

// Replay makes the state of a subject from its events, from the first.
func Replay(events []Event) (Subject, error) {
	var s Subject
	for _, e := range events {
		var err error
		if s, err = Apply(s, e); err != nil {
			return Subject{}, err
		}
	}
	return s, nil
}
