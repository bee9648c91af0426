package cur_test

import (
	"archive/zip"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/samples"
)

// oracleKey is how the oracle groups: account, product, usage type, line type,
// day of the interval.
type oracleKey struct{ account, product, usageType, lineType, day string }

// oracle sums a CSV report with encoding/csv and big.Rat, sharing nothing with
// the package.
func oracle(t *testing.T, in io.Reader) (rows int64, total *big.Rat, groups map[oracleKey]*big.Rat) {
	t.Helper()
	r := csv.NewReader(in)
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, h := range head {
		place[h] = i
	}
	col := func(row []string, names ...string) string {
		for _, n := range names {
			if i, ok := place[n]; ok {
				return row[i]
			}
		}
		return ""
	}
	total, groups = new(big.Rat), map[oracleKey]*big.Rat{}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return rows, total, groups
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
		cost, ok := new(big.Rat).SetString(col(row, "lineItem/UnblendedCost", "line_item_unblended_cost"))
		if !ok {
			t.Fatalf("row %d: cost", rows)
		}
		total.Add(total, cost)
		start := col(row, "identity/TimeInterval", "identity_time_interval")
		if start == "" {
			start = col(row, "lineItem/UsageStartDate", "line_item_usage_start_date")
		}
		lt := col(row, "lineItem/LineItemType", "line_item_line_item_type")
		if lt == "" {
			lt = "Usage"
		}
		k := oracleKey{col(row, "lineItem/UsageAccountId", "line_item_usage_account_id"),
			col(row, "lineItem/ProductCode", "line_item_product_code"),
			col(row, "lineItem/UsageType", "line_item_usage_type"), lt, start[:10]}
		if groups[k] == nil {
			groups[k] = new(big.Rat)
		}
		groups[k].Add(groups[k], cost)
	}
}

