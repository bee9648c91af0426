package governance

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// ErrStatements: statements that cannot be looked at together.
var ErrStatements = errors.New("statements that do not go together")

// DiscoverOptions adjusts Discover. The zero value and nil mean the defaults.
type DiscoverOptions struct {
	// Tags are the columns whose values name an application. Nil means those of the
	// bill whose key is application, app, workload, service or system.
	Tags []cur.Column
	// Dull are words that say nothing of an application, beside those that everybody
	// uses: the organisation's own prefix, for one.
	Dull []string
	// Known are the retroactive requests there are: what they were found by is theirs.
	Known []KnownApplication
	// HandedOver are anchors that approved workloads have yet to claim.
	HandedOver []attribution.Anchor
	// Rules are those that claims are attributed under.
	Rules *attribution.Rules

	_ struct{}
}

// A KnownApplication is one that a retroactive request was made for.
type KnownApplication struct {
	Request Ref                  `json:"request"`
	State   State                `json:"state"`
	Anchors []attribution.Anchor `json:"anchors"`
}

// A Discovery is what runs without an approved request. Usage, at unblended cost, is
// the sum of the amounts below it, exactly.
type Discovery struct {
	Currency string      `json:"currency"`
	Payers   []string    `json:"payers"`
	Periods  []cur.Month `json:"periods"`
	// Through is the last day whose rows have all arrived; zero if unknown.
	Through time.Time `json:"through,omitzero"`

	Usage    decimal.Decimal `json:"usage"`
	Approved decimal.Decimal `json:"approved"` // inside an approval in force on the day
	// Beyond is outside what the request of its workload allows: that request has to
	// change, and no new one is drafted.
	Beyond decimal.Decimal `json:"beyond"`
	// Awaiting was handed over under an approval and is yet to be claimed.
	Awaiting decimal.Decimal `json:"awaiting"`
	// Nameless has no anchor that anybody could ask for.
	Nameless   decimal.Decimal `json:"nameless"`
	Unapproved decimal.Decimal `json:"unapproved"` // the sum of the applications

	// Applications come with the most expensive first. Every anchor that is used
	// without an approval is in exactly one.
	Applications []Application `json:"applications"`
}

// An Application is what was found to be one, because of the reasons it states.
type Application struct {
	// ID is what its workload would be called. It stays the same while the anchors and
	// what links them do.
	ID   attribution.WorkloadID `json:"id"`
	Name string                 `json:"name"`
	// Request is the retroactive request there is for it, and State how that stands;
	// zero for what nobody has asked about.
	Request    Ref             `json:"request,omitzero"`
	State      State           `json:"state,omitempty"`
	Accounts   []string        `json:"accounts"`
	Regions    []string        `json:"regions"`
	Components []pricing.Group `json:"components"`
	Models     []string        `json:"models,omitempty"`
	Roles      []string        `json:"roles,omitempty"` // seen on its rows
	First      time.Time       `json:"first"`           // the first and last day seen
	Last       time.Time       `json:"last"`
	Rows       int64           `json:"rows"`
	Spend      decimal.Decimal `json:"spend"`
	// Monthly is the spend of thirty days at the rate of its complete days, from the
	// first one seen on: what a budget would have to be.
	Monthly decimal.Decimal `json:"monthly"`
	Reasons []FoundReason   `json:"reasons"`
	Anchors []FoundAnchor   `json:"anchors"`

	currency string
	payers   []string
}

// A FoundReason is why anchors are taken for one application, or what is known of it
// beside: the reasons account, region, claims, request, tag, execution_role and naming
// group; part cuts what would be too large; alone, in_scope and beside inform.
type FoundReason struct {
	Code   string `json:"code"`
	Value  string `json:"value"`
	Detail string `json:"detail"`
}

