package colscan

import (
	"encoding/binary"
	"math/bits"
)

// This file turns levels, and other values of one bit, into sets of bits. Where blank
// cells are scattered their runs are short, tens of thousands in a file, and a decoder
// that looks for something in each of them spends its time on guessing where they end.
// Laid out flat, 64 to a word, the same question costs a shift.

// flags sets bit i of set, for each of the next n values, to whether it equals most,
// which none may exceed. ok is false when one does or the data ends. set has room for two
// words more than n bits fill.
func (h *hybrid) flags(set []uint64, n int, most uint32) (ok bool) {
	set = set[:n>>6+2]
	clear(set)
	for at := 0; at < n; {
		if h.left == 0 {
			if h.width == 1 && most == 1 {
				at = h.shortFlags(set, at, n)
			}
			if at == n {
				break
			}
			if !h.run() {
				return false
			}
		}
		k := min(n-at, h.left)
		switch {
		case !h.repeat && h.width == 1 && most == 1 && k >= 64 && h.bit>>3+k>>6<<3 < len(h.packed):
			k = k >> 6 << 6
			longFlags(set, at, h.packed, h.bit, k>>6)
			h.bit += k
		case !h.repeat:
			k = min(k, 64)
			x, ok := h.equal(k, most)
			if !ok {
				return false
			}
			orBits(set, at, x, k)
			at += k
			continue
		case h.value > most:
			return false
		case h.value == most:
			setRange(set, at, k)
		}
		h.left -= k
		at += k
	}
	return true
}

// shortFlags is flags from bit at on for runs that are short and end before bit n. It
// returns where it ends, which is between two runs.
func (h *hybrid) shortFlags(set []uint64, at, n int) int {
	data := h.data
	// Values that repeat and packed ones take turns, so each step takes one of both, and
	// the processor guesses which comes. Their longest are 3 bytes and 9.
	for len(data) >= 12 {
		switch head := data[0]; {
		case head&0x81 == 0:
			k, value := int(head>>1), data[1]
			if at+k > n || value > 1 {
				h.data = data
				return at
			}
			x := lowBits(k) & -uint64(value)
			set[at>>6] |= x << (at & 63)
			set[at>>6+1] |= x >> (64 - at&63)
			at, data = at+k, data[2:]
		case head&0x81 == 0x80 && data[1] < 0x80: // 64 and more
			k, value := int(head&0x7f)>>1|int(data[1])<<6, data[2]
			if at+k > n || value > 1 {
				h.data = data
				return at
			}
			if value == 1 {
				setRange(set, at, k)
			}
			at, data = at+k, data[3:]
		}
		head := data[0]
		k := 8 * int(head>>1)
		if head&0x81 != 1 || k > 64 || at+k > n {
			break
		}
		x := binary.LittleEndian.Uint64(data[1:]) & lowBits(k)
		set[at>>6] |= x << (at & 63)
		set[at>>6+1] |= x >> (64 - at&63)
		at, data = at+k, data[1+k>>3:]
	}
	h.data = data
	return at
}

// longFlags is flags from bit at on for words of 64 values that are packed from a bit on.
func longFlags(set []uint64, at int, packed []byte, bit, words int) {
	packed, set = packed[bit>>3:], set[at>>6:]
	shift, up := bit&7, at&63
	last := set[0]
	for i := range words {
		x := binary.LittleEndian.Uint64(packed[8*i:])>>shift | uint64(packed[8*i+8])<<(64-shift)
		set[i] = last | x<<up
		last = x >> (64 - up)
	}
	set[words] |= last
}

// flagsOf makes v.set the flags of the next n values.
func (v *Vector) flagsOf(h *hybrid, n int, most uint32) (ok bool) {
	if words := n>>6 + 2; cap(v.set) < words {
		v.set = make([]uint64, roomy(words))
	}
	v.set = v.set[:cap(v.set)]
	return h.flags(v.set, n, most)
}

// rank makes v.ranks[i] how many bits of v.set are set before word i, of n bits, and
// returns how many are set at all.
func (v *Vector) rank(n int) (total int) {
	if cap(v.ranks) < cap(v.set) {
		v.ranks = make([]int32, cap(v.set))
	}
	v.ranks = v.ranks[:(n+63)>>6]
	for i, x := range v.set[:len(v.ranks)] {
		v.ranks[i] = int32(total)
		total += bits.OnesCount64(x)
	}
	return total
}
