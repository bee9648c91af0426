package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func TestUpdateRunsAgainOnConflict(t *testing.T) {
	ctx := t.Context()
	s := storage.New(memstore.New(), &storage.Options{Attempts: 4})
	stamp := mustCommit(t, s, plain("a", "0")).Stamps[0]
	for _, tt := range []struct{ interfere, runs int }{{0, 1}, {1, 2}, {3, 4}, {4, 4}} {
		t.Run(fmt.Sprint(tt.interfere, " times"), func(t *testing.T) {
			runs := 0
			_, err := s.Update(ctx, unnamed, func(tx *storage.Tx) error {
				runs++
				r, err := tx.Get(key("a"))
				if err != nil {
					return err
				}
				if runs <= tt.interfere {
					p := plain("a", "theirs")
					p.Prev = r.Stamp
					mustCommit(t, s, p)
				}
				tx.Put(plain("a", string(r.Data)+"!"))
				return nil
			})
			if runs != tt.runs || errors.Is(err, storage.ErrConflict) != (tt.interfere >= 4) {
				t.Errorf("got %d runs and error %v, want %d runs", runs, err, tt.runs)
			}
		})
	}
	if r, _ := s.Get(ctx, key("a")); r.Stamp.Version <= stamp.Version {
		t.Errorf("record: got %s, want it written", r.Stamp)
	}
}

func TestUpdateReadsItsOwnWrites(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	mustCommit(t, s, plain("a", "1"), plain("b", "1"))
	data := []byte("2")
	receipt, err := s.Update(t.Context(), storage.Request{ID: "u"}, func(tx *storage.Tx) error {
		for _, k := range []string{"a", "b"} {
			r, err := tx.Get(key(k))
			if err != nil {
				return err
			}
			r.Data[0] = 'x' // the caller's own copy
			if again, _ := tx.Get(key(k)); string(again.Data) != "1" {
				t.Errorf("read again: got %q, want %q", again.Data, "1")
			}
		}
		tx.Put(storage.Put{Key: key("a"), Kind: "plain", Data: data})
		data[0] = 'x' // copied by Put
		tx.Delete(key("b"))
		if r, err := tx.Get(key("a")); err != nil || string(r.Data) != "2" {
			t.Errorf("own put: got %q, %v, want %q", r.Data, err, "2")
		}
		if _, err := tx.Get(key("b")); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("own delete: got error %v, want ErrNotFound", err)
		}
		return nil
	})
	if err != nil || receipt.Stamp(key("a")).Version != 2 {
		t.Errorf("got %+v, %v, want a at version 2", receipt, err)
	}
	if r, err := s.Get(t.Context(), key("a")); err != nil || string(r.Data) != "2" {
		t.Errorf("got %q, %v, want %q", r.Data, err, "2")
	}
	// The same request again does not run the closure.
	again, err := s.Update(t.Context(), storage.Request{ID: "u"}, func(*storage.Tx) error {
		t.Error("closure ran for a request that was committed")
		return nil
	})
	if err != nil || !again.Replayed {
		t.Errorf("got %+v, %v, want a replay", again, err)
	}
}

func TestUpdateRefusesMisuse(t *testing.T) {
	d, s := newSpy()
	mustCommit(t, s, plain("a", "1"))
	own := errors.New("own")
	var kept *storage.Tx
	tests := []struct {
		name string
		f    func(tx *storage.Tx) error
		want error
	}{
		{"own error", func(tx *storage.Tx) error { tx.Put(plain("n", "x")); return own }, own},
		{"written twice", func(tx *storage.Tx) error { tx.Put(plain("n", "x")); tx.Put(plain("n", "y")); return nil }, storage.ErrInvalidBatch},
		{"deleted unread", func(tx *storage.Tx) error { tx.Delete(key("a")); return nil }, storage.ErrInvalidBatch},
		{"deleted and put", func(tx *storage.Tx) error { tx.Get(key("a")); tx.Delete(key("a")); tx.Put(plain("a", "x")); return nil }, storage.ErrInvalidBatch},
		{"put unread over a record", func(tx *storage.Tx) error { tx.Put(plain("a", "x")); return nil }, storage.ErrConflict},
		{"bad key read", func(tx *storage.Tx) error { _, err := tx.Get(key("")); return err }, storage.ErrInvalidKey},
		{"bad key written", func(tx *storage.Tx) error { tx.Put(plain("", "x")); return nil }, storage.ErrInvalidKey},
		{"kept", func(tx *storage.Tx) error { kept = tx; return own }, own},
	}
	s = storage.New(d, &storage.Options{Attempts: 2})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Update(t.Context(), unnamed, tt.f)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if tt.want == own && err != own {
				t.Errorf("got %v, want the closure's error as it is", err)
			}
		})
	}
	if _, err := kept.Get(key("a")); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("use after the update: got error %v, want ErrClosed", err)
	}
	if r, err := s.Get(t.Context(), key("a")); err != nil || r.Stamp.Version != 1 {
		t.Errorf("record after refusals: got %s, %v, want version 1", r.Stamp, err)
	}
	if _, err := s.Get(t.Context(), key("n")); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("record never committed: got error %v, want ErrNotFound", err)
	}
}

// An update that read one record asks the engine for nothing more; one that
// read two has to know that they were there together.
func TestUpdateThatOnlyReads(t *testing.T) {
	d, s := newSpy()
	mustCommit(t, s, plain("a", "1"), plain("b", "1"))
	for _, tt := range []struct{ reads, commits int }{{0, 0}, {1, 0}, {2, 1}} {
		d.commits = 0
		_, err := s.Update(t.Context(), unnamed, func(tx *storage.Tx) error {
			for _, k := range []string{"a", "b"}[:tt.reads] {
				if _, err := tx.Get(key(k)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || d.commits != tt.commits {
			t.Errorf("%d reads: got %d commits, error %v, want %d", tt.reads, d.commits, err, tt.commits)
		}
	}
}

// Update has read what it replaces and reads nothing twice.
func TestUpdateReadsOnce(t *testing.T) {
	d, s := newSpy()
	mustCommit(t, s, audited("a", "1", "e"))
	d.gets = 0
	_, err := s.Update(t.Context(), unnamed, func(tx *storage.Tx) error {
		if _, err := tx.Get(key("a")); err != nil {
			return err
		}
		tx.Put(audited("a", "2", "e2"))
		return nil
	})
	if err != nil || d.gets != 1 {
		t.Errorf("got %d reads, error %v, want 1", d.gets, err)
	}
}
