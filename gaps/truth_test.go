package gaps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// table is the truth table of a detector: conditions, what each does to the scene, and
// which kinds are to be found, as a formula over the conditions that hold.
type table struct {
	of         gaps.Kind // a kind of the detector
	base       func(*scene)
	conditions []condition
	want       func(holds func(string) bool) []gaps.Kind
}

type condition struct {
	name string
	do   func(*scene)
}

// run tries no condition, each alone, each pair, and all other combinations.
func (tb table) run(t *testing.T) {
	t.Helper()
	n := len(tb.conditions)
	for mask := range 1 << n {
		var s scene
		tb.base(&s)
		var names []string
		for i, c := range tb.conditions {
			if mask>>i&1 == 1 {
				c.do(&s)
				names = append(names, c.name)
			}
		}
		s.detectors = only(tb.of)
		want := []string{}
		for _, k := range tb.want(func(name string) bool {
			if !slices.ContainsFunc(tb.conditions, func(c condition) bool { return c.name == name }) {
				t.Fatalf("no condition %q", name)
			}
			return slices.Contains(names, name)
		}) {
			want = append(want, string(k))
		}
		slices.Sort(want)
		if d := cmp.Diff(want, kindsOf(s.detect(t))); d != "" {
			t.Errorf("with [%s] (-want +got):\n%s", strings.Join(names, "; "), d)
		}
	}
}

// edit is a condition on the rows.
func edit(f func(*cur.LineItem)) func(*scene) {
	return func(s *scene) {
		for _, li := range s.rows {
			f(li)
		}
	}
}

