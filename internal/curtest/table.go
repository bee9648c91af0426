package curtest

import (
	"fmt"
	"iter"
	"time"

	"github.com/shopspring/decimal"
)

// Line item types with a meaning here; any other is written as a Usage row is.
const (
	Usage          = "Usage"
	Tax            = "Tax"
	Credit         = "Credit"
	Refund         = "Refund"
	Fee            = "Fee"
	EdpDiscount    = "EdpDiscount"
	CoveredUsage   = "SavingsPlanCoveredUsage"
	Negation       = "SavingsPlanNegation"
	RecurringFee   = "SavingsPlanRecurringFee"
	awsSeller      = "Amazon Web Services, Inc."
	awsMarketplace = "AWS Marketplace"
)

// Item is one line item. Only SKU, Account and the amounts are always needed.
type Item struct {
	ID        string // blank: none
	SKU       *SKU
	LineType  string // blank: Usage
	From, To  int    // hours since the period's start: first, and after the last
	Account   string
	Name      string // of the account
	Resource  string
	Principal string
	Amount    decimal.Decimal     // usage amount
	Cost      decimal.Decimal     // unblended
	Net       decimal.NullDecimal // not valid: blank, which means no discount
	Invoice   string
	BillType  string // blank: Anniversary
	Text      string // description; blank: the SKU's
	TaxType   string

	Tags, ResourceTags, CostCategory, Discount *Map
	More                                       []Pair // further cells by catalogue name
}

// Sheet says what a table of items looks like.
type Sheet struct {
	Period    string // 2026-05
	Hourly    bool   // intervals are hours; days otherwise
	Payer     string // account id
	PayerName string
	Spelling  Spelling
	Omit      []string // catalogue names of columns switched off; a trailing * matches the rest
}

// Table is a month of rows. Its methods range over the items again each time, so it
// may be written several times; it is safe for concurrent use if the items are.
type Table struct {
	sheet  Sheet
	layout *layout
	clock  *clock
	items  iter.Seq[*Item]
}

// Table gives items the columns of the sheet. Items may be reused between yields.
func (s *Sheet) Table(items iter.Seq[*Item]) (*Table, error) {
	c, err := newClock(s.Period, s.Hourly)
	if err != nil {
		return nil, err
	}
	l, err := newLayout(s.Spelling, s.Omit)
	if err != nil {
		return nil, err
	}
	return &Table{*s, l, c, items}, nil
}

// Columns returns the header.
func (t *Table) Columns() []Column {
	cols := make([]Column, len(t.layout.out))
	for i, o := range t.layout.out {
		cols[i] = o.Column
	}
	return cols
}

// Rows yields the rows in file order. The row is reused: copy what is kept.
func (t *Table) Rows() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		r := &Row{layout: t.layout}
		for i := range catalogue {
			r.blank[i] = catalogue[i].absent
		}
		r.blank[cBillBillingPeriodStartDate] = t.clock.stamps[0]
		r.blank[cBillBillingPeriodEndDate] = t.clock.stamps[len(t.clock.stamps)-1]
		r.blank[cBillPayerAccountID] = t.sheet.Payer
		r.blank[cBillPayerAccountName] = t.sheet.PayerName
		r.blank[cLineItemCurrencyCode] = "USD"
		for it := range t.items {
			r.fill(it, t.clock)
			if !yield(r) {
				return
			}
		}
	}
}

// clock holds the texts of all instants of a month; formatting them per row would cost
// more than all else.
type clock struct {
	start     time.Time
	step      int
	stamps    []string // by hour, the last one the end of the month
	intervals []string // by interval
}

func newClock(period string, hourly bool) (*clock, error) {
	start, err := time.Parse("2006-01", period)
	if err != nil {
		return nil, fmt.Errorf("curtest: period %q: %w", period, err)
	}
	c := &clock{start: start, step: 24}
	if hourly {
		c.step = 1
	}
	end := start.AddDate(0, 1, 0)
	for at := start; !at.After(end); at = at.Add(time.Hour) {
		c.stamps = append(c.stamps, at.Format("2006-01-02T15:04:05.000Z"))
	}
	length := time.Duration(c.step) * time.Hour
	for at := start; at.Before(end); at = at.Add(length) {
		c.intervals = append(c.intervals, at.Format(time.RFC3339)+"/"+at.Add(length).Format(time.RFC3339))
	}
	return c, nil
}

// hours returns the number of hours of the month.
func (c *clock) hours() int { return len(c.stamps) - 1 }

func (c *clock) stamp(hour int) string { return c.stamps[min(max(hour, 0), c.hours())] }

func (c *clock) interval(hour int) string {
	return c.intervals[min(max(hour/c.step, 0), len(c.intervals)-1)]
}
