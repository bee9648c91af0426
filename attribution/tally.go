package attribution

import (
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// tally adds up one currency of a delivery, several times over: by outcome, by
// whoever has the money, by line item type and product, and apart from all of
// them the decoder's control totals. The identity is that they agree.
type tally struct {
	metrics
	ix       *Index // for what is to be split; may be nil where nothing is
	outcomes map[Outcome]*amounts
	reasons  map[outcomeReason]*amounts

	owned     map[WorkloadID]*account // claimed and shared
	defaulted map[WorkloadID]*account
	unclaimed memo[unclaimedKey, orphan]
	// others are the rows of no account: unallocated, excluded and the like, by
	// the reason they have.
	others map[Reason]*amounts

	// Money that is split once everything is assigned, and what came of it, in a
	// fixed order; see split.go.
	pools  map[poolKey]*pool
	direct map[directKey]map[WorkloadID]exact.Num
	parts  []part
	spread map[WorkloadID]*account

	types    map[string]*amounts // line item types
	products map[string]*amounts
	control  map[string]*amounts // by line item type

	overridden map[*Claim]*amounts

	last lastSums
	used store[used] // of all usages

	costBlank, foreign, unknownComponent, unknownType, netRows int64
	uninvoiced                                                 bool
}

// outcomeReason keeps reasons by outcome: out_of_scope and a charge kind never
// meet, but nothing here has to rely on it.
type outcomeReason struct {
	outcome Outcome
	reason  Reason
}

// account is what one workload has.
type account struct {
	usages
	other map[ChargeKind]*amounts
}

// unclaimedKey is what makes one entry of what nobody owns.
type unclaimedKey struct {
	kind            AnchorKind
	anchor          string
	account, region string
	reason          Reason
}

// orphan is such an entry.
type orphan struct {
	usages
	begin, end cur.Bucket // of its first rows, and its last
}

// lastSums are where the group before went. Groups come in the order of their keys,
// so that neighbours mostly go to the same sums.
type lastSums struct {
	types, products  latest[string, amounts]
	outcomes         latest[Outcome, amounts]
	reasons          latest[outcomeReason, amounts]
	others           latest[Reason, amounts]
	owned, defaulted latest[WorkloadID, account]
}

// latest is the last look-up in a map that nothing is taken out of.
type latest[K comparable, V any] struct {
	key K
	at  *V // nil: not there yet
}

// of returns m[k].
func (l *latest[K, V]) of(m map[K]*V, k K) *V {
	if l.at == nil || l.key != k {
		l.key, l.at = k, m[k]
	}
	return l.at
}

func newTally(m metrics) *tally {
	return &tally{
		metrics:  m,
		outcomes: map[Outcome]*amounts{}, reasons: map[outcomeReason]*amounts{},
		owned: map[WorkloadID]*account{}, defaulted: map[WorkloadID]*account{},
		others: map[Reason]*amounts{},
		types:  map[string]*amounts{}, products: map[string]*amounts{},
		pools: map[poolKey]*pool{}, direct: map[directKey]map[WorkloadID]exact.Num{}, spread: map[WorkloadID]*account{},
		control: map[string]*amounts{}, overridden: map[*Claim]*amounts{},
	}
}

// sum adds x to m[k].
func sum[K comparable](m map[K]*amounts, k K, x *amounts) {
	s := m[k]
	if s == nil {
		s = new(amounts)
		m[k] = s
	}
	s.add(x)
}

// sumLike is sum for what mostly has the last key.
func sumLike[K comparable](l *latest[K, amounts], m map[K]*amounts, k K, x *amounts) {
	if s := l.of(m, k); s != nil {
		s.add(x)
		return
	}
	sum(m, k, x)
}

// group books a group, or a series of them whose last has the given bucket. Each sum
// below is made from the assignment by itself and never from another sum: only so can
// check find that one of them is wrong.
func (t *tally) group(k *cur.Key, last cur.Bucket, sums *cur.Measures, a *Assignment) {
	v := t.of(sums, k.LineItemType)
	x := &v
	sumLike(&t.last.types, t.types, k.LineItemType, x)
	sumLike(&t.last.products, t.products, k.ProductCode, x)
	t.invoiced(a.Kind, k.Invoice.ID)
	for _, c := range a.Overridden {
		sum(t.overridden, c, x)
	}
	if a.Kind == Usage && a.Component == pricing.Unknown && a.Product != "" {
		t.unknownComponent += sums.Rows
	}
	usage := sums.Exact(cur.Usage)
	unit := componentUnit{a.Component, k.PricingUnit}
	if t.ix != nil && t.ix.splits {
		if a.Outcome == Claimed && a.Kind == Usage {
			t.directly(k, a.Workload, x.unblended)
		}
		if key, ok := t.ix.poolOf(k, a); ok {
			// What becomes of spread money is known when all is assigned.
			if a.Outcome == Shared {
				t.outcome(Shared, "", x)
			}
			t.pool(key, usage, x)
			return
		}
	}
	t.outcome(a.Outcome, a.Reason, x)
	// Whoever has the money is told by the claim, not by the outcome.
	switch {
	case a.Claim != nil && a.Outcome == Defaulted:
		t.book(t.last.defaulted.of(t.defaulted, a.Workload), t.defaulted, a, unit, usage, x)
	case a.Claim != nil:
		t.book(t.last.owned.of(t.owned, a.Workload), t.owned, a, unit, usage, x)
	case a.Outcome == Unclaimed:
		o, isNew := t.unclaimed.of(unclaimedKey{a.Anchor.Kind, a.Anchor.Value, k.UsageAccount, k.Region, a.Reason})
		if isNew {
			o.begin, o.end = k.Bucket, last
		}
		if k.Bucket.Compare(o.begin) < 0 {
			o.begin = k.Bucket
		}
		if last.Compare(o.end) > 0 {
			o.end = last
		}
		o.add(&t.used, unit, usage, x)
	default:
		sumLike(&t.last.others, t.others, a.Reason, x)
	}
}

// outcome books money under its outcome and reason.
func (t *tally) outcome(o Outcome, r Reason, x *amounts) {
	sumLike(&t.last.outcomes, t.outcomes, o, x)
	sumLike(&t.last.reasons, t.reasons, outcomeReason{o, r}, x)
}

// book gives a group to its workload: usage by component and unit, everything
// else by its kind, because it is not used up and has no quantity.
// w is its account, nil where there is none yet.
func (t *tally) book(w *account, to map[WorkloadID]*account, a *Assignment, unit componentUnit, usage exact.Num, x *amounts) {
	if w == nil {
		w = &account{other: map[ChargeKind]*amounts{}}
		to[a.Workload] = w
	}
	if a.Kind != Usage {
		sum(w.other, a.Kind, x)
		return
	}
	w.add(&t.used, unit, usage, x)
}

// total adds up what a workload has.
func (w *account) total() amounts {
	t, x := add(w.other), w.usages.total()
	t.add(&x)
	return t
}

// rest books a group of rows outside the rollup's predicate, which is the scope:
// they have no key to assign, and need none.
func (t *tally) rest(r *cur.RestGroup) {
	v := t.of(&r.Measures, r.Key.LineItemType)
	x := &v
	t.outcome(Excluded, ReasonOutOfScope, x)
	sum(t.others, ReasonOutOfScope, x)
	sum(t.types, r.Key.LineItemType, x)
	sum(t.products, r.Key.ProductCode, x)
	t.invoiced(KindOf(r.Key.LineItemType), r.Key.Invoice.ID)
}

// invoiced notes usage that is on no invoice yet.
func (t *tally) invoiced(kind ChargeKind, invoice string) {
	t.uninvoiced = t.uninvoiced || kind == Usage && invoice == ""
}

// controlled books a control total. What the notes say of rows is read off here,
// for the decoder saw every row.
func (t *tally) controlled(c *cur.Control, period cur.Month) {
	x := t.of(&c.Measures, c.Key.LineItemType)
	sum(t.control, c.Key.LineItemType, &x)
	t.costBlank += c.CostBlank
	t.netRows += c.NetRows
	if c.Key.BillingPeriod != period && !period.IsZero() {
		t.foreign += c.Rows
	}
	if KindOf(c.Key.LineItemType) == Other {
		t.unknownType += c.Rows
	}
}

func add[K comparable](m map[K]*amounts) (total amounts) {
	for _, x := range m {
		total.add(x)
	}
	return total
}

func (t *tally) total() amounts        { return add(t.outcomes) }
func (t *tally) controlTotal() amounts { return add(t.control) }

// check compares the ways the money was added up, and returns where they differ.
func (t *tally) check() (out []Difference) {
	compare := func(of string, got, want amounts) {
		t.compare(&got, &want, func(metric string, g, w decimal.Decimal) {
			out = append(out, Difference{of, metric, g, w})
		})
	}
	at := func(m map[string]*amounts, k string) (x amounts) {
		if m[k] != nil {
			x = *m[k]
		}
		return x
	}
	compare("total", t.total(), t.controlTotal())
	types := map[string]bool{}
	for k := range t.types {
		types[k] = true
	}
	for k := range t.control {
		types[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(types)) {
		compare(fmt.Sprintf("line item type %q", k), at(t.types, k), at(t.control, k))
	}
	compare("products", add(t.products), t.controlTotal())

	// Outcomes against those who have the money. A row moved from one to the
	// other shows here, though the total does not change.
	byOutcome := map[Outcome]*amounts{}
	for k, x := range t.reasons {
		sum(byOutcome, k.outcome, x)
	}
	for _, o := range outcomes {
		var got, want, reasons amounts
		if t.outcomes[o] != nil {
			got = *t.outcomes[o]
		}
		if byOutcome[o] != nil {
			reasons = *byOutcome[o]
		}
		compare(fmt.Sprintf("reasons of outcome %s", o), reasons, got)
		switch o {
		case Claimed:
			if t.outcomes[Shared] != nil {
				got.add(t.outcomes[Shared])
			}
			for _, w := range t.owned {
				x := w.total()
				want.add(&x)
			}
		case Shared:
			continue // with claimed
		case Defaulted:
			for _, w := range t.defaulted {
				x := w.total()
				want.add(&x)
			}
		case Spread:
			for _, w := range t.spread {
				x := w.total()
				want.add(&x)
			}
		case Unclaimed:
			for _, w := range t.unclaimed.all {
				x := w.total()
				want.add(&x)
			}
		case Unallocated:
			for r, x := range t.others {
				if isKind(r) {
					want.add(x)
				}
			}
		case Excluded:
			for r, x := range t.others {
				if !isKind(r) && !isRejected(r) {
					want.add(x)
				}
			}
		}
		if o == Rejected {
			want = t.rejected()
		}
		compare(fmt.Sprintf("outcome %s", o), got, want)
	}
	return out
}

// isKind reports whether a reason is a charge kind, as those of unallocated
// money are.
func isKind(r Reason) bool {
	switch ChargeKind(r) {
	case Discount, Credit, Refund, Tax, Fee, Commitment, Other:
		return true
	}
	return false
}
