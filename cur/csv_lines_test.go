package cur

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"
)

// billColumns are columns that lines of a bill are written with, and some of what is
// written in them: what tells lines apart, what differs from row to row, and ways to
// write the same that real files do not have.
var billColumns = []struct {
	name  string
	cells []string
}{
	{"bill_payer_account_id", []string{"111111111111", "111111111111", "111111111111", "222222222222"}},
	{"bill_billing_period_start_date", []string{"2026-05-01T00:00:00Z", "2026-05-01T00:00:00.000Z", `"2026-05-01"`}},
	{"bill_invoice_id", []string{"", "", "7"}},
	{"bill_billing_entity", []string{"AWS", "AWS", `"AWS"`, "AWS Marketplace", ""}},
	{"line_item_currency_code", []string{"USD", "USD", "EUR"}},
	{"line_item_legal_entity", []string{`"Amazon Web Services, Inc."`}},
	{"line_item_line_item_type", []string{"Usage", "Usage", "Usage", "Fee", "Tax", "SavingsPlanNegation"}},
	{"line_item_product_code", []string{"AmazonBedrock", "AmazonBedrockAgentCore", "AmazonEC2", `"Amazon""EC2"`, "AmazonCognito"}},
	{"line_item_usage_type", []string{"a", "b", "c:Bedrock-Agent-Core:x", "USE1-tokens", `"with, comma"`}},
	{"line_item_operation", []string{"", "op", "InvokeModel"}},
	{"line_item_line_item_description", []string{"", "plain", `"AWS Marketplace, hourly|us-east-1|Units|x"`, "d|e| Tokens"}},
	{"product_product_family", []string{"", "amazon bedrock", "Compute"}},
	{"product_region_code", []string{"", "us-east-1"}},
	{"product_region", []string{"", "eu-west-1"}},
	{"pricing_unit", []string{"", "Hrs", "1K tokens"}},
	{"product", []string{"{}", "", `"{""product_name"":""Amazon Bedrock"",""model"":""M"",""region"":""r""}"`, `"{""product_name"":""Claude (Bedrock)""}"`}},
	{"reservation_reservation_a_r_n", []string{"", "", "arn:aws:ri"}},
	{"line_item_usage_account_id", []string{"333333333333", "444444444444", "555555555555", ""}},
	{"line_item_iam_principal", []string{"", "arn:aws:sts::3:assumed-role/R/s1", "arn:aws:sts::3:assumed-role/R/s2", `"arn:aws:iam::3:user/U, V"`, "arn:aws:sts::3:assumed-role/Q"}},
	{"line_item_resource_id", []string{"", "arn:r1", "arn:r2", "arn:r3"}},
	{"identity_time_interval", []string{"2026-05-01T00:00:00Z/2026-05-01T01:00:00Z", "2026-05-02T03:00:00Z/2026-05-02T04:00:00Z",
		"2026-05-01T00:00:00Z/2026-06-01T00:00:00Z", ""}},
	{"line_item_usage_start_date", []string{"2026-05-01T00:00:00Z", "2026-05-02T03:10:00Z"}},
	{"line_item_usage_end_date", []string{"2026-05-02T04:00:00Z", "2026-06-01T00:00:00Z", ""}},
	{"line_item_unblended_cost", []string{"1.25", "0.0000000001", "-3", "1e-7", "12345678901234567890.5", "0.00000000000000000001", `"4.5"`, "", "0"}},
	{"line_item_net_unblended_cost", []string{"", "1.25", "0.0", "0.123456789012345"}},
	{"line_item_usage_amount", []string{"1", "2.5", "1E+3", "0.0"}},
	{"pricing_public_on_demand_cost", []string{"1.25", "0.0", "", "9"}},
	{"reservation_effective_cost", []string{"0.0", "0.0", "", `"0.0"`, "7.5"}},
	{"savings_plan_used_commitment", []string{"0.0", "0.0", "-1.5"}},
	{"resource_tags", []string{"{}", `"{""user_team"":""a""}"`, `"{""user_team"":""b"",""x"":""1""}"`}},
	{"tags", []string{"", "{}", `"{""resourceTags/user:team"":""c""}"`}},
	{"other", []string{"", "x", "yy", `"q"`, `"two` + "\n" + `lines"`}},
	{"more", []string{"", "1", "22"}},
}

