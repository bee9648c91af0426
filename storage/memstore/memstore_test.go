package memstore_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

func open(testing.TB) storage.Driver { return memstore.New() }

func TestConformance(t *testing.T) { storagetest.Run(t, open) }

func TestModel(t *testing.T) { storagetest.RunModel(t, open) }

func BenchmarkStore(b *testing.B) { storagetest.Bench(b, open) }

// The zero value is promised to be ready for use.
func TestZeroValue(t *testing.T) {
	s := storage.New(new(memstore.Driver), nil)
	k := storage.Key{Partition: "p", Sort: "s"}
	put := storage.Put{Key: k, Kind: "kind", Data: []byte("data")}
	if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{put}}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Get(t.Context(), k); err != nil || string(r.Data) != "data" {
		t.Errorf("get: got %q, %v, want %q", r.Data, err, "data")
	}
}
