package gaps_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// ids are part of the stored format: one that changes makes a new gap of an old one.
func TestIDsAreStable(t *testing.T) {
	for want, s := range map[gaps.ID]gaps.Subject{
		"f9bbb6f2450edd880d64e60efefa9999": {Account: "820723250459", Anchor: attribution.Anchor{Kind: attribution.KindResource,
			Value: "arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/pricing_experiment-Zx81qLm4Tn"}},
	} {
		if got := gaps.Identify(gaps.UnclaimedRuntime, s); got != want {
			t.Errorf("id %s, want %s", got, want)
		}
	}
}

func TestSpellingsOfOneThingAreOneGap(t *testing.T) {
	resource := func(v, account string) gaps.Subject {
		return gaps.Subject{Account: acct1, Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: v, Account: account}}
	}
	role := func(v string) gaps.Subject {
		return gaps.Subject{Account: acct1, Anchor: attribution.Anchor{Kind: attribution.KindRole, Value: v, Account: acct1}}
	}
	const managed = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	for _, same := range [][]gaps.Subject{
		{resource(arn("runtime/a-Aa1Bb2Cc3D"), ""), resource(arn("runtime/a-Aa1Bb2Cc3D"), acct1), resource(arn("runtime/a-Aa1Bb2Cc3D/runtime-endpoint/DEFAULT"), ""),
			resource("arn:aws:bedrock:us-east-1:"+acct1+":agent-runtime/a-Aa1Bb2Cc3D", "")},
		{resource(arn("memory/a-Aa1Bb2Cc3D"), ""), resource("arn:aws:bedrock:us-east-1:"+acct1+":memory-store/a-Aa1Bb2Cc3D", "")},
		{role("arn:aws:iam::" + acct1 + ":role/team/x/App"), role("arn:aws:sts::" + acct1 + ":assumed-role/App"), role("arn:aws:sts::" + acct1 + ":assumed-role/App/session"), role("App")},
		{role("arn:aws:iam::" + acct1 + ":role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef"), role("AWSReservedSSO_Ops_fedcba9876543210"), role("arn:aws:sts::" + acct1 + ":assumed-role/AWSReservedSSO_Ops_00000000ffffffff/ops@example.com")},
		{resource(managed, acct1)},
		{resource(managed, acct2)}, // AWS's own, used from another account
		{role("app")},
		{resource(arn("runtime/b-Aa1Bb2Cc3D"), "")},
		{resource("arn:aws:bedrock-agentcore:us-east-1:"+acct2+":runtime/a-Aa1Bb2Cc3D", acct2)},
		{{Workload: "w"}}, {{Workload: "w", Account: acct1}}, {{Account: acct1, Aspect: "region", Value: "w"}},
	} {
		for _, s := range same {
			if got, want := gaps.Identify("k", s), gaps.Identify("k", same[0]); got != want {
				t.Errorf("%+v is another gap than %+v", s, same[0])
			}
		}
	}
	// And nothing else is.
	seen := map[gaps.ID]gaps.Subject{}
	for _, s := range []gaps.Subject{resource(arn("runtime/a-Aa1Bb2Cc3D"), ""), resource(arn("memory/a-Aa1Bb2Cc3D"), ""), role("App"), role("app"),
		role("AWSReservedSSO_Ops_0123456789abcdef"), resource(managed, acct1), resource(managed, acct2), {Workload: "w"}, {Workload: "w", Account: acct1}} {
		id := gaps.Identify("k", s)
		if o, ok := seen[id]; ok {
			t.Errorf("%+v and %+v are one gap", s, o)
		}
		seen[id] = s
	}
}

// What a statement says of a gap may change; the gap does not.
func TestIdentityIsNotOfAmountsDatesReasonsOrGenerations(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := func() *scene {
			return &scene{rows: []*cur.LineItem{row("2026-05-04", "1")}, detectors: only(gaps.UnclaimedRuntime)}
		}
		want := base().detect(t).Gaps[0].ID
		s := base()
		day := rapid.IntRange(1, 23).Draw(rt, "day")
		s.rows[0] = row(may(day).Format(time.DateOnly), cents(int64(rapid.IntRange(1, 99999).Draw(rt, "cents"))))
		edits := []func(){
			func() { s.claim("d", attribution.KindAccount, acct1, "", "w") },                                       // defaulted
			func() { s.claim("l", attribution.KindResource, s.rows[0].Resource, "", "w").From = at("2026-05-24") }, // another reason
			func() { s.claim("n", attribution.KindResource, arn("memory/agent-Aa1Bb2Cc3D"), "", "w") },             // a near miss
			func() { s.rows[0].UsageType = "USE1-Runtime:Consumption-based:Memory" },                               // another component
			func() { s.rows[0].Region = "" },                                            // told by another column
			func() { s.rows[0].InvoiceID, s.rows[0].BillType = "inv-1", "Anniversary" }, //
			func() {
				s.rows = append(s.rows, row("2026-05-20", "9", func(li *cur.LineItem) { li.Resource += "/runtime-endpoint/x" }))
			},
			func() { s.asOf = at("2026-05-28") },
		}
		for _, e := range edits {
			if rapid.Bool().Draw(rt, "edit") {
				e()
			}
		}
		r := s.detect(t)
		if len(r.Gaps) != 1 || r.Gaps[0].ID != want {
			rt.Errorf("%d gaps, the first %s; want %s", len(r.Gaps), r.Gaps[0].ID, want)
		}
	})
}
