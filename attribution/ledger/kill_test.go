package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

var errKilled = errors.New("killed")

// killer is a driver of a process that dies at a commit: before it, or after it
// without having heard of it. From then on nothing works.
type killer struct {
	storage.Driver
	at    int // the commit, from 1; 0: none
	after bool
	die   func() // what else dies; may be nil
	n     int    // commits that had an effect, so far
	gone  bool
}

func (k *killer) dead() bool { return k.gone }

func (k *killer) kill() error {
	k.gone = true
	if k.die != nil {
		k.die()
	}
	return errKilled
}

func (k *killer) Commit(c context.Context, b *storage.WriteBatch) error {
	if k.gone {
		return errKilled
	}
	if k.n+1 == k.at && !k.after {
		return k.kill()
	}
	if err := k.Driver.Commit(c, b); err != nil {
		return err
	}
	if k.n++; k.n == k.at {
		return k.kill()
	}
	return nil
}

func (k *killer) Get(c context.Context, key storage.Key) (storage.Item, error) {
	if k.gone {
		return storage.Item{}, errKilled
	}
	return k.Driver.Get(c, key)
}

func (k *killer) Page(c context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
	if k.gone {
		return nil, "", errKilled
	}
	return k.Driver.Page(c, q, after)
}

// Close leaves the state to whoever comes after.
func (k *killer) Close() error { return nil }

// story is a sequence of steps that each write something. A step that was cut
// short can be done again.
type story []func(*ledger.Ledger) error

// stories returns one of many steps, and one of groups so large that they are
// written in more than one batch, between which one can die.
func stories(t T) (long, large story) {
	prepared := func(b *ledger.Booking, err error) error {
		if err != nil {
			return err
		}
		return b.Commit(ctx)
	}
	deliver := func(r cur.Rolled, c *attribution.Claims, o *ledger.BookOptions) func(*ledger.Ledger) error {
		return func(l *ledger.Ledger) error { return prepared(l.Prepare(ctx, r, c, o)) }
	}
	save := func(c *attribution.Claims) func(*ledger.Ledger) error {
		return func(l *ledger.Ledger) error { _, err := l.SaveClaims(ctx, c); return err }
	}
	reattribute := func(c *attribution.Claims) func(*ledger.Ledger) error {
		return func(l *ledger.Ledger) error {
			return prepared(l.Reattribute(ctx, payer, month(t, "2026-05"), c))
		}
	}
	rows := []*cur.LineItem{row(t, "2026-05-04", "1.25", "r1"), row(t, "2026-05-05", "2", "r2"), row(t, "2026-05-05", "7", "", other)}
	more := append(slices.Clone(rows), row(t, "2026-05-19", "3", "r1"), row(t, "2026-05-19", "4", "r1", currency("CNY")))
	second := delivery(t, "2026-05-20", "9", roll(t, nil, row(t, "2026-05-04", "8", "r1", payerIs("222222222222"))))
	second.Delivery.Payer = "222222222222"
	taken := delivery(t, "2026-05-24", "4", roll(t, nil, row(t, "2026-05-04", "6", "r1")))
	taken.Delivery.Export = "export-2"
	c1, c2, c3 := claims(claim("c1", "r1", "w1")), claims(claim("c1", "r1", "w2"), claim("c2", "r2", "w2")), claims(claim("c2", "r2", "w3"))
	long = story{
		save(c1),
		deliver(delivery(t, "2026-05-20", "1", roll(t, nil, rows...)), c1, nil),
		deliver(second, c1, nil),
		save(c2),
		reattribute(c2),
		deliver(delivery(t, "2026-05-22", "2", roll(t, nil, more...)), c2, nil),
		deliver(delivery(t, "2026-05-23", "3", roll(t, nil, rows...)), c2, nil),
		save(c3),
		reattribute(c3),
		deliver(taken, c3, &ledger.BookOptions{Supersede: true}),
		reattribute(nil),
	}
	wide := slices.Clone(rows)
	for i := range 65 {
		wide = append(wide, row(t, "2026-05-06", "0.5", fmt.Sprint(i, "-", strings.Repeat("x", 50_000))))
	}
	large = story{
		deliver(delivery(t, "2026-05-20", "1", roll(t, nil, rows...)), c1, nil),
		deliver(delivery(t, "2026-05-22", "2", roll(t, nil, wide...)), c1, nil),
	}
	return long, large
}

