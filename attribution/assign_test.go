package attribution_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

const appRole = "arn:aws:sts::" + acct1 + ":assumed-role/App/s"

// kind is an edit: another line item type.
func kind(lineItemType string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.LineItemType = lineItemType }
}

func tagged(team string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.SetColumn(teamTag, team) }
}

func TestKindOf(t *testing.T) {
	want := map[string]attribution.ChargeKind{
		"Usage": attribution.Usage, "FlatRateSubscription": attribution.Usage, "SavingsPlanCoveredUsage": attribution.Usage, "DiscountedUsage": attribution.Usage,
		"SavingsPlanNegation": attribution.Commitment, "SavingsPlanRecurringFee": attribution.Commitment, "SavingsPlanUpfrontFee": attribution.Commitment, "RIFee": attribution.Commitment,
		"EdpDiscount": attribution.Discount, "PrivateRateDiscount": attribution.Discount, "BundledDiscount": attribution.Discount, "NewDiscount": attribution.Discount,
		"Credit": attribution.Credit, "Refund": attribution.Refund, "Tax": attribution.Tax, "Fee": attribution.Fee, "Purchase": attribution.Fee, "Adjustment": attribution.Other,
		"": attribution.Other, "usage": attribution.Other, "DiscountX": attribution.Other, "Whatever": attribution.Other,
	}
	for in, want := range want {
		if got := attribution.KindOf(in); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAssign(t *testing.T) {
	runtime, endpoint := arn("runtime/a-1"), arn("runtime/a-1/runtime-endpoint/DEFAULT")
	profile := "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/p-1"
	lambda := "arn:aws:lambda:us-east-1:" + acct1 + ":function:f"
	account := claim("acct", "account", acct1, "")
	team := claim("team", "tag", string(teamTag)+"=a", "")
	ended := claim("ended", "resource", runtime, "")
	ended.To = at(t, "2026-05-03")
	infra := &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}}}
	function := both(agent(lambda), func(li *cur.LineItem) { li.ProductCode, li.UsageType = "AWSLambda", "USE1-Request" })

	type want struct {
		outcome    attribution.Outcome
		reason     attribution.Reason
		claim      attribution.ClaimID
		overridden []attribution.ClaimID
		tied       []attribution.ClaimID
	}
	tests := []struct {
		name   string
		rules  *attribution.Rules
		edit   func(*cur.LineItem)
		claims []attribution.Claim
		want   want
	}{
		{"the most specific resource wins", nil, agent(endpoint), []attribution.Claim{claim("runtime", "resource", runtime, ""), claim("endpoint", "resource", endpoint, "")},
			want{outcome: "claimed", claim: "endpoint", overridden: []attribution.ClaimID{"runtime"}}},
		{"a session before its resource", nil, agent(runtime + "/session/s-1"), []attribution.Claim{claim("runtime", "resource", runtime, ""), claim("session", "session", "s-1", "")},
			want{outcome: "claimed", claim: "session", overridden: []attribution.ClaimID{"runtime"}}},
		{"a resource before tag and account", nil, both(agent(runtime), tagged("a")), []attribution.Claim{account, team, claim("runtime", "resource", runtime, "")},
			want{outcome: "claimed", claim: "runtime", overridden: []attribution.ClaimID{"team", "acct"}}},
		{"a tag before the account", nil, both(agent(runtime), tagged("a")), []attribution.Claim{account, team},
			want{outcome: "claimed", claim: "team", overridden: []attribution.ClaimID{"acct"}}},
		{"an account default", nil, agent(runtime), []attribution.Claim{account, team}, want{outcome: "defaulted", claim: "acct"}},
		{"a principal claim never wins on AgentCore", nil, both(agent(runtime), func(li *cur.LineItem) { li.Principal = appRole }), []attribution.Claim{claim("role", "role", "App", acct1)},
			want{outcome: "unclaimed", reason: "no_claim"}},
		{"a role before its profile", nil, model(appRole, profile), []attribution.Claim{claim("profile", "profile", profile, ""), claim("role", "role", "App", acct1)},
			want{outcome: "claimed", claim: "role", overridden: []attribution.ClaimID{"profile"}}},
		{"a profile where the role is nobody's", nil, model(appRole, profile), []attribution.Claim{claim("profile", "profile", profile, "")}, want{outcome: "claimed", claim: "profile"}},
		{"a model resource last", nil, model("", "arn:aws:bedrock:us-east-1:"+acct1+":provisioned-model/m"), []attribution.Claim{claim("pm", "resource", "arn:aws:bedrock:us-east-1:"+acct1+":provisioned-model/m", "")},
			want{outcome: "claimed", claim: "pm"}},
		{"sessions are no link of Bedrock", nil, model("", runtime+"/session/s-1"), []attribution.Claim{claim("session", "session", "s-1", "")}, want{outcome: "unclaimed", reason: "principal_blank"}},
		{"equally good claims are nobody's", nil, agent(runtime + "/session/s-1/s-2"), []attribution.Claim{claim("two", "session", "s-2", ""), claim("one", "session", "s-1", ""), account},
			want{outcome: "unclaimed", reason: "conflict", tied: []attribution.ClaimID{"one", "two"}}},
		{"a tie of what is no usage", nil, both(agent(runtime+"/session/s-1/s-2"), kind("Credit")), []attribution.Claim{claim("two", "session", "s-2", ""), claim("one", "session", "s-1", "")},
			want{outcome: "unallocated", reason: "credit"}},
		{"a credit on a claimed resource", nil, both(agent(runtime), kind("Credit")), []attribution.Claim{claim("runtime", "resource", runtime, "")}, want{outcome: "claimed", claim: "runtime"}},
		{"tags and accounts catch usage only", nil, both(agent(runtime), tagged("a"), kind("Tax")), []attribution.Claim{account, team}, want{outcome: "unallocated", reason: "tax"}},
		{"a discount of nobody", nil, kind("EdpDiscount"), nil, want{outcome: "unallocated", reason: "discount"}},
		{"a claim of an earlier time", nil, agent(runtime), []attribution.Claim{ended}, want{outcome: "unclaimed", reason: "claim_not_in_force"}},
		{"a claim of an earlier time and a default", nil, agent(runtime), []attribution.Claim{ended, account}, want{outcome: "defaulted", claim: "acct"}},
		{"another product", nil, func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" }, []attribution.Claim{account}, want{outcome: "excluded", reason: "out_of_scope"}},
		{"a Bedrock code of another seller", nil, both(model(appRole, ""), func(li *cur.LineItem) { li.BillingEntity = "Elsewhere" }), nil, want{outcome: "excluded", reason: "out_of_scope"}},
		{"no billing entity", nil, both(model(appRole, ""), func(li *cur.LineItem) { li.BillingEntity = "" }), nil, want{outcome: "unclaimed", reason: "no_claim"}},
		{"a model of AWS Marketplace", nil, both(model(appRole, ""), func(li *cur.LineItem) {
			li.BillingEntity, li.ProductCode, li.ProductName = "AWS Marketplace", "a1b2c3", "Claude (Amazon Bedrock Edition)"
		}), nil, want{outcome: "unclaimed", reason: "no_claim"}},
		{"a product family", nil, both(model(appRole, ""), func(li *cur.LineItem) { li.ProductCode, li.ProductFamily = "new", "amazon bedrock" }), nil, want{outcome: "unclaimed", reason: "no_claim"}},
		{"AgentCore under the family of Bedrock", nil, both(agent(""), func(li *cur.LineItem) { li.ProductFamily = "Amazon Bedrock" }), nil, want{outcome: "unclaimed", reason: "resource_blank"}},
		{"identity requests under Cognito", nil, func(li *cur.LineItem) {
			li.ProductCode, li.UsageType = "AmazonCognito", "APN1-Bedrock-Agent-Core:Auth-Request:Oauth2"
		}, nil, want{outcome: "unclaimed", reason: "resource_blank"}},
		{"Cognito itself", nil, func(li *cur.LineItem) { li.ProductCode, li.UsageType = "AmazonCognito", "USE1-MAU" }, nil, want{outcome: "excluded", reason: "out_of_scope"}},
		{"infrastructure that is claimed", infra, function, []attribution.Claim{claim("fn", "resource", lambda, "")}, want{outcome: "claimed", claim: "fn"}},
		{"infrastructure by tag", infra, both(function, tagged("a")), []attribution.Claim{team}, want{outcome: "claimed", claim: "team"}},
		{"infrastructure never by account", infra, function, []attribution.Claim{account}, want{outcome: "excluded", reason: "infrastructure_unclaimed"}},
		{"infrastructure that is no usage", infra, both(function, kind("Credit")), nil, want{outcome: "excluded", reason: "infrastructure_unclaimed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := rollWith(t, cur.Rollup{Keys: []cur.Column{teamTag}}, []*cur.LineItem{row(t, "2026-05-03", "1", tt.edit)})
			a := index(t, p, tt.rules, tt.claims...).Assign(p.Key(0))
			got := want{outcome: a.Outcome, reason: a.Reason, overridden: ids(a.Overridden), tied: ids(a.Tied)}
			if a.Claim != nil {
				got.claim = a.Claim.ID
				if want := attribution.WorkloadID("w-" + a.Claim.ID); a.Workload != want {
					t.Errorf("workload %q, want %q", a.Workload, want)
				}
			}
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Errorf("assignment (-want +got):\n%s", d)
			}
		})
	}
}

