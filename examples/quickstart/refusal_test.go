package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/golden"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// smallHeader is that of a report with what a report needs and a little more.
const smallHeader = "bill_payer_account_id,bill_billing_period_start_date,line_item_usage_start_date,line_item_line_item_type," +
	"line_item_usage_account_id,line_item_currency_code,line_item_product_code,line_item_usage_type,line_item_resource_id,line_item_unblended_cost"

// smallRows are n rows of an AgentCore runtime, of a cent each.
func smallRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "111122223333,2026-05-01T00:00:00.000Z,2026-05-%02dT00:00:00.000Z,Usage,444455556666,USD,AmazonBedrockAgentCore,"+
			"USE1-Runtime:Consumption-based:vCPU,arn:aws:bedrock-agentcore:us-east-1:444455556666:runtime/agent-Ab1Cd2Ef3G,0.01\n", 1+i%28)
	}
	return b.String()
}

func smallReport(n int) string { return smallHeader + "\n" + smallRows(n) }

// withCost is a small report whose nth row costs something else.
func withCost(rows, n int, cost string) string {
	lines := strings.Split(smallReport(rows), "\n")
	lines[n] = strings.TrimSuffix(lines[n], "0.01") + cost
	return strings.Join(lines, "\n")
}

// gzipped packs without compressing, so that the bytes are the same with every
// release of the compressor.
func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err == nil {
		_, err = z.Write([]byte(text))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// smallParquet is a report of one row for each double.
func smallParquet(t *testing.T, doubles ...float64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := colscan.NewWriter(&b, []colscan.Column{
		{Name: "line_item_usage_start_date", Kind: colscan.Timestamp}, {Name: "line_item_product_code", Kind: colscan.String},
		{Name: "line_item_unblended_cost", Kind: colscan.Double, Optional: true},
	}, nil)
	for _, x := range doubles {
		w.SetTime(0, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC))
		w.SetText(1, "AmazonBedrock")
		w.SetFloat(2, x)
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// manifest lists data files as AWS does.
func manifest(export string, files ...string) string {
	for i, f := range files {
		files[i] = fmt.Sprintf("%q", "s3://synthetic-bucket/reports/"+export+"/"+f)
	}
	return fmt.Sprintf(`{"executionId": "e-1", "exportArn": "arn:aws:bcm-data-exports:us-east-1:111122223333:export/%s", "dataFiles": [%s]}`,
		export, strings.Join(files, ", "))
}

const dataFolder, metadataFolder = "data/BILLING_PERIOD=2026-05/", "metadata/BILLING_PERIOD=2026-05/"

// export writes a folder with a manifest and its data files.
func export(t *testing.T, folder, name string, contents ...string) string {
	t.Helper()
	var files []string
	for i, c := range contents {
		f := fmt.Sprintf("%s%s-%05d.csv", dataFolder, name, i+1)
		writeFile(t, filepath.Join(folder, f), c)
		files = append(files, f)
	}
	m := writeFile(t, filepath.Join(folder, metadataFolder, name+"-Manifest.json"), manifest(name, files...))
	touch(t, m, time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC))
	return folder
}

const claimsStart = `{
  "version": 1,
  "claims": [
    {"id": "c-1", "anchor": {"kind": "role", "value": "arn:aws:iam::444455556666:role/team/agent"}, "workload": "one", "from": "2026-05-01"},
`

// otherErrors are the golden files of tests beside TestBadInput.
var otherErrors = []string{
	"another-export-is-booked", "books-empty", "books-folder", "books-in-no-folder", "books-in-use", "books-missing",
	"books-short", "books-text", "focus-role-claim", "interrupted", "older-delivery", "tag-not-stored",
}

func TestBadInput(t *testing.T) {
	names := slices.Clone(otherErrors)
	for _, c := range []struct {
		name  string // of the golden file
		files func(t *testing.T)
		args  []string
	}{
		{"not-a-report", func(t *testing.T) {
			writeFile(t, "notes.csv", "name,amount\nsomething,12\n")
		}, []string{"-cur", "notes.csv"}},
		{"not-a-table", func(t *testing.T) {
			writeFile(t, "notes.txt", "To whom it may concern\n\nthis is no table.\n")
		}, []string{"-cur", "notes.txt"}},
		{"random-bytes", func(t *testing.T) {
			b, x := make([]byte, 4096), uint32(1)
			for i := range b {
				x = x*1664525 + 1013904223
				b[i] = byte(x >> 24)
			}
			writeFile(t, "random.bin", b)
		}, []string{"-cur", "random.bin"}},
		{"missing-column", func(t *testing.T) {
			writeFile(t, "report.csv", strings.ReplaceAll(smallReport(2), "line_item_unblended_cost", "line_item_blended_cost"))
		}, []string{"-cur", "report.csv"}},
		{"truncated-gzip", func(t *testing.T) {
			b := gzipped(t, smallReport(400))
			writeFile(t, "report.csv.gz", b[:len(b)*2/3])
		}, []string{"-cur", "report.csv.gz"}},
		{"gzip-without-its-end", func(t *testing.T) {
			b := gzipped(t, smallReport(20))
			writeFile(t, "report.csv.gz", b[:len(b)-6])
		}, []string{"-cur", "report.csv.gz"}},
		{"gzip-header-alone", func(t *testing.T) {
			writeFile(t, "report.csv.gz", gzipped(t, smallReport(20))[:7])
		}, []string{"-cur", "report.csv.gz"}},
		{"parquet-footer-cut", func(t *testing.T) {
			b := smallParquet(t, 1, 2, 3)
			writeFile(t, "report.snappy.parquet", b[:len(b)-40])
		}, []string{"-cur", "report.snappy.parquet"}},
		{"parquet-nan", func(t *testing.T) {
			writeFile(t, "report.snappy.parquet", smallParquet(t, 0.25, math.NaN()))
		}, []string{"-cur", "report.snappy.parquet"}},
		{"parquet-infinity", func(t *testing.T) {
			writeFile(t, "report.snappy.parquet", smallParquet(t, math.Inf(-1)))
		}, []string{"-cur", "report.snappy.parquet"}},
		{"no-such-file", func(*testing.T) {}, []string{"-cur", "report.csv"}},
		{"manifest-names-a-missing-file", func(t *testing.T) {
			export(t, "month", "ai-costs", smallReport(2), smallReport(3))
			if err := os.Remove("month/" + dataFolder + "ai-costs-00002.csv"); err != nil {
				t.Fatal(err)
			}
		}, []string{"-cur", "month"}},
		{"manifest-is-none", func(t *testing.T) {
			writeFile(t, "settings.json", `{"theme": "dark"}`)
		}, []string{"-cur", "settings.json"}},
		{"manifest-is-broken", func(t *testing.T) {
			writeFile(t, "Manifest.json", `{"executionId": "e-1", "dataFiles": [`)
		}, []string{"-cur", "Manifest.json"}},
		{"manifest-names-a-file-twice", func(t *testing.T) {
			writeFile(t, "Manifest.json", manifest("ai-costs", "data/a.csv", "data/a.csv"))
		}, []string{"-cur", "Manifest.json"}},
		{"folder-without-manifest", func(t *testing.T) {
			writeFile(t, "month/report.csv", smallReport(2))
		}, []string{"-cur", "month"}},
		{"folder-with-two-manifests", func(t *testing.T) {
			export(t, "month", "ai-costs", smallReport(2))
			export(t, "month", "all-costs", smallReport(3))
		}, []string{"-cur", "month"}},
		{"two-exports-mixed", func(t *testing.T) {
			writeFile(t, "one.csv", smallReport(2))
			writeFile(t, "two.csv", strings.ReplaceAll(smallReport(3), "line_item_resource_id", "line_item_operation"))
		}, []string{"-cur", "one.csv", "-cur", "two.csv"}},
		{"two-formats-mixed", func(t *testing.T) {
			writeFile(t, "one.csv", smallReport(2))
			legacy := strings.NewReplacer("bill_payer_account_id", "bill/PayerAccountId", "bill_billing_period_start_date", "bill/BillingPeriodStartDate",
				"line_item_usage_start_date", "lineItem/UsageStartDate", "line_item_line_item_type", "lineItem/LineItemType",
				"line_item_usage_account_id", "lineItem/UsageAccountId", "line_item_currency_code", "lineItem/CurrencyCode",
				"line_item_product_code", "lineItem/ProductCode", "line_item_usage_type", "lineItem/UsageType",
				"line_item_resource_id", "lineItem/ResourceId", "line_item_unblended_cost", "lineItem/UnblendedCost")
			writeFile(t, "two.csv", legacy.Replace(smallReport(3)))
		}, []string{"-cur", "one.csv", "-cur", "two.csv"}},
		{"two-exports-of-a-month", func(t *testing.T) {
			export(t, "one", "ai-costs", smallReport(2))
			export(t, "two", "all-costs", smallReport(3))
		}, []string{"-cur", "one", "-cur", "two"}},
		{"same-file-twice", func(t *testing.T) {
			writeFile(t, "report.csv", smallReport(2))
		}, []string{"-cur", "report.csv", "-cur", "report.csv"}},
		{"same-content-twice", func(t *testing.T) {
			writeFile(t, "report.csv", smallReport(2))
			writeFile(t, "copy.csv.gz", gzipped(t, smallReport(2)))
		}, []string{"-cur", "report.csv", "-cur", "copy.csv.gz"}},
		{"ragged-row", func(t *testing.T) {
			lines := strings.SplitAfter(smallReport(5), "\n")
			lines[3] = strings.Replace(lines[3], ",USD", "", 1)
			writeFile(t, "report.csv", strings.Join(lines, ""))
		}, []string{"-cur", "report.csv"}},
		{"bare-quote", func(t *testing.T) {
			writeFile(t, "report.csv", strings.Replace(smallReport(5), "runtime/agent", `runtime/"agent`, 1))
		}, []string{"-cur", "report.csv"}},
		{"nan-cost", func(t *testing.T) {
			writeFile(t, "report.csv", withCost(5, 2, "NaN"))
		}, []string{"-cur", "report.csv"}},
		{"not-a-number", func(t *testing.T) {
			writeFile(t, "report.csv", withCost(5, 4, "twelve"))
		}, []string{"-cur", "report.csv"}},
		{"comma-in-a-cost", func(t *testing.T) {
			writeFile(t, "report.csv", withCost(5, 1, `"1,25"`))
		}, []string{"-cur", "report.csv"}},
		{"vast-exponent", func(t *testing.T) {
			writeFile(t, "report.csv", withCost(5, 5, "1e999999999"))
		}, []string{"-cur", "report.csv"}},
		{"blank-cost", func(t *testing.T) {
			writeFile(t, "report.csv", withCost(5, 2, ""))
		}, []string{"-cur", "report.csv"}},
		{"blank-period", func(t *testing.T) {
			writeFile(t, "report.csv", strings.Replace(smallReport(5), "2026-05-01T00:00:00.000Z,2026-05-02", ",2026-05-02", 1))
		}, []string{"-cur", "report.csv"}},
		{"claims-with-two-owners", func(t *testing.T) {
			writeFile(t, "claims.json", claimsStart+
				`    {"id": "c-2", "anchor": {"kind": "role", "value": "agent", "account": "444455556666"}, "workload": "two", "from": "2026-05-15"}
  ]
}`)
		}, []string{"-claims", "claims.json"}},
		{"claims-with-an-unknown-field", func(t *testing.T) {
			writeFile(t, "claims.json", claimsStart+
				`    {"id": "c-2", "anchor": {"kind": "account", "value": "444455556666"}, "workload": "two", "from": "2026-05-15", "colour": "red"}
  ]
}`)
		}, []string{"-claims", "claims.json"}},
		{"claims-with-a-session", func(t *testing.T) {
			writeFile(t, "claims.json", claimsStart+
				`    {"id": "c-2", "anchor": {"kind": "role", "value": "arn:aws:sts::444455556666:assumed-role/agent/7f3c91e2-support-0519"}, "workload": "two", "from": "2026-05-15"}
  ]
}`)
		}, []string{"-claims", "claims.json"}},
		{"claims-that-are-none", func(t *testing.T) {
			writeFile(t, "claims.json", "workload,anchor\n")
		}, []string{"-claims", "claims.json"}},
		{"claims-missing", func(*testing.T) {}, []string{"-claims", "claims.json"}},
	} {
		names = append(names, c.name)
		t.Run(c.name, func(t *testing.T) {
			workdir(t)
			writeFile(t, "good.csv", smallReport(12))
			succeed(t, "-cur", "good.csv", "-db", "books.db", "-as-of", "2026-05-20T00:00:00Z")
			c.files(t)
			claims := c.args[0] == "-claims"
			args := [][]string{
				append(slices.Clone(c.args), "-db", "books.db"),
				slices.Clone(c.args), // the default: no books so far, or the sample
			}
			if claims {
				args = append(args, append(slices.Clone(c.args), "-cur", "good.csv"))
			}
			files := listing(t)
			check := unchanged(t, "books.db")
			for _, a := range args {
				wantError(t, c.name, refuse(t, a...))
				check()
				if after := listing(t); !slices.Equal(files, after) {
					t.Errorf("%q: files before %q, after %q", a, files, after)
				}
			}
			if left := tempFiles(t); len(left) > 0 {
				t.Errorf("left in the temporary folder: %q", left)
			}
		})
	}
	// No golden file without its case.
	entries, err := os.ReadDir(testdata(t, "errors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, strings.TrimSuffix(e.Name(), ".txt")) {
			t.Errorf("testdata/errors/%s is of no test", e.Name())
		}
	}
}

// listing names the files of the working folder.
func listing(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func tempFiles(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestBadBooks(t *testing.T) {
	workdir(t)
	writeFile(t, "good.csv", smallReport(12))
	writeFile(t, "text.db", strings.Repeat("This is a letter and no database.\n", 300))
	writeFile(t, "short.db", "x")
	writeFile(t, "empty.db", "")
	if err := os.Mkdir("folder.db", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"text", "short", "empty", "folder"} {
		check := unchanged(t, name+".db")
		wantError(t, "books-"+name, refuse(t, "-db", name+".db"))
		wantError(t, "books-"+name, refuse(t, "-db", name+".db", "-cur", "good.csv"))
		check()
	}
	wantError(t, "books-missing", refuse(t, "-db", "none.db"))
	wantError(t, "books-in-no-folder", refuse(t, "-cur", "good.csv", "-db", "nowhere/books.db"))
	if _, err := os.Stat("none.db"); err == nil {
		t.Error("none.db was made")
	}
	// Two exports of a month in two runs.
	export(t, "one", "ai-costs", smallReport(2))
	export(t, "two", "all-costs", smallReport(3))
	succeed(t, "-cur", "one")
	check := unchanged(t, "spendclaim.db")
	wantError(t, "another-export-is-booked", refuse(t, "-cur", "two"))
	check()
}

func TestBooksInUse(t *testing.T) {
	if testing.Short() {
		t.Skip("waits two seconds for a lock")
	}
	workdir(t)
	writeFile(t, "good.csv", smallReport(12))
	succeed(t, "-cur", "good.csv")
	d, err := boltstore.Open("spendclaim.db", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	wantError(t, "books-in-use", refuse(t, "-db", "spendclaim.db"))
}

func TestWrongFlags(t *testing.T) {
	workdir(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":                {[]string{"-report", "x"}, "flag provided but not defined: -report"},
		"a file without -cur":         {[]string{"report.csv"}, `unexpected argument "report.csv": name report files with -cur`},
		"unknown format":              {[]string{"-format", "xml"}, `-format "xml": want text or json`},
		"as-of that is no time":       {[]string{"-cur", "x", "-as-of", "yesterday"}, `-as-of "yesterday": want RFC 3339, such as 2026-05-25T12:00:00Z`},
		"as-of without -cur":          {[]string{"-as-of", "2026-05-25T12:00:00Z"}, "-as-of goes with -cur"},
		"restated with -cur":          {[]string{"-cur", "x", "-restated"}, "-restated goes with the embedded sample months, without -cur and -db"},
		"restated with -db":           {[]string{"-db", "x", "-restated"}, "-restated goes with the embedded sample months, without -cur and -db"},
		"tag without -cur":            {[]string{"-db", "x", "-tag", "resourceTags/user:team"}, "-tag goes with -cur: what to store is settled when the report is read"},
		"tag without family":          {[]string{"-cur", "x", "-tag", "team"}, `-tag "team": want family/key, such as resourceTags/user:team`},
		"a flag that lacks its value": {[]string{"-cur"}, "flag needs an argument: -cur"},
	} {
		t.Run(name, func(t *testing.T) {
			r := quickstart(t, c.args...)
			first, usage, _ := strings.Cut(r.stderr, "\n")
			if r.code != 2 || r.stdout != "" || strings.TrimPrefix(first, "quickstart: ") != c.want {
				t.Errorf("exit status %d, stdout %q, first line %q; want 2, nothing, %q", r.code, r.stdout, first, c.want)
			}
			golden.Equal(t, testdata(t, "usage.txt"), []byte(usage))
		})
	}
	if r := quickstart(t, "-h"); r.code != 0 {
		t.Errorf("-h: exit status %d", r.code)
	} else {
		golden.Equal(t, testdata(t, "usage.txt"), []byte(r.stderr))
	}
	if files := listing(t); len(files) != 1 {
		t.Errorf("left behind: %q", files)
	}
}

// A slip of the year is refused, naming both days: no later delivery could follow.
func TestAsOfToCome(t *testing.T) {
	workdir(t)
	r := quickstart(t, "-cur", "x", "-as-of", "2926-05-25T12:00:00Z")
	if r.code != 2 || !strings.HasPrefix(r.stderr, "quickstart: -as-of 2926-05-25 is later than today, 2") {
		t.Errorf("exit status %d, stderr %q", r.code, r.stderr)
	}
}
