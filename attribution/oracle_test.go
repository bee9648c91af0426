package attribution_test

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"regexp"
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

// The oracle decides raw rows one by one, by nested loops over the claims as
// written. It shares no function with the package: own expressions for ARNs, own
// bucket cut, own precedence.

// verdict is what the oracle says of a row.
type verdict struct{ outcome, reason, workload string }

var (
	reAssumed = regexp.MustCompile(`^arn:([^:]+):sts::([0-9]{12}):assumed-role/([^/]+)(?:/.*)?$`)
	reIAM     = regexp.MustCompile(`^arn:([^:]+):iam::([0-9]{12}):(role|user)/(?:.*/)?([^/]+)$`)
	reHash    = regexp.MustCompile(`^(AWSReservedSSO_.+)_[0-9a-f]{16}$`)
	reShape   = regexp.MustCompile(`^arn:([^:]+):bedrock:([^:]*):([^:]*):(agent-runtime|memory-store)/(.*)$`)
	rePart    = regexp.MustCompile(`^arn:[^:]+:([^:]+):([^:]+):([^:]*):(.+)$`)
	reProfile = regexp.MustCompile(`^arn:[^:]+:bedrock:[^:]*:[^:]*:application-inference-profile/`)
)

// who reads a principal: partition, account, kind and name.
func who(kind, value, account string) [4]string {
	name := func(s string) string { return reHash.ReplaceAllString(s, "$1") }
	if m := reAssumed.FindStringSubmatch(value); m != nil {
		return [4]string{m[1], m[2], "role", name(m[3])}
	}
	if m := reIAM.FindStringSubmatch(value); m != nil {
		if m[3] == "role" {
			m[4] = name(m[4])
		}
		return [4]string{m[1], m[2], m[3], m[4]}
	}
	if kind == "role" {
		value = name(value)
	}
	return [4]string{"", account, kind, value}
}

// what reads a resource id: its text without partition and alias, and whether it
// names its account.
func what(id string) (text string, isARN, owned bool) {
	if m := reShape.FindStringSubmatch(id); m != nil {
		kind := map[string]string{"agent-runtime": "runtime", "memory-store": "memory"}[m[4]]
		id = "arn:" + m[1] + ":bedrock-agentcore:" + m[2] + ":" + m[3] + ":" + kind + "/" + m[5]
	}
	m := rePart.FindStringSubmatch(id)
	if m == nil {
		return id, false, false
	}
	return strings.Join(m[1:], ":"), true, regexp.MustCompile(`^[0-9]{12}$`).MatchString(m[3])
}

// oracleMatch says by which link of the chain a claim's anchor is on a row, and
// how closely: the lower the closer.
func oracleMatch(c *attribution.Claim, li *cur.LineItem, links []string, hashed bool) (link string, distance int, ok bool) {
	a := c.Anchor
	if a.Kind == "session" && slices.Contains(links, "principal") {
		distance, ok = oracleSession(a, li.Principal, hashed)
		return "principal", distance, ok
	}
	elsewhere := a.Account != "" && a.Account != li.UsageAccount
	anywhere := 0
	if a.Account == "" {
		anywhere = 1
	}
	switch a.Kind {
	case "role", "user":
		if li.Principal == "" {
			return
		}
		want, got := who(string(a.Kind), a.Value, a.Account), who("user", li.Principal, li.UsageAccount)
		return "principal", 0, want[1] == got[1] && want[2] == got[2] && want[3] == got[3] && (want[0] == "" || want[0] == got[0])
	case "resource", "profile":
		link = "resource"
		if reProfile.MatchString(a.Value) {
			link = "profile"
		}
		want, isARN, owned := what(a.Value)
		got, gotARN, _ := what(li.Resource)
		if !isARN {
			return link, anywhere, !gotARN && want == got && !elsewhere
		}
		if isARN != gotARN || !owned && elsewhere {
			return
		}
		return link, strings.Count(got, "/") - strings.Count(want, "/"), got == want || strings.HasPrefix(got, want+"/")
	case "session":
		parts := strings.Split(li.Resource, "/")
		if text, isARN, _ := what(li.Resource); isARN {
			tail := strings.SplitN(text, ":", 4)[3]
			parts = strings.FieldsFunc(tail, func(r rune) bool { return r == '/' || r == ':' })[1:]
		}
		for _, p := range parts {
			if elsewhere || p == "" {
				continue
			}
			if prefix, open := strings.CutSuffix(a.Value, "*"); open && strings.HasPrefix(p, prefix) {
				return "session", 1000 - 2*len(prefix) + anywhere, true
			}
			if p == a.Value {
				return "session", anywhere, true
			}
		}
	case "tag":
		key, value, _ := strings.Cut(a.Value, "=")
		got, _ := li.Column(cur.Column(key))
		return "tag", 0, got == value
	case "account":
		return "account", 0, a.Value == li.UsageAccount
	}
	return "", 0, false
}

