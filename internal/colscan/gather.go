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
	def, most := &v.leaf.def, v.leaf.spec.maxDef
	if cap(v.places) < len(sel) {
		v.places = make([]int32, max(len(sel), 64))
	}
	if most == 1 {
		return v.leaf.def.ordinals(sel, span, dst, v.places[:len(sel)])
	}
	at, n := v.places[:len(sel)], 0
	first, i := int(sel[0]), 0
	for pos := 0; pos < span; {
		if def.left == 0 && !def.run() {
			return nil, 0, errLevels
		}
		k := min(span-pos, def.left)
		if def.repeat {
			if def.value > most {
				return nil, 0, errLevels
			}
			if def.value < most {
				for ; i < len(sel) && int(sel[i])-first < pos+k; i++ {
					dst[i] = refNull
				}
			} else {
				for ; i < len(sel) && int(sel[i])-first < pos+k; i++ {
					dst[i] = 0
					at[n] = int32(values + int(sel[i]) - first - pos)
					n++
				}
				values += k
			}
			def.left -= k
		} else {
			k = min(k, 64)
			set, ok := def.equal(k, most)
			if !ok {
				return nil, 0, errLevels
			}
			for ; i < len(sel) && int(sel[i])-first < pos+k; i++ {
				// No branch: where nulls are follows no pattern.
				b := uint(int(sel[i])-first-pos) & 63
				there := uint32(set >> b & 1)
				dst[i] = there - 1
				at[n] = int32(values + bits.OnesCount64(set&(1<<b-1)))
				n += int(there)
			}
			values += bits.OnesCount64(set)
		}
		pos += k
	}
	return at[:n], values, nil
}

// ordinals is that of a Vector for levels of one bit: those of nearly all columns. Their
// runs are short where blank cells are scattered, so this is where a column with few
// asked rows spends its time.
func (h *hybrid) ordinals(sel []int32, span int, dst []uint32, at []int32) (places []int32, values int, err error) {
	first, i, n := int(sel[0]), 0, 0
	next := 0 // selected row to come, from the first
	data, packed, bit, left, repeat, value := h.data, h.packed, h.bit, h.left, h.repeat, h.value
	for pos := 0; pos < span; {
		if left == 0 {
			switch {
			case len(data) > 1 && data[0]&0x81 == 0:
				left, repeat, value, data = int(data[0]>>1), true, uint32(data[1]), data[2:]
			case len(data) > 1 && data[0]&0x81 == 1 && int(data[0]>>1) < len(data):
				size := int(data[0] >> 1)
				left, repeat, packed, bit, data = 8*size, false, data[1:], 0, data[1+size:]
			default:
				h.data, h.left = data, 0
				if !h.run() {
					return nil, 0, errLevels
				}
				data, packed, bit, left, repeat, value = h.data, h.packed, h.bit, h.left, h.repeat, h.value
			}
			continue // perhaps an empty run
		}
		k := min(span-pos, left)
		if repeat {
			if value > 1 {
				return nil, 0, errLevels
			}
			for ; next < pos+k; i++ {
				dst[i] = value - 1
				at[n] = int32(values + next - pos)
				n += int(value)
				if next = span; i+1 < len(sel) {
					next = int(sel[i+1]) - first
				}
			}
			values += k & -int(value)
		} else {
			k = min(k, 64)
			set := bitsAt(packed, bit, uint(k))
			for ; next < pos+k; i++ {
				// No branch: where nulls are follows no pattern.
				b := uint(next-pos) & 63
				there := uint32(set >> b & 1)
				dst[i] = there - 1
				at[n] = int32(values + bits.OnesCount64(set&(1<<b-1)))
				n += int(there)
				if next = span; i+1 < len(sel) {
					next = int(sel[i+1]) - first
				}
			}
			values += bits.OnesCount64(set)
			bit += k
		}
		left -= k
		pos += k
	}
	h.data, h.packed, h.bit, h.left, h.repeat, h.value = data, packed, bit, left, repeat, value
	return at[:n], values, nil
}
