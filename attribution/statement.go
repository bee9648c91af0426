package attribution

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
)

// Options say what a statement is of. Nil means nothing is known of the delivery.
type Options struct {
	// Delivery is what the partial was rolled up from. A blank payer and period
	// are taken from the rows where those agree.
	Delivery cur.Delivery
	// Horizon is how many whole days before its as-of date a delivery is taken
	// to be complete; 0 means 2, a negative number none.
	Horizon int
	// Sessions is the session grain of the partial, as far as claims need it; see
	// [RollUp]. Nil means that there is none.
	Sessions *cur.Partial

	_ struct{}
}

// State is how final a delivery is.
type State string

// The states; "" where the report does not say.
const (
	Open        State = "open"        // the billing period had not ended
	Provisional State = "provisional" // some usage is on no invoice yet
	Invoiced    State = "invoiced"
)

// Note is something to know about a statement.
//
// What makes it incomplete: cost_blank (rows without a cost), cost_unreadable and
// row_unreadable (rows that were left out) and rest_unread (rows out of scope that
// were left unread, as asked). What is worth a warning: column_absent (a default
// stands in for a column), principal_not_exported (the report is FOCUS, which names
// no caller: model calls can be claimed by resource, tag and account alone),
// tag_absent (no row in scope has a tag or column that was declared: its name may
// be mistyped, or the tag not activated), foreign_period (rows that name another
// billing period), sessions_not_stored (rows of roles whose sessions are not kept,
// while a claim on a bare session may mean one of them), unknown_component (usage
// in scope whose usage type is not known), unknown_line_item_type, and net_differs
// (net cost over all kinds of rows is not the unblended cost: discounts are in net
// columns alone).
type Note struct {
	Code   string
	Column cur.Column // that it is about; "" for none
	Rows   int64      // that it is about
}

// Difference is a place where the accounting identity does not hold.
type Difference struct {
	Of        string // "total", `line item type "Usage"`, "outcome claimed", ...
	Metric    string // rows, unblended, net_unblended or amortized
	Got, Want decimal.Decimal
}

// String returns the difference for messages.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %s, not %s", d.Of, d.Metric, d.Got, d.Want)
}

// Statement is what became of one delivery's money in one currency: every row's
// outcome, exact totals, and whether they add up to what the decoder counted. It
// is immutable and may be shared; what its methods return is the caller's.
type Statement struct {
	Delivery cur.Delivery
	Currency string // "" when the report names none
	State    State
	// CompleteThrough is the last day, UTC, whose rows have all arrived; zero
	// when the as-of time is unknown.
	CompleteThrough time.Time
	// ClaimsRevision and RulesVersion, with the stored groups, identify the
	// statement: the same three give the same statement.
	ClaimsRevision [32]byte
	RulesVersion   string

	Totals  Amounts // summed from the outcomes
	Control Amounts // the decoder's own
	// Reconciled says that outcomes equal control totals in rows and in every
	// metric that is not null, and that nothing is incomplete.
	Reconciled  bool
	Incomplete  []Note // what keeps it from reconciling, sorted
	Warnings    []Note // sorted
	Differences []Difference

	p       *cur.Partial
	g       *grain // of p
	ix      *Index
	m       metrics
	tally   *tally
	horizon int // as in Options
}

// ctxEvery is after how many groups the context is looked at.
const ctxEvery = 1 << 12

// CompleteThrough returns the last day, UTC, whose rows have all arrived in what was
// delivered as of a time, under a horizon as in Options; zero when the time is.
// Later days are provisional: they are in totals, and say nothing of how spend
// develops.
func CompleteThrough(asOf time.Time, horizon int) time.Time {
	if asOf.IsZero() {
		return time.Time{}
	}
	if horizon == 0 {
		horizon = 2
	}
	y, m, d := asOf.UTC().Date()
	return time.Date(y, m, d-max(horizon, 0), 0, 0, 0, 0, time.UTC)
}

