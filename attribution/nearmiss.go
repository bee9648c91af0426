package attribution

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// Miss says why a claim that looks like an anchor of a row is not on it.
type Miss string

// The misses, in the order of precedence: the first that applies is reported.
const (
	MissTime      Miss = "not_in_force"    // on the anchor, at another time
	MissChain     Miss = "not_in_chain"    // on an anchor that the product's chain does not look at
	MissSpelling  Miss = "spelling"        // differs in upper and lower case only
	MissPart      Miss = "part"            // on a part of it: an endpoint of a resource, a session of a role
	MissAccount   Miss = "other_account"   // the same thing in another account
	MissPartition Miss = "other_partition" // the same principal in another partition
	MissRegion    Miss = "other_region"    // the same resource in another region
	MissType      Miss = "other_type"      // the same name on another type: a user for a role, a shape no alias knows
)

// NearMiss is a claim that nearly is on an anchor. It never moves money; it is
// what to look at where somebody expected a claim to hold.
type NearMiss struct {
	Claim Claim
	Why   Miss
}

// NearMisses returns the claims that nearly are on the rows of a group which
// nobody owns, by id: they share the name of its principal or the id of its
// resource. They are worked out on demand; assigning never does.
func (ix *Index) NearMisses(k *cur.Key) []NearMiss {
	as := Assigner{ix: ix, explain: true}
	a := as.Assign(k)
	if a.Claim != nil || a.Product == "" {
		return nil
	}
	missed := misses{}
	// Claims that the chain came across say what kept them away.
	for _, st := range as.steps {
		if st.Claim != nil && st.Verdict == VerdictNotInForce {
			missed.add(st.Claim, MissTime)
		}
	}
	if k.Principal != "" {
		ix.near(missed, principalAnchor(k))
	}
	if k.Resource != "" {
		ix.near(missed, Anchor{KindResource, k.Resource, k.UsageAccount})
	}
	for _, c := range a.Tied {
		delete(missed, c) // it is on the anchor; another one is as well
	}
	// What is on the row and was not come across, the chain does not look at.
	for c, why := range missed {
		if why == MissTime && !slices.ContainsFunc(as.steps, func(s Step) bool { return s.Claim == c }) {
			missed[c] = MissChain
		}
	}
	return missed.sorted()
}

// NearMisses returns the claims that nearly are on the anchor of what nobody
// owns, by id; none where it has no anchor.
func (s *Statement) NearMisses(u UnclaimedTotal) []NearMiss {
	missed := misses{}
	if u.Anchor != "" && u.Reason != ReasonConflict {
		s.ix.near(missed, Anchor{u.Kind, u.Anchor, u.Account})
	}
	return missed.sorted()
}

// misses are claims with the first reason that was found for each.
type misses map[*Claim]Miss

func (m misses) add(c *Claim, why Miss) {
	order := [...]Miss{MissTime, MissChain, MissSpelling, MissPart, MissAccount, MissPartition, MissRegion, MissType}
	if had, ok := m[c]; !ok || slices.Index(order[:], why) < slices.Index(order[:], had) {
		m[c] = why
	}
}

func (m misses) sorted() []NearMiss {
	out := make([]NearMiss, 0, len(m))
	for c, why := range m {
		out = append(out, NearMiss{*c, why})
	}
	slices.SortFunc(out, func(a, b NearMiss) int { return cmp.Compare(a.Claim.ID, b.Claim.ID) })
	return out
}

