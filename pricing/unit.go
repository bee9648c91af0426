package pricing

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Unit is what a quantity counts, one at a time: tokens and never thousands of
// them. Quantities are added, and prices compared, only within one unit.
type Unit string

// The units.
const (
	Tokens       Unit = "tokens"
	Events       Unit = "events"
	Retrievals   Unit = "retrievals"
	VCPUHours    Unit = "vCPU-hours"
	GBHours      Unit = "GB-hours"
	Requests     Unit = "requests"
	RecordMonths Unit = "record-months"
	ToolMonths   Unit = "tool-months"
	Evaluations  Unit = "evaluations"
	TextUnits    Unit = "text units" // of guardrails
	Queries      Unit = "queries"
	Images       Unit = "images"
	Hours        Unit = "hours"
	Seconds      Unit = "seconds"
	GB           Unit = "GB"
	TPMHours     Unit = "TPM-hours" // tokens per minute, reserved for an hour
)

// Whole reports whether the unit comes in wholes: there is no half an event.
func (u Unit) Whole() bool {
	switch u {
	case Tokens, Events, Retrievals, Requests, Evaluations, TextUnits, Queries, Images:
		return true
	}
	return false
}

// Unit returns the unit that every rate of c has, or "" for components that
// gather meters of several units, and for words that are not of the vocabulary.
func (c Component) Unit() Unit {
	switch c {
	case RuntimeVCPU, CodeInterpreterVCPU, BrowserVCPU:
		return VCPUHours
	case RuntimeMemory, CodeInterpreterMemory, BrowserMemory:
		return GBHours
	case MemoryShortTerm:
		return Events
	case MemoryLongTermStorage:
		return RecordMonths
	case MemoryLongTermRetrieval:
		return Retrievals
	case GatewayInvocation, GatewaySearch, IdentityRequest, PolicyAuthorization:
		return Requests
	case GatewayToolIndex:
		return ToolMonths
	case EvaluationCustom:
		return Evaluations
	case PolicyAuthoring, EvaluationBuiltinInput, EvaluationBuiltinOutput,
		ModelInput, ModelOutput, ModelCacheRead, ModelCacheWrite5m, ModelCacheWrite1h:
		return Tokens
	}
	return ""
}

// PricingUnit is a unit as a price list or a bill prints it, "1M tokens": a unit
// and the power of ten that it is counted in.
type PricingUnit struct {
	Unit Unit
	Exp  int32 // 3 for thousands, 6 for millions
}

// ParseUnit reads a pricing unit as printed beside a component. Spelling varies
// within one price list ("1K tokens", "1k Tokens", "vCPU-Hour"), and AWS Marketplace
// rows spell it out in their description ("Million Response Tokens Regional"); so
// case, plural, hyphens and the words that say which tokens do not matter. Scale
// does. The bare "Units" of AWS Marketplace means a million tokens, and it means
// that for token components alone. Anything else that is not known, and a unit
// that is not the component's own, is a [*RateError] around [ErrUnit]: a wrong guess
// would be wrong by a factor of a thousand.
func ParseUnit(printed string, c Component) (PricingUnit, error) {
	fail := func(detail string) (PricingUnit, error) {
		return PricingUnit{}, &RateError{Op: "read unit for", Component: c, Err: ErrUnit, Detail: detail}
	}
	s, ok := splitScale(printed)
	if !ok {
		return fail(fmt.Sprintf("scale of %q", printed))
	}
	want := c.Unit()
	if !s.stated && isOneOf(s.name, "units", "unit") {
		if want != Tokens || c.Group() != GroupModel {
			return fail(fmt.Sprintf("%q says nothing", printed))
		}
		return PricingUnit{Unit: Tokens, Exp: 6}, nil
	}
	unit := unitOf(s.name)
	switch {
	case unit == "":
		return fail(fmt.Sprintf("%q", printed))
	case want != "" && unit != want:
		return fail(fmt.Sprintf("%q where %s are counted", printed, want))
	}
	return PricingUnit{Unit: unit, Exp: s.exp}, nil
}

// scaled is a printed unit with its scale cut off.
type scaled struct {
	exp    int32
	stated bool // a scale was printed, be it a one
	name   string
}

