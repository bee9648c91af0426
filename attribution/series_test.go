package attribution_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// summary is what a statement says of money.
func summary(st *attribution.Statement) map[string]any {
	return map[string]any{"outcomes": st.Outcomes(), "line types": st.LineTypes(), "products": st.Products(), "workloads": st.Workloads(),
		"defaulted": st.Defaulted(), "spread": st.Spread(), "unclaimed": st.Unclaimed(), "overridden": st.Overridden(), "state": st.State}
}

// claims begin and end between them, money is split by the day, sessions are taken out
// of some, and resolvers look at whatever they like.
func TestSeriesAreBookedAsTheirGroups(t *testing.T) {
	rules := []*attribution.Rules{nil, {Spread: []attribution.SpreadRule{{}}},
		{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {byRegion{}}, attribution.ChainBedrock: {byTeam{}}}},
		{Scope: attribution.Scope{AI: []attribution.Product{{Name: "east", Chain: attribution.ChainAgentCore,
			Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColRegion, Op: cur.In, Values: []string{"us-east-1"}}}}}}}}}}
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamilies(t)
		withSessions := rapid.Bool().Draw(t, "sessions")
		if withSessions {
			if f.anchors = append(f.anchors, sessionsOfRoles...); rapid.Bool().Draw(t, "sessions alone") {
				f.anchors = sessionsOfRoles
			}
		}
		var rows []*cur.LineItem
		for _, li := range rapid.SliceOfN(rapid.Custom(f.drawRow), 1, 8).Draw(t, "rows") {
			li.Region = "us-east-1"
			if len(rows) > 0 && rapid.Bool().Draw(t, "like the last") {
				// All but one column, so that the two are neighbours.
				like := *rows[len(rows)-1]
				switch rapid.SampledFrom([]string{"account", "region", "type", "usage", "unit", "resource", "principal", "tag"}).Draw(t, "but for") {
				case "account":
					like.UsageAccount = li.UsageAccount
				case "region":
					like.Region = "eu-west-1"
				case "type":
					like.LineItemType = li.LineItemType
				case "usage":
					like.UsageType = li.UsageType
				case "unit":
					like.PricingUnit = "Hours"
				case "resource":
					like.Resource = li.Resource
				case "principal":
					like.Principal = li.Principal
				case "tag":
					like.SetColumn(teamTag, "a")
				}
				li = &like
			}
			for _, hour := range rapid.SliceOfN(rapid.IntRange(0, 5*24), 1, 12).Draw(t, "hours") {
				one := *li
				one.IntervalStart = time.Date(2026, 5, 1, hour, 0, 0, 0, time.UTC)
				one.IntervalEnd = one.IntervalStart.Add(time.Hour)
				one.UsageStart, one.UsageEnd = one.IntervalStart, one.IntervalEnd
				rows = append(rows, &one)
			}
		}
		claims := f.drawClaims(t)
		for i := range claims {
			switch rapid.IntRange(0, 5).Draw(t, "target") {
			case 0:
				claims[i].Target = attribution.Share{By: attribution.Evenly, Parts: parts("a,b,c")}
			case 1:
				claims[i].From = claims[i].From.Add(time.Nanosecond)
			}
		}
		rollup := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}, Bucket: rapid.SampledFrom([]cur.Span{cur.Day, cur.Hour}).Draw(t, "bucket")}
		p, err := rollup.Rows(seq(rows))
		if err != nil {
			t.Fatal(err)
		}
		var o attribution.Options
		if withSessions {
			rollup.Sessions = true
			if o.Sessions, err = rollup.Rows(seq(rows)); err != nil {
				t.Fatal(err)
			}
		}
		ix, err := attribution.NewIndex(&attribution.Claims{Claims: claims}, rapid.SampledFrom(rules).Draw(t, "rules"), p.Spec())
		if err != nil {
			t.Skip(err)
		}
		all, err := attribution.Attribute(t.Context(), p, ix, &o)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range all {
			slow, err := st.OneByOne()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(summary(slow), summary(st)); d != "" || !st.Reconciled {
				t.Fatalf("reconciled %v, %v (-one by one +statement):\n%s", st.Reconciled, st.Differences, d)
			}
		}
	})
}

// A claim that begins within a series takes what comes after, and no more.
func TestClaimsBeginAndEndWithinASeries(t *testing.T) {
	runtime := arn("runtime/a-1")
	var rows []*cur.LineItem
	for day := range 9 {
		li := row(t, at(t, "2026-05-02").AddDate(0, 0, day).Format(time.DateOnly), decimal.New(1<<day, 0).String(), agent(runtime))
		rows = append(rows, li)
	}
	slices.Reverse(rows)
	p := roll(t, rows...)
	first, second := claim("first", "resource", runtime, ""), claim("second", "resource", runtime, "")
	first.From, first.To = at(t, "2026-05-03"), at(t, "2026-05-05").Add(time.Nanosecond)
	second.From = at(t, "2026-05-07").Add(time.Hour)
	st := attribute(t, p, index(t, p, nil, first, second), nil)
	// The 3rd, 4th and 5th are the first claim's, the 8th and later the second's.
	if got, want := costs(st.Workloads()), "w-first 14, w-second 448"; got != want {
		t.Errorf("workloads have %s, want %s", got, want)
	}
	us := st.Unclaimed()
	if len(us) != 1 || us[0].Unblended.String() != "49" || !us[0].FirstSeen.Equal(at(t, "2026-05-02")) || !us[0].LastSeen.Equal(at(t, "2026-05-07")) {
		t.Errorf("unclaimed %+v, want 49 from the 2nd to the 7th", us)
	}
	if slow, err := st.OneByOne(); err != nil || cmp.Diff(summary(slow), summary(st)) != "" {
		t.Errorf("one by one: %v (-one by one +statement):\n%s", err, cmp.Diff(summary(slow), summary(st)))
	}
}

// Sessions are taken out of each group of a series, also where they are all of it.
func TestSessionsAreTakenOutOfASeries(t *testing.T) {
	role := "arn:aws:sts::" + acct1 + ":assumed-role/App/"
	var rows []*cur.LineItem
	for day := range 6 {
		when := at(t, "2026-05-02").AddDate(0, 0, day).Format(time.DateOnly)
		rows = append(rows, row(t, when, "1", model(role+"s1", "")))
		if day > 1 {
			rows = append(rows, row(t, when, "10", model(role+"s2", "")))
		}
	}
	p, sessions := rollWith(t, cur.Rollup{}, rows), rollWith(t, cur.Rollup{Sessions: true}, rows)
	st := attribute(t, p, index(t, p, nil, claim("one", "session", role+"s1", "")), &attribution.Options{Sessions: sessions})
	if got, want := costs(st.Workloads()), "w-one 6"; got != want {
		t.Errorf("workloads have %s, want %s", got, want)
	}
	if us := st.Unclaimed(); len(us) != 1 || us[0].Unblended.String() != "40" || !us[0].FirstSeen.Equal(at(t, "2026-05-04")) {
		t.Errorf("unclaimed %+v, want 40 from the 4th on", us)
	}
}
