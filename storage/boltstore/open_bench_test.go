package boltstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// What checking the whole file costs: half of it small records, half of it chunks.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	d, err := boltstore.OpenNoSync(path, &boltstore.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	s := storage.New(d, nil)
	rounds := 256
	if testing.Short() {
		rounds = 8
	}
	for i := range rounds {
		batch := new(storage.Batch)
		for j := range 50 {
			batch.Puts = append(batch.Puts, storage.Put{Key: storage.Key{Partition: fmt.Sprint("p", j), Sort: fmt.Sprint(i)}, Kind: "k", Data: make([]byte, 3000)})
		}
		batch.Puts = append(batch.Puts, storage.Put{Key: storage.Key{Partition: "chunks", Sort: fmt.Sprint(i)}, Kind: "chunk", Data: make([]byte, 150_000)})
		if _, err := s.Commit(b.Context(), storage.Request{}, batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	for _, skip := range []bool{false, true} {
		b.Run(fmt.Sprintf("check skipped %t", skip), func(b *testing.B) {
			b.SetBytes(info.Size())
			for b.Loop() {
				d, err := boltstore.Open(path, &boltstore.Options{ReadOnly: true, SkipCheck: skip})
				if err != nil {
					b.Fatal(err)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
