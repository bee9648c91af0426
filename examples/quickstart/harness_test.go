package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/internal/golden"
)

// workdir makes an empty folder the working one and the one for temporary files.
func workdir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	tmp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, tmp)
	}
	return dir
}

// packageFolder is where the tests begin, before any of them changes folder.
var packageFolder, errPackageFolder = os.Getwd()

// testdata returns the path of a file of testdata.
func testdata(t *testing.T, elem ...string) string {
	t.Helper()
	if errPackageFolder != nil {
		t.Fatal(errPackageFolder)
	}
	return filepath.Join(append([]string{packageFolder, "testdata"}, elem...)...)
}

// result is what one run of the program left behind.
type result struct {
	code           int
	stdout, stderr string
}

func quickstart(t *testing.T, args ...string) result {
	t.Helper()
	return quickstartIn(t.Context(), args...)
}

func quickstartIn(ctx context.Context, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// succeed runs the program and returns its JSON output. Every output of every
// test is held against the schema and its sums against each other.
func succeed(t *testing.T, args ...string) *output {
	t.Helper()
	r := quickstart(t, append(args, "-format", "json")...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%q: exit status %d, stderr %q; want 0 and nothing", args, r.code, r.stderr)
	}
	return decode(t, r.stdout)
}

func decode(t *testing.T, text string) *output {
	t.Helper()
	if err := validateOutput(t, []byte(text)); err != nil {
		t.Errorf("output does not follow output.schema.json: %v", err)
	}
	out := new(output)
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		t.Fatal(err)
	}
	checkSums(t, out)
	return out
}

