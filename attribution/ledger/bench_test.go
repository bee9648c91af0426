package ledger_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// BenchmarkBook books a month of many groups, a delivery after it that restates
// some, and other claims; each round in a new file.
func BenchmarkBook(b *testing.B) {
	groups := 100_000
	if testing.Short() {
		groups = 5_000
	}
	rows := make([]*cur.LineItem, 0, groups)
	for i := range groups {
		rows = append(rows, row(b, fmt.Sprintf("2026-05-%02d", 1+i%20), fmt.Sprintf("%d.%03d", i%7, i%1000), fmt.Sprint("r", i/20)))
	}
	first := delivery(b, "2026-05-25", "1", roll(b, nil, rows...))
	for i := 0; i < groups; i += 100 {
		put(b, rows[i], cur.UnblendedCost, "9.99")
	}
	second := delivery(b, "2026-05-26", "2", roll(b, nil, rows...))
	owned, moved := claims(), claims()
	for i := range 500 {
		owned.Claims = append(owned.Claims, claim(fmt.Sprint("c", i), fmt.Sprint("r", i), fmt.Sprint("w", i%50)))
		moved.Claims = append(moved.Claims, claim(fmt.Sprint("c", i), fmt.Sprint("r", i), fmt.Sprint("w", i%49)))
	}
	dir := b.TempDir()
	n := 0
	with := func(name string, before, f func(l *ledger.Ledger)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				n++
				d, err := boltstore.Open(filepath.Join(dir, fmt.Sprint(n, ".db")), &boltstore.Options{Create: true})
				if err != nil {
					b.Fatal(err)
				}
				l := ledger.New(storage.New(d, nil), nil)
				before(l)
				b.StartTimer()
				f(l)
				b.StopTimer()
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(groups), "groups")
		})
	}
	start := func(l *ledger.Ledger) { book(b, l, first, owned, nil) }
	with("first", func(*ledger.Ledger) {}, start)
	with("restated", start, func(l *ledger.Ledger) { book(b, l, second, owned, nil) })
	with("reattributed", start, func(l *ledger.Ledger) { reattribute(b, l, moved) })
	with("unchanged", start, func(l *ledger.Ledger) { book(b, l, first, owned, nil) })
}
