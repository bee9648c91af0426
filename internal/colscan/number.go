package colscan

// textsAtOnce is how many texts [Number] hands over at once at most.
const textsAtOnce = 64

// A NumberMemo remembers the numbers of a chunk's texts, as a [Memo] does what values resolve
// to. The zero NumberMemo is ready, and serves one chunk after another.
type NumberMemo struct {
	memo  Memo[uint32]
	refs  []uint32 // the dictionary entries that are handed over next
	texts [][]byte
	ids   []uint32
}

// Number is [Resolve] for texts that are numbered. number sets the numbers of texts, null
// being nil; it may change the list of texts, not what they consist of. It is called with
// many texts at once where they are in a dictionary: whoever looks them up in a large table
// need not wait for memory as often as there are texts.
func Number(c *Codes, pos []int32, dst []uint32, m *NumberMemo, number func(texts [][]byte, ids []uint32)) error {
	if m.texts == nil {
		m.refs, m.texts, m.ids = make([]uint32, 0, textsAtOnce), make([][]byte, textsAtOnce), make([]uint32, textsAtOnce)
	}
	if c.spec.kind == String && !c.owns && !c.same {
		if err := m.learn(c, pos, len(dst), number); err != nil {
			m.memo.Reset()
			return err
		}
	}
	// What is left is null, or in no dictionary, or is one value, or is written as a text here.
	return Resolve(c, pos, dst, &m.memo, func(v *Value) (id uint32, err error) {
		if m.texts[0], err = v.Text(); err == nil {
			number(m.texts[:1], m.ids[:1])
		}
		return m.ids[0], err
	})
}

// learn numbers the dictionary entries among the first n values that are not known.
func (m *NumberMemo) learn(c *Codes, pos []int32, n int, number func([][]byte, []uint32)) error {
	m.memo.begin(c)
	known, refs := m.memo.known[:m.memo.size], c.refs
	m.refs = m.refs[:0]
	for i := range n {
		at := i
		if pos != nil {
			at = int(pos[i])
		}
		ref := refs[at]
		if int64(ref) >= int64(len(known)) || known[ref] { // null is greater than all entries
			continue
		}
		var v value
		if err := c.dict.get(c.spec, ref, &v); err != nil {
			return err
		}
		m.texts[len(m.refs)], known[ref] = v.bytes, true
		if m.refs = append(m.refs, ref); len(m.refs) == textsAtOnce {
			m.handOver(number)
		}
	}
	if len(m.refs) > 0 {
		m.handOver(number)
	}
	return nil
}

func (m *NumberMemo) handOver(number func([][]byte, []uint32)) {
	number(m.texts[:len(m.refs)], m.ids[:len(m.refs)])
	for i, ref := range m.refs {
		m.memo.vals[ref] = m.ids[i]
	}
	m.refs = m.refs[:0]
}
