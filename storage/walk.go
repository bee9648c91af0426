package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An identity is an item without its body.
type identity struct {
	key   Key
	stamp Stamp
	entry bool
}

// order is the canonical one: by key, and a record before its entries by version.
func (a *identity) order(b *identity) int {
	c := cmp.Or(strings.Compare(a.key.Partition, b.key.Partition), strings.Compare(a.key.Sort, b.key.Sort))
	switch {
	case c != 0:
		return c
	case a.entry != b.entry && b.entry:
		return -1
	case a.entry != b.entry:
		return 1
	case a.entry:
		return cmp.Compare(a.stamp.Version, b.stamp.Version)
	}
	return 0
}

// An inventory says what a store held when it was scanned.
type inventory struct {
	items []identity
	sum   [32]byte // of the identities, whatever their order
}

// inventory scans the driver. It keeps identities only, in canonical order.
func (s *Store) inventory(ctx context.Context) (*inventory, error) {
	inv := new(inventory)
	for cursor := ""; ; {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		page, next, err := s.driver.Scan(ctx, cursor)
		if err == nil && next != "" && next == cursor {
			err = fmt.Errorf("driver does not advance past cursor %q", cursor)
		}
		if err != nil {
			return nil, err
		}
		for i := range page {
			inv.add(identity{key: page[i].Key, stamp: page[i].Stamp, entry: page[i].Entry})
		}
		if next == "" {
			break
		}
		cursor = next
	}
	slices.SortFunc(inv.items, func(a, b identity) int { return a.order(&b) })
	return inv, nil
}

func (inv *inventory) add(id identity) {
	inv.items = append(inv.items, id)
	b := appendKey(nil, id.key)
	b = binary.BigEndian.AppendUint64(b, id.stamp.Version)
	b = append(b, id.stamp.Head[:]...)
	if id.entry {
		b = append(b, 1)
	}
	for i, x := range sha256.Sum256(b) {
		inv.sum[i] ^= x // items are distinct, so none cancels another
	}
}

// errDiffers says that reading in order gave something else than the scan before.
var errDiffers = errors.New("not what the scan found")

// walk visits everything there is in canonical order. What it visits is the state
// of the store at one instant: it scans before and after, and fails with an
// ErrConflict when something was written in the meantime. It keeps the identity of
// every item in memory, and one page of bodies.
func (s *Store) walk(ctx context.Context, visit func(it *Item) error) error {
	before, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	id := new(identity)
	err = s.visit(ctx, before.items, func(want *identity, it *Item) error {
		if id = want; it == nil {
			return errDiffers
		}
		return visit(it)
	})
	if err != nil && !errors.Is(err, errDiffers) {
		return err
	}
	after, again := s.inventory(ctx)
	switch {
	case again != nil:
		return again
	case before.sum != after.sum:
		return fmt.Errorf("%w: the store was written to while it was read; stop the writers or try again", ErrConflict)
	case err != nil:
		return damaged(&Item{Key: id.key, Stamp: id.stamp, Entry: id.entry}, "a scan finds it and reading in order does not, or the other way round")
	}
	return nil
}

// visit reads the items of an inventory in order and calls f for each, with nil
// where the driver returns something else.
func (s *Store) visit(ctx context.Context, items []identity, f func(want *identity, it *Item) error) error {
	for from := 0; from < len(items); {
		partition := items[from].key.Partition
		to := from
		for to < len(items) && items[to].key.Partition == partition {
			to++
		}
		if err := s.visitPartition(ctx, partition, items[from:to], f); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (s *Store) visitPartition(ctx context.Context, partition string, items []identity, f func(want *identity, it *Item) error) error {
	at := 0
	// entries visits the logs that lie before the next record.
	entries := func() error {
		for at < len(items) && items[at].entry {
			k, first := items[at].key, at
			for it, err := range s.items(ctx, Query{Span: Span{Partition: partition}, Log: k.Sort}) {
				if err != nil {
					return err
				}
				if at == len(items) || !items[at].matches(&it) {
					return f(&identity{key: it.Key, stamp: it.Stamp, entry: true}, nil)
				}
				if err := f(&items[at], &it); err != nil {
					return err
				}
				at++
			}
			if at == first || at < len(items) && items[at].entry && items[at].key == k {
				return f(&items[at], nil)
			}
		}
		return nil
	}
	for it, err := range s.items(ctx, Query{Span: Span{Partition: partition}}) {
		if err == nil {
			err = entries()
		}
		if err != nil {
			return err
		}
		if at == len(items) || !items[at].matches(&it) {
			return f(&identity{key: it.Key, stamp: it.Stamp}, nil)
		}
		if err := f(&items[at], &it); err != nil {
			return err
		}
		at++
	}
	if err := entries(); err != nil {
		return err
	}
	if at < len(items) {
		return f(&items[at], nil)
	}
	return nil
}

func (a *identity) matches(it *Item) bool {
	return a.key == it.Key && a.stamp == it.Stamp && a.entry == it.Entry
}
