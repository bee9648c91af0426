package cur

// Files of CSV are read side by side as row groups are by columns: one is the unit of
// work. Files are finished in their order. Where anything is wrong, the run is begun
// again, row by row, which then reports what comes first.

// isText reports whether a file is read as CSV with the tables of the column path.
// Without a billing period a row's times say what month it is billed in: such files
// are read by row.
func (r *run) isText(rd *Reader) bool {
	if r.byRows || r.faults.active() || rd.row == nil || rd.row.period < 0 {
		return false
	}
	_, ok := rd.row.dec.(*csvDecoder)
	return ok
}

// units is how many pieces of work a file is.
func (f *columnFile) units() int {
	if f.plan == nil {
		return 1
	}
	return f.plan.file.NumRowGroups()
}

// complete reports whether a file that was read has the rows that it promises.
func (f *columnFile) complete() bool { return f.plan == nil || f.rd.n == f.plan.file.NumRows() }
