package colscan

// Where many columns have few values each, what rows have in common is told by the
// numbers of their dictionary entries side by side in one word. Words are put together
// four columns at a time: one at a time would read and write every word as often.

// A Part is what one column puts into words: null is 0, and dictionary entry k is
// k+1, counted in units of some bit.
type Part struct {
	refs []uint32
	unit uint64
}

// Part returns the part of the loaded values whose lowest bit is shift. The values are
// all in the dictionary, see [Codes.Owns], and not all the same.
func (c *Codes) Part(shift uint) Part { return Part{c.refs, 1 << shift} }

// PartOf returns the part of numbers of the caller's own, of which k counts as entry k.
func PartOf(numbers []uint32, shift uint) Part { return Part{numbers, 1 << shift} }

// Word returns what [Pack] adds for values that are all the same: see [Codes.Same].
func (c *Codes) Word(shift uint) uint64 { return uint64(c.first+1) << shift }

// Pack adds to word i the parts of value at[i], or of value i when at is nil.
func Pack(words []uint64, at []int32, parts []Part) {
	for len(parts) >= 4 {
		pack4(words, at, parts[0], parts[1], parts[2], parts[3])
		parts = parts[4:]
	}
	if len(parts) >= 2 {
		pack2(words, at, parts[0], parts[1])
		parts = parts[2:]
	}
	for _, p := range parts {
		pack1(words, at, p)
	}
}

// The sums refs[i]+1 are of 32 bits, in which null comes to 0.

func pack4(words []uint64, at []int32, a, b, c, d Part) {
	x, y, z, v := a.unit, b.unit, c.unit, d.unit
	if at == nil {
		n := len(words)
		r, s, t, u := a.refs[:n], b.refs[:n], c.refs[:n], d.refs[:n]
		for i := range words {
			words[i] += uint64(r[i]+1)*x + uint64(s[i]+1)*y + uint64(t[i]+1)*z + uint64(u[i]+1)*v
		}
		return
	}
	// Equal lengths, so that one check of a place serves all.
	n := min(len(a.refs), len(b.refs), len(c.refs), len(d.refs))
	r, s, t, u := a.refs[:n], b.refs[:n], c.refs[:n], d.refs[:n]
	for i, p := range at[:len(words)] {
		words[i] += uint64(r[p]+1)*x + uint64(s[p]+1)*y + uint64(t[p]+1)*z + uint64(u[p]+1)*v
	}
}

func pack2(words []uint64, at []int32, a, b Part) {
	x, y := a.unit, b.unit
	if at == nil {
		n := len(words)
		r, s := a.refs[:n], b.refs[:n]
		for i := range words {
			words[i] += uint64(r[i]+1)*x + uint64(s[i]+1)*y
		}
		return
	}
	n := min(len(a.refs), len(b.refs))
	r, s := a.refs[:n], b.refs[:n]
	for i, p := range at[:len(words)] {
		words[i] += uint64(r[p]+1)*x + uint64(s[p]+1)*y
	}
}

func pack1(words []uint64, at []int32, a Part) {
	r, x := a.refs, a.unit
	if at == nil {
		r = r[:len(words)]
		for i := range words {
			words[i] += uint64(r[i]+1) * x
		}
		return
	}
	for i, p := range at[:len(words)] {
		words[i] += uint64(r[p]+1) * x
	}
}
