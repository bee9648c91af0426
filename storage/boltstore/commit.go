package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"github.com/spendclaim/spendclaim/storage"
)

// Commit implements storage.Driver: one transaction that compares everything
// and then writes everything.
func (d *Driver) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if len(b.Writes)+len(b.Deletes) == 0 {
		// Checks alone need no writer, and must not change the file.
		return d.view(ctx, func(tx *bbolt.Tx) error { return d.admit(tx, b) })
	}
	return d.update(ctx, func(tx *bbolt.Tx) error {
		if err := d.admit(tx, b); err != nil {
			return err
		}
		records, entries := bucket(tx, false), bucket(tx, true)
		for i := range b.Writes {
			w := &b.Writes[i]
			key := recordKey(w.Key)
			if err := records.Put(key, value(key, w.Next, w.Record)); err != nil {
				return err
			}
			if w.Entry == nil {
				continue
			}
			key = entryKey(w.Key, w.Next.Version)
			if err := entries.Put(key, value(key, w.Next, w.Entry)); err != nil {
				return err
			}
		}
		for _, del := range b.Deletes {
			if err := records.Delete(recordKey(del.Key)); err != nil {
				return err
			}
		}
		return nil
	})
}

// admit compares every stamp of b with what is stored.
func (d *Driver) admit(tx *bbolt.Tx, b *storage.WriteBatch) error {
	records, entries := bucket(tx, false), bucket(tx, true)
	expect := func(k storage.Key, want storage.Stamp) error {
		var got storage.Stamp
		if v := records.Get(recordKey(k)); v != nil {
			if len(v) < itemHeader {
				c := d.corrupt("a stored value is cut short", restoreFile)
				c.Key = k
				return c
			}
			got = storage.Stamp{Version: binary.BigEndian.Uint64(v), Head: [32]byte(v[8:stampBytes])}
		}
		if got != want {
			return &storage.ConflictError{Key: k, Want: want, Got: got}
		}
		return nil
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if err := expect(w.Key, w.Prev); err != nil {
			return err
		}
		if w.Entry != nil && entries.Get(entryKey(w.Key, w.Next.Version)) != nil {
			c := d.corrupt("the log is ahead of its record", "restore the record from an export")
			c.Key, c.Entry, c.Version = w.Key, true, w.Next.Version
			return c
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

// Restore implements storage.Restorer.
func (d *Driver) Restore(ctx context.Context, items []storage.Item) error {
	return d.update(ctx, func(tx *bbolt.Tx) error {
		for i := range items {
			it := &items[i]
			key := recordKey(it.Key)
			if it.Entry {
				key = entryKey(it.Key, it.Stamp.Version)
			}
			b, v := bucket(tx, it.Entry), value(key, it.Stamp, it.Body)
			if old := b.Get(key); old != nil {
				if bytes.Equal(old, v) {
					continue
				}
				c := &storage.ConflictError{Key: it.Key, Want: it.Stamp}
				if len(old) >= itemHeader {
					c.Got = storage.Stamp{Version: binary.BigEndian.Uint64(old), Head: [32]byte(old[8:stampBytes])}
				}
				return c
			}
			if err := b.Put(key, v); err != nil {
				return err
			}
		}
		return nil
	})
}
