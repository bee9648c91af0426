package cur

import (
	"math/bits"
	"slices"
)

// sorted returns the numbers of the tuples in order, given the bounds of each place.
//
// As many places as fit are packed into a word, in as few bits as their bounds need,
// above the tuple's position; most tuples need one word. When there are more, the last
// places are sorted by first: positions keep what is equal later on in that order.
func (s *tupleSet) sorted(least, most []uint32) []uint32 {
	order := make([]uint32, s.n)
	for i := range order {
		order[i] = uint32(i)
	}
	width := make([]int, s.stride)
	for i := range width {
		width[i] = bits.Len32(most[i] - least[i])
	}
	low := bits.Len(uint(s.n))
	list, other := make([]uint64, s.n), make([]uint64, s.n)
	var next []uint32
	for to := s.stride; to > 0; {
		from, used := to, 0
		for ; from > 0; from-- {
			if used+width[from-1] > 64-low {
				break
			}
			used += width[from-1]
		}
		if used > 0 {
			for i, n := range order {
				word := uint64(0)
				for j, v := range s.at(int(n))[from:to] {
					word = word<<width[from+j] | uint64(v-least[from+j])
				}
				list[i] = word<<low | uint64(i)
			}
			list, other = sortWords(list, other, low, used)
			next = slices.Grow(next[:0], s.n)
			for _, word := range list {
				next = append(next, order[word&(1<<low-1)])
			}
			order, next = next, order
		}
		to = from
	}
	return order
}

// radixBits is how many bits at most words are sorted by at once.
const radixBits = 11

// sortWords sorts words that ascend in the low bits, by those and as many as are used
// above them. It returns them in the memory of one or the other.
func sortWords(list, other []uint64, low, used int) (sorted, spare []uint64) {
	if len(list) < 1<<radixBits {
		slices.Sort(list)
		return list, other
	}
	passes := (used + radixBits - 1) / radixBits
	width := (used + passes - 1) / passes
	mask := uint64(1)<<width - 1
	for at := low; at < low+used; at += width {
		var start [1 << radixBits]uint32
		for _, word := range list {
			start[word>>at&mask]++
		}
		sum := uint32(0)
		for digit, n := range start[:mask+1] {
			start[digit] = sum
			sum += n
		}
		for _, word := range list {
			digit := word >> at & mask
			other[start[digit]] = word
			start[digit]++
		}
		list, other = other, list
	}
	return list, other
}
