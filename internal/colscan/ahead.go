package colscan

import (
	"context"
	"encoding/binary"
	"math/bits"
)

// This file looks at the values of a column without decoding them to references and
// without passing them: whether they meet conditions, and how often each entry of
// the dictionary occurs. Which rows are wanted at all is found so, from all rows
// of a month; where a column has one value for long, in one step for all of them.
//
// What is odd, and what is damaged, is left alone: the caller then loads the rows,
// and meets there whatever is wrong.

// Ahead moves to a row, and returns how many rows from there on can be looked at
// ahead: those of its page.
func (v *Vector) Ahead(ctx context.Context, row int64) (n int64, err error) {
	defer v.guard(&err)
	if err := v.reach(ctx, row); err != nil {
		return 0, err
	}
	return int64(v.leaf.left), nil
}

// testWidth is the greatest width of dictionary indexes that a Test has tables
// for: more entries than that leave nothing to be gained.
const testWidth = 10

// A Test holds conditions on the values of a column: up to 64, a bit for each. The
// zero Test is ready, and serves one chunk after another.
type Test struct {
	memo   Memo[uint64]
	of     uint64 // the conditions
	width  uint   // that the tables are for; 0: none yet
	tables []*testTable
	step   uint // how many indexes a table is asked for at once
}

// A testTable says for some indexes side by side which of them meet up to three
// conditions, in eight bits for each, and above that whether one is no entry.
type testTable struct {
	conds []int
	met   [1 << testWidth]uint32
}

const outside = 1 << 24

// Look sets bit i of sets[c], for each condition c of those in of, to whether the value
// of row+i meets it, for n rows from the row on that [Vector.Ahead] moved to. resolve
// says which conditions a value meets, as in [Or]. What the sets held is lost. ok is
// false where this cannot be told: the sets are void then, and the rows are to be loaded.
func (t *Test) Look(v *Vector, row int64, n int, of uint64, sets [][]uint64, resolve func(*Value) (uint64, error)) (ok bool) {
	l := &v.leaf
	if l.next != row || n > l.left || l.vals.encoding != encRLEDictionary {
		return false
	}
	id, size := t.memo.id, t.memo.size
	if t.memo.begin(&v.Codes); id != t.memo.id || size != t.memo.size || of != t.of {
		t.of, t.width = of, 0
	}
	if !t.memo.resolveFew(&v.Codes, resolve) {
		return false
	}
	for c := of; c != 0; c &= c - 1 {
		clear(sets[bits.TrailingZeros64(c)])
	}
	null := t.memo.vals[t.memo.size]
	runs, def := l.vals.runs, l.def
	if l.spec.maxDef == 0 {
		return t.mark(&runs, 0, n, sets)
	}
	for at := 0; at < n; {
		if def.left == 0 && !def.run() || def.repeat && def.value > l.spec.maxDef {
			return false
		}
		k := min(n-at, def.left)
		switch {
		case !def.repeat:
			k = min(k, 64)
			there, ok := def.equal(k, l.spec.maxDef)
			if !ok || !t.markSome(&runs, at, k, there, null, sets) {
				return false
			}
			at += k
			continue
		case def.value == l.spec.maxDef:
			if !t.mark(&runs, at, k, sets) {
				return false
			}
		default:
			t.markAll(null, at, k, sets)
		}
		def.left -= k
		at += k
	}
	return true
}

// markAll marks k values from place at on that meet the same conditions.
func (t *Test) markAll(met uint64, at, k int, sets [][]uint64) {
	for c := met & t.of; c != 0; c &= c - 1 {
		setRange(sets[bits.TrailingZeros64(c)], at, k)
	}
}

// setRange sets k bits of a set from bit at on.
func setRange(set []uint64, at, k int) {
	for k > 0 {
		n := min(k, 64-at&63)
		set[at>>6] |= lowBits(n) << (at & 63)
		at, k = at+n, k-n
	}
}

