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
	as := Assigner{ix: ix, explain: true}
	as.Assign(k)
	return as.steps
}

func (as *Assigner) record(step Step) {
	if as.explain {
		as.steps = append(as.steps, step)
	}
}

// settle gives their verdict to the steps that found a claim which can own the
// rows; best is how many of those are equally good.
func (as *Assigner) settle(r *reading, best int) {
	for n, i := range as.live {
		v := VerdictOverridden
		switch {
		case n < best && best == 1:
			v = VerdictWon
		case n < best:
			v = VerdictTied
		}
		for j := range as.steps {
			if st := &as.steps[j]; st.Claim == r.claims[i] && st.Verdict == "" {
				st.Verdict = v
			}
		}
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
