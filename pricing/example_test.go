package pricing_test

import (
	"fmt"

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
