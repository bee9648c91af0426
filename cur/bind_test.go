package cur

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// tiny is the least header a report can have.
const tiny = "line_item_unblended_cost,line_item_usage_start_date,line_item_product_code"

// oneRow opens a report and reads its first row.
func oneRow(t *testing.T, text string) *LineItem {
	t.Helper()
	r, err := open(t, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	li := new(LineItem)
	if err := r.Read(li); err != nil {
		t.Fatal(err)
	}
	return li
}

func TestOddHeaders(t *testing.T) {
	wide := strings.Repeat("x", 100)
	var names, blanks strings.Builder
	for range 1500 { // well over the read buffer
		names.WriteString("," + wide)
		blanks.WriteString(",")
	}
	for _, c := range []struct{ name, text string }{
		{"byte order mark before a quote", "\xef\xbb\xbf\"line_item_unblended_cost\",line_item_usage_start_date,line_item_product_code\n1.5,2026-05-01,P\n"},
		{"no line break at the end", tiny + "\n1.5,2026-05-01,P"},
		{"carriage returns", tiny + "\r\n1.5,2026-05-01,P\r\n"},
		{"blank lines", "\n" + tiny + "\n\n1.5,2026-05-01,P\n\n"},
		{"blank last column", tiny + ",\n1.5,2026-05-01,P,\n"},
		{"blank columns that repeat", ",," + tiny + "\n,,1.5,2026-05-01,P\n"},
		{"more than a buffer", tiny + names.String() + "\n1.5,2026-05-01,P" + blanks.String() + "\n"},
		{"line breaks in a cell of no account", tiny + ",note\n1.5,2026-05-01,P,\"a\n\nb\"\n"},
		{"a text column twice: the first counts", tiny + ",line_item_product_code\n1.5,2026-05-01,P,Q\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			li := oneRow(t, c.text)
			if d, ok := li.UnblendedCost(); !ok || d.String() != "1.5" || li.ProductCode != "P" || li.BillingPeriod.String() != "2026-05" {
				t.Errorf("got %v, %q, %v", d, li.ProductCode, li.BillingPeriod)
			}
		})
	}
}

