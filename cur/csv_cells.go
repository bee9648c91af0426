package cur

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// cellNumbers numbers the texts of a column in the order in which they come up. It
// is a hash table without deletion: what it holds is bounded by those who use it,
// who empty it as a whole.
type cellNumbers struct {
	last   []byte // neighbours repeat: many look-ups end here
	lastID uint32
	slots  []uint64 // open addressing: half of the hash, and the number + 1; 0 is free
	texts  [][]byte // by number
	block  []byte   // what texts are cut from
	size   int
	seed   uint64
}

const (
	// maxNumbers and maxNumberBytes bound what a column's numbers may hold.
	maxNumbers     = 16384
	maxNumberBytes = 2 << 20
)

func newCellNumbers() cellNumbers { return cellNumbers{seed: rand.Uint64()} }

// of returns the number of a cell, a new one for a text not seen before.
func (c *cellNumbers) of(cell []byte) uint32 {
	if len(c.texts) > 0 && string(cell) == string(c.last) {
		return c.lastID
	}
	if 4*len(c.texts) >= 3*len(c.slots) {
		c.grow()
	}
	h, mask := hashCell(c.seed, cell), uint64(len(c.slots)-1)
	for at := h & mask; ; at = (at + 1) & mask {
		e := c.slots[at]
		if e == 0 {
			c.slots[at] = h&^(1<<32-1) | uint64(len(c.texts)+1)
			c.last, c.lastID = c.keep(cell), uint32(len(c.texts))
			c.texts = append(c.texts, c.last)
			return c.lastID
		}
		if (e^h)>>32 != 0 {
			continue
		}
		if id := uint32(e) - 1; string(c.texts[id]) == string(cell) {
			c.last, c.lastID = c.texts[id], id
			return id
		}
	}
}

// hashCell is a hash of a text. The seed keeps texts from being made to collide.
func hashCell(seed uint64, b []byte) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0x9fb21c651e98df25
	h, n := seed^uint64(len(b))*k0, len(b)
	for ; len(b) > 16; b = b[16:] {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b)^h, binary.LittleEndian.Uint64(b[8:])^k1)
		h = hi ^ lo
	}
	var x, y uint64
	switch {
	case len(b) >= 8:
		x, y = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	case n > 0:
		x, y = uint64(b[0])|uint64(b[len(b)/2])<<8, uint64(b[len(b)-1])
	}
	hi, lo := bits.Mul64(x^h, y^k1)
	hi, lo = bits.Mul64(hi^lo^h, k0)
	return hi ^ lo
}

// keep copies a cell, many of them in one allocation.
func (c *cellNumbers) keep(cell []byte) []byte {
	c.size += len(cell)
	if len(cell) > arenaSize/4 {
		return append([]byte(nil), cell...)
	}
	if len(c.block)+len(cell) > cap(c.block) {
		c.block = make([]byte, 0, min(arenaSize, max(256, 2*cap(c.block), 2*len(cell))))
	}
	from := len(c.block)
	c.block = append(c.block, cell...)
	return c.block[from:len(c.block):len(c.block)]
}

func (c *cellNumbers) grow() {
	c.slots = make([]uint64, max(64, 2*len(c.slots)))
	mask := uint64(len(c.slots) - 1)
	for id, text := range c.texts {
		h := hashCell(c.seed, text)
		at := h & mask
		for c.slots[at] != 0 {
			at = (at + 1) & mask
		}
		c.slots[at] = h&^(1<<32-1) | uint64(id+1)
	}
}

// full reports whether the numbers hold as much as they may.
func (c *cellNumbers) full() bool { return len(c.texts) >= maxNumbers || c.size >= maxNumberBytes }

// forget empties the numbers.
func (c *cellNumbers) forget() { *c = cellNumbers{seed: c.seed} }

// alike returns how many bytes a and b begin alike with.
func alike(a, b []byte) (n int) {
	if len(a) > len(b) {
		a = a[:len(b)]
	}
	b = b[:len(a)]
	// Long stretches are compared by the runtime, many bytes at once.
	for ; n+128 <= len(a) && string(a[n:n+128]) == string(b[n:n+128]); n += 128 {
	}
	for ; n+8 <= len(a); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for ; n < len(a) && a[n] == b[n]; n++ {
	}
	return n
}
