package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// TestModel runs random deliveries, claims, restatements and refusals against a
// model made of maps, mostly in memory, now and then in a file.
func TestModel(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		var d storage.Driver = memstore.New()
		if rapid.IntRange(0, 19).Draw(t, "engine") == 0 {
			n++
			b, err := boltstore.Open(filepath.Join(dir, fmt.Sprint(n, ".db")), &boltstore.Options{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			d = b
		}
		m := &model{driver: d, books: map[string]*modelBook{}, owner: map[string]string{}}
		t.Repeat(map[string]func(*rapid.T){
			"":              m.check,
			"deliver":       m.deliver,
			"deliver again": m.deliverAgain,
			"deliver stale": m.deliverStale,
			"deliver other": m.deliverOther,
			"claim":         m.claim,
			"reattribute":   m.reattribute,
			"change rules":  m.changeRules,
			"two writers":   m.twoWriters,
			"lose a writer": m.loseWriter,
			"save claims":   m.saveClaims,
		})
		m.readAll(t)
	})
}

// rowID is what the model tells rows apart by.
type rowID struct {
	day                int
	resource, currency string // resource "": a service out of scope
	team               string
}

// modelBook is the model of one book.
type modelBook struct {
	payer    string
	rows     map[rowID]string // costs of the delivery that is booked
	keys     []cur.Column
	delivery cur.Delivery
	owner    map[string]string // claims that it was attributed under
	rules    string
	booked   []*ledger.Booking // by generation
	shown    [][]string        // what their statements said
	old      []cur.Delivery    // that were replaced
	sum      map[string]decimal.Decimal
}

type model struct {
	driver storage.Driver
	books  map[string]*modelBook
	owner  map[string]string // claims to apply next: workload by resource
	strict bool              // rules without account defaults
	serial int               // of executions
}

var (
	modelPayers    = []string{"", "111111111111"}
	modelResources = []string{"r1", "r2", "r3"}
)

func (m *model) rules() *attribution.Rules {
	if m.strict {
		return noAccounts()
	}
	return nil
}

func (m *model) ledger() *ledger.Ledger { return open(m.driver, &ledger.Options{Rules: m.rules()}) }

// claims makes the claims of the model; the resource "*" is the account.
func (m *model) claims() *attribution.Claims {
	c := &attribution.Claims{}
	for _, r := range slices.Sorted(maps.Keys(m.owner)) {
		x := claim("c-"+r, r, m.owner[r])
		if r == "*" {
			x.Anchor = attribution.Anchor{Kind: attribution.KindAccount, Value: account}
		}
		c.Claims = append(c.Claims, x)
	}
	return c
}

// partial rolls up the rows of a book.
func (b *modelBook) partial(t *rapid.T) *cur.Partial {
	var rows []*cur.LineItem
	for id, cost := range b.rows {
		edits := []func(*cur.LineItem){payerIs(b.payer), currency(id.currency), tag(teamTag, id.team)}
		if id.resource == "" {
			edits = append(edits, other)
		}
		rows = append(rows, row(t, fmt.Sprintf("2026-05-%02d", id.day), cost, id.resource, edits...))
	}
	return roll(t, b.keys, rows...)
}

func (b *modelBook) rolled(t *rapid.T, d cur.Delivery) cur.Rolled {
	return cur.Rolled{Delivery: d, Partial: b.partial(t), Files: []cur.Info{{Name: d.Execution, Size: 1, ModTime: d.AsOf}}}
}

// draw returns a book, which may not be booked yet.
func (m *model) draw(t *rapid.T) *modelBook {
	payer := rapid.SampledFrom(modelPayers).Draw(t, "payer")
	if m.books[payer] == nil {
		return &modelBook{payer: payer, rows: map[rowID]string{}, sum: map[string]decimal.Decimal{},
			delivery: cur.Delivery{Payer: payer, Export: "e", Period: month(t, "2026-05"), AsOf: at(t, "2026-05-03")}}
	}
	return m.books[payer]
}

// drawBooked returns a book that there is, or skips.
func (m *model) drawBooked(t *rapid.T) *modelBook {
	if len(m.books) == 0 {
		t.Skip("nothing booked")
	}
	return m.books[rapid.SampledFrom(slices.Sorted(maps.Keys(m.books))).Draw(t, "book")]
}

