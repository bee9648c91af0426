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
	// Model is the model where the caller knows it from elsewhere: a map by product
	// code or SKU, an inference profile. It counts where usage type and product
	// name are silent, as they are on AWS Marketplace rows without a name.
	Model string
}

// Class is what [Classify] reads off a billing row. The kind of tokens is the
// component.
type Class struct {
	Component   Component
	Region      string // from the billing prefix; blank if the usage type has none, or an unlisted one
	Model       string // as spelled on the row; blank where nothing names it
	Tier        Tier
	Routing     Routing
	LongContext bool
	Variant     string // see [Meter]
	Confidence  Confidence
}

// Meter returns the class without region and confidence: what a rate is looked
// up by.
func (c Class) Meter() Meter {
	return Meter{Component: c.Component, Model: c.Model, Tier: c.Tier, Routing: c.Routing, LongContext: c.LongContext, Variant: c.Variant}
}

// Confidence says how much of a row was understood. It is for reports and for
// people; no amount depends on it.
type Confidence string

// The confidences.
const (
	NotRead    Confidence = ""        // the component is unknown
	PartlyRead Confidence = "partial" // something of the row is unread, unlisted, or told by the product alone
	FullyRead  Confidence = "full"    // the product is named, the region listed, and every word has a meaning
)

// product is the family of usage-type grammars that a row may use.
type product uint8

const (
	productForeign product = iota // named, and no AI product
	productUnnamed                // no column names it: the usage type alone must tell
	productAgentCore
	productModel
	productCognito // AgentCore identity requests among much else
)

// Classify returns what a billing row pays for: its component, the region of its
// billing prefix, and what else tells its price. It never fails: a row of an AI
// product that it cannot read is [Unknown] (AgentCore) or [ModelOther] (model
// products), and a row of any other product is Unknown. Such a row keeps the words
// of its meter in Variant.
func Classify(u Usage) Class {
	region, rest := cutPrefix(u.UsageType)
	p := productOf(u)
	c := classOf(p, rest, u.PricingUnit)
	c.Region = region
	switch {
	case c.Component == Unknown:
		c.Confidence = NotRead
	case region == "", p == productUnnamed:
		c.Confidence = PartlyRead
	}
	if c.Component.Group() == GroupModel && c.Model == "" {
		c.Model = modelOf(u)
		if c.Model == "" {
			c.Confidence = PartlyRead
		}
	}
	return c
}

// modelOf returns the model that a row names outside of its usage type: the
// product name of AWS Marketplace models, which alone tells their prices apart.
func modelOf(u Usage) string {
	if name, ok := strings.CutSuffix(u.ProductName, edition); ok {
		return name
	}
	return u.Model
}

// classOf tries the grammars that a product may use, most specific first.
func classOf(p product, rest, unit string) Class {
	switch p {
	case productAgentCore:
		if c := agentCore(rest); c.Component != Unknown {
			return c
		}
		if transfer(rest) {
			return Class{Component: DataTransfer, Variant: rest, Confidence: FullyRead}
		}
	case productModel:
		// AgentCore began under the code of Bedrock in some documents; its
		// meters are spelled too particularly to be taken for anything else.
		if c := agentCore(rest); c.Component != Unknown {
			return c
		}
		if c := tokens(rest, unit); c.Component != ModelOther {
			return c
		}
		if transfer(rest) {
			return Class{Component: DataTransfer, Variant: rest, Confidence: FullyRead}
		}
		return otherModelMeter(rest)
	case productCognito:
		return identity(rest)
	case productUnnamed:
		if c := agentCore(rest); c.Component != Unknown {
			return c
		}
		if c := tokens(rest, unit); c.Component != ModelOther {
			return c
		}
	}
	return Class{Component: Unknown, Variant: rest}
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
// component and meter may end in a version such as -v2: a price of its own, and so
// a variant, but the same thing to pay for. Another billing mode is Unknown, as
// its unit would be.
func agentCore(s string) Class {
	if c := identity(s); c.Component != Unknown {
		return c
	}
	name, rest, _ := strings.Cut(s, ":")
	mode, rest, _ := strings.Cut(rest, ":")
	if mode != "Consumption-based" {
		return Class{Component: Unknown, Variant: s}
	}
	meter, sub, hasSub := strings.Cut(rest, ":")
	name, version := cutVersion(name)
	meter, meterVersion := cutVersion(meter)

	c := Class{Component: agentCoreComponent(name, meter, sub), Variant: sub, Confidence: FullyRead}
	switch c.Component {
	case Unknown, PolicyOther, EvaluationOther, GatewayData:
		// Several meters in one component: only the whole text tells them apart.
		c.Variant = s
		if c.Component != GatewayData {
			c.Confidence = PartlyRead
		}
		return c
	case MemoryLongTermStorage:
		switch {
		case hasWord(sub, "override"):
			c.Variant = "override"
		case hasWord(sub, "built"):
			c.Variant = "" // the plain case
		default:
			c.Confidence = PartlyRead
		}
	case EvaluationBuiltinInput, EvaluationBuiltinOutput, EvaluationCustom, PolicyAuthorization, PolicyAuthoring:
		// The sub is a volume tier or a kind, and is kept as printed.
	default:
		if hasSub {
			c.Confidence = PartlyRead
		}
	}
	switch {
	case meterVersion != "" && hasSub:
		c.Variant = rest[len(meter)+1:] // "v2:Override-memory", as printed
	case meterVersion != "":
		c.Variant = meterVersion
	case version != "" && c.Variant == "":
		c.Variant = version
	case version != "":
		c.Variant = s
	}
	return c
}

// agentCoreComponent names the component of a meter without versions.
func agentCoreComponent(name, meter, sub string) Component {
	switch name {
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
// Amazon Cognito. Tokens and API keys have one price, so the kind is no variant.
func identity(s string) Class {
	if s == "Bedrock-Agent-Core:Auth-Request" || strings.HasPrefix(s, "Bedrock-Agent-Core:Auth-Request:") {
		return Class{Component: IdentityRequest, Confidence: FullyRead}
	}
	return Class{Component: Unknown, Variant: s}
}

// cutVersion takes a trailing -v and digits off, and returns them without the
// hyphen.
func cutVersion(s string) (name, version string) {
	at := strings.LastIndex(s, "-v")
	if at < 0 || at+2 == len(s) {
		return s, ""
	}
	for _, b := range []byte(s[at+2:]) {
		if b < '0' || b > '9' {
			return s, ""
		}
	}
	return s[:at], s[at+1:]
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
