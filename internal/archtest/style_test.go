package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

// maxLines bounds a file that ships; beyond it there is one room too few.
const maxLines = 700

// check is one rule over a file.
type check struct {
	name  string
	tests bool // holds in tests too
	find  func(source) []string
}

var checks = []check{
	{"no init", false, findInit},
	{"no unscaled division", true, findDivision},
	{"no float money", true, findFloatMoney},
	{"no global decimal settings", true, findDecimalSettings},
	{"no logging", false, findLogging},
	{"no long file", false, findLong},
}

// styleViolations applies every check to every file that it holds for.
func styleViolations(files []source) []string {
	var found []string
	for _, f := range files {
		for _, c := range checks {
			if f.test && !c.tests {
				continue
			}
			for _, v := range c.find(f) {
				found = append(found, v+" ("+c.name+")")
			}
		}
	}
	return found
}

// findInit: initialisation order is a global, and tests cannot turn it off.
func findInit(f source) []string {
	var found []string
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, f.at(fn)+": func init")
		}
	}
	return found
}

// findDivision refuses every method named as shopspring's divisions are. Div cuts
// at a global precision; DivRound is refused with it so that scale and rounding are
// stated in one place, by whoever adds one. Without types the receiver is unknown,
// so big.Int.Div is refused too: its Quo and QuoRem are not.
func findDivision(f source) []string {
	var found []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch name := sel.Sel.Name; {
		case name == "Div", name == "DivRound", name == "Avg" && isDecimal(f, sel.X):
			found = append(found, fmt.Sprintf("%s: call of %s", f.at(sel.Sel), name))
		}
		return true
	})
	return found
}

// findDecimalSettings refuses any mention of shopspring's global variables, which
// would change the arithmetic of the whole program that imports the library.
func findDecimalSettings(f source) []string {
	settings := []string{"DivisionPrecision", "PowPrecisionNegativeExponent", "MarshalJSONWithoutQuotes", "TrimTrailingZeros", "ExpMaxIterations"}
	var found []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && isDecimal(f, sel.X) && slices.Contains(settings, sel.Sel.Name) {
			found = append(found, f.at(sel)+": decimal."+sel.Sel.Name)
		}
		return true
	})
	return found
}

// isDecimal reports whether x is the name under which f imports shopspring.
func isDecimal(f source, x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	if !ok {
		return false
	}
	for _, spec := range f.ast.Imports {
		if spec.Path.Value == `"github.com/shopspring/decimal"` {
			return spec.Name == nil && id.Name == "decimal" || spec.Name != nil && id.Name == spec.Name.Name
		}
	}
	return false
}

// findFloatMoney refuses fields, parameters, results, variables and functions that
// are named as money is and typed as binary floating point.
func findFloatMoney(f source) []string {
	var found []string
	add := func(name *ast.Ident, typ ast.Expr) {
		if name != nil && namesMoney(name.Name) && holdsFloat(typ) {
			found = append(found, fmt.Sprintf("%s: %s is money in floating point", f.at(name), name.Name))
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // of structs, parameters, results, interface methods
			for _, name := range n.Names {
				if fn, ok := n.Type.(*ast.FuncType); ok {
					add(name, resultOf(fn))
				} else {
					add(name, n.Type)
				}
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				add(name, n.Type)
			}
		case *ast.TypeSpec:
			add(n.Name, n.Type)
		case *ast.FuncDecl:
			add(n.Name, resultOf(n.Type))
		}
		return true
	})
	return found
}

// resultOf returns the type of a function's first result.
func resultOf(fn *ast.FuncType) ast.Expr {
	if fn.Results == nil || len(fn.Results.List) == 0 {
		return nil
	}
	return fn.Results.List[0].Type
}

// holdsFloat reports whether values of a type are floats or collections of them.
func holdsFloat(typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name == "float64" || typ.Name == "float32"
	case *ast.StarExpr:
		return holdsFloat(typ.X)
	case *ast.ArrayType:
		return holdsFloat(typ.Elt)
	case *ast.Ellipsis:
		return holdsFloat(typ.Elt)
	case *ast.MapType:
		return holdsFloat(typ.Value)
	}
	return false
}

// namesMoney reports whether one of the words of a name is money: "unblendedCost",
// "RateUSD", but not "generate".
func namesMoney(name string) bool {
	money := []string{"cost", "costs", "price", "prices", "amount", "amounts", "budget", "budgets", "rate", "rates"}
	start := 0
	for i, r := range name + "_" {
		boundary := r == '_' || unicode.IsUpper(r) && i > start && unicode.IsLower(rune(name[i-1]))
		if !boundary {
			continue
		}
		if slices.Contains(money, strings.ToLower(strings.Trim(name[start:i], "_0123456789"))) {
			return true
		}
		start = i
	}
	return false
}

// findLogging: a library reports by its results; only programs log.
func findLogging(f source) []string {
	if f.ast.Name.Name == "main" {
		return nil
	}
	var found []string
	for _, i := range f.imports() {
		if i.path == "log" || i.path == "log/slog" || i.path == "log/syslog" {
			found = append(found, i.at+": import of "+i.path)
		}
	}
	return found
}

