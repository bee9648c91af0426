package colscan

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// A MapVector reads some keys of a map column, forwards only. The keys of all
// rows are walked, 64 entries at a time; values are decoded for the entries
// asked for and no others.
type MapVector struct {
	keys, values *Vector
	wanted       []string
	prefixes     []string
	class        Memo[keyClass]

	// What keys are, by entry of their dictionary: the number + 1 of a class, 0 when
	// that is not known. Class 0 is that of keys nobody asked for.
	classOfEntry []uint16
	classes      []keyClass
	dict         uint64 // that classOfEntry belongs to

	// The entries whose levels were decoded and that were not consumed: one bit for
	// each that begins a row, has a key, or, once keys were read, has one asked for.
	starts, valid, hot uint64
	n                  int
	keysRead           bool
	off                int        // of the next entry in hotClass
	hotClass           [64]uint16 // of hot entries
	row                int64      // that the entry consumed last belongs to
	entry              int64      // consumed so far

	hits    []int32 // entries whose values are asked for, from the first of this Load on
	targets []target
	out     []Codes // by wanted key
	holds   []uint64
}

// keyClass says what a key is: one of the wanted, or the begin of wanted
// prefixes, or nothing.
type keyClass struct {
	want     int
	prefixes uint64
}

// target is where the value of a hit goes.
type target struct {
	row   int32
	class uint16
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
	m := &MapVector{wanted: wanted, prefixes: prefixes, row: -1, classes: []keyClass{{want: -1}},
		keys: s.vector(col, &c.leaves[0], 0), values: s.vector(col, &c.leaves[1], 0)}
	if n := len(s.spare); n > 0 {
		old := s.spare[n-1]
		s.spare = s.spare[:n-1]
		m.hits, m.targets, m.holds = old.hits[:0], old.targets[:0], old.holds[:0]
		m.classOfEntry = old.classOfEntry
	}
	m.out = make([]Codes, len(wanted))
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
func (m *MapVector) Load(ctx context.Context, base int64, sel []int32) (err error) {
	defer m.keys.guard(&err)
	m.keys.begin(0)
	m.hits, m.targets, m.holds = m.hits[:0], m.targets[:0], m.holds[:0]
	for range sel {
		m.holds = append(m.holds, 0)
	}
	from := m.entry
	for i, s := range sel {
		if err := m.find(ctx, base+int64(s)); err != nil {
			return err
		}
		next := int64(math.MaxInt64)
		if i+1 < len(sel) {
			next = base + int64(sel[i+1])
		}
		if err := m.read(ctx, int32(i), from, next); err != nil {
			return err
		}
	}
	if len(m.hits) > 0 {
		// The leaf of the values counts entries, not rows.
		if err := m.values.load(ctx, from, m.hits, 0, false); err != nil {
			return err
		}
	}
	return m.deal(len(sel))
}

// window decodes the levels of the next entries; io.EOF at the chunk's end.
func (m *MapVector) window(ctx context.Context) error {
	l := &m.keys.leaf
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err != nil {
			return err
		}
	}
	n := min(64, l.left)
	inner, ok := l.rep.equal(n, 1)
	if !ok {
		return errLevels
	}
	if m.valid, ok = l.def.equal(n, l.spec.maxDef); !ok {
		return errLevels
	}
	m.starts, m.n = ^inner&lowBits(n), n
	m.keysRead, m.hot, m.off = false, 0, 0
	l.left -= n
	if m.row < 0 && m.starts&1 == 0 {
		return corrupt("row 0 does not begin a map")
	}
	return nil
}

// consume passes n entries of the window.
func (m *MapVector) consume(n int) error {
	if !m.keysRead && n > 0 {
		if err := m.keys.leaf.vals.skip(bits.OnesCount64(m.valid & lowBits(n))); err != nil {
			return err
		}
	}
	m.entry += int64(n)
	m.n -= n
	m.off += n
	m.starts >>= n
	m.valid >>= n
	m.hot >>= n
	return nil
}

// find moves to the first entry of a row.
func (m *MapVector) find(ctx context.Context, row int64) error {
	for m.row < row {
		if m.n == 0 {
			if err := m.window(ctx); err == io.EOF {
				return corrupt("map has %d rows, the footer promises more", m.row+1)
			} else if err != nil {
				return err
			}
		}
		need, have := row-m.row, bits.OnesCount64(m.starts)
		n := m.n
		if int64(have) < need {
			m.row += int64(have)
		} else {
			at := m.starts
			for ; need > 1; need-- {
				at &= at - 1
			}
			n = bits.TrailingZeros64(at)
			m.row = row
		}
		if err := m.consume(n); err != nil {
			return err
		}
	}
	m.starts &^= 1 // the row ends at the next
	return nil
}