// books reads everything there is, whole, and spells it.
func books(t T, l *ledger.Ledger) string {
	t.Helper()
	var out []string
	c, err := l.CurrentClaims(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, string(c.AppendJSON(nil)))
	for _, h := range collect(t, l.Heads(ctx)) {
		for _, g := range collect(t, l.History(ctx, h.Delivery.Payer, h.Delivery.Period)) {
			s, err := l.Statements(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := l.Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			checkTotals(t, lines, s)
			delta, err := l.Delta(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			files, err := l.Files(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(g.Number, g.Cause, g.Delivery, g.BookedAt, texts(totals(s)), deltas(delta), files))
		}
	}
	return strings.Join(out, "\n")
}

// told is the story as it goes when nobody dies: after [i] steps what the books
// are, how many commits there were, and all that is stored.
type told struct {
	books   []string
	commits []int
	items   [][]storage.Item
	images  [][32]byte
}

func tell(t T, steps story) (o told) {
	t.Helper()
	k := &killer{Driver: memstore.New()}
	l := open(k, nil)
	for i := range len(steps) + 1 {
		if i > 0 {
			if err := steps[i-1](l); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		o.books, o.commits = append(o.books, books(t, l)), append(o.commits, k.n)
		o.items, o.images = append(o.items, scan(t, k.Driver)), append(o.images, image(t, k.Driver))
	}
	return o
}

// resume finds where the story ended by what is in the books, which must be a
// state between two steps, and goes on from there to the end.
func (o *told) resume(t T, d storage.Driver, steps story) (done int) {
	t.Helper()
	l := open(d, nil)
	done = slices.Index(o.books, books(t, l))
	if done < 0 {
		t.Fatal("the books are in no state between two steps")
	}
	for i, step := range steps[done:] {
		if err := step(l); err != nil {
			t.Fatalf("step %d: %v", done+i+1, err)
		}
	}
	// The same books, and not one record more: what the dead had written was
	// taken up.
	if image(t, d) != o.images[len(steps)] {
		t.Fatal("what is stored is not what a story without a death stores")
	}
	return done
}

// TestKilledAtEachCommit kills the process before and after each of its commits:
// between chunks, between parts, before and after the head is turned.
func TestKilledAtEachCommit(t *testing.T) {
	long, large := stories(t)
	points := killEverywhere(t, long) + killEverywhere(t, large)
	if !testing.Short() && points < 50 {
		t.Errorf("%d kill points, want 50 at least", points)
	}
	t.Logf("%d kill points", points)
}

func killEverywhere(t *testing.T, steps story) (points int) {
	whole := tell(t, steps)
	for i, step := range steps {
		for at := 1; at <= whole.commits[i+1]-whole.commits[i]; at++ {
			for _, after := range []bool{false, true} {
				if testing.Short() && at%4 != 1 {
					continue
				}
				points++
				where := fmt.Sprintf("step %d, commit %d, after it %t", i+1, at, after)
				d := memstore.New()
				if err := d.Restore(ctx, whole.items[i]); err != nil {
					t.Fatal(err)
				}
				if err := step(open(&killer{Driver: d, at: at, after: after}, nil)); !errors.Is(err, errKilled) {
					t.Fatalf("%s: ended with %v", where, err)
				}
				// The last commit turns the head; then only the answer was lost.
				done := i
				if after && at == whole.commits[i+1]-whole.commits[i] {
					done++
				}
				l := open(d, nil)
				if got := books(t, l); got != whole.books[done] {
					t.Fatalf("%s: the books, got and want:\n%s", where, cmp.Diff(got, whole.books[done]))
				}
				if err := step(l); err != nil {
					t.Fatalf("%s: done again: %v", where, err)
				}
				// The same books, and not one record more: what the dead had written
				// was taken up.
				if image(t, d) != whole.images[i+1] {
					t.Fatalf("%s: what is stored then is not what a story without a death stores", where)
				}
			}
		}
	}
	return points
}
