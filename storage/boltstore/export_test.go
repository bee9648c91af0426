package boltstore

// OpenNoSync is Open without waiting for the disk, for tests that commit often
// and prove nothing about crashes.
func OpenNoSync(path string, o *Options) (*Driver, error) { return open(path, o, true) }

// Inspect makes the check of the file's structure a target of fuzzing.
var Inspect = inspect
