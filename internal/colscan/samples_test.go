package colscan_test

import (
	"context"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/spendclaim/spendclaim/internal/colscan"
)

// sample returns the path of a file of the samples folder, which is not part
// of the repository.
func sample(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("SPENDCLAIM_SAMPLES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "samples")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("REQUIRE_SAMPLES") == "1" {
			t.Fatalf("sample is required: %v", err)
		}
		t.Skipf("sample is absent: %v", err)
	}
	return path
}

func openSample(t *testing.T, name string) (*os.File, *colscan.File) {
	t.Helper()
	file, err := os.Open(sample(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := colscan.Open(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return file, f
}

// TestSampleAgainstOracle compares files written by AWS, value by value, with
// what parquet-go's own page decoder makes of them, and the sum of the costs
// with parquet-go's generic row reader.
func TestSampleAgainstOracle(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows int64
	}{
		{"legacy-parquet-workshop-2018/Oct2018-WorkshopCUR-00001.snappy.parquet", 119_307},
		{"legacy-parquet-workshop-2018/Nov2018-WorkshopCUR-00001.snappy.parquet", 124_340},
	} {
		t.Run(filepath.Base(tt.name), func(t *testing.T) {
			file, f := openSample(t, tt.name)
			info, _ := file.Stat()
			oracle, err := parquet.OpenFile(file, info.Size())
			if err != nil {
				t.Fatal(err)
			}
			cost := -1
			for i, c := range f.Columns() {
				if c.Name == "line_item_unblended_cost" {
					cost = i
				}
				if !testing.Short() || c.Name == "line_item_unblended_cost" || c.Name == "line_item_usage_start_date" {
					compareColumn(t, f, oracle, i)
				}
			}
			if f.NumRows() != tt.rows {
				t.Errorf("NumRows = %d, want %d", f.NumRows(), tt.rows)
			}
			sum, n := new(big.Rat), int64(0)
			rows := f.Rows()
			defer rows.Close()
			for ; rows.Next(context.Background()); n++ {
				x, _, err := rows.Float(cost)
				if err != nil {
					t.Fatal(err)
				}
				addShortest(sum, x)
			}
			if n != tt.rows || rows.Err() != nil {
				t.Errorf("%d rows, %v; want %d", n, rows.Err(), tt.rows)
			}
			if want := oracleSum(t, file, info.Size()); sum.Cmp(want) != 0 {
				t.Errorf("sum of costs = %s, want %s", sum.FloatString(12), want.FloatString(12))
			} else {
				t.Logf("%d rows, sum of costs %s", n, sum.FloatString(12))
			}
		})
	}
}

func addShortest(sum *big.Rat, x float64) {
	r, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'e', -1, 64))
	sum.Add(sum, r)
}

func oracleSum(t *testing.T, r io.ReaderAt, size int64) *big.Rat {
	type row struct {
		X float64 `parquet:"line_item_unblended_cost"` // the stored double; its shortest text is the amount
	}
	reader := parquet.NewGenericReader[row](io.NewSectionReader(r, 0, size))
	defer reader.Close()
	sum, buf := new(big.Rat), make([]row, 1000)
	for {
		n, err := reader.Read(buf)
		for _, row := range buf[:n] {
			addShortest(sum, row.X)
		}
		if errors.Is(err, io.EOF) {
			return sum
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// compareColumn reads a flat column through both readers side by side. The
// samples have one row group.
func compareColumn(t *testing.T, f *colscan.File, oracle *parquet.File, col int) {
	t.Helper()
	pages := oracle.RowGroups()[0].ColumnChunks()[col].Pages()
	defer pages.Close()
	rows := f.Rows()
	defer rows.Close()
	name, kind := f.Columns()[col].Name, f.Columns()[col].Kind
	values := make([]parquet.Value, 1000)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: oracle: %v", name, err)
		}
		for reader := page.Values(); ; {
			n, err := reader.ReadValues(values)
			for _, want := range values[:n] {
				if !rows.Next(context.Background()) {
					t.Fatalf("%s: rows end at %d: %v", name, rows.Index(), rows.Err())
				}
				equal := false
				switch kind {
				case colscan.String:
					b, _, err := rows.Text(col)
					equal = err == nil && string(b) == string(want.ByteArray())
				case colscan.Double:
					x, _, err := rows.Float(col)
					equal = err == nil && x == want.Double()
				case colscan.Timestamp:
					at, _, err := rows.Time(col)
					equal = err == nil && at.UnixMilli() == want.Int64()
				}
				if !equal {
					t.Fatalf("%s (%v): row %d differs from %v", name, kind, rows.Index(), want)
				}
			}
			if err != nil {
				break
			}
		}
		parquet.Release(page)
	}
	if rows.Next(context.Background()) || rows.Err() != nil {
		t.Fatalf("%s: more rows than the oracle has, or %v", name, rows.Err())
	}
}
