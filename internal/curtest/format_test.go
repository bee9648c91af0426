package curtest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/samples"
)

func TestNumbersReadAsJavaPrintsDoubles(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0", "0.0"}, {"1", "1.0"}, {"18", "18.0"}, {"0.5", "0.5"}, {"-9.6322e-6", "-9.6322E-6"},
		{"0.0000000181", "1.81E-8"}, {"0.001", "0.001"}, {"0.00099999", "9.9999E-4"}, {"0.0000000001", "1.0E-10"},
		{"9999999", "9999999.0"}, {"9999999.5", "9999999.5"}, {"10000000", "1.0E7"}, {"12345678.25", "1.234567825E7"},
		{"1.2300000000", "1.23"}, {"100", "100.0"}, {"-1200.50", "-1200.5"}, {"1234567890123456789012", "1.234567890123456789012E21"},
	} {
		if got := javaText(decimal.RequireFromString(c.in)); got != c.want {
			t.Errorf("%s reads %s, want %s", c.in, got, c.want)
		}
	}
}

// TestCSVQuotesAsTheReportDoes writes the records of a report again and compares bytes.
func TestCSVQuotesAsTheReportDoes(t *testing.T) {
	body, err := os.ReadFile(samples.Path(t, "cur2-haportal-2026-04", "ha-project-CUR-daily-1-00001.first1255.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	quoted := map[string]bool{}
	names := map[string]bool{}
	for _, c := range catalogue {
		quoted[c.name], names[c.name] = c.quoted, true
	}
	var got []byte
	for n, record := range records {
		for i, cell := range record {
			if i > 0 {
				got = append(got, ',')
			}
			if cell == "" && quoted[records[0][i]] && record[slices.Index(records[0], "line_item_line_item_type")] == Usage {
				got = append(got, '"', '"')
			}
			got = appendCell(got, cell)
		}
		got = append(got, '\n')
		if n > 0 && len(record) != len(records[0]) {
			t.Fatalf("row %d has %d cells", n, len(record))
		}
	}
	// How often the two blanks occur on rows that are no usage is not known; compare the rest.
	strip := func(b []byte) string { return strings.ReplaceAll(string(b), `,""`, ",") }
	if strip(got) != strip(body) {
		t.Error("the report's own records come out differently")
	}
	for _, name := range records[0] {
		delete(names, name)
	}
	want := []string{"capacity_reservation_capacity_reservation_arn", "capacity_reservation_capacity_reservation_status",
		"capacity_reservation_capacity_reservation_type", "line_item_iam_principal"}
	for _, name := range want {
		if !names[name] {
			t.Errorf("the report has %s", name)
		}
		delete(names, name)
	}
	if len(names) != 0 || len(catalogue) != len(records[0])+len(want) {
		t.Errorf("columns the report does not have: %v", names)
	}
}

func TestLegacySpellingIsThatOfAReport(t *testing.T) {
	file, err := os.Open(samples.Path(t, "legacy-csv-focusconv-2023-11", "sample-anonymous-aws-export-dataset.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	header, err := csv.NewReader(file).Read()
	if err != nil {
		t.Fatal(err)
	}
	table, err := (&Config{Sheet: Sheet{Spelling: LegacyCSV}}).Table()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{}
	for _, c := range table.Columns() {
		if ours[strings.ToLower(c.Name)] != "" {
			t.Errorf("column %s twice", c.Name)
		}
		ours[strings.ToLower(c.Name)] = c.Name
	}
	missing := 0
	for _, name := range header {
		switch got := ours[strings.ToLower(name)]; got {
		case name:
		case "":
			missing++ // attributes of products this package does not sell
		default:
			t.Errorf("spelled %s, want %s", got, name)
		}
	}
	if missing > 15 {
		t.Errorf("%d of %d columns of the report are missing", missing, len(header))
	}
}

func TestColumnsCanBeSwitchedOff(t *testing.T) {
	full, err := (&Config{}).Table()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(full.Columns()); got != 131 {
		t.Errorf("%d columns, want 131", got)
	}
	omit := []string{"line_item_iam_principal", "line_item_resource_id", "line_item_net_*", "reservation_*"}
	less, err := (&Config{Sheet: Sheet{Omit: omit}, ManualDiscounts: true}).Table()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range less.Columns() {
		if strings.HasPrefix(c.Name, "reservation_") || strings.HasPrefix(c.Name, "line_item_net") || slices.Contains(omit, c.Name) || c.Name == "discount" {
			t.Errorf("column %s is still there", c.Name)
		}
	}
	if got, want := len(less.Columns()), 131-1-1-2-27-2; got != want {
		t.Errorf("%d columns, want %d", got, want)
	}
}

// TestParquetTellsWhatCSVTells reads both back: shortest text of each double, maps as
// pairs, null for blank, or in a legacy report its stand-ins.
func TestParquetTellsWhatCSVTells(t *testing.T) {
	for _, c := range []struct {
		name     string
		spelling Spelling
	}{{"CUR 2.0", CUR2}, {"legacy", LegacyParquet}} {
		t.Run(c.name, func(t *testing.T) {
			table, err := (&Config{Sheet: Sheet{Spelling: c.spelling}, Rows: 1500, AIShare: 60, EDP: 3, Commitments: true}).Table()
			if err != nil {
				t.Fatal(err)
			}
			var text, columns bytes.Buffer
			if _, err := table.WriteCSV(&text); err != nil {
				t.Fatal(err)
			}
			if _, err := table.WriteParquet(&columns); err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(&text).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			file, err := colscan.Open(bytes.NewReader(columns.Bytes()), int64(columns.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := file.Lookup("synthetic"); got != "true" {
				t.Errorf("synthetic is %q, want true", got)
			}
			header := file.Columns()
			rows := file.Rows()
			defer rows.Close()
			n := 0
			for ; rows.Next(context.Background()); n++ {
				for i, col := range header {
					if col.Name != records[0][i] {
						t.Fatalf("column %d is %s, want %s", i, col.Name, records[0][i])
					}
					cell, null, err := rows.Text(i)
					if err != nil {
						t.Fatal(err)
					}
					sameCell(t, col, string(cell), null, records[n+1][i], c.spelling != CUR2)
				}
			}
			if err := rows.Err(); err != nil || n != len(records)-1 {
				t.Fatalf("%d rows, %v, want %d", n, err, len(records)-1)
			}
		})
	}
}

func sameCell(t *testing.T, col colscan.Column, got string, null bool, want string, legacy bool) {
	t.Helper()
	if null != (want == "") && !legacy || legacy && null {
		t.Fatalf("%s: null %v where CSV has %q", col.Name, null, want)
	}
	switch col.Kind {
	case colscan.Double:
		if want == "" {
			want = "0"
		}
		if got == "" {
			got = "0"
		}
		if rat(t, got).Cmp(rat(t, want)) != 0 {
			t.Fatalf("%s: %s, want %s", col.Name, got, want)
		}
	case colscan.Map, colscan.DoubleMap:
		var g, w map[string]any
		if json.Unmarshal([]byte(got), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
			t.Fatalf("%s: %s and %s are no objects", col.Name, got, want)
		}
		if diff := cmp.Diff(w, g); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", col.Name, diff)
		}
	case colscan.Timestamp:
		if strings.TrimSuffix(got, "Z") != strings.TrimSuffix(want, ".000Z") && got != want {
			t.Fatalf("%s: %s, want %s", col.Name, got, want)
		}
	default:
		if got != want {
			t.Fatalf("%s: %q, want %q", col.Name, got, want)
		}
	}
}