// refuse runs the program on bad input and returns its one line on stderr.
func refuse(t *testing.T, args ...string) string {
	t.Helper()
	r := quickstart(t, args...)
	if r.code != 1 || r.stdout != "" {
		t.Errorf("%q: exit status %d, stdout %q; want 1 and nothing", args, r.code, r.stdout)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasSuffix(r.stderr, "\n") {
		t.Errorf("%q: stderr is not one line: %q", args, r.stderr)
	}
	return r.stderr
}

// wantError holds an error against testdata/errors/NAME.txt. Words of the
// operating system are put in those of Linux, and the working folder in $DIR.
func wantError(t *testing.T, name, stderr string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var path *fs.PathError
	if _, err := os.Open(filepath.Join(dir, "no such file")); errors.As(err, &path) {
		stderr = strings.ReplaceAll(stderr, path.Err.Error(), "no such file or directory")
	}
	quoted := strings.Trim(strconv.Quote(dir), `"`)
	stderr = strings.ReplaceAll(strings.ReplaceAll(stderr, quoted, "$DIR"), dir, "$DIR")
	golden.Equal(t, testdata(t, "errors", name+".txt"), []byte(stderr))
}

// rat reads a decimal of the output.
func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

// text spells an exact sum as the output does.
func text(r *big.Rat) string {
	s := r.FloatString(40)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// adder sums decimals of the output.
type adder struct {
	t    *testing.T
	sum  *big.Rat
	rows int64
}

func newAdder(t *testing.T) *adder { return &adder{t, new(big.Rat), 0} }

func (a *adder) add(amount string) *adder {
	a.t.Helper()
	a.sum.Add(a.sum, rat(a.t, amount))
	return a
}

func (a *adder) addSum(s sum) { a.t.Helper(); a.add(s.Unblended).rows += s.Rows }

func (a *adder) want(what, amount string) {
	a.t.Helper()
	if got := text(a.sum); got != amount {
		a.t.Errorf("%s: sum is %s, want %s", what, got, amount)
	}
}

func (a *adder) wantRows(what string, rows int64) {
	a.t.Helper()
	if a.rows != rows {
		a.t.Errorf("%s: %d rows, want %d", what, a.rows, rows)
	}
}

// checkSums holds the sums of an output against each other, as CONTRACTS says
// they add up.
func checkSums(t *testing.T, o *output) {
	t.Helper()
	var rows int64
	reconciled := true
	for i := range o.Periods {
		p := &o.Periods[i]
		rows += p.Rows
		reconciled = reconciled && p.Reconciled
		checkPeriod(t, p)
	}
	if o.Rows != rows || o.Reconciled != reconciled {
		t.Errorf("rows %d, reconciled %v; the periods have %d, %v", o.Rows, o.Reconciled, rows, reconciled)
	}
}

func checkPeriod(t *testing.T, p *period) {
	t.Helper()
	name := p.BillingPeriod + " "
	owned := func(what string, list []workload, outcomes ...string) {
		t.Helper()
		total := newAdder(t)
		for _, w := range list {
			total.add(w.Unblended)
			parts := newAdder(t)
			for _, c := range w.Components {
				parts.add(c.Unblended)
			}
			for _, amount := range w.Other {
				parts.add(amount)
			}
			parts.want(name+"components and other of "+w.Workload, w.Unblended)
		}
		want := newAdder(t)
		for _, o := range outcomes {
			if x, ok := p.Outcomes[o]; ok {
				want.add(x.Unblended)
			}
		}
		total.want(name+what, text(want.sum))
	}
	owned("workloads", p.Workloads, "claimed", "shared")
	owned("defaulted", p.Defaulted, "defaulted")
	owned("spread", p.Spread, "spread")

	nobody := newAdder(t)
	for _, u := range p.Unclaimed {
		nobody.add(u.Unblended).rows += u.Rows
		if u.FirstSeen > u.LastSeen || u.FirstSeen < p.BillingPeriod {
			t.Errorf("%sunclaimed: first seen %s, last seen %s", name, u.FirstSeen, u.LastSeen)
		}
	}
	if x := p.Outcomes["unclaimed"]; x.Rows > 0 {
		nobody.want(name+"unclaimed", x.Unblended)
	}
	nobody.wantRows(name+"unclaimed", p.Outcomes["unclaimed"].Rows)

	outcomes, types, products := newAdder(t), newAdder(t), newAdder(t)
	for k, o := range p.Outcomes {
		outcomes.addSum(sum{o.Rows, o.Unblended})
		reasons := newAdder(t)
		for _, r := range o.Reasons {
			reasons.addSum(r)
		}
		if needs := k == "unclaimed" || k == "unallocated" || k == "excluded" || k == "rejected"; needs || len(o.Reasons) > 0 {
			reasons.want(name+"reasons of "+k, o.Unblended)
			reasons.wantRows(name+"reasons of "+k, o.Rows)
		}
	}
	for _, x := range p.LineTypes {
		types.addSum(x)
	}
	for _, x := range p.Products {
		products.addSum(x)
	}
	for what, a := range map[string]*adder{"outcomes": outcomes, "line types": types, "products": products} {
		a.want(name+what, p.Totals.Unblended)
		a.wantRows(name+what, p.Rows)
	}
}

// periodOfMonth returns the one period of a billing month.
func periodOfMonth(t *testing.T, o *output, month string) *period {
	t.Helper()
	var found *period
	for i := range o.Periods {
		if o.Periods[i].BillingPeriod == month {
			if found != nil {
				t.Fatalf("two periods %s", month)
			}
			found = &o.Periods[i]
		}
	}
	if found == nil {
		t.Fatalf("no period %s", month)
	}
	return found
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeFile writes a file, in folders as needed.
func writeFile[T string | []byte](t *testing.T, name string, content T) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// replace edits a file, failing where there is nothing to edit.
func replace(t *testing.T, name, old, new string) {
	t.Helper()
	b := readFile(t, name)
	if n := bytes.Count(b, []byte(old)); n != 1 {
		t.Fatalf("%s holds %q %d times", name, old, n)
	}
	writeFile(t, name, bytes.Replace(b, []byte(old), []byte(new), 1))
}

// touch sets a file's times.
func touch(t *testing.T, name string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

// copyMonths copies the sample months to ./months, the manifests written when
// the sample says they were.
func copyMonths(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(".", months); err != nil {
		t.Fatal(err)
	}
	for _, s := range sampleDeliveries {
		found := 0
		err := filepath.WalkDir(s.folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, "Manifest.json") {
				touch(t, name, s.asOf)
				found++
			}
			return err
		})
		if err != nil || found != 1 {
			t.Fatalf("%s: %d manifests, %v", s.folder, found, err)
		}
	}
}

// unchanged returns a check that a file has the bytes it has now, or still does
// not exist.
func unchanged(t *testing.T, name string) (check func()) {
	t.Helper()
	before, err := os.ReadFile(name)
	return func() {
		t.Helper()
		after, errAfter := os.ReadFile(name)
		switch {
		case err != nil && errAfter == nil:
			t.Errorf("%s was left behind, %d bytes", name, len(after))
		case err == nil && errAfter != nil:
			t.Errorf("%s is gone: %v", name, errAfter)
		case !bytes.Equal(before, after):
			t.Errorf("%s changed", name)
		}
	}
}