// near adds the claims that resemble an anchor as billed.
func (ix *Index) near(to misses, a Anchor) {
	switch a.Kind {
	case KindRole, KindUser:
		c, partition := principalOf(a.Value, a.Kind, a.Account)
		for _, e := range ix.tails()[tail(c)] {
			if why := e.missedPrincipal(c, partition); why != "" {
				to.add(e.claim, why)
			}
		}
		for _, e := range ix.cuts.ofRole[c] {
			if e.partition == "" || partition == "" || e.partition == partition {
				to.add(e.claim, MissPart)
			}
		}
	case KindResource, KindProfile:
		c, _ := resourceOf(a.Value, a.Account, ix.rules.Aliases)
		for _, e := range ix.tails()[tail(c)] {
			if why := e.missedResource(c); why != "" {
				to.add(e.claim, why)
			}
		}
		// Sessions are parts of the id, and may be claimed for another account.
		for _, s := range sessions(nil, &cur.Key{Resource: a.Value, UsageAccount: a.Account}) {
			for _, e := range ix.tails()[strings.ToLower(s.Anchor.Value)] {
				switch {
				case e.canon.form != formSession:
				case e.canon.account != "" && e.canon.account != a.Account:
					to.add(e.claim, MissAccount)
				case e.canon.name != s.Anchor.Value:
					to.add(e.claim, MissSpelling)
				default:
					to.add(e.claim, MissTime)
				}
			}
		}
	}
}

// makeTails files the claims by the part of their anchors that survives another
// account, region, type or spelling.
func (ix *Index) makeTails() map[string][]*entry {
	out := make(map[string][]*entry, len(ix.anchors))
	for _, list := range ix.anchors {
		for i := range list {
			if t := tail(list[i].canon); t != "" {
				out[t] = append(out[t], &list[i])
			}
		}
	}
	return out
}

// tail returns that part: the name of a principal, the id of a resource, without
// regard to case.
func tail(c canon) string {
	switch c.form {
	case formRole, formUser, formSession:
		return strings.ToLower(c.name)
	case formText:
		return strings.ToLower(c.name[strings.LastIndexAny(c.name, "/:")+1:])
	case formARN, formProfile:
		resource := cutName(c.name)[3]
		if _, id, ok := cutAny(resource); ok {
			resource = id
		}
		id, _, _ := cutAny(resource)
		return strings.ToLower(id)
	}
	return ""
}

// cutAny cuts at the first slash or colon.
func cutAny(s string) (before, after string, found bool) {
	if i := strings.IndexAny(s, "/:"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// cutName cuts a canonical ARN into service, region, account and resource. One
// without region has kept its beginning.
func cutName(name string) (parts [4]string) {
	if a, ok := ParseARN(name); ok {
		return [4]string{a.Service, a.Region, a.Account, a.Resource}
	}
	copy(parts[:], strings.SplitN(name, ":", 4))
	return parts
}

func (e *entry) missedPrincipal(c canon, partition string) Miss {
	switch o := e.canon; {
	case o.form == formText || o.form == formARN || o.form == formProfile || o.form == formSession:
		return ""
	case o.account != c.account && o.form == c.form:
		return MissAccount
	case o.account != c.account:
		return "" // two differences are a coincidence
	case o.form != c.form:
		return MissType
	case e.partition != "" && partition != "" && e.partition != partition:
		return MissPartition
	case o.name != c.name:
		return MissSpelling
	}
	return MissTime
}

func (e *entry) missedResource(c canon) Miss {
	o := e.canon
	switch o.form {
	case formRole, formUser, formSession, formSessionPrefix, formTag, formAccount:
		return ""
	}
	if o.form == formText && c.form == formText {
		switch {
		case o.name == c.name && o.account != "" && o.account != c.account:
			return MissAccount
		case o.name == c.name:
			return MissTime
		case strings.EqualFold(o.name, c.name):
			return MissSpelling
		}
		return MissType
	}
	if o.form == formText || c.form == formText {
		return MissType // an id for an ARN, or the other way round
	}
	was, is := cutName(o.name), cutName(c.name)
	if was[3] != is[3] && !contains(was[3], is[3]) && !contains(is[3], was[3]) {
		if o.account == c.account && strings.EqualFold(o.name, c.name) {
			return MissSpelling
		}
		return MissType
	}
	switch {
	case was[2] != is[2] || o.account != c.account:
		return MissAccount
	case was[1] != is[1]:
		return MissRegion
	case was[0] != is[0]:
		return MissType
	case contains(is[3], was[3]):
		return MissPart
	}
	return MissTime
}

// contains reports whether a resource is a part of another.
func contains(whole, part string) bool {
	rest, ok := strings.CutPrefix(part, whole)
	return ok && strings.HasPrefix(rest, "/")
}
