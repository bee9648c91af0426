package pricing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/samples"
	"github.com/spendclaim/spendclaim/pricing"
)

// dimension is one priced span of a synthetic list.
type dimension struct{ begin, end, unit, currency, price, description string }

func flat(unit, price string) dimension { return dimension{"0", "Inf", unit, "USD", price, ""} }

// product writes a synthetic product with one on-demand term, as both API's hold it.
func product(sku, usageType, name string, dims ...dimension) (product, terms map[string]any) {
	pd := map[string]any{}
	for i, d := range dims {
		pd[fmt.Sprintf("%s.T.%d", sku, i)] = map[string]any{
			"beginRange": d.begin, "endRange": d.end, "unit": d.unit, "description": d.description,
			"pricePerUnit": map[string]string{d.currency: d.price},
		}
	}
	product = map[string]any{"sku": sku, "attributes": map[string]string{
		"regionCode": "us-east-1", "usagetype": usageType, "operation": "", "servicename": name,
	}}
	terms = map[string]any{sku + ".T": map[string]any{"effectiveDate": "2026-01-01T00:00:00Z", "priceDimensions": pd}}
	return product, terms
}

// bulk writes a synthetic bulk list.
func bulk(offer string, add ...func(products, terms map[string]any)) string {
	products, terms := map[string]any{}, map[string]any{}
	for _, f := range add {
		f(products, terms)
	}
	b, err := json.Marshal(map[string]any{
		"formatVersion": "v1.0", "offerCode": offer, "version": "1", "publicationDate": "2026-02-01T00:00:00Z",
		"products": products, "terms": map[string]any{"OnDemand": terms},
	})
	if err != nil {
		panic(err) // plain maps marshal
	}
	return string(b)
}

func sku(sku, usageType, name string, dims ...dimension) func(products, terms map[string]any) {
	return func(products, terms map[string]any) {
		products[sku], terms[sku] = product(sku, usageType, name, dims...)
	}
}

const runtimeVCPU = "USE1-Runtime:Consumption-based:vCPU"

