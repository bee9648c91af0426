// Package exact adds decimal numbers without ever losing a digit.
//
// Bills are sums of millions of small decimals, and the sums have to agree
// with the invoice to the last one. Binary floating point drifts, and a
// general decimal library pays two allocations for each addition. A [Num] is a
// 128-bit integer counting units of 1e-18, which holds every amount seen in a
// cost export and adds in a few nanoseconds.
//
// # Terminology
//
// A number is narrow when it is a multiple of 1e-18 inside ±1.7e20, else it is
// wide: an integer of any length with a decimal scale, kept behind a pointer. A
// narrow number is small when it is a multiple of 1e-10 that an int64 can count.
//
// # Guarantees
//
//   - Addition is exact, commutative and associative. It widens, it never
//     overflows and never rounds.
//   - The form is canonical: a number that can be narrow is narrow, and a wide
//     one has no spare trailing zeros. So one number has one form and one
//     encoding, whichever order of additions led to it.
//   - Nothing allocates while the operands and the result are narrow, except
//     [Num.Decimal] and [Num.String], which must.
//   - What enters is bounded (see [Parse]), so that one hostile cell cannot
//     make later sums expensive.
//
// There is no multiplication and no division here: rates and shares are worked
// out per group with shopspring decimals, under a stated scale and rounding.
package exact

import (
	"math/big"
	"math/bits"

	"github.com/shopspring/decimal"
)

// scale is the number of decimals of the narrow form.
const scale = 18

// A Num is an exact decimal number. The zero value is 0. Values are immutable
// but for [Num.Acc] and may be copied and shared freely. Compare them with
// [Num.Equal], not with ==: two equal wide numbers are different pointers.
type Num struct {
	// hi and lo are a two's complement 128-bit count of 1e-18. They are zero
	// when wide is set, so that there is one form to a number.
	hi int64
	lo uint64
	// wide is nil for a narrow number. What it points to is never modified,
	// since copies of the Num share it.
	wide *wide
}

// FromInt returns the integer i.
func FromInt(i int64) Num {
	hi, lo := bits.Mul64(magnitude(i), pow10[scale].lo)
	n, _ := narrow(i < 0, uint128{hi, lo}) // 2^63 × 1e18 is below 2^123
	return n
}

// Add returns n + m.
func (n Num) Add(m Num) Num {
	n.Acc(m)
	return n
}

// Sub returns n - m.
func (n Num) Sub(m Num) Num {
	n.Acc(m.Neg())
	return n
}

// Acc adds m to n in place.
func (n *Num) Acc(m Num) {
	if n.wide == nil && m.wide == nil {
		lo, carry := bits.Add64(n.lo, m.lo, 0)
		hi := n.hi + m.hi + int64(carry)
		// The sum left the range exactly when both operands have one sign
		// and the result has the other.
		if (n.hi^hi)&(m.hi^hi) >= 0 {
			n.hi, n.lo = hi, lo
			return
		}
	}
	*n = addWide(*n, m)
}

// Neg returns -n.
func (n Num) Neg() Num {
	if n.wide == nil {
		if lo, borrow := bits.Sub64(0, n.lo, 0); n.hi != minHi || n.lo != 0 {
			return Num{hi: -n.hi - int64(borrow), lo: lo}
		}
	}
	c, s := n.coefficient()
	return canonical(c.Neg(c), s)
}

// Sign returns -1, 0 or 1.
func (n Num) Sign() int {
	switch {
	case n.wide != nil:
		return n.wide.c.Sign()
	case n.hi < 0:
		return -1
	case n.hi == 0 && n.lo == 0:
		return 0
	}
	return 1
}

// IsZero reports whether n is 0.
func (n Num) IsZero() bool { return n.wide == nil && n.hi == 0 && n.lo == 0 }

// Cmp returns -1, 0 or 1 as n is less than, equal to or greater than m.
func (n Num) Cmp(m Num) int {
	if n.wide != nil || m.wide != nil {
		return cmpWide(n, m)
	}
	switch {
	case n.hi < m.hi || n.hi == m.hi && n.lo < m.lo:
		return -1
	case n.hi == m.hi && n.lo == m.lo:
		return 0
	}
	return 1
}

// Equal reports whether n and m are the same number.
func (n Num) Equal(m Num) bool {
	if n.wide == nil && m.wide == nil {
		return n.hi == m.hi && n.lo == m.lo
	}
	// Canonical forms differ when only one of them is wide.
	return n.wide != nil && m.wide != nil &&
		n.wide.scale == m.wide.scale && n.wide.c.Cmp(&m.wide.c) == 0
}

// Decimal returns n as a shopspring decimal without spare trailing zeros. It
// allocates; use it once per total, not once per row.
func (n Num) Decimal() decimal.Decimal {
	if n.wide != nil {
		return decimal.NewFromBigInt(&n.wide.c, -int32(n.wide.scale))
	}
	neg, m := n.split()
	m, s := m.stripZeros(scale)
	if m.hi == 0 && m.lo < 1<<63 {
		v := int64(m.lo)
		if neg {
			v = -v
		}
		return decimal.New(v, -int32(s))
	}
	c := m.big(new(big.Int))
	if neg {
		c.Neg(c)
	}
	return decimal.NewFromBigInt(c, -int32(s))
}

// FromDecimal returns d exactly. The error is ErrRange when d has more than
// 100 decimals or a coefficient longer than [DecodeBinary] reads; every
// [Num.Decimal] of a sum of parsed numbers is inside.
func FromDecimal(d decimal.Decimal) (Num, error) {
	if d.IsZero() {
		return Num{}, nil
	}
	c, exp := d.Coefficient(), int(d.Exponent())
	// An exponent is four bytes whatever it expands to, so the length of the
	// result is judged before anything is multiplied out.
	if c.BitLen() > maxCoefficient*8 || exp < -maxScale-maxCoefficient*3 || exp > maxCoefficient*2 {
		return Num{}, ErrRange
	}
	if exp > 0 {
		c.Mul(c, bigPow10(exp))
		exp = 0
	}
	n := canonical(c, -exp)
	if n.wide != nil && (n.wide.scale > maxScale || n.wide.c.BitLen() > maxCoefficient*8) {
		return Num{}, ErrRange
	}
	return n, nil
}

// String returns n in plain notation: no exponent, no trailing zeros after the
// point, "0" for zero.
func (n Num) String() string {
	var buf [48]byte
	if n.wide != nil {
		return string(n.wide.appendText(buf[:0]))
	}
	neg, m := n.split()
	b := buf[:0]
	if neg {
		b = append(b, '-')
	}
	whole, frac := m.divmod(pow10[scale].lo)
	b = whole.appendText(b)
	if frac == 0 {
		return string(b)
	}
	b = append(b, '.')
	b = appendPadded(b, frac, scale)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return string(b)
}
