package storage

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
)

// Options adjusts a Store. The zero value and nil mean the defaults.
type Options struct {
	// Audited says which kinds are audited. Where it is nil, the first put of
	// each record decides. The function must give one kind one answer, always.
	Audited func(kind string) bool

	// Attempts bounds how often Update runs its closure after conflicts, and how
	// often one batch is offered to an engine that is unavailable. 0 means 8.
	Attempts int

	_ struct{}
}

// A Store reads and writes records through a driver. It is safe for concurrent
// use; use New.
type Store struct {
	driver   Driver
	audited  func(kind string) bool
	attempts int
	closed   atomic.Bool
}

// New returns a store over d, which it owns from now on: Close closes it.
func New(d Driver, o *Options) *Store {
	s := &Store{driver: d, attempts: 8}
	if o != nil {
		s.audited = o.Audited
		if o.Attempts > 0 {
			s.attempts = o.Attempts
		}
	}
	return s
}

// Close closes the driver. Calls after it fail with ErrClosed; closing twice is
// harmless.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.driver.Close(); err != nil {
		return fmt.Errorf("storage: close: %w", err)
	}
	return nil
}

// ready is asked before anything else is done, so that a cancelled call has no
// effect on any driver.
func (s *Store) ready(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// load reads and opens one record.
func (s *Store) load(ctx context.Context, k Key) (Item, envelope, error) {
	it, err := s.driver.Get(ctx, k)
	if err != nil {
		return it, envelope{}, err
	}
	if it.Key != k || it.Entry {
		return it, envelope{}, damaged(&Item{Key: k}, fmt.Sprintf("the driver returned %s", it.Key))
	}
	e, err := openItem(&it)
	return it, e, err
}

// Get returns the latest committed state of the record k. Errors match
// ErrNotFound, ErrInvalidKey, ErrCorrupt, ErrNewer, ErrUnavailable, ErrClosed.
func (s *Store) Get(ctx context.Context, k Key) (Record, error) {
	e, err := s.get(ctx, k)
	if err != nil {
		return Record{}, fmt.Errorf("storage: get %s: %w", k, err)
	}
	return e.record(k), nil
}

func (s *Store) get(ctx context.Context, k Key) (envelope, error) {
	if err := s.ready(ctx); err != nil {
		return envelope{}, err
	}
	if err := k.check(); err != nil {
		return envelope{}, err
	}
	_, e, err := s.load(ctx, k)
	return e, err
}

// Range yields the records of the span in order. It reads a page, lets go of
// the engine and then yields, so that the loop may use the store, also to
// write. It is not a snapshot: see the package comment. Ranging over it again
// reads again. An error is yielded once, as the last element; it matches the
// same sentinels as those of Get, save ErrNotFound: an empty span is no error.
func (s *Store) Range(ctx context.Context, span Span) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		fail := func(err error) {
			yield(Record{}, fmt.Errorf("storage: range over %q: %w", span.Partition, err))
		}
		if err := span.check(); err != nil {
			fail(err)
			return
		}
		for it, err := range s.items(ctx, Query{Span: span}) {
			if err != nil {
				fail(err)
				return
			}
			e, err := openItem(&it)
			if err != nil {
				fail(err)
				return
			}
			if !yield(e.record(it.Key), nil) {
				return
			}
		}
	}
}

// items walks the pages of a query.
func (s *Store) items(ctx context.Context, q Query) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		limited, after := q.Limit > 0, ""
		for {
			if err := s.ready(ctx); err != nil {
				yield(Item{}, err)
				return
			}
			page, next, err := s.driver.Page(ctx, q, after)
			if err == nil && next != "" && next == after {
				err = fmt.Errorf("driver does not advance past cursor %q", after)
			}
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, it := range page {
				if !yield(it, nil) {
					return
				}
				if q.Limit--; limited && q.Limit == 0 {
					return
				}
			}
			if next == "" {
				return
			}
			if after = next; !limited {
				q.Limit = 0
			}
		}
	}
}

// Log yields the entries of the audited record k from version from (0 and 1
// are the first), oldest first, up to the version the record had when the loop
// began; the Data of each element is the entry. A record that is not audited
// has no entries. On the way the chain is checked: an entry that is missing,
// out of order or does not fit the heads around it ends the sequence with an
// ErrCorrupt naming it. Other errors are those of Get.
func (s *Store) Log(ctx context.Context, k Key, from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := s.log(ctx, k, max(from, 1), yield); err != nil {
			yield(Record{}, fmt.Errorf("storage: log of %s: %w", k, err))
		}
	}
}

func (s *Store) log(ctx context.Context, k Key, from uint64, yield func(Record, error) bool) error {
	// The record first: all its entries up to the version read then exist.
	now, err := s.get(ctx, k)
	if err != nil {
		return err
	}
	if !now.audited || from > now.stamp.Version {
		return nil
	}
	// One entry more is read at the front, to have the head that the first
	// wanted one is chained to.
	want := max(from-1, 1)
	var prev Stamp
	missing := func() error {
		return damaged(&Item{Key: k, Entry: true, Stamp: Stamp{Version: want}}, "entry is missing")
	}
	q := Query{Span: Span{Partition: k.Partition}, Log: k.Sort, Since: want}
	for it, err := range s.items(ctx, q) {
		switch {
		case err != nil:
			return err
		case it.Key != k || !it.Entry || it.Stamp.Version != want:
			return missing()
		}
		e, err := openItem(&it)
		if err != nil {
			return err
		}
		chained := want == 1 || !prev.IsZero() // the one read for its head has no known predecessor
		if chained && headOf(prev.Head, k, want, e.kind, e.schema, e.digest, e.payload) != e.stamp.Head {
			return damaged(&it, "entry does not continue the chain of heads")
		}
		last := want == now.stamp.Version
		if last && e.stamp != now.stamp {
			return damaged(&it, "last entry and record have different heads")
		}
		if want >= from && !yield(e.record(k), nil) {
			return nil
		}
		if last {
			return nil
		}
		prev = e.stamp
		want++
	}
	return missing()
}
