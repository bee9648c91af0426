package pricing_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/pricing"
)

// TestClassifyReviewedUsageTypes reads testdata/usage-types.tsv: every usage
// type that a public source prints, with the component and the manner of pricing
// that a person gave it. The file is written by hand and not by -update, because
// it is the judge. field.md rule 18: batch, cache, reserved and long-context usage
// types are each told apart.
func TestClassifyReviewedUsageTypes(t *testing.T) {
	kinds := map[string]bool{}
	for i, f := range tsv(t, "testdata/usage-types.tsv", 9) {
		got := pricing.Classify(pricing.Usage{ProductCode: f[0], UsageType: f[1]})
		want := pricing.Class{
			Component: pricing.Component(f[2]), Region: f[3], Model: f[4], Tier: pricing.Tier(f[5]), Routing: pricing.Routing(f[6]),
			LongContext: f[7] == "long", Variant: f[8], Confidence: got.Confidence,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("row %d: Classify(%s %s) (-want +got):\n%s", i+1, f[0], f[1], diff)
		}
		if (got.Confidence == pricing.NotRead) != (got.Component == pricing.Unknown) {
			t.Errorf("row %d: %s is %q with confidence %q", i+1, f[1], got.Component, got.Confidence)
		}
		for _, k := range []string{f[2], f[5], f[6], f[7]} {
			kinds[k] = true
		}
	}
	for _, k := range []string{"batch", "flex", "priority", "reserved", "provisioned", "geo", "global", "long", "model_cache_read", "model_cache_write_5m", "model_cache_write_1h"} {
		if !kinds[k] {
			t.Errorf("no reviewed usage type is %s", k)
		}
	}
}

// tsv returns the rows of a tab-separated file behind its header.
func tsv(t *testing.T, path string, columns int) [][]string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for i, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != columns {
			t.Fatalf("%s line %d has %d fields, want %d", path, i+1, len(fields), columns)
		}
		if i > 0 {
			rows = append(rows, fields)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s holds no rows", path)
	}
	return rows
}

