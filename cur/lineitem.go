package cur

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// LineItem is one row of a cost and usage report. A [Reader] fills it anew for
// each row; a source of your own fills the fields and calls [LineItem.Set] for
// the amounts. A field whose cell is blank, null or missing is "".
//
// Strings and times are as billed. Amounts are exact decimals in the row's
// currency, reached through accessors whose second result says whether the cell
// was there: a blank cost is not a cost of zero.
type LineItem struct {
	Payer           string // paying account
	BillingPeriod   Month  // the month the row is billed in
	InvoiceID       string // blank while the month is open
	InvoicingEntity string
	LegalEntity     string
	BillType        string // Anniversary, Purchase or Refund
	BillingEntity   string // AWS, AWS Marketplace, ...

	ProductCode   string
	ProductFamily string
	ProductName   string
	Model         string // foundation model, where the report names it apart
	UsageType     string
	Operation     string
	PricingUnit   string // unit of the usage amount
	LineItemType  string // Usage, Credit, Tax, ...
	Currency      string
	UsageAccount  string
	Region        string // product region, as billed
	Principal     string // IAM caller of a model call, with its session
	Resource      string // resource id as billed: an ARN or a plain id
	Description   string
	Reservation   string // ARN of the reservation the row belongs to

	// IntervalStart and IntervalEnd are the row's slot of the report, UsageStart
	// and UsageEnd the time really used; half-open, UTC. Zero when absent.
	IntervalStart, IntervalEnd time.Time
	UsageStart, UsageEnd       time.Time

	amounts [NumMeasures]exact.Num // by the measure that sums the column; void where not present
	present uint32                 // bit m: the cell of measure m was not blank
	row     *row                   // reaches every other column; nil for rows made by hand
	extra   map[Column]string      // other columns of a row made by hand
}

// Usage returns the usage amount, in PricingUnit.
func (li *LineItem) Usage() (decimal.Decimal, bool) { return li.Amount(Usage) }

// UnblendedCost returns the cost at the rate billed to the account, before
// credits and tax, which have rows of their own.
func (li *LineItem) UnblendedCost() (decimal.Decimal, bool) { return li.Amount(UnblendedCost) }

// NetUnblendedCost returns the cost after discounts. A blank cell on a usage
// row means that there was no discount.
func (li *LineItem) NetUnblendedCost() (decimal.Decimal, bool) { return li.Amount(NetUnblendedCost) }

// PublicOnDemandCost returns the cost at list price.
func (li *LineItem) PublicOnDemandCost() (decimal.Decimal, bool) {
	return li.Amount(PublicOnDemandCost)
}

// Amount returns the cell of the column that m sums. Measures that are derived
// from the unblended cost, UnblendedWhereNetBlank and ReservationFee, have no
// cell and are absent here.
func (li *LineItem) Amount(m Measure) (decimal.Decimal, bool) {
	if int(m) >= NumMeasures || li.present&(1<<m) == 0 {
		return decimal.Decimal{}, false
	}
	return li.amounts[m].Decimal(), true
}

// Set puts an amount into a row made by hand. It refuses numbers that no bill
// can hold, as the readers do, with an error that says why, and the measures that
// have no cell.
func (li *LineItem) Set(m Measure, d decimal.Decimal) error {
	if int(m) >= NumMeasures || m == UnblendedWhereNetBlank || m == ReservationFee {
		return fmt.Errorf("cur: set %s: no column holds it", m)
	}
	n, err := exact.FromDecimal(d)
	if err != nil {
		return err
	}
	li.setAmount(m, n)
	return nil
}

func (li *LineItem) setAmount(m Measure, n exact.Num) {
	li.amounts[m] = n
	li.present |= 1 << m
}

// SetColumn puts the value of a column that LineItem has no field for into a
// row made by hand.
func (li *LineItem) SetColumn(c Column, value string) {
	if li.extra == nil {
		li.extra = make(map[Column]string)
	}
	li.extra[c] = value
}

// Column returns the cell of any column of the report as text, or of a map's
// key; ok is false when the report has no such column. A map column as a whole
// is its JSON text.
//
// A look-up that fails, in a map cell that is none, gives "" and ends the
// reading: the next [Reader.Read] returns the error.
func (li *LineItem) Column(c Column) (value string, ok bool) {
	if i := fieldOf(c); i >= 0 {
		return *textFields[i].of(li), li.row == nil || li.row.there[i]
	}
	if li.row == nil {
		value, ok = li.extra[c]
		return value, ok
	}
	if li.row.blocks != nil {
		li.row.blocks.point()
	}
	return li.row.column(c)
}

// Clone returns a copy of li that stays valid after the reader moves on. The
// copy answers Column only for the columns that LineItem names.
func (li *LineItem) Clone() *LineItem {
	c := *li
	c.row, c.extra = nil, nil
	for m := range c.amounts {
		if c.present&(1<<m) == 0 {
			c.amounts[m] = exact.Num{}
		}
	}
	for _, f := range textFields {
		p := f.of(&c)
		*p = strings.Clone(*p)
	}
	return &c
}

