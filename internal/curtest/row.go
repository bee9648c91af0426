package curtest

// Row is one line item as cells. Doubles and timestamps are texts as CSV prints them.
type Row struct {
	layout *layout
	cell   [numColumns]string
	maps   [numColumns]*Map // of map columns, nil for the rest
	blank  [numColumns]string
}

// Text returns a cell by its CUR 2.0 name whatever the table's spelling; maps as JSON.
// Columns switched off can be read all the same: an oracle may want them.
func (r *Row) Text(name string) string {
	i, ok := r.layout.index[name]
	if !ok {
		return ""
	}
	return r.cell[i]
}

// Map returns the content of a map column by its CUR 2.0 name.
func (r *Row) Map(name string) *Map {
	i, ok := r.layout.index[name]
	if !ok {
		return nil
	}
	return r.maps[i]
}

// At returns the cell of the i-th column of the table, as CSV writes it before quoting.
func (r *Row) At(i int) string {
	o := &r.layout.out[i]
	if o.key != "" {
		return r.maps[o.cell].Value(o.key)
	}
	return r.cell[o.cell]
}

func (r *Row) setMap(i int, m *Map) {
	r.maps[i] = m
	if m != nil && len(m.pairs) > 0 {
		r.cell[i] = m.json
	}
}

func (r *Row) fill(it *Item, c *clock) {
	s := it.SKU
	r.cell = r.blank
	cell := &r.cell
	kind := it.LineType
	if kind == "" {
		kind = Usage
	}
	cell[cBillBillType] = or(it.BillType, "Anniversary")
	cell[cBillBillingEntity] = s.Entity
	cell[cBillInvoiceID] = it.Invoice
	cell[cBillInvoicingEntity] = awsSeller
	cell[cIdentityLineItemID] = it.ID
	cell[cIdentityTimeInterval] = c.interval(it.From)
	cell[cLineItemLegalEntity] = or(s.Seller, awsSeller)
	cell[cLineItemLineItemType] = kind
	cell[cLineItemLineItemDescription] = or(it.Text, s.Description)
	cell[cLineItemProductCode] = s.Code
	cell[cLineItemUsageAccountID] = it.Account
	cell[cLineItemUsageAccountName] = it.Name
	cell[cLineItemUsageStartDate] = c.stamp(it.From)
	cell[cLineItemUsageEndDate] = c.stamp(it.To)
	cell[cLineItemResourceID] = it.Resource
	cell[cLineItemIamPrincipal] = it.Principal
	cell[cLineItemTaxType] = it.TaxType
	cell[cLineItemUsageAmount] = javaText(it.Amount)
	cost := javaText(it.Cost)
	cell[cLineItemUnblendedCost] = cost
	cell[cLineItemBlendedCost] = cost
	if it.Net.Valid {
		cell[cLineItemNetUnblendedCost] = javaText(it.Net.Decimal)
	}
	cell[cPricingPublicOnDemandCost] = "0.0"
	r.setMap(cProduct, s.product)
	r.setMap(cTags, it.Tags)
	r.setMap(cResourceTags, it.ResourceTags)
	r.setMap(cCostCategory, it.CostCategory)
	r.setMap(cDiscount, it.Discount)
	if kind == Tax || kind == Fee {
		// Tax and fees are of a product as a whole: no usage type, price or place.
		r.setMap(cProduct, s.bare)
	} else {
		r.fillProduct(s, kind, cost)
	}
	for _, p := range it.More {
		if i, ok := r.layout.index[p.Key]; ok {
			cell[i] = p.Value
		}
	}
}

// fillProduct sets what a row has through its usage type. A credit keeps usage type,
// unit and public rate, but shows neither an operation nor a rate of its own.
func (r *Row) fillProduct(s *SKU, kind, cost string) {
	cell := &r.cell
	cell[cLineItemUsageType] = s.UsageType
	cell[cPricingCurrency] = "USD"
	cell[cPricingPublicOnDemandRate] = s.rate
	cell[cPricingRateID] = s.ids[2]
	cell[cPricingTerm] = "OnDemand"
	cell[cPricingUnit] = s.Unit
	cell[cProductLocation] = location(s.Region)
	if cell[cProductLocation] != "" {
		cell[cProductLocationType] = "AWS Region"
	}
	cell[cProductProductFamily] = s.Family
	cell[cProductRegionCode] = s.Region
	cell[cProductServicecode] = s.Service
	cell[cProductSku] = s.ids[0]
	cell[cProductUsagetype] = s.UsageType
	switch kind {
	case Credit, Refund, EdpDiscount:
		return
	}
	cell[cLineItemOperation] = s.Operation
	cell[cProductOperation] = s.Operation
	cell[cLineItemUnblendedRate] = s.rate
	cell[cLineItemBlendedRate] = s.rate
	cell[cPricingRateCode] = s.ids[1]
	cell[cPricingPublicOnDemandCost] = cost
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
