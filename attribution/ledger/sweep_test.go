package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
)

func TestSweep(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		now := clock()
		l := open(d, &ledger.Options{Now: func() time.Time { return now }})
		first, second := claims(claim("c", "r", "a")), claims(claim("c", "r", "b"))
		p := roll(t, nil, row(t, "2026-05-04", "1.5", "r"))
		book(t, l, delivery(t, "2026-05-06T00:00:00Z", "e1", p), first, nil)
		now = now.Add(time.Hour)
		reattribute(t, l, second)
		may := month(t, "2026-05")

		// Within the grace period nothing goes.
		if n, err := l.Sweep(ctx, payer, may, 2*time.Hour); n != 0 || err != nil {
			t.Fatalf("sweep within the grace period: %d parts, %v, want none", n, err)
		}
		old, err := l.Generation(ctx, payer, may, 1)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(3 * time.Hour)
		n, err := l.Sweep(ctx, payer, may, 2*time.Hour)
		if err != nil || n == 0 {
			t.Fatalf("sweep: %d parts, %v, want some", n, err)
		}
		// The swept generation is a typed error; what it shared with the head is not.
		if _, err := l.Claims(ctx, old); !errors.Is(err, storage.ErrGone) {
			t.Errorf("claims of a swept generation: %v, want ErrGone", err)
		}
		if _, err := l.Partial(ctx, old); err != nil {
			t.Errorf("groups that the head shares: %v", err)
		}
		head, err := l.Head(ctx, payer, may)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Statements(ctx, head); err != nil {
			t.Errorf("statements of the head: %v", err)
		}
		if n, err := l.Sweep(ctx, payer, may, 2*time.Hour); n != 0 || err != nil {
			t.Errorf("sweeping again: %d parts, %v, want none", n, err)
		}
		// Coming back to swept content writes it anew, readable and for good.
		back := reattribute(t, l, first)
		if got, err := l.Claims(ctx, back.Generation); err != nil || len(got.Claims) != 1 {
			t.Errorf("claims after coming back: %v, %v", got, err)
		}
		if len(collect(t, l.History(ctx, payer, may))) != 3 {
			t.Error("the history lost a generation")
		}
	})
}

// A sweep that looked before a booking and deletes after it must not take what
// the booking shares.
func TestSweepAgainstBooking(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		now := clock()
		l := open(d, &ledger.Options{Now: func() time.Time { return now }})
		first, second := claims(claim("c", "r", "a")), claims(claim("c", "r", "b"))
		p := roll(t, nil, row(t, "2026-05-04", "1.5", "r"))
		book(t, l, delivery(t, "2026-05-06T00:00:00Z", "e1", p), first, nil)
		now = now.Add(time.Hour)
		reattribute(t, l, second)
		now = now.Add(time.Hour)
		may := month(t, "2026-05")

		// Prepared before the sweep, committed after it: its claims were swept.
		b, err := l.Reattribute(ctx, payer, may, first)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Sweep(ctx, payer, may, time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Statements(ctx, b.Generation); err != nil {
			t.Errorf("statements of a booking over a sweep: %v", err)
		}
	})
}
