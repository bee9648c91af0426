package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
	"github.com/spendclaim/spendclaim/internal/samples"
)

// scopeWhere is the predicate of the default scope of package attribution: it
// asks for plain columns, for the product name, which is in a map, and for usage
// types of some products alone.
var scopeWhere = Where{Any: []Clause{
	{{ColBillingEntity, In, []string{"AWS", ""}}, {ColProductCode, In, []string{"AmazonBedrockAgentCore"}}},
	{{ColProductCode, In, []string{"AmazonCognito"}}, {ColUsageType, Contains, []string{"Bedrock-Agent-Core:"}}},
	{{ColBillingEntity, In, []string{"AWS", ""}}, {ColProductCode, In, []string{"AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels"}}},
	{{ColBillingEntity, In, []string{marketplace}}, {ColProductName, Contains, []string{"Bedrock"}}},
	{{ColProductFamily, FoldIn, []string{"Amazon Bedrock"}}},
}}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// sameByColumns runs r by rows, by columns and by columns with three workers,
// holds the results against each other, and returns that of the columns.
func sameByColumns(t failer, r Rollup, set *Set) []Rolled {
	t.Helper()
	r.byRows = true
	want, wantErr := r.Run(context.Background(), set)
	r.byRows = false
	var out []Rolled
	for _, workers := range []int{1, 3} {
		r.Workers = workers
		got, err := r.Run(context.Background(), set)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%d workers: error = %v, by rows %v", workers, err, wantErr)
		}
		if len(got) != len(want) {
			t.Fatalf("%d workers: %d deliveries, by rows %d", workers, len(got), len(want))
		}
		for i := range want {
			if d := cmp.Diff(got[i].Delivery, want[i].Delivery, cmp.Comparer(func(a, b Month) bool { return a == b })); d != "" {
				t.Fatalf("%d workers: delivery (-columns +rows):\n%s", workers, d)
			}
			if d := cmp.Diff(got[i].Partial.Objects(), want[i].Partial.Objects()); d != "" {
				t.Fatalf("%d workers: objects (-columns +rows):\n%s", workers, d)
			}
			if !bytes.Equal(got[i].Partial.AppendBody(nil), want[i].Partial.AppendBody(nil)) {
				t.Fatalf("%d workers: bodies differ:\n%s", workers, diffPartials(got[i].Partial, want[i].Partial))
			}
		}
		out = got
	}
	return out
}

// diffPartials says where two partials differ first.
func diffPartials(got, want *Partial) string {
	text := func(p *Partial) (lines []string) {
		sums := func(m Measures) (s string) {
			s = fmt.Sprint(m.Rows, m.NetRows, m.CostBlank)
			for i := range m.sums {
				s += " " + m.sums[i].String()
			}
			return s
		}
		for _, g := range p.Groups() {
			lines = append(lines, fmt.Sprintf("group %+v %s", g.Key, sums(g.Measures)))
		}
		for g := range p.Rest() {
			lines = append(lines, fmt.Sprintf("rest %+v %s", g.Key, sums(g.Measures)))
		}
		for _, c := range p.Control() {
			lines = append(lines, fmt.Sprintf("control %+v %s", c.Key, sums(c.Measures)))
		}
		return append(lines, fmt.Sprint("unread ", p.Unread()))
	}
	a, b := text(got), text(want)
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("%d lines, by rows %d; line %d:\n%s\nby rows:\n%s", len(a), len(b), i, a[i], b[min(i, len(b)-1)])
		}
	}
	return fmt.Sprintf("%d lines, by rows %d, which agree", len(a), len(b))
}

// parquetSet makes a set of files held in memory.
func parquetSet(t failer, files ...[]byte) *Set {
	t.Helper()
	m := fstest.MapFS{}
	var names []string
	for i, b := range files {
		name := fmt.Sprintf("f%02d.parquet", i)
		m[name] = &fstest.MapFile{Data: b, ModTime: time.Unix(1780000000, 0)}
		names = append(names, name)
	}
	sets, err := Locate(context.Background(), FS(m), names...)
	if err != nil || len(sets) != 1 {
		t.Fatalf("Locate: %d sets, %v", len(sets), err)
	}
	return sets[0]
}

