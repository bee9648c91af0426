package cur

import "math/bits"

// A pairing numbers pairs: the number of what the columns before have in common,
// and the number of the next column's value. A chain of pairings brings the keys of
// rows down to one number each, an array access or a short look-up per column;
// the pairs lead back to the columns. Most columns of a bill depend on a few
// others, so that the numbers stay small along the chain.
type pairing struct {
	// While there are few possible pairs, dense holds the number + 1 of each, at
	// first<<shift | second; later slots is a hash table of 32 bits that tell the pair
	// and the number + 1. In both 0 is free.
	dense []uint32
	shift uint
	first uint32 // the largest that there was room asked for
	slots []uint64
	tight bool   // the 32 bits are first<<shift | second, and no two pairs have the same
	pairs []pair // by number
	warm  uint64 // see pairBatch; means nothing
}

type pair struct{ first, second uint32 }

const (
	// smallDense is how many possible pairs an array is kept for however few of
	// them there are.
	smallDense = 1 << 15
	// fullDense is how many possible pairs there may be to each pair for an array
	// to be kept: a hash table is hardly smaller, and slower.
	fullDense = 6
	// Up to midDense possible pairs there may be midFull to each: there will be more
	// pairs, and each of the hash tables on the way to them costs the time to fill it.
	midDense = 1 << 20
	midFull  = 24
)

// keyColumn holds a number for each row of a set.
type keyColumn struct {
	ids  []uint32 // not set when same
	same bool
	id   uint32 // of all rows, when same
}

// at returns the number of row i.
func (c *keyColumn) at(i int) uint32 {
	if c.same {
		return c.id
	}
	return c.ids[i]
}

func (f *pairing) len() int { return len(f.pairs) }

// one returns the number of a pair.
func (f *pairing) one(first, second uint32) uint32 {
	f.reserve(first, second)
	if f.slots != nil {
		p := pair{first, second}
		tag, at := f.place(p)
		return f.look(p, tag, at)
	}
	at := int(first)<<f.shift | int(second)
	if n := f.dense[at]; n != 0 {
		return n - 1
	}
	return f.add(at, first, second)
}

// add gives a pair of the array its number.
func (f *pairing) add(at int, first, second uint32) uint32 {
	f.pairs = append(f.pairs, pair{first, second})
	f.dense[at] = uint32(len(f.pairs))
	return uint32(len(f.pairs) - 1)
}

// reserve makes the array hold pairs up to the given one, or goes over to the
// hash table, or back.
func (f *pairing) reserve(first, second uint32) {
	f.first = max(f.first, first)
	shift := max(f.shift, uint(bits.Len32(second)))
	need := (int(f.first) + 1) << shift
	if f.slots == nil && shift == f.shift && need <= len(f.dense) {
		return
	}
	most := max(smallDense, fullDense*len(f.pairs), min(midDense, midFull*len(f.pairs)))
	if f.slots != nil && need > most/2 { // not to and fro
		if f.tight && (shift != f.shift || !tight(f.first, shift)) {
			f.shift = shift
			f.rehash(len(f.slots))
		}
		return
	}
	if shift > 20 || need > most {
		f.dense, f.shift = nil, shift
		f.rehash(1024)
		return
	}
	size := 64
	for size < need || size < min(4*len(f.dense), midDense/4) {
		size *= 2
	}
	dense := fresh[uint32](size)
	if f.slots == nil && shift == f.shift {
		copy(dense, f.dense)
	} else {
		for i, p := range f.pairs {
			dense[int(p.first)<<shift|int(p.second)] = uint32(i) + 1
		}
	}
	f.slots, f.shift, f.dense = nil, shift, dense
}

// tight reports whether pairs fit 32 bits.
func tight(first uint32, shift uint) bool { return uint(bits.Len32(first))+shift <= 32 }

// rehash makes the hash table anew, of at least the given size.
func (f *pairing) rehash(size int) {
	for size < 2*len(f.pairs)+2 {
		size *= 2
	}
	f.slots, f.tight = fresh[uint64](size), tight(f.first, f.shift)
	mask := uint64(size - 1)
	for i, p := range f.pairs {
		tag, at := f.place(p)
		for f.slots[at] != 0 {
			at = (at + 1) & mask
		}
		f.slots[at] = uint64(tag)<<32 | uint64(i+1)
	}
}

// place returns the 32 bits that tell a pair, and its first slot.
func (f *pairing) place(p pair) (tag uint32, at uint64) {
	shift := uint(bits.LeadingZeros64(uint64(len(f.slots) - 1)))
	if f.tight {
		tag = p.first<<f.shift | p.second
		return tag, tagHash(tag) >> shift
	}
	h := p.hash()
	return uint32(h), h >> shift
}

// tagHash mixes the bits of a pair; the upper ones are the better ones.
func tagHash(tag uint32) uint64 { return uint64(tag) * 0x9fb21c651e98df25 }

