package gaps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// ErrClaims marks claims that are not those the statement was made under.
var ErrClaims = errors.New("not the claims of the statement")

// Input is what gaps are found in. Only Statement is required; what is nil is not
// known, and kinds that need it are silent.
type Input struct {
	Statement *attribution.Statement
	// Claims are those that the statement was made under.
	Claims *attribution.Claims
	// Approvals are the approved requests, past ones included. Nil means that nobody
	// keeps any; empty, that nothing is approved.
	Approvals []Approval
	// Directory knows owners; nil means the owners that Claims name, nobody for
	// accounts, and no FinOps Lead.
	Directory Directory
	Estimates Estimates
	Sessions  []SessionStart
	// Now is the clock; zero means the as-of time of the delivery.
	Now time.Time

	_ struct{}
}

// Spend is usage of one statement that agrees in everything but its day, its invoice
// and the type of its line items.
type Spend struct {
	// Key is that of the first group. Its region and model are filled in, as far as
	// they can be told, where the row has none. It is not to be written to.
	Key *cur.Key
	// Assignment is why the money is where it is. A share has no Workload; see Owners.
	attribution.Assignment
	// Region is the product region, else that of the usage type's billing prefix, else
	// that of the resource's ARN; "" when nothing tells it. RegionFrom says which:
	// "product", "usage_type", "arn" or "".
	Region, RegionFrom string
	// Disagree holds sources of the region that say something else, as
	// "usage_type eu-west-1".
	Disagree []string
	Model    string // as billed or as the usage type names it; "" if neither does

	days []day
}

// day is what a spend has on one UTC day.
type day struct {
	at      int64 // Unix time of midnight
	rows    int64
	cost    exact.Num
	counted bool // by some gap, while counting
}

const secondsPerDay = 24 * 60 * 60

func (d *day) time() time.Time { return time.Unix(d.at, 0).UTC() }

// Days ranges over the days of the spend and their unblended cost.
func (s *Spend) Days() iter.Seq2[time.Time, decimal.Decimal] {
	return func(yield func(time.Time, decimal.Decimal) bool) {
		for i := range s.days {
			if !yield(s.days[i].time(), s.days[i].cost.Decimal()) {
				return
			}
		}
	}
}

// Unowned reports whether no claim reaches the spend but the default of its account.
func (s *Spend) Unowned() bool {
	return s.Outcome == attribution.Unclaimed || s.Outcome == attribution.Defaulted
}

// Owners returns the workloads that have the spend by claims: one, the parts of a
// share, or none.
func (s *Spend) Owners() []attribution.WorkloadID {
	if s.Unowned() || s.Claim == nil {
		return nil
	}
	return owners(s.Claim)
}

