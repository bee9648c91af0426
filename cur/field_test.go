package cur_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// Pains that others have with cost reports, one test each. The numbers are those of
// the list that the design was made from; others of them are in attribution and in
// its ledger.

// fieldHead and fieldRow are a small report.
const fieldHead = "bill_payer_account_id,bill_billing_period_start_date,line_item_usage_start_date,line_item_product_code,line_item_unblended_cost"

func fieldRow(cost string) string {
	return "111122223333,2026-05-01T00:00:00Z,2026-05-04T00:00:00Z,AmazonBedrock," + cost
}

func fieldReport(rows ...string) string { return fieldHead + "\n" + strings.Join(rows, "\n") + "\n" }

// inFiles rolls up named files; paths are what is asked for.
func inFiles(r cur.Rollup, files map[string]string, paths ...string) (rolled []cur.Rolled, err error) {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), ModTime: time.Date(2026, 5, 25, 0, 0, 0, 0, time.UTC)}
	}
	sets, err := cur.Locate(context.Background(), cur.FS(fsys), paths...)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		more, err := r.Run(context.Background(), s)
		if err != nil {
			return nil, err
		}
		rolled = append(rolled, more...)
	}
	return rolled, nil
}

// Rule 1: what is read again is not added again. The same delivery gives the same
// body, and the same content twice at once is refused; see the ledger for a newer
// delivery, which replaces the older.
func TestField01TheSameDeliveryIsTheSame(t *testing.T) {
	files := map[string]string{"a.csv": fieldReport(fieldRow("1.5")), "b.csv": fieldReport(fieldRow("1.5"))}
	first, err := inFiles(cur.Rollup{}, files, "a.csv")
	if err != nil {
		t.Fatal(err)
	}
	again, err := inFiles(cur.Rollup{}, files, "b.csv")
	if err != nil || first[0].Delivery.Execution != again[0].Delivery.Execution || first[0].Partial.Digest() != again[0].Partial.Digest() {
		t.Errorf("the same content is another delivery: %+v and %+v, %v", first[0].Delivery, again[0].Delivery, err)
	}
	if _, err := inFiles(cur.Rollup{}, files, "a.csv", "b.csv"); !errors.Is(err, cur.ErrDuplicate) {
		t.Errorf("the same content twice: %v, want ErrDuplicate", err)
	}
	if _, err := cur.Merge(first[0].Partial, again[0].Partial); !errors.Is(err, cur.ErrDuplicate) {
		t.Errorf("merged with itself: %v, want ErrDuplicate", err)
	}
}

const fieldManifest = `{"executionId": "e-1", "exportArn": "arn:aws:bcm-data-exports:us-east-1:111122223333:export/x",
	"dataFiles": ["s3://b/x/data/BILLING_PERIOD=2026-05/x-00001.csv", "s3://b/x/data/BILLING_PERIOD=2026-05/x-00002.csv"]}`

// Rule 2: a report of several files is complete or refused.
func TestField02EveryFileOfAManifest(t *testing.T) {
	const manifest, one, two = "x/metadata/BILLING_PERIOD=2026-05/x-Manifest.json", "x/data/BILLING_PERIOD=2026-05/x-00001.csv", "x/data/BILLING_PERIOD=2026-05/x-00002.csv"
	files := map[string]string{manifest: fieldManifest, one: fieldReport(fieldRow("1"), fieldRow("2")), two: fieldReport(fieldRow("4"))}
	rolled, err := inFiles(cur.Rollup{}, files, "x")
	if err != nil || len(rolled) != 1 {
		t.Fatalf("%d deliveries, %v", len(rolled), err)
	}
	if rows, _, total, _, _ := totals(rolled); rows != 3 || total.FloatString(0) != "7" {
		t.Errorf("%d rows, %s, want 3 rows, 7", rows, total.FloatString(2))
	}
	delete(files, two)
	if _, err := inFiles(cur.Rollup{}, files, "x"); !errors.Is(err, cur.ErrManifest) || !strings.Contains(err.Error(), "x-00002.csv") {
		t.Errorf("with a file missing: %v, want ErrManifest naming it", err)
	}
}

