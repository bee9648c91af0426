package gaps

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// Limit says from which spend on gaps are material. A gap is material when it reaches
// either figure; the zero Limit is reached by every gap.
type Limit struct {
	Kind Kind // "" for all
	// Under is a unit of the hierarchy, such as a portfolio; "" for all. Of several
	// limits that fit the one of the innermost unit holds, of those the one that names
	// the kind, of those the first.
	Under string
	// Absolute is in the currency of the statement. A limit that is not given has no
	// say; of two that are, the gap has to reach one.
	Absolute decimal.NullDecimal
	// Percent is of the usage in the statement that is under the same unit; of all
	// usage when Under is "".
	Percent decimal.NullDecimal
}

// limits finds the limit of a gap.
type limits struct {
	*View
	list  []Limit
	under map[string]exact.Num // usage by unit, "" for all
}

func (v *View) newLimits(list []Limit) *limits {
	l := &limits{v, list, map[string]exact.Num{"": v.total}}
	if !slices.ContainsFunc(list, func(x Limit) bool { return x.Under != "" && x.Percent.Valid }) {
		return l
	}
	for _, s := range v.spends {
		var sum exact.Num
		for i := range s.days {
			sum.Acc(s.days[i].cost)
		}
		for _, unit := range v.above(workloadOf(s), s.Key.UsageAccount) {
			total := l.under[unit]
			total.Acc(sum)
			l.under[unit] = total
		}
	}
	return l
}

// workloadOf returns the one workload that has a spend, "" if there is no such one.
func workloadOf(s *Spend) attribution.WorkloadID {
	if o := s.Owners(); len(o) == 1 {
		return o[0]
	}
	return ""
}

// material reports whether a gap reaches its limit. A gap that speaks of no spend, such
// as a dead claim, is material only where nothing is limited.
func (l *limits) material(g *Gap, s *Spend) bool {
	units := []string{""}
	if s != nil {
		units = append(slices.Clone(l.above(cmp.Or(g.Subject.Workload, workloadOf(s)), s.Key.UsageAccount)), "")
	}
	for _, unit := range units {
		for _, kind := range [...]Kind{g.Kind, ""} {
			for _, x := range l.list {
				if x.Under == unit && x.Kind == kind {
					return l.reached(x, g)
				}
			}
		}
	}
	return true
}

func (l *limits) reached(x Limit, g *Gap) bool {
	if !x.Absolute.Valid && !x.Percent.Valid {
		return true
	}
	hundred := decimal.NewFromInt(100)
	if x.Absolute.Valid && estimate.Reached(g.Evidence.Spend, x.Absolute.Decimal, hundred) {
		return true
	}
	total := l.under[x.Under]
	return x.Percent.Valid && estimate.Reached(g.Evidence.Spend, total.Decimal(), x.Percent.Decimal)
}

// Who a notification is for.
const (
	AsWorkloadOwner = "workload_owner"
	AsAccountOwner  = "account_owner"
	AsFinOpsLead    = "finops_lead"
)

// notify says who should hear of a gap: the owner of the workload it is about; where it
// is ownership that is missing, that of the best candidate past the bar; else the
// account's owner, else the FinOps Lead. Those who come after in this order hear of it
// when nothing is done.
func (e *evidence) notify(g *Gap) (first Notification, then []Notification) {
	chain := e.chain(g)
	for _, n := range chain[1:] {
		if n.To != "" && n.To != chain[0].To {
			then = append(then, n)
		}
	}
	return chain[0], then
}

// chain is everybody who should hear of a gap, in order; it ends with the FinOps Lead.
func (e *evidence) chain(g *Gap) (chain []Notification) {
	workload, why := g.Subject.Workload, fmt.Sprintf("owns the budget of workload %s", g.Subject.Workload)
	if len(g.Candidates) > 0 && g.Candidates[0].Score >= e.opts.Bar {
		c := g.Candidates[0]
		workload, why = c.Workload, fmt.Sprintf("owns the budget of %s, the likeliest owner: %d points of %d needed, %s", c.Workload, c.Score, e.opts.Bar, c.Reasons[0].Detail)
	}
	otherwise := "no workload is known"
	switch {
	case workload != "":
		otherwise = fmt.Sprintf("workload %s has no owner", workload)
		if who := e.owner(workload); who != "" {
			chain = append(chain, Notification{who, AsWorkloadOwner, why})
			otherwise = fmt.Sprintf("comes after %s", who)
		}
	case len(g.Candidates) > 0:
		otherwise = fmt.Sprintf("no candidate reaches %d points", e.opts.Bar)
	}
	account := g.Subject.Account
	if account == "" && len(g.Evidence.Accounts) == 1 {
		account = g.Evidence.Accounts[0]
	}
	if account != "" {
		if who := e.Directory.AccountOwner(account, e.Now); who != "" {
			chain = append(chain, Notification{who, AsAccountOwner, fmt.Sprintf("answers for account %s; %s", account, otherwise)})
		} else if len(chain) == 0 {
			otherwise += fmt.Sprintf(" and account %s has no owner", account)
		}
	}
	return append(chain, Notification{e.Directory.FinOpsLead(e.Now), AsFinOpsLead, "has what nobody else has: " + otherwise})
}

// above returns the units above a workload or account, once each.
func (v *View) above(w attribution.WorkloadID, account string) []string {
	k := unitKey{w, account}
	if w != "" {
		k.account = ""
	}
	u, ok := v.look.units[k]
	if !ok {
		u = v.Directory.Above(w, account, v.Now)
		v.look.units[k] = u
	}
	return u
}

type unitKey struct {
	workload attribution.WorkloadID
	account  string
}
