// Package outbox keeps messages that have to leave the house (tickets, webhooks, chat)
// until they have left. A message is added in the same update as the decision it
// speaks of, so that neither exists without the other; it is delivered afterwards, at
// least once, and then marked.
//
// # Terminology
//
//   - A [Box] is a named list of messages in a store.
//   - A message is pending until a sink has taken it, and delivered from then on. It
//     is parked when it failed as often as it may; it stays and is tried no more.
//   - A mark is what remains of a delivered message: that it was, and when.
//
// # Guarantees
//
//   - Adding is idempotent by id: a message that is pending, parked or delivered is
//     not added again.
//   - A message added by an update that committed is offered to the sink until the sink
//     returns nil, or it is parked.
//   - It may be offered again after the sink took it, when the process dies before the
//     mark is written, or when a sink takes longer than [Options].Lease. Sinks hand
//     the id on as their idempotency key, or look whether their work is done.
//   - Several processes may deliver from one box; the lease keeps them apart.
//
// Messages are offered in the bytewise order of their ids, each on its own: one that
// fails holds up no other. Ids that begin with a time are delivered in that order.
package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// Kinds of the records of this package, none of them audited. Pending messages lie in
// the partition "outbox/" + name under their id, marks in the same with "/delivered".
const (
	KindMessage = "outbox.message"
	KindMark    = "outbox.mark"

	schema = 1
)

// ErrMismatch: a message with the same id and another topic or body was added before.
var ErrMismatch = errors.New("id was used for another message")

// A Message is what a sink gets. ID follows the rules of a sort key.
type Message struct {
	ID    string
	Topic string
	Body  []byte

	// What follows is kept by the box; Add ignores it.
	Attempts int       // offers so far, the present one included
	Next     time.Time // not offered before
	Failure  string    // of the latest offer, "" if there was none
	Parked   bool
}

// A Box adds and delivers messages. It is safe for concurrent use; use New.
type Box struct {
	store *storage.Store
	name  string
}

// New returns the box of that name in s. The name may not hold a "/".
func New(s *storage.Store, name string) *Box { return &Box{store: s, name: name} }

func (b *Box) partition() string { return "outbox/" + b.name }

func (b *Box) message(id string) storage.Key { return storage.Key{Partition: b.partition(), Sort: id} }

func (b *Box) mark(id string) storage.Key {
	return storage.Key{Partition: b.partition() + "/delivered", Sort: id}
}

// stored is the data of a message, stamped that of a mark, both in schema 1.
type stored struct {
	Topic    string    `json:"topic,omitempty"`
	Body     []byte    `json:"body"`
	Attempts int       `json:"attempts,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	Failure  string    `json:"failure,omitempty"`
	Parked   bool      `json:"parked,omitempty"`
}

type stamped struct {
	Digest    []byte    `json:"digest"` // of topic and body
	Delivered time.Time `json:"delivered"`
}

func digest(topic string, body []byte) [32]byte {
	return sha256.Sum256(append(fmt.Appendf(nil, "%d %s", len(topic), topic), body...))
}

// decode opens a record of this package into v.
func decode(r *storage.Record, v any) error {
	if r.Schema > schema {
		return fmt.Errorf("%s: %w: schema %d", r.Key, storage.ErrNewer, r.Schema)
	}
	if err := json.Unmarshal(r.Data, v); err != nil {
		return &storage.CorruptError{Key: r.Key, Reason: "not a record of an outbox", Err: err, Remedy: "restore it from an export"}
	}
	return nil
}

func open(r *storage.Record) (Message, error) {
	var m stored
	err := decode(r, &m)
	return Message{
		ID: r.Key.Sort, Topic: m.Topic, Body: m.Body, Attempts: m.Attempts,
		Next: m.Next, Failure: m.Failure, Parked: m.Parked,
	}, err
}

func (b *Box) put(m *Message) (storage.Put, error) {
	data, err := json.Marshal(stored{m.Topic, m.Body, m.Attempts, m.Next, m.Failure, m.Parked})
	return storage.Put{Key: b.message(m.ID), Kind: KindMessage, Schema: schema, Data: data}, err
}

// Add adds a message within an update. One that was added before is left as it is.
// The error matches ErrMismatch, or is one of the store's.
func (b *Box) Add(tx *storage.Tx, m Message) error {
	if err := b.add(tx, &m); err != nil {
		return fmt.Errorf("outbox: add %q: %w", m.ID, err)
	}
	return nil
}

func (b *Box) add(tx *storage.Tx, m *Message) error {
	want := digest(m.Topic, m.Body)
	r, err := tx.Get(b.mark(m.ID))
	if err == nil {
		var was stamped
		if err := decode(&r, &was); err != nil {
			return err
		}
		if string(was.Digest) != string(want[:]) {
			return ErrMismatch
		}
		return nil
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	r, err = tx.Get(b.message(m.ID))
	if err == nil {
		was, err := open(&r)
		if err == nil && digest(was.Topic, was.Body) != want {
			err = ErrMismatch
		}
		return err
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	p, err := b.put(&Message{ID: m.ID, Topic: m.Topic, Body: m.Body})
	if err == nil {
		tx.Put(p)
	}
	return err
}

// Pending yields the messages that were not delivered, parked ones included, in the
// order of their ids. An error is yielded once, as the last element.
func (b *Box) Pending(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for r, err := range b.store.Range(ctx, storage.Span{Partition: b.partition()}) {
			var m Message
			if err == nil {
				m, err = open(&r)
			}
			if err != nil {
				yield(Message{}, fmt.Errorf("outbox: pending of %q: %w", b.name, err))
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Delivered reports whether a message was delivered, and when.
func (b *Box) Delivered(ctx context.Context, id string) (time.Time, bool, error) {
	r, err := b.store.Get(ctx, b.mark(id))
	if errors.Is(err, storage.ErrNotFound) {
		return time.Time{}, false, nil
	}
	var m stamped
	if err == nil {
		err = decode(&r, &m)
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("outbox: delivery of %q: %w", id, err)
	}
	return m.Delivered, true, nil
}
