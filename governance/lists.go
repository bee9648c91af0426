package governance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// A Turn says who must act next on a subject: a person, or whoever has a role.
type Turn struct {
	Person PersonID `json:"person,omitempty"`
	Role   Role     `json:"role,omitempty"` // of the person, or of anybody
	// Node is where the role must count; "" is everywhere.
	Node string `json:"node,omitempty"`
	// Due is by when; zero where there is no date.
	Due time.Time `json:"due,omitzero"`
}

// A Listing is an entry of a list: of the queue of who must act next, or of the
// registry of a kind.
type Listing struct {
	Subject Ref       `json:"subject"`
	State   State     `json:"state"`
	Since   time.Time `json:"since"`
	Turn    Turn      `json:"turn,omitzero"`
	// Summary is what the registry of the kind says of a subject, as JSON.
	Summary json.RawMessage `json:"summary,omitempty"`
}

func queuePartition(t Turn) string {
	if t.Person != "" {
		return "gov/queue/person/" + string(t.Person)
	}
	return "gov/queue/role/" + string(t.Role)
}

func registryPartition(k Kind) string { return "gov/registry/" + string(k) }

// shelfPartition returns where a kind's subjects of one shelf are registered.
func shelfPartition(k Kind, shelf string) string {
	if shelf == "" {
		return registryPartition(k)
	}
	return registryPartition(k) + "/" + shelf
}

// queueKind and registryKind are the storage kinds of listings.
func queueKind(k Kind) string    { return "governance.queue." + string(k) }
func registryKind(k Kind) string { return "governance.registry." + string(k) }

// queued returns the listing of a subject in the queue, as puts for a projection.
func queued(s *Subject) ([]storage.Put, error) {
	rules := rulesOf(s.Ref.Kind)
	if rules.waits == nil {
		return nil, nil
	}
	turn, ok := rules.waits(s)
	if !ok {
		return nil, nil
	}
	turn.Due = turn.Due.UTC()
	data, err := json.Marshal(Listing{Subject: s.Ref, State: s.State, Since: s.Since, Turn: turn})
	return []storage.Put{{Key: storage.Key{Partition: queuePartition(turn), Sort: s.Ref.String()}, Kind: queueKind(s.Ref.Kind), Schema: schema, Data: data}}, err
}

// registered returns the listing of a subject in the registry of its kind.
func registered(s *Subject) ([]storage.Put, error) {
	rules := rulesOf(s.Ref.Kind)
	if rules.summary == nil {
		return nil, nil
	}
	summary, err := json.Marshal(rules.summary(s))
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(Listing{Subject: s.Ref, State: s.State, Since: s.Since, Summary: summary})
	shelf := ""
	if rules.shelf != nil {
		shelf = rules.shelf(s)
	}
	return []storage.Put{{Key: storage.Key{Partition: shelfPartition(s.Ref.Kind, shelf), Sort: s.Ref.String()}, Kind: registryKind(s.Ref.Kind), Schema: schema, Data: data}}, err
}

// list keeps the lists of a subject within its update.
func (s *session) list(before, after *Subject) error {
	for _, of := range []func(*Subject) ([]storage.Put, error){queued, registered} {
		var old []storage.Put
		if before != nil {
			var err error
			if old, err = of(before); err != nil {
				return err
			}
		}
		now, err := of(after)
		if err != nil {
			return err
		}
		for _, p := range old {
			if len(now) > 0 && now[0].Key == p.Key {
				continue
			}
			_, err := s.tx.Get(p.Key)
			if errors.Is(err, storage.ErrNotFound) {
				continue // Reindex was due
			}
			if err != nil {
				return err
			}
			s.tx.Delete(p.Key)
		}
		for _, p := range now {
			r, err := s.tx.Get(p.Key)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			if err == nil && bytes.Equal(r.Data, p.Data) {
				continue
			}
			s.tx.Put(p)
		}
	}
	return nil
}

// Queue yields what waits for a person, or for whoever has a role where t.Person is
// blank. An error is yielded once, as the last element.
func (d *Desk) Queue(ctx context.Context, t Turn) iter.Seq2[Listing, error] {
	return d.listings(ctx, storage.Span{Partition: queuePartition(t)})
}

// Registry yields all subjects of a kind that has a registry, in the order of their
// references. An error is yielded once, as the last element.
func (d *Desk) Registry(ctx context.Context, k Kind) iter.Seq2[Listing, error] {
	return d.listings(ctx, storage.Span{Partition: registryPartition(k)})
}

// Shelf yields the subjects of a kind whose registry is kept in parts, of one part:
// cards by payer and first day of their week, adjustments by payer and month, as in
// "999999999999/2026-05-04". An error is yielded once, as the last element.
func (d *Desk) Shelf(ctx context.Context, k Kind, shelf string) iter.Seq2[Listing, error] {
	return d.listings(ctx, storage.Span{Partition: shelfPartition(k, shelf)})
}

func (d *Desk) listings(ctx context.Context, span storage.Span) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		for r, err := range d.store.Range(ctx, span) {
			var l Listing
			if err == nil {
				if err = json.Unmarshal(r.Data, &l); err != nil {
					err = damaged(&r, err)
				}
			}
			if err != nil {
				yield(Listing{}, fmt.Errorf("governance: list %q: %w", span.Partition, err))
				return
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// Reindex rebuilds queue and registries from the subjects. It may run while others
// work, and be repeated.
func (d *Desk) Reindex(ctx context.Context) (storage.Changes, error) {
	var all storage.Changes
	for _, k := range Kinds() {
		for kind, of := range map[string]func(*Subject) ([]storage.Put, error){queueKind(k): queued, registryKind(k): registered} {
			c, err := d.store.Reindex(ctx, storage.Projection{From: recordKind(k), Kind: kind, Schema: schema, List: func(r storage.Record) ([]storage.Put, error) {
				s, err := decodeSubject(&r)
				if err != nil {
					return nil, err
				}
				return of(s)
			}})
			all.Created, all.Corrected, all.Removed = all.Created+c.Created, all.Corrected+c.Corrected, all.Removed+c.Removed
			if err != nil {
				return all, fmt.Errorf("governance: reindex: %w", err)
			}
		}
	}
	return all, nil
}
