package colscan

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

func TestNthFindsABit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64Min(1).Draw(t, "bits")
		n := rapid.IntRange(0, bits.OnesCount64(x)-1).Draw(t, "n")
		rest := x
		for range n {
			rest &= rest - 1
		}
		if got, want := nth(x, n), bits.TrailingZeros64(rest); got != want {
			t.Errorf("nth(%#x, %d) = %d, want %d", x, n, got, want)
		}
	})
}
