package attribution_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// parts reads "a=1,b=2" as parts of a share; "a,b" has no weights.
func parts(s string) (out []attribution.Part) {
	for _, p := range strings.Split(s, ",") {
		w, weight, ok := strings.Cut(p, "=")
		part := attribution.Part{Workload: attribution.WorkloadID(w)}
		if ok {
			part.Weight = decimal.RequireFromString(weight)
		}
		out = append(out, part)
	}
	return out
}

func shared(id string, kind attribution.AnchorKind, value, account string, s attribution.Share) attribution.Claim {
	c := claim(id, kind, value, account)
	c.Target = s
	return c
}

// costs lists what workloads have, as "a 1, b 2".
func costs(list []attribution.WorkloadTotal) string {
	var out []string
	for _, w := range list {
		out = append(out, string(w.Workload)+" "+w.Unblended.String())
	}
	return strings.Join(out, ", ")
}

func TestSharesAreSplit(t *testing.T) {
	gateway := arn("gateway/g-1")
	may := func(day int) time.Time { return time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC) }
	weight := func(w string, from, to int, v string) attribution.Weight {
		out := attribution.Weight{Table: "sessions", Workload: attribution.WorkloadID(w), From: may(from), Value: decimal.RequireFromString(v)}
		if to > 0 {
			out.To = may(to)
		}
		return out
	}
	own := claim("own", "resource", arn("runtime/a-1"), "")
	own.Target = attribution.Whole{Workload: "a"}
	bown := claim("bown", "resource", arn("runtime/b-1"), "")
	bown.Target = attribution.Whole{Workload: "b"}
	rows := func(costs ...string) (out []*cur.LineItem) {
		for i, c := range costs {
			out = append(out, row(t, fmt.Sprintf("2026-05-%02d", 3+i), c, agent(gateway)))
		}
		return out
	}
	tests := []struct {
		name    string
		share   attribution.Share
		rows    []*cur.LineItem
		weights []attribution.Weight
		want    string
	}{
		{"fixed", attribution.Share{By: attribution.ByWeight, Parts: parts("a=3,b=1")}, rows("10"), nil, "a 7.5, b 2.5"},
		{"fixed weights need not add up to anything", attribution.Share{By: attribution.ByWeight, Parts: parts("a=0.07,b=0.21")}, rows("10"), nil, "a 2.5, b 7.5"},
		{"a weight of zero has nothing", attribution.Share{By: attribution.ByWeight, Parts: parts("a=0,b=1")}, rows("10"), nil, "b 10"},
		{"even", attribution.Share{By: attribution.Evenly, Parts: parts("b,a")}, rows("1"), nil, "a 0.5, b 0.5"},
		{"what does not divide goes to whoever comes first", attribution.Share{By: attribution.Evenly, Parts: parts("c,b,a")}, rows("10"), nil, "a 3.3333333334, b 3.3333333333, c 3.3333333333"},
		{"two units for three", attribution.Share{By: attribution.Evenly, Parts: parts("c,b,a")}, rows("0.0000000002"), nil, "a 0.0000000001, b 0.0000000001, c 0"},
		{"the largest remainder first", attribution.Share{By: attribution.ByWeight, Parts: parts("a=1,b=5")}, rows("0.0000000001"), nil, "a 0, b 0.0000000001"},
		{"at the scale of the total", attribution.Share{By: attribution.Evenly, Parts: parts("a,b")}, rows("0.000000000000000003"), nil, "a 0.000000000000000002, b 0.000000000000000001"},
		{"money that comes back", attribution.Share{By: attribution.Evenly, Parts: parts("a,b,c")}, rows("-10"), nil, "a -3.3333333334, b -3.3333333333, c -3.3333333333"},
		{"each bucket by itself", attribution.Share{By: attribution.Evenly, Parts: parts("a,b")}, rows("0.0000000001", "0.0000000001"), nil, "a 0.0000000002, b 0"},
		{"in proportion to direct cost", attribution.Share{By: attribution.ByDirectCost, Parts: parts("a,b")},
			append(rows("8"), row(t, "2026-05-03", "30", agent(arn("runtime/a-1"))), row(t, "2026-05-09", "10", agent(arn("runtime/b-1"))),
				row(t, "2026-05-09", "-100", both(agent(arn("runtime/b-1")), kind("Credit")))), nil, "a 36, b -88"},
		{"by a table", attribution.Share{By: attribution.ByTable, Table: "sessions", Parts: parts("a,b")}, rows("10", "10"),
			[]attribution.Weight{weight("a", 1, 4, "1"), weight("b", 1, 4, "4"), weight("a", 4, 0, "3"), weight("b", 4, 0, "1"), weight("x", 1, 0, "9")}, "a 9.5, b 10.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := roll(t, tt.rows...)
			claims := &attribution.Claims{Claims: []attribution.Claim{shared("g", "resource", gateway, "", tt.share), own, bown}, Weights: tt.weights}
			ix, err := attribution.NewIndex(claims, nil, p.Spec())
			if err != nil {
				t.Fatal(err)
			}
			st := attribute(t, p, ix, nil)
			if got := costs(st.Workloads()); got != tt.want {
				t.Errorf("workloads have %s, want %s", got, tt.want)
			}
			if !st.Reconciled {
				t.Errorf("not reconciled: %v", st.Differences)
			}
			if got := st.Outcomes()[attribution.Shared].Rows; got != int64(len(tt.rows))-map[bool]int64{true: 3}[tt.share.By == attribution.ByDirectCost] {
				t.Errorf("%d rows shared", got)
			}
		})
	}
}

