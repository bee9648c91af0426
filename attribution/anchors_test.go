package attribution_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func TestPrincipalsMatch(t *testing.T) {
	const sso = "AWSReservedSSO_DataScience_0123456789abcdef"
	sts := func(partition, account, tail string) string {
		return "arn:" + partition + ":sts::" + account + ":assumed-role/" + tail
	}
	iam := func(tail string) string { return "arn:aws:iam::" + acct1 + ":" + tail }
	tests := []struct {
		name    string
		claim   attribution.Anchor
		billed  string
		matches bool
	}{
		{"role by ARN, billed with a session", attribution.Anchor{Kind: "role", Value: iam("role/App")}, sts("aws", acct1, "App/BedrockAgentCore-1"), true},
		{"role by ARN with a path", attribution.Anchor{Kind: "role", Value: iam("role/team-a/sub/App")}, sts("aws", acct1, "App/s"), true},
		{"role by the ARN that STS gives it", attribution.Anchor{Kind: "role", Value: sts("aws", acct1, "App")}, sts("aws", acct1, "App/other"), true},
		{"role by name and account", attribution.Anchor{Kind: "role", Value: "App", Account: acct1}, sts("aws", acct1, "App/s"), true},
		{"role by name, any partition", attribution.Anchor{Kind: "role", Value: "App", Account: acct1}, sts("aws-us-gov", acct1, "App/s"), true},
		{"role billed as IAM prints it", attribution.Anchor{Kind: "role", Value: "App", Account: acct1}, iam("role/x/App"), true},
		{"another partition", attribution.Anchor{Kind: "role", Value: iam("role/App")}, sts("aws-cn", acct1, "App/s"), false},
		{"another account", attribution.Anchor{Kind: "role", Value: iam("role/App")}, sts("aws", acct2, "App/s"), false},
		{"another name", attribution.Anchor{Kind: "role", Value: iam("role/App")}, sts("aws", acct1, "App2/s"), false},
		{"a name is not a prefix", attribution.Anchor{Kind: "role", Value: iam("role/App")}, sts("aws", acct1, "Ap/p"), false},
		{"a role is no user", attribution.Anchor{Kind: "user", Value: "App", Account: acct1}, sts("aws", acct1, "App/s"), false},
		{"permission set by name", attribution.Anchor{Kind: "role", Value: "AWSReservedSSO_DataScience", Account: acct1}, sts("aws", acct1, sso+"/ann@example.com"), true},
		{"permission set with the hash of an earlier assignment", attribution.Anchor{Kind: "role", Value: "AWSReservedSSO_DataScience_fedcba9876543210", Account: acct1}, sts("aws", acct1, sso+"/ann@example.com"), true},
		{"permission set by the ARN that IAM shows", attribution.Anchor{Kind: "role", Value: iam("role/aws-reserved/sso.amazonaws.com/" + sso)}, sts("aws", acct1, sso+"/ann@example.com"), true},
		{"another permission set", attribution.Anchor{Kind: "role", Value: "AWSReservedSSO_Data", Account: acct1}, sts("aws", acct1, sso+"/ann@example.com"), false},
		{"user by ARN", attribution.Anchor{Kind: "user", Value: iam("user/bob")}, iam("user/bob"), true},
		{"user with a path by name", attribution.Anchor{Kind: "user", Value: "bob", Account: acct1}, iam("user/dev/bob"), true},
		{"API key of a user", attribution.Anchor{Kind: "user", Value: "BedrockAPIKey-a1b2", Account: acct1}, iam("user/BedrockAPIKey-a1b2"), true},
		{"root user", attribution.Anchor{Kind: "user", Value: iam("root")}, iam("root"), true},
		{"a user called root is not the root user", attribution.Anchor{Kind: "user", Value: "root", Account: acct1}, iam("root"), false},
		{"federated user", attribution.Anchor{Kind: "user", Value: "arn:aws:sts::" + acct1 + ":federated-user/ann"}, "arn:aws:sts::" + acct1 + ":federated-user/ann", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := roll(t, row(t, "2026-05-03", "1", model(tt.billed, "")))
			ix := index(t, p, nil, claim("c", tt.claim.Kind, tt.claim.Value, tt.claim.Account))
			want := attribution.Unclaimed
			if tt.matches {
				want = attribution.Claimed
			}
			if got := ix.Assign(p.Key(0)); got.Outcome != want {
				t.Errorf("claim on %v, billed %q: outcome %q (%s), want %q", tt.claim, tt.billed, got.Outcome, got.Reason, want)
			}
		})
	}
}

