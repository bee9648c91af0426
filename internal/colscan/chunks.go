package colscan

import "iter"

// Chunks yields where the chunks of a column lie in the file, one for each leaf:
// for callers whose source is far away and wants to know what will be read.
func (f *File) Chunks(group, col int) iter.Seq2[int64, int64] {
	return func(yield func(off, size int64) bool) {
		chunks := f.groups[group].chunks
		for i := range f.columns[col].leaves {
			c := &chunks[f.columns[col].leaves[i].index]
			if c.size > 0 && !yield(c.start(), c.size) {
				return
			}
		}
	}
}