// monthFiles writes a generated month as Parquet.
func monthFiles(t failer, c curtest.Config, d curtest.Delivery, dir string) *Set {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatalf("%v", err)
	}
	d.Format = curtest.Parquet
	w, err := d.Write(dir, table)
	if err != nil {
		t.Fatalf("%v", err)
	}
	sets, err := Locate(context.Background(), Local(), w.Manifest)
	if err != nil || len(sets) != 1 {
		t.Fatalf("Locate: %d sets, %v", len(sets), err)
	}
	return sets[0]
}

func TestColumnsEqualRowsOnGeneratedMonths(t *testing.T) {
	tags := []Column{"resource_tags/user_team", "resourceTags/user:team", "iamPrincipal/team", "cost_category/Portfolio", "line_item_line_item_description", "product/region", "no_such_column"}
	rollups := map[string]Rollup{
		"everything":      {},
		"products":        {Where: aiOnly},
		"scope":           {Where: scopeWhere, Keys: tags, Bucket: Hour},
		"scope, rest not": {Where: scopeWhere, RestUnread: true},
		"tags": {Keys: tags, Bucket: MonthSpan, Where: Where{Any: []Clause{{{Column: tags[0], Op: Prefix, Values: []string{"a", "b"}}},
			{{ColPrincipal, Prefix, []string{"arn:aws:sts"}}, {ColUsageType, Contains, []string{"input"}}}, {{ColPricingUnit, In, []string{"Units"}}}}}},
		"nothing": {Where: Where{Any: []Clause{{{ColProductCode, In, []string{"none"}}}}}, RestUnread: true},
	}
	months := []struct {
		name string
		c    curtest.Config
		d    curtest.Delivery
	}{
		{"cur2", curtest.Config{Rows: 9000, EDP: 7, Commitments: true}, curtest.Delivery{RowGroup: 5000}},
		{"cur2, files, discount rows", curtest.Config{Rows: 6000, AIShare: 70, EDP: 7, ManualDiscounts: true, Invoiced: true}, curtest.Delivery{RowsPerFile: 2500, RowGroup: 1000, PageVersion: 1}},
		{"hourly, clustered", curtest.Config{Sheet: curtest.Sheet{Hourly: true}, Rows: 9000, AIShare: 10, Clustered: true}, curtest.Delivery{}},
		{"pages that end anywhere", curtest.Config{Rows: 12_000, AIShare: 4, EDP: 7}, curtest.Delivery{RowGroup: 7000, PageBytes: 5000}},
		{"pages that end anywhere, most AI", curtest.Config{Rows: 12_000, AIShare: 70, Commitments: true}, curtest.Delivery{RowGroup: 7000, PageBytes: 3000}},
		{"legacy", curtest.Config{Sheet: curtest.Sheet{Spelling: curtest.LegacyParquet}, Rows: 5000, Commitments: true, EDP: 3}, curtest.Delivery{RowGroup: 3000}},
		{"few columns", curtest.Config{Sheet: curtest.Sheet{Omit: []string{"bill_*", "identity_time_interval", "line_item_line_item_type", "line_item_net_*", "product"}}, Rows: 3000}, curtest.Delivery{}},
	}
	for _, m := range months {
		t.Run(m.name, func(t *testing.T) {
			set := monthFiles(t, m.c, m.d, t.TempDir())
			for name, r := range rollups {
				t.Run(name, func(t *testing.T) {
					got := sameByColumns(t, r, set)
					if st := got[0].Stats; st.Again || st.ByRows != 0 || st.RowGroups == 0 {
						t.Errorf("the column path was not used: %+v", st)
					}
				})
			}
		})
	}
}

