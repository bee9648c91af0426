package attribution

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spendclaim/spendclaim/cur"
)

// Index is claims and rules made ready for assigning. It is immutable and may be
// shared.
type Index struct {
	claims  Claims
	rules   Rules // complete
	version string

	anchors   map[canon][]entry
	prefixes  []int // lengths of the session prefixes claimed, longest first
	products  []chain
	infra     []string
	infraVia  *chain
	needs     []need
	cuts      cuts // claims on sessions of roles
	bySession bool // claims share by session
	splits    bool // claims share, or rules spread
	// plainScope says that the scope looks at no columns but those of scopeKey.
	plainScope bool
	// tails are the claims by tail, made when somebody asks for near misses.
	tails func() map[string][]*entry

	// Columns that the report behind the groups did not have; see For.
	noPrincipal, noResource bool
}

// entry is a claim under its canonical anchor.
type entry struct {
	claim     *Claim
	partition string // of a principal claimed by ARN; "" matches any
	canon     canon
}

// chain is a product's chain.
type chain struct {
	product Product
	links   []Resolver
	// The columns of the anchors the chain looks for, first one first: what
	// names a row that nobody owns, and why.
	primary []cur.Column
	// plain says that the links look at no columns but those of anchorKey.
	plain bool
	// principals says that the chain asks for principals, so that sessions of a
	// role can be claimed.
	principals bool
}

// NewIndex makes an index of claims and rules for groups of the given spec; nil
// claims are none, nil rules the default. It fails with a *[ClaimError] for
// claims that cannot be used, [ErrClaimConflict] among them, and with a
// *[NotStoredError] when a claim, a product or a resolver needs what groups of
// the spec do not hold. Later changes to c and r have no effect.
func NewIndex(c *Claims, r *Rules, spec cur.Spec) (*Index, error) {
	if c == nil {
		c = &Claims{}
	}
	ix := &Index{rules: r.withDefaults(), version: r.Version()}
	c = c.HashSessions(ix.rules.SessionKey)
	if err := c.validate(ix.rules.checks()); err != nil {
		return nil, err
	}
	// A copy, by id, so that nothing depends on the order claims were given in.
	ix.claims = c.sorted()
	ix.anchors = make(map[canon][]entry, len(ix.claims.Claims))
	for i := range ix.claims.Claims {
		cl := &ix.claims.Claims[i]
		a, partition, err := cl.Anchor.canonical(ix.rules.Aliases)
		if err != nil {
			return nil, &ClaimError{Claim: cl.ID, N: i + 1, Err: err}
		}
		ix.anchors[a] = append(ix.anchors[a], entry{cl, partition, a})
		if s, ok := cl.Target.(Share); ok {
			ix.splits = ix.splits || !s.matches()
			ix.bySession = ix.bySession || s.By == BySession
		}
		if a.form == formSessionPrefix {
			ix.prefixes = append(ix.prefixes, len(a.name))
		}
		ix.cuts.add(cl, a, partition)
	}
	ix.prefixes = longestFirst(ix.prefixes)
	ix.cuts.prefixes = longestFirst(append(ix.cuts.prefixes, ix.prefixes...))

	for _, p := range ix.rules.Scope.AI {
		ch, err := ix.chain(p)
		if err != nil {
			return nil, err
		}
		ix.products = append(ix.products, *ch)
	}
	if where := ix.rules.Scope.infrastructure(); where != nil {
		ix.infra = where[0].Values
		ch, err := ix.chain(Product{Name: "infrastructure", Where: cur.Where{Any: []cur.Clause{where}}, Chain: ChainInfrastructure})
		if err != nil {
			return nil, err
		}
		ix.infraVia = ch
	}
	if err := ix.rules.checkSpread(); err != nil {
		return nil, err
	}
	ix.splits = ix.splits || len(ix.rules.Spread) > 0
	ix.plainScope, ix.tails = ix.scopeIsPlain(), sync.OnceValue(ix.makeTails)
	ix.needs = needs(&ix.claims, ix.rules)
	if err := ix.check(spec); err != nil {
		return nil, err
	}
	return ix, nil
}

// chain resolves a product's chain.
func (ix *Index) chain(p Product) (*chain, error) {
	ch := &chain{product: p}
	if p.Chain == "" {
		return ch, nil
	}
	links, ok := ix.rules.Chains[p.Chain]
	if !ok {
		return nil, fmt.Errorf("attribution: index: product %q names chain %q, which the rules do not have", p.Name, p.Chain)
	}
	ch.links, ch.plain = links, true
	var fixed cur.Spec
	for _, l := range links {
		if own, ok := l.(link); ok && own.name == Principals().Name() {
			ch.principals = true
		}
		for _, c := range l.Columns() {
			// What no key has unless declared is part of an anchorKey.
			if c != cur.ColPrincipal && c != cur.ColResource && c != cur.ColUsageAccount && fixed.Has(c) {
				ch.plain = false
			}
			if (c == cur.ColPrincipal || c == cur.ColResource) && !slices.Contains(ch.primary, c) {
				ch.primary = append(ch.primary, c)
			}
		}
	}
	return ch, nil
}

