package attribution_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

const roleARN = "arn:aws:sts::" + acct1 + ":assumed-role/shared-svc"

// sessionRows are rows of a role that two applications and one odd session use.
func sessionRows(t testing.TB) []*cur.LineItem {
	of := func(session string) func(*cur.LineItem) { return model(roleARN+"/"+session, "") }
	return []*cur.LineItem{
		row(t, "2026-05-03", "1", of("returns-1")), row(t, "2026-05-03", "2", of("returns-2")), row(t, "2026-05-04", "4", of("returns-1")),
		row(t, "2026-05-03", "8", of("documents-1")), row(t, "2026-05-03", "16", of("BedrockAgentCore-0a1b")),
		row(t, "2026-05-03", "32", of("ann@example.com")),
		row(t, "2026-05-03", "-1", both(of("returns-1"), kind("Credit"))),
		row(t, "2026-05-03", "64", model("arn:aws:sts::"+acct2+":assumed-role/other/returns-1", "")),
	}
}

// grains rolls rows up at both grains.
func grains(t testing.TB, key []byte, rows []*cur.LineItem) (book, sessions *cur.Partial) {
	t.Helper()
	r := rollupOf(rows)
	book = rollWith(t, r, rows)
	r.Sessions, r.SessionKey, r.RestUnread = true, key, true
	return book, rollWith(t, r, rows)
}

func sessionClaim(id, value, account string) attribution.Claim {
	return claim(id, attribution.KindSession, value, account)
}

func TestSessionsAreTakenOutOfTheGroupOfTheirRole(t *testing.T) {
	role := claim("role", "role", roleARN, "")
	tests := []struct {
		name   string
		claims []attribution.Claim
		want   string // claimed
		rest   string // unclaimed usage
	}{
		{"two applications", []attribution.Claim{role, sessionClaim("r", roleARN+"/returns-*", ""), sessionClaim("d", "shared-svc/documents-*", acct1)},
			"w-d 8, w-r 6, w-role 48", "64"},
		{"what no session takes is nobody's", []attribution.Claim{sessionClaim("r", roleARN+"/returns-*", "")}, "w-r 6", "120"},
		{"a whole name before its beginning", []attribution.Claim{sessionClaim("r", roleARN+"/returns-*", ""), sessionClaim("r1", roleARN+"/returns-1", "")}, "w-r 2, w-r1 4", "120"},
		{"a longer beginning before a shorter", []attribution.Claim{sessionClaim("r", roleARN+"/ret*", ""), sessionClaim("s", roleARN+"/returns-*", "")}, "w-s 6", "120"},
		{"an agent's session", []attribution.Claim{role, sessionClaim("a", "BedrockAgentCore-0a1b", "")}, "w-a 16, w-role 46", "64"},
		{"of any role", []attribution.Claim{role, sessionClaim("r", "returns-1", "")}, "w-r 68, w-role 58", "0"},
		{"of any role of an account", []attribution.Claim{role, sessionClaim("r", "returns-1", acct2)}, "w-r 64, w-role 62", "0"},
		{"of its role before any role's", []attribution.Claim{sessionClaim("r", "returns-1", ""), sessionClaim("o", roleARN+"/returns-1", "")}, "w-o 4, w-r 64", "58"},
		{"of another partition", []attribution.Claim{role, sessionClaim("r", "arn:aws-cn:sts::"+acct1+":assumed-role/shared-svc/returns-1", "")}, "w-role 62", "64"},
		{"of another role", []attribution.Claim{role, sessionClaim("r", "arn:aws:sts::"+acct1+":assumed-role/shared/returns-1", "")}, "w-role 62", "64"},
	}
	book, sessions := grains(t, nil, sessionRows(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := attribute(t, book, index(t, book, nil, tt.claims...), &attribution.Options{Sessions: sessions})
			if got := costs(st.Workloads()); got != tt.want {
				t.Errorf("workloads have %q, want %q", got, tt.want)
			}
			if got := st.Outcomes()[attribution.Unclaimed].Unblended.String(); got != tt.rest {
				t.Errorf("unclaimed %s, want %s", got, tt.rest)
			}
			if !st.Reconciled || len(st.Warnings) > 0 {
				t.Errorf("reconciled %v, differences %v, warnings %v", st.Reconciled, st.Differences, st.Warnings)
			}
			// Lines say the same, and nothing of a statement names a session.
			sums := map[string]int64{}
			for l := range st.Lines() {
				sums[string(l.Workload)] += l.Amounts.Rows
				if strings.Contains(l.Key.Principal+l.Anchor.Value, "/returns") {
					t.Errorf("a line names %s, %s", l.Key.Principal, l.Anchor)
				}
			}
			for _, w := range st.Workloads() {
				if sums[string(w.Workload)] != w.Rows {
					t.Errorf("lines have %d rows of %s, want %d", sums[string(w.Workload)], w.Workload, w.Rows)
				}
			}
			for _, u := range st.Unclaimed() {
				if strings.Contains(u.Anchor, "/returns") {
					t.Errorf("unclaimed names a session: %s", u.Anchor)
				}
			}
		})
	}
}