// TestColumnsEqualRowsHoweverPagesEnd: what is looked at ahead, what is loaded whole and
// where blocks end depends on the pages of several columns.
func TestColumnsEqualRowsHoweverPagesEnd(t *testing.T) {
	byType := Where{Any: []Clause{{{ColLineItemType, In, []string{"Usage"}}, {ColUsageType, Contains, []string{"oken"}}}, {{ColBillingEntity, In, []string{marketplace}}}}}
	pages := []int{2100, 5000, 17_000, 1 << 20}
	if testing.Short() {
		pages = pages[2:]
	}
	for i, page := range pages {
		for _, share := range []int{2, 70} {
			c := curtest.Config{Seed: uint64(i + share), Rows: 9000, AIShare: share, EDP: 7}
			set := monthFiles(t, c, curtest.Delivery{PageVersion: 1 + i%2, PageBytes: page}, t.TempDir())
			for _, where := range []Where{scopeWhere, byType} {
				for _, unread := range []bool{false, true} {
					got := sameByColumns(t, Rollup{Where: where, RestUnread: unread}, set)
					if st := got[0].Stats; st.Again || st.ByRows != 0 {
						t.Fatalf("the column path was not used: %+v", st)
					}
				}
			}
		}
	}
}

// TestColumnsEqualRowsBeyondTableGrowth: tables have grown several times, in
// both paths.
func TestColumnsEqualRowsBeyondTableGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("eighty thousand rows, row by row")
	}
	c := curtest.Config{Sheet: curtest.Sheet{Hourly: true}, AIShare: 70, Rows: 80_000, Roles: 3000, Resources: 3000, Accounts: 50}
	set := monthFiles(t, c, curtest.Delivery{RowsPerFile: 30_000, RowGroup: 20_000}, t.TempDir())
	got := sameByColumns(t, Rollup{Where: scopeWhere, Bucket: Hour}, set)
	if n := got[0].Partial.Len(); n <= 32_000 {
		t.Errorf("%d groups, want more than 32,000", n)
	}
}

func TestColumnsEqualRowsOnSampleMonths(t *testing.T) {
	for _, name := range []string{"Oct2018-WorkshopCUR-00001.snappy.parquet", "Nov2018-WorkshopCUR-00001.snappy.parquet"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("a hundred thousand rows, row by row")
			}
			sets, err := Locate(context.Background(), Local(), samples.Path(t, "legacy-parquet-workshop-2018", name))
			if err != nil {
				t.Fatal(err)
			}
			ec2 := Where{Any: []Clause{{{ColProductCode, In, []string{"AmazonEC2"}}, {ColOperation, Prefix, []string{"Run"}}}}}
			for _, r := range []Rollup{{}, {Where: ec2}, {Where: ec2, RestUnread: true, Bucket: Hour}} {
				got := sameByColumns(t, r, sets[0])
				if st := got[0].Stats; st.Again || st.ByRows != 0 {
					t.Errorf("the column path was not used: %+v", st)
				}
			}
		})
	}
}

