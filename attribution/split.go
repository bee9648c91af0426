package attribution

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// poolKey is the grain that shared and spread money is split at. It names nothing
// that depends on how fine the groups are, so neither the order of files nor
// extra columns change a part.
type poolKey struct {
	claim *Claim // of a share; nil: spread money, which keeps the following apart
	rule  int    // its place in the rules
	directKey

	kind      ChargeKind
	component pricing.Component
	unit      string
	lineType  string
	bucket    cur.Bucket
}

// compare orders pools whose claims or rules are of one index.
func (k poolKey) compare(o poolKey) int {
	return cmp.Or(cmp.Compare(k.id(), o.id()), cmp.Compare(k.rule, o.rule), cmp.Compare(k.payer, o.payer), cmp.Compare(k.account, o.account), cmp.Compare(k.product, o.product),
		cmp.Compare(k.kind, o.kind), cmp.Compare(k.component, o.component), cmp.Compare(k.unit, o.unit), cmp.Compare(k.lineType, o.lineType),
		k.bucket.Compare(o.bucket))
}

// id returns the id of the claim, "" if there is none.
func (k poolKey) id() ClaimID {
	if k.claim == nil {
		return ""
	}
	return k.claim.ID
}

// pool is money that waits to be split.
type pool struct {
	component
	spread bool // a spread rule found somebody to give it to
}

// part is what one workload has of a pool.
type part struct {
	poolKey
	outcome  Outcome
	workload WorkloadID
	component
}

// directKey is what spread money is spread within.
type directKey struct{ payer, account, product string }

// poolOf returns the pool that the money of a group goes to, if it is to be split.
func (ix *Index) poolOf(k *cur.Key, a *Assignment) (key poolKey, ok bool) {
	switch a.Outcome {
	case Shared:
		if a.Workload != "" {
			return key, false // it matched a part
		}
		key.claim = a.Claim
	case Unallocated:
		if key.rule, ok = ix.rules.spreadRule(k, a.Kind); !ok {
			return key, false
		}
		key.directKey = directKey{k.Payer, k.UsageAccount, k.ProductCode}
	default:
		return key, false
	}
	key.kind, key.component, key.unit, key.lineType, key.bucket = a.Kind, a.Component, k.PricingUnit, k.LineItemType, k.Bucket
	return key, true
}

// wasSplit reports whether the money of a group is in parts.
func (t *tally) wasSplit(k *cur.Key, a *Assignment) bool {
	if t == nil || t.ix == nil || !t.ix.splits {
		return false
	}
	key, ok := t.ix.poolOf(k, a)
	if ok && key.claim == nil {
		p := t.pools[key]
		return p != nil && p.spread
	}
	return ok
}

// pool puts a group's money aside.
func (t *tally) pool(key poolKey, usage exact.Num, x *amounts) {
	p := t.pools[key]
	if p == nil {
		p = new(pool)
		t.pools[key] = p
	}
	p.add(x)
	p.usage.Acc(usage)
}

// directly notes what a workload has by claims of its own: weights are made of it.
func (t *tally) directly(k *cur.Key, w WorkloadID, cost exact.Num) {
	key := directKey{k.Payer, k.UsageAccount, k.ProductCode}
	if t.direct[key] == nil {
		t.direct[key] = map[WorkloadID]exact.Num{}
	}
	n := t.direct[key][w]
	n.Acc(cost)
	t.direct[key][w] = n
}

// split gives out what was put aside, once everything is assigned. A share that
// cannot be split is a [ShareError]; a lenient split divides it evenly, for
// states that are a waypoint between two statements and nobody's statement.
// Spread money that no workload qualifies for stays unallocated.
func (t *tally) split(lenient bool) error {
	if t.ix == nil || len(t.pools) == 0 {
		return nil
	}
	rows := make([]*Weight, len(t.ix.claims.Weights))
	for i := range rows {
		rows[i] = &t.ix.claims.Weights[i]
	}
	for _, key := range slices.SortedFunc(maps.Keys(t.pools), poolKey.compare) {
		p := t.pools[key]
		if key.claim == nil {
			t.spreadPool(key, p)
			continue
		}
		share := key.claim.Target.(Share) // only shares have pools
		by, err := t.weights(share, rows, key.bucket)
		if err != nil && !lenient {
			return &ShareError{key.claim.ID, key.bucket.Time(), key.bucket.End(), err}
		}
		if err != nil {
			by = even(len(share.Parts))
		}
		parts := make([]portion, len(share.Parts))
		for i := range parts {
			parts[i] = portion{share.Parts[i].Workload, by[i]}
		}
		t.give(key, p, Shared, t.owned, parts)
	}
	return nil
}

func even(n int) []decimal.Decimal {
	return slices.Repeat([]decimal.Decimal{decimal.NewFromInt(1)}, n)
}