// reSession reads an anchor of a session: partition and account of an ARN, role,
// name, and whether more may follow.
var reSession = regexp.MustCompile(`^(?:arn:([^:]+):sts::([0-9]{12}):assumed-role/)?(?:([^/]+)/)?([^/*]+)(\*?)$`)

// oracleSession says how closely a claim's session is that of a principal: closer
// than any claim on its role, which has distance 0.
func oracleSession(a attribution.Anchor, principal string, hashed bool) (distance int, ok bool) {
	m := reSession.FindStringSubmatch(a.Value)
	p := regexp.MustCompile(`^arn:([^:]+):sts::([0-9]{12}):assumed-role/([^/]+)/(.+)$`).FindStringSubmatch(principal)
	if m == nil || p == nil || a.Account != "" && a.Account != p[2] {
		return 0, false
	}
	role := reHash.ReplaceAllString(p[3], "$1")
	switch {
	case m[1] != "" && m[1] != p[1], m[2] != "" && m[2] != p[2], m[3] != "" && reHash.ReplaceAllString(m[3], "$1") != role:
		return 0, false
	case m[3] == "" && a.Account != "":
		distance = 1
	case m[3] == "":
		distance = 2
	}
	if m[5] == "" {
		return distance - 1_000_000, m[4] == p[4]
	}
	return distance - 3*len(m[4]) - 3000, strings.HasPrefix(p[4], m[4]) && !hashed
}

// oracleKind is the charge kind.
func oracleKind(t string) string {
	kinds := map[string]string{"Usage": "usage", "SavingsPlanCoveredUsage": "usage", "RIFee": "commitment",
		"Credit": "credit", "Refund": "refund", "Tax": "tax", "Fee": "fee"}
	if k := kinds[t]; k != "" {
		return k
	}
	if strings.HasSuffix(t, "Discount") {
		return "discount"
	}
	return "other"
}

// oracleBucket is the start of the row's bucket.
func oracleBucket(li *cur.LineItem, finest cur.Span) time.Time {
	length := li.IntervalEnd.Sub(li.IntervalStart)
	y, m, d := li.IntervalStart.Date()
	switch {
	case length > 24*time.Hour:
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case length > time.Hour || finest != cur.Hour || li.UsageEnd.Sub(li.UsageStart) > time.Hour:
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m, d, li.IntervalStart.Hour(), 0, 0, 0, time.UTC)
}

// oracleChain is the order of links of a row's product; nil is out of scope.
func oracleChain(li *cur.LineItem, infrastructure []string) (links []string, infra bool) {
	aws := li.BillingEntity == "AWS" || li.BillingEntity == ""
	market := li.BillingEntity == "AWS Marketplace" && strings.Contains(strings.ToLower(li.ProductName), "bedrock")
	agentCore := []string{"session", "resource", "tag", "account"}
	switch {
	case li.ProductCode == "AmazonBedrockAgentCore" && (aws || market):
		return agentCore, false
	case li.ProductCode == "AmazonCognito" && strings.Contains(li.UsageType, "Bedrock-Agent-Core:"):
		return agentCore, false
	case market, aws && slices.Contains([]string{"AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels"}, li.ProductCode):
		return []string{"principal", "profile", "resource", "tag", "account"}, false
	case slices.Contains(infrastructure, li.ProductCode):
		return []string{"resource", "tag"}, true
	}
	return nil, false
}

