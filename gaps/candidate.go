package gaps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// Points of the reasons, most telling first: who was seen using a thing, then whose
// role it runs under, then what looks alike, then what is merely near.
const (
	pointsSession   = 45 // times the share of its sessions
	pointsRole      = 40 // divided among the workloads that claim the role
	pointsNearMiss  = 30
	pointsNaming    = 30 // at most
	pointsWord      = 20 // divided among the workloads that have the word
	pointsTag       = 20 // divided among the workloads that have the value
	pointsAccount   = 10
	pointsAlone     = 5 // and no other workload spends in the account
	pointsRegion    = 5
	pointsOverlap   = 10 // times the share of days in common, of the days of either
	fewestWordRunes = 3
)

// ranking knows, for each workload, what could make something its own.
type ranking struct {
	v        *View
	profiles map[attribution.WorkloadID]*profile
	// Where to look, so that not every workload is held against every gap.
	accounts map[string][]attribution.WorkloadID
	words    map[string][]attribution.WorkloadID
	tags     map[string][]attribution.WorkloadID
	roles    map[attribution.Anchor][]attribution.WorkloadID
	started  map[attribution.Anchor]map[attribution.WorkloadID]int // sessions by resource or role
}

// profile is what a workload has by claims.
type profile struct {
	accounts map[string]bool
	regions  map[[2]string]bool        // account and region
	days     map[string]map[int64]bool // of runtimes, by account
}

func (v *View) newRanking() *ranking {
	r := &ranking{v, map[attribution.WorkloadID]*profile{}, map[string][]attribution.WorkloadID{}, map[string][]attribution.WorkloadID{},
		map[string][]attribution.WorkloadID{}, map[attribution.Anchor][]attribution.WorkloadID{}, map[attribution.Anchor]map[attribution.WorkloadID]int{}}
	words := map[attribution.WorkloadID]map[string]bool{}
	say := func(w attribution.WorkloadID, name string) {
		if words[w] == nil {
			words[w] = map[string]bool{}
		}
		for _, t := range telling(name) {
			words[w][t] = true
		}
	}
	for _, w := range v.workloads() {
		say(w, string(w))
	}
	for _, w := range v.Claims.Workloads {
		say(w.ID, w.Name)
	}
	for i := range v.Claims.Claims {
		c := &v.Claims.Claims[i]
		for _, w := range owners(c) {
			switch c.Anchor.Kind {
			case attribution.KindRole, attribution.KindUser:
				a := canonicalAnchor(c.Anchor, c.Anchor.Account)
				r.roles[a] = include(r.roles[a], w)
				say(w, a.Value)
			case attribution.KindResource, attribution.KindProfile:
				say(w, ownName(c.Anchor.Value))
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(words)) {
		for word := range words[w] {
			r.words[word] = append(r.words[word], w)
		}
	}
	for _, s := range v.spends {
		r.learn(s)
	}
	for i := range v.Sessions {
		r.start(&v.Sessions[i])
	}
	return r
}

// learn adds an owned spend to the profiles of its owners.
func (r *ranking) learn(s *Spend) {
	account := s.Key.UsageAccount
	for _, w := range s.Owners() {
		p := r.profiles[w]
		if p == nil {
			p = &profile{map[string]bool{}, map[[2]string]bool{}, map[string]map[int64]bool{}}
			r.profiles[w] = p
		}
		if !p.accounts[account] {
			p.accounts[account] = true
			r.accounts[account] = append(r.accounts[account], w)
		}
		if s.Region != "" {
			p.regions[[2]string{account, s.Region}] = true
		}
		if s.Component.Group() == pricing.GroupRuntime {
			if p.days[account] == nil {
				p.days[account] = map[int64]bool{}
			}
			for i := range s.days {
				p.days[account][s.days[i].at] = true
			}
		}
		for _, t := range tagsOf(s) {
			r.tags[t] = include(r.tags[t], w)
		}
	}
}

// start counts a session start for what was started, and for the role it ran under.
func (r *ranking) start(s *SessionStart) {
	w := r.v.starter(s)
	if w == "" {
		return
	}
	note := func(a attribution.Anchor) {
		a = canonicalAnchor(a, s.Account)
		if r.started[a] == nil {
			r.started[a] = map[attribution.WorkloadID]int{}
		}
		r.started[a][w]++
	}
	if s.Resource != "" {
		note(attribution.Anchor{Kind: attribution.KindResource, Value: s.Resource, Account: s.Account})
	}
	if s.Role != "" {
		note(attribution.Anchor{Kind: attribution.KindRole, Value: s.Role, Account: s.Account})
	}
}

// candidates ranks the workloads that could own a gap.
func (r *ranking) candidates(b *building, ev *Evidence) []Candidate {
	found := map[attribution.WorkloadID]*Candidate{}
	add := func(w attribution.WorkloadID, code string, points int, format string, args ...any) {
		if points <= 0 {
			return
		}
		c := found[w]
		if c == nil {
			c = &Candidate{Workload: w, Owner: r.v.owner(w)}
			found[w] = c
		}
		c.Score += points
		c.Reasons = append(c.Reasons, Reason{code, points, fmt.Sprintf(format, args...)})
	}
	r.bySessions(b, add)
	r.byRole(b, add)
	for _, m := range ev.NearMisses {
		for _, w := range m.Workload {
			add(w, "near_miss", pointsNearMiss/len(m.Workload), "its claim %s nearly is on it (%s)", m.Claim, m.Why)
		}
	}
	r.byTags(b, add)
	r.byName(b, add)
	r.byPlace(b, ev, add)
	out := make([]Candidate, 0, len(found))
	for _, c := range found {
		slices.SortStableFunc(c.Reasons, func(x, y Reason) int {
			return cmp.Or(cmp.Compare(y.Points, x.Points), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Detail, y.Detail))
		})
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y Candidate) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Workload, y.Workload))
	})
	return out
}