func TestSessionsThatAreEquallyClose(t *testing.T) {
	book, sessions := grains(t, nil, sessionRows(t))
	a, b := sessionClaim("a", "arn:aws:sts::"+acct1+":assumed-role/shared-svc/ann@example.com", ""), sessionClaim("b", "shared-svc/ann@example.com", acct1)
	// One anchor: refused when saved. A role's own session and any role's are two,
	// and the first is closer; so only claims that chains of one's own offer tie.
	if err := (&attribution.Claims{Claims: []attribution.Claim{a, b}}).Validate(nil); !errors.Is(err, attribution.ErrClaimConflict) {
		t.Errorf("two claims on one session: %v", err)
	}
	a.To, b.From = at(t, "2026-05-03"), at(t, "2026-05-04")
	st := attribute(t, book, index(t, book, nil, a, b), &attribution.Options{Sessions: sessions})
	reasons := st.Outcomes()[attribution.Unclaimed].Reasons
	if got := reasons[attribution.ReasonClaimNotInForce].Unblended.String(); got != "32" {
		t.Errorf("claimed at another time: %s of %v, want 32", got, reasons)
	}
}

func TestOverriddenRoleOfASession(t *testing.T) {
	book, sessions := grains(t, nil, sessionRows(t))
	st := attribute(t, book, index(t, book, nil, claim("role", "role", roleARN, ""), sessionClaim("r", roleARN+"/returns-*", "")), &attribution.Options{Sessions: sessions})
	over := st.Overridden()
	if len(over) != 1 || over[0].Claim.ID != "role" || over[0].Unblended.String() != "6" {
		t.Errorf("overridden %v, want 6 of the role", over)
	}
	for anchor, want := range map[attribution.Anchor]string{
		{Kind: "session", Value: roleARN + "/returns-*"}:              "w-r 7", // and a credit of 1
		{Kind: "session", Value: "documents-1"}:                       "w-role 8",
		{Kind: "role", Value: roleARN}:                                "w-role 56, w-r 7",
		{Kind: "session", Value: roleARN + "/none"}:                   "",
		{Kind: "session", Value: "other/returns-1", Account: acct2}:   " 64",
		{Kind: "resource", Value: "arn:aws:x:::nothing", Account: ""}: "",
	} {
		list, err := st.Explain(anchor)
		if err != nil && anchor.Kind == "session" {
			t.Errorf("%v: %v", anchor, err)
			continue
		}
		var got []string
		for _, e := range list {
			if e.Kind == attribution.Usage {
				got = append(got, string(e.Workload)+" "+e.Unblended.String())
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%v: explained %q, want %q", anchor, s, want)
		}
	}
}

func TestSessionsThatAreNotKept(t *testing.T) {
	rows := sessionRows(t)
	book, _ := grains(t, nil, rows)
	bound, bare := sessionClaim("r", roleARN+"/returns-*", ""), sessionClaim("b", "returns-1", "")
	var lacking *attribution.NotStoredError
	_, err := attribution.Attribute(t.Context(), book, index(t, book, nil, bound), nil)
	if !errors.Is(err, attribution.ErrNotStored) || !errors.As(err, &lacking) || lacking.Sessions != roleARN || lacking.Period.String() != "2026-05" {
		t.Errorf("without sessions: %v", err)
	}
	// A bare one may be a component session: it is told of, and no more.
	st := attribute(t, book, index(t, book, nil, bare), nil)
	if want := []attribution.Note{{Code: "sessions_not_stored", Column: cur.ColPrincipal, Rows: 8}}; cmp.Diff(want, st.Warnings) != "" || !st.Reconciled {
		t.Errorf("warnings %v, reconciled %v, want %v", st.Warnings, st.Reconciled, want)
	}
	late := bound
	late.From = at(t, "2026-06-01")
	if _, err := attribution.Attribute(t.Context(), book, index(t, book, nil, late), nil); err != nil {
		t.Errorf("a claim of later: %v", err)
	}
	// Of another delivery: the groups do not add up.
	_, other := grains(t, nil, rows[1:])
	if _, err := attribution.Attribute(t.Context(), book, index(t, book, nil, bound), &attribution.Options{Sessions: other}); !errors.Is(err, attribution.ErrSessions) {
		t.Errorf("sessions of another delivery: %v", err)
	}
	if _, err := attribution.Attribute(t.Context(), book, index(t, book, nil, bound), &attribution.Options{Sessions: book}); !errors.Is(err, attribution.ErrSessions) {
		t.Errorf("a book for sessions: %v", err)
	}
	// Hashed under a key that is not the rules'.
	_, hashed := grains(t, []byte("0123456789abcdef"), rows)
	if _, err := attribution.Attribute(t.Context(), book, index(t, book, nil, bound), &attribution.Options{Sessions: hashed}); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("hashed sessions: %v", err)
	}
}

