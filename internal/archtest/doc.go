// Package archtest holds the rules of the house that no compiler checks, as tests
// over the module's source: who may import whom, which third-party package lives
// where, what the exported surface is, and what code here never does.
//
// All rules refuse by default. A package that is not in the import table, or a
// third-party module that is not in the list of homes, fails until somebody adds a
// line and the line is reviewed. Folders named in the tables that do not exist yet
// are fine. Source is parsed and not built, so files for other systems are checked
// too, and a package that does not compile is still checked.
//
// Each rule has a test of its own that plants a violation: a rule that cannot fail
// guards nothing.
//
// The exported surface of every public package is written under testdata/api. If a
// change of it is meant, record it and read the difference:
//
//	go test ./internal/archtest -run TestExportedAPI -update
package archtest
