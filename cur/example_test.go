package cur_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
)

// report is a tiny report in the legacy spelling. Costs have exponents, as AWS prints
// them.
const report = `bill/PayerAccountId,bill/BillingPeriodStartDate,identity/TimeInterval,lineItem/LineItemType,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost,lineItem/CurrencyCode,resourceTags/user:team
111122223333,2026-05-01T00:00:00Z,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrock,USE1-Nova-input-tokens,1.81E-8,USD,support
111122223333,2026-05-01T00:00:00Z,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrock,USE1-Nova-input-tokens,2.5,USD,support
111122223333,2026-05-01T00:00:00Z,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonEC2,USE1-BoxUsage:m5.large,12,USD,
`

// files stands for a folder of downloaded reports; Local reads a real one.
func files() cur.Source {
	return cur.FS(fstest.MapFS{"may.csv": {Data: []byte(report), ModTime: time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)}})
}

func Example() {
	ctx := context.Background()
	sets, err := cur.Locate(ctx, files(), "may.csv")
	if err != nil {
		log.Fatal(err)
	}
	rollup := cur.Rollup{
		Where: cur.Where{Any: []cur.Clause{{{Column: cur.ColProductCode, Op: cur.In, Values: []string{"AmazonBedrock"}}}}},
		Keys:  []cur.Column{"resourceTags/user:team"},
	}
	rolled, err := rollup.Run(ctx, sets[0])
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range rolled {
		fmt.Printf("%s %s as of %s\n", d.Delivery.Payer, d.Delivery.Period, d.Delivery.AsOf.Format(time.DateOnly))
		for _, g := range d.Partial.Groups() {
			team, _ := g.Key.Column("resourceTags/user:team")
			fmt.Printf("group %s %s %s: %d rows, %s\n", g.Key.Bucket, g.Key.UsageType, team, g.Rows, g.Sum(cur.UnblendedCost))
		}
		for r := range d.Partial.Rest() {
			fmt.Printf("rest %s: %s\n", r.Key.ProductCode, r.Sum(cur.UnblendedCost))
		}
		for _, c := range d.Partial.Control() {
			fmt.Printf("control %s %s: %s\n", c.Key.LineItemType, c.Key.Currency, c.Sum(cur.UnblendedCost))
		}
	}
	// Output:
	// 111122223333 2026-05 as of 2026-06-03
	// group 2026-05-04 USE1-Nova-input-tokens support: 2 rows, 2.5000000181
	// rest AmazonEC2: 12
	// control Usage USD: 14.5000000181
}

