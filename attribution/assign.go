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
	// Claim is the claim that won, and Workload who has the money by it: "" for a
	// share that is split when all groups are assigned.
	Claim    *Claim
	Workload WorkloadID
	// Tied are the claims of a conflict, by id.
	Tied []*Claim
	// Overridden are the claims in force that lost to Claim, best first.
	Overridden []*Claim
}

// Assign says who owns the rows of a group. It is a pure function of the key. An
// [Assigner] says the same of many groups at less cost.
func (ix *Index) Assign(k *cur.Key) Assignment { return ix.Assigner().Assign(k) }

// Assigner assigns group after group and remembers what it read of their keys:
// each product, usage type, principal and resource is read once. Its memory grows
// with the number of different ones. It is used by one goroutine; an index can
// have many. The zero Assigner is not usable, see [Index.Assigner].
type Assigner struct {
	ix *Index

	// What was read, and of it what was asked for last.
	scopes  memo[scopeKey, scoped]
	anchors memo[anchorKey, reading]
	last    struct {
		scoped
		*reading
		declared string
	}

	// Memory that one assignment after another uses.
	candidates []Candidate
	matches    []match
	live       []int
	declared   []byte

	// Steps are recorded where they are wanted: explaining is assigning.
	explain bool
	steps   []Step
}

// Assigner returns an assigner that remembers nothing yet.
func (ix *Index) Assigner() *Assigner { return &Assigner{ix: ix} }

// scopeKey is what product and component are a function of, for scopes that look
// at no other column.
type scopeKey struct{ entity, code, family, name, usageType, operation, unit string }

// scoped is what was read of a scopeKey; no chain is out of scope.
type scoped struct {
	chain     *chain
	component pricing.Component
}

// anchorKey is what the anchors of a row are a function of, for chains whose
// links say that they look at no other column.
type anchorKey struct {
	chain                        *chain
	principal, resource, account string
	declared                     string
}

// reading is what was read of an anchorKey: the claims it leads to, whatever the
// time and the kind of row, best first.
type reading struct {
	anchor Anchor
	found  []found
	claims []*Claim // of found
	// offered says that some link had an anchor more telling than the account.
	offered bool
}

// found is a claim that an anchor of the row leads to.
type found struct {
	claim     *Claim
	link      int
	rank      int
	usageOnly bool
}

// Assign is [Index.Assign].
func (as *Assigner) Assign(k *cur.Key) Assignment {
	a := Assignment{Kind: KindOf(k.LineItemType)}
	sc := as.scope(k)
	if sc.chain == nil {
		a.Outcome, a.Reason, a.Component = Excluded, ReasonOutOfScope, pricing.Unknown
		as.record(Step{Link: "scope", Verdict: VerdictOutOfScope})
		return a
	}
	a.Product, a.Component = sc.chain.product.Name, sc.component
	as.record(Step{Link: "scope", Product: a.Product, Verdict: VerdictInScope})
	r := as.read(k, sc.chain, a.Kind)
	a.Anchor = r.anchor
	as.decide(&a, k, sc.chain, r)
	return a
}

// scope returns the chain of the product that a group belongs to and what the
// group pays for.
func (as *Assigner) scope(k *cur.Key) scoped {
	ix := as.ix
	if !ix.plainScope {
		return ix.scope(k)
	}
	key := scopeKey{k.BillingEntity, k.ProductCode, k.ProductFamily, k.ProductName, k.UsageType, k.Operation, k.PricingUnit}
	sc, isNew := as.scopes.of(key)
	if isNew {
		*sc = ix.scope(k)
	}
	as.last.scoped = *sc
	return *sc
}