func ids(claims []*attribution.Claim) (out []attribution.ClaimID) {
	for _, c := range claims {
		out = append(out, c.ID)
	}
	return out
}

func TestReasonsOfUnclaimedUsage(t *testing.T) {
	without := func(cols ...cur.Column) []cur.Column {
		all := []cur.Column{cur.ColPrincipal, cur.ColResource}
		var out []cur.Column
		for _, c := range all {
			keep := true
			for _, w := range cols {
				keep = keep && c != w
			}
			if keep {
				out = append(out, c)
			}
		}
		return out
	}
	noChain := &attribution.Rules{Scope: attribution.Scope{AI: []attribution.Product{{Name: "p"}}}}
	tests := []struct {
		name    string
		rules   *attribution.Rules
		edit    func(*cur.LineItem)
		columns []cur.Column // the report has
		want    attribution.Reason
		anchor  attribution.Anchor
	}{
		{"principal there", nil, model(appRole, ""), without(), "no_claim", attribution.Anchor{Kind: "role", Value: "arn:aws:sts::" + acct1 + ":assumed-role/App", Account: acct1}},
		{"principal that is no role", nil, model("bedrock.amazonaws.com", ""), without(), "no_claim", attribution.Anchor{Kind: "user", Value: "bedrock.amazonaws.com", Account: acct1}},
		{"resource there", nil, agent("r"), without(), "no_claim", attribution.Anchor{Kind: "resource", Value: "r", Account: acct1}},
		{"principals not exported", nil, model("", "r"), without(cur.ColPrincipal), "principal_not_exported", attribution.Anchor{Kind: "resource", Value: "r", Account: acct1}},
		{"nothing exported", nil, model("", ""), nil, "principal_not_exported", attribution.Anchor{}},
		{"resources not exported, no principal", nil, model("", ""), without(cur.ColResource), "resource_not_exported", attribution.Anchor{}},
		{"principal blank", nil, model("", ""), without(), "principal_blank", attribution.Anchor{}},
		{"AgentCore needs no principal", nil, agent("r"), without(cur.ColPrincipal), "no_claim", attribution.Anchor{Kind: "resource", Value: "r", Account: acct1}},
		{"AgentCore without resources", nil, agent(""), without(cur.ColResource), "resource_not_exported", attribution.Anchor{}},
		{"resource blank", nil, agent(""), without(), "resource_blank", attribution.Anchor{}},
		{"product without a chain", noChain, agent("r"), without(), "no_anchor", attribution.Anchor{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rolled := roll(t, row(t, "2026-05-03", "1", tt.edit))
			if tt.rules != nil {
				rolled = rollWith(t, cur.Rollup{}, []*cur.LineItem{row(t, "2026-05-03", "1", tt.edit)})
			}
			p := withColumns(t, rolled, tt.columns)
			a := index(t, p, tt.rules).For(p).Assign(p.Key(0))
			if a.Outcome != attribution.Unclaimed || a.Reason != tt.want {
				t.Errorf("outcome %s (%s), want unclaimed (%s)", a.Outcome, a.Reason, tt.want)
			}
			if a.Anchor != tt.anchor {
				t.Errorf("anchor %+v, want %+v", a.Anchor, tt.anchor)
			}
		})
	}
}