func TestSharesThatCannotBeSplit(t *testing.T) {
	may := func(day int) time.Time { return time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC) }
	w := func(id string, from, to int, v int64) attribution.Weight {
		return attribution.Weight{Table: "t", Workload: attribution.WorkloadID(id), From: may(from), To: may(to), Value: decimal.NewFromInt(v)}
	}
	table := attribution.Share{By: attribution.ByTable, Table: "t", Parts: parts("a,b")}
	tests := []struct {
		name    string
		share   attribution.Share
		weights []attribution.Weight
		want    string
	}{
		{"negative", attribution.Share{By: attribution.ByWeight, Parts: parts("a=-1,b=2")}, nil, `claim "g", from 2026-05-01 to 2026-05-10: a share that cannot be split: workload "a": weight -1 is negative`},
		{"zero", attribution.Share{By: attribution.ByWeight, Parts: parts("a=0,b=0")}, nil, `the weights add up to zero`},
		{"vast", attribution.Share{By: attribution.ByWeight, Parts: parts("a=1e41,b=1")}, nil, `too many digits`},
		{"no parts", attribution.Share{By: attribution.Evenly}, nil, `no parts`},
		{"one workload twice", attribution.Share{By: attribution.Evenly, Parts: parts("a,a")}, nil, `workload "a" has two parts`},
		{"a blank workload", attribution.Share{By: attribution.Evenly, Parts: parts("a,")}, nil, `blank workload`},
		{"weights where none are used", attribution.Share{By: attribution.Evenly, Parts: parts("a=1,b=2")}, nil, `takes no weights`},
		{"an unknown basis", attribution.Share{By: "guess", Parts: parts("a,b")}, nil, `unknown basis "guess"`},
		{"no basis", attribution.Share{Parts: parts("a,b")}, nil, `unknown basis ""`},
		{"a table nobody asks for", attribution.Share{By: attribution.Evenly, Table: "t", Parts: parts("a,b")}, nil, `with table "t"`},
		{"no table", attribution.Share{By: attribution.ByTable, Parts: parts("a,b")}, nil, `with table ""`},
		{"an empty table", table, nil, `table "t" has no rows`},
		{"a gap", table, []attribution.Weight{w("a", 1, 10, 1), w("b", 1, 3, 1), w("b", 4, 10, 1)}, `claim "g", from 2026-05-03 to 2026-05-04: a share that cannot be split: table "t" has no weight of workload "b"`},
		{"a gap at the beginning", table, []attribution.Weight{w("a", 2, 10, 1), w("b", 1, 10, 1)}, `from 2026-05-01 to 2026-05-02`},
		{"a gap at the end", table, []attribution.Weight{w("a", 1, 10, 1), w("b", 1, 9, 1)}, `from 2026-05-09 to 2026-05-10`},
		{"zero for a time", table, []attribution.Weight{w("a", 1, 5, 0), w("a", 5, 10, 1), w("b", 1, 10, 0)}, `claim "g", from 2026-05-01 to 2026-05-05: a share that cannot be split: the weights of table "t" add up to zero`},
	}
	for _, tt := range tests {
		c := shared("g", "resource", "x", "", tt.share)
		c.To = may(10)
		claims := &attribution.Claims{Claims: []attribution.Claim{c}, Weights: tt.weights}
		err := claims.Validate(nil)
		var share *attribution.ShareError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, attribution.ErrShare) || !errors.Is(err, attribution.ErrClaims) || !errors.As(err, &share) || share.Claim != "g" {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	for name, weights := range map[string][]attribution.Weight{
		"two weights at one time": {w("a", 1, 5, 1), w("a", 4, 6, 1)},
		"a negative weight":       {w("a", 1, 5, -1)},
		"no time":                 {w("a", 5, 5, 1)},
		"a blank table":           {{Workload: "a", From: may(1)}},
	} {
		if err := (&attribution.Claims{Weights: weights}).Validate(nil); !errors.Is(err, attribution.ErrClaims) {
			t.Errorf("%s: error %v, want ErrClaims", name, err)
		}
	}
	account := shared("g", "account", acct1, "", attribution.Share{By: attribution.Evenly, Parts: parts("a,b")})
	if err := (&attribution.Claims{Claims: []attribution.Claim{account}}).Validate(nil); !errors.Is(err, attribution.ErrShare) {
		t.Errorf("an account that is shared: error %v, want ErrShare", err)
	}
}

