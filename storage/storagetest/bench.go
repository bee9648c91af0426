package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// Bench measures the operations of a Store over a driver from open: reads by
// key, commits of one audited record and of many small ones, ranges, chunks.
func Bench(b *testing.B, open func(tb testing.TB) storage.Driver) {
	ctx := context.Background()
	with := func(name string, f func(b *testing.B, s *storage.Store)) {
		b.Run(name, func(b *testing.B) {
			s := storage.New(open(b), nil)
			b.ReportAllocs()
			b.ResetTimer()
			f(b, s)
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
	commit := func(b *testing.B, s *storage.Store, batch *storage.Batch) storage.Receipt {
		r, err := s.Commit(ctx, storage.Request{}, batch)
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	records := func(b *testing.B, s *storage.Store, round int) {
		puts := make([]storage.Put, storage.MaxItems)
		for i := range puts {
			k := storage.Key{Partition: "p", Sort: fmt.Sprintf("%08d/%02d", round, i)}
			puts[i] = storage.Put{Key: k, Kind: "plain", Data: make([]byte, 256)}
		}
		commit(b, s, &storage.Batch{Puts: puts})
	}
	with("get", func(b *testing.B, s *storage.Store) {
		records(b, s, 0)
		b.ResetTimer()
		for b.Loop() {
			if _, err := s.Get(ctx, storage.Key{Partition: "p", Sort: "00000000/50"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	with("commit/one audited", func(b *testing.B, s *storage.Store) {
		k := storage.Key{Partition: "p", Sort: "head"}
		var prev storage.Stamp
		for b.Loop() {
			p := storage.Put{Key: k, Prev: prev, Kind: "head", Data: make([]byte, 1024), Entry: make([]byte, 256)}
			prev = commit(b, s, &storage.Batch{Puts: []storage.Put{p}}).Stamp(k)
		}
	})
	with("commit/full batch", func(b *testing.B, s *storage.Store) {
		for i := 0; b.Loop(); i++ {
			records(b, s, i)
		}
	})
	with("range/1000", func(b *testing.B, s *storage.Store) {
		for i := range 10 {
			records(b, s, i)
		}
		b.ResetTimer()
		for b.Loop() {
			for _, err := range s.Range(ctx, storage.Span{Partition: "p"}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	with("part/8 MiB", func(b *testing.B, s *storage.Store) {
		body := make([]byte, 8<<20)
		b.SetBytes(int64(len(body)))
		for i := 0; b.Loop(); i++ {
			k := storage.Key{Partition: "p", Sort: fmt.Sprint(i)}
			if _, err := s.WritePart(ctx, k, "chunk", 1, bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Beside measures what a Store costs over its engine: both functions do the same
// amount of work, the one through the store, the other with the engine's own calls,
// in turns, so that whatever else the machine does hits both. It reports the time of
// each and their ratio. i counts from 0 and tells the function which round it is.
func Beside(b *testing.B, store, engine func(i int) error) {
	var ours, theirs time.Duration
	n := 0
	measure := func(total *time.Duration, f func(i int) error) {
		begin := time.Now()
		if err := f(n); err != nil {
			b.Fatal(err)
		}
		*total += time.Since(begin)
	}
	for ; b.Loop(); n++ {
		// Who goes first pays for what the other left to be written back.
		if n%2 == 0 {
			measure(&theirs, engine)
			measure(&ours, store)
		} else {
			measure(&ours, store)
			measure(&theirs, engine)
		}
	}
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(float64(ours.Nanoseconds())/float64(n), "store-ns/op")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(n), "engine-ns/op")
	b.ReportMetric(float64(ours)/float64(theirs), "x-engine")
}
