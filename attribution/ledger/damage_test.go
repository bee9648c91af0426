package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// rewrite replaces the head of the book of May 2026 by an edited one, as the
// next version of its record.
func rewrite(t T, d storage.Driver, edit func(head map[string]any)) {
	t.Helper()
	s := storage.New(d, nil)
	k := storage.Key{Partition: "ledger/books", Sort: payer + "/2026-05"}
	r, err := s.Get(ctx, k)
	if err != nil {
		t.Fatal(err)
	}
	var head map[string]any
	if err := json.Unmarshal(r.Data, &head); err != nil {
		t.Fatal(err)
	}
	head["number"] = r.Stamp.Version + 1
	edit(head)
	data, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, s, r, r.Schema, data)
}

func replace(t T, s *storage.Store, r storage.Record, schema uint16, data []byte) {
	t.Helper()
	_, err := s.Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{
		{Key: r.Key, Prev: r.Stamp, Kind: r.Kind, Schema: schema, Data: data, Entry: data}}})
	if err != nil {
		t.Fatal(err)
	}
}

// damaged is a driver that returns some records otherwise than they were written.
type damaged struct {
	storage.Driver
	item func(storage.Item) (storage.Item, error)
}

func (d damaged) Get(c context.Context, k storage.Key) (storage.Item, error) {
	it, err := d.Driver.Get(c, k)
	if err != nil {
		return it, err
	}
	return d.item(it)
}

func TestDamagedParts(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		r := withSessions(t, nil, "2026-05-10", "1", row(t, "2026-05-04", "1", "r1"), row(t, "2026-05-04", "1", "", call("s")))
		g := book(t, l, r, claims(claim("c", "r1", "w")), nil).Generation
		if len(g.Parts) != 6 {
			t.Errorf("%d parts, want 6", len(g.Parts))
		}
		for name, p := range g.Parts {
			for kind, item := range map[string]func(storage.Item) (storage.Item, error){
				"gone": func(storage.Item) (storage.Item, error) { return storage.Item{}, storage.ErrNotFound },
				"corrupt": func(it storage.Item) (storage.Item, error) {
					it.Body = bytes.Clone(it.Body)
					it.Body[len(it.Body)/2] ^= 1
					return it, nil
				},
			} {
				want := map[string]error{"gone": storage.ErrGone, "corrupt": storage.ErrCorrupt}[kind]
				t.Run(name+" "+kind, func(t *testing.T) {
					hurt := open(damaged{d, func(it storage.Item) (storage.Item, error) {
						if strings.HasPrefix(it.Key.Sort, p.Key.Sort+"/") {
							return item(it)
						}
						return it, nil
					}}, nil)
					read := map[string]func() error{
						"groups":    func() error { _, err := hurt.Partial(ctx, g); return err },
						"sessions":  func() error { _, err := hurt.Sessions(ctx, g); return err },
						"source":    func() error { _, err := hurt.Files(ctx, g); return err },
						"claims":    func() error { _, err := hurt.Claims(ctx, g); return err },
						"statement": func() error { _, err := hurt.Totals(ctx, g); return err },
						"delta":     func() error { _, err := hurt.Delta(ctx, g); return err },
					}
					err := read[name]()
					if !errors.Is(err, want) {
						t.Errorf("read: %v, want %v", err, want)
					}
					for _, text := range []string{"generation 1", payer, "2026-05", name} {
						if err != nil && !strings.Contains(err.Error(), text) {
							t.Errorf("error %q does not name %q", err, text)
						}
					}
					// What needs the part says so, and writes nothing.
					before := image(t, d)
					_, err = hurt.Reattribute(ctx, payer, month(t, "2026-05"), nil)
					if needed := name == "groups" || name == "sessions" || name == "claims" || name == "source"; needed != errors.Is(err, want) {
						t.Errorf("Reattribute: %v", err)
					}
					if image(t, d) != before {
						t.Error("something was written")
					}
				})
			}
		}
		// Nothing above changed what is stored.
		if _, err := l.Statements(ctx, g); err != nil {
			t.Error(err)
		}
	})
}

