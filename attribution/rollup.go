package attribution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// RollUp rolls up a set as r says and, where claims take hold of sessions of roles,
// rolls up their session grain beside it: in another reading of the files, of the
// rows of those roles alone. A bare session may be of any role; then all sessions
// are looked at, and those of the roles that have it are kept, in one reading more.
// Where r itself has Sessions, those of all roles are kept, so that later claims on
// them find them. Nil claims are none, nil rules the default.
//
// Errors are those of [cur.Rollup] and [NewIndex], and ErrSessions where the files
// changed between the readings.
func RollUp(ctx context.Context, r *cur.Rollup, s *cur.Set, c *Claims, rules *Rules) ([]cur.Rolled, error) {
	book := *r
	book.Sessions, book.SessionKey = false, nil
	rolled, err := book.Run(ctx, s)
	if err != nil {
		return nil, err
	}
	books := make([]*cur.Partial, len(rolled))
	for i := range rolled {
		books[i] = rolled[i].Partial
	}
	second, err := SessionRollup(r, c, rules, books...)
	if second == nil || err != nil {
		return rolled, err
	}
	again, err := second.Run(ctx, s)
	if !r.Sessions && (err == nil || errors.Is(err, cur.ErrCardinality)) {
		// More sessions than groups may be: then bare ones are component sessions.
		fewer, err2 := sessionRollup(r, c, rules, books, partials(again))
		if fewer == nil || err2 != nil {
			return rolled, err2
		}
		if fewer.Spec().Digest() != second.Spec().Digest() || err != nil {
			again, err = fewer.Run(ctx, s)
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range rolled {
		d := rolled[i].Delivery
		at := slices.IndexFunc(again, func(o cur.Rolled) bool { return o.Delivery == d })
		if at < 0 {
			return nil, fmt.Errorf("attribution: roll up payer %q, period %s: %w: the files changed while they were read", d.Payer, d.Period, ErrSessions)
		}
		rolled[i].Sessions = again[at].Partial
	}
	return rolled, nil
}

func partials(of []cur.Rolled) []*cur.Partial {
	out := []*cur.Partial{} // not nil: they were looked at
	for i := range of {
		out = append(out, of[i].Partial)
	}
	return out
}

// SessionRollup returns the rollup of the session grain that claims may need beside
// the groups of a book, nil where they need none; r is the rollup of the book. See
// [RollUp], which runs both.
func SessionRollup(r *cur.Rollup, c *Claims, rules *Rules, books ...*cur.Partial) (*cur.Rollup, error) {
	return sessionRollup(r, c, rules, books, nil)
}

// sessionRollup is SessionRollup. Where sessions were looked at, roles that have
// none of those claimed are left out.
func sessionRollup(r *cur.Rollup, c *Claims, rules *Rules, books, looked []*cur.Partial) (*cur.Rollup, error) {
	full := rules.withDefaults()
	who := cur.Cond{Column: cur.ColPrincipal, Op: cur.Contains, Values: []string{":assumed-role/"}}
	if !r.Sessions {
		who.Op, who.Values = cur.In, nil
		for _, p := range books {
			ix, err := NewIndex(c, rules, p.Spec())
			if err != nil {
				return nil, err
			}
			has := map[string]bool{}
			for _, l := range looked {
				ix.claimed(has, l)
			}
			who.Values = append(who.Values, ix.roles(p, func(role string, sure bool) bool { return sure || looked == nil || has[role] })...)
		}
		slices.Sort(who.Values)
		if who.Values = slices.Compact(who.Values); len(who.Values) == 0 {
			return nil, nil
		}
	}
	out := *r
	out.Sessions, out.SessionKey, out.RestUnread = true, full.SessionKey, true
	out.Where = cur.Where{}
	clauses := r.Where.Any
	if len(clauses) == 0 {
		clauses = []cur.Clause{nil}
	}
	for _, clause := range clauses {
		out.Where.Any = append(out.Where.Any, append(slices.Clone(clause), who))
	}
	return &out, nil
}

// roles lists the principals of groups whose sessions a claim may take hold of, at
// whatever time, and that keep accepts; sure is as for cutBy.
func (ix *Index) roles(p *cur.Partial, keep func(role string, sure bool) bool) (out []string) {
	as := ix.Assigner()
	seen := map[string]bool{}
	for i := range p.Len() {
		k := p.Key(i)
		if seen[k.Principal] || !strings.Contains(k.Principal, ":assumed-role/") {
			continue
		}
		if by, sure := as.cutBy(k, true); by != nil && keep(k.Principal, sure) {
			seen[k.Principal] = true
			out = append(out, k.Principal)
		}
	}
	return out
}

// claimed adds the roles that have a session on which somebody has a claim.
func (ix *Index) claimed(to map[string]bool, sessions *cur.Partial) {
	var found []match
	for i := range sessions.Len() {
		k := sessions.Key(i)
		if role := cur.Role(k.Principal); !to[role] {
			found = ix.roleSession(found[:0], &Anchor{KindSession, k.Principal, k.UsageAccount}, 0)
			to[role] = len(found) > 0
		}
	}
}