// scopeIsPlain reports whether product and component are a function of a scopeKey.
func (ix *Index) scopeIsPlain() bool {
	plain := []cur.Column{cur.ColBillingEntity, cur.ColProductCode, cur.ColProductFamily, cur.ColProductName, cur.ColUsageType, cur.ColOperation, cur.ColPricingUnit}
	for i := range ix.products {
		for _, clause := range ix.products[i].product.Where.Any {
			if slices.ContainsFunc(clause, func(c cur.Cond) bool { return !slices.Contains(plain, c.Column) }) {
				return false
			}
		}
	}
	return true
}

// check reports what groups of a spec lack.
func (ix *Index) check(spec cur.Spec) error {
	for _, n := range ix.needs {
		if !spec.Has(n.column) {
			return &NotStoredError{Column: n.column, Need: n.by}
		}
	}
	scope := slices.Clone(ix.products)
	if ix.infraVia != nil {
		scope = append(scope, *ix.infraVia)
	}
	for _, p := range scope {
		clauses := p.product.Where.Any
		if len(clauses) == 0 {
			clauses = []cur.Clause{nil} // everything
		}
		for _, c := range clauses {
			if !covers(spec.Where, c) {
				e := &NotStoredError{Need: fmt.Sprintf("product %q", p.product.Name), Rows: true}
				for _, cond := range c {
					e.Column = cond.Column // the last condition is the telling one
				}
				return e
			}
		}
	}
	return nil
}

// answerable refuses claims on callers where the report is of a format that knows
// none. Where only the export left the column out, rows say so by their reason.
func (ix *Index) answerable(p *cur.Partial, period cur.Month) error {
	if !p.Measures().Has(cur.EffectiveCost) || p.HasColumn(cur.ColPrincipal) {
		return nil
	}
	for i := range ix.claims.Claims {
		c := &ix.claims.Claims[i]
		k := c.Anchor.Kind
		if (k == KindRole || k == KindUser || k == KindSession && strings.Contains(c.Anchor.Value, "/")) && meetsMonth(period, c.From, c.To) {
			return &NotStoredError{Column: cur.ColPrincipal, Need: fmt.Sprintf("claim %q", c.ID), Absent: true, Period: period}
		}
	}
	return nil
}

// For returns the index for the groups of p: it knows which columns the report
// behind them had, and so tells an anchor that was not exported from one that is
// blank. [Attribute] does this by itself. The outcome of a row does not depend
// on it, only the reason.
func (ix *Index) For(p *cur.Partial) *Index {
	c := *ix
	c.noPrincipal = !p.HasColumn(cur.ColPrincipal)
	c.noResource = !p.HasColumn(cur.ColResource)
	return &c
}

// match is a claim that an anchor of a row leads to.
type match struct {
	claim *Claim
	canon canon
	rank  int
}

// rankStep separates the ranks of a resolver's candidates from the order of
// matches within one.
const rankStep = 1 << 20

// lookup appends the claims that a candidate leads to, in force or not, each with
// its rank: how far the claim's anchor is from what the row offers. A whole look-up
// is a few accesses to one map and, but for aliases, allocates nothing.
func (ix *Index) lookup(dst []match, c *Candidate) []match {
	base, account := c.Rank*rankStep, c.Anchor.Account
	switch a := &c.Anchor; a.Kind {
	case KindRole, KindUser:
		p, partition := principalOf(a.Value, a.Kind, account)
		for _, e := range ix.anchors[p] {
			if e.partition == "" || partition == "" || e.partition == partition {
				dst = append(dst, match{e.claim, e.canon, base})
			}
		}
	case KindResource, KindProfile:
		// The id itself, then what contains it, one step farther each time.
		r, tail := resourceOf(a.Value, account, ix.rules.Aliases)
		if r.form == formText {
			return ix.both(dst, r, base)
		}
		for rank, ok := base, true; ok; rank++ {
			dst = ix.get(dst, r, rank)
			r.name, ok = parent(r.name, tail)
		}
	case KindSession:
		if strings.HasPrefix(a.Value, "arn:") {
			return ix.roleSession(dst, a, base)
		}
		// The whole id, then the longest beginning that anybody claims. Only
		// lengths that occur are tried.
		dst = ix.both(dst, canon{formSession, account, ix.sessionName(a.Value)}, base)
		for i, n := range ix.prefixes {
			if n <= len(a.Value) {
				dst = ix.both(dst, canon{formSessionPrefix, account, a.Value[:n]}, base+2+2*i)
			}
		}
	case KindTag:
		if t, err := (Anchor{Kind: KindTag, Value: a.Value}).tag(); err == nil {
			dst = ix.get(dst, t, base)
		}
	case KindAccount:
		dst = ix.get(dst, canon{form: formAccount, account: a.Value}, base)
	}
	return dst
}

func (ix *Index) get(dst []match, c canon, rank int) []match {
	for _, e := range ix.anchors[c] {
		dst = append(dst, match{e.claim, c, rank})
	}
	return dst
}

// both looks an anchor up in its account and, less specific, in any.
func (ix *Index) both(dst []match, c canon, rank int) []match {
	if c.account != "" {
		dst = ix.get(dst, c, rank)
	}
	c.account = ""
	return ix.get(dst, c, rank+1)
}
