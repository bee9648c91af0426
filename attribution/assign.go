package attribution

import (
	"cmp"
	"slices"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Assignment is what became of the rows of one group. Its pointers lead into the
// index and are not to be written through.
type Assignment struct {
	Outcome Outcome
	Reason  Reason
	Kind    ChargeKind
	// Component is what the rows pay for; it never changes the outcome.
	Component pricing.Component
	// Product names the product of the scope that the rows belong to; "" when
	// out of scope.
	Product string
	// Anchor is what a claim would have to take hold of, as billed; the zero
	// Anchor where the rows have none, or are out of scope.
	Anchor Anchor
	// Claim is the claim that won, and Workload who has the money by it.
	Claim    *Claim
	Workload WorkloadID
	// Tied are the claims of a conflict, by id.
	Tied []*Claim
	// Overridden are the claims in force that lost to Claim, best first.
	Overridden []*Claim
}

// Assign says who owns the rows of a group. It is a pure function of the key.
func (ix *Index) Assign(k *cur.Key) Assignment {
	var s scratch
	return ix.walk(k, &s)
}

// scratch is memory that one assignment after another can use. Steps are
// recorded where they are wanted: explaining is assigning.
type scratch struct {
	candidates []Candidate
	matches    []match
	found      []found
	explain    bool
	steps      []Step
}

// found is a claim in force that can own the row.
type found struct {
	claim *Claim
	link  int
	rank  int
}

// walk goes down the chain of a group's product.
func (ix *Index) walk(k *cur.Key, s *scratch) Assignment {
	a := Assignment{Kind: KindOf(k.LineItemType)}
	ch := ix.product(k)
	if ch == nil {
		a.Outcome, a.Reason, a.Component = Excluded, ReasonOutOfScope, pricing.Unknown
		s.record(Step{Link: "scope", Verdict: VerdictOutOfScope})
		return a
	}
	infrastructure := ch == ix.infraVia
	if infrastructure {
		a.Component = pricing.Infrastructure(k.ProductCode)
	} else {
		a.Component = pricing.Classify(pricing.Usage{ProductCode: k.ProductCode, UsageType: k.UsageType,
			Operation: k.Operation, ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit}).Component
	}
	a.Product, a.Anchor = ch.product.Name, ch.anchor(k)
	s.record(Step{Link: "scope", Product: ch.product.Name, Verdict: VerdictInScope})

	offered, early := ix.collect(k, ch, a.Kind, s)
	best := s.rank()
	// The order of the cases is the order of precedence. Only usage can be
	// unclaimed, so a tie of anything else is money without an owner of its kind.
	switch {
	case len(best) == 1:
		a.win(best[0].claim, s)
	case len(best) > 1 && a.Kind == Usage:
		a.Outcome, a.Reason = Unclaimed, ReasonConflict
		for _, f := range best {
			a.Tied = append(a.Tied, f.claim)
		}
	case infrastructure && len(best) == 0:
		a.Outcome, a.Reason = Excluded, ReasonInfrastructureUnclaimed
	case a.Kind != Usage:
		a.Outcome, a.Reason = Unallocated, Reason(a.Kind)
	default:
		a.Outcome, a.Reason = Unclaimed, ix.reason(k, ch, offered, early)
	}
	return a
}

// product returns the chain of the product that a group belongs to, or nil.
func (ix *Index) product(k *cur.Key) *chain {
	for i := range ix.products {
		if ix.products[i].product.Where.MatchKey(k) {
			return &ix.products[i]
		}
	}
	if slices.Contains(ix.infra, k.ProductCode) {
		return ix.infraVia
	}
	return nil
}

// collect asks every link for anchors and finds the claims on them. What is in
// force and can own the row goes to s.found. offered says that some link had an
// anchor more telling than the account; early, that a claim matched which is not
// in force at the bucket's start.
func (ix *Index) collect(k *cur.Key, ch *chain, kind ChargeKind, s *scratch) (offered, early bool) {
	s.found = s.found[:0]
	start := k.Bucket.Time()
	for n, link := range ch.links {
		s.candidates = link.Anchors(s.candidates[:0], k)
		if len(s.candidates) == 0 {
			s.record(Step{Link: link.Name(), Verdict: VerdictAbsent})
		}
		for i := range s.candidates {
			c := &s.candidates[i]
			offered = offered || c.Anchor.Kind != KindAccount
			s.matches = ix.lookup(s.matches[:0], c)
			if len(s.matches) == 0 {
				s.record(Step{Link: link.Name(), Anchor: c.Anchor, Verdict: VerdictNoClaim})
			}
			for _, m := range s.matches {
				verdict := Verdict("") // set by rank for what can own the row
				switch {
				case m.canon.usageOnly() && kind != Usage:
					verdict = VerdictUsageOnly
				case !m.claim.at(start):
					verdict, early = VerdictNotInForce, true
				default:
					s.find(found{m.claim, n, m.rank})
				}
				if s.explain {
					s.record(Step{Link: link.Name(), Anchor: c.Anchor, Claim: m.claim, Verdict: verdict, Cut: cutOf(m.claim, k.Bucket)})
				}
			}
		}
	}
	return offered, early
}

// find keeps a claim, once: by its best match.
func (s *scratch) find(f found) {
	for i := range s.found {
		if g := &s.found[i]; g.claim == f.claim {
			if g.link == f.link && g.rank > f.rank {
				g.rank = f.rank
			}
			return
		}
	}
	s.found = append(s.found, f)
}

// rank puts what was found in order, best first: by link, then by how closely it
// matches. Ids only make the order of equals the same every time. It returns the
// best: one claim that wins, or several that tie.
func (s *scratch) rank() []found {
	slices.SortStableFunc(s.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.link, b.link), cmp.Compare(a.rank, b.rank), cmp.Compare(a.claim.ID, b.claim.ID))
	})
	n := 0
	for n < len(s.found) && s.found[n].link == s.found[0].link && s.found[n].rank == s.found[0].rank {
		n++
	}
	if s.explain {
		for i, f := range s.found {
			v := VerdictOverridden
			switch {
			case i < n && n == 1:
				v = VerdictWon
			case i < n:
				v = VerdictTied
			}
			for j := range s.steps {
				if st := &s.steps[j]; st.Claim == f.claim && st.Verdict == "" {
					st.Verdict = v
				}
			}
		}
	}
	return s.found[:n]
}

