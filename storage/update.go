package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// A Tx collects what one run of an Update closure reads and writes. It is used
// by one goroutine and is dead when the closure returns.
type Tx struct {
	store *Store
	ctx   context.Context
	seen  map[Key]envelope // zero envelope: read, and there was none
	reads []Key            // in order of first reading
	wrote map[Key]int      // index into batch.Puts, or deleted
	batch Batch
	err   error // the first misuse; Update reports it
	done  bool
}

const deleted = -1

// Update runs f and commits what it wrote, provided that everything it read is
// unchanged: all reads and writes of f happened at one instant, or not at all.
// When another writer interfered f runs again, on a fresh Tx, up to
// Options.Attempts times in all; so it must have no effect but on the Tx.
//
// An error of f ends the update, writes nothing and is returned as it is. With
// a Request that was committed before, f does not run and the first receipt is
// returned. Every record read or written counts towards MaxItems. Other errors
// are those of Commit; ErrConflict means that the attempts were used up.
func (s *Store) Update(ctx context.Context, r Request, f func(*Tx) error) (Receipt, error) {
	receipt, found, err := s.replay(ctx, r)
	for attempt := 0; err == nil && !found; attempt++ {
		tx := &Tx{store: s, ctx: ctx, seen: make(map[Key]envelope), wrote: make(map[Key]int)}
		if err := tx.run(f); err != nil {
			return Receipt{}, err
		}
		if receipt, err = tx.commit(r); err == nil {
			return receipt, nil
		}
		again := errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknownOutcome)
		if again && attempt+1 < s.attempts && pause(ctx, attempt) == nil {
			err = s.ready(ctx)
		}
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("storage: update: %w", err)
	}
	return receipt, nil
}

func (tx *Tx) run(f func(*Tx) error) error {
	defer func() { tx.done = true }()
	if err := f(tx); err != nil {
		return err
	}
	if tx.err != nil {
		return fmt.Errorf("storage: update: %w", tx.err)
	}
	return nil
}

func (tx *Tx) commit(r Request) (Receipt, error) {
	for _, k := range tx.reads {
		if _, ok := tx.wrote[k]; !ok {
			tx.batch.Checks = append(tx.batch.Checks, Check{Key: k, Stamp: tx.seen[k].stamp})
		}
	}
	if r.ID == "" && len(tx.wrote) == 0 && len(tx.reads) <= 1 {
		return Receipt{}, nil // one strong read is consistent by itself
	}
	return tx.store.commit(tx.ctx, r, &tx.batch, tx.seen)
}

// Get returns the record k: what this Tx wrote under it, else its committed
// state, which the update then depends on, ErrNotFound included. The stamp of
// a record written in this Tx is the one it had before.
func (tx *Tx) Get(k Key) (Record, error) {
	if tx.done {
		return Record{}, fmt.Errorf("storage: get %s: update has ended: %w", k, ErrClosed)
	}
	if i, ok := tx.wrote[k]; ok {
		if i == deleted {
			return Record{}, fmt.Errorf("storage: get %s: %w", k, ErrNotFound)
		}
		p := tx.batch.Puts[i]
		return Record{Key: k, Stamp: p.Prev, Kind: p.Kind, Schema: p.Schema, Data: bytes.Clone(p.Data)}, nil
	}
	e, ok := tx.seen[k]
	if !ok {
		var err error
		e, err = tx.store.get(tx.ctx, k)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Record{}, fmt.Errorf("storage: get %s: %w", k, err)
		}
		tx.seen[k] = e
		tx.reads = append(tx.reads, k)
	}
	if e.stamp.IsZero() {
		return Record{}, fmt.Errorf("storage: get %s: %w", k, ErrNotFound)
	}
	r := e.record(k)
	r.Data = bytes.Clone(r.Data) // e serves later reads
	return r, nil
}

// Put writes a record. A zero Prev is replaced by the stamp that this Tx read;
// a record that it has not read is created and must not exist. A record is
// written at most once; a second time makes the update fail.
func (tx *Tx) Put(p Put) {
	if p.Prev.IsZero() {
		p.Prev = tx.seen[p.Key].stamp
	}
	p.Data, p.Entry = bytes.Clone(p.Data), bytes.Clone(p.Entry)
	if tx.claim(p.Key, len(tx.batch.Puts)) {
		tx.batch.Puts = append(tx.batch.Puts, p)
	}
}

// Delete removes the record k, which this Tx must have read and found; else the
// update fails.
func (tx *Tx) Delete(k Key) {
	prev := tx.seen[k].stamp
	if prev.IsZero() {
		tx.fail(fmt.Errorf("%w: %s is deleted but was not read", ErrInvalidBatch, k))
		return
	}
	if tx.claim(k, deleted) {
		tx.batch.Deletes = append(tx.batch.Deletes, Delete{Key: k, Prev: prev})
	}
}

func (tx *Tx) claim(k Key, index int) bool {
	if _, ok := tx.wrote[k]; ok {
		tx.fail(fmt.Errorf("%w: %s is written twice", ErrInvalidBatch, k))
		return false
	}
	tx.wrote[k] = index
	return true
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}