// A FoundAnchor is one anchor that is used without an approval.
type FoundAnchor struct {
	Anchor     attribution.Anchor     `json:"anchor"`
	Account    string                 `json:"account"` // that used it
	Regions    []string               `json:"regions,omitempty"`
	Components []pricing.Group        `json:"components"`
	Models     []string               `json:"models,omitempty"`
	Roles      []string               `json:"roles,omitempty"`
	Claimed    attribution.WorkloadID `json:"claimed,omitempty"` // by a claim without a request
	First      time.Time              `json:"first"`
	Last       time.Time              `json:"last"`
	Rows       int64                  `json:"rows"`
	Spend      decimal.Decimal        `json:"spend"`

	payer    string
	identity string
	tags     []string
	scopes   []string // of approvals that would cover it
	sum      exact.Num
	complete exact.Num // on complete days
}

// maxFound bounds the anchors of an application, so that its request fits one record.
const maxFound = 250

// finder is a discovery under way.
type finder struct {
	reg     *Register
	opt     DiscoverOptions
	out     *Discovery
	found   map[string]*FoundAnchor
	names   map[attribution.Anchor]string // identities worked out
	waiting map[string]bool
	answers map[coverKey]*cover
	sums    struct{ all, approved, beyond, awaiting, nameless exact.Num }
}

// Discover finds what runs without an approved request: usage of AI products that
// nobody claims, or that a claim without a request has. Anchors that belong together
// become one application.
//
// The statements are of one currency, and of different periods or payers:
// [ErrStatements] otherwise. It is a pure function of them, the register and the options;
// its result does not depend on their order.
func Discover(reg *Register, o *DiscoverOptions, statements ...*attribution.Statement) (*Discovery, error) {
	f := &finder{
		reg: reg, out: &Discovery{}, found: map[string]*FoundAnchor{}, names: map[attribution.Anchor]string{},
		waiting: map[string]bool{}, answers: map[coverKey]*cover{},
	}
	if o != nil {
		f.opt = *o
	}
	if f.reg == nil {
		f.reg = &Register{Directory: &Directory{}}
	}
	for _, a := range f.opt.HandedOver {
		f.waiting[f.identity(a)] = true
	}
	if err := f.together(statements); err != nil {
		return nil, fmt.Errorf("governance: discover: %w", err)
	}
	for _, s := range statements {
		for l := range s.Groups() {
			f.look(s, l)
		}
	}
	f.out.Applications = f.group()
	var sum exact.Num
	for _, a := range f.found {
		sum.Acc(a.sum)
	}
	f.out.Usage, f.out.Approved, f.out.Beyond = f.sums.all.Decimal(), f.sums.approved.Decimal(), f.sums.beyond.Decimal()
	f.out.Awaiting, f.out.Nameless, f.out.Unapproved = f.sums.awaiting.Decimal(), f.sums.nameless.Decimal(), sum.Decimal()
	return f.out, nil
}

// together checks that amounts of the statements can be added.
func (f *finder) together(statements []*attribution.Statement) error {
	type bill struct {
		payer, export string
		period        cur.Month
	}
	seen := map[bill]bool{}
	for i, s := range statements {
		d := s.Delivery
		b := bill{d.Payer, d.Export, d.Period}
		switch {
		case s.Currency != statements[0].Currency:
			return fmt.Errorf("%w: one in %q, one in %q", ErrStatements, statements[0].Currency, s.Currency)
		case seen[b]:
			return fmt.Errorf("%w: %s of payer %q comes twice", ErrStatements, d.Period, d.Payer)
		}
		seen[b] = true
		f.out.Currency = s.Currency
		f.out.Payers, f.out.Periods = append(f.out.Payers, d.Payer), append(f.out.Periods, d.Period)
		if i == 0 || s.CompleteThrough.After(f.out.Through) {
			f.out.Through = s.CompleteThrough
		}
	}
	slices.Sort(f.out.Payers)
	f.out.Payers = slices.Compact(f.out.Payers)
	slices.SortFunc(f.out.Periods, func(a, b cur.Month) int { return cmp.Compare(a.String(), b.String()) })
	f.out.Periods = slices.Compact(f.out.Periods)
	return nil
}

