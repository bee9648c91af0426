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
	// Most is the size of the greatest dictionary whose entries are remembered;
	// 0 means that all are. Where an entry is cheap to resolve, looking it up in
	// a large memo costs more than resolving it again.
	Most int

	id      uint64
	size    int // of the dictionary
	vals    []T
	known   []bool
	null    T
	hasNull bool
	val     Value
}

func (m *Memo[T]) begin(c *Codes) {
	if m.id == c.id && m.size == c.dict.size() {
		return
	}
	n := c.dict.size()
	if m.Most > 0 && n > m.Most {
		n = 0
	}
	m.id, m.hasNull, m.size = c.id, false, c.dict.size()
	if cap(m.known) < n {
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
	for i := range dst {
		p := i
		if pos != nil {
			p = int(pos[i])
		}
		ref := c.refs[p]
		if int64(ref) < int64(len(m.known)) && m.known[ref] {
			dst[i] = m.vals[ref]
			continue
		}
		if ref == refNull && m.hasNull {
			dst[i] = m.null
			continue
		}
		var err error
		if dst[i], err = m.one(c, ref, resolve); err != nil {
			return err
		}
	}
	return nil
}

// one resolves one reference.
func (m *Memo[T]) one(c *Codes, ref uint32, resolve func(*Value) (T, error)) (t T, err error) {
	v := &m.val
	v.spec, v.v = c.spec, value{entry: -1}
	switch {
	case ref == refNull:
		if m.hasNull {
			return m.null, nil
		}
		v.v.null = true
		if t, err = resolve(v); err == nil {
			m.null, m.hasNull = t, true
		}
		return t, err
	case ref&refOwn != 0:
		if i := ref &^ refOwn; c.spec.textual() {
			v.v.bytes = c.texts[i]
		} else {
			v.v.bits = c.bits[i]
		}
		return resolve(v)
	}
	kept := int64(ref) < int64(len(m.known))
	if kept && m.known[ref] {
		return m.vals[ref], nil
	}
	if err = c.dict.get(c.spec, ref, &v.v); err != nil {
		return t, err
	}
	if t, err = resolve(v); err == nil && kept {
		m.vals[ref], m.known[ref] = t, true
	}
	return t, err
}