func oracle(claims []attribution.Claim, li *cur.LineItem, infrastructure []string, finest cur.Span, hashed bool) verdict {
	kind := oracleKind(li.LineItemType)
	links, infra := oracleChain(li, infrastructure)
	if links == nil {
		return verdict{outcome: "excluded", reason: "out_of_scope"}
	}
	bucket := oracleBucket(li, finest)
	early := false
	type hit struct {
		claim    *attribution.Claim
		distance int
	}
	for _, link := range links {
		var hits []hit
		for i := range claims {
			c := &claims[i]
			l, distance, ok := oracleMatch(c, li, links, hashed)
			if l == "profile" && !slices.Contains(links, "profile") {
				l = "resource"
			}
			if !ok || l != link || (link == "tag" || link == "account") && kind != "usage" {
				continue
			}
			if bucket.Before(c.From) || !c.To.IsZero() && !bucket.Before(c.To) {
				early = true
				continue
			}
			hits = append(hits, hit{c, distance})
		}
		if len(hits) == 0 {
			continue
		}
		slices.SortFunc(hits, func(a, b hit) int { return a.distance - b.distance })
		switch {
		case len(hits) > 1 && hits[1].distance == hits[0].distance && kind == "usage":
			return verdict{outcome: "unclaimed", reason: "conflict"}
		case len(hits) > 1 && hits[1].distance == hits[0].distance:
			return verdict{outcome: "unallocated", reason: kind}
		case link == "account":
			return verdict{outcome: "defaulted", workload: string(hits[0].claim.Target.(attribution.Whole).Workload)}
		}
		return verdict{outcome: "claimed", workload: string(hits[0].claim.Target.(attribution.Whole).Workload)}
	}
	// A claim of a later link is not looked at for "early" above once a link
	// won; nothing won here, so all were.
	switch {
	case infra:
		return verdict{outcome: "excluded", reason: "infrastructure_unclaimed"}
	case kind != "usage":
		return verdict{outcome: "unallocated", reason: kind}
	case early:
		return verdict{outcome: "unclaimed", reason: "claim_not_in_force"}
	case links[0] == "principal" && li.Principal != "", links[0] == "session" && li.Resource != "":
		return verdict{outcome: "unclaimed", reason: "no_claim"}
	case links[0] == "principal":
		return verdict{outcome: "unclaimed", reason: "principal_blank"}
	}
	return verdict{outcome: "unclaimed", reason: "resource_blank"}
}

var tenantTag = cur.Column("iamPrincipal/tenant")

// family is resources and anchors that have to do with one another. A case draws
// from one or two of them, so that claims meet rows, contain one another and tie.
type family struct {
	resources []string
	anchors   []attribution.Anchor
}

var families = func() []family {
	const managed = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
	shape := func(tail string) string { return "arn:aws:bedrock:us-east-1:" + acct1 + ":" + tail }
	a := func(kind attribution.AnchorKind, value, account string) attribution.Anchor {
		return attribution.Anchor{Kind: kind, Value: value, Account: account}
	}
	return []family{
		{[]string{arn("runtime/a-1"), arn("runtime/a-1/runtime-endpoint/DEFAULT"), arn("runtime/a-10"), shape("agent-runtime/a-1"), shape("agent-runtime/a-1/runtime-endpoint/DEFAULT")},
			[]attribution.Anchor{a("resource", arn("runtime/a-1"), ""), a("resource", arn("runtime/a-1/runtime-endpoint/DEFAULT"), acct1), a("resource", shape("agent-runtime/a-1/runtime-endpoint"), ""),
				a("session", "DEFAULT", ""), a("session", "runtime", ""), a("resource", shape("agent-runtime/a-10"), "")}},
		{[]string{shape("memory-store/m-1"), arn("memory/m-1"), "arn:aws-us-gov:bedrock-agentcore:us-east-1:" + acct1 + ":memory/m-1"},
			[]attribution.Anchor{a("resource", shape("memory-store/m-1"), ""), a("resource", arn("memory/m-1"), ""), a("session", "m-1", acct2), a("session", "memory", "")}},
		{[]string{managed, managed + "/session/sess-1", managed + "/session/sess-12"},
			[]attribution.Anchor{a("resource", managed, acct1), a("resource", managed, acct2), a("resource", managed+"/session/sess-1", acct1), a("session", "sess-1", ""), a("session", "sess-1*", "")}},
		{[]string{"dir/sess-1/sess-12", "dir/sess-1", arn("browser-custom/b-1/sess-1/sess-12")},
			[]attribution.Anchor{a("session", "sess-1", ""), a("session", "sess-1", acct1), a("session", "sess-12", ""), a("session", "sess-1*", acct1), a("session", "sess*", ""), a("session", "sess*", acct1), a("resource", "dir/sess-1", "")}},
		{[]string{"store-7", "arn:aws:lambda:us-east-1:" + acct1 + ":function:f"},
			[]attribution.Anchor{a("resource", "store-7", ""), a("resource", "store-7", acct1), a("resource", "store-7", acct2), a("resource", "arn:aws:lambda:us-east-1:"+acct1+":function:f", "")}},
		{[]string{shape("application-inference-profile/p-1"), "arn:aws:bedrock:us-east-1::foundation-model/m"},
			[]attribution.Anchor{a("profile", shape("application-inference-profile/p-1"), ""), a("resource", shape("application-inference-profile/p-1"), acct1), a("resource", "arn:aws:bedrock:us-east-1::foundation-model/m", acct1)}},
	}
}()

