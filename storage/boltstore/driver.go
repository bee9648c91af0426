package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/spendclaim/spendclaim/storage"
)

// A page is copied while a read transaction is open, and an open one keeps the
// engine from reusing pages and from growing its map; hence both bounds.
const (
	pageItems = 256
	pageBytes = 1 << 20
)

// An item's value is its stamp, a checksum, and the body.
const (
	stampBytes = 40
	itemHeader = stampBytes + 4
)

// recordKey is partition, 0x00, sort.
func recordKey(k storage.Key) []byte {
	b := make([]byte, 0, len(k.Partition)+1+len(k.Sort))
	b = append(b, k.Partition...)
	b = append(b, 0)
	return append(b, k.Sort...)
}

// entryKey is the record's key, 0x00, version.
func entryKey(k storage.Key, version uint64) []byte {
	return binary.BigEndian.AppendUint64(append(recordKey(k), 0), version)
}

// versionOf is the version in an entry's key.
func versionOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

// value is what both buckets hold under key.
func value(key []byte, s storage.Stamp, body []byte) []byte {
	b := make([]byte, 0, itemHeader+len(body))
	b = binary.BigEndian.AppendUint64(b, s.Version)
	b = append(b, s.Head[:]...)
	b = append(b, 0, 0, 0, 0)
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[stampBytes:], sum(key, b))
	return b
}

// item decodes a pair of a bucket into memory of its own.
func (d *Driver) item(k, v []byte, entry bool) (storage.Item, error) {
	it := storage.Item{Entry: entry}
	name := k
	if entry && len(k) > 9 {
		name = k[:len(k)-9]
	}
	partition, sort, ok := bytes.Cut(name, []byte{0})
	it.Key = storage.Key{Partition: string(partition), Sort: string(sort)}
	if !ok || len(v) < itemHeader || entry && len(k) <= 9 {
		c := d.corrupt("a stored value is cut short", restoreFile)
		c.Key, c.Entry = it.Key, entry
		return it, c
	}
	it.Stamp = storage.Stamp{Version: binary.BigEndian.Uint64(v), Head: [32]byte(v[8:stampBytes])}
	if entry && versionOf(k) != it.Stamp.Version {
		c := d.corrupt("an entry is stored under another version", restoreFile)
		c.Key, c.Entry, c.Version = it.Key, true, versionOf(k)
		return it, c
	}
	it.Body = bytes.Clone(v[itemHeader:])
	if it.Body == nil {
		it.Body = []byte{}
	}
	return it, nil
}

// Get implements storage.Driver.
func (d *Driver) Get(ctx context.Context, k storage.Key) (it storage.Item, err error) {
	err = d.view(ctx, func(tx *bbolt.Tx) (err error) {
		key := recordKey(k)
		v := bucket(tx, false).Get(key)
		if v == nil {
			return storage.ErrNotFound
		}
		it, err = d.item(key, v, false)
		return err
	})
	return it, err
}

// Page implements storage.Driver. The cursor of a record page is the last sort
// key returned, that of a log page the last version.
func (d *Driver) Page(ctx context.Context, q storage.Query, after string) (page []storage.Item, next string, err error) {
	w, err := newWalk(q, after)
	if err != nil {
		return nil, "", err
	}
	err = d.view(ctx, func(tx *bbolt.Tx) error {
		last, err := d.collect(tx, w, q.Limit, &page)
		switch {
		case last == nil:
		case w.entries:
			next = strconv.FormatUint(versionOf(last), 10)
		default:
			next = string(last[len(q.Partition)+1:])
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}

// A walk is a stretch of the keys of one bucket, [from, to); an empty to leaves
// the end open.
type walk struct {
	entries  bool
	from, to []byte
	reverse  bool
}

// newWalk returns what a query selects beyond the cursor after.
func newWalk(q storage.Query, after string) (walk, error) {
	at := func(sort string) []byte { return recordKey(storage.Key{Partition: q.Partition, Sort: sort}) }
	if q.Log != "" {
		since := q.Since
		if after != "" {
			last, err := strconv.ParseUint(after, 10, 64)
			if err != nil {
				return walk{}, fmt.Errorf("boltstore: cursor %q: %w", after, err)
			}
			since = last + 1
		}
		return walk{
			entries: true,
			from:    entryKey(storage.Key{Partition: q.Partition, Sort: q.Log}, since),
			to:      append(at(q.Log), 1), // the separator is 0
		}, nil
	}
	w := walk{from: at(q.From), to: at(q.To), reverse: q.Reverse}
	if q.To == "" {
		w.to = append([]byte(q.Partition), 1)
	}
	switch {
	case after == "":
	case w.reverse:
		w.to = at(after)
	default:
		w.from = append(at(after), 0)
	}
	return w, nil
}

// collect appends copies of a page's items and, when more follow, returns the
// last one's key, valid as long as tx; else nil. limit 0 means none.
func (d *Driver) collect(tx *bbolt.Tx, w walk, limit int, page *[]storage.Item) (last []byte, err error) {
	most := pageItems
	if limit > 0 {
		most = min(most, limit)
	}
	c, size := bucket(tx, w.entries).Cursor(), 0
	k, v := c.Seek(w.from)
	step := c.Next
	if w.reverse {
		step = c.Prev
		if k, _ = c.Seek(w.to); k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	for ; k != nil; k, v = step() {
		if bytes.Compare(k, w.from) < 0 || len(w.to) > 0 && bytes.Compare(k, w.to) >= 0 {
			break
		}
		if len(*page) >= most || size >= pageBytes {
			return last, nil
		}
		it, err := d.item(k, v, w.entries)
		if err != nil {
			return nil, err
		}
		*page = append(*page, it)
		size += len(k) + len(v)
		last = k
	}
	return nil, nil
}

// Scan implements storage.Driver: the records, then the entries. The cursor is
// the bucket's initial and the last key returned.
func (d *Driver) Scan(ctx context.Context, cursor string) (page []storage.Item, next string, err error) {
	var w walk
	if cursor != "" {
		if w.entries = cursor[0] == 'e'; !w.entries && cursor[0] != 'r' {
			return nil, "", fmt.Errorf("boltstore: cursor %q is not one of Scan", cursor)
		}
		if len(cursor) > 1 {
			w.from = append([]byte(cursor[1:]), 0)
		}
	}
	err = d.view(ctx, func(tx *bbolt.Tx) error {
		last, err := d.collect(tx, w, 0, &page)
		switch {
		case last != nil && w.entries:
			next = "e" + string(last)
		case last != nil:
			next = "r" + string(last)
		case !w.entries:
			next = "e"
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}
