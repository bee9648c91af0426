package attribution

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// side is what one statement has of some rows.
type side struct {
	rows                  int64
	usage, unblended, net exact.Num
	kept                  exact.Num // unblended cost that is not split
	split                 bool
	invoices              []invoiced // in order
}

// invoiced is what of it is on one invoice.
type invoiced struct {
	cur.Invoice
	rows      int64
	unblended exact.Num
}

func (s *side) add(m *cur.Measures, v cur.Invoice, split bool) {
	s.rows += m.Rows
	s.usage.Acc(m.Exact(cur.Usage))
	s.unblended.Acc(m.Exact(cur.UnblendedCost))
	s.net.Acc(m.Exact(cur.NetUnblendedCost))
	if s.split = split; !split {
		s.kept.Acc(m.Exact(cur.UnblendedCost))
	}
	// Groups come in the order of their keys, so those of one key but for the
	// invoice come in the order of invoices.
	at := slices.IndexFunc(s.invoices, func(x invoiced) bool { return x.Invoice == v })
	if at < 0 {
		at, s.invoices = len(s.invoices), append(s.invoices, invoiced{Invoice: v})
	}
	s.invoices[at].rows += m.Rows
	s.invoices[at].unblended.Acc(m.Exact(cur.UnblendedCost))
}

func (s *side) sameInvoices(o *side) bool {
	return slices.EqualFunc(s.invoices, o.invoices, func(a, b invoiced) bool {
		return a.Invoice == b.Invoice && a.rows == b.rows && a.unblended.Equal(b.unblended)
	})
}

// pairKey names rows that may be in both statements.
type pairKey struct {
	id [sha256.Size]byte
	cell
}

// pair is some rows in both statements.
type pair struct {
	old, new side
	label    Label // if they differ
}

// rows finds the groups that differ though the assignment is the same. Keys are
// compared without the invoice, and in the columns that both partials have.
func (d *differ) rows(from, to *Index) error {
	before, after, err := d.sides(d.old.p, from, d.new.p, to)
	if err != nil {
		return err
	}
	columns := slices.DeleteFunc(slices.Clone(d.old.p.Spec().Columns), func(c cur.Column) bool {
		return !slices.Contains(d.new.p.Spec().Columns, c)
	})
	pairs := map[pairKey]*pair{}
	of := func(k pairKey, later bool) (*pair, *side) {
		p := pairs[k]
		if p == nil {
			p = new(pair)
			pairs[k] = p
		}
		if later {
			return p, &p.new
		}
		return p, &p.old
	}
	var list []holding
	err = d.walk(before, after, func(s *groupSide, i int, k *cur.Key) {
		if k.Currency != d.currency {
			return
		}
		id := groupID(k, columns)
		list = s.holdings(list[:0], i, k)
		for n := range list {
			p, side := of(pairKey{id, list[n].cell}, s == after)
			p.label = d.labelOf(k.Bucket)
			side.add(&list[n].sums, k.Invoice, list[n].split)
		}
	})
	if err != nil {
		return err
	}
	for n, p := range [...]*cur.Partial{d.old.p, d.new.p} {
		for r := range p.Rest() {
			if r.Key.Currency == d.currency {
				x, side := of(pairKey{restID(&r.Key), cell{outcome: Excluded, component: pricing.Unknown}}, n == 1)
				x.label = d.restLabel()
				side.add(&r.Measures, r.Key.Invoice, false)
			}
		}
	}
	d.parts(before.tally, after.tally, d.labelOf)
	// A change of quantity or net cost is a restatement even where the unblended
	// cost stays: its term is zero money in so many groups.
	for k, p := range pairs {
		o, n := &p.old, &p.new
		switch {
		case (o.split || o.rows == 0) && (n.split || n.rows == 0) && o.kept.Equal(n.kept):
			// The parts say what changed, but for the invoice.
			if o.rows == n.rows && o.unblended.Equal(n.unblended) && !o.sameInvoices(n) {
				d.add(Invoicing, k.cell, exact.Num{})
			}
		case o.rows != n.rows, o.split != n.split, !o.usage.Equal(n.usage), !o.unblended.Equal(n.unblended), !o.net.Equal(n.net):
			d.add(p.label, k.cell, n.kept.Sub(o.kept))
		case !o.sameInvoices(n):
			d.add(Invoicing, k.cell, exact.Num{})
		}
	}
	return nil
}

// walk calls visit for the groups of two sides, in order of their keys, but for
// those that are the same in both: most of them, in most months.
func (d *differ) walk(before, after *groupSide, visit func(*groupSide, int, *cur.Key)) error {
	p, q := before.book, after.book
	// What is split in one place may be kept in the other.
	pass := before.tally == nil && after.tally == nil && slices.Equal(p.Spec().Columns, q.Spec().Columns)
	var was, is []holding
	for i, j := 0, 0; i < p.Len() || j < q.Len(); {
		if err := d.stopped(i + j); err != nil {
			return err
		}
		var a, b *cur.Key
		order := -1
		if i < p.Len() {
			a = p.Key(i)
		}
		if j < q.Len() {
			b = q.Key(j)
		}
		switch {
		case a == nil:
			order = 1
		case b != nil:
			order = a.Compare(b)
		}
		if order == 0 && pass {
			x, y := p.Sums(i), q.Sums(j)
			same := x.Equal(&y)
			if same && len(before.of[i])+len(after.of[j]) > 0 {
				was, is = before.holdings(was[:0], i, a), after.holdings(is[:0], j, b)
				same = slices.EqualFunc(was, is, holding.equal)
			}
			if same {
				i, j = i+1, j+1
				continue
			}
		}
		if order <= 0 {
			visit(before, i, a)
			i++
		}
		if order >= 0 {
			visit(after, j, b)
			j++
		}
	}
	return nil
}

// labelOf says what a change of the rows of a bucket is of.
func (d *differ) labelOf(b cur.Bucket) Label {
	complete := d.old.CompleteThrough
	if !complete.IsZero() && !b.Time().Before(complete.Add(24*time.Hour)) {
		return NewDays
	}
	return Restated
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
