package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheModuleCanBePublished(t *testing.T) {
	size, n, faults, err := check("../../..")
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v\n%s", err, strings.Join(faults, "\n"))
	}
	if n < 100 || size < 100_000 {
		t.Errorf("%d files, %d bytes: too little to be the module", n, size)
	}
}

func TestPlantedNames(t *testing.T) {
	got := nameFaults([]string{"a/b.go", "a/B.go", "data/2026-05-25T12:00:00Z-1/x", "Docs/a", "docs/b", "go.mod"})
	want := []string{"a/B.go: differs from a/b.go only by case", "data/2026-05-25T12:00:00Z-1/x: a colon in the name",
		"docs: differs from Docs only by case"}
	if !slices.Equal(got, want) {
		t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What the go command would refuse is found, too.
func TestPlantedFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/m\n", "a.go": "package m\n", "testdata/trailing.": "x"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, _, faults, _ := check(dir)
	if len(faults) != 1 || !strings.Contains(faults[0], "trailing.") {
		t.Errorf("faults %q, want one of the planted file", faults)
	}
}
