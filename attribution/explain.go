package attribution

import (
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// Verdict is what a step of an explanation came to.
type Verdict string

// The verdicts.
const (
	VerdictInScope    Verdict = "in_scope"     // the row belongs to the product of the step
	VerdictOutOfScope Verdict = "out_of_scope" // and to none otherwise
	VerdictAbsent     Verdict = "absent"       // the row has nothing for this link
	VerdictNoClaim    Verdict = "no_claim"     // nobody claims the anchor
	VerdictUsageOnly  Verdict = "usage_only"   // a claim that catches usage only; the row is not usage
	VerdictNotInForce Verdict = "not_in_force" // a claim for another time
	VerdictWon        Verdict = "won"
	VerdictTied       Verdict = "tied" // an equally good claim is in force too
	VerdictOverridden Verdict = "overridden"
)

// Step is one thing that was looked at on the way to an assignment.
type Step struct {
	Link    string // the resolver, or "scope"
	Product string // of the scope
	Anchor  Anchor // that the row offers, as billed
	Claim   *Claim // found on it; nil if none
	Verdict Verdict
	// Cut is set when a boundary of the claim lies inside the row's bucket of
	// time: the boundary takes effect at this instant, the bucket's end.
	Cut time.Time
}

// Explain returns the steps that lead to what [Index.Assign] says, which runs
// the same code: the scope, then every link of the chain in order, with the
// claims it led to and what became of them.
func (ix *Index) Explain(k *cur.Key) []Step {
	s := scratch{explain: true}
	ix.walk(k, &s)
	return s.steps
}

func (s *scratch) record(step Step) {
	if s.explain {
		s.steps = append(s.steps, step)
	}
}

// cutOf returns when a boundary of c that lies inside a bucket takes effect.
func cutOf(c *Claim, b cur.Bucket) time.Time {
	start, end := b.Time(), b.End()
	inside := func(t time.Time) bool { return !t.IsZero() && t.After(start) && t.Before(end) }
	if inside(c.From) || inside(c.To) {
		return end
	}
	return time.Time{}
}
