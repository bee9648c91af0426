// Package memstore is the storage driver that keeps everything in memory. It
// is the reference for the contract, made to be read and to be obviously right,
// and serves tests and short-lived programs. Nothing outlives the process.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spendclaim/spendclaim/storage"
)

var (
	_ storage.Driver   = (*Driver)(nil)
	_ storage.Restorer = (*Driver)(nil)
)

// pageItems bounds a page. It is small so that a range of a hundred records
// already crosses pages, as it would on an engine over the network.
const pageItems = 64

// A Driver holds records and entries in memory. The zero value is an empty
// driver, ready for use. It is safe for concurrent use and must not be copied.
type Driver struct {
	mu     sync.RWMutex
	closed bool
	// One sorted slice holds records and entries, in the order of less. Looking
	// up is a binary search, inserting moves what follows: good enough for the
	// sizes that fit memory.
	items []storage.Item
}

// New returns an empty driver.
func New() *Driver { return new(Driver) }

// compare orders all records before all entries, records by key and entries by
// key and version. It is the order of Scan, and within it every page is a
// contiguous stretch.
func compare(a, b *storage.Item) int {
	if a.Entry != b.Entry {
		if b.Entry {
			return -1
		}
		return 1
	}
	c := cmp.Or(strings.Compare(a.Key.Partition, b.Key.Partition), strings.Compare(a.Key.Sort, b.Key.Sort))
	if c == 0 && a.Entry {
		c = cmp.Compare(a.Stamp.Version, b.Stamp.Version)
	}
	return c
}

// find returns where an item with the identity of want is, or would be.
func (d *Driver) find(want *storage.Item) (int, bool) {
	return slices.BinarySearchFunc(d.items, want, func(it storage.Item, want *storage.Item) int {
		return compare(&it, want)
	})
}

func record(k storage.Key) *storage.Item { return &storage.Item{Key: k} }

func entry(k storage.Key, version uint64) *storage.Item {
	return &storage.Item{Key: k, Entry: true, Stamp: storage.Stamp{Version: version}}
}

// stamp returns the stamp of a record, zero when there is none.
func (d *Driver) stamp(k storage.Key) storage.Stamp {
	if i, ok := d.find(record(k)); ok {
		return d.items[i].Stamp
	}
	return storage.Stamp{}
}

func clone(items []storage.Item) []storage.Item {
	out := slices.Clone(items)
	for i := range out {
		out[i].Body = bytes.Clone(out[i].Body)
	}
	return out
}

// read runs f under the read lock of an open driver.
func (d *Driver) read(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return storage.ErrClosed
	}
	return f()
}

// write runs f under the write lock of an open driver.
func (d *Driver) write(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return storage.ErrClosed
	}
	return f()
}

// Get implements storage.Driver.
func (d *Driver) Get(ctx context.Context, k storage.Key) (it storage.Item, err error) {
	err = d.read(ctx, func() error {
		i, ok := d.find(record(k))
		if !ok {
			return storage.ErrNotFound
		}
		it = clone(d.items[i : i+1])[0]
		return nil
	})
	return it, err
}

// Page implements storage.Driver. The cursor of a record page is the last sort
// key returned, that of a log page the last version.
func (d *Driver) Page(ctx context.Context, q storage.Query, after string) (page []storage.Item, next string, err error) {
	err = d.read(ctx, func() error {
		from, to, err := d.bounds(q, after)
		if err != nil || from >= to {
			return err
		}
		n := pageItems
		if q.Limit > 0 {
			n = min(n, q.Limit)
		}
		reverse := q.Reverse && q.Log == ""
		if n < to-from {
			if reverse {
				from = to - n
			} else {
				to = from + n
			}
		} else {
			n = 0 // all that is left: no further page
		}
		page = clone(d.items[from:to])
		if reverse {
			slices.Reverse(page)
		}
		if n > 0 {
			last := &page[len(page)-1]
			if next = last.Key.Sort; last.Entry {
				next = strconv.FormatUint(last.Stamp.Version, 10)
			}
		}
		return nil
	})
	return page, next, err
}

// bounds returns the half-open stretch of d.items that q selects beyond after.
func (d *Driver) bounds(q storage.Query, after string) (from, to int, err error) {
	at := func(it *storage.Item) int {
		i, _ := d.find(it)
		return i
	}
	if q.Log != "" {
		k := storage.Key{Partition: q.Partition, Sort: q.Log}
		since := q.Since
		if after != "" {
			last, err := strconv.ParseUint(after, 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("memstore: cursor %q: %w", after, err)
			}
			since = last + 1
		}
		end := at(entry(storage.Key{Partition: k.Partition, Sort: k.Sort + "\x00"}, 0))
		return at(entry(k, since)), end, nil
	}
	sort := func(s string) int { return at(record(storage.Key{Partition: q.Partition, Sort: s})) }
	from = sort(q.From)
	if to = sort(q.To); q.To == "" {
		// "\x00" appended gives the next string there is; no key lies between.
		to = at(record(storage.Key{Partition: q.Partition + "\x00"}))
	}
	switch {
	case after == "":
	case q.Reverse:
		to = min(to, sort(after))
	default:
		from = max(from, sort(after+"\x00"))
	}
	return from, to, nil
}

