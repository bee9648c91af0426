package ledger_test

import (
	"errors"
	"fmt"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
)

// check holds after every step: heads are those of the model.
func (m *model) check(t *rapid.T) {
	heads := collect(t, m.ledger().Heads(ctx))
	if len(heads) != len(m.books) {
		t.Fatalf("%d heads, want %d", len(heads), len(m.books))
	}
	for _, g := range heads {
		b := m.books[g.Delivery.Payer]
		if b == nil || g.Number != uint64(len(b.booked)) || !g.Delivery.AsOf.Equal(b.delivery.AsOf) || g.Delivery.Execution != b.delivery.Execution {
			t.Fatalf("head of %q is generation %d of %+v", g.Delivery.Payer, g.Number, g.Delivery)
		}
	}
}

// readAll reads every book whole and compares it with what was booked.
func (m *model) readAll(t *rapid.T) {
	for _, b := range m.books {
		history := collect(t, m.ledger().History(ctx, b.payer, b.delivery.Period))
		if len(history) != len(b.booked) {
			t.Fatalf("%d generations, want %d", len(history), len(b.booked))
		}
		for i, g := range history {
			want := b.booked[i]
			if diff := cmp.Diff(g, want.Generation, months); diff != "" {
				t.Fatalf("generation %d, got and want:\n%s", i+1, diff)
			}
			lines, err := m.ledger().Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			checkTotals(t, lines, want.Statements)
			delta, err := m.ledger().Delta(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, fmt.Sprintf("generation %d, terms", i+1), deltas(delta), deltas(want.Delta))
			again, err := m.ledger().Statements(ctx, g)
			if other := g.RulesVersion != m.rules().Version(); other != errors.Is(err, ledger.ErrRules) || !other && err != nil {
				t.Fatalf("Statements of generation %d: %v", i+1, err)
			} else if other {
				continue
			}
			equal(t, fmt.Sprintf("generation %d, statements", i+1), summary(again), b.shown[i])
		}
		m.compare(t, b)
	}
}

// compare holds the newest generation against the rows and claims of the model.
func (m *model) compare(t *rapid.T, b *modelBook) {
	want, owned := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	for id, cost := range b.rows {
		d := decimal.RequireFromString(cost)
		want[id.currency] = want[id.currency].Add(d)
		if w := b.owner[id.resource]; w != "" && id.resource != "" {
			owned[id.currency+" "+w] = owned[id.currency+" "+w].Add(d)
		}
	}
	first, last := b.booked[0], b.booked[len(b.booked)-1]
	if diff := cmp.Diff(texts(totals(last.Statements)), texts(want)); diff != "" {
		t.Fatalf("totals stated, and those of the rows:\n%s", diff)
	}
	got := map[string]decimal.Decimal{}
	for _, s := range last.Statements {
		for _, w := range s.Workloads() {
			got[s.Currency+" "+string(w.Workload)] = w.Unblended
		}
	}
	if diff := cmp.Diff(texts(got), texts(owned)); diff != "" {
		t.Fatalf("what workloads have, and what they claim:\n%s", diff)
	}
	// All terms of a book add up to its last total minus its first.
	for c, d := range totals(first.Statements) {
		want[c] = want[c].Sub(d)
	}
	if diff := cmp.Diff(texts(b.sum), texts(want)); diff != "" {
		t.Fatalf("sum of all terms, and difference of first and last total:\n%s", diff)
	}
}

func (m *model) saveClaims(t *rapid.T) {
	if _, err := m.ledger().SaveClaims(ctx, m.claims()); err != nil {
		t.Fatal(err)
	}
	c, err := m.ledger().CurrentClaims(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Revision(cur.Month{}), m.claims().Revision(cur.Month{})); diff != "" {
		t.Fatalf("claims saved and read:\n%s", diff)
	}
}