// TestShareMeetsMoneyWithoutWeights has claims that may be saved, and a month that
// cannot be split by them.
func TestShareMeetsMoneyWithoutWeights(t *testing.T) {
	p := roll(t, row(t, "2026-05-07", "1", agent("x")))
	for name, c := range map[string]*attribution.Claims{
		"no direct cost": {Claims: []attribution.Claim{shared("g", "resource", "x", "", attribution.Share{By: attribution.ByDirectCost, Parts: parts("a,b")})}},
		"the table has not come so far": {Claims: []attribution.Claim{shared("g", "resource", "x", "", attribution.Share{By: attribution.ByTable, Table: "t", Parts: parts("a")})},
			Weights: []attribution.Weight{{Table: "t", Workload: "a", From: at(t, "2026-05-01"), To: at(t, "2026-05-06"), Value: decimal.NewFromInt(1)}}},
	} {
		ix, err := attribution.NewIndex(c, nil, p.Spec())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = attribution.Attribute(t.Context(), p, ix, nil)
		var share *attribution.ShareError
		if !errors.Is(err, attribution.ErrShare) || !errors.As(err, &share) || share.Claim != "g" || !share.From.Equal(at(t, "2026-05-07")) || !share.To.Equal(at(t, "2026-05-08")) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestSpreadRules(t *testing.T) {
	a, b := claim("a", "resource", arn("runtime/a-1"), ""), claim("b", "resource", arn("runtime/b-1"), "")
	elsewhere := func(li *cur.LineItem) { li.UsageAccount = acct2 }
	rows := []*cur.LineItem{row(t, "2026-05-03", "30", agent(arn("runtime/a-1"))), row(t, "2026-05-04", "10", agent(arn("runtime/b-1"))),
		row(t, "2026-05-03", "-5", both(agent(arn("runtime/b-1")), kind("Credit"))), // claimed
		row(t, "2026-05-05", "8", kind("Tax")), row(t, "2026-05-05", "-4", kind("EdpDiscount")), row(t, "2026-05-05", "2", both(kind("Tax"), elsewhere))}
	p := roll(t, rows...)
	tests := []struct {
		name        string
		rules       []attribution.SpreadRule
		spread      string
		unallocated string
	}{
		{"no rule", nil, "", "6"},
		{"in proportion to usage", []attribution.SpreadRule{{}}, "w-a 3, w-b 1", "2"},
		{"one kind", []attribution.SpreadRule{{Kinds: []attribution.ChargeKind{attribution.Discount}}}, "w-a -3, w-b -1", "10"},
		{"to a cost centre", []attribution.SpreadRule{{To: "centre"}}, "centre 6", ""},
		{"the first rule counts", []attribution.SpreadRule{{Kinds: []attribution.ChargeKind{attribution.Tax}, Leave: true}, {To: "centre"}}, "centre -4", "10"},
		{"by row", []attribution.SpreadRule{{Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColUsageAccount, Op: cur.In, Values: []string{acct2}}}}}, To: "two"}, {}}, "two 2, w-a 3, w-b 1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := attribute(t, p, index(t, p, &attribution.Rules{Spread: tt.rules}, a, b), nil)
			if got := costs(st.Spread()); got != tt.spread {
				t.Errorf("spread %s, want %s", got, tt.spread)
			}
			if got := costs(st.Workloads()); got != "w-a 30, w-b 5" {
				t.Errorf("workloads have %s: spread money is beside what they have", got)
			}
			unallocated := ""
			if x, ok := st.Outcomes()[attribution.Unallocated]; ok {
				unallocated = x.Unblended.String()
			}
			if unallocated != tt.unallocated {
				t.Errorf("unallocated %s, want %s", unallocated, tt.unallocated)
			}
			if !st.Reconciled {
				t.Errorf("not reconciled: %v", st.Differences)
			}
		})
	}
	for _, bad := range []attribution.SpreadRule{{Kinds: []attribution.ChargeKind{attribution.Usage}}, {Leave: true, To: "x"}, {To: " "}} {
		if _, err := attribution.NewIndex(nil, &attribution.Rules{Spread: []attribution.SpreadRule{bad}}, p.Spec()); err == nil {
			t.Errorf("rule %+v was accepted", bad)
		}
	}
	if (&attribution.Rules{}).Version() == (&attribution.Rules{Spread: []attribution.SpreadRule{{}}}).Version() {
		t.Error("a spread rule does not change the rules' version")
	}
}

