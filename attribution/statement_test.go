package attribution_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func TestStatementTotals(t *testing.T) {
	rt, store := arn("runtime/bot-1"), arn("memory/store-1")
	vcpu := func(li *cur.LineItem) { li.UsageType = "USE1-Runtime:Consumption-based:vCPU" }
	memory := func(li *cur.LineItem) {
		li.UsageType, li.PricingUnit = "USE1-Runtime:Consumption-based:Memory", "GB-Hours"
	}
	rows := []*cur.LineItem{
		row(t, "2026-05-02", "1.5", both(agent(rt), vcpu)),
		row(t, "2026-05-03", "2.25", both(agent(rt+"/runtime-endpoint/e"), vcpu)),
		row(t, "2026-05-03", "0.0000000001", both(agent(rt), memory)),
		row(t, "2026-05-03", "7", both(agent(rt), memory, func(li *cur.LineItem) { li.PricingUnit = "MB-Hours" })),
		row(t, "2026-05-04", "-0.5", both(agent(rt), kind("Credit"))),
		row(t, "2026-05-05", "3", agent(store)),
		row(t, "2026-05-09", "4", agent(store)),
		row(t, "2026-05-05", "100", both(agent(store), func(li *cur.LineItem) { li.UsageAccount = acct2 })),
		row(t, "2026-05-05", "5", kind("Tax")),
		row(t, "2026-05-05", "50", func(li *cur.LineItem) { li.ProductCode = "AmazonS3" }),
		row(t, "2026-05-05", "6", both(agent("r"), tagged("a"))),
	}
	p := roll(t, rows...)
	claims := &attribution.Claims{
		Claims: []attribution.Claim{claim("bot", "resource", rt, ""), claim("rest", "account", acct2, ""), claim("tag", "tag", string(teamTag)+"=a", "")},
		Workloads: []attribution.Workload{{ID: "w-bot", Name: "Bot", Owner: "ann", Portfolio: "P"},
			{ID: "unused", Name: "Unused"}},
	}
	ix, err := attribution.NewIndex(claims, nil, p.Spec())
	if err != nil {
		t.Fatal(err)
	}
	st := attribute(t, p, ix, nil)
	if !st.Reconciled || len(st.Warnings)+len(st.Incomplete) != 0 {
		t.Fatalf("reconciled %v, differences %v, incomplete %v, warnings %v", st.Reconciled, st.Differences, st.Incomplete, st.Warnings)
	}

	eq(t, "total", st.Totals, 11, "178.2500000001")
	eq(t, "control", st.Control, 11, "178.2500000001")
	outcomes := st.Outcomes()
	if len(outcomes) != 5 {
		t.Errorf("outcomes %v, want five", outcomes)
	}
	eq(t, "claimed", outcomes[attribution.Claimed].Amounts, 6, "16.2500000001")
	eq(t, "defaulted", outcomes[attribution.Defaulted].Amounts, 1, "100")
	eq(t, "unclaimed", outcomes[attribution.Unclaimed].Amounts, 2, "7")
	eq(t, "no claim", outcomes[attribution.Unclaimed].Reasons[attribution.ReasonNoClaim], 2, "7")
	eq(t, "unallocated tax", outcomes[attribution.Unallocated].Reasons["tax"], 1, "5")
	eq(t, "out of scope", outcomes[attribution.Excluded].Reasons[attribution.ReasonOutOfScope], 1, "50")
	eq(t, "usage", st.LineTypes()["Usage"], 9, "173.7500000001")
	eq(t, "S3", st.Products()["AmazonS3"], 1, "50")

	ws := st.Workloads()
	if len(ws) != 2 || ws[0].Workload != "w-bot" || ws[1].Workload != "w-tag" {
		t.Fatalf("workloads %+v, want w-bot and w-tag", ws)
	}
	bot := ws[0]
	if bot.Name != "Bot" || bot.Owner != "ann" || bot.Portfolio != "P" {
		t.Errorf("workload %+v", bot)
	}
	eq(t, "bot", bot.Amounts, 5, "10.2500000001")
	eq(t, "bot's credit", bot.Other[attribution.Credit], 1, "-0.5")
	type comp struct{ component, group, unit, usage, unblended string }
	var got []comp
	for _, c := range bot.Components {
		got = append(got, comp{string(c.Component), string(c.Group), c.Unit, c.Usage.Decimal.String(), c.Unblended.String()})
	}
	want := []comp{{"runtime_vcpu", "runtime", "vCPU-Hours", "2", "3.75"},
		{"runtime_memory", "runtime", "GB-Hours", "1", "0.0000000001"}, {"runtime_memory", "runtime", "MB-Hours", "1", "7"}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(comp{})); d != "" {
		t.Errorf("components (-want +got):\n%s", d)
	}
	if ds := st.Defaulted(); len(ds) != 1 || ds[0].Workload != "w-rest" || ds[0].Name != "" {
		t.Errorf("defaulted %+v, want w-rest alone", ds)
	}
	us := st.Unclaimed()
	if len(us) != 1 {
		t.Fatalf("unclaimed %+v, want one entry", us)
	}
	u := us[0]
	if u.Kind != "resource" || u.Anchor != store || u.Account != acct1 || u.Region != "us-east-1" || u.Reason != "no_claim" ||
		!u.FirstSeen.Equal(at(t, "2026-05-05")) || !u.LastSeen.Equal(at(t, "2026-05-09")) || len(u.Components) != 1 {
		t.Errorf("unclaimed %+v", u)
	}
	if over := st.Overridden(); len(over) != 0 {
		t.Errorf("overridden %+v, want none", over)
	}
}

