package cur

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// rowText is all that can be seen of a row, so that rows can be compared.
func rowText(r *Reader, li *LineItem, columns []Column) string {
	if r.blocks != nil {
		r.blocks.point()
	}
	s := fmt.Sprint(r.row.n, " ", li.BillingPeriod, " ", li.IntervalStart, li.IntervalEnd, li.UsageStart, li.UsageEnd)
	for _, f := range textFields {
		v, ok := li.Column(f.column)
		s += fmt.Sprintf("|%q %v", v, ok)
	}
	for m := range Measure(NumMeasures) {
		v, ok := li.Amount(m)
		s += fmt.Sprint("|", v, ok)
	}
	for _, c := range columns {
		v, ok := li.Column(c)
		s += fmt.Sprintf("|%q %v", v, ok)
	}
	return s
}

// extraColumns are looked up now and then, as users do.
var extraColumns = []Column{"resource_tags/user_team", "resourceTags/user:team", "product/x", "product_region", "line_item_usage_start_date"}

// readTexts reads a file to its end, and gives each row, the error and the totals.
// Rows are read each for itself first, then those that are left together.
func readTexts(t failer, b []byte, o ReaderOptions, each int, passes func(*LineItem) bool) (rows []string, control []Control, failed error) {
	t.Helper()
	f, err := FS(fstest.MapFS{"in": {Data: b}}).Open(context.Background(), "in")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	r, err := NewReader(context.Background(), f, &o)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	n := 0
	see := func(li *LineItem) {
		if n++; passes != nil && !passes(li) {
			return
		}
		look := extraColumns
		if n%3 > 0 {
			look = nil
		}
		rows = append(rows, rowText(r, li, look))
	}
	var li LineItem
	for range each {
		err := r.Read(&li)
		if err == io.EOF {
			return rows, r.Control(), nil
		} else if err != nil {
			return rows, r.Control(), err
		}
		see(&li)
		li.Region, li.Model, li.extra = "overwritten", "overwritten", nil
	}
	for li, err := range r.All() {
		if err != nil {
			return rows, r.Control(), err
		}
		see(li)
	}
	return rows, r.Control(), nil
}

// sameRows compares reading by blocks with reading row by row.
func sameRows(t failer, b []byte, o ReaderOptions) {
	t.Helper()
	slow := o
	slow.byRows = true
	want, wantControl, wantErr := readTexts(t, b, slow, 1<<30, nil)
	for _, each := range [...]int{1 << 30, 3, 0} {
		sameAs(t, b, o, each, want, wantControl, wantErr)
	}
}

func sameAs(t failer, b []byte, o ReaderOptions, each int, want []string, wantControl []Control, wantErr error) {
	t.Helper()
	got, control, err := readTexts(t, b, o, each, nil)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		if len(o.Where.Any) > 0 && err == nil {
			return // in a row that does not pass
		}
		t.Fatalf("error = %v, row by row %v", err, wantErr)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Fatalf("rows (-blocks +rows):\n%s", d)
	}
	if len(o.Where.Any) > 0 && err != nil {
		return
	}
	if !slices.EqualFunc(control, wantControl, func(a, b Control) bool { return a.Key == b.Key && a.Measures.Equal(&b.Measures) }) {
		t.Fatalf("control totals = %v, row by row %v", control, wantControl)
	}
}

func drawReaderOptions(t *rapid.T) (o ReaderOptions) {
	if rapid.Bool().Draw(t, "projected") {
		all := append(append(slices.Clone(keyColumns[:]), measureColumns[:]...), colUsageStart, colUsageEnd, colInterval, colDescription)
		o.Columns = rapid.SliceOfN(rapid.SampledFrom(all), 0, 9).Draw(t, "columns")
	}
	where := append(append(slices.Clone(keyColumns[:]), keyColumns[:]...), extraColumns...)
	for range rapid.IntRange(0, 3).Draw(t, "clauses") {
		var clause Clause
		for range rapid.IntRange(0, 2).Draw(t, "conditions") {
			clause = append(clause, Cond{Column: rapid.SampledFrom(where).Draw(t, "column"),
				Op:     rapid.SampledFrom([]Op{In, FoldIn, Prefix, Contains}).Draw(t, "op"),
				Values: rapid.SliceOfN(rapid.SampledFrom([]string{"", "AmazonBedrock", "AWS", "1", "Usage", "P", "us-east-1", "Units", "a", "raw", "arn:aws:sts::1:assumed-role/R", "USD", "2026-05"}), 1, 3).Draw(t, "values")})
		}
		o.Where.Any = append(o.Where.Any, clause)
	}
	return o
}

