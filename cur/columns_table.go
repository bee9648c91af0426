package cur

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// columnGroups is groups with a hash table that keeps the hashes: it grows
// without reading the keys, and looks at a key only when its hash agrees.
type columnGroups struct {
	groups
	table []uint64 // the upper half of the hash, then group + 1; 0 is free
}

// find returns the group of a key, making it if need be. As in groups, callers
// keep the index, never a pointer.
func (g *columnGroups) find(h uint64, key []uint32) uint32 {
	if len(g.counts)*2 >= len(g.table) {
		g.expand()
	}
	mask := uint64(len(g.table) - 1)
	tag := h >> 32
	for at := tag & mask; ; at = (at + 1) & mask {
		e := g.table[at]
		if e == 0 {
			g.table[at] = tag<<32 | uint64(len(g.counts)+1)
			if len(g.counts) == cap(g.counts) {
				// Half as much again: less is copied than append would, and a
				// million groups do not reserve room for a second million.
				n := max(512, len(g.counts)/2)
				g.keys, g.counts = slices.Grow(g.keys, n*len(key)), slices.Grow(g.counts, n)
				g.dense = slices.Grow(g.dense, n*denseMeasures)
			}
			g.keys = append(g.keys, key...)
			g.counts = append(g.counts, counts{})
			for range denseMeasures {
				g.dense = append(g.dense, exact.Num{})
			}
			return uint32(len(g.counts) - 1)
		}
		if e>>32 == tag {
			i := uint32(e) - 1
			if slices.Equal(g.keys[int(i)*len(key):][:len(key)], key) {
				return i
			}
		}
	}
}

// warm reads what find will read for a block of hashes. Large tables are not in
// the cache; here the processor waits for many places at once, in find for one
// after the other. The result means nothing.
func (g *columnGroups) warm(hash []uint64) (sum uint64) {
	if len(g.counts) < 4096 {
		return 0
	}
	mask := uint64(len(g.table) - 1)
	for _, h := range hash {
		sum += g.table[h>>32&mask]
	}
	for _, h := range hash {
		if i := int(uint32(g.table[h>>32&mask])) - 1; i >= 0 {
			sum += uint64(g.keys[i*g.stride]) + uint64(g.keys[(i+1)*g.stride-1]) + uint64(g.counts[i].rows)
		}
	}
	return sum
}

func (g *columnGroups) expand() {
	old := g.table
	g.table = make([]uint64, max(1024, 2*len(old)))
	mask := uint64(len(g.table) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		at := e >> 32 & mask
		for g.table[at] != 0 {
			at = (at + 1) & mask
		}
		g.table[at] = e
	}
}

// addSparse adds to one of the measures that few groups have.
func (g *groups) addSparse(i int, m Measure, n exact.Num) {
	s := g.sparse[uint32(i)]
	if s == nil {
		if g.sparse == nil {
			g.sparse = make(map[uint32]*[NumMeasures - denseMeasures]exact.Num)
		}
		s = new([NumMeasures - denseMeasures]exact.Num)
		g.sparse[uint32(i)] = s
	}
	s[int(m)-denseMeasures].Acc(n)
}

// index makes the hash table of groups that were put together without one.
func (g *groups) index() {
	if g.slots != nil || g.len() == 0 {
		return
	}
	n := 512
	for n < g.len()*2 {
		n *= 2
	}
	g.slots = make([]uint32, n) // grow doubles it
	g.grow()
}

// renumber says what numbers of a worker are in a table. Texts enter the table
// only when a group has them.
type renumber struct {
	t    *table
	w    *columnWorker
	seen [][]uint32 // by slot: id + 1
}

func (r *renumber) id(slot int, id uint32) uint32 {
	if numeric(slot) {
		return id
	}
	if int(id) < len(r.seen[slot]) {
		if to := r.seen[slot][id]; to != 0 {
			return to - 1
		}
	}
	from := &r.w.invoice
	switch {
	case slot >= fixedSlots:
		from = &r.w.dicts[numTextFields+slot-fixedSlots]
	case slot != slotInvoice:
		from = &r.w.dicts[slotFields[slot]]
	}
	if n := len(from.vals); len(r.seen[slot]) < n {
		r.seen[slot] = append(r.seen[slot], make([]uint32, n-len(r.seen[slot]))...)
	}
	to := r.t.dicts[slot].id(from.vals[id])
	r.seen[slot][id] = to + 1
	return to
}

// merge adds what a worker has of a delivery to its table.
func (t *table) merge(w *columnWorker, p *columnPart) {
	r := &renumber{t: t, w: w, seen: make([][]uint32, len(t.dicts))}
	key := make([]int, len(t.dicts))
	for s := range key {
		key[s] = s
	}
	t.groups.merge(&p.groups, r, key)
	t.rest.merge(&p.rest, r, restSlots[:])
	t.unread += p.unread
}

// merge takes the groups of from over. slots are those of a key.
func (g *groups) merge(from *columnGroups, r *renumber, slots []int) {
	from.table = nil
	for i := range from.keys {
		from.keys[i] = r.id(slots[i%len(slots)], from.keys[i])
	}
	if g.len() == 0 {
		g.keys, g.counts, g.dense, g.sparse, g.slots = from.keys, from.counts, from.dense, from.sparse, nil
		return
	}
	g.index()
	for i := range from.len() {
		m := from.measures(i)
		g.add(g.find(from.key(i)), &m)
	}
}

// order returns the groups in order of their keys. The slots that differ are
// packed, foremost first, into as many bits as they need; most keys differ
// within 128 bits, and comparing two words is what the time goes to.
func (g *groups) order() []int {
	top := make([]uint32, g.stride)
	for i := range g.counts {
		for s, k := range g.key(i) {
			top[s] |= k
		}
	}
	type packed struct {
		hi, lo uint64
		group  int
	}
	list := make([]packed, g.len())
	for i := range list {
		p := packed{group: i}
		left := 128
		for s, k := range g.key(i) {
			n := bits.Len32(top[s])
			if n > left {
				break
			}
			p.hi = p.hi<<n | p.lo>>(64-n)
			p.lo = p.lo<<n | uint64(k)
			left -= n
		}
		list[i] = p
	}
	slices.SortFunc(list, func(a, b packed) int {
		switch {
		case a.hi != b.hi:
			return cmp.Compare(a.hi, b.hi)
		case a.lo != b.lo:
			return cmp.Compare(a.lo, b.lo)
		}
		return slices.Compare(g.key(a.group), g.key(b.group))
	})
	out := make([]int, len(list))
	for i := range list {
		out[i] = list[i].group
	}
	return out
}
