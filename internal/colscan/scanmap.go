package colscan

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
)

// A MapVector reads some keys of a map column, forwards only. Where rows begin is a
// matter of one bit for each entry, so rows are counted 64 entries at a time; keys are
// looked at in the rows asked for, and values where a key is asked for.
type MapVector struct {
	keys, values mapSide
	wanted       []string
	prefixes     []string
	class        Memo[keyClass]

	shapes mapShapes

	// Where rows begin in the window of the keys.
	starts [mapWindow/64 + 2]uint64
	word   int   // of starts, that find has come to
	row    int64 // the first that begins in it, or behind it

	// The rows that find has found: their entries, and where not all of these have one,
	// their keys and values. Rows of a batch are numbers of shapes, and the bits
	// where their values begin.
	entries  [mapBatch]span
	keysAt   [mapBatch]span
	valuesAt [mapBatch]span
	rows     [mapBatch]uint64
	begins   [65]int32 // see find

	met   []int   // the wanted keys that occurred in the chunk
	top   uint32  // the greatest reference taken from runs in this Load, or more
	out   []Codes // by wanted key
	holds []uint64
}

// mapBatch is how many rows of a window are found at once at most.
const mapBatch = 1024

// span is what lies in a row: from is the first, to the first of the row after it.
type span struct{ from, to int32 }

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
		if k := &m.keys; !k.whole() {
			k.count(m.keysAt[:n], m.entries[:n], 0)
		}
		for at := 0; at < n; {
			k := m.batch(i+at, at, n)
			if k == 0 {
				if err := m.slow(ctx, i+at, m.entries[at]); err != nil {
					return err
				}
				k = 1
			}
			at += k
		}
		i += n
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
	if err := k.end(l.left > 0); err != nil {
		return err
	}
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err != nil {
			return err
		}
	}
	n := min(mapWindow, l.left)
	if !l.rep.flags(m.starts[:], n, 1) {
		return errLevels
	}
	for i := 0; i<<6 < n; i++ { // 0 begins a row
		m.starts[i] = ^m.starts[i] & lowBits(min(64, n-i<<6))
	}
	if m.word = 0; m.row == 0 && m.starts[0]&1 == 0 {
		return corrupt("row 0 does not begin a map")
	}
	return k.begin(n)
}

// find finds the rows base+sel[0], base+sel[1], …, as many as begin in one window and
// mapBatch at most, and returns how many. A row that reaches to the window's end may go on
// behind it.
func (m *MapVector) find(ctx context.Context, base int64, sel []int32) (n int, err error) {
	for n == 0 {
		if m.word<<6 >= m.keys.n {
			if err := m.window(ctx); err == io.EOF {
				return 0, corrupt("map has %d rows, the footer promises more", m.row)
			} else if err != nil {
				return 0, err
			}
		}
		n = m.inWindow(base, sel[:min(len(sel), mapBatch)])
	}
	return n, nil
}

// inWindow is find in the window that is there. In the rows of a word, those from row
// to end, it looks only for the ones asked for, unless they are many.
func (m *MapVector) inWindow(base int64, sel []int32) (n int) {
	words, at, row := m.starts[:(m.keys.n+63)>>6], m.word, m.row-base
	end := row + int64(bits.OnesCount64(words[at]))
	for n < len(sel) {
		want := int64(sel[n])
		if want >= end {
			for want >= end {
				row = end
				if at++; at == len(words) {
					m.word, m.row = at, base+row
					return n
				}
				end += int64(bits.OnesCount64(words[at]))
			}
			if many := 4; n+many < len(sel) && int64(sel[n+many]) < end {
				n += m.inWord(at, m.entries[n:], sel[n:], row, end)
				continue
			}
		}
		word := words[at]
		from := nth(word, int(want-row))
		to := m.next(at + 1)
		if rest := word >> from >> 1; rest != 0 {
			to = at<<6 + from + 1 + bits.TrailingZeros64(rest)
		}
		m.entries[n] = span{int32(at<<6 + from), int32(to)}
		n++
	}
	m.word, m.row = at, base+row
	return n
}

// inWord sets the entries of the rows asked for that begin in a word, and returns how many
// these are.
func (m *MapVector) inWord(at int, entries []span, sel []int32, row, end int64) (n int) {
	begins, k := &m.begins, 0
	for word := m.starts[at]; word != 0; word &= word - 1 {
		begins[k&63] = int32(at<<6 + bits.TrailingZeros64(word))
		k++
	}
	begins[k] = int32(m.next(at + 1))
	for ; n < len(sel) && int64(sel[n]) < end; n++ {
		i := (int64(sel[n]) - row) & 63
		entries[n] = span{begins[i], begins[i+1]}
	}
	return n
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
func (m *MapVector) slow(ctx context.Context, i int, row span) error {
	from, to := int(row.from), int(row.to)
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