// next makes a later delivery of a book with some rows changed.
func (m *model) next(t *rapid.T, b *modelBook) *modelBook {
	n := *b
	n.rows = maps.Clone(b.rows)
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		id := rowID{rapid.IntRange(1, 28).Draw(t, "day"), rapid.SampledFrom(append([]string{""}, modelResources...)).Draw(t, "resource"),
			rapid.SampledFrom([]string{"USD", "USD", "CNY"}).Draw(t, "currency"), rapid.SampledFrom([]string{"", "a"}).Draw(t, "team")}
		if cost := rapid.SampledFrom([]string{"drop", "0", "-1.5", "0.0000000001", "12345.6789", "0.30", "1"}).Draw(t, "cost"); cost == "drop" {
			delete(n.rows, id)
		} else {
			n.rows[id] = cost
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "other spec") == 0 {
		n.keys = nil
		if b.keys == nil {
			n.keys = []cur.Column{teamTag}
		}
	}
	m.serial++
	n.delivery.Execution = fmt.Sprint("x", m.serial)
	n.delivery.AsOf = b.delivery.AsOf.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
	return &n
}

// booked notes a generation that was written.
func (m *model) booked(t *rapid.T, before, n *modelBook, b *ledger.Booking) {
	if b.Unchanged {
		t.Fatalf("generation %d was not written", b.Generation.Number)
	}
	if number := uint64(len(n.booked) + 1); b.Generation.Number != number || b.Generation.Previous != number-1 {
		t.Fatalf("generation %d after %d, want %d", b.Generation.Number, b.Generation.Previous, number)
	}
	if len(n.booked) > 0 {
		last := n.booked[len(n.booked)-1]
		checkSum(t, b.Delta, last.Statements, b.Statements)
		if before.delivery != n.delivery {
			n.old = append(n.old, before.delivery)
		}
	} else if len(b.Delta) != 0 || b.Generation.Cause != ledger.First {
		t.Fatalf("first generation: cause %q, %d terms", b.Generation.Cause, len(b.Delta))
	}
	for _, d := range b.Delta {
		n.sum[d.Currency] = n.sum[d.Currency].Add(d.Unblended)
	}
	n.owner, n.rules = maps.Clone(m.owner), m.rules().Version()
	n.booked, n.shown = append(n.booked, b), append(n.shown, summary(b.Statements))
	m.books[n.payer] = n
}

// unchanged says whether a book is what the present claims and rules make of it.
func (m *model) unchanged(b *modelBook) bool {
	return maps.Equal(b.owner, m.owner) && b.rules == m.rules().Version()
}