// orBits sets bits of a set from bit at on to those of x, of which there are k.
func orBits(set []uint64, at int, x uint64, k int) {
	set[at>>6] |= x << (at & 63)
	if over := at&63 + k - 64; over > 0 {
		set[at>>6+1] |= x >> (k - over)
	}
}

// markSome marks k values, 64 at most, of which there are those that have a bit.
func (t *Test) markSome(runs *hybrid, at, k int, there, null uint64, sets [][]uint64) bool {
	var some [64]uint32
	refs := some[:bits.OnesCount64(there)]
	if _, ok := runs.fill(refs); !ok {
		return false
	}
	for i, next := 0, 0; i < k; i++ {
		met := null
		if there>>i&1 != 0 {
			ref := refs[next]
			if int64(ref) >= int64(t.memo.size) {
				return false
			}
			met = t.memo.vals[ref]
			next++
		}
		t.markAll(met, at+i, 1, sets)
	}
	return true
}

// mark marks k values of the dictionary.
func (t *Test) mark(runs *hybrid, at, k int, sets [][]uint64) bool {
	for k > 0 {
		if runs.left == 0 && !runs.run() {
			return false
		}
		n := min(k, runs.left)
		if runs.repeat {
			if int64(runs.value) >= int64(t.memo.size) {
				return false
			}
			t.markAll(t.memo.vals[runs.value], at, n, sets)
		} else {
			if !t.prepare(runs.width) {
				return false
			}
			for _, table := range t.tables {
				if !t.markPacked(runs, at, n, table, sets) {
					return false
				}
			}
			runs.bit += n * int(runs.width)
		}
		runs.left -= n
		at, k = at+n, k-n
	}
	return true
}

// prepare makes the tables for indexes of a width.
func (t *Test) prepare(width uint) bool {
	if t.width == width {
		return true
	}
	if width > testWidth {
		return false
	}
	t.width, t.step = width, 1
	for t.step < 8 && 2*t.step*width <= testWidth {
		t.step *= 2
	}
	n := 0
	for c := t.of; c != 0; n++ {
		if n == len(t.tables) {
			t.tables = append(t.tables, new(testTable))
		}
		table := t.tables[n]
		table.conds = table.conds[:0]
		for ; c != 0 && len(table.conds) < 3; c &= c - 1 {
			table.conds = append(table.conds, bits.TrailingZeros64(c))
		}
		t.fill(table)
	}
	t.tables = t.tables[:n]
	return true
}

// fill makes a table for the conditions it has.
func (t *Test) fill(table *testTable) {
	for i := range table.met[:1<<(t.width*t.step)] {
		m := uint32(0)
		for s := range t.step {
			ref := i >> (s * t.width) & (1<<t.width - 1)
			if ref >= t.memo.size {
				m |= outside // and stays above the others, wherever it is shifted
				continue
			}
			for k, cond := range table.conds {
				m |= uint32(t.memo.vals[ref]>>cond&1) << (8*uint(k) + s)
			}
		}
		table.met[i] = m
	}
}

