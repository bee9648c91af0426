package colscan

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// drawRuns writes runs that repeat and packed ones as no writer would: short and long,
// empty, in any order, cut at the end, of values that are too great.
func drawRuns(t *rapid.T, width uint) (data []byte) {
	for range rapid.IntRange(0, 40).Draw(t, "runs") {
		if rapid.Bool().Draw(t, "repeats") {
			n := rapid.SampledFrom([]uint64{0, 1, 7, 8, 20, 63, 64, 65, 127, 128, 300, 8191, 8192, 20000}).Draw(t, "length")
			value := rapid.SampledFrom([]byte{0, 0, 1, 1, 1, 2, 3}).Draw(t, "value")
			if width == 1 && !rapid.SampledFrom([]bool{true, false, false, false, false, false, false, false}).Draw(t, "too great") {
				value &= 1
			}
			data = append(binary.AppendUvarint(data, n<<1), value)
			continue
		}
		n := rapid.SampledFrom([]int{0, 1, 1, 1, 2, 7, 8, 9, 63, 64, 70}).Draw(t, "groups of eight")
		data = binary.AppendUvarint(data, uint64(n)<<1|1)
		for range n * int(width) {
			data = append(data, rapid.Byte().Draw(t, "packed"))
		}
	}
	return data[:len(data)-min(len(data), rapid.SampledFrom([]int{0, 0, 0, 1, 2, 9}).Draw(t, "cut"))]
}

// Flags are what looking at one value after another gives, whatever was read before, and
// both end in the same place.
func TestFlagsEqualValuesOneByOne(t *testing.T) {
	read, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		width := uint(rapid.IntRange(1, 2).Draw(t, "width"))
		most := uint32(rapid.IntRange(1, 1<<width-1).Draw(t, "most"))
		var fast, slow hybrid
		data := drawRuns(t, width)
		fast.reset(data, width)
		slow.reset(data, width)
		for range 4 {
			n := rapid.SampledFrom([]int{1, 7, 63, 64, 65, 500, 4096, 32768}).Draw(t, "asked")
			set := make([]uint64, n>>6+2)
			for i := range set {
				set[i] = 0xaaaa5555 // of earlier
			}
			ok := fast.flags(set, n, most)
			for i := range n {
				v, there := slow.next()
				if !there || v > most {
					// Packed levels of two bits are compared with the greatest side by
					// side; what exceeds it is told only where it would repeat.
					if ok && (!there || width == 1) {
						t.Fatalf("value %d of %d is %d (%v), and flags were given", i, n, v, there)
					}
					refused++
					return
				}
				if ok && (set[i>>6]>>(i&63)&1 != 0) != (v == most) {
					t.Fatalf("flag %d of %d is wrong: the value is %d of %d", i, n, v, most)
				}
			}
			if !ok {
				t.Fatalf("%d values were refused that are there", n)
			}
			read++
		}
	})
	if read == 0 || refused == 0 {
		t.Fatalf("%d were read and %d refused: both are to be seen", read, refused)
	}
}
