package ledger_test

import (
	"errors"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
)

// Rule 1 of the field's pains: loading again every day multiplies totals. The same
// delivery is booked once, and a newer one replaces the month whole, down as well as
// up, also when the month is invoiced.
func TestField01LoadingAgainMultipliesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		total := func() (string, attribution.State) {
			t.Helper()
			b, err := l.Reattribute(ctx, payer, month(t, "2026-05"), nil)
			if err != nil || len(b.Statements) != 1 {
				t.Fatalf("%d statements, %v", len(b.Statements), err)
			}
			return b.Statements[0].Totals.Unblended.String(), b.Statements[0].State
		}
		is := func(want string, state attribution.State) {
			t.Helper()
			if got, s := total(); got != want || s != state {
				t.Errorf("the books hold %s, %s; want %s, %s", got, s, want, state)
			}
		}
		one := delivery(t, "2026-05-25", "1", roll(t, nil, row(t, "2026-05-04", "10", "r1"), row(t, "2026-05-05", "5", "r2")))
		book(t, l, one, nil, nil)
		is("15", attribution.Open)
		before := image(t, d)
		for range 3 {
			if b := book(t, l, one, nil, nil); !b.Unchanged {
				t.Error("the same delivery again is a new generation")
			}
		}
		if image(t, d) != before {
			t.Error("booking the same delivery again wrote something")
		}
		is("15", attribution.Open)
		book(t, l, delivery(t, "2026-06-04", "2", roll(t, nil, row(t, "2026-05-04", "8", "r1", invoice("E1")))), nil, nil)
		is("8", attribution.Invoiced)
		// An invoice does not keep AWS from restating.
		b := book(t, l, delivery(t, "2026-06-20", "3", roll(t, nil, row(t, "2026-05-04", "7.5", "r1", invoice("E1")))), nil, nil)
		is("7.5", attribution.Invoiced)
		if b.Generation.Cause != ledger.Cause(attribution.Restated) || b.Generation.Number != 3 {
			t.Errorf("generation %d, %s; want 3, restated", b.Generation.Number, b.Generation.Cause)
		}
		if _, err := l.Prepare(ctx, one, nil, nil); !errors.Is(err, ledger.ErrOlder) {
			t.Errorf("the first delivery again: %v, want ErrOlder", err)
		}
		is("7.5", attribution.Invoiced)
	})
}