func TestHeadThatIsNotWellFormed(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){
		"number":         func(h map[string]any) { h["number"] = 7 },
		"type":           func(h map[string]any) { h["columns"] = "x" },
		"period":         func(h map[string]any) { h["delivery"].(map[string]any)["period"] = "May" },
		"digest":         func(h map[string]any) { part(h)["sha256"] = "zz" },
		"short digest":   func(h map[string]any) { part(h)["sha256"] = "00" },
		"negative sizes": func(h map[string]any) { part(h)["size"] = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			d := memstore.New()
			l := open(d, nil)
			book(t, l, delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
			rewrite(t, d, edit)
			if _, err := l.Head(ctx, payer, month(t, "2026-05")); err == nil || !strings.Contains(err.Error(), "ledger: read") {
				t.Errorf("Head: %v, want an error", err)
			}
		})
	}
	t.Run("parts", func(t *testing.T) {
		d := memstore.New()
		l := open(d, nil)
		book(t, l, delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
		rewrite(t, d, func(h map[string]any) { delete(h["parts"].(map[string]any), "groups"); part(h)["size"] = 1 << 60 })
		g, err := l.Head(ctx, payer, month(t, "2026-05"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Partial(ctx, g); err == nil || !strings.Contains(err.Error(), `part "groups"`) {
			t.Errorf("Partial of a head without groups: %v", err)
		}
		// A size that nothing stands behind is not taken for granted.
		if _, err := l.Claims(ctx, g); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("Claims of a false size: %v, want ErrCorrupt", err)
		}
	})
}

func part(head map[string]any) map[string]any {
	return head["parts"].(map[string]any)["claims"].(map[string]any)
}

// TestNewerRecords: what a later release wrote is refused by name, not misread.
func TestNewerRecords(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l, period := open(d, nil), month(t, "2026-05")
		r := delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1")))
		book(t, l, r, nil, nil)
		if _, err := l.SaveClaims(ctx, claims(claim("c", "r1", "w"))); err != nil {
			t.Fatal(err)
		}
		s := storage.New(d, nil)
		for _, k := range []storage.Key{{Partition: "ledger/books", Sort: payer + "/2026-05"}, {Partition: "ledger/claims", Sort: "current"}} {
			rec, err := s.Get(ctx, k)
			if err != nil {
				t.Fatal(err)
			}
			replace(t, s, rec, rec.Schema+1, []byte(`{"number":2,"all":"new"}`))
		}
		before := image(t, d)
		_, head := l.Head(ctx, payer, period)
		_, prepare := l.Prepare(ctx, r, nil, nil)
		_, reattribute := l.Reattribute(ctx, payer, period, nil)
		_, current := l.CurrentClaims(ctx)
		_, record := l.Record(ctx, nil)
		_, save := l.SaveClaims(ctx, nil)
		_, booked := l.Booked(ctx, r.Files, nil)
		var heads, history error
		for _, heads = range l.Heads(ctx) {
		}
		n := 0
		for _, err := range l.History(ctx, payer, period) {
			if history = err; err == nil {
				n++
			}
		}
		for what, err := range map[string]error{"Head": head, "Prepare": prepare, "Reattribute": reattribute, "Heads": heads,
			"History": history, "CurrentClaims": current, "Record": record, "SaveClaims": save, "Booked": booked} {
			if !errors.Is(err, ledger.ErrNewer) {
				t.Errorf("%s: %v, want ErrNewer", what, err)
			}
		}
		if n != 1 {
			t.Errorf("History yielded %d generations before the newer one, want 1", n)
		}
		if g, err := l.Generation(ctx, payer, period, 1); err != nil || g.Number != 1 {
			t.Errorf("Generation 1: %v, %v", g.Number, err)
		}
		if image(t, d) != before {
			t.Error("something was written")
		}
	})
}

// TestUnchangedLeavesTheFileAlone: not one byte of a bbolt file changes.
func TestUnchangedLeavesTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	run := func() {
		d, err := boltstore.Open(path, &boltstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		l := open(d, nil)
		c, err := l.Record(ctx, &attribution.Claims{Claims: []attribution.Claim{claim("c", "r1", "w")}, Workloads: []attribution.Workload{{ID: "w", Name: "W"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.SaveClaims(ctx, c); err != nil {
			t.Fatal(err)
		}
		book(t, l, delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), c, nil)
		reattribute(t, l, c)
		// Names move no money.
		c.Workloads[0].Name = "another"
		reattribute(t, l, c)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run()
	before := fileSum(t, path)
	run()
	if fileSum(t, path) != before {
		t.Error("the file changed though nothing else did")
	}
}

func TestManyDifferencesFitAHead(t *testing.T) {
	// Control totals of many line item types that no group stands behind.
	p := roll(t, nil, row(t, "2026-05-04", "1", "r1"))
	c := cur.Contents{Measures: p.Measures()}
	for i := range 200 {
		k := cur.ControlKey{Payer: payer, BillingPeriod: month(t, "2026-05"), Currency: "USD", LineItemType: strings.Repeat("x", i+1)}
		c.Control = append(c.Control, cur.Control{Key: k, Measures: p.Sums(0)})
	}
	wrong, err := cur.NewPartial(p.Spec(), c)
	if err != nil {
		t.Fatal(err)
	}
	l := open(memstore.New(), nil)
	_, err = l.Prepare(ctx, delivery(t, "2026-05-10", "1", wrong), nil, nil)
	if !errors.Is(err, ledger.ErrNotReconciled) || len(err.Error()) > 1000 {
		t.Errorf("Prepare: %v, want ErrNotReconciled in few words", err)
	}
	g := book(t, l, delivery(t, "2026-05-10", "1", wrong), nil, because("a test")).Generation
	if n := len(g.Unreconciled); n != 51 || !strings.Contains(g.Unreconciled[50], "more") {
		t.Errorf("%d things that do not reconcile, want 50 and a count", n)
	}
	reattribute(t, l, claims(claim("c", "r1", "w")))
}
