package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// TestDeliveries shows which deliveries a book takes: each step is one delivery,
// to a book that holds those before it.
func TestDeliveries(t *testing.T) {
	type step struct {
		export, execution, asOf, cost string
		options                       *ledger.BookOptions
		want                          error
		says                          []string // in the error
		number                        uint64   // of the head afterwards
		unchanged                     bool
		bookedAsOf                    string // of the head afterwards
	}
	supersede := &ledger.BookOptions{Supersede: true}
	first := step{export: "a", execution: "1", asOf: "2026-05-20", cost: "1", number: 1, bookedAsOf: "2026-05-20"}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"a later one replaces", []step{first,
			{export: "a", execution: "2", asOf: "2026-05-21", cost: "2", number: 2, bookedAsOf: "2026-05-21"}}},
		{"a later one may go down", []step{first,
			{export: "a", execution: "2", asOf: "2026-05-21", cost: "0.5", number: 2, bookedAsOf: "2026-05-21"}}},
		{"the same one writes nothing", []step{first,
			{export: "a", execution: "1", asOf: "2026-05-20", cost: "1", number: 1, unchanged: true, bookedAsOf: "2026-05-20"}}},
		{"the same execution under a later time is no new delivery", []step{first,
			{export: "a", execution: "1", asOf: "2026-05-29", cost: "1", number: 1, unchanged: true, bookedAsOf: "2026-05-20"}}},
		{"the same execution under an earlier time is no older delivery", []step{first,
			{export: "a", execution: "1", asOf: "2026-05-01", cost: "1", number: 1, unchanged: true, bookedAsOf: "2026-05-20"}}},
		{"the same execution with other content keeps its time", []step{first,
			{export: "a", execution: "1", asOf: "2026-05-29", cost: "3", number: 2, bookedAsOf: "2026-05-20"}}},
		{"an older one is refused with both times", []step{first,
			{export: "a", execution: "0", asOf: "2026-05-19T23:59:59.5Z", cost: "1", number: 1, bookedAsOf: "2026-05-20",
				want: ledger.ErrOlder, says: []string{"2026-05-19T23:59:59.5Z", "2026-05-20T00:00:00Z"}}}},
		{"another one of the same time replaces", []step{first,
			{export: "a", execution: "2", asOf: "2026-05-20", cost: "2", number: 2, bookedAsOf: "2026-05-20"}}},
		{"a replaced one does not come back under a later time", []step{first,
			{export: "a", execution: "2", asOf: "2026-05-21", cost: "2", number: 2, bookedAsOf: "2026-05-21"},
			{export: "a", execution: "1", asOf: "2026-05-30", cost: "1", number: 2, bookedAsOf: "2026-05-21",
				want: ledger.ErrOlder, says: []string{"generation 1", "2026-05-20T00:00:00Z", "2026-05-21T00:00:00Z"}}}},
		{"another export is refused", []step{first,
			{export: "b", execution: "2", asOf: "2026-05-21", cost: "1", number: 1, bookedAsOf: "2026-05-20",
				want: ledger.ErrExport, says: []string{`"a"`, `"b"`}}}},
		{"another export with the same execution is another delivery", []step{first,
			{export: "b", execution: "1", asOf: "2026-05-21", cost: "1", number: 1, bookedAsOf: "2026-05-20", want: ledger.ErrExport}}},
		{"bare files do not replace an export", []step{first,
			{export: "", execution: "2", asOf: "2026-05-21", cost: "1", number: 1, bookedAsOf: "2026-05-20", want: ledger.ErrExport}}},
		{"another export that supersedes replaces", []step{first,
			{export: "b", execution: "2", asOf: "2026-05-21", cost: "1", options: supersede, number: 2, bookedAsOf: "2026-05-21"},
			{export: "a", execution: "3", asOf: "2026-05-22", cost: "1", number: 2, bookedAsOf: "2026-05-21", want: ledger.ErrExport},
			{export: "b", execution: "4", asOf: "2026-05-22", cost: "1", number: 3, bookedAsOf: "2026-05-22"}}},
		{"one that supersedes is not older either", []step{first,
			{export: "b", execution: "2", asOf: "2026-05-19", cost: "1", options: supersede, number: 1, bookedAsOf: "2026-05-20",
				want: ledger.ErrOlder, says: []string{"2026-05-19T00:00:00Z", "2026-05-20T00:00:00Z"}}}},
		{"supersede does not excuse the same export from its times", []step{first,
			{export: "a", execution: "2", asOf: "2026-05-19", cost: "1", options: supersede, number: 1, bookedAsOf: "2026-05-20", want: ledger.ErrOlder}}},
		{"without an execution the content tells", []step{
			{export: "a", asOf: "2026-05-20", cost: "1", number: 1, bookedAsOf: "2026-05-20"},
			{export: "a", asOf: "2026-05-21", cost: "1", number: 1, unchanged: true, bookedAsOf: "2026-05-20"},
			{export: "a", asOf: "2026-05-21", cost: "2", number: 2, bookedAsOf: "2026-05-21"},
			{export: "a", asOf: "2026-05-20", cost: "3", number: 2, bookedAsOf: "2026-05-21", want: ledger.ErrOlder}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, d storage.Driver) {
				l := open(d, nil)
				for i, s := range tc.steps {
					before := image(t, d)
					r := delivery(t, s.asOf, s.execution, roll(t, nil, row(t, "2026-05-04", s.cost, "r1")))
					r.Delivery.Export = s.export
					b, err := l.Prepare(ctx, r, nil, s.options)
					if !errors.Is(err, s.want) {
						t.Fatalf("step %d: error %v, want %v", i, err, s.want)
					}
					if err != nil {
						for _, text := range s.says {
							if !strings.Contains(err.Error(), text) {
								t.Errorf("step %d: error %q does not say %q", i, err, text)
							}
						}
					} else {
						if b.Unchanged != s.unchanged {
							t.Errorf("step %d: unchanged %t, want %t", i, b.Unchanged, s.unchanged)
						}
						if image(t, d) != before {
							t.Errorf("step %d: Prepare wrote", i)
						}
						if err := b.Commit(ctx); err != nil {
							t.Fatalf("step %d: %v", i, err)
						}
					}
					if wrote := image(t, d) != before; wrote != (err == nil && !s.unchanged) {
						t.Errorf("step %d: wrote %t", i, wrote)
					}
					g, err := l.Head(ctx, payer, month(t, "2026-05"))
					if err != nil {
						t.Fatal(err)
					}
					if asOf := g.Delivery.AsOf; g.Number != s.number || !asOf.Equal(at(t, s.bookedAsOf)) {
						t.Errorf("step %d: head is generation %d of %s, want %d of %s", i, g.Number, asOf, s.number, s.bookedAsOf)
					}
				}
			})
		})
	}
}

