package pricing

import "strings"

// Usage is what a billing row says about the meter it bills. Only the usage type
// is always looked at; each further column settles what it leaves open. Any of
// them may be blank.
type Usage struct {
	ProductCode   string // as billed: AmazonBedrock, AmazonBedrockAgentCore, an AWS Marketplace product id, …
	UsageType     string // as billed, with its billing prefix
	Operation     string // as billed; model calls name the inference operation
	ProductFamily string // "Amazon Bedrock" marks model products of any code
	ProductName   string // AWS Marketplace models end in "(Amazon Bedrock Edition)"
	PricingUnit   string // throughput is priced per TPM even where the meter counts tokens
}

// Class is what [Classify] reads off a billing row.
type Class struct {
	Component Component
	Region    string // from the billing prefix; blank if the usage type has none, or an unlisted one
}

// product is the family of usage-type grammars that a row may use.
type product uint8

const (
	productForeign product = iota // named, and no AI product
	productUnnamed                // no column names it: the usage type alone must tell
	productAgentCore
	productModel
	productCognito // AgentCore identity requests among much else
)

// Classify returns the component that a billing row pays for, and the region of
// its billing prefix. It never fails: a row of an AI product that it cannot read
// is [Unknown] (AgentCore) or [ModelOther] (model products), and a row of any
// other product is Unknown.
func Classify(u Usage) Class {
	region, rest := cutPrefix(u.UsageType)
	return Class{Component: component(productOf(u), rest, u.PricingUnit), Region: region}
}

// component tries the grammars that a product may use, most specific first.
func component(p product, rest, unit string) Component {
	switch p {
	case productAgentCore:
		if c := agentCore(rest); c != Unknown {
			return c
		}
		if transfer(rest) {
			return DataTransfer
		}
	case productModel:
		// AgentCore began under the code of Bedrock in some documents; its
		// meters are spelled too particularly to be taken for anything else.
		if c := agentCore(rest); c != Unknown {
			return c
		}
		if c := tokens(rest, unit); c != ModelOther {
			return c
		}
		if transfer(rest) {
			return DataTransfer
		}
		return ModelOther
	case productCognito:
		return identity(rest)
	case productUnnamed:
		if c := agentCore(rest); c != Unknown {
			return c
		}
		if c := tokens(rest, unit); c != ModelOther {
			return c
		}
	}
	return Unknown
}

// productOf picks the product. The code decides where it is one of AWS's own;
// else the columns that AWS Marketplace rows carry, whose codes are arbitrary.
func productOf(u Usage) product {
	switch u.ProductCode {
	case "AmazonBedrockAgentCore":
		return productAgentCore
	case "AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels":
		return productModel
	case "AmazonCognito":
		return productCognito
	}
	switch {
	case strings.Contains(u.ProductName, "AgentCore"):
		return productAgentCore
	case u.ProductFamily == "Amazon Bedrock", strings.Contains(u.ProductName, "Bedrock"):
		return productModel
	case u.ProductCode != "":
		return productForeign
	case u.Operation == "InvokeModelInference", u.Operation == "InvokeModelStreamingInference":
		return productModel
	case u.ProductName != "":
		return productForeign
	}
	return productUnnamed
}

// agentCore reads `<Component>:Consumption-based:<Meter>[:<Sub>]`, where
// component and meter may end in a version such as -v2: a new price, not a new
// thing to pay for. Another billing mode is Unknown, as its unit would be.
func agentCore(s string) Component {
	if c := identity(s); c != Unknown {
		return c
	}
	name, s, _ := strings.Cut(s, ":")
	mode, s, _ := strings.Cut(s, ":")
	if mode != "Consumption-based" {
		return Unknown
	}
	meter, sub, _ := strings.Cut(s, ":")
	meter = trimVersion(meter)
	switch trimVersion(name) {
	case "Runtime", "AgentRuntime":
		return compute(meter, RuntimeVCPU, RuntimeMemory)
	case "CodeInterpreter":
		return compute(meter, CodeInterpreterVCPU, CodeInterpreterMemory)
	case "BrowserTool", "Browser":
		return compute(meter, BrowserVCPU, BrowserMemory)
	case "Memory":
		switch meter {
		case "Short-Term-Memory", "STM":
			return MemoryShortTerm
		case "Long-Term-Memory-Storage", "LTM-Storage":
			return MemoryLongTermStorage // built-in or override strategy: the sub
		case "Long-Term-Memory-Retrieval", "LTM-Retrieval":
			return MemoryLongTermRetrieval
		}
	case "Gateway":
		switch {
		case meter == "API-Invocations":
			return GatewayInvocation
		case meter == "Search-API":
			return GatewaySearch
		case meter == "Tool-Indexing":
			return GatewayToolIndex
		case hasWord(meter, "data"):
			return GatewayData // no source prints the whole meter
		}
	case "Policy":
		// No source prints these meters; the price list's own words decide.
		switch {
		case hasWord(meter, "authorization"), hasWord(sub, "authorization"):
			return PolicyAuthorization
		case hasWord(meter, "authoring"), hasWord(sub, "authoring"):
			return PolicyAuthoring
		}
		return PolicyOther
	case "Evaluations":
		switch meter {
		case "BuiltIn-Input":
			return EvaluationBuiltinInput // the volume tier: the sub
		case "BuiltIn-Output":
			return EvaluationBuiltinOutput
		case "CustomEvaluators":
			return EvaluationCustom
		}
		return EvaluationOther
	}
	return Unknown
}

// compute tells the two meters of anything that runs.
func compute(meter string, vcpu, memory Component) Component {
	switch meter {
	case "vCPU":
		return vcpu
	case "Memory":
		return memory
	}
	return Unknown
}

// identity reads `Bedrock-Agent-Core:Auth-Request:<Kind>`, which AWS lists under
// Amazon Cognito.
func identity(s string) Component {
	if s == "Bedrock-Agent-Core:Auth-Request" || strings.HasPrefix(s, "Bedrock-Agent-Core:Auth-Request:") {
		return IdentityRequest
	}
	return Unknown
}

// trimVersion takes a trailing -v and digits off.
func trimVersion(s string) string {
	at := strings.LastIndex(s, "-v")
	if at < 0 || at+2 == len(s) {
		return s
	}
	for _, b := range []byte(s[at+2:]) {
		if b < '0' || b > '9' {
			return s
		}
	}
	return s[:at]
}

// transfer reports whether s meters bytes moved: DataTransfer-Regional-Bytes,
// CloudFront-Out-Bytes, USW2-AWS-Out-Bytes and their kin. Bytes stored are not
// bytes moved, so a direction or the word itself is asked for; and a colon means
// a meter of AgentCore's own ("Built-in" is no direction).
func transfer(s string) bool {
	if strings.Contains(s, ":") {
		return false
	}
	bytes, moved := false, false
	for w := range words(s) {
		switch {
		case isOneOf(w, "bytes", "abytes", "obytes"):
			bytes = true
		case isOneOf(w, "transfer", "in", "out", "regional"):
			moved = true
		}
	}
	return bytes && moved
}
