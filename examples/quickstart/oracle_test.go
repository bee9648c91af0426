package main

import (
	"context"
	"encoding/csv"
	"io"
	"math/big"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// amount is an exact sum of rows.
type amount struct {
	rows int64
	cost *big.Rat
}

func (a *amount) add(cost *big.Rat) {
	if a.cost == nil {
		a.cost = new(big.Rat)
	}
	a.rows++
	a.cost.Add(a.cost, cost)
}

// oracle sums a report row by row, sharing no code with what the program reads
// and adds it with.
type oracle struct {
	t               *testing.T
	total           amount
	types, products map[string]*amount
}

func newOracle(t *testing.T) *oracle {
	return &oracle{t: t, types: map[string]*amount{}, products: map[string]*amount{}}
}

func (o *oracle) row(lineType, product, cost string) {
	o.t.Helper()
	x, ok := new(big.Rat).SetString(cost)
	if !ok {
		o.t.Fatalf("row %d: cost %q", o.total.rows+1, cost)
	}
	o.total.add(x)
	into(o.types, lineType, x)
	into(o.products, product, x)
}

func into[K comparable](m map[K]*amount, k K, x *big.Rat) {
	if m[k] == nil {
		m[k] = new(amount)
	}
	m[k].add(x)
}

// csv sums a CSV text of either spelling.
func (o *oracle) csv(in io.Reader) {
	o.t.Helper()
	r := csv.NewReader(in)
	head, err := r.Read()
	if err != nil {
		o.t.Fatal(err)
	}
	at := columnsOf(head)
	lineType, typed := at["lineItem/LineItemType"]
	if !typed {
		lineType, typed = at["line_item_line_item_type"]
	}
	product, cost := at["lineItem/ProductCode"], at["lineItem/UnblendedCost"]
	if i, ok := at["line_item_product_code"]; ok {
		product, cost = i, at["line_item_unblended_cost"]
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			o.t.Fatal(err)
		}
		kind := "Usage"
		if typed {
			kind = row[lineType]
		}
		o.row(kind, row[product], row[cost])
	}
}

func columnsOf(head []string) map[string]int {
	at := make(map[string]int, len(head))
	for i, h := range head {
		at[h] = i
	}
	return at
}

// parquet sums a Parquet file: a double is the shortest text that reads back as
// it.
func (o *oracle) parquet(path string) {
	o.t.Helper()
	f, err := os.Open(path)
	if err != nil {
		o.t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		o.t.Fatal(err)
	}
	pf, err := colscan.Open(f, info.Size())
	if err != nil {
		o.t.Fatal(err)
	}
	at := map[string]int{}
	for i, c := range pf.Columns() {
		at[c.Name] = i
	}
	rows := pf.Rows()
	defer rows.Close()
	cell := func(name string) string {
		b, _, err := rows.Text(at[name])
		if err != nil {
			o.t.Fatal(err)
		}
		return string(b)
	}
	for rows.Next(context.Background()) {
		x, null, err := rows.Float(at["line_item_unblended_cost"])
		if err != nil || null {
			o.t.Fatalf("row %d: cost null %v, %v", rows.Index(), null, err)
		}
		o.row(cell("line_item_line_item_type"), cell("line_item_product_code"), strconv.FormatFloat(x, 'g', -1, 64))
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
}

// sums spells the oracle's sums as the output does.
func sums(m map[string]*amount) map[string]sum {
	out := make(map[string]sum, len(m))
	for k, a := range m {
		out[k] = sum{a.rows, text(a.cost)}
	}
	return out
}

// equals fails the test unless a period has the oracle's rows and sums, to the
// last digit.
func (o *oracle) equals(p *period) {
	o.t.Helper()
	if p.Rows != o.total.rows || p.Totals.Unblended != text(o.total.cost) {
		o.t.Errorf("%s: %d rows, %s; the oracle has %d, %s", p.BillingPeriod, p.Rows, p.Totals.Unblended, o.total.rows, text(o.total.cost))
	}
	if !p.Reconciled || len(p.Incomplete) > 0 {
		o.t.Errorf("%s: reconciled %v, incomplete %v", p.BillingPeriod, p.Reconciled, p.Incomplete)
	}
	if d := cmp.Diff(sums(o.types), p.LineTypes); d != "" {
		o.t.Errorf("%s: line types (-oracle +output):\n%s", p.BillingPeriod, d)
	}
	if d := cmp.Diff(sums(o.products), p.Products); d != "" {
		o.t.Errorf("%s: products (-oracle +output):\n%s", p.BillingPeriod, d)
	}
}

// taggedCost sums the usage rows of a Parquet file whose tags have a value.
func taggedCost(t *testing.T, r io.ReaderAt, size int64, key, value string) *big.Rat {
	t.Helper()
	pf, err := colscan.Open(r, size)
	if err != nil {
		t.Fatal(err)
	}
	tags, cost := -1, -1
	for i, c := range pf.Columns() {
		switch c.Name {
		case "tags":
			tags = i
		case "line_item_unblended_cost":
			cost = i
		}
	}
	total := new(big.Rat)
	rows := pf.Rows()
	defer rows.Close()
	for rows.Next(context.Background()) {
		pairs, _, err := rows.Map(tags, nil)
		if err != nil {
			t.Fatal(err)
		}
		x, _, err := rows.Float(cost)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(pairs, colscan.Pair{Key: key, Value: value}) {
			total.Add(total, rat(t, strconv.FormatFloat(x, 'g', -1, 64)))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return total
}
