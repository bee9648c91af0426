package colscan

import (
	"encoding/binary"
	"math/bits"
)

// hybrid decodes, one at a time, integers in Parquet's mixture of run-length
// and bit-packed runs. Levels and dictionary indexes are written so. Nothing
// is materialised: a run of two thousand million equal levels takes five
// bytes in a file and must not take more in memory.
type hybrid struct {
	data   []byte // runs not begun
	width  uint   // bits of a value, 32 at most
	left   int    // values left in the current run
	repeat bool   // the run repeats value
	value  uint32
	packed []byte
	bit    int // position in packed
}

func (h *hybrid) reset(data []byte, width uint) {
	*h = hybrid{data: data, width: width}
}

// run begins the next run that is not empty.
func (h *hybrid) run() bool {
	for h.left == 0 {
		var head uint64
		n := 1
		if len(h.data) > 0 && h.data[0] < 0x80 {
			head = uint64(h.data[0]) // runs are short
		} else if head, n = binary.Uvarint(h.data); n <= 0 || head > 1<<33 {
			return false
		}
		h.data = h.data[n:]
		if h.repeat = head&1 == 0; h.repeat {
			size := int(h.width+7) / 8
			if len(h.data) < size {
				return false
			}
			h.value = 0
			for i := range size {
				h.value |= uint32(h.data[i]) << (8 * i)
			}
			h.data, h.left = h.data[size:], int(head>>1)
			continue
		}
		if h.width == 0 { // nothing but zeros, however they are written
			h.repeat, h.value, h.left = true, 0, int(head>>1)*8
			continue
		}
		// Groups of eight. The last run of a page may be cut to the values
		// that are meant; what is missing is noticed when it is read.
		size := int(head>>1) * int(h.width)
		h.left, h.bit = int(head>>1)*8, 0
		if size > len(h.data) {
			size = len(h.data)
			h.left = size * 8 / int(h.width)
		}
		// Short runs are common, and what follows is not read as values; but eight
		// bytes at once can be.
		h.packed, h.data = h.data, h.data[size:]
		if h.left == 0 && len(h.data) == 0 {
			return false
		}
	}
	return true
}

// next returns the next value; ok is false when the data ends before it.
func (h *hybrid) next() (v uint32, ok bool) {
	if h.left == 0 && !h.run() {
		return 0, false
	}
	h.left--
	if h.repeat {
		return h.value, true
	}
	if i := h.bit >> 3; i+8 <= len(h.packed) {
		// At most 7 + 32 bits, so one load is enough.
		v = uint32(binary.LittleEndian.Uint64(h.packed[i:]) >> (h.bit & 7) & (1<<h.width - 1))
	} else {
		v = uint32(bitsAt(h.packed, h.bit, h.width))
	}
	h.bit += int(h.width)
	return v, true
}

// skip passes n values and returns how many of them equal match.
func (h *hybrid) skip(n int, match uint32) (matches int, ok bool) {
	for n > 0 {
		if h.left == 0 && !h.run() {
			return 0, false
		}
		k := min(n, h.left)
		n -= k
		h.left -= k
		if h.repeat {
			if h.value == match {
				matches += k
			}
			continue
		}
		if h.width == 1 && match == 1 {
			// The common case, nulls of a plain column, 64 rows at a time.
			for ; k > 0; k -= min(k, 64) {
				step := min(k, 64)
				matches += bits.OnesCount64(bitsAt(h.packed, h.bit, uint(step)))
				h.bit += step
			}
		}
		for ; k > 0; k-- {
			if uint32(bitsAt(h.packed, h.bit, h.width)) == match {
				matches++
			}
			h.bit += int(h.width)
		}
	}
	return matches, true
}

// bitsAt returns the width bits of b from bit position pos on, least
// significant first. Bits beyond the end read as zero.
func bitsAt(b []byte, pos int, width uint) uint64 {
	i, shift := pos>>3, uint(pos&7)
	if i+8 < len(b) {
		v := binary.LittleEndian.Uint64(b[i:])>>shift | uint64(b[i+8])<<(64-shift)
		return v & (1<<width - 1)
	}
	var v uint64
	for k := uint(0); k < 9 && i < len(b); k++ {
		if at := 8*k - shift; k == 0 {
			v = uint64(b[i]) >> shift
		} else {
			v |= uint64(b[i]) << at
		}
		i++
	}
	return v & (1<<width - 1)
}
