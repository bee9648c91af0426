package attribution

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// rulesVersion changes with any change of this package, or of the component
// grammar of package pricing, that makes the same groups and claims give another
// statement.
const rulesVersion = 1

// Rules say how owners are found. The zero Rules, and nil, are the default.
type Rules struct {
	Scope Scope
	// Chains replaces chains by name, or adds some; a product names its chain.
	Chains map[string][]Resolver
	// Aliases are spellings of ARNs; nil means DefaultAliases.
	Aliases []Alias
	// Spread gives money that no anchor leads to an owner; the first rule that
	// applies has it. Without rules it stays unallocated.
	Spread []SpreadRule
	// SessionKey says that session names are hashed under this key wherever they
	// are kept, in groups and in claims: see [cur.Rollup] and [Claims.HashSessions].
	SessionKey []byte

	_ struct{}
}

// DefaultChains returns the chains by name, most telling link first.
//
// AgentCore rows bill a resource. Bedrock rows bill a caller: his principal
// decides, and profiles and other resources only where nobody claims him.
// Infrastructure is never anybody's by default.
func DefaultChains() map[string][]Resolver {
	return map[string][]Resolver{
		ChainAgentCore:      {Sessions(), Resources(), Tags(), Accounts()},
		ChainBedrock:        {Principals(), Profiles(), Resources(), Tags(), Accounts()},
		ChainInfrastructure: {Resources(), Tags()},
	}
}

// withDefaults returns a copy of the rules with everything filled in.
func (r *Rules) withDefaults() Rules {
	var out Rules
	if r != nil {
		out = *r
	}
	out.Scope = out.Scope.withDefaults()
	out.Scope.AI = slices.Clone(out.Scope.AI)
	out.Aliases = slices.Clone(r.aliases())
	chains := DefaultChains()
	for name, chain := range out.Chains {
		chains[name] = slices.Clone(chain)
	}
	out.Chains = chains
	out.Spread = slices.Clone(out.Spread)
	out.SessionKey = slices.Clone(out.SessionKey)
	return out
}

// checks are the parts of rules that decide whether claims can be used.
type checks struct {
	aliases []Alias
	hashed  bool // session names are
	stored  bool // the claims were checked before they were stored
}

func (r *Rules) checks() checks {
	return checks{aliases: r.aliases(), hashed: r != nil && len(r.SessionKey) > 0}
}

func (r *Rules) aliases() []Alias {
	if r == nil || r.Aliases == nil {
		return DefaultAliases()
	}
	return r.Aliases
}

// Version identifies the rules: with the stored groups and the claims' revision
// it identifies a statement. Resolvers take part by their names, so a resolver
// that comes to behave differently takes a new name.
func (r *Rules) Version() string {
	full := r.withDefaults()
	v := struct {
		Version int
		Scope   Scope
		Chains  map[string][]string
		Aliases []Alias
		Spread  []SpreadRule `json:",omitempty"`
		// Which key, not the key.
		Sessions string `json:",omitempty"`
	}{rulesVersion, full.Scope, map[string][]string{}, full.Aliases, full.Spread, ""}
	if len(full.SessionKey) > 0 {
		v.Sessions = cur.SessionsOf(full.SessionKey)
	}
	for name, chain := range full.Chains {
		v.Chains[name] = []string{}
		for _, link := range chain {
			v.Chains[name] = append(v.Chains[name], link.Name())
		}
	}
	text, _ := json.Marshal(v) // texts always encode; map keys are sorted
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// need is a column that something needs stored.
type need struct {
	column cur.Column
	by     string
}

// needs lists what claims and rules need, in a fixed order.
func needs(c *Claims, r Rules) []need {
	var out []need
	add := func(by string, w cur.Where) {
		for _, clause := range w.Any {
			for _, cond := range clause {
				out = append(out, need{cond.Column, by})
			}
		}
	}
	for _, p := range r.Scope.AI {
		add("product \""+p.Name+"\"", p.Where)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Chains)) {
		for _, link := range r.Chains[name] {
			for _, col := range link.Columns() {
				out = append(out, need{col, "resolver \"" + link.Name() + "\""})
			}
		}
	}
	for _, s := range r.Spread {
		add("spread rule \""+s.Name+"\"", s.Where)
	}
	if c == nil {
		return out
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		by := "claim \"" + string(cl.ID) + "\""
		if anchor, _, err := cl.Anchor.canonical(r.Aliases); err == nil && anchor.form == formTag {
			out = append(out, need{anchor.column(), by})
		}
		if s, ok := cl.Target.(Share); ok && s.By == ByTag {
			for _, p := range s.Parts {
				if c, _, ok := strings.Cut(p.Match, "="); ok {
					out = append(out, need{cur.Column(c), by})
				}
			}
		}
	}
	return out
}