func (ix *Index) scope(k *cur.Key) scoped {
	ch := ix.product(k)
	switch ch {
	case nil:
		return scoped{}
	case ix.infraVia:
		return scoped{ch, pricing.Infrastructure(k.ProductCode)}
	}
	return scoped{ch, pricing.Classify(pricing.Usage{ProductCode: k.ProductCode, UsageType: k.UsageType,
		Operation: k.Operation, ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit}).Component}
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

// read returns what the anchors of a group lead to. The kind of its rows matters
// to explanations alone, which read everything anew.
func (as *Assigner) read(k *cur.Key, ch *chain, kind ChargeKind) *reading {
	if as.explain || !ch.plain {
		r := new(reading)
		as.collect(r, k, ch, kind)
		return r
	}
	key := anchorKey{chain: ch, principal: k.Principal, resource: k.Resource, account: k.UsageAccount}
	if names := k.Declared(); len(names) > 0 {
		as.declared = as.declared[:0]
		for _, c := range names {
			v, _ := k.Column(c)
			as.declared = appendTexts(as.declared, v)
		}
		// The text is made only where it is not the last one's.
		if string(as.declared) != as.last.declared {
			as.last.declared = string(as.declared)
		}
		key.declared = as.last.declared
	}
	r, isNew := as.anchors.of(key)
	if isNew {
		as.collect(r, k, ch, kind)
	}
	as.last.reading = r
	return r
}

// collect asks every link for anchors and finds the claims on them.
func (as *Assigner) collect(r *reading, k *cur.Key, ch *chain, kind ChargeKind) {
	r.anchor = ch.anchor(k)
	for n, link := range ch.links {
		as.candidates = link.Anchors(as.candidates[:0], k)
		if len(as.candidates) == 0 {
			as.record(Step{Link: link.Name(), Verdict: VerdictAbsent})
		}
		for i := range as.candidates {
			c := &as.candidates[i]
			r.offered = r.offered || c.Anchor.Kind != KindAccount
			as.matches = as.ix.lookup(as.matches[:0], c)
			if len(as.matches) == 0 {
				as.record(Step{Link: link.Name(), Anchor: c.Anchor, Verdict: VerdictNoClaim})
			}
			for _, m := range as.matches {
				f := found{m.claim, n, m.rank, m.canon.usageOnly()}
				r.find(f)
				if as.explain {
					as.record(Step{Link: link.Name(), Anchor: c.Anchor, Claim: m.claim, Verdict: f.verdict(k, kind), Cut: cutOf(m.claim, k.Bucket)})
				}
			}
		}
	}
	// Best first: by link, then by how closely it matches. Ids only make the
	// order of equals the same every time.
	slices.SortStableFunc(r.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.link, b.link), cmp.Compare(a.rank, b.rank), cmp.Compare(a.claim.ID, b.claim.ID))
	})
	for _, f := range r.found {
		r.claims = append(r.claims, f.claim)
	}
}

// find keeps a claim, once: by its best match.
func (r *reading) find(f found) {
	for i := range r.found {
		if g := &r.found[i]; g.claim == f.claim {
			if g.link == f.link && g.rank > f.rank {
				g.rank = f.rank
			}
			return
		}
	}
	r.found = append(r.found, f)
}

// verdict says what keeps a claim from owning rows of a kind; "" if nothing does.
func (f *found) verdict(k *cur.Key, kind ChargeKind) Verdict {
	switch {
	case f.usageOnly && kind != Usage:
		return VerdictUsageOnly
	case !f.claim.at(k.Bucket.Time()):
		return VerdictNotInForce
	}
	return ""
}

// decide settles the outcome. Of the claims that can own the rows the best wins,
// and several that are equally good tie.
func (as *Assigner) decide(a *Assignment, k *cur.Key, ch *chain, r *reading) {
	early := false
	live := as.live[:0]
	for i := range r.found {
		switch r.found[i].verdict(k, a.Kind) {
		case VerdictNotInForce:
			early = true
		case "":
			live = append(live, i)
		}
	}
	as.live = live
	best := 0
	for best < len(live) && r.found[live[best]].link == r.found[live[0]].link && r.found[live[best]].rank == r.found[live[0]].rank {
		best++
	}
	if as.explain {
		as.settle(r, best)
	}
	infrastructure := ch == as.ix.infraVia
	// The order of the cases is the order of precedence. Only usage can be
	// unclaimed, so a tie of anything else is money without an owner of its kind.
	switch {
	case best == 1:
		a.win(as.ix, k, r, live)
	case best > 1 && a.Kind == Usage:
		a.Outcome, a.Reason = Unclaimed, ReasonConflict
		a.Tied = r.pick(live[:best])
	case infrastructure && best == 0:
		a.Outcome, a.Reason = Excluded, ReasonInfrastructureUnclaimed
	case a.Kind != Usage:
		a.Outcome, a.Reason = Unallocated, Reason(a.Kind)
	default:
		a.Outcome, a.Reason = Unclaimed, as.ix.reason(k, ch, r.offered, early)
	}
}

// pick returns some of the claims, in memory that assignments share.
func (r *reading) pick(of []int) []*Claim {
	switch {
	case len(of) == 0:
		return nil
	case of[len(of)-1]-of[0] == len(of)-1: // neighbours
		return slices.Clip(r.claims[of[0] : of[0]+len(of)])
	}
	out := make([]*Claim, 0, len(of))
	for _, i := range of {
		out = append(out, r.claims[i])
	}
	return out
}

// win gives the money to the target of the first of the claims.
func (a *Assignment) win(ix *Index, k *cur.Key, r *reading, live []int) {
	c := r.claims[live[0]]
	a.Claim, a.Outcome = c, Claimed
	if c.Anchor.Kind == KindAccount {
		a.Outcome = Defaulted
	}
	switch t := c.Target.(type) {
	case Whole:
		a.Workload = t.Workload
	case Share:
		if a.Outcome = Shared; t.matches() {
			a.Workload = t.match(ix, k)
		}
	}
	a.Overridden = r.pick(live[1:])
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