// withColumns returns p as of a report that had only some columns.
func withColumns(t testing.TB, p *cur.Partial, columns []cur.Column) *cur.Partial {
	t.Helper()
	c := contents(p)
	c.Columns = columns
	out, err := cur.NewPartial(p.Spec(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// contents takes a partial apart.
func contents(p *cur.Partial) cur.Contents {
	c := cur.Contents{Measures: p.Measures(), Control: p.Control(), Unread: p.Unread()}
	for _, col := range []cur.Column{cur.ColPayer, cur.ColBillingPeriod, cur.ColInvoiceID, cur.ColBillingEntity, cur.ColLineItemType,
		cur.ColCurrency, cur.ColPrincipal, cur.ColResource, teamTag} {
		if p.HasColumn(col) {
			c.Columns = append(c.Columns, col)
		}
	}
	for _, g := range p.Groups() {
		c.Groups = append(c.Groups, g)
	}
	for r := range p.Rest() {
		c.Rest = append(c.Rest, r)
	}
	return c
}

func TestBoundariesTakeEffectAtTheNextBucket(t *testing.T) {
	r := arn("runtime/a-1")
	before, after := claim("before", "resource", r, ""), claim("after", "resource", r, "")
	before.To = at(t, "2026-05-03T10:30:00Z")
	after.From = before.To
	var rows []*cur.LineItem
	for _, hour := range []string{"2026-05-03T09:00:00Z", "2026-05-03T10:00:00Z", "2026-05-03T11:00:00Z", "2026-05-04T00:00:00Z"} {
		rows = append(rows, row(t, hour, "1", agent(r)))
	}
	for bucket, want := range map[cur.Span]string{cur.Day: "3/1", cur.Hour: "2/2"} {
		p := rollWith(t, cur.Rollup{Bucket: bucket}, rows)
		st := attribute(t, p, index(t, p, nil, before, after), nil)
		got := map[attribution.WorkloadID]string{}
		for _, w := range st.Workloads() {
			got[w.Workload] = w.Unblended.String()
		}
		if got := got["w-before"] + "/" + got["w-after"]; got != want {
			t.Errorf("bucket %s: before/after have %s, want %s", bucket, got, want)
		}
	}
}

// byTeam claims by a naming rule: the team a row is tagged with owns a resource
// called after it.
type byTeam struct{}

func (byTeam) Name() string          { return "by team" }
func (byTeam) Columns() []cur.Column { return []cur.Column{teamTag} }
func (byTeam) Anchors(dst []attribution.Candidate, k *cur.Key) []attribution.Candidate {
	if team, _ := k.Column(teamTag); team != "" {
		exact := attribution.Anchor{Kind: attribution.KindResource, Value: "team-" + team}
		dst = append(dst, attribution.Candidate{Anchor: exact, Rank: 3}, attribution.Candidate{Anchor: exact, Rank: 1},
			attribution.Candidate{Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: "team-any"}, Rank: 2})
	}
	return dst
}

func TestChainsAreData(t *testing.T) {
	role, rt := claim("role", "role", "App", acct1), claim("rt", "resource", arn("runtime/a-1"), "")
	r := row(t, "2026-05-03", "1", both(agent(arn("runtime/a-1")), tagged("a"), func(li *cur.LineItem) { li.Principal = appRole }))
	chain := func(links ...attribution.Resolver) *attribution.Rules {
		return &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: links}}
	}
	tests := []struct {
		name  string
		rules *attribution.Rules
		want  attribution.ClaimID
	}{
		{"principals put first", chain(attribution.Principals(), attribution.Resources()), "role"},
		{"principals put last", chain(attribution.Resources(), attribution.Principals()), "rt"},
		// One claim is found at ranks 3 and 1: the better one counts.
		{"a resolver of one's own", chain(byTeam{}, attribution.Resources()), "team"},
	}
	p := roll(t, r)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := index(t, p, tt.rules, role, rt, claim("team", "resource", "team-a", ""), claim("any", "resource", "team-any", "")).Assign(p.Key(0))
			if a.Claim == nil || a.Claim.ID != tt.want {
				t.Errorf("won by %+v, want claim %q", a.Claim, tt.want)
			}
			if tt.rules.Version() == (*attribution.Rules)(nil).Version() {
				t.Error("another chain has the version of the default rules")
			}
		})
	}
	if _, err := attribution.NewIndex(nil, &attribution.Rules{Scope: attribution.Scope{AI: []attribution.Product{{Name: "p", Chain: "nowhere"}}}}, (&cur.Rollup{}).Spec()); err == nil {
		t.Error("a product with an unknown chain is accepted")
	}
}