// weights returns what each part of a share weighs in a bucket.
func (t *tally) weights(s Share, rows []*Weight, b cur.Bucket) ([]decimal.Decimal, error) {
	switch s.By {
	case Evenly:
		return even(len(s.Parts)), nil
	case ByTable:
		return s.tableAt(rows, b.Time())
	case ByWeight:
		out := make([]decimal.Decimal, len(s.Parts))
		for i, p := range s.Parts {
			out[i] = p.Weight
		}
		return out, nil
	}
	out := make([]decimal.Decimal, len(s.Parts))
	var total exact.Num
	for i, p := range s.Parts {
		var n exact.Num
		for _, by := range t.direct {
			n.Acc(by[p.Workload])
		}
		if n.Sign() < 0 {
			return nil, fmt.Errorf("the direct cost of workload %q is negative", p.Workload)
		}
		total.Acc(n)
		out[i] = n.Decimal()
	}
	if total.IsZero() {
		return nil, errors.New("none of its workloads has direct cost")
	}
	return out, nil
}

// spreadPool applies a spread rule, or books the money as unallocated.
func (t *tally) spreadPool(key poolKey, p *pool) {
	var parts []portion
	if to := t.ix.rules.Spread[key.rule].To; to != "" {
		parts = []portion{{to, decimal.NewFromInt(1)}}
	} else {
		for w, n := range t.direct[key.directKey] {
			if n.Sign() > 0 {
				parts = append(parts, portion{w, n.Decimal()})
			}
		}
	}
	p.spread = len(parts) > 0
	if p.spread {
		t.outcome(Spread, "", &p.amounts)
		t.give(key, p, Spread, t.spread, parts)
		return
	}
	t.outcome(Unallocated, Reason(key.kind), &p.amounts)
	sum(t.others, Reason(key.kind), &p.amounts)
}

// portion is a workload's claim to part of some money.
type portion struct {
	workload WorkloadID
	weight   decimal.Decimal
}

// give books the parts of a pool.
func (t *tally) give(key poolKey, p *pool, o Outcome, to map[WorkloadID]*account, by []portion) {
	by = slices.Clone(by)
	slices.SortFunc(by, func(a, b portion) int { return cmp.Compare(a.workload, b.workload) })
	w := scaled(by)
	rows := divide(exact.FromInt(p.rows), w, 0)
	usage := divide(p.usage, w, splitScale)
	unblended := divide(p.unblended, w, splitScale)
	net, amortized := divide(p.net, w, splitScale), divide(p.amortized, w, splitScale)
	for i, x := range by {
		c := component{amounts{rows[i].Decimal().IntPart(), unblended[i], net[i], amortized[i]}, usage[i]}
		if c.empty() {
			continue
		}
		t.parts = append(t.parts, part{key, o, x.workload, c})
		a := Assignment{Kind: key.kind, Workload: x.workload}
		t.book(to[x.workload], to, &a, componentUnit{key.component, key.unit}, c.usage, &c.amounts)
	}
}

func (c *component) empty() bool {
	return c.rows == 0 && c.unblended.IsZero() && c.net.IsZero() && c.amortized.IsZero() && c.usage.IsZero()
}

// scaled makes whole numbers of weights, in the same proportion.
func scaled(by []portion) []*big.Int {
	least := int32(0)
	for _, p := range by {
		least = min(least, p.weight.Exponent())
	}
	out := make([]*big.Int, len(by))
	for i, p := range by {
		out[i] = new(big.Int).Mul(p.weight.Coefficient(), pow10(p.weight.Exponent()-least))
	}
	return out
}

func pow10(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// splitScale is how many decimals parts have at least. A total has as many as it
// needs, and may need none: a dollar for two would be a dollar for one.
const splitScale = 10

// divide splits a total by weights, exactly: by largest remainder at the scale of
// the total, and at least the given one. Ties go to whoever comes first. The
// weights are not negative and not all zero.
func divide(total exact.Num, weights []*big.Int, scale int32) []exact.Num {
	out := make([]exact.Num, len(weights))
	if total.IsZero() {
		return out
	}
	d := total.Decimal()
	scale = max(scale, -d.Exponent())
	whole := new(big.Int).Mul(d.Coefficient(), pow10(scale+d.Exponent()))
	sign := whole.Sign()
	whole.Abs(whole)
	all := new(big.Int)
	for _, w := range weights {
		all.Add(all, w)
	}
	quotients, remainders := make([]*big.Int, len(weights)), make([]*big.Int, len(weights))
	left := new(big.Int).Set(whole)
	order := make([]int, len(weights))
	for i, w := range weights {
		quotients[i], remainders[i] = new(big.Int).QuoRem(new(big.Int).Mul(whole, w), all, new(big.Int))
		left.Sub(left, quotients[i])
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return remainders[b].Cmp(remainders[a]) })
	// What is left is fewer units than there are parts with a remainder.
	for i := range int(left.Int64()) {
		quotients[order[i]].Add(quotients[order[i]], big.NewInt(1))
	}
	for i, q := range quotients {
		if sign < 0 {
			q.Neg(q)
		}
		// A part has no more digits than its total, and those were accepted, or
		// at most splitScale more after the point.
		out[i], _ = exact.FromDecimal(decimal.NewFromBigInt(q, -scale))
	}
	return out
}
