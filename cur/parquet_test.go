package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// pcol is a column of a hand-made Parquet file; a cell is nil for null, a string, a
// float64, an int64, a time or a map.
type pcol struct {
	name  string
	kind  colscan.Kind
	cells []any
}

// parquetFile writes columns of equal length.
func parquetFile(tb testing.TB, o *colscan.WriterOptions, cols ...pcol) []byte {
	tb.Helper()
	var b bytes.Buffer
	columns := make([]colscan.Column, len(cols))
	for i, c := range cols {
		columns[i] = colscan.Column{Name: c.name, Kind: c.kind, Optional: true}
	}
	w := colscan.NewWriter(&b, columns, o)
	for n := range cols[0].cells {
		for i, c := range cols {
			switch v := c.cells[n].(type) {
			case string:
				w.SetText(i, v)
			case float64:
				w.SetFloat(i, v)
			case int64:
				w.SetInt(i, v)
			case time.Time:
				w.SetTime(i, v)
			case []colscan.Pair:
				w.SetMap(i, v)
			}
		}
		if err := w.EndRow(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// minimal are the columns every report needs, as many rows as there are costs.
func minimal(costs ...any) []pcol {
	day, product := make([]any, len(costs)), make([]any, len(costs))
	for i := range costs {
		day[i], product[i] = time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), "AmazonBedrock"
	}
	return []pcol{{"line_item_unblended_cost", colscan.Double, costs}, {"line_item_usage_start_date", colscan.Timestamp, day},
		{"line_item_product_code", colscan.String, product}}
}

// parquetOf is a report of n equal rows.
func parquetOf(tb testing.TB, n int) []byte {
	costs := make([]any, n)
	for i := range costs {
		costs[i] = 0.25
	}
	return parquetFile(tb, nil, minimal(costs...)...)
}

// Null and blank are alike, and neither is zero.
func TestParquetNullAndBlank(t *testing.T) {
	cols := append(minimal(1.5, nil, 0.0, 2.0),
		pcol{"line_item_net_unblended_cost", colscan.Double, []any{nil, 1.0, 0.0, 0.5}},
		pcol{"line_item_resource_id", colscan.String, []any{nil, "", "r", "r"}},
		pcol{"product", colscan.Map, []any{nil, []colscan.Pair{}, []colscan.Pair{{Key: "product_name", Value: ""}}, []colscan.Pair{{Key: "product_name", Value: "N"}}}},
		pcol{"resource_tags", colscan.String, []any{nil, "", "{}", `{"user_team":"a"}`}})
	r, err := open(t, parquetFile(t, nil, cols...))
	if err != nil {
		t.Fatal(err)
	}
	if r.Format() != FormatCUR2 {
		t.Errorf("format %v", r.Format())
	}
	want := []string{
		"cost 1.5 true, net 0 false, resource , name , team ",
		"cost 0 false, net 1 true, resource , name , team ",
		"cost 0 true, net 0 true, resource r, name , team ",
		"cost 2 true, net 0.5 true, resource r, name N, team a",
	}
	n := 0
	for li, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		cost, hasCost := li.UnblendedCost()
		net, hasNet := li.NetUnblendedCost()
		team, ok := li.Column("resourceTags/user:team")
		if got := fmt.Sprintf("cost %s %v, net %s %v, resource %s, name %s, team %s", cost, hasCost, net, hasNet, li.Resource, li.ProductName, team); got != want[n] || !ok {
			t.Errorf("row %d: %s, want %s", n+1, got, want[n])
		}
		n++
	}
	c := r.Control()
	if n != 4 || len(c) != 1 || c[0].CostBlank != 1 || c[0].NetRows != 3 || c[0].Sum(UnblendedWhereNetBlank).String() != "1.5" {
		t.Errorf("%d rows, control %+v", n, c)
	}
}

// In a file that requires every field, zero and 1970 stand for what is not there.
func TestParquetStandIns(t *testing.T) {
	cols := append(minimal(1.5, 2.0, 0.0),
		pcol{"line_item_net_unblended_cost", colscan.Double, []any{nil, 1.0, nil}},
		pcol{"line_item_usage_end_date", colscan.Timestamp, []any{nil, nil, nil}},
		pcol{"bill_invoice_id", colscan.String, []any{nil, nil, nil}})
	r, err := open(t, parquetFile(t, &colscan.WriterOptions{Required: true}, cols...))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false} {
		if _, ok := rows[i].NetUnblendedCost(); ok != want || !rows[i].UsageEnd.IsZero() {
			t.Errorf("row %d: net there %v, want %v; usage ends %v", i+1, ok, want, rows[i].UsageEnd)
		}
		if _, ok := rows[i].UnblendedCost(); !ok {
			t.Errorf("row %d has no cost", i+1)
		}
	}
}