// ranked offers two resources, the second as the more telling.
type ranked struct{}

func (ranked) Name() string          { return "ranked" }
func (ranked) Columns() []cur.Column { return nil }
func (ranked) Anchors(dst []attribution.Candidate, _ *cur.Key) []attribution.Candidate {
	of := func(tail string) attribution.Anchor {
		return attribution.Anchor{Kind: attribution.KindResource, Value: arn(tail)}
	}
	return append(dst, attribution.Candidate{Anchor: of("memory/a"), Rank: 1}, attribution.Candidate{Anchor: of("memory/b/record/1"), Rank: 0})
}

// A candidate of a lower rank wins, even by what contains it.
func TestRanksOrderCandidates(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("r")))
	rules := &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {ranked{}}}}
	a := index(t, p, rules, claim("a", "resource", arn("memory/a"), ""), claim("b", "resource", arn("memory/b"), "")).Assign(p.Key(0))
	if a.Claim == nil || a.Claim.ID != "b" || len(a.Overridden) != 1 {
		t.Errorf("won by %+v over %v, want b over a", a.Claim, ids(a.Overridden))
	}
}

func TestIndexKeepsWhatItWasMadeOf(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("r")))
	chain := []attribution.Resolver{attribution.Resources()}
	rules := &attribution.Rules{Aliases: attribution.DefaultAliases(), Scope: attribution.DefaultScope(),
		Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: chain}}
	claims := &attribution.Claims{Claims: []attribution.Claim{claim("c", "resource", "r", "")}}
	ix, err := attribution.NewIndex(claims, rules, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	chain[0] = attribution.Tags()
	rules.Scope.AI[0].Chain = ""
	claims.Claims[0].Target = attribution.Whole{Workload: "other"}
	if a := ix.Assign(p.Key(0)); a.Workload != "w-c" {
		t.Errorf("after changing what it was made of: %+v, want w-c", a)
	}
}

