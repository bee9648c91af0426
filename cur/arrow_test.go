package cur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The files of testdata/arrow hold one month, written by arrow-go in every shape that
// writers of cost reports use (see internal/bench/arrowfixtures); month.csv holds it
// as text.
const arrowFiles = 26

// What the month adds up to, as a calculator says of month.csv.
var arrowTotals = map[string]string{
	"rows": "40", "usage": "614186.0946168388", "unblended": "1783.3902030666", "net": "122.2113772521",
}

func TestFilesOfASecondWriter(t *testing.T) {
	names, err := filepath.Glob("testdata/arrow/*.parquet")
	if err != nil || len(names) != arrowFiles {
		t.Fatalf("%d files, %v; want %d", len(names), err, arrowFiles)
	}
	for _, r := range []struct {
		name string
		Rollup
	}{
		{"full key", Rollup{Keys: []Column{"resourceTags/user:team"}, Bucket: Hour}},
		{"predicate", Rollup{Where: Where{Any: []Clause{{{Column: ColProductCode, Op: Prefix, Values: []string{"AmazonBedrock"}}}}}}},
	} {
		want := rollFile(t, r.Rollup, "testdata/arrow/month.csv")
		for _, name := range names {
			if strings.Contains(name, "refused-") {
				continue
			}
			t.Run(r.name+" "+filepath.Base(name), func(t *testing.T) {
				rows, columns := r.Rollup, r.Rollup
				rows.byRows = true
				for path, roll := range map[string]Rollup{"rows": rows, "columns": columns} {
					got := rollFile(t, roll, name)
					// Maps that are text are read by rows.
					if path == "columns" && !strings.Contains(name, "json") && (got.Stats.ByRows > 0 || got.Stats.Again || got.Stats.RowGroups != 2) {
						t.Errorf("%s: %+v", path, got.Stats)
					}
					if !bytes.Equal(got.Partial.AppendBody(nil), want.Partial.AppendBody(nil)) {
						t.Errorf("%s: another body than that of the CSV:\n%s", path, cmp.Diff(totalsOf(want.Partial), totalsOf(got.Partial)))
					}
					if d := cmp.Diff(arrowTotals, totalsOf(got.Partial)); d != "" {
						t.Errorf("%s: totals (-want +got)\n%s", path, d)
					}
				}
			})
		}
	}
}

func rollFile(t *testing.T, r Rollup, name string) Rolled {
	t.Helper()
	sets, err := Locate(context.Background(), Local(), name)
	if err != nil {
		t.Fatal(err)
	}
	rolled, err := r.Run(context.Background(), sets[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(rolled) != 1 {
		t.Fatalf("%d deliveries, want 1", len(rolled))
	}
	return rolled[0]
}

// totalsOf adds up what the decoder counted.
func totalsOf(p *Partial) map[string]string {
	var all Measures
	for _, c := range p.Control() {
		all.Add(&c.Measures)
	}
	return map[string]string{"rows": strconv.FormatInt(all.Rows, 10), "usage": all.Sum(Usage).String(), "unblended": all.Sum(UnblendedCost).String(), "net": all.Sum(NetUnblendedCost).String()}
}

// Every cell of every column reads the same through the row reader.
func TestCellsOfASecondWriter(t *testing.T) {
	want := cellsOf(t, "testdata/arrow/month.csv")
	names, err := filepath.Glob("testdata/arrow/v*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if d := cmp.Diff(want, cellsOf(t, name)); d != "" {
			t.Errorf("%s (-CSV +Parquet)\n%.2000s", name, d)
		}
	}
}

func cellsOf(t *testing.T, name string) (out []map[string]string) {
	t.Helper()
	f, err := Local().Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd, err := NewReader(context.Background(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for li, err := range rd.All() {
		if err != nil {
			t.Fatal(err)
		}
		cells := make(map[string]string)
		for _, c := range rd.Columns() {
			v, _ := li.Column(Column(c))
			if n, ok := new(big.Rat).SetString(v); ok {
				v = n.RatString() // texts of numbers differ in their zeros
			}
			var m map[string]string // whose order is the writer's
			if json.Unmarshal([]byte(v), &m) == nil {
				v = fmt.Sprint(m)
			}
			// Fractions of a second, too; and blank is zero, or an empty map, where a
			// column is required.
			if v = strings.Replace(v, ".000Z", "Z", 1); v != "" && v != "0" && v != "map[]" {
				cells[c] = v
			}
		}
		out = append(out, cells)
	}
	return out
}

// What is not read is refused by its name.
func TestRefusedShapes(t *testing.T) {
	for name, want := range map[string]string{"refused-brotli": "Brotli", "refused-lz4": "LZ4", "refused-byte-stream-split": "BYTE_STREAM_SPLIT"} {
		sets, err := Locate(context.Background(), Local(), "testdata/arrow/"+name+".parquet")
		if err != nil {
			t.Fatal(err)
		}
		_, err = new(Rollup).Run(context.Background(), sets[0])
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error = %v, want one that says %s", name, err, want)
		}
	}
}
