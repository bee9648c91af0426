package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// unread makes a delivery of which n rows out of scope were left unread.
func unread(t T, asOf, execution string, n int, edits ...func(*cur.LineItem)) cur.Rolled {
	t.Helper()
	rows := []*cur.LineItem{row(t, "2026-05-04", "1", "r1", edits...)}
	for range n {
		rows = append(rows, row(t, "2026-05-04", "1", "", append(edits, other)...))
	}
	return delivery(t, asOf, execution, rollWith(t, cur.Rollup{Where: attribution.DefaultScope().Where(), RestUnread: true}, rows))
}

func because(reason string) *ledger.BookOptions { return &ledger.BookOptions{Override: reason} }

func TestWhatDoesNotReconcileNeedsAnOverride(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l, before := open(d, nil), image(t, d)
		for _, o := range []*ledger.BookOptions{nil, because(""), because(" \n")} {
			_, err := l.Prepare(ctx, unread(t, "2026-05-10", "1", 2), nil, o)
			if !errors.Is(err, ledger.ErrNotReconciled) || !strings.Contains(err.Error(), "USD: rest_unread, 2 rows") {
				t.Errorf("Prepare with %+v: %v, want ErrNotReconciled that says why", o, err)
			}
		}
		if image(t, d) != before {
			t.Error("something was written")
		}
		book(t, l, unread(t, "2026-05-10", "1", 2), nil, because("  other services are not needed "))
		g, err := l.Head(ctx, payer, month(t, "2026-05"))
		if err != nil {
			t.Fatal(err)
		}
		want := ledger.Generation{Override: "other services are not needed", Unreconciled: []string{"USD: rest_unread, 2 rows", "USD: total rows: 1, want 3"}}
		if g.Reconciled || g.Override != want.Override || len(g.Unreconciled) == 0 || g.Unreconciled[0] != want.Unreconciled[0] {
			t.Errorf("head: reconciled %t, override %q, of %q, want %q of %q", g.Reconciled, g.Override, g.Unreconciled, want.Override, want.Unreconciled)
		}
	})
}

func TestOverrideOfWhatReconcilesIsNotKept(t *testing.T) {
	l := open(memstore.New(), nil)
	g := book(t, l, unread(t, "2026-05-10", "1", 0), nil, because("to be sure")).Generation
	if !g.Reconciled || g.Override != "" || g.Unreconciled != nil {
		t.Errorf("reconciled %t, override %q of %q, want none", g.Reconciled, g.Override, g.Unreconciled)
	}
}

// TestOverrideCarriesOver: for the same delivery with the same gaps, and never
// further.
func TestOverrideCarriesOver(t *testing.T) {
	owned := claims(claim("c", "r1", "w"))
	for _, tc := range []struct {
		name    string
		do      func(l *ledger.Ledger) (*ledger.Booking, error)
		want    string // "": ErrNotReconciled
		changed bool
	}{
		{"to other claims", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Reattribute(ctx, payer, month(t, "2026-05"), owned)
		}, "first reason", true},
		{"to other claims, from the files", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-10", "1", 2), owned, nil)
		}, "first reason", true},
		{"to another rollup of the same files", func(l *ledger.Ledger) (*ledger.Booking, error) {
			r := unread(t, "2026-05-10", "1", 2)
			r.Partial = rollWith(t, cur.Rollup{Where: attribution.DefaultScope().Where(), RestUnread: true, Keys: []cur.Column{teamTag}},
				[]*cur.LineItem{row(t, "2026-05-04", "1", "r1"), row(t, "2026-05-04", "1", "", other), row(t, "2026-05-04", "1", "", other)})
			return l.Prepare(ctx, r, nil, nil)
		}, "first reason", true},
		{"replaced by a new one", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-10", "1", 2), owned, because("second reason"))
		}, "second reason", true},
		{"a new one alone writes nothing", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-10", "1", 2), nil, because("second reason"))
		}, "first reason", false},
		{"not to a new delivery", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-11", "2", 2), nil, nil)
		}, "", false},
		{"not to more that is missing", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-10", "1", 3), nil, nil)
		}, "", false},
		{"dropped when all is there", func(l *ledger.Ledger) (*ledger.Booking, error) {
			return l.Prepare(ctx, unread(t, "2026-05-11", "2", 0), nil, nil)
		}, "none", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, d storage.Driver) {
				l := open(d, nil)
				book(t, l, unread(t, "2026-05-10", "1", 2), nil, because("first reason"))
				b, err := tc.do(l)
				if tc.want == "" {
					if !errors.Is(err, ledger.ErrNotReconciled) {
						t.Errorf("error %v, want ErrNotReconciled", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if b.Unchanged == tc.changed {
					t.Errorf("unchanged %t, want %t", b.Unchanged, !tc.changed)
				}
				if err := b.Commit(ctx); err != nil {
					t.Fatal(err)
				}
				g, err := l.Head(ctx, payer, month(t, "2026-05"))
				if err != nil {
					t.Fatal(err)
				}
				want := tc.want
				if want == "none" {
					want = ""
				}
				if g.Override != want || g.Reconciled != (want == "") {
					t.Errorf("override %q, reconciled %t, want %q", g.Override, g.Reconciled, want)
				}
			})
		})
	}
}

// TestReattributeKeepsAnOverrideForItsReasonAlone: the stored generation says
// what the override was for; when that is no longer what fails, it is not enough.
func TestReattributeKeepsAnOverrideForItsReasonAlone(t *testing.T) {
	d := memstore.New()
	l := open(d, nil)
	book(t, l, unread(t, "2026-05-10", "1", 2), nil, because("known"))
	// As a release would leave it that found something else amiss.
	rewrite(t, d, func(head map[string]any) { head["unreconciled"] = []string{"USD: cost_blank, 1 rows"} })
	if _, err := l.Reattribute(ctx, payer, month(t, "2026-05"), claims(claim("c", "r1", "w"))); !errors.Is(err, ledger.ErrNotReconciled) {
		t.Errorf("Reattribute: %v, want ErrNotReconciled", err)
	}
}

func TestBlankCostsDoNotReconcile(t *testing.T) {
	blank := &cur.LineItem{}
	*blank = *row(t, "2026-05-04", "1", "r1")
	fresh := cur.LineItem{Payer: blank.Payer, BillingPeriod: blank.BillingPeriod, BillingEntity: "AWS", ProductCode: blank.ProductCode,
		UsageType: blank.UsageType, LineItemType: "Usage", Currency: "EUR", IntervalStart: blank.IntervalStart, IntervalEnd: blank.IntervalEnd}
	r := delivery(t, "2026-05-10", "1", roll(t, nil, blank, &fresh))
	l := open(memstore.New(), nil)
	if _, err := l.Prepare(ctx, r, nil, nil); !errors.Is(err, ledger.ErrNotReconciled) {
		t.Fatalf("Prepare: %v, want ErrNotReconciled", err)
	}
	g := book(t, l, r, nil, because("one row, known to AWS")).Generation
	if diff := cmp.Diff(g.Unreconciled, []string{"EUR: cost_blank, 1 rows"}); diff != "" {
		t.Errorf("what the override is for, got and want:\n%s", diff)
	}
}