// owners returns the workloads of a claim, by id.
func owners(c *attribution.Claim) []attribution.WorkloadID {
	switch t := c.Target.(type) {
	case attribution.Whole:
		return []attribution.WorkloadID{t.Workload}
	case attribution.Share:
		out := make([]attribution.WorkloadID, 0, len(t.Parts))
		for _, p := range t.Parts {
			out = append(out, p.Workload)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return nil
}

// Models reports whether the spend is of model calls, by the component's group.
func (s *Spend) Models() bool { return s.Component.Group() == pricing.GroupModel }

// View is an input made ready for detectors: its spends, worked out in one pass over
// the statement. It is used by one goroutine.
type View struct {
	Input

	spends []*Spend
	total  exact.Num // of all spends
	held   map[attribution.ClaimID]bool
	// accounts are those that the statement has rows in scope of.
	accounts map[string]bool

	approved *approvals
	look     lookups
}

// ctxEvery is after how many groups the context is looked at.
const ctxEvery = 1 << 12

// NewView makes a view. The error is [ErrClaims] when the claims are not those of the
// statement, or the context's.
func NewView(ctx context.Context, in Input) (*View, error) {
	st := in.Statement
	if st == nil {
		return nil, errors.New("gaps: view: no statement")
	}
	if in.Claims == nil {
		in.Claims = &attribution.Claims{}
	}
	if in.Claims.Revision(st.Delivery.Period) != st.ClaimsRevision {
		return nil, fmt.Errorf("gaps: view of %s %s: %w", st.Delivery.Payer, st.Delivery.Period, ErrClaims)
	}
	if in.Now.IsZero() {
		in.Now = st.Delivery.AsOf
	}
	if in.Directory == nil {
		in.Directory = People{Claims: in.Claims}
	}
	v := &View{Input: in, held: map[attribution.ClaimID]bool{}, accounts: map[string]bool{}, approved: indexApprovals(in.Approvals), look: lookups{units: map[unitKey][]string{},
		owners: map[attribution.WorkloadID]string{}, estimates: map[estimateKey]bool{}, misses: map[attribution.Anchor][]attribution.NearMiss{}}}
	if err := v.gather(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// workloads returns the ids of all workloads that claims name or list, sorted.
func (v *View) workloads() []attribution.WorkloadID {
	var out []attribution.WorkloadID
	for _, w := range v.Claims.Workloads {
		out = append(out, w.ID)
	}
	for i := range v.Claims.Claims {
		out = append(out, owners(&v.Claims.Claims[i])...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Spends ranges over the usage of AI products, in the order of the statement's groups.
func (v *View) Spends() iter.Seq[*Spend] { return slices.Values(v.spends) }

// Explain returns the steps that led to a spend's assignment.
func (v *View) Explain(s *Spend) []attribution.Step { return v.Statement.Index().Explain(s.Key) }

// NearMisses returns the claims that nearly are on a spend which nobody owns.
func (v *View) NearMisses(s *Spend) []attribution.NearMiss {
	return v.Statement.Index().NearMisses(s.Key)
}

// Complete returns the last day whose rows have all arrived; zero if unknown.
func (v *View) Complete() time.Time { return v.Statement.CompleteThrough }

// spendKey is what the groups of one spend agree in.
type spendKey struct {
	entity, code, family, name, model, usageType, operation, unit string
	account, region, principal, resource, declared                string
	outcome                                                       attribution.Outcome
	reason                                                        attribution.Reason
	claim                                                         *attribution.Claim
}

// gather sums the groups of usage to spends.
func (v *View) gather(ctx context.Context) error {
	found := map[spendKey]*Spend{}
	regions := map[regionKey]place{}
	var last spendKey
	var to *Spend
	n := 0
	for l := range v.Statement.Groups() {
		if n++; n%ctxEvery == 0 && ctx.Err() != nil {
			return fmt.Errorf("gaps: view: %w", context.Cause(ctx))
		}
		v.hold(&l.Assignment)
		v.accounts[l.Key.UsageAccount] = true
		if l.Kind != attribution.Usage || l.Product == "" || l.Outcome == attribution.Excluded ||
			l.Component.Group() == pricing.GroupInfrastructure {
			continue
		}
		k := keyOf(l)
		if to == nil || k != last {
			// Groups come in order of their keys, the day last: most follow their own.
			if to = found[k]; to == nil {
				to = newSpend(l, regions)
				found[k] = to
				v.spends = append(v.spends, to)
			}
			last = k
		}
		to.add(l)
		v.total.Acc(l.Measures.Exact(cur.UnblendedCost))
	}
	return nil
}

// hold notes which claims took hold of anything, if only to lose it.
func (v *View) hold(a *attribution.Assignment) {
	if a.Claim != nil {
		v.held[a.Claim.ID] = true
	}
	for _, c := range a.Tied {
		v.held[c.ID] = true
	}
	for _, c := range a.Overridden {
		v.held[c.ID] = true
	}
}

func keyOf(l *attribution.Line) spendKey {
	k := l.Key
	var declared strings.Builder
	for _, c := range k.Declared() {
		value, _ := k.Column(c)
		fmt.Fprintf(&declared, "%d:%s", len(value), value)
	}
	return spendKey{k.BillingEntity, k.ProductCode, k.ProductFamily, k.ProductName, k.Model, k.UsageType, k.Operation, k.PricingUnit,
		k.UsageAccount, k.Region, k.Principal, k.Resource, declared.String(), l.Outcome, l.Reason, l.Claim}
}

func newSpend(l *attribution.Line, regions map[regionKey]place) *Spend {
	k := *l.Key
	p := placeOf(&k, regions)
	s := &Spend{Assignment: l.Assignment, Region: p.region, RegionFrom: p.from, Disagree: p.disagree, Model: cmp.Or(k.Model, p.model)}
	s.Overridden = slices.Clone(s.Overridden)
	k.Region, k.Model = s.Region, s.Model
	s.Key = &k
	return s
}

// add adds a group. Days mostly come in order.
func (s *Spend) add(l *attribution.Line) {
	at := l.Key.Bucket.Start - l.Key.Bucket.Start%secondsPerDay
	i := len(s.days)
	for i > 0 && s.days[i-1].at > at {
		i--
	}
	if i == 0 || s.days[i-1].at != at {
		s.days = slices.Insert(s.days, i, day{at: at})
		i++
	}
	d := &s.days[i-1]
	d.rows += l.Measures.Rows
	d.cost.Acc(l.Measures.Exact(cur.UnblendedCost))
	for _, c := range l.Overridden {
		if !slices.Contains(s.Overridden, c) {
			s.Overridden = append(s.Overridden, c)
		}
	}
}
