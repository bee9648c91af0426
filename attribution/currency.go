package attribution

import "github.com/shopspring/decimal"

// currencyDigits are the decimals that amounts of a currency are paid in, as ISO
// 4217 gives them (list one of its maintenance agency, SIX). It holds the
// currencies AWS invoices in, and those that do not have two decimals: a currency
// that is not here is not rounded on a guess.
var currencyDigits = [...]struct {
	digits int32
	codes  string // of three letters each
}{
	{0, "CLPISKJPYKMFKRWPYGRWFUGXVNDVUVXAFXOFXPFBIFDJFGNF"},
	{2, "AEDAUDBRLCADCHFCNYCOPCZKDKKEGPEURGBPHKDHUFIDRILSINRMXNMYRNOKNZDPENPHPPLNQARRONSARSEKSGDTHBTRYTWDUSDZAR"},
	{3, "BHDIQDJODKWDLYDOMRTND"},
}

// digitsOf returns how many decimals a currency is paid in.
func digitsOf(currency string) (digits int32, ok bool) {
	for _, c := range currencyDigits {
		for codes := c.codes; len(codes) >= 3; codes = codes[3:] {
			if codes[:3] == currency {
				return c.digits, true
			}
		}
	}
	return 0, false
}

// MinorDigits returns how many decimals amounts of a currency are paid in, two for USD
// and none for JPY; ok is false for a currency of which that is not known.
func MinorDigits(currency string) (digits int32, ok bool) { return digitsOf(currency) }

// minorUnits returns an amount in the minor unit of its currency (cents of USD,
// yen of JPY), rounded half away from zero; null for a currency whose unit is not
// known.
func minorUnits(amount decimal.Decimal, currency string) decimal.NullDecimal {
	digits, ok := digitsOf(currency)
	if !ok {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(amount.Shift(digits).Round(0))
}
