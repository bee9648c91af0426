package cur

// announce tells a file that is far away what will be read of a row group: the
// columns that are read for all rows at once, the others when the first row needs
// them, which in many row groups none does. What only few rows need, or mostly
// none does, is never announced. end ends it.
func (w *columnWorker) announce(f File, group int) (end func()) {
	remote, ok := f.(RemoteFile)
	if !ok {
		w.expect = func(reach) {}
		return func() {}
	}
	var done []func()
	said := reachAll + 1
	w.expect = func(r reach) {
		if r >= said {
			return
		}
		var ranges []Range
		for col, need := range w.plan.reach {
			if lazy := w.plan.lazyTimes && (col == w.plan.start || col == w.plan.end); need >= r && need < said && !lazy {
				for off, size := range w.plan.file.Chunks(group, col) {
					ranges = append(ranges, Range{off, size})
				}
			}
		}
		said = r
		done = append(done, remote.Expect(ranges))
	}
	w.expect(reachTest)
	return func() {
		for _, f := range done {
			f()
		}
	}
}
