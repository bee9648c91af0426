package cur_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// aiWhere is a predicate as attribution hands one in.
var aiWhere = cur.Where{Any: []cur.Clause{
	{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS"}},
		{Column: cur.ColProductCode, Op: cur.Prefix, Values: []string{"AmazonBedrock"}}},
	{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS Marketplace"}},
		{Column: cur.ColProductName, Op: cur.Contains, Values: []string{"bedrock"}}},
}}

// anchored are the rows that a role or a resource is billed for. The few others fall
// into ever more groups as rows become more.
var anchored = cur.Where{Any: []cur.Clause{
	{{Column: cur.ColPrincipal, Op: cur.Prefix, Values: []string{"arn:"}}},
	{{Column: cur.ColProductCode, Op: cur.In, Values: []string{"AmazonBedrockAgentCore"}}, {Column: cur.ColResource, Op: cur.Prefix, Values: []string{"arn:"}}},
}}

// tagKeys are tags that the generated months have.
var tagKeys = []cur.Column{"resourceTags/user:team", "iamPrincipal/team"}

func table(tb testing.TB, c curtest.Config) *curtest.Table {
	tb.Helper()
	t, err := c.Table()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// asCSV and asParquet write a month as one file.
func asCSV(tb testing.TB, c curtest.Config) []byte {
	tb.Helper()
	var b bytes.Buffer
	if _, err := table(tb, c).WriteCSV(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asParquet(tb testing.TB, c curtest.Config) []byte {
	tb.Helper()
	var b bytes.Buffer
	if _, err := table(tb, c).WriteParquet(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// rollBytes rolls up one file that is one delivery.
func rollBytes(tb testing.TB, r cur.Rollup, content []byte) *cur.Partial {
	tb.Helper()
	sets, err := cur.Locate(context.Background(), cur.FS(fstest.MapFS{"in": {Data: content}}), "in")
	if err != nil {
		tb.Fatal(err)
	}
	rolled, err := r.Run(context.Background(), sets[0])
	if err != nil {
		tb.Fatal(err)
	}
	if len(rolled) != 1 {
		tb.Fatalf("%d deliveries, want 1", len(rolled))
	}
	return rolled[0].Partial
}

func TestCSVAndParquetGiveTheSameBody(t *testing.T) {
	for _, c := range []struct {
		name   string
		config curtest.Config
	}{
		{"plain month", curtest.Config{Rows: 4000, AIShare: 60}},
		{"hourly, with discounts in the rows", curtest.Config{Sheet: curtest.Sheet{Hourly: true}, Rows: 3000, AIShare: 60, EDP: 7}},
		{"discount rows, commitments, sessions", curtest.Config{Rows: 3000, AIShare: 60, EDP: 7, ManualDiscounts: true, Commitments: true, RowsPerSession: 5}},
		{"columns switched off", curtest.Config{Rows: 3000, AIShare: 60, EDP: 7, Sheet: curtest.Sheet{
			Omit: []string{"line_item_iam_principal", "line_item_resource_id", "line_item_net_*", "reservation_*", "product", "bill_payer_account_id"}}}},
		{"open month", curtest.Config{Rows: 2000, LastDay: 23}},
		{"invoiced month", curtest.Config{Rows: 2000, Invoiced: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, columns := asCSV(t, c.config), asParquet(t, c.config)
			for name, r := range map[string]cur.Rollup{
				"everything at the full key, hourly": {Bucket: cur.Hour, Keys: tagKeys},
				"AI rows by day":                     {Where: aiWhere, Keys: tagKeys},
				"months":                             {Bucket: cur.MonthSpan},
			} {
				want, got := rollBytes(t, r, text), rollBytes(t, r, columns)
				if !bytes.Equal(got.AppendBody(nil), want.AppendBody(nil)) {
					t.Errorf("%s: the bodies differ:\n%s", name, cmp.Diff(groupsOf(want), groupsOf(got)))
				}
				if want.Len() < 50 && name != "months" {
					t.Errorf("%s: %d groups prove little", name, want.Len())
				}
			}
		})
	}
}

// groupsOf renders groups, rest and control for comparison: key, rows, and the sums
// that differ from zero, net as attribution reads it.
func groupsOf(p *cur.Partial) map[string]string {
	out := map[string]string{}
	sums := func(m *cur.Measures) string {
		var b strings.Builder
		fmt.Fprintf(&b, "rows %d, blank %d", m.Rows, m.CostBlank)
		for i := range cur.NumMeasures {
			if n := cur.Measure(i); n != cur.NetUnblendedCost && n != cur.UnblendedWhereNetBlank && !m.Sum(n).IsZero() {
				fmt.Fprintf(&b, ", %s %s", n, m.Sum(n))
			}
		}
		fmt.Fprintf(&b, ", net %s", m.Sum(cur.NetUnblendedCost).Add(m.Sum(cur.UnblendedWhereNetBlank)))
		return b.String()
	}
	for _, g := range p.Groups() {
		k := fmt.Sprintf("group %+v", g.Key)
		if out[k] != "" {
			k += " again"
		}
		out[k] = sums(&g.Measures)
	}
	for g := range p.Rest() {
		out[fmt.Sprintf("rest %+v", g.Key)] = sums(&g.Measures)
	}
	for _, c := range p.Control() {
		out[fmt.Sprintf("control %+v", c.Key)] = sums(&c.Measures)
	}
	return out
}

// One month in all formats: legacy reports lack the principal, so it is left out
// of the CUR 2.0 ones too.
func TestAllFormatsGiveTheSameGroups(t *testing.T) {
	month := func(s curtest.Spelling) curtest.Config {
		c := curtest.Config{Rows: 4000, AIShare: 60, EDP: 7, ManualDiscounts: true, Commitments: true, Sheet: curtest.Sheet{Spelling: s}}
		if s == curtest.CUR2 {
			c.Omit = []string{"line_item_iam_principal"}
		}
		return c
	}
	formats := map[string][]byte{
		"CUR 2.0 CSV":     asCSV(t, month(curtest.CUR2)),
		"CUR 2.0 Parquet": asParquet(t, month(curtest.CUR2)),
		"legacy CSV":      asCSV(t, month(curtest.LegacyCSV)),
		"Athena CSV":      asCSV(t, month(curtest.LegacyParquet)),
		"legacy Parquet":  asParquet(t, month(curtest.LegacyParquet)),
	}
	for name, r := range map[string]cur.Rollup{
		"full key":     {Keys: []cur.Column{"resourceTags/user:team", "costCategory/Portfolio", "product/servicename"}},
		"AI only":      {Where: aiWhere},
		"hourly asked": {Bucket: cur.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			want := groupsOf(rollBytes(t, r, formats["CUR 2.0 CSV"]))
			for _, f := range slices.Sorted(maps.Keys(formats)) {
				if d := cmp.Diff(want, groupsOf(rollBytes(t, r, formats[f]))); d != "" {
					t.Errorf("%s differs from CUR 2.0 CSV (-want +got):\n%.3000s", f, d)
				}
			}
		})
	}
}

// A legacy Parquet file writes 0.0 where CSV is blank. For the net cost that blank
// means "no discount", never "for nothing".
func TestNetOfLegacyParquet(t *testing.T) {
	c := curtest.Config{Rows: 2000, AIShare: 60, EDP: 7, Sheet: curtest.Sheet{Spelling: curtest.LegacyParquet}}
	net := func(content []byte) (sum, blank *big.Rat) {
		sum, blank = new(big.Rat), new(big.Rat)
		for _, k := range rollBytes(t, cur.Rollup{}, content).Control() {
			sum.Add(sum, k.Sum(cur.NetUnblendedCost).Rat())
			blank.Add(blank, k.Sum(cur.UnblendedWhereNetBlank).Rat())
		}
		return sum, blank
	}
	sum, blank := net(asParquet(t, c))
	wantSum, wantBlank := net(asCSV(t, c))
	if wantBlank.Sign() == 0 || wantSum.Sign() == 0 {
		t.Fatal("the month has no rows with and without discount")
	}
	if sum.Cmp(wantSum) != 0 || blank.Cmp(wantBlank) != 0 {
		t.Errorf("net %s and %s where it is blank, want %s and %s", sum.FloatString(10), blank.FloatString(10), wantSum.FloatString(10), wantBlank.FloatString(10))
	}
}

func TestDeliveriesInEveryLayout(t *testing.T) {
	asOf := time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		spelling curtest.Spelling
		d        curtest.Delivery
	}{
		{"CUR 2.0 gzip, overwritten", curtest.CUR2, curtest.Delivery{}},
		{"CUR 2.0 Parquet, rebased", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, Rebased: true}},
		{"CUR 2.0 gzip, kept", curtest.CUR2, curtest.Delivery{CreateNew: true}},
		{"CUR 2.0 Parquet, kept and rebased", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, CreateNew: true, Rebased: true}},
		{"legacy zip, overwritten", curtest.LegacyCSV, curtest.Delivery{Format: curtest.CSVZip}},
		{"legacy gzip, kept", curtest.LegacyCSV, curtest.Delivery{CreateNew: true}},
		{"legacy Parquet", curtest.LegacyParquet, curtest.Delivery{Format: curtest.Parquet}},
	} {
		t.Run(c.name, func(t *testing.T) {
			month := curtest.Config{Rows: 900, AIShare: 50, LastDay: 23, Sheet: curtest.Sheet{Spelling: c.spelling}}
			c.d.AsOf, c.d.Execution, c.d.RowsPerFile = asOf, "11111111-2222-4333-8444-555555555555", 400
			dir := t.TempDir()
			written, err := c.d.Write(dir, table(t, month))
			if err != nil {
				t.Skipf("this system cannot hold the layout: %v", err)
			}
			path := dir
			if c.d.CreateNew { // two manifests: the kept one and the newest
				path = written.Manifest
			}
			rolled := roll(t, cur.Rollup{}, path)
			if len(rolled) != 1 {
				t.Fatalf("%d deliveries, want 1", len(rolled))
			}
			d := rolled[0].Delivery
			if d.Execution != c.d.Execution || d.Period.String() != "2026-05" || d.Payer == "" || !strings.Contains(d.Export, "synthetic-export") {
				t.Errorf("delivery %+v", d)
			}
			if c.spelling == curtest.CUR2 && c.d.CreateNew && !d.AsOf.Equal(asOf) {
				t.Errorf("as of %s, want the folder's %s", d.AsOf, asOf)
			}
			if got, want := len(rolled[0].Files), len(written.Files)+1; got != want || len(written.Files) < 2 {
				t.Errorf("%d files, want %d: the manifest and every chunk", got, want)
			}
			if got, want := rolled[0].Partial.Digest(), rollBytes(t, cur.Rollup{}, oneFile(t, month, c.d.Format)).Digest(); got != want {
				t.Error("the delivery's body is not that of the month in one file")
			}
		})
	}
}

func oneFile(t *testing.T, c curtest.Config, f curtest.Format) []byte {
	if f == curtest.Parquet {
		return asParquet(t, c)
	}
	return asCSV(t, c)
}

// An export that keeps its deliveries keeps the older one beside the newer: each
// manifest names its own files, and neither sees the other's.
func TestARestatingDelivery(t *testing.T) {
	dir := t.TempDir()
	first := curtest.Config{Rows: 1500, AIShare: 60, LastDay: 23}
	second := first
	second.LastDay, second.Restate = 25, 40
	var manifests []string
	for i, c := range []curtest.Config{first, second} {
		d := curtest.Delivery{CreateNew: true, AsOf: time.Date(2026, 5, 25+2*i, 12, 0, 0, 0, time.UTC), RowsPerFile: 600}
		w, err := d.Write(dir, table(t, c))
		if err != nil {
			t.Skipf("this system cannot hold the layout: %v", err)
		}
		// Of a kept delivery the manifest in its own folder stays what it was.
		own, err := filepath.Glob(filepath.Join(filepath.Dir(w.Manifest), d.AsOf.Format("2006-01-02T")+"*", "*-Manifest.json"))
		if err != nil || len(own) != 1 {
			t.Fatalf("manifests %q, %v", own, err)
		}
		manifests = append(manifests, own[0])
	}
	one, two := roll(t, cur.Rollup{}, manifests[0])[0], roll(t, cur.Rollup{}, manifests[1])[0]
	if one.Delivery.Execution == two.Delivery.Execution || one.Delivery.Export != two.Delivery.Export || !one.Delivery.AsOf.Before(two.Delivery.AsOf) {
		t.Errorf("deliveries %+v and %+v", one.Delivery, two.Delivery)
	}
	if one.Partial.Digest() != rollBytes(t, cur.Rollup{}, asCSV(t, first)).Digest() ||
		two.Partial.Digest() != rollBytes(t, cur.Rollup{}, asCSV(t, second)).Digest() {
		t.Error("a delivery is not the month it was written from")
	}
	before, after := groupsOf(one.Partial), groupsOf(two.Partial)
	added, restated := 0, 0
	for k, v := range after {
		switch old, there := before[k]; {
		case !there:
			added++
		case old != v && strings.HasPrefix(k, "group"):
			restated++
		}
	}
	if added == 0 || restated == 0 {
		t.Errorf("%d groups added and %d restated, want some of both", added, restated)
	}
}

// AWS blanks the chunks that a smaller delivery no longer needs.
func TestBlankedChunksAmongRealOnes(t *testing.T) {
	month := curtest.Config{Rows: 900, AIShare: 50}
	for _, f := range []curtest.Format{curtest.CSVGzip, curtest.Parquet} {
		dir := t.TempDir()
		d := curtest.Delivery{Format: f, RowsPerFile: 300}
		w, err := d.Write(dir, table(t, month))
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Files) != 3 {
			t.Fatalf("%d chunks, want 3", len(w.Files))
		}
		want := roll(t, cur.Rollup{}, w.Manifest)[0].Partial
		text, err := os.ReadFile(w.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		// Two more chunks: one of no bytes, one of a header alone.
		name := filepath.Base(w.Files[2])
		for i, content := range [][]byte{nil, headerOnly(t, f)} {
			more := strings.Replace(name, "00003", fmt.Sprintf("%05d", 4+i), 1)
			if err := os.WriteFile(filepath.Join(filepath.Dir(w.Files[2]), more), content, 0o600); err != nil {
				t.Fatal(err)
			}
			text = []byte(strings.Replace(string(text), `"dataFiles":[`, `"dataFiles":["s3://synthetic-bucket/reports/synthetic-export/data/BILLING_PERIOD=2026-05/`+more+`",`, 1))
		}
		if err := os.WriteFile(w.Manifest, text, 0o600); err != nil {
			t.Fatal(err)
		}
		rolled := roll(t, cur.Rollup{}, w.Manifest)
		if len(rolled) != 1 || rolled[0].Partial.Digest() != want.Digest() || len(rolled[0].Files) != 6 {
			t.Errorf("%v: blanked chunks change the delivery", f)
		}
	}
}

// headerOnly is a chunk without rows.
func headerOnly(t *testing.T, f curtest.Format) []byte {
	sheet := curtest.Sheet{Period: "2026-05"}
	none, err := sheet.Table(func(func(*curtest.Item) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if f == curtest.Parquet {
		_, err = none.WriteParquet(&b)
	} else {
		_, err = none.WriteCSV(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
