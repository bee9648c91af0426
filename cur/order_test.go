package cur

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Tuples are sorted as comparing them would, however many of them there are and
// however many words they are packed into.
func TestTuplesAreSorted(t *testing.T) {
	for name, most := range map[string][]uint32{
		"nothing differs":  {0, 0},
		"one word":         {100, 0, 900, 3},
		"several words":    {1 << 31, 5, 1 << 30, 7, 0, 1<<32 - 1, 1 << 20},
		"places of a word": {1<<32 - 1, 1<<32 - 1, 1<<32 - 1},
		"no places":        {},
	} {
		for _, n := range []int{0, 1, 2, 100, 1<<radixBits - 1, 1 << radixBits, 20_000} {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			s := tupleSet{stride: len(most)}
			tuple := make([]uint32, len(most))
			for range n {
				for i, m := range most {
					tuple[i] = uint32(r.Uint64N(uint64(m) + 1))
					if i > 0 && r.IntN(3) > 0 {
						tuple[i] %= 4 // so that the places before are often equal
					}
				}
				s.append(tuple)
			}
			want := slices.Clone(s.vals)
			if len(most) > 0 {
				rows := slices.Collect(slices.Chunk(want, len(most)))
				slices.SortFunc(rows, slices.Compare)
				want = slices.Concat(rows...)
			}
			before := slices.Clone(s.vals)
			order := s.sort(make([][]uint32, len(most)))
			if !slices.Equal(s.vals, want) {
				t.Errorf("%s: %d tuples are out of order", name, n)
			}
			for to, from := range order {
				if !slices.Equal(before[int(from)*len(most):][:len(most)], s.at(to)) {
					t.Fatalf("%s: %d tuples: place %d has another than number %d", name, n, to, from)
				}
			}
			if len(ranks(ranks(order))) != n || !slices.Equal(ranks(ranks(order)), order) {
				t.Errorf("%s: the order of %d tuples is no permutation", name, n)
			}
		}
	}
}