func findLong(f source) []string {
	if f.lines <= maxLines {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d lines, at most %d", f.path, f.lines, maxLines)}
}

func TestStyle(t *testing.T) {
	report(t, styleViolations(sources(t, tree())))
}

func TestStyleFindsPlantedFaults(t *testing.T) {
	file := func(body string) *fstest.MapFile { return &fstest.MapFile{Data: []byte("package p\n" + body)} }
	files := sources(t, fstest.MapFS{
		"a/accepted.go": file(`import "github.com/shopspring/decimal"
			type t struct { Cost decimal.Decimal; Ratio float64; generated float64 }
			func (t) init() {}
			func rates(n float64) int { return int(n) }
			var x = decimal.New(1, 0).DivisionPrecision`),
		"a/avg.go":          file("import d \"github.com/shopspring/decimal\"\nvar x = d.Avg(d.Zero)"),
		"a/div.go":          file("func f() { a.b().Div(c) }"),
		"a/div_test.go":     file("func f() { a.DivRound(c, 2) }"),
		"a/init.go":         file("func init() {}"),
		"a/init_test.go":    file("func init() {}"),
		"a/log.go":          file("import \"log/slog\""),
		"a/long.go":         file(strings.Repeat("\n", maxLines)),
		"a/long_test.go":    file(strings.Repeat("\n", maxLines)),
		"a/money_func.go":   file("func TotalCost() (float64, error) { return 0, nil }"),
		"a/money_map.go":    file("type t struct { PriceByRegion map[string][]float64 }"),
		"a/money_method.go": file("type i interface { Budget() *float64 }"),
		"a/money_param.go":  file("func f(unit_rate, n float64) {}"),
		"a/money_type.go":   file("type Amount float64"),
		"a/money_test.go":   file("var costUSD float32"),
		"a/settings.go":     file("import \"github.com/shopspring/decimal\"\nfunc f() { decimal.DivisionPrecision = 8 }"),
		"b/main.go":         {Data: []byte("package main\nimport \"log\"")},
	})
	planted(t, styleViolations(files),
		"a/avg.go:3: call of Avg",
		"a/div.go:2: call of Div",
		"a/div_test.go:2: call of DivRound",
		"a/init.go:2: func init",
		"a/log.go:2: import of log/slog",
		"a/long.go: 701 lines",
		"a/money_func.go:2: TotalCost",
		"a/money_map.go:2: PriceByRegion",
		"a/money_method.go:2: Budget",
		"a/money_param.go:2: unit_rate",
		"a/money_test.go:2: costUSD",
		"a/money_type.go:2: Amount",
		"a/settings.go:3: decimal.DivisionPrecision",
	)
}

// commentViolations asks each package for a comment in one of its files, in a test
// only if it has nothing else.
func commentViolations(files []source) []string {
	var found []string
	all := packages(files)
	for _, dir := range sortedKeys(all) {
		shipped, commented := false, false
		for _, f := range all[dir] {
			shipped = shipped || !f.test
			commented = commented || f.ast.Doc != nil && !f.test
		}
		if shipped && !commented {
			found = append(found, fmt.Sprintf("package %s has no package comment", dir))
		}
	}
	return found
}

func TestPackageComments(t *testing.T) {
	report(t, commentViolations(sources(t, tree())))
}

func TestPackageCommentsFindsPlantedSilence(t *testing.T) {
	commented := &fstest.MapFile{Data: []byte("// Package p is explained.\npackage p\n")}
	silent := &fstest.MapFile{Data: []byte("package p\n")}
	planted(t, commentViolations(sources(t, fstest.MapFS{
		"a/a.go": silent, "a/doc.go": commented,
		"b/b.go": silent, "b/b_test.go": commented,
		"c/c_test.go": silent,
	})), "package b has no package comment")
}

// pathViolations looks for names that some system cannot hold: characters Windows
// reserves, and two that differ only by case. Folders of tools and of version
// control are passed over, for they are not committed.
func pathViolations(t *testing.T, root fs.FS) []string {
	t.Helper()
	var found []string
	seen := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := path.Base(name); d.IsDir() && (base == ".git" || base == "node_modules") {
			return fs.SkipDir
		}
		if at := strings.IndexAny(name, `:"*<>?|\`); at >= 0 {
			found = append(found, fmt.Sprintf("%s: %q cannot stand in a path", name, name[at]))
		}
		folded := strings.ToLower(name)
		if twin, ok := seen[folded]; ok {
			found = append(found, fmt.Sprintf("%s differs from %s only by case", name, twin))
		}
		seen[folded] = name
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPaths(t *testing.T) {
	report(t, pathViolations(t, tree()))
}

func TestPathsFindsPlantedNames(t *testing.T) {
	planted(t, pathViolations(t, fstest.MapFS{
		"a/B.txt": {}, "a/b.txt": {}, "a/c:d.txt": {}, "e/b.txt": {}, "node_modules/x:y": {}, ".git/x:y": {},
	}), "a/b.txt differs from a/B.txt", `a/c:d.txt: ':' cannot`)
}
