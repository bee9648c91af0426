package archtest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
)

// everywhere may be imported by any package.
const everywhere = "internal/exact"

// rule lists what a package may import of the module.
type rule struct {
	from string
	to   []string
}

// below collects what the packages under a higher one import, so that the table
// reads as the design does ("the same, and cur").
var (
	belowGovernance = []string{"attribution", "attribution/ledger", "estimate", "pricing", "storage"}
	belowGaps       = append([]string{"cur"}, belowGovernance...)
	belowFindings   = append([]string{"gaps", "storage/outbox"}, belowGaps...)
	belowAgentbill  = append([]string{"governance", "governance/cards", "findings"}, belowFindings...)
)

// allowed is the import graph. The first rule that matches a package holds. A tree
// ("/...") may import itself.
var allowed = []rule{
	{".", nil},
	{"pricing", nil},
	{"estimate", []string{"pricing"}},
	{"cur/s3source", []string{"cur"}},
	{"cur", []string{"internal/colscan", "internal/csvscan"}},
	{"attribution", []string{"cur", "pricing"}},
	{"attribution/ledger", []string{"attribution", "cur", "pricing", "storage"}},
	{"attribution/athena", []string{"attribution", "cur", "pricing"}},
	{"governance/cards", []string{"attribution", "attribution/ledger", "estimate", "pricing"}},
	{"governance/journal", []string{"attribution"}},
	{"governance", append([]string{"cur", "governance/...", "storage/outbox"}, belowGovernance...)},
	{"gaps", append([]string{"storage/outbox"}, belowGaps...)}, // what is to be sent
	{"findings", belowFindings},
	{"findings/...", append([]string{"findings"}, belowFindings...)}, // its sinks
	{"agentbill", belowAgentbill},
	{"agentbill/mcpserver", append([]string{"agentbill"}, belowAgentbill...)},
	{"storage", nil},
	{"storage/...", []string{"storage"}}, // drivers, their test, the outbox
	{"examples/...", []string{
		// Examples are what users copy, so they stay off what users cannot import.
		"cur/...", "pricing", "estimate", "attribution/...", "governance/...", "gaps",
		"findings/...", "agentbill/...", "storage/...",
		"examples/quickstart/months", // the sample bill, which is no code
	}},
	{"internal/archtest", nil},
	{"internal/colscan", nil},
	{"internal/csvscan", nil},
	{"internal/curtest/...", []string{"internal/colscan", "internal/curtest"}},
	{"internal/dynamotest", nil},
	{"internal/dynamotest/table", []string{"internal/dynamotest", "storage", "storage/dynamostore"}},
	{"internal/exact", nil},
	{"internal/golden", nil},
	{"internal/samples", nil},
}

// allowedInTests may be imported by any test on top of its package's rule.
var allowedInTests = []string{
	"internal/colscan", "internal/curtest/...", "internal/dynamotest/...", "internal/golden", "internal/samples",
	"storage/boltstore", "storage/memstore", "storage/storagetest",
}

// importViolations holds every import within the module against the table.
func importViolations(files []source) []string {
	var found []string
	for _, f := range files {
		r, ok := ruleOf(f.dir)
		if !ok {
			found = append(found, fmt.Sprintf("%s: package %s is not in the import table of internal/archtest: add it with what it may import", f.path, f.dir))
			continue
		}
		for _, i := range f.imports() {
			to, ok := within(i.path)
			if !ok || to == everywhere || to == f.dir || matchesAny(r.to, to) {
				continue
			}
			if strings.HasSuffix(r.from, "/...") && sameBranch(r.from, f.dir, to) {
				continue
			}
			if f.test && (matchesAny(allowedInTests, to) || storyTest(f.dir)) {
				continue
			}
			found = append(found, fmt.Sprintf("%s: package %s may not import %s", i.at, f.dir, to))
		}
	}
	return found
}

// ruleOf returns the first rule for a package.
func ruleOf(pkg string) (rule, bool) {
	for _, r := range allowed {
		if matches(r.from, pkg) {
			return r, true
		}
	}
	return rule{}, false
}

// sameBranch reports whether two packages of one tree lie on one branch below its
// top: an example may import its own folders, and no other example's.
func sameBranch(pattern, from, to string) bool {
	top := strings.TrimSuffix(pattern, "...")
	a, okA := strings.CutPrefix(from, top)
	b, okB := strings.CutPrefix(to, top)
	if !okA || !okB {
		return from+"/" == top && okB // the top of a tree may import its folders
	}
	a, _, _ = strings.Cut(a, "/")
	b, _, _ = strings.Cut(b, "/")
	return a == b
}