// common are anchors that any row may have.
var common = []attribution.Anchor{
	{Kind: "role", Value: "App", Account: acct1}, {Kind: "role", Value: "arn:aws:iam::" + acct1 + ":role/team/App"}, {Kind: "role", Value: "arn:aws-cn:iam::" + acct1 + ":role/App"},
	{Kind: "role", Value: "arn:aws:sts::" + acct2 + ":assumed-role/App"}, {Kind: "role", Value: "AWSReservedSSO_Ops", Account: acct1},
	{Kind: "user", Value: "arn:aws:iam::" + acct1 + ":user/bob"}, {Kind: "user", Value: "App", Account: acct1},
	{Kind: "tag", Value: string(teamTag) + "=a"}, {Kind: "tag", Value: string(teamTag) + "=b"}, {Kind: "tag", Value: string(tenantTag) + "=a"},
	{Kind: "account", Value: acct1}, {Kind: "account", Value: acct2},
}

// sessionsOfRoles are anchors that only groups with their sessions can tell apart.
var sessionsOfRoles = []attribution.Anchor{
	{Kind: "session", Value: "arn:aws:sts::" + acct1 + ":assumed-role/App/s1"}, {Kind: "session", Value: "App/s1", Account: acct1}, {Kind: "session", Value: "s1"},
	{Kind: "session", Value: "s2", Account: acct1}, {Kind: "session", Value: "s", Account: acct2}, {Kind: "session", Value: "s*"}, {Kind: "session", Value: "App/s*", Account: acct1},
	{Kind: "session", Value: "arn:aws-cn:sts::" + acct1 + ":assumed-role/App/s*"}, {Kind: "session", Value: "ann@example.com"}, {Kind: "session", Value: "AWSReservedSSO_Ops/ann*", Account: acct1},
}

func drawFamilies(t *rapid.T) (f family) {
	f.resources, f.anchors = []string{""}, slices.Clone(common)
	for range rapid.IntRange(1, 2).Draw(t, "families") {
		one := rapid.SampledFrom(families).Draw(t, "family")
		// Twice, for the common anchors are many.
		f.resources, f.anchors = append(f.resources, one.resources...), append(append(f.anchors, one.anchors...), one.anchors...)
	}
	return f
}