func (m *model) prepare(t *rapid.T, n *modelBook) *ledger.Booking {
	b, err := m.ledger().Prepare(ctx, n.rolled(t, n.delivery), m.claims(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func commit(t *rapid.T, b *ledger.Booking) {
	if err := b.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

func (m *model) deliver(t *rapid.T) {
	old := m.draw(t)
	n := m.next(t, old)
	b := m.prepare(t, n)
	commit(t, b)
	m.booked(t, old, n, b)
}

// deliverAgain hands in the delivery that is booked, whatever time it is given.
func (m *model) deliverAgain(t *rapid.T) {
	n := m.drawBooked(t)
	d := n.delivery
	d.AsOf = d.AsOf.AddDate(0, 0, rapid.IntRange(-9, 9).Draw(t, "days"))
	before := image(t, m.driver)
	b, err := m.ledger().Prepare(ctx, n.rolled(t, d), m.claims(), nil)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, b)
	m.same(t, n, b, before)
}

// same notes a booking of what may be booked already.
func (m *model) same(t *rapid.T, n *modelBook, b *ledger.Booking, before [32]byte) {
	if !m.unchanged(n) {
		c := *n
		m.booked(t, n, &c, b)
		return
	}
	if !b.Unchanged || image(t, m.driver) != before {
		t.Fatalf("the same groups, claims and rules were written as generation %d", b.Generation.Number)
	}
	if diff := cmp.Diff(b.Generation, n.booked[len(n.booked)-1].Generation, months); diff != "" {
		t.Fatalf("generation of an unchanged booking, got and want:\n%s", diff)
	}
}

// deliverStale hands in a delivery that was written before, or was replaced.
func (m *model) deliverStale(t *rapid.T) {
	n := m.drawBooked(t)
	d := n.delivery
	d.Execution, d.AsOf = "late", d.AsOf.Add(-time.Duration(rapid.IntRange(1, 100).Draw(t, "hours"))*time.Hour)
	if len(n.old) > 0 && rapid.Bool().Draw(t, "replaced") {
		d = rapid.SampledFrom(n.old).Draw(t, "delivery")
		d.AsOf = n.delivery.AsOf.AddDate(0, 0, rapid.IntRange(0, 9).Draw(t, "days"))
	}
	before := image(t, m.driver)
	// Even where it supersedes.
	_, err := m.ledger().Prepare(ctx, n.rolled(t, d), m.claims(), &ledger.BookOptions{Supersede: true})
	if !errors.Is(err, ledger.ErrOlder) || image(t, m.driver) != before {
		t.Fatalf("stale delivery %+v over %+v: %v, want ErrOlder", d, n.delivery, err)
	}
}

// deliverOther hands in a delivery of another export, which may supersede.
func (m *model) deliverOther(t *rapid.T) {
	old := m.drawBooked(t)
	n := m.next(t, old)
	n.delivery.Export += "'"
	r, before := n.rolled(t, n.delivery), image(t, m.driver)
	if _, err := m.ledger().Prepare(ctx, r, m.claims(), nil); !errors.Is(err, ledger.ErrExport) || image(t, m.driver) != before {
		t.Fatalf("another export: %v, want ErrExport", err)
	}
	if rapid.Bool().Draw(t, "supersede") {
		b, err := m.ledger().Prepare(ctx, r, m.claims(), &ledger.BookOptions{Supersede: true})
		if err != nil {
			t.Fatal(err)
		}
		commit(t, b)
		m.booked(t, old, n, b)
	}
}

func (m *model) claim(t *rapid.T) {
	m.owner = maps.Clone(m.owner)
	r := rapid.SampledFrom(append([]string{"*"}, modelResources...)).Draw(t, "resource")
	if w := rapid.SampledFrom([]string{"", "w1", "w2"}).Draw(t, "workload"); w == "" {
		delete(m.owner, r)
	} else {
		m.owner[r] = w
	}
}

func (m *model) changeRules(t *rapid.T) { m.strict = !m.strict }

func (m *model) reattribute(t *rapid.T) {
	n, before := m.drawBooked(t), image(t, m.driver)
	b, err := m.ledger().Reattribute(ctx, n.payer, n.delivery.Period, m.claims())
	if err != nil {
		t.Fatal(err)
	}
	commit(t, b)
	m.same(t, n, b, before)
}

// twoWriters prepares two deliveries on one state of a book; the second loses.
func (m *model) twoWriters(t *rapid.T) {
	old := m.draw(t)
	n, late := m.next(t, old), m.next(t, old)
	b, loser := m.prepare(t, n), m.prepare(t, late)
	commit(t, b)
	m.booked(t, old, n, b)
	if err := loser.Commit(ctx); !errors.Is(err, storage.ErrConflict) {
		t.Fatalf("second writer: %v, want ErrConflict", err)
	}
}

// loseWriter kills a writer at one of its commits; another takes over.
func (m *model) loseWriter(t *rapid.T) {
	old := m.draw(t)
	n := m.next(t, old)
	k := &killer{Driver: m.driver, at: rapid.IntRange(1, 6).Draw(t, "at"), after: rapid.Bool().Draw(t, "after")}
	b, err := open(k, &ledger.Options{Rules: m.rules()}).Prepare(ctx, n.rolled(t, n.delivery), m.claims(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(ctx); (err != nil) != k.dead() {
		t.Fatalf("commit of a writer that died (%t): %v", k.dead(), err)
	}
	// Whether the head was turned before the end, only the store can say.
	again := m.prepare(t, n)
	commit(t, again)
	if again.Unchanged {
		again.Generation.Number = uint64(len(n.booked) + 1)
		again.Unchanged = false
	}
	m.booked(t, old, n, again)
}