func TestPrepareRefusesWhatCannotBeIdentified(t *testing.T) {
	two := roll(t, nil, row(t, "2026-05-04", "1", "r1"), row(t, "2026-05-04", "1", "r1", payerIs("888888888888"),
		func(li *cur.LineItem) { li.BillingPeriod = month(t, "2026-04") }))
	for _, tc := range []struct {
		name string
		edit func(*cur.Rolled)
		says string
	}{
		{"no as-of time", func(r *cur.Rolled) { r.Delivery.AsOf = time.Time{} }, "as-of"},
		{"no partial", func(r *cur.Rolled) { r.Partial = nil }, "partial"},
		{"several payers", func(r *cur.Rolled) { r.Delivery.Payer, r.Partial = "", two }, "888888888888"},
		{"several periods", func(r *cur.Rolled) { r.Delivery.Period, r.Partial = cur.Month{}, two }, "2026-04"},
		{"a payer that is no text", func(r *cur.Rolled) { r.Delivery.Payer = "\xff" }, "UTF-8"},
		{"an export that is no text", func(r *cur.Rolled) { r.Delivery.Export = "\xff" }, "UTF-8"},
		{"a time that no record can hold", func(r *cur.Rolled) { r.Delivery.AsOf = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year"},
		{"a head that no record can hold", func(r *cur.Rolled) { r.Delivery.Export = strings.Repeat("x", storage.MaxData) }, "too large"},
		{"a payer that no key can hold", func(r *cur.Rolled) { r.Delivery.Payer = strings.Repeat("x", storage.MaxSort) }, "invalid key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := memstore.New()
			before := image(t, d)
			r := delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1")))
			tc.edit(&r)
			b, err := open(d, nil).Prepare(ctx, r, nil, nil)
			if err == nil || b != nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Prepare = %v, %v, want an error that says %q", b, err, tc.says)
			}
			if image(t, d) != before {
				t.Error("something was written")
			}
		})
	}
}

