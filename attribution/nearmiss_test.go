package attribution_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func TestNearMissesSayWhyAClaimDoesNotHold(t *testing.T) {
	managed := "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	other := "arn:aws:bedrock-agentcore:us-east-1:" + acct2 + ":"
	ended := claim("ended", "resource", arn("runtime/a-1"), "")
	ended.To = at(t, "2026-05-02")
	tests := []struct {
		name  string
		edit  func(*cur.LineItem)
		claim attribution.Claim
		want  attribution.Miss
	}{
		{"another account", agent(arn("runtime/a-1")), claim("c", "resource", other+"runtime/a-1", ""), "other_account"},
		{"another account, and the row is of an endpoint", agent(arn("runtime/a-1/runtime-endpoint/DEFAULT")), claim("c", "resource", other+"runtime/a-1", ""), "other_account"},
		{"another region", agent(arn("runtime/a-1")), claim("c", "resource", "arn:aws:bedrock-agentcore:eu-west-1:"+acct1+":runtime/a-1", ""), "other_region"},
		{"a shape that no alias knows", agent(arn("runtime/a-1")), claim("c", "resource", "arn:aws:bedrock:us-east-1:"+acct1+":agentcore-runtime/a-1", ""), "other_type"},
		{"a known alias in another account", agent(arn("memory/m-1")), claim("c", "resource", "arn:aws:bedrock:us-east-1:"+acct2+":memory-store/m-1", ""), "other_account"},
		{"the bare id for the ARN", agent(arn("memory/m-1")), claim("c", "resource", "m-1", ""), "other_type"},
		{"an endpoint for its runtime", agent(arn("runtime/a-1")), claim("c", "resource", arn("runtime/a-1/runtime-endpoint/DEFAULT"), ""), "part"},
		{"another case", agent(arn("memory/m-1")), claim("c", "resource", arn("memory/M-1"), ""), "spelling"},
		{"another time", agent(arn("runtime/a-1")), ended, "not_in_force"},
		{"AWS's own, for another account", agent(managed), claim("c", "resource", managed, acct2), "other_account"},
		{"a session, for another account", agent(managed + "/session/s-1"), claim("c", "session", "s-1", acct2), "other_account"},
		{"a session, in another case", agent(managed + "/session/s-1"), claim("c", "session", "S-1", ""), "spelling"},
		{"an id of another account", agent("store-7"), claim("c", "resource", "store-7", acct2), "other_account"},
		{"a role of another account", model(appRole, ""), claim("c", "role", "App", acct2), "other_account"},
		{"a role of another partition", model(appRole, ""), claim("c", "role", "arn:aws-cn:iam::"+acct1+":role/App", ""), "other_partition"},
		{"a role in another case", model(appRole, ""), claim("c", "role", "app", acct1), "spelling"},
		{"a user for the role", model(appRole, ""), claim("c", "user", "App", acct1), "other_type"},
		{"a principal on AgentCore", both(agent(arn("runtime/a-1")), func(li *cur.LineItem) { li.Principal = appRole }), claim("c", "role", "App", acct1), "not_in_chain"},

		{"another runtime", agent(arn("runtime/a-1")), claim("c", "resource", arn("runtime/a-10"), ""), ""},
		{"two differences", model(appRole, ""), claim("c", "user", "App", acct2), ""},
		{"a claim that holds", agent(arn("runtime/a-1")), claim("c", "resource", arn("runtime/a-1"), ""), ""},
		{"nothing of ours", func(li *cur.LineItem) { li.ProductCode, li.Resource = "AmazonS3", "b" }, claim("c", "resource", "b", acct2), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := rollWith(t, cur.Rollup{}, []*cur.LineItem{row(t, "2026-05-03", "1", tt.edit)})
			ix := index(t, p, nil, tt.claim)
			var got attribution.Miss
			for _, m := range ix.NearMisses(p.Key(0)) {
				got = m.Why
				if d := cmp.Diff(tt.claim, m.Claim); d != "" {
					t.Errorf("claim (-want +got):\n%s", d)
				}
			}
			if got != tt.want {
				t.Errorf("near miss %q, want %q", got, tt.want)
			}
			// The statement says the same of the anchor, which is not all of the row.
			if tt.want == attribution.MissChain {
				return
			}
			got = ""
			st := attribute(t, p, ix, nil)
			for _, u := range st.Unclaimed() {
				for _, m := range st.NearMisses(u) {
					got = m.Why
				}
			}
			if got != tt.want {
				t.Errorf("of the statement: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTiedClaimsAreNoNearMisses(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent(arn("runtime/a-1/s-1/s-2"))))
	ix := index(t, p, nil, claim("1", "session", "s-1", ""), claim("2", "session", "s-2", ""), claim("3", "session", "s-2", acct2))
	var wg sync.WaitGroup // who asks first makes the list for all
	for range 4 {
		wg.Go(func() {
			var got []attribution.ClaimID
			for _, m := range ix.For(p).NearMisses(p.Key(0)) {
				got = append(got, m.Claim.ID)
			}
			if d := cmp.Diff([]attribution.ClaimID{"3"}, got); d != "" {
				t.Errorf("near misses (-want +got):\n%s", d)
			}
		})
	}
	wg.Wait()
}
