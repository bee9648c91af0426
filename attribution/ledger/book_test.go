package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
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

// TestReadBack reopens every generation of a book and compares it with what was
// booked.
func TestReadBack(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l, period := open(d, nil), month(t, "2026-05")
		p := roll(t, []cur.Column{teamTag}, row(t, "2026-05-04", "1.50", "r1", tag(teamTag, "a")),
			row(t, "2026-05-05", "2.25", "r2"), row(t, "2026-05-05", "7", "", other), row(t, "2026-05-05", "3", "r2", currency("EUR")))
		r := delivery(t, "2026-05-20", "1", p)
		kept := []*ledger.Booking{
			book(t, l, r, nil, nil),
			reattribute(t, l, claims(claim("c1", "r2", "w1"), tagClaim("c2", teamTag, "a", "w2"))),
			book(t, l, delivery(t, "2026-05-22", "2", p), claims(claim("c1", "r2", "w1")), nil),
		}
		for i, b := range kept {
			g, err := l.Generation(ctx, payer, period, uint64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g, b.Generation, months); diff != "" {
				t.Errorf("generation %d, got and want:\n%s", i+1, diff)
			}
			if !g.BookedAt.Equal(clock()) || !g.Reconciled || g.Previous != uint64(i) {
				t.Errorf("generation %d: %+v", i+1, g)
			}
			stored, err := l.Partial(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			if stored.Digest() != p.Digest() {
				t.Errorf("generation %d: groups differ", i+1)
			}
			again, err := l.Statements(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(summary(again), summary(b.Statements)); diff != "" {
				t.Errorf("generation %d, statements, got and want:\n%s", i+1, diff)
			}
			delta, err := l.Delta(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(deltas(delta), deltas(b.Delta)); diff != "" {
				t.Errorf("generation %d, delta, got and want:\n%s", i+1, diff)
			}
			lines, err := l.Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			checkTotals(t, lines, b.Statements)
		}
		files, err := l.Files(ctx, kept[1].Generation)
		if err != nil || len(files) != 1 || !files[0].Same(r.Files[0]) {
			t.Errorf("Files = %v, %v, want those of the delivery", files, err)
		}
		if _, err := l.Generation(ctx, payer, period, 4); !errors.Is(err, ledger.ErrNoBook) {
			t.Errorf("Generation 4: %v", err)
		}
		if _, err := l.Generation(ctx, payer, period, 0); !errors.Is(err, ledger.ErrNoBook) {
			t.Errorf("Generation 0: %v", err)
		}
	})
}

// TestClaimsEditedStoreGroupsOnce: parts are shared between generations.
func TestClaimsEditedStoreGroupsOnce(t *testing.T) {
	l := open(memstore.New(), nil)
	a := book(t, l, delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
	b := reattribute(t, l, claims(claim("c", "r1", "w")))
	for _, name := range []string{"groups", "source"} {
		if got, want := b.Generation.Parts[name], a.Generation.Parts[name]; got != want {
			t.Errorf("part %q = %v, want that of the generation before, %v", name, got.Key, want.Key)
		}
	}
	c := book(t, l, delivery(t, "2026-05-21", "2", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
	if got, want := c.Generation.Parts["groups"], a.Generation.Parts["groups"]; got != want {
		t.Errorf("groups of a delivery with the same rows = %v, want %v", got.Key, want.Key)
	}
	if c.Generation.Parts["source"] == a.Generation.Parts["source"] {
		t.Error("another delivery has the files of the first")
	}
}

func TestTwoWritersOfOneBook(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		p := roll(t, nil, row(t, "2026-05-04", "1", "r1"))
		book(t, l, delivery(t, "2026-05-20", "1", p), nil, nil)
		prepare := func(c *attribution.Claims) *ledger.Booking {
			b, err := open(d, nil).Reattribute(ctx, payer, month(t, "2026-05"), c)
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

func TestBooked(t *testing.T) {
	l := open(memstore.New(), nil)
	april := delivery(t, "2026-05-20", "april", roll(t, []cur.Column{teamTag}, row(t, "2026-04-04", "1", "r1", func(li *cur.LineItem) { li.BillingPeriod = month(t, "2026-04") })))
	april.Delivery.Period = month(t, "2026-04")
	may := delivery(t, "2026-05-20", "may", roll(t, []cur.Column{teamTag}, row(t, "2026-05-04", "1", "r1")))
	noFiles := delivery(t, "2026-05-20", "june", roll(t, []cur.Column{teamTag}, row(t, "2026-06-04", "1", "r1", func(li *cur.LineItem) { li.BillingPeriod = month(t, "2026-06") })))
	noFiles.Delivery.Period, noFiles.Files = month(t, "2026-06"), nil
	for _, r := range []cur.Rolled{april, may, noFiles} {
		book(t, l, r, nil, nil)
	}
	touched := may.Files[0]
	touched.ModTime = touched.ModTime.Add(time.Second)
	for _, tc := range []struct {
		name    string
		files   []cur.Info
		columns []cur.Column
		want    []string // periods
	}{
		{"one delivery's files", may.Files, nil, []string{"2026-05"}},
		{"those of two", append(append([]cur.Info{}, april.Files...), may.Files...), nil, []string{"2026-04", "2026-05"}},
		{"a column that is stored", may.Files, []cur.Column{teamTag}, []string{"2026-05"}},
		{"a column that is not stored", may.Files, []cur.Column{envTag}, nil},
		{"a file that was touched", []cur.Info{touched}, nil, nil},
		{"a file beside that is in no book", append([]cur.Info{{Name: "new", Size: 1}}, may.Files...), nil, nil},
		{"no files", nil, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := l.Booked(ctx, tc.files, tc.columns)
			if err != nil {
				t.Fatal(err)
			}
			var periods []string
			for _, g := range got {
				periods = append(periods, g.Delivery.Period.String())
			}
			if diff := cmp.Diff(periods, tc.want); diff != "" {
				t.Errorf("got and want:\n%s", diff)
			}
		})
	}
}
