package cur

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
	"github.com/spendclaim/spendclaim/internal/samples"
)

// monthOptions are what readers of whole months ask for.
func monthOptions() []ReaderOptions {
	few := Where{Any: []Clause{{{ColUsageType, Contains, []string{"token"}}, {ColModel, In, []string{"Nova Lite"}}}}}
	return []ReaderOptions{
		{},
		{Columns: eightColumns},
		{Columns: eightColumns, Where: scopeWhere},
		{Where: few},
	}
}

// Months of many blocks: rows and totals are those of reading row by row.
func TestBlocksEqualRowsOnGeneratedMonths(t *testing.T) {
	for _, c := range []curtest.Config{
		{Rows: 3 * readerBlock, AIShare: 2},
		{Rows: 3 * readerBlock, AIShare: 70, Sheet: curtest.Sheet{Hourly: true}},
	} {
		table, err := c.Table()
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if _, err := table.WriteParquet(&buf); err != nil {
			t.Fatal(err)
		}
		for _, o := range monthOptions() {
			sameRows(t, buf.Bytes(), o)
		}
	}
}

// A month that AWS wrote, as far as patience goes.
func TestBlocksEqualRowsOnSampleMonths(t *testing.T) {
	rows := 3 * readerBlock
	if testing.Short() {
		rows /= 3
	}
	name := samples.Path(t, "legacy-parquet-workshop-2018", "Oct2018-WorkshopCUR-00001.snappy.parquet")
	ec2 := Where{Any: []Clause{{{ColProductCode, In, []string{"AmazonEC2"}}}}}
	for _, o := range []ReaderOptions{{}, {Columns: eightColumns, Where: ec2}} {
		var readers [2]*Reader
		for i := range readers {
			f, err := Local().Open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			o.byRows = i == 1
			if readers[i], err = NewReader(t.Context(), f, &o); err != nil {
				t.Fatal(err)
			}
			defer readers[i].Close()
		}
		by, n := new(LineItem), 0
		for got, err := range readers[0].All() {
			if n++; err != nil || n > rows {
				t.Fatalf("row %d: %v", n, err)
			}
			if err := readers[1].Read(by); err != nil {
				t.Fatalf("row %d, row by row: %v", n, err)
			}
			if got, want := rowText(readers[0], got, nil), rowText(readers[1], by, nil); got != want {
				t.Fatalf("row by row: %s\nin blocks: %s", want, got)
			}
			if n == rows {
				break
			}
		}
		got, want := readers[0].Control(), readers[1].Control()
		if !slices.EqualFunc(got, want, func(a, b Control) bool { return a.Key == b.Key && a.Measures.Equal(&b.Measures) }) {
			t.Fatalf("control totals after %d rows = %v, row by row %v", n, got, want)
		}
	}
}

// Totals do not depend on how many keys they are kept by, nor on sums staying small.
func TestTotalsOfBlocks(t *testing.T) {
	for _, c := range []struct {
		name          string
		payers, types int
		cell          func(row int) float64
	}{
		{"one key", 1, 1, func(row int) float64 { return float64(row) / 8 }},
		{"a few types", 1, 5, func(row int) float64 { return float64(row) / 8 }},
		{"as many types as fit", 1, maxTally - 2, func(row int) float64 { return float64(row) / 8 }},
		{"one type more", 1, maxTally - 1, func(row int) float64 { return float64(row) / 8 }},
		{"several payers", 3, 4, func(row int) float64 { return float64(row) / 8 }},
		{"more keys than fit", 40, 3, func(row int) float64 { return float64(row) / 8 }},
		{"sums that are not small", 1, 1, func(int) float64 { return 9e8 }},
		{"sums that are not small, of some types", 1, 3, func(int) float64 { return -9e8 }},
		{"amounts whose sum is not small", 1, 1, func(int) float64 { return 1e8 }},
		{"amounts that are not small", 1, 3, func(row int) float64 { return float64(row) * 1e9 }},
		{"one amount that is not small", 1, 1, func(row int) float64 { return float64(1 + row%2000/1999*1e15) }},
		{"the last that are added together", 1, 1, func(int) float64 { return float64(maxTallied) / 1e10 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := func(name string) colscan.Column {
				return colscan.Column{Name: name, Kind: colscan.String, Optional: true}
			}
			var buf bytes.Buffer
			w := colscan.NewWriter(&buf, []colscan.Column{
				{Name: "line_item_unblended_cost", Kind: colscan.Double}, text("line_item_usage_start_date"), text("line_item_product_code"),
				text("bill_payer_account_id"), text("line_item_line_item_type"),
				{Name: "line_item_net_unblended_cost", Kind: colscan.Double, Optional: true}, text("reservation_reservation_a_r_n"),
			}, nil)
			for row := range readerBlock + 300 {
				w.SetFloat(0, c.cell(row))
				w.SetText(1, "2026-05-01T00:00:00Z")
				w.SetText(2, "P")
				w.SetText(3, fmt.Sprint(row%c.payers))
				if kind := row % (c.types + 1); kind == 0 && c.types > 1 {
					w.SetText(4, "Fee")
				} else if kind > 1 {
					w.SetText(4, fmt.Sprint("type ", kind)) // else null
				}
				if row%3 == 0 {
					w.SetFloat(5, 0.5)
				}
				if row%5 == 0 {
					w.SetText(6, "arn:r")
				}
				if err := w.EndRow(); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			sameRows(t, buf.Bytes(), ReaderOptions{})
		})
	}
}

// A row without a time is an error wherever it lies, also where its neighbours have
// one and the dictionary says nothing of it.
func TestRowsWithoutTimeInBlocks(t *testing.T) {
	for _, kind := range []colscan.Kind{colscan.Timestamp, colscan.String} {
		for _, c := range []struct{ blank, intervals bool }{{}, {blank: true}, {intervals: true}, {true, true}} {
			for _, without := range []int{-1, 0, 700, readerBlock + 5} {
				var buf bytes.Buffer
				w := colscan.NewWriter(&buf, []colscan.Column{
					{Name: "line_item_unblended_cost", Kind: colscan.Double}, {Name: "line_item_product_code", Kind: colscan.String},
					{Name: "line_item_usage_start_date", Kind: kind, Optional: true},
					{Name: "identity_time_interval", Kind: colscan.String, Optional: true},
					{Name: "bill_billing_period_start_date", Kind: colscan.String},
				}, nil)
				for row := range readerBlock + 300 {
					w.SetFloat(0, 1)
					w.SetText(1, "P")
					w.SetText(4, "2026-05-01T00:00:00Z")
					switch {
					case row == without && c.blank && kind == colscan.String:
						w.SetText(2, "") // which is not null
					case row == without:
					case row%3 == 0 && c.intervals:
						w.SetText(3, fmt.Sprintf("2026-05-%02dT00:00:00Z/2026-06-01T00:00:00Z", 1+row%30))
					default:
						setCell(w, 2, kind, fmt.Sprintf("2026-05-%02dT00:00:00Z", 1+row%30))
					}
					if err := w.EndRow(); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				sameRows(t, buf.Bytes(), ReaderOptions{})
			}
		}
	}
}
