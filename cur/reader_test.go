package cur

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// open makes a Reader over bytes.
func open(tb testing.TB, content []byte) (*Reader, error) {
	tb.Helper()
	src := FS(fstest.MapFS{"in": {Data: content}})
	f, err := src.Open(context.Background(), "in")
	if err != nil {
		tb.Fatal(err)
	}
	return NewReader(context.Background(), f, &ReaderOptions{summed: true})
}

// readAll returns copies of all rows.
func readAll(r *Reader) (rows []*LineItem, err error) {
	for li, err := range r.All() {
		if err != nil {
			return rows, err
		}
		rows = append(rows, li.Clone())
	}
	return rows, nil
}

const aLine = "111111111111,2026-05-01T00:00:00.000Z,AWS,2026-05-04T00:00:00Z/2026-05-05T00:00:00Z,Usage,AmazonBedrock,USE1-x," +
	"arn:r,arn:p,1.0E7,-9.6322E-6,,USD,\"{\"\"product_name\"\":\"\"Amazon Bedrock\"\",\"\"model\"\":\"\"Nova\"\",\"\"region_code\"\":\"\"us-east-1\"\"}\"\n"

func TestReadFields(t *testing.T) {
	r, err := open(t, []byte("\xef\xbb\xbf"+header+aLine))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(r)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	li := rows[0]
	for _, c := range []struct{ name, got, want string }{
		{"payer", li.Payer, "111111111111"}, {"product", li.ProductCode, "AmazonBedrock"},
		{"product name, from the map", li.ProductName, "Amazon Bedrock"}, {"model, from the map", li.Model, "Nova"},
		{"region, from the map", li.Region, "us-east-1"}, {"period", li.BillingPeriod.String(), "2026-05"},
		{"interval", li.IntervalStart.Format(time.RFC3339), "2026-05-04T00:00:00Z"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.name, c.got, c.want)
		}
	}
	if d, ok := li.Usage(); !ok || d.String() != "10000000" {
		t.Errorf("usage = %v, %v, want 10000000 from exponent form", d, ok)
	}
	if d, ok := li.UnblendedCost(); !ok || d.String() != "-0.0000096322" {
		t.Errorf("cost = %v, %v, want -0.0000096322", d, ok)
	}
	if d, ok := li.NetUnblendedCost(); ok {
		t.Errorf("net cost = %v, want absent: the cell is blank", d)
	}
	if _, ok := li.PublicOnDemandCost(); ok {
		t.Error("list cost is there though the column is not")
	}
}

// One header in three spellings, any case and order, gives the same rows.
func TestSpellingsOfOneHeader(t *testing.T) {
	cells := map[string]string{
		"line_item_unblended_cost": "1.5", "line_item_usage_start_date": "2018-02-01T00:00:00Z",
		"line_item_product_code": "P", "reservation_reservation_a_r_n": "arn:res",
		"bill_payer_account_id": "9", "product_product_name": "Name",
	}
	order := []string{"line_item_unblended_cost", "line_item_usage_start_date", "line_item_product_code", "reservation_reservation_a_r_n", "bill_payer_account_id", "product_product_name"}
	for _, c := range []struct {
		name   string
		format Format
		head   []string
	}{
		{"athena", FormatAthena, order},
		{"legacy", FormatLegacy, []string{"lineItem/UnblendedCost", "lineItem/UsageStartDate", "lineItem/ProductCode", "reservation/ReservationARN", "bill/PayerAccountId", "product/ProductName"}},
		{"upper case", FormatAthena, strings.Split(strings.ToUpper(strings.Join(order, ",")), ",")},
		{"third-party underscore", FormatAthena, []string{"lineItem_UnblendedCost", "lineItem_UsageStartDate", "lineItem_ProductCode", "reservation_ReservationARN", "bill_PayerAccountId", "product_ProductName"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for shift := range order {
				var head, row []string
				for i := range order {
					j := (i + shift) % len(order)
					head, row = append(head, c.head[j]), append(row, cells[order[j]])
				}
				r, err := open(t, []byte(strings.Join(head, ",")+"\n"+strings.Join(row, ",")+"\n"))
				if err != nil {
					t.Fatal(err)
				}
				if r.Format() != c.format {
					t.Errorf("format = %v, want %v", r.Format(), c.format)
				}
				rows, err := readAll(r)
				if err != nil {
					t.Fatal(err)
				}
				li := rows[0]
				if d, _ := li.UnblendedCost(); d.String() != "1.5" || li.ProductCode != "P" || li.Reservation != "arn:res" || li.Payer != "9" || li.ProductName != "Name" || li.LineItemType != "Usage" {
					t.Errorf("got %+v", li)
				}
			}
		})
	}
}