func TestResourcesMatch(t *testing.T) {
	const managed = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	tests := []struct {
		name    string
		claim   attribution.Anchor
		billed  string
		account string
		matches bool
	}{
		{"as billed", attribution.Anchor{Kind: "resource", Value: arn("runtime/a-1")}, arn("runtime/a-1"), acct1, true},
		{"endpoint of a runtime", attribution.Anchor{Kind: "resource", Value: arn("runtime/a-1")}, arn("runtime/a-1/runtime-endpoint/DEFAULT"), acct1, true},
		{"runtime of an endpoint", attribution.Anchor{Kind: "resource", Value: arn("runtime/a-1/runtime-endpoint/DEFAULT")}, arn("runtime/a-1"), acct1, false},
		{"an id is not a prefix", attribution.Anchor{Kind: "resource", Value: arn("runtime/a-1")}, arn("runtime/a-10"), acct1, false},
		{"a type is no container", attribution.Anchor{Kind: "resource", Value: arn("runtime")}, arn("runtime/a-1"), acct1, false},
		{"runtime in another document's shape", attribution.Anchor{Kind: "resource", Value: "arn:aws:bedrock:us-east-1:" + acct1 + ":agent-runtime/a-1"}, arn("runtime/a-1"), acct1, true},
		{"billed in that shape", attribution.Anchor{Kind: "resource", Value: arn("runtime/a-1")}, "arn:aws:bedrock:us-east-1:" + acct1 + ":agent-runtime/a-1/runtime-endpoint/x", acct1, true},
		{"memory store", attribution.Anchor{Kind: "resource", Value: arn("memory/m-1")}, "arn:aws:bedrock:us-east-1:" + acct1 + ":memory-store/m-1", acct1, true},
		{"a memory is no runtime", attribution.Anchor{Kind: "resource", Value: arn("memory/a-1")}, arn("runtime/a-1"), acct1, false},
		{"policy of an engine", attribution.Anchor{Kind: "resource", Value: arn("policy-engine/e-1")}, arn("policy-engine/e-1/policy/p"), acct1, true},
		{"partition that the service's model misprints", attribution.Anchor{Kind: "resource", Value: "arn:aws:bedrock-agentcore:us-gov-west-1:" + acct1 + ":memory/m-1"}, "arn:aws-us-gov:bedrock-agentcore:us-gov-west-1:" + acct1 + ":memory/m-1", acct1, true},
		{"another region", attribution.Anchor{Kind: "resource", Value: arn("memory/m-1")}, "arn:aws:bedrock-agentcore:us-west-2:" + acct1 + ":memory/m-1", acct1, false},
		{"another account's usage of a claimed resource", attribution.Anchor{Kind: "resource", Value: arn("memory/m-1")}, arn("memory/m-1"), acct2, true},
		{"AWS's own in the claimed account", attribution.Anchor{Kind: "resource", Value: managed, Account: acct1}, managed, acct1, true},
		{"AWS's own in another account", attribution.Anchor{Kind: "resource", Value: managed, Account: acct2}, managed, acct1, false},
		{"no account in the ARN", attribution.Anchor{Kind: "resource", Value: "arn:aws:bedrock-agentcore:::evaluator/Builtin.X", Account: acct1}, "arn:aws:bedrock-agentcore:::evaluator/Builtin.X", acct1, true},
		{"plain id", attribution.Anchor{Kind: "resource", Value: "store-7"}, "store-7", acct1, true},
		{"plain id in its account", attribution.Anchor{Kind: "resource", Value: "store-7", Account: acct1}, "store-7", acct1, true},
		{"plain id in another account", attribution.Anchor{Kind: "resource", Value: "store-7", Account: acct2}, "store-7", acct1, false},
		{"plain ids contain nothing", attribution.Anchor{Kind: "resource", Value: "store-7"}, "store-7/x", acct1, false},
		{"session in the id", attribution.Anchor{Kind: "session", Value: "7f3c91e2-support"}, arn("code-interpreter-custom/ci-1/session/7f3c91e2-support"), acct1, true},
		{"session by its beginning", attribution.Anchor{Kind: "session", Value: "7f3c*"}, arn("code-interpreter-custom/ci-1/session/7f3c91e2"), acct1, true},
		{"session in its account", attribution.Anchor{Kind: "session", Value: "7f3c*", Account: acct1}, arn("code-interpreter-custom/ci-1/session/7f3c91e2"), acct1, true},
		{"session in another account", attribution.Anchor{Kind: "session", Value: "7f3c*", Account: acct2}, arn("code-interpreter-custom/ci-1/session/7f3c91e2"), acct1, false},
		{"session that is no whole part", attribution.Anchor{Kind: "session", Value: "7f3c"}, arn("code-interpreter-custom/ci-1/session/7f3c91e2"), acct1, false},
		{"a session is no type", attribution.Anchor{Kind: "session", Value: "memory"}, arn("memory/m-1"), acct1, false},
		{"session in a plain id", attribution.Anchor{Kind: "session", Value: "s-1"}, "ci/s-1", acct1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := roll(t, row(t, "2026-05-03", "1", both(agent(tt.billed), func(li *cur.LineItem) { li.UsageAccount = tt.account })))
			ix := index(t, p, nil, claim("c", tt.claim.Kind, tt.claim.Value, tt.claim.Account))
			want := attribution.Unclaimed
			if tt.matches {
				want = attribution.Claimed
			}
			if got := ix.Assign(p.Key(0)); got.Outcome != want {
				t.Errorf("claim on %v, billed %q in %s: outcome %q (%s), want %q", tt.claim, tt.billed, tt.account, got.Outcome, got.Reason, want)
			}
		})
	}
}