// Attribute assigns every group of p, the partial of one delivery, and returns a
// statement per currency, in order of currencies; of no rows at all, one of
// zero. ErrNotStored means that p lacks what the index needs, [ErrShare] that a
// share has no weights for money there is.
func Attribute(ctx context.Context, p *cur.Partial, ix *Index, o *Options) ([]*Statement, error) {
	if o == nil {
		o = &Options{}
	}
	d := deliveryOf(p, o.Delivery)
	if err := ix.check(p.Spec()); err != nil {
		return nil, notStored(err, d.Period)
	}
	if err := ix.answerable(p, d.Period); err != nil {
		return nil, err
	}
	ix = ix.For(p)
	g, err := ix.grainOf(ctx, p, o.Sessions, false)
	if err != nil {
		return nil, fmt.Errorf("attribution: attribute: %w", notStored(err, d.Period))
	}
	tallies := map[string]*tally{}
	of := func(currency string) *tally {
		t := tallies[currency]
		if t == nil {
			t = newTally(newMetrics(p, currency))
			t.ix = ix
			tallies[currency] = t
		}
		return t
	}
	// One pass over groups, rest and control totals, each booked in the tally of
	// its currency: amounts of two currencies never meet.
	as := ix.Assigner()
	var pieces []piece
	k := new(cur.Key) // one for all: resolvers do not keep it
	var t *tally
	currency := ""
	for i, look := 0, 0; i < p.Len(); {
		if i >= look {
			if look = i + ctxEvery; ctx.Err() != nil {
				return nil, fmt.Errorf("attribution: attribute: %w", context.Cause(ctx))
			}
		}
		*k = *p.Key(i)
		if t == nil || k.Currency != currency {
			t, currency = of(k.Currency), k.Currency
		}
		if len(g.of[i]) > 0 {
			pieces = as.pieces(pieces[:0], g, i, k)
			for n := range pieces {
				t.group(k, k.Bucket, &pieces[n].sums, &pieces[n].Assignment)
			}
			i++
			continue
		}
		a := as.Assign(k)
		end, last := as.series(&a, g, i, k)
		sums := p.Total(i, end)
		t.group(k, last, &sums, &a)
		i = end
	}
	for r := range p.Rest() {
		of(r.Key.Currency).rest(&r)
	}
	for _, c := range p.Control() {
		of(c.Key.Currency).controlled(&c, d.Period)
	}
	bookRejected(p, tallies, of)
	for _, currency := range slices.Sorted(maps.Keys(tallies)) {
		if err := tallies[currency].split(false); err != nil {
			return nil, fmt.Errorf("attribution: attribute: %w", err)
		}
	}
	// A month that was delivered empty is a statement of zero, not none.
	if len(tallies) == 0 {
		of("")
	}
	var out []*Statement
	for _, currency := range slices.Sorted(maps.Keys(tallies)) {
		st := &Statement{Delivery: d, Currency: currency, ClaimsRevision: ix.claims.Revision(d.Period),
			RulesVersion: ix.version, p: p, g: g, ix: ix, m: tallies[currency].metrics, tally: tallies[currency]}
		st.finish(o)
		out = append(out, st)
	}
	return out, nil
}

// notStored names the period of what is lacking.
func notStored(err error, m cur.Month) error {
	if e, ok := err.(*NotStoredError); ok {
		e.Period = m
	}
	return err
}

// deliveryOf fills what the rows agree on.
func deliveryOf(p *cur.Partial, d cur.Delivery) cur.Delivery {
	payers, periods := map[string]bool{}, map[cur.Month]bool{}
	for _, c := range p.Control() {
		payers[c.Key.Payer], periods[c.Key.BillingPeriod] = true, true
	}
	for payer := range payers {
		if d.Payer == "" && len(payers) == 1 {
			d.Payer = payer
		}
	}
	for period := range periods {
		if d.Period.IsZero() && len(periods) == 1 {
			d.Period = period
		}
	}
	return d
}

// finish states what the tally adds up to.
func (s *Statement) finish(o *Options) {
	s.horizon = o.Horizon
	s.CompleteThrough = CompleteThrough(s.Delivery.AsOf, o.Horizon)
	s.State = s.state()
	total, control := s.tally.total(), s.tally.controlTotal()
	s.Totals, s.Control = s.m.public(&total), s.m.public(&control)
	s.Incomplete, s.Warnings = s.incomplete(), s.warnings(&control)
	s.Differences = s.tally.check()
	s.Reconciled = len(s.Differences) == 0 && len(s.Incomplete) == 0
}

// state tells how final the delivery is: open until its period is over, then
// provisional until every usage row is on an invoice.
func (s *Statement) state() State {
	switch d := s.Delivery; {
	case d.AsOf.IsZero() || d.Period.IsZero():
		return ""
	case d.AsOf.Before(d.Period.End()):
		return Open
	case !s.p.HasColumn(cur.ColInvoiceID):
		return ""
	case s.tally.uninvoiced:
		return Provisional
	}
	return Invoiced
}

func (s *Statement) incomplete() (out []Note) {
	if n := s.tally.costBlank; n > 0 {
		out = append(out, Note{"cost_blank", unblendedColumn, n})
	}
	if n := s.p.Unread(); n > 0 {
		out = append(out, Note{"rest_unread", "", n})
	}
	return sortNotes(append(out, s.tally.rejectedNotes()...))
}

// Columns that notes are about and that are no part of a key.
const (
	unblendedColumn cur.Column = "line_item_unblended_cost"
	netColumn       cur.Column = "line_item_net_unblended_cost"
)

