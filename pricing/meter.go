package pricing

import (
	_ "embed" // for the model table
	"strings"
)

// Tier is how a model call is served, where that has a price of its own. The
// vocabulary is open; the zero value is on demand.
type Tier string

// The tiers.
const (
	OnDemand         Tier = "" // "standard" in newer usage types
	Batch            Tier = "batch"
	Flex             Tier = "flex"
	Priority         Tier = "priority"
	LatencyOptimized Tier = "latency_optimized"
	Provisioned      Tier = "provisioned"
	Reserved         Tier = "reserved"
)

// String names the tier; on demand has a name here.
func (t Tier) String() string {
	if t == OnDemand {
		return "on_demand"
	}
	return string(t)
}

// Routing is where a model call may be served from. The vocabulary is open; the
// zero value is the region that was called, which is also what an unqualified
// usage type means.
type Routing string

// The routings.
const (
	Regional Routing = ""
	Geo      Routing = "geo"    // any region of the geography
	Global   Routing = "global" // any region at all
)

// String names the routing; regional has a name here.
func (r Routing) String() string {
	if r == Regional {
		return "regional"
	}
	return string(r)
}

// Meter is what one rate prices: a component, and all that makes two prices of
// one component. The zero value of every field but Component is the plain case,
// so Meter{Component: RuntimeVCPU} is complete.
type Meter struct {
	Component Component
	Model     string // model components only; any spelling, compared by [ModelKey]
	Tier      Tier
	Routing   Routing
	// LongContext marks the tokens of calls beyond the model's plain context.
	LongContext bool
	// Variant is whatever else has a price of its own: "mantle" for the
	// bedrock-mantle endpoint, "speech" for a modality, "v2" for a version,
	// "override" for a storage strategy, and the meter's own words under
	// components that gather several meters (model_other, unknown, …).
	Variant string
}

// String names the meter on one line.
func (m Meter) String() string {
	s := string(m.Component)
	if m.Model != "" {
		s += " " + m.Model
	}
	if manner := m.manner(); manner != "" {
		s += " " + manner
	}
	return s
}

// manner names what is not plain about a meter, blank if all of it is.
func (m Meter) manner() string {
	var words []string
	if m.Tier != OnDemand {
		words = append(words, string(m.Tier))
	}
	if m.Routing != Regional {
		words = append(words, string(m.Routing))
	}
	if m.LongContext {
		words = append(words, "long context")
	}
	if m.Variant != "" {
		words = append(words, m.Variant)
	}
	return strings.Join(words, " ")
}

// key returns the meter with spellings folded, for comparing.
func (m Meter) key() Meter {
	m.Model = ModelKey(m.Model)
	m.Variant = strings.ToLower(m.Variant)
	return m
}

// modelTable maps spellings of one model that folding cannot bring together to
// one name, one per line with the source of the line.
//
//go:embed models.tsv
var modelTable string

// edition ends the product names of AWS Marketplace models.
const edition = " (Amazon Bedrock Edition)"

// ModelKey folds the spelling of a model: "Nova 2.0 Lite" and "Nova2.0Lite" have
// one key. Case and separators go, except that digits stay apart as version
// numbers do ("4-8" and "4.8" are one, "48" is another), so no model is a prefix
// of a comparison with another. Spellings that differ by more are brought together
// by a table only, since a wrong guess would be a wrong price; those the table
// does not hold keep keys of their own.
func ModelKey(model string) string {
	name := fold(model)
	if name == "" {
		return ""
	}
	at := strings.Index(modelTable, "\n"+name+"\t")
	if at < 0 {
		return name
	}
	canonical, _, _ := strings.Cut(modelTable[at+len(name)+2:], "\t")
	return canonical
}

// fold takes case and separators out of a model name.
func fold(model string) string {
	model = strings.TrimSuffix(strings.TrimSpace(model), edition)
	var b strings.Builder
	b.Grow(len(model))
	for i := range len(model) {
		c := model[i]
		switch {
		case kindOf(c) == capital:
			b.WriteByte(c - 'A' + 'a')
		case kindOf(c) != other || c >= 0x80:
			b.WriteByte(c)
		case digitAt(model, i-1) && digitAt(model, i+1):
			b.WriteByte('.')
		case c == '.' || c == ':' || c == '/' || c == '+':
			b.WriteByte(c) // a vendor's dot is part of the name
		}
	}
	return b.String()
}

func digitAt(s string, i int) bool { return 0 <= i && i < len(s) && kindOf(s[i]) == digit }