func TestAliasesAreData(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("arn:aws:newservice:us-east-1:"+acct1+":agents/a-1")))
	c := claim("c", "resource", arn("runtime/a-1"), "")
	if got := index(t, p, nil, c).Assign(p.Key(0)); got.Outcome != attribution.Unclaimed {
		t.Fatalf("without the alias the row is %q, want unclaimed: the test shows nothing", got.Outcome)
	}
	r := &attribution.Rules{Aliases: append(attribution.DefaultAliases(), attribution.Alias{Service: "newservice", Type: "agents", AsService: "bedrock-agentcore", AsType: "runtime"})}
	if got := index(t, p, r, c).Assign(p.Key(0)); got.Outcome != attribution.Claimed {
		t.Errorf("with the alias the row is %q (%s), want claimed", got.Outcome, got.Reason)
	}
}

func TestValidateRefusesTwoClaimsOnOneCanonicalAnchor(t *testing.T) {
	role := "arn:aws:iam::" + acct1 + ":role/p/App"
	profile := "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/x"
	tests := []struct {
		name     string
		a, b     attribution.Anchor
		conflict bool
	}{
		{"role by both its ARNs", attribution.Anchor{Kind: "role", Value: role}, attribution.Anchor{Kind: "role", Value: "arn:aws:sts::" + acct1 + ":assumed-role/App"}, true},
		{"a session of a role by ARN and by name", attribution.Anchor{Kind: "session", Value: "arn:aws:sts::" + acct1 + ":assumed-role/App/s"}, attribution.Anchor{Kind: "session", Value: "App/s", Account: acct1}, true},
		{"a session of a role and of any", attribution.Anchor{Kind: "session", Value: "App/s", Account: acct1}, attribution.Anchor{Kind: "session", Value: "s", Account: acct1}, false},
		{"role by ARN and by name", attribution.Anchor{Kind: "role", Value: role}, attribution.Anchor{Kind: "role", Value: "App", Account: acct1}, true},
		{"roles of two partitions", attribution.Anchor{Kind: "role", Value: role}, attribution.Anchor{Kind: "role", Value: "arn:aws-cn:iam::" + acct1 + ":role/App"}, false},
		{"role and user of one name", attribution.Anchor{Kind: "role", Value: "App", Account: acct1}, attribution.Anchor{Kind: "user", Value: "App", Account: acct1}, false},
		{"runtime and its alias", attribution.Anchor{Kind: "resource", Value: arn("runtime/a")}, attribution.Anchor{Kind: "resource", Value: "arn:aws:bedrock:us-east-1:" + acct1 + ":agent-runtime/a"}, true},
		{"runtime and its endpoint", attribution.Anchor{Kind: "resource", Value: arn("runtime/a")}, attribution.Anchor{Kind: "resource", Value: arn("runtime/a/runtime-endpoint/e")}, false},
		{"a profile as such and as a resource", attribution.Anchor{Kind: "profile", Value: profile}, attribution.Anchor{Kind: "resource", Value: profile}, true},
		{"plain id with and without account", attribution.Anchor{Kind: "resource", Value: "x", Account: acct1}, attribution.Anchor{Kind: "resource", Value: "x"}, false},
		{"session and its beginning", attribution.Anchor{Kind: "session", Value: "s"}, attribution.Anchor{Kind: "session", Value: "s*"}, false},
		{"tag", attribution.Anchor{Kind: "tag", Value: "a/b=c"}, attribution.Anchor{Kind: "tag", Value: "a/b=c"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := claim("a", tt.a.Kind, tt.a.Value, tt.a.Account), claim("b", tt.b.Kind, tt.b.Value, tt.b.Account)
			for _, c := range []*attribution.Claims{{Claims: []attribution.Claim{a, b}}, {Claims: []attribution.Claim{b, a}}} {
				err := c.Validate(nil)
				if got := errors.Is(err, attribution.ErrClaimConflict); got != tt.conflict || (err != nil) != tt.conflict {
					t.Errorf("Validate = %v, want conflict: %v", err, tt.conflict)
				}
				var e *attribution.ConflictError
				if tt.conflict && (!errors.As(err, &e) || !errors.Is(err, attribution.ErrClaims)) {
					t.Errorf("Validate = %v (%T), want a *ConflictError inside ErrClaims", err, err)
				}
			}
			// One after the other is a transfer, not a conflict.
			a.To = at(t, "2026-06-01")
			b.From = a.To
			if err := (&attribution.Claims{Claims: []attribution.Claim{a, b}}).Validate(nil); err != nil {
				t.Errorf("Validate of a transfer = %v, want none", err)
			}
		})
	}
}