// look puts one group where it belongs.
func (f *finder) look(s *attribution.Statement, l *attribution.Line) {
	if l.Kind != attribution.Usage || l.Product == "" || l.Outcome == attribution.Excluded || l.Component.Group() == pricing.GroupInfrastructure {
		return
	}
	cost := l.Measures.Exact(cur.UnblendedCost)
	f.sums.all.Acc(cost)
	day := time.Unix(l.Key.Bucket.Start, 0).UTC()
	c := f.cover(l.Key)
	owners := ownersOf(l)
	governed := false
	for _, w := range owners {
		if _, ok := f.reg.Workload(w); ok {
			governed = true
		}
		if c.holds(w, day) {
			f.sums.approved.Acc(cost)
			return
		}
	}
	anchor := whole(l.Anchor)
	if anchor.Account == "" && anchor.Kind != attribution.KindTag {
		anchor.Account = l.Key.UsageAccount
	}
	id := f.identity(anchor)
	switch {
	case governed:
		f.sums.beyond.Acc(cost)
		return
	case l.Anchor.Value == "":
		f.sums.nameless.Acc(cost)
		return
	case len(owners) == 0 && f.waiting[id]:
		f.sums.awaiting.Acc(cost)
		return
	}
	key := l.Key.UsageAccount + " " + id
	a := f.found[key]
	if a == nil {
		a = &FoundAnchor{Anchor: anchor, Account: l.Key.UsageAccount, First: day, Last: day, payer: l.Key.Payer, identity: id}
		f.found[key] = a
	}
	a.add(l, c, anchor, owners, day, cost, s.CompleteThrough.IsZero() || !day.After(s.CompleteThrough))
	a.tags = merge(a.tags, f.tags(l.Key)...)
	if len(owners) == 0 {
		a.scopes = merge(a.scopes, c.requests(day)...)
	}
}

// add adds a group to its anchor.
func (a *FoundAnchor) add(l *attribution.Line, c *cover, as attribution.Anchor, owners []attribution.WorkloadID, day time.Time, cost exact.Num, complete bool) {
	if compareAnchors(as, a.Anchor) < 0 {
		a.Anchor = as // of several spellings the first, whatever the order of rows
	}
	if day.Before(a.First) {
		a.First = day
	}
	if day.After(a.Last) {
		a.Last = day
	}
	a.Rows += l.Measures.Rows
	a.sum.Acc(cost)
	if complete {
		a.complete.Acc(cost)
	}
	a.payer = min(a.payer, l.Key.Payer)
	a.Components = merge(a.Components, c.component)
	if c.region != "" {
		a.Regions = merge(a.Regions, c.region)
	}
	if c.component == pricing.GroupModel && c.model != "" {
		a.Models = merge(a.Models, pricing.ModelKey(c.model))
	}
	if l.Key.Principal != "" {
		a.Roles = merge(a.Roles, l.Key.Principal)
	}
	if len(owners) > 0 && (a.Claimed == "" || owners[0] < a.Claimed) {
		a.Claimed = owners[0]
	}
}

// ownersOf returns the workloads that have a group by claims of their own.
func ownersOf(l *attribution.Line) []attribution.WorkloadID {
	if l.Outcome == attribution.Unclaimed || l.Outcome == attribution.Defaulted || l.Claim == nil {
		return nil
	}
	switch t := l.Claim.Target.(type) {
	case attribution.Whole:
		return []attribution.WorkloadID{t.Workload}
	case attribution.Share:
		var out []attribution.WorkloadID
		for _, p := range t.Parts {
			out = merge(out, p.Workload)
		}
		return out
	}
	return nil
}

// whole returns the thing that an anchor is a part of: the runtime of an endpoint, the
// interpreter of a session.
func whole(a attribution.Anchor) attribution.Anchor {
	arn, ok := attribution.ParseARN(a.Value)
	if a.Kind != attribution.KindResource || !ok || !strings.HasPrefix(arn.Service, "bedrock") {
		return a
	}
	if parts := strings.SplitN(arn.Resource, "/", 3); len(parts) == 3 {
		arn.Resource = parts[0] + "/" + parts[1]
		a.Value = arn.String()
	}
	return a
}