func (f family) drawRow(t *rapid.T) *cur.LineItem {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	start := time.Date(2026, 5, rapid.IntRange(1, 4).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, time.UTC)
	li := &cur.LineItem{
		Payer: "999999999999", BillingPeriod: cur.MonthOf(start), Currency: "USD",
		BillingEntity: pick("entity", "AWS", "AWS", "AWS", "", "AWS Marketplace"),
		ProductCode:   pick("product", "AmazonBedrockAgentCore", "AmazonBedrockAgentCore", "AmazonBedrock", "AmazonBedrockFoundationModels", "AmazonCognito", "AWSLambda", "AmazonEC2", "abc123"),
		ProductName:   pick("name", "", "Claude (Amazon Bedrock Edition)", "Something else"),
		UsageType:     pick("usage type", "USE1-Runtime:Consumption-based:vCPU", "APN1-Bedrock-Agent-Core:Auth-Request:Oauth2", "USE1-Claude-input-tokens", "USE1-odd"),
		LineItemType:  pick("type", "Usage", "Usage", "Usage", "SavingsPlanCoveredUsage", "Credit", "Refund", "Tax", "Fee", "RIFee", "EdpDiscount", "Odd"),
		UsageAccount:  pick("account", acct1, acct2),
		Principal: pick("principal", "", "arn:aws:sts::"+acct1+":assumed-role/App/s1", "arn:aws:sts::"+acct1+":assumed-role/App/s2",
			"arn:aws-cn:sts::"+acct1+":assumed-role/App/s", "arn:aws:sts::"+acct2+":assumed-role/App/s", "arn:aws:iam::"+acct1+":role/x/App",
			"arn:aws:iam::"+acct1+":user/dev/bob", "arn:aws:iam::"+acct1+":root", "arn:aws:sts::"+acct1+":assumed-role/AWSReservedSSO_Ops_0123456789abcdef/ann@example.com"),
		Resource:      pick("resource", f.resources...),
		IntervalStart: start, IntervalEnd: start.Add(time.Hour), UsageStart: start, UsageEnd: start.Add(time.Hour),
	}
	switch pick("length", "hour", "hour", "day", "month", "tax") {
	case "day":
		li.IntervalStart = start.Truncate(24 * time.Hour)
		li.IntervalEnd = li.IntervalStart.AddDate(0, 0, 1)
	case "month":
		li.IntervalStart, li.IntervalEnd = li.BillingPeriod.Start(), li.BillingPeriod.End()
	case "tax":
		li.UsageEnd = li.BillingPeriod.End()
	}
	for _, c := range []cur.Column{teamTag, tenantTag} {
		li.SetColumn(c, pick("tag", "", "", "a", "b"))
	}
	if err := li.Set(cur.UnblendedCost, decimal.New(rapid.Int64Range(-5000, 50000).Draw(t, "mills"), -3)); err != nil {
		t.Fatal(err)
	}
	return li
}

func (f family) drawClaims(t *rapid.T) []attribution.Claim {
	var out []attribution.Claim
	for i := range rapid.IntRange(0, 14).Draw(t, "claims") {
		c := attribution.Claim{ID: attribution.ClaimID(fmt.Sprintf("c-%02d", i)), Anchor: rapid.SampledFrom(f.anchors).Draw(t, "anchor"),
			Target: attribution.Whole{Workload: attribution.WorkloadID(rapid.SampledFrom([]string{"w-1", "w-2", "w-3"}).Draw(t, "workload"))}}
		// Boundaries inside buckets, on them, and minutes beside them.
		instant := func(name string) time.Time {
			return time.Date(2026, 4, 29, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 7*24).Draw(t, name))*time.Hour +
				time.Duration(rapid.SampledFrom([]int{0, 0, 1, 30}).Draw(t, name+" minutes"))*time.Minute)
		}
		if rapid.IntRange(0, 2).Draw(t, "since") > 0 {
			c.From = instant("from")
		}
		if rapid.Bool().Draw(t, "ends") {
			if c.To = instant("to"); !c.To.After(c.From) {
				continue
			}
		}
		// Overlaps on one anchor are refused when saved; what is refused is
		// tested elsewhere.
		if (&attribution.Claims{Claims: append(slices.Clone(out), c)}).Validate(nil) == nil {
			out = append(out, c)
		}
	}
	return out
}

// total is what the oracle and the statement are compared by.
type total struct {
	Rows int64
	Cost string
}

func TestAssignmentByGroupsEqualsARowByRowOracle(t *testing.T) {
	rounds := 10 // of as many cases as rapid runs
	switch {
	case os.Getenv("SPENDCLAIM_LONG") == "1":
		rounds = 100
	case testing.Short():
		rounds = 1
	}
	for range rounds {
		rapid.Check(t, checkAgainstOracle)
	}
	t.Logf("%d rounds of rapid's cases, 100 unless told", rounds)
}

