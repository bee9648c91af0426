package gaps_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// A world in which the true state of everything is known, because it was planted. The
// oracle below reads what was planted, never a claim, a key or a statement: it shares
// no code with packages attribution and gaps.

type world struct {
	scene
	things    []*thing
	workloads []*planted
	approved  []*permit // nil: nobody keeps approvals
	dead      []string  // names of claims on nothing
	estimates bool
}

// planted is a workload.
type planted struct {
	id           string
	owner        string
	estimateFrom int // day of May; 0: never
}

// permit is an approved request: accounts and regions alone.
type permit struct {
	id, workload      string
	from, to          int // days of May, [from, to)
	accounts, regions []string
}

// thing is something that spends.
type thing struct {
	name, sort, account, region string // sort: runtime, memory, interpreter, gateway, role
	blank, broad, unknown       bool
	owners                      []string // two: shared
	claimedFrom                 int      // day of May; 0: never
	spend                       map[int]int64
}

var components = map[string]string{"runtime": "Runtime:Consumption-based:vCPU", "memory": "Memory:Consumption-based:Short-Term-Memory",
	"interpreter": "CodeInterpreter:Consumption-based:vCPU", "gateway": "Gateway:Consumption-based:Search-API"}

var types = map[string]string{"runtime": "runtime", "memory": "memory", "interpreter": "code-interpreter-custom", "gateway": "gateway"}

var prefixes = map[string]string{"us-east-1": "USE1-", "eu-west-1": "EU-", "ap-northeast-1": "APN1-"}

