package colscan

// IgnoreChecksums makes readers of f leave page checksums alone.
func IgnoreChecksums(f *File) { f.unchecked = true }
