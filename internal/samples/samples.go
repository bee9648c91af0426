// Package samples finds the sample cost reports that tests read when they are
// there. They are not part of the module.
package samples

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of a file among the samples. The folder is named by
// SPENDCLAIM_SAMPLES, else it is shared/samples beside the module's root. When
// the folder is absent the test is skipped, or fails where REQUIRE_SAMPLES=1.
func Path(tb testing.TB, elem ...string) string {
	tb.Helper()
	dir := os.Getenv("SPENDCLAIM_SAMPLES")
	if dir == "" {
		_, self, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(self), "..", "..", "..", "shared", "samples")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("REQUIRE_SAMPLES") == "1" {
			tb.Fatalf("no sample reports at %s, and REQUIRE_SAMPLES=1", dir)
		}
		tb.Skipf("no sample reports at %s: set SPENDCLAIM_SAMPLES to their folder", dir)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}
