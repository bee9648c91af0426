package cur

import (
	"cmp"
	"math/bits"
	"slices"
)

// packed is a key in as few bits as it needs, and its group.
type packed struct {
	hi, lo uint64
	group  uint32
}

// sorted returns the groups in order of their keys. The slots that differ are
// packed, foremost first, into as many bits as they need; most keys differ
// within 128 bits, and these are sorted digit by digit.
func (g *groups) sorted() []uint32 {
	top := make([]uint32, g.stride)
	for i := 0; i < len(g.keys); i += g.stride {
		for s, k := range g.keys[i : i+g.stride] {
			top[s] |= k
		}
	}
	used := 0
	for s, t := range top {
		if n := bits.Len32(t); used+n <= 128 {
			used += n
		} else {
			top, used = top[:s], 129
			break
		}
	}
	list := make([]packed, g.len())
	for i := range list {
		p := packed{group: uint32(i)}
		key := g.raw(i)
		for s, t := range top {
			n := bits.Len32(t)
			p.hi = p.hi<<n | p.lo>>(64-n)
			p.lo = p.lo<<n | uint64(key[s])
		}
		list[i] = p
	}
	if used <= 128 && len(list) >= 1<<radixBits {
		list = radixSort(list, used)
	} else {
		slices.SortFunc(list, func(a, b packed) int {
			switch {
			case a.hi != b.hi:
				return cmp.Compare(a.hi, b.hi)
			case a.lo != b.lo:
				return cmp.Compare(a.lo, b.lo)
			}
			return slices.Compare(g.raw(int(a.group)), g.raw(int(b.group)))
		})
	}
	out := make([]uint32, len(list))
	for i := range list {
		out[i] = list[i].group
	}
	return out
}

const radixBits = 11

// radixSort sorts keys of some bits.
func radixSort(list []packed, used int) []packed {
	other := make([]packed, len(list))
	for from := 0; from < used; from += radixBits {
		var start [1 << radixBits]int32
		for i := range list {
			start[list[i].digit(from)]++
		}
		sum := int32(0)
		for d, n := range start {
			start[d] = sum
			sum += n
		}
		for i := range list {
			at := &start[list[i].digit(from)]
			other[*at] = list[i]
			*at++
		}
		list, other = other, list
	}
	return list
}

// digit returns radixBits bits from bit position from on.
func (p *packed) digit(from int) uint64 {
	if from >= 64 {
		return p.hi >> (from - 64) & (1<<radixBits - 1)
	}
	return (p.lo>>from | p.hi<<(64-from)) & (1<<radixBits - 1)
}
