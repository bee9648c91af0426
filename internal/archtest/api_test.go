package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/printer"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spendclaim/spendclaim/internal/golden"
)

// howToUpdate ends every failure of the exported surface.
const howToUpdate = "if the change of the exported surface is meant, record it with:\n\tgo test ./internal/archtest -run TestExportedAPI -update"

// apiDir holds one list per public package.
const apiDir = "testdata/api"

// TestExportedAPI compares the exported surface of each public package with its
// list, so that growth and breakage are lines in a review.
func TestExportedAPI(t *testing.T) {
	surfaces := exported(sources(t, tree()))
	for _, pkg := range sortedKeys(surfaces) {
		t.Run(pkg, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(howToUpdate)
				}
			})
			golden.Equal(t, listOf(pkg), []byte(strings.Join(surfaces[pkg], "\n")+"\n"))
		})
	}
	for _, stale := range staleLists(t, surfaces) {
		if !golden.Updating() {
			t.Errorf("%s lists a package that is gone; %s", stale, howToUpdate)
		} else if err := os.Remove(stale); err != nil {
			t.Error(err)
		}
	}
}

// listOf returns the path of a package's list.
func listOf(pkg string) string {
	return filepath.Join(filepath.FromSlash(apiDir), filepath.FromSlash(pkg)+".txt")
}

// staleLists returns the lists of packages that the module no longer has.
func staleLists(t *testing.T, surfaces map[string][]string) []string {
	t.Helper()
	known := map[string]bool{}
	for pkg := range surfaces {
		known[listOf(pkg)] = true
	}
	var stale []string
	err := filepath.WalkDir(apiDir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing recorded yet
		}
		if err == nil && !d.IsDir() && !known[filepath.Clean(name)] {
			stale = append(stale, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return stale
}

// exported returns the surface of every public package that has one: sorted lines,
// one for each name, field and method.
func exported(files []source) map[string][]string {
	surfaces := map[string][]string{}
	for pkg, files := range packages(files) {
		if strings.Contains("/"+pkg+"/", "/internal/") {
			continue
		}
		var lines []string
		for _, f := range files {
			if !f.test && f.ast.Name.Name != "main" {
				lines = append(lines, surface(f)...)
			}
		}
		slices.Sort(lines)
		if lines = slices.Compact(lines); len(lines) > 0 {
			surfaces[pkg] = lines // files for several systems may repeat a name
		}
	}
	return surfaces
}

// surface lists the exported declarations of one file.
func surface(f source) []string {
	var lines []string
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if line := function(f, d); line != "" {
				lines = append(lines, line)
			}
		case *ast.GenDecl:
			var last *ast.ValueSpec // of a group of constants: the type carries on
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						lines = append(lines, typeLines(f, s)...)
					}
				case *ast.ValueSpec:
					if last == nil || len(s.Values) > 0 || s.Type != nil {
						last = s
					}
					lines = append(lines, valueLines(f, d.Tok.String(), s, last.Type)...)
				}
			}
		}
	}
	return lines
}

// function lists a function, or a method of an exported type.
func function(f source, d *ast.FuncDecl) string {
	if !d.Name.IsExported() {
		return ""
	}
	signature := strings.TrimPrefix(text(f, d.Type), "func")
	if d.Recv == nil {
		return "func " + d.Name.Name + signature
	}
	receiver := d.Recv.List[0].Type
	if !ast.IsExported(baseName(receiver)) {
		return ""
	}
	return fmt.Sprintf("method (%s) %s%s", text(f, receiver), d.Name.Name, signature)
}

// baseName returns the name of a type without pointer, package and parameters.
func baseName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return baseName(x.X)
	case *ast.IndexExpr:
		return baseName(x.X)
	case *ast.IndexListExpr:
		return baseName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name // embedded from another package
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// valueLines lists constants with their values, which are a promise where they are
// spelled out (component ids), and variables without.
func valueLines(f source, kind string, s *ast.ValueSpec, typ ast.Expr) []string {
	var lines []string
	for i, name := range s.Names {
		if !name.IsExported() {
			continue
		}
		line := kind + " " + name.Name
		if typ != nil {
			line += " " + text(f, typ)
		}
		if kind == "const" && i < len(s.Values) {
			line += " = " + text(f, s.Values[i])
		}
		lines = append(lines, line)
	}
	return lines
}