// drawShares draws claims of which some split.
func (f family) drawShares(t *rapid.T, more ...attribution.Basis) *attribution.Claims {
	out := &attribution.Claims{Claims: f.drawClaims(t)}
	for _, w := range []attribution.WorkloadID{"w-1", "w-2", "w-4"} {
		out.Weights = append(out.Weights, attribution.Weight{Table: "t", Workload: w, Value: decimal.New(rapid.Int64Range(1, 7).Draw(t, "weight"), -1)})
	}
	for i := range out.Claims {
		if out.Claims[i].Anchor.Kind == attribution.KindAccount || !rapid.Bool().Draw(t, "shared") {
			continue
		}
		s := attribution.Share{By: rapid.SampledFrom(append(more, attribution.ByWeight, attribution.Evenly, attribution.ByDirectCost, attribution.ByTable, attribution.ByTag)).Draw(t, "by"),
			Parts: parts("w-4,w-1,w-2")}
		switch s.By {
		case attribution.ByWeight:
			for n := range s.Parts {
				s.Parts[n].Weight = decimal.New(rapid.Int64Range(int64(min(n, 1)), 9).Draw(t, "part"), -2)
			}
		case attribution.ByTable:
			s.Table = "t"
		case attribution.BySession:
			s.Parts[0].Match, s.Parts[1].Match = "s1", "s*"
		case attribution.ByTag:
			s.Parts[0].Match, s.Parts[1].Match = string(teamTag)+"=a", string(teamTag)+"=b"
		}
		out.Claims[i].Target = s
	}
	return out
}

