package cur

import "strings"

// texts remembers the texts of one column. Columns repeat a few values over
// millions of rows; with them remembered a row allocates nothing. Whoever keeps
// a string keeps no buffer of the reader alive, but up to arenaSize bytes of the
// strings made next to it. What is remembered is bounded, whatever the column
// holds.
type texts struct {
	last string // rows repeat: most look-ups end here
	seen map[string]string
	size int
	arena
}

const (
	maxTexts     = 8192
	maxTextBytes = 1 << 20
	maxText      = 4096 // a longer text is not remembered
	arenaSize    = 16 << 10
)

// of returns b as a string.
func (t *texts) of(b []byte) string {
	if string(b) == t.last {
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
	t.last = s
	return s
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