func TestIndexIsSafeForConcurrentUse(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent(arn("runtime/a/x"))), row(t, "2026-05-03", "1", model(appRole, "")))
	ix := index(t, p, nil, claim("a", "resource", arn("runtime/a"), ""), claim("r", "role", "App", acct1), claim("s", "session", "x*", ""))
	want := []attribution.ClaimID{ix.Assign(p.Key(0)).Claim.ID, ix.Assign(p.Key(1)).Claim.ID}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				for i, id := range want {
					if a := ix.Assign(p.Key(i)); a.Claim.ID != id {
						t.Errorf("group %d: claim %q, want %q", i, a.Claim.ID, id)
					}
					ix.Explain(p.Key(i))
				}
			}
		})
	}
	wg.Wait()
}

func TestComponentsDoNotChangeOutcomes(t *testing.T) {
	infra := &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}}}
	for _, tt := range []struct {
		edit func(*cur.LineItem)
		want pricing.Component
	}{
		{agent("r"), pricing.RuntimeVCPU},
		{func(li *cur.LineItem) { li.UsageType = "USE1-Novelty" }, pricing.Unknown},
		{func(li *cur.LineItem) { li.ProductCode = "AWSLambda" }, "infrastructure/AWSLambda"},
		{func(li *cur.LineItem) {
			li.ProductCode, li.UsageType = "AmazonCognito", "APN1-Bedrock-Agent-Core:Auth-Request:Oauth2"
		}, pricing.IdentityRequest},
		{func(li *cur.LineItem) { li.ProductCode = "AmazonEC2" }, pricing.Unknown},
	} {
		p := rollWith(t, cur.Rollup{}, []*cur.LineItem{row(t, "2026-05-03", "1", tt.edit)})
		k := p.Key(0)
		if got := index(t, p, infra).Assign(k).Component; got != tt.want {
			t.Errorf("component of %s %s is %q, want %q", k.ProductCode, k.UsageType, got, tt.want)
		}
	}
}