// drawParquet draws a small report as a Parquet file, and says how many rows it
// has.
func drawParquet(t *rapid.T) ([]byte, int) {
	kind := func(name string, of ...colscan.Kind) colscan.Kind { return rapid.SampledFrom(of).Draw(t, name) }
	type column struct {
		colscan.Column
		vals []string
	}
	days := []string{"2026-05-01T00:00:00Z", "2026-05-01T01:00:00Z", "2026-05-31T23:00:00Z", "2026-06-01T00:00:00Z"}
	money := []string{"0", "0.1", "-3.25", "12345.678901", "0.0000000001", "1e-20", "123456789012345680000", "", "26024.855000000001"}
	cols := []column{
		{colscan.Column{Name: "line_item_unblended_cost", Kind: kind("cost", colscan.Double, colscan.Double, colscan.String)}, money},
		{colscan.Column{Name: "line_item_usage_start_date", Kind: kind("start", colscan.Timestamp, colscan.String)}, days},
		{colscan.Column{Name: "line_item_product_code", Kind: colscan.String}, []string{"AmazonBedrock", "AmazonEC2", "", "AmazonBedrockAgentCore"}},
	}
	for _, c := range []column{
		{colscan.Column{Name: "bill_payer_account_id", Kind: colscan.String}, []string{"1", "1", "1", "2"}},
		{colscan.Column{Name: "bill_billing_period_start_date", Kind: kind("period", colscan.Timestamp, colscan.String)}, days[:2]},
		{colscan.Column{Name: "bill_invoice_id", Kind: colscan.String}, []string{"", "i1", "i2"}},
		{colscan.Column{Name: "bill_invoicing_entity", Kind: colscan.String}, []string{"AWS", "Other"}},
		{colscan.Column{Name: "bill_billing_entity", Kind: colscan.String}, []string{"AWS", marketplace}},
		{colscan.Column{Name: "identity_time_interval", Kind: colscan.String}, []string{"", days[0] + "/" + days[1], days[0] + "/" + days[3]}},
		{colscan.Column{Name: "line_item_usage_end_date", Kind: colscan.Timestamp}, append(days[1:], "")},
		{colscan.Column{Name: "line_item_usage_amount", Kind: kind("usage", colscan.Double, colscan.Int64)}, []string{"0", "1", "200", ""}},
		{colscan.Column{Name: "line_item_net_unblended_cost", Kind: colscan.Double}, money},
		{colscan.Column{Name: "reservation_effective_cost", Kind: colscan.Double}, money},
		{colscan.Column{Name: "savings_plan_used_commitment", Kind: colscan.Double}, []string{"0", "7.5"}},
		{colscan.Column{Name: "reservation_reservation_a_r_n", Kind: colscan.String}, []string{"", "arn:r"}},
		{colscan.Column{Name: "line_item_line_item_type", Kind: colscan.String}, []string{"Usage", "Usage", "Fee", "Tax", ""}},
		{colscan.Column{Name: "line_item_iam_principal", Kind: colscan.String}, []string{"", "arn:aws:sts::1:assumed-role/R/s1", "arn:aws:sts::1:assumed-role/R/s2", "arn:aws:iam::1:user/u"}},
		{colscan.Column{Name: "line_item_resource_id", Kind: kind("resource", colscan.String, colscan.Int64)}, []string{"1", "2", "33", ""}},
		{colscan.Column{Name: "pricing_unit", Kind: colscan.String}, []string{"", "", "Hrs"}},
		{colscan.Column{Name: "line_item_line_item_description", Kind: colscan.String}, []string{"", "a|b| Units |c", "a|b|Tokens", "x"}},
		{colscan.Column{Name: "line_item_currency_code", Kind: colscan.String}, []string{"USD", "USD", "EUR"}},
		{colscan.Column{Name: "product_region_code", Kind: colscan.String}, []string{"", "us-east-1"}},
		{colscan.Column{Name: "product_region", Kind: colscan.String}, []string{"", "eu-west-1"}},
		{colscan.Column{Name: "product_product_family", Kind: colscan.String}, []string{"", "Amazon Bedrock"}},
		{colscan.Column{Name: "product", Kind: kind("product", colscan.Map, colscan.Map, colscan.Map, colscan.String)},
			[]string{`{}`, `{"product_name":"P"}`, `{"product_name":"Q","region":"ap-1","x":"y"}`, `{"model":"m","region_code":"","region":"z"}`}},
		{colscan.Column{Name: "resource_tags", Kind: colscan.Map}, []string{`{}`, `{"user_team":"a"}`, `{"user_team":"b","k":"v"}`, `{"team":"c"}`}},
		{colscan.Column{Name: "tags", Kind: colscan.Map}, []string{`{}`, `{"resourceTags/user:team":"raw"}`, `{"resourceTags/user:other":"o"}`, `{"userAttribute/x":"1"}`}},
	} {
		if rapid.IntRange(0, 4).Draw(t, "has "+c.Name) > 0 {
			cols = append(cols, c)
		}
	}
	// Now and then a column holds what no report holds: the errors must agree.
	if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
		c := &cols[rapid.IntRange(0, len(cols)-1).Draw(t, "bad column")]
		if c.Kind == colscan.String {
			c.vals = append(slices.Clone(c.vals), "?", "{")
		} else if c.Kind == colscan.Double {
			c.vals = append(slices.Clone(c.vals), "NaN")
		}
	}
	o := &colscan.WriterOptions{
		RowGroupRows:    rapid.SampledFrom([]int{0, 50, 333}).Draw(t, "group"),
		PageVersion:     rapid.IntRange(1, 2).Draw(t, "version"),
		PageBytes:       rapid.SampledFrom([]int{0, 64, 800}).Draw(t, "page"),
		DictionaryLimit: rapid.SampledFrom([]int{0, 0, -1, 12}).Draw(t, "dictionary"),
		Required:        rapid.IntRange(0, 3).Draw(t, "required") == 0,
		Codec:           rapid.SampledFrom([]colscan.Codec{colscan.Snappy, colscan.Uncompressed, colscan.Gzip}).Draw(t, "codec"),
	}
	var columns []colscan.Column
	for i := range cols {
		cols[i].Optional = rapid.IntRange(0, 3).Draw(t, "optional") > 0
		columns = append(columns, cols[i].Column)
	}
	var buf bytes.Buffer
	w := colscan.NewWriter(&buf, columns, o)
	rows := rapid.SampledFrom([]int{0, 1, 40, 700}).Draw(t, "rows")
	seed := rapid.Uint64().Draw(t, "seed")
	sticky := make([]int, len(cols))
	for range rows {
		for i, c := range cols {
			seed = seed*6364136223846793005 + 1442695040888963407
			if seed>>60 < 8 { // runs of equal values
				sticky[i] = int(seed>>33) % len(c.vals)
			}
			setCell(w, i, c.Kind, c.vals[sticky[i]])
		}
		if err := w.EndRow(); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return buf.Bytes(), rows
}

