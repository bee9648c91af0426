package attribution_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// Pains that others have with bills, one test each. The numbers are those of the
// list that the design was made from.

// Rule 6: credits hide usage. Gross, discounts, credits, refunds and tax are
// apart, and credits are negative.
func TestField06CreditsDoNotHideUsage(t *testing.T) {
	r := arn("runtime/a-1")
	var rows []*cur.LineItem
	for typ, cost := range map[string]string{"Usage": "100", "Credit": "-100", "EdpDiscount": "-7", "Refund": "-3", "Tax": "19", "Fee": "2"} {
		rows = append(rows, row(t, "2026-05-03", cost, both(agent(r), kind(typ))))
	}
	p := roll(t, rows...)
	for name, claims := range map[string][]attribution.Claim{"claimed": {claim("c", "resource", r, "")}, "nobody's": nil} {
		st := attribute(t, p, index(t, p, nil, claims...), nil)
		got := map[string]string{}
		if len(claims) > 0 {
			w := st.Workloads()[0]
			got["usage"] = w.Components[0].Unblended.String()
			for k, x := range w.Other {
				got[string(k)] = x.Unblended.String()
			}
		} else {
			got["usage"] = st.Outcomes()[attribution.Unclaimed].Unblended.String()
			for r, x := range st.Outcomes()[attribution.Unallocated].Reasons {
				got[string(r)] = x.Unblended.String()
			}
		}
		want := map[string]string{"usage": "100", "credit": "-100", "discount": "-7", "refund": "-3", "tax": "19", "fee": "2"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Rule 7: float noise. Parts of a share add up to the whole, to the last digit.
func TestField07PartsAddUpToTheWhole(t *testing.T) {
	day := at(t, "2026-05-03")
	rapid.Check(t, func(t *rapid.T) {
		cost := decimal.New(rapid.Int64().Draw(t, "cost"), rapid.Int32Range(-18, 0).Draw(t, "exponent"))
		s := attribution.Share{By: attribution.ByWeight}
		for i := range rapid.IntRange(1, 12).Draw(t, "parts") {
			w := decimal.New(rapid.Int64Range(int64(max(1-i, 0)), 1e12).Draw(t, "weight"), rapid.Int32Range(-9, 3).Draw(t, "weight's exponent"))
			s.Parts = append(s.Parts, attribution.Part{Workload: attribution.WorkloadID(fmt.Sprint("w-", i)), Weight: w})
		}
		li := &cur.LineItem{BillingEntity: "AWS", ProductCode: "AmazonBedrockAgentCore", LineItemType: "Usage", Currency: "USD", Resource: "x",
			IntervalStart: day, IntervalEnd: day.AddDate(0, 0, 1)}
		if err := li.Set(cur.UnblendedCost, cost); err != nil {
			t.Fatal(err)
		}
		var rollup cur.Rollup
		p, err := rollup.Rows(seq([]*cur.LineItem{li}))
		if err != nil {
			t.Fatal(err)
		}
		st := splitStatement(t, p, &attribution.Claims{Claims: []attribution.Claim{shared("s", "resource", "x", "", s)}}, nil, nil)
		var sum, weights decimal.Decimal
		for _, w := range st.Workloads() {
			sum = sum.Add(w.Unblended)
		}
		if !sum.Equal(cost) {
			t.Errorf("parts add up to %s, not %s", sum, cost)
		}
		// And no part is a unit of the last place off its proportion.
		for _, part := range s.Parts {
			weights = weights.Add(part.Weight)
		}
		_, decimals, _ := strings.Cut(cost.String(), ".") // without trailing zeros
		unit := decimal.New(1, -int32(max(10, len(decimals))))
		got := map[attribution.WorkloadID]decimal.Decimal{}
		for _, w := range st.Workloads() {
			got[w.Workload] = w.Unblended
		}
		for _, part := range s.Parts {
			off := got[part.Workload].Mul(weights).Sub(cost.Mul(part.Weight)).Abs()
			if !off.LessThan(unit.Mul(weights)) {
				t.Errorf("%s of %s by weight %s of %s: off by a unit or more", got[part.Workload], cost, part.Weight, weights)
			}
		}
	})
}

// Rule 13: tags are not retroactive; claims are. One made today may hold from the
// month's first day.
func TestField13ClaimsReachBack(t *testing.T) {
	r := arn("runtime/a-1")
	p := roll(t, row(t, "2026-05-01", "1", agent(r)), row(t, "2026-05-20", "2", agent(r)))
	c := claim("c", "resource", r, "")
	c.RecordedAt = at(t, "2026-05-20")
	st := attribute(t, p, index(t, p, nil, c), nil)
	if got := costs(st.Workloads()); got != "w-c 3" {
		t.Errorf("workloads have %s, want w-c 3", got)
	}
	if !c.BackDated() {
		t.Error("the claim is not marked as back-dated")
	}
}

// Rule 15: guardrail and other rows without a principal are kept, with a reason.
func TestField15RowsWithoutPrincipalHaveAReason(t *testing.T) {
	guardrail := both(model("", ""), func(li *cur.LineItem) {
		li.UsageType, li.PricingUnit = "USE1-Guardrail-ContentPolicyUnitsConsumed", "TextUnits"
	})
	p := roll(t, row(t, "2026-05-03", "4", guardrail), row(t, "2026-05-03", "6", model(appRole, "")))
	st := attribute(t, p, index(t, p, nil, claim("app", "role", "App", acct1)), nil)
	x := st.Outcomes()[attribution.Unclaimed]
	if got := x.Reasons[attribution.ReasonPrincipalBlank].Unblended.String(); got != "4" || x.Unblended.String() != "4" {
		t.Errorf("blank principals %s of %s unclaimed, want 4 of 4", got, x.Unblended)
	}
	if !st.Reconciled {
		t.Errorf("not reconciled: %v", st.Differences)
	}
}

// Rule 16: two ways to match one row. There is one winner, and the loser's money is
// kept as overridden; two claims that are equally good are a typed conflict.
func TestField16ExactlyOneWins(t *testing.T) {
	profile := "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/p-1"
	p := roll(t, row(t, "2026-05-03", "5", model(appRole, profile)))
	st := attribute(t, p, index(t, p, nil, claim("profile", "profile", profile, ""), claim("role", "role", "App", acct1)), nil)
	if got := costs(st.Workloads()); got != "w-role 5" {
		t.Errorf("workloads have %s, want w-role 5", got)
	}
	if o := st.Overridden(); len(o) != 1 || o[0].Claim.ID != "profile" || o[0].Unblended.String() != "5" {
		t.Errorf("overridden %+v, want 5 of profile", o)
	}
	twice := &attribution.Claims{Claims: []attribution.Claim{claim("1", "role", "App", acct1), claim("2", "role", "arn:aws:iam::"+acct1+":role/path/App", "")}}
	var conflict *attribution.ConflictError
	if err := twice.Validate(nil); !errors.Is(err, attribution.ErrClaimConflict) || !errors.As(err, &conflict) || conflict.A != "1" || conflict.B != "2" {
		t.Errorf("two owners: error %v, want a conflict of 1 and 2", err)
	}
}

// Rule 17: tails of ARNs collide. Ids are compared whole, and containment is that
// of parts, never of letters.
func TestField17TailsOfARNsDoNotCollide(t *testing.T) {
	r := arn("runtime/a-1")
	for resource, want := range map[string]attribution.Outcome{
		r: attribution.Claimed, r + "/runtime-endpoint/DEFAULT": attribution.Claimed,
		r + "0": attribution.Unclaimed, arn("memory/a-1"): attribution.Unclaimed, "a-1": attribution.Unclaimed,
		arn("gateway/x/runtime/a-1"):                                      attribution.Unclaimed,
		"arn:aws:bedrock-agentcore:us-east-1:" + acct2 + ":runtime/a-1":   attribution.Unclaimed,
		"arn:aws:bedrock-agentcore:eu-west-1:" + acct1 + ":runtime/a-1":   attribution.Unclaimed,
		"arn:aws:bedrock-agentcore-x:us-east-1:" + acct1 + ":runtime/a-1": attribution.Unclaimed,
	} {
		p := roll(t, row(t, "2026-05-03", "1", agent(resource)))
		if a := index(t, p, nil, claim("c", "resource", r, "")).Assign(p.Key(0)); a.Outcome != want {
			t.Errorf("%s: %s, want %s", resource, a.Outcome, want)
		}
	}
}

// Rule 23: broad SSO roles. A permission set is known by name, whatever its hash
// and path, and not by the beginning of another's.
func TestField23PermissionSetsAreKnownByName(t *testing.T) {
	path := "arn:aws:iam::" + acct1 + ":role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"
	for principal, want := range map[string]attribution.Outcome{
		"arn:aws:sts::" + acct1 + ":assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann@example.com": attribution.Claimed,
		"arn:aws:sts::" + acct1 + ":assumed-role/AWSReservedSSO_Dev_fedcba9876543210/bob@example.com": attribution.Claimed,
		"arn:aws:sts::" + acct1 + ":assumed-role/AWSReservedSSO_DevOps_0123456789abcdef/ann":          attribution.Unclaimed,
		"arn:aws:sts::" + acct2 + ":assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann":             attribution.Unclaimed,
	} {
		p := roll(t, row(t, "2026-05-03", "1", model(principal, "")))
		for _, anchor := range []attribution.Anchor{{Kind: "role", Value: path}, {Kind: "role", Value: "AWSReservedSSO_Dev", Account: acct1}} {
			c := claim("c", "", "", "")
			c.Anchor = anchor
			if a := index(t, p, nil, c).Assign(p.Key(0)); a.Outcome != want {
				t.Errorf("%s, claim on %s: %s, want %s", principal, anchor, a.Outcome, want)
			}
		}
	}
}

// Rule 24: a gateway's role hides its users. It is split by weights, by session name
// or by tags.
func TestField24ASharedPrincipalIsSplit(t *testing.T) {
	gateway := func(session string) func(*cur.LineItem) {
		return model("arn:aws:sts::"+acct1+":assumed-role/llm-gateway/"+session, "")
	}
	book, sessions := grains(t, nil, []*cur.LineItem{row(t, "2026-05-03", "6", both(gateway("bot-1"), tagged("bot"))), row(t, "2026-05-03", "4", gateway("triage-1"))})
	split := func(by attribution.Basis, parts ...attribution.Part) attribution.Claim {
		return shared("gw", "role", "llm-gateway", acct1, attribution.Share{By: by, Parts: parts})
	}
	for name, tt := range map[string]struct {
		claim attribution.Claim
		want  string
	}{
		"by weights": {split(attribution.ByWeight, parts("bot=3,triage=1")...), "bot 7.5, triage 2.5"},
		"by session": {split(attribution.BySession, attribution.Part{Workload: "bot", Match: "bot-*"}, attribution.Part{Workload: "triage"}), "bot 6, triage 4"},
		"by tag":     {split(attribution.ByTag, attribution.Part{Workload: "bot", Match: string(teamTag) + "=bot"}, attribution.Part{Workload: "triage"}), "bot 6, triage 4"},
	} {
		st := attribute(t, book, index(t, book, nil, tt.claim), &attribution.Options{Sessions: sessions})
		if got := costs(st.Workloads()); got != tt.want {
			t.Errorf("%s: workloads have %s, want %s", name, got, tt.want)
		}
		if x := st.Outcomes()[attribution.Shared]; x.Unblended.String() != "10" {
			t.Errorf("%s: shared %s, want 10", name, x.Unblended)
		}
	}
}