func eq(t *testing.T, what string, got attribution.Amounts, rows int64, unblended string) {
	t.Helper()
	if got.Rows != rows || got.Unblended.String() != unblended {
		t.Errorf("%s: %d rows, %s, want %d, %s", what, got.Rows, got.Unblended, rows, unblended)
	}
}

func TestOverriddenMoneyIsSummed(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "3", model(appRole, "arn:aws:bedrock:us-east-1:"+acct1+":application-inference-profile/x")),
		row(t, "2026-05-03", "4", model(appRole, "")))
	st := attribute(t, p, index(t, p, nil, claim("role", "role", "App", acct1), claim("acct", "account", acct1, ""),
		claim("profile", "profile", "arn:aws:bedrock:us-east-1:"+acct1+":application-inference-profile/x", "")), nil)
	over := st.Overridden()
	if len(over) != 2 || over[0].Claim.ID != "acct" || over[1].Claim.ID != "profile" {
		t.Fatalf("overridden %+v, want acct and profile", over)
	}
	eq(t, "account", over[0].Amounts, 2, "7")
	eq(t, "profile", over[1].Amounts, 1, "3")
}

func TestLinesAddUp(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "3", agent("r")), row(t, "2026-05-04", "4", agent("s")),
		row(t, "2026-05-04", "5", func(li *cur.LineItem) { li.Currency = "EUR" }))
	all, err := attribution.Attribute(t.Context(), p, index(t, p, nil, claim("c", "resource", "s", "")), nil)
	if err != nil || len(all) != 2 || all[0].Currency != "EUR" || all[1].Currency != "USD" {
		t.Fatalf("Attribute = %v, %v, want EUR and USD", all, err)
	}
	usd := decimal.Zero
	var owners []attribution.WorkloadID
	for l := range all[1].Lines() {
		usd = usd.Add(l.Amounts.Unblended)
		owners = append(owners, l.Workload)
		if l.Key.Currency != "USD" || l.Measures.Rows != 1 {
			t.Errorf("line %+v", l)
		}
	}
	if usd.String() != "7" || !slices.Equal(owners, []attribution.WorkloadID{"", "w-c"}) {
		t.Errorf("lines have %s of %q, want 7 of nobody and w-c", usd, owners)
	}
	for range all[1].Lines() {
		break // leaving early is fine
	}
	for _, st := range all {
		if !st.Reconciled {
			t.Errorf("%s: %v", st.Currency, st.Differences)
		}
	}
}

