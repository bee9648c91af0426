package cur

import (
	"encoding/binary"
	"strings"
)

// texts remembers the texts of one column. Columns repeat a few values over
// millions of rows; with them remembered a row allocates nothing. Whoever keeps
// a string keeps no buffer of the reader alive, but up to arenaSize bytes of the
// strings made next to it. What is remembered is bounded, whatever the column
// holds.
type texts struct {
	last string       // rows repeat: most look-ups end here
	near *[256]string // most others here, by a hash of little worth
	seen map[string]string
	size int
	many bool // values are those of a dictionary too large to be remembered
	arena
}

const (
	maxTexts     = 8192
	maxTextBytes = 1 << 20
	manyTexts    = 1024
	maxText      = 4096 // a longer text is not remembered
	arenaSize    = 16 << 10
)

// of returns b as a string.
func (t *texts) of(b []byte) string {
	if string(b) == t.last {
		return t.last
	}
	if t.near == nil {
		t.near = new([256]string)
	}
	near := &t.near[nearHash(b)]
	if string(b) == *near && len(b) > 0 {
		t.last = *near
		return t.last
	}
	s, ok := t.seen[string(b)]
	if !ok {
		if s = t.copy(b); len(s) > maxText {
			return s
		}
		if t.seen == nil {
			t.seen = make(map[string]string)
		} else if len(t.seen) == maxTexts || t.size+len(s) > maxTextBytes {
			clear(t.seen)
			t.size = 0
		}
		t.seen[s] = s
		t.size += len(s)
	}
	t.last, *near = s, s
	return s
}

// nearHash is a hash of a text's length and its last bytes, which differ more than
// the first do.
func nearHash(b []byte) uint8 {
	h := uint64(len(b))
	for n := len(b); n >= 8; n -= 8 {
		if h = h*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(b[n-8:]); n <= len(b)-24 {
			break
		}
	}
	if n := len(b); n < 8 {
		for _, c := range b {
			h = h<<8 | uint64(c)
		}
	}
	return uint8(h * 0x9e3779b97f4a7c15 >> 56)
}

// once returns b as a string without remembering it beyond the next call: for
// texts that hardly repeat.
func (t *texts) once(b []byte) string {
	if string(b) != t.last {
		t.last = t.copy(b)
	}
	return t.last
}

// arena makes strings, many of them in one allocation. A string stays what it is
// for as long as it is kept: memory is given up and never written again.
type arena struct{ b strings.Builder }

func (a *arena) copy(b []byte) string {
	if len(b) > arenaSize/4 {
		return string(b)
	}
	if a.b.Len()+len(b) > a.b.Cap() {
		a.b.Reset()
		a.b.Grow(arenaSize)
	}
	from := a.b.Len()
	a.b.Write(b)
	return a.b.String()[from:]
}
