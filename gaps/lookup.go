package gaps

import (
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// lookups are answers that detectors ask for again and again. They are worked out on
// demand and never change, so that a view still is a pure function of its input.
type lookups struct {
	owners    map[attribution.WorkloadID]string
	estimates map[estimateKey]bool
	misses    map[attribution.Anchor][]attribution.NearMiss
	anchors   map[attribution.Anchor][]*attribution.Claim
	units     map[unitKey][]string
	names     []workloadName
}

type estimateKey struct {
	workload attribution.WorkloadID
	day      int64
}

// owner returns the budget owner of a workload now, "" if it has none.
func (v *View) owner(w attribution.WorkloadID) string {
	o, ok := v.look.owners[w]
	if !ok {
		o = v.Directory.WorkloadOwner(w, v.Now)
		v.look.owners[w] = o
	}
	return o
}

// estimated reports whether a workload has an estimate on a day.
func (v *View) estimated(w attribution.WorkloadID, at time.Time) bool {
	k := estimateKey{w, at.Unix()}
	e, ok := v.look.estimates[k]
	if !ok {
		e = v.Estimates.Estimated(w, at)
		v.look.estimates[k] = e
	}
	return e
}

// misses returns the near misses of what nobody owns, once for each anchor.
func (v *View) misses(s *Spend) []attribution.NearMiss {
	m, ok := v.look.misses[s.Anchor]
	if !ok {
		m = v.NearMisses(s)
		v.look.misses[s.Anchor] = m
	}
	return m
}

// claimsOn returns the claims on an anchor or on what contains it, by canonical
// spelling; when they are in force does not matter.
func (v *View) claimsOn(a attribution.Anchor, account string) []*attribution.Claim {
	if v.look.anchors == nil {
		v.look.anchors = map[attribution.Anchor][]*attribution.Claim{}
		for i := range v.Claims.Claims {
			c := &v.Claims.Claims[i]
			k := canonicalAnchor(c.Anchor, c.Anchor.Account)
			v.look.anchors[k] = append(v.look.anchors[k], c)
		}
	}
	return v.look.anchors[canonicalAnchor(a, account)]
}

// starter returns the workload that started a session: that of the resource the
// caller ran in, else the one that the session is named for; "" if it is not clear.
func (v *View) starter(s *SessionStart) attribution.WorkloadID {
	if s.By != "" {
		for _, c := range v.claimsOn(attribution.Anchor{Kind: attribution.KindResource, Value: s.By, Account: s.Account}, s.Account) {
			inForce := !s.At.Before(c.From) && (c.To.IsZero() || s.At.Before(c.To))
			if o := owners(c); len(o) == 1 && (s.At.IsZero() || inForce) {
				return o[0]
			}
		}
	}
	return v.namedFor(s.Session)
}

// workloadName is the words of a workload's id.
type workloadName struct {
	id    attribution.WorkloadID
	words []string
}

// namedFor returns the one workload that a name begins with: with all words of its id,
// or with the first two. A name that fits several says nothing.
func (v *View) namedFor(name string) (best attribution.WorkloadID) {
	words := attribution.NameWords(name)
	if len(words) == 0 {
		return ""
	}
	if v.look.names == nil {
		for _, w := range v.workloads() {
			v.look.names = append(v.look.names, workloadName{w, attribution.NameWords(string(w))})
		}
	}
	length, tied := 0, false
	for _, n := range v.look.names {
		same := 0
		for same < len(words) && same < len(n.words) && words[same] == n.words[same] {
			same++
		}
		switch {
		case same < min(2, len(n.words)) || same == 0:
		case same > length:
			best, length, tied = n.id, same, false
		case same == length:
			tied = true
		}
	}
	if tied {
		return ""
	}
	return best
}
