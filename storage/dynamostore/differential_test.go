package dynamostore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// trio returns a store over each of the three drivers.
func trio(t *testing.T) map[string]*storage.Store {
	t.Helper()
	b, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"), &boltstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	drivers := map[string]storage.Driver{"bolt": b, "memory": memstore.New(), "dynamo": newServer(t).open(t)}
	stores := map[string]*storage.Store{}
	for name, d := range drivers {
		stores[name] = storage.New(d, nil)
		t.Cleanup(func() { stores[name].Close() })
	}
	return stores
}

// The same random commands lead to the same answers on all drivers, refusals and
// their details included, and to the same export in the end.
func TestDriversGiveIdenticalResults(t *testing.T) {
	t.Parallel()
	sequences := 1000
	if testing.Short() {
		sequences = 100
	}
	stores := trio(t)
	scripts := make(map[string][]string)
	var wg sync.WaitGroup
	for name := range stores {
		script, s := make([]string, sequences), stores[name]
		scripts[name] = script
		for w := range 4 {
			wg.Go(func() {
				for i := w; i < sequences; i += 4 {
					script[i] = play(t.Context(), s, i)
				}
			})
		}
	}
	wg.Wait()
	conflicts := 0
	for i := range sequences {
		for _, name := range []string{"bolt", "dynamo"} {
			if diff := cmp.Diff(scripts["memory"][i], scripts[name][i]); diff != "" {
				t.Fatalf("sequence %d: %s differs from memory (-memory +%s):\n%s", i, name, name, diff)
			}
		}
		conflicts += strings.Count(scripts["memory"][i], "conflict")
	}
	if conflicts == 0 {
		t.Error("no command was refused: the test is not testing")
	}
	exports := map[string][]byte{}
	for name, s := range stores {
		var b bytes.Buffer
		report, err := s.Export(t.Context(), &b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		exports[name] = b.Bytes()
		t.Logf("%s: %d sequences, %d refused commands, export of %d records and %d entries in %d bytes",
			name, sequences, conflicts, report.Records, report.Entries, b.Len())
	}
	if !bytes.Equal(exports["memory"], exports["bolt"]) || !bytes.Equal(exports["memory"], exports["dynamo"]) {
		t.Error("exports differ")
	}
}

// play runs a sequence of random commands in a partition of its own and writes down
// what came of them.
func play(ctx context.Context, s *storage.Store, seed int) string {
	rnd := rand.New(rand.NewPCG(3, uint64(seed)))
	p := fmt.Sprintf("sequence %d", seed)
	var out strings.Builder
	stamps := map[string]storage.Stamp{}
	old := []storage.Stamp{{}, {Version: 9}}
	names := []string{"A1", "A/2", "b", "b/", "é"} // "A…" is audited
	stamp := func(name string) storage.Stamp {
		if rnd.IntN(6) == 0 {
			return old[rnd.IntN(len(old))]
		}
		return stamps[name]
	}
	for range 6 {
		switch op := rnd.IntN(10); {
		case op < 7:
			var b storage.Batch
			for _, i := range rnd.Perm(len(names))[:1+rnd.IntN(3)] {
				name := names[i]
				k, prev := storage.Key{Partition: p, Sort: name}, stamp(name)
				put := storage.Put{Key: k, Prev: prev, Kind: "plain", Data: fmt.Append(nil, rnd.IntN(1000))}
				if name[0] == 'A' {
					put.Kind, put.Entry = "audited", fmt.Append(nil, "e", rnd.IntN(1000))
				}
				switch n := rnd.IntN(8); {
				case n < 6:
					b.Puts = append(b.Puts, put)
				case n == 6:
					b.Deletes = append(b.Deletes, storage.Delete{Key: k, Prev: prev})
				default:
					b.Checks = append(b.Checks, storage.Check{Key: k, Stamp: prev})
				}
			}
			var r storage.Request
			if rnd.IntN(2) == 0 {
				r = storage.Request{ID: fmt.Sprint(p, "/", rnd.IntN(4)), Digest: [32]byte{byte(rnd.IntN(2))}}
			}
			receipt, err := s.Commit(ctx, r, &b)
			fmt.Fprintf(&out, "commit %+v: %+v %s\n", r.ID, receipt, failure(err))
			if err == nil && !receipt.Replayed {
				for i, k := range receipt.Keys {
					old = append(old, stamps[k.Sort])
					stamps[k.Sort] = receipt.Stamps[i]
				}
				for _, d := range b.Deletes {
					delete(stamps, d.Key.Sort)
				}
			}
		case op < 9:
			bounds := []string{"", "A", "A1", "b", "b/", "c", "é"}
			span := storage.Span{
				Partition: p, From: bounds[rnd.IntN(len(bounds))], To: bounds[rnd.IntN(len(bounds))],
				Reverse: rnd.IntN(2) == 0, Limit: rnd.IntN(3),
			}
			fmt.Fprintf(&out, "range %+v:", span)
			for r, err := range s.Range(ctx, span) {
				fmt.Fprintf(&out, " %q %s %q %s", r.Key.Sort, r.Stamp, r.Data, failure(err))
			}
			out.WriteByte('\n')
		default:
			fmt.Fprint(&out, "log:")
			for r, err := range s.Log(ctx, storage.Key{Partition: p, Sort: "A1"}, uint64(rnd.IntN(4))) {
				fmt.Fprintf(&out, " %s %q %s", r.Stamp, r.Data, failure(err))
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// failure writes an error down as callers see it: its sentinel, and the details of a
// conflict.
func failure(err error) string {
	var c *storage.ConflictError
	if errors.As(err, &c) {
		return c.Error()
	}
	for _, e := range []error{
		storage.ErrNotFound, storage.ErrTooLarge, storage.ErrInvalidKey, storage.ErrInvalidBatch, storage.ErrAudited,
		storage.ErrReplayMismatch, storage.ErrUnavailable, storage.ErrUnknownOutcome, storage.ErrCorrupt,
	} {
		if errors.Is(err, e) {
			return e.Error()
		}
	}
	return fmt.Sprint(err)
}
