package colscan

import (
	"math"
	"time"
)

// A Value is one value of a column, for [Resolve]. It is valid during the call.
type Value struct {
	spec *leafSpec
	v    value
	buf  []byte
}

// Null reports whether there is no value.
func (v *Value) Null() bool { return v.v.null }

// Text returns the value as [Rows.Text] does, nil for null.
func (v *Value) Text() ([]byte, error) {
	if v.v.null {
		return nil, nil
	}
	if v.spec.kind == String {
		return v.v.bytes, nil
	}
	var err error
	v.buf, err = appendText(v.buf[:0], v.spec, &v.v)
	return v.buf, err
}

// Float returns the value of a Double column.
func (v *Value) Float() (float64, error) {
	if v.spec.kind != Double || v.v.null {
		return math.NaN(), ErrKind
	}
	return float(v.spec, &v.v), nil
}

// Time returns the value of a Timestamp column.
func (v *Value) Time() (time.Time, error) {
	if v.spec.kind != Timestamp || v.v.null {
		return time.Time{}, ErrKind
	}
	return instant(v.spec, &v.v)
}

// A Memo remembers what the dictionary entries of a chunk resolved to. The zero
// Memo is ready, and serves one chunk after another.
type Memo[T any] struct {
	id    uint64
	size  int // of the dictionary
	vals  []T // by entry; the last is that of null
	known []bool
	every int8 // of all entries and null: 1 known, -1 one makes no sense, 0 not tried
	val   Value
}

func (m *Memo[T]) begin(c *Codes) {
	if m.id == c.id && m.size == c.dict.size() {
		return
	}
	n := c.dict.size()
	m.id, m.size, m.every = c.id, n, 0
	if n++; cap(m.known) < n {
		m.known, m.vals = make([]bool, n), make([]T, n)
	}
	m.known, m.vals = m.known[:n], m.vals[:n]
	clear(m.known)
	clear(m.vals)
}

func (d *dictionary) size() int {
	if !d.present {
		return 0
	}
	return d.n
}

// Resolve sets dst[i] to what value pos[i] of c resolves to, or value i when
// pos is nil. resolve is called once for each dictionary entry of the chunk, as
// far as the memo remembers them, and for null, and for each value that is in no
// dictionary.
func Resolve[T any](c *Codes, pos []int32, dst []T, m *Memo[T], resolve func(*Value) (T, error)) error {
	m.begin(c)
	if len(dst) == 0 {
		return nil
	}
	if c.same {
		t, err := m.one(c, c.first, resolve)
		for i := range dst {
			dst[i] = t
		}
		return err
	}
	if pos == nil {
		return m.resolve(c, c.refs[:len(dst)], dst, resolve)
	}
	var refs [256]uint32
	for len(dst) > 0 {
		n := min(len(dst), len(refs))
		for i, p := range pos[:n] {
			refs[i] = c.refs[p]
		}
		if err := m.resolve(c, refs[:n], dst[:n], resolve); err != nil {
			return err
		}
		pos, dst = pos[n:], dst[n:]
	}
	return nil
}

func (m *Memo[T]) resolve(c *Codes, refs []uint32, dst []T, resolve func(*Value) (T, error)) (err error) {
	dst = dst[:len(refs)]
	known, vals := m.known, m.vals[:len(m.known)]
	last := uint32(len(known) - 1)
	if c.owns {
		for i, ref := range refs {
			if dst[i], err = m.one(c, ref, resolve); err != nil {
				return err
			}
		}
		return nil
	}
	for i, ref := range refs {
		// Null is greater than all entries; no branch, for where nulls are follows no
		// pattern.
		if at := min(ref, last); int(at) < len(known) && known[at] {
			dst[i] = vals[at]
		} else if dst[i], err = m.one(c, ref, resolve); err != nil {
			return err
		}
	}
	return nil
}

// Reset makes the memo forget.
func (m *Memo[T]) Reset() { m.id = 0 }

// Or adds the bits that values resolve to to those in dst, as Resolve sets them.
func Or(c *Codes, dst []uint64, m *Memo[uint64], resolve func(*Value) (uint64, error)) error {
	m.begin(c)
	if len(dst) == 0 {
		return nil
	}
	if c.same {
		bits, err := m.one(c, c.first, resolve)
		for i := range dst {
			dst[i] |= bits
		}
		return err
	}
	known, vals, refs := m.known, m.vals[:len(m.known)], c.refs[:len(dst)]
	last := uint32(len(known) - 1)
	if !c.owns && m.resolveFew(c, resolve) {
		for i, ref := range refs {
			if at := min(ref, last); int(at) < len(vals) {
				dst[i] |= vals[at]
			}
		}
		return nil
	}
	for i, ref := range refs {
		if at := min(ref, last); !c.owns && int(at) < len(known) && known[at] {
			dst[i] |= vals[at]
			continue
		}
		bits, err := m.one(c, ref, resolve)
		if err != nil {
			return err
		}
		dst[i] |= bits
	}
	return nil
}

// resolveAll resolves all entries of the dictionary and null, at its first call for a chunk,
// and reports whether they are all known. One that makes no sense is no matter until a row
// has it.
func (m *Memo[T]) resolveAll(c *Codes, resolve func(*Value) (T, error)) bool {
	if m.every != 0 {
		return m.every > 0
	}
	m.every = -1
	for ref := range m.size {
		if _, err := m.one(c, uint32(ref), resolve); err != nil {
			return false
		}
	}
	if _, err := m.one(c, refNull, resolve); err != nil {
		return false
	}
	m.every = 1
	return true
}

// resolveFew is resolveAll of a small dictionary; false where it is not small.
func (m *Memo[T]) resolveFew(c *Codes, resolve func(*Value) (T, error)) bool {
	return m.size <= 1<<10 && m.resolveAll(c, resolve)
}

// one resolves one reference.
func (m *Memo[T]) one(c *Codes, ref uint32, resolve func(*Value) (T, error)) (t T, err error) {
	v := &m.val
	last := len(m.known) - 1
	switch {
	case ref == refNull:
		if m.known[last] {
			return m.vals[last], nil
		}
		v.spec, v.v = c.spec, value{entry: -1, null: true}
		if t, err = resolve(v); err == nil {
			m.vals[last], m.known[last] = t, true
		}
		return t, err
	case ref&refOwn != 0:
		v.spec, v.v = c.spec, value{entry: -1}
		if i := ref &^ refOwn; c.spec.textual() {
			v.v.bytes = c.texts[i]
		} else {
			v.v.bits = c.bits[i]
		}
		return resolve(v)
	}
	kept := int64(ref) < int64(last)
	if kept && m.known[ref] {
		return m.vals[ref], nil
	}
	v.spec, v.v = c.spec, value{entry: -1}
	if err = c.dict.get(c.spec, ref, &v.v); err != nil {
		return t, err
	}
	if t, err = resolve(v); err == nil && kept {
		m.vals[ref], m.known[ref] = t, true
	}
	return t, err
}

// First returns what the value resolves to that all values loaded are: see
// [Codes.Same].
func First[T any](c *Codes, resolve func(*Value) (T, error)) (T, error) {
	v := Value{spec: c.spec, v: value{entry: -1}}
	switch ref := c.first; {
	case ref == refNull:
		v.v.null = true
	case ref&refOwn != 0: // no two of these are known to be the same
		var m Memo[T]
		m.begin(c)
		return m.one(c, ref, resolve)
	default:
		if err := c.dict.get(c.spec, ref, &v.v); err != nil {
			var none T
			return none, err
		}
	}
	return resolve(&v)
}
