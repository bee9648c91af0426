package attribution

import (
	"fmt"
	"slices"

	"github.com/spendclaim/spendclaim/cur"
)

// SpreadRule says what becomes of money that no claimed anchor leads to and that
// is no usage: tax, credits, discounts and fees. What it assigns is [Spread], apart
// from what workloads have by claims.
type SpreadRule struct {
	Name  string       // for errors
	Kinds []ChargeKind // nil means all
	Where cur.Where    // the zero Where, all rows in scope
	// To is a cost centre that has it all. Without one the money goes to the
	// workloads of the same payer, account and product, in proportion to the
	// unblended cost of the usage they have there by claims of their own; where
	// none has any, it stays unallocated.
	To WorkloadID
	// Leave leaves the money unallocated, against rules that follow.
	Leave bool
}

// checkSpread refuses rules that cannot be meant.
func (r *Rules) checkSpread() error {
	for i, s := range r.Spread {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("attribution: index: spread rule %d %q: %w", i+1, s.Name, fmt.Errorf(format, args...))
		}
		if s.Leave && s.To != "" {
			return fail("it leaves the money and gives it to %q", s.To)
		}
		if s.To != "" {
			if err := checkID("workload", string(s.To)); err != nil {
				return fail("%w", err)
			}
		}
		for _, k := range s.Kinds {
			if !isKind(Reason(k)) {
				return fail("kind %q is not spread", k)
			}
		}
	}
	return nil
}

// spreadRule returns the place of the rule for a group, if there is one.
func (r *Rules) spreadRule(k *cur.Key, kind ChargeKind) (at int, ok bool) {
	for i := range r.Spread {
		s := &r.Spread[i]
		if (s.Kinds == nil || slices.Contains(s.Kinds, kind)) && s.Where.MatchKey(k) {
			return i, !s.Leave
		}
	}
	return 0, false
}
