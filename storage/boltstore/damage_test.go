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

// Files with damage of every sort: whatever opens hands out records that are
// right, or errors; and the process lives. (That no record is missing is only
// promised where the damage hits a record's own bytes.)
func TestDamagedFilesNeverYieldWrongRecords(t *testing.T) {
	files := 300
	if testing.Short() {
		files = 40
	}
	const records = 60
	good := read(t, books(t, records))
	want := map[string]byte{}
	for i := range records {
		want[sortOf(i)] = byte(i)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	refused, detected, clean := 0, 0, 0
	for i := range files {
		b := bytes.Clone(good)
		at, kind := rnd.IntN(len(b)), i%5
		switch kind {
		case 0:
			b = b[:at]
		case 1:
			b[at] ^= 1 << rnd.IntN(8)
		case 2:
			for j := at; j < min(at+512, len(b)); j++ {
				b[j] = byte(rnd.Uint32())
			}
		case 3:
			page := at &^ (os.Getpagesize() - 1)
			clear(b[page : page+os.Getpagesize()])
		case 4: // a page written over another
			n := os.Getpagesize()
			from, to := rnd.IntN(len(b)/n)*n, at&^(n-1)
			copy(b[to:to+n], good[from:from+n])
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".db"))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := boltstore.OpenNoSync(path, nil)
		if err != nil {
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNewer) && kind != 2 {
				t.Errorf("file %d: open: got error %v, want a typed one", i, err)
			}
			refused++
			continue
		}
		s := storage.New(d, nil)
		var found error
		for k, v := range want {
			r, err := s.Get(t.Context(), key(k))
			if err == nil && !bytes.Equal(r.Data, bytes.Repeat([]byte{v}, 300)) {
				t.Errorf("file %d: record %q is wrong", i, k)
			}
			found = errors.Join(found, err)
		}
		for r, err := range s.Range(t.Context(), storage.Span{Partition: "p"}) {
			if err == nil && !bytes.Equal(r.Data, bytes.Repeat([]byte{want[r.Key.Sort]}, 300)) {
				t.Errorf("file %d: record %q in a range is wrong", i, r.Key.Sort)
			}
			found = errors.Join(found, err)
		}
		// A commit succeeds or fails, and Close returns, on any of them.
		_, err = s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{{Key: key("new"), Kind: "k", Data: make([]byte, 9000)}}})
		found = errors.Join(found, err)
		if found != nil {
			detected++
		} else {
			clean++
		}
		done := make(chan struct{})
		go func() { s.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatalf("file %d: Close does not return", i)
		}
	}
	t.Logf("%d files: %d refused, %d answered with errors, %d with no effect on any record", files, refused, detected, clean)
	if refused == 0 || detected == 0 {
		t.Error("the damage was never noticed: the test is not testing")
	}
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