// markPacked marks n packed values by a table.
func (t *Test) markPacked(runs *hybrid, at, n int, table *testTable, sets [][]uint64) bool {
	const most = 1<<testWidth - 1
	packed, pos, width, step, met := runs.packed, runs.bit, t.width, t.step, &table.met
	w := step * width & 63
	mask := (uint64(1)<<w - 1) & most
	three, four := (*[64]uint32)(met[:]), (*[256]uint32)(met[:]) // no index is beyond
	bad := uint32(0)
	for n > 0 {
		// Up to 64 values, eight at a time.
		var x [3]uint64
		k := 0
		for last := min(n, 64) - 8; k <= last && width <= 7 && pos>>3+8 <= len(packed); k += 8 {
			word := binary.LittleEndian.Uint64(packed[pos>>3:]) >> (pos & 7)
			var m uint32
			switch {
			case width == 3: // most products and families of a bill
				m = three[word&63] | three[word>>6&63]<<2 | three[word>>12&63]<<4 | three[word>>18&63]<<6
			case width == 4:
				m = four[uint8(word)] | four[uint8(word>>8)]<<2 | four[uint8(word>>16)]<<4 | four[uint8(word>>24)]<<6
			case step == 8:
				m = met[word&mask]
			case step == 4:
				m = met[word&mask] | met[word>>w&mask]<<4
			case step == 2:
				m = met[word&mask] | met[word>>w&mask]<<2 | met[word>>(2*w&63)&mask]<<4 | met[word>>(3*w&63)&mask]<<6
			default:
				for i := range 8 {
					m |= met[word&mask] << i
					word >>= w
				}
			}
			bad |= m
			x[0] |= uint64(m&0xff) << (k & 63)
			x[1] |= uint64(m>>8&0xff) << (k & 63)
			x[2] |= uint64(m>>16&0xff) << (k & 63)
			pos += 8 * int(width)
		}
		if k == 0 {
			for ; k < min(n, 64); k++ {
				m := met[bitsAt(packed, pos, width)&most] // and what zeros behind it meet
				bad |= m
				for i := range x {
					x[i] |= uint64(m>>(8*i)&1) << k
				}
				pos += int(width)
			}
		}
		for i, cond := range table.conds {
			orBits(sets[cond], at, x[i], k)
		}
		at, n = at+k, n-k
	}
	return bad < outside
}

// maxTally is how many entries a dictionary may have for its values to be counted.
const maxTally = 256

// Tally counts n values from the row on that [Vector.Ahead] moved to, without passing
// them. add is called with what a value resolves to and how often it occurs, once for
// each entry of the dictionary that occurs, and for null. ok is false where they cannot
// be counted; add was not called then.
func Tally[T any](v *Vector, row int64, n int, m *Memo[T], resolve func(*Value) (T, error), add func(T, int64)) (ok bool) {
	l, size := &v.leaf, v.Codes.dict.size()
	if l.next != row || n > l.left || l.vals.encoding != encRLEDictionary || size > maxTally {
		return false
	}
	var counts [maxTally]int64
	nulls := int64(0)
	runs, def := l.vals.runs, l.def
	for at := 0; at < n; {
		k, values := n-at, n-at
		if l.spec.maxDef > 0 {
			if def.left == 0 && !def.run() {
				return false
			}
			k = min(k, def.left)
			if values, ok = def.skip(k, l.spec.maxDef); !ok || def.repeat && def.value > l.spec.maxDef {
				return false
			}
			nulls += int64(k - values)
		}
		if !runs.tally(values, counts[:size]) {
			return false
		}
		at += k
	}
	m.begin(&v.Codes)
	for ref := range size {
		if counts[ref] > 0 {
			if _, err := m.one(&v.Codes, uint32(ref), resolve); err != nil {
				return false
			}
		}
	}
	if nulls > 0 {
		if _, err := m.one(&v.Codes, refNull, resolve); err != nil {
			return false
		}
		add(m.vals[size], nulls)
	}
	for ref, count := range counts[:size] {
		if count > 0 {
			add(m.vals[ref], count)
		}
	}
	return true
}

// tally counts n values.
func (h *hybrid) tally(n int, counts []int64) bool {
	var some [64]uint32
	for n > 0 {
		if h.left == 0 && !h.run() {
			return false
		}
		if h.repeat {
			k := min(n, h.left)
			if int64(h.value) >= int64(len(counts)) {
				return false
			}
			counts[h.value] += int64(k)
			h.left -= k
			n -= k
			continue
		}
		refs := some[:min(n, h.left, len(some))]
		unpack(refs, h.packed, h.bit, h.width)
		for _, ref := range refs {
			if int64(ref) >= int64(len(counts)) {
				return false
			}
			counts[ref]++
		}
		h.bit += len(refs) * int(h.width)
		h.left -= len(refs)
		n -= len(refs)
	}
	return true
}
