package cur

// family is a generation of reports: what it calls the columns that this package
// knows, and what it cannot do without. CUR in all its spellings is one family,
// since its names agree but for case and punctuation; FOCUS is the other.
//
// Everything that tells families apart is in this table. A column that a family
// does not list goes by its own name; one that it lists with no name is a column
// that such reports do not have.
type family struct {
	columns []spelling
	// service are the columns of which one at least has to say what a row is for.
	service []Column
	// needs are the measures whose column has to be there.
	needs []Measure
	// nullText says that a CSV cell which reads NULL is a blank one.
	nullText bool
}

// spelling is what a family calls a column, best name first.
type spelling struct {
	column Column
	names  []string
}

// focusMark are columns that only FOCUS has, both mandatory there.
var focusMark = [...]string{"BilledCost", "ChargePeriodStart"}

var familyCUR = family{
	columns: []spelling{{measureColumns[EffectiveCost], nil}},
	service: []Column{ColProductCode, ColUsageType},
	needs:   []Measure{UnblendedCost},
}

// familyFOCUS is FOCUS 1.0 and 1.2 as AWS exports them. Why the costs go where
// they go:
//
//   - BilledCost is the basis of the invoice, as the unblended cost is. AWS has
//     the discounts in it already, so there is no second, net cost.
//   - EffectiveCost is amortised by AWS itself, row by row, where CUR has to be
//     computed by line item type. It is a measure of its own: put into one of
//     CUR's it would be taken for the part that a commitment covers.
//   - ListCost is the quantity at list price, which CUR calls the public
//     on-demand cost.
//   - ContractedCost, the quantity at negotiated prices before commitments, has
//     no like in CUR and is no measure. Column reaches it.
//
// The quantity is that of pricing: CUR's usage amount is in its pricing unit too.
// The charge period is when the usage was, and stands for CUR's usage start and
// end; CUR's interval, the slot of the report, is not exported.
var familyFOCUS = family{
	columns: []spelling{
		{ColPayer, []string{"BillingAccountId"}},
		{ColBillingPeriod, []string{"BillingPeriodStart"}},
		{ColInvoiceID, []string{"InvoiceId"}}, // from 1.2 on
		{ColInvoicingEntity, []string{"InvoiceIssuerName"}},
		{ColLegalEntity, []string{"PublisherName"}},
		{ColBillType, nil},
		{ColBillingEntity, []string{"ProviderName"}},
		{ColProductCode, []string{"x_ServiceCode"}},
		{ColProductFamily, nil},
		{ColProductName, []string{"ServiceName"}},
		{ColModel, nil},
		{ColUsageType, []string{"x_UsageType", "SkuMeter"}}, // 1.2 may have the meter alone
		{ColOperation, []string{"x_Operation"}},
		{ColPricingUnit, []string{"PricingUnit", "ConsumedUnit"}},
		{ColLineItemType, []string{"ChargeCategory"}},
		{ColCurrency, []string{"BillingCurrency"}},
		{ColUsageAccount, []string{"SubAccountId"}},
		{ColRegion, []string{"RegionId"}},
		{ColPrincipal, nil}, // FOCUS knows no caller
		{ColResource, []string{"ResourceId"}},
		{colInterval, nil},
		{colLineItemID, nil},
		{colUsageStart, []string{"ChargePeriodStart"}},
		{colUsageEnd, []string{"ChargePeriodEnd"}},
		{colDescription, []string{"ChargeDescription"}},
		{colReservationARN, nil}, // EffectiveCost needs no telling of reservations

		{measureColumns[Usage], []string{"PricingQuantity", "ConsumedQuantity"}},
		{measureColumns[UnblendedCost], []string{"BilledCost"}},
		{measureColumns[PublicOnDemandCost], []string{"ListCost"}},

		{"product", nil},
		{"product_region", nil},
		{tagMap, []string{"Tags"}},
		{categoryMap, []string{"x_CostCategories"}},
		{"discount", []string{"x_Discounts"}},
	},
	service:  []Column{ColProductCode, ColUsageType, ColProductName},
	needs:    []Measure{UnblendedCost, EffectiveCost},
	nullText: true,
}

// names returns what reports of the family may call a column.
func (f *family) names(c Column) []string {
	folded := fold(string(c))
	for i := range f.columns {
		if fold(string(f.columns[i].column)) == folded {
			return f.columns[i].names
		}
	}
	return []string{string(c)}
}

// name returns the family's name of a column, for messages.
func (f *family) name(c Column) string {
	if n := f.names(c); len(n) > 0 {
		return n[0]
	}
	return string(c)
}
