package cur

// texts remembers the texts of one column. Columns repeat a few values over
// millions of rows; with them remembered a row allocates nothing, and whoever
// keeps a string keeps neither a buffer nor the rest of the row alive. What is
// remembered is bounded, whatever the column holds.
type texts struct {
	last string // rows repeat: most look-ups end here
	seen map[string]string
	size int
}

const (
	maxTexts     = 8192
	maxTextBytes = 1 << 20
	maxText      = 4096 // a longer text is not remembered
)

// of returns b as a string.
func (t *texts) of(b []byte) string {
	if string(b) == t.last {
		return t.last
	}
	s, ok := t.seen[string(b)]
	if !ok {
		s = string(b)
		if len(s) > maxText {
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