func checkAgainstOracle(t *rapid.T) {
	f := drawFamilies(t)
	rows := rapid.SliceOfN(rapid.Custom(f.drawRow), 0, 40).Draw(t, "rows")
	withSessions, hashed := rapid.Bool().Draw(t, "sessions"), rapid.Bool().Draw(t, "hashed")
	if withSessions {
		f.anchors = append(f.anchors, sessionsOfRoles...)
	}
	rules := &attribution.Rules{}
	if hashed {
		rules.SessionKey = []byte("a key of the caller's own")
	}
	claims := slices.DeleteFunc(f.drawClaims(t), func(c attribution.Claim) bool {
		return (&attribution.Claims{Claims: []attribution.Claim{c}}).Validate(rules) != nil // beginnings of what is hashed
	})
	infrastructure := []string{"AWSLambda"}
	finest := rapid.SampledFrom([]cur.Span{cur.Day, cur.Hour}).Draw(t, "bucket")
	rules.Scope = attribution.Scope{Infrastructure: infrastructure}
	rollup := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}, Bucket: finest}
	if rapid.Bool().Draw(t, "scope only") {
		rollup.Where = rules.Scope.Where()
	}
	p, err := rollup.Rows(seq(rows))
	if err != nil {
		t.Fatal(err)
	}
	shuffled := rapid.Permutation(claims).Draw(t, "order")
	ix, err := attribution.NewIndex(&attribution.Claims{Claims: shuffled}, rules, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	var sessions *cur.Partial
	if withSessions {
		rollup.Sessions, rollup.SessionKey = true, rules.SessionKey
		if sessions, err = rollup.Rows(seq(rows)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := attribution.Attribute(context.Background(), p, ix, &attribution.Options{Sessions: sessions})
	if err != nil || len(all) != 1 {
		t.Fatalf("Attribute: %d statements, %v", len(all), err)
	}
	st := all[0]
	if !st.Reconciled {
		t.Errorf("not reconciled: %v, %v", st.Differences, st.Incomplete)
	}

	want := map[verdict]total{}
	sums := map[verdict]*big.Rat{}
	for _, li := range rows {
		who := *li
		if !withSessions {
			who.Principal = cur.Role(li.Principal)
		}
		v := oracle(claims, &who, infrastructure, finest, hashed)
		// A row's own key is assigned as its group is.
		k := cur.KeyOf(li, finest).WithColumns(p.Spec().Columns, tagValues(li, p.Spec().Columns))
		k.Principal = who.Principal
		if a := ix.Assign(k); (verdict{string(a.Outcome), string(a.Reason), string(a.Workload)}) != v {
			t.Errorf("row %s %s %q %q %q at %s: Assign = %s %s %s, oracle %v", li.ProductCode, li.LineItemType, li.Principal, li.Resource,
				li.UsageAccount, k.Bucket, a.Outcome, a.Reason, a.Workload, v)
		}
		if sums[v] == nil {
			sums[v] = new(big.Rat)
		}
		cost, _ := li.UnblendedCost()
		sums[v].Add(sums[v], cost.Rat())
		want[v] = total{want[v].Rows + 1, sums[v].RatString()}
	}
	got := map[verdict]total{}
	for o, x := range st.Outcomes() {
		for r, y := range x.Reasons {
			got[verdict{string(o), string(r), ""}] = total{y.Rows, y.Unblended.Rat().RatString()}
		}
	}
	for o, ws := range map[string][]attribution.WorkloadTotal{"claimed": st.Workloads(), "defaulted": st.Defaulted()} {
		for _, w := range ws {
			got[verdict{o, "", string(w.Workload)}] = total{w.Rows, w.Unblended.Rat().RatString()}
		}
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); d != "" {
		t.Errorf("totals by outcome, reason and workload (-oracle +statement):\n%s", d)
	}
	onePerRow(t, rows, st)
}

func tagValues(li *cur.LineItem, columns []cur.Column) (out []string) {
	for _, c := range columns {
		v, _ := li.Column(c)
		out = append(out, v)
	}
	return out
}

// onePerRow checks that every row has exactly one outcome, and a known one.
func onePerRow(t *rapid.T, rows []*cur.LineItem, st *attribution.Statement) {
	known := []attribution.Outcome{attribution.Claimed, attribution.Shared, attribution.Defaulted, attribution.Spread,
		attribution.Unclaimed, attribution.Unallocated, attribution.Excluded, attribution.Rejected}
	var n int64
	for o, x := range st.Outcomes() {
		n += x.Rows
		var reasons int64
		for _, r := range x.Reasons {
			reasons += r.Rows
		}
		if len(x.Reasons) > 0 && reasons != x.Rows {
			t.Errorf("outcome %s: reasons have %d rows of %d", o, reasons, x.Rows)
		}
		if !slices.Contains(known, o) {
			t.Errorf("unknown outcome %q", o)
		}
	}
	if n != int64(len(rows)) {
		t.Errorf("outcomes have %d rows of %d", n, len(rows))
	}
}
