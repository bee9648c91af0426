package cards_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
)

// week yields the totals of a week of so many workloads, six components each, without
// holding them; every tenth has shared usage too.
func week(workloads int) iter.Seq2[ledger.Total, error] {
	components := []struct {
		c    pricing.Component
		unit string
	}{
		{pricing.CodeInterpreterVCPU, "vCPU-Hours"}, {pricing.MemoryLongTermRetrieval, "Memory-Retrieved"}, {pricing.MemoryShortTerm, "Events"},
		{pricing.ModelInput, "1K tokens"}, {pricing.ModelOutput, "1K tokens"}, {pricing.RuntimeVCPU, "vCPU-Hours"},
	}
	return func(yield func(ledger.Total, error) bool) {
		for i := range workloads {
			for _, c := range components {
				for d := range 7 {
					x := use(fmt.Sprintf("w%05d", i), fmt.Sprintf("2026-05-%02d", 4+d), "1.25", in(c.c, c.unit))
					if !yield(x, nil) {
						return
					}
				}
			}
		}
		for i := 0; i < workloads; i += 10 {
			if !yield(use(fmt.Sprintf("w%05d", i), "2026-05-05", "0.75", shared), nil) {
				return
			}
		}
	}
}

// TestMemoryIsThatOfOneWorkload: ten times the workloads, and no more memory.
func TestMemoryIsThatOfOneWorkload(t *testing.T) {
	peak := func(workloads int) uint64 {
		b, err := cards.NewBook(generation(t, 1, asOf), week(workloads), always(plan("50000", "12.50")))
		if err != nil {
			t.Fatal(err)
		}
		var most uint64
		var ms runtime.MemStats
		n := 0
		for _, err := range b.Months() {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%(workloads/20) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&ms)
				most = max(most, ms.HeapAlloc)
			}
		}
		if n != workloads {
			t.Fatalf("%d workloads, want %d", n, workloads)
		}
		return most
	}
	few, many := peak(1_000), peak(10_000)
	t.Logf("live heap: %d KiB at 1,000 workloads, %d KiB at 10,000", few>>10, many>>10)
	if many > few+1<<20 {
		t.Errorf("live heap grew from %d to %d bytes", few, many)
	}
}