// Rule 3: both layouts, and what is left of an older delivery is not read. Folders
// of kept deliveries have colons in their names, so they are built here.
func TestField03OverwrittenAndKeptDeliveries(t *testing.T) {
	for _, spelling := range []curtest.Spelling{curtest.CUR2, curtest.LegacyCSV} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("spelling %d, kept %v", spelling, kept), func(t *testing.T) {
				dir := t.TempDir()
				month := curtest.Config{Rows: 600, AIShare: 50, LastDay: 27, Sheet: curtest.Sheet{Spelling: spelling}}
				var last *curtest.Written
				var chunks []int
				// The second delivery has fewer chunks than the first.
				for i, perFile := range []int64{150, 400} {
					d := curtest.Delivery{CreateNew: kept, AsOf: time.Date(2026, 5, 27, 12*i, 0, 0, 0, time.UTC), RowsPerFile: perFile}
					w, err := d.Write(dir, table(t, month))
					if err != nil {
						t.Skipf("this system cannot hold the layout: %v", err)
					}
					last = w
					chunks = append(chunks, len(w.Files))
				}
				if chunks[1] >= chunks[0] {
					t.Fatalf("chunks %v, want fewer the second time", chunks)
				}
				want := rollBytes(t, cur.Rollup{}, asCSV(t, month)).Digest()
				rolled := roll(t, cur.Rollup{}, last.Manifest)
				if len(rolled) != 1 || rolled[0].Partial.Digest() != want || len(rolled[0].Files) != chunks[1]+1 {
					t.Errorf("%d files of %d chunks: not the newest delivery alone", len(rolled[0].Files), chunks[1])
				}
				// A file that goes between locating and reading is an error, not less money.
				sets, err := cur.Locate(context.Background(), cur.Local(), last.Manifest)
				if err == nil {
					err = os.Remove(last.Files[0])
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := (&cur.Rollup{}).Run(context.Background(), sets[0]); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), filepath.Base(last.Files[0])) {
					t.Errorf("with a file gone: %v, want one that names it", err)
				}
			})
		}
	}
}

