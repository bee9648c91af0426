package governance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

const (
	foundPayer            = "999999999999"
	appTag     cur.Column = "resourceTags/user:app"
)

func onDay(s string) time.Time {
	v, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return v
}

// used is a row of AgentCore's runtime on one day.
func used(day, cost, resource string, edits ...func(*cur.LineItem)) *cur.LineItem {
	start := onDay(day)
	li := &cur.LineItem{Payer: foundPayer, BillingPeriod: cur.MonthOf(start), BillingEntity: "AWS",
		ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours",
		LineItemType: "Usage", Currency: "USD", UsageAccount: accountA, Region: "us-east-1", Resource: resource,
		IntervalStart: start, IntervalEnd: start.AddDate(0, 0, 1), UsageStart: start, UsageEnd: start.AddDate(0, 0, 1)}
	if err := errors.Join(li.Set(cur.UnblendedCost, dec(cost)), li.Set(cur.Usage, decimal.NewFromInt(1))); err != nil {
		panic(err)
	}
	for _, e := range edits {
		e(li)
	}
	return li
}

// calls makes a row one of model calls by a role.
func calls(role string) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		li.ProductCode, li.UsageType, li.PricingUnit = "AmazonBedrock", "USE1-Claude4.6Sonnet-input-tokens", "1K tokens"
		li.Principal, li.Resource = "arn:aws:sts::"+li.UsageAccount+":assumed-role/"+role, ""
	}
}

func as(role string) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		li.Principal = "arn:aws:sts::" + li.UsageAccount + ":assumed-role/" + role
	}
}

func core(tail string) string { return "arn:aws:bedrock-agentcore:us-east-1:" + accountA + ":" + tail }

