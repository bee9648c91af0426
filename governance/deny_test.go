package governance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
)

// checkPolicy holds a document against what AWS takes: a version, statements with an
// effect, actions or their complement, resources, and sids of letters and digits.
func checkPolicy(doc string) error {
	var p struct {
		Version   string
		Statement []struct {
			Sid, Effect                 string
			Action, NotAction, Resource []string
			Condition                   map[string]map[string][]string
		}
	}
	if err := strict([]byte(doc), &p); err != nil {
		return err
	}
	if p.Version != "2012-10-17" || len(p.Statement) == 0 || len(doc) > maxPolicy {
		return fmt.Errorf("version %q, %d statements, %d bytes", p.Version, len(p.Statement), len(doc))
	}
	sids := map[string]bool{}
	for _, s := range p.Statement {
		if sids[s.Sid] || s.Sid == "" || strings.Trim(s.Sid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return fmt.Errorf("sid %q", s.Sid)
		}
		sids[s.Sid] = true
		if s.Effect != "Deny" || len(s.Action) > 0 == (len(s.NotAction) > 0) || len(s.Resource) == 0 {
			return fmt.Errorf("statement %s: %s of %v, not %v on %v", s.Sid, s.Effect, s.Action, s.NotAction, s.Resource)
		}
		if slices.Contains(s.Resource, "*") && len(s.Condition) == 0 {
			return fmt.Errorf("statement %s denies everything to everybody", s.Sid)
		}
		for _, a := range slices.Concat(s.Action, s.NotAction) {
			if service, what, ok := strings.Cut(a, ":"); !ok || what == "" || !strings.HasPrefix(service, "bedrock") {
				return fmt.Errorf("action %q", a)
			}
		}
		for op, keys := range s.Condition {
			for key, values := range keys {
				if op == "" || !strings.HasPrefix(key, "aws:") || len(values) == 0 {
					return fmt.Errorf("condition %s %s %v", op, key, values)
				}
			}
		}
	}
	return nil
}

