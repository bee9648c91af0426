package cur

import (
	"strings"
)

// Column names a column of a cost and usage report in the spelling of CUR 2.0.
// Headers are matched without regard to case and punctuation, so that one name
// serves the legacy spellings too: `lineItem/UnblendedCost`,
// `lineItem_UnblendedCost` and `line_item_unblended_cost` are one column.
//
// A Column that holds a slash names a key of a map: `product/product_name`,
// `resource_tags/user_team`. A tag may also be named as AWS prints it in the
// newer tags map and in legacy headers: `resourceTags/user:team`,
// `iamPrincipal/team`, `costCategory/Team`. A FOCUS report answers to the same
// names, and to its own: `line_item_resource_id` is its ResourceId.
type Column string

// The columns that form [Key].
const (
	ColPayer           Column = "bill_payer_account_id"
	ColBillingPeriod   Column = "bill_billing_period_start_date"
	ColInvoiceID       Column = "bill_invoice_id"
	ColInvoicingEntity Column = "bill_invoicing_entity"
	ColLegalEntity     Column = "line_item_legal_entity"
	ColBillType        Column = "bill_bill_type"
	ColBillingEntity   Column = "bill_billing_entity"
	ColProductCode     Column = "line_item_product_code"
	ColProductFamily   Column = "product_product_family"
	ColProductName     Column = "product_product_name"
	ColModel           Column = "product_model"
	ColUsageType       Column = "line_item_usage_type"
	ColOperation       Column = "line_item_operation"
	ColPricingUnit     Column = "pricing_unit"
	ColLineItemType    Column = "line_item_line_item_type"
	ColCurrency        Column = "line_item_currency_code"
	ColUsageAccount    Column = "line_item_usage_account_id"
	ColRegion          Column = "product_region_code"
	ColPrincipal       Column = "line_item_iam_principal"
	ColResource        Column = "line_item_resource_id"
)

// Other columns that LineItem names.
const (
	colLineItemID     Column = "identity_line_item_id"
	colInterval       Column = "identity_time_interval"
	colUsageStart     Column = "line_item_usage_start_date"
	colUsageEnd       Column = "line_item_usage_end_date"
	colDescription    Column = "line_item_line_item_description"
	colReservationARN Column = "reservation_reservation_a_r_n"
)

// fold reduces a column name to what spellings have in common: its letters and
// digits, in lower case.
func fold(name string) string {
	clean := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			clean = false
			break
		}
	}
	if clean {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	for _, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			b.WriteByte(byte(r) + 'a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 127:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// normalizeTag spells a tag key as the resource_tags map of CUR 2.0 does: camel
// case becomes snake case and everything that is no letter or digit becomes an
// underscore (`user:CostCenter` is `user_cost_center`).
func normalizeTag(key string) string {
	var b strings.Builder
	b.Grow(len(key) + 4)
	prev := byte('_')
	for i := 0; i < len(key); i++ {
		c := key[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if prev != '_' && !(prev >= 'A' && prev <= 'Z') {
				b.WriteByte('_')
			}
			b.WriteByte(c + 'a' - 'A')
			prev = c
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c > 127:
			b.WriteByte(c)
			prev = c
			continue
		}
		b.WriteByte('_')
		prev = '_'
	}
	return b.String()
}

// Format is a family of cost and usage reports.
type Format uint8

// The formats. A CUR 2.0 export whose columns were cut down until nothing tells
// it from the legacy Athena spelling counts as CUR 2.0: the two are read alike.
const (
	FormatUnknown Format = iota
	FormatCUR2           // CUR 2.0: line_item_unblended_cost, maps
	FormatLegacy         // legacy CSV: lineItem/UnblendedCost
	FormatAthena         // legacy Parquet and Athena: product_product_name, no maps
	FormatFOCUS          // FOCUS 1.0 and 1.2 with AWS columns: BilledCost
)

// String returns the format's name.
func (f Format) String() string {
	switch f {
	case FormatCUR2:
		return "CUR 2.0"
	case FormatLegacy:
		return "legacy CUR"
	case FormatAthena:
		return "legacy CUR, Athena spelling"
	case FormatFOCUS:
		return "FOCUS"
	}
	return "unknown format"
}

// MarshalText returns the format's name.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