// billed makes a statement of rows.
func billed(t testing.TB, asOf string, claims *attribution.Claims, rows ...*cur.LineItem) *attribution.Statement {
	t.Helper()
	r := &cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: []cur.Column{appTag}}
	p, err := r.Rows(func(yield func(*cur.LineItem, error) bool) {
		for _, li := range rows {
			if !yield(li, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if claims == nil {
		claims = &attribution.Claims{}
	}
	ix, err := attribution.NewIndex(claims, nil, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	when, err := time.Parse(time.RFC3339, asOf+"T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	period := cur.MonthOf(when)
	if len(rows) > 0 {
		period = rows[0].BillingPeriod
	}
	d := cur.Delivery{Payer: foundPayer, Period: period, AsOf: when}
	all, err := attribution.Attribute(t.Context(), p, ix, &attribution.Options{Delivery: d})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func discover(t testing.TB, o *DiscoverOptions, s ...*attribution.Statement) *Discovery {
	t.Helper()
	d, err := Discover(nil, o, s...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sketch writes the applications with their anchors and what groups them, for comparison.
func sketch(d *Discovery) (out []string) {
	for _, a := range d.Applications {
		line := string(a.ID) + " " + a.Spend.String() + ":"
		for _, x := range a.Anchors {
			line += " " + ownName(x.Anchor)
		}
		for _, r := range a.Reasons {
			if r.Code != codeAccount && r.Code != codeRegion {
				line += " [" + r.Code + " " + r.Value + "]"
			}
		}
		out = append(out, line)
	}
	return out
}

func TestDiscoverGroups(t *testing.T) {
	claimed := &attribution.Claims{Claims: []attribution.Claim{{ID: "c1", From: onDay("2026-05-01"),
		Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: core("runtime/legacy-Aa1Bb2Cc3D")}, Target: attribution.Whole{Workload: "legacy"}}}}
	tag := func(v string) func(*cur.LineItem) {
		return func(li *cur.LineItem) {
			li.SetColumn(appTag, v)
		}
	}
	tests := []struct {
		name   string
		claims *attribution.Claims
		opt    *DiscoverOptions
		rows   []*cur.LineItem
		want   []string
	}{
		{"by the beginning of their names, not by what they are", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders_intake-Aa1Bb2Cc3D")), used("2026-05-04", "2", core("memory/orders_memory-Aa1Bb2Cc3D")),
			used("2026-05-04", "1", core("runtime/agent_runtime-Aa1Bb2Cc3D")),
		}, []string{
			"found-orders-820723250459 5: orders_intake orders_memory [naming orders]",
			"found-agent-runtime-820723250459 1: agent_runtime [alone ]",
		}},
		{"by role, and the role's own calls with them", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/x1-Aa1Bb2Cc3D"), as("RunnerOfNine")), used("2026-05-04", "2", core("memory/y2-Aa1Bb2Cc3D"), as("RunnerOfNine")),
			used("2026-05-04", "4", "", calls("RunnerOfNine")),
		}, []string{"found-runner-of-nine-820723250459 9: RunnerOfNine x1 y2 [execution_role RunnerOfNine]"}},
		{"not by a role that everybody has", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/x1-Aa1Bb2Cc3D"), as("shared-svc")), used("2026-05-04", "2", core("memory/y2-Aa1Bb2Cc3D"), as("shared-svc")),
		}, []string{"found-x1-820723250459 3: x1 [alone ]", "found-y2-820723250459 2: y2 [alone ]"}},
		{"by tag", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/x1-Aa1Bb2Cc3D"), tag("billing")), used("2026-05-04", "2", core("memory/y2-Aa1Bb2Cc3D"), tag("billing")),
		}, []string{"found-billing-820723250459 5: x1 y2 [tag resourceTags/user:app=billing]"}},
		{"never across accounts", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders-Aa1Bb2Cc3D")),
			used("2026-05-04", "2", strings.Replace(core("runtime/orders-Aa1Bb2Cc3D"), accountA, accountB, 1), func(li *cur.LineItem) { li.UsageAccount = accountB }),
		}, []string{"found-orders-820723250459 3: orders [alone ]", "found-orders-341755902216 2: orders [alone ]"}},
		{"by name only within a region, with names of their own", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders-Aa1Bb2Cc3D")),
			used("2026-05-04", "2", strings.Replace(core("runtime/orders-Aa1Bb2Cc3D"), "us-east-1", "eu-west-1", 1), func(li *cur.LineItem) { li.Region = "eu-west-1" }),
		}, []string{"found-orders-820723250459-c090a478 3: orders [alone ]", "found-orders-820723250459-e80346ae 2: orders [alone ]"}},
		{"an endpoint is its runtime", nil, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders-Aa1Bb2Cc3D")), used("2026-05-04", "2", core("runtime/orders-Aa1Bb2Cc3D/runtime-endpoint/DEFAULT")),
		}, []string{"found-orders-820723250459 5: orders [alone ]"}},
		{"claims without a request keep together, and apart from what is like them", claimed, nil, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/legacy-Aa1Bb2Cc3D")), used("2026-05-04", "2", core("memory/legacy-Aa1Bb2Cc3D")),
		}, []string{"legacy 3: legacy [claims legacy]", "found-legacy-820723250459 2: legacy [alone ] [beside legacy]"}},
		{"words of the organisation say nothing", nil, &DiscoverOptions{Dull: []string{"ACME"}}, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/acme_orders-Aa1Bb2Cc3D")), used("2026-05-04", "2", core("memory/acme_fraud-Aa1Bb2Cc3D")),
		}, []string{"found-acme-orders-820723250459 3: acme_orders [alone ]", "found-acme-fraud-820723250459 2: acme_fraud [alone ]"}},
		{"what a request names is its own", nil, &DiscoverOptions{Known: []KnownApplication{{Ref{Kind: KindRequest, Workload: "orders", ID: "found"}, RequestDrafted,
			[]attribution.Anchor{{Kind: attribution.KindResource, Value: core("runtime/orders-Aa1Bb2Cc3D")}}}}}, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders-Aa1Bb2Cc3D")),
		}, []string{"orders 3: orders [request request/orders/found]"}},
		{"what was handed over is awaited", nil, &DiscoverOptions{HandedOver: []attribution.Anchor{{Kind: attribution.KindResource, Value: core("runtime/orders-Aa1Bb2Cc3D")}}}, []*cur.LineItem{
			used("2026-05-04", "3", core("runtime/orders-Aa1Bb2Cc3D")),
		}, nil},
		{"nothing", nil, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := discover(t, tt.opt, billed(t, "2026-05-25", tt.claims, tt.rows...))
			if diff := cmp.Diff(sketch(got), tt.want); diff != "" {
				t.Errorf("(-got +want):\n%s", diff)
			}
			checkSums(t, got)
		})
	}
}

