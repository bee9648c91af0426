package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// damage returns a copy of a file with damage of one of several sorts.
func damage(rnd *rand.Rand, good []byte, kind int) []byte {
	b := bytes.Clone(good)
	at, page := rnd.IntN(len(b)), os.Getpagesize()
	switch kind % 7 {
	case 0:
		b = b[:at]
	case 1:
		b[at] ^= 1 << rnd.IntN(8)
	case 2:
		for j := at; j < min(at+512, len(b)); j++ {
			b[j] = byte(rnd.Uint32())
		}
	case 3:
		at &^= page - 1
		clear(b[at : at+page])
	case 4: // a page written over another
		from, to := rnd.IntN(len(b)/page)*page, at&^(page-1)
		copy(b[to:to+page], good[from:from+page])
	case 5: // a bit of a header or of the first elements, where the structure is
		at = at&^(page-1) + rnd.IntN(64)
		b[at] ^= 1 << rnd.IntN(8)
	case 6: // several
		for range 4 {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		}
	}
	return b
}

// Files with damage of every sort. A file that opens has every record as it was. One
// that is opened unchecked may lack records, and what it has is right or an error. In
// no case does the process die.
func TestDamagedFilesNeverYieldWrongOrMissingRecords(t *testing.T) {
	files := 420
	if testing.Short() {
		files = 70
	}
	if os.Getenv("SPENDCLAIM_LONG") == "1" {
		files = 10_000
	}
	for _, records := range []int{60, 700} { // one level of pages, and more
		good := read(t, books(t, records))
		want := map[string]byte{}
		for i := range records {
			want[sortOf(i)] = byte(i)
		}
		for _, skip := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d records, check skipped %t", records, skip), func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(1, 2))
				path := filepath.Join(t.TempDir(), "damaged.db")
				refused, detected, clean := 0, 0, 0
				for i := range files / 4 {
					if err := os.WriteFile(path, damage(rnd, good, i), 0o600); err != nil {
						t.Fatal(err)
					}
					d, err := boltstore.OpenNoSync(path, &boltstore.Options{SkipCheck: skip})
					if err != nil {
						if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNewer) && !skip {
							t.Errorf("file %d: open: got error %v, want a typed one", i, err)
						}
						refused++
						continue
					}
					found := readAll(t, i, d, want, skip)
					if found != nil && !skip {
						t.Errorf("file %d: opened, and then: %v", i, found)
					}
					if found != nil {
						detected++
					} else {
						clean++
					}
				}
				t.Logf("%d files: %d refused, %d answered with errors, %d with no effect on any record", files/4, refused, detected, clean)
				if refused == 0 || skip && detected == 0 {
					t.Error("the damage was never noticed: the test is not testing")
				}
			})
		}
	}
}

// readAll compares what a damaged file holds, commits to it, and closes it. It returns
// the errors on the way.
func readAll(t *testing.T, file int, d storage.Driver, want map[string]byte, mayMiss bool) error {
	t.Helper()
	s := storage.New(d, nil)
	var found error
	for k, v := range want {
		r, err := s.Get(t.Context(), key(k))
		if err == nil && !bytes.Equal(r.Data, bytes.Repeat([]byte{v}, 300)) {
			t.Errorf("file %d: record %q is wrong", file, k)
		}
		found = errors.Join(found, err)
	}
	n := 0
	for r, err := range s.Range(t.Context(), storage.Span{Partition: "p"}) {
		if err == nil && !bytes.Equal(r.Data, bytes.Repeat([]byte{want[r.Key.Sort]}, 300)) {
			t.Errorf("file %d: record %q in a range is wrong", file, r.Key.Sort)
		}
		found = errors.Join(found, err)
		n++
	}
	if n != len(want) && !mayMiss && found == nil {
		t.Errorf("file %d: range over %d records, want %d", file, n, len(want))
	}
	// A commit succeeds or fails, and Close returns, on any of them.
	_, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{{Key: key("new"), Kind: "k", Data: make([]byte, 9000)}}})
	found = errors.Join(found, err)
	done := make(chan struct{})
	go func() { s.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("file %d: Close does not return", file)
	}
	return found
}

// A commit that waits for another gives up with its context.
func TestWaitingForTheWriterEndsWithTheContext(t *testing.T) {
	d := fresh(t)
	s := storage.New(d, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var done int
	errs := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for n := 0; err == nil; n++ {
				p := storage.Put{Key: key(fmt.Sprint(i, "/", n)), Kind: "k", Data: make([]byte, 1000)}
				_, err = s.Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{p}})
				if n == 30 {
					cancel()
				}
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want the context's", err)
		}
		done++
	}
	var sorts []string
	for r, err := range s.Range(t.Context(), storage.Span{Partition: "p"}) {
		if err != nil {
			t.Fatal(err)
		}
		sorts = append(sorts, r.Key.Sort)
	}
	if len(sorts) < 30 || !slices.IsSorted(sorts) {
		t.Errorf("got %d records, want those that were committed", len(sorts))
	}
}
