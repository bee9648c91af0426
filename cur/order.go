package cur

import (
	"cmp"
	"math/bits"
	"slices"
)

// sorted returns the numbers of the tuples in order, given the bounds of each place.
//
// As many places as fit are packed into a word, in as few bits as their bounds need,
// above the tuple's number; most tuples need one word. When there are more, the last
// places are sorted by first, and what is equal by the others keeps that order.
func (s *tupleSet) sorted(least, most []uint32) []uint32 {
	width := make([]int, s.stride)
	for i := range width {
		width[i] = bits.Len32(most[i] - least[i])
	}
	low := bits.Len(uint(s.n))
	number := uint64(1)<<low - 1
	list, other := make([]uint64, s.n), make([]uint64, s.n)
	for i := range list {
		list[i] = uint64(i)
	}
	for to := s.stride; to > 0; {
		from, used := to, 0
		for ; from > 0 && used+width[from-1] <= 64-low; from-- {
			used += width[from-1]
		}
		for i, word := range list {
			n := word & number
			word = 0
			for j, v := range s.at(int(n))[from:to] {
				word = word<<width[from+j] | uint64(v-least[from+j])
			}
			list[i] = word<<low | n
		}
		list, other = sortWords(list, other, low, used)
		to = from
	}
	order := make([]uint32, s.n)
	for i, word := range list {
		order[i] = uint32(word & number)
	}
	return order
}

// radixBits is how many bits at most words are sorted by at once.
const radixBits = 11

// sortWords sorts words by the bits that are used above the low ones, and leaves those
// that are equal in their order. It returns them in the memory of one or the other.
func sortWords(list, other []uint64, low, used int) (sorted, spare []uint64) {
	if len(list) < 1<<radixBits {
		slices.SortStableFunc(list, func(a, b uint64) int { return cmp.Compare(a>>low, b>>low) })
		return list, other
	}
	if used == 0 {
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
