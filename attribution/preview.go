package attribution

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/pricing"
)

// Change is what other claims would make of a statement.
type Change struct {
	After     *Statement
	Terms     []Term           // what leads there, see [Diff]
	Workloads []WorkloadChange // those whose money would change, by id
	// Straddled is the money of buckets that boundaries of new or changed claims
	// cut through, see [Statement.Straddled].
	Straddled []StraddledTotal
	// BackDated are the claims, as proposed, that say something else of days
	// which the statement is complete for, and those that would be gone. Whether
	// that may be is not decided here.
	BackDated []Claim
}

// WorkloadChange is what a change does to what a workload has by claims.
type WorkloadChange struct {
	Workload      WorkloadID
	Before, After Amounts
}

// Preview works out what a statement would be under other claims, before anybody
// saves them: of this period and currency. Nothing is stored and no file is read.
// The errors are those of [NewIndex] and [Attribute].
func (s *Statement) Preview(ctx context.Context, c *Claims) (*Change, error) {
	if c == nil {
		c = &Claims{}
	}
	fail := func(err error) (*Change, error) {
		return nil, fmt.Errorf("attribution: preview: %w", err)
	}
	ix, err := NewIndex(c, &s.ix.rules, s.p.Spec())
	if err != nil {
		return fail(err)
	}
	all, err := Attribute(ctx, s.p, ix, &Options{Delivery: s.Delivery, Horizon: s.horizon, Sessions: s.g.sessions})
	if err != nil {
		return fail(err)
	}
	i := slices.IndexFunc(all, func(x *Statement) bool { return x.Currency == s.Currency })
	out := &Change{After: all[i]} // the same groups have the same currencies
	if out.Terms, err = Diff(ctx, s, out.After); err != nil {
		return fail(err)
	}
	out.Workloads = s.workloadChanges(out.After)
	before, after := forms(&s.ix.claims, time.Time{}), forms(&ix.claims, time.Time{})
	for _, x := range out.After.Straddled() {
		if before[x.Claim.ID] != after[x.Claim.ID] {
			out.Straddled = append(out.Straddled, x)
		}
	}
	if !s.CompleteThrough.IsZero() {
		out.BackDated = backDated(&s.ix.claims, &ix.claims, s.CompleteThrough.Add(24*time.Hour))
	}
	return out, nil
}

func (s *Statement) workloadChanges(after *Statement) (out []WorkloadChange) {
	ids := map[WorkloadID]bool{}
	for _, t := range [...]*tally{s.tally, after.tally} {
		for id := range t.owned {
			ids[id] = true
		}
	}
	total := func(t *tally, id WorkloadID) (x amounts) {
		if w := t.owned[id]; w != nil {
			x = w.total()
		}
		return x
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		b, a := total(s.tally, id), total(after.tally, id)
		if b.rows != a.rows || !b.unblended.Equal(a.unblended) || !b.net.Equal(a.net) || !b.amortized.Equal(a.amortized) {
			out = append(out, WorkloadChange{id, s.m.public(&b), s.m.public(&a)})
		}
	}
	return out
}

// forms returns what each claim says, as far as it says it of the time before an
// instant; a zero instant is the end of time.
func forms(c *Claims, before time.Time) map[ClaimID]string {
	out := make(map[ClaimID]string, len(c.Claims))
	for _, cl := range c.Claims {
		cl.RecordedAt = time.Time{}
		if !before.IsZero() {
			if !cl.From.Before(before) {
				continue
			}
			if cl.To.IsZero() || cl.To.After(before) {
				cl.To = before
			}
		}
		out[cl.ID] = string((&Claims{Claims: []Claim{cl}}).AppendJSON(nil))
	}
	return out
}

func backDated(old, new *Claims, before time.Time) (out []Claim) {
	was, is := forms(old, before), forms(new, before)
	for _, cl := range new.Claims {
		if was[cl.ID] != is[cl.ID] {
			out = append(out, cl)
		}
	}
	known := forms(new, time.Time{})
	for _, cl := range old.Claims {
		if _, ok := known[cl.ID]; !ok && was[cl.ID] != "" {
			out = append(out, cl)
		}
	}
	return out
}

// BackDated reports whether a claim was recorded after it came into force.
func (c *Claim) BackDated() bool { return c.RecordedAt.After(c.From) }

// RecordedBy returns the claims that were known at an instant: what was believed
// then. Claims that were never recorded count as always known. A claim that was
// changed is known by its last form only; the books keep the earlier ones.
func (c *Claims) RecordedBy(t time.Time) *Claims {
	out := &Claims{Workloads: c.Workloads, Weights: c.Weights}
	for _, cl := range c.Claims {
		if !cl.RecordedAt.After(t) {
			out.Claims = append(out.Claims, cl)
		}
	}
	return out
}

// AI returns the usage of a workload without its infrastructure. What is not usage
// is in neither: it is known by kind, not by component.
func (w *WorkloadTotal) AI() Amounts {
	out := Amounts{Net: zeroIf(w.Net.Valid), Amortized: zeroIf(w.Amortized.Valid)}
	for i := range w.Components {
		c := &w.Components[i]
		if c.Group == pricing.GroupInfrastructure {
			continue
		}
		out.Rows += c.Rows
		out.Unblended = out.Unblended.Add(c.Unblended)
		out.Net.Decimal = out.Net.Decimal.Add(c.Net.Decimal)
		out.Amortized.Decimal = out.Amortized.Decimal.Add(c.Amortized.Decimal)
	}
	return out
}

// zeroIf returns zero where a metric is there, and null where it is not.
func zeroIf(valid bool) decimal.NullDecimal { return decimal.NullDecimal{Valid: valid} }
