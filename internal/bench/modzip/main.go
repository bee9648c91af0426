// Command modzip checks that the module can be published: golang.org/x/mod/zip makes
// the archive of it that the go command downloads, and no file has a name that some
// file system refuses or takes for another's.
//
//	modzip [folder of the module]
//
// The files are those that git has or would take; what ignored files there are beside
// them, no one downloads. Exit 1 with every fault on a line of its own.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	size, n, faults, err := check(dir)
	for _, f := range faults {
		fmt.Println(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || len(faults) > 0 {
		os.Exit(1)
	}
	fmt.Printf("the module's archive: %d files, %d bytes\n", n, size)
}

// file is a file of the module on disk.
type file struct{ name, at string }

func (f file) Path() string                 { return f.name }
func (f file) Lstat() (os.FileInfo, error)  { return os.Lstat(f.at) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.at) }

// check returns the size of the archive, the number of files in it, and what is
// wrong.
func check(dir string) (size int64, n int, faults []string, err error) {
	names, err := tracked(dir)
	if err != nil {
		return 0, 0, nil, err
	}
	faults = nameFaults(names)
	var files []zip.File
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(at); err == nil { // else deleted, and not committed yet
			files = append(files, file{name, at})
		}
	}
	checked, err := zip.CheckFiles(files)
	for _, e := range checked.Invalid {
		faults = append(faults, e.Error())
	}
	if err != nil {
		return 0, 0, faults, err
	}
	version, err := versionOf(dir)
	if err != nil {
		return 0, 0, faults, err
	}
	out, err := os.CreateTemp("", "modzip-*.zip")
	if err != nil {
		return 0, 0, faults, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := zip.Create(out, version, files); err != nil {
		return 0, 0, faults, err
	}
	if err := out.Close(); err != nil {
		return 0, 0, faults, err
	}
	if _, err := zip.CheckZip(version, out.Name()); err != nil {
		return 0, 0, faults, err
	}
	info, err := os.Stat(out.Name())
	if err != nil {
		return 0, 0, faults, err
	}
	return info.Size(), len(checked.Valid), faults, nil
}

// tracked lists the files that git has or would take.
func tracked(dir string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("modzip: list files: %w", err)
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(names) < 2 {
		return nil, errors.New("modzip: list files: git knows none here")
	}
	return names, nil
}

// nameFaults finds names that hold a colon, which Windows has no files of, or are those
// of another file or folder but for case. Nested modules are not in the archive, yet in
// the repository that somebody clones.
func nameFaults(names []string) (faults []string) {
	seen := make(map[string]string)
	for _, name := range names {
		if strings.Contains(name, ":") {
			faults = append(faults, name+": a colon in the name")
		}
		for p := name; p != "."; p = path.Dir(p) {
			folded := strings.ToLower(p)
			if other, ok := seen[folded]; ok && other != p {
				faults = append(faults, fmt.Sprintf("%s: differs from %s only by case", p, other))
			}
			seen[folded] = p
		}
	}
	return faults
}

func versionOf(dir string) (module.Version, error) {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return module.Version{}, fmt.Errorf("modzip: %w", err)
	}
	name := modfile.ModulePath(b)
	if name == "" {
		return module.Version{}, errors.New("modzip: go.mod names no module")
	}
	return module.Version{Path: name, Version: "v0.0.0-0"}, nil
}
