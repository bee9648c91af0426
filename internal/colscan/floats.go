package colscan

import (
	"context"
	"encoding/binary"
	"math"
)

// Floats sets dst[i] to value pos[i] of c, or value i when pos is nil, and null[i]
// to whether there is none. It is Resolve for numbers that cost less to read again
// than to remember. ok is false when the column is none of DOUBLE; dst is then
// void.
func (c *Codes) Floats(pos []int32, dst []float64, null []bool) (ok bool) {
	if c.spec == nil || c.spec.kind != Double || c.spec.phys != physDouble {
		return false
	}
	if pos == nil {
		return c.floats(c.refs[:len(dst)], dst, null)
	}
	var refs [256]uint32
	for len(dst) > 0 {
		n := min(len(dst), len(refs))
		for i, p := range pos[:n] {
			refs[i] = c.refs[p]
		}
		if !c.floats(refs[:n], dst[:n], null[:n]) {
			return false
		}
		pos, dst, null = pos[n:], dst[n:], null[n:]
	}
	return true
}

// floats is Floats of references.
func (c *Codes) floats(refs []uint32, dst []float64, null []bool) (ok bool) {
	data := c.dict.data
	if !c.dict.present {
		data = nil
	}
	dst, null = dst[:len(refs)], null[:len(refs)]
	for i, ref := range refs {
		null[i] = false
		switch at := 8 * int(ref); {
		case ref == refNull:
			dst[i], null[i] = 0, true
		case ref&refOwn != 0:
			dst[i] = math.Float64frombits(c.bits[ref&^refOwn])
		case at+8 <= len(data) && int(ref) < c.dict.n:
			dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[at:]))
		default:
			return false
		}
	}
	return true
}

// LoadFloats is Load of the rows base+sel[0], base+sel[1], … and [Codes.Floats] of them
// all: dst and null have room for as many. Rows before base+n are not asked for again, so
// that pages which end there need no memory of their own. Where [Codes.Same] reports that all are one
// value, dst and null are void. ok is false when the column is none of DOUBLE; nothing
// was loaded then.
func (v *Vector) LoadFloats(ctx context.Context, base int64, sel []int32, n int, dst []float64, null []bool) (ok bool, err error) {
	defer v.guard(&err)
	if v.spec.kind != Double || v.spec.phys != physDouble {
		return false, nil
	}
	if v.begin(len(sel)); len(sel) == 0 {
		return true, nil
	}
	l := &v.leaf
	l.until = base + int64(n)
	defer func() {
		if l.until = 0; l.pages.once {
			l.next, l.left = l.next+int64(l.left), 0
		}
	}()
	for i := 0; i < len(sel); {
		if err := v.reach(ctx, base+int64(sel[i])); err != nil {
			return true, err
		}
		j := v.inPage(base, sel, i)
		span := int(sel[j-1]-sel[i]) + 1
		switch {
		case j-i == len(sel) && v.uniform(span, nil):
			return true, nil
		case l.vals.encoding == encPlain && (l.spec.maxDef == 0 || l.def.covers(span, l.spec.maxDef)):
			v.mixed()
			l.next += int64(span)
			l.left -= span
			b, err := l.vals.cut(int64(8 * span))
			if err != nil {
				return true, err
			}
			clear(null[i:j])
			for k, row := range sel[i:j] {
				dst[i+k] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*(row-sel[i]):]))
			}
		default:
			if err := v.pick(sel[i:j], v.refs[i:j]); err != nil {
				return true, err
			}
			if !v.floats(v.refs[i:j], dst[i:j], null[i:j]) {
				return true, corrupt("dictionary index is out of range")
			}
		}
		i = j
	}
	v.mixed()
	return true, nil
}
