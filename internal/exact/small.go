package exact

import (
	"math"
	"math/bits"
)

// This file holds small numbers, counts of 1e-10 in one word: the form in which a
// table of a million sums takes least room, and in which nearly every amount of a
// bill fits. What does not is for the caller to keep as a Num beside it.

const smallUnit = 100_000_000 // units of a Num

// FromSmall returns the small number i.
func FromSmall(i int64) Num {
	// The high word of an unsigned product counts 1e8 too much for a negative factor.
	hi, lo := bits.Mul64(uint64(i), smallUnit)
	return Num{hi: int64(hi) - i>>63&smallUnit, lo: lo}
}

// Small returns n as a small number if it is one.
func (n Num) Small() (i int64, ok bool) {
	if n.wide != nil {
		return 0, false
	}
	neg, m := n.split()
	if m.hi >= smallUnit/2 { // the quotient would pass 2^63
		return 0, false
	}
	q, r := bits.Div64(m.hi, m.lo, smallUnit)
	if i = int64(q); neg {
		i = -i
	}
	return i, r == 0
}

// AddSmall adds two small numbers; ok is false when the sum is none.
func AddSmall(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (a^sum)&(b^sum) >= 0
}

// SmallFromFloat is [FromFloat] for amounts of ten decimals at most below a hundred
// thousand. ok is false for all others, of which FromFloat says more.
func SmallFromFloat(x float64) (i int64, ok bool) {
	// FromFloat has the proof.
	n := math.RoundToEven(x * 1e10)
	return int64(n), n/1e10 == x && math.Abs(x) < 1e5
}

// ParseSmall is [Parse] for numbers in plain notation of ten decimals at most and
// below a hundred million. ok is false for all others, of which Parse says more.
func ParseSmall(b []byte) (i int64, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	n, c := 0, byte(0)
	for ; n < len(b); n++ {
		if c = b[n] - '0'; c > 9 {
			break
		}
		i = i*10 + int64(c)
	}
	if n == 0 || n > 8 {
		return 0, false
	}
	decimals := 0
	if n < len(b) {
		if b[n] != '.' {
			return 0, false
		}
		fraction := b[n+1:]
		if decimals = len(fraction); decimals > 10 {
			return 0, false
		}
		for _, c := range fraction {
			if c -= '0'; c > 9 {
				return 0, false
			}
			i = i*10 + int64(c)
		}
	}
	if i *= int64(pow10[10-decimals].lo); neg {
		i = -i
	}
	return i, true
}
