package colscan

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
)

// A MapVector reads some keys of a map column, forwards only. What begins a row is
// found 64 entries at a time; keys are looked at in the rows asked for, and
// values where a key is asked for.
type MapVector struct {
	keys, values mapSide
	wanted       []string
	prefixes     []string
	class        Memo[keyClass]

	shapes mapShapes

	// Where rows begin in the window of the keys.
	starts [mapWindow / 64]uint64
	word   int   // of starts, that find has come to
	row    int64 // the first that begins in it, or behind it

	// The first entries of the window's rows, those asked for, and of the rows after them;
	// as numbers of keys and of values, where not all entries have one. Rows of a batch
	// are numbers of shapes, and the bits where their values begin.
	begins   [mapWindow + 1]int32
	begun    int64 // the first row that begins in the window
	origin   int32 // its place in what is loaded
	keysAt   [mapWindow + 1]int32
	valuesAt [mapWindow + 1]int32
	rows     [mapWindow]uint64

	met   []int   // the wanted keys that occurred in the chunk
	top   uint32  // the greatest reference taken from runs in this Load, or more
	out   []Codes // by wanted key
	holds []uint64
}

// keyClass says what a key is: one of the wanted, or the begin of wanted
// prefixes, or nothing.
type keyClass struct {
	want     int
	prefixes uint64
}

// Map opens a map column for the given keys and, for [MapVector.Holds], key
// prefixes, 64 at most. A column may be opened once in a row group. The error
// matches ErrKind when the column is no map.
func (s *Scanner) Map(col int, wanted, prefixes []string) (*MapVector, error) {
	c := &s.f.columns[col]
	fail := func(err error) (*MapVector, error) {
		return nil, &Error{Column: c.Name, Index: col, RowGroup: s.group, Page: -1, Err: err}
	}
	if c.shape != shapeMap || c.leaves[0].maxDef != c.outerDef+1 {
		return fail(fmt.Errorf("%w: it is a %v column", ErrKind, c.Kind))
	}
	if len(prefixes) > 64 {
		return fail(fmt.Errorf("%w: %d prefixes", ErrKind, len(prefixes)))
	}
	m := new(MapVector)
	if n := len(s.spare); n > 0 {
		m, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	m.wanted, m.prefixes, m.met = wanted, prefixes, m.met[:0]
	m.keys.open(s.vector(col, &c.leaves[0], 0))
	m.values.open(s.vector(col, &c.leaves[1], 0))
	m.word, m.row = 0, 0
	if len(m.out) != len(wanted) {
		m.out = make([]Codes, len(wanted))
	}
	s.maps = append(s.maps, m)
	return m, nil
}

func (m *MapVector) classOf(v *Value) (c keyClass, err error) {
	b, err := v.Text()
	if err != nil {
		return c, err
	}
	c.want = -1
	for i, w := range m.wanted {
		if string(b) == w {
			c.want = i
		}
	}
	for i, p := range m.prefixes {
		if strings.HasPrefix(string(b), p) {
			c.prefixes |= 1 << i
		}
	}
	return c, nil
}

// Key returns the values of a wanted key in the rows loaded, null where a row
// has none.
func (m *MapVector) Key(i int) *Codes { return &m.out[i] }

// Holds reports whether loaded row i has a key with one of the prefixes and a
// value that is not null.
func (m *MapVector) Holds(i, prefix int) bool { return m.holds[i]>>prefix&1 != 0 }

// Load decodes the rows base+sel[0], base+sel[1], …, which must ascend and lie
// behind those loaded before.
//
// A key that a row has twice is an error, for whichever value won, the other
// would be lost in silence.
func (m *MapVector) Load(ctx context.Context, base int64, sel []int32) (err error) {
	defer m.keys.v.guard(&err)
	m.values.v.begin(0)
	m.top = 0
	if len(m.prefixes) > 0 {
		m.holds = slices.Grow(m.holds[:0], len(sel))[:len(sel)]
		clear(m.holds)
	}
	for k := range m.out {
		m.out[k].begin(len(sel))
		nullRefs(m.out[k].refs)
	}
	for i := 0; i < len(sel); {
		n, err := m.find(ctx, base, sel[i:])
		if err != nil {
			return err
		}
		for at := 0; at < n; {
			k := m.batch(i, sel[i:i+n-at])
			if i, at = i+k, at+k; k == 0 {
				if err := m.slow(ctx, i, sel[i]-m.origin); err != nil {
					return err
				}
				i, at = i+1, at+1
			}
		}
	}
	return m.finish()
}

func nullRefs(refs []uint32) {
	if len(refs) > 0 {
		refs[0] = refNull
	}
	for n := 1; n < len(refs); n *= 2 {
		copy(refs[n:], refs[:n])
	}
}

// window begins the window of the next entries; io.EOF at the chunk's end.
func (m *MapVector) window(ctx context.Context) error {
	k := &m.keys
	l := &k.v.leaf
	for ; m.word<<6 < k.n; m.word++ {
		m.row += int64(bits.OnesCount64(m.starts[m.word]))
	}
	m.begun = m.row
	if err := k.end(l.left > 0); err != nil {
		return err
	}
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err != nil {
			return err
		}
	}
	n := min(mapWindow, l.left)
	for i := 0; i<<6 < n; i++ {
		size := min(64, n-i<<6)
		inner, ok := l.rep.equal(size, 1)
		if !ok {
			return errLevels
		}
		m.starts[i] = ^inner & lowBits(size)
	}
	if m.word = 0; m.row == 0 && m.starts[0]&1 == 0 {
		return corrupt("row 0 does not begin a map")
	}
	return k.begin(n)
}

