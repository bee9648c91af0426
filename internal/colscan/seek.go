package colscan

import "context"

// Seek moves forwards to a row by its 0-based number in the file, passing those
// before it without looking at them. Like [Rows.Next] it returns false at the
// end, after an error and when ctx is done. A row that was passed cannot be
// gone back to: Seek then stays where it is.
func (r *Rows) Seek(ctx context.Context, index int64) bool {
	for r.index < index {
		if r.group >= 0 && !r.done {
			if k := min(r.f.groups[r.group].rows-1-r.row, index-r.index) - 1; k > 0 {
				r.row += k
				r.index += k
			}
		}
		if !r.Next(ctx) {
			return false
		}
	}
	return !r.done
}

// Listed reports whether the value is an entry of its chunk's dictionary, so that
// it is resolved once and may occur any number of times.
func (v *Value) Listed() bool { return v.v.entry >= 0 }