// setCell writes a cell from its text; "" is null, but for strings.
func setCell(w *colscan.Writer, i int, kind colscan.Kind, s string) {
	switch kind {
	case colscan.String:
		w.SetText(i, s)
	case colscan.Double:
		var x float64
		if s == "" {
			return
		}
		if fmt.Sscan(s, &x); s == "NaN" {
			x = math.NaN()
		}
		w.SetFloat(i, x)
	case colscan.Int64:
		var n int64
		if s == "" {
			return
		}
		fmt.Sscan(s, &n)
		w.SetInt(i, n)
	case colscan.Timestamp:
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			w.SetTime(i, at)
		}
	case colscan.Map:
		m, _ := parseMap([]byte(s))
		var pairs []colscan.Pair
		for k, v := range m {
			pairs = append(pairs, colscan.Pair{Key: k, Value: v})
		}
		slices.SortFunc(pairs, func(a, b colscan.Pair) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
		w.SetMap(i, pairs)
	}
}

// TestColumnsEqualRowsOnDrawnFiles: every shape of page and column, drawn
// rollups, and errors where a cell makes no sense.
func TestColumnsEqualRowsOnDrawnFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, rows := drawParquet(t)
		if rows == 0 {
			return
		}
		keys := []Column{"resource_tags/user_team", "resourceTags/user:team", "product/x", "line_item_line_item_description", "line_item_usage_amount", "product_region"}
		r := Rollup{RestUnread: rapid.Bool().Draw(t, "unread"), Bucket: rapid.SampledFrom([]Span{0, Hour, MonthSpan}).Draw(t, "bucket"),
			wordBits: rapid.SampledFrom([]uint{0, 24, 30}).Draw(t, "bits of a word")}
		for _, k := range keys {
			if rapid.IntRange(0, 2).Draw(t, "key") == 0 {
				r.Keys = append(r.Keys, k)
			}
		}
		spec := r.Spec()
		where := append(slices.Clone(keyColumns[:]), spec.Columns...)
		for range rapid.IntRange(0, 3).Draw(t, "clauses") {
			var clause Clause
			for range rapid.IntRange(0, 2).Draw(t, "conditions") {
				clause = append(clause, Cond{Column: rapid.SampledFrom(where).Draw(t, "column"),
					Op:     rapid.SampledFrom([]Op{In, FoldIn, Prefix, Contains}).Draw(t, "op"),
					Values: rapid.SliceOfN(rapid.SampledFrom([]string{"", "AmazonBedrock", "AWS", "1", "Usage", "P", "us-east-1", "Units", "a", "raw", "arn:aws:sts::1:assumed-role/R", "USD", "2026-05"}), 1, 3).Draw(t, "values")})
			}
			r.Where.Any = append(r.Where.Any, clause)
		}
		set := parquetSet(t, b)
		if r.RestUnread || len(r.Where.Any) > 0 {
			// Cells that no result needs are not read: errors need not agree.
			r.byRows = true
			if _, err := r.Run(context.Background(), set); err != nil {
				return
			}
			r.byRows = false
		}
		sameByColumns(t, r, set)
	})
}