func TestNotStored(t *testing.T) {
	plain := cur.Rollup{Where: attribution.DefaultScope().Where()}
	teams := cur.Rollup{Where: plain.Where, Keys: []cur.Column{teamTag}}
	narrow := cur.Rollup{Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColProductCode, Op: cur.In, Values: []string{"AmazonBedrock"}}}}}}
	lambda := &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}}}
	tag := claim("t", "tag", string(teamTag)+"=a", "")
	resolver := &attribution.Rules{Chains: map[string][]attribution.Resolver{"agentcore": {byTeam{}}}}
	tests := []struct {
		name   string
		rollup cur.Rollup
		rules  *attribution.Rules
		claims []attribution.Claim
		want   *attribution.NotStoredError // nil: none
	}{
		{"the default scope", plain, nil, nil, nil},
		{"everything stored", cur.Rollup{Keys: []cur.Column{teamTag}}, lambda, []attribution.Claim{tag}, nil},
		{"a tag that is declared", teams, nil, []attribution.Claim{tag}, nil},
		{"a tag that is not", plain, nil, []attribution.Claim{tag}, &attribution.NotStoredError{Column: teamTag, Need: `claim "t"`}},
		{"a resolver's column that is declared", teams, resolver, nil, nil},
		{"a resolver's column that is not", plain, resolver, nil, &attribution.NotStoredError{Column: teamTag, Need: `resolver "by team"`}},
		{"infrastructure that was left out", plain, lambda, nil, &attribution.NotStoredError{Column: cur.ColProductCode, Need: `product "infrastructure"`, Rows: true}},
		{"infrastructure that was let in", cur.Rollup{Where: attribution.Scope{Infrastructure: []string{"AmazonEC2", "AWSLambda"}}.Where()}, lambda, nil, nil},
		{"a predicate of another kind", cur.Rollup{Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColProductCode, Op: cur.FoldIn, Values: []string{"P"}}}}}},
			&attribution.Rules{Scope: attribution.Scope{AI: []attribution.Product{{Name: "p", Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColProductCode, Op: cur.Prefix, Values: []string{"P"}}}}}}}}},
			nil, &attribution.NotStoredError{Column: cur.ColProductCode, Need: `product "p"`, Rows: true}},
		{"a narrower rollup", narrow, nil, nil, &attribution.NotStoredError{Column: cur.ColProductCode, Need: `product "agentcore"`, Rows: true}},
		{"a product by a column that no key has", plain, &attribution.Rules{Scope: attribution.Scope{AI: []attribution.Product{
			{Name: "x", Where: cur.Where{Any: []cur.Clause{{{Column: "x_y", Op: cur.In, Values: []string{"z"}}}}}}}}}, nil, &attribution.NotStoredError{Column: "x_y", Need: `product "x"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := attribution.NewIndex(&attribution.Claims{Claims: tt.claims}, tt.rules, tt.rollup.Spec())
			var got *attribution.NotStoredError
			if errors.As(err, &got) != errors.Is(err, attribution.ErrNotStored) || err != nil && got == nil {
				t.Fatalf("NewIndex = %v (%T)", err, err)
			}
			if d := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b cur.Month) bool { return a == b })); d != "" {
				t.Errorf("NewIndex (-want +got):\n%s", d)
			}
		})
	}
	// The partial that is attributed has to hold it too, and its period is named.
	ix, err := attribution.NewIndex(&attribution.Claims{Claims: []attribution.Claim{tag}}, nil, teams.Spec())
	if err != nil {
		t.Fatal(err)
	}
	_, err = attribution.Attribute(t.Context(), rollWith(t, plain, []*cur.LineItem{row(t, "2026-05-03", "1", nil)}), ix, nil)
	want := `attribution: claim "t" needs column "resourceTags/user:team", which the stored groups of 2026-05 lack: not stored; roll up the files again with it`
	if err == nil || err.Error() != want {
		t.Errorf("Attribute = %v, want %s", err, want)
	}
	if got, want := attribution.Columns(&attribution.Claims{Claims: []attribution.Claim{tag}}, resolver), []cur.Column{teamTag}; !cmp.Equal(got, want) {
		t.Errorf("Columns = %q, want %q", got, want)
	}
}

func TestExplainSaysWhatAssignDid(t *testing.T) {
	runtime := arn("runtime/a-1")
	late, early := claim("late", "resource", runtime, ""), claim("early", "resource", runtime, "")
	early.To = at(t, "2026-05-03T06:00:00Z")
	late.From = early.To
	account := claim("acct", "account", acct1, "")
	p := roll(t, row(t, "2026-05-03", "1", agent(runtime+"/runtime-endpoint/e")))
	type step struct {
		link    string
		verdict attribution.Verdict
		claim   attribution.ClaimID
		cut     time.Time
	}
	explain := func(ix *attribution.Index, k *cur.Key) (out []step) {
		for _, s := range ix.Explain(k) {
			st := step{link: s.Link, verdict: s.Verdict, cut: s.Cut}
			if s.Claim != nil {
				st.claim = s.Claim.ID
			}
			out = append(out, st)
		}
		return out
	}
	next := at(t, "2026-05-04")
	want := []step{
		{link: "scope", verdict: "in_scope"},
		{link: "session", verdict: "no_claim"}, {link: "session", verdict: "no_claim"}, {link: "session", verdict: "no_claim"},
		{link: "resource", verdict: "won", claim: "early", cut: next},
		{link: "resource", verdict: "not_in_force", claim: "late", cut: next},
		{link: "tag", verdict: "absent"},
		{link: "account", verdict: "overridden", claim: "acct"},
	}
	ix := index(t, p, nil, late, early, account)
	if d := cmp.Diff(want, explain(ix, p.Key(0)), cmp.AllowUnexported(step{})); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}

	p = roll(t, row(t, "2026-05-03", "1", both(agent(runtime+"/x/y"), kind("Credit"))))
	tied := index(t, p, nil, claim("x", "session", "x", ""), claim("y", "session", "y", ""), account)
	want = []step{
		{link: "scope", verdict: "in_scope"},
		{link: "session", verdict: "no_claim"}, {link: "session", verdict: "tied", claim: "x"}, {link: "session", verdict: "tied", claim: "y"},
		{link: "resource", verdict: "no_claim"}, {link: "tag", verdict: "absent"}, {link: "account", verdict: "usage_only", claim: "acct"},
	}
	if d := cmp.Diff(want, explain(tied, p.Key(0)), cmp.AllowUnexported(step{})); d != "" {
		t.Errorf("steps of a tie (-want +got):\n%s", d)
	}

	out := cur.KeyOf(row(t, "2026-05-03", "1", func(li *cur.LineItem) { li.ProductCode = "AmazonS3" }), 0)
	if d := cmp.Diff([]step{{link: "scope", verdict: "out_of_scope"}}, explain(ix, out), cmp.AllowUnexported(step{})); d != "" {
		t.Errorf("steps out of scope (-want +got):\n%s", d)
	}
}
