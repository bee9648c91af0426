package colscan

import (
	"encoding/binary"
)

// value is one value of a leaf: bytes for strings, INT96 and fixed-length
// fields, else the bits of a number.
type value struct {
	bytes []byte
	bits  uint64
	def   uint32 // definition level
	entry int32  // index in the dictionary, -1 when not from it
	null  bool
}

// dictionary is the decoded dictionary of a chunk.
type dictionary struct {
	present bool
	mem     []byte // owned
	literal bool   // the last one was one Snappy literal
	data    []byte
	offsets []uint32 // of variable-length entries: where their length stands
	width   int
	n       int
}

// build indexes data, which holds n plain values.
func (d *dictionary) build(s *leafSpec, data []byte, n int) error {
	d.data, d.width, d.n, d.offsets = data, s.width(), n, d.offsets[:0]
	switch {
	case s.phys == physBool:
		return corrupt("dictionary of booleans")
	case d.width > 0:
		if n > len(data)/d.width {
			return corrupt("dictionary of %d entries in %d bytes", n, len(data))
		}
	default:
		if n > len(data)/4 {
			return corrupt("dictionary of %d entries in %d bytes", n, len(data))
		}
		rest := data
		for range n {
			d.offsets = append(d.offsets, uint32(len(data)-len(rest)))
			var err error
			if _, rest, err = lengthPrefixed(rest); err != nil {
				return err
			}
		}
	}
	d.present = true
	return nil
}

func (d *dictionary) get(s *leafSpec, i uint32, out *value) error {
	if uint64(i) >= uint64(d.n) {
		return corrupt("dictionary index %d of %d", i, d.n)
	}
	out.entry = int32(i)
	if d.width > 0 {
		setFixed(s, d.data[int(i)*d.width:], out)
		return nil
	}
	b := d.data[d.offsets[i]:]
	out.bytes = b[4 : 4+binary.LittleEndian.Uint32(b)]
	return nil
}

// setFixed sets out from a plain value of fixed width at the front of b.
func setFixed(s *leafSpec, b []byte, out *value) {
	switch s.phys {
	case physInt32:
		v := binary.LittleEndian.Uint32(b)
		out.bits = uint64(int64(int32(v)))
		if s.unsigned {
			out.bits = uint64(v)
		}
	case physFloat:
		out.bits = uint64(binary.LittleEndian.Uint32(b))
	case physInt64, physDouble:
		out.bits = binary.LittleEndian.Uint64(b)
	default:
		out.bytes = b[:s.width():s.width()]
	}
}

// lengthPrefixed cuts a value off b that is preceded by its length.
func lengthPrefixed(b []byte) (v, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, corrupt("length cut short")
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, corrupt("%d bytes promised where %d remain", n, len(b)-4)
	}
	return b[4 : 4+n], b[4+n:], nil
}

// values decodes the values of a data page one at a time, nulls left out.
type values struct {
	spec     *leafSpec
	encoding int32
	data     []byte
	bit      int // of plain booleans
	runs     hybrid
	dict     *dictionary
	ints     delta // values, lengths or prefix lengths
	suffixes delta
	prev     []byte // last value in DELTA_BYTE_ARRAY form; owned
}

func (v *values) reset(s *leafSpec, encoding int32, data []byte, dict *dictionary) error {
	v.spec, v.encoding, v.data, v.bit, v.dict, v.prev = s, encoding, data, 0, dict, v.prev[:0]
	bytes := s.phys == physBytes
	switch {
	case encoding == encPlain:
		return nil
	case encoding == encPlainDictionary || encoding == encRLEDictionary:
		v.encoding = encRLEDictionary
		if !dict.present {
			return corrupt("dictionary page is missing")
		}
		if len(data) == 0 { // only nulls
			v.runs.reset(nil, 0)
			return nil
		}
		if data[0] > 32 {
			return corrupt("dictionary indexes of %d bits", data[0])
		}
		v.runs.reset(data[1:], uint(data[0]))
		return nil
	case encoding == encRLE && s.phys == physBool:
		runs, _, err := lengthPrefixed(data)
		v.runs.reset(runs, 1)
		return err
	case len(data) == 0 && encoding >= encDeltaPacked && encoding <= encDeltaBytes:
		v.ints, v.suffixes = delta{}, delta{} // only nulls
		return nil
	case encoding == encDeltaPacked && (s.phys == physInt32 || s.phys == physInt64):
		return v.ints.reset(data)
	case encoding == encDeltaLength && bytes:
		if err := v.ints.reset(data); err != nil {
			return err
		}
		var err error
		v.data, err = v.ints.end()
		return err
	case encoding == encDeltaBytes && (bytes || s.phys == physFixed):
		if err := v.ints.reset(data); err != nil {
			return err
		}
		rest, err := v.ints.end()
		if err != nil {
			return err
		}
		if err := v.suffixes.reset(rest); err != nil {
			return err
		}
		v.data, err = v.suffixes.end()
		return err
	}
	return corrupt("values of encoding %s are not supported", encodingName(encoding))
}