// TestOddNames books under payers and periods that are no account numbers and
// months.
func TestOddNames(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		payers := []string{"", "a/b", "a%2Fb", "a", "a/b/2026-05", "..", "$", " ", "line\nbreak", "\x00", "Zahlung ü 漢", "\U0010FFFF"}
		for _, p := range payers {
			for _, period := range []cur.Month{{}, month(t, "2026-05")} {
				r := delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1", payerIs(p), func(li *cur.LineItem) { li.BillingPeriod = period })))
				r.Delivery.Payer, r.Delivery.Period = p, period
				if g := book(t, l, r, nil, nil).Generation; g.Number != 1 {
					t.Errorf("payer %q, period %q shares its book with another", p, period)
				}
				b, err := l.Reattribute(ctx, p, period, claims(claim("c", "r1", "w")))
				if err != nil {
					t.Fatalf("payer %q, period %q: %v", p, period, err)
				}
				if err := b.Commit(ctx); err != nil {
					t.Fatalf("payer %q, period %q: %v", p, period, err)
				}
				if h := collect(t, l.History(ctx, p, period)); len(h) != 2 || h[1].Delivery.Payer != p || h[1].Delivery.Period != period {
					t.Errorf("payer %q, period %q: history %v", p, period, h)
				}
			}
		}
		if heads := collect(t, l.Heads(ctx)); len(heads) != 2*len(payers) {
			t.Errorf("%d heads, want %d", len(heads), 2*len(payers))
		}
	})
}

func TestBlankNamesAreThoseOfTheRows(t *testing.T) {
	l := open(memstore.New(), nil)
	r := delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1")))
	r.Delivery.Payer, r.Delivery.Period = "", cur.Month{}
	book(t, l, r, nil, nil)
	if _, err := l.Head(ctx, payer, month(t, "2026-05")); err != nil {
		t.Error(err)
	}
}

func TestNothingBooked(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l, period := open(d, nil), month(t, "2026-05")
		if _, err := l.Head(ctx, payer, period); !errors.Is(err, ledger.ErrNoBook) {
			t.Errorf("Head: %v", err)
		}
		if _, err := l.Reattribute(ctx, payer, period, nil); !errors.Is(err, ledger.ErrNoBook) {
			t.Errorf("Reattribute: %v", err)
		}
		if _, err := l.Generation(ctx, payer, period, 1); !errors.Is(err, ledger.ErrNoBook) {
			t.Errorf("Generation: %v", err)
		}
		for _, err := range l.History(ctx, payer, period) {
			if !errors.Is(err, ledger.ErrNoBook) {
				t.Errorf("History: %v", err)
			}
		}
		if heads := collect(t, l.Heads(ctx)); len(heads) != 0 {
			t.Errorf("Heads: %v", heads)
		}
		if c, err := l.CurrentClaims(ctx); err != nil || len(c.Claims) != 0 {
			t.Errorf("CurrentClaims: %v, %v", c, err)
		}
	})
}
