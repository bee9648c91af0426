package pricing_test

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/pricing"
)

func ExampleClassify() {
	for _, u := range []pricing.Usage{
		{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-CodeInterpreter:Consumption-based:Memory"},
		{ProductCode: "AmazonBedrock", UsageType: "APN1-NovaLite-cache-read-input-token-count"},
		{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-WebSearchTool:Consumption-based:Queries"},
	} {
		c := pricing.Classify(u)
		fmt.Println(c.Component, c.Component.Group(), c.Region)
	}
	// Output:
	// code_interpreter_memory code_interpreter us-east-1
	// model_cache_read model ap-northeast-1
	// unknown other us-east-1
}

func ExampleInfrastructure() {
	c := pricing.Infrastructure("AWSLambda")
	fmt.Println(c, c.Group())
	// Output: infrastructure/AWSLambda infrastructure
}

func ExampleRateCard_Lookup() {
	card, err := pricing.DefaultCard()
	if err != nil {
		log.Fatal(err)
	}
	rate, err := card.Lookup(pricing.Query{
		Meter:    pricing.Meter{Component: pricing.RuntimeVCPU},
		Region:   "us-east-1",
		Currency: "USD",
		At:       time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	cost, err := rate.Cost(decimal.NewFromInt(100))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("100 %s at %s = %s (%s)\n", rate.Unit, rate.Price(), cost, rate.Status)

	// What the card does not hold is never made up.
	_, err = card.Lookup(pricing.Query{
		Meter:    pricing.Meter{Component: pricing.RuntimeVCPU},
		Region:   "sa-east-1",
		Currency: "USD",
		At:       time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	})
	fmt.Println(err)
	// Output:
	// 100 vCPU-hours at 0.0895 = 8.95 (published)
	// pricing: look up rate of runtime_vcpu in sa-east-1, USD, at 2026-05-01: no rate: the card has nothing for region "sa-east-1"
}

func ExampleRateCard_Choose() {
	card, err := pricing.DefaultCard()
	if err != nil {
		log.Fatal(err)
	}
	query := pricing.Query{
		Meter:    pricing.Meter{Component: pricing.BrowserVCPU},
		Region:   "us-east-1",
		Currency: "USD",
		At:       time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	}
	_, err = card.Lookup(query)
	fmt.Println(err)

	chosen, err := card.Choose("agentcore/us-east-1/browser_vcpu")
	if err != nil {
		log.Fatal(err)
	}
	rate, err := chosen.Lookup(query)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rate.Price(), rate.Status)
	// Output:
	// pricing: look up rate of browser_vcpu in us-east-1, USD, at 2026-05-01: rate not validated: choose one of agentcore/us-east-1/browser_vcpu (pending)
	// 0.0895 pending
}

func ExampleRateCard_Overlay() {
	card, err := pricing.DefaultCard()
	if err != nil {
		log.Fatal(err)
	}
	ours, err := card.Overlay(pricing.Overlay{Discounts: []pricing.Discount{{
		Group:   pricing.GroupMemory,
		From:    time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		Percent: decimal.NewFromInt(10),
		Source:  "agreement of June",
	}}})
	if err != nil {
		log.Fatal(err)
	}
	rates, err := ours.Between(pricing.Meter{Component: pricing.MemoryShortTerm}, "us-east-1", "USD",
		time.Date(2026, 5, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range rates {
		fmt.Printf("%s %s %s %q\n", r.From.Format(time.DateOnly), r.To.Format(time.DateOnly), r.Price(), r.Note)
	}
	// Output:
	// 2026-05-15 2026-06-01 0.00025 ""
	// 2026-06-01 2026-06-15 0.000225 "10% off: agreement of June"
}

func ExampleReadOffers() {
	// As ListFoundationModelAgreementOffers answers, cut to one dimension.
	const answer = `{"modelId":"anthropic.claude-opus-5","offers":[{"offerId":"offer-1","termDetails":{"usageBasedPricingTerm":
		{"rateCard":[{"dimension":"USE1_cache_read_tokens_global_standard","price":"0.5","unit":"Units","description":""}]}}}]}`
	list, err := pricing.ReadOffers(strings.NewReader(answer), &pricing.OfferOptions{
		From: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range list.Rates {
		fmt.Println(r.Meter, "in", r.Region, "at", r.Price(), "for one of", r.Unit.Unit)
	}
	// Output:
	// model_cache_read anthropic.claude-opus-5 global in us-east-1 at 0.0000005 for one of tokens
}

func ExampleParseUnit() {
	for _, printed := range []string{"1K tokens", "1M tokens", "Units"} {
		unit, err := pricing.ParseUnit(printed, pricing.ModelInput)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(printed, "is", unit.Quantity(decimal.NewFromInt(2)), unit.Unit, "for 2")
	}
	_, err := pricing.ParseUnit("Units", pricing.RuntimeVCPU)
	fmt.Println(err)
	// Output:
	// 1K tokens is 2000 tokens for 2
	// 1M tokens is 2000000 tokens for 2
	// Units is 2000000 tokens for 2
	// pricing: read unit for rate of runtime_vcpu: unknown unit: "Units" says nothing
}

func ExampleWriteRates() {
	rates := []pricing.Rate{{
		ID: "ours", Meter: pricing.Meter{Component: pricing.GatewaySearch}, Region: "eu-west-1", Currency: "EUR",
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Unit: pricing.PricingUnit{Unit: pricing.Requests, Exp: 3},
		Brackets: pricing.Flat(decimal.RequireFromString("0.00002")), Status: pricing.Confirmed, Source: "agreement",
	}}
	var file strings.Builder
	if err := pricing.WriteRates(&file, rates); err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(os.Stdout, strings.ReplaceAll(strings.Split(file.String(), "\n")[1], "\t", "|"))
	// Output: ours|gateway_search||||||eu-west-1|EUR|2026-01-01||1K requests|0.02|confirmed|agreement|
}