func TestStateAndCompleteThrough(t *testing.T) {
	invoiced := func(li *cur.LineItem) { li.InvoiceID = "inv-1" }
	tests := []struct {
		name    string
		asOf    string
		horizon int
		rows    []*cur.LineItem
		columns []cur.Column
		state   attribution.State
		through string
	}{
		{"during the month", "2026-05-25T12:00:00Z", 0, []*cur.LineItem{row(t, "2026-05-03", "1", nil)}, []cur.Column{cur.ColInvoiceID}, "open", "2026-05-23"},
		{"invoiced before the end is open", "2026-05-31T23:59:59Z", 0, []*cur.LineItem{row(t, "2026-05-03", "1", invoiced)}, []cur.Column{cur.ColInvoiceID}, "open", "2026-05-29"},
		{"at the end", "2026-06-01T00:00:00Z", 0, []*cur.LineItem{row(t, "2026-05-03", "1", nil)}, []cur.Column{cur.ColInvoiceID}, "provisional", "2026-05-30"},
		{"some usage without invoice", "2026-06-05T00:00:00Z", 3, []*cur.LineItem{row(t, "2026-05-03", "1", invoiced), row(t, "2026-05-04", "1", nil)}, []cur.Column{cur.ColInvoiceID}, "provisional", "2026-06-02"},
		{"some usage out of scope without invoice", "2026-06-05T00:00:00Z", 0, []*cur.LineItem{row(t, "2026-05-03", "1", invoiced), row(t, "2026-05-04", "1", func(li *cur.LineItem) { li.ProductCode = "AmazonS3" })}, []cur.Column{cur.ColInvoiceID}, "provisional", "2026-06-03"},
		{"only tax without invoice", "2026-06-05T00:00:00Z", -1, []*cur.LineItem{row(t, "2026-05-03", "1", invoiced), row(t, "2026-05-04", "1", kind("Tax"))}, []cur.Column{cur.ColInvoiceID}, "invoiced", "2026-06-05"},
		{"no column", "2026-06-05T00:00:00Z", 0, []*cur.LineItem{row(t, "2026-05-03", "1", nil)}, nil, "", "2026-06-03"},
		{"no as-of", "", 0, []*cur.LineItem{row(t, "2026-05-03", "1", invoiced)}, []cur.Column{cur.ColInvoiceID}, "", ""},
		{"as-of in another zone", "2026-05-25T00:30:00+09:00", 0, []*cur.LineItem{row(t, "2026-05-03", "1", nil)}, []cur.Column{cur.ColInvoiceID}, "open", "2026-05-22"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := withColumns(t, roll(t, tt.rows...), tt.columns)
			o := &attribution.Options{Horizon: tt.horizon}
			if tt.asOf != "" {
				v, err := time.Parse(time.RFC3339, tt.asOf)
				if err != nil {
					t.Fatal(err)
				}
				o.Delivery.AsOf = v
			}
			st := attribute(t, p, index(t, p, nil), o)
			through := ""
			if !st.CompleteThrough.IsZero() {
				through = st.CompleteThrough.Format(time.DateOnly)
			}
			if st.State != tt.state || through != tt.through {
				t.Errorf("state %q, complete through %q, want %q, %q", st.State, through, tt.state, tt.through)
			}
			if st.Delivery.Period.String() != "2026-05" || st.Delivery.Payer != "999999999999" {
				t.Errorf("delivery %+v, want the payer and period of the rows", st.Delivery)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	all := []cur.Column{cur.ColPayer, cur.ColCurrency, cur.ColBillingEntity, cur.ColBillingPeriod, cur.ColLineItemType}
	one := row(t, "2026-05-03", "1", agent("r"))
	april := row(t, "2026-05-03", "1", func(li *cur.LineItem) { li.BillingPeriod = month(t, "2026-04") })
	blank := row(t, "2026-05-03", "1", nil)
	*blank = cur.LineItem{Payer: blank.Payer, BillingPeriod: blank.BillingPeriod, BillingEntity: "AWS", ProductCode: "AmazonS3", LineItemType: "Usage",
		Currency: "USD", IntervalStart: blank.IntervalStart, IntervalEnd: blank.IntervalEnd}
	var absent []attribution.Note
	for _, c := range []cur.Column{cur.ColBillingEntity, cur.ColBillingPeriod, cur.ColPayer, cur.ColCurrency, cur.ColLineItemType} {
		absent = append(absent, attribution.Note{Code: "column_absent", Column: c, Rows: 1})
	}
	tests := []struct {
		name                 string
		rows                 []*cur.LineItem
		columns              []cur.Column
		incomplete, warnings []attribution.Note
	}{
		{"nothing to note", []*cur.LineItem{one}, all, nil, nil},
		{"defaults", []*cur.LineItem{one}, nil, nil, absent},
		{"rows of another period", []*cur.LineItem{one, april, april}, all, nil, []attribution.Note{{Code: "foreign_period", Column: cur.ColBillingPeriod, Rows: 2}}},
		{"usage of an unknown component", []*cur.LineItem{row(t, "2026-05-03", "1", func(li *cur.LineItem) { li.UsageType = "USE1-Novelty" }), row(t, "2026-05-03", "1", both(kind("Credit"), func(li *cur.LineItem) { li.UsageType = "" }))},
			all, nil, []attribution.Note{{Code: "unknown_component", Column: cur.ColUsageType, Rows: 1}}},
		{"an unknown type out of scope", []*cur.LineItem{one, row(t, "2026-05-03", "1", both(kind("New"), func(li *cur.LineItem) { li.ProductCode = "AmazonS3" }))},
			all, nil, []attribution.Note{{Code: "unknown_line_item_type", Column: cur.ColLineItemType, Rows: 1}}},
		{"a blank cost", []*cur.LineItem{one, blank}, all, []attribution.Note{{Code: "cost_blank", Column: "line_item_unblended_cost", Rows: 1}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := roll(t, tt.rows...)
			c := contents(p)
			c.Columns, c.Measures = tt.columns, c.Measures&^(1<<cur.NetUnblendedCost)
			p, err := cur.NewPartial(p.Spec(), c)
			if err != nil {
				t.Fatal(err)
			}
			st := attribute(t, p, index(t, p, nil), &attribution.Options{Delivery: cur.Delivery{Period: month(t, "2026-05")}})
			if d := cmp.Diff(tt.incomplete, st.Incomplete); d != "" {
				t.Errorf("incomplete (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.warnings, st.Warnings); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
			if want := tt.incomplete == nil; st.Reconciled != want {
				t.Errorf("reconciled %v, want %v: %v", st.Reconciled, want, st.Differences)
			}
		})
	}
}

// Components are looked for in scope only, and reasons know the report's columns.
func TestNotesAndReasonsOfAReportWithFewColumns(t *testing.T) {
	p := rollWith(t, cur.Rollup{}, []*cur.LineItem{row(t, "2026-05-03", "1", model("", "")), row(t, "2026-05-03", "2", func(li *cur.LineItem) { li.ProductCode = "AmazonS3" })})
	p = withColumns(t, p, []cur.Column{cur.ColPayer, cur.ColCurrency, cur.ColBillingEntity, cur.ColBillingPeriod, cur.ColLineItemType, cur.ColResource})
	st := attribute(t, p, index(t, p, nil), nil)
	for _, n := range st.Warnings {
		if n.Code == "unknown_component" {
			t.Errorf("warning %v of a row out of scope", n)
		}
	}
	if us := st.Unclaimed(); len(us) != 1 || us[0].Reason != attribution.ReasonPrincipalNotExported || us[0].Kind != "" || us[0].Anchor != "" {
		t.Errorf("unclaimed %+v, want one entry without an anchor: principal_not_exported", us)
	}
}

func TestUnclaimedIsInOrderOfCost(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("a")), row(t, "2026-05-03", "3", agent("b")), row(t, "2026-05-03", "2", agent("c")), row(t, "2026-05-03", "2", agent("d")))
	var got []string
	for _, u := range attribute(t, p, index(t, p, nil), nil).Unclaimed() {
		got = append(got, u.Anchor)
	}
	if want := []string{"b", "c", "d", "a"}; !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestRowsLeftUnread(t *testing.T) {
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), RestUnread: true}
	p := rollWith(t, r, []*cur.LineItem{row(t, "2026-05-03", "1", agent("r")), row(t, "2026-05-03", "2", func(li *cur.LineItem) { li.ProductCode = "AmazonS3" })})
	st := attribute(t, p, index(t, p, nil), nil)
	if d := cmp.Diff([]attribution.Note{{Code: "rest_unread", Rows: 1}}, st.Incomplete); d != "" || st.Reconciled {
		t.Errorf("reconciled %v, incomplete (-want +got):\n%s", st.Reconciled, d)
	}
}

func TestNoRows(t *testing.T) {
	p := roll(t)
	st := attribute(t, p, index(t, p, nil), &attribution.Options{Delivery: cur.Delivery{Period: month(t, "2026-05"), AsOf: at(t, "2026-06-05")}})
	if !st.Reconciled || st.Totals.Rows != 0 || !st.Totals.Unblended.IsZero() || st.State != attribution.Invoiced || len(st.Warnings) != 0 {
		t.Errorf("statement of no rows: %+v", st)
	}
}

func TestAttributeStopsWithItsContext(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", nil))
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := attribution.Attribute(ctx, p, index(t, p, nil), nil); !errors.Is(err, why) {
		t.Errorf("Attribute = %v, want %v", err, why)
	}
}
