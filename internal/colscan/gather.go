package colscan

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// This file picks single values out of a page: few rows of a report are about
// AI, and decoding what lies between them would cost more than finding them.

// covers passes n values when all of them lie in runs that repeat the given value.
func (h *hybrid) covers(n int, value uint32) bool {
	before := *h
	for (h.left > 0 || h.run()) && h.repeat && h.value == value {
		if h.left >= n {
			h.left -= n
			return true
		}
		n -= h.left
		h.left = 0
	}
	*h = before
	return false
}

// gather decodes the values at some places, counted from the first of them up,
// and ends behind the last. It returns their bits together.
func (h *hybrid) gather(at []int32, dst []uint32) (all uint32, ok bool) {
	dst = dst[:len(at)]
	first := at[0]
	done := 0 // values consumed
	for i := 0; i < len(at); {
		for {
			if h.left == 0 && !h.run() {
				return 0, false
			}
			if gap := int(at[i]-first) - done; gap < h.left {
				break
			}
			done += h.left
			h.left = 0
		}
		end := done + h.left
		if h.repeat {
			for ; i < len(at) && int(at[i]-first) < end; i++ {
				dst[i] = h.value
			}
			all |= h.value
		} else {
			width, mask := int(h.width), uint64(1)<<h.width-1
			base := h.bit - (done+int(first))*width
			for ; i < len(at) && int(at[i]-first) < end; i++ {
				pos := base + int(at[i])*width
				var v uint32
				if b := pos >> 3; b+8 <= len(h.packed) {
					v = uint32(binary.LittleEndian.Uint64(h.packed[b:]) >> (pos & 7) & mask)
				} else {
					v = uint32(bitsAt(h.packed, pos, h.width))
				}
				dst[i] = v
				all |= v
			}
		}
		n := int(at[i-1]-first) + 1 - done
		done += n
		h.left -= n
		h.bit += n * int(h.width)
	}
	return all, true
}

// gather decodes the values of the page at some places, which count from first,
// where the leaf stands, and passes total values altogether.
func (v *Vector) gather(at []int32, first int32, total int, dst []uint32) error {
	vals := &v.leaf.vals
	if gap := int(at[0] - first); gap > 0 {
		if err := vals.skip(gap); err != nil {
			return err
		}
		total -= gap
		first = at[0]
	}
	v.mixed()
	switch {
	case vals.encoding == encRLEDictionary && total <= 2*len(at):
		// Side by side values are decoded so fast that those between do not matter.
		if cap(v.run) < total {
			v.run = make([]uint32, roomy(total))
		}
		run := v.run[:total]
		all, ok := vals.runs.fill(run)
		if !ok {
			return corrupt("fewer values than the page promises")
		}
		for i, p := range at {
			dst[i] = run[p-first]
		}
		return vals.dict.check(run, all)
	case vals.encoding == encRLEDictionary && vals.runs.width == 1:
		if !v.flagsOf(&vals.runs, total, 1) {
			return corrupt("fewer values than the page promises")
		}
		all := uint32(0)
		for i, p := range at {
			b := uint(p - first)
			dst[i] = uint32(v.set[b>>6] >> (b & 63) & 1)
			all |= dst[i]
		}
		return vals.dict.check(dst, all)
	case vals.encoding == encRLEDictionary:
		all, ok := vals.runs.gather(at, dst)
		if !ok {
			return corrupt("fewer values than the page promises")
		}
		if err := vals.dict.check(dst, all); err != nil {
			return err
		}
		return vals.skip(total - int(at[len(at)-1]-first) - 1)
	case vals.encoding == encPlain && vals.spec.width() == 8 && !vals.spec.textual():
		v.owns = true
		b, err := vals.cut(int64(8 * total))
		if err != nil {
			return err
		}
		n := len(v.bits)
		v.bits = slices.Grow(v.bits, len(at))[:n+len(at)]
		own := v.bits[n : n+len(at)]
		for i, p := range at {
			own[i] = binary.LittleEndian.Uint64(b[8*int(p-first):])
			dst[i] = refOwn | uint32(n+i)
		}
		return nil
	}
	var one value
	done := int32(0)
	for i, p := range at {
		if err := vals.skip(int(p - first - done)); err != nil {
			return err
		}
		if err := vals.next(&one); err != nil {
			return err
		}
		dst[i], done = v.own(&one), p-first+1
	}
	return vals.skip(total - int(done))
}

// ordinals returns which values of the page belong to the selected rows, of the
// next span rows, counted from the next value. dst is set to null for the rows
// without one, else to 0. values is how many the span has.
func (v *Vector) ordinals(sel []int32, span int, dst []uint32) (at []int32, values int, err error) {
	if !v.flagsOf(&v.leaf.def, span, v.leaf.spec.maxDef) {
		return nil, 0, errLevels
	}
	values = v.rank(span)
	if cap(v.places) < len(sel) {
		v.places = make([]int32, max(len(sel), 64))
	}
	at, n := v.places[:len(sel)], 0
	set, ranks := v.set[:len(v.ranks)], v.ranks
	for i, row := range sel {
		// No branch: where nulls are follows no pattern.
		b := int(row - sel[0])
		x, b63 := set[b>>6], uint(b)&63
		there := uint32(x >> b63 & 1)
		dst[i] = there - 1
		at[n] = ranks[b>>6] + int32(bits.OnesCount64(x&(1<<b63-1)))
		n += int(there)
	}
	return at[:n], values, nil
}
