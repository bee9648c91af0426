package exact

import (
	"errors"
	"math/big"
	"math/bits"
)

// Errors of the functions that make a Num. They carry no coordinates: the
// caller knows the file, the row and the text, and adds them.
var (
	// ErrSyntax means the text is not a decimal number.
	ErrSyntax = errors.New("exact: not a decimal number")
	// ErrRange means the number is outside the bounds that [Parse] states.
	ErrRange = errors.New("exact: number out of range")
	// ErrNotFinite means the floating-point number is NaN or infinite.
	ErrNotFinite = errors.New("exact: not a finite number")
)

// Bounds on what enters. They lie far outside any bill; their purpose is that
// the cost of later sums does not depend on the contents of a hostile cell.
const (
	maxDigits = 64  // significant digits, leading and trailing zeros stripped
	maxWhole  = 40  // digits before the point: |value| < 1e40
	maxScale  = 100 // decimals, after stripping zeros
)

// Parse reads decimal text: an optional sign, digits with at most one point,
// and an optional exponent (1.81E-8, 2e7). Nothing else is accepted, neither
// spaces nor NaN, infinities, hexadecimal or digit separators: ErrSyntax.
//
// ErrRange means more than 64 significant digits, a magnitude of 1e40 or more,
// or more than 100 decimals. Zeros that carry no value are not counted. Parse
// does not allocate for numbers below 1e20 with at most 18 decimals.
func Parse(b []byte) (Num, error) { return parse(b) }

// ParseString is [Parse] for a string.
func ParseString(s string) (Num, error) { return parse(s) }

func parse[T string | []byte](s T) (Num, error) {
	i, neg := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		i, neg = 1, s[0] == '-'
	}
	// c wraps around silently past 19 digits; then it is not used.
	var c uint64
	start, point, digits := i, -1, 0
	for ; i < len(s); i++ {
		if d := s[i] - '0'; d <= 9 {
			c = c*10 + uint64(d)
			digits++
		} else if s[i] == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	if digits == 0 {
		return Num{}, ErrSyntax
	}
	mantissa := s[start:i]
	decimals := 0
	if point >= 0 {
		decimals = i - point - 1
	}
	var exp int64
	if i < len(s) {
		var ok bool
		if exp, ok = parseExponent(s[i:]); !ok {
			return Num{}, ErrSyntax
		}
	}
	// 19 digits times 10^18 stay below 2^127.
	if shift := scale - int64(decimals) + exp; digits <= 19 && shift >= 0 && shift <= scale {
		hi, lo := bits.Mul64(c, pow10[shift].lo)
		n, _ := narrow(neg, uint128{hi, lo})
		return n, nil
	}
	return parseLong(mantissa, neg, exp-int64(decimals))
}

// parseExponent reads e, an optional sign and digits up to the end of s. A
// number of absurd size is clamped to one that is still out of every range.
func parseExponent[T string | []byte](s T) (exp int64, ok bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	i, neg := 1, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i, neg = 2, s[i] == '-'
	}
	if i == len(s) {
		return 0, false
	}
	// The clamp exceeds any length of text, so that a long run of zeros in
	// the mantissa cannot bring a clamped exponent back into range.
	const clamp = 1 << 55
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		if exp < clamp {
			exp = exp*10 + int64(d)
		}
	}
	if neg {
		exp = -exp
	}
	return exp, true
}

// parseLong converts mantissa × 10^exp, where mantissa holds digits and
// perhaps a point that exp already accounts for.
func parseLong[T string | []byte](mantissa T, neg bool, exp int64) (Num, error) {
	// Collect the digits between the first and the last that are not zero.
	var buf [maxDigits]byte
	n, zeros := 0, int64(0)
	for i := 0; i < len(mantissa); i++ {
		switch d := mantissa[i]; {
		case d == '.':
		case d == '0':
			zeros++
		default:
			if n == 0 {
				zeros = 0 // they were leading zeros
			}
			if zeros >= maxDigits || n+int(zeros) >= maxDigits {
				return Num{}, ErrRange
			}
			for ; zeros > 0; zeros-- {
				buf[n] = '0'
				n++
			}
			buf[n] = d
			n++
		}
	}
	if n == 0 {
		return Num{}, nil
	}
	exp += zeros // trailing zeros
	if int64(n)+exp > maxWhole || exp < -maxScale {
		return Num{}, ErrRange
	}
	digits, e := buf[:n], int(exp)
	if e >= -scale && n+e+scale <= 38 {
		// Up to 38 digits are below 2^127.
		m := uint128{0, atoi(digits[:max(0, n-19)])}.mul(pow10[19])
		lo, carry := bits.Add64(m.lo, atoi(digits[max(0, n-19):]), 0)
		m = uint128{m.hi + carry, lo}.mul(pow10[e+scale])
		v, _ := narrow(neg, m)
		return v, nil
	}
	c, _ := new(big.Int).SetString(string(digits), 10)
	if neg {
		c.Neg(c)
	}
	if e > 0 {
		c.Mul(c, bigPow10(e))
		e = 0
	}
	return canonical(c, -e), nil
}

// atoi returns the number written by at most 19 digits.
func atoi(digits []byte) (v uint64) {
	for _, d := range digits {
		v = v*10 + uint64(d-'0')
	}
	return v
}