// next decodes the next value.
func (v *values) next(out *value) error {
	out.entry = -1
	switch v.encoding {
	case encRLEDictionary:
		i, ok := v.runs.next()
		if !ok {
			return corrupt("fewer values than the page promises")
		}
		return v.dict.get(v.spec, i, out)
	case encPlain:
		return v.nextPlain(out)
	case encRLE:
		b, ok := v.runs.next()
		if !ok {
			return corrupt("fewer values than the page promises")
		}
		out.bits = uint64(b)
		return nil
	case encDeltaPacked:
		n, err := v.ints.next()
		out.bits = uint64(n)
		if v.spec.phys == physInt32 { // arithmetic of 32 bits
			out.bits = uint64(int64(int32(n)))
			if v.spec.unsigned {
				out.bits = uint64(uint32(n))
			}
		}
		return err
	case encDeltaLength:
		n, err := v.ints.next()
		if err != nil {
			return err
		}
		out.bytes, err = v.cut(n)
		return err
	default: // encDeltaBytes
		return v.nextShared(out)
	}
}

func (v *values) nextPlain(out *value) error {
	if w := v.spec.width(); w > 0 {
		b, err := v.cut(int64(w))
		if err != nil {
			return err
		}
		setFixed(v.spec, b, out)
		return nil
	}
	if v.spec.phys == physBool {
		if v.bit>>3 >= len(v.data) {
			return corrupt("fewer values than the page promises")
		}
		out.bits = bitsAt(v.data, v.bit, 1)
		v.bit++
		return nil
	}
	var err error
	out.bytes, v.data, err = lengthPrefixed(v.data)
	return err
}

// nextShared decodes a value that shares a prefix with the one before it.
func (v *values) nextShared(out *value) error {
	prefix, err := v.ints.next()
	if err != nil {
		return err
	}
	n, err := v.suffixes.next()
	if err != nil {
		return err
	}
	suffix, err := v.cut(n)
	if err != nil {
		return err
	}
	if prefix < 0 || prefix > int64(len(v.prev)) {
		return corrupt("prefix of %d bytes of a value of %d", prefix, len(v.prev))
	}
	v.prev = append(v.prev[:prefix], suffix...)
	if v.spec.phys == physFixed && len(v.prev) != v.spec.length {
		return corrupt("value of %d bytes in a field of %d", len(v.prev), v.spec.length)
	}
	out.bytes = v.prev
	return nil
}

// cut takes n bytes off the data.
func (v *values) cut(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(v.data)) {
		return nil, corrupt("%d bytes promised where %d remain", n, len(v.data))
	}
	b := v.data[:n]
	v.data = v.data[n:]
	return b, nil
}

// skip passes n values.
func (v *values) skip(n int) error {
	switch {
	case n == 0:
		return nil
	case v.encoding == encRLEDictionary || v.encoding == encRLE:
		if !v.runs.pass(n) {
			return corrupt("fewer values than the page promises")
		}
		return nil
	case v.encoding == encPlain && v.spec.width() > 0:
		_, err := v.cut(int64(n) * int64(v.spec.width()))
		return err
	case v.encoding == encPlain && v.spec.phys == physBool:
		v.bit += n
		return nil
	}
	var drop value
	for range n {
		if err := v.next(&drop); err != nil {
			return err
		}
	}
	return nil
}