// read takes the entries of the current row; next is the row that will be asked for
// after it.
func (m *MapVector) read(ctx context.Context, i int32, from, next int64) error {
	for pairs := 0; ; {
		if m.n == 0 {
			if err := m.window(ctx); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
		n := min(bits.TrailingZeros64(m.starts), m.n)
		if pairs += n; pairs > maxPairs {
			return errPairs
		}
		alone := false
		if n > 0 && !m.keysRead {
			// All keys of the window, when another of its rows is asked for.
			until := m.n
			if alone = next-m.row > int64(bits.OnesCount64(m.starts)); alone {
				until = n
			}
			if err := m.readKeys(until); err != nil {
				return err
			}
		}
		for hot := m.hot & lowBits(n); hot != 0; hot &= hot - 1 {
			at := bits.TrailingZeros64(hot)
			m.hits = append(m.hits, int32(m.entry+int64(at)-from))
			m.targets = append(m.targets, target{i, m.hotClass[m.off+at]})
		}
		if err := m.consume(n); err != nil {
			return err
		}
		if alone {
			m.keysRead = false
		}
		if m.n > 0 {
			return nil
		}
	}
}

// readKeys decodes the keys of the next n entries, and marks those asked for.
func (m *MapVector) readKeys(n int) error {
	var refs [64]uint32
	v := m.keys
	keys := refs[:bits.OnesCount64(m.valid&lowBits(n))]
	if err := v.take(keys); err != nil {
		return err
	}
	m.keysRead, m.hot, m.off = true, 0, 0
	if n := v.Codes.dict.size(); m.dict != v.id || len(m.classOfEntry) != n {
		if m.dict = v.id; cap(m.classOfEntry) < n {
			m.classOfEntry = make([]uint16, n)
		}
		m.classOfEntry = m.classOfEntry[:n]
		clear(m.classOfEntry)
	}
	valid, known := m.valid, m.classOfEntry
	for _, ref := range keys {
		at := bits.TrailingZeros64(valid)
		valid &= valid - 1
		var class uint16
		if int64(ref) < int64(len(known)) {
			class = known[ref]
		}
		if class == 1 {
			continue
		}
		if class == 0 {
			var err error
			if class, err = m.classify(ref); err != nil {
				return err
			}
			if int64(ref) < int64(len(known)) {
				known[ref] = class
			}
			if class == 1 {
				continue
			}
		}
		m.hot |= 1 << at
		m.hotClass[at] = class - 1
	}
	return nil
}

// classify returns the number + 1 of a key's class.
func (m *MapVector) classify(ref uint32) (uint16, error) {
	m.class.begin(&m.keys.Codes)
	c, err := m.class.one(&m.keys.Codes, ref, m.classOf)
	if err != nil {
		return 0, err
	}
	i := slices.Index(m.classes, c)
	if i < 0 {
		// There are no more classes than wanted keys times chains of prefixes; far
		// below what a class can number.
		if i = len(m.classes); i >= 1<<16-1 {
			return 0, corrupt("keys of %d classes", i)
		}
		m.classes = append(m.classes, c)
	}
	return uint16(i + 1), nil
}

// deal hands the values of the hits to the keys that asked for them.
// A key that a row has twice is an error, for whichever value won, the other
// would be lost in silence.
func (m *MapVector) deal(rows int) error {
	for k := range m.out {
		o := &m.out[k]
		o.begin(rows)
		o.spec, o.dict, o.id = m.values.spec, m.values.dict, m.values.id
		for i := range o.refs {
			o.refs[i] = refNull
		}
	}
	found := 0
	for h, t := range m.targets {
		ref := m.values.refs[h]
		if ref == refNull {
			continue
		}
		class := m.classes[t.class]
		m.holds[t.row] |= class.prefixes
		if k := class.want; k >= 0 {
			o := &m.out[k]
			if o.refs[t.row] != refNull {
				return badValue("key %q occurs twice", m.wanted[k])
			}
			o.refs[t.row] = ref
			found++
		}
	}
	for k := range m.out {
		o := &m.out[k]
		o.bits, o.texts, o.owns = m.values.bits, m.values.texts, m.values.owns
		if found == 0 {
			o.note(refNull)
		}
	}
	return nil
}

// Keyed reports whether [Scanner.Map] reads a column.
func (f *File) Keyed(col int) bool {
	c := &f.columns[col]
	return c.shape == shapeMap && c.leaves[0].maxDef == c.outerDef+1
}
