package pricing

import "strings"

// Component is what a billing row pays for, without region, model or tier. The
// vocabulary is open: a component stored by a later version is still a
// component here, and its group is derived from its spelling.
type Component string

// The components of Amazon Bedrock AgentCore.
const (
	RuntimeVCPU             Component = "runtime_vcpu"               // vCPU-hours of agent runtimes
	RuntimeMemory           Component = "runtime_memory"             // GB-hours of agent runtimes
	MemoryShortTerm         Component = "memory_short_term"          // events written to short-term memory
	MemoryLongTermStorage   Component = "memory_long_term_storage"   // records kept, per month
	MemoryLongTermRetrieval Component = "memory_long_term_retrieval" // retrievals from long-term memory
	CodeInterpreterVCPU     Component = "code_interpreter_vcpu"      // vCPU-hours of code interpreter sessions
	CodeInterpreterMemory   Component = "code_interpreter_memory"    // GB-hours of code interpreter sessions
	BrowserVCPU             Component = "browser_vcpu"               // vCPU-hours of browser sessions
	BrowserMemory           Component = "browser_memory"             // GB-hours of browser sessions
	GatewayInvocation       Component = "gateway_invocation"         // tool calls, listings and pings
	GatewaySearch           Component = "gateway_search"             // semantic tool searches
	GatewayToolIndex        Component = "gateway_tool_index"         // tools indexed, per month
	GatewayData             Component = "gateway_data"               // data processed by a gateway
	IdentityRequest         Component = "identity_request"           // token and API key requests, billed under Cognito
	PolicyAuthorization     Component = "policy_authorization"       // authorization requests
	PolicyAuthoring         Component = "policy_authoring"           // tokens spent on writing policies
	PolicyOther             Component = "policy_other"               // any other policy meter
	EvaluationBuiltinInput  Component = "evaluation_builtin_input"   // input tokens of built-in evaluators
	EvaluationBuiltinOutput Component = "evaluation_builtin_output"  // output tokens of built-in evaluators
	EvaluationCustom        Component = "evaluation_custom"          // runs of custom evaluators
	EvaluationOther         Component = "evaluation_other"           // any other evaluation meter
	DataTransfer            Component = "data_transfer"              // bytes moved, under an AI product code
)

// The components of Amazon Bedrock model calls. Four kinds of tokens are told
// apart, because their prices are: reading a cache costs a tenth of the input
// price and writing it more than the input price.
const (
	ModelInput        Component = "model_input"          // input tokens that touched no cache
	ModelOutput       Component = "model_output"         // output tokens
	ModelCacheRead    Component = "model_cache_read"     // input tokens read from a prompt cache
	ModelCacheWrite5m Component = "model_cache_write_5m" // input tokens cached for five minutes, the default
	ModelCacheWrite1h Component = "model_cache_write_1h" // input tokens cached for an hour
	// ModelOther is every other meter of a model product: guardrail units,
	// images, seconds, reserved and provisioned throughput, customization, and
	// cache writes of a lifetime that is neither five minutes nor an hour.
	ModelOther Component = "model_other"
)

// Unknown is a component that could not be told: kept, counted and reported.
const Unknown Component = "unknown"

// infrastructurePrefix begins the component of every product that is not an AI
// product.
const infrastructurePrefix = "infrastructure/"

// Infrastructure returns the component of a product that a caller counts as
// workload infrastructure, such as Infrastructure("AWSLambda"). The service is
// kept as billed, so that two spellings of a product code never become one; a
// blank service is [Unknown].
func Infrastructure(service string) Component {
	if service == "" {
		return Unknown
	}
	return Component(infrastructurePrefix + service)
}

// Components returns the fixed vocabulary in the order reports show it: all
// components but those of [Infrastructure]. The slice is the caller's.
func Components() []Component {
	return []Component{
		RuntimeVCPU, RuntimeMemory,
		MemoryShortTerm, MemoryLongTermStorage, MemoryLongTermRetrieval,
		CodeInterpreterVCPU, CodeInterpreterMemory,
		BrowserVCPU, BrowserMemory,
		GatewayInvocation, GatewaySearch, GatewayToolIndex, GatewayData,
		IdentityRequest,
		PolicyAuthorization, PolicyAuthoring, PolicyOther,
		EvaluationBuiltinInput, EvaluationBuiltinOutput, EvaluationCustom, EvaluationOther,
		ModelInput, ModelOutput, ModelCacheRead, ModelCacheWrite5m, ModelCacheWrite1h, ModelOther,
		DataTransfer, Unknown,
	}
}

// Group is the service feature that a component belongs to.
type Group string

// The groups, in the order reports show them.
const (
	GroupRuntime         Group = "runtime"
	GroupMemory          Group = "memory"
	GroupCodeInterpreter Group = "code_interpreter"
	GroupBrowser         Group = "browser"
	GroupGateway         Group = "gateway"
	GroupIdentity        Group = "identity"
	GroupPolicy          Group = "policy"
	GroupEvaluation      Group = "evaluation"
	GroupModel           Group = "model"
	GroupInfrastructure  Group = "infrastructure"
	GroupOther           Group = "other"
)

// Groups returns all groups in the order reports show them. The slice is the
// caller's.
func Groups() []Group {
	return []Group{
		GroupRuntime, GroupMemory, GroupCodeInterpreter, GroupBrowser, GroupGateway,
		GroupIdentity, GroupPolicy, GroupEvaluation, GroupModel, GroupInfrastructure, GroupOther,
	}
}

// Group returns the group of c. It is read off the spelling, the group being
// the word before the meter, so a component of a later version (a new policy
// meter, say) falls in its group too. Data transfer, unknown components and
// words of no group are [GroupOther].
func (c Component) Group() Group {
	if strings.HasPrefix(string(c), infrastructurePrefix) {
		return GroupInfrastructure
	}
	for _, g := range Groups() {
		if g == GroupInfrastructure || g == GroupOther {
			continue // neither is followed by a meter
		}
		if rest, ok := strings.CutPrefix(string(c), string(g)); ok && strings.HasPrefix(rest, "_") {
			return g
		}
	}
	return GroupOther
}
