package attribution

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// ErrSessionGrain marks the anchor of a role that names one of its sessions: it
// would claim all of them.
var ErrSessionGrain = errors.New("names a session of the role: claim it as a session, or the role without it")

// session reads an anchor of a session.
func (a Anchor) session() (c canon, partition string, err error) {
	bad := func() (canon, string, error) {
		return c, "", fmt.Errorf("value %q is not a session id, nor the beginning of one and a final *", a.Value)
	}
	role, name, ofRole := "", a.Value, false
	c.account = a.Account
	switch {
	case strings.HasPrefix(a.Value, "arn:"):
		whole, session, ok := cur.SplitSession(a.Value)
		arn, _ := ParseARN(whole)
		r, p := principalOf(whole, KindRole, "")
		if !ok || arn.Service != "sts" || r.form != formRole {
			return c, "", fmt.Errorf("value %q is not the ARN of a session of a role", a.Value)
		}
		if !isAccount(r.account) {
			return c, "", fmt.Errorf("value %q: %w", a.Value, errNoAccount)
		}
		if err := a.agree(r.account); err != nil {
			return c, "", err
		}
		role, name, ofRole, c.account, partition = r.name, session, true, r.account, p
	case strings.Contains(a.Value, "/"):
		role, name, _ = strings.Cut(a.Value, "/")
		if ofRole = true; a.Account == "" {
			return c, "", fmt.Errorf("value %q is of a role by its name: give its account, or an ARN", a.Value)
		}
		role = permissionSet(role)
	}
	name, prefix := strings.CutSuffix(name, "*")
	if name == "" || strings.ContainsAny(name, "*:/") {
		if ofRole && prefix && name == "" {
			return c, "", fmt.Errorf("value %q is every session of the role: claim the role", a.Value)
		}
		return bad()
	}
	if !ofRole {
		if c.form, c.name = formSession, name; prefix {
			c.form = formSessionPrefix
		}
		return c, "", nil
	}
	if role == "" || strings.ContainsFunc(role+name, func(r rune) bool { return !nameRune(r) }) {
		return bad()
	}
	if c.form, c.name = formRoleSession, role+"/"+name; prefix {
		c.form = formRoleSessionPrefix
	}
	return c, partition, nil
}

// cuts are the claims that take sessions out of the groups of a role.
type cuts struct {
	ofRole   map[canon][]entry // by the role
	bare     []entry           // of any role; may be a component session id instead
	prefixes []int             // lengths of the beginnings claimed, longest first
}

func (c *cuts) add(cl *Claim, a canon, partition string) {
	switch a.form {
	case formSession, formSessionPrefix:
		c.bare = append(c.bare, entry{cl, "", a})
	case formRoleSession, formRoleSessionPrefix:
		role, name, _ := strings.Cut(a.name, "/")
		if c.ofRole == nil {
			c.ofRole = map[canon][]entry{}
		}
		r := canon{formRole, a.account, role}
		c.ofRole[r] = append(c.ofRole[r], entry{cl, partition, a})
		if a.form == formRoleSessionPrefix {
			c.prefixes = append(c.prefixes, len(name))
		}
	}
}

func longestFirst(lengths []int) []int {
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	return slices.Compact(lengths)
}

// takes returns a claim that may take sessions out of a group, by what all of them
// have in common: one on a session of its role, or else a bare one.
func (c *cuts) takes(k *cur.Key, live func(*Claim) bool) (ofRole, bare *Claim) {
	if len(c.ofRole) == 0 && len(c.bare) == 0 || !strings.Contains(k.Principal, ":assumed-role/") {
		return nil, nil
	}
	role, partition := principalOf(k.Principal, KindRole, k.UsageAccount)
	for _, e := range c.ofRole[role] {
		if (e.partition == "" || partition == "" || e.partition == partition) && live(e.claim) {
			ofRole = e.claim
			break
		}
	}
	for _, e := range c.bare {
		if (e.canon.account == "" || e.canon.account == role.account) && live(e.claim) {
			return ofRole, e.claim
		}
	}
	return ofRole, nil
}

// roleSession appends the claims on the session of a role, given as its ARN:
// the whole name before the beginnings, and the role's own before any role's.
func (ix *Index) roleSession(dst []match, a *Anchor, base int) []match {
	whole, name, ok := cur.SplitSession(a.Value)
	if !ok || len(ix.cuts.ofRole) == 0 && len(ix.cuts.bare) == 0 {
		return dst
	}
	role, partition := principalOf(whole, KindRole, a.Account)
	try := func(ofRole, bare form, name string, rank int) {
		for _, e := range ix.anchors[canon{ofRole, role.account, role.name + "/" + name}] {
			if e.partition == "" || partition == "" || e.partition == partition {
				dst = append(dst, match{e.claim, e.canon, rank})
			}
		}
		dst = ix.both(dst, canon{bare, role.account, name}, rank+1)
	}
	name = ix.sessionName(name)
	try(formRoleSession, formSession, name, base)
	if strings.HasPrefix(name, cur.HashedSession) {
		return dst // what it begins with is not known
	}
	for i, n := range ix.cuts.prefixes {
		if n <= len(name) {
			try(formRoleSessionPrefix, formSessionPrefix, name[:n], base+3+3*i)
		}
	}
	return dst
}

// sessionName returns the name under which a session is claimed.
func (ix *Index) sessionName(name string) string { return hashed(ix.rules.SessionKey, name) }

// hashed hashes a name once.
func hashed(key []byte, name string) string {
	if len(key) == 0 || strings.HasPrefix(name, cur.HashedSession) {
		return name
	}
	return cur.HashSession(key, name)
}

// HashSessions returns the claims with the names of sessions, in anchors and in
// parts of shares, hashed under a key as [cur.HashSession] does; what is hashed
// stays as it is, and without a key everything does. Beginnings of names cannot
// be hashed and stay too: they match component session ids only.
func (c *Claims) HashSessions(key []byte) *Claims {
	if len(key) == 0 {
		return c
	}
	out := *c
	out.Claims = slices.Clone(c.Claims)
	for i := range out.Claims {
		cl := &out.Claims[i]
		if v := &cl.Anchor.Value; cl.Anchor.Kind == KindSession && !strings.HasSuffix(*v, "*") {
			at := strings.LastIndexByte(*v, '/') + 1
			*v = (*v)[:at] + hashed(key, (*v)[at:])
		}
		if s, ok := cl.Target.(Share); ok && s.By == BySession {
			s.Parts = slices.Clone(s.Parts)
			for j := range s.Parts {
				if m := &s.Parts[j].Match; *m != "" && !strings.HasSuffix(*m, "*") {
					*m = hashed(key, *m)
				}
			}
			cl.Target = s
		}
	}
	return &out
}