// storyTest reports whether a package's tests tell whole stories and so may import
// anything: the root's and the examples'.
func storyTest(pkg string) bool { return pkg == "." || matches("examples/...", pkg) }

// within returns the package of the module that an import path names.
func within(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImports(t *testing.T) {
	report(t, importViolations(sources(t, tree())))
}

func TestImportsFindsPlantedEdges(t *testing.T) {
	imports := func(path string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, "package p\n\nimport _ %q\n", module+path)}
	}
	files := sources(t, fstest.MapFS{
		"attribution/a.go":                imports("/cur"),
		"attribution/b.go":                imports("/storage"), // planted
		"attribution/b_test.go":           imports("/storage/memstore"),
		"common/a.go":                     imports("/cur"), // planted
		"cur/a.go":                        imports("/internal/exact"),
		"cur/a_test.go":                   imports("/pricing"),          // planted
		"cur/b.go":                        imports("/internal/curtest"), // planted
		"cur/b_test.go":                   imports("/internal/curtest"),
		"cur/tool.go":                     {Data: []byte("//go:build ignore\n\npackage main\n\nimport _ \"" + module + "/internal/curtest\"\n")},
		"examples/one/a.go":               imports("/examples/one/month"),
		"examples/one/b.go":               imports("/examples/two"), // planted
		"examples/one/b_test.go":          imports("/internal/csvscan"),
		"examples/one/c.go":               imports("/internal/colscan"), // planted
		"gaps/a.go":                       imports("/governance"),       // planted
		"governance/a.go":                 imports("/findings"),         // planted
		"internal/bench/a.go":             imports("/governance"),       // a module of its own
		"internal/bench/go.mod":           {Data: []byte("module bench\n")},
		"pricing/a.go":                    imports("/cur"),            // planted
		"pricing/a_darwin.go":             imports(""),                // planted
		"pricing/testdata/a.go":           imports("/cur"),            // no package
		"storage/boltstore/a.go":          imports("/storage/outbox"), // planted
		"storage/memstore/a.go":           imports("/storage"),        //
		"storage/storagetest/faults/a.go": imports("/storage/storagetest"),
	})
	planted(t, importViolations(files),
		"attribution/b.go:3: package attribution may not import storage",
		"package common is not in the import table",
		"cur may not import pricing",
		"cur may not import internal/curtest",
		"examples/one may not import examples/two",
		"examples/one may not import internal/colscan",
		"gaps may not import governance",
		"governance may not import findings",
		"pricing/a.go:3: package pricing may not import cur",
		"pricing/a_darwin.go:3: package pricing may not import .",
		"storage/boltstore may not import storage/outbox",
	)
}

// home lists the packages that may import a third-party module.
type home struct {
	module string   // import path of the module, or of a package of it
	of     []string // packages whose code may import it
	tests  bool     // and any test
}

// sdkHomes wrap AWS SDK clients; examples hand clients to them.
var sdkHomes = []string{"storage/dynamostore", "internal/dynamotest/table", "cur/s3source", "attribution/athena", "findings/awsevents", "examples/..."}

// homes are looked up in order: a client before the SDK that it is part of.
var homes = []home{
	{"github.com/parquet-go/parquet-go", []string{"internal/colscan"}, false},
	{"go.etcd.io/bbolt", []string{"storage/boltstore"}, false},
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb", []string{"storage/dynamostore", "internal/dynamotest/table", "examples/..."}, false},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"cur/s3source", "examples/..."}, false},
	{"github.com/aws/aws-sdk-go-v2/service/athena", []string{"attribution/athena", "examples/..."}, false},
	{"github.com/aws/aws-sdk-go-v2/service/eventbridge", []string{"findings/awsevents", "examples/..."}, false},
	{"github.com/aws/aws-sdk-go-v2/service", nil, false}, // another client has no home yet
	{"github.com/aws/aws-sdk-go-v2", sdkHomes, false},
	{"github.com/aws/smithy-go", sdkHomes, false},
	{"github.com/modelcontextprotocol/go-sdk", []string{"agentbill/mcpserver"}, false},
	{"gonum.org/v1/gonum", []string{"findings"}, false},
	{"github.com/klauspost/compress", []string{"cur", "internal/..."}, true},
	{"github.com/shopspring/decimal", []string{".", "attribution/...", "agentbill/...", "cur/...", "estimate", "examples/...", "findings/...", "gaps", "governance/...", "internal/...", "pricing", "storage/..."}, true},
	// Test tools live in tests, and in the packages that exist to write tests with.
	{"pgregory.net/rapid", []string{"storage/storagetest"}, true},
	{"github.com/google/go-cmp", []string{"storage/storagetest", "internal/golden"}, true},
}