// plant draws a world.
func plant(t *rapid.T) *world {
	w := &world{}
	accounts := []string{acct1, acct2, "777788889999"}
	regions := []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	day := rapid.IntRange(1, 23)
	chance := func(percent int, label string) bool { return rapid.IntRange(1, 100).Draw(t, label) <= percent }
	for i := range rapid.IntRange(1, 5).Draw(t, "workloads") {
		p := &planted{id: fmt.Sprintf("w%02d", i)}
		if chance(80, "owned") {
			p.owner = "owner-" + p.id
		}
		if chance(70, "estimated") {
			p.estimateFrom = day.Draw(t, "estimate from")
		}
		w.workloads = append(w.workloads, p)
	}
	anyone := func(label string) string { return rapid.SampledFrom(w.workloads).Draw(t, label).id }
	for i := range rapid.IntRange(1, 12).Draw(t, "things") {
		x := &thing{name: fmt.Sprintf("thing%02d", i), sort: rapid.SampledFrom([]string{"runtime", "memory", "interpreter", "gateway", "role"}).Draw(t, "sort"),
			account: rapid.SampledFrom(accounts).Draw(t, "account"), region: rapid.SampledFrom(regions).Draw(t, "region"), spend: map[int]int64{}}
		x.blank = chance(10, "blank")
		x.broad = x.sort == "role" && !x.blank && chance(25, "broad")
		x.unknown = x.sort == "gateway" && chance(30, "unknown")
		if !x.blank && chance(60, "claimed") {
			x.claimedFrom, x.owners = 1, []string{anyone("owner")}
			if chance(30, "late") {
				x.claimedFrom = day.Draw(t, "claimed from")
			}
			if second := anyone("second owner"); chance(20, "shared") && second != x.owners[0] {
				x.owners = append(x.owners, second)
			}
		}
		for range rapid.IntRange(1, 6).Draw(t, "rows") {
			x.spend[day.Draw(t, "day")] += int64(rapid.IntRange(1, 5000).Draw(t, "cents"))
		}
		w.things = append(w.things, x)
	}
	w.estimates = chance(70, "estimates known")
	if chance(75, "approvals known") {
		w.approved = []*permit{}
		for i := range rapid.IntRange(0, 6).Draw(t, "approvals") {
			p := &permit{id: fmt.Sprintf("BR-%d", i), workload: anyone("approved for"), from: 1, to: 32,
				accounts: rapid.SliceOfNDistinct(rapid.SampledFrom(accounts), 1, 3, rapid.ID[string]).Draw(t, "approved accounts"),
				regions:  rapid.SliceOfNDistinct(rapid.SampledFrom(regions), 1, 3, rapid.ID[string]).Draw(t, "approved regions")}
			if chance(30, "limited") {
				p.from = day.Draw(t, "approved from")
				p.to = p.from + rapid.IntRange(1, 20).Draw(t, "approved for days")
			}
			w.approved = append(w.approved, p)
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "dead claims") {
		w.dead = append(w.dead, fmt.Sprintf("thing%02d", 50+i))
	}
	w.build(chance)
	return w
}

func may(d int) time.Time { return time.Date(2026, 5, d, 0, 0, 0, 0, time.UTC) }

func cents(n int64) string { return decimal.New(n, -2).String() }

// build writes the world down as rows, claims and approvals.
func (w *world) build(chance func(int, string) bool) {
	if w.estimates {
		e := estimated{}
		for _, p := range w.workloads {
			if p.estimateFrom > 0 {
				e[attribution.WorkloadID(p.id)] = may(p.estimateFrom)
			}
		}
		w.scene.estimates = e
	}
	for _, p := range w.workloads {
		w.claims.Workloads = append(w.claims.Workloads, attribution.Workload{ID: attribution.WorkloadID(p.id), Owner: p.owner})
	}
	for _, x := range w.things {
		for d, n := range x.spend {
			w.rows = append(w.rows, x.row(d, n))
		}
		if x.claimedFrom == 0 {
			continue
		}
		c := w.claim("c-"+x.name, x.anchorKind(), x.id(), "", attribution.WorkloadID(x.owners[0]))
		c.From = may(x.claimedFrom)
		if len(x.owners) == 2 {
			c.Target = attribution.Share{By: attribution.Evenly, Parts: []attribution.Part{{Workload: attribution.WorkloadID(x.owners[0])}, {Workload: attribution.WorkloadID(x.owners[1])}}}
		}
	}
	if chance(40, "account default") { // which must change nothing
		w.claim("default", attribution.KindAccount, acct1, "", attribution.WorkloadID(w.workloads[0].id))
	}
	for _, name := range w.dead {
		w.claim("dead-"+name, attribution.KindResource, "arn:aws:bedrock-agentcore:us-east-1:"+acct1+":memory/"+name+"-Zz9Yy8Xx7W", "", attribution.WorkloadID(w.workloads[0].id))
	}
	if w.approved != nil {
		w.approvals = []gaps.Approval{}
	}
	for _, p := range w.approved {
		w.approvals = append(w.approvals, approval{id: p.id, workload: attribution.WorkloadID(p.workload), from: may(p.from), to: may(p.to), accounts: p.accounts, regions: p.regions})
	}
	// What must not count: other products, credits and tax.
	for d := 1; d < 24; d += 7 {
		w.rows = append(w.rows, row(may(d).Format(time.DateOnly), "3", func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" }),
			row(may(d).Format(time.DateOnly), "-1", func(li *cur.LineItem) { li.LineItemType = "Credit" }),
			row(may(d).Format(time.DateOnly), "1", func(li *cur.LineItem) { li.LineItemType = "Tax" }))
	}
}

func (x *thing) anchorKind() attribution.AnchorKind {
	if x.sort == "role" {
		return attribution.KindRole
	}
	return attribution.KindResource
}

// id is how a claim spells the thing; rows may spell it otherwise.
func (x *thing) id() string {
	if x.sort == "role" {
		return "arn:aws:iam::" + x.account + ":role/agents/" + x.role()
	}
	return "arn:aws:bedrock-agentcore:" + x.region + ":" + x.account + ":" + types[x.sort] + "/" + x.name + "-Aa1Bb2Cc3D"
}

func (x *thing) role() string {
	if x.broad {
		return x.name + "-shared-svc"
	}
	return x.name + "-svc"
}

func (x *thing) row(d int, n int64) *cur.LineItem {
	return row(may(d).Format(time.DateOnly), cents(n), func(li *cur.LineItem) {
		li.UsageAccount, li.Region = x.account, x.region
		if d%2 == 0 {
			li.Region = "" // the usage type tells it
		}
		if x.sort == "role" {
			model("arn:aws:sts::" + x.account + ":assumed-role/" + x.role() + "/session-" + fmt.Sprint(d))(li)
			li.UsageType = prefixes[x.region] + "Claude4.6Sonnet-input-tokens"
		} else {
			li.UsageType, li.Resource = prefixes[x.region]+components[x.sort], x.id()
			if x.sort == "runtime" && d%3 == 0 {
				li.Resource += "/runtime-endpoint/DEFAULT"
			}
		}
		if x.unknown {
			li.UsageType = prefixes[x.region] + "Studio:Consumption-based:" + x.name
		}
		if x.blank {
			li.Principal, li.Resource = "", ""
		}
	})
}

// figure is what the oracle expects of a gap.
type figure struct {
	Spend, First, Last string
}

// oracle says which gaps the world has, what is counted once, and the coverage.
type oracle struct {
	spend                                      map[string]int64
	first, last                                map[string]int
	inAny, total, claimed, approved, estimated int64
}

func (w *world) expect() *oracle {
	o := &oracle{spend: map[string]int64{}, first: map[string]int{}, last: map[string]int{}}
	for _, x := range w.things {
		for d, n := range x.spend {
			found := w.gapsOf(x, d)
			for _, label := range found {
				o.spend[label] += n
				if f := o.first[label]; f == 0 || d < f {
					o.first[label] = d
				}
				o.last[label] = max(o.last[label], d)
			}
			if len(found) > 0 {
				o.inAny += n
			}
			o.total += n
			if x.owned(d) {
				o.claimed += n
				all := true
				for _, id := range x.owners {
					all = all && w.workload(id).estimateFrom > 0 && w.workload(id).estimateFrom <= d
				}
				if all {
					o.estimated += n
				}
			}
			if _, covered := w.permitted(x, d); covered {
				o.approved += n
			}
		}
	}
	return o
}

func (x *thing) owned(d int) bool { return x.claimedFrom > 0 && d >= x.claimedFrom }

func (w *world) workload(id string) *planted {
	return w.workloads[slices.IndexFunc(w.workloads, func(p *planted) bool { return p.id == id })]
}

// permitted returns the nearest permit that speaks of a thing on a day, and whether one
// covers it.
func (w *world) permitted(x *thing, d int) (near *permit, covered bool) {
	best := 9
	for _, p := range w.approved {
		inAccount, inRegion := slices.Contains(p.accounts, x.account), slices.Contains(p.regions, x.region)
		speaks := inAccount
		if x.owned(d) {
			speaks = slices.Contains(x.owners, p.workload)
		}
		if !speaks || d < p.from || d >= p.to {
			continue
		}
		outside := 0
		if !inAccount {
			outside++
		}
		if !inRegion {
			outside++
		}
		if outside == 0 {
			covered = true
		}
		if outside < best {
			near, best = p, outside
		}
	}
	return near, covered
}

// gapsOf returns the labels of the gaps that a thing is in on a day.
func (w *world) gapsOf(x *thing, d int) (out []string) {
	who := x.name // the subject where no single workload is
	if x.blank {
		who = x.account
	}
	if !x.owned(d) {
		kind := map[string]string{"runtime": "unclaimed_runtime", "memory": "unclaimed_memory", "interpreter": "unallocated_code_interpreter",
			"gateway": "unclaimed_resource", "role": "unclaimed_principal"}[x.sort]
		switch {
		case x.blank && x.sort == "role":
			kind = "caller_identity_missing"
		case x.blank && x.sort != "interpreter":
			kind = "resource_id_missing"
		}
		out = append(out, kind+" "+who)
	} else {
		for _, id := range x.owners {
			p := w.workload(id)
			if p.owner == "" {
				out = append(out, "owner_missing "+id)
			}
			if w.estimates && (p.estimateFrom == 0 || d < p.estimateFrom) {
				out = append(out, "estimate_missing "+id)
			}
		}
		if len(x.owners) == 2 && x.sort == "role" {
			out = append(out, "shared_role "+who)
		}
		if len(x.owners) == 1 {
			who = x.owners[0] + " " + x.account
		}
	}
	if w.approved != nil {
		near, covered := w.permitted(x, d)
		switch {
		case covered:
		case near == nil && x.sort == "role":
			out = append(out, "not_business_approved "+who)
		case near == nil:
			out = append(out, "no_budget_allocation "+who)
		case !slices.Contains(near.accounts, x.account):
			out = append(out, "out_of_approved_scope "+who+" account")
		default:
			out = append(out, "out_of_approved_scope "+who+" region "+x.region)
		}
	}
	if x.broad {
		out = append(out, "role_recommendation "+x.name)
	}
	if x.unknown {
		out = append(out, "unknown_component "+x.name)
	}
	return out
}

var thingName = regexp.MustCompile(`thing\d\d`)

// label names a gap in the oracle's words.
func label(g *gaps.Gap) string {
	s := g.Subject
	name := thingName.FindString(s.Anchor.Value + s.Value)
	switch {
	case s.Workload != "" && (g.Kind == gaps.OwnerMissing || g.Kind == gaps.EstimateMissing):
		name = string(s.Workload)
	case s.Workload != "" && g.Kind != gaps.DeadClaim:
		name = string(s.Workload) + " " + s.Account
	case name == "":
		name = s.Account
	}
	out := string(g.Kind) + " " + name
	if g.Kind == gaps.OutOfApprovedScope {
		if out += " " + s.Aspect; s.Aspect == "region" {
			out += " " + s.Value
		}
	}
	return out
}

func TestPlantedGapsAreFoundAndNothingElse(t *testing.T) {
	rounds := 1
	if os.Getenv("SPENDCLAIM_LONG") != "" {
		rounds = 200
	}
	found := map[gaps.Kind]int{}
	worlds := 0
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) {
			w := plant(rt)
			worlds++
			r := w.detect(t)
			o := w.expect()
			want := map[string]figure{}
			for name, n := range o.spend {
				want[name] = figure{cents(n), may(o.first[name]).Format(time.DateOnly), may(o.last[name]).Format(time.DateOnly)}
			}
			for _, name := range w.dead {
				want["dead_claim "+name] = figure{Spend: "0"}
			}
			got := map[string]figure{}
			var counted decimal.Decimal
			for i := range r.Gaps {
				g := &r.Gaps[i]
				found[g.Kind]++
				f := figure{Spend: g.Evidence.Spend.String()}
				if !g.Evidence.FirstSeen.IsZero() {
					f.First, f.Last = g.Evidence.FirstSeen.Format(time.DateOnly), g.Evidence.LastSeen.Format(time.DateOnly)
				}
				if _, twice := got[label(g)]; twice {
					rt.Errorf("two gaps %s", label(g))
				}
				got[label(g)] = f
				counted = counted.Add(g.Evidence.Counted)
			}
			if d := cmp.Diff(want, got); d != "" {
				rt.Errorf("planted (-) and found (+):\n%s", d)
			}
			if counted.String() != cents(o.inAny) {
				rt.Errorf("counted once %s, planted %s", counted, cents(o.inAny))
			}
			c := gaps.CoverageTotal(r.Coverage)
			if c.Total.String() != cents(o.total) || c.Claimed.String() != cents(o.claimed) {
				rt.Errorf("claimed %s of %s, planted %s of %s", c.Claimed, c.Total, cents(o.claimed), cents(o.total))
			}
			if c.Approved.Valid != (w.approved != nil) || c.Approved.Valid && c.Approved.Decimal.String() != cents(o.approved) {
				rt.Errorf("approved %v, planted %s", c.Approved, cents(o.approved))
			}
			if c.Estimate.Valid != w.estimates || c.Estimate.Valid && c.Estimate.Decimal.String() != cents(o.estimated) {
				rt.Errorf("estimated %v, planted %s", c.Estimate, cents(o.estimated))
			}
		})
	}
	t.Logf("%d worlds, gaps by kind: %v", worlds, found)
}
