package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

func gzipped(t failer, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatalf("%v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

// csvSet makes one delivery of the lines of text, dealt to files in the order that
// deal gives.
func csvSet(t failer, text []byte, files int, deal func(line int) int) *Set {
	t.Helper()
	lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	parts := make([][]byte, files)
	for i := range parts {
		parts[i] = bytes.Clone(lines[0])
	}
	for i, l := range lines[1:] {
		to := deal(i)
		parts[to] = append(parts[to], bytes.TrimSuffix(l, []byte("\n"))...)
		parts[to] = append(parts[to], '\n')
	}
	m := fstest.MapFS{}
	var names []string
	for i, p := range parts {
		name := fmt.Sprintf("f%02d.csv.gz", i)
		if i%3 == 2 {
			name = name[:len(name)-3]
		} else {
			p = gzipped(t, p)
		}
		m[name] = &fstest.MapFile{Data: p, ModTime: time.Unix(1780000000, 0)}
		names = append(names, name)
	}
	sets, err := Locate(context.Background(), FS(m), names...)
	if err != nil || len(sets) != 1 {
		t.Fatalf("Locate: %d sets, %v", len(sets), err)
	}
	return sets[0]
}

// Ruling rows out early, decompressing beside and reading files side by side change
// neither results nor errors.
func TestCSVByOtherWaysIsTheSame(t *testing.T) {
	c := curtest.Config{Rows: 600, AIShare: 30, Sheet: curtest.Sheet{Omit: []string{"split_*", "capacity_*"}}}
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := table.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.IntRange(1, 5).Draw(t, "files")
		seed := rapid.Uint32().Draw(t, "seed")
		set := csvSet(t, text.Bytes(), files, func(i int) int { return int(uint32(i)*2654435761^seed) >> 7 % files })
		r := Rollup{RestUnread: rapid.Bool().Draw(t, "unread"), Keys: []Column{"resource_tags/user_team"}}
		where := append(slices.Clone(keyColumns[:]), r.Keys...)
		if rapid.Bool().Draw(t, "scope") {
			r.Where = scopeWhere
		} else {
			for range rapid.IntRange(0, 3).Draw(t, "clauses") {
				var clause Clause
				for range rapid.IntRange(0, 2).Draw(t, "conditions") {
					clause = append(clause, Cond{Column: rapid.SampledFrom(where).Draw(t, "column"),
						Op:     rapid.SampledFrom([]Op{In, FoldIn, Prefix, Contains}).Draw(t, "op"),
						Values: rapid.SliceOfN(rapid.SampledFrom([]string{"", "AmazonBedrock", "AmazonEC2", "AWS", "Usage", "Tax", "us-east-1", "USE1", "Hrs"}), 1, 3).Draw(t, "values")})
				}
				r.Where.Any = append(r.Where.Any, clause)
			}
		}
		if rapid.IntRange(0, 5).Draw(t, "few groups") == 0 {
			r.MaxGroups = rapid.IntRange(1, 60).Draw(t, "most")
		}
		for _, rolled := range sameByColumns(t, r, set) {
			if rolled.Stats.Again || rolled.Stats.Files != files {
				t.Fatalf("files were not read side by side: %+v", rolled.Stats)
			}
		}
	})
}

