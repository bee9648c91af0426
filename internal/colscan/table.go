package colscan

// Table gives the values loaded as places in a table of what the dictionary
// entries resolve to, for callers that look at each value once and later: value
// pos[i], or value i when pos is nil, resolves to table[refs[i]]. It is Resolve
// without writing what values resolve to, row by row.
//
// With every set all entries of the dictionary are resolved at the first call,
// which is least work for whoever reads all rows of the chunk. The table is void
// after the next Load; refs is filled. ok is false when some of the values are in no
// dictionary, or they are all the same.
func Table[T any](c *Codes, pos []int32, refs []uint32, every bool, m *Memo[T], resolve func(*Value) (T, error)) (table []T, ok bool, err error) {
	if c.owns || c.same {
		return nil, false, nil
	}
	m.begin(c)
	null := uint32(m.size) // which is less than what stands for it
	if pos == nil {
		for i, ref := range c.refs[:len(refs)] {
			refs[i] = min(ref, null)
		}
	} else {
		for i, p := range pos[:len(refs)] {
			refs[i] = min(c.refs[p], null)
		}
	}
	if !every || !m.resolveAll(c, resolve) {
		for _, ref := range refs {
			if int(ref) < len(m.known) && m.known[ref] {
				continue
			}
			if int(ref) == m.size {
				ref = refNull
			}
			if _, err := m.one(c, ref, resolve); err != nil {
				return nil, false, err
			}
		}
	}
	return m.vals, true, nil
}
