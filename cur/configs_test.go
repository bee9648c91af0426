package cur_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// tableSum adds up a column of a generated month, by line item type.
func tableSum(t *curtest.Table, column string) (rows int64, sums map[string]*big.Rat) {
	sums = map[string]*big.Rat{}
	for r := range t.Rows() {
		rows++
		x, ok := new(big.Rat).SetString(r.Text(column))
		if !ok {
			x = new(big.Rat) // blank
		}
		k := r.Text("line_item_line_item_type")
		if sums[k] == nil {
			sums[k] = new(big.Rat)
		}
		sums[k].Add(sums[k], x)
	}
	return rows, sums
}

// Every configuration that a CUR 2.0 export can have, one switched off at a time and
// all of them, gives the figures of the rows it was written from.
func TestEveryConfigurationOfCUR2(t *testing.T) {
	for name, omit := range map[string][]string{
		"INCLUDE_RESOURCES":                     {"line_item_resource_id"},
		"INCLUDE_SPLIT_COST_ALLOCATION_DATA":    {"split_line_item_*"},
		"INCLUDE_CAPACITY_RESERVATION_DATA":     {"capacity_reservation_*"},
		"INCLUDE_IAM_PRINCIPAL_DATA":            {"line_item_iam_principal"},
		"INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": nil,
		"all of them":                           {"line_item_resource_id", "split_line_item_*", "capacity_reservation_*", "line_item_iam_principal"},
	} {
		for _, hourly := range []bool{false, true} {
			c := curtest.Config{Rows: 1200, AIShare: 50, EDP: 6, Commitments: true, Sheet: curtest.Sheet{Hourly: hourly, Omit: omit}}
			c.ManualDiscounts = name == "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY" || name == "all of them"
			month := table(t, c)
			rows, want := tableSum(month, "line_item_unblended_cost")
			for kind, file := range map[string][]byte{"CSV": asCSV(t, c), "Parquet": asParquet(t, c)} {
				p := rollBytes(t, cur.Rollup{Bucket: cur.Hour}, file)
				var n int64
				got := map[string]*big.Rat{}
				for _, g := range p.Control() {
					n += g.Rows
					got[g.Key.LineItemType] = g.Sum(cur.UnblendedCost).Rat()
				}
				if n != rows || !equalSums(got, want) {
					t.Errorf("%s off, hourly %v, %s: %d rows, %v; want %d, %v", name, hourly, kind, n, got, rows, want)
				}
				spans := map[cur.Span]bool{}
				for _, g := range p.Groups() {
					spans[g.Key.Bucket.Span] = true
				}
				if spans[cur.Hour] != hourly {
					t.Errorf("%s off, hourly %v, %s: buckets %v", name, hourly, kind, spans)
				}
			}
		}
	}
}

func equalSums(a, b map[string]*big.Rat) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if b[k] == nil || a[k].Cmp(b[k]) != 0 {
			return false
		}
	}
	return true
}