// writeBill writes rows, most of which are like one written before but for a few cells.
func writeBill(r *rand.Rand, columns []int, rows int) (header string, text []byte) {
	var names []string
	for _, c := range columns {
		names = append(names, billColumns[c].name)
	}
	var b bytes.Buffer
	eol := []string{"\n", "\n", "\r\n"}[r.IntN(3)]
	var lines [][]string
	for range 1 + r.IntN(12) {
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = billColumns[c].cells[r.IntN(len(billColumns[c].cells))]
		}
		lines = append(lines, line)
	}
	for n := range rows {
		line := slices.Clone(lines[r.IntN(len(lines))])
		for range r.IntN(6) {
			i := r.IntN(len(columns))
			cells := billColumns[columns[i]].cells
			line[i] = cells[r.IntN(len(cells))]
		}
		b.WriteString(strings.Join(line, ","))
		if n < rows-1 || r.IntN(2) == 0 {
			b.WriteString(eol)
		}
	}
	return strings.Join(names, ","), b.Bytes()
}

// A row that is read as another one of its line is what it is by itself, wherever its
// columns are and whichever of its cells differ.
func TestLinesWrittenAlikeAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		columns := r.Perm(len(billColumns))
		if rapid.Bool().Draw(t, "few columns") {
			needed := func(c int) bool {
				switch billColumns[c].name {
				case "bill_billing_period_start_date", "line_item_unblended_cost", "line_item_usage_start_date", "line_item_product_code":
					return true
				}
				return false
			}
			columns = slices.DeleteFunc(columns, func(c int) bool { return !needed(c) && r.IntN(3) == 0 })
		}
		m := fstest.MapFS{}
		var names []string
		for i := range rapid.IntRange(1, 3).Draw(t, "files") {
			header, text := writeBill(r, columns, 1+r.IntN(500))
			name := fmt.Sprintf("f%d.csv", i)
			m[name] = &fstest.MapFile{Data: append([]byte(header+"\n"), text...), ModTime: time.Unix(1780000000, 0)}
			names = append(names, name)
		}
		roll := Rollup{RestUnread: rapid.Bool().Draw(t, "unread")}
		switch rapid.IntRange(0, 5).Draw(t, "where") {
		case 0:
		case 1:
			roll.Where = Where{Any: []Clause{{{ColResource, Prefix, []string{"arn:r"}}, {ColUsageAccount, In, []string{"333333333333", ""}}}}}
		case 2:
			roll.Where = Where{Any: []Clause{{{ColPricingUnit, In, []string{"Tokens", "Units"}}}, {{ColRegion, In, []string{"r", "eu-west-1"}}}, {{ColBillingPeriod, In, []string{"2026-05"}}, {ColPrincipal, Contains, []string{"role/r"}}}}}
		default:
			roll.Where = scopeWhere
		}
		if rapid.Bool().Draw(t, "keys") {
			roll.Keys = []Column{"resource_tags/user:team", "resource_tags/x", colReservationARN, "other"}
			if rapid.Bool().Draw(t, "where keys") {
				roll.Where = Where{Any: []Clause{{{"resource_tags/user:team", In, []string{"a", "c"}}}, {{"other", Prefix, []string{"two"}}}}}
			}
		}
		roll.Sessions = rapid.IntRange(0, 3).Draw(t, "sessions") == 0
		roll.Bucket = rapid.SampledFrom([]Span{0, Hour, Day, MonthSpan}).Draw(t, "bucket")
		sets, err := Locate(t.Context(), FS(m), names...)
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, rolled := range sameByColumns(t, roll, sets[0]) {
			if rolled.Stats.Again {
				t.Fatalf("read again: %+v", rolled.Stats)
			}
		}
	})
}

// More lines than are remembered, and lines that have one head in common.
func TestManyLines(t *testing.T) {
	var b strings.Builder
	b.WriteString("bill_billing_period_start_date,line_item_usage_start_date,line_item_usage_account_id,line_item_resource_id,line_item_unblended_cost,line_item_product_code,line_item_usage_type,product_product_family,other\n")
	n := maxNumbers + maxLines
	if testing.Short() {
		n = maxNumbers + 100
	}
	for i := range n {
		fmt.Fprintf(&b, "2026-05-01,2026-05-%02d,%d,arn:%d,0.%d,AmazonBedrock,type-%d,family-%d,%d\n", 1+i%30, i%7, i%maxNumbers, i, i%(maxLines+999), i%3, i)
		fmt.Fprintf(&b, "2026-05-01,2026-05-%02d,%d,arn:%d,1,AmazonBedrock,one,family-%d,%d\n", 1+i%30, i%7, i/2, i%(4*maxAlike), i)
	}
	sets, err := Locate(t.Context(), FS(fstest.MapFS{"f.csv": {Data: []byte(b.String()), ModTime: time.Unix(1780000000, 0)}}), "f.csv")
	if err != nil {
		t.Fatal(err)
	}
	rolled := sameByColumns(t, Rollup{}, sets[0])
	if rolled[0].Stats.Again {
		t.Errorf("read again: %+v", rolled[0].Stats)
	}
}

