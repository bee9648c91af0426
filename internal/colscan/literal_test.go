package colscan

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/snappy"
	"pgregory.net/rapid"
)

// A block that is taken as it lies is the same that the decoder makes of it.
func TestLiteralIsWhatTheDecoderMakesOfIt(t *testing.T) {
	taken, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		plain := make([]byte, rapid.SampledFrom([]int{0, 1, 2, 59, 60, 61, 62, 255, 256, 257, 300, 65535, 65536, 65537, 70000}).Draw(t, "size"))
		state := rapid.Uint64().Draw(t, "seed")
		few := rapid.Bool().Draw(t, "compressible")
		for i := range plain {
			state = state*6364136223846793005 + 1442695040888963407
			if plain[i] = byte(state >> 56); few {
				plain[i] &= 1
			}
		}
		block := snappy.Encode(nil, plain)
		got, ok := literal(codecSnappy, block, len(plain)+rapid.IntRange(0, 5).Draw(t, "more promised"))
		if !ok {
			left++
			return
		}
		taken++
		if !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes were taken as %d others", len(plain), len(got))
		}
		if _, ok := literal(codecSnappy, block, len(plain)-1); ok {
			t.Fatal("more was taken than the page promises")
		}
		if _, ok := literal(codecZstd, block, len(plain)); ok {
			t.Fatal("a block of another codec was taken")
		}
	})
	if taken == 0 || left == 0 {
		t.Fatalf("%d blocks were taken and %d were not: both are to be seen", taken, left)
	}
}

// A damaged block is taken only where the decoder makes the same of it.
func TestLiteralOfDamagedBlocks(t *testing.T) {
	plain := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:-+*/")
	block := snappy.Encode(nil, plain)
	if _, ok := literal(codecSnappy, block, len(plain)); !ok {
		t.Fatal("the block is no literal to begin with")
	}
	check := func(b []byte) {
		got, ok := literal(codecSnappy, b, 1<<20)
		if !ok {
			return
		}
		if want, err := snappy.Decode(nil, b); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%x was taken as %d bytes; the decoder: %d bytes, %v", b, len(got), len(want), err)
		}
	}
	for at := range block {
		for x := range 256 {
			b := bytes.Clone(block)
			b[at] = byte(x)
			check(b)
		}
		check(block[:at])
	}
	for tag := range 256 { // alone, and with lengths cut short
		for more := range 5 {
			check(append([]byte{1, byte(tag)}, make([]byte, more)...))
		}
	}
}
