package governance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// session is one run of a command's update: the command and all that follows.
type session struct {
	desk   *Desk
	tx     *storage.Tx
	now    time.Time
	wrote  map[Ref]*Subject // what this update has changed
	events []Event
	first  Case // of the command itself
}

// maxFollow bounds what follows from one command; the store's limit on items is
// reached before. It keeps a fault in a kind's rules from looping.
const maxFollow = 64

func (s *session) carryOut(c Command) error {
	queue := []Command{c}
	for i := 0; i < len(queue); i++ {
		if i == maxFollow {
			return fmt.Errorf("%s on %s leads to more than %d changes", c.Action, c.Subject, maxFollow)
		}
		then, err := s.step(queue[i])
		var refused *TransitionError
		if i > 0 && errors.As(err, &refused) {
			// What follows is part of the command, and so is its refusal.
			r := &ruling{Case: s.first, cmd: c, now: s.now}
			err = r.refused(fmt.Errorf("%s %s: %w", queue[i].Action, queue[i].Subject, refused.Err))
		}
		if err != nil {
			return err
		}
		queue = append(queue, then...)
	}
	return nil
}

// step decides one command and writes what comes of it.
func (s *session) step(c Command) ([]Command, error) {
	if s.wrote[c.Subject] != nil {
		return nil, fmt.Errorf("%s is changed twice by one command", c.Subject)
	}
	before, err := s.load(c.Subject)
	if err != nil {
		return nil, err
	}
	k := Case{Policy: s.desk.policy, Related: map[Ref]*Subject{}, Subject: Subject{Ref: c.Subject}}
	if before != nil {
		k.Subject = *before
	}
	if k.Actors, err = s.actors(c); err != nil {
		return nil, err
	}
	if err := s.relate(&k, c); err != nil {
		return nil, err
	}
	if len(s.events) == 0 {
		s.first = k
	}
	decision, err := Decide(k, c, s.now)
	if err != nil {
		return nil, err
	}
	after, err := Apply(k.Subject, decision.Event)
	if err != nil {
		return nil, err
	}
	return decision.Then, s.write(before, &after, &decision.Event)
}

// load returns a subject as it is in this update; nil where there is none.
func (s *session) load(ref Ref) (*Subject, error) {
	if w := s.wrote[ref]; w != nil {
		return w, nil
	}
	r, err := s.tx.Get(ref.key())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeSubject(&r)
}

// actors reads what the actor of a command may act as. The commit depends on what
// was read: a role that is withdrawn meanwhile counts as withdrawn.
func (s *session) actors(c Command) ([]Capacity, error) {
	if c.Role == Consequence {
		return []Capacity{{Role: Consequence}}, nil
	}
	if c.Actor == System {
		return []Capacity{{Role: Scheduler}}, nil
	}
	if checkID("person", string(c.Actor)) != nil {
		return nil, nil
	}
	p, err := s.person(c.Actor)
	if p == nil || err != nil {
		return nil, err
	}
	delegators := map[PersonID]*Person{}
	for _, d := range p.Delegations {
		if !d.holds(s.now) {
			continue
		}
		if delegators[d.By], err = s.person(d.By); err != nil {
			return nil, err
		}
	}
	return Capacities(p, delegators, s.now), nil
}

func (s *session) person(id PersonID) (*Person, error) {
	got, err := s.load(Ref{Kind: KindPerson, ID: string(id)})
	if got == nil || err != nil {
		return nil, err
	}
	return got.Body.(*Person), nil
}

// relate loads what the rules of the subject's kind want to look at, and the
// hierarchy above it where a capacity is bound to a part of it.
func (s *session) relate(k *Case, c Command) error {
	rules := rulesOf(c.Subject.Kind)
	if rules == nil {
		return nil
	}
	bound := slices.ContainsFunc(k.Actors, func(a Capacity) bool { return a.Node != "" })
	asked := map[Ref]bool{}
	for {
		r := &ruling{Case: *k, cmd: c, now: s.now}
		if r.decode(rules) != nil {
			return nil // Decide says it
		}
		var want []Ref
		if rules.needs != nil {
			want = rules.needs(r)
		}
		if bound && rules.place != nil {
			for _, node := range r.above(rules.place(r)) {
				want = append(want, Ref{Kind: KindNode, ID: node})
			}
		}
		more := false
		for _, ref := range want {
			if asked[ref] || ref.check() != nil {
				continue
			}
			asked[ref], more = true, true
			got, err := s.load(ref)
			if err != nil {
				return err
			}
			if got != nil {
				k.Related[ref] = got
			}
		}
		if !more {
			return nil
		}
	}
}

// write puts subject, event, lists and message into the update.
func (s *session) write(before, after *Subject, e *Event) error {
	data, err := after.encode()
	if err != nil {
		return err
	}
	entry, err := json.Marshal(e)
	if err != nil {
		return err
	}
	s.tx.Put(storage.Put{Key: after.Ref.key(), Kind: recordKind(after.Ref.Kind), Schema: schema, Data: data, Entry: entry})
	s.wrote[after.Ref] = after
	s.events = append(s.events, *e)
	if err := s.list(before, after); err != nil {
		return err
	}
	return s.tell(after, e, entry)
}

// tell adds the message of a transition that has one. Whatever is done under
// broken glass is told in any case.
func (s *session) tell(after *Subject, e *Event, entry []byte) error {
	told := e.BreakGlass
	for _, t := range rulesOf(after.Ref.Kind).rows {
		told = told || t.From == e.From && t.Action == e.Action && t.Role == e.Role && t.To == e.To && t.Tell
	}
	if !told {
		return nil
	}
	topic := "governance." + string(after.Ref.Kind) + "." + string(e.Action)
	if e.BreakGlass {
		topic = "governance.break_glass." + string(after.Ref.Kind) + "." + string(e.Action)
	}
	return s.desk.box.Add(s.tx, outbox.Message{
		ID:    s.now.Format("20060102T150405.000000000Z") + "/" + short(fmt.Sprintf("%s %d", after.Ref, e.Version)),
		Topic: topic, Body: entry,
	})
}
