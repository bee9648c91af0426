package attribution

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
)

// ErrInvoiceTotal marks the total of an invoice that cannot be compared with what
// was exported.
var ErrInvoiceTotal = errors.New("invoice total that cannot be compared")

// InvoiceTotal is what a delivery has on one invoice, in one currency: the slice
// of the bill that one seller sends, with everything in it, AI spend or not.
type InvoiceTotal struct {
	ID              string // "" for what is on no invoice yet
	InvoicingEntity string // who sends it
	LegalEntity     string // the seller of record
	Currency        string
	// State is the slice's own: Marketplace may be invoiced while AWS is not. A
	// slice with an invoice id is [Invoiced], and may be restated all the same; one
	// without is [Open], or [Provisional] once its period is over.
	State State
	// Amounts are exact. Of these, the invoice has Net where the report has net
	// columns, for discounts may be nowhere else; else it has Unblended.
	Amounts
	// Minor is that amount in the currency's minor unit, cents of USD or yen of JPY:
	// an integer, rounded half away from zero once for the whole slice. Null where
	// the unit of the currency is not known.
	Minor decimal.NullDecimal
}

// exact is the amount that the invoice has.
func (t *InvoiceTotal) exact() decimal.Decimal {
	if t.Net.Valid {
		return t.Net.Decimal
	}
	return t.Unblended
}

// Compare compares the total printed on an invoice, 1234.56 for USD, with t, and
// returns what was exported less what was printed, in minor units. AWS rounds some
// of an invoice's lines one by one, so a few units are no cause for concern.
// ErrInvoiceTotal means that the currency's minor unit is not known, or that the
// total has fractions of it.
func (t *InvoiceTotal) Compare(printed decimal.Decimal) (difference decimal.Decimal, err error) {
	fail := func(why string) (decimal.Decimal, error) {
		return difference, fmt.Errorf("attribution: compare invoice %q, %s %s: %w: %s", t.ID, printed, t.Currency, ErrInvoiceTotal, why)
	}
	digits, ok := digitsOf(t.Currency)
	if !ok {
		return fail("the minor unit of the currency is not known")
	}
	minor := printed.Shift(digits)
	if !minor.IsInteger() {
		return fail(fmt.Sprintf("%s has %d decimals", t.Currency, digits))
	}
	return t.Minor.Decimal.Sub(minor), nil
}

// Invoices returns the totals of the statement's currency by invoice, in order of
// id, invoicing entity and legal entity. They add up to Totals; where the
// statement is incomplete, they lack what it lacks.
func (s *Statement) Invoices() []InvoiceTotal {
	type slice struct{ id, invoicing, legal string }
	sums := map[slice]*amounts{}
	book := func(v cur.Invoice, m *cur.Measures, lineItemType string) {
		x := s.m.of(m, lineItemType)
		sum(sums, slice{v.ID, v.InvoicingEntity, v.LegalEntity}, &x)
	}
	for i := range s.p.Len() {
		if k := s.p.Key(i); k.Currency == s.Currency {
			m := s.p.Sums(i)
			book(k.Invoice, &m, k.LineItemType)
		}
	}
	for r := range s.p.Rest() {
		if r.Key.Currency == s.Currency {
			book(r.Key.Invoice, &r.Measures, r.Key.LineItemType)
		}
	}
	out := make([]InvoiceTotal, 0, len(sums))
	for k, x := range sums {
		t := InvoiceTotal{ID: k.id, InvoicingEntity: k.invoicing, LegalEntity: k.legal, Currency: s.Currency,
			State: s.sliceState(k.id), Amounts: s.m.public(x)}
		t.Minor = minorUnits(t.exact(), s.Currency)
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b InvoiceTotal) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.InvoicingEntity, b.InvoicingEntity), cmp.Compare(a.LegalEntity, b.LegalEntity))
	})
	return out
}

// grouped counts the rows of the statement's currency that have keys.
func (s *Statement) grouped() (rows int64) {
	for i := range s.p.Len() {
		if s.p.Key(i).Currency == s.Currency {
			m := s.p.Sums(i)
			rows += m.Rows
		}
	}
	return rows
}

// sliceState tells how final the rows of an invoice are.
func (s *Statement) sliceState(id string) State {
	switch d := s.Delivery; {
	case id != "":
		return Invoiced
	case !s.p.HasColumn(cur.ColInvoiceID) || d.AsOf.IsZero() || d.Period.IsZero():
		return ""
	case d.AsOf.Before(d.Period.End()):
		return Open
	}
	return Provisional
}
