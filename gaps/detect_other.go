package gaps

import (
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// componentDetector finds usage types that nothing is known of. The subject is the
// usage type, as billed, wherever it is used: the remedy is the same everywhere.
type componentDetector struct{}

func (componentDetector) Kinds() []Kind { return []Kind{UnknownComponent} }

func (componentDetector) Needs(*View) bool { return true }

func (componentDetector) Detect(v *View, report func(Finding)) {
	for s := range v.Spends() {
		if s.Component == pricing.Unknown {
			report(Finding{Kind: UnknownComponent, Spend: s, Subject: Subject{Aspect: aspectUsageType, Value: s.Key.UsageType},
				Why: fmt.Sprintf("usage type %q of %s is not known", s.Key.UsageType, or(s.Key.ProductCode))})
		}
	}
}

// ownerDetector finds workloads that spend and have no budget owner today. The subject
// is the workload. Of a share all of it counts, for what is missing is missing for the
// whole.
type ownerDetector struct{}

func (ownerDetector) Kinds() []Kind { return []Kind{OwnerMissing} }

func (ownerDetector) Needs(*View) bool { return true }

func (ownerDetector) Detect(v *View, report func(Finding)) {
	for s := range v.Spends() {
		for _, w := range s.Owners() {
			if v.owner(w) == "" {
				report(Finding{Kind: OwnerMissing, Spend: s, Subject: Subject{Workload: w},
					Why: fmt.Sprintf("workload %s spends and nobody owns its budget", w)})
			}
		}
	}
}

// estimateDetector finds workloads that spend on days without an estimate in force.
// The subject is the workload; of a share all of it counts.
type estimateDetector struct{}

func (estimateDetector) Kinds() []Kind { return []Kind{EstimateMissing} }

func (estimateDetector) Needs(v *View) bool { return v.Estimates != nil }

func (estimateDetector) Detect(v *View, report func(Finding)) {
	for s := range v.Spends() {
		for _, w := range s.Owners() {
			without := map[time.Time]bool{}
			for i := range s.days {
				if at := s.days[i].time(); !v.estimated(w, at) {
					without[at] = true
				}
			}
			if len(without) == 0 {
				continue
			}
			f := Finding{Kind: EstimateMissing, Spend: s, Subject: Subject{Workload: w},
				Why: fmt.Sprintf("workload %s spends and has no confirmed estimate in force", w)}
			if len(without) < len(s.days) {
				f.On = func(d time.Time) bool { return without[d] }
			}
			report(f)
		}
	}
}

// deadDays is for how many complete days a claim must have caught nothing before it
// counts as dead: a week, so that what rests over a weekend is left alone.
const deadDays = 7

// deadClaimDetector finds claims in force that took hold of nothing in the statement,
// neither as winners nor as losers. A claim that nearly reaches something unclaimed is
// no gap of its own but evidence of that one. Account defaults are meant to catch
// nothing, and what is said of accounts that the statement does not have is not judged:
// other statements, of another payer or currency, may have them. The subject is the
// claim's anchor.
type deadClaimDetector struct{}

func (deadClaimDetector) Kinds() []Kind { return []Kind{DeadClaim} }

func (deadClaimDetector) Needs(v *View) bool { return !v.Complete().IsZero() }

func (deadClaimDetector) Detect(v *View, report func(Finding)) {
	near := map[attribution.ClaimID]bool{}
	for s := range v.Spends() {
		if s.Unowned() && s.Anchor.Value != "" {
			for _, m := range v.misses(s) {
				near[m.Claim.ID] = true
			}
			for _, c := range v.claimsOn(s.Anchor, s.Key.UsageAccount) { // for another time
				near[c.ID] = true
			}
		}
	}
	for i := range v.Claims.Claims {
		c := &v.Claims.Claims[i]
		if !v.dead(c) || near[c.ID] {
			continue
		}
		f := Finding{Kind: DeadClaim, Claims: []string{string(c.ID)}, Subject: Subject{Account: c.Anchor.Account, Anchor: c.Anchor},
			Why: fmt.Sprintf("claim %s on %s took hold of nothing", c.ID, c.Anchor)}
		if o := owners(c); len(o) == 1 {
			f.Subject.Workload = o[0]
		}
		report(f)
	}
}

// dead reports whether a claim is in force, has been for a while, and caught nothing.
func (v *View) dead(c *attribution.Claim) bool {
	if c.Anchor.Kind == attribution.KindAccount || v.held[c.ID] || v.Complete().IsZero() ||
		!v.accounts[canonicalAnchor(c.Anchor, c.Anchor.Account).Account] {
		return false
	}
	// A session of a role can only be looked for where sessions are kept.
	if c.Anchor.Kind == attribution.KindSession {
		return false
	}
	if c.From.After(v.Now) || !c.To.IsZero() && !c.To.After(v.Now) {
		return false
	}
	from, to := v.Statement.Delivery.Period.Start(), v.Complete().AddDate(0, 0, 1)
	if end := v.Statement.Delivery.Period.End(); to.After(end) {
		to = end
	}
	if c.From.After(from) {
		from = c.From
	}
	return to.Sub(from) >= deadDays*24*time.Hour
}
