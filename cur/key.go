package cur

import (
	"cmp"
)

// Invoice is the slice of a bill that a row belongs to: one seller's invoice of
// one kind. The id is blank while the month is open.
type Invoice struct {
	ID              string // invoice id
	InvoicingEntity string // who sends the invoice
	LegalEntity     string // seller of record
	BillType        string // Anniversary, Purchase or Refund
}

// Compare orders invoices by their fields.
func (v Invoice) Compare(o Invoice) int {
	return cmp.Or(cmp.Compare(v.ID, o.ID), cmp.Compare(v.InvoicingEntity, o.InvoicingEntity),
		cmp.Compare(v.LegalEntity, o.LegalEntity), cmp.Compare(v.BillType, o.BillType))
}

// Key is what a group of rows has in common, as billed. Component, charge kind
// and owner are derived from it by package attribution and are never in it, so
// that better rules need no second reading of the files.
//
// Two things are not as billed: Principal has lost its session name, because
// sessions make as many groups as rows and are often e-mail addresses; and the
// pricing unit of a Marketplace row, where blank, is the third field of its
// description.
type Key struct {
	Payer         string
	BillingPeriod Month
	Invoice       Invoice
	BillingEntity string
	ProductCode   string
	ProductFamily string
	ProductName   string
	Model         string
	UsageType     string
	Operation     string
	PricingUnit   string
	LineItemType  string
	Currency      string
	UsageAccount  string
	Region        string
	Principal     string
	Resource      string
	Bucket        Bucket

	// declared columns and tag keys, and their values; the names are shared by
	// all keys of a partial
	names  []Column
	values []string
}

// Column returns the value of a column of the key by name, declared columns
// and tags included; ok is false when the key does not hold the column.
func (k *Key) Column(c Column) (value string, ok bool) {
	for i, n := range k.names {
		if n == c {
			return k.values[i], true
		}
	}
	switch c {
	case ColPayer:
		return k.Payer, true
	case ColBillingPeriod:
		return k.BillingPeriod.String(), true
	case ColInvoiceID:
		return k.Invoice.ID, true
	case ColInvoicingEntity:
		return k.Invoice.InvoicingEntity, true
	case ColLegalEntity:
		return k.Invoice.LegalEntity, true
	case ColBillType:
		return k.Invoice.BillType, true
	case ColBillingEntity:
		return k.BillingEntity, true
	case ColProductCode:
		return k.ProductCode, true
	case ColProductFamily:
		return k.ProductFamily, true
	case ColProductName:
		return k.ProductName, true
	case ColModel:
		return k.Model, true
	case ColUsageType:
		return k.UsageType, true
	case ColOperation:
		return k.Operation, true
	case ColPricingUnit:
		return k.PricingUnit, true
	case ColLineItemType:
		return k.LineItemType, true
	case ColCurrency:
		return k.Currency, true
	case ColUsageAccount:
		return k.UsageAccount, true
	case ColRegion:
		return k.Region, true
	case ColPrincipal:
		return k.Principal, true
	case ColResource:
		return k.Resource, true
	}
	return "", false
}

// Declared returns the declared columns that k holds beside the fixed ones.
func (k *Key) Declared() []Column { return k.names }

// WithColumns returns a copy of k that holds the given declared columns, names
// and values in step. It serves tests and sources that make their own keys.
func (k *Key) WithColumns(names []Column, values []string) *Key {
	c := *k
	c.names, c.values = names, values
	return &c
}

// Compare orders keys; it is the order of the groups of a [Partial].
func (k *Key) Compare(o *Key) int {
	if c := cmp.Or(cmp.Compare(k.Payer, o.Payer), k.BillingPeriod.Compare(o.BillingPeriod),
		k.Invoice.Compare(o.Invoice), cmp.Compare(k.BillingEntity, o.BillingEntity),
		cmp.Compare(k.ProductCode, o.ProductCode), cmp.Compare(k.ProductFamily, o.ProductFamily),
		cmp.Compare(k.ProductName, o.ProductName), cmp.Compare(k.Model, o.Model),
		cmp.Compare(k.UsageType, o.UsageType), cmp.Compare(k.Operation, o.Operation),
		cmp.Compare(k.PricingUnit, o.PricingUnit), cmp.Compare(k.LineItemType, o.LineItemType),
		cmp.Compare(k.Currency, o.Currency), cmp.Compare(k.UsageAccount, o.UsageAccount),
		cmp.Compare(k.Region, o.Region), cmp.Compare(k.Principal, o.Principal),
		cmp.Compare(k.Resource, o.Resource)); c != 0 {
		return c
	}
	if c := k.Bucket.Compare(o.Bucket); c != 0 {
		return c
	}
	for i := range k.values {
		if i >= len(o.values) {
			return 1
		}
		if c := cmp.Compare(k.values[i], o.values[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(k.values), len(o.values))
}

// RestKey is what rows outside a rollup's predicate are folded to: few groups,
// enough for totals per product, kind and account.
type RestKey struct {
	Payer         string
	BillingPeriod Month
	Invoice       Invoice
	BillingEntity string
	ProductCode   string
	LineItemType  string
	UsageAccount  string
	Currency      string
}

// ControlKey is what the decoder's own totals are kept by.
type ControlKey struct {
	Payer         string
	BillingPeriod Month
	Currency      string
	LineItemType  string
}

// Compare orders control keys.
func (k ControlKey) Compare(o ControlKey) int {
	return cmp.Or(cmp.Compare(k.Payer, o.Payer), k.BillingPeriod.Compare(o.BillingPeriod),
		cmp.Compare(k.Currency, o.Currency), cmp.Compare(k.LineItemType, o.LineItemType))
}

// Role strips the session from an assumed-role principal and returns everything
// else verbatim: `…:assumed-role/Role/session` becomes `…:assumed-role/Role`.
func Role(principal string) string { return principal[:roleLen(principal)] }

// roleLen returns how much of a principal its role is.
func roleLen[T string | []byte](principal T) int {
	const mark = ":assumed-role/"
	for i := range len(principal) - len(mark) {
		if principal[i] != mark[0] || string(principal[i:i+len(mark)]) != mark {
			continue
		}
		for i += len(mark); i < len(principal) && principal[i] != '/'; i++ {
		}
		return i
	}
	return len(principal)
}