func TestReadPriceListReadsTiers(t *testing.T) {
	body := bulk("AmazonBedrockAgentCore",
		sku("A", runtimeVCPU, "", dimension{"100", "Inf", "vCPU-Hours", "USD", "0.0895000000", ""}, dimension{"0", "100", "vCPU-Hours", "USD", "0.0000000000", ""}),
		sku("B", "USE1-Memory:Consumption-based:Short-Term-Memory", "", flat("Events", "0.0002500000")),
	)
	list, err := pricing.ReadPriceList(strings.NewReader(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := card(t, list.Rates...)
	got, err := c.Lookup(at(pricing.RuntimeVCPU, "2026-05-01"))
	if err != nil {
		t.Fatal(err)
	}
	if cost, _ := got.Cost(dec("300")); !cost.Equal(dec("17.9")) || !got.Free().Equal(dec("100")) {
		t.Errorf("300 hours with %s free cost %s, want 17.9 with 100 free", got.Free(), cost)
	}
	if got.Status != pricing.Published || !strings.Contains(got.Source, "SKU A") || list.Offer != "AmazonBedrockAgentCore" || !list.Published.Equal(day("2026-02-01")) {
		t.Errorf("rate %s from %q of list %s of %s", got.Status, got.Source, list.Offer, list.Published)
	}
}

func TestReadPriceListRefuses(t *testing.T) {
	two := func(a, b dimension) string { return bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", a, b)) }
	h := "vCPU-Hours"
	tests := []struct {
		name, body string
		want       error
		says       string
	}{
		{"no JSON", "sku,price", pricing.ErrSyntax, ""},
		{"cut short", bulk("AmazonBedrock")[:40], pricing.ErrSyntax, ""},
		{"something behind it", bulk("AmazonBedrock") + "{}", pricing.ErrSyntax, "follows"},
		{"another document", `{"hello":"world"}`, pricing.ErrSyntax, "no offerCode"},
		{"wrong types", `{"offerCode":7}`, pricing.ErrSyntax, ""},
		{"another currency", bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", dimension{"0", "Inf", h, "CNY", "0.6", ""})), pricing.ErrCurrency, "priced in CNY"},
		{"no currency", bulk("AmazonBedrockAgentCore", func(p, terms map[string]any) {
			p["A"], terms["A"] = product("A", runtimeVCPU, "")
		}), pricing.ErrNoRate, "without prices"},
		{"no SKU", bulk("AmazonBedrockAgentCore", sku("", runtimeVCPU, "", flat(h, "1"))), pricing.ErrSyntax, "no SKU"},
		{"no term", bulk("AmazonBedrockAgentCore", func(p, _ map[string]any) {
			p["A"], _ = product("A", runtimeVCPU, "")
		}), pricing.ErrNoRate, "no on-demand term"},
		{"unknown unit", bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat("Parsecs", "1"))), pricing.ErrUnit, `"Parsecs"`},
		{"two units", two(dimension{"0", "1", h, "USD", "1", ""}, dimension{"1", "Inf", "GB-Hours", "USD", "1", ""}), pricing.ErrUnit, "in one term"},
		{"tiers with a gap", two(dimension{"0", "100", h, "USD", "1", ""}, dimension{"200", "Inf", h, "USD", "1", ""}), pricing.ErrBrackets, "nothing prices [100, 200)"},
		{"tiers that overlap", two(dimension{"0", "100", h, "USD", "1", ""}, dimension{"50", "Inf", h, "USD", "1", ""}), pricing.ErrBrackets, "begins before 100"},
		{"two open tiers", two(dimension{"0", "Inf", h, "USD", "1", ""}, dimension{"50", "Inf", h, "USD", "1", ""}), pricing.ErrBrackets, "has another behind it"},
		{"no open tier", two(dimension{"0", "50", h, "USD", "1", ""}, dimension{"50", "90", h, "USD", "1", ""}), pricing.ErrBrackets, "nothing prices [90, Inf)"},
		{"a tier of no width", two(dimension{"0", "0", h, "USD", "1", ""}, dimension{"0", "Inf", h, "USD", "1", ""}), pricing.ErrBrackets, "is empty"},
		{"a tier without a start", two(dimension{"", "1", h, "USD", "1", ""}, dimension{"1", "Inf", h, "USD", "1", ""}), pricing.ErrBrackets, "begins at"},
		{"a price that is none", bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat(h, "free"))), pricing.ErrSyntax, `"free"`},
		{"a price with an exponent", bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat(h, "1e999999999"))), pricing.ErrSyntax, "1e999999999"},
		{"a date that is none", strings.Replace(bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat(h, "1"))), "2026-01-01T00:00:00Z", "soon", 1), pricing.ErrSyntax, `"soon"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := pricing.ReadPriceList(strings.NewReader(tt.body), nil)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error = %v, want %v saying %q", err, tt.want, tt.says)
			}
			if list != nil {
				t.Error("a refused list was returned too")
			}
			var e *pricing.RateError
			if errors.As(err, &e) && (e.Component != pricing.RuntimeVCPU || e.Source != "A" && tt.says != "no SKU" || e.Region != "us-east-1") {
				t.Errorf("error names %s, %q, %s; want runtime_vcpu, SKU A, us-east-1", e.Component, e.Source, e.Region)
			}
		})
	}
}

func TestSkippedRatesAreListed(t *testing.T) {
	body := bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat("Parsecs", "1")), sku("B", runtimeVCPU, "", flat("vCPU-Hours", "0.0895")))
	list, err := pricing.ReadPriceList(strings.NewReader(body), &pricing.ListOptions{
		Skip: func(e *pricing.RateError) bool { return errors.Is(e, pricing.ErrUnit) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Rates) != 1 || len(list.Skipped) != 1 || list.Skipped[0].Source != "A" {
		t.Errorf("%d rates, skipped %v; want B alone and A listed", len(list.Rates), list.Skipped)
	}
}

func TestSKUsOfOneMeter(t *testing.T) {
	same := bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat("vCPU-Hours", "0.0895")), sku("B", runtimeVCPU, "", flat("vCPU-Hours", "0.08950")))
	list, err := pricing.ReadPriceList(strings.NewReader(same), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Rates) != 1 || !strings.HasSuffix(list.Rates[0].Source, "; and B") {
		t.Errorf("two SKUs at one price made %d rates, want one naming both", len(list.Rates))
	}
	apart := bulk("AmazonBedrockAgentCore", sku("A", runtimeVCPU, "", flat("vCPU-Hours", "0.0895")), sku("B", runtimeVCPU, "", flat("vCPU-Hours", "0.1")))
	if list, err = pricing.ReadPriceList(strings.NewReader(apart), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := card(t, list.Rates...).Lookup(at(pricing.RuntimeVCPU, "2026-05-01")); !errors.Is(err, pricing.ErrUnvalidatedRate) {
		t.Errorf("two SKUs at two prices: error = %v, want ErrUnvalidatedRate", err)
	}
}

// TestModelsOfOneUsageTypeStayApart is the pain of Marketplace rows: one usage
// type, two models, two prices.
func TestModelsOfOneUsageTypeStayApart(t *testing.T) {
	const usageType = "USE1-MP:USE1_InputTokenCount-Units"
	list, err := pricing.ReadPriceList(strings.NewReader(bulk("AmazonBedrockFoundationModels",
		sku("A", usageType, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", flat("1M tokens", "3.3")),
		sku("B", usageType, "Cohere Embed 4 Model (Amazon Bedrock Edition)", flat("Units", "0.12")),
		sku("C", usageType, "", flat("1M tokens", "9")),
	)), &pricing.ListOptions{Models: map[string]string{"C": "Model C"}})
	if err != nil {
		t.Fatal(err)
	}
	c := card(t, list.Rates...)
	for name, want := range map[string]string{"Claude Sonnet 4.5": "0.0000033", "Cohere Embed 4 Model": "0.00000012", "model-c": "0.000009"} {
		got, err := c.Lookup(pricing.Query{Meter: pricing.Meter{Component: pricing.ModelInput, Model: name}, Region: "us-east-1", Currency: "USD", At: day("2026-05-01")})
		if err != nil {
			t.Error(err)
		} else if !got.Price().Equal(dec(want)) {
			t.Errorf("%s = %s, want %s", name, got.Price(), want)
		}
	}
}

func TestLaterTermEndsTheEarlier(t *testing.T) {
	body := bulk("AmazonBedrockAgentCore", func(products, terms map[string]any) {
		p, first := product("A", runtimeVCPU, "", flat("vCPU-Hours", "0.0895"))
		_, second := product("A", runtimeVCPU, "", flat("vCPU-Hours", "0.1"))
		second["A.T"].(map[string]any)["effectiveDate"] = "2026-06-01T00:00:00Z"
		products["A"], terms["A"] = p, map[string]any{"A.T2": first["A.T"], "A.T1": second["A.T"]}
	})
	list, err := pricing.ReadPriceList(strings.NewReader(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A 2026-01-01 2026-06-01 0.0895", "A@2026-06-01 2026-06-01 open 0.1"}
	if diff := cmp.Diff(want, story(card(t, list.Rates...))); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
}

// pages is a product source over fixed pages.
type pages struct {
	docs [][]string
	fail error
	loop bool
}

func (p pages) Products(_ context.Context, _, _, token string) ([]string, string, error) {
	if p.fail != nil {
		return nil, "", p.fail
	}
	n := len(token) // a token is as long as its page's number
	if n >= len(p.docs) {
		return nil, "", errors.New("asked past the end")
	}
	if p.loop {
		return p.docs[n], "x", nil
	}
	if n+1 == len(p.docs) {
		return p.docs[n], "", nil
	}
	return p.docs[n], strings.Repeat("x", n+1), nil
}

// document writes a GetProducts document.
func document(service, skuName, usageType string, dims ...dimension) string {
	p, terms := product(skuName, usageType, "", dims...)
	b, err := json.Marshal(map[string]any{"product": p, "serviceCode": service, "version": "2", "publicationDate": "2026-02-01T00:00:00Z", "terms": map[string]any{"OnDemand": terms}})
	if err != nil {
		panic(err) // plain maps marshal
	}
	return string(b)
}

// sampleProducts pages through the sample documents of a region, two a page.
func sampleProducts(t testing.TB, region string) pages {
	t.Helper()
	b, err := os.ReadFile(samples.Path(t, "pricelist", "getproducts-AmazonBedrock-openweight.trimmed.json"))
	if err != nil {
		t.Fatal(err)
	}
	var docs []json.RawMessage
	if err := json.Unmarshal(b, &docs); err != nil {
		t.Fatal(err)
	}
	var out pages
	for _, d := range docs {
		if !strings.Contains(string(d), `"regionCode": "`+region+`"`) {
			continue // the API filters by region
		}
		if n := len(out.docs); n == 0 || len(out.docs[n-1]) == 2 {
			out.docs = append(out.docs, nil)
		}
		out.docs[len(out.docs)-1] = append(out.docs[len(out.docs)-1], string(d))
	}
	return out
}

func TestReadProducts(t *testing.T) {
	source := pages{docs: [][]string{
		{document("AmazonBedrockAgentCore", "A", runtimeVCPU, flat("vCPU-Hours", "0.0895"))},
		{},
		{document("AmazonBedrockAgentCore", "B", "USE1-Runtime:Consumption-based:Memory", flat("GB-Hours", "0.00945")),
			document("AmazonBedrockAgentCore", "A", runtimeVCPU, flat("vCPU-Hours", "0.0895"))}, // pages may repeat a product
	}}
	list, err := pricing.ReadProducts(t.Context(), source, "AmazonBedrockAgentCore", "us-east-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A 2026-01-01 open 0.0895", "B 2026-01-01 open 0.00945"}, story(card(t, list.Rates...))); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
	if list.Version != "2" || !list.Published.Equal(day("2026-02-01")) {
		t.Errorf("list is version %q of %s", list.Version, list.Published)
	}
}

func TestReadProductsRefuses(t *testing.T) {
	down := errors.New("throttled")
	ok := document("AmazonBedrockAgentCore", "A", runtimeVCPU, flat("vCPU-Hours", "0.0895"))
	tests := []struct {
		name   string
		source pages
		want   error
		says   string
	}{
		{"the source's own error", pages{fail: down}, down, "page 1"},
		{"pages that do not end", pages{docs: [][]string{{ok}, {ok}}, loop: true}, pricing.ErrSyntax, "do not end"},
		{"no JSON", pages{docs: [][]string{{ok}, {"<html>"}}}, pricing.ErrSyntax, "page 2, document 1"},
		{"no SKU", pages{docs: [][]string{{"{}"}}}, pricing.ErrSyntax, "no SKU"},
		{"another service", pages{docs: [][]string{{document("AmazonEC2", "A", runtimeVCPU, flat("Hrs", "1"))}}}, pricing.ErrSyntax, `"AmazonEC2"`},
		{"another region", pages{docs: [][]string{{strings.Replace(ok, "us-east-1", "us-west-2", 1)}}}, pricing.ErrSyntax, `"us-west-2"`},
		{"unknown unit", pages{docs: [][]string{{document("AmazonBedrockAgentCore", "A", runtimeVCPU, flat("Hrs", "1"))}}}, pricing.ErrUnit, "Hrs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pricing.ReadProducts(t.Context(), tt.source, "AmazonBedrockAgentCore", "us-east-1", nil)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pricing.ReadProducts(ctx, pages{docs: [][]string{{ok}}}, "AmazonBedrockAgentCore", "us-east-1", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error = %v", err)
	}
}

// offer writes a synthetic agreement offer: dimension, price, dimension, price, …
func offer(id string, rows ...string) string {
	var cards []string
	for i := 0; i < len(rows); i += 2 {
		cards = append(cards, fmt.Sprintf(`{"dimension":%q,"price":%q,"unit":"Units","description":""}`, rows[i], rows[i+1]))
	}
	return fmt.Sprintf(`{"offerId":%q,"termDetails":{"usageBasedPricingTerm":{"rateCard":[%s]}}}`, id, strings.Join(cards, ","))
}

func offers(model string, o ...string) string {
	return fmt.Sprintf(`{"modelId":%q,"offers":[%s]}`, model, strings.Join(o, ","))
}

func TestReadOffers(t *testing.T) {
	body := offers("vendor.model-1",
		offer("o1", "USE1_input_tokens_standard", "5", "output_tokens_flex", "12.5"),
		offer("o2", "USE1_input_tokens_standard", "4"))
	from := day("2026-01-01")
	list, err := pricing.ReadOffers(strings.NewReader(body), &pricing.OfferOptions{From: from, Region: "eu-west-1", Offer: "o1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"o1/USE1_input_tokens_standard 2026-01-01 open 0.000005", "o1/output_tokens_flex 2026-01-01 open 0.0000125"}
	if diff := cmp.Diff(want, story(card(t, list.Rates...))); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
	if got := list.Rates[1]; got.Region != "eu-west-1" || got.Meter.Tier != pricing.Flex || got.Meter.Model != "vendor.model-1" {
		t.Errorf("rate = %+v, want flex of vendor.model-1 in eu-west-1", got)
	}
	both, err := pricing.ReadOffers(strings.NewReader(body), &pricing.OfferOptions{From: from, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = card(t, both.Rates...).Lookup(pricing.Query{Meter: both.Rates[0].Meter, Region: "us-east-1", Currency: "USD", At: from})
	if !errors.Is(err, pricing.ErrUnvalidatedRate) {
		t.Errorf("two offers at two prices: error = %v, want ErrUnvalidatedRate", err)
	}
}

func TestReadOffersRefuses(t *testing.T) {
	from := &pricing.OfferOptions{From: day("2026-01-01")}
	one := offers("m", offer("o1", "USE1_input_tokens_standard", "5"))
	tests := []struct {
		name, body string
		options    *pricing.OfferOptions
		want       error
	}{
		{"no start", one, nil, pricing.ErrRate},
		{"a zero start", one, &pricing.OfferOptions{From: time.Time{}}, pricing.ErrRate},
		{"no JSON", "x", from, pricing.ErrSyntax},
		{"no offers", `{"modelId":"m"}`, from, pricing.ErrSyntax},
		{"an offer that is not there", one, &pricing.OfferOptions{From: from.From, Offer: "o9"}, pricing.ErrNoRate},
		{"a dimension without a region", offers("m", offer("o1", "input_tokens_standard", "5")), from, pricing.ErrRate},
		{"a negative price", offers("m", offer("o1", "USE1_input_tokens_standard", "-5")), from, pricing.ErrSyntax},
		{"units that count no tokens", offers("m", offer("o1", "USE1_images", "5")), from, pricing.ErrUnit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pricing.ReadOffers(strings.NewReader(tt.body), tt.options); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
}
