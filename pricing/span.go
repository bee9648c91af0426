package pricing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// span is one price dimension: a price for volumes from begin to end, in the
// pricing unit. Lists write brackets so, and so can write broken ones.
type span struct {
	begin, end decimal.Decimal
	open       bool // "Inf"
	price      decimal.Decimal
}

// readSpan reads a price dimension in one currency. The fault is nil, or a
// sentinel with its detail.
func readSpan(d listDimension, currency string) (s span, detail string, fault error) {
	printed, ok := d.PricePerUnit[currency]
	if !ok {
		others := sortedKeys(d.PricePerUnit)
		if len(others) == 0 {
			return s, "no price in any currency", ErrNoRate
		}
		return s, "priced in " + strings.Join(others, ", "), ErrCurrency
	}
	var err error
	if s.price, err = parseDecimal(printed); err != nil {
		return s, "price: " + err.Error(), ErrSyntax
	}
	if s.begin, err = parseDecimal(d.BeginRange); err != nil {
		return s, fmt.Sprintf("begins at %q", d.BeginRange), ErrBrackets
	}
	if s.open = strings.EqualFold(d.EndRange, "Inf"); s.open {
		return s, "", nil
	}
	if s.end, err = parseDecimal(d.EndRange); err != nil {
		return s, fmt.Sprintf("ends at %q", d.EndRange), ErrBrackets
	}
	return s, "", nil
}

// bracketsOf chains spans into brackets, or says where the chain breaks.
func bracketsOf(spans []span, unit PricingUnit) ([]Bracket, string) {
	slices.SortStableFunc(spans, func(a, b span) int { return a.begin.Cmp(b.begin) })
	at := decimal.Zero
	var out []Bracket
	for i, s := range spans {
		last := i == len(spans)-1
		switch {
		case s.begin.LessThan(at):
			return nil, fmt.Sprintf("overlap: [%s, …) begins before %s", s.begin, at)
		case s.begin.GreaterThan(at):
			return nil, fmt.Sprintf("gap: nothing prices [%s, %s)", at, s.begin)
		case s.open && !last:
			return nil, fmt.Sprintf("overlap: [%s, Inf) has another behind it", s.begin)
		case !s.open && last:
			return nil, fmt.Sprintf("gap: nothing prices [%s, Inf)", s.end)
		case !s.open && !s.end.GreaterThan(s.begin):
			return nil, fmt.Sprintf("[%s, %s) is empty", s.begin, s.end)
		}
		at = s.end
		out = append(out, Bracket{From: unit.Quantity(s.begin), Price: unit.Price(s.price)})
	}
	return out, ""
}