// Commit implements storage.Driver: everything is compared, then everything is
// applied, under one lock.
func (d *Driver) Commit(ctx context.Context, b *storage.WriteBatch) error {
	return d.write(ctx, func() error {
		if err := d.admit(b); err != nil {
			return err
		}
		for i := range b.Writes {
			w := &b.Writes[i]
			d.put(storage.Item{Key: w.Key, Stamp: w.Next, Body: w.Record})
			if w.Entry != nil {
				d.put(storage.Item{Key: w.Key, Stamp: w.Next, Entry: true, Body: w.Entry})
			}
		}
		for _, del := range b.Deletes {
			if i, ok := d.find(record(del.Key)); ok {
				d.items = slices.Delete(d.items, i, i+1)
			}
		}
		return nil
	})
}

func (d *Driver) admit(b *storage.WriteBatch) error {
	expect := func(k storage.Key, want storage.Stamp) error {
		if got := d.stamp(k); got != want {
			return &storage.ConflictError{Key: k, Want: want, Got: got}
		}
		return nil
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if err := expect(w.Key, w.Prev); err != nil {
			return err
		}
		if w.Entry == nil {
			continue
		}
		if _, ok := d.find(entry(w.Key, w.Next.Version)); ok {
			return &storage.CorruptError{
				Key: w.Key, Entry: true, Version: w.Next.Version,
				Reason: "the log is ahead of its record", Remedy: "restore the record from an export",
			}
		}
	}
	for _, del := range b.Deletes {
		if err := expect(del.Key, del.Prev); err != nil {
			return err
		}
	}
	for _, c := range b.Checks {
		if err := expect(c.Key, c.Stamp); err != nil {
			return err
		}
	}
	return nil
}

// put stores a copy of it.
func (d *Driver) put(it storage.Item) {
	it.Body = bytes.Clone(it.Body)
	i, ok := d.find(&it)
	if ok {
		d.items[i] = it
		return
	}
	d.items = slices.Insert(d.items, i, it)
}

// Scan implements storage.Driver. The cursor is the identity of the last item
// returned, not a position, which writes between pages would shift.
func (d *Driver) Scan(ctx context.Context, cursor string) (page []storage.Item, next string, err error) {
	err = d.read(ctx, func() error {
		from := 0
		if cursor != "" {
			last, err := parseCursor(cursor)
			if err != nil {
				return err
			}
			i, ok := d.find(last)
			if from = i; ok {
				from++
			}
		}
		to := min(from+pageItems, len(d.items))
		page = clone(d.items[from:to])
		if to < len(d.items) {
			last := &page[len(page)-1]
			next = fmt.Sprintf("%t\x00%d\x00%s\x00%s", last.Entry, last.Stamp.Version, last.Key.Partition, last.Key.Sort)
		}
		return nil
	})
	return page, next, err
}

func parseCursor(cursor string) (*storage.Item, error) {
	// Keys hold no control characters, so the separator is unambiguous.
	f := strings.Split(cursor, "\x00")
	if len(f) != 4 {
		return nil, fmt.Errorf("memstore: cursor %q is not one of Scan", cursor)
	}
	isEntry, err1 := strconv.ParseBool(f[0])
	version, err2 := strconv.ParseUint(f[1], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("memstore: cursor %q: %w", cursor, err)
	}
	it := record(storage.Key{Partition: f[2], Sort: f[3]})
	it.Entry, it.Stamp.Version = isEntry, version
	return it, nil
}

// Restore implements storage.Restorer.
func (d *Driver) Restore(ctx context.Context, items []storage.Item) error {
	return d.write(ctx, func() error {
		for i := range items {
			at, ok := d.find(&items[i])
			if !ok {
				continue
			}
			if old := &d.items[at]; old.Stamp != items[i].Stamp || !bytes.Equal(old.Body, items[i].Body) {
				return &storage.ConflictError{Key: items[i].Key, Want: items[i].Stamp, Got: old.Stamp}
			}
		}
		for i := range items {
			d.put(items[i])
		}
		return nil
	})
}

// Close implements storage.Driver and lets go of everything.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed, d.items = true, nil
	return nil
}