func drawSpread(t *rapid.T) []attribution.SpreadRule {
	return rapid.SliceOfN(rapid.SampledFrom([]attribution.SpreadRule{
		{Kinds: []attribution.ChargeKind{attribution.Tax, attribution.Credit}}, {To: "centre"}, {Kinds: []attribution.ChargeKind{attribution.Fee}, Leave: true}, {},
	}), 0, 2).Draw(t, "spread")
}

// splitStatement attributes; shares by direct cost that meets none are even.
func splitStatement(t *rapid.T, p *cur.Partial, c *attribution.Claims, rules *attribution.Rules, o *attribution.Options) *attribution.Statement {
	for {
		ix, err := attribution.NewIndex(c, rules, p.Spec())
		if err != nil {
			t.Fatal(err)
		}
		all, err := attribution.Attribute(t.Context(), p, ix, o)
		var share *attribution.ShareError
		if errors.As(err, &share) {
			c = &attribution.Claims{Claims: slices.Clone(c.Claims), Weights: c.Weights}
			for i := range c.Claims {
				if s, ok := c.Claims[i].Target.(attribution.Share); ok && c.Claims[i].ID == share.Claim {
					s.By = attribution.Evenly
					c.Claims[i].Target = s
				}
			}
			continue
		}
		if err != nil || len(all) != 1 {
			t.Fatalf("Attribute: %d statements, %v", len(all), err)
		}
		return all[0]
	}
}