// checkSums demands that the amounts of a discovery add up.
func checkSums(t interface {
	Helper()
	Errorf(string, ...any)
}, d *Discovery) {
	t.Helper()
	sum := decimal.Zero
	for _, a := range d.Applications {
		anchors := decimal.Zero
		for _, x := range a.Anchors {
			anchors = anchors.Add(x.Spend)
		}
		if !anchors.Equal(a.Spend) {
			t.Errorf("%s: anchors hold %s, the application %s", a.ID, anchors, a.Spend)
		}
		sum = sum.Add(a.Spend)
	}
	if !sum.Equal(d.Unapproved) {
		t.Errorf("applications hold %s of %s", sum, d.Unapproved)
	}
	if all := d.Approved.Add(d.Beyond).Add(d.Awaiting).Add(d.Nameless).Add(d.Unapproved); !all.Equal(d.Usage) {
		t.Errorf("the parts are %s of %s", all, d.Usage)
	}
}

// TestDiscoverProperties: every anchor without an approval is in one application, the
// amounts add up, and the order of rows changes nothing.
func TestDiscoverProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := rapid.SampledFrom([]string{"orders", "orders_memory", "fraud-review", "fraud_bot", "agent", "x", "", "Ordering"})
		n := rapid.IntRange(0, 25).Draw(r, "rows")
		var rows []*cur.LineItem
		for range n {
			li := used(fmt.Sprintf("2026-05-%02d", rapid.IntRange(1, 28).Draw(r, "day")), fmt.Sprintf("%d.%04d", rapid.IntRange(-1, 9).Draw(r, "cost"), rapid.IntRange(0, 9999).Draw(r, "cents")), "")
			if rapid.Bool().Draw(r, "other account") {
				li.UsageAccount = accountB
			}
			li.Region = rapid.SampledFrom([]string{"us-east-1", "eu-west-1", ""}).Draw(r, "region")
			switch name := names.Draw(r, "name"); rapid.IntRange(0, 3).Draw(r, "kind") {
			case 0:
				calls(name)(li)
			case 1:
				li.Resource = "arn:aws:bedrock-agentcore:us-east-1:" + li.UsageAccount + ":memory/" + name
			case 2:
				li.Resource = "arn:aws:bedrock-agentcore:us-east-1:" + li.UsageAccount + ":runtime/" + name + "/runtime-endpoint/v1"
				as("RunnerOf" + name)(li)
			case 3:
				li.Resource = name // what names nobody
			}
			rows = append(rows, li)
		}
		claims := &attribution.Claims{}
		if rapid.Bool().Draw(r, "claimed") {
			claims.Claims = []attribution.Claim{{ID: "c", From: onDay("2026-05-10"), Target: attribution.Whole{Workload: "w"},
				Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: core("memory/orders")}}}
		}
		s := billed(t, "2026-05-25", claims, rows...)
		got := discover(t, nil, s)
		checkSums(r, got)
		seen, want := map[string]int{}, map[string]bool{}
		f := &finder{names: map[attribution.Anchor]string{}}
		for l := range s.Groups() {
			if l.Anchor.Value != "" && l.Kind == attribution.Usage && l.Product != "" {
				a := whole(l.Anchor)
				if a.Account == "" {
					a.Account = l.Key.UsageAccount
				}
				want[l.Key.UsageAccount+" "+f.identity(a)] = true
			}
		}
		ids := map[attribution.WorkloadID]bool{}
		for _, a := range got.Applications {
			if ids[a.ID] {
				r.Errorf("two applications %s", a.ID)
			}
			ids[a.ID] = true
			if err := checkID("workload", string(a.ID)); err != nil {
				r.Errorf("%v", err)
			}
			d := a.Draft()
			if err := d.check(true); err != nil {
				r.Errorf("draft of %s: %v", a.ID, err)
			}
			for _, x := range a.Anchors {
				seen[x.Account+" "+x.identity]++
			}
		}
		for k := range want {
			if seen[k] != 1 {
				r.Errorf("%s is in %d applications", k, seen[k])
			}
		}
		if len(seen) != len(want) {
			r.Errorf("%d anchors found of %d", len(seen), len(want))
		}
		shuffled := rapid.Permutation(rows).Draw(r, "order")
		if again := discover(t, nil, billed(t, "2026-05-25", claims, shuffled...)); asJSON(again) != asJSON(got) {
			r.Errorf("in another order:\n%s\n%s", asJSON(again), asJSON(got))
		}
	})
}

