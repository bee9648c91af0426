package colscan

import "encoding/binary"

// A mapShape is a sequence of keys. A report has few of them: each product
// has its attributes, written in the same order in all its rows. So the keys of a row
// are not looked at one by one: the bits they are written with are looked up, and
// say where among the row's values those asked for are.
type mapShape struct {
	keys     int32
	wants    bool // a key is asked for
	prefixes uint64
}

// mapShapes are the shapes that were met in a chunk. The zero value is ready.
type mapShapes struct {
	dict  uint64
	width uint // of a key
	per   int  // keys to a word
	table []shapeSlot
	list  []mapShape // the first stands for no shape, the second is that of no key
	// Where each wanted key is: by wanted key, and by shape.
	places [][]uint32
}

// shapeSlot holds a shape by what it adds to another: so many keys as fit a word, and
// their number in the word's high byte. Long sequences are chains.
type shapeSlot struct {
	word  uint64
	of    uint32
	shape uint32 // 0 when the slot is empty
}

const (
	shapeBits  = 56      // of a word that hold keys
	shapeTable = 12      // bits of a slot's number
	maxShapes  = 1 << 11 // that are remembered
	noPlace    = 1 << 31 // of a key that the shape lacks
)

// begin makes the shapes those of a chunk's dictionary, at the width of its indexes,
// and forgets them when they have become too many.
func (s *mapShapes) begin(dict uint64, width uint, wanted int) {
	if s.dict == dict && s.width == width && len(s.list) < maxShapes {
		return
	}
	s.dict, s.width, s.per = dict, width, 1
	if width > 0 {
		s.per = max(1, int(shapeBits/width))
	}
	if s.table == nil {
		s.table = make([]shapeSlot, 1<<shapeTable)
	}
	clear(s.table)
	s.table[s.slot(0, 0)].shape = 1
	if len(s.places) != wanted {
		s.places = make([][]uint32, wanted)
	}
	s.list = append(s.list[:0], mapShape{}, mapShape{})
	for w := range s.places {
		s.places[w] = append(s.places[w][:0], noPlace, noPlace)
	}
}

// slot returns where a shape is, if it is not in a slot after it.
func (s *mapShapes) slot(of uint32, word uint64) uint64 {
	return (word ^ uint64(of)<<32) * 0x9e3779b97f4a7c15 >> (64 - shapeTable)
}

// batch takes rows from those found, which are the i-th loaded and those after it, and
// returns how many: as many as are written in one run of keys and one of values.
func (m *MapVector) batch(i, at, end int) int {
	k, v, s := &m.keys, &m.values, &m.shapes
	if m.to[end-1] == int32(k.n) {
		end-- // it may go on
	}
	if at == end {
		return 0
	}
	from, to := m.from[at:end], m.to[at:end]
	first := k.before(int(from[0]))
	if first == k.total {
		return end - at // no more keys
	}
	keys, ok := k.packed(first)
	if !ok {
		return 0
	}
	s.begin(k.v.id, k.v.leaf.vals.runs.width, len(m.wanted))
	per := s.per
	if keys.step == 0 {
		per = 1
	}
	keyFrom, keyTo := from, to
	if !k.whole() {
		keyFrom, keyTo = m.keyFrom[:len(from)], m.keyTo[:len(from)]
		for j := range from {
			keyFrom[j], keyTo[j] = int32(k.before(int(from[j]))), int32(k.before(int(to[j])))
		}
	}
	// Where values were not asked for they are not decompressed either.
	valueFrom, valueTo, values := from, to, packedRun{}
	if ahead := int32(k.from - v.from); int(from[0]+ahead) < v.n {
		if values, ok = v.packed(v.before(int(from[0] + ahead))); !ok {
			values = packedRun{}
		} else if v.whole() {
			values.base += int(ahead) * values.step
			values.end -= ahead
		} else {
			valueFrom, valueTo = m.valuesOf(from, to, ahead)
		}
	}
	n := 0
	for ; n < len(from); n++ {
		kf, kt := keyFrom[n], keyTo[n]
		if max(kf+1, kt) > keys.end {
			break
		}
		bit, id := keys.base+int(kf)*keys.step, uint32(0)
		for left := int(kt - kf); ; left -= per {
			size := min(left, per)
			word := binary.LittleEndian.Uint64(keys.bytes[bit>>3:])>>(bit&7)&lowBits(size*int(s.width)) | uint64(size)<<shapeBits
			if slot := &s.table[s.slot(id, word)]; slot.word == word && slot.of == id {
				id = slot.shape
			} else {
				id = m.shape(id, word)
			}
			if bit += size * keys.step; left <= per || id == 0 {
				break
			}
		}
		if id == 0 {
			break
		}
		m.shapeOf[n], m.bitOf[n] = id, int32(values.base+int(valueFrom[n])*values.step)
		if max(valueFrom[n]+1, valueTo[n]) > values.end {
			if m.bitOf[n] = 0; s.list[id].wants {
				break
			}
		} else if valueTo[n]-valueFrom[n] != kt-kf && s.list[id].wants {
			break
		}
	}
	if values.end > 0 {
		m.pick(values, i, n)
	}
	return n
}

