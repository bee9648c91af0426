package gaps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// evidence makes gaps of what detectors collected.
type evidence struct {
	*View
	opts   *Options
	rank   *ranking
	limits *limits
}

func (v *View) newEvidence(o *Options) *evidence {
	return &evidence{v, o, v.newRanking(), v.newLimits(o.Limits)}
}

// gap finishes a gap.
func (e *evidence) gap(b *building) Gap {
	st := e.Statement
	g := Gap{ID: b.id, Kind: b.kind, Remedy: b.remedy, Payer: st.Delivery.Payer, Currency: st.Currency,
		Period: st.Delivery.Period, Subject: b.subject}
	f := b.findings[0]
	ev := &g.Evidence
	ev.Why, ev.Approval, ev.Claims = f.Why, f.Approval, slices.Compact(slices.Sorted(slices.Values(b.claims)))
	ev.Anchor, ev.Counted = b.subject.Anchor.Value, b.counted.Decimal()
	for _, account := range slices.Sorted(maps.Keys(b.byAccount)) {
		sum := b.byAccount[account]
		ev.ByAccount = append(ev.ByAccount, AccountAmount{account, sum.Decimal()})
	}
	days := e.sum(b, ev)
	if f.Spend != nil {
		g.Example = f.Spend.Key
		if b.subject.Anchor.Value != "" {
			ev.Anchor = billed(f.Spend, b.subject.Anchor.Kind)
		}
		ev.Steps = e.Explain(f.Spend)
		if ev.Why == "" {
			ev.Why = sentence(f.Spend, ev.Steps)
		}
		ev.Query = e.query(b)
	}
	e.project(ev, days)
	if b.kind.ownership() && f.Spend != nil {
		e.near(f.Spend, ev)
		list := e.rank.candidates(b, ev)
		g.Candidates = list[:max(0, min(len(list), e.opts.Candidates))]
	}
	g.Material = e.limits.material(&g, f.Spend)
	g.Notify, g.Escalate = e.notify(&g)
	return g
}

// billed returns the anchor of a spend as billed.
func billed(s *Spend, kind attribution.AnchorKind) string {
	if kind == attribution.KindRole || kind == attribution.KindUser {
		return s.Key.Principal
	}
	return cmp.Or(s.Anchor.Value, s.Key.Resource)
}

// sum adds up the parts of a gap, and returns their cost by day.
func (e *evidence) sum(b *building, ev *Evidence) map[int64]exact.Num {
	days := map[int64]exact.Num{}
	accounts, regions, warnings := map[string]bool{}, map[string]bool{}, map[string]bool{}
	components := map[pricing.Component]bool{}
	var total exact.Num
	for i := range b.parts {
		p := &b.parts[i]
		s := p.spend
		p.each(func(d *day) {
			sum := days[d.at]
			sum.Acc(d.cost)
			days[d.at] = sum
			total.Acc(d.cost)
			ev.Rows += d.rows
		})
		accounts[s.Key.UsageAccount], components[s.Component] = true, true
		if s.Region != "" {
			regions[s.Region] = true
		} else {
			warnings["some rows name no region"] = true
		}
		for _, other := range s.Disagree {
			warnings[fmt.Sprintf("region %s by %s, but %s", s.Region, s.RegionFrom, other)] = true
		}
	}
	ev.Spend = total.Decimal()
	ev.Accounts, ev.Regions, ev.Warnings = sorted(accounts), sorted(regions), sorted(warnings)
	ev.Components = inOrder(components)
	for at := range days {
		t := time.Unix(at, 0).UTC()
		if ev.FirstSeen.IsZero() || t.Before(ev.FirstSeen) {
			ev.FirstSeen = t
		}
		if t.After(ev.LastSeen) {
			ev.LastSeen = t
		}
	}
	return days
}

func sorted(set map[string]bool) []string {
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// inOrder sorts components as reports show them; those of no vocabulary last.
func inOrder(set map[pricing.Component]bool) []pricing.Component {
	order := pricing.Components()
	place := func(c pricing.Component) int {
		if i := slices.Index(order, c); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b pricing.Component) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

// project works out run rate and projection from the complete days since the first.
// Days before the first are no days without use: the thing was not there.
func (e *evidence) project(ev *Evidence, days map[int64]exact.Num) {
	period := e.Statement.Delivery.Period
	if e.Complete().IsZero() || ev.FirstSeen.IsZero() || period.IsZero() || ev.FirstSeen.Before(period.Start()) || !ev.FirstSeen.Before(period.End()) {
		return
	}
	since := estimate.Interval{From: ev.FirstSeen, To: period.End()}
	actuals := estimate.Actuals{Currency: e.Statement.Currency}
	for _, at := range slices.Sorted(maps.Keys(days)) {
		sum := days[at]
		actuals.Rows = append(actuals.Rows, estimate.Row{Day: time.Unix(at, 0).UTC(), Cost: sum.Decimal()})
	}
	// The statement's complete-through day has its horizon taken off already.
	fresh := estimate.Freshness{AsOf: e.Complete(), Horizon: -1}
	t, err := estimate.Track(estimate.Plan{Period: since, Currency: actuals.Currency}, actuals, fresh, nil)
	if err != nil { // of amounts that no bill can hold
		ev.Warnings = append(ev.Warnings, "no run rate: "+err.Error())
		return
	}
	ev.RunRate, ev.Projected = t.Cost.RunRate, t.Cost.Projected
}

// near lists the claims that nearly reach the gap.
func (e *evidence) near(s *Spend, ev *Evidence) {
	if s.Anchor.Value == "" {
		return
	}
	for _, m := range e.misses(s) {
		n := NearMiss{Claim: m.Claim.ID, Anchor: m.Claim.Anchor.String(), Workload: owners(&m.Claim), Why: m.Why, Dead: e.dead(&m.Claim)}
		ev.NearMisses = append(ev.NearMisses, n)
		if n.Dead {
			ev.Claims = append(ev.Claims, string(n.Claim))
			ev.Why += fmt.Sprintf("; claim %s (%s) takes hold of nothing and nearly is on it", n.Claim, n.Why)
		}
	}
}

// sentence says in one sentence, from the steps of the explanation, why nobody owns a
// spend.
func sentence(s *Spend, steps []attribution.Step) string {
	var looked []string
	for _, st := range steps {
		text := ""
		switch {
		case st.Link == "scope":
			continue
		case st.Claim != nil && st.Verdict == attribution.VerdictNotInForce:
			text = fmt.Sprintf("claim %s on its %s is in force %s", st.Claim.ID, st.Link, span(st.Claim.From, st.Claim.To))
		case st.Claim != nil && st.Verdict == attribution.VerdictTied:
			text = fmt.Sprintf("claim %s on its %s is as good as another", st.Claim.ID, st.Link)
		case st.Claim != nil:
			text = fmt.Sprintf("claim %s on its %s is a default", st.Claim.ID, st.Link)
		case st.Verdict == attribution.VerdictAbsent:
			text = "it has no " + st.Link
		default:
			text = "nobody claims its " + st.Link
		}
		if !slices.Contains(looked, text) {
			looked = append(looked, text)
		}
	}
	what := "usage without an anchor"
	if s.Anchor.Value != "" {
		what = string(s.Anchor.Kind) + " " + s.Anchor.Value
	}
	if len(looked) == 0 {
		return what + " can be owned by nobody: its product has no chain"
	}
	return what + " spends without an owner: " + strings.Join(looked, ", ")
}