func ExampleNewReader() {
	ctx := context.Background()
	f, err := files().Open(ctx, "may.csv")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := cur.NewReader(ctx, f, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(r.Format())
	for li, err := range r.All() {
		if err != nil {
			log.Fatal(err)
		}
		cost, _ := li.UnblendedCost()
		_, net := li.NetUnblendedCost()
		team, _ := li.Column("resourceTags/user:team")
		fmt.Printf("%s %s %q, net cost known: %v\n", li.ProductCode, cost, team, net)
	}
	// Output:
	// legacy CUR
	// AmazonBedrock 0.0000000181 "support", net cost known: false
	// AmazonBedrock 2.5 "support", net cost known: false
	// AmazonEC2 12 "", net cost known: false
}

func ExampleWhere() {
	// Bedrock as AWS sells it, or a model sold through the Marketplace.
	w := cur.Where{Any: []cur.Clause{
		{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS"}},
			{Column: cur.ColProductCode, Op: cur.Prefix, Values: []string{"AmazonBedrock"}}},
		{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS Marketplace"}},
			{Column: cur.ColProductName, Op: cur.Contains, Values: []string{"bedrock"}}},
	}}
	for _, k := range []cur.Key{
		{BillingEntity: "AWS", ProductCode: "AmazonBedrockAgentCore"},
		{BillingEntity: "AWS Marketplace", ProductCode: "8u4h2abc", ProductName: "Claude (Amazon Bedrock Edition)"},
		{BillingEntity: "AWS", ProductCode: "AmazonEC2"},
	} {
		fmt.Println(k.ProductCode, w.MatchKey(&k))
	}
	// Output:
	// AmazonBedrockAgentCore true
	// 8u4h2abc true
	// AmazonEC2 false
}

// Another engine, such as a query service, computed the groups.
func ExampleNewPartial() {
	may, err := cur.ParseMonth("2026-05")
	if err != nil {
		log.Fatal(err)
	}
	var sums cur.Measures
	sums.Rows = 1200
	if err := sums.Put(cur.UnblendedCost, decimal.RequireFromString("205.0000000012")); err != nil {
		log.Fatal(err)
	}
	day := cur.Bucket{Start: may.Start().Unix(), Span: cur.Day}
	spec := (&cur.Rollup{}).Spec()
	p, err := cur.NewPartial(spec, cur.Contents{
		Measures: 1 << cur.UnblendedCost,
		Columns:  []cur.Column{cur.ColProductCode, cur.ColBillingPeriod},
		Groups:   []cur.Group{{Key: cur.Key{ProductCode: "AmazonBedrock", BillingPeriod: may, Bucket: day}, Measures: sums}},
		Control:  []cur.Control{{Key: cur.ControlKey{BillingPeriod: may}, Measures: sums}},
	})
	if err != nil {
		log.Fatal(err)
	}
	back, err := cur.DecodePartial(p.AppendBody(nil))
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range back.Groups() {
		fmt.Println(g.Key.Bucket, g.Key.ProductCode, g.Rows, g.Sum(cur.UnblendedCost))
	}
	fmt.Println(back.Digest() == p.Digest(), back.HasColumn(cur.ColPrincipal))
	// Output:
	// 2026-05-01 AmazonBedrock 1200 205.0000000012
	// true false
}

// Rows of any source are rolled up alike.
func ExampleRollup_Rows() {
	at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	rows := func(yield func(*cur.LineItem, error) bool) {
		li := &cur.LineItem{BillingPeriod: cur.MonthOf(at), UsageStart: at, ProductCode: "AmazonBedrock", LineItemType: "Usage",
			Principal: "arn:aws:sts::111122223333:assumed-role/support/session-1"}
		if err := li.Set(cur.UnblendedCost, decimal.RequireFromString("0.1")); err != nil {
			yield(nil, err)
			return
		}
		for range 3 {
			if !yield(li, nil) {
				return
			}
		}
	}
	p, err := (&cur.Rollup{}).Rows(rows)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range p.Groups() {
		fmt.Println(g.Key.Principal, g.Rows, g.Sum(cur.UnblendedCost))
	}
	// Output:
	// arn:aws:sts::111122223333:assumed-role/support 3 0.3
}

// Parts of a month, rolled up apart, add up to the month.
func ExampleMerge() {
	day := func(n int) *cur.Partial {
		at := time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC)
		p, err := (&cur.Rollup{Bucket: cur.MonthSpan}).Rows(func(yield func(*cur.LineItem, error) bool) {
			li := &cur.LineItem{BillingPeriod: cur.MonthOf(at), UsageStart: at, ProductCode: "AmazonBedrock"}
			if err := li.Set(cur.UnblendedCost, decimal.New(int64(n), -2)); err != nil {
				yield(nil, err)
				return
			}
			yield(li, nil)
		})
		if err != nil {
			log.Fatal(err)
		}
		return p
	}
	month, err := cur.Merge(day(1), day(2), day(3))
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range month.Groups() {
		fmt.Println(g.Key.Bucket, g.Rows, g.Sum(cur.UnblendedCost))
	}
	// Output:
	// 2026-05 3 0.06
}

func ExampleInspect() {
	definition := `{"Export": {"Name": "ai-costs", "DataQuery": {
		"QueryStatement": "SELECT * FROM COST_AND_USAGE_REPORT",
		"TableConfigurations": {"COST_AND_USAGE_REPORT": {"TIME_GRANULARITY": "DAILY", "INCLUDE_RESOURCES": "TRUE"}}}}}`
	found, err := cur.Inspect("export.json", []byte(definition), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range found[0].Lacking() {
		fmt.Println(c.Code, "is missing; needed for:", c.Need)
	}
	// Output:
	// caller_identity is missing; needed for: owner
	// caller_tags is missing; needed for: detail
}
