package governance

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/internal/dynamotest/table"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// bookWeek books a week of so many workloads, two components each, in a ledger of its
// own, so that what is measured is the cards.
func bookWeek(t testing.TB, workloads int) *ledger.Ledger {
	t.Helper()
	l := ledger.New(storage.New(memstore.New(), nil), nil)
	claims := &attribution.Claims{}
	for i := range workloads {
		claims.Claims = append(claims.Claims, attribution.Claim{ID: attribution.ClaimID(fmt.Sprintf("c%05d", i)),
			Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: worldARN(fmt.Sprintf("r%05d", i))},
			Target: attribution.Whole{Workload: attribution.WorkloadID(fmt.Sprintf("w%05d", i))}, From: noon.AddDate(0, -1, 0)})
	}
	p, err := (&cur.Rollup{Where: attribution.DefaultScope().Where()}).Rows(func(yield func(*cur.LineItem, error) bool) {
		for day := 4; day <= 10; day++ {
			for _, usage := range []string{"USE1-Runtime:Consumption-based:vCPU", "USE1-Runtime:Consumption-based:Memory"} {
				li := item(t, day, decimal.New(125, -2))
				if li.UsageType = usage; usage[len(usage)-1] == 'y' {
					li.PricingUnit = "GB-Hours"
				}
				for i := range workloads {
					li.Resource = worldARN(fmt.Sprintf("r%05d", i))
					if !yield(li, nil) {
						return
					}
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	d := cur.Delivery{Payer: bill, Export: "e", Period: cur.MonthOf(noon), Execution: "x1", AsOf: time.Date(2026, 5, 13, 0, 0, 0, 0, time.UTC)}
	b, err := l.Prepare(t.Context(), cur.Rolled{Delivery: d, Partial: p}, claims, nil)
	if err == nil {
		err = b.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// followWeek generates the cards, and returns what was live on the heap at each tenth
// of the way.
func followWeek(t testing.TB, l *ledger.Ledger, s *storage.Store, workloads int, measure bool) (live []uint64) {
	t.Helper()
	d := New(s, &Options{Now: func() time.Time { return noon }})
	n := 0
	o := &SyncOptions{Holder: func(context.Context, cards.Subject, time.Time) (Holder, error) {
		if n++; measure && n%(workloads/10) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live = append(live, m.HeapAlloc)
		}
		return Holder{Name: "a workload", Owner: "becki", Node: "ci", Path: []string{"ci"}}, nil
	}}
	r, err := d.SyncCards(t.Context(), l, bill, cur.MonthOf(noon), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Commands["open"] != workloads {
		t.Fatalf("%v, want %d cards", r.Commands, workloads)
	}
	return live
}

func boltDriver(t testing.TB) storage.Driver {
	t.Helper()
	d, err := boltstore.Open(filepath.Join(t.TempDir(), "cards.db"), &boltstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// TestAWeekOfCardsTakesBoundedMemory: while cards are generated a key is kept of each
// workload, and no cards.
func TestAWeekOfCardsTakesBoundedMemory(t *testing.T) {
	n := 2000
	switch {
	case testing.Short():
		t.Skip("measured without -short")
	case long():
		n = 10_000
	}
	live := followWeek(t, bookWeek(t, n), newStore(boltDriver(t)), n, true)
	first, last := live[0], slices.Max(live)
	t.Logf("live heap: %d KiB after a tenth of %d workloads, at most %d KiB", first>>10, n, last>>10)
	// A key is some 80 bytes in a map of strings, a card is thousands.
	if limit := uint64(n)*300 + 512<<10; last > first+limit {
		t.Errorf("it grew by %d bytes, at most %d", last-first, limit)
	}
}

// BenchmarkWeekOfCards generates a week's cards of 10,000 workloads (1,000 with -short)
// on each engine that is there.
func BenchmarkWeekOfCards(b *testing.B) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	var l *ledger.Ledger
	for _, name := range []string{"bbolt", "DynamoDB"} {
		b.Run(name, func(b *testing.B) {
			if l == nil {
				l = bookWeek(b, n)
			}
			b.ReportMetric(float64(n), "cards/op")
			for b.Loop() {
				b.StopTimer()
				var d storage.Driver
				if name == "bbolt" {
					d = boltDriver(b)
				} else {
					d = table.Open(b)
				}
				s := newStore(d)
				b.StartTimer()
				followWeek(b, l, s, n, false)
			}
		})
	}
}