// Every shape of page and column, with and without columns left out and rows passed
// over: rows, errors and totals are those of reading row by row.
func TestBlocksEqualRowsOnDrawnFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := drawParquet(t)
		sameRows(t, b, drawReaderOptions(t))
	})
}

// A predicate on a column that is looked up, all rows of a block ahead, leaves the
// look-ups in the rows handed out where they belong.
func TestLookUpsBesideAPredicateThatLooksUp(t *testing.T) {
	table, err := (&curtest.Config{Rows: 3000}).Table()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := table.WriteParquet(&buf); err != nil {
		t.Fatal(err)
	}
	f, err := FS(fstest.MapFS{"in": {Data: buf.Bytes()}}).Open(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(t.Context(), f, &ReaderOptions{Where: Where{Any: []Clause{{{Column: colLineItemID, Op: Contains, Values: []string{"ab"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := 0
	for li, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := li.Column(colLineItemID); !strings.Contains(id, "ab") {
			t.Fatalf("row %d is looked up as %q, which does not pass", r.row.n, id)
		}
		rows++
	}
	if rows == 0 || rows == 3000 {
		t.Errorf("%d of 3000 rows pass, which shows nothing", rows)
	}
}

// A reader with a predicate gives the rows that Where.MatchRow finds among all.
func TestReaderWhereIsMatchRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := drawParquet(t)
		o := drawReaderOptions(t)
		o.Columns = nil
		want, _, err := readTexts(t, b, ReaderOptions{byRows: true}, 1<<30, o.Where.MatchRow)
		if err != nil {
			return
		}
		got, _, err := readTexts(t, b, o, 0, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		strip := func(rows []string) (out []string) { // look-ups are made in every third row given
			for _, s := range rows {
				parts := bytes.SplitN([]byte(s), []byte("|"), numTextFields+NumMeasures+2)
				out = append(out, string(bytes.Join(parts[:min(len(parts), numTextFields+NumMeasures+1)], []byte("|"))))
			}
			return out
		}
		if d := cmp.Diff(strip(got), strip(want)); d != "" {
			t.Fatalf("rows (-Where +MatchRow):\n%s", d)
		}
	})
}

func TestBlocksReportDamageAsRows(t *testing.T) {
	c := curtest.Config{Rows: 300, Sheet: curtest.Sheet{Omit: []string{"reservation_*", "savings_plan_*", "split_*", "capacity_*", "pricing_*", "product_*"}}}
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := table.WriteParquet(&buf); err != nil {
		t.Fatal(err)
	}
	step := 251
	if testing.Short() {
		step = 997
	}
	for at := 4; at < buf.Len(); at += step {
		b := bytes.Clone(buf.Bytes())
		b[at] ^= 1 << (at % 8)
		sameRows(t, b, ReaderOptions{})
	}
}

// A projection leaves the other fields blank, keeps what control totals are kept
// by, and every other column within reach.
func TestReaderColumns(t *testing.T) {
	c := curtest.Config{Rows: 400, AIShare: 50}
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var text, parquet bytes.Buffer
	if _, err := table.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := table.WriteParquet(&parquet); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"csv": text.Bytes(), "parquet": parquet.Bytes()} {
		f, err := FS(fstest.MapFS{"in": {Data: b}}).Open(t.Context(), "in")
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(t.Context(), f, &ReaderOptions{Columns: []Column{"lineItem/UnblendedCost", ColUsageType}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for li, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			if n++; li.UsageType == "" && li.LineItemType == "Usage" || li.ProductCode != "" || li.Payer == "" || li.BillingPeriod.IsZero() {
				t.Fatalf("%s: row %d: usage type %q, product %q, payer %q, period %v", name, n, li.UsageType, li.ProductCode, li.Payer, li.BillingPeriod)
			}
			if _, ok := li.UnblendedCost(); !ok {
				t.Fatalf("%s: row %d has no cost", name, n)
			}
			if _, ok := li.Usage(); ok {
				t.Fatalf("%s: row %d has a usage", name, n)
			}
			if _, ok := li.Column(ColProductCode); ok {
				t.Fatalf("%s: row %d: a column left out is there", name, n)
			}
			if id, ok := li.Column("identity_line_item_id"); !ok || id == "" {
				t.Fatalf("%s: row %d: id %q, %v", name, n, id, ok)
			}
		}
		if want := countRows(table); n != want {
			t.Errorf("%s: %d rows, want %d", name, n, want)
		}
		r.Close()
	}
}

func countRows(t *curtest.Table) (n int) {
	for range t.Rows() {
		n++
	}
	return n
}