func TestDiscoverSuggestsABudget(t *testing.T) {
	d := discover(t, nil, billed(t, "2026-05-25", nil,
		used("2026-05-14", "5", core("runtime/orders")), used("2026-05-20", "2", core("runtime/orders")), used("2026-05-24", "100", core("runtime/orders"))))
	a := d.Applications[0]
	// Ten complete days, 14 to 23 May, cost 7: the 24th has not arrived.
	if a.Monthly.String() != "21" || a.Spend.String() != "107" {
		t.Errorf("%s a month, %s spent", a.Monthly, a.Spend)
	}
	q := a.Draft()
	if !q.Budget.Equal(a.Monthly) || q.Currency != "USD" || !q.Retroactive || q.Owner != "" || !q.Scope.Expires.IsZero() {
		t.Errorf("drafted %s", asJSON(q))
	}
}

func TestDiscoverRefusesStatementsThatDoNotGoTogether(t *testing.T) {
	may := billed(t, "2026-05-25", nil, used("2026-05-04", "1", core("runtime/a")))
	euro := billed(t, "2026-04-25", nil, used("2026-04-04", "1", core("runtime/a"), func(li *cur.LineItem) { li.Currency = "EUR" }))
	for name, s := range map[string][]*attribution.Statement{"two currencies": {may, euro}, "one twice": {may, may}} {
		if d, err := Discover(nil, nil, s...); !errors.Is(err, ErrStatements) || d != nil {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	if d, err := Discover(nil, nil); err != nil || len(d.Applications) != 0 {
		t.Errorf("no statement: %v, %v", d, err)
	}
}

// TestBrownfield takes one application that was found to adoption, and the other down.
func TestBrownfield(t *testing.T) {
	o := newOffice(t)
	rows := []*cur.LineItem{
		used("2026-05-04", "3", core("runtime/orders_intake-Aa1Bb2Cc3D")), used("2026-05-05", "2", core("memory/orders_memory-Aa1Bb2Cc3D")),
		used("2026-05-04", "4", "", calls("orders-runner")), used("2026-05-06", "1", core("runtime/rogue-Aa1Bb2Cc3D")),
	}
	s := billed(t, "2026-05-10", nil, rows...)
	find := func() *Discovery {
		t.Helper()
		d, err := o.desk.Discover(t.Context(), nil, s)
		if err != nil {
			t.Fatal(err)
		}
		checkSums(t, d)
		return d
	}
	d := find()
	drafted, err := o.desk.Draft(t.Context(), d)
	if err != nil || len(drafted) != 2 {
		t.Fatalf("%v, %v", drafted, err)
	}
	if again, err := o.desk.Draft(t.Context(), d); err != nil || len(again) != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	if again, err := o.desk.Draft(t.Context(), find()); err != nil || len(again) != 0 {
		t.Errorf("found again: %v, %v", again, err)
	}
	orders, rogue := drafted[0], drafted[1]
	body := o.subject(orders).Body.(*Request)
	if o.subject(orders).State != RequestDrafted || body.Approved != nil || len(body.Anchors) != 3 {
		t.Fatalf("drafted %s", asJSON(body))
	}

	// The owner asks, the lead approves, the engineer confirms what runs.
	q := body.RequestDetail
	q.Owner = "becki"
	o.must(Command{Actor: "becki", Subject: orders, Action: "submit", Detail: q})
	o.must(Command{Actor: "lead", Subject: orders, Action: "approve", Rationale: "useful", Detail: ApprovalDetail{Expires: noon.AddDate(1, 0, 0)}})
	adopt := Ref{Kind: KindTask, Workload: orders.Workload, ID: "found-1"}
	task := o.subject(adopt).Body.(*Task)
	if task.Type != TaskAdopt || len(task.Anchors) != 3 || !slices.Contains(task.Steps, "confirm runtime") {
		t.Fatalf("%s", asJSON(task))
	}
	o.must(Command{Actor: "eng", Subject: adopt, Action: "take"})
	for _, step := range task.Steps {
		o.must(Command{Actor: "eng", Subject: adopt, Action: "step", Detail: Step{Name: step}})
	}
	h := Handoff{ExecutionRole: "arn:aws:iam::" + accountA + ":role/orders-runner", Items: []HandoffItem{
		{Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: core("runtime/orders_intake-Aa1Bb2Cc3D")}, Component: pricing.GroupRuntime},
	}}
	handOver := Command{Actor: "eng", Subject: adopt, Action: "hand_over", Detail: h}
	if _, err := o.do(handOver); !errors.Is(err, ErrGuard) || !strings.Contains(err.Error(), "orders_memory") {
		t.Errorf("one anchor forgotten: %v", err)
	}
	memory := attribution.Anchor{Kind: attribution.KindResource, Value: core("memory/orders_memory-Aa1Bb2Cc3D")}
	for name, gone := range map[string]attribution.Anchor{"not found": {Kind: attribution.KindResource, Value: core("memory/other")}, "handed over too": h.Items[0].Anchor} {
		h.Gone = []attribution.Anchor{memory, gone}
		handOver.Detail = h
		if _, err := o.do(handOver); !errors.Is(err, ErrDetail) {
			t.Errorf("gone and %s: %v", name, err)
		}
	}
	h.Gone = []attribution.Anchor{memory}
	handOver.Detail = h
	o.must(handOver)
	if d := find(); d.Awaiting.String() != "7" || len(d.Applications) != 2 {
		t.Errorf("awaiting %s of %s, %v", d.Awaiting, d.Usage, sketch(d))
	}

	// The other is rejected and taken down.
	o.must(Command{Actor: "lead", Subject: rogue, Action: "reject", Rationale: "nobody knows it"})
	down := Ref{Kind: KindTask, Workload: rogue.Workload, ID: "found-1"}
	task = o.subject(down).Body.(*Task)
	if task.Type != TaskDecommission || len(task.Deny) != 1 || !json.Valid([]byte(task.Deny[0])) || !strings.Contains(task.Deny[0], core("runtime/rogue-Aa1Bb2Cc3D")) {
		t.Fatalf("%s", asJSON(task))
	}
	for _, ref := range []Ref{orders, rogue, adopt, down} {
		checkHistory(t, o.desk, ref)
	}
}

// TestDecommissionEndsByEvidence: whoever says that it is stopped, statements have to.
func TestDecommissionEndsByEvidence(t *testing.T) {
	o := newOffice(t)
	first := []*cur.LineItem{used("2026-05-03", "1", core("runtime/rogue-Aa1Bb2Cc3D"))}
	d := discover(t, nil, billed(t, "2026-05-04", nil, first...))
	drafted, err := o.desk.Draft(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	o.must(Command{Actor: "lead", Subject: drafted[0], Action: "reject", Rationale: "no"})
	down := Ref{Kind: KindTask, Workload: drafted[0].Workload, ID: "found-1"}
	watch := func(s ...*attribution.Statement) Watched {
		t.Helper()
		w, err := o.desk.Watch(t.Context(), s...)
		if err != nil || len(w) != 1 {
			t.Fatalf("%v, %v", w, err)
		}
		return w[0]
	}
	if w := watch(billed(t, "2026-05-30", nil, first...)); w.State != TaskOpen || w.Left == "" {
		t.Errorf("before anybody did anything: %+v", w)
	}
	take := func() {
		o.must(Command{Actor: "eng", Subject: down, Action: "take"})
		for _, step := range o.subject(down).Body.(*Task).Steps {
			o.must(Command{Actor: "eng", Subject: down, Action: "step", Detail: Step{Name: step}})
		}
	}
	take()
	handOver := Command{Actor: "eng", Subject: down, Action: "hand_over", Detail: Handoff{Note: "denied"}}
	o.must(handOver) // on 4 May
	for _, who := range []PersonID{"eng", "lead", "becki"} {
		if _, err := o.do(Command{Actor: who, Subject: down, Action: "observe_stopped", Detail: Evidence{From: onDay("2026-05-01"), Through: onDay("2026-05-30")}}); !errors.Is(err, ErrRole) {
			t.Errorf("%s says that it has stopped: %v", who, err)
		}
	}
	more := append(slices.Clone(first), used("2026-05-08", "0.5", core("runtime/rogue-Aa1Bb2Cc3D/runtime-endpoint/DEFAULT")))
	if w := watch(billed(t, "2026-05-10", nil, more...)); w.State != TaskInProgress || !w.Evidence.Spend.Equal(dec("1.5")) {
		t.Errorf("it spends on the fourth day after: %+v", w)
	}
	o.now = onDay("2026-05-10").Add(time.Hour)
	o.must(handOver)
	// Complete through 14 May are six quiet days, through 15 May seven.
	if w := watch(billed(t, "2026-05-16", nil, more...)); w.State != TaskHandedOver || w.Left != "condition not met: quiet: quiet for 6 days of 7" {
		t.Errorf("six days: %+v", w)
	}
	other := billed(t, "2026-05-17", nil, more...)
	other.Delivery.Payer = "111111111111"
	if w := watch(other); w.State != TaskHandedOver {
		t.Errorf("the statement of another payer: %+v", w)
	}
	open := billed(t, "2026-05-17", nil, more...)
	open.Reconciled = false
	if w := watch(open); w.State != TaskHandedOver {
		t.Errorf("a statement that does not reconcile: %+v", w)
	}
	o.now = onDay("2026-05-17").Add(time.Hour)
	w := watch(billed(t, "2026-05-17", nil, more...))
	if w.State != TaskStopped || w.Evidence.QuietDays() != 7 {
		t.Errorf("seven days: %+v", w)
	}
	again := append(slices.Clone(more), used("2026-05-20", "0.1", core("runtime/rogue-Aa1Bb2Cc3D")))
	if w := watch(billed(t, "2026-05-22", nil, more...)); w.State != TaskStopped {
		t.Errorf("nothing new: %+v", w)
	}
	if w := watch(billed(t, "2026-05-22", nil, again...)); w.State != TaskInProgress {
		t.Errorf("it is back: %+v", w)
	}
	checkHistory(t, o.desk, down)
}

func TestEvidenceRunsAcrossMonths(t *testing.T) {
	rows := []*cur.LineItem{used("2026-04-29", "1", core("runtime/rogue"))}
	april := billed(t, "2026-05-06", nil, rows...)
	may := billed(t, "2026-05-08", nil, used("2026-05-01", "1", core("runtime/other")))
	for name, tt := range map[string]struct {
		s    []*attribution.Statement
		want int
	}{"both": {[]*attribution.Statement{may, april}, 7}, "May alone": {[]*attribution.Statement{may}, 6}, "April alone": {[]*attribution.Statement{april}, 1}, "none": {nil, 0}} {
		d := &Desk{policy: &Policy{}}
		s := &Subject{Body: &Task{TaskDetail: TaskDetail{Type: TaskDecommission, Anchors: []attribution.Anchor{{Kind: attribution.KindResource, Value: core("runtime/rogue")}}}}}
		if got := d.observe([]*Subject{s}, tt.s)[0].QuietDays(); got != tt.want {
			t.Errorf("%s: %d quiet days, want %d", name, got, tt.want)
		}
	}
}
