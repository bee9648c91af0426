package attribution_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// report makes a set of model calls, one for each principal.
func report(t *testing.T, principals ...string) *cur.Set {
	t.Helper()
	text := "bill_payer_account_id,line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_usage_account_id,line_item_unblended_cost,line_item_iam_principal\n"
	for i, p := range principals {
		text += fmt.Sprintf("999999999999,2026-05-03T00:00:00Z,AmazonBedrock,USE1-x-input-tokens,%s,%d,%s\n", acct1, i+1, p)
	}
	sets, err := cur.Locate(t.Context(), cur.FS(fstest.MapFS{"r.csv": {Data: []byte(text)}}), "r.csv")
	if err != nil {
		t.Fatal(err)
	}
	return sets[0]
}

// Sessions are kept for roles that have one claimed, for all on request, and for
// nobody else: names are often e-mail addresses.
func TestRollUpKeepsTheSessionsThatClaimsNeed(t *testing.T) {
	role := func(name string) string { return "arn:aws:sts::" + acct1 + ":assumed-role/" + name }
	set := report(t, role("a/s1"), role("a/s2"), role("b/s1"), role("c/ann@example.com"), "arn:aws:iam::"+acct1+":user/bob")
	for name, tt := range map[string]struct {
		claims []attribution.Claim
		edit   func(*cur.Rollup)
		want   []string
	}{
		"none":                          {nil, nil, nil},
		"a role":                        {[]attribution.Claim{claim("c", "role", role("a"), "")}, nil, nil},
		"a session of a role":           {[]attribution.Claim{sessionClaim("c", role("a/s1"), "")}, nil, []string{"a/s1", "a/s2"}},
		"one that never was":            {[]attribution.Claim{sessionClaim("c", role("a/none"), "")}, nil, []string{"a/s1", "a/s2"}},
		"a bare one":                    {[]attribution.Claim{sessionClaim("c", "s1", "")}, nil, []string{"a/s1", "a/s2", "b/s1"}},
		"the beginning of one":          {[]attribution.Claim{sessionClaim("c", "ann@*", "")}, nil, []string{"c/ann@example.com"}},
		"a component's":                 {[]attribution.Claim{sessionClaim("c", "7f3c91e2", "")}, nil, nil},
		"of another account":            {[]attribution.Claim{sessionClaim("c", "s1", acct2)}, nil, nil},
		"a share by session":            {[]attribution.Claim{shared("c", "role", role("b"), "", attribution.Share{By: attribution.BySession, Parts: []attribution.Part{{Workload: "x", Match: "s1"}, {Workload: "y"}}})}, nil, []string{"b/s1"}},
		"all":                           {nil, func(r *cur.Rollup) { r.Sessions = true }, []string{"a/s1", "a/s2", "b/s1", "c/ann@example.com"}},
		"a bare one, just not too many": {[]attribution.Claim{sessionClaim("c", "s1", "")}, func(r *cur.Rollup) { r.MaxGroups = 4 }, []string{"a/s1", "a/s2", "b/s1"}},
		"a bare one, and one of a role": {[]attribution.Claim{sessionClaim("c", "s1", ""), sessionClaim("d", role("b/s1"), "")}, nil, []string{"a/s1", "a/s2", "b/s1"}},
	} {
		r := &cur.Rollup{}
		if tt.edit != nil {
			tt.edit(r)
		}
		rolled, err := attribution.RollUp(t.Context(), r, set, &attribution.Claims{Claims: tt.claims}, nil)
		if err != nil || len(rolled) != 1 {
			t.Errorf("%s: %d deliveries, %v", name, len(rolled), err)
			continue
		}
		var got []string
		if s := rolled[0].Sessions; s != nil {
			for _, g := range s.Groups() {
				got = append(got, g.Key.Principal[strings.Index(g.Key.Principal, "role/")+len("role/"):])
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if p := rolled[0].Partial; p.Spec().Sessions != "" || p.Len() != 4 {
			t.Errorf("%s: the book has %d groups, sessions %q", name, p.Len(), p.Spec().Sessions)
		}
		if len(tt.claims) > 0 {
			ix, err := attribution.NewIndex(&attribution.Claims{Claims: tt.claims}, nil, rolled[0].Partial.Spec())
			if err != nil {
				t.Fatal(err)
			}
			attribute(t, rolled[0].Partial, ix, &attribution.Options{Sessions: rolled[0].Sessions})
		}
	}
}

// Where there are more sessions than a rollup may hold, a bare claim is one on a
// component session, and one on a session of a role says what is the matter.
func TestRollUpOfTooManySessions(t *testing.T) {
	var principals []string
	for i := range 9 {
		principals = append(principals, fmt.Sprintf("arn:aws:sts::%s:assumed-role/a/s%d", acct1, i))
	}
	set := report(t, principals...)
	r := &cur.Rollup{MaxGroups: 3}
	rolled, err := attribution.RollUp(t.Context(), r, set, &attribution.Claims{Claims: []attribution.Claim{sessionClaim("c", "s1", "")}}, nil)
	if err != nil || rolled[0].Sessions != nil {
		t.Errorf("a bare claim: %v", err)
	}
	_, err = attribution.RollUp(t.Context(), r, set, &attribution.Claims{Claims: []attribution.Claim{sessionClaim("c", "arn:aws:sts::"+acct1+":assumed-role/a/s1", "")}}, nil)
	if err == nil || !strings.Contains(err.Error(), "line_item_iam_principal") {
		t.Errorf("a claim on a session of a role: %v, want ErrCardinality naming the column", err)
	}
}