// Users list the columns of an export: any subset in any order, spelled in any case,
// says of the columns it has what the whole says.
func TestAnySubsetOfColumns(t *testing.T) {
	month := table(t, curtest.Config{Rows: 120, AIShare: 60, EDP: 6})
	columns := month.Columns()
	place := map[string]int{}
	for i, c := range columns {
		place[c.Name] = i
	}
	always := []string{"line_item_unblended_cost", "line_item_usage_start_date", "line_item_product_code", "bill_billing_period_start_date", "bill_payer_account_id"}
	rapid.Check(t, func(rt *rapid.T) {
		chosen := slices.Clone(always)
		for _, c := range columns {
			if !slices.Contains(always, c.Name) && rapid.Bool().Draw(rt, c.Name) {
				chosen = append(chosen, c.Name)
			}
		}
		chosen = rapid.Permutation(chosen).Draw(rt, "order")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		header := slices.Clone(chosen)
		for i := range header {
			if rapid.Bool().Draw(rt, "upper case") {
				header[i] = string(bytes.ToUpper([]byte(header[i])))
			}
		}
		_ = w.Write(header)
		want := map[string]int64{}
		total := new(big.Rat)
		keys := []struct {
			name string
			of   func(*cur.Key) string
		}{
			{"line_item_usage_type", func(k *cur.Key) string { return k.UsageType }},
			{"line_item_resource_id", func(k *cur.Key) string { return k.Resource }},
			{"line_item_iam_principal", func(k *cur.Key) string { return k.Principal }},
			{"line_item_line_item_type", func(k *cur.Key) string { return k.LineItemType }},
			{"line_item_currency_code", func(k *cur.Key) string { return k.Currency }},
		}
		for r := range month.Rows() {
			cells := make([]string, len(chosen))
			for i, c := range chosen {
				cells[i] = r.At(place[c])
			}
			_ = w.Write(cells)
			x, _ := new(big.Rat).SetString(r.Text("line_item_unblended_cost"))
			total.Add(total, x)
			for _, k := range keys {
				v := ""
				switch {
				case slices.Contains(chosen, k.name):
					v = r.Text(k.name)
				case k.name == "line_item_line_item_type":
					v = "Usage"
				}
				if k.name == "line_item_iam_principal" {
					v = cur.Role(v)
				}
				want[k.name+" "+v]++
			}
		}
		w.Flush()
		p := rollBytes(t, cur.Rollup{}, b.Bytes())
		got, sum := map[string]int64{}, new(big.Rat)
		for _, g := range p.Groups() {
			sum.Add(sum, g.Sum(cur.UnblendedCost).Rat())
			for _, k := range keys {
				got[k.name+" "+k.of(&g.Key)] += g.Rows
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || sum.Cmp(total) != 0 {
			rt.Errorf("columns %q: %v, %s; want %v, %s", header, got, sum.FloatString(12), want, total.FloatString(12))
		}
		for _, k := range keys {
			if p.HasColumn(cur.Column(k.name)) != slices.Contains(chosen, k.name) {
				rt.Errorf("column %q: there %v", k.name, p.HasColumn(cur.Column(k.name)))
			}
		}
	})
}

// A month in Parquet gives one body whatever the physical shape: page version,
// dictionary or its fallback, codec, and maps as maps or as text.
func TestEveryShapeOfParquet(t *testing.T) {
	month := table(t, curtest.Config{Rows: 1500, AIShare: 60, EDP: 6})
	r := cur.Rollup{Where: aiWhere, Keys: tagKeys}
	var first *cur.Partial
	for _, s := range []struct {
		name string
		o    colscan.WriterOptions
		text bool // maps as JSON text
	}{
		{"V2, dictionaries", colscan.WriterOptions{}, false},
		{"V1, dictionaries", colscan.WriterOptions{PageVersion: 1}, false},
		{"V2, plain", colscan.WriterOptions{DictionaryLimit: -1}, false},
		{"V1, plain, gzip", colscan.WriterOptions{PageVersion: 1, DictionaryLimit: -1, Codec: colscan.Gzip}, false},
		{"dictionaries that overflow", colscan.WriterOptions{DictionaryLimit: 200, RowGroupRows: 700}, false},
		{"small row groups, zstd", colscan.WriterOptions{RowGroupRows: 64, Codec: colscan.Zstd}, false},
		{"uncompressed, maps as text", colscan.WriterOptions{Codec: colscan.Uncompressed}, true},
		{"V1, maps as text", colscan.WriterOptions{PageVersion: 1, RowGroupRows: 500}, true},
	} {
		var b bytes.Buffer
		var columns []colscan.Column
		for _, c := range month.Columns() {
			kind := map[curtest.Kind]colscan.Kind{curtest.String: colscan.String, curtest.Double: colscan.Double, curtest.Timestamp: colscan.Timestamp,
				curtest.StringMap: colscan.Map, curtest.DoubleMap: colscan.DoubleMap}[c.Kind]
			if s.text && (kind == colscan.Map || kind == colscan.DoubleMap) {
				kind = colscan.String
			}
			columns = append(columns, colscan.Column{Name: c.Name, Kind: kind, Optional: true})
		}
		w := colscan.NewWriter(&b, columns, &s.o)
		for row := range month.Rows() {
			for i, c := range columns {
				text := row.At(i)
				switch {
				case c.Kind == colscan.Map, c.Kind == colscan.DoubleMap:
					var pairs []colscan.Pair
					for _, p := range row.Map(c.Name).Pairs() {
						pairs = append(pairs, colscan.Pair{Key: p.Key, Value: p.Value})
					}
					w.SetMap(i, pairs)
				case text == "":
				case c.Kind == colscan.Double:
					x, err := strconv.ParseFloat(text, 64)
					if err != nil {
						t.Fatal(err)
					}
					w.SetFloat(i, x)
				case c.Kind == colscan.Timestamp:
					at, err := time.Parse(time.RFC3339, text)
					if err != nil {
						t.Fatal(err)
					}
					w.SetTime(i, at)
				default:
					w.SetText(i, text)
				}
			}
			if err := w.EndRow(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p := rollBytes(t, r, b.Bytes())
		if first == nil {
			first = p
			if p.Len() < 100 {
				t.Fatalf("%d groups, want more", p.Len())
			}
		}
		if p.Digest() != first.Digest() {
			t.Errorf("%s: another body", s.name)
		}
	}
}
