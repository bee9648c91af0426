package exact

import (
	"math"
	"math/bits"
	"strconv"
)

// FromFloat returns the shortest decimal that reads back as x. That is the
// amount a writer meant when it stored 0.0000018403 as a DOUBLE; the binary
// expansion of x, with its fifty digits, is not. The error is ErrNotFinite for
// NaN and infinities and ErrRange outside the bounds of [Parse]. It does not
// allocate while the result is narrow.
func FromFloat(x float64) (Num, error) {
	// Guess that x has few decimals, and prove the guess.
	//
	// Let n be an integer with |n| < 10^15 and s one of 10^10, 10^6, 10^3, 1,
	// and let the quotient float64(n)/s equal x. Both operands are exact
	// doubles (n < 2^53, and 10^10 = 2^10 × 5^10 with 5^10 < 2^53), and IEEE
	// division rounds correctly, so x is the double nearest to the decimal
	// d = n/s: d reads back as x. Now d has at most 15 significant digits.
	// Two different decimals of at most 15 significant digits never share a
	// nearest double in the normal range, since there 15-digit decimals lie
	// further apart than doubles (10^15 < 2^52). So every other decimal that
	// reads back as x has 16 digits or more, and d is the shortest.
	//
	// It does not matter how n is found: a bad guess fails the test and goes
	// the long way. That is also why a fused multiply-add is harmless here.
	a := math.Abs(x)
	switch {
	case a < 1e5:
		if n := math.RoundToEven(x * 1e10); n/1e10 == x {
			return fromScaled(int64(n), 8), nil
		}
	case a < 1e9:
		if n := math.RoundToEven(x * 1e6); n/1e6 == x {
			return fromScaled(int64(n), 12), nil
		}
	case a < 1e12:
		if n := math.RoundToEven(x * 1e3); n/1e3 == x {
			return fromScaled(int64(n), 15), nil
		}
	case a < 1e15:
		if n := math.RoundToEven(x); n == x {
			return fromScaled(int64(n), 18), nil
		}
	case a <= math.MaxFloat64: // no short cut
	default:
		return Num{}, ErrNotFinite // NaN fails every comparison
	}
	var buf [32]byte
	return Parse(strconv.AppendFloat(buf[:0], x, 'e', -1, 64))
}

// fromScaled returns n × 10^(shift-18) for |n| <= 10^15 and shift <= 18.
func fromScaled(n int64, shift int) Num {
	hi, lo := bits.Mul64(magnitude(n), pow10[shift].lo)
	v, _ := narrow(n < 0, uint128{hi, lo})
	return v
}
