package attribution

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

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
func Diff(old, new *Statement) ([]Term, error) {
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
	d := differ{old: old, new: new, currency: currency, terms: map[termKey]*term{}}
	err := d.groupsLast()
	if errors.Is(err, ErrNotStored) {
		d.terms = map[termKey]*term{}
		err = d.groupsFirst()
	}
	if err != nil {
		return nil, err
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
	d.moves(RuleBased, d.old.p, d.old.ix, rules)
	d.moves(Ownership, d.old.p, rules, claims)
	d.rows(claims, d.new.ix)
	return nil
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
	d.rows(d.old.ix, same)
	d.moves(RuleBased, d.new.p, same, rules)
	d.moves(Ownership, d.new.p, rules, d.new.ix)
	return nil
}

// moves finds the groups that another index assigns elsewhere: what leaves one cell
// arrives in another.
func (d *differ) moves(l Label, p *cur.Partial, from, to *Index) {
	if from.version == to.version && from.claims.Revision(cur.Month{}) == to.claims.Revision(cur.Month{}) {
		return
	}
	was, is := from.Assigner(), to.Assigner()
	before, after := d.splits(p, from), d.splits(p, to)
	for i := range p.Len() {
		k := p.Key(i)
		if k.Currency != d.currency {
			continue
		}
		a, left := was.cell(k, before)
		b, arrived := is.cell(k, after)
		if a == b && left == arrived {
			continue
		}
		// What is split leaves and arrives as parts.
		x := p.Exact(i, cur.UnblendedCost)
		if !left {
			d.add(l, a, x.Neg())
		}
		if !arrived {
			d.add(l, b, x)
		}
	}
	d.parts(before, after, func(cur.Bucket) Label { return l })
}

// cell returns where a group's money is; split means in parts, by the tally.
func (as *Assigner) cell(k *cur.Key, t *tally) (c cell, split bool) {
	a := as.Assign(k)
	return cell{a.Outcome, a.Workload, a.Component}, t.wasSplit(k, &a)
}

// splits returns a tally of groups in which everything is split, nil where nothing
// is. Between the statements a share may have nothing to be split by; it is split
// all the same, for whatever the waypoint says the terms add up.
func (d *differ) splits(p *cur.Partial, ix *Index) *tally {
	switch {
	case !ix.splits:
		return nil
	case p == d.old.p && ix == d.old.ix:
		return d.old.tally
	case p == d.new.p && ix == d.new.ix:
		return d.new.tally
	}
	t := newTally(newMetrics(p, d.currency))
	t.ix = ix
	as := ix.Assigner()
	for i := range p.Len() {
		if k := p.Key(i); k.Currency == d.currency {
			sums, a := p.Sums(i), as.Assign(k)
			t.group(k, &sums, &a)
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

// side is what one statement has of some rows.
type side struct {
	rows                  int64
	usage, unblended, net exact.Num
	kept                  exact.Num // unblended cost that is not split
	split                 bool
	invoices              [sha256.Size]byte // which invoices, and what is on each
}

func (s *side) add(m *cur.Measures, v cur.Invoice) {
	s.rows += m.Rows
	s.usage.Acc(m.Exact(cur.Usage))
	s.unblended.Acc(m.Exact(cur.UnblendedCost))
	s.net.Acc(m.Exact(cur.NetUnblendedCost))
	// Groups come in the order of their keys, so those of one key but for the
	// invoice come in the order of invoices.
	h := appendTexts(s.invoices[:], v.ID, v.InvoicingEntity, v.LegalEntity, v.BillType, strconv.FormatInt(m.Rows, 10))
	s.invoices = sha256.Sum256(m.Exact(cur.UnblendedCost).AppendBinary(h))
}

// pair is some rows in both statements.
type pair struct {
	old, new side
	cell     cell
	label    Label // if they differ
}

// rows finds the groups that differ though the assignment is the same. Keys are
// compared without the invoice, and in the columns that both partials have.
func (d *differ) rows(from, to *Index) {
	pairs := map[[sha256.Size]byte]*pair{}
	columns := slices.DeleteFunc(slices.Clone(d.old.p.Spec().Columns), func(c cur.Column) bool {
		return !slices.Contains(d.new.p.Spec().Columns, c)
	})
	complete := d.old.CompleteThrough
	labelOf := func(b cur.Bucket) Label {
		if !complete.IsZero() && !b.Time().Before(complete.Add(24*time.Hour)) {
			return NewDays
		}
		return Restated
	}
	before, after := d.splits(d.old.p, from), d.splits(d.new.p, to)
	for _, half := range [...]struct {
		p    *cur.Partial
		ix   *Index
		t    *tally
		side func(*pair) *side
	}{
		{d.old.p, from, before, func(p *pair) *side { return &p.old }},
		{d.new.p, to, after, func(p *pair) *side { return &p.new }},
	} {
		as := half.ix.Assigner()
		for i := range half.p.Len() {
			k := half.p.Key(i)
			if k.Currency != d.currency {
				continue
			}
			id := groupID(k, columns)
			p := pairs[id]
			c, split := as.cell(k, half.t)
			if p == nil {
				p = &pair{cell: c, label: labelOf(k.Bucket)}
				pairs[id] = p
			}
			m := half.p.Sums(i)
			side := half.side(p)
			side.add(&m, k.Invoice)
			if side.split = split; !split {
				side.kept.Acc(m.Exact(cur.UnblendedCost))
			}
		}
		for r := range half.p.Rest() {
			if r.Key.Currency != d.currency {
				continue
			}
			id := restID(&r.Key)
			p := pairs[id]
			if p == nil {
				p = &pair{cell: cell{outcome: Excluded, component: pricing.Unknown}, label: d.restLabel()}
				pairs[id] = p
			}
			side := half.side(p)
			side.add(&r.Measures, r.Key.Invoice)
			side.kept.Acc(r.Measures.Exact(cur.UnblendedCost))
		}
	}
	d.parts(before, after, labelOf)
	// A change of quantity or net cost is a restatement even where the unblended
	// cost stays: its term is zero money in so many groups.
	for _, p := range pairs {
		o, n := &p.old, &p.new
		switch {
		case (o.split || o.rows == 0) && (n.split || n.rows == 0) && o.kept.Equal(n.kept):
			// The parts say what changed, but for the invoice.
			if o.rows == n.rows && o.unblended.Equal(n.unblended) && o.invoices != n.invoices {
				d.add(Invoicing, p.cell, exact.Num{})
			}
		case o.rows != n.rows, o.split != n.split, !o.usage.Equal(n.usage), !o.unblended.Equal(n.unblended), !o.net.Equal(n.net):
			d.add(p.label, p.cell, n.kept.Sub(o.kept))
		case o.invoices != n.invoices:
			d.add(Invoicing, p.cell, exact.Num{})
		}
	}
}

// restLabel says what a change of the rest is of.
func (d *differ) restLabel() Label {
	end := d.old.Delivery.Period.End()
	through := d.old.CompleteThrough
	if !through.IsZero() && through.Add(24*time.Hour).Before(end) && d.new.CompleteThrough.After(through) {
		return NewDays
	}
	return Restated
}

// groupID identifies a group but for its invoice.
func groupID(k *cur.Key, columns []cur.Column) [sha256.Size]byte {
	b := appendTexts(make([]byte, 0, 512), "group", k.Payer, k.BillingPeriod.String(), k.BillingEntity, k.ProductCode, k.ProductFamily,
		k.ProductName, k.Model, k.UsageType, k.Operation, k.PricingUnit, k.LineItemType, k.UsageAccount, k.Region, k.Principal,
		k.Resource, strconv.FormatInt(k.Bucket.Start, 10), k.Bucket.Span.String())
	for _, c := range columns {
		v, _ := k.Column(c)
		b = appendTexts(b, v)
	}
	return sha256.Sum256(b)
}

func restID(k *cur.RestKey) [sha256.Size]byte {
	return sha256.Sum256(appendTexts(nil, "rest", k.Payer, k.BillingPeriod.String(), k.BillingEntity, k.ProductCode, k.LineItemType, k.UsageAccount))
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
