package attribution

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// Explanation is why some groups of a statement have the owner they have: groups
// that came to one end by the same claims.
type Explanation struct {
	// Assignment and Steps are those of the first group. Components may differ.
	Assignment
	Steps []Step
	// NearMisses are the claims that nearly were on what nobody owns.
	NearMisses []NearMiss
	Groups     int
	FirstSeen  time.Time // the day, UTC, of the first rows
	LastSeen   time.Time
	Amounts
}

// Explain explains all groups that offer an anchor, spelled as in a claim or as
// billed: what a claim on it would take hold of if there were no other. The
// error says what is wrong with the anchor. Explanations come in the order of
// their first groups; none means that no row has the anchor.
func (s *Statement) Explain(a Anchor) ([]Explanation, error) {
	probe, err := s.ix.probe(a)
	if err != nil {
		return nil, fmt.Errorf("attribution: explain: anchor: %w", err)
	}
	g, err := s.grainOfAnchor(a)
	if err != nil {
		return nil, fmt.Errorf("attribution: explain: %w", err)
	}
	type sums struct {
		at int
		amounts
	}
	seen := map[string]*sums{}
	var out []Explanation
	for i := range s.p.Len() {
		group := s.p.Key(i)
		if group.Currency != s.Currency {
			continue
		}
		for k, m := range g.units(i, group) {
			if !probe(k) {
				continue
			}
			as := Assigner{ix: s.ix, explain: true}
			x := as.Assign(k)
			path := as.path(&x)
			t := seen[path]
			if t == nil {
				t = &sums{at: len(out)}
				seen[path] = t
				out = append(out, Explanation{Assignment: x, Steps: as.steps, NearMisses: s.ix.NearMisses(k), FirstSeen: dayOf(k.Bucket)})
			}
			v := s.m.of(&m, k.LineItemType)
			t.add(&v)
			e := &out[t.at]
			e.Groups++
			if day := dayOf(k.Bucket); day.Before(e.FirstSeen) {
				e.FirstSeen = day
			} else if day.After(e.LastSeen) {
				e.LastSeen = day
			}
			e.Amounts = s.m.public(&t.amounts)
		}
	}
	for i := range out {
		if out[i].LastSeen.IsZero() {
			out[i].LastSeen = out[i].FirstSeen
		}
	}
	return out, nil
}

// path tells explanations apart: by their end and the claims on the way.
func (as *Assigner) path(a *Assignment) string {
	b := appendTexts(nil, string(a.Outcome), string(a.Reason), string(a.Kind), a.Product, a.Anchor.String())
	for _, st := range as.steps {
		if st.Claim != nil {
			b = appendTexts(b, st.Link, string(st.Claim.ID), string(st.Verdict), st.Cut.String())
		}
	}
	return string(b)
}

// probe returns a test of whether a claim on an anchor would be on a group, at
// any time and by any link.
func (ix *Index) probe(a Anchor) (func(*cur.Key) bool, error) {
	if a.Kind == KindRole {
		a.Value = cur.Role(a.Value) // as billed
	}
	a = (&Claims{Claims: []Claim{{Anchor: a}}}).HashSessions(ix.rules.SessionKey).Claims[0].Anchor
	c, partition, err := a.canonical(ix.rules.Aliases)
	if err != nil {
		return nil, err
	}
	claim := new(Claim)
	p := &Index{rules: ix.rules, anchors: map[canon][]entry{c: {{claim, partition, c}}}}
	if c.form == formSessionPrefix {
		p.prefixes = []int{len(c.name)}
	}
	p.cuts.add(claim, c, partition)
	p.cuts.prefixes = append(p.cuts.prefixes, p.prefixes...)
	var candidates []Candidate
	return func(k *cur.Key) bool {
		candidates = candidates[:0]
		for _, offer := range [...]func([]Candidate, *cur.Key) []Candidate{principals, sessions, profiles, resources, tags, accounts} {
			candidates = offer(candidates, k)
		}
		return slices.ContainsFunc(candidates, func(c Candidate) bool { return len(p.lookup(nil, &c)) > 0 })
	}, nil
}

// StraddledTotal is what lies in buckets of time inside of which a claim begins
// or ends. The boundary takes effect at Cut, the bucket's end, and the bucket is
// decided as a whole by what is in force at its start.
type StraddledTotal struct {
	Claim Claim
	Cut   time.Time
	Amounts
}

// Straddled returns, by claim id and time, the money of the buckets that
// boundaries of claims cut through, whoever has it. A transfer inside a bucket
// shows once for each of its two claims.
func (s *Statement) Straddled() []StraddledTotal {
	type cut struct {
		claim *Claim
		at    time.Time
	}
	sums := map[cut]*amounts{}
	as := s.ix.Assigner()
	for i := range s.p.Len() {
		group := s.p.Key(i)
		if group.Currency != s.Currency {
			continue
		}
		for k, m := range s.g.units(i, group) {
			sc := as.scope(k)
			if sc.chain == nil {
				break
			}
			kind := KindOf(k.LineItemType)
			r := as.read(k, sc.chain, kind)
			for n := range r.found {
				f := &r.found[n]
				if at := cutOf(f.claim, k.Bucket); !at.IsZero() && (!f.usageOnly || kind == Usage) {
					v := s.m.of(&m, k.LineItemType)
					sum(sums, cut{f.claim, at}, &v)
				}
			}
		}
	}
	out := make([]StraddledTotal, 0, len(sums))
	for c, x := range sums {
		out = append(out, StraddledTotal{*c.claim, c.at, s.m.public(x)})
	}
	slices.SortFunc(out, func(a, b StraddledTotal) int {
		return cmp.Or(strings.Compare(string(a.Claim.ID), string(b.Claim.ID)), a.Cut.Compare(b.Cut))
	})
	return out
}

// grainOfAnchor returns the grain at which an anchor can be seen: for one of a
// session, with all sessions that are kept.
func (s *Statement) grainOfAnchor(a Anchor) (*grain, error) {
	if a.Kind != KindSession || s.g.sessions == nil {
		return s.g, nil
	}
	all := *s.ix
	all.cuts = cuts{bare: []entry{{claim: new(Claim), canon: canon{form: formSession}}}}
	return all.grainOf(context.Background(), s.p, s.g.sessions, true)
}
