package pricing_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/spendclaim/spendclaim/pricing"
)

// onePage is a source of one recorded page. Over the AWS SDK, Products calls
// GetProducts with the filter regionCode and hands on PriceList and NextToken.
type onePage []string

func (p onePage) Products(context.Context, string, string, string) ([]string, string, error) {
	return p, "", nil
}

func ExampleReadProducts() {
	source := onePage{`{"serviceCode":"AmazonBedrockAgentCore","version":"20260817","product":{"sku":"SKU1","attributes":
		{"regionCode":"ap-northeast-1","usagetype":"APN1-Runtime:Consumption-based:vCPU"}},
		"terms":{"OnDemand":{"SKU1.T":{"effectiveDate":"2026-08-01T00:00:00Z","priceDimensions":{"SKU1.T.R":
		{"beginRange":"0","endRange":"Inf","unit":"vCPU-Hour","pricePerUnit":{"USD":"0.0895000000"}}}}}}}`}
	list, err := pricing.ReadProducts(context.Background(), source, "AmazonBedrockAgentCore", "ap-northeast-1", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range list.Rates {
		fmt.Println(r.Meter, r.Region, r.Price(), r.Currency, "per", r.Unit)
	}
	// Output: runtime_vcpu ap-northeast-1 0.0895 USD per vCPU-hours
}

func ExampleReadPriceList() {
	// A bulk file whose brackets leave a hole is refused, and says where it is.
	const file = `{"offerCode":"AmazonBedrockAgentCore","products":{"SKU1":{"attributes":
		{"regionCode":"us-east-1","usagetype":"USE1-Memory:Consumption-based:Short-Term-Memory"}}},
		"terms":{"OnDemand":{"SKU1":{"SKU1.T":{"effectiveDate":"2026-01-01T00:00:00Z","priceDimensions":{
		"A":{"beginRange":"0","endRange":"1000","unit":"Events","pricePerUnit":{"USD":"0"}},
		"B":{"beginRange":"2000","endRange":"Inf","unit":"Events","pricePerUnit":{"USD":"0.00025"}}}}}}}}`
	_, err := pricing.ReadPriceList(strings.NewReader(file), nil)
	fmt.Println(err)
	// Output: pricing: load rate of memory_short_term in us-east-1, USD, [2026-01-01, open) [SKU1]: broken brackets: gap: nothing prices [1000, 2000)
}
