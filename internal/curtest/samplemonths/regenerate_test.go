package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// tree returns the files below a folder by slash path.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") { // what embeds them
			return err
		}
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		files[path] = body
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCommittedFilesAreRegenerated(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	want, got := tree(t, months), tree(t, dir)
	for path := range want {
		if _, ok := got[path]; !ok {
			t.Errorf("%s is committed but not written", path)
		}
		if strings.Contains(path, ":") {
			t.Errorf("%s holds a colon", path)
		}
	}
	for path, body := range got {
		switch {
		case bytes.Equal(body, want[path]):
		case strings.HasSuffix(path, ".parquet") && runtime.GOARCH != "amd64" && want[path] != nil:
			// The Snappy encoder has other code there; its rows must be the same still.
			is := readFile(t, filepath.Join(dir, filepath.FromSlash(path)))
			if diff := cmp.Diff(readFile(t, filepath.Join(months, filepath.FromSlash(path))), is); diff != "" {
				t.Errorf("%s holds other rows:\n%s", path, diff)
			}
		default:
			t.Errorf("%s differs from what is committed; from the root run:\n\tgo run ./internal/curtest/samplemonths -out examples/quickstart/months", path)
		}
		if len(body) > 150<<10 {
			t.Errorf("%s has %d bytes, want at most %d", path, len(body), 150<<10)
		}
	}
}

func TestParquetFilesSayTheyAreSynthetic(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(months, "*", "data", "*", "*.parquet"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%d Parquet files, %v, want 4", len(files), err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := colscan.Open(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := f.Lookup("synthetic"); got != "true" {
			t.Errorf("%s: synthetic is %q, want true", name, got)
		}
	}
}