// valuesOf returns where the values of rows are in the values' window.
func (m *MapVector) valuesOf(from, to []int32, ahead int32) (valueFrom, valueTo []int32) {
	v := &m.values
	valueFrom, valueTo = m.valueFrom[:len(from)], m.valueTo[:len(from)]
	for j := range from {
		if int(to[j]+ahead) > v.n {
			for ; j < len(from); j++ {
				valueFrom[j], valueTo[j] = mapWindow, mapWindow
			}
			break
		}
		valueFrom[j], valueTo[j] = int32(v.before(int(from[j]+ahead))), int32(v.before(int(to[j]+ahead)))
	}
	return valueFrom, valueTo
}

// pick picks the values of n rows of a batch.
func (m *MapVector) pick(values packedRun, i, n int) {
	top := m.top
	shapes, bits := m.shapeOf[:n], m.bitOf[:n]
	for _, w := range m.met {
		places, refs := m.shapes.places[w], m.out[w].refs[i:][:n]
		for j, id := range shapes {
			p := places[id]
			at := int(bits[j]) + int(p&^noPlace)*values.step
			ref := uint32(binary.LittleEndian.Uint64(values.bytes[at>>3:])>>(at&7)) & values.mask
			top = max(top, ref)
			refs[j] = ref | uint32(int32(p)>>31)
		}
	}
	m.top = top
	if len(m.prefixes) > 0 {
		for j, id := range shapes {
			m.holds[i+j] = m.shapes.list[id].prefixes
		}
	}
}

// shape returns the shape that a word of keys makes of another; 0 when it has to be read
// key by key.
func (m *MapVector) shape(of uint32, word uint64) uint32 {
	s := &m.shapes
	at := s.slot(of, word)
	for ; s.table[at].shape > 0; at = (at + 1) % (1 << shapeTable) {
		if slot := &s.table[at]; slot.word == word && slot.of == of {
			return slot.shape
		}
	}
	if len(s.list) > maxShapes {
		return 0
	}
	shape, id := s.list[of], uint32(len(s.list))
	for w := range s.places {
		s.places[w] = append(s.places[w], s.places[w][of])
	}
	for j := range word >> shapeBits {
		ref := uint32(word >> (j * uint64(s.width)) & lowBits(int(s.width)))
		class, err := m.classOfRef(ref)
		w := class.want
		if err != nil || w >= 0 && s.places[w][id] != noPlace {
			for w := range s.places {
				s.places[w] = s.places[w][:id]
			}
			return 0 // and who decodes it says why
		}
		shape.prefixes |= class.prefixes
		shape.wants = shape.wants || class.prefixes > 0 || w >= 0
		if w >= 0 {
			m.note(w)
			s.places[w][id] = uint32(shape.keys)
		}
		shape.keys++
	}
	s.list = append(s.list, shape)
	s.table[at] = shapeSlot{word, of, id}
	return id
}