// Rows are counted as rows, however many lines they take.
func TestRowsWithLineBreaksCountOnce(t *testing.T) {
	text := tiny + ",note\n1,2026-05-01,P,\"a\nb\nc\"\n\nx,2026-05-01,P,d\n"
	r, err := open(t, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(r)
	want := `cur: read "in": row 2, column "line_item_unblended_cost", value "x": exact: not a decimal number`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Which of two amounts is the bill cannot be told.
func TestAmountsThatAreThereTwiceAreRefused(t *testing.T) {
	for _, c := range []struct{ more, want string }{
		{"line_item_unblended_cost", `column "line_item_unblended_cost" is there twice, as column 1 and as "line_item_unblended_cost", column 4`},
		{"lineItem/UnblendedCost", `column "line_item_unblended_cost" is there twice, as column 1 and as "lineItem/UnblendedCost", column 4`},
		{"lineItem_UsageStartDate", `column "line_item_usage_start_date" is there twice, as column 2 and as "lineItem_UsageStartDate", column 4`},
	} {
		_, err := open(t, []byte(tiny+","+c.more+"\n1,2026-05-01,P,2\n"))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("header with %s: %v, want ErrFormat and %s", c.more, err, c.want)
		}
	}
}

// A tag's name is compared with care: user:Team and user:team are two tags.
func TestTagsByName(t *testing.T) {
	const maps = tiny + ",resource_tags,tags"
	row := func(cells string) string { return "\n1,2026-05-01,P," + cells + "\n" }
	for _, c := range []struct {
		name, text string
		column     Column
		want       string
		ok         bool
	}{
		{"raw in tags", maps + row(`{},"{""resourceTags/user:team"":""a""}"`), "resourceTags/user:team", "a", true},
		{"raw in tags before the normalised one", maps + row(`"{""user_team"":""b""}","{""resourceTags/user:team"":""a""}"`), "resourceTags/user:team", "a", true},
		{"tags knows that there is none", maps + row(`"{""user_team"":""b""}","{""resourceTags/user:Team"":""b""}"`), "resourceTags/user:team", "", true},
		{"tags knows other families only", maps + row(`"{""user_team"":""b""}","{""iamPrincipal/team"":""x""}"`), "resourceTags/user:team", "b", true},
		{"tags is blank", maps + row(`"{""user_team"":""b""}",`), "resourceTags/user:team", "b", true},
		{"normalised on request", maps + row(`"{""user_team"":""b""}","{""resourceTags/user:Team"":""b""}"`), "resource_tags/user_team", "b", true},
		{"camel case is normalised", tiny + ",resource_tags" + row(`"{""user_cost_center"":""b""}"`), "resourceTags/user:CostCenter", "b", true},
		{"legacy, as spelled", tiny + ",resourceTags/user:Team,resourceTags/user:team" + row("a,b"), "resourceTags/user:team", "b", true},
		{"legacy, another case is another tag", tiny + ",resourceTags/user:Team" + row("a"), "resourceTags/user:team", "", false},
		{"legacy, blank stays blank", tiny + ",resourceTags/user:Team,resourceTags/user:team" + row("a,"), "resourceTags/user:team", "", true},
		{"legacy, normalised on request", tiny + ",resourceTags/user:team" + row("a"), "resource_tags/user_team", "a", true},
		{"athena", tiny + ",resource_tags_user_team" + row("a"), "resourceTags/user:team", "a", true},
		{"athena, upper case", tiny + ",RESOURCE_TAGS_USER_TEAM" + row("a"), "resourceTags/user:team", "a", true},
		{"athena, the nearer of two", tiny + ",resource_tags_user_cost_center,resource_tags_user_costcenter" + row("a,b"), "resourceTags/user:costcenter", "b", true},
		{"third-party spelling", tiny + ",resourceTags_user:Name" + row("a"), "resourceTags/user:Name", "a", true},
		{"the same name twice, one blank", tiny + ",resource_tags_user_name,resource_tags_user_name" + row(",b"), "resource_tags_user_name", "b", true},
		{"the same tag twice in athena", tiny + ",resource_tags_user_name,resource_tags_user_name" + row(",b"), "resourceTags/user:name", "b", true},
		{"cost category in a map", tiny + ",cost_category" + row(`"{""Team"":""a""}"`), "costCategory/Team", "a", true},
		{"cost category in legacy", tiny + ",costCategory/Team" + row("a"), "costCategory/Team", "a", true},
		{"cost category of another case", tiny + ",costCategory/team" + row("a"), "costCategory/Team", "", false},
		{"product attribute in a map", tiny + ",product" + row(`"{""servicename"":""a""}"`), "product/servicename", "a", true},
		{"product attribute in legacy", tiny + ",product/servicename" + row("a"), "product/servicename", "a", true},
		{"no such family", tiny + "\n1,2026-05-01,P\n", "resourceTags/user:team", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			li := oneRow(t, c.text)
			if got, ok := li.Column(c.column); got != c.want || ok != c.ok {
				t.Errorf("Column(%q) = %q, %v, want %q, %v", c.column, got, ok, c.want, c.ok)
			}
		})
	}
}

// Column says of LineItem's own columns, too, whether the report has them.
func TestColumnTellsAbsentFromBlank(t *testing.T) {
	li := oneRow(t, tiny+",product,line_item_resource_id\n1,2026-05-01,P,\"{\"\"region\"\":\"\"eu-west-1\"\"}\",\n")
	for c, want := range map[Column]struct {
		value string
		ok    bool
	}{
		ColResource: {"", true}, ColPrincipal: {"", false}, ColProductCode: {"P", true},
		ColProductName: {"", true}, ColRegion: {"eu-west-1", true}, ColLineItemType: {"Usage", false},
	} {
		if v, ok := li.Column(c); v != want.value || ok != want.ok {
			t.Errorf("Column(%q) = %q, %v, want %q, %v", c, v, ok, want.value, want.ok)
		}
	}
	byHand := &LineItem{}
	if _, ok := byHand.Column(ColPrincipal); !ok {
		t.Error("a row made by hand has no principal column")
	}
}