// Numbers, times and maps in other physical types mean the same.
func TestParquetOtherTypes(t *testing.T) {
	cols := []pcol{
		{"LINE_ITEM_UNBLENDED_COST", colscan.String, []any{"1.81E-8", ""}},
		{"line_item_usage_amount", colscan.Int64, []any{int64(12345678901234567), nil}},
		{"line_item_usage_start_date", colscan.String, []any{"2026-05-04 10:00:00.000", "2026-05-04T10:00:00Z"}},
		{"bill_billing_period_start_date", colscan.String, []any{"2026-05-01", "2026-05-01T00:00:00.000Z"}},
		{"line_item_usage_type", colscan.String, []any{"U", "U"}},
		{"product", colscan.String, []any{`{"product_name":"N","region":"r"}`, "{}"}},
		{"discount", colscan.DoubleMap, []any{[]colscan.Pair{{Key: "EDP", Value: "-0.5"}}, nil}},
	}
	r, err := open(t, parquetFile(t, nil, cols...))
	if err != nil {
		t.Fatal(err)
	}
	var li LineItem
	if err := r.Read(&li); err != nil {
		t.Fatal(err)
	}
	cost, _ := li.UnblendedCost()
	usage, _ := li.Usage()
	edp, _ := li.Column("discount/EDP")
	whole, _ := li.Column("discount")
	if got, want := fmt.Sprintf("%s %s %s %s %s %s %s %s", cost, usage, li.UsageStart.Format(time.RFC3339), li.BillingPeriod, li.ProductName, li.Region, edp, whole),
		`0.0000000181 12345678901234567 2026-05-04T10:00:00Z 2026-05 N r -0.5 {"EDP":-0.5}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := r.Read(&li); err != nil {
		t.Fatal(err)
	}
	if _, ok := li.UnblendedCost(); ok {
		t.Error("a blank text is a cost")
	}
}

func TestParquetBadRows(t *testing.T) {
	with := func(extra pcol) []pcol { return append(minimal(1.0, 2.0), extra) }
	pairs := func(p ...colscan.Pair) any { return p }
	old := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		cols []pcol
		want string
	}{
		{"NaN", minimal(1.0, math.NaN()), `row 2, column "line_item_unblended_cost", value "NaN": exact: not a finite number`},
		{"infinity", minimal(math.Inf(-1)), `row 1, column "line_item_unblended_cost", value "-Inf": exact: not a finite number`},
		{"out of range", minimal(1.0, 1e300), `row 2, column "line_item_unblended_cost", value "1` + strings.Repeat("0", 76) + `...": exact: number out of range`},
		{"text in an amount", []pcol{{"lineitem_unblendedcost", colscan.String, []any{"1", "x"}}, minimal(1.0, 1.0)[1], minimal(1.0, 1.0)[2]},
			`row 2, column "lineitem_unblendedcost", value "x": exact: not a decimal number`},
		{"blank period", with(pcol{"bill_billing_period_start_date", colscan.Timestamp, []any{time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), nil}}),
			`row 2, column "bill_billing_period_start_date", value "": blank billing period`},
		{"time before bills", with(pcol{"line_item_usage_end_date", colscan.Timestamp, []any{nil, old}}),
			`row 2, column "line_item_usage_end_date", value "1950-01-01T00:00:00Z": not a time of a cost and usage report`},
		{"interval", with(pcol{"identity_time_interval", colscan.String, []any{"", "yesterday"}}),
			`row 2, column "identity_time_interval", value "yesterday": not a time of a cost and usage report`},
		{"key twice in a map", with(pcol{"product", colscan.Map, []any{nil, pairs(colscan.Pair{Key: "model", Value: "a"}, colscan.Pair{Key: "model", Value: "b"})}}),
			`row 2, column "product", value "{\"model\":\"b\"}": key "model" occurs twice`},
		{"JSON that is none", with(pcol{"product", colscan.String, []any{"{}", "{x"}}),
			`row 2, column "product", value "{x": not a map of a cost and usage report`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(t, parquetFile(t, nil, c.cols...))
			if err != nil {
				t.Fatal(err)
			}
			_, err = readAll(r)
			var re *RowError
			if want := `cur: read "in": ` + c.want; !errors.As(err, &re) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Whatever byte is hit: an error of this package or the same rows, never a panic.
func TestDamagedParquet(t *testing.T) {
	whole := parquetFile(t, &colscan.WriterOptions{RowGroupRows: 40, Codec: colscan.Uncompressed}, append(minimal(make([]any, 100)...),
		pcol{"product", colscan.Map, func() (m []any) {
			for i := range 100 {
				m = append(m, []colscan.Pair{{Key: "product_name", Value: fmt.Sprint(i)}})
			}
			return
		}()})...)
	located, opened := 0, 0
	for i := 0; i < len(whole); i += 1 + i%7 {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		r, err := open(t, b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("byte %d: %v, no ErrFormat", i, err)
			}
			opened++
			continue
		}
		_, err = readAll(r)
		var re *RowError
		if err != nil && (!errors.As(err, &re) || re.Row < 1 || re.Row > 101 || re.Source != "in") {
			t.Fatalf("byte %d: %v", i, err)
		}
		if err != nil && re.Column != "" {
			located++
		}
		r.Close()
	}
	if located == 0 || opened == 0 {
		t.Errorf("%d errors name a column, %d files were refused, want some of both", located, opened)
	}
	for _, n := range []int{4, 8, 12, len(whole) / 2, len(whole) - 1} {
		if _, err := open(t, whole[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut to %d bytes: %v, want ErrFormat", n, err)
		}
	}
}

// failing is a file whose source breaks off.
type failing struct {
	File
	after int64
	err   error
}

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off < f.after && off > 4 {
		return 0, f.err
	}
	return f.File.ReadAt(b, off)
}

// A source that fails says nothing about the file: no ErrFormat.
func TestFailingSourceOfParquet(t *testing.T) {
	broken := errors.New("connection reset")
	content := parquetOf(t, 100)
	src := FS(fstest.MapFS{"in": {Data: content}})
	for _, after := range []int64{int64(len(content)) / 2, int64(len(content))} {
		f, err := src.Open(context.Background(), "in")
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(context.Background(), failing{f, after, broken}, nil)
		if err == nil {
			_, err = readAll(r)
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
			t.Errorf("failing below %d of %d: %v, want the source's error alone", after, len(content), err)
		}
	}
}

// Two Parquet columns of one name are told apart by place.
func TestParquetColumnsThatRepeat(t *testing.T) {
	cols := append(minimal(1.0, 2.0),
		pcol{"resource_tags_user_name", colscan.String, []any{"", "a"}},
		pcol{"resource_tags_user_name", colscan.String, []any{"b", ""}})
	r, err := open(t, parquetFile(t, nil, cols...))
	if err != nil {
		t.Fatal(err)
	}
	var li LineItem
	for _, want := range []string{"b", "a"} {
		if err := r.Read(&li); err != nil {
			t.Fatal(err)
		}
		if got, ok := li.Column("resourceTags/user:name"); got != want || !ok {
			t.Errorf("got %q, %v, want %q", got, ok, want)
		}
	}
	if err := r.Read(&li); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
	twice := append(minimal(1.0), minimal(2.0)[0])
	if _, err := open(t, parquetFile(t, nil, twice...)); !errors.Is(err, ErrFormat) {
		t.Errorf("two cost columns: %v, want ErrFormat", err)
	}
}

func TestParquetWithoutRows(t *testing.T) {
	content := parquetFile(t, nil, minimal()...)
	rolled, err := rollAll(fstest.MapFS{"f00.csv": {Data: content}, "f01.csv": {Data: parquetOf(t, 3)}}, Rollup{})
	if err != nil || len(rolled) != 1 || rolled[0].Partial.Len() != 1 || len(rolled[0].Partial.Objects()) != 1 {
		t.Errorf("got %+v, %v, want one delivery of one file", rolled, err)
	}
}
