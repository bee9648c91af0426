package curtest

import (
	"fmt"
	"strings"
)

// Spelling is one of the ways AWS has written the header of a cost report.
type Spelling uint8

// The spellings. The legacy ones lack the columns that came with CUR 2.0 (account
// names, principal, tags, discounts) and spread the maps over columns of their own.
const (
	CUR2          Spelling = iota // line_item_unblended_cost, product as a map
	LegacyCSV                     // lineItem/UnblendedCost, product/ProductName, resourceTags/user:team
	LegacyParquet                 // line_item_unblended_cost, product_product_name, resource_tags_user_team
)

// Keys of map entries that the legacy spellings give columns. Real reports take the
// set from the month's usage; a fixed one keeps months comparable.
var (
	legacyProduct = []string{"product_name", "region", "servicename", "group", "provider", "model", "inference_type", "feature"}
	legacyTags    = []string{"user_team", "user_tenant"}
	legacyCosts   = []string{"Portfolio"}
)

// output is one column as written: a cell of the row, or one entry of a map cell.
type output struct {
	Column
	cell   int
	key    string // of the map in cell; "" for the cell itself
	quoted bool
}

// layout is the header of a table and where each of its columns comes from.
type layout struct {
	spelling Spelling
	out      []output
	index    map[string]int // catalogue name → cell; a read-only index for Row.Text
}

// newLayout drops the columns named in omit: catalogue names, or all that begin with
// a name ending in *. A name that matches nothing is a mistake, not a wish.
func newLayout(s Spelling, omit []string) (*layout, error) {
	l := &layout{spelling: s, index: make(map[string]int, numColumns)}
	dropped := make([]bool, numColumns)
	for _, pattern := range omit {
		prefix, wild := strings.CutSuffix(pattern, "*")
		found := false
		for i, c := range catalogue {
			if c.name == pattern || wild && strings.HasPrefix(c.name, prefix) {
				dropped[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("curtest: omit %q: no such column", pattern)
		}
	}
	for i, c := range catalogue {
		l.index[c.name] = i
		if dropped[i] {
			continue
		}
		if s == CUR2 {
			l.out = append(l.out, output{Column{c.name, c.kind}, i, "", c.quoted})
			continue
		}
		l.addLegacy(i, c)
	}
	return l, nil
}

func (l *layout) addLegacy(i int, c spec) {
	switch i {
	case cBillPayerAccountName, cLineItemUsageAccountName, cLineItemIamPrincipal, cLineItemUserIdentifier,
		cTags, cDiscount, cDiscountBundledDiscount, cDiscountTotalDiscount,
		cCapacityReservationCapacityReservationARN, cCapacityReservationCapacityReservationStatus,
		cCapacityReservationCapacityReservationType:
	case cProduct:
		l.addEntries(i, "product", legacyProduct)
	case cResourceTags:
		l.addEntries(i, "resource_tags", legacyTags)
	case cCostCategory:
		l.addEntries(i, "cost_category", legacyCosts)
	default:
		name := c.name
		if l.spelling == LegacyCSV {
			name = legacyName(name)
		}
		l.out = append(l.out, output{Column{name, c.kind}, i, "", false})
	}
}

func (l *layout) addEntries(cell int, group string, keys []string) {
	for _, key := range keys {
		name := group + "_" + strings.ToLower(key)
		if l.spelling == LegacyCSV {
			name = legacyEntry(group, key)
		}
		l.out = append(l.out, output{Column{name, String}, cell, key, false})
	}
}

func legacyEntry(group, key string) string {
	switch group {
	case "product":
		if key == "product_name" {
			return "product/ProductName"
		}
		return "product/" + lowerFirst(camel(key))
	case "resource_tags":
		// The map holds the normalised form; the legacy header keeps the colon.
		return "resourceTags/" + strings.Replace(key, "_", ":", 1)
	default:
		return "costCategory/" + key
	}
}

// legacyName turns line_item_unblended_cost into lineItem/UnblendedCost. In product and
// in half of pricing AWS's names begin with a small letter.
func legacyName(name string) string {
	for _, g := range [][2]string{
		{"split_line_item_", "splitLineItem/"}, {"line_item_", "lineItem/"}, {"savings_plan_", "savingsPlan/"},
		{"identity_", "identity/"}, {"bill_", "bill/"}, {"reservation_", "reservation/"},
	} {
		if rest, ok := strings.CutPrefix(name, g[0]); ok {
			return g[1] + camel(strings.ReplaceAll(rest, "a_r_n", "ARN"))
		}
	}
	if rest, ok := strings.CutPrefix(name, "product_"); ok {
		return "product/" + lowerFirst(camel(rest))
	}
	rest := strings.TrimPrefix(name, "pricing_")
	switch rest {
	case "rate_code", "rate_id", "lease_contract_length", "offering_class", "purchase_option":
		return "pricing/" + camel(rest)
	}
	return "pricing/" + lowerFirst(camel(rest))
}

func camel(snake string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(snake, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