func TestDeny(t *testing.T) {
	resource := func(v, account string) attribution.Anchor {
		return attribution.Anchor{Kind: attribution.KindResource, Value: v, Account: account}
	}
	tests := []struct {
		name string
		a    attribution.Anchor
		want string // of the statement, after Sid and Effect; "" for nothing
	}{
		{"a runtime, whose deletion stays allowed", resource(core("runtime/a"), accountA),
			`"NotAction":["bedrock-agentcore:Delete*","bedrock-agentcore:Get*","bedrock-agentcore:List*","bedrock-agentcore:Stop*"],"Resource":["arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/a","arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/a/*"]`},
		{"under the name that IAM knows", resource("arn:aws:bedrock:us-east-1:820723250459:memory-store/m", ""),
			`"NotAction":["bedrock-agentcore:Delete*","bedrock-agentcore:Get*","bedrock-agentcore:List*","bedrock-agentcore:Stop*"],"Resource":["arn:aws:bedrock-agentcore:us-east-1:820723250459:memory/m","arn:aws:bedrock-agentcore:us-east-1:820723250459:memory/m/*"]`},
		{"what is everybody's, to the account that used it", resource("arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1", accountB),
			`"NotAction":["bedrock-agentcore:Delete*","bedrock-agentcore:Get*","bedrock-agentcore:List*","bedrock-agentcore:Stop*"],"Resource":["arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1","arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1/*"],"Condition":{"StringEquals":{"aws:PrincipalAccount":["341755902216"]}}`},
		{"what is everybody's, to nobody known", resource("arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1", ""), ""},
		{"an inference profile", attribution.Anchor{Kind: attribution.KindProfile, Value: "arn:aws:bedrock:us-east-1:820723250459:application-inference-profile/p"},
			`"Action":["bedrock:CreateModelInvocationJob","bedrock:Invoke*","bedrock:Rerank","bedrock:Retrieve*","bedrock:StartAsyncInvoke"],"Resource":["arn:aws:bedrock:us-east-1:820723250459:application-inference-profile/p","arn:aws:bedrock:us-east-1:820723250459:application-inference-profile/p/*"]`},
		{"a role, under whatever path", attribution.Anchor{Kind: attribution.KindRole, Value: "arn:aws:sts::820723250459:assumed-role/r", Account: accountA},
			`"Action":["bedrock:CreateModelInvocationJob","bedrock:Invoke*","bedrock:Rerank","bedrock:Retrieve*","bedrock:StartAsyncInvoke"],"Resource":["*"],"Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::820723250459:role/r","arn:aws:iam::820723250459:role/*/r"]}}`},
		{"a user by name", attribution.Anchor{Kind: attribution.KindUser, Value: "ann", Account: accountA},
			`"Action":["bedrock:CreateModelInvocationJob","bedrock:Invoke*","bedrock:Rerank","bedrock:Retrieve*","bedrock:StartAsyncInvoke"],"Resource":["*"],"Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::820723250459:user/ann","arn:aws:iam::820723250459:user/*/ann"]}}`},
		{"a tag", attribution.Anchor{Kind: attribution.KindTag, Value: "resourceTags/user:team=a=b"},
			`"Action":["bedrock-agentcore:Invoke*","bedrock:CreateModelInvocationJob","bedrock:Invoke*","bedrock:Rerank","bedrock:Retrieve*","bedrock:StartAsyncInvoke"],"Resource":["*"],"Condition":{"StringEquals":{"aws:ResourceTag/team":["a=b"]}}`},
		{"wildcards and variables are text", resource(core(`runtime/*?${aws:username}"\`), ""),
			`"NotAction":["bedrock-agentcore:Delete*","bedrock-agentcore:Get*","bedrock-agentcore:List*","bedrock-agentcore:Stop*"],"Resource":["arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/${*}${?}${$}{aws:username}\"\\","arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/${*}${?}${$}{aws:username}\"\\/*"]`},
		{"an id that is no ARN", resource("session-1", accountA), ""},
		{"a role without an account", attribution.Anchor{Kind: attribution.KindRole, Value: "r"}, ""},
		{"an account", attribution.Anchor{Kind: attribution.KindAccount, Value: accountA}, ""},
		{"a session", attribution.Anchor{Kind: attribution.KindSession, Value: "s"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, left := Deny([]attribution.Anchor{tt.a})
			if tt.want == "" {
				if len(docs) != 0 || !cmp.Equal(left, []attribution.Anchor{tt.a}) {
					t.Errorf("got %v, left %v", docs, left)
				}
				return
			}
			if len(docs) != 1 || len(left) != 0 {
				t.Fatalf("got %v, left %v", docs, left)
			}
			if err := checkPolicy(docs[0]); err != nil {
				t.Fatal(err)
			}
			var p struct{ Statement []json.RawMessage }
			if err := json.Unmarshal([]byte(docs[0]), &p); err != nil {
				t.Fatal(err)
			}
			var s denialStatement
			if err := json.Unmarshal(p.Statement[0], &s); err != nil {
				t.Fatal(err)
			}
			want := `{"Sid":"DenyUnapproved1","Effect":"Deny",` + tt.want + `}`
			if diff := cmp.Diff(asJSON(s), want); diff != "" {
				t.Errorf("(-got +want): %s", diff)
			}
		})
	}
}

// TestDenyIsWellFormed: of whatever stands in a bill.
func TestDenyIsWellFormed(t *testing.T) {
	kinds := rapid.SampledFrom([]attribution.AnchorKind{attribution.KindResource, attribution.KindRole, attribution.KindUser, attribution.KindProfile, attribution.KindTag, attribution.KindSession})
	form := rapid.SampledFrom([]string{"arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/%s", "arn:aws:bedrock:us-east-1:aws:memory-store/%s",
		"arn:aws:sts::820723250459:assumed-role/%s", "arn:aws:iam::820723250459:user/p/%s", "resourceTags/user:app=%s", "%s"})
	rapid.Check(t, func(r *rapid.T) {
		var anchors []attribution.Anchor
		for range rapid.IntRange(0, 60).Draw(r, "anchors") {
			anchors = append(anchors, attribution.Anchor{Kind: kinds.Draw(r, "kind"), Value: fmt.Sprintf(form.Draw(r, "form"), rapid.StringN(0, 80, 200).Draw(r, "text")),
				Account: rapid.SampledFrom([]string{"", accountA, accountB}).Draw(r, "account")})
		}
		docs, left := Deny(anchors)
		for _, d := range docs {
			if err := checkPolicy(d); err != nil {
				r.Fatalf("%v in %s", err, d)
			}
		}
		slices.Reverse(anchors)
		if again, also := Deny(anchors); !slices.Equal(again, docs) || !slices.Equal(also, left) {
			r.Fatalf("in another order: %s, %s", again, docs)
		}
	})
}

// TestLargestApplicationFitsARecord drafts, rejects and hands over as many anchors as one application holds.
func TestLargestApplicationFitsARecord(t *testing.T) {
	o := newOffice(t)
	d := ask()
	d.Retroactive = true
	for i := range maxFound {
		d.Anchors = append(d.Anchors, attribution.Anchor{Kind: attribution.KindResource, Account: accountA, Value: core(fmt.Sprintf("runtime/%s-%010d", strings.Repeat("x", 48), i))})
	}
	o.must(Command{Actor: System, Subject: request("large"), Action: "draft", Detail: d})
	o.must(Command{Actor: "lead", Subject: request("large"), Action: "reject", Rationale: "no"})
	task := o.subject(task("large", "1-1")).Body.(*Task)
	t.Logf("%d documents for %d anchors", len(task.Deny), len(task.Anchors))
	if len(task.Deny) < 2 || len(task.Undenied) != 0 {
		t.Errorf("%d documents, %d not denied", len(task.Deny), len(task.Undenied))
	}
}
