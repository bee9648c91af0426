package main

import (
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// prices holds the SKUs of the sample, all of us-east-1.
type prices struct {
	runtimeCPU, runtimeMem                       *curtest.SKU
	events, retrievals, records                  *curtest.SKU
	codeCPU, codeMem                             *curtest.SKU
	unknown                                      *curtest.SKU
	sonnetIn, sonnetOut, sonnetRead, sonnetWrite *curtest.SKU // AmazonBedrockService
	globalIn, globalOut                          *curtest.SKU // the same model across regions
	haikuIn, haikuOut                            *curtest.SKU // AmazonBedrockFoundationModels
	opusIn, opusOut, opusWrite                   *curtest.SKU // the same code, another grammar
	marketIn, marketOut, marketRead              *curtest.SKU // AWS Marketplace, Sonnet 4.5
	marketHaikuIn, marketHaikuOut                *curtest.SKU // AWS Marketplace, Haiku 4.5
	proIn, proOut, liteIn, liteOut, liteRead     *curtest.SKU // AmazonBedrock
	titan, ossIn, ossOut                         *curtest.SKU // AmazonBedrock
}

const region = "us-east-1"

func agentCore(meter, unit, rate string) *curtest.SKU {
	s := &curtest.SKU{
		Code: "AmazonBedrockAgentCore", Name: "Amazon Bedrock AgentCore", Family: "Amazon Bedrock",
		UsageType: "USE1-" + meter, Unit: unit, Rate: decimal.RequireFromString(rate), Region: region,
	}
	return s.Finish()
}

// model makes a SKU priced per 1K tokens, or per million counted in thousands.
func model(code, name, of, kind, usage, unit, rate string) *curtest.SKU {
	s := &curtest.SKU{
		Code: code, Name: name, UsageType: "USE1-" + usage, Unit: unit,
		Rate: decimal.RequireFromString(rate), Region: region,
	}
	if unit != "1K tokens" {
		s.Places = 3
	}
	curtest.ModelSKU(s, of, kind)
	return s.Finish()
}

func newPrices() *prices {
	const (
		first   = "AmazonBedrock"
		service = "AmazonBedrockService"
		found   = "AmazonBedrockFoundationModels"
		market  = "mp"
		k       = "1K tokens"
		m       = "1M tokens"

		bedrock  = "Amazon Bedrock"
		sonnet46 = "Anthropic/Claude Sonnet 4.6"
		sonnet45 = "Anthropic/Claude Sonnet 4.5"
		haiku    = "Anthropic/Claude Haiku 4.5"
		opus     = "Anthropic/Claude Opus 4.7"
		sonnetMP = "Claude Sonnet 4.5 (Amazon Bedrock Edition)"
		haikuMP  = "Claude Haiku 4.5 (Amazon Bedrock Edition)"
		opusMP   = "Claude Opus 4.7 (Amazon Bedrock Edition)"
		svcName  = "Amazon Bedrock Service"
		in, out  = "Input tokens", "Output tokens"
	)
	return &prices{
		runtimeCPU: agentCore("Runtime:Consumption-based:vCPU", "vCPU-Hours", "0.0895"),
		runtimeMem: agentCore("Runtime:Consumption-based:Memory", "GB-Hours", "0.00945"),
		events:     agentCore("Memory:Consumption-based:Short-Term-Memory", "Events", "0.00025"),
		retrievals: agentCore("Memory:Consumption-based:Long-Term-Memory-Retrieval", "Memory-Retrieved", "0.0005"),
		records:    agentCore("Memory:Consumption-based:Long-Term-Memory-Storage:Built-in-memory", "Record-Months", "0.00075"),
		codeCPU:    agentCore("CodeInterpreter:Consumption-based:vCPU", "vCPU-Hours", "0.0895"),
		codeMem:    agentCore("CodeInterpreter:Consumption-based:Memory", "GB-Hours", "0.00945"),
		unknown:    agentCore("AgentStudio:Consumption-based:Preview-Minutes", "Minutes", "0.002"),

		sonnetIn:    model(service, svcName, sonnet46, in, "Claude4.6Sonnet-input-tokens", k, "0.0033"),
		sonnetOut:   model(service, svcName, sonnet46, out, "Claude4.6Sonnet-output-tokens", k, "0.0165"),
		sonnetRead:  model(service, svcName, sonnet46, "Cache read tokens", "Claude4.6Sonnet-cache-read-input-token-count", k, "0.00033"),
		sonnetWrite: model(service, svcName, sonnet46, "Cache write tokens", "Claude4.6Sonnet-cache-write-input-token-count", k, "0.004125"),
		globalIn:    model(service, svcName, sonnet46, in, "Claude4.6Sonnet-input-tokens-cross-region-global", k, "0.003"),
		globalOut:   model(service, svcName, sonnet46, out, "Claude4.6Sonnet-output-tokens-cross-region-global", k, "0.015"),

		haikuIn:   model(found, haikuMP, haiku, in, "MP:USE1_InputTokenCount-Units", m, "1.1"),
		haikuOut:  model(found, haikuMP, haiku, out, "MP:USE1_OutputTokenCount-Units", m, "5.5"),
		opusIn:    model(found, opusMP, opus, in, "MP:USE1_input_tokens_standard-Units", "Units", "5.5"),
		opusOut:   model(found, opusMP, opus, out, "MP:USE1_output_tokens_standard-Units", "Units", "27.5"),
		opusWrite: model(found, opusMP, opus, "Cache write tokens", "MP:USE1_cache_write_tokens_1h_standard-Units", "Units", "11"),

		marketIn:       model(market, sonnetMP, sonnet45, "Million Input Tokens", "MP:USE1_InputTokenCount-Units", "", "3.3"),
		marketOut:      model(market, sonnetMP, sonnet45, "Million Output Tokens", "MP:USE1_OutputTokenCount-Units", "", "16.5"),
		marketRead:     model(market, sonnetMP, sonnet45, "Million Cache Read Input Tokens", "MP:USE1_CacheReadInputTokenCount-Units", "", "0.33"),
		marketHaikuIn:  model(market, haikuMP, haiku, "Million Input Tokens", "MP:USE1_InputTokenCount-Units", "", "1.1"),
		marketHaikuOut: model(market, haikuMP, haiku, "Million Output Tokens", "MP:USE1_OutputTokenCount-Units", "", "5.5"),

		proIn:    model(first, bedrock, "Amazon/Nova Pro", in, "NovaPro-input-tokens", k, "0.0008"),
		proOut:   model(first, bedrock, "Amazon/Nova Pro", out, "NovaPro-output-tokens", k, "0.0032"),
		liteIn:   model(first, bedrock, "Amazon/Nova Lite", in, "NovaLite-input-tokens", k, "0.00006"),
		liteOut:  model(first, bedrock, "Amazon/Nova Lite", out, "NovaLite-output-tokens", k, "0.00024"),
		liteRead: model(first, bedrock, "Amazon/Nova Lite", "Prompt cache read input tokens", "NovaLite-cache-read-input-token-count", k, "0.000015"),
		titan:    model(first, bedrock, "Amazon/Titan Embeddings G1 Text", in, "TitanEmbeddingsG1-Text-input-tokens", k, "0.0001"),
		ossIn:    model(first, bedrock, "OpenAI/gpt-oss-120b", in, "openai.gpt-oss-120b-mantle-input-tokens-standard", k, "0.00015"),
		ossOut:   model(first, bedrock, "OpenAI/gpt-oss-120b", out, "openai.gpt-oss-120b-mantle-output-tokens-standard", k, "0.0006"),
	}
}
