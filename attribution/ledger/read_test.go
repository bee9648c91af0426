package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

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

func TestScanTotalsYieldsWhatTotalsReturns(t *testing.T) {
	d := memstore.New()
	l := open(d, nil)
	p := roll(t, nil,
		row(t, "2026-05-04", "1.25", "owned", invoice("inv-1")), row(t, "2026-05-04", "0.75", "owned"),
		row(t, "2026-05-05", "3", "nobody"), row(t, "2026-05-05", "8", "nobody", other))
	g := book(t, l, delivery(t, "2026-05-25", "e1", p), claims(claim("c1", "owned", "bot")), nil).Generation
	want, err := l.Totals(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	scan := l.ScanTotals(ctx, g)
	for range 2 { // it may be ranged over again
		if diff := cmp.Diff(collect(t, scan), want); diff != "" {
			t.Errorf("(-got +want)\n%s", diff)
		}
	}
	spelled := []string{}
	for _, x := range want {
		spelled = append(spelled, string(x.Outcome)+" "+string(x.Workload)+" "+x.Account+" "+x.Invoice+" "+x.Unblended.String())
	}
	if diff := cmp.Diff(spelled, []string{"claimed bot   0.75", "claimed bot  inv-1 1.25", "excluded    8", "unclaimed  " + account + "  3"}); diff != "" {
		t.Errorf("totals by invoice and account (-got +want)\n%s", diff)
	}
	if got := g.States["USD"]; got != attribution.Open {
		t.Errorf("state %q, want %q", got, attribution.Open)
	}
	for range scan { // leaving early is no error
		break
	}
}
