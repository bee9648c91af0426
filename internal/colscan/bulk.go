package colscan

import "encoding/binary"

// This file holds the decoding of many values at once. It reads the same
// streams as next and skip do, and may be mixed with them.

// pass passes n values without looking at them.
func (h *hybrid) pass(n int) bool {
	for n > 0 {
		if h.left == 0 && !h.run() {
			return false
		}
		k := min(n, h.left)
		n -= k
		h.left -= k
		if !h.repeat {
			h.bit += k * int(h.width)
		}
	}
	return true
}

// constant consumes n values when all of them lie in one repeating run.
func (h *hybrid) constant(n int) (v uint32, ok bool) {
	if h.left == 0 && !h.run() || !h.repeat || h.left < n {
		return 0, false
	}
	h.left -= n
	return h.value, true
}

// fill decodes as many values as dst takes. No value is greater than all, which
// is the values' bits together.
func (h *hybrid) fill(dst []uint32) (all uint32, ok bool) {
	for len(dst) > 0 {
		if h.left == 0 && !h.run() {
			return 0, false
		}
		k := min(len(dst), h.left)
		out := dst[:k]
		dst = dst[k:]
		h.left -= k
		if h.repeat {
			for i := range out {
				out[i] = h.value
			}
			all |= h.value
			continue
		}
		all |= unpack(out, h.packed, h.bit, h.width)
		h.bit += k * int(h.width)
	}
	return all, true
}

// unpack decodes bit-packed values from bit position pos on, and returns their
// bits together. What lies beyond the end reads as zero.
func unpack(dst []uint32, packed []byte, pos int, width uint) (all uint32) {
	mask := uint64(1)<<width - 1
	i := 0
	switch {
	case width <= 7: // eight values and up to seven bits before them fit a word
		w := width & 63
		for ; i+8 <= len(dst) && pos>>3+8 <= len(packed); i += 8 {
			x := binary.LittleEndian.Uint64(packed[pos>>3:]) >> (pos & 7)
			out := dst[i : i+8 : i+8]
			a, b := uint32(x&mask), uint32(x>>w&mask)
			c, d := uint32(x>>(2*w)&mask), uint32(x>>(3*w)&mask)
			out[0], out[1], out[2], out[3] = a, b, c, d
			x >>= 4 * w
			e, f := uint32(x&mask), uint32(x>>w&mask)
			g, h := uint32(x>>(2*w)&mask), uint32(x>>(3*w)&mask)
			out[4], out[5], out[6], out[7] = e, f, g, h
			all |= a | b | c | d | e | f | g | h
			pos += 8 * int(width)
		}
	case width <= 14:
		w := width & 63
		for ; i+4 <= len(dst) && pos>>3+8 <= len(packed); i += 4 {
			x := binary.LittleEndian.Uint64(packed[pos>>3:]) >> (pos & 7)
			out := dst[i : i+4 : i+4]
			a, b := uint32(x&mask), uint32(x>>w&mask)
			c, d := uint32(x>>(2*w)&mask), uint32(x>>(3*w)&mask)
			out[0], out[1], out[2], out[3] = a, b, c, d
			all |= a | b | c | d
			pos += 4 * int(width)
		}
	}
	for ; i < len(dst) && pos>>3+8 <= len(packed); i++ {
		v := uint32(binary.LittleEndian.Uint64(packed[pos>>3:]) >> (pos & 7) & mask)
		dst[i] = v
		all |= v
		pos += int(width)
	}
	for ; i < len(dst); i++ {
		v := uint32(bitsAt(packed, pos, width))
		dst[i] = v
		all |= v
		pos += int(width)
	}
	return all
}

// equal consumes n values, 64 at most, and returns one bit for each: whether
// it equals match. ok is false when the data ends or a value is greater: levels
// have match as their greatest value.
func (h *hybrid) equal(n int, match uint32) (set uint64, ok bool) {
	for done := 0; done < n; {
		if h.left == 0 && !h.run() {
			return 0, false
		}
		k := min(n-done, h.left)
		h.left -= k
		switch {
		case h.repeat && h.value > match:
			return 0, false
		case h.repeat:
			if h.value == match {
				set |= lowBits(k) << done
			}
		case h.width == 1 && match == 1:
			set |= bitsAt(h.packed, h.bit, uint(k)) << done
			h.bit += k
		case h.width == 2:
			k0 := min(k, 32)
			even := pairsEqual(bitsAt(h.packed, h.bit, uint(2*k0)), match)
			if k > k0 {
				even |= pairsEqual(bitsAt(h.packed, h.bit+64, uint(2*(k-k0))), match) << 32
			}
			set |= even & lowBits(k) << done
			h.bit += 2 * k
		default:
			for i := range k {
				v := uint32(bitsAt(h.packed, h.bit, h.width))
				if v > match {
					return 0, false
				}
				if v == match {
					set |= 1 << (done + i)
				}
				h.bit += int(h.width)
			}
		}
		done += k
	}
	return set, true
}

func lowBits(n int) uint64 { return 1<<n - 1 } // a shift by 64 gives 0 in Go

// pairsEqual returns one bit for each pair of bits of x that equals match.
func pairsEqual(x uint64, match uint32) uint64 {
	const even = 0x5555555555555555
	pattern := uint64(match&1)*even | uint64(match>>1&1)*(even<<1)
	y := ^(x ^ pattern)
	y &= y >> 1 & even
	// Gather the even bits.
	y = (y | y>>1) & 0x3333333333333333
	y = (y | y>>2) & 0x0f0f0f0f0f0f0f0f
	y = (y | y>>4) & 0x00ff00ff00ff00ff
	y = (y | y>>8) & 0x0000ffff0000ffff
	return (y | y>>16) & 0x00000000ffffffff
}