// win gives the money to a claim's target.
func (a *Assignment) win(c *Claim, s *scratch) {
	a.Claim, a.Outcome = c, Claimed
	if c.Anchor.Kind == KindAccount {
		a.Outcome = Defaulted
	}
	switch t := c.Target.(type) {
	case Whole:
		a.Workload = t.Workload
	}
	for _, f := range s.found[1:] {
		a.Overridden = append(a.Overridden, f.claim)
	}
}

// anchor names what a claim on the row would take hold of: the first anchor of
// the chain that the row has.
func (ch *chain) anchor(k *cur.Key) Anchor {
	for _, c := range ch.primary {
		switch {
		case c == cur.ColPrincipal && k.Principal != "":
			return principalAnchor(k)
		case c == cur.ColResource && isProfile(k.Resource):
			return Anchor{KindProfile, k.Resource, k.UsageAccount}
		case c == cur.ColResource && k.Resource != "":
			return Anchor{KindResource, k.Resource, k.UsageAccount}
		}
	}
	return Anchor{}
}

// reason says why nobody owns usage: the first that applies.
func (ix *Index) reason(k *cur.Key, ch *chain, offered, early bool) Reason {
	has := func(c cur.Column) bool { return slices.Contains(ch.primary, c) }
	v := ""
	if len(ch.primary) > 0 {
		v, _ = k.Column(ch.primary[0])
	}
	switch {
	case early:
		return ReasonClaimNotInForce
	case v != "", len(ch.primary) == 0 && offered:
		return ReasonNoClaim
	case has(cur.ColPrincipal) && ix.noPrincipal:
		return ReasonPrincipalNotExported
	case has(cur.ColResource) && ix.noResource:
		return ReasonResourceNotExported
	case has(cur.ColPrincipal) && k.Principal == "":
		return ReasonPrincipalBlank
	case has(cur.ColResource) && k.Resource == "":
		return ReasonResourceBlank
	}
	return ReasonNoAnchor
}
