package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func TestTwoWritersOfOneBook(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		p := roll(t, nil, row(t, "2026-05-04", "1", "r1"))
		book(t, l, delivery(t, "2026-05-20", "1", p), nil, nil)
		now := clock()
		prepare := func(c *attribution.Claims) *ledger.Booking {
			now = now.Add(time.Hour) // each has a clock of its own
			at := now
			b, err := ledger.New(storage.New(d, nil), &ledger.Options{Now: func() time.Time { return at }}).Reattribute(ctx, payer, month(t, "2026-05"), c)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		one, two, same := prepare(claims(claim("c", "r1", "w1"))), prepare(claims(claim("c", "r1", "w2"))), prepare(claims(claim("c", "r1", "w1")))
		if err := one.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if err := two.Commit(ctx); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("the second writer's error is %v, want ErrConflict", err)
		}
		// The same booking, or the same by another writer, is no conflict: it is
		// what is written.
		for name, b := range map[string]*ledger.Booking{"repeated": one, "another writer's": same} {
			if err := b.Commit(ctx); err != nil {
				t.Errorf("%s commit: %v", name, err)
			}
			if diff := cmp.Diff(b.Generation, one.Generation, months); diff != "" {
				t.Errorf("%s commit has another generation:\n%s", name, diff)
			}
		}
		if h := collect(t, l.History(ctx, payer, month(t, "2026-05"))); len(h) != 2 {
			t.Errorf("%d generations, want 2", len(h))
		}
	})
}

func TestCancelled(t *testing.T) {
	d := memstore.New()
	l := open(d, nil)
	r := delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1")))
	b, err := l.Prepare(ctx, r, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	before := image(t, d)
	if err := b.Commit(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := l.Prepare(done, r, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare: %v", err)
	}
	if _, err := l.Reattribute(done, payer, month(t, "2026-05"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Reattribute: %v", err)
	}
	if _, err := l.SaveClaims(done, claims(claim("c", "r1", "w"))); !errors.Is(err, context.Canceled) {
		t.Errorf("SaveClaims: %v", err)
	}
	if image(t, d) != before {
		t.Error("something was written")
	}
	if err := b.Commit(ctx); err != nil {
		t.Errorf("Commit after one that was cancelled: %v", err)
	}
}

// TestConcurrentWriters: everybody writes to one book, again after each conflict;
// nothing is lost and nothing is written twice.
func TestConcurrentWriters(t *testing.T) {
	d := memstore.New()
	l, period := open(d, nil), month(t, "2026-05")
	first := book(t, l, delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
	const writers, edits = 4, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range edits {
				c := claims(claim("c", "r1", fmt.Sprint("w", w, "-", i)))
				for {
					b, err := l.Reattribute(ctx, payer, period, c)
					if err == nil {
						err = b.Commit(ctx)
					}
					if errors.Is(err, storage.ErrConflict) {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
			}
		})
	}
	wg.Wait()
	history := collect(t, l.History(ctx, payer, period))
	if len(history) != 1+writers*edits {
		t.Errorf("%d generations, want %d", len(history), 1+writers*edits)
	}
	seen, all := map[string]bool{}, []ledger.Delta{}
	for _, g := range history {
		if seen[g.ClaimsRevision] {
			t.Errorf("generation %d repeats the claims of another", g.Number)
		}
		seen[g.ClaimsRevision] = true
		delta, err := l.Delta(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, delta...)
	}
	checkSum(t, all, first.Statements, first.Statements)
}