// TestNothingIsLostOrDoubledBySplitting holds every way of adding up against the
// others, under every kind of share and spread rule.
func TestNothingIsLostOrDoubledBySplitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamilies(t)
		rows := rapid.SliceOfN(rapid.Custom(f.drawRow), 0, 30).Draw(t, "rows")
		for _, li := range rows {
			if rapid.Bool().Draw(t, "net") {
				_ = li.Set(cur.NetUnblendedCost, decimal.New(rapid.Int64Range(-99, 999).Draw(t, "net cost"), -3))
			}
			_ = li.Set(cur.Usage, decimal.New(rapid.Int64Range(0, 999).Draw(t, "usage"), -1))
		}
		f.anchors = append(f.anchors, sessionsOfRoles...)
		claims := f.drawShares(t, attribution.BySession)
		rules := &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}}, Spread: drawSpread(t)}
		rolled := func(r cur.Rollup, rows []*cur.LineItem) (*cur.Partial, *attribution.Options) {
			p, err := r.Rows(seq(rows))
			if err != nil {
				t.Fatal(err)
			}
			r.Sessions = true
			s, err := r.Rows(seq(rows))
			if err != nil {
				t.Fatal(err)
			}
			return p, &attribution.Options{Sessions: s}
		}
		p, o := rolled(cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}}, rows)
		st := splitStatement(t, p, claims, rules, o)
		if !st.Reconciled {
			t.Fatalf("not reconciled: %v", st.Differences)
		}

		// Lines, by outcome, kind and workload, against the totals.
		lines := map[string]decimal.Decimal{}
		add := func(to map[string]decimal.Decimal, k string, d decimal.Decimal) { to[k] = to[k].Add(d) }
		var n int64
		for l := range st.Lines() {
			n += l.Amounts.Rows
			for metric, x := range map[string]decimal.Decimal{"unblended": l.Amounts.Unblended, "net": l.Amounts.Net.Decimal, "amortized": l.Amounts.Amortized.Decimal} {
				add(lines, fmt.Sprint(l.Outcome, " ", metric), x)
				add(lines, fmt.Sprint("kind ", l.Kind, " ", metric), x)
				if l.Workload != "" {
					add(lines, fmt.Sprint(l.Outcome, " of ", l.Workload, " ", metric), x)
				}
			}
			if l.Outcome == attribution.Shared && l.Workload == "" {
				t.Errorf("a line of shared money has no workload: %+v", l.Key)
			}
			if l.Kind == attribution.Usage {
				add(lines, fmt.Sprint("usage ", l.Key.PricingUnit), l.Measures.Sum(cur.Usage))
			}
		}
		if n != st.Totals.Rows {
			t.Errorf("lines have %d rows of %d", n, st.Totals.Rows)
		}
		// Every kind of money has what the report has of it.
		kinds := map[string]decimal.Decimal{}
		for typ, x := range st.LineTypes() {
			for metric, d := range map[string]decimal.Decimal{"unblended": x.Unblended, "net": x.Net.Decimal, "amortized": x.Amortized.Decimal} {
				add(kinds, fmt.Sprint("kind ", attribution.KindOf(typ), " ", metric), d)
			}
		}
		for k, d := range kinds {
			if !lines[k].Equal(d) {
				t.Errorf("lines of %s: %s, the report has %s", k, lines[k], d)
			}
		}
		for o, x := range st.Outcomes() {
			for metric, d := range map[string]decimal.Decimal{"unblended": x.Unblended, "net": x.Net.Decimal, "amortized": x.Amortized.Decimal} {
				if got := lines[fmt.Sprint(o, " ", metric)]; !got.Equal(d) {
					t.Errorf("lines of %s: %s %s, the outcome has %s", o, metric, got, d)
				}
			}
		}
		for _, w := range st.Workloads() {
			k := fmt.Sprint(" of ", w.Workload, " unblended")
			if got := lines["claimed"+k].Add(lines["shared"+k]); !got.Equal(w.Unblended) {
				t.Errorf("lines of %s: %s, the workload has %s", w.Workload, got, w.Unblended)
			}
			// What the workload has is what its components and the rest are.
			var sum decimal.Decimal
			for _, c := range w.Components {
				sum = sum.Add(c.Unblended)
			}
			for _, x := range w.Other {
				sum = sum.Add(x.Unblended)
			}
			if !sum.Equal(w.Unblended) {
				t.Errorf("workload %s: parts %s, total %s", w.Workload, sum, w.Unblended)
			}
		}

		// The order of files and claims, and columns that no claim looks at, change
		// nothing.
		finer := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag, "resourceTags/user:any"}}
		for i, li := range rows {
			li.SetColumn("resourceTags/user:any", fmt.Sprint(i))
		}
		back := slices.Clone(rows)
		slices.Reverse(back)
		q, o := rolled(finer, back)
		turned := &attribution.Claims{Claims: slices.Clone(claims.Claims), Weights: slices.Clone(claims.Weights)}
		slices.Reverse(turned.Claims)
		slices.Reverse(turned.Weights)
		again := splitStatement(t, q, turned, rules, o)
		for name, pair := range map[string][2][]attribution.WorkloadTotal{"workloads": {st.Workloads(), again.Workloads()}, "spread": {st.Spread(), again.Spread()}} {
			if a, b := costs(pair[0]), costs(pair[1]); a != b {
				t.Errorf("%s: %s; in another order %s", name, a, b)
			}
		}
		if !maps.EqualFunc(st.Outcomes(), again.Outcomes(), func(a, b attribution.OutcomeTotal) bool { return a.Unblended.Equal(b.Unblended) }) {
			t.Error("outcomes depend on order")
		}
	})
}

