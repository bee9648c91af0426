package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// queue lists requests by who must act next, which is their data.
var queue = storage.Projection{
	From: "request", Kind: "queue", Schema: 1,
	List: func(r storage.Record) ([]storage.Put, error) {
		if len(r.Data) == 0 {
			return nil, nil // nobody has to act
		}
		return []storage.Put{{Key: storage.Key{Partition: "queue/" + string(r.Data), Sort: r.Key.Sort}, Data: []byte(r.Key.Sort)}}, nil
	},
}

func listed(t *testing.T, s *storage.Store, who string) []string {
	t.Helper()
	var ids []string
	for r, err := range s.Range(t.Context(), storage.Span{Partition: "queue/" + who}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(r.Data))
	}
	return ids
}

func TestReindexRebuildsAList(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	request := func(id, who string) storage.Put {
		return storage.Put{Key: storage.Key{Partition: "request", Sort: id}, Kind: "request", Data: []byte(who), Entry: []byte("e")}
	}
	listing := func(who, id, data string) storage.Put {
		return storage.Put{Key: storage.Key{Partition: "queue/" + who, Sort: id}, Kind: "queue", Schema: 1, Data: []byte(data)}
	}
	mustCommit(t, s, request("r1", "ann"), request("r2", "ann"), request("r3", "bob"), request("r4", ""),
		listing("ann", "r1", "r1"),       // right
		listing("bob", "r3", "stale"),    // wrong
		listing("bob", "r4", "r4"),       // done with
		listing("cyd", "gone", "gone"),   // of no request
		plain("queue/cyd", "not a list")) // r2 is missing
	want := storage.Changes{Created: 1, Corrected: 1, Removed: 2}
	for range 2 {
		got, err := s.Reindex(t.Context(), queue)
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		for who, ids := range map[string][]string{"ann": {"r1", "r2"}, "bob": {"r3"}, "cyd": nil} {
			if got := listed(t, s, who); !slices.Equal(got, ids) {
				t.Errorf("queue of %s: got %q, want %q", who, got, ids)
			}
		}
		want = storage.Changes{} // the second time nothing is wrong
	}
	failing := queue
	failing.List = func(storage.Record) ([]storage.Put, error) { return nil, errors.New("cannot tell") }
	if _, err := s.Reindex(t.Context(), failing); err == nil {
		t.Error("got no error from a projection that fails")
	}
}

func TestReindexBesideWriters(t *testing.T) {
	s := storage.New(memstore.New(), &storage.Options{Attempts: 1000})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				k := storage.Key{Partition: "request", Sort: fmt.Sprint(w, n%5)}
				_, err := s.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
					old, err := tx.Get(k)
					if err != nil && !errors.Is(err, storage.ErrNotFound) {
						return err
					}
					next := storage.Record{Key: k, Data: []byte{"abc"[n%3]}}
					before, _ := queue.List(old)
					after, _ := queue.List(next)
					if err == nil && before[0].Key != after[0].Key {
						if _, err := tx.Get(before[0].Key); err != nil {
							return err
						}
						tx.Delete(before[0].Key)
					}
					if _, err := tx.Get(after[0].Key); errors.Is(err, storage.ErrNotFound) {
						after[0].Kind, after[0].Schema = queue.Kind, queue.Schema
						tx.Put(after[0])
					}
					tx.Put(storage.Put{Key: k, Kind: "request", Data: next.Data})
					return nil
				})
				if err != nil && ctx.Err() == nil {
					t.Errorf("writer: %v", err)
					return
				}
			}
		})
	}
	for range 20 {
		got, err := s.Reindex(t.Context(), queue)
		if err != nil || got != (storage.Changes{}) {
			t.Errorf("beside writers that keep the list: got %+v, %v, want no change", got, err)
		}
	}
	stop()
	wg.Wait()
}