func TestParseARN(t *testing.T) {
	tests := []struct {
		in   string
		want attribution.ARN
		ok   bool
	}{
		{"arn:aws:iam::111111111111:role/a/b", attribution.ARN{Partition: "aws", Service: "iam", Account: "111111111111", Resource: "role/a/b"}, true},
		{"arn:aws-us-gov:lambda:us-gov-west-1:111111111111:function:f:1", attribution.ARN{Partition: "aws-us-gov", Service: "lambda", Region: "us-gov-west-1", Account: "111111111111", Resource: "function:f:1"}, true},
		{"arn:aws:s3:::bucket/key", attribution.ARN{Partition: "aws", Service: "s3", Resource: "bucket/key"}, true},
		{"arn:aws:s3:::", attribution.ARN{}, false},
		{"arn:aws:s3::", attribution.ARN{}, false},
		{"arn::s3:::b", attribution.ARN{}, false},
		{"arn:aws::::b", attribution.ARN{}, false},
		{"ARN:aws:s3:::b", attribution.ARN{}, false},
		{"i-0abc", attribution.ARN{}, false},
		{"", attribution.ARN{}, false},
	}
	for _, tt := range tests {
		got, ok := attribution.ParseARN(tt.in)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("ParseARN(%q) = %+v, %v, want %+v, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzParseARN: what parses prints as it was, and an id that rows carry never
// trips matching up, whatever it is.
func FuzzParseARN(f *testing.F) {
	for _, s := range []string{"", "arn:aws:s3:::b", arn("runtime/a/runtime-endpoint/e"), "arn:aws:sts::" + acct1 + ":assumed-role/R/s",
		"arn:aws:bedrock:us-east-1:aws:agent-runtime/", "arn:a:b:c:d:/", "arn:aws:bedrock:r:" + acct1 + ":agent-runtime", "AWSReservedSSO__0123456789abcdef"} {
		f.Add(s)
	}
	rollup := cur.Rollup{}
	ix, err := attribution.NewIndex(&attribution.Claims{Claims: []attribution.Claim{
		claim("s", "session", "s*", ""), claim("r", "resource", arn("runtime/a"), ""), claim("p", "role", "R", acct1)}}, nil, rollup.Spec())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := attribution.ParseARN(s)
		if ok && a.String() != s {
			t.Errorf("ParseARN(%q).String() = %q", s, a.String())
		}
		if ok && (a.Partition == "" || a.Service == "" || a.Resource == "" || strings.Contains(a.Account, ":")) {
			t.Errorf("ParseARN(%q) = %+v, accepted", s, a)
		}
		for _, edit := range []func(*cur.LineItem){agent(s), model(s, s), both(agent(s), func(li *cur.LineItem) { li.UsageAccount = s })} {
			k := cur.KeyOf(row(t, "2026-05-03", "1", edit), 0)
			if got := ix.Assign(k); got.Outcome == "" || got.Outcome == attribution.Excluded {
				t.Errorf("key with %q: outcome %q", s, got.Outcome)
			}
		}
		// A claim on an id as billed takes the rows that carry it.
		c := claim("c", "resource", s, acct1)
		if err := (&attribution.Claims{Claims: []attribution.Claim{c}}).Validate(nil); err != nil {
			return
		}
		own, err := attribution.NewIndex(&attribution.Claims{Claims: []attribution.Claim{c}}, nil, rollup.Spec())
		if err != nil {
			t.Fatal(err)
		}
		if got := own.Assign(cur.KeyOf(row(t, "2026-05-03", "1", agent(s)), 0)); got.Outcome != attribution.Claimed {
			t.Errorf("resource claim on %q does not take its rows: %q (%s)", s, got.Outcome, got.Reason)
		}
	})
}

// Every resource that the service's own model documents can be claimed by its ARN, in
// all partitions; what it contains is its own unless somebody claims that.
func TestDocumentedResourcesCanBeClaimed(t *testing.T) {
	const suffix = "-a1B2c3D4e5"
	tails := []string{
		"runtime/bot" + suffix, "runtime/bot" + suffix + "/runtime-endpoint/DEFAULT", "memory/m" + suffix, "code-interpreter-custom/ci" + suffix,
		"browser-custom/br" + suffix, "browser-profile/bp" + suffix, "gateway/gw-a1b2c3d4e5", "policy-engine/pe" + suffix, "policy-engine/pe" + suffix + "/policy/p1",
		"policy-engine/pe" + suffix + "/policy-generation/g1", "evaluator/ev" + suffix, "online-evaluation-config/oe" + suffix,
		"workload-identity-directory/default/workload-identity/bot", "token-vault/default/oauth2credentialprovider/x", "token-vault/default/apikeycredentialprovider/x",
		"token-vault/default/paymentcredentialprovider/x", "registry/a1b2c3d4e5f6", "registry/a1b2c3d4e5f6/record/a1b2c3d4e5f6", "harness/h" + suffix,
		"payment-manager/pm" + suffix, "capacity-provider/cp" + suffix, "ab-test/t" + suffix, "dataset/d" + suffix, "configuration-bundle/c" + suffix, "recommendation/r" + suffix,
	}
	var ids []string
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc"} {
		for _, tail := range tails {
			ids = append(ids, "arn:"+partition+":bedrock-agentcore:us-east-1:"+acct1+":"+tail)
		}
	}
	ids = append(ids, "arn:aws:acps:us-east-1:"+acct1+":token-vault/default/apikeycredentialprovider/x",
		"arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1", "arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1",
		"arn:aws:bedrock-agentcore:::evaluator/Builtin.Helpfulness")
	for _, id := range ids {
		account := ""
		if a, _ := attribution.ParseARN(id); len(a.Account) != 12 {
			account = acct1 // the same for every customer: whose use of it is meant
			if err := (&attribution.Claims{Claims: []attribution.Claim{claim("c", "resource", id, "")}}).Validate(nil); err == nil {
				t.Errorf("%s is claimed for everybody", id)
			}
		}
		for billed, want := range map[string]attribution.Outcome{id: attribution.Claimed, id + "/part/x": attribution.Claimed, id + "x": attribution.Unclaimed} {
			p := roll(t, row(t, "2026-05-03", "1", agent(billed)))
			if a := index(t, p, nil, claim("c", "resource", id, account)).Assign(p.Key(0)); a.Outcome != want {
				t.Errorf("claim on %s, billed %s: %s, want %s", id, billed, a.Outcome, want)
			}
		}
	}
}
