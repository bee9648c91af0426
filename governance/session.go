package governance

import (
	"encoding/json"
	"errors"
	"fmt"
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
	if err := k.fill(c, s.now, s.load); err != nil {
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
	return decision.Then, s.write(before, &after, &decision)
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

// write puts subject, event, lists and message into the update.
func (s *session) write(before, after *Subject, d *Decision) error {
	e := &d.Event
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
	if !d.tell {
		return nil
	}
	return s.tell(after, e, entry)
}

// tell adds the message of an event.
func (s *session) tell(after *Subject, e *Event, entry []byte) error {
	topic := "governance." + string(after.Ref.Kind) + "." + string(e.Action)
	if e.BreakGlass {
		topic = "governance.break_glass." + string(after.Ref.Kind) + "." + string(e.Action)
	}
	return s.desk.box.Add(s.tx, outbox.Message{
		// Named by what it says, because two that race for one version may be decided at
		// one instant, of which only one is committed.
		ID:    s.now.Format("20060102T150405.000000000Z") + "/" + short(string(entry)),
		Topic: topic, Body: entry,
	})
}
