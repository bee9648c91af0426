package pricing_test

import (
	"os"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/samples"
	"github.com/spendclaim/spendclaim/pricing"
)

// TestDefaultCardReproducesTheFacts reads testdata/rates.tsv: every rate that a
// public source shows as a Price List SKU or as measured on a bill. The row is
// classified as a bill's would be, and the card must have the figure for it.
func TestDefaultCardReproducesTheFacts(t *testing.T) {
	c := defaultCard(t)
	priced := 0
	for i, f := range tsv(t, "testdata/rates.tsv", 7) {
		class := pricing.Classify(pricing.Usage{ProductCode: f[0], UsageType: f[1], ProductName: f[2], PricingUnit: f[3]})
		if class.Region != f[5] {
			t.Errorf("row %d: region %q, want %q", i+1, class.Region, f[5])
		}
		if class.Component == pricing.ModelOther {
			continue // images and reserved throughput: no rates of the default card
		}
		unit, err := pricing.ParseUnit(f[3], class.Component)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := c.Lookup(pricing.Query{Meter: class.Meter(), Region: class.Region, Currency: "USD", At: day("2026-09-11")})
		if err != nil {
			t.Errorf("row %d: %v", i+1, err)
			continue
		}
		if want := unit.Price(dec(f[4])); !got.Price().Equal(want) {
			t.Errorf("row %d: %s costs %s each, want %s", i+1, f[1], got.Price(), want)
		}
		if !strings.Contains(f[6], "SKU") && !got.Status.Usable() {
			t.Errorf("row %d: measured, but %s", i+1, got.Status)
		}
		priced++
	}
	if priced < 34 {
		t.Errorf("%d facts priced, want at least 34", priced)
	}
}

// TestMeasuredQuotients holds rates against cost and quantity as a bill printed
// them. A printed figure stands for all that round to it, so the rate must fit
// some pair of them; everything is multiplied out, nothing divided.
func TestMeasuredQuotients(t *testing.T) {
	half := func(d decimal.Decimal) decimal.Decimal { return decimal.New(5, d.Exponent()-1) }
	for _, tt := range []struct {
		component      pricing.Component
		cost, quantity string
	}{
		{pricing.RuntimeVCPU, "0.4695", "5.2458"},
		{pricing.RuntimeMemory, "4.2176", "446.3055"},
		{pricing.GatewayInvocation, "0.0096", "1917"},
	} {
		t.Run(string(tt.component), func(t *testing.T) {
			r, err := defaultCard(t).Lookup(at(tt.component, "2026-08-15"))
			if err != nil {
				t.Fatal(err)
			}
			cost, quantity := dec(tt.cost), dec(tt.quantity)
			least, err := r.Cost(quantity.Sub(half(quantity)))
			if err != nil {
				t.Fatal(err)
			}
			most, err := r.Cost(quantity.Add(half(quantity)))
			if err != nil {
				t.Fatal(err)
			}
			if least.GreaterThan(cost.Add(half(cost))) || most.LessThan(cost.Sub(half(cost))) {
				t.Errorf("%s of %s costs %s to %s at %s, but %s was billed", tt.quantity, r.Unit, least, most, r.Price(), tt.cost)
			}
		})
	}
}

// TestSourceDocumentExample is the figure that the source document plans with: 100
// sessions a day of 2 minutes at 1 vCPU and 2 GB, for 30 days.
func TestSourceDocumentExample(t *testing.T) {
	c := defaultCard(t)
	total := decimal.Zero
	for component, hours := range map[pricing.Component]string{pricing.CodeInterpreterVCPU: "100", pricing.CodeInterpreterMemory: "200"} {
		r, err := c.Lookup(at(component, "2026-05-01"))
		if err != nil {
			t.Fatal(err)
		}
		cost, err := r.Cost(dec(hours))
		if err != nil {
			t.Fatal(err)
		}
		total = total.Add(cost)
	}
	if !total.Equal(dec("10.84")) {
		t.Errorf("total = %s, want 10.84", total)
	}
}