// find finds where the rows base+sel[0], base+sel[1], … begin, as many as begin in one
// window, and returns how many. A row that reaches to the window's end may go on
// behind it.
func (m *MapVector) find(ctx context.Context, base int64, sel []int32) (n int, err error) {
	first, last := base+int64(sel[0]), base+int64(sel[len(sel)-1])
	// Where many rows are asked for, telling which words they are in would cost more.
	dense := int64(len(sel)) > (last-first)/8
	for {
		if m.word<<6 >= m.keys.n {
			if m.row > first {
				break
			}
			if err := m.window(ctx); err == io.EOF {
				return 0, corrupt("map has %d rows, the footer promises more", m.row)
			} else if err != nil {
				return 0, err
			}
		}
		word := m.starts[m.word]
		end := m.row + int64(bits.OnesCount64(word))
		if first < end && (dense || base+int64(sel[n]) < end) {
			begins, k := m.begins[m.row-m.begun:], 0
			for at := int32(m.word) << 6; word != 0; word &= word - 1 {
				begins[k] = at + int32(bits.TrailingZeros64(word))
				k++
			}
			begins[k] = int32(m.next(m.word + 1))
			if last < end {
				n = len(sel)
				break
			}
			for !dense && base+int64(sel[n]) < end {
				n++
			}
		}
		m.row = end
		m.word++
	}
	m.origin = int32(m.begun - base)
	if n < len(sel) && dense {
		n, _ = slices.BinarySearch(sel, int32(m.row-base))
	}
	return n, nil
}

// next returns where in the window the first row begins from a word on, its end when
// none does.
func (m *MapVector) next(word int) int {
	for ; word<<6 < m.keys.n; word++ {
		if m.starts[word] != 0 {
			return word<<6 + bits.TrailingZeros64(m.starts[word])
		}
	}
	return m.keys.n
}

// note notes that a wanted key occurs.
func (m *MapVector) note(w int) {
	if !slices.Contains(m.met, w) {
		m.met = append(m.met, w)
	}
}

// slow takes loaded row i, a row of the window, key by key.
func (m *MapVector) slow(ctx context.Context, i int, row int32) error {
	from, to := int(m.begins[row]), int(m.begins[row+1])
	for pairs := 0; ; {
		if pairs += to - from; pairs > maxPairs {
			return errPairs
		}
		for ; from < to; from += min(64, to-from) {
			if err := m.part(ctx, i, from, min(from+64, to)); err != nil {
				return err
			}
		}
		if to < m.keys.n {
			return nil
		}
		if err := m.window(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		from, to = 0, m.next(0)
	}
}

// part takes entries of loaded row i, 64 at most.
func (m *MapVector) part(ctx context.Context, i, from, to int) error {
	var refs [64]uint32
	k := &m.keys
	first := k.before(from)
	keys := refs[:k.before(to)-first]
	k.v.begin(0)
	if err := k.pass(first); err != nil {
		return err
	}
	if err := k.take(keys); err != nil {
		return err
	}
	for e := from; len(keys) > 0; e++ {
		if !k.has(e) {
			continue
		}
		class, err := m.classOfRef(keys[0])
		if err != nil {
			return err
		}
		if keys = keys[1:]; class.want < 0 && class.prefixes == 0 {
			continue
		}
		ref, err := m.values.value(ctx, k.from+int64(e))
		if err != nil {
			return err
		}
		if ref == refNull {
			continue
		}
		if class.prefixes > 0 {
			m.holds[i] |= class.prefixes
		}
		if w := class.want; w >= 0 {
			m.note(w)
			if m.out[w].refs[i] != refNull {
				return badValue("key %q occurs twice", m.wanted[w])
			}
			m.out[w].refs[i] = ref
		}
	}
	return nil
}

// classOfRef returns the class of a key.
func (m *MapVector) classOfRef(ref uint32) (keyClass, error) {
	v := m.keys.v
	m.class.begin(&v.Codes)
	return m.class.one(&v.Codes, ref, m.classOf)
}

// finish completes the values of the rows loaded.
func (m *MapVector) finish() error {
	v := &m.values.v.Codes
	for k := range m.out {
		o := &m.out[k]
		o.spec, o.dict, o.id = v.spec, v.dict, v.id
		o.bits, o.texts, o.owns = v.bits, v.texts, v.owns
		if !slices.Contains(m.met, k) {
			o.note(refNull)
			continue
		}
		if int64(m.top) >= int64(v.dict.size()) {
			for _, ref := range o.refs {
				if ref != refNull && ref&refOwn == 0 {
					if err := v.dict.check([]uint32{ref}, ref); err != nil {
						return err
					}
				}
			}
		}
		o.unite()
	}
	return nil
}

// unite notes that all values are one, when they are.
func (c *Codes) unite() {
	if len(c.refs) == 0 {
		c.note(refNull)
		return
	}
	first := c.refs[0]
	for _, ref := range c.refs {
		if ref != first {
			c.mixed()
			return
		}
	}
	c.note(first)
}

// Keyed reports whether [Scanner.Map] reads a column.
func (f *File) Keyed(col int) bool {
	c := &f.columns[col]
	return c.shape == shapeMap && c.leaves[0].maxDef == c.outerDef+1
}