// The region is the product's: a column of its own, else an attribute.
func TestRegionComesFromTheProduct(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{tiny + ",product,product_region_code\n1,2026-05-01,P,\"{\"\"region\"\":\"\"global\"\"}\",us-east-1\n", "us-east-1"},
		{tiny + ",product,product_region_code\n1,2026-05-01,P,\"{\"\"region\"\":\"\"global\"\"}\",\n", "global"},
		{tiny + ",product/region,product/regionCode\n1,2026-05-01,P,us-west-2,\n", "us-west-2"},
		{tiny + ",product\n1,2026-05-01,P,{}\n", ""},
	} {
		if li := oneRow(t, c.text); li.Region != c.want {
			t.Errorf("region %q, want %q, of\n%s", li.Region, c.want, c.text)
		}
	}
}

func TestDeclaredKeysWithoutTheirColumn(t *testing.T) {
	keys := []Column{"resourceTags/user:team", "line_item_availability_zone", "line_item_tax_type", colDescription}
	text := tiny + ",line_item_tax_type\n1,2026-05-01,P,VAT\n2,2026-05-01,P,\n"
	rolled, err := rollAll(fstest.MapFS{"f00.csv": mapFile(text)}, Rollup{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	p := rolled[0].Partial
	for c, want := range map[Column]bool{"resourceTags/user:team": false, "line_item_availability_zone": false,
		"line_item_tax_type": true, colDescription: false, ColProductCode: true, ColPrincipal: false} {
		if got := p.HasColumn(c); got != want {
			t.Errorf("HasColumn(%q) = %v, want %v", c, got, want)
		}
	}
	if p.Len() != 2 {
		t.Fatalf("%d groups, want 2", p.Len())
	}
	for _, c := range keys {
		if v, ok := p.Key(0).Column(c); v != "" || !ok {
			t.Errorf("key column %q = %q, %v, want blank and there", c, v, ok)
		}
	}
	if back, err := DecodePartial(p.AppendBody(nil)); err != nil || back.HasColumn("line_item_availability_zone") {
		t.Errorf("decoded: %v", err)
	}
}

// A look-up that fails does not go unnoticed: not in a predicate, where the row would
// pass for one outside it; not by a caller of Column, whose next row is the error.
func TestFailedLookUpsAreErrors(t *testing.T) {
	text := tiny + ",tags\n1,2026-05-01,P,{}\n2,2026-05-01,P,{broken\n"
	const want = `row 2, column "tags", value "{broken": not a map of a cost and usage report`
	key := Column("iamPrincipal/team")
	r := Rollup{Keys: []Column{key}, Where: Where{Any: []Clause{{{Column: key, Op: In, Values: []string{"a"}}}}}}
	for name, r := range map[string]Rollup{"predicate": r, "predicate, rest unread": {Keys: r.Keys, Where: r.Where, RestUnread: true}, "key": {Keys: r.Keys}} {
		_, err := rollAll(fstest.MapFS{"f00.csv": mapFile(text)}, r)
		var re *RowError
		if !errors.As(err, &re) || err.Error() != `cur: read "f00.csv": `+want {
			t.Errorf("%s: %v", name, err)
		}
	}
	rd, err := open(t, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var rows int
	for li, e := range rd.All() {
		if err = e; err == nil {
			rows++
			li.Column(key)
		}
	}
	if rows != 2 || err == nil || err.Error() != `cur: read "in": `+want {
		t.Errorf("after %d rows: %v, want %s", rows, err, want)
	}
	rd, err = open(t, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&Rollup{Keys: []Column{key}}).Rows(rd.All())
	if err == nil || err.Error() != `cur: read "in": `+want {
		t.Errorf("Rows: %v, want %s", err, want)
	}
}

// Values kept from one row outlive the next; so do clones, and what is cut for errors.
func TestValuesOutliveTheRow(t *testing.T) {
	var text strings.Builder
	text.WriteString(strings.TrimSuffix(header, "\n") + ",tags\n")
	for i := range 400 {
		id := strings.Repeat(string(rune('a'+i%26)), 1+i%70)
		text.WriteString(strings.Replace(strings.TrimSuffix(aLine, "\n"), "arn:r", id, 1) + `,"{""k"":""` + id + `""}"` + "\n")
	}
	r, err := open(t, []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	type kept struct {
		resource, tag, tags string
		clone               *LineItem
	}
	var all []kept
	for li, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		tag, _ := li.Column("tags/k")
		tags, _ := li.Column("tags")
		all = append(all, kept{li.Resource, tag, tags, li.Clone()})
	}
	for i, k := range all {
		id := strings.Repeat(string(rune('a'+i%26)), 1+i%70)
		if k.resource != id || k.clone.Resource != id || k.tag != id || k.tags != `{"k":"`+id+`"}` {
			t.Fatalf("row %d: %+v, want %q", i, k, id)
		}
		if d, ok := k.clone.UnblendedCost(); !ok || d.String() != "-0.0000096322" {
			t.Fatalf("row %d: the clone's cost is %v, %v", i, d, ok)
		}
	}
}

// A context that ends in the middle of a file ends the reading with its own error,
// for CSV and Parquet alike.
func TestCancelMidFile(t *testing.T) {
	var text strings.Builder
	text.WriteString(header)
	for range 5000 {
		text.WriteString(aLine)
	}
	for name, content := range map[string][]byte{"csv": []byte(text.String()), "parquet": parquetOf(t, 5000)} {
		ctx, cancel := context.WithCancel(context.Background())
		f, err := FS(fstest.MapFS{"in": {Data: content}}).Open(ctx, "in")
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(ctx, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		var li LineItem
		n := 0
		for err = r.Read(&li); err == nil; err = r.Read(&li) {
			if n++; n == 1500 {
				cancel()
			}
		}
		var re *RowError
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrFormat) || errors.As(err, &re) || n > 3000 {
			t.Errorf("%s: after %d rows: %v, want the context's error and no row's", name, n, err)
		}
		if again := r.Read(&li); again != err {
			t.Errorf("%s: reading on gives %v", name, again)
		}
		cancel()
	}
}

// Where a report gives each tag a column, two tags may come to one name. Neither
// value is taken for the other.
func TestTagsThatCollideAreAnError(t *testing.T) {
	const head = "line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,"
	const start = "1,2026-05-04,x,"
	for name, c := range map[string]struct {
		header, row string
		column      Column
		want        string // "" for an error
	}{
		"Athena, both differ":              {"resource_tags_user_team,resource_tags_user_team", "a,b", "resourceTags/user:team", ""},
		"Athena, one is blank":             {"resource_tags_user_team,resource_tags_user_team", ",b", "resourceTags/user:team", "b"},
		"Athena, the other is":             {"resource_tags_user_team,resource_tags_user_team", "a,", "resourceTags/user:team", "a"},
		"Athena, they agree":               {"resource_tags_user_team,resource_tags_user_team", "a,a", "resourceTags/user:team", "a"},
		"Athena, by the column's own name": {"resource_tags_user_team,resource_tags_user_team", "a,b", "resource_tags_user_team", ""},
		"categories":                       {"cost_category_org,cost_category_org", "a,b", "costCategory/Org", ""},
		"raw names differ in case":         {"resourceTags/user:team,resourceTags/user:Team", "a,b", "resourceTags/user:Team", "b"},
		"raw names, asked normalised":      {"resourceTags/user:team,resourceTags/user:Team", "a,b", "resource_tags/user_team", ""},
		"a column that is no tag":          {"product_sku,product_sku", "a,b", "product_sku", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{"in": {Data: []byte(head + c.header + "\n" + start + c.row + "\n")}}
			s, err := locateOne(t, fsys, "in")
			if err != nil {
				t.Fatal(err)
			}
			rolled, err := (&Rollup{Keys: []Column{c.column}}).Run(t.Context(), s)
			if c.want == "" {
				var e *RowError
				if !errors.As(err, &e) || !errors.Is(err, errCollision) || e.Row != 1 || e.Value != "b" {
					t.Errorf("error %v, want a collision in row 1", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := rolled[0].Partial.Key(0).Column(c.column); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	// The same in Parquet, where the columns are read one by one.
	cols := append(minimal(1.0, 2.0), pcol{"resource_tags_user_team", colscan.String, []any{"a", "a"}}, pcol{"resource_tags_user_team", colscan.String, []any{"a", "b"}})
	_, err := rollFiles(Rollup{Keys: []Column{"resourceTags/user:team"}}, parquetFile(t, nil, cols...))
	if !errors.Is(err, errCollision) || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("Parquet: error %v, want a collision in row 2", err)
	}
}