// TestPriceListSamplesEqualTheFacts loads the price-list samples and asks them for
// every fact that was taken from a SKU.
func TestPriceListSamplesEqualTheFacts(t *testing.T) {
	rates := map[string]pricing.Rate{} // by SKU
	for _, name := range []string{"bulk-AmazonBedrock-ap-northeast-1.trimmed.json", "bulk-AmazonBedrockFoundationModels-ap-northeast-1.trimmed.json"} {
		f, err := os.Open(samples.Path(t, "pricelist", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := pricing.ReadPriceList(f, nil)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Rates {
			rates[r.ID] = r
		}
		if _, err := pricing.NewRateCard(list.Rates); err != nil {
			t.Errorf("%s does not make a card: %v", name, err)
		}
	}
	for region := range map[string]bool{"us-east-1": true, "us-west-2": true} {
		list, err := pricing.ReadProducts(t.Context(), sampleProducts(t, region), "AmazonBedrock", region, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Rates {
			rates[r.ID] = r
		}
	}
	held := 0
	for i, f := range tsv(t, "testdata/rates.tsv", 7) {
		sku, ok := strings.CutPrefix(f[6], "SKU ")
		if !ok {
			continue
		}
		got, ok := rates[sku]
		if !ok {
			t.Errorf("row %d: no rate was loaded for SKU %s", i+1, sku)
			continue
		}
		unit, err := pricing.ParseUnit(f[3], got.Meter.Component)
		if err != nil {
			t.Fatal(err)
		}
		if want := unit.Price(dec(f[4])); !got.Price().Equal(want) || got.Unit != unit || got.Region != f[5] {
			t.Errorf("row %d: SKU %s is %s per %s in %s, want %s per %s in %s", i+1, sku, got.Price(), got.Unit, got.Region, want, unit, f[5])
		}
		held++
	}
	if held != len(rates) {
		t.Errorf("%d of %d loaded rates were held against a fact", held, len(rates))
	}
	reserved := rates["PE8QZD4N4PAHR393"]
	if reserved.Status != pricing.Conflicting || reserved.Meter.Tier != pricing.Reserved {
		t.Errorf("reserved throughput, whose unit says 1M and whose description says 1K, is %s %s; want reserved, conflicting", reserved.Meter.Tier, reserved.Status)
	}
}

// TestOfferSamplesEqualTheCard loads the rate cards of both vendors.
func TestOfferSamplesEqualTheCard(t *testing.T) {
	load := func(name string, o *pricing.OfferOptions) *pricing.PriceList {
		f, err := os.Open(samples.Path(t, "pricelist", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		list, err := pricing.ReadOffers(f, o)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	c := defaultCard(t)
	claude := load("marketplace-ratecard-claude-opus-5.json", &pricing.OfferOptions{From: day("2026-08-31")})
	if len(claude.Rates) != 28 {
		t.Errorf("Claude's card makes %d rates, want 28", len(claude.Rates))
	}
	for _, r := range claude.Rates {
		got, err := c.Lookup(pricing.Query{Meter: r.Meter, Region: r.Region, Currency: r.Currency, At: r.From})
		if err != nil {
			t.Error(err)
		} else if !got.Price().Equal(r.Price()) {
			t.Errorf("%s is %s in the default card and %s in the offer", r.Meter, got.Price(), r.Price())
		}
	}

	openai := load("marketplace-ratecard-openai-gpt-5.6-sol.json", &pricing.OfferOptions{From: day("2026-08-31"), Region: "us-east-1", Model: "OpenAI GPT-5.6 sol"})
	oc, err := pricing.NewRateCard(openai.Rates)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		meter pricing.Meter
		want  string // per million
	}{
		{pricing.Meter{Component: pricing.ModelInput}, "5.5"},
		{pricing.Meter{Component: pricing.ModelCacheRead, Tier: pricing.Priority}, "1.1"},
		{pricing.Meter{Component: pricing.ModelCacheWrite5m, Tier: pricing.Flex}, "3.4375"},
		{pricing.Meter{Component: pricing.ModelOutput, LongContext: true}, "49.5"},
		{pricing.Meter{Component: pricing.ModelOutput, LongContext: true, Routing: pricing.Global, Tier: pricing.Batch}, "22.5"},
	} {
		tt.meter.Model = "openai.gpt-5.6-sol"
		got, err := oc.Lookup(pricing.Query{Meter: tt.meter, Region: "us-east-1", Currency: "USD", At: day("2026-09-01")})
		if err != nil {
			t.Error(err)
		} else if want := dec(tt.want).Shift(-6); !got.Price().Equal(want) {
			t.Errorf("%s = %s, want %s", tt.meter, got.Price(), want)
		}
	}
}

// TestEveryFactIsReviewed holds the reviewed files against the collection of facts
// they were taken from, where it is at hand beside the samples.
func TestEveryFactIsReviewed(t *testing.T) {
	path := samples.Path(t, "..", "facts", "usage-types.tsv")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no facts beside the samples: %v", err)
	}
	reviewed, priced := map[string]bool{}, map[string]bool{}
	for _, f := range tsv(t, "testdata/usage-types.tsv", 9) {
		reviewed[f[0]+" "+f[1]] = true
	}
	for _, f := range tsv(t, "testdata/rates.tsv", 7) {
		priced[strings.Join([]string{f[0], f[1], f[3], f[4], f[5]}, " ")] = true
	}
	for i, f := range tsv(t, path, 7) {
		if !reviewed[f[0]+" "+f[1]] {
			t.Errorf("row %d: %s %s is not among the reviewed usage types", i+1, f[0], f[1])
		}
		if class := pricing.Classify(pricing.Usage{ProductCode: f[0], UsageType: f[1]}); class.Region != f[5] {
			t.Errorf("row %d: %s is of region %q, want %q", i+1, f[1], class.Region, f[5])
		}
		tag, _, _ := strings.Cut(f[6], "]")
		if verbatim := tag == "[verbatim-sku" || strings.HasPrefix(tag, "[measured"); verbatim && !priced[strings.Join([]string{f[0], f[1], f[3], f[4], f[5]}, " ")] {
			t.Errorf("row %d: the rate of %s is not among the priced facts", i+1, f[1])
		}
	}
}
