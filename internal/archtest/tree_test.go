package archtest

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that import paths of the module begin with.
const module = "github.com/spendclaim/spendclaim"

// source is one Go file of the module.
type source struct {
	path  string // relative to the module root, with slashes
	dir   string // the package: "." for the root
	test  bool   // compiled into no program: a test, or a tool behind "go:build ignore"
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

// at says where a node stands, as an editor understands it.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

// imports returns the import paths of the file and where they stand.
func (s source) imports() []imported {
	var all []imported
	for _, spec := range s.ast.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser accepts only string literals
		}
		all = append(all, imported{path: name, at: s.at(spec)})
	}
	return all
}

type imported struct{ path, at string }

// tree is the module's root.
func tree() fs.FS { return os.DirFS("../..") }

// sources parses every Go file of a tree but those of nested modules (which have
// rules of their own) and of folders that the go command passes over.
func sources(t *testing.T, root fs.FS) []source {
	t.Helper()
	var all []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(root, name)
		case path.Ext(name) != ".go":
			return nil
		}
		s, err := parse(root, name)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// enter returns fs.SkipDir for folders that are not part of the module's source.
func enter(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if base == "testdata" || base == "node_modules" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(root fs.FS, name string) (source, error) {
	body, err := fs.ReadFile(root, name)
	if err != nil {
		return source{}, err
	}
	s := source{path: name, dir: path.Dir(name), fset: token.NewFileSet(), lines: strings.Count(string(body), "\n")}
	if s.ast, err = parser.ParseFile(s.fset, name, body, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return source{}, err
	}
	s.test = strings.HasSuffix(name, "_test.go") || ignored(s.ast)
	return s, nil
}

// ignored reports whether a file opens with "go:build ignore".
func ignored(f *ast.File) bool {
	for _, group := range f.Comments {
		if group.Pos() > f.Package {
			return false
		}
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			if x, err := constraint.Parse(c.Text); err == nil && x.String() == "ignore" {
				return true
			}
		}
	}
	return false
}

// packages groups files by folder, in the order of their paths.
func packages(files []source) map[string][]source {
	byDir := map[string][]source{}
	for _, f := range files {
		byDir[f.dir] = append(byDir[f.dir], f)
	}
	return byDir
}

// matches reports whether a package is meant by a pattern: its own path, or any
// folder above it followed by "/...".
func matches(pattern, pkg string) bool {
	if top, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == top || strings.HasPrefix(pkg, top+"/")
	}
	return pattern == pkg
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

// report fails t once for each violation.
func report(t *testing.T, violations []string) {
	t.Helper()
	for _, v := range violations {
		t.Error(v)
	}
}

// planted checks that a rule finds exactly the violations planted in a small tree:
// one for each string, which it must contain.
func planted(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d violations, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, v := range got {
		if !strings.Contains(v, want[i]) {
			t.Errorf("violation %d = %q, want one containing %q", i, v, want[i])
		}
	}
}
