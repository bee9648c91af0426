package attribution_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func TestExplainAnAnchorOfAStatement(t *testing.T) {
	runtime, endpoint := arn("runtime/a-1"), arn("runtime/a-1/runtime-endpoint/DEFAULT")
	pilot := claim("pilot", "resource", endpoint, "")
	pilot.To = at(t, "2026-05-04")
	p := roll(t,
		row(t, "2026-05-03", "1", agent(endpoint)), row(t, "2026-05-04", "2", agent(endpoint)), row(t, "2026-05-06", "4", agent(endpoint)),
		row(t, "2026-05-05", "8", agent(arn("runtime/a-2"))), row(t, "2026-05-05", "16", model(appRole, "")))
	st := attribute(t, p, index(t, p, nil, pilot, claim("runtime", "resource", runtime, ""), claim("r2", "resource", "a-2", "")), nil)

	type line struct {
		Outcome    attribution.Outcome
		Claim      attribution.ClaimID
		Overridden []attribution.ClaimID
		Cost       string
		Groups     int
		First      string
		Last       string
		Near       []attribution.Miss
		Verdicts   []attribution.Verdict // of steps with a claim
	}
	explain := func(a attribution.Anchor) (out []line) {
		t.Helper()
		list, err := st.Explain(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			l := line{Outcome: e.Outcome, Overridden: ids(e.Overridden), Cost: e.Unblended.String(), Groups: e.Groups,
				First: e.FirstSeen.Format("01-02"), Last: e.LastSeen.Format("01-02")}
			if e.Claim != nil {
				l.Claim = e.Claim.ID
			}
			for _, m := range e.NearMisses {
				l.Near = append(l.Near, m.Why)
			}
			for _, s := range e.Steps {
				if s.Claim != nil {
					l.Verdicts = append(l.Verdicts, s.Verdict)
				}
			}
			out = append(out, l)
		}
		return out
	}
	tests := []struct {
		name   string
		anchor attribution.Anchor
		want   []line
	}{
		{"as claimed: what it contains", attribution.Anchor{Kind: "resource", Value: runtime}, []line{
			{Outcome: "claimed", Claim: "pilot", Overridden: []attribution.ClaimID{"runtime"}, Cost: "1", Groups: 1, First: "05-03", Last: "05-03", Verdicts: []attribution.Verdict{"won", "overridden"}},
			{Outcome: "claimed", Claim: "runtime", Cost: "6", Groups: 2, First: "05-04", Last: "05-06", Verdicts: []attribution.Verdict{"not_in_force", "won"}}}},
		{"by another spelling", attribution.Anchor{Kind: "resource", Value: "arn:aws:bedrock:us-east-1:" + acct1 + ":agent-runtime/a-2"}, []line{
			{Outcome: "unclaimed", Cost: "8", Groups: 1, First: "05-05", Last: "05-05", Near: []attribution.Miss{"other_type"}}}},
		{"a role", attribution.Anchor{Kind: "role", Value: appRole}, []line{{Outcome: "unclaimed", Cost: "16", Groups: 1, First: "05-05", Last: "05-05"}}},
		{"nothing billed", attribution.Anchor{Kind: "tag", Value: string(teamTag) + "=none"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, explain(tt.anchor)); d != "" {
				t.Errorf("explanations (-want +got):\n%s", d)
			}
		})
	}
	if _, err := st.Explain(attribution.Anchor{Kind: "resource", Value: "arn:aws:x"}); err == nil {
		t.Error("a broken ARN was explained")
	}
}

func TestStraddledMoneyIsThatOfTheBucket(t *testing.T) {
	r := arn("runtime/a-1")
	before, after := claim("before", "resource", r, ""), claim("after", "resource", r, "")
	before.To = at(t, "2026-05-03T10:00:00Z")
	after.From = before.To
	rows := []*cur.LineItem{row(t, "2026-05-02T10:00:00Z", "1", agent(r)), row(t, "2026-05-03T09:00:00Z", "2", agent(r)),
		row(t, "2026-05-03T10:00:00Z", "4", agent(r)), row(t, "2026-05-04T09:00:00Z", "8", agent(r))}
	for _, tt := range []struct {
		bucket cur.Span
		want   map[attribution.ClaimID]string
		cut    string
		before string
	}{
		{cur.Day, map[attribution.ClaimID]string{"before": "6", "after": "6"}, "2026-05-04", "7"},
		{cur.Hour, map[attribution.ClaimID]string{}, "", "3"}, // exactly the rows from that hour on
	} {
		p := rollWith(t, cur.Rollup{Bucket: tt.bucket}, rows)
		st := attribute(t, p, index(t, p, nil, before, after), nil)
		got := map[attribution.ClaimID]string{}
		for _, x := range st.Straddled() {
			got[x.Claim.ID] = x.Unblended.String()
			if !x.Cut.Equal(at(t, tt.cut)) {
				t.Errorf("bucket %s: takes effect at %s, want %s", tt.bucket, x.Cut, tt.cut)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("bucket %s: straddled (-want +got):\n%s", tt.bucket, d)
		}
		for _, w := range st.Workloads() {
			if w.Workload == "w-before" && w.Unblended.String() != tt.before {
				t.Errorf("bucket %s: the first owner has %s, want %s", tt.bucket, w.Unblended, tt.before)
			}
		}
	}
}
