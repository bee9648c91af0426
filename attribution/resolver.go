package attribution

import (
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// Resolver is a link of a chain: it offers the anchors of a row. It is pure, a
// function of the key's columns, and safe for concurrent use; then assigning
// groups gives what assigning rows would.
type Resolver interface {
	// Name identifies the resolver and its behaviour, in [Rules.Version] and in
	// explanations.
	Name() string
	// Columns lists the columns that Anchors reads. Those that not every key has
	// must be declared in the rollup; ErrNotStored says so where they are not.
	Columns() []cur.Column
	// Anchors appends the anchors of k to dst. It must not keep k.
	Anchors(dst []Candidate, k *cur.Key) []Candidate
}

// Candidate is an anchor that a row offers, spelled as in a claim or as billed.
// Account is the usage account. A resource also offers what contains it, and a
// session every prefix of its id; the more specific match ranks before the less.
type Candidate struct {
	Anchor Anchor
	// Rank orders the candidates of one resolver: the lowest comes first. Two
	// claims that match at one rank are a tie.
	Rank int
}

// The links of the default chains. A chain of one's own may hold them in any
// order, and others beside them.

// Principals offers the role or user that made a model call and, where the groups
// hold it, the session of the role, which is the more telling.
func Principals() Resolver {
	return link{name: "principal", column: cur.ColPrincipal, anchors: principals}
}

// Sessions offers the component session ids in a resource id.
func Sessions() Resolver { return link{name: "session", column: cur.ColResource, anchors: sessions} }

// Profiles offers the application inference profile that a model was called
// through.
func Profiles() Resolver { return link{name: "profile", column: cur.ColResource, anchors: profiles} }

// Resources offers the resource id and what contains it.
func Resources() Resolver { return link{name: "resource", column: cur.ColResource, anchors: resources} }

// Tags offers the declared tags, cost categories among them.
func Tags() Resolver { return link{name: "tag", anchors: tags} }

// Accounts offers the usage account. What only it catches is [Defaulted].
func Accounts() Resolver {
	return link{name: "account", column: cur.ColUsageAccount, anchors: accounts}
}

// link is a resolver of this package.
type link struct {
	name    string
	column  cur.Column
	anchors func([]Candidate, *cur.Key) []Candidate
}

func (l link) Name() string { return l.name }

func (l link) Columns() []cur.Column {
	if l.column == "" {
		return nil
	}
	return []cur.Column{l.column}
}

func (l link) Anchors(dst []Candidate, k *cur.Key) []Candidate { return l.anchors(dst, k) }

func principals(dst []Candidate, k *cur.Key) []Candidate {
	if k.Principal == "" {
		return dst
	}
	c := Candidate{Anchor: principalAnchor(k)}
	if _, _, ok := cur.SplitSession(k.Principal); ok {
		dst = append(dst, Candidate{Anchor: Anchor{KindSession, k.Principal, k.UsageAccount}})
		c.Rank = 1
	}
	return append(dst, c)
}

// principalAnchor names the principal of a row as billed, but for its session.
func principalAnchor(k *cur.Key) Anchor {
	kind := KindUser
	if c, _ := principalOf(k.Principal, KindUser, k.UsageAccount); c.form == formRole {
		kind = KindRole
	}
	return Anchor{kind, cur.Role(k.Principal), k.UsageAccount}
}

func resources(dst []Candidate, k *cur.Key) []Candidate {
	if k.Resource == "" {
		return dst
	}
	return append(dst, Candidate{Anchor: Anchor{KindResource, k.Resource, k.UsageAccount}})
}

func profiles(dst []Candidate, k *cur.Key) []Candidate {
	if !isProfile(k.Resource) {
		return dst
	}
	return append(dst, Candidate{Anchor: Anchor{KindProfile, k.Resource, k.UsageAccount}})
}

func isProfile(resource string) bool {
	a, ok := ParseARN(resource)
	return ok && a.Service == "bedrock" && strings.HasPrefix(a.Resource, profileType)
}

func sessions(dst []Candidate, k *cur.Key) []Candidate {
	tail, sep := k.Resource, "/"
	if a, ok := ParseARN(tail); ok {
		// The first part is the type of the resource, which is no session.
		tail, sep = a.Resource, "/:"
		if i := strings.IndexAny(tail, sep); i >= 0 {
			tail = tail[i+1:]
		}
	}
	for tail != "" {
		part := tail
		if i := strings.IndexAny(tail, sep); i >= 0 {
			part, tail = tail[:i], tail[i+1:]
		} else {
			tail = ""
		}
		if part != "" {
			dst = append(dst, Candidate{Anchor: Anchor{KindSession, part, k.UsageAccount}})
		}
	}
	return dst
}

func tags(dst []Candidate, k *cur.Key) []Candidate {
	for _, c := range k.Declared() {
		if !strings.Contains(string(c), "/") {
			continue
		}
		if v, _ := k.Column(c); v != "" {
			dst = append(dst, Candidate{Anchor: Anchor{KindTag, string(c) + "=" + v, k.UsageAccount}})
		}
	}
	return dst
}

func accounts(dst []Candidate, k *cur.Key) []Candidate {
	if k.UsageAccount == "" {
		return dst
	}
	return append(dst, Candidate{Anchor: Anchor{Kind: KindAccount, Value: k.UsageAccount}})
}
