package attribution

import (
	"testing"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// TestRowsMovedBetweenOutcomesAreSeen moves money inside the tally, where the
// total and every control total still hold.
func TestRowsMovedBetweenOutcomesAreSeen(t *testing.T) {
	x := func(rows, cost int64) amounts { return amounts{rows: rows, unblended: exact.FromInt(cost)} }
	sound := func() *tally {
		ta := newTally(metrics{})
		k := &cur.Key{LineItemType: "Usage", ProductCode: "P"}
		var m cur.Measures
		m.Rows = 1
		c := &Claim{ID: "c"}
		for _, a := range []Assignment{
			{Outcome: Claimed, Kind: Usage, Claim: c, Workload: "w"},
			{Outcome: Claimed, Kind: Credit, Claim: c, Workload: "w"},
			{Outcome: Defaulted, Kind: Usage, Claim: c, Workload: "w"},
			{Outcome: Unclaimed, Reason: ReasonNoClaim, Kind: Usage},
			{Outcome: Unallocated, Reason: "tax", Kind: Tax},
			{Outcome: Unallocated, Reason: "fee", Kind: Fee},
			{Outcome: Excluded, Reason: ReasonOutOfScope, Kind: Usage},
		} {
			ta.group(k, k.Bucket, &m, &a)
		}
		m.Rows = 7
		ta.controlled(&cur.Control{Key: cur.ControlKey{LineItemType: "Usage"}, Measures: m}, cur.Month{})
		return ta
	}
	if d := sound().check(); len(d) != 0 {
		t.Fatalf("sound tally: %v", d)
	}
	all := []Outcome{Claimed, Defaulted, Unclaimed, Unallocated, Excluded}
	for _, from := range all {
		for _, to := range all {
			if from == to {
				continue
			}
			for _, reasons := range []bool{false, true} {
				ta := sound()
				take, give := x(-1, -1), x(1, 1)
				ta.outcomes[from].add(&take)
				ta.outcomes[to].add(&give)
				if reasons {
					// The reasons follow; those who have the money do not.
					for k := range ta.reasons {
						if k.outcome == from {
							ta.reasons[k].add(&take)
							break
						}
					}
					for k := range ta.reasons {
						if k.outcome == to {
							ta.reasons[k].add(&give)
							break
						}
					}
				}
				if d := ta.check(); len(d) == 0 {
					t.Errorf("a row moved from %s to %s, reasons with it: %v: not seen", from, to, reasons)
				}
			}
		}
	}
	// From one workload to another the outcome stays; from a workload's money to
	// nobody's it does not.
	ta := sound()
	ta.owned["w"].other[Credit].add(&amounts{rows: -1})
	if d := ta.check(); len(d) == 0 {
		t.Error("a row missing from its workload is not seen")
	}
	ta = sound()
	for _, o := range ta.unclaimed.all {
		for c := o.first; c != nil; c = c.next {
			c.add(&amounts{unblended: exact.FromInt(1)})
		}
	}
	if d := ta.check(); len(d) != 1 || d[0].String() != "outcome unclaimed: unblended is 0, not 1" {
		t.Errorf("money that nobody owns twice: %v", d)
	}
}
