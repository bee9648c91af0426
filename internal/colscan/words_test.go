package colscan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// checkWords holds the words of what was loaded against the cells.
func checkWords(c *colscan.Codes, cells []cell) error {
	if c.Owns() {
		return nil
	}
	const shift = 7
	words := make([]uint64, len(cells))
	if c.Same() {
		for i := range words {
			words[i] = c.Word(shift)
		}
	} else {
		colscan.Pack(words, nil, []colscan.Part{c.Part(shift)})
	}
	of := map[uint64]cell{}
	for i, w := range words {
		if n := w >> shift; (n == 0) != cells[i].Null || n > uint64(c.Size()) || w != n<<shift {
			return fmt.Errorf("value %d of a dictionary of %d is packed as %#x", i, c.Size(), w)
		}
		if was, ok := of[w]; ok && was != cells[i] {
			return fmt.Errorf("values %+v and %+v are packed alike", was, cells[i])
		}
		of[w] = cells[i]
	}
	return nil
}

// TestPackAddsEveryPart: however many parts are packed at once.
func TestPackAddsEveryPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "values")
		number := rapid.SampledFrom([]uint32{0, 1, 2, 6, 1<<32 - 1})
		var at []int32
		if rapid.Bool().Draw(t, "picked") {
			at = rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 1, 20).Draw(t, "at")
		}
		words := make([]uint64, n)
		if at != nil {
			words = make([]uint64, len(at))
		}
		want := slices.Clone(words)
		for i := range words {
			words[i], want[i] = 1<<63, 1<<63
		}
		var parts []colscan.Part
		for shift := range uint(rapid.IntRange(0, 12).Draw(t, "parts")) {
			numbers := rapid.SliceOfN(number, n, n).Draw(t, "numbers")
			parts = append(parts, colscan.PartOf(numbers, 3*shift))
			for i := range want {
				x := numbers[i%n]
				if at != nil {
					x = numbers[at[i]]
				}
				if x != 1<<32-1 { // which stands for null
					want[i] |= uint64(x+1) << (3 * shift)
				}
			}
		}
		if colscan.Pack(words, at, parts); !slices.Equal(words, want) {
			t.Fatalf("words = %#x, want %#x", words, want)
		}
	})
}
