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