// roll rolls files up and fails the test on an error.
func roll(t *testing.T, r cur.Rollup, paths ...string) []cur.Rolled {
	t.Helper()
	sets, err := cur.Locate(context.Background(), cur.Local(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	var out []cur.Rolled
	for _, s := range sets {
		rolled, err := r.Run(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rolled...)
	}
	return out
}

// totals sums groups, rest and control of partials with big.Rat.
func totals(rolled []cur.Rolled) (rows, controlRows int64, total, control *big.Rat, groups map[oracleKey]*big.Rat) {
	total, control, groups = new(big.Rat), new(big.Rat), map[oracleKey]*big.Rat{}
	for _, d := range rolled {
		for _, g := range d.Partial.Groups() {
			rows += g.Rows
			cost := g.Sum(cur.UnblendedCost).Rat()
			total.Add(total, cost)
			k := oracleKey{g.Key.UsageAccount, g.Key.ProductCode, g.Key.UsageType, g.Key.LineItemType, g.Key.Bucket.Time().Format("2006-01-02")}
			if groups[k] == nil {
				groups[k] = new(big.Rat)
			}
			groups[k].Add(groups[k], cost)
		}
		for g := range d.Partial.Rest() {
			rows += g.Rows
			total.Add(total, g.Sum(cur.UnblendedCost).Rat())
		}
		for _, c := range d.Partial.Control() {
			controlRows += c.Rows
			control.Add(control, c.Sum(cur.UnblendedCost).Rat())
		}
	}
	return
}

var ratComparer = cmp.Comparer(func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })

func TestAWSWrittenCSVEqualsOracle(t *testing.T) {
	gz := func(f *os.File) io.Reader {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	zipped := func(f *os.File) io.Reader {
		st, _ := f.Stat()
		z, err := zip.NewReader(f, st.Size())
		if err != nil {
			t.Fatal(err)
		}
		e, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	plain := func(f *os.File) io.Reader { return f }
	for _, c := range []struct {
		path string
		open func(*os.File) io.Reader
		rows int64
	}{
		{"cur2-haportal-2026-04/ha-project-CUR-daily-1-00001.first1255.csv", plain, 1255},
		{"legacy-csv-logzio-2018/test-billing-report-1.csv.gz", gz, 19412},
		{"legacy-csv-logzio-2018/test-billing-report-1.csv.zip", zipped, 19412},
		{"legacy-csv-focusconv-2023-11/sample-anonymous-aws-export-dataset.csv", plain, 1281},
		{"minimal-anonymize/sample-legacy-csv.csv", plain, 4},
	} {
		t.Run(c.path, func(t *testing.T) {
			path := samples.Path(t, c.path)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			wantRows, wantTotal, wantGroups := oracle(t, c.open(f))
			if wantRows != c.rows {
				t.Fatalf("oracle counts %d rows, want %d", wantRows, c.rows)
			}
			nothing := cur.Where{Any: []cur.Clause{{{Column: cur.ColProductCode, Op: cur.In, Values: []string{"no such product"}}}}}
			for name, r := range map[string]cur.Rollup{"all at the full key": {}, "hourly": {Bucket: cur.Hour}, "all in the rest": {Where: nothing}} {
				rows, controlRows, total, control, groups := totals(roll(t, r, path))
				if rows != wantRows || controlRows != wantRows {
					t.Errorf("%s: %d rows, control %d, want %d", name, rows, controlRows, wantRows)
				}
				if total.Cmp(wantTotal) != 0 || control.Cmp(wantTotal) != 0 {
					t.Errorf("%s: total %v, control %v, want %v", name, total.FloatString(15), control.FloatString(15), wantTotal.FloatString(15))
				}
				if name != "all in the rest" {
					if d := cmp.Diff(wantGroups, groups, ratComparer); d != "" {
						t.Errorf("%s: groups differ (-oracle +rollup):\n%s", name, d)
					}
				}
			}
		})
	}
}

func TestManifestOfLegacySamples(t *testing.T) {
	rolled := roll(t, cur.Rollup{}, samples.Path(t, "mock-cur1-keboola", "mock-cur-bucket"))
	if len(rolled) != 1 || rolled[0].Delivery.Period.String() != "2024-01" || rolled[0].Delivery.Export == "" {
		t.Errorf("got %+v", rolled)
	}
	_, err := cur.Locate(context.Background(), cur.Local(), samples.Path(t, "legacy-csv-koku", "koku-local"))
	if !errors.Is(err, cur.ErrManifest) {
		t.Errorf("two manifests in a folder: %v, want ErrManifest", err)
	}
	dir := samples.Path(t, "legacy-csv-koku", "koku-local", "20180801-20180901")
	for _, m := range []string{"koku-local-Manifest.json", "16e57707-f9e3-49be-8be6-b84e684b5194/koku-local-Manifest.json"} {
		rolled := roll(t, cur.Rollup{}, filepath.Join(dir, m))
		if len(rolled) != 1 || rolled[0].Partial.Objects()[0].Rows != 13380 {
			t.Errorf("%s: %+v", m, rolled)
		}
	}
}

func TestNotAReport(t *testing.T) {
	for _, p := range []string{"not-a-cur-csv-athena-text/AfterCUR.gz", "README.md"} {
		sets, err := cur.Locate(context.Background(), cur.Local(), samples.Path(t, p))
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&cur.Rollup{}).Run(context.Background(), sets[0])
		if !errors.Is(err, cur.ErrFormat) || !strings.Contains(err.Error(), filepath.Base(p)) {
			t.Errorf("%s: %v, want ErrFormat naming the file", p, err)
		}
		t.Log(err)
	}
}

// The Parquet oracle takes each double's shortest text as an exact rational.
func TestAWSWrittenParquetEqualsOracle(t *testing.T) {
	files := map[string]int64{"Oct2018-WorkshopCUR-00001.snappy.parquet": 119307, "Nov2018-WorkshopCUR-00001.snappy.parquet": 124340}
	wantTotal, wantGroups, wantRows := new(big.Rat), map[oracleKey]*big.Rat{}, int64(0)
	var paths []string
	for name, n := range files {
		path := samples.Path(t, "legacy-parquet-workshop-2018", name)
		paths = append(paths, path)
		rows, total, groups := parquetOracle(t, path)
		if rows != n {
			t.Fatalf("%s: oracle counts %d rows, want %d", name, rows, n)
		}
		gotRows, control, got, gotControl, gotGroups := totals(roll(t, cur.Rollup{}, path))
		if gotRows != n || control != n || got.Cmp(total) != 0 || gotControl.Cmp(total) != 0 {
			t.Errorf("%s: %d rows, %v, control %d rows, %v; want %d rows, %v", name, gotRows, got.FloatString(12), control, gotControl.FloatString(12), n, total.FloatString(12))
		}
		if d := cmp.Diff(groups, gotGroups, ratComparer); d != "" {
			t.Errorf("%s: groups differ (-oracle +rollup):\n%.2000s", name, d)
		}
		wantRows += rows
		wantTotal.Add(wantTotal, total)
		for k, v := range groups {
			if wantGroups[k] == nil {
				wantGroups[k] = new(big.Rat)
			}
			wantGroups[k].Add(wantGroups[k], v)
		}
	}
	both := roll(t, cur.Rollup{Bucket: cur.Hour}, paths...)
	if len(both) != 2 {
		t.Fatalf("both months together are %d deliveries, want 2", len(both))
	}
	rows, _, got, control, groups := totals(both)
	if rows != wantRows || got.Cmp(wantTotal) != 0 || control.Cmp(wantTotal) != 0 {
		t.Errorf("together: %d rows, %v; want %d, %v", rows, got.FloatString(12), wantRows, wantTotal.FloatString(12))
	}
	if d := cmp.Diff(wantGroups, groups, ratComparer); d != "" {
		t.Errorf("together, hourly: groups differ (-oracle +rollup):\n%.2000s", d)
	}
}

func parquetOracle(t *testing.T, path string) (n int64, total *big.Rat, groups map[oracleKey]*big.Rat) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, _ := f.Stat()
	pf, err := colscan.Open(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, c := range pf.Columns() {
		place[c.Name] = i
	}
	total, groups = new(big.Rat), map[oracleKey]*big.Rat{}
	rows := pf.Rows()
	defer rows.Close()
	text := func(name string) string {
		b, _, err := rows.Text(place[name])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for rows.Next(context.Background()) {
		x, _, err := rows.Float(place["line_item_unblended_cost"])
		if err != nil {
			t.Fatal(err)
		}
		cost, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
		n++
		total.Add(total, cost)
		k := oracleKey{text("line_item_usage_account_id"), text("line_item_product_code"), text("line_item_usage_type"),
			text("line_item_line_item_type"), text("identity_time_interval")[:10]}
		if groups[k] == nil {
			groups[k] = new(big.Rat)
		}
		groups[k].Add(groups[k], cost)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n, total, groups
}