func TestHashedSessions(t *testing.T) {
	rules := &attribution.Rules{SessionKey: []byte("0123456789abcdef")}
	rows := sessionRows(t)
	book, sessions := grains(t, rules.SessionKey, rows)
	claims := &attribution.Claims{Claims: []attribution.Claim{claim("role", "role", roleARN, ""), sessionClaim("m", roleARN+"/ann@example.com", ""), sessionClaim("r", "returns-1", acct1)}}
	ix, err := attribution.NewIndex(claims, rules, book.Spec())
	if err != nil {
		t.Fatal(err)
	}
	st := attribute(t, book, ix, &attribution.Options{Sessions: sessions})
	if got := costs(st.Workloads()); got != "w-m 32, w-r 4, w-role 26" {
		t.Errorf("workloads have %q", got)
	}
	stored := claims.HashSessions(rules.SessionKey).AppendJSON(sessions.AppendBody(nil))
	for _, name := range []string{"ann@example.com", "returns-1"} {
		if bytes.Contains(stored, []byte(name)) {
			t.Errorf("%q is stored", name)
		}
	}
	// What is hashed once is not hashed again, and says the same.
	again, err := attribution.NewIndex(claims.HashSessions(rules.SessionKey), rules, book.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if st2 := attribute(t, book, again, &attribution.Options{Sessions: sessions}); st2.ClaimsRevision != st.ClaimsRevision || costs(st2.Workloads()) != costs(st.Workloads()) {
		t.Error("hashed claims say something else")
	}
	prefix := &attribution.Claims{Claims: []attribution.Claim{sessionClaim("p", roleARN+"/returns-*", "")}}
	if err := prefix.Validate(rules); !errors.Is(err, attribution.ErrClaims) {
		t.Errorf("the beginning of a hashed name: %v", err)
	}
	if rules.Version() == (&attribution.Rules{}).Version() || rules.Version() == (&attribution.Rules{SessionKey: []byte("0123456789abcdeg")}).Version() {
		t.Error("the key is no part of the rules' version")
	}
	// Component sessions are claimed by the same names.
	p := roll(t, row(t, "2026-05-03", "1", agent("dir/returns-1")))
	ix, err = attribution.NewIndex(&attribution.Claims{Claims: []attribution.Claim{sessionClaim("r", "returns-1", acct1)}}, rules, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if a := ix.Assign(p.Key(0)); a.Workload != "w-r" {
		t.Errorf("a component session: %s %s", a.Outcome, a.Reason)
	}
}

func TestSharesBySessionAndTag(t *testing.T) {
	match := func(by attribution.Basis, parts ...attribution.Part) attribution.Share {
		return attribution.Share{By: by, Parts: parts}
	}
	rows := sessionRows(t)
	for i, li := range rows {
		li.SetColumn(teamTag, []string{"", "red", "blue"}[i%3])
	}
	rows = append(rows, row(t, "2026-05-03", "128", agent("gateway/returns-9")), row(t, "2026-05-03", "256", agent("gateway/other")))
	book, sessions := grains(t, nil, rows)
	bySession := match(attribution.BySession, attribution.Part{Workload: "returns", Match: "returns-*"}, attribution.Part{Workload: "one", Match: "returns-1"}, attribution.Part{Workload: "rest"})
	byTag := match(attribution.ByTag, attribution.Part{Workload: "red", Match: string(teamTag) + "=red"}, attribution.Part{Workload: "rest"})
	for name, tt := range map[string]struct {
		claims []attribution.Claim
		want   string
	}{
		"a role by session":                      {[]attribution.Claim{shared("g", "role", roleARN, "", bySession)}, "one 4, rest 56, returns 2"},
		"a role by tag":                          {[]attribution.Claim{shared("g", "role", roleARN, "", byTag)}, "red 18, rest 44"},
		"a resource by component session":        {[]attribution.Claim{shared("g", "resource", "gateway/returns-9", "", bySession), shared("h", "resource", "gateway/other", "", bySession)}, "rest 256, returns 128"},
		"a session of a role that is shared":     {[]attribution.Claim{shared("g", "role", roleARN, "", bySession), sessionClaim("a", roleARN+"/returns-2", "")}, "one 4, rest 56, w-a 2"},
		"a session that is shared by weights":    {[]attribution.Claim{shared("g", "session", roleARN+"/returns-*", "", attribution.Share{By: attribution.Evenly, Parts: parts("x,y")})}, "x 3, y 3"},
		"what is shared is nobody's direct cost": {[]attribution.Claim{shared("g", "role", roleARN, "", byTag), claim("own", "resource", "gateway/other", ""), shared("d", "resource", "gateway/returns-9", "", attribution.Share{By: attribution.ByDirectCost, Parts: parts("red,w-own")})}, "red 18, rest 44, w-own 384"},
	} {
		st := attribute(t, book, index(t, book, nil, tt.claims...), &attribution.Options{Sessions: sessions})
		if got := costs(st.Workloads()); got != tt.want || !st.Reconciled {
			t.Errorf("%s: %q, want %q; differences %v", name, got, tt.want, st.Differences)
		}
	}
	if _, err := attribution.Attribute(t.Context(), book, index(t, book, nil, shared("g", "role", roleARN, "", bySession)), nil); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("a share by sessions that are not kept: %v", err)
	}
	for name, s := range map[string]attribution.Share{
		"no rest":         match(attribution.BySession, attribution.Part{Workload: "a", Match: "x"}),
		"two rests":       match(attribution.BySession, attribution.Part{Workload: "a"}, attribution.Part{Workload: "b"}),
		"nothing but":     match(attribution.BySession, attribution.Part{Workload: "a"}),
		"twice":           match(attribution.BySession, attribution.Part{Workload: "a", Match: "x"}, attribution.Part{Workload: "b", Match: "x"}, attribution.Part{Workload: "c"}),
		"every session":   match(attribution.BySession, attribution.Part{Workload: "a", Match: "*"}, attribution.Part{Workload: "c"}),
		"no tag":          match(attribution.ByTag, attribution.Part{Workload: "a", Match: "red"}, attribution.Part{Workload: "c"}),
		"two tags":        match(attribution.ByTag, attribution.Part{Workload: "a", Match: "x/y=1"}, attribution.Part{Workload: "b", Match: "x/z=1"}, attribution.Part{Workload: "c"}),
		"a match of none": {By: attribution.Evenly, Parts: []attribution.Part{{Workload: "a", Match: "x"}}},
	} {
		var e *attribution.ShareError
		if err := (&attribution.Claims{Claims: []attribution.Claim{shared("g", "role", roleARN, "", s)}}).Validate(nil); !errors.Is(err, attribution.ErrShare) || !errors.As(err, &e) || e.Claim != "g" {
			t.Errorf("%s: %v, want ErrShare naming the claim", name, err)
		}
	}
	// The stored form says it all.
	c := &attribution.Claims{Claims: []attribution.Claim{shared("g", "role", roleARN, "", bySession), shared("h", "resource", "x", "", byTag)}}
	read, err := attribution.DecodeClaims(c.AppendJSON(nil))
	if err != nil || !bytes.Equal(read.AppendJSON(nil), c.AppendJSON(nil)) {
		t.Errorf("read back: %v", err)
	}
	if got := attribution.Columns(c, nil); len(got) != 1 || got[0] != teamTag {
		t.Errorf("columns %v", got)
	}
}

const otherARN = "arn:aws:sts::" + acct2 + ":assumed-role/other"

// onlyOf keeps the sessions of one role.
func onlyOf(t testing.TB, role string) *cur.Partial {
	t.Helper()
	r := rollupOf(sessionRows(t))
	r.Sessions, r.RestUnread = true, true
	r.Where = cur.Where{Any: []cur.Clause{{{Column: cur.ColPrincipal, Op: cur.In, Values: []string{role}}}}}
	return rollWith(t, r, sessionRows(t))
}

// A share by session is cut again when sessions change hands: the terms of the
// difference are those of ownership, and of nothing else.
func TestDiffOfSessions(t *testing.T) {
	book, sessions := grains(t, nil, sessionRows(t))
	st := func(sessions *cur.Partial, claims ...attribution.Claim) *attribution.Statement {
		return attribute(t, book, index(t, book, nil, claims...), &attribution.Options{Sessions: sessions, Delivery: cur.Delivery{AsOf: time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC)}})
	}
	role := claim("role", "role", roleARN, "")
	for name, tt := range map[string]struct {
		old, new *attribution.Statement
		want     []string
	}{
		"sessions are claimed":     {st(sessions, role), st(sessions, role, sessionClaim("r", roleARN+"/returns-*", "")), []string{"ownership w-r 6", "ownership w-role -6"}},
		"and were not kept before": {st(nil, role), st(sessions, role, sessionClaim("r", roleARN+"/returns-*", "")), []string{"ownership w-r 6", "ownership w-role -6"}},
		"they change hands":        {st(sessions, role, sessionClaim("r", roleARN+"/returns-1", "")), st(sessions, role, sessionClaim("s", roleARN+"/returns-1", "")), []string{"ownership w-r -4", "ownership w-s 4"}},
		"each keeps those of its own claims": {st(onlyOf(t, roleARN), role, sessionClaim("r", roleARN+"/returns-1", "")), st(onlyOf(t, otherARN), role, sessionClaim("o", otherARN+"/returns-1", "")),
			[]string{"ownership w-o 64", "ownership w-r -4", "ownership w-role 4", "ownership  -64"}},
		"nothing changed but the kept": {st(nil, role), st(sessions, role), nil},
	} {
		terms, err := attribution.Diff(t.Context(), tt.old, tt.new)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, x := range terms {
			if x.Unblended.IsZero() {
				t.Errorf("%s: a term of nothing: %+v", name, x)
			}
			if x.Component == "model_input" {
				got = append(got, string(x.Label)+" "+string(x.Workload)+" "+x.Unblended.String())
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: terms %+v (-want +got):\n%s", name, terms, d)
		}
	}
}

// Currencies are split apart, each to the last digit, and never meet.
func TestCurrenciesAreSplitApart(t *testing.T) {
	rows := sessionRows(t)
	for _, li := range sessionRows(t) {
		li.Currency = "EUR"
		rows = append(rows, li)
	}
	rows = append(rows, row(t, "2026-05-03", "1", agent("own")), row(t, "2026-05-03", "3", both(agent("own"), func(li *cur.LineItem) { li.Currency = "EUR" })),
		row(t, "2026-05-03", "8", kind("Tax")))
	book, sessions := grains(t, nil, rows)
	ix := index(t, book, &attribution.Rules{Spread: []attribution.SpreadRule{{}}}, shared("g", "role", roleARN, "", attribution.Share{By: attribution.Evenly, Parts: parts("x,y,z")}),
		sessionClaim("r", roleARN+"/returns-*", ""), claim("own", "resource", "own", ""))
	all, err := attribution.Attribute(t.Context(), book, ix, &attribution.Options{Sessions: sessions})
	if err != nil || len(all) != 2 {
		t.Fatalf("%d statements, %v", len(all), err)
	}
	for i, want := range []string{"w-own 3, w-r 6, x 18.6666666667, y 18.6666666667, z 18.6666666666", "w-own 1, w-r 6, x 18.6666666667, y 18.6666666667, z 18.6666666666"} {
		if got := costs(all[i].Workloads()); got != want || !all[i].Reconciled {
			t.Errorf("%s: %q, want %q; differences %v", all[i].Currency, got, want, all[i].Differences)
		}
	}
	if got := costs(all[1].Spread()); got != "w-own 8" || len(all[0].Spread()) != 0 {
		t.Errorf("spread %q and %v", got, all[0].Spread())
	}
}

// What is left of a role whose sessions are claimed says so.
func TestSessionsAreNearMisses(t *testing.T) {
	book, sessions := grains(t, nil, sessionRows(t))
	st := attribute(t, book, index(t, book, nil, sessionClaim("r", roleARN+"/returns-*", "")), &attribution.Options{Sessions: sessions})
	for _, u := range st.Unclaimed() {
		near := st.NearMisses(u)
		if want := strings.HasSuffix(u.Anchor, "/shared-svc"); (len(near) == 1) != want || want && near[0].Why != attribution.MissPart {
			t.Errorf("near misses of %s: %+v", u.Anchor, near)
		}
	}
}
