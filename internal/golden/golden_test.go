package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder takes the failures of a comparison in place of the test itself.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return "TestRecorded" }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// equal runs Equal to its end, which Fatalf may make its goroutine's, and returns
// the failure it reported.
func equal(t *testing.T, path, got string) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Equal(r, path, []byte(got))
	}()
	<-done
	return r.failed
}

// updating sets the flag for one test.
func updating(t *testing.T, on bool) {
	t.Helper()
	before := *update
	t.Cleanup(func() { *update = before })
	*update = on
}

func TestEqualFailsWithoutAFile(t *testing.T) {
	updating(t, false)
	got := equal(t, filepath.Join(t.TempDir(), "absent.txt"), "")
	if want := "-run '^TestRecorded$' -update"; !strings.Contains(got, want) {
		t.Errorf("failure %q does not say %q", got, want)
	}
}

func TestEqualComparesBytes(t *testing.T) {
	updating(t, false)
	path := filepath.Join(t.TempDir(), "recorded.txt")
	if err := os.WriteFile(path, []byte("a\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := equal(t, path, "a\nb\n"); got != "" {
		t.Errorf("equal bytes failed: %s", got)
	}
	for _, other := range []string{"", "a\nb", "a\r\nb\r\n", "a\nc\n"} {
		if got := equal(t, path, other); !strings.Contains(got, "-update") {
			t.Errorf("%q against the file: failure %q, want one that names -update", other, got)
		}
	}
}

func TestUpdateWritesAndIsThenEqual(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "new.txt")
	updating(t, true)
	if got := equal(t, path, "x\n"); got != "" {
		t.Fatalf("update failed: %s", got)
	}
	updating(t, false)
	if got := equal(t, path, "x\n"); got != "" {
		t.Errorf("after the update: %s", got)
	}
}
