package boltstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

// What the store costs over bbolt itself, for the same bytes under the same keys. The
// store writes conditionally, with checksums and chained heads; bbolt just writes.
func BenchmarkBesideBbolt(b *testing.B) {
	dir := b.TempDir()
	d, err := boltstore.Open(filepath.Join(dir, "store.db"), &boltstore.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	s := storage.New(d, nil)
	defer s.Close()
	db, err := bbolt.Open(filepath.Join(dir, "raw.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	raw := func(f func(records, entries *bbolt.Bucket) error) error {
		return db.Update(func(tx *bbolt.Tx) error {
			r, err := tx.CreateBucketIfNotExists([]byte("records"))
			if err != nil {
				return err
			}
			e, err := tx.CreateBucketIfNotExists([]byte("entries"))
			if err != nil {
				return err
			}
			return f(r, e)
		})
	}
	commit := func(puts ...storage.Put) (storage.Receipt, error) {
		return s.Commit(b.Context(), storage.Request{}, &storage.Batch{Puts: puts})
	}
	const overhead = 130 // stamp, checksums and envelope
	b.Run("commit of one audited record", func(b *testing.B) {
		k := storage.Key{Partition: "audited", Sort: b.Name()}
		storagetest.Beside(b, func(int) error { return update(b, s, k) }, func(i int) error {
			return raw(func(r, e *bbolt.Bucket) error {
				if err := r.Put([]byte(b.Name()), make([]byte, 1024+overhead)); err != nil {
					return err
				}
				return e.Put(fmt.Appendf(nil, "%s%08d", b.Name(), i), make([]byte, 256+overhead))
			})
		})
	})
	round := 0 // the function is run several times, and records are created once
	b.Run("commit of 100 new records", func(b *testing.B) {
		round++
		storagetest.Beside(b, func(i int) error {
			puts := make([]storage.Put, 100)
			for j := range puts {
				puts[j] = storage.Put{Key: storage.Key{Partition: "many", Sort: fmt.Sprintf("%d/%08d/%02d", round, i, j)}, Kind: "k", Data: make([]byte, 256)}
			}
			_, err := commit(puts...)
			return err
		}, func(i int) error {
			return raw(func(r, _ *bbolt.Bucket) error {
				for j := range 100 {
					if err := r.Put(fmt.Appendf(nil, "many/%d/%08d/%02d", round, i, j), make([]byte, 256+overhead)); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
	b.Run("range over 1000 records", func(b *testing.B) {
		for part := range 10 {
			var puts []storage.Put
			for j := range 100 {
				puts = append(puts, storage.Put{Key: storage.Key{Partition: fmt.Sprint("page", round), Sort: fmt.Sprintf("%02d/%02d", part, j)}, Kind: "k", Data: make([]byte, 256)})
			}
			if _, err := commit(puts...); err != nil {
				b.Fatal(err)
			}
			err := raw(func(r, _ *bbolt.Bucket) error {
				for j := range 100 {
					if err := r.Put(fmt.Appendf(nil, "page%d\x00%02d/%02d", round, part, j), make([]byte, 256+overhead)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		partition := fmt.Sprint("page", round)
		round++
		storagetest.Beside(b, func(int) error {
			n := 0
			for _, err := range s.Range(b.Context(), storage.Span{Partition: partition}) {
				if err != nil {
					return err
				}
				n++
			}
			return thousand(n)
		}, func(int) error {
			n := 0
			err := db.View(func(tx *bbolt.Tx) error {
				c := tx.Bucket([]byte("records")).Cursor()
				for k, v := c.Seek([]byte(partition)); k != nil && string(k[:len(partition)]) == partition; k, v = c.Next() {
					if cp := append([]byte(nil), v...); len(cp) > 0 { // bytes must outlive the transaction
						n++
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			return thousand(n)
		})
	})
}

// update writes the next version of an audited record.
func update(b *testing.B, s *storage.Store, k storage.Key) error {
	_, err := s.Update(b.Context(), storage.Request{}, func(tx *storage.Tx) error {
		if _, err := tx.Get(k); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		tx.Put(storage.Put{Key: k, Kind: "k", Data: make([]byte, 1024), Entry: make([]byte, 256)})
		return nil
	})
	return err
}

func thousand(n int) error {
	if n != 1000 {
		return fmt.Errorf("got %d records, want 1000", n)
	}
	return nil
}