func TestTruthOfUnclaimedComponents(t *testing.T) {
	table{
		of:   gaps.UnclaimedRuntime,
		base: func(s *scene) { s.rows = []*cur.LineItem{row("2026-05-04", "1")} },
		conditions: []condition{
			{"claimed", func(s *scene) { s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w") }},
			{"claimed elsewhere", func(s *scene) { s.claim("e", attribution.KindResource, arn("runtime/other-Aa1Bb2Cc3D"), "", "w") }},
			{"account default", func(s *scene) { s.claim("d", attribution.KindAccount, acct1, "", "w") }},
			{"credit", edit(func(li *cur.LineItem) { li.LineItemType = "Credit" })},
			{"other product", edit(func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" })},
			{"endpoint", edit(func(li *cur.LineItem) { li.Resource += "/runtime-endpoint/DEFAULT" })},
			{"memory", edit(func(li *cur.LineItem) {
				li.UsageType = "USE1-Memory:Consumption-based:Short-Term-Memory"
				li.Resource = strings.Replace(li.Resource, ":runtime/", ":memory/", 1)
			})},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			switch {
			case holds("credit") || holds("other product"):
				return nil
			// What is claimed is the runtime, with all its endpoints; the memory is not.
			case holds("claimed") && !holds("memory"):
				return nil
			case holds("memory"):
				return []gaps.Kind{gaps.UnclaimedMemory}
			}
			return []gaps.Kind{gaps.UnclaimedRuntime}
		},
	}.run(t)
}

func TestTruthOfCodeInterpreters(t *testing.T) {
	const managed = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	table{
		of: gaps.UnallocatedCodeInterpreter,
		base: func(s *scene) {
			s.rows = []*cur.LineItem{row("2026-05-04", "1", func(li *cur.LineItem) {
				li.UsageType, li.Resource = "USE1-CodeInterpreter:Consumption-based:vCPU", arn("code-interpreter-custom/box-Aa1Bb2Cc3D")
			})}
		},
		conditions: []condition{
			{"claimed", func(s *scene) {
				s.claim("c", attribution.KindResource, arn("code-interpreter-custom/box-Aa1Bb2Cc3D"), "", "w")
			}},
			{"managed", edit(func(li *cur.LineItem) { li.Resource = managed })},
			{"managed claimed", func(s *scene) { s.claim("m", attribution.KindResource, managed, acct1, "w") }},
			{"blank", edit(func(li *cur.LineItem) { li.Resource = "" })},
			{"not exported", func(s *scene) { s.without = append(s.without, cur.ColResource) }},
			{"under the runtime", edit(func(li *cur.LineItem) { li.Resource = arn("runtime/agent-Aa1Bb2Cc3D") })},
			{"account default", func(s *scene) { s.claim("d", attribution.KindAccount, acct1, "", "w") }},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			// Later conditions overwrite the id that earlier ones set.
			id := "custom"
			for _, x := range []string{"managed", "blank", "under the runtime"} {
				if holds(x) {
					id = x
				}
			}
			switch {
			case holds("not exported") && holds("account default"):
				return []gaps.Kind{gaps.UnallocatedCodeInterpreter} // which the default hides
			case holds("not exported"):
				return []gaps.Kind{gaps.ResourceIDMissing}
			case id == "custom" && holds("claimed"), id == "managed" && holds("managed claimed"):
				return nil
			}
			return []gaps.Kind{gaps.UnallocatedCodeInterpreter}
		},
	}.run(t)
}

func TestTruthOfUnclaimedPrincipals(t *testing.T) {
	const profile = "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/abc123"
	table{
		of:   gaps.UnclaimedPrincipal,
		base: func(s *scene) { s.rows = []*cur.LineItem{row("2026-05-04", "1", model(role("app")+"/session"))} },
		conditions: []condition{
			{"role claimed", func(s *scene) { s.claim("r", attribution.KindRole, "app", acct1, "w") }},
			{"claimed later", func(s *scene) {
				s.claim("l", attribution.KindRole, "arn:aws:iam::"+acct1+":role/path/late", "", "w").From = at("2026-05-20")
				for _, li := range s.rows {
					if li.Principal != "" {
						li.Principal = role("late")
					}
				}
			}},
			{"profile", edit(func(li *cur.LineItem) { li.Resource = profile })},
			{"profile claimed", func(s *scene) { s.claim("p", attribution.KindProfile, profile, "", "w") }},
			{"blank", edit(func(li *cur.LineItem) { li.Principal = "" })},
			{"not exported", func(s *scene) { s.without = append(s.without, cur.ColPrincipal) }},
			{"tax", edit(func(li *cur.LineItem) { li.LineItemType = "Tax" })},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			principal := !holds("blank") && !holds("not exported")
			switch {
			case holds("tax"):
				return nil
			case principal && holds("role claimed") && !holds("claimed later"):
				return nil
			case holds("profile") && holds("profile claimed"):
				return nil
			case principal:
				return []gaps.Kind{gaps.UnclaimedPrincipal}
			case holds("profile"):
				return []gaps.Kind{gaps.UnclaimedResource}
			}
			return []gaps.Kind{gaps.CallerIdentityMissing}
		},
	}.run(t)
}

func TestTruthOfApprovals(t *testing.T) {
	ok := func() *approval {
		return &approval{id: "BR-1", workload: "w", accounts: []string{acct1}, regions: []string{"us-east-1"}, groups: []string{"runtime", "model"}, models: []string{"Claude 4.6 Sonnet", "Claude4.6Sonnet"}}
	}
	table{
		of: gaps.OutOfApprovedScope,
		base: func(s *scene) {
			s.rows = []*cur.LineItem{row("2026-05-04", "1", func(li *cur.LineItem) { li.Principal = "" })}
			s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
			s.claim("c2", attribution.KindRole, "app", acct1, "w")
			s.approvals = []gaps.Approval{ok()}
		},
		conditions: []condition{
			{"models", edit(func(li *cur.LineItem) { model(role("app"))(li) })},
			{"unclaimed", func(s *scene) { s.claims.Claims = nil }},
			{"none approved", func(s *scene) { s.approvals = []gaps.Approval{} }},
			{"approved for another", func(s *scene) {
				for _, a := range s.approvals {
					a.(*approval).workload = "other"
				}
			}},
			{"expired", func(s *scene) {
				for _, a := range s.approvals {
					a.(*approval).to = at("2026-05-04")
				}
			}},
			{"other account", func(s *scene) {
				for _, a := range s.approvals {
					a.(*approval).accounts = []string{acct2}
				}
			}},
			{"other region", func(s *scene) {
				for _, a := range s.approvals {
					a.(*approval).regions = []string{"eu-west-1"}
				}
			}},
			{"other component", func(s *scene) {
				for _, a := range s.approvals {
					a.(*approval).groups = []string{"memory"}
				}
			}},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			none := gaps.NoBudgetAllocation
			if holds("models") {
				none = gaps.NotBusinessApproved
			}
			speaks := !holds("none approved") && !holds("expired")
			if holds("unclaimed") {
				speaks = speaks && !holds("other account") // any approval for the account speaks
			} else {
				speaks = speaks && !holds("approved for another")
			}
			switch {
			case !speaks:
				return []gaps.Kind{none}
			case holds("other account") || holds("other region") || holds("other component"):
				return []gaps.Kind{gaps.OutOfApprovedScope}
			}
			return nil
		},
	}.run(t)
}

func TestTruthOfRoles(t *testing.T) {
	table{
		of: gaps.RoleRecommendation,
		base: func(s *scene) {
			s.rows = []*cur.LineItem{row("2026-05-04", "1", model(role("support-bot")))}
			s.claim("r", attribution.KindRole, "support-bot", acct1, "a")
			s.claim("b", attribution.KindResource, arn("runtime/b-Aa1Bb2Cc3D"), "", "b")
			s.claim("a", attribution.KindResource, arn("runtime/a-Aa1Bb2Cc3D"), "", "a")
			s.claim("o", attribution.KindProfile, "arn:aws:bedrock:us-east-1:"+acct1+":application-inference-profile/bbb", "", "b")
		},
		conditions: []condition{
			{"of people", edit(func(li *cur.LineItem) {
				if li.Principal != "" {
					li.Principal = role("AWSReservedSSO_Analyst_0123456789abcdef")
				}
			})},
			{"its own sessions", func(s *scene) {
				s.sessions = append(s.sessions, gaps.SessionStart{Account: acct1, Role: "support-bot", By: arn("runtime/a-Aa1Bb2Cc3D")})
			}},
			{"another's sessions", func(s *scene) {
				s.sessions = append(s.sessions, gaps.SessionStart{Account: acct1, Role: "arn:aws:iam::" + acct1 + ":role/x/support-bot", By: arn("runtime/b-Aa1Bb2Cc3D")})
			}},
			{"shared by claim", func(s *scene) {
				s.claims.Claims[0].Target = attribution.Share{By: attribution.Evenly, Parts: []attribution.Part{{Workload: "a"}, {Workload: "b"}}}
			}},
			{"another's profile", edit(func(li *cur.LineItem) {
				li.Resource = "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/bbb"
			})},
			{"no principal", edit(func(li *cur.LineItem) { li.Principal = "" })},
		},
		want: func(holds func(string) bool) (out []gaps.Kind) {
			switch {
			case holds("no principal"):
				return nil
			case holds("of people"): // another role, with nothing else said of it
				return []gaps.Kind{gaps.RoleRecommendation}
			case holds("another's sessions"), holds("shared by claim"), holds("another's profile"):
				return []gaps.Kind{gaps.SharedRole}
			}
			return nil
		},
	}.run(t)
}

func TestBroadRolesAreToldByTheirNames(t *testing.T) {
	for name, want := range map[string]bool{
		"assumed-role/finops-csbot-a4f2":                                   false,
		"assumed-role/AgentExecutionRole-kyc":                              false,
		"assumed-role/administration-portal":                               false,
		"assumed-role/sharepoint-indexer":                                  false,
		"assumed-role/finops-shared-svc":                                   true,
		"assumed-role/OrgAdmin":                                            true,
		"assumed-role/PowerUserAccess":                                     true,
		"assumed-role/team_common":                                         true,
		"assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef": true,
		"assumed-role/AWSReservedSSO_DataScience_fedcba9876543210":         true,
	} {
		s := scene{rows: []*cur.LineItem{row("2026-05-04", "1", model("arn:aws:sts::"+acct1+":"+name))}, detectors: only(gaps.RoleRecommendation)}
		if got := len(s.detect(t).Gaps) == 1; got != want {
			t.Errorf("%s: broad %v, want %v", name, got, want)
		}
	}
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1", model("arn:aws:iam::"+acct1+":root"))}, detectors: only(gaps.RoleRecommendation)}
	if len(s.detect(t).Gaps) != 1 {
		t.Error("the root user is not broad")
	}
}

func TestTruthOfUnknownComponents(t *testing.T) {
	table{
		of:   gaps.UnknownComponent,
		base: func(s *scene) { s.rows = []*cur.LineItem{row("2026-05-04", "1")} },
		conditions: []condition{
			{"unknown", edit(func(li *cur.LineItem) { li.UsageType = "USE1-Studio:Consumption-based:Minutes" })},
			{"fee", edit(func(li *cur.LineItem) { li.LineItemType = "Fee" })},
			{"claimed", func(s *scene) { s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w") }},
			{"other product", edit(func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" })},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			if holds("unknown") && !holds("fee") && !holds("other product") {
				return []gaps.Kind{gaps.UnknownComponent}
			}
			return nil
		},
	}.run(t)
}

// estimated is workloads that have an estimate from a day on.
type estimated map[attribution.WorkloadID]time.Time

func (e estimated) Estimated(w attribution.WorkloadID, day time.Time) bool {
	from, ok := e[w]
	return ok && !day.Before(from)
}

func TestTruthOfOwnersAndEstimates(t *testing.T) {
	base := func(s *scene) {
		s.rows = []*cur.LineItem{row("2026-05-04", "1"), row("2026-05-09", "2")}
		s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
		s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "becki.smith"}}
		s.estimates = estimated{"w": at("2026-05-01")}
	}
	conditions := []condition{
		{"unclaimed", func(s *scene) { s.claims.Claims = nil }},
		{"owner gone", func(s *scene) { s.claims.Workloads[0].Owner = "" }},
		{"estimated late", func(s *scene) { s.estimates = estimated{"w": at("2026-05-08")} }},
		{"never estimated", func(s *scene) { s.estimates = estimated{} }},
		{"estimates unknown", func(s *scene) { s.estimates = nil }},
	}
	table{gaps.OwnerMissing, base, conditions, func(holds func(string) bool) []gaps.Kind {
		if holds("owner gone") && !holds("unclaimed") {
			return []gaps.Kind{gaps.OwnerMissing}
		}
		return nil
	}}.run(t)
	table{gaps.EstimateMissing, base, conditions, func(holds func(string) bool) []gaps.Kind {
		if !holds("unclaimed") && !holds("estimates unknown") && (holds("estimated late") || holds("never estimated")) {
			return []gaps.Kind{gaps.EstimateMissing}
		}
		return nil
	}}.run(t)
	var s scene
	base(&s)
	s.estimates, s.detectors = estimated{"w": at("2026-05-08")}, only(gaps.EstimateMissing)
	if g := s.detect(t).Gaps[0]; g.Evidence.Spend.String() != "1" {
		t.Errorf("of the days before the estimate %s, want 1", g.Evidence.Spend)
	}
}

func TestTruthOfDeadClaims(t *testing.T) {
	dead := arn("memory/gone-Aa1Bb2Cc3D")
	table{
		of: gaps.DeadClaim,
		base: func(s *scene) {
			s.rows = []*cur.LineItem{row("2026-05-04", "1")}
			s.claim("c", attribution.KindResource, dead, "", "w")
		},
		conditions: []condition{
			{"it holds", func(s *scene) {
				s.rows = append(s.rows, row("2026-05-05", "1", func(li *cur.LineItem) { li.Resource = dead }))
			}},
			{"of an account that is not there", func(s *scene) {
				s.claims.Claims[0].Anchor.Value = strings.Replace(dead, acct1, acct2, 1)
			}},
			{"of an account", func(s *scene) {
				s.claims.Claims[0].Anchor = attribution.Anchor{Kind: attribution.KindAccount, Value: acct2}
			}},
			{"over", func(s *scene) { s.claims.Claims[0].To = at("2026-05-20") }},
			{"new", func(s *scene) { s.claims.Claims[0].From = at("2026-05-18") }},
			{"nearly on something", func(s *scene) {
				s.rows = append(s.rows, row("2026-05-06", "1", func(li *cur.LineItem) {
					li.Resource = strings.Replace(dead, "us-east-1", "eu-west-1", 1)
				}))
			}},
			{"as of is unknown", func(s *scene) { s.asOf = time.Unix(0, 0).UTC() }},
		},
		want: func(holds func(string) bool) []gaps.Kind {
			if holds("of an account") || holds("of an account that is not there") || holds("over") || holds("new") || holds("as of is unknown") {
				return nil
			}
			if holds("it holds") || holds("nearly on something") {
				return nil
			}
			return []gaps.Kind{gaps.DeadClaim}
		},
	}.run(t)
}

func TestADeadClaimIsMergedWithItsNearMiss(t *testing.T) {
	var s scene
	s.rows = []*cur.LineItem{row("2026-05-04", "3")}
	s.claim("wrong-region", attribution.KindResource, strings.Replace(s.rows[0].Resource, "us-east-1", "eu-west-1", 1), "", "w")
	s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "becki.smith"}}
	r := s.detect(t)
	if got := kindsOf(r); !slices.Equal(got, []string{"unclaimed_runtime"}) {
		t.Fatalf("gaps %v, want one", got)
	}
	g := r.Gaps[0]
	want := []gaps.NearMiss{{Claim: "wrong-region", Anchor: "resource " + s.claims.Claims[0].Anchor.Value, Workload: []attribution.WorkloadID{"w"}, Why: attribution.MissRegion, Dead: true}}
	if d := cmp.Diff(want, g.Evidence.NearMisses); d != "" {
		t.Errorf("near misses (-want +got):\n%s", d)
	}
	if !strings.Contains(g.Evidence.Why, "claim wrong-region (other_region) takes hold of nothing") {
		t.Errorf("why: %s", g.Evidence.Why)
	}
	if len(g.Candidates) == 0 || g.Candidates[0].Workload != "w" || g.Candidates[0].Reasons[0].Code != "near_miss" {
		t.Errorf("candidates %+v", g.Candidates)
	}
}

func TestRegionsOfRows(t *testing.T) {
	inEurope := arn("runtime/agent-Aa1Bb2Cc3D")
	inEurope = strings.Replace(inEurope, "us-east-1", "eu-west-1", 1)
	for i, c := range []struct {
		product, usageType, resource string
		want                         string
		warnings                     []string
	}{
		{"us-east-1", "USE1-Runtime:Consumption-based:vCPU", arn("runtime/a-Aa1Bb2Cc3D"), "us-east-1", nil},
		{"", "USE1-Runtime:Consumption-based:vCPU", arn("runtime/a-Aa1Bb2Cc3D"), "us-east-1", nil},
		{"", "Runtime:Consumption-based:vCPU", inEurope, "eu-west-1", nil},
		{"us-east-1", "EU-Runtime:Consumption-based:vCPU", arn("runtime/a-Aa1Bb2Cc3D"), "us-east-1", []string{"region us-east-1 by product, but usage_type eu-west-1"}},
		{"", "USE1-Runtime:Consumption-based:vCPU", inEurope, "us-east-1", []string{"region us-east-1 by usage_type, but arn eu-west-1"}},
		{"", "Runtime:Consumption-based:vCPU", "agent", "", []string{"some rows name no region"}},
	} {
		s := scene{rows: []*cur.LineItem{row("2026-05-04", "1", func(li *cur.LineItem) { li.Region, li.UsageType, li.Resource = c.product, c.usageType, c.resource })}}
		s.approvals = []gaps.Approval{approval{id: "BR-1", accounts: []string{acct1}, regions: []string{"us-east-1"}}}
		r := s.detect(t)
		e := r.Gaps[0].Evidence
		got := strings.Join(e.Regions, ",")
		if got != c.want || fmt.Sprint(e.Warnings) != fmt.Sprint(c.warnings) {
			t.Errorf("case %d: region %q, warnings %q; want %q and %q", i+1, got, e.Warnings, c.want, c.warnings)
		}
		scope := slices.IndexFunc(r.Gaps, func(g gaps.Gap) bool { return g.Kind == gaps.OutOfApprovedScope })
		switch {
		case c.want == "us-east-1" && scope >= 0:
			t.Errorf("case %d: out of scope", i+1)
		case c.want == "" && (scope < 0 || r.Gaps[scope].Subject.Aspect != "region" || r.Gaps[scope].Subject.Value != "unknown"):
			t.Errorf("case %d: want out_of_scope(unknown), got %+v", i+1, r.Gaps)
		}
	}
}
