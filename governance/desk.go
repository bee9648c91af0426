package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// Options adjusts a Desk. The zero value and nil mean the defaults.
type Options struct {
	Policy *Policy
	// Box is the name of the outbox; "" means governance.
	Box string
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	_ struct{}
}

// A Desk takes commands and keeps what comes of them. It is safe for concurrent use;
// use New.
type Desk struct {
	store  *storage.Store
	policy *Policy
	box    *outbox.Box
	now    func() time.Time
}

// New returns a desk over s, which stays the caller's to close.
func New(s *storage.Store, o *Options) *Desk {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.Policy == nil {
		opt.Policy = &Policy{}
	}
	if opt.Box == "" {
		opt.Box = "governance"
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Desk{store: s, policy: opt.Policy, box: outbox.New(s, opt.Box), now: opt.Now}
}

// Box returns the outbox that messages are added to.
func (d *Desk) Box() *outbox.Box { return d.box }

// Policy returns what the installation has set. It is not to be written to.
func (d *Desk) Policy() *Policy { return d.policy }

// Do carries out a command: the subject's new state, the event, the lists it is on,
// the messages and everything that follows from it are committed at once, or
// nothing is. The same command again changes nothing and returns what it did.
//
// Errors: a *[TransitionError] for what is refused, a *[ConflictError] when
// somebody else was faster, storage.ErrReplayMismatch for an id that was used for
// another command, and those of the store. After storage.ErrUnknownOutcome give
// the same command again.
//
// A bulk claim and a retirement take several commits, the first of which says so in
// the workload's state. Where a later one fails, the result is what was done by then
// beside the error; the same command again, or Tick, goes on.
func (d *Desk) Do(ctx context.Context, c Command) (Result, error) {
	if c.Subject.Kind == KindWorkload && c.Action == "claim_bulk" {
		if err := d.checkBulk(ctx, c); err != nil {
			return Result{}, err
		}
	}
	res, err := d.do(ctx, c, d.now().UTC().Round(0))
	if err != nil || c.Subject.Kind != KindWorkload || c.Action != "claim_bulk" && c.Action != "retire" {
		return res, err
	}
	s, err := d.carryOn(ctx, c.ID, c.Actor, c.Subject)
	if s != nil {
		res.Subject = *s
	}
	return res, err
}

func (d *Desk) do(ctx context.Context, c Command, now time.Time) (Result, error) {
	refuse := func(err error) (Result, error) {
		r := ruling{Case: Case{Policy: d.policy}, cmd: c}
		return Result{}, r.refused(err)
	}
	if err := checkID("command id", c.ID); err != nil {
		return refuse(fmt.Errorf("%w: %w", ErrDetail, err))
	}
	if err := c.Subject.check(); err != nil {
		return refuse(err)
	}
	if c.Role == Consequence {
		return refuse(ErrRole)
	}
	digest, err := c.digest()
	if err != nil {
		return refuse(err)
	}
	var s session
	var first uint64
	run := 0
	decide := func(tx *storage.Tx) error {
		s = session{desk: d, tx: tx, now: now, wrote: map[Ref]*Subject{}}
		run++
		err := s.carryOut(c)
		if run == 1 {
			first = s.first.Subject.Version
		}
		// Refused only because somebody came in between: say so.
		var refused *TransitionError
		if run > 1 && s.first.Subject.Version != first && errors.As(err, &refused) {
			return &ConflictError{Subject: c.Subject, Expect: first, Version: s.first.Subject.Version, State: refused.From, Err: err}
		}
		return err
	}
	var receipt storage.Receipt
	for {
		receipt, err = d.store.Update(ctx, storage.Request{ID: requestID(c.ID), Digest: digest}, decide)
		// What a run reads is one state only when it commits. A refusal that rests on a
		// subject which changed under it is looked at again.
		var refused *TransitionError
		if run >= maxRuns || !errors.As(err, &refused) || errors.Is(err, ErrStale) || !d.moved(ctx, &s.first.Subject) {
			break
		}
	}
	if err != nil {
		return Result{}, d.explain(ctx, c, err)
	}
	if receipt.Replayed {
		return d.replayed(ctx, c, receipt)
	}
	return Result{Event: s.events[0], Subject: *s.wrote[c.Subject]}, nil
}

// maxRuns bounds how often a refusal is looked at again.
const maxRuns = 32

// moved reports whether a subject is no longer as it was read.
func (d *Desk) moved(ctx context.Context, s *Subject) bool {
	if s.Ref == (Ref{}) {
		return false
	}
	r, err := d.store.Get(ctx, s.Ref.key())
	return err == nil && r.Stamp.Version != s.Version
}

// requestID keeps the ids of commands apart from others in the store.
func requestID(command string) string { return "gov/" + command }

// explain completes a conflict with the event that was faster.
func (d *Desk) explain(ctx context.Context, c Command, err error) error {
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		if e, err := d.eventAt(ctx, c.Subject, conflict.Version); err == nil {
			conflict.Latest, conflict.Since = e, e.At
		}
		return conflict
	}
	var refused *TransitionError
	if errors.As(err, &refused) {
		return refused
	}
	return fmt.Errorf("governance: %s %s: %w", c.Action, c.Subject, err)
}

