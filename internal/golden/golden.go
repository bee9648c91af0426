// Package golden compares what a test produced with a file that holds what it
// should produce.
//
// Run the tests of one package with -update to write the files instead, then read
// the difference before committing it. A missing file is a failure and not an
// empty expectation, so a golden test can never pass by never having been
// recorded. Files are compared byte for byte.
package golden

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update is registered when a test binary imports the package, because flags are
// parsed before any test runs.
var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Updating reports whether -update was given, for tests that check more than one
// file at once, such as a folder that must hold no other files.
func Updating() bool { return *update }

// Equal fails t unless the file at path, relative to the test's package, holds
// exactly got. Under -update it writes the file and any folder it needs instead.
func Equal(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		if err := write(path, got); err != nil {
			t.Fatalf("golden: update %s: %v", path, err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("golden: %s does not exist; record it with: go test -run '^%s$' -update", path, t.Name())
	}
	if err != nil {
		t.Fatalf("golden: read %s: %v", path, err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("golden: %s differs (+got -want); if the change is meant, rewrite it with -update\n%s", path, diff(want, got))
	}
}

// write leaves a file alone that already says the same, so that an update shows
// in modification times and build caches only where something changed.
func write(path string, got []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, got) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, got, 0o644)
}

// diff compares line by line; cmp finds the lines that moved and elides the rest.
func diff(want, got []byte) string {
	split := func(b []byte) []string {
		var lines []string
		for line := range bytes.Lines(b) {
			lines = append(lines, string(line))
		}
		return lines
	}
	return cmp.Diff(split(want), split(got))
}