// The stored form keeps shares and weights, and the same claims are the same bytes.
func TestSharesInTheStoredForm(t *testing.T) {
	text := `{"version":1,"claims":[
	{"id":"f","anchor":{"kind":"resource","value":"x"},"share":{"by":"fixed","parts":[{"workload":"b","weight":0.50},{"workload":"a","weight":"1.5"}]},"from":"2026-05-01"},
	{"id":"t","anchor":{"kind":"resource","value":"y"},"share":{"by":"table","table":"sessions","parts":[{"workload":"a"}]},"from":"2026-05-01"}],
	"weights":[{"table":"sessions","workload":"a","from":"2026-05-02","weight":12},{"table":"sessions","workload":"a","from":"2026-05-01","to":"2026-05-02","weight":1}]}`
	c, err := attribution.ParseClaims("c.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b := c.AppendJSON(nil)
	want := `{"version":1,"claims":[{"id":"f","anchor":{"kind":"resource","value":"x"},"share":{"by":"fixed","parts":[{"workload":"a","weight":"1.5"},{"workload":"b","weight":"0.5"}]},"from":"2026-05-01"},` +
		`{"id":"t","anchor":{"kind":"resource","value":"y"},"share":{"by":"table","table":"sessions","parts":[{"workload":"a"}]},"from":"2026-05-01"}],` +
		`"weights":[{"table":"sessions","workload":"a","from":"2026-05-01","to":"2026-05-02","weight":"1"},{"table":"sessions","workload":"a","from":"2026-05-02","weight":"12"}]}`
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Errorf("stored form (-want +got):\n%s", d)
	}
	d, err := attribution.DecodeClaims(b)
	if err != nil || string(d.AppendJSON(nil)) != want {
		t.Errorf("read again: %s, %v", d.AppendJSON(nil), err)
	}
	rev := c.Revision(month(t, "2026-05"))
	c.Weights[0].Value = decimal.NewFromInt(13)
	if rev == c.Revision(month(t, "2026-05")) {
		t.Error("a weight does not change the revision")
	}
	if april := month(t, "2026-04"); c.Revision(april) != (&attribution.Claims{}).Revision(april) {
		t.Error("weights of May change the revision of April")
	}
	for in, want := range map[string]string{
		`{"by":"even","parts":[{"share":{}}]}`:                              "line 1: claim 1 \"f\": a share of a share",
		`{"by":"fixed","parts":[{"workload":"a","weight":-1}]}`:             `weight -1 is negative`,
		`{"by":"fixed","parts":[{"workload":"a","weight":"many"}]}`:         `field "weight": "many"`,
		`{"by":"fixed","parts":[{"workload":"a","weight":1e99}]}`:           `too many digits`,
		`{"by":"fixed","parts":[{"workload":"a","weight":0}]}`:              `claim "f", from 2026-05-01 on: a share that cannot be split: the weights add up to zero`,
		`{"by":"even","parts":[{"workload":"a"}]},"workload":"b"`:           `a workload or a share, not both`,
		`{"by":"even","parts":[{"workload":"a"}],"else":1}`:                 `unknown field "else"`,
		`{"by":"fixed","parts":[{"workload":"a","weight":1,"weight":"2"}]}`: `given twice`,
	} {
		_, err := attribution.ParseClaims("c.json", []byte(`{"version":1,"claims":[{"id":"f","anchor":{"kind":"resource","value":"x"},"share":`+in+`,"from":"2026-05-01"}]}`))
		if !errors.Is(err, attribution.ErrClaims) || !strings.Contains(err.Error(), want) {
			t.Errorf("share %s: error %v, want %q", in, err, want)
		}
	}
}

func TestIndexKeepsItsShares(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("x")))
	c := &attribution.Claims{Claims: []attribution.Claim{shared("s", "resource", "x", "", attribution.Share{By: attribution.ByWeight, Parts: parts("b=1,a=3")})}}
	ix, err := attribution.NewIndex(c, nil, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	s := c.Claims[0].Target.(attribution.Share)
	if s.Parts[0].Workload != "b" {
		t.Errorf("making an index reordered the caller's parts: %+v", s.Parts)
	}
	s.Parts[0].Weight = decimal.NewFromInt(9)
	if got := costs(attribute(t, p, ix, nil).Workloads()); got != "a 0.75, b 0.25" {
		t.Errorf("workloads have %s, want a 0.75, b 0.25: a later change took effect", got)
	}
}