type adder func(w attribution.WorkloadID, code string, points int, format string, args ...any)

// bySessions: who started its sessions.
func (r *ranking) bySessions(b *building, add adder) {
	starts := r.started[b.subject.Anchor]
	all := 0
	for _, n := range starts {
		all += n
	}
	for w, n := range starts {
		add(w, "session", pointsSession*n/all, "%d of %d of its sessions were started by it", n, all)
	}
}

// byRole: whose role stands on its rows. On component rows a principal never decides;
// it is evidence.
func (r *ranking) byRole(b *building, add adder) {
	seen := map[attribution.Anchor]bool{}
	for i := range b.parts {
		s := b.parts[i].spend
		if s.Key.Principal == "" || b.kind == UnclaimedPrincipal {
			continue
		}
		role := canonicalAnchor(principalOf(s), s.Key.UsageAccount)
		if seen[role] {
			continue
		}
		seen[role] = true
		for _, w := range r.roles[role] {
			add(w, "execution_role", pointsRole/len(r.roles[role]), "it claims the role %s that its rows name", role.Value)
		}
	}
}

// byTags: who has the same value of a tag.
func (r *ranking) byTags(b *building, add adder) {
	seen := map[string]bool{}
	for i := range b.parts {
		for _, t := range tagsOf(b.parts[i].spend) {
			if seen[t] {
				continue
			}
			seen[t] = true
			for _, w := range r.tags[t] {
				add(w, "tag", pointsTag/len(r.tags[t]), "its spend has the tag %s too", t)
			}
		}
	}
}

// byName: whose name has the same words. A word of many workloads says little.
func (r *ranking) byName(b *building, add adder) {
	points, shared := map[attribution.WorkloadID]int{}, map[attribution.WorkloadID][]string{}
	name := ownName(b.subject.Anchor.Value)
	for _, word := range telling(name) {
		all := r.words[word]
		if len(all) > pointsWord {
			continue // it would be worth nothing, and there may be thousands
		}
		for _, w := range all {
			points[w] += pointsWord / len(all)
			shared[w] = append(shared[w], word)
		}
	}
	for w, p := range points {
		add(w, "naming", min(p, pointsNaming), "%s shares the words %s with it", name, strings.Join(shared[w], ", "))
	}
}

// byPlace: who is near, in account, region and time.
func (r *ranking) byPlace(b *building, ev *Evidence, add adder) {
	days := map[int64]bool{}
	for i := range b.parts {
		b.parts[i].each(func(d *day) { days[d.at] = true })
	}
	for _, account := range ev.Accounts {
		near := r.accounts[account]
		for _, w := range near {
			p := r.profiles[w]
			points, detail := pointsAccount, "it spends in account %s"
			if len(near) == 1 {
				points, detail = points+pointsAlone, "it alone spends in account %s"
			}
			add(w, "account", points, detail, account)
			for _, region := range ev.Regions {
				if p.regions[[2]string{account, region}] {
					add(w, "region", pointsRegion, "it spends in region %s there", region)
					break
				}
			}
			both, either := 0, len(p.days[account])
			for d := range days {
				if p.days[account][d] {
					both++
				} else {
					either++
				}
			}
			if either > 0 {
				add(w, "overlap", pointsOverlap*both/either, "its runtimes ran on %d of the days", both)
			}
		}
	}
}

// include adds a workload to a sorted list, once.
func include(list []attribution.WorkloadID, w attribution.WorkloadID) []attribution.WorkloadID {
	i, ok := slices.BinarySearch(list, w)
	if ok {
		return list
	}
	return slices.Insert(list, i, w)
}

// tagsOf returns the declared tags of a spend as column=value.
func tagsOf(s *Spend) []string {
	var out []string
	for _, c := range s.Key.Declared() {
		if v, _ := s.Key.Column(c); v != "" && strings.Contains(string(c), "/") {
			out = append(out, string(c)+"="+v)
		}
	}
	return out
}

// ownName returns what people called a resource: the last part of its id, without the
// ten characters that the service appends.
func ownName(id string) string {
	name := id
	if arn, ok := attribution.ParseARN(id); ok {
		parts := strings.Split(arn.Resource, "/")
		name = parts[min(1, len(parts)-1)]
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 && len(name)-i-1 == 10 && strings.ContainsAny(name[i+1:], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		name = name[:i]
	}
	return name
}

// dull are words that names of agents have for what they are and not for whose.
var dull = []string{"agent", "agents", "agentcore", "app", "application", "arn", "aws", "bedrock", "bot", "browser", "code", "custom",
	"default", "dev", "execution", "finops", "gateway", "interpreter", "lambda", "memory", "poc", "prod", "production", "profile", "prototype",
	"role", "runtime", "sandbox", "service", "shared", "staging", "store", "svc", "task", "test", "tool", "the", "user", "workload"}

// telling returns the words of a name that may tell whose it is, once each.
func telling(name string) []string {
	var out []string
	for _, t := range attribution.NameWords(name) {
		if len(t) >= fewestWordRunes && !slices.Contains(dull, t) && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
