package cur

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// TestColumnsEqualRowsWhereBlocksDiffer has columns that are the same all through
// some blocks of a row group and not in others: line item types, units that only
// descriptions tell, and resources as many as rows.
func TestColumnsEqualRowsWhereBlocksDiffer(t *testing.T) {
	columns := []colscan.Column{{Name: "line_item_unblended_cost", Kind: colscan.Double}}
	for _, name := range []string{"identity_time_interval", "line_item_product_code", "line_item_line_item_type", "bill_billing_entity",
		"pricing_unit", "line_item_line_item_description", "line_item_resource_id"} {
		columns = append(columns, colscan.Column{Name: name, Kind: colscan.String})
	}
	rows := 6 * blockRows
	var buf bytes.Buffer
	w := colscan.NewWriter(&buf, columns, nil)
	for i := range rows {
		block := i / blockRows
		w.SetFloat(0, float64(i%7))
		texts := []string{"2026-05-01T00:00:00Z/2026-05-01T01:00:00Z", "AmazonBedrock", "Usage", "AWS", "Hrs", "a|b|Hours", "r"}
		switch block {
		case 1:
			texts[2] = "Tax"
		case 2:
			texts[3], texts[4] = marketplace, ""
			texts[5] = []string{"a|b|Units", "a|b|Tokens", "a"}[i%3]
		case 3:
			texts[2], texts[3], texts[4] = []string{"Usage", "Fee"}[i%2], []string{"AWS", marketplace}[i/2%2], ""
			texts[5] = []string{"a|b|Units", "a|b|Requests"}[i/4%2]
		case 4:
			texts[6] = fmt.Sprint("r", i)
		}
		for c, s := range texts {
			w.SetText(1+c, s)
		}
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bits := range []uint{0, 24} {
		got := sameByColumns(t, Rollup{wordBits: bits}, parquetSet(t, buf.Bytes()))
		if st := got[0].Stats; st.Again || st.ByRows != 0 {
			t.Errorf("words of %d bits: the column path was not used: %+v", bits, st)
		}
	}
}

// TestColumnsSumsPassSmallNumbers: sums of one group that a count of 1e-10 in a word has no
// room for, in one measure and not in others, up and down.
func TestColumnsSumsPassSmallNumbers(t *testing.T) {
	columns := []colscan.Column{{Name: "line_item_unblended_cost", Kind: colscan.Double}, {Name: "line_item_usage_amount", Kind: colscan.Double},
		{Name: "line_item_net_unblended_cost", Kind: colscan.Double, Optional: true}, {Name: "identity_time_interval", Kind: colscan.String},
		{Name: "line_item_product_code", Kind: colscan.String}}
	var buf bytes.Buffer
	w := colscan.NewWriter(&buf, columns, nil)
	for i := range 60_000 {
		// Of one product costs add up; of the other those that have a net cost take
		// away what others add.
		product, sign := "AmazonBedrock", 1.0
		if i > 50_000 {
			sign = -1
		}
		if i%4 > 1 {
			product, sign = "AmazonEC2", float64(i%2*2-1)
		}
		w.SetFloat(0, sign*(99_999.5+float64(i%3)/8))
		w.SetFloat(1, 0.25)
		if i%2 == 0 {
			w.SetFloat(2, -98_765.5)
		}
		w.SetText(3, "2026-05-01T00:00:00Z/2026-05-01T01:00:00Z")
		w.SetText(4, product)
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := sameByColumns(t, Rollup{}, parquetSet(t, buf.Bytes()))
	if st := got[0].Stats; st.Again || st.ByRows != 0 {
		t.Errorf("the column path was not used: %+v", st)
	}
	m := got[0].Partial.Sums(0)
	if want := "7500"; m.Sum(Usage).String() != want || m.Rows != 30_000 {
		t.Errorf("usage %s of %d rows, want %s of 30000", m.Sum(Usage), m.Rows, want)
	}
}