// identity is one for all spellings of an anchor.
func (f *finder) identity(a attribution.Anchor) string {
	a = whole(a)
	id, ok := f.names[a]
	if !ok {
		var err error
		if id, err = a.Canonical(f.opt.Rules); err != nil {
			id = a.String() // what no claim could name is one thing for itself
		}
		f.names[a] = id
	}
	return id
}

// merge adds values to a sorted list, each once.
func merge[T cmp.Ordered](list []T, more ...T) []T {
	for _, v := range more {
		if i, ok := slices.BinarySearch(list, v); !ok {
			list = slices.Insert(list, i, v)
		}
	}
	return list
}

// tags returns what the rows' tags say an application is, as column=value.
func (f *finder) tags(k *cur.Key) (out []string) {
	for _, c := range k.Declared() {
		v, _ := k.Column(c)
		if v == "" || !strings.Contains(string(c), "/") {
			continue
		}
		if f.opt.Tags != nil && slices.Contains(f.opt.Tags, c) || f.opt.Tags == nil && namesApplication(c) {
			out = merge(out, string(c)+"="+v)
		}
	}
	return out
}

// namesApplication reports whether the key of a tag says that its values are
// applications.
func namesApplication(c cur.Column) bool {
	key := strings.ToLower(string(c))
	key = key[strings.LastIndexAny(key, "/:")+1:]
	return slices.Contains([]string{"application", "app", "workload", "service", "system"}, strings.TrimPrefix(key, "user_"))
}

// coverKey is what the answer of an approval is a function of.
type coverKey struct{ account, region, entity, code, family, name, usageType, operation, unit, model, resource string }

// cover is what approvals say of what was bought in one place.
type cover struct {
	approvals     []*Approval
	component     pricing.Group
	region, model string
}

// cover asks all approvals once for everything that is bought alike in one place.
func (f *finder) cover(k *cur.Key) *cover {
	arn, _ := attribution.ParseARN(k.Resource)
	key := coverKey{k.UsageAccount, k.Region, k.BillingEntity, k.ProductCode, k.ProductFamily, k.ProductName, k.UsageType, k.Operation, k.PricingUnit, k.Model, arn.Region}
	if c := f.answers[key]; c != nil {
		return c
	}
	class := pricing.Classify(pricing.Usage{
		ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit,
	})
	c := &cover{component: class.Component.Group(), region: cmp.Or(k.Region, class.Region, arn.Region), model: cmp.Or(class.Model, k.Model)}
	told := *k
	told.Region = c.region
	for _, a := range f.reg.approvals {
		if len(a.Outside(&told)) == 0 {
			c.approvals = append(c.approvals, a)
		}
	}
	f.answers[key] = c
	return c
}

func (a *Approval) at(t time.Time) bool {
	return !t.Before(a.From) && (a.To.IsZero() || t.Before(a.To))
}

// holds reports whether an approval of a workload covers the use on a day.
func (c *cover) holds(w attribution.WorkloadID, day time.Time) bool {
	return slices.ContainsFunc(c.approvals, func(a *Approval) bool { return a.Request.Workload == w && a.at(day) })
}

// requests names those that would cover the use on a day, if it were their workload's.
func (c *cover) requests(day time.Time) (out []string) {
	for _, a := range c.approvals {
		if a.at(day) {
			out = merge(out, a.Request.String())
		}
	}
	return out
}

// sortedAnchors returns what was found in an order of its own.
func (f *finder) sortedAnchors() []*FoundAnchor {
	out := slices.Collect(maps.Values(f.found))
	slices.SortFunc(out, func(a, b *FoundAnchor) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.identity, b.identity))
	})
	for _, a := range out {
		a.Spend = a.sum.Decimal()
	}
	return out
}
