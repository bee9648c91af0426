package attribution

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// RollUp rolls up a set as r says and, where claims take hold of sessions of roles,
// rolls up their session grain beside it: in a second reading of the files, of the
// rows of those roles alone. Where r itself has Sessions, those of all roles are
// kept, so that later claims on them find them. Nil claims are none, nil rules the
// default.
//
// Errors are those of [cur.Rollup] and [NewIndex], and ErrSessions where the files
// changed between the two readings.
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

// SessionRollup returns the rollup of the session grain that claims need beside the
// groups of a book, nil where they need none; r is the rollup of the book. See
// [RollUp], which runs both.
func SessionRollup(r *cur.Rollup, c *Claims, rules *Rules, books ...*cur.Partial) (*cur.Rollup, error) {
	full := rules.withDefaults()
	who := cur.Cond{Column: cur.ColPrincipal, Op: cur.Contains, Values: []string{":assumed-role/"}}
	if !r.Sessions {
		who.Op, who.Values = cur.In, nil
		for _, p := range books {
			ix, err := NewIndex(c, rules, p.Spec())
			if err != nil {
				return nil, err
			}
			who.Values = append(who.Values, ix.roles(p)...)
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
// whatever time.
func (ix *Index) roles(p *cur.Partial) (out []string) {
	as := ix.Assigner()
	seen := map[string]bool{}
	for i := range p.Len() {
		k := p.Key(i)
		if seen[k.Principal] || !strings.Contains(k.Principal, ":assumed-role/") {
			continue
		}
		if by, _ := as.cutBy(k, true); by != nil {
			seen[k.Principal] = true
			out = append(out, k.Principal)
		}
	}
	return out
}