// replayed returns what a command did when it was first given.
func (d *Desk) replayed(ctx context.Context, c Command, receipt storage.Receipt) (Result, error) {
	fail := func(err error) (Result, error) {
		return Result{}, fmt.Errorf("governance: %s %s, given again: %w", c.Action, c.Subject, err)
	}
	e, err := d.eventAt(ctx, c.Subject, receipt.Stamp(c.Subject.key()).Version)
	if err != nil {
		return fail(err)
	}
	s, err := d.Subject(ctx, c.Subject)
	if err != nil {
		return fail(err)
	}
	return Result{Event: e, Subject: *s, Replayed: true}, nil
}

func (d *Desk) eventAt(ctx context.Context, ref Ref, version uint64) (Event, error) {
	for r, err := range d.store.Log(ctx, ref.key(), version) {
		if err != nil {
			return Event{}, err
		}
		return decodeEvent(&r)
	}
	return Event{}, storage.ErrNotFound
}

func decodeEvent(r *storage.Record) (Event, error) {
	var e Event
	if err := json.Unmarshal(r.Data, &e); err != nil {
		return Event{}, damaged(r, err)
	}
	return e, nil
}

// Subject returns a subject as it is now. The error matches storage.ErrNotFound
// where there is none.
func (d *Desk) Subject(ctx context.Context, ref Ref) (*Subject, error) {
	if err := ref.check(); err != nil {
		return nil, fmt.Errorf("governance: %s: %w", ref, err)
	}
	r, err := d.store.Get(ctx, ref.key())
	if err != nil {
		return nil, fmt.Errorf("governance: %s: %w", ref, err)
	}
	s, err := decodeSubject(&r)
	if err != nil {
		return nil, fmt.Errorf("governance: %s: %w", ref, err)
	}
	return s, nil
}

// History yields the events of a subject, oldest first. The chain of the log is
// checked on the way. An error is yielded once, as the last element.
func (d *Desk) History(ctx context.Context, ref Ref) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := ref.check()
		if err == nil {
			for r, err := range d.store.Log(ctx, ref.key(), 1) {
				var e Event
				if err == nil {
					e, err = decodeEvent(&r)
				}
				if err != nil {
					err = fmt.Errorf("governance: history of %s: %w", ref, err)
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
			return
		}
		yield(Event{}, fmt.Errorf("governance: history: %w", err))
	}
}

// In yields the subjects of a workload's partition, all kinds or one, in the order
// of kind and id. An error is yielded once, as the last element.
func (d *Desk) In(ctx context.Context, workload Ref, kind Kind) iter.Seq2[*Subject, error] {
	return func(yield func(*Subject, error) bool) {
		span := storage.Span{Partition: workload.key().Partition}
		if kind != "" {
			span = storage.Prefix(span.Partition, string(kind)+"/")
		}
		for r, err := range d.store.Range(ctx, span) {
			var s *Subject
			if err == nil {
				s, err = decodeSubject(&r)
			}
			if err != nil {
				yield(nil, fmt.Errorf("governance: subjects of %s: %w", workload, err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}
