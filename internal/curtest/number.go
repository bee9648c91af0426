package curtest

import (
	"strconv"

	"github.com/shopspring/decimal"
)

// javaText writes d as Java's Double.toString would, which is how CUR CSV prints a
// double: at least one decimal, and an exponent below 1E-3 and from 1E7 on.
func javaText(d decimal.Decimal) string {
	if d.IsZero() {
		return "0.0"
	}
	var buf [40]byte
	digits := coefficient(d, buf[:0])
	out := make([]byte, 0, 32)
	if digits[0] == '-' {
		out = append(out, '-')
		digits = digits[1:]
	}
	// The value is 0.digits × 10^point.
	point := len(digits) + int(d.Exponent())
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	switch {
	case point < -2 || point > 7:
		out = append(out, digits[0], '.')
		if len(digits) == 1 {
			out = append(out, '0')
		}
		out = append(out, digits[1:]...)
		out = append(out, 'E')
		out = strconv.AppendInt(out, int64(point-1), 10)
	case point <= 0:
		out = append(out, "0."...)
		out = appendZeros(out, -point)
		out = append(out, digits...)
	case len(digits) <= point:
		out = append(out, digits...)
		out = appendZeros(out, point-len(digits))
		out = append(out, ".0"...)
	default:
		out = append(out, digits[:point]...)
		out = append(out, '.')
		out = append(out, digits[point:]...)
	}
	return string(out)
}

// coefficient appends the signed digits of d without its exponent. The short way round
// big.Int matters: every row has several amounts.
func coefficient(d decimal.Decimal, dst []byte) []byte {
	if d.NumDigits() < 19 {
		return strconv.AppendInt(dst, d.CoefficientInt64(), 10)
	}
	return d.Coefficient().Append(dst, 10)
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}

// rateText writes a rate as CUR does: a string with ten decimals.
func rateText(d decimal.Decimal) string { return d.StringFixed(10) }
