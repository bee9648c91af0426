package exact

import (
	"math/big"
)

// wide is c × 10^-scale with scale >= 0, and c not divisible by ten when
// scale > 0. Such numbers are rare (digits below 1e-18, or hundreds of
// quintillions), so this path is written for plainness, not for speed.
type wide struct {
	c     big.Int
	scale int
}

var bigTen = big.NewInt(10)

func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(bigTen, big.NewInt(int64(n)), nil)
}

// coefficient returns n as an integer and a scale. The integer is the
// caller's to modify.
func (n Num) coefficient() (c *big.Int, s int) {
	if n.wide != nil {
		return new(big.Int).Set(&n.wide.c), n.wide.scale
	}
	neg, m := n.split()
	c = m.big(new(big.Int))
	if neg {
		c.Neg(c)
	}
	return c, scale
}

// aligned returns the coefficients of n and m at their greater scale.
func aligned(n, m Num) (a, b *big.Int, s int) {
	a, as := n.coefficient()
	b, bs := m.coefficient()
	switch {
	case as < bs:
		a.Mul(a, bigPow10(bs-as))
		as = bs
	case bs < as:
		b.Mul(b, bigPow10(as-bs))
	}
	return a, b, as
}

func addWide(n, m Num) Num {
	a, b, s := aligned(n, m)
	return canonical(a.Add(a, b), s)
}

func cmpWide(n, m Num) int {
	a, b, _ := aligned(n, m)
	return a.Cmp(b)
}

// canonical returns c × 10^-s in its one form. It keeps c.
func canonical(c *big.Int, s int) Num {
	q, r := new(big.Int), new(big.Int)
	for s > 0 {
		if q.QuoRem(c, bigTen, r); r.Sign() != 0 {
			break
		}
		c, q = q, c
		s--
	}
	if s <= scale {
		v := q.Mul(c, bigPow10(scale-s))
		if v.BitLen() <= 128 {
			m := r.Abs(v)
			lo := new(big.Int).And(m, maxWord).Uint64()
			hi := m.Rsh(m, 64).Uint64()
			if n, ok := narrow(v.Sign() < 0, uint128{hi, lo}); ok {
				return n
			}
		}
	}
	w := &wide{scale: s}
	w.c.Set(c)
	return Num{wide: w}
}

var maxWord = new(big.Int).SetUint64(1<<64 - 1)

func (w *wide) appendText(b []byte) []byte {
	if w.c.Sign() < 0 {
		b = append(b, '-')
	}
	digits := new(big.Int).Abs(&w.c).Append(nil, 10)
	if w.scale == 0 {
		return append(b, digits...)
	}
	for len(digits) <= w.scale {
		digits = append([]byte{'0'}, digits...)
	}
	point := len(digits) - w.scale
	b = append(b, digits[:point]...)
	b = append(b, '.')
	return append(b, digits[point:]...)
}