// thirdPartyViolations holds every import from outside against the homes. Cgo is
// refused with them: the module builds with nothing but Go.
func thirdPartyViolations(files []source) []string {
	var found []string
	for _, f := range files {
		for _, i := range f.imports() {
			_, own := within(i.path)
			first, _, _ := strings.Cut(i.path, "/")
			if own || i.path != "C" && !strings.Contains(first, ".") {
				continue // the module's, or the standard library's
			}
			if why := refused(f, i.path); why != "" {
				found = append(found, fmt.Sprintf("%s: package %s may not import %s: %s", i.at, f.dir, i.path, why))
			}
		}
	}
	return found
}

func refused(f source, importPath string) string {
	for _, h := range homes {
		if !matches(h.module+"/...", importPath) {
			continue
		}
		if matchesAny(h.of, f.dir) || f.test && h.tests {
			return ""
		}
		return "it lives in " + strings.Join(h.of, ", ")
	}
	return "it has no home in internal/archtest"
}

func TestThirdParties(t *testing.T) {
	report(t, thirdPartyViolations(sources(t, tree())))
}

func TestThirdPartiesFindsPlantedImports(t *testing.T) {
	imports := func(path string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, "package p\n\nimport _ %q\n", path)}
	}
	files := sources(t, fstest.MapFS{
		"cur/a.go":                 imports("github.com/parquet-go/parquet-go"), // planted
		"cur/a_test.go":            imports("pgregory.net/rapid"),
		"cur/b.go":                 imports("pgregory.net/rapid"), // planted
		"cur/b_test.go":            imports("go.etcd.io/bbolt"),   // planted
		"cur/c.go":                 imports("github.com/klauspost/compress/gzip"),
		"cur/d.go":                 imports("C"), // planted
		"cur/s3source/a.go":        imports("github.com/aws/aws-sdk-go-v2/service/s3/types"),
		"cur/s3source/b.go":        imports("github.com/aws/aws-sdk-go-v2/service/dynamodb"), // planted
		"cur/s3source/c.go":        imports("github.com/aws/aws-sdk-go-v2/aws"),
		"cur/s3source/d.go":        imports("github.com/aws/aws-sdk-go-v2/service/sts"), // planted
		"internal/colscan/a.go":    imports("github.com/parquet-go/parquet-go/format"),
		"pricing/a.go":             imports("github.com/google/go-cmp/cmp"), // planted
		"pricing/b.go":             imports("github.com/shopspring/decimal"),
		"pricing/c.go":             imports("example.com/new"), // planted
		"pricing/d.go":             imports("encoding/csv"),
		"storage/storagetest/a.go": imports("github.com/google/go-cmp/cmp"),
	})
	planted(t, thirdPartyViolations(files),
		"cur may not import github.com/parquet-go/parquet-go: it lives in internal/colscan",
		"cur may not import pgregory.net/rapid",
		"cur may not import go.etcd.io/bbolt",
		"cur may not import C",
		"service/dynamodb",
		"service/sts",
		"pricing may not import github.com/google/go-cmp/cmp",
		"example.com/new: it has no home",
	)
}

// TestImportingCurLinksNoSDK asks the go command what a program that imports cur is
// linked with, through any number of packages.
func TestImportingCurLinksNoSDK(t *testing.T) {
	if _, err := os.Stat("../../cur"); err != nil {
		t.Skip("there is no cur folder")
	}
	linked := deps(t, "./cur")
	if len(linked) < 2 {
		t.Fatalf("go list -deps ./cur = %q, want its dependencies", linked)
	}
	report(t, sdkViolations(linked))
}

func TestImportingCurFindsPlantedSDK(t *testing.T) {
	planted(t, sdkViolations([]string{"io", "github.com/aws/smithy-go", "github.com/awslabs/x"}), "github.com/aws/smithy-go")
}

func sdkViolations(linked []string) []string {
	var found []string
	for _, p := range linked {
		if strings.HasPrefix(p, "github.com/aws/") {
			found = append(found, "importing cur links "+p)
		}
	}
	return found
}

// deps lists the packages that a package is built from.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", pkg)
	cmd.Dir = "../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", pkg, err, stderr.String())
	}
	return strings.Fields(string(out))
}