// What was read of a file ends anywhere in a row that is like those before: in a cell,
// and between the two bytes of a line break.
func TestReadingEndsAnywhereInALine(t *testing.T) {
	const head = "bill_billing_period_start_date,line_item_usage_start_date,line_item_product_code,line_item_unblended_cost,other\r\n"
	const row = "2026-05-01,2026-05-01T00:00:00Z,AmazonBedrock,1.5,z\r\n"
	rows := strings.Repeat(row, csvBuffer/len(row)+3)
	for pad := range len(row) {
		text := head + strings.Replace(row, "z", strings.Repeat("z", 1+pad), 1) + rows
		sets, err := Locate(t.Context(), FS(fstest.MapFS{"f.csv": {Data: []byte(text), ModTime: time.Unix(1780000000, 0)}}), "f.csv")
		if err != nil {
			t.Fatal(err)
		}
		for _, rolled := range sameByColumns(t, Rollup{}, sets[0]) {
			if rolled.Stats.Again {
				t.Errorf("%d bytes in front: read again: %+v", pad, rolled.Stats)
			}
		}
	}
}

// Whatever is damaged in a row that is grouped is reported as it is by row.
func TestDamagedRowsOfALineAreReported(t *testing.T) {
	const head = "bill_billing_period_start_date,identity_time_interval,line_item_usage_start_date,line_item_product_code,line_item_unblended_cost,line_item_usage_type,product,line_item_usage_amount,pricing_public_on_demand_cost,reservation_effective_cost,other\n"
	const row = "2026-05-01,2026-05-01T00:00:00Z/2026-05-01T01:00:00Z,2026-05-01T00:00:00Z,AmazonBedrock,1.5,u,{},2,1.5,0.0,z\n"
	for _, bad := range []string{
		strings.Replace(row, "2026-05-01,", "2026-13-01,", 1),
		strings.Replace(row, "2026-05-01,", ",", 1),
		strings.Replace(row, "T01:00:00Z", "T25:00:00Z", 1),
		strings.Replace(row, "00:00Z,AmazonBedrock", "00:0,AmazonBedrock", 1),
		strings.Replace(row, "2026-05-01T00:00:00Z,AmazonBedrock", "x,AmazonBedrock", 1),
		strings.Replace(row, ",1.5,u", ",1.5.,u", 1),
		strings.Replace(row, "{}", "{", 1),
		strings.Replace(row, ",2,", ",two,", 1),
		strings.Replace(row, ",1.5,0.0", ",1e50,0.0", 1),
		strings.Replace(row, ",0.0,", ",-,", 1),
		strings.Replace(row, ",z", "", 1),
		strings.Replace(row, ",z", ",z,z", 1),
		strings.Replace(row, ",z", `,z"z`, 1),
		strings.Replace(row, ",z", `,"z"z`, 1),
		strings.Replace(row, ",z", `,"z`, 1),
		strings.Replace(row, ",u,", `,u"u,`, 1),
		row[:40] + "\n", row[:len(row)-20],
	} {
		for _, before := range []int{0, 1, 3, 700} {
			text := head + strings.Repeat(row, before) + bad + strings.Repeat(row, 2)
			for _, unread := range []bool{false, true} {
				sets, err := Locate(t.Context(), FS(fstest.MapFS{"f.csv.gz": {Data: gzipped(t, []byte(text))}}), "f.csv.gz")
				if err != nil {
					t.Fatal(err)
				}
				r := Rollup{RestUnread: unread, Where: scopeWhere}
				sameByColumns(t, r, sets[0])
				if _, err := r.Run(t.Context(), sets[0]); err == nil {
					t.Errorf("%q after %d rows: no error", bad, before)
				}
			}
		}
	}
}

// FuzzCSVLines rolls up whatever text there is, by row and by the lines it knows. A
// text is short: it is written several times over, so that lines come up again.
func FuzzCSVLines(f *testing.F) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		columns := r.Perm(len(billColumns))
		header, text := writeBill(r, columns, 6)
		f.Add([]byte(header), text, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, header, text []byte, how uint8) {
		if len(header)+len(text) > 1<<14 {
			return
		}
		all := slices.Concat(header, []byte("\n"), text, text, text)
		sets, err := Locate(t.Context(), FS(fstest.MapFS{"f.csv": {Data: all, ModTime: time.Unix(1780000000, 0)}}), "f.csv")
		if err != nil {
			t.Fatal(err)
		}
		r := Rollup{Sessions: how&1 != 0, Bucket: Span(how >> 1 & 3)}
		if how&8 != 0 {
			r.Keys = []Column{"resource_tags/user:team", "other"}
		}
		if how&16 != 0 {
			r.Where = scopeWhere
		}
		sameByColumns(t, r, sets[0])
	})
}