// Rule 8: columns that nobody knows stay reachable and are listed, and one column
// in its many spellings is one.
func TestField08ColumnsOfEverySpelling(t *testing.T) {
	for name, c := range map[string]struct{ header, row string }{
		"CUR 2.0, maps":        {`product,tags,reservation_reservation_a_r_n,line_item_brand_new`, `"{""product_name"": ""P""}","{""resourceTags/user:Team"": ""a""}",arn:r,new`},
		"CUR 2.0, both tags":   {`product,tags,resource_tags,reservation_reservation_arn,line_item_brand_new`, `"{""product_name"": ""P""}","{""resourceTags/user:Team"": ""a""}","{""user_team"": ""other""}",arn:r,new`},
		"legacy":               {`product/ProductName,resourceTags/user:Team,reservation/ReservationARN,lineItem/BrandNew`, `P,a,arn:r,new`},
		"Athena":               {`product_product_name,resource_tags_user_team,reservation_reservation_a_r_n,line_item_brand_new`, `P,a,arn:r,new`},
		"renamed by a loader":  {`product_ProductName,resourceTags_user:Team,reservation_ReservationARN,lineItem_BrandNew`, `P,a,arn:r,new`},
		"other maps, any case": {`Product,Resource_Tags,Reservation_Reservation_A_R_N,Line_Item_Brand_New`, `"{""product_name"": ""P""}","{""user_team"": ""a""}",arn:r,new`},
	} {
		f := fstest.MapFS{"in": {Data: []byte(fieldHead + "," + c.header + "\n" + fieldRow("1") + "," + c.row + "\n")}}
		file, err := cur.FS(f).Open(t.Context(), "in")
		if err != nil {
			t.Fatal(err)
		}
		r, err := cur.NewReader(t.Context(), file, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var li cur.LineItem
		if err := r.Read(&li); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		team, _ := li.Column("resourceTags/user:Team")
		added, ok := li.Column("line_item_brand_new")
		if got := li.ProductName + " " + team + " " + li.Reservation + " " + added; got != "P a arn:r new" || !ok {
			t.Errorf("%s: %q, want %q", name, got, "P a arn:r new")
		}
		if cols := r.Columns(); len(cols) != 5+strings.Count(c.header, ",")+1 {
			t.Errorf("%s: columns %q, want all of them", name, cols)
		}
	}
}

// Rule 9: tags that differ by case or punctuation are different, and two of them in
// one column are an error.
func TestField09TagKeysAreKept(t *testing.T) {
	const keys = `"{""resourceTags/user:Team"": ""a"", ""resourceTags/user:team"": ""b"", ""resourceTags/user:cost-center"": ""c"", ""resourceTags/user:cost/center"": ""d""}"`
	want := map[cur.Column]string{"resourceTags/user:Team": "a", "resourceTags/user:team": "b", "resourceTags/user:cost-center": "c", "resourceTags/user:cost/center": "d"}
	r := cur.Rollup{}
	for k := range want {
		r.Keys = append(r.Keys, k)
	}
	for name, text := range map[string]string{
		"a map":        fieldHead + ",tags\n" + fieldRow("1") + "," + keys + "\n",
		"columns each": fieldHead + ",resourceTags/user:Team,resourceTags/user:team,resourceTags/user:cost-center,resourceTags/user:cost/center\n" + fieldRow("1") + ",a,b,c,d\n",
	} {
		rolled, err := inFiles(r, map[string]string{"in": text}, "in")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[cur.Column]string{}
		for k := range want {
			got[k], _ = rolled[0].Partial.Key(0).Column(k)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for name, text := range map[string]string{
		"a key twice":    fieldHead + ",tags\n" + fieldRow("1") + `,"{""resourceTags/user:Team"": ""a"", ""resourceTags/user:Team"": ""b""}"` + "\n",
		"a column twice": fieldHead + ",resource_tags_user_team,resource_tags_user_team\n" + fieldRow("1") + ",a,b\n",
	} {
		var e *cur.RowError
		if _, err := inFiles(cur.Rollup{Keys: []cur.Column{"resourceTags/user:Team"}}, map[string]string{"in": text}, "in"); !errors.As(err, &e) || e.Row != 1 {
			t.Errorf("%s: %v, want an error of row 1", name, err)
		}
	}
}

// Rule 10: exports that lie side by side are not mixed, and the refusal says what
// to do.
func TestField10MixedExportsAreRefused(t *testing.T) {
	legacy := "lineItem/UnblendedCost,lineItem/UsageStartDate,lineItem/ProductCode,bill/PayerAccountId,bill/BillingPeriodStartDate\n1,2026-05-04T00:00:00Z,x,111122223333,2026-05-01T00:00:00Z\n"
	focus := "BilledCost,EffectiveCost,ChargePeriodStart,ServiceName,BillingAccountId,BillingPeriodStart\n1,1,2026-05-04T00:00:00Z,x,111122223333,2026-05-01T00:00:00Z\n"
	wider := fieldHead + ",line_item_resource_id\n" + fieldRow("1") + ",r\n"
	plain := fieldReport(fieldRow("2"))
	for name, c := range map[string]struct {
		other, says string
	}{"legacy": {legacy, "legacy CUR"}, "FOCUS": {focus, "FOCUS"}, "other columns": {wider, `"line_item_resource_id"`}} {
		_, err := inFiles(cur.Rollup{}, map[string]string{"a.csv": plain, "b.csv": c.other}, "a.csv", "b.csv")
		if !errors.Is(err, cur.ErrMixed) {
			t.Errorf("%s: %v, want ErrMixed", name, err)
			continue
		}
		for _, say := range []string{`"a.csv"`, `"b.csv"`, c.says, "give the files of one export"} {
			if !strings.Contains(err.Error(), say) {
				t.Errorf("%s: error does not say %s: %v", name, say, err)
			}
		}
	}
	for says, files := range map[string]map[string]string{
		"copy the manifest too": {"x/a.csv": plain},
		"name the one to read":  {"x/a-Manifest.json": fieldManifest, "x/b/b-Manifest.json": fieldManifest},
	} {
		if _, err := inFiles(cur.Rollup{}, files, "x"); !errors.Is(err, cur.ErrManifest) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want ErrManifest that says: %s", err, says)
		}
	}
	// AWS puts a second list beside the manifest of a FOCUS export; it is none.
	rolled, err := inFiles(cur.Rollup{}, map[string]string{"x/x-Manifest.json": fieldManifest, "x/x-Manifest-FOCUS.json": "{}",
		"x/data/BILLING_PERIOD=2026-05/x-00001.csv": focus, "x/data/BILLING_PERIOD=2026-05/x-00002.csv": strings.Replace(focus, "\n1,1,", "\n2,2,", 1)}, "x")
	if err != nil || len(rolled) != 1 {
		t.Errorf("a FOCUS export: %d deliveries, %v", len(rolled), err)
	}
}

// Rule 11: a report without an optional column says so; absent is neither blank nor
// zero.
func TestField11AbsentColumnsAreKnown(t *testing.T) {
	all := curtest.Config{Rows: 300, AIShare: 80, EDP: 5}
	for _, c := range []struct {
		omit []string
		col  cur.Column
		m    cur.Measure
	}{
		{[]string{"line_item_iam_principal"}, cur.ColPrincipal, 0},
		{[]string{"line_item_resource_id"}, cur.ColResource, 0},
		{[]string{"bill_invoice_id"}, cur.ColInvoiceID, 0},
		{[]string{"line_item_net_unblended_cost"}, "", cur.NetUnblendedCost},
		{[]string{"pricing_public_on_demand_cost"}, "", cur.PublicOnDemandCost},
		{[]string{"tags", "resource_tags"}, "resourceTags/user:team", 0},
	} {
		without := all
		without.Omit = c.omit
		r := cur.Rollup{Keys: []cur.Column{"resourceTags/user:team"}}
		for name, file := range map[string]func(testing.TB, curtest.Config) []byte{"CSV": asCSV, "Parquet": asParquet} {
			had, has := rollBytes(t, r, file(t, all)), rollBytes(t, r, file(t, without))
			if c.col != "" && (!had.HasColumn(c.col) || has.HasColumn(c.col)) {
				t.Errorf("%s without %q: column %s there %v, want true before and false after", name, c.omit, c.col, has.HasColumn(c.col))
			}
			if c.m != 0 && (!had.Measures().Has(c.m) || has.Measures().Has(c.m)) {
				t.Errorf("%s without %q: measure %s there %v, want true before and false after", name, c.omit, c.m, has.Measures().Has(c.m))
			}
			var a, b cur.Measures
			for _, g := range had.Control() {
				a.Add(&g.Measures)
			}
			for _, g := range has.Control() {
				b.Add(&g.Measures)
			}
			if a.Rows != b.Rows || !a.Sum(cur.UnblendedCost).Equal(b.Sum(cur.UnblendedCost)) {
				t.Errorf("%s without %q: %d rows, %s; want %d, %s", name, c.omit, b.Rows, b.Sum(cur.UnblendedCost), a.Rows, a.Sum(cur.UnblendedCost))
			}
		}
	}
}

// Rule 12: principals multiply rows, not groups: a session more is no group more,
// and what grows all the same ends with the column named.
func TestField12SessionsMakeNoGroups(t *testing.T) {
	month := curtest.Config{Rows: 4000, AIShare: 100, Roles: 3, Resources: 3, Sessions: 2, UsageOnly: true}
	sessions := month
	sessions.RowsPerSession = 1 // a new one for each row
	few, many := rollBytes(t, cur.Rollup{Where: anchored}, asCSV(t, month)), rollBytes(t, cur.Rollup{Where: anchored}, asCSV(t, sessions))
	if few.Len() == 0 || many.Len() > few.Len()*11/10 {
		t.Errorf("%d groups with 2 sessions to a role, %d with one to a row", few.Len(), many.Len())
	}
	sets, err := cur.Locate(t.Context(), cur.FS(fstest.MapFS{"in": {Data: asCSV(t, sessions)}}), "in")
	if err != nil {
		t.Fatal(err)
	}
	r := cur.Rollup{Where: anchored, Keys: []cur.Column{"identity_line_item_id"}, MaxGroups: 500}
	if _, err := r.Run(t.Context(), sets[0]); !errors.Is(err, cur.ErrCardinality) || !strings.Contains(err.Error(), "identity_line_item_id") {
		t.Errorf("%v, want ErrCardinality naming the column", err)
	}
}

// Rule 19: numbers that are none are errors with coordinates. A blank is no number
// and no zero.
func TestField19NumbersThatAreNone(t *testing.T) {
	for _, bad := range []string{"NaN", "nan", "Inf", "-Infinity", "1e400", "1e-400", "1E999999999", "0x10", "1,5", "1.2.3", "$1", "--1", "1e", ".", "1 ", strings.Repeat("9", 2000)} {
		_, err := inFiles(cur.Rollup{}, map[string]string{"may.csv": fieldReport(fieldRow("1"), fieldRow(`"`+bad+`"`))}, "may.csv")
		var e *cur.RowError
		if !errors.As(err, &e) || e.Source != "may.csv" || e.Row != 2 || e.Column != "line_item_unblended_cost" || !strings.HasPrefix(bad, strings.TrimSuffix(e.Value, "...")) {
			t.Errorf("%.20q: %v, want file, row, column and cell", bad, err)
		}
	}
	rolled, err := inFiles(cur.Rollup{}, map[string]string{"may.csv": fieldReport(fieldRow("1.0E7"), fieldRow("-9.6322E-6"), fieldRow(""), fieldRow("0"), fieldRow("+1"))}, "may.csv")
	if err != nil {
		t.Fatal(err)
	}
	m := rolled[0].Partial.Sums(0)
	if want := decimal.RequireFromString("10000000.9999903678"); !m.Sum(cur.UnblendedCost).Equal(want) || m.Rows != 5 || m.CostBlank != 1 {
		t.Errorf("%s of %d rows, %d blank; want %s of 5, 1 blank", m.Sum(cur.UnblendedCost), m.Rows, m.CostBlank, want)
	}
}

// Rule 22: what CSV can be. The gzip of more than 4 GiB is TestGzipOverFourGiB.
func TestField22CSVInTheWild(t *testing.T) {
	broken := `"a
multi-line ""quoted"", cell"`
	plain := fieldReport(fieldRow("1"), fieldRow("2"))
	wide := make([]string, 3000)
	for i := range wide {
		wide[i] = fmt.Sprintf("resourceTags/user:%030d", i)
	}
	for name, text := range map[string]string{
		"byte order mark":       "\xef\xbb\xbf" + plain,
		"CRLF":                  strings.ReplaceAll(plain, "\n", "\r\n"),
		"no final line break":   strings.TrimSuffix(plain, "\n"),
		"trailing empty cell":   fieldHead + ",\n" + fieldRow("1") + ",\n" + fieldRow("2") + ",\n",
		"embedded line breaks":  fieldHead + ",line_item_line_item_description\n" + fieldRow("1") + "," + broken + "\n" + fieldRow("2") + ",\n",
		"header over 64 KiB":    fieldHead + "," + strings.Join(wide, ",") + "\n" + fieldRow("1") + strings.Repeat(",", len(wide)) + "\n" + fieldRow("2") + strings.Repeat(",", len(wide)) + "\n",
		"a cell of a mebibyte":  fieldHead + ",line_item_resource_id\n" + fieldRow("1") + "," + strings.Repeat("x", 1<<20) + "\n" + fieldRow("2") + ",y\n",
		"blank lines":           strings.ReplaceAll(plain, "\n", "\n\n"),
		"every cell in quotes":  `"` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(plain, "\n"), ",", `","`), "\n", "\"\n\"") + `"`,
		"several gzip members":  gzipped(t, fieldHead+"\n"+fieldRow("1")+"\n") + gzipped(t, fieldRow("2")+"\n"),
		"one gzip":              gzipped(t, plain),
		"an empty gzip beside":  plain,
		"header and blank cell": fieldHead + ",\"\"\n" + fieldRow("1") + ",\n" + fieldRow("2") + ",\n",
	} {
		files, paths := map[string]string{"in": text}, []string{"in"}
		if name == "an empty gzip beside" {
			files["empty"] = gzipped(t, "")
			paths = append(paths, "empty")
		}
		rolled, err := inFiles(cur.Rollup{}, files, paths...)
		if err != nil {
			t.Errorf("%s: %.200v", name, err)
			continue
		}
		if rows, _, total, _, _ := totals(rolled); rows != 2 || total.FloatString(1) != "3.0" {
			t.Errorf("%s: %d rows, %s; want 2 rows, 3", name, rows, total.FloatString(2))
		}
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A gzip of more than 4 GiB, whose length field has wrapped around. The text is made
// as it is packed, and unpacked as it is read: it is never anywhere as a whole.
func TestGzipOverFourGiB(t *testing.T) {
	if os.Getenv("SPENDCLAIM_LONG") != "1" {
		t.Skip("packs and reads more than 4 GiB: SPENDCLAIM_LONG=1")
	}
	const size = 4<<30 + 64<<20
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	lines := []byte(strings.Repeat(fieldRow(`0.0000000001`)+"\n", 4096))
	n, rows := int64(0), int64(0)
	write := func(b []byte) {
		m, err := z.Write(b)
		if err != nil {
			t.Fatal(err)
		}
		n += int64(m)
	}
	write([]byte(fieldHead + "\n"))
	for n < size {
		write(lines)
		rows += 4096
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	p := rollBytes(t, cur.Rollup{}, packed.Bytes())
	m := p.Sums(0)
	if want := decimal.New(rows, -10); p.Len() != 1 || m.Rows != rows || !m.Sum(cur.UnblendedCost).Equal(want) {
		t.Errorf("%d groups, %d rows, %s; want 1, %d, %s", p.Len(), m.Rows, m.Sum(cur.UnblendedCost), rows, want)
	}
	t.Logf("%d bytes in %d of gzip: %d rows, %s", n, packed.Len(), m.Rows, m.Sum(cur.UnblendedCost))
}