// A row that is ruled out is split all the same: what is wrong with its shape is
// reported where it is.
func TestRuledOutRowsAreSplit(t *testing.T) {
	const head = "line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,bill_billing_period_start_date,a,b\n"
	const row = `1,2026-05-01T00:00:00Z,AmazonEC2,2026-05-01T00:00:00Z,"x, ""y""",z` + "\n"
	for bad, want := range map[string]string{
		"1,2026-05-01T00:00:00Z,AmazonEC2,2026-05-01T00:00:00Z,x\n":         "row 3: row has 5 fields, the header 6",
		"1,2026-05-01T00:00:00Z,AmazonEC2\n":                                "row 3: row has 3 fields, the header 6",
		"1,2026-05-01T00:00:00Z,AmazonEC2,2026-05-01T00:00:00Z,x,y,\"z\"\n": "row 3: row has 7 fields, the header 6",
		"1,2026-05-01T00:00:00Z,AmazonEC2,2026-05-01T00:00:00Z,x\"y,z\n":    "row 3: bare \"",
		"1,2026-05-01T00:00:00Z,AmazonEC2,2026-05-01T00:00:00Z,\"x\"y,z\n":  "row 3: extraneous",
		"1,2026-05-01T00:00:00Z,AmazonEC2,,x,y\n":                           "row 3, column \"bill_billing_period_start_date\", value \"\": blank billing period",
	} {
		m := fstest.MapFS{"f00.csv.gz": &fstest.MapFile{Data: gzipped(t, []byte(head+row+row+bad+row))}}
		sets, err := Locate(t.Context(), FS(m), "f00.csv.gz")
		if err != nil {
			t.Fatal(err)
		}
		r := Rollup{RestUnread: true, Where: Where{Any: []Clause{{{ColProductCode, In, []string{"AmazonBedrock"}}}}}}
		_, err = r.Run(t.Context(), sets[0])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error = %v, want %q", bad, err, want)
		}
	}
}

// settled is how many goroutines there are, once those that have said that they are
// done are gone.
func settled(want int) (n int) {
	for range 200 {
		if n = runtime.NumGoroutine(); n <= want {
			return n
		}
		time.Sleep(5 * time.Millisecond)
	}
	return n
}

// gate gives text without end, and counts what is asked of it.
type gate struct{ text []byte }

func (g *gate) Read(b []byte) (int, error) { return copy(b, g.text), nil }

func TestReadingAheadEnds(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	a := &ahead{in: &gate{[]byte("0123456789")}}
	a.start(ctx)
	got := make([]byte, 25)
	if _, err := io.ReadFull(a, got); err != nil || string(got) != "0123456789012345678901234" {
		t.Errorf("read %q, %v", got, err)
	}
	a.stop()
	if n := settled(before); n > before {
		t.Errorf("%d goroutines after stop, %d before", n, before)
	}
	// What was read ahead is not lost, nor read twice.
	rest := make([]byte, 2*aheadBlocks*aheadSize)
	if _, err := io.ReadFull(a, rest); err != nil {
		t.Error(err)
	}
	for i, c := range rest[:aheadSize-25] {
		if want := byte('0' + (i+25)%10); c != want {
			t.Fatalf("byte %d = %q, want %q", i, c, want)
		}
	}
	b := &ahead{in: &gate{[]byte("x")}}
	b.start(ctx)
	cancel()
	b.wait.Wait()
	if n := settled(before); n > before {
		t.Errorf("%d goroutines after the context's end, %d before", n, before)
	}
	b.stop()

	broken := errors.New("broken")
	c := &ahead{in: io.MultiReader(strings.NewReader("abc"), failingText{broken})}
	c.start(t.Context())
	all, err := io.ReadAll(c)
	if string(all) != "abc" || err != broken {
		t.Errorf("read %q, %v, want all before the error, and the error", all, err)
	}
	c.stop()
}

type failingText struct{ err error }

func (f failingText) Read([]byte) (int, error) { return 0, f.err }

// Leaving the rows of a compressed file early leaves no goroutine.
func TestAllEndsItsGoroutine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	c := curtest.Config{Rows: 5_000}
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := table.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	f, err := FS(fstest.MapFS{"in": {Data: gzipped(t, text.Bytes())}}).Open(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 10 {
			break
		}
	}
	if g := settled(before); g > before {
		t.Errorf("%d goroutines after leaving, %d before", g, before)
	}
	var li LineItem
	for {
		if err := r.Read(&li); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if want := countRows(table); n != want {
		t.Errorf("%d rows in all, want %d", n, want)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
