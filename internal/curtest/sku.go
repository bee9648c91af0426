package curtest

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/shopspring/decimal"
)

// Pair is one entry of a map column.
type Pair struct{ Key, Value string }

// Map is the content of a map column with its JSON made once: many rows share it.
// A nil Map is an empty one.
type Map struct {
	pairs []Pair
	json  string
}

// NewMap keeps the order of its entries, since AWS does not sort them either.
func NewMap(pairs ...Pair) *Map { return newMap(false, pairs) }

// NewDoubleMap is NewMap for values that are numbers.
func NewDoubleMap(pairs ...Pair) *Map { return newMap(true, pairs) }

func newMap(bare bool, pairs []Pair) *Map {
	var b strings.Builder
	b.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoteJSON(p.Key))
		b.WriteByte(':')
		if bare {
			b.WriteString(p.Value)
		} else {
			b.WriteString(quoteJSON(p.Value))
		}
	}
	b.WriteByte('}')
	return &Map{pairs, b.String()}
}

// quoteJSON leaves & < > alone, as the report does and encoding/json by default not.
func quoteJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Value returns the entry of that key, or "".
func (m *Map) Value(key string) string {
	if m == nil {
		return ""
	}
	for _, p := range m.pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

// Pairs returns the entries, to be read only.
func (m *Map) Pairs() []Pair {
	if m == nil {
		return nil
	}
	return m.pairs
}

// SKU is something billed: its names in the report, its unit and the rate of one unit.
// Finish it with [SKU.Finish] before the first use.
type SKU struct {
	Entity      string // bill_billing_entity; blank: AWS
	Seller      string // legal entity; blank: AWS's
	Code        string // line_item_product_code
	Name        string // product['product_name']
	Service     string // product_servicecode; blank: Code
	Family      string
	UsageType   string
	Operation   string
	Unit        string // pricing_unit; blank on most Marketplace rows
	Rate        decimal.Decimal
	Places      int32 // decimals its quantities have; 3 lets a unit of a million tokens count thousands
	Region      string
	Description string    // blank: made from rate and unit
	Attributes  []Pair    // further entries of product
	product     *Map      // all entries
	bare        *Map      // product_name alone, as tax rows have it
	ids         [3]string // sku, rate code, rate id
	rate        string
}

// Finish derives what every row of the SKU shares and returns s.
func (s *SKU) Finish() *SKU {
	if s.Entity == "" {
		s.Entity = "AWS"
	}
	if s.Service == "" {
		s.Service = s.Code
	}
	s.rate = rateText(s.Rate)
	if s.Description == "" {
		s.Description = "$" + s.Rate.String() + " per " + s.Unit + " for " + s.UsageType
	}
	name := Pair{"product_name", s.Name}
	s.bare = NewMap(name)
	pairs := append([]Pair(nil), s.Attributes...)
	pairs = append(pairs, name, Pair{"region", s.Region}, Pair{"servicename", s.Name})
	s.product = NewMap(pairs...)
	// Ids of a price list look random and are stable; a hash of the names is both.
	h := newHash("sku", s.Entity, s.Code, s.Name, s.UsageType, s.Region)
	sku := h.letters(16, "ABCDEFGHJKMNPQRSTUVWXYZ23456789")
	s.ids = [3]string{sku, sku + ".JRTCKXETXF.6YS6EN2CT7", h.letters(12, "123456789")}
	return s
}

// Price returns quantity × rate, rounded to the ten places a bill has.
func (s *SKU) Price(quantity decimal.Decimal) decimal.Decimal {
	return quantity.Mul(s.Rate).Round(10)
}

// location is the long name of a region where this package uses one.
func location(region string) string {
	switch region {
	case "us-east-1":
		return "US East (N. Virginia)"
	case "us-west-2":
		return "US West (Oregon)"
	case "eu-west-1":
		return "EU (Ireland)"
	case "ap-northeast-1":
		return "Asia Pacific (Tokyo)"
	}
	return ""
}