// What a reference stands for: an entry of the dictionary, a value of its own,
// or null.
const (
	refOwn  = 1 << 31
	refNull = 1<<32 - 1
)

// take decodes the next len(dst) values of the page, nulls left out, to
// references.
func (v *Vector) take(dst []uint32) error {
	vals := &v.leaf.vals
	switch {
	case len(dst) == 0:
		return nil
	case vals.encoding == encRLEDictionary:
		if c, ok := vals.runs.constant(len(dst)); ok {
			if uint64(c) >= uint64(vals.dict.n) {
				return corrupt("dictionary index %d of %d", c, vals.dict.n)
			}
			for i := range dst {
				dst[i] = c
			}
			v.note(c)
			return nil
		}
		all, ok := vals.runs.fill(dst)
		if !ok {
			return corrupt("fewer values than the page promises")
		}
		v.mixed()
		return vals.dict.check(dst, all)
	case vals.encoding == encPlain && vals.spec.width() == 8 && !vals.spec.textual():
		v.mixed()
		v.owns = true
		b, err := vals.cut(int64(8 * len(dst)))
		if err != nil {
			return err
		}
		for i := range dst {
			dst[i] = refOwn | uint32(len(v.bits))
			v.bits = append(v.bits, binary.LittleEndian.Uint64(b[8*i:]))
		}
		return nil
	}
	v.mixed()
	var one value
	for i := range dst {
		if err := vals.next(&one); err != nil {
			return err
		}
		dst[i] = v.own(&one)
	}
	return nil
}

// check checks indexes, whose bits together are all.
func (d *dictionary) check(refs []uint32, all uint32) error {
	if uint64(all) < uint64(d.n) {
		return nil
	}
	for _, ref := range refs {
		if uint64(ref) >= uint64(d.n) {
			return corrupt("dictionary index %d of %d", ref, d.n)
		}
	}
	return nil
}

// own keeps a value that is in no dictionary until the next Load.
func (v *Vector) own(one *value) uint32 {
	v.owns = true
	if !v.spec.textual() {
		v.bits = append(v.bits, one.bits)
		return refOwn | uint32(len(v.bits)-1)
	}
	from := len(v.arena)
	v.arena = append(v.arena, one.bytes...)
	v.texts = append(v.texts, v.arena[from:len(v.arena):len(v.arena)])
	return refOwn | uint32(len(v.texts)-1)
}

// uniform passes the next span entries of the page, sets dst to them and
// reports true when all of them are null or one entry of the dictionary, and
// that shows in the runs. Many columns of a report are so for pages on end.
func (v *Vector) uniform(span int, dst []uint32) bool {
	l := &v.leaf
	ref := uint32(refNull)
	if l.spec.maxDef > 0 && (l.def.left == 0 && !l.def.run() || !l.def.repeat || l.def.left < span || l.def.value > l.spec.maxDef) {
		return false
	}
	if l.spec.maxDef == 0 || l.def.value == l.spec.maxDef {
		if l.vals.encoding != encRLEDictionary {
			return false
		}
		c, ok := l.vals.runs.constant(span)
		if !ok {
			return false
		}
		if ref = c; uint64(c) >= uint64(l.vals.dict.n) {
			// Put back, for the decoder that reports it.
			l.vals.runs.left += span
			return false
		}
	}
	if l.spec.maxDef > 0 {
		l.def.left -= span
	}
	l.next += int64(span)
	l.left -= span
	for i := range dst {
		dst[i] = ref
	}
	v.note(ref)
	return true
}

// dense decodes the next len(dst) entries of the page.
func (v *Vector) dense(dst []uint32) error {
	l := &v.leaf
	l.next += int64(len(dst))
	l.left -= len(dst)
	if l.spec.maxDef == 0 {
		return v.take(dst)
	}
	for len(dst) > 0 {
		if l.def.left == 0 && !l.def.run() {
			return errLevels
		}
		k := min(len(dst), l.def.left)
		var err error
		switch {
		case !l.def.repeat:
			k = min(k, mostSpread)
			err = v.spread(dst[:k])
		case l.def.value > l.spec.maxDef:
			return errLevels
		case l.def.value == l.spec.maxDef:
			l.def.left -= k
			err = v.take(dst[:k])
		default:
			l.def.left -= k
			v.nulls(dst[:k])
		}
		if err != nil {
			return err
		}
		dst = dst[k:]
	}
	return nil
}

func (v *Vector) nulls(dst []uint32) {
	for i := range dst {
		dst[i] = refNull
	}
	v.note(refNull)
}

// mostSpread is how many entries are spread at once.
const mostSpread = 4096

// spread decodes entries of which some may be null.
func (v *Vector) spread(dst []uint32) error {
	if !v.flagsOf(&v.leaf.def, len(dst), v.leaf.spec.maxDef) {
		return errLevels
	}
	n := v.rank(len(dst))
	switch n {
	case len(dst):
		return v.take(dst)
	case 0:
		v.nulls(dst)
		return nil
	}
	v.mixed()
	if cap(v.scratch) < n+1 {
		v.scratch = make([]uint32, len(dst))
	}
	refs := v.scratch[:n+1] // one more, which stands where the next value would
	if err := v.take(refs[:n]); err != nil {
		return err
	}
	next := 0
	for at := 0; at < len(dst); at += 64 {
		set := v.set[at>>6]
		out := dst[at:min(at+64, len(dst))]
		for i := range out {
			// No branch: where nulls are follows no pattern.
			there := uint32(set >> i & 1)
			out[i] = refs[next] | (there - 1)
			next += int(there)
		}
	}
	return nil
}
