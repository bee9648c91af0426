package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/internal/golden"
)

type result struct {
	code           int
	stdout, stderr string
}

func runGaps(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// succeed runs with JSON output.
func succeed(t *testing.T, args ...string) *output {
	t.Helper()
	r := runGaps(t, append(args, "-format", "json")...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%q: exit status %d, %s", args, r.code, r.stderr)
	}
	out := new(output)
	dec := json.NewDecoder(strings.NewReader(r.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// find returns the one gap of a kind.
func find(t *testing.T, out *output, k gaps.Kind) shownGap {
	t.Helper()
	var found []shownGap
	for _, g := range out.Gaps {
		if g.Kind == k {
			found = append(found, g)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d gaps of kind %s, want one", len(found), k)
	}
	return found[0]
}

func TestSampleMonths(t *testing.T) {
	r := runGaps(t)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit status %d, %s", r.code, r.stderr)
	}
	golden.Equal(t, filepath.Join("testdata", "sample.txt"), []byte(r.stdout))

	// The case of the source document: one runtime, its account, region, spend and day.
	g := find(t, succeed(t), gaps.UnclaimedRuntime)
	got := []string{g.Account, strings.Join(g.Regions, " "), g.Spend.StringFixed(2), g.FirstSeen, string(g.State), string(g.Remedy)}
	if d := cmp.Diff([]string{"820723250459", "us-east-1", "48.50", "2026-05-19", "active", "Notify PO"}, got); d != "" {
		t.Errorf("the runtime (-want +got):\n%s", d)
	}
}

func TestAssignOneAndRunAgain(t *testing.T) {
	db := filepath.Join(t.TempDir(), "gaps.db")
	memory := find(t, succeed(t, "-db", db), gaps.UnclaimedMemory)
	again := succeed(t, "-db", db)
	if d := cmp.Diff(memory.Told, find(t, again, gaps.UnclaimedMemory).Told); d != "" {
		t.Errorf("a second run tells somebody else:\n%s", d)
	}
	acted := succeed(t, "-db", db, "-assign", string(memory.ID), "-to", "kyc-summariser", "-as", "ravi.menon", "-because", "the prototype is theirs")
	if g := find(t, acted, gaps.UnclaimedMemory); g.State != gaps.Actioned || !g.Spend.Equal(memory.Spend) {
		t.Errorf("assigned: %s with %s, want actioned with %s: only the next statement closes it", g.State, g.Spend, memory.Spend)
	}
	after := succeed(t, "-db", db)
	for _, g := range after.Gaps {
		if g.Kind == gaps.UnclaimedMemory {
			t.Errorf("still open: %+v", g)
		}
	}
	if len(after.Gaps) != len(again.Gaps)-1 {
		t.Errorf("%d gaps became %d, want one less", len(again.Gaps), len(after.Gaps))
	}
	if g := find(t, succeed(t, "-db", db, "-all"), gaps.UnclaimedMemory); g.State != gaps.Resolved || g.ID != memory.ID {
		t.Errorf("with -all: %s %s", g.ID, g.State)
	}
	// Assigning what is closed is refused.
	r := runGaps(t, "-db", db, "-all", "-assign", string(memory.ID), "-to", "kyc-summariser", "-as", "x", "-because", "y")
	if r.code != 1 || !strings.Contains(r.stderr, "it is resolved: not possible in this state") {
		t.Errorf("closed: %d %s", r.code, r.stderr)
	}
	// The second delivery moves amounts, opens nothing.
	later := succeed(t, "-db", db, "-restated")
	if g := find(t, later, gaps.UnclaimedRuntime); g.Spend.StringFixed(2) != "66.52" || len(later.Gaps) != len(after.Gaps) {
		t.Errorf("restated: %s in %d gaps", g.Spend, len(later.Gaps))
	}
	// And the first does not bring the old ones back.
	if g := find(t, succeed(t, "-db", db), gaps.UnclaimedRuntime); g.Spend.StringFixed(2) != "66.52" {
		t.Errorf("the first delivery again: %s", g.Spend)
	}
}

func TestLimitsKeepSmallGapsOffDesks(t *testing.T) {
	out := succeed(t, "-limit", "40", "-account-owner", "820723250459=joelle.park")
	for _, g := range out.Gaps {
		if told := len(g.Told) > 0; told != (g.Material) || g.Material != (g.Spend.IntPart() >= 40) && g.Kind != gaps.RoleRecommendation {
			t.Errorf("%s of %s: material %v, told %v", g.Kind, g.Spend, g.Material, g.Told)
		}
	}
	if g := find(t, out, gaps.UnclaimedRuntime); len(g.Told) != 1 || g.Told[0].To != "joelle.park" {
		t.Errorf("told %+v", g.Told)
	}
}

func TestWrongFlagsAndBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	empty := file("empty.csv", "")
	for name, c := range map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"unknown flag":        {[]string{"-nonsense"}, 2, "flag provided but not defined"},
		"argument":            {[]string{"report.csv"}, 2, "name report files with -cur"},
		"format":              {[]string{"-format", "xml"}, 2, "want text or json"},
		"limit":               {[]string{"-limit", "1e9999999"}, 2, "want an amount"},
		"account owner":       {[]string{"-account-owner", "x"}, 2, "want ID=NAME"},
		"assign alone":        {[]string{"-assign", "x"}, 2, "-assign needs"},
		"to alone":            {[]string{"-to", "x"}, 2, "go with -assign"},
		"restated report":     {[]string{"-cur", empty, "-restated"}, 2, "-restated goes with"},
		"no such report":      {[]string{"-cur", filepath.Join(dir, "none.csv")}, 1, "gaps: "},
		"no such claims":      {[]string{"-claims", filepath.Join(dir, "none.json")}, 1, "read claims"},
		"broken claims":       {[]string{"-claims", file("claims.json", "{")}, 1, "claims.json"},
		"not a report":        {[]string{"-cur", file("text.csv", "hello\nworld\n")}, 1, "gaps: "},
		"nothing to assign":   {[]string{"-db", filepath.Join(dir, "new.db"), "-assign", "x", "-to", "y", "-as", "z", "-because", "b"}, 1, "run without -assign first"},
		"not a book of books": {[]string{"-db", file("text.db", strings.Repeat("hello", 99))}, 1, "gaps: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := runGaps(t, c.args...)
			if r.code != c.code || !strings.Contains(r.stderr, c.stderr) || r.stdout != "" {
				t.Errorf("exit status %d, stdout %q, stderr %q; want %d and %q", r.code, r.stdout, r.stderr, c.code, c.stderr)
			}
			if c.code == 1 && strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("not one line: %q", r.stderr)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "new.db")); err == nil {
		t.Error("a refused run made a file")
	}
	r := runGaps(t, "-cur", empty)
	if r.code != 0 || r.stdout != "No gaps: everything that was looked at has what it needs.\n" {
		t.Errorf("empty report: exit status %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	if out := succeed(t, "-cur", empty); len(out.Gaps) != 0 || out.Gaps == nil {
		t.Errorf("empty report: %+v", out)
	}
	if r := runGaps(t, "-h"); r.code != 0 || !strings.Contains(r.stderr, "Usage: gaps") {
		t.Errorf("-h: %d, %q", r.code, r.stderr)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, nil, &stdout, &stderr); code != 1 || stdout.Len() > 0 {
		t.Errorf("exit status %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