func TestClassify(t *testing.T) {
	agentCore := func(usageType string) pricing.Usage {
		return pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: usageType}
	}
	bedrock := func(usageType string) pricing.Usage {
		return pricing.Usage{ProductCode: "AmazonBedrockFoundationModels", UsageType: usageType}
	}
	tests := []struct {
		name  string
		usage pricing.Usage
		want  pricing.Class
	}{
		{"runtime in the source document's spelling", agentCore("USE1-AgentRuntime:Consumption-based:vCPU"), pricing.Class{Component: pricing.RuntimeVCPU, Region: "us-east-1"}},
		{"version of a meter", agentCore("EU-AgentRuntime:Consumption-based:Memory-v12"), pricing.Class{Component: pricing.RuntimeMemory, Region: "eu-west-1"}},
		{"version of a component", agentCore("USE1-BrowserTool-v2:Consumption-based:vCPU"), pricing.Class{Component: pricing.BrowserVCPU, Region: "us-east-1"}},
		{"letters behind -v are no version", agentCore("USE1-Runtime:Consumption-based:vCPU-vNext"), pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"no prefix leaves the region blank", agentCore("Runtime:Consumption-based:vCPU"), pricing.Class{Component: pricing.RuntimeVCPU}},
		{"prefix not in the table leaves the region blank", agentCore("XXZ9-Runtime:Consumption-based:vCPU"), pricing.Class{Component: pricing.RuntimeVCPU}},
		{"region codes are not prefixes", agentCore("EUW1-Runtime:Consumption-based:vCPU"), pricing.Class{Component: pricing.RuntimeVCPU}},
		{"APS1 is Singapore", agentCore("APS1-Runtime:Consumption-based:vCPU"), pricing.Class{Component: pricing.RuntimeVCPU, Region: "ap-southeast-1"}},
		{"another billing mode", agentCore("USE1-Runtime:Reserved:vCPU"), pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"memory of the interpreter is not the memory service", agentCore("USE1-CodeInterpreter:Consumption-based:Memory"), pricing.Class{Component: pricing.CodeInterpreterMemory, Region: "us-east-1"}},
		{"long-term storage by an override strategy", agentCore("USE1-Memory:Consumption-based:Long-Term-Memory-Storage:Override-memory"), pricing.Class{Component: pricing.MemoryLongTermStorage, Region: "us-east-1"}},
		{"long-term retrieval", agentCore("USE1-Memory:Consumption-based:Long-Term-Memory-Retrieval"), pricing.Class{Component: pricing.MemoryLongTermRetrieval, Region: "us-east-1"}},
		{"gateway search", agentCore("USE1-Gateway:Consumption-based:Search-API"), pricing.Class{Component: pricing.GatewaySearch, Region: "us-east-1"}},
		{"gateway data", agentCore("USE1-Gateway:Consumption-based:Data-Processing"), pricing.Class{Component: pricing.GatewayData, Region: "us-east-1"}},
		{"policy authorization", agentCore("USE1-Policy:Consumption-based:Authorization-Requests"), pricing.Class{Component: pricing.PolicyAuthorization, Region: "us-east-1"}},
		{"policy authoring", agentCore("USE1-Policy:Consumption-based:Authoring:Input-Tokens"), pricing.Class{Component: pricing.PolicyAuthoring, Region: "us-east-1"}},
		{"policy meter of a later day", agentCore("USE1-Policy:Consumption-based:Simulation"), pricing.Class{Component: pricing.PolicyOther, Region: "us-east-1"}},
		{"built-in evaluator output", agentCore("USE1-Evaluations:Consumption-based:BuiltIn-Output:Tier2"), pricing.Class{Component: pricing.EvaluationBuiltinOutput, Region: "us-east-1"}},
		{"custom evaluator", agentCore("USE1-Evaluations:Consumption-based:CustomEvaluators:Tier1"), pricing.Class{Component: pricing.EvaluationCustom, Region: "us-east-1"}},
		{"evaluation meter of a later day", agentCore("USE1-Evaluations:Consumption-based:Human:Tier1"), pricing.Class{Component: pricing.EvaluationOther, Region: "us-east-1"}},
		{"AgentCore component of a later day", agentCore("USE1-Payments:Consumption-based:Wallet-Operations"), pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"identity under the AgentCore code", agentCore("USE1-Bedrock-Agent-Core:Auth-Request:ApiKey"), pricing.Class{Component: pricing.IdentityRequest, Region: "us-east-1"}},
		{"other Cognito usage", pricing.Usage{ProductCode: "AmazonCognito", UsageType: "USE1-CognitoUserPoolsMAU"}, pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"transfer between regions", agentCore("USE1-USW2-AWS-Out-Bytes"), pricing.Class{Component: pricing.DataTransfer, Region: "us-east-1"}},
		{"bytes kept are not bytes moved", agentCore("USE1-Memory:Consumption-based:Built-in-Bytes"), pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"model transfer", bedrock("USE1-DataTransfer-Out-Bytes"), pricing.Class{Component: pricing.DataTransfer, Region: "us-east-1"}},

		{"default cache lifetime", bedrock("USE1-MP:USE1_CacheWriteInputTokenCount-Units"), pricing.Class{Component: pricing.ModelCacheWrite5m, Region: "us-east-1"}},
		{"cache lifetime of five minutes spelled out", bedrock("USE1-MP:USE1_CacheWrite5mInputTokenCount_LCtx-Units"), pricing.Class{Component: pricing.ModelCacheWrite5m, Region: "us-east-1"}},
		{"cache lifetime without a component", bedrock("USE1-m-mantle-cache-write-tokens-30m-standard"), pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"}},
		{"digits of the model are no lifetime", bedrock("USE1-gpt-oss-120b-cache-write-tokens-1h-flex"), pricing.Class{Component: pricing.ModelCacheWrite1h, Region: "us-east-1"}},
		{"Marketplace dimension without a region", bedrock("cached_input_tokens_long_ctx_batch"), pricing.Class{Component: pricing.ModelCacheRead}},
		{"Marketplace cache writes", bedrock("cache_writes_tokens_priority"), pricing.Class{Component: pricing.ModelCacheWrite5m}},
		{"region behind MP alone", bedrock("MP:USW2_output_tokens_standard-Units"), pricing.Class{Component: pricing.ModelOutput, Region: "us-west-2"}},
		{"outer region before the inner", bedrock("USE1-MP:USW2_output_tokens_standard-Units"), pricing.Class{Component: pricing.ModelOutput, Region: "us-east-1"}},
		{"cache meter that is neither read nor write", bedrock("USE1-m-cache-storage-input-tokens"), pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"}},
		{"latency-optimised tier", bedrock("USE1-NovaPro-input-tokens-latency-optimized"), pricing.Class{Component: pricing.ModelInput, Region: "us-east-1"}},
		{"modality behind the kind", bedrock("USE1-NovaSonic-output-speech-tokens"), pricing.Class{Component: pricing.ModelOutput, Region: "us-east-1"}},
		{"tokens of training", bedrock("USE1-NovaLite-training-input-tokens"), pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"}},
		{"tokens of no kind", bedrock("USE1-Titan-Customization-Tokens"), pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"}},
		{"blank usage type of a model product", bedrock(""), pricing.Class{Component: pricing.ModelOther}},
		{
			"throughput told by its unit alone",
			pricing.Usage{ProductCode: "AmazonBedrock", UsageType: "USE1-m-input-tokens", PricingUnit: "1M TPM Hour"},
			pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"},
		},

		{
			"Marketplace product by name",
			pricing.Usage{ProductCode: "4k2xq8c1v0", ProductName: "Claude Opus 5 (Amazon Bedrock Edition)", UsageType: "USE1-MP:USE1_input_tokens_batch-Units"},
			pricing.Class{Component: pricing.ModelInput, Region: "us-east-1"},
		},
		{
			"model product by family",
			pricing.Usage{ProductCode: "SomethingNew", ProductFamily: "Amazon Bedrock", UsageType: "USE1-NovaLite-output-tokens"},
			pricing.Class{Component: pricing.ModelOutput, Region: "us-east-1"},
		},
		{
			"another product that counts tokens",
			pricing.Usage{ProductCode: "AmazonQ", UsageType: "USE1-input-tokens"},
			pricing.Class{Component: pricing.Unknown, Region: "us-east-1"},
		},
		{
			"AgentCore string under a foreign code",
			pricing.Usage{ProductCode: "AmazonEC2", UsageType: "USE1-Runtime:Consumption-based:vCPU"},
			pricing.Class{Component: pricing.Unknown, Region: "us-east-1"},
		},
		{
			"model product by operation where nothing else names it",
			pricing.Usage{Operation: "InvokeModelInference", UsageType: "USE1-NovaCanvas-T2I-1024-Standard"},
			pricing.Class{Component: pricing.ModelOther, Region: "us-east-1"},
		},
		{"usage type alone, AgentCore", pricing.Usage{UsageType: "USE1-Runtime:Consumption-based:vCPU"}, pricing.Class{Component: pricing.RuntimeVCPU, Region: "us-east-1"}},
		{"usage type alone, tokens", pricing.Usage{UsageType: "USE1-NovaLite-input-tokens"}, pricing.Class{Component: pricing.ModelInput, Region: "us-east-1"}},
		{"usage type alone, anything else", pricing.Usage{UsageType: "USE1-BoxUsage:m5.large"}, pricing.Class{Component: pricing.Unknown, Region: "us-east-1"}},
		{"nothing at all", pricing.Usage{}, pricing.Class{Component: pricing.Unknown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := pricing.Classify(tt.usage)
			if got := (pricing.Class{Component: got.Component, Region: got.Region}); got != tt.want {
				t.Errorf("Classify(%+v) = %+v, want %+v", tt.usage, got, tt.want)
			}
		})
	}
}

func TestClassifyReadsModelTierAndRouting(t *testing.T) {
	bedrock := func(usageType string) pricing.Usage {
		return pricing.Usage{ProductCode: "AmazonBedrock", UsageType: usageType}
	}
	tests := []struct {
		name  string
		usage pricing.Usage
		want  pricing.Class // Region is us-east-1 and Confidence full unless stated
	}{
		{"on demand and regional are plain", bedrock("USE1-NovaLite-input-tokens"), pricing.Class{Component: pricing.ModelInput, Model: "NovaLite"}},
		{"latency-optimised", bedrock("USE1-NovaPro-output-tokens-latency-optimized"), pricing.Class{Component: pricing.ModelOutput, Model: "NovaPro", Tier: pricing.LatencyOptimized}},
		{"tier before the kind", bedrock("USE1-NovaPro-latency-optimized-input-tokens"), pricing.Class{Component: pricing.ModelInput, Model: "NovaPro", Tier: pricing.LatencyOptimized}},
		{"across the geography", bedrock("USE1-NovaPro-input-tokens-cross-region-geo"), pricing.Class{Component: pricing.ModelInput, Model: "NovaPro", Routing: pricing.Geo}},
		{"across regions", bedrock("USE1-NovaPro-input-tokens-cross-region"), pricing.Class{Component: pricing.ModelInput, Model: "NovaPro", Routing: pricing.Geo}},
		{"across the globe, with a tier", bedrock("USE1-NovaPro-input-tokens-priority-cross-region-global"), pricing.Class{Component: pricing.ModelInput, Model: "NovaPro", Tier: pricing.Priority, Routing: pricing.Global}},
		{"modality behind the kind", bedrock("USE1-NovaSonic-output-speech-tokens"), pricing.Class{Component: pricing.ModelOutput, Model: "NovaSonic", Variant: "speech"}},
		{"modality before the kind, on mantle", bedrock("USE1-a.sonic-mantle-text-input-tokens-flex"), pricing.Class{Component: pricing.ModelInput, Model: "a.sonic", Tier: pricing.Flex, Variant: "mantle text"}},
		{"a model that is named like a kind", bedrock("USE1-input-5-output-tokens"), pricing.Class{Component: pricing.ModelOutput, Model: "input-5"}},
		{"a cache meter that says tokens first", bedrock("USE1-m-input-tokens-cache-read"), pricing.Class{Component: pricing.ModelCacheRead, Model: "m", Confidence: pricing.PartlyRead}},
		{"a word of later days", bedrock("USE1-m-input-tokens-quantum"), pricing.Class{Component: pricing.ModelInput, Model: "m", Confidence: pricing.PartlyRead}},
		{
			"model by product name", pricing.Usage{ProductCode: "AmazonBedrockFoundationModels", UsageType: "USE1-MP:USE1_CacheWrite1hInputTokenCount_LCtx_Global_Batch-Units", ProductName: "Claude Opus 5 (Amazon Bedrock Edition)"},
			pricing.Class{Component: pricing.ModelCacheWrite1h, Model: "Claude Opus 5", Tier: pricing.Batch, Routing: pricing.Global, LongContext: true},
		},
		{
			"model by the caller's map", pricing.Usage{ProductCode: "AmazonBedrockFoundationModels", UsageType: "USE1-MP:USE1_InputTokenCount-Units", Model: "Claude Opus 5"},
			pricing.Class{Component: pricing.ModelInput, Model: "Claude Opus 5"},
		},
		{
			"the usage type before the map", pricing.Usage{ProductCode: "AmazonBedrock", UsageType: "USE1-NovaLite-input-tokens", Model: "Claude Opus 5"},
			pricing.Class{Component: pricing.ModelInput, Model: "NovaLite"},
		},
		{"no model anywhere", bedrock("USE1-MP:USE1_InputTokenCount-Units"), pricing.Class{Component: pricing.ModelInput, Confidence: pricing.PartlyRead}},
		{"provisioned", bedrock("USE1-MP:USE1_ProvisionedThroughput_NoCommit_ModelUnits_Usage-Units"), pricing.Class{
			Component: pricing.ModelOther, Tier: pricing.Provisioned, Variant: "ProvisionedThroughput_NoCommit_ModelUnits_Usage-Units", Confidence: pricing.PartlyRead,
		}},

		{"version of a meter", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU-v2"}, pricing.Class{Component: pricing.RuntimeVCPU, Variant: "v2"}},
		{"version of a component", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime-v2:Consumption-based:vCPU"}, pricing.Class{Component: pricing.RuntimeVCPU, Variant: "v2"}},
		{"built-in storage is plain", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Memory:Consumption-based:Long-Term-Memory-Storage:Built-in-memory"}, pricing.Class{Component: pricing.MemoryLongTermStorage}},
		{"override storage", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Memory:Consumption-based:Long-Term-Memory-Storage:Override-memory"}, pricing.Class{Component: pricing.MemoryLongTermStorage, Variant: "override"}},
		{"storage of a strategy unsaid", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Memory:Consumption-based:LTM-Storage"}, pricing.Class{Component: pricing.MemoryLongTermStorage, Confidence: pricing.PartlyRead}},
		{"version of a storage strategy", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Memory:Consumption-based:Long-Term-Memory-Storage-v2:Override-memory"}, pricing.Class{Component: pricing.MemoryLongTermStorage, Variant: "v2:Override-memory"}},
		{"evaluation tier", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Evaluations:Consumption-based:BuiltIn-Input:Tier2"}, pricing.Class{Component: pricing.EvaluationBuiltinInput, Variant: "Tier2"}},
		{"what is unknown keeps its words", pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Payments:Consumption-based:Wallet"}, pricing.Class{Component: pricing.Unknown, Variant: "Payments:Consumption-based:Wallet", Confidence: pricing.NotRead}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Region = "us-east-1"
			if tt.want.Confidence == "" && tt.want.Component != pricing.Unknown {
				tt.want.Confidence = pricing.FullyRead
			}
			if diff := cmp.Diff(tt.want, pricing.Classify(tt.usage)); diff != "" {
				t.Errorf("Classify(%+v) (-want +got):\n%s", tt.usage, diff)
			}
		})
	}
}

func TestModelKey(t *testing.T) {
	tests := []struct {
		name string
		a, b string
		same bool
	}{
		{"case and separators", "Nova Lite", "nova-lite", true},
		{"versions in any spelling", "Nova 2.0 Lite", "Nova2.0Lite", true},
		{"hyphens between digits are dots", "claude-opus-4-8", "Claude Opus 4.8", true},
		{"the edition is no part of the name", "Claude Opus 5 (Amazon Bedrock Edition)", "Claude Opus 5", true},
		{"words in another order, by the table", "Claude4.6Sonnet", "Claude Sonnet 4.6", true},
		{"a vendor's prefix, by the table", "anthropic.claude-opus-5", "Claude Opus 5", true},
		{"two spellings of the user guide", "openai.gpt-oss-120b", "gpt-oss-120b", true},
		{"a prefix is another model", "xai.grok-4", "xai.grok-4.6", false},
		{"digits stay apart", "m-4-8", "m-48", false},
		{"a dot tells versions apart", "m 4.1", "m 41", false},
		{"sizes are apart", "nemotron-nano-12b", "nemotron-nano-2b", false},
		{"nothing is nothing", "", " ", true},
		{"a tab is no way into the table", "claude4.6sonnet\tclaudesonnet4.6", "Claude Sonnet 4.6", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, b := pricing.ModelKey(tt.a), pricing.ModelKey(tt.b); (a == b) != tt.same {
				t.Errorf("ModelKey(%q) = %q, ModelKey(%q) = %q; same = %t, want %t", tt.a, a, tt.b, b, a == b, tt.same)
			}
			if key := pricing.ModelKey(tt.a); pricing.ModelKey(key) != key {
				t.Errorf("ModelKey(%q) = %q, whose key is %q", tt.a, key, pricing.ModelKey(key))
			}
		})
	}
}

func TestOperationComponents(t *testing.T) {
	for operation, want := range map[string][]pricing.Component{
		"Memory-Write":     {pricing.MemoryShortTerm},
		"Memory-Retrieve":  {pricing.MemoryLongTermRetrieval},
		"Code-Interpret":   {pricing.CodeInterpreterVCPU, pricing.CodeInterpreterMemory},
		"Runtime-Invoke":   {pricing.RuntimeVCPU, pricing.RuntimeMemory},
		"Gateway-Call":     {pricing.GatewayInvocation},
		"Browser-Navigate": {pricing.BrowserVCPU, pricing.BrowserMemory},
		"Quantum-Leap":     {pricing.Unknown},
		"":                 {pricing.Unknown},
	} {
		if diff := cmp.Diff(want, pricing.OperationComponents(operation)); diff != "" {
			t.Errorf("OperationComponents(%q) (-want +got):\n%s", operation, diff)
		}
	}
}

// TestClassifyKnowsEveryListedPrefix holds the lookup against the table as a
// table: every line is found, and by nothing shorter.
func TestClassifyKnowsEveryListedPrefix(t *testing.T) {
	for _, f := range tsv(t, "prefixes.tsv", 3) {
		got := pricing.Classify(pricing.Usage{ProductCode: "AmazonBedrockAgentCore", UsageType: f[0] + "-Runtime:Consumption-based:vCPU"})
		want := pricing.Class{Component: pricing.RuntimeVCPU, Region: f[1], Confidence: pricing.FullyRead}
		if got != want {
			t.Errorf("prefix %s: got %+v, want %+v", f[0], got, want)
		}
		if f[2] == "" {
			t.Errorf("prefix %s names no source", f[0])
		}
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	for _, usageType := range []string{
		"USE1-MP:USE1_CacheWrite1hInputTokenCount_LCtx_Global-Units",
		"Memory:Consumption-based:Long-Term-Memory-Storage:Built-in-memory",
	} {
		u := pricing.Usage{ProductCode: "AmazonBedrock", UsageType: usageType}
		if n := testing.AllocsPerRun(100, func() { pricing.Classify(u) }); n > 0 {
			t.Errorf("Classify(%s) allocates %v times, want 0", usageType, n)
		}
	}
}

// FuzzClassify checks what must hold for any row: a word of the vocabulary, a
// region of the table or none, and no component whose words the usage type lacks.
func FuzzClassify(f *testing.F) {
	f.Add("AmazonBedrockAgentCore", "USE1-Runtime:Consumption-based:vCPU-v2", "", "", "")
	f.Add("AmazonBedrock", "USW2-Nova2.0Lite-cache-write-input-token-count-flex", "", "", "")
	f.Add("", "MP:USE1_CacheWrite1hInputTokenCount-Units", "", "Bedrock", "1M TPM Hour")
	f.Add("AmazonCognito", "APN1-Bedrock-Agent-Core:Auth-Request:Oauth2", "", "", "")
	f.Add("", "-v2:\x00\n\t", "InvokeModelInference", "", "")

	known := map[pricing.Component]bool{}
	for _, c := range pricing.Components() {
		known[c] = true
	}
	table, err := os.ReadFile("prefixes.tsv")
	if err != nil {
		f.Fatal(err)
	}
	needs := map[pricing.Component][]string{
		pricing.RuntimeVCPU:             {"runtime", "vcpu"},
		pricing.RuntimeMemory:           {"runtime", "memory"},
		pricing.CodeInterpreterVCPU:     {"interpreter", "vcpu"},
		pricing.CodeInterpreterMemory:   {"interpreter", "memory"},
		pricing.BrowserVCPU:             {"browser", "vcpu"},
		pricing.BrowserMemory:           {"browser", "memory"},
		pricing.MemoryLongTermStorage:   {"memory", "storage"},
		pricing.MemoryLongTermRetrieval: {"memory", "retrieval"},
		pricing.GatewayInvocation:       {"gateway", "invocation"},
		pricing.GatewaySearch:           {"gateway", "search"},
		pricing.GatewayToolIndex:        {"gateway", "index"},
		pricing.GatewayData:             {"gateway", "data"},
		pricing.IdentityRequest:         {"auth-request"},
		pricing.DataTransfer:            {"bytes"},
		pricing.ModelInput:              {"input", "token"},
		pricing.ModelOutput:             {"output", "token"},
		pricing.ModelCacheRead:          {"cache", "token"},
		pricing.ModelCacheWrite5m:       {"cache", "write", "token"},
		pricing.ModelCacheWrite1h:       {"cache", "write", "1h", "token"},
	}
	manners := map[string][]string{
		string(pricing.Batch): {"batch"}, string(pricing.Flex): {"flex"}, string(pricing.Priority): {"priority"},
		string(pricing.LatencyOptimized): {"latency"}, string(pricing.Provisioned): {"provisioned"}, string(pricing.Reserved): {"reserved"},
		string(pricing.Global): {"global"}, string(pricing.Geo): {"geo", "cross"},
	}
	f.Fuzz(func(t *testing.T, code, usageType, operation, name, unit string) {
		u := pricing.Usage{ProductCode: code, UsageType: usageType, Operation: operation, ProductName: name, PricingUnit: unit}
		got := pricing.Classify(u)
		lower := strings.ToLower(usageType)
		if !known[got.Component] {
			t.Fatalf("Classify(%+v) = %q, not in the vocabulary", u, got.Component)
		}
		if got.Region != "" && !strings.Contains(string(table), "\t"+got.Region+"\t") {
			t.Fatalf("Classify(%+v): region %q is not in the table", u, got.Region)
		}
		for _, word := range needs[got.Component] {
			if !strings.Contains(lower, word) {
				t.Fatalf("Classify(%+v) = %q, but the usage type lacks %q", u, got.Component, word)
			}
		}
		for _, manner := range []string{string(got.Tier), string(got.Routing)} {
			if manner != "" && !slices.ContainsFunc(manners[manner], func(w string) bool { return strings.Contains(lower, w) }) {
				t.Fatalf("Classify(%+v) is %s, which the usage type does not say", u, manner)
			}
		}
		if !strings.Contains(usageType, got.Model) && !strings.Contains(name, got.Model) {
			t.Fatalf("Classify(%+v): model %q is on neither column", u, got.Model)
		}
		if (got.Confidence == pricing.NotRead) != (got.Component == pricing.Unknown) {
			t.Fatalf("Classify(%+v) is %q with confidence %q", u, got.Component, got.Confidence)
		}
		if again := pricing.Classify(u); again != got {
			t.Fatalf("Classify(%+v) = %+v, then %+v", u, got, again)
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	u := pricing.Usage{ProductCode: "AmazonBedrockFoundationModels", UsageType: "USE1-MP:USE1_CacheWrite1hInputTokenCount_LCtx_Global-Units"}
	b.ReportAllocs()
	for b.Loop() {
		pricing.Classify(u)
	}
}
