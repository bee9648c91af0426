package attribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// Label says why two statements of one billing period differ.
type Label string

// The labels.
const (
	NewDays   Label = "new_days"  // rows of days after the earlier statement was complete through
	Restated  Label = "restated"  // rows of days it was complete for
	Invoicing Label = "invoiced"  // only the invoice of rows changed; no money moved
	Ownership Label = "ownership" // claims changed
	RuleBased Label = "rules"     // rules changed
)

// Term is a part of the difference between two statements: what it changed in
// one component of one owner.
type Term struct {
	Label     Label
	Outcome   Outcome
	Workload  WorkloadID // "" where the outcome has none
	Component pricing.Component
	Unblended decimal.Decimal // later minus earlier
	// Groups is how many groups of rows changed. Changes inside one component
	// may cancel to zero money; they are a term all the same.
	Groups int
}

// Diff explains the difference between two statements of one payer, billing
// period and currency. The terms add up to the later total minus the earlier
// one, exactly, and per outcome, workload and component too.
//
// The statements are joined in three steps, of which each changes one thing
// alone: the earlier groups under the later rules, then under the later claims,
// then the later groups under both. Where the earlier groups lack a column that
// the later claims or rules need, the groups change first. ErrNotStored means
// that no order will do, ErrNotComparable that the statements are not of one
// thing.
//
// What is split differs part by part: a part that changed for days the earlier
// statement was complete for is restated, also where only what it is split by
// changed. The groups of such a term are its parts.
//
// Rows outside the rollup's predicate have no day: their change is of new days
// when the later statement is complete for more of the period's days.
func Diff(ctx context.Context, old, new *Statement) ([]Term, error) {
	a, b := old.Delivery, new.Delivery
	// A month without rows has no currency, and may come to have one.
	currency := old.Currency
	if old.Totals.Rows == 0 {
		currency = new.Currency
	}
	if a.Payer != b.Payer || a.Period != b.Period || currency != new.Currency && new.Totals.Rows > 0 {
		return nil, fmt.Errorf("attribution: diff: payer %q, %s, %q against payer %q, %s, %q: %w",
			a.Payer, a.Period, old.Currency, b.Payer, b.Period, new.Currency, ErrNotComparable)
	}
	d := differ{ctx: ctx, old: old, new: new, currency: currency}
	err := ErrNotStored
	// Sessions that one side lacks are taken for the role's own only where there
	// is no other way.
	for _, d.lenient = range [...]bool{false, true} {
		for _, order := range [...]func() error{d.groupsLast, d.groupsFirst} {
			if errors.Is(err, ErrNotStored) {
				d.terms = map[termKey]*term{}
				err = order()
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("attribution: diff: %w", err)
	}
	return d.result(), nil
}

// cell is where a group's money is: what terms speak of.
type cell struct {
	outcome   Outcome
	workload  WorkloadID
	component pricing.Component
}

type termKey struct {
	label Label
	cell
}

type term struct {
	sum    exact.Num
	groups int
}

type differ struct {
	ctx      context.Context
	lenient  bool // about sessions that are not kept
	old, new *Statement
	currency string
	terms    map[termKey]*term
}

func (d *differ) add(l Label, c cell, x exact.Num) {
	k := termKey{l, c}
	t := d.terms[k]
	if t == nil {
		t = new(term)
		d.terms[k] = t
	}
	t.sum.Acc(x)
	t.groups++
}

// groupsLast changes the rules, then the claims, then the groups. Each step ends
// where the next begins, so that the terms cannot but add up.
func (d *differ) groupsLast() error {
	rules, err := NewIndex(&d.old.ix.claims, &d.new.ix.rules, d.old.p.Spec())
	if err != nil {
		return err
	}
	claims, err := NewIndex(&d.new.ix.claims, &d.new.ix.rules, d.old.p.Spec())
	if err != nil {
		return err
	}
	if err := d.moves(RuleBased, d.old.p, d.old.ix, rules); err != nil {
		return err
	}
	if err := d.moves(Ownership, d.old.p, rules, claims); err != nil {
		return err
	}
	return d.rows(claims, d.new.ix)
}

// groupsFirst changes the groups before rules and claims, for later groups that
// hold more columns than the earlier ones.
func (d *differ) groupsFirst() error {
	same, err := NewIndex(&d.old.ix.claims, &d.old.ix.rules, d.new.p.Spec())
	if err != nil {
		return err
	}
	rules, err := NewIndex(&d.old.ix.claims, &d.new.ix.rules, d.new.p.Spec())
	if err != nil {
		return err
	}
	if err := d.rows(d.old.ix, same); err != nil {
		return err
	}
	if err := d.moves(RuleBased, d.new.p, same, rules); err != nil {
		return err
	}
	return d.moves(Ownership, d.new.p, rules, d.new.ix)
}

// moves finds the groups that another index assigns elsewhere: what leaves one cell
// arrives in another.
func (d *differ) moves(l Label, p *cur.Partial, from, to *Index) error {
	if from.version == to.version && from.claims.Revision(cur.Month{}) == to.claims.Revision(cur.Month{}) {
		return nil
	}
	before, after, err := d.sides(p, from, p, to)
	if err != nil {
		return err
	}
	var was, is []holding
	for i := range p.Len() {
		if err := d.stopped(i); err != nil {
			return err
		}
		k := p.Key(i)
		if k.Currency != d.currency {
			continue
		}
		was, is = before.holdings(was[:0], i, k), after.holdings(is[:0], i, k)
		if slices.EqualFunc(was, is, holding.equal) {
			continue
		}
		// What is split leaves and arrives as parts. A cell that keeps some of a
		// group, of which sessions are others', has one term.
		moved := map[cell]exact.Num{}
		for _, half := range [...]struct {
			has, other []holding
			sign       func(exact.Num) exact.Num
		}{{was, is, exact.Num.Neg}, {is, was, func(n exact.Num) exact.Num { return n }}} {
			for _, h := range half.has {
				if !h.split && !slices.ContainsFunc(half.other, h.equal) {
					moved[h.cell] = moved[h.cell].Add(half.sign(h.sums.Exact(cur.UnblendedCost)))
				}
			}
		}
		for c, x := range moved {
			d.add(l, c, x)
		}
	}
	d.parts(before.tally, after.tally, func(cur.Bucket) Label { return l })
	return nil
}

// groupSide is groups as one index assigns them.
type groupSide struct {
	*grain
	*Assigner
	tally *tally // where something is split
	got   []piece
}

// holding is what one cell has of a group; split means in parts.
type holding struct {
	cell
	split bool
	sums  cur.Measures
}

func (h holding) equal(o holding) bool {
	return h.cell == o.cell && h.split == o.split && h.sums.Equal(&o.sums)
}

// stopped looks at the context now and then.
func (d *differ) stopped(i int) error {
	if i%ctxEvery == 0 && d.ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	return nil
}

// sides prepares groups for an index, twice.
func (d *differ) sides(p *cur.Partial, from *Index, q *cur.Partial, to *Index) (a, b *groupSide, err error) {
	if a, err = d.side(p, from); err == nil {
		b, err = d.side(q, to)
	}
	return a, b, err
}

func (d *differ) side(p *cur.Partial, ix *Index) (*groupSide, error) {
	s := &groupSide{Assigner: ix.Assigner()}
	var err error
	switch {
	case p == d.old.p && ix == d.old.ix:
		s.grain, s.tally = d.old.g, d.old.tally
	case p == d.new.p && ix == d.new.ix:
		s.grain, s.tally = d.new.g, d.new.tally
	default:
		own, other := d.new, d.old
		if p == d.old.p {
			own, other = d.old, d.new
		}
		s.grain, err = ix.grainOf(d.ctx, p, own.g.sessions, d.lenient)
		// Of the same groups, the other side may keep the sessions of more roles.
		if errors.Is(err, ErrNotStored) && other.g.sessions != nil && (own.p == other.p || own.Stored() == other.Stored()) {
			s.grain, err = ix.grainOf(d.ctx, p, other.g.sessions, d.lenient)
		}
		if err == nil {
			s.tally = d.splits(s)
		}
	}
	return s, err
}

// holdings appends who has group i.
func (s *groupSide) holdings(dst []holding, i int, k *cur.Key) []holding {
	s.got = s.Assigner.pieces(s.got[:0], s.grain, i, k)
	for n := range s.got {
		p := &s.got[n]
		c := cell{p.Outcome, p.Workload, p.Component}
		split := s.tally.wasSplit(k, &p.Assignment)
		if split {
			c.workload = ""
		}
		// Different claims may have given to one cell.
		if at := slices.IndexFunc(dst, func(h holding) bool { return h.cell == c && h.split == split }); at >= 0 {
			dst[at].sums.Add(&p.sums)
			continue
		}
		dst = append(dst, holding{c, split, p.sums})
	}
	slices.SortFunc(dst, func(a, b holding) int {
		return cmp.Or(cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.workload, b.workload), cmp.Compare(a.component, b.component))
	})
	return dst
}

// splits makes a tally of groups in which everything is split, nil where nothing
// is. Between the statements a share may have nothing to be split by; it is split
// all the same, for whatever the waypoint says the terms add up.
func (d *differ) splits(s *groupSide) *tally {
	if !s.ix.splits {
		return nil
	}
	t := newTally(newMetrics(s.book, d.currency))
	t.ix = s.ix
	for i := range s.book.Len() {
		if k := s.book.Key(i); k.Currency == d.currency {
			s.got = s.Assigner.pieces(s.got[:0], s.grain, i, k)
			for n := range s.got {
				t.group(k, k.Bucket, &s.got[n].sums, &s.got[n].Assignment)
			}
		}
	}
	_ = t.split(true) // a lenient split does not fail
	return t
}

// parts finds the parts that differ.
func (d *differ) parts(from, to *tally, label func(cur.Bucket) Label) {
	type place struct {
		claim ClaimID
		poolKey
		cell
	}
	type sides struct{ old, new component }
	all := map[place]*sides{}
	for _, half := range [...]struct {
		t    *tally
		side func(*sides) *component
	}{
		{from, func(s *sides) *component { return &s.old }},
		{to, func(s *sides) *component { return &s.new }},
	} {
		if half.t == nil {
			continue
		}
		for i := range half.t.parts {
			p := &half.t.parts[i]
			k := place{p.id(), p.poolKey, cell{p.outcome, p.workload, p.poolKey.component}}
			k.poolKey.claim = nil // another index has another pointer
			if all[k] == nil {
				all[k] = new(sides)
			}
			c := half.side(all[k])
			c.add(&p.amounts)
			c.usage.Acc(p.usage)
		}
	}
	for k, s := range all {
		o, n := &s.old, &s.new
		if o.rows != n.rows || !o.usage.Equal(n.usage) || !o.unblended.Equal(n.unblended) || !o.net.Equal(n.net) || !o.amortized.Equal(n.amortized) {
			d.add(label(k.bucket), k.cell, n.unblended.Sub(o.unblended))
		}
	}
}

// appendTexts appends texts with their lengths, so that no two lists are alike.
func appendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
		b = append(b, s...)
	}
	return b
}

func (d *differ) result() []Term {
	order := []Label{NewDays, Restated, Invoicing, Ownership, RuleBased}
	out := make([]Term, 0, len(d.terms))
	for k := range maps.Keys(d.terms) {
		t := d.terms[k]
		out = append(out, Term{k.label, k.outcome, k.workload, k.component, t.sum.Decimal(), t.groups})
	}
	slices.SortFunc(out, func(a, b Term) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Label), slices.Index(order, b.Label)),
			cmp.Compare(slices.Index(outcomes[:], a.Outcome), slices.Index(outcomes[:], b.Outcome)),
			cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Component, b.Component))
	})
	return out
}
