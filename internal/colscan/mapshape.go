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
	table *[1 << shapeTable]shapeSlot
	list  []mapShape // the first stands for no shape, the second is that of no key
	// Where each wanted key's value is among a row's: by wanted key, and by shape; in bits
	// of which each value takes so many.
	places [][]uint32
	step   int
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
	s.dict, s.width, s.per, s.step = dict, width, 1, 1
	if width > 0 {
		s.per = max(1, int(shapeBits/width))
	}
	if s.table == nil {
		s.table = new([1 << shapeTable]shapeSlot)
	}
	clear(s.table[:])
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

// scale makes values take step bits.
func (s *mapShapes) scale(step int) {
	if step == s.step {
		return
	}
	for _, places := range s.places {
		for i, p := range places {
			if p != noPlace {
				places[i] = p / uint32(s.step) * uint32(step)
			}
		}
	}
	s.step = step
}

// batch takes the rows found from the at-th to the end-th, of which the first is loaded
// row i, and returns how many: as many as are written in one run of keys and one of
// values.
func (m *MapVector) batch(i, at, end int) int {
	k, v, s := &m.keys, &m.values, &m.shapes
	if m.entries[end-1].to == int32(k.n) {
		end-- // it may go on
	}
	if at == end {
		return 0
	}
	found, keysAt := m.entries[at:end], m.entries[at:end]
	if !k.whole() {
		keysAt = m.keysAt[at:end]
	}
	from := int(found[0].from)
	first := k.before(from)
	if first == k.total {
		return len(found) // no more keys
	}
	keys, ok := k.packed(first)
	if !ok {
		return 0
	}
	s.begin(k.v.id, k.v.leaf.vals.runs.width, len(m.wanted))
	per, width, table := s.per, int(s.width), s.table
	if keys.step == 0 {
		per = 1
	}
	found = found[:keys.covers(keysAt)]
	// Where values were not asked for they are not decompressed either.
	var values packedRun
	valuesAt := found
	if ahead := int(k.from - v.from); from+ahead < v.n {
		if values, ok = v.packed(v.before(from + ahead)); !ok {
			values = packedRun{}
		} else if v.whole() {
			values.base += ahead * values.step
			values.end -= int32(ahead)
		} else {
			valuesAt = m.valuesAt[:len(found)]
			v.count(valuesAt, found, ahead)
		}
	}
	rows, n, covered := m.rows[:len(found)], 0, values.covers(valuesAt)
	keysAt, valuesAt = keysAt[:len(rows)], valuesAt[:len(rows)]
	for ; n < len(rows); n++ {
		kf, kt := keysAt[n].from, keysAt[n].to
		bit, id := uint(keys.base+int(kf)*keys.step), uint32(0)
		for left := int(kt - kf); ; left -= per {
			size := min(left, per)
			word := binary.LittleEndian.Uint64(keys.bytes[bit>>3:bit>>3+8]) >> (bit & 7)
			word = word&(1<<(size*width&63)-1) | uint64(size)<<shapeBits
			if slot := &table[s.slot(id, word)]; slot.word == word && slot.of == id {
				id = slot.shape
			} else {
				id = m.shape(id, word)
			}
			if bit += uint(size * keys.step); left <= per || id == 0 {
				break
			}
		}
		if id == 0 {
			break
		}
		vf, vt := valuesAt[n].from, valuesAt[n].to
		rows[n] = uint64(id)<<32 | uint64(uint32(values.base+int(vf)*values.step))
		if n >= covered {
			if rows[n] = uint64(id) << 32; s.list[id].wants {
				break
			}
		} else if vt-vf != kt-kf && s.list[id].wants {
			break
		}
	}
	if values.end > 0 {
		m.pick(values, i, rows[:n])
	}
	return n
}

// count sets at to how many values come before the begins and ends of rows, of which the
// window has the entries ahead further on.
func (s *mapSide) count(at, rows []span, ahead int) {
	for i, row := range rows {
		from, to := int(row.from)+ahead, int(row.to)+ahead
		at[i] = span{mapWindow + 1, mapWindow + 1} // out of reach
		if from <= s.n {
			at[i].from = int32(s.before(from))
		}
		if to <= s.n {
			at[i].to = int32(s.before(to))
		}
	}
}

// pick picks the values of the rows of a batch.
func (m *MapVector) pick(values packedRun, i int, rows []uint64) {
	if values.step > 0 {
		m.shapes.scale(values.step)
	}
	for _, w := range m.met {
		refs, places := m.out[w].refs[i:][:len(rows)], m.shapes.places[w]
		if values.step > 0 {
			m.top = max(m.top, pickRefs(refs, rows, places, values.bytes, values.mask))
			continue
		}
		m.top = max(m.top, values.one)
		for j, row := range rows {
			refs[j] = values.one | uint32(int32(places[row>>32])>>31)
		}
	}
	if len(m.prefixes) > 0 {
		for j, row := range rows {
			m.holds[i+j] = m.shapes.list[row>>32].prefixes
		}
	}
}

// pickRefs picks one value of each row, and returns the greatest. A row is its shape, and
// the bit where its values begin.
func pickRefs(refs []uint32, rows []uint64, places []uint32, packed []byte, mask uint32) (top uint32) {
	refs = refs[:len(rows)]
	for j, row := range rows {
		p := places[row>>32]
		bit := uint32(row) + p&^noPlace
		at := uint(bit >> 3)
		// No branch: which rows lack the key follows no pattern.
		ref := uint32(binary.LittleEndian.Uint64(packed[at:at+8])>>(bit&7)) & mask
		top = max(top, ref)
		refs[j] = ref | uint32(int32(p)>>31)
	}
	return top
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
			s.places[w][id] = uint32(int(shape.keys) * s.step)
		}
		shape.keys++
	}
	s.list = append(s.list, shape)
	s.table[at] = shapeSlot{word, of, id}
	return id
}
