package storage_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// tampered returns a store over a copy of the items of another, after f has
// tampered with them.
func tampered(t *testing.T, d storage.Driver, f func([]storage.Item) []storage.Item) *storage.Store {
	t.Helper()
	items, next, err := d.Scan(t.Context(), "")
	if err != nil || next != "" {
		t.Fatalf("scan: %q, %v", next, err)
	}
	out := memstore.New()
	if err := out.Restore(t.Context(), f(items)); err != nil {
		t.Fatal(err)
	}
	return storage.New(out, nil)
}

func history(t *testing.T, puts ...string) *memstore.Driver {
	t.Helper()
	d := memstore.New()
	s := storage.New(d, nil)
	var prev storage.Stamp
	for _, e := range puts {
		p := audited("a", "data "+e, e)
		p.Prev = prev
		prev = mustCommit(t, s, p).Stamps[0]
	}
	return d
}

func readLog(s *storage.Store, from uint64) (entries []string, err error) {
	for r, err := range s.Log(context.Background(), key("a"), from) {
		if err != nil {
			return entries, err
		}
		entries = append(entries, string(r.Data))
	}
	return entries, nil
}

// The log gives away every kind of tampering that leaves each item sound.
func TestLogNoticesAChangedHistory(t *testing.T) {
	pick := func(items []storage.Item, keep func(it *storage.Item) bool) []storage.Item {
		var out []storage.Item
		for i := range items {
			if keep(&items[i]) {
				out = append(out, items[i])
			}
		}
		return out
	}
	other, _, err := history(t, "one", "forged", "three").Scan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	swap := func(version uint64) func([]storage.Item) []storage.Item {
		return func(items []storage.Item) []storage.Item {
			for i := range items {
				if items[i].Entry && items[i].Stamp.Version == version {
					items[i] = other[i]
				}
			}
			return items
		}
	}
	tests := []struct {
		name    string
		tamper  func([]storage.Item) []storage.Item
		version uint64 // the entry named
	}{
		{"first entry lost", func(items []storage.Item) []storage.Item {
			return pick(items, func(it *storage.Item) bool { return !it.Entry || it.Stamp.Version != 1 })
		}, 1},
		{"middle entry lost", func(items []storage.Item) []storage.Item {
			return pick(items, func(it *storage.Item) bool { return !it.Entry || it.Stamp.Version != 2 })
		}, 2},
		{"last entry lost", func(items []storage.Item) []storage.Item {
			return pick(items, func(it *storage.Item) bool { return !it.Entry || it.Stamp.Version != 3 })
		}, 3},
		{"middle entry of another history", swap(2), 3},
		{"last entry of another history", swap(3), 3},
		{"body changed", func(items []storage.Item) []storage.Item {
			for i := range items {
				if items[i].Entry && items[i].Stamp.Version == 2 {
					items[i].Body = bytes.Replace(items[i].Body, []byte("two"), []byte("TWO"), 1)
				}
			}
			return items
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tampered(t, history(t, "one", "two", "three"), tt.tamper)
			_, err := readLog(s, 1)
			var c *storage.CorruptError
			if !errors.As(err, &c) || !c.Entry || c.Version != tt.version || c.Key != key("a") {
				t.Errorf("got error %v, want corrupt at entry %d", err, tt.version)
			}
		})
	}
	// The history of another record with the same entries is none of this one's.
	if got, err := readLog(tampered(t, history(t, "one", "two", "three"), func(i []storage.Item) []storage.Item { return i }), 2); err != nil || len(got) != 2 {
		t.Errorf("untampered log from 2: got %q, %v", got, err)
	}
}

func TestLogEndsWithTheRecordAsItWasRead(t *testing.T) {
	s := storage.New(history(t, "one", "two"), nil)
	var got []string
	for r, err := range s.Log(t.Context(), key("a"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.Data))
		if len(got) == 1 { // a write inside the loop comes after it
			now, err := s.Get(t.Context(), key("a"))
			if err != nil {
				t.Fatal(err)
			}
			p := audited("a", "data", "three")
			p.Prev = now.Stamp
			mustCommit(t, s, p)
		}
	}
	if len(got) != 2 {
		t.Errorf("got %q, want the two entries there were", got)
	}
	if got, err := readLog(s, 4); err != nil || len(got) != 0 {
		t.Errorf("log from beyond the end: got %q, %v, want nothing", got, err)
	}
	mustCommit(t, s, plain("b", "x"))
	for r, err := range s.Log(t.Context(), key("b"), 0) {
		t.Errorf("log of an unaudited record: got %v, %v, want nothing", r, err)
	}
	for _, err := range s.Log(t.Context(), key("absent"), 0) {
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("log of no record: got error %v, want ErrNotFound", err)
		}
	}
}

// Damage is not handed out, is not written over, and does not hide in a range.
func TestDamagedRecordIsRefusedEverywhere(t *testing.T) {
	ctx := t.Context()
	d := memstore.New()
	stamp := mustCommit(t, storage.New(d, nil), plain("a", "hello"), plain("b", "fine")).Stamp(key("a"))
	s := tampered(t, d, func(items []storage.Item) []storage.Item {
		items[0].Body = bytes.Replace(items[0].Body, []byte("hello"), []byte("jello"), 1)
		return items
	})
	_, get := s.Get(ctx, key("a"))
	p := plain("a", "new")
	p.Prev = stamp
	_, put := s.Commit(ctx, unnamed, &storage.Batch{Puts: []storage.Put{p}})
	_, del := s.Commit(ctx, unnamed, &storage.Batch{Deletes: []storage.Delete{{Key: key("a"), Prev: stamp}}})
	_, upd := s.Update(ctx, unnamed, func(tx *storage.Tx) error { _, err := tx.Get(key("a")); return err })
	var rng error
	for _, rng = range s.Range(ctx, storage.Span{Partition: "p"}) {
		break
	}
	for name, err := range map[string]error{"get": get, "put": put, "delete": del, "update": upd, "range": rng} {
		var c *storage.CorruptError
		if !errors.As(err, &c) || c.Key != key("a") {
			t.Errorf("%s: got error %v, want corrupt, naming the record", name, err)
		}
	}
	if r, err := s.Get(ctx, key("b")); err != nil || string(r.Data) != "fine" {
		t.Errorf("the record beside it: got %q, %v", r.Data, err)
	}
}

// A receipt that is damaged stops the command rather than letting it run twice.
func TestDamagedReceiptStopsTheCommand(t *testing.T) {
	d := memstore.New()
	r := storage.Request{ID: "r", Digest: [32]byte{1}}
	if _, err := storage.New(d, nil).Commit(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	s := tampered(t, d, func(items []storage.Item) []storage.Item {
		items[0].Body[len(items[0].Body)-1] ^= 1
		return items
	})
	if _, err := s.Commit(t.Context(), r, nil); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("got error %v, want ErrCorrupt", err)
	}
}
