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

// sorted returns the groups in order of their keys, whose slots are within bounds.
// Slots that differ are packed, foremost first, into as many bits as they need;
// most keys differ within 128 bits, and these are sorted digit by digit.
func (g *groups) sorted(least, most []uint32) []uint32 {
	type digits struct {
		slot  int
		n     int // of bits
		least uint32
	}
	used, slots := 0, make([]digits, 0, g.stride)
	for s := range g.stride {
		n := bits.Len32(most[s] - least[s])
		if used+n > 128 {
			used = 129
			break
		}
		if used += n; n > 0 {
			slots = append(slots, digits{s, n, least[s]})
		}
	}
	list := make([]packed, g.len())
	for i := range list {
		p, key := packed{group: uint32(i)}, g.key(i)
		for _, d := range slots {
			p.hi = p.hi<<d.n | p.lo>>(64-d.n)
			p.lo = p.lo<<d.n | uint64(key[d.slot]-d.least)
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
			return slices.Compare(g.key(int(a.group)), g.key(int(b.group)))
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