// typeLines lists a type, and each exported field or method of it on a line.
func typeLines(f source, s *ast.TypeSpec) []string {
	head := "type " + s.Name.Name
	if s.TypeParams != nil {
		var params []string
		for _, p := range s.TypeParams.List {
			params = append(params, fieldText(f, p))
		}
		head += "[" + strings.Join(params, ", ") + "]"
	}
	if s.Assign.IsValid() {
		return []string{head + " = " + text(f, s.Type)}
	}
	switch typ := s.Type.(type) {
	case *ast.StructType:
		return append([]string{head + " struct"}, members(f, head+" struct, ", typ.Fields, false)...)
	case *ast.InterfaceType:
		return append([]string{head + " interface"}, members(f, head+" interface, ", typ.Methods, true)...)
	}
	return []string{head + " " + text(f, s.Type)}
}

// members lists what is exported of a struct or an interface. That an interface
// has unexported methods is part of its surface: nobody else can implement it.
func members(f source, head string, fields *ast.FieldList, inInterface bool) []string {
	var lines []string
	for _, field := range fields.List {
		if len(field.Names) == 0 {
			if inInterface || ast.IsExported(baseName(field.Type)) {
				lines = append(lines, head+"embedded "+text(f, field.Type))
			}
		}
		for _, name := range field.Names {
			switch {
			case name.IsExported():
				lines = append(lines, head+name.Name+member(f, field.Type, inInterface))
			case inInterface:
				lines = append(lines, head+"unexported methods")
			}
		}
	}
	return lines
}

// member prints what stands behind a name: the signature of a method, the type of a
// field.
func member(f source, typ ast.Expr, inInterface bool) string {
	if inInterface {
		return strings.TrimPrefix(text(f, typ), "func")
	}
	return " " + text(f, typ)
}

// fieldText prints a type parameter.
func fieldText(f source, field *ast.Field) string {
	var names []string
	for _, n := range field.Names {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ") + " " + text(f, field.Type)
}

// text prints a node on one line, the same however its source is broken into lines.
func text(f source, n ast.Node) string {
	if literal, ok := n.(*ast.BasicLit); ok {
		return literal.Value // blanks in a string are its own
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, f.fset, n); err != nil {
		return fmt.Sprintf("unprintable %T: %v", n, err)
	}
	line := strings.Join(strings.Fields(b.String()), " ")
	return strings.NewReplacer("( ", "(", ", )", ")").Replace(line)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestExportedListsEveryKindOfName(t *testing.T) {
	files := sources(t, fstest.MapFS{
		"a/a.go": {Data: []byte(`package a
import "io"
type Kind uint8
const (
	One Kind = iota
	Two
	hidden
)
const Name, other = "n", "o"
var ErrX = io.EOF
var Table map[string]int
type T[K comparable, V any] struct {
	Field map[K]V // commented
	Hook  func(n int) error
	hidden int
	io.Reader
	inner
}
type inner struct{ Deep int }
func (t *T[K, V]) Method(k K) (v V, err error) { return }
func (t T[K, V]) hidden() {}
func (inner) Unreachable() {}
type I interface {
	io.Closer
	Do(x int) error
	sealed()
}
type Alias = inner
func F(
	a, b int,
	more ...string,
) {
}
`)},
		"a/a_test.go":       {Data: []byte("package a\nfunc Test() {}\n")},
		"b/main.go":         {Data: []byte("package main\nfunc Exported() {}\n")},
		"c/doc.go":          {Data: []byte("package c\n")},
		"internal/d/d.go":   {Data: []byte("package d\nfunc D() {}\n")},
		"e/internal/d/d.go": {Data: []byte("package d\nfunc D() {}\n")},
	})
	surfaces := exported(files)
	if got := sortedKeys(surfaces); !slices.Equal(got, []string{"a"}) {
		t.Errorf("packages with a surface = %q, want a alone", got)
	}
	golden.Equal(t, path.Join("testdata", "surface.txt"), []byte(strings.Join(surfaces["a"], "\n")+"\n"))
}
