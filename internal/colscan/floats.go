package colscan

import (
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
	data := c.dict.data
	if !c.dict.present {
		data = nil
	}
	for i := range dst {
		p := i
		if pos != nil {
			p = int(pos[i])
		}
		ref := c.refs[p]
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