// hash mixes a pair. Its upper half places the pair, its lower half is compared.
func (p pair) hash() uint64 {
	hi, lo := bits.Mul64(uint64(p.first)<<32|uint64(p.second)^0x9e3779b97f4a7c15, 0x9fb21c651e98df25)
	h := (hi ^ lo) * 0xff51afd7ed558ccd
	return h ^ h>>32
}

// look returns the number of a pair of the hash table.
func (f *pairing) look(p pair, tag uint32, at uint64) uint32 {
	mask := uint64(len(f.slots) - 1)
	for ; ; at = (at + 1) & mask {
		e := f.slots[at]
		if e == 0 {
			f.pairs = append(f.pairs, p)
			f.slots[at] = uint64(tag)<<32 | uint64(len(f.pairs))
			if len(f.pairs)*2 > len(f.slots) {
				f.rehash(2 * len(f.slots))
			}
			return uint32(len(f.pairs) - 1)
		}
		if uint32(e>>32) == tag && (f.tight || f.pairs[uint32(e)-1] == p) {
			return uint32(e) - 1
		}
	}
}

// all numbers the pairs of n rows. firsts and seconds are how many numbers there
// are on either side. dst is where the numbers go.
func (f *pairing) all(dst []uint32, first, second keyColumn, firsts, seconds int) keyColumn {
	if first.same && second.same {
		return keyColumn{same: true, id: f.one(first.id, second.id)}
	}
	f.reserve(uint32(firsts-1), uint32(seconds-1))
	var batch pairBatch
	for at := 0; at < len(dst); at += len(batch.pairs) {
		n := min(len(batch.pairs), len(dst)-at)
		f.extend(n)
		batch.fill(first.from(at), second.from(at), n)
		if f.slots != nil {
			f.hashed(dst[at:at+n], &batch)
		} else {
			f.direct(dst[at:at+n], &batch)
		}
	}
	return keyColumn{ids: dst}
}

// extend makes room for n more pairs. Memory that append makes is cleared, and what it makes of
// a long list is too little to be used for long.
func (f *pairing) extend(n int) {
	if n += len(f.pairs); n > cap(f.pairs) {
		f.pairs = append(make([]pair, 0, 2*n), f.pairs...)
	}
}

// A pairBatch is as many pairs as are looked up at once. First all places are read that
// will be looked at: the processor waits for many at once, and not for one after the
// other, which it would do at every pair that is new.
type pairBatch struct {
	pairs  [128]pair
	tags   [128]uint32
	places [128]uint64
}

// fill sets the first n pairs.
func (b *pairBatch) fill(first, second keyColumn, n int) {
	pairs := b.pairs[:n]
	switch {
	case first.same:
		for i, id := range second.ids[:n] {
			pairs[i] = pair{first.id, id}
		}
	case second.same:
		for i, id := range first.ids[:n] {
			pairs[i] = pair{id, second.id}
		}
	default:
		seconds := second.ids[:n]
		for i, id := range first.ids[:n] {
			pairs[i] = pair{id, seconds[i]}
		}
	}
}

// direct numbers a batch by the array.
func (f *pairing) direct(dst []uint32, b *pairBatch) {
	shift, dense, warm := f.shift&31, f.dense, uint64(0)
	for i, p := range b.pairs[:len(dst)] {
		at := uint64(p.first)<<shift | uint64(p.second)
		b.places[i&127] = at
		warm += uint64(dense[at])
	}
	f.warm = warm
	for i, at := range b.places[:len(dst)] {
		if n := dense[at]; n != 0 {
			dst[i] = n - 1
		} else {
			p := b.pairs[i&127]
			dst[i] = f.add(int(at), p.first, p.second)
		}
	}
}

// hashed numbers a batch by the hash table.
func (f *pairing) hashed(dst []uint32, b *pairBatch) {
	slots, pairs, warm := f.slots, b.pairs[:len(dst)], uint64(0)
	if shift, down := f.shift&31, uint(bits.LeadingZeros64(uint64(len(slots)-1)))&63; f.tight {
		for i, p := range pairs {
			tag := p.first<<shift | p.second
			at := tagHash(tag) >> down
			b.tags[i&127], b.places[i&127] = tag, at
			warm += slots[at]
		}
	} else {
		for i, p := range pairs {
			tag, at := f.place(p)
			b.tags[i&127], b.places[i&127] = tag, at
			warm += slots[at]
		}
		for _, at := range b.places[:len(dst)] {
			if e := uint32(slots[at]); e != 0 {
				warm += uint64(f.pairs[e-1].first)
			}
		}
	}
	f.warm = warm
	for i, p := range pairs {
		tag, at := b.tags[i&127], b.places[i&127]
		if len(f.slots) != len(slots) { // it has grown meanwhile
			tag, at = f.place(p)
		}
		if e := f.slots[at]; f.tight && uint32(e>>32) == tag && e != 0 {
			dst[i] = uint32(e) - 1
		} else {
			dst[i] = f.look(p, tag, at)
		}
	}
}

// from returns the column from row n on.
func (c keyColumn) from(n int) keyColumn {
	if !c.same {
		c.ids = c.ids[n:]
	}
	return c
}
