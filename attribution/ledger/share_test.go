package ledger_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
)

// sharedClaim splits a runtime: a three parts, b one.
func sharedClaim(resource string, by attribution.Basis) attribution.Claim {
	c := claim("shared", resource, "")
	s := attribution.Share{By: by, Parts: []attribution.Part{{Workload: "a"}, {Workload: "b"}}}
	if by == attribution.ByWeight {
		s.Parts[0].Weight, s.Parts[1].Weight = decimal.NewFromInt(3), decimal.NewFromInt(1)
	}
	c.Target = s
	return c
}

// TestSharesAreBooked books a share, changes it, and restates its month: totals
// hold the parts, and every difference adds up to them.
func TestSharesAreBooked(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		p := roll(t, nil, row(t, "2026-05-03", "10", "gateway"), row(t, "2026-05-04", "30", "own"))
		own := claim("own", "own", "a")
		check := func(generation uint64, want map[string]string) {
			t.Helper()
			g, err := l.Head(ctx, payer, month(t, "2026-05"))
			if err != nil {
				t.Fatal(err)
			}
			if g.Number != generation || !g.Reconciled {
				t.Errorf("generation %d, reconciled %v, want %d", g.Number, g.Reconciled, generation)
			}
			list, err := l.Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			sums := map[string]decimal.Decimal{}
			for _, x := range list {
				k := string(x.Outcome) + " " + string(x.Workload)
				sums[k] = sums[k].Add(x.Unblended)
			}
			if d := cmp.Diff(want, texts(sums)); d != "" {
				t.Errorf("totals (-want +got):\n%s", d)
			}
			again, err := l.Statements(ctx, g)
			if err != nil || !again[0].Reconciled {
				t.Errorf("statements made again: %v", err)
			}
		}
		book(t, l, delivery(t, "2026-05-25", "e-1", p), claims(own, sharedClaim("gateway", attribution.ByWeight)), nil)
		check(1, map[string]string{"claimed a": "30", "shared a": "7.5", "shared b": "2.5"})

		b := reattribute(t, l, claims(own, sharedClaim("gateway", attribution.Evenly)))
		if d := cmp.Diff(map[string]string{"a": "-2.5", "b": "2.5"}, sharedDeltas(b.Delta)); d != "" {
			t.Errorf("difference of the share (-want +got):\n%s", d)
		}
		check(2, map[string]string{"claimed a": "30", "shared a": "5", "shared b": "5"})

		q := roll(t, nil, row(t, "2026-05-03", "11", "gateway"), row(t, "2026-05-04", "30", "own"))
		b = book(t, l, delivery(t, "2026-05-27", "e-2", q), claims(own, sharedClaim("gateway", attribution.Evenly)), nil)
		if d := cmp.Diff(map[string]string{"a": "0.5", "b": "0.5"}, sharedDeltas(b.Delta)); d != "" {
			t.Errorf("difference of the restatement (-want +got):\n%s", d)
		}
		check(3, map[string]string{"claimed a": "30", "shared a": "5.5", "shared b": "5.5"})

		// What cannot be split is refused, and nothing booked changes.
		none := claims(sharedClaim("gateway", attribution.ByDirectCost))
		if _, err := l.Reattribute(ctx, payer, month(t, "2026-05"), none); !errors.Is(err, attribution.ErrShare) {
			t.Errorf("no direct cost: error %v, want ErrShare", err)
		}
		none.Claims[0].Target = attribution.Share{By: attribution.Evenly}
		if _, err := l.SaveClaims(ctx, none); !errors.Is(err, attribution.ErrShare) {
			t.Errorf("a share of nobody: error %v, want ErrShare", err)
		}
		check(3, map[string]string{"claimed a": "30", "shared a": "5.5", "shared b": "5.5"})
	})
}

func sharedDeltas(list []ledger.Delta) map[string]string {
	sums := map[string]decimal.Decimal{}
	for _, x := range list {
		sums[string(x.Workload)] = sums[string(x.Workload)].Add(x.Unblended)
	}
	return texts(sums)
}
