package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

func fresh(tb testing.TB) storage.Driver {
	d, err := boltstore.OpenNoSync(filepath.Join(tb.TempDir(), "store.db"), &boltstore.Options{Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.Close() })
	return d
}

func TestConformance(t *testing.T) { storagetest.Run(t, fresh) }

func TestDurable(t *testing.T) {
	storagetest.RunDurable(t, func(tb testing.TB) func() storage.Driver {
		path := filepath.Join(tb.TempDir(), "store.db")
		return func() storage.Driver {
			d, err := boltstore.Open(path, &boltstore.Options{Create: true})
			if err != nil {
				tb.Fatal(err)
			}
			return d
		}
	})
}

func TestModel(t *testing.T) { storagetest.RunModel(t, fresh) }

func BenchmarkStore(b *testing.B) {
	storagetest.Bench(b, func(tb testing.TB) storage.Driver {
		d, err := boltstore.Open(filepath.Join(tb.TempDir(), "store.db"), &boltstore.Options{Create: true})
		if err != nil {
			tb.Fatal(err)
		}
		return d
	})
}
