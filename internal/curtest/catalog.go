package curtest

import (
	"strings"

	"github.com/shopspring/decimal"
)

// price is a line of the price tables below. The usage type holds {R} where the billing
// prefix of the region goes.
type price struct {
	code, usage, unit, rate string
	places                  int32
	name                    string
	model                   string // of model rows: provider/model
	kind                    string // of model rows: inference type; of AgentCore rows: resource kind
}

// modelPrices holds the grammars that usage types of models come in, under the four
// AWS product codes (three of them for models) and as Marketplace rows, whose product
// code is opaque and whose unit stands in the description.
var modelPrices = []price{
	{"AmazonBedrock", "{R}-NovaPro-input-tokens", "1K tokens", "0.0008", 0, "Amazon Bedrock", "Amazon/Nova Pro", "Input tokens"},
	{"AmazonBedrock", "{R}-NovaPro-output-tokens", "1K tokens", "0.0032", 0, "Amazon Bedrock", "Amazon/Nova Pro", "Output tokens"},
	{"AmazonBedrock", "{R}-NovaLite-cache-read-input-token-count", "1k tokens", "0.000018", 0, "Amazon Bedrock", "Amazon/Nova Lite", "Prompt cache read input tokens"},
	{"AmazonBedrock", "{R}-Nova2.0Lite-output-tokens-cross-region-global", "1K tokens", "0.00301", 0, "Amazon Bedrock", "Amazon/Nova 2.0 Lite", "Output tokens"},
	{"AmazonBedrock", "{R}-nvidia.nemotron-super-3-120b-mantle-input-tokens-priority", "1K tokens", "0.0002625", 0, "Amazon Bedrock", "NVIDIA/Nemotron Super 3 120B", "Input tokens"},
	{"AmazonBedrock", "{R}-xai.grok-4.6-mantle-cache-read-tokens-global-flex", "1K tokens", "0.00025", 0, "Amazon Bedrock", "xAI/Grok 4.6", "Cache read tokens"},
	{"AmazonBedrock", "{R}-Guardrail-ContentPolicyUnitsConsumed", "TextUnit", "0.00015", 0, "Amazon Bedrock", "/", "Guardrail"},
	{"AmazonBedrockService", "{R}-Claude4.6Sonnet-input-tokens", "1K tokens", "0.0033", 0, "Amazon Bedrock Service", "Anthropic/Claude Sonnet 4.6", "Input tokens"},
	{"AmazonBedrockService", "{R}-Claude4.6Sonnet-output-tokens", "1K tokens", "0.0165", 0, "Amazon Bedrock Service", "Anthropic/Claude Sonnet 4.6", "Output tokens"},
	{"AmazonBedrockService", "{R}-Claude4.6Sonnet-cache-read-input-token-count", "1K tokens", "0.00033", 0, "Amazon Bedrock Service", "Anthropic/Claude Sonnet 4.6", "Cache read tokens"},
	{"AmazonBedrockService", "{R}-anthropic.claude-opus-5-mantle-cache-read-tokens-global-standard", "1K tokens", "0.0005", 0, "Amazon Bedrock Service", "Anthropic/Claude Opus 5", "Cache read tokens"},
	{"AmazonBedrockFoundationModels", "{R}-MP:{R}_InputTokenCount_Global-Units", "1M tokens", "3", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Input tokens"},
	{"AmazonBedrockFoundationModels", "{R}-MP:{R}_OutputTokenCount_Global-Units", "1M tokens", "15", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Output tokens"},
	{"AmazonBedrockFoundationModels", "{R}-MP:{R}_CacheWrite1hInputTokenCount-Units", "1M tokens", "6.6", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Cache write tokens"},
	{"AmazonBedrockFoundationModels", "{R}-MP:{R}_output_tokens_standard-Units", "Units", "27.5", 3, "Claude Opus 4.7 (Amazon Bedrock Edition)", "Anthropic/Claude Opus 4.7", "Output tokens"},
	{"mp", "{R}-MP:{R}_InputTokenCount-Units", "", "3.3", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Million Input Tokens"},
	{"mp", "{R}-MP:{R}_OutputTokenCount-Units", "", "16.5", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Million Output Tokens"},
	{"mp", "{R}-MP:{R}_CacheReadInputTokenCount-Units", "", "0.33", 3, "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "Anthropic/Claude Sonnet 4.5", "Million Cache Read Input Tokens"},
}

// agentPrices are the AgentCore components, grouped by the kind of resource that bills
// them. Rates of meters whose price is not public are placeholders.
var agentPrices = []price{
	{"AmazonBedrockAgentCore", "{R}-Runtime:Consumption-based:vCPU", "vCPU-Hours", "0.0895", 3, "", "", "runtime"},
	{"AmazonBedrockAgentCore", "{R}-Runtime:Consumption-based:Memory", "GB-Hours", "0.00945", 3, "", "", "runtime"},
	{"AmazonBedrockAgentCore", "{R}-DataTransfer-Regional-Bytes", "GB", "0.01", 6, "", "", "runtime"},
	{"AmazonBedrockAgentCore", "{R}-Memory:Consumption-based:Short-Term-Memory", "Events", "0.00025", 0, "", "", "memory"},
	{"AmazonBedrockAgentCore", "{R}-Memory:Consumption-based:Long-Term-Memory-Retrieval", "Memory-Retrieved", "0.0005", 0, "", "", "memory"},
	{"AmazonBedrockAgentCore", "{R}-Memory:Consumption-based:Long-Term-Memory-Storage:Built-in-memory", "Memory-Months", "0.00075", 4, "", "", "memory"},
	{"AmazonBedrockAgentCore", "{R}-CodeInterpreter:Consumption-based:vCPU", "vCPU-Hours", "0.0895", 3, "", "", "code"},
	{"AmazonBedrockAgentCore", "{R}-CodeInterpreter:Consumption-based:Memory", "GB-Hours", "0.00945", 3, "", "", "code"},
	{"AmazonBedrockAgentCore", "{R}-BrowserTool:Consumption-based:vCPU", "vCPU-Hours", "0.0895", 3, "", "", "browser"},
	{"AmazonBedrockAgentCore", "{R}-BrowserTool:Consumption-based:Memory", "GB-Hours", "0.00945", 3, "", "", "browser"},
	{"AmazonBedrockAgentCore", "{R}-Gateway:Consumption-based:API-Invocations", "Requests", "0.000005", 0, "", "", "gateway"},
	{"AmazonBedrockAgentCore", "{R}-Gateway:Consumption-based:Search", "Requests", "0.000025", 0, "", "", "gateway"},
	{"AmazonBedrockAgentCore", "{R}-Gateway:Consumption-based:Tool-Indexing", "Tools", "0.0002", 0, "", "", "gateway"},
	{"AmazonBedrockAgentCore", "{R}-Evaluations:Consumption-based:BuiltIn-Input:Tier1", "1M Input Tokens", "2.4", 3, "", "", "evaluator"},
	{"AmazonBedrockAgentCore", "{R}-Policy:Consumption-based:Authorization", "Requests", "0.000025", 0, "", "", "policy"},
	{"AmazonCognito", "{R}-Bedrock-Agent-Core:Auth-Request:Oauth2", "Requests", "0.00001", 0, "", "", "identity"},
}

// unknownPrices are usage types no grammar knows yet: they must be kept and reported.
var unknownPrices = []price{
	{"AmazonBedrockAgentCore", "{R}-AgentStudio:Consumption-based:Preview-Minutes", "Minutes", "0.002", 0, "", "", "runtime"},
	{"AmazonBedrockAgentCore", "Unheard-Of-Meter", "", "0.01", 2, "", "", "memory"},
}

// otherPrices are the rest of the bill: many resources, small amounts, long fractions.
var otherPrices = []price{
	{"AmazonEC2", "{R}-BoxUsage:t3.medium", "Hrs", "0.0416", 0, "Amazon Elastic Compute Cloud", "RunInstances", "Compute Instance"},
	{"AmazonEC2", "{R}-EBS:VolumeUsage.gp3", "GB-Mo", "0.08", 10, "Amazon Elastic Compute Cloud", "CreateVolume-Gp3", "Storage"},
	{"AmazonS3", "{R}-TimedStorage-ByteHrs", "GB-Mo", "0.023", 10, "Amazon Simple Storage Service", "StandardStorage", "Storage"},
	{"AmazonS3", "{R}-Requests-Tier1", "Requests", "0.000005", 0, "Amazon Simple Storage Service", "PutObject", "API Request"},
	{"AWSLambda", "{R}-Lambda-GB-Second", "Lambda-GB-Second", "0.0000166667", 4, "AWS Lambda", "Invoke", "Serverless"},
	{"AWSLambda", "{R}-Request", "Requests", "0.0000002", 0, "AWS Lambda", "Invoke", "Serverless"},
	{"AmazonDynamoDB", "{R}-ReadRequestUnits", "ReadRequestUnits", "0.000000125", 1, "Amazon DynamoDB", "PayPerRequestThroughput", "Amazon DynamoDB PayPerRequest Throughput"},
	{"AmazonCloudWatch", "{R}-DataProcessing-Bytes", "GB", "0.5", 9, "AmazonCloudWatch", "PutLogEvents", "Data Payload"},
	{"AWSQueueService", "{R}-Requests-RBP", "Requests", "0.0000004", 0, "Amazon Simple Queue Service", "", "API Request"},
}

// marketplaceCode is the opaque product code of a Marketplace product.
func marketplaceCode(name string) string { return newHash("marketplace", name).letters(25, alnum) }

// skus makes the SKUs of a price table in one region. Model tables carry the model and
// the family of their rows, other tables the operation and family in the same fields.
func skus(prices []price, prefix, region string) []*SKU {
	list := make([]*SKU, len(prices))
	for i, p := range prices {
		s := &SKU{
			Code: p.code, Name: p.name, UsageType: strings.ReplaceAll(p.usage, "{R}", prefix),
			Unit: p.unit, Rate: decimal.RequireFromString(p.rate), Places: p.places, Region: region,
		}
		switch {
		case strings.HasPrefix(p.code, "AmazonBedrockAgentCore"), p.code == "AmazonCognito":
			s.Name, s.Family = "Amazon Bedrock AgentCore", "Amazon Bedrock"
			if p.code == "AmazonCognito" {
				s.Name, s.Family = "Amazon Cognito", "User Authentication"
			}
		case p.code == "mp" || strings.HasPrefix(p.code, "AmazonBedrock"):
			ModelSKU(s, p.model, p.kind)
		default:
			s.Operation, s.Family = p.model, p.kind
		}
		list[i] = s.Finish()
	}
	return list
}

// ModelSKU fills what rows of a model have: operation, family, the model in the product
// map. A code of "mp" makes it a Marketplace product, whose unit is told in the third
// field of the description.
func ModelSKU(s *SKU, providerModel, inference string) {
	provider, model, _ := strings.Cut(providerModel, "/")
	s.Operation, s.Family = "InvokeModelInference", "Amazon Bedrock"
	s.Attributes = []Pair{
		{"provider", provider}, {"model", model},
		{"inference_type", strings.TrimPrefix(inference, "Million ")}, {"feature", "On-demand Inference"},
	}
	if s.Code == "mp" {
		s.Entity, s.Code, s.Seller = awsMarketplace, marketplaceCode(s.Name), "SYNTHETIC model seller"
		s.Description = "AWS Marketplace software usage|" + s.Region + "|" + inference
	}
}
