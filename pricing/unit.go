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
// within one price list ("1K tokens", "1k Tokens", "vCPU-Hour"), so case, plural
// and hyphens do not matter; scale does. The bare "Units" of AWS Marketplace means
// a million tokens, and it means that for token components alone. Anything else
// that is not known, and a unit that is not the component's own, is a [*RateError]
// around [ErrUnit]: a wrong guess would be wrong by a factor of a thousand.
func ParseUnit(printed string, c Component) (PricingUnit, error) {
	fail := func(detail string) (PricingUnit, error) {
		return PricingUnit{}, &RateError{Op: "read unit for", Component: c, Err: ErrUnit, Detail: detail}
	}
	scale, name := splitScale(printed)
	exp, ok := exponentOf(scale)
	if !ok {
		return fail(fmt.Sprintf("scale of %q", printed))
	}
	want := c.Unit()
	if scale == "" && isOneOf(name, "units", "unit") {
		if want != Tokens || c.Group() != GroupModel {
			return fail(fmt.Sprintf("%q says nothing", printed))
		}
		return PricingUnit{Unit: Tokens, Exp: 6}, nil
	}
	unit := unitOf(name)
	switch {
	case unit == "":
		return fail(fmt.Sprintf("%q", printed))
	case want != "" && unit != want:
		return fail(fmt.Sprintf("%q where %s are counted", printed, want))
	}
	return PricingUnit{Unit: unit, Exp: exp}, nil
}

// splitScale cuts "1M Input Tokens" into "1M" and the words behind it.
func splitScale(printed string) (scale, name string) {
	s := strings.TrimSpace(printed)
	if s == "" || kindOf(s[0]) != digit {
		return "", s
	}
	scale, name, _ = strings.Cut(s, " ")
	return scale, strings.TrimSpace(name)
}

// maxScale bounds the power of ten of a pricing unit; a million is the largest seen.
const maxScale = 9

// exponentOf reads a scale: blank, or a one with zeros, or with K or M.
func exponentOf(scale string) (int32, bool) {
	if scale == "" {
		return 0, true
	}
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
	case "token", "input token", "output token":
		return Tokens
	case "event":
		return Events
	case "retrieval", "memory retrieved":
		return Retrievals
	case "vcpu hour":
		return VCPUHours
	case "gb hour":
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
	case "hour":
		return Hours
	case "second":
		return Seconds
	case "gb":
		return GB
	case "tpm hour":
		return TPMHours
	}
	return ""
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