// TestDamageIsReportedAsByRows: whatever the column path trips over, the error
// is that of the rows.
func TestDamageIsReportedAsByRows(t *testing.T) {
	c := curtest.Config{Rows: 200, Sheet: curtest.Sheet{Omit: []string{"reservation_*", "savings_plan_*", "split_*", "capacity_*", "pricing_*", "product_*"}}}
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := table.WriteParquet(&buf); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	step := 41
	if testing.Short() {
		step = 997
	}
	failed := 0
	for at := 4; at < len(whole); at += step {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		set := parquetSet(t, b)
		rows, columns := Rollup{byRows: true}, Rollup{Workers: 2}
		want, wantErr := rows.Run(context.Background(), set)
		got, err := columns.Run(context.Background(), set)
		if err != nil && fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("byte %d: error = %v, by rows %v", at, err, wantErr)
		}
		if err != nil {
			failed++
			continue
		}
		if wantErr != nil {
			continue // in a cell that no total needs
		}
		for i := range want {
			if !bytes.Equal(got[i].Partial.AppendBody(nil), want[i].Partial.AppendBody(nil)) {
				t.Fatalf("byte %d: bodies differ:\n%s", at, diffPartials(got[i].Partial, want[i].Partial))
			}
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
}

func TestColumnsObeyLimitsAndContext(t *testing.T) {
	set := monthFiles(t, curtest.Config{Rows: 5000}, curtest.Delivery{RowsPerFile: 2000}, t.TempDir())
	sameByColumns(t, Rollup{MaxGroups: 10}, set)
	sameByColumns(t, Rollup{MaxGroups: 2, Where: Where{Any: []Clause{{{ColProductCode, In, []string{"none"}}}}}}, set)
	ctx, cancel := context.WithCancel(context.Background())
	r := Rollup{Workers: 2, Progress: func(Progress) { cancel() }}
	if _, err := r.Run(ctx, set); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the context's", err)
	}
}

// TestMixedSetsAreReadBothWays: files of other shapes do not keep Parquet files
// from being read by columns, and the other way round.
func TestMixedSetsAreReadBothWays(t *testing.T) {
	table, err := (&curtest.Config{Rows: 900}).Table()
	if err != nil {
		t.Fatal(err)
	}
	var good bytes.Buffer
	if _, err := table.WriteParquet(&good); err != nil {
		t.Fatal(err)
	}
	// The same columns, with the product map as text.
	f, err := colscan.Open(bytes.NewReader(good.Bytes()), int64(good.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	columns := f.Columns()
	for i := range columns {
		columns[i].Kind = colscan.String
	}
	w := colscan.NewWriter(&other, columns, nil)
	rows := f.Rows()
	for rows.Next(t.Context()) && rows.Index() < 400 {
		for i := range columns {
			if b, null, err := rows.Text(i); err != nil {
				t.Fatal(err)
			} else if !null {
				w.SetText(i, string(b))
			}
		}
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close(), w.Close()); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	got := sameByColumns(t, Rollup{Where: aiOnly}, parquetSet(t, good.Bytes(), other.Bytes()))
	if st := got[0].Stats; st.ByRows != 1 || st.RowGroups != 1 || st.Files != 2 || st.Rows != 1300 || st.Again {
		t.Errorf("Stats = %+v, want two files, one of them by rows, and 1300 rows", st)
	}
}