func (s *Statement) warnings(control *amounts) (out []Note) {
	note := func(code string, c cur.Column, rows int64) {
		if rows > 0 {
			out = append(out, Note{code, c, rows})
		}
	}
	for _, c := range [...]cur.Column{cur.ColPayer, cur.ColCurrency, cur.ColBillingEntity, cur.ColBillingPeriod, cur.ColLineItemType} {
		if !s.p.HasColumn(c) {
			note("column_absent", c, control.rows)
		}
	}
	for _, m := range s.g.missing {
		if m.currency == s.Currency {
			note("sessions_not_stored", cur.ColPrincipal, m.rows)
		}
	}
	if s.m.effective { // FOCUS
		note("principal_not_exported", cur.ColPrincipal, control.rows)
		if !s.p.HasColumn(cur.ColProductCode) {
			note("column_absent", cur.ColProductCode, control.rows)
		}
	}
	for _, c := range s.p.Spec().Columns {
		if !s.p.HasValue(c) {
			note("tag_absent", c, s.grouped())
		}
	}
	note("foreign_period", cur.ColBillingPeriod, s.tally.foreign)
	note("unknown_component", cur.ColUsageType, s.tally.unknownComponent)
	note("unknown_line_item_type", cur.ColLineItemType, s.tally.unknownType)
	if s.m.net && !control.net.Equal(control.unblended) {
		note("net_differs", netColumn, s.tally.netRows)
	}
	return sortNotes(out)
}

func sortNotes(n []Note) []Note {
	slices.SortFunc(n, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Column, b.Column))
	})
	return n
}

// Stored identifies the groups that the statement was made of.
func (s *Statement) Stored() [32]byte { return s.p.Digest() }

// Line is one group of rows and what became of it, or one part of what was split.
// A group that sessions were taken out of has a line for each of those who have
// some of it, all under the key of the group.
// The key of a part holds what money is split by and nothing else; its measures
// are rows, usage and unblended cost.
type Line struct {
	Key      *cur.Key
	Measures cur.Measures
	Assignment
	Amounts Amounts
}

// Lines ranges over the groups of the statement's currency, in order of their
// keys, and then, instead of the groups that were split, over the parts. Rows
// outside the rollup's predicate are in no line. The pointer is
// reused: what it points to is good until the next line.
func (s *Statement) Lines() iter.Seq[*Line] {
	return func(yield func(*Line) bool) {
		as := s.ix.Assigner()
		var l Line
		var pieces []piece
		for i := range s.p.Len() {
			k := s.p.Key(i)
			if k.Currency != s.Currency {
				continue
			}
			pieces = as.pieces(pieces[:0], s.g, i, k)
			for n := range pieces {
				l.Key, l.Measures, l.Assignment = k, pieces[n].sums, pieces[n].Assignment
				if s.tally.wasSplit(k, &l.Assignment) {
					continue
				}
				x := s.m.of(&l.Measures, k.LineItemType)
				l.Amounts = s.m.public(&x)
				if !yield(&l) {
					return
				}
			}
		}
		for i := range s.tally.parts {
			if l = s.part(&s.tally.parts[i]); !yield(&l) {
				return
			}
		}
	}
}

// Groups ranges over the groups of the statement's currency, in order of their keys,
// as they were assigned: as Lines does, but what is split afterwards is a line without
// Workload under the group's key. It serves who asks about anchors, which parts no
// longer have. The pointer is reused: what it points to is good until the next line.
func (s *Statement) Groups() iter.Seq[*Line] {
	return func(yield func(*Line) bool) {
		as := s.ix.Assigner()
		var l Line
		var pieces []piece
		for i := range s.p.Len() {
			k := s.p.Key(i)
			if k.Currency != s.Currency {
				continue
			}
			pieces = as.pieces(pieces[:0], s.g, i, k)
			for n := range pieces {
				l.Key, l.Measures, l.Assignment = k, pieces[n].sums, pieces[n].Assignment
				x := s.m.of(&l.Measures, k.LineItemType)
				if l.Amounts = s.m.public(&x); !yield(&l) {
					return
				}
			}
		}
	}
}

// Index returns the claims and rules that the statement was made under, ready to
// assign and explain its groups.
func (s *Statement) Index() *Index { return s.ix }

// part makes a line of a part.
func (s *Statement) part(p *part) Line {
	l := Line{Assignment: Assignment{Outcome: p.outcome, Kind: p.kind, Component: p.poolKey.component, Claim: p.claim, Workload: p.workload},
		Amounts: s.m.public(&p.amounts), Key: &cur.Key{Payer: cmp.Or(p.payer, s.Delivery.Payer), BillingPeriod: s.Delivery.Period, Currency: s.Currency,
			UsageAccount: p.account, ProductCode: p.product, PricingUnit: p.unit, LineItemType: p.lineType, Bucket: p.bucket}}
	if p.claim != nil {
		l.Anchor = p.claim.Anchor
	}
	l.Measures.Rows = p.rows
	// Parts of accepted sums are inside the bounds of amounts.
	_ = l.Measures.Put(cur.Usage, p.usage.Decimal())
	_ = l.Measures.Put(cur.UnblendedCost, p.unblended.Decimal())
	return l
}
