package gaps_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// Words that workloads of the generated worlds are named with. Some are shared by
// several workloads, as in real organisations.
var words = []string{"support", "claims", "returns", "billing", "fraud", "kyc", "pricing", "catalog", "search", "churn", "insights", "invoice",
	"routing", "triage", "copilot", "summary", "review", "onboarding", "ledger", "forecast"}

// rankedWorld is a world of many workloads in few accounts, and things that nobody
// claims whose true owners are known. Each clue that leads to the owner is there with
// some chance, and each may mislead.
type rankedWorld struct {
	scene
	truth map[string]attribution.WorkloadID // by part of the anchor
}

func rankWorld(seed uint64) *rankedWorld {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &rankedWorld{truth: map[string]attribution.WorkloadID{}}
	chance := func(percent int) bool { return r.IntN(100) < percent }
	day := func() string { return time.Date(2026, 5, 1+r.IntN(23), 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
	type app struct {
		id               attribution.WorkloadID
		account, runtime string
		first            int
	}
	var apps []app
	for i := range 30 {
		name := words[r.IntN(len(words))] + "-" + words[r.IntN(len(words))]
		a := app{id: attribution.WorkloadID(fmt.Sprintf("%s-%d", name, i)), account: fmt.Sprintf("%012d", 100000000000+r.IntN(5)), first: 1 + r.IntN(20)}
		a.runtime = "arn:aws:bedrock-agentcore:us-east-1:" + a.account + ":runtime/" + strings.ReplaceAll(name, "-", "_") + fmt.Sprintf("-%010d", i)
		w.claim(fmt.Sprintf("r%d", i), attribution.KindResource, a.runtime, "", a.id)
		w.claim(fmt.Sprintf("e%d", i), attribution.KindRole, "exec-"+fmt.Sprint(i), a.account, a.id)
		for d := a.first; d < min(a.first+1+r.IntN(20), 24); d++ {
			w.rows = append(w.rows, row(time.Date(2026, 5, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), fmt.Sprint(1+r.IntN(9)), func(li *cur.LineItem) {
				li.UsageAccount, li.Resource = a.account, a.runtime
				li.SetColumn(team, string(a.id))
			}))
		}
		apps = append(apps, a)
	}
	for i := range 60 {
		owner := apps[r.IntN(len(apps))]
		misled := apps[r.IntN(len(apps))]
		clue := func() app { // one clue in eight points at somebody else
			if chance(12) {
				return misled
			}
			return owner
		}
		key := fmt.Sprintf("x%d", i)
		name := key
		if chance(55) {
			name = strings.Join(strings.Split(string(clue().id), "-")[:2], "_") + "_" + key
		}
		kind := []string{"memory", "code-interpreter-custom", "runtime"}[r.IntN(3)]
		id := "arn:aws:bedrock-agentcore:us-east-1:" + owner.account + ":" + kind + "/" + name + "-Aa1Bb2Cc3D"
		usageType := map[string]string{"memory": "USE1-Memory:Consumption-based:Short-Term-Memory", "runtime": "USE1-Runtime:Consumption-based:vCPU",
			"code-interpreter-custom": "USE1-CodeInterpreter:Consumption-based:vCPU"}[kind]
		tag, principal := "", ""
		if chance(25) {
			tag = string(clue().id)
		}
		if chance(25) {
			principal = "arn:aws:sts::" + owner.account + ":assumed-role/exec-" + strings.TrimPrefix(claimOf(w, clue().id), "e")
		}
		if chance(35) {
			for range 1 + r.IntN(4) {
				w.sessions = append(w.sessions, gaps.SessionStart{Account: owner.account, Resource: id, By: clue().runtime})
			}
		}
		for range 1 + r.IntN(8) {
			w.rows = append(w.rows, row(day(), fmt.Sprint(1+r.IntN(9)), func(li *cur.LineItem) {
				li.UsageAccount, li.Resource, li.UsageType, li.Principal = owner.account, id, usageType, principal
				if tag != "" {
					li.SetColumn(team, tag)
				}
			}))
		}
		w.truth[id] = owner.id
	}
	return w
}

// claimOf returns the number of the workload's role.
func claimOf(w *rankedWorld, id attribution.WorkloadID) string {
	for _, c := range w.claims.Claims {
		if t := c.Target.(attribution.Whole); t.Workload == id && c.Anchor.Kind == attribution.KindRole {
			return string(c.ID)
		}
	}
	return ""
}

// byAccount ranks by account alone: the workloads that spend there, most first.
func byAccount(st *attribution.Statement) map[string][]attribution.WorkloadID {
	spend := map[string]map[attribution.WorkloadID]int64{}
	for l := range st.Groups() {
		if l.Workload != "" {
			if spend[l.Key.UsageAccount] == nil {
				spend[l.Key.UsageAccount] = map[attribution.WorkloadID]int64{}
			}
			spend[l.Key.UsageAccount][l.Workload] += l.Amounts.Unblended.Shift(2).IntPart()
		}
	}
	out := map[string][]attribution.WorkloadID{}
	for account, of := range spend {
		out[account] = slices.SortedFunc(maps.Keys(of), func(a, b attribution.WorkloadID) int {
			return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
		})
	}
	return out
}

func TestCandidatesAreRankedBetterThanByAccount(t *testing.T) {
	var asked, top1, top3, base1, base3, told, toldRight int
	for seed := range uint64(10) {
		w := rankWorld(seed)
		r := w.detect(t)
		accounts := byAccount(w.statement(t))
		for _, g := range r.Gaps {
			truth, ok := w.truth[g.Evidence.Anchor]
			if !ok || g.Candidates == nil && g.Kind == gaps.RoleRecommendation {
				continue
			}
			asked++
			place := slices.IndexFunc(g.Candidates, func(c gaps.Candidate) bool { return c.Workload == truth })
			base := slices.Index(accounts[g.Subject.Account], truth)
			count := func(at int, one, three *int) {
				if at == 0 {
					*one++
				}
				if at >= 0 && at < 3 {
					*three++
				}
			}
			count(place, &top1, &top3)
			count(base, &base1, &base3)
			if len(g.Candidates) > 0 && g.Candidates[0].Score >= 40 {
				told++
				if place == 0 {
					toldRight++
				}
			}
		}
	}
	t.Logf("%d unclaimed things: top-1 %d%%, top-3 %d%%; by account alone %d%% and %d%%; past the bar %d, of those right %d%%",
		asked, 100*top1/asked, 100*top3/asked, 100*base1/asked, 100*base3/asked, told, 100*toldRight/max(told, 1))
	if asked != 600 {
		t.Errorf("%d things, want 600", asked)
	}
	if top1 <= base1 || top3 <= base3 || 100*top1/asked < 60 {
		t.Error("ranking is not better than by account alone")
	}
}

// Each reason speaks for a candidate, and says so.
func TestReasonsOfCandidates(t *testing.T) {
	unclaimed := arn("memory/checkout_memory-Zz9Yy8Xx7W")
	base := func() *scene {
		s := &scene{detectors: only(gaps.UnclaimedMemory)}
		for i, name := range []string{"alpha", "beta"} {
			runtime := arn(fmt.Sprintf("runtime/%s-Aa1Bb2Cc3D", name))
			s.claim(name, attribution.KindResource, runtime, "", attribution.WorkloadID(name))
			s.claim(name+"-role", attribution.KindRole, name+"-exec", acct1, attribution.WorkloadID(name))
			s.rows = append(s.rows, row("2026-05-04", fmt.Sprint(i+1), func(li *cur.LineItem) { li.Resource = runtime }))
		}
		s.rows = append(s.rows, row("2026-05-04", "5", func(li *cur.LineItem) {
			li.Resource, li.UsageType = unclaimed, "USE1-Memory:Consumption-based:Short-Term-Memory"
		}))
		return s
	}
	for code, do := range map[string]func(*scene){
		"session": func(s *scene) {
			s.sessions = []gaps.SessionStart{{Account: acct1, Resource: unclaimed, By: arn("runtime/beta-Aa1Bb2Cc3D")}}
		},
		"execution_role": func(s *scene) { s.rows[2].Principal = role("beta-exec") },
		"near_miss": func(s *scene) {
			s.claim("n", attribution.KindResource, strings.Replace(unclaimed, "us-east-1", "eu-west-1", 1), "", "beta")
		},
		"tag": func(s *scene) {
			s.rows[1].SetColumn(team, "checkout")
			s.rows[2].SetColumn(team, "checkout")
		},
		"naming":  func(s *scene) { s.claims.Workloads = []attribution.Workload{{ID: "beta", Name: "Checkout Agent"}} },
		"account": func(s *scene) { s.rows[0].UsageAccount = acct2 },
		"region":  func(s *scene) { s.rows[0].Region = "eu-west-1" },
		"overlap": func(s *scene) {
			s.rows[0] = row("2026-05-09", "1", func(li *cur.LineItem) { li.Resource = s.rows[0].Resource })
		},
	} {
		s := base()
		do(s)
		g := s.detect(t).Gaps[0]
		if len(g.Candidates) == 0 || g.Candidates[0].Workload != "beta" ||
			!slices.ContainsFunc(g.Candidates[0].Reasons, func(r gaps.Reason) bool { return r.Code == code && r.Points > 0 && r.Detail != "" }) {
			t.Errorf("%s: %+v", code, g.Candidates)
		}
	}
	// Without a difference all are alike, by name.
	if c := base().detect(t).Gaps[0].Candidates; len(c) != 2 || c[0].Score != c[1].Score || c[0].Workload != "alpha" {
		t.Errorf("alike: %+v", c)
	}
}

// The best candidate's owner is told past the bar, else the account's, else the lead.
func TestWhoIsTold(t *testing.T) {
	people := func(s *scene, account bool) {
		p := gaps.People{Claims: &s.claims, Lead: "ravi.menon"}
		if account {
			p.Accounts = map[string]string{acct1: "joelle.park"}
		}
		s.directory = p
	}
	for name, c := range map[string]struct {
		sessions, owner, account bool
		bar                      int
		want                     []string
	}{
		"candidate past the bar":     {true, true, true, 0, []string{"becki.smith", "joelle.park", "ravi.menon"}},
		"the bar is higher":          {true, true, true, 90, []string{"joelle.park", "ravi.menon"}},
		"candidate without an owner": {true, false, true, 0, []string{"joelle.park", "ravi.menon"}},
		"nobody stands out":          {false, true, true, 0, []string{"joelle.park", "ravi.menon"}},
		"nobody has the account":     {false, true, false, 0, []string{"ravi.menon"}},
	} {
		s := &scene{rows: []*cur.LineItem{row("2026-05-04", "1"), row("2026-05-04", "1", func(li *cur.LineItem) { li.Resource = arn("runtime/other-Zz9Yy8Xx7W") })},
			detectors: only(gaps.UnclaimedRuntime), options: gaps.Options{Bar: c.bar}}
		s.claim("c", attribution.KindResource, arn("runtime/other-Zz9Yy8Xx7W"), "", "w")
		if c.owner {
			s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "becki.smith"}}
		}
		if c.sessions {
			s.sessions = []gaps.SessionStart{{Account: acct1, Resource: arn("runtime/agent-Aa1Bb2Cc3D"), By: arn("runtime/other-Zz9Yy8Xx7W")}}
		}
		people(s, c.account)
		g := s.detect(t).Gaps[0]
		got := []string{g.Notify.To}
		for _, n := range g.Escalate {
			got = append(got, n.To)
		}
		if !slices.Equal(got, c.want) || g.Notify.Why == "" {
			t.Errorf("%s: told %v (%+v), want %v", name, got, g.Notify, c.want)
		}
	}
}