// textField ties a column to the field of LineItem that carries it.
type textField struct {
	column Column
	of     func(*LineItem) *string
}

const numTextFields = 21

// textFields are the columns that LineItem names, but for times and amounts.
var textFields = [numTextFields]textField{
	{column: ColPayer, of: func(li *LineItem) *string { return &li.Payer }},
	{column: ColInvoiceID, of: func(li *LineItem) *string { return &li.InvoiceID }},
	{column: ColInvoicingEntity, of: func(li *LineItem) *string { return &li.InvoicingEntity }},
	{column: ColLegalEntity, of: func(li *LineItem) *string { return &li.LegalEntity }},
	{column: ColBillType, of: func(li *LineItem) *string { return &li.BillType }},
	{column: ColBillingEntity, of: func(li *LineItem) *string { return &li.BillingEntity }},
	{column: ColProductCode, of: func(li *LineItem) *string { return &li.ProductCode }},
	{column: ColProductFamily, of: func(li *LineItem) *string { return &li.ProductFamily }},
	{column: ColProductName, of: func(li *LineItem) *string { return &li.ProductName }},
	{column: ColModel, of: func(li *LineItem) *string { return &li.Model }},
	{column: ColUsageType, of: func(li *LineItem) *string { return &li.UsageType }},
	{column: ColOperation, of: func(li *LineItem) *string { return &li.Operation }},
	{column: ColPricingUnit, of: func(li *LineItem) *string { return &li.PricingUnit }},
	{column: ColLineItemType, of: func(li *LineItem) *string { return &li.LineItemType }},
	{column: ColCurrency, of: func(li *LineItem) *string { return &li.Currency }},
	{column: ColUsageAccount, of: func(li *LineItem) *string { return &li.UsageAccount }},
	{column: ColRegion, of: func(li *LineItem) *string { return &li.Region }},
	{column: ColPrincipal, of: func(li *LineItem) *string { return &li.Principal }},
	{column: ColResource, of: func(li *LineItem) *string { return &li.Resource }},
	{column: colDescription, of: func(li *LineItem) *string { return &li.Description }},
	{column: colReservationARN, of: func(li *LineItem) *string { return &li.Reservation }},
}

// fieldOf returns the index in textFields of a column, or -1.
func fieldOf(c Column) int {
	for i := range textFields {
		if textFields[i].column == c {
			return i
		}
	}
	return -1
}

// reset empties li for the next row.
func (li *LineItem) reset() { *li = LineItem{} }

// put sets the text field of a place in textFields, as its function does, but
// without a call.
func (li *LineItem) put(field int, s string) {
	switch field {
	case fieldPayer:
		li.Payer = s
	case fieldInvoice:
		li.InvoiceID = s
	case fieldInvoicing:
		li.InvoicingEntity = s
	case fieldLegal:
		li.LegalEntity = s
	case fieldBillType:
		li.BillType = s
	case fieldEntity:
		li.BillingEntity = s
	case fieldProduct:
		li.ProductCode = s
	case fieldFamily:
		li.ProductFamily = s
	case fieldName:
		li.ProductName = s
	case fieldModel:
		li.Model = s
	case fieldUsageType:
		li.UsageType = s
	case fieldOperation:
		li.Operation = s
	case fieldUnit:
		li.PricingUnit = s
	case fieldType:
		li.LineItemType = s
	case fieldCurrency:
		li.Currency = s
	case fieldAccount:
		li.UsageAccount = s
	case fieldRegion:
		li.Region = s
	case fieldPrincipal:
		li.Principal = s
	case fieldResource:
		li.Resource = s
	case fieldDescription:
		li.Description = s
	case fieldReservation:
		li.Reservation = s
	}
}

// measure adds li's amounts to m: the sums of its columns and the two derived
// from the unblended cost. have says which columns the report has.
func (li *LineItem) measure(m *Measures, have MeasureSet) {
	m.Rows++
	if li.present&(1<<NetUnblendedCost) != 0 {
		m.NetRows++
	}
	if li.present&(1<<UnblendedCost) == 0 {
		m.CostBlank++
	} else {
		if have.Has(UnblendedWhereNetBlank) && li.present&(1<<NetUnblendedCost) == 0 {
			m.sums[UnblendedWhereNetBlank].Acc(li.amounts[UnblendedCost])
		}
		if have.Has(ReservationFee) && li.LineItemType == "Fee" && li.Reservation != "" {
			m.sums[ReservationFee].Acc(li.amounts[UnblendedCost])
		}
	}
	for left := li.present; left != 0; left &= left - 1 {
		if i := bits.TrailingZeros32(left); !li.amounts[i].IsZero() {
			m.sums[i].Acc(li.amounts[i])
		}
	}
}
