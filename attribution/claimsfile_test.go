package attribution_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/internal/golden"
)

const goodFile = `{
  "version": 1,
  "claims": [
    {"id": "c-1", "anchor": {"kind": "role", "value": "arn:aws:iam::111111111111:role/App"}, "workload": "bot", "from": "2026-05-01"},
    {
      "id": "c-2",
      "anchor": {"kind": "resource", "value": "store-7", "account": "222222222222"},
      "workload": "pilot", "from": "2026-05-01T10:30:00+02:00", "to": "2026-06-01"
    }
  ],
  "workloads": [{"id": "bot", "name": "The Bot", "owner": "ann", "portfolio": "P"}]
}
`

func TestParseClaims(t *testing.T) {
	got, err := attribution.ParseClaims("claims.json", []byte("\xef\xbb\xbf"+goodFile))
	if err != nil {
		t.Fatal(err)
	}
	want := &attribution.Claims{
		Claims: []attribution.Claim{
			{ID: "c-1", Anchor: attribution.Anchor{Kind: "role", Value: "arn:aws:iam::111111111111:role/App"}, Target: attribution.Whole{Workload: "bot"}, From: at(t, "2026-05-01")},
			{ID: "c-2", Anchor: attribution.Anchor{Kind: "resource", Value: "store-7", Account: acct2}, Target: attribution.Whole{Workload: "pilot"}, From: at(t, "2026-05-01T08:30:00Z"), To: at(t, "2026-06-01")},
		},
		Workloads: []attribution.Workload{{ID: "bot", Name: "The Bot", Owner: "ann", Portfolio: "P"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ParseClaims (-want +got):\n%s", d)
	}
	if _, err := attribution.ParseClaims("empty", []byte(`{"version":1}`)); err != nil {
		t.Errorf("a file without claims: %v", err)
	}
}

// TestClaimsFileErrors records what users read for each fault.
func TestClaimsFileErrors(t *testing.T) {
	one := func(anchor, rest string) string {
		return "{\"version\": 1,\n \"claims\": [\n  {\"id\": \"c-1\", \"anchor\": " + anchor + ", \"workload\": \"bot\"" + rest + "}\n]}"
	}
	from := `, "from": "2026-05-01"`
	role := `{"kind": "role", "value": "arn:aws:iam::111111111111:role/App"}`
	two := func(a, b string) string {
		return "{\"version\": 1, \"claims\": [\n  {\"id\": \"c-1\", \"anchor\": " + a + ", \"workload\": \"bot\", \"from\": \"2026-05-01\", \"to\": \"2026-06-01\"},\n" +
			"  {\"id\": \"c-2\", \"anchor\": " + b + ", \"workload\": \"pilot\", \"from\": \"2026-05-15T12:00:00Z\"}\n]}"
	}
	tests := []struct{ name, file string }{
		{"two owners of one role", two(role, `{"kind": "role", "value": "arn:aws:sts::111111111111:assumed-role/App"}`)},
		{"two owners of one runtime", two(`{"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/a"}`, `{"kind": "resource", "value": "arn:aws:bedrock:us-east-1:111111111111:agent-runtime/a"}`)},
		{"unknown field", "{\"version\": 1, \"claim\": []}"},
		{"unknown field of a claim", one(role, from+`, "ownr": "x"`)},
		{"unknown field of an anchor", one(`{"kind": "role", "value": "x", "acount": "1"}`, from)},
		{"unknown field of a workload", `{"version": 1, "workloads": [{"id": "a", "team": "x"}]}`},
		{"field of another case", one(`{"Kind": "role", "value": "x"}`, from)},
		{"recorded_at is not the user's to say", one(role, from+`, "recorded_at": "2026-05-01"`)},
		{"field given twice", one(role, from+`, "from": "2026-05-02"`)},
		{"role with a session", one(`{"kind": "role", "value": "arn:aws:sts::111111111111:assumed-role/App/s-1"}`, from)},
		{"role as a session", one(`{"kind": "session", "value": "arn:aws:sts::111111111111:assumed-role/App"}`, from)},
		{"every session of a role", one(`{"kind": "session", "value": "arn:aws:sts::111111111111:assumed-role/App/*"}`, from)},
		{"session in another account", one(`{"kind": "session", "value": "arn:aws:sts::111111111111:assumed-role/App/s", "account": "222222222222"}`, from)},
		{"session of a user", one(`{"kind": "session", "value": "arn:aws:iam::111111111111:user/bob"}`, from)},
		{"session of a role by name", one(`{"kind": "session", "value": "App/s-1"}`, from)},
		{"session prefix of nothing", one(`{"kind": "session", "value": "*"}`, from)},
		{"not a date", one(role, `, "from": "2026-13-01"`)},
		{"a date with a time and no zone", one(role, `, "from": "2026-05-01T10:00:00"`)},
		{"a date that is a number", one(role, `, "from": 20260501`)},
		{"no from", one(role, ``)},
		{"a null from", one(role, `, "from": null`)},
		{"no time at all", one(role, from+`, "to": "2026-05-01"`)},
		{"AWS's own without account", one(`{"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"}`, from)},
		{"account that is not the value's", one(`{"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/a", "account": "222222222222"}`, from)},
		{"malformed account", one(`{"kind": "role", "value": "App", "account": "1111-1111-1111"}`, from)},
		{"name without account", one(`{"kind": "role", "value": "App"}`, from)},
		{"role with a session by name", one(`{"kind": "role", "value": "App/session", "account": "111111111111"}`, from)},
		{"user claimed as a role", one(`{"kind": "role", "value": "arn:aws:iam::111111111111:user/bob"}`, from)},
		{"role with a wildcard", one(`{"kind": "role", "value": "arn:aws:iam::111111111111:role/App*"}`, from)},
		{"resource claimed as a user", one(`{"kind": "user", "value": "arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/a"}`, from)},
		{"role claimed as a resource", one(`{"kind": "resource", "value": "arn:aws:iam::111111111111:role/App"}`, from)},
		{"resource cut short", one(`{"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1"}`, from)},
		{"profile that is none", one(`{"kind": "profile", "value": "arn:aws:bedrock:us-east-1:111111111111:inference-profile/x"}`, from)},
		{"tag without value", one(`{"kind": "tag", "value": "resourceTags/user:team"}`, from)},
		{"tag without family", one(`{"kind": "tag", "value": "team=a"}`, from)},
		{"tag in an account", one(`{"kind": "tag", "value": "resourceTags/user:team=a", "account": "111111111111"}`, from)},
		{"account that is a name", one(`{"kind": "account", "value": "prod"}`, from)},
		{"unknown kind", one(`{"kind": "team", "value": "x"}`, from)},
		{"no anchor", "{\"version\": 1, \"claims\": [\n{\"id\": \"c-1\", \"workload\": \"x\", \"from\": \"2026-05-01\"}]}"},
		{"blank anchor", one(`{"kind": "", "value": ""}`, from)},
		{"an anchor that is a text", one(`"role"`, from)},
		{"no id", `{"version": 1, "claims": [{"anchor": ` + role + `, "workload": "x", "from": "2026-05-01"}]}`},
		{"no workload", `{"version": 1, "claims": [{"id": "c-1", "anchor": ` + role + `, "from": "2026-05-01"}]}`},
		{"an id twice", `{"version": 1, "claims": [` + "\n" + `{"id": "c", "anchor": {"kind": "account", "value": "111111111111"}, "workload": "x", "from": "2026-05-01"},` + "\n" + `{"id": "c", "anchor": {"kind": "account", "value": "222222222222"}, "workload": "x", "from": "2026-05-01"}]}`},
		{"an id that is a number", `{"version": 1, "claims": [{"id": 7}]}`},
		{"an id with a line break", `{"version": 1, "claims": [{"id": "a\nb", "anchor": ` + role + `, "workload": "x", "from": "2026-05-01"}]}`},
		{"a workload twice", `{"version": 1, "workloads": [{"id": "a"},` + "\n" + `{"id": "a"}]}`},
		{"a workload without id", `{"version": 1, "workloads": [{"name": "a"}]}`},
		{"no version", `{"claims": []}`},
		{"a later version", `{"version": 2, "claims": []}`},
		{"claims that are no list", `{"version": 1, "claims": {}}`},
		{"a list", `[]`},
		{"nothing", ``},
		{"cut short", "{\"version\": 1,\n\"claims\": [{\"id\": \"c-1\""},
		{"no JSON", "{\"version\": 1,\nclaims: []}"},
		{"two files in one", `{"version": 1} {"version": 1}`},
		{"another encoding", "{\"version\": 1, \"claims\": [{\"id\": \"\xff\"}]}"},
	}
	var out bytes.Buffer
	for _, tt := range tests {
		c, err := attribution.ParseClaims("claims.json", []byte(tt.file))
		if err == nil {
			t.Errorf("%s: accepted: %+v", tt.name, c)
			continue
		}
		var e *attribution.ClaimError
		if !errors.Is(err, attribution.ErrClaims) || !errors.As(err, &e) || e.Source != "claims.json" || e.Line == 0 {
			t.Errorf("%s: %v (%T) is not a *ClaimError with file and line inside ErrClaims", tt.name, err, err)
		}
		fmt.Fprintf(&out, "# %s\n%v\n\n", tt.name, err)
	}
	golden.Equal(t, "testdata/claims-errors.golden", out.Bytes())
}

func TestErrorsKeepTheirCause(t *testing.T) {
	file := func(anchor string) []byte {
		return []byte(`{"version":1,"claims":[{"id":"c","anchor":` + anchor + `,"workload":"w","from":"2026-05-01"}]}`)
	}
	if _, err := attribution.ParseClaims("f", file(`{"kind":"role","value":"arn:aws:sts::111111111111:assumed-role/App/s"}`)); !errors.Is(err, attribution.ErrSessionGrain) {
		t.Errorf("session of a role: %v, want ErrSessionGrain", err)
	}
}

// storedClaims draws claims that can be stored.
func storedClaims(t *rapid.T) *attribution.Claims {
	c := &attribution.Claims{}
	for i := range rapid.IntRange(0, 6).Draw(t, "claims") {
		from := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "from"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds")).UTC()
		cl := attribution.Claim{ID: attribution.ClaimID(fmt.Sprintf("c-%d", i)), From: from,
			Anchor: attribution.Anchor{Kind: "resource", Value: fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"a", "b", "<&>", "é"}).Draw(t, "value"), i)},
			Target: attribution.Whole{Workload: attribution.WorkloadID(rapid.SampledFrom([]string{"w", "x"}).Draw(t, "workload"))}}
		if rapid.Bool().Draw(t, "ends") {
			cl.To = from.Add(time.Duration(rapid.Int64Range(1, 1e15).Draw(t, "for")))
		}
		if rapid.Bool().Draw(t, "recorded") {
			cl.RecordedAt = from.Add(time.Hour)
		}
		c.Claims = append(c.Claims, cl)
	}
	if rapid.Bool().Draw(t, "listed") {
		c.Workloads = []attribution.Workload{{ID: "w", Name: "W", Owner: "o"}}
	}
	return c
}

func TestStoredClaimsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := storedClaims(t)
		b := c.AppendJSON(nil)
		got, err := attribution.DecodeClaims(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := got.AppendJSON(nil); !bytes.Equal(b, again) {
			t.Errorf("stored %s, then %s", b, again)
		}
		if d := cmp.Diff(append([]attribution.Claim{}, c.Claims...), append([]attribution.Claim{}, got.Claims...)); d != "" {
			t.Errorf("round trip (-want +got):\n%s", d)
		}
		c.Claims = rapid.Permutation(c.Claims).Draw(t, "order")
		if again := c.AppendJSON(nil); !bytes.Equal(b, again) {
			t.Errorf("in another order %s, not %s", again, b)
		}
	})
}

func TestRevision(t *testing.T) {
	base := func() *attribution.Claims {
		may, june := claim("may", "role", "A", acct1), claim("june", "role", "A", acct1)
		may.To, june.From = at(t, "2026-06-01"), at(t, "2026-06-01")
		return &attribution.Claims{Claims: []attribution.Claim{may, june}, Workloads: []attribution.Workload{{ID: "w"}}}
	}
	m := month(t, "2026-05")
	want := base().Revision(m)
	tests := []struct {
		name string
		edit func(*attribution.Claims)
		same bool
	}{
		{"another order", func(c *attribution.Claims) { c.Claims[0], c.Claims[1] = c.Claims[1], c.Claims[0] }, true},
		{"a workload's name", func(c *attribution.Claims) { c.Workloads[0].Name = "N" }, true},
		{"the time of recording", func(c *attribution.Claims) { c.Claims[0].RecordedAt = at(t, "2026-05-07") }, true},
		{"a claim of a later month", func(c *attribution.Claims) { c.Claims[1].Target = attribution.Whole{Workload: "other"} }, true},
		{"its beginning", func(c *attribution.Claims) { c.Claims[1].From = at(t, "2026-05-31T23:00:00Z") }, false},
		{"a target", func(c *attribution.Claims) { c.Claims[0].Target = attribution.Whole{Workload: "other"} }, false},
		{"an anchor", func(c *attribution.Claims) { c.Claims[0].Anchor.Value = "B" }, false},
		{"an end", func(c *attribution.Claims) { c.Claims[0].To = at(t, "2026-05-20") }, false},
		{"an id", func(c *attribution.Claims) { c.Claims[0].ID = "new" }, false},
		{"a release before the month", func(c *attribution.Claims) {
			c.Claims[0].From, c.Claims[0].To = at(t, "2026-04-01"), at(t, "2026-05-01")
		}, false},
	}
	for _, tt := range tests {
		c := base()
		tt.edit(c)
		if got := c.Revision(m) == want; got != tt.same {
			t.Errorf("%s: same revision %v, want %v", tt.name, got, tt.same)
		}
	}
}

// FuzzParseClaims: what is accepted is stored and read back as it was, and the
// order of claims never matters.
func FuzzParseClaims(f *testing.F) {
	files, err := filepath.Glob("testdata/claims/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(goodFile))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := attribution.ParseClaims("f", b)
		if err != nil {
			var e *attribution.ClaimError
			if !errors.As(err, &e) || e.Line < 1 || e.Line > 1+bytes.Count(b, []byte("\n")) {
				t.Errorf("error %v (%T): no *ClaimError with a line of the file", err, err)
			}
			return
		}
		stored := c.AppendJSON(nil)
		again, err := attribution.DecodeClaims(stored)
		if err != nil {
			t.Fatalf("stored claims %s: %v", stored, err)
		}
		if got := again.AppendJSON(nil); !bytes.Equal(got, stored) {
			t.Errorf("stored %s, then %s", stored, got)
		}
		if err := again.Validate(nil); err != nil {
			t.Errorf("read back: %v", err)
		}
	})
}
