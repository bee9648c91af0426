package cur

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

// dict numbers the texts of one column, from 0 up.
type dict struct {
	vals []string
	// slots is a hash table, at most half full: the upper half of a text's hash, and its
	// number + 1; 0 is free. With the hash there, a text is hardly ever compared with
	// another one, and none is hashed again when the table grows.
	slots []uint64
	seed  maphash.Seed

	last   string // rows repeat: most look-ups end here
	lastID uint32
	warm   uint64 // see all; means nothing
}

// id numbers a text.
func (d *dict) id(s string) uint32 {
	if len(d.vals) > 0 && s == d.last {
		return d.lastID
	}
	d.reserve(1)
	return d.seen(d.find([]byte(s), maphash.String(d.seed, s)))
}

// of numbers a text.
func (d *dict) of(b []byte) uint32 {
	if len(d.vals) > 0 && string(b) == d.last {
		return d.lastID
	}
	d.reserve(1)
	return d.seen(d.find(b, maphash.Bytes(d.seed, b)))
}

func (d *dict) seen(id uint32) uint32 {
	d.last, d.lastID = d.vals[id], id
	return id
}

// all numbers texts. First everything is read that will be looked at, slots and then the
// texts that they lead to: the processor waits for many at once, and not for one
// after the other.
func (d *dict) all(texts [][]byte, ids []uint32) {
	var hashes [64]uint64
	for len(texts) > 0 {
		n := min(len(hashes), len(texts))
		d.reserve(n)
		warm := uint64(0)
		for _, b := range texts[:n] {
			warm += touch(b)
		}
		for i, b := range texts[:n] {
			hashes[i] = maphash.Bytes(d.seed, b)
			warm += d.slots[d.place(hashes[i])]
		}
		for _, h := range hashes[:n] {
			if e := uint32(d.slots[d.place(h)]); e != 0 {
				warm += touch(d.vals[e-1])
			}
		}
		d.warm = warm
		for i, b := range texts[:n] {
			ids[i] = d.find(b, hashes[i])
		}
		d.seen(ids[n-1])
		texts, ids = texts[n:], ids[n:]
	}
}

// touch reads a text's beginning, middle and end, which are mostly all of it as memory is read.
func touch[T string | []byte](s T) uint64 {
	if len(s) == 0 {
		return 0
	}
	return uint64(s[0]) + uint64(s[len(s)/2]) + uint64(s[len(s)-1])
}

// place returns the first slot of a hash.
func (d *dict) place(hash uint64) uint64 {
	return hash >> (uint(bits.LeadingZeros64(uint64(len(d.slots)-1))) & 63)
}

// find returns the number of a text, and gives one to a new text, of which it keeps a
// copy. There is room for it.
func (d *dict) find(b []byte, hash uint64) uint32 {
	tag, mask := hash>>32, uint64(len(d.slots)-1)
	for at := d.place(hash); ; at = (at + 1) & mask {
		e := d.slots[at]
		if e == 0 {
			d.vals = append(d.vals, string(b))
			d.slots[at] = tag<<32 | uint64(len(d.vals))
			return uint32(len(d.vals) - 1)
		}
		if id := uint32(e) - 1; e>>32 == tag && d.vals[id] == string(b) {
			return id
		}
	}
}

// reserve makes room for n more texts.
func (d *dict) reserve(n int) {
	if n = 2 * (len(d.vals) + n); n <= len(d.slots) {
		return
	}
	old := d.slots
	if old == nil {
		d.seed = maphash.MakeSeed()
	}
	d.slots = fresh[uint64](1 << bits.Len(uint(n-1)))
	mask := uint64(len(d.slots) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		at := d.place(e)
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = e
	}
}

// sort puts the texts in order and returns each old id's new one. No text is numbered
// after.
func (d *dict) sort() []uint32 {
	rank := make([]uint32, len(d.vals))
	order := make([]uint32, len(d.vals))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(d.vals[a], d.vals[b]) })
	vals := make([]string, len(d.vals))
	for to, from := range order {
		rank[from], vals[to] = uint32(to), d.vals[from]
	}
	*d = dict{vals: vals}
	return rank
}