// splitScale cuts "1M Input Tokens", "Price per 1 million input tokens" and
// "Million Input Tokens" into scale and name, or reports a scale that is none.
func splitScale(printed string) (scaled, bool) {
	w := strings.Fields(printed)
	if len(w) > 2 && isOneOf(w[0], "price") && isOneOf(w[1], "per") {
		w = w[2:]
	}
	var s scaled
	ok := true
	if len(w) > 0 && kindOf(w[0][0]) == digit {
		s.exp, ok = exponentOf(w[0])
		s.stated, w = true, w[1:]
	}
	if len(w) > 0 && ok {
		exp, word := wordScale(w[0])
		if word {
			s.exp, s.stated, w = s.exp+exp, true, w[1:]
		}
	}
	s.name = strings.Join(w, " ")
	return s, ok && s.exp <= maxScale
}

// wordScale reads a scale that is spelled out.
func wordScale(word string) (int32, bool) {
	switch {
	case isOneOf(word, "thousand"):
		return 3, true
	case isOneOf(word, "million"):
		return 6, true
	}
	return 0, false
}

// maxScale bounds the power of ten of a pricing unit; a million is the largest seen.
const maxScale = 9

// exponentOf reads a scale in figures: a one, with zeros or with K or M.
func exponentOf(scale string) (int32, bool) {
	digits := strings.TrimRight(scale, "kKmM")
	var exp int32
	switch strings.ToUpper(scale[len(digits):]) {
	case "":
	case "K":
		exp = 3
	case "M":
		exp = 6
	default:
		return 0, false
	}
	zeros, ok := strings.CutPrefix(digits, "1")
	if !ok || strings.Trim(zeros, "0") != "" || len(zeros)+int(exp) > maxScale {
		return 0, false
	}
	return exp + int32(len(zeros)), true
}

// unitOf reads the name of a unit behind its scale.
func unitOf(name string) Unit {
	var parts []string
	for _, f := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }) {
		parts = append(parts, strings.TrimSuffix(f, "s"))
	}
	switch strings.Join(parts, " ") {
	case "event":
		return Events
	case "retrieval", "memory retrieved":
		return Retrievals
	case "vcpu hour", "vcpu hr":
		return VCPUHours
	case "gb hour", "gb hr":
		return GBHours
	case "request":
		return Requests
	case "record month":
		return RecordMonths
	case "tool month":
		return ToolMonths
	case "evaluation":
		return Evaluations
	case "text unit", "textunit":
		return TextUnits
	case "query", "querie":
		return Queries
	case "image":
		return Images
	case "hour", "hr":
		return Hours
	case "second":
		return Seconds
	case "gb":
		return GB
	case "tpm hour":
		return TPMHours
	}
	if countsTokens(parts) {
		return Tokens
	}
	return ""
}

// countsTokens reports whether the words are "token" and such as say which ones:
// "response token regional", "1 hour cache write input token". Tokens per minute
// are capacity, and TPM is none of these words.
func countsTokens(parts []string) bool {
	tokens := 0
	for _, p := range parts {
		switch {
		case p == "token":
			tokens++
		case isOneOf(p, "input", "output", "response", "prompt", "cache", "cached", "read", "write", "ttl",
			"batch", "flex", "priority", "standard", "long", "context", "regional", "geo", "global",
			"text", "speech", "audio", "image", "video"):
		case isOneOf(p, "1", "5", "hour", "minute", "1h", "5m"): // a cache's lifetime
		default:
			return false
		}
	}
	return tokens == 1
}

// String writes the unit so that [ParseUnit] reads it back: "1K tokens".
func (p PricingUnit) String() string {
	switch {
	case p.Exp <= 0:
		return string(p.Unit)
	case p.Exp%3 == 0 && p.Exp <= 6:
		return []string{"1K ", "1M "}[p.Exp/3-1] + string(p.Unit)
	}
	return "1" + strings.Repeat("0", int(min(p.Exp, maxScale))) + " " + string(p.Unit)
}

// Quantity turns an amount of pricing units into one of single units, exactly.
func (p PricingUnit) Quantity(amount decimal.Decimal) decimal.Decimal { return amount.Shift(p.Exp) }

// Price turns a price for one pricing unit into that of a single unit, exactly.
func (p PricingUnit) Price(price decimal.Decimal) decimal.Decimal { return price.Shift(-p.Exp) }