func TestColumnsByName(t *testing.T) {
	head := "line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,resource_tags,tags,line_item_tax_type,resourceTags/user:Name\n"
	line := `1,2026-05-01T00:00:00Z,P,"{""user_cost_center"":""a""}","{""iamPrincipal/team"":""b""}",VAT,n` + "\n"
	r, err := open(t, []byte(head+line))
	if err != nil {
		t.Fatal(err)
	}
	var li LineItem
	if err := r.Read(&li); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[Column]string{
		"line_item_tax_type":             "VAT",
		"resource_tags/user_cost_center": "a",
		"resourceTags/user:CostCenter":   "a",
		"iamPrincipal/team":              "b",
		"resourceTags/user:Name":         "n",
		"line_item_product_code":         "P",
		"resourceTags/user:none":         "",
		"tags":                           `{"iamPrincipal/team":"b"}`,
	} {
		if got, ok := li.Column(c); !ok || got != want {
			t.Errorf("Column(%q) = %q, %v, want %q", c, got, ok, want)
		}
	}
	if v, ok := li.Column("no_such_column"); ok {
		t.Errorf("Column of a column that is not there = %q", v)
	}
}

func TestMarketplaceUnitComesFromTheDescription(t *testing.T) {
	head := "line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,bill_billing_entity,pricing_unit,line_item_line_item_description\n"
	r, err := open(t, []byte(head+"1,2026-05-01,P,AWS Marketplace,,AWS Marketplace software|us-east-1|Million Input Tokens|more\n1,2026-05-01,P,AWS,,a|b|c\n"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].PricingUnit != "Million Input Tokens" || rows[1].PricingUnit != "" {
		t.Errorf("units %q and %q", rows[0].PricingUnit, rows[1].PricingUnit)
	}
}

func TestBadRows(t *testing.T) {
	good := aLine
	for _, c := range []struct{ name, text, want string }{
		{"number", header + good + strings.Replace(good, "-9.6322E-6", "abc", 1),
			`cur: read "in": row 2, column "line_item_unblended_cost", value "abc": exact: not a decimal number`},
		{"NaN", header + strings.Replace(good, "-9.6322E-6", "NaN", 1),
			`cur: read "in": row 1, column "line_item_unblended_cost", value "NaN": exact: not a decimal number`},
		{"huge exponent", header + strings.Replace(good, "-9.6322E-6", "1E999999999", 1),
			`cur: read "in": row 1, column "line_item_unblended_cost", value "1E999999999": exact: number out of range`},
		{"ragged", header + good + "1,2\n",
			`cur: read "in": row 2: row has 2 fields, the header 14`},
		{"quote", header + good + `"open,` + "\n",
			`cur: read "in": row 2: extraneous or missing " in quoted-field`},
		{"blank period", header + strings.Replace(good, "2026-05-01T00:00:00.000Z", "", 1),
			`cur: read "in": row 1, column "bill_billing_period_start_date", value "": blank billing period`},
		{"interval", header + strings.Replace(good, "2026-05-04T00:00:00Z/", "yesterday/", 1),
			`cur: read "in": row 1, column "identity_time_interval", value "yesterday/2026-05-05T00:00:00Z": not a time of a cost and usage report`},
		{"no time", header + strings.Replace(good, "2026-05-04T00:00:00Z/2026-05-05T00:00:00Z", "", 1),
			`cur: read "in": row 1: row has neither an interval nor a usage start`},
		{"map", header + strings.Replace(good, `{""product_name""`, `{""product_name`, 1),
			`cur: read "in": row 1, column "product", value "{\"product_name:\"Amazon Bedrock\",\"model\":\"Nova\",\"region_code\":\"us-east-1\"}": not a map of a cost and usage report`},
		{"map key twice", header + strings.Replace(good, `""model""`, `""product_name""`, 1),
			`cur: read "in": row 1, column "product", value "{\"product_name\":\"Amazon Bedrock\",\"product_name\":\"Nova\",\"region_code\":\"us-east...": key "product_name" occurs twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(t, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = readAll(r)
			var re *RowError
			if !errors.As(err, &re) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if again := r.Read(new(LineItem)); again != err {
				t.Errorf("reading on after %v gives %v", err, again)
			}
		})
	}
}

func TestContainers(t *testing.T) {
	text := []byte(header + aLine + aLine)
	var gz, zp bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(text)
	w.Close()
	z := zip.NewWriter(&zp)
	e, _ := z.Create("report.csv")
	e.Write(text)
	z.Close()
	for name, b := range map[string][]byte{"plain": text, "gzip": gz.Bytes(), "two gzip members": append(gzipOf(t, text[:200]), gzipOf(t, text[200:])...), "zip": zp.Bytes()} {
		r, err := open(t, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if rows, err := readAll(r); err != nil || len(rows) != 2 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
		sum, err := r.digest()
		plain, _ := open(t, text)
		readAll(plain)
		if want, _ := plain.digest(); err != nil || sum != want {
			t.Errorf("%s: digest %s, %v, want that of the text, %s", name, sum, err, want)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
	r, err := open(t, gz.Bytes()[:gz.Len()-9])
	if err == nil {
		_, err = readAll(r)
	}
	if !errors.Is(err, ErrTruncated) {
		t.Errorf("cut gzip: %v, want ErrTruncated", err)
	}
}

// A container that is cut short or damaged is an error, after the rows before the
// damage; one that only looks like a container is one, too.
func TestDamagedContainers(t *testing.T) {
	text := []byte(header + strings.Repeat(aLine, 50))
	gz := gzipOf(t, text)
	var zp bytes.Buffer
	z := zip.NewWriter(&zp)
	e, err := z.CreateHeader(&zip.FileHeader{Name: "report.csv", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	e.Write(text)
	z.Close()
	flip := func(b []byte, i int) []byte { b = bytes.Clone(b); b[i] ^= 0x10; return b }
	for _, c := range []struct {
		name string
		b    []byte
		want error
		also string
	}{
		{"gzip cut in its header", gz[:5], ErrTruncated, ""},
		{"gzip cut in the report's header", gz[:20], ErrTruncated, ""},
		{"gzip cut before its checksum", gz[:len(gz)-8], ErrTruncated, ""},
		{"gzip with a wrong checksum", flip(gz, len(gz)-6), ErrFormat, "row 51"},
		{"gzip and something else", append(bytes.Clone(gz), "more"...), ErrTruncated, "row 51"},
		{"zip cut before its directory", zp.Bytes()[:zp.Len()-40], ErrTruncated, "zip"},
		{"zip cut in the middle", zp.Bytes()[:zp.Len()/2], ErrTruncated, "zip"},
		{"zip with a changed byte", bytes.Replace(zp.Bytes(), []byte("USE1-x"), []byte("USE1-y"), 1), ErrFormat, "row 51"},
		{"text that begins like a zip", []byte("PK\x03\x04 and then some"), ErrFormat, "zip"},
		{"text that begins like Parquet", []byte("PAR1,a,b\n"), ErrFormat, ""},
		{"some other text", []byte("hello\n"), ErrFormat, `the first is "hello"`},
		{"bare quote in the header", []byte("a\"b\n"), ErrFormat, "header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(t, c.b)
			if err == nil {
				_, err = readAll(r)
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), `"in"`) || !strings.Contains(err.Error(), c.also) {
				t.Errorf("got %v, want %v and %s", err, c.want, c.also)
			}
		})
	}
}

func gzipOf(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEmptyFiles(t *testing.T) {
	for name, b := range map[string][]byte{"no bytes": nil, "gzip of nothing": gzipOf(t, nil), "header only": []byte(header)} {
		r, err := open(t, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := r.Read(new(LineItem)); err != io.EOF {
			t.Errorf("%s: %v, want io.EOF", name, err)
		}
	}
}

func TestMissingColumns(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"line_item_product_code,line_item_usage_start_date", "line_item_unblended_cost"},
		{"line_item_product_code,line_item_unblended_cost", "line_item_usage_start_date"},
		{"line_item_unblended_cost,line_item_usage_start_date", "line_item_product_code"},
	} {
		_, err := open(t, []byte(c.head+"\n"))
		if !errors.Is(err, ErrMissingColumn) || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("header %q: %v, want ErrMissingColumn naming %s", c.head, err, c.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(header + aLine))
	f.Add([]byte("lineItem/UnblendedCost,lineItem/UsageStartDate,lineItem/ProductCode\n1e-5,2018-02-01T00:00:00Z,P\n"))
	f.Add([]byte("line_item_unblended_cost,identity_time_interval,line_item_usage_type,tags\n1,2018-02-01T00:00:00Z/2018-02-01T01:00:00Z,U,\"{\"\"a/b\"\":1}\"\n"))
	f.Add([]byte("BilledCost,EffectiveCost,ChargePeriodStart,ServiceName,Tags,PricingQuantity\n1.5,NULL,2026-05-04 10:00:00,S,\"{\"\"user:x\"\": \"\"a\"\"}\",null\n"))
	f.Add([]byte("line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,resource_tags_user_x,resource_tags_user_x\n1,2026-05-04,p,a,b\n"))
	f.Fuzz(readFuzzed)
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"executionId":"e","exportArn":"arn:aws:bcm-data-exports:us-east-1:1:export/x","columns":[{"name":"a","type":"string"}],"dataFiles":["s3://b/p/data/BILLING_PERIOD=2026-04/x.csv.gz"]}`))
	f.Add([]byte(`{"assemblyId":"a","account":"1","reportName":"r","billingPeriod":{"start":"20180801T000000.000Z"},"reportKeys":["/p/x.csv.gz"]}`))
	f.Add([]byte(`{"assemblyId":"a","reportName":"r","reportKeys":["p/r/r/year=2026/month=5/r-00001.snappy.parquet","p/r/20260501-20260601/a/r-1.csv.gz"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest("dir/m.json", b)
		if err != nil {
			if !errors.Is(err, ErrManifest) && !errors.Is(err, ErrDuplicate) {
				t.Fatal(err)
			}
			return
		}
		for _, file := range m.Files {
			places := m.places(file)
			if len(places) == 0 {
				t.Fatalf("no place for %q", file)
			}
			for _, p := range places {
				if strings.HasPrefix(p, "..") || strings.HasPrefix(p, "/") {
					t.Fatalf("data file %q is looked for at %q", file, p)
				}
			}
		}
		m.asOf()
	})
}
