package exact

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// minHi is the high word of the least narrow number, whose negation does not
// fit.
const minHi = math.MinInt64

// uint128 is the magnitude of a narrow number.
type uint128 struct{ hi, lo uint64 }

// pow10 holds the powers of ten below 2^128; those up to 10^19 have hi == 0.
var pow10 = func() (t [39]uint128) {
	t[0].lo = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1].mul(uint128{0, 10})
	}
	return t
}()

// mul returns the low 128 bits of a × b; the caller knows that they are all.
func (a uint128) mul(b uint128) uint128 {
	hi, lo := bits.Mul64(a.lo, b.lo)
	return uint128{hi + a.hi*b.lo + a.lo*b.hi, lo}
}

// divmod divides by a 64-bit number.
func (a uint128) divmod(d uint64) (q uint128, r uint64) {
	q.hi, r = a.hi/d, a.hi%d
	q.lo, r = bits.Div64(r, a.lo, d)
	return q, r
}

// stripZeros divides by ten as often as it goes evenly, s times at most, and
// returns the quotient and what is left of s.
func (a uint128) stripZeros(s int) (uint128, int) {
	if a == (uint128{}) {
		return a, 0
	}
	// Long strides first: most amounts have ten decimals, that is eight zeros.
	for _, step := range [...]int{8, 8, 4, 2, 1} {
		if step > s {
			continue
		}
		if q, r := a.divmod(pow10[step].lo); r == 0 {
			a, s = q, s-step
		}
	}
	return a, s
}

// big sets c to a.
func (a uint128) big(c *big.Int) *big.Int {
	c.SetUint64(a.hi)
	c.Lsh(c, 64)
	return c.Or(c, new(big.Int).SetUint64(a.lo))
}

func (a uint128) appendText(b []byte) []byte {
	if a.hi == 0 {
		return strconv.AppendUint(b, a.lo, 10)
	}
	q, r := a.divmod(pow10[19].lo)
	return appendPadded(q.appendText(b), r, 19)
}

// appendPadded appends v with leading zeros to the given width, 19 at most.
func appendPadded(b []byte, v uint64, width int) []byte {
	for ; width > 1 && v < pow10[width-1].lo; width-- {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, v, 10)
}

// magnitude returns |i|, also for the least int64.
func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// split returns the sign and the magnitude of a narrow number.
func (n Num) split() (neg bool, m uint128) {
	if n.hi >= 0 {
		return false, uint128{uint64(n.hi), n.lo}
	}
	lo, borrow := bits.Sub64(0, n.lo, 0)
	hi, _ := bits.Sub64(0, uint64(n.hi), borrow)
	return true, uint128{hi, lo}
}

// narrow is the inverse of split; ok is false when the magnitude is too large.
func narrow(neg bool, m uint128) (n Num, ok bool) {
	if !neg {
		return Num{hi: int64(m.hi), lo: m.lo}, m.hi < 1<<63
	}
	lo, borrow := bits.Sub64(0, m.lo, 0)
	hi, _ := bits.Sub64(0, m.hi, borrow)
	return Num{hi: int64(hi), lo: lo}, m.hi < 1<<63 || m.hi == 1<<63 && m.lo == 0
}
