package curtest

import (
	"archive/zip"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var asOf = time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)

// TestDeliveryLayouts pins where each generation and layout puts its files.
func TestDeliveryLayouts(t *testing.T) {
	const run = "11111111-2222-4333-8444-555555555555"
	cur2 := "reports/synthetic-export/"
	for _, c := range []struct {
		name     string
		spelling Spelling
		delivery Delivery
		manifest string // the newest one
		files    []string
		copies   int // further manifests
	}{
		{"overwritten", CUR2, Delivery{}, cur2 + "metadata/BILLING_PERIOD=2026-05/synthetic-export-Manifest.json",
			[]string{cur2 + "data/BILLING_PERIOD=2026-05/synthetic-export-00001.csv.gz", cur2 + "data/BILLING_PERIOD=2026-05/synthetic-export-00002.csv.gz"}, 0},
		{"kept", CUR2, Delivery{CreateNew: true, Format: Parquet}, cur2 + "metadata/BILLING_PERIOD=2026-05/synthetic-export-Manifest.json",
			[]string{cur2 + "data/BILLING_PERIOD=2026-05/2026-05-25T12:00:00.000Z-" + run + "/synthetic-export-00001.snappy.parquet",
				cur2 + "data/BILLING_PERIOD=2026-05/2026-05-25T12:00:00.000Z-" + run + "/synthetic-export-00002.snappy.parquet"}, 1},
		{"rebased", CUR2, Delivery{Rebased: true, Format: CSV}, "metadata/BILLING_PERIOD=2026-05/synthetic-export-Manifest.json",
			[]string{"data/BILLING_PERIOD=2026-05/synthetic-export-00001.csv", "data/BILLING_PERIOD=2026-05/synthetic-export-00002.csv"}, 0},
		{"legacy overwritten", LegacyCSV, Delivery{Format: CSVZip}, cur2 + "20260501-20260601/synthetic-export-Manifest.json",
			[]string{cur2 + "20260501-20260601/synthetic-export-00001.csv.zip", cur2 + "20260501-20260601/synthetic-export-00002.csv.zip"}, 0},
		{"legacy kept", LegacyCSV, Delivery{CreateNew: true}, cur2 + "20260501-20260601/synthetic-export-Manifest.json",
			[]string{cur2 + "20260501-20260601/" + run + "/synthetic-export-00001.csv.gz", cur2 + "20260501-20260601/" + run + "/synthetic-export-00002.csv.gz"}, 1},
		{"legacy Parquet", LegacyParquet, Delivery{Format: Parquet}, cur2 + "20260501-20260601/synthetic-export-Manifest.json",
			[]string{cur2 + "synthetic-export/year=2026/month=5/synthetic-export-00001.snappy.parquet", cur2 + "synthetic-export/year=2026/month=5/synthetic-export-00002.snappy.parquet"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.name == "kept" {
				t.Skip("AWS's name of the folder holds colons")
			}
			dir := t.TempDir()
			table, err := (&Config{Sheet: Sheet{Spelling: c.spelling}, Rows: 700}).Table()
			if err != nil {
				t.Fatal(err)
			}
			c.delivery.AsOf, c.delivery.Execution, c.delivery.RowsPerFile = asOf, run, 400
			w, err := c.delivery.Write(dir, table)
			if err != nil {
				t.Fatal(err)
			}
			slash := func(path string) string {
				rel, err := filepath.Rel(dir, path)
				if err != nil {
					t.Fatal(err)
				}
				return filepath.ToSlash(rel)
			}
			var files []string
			for _, f := range w.Files {
				files = append(files, slash(f))
			}
			if diff := cmp.Diff(c.files, files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if got := slash(w.Manifest); got != c.manifest || w.Rows != 700 {
				t.Errorf("manifest %s of %d rows, want %s of 700", got, w.Rows, c.manifest)
			}
			n := 0
			if err := fs.WalkDir(os.DirFS(dir), ".", func(_ string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					n++
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if want := len(c.files) + 1 + c.copies; n != want {
				t.Errorf("%d files in all, want %d", n, want)
			}
			checkManifest(t, w, c.spelling, run)
		})
	}
}

func checkManifest(t *testing.T, w *Written, s Spelling, run string) {
	t.Helper()
	body, err := os.ReadFile(w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		ExecutionID, ExportARN, AssemblyID, Account string
		Columns                                     []struct{ Name, Type, Category string }
		DataFiles, ReportKeys                       []string
		BillingPeriod                               struct{ Start, End string }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	keys := m.DataFiles
	if s == CUR2 {
		if m.ExecutionID != run || !strings.HasPrefix(m.ExportARN, "arn:aws:bcm-data-exports:us-east-1:741258963014:export/synthetic-export-") || m.ReportKeys != nil {
			t.Errorf("execution %s of %s", m.ExecutionID, m.ExportARN)
		}
	} else {
		keys = m.ReportKeys
		if m.AssemblyID != run || m.Account != "741258963014" || m.BillingPeriod.Start != "20260501T000000.000Z" || m.BillingPeriod.End != "20260601T000000.000Z" {
			t.Errorf("assembly %s of %s, %v", m.AssemblyID, m.Account, m.BillingPeriod)
		}
	}
	if len(keys) != 2 || len(m.Columns) < 100 || m.Columns[0].Name == "" || m.Columns[0].Type == "" {
		t.Fatalf("%d files, %d columns", len(keys), len(m.Columns))
	}
	for i, key := range keys {
		at := strings.TrimPrefix(key, "s3://synthetic-bucket/")
		if (at != key) != (s == CUR2) {
			t.Errorf("file %s", key)
		}
		file := filepath.ToSlash(w.Files[i])
		if _, tail, ok := strings.Cut(at, "/data/"); ok {
			at = "/data/" + tail
		}
		if !strings.HasSuffix(file, at) {
			t.Errorf("%s is not where %s says", file, key)
		}
	}
}

// TestChunksHoldTheTable reads each format back and compares it with the rows.
func TestChunksHoldTheTable(t *testing.T) {
	table, err := (&Config{Rows: 500}).Table()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Format{CSV, CSVGzip, CSVZip} {
		w, err := (&Delivery{AsOf: asOf, Format: f, RowsPerFile: 250}).Write(t.TempDir(), table)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Files) != 2 {
			t.Fatalf("%d files, want 2", len(w.Files)) // a full last file opens no further one
		}
		var got [][]string
		for _, name := range w.Files {
			got = append(got, readCSV(t, name)[1:]...)
		}
		i := 0
		for r := range table.Rows() {
			for c := range table.Columns() {
				if got[i][c] != r.At(c) {
					t.Fatalf("format %d row %d: %q, want %q", f, i+1, got[i][c], r.At(c))
				}
			}
			i++
		}
		if i != len(got) {
			t.Errorf("format %d: %d rows, want %d", f, len(got), i)
		}
	}
}

func TestMonthWithoutRowsHasAHeader(t *testing.T) {
	table, err := (&Sheet{Period: "2026-05"}).Table(func(func(*Item) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	w, err := (&Delivery{AsOf: asOf}).Write(t.TempDir(), table)
	if err != nil {
		t.Fatal(err)
	}
	if got := readCSV(t, w.Files[0]); len(w.Files) != 1 || len(got) != 1 || len(got[0]) != 131 {
		t.Errorf("%d files, %d records", len(w.Files), len(got))
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(name) {
	case ".gz":
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	case ".zip":
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		if len(z.File) != 1 || !strings.HasSuffix(z.File[0].Name, ".csv") {
			t.Fatalf("zip of %d files", len(z.File))
		}
		inner, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close()
		r = inner
	}
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}
