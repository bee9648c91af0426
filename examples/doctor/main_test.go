package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
	"github.com/spendclaim/spendclaim/internal/golden"
)

const months = "../quickstart/months/"

// doctor runs the program and returns its status and outputs.
func doctor(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// write makes a file of a text and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheSampleMonthsLackNothing(t *testing.T) {
	code, out, errs := doctor(t, "-claims", months+"claims.json", months+"2026-05-first")
	if code != 0 || !strings.Contains(out, "nothing is missing") {
		t.Errorf("status %d\n%s%s", code, out, errs)
	}
}

const legacy = `{"ReportDefinitions": [{"ReportName": "team", "TimeUnit": "MONTHLY", "AdditionalSchemaElements": []}]}`

func TestDefinitionAsText(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("report.json", []byte(legacy), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := doctor(t, "report.json")
	if code != 3 {
		t.Errorf("status: got %d, want 3: %s", code, errs)
	}
	want := `report.json: legacy CUR, MONTHLY rows (definition of team)
  money loses its owner without:
    resource_ids (line_item_resource_id)
      AgentCore rows name no caller, so that without resource ids none of them can be claimed.
      -> Add RESOURCES to the report's AdditionalSchemaElements.
    caller_identity (line_item_iam_principal)
      Model calls do not say who made them: roles and users own nothing, and only resources, tags and accounts can be claimed.
      -> None here: a legacy report never names the caller. Make a CUR 2.0 export with INCLUDE_IAM_PRINCIPAL_DATA=TRUE.
  less can be said without:
    caller_tags (tags)
      Claims on tags of roles and users (iamPrincipal/...) match nothing, and tag names are AWS's normalised ones.
      -> None here: a legacy report has no tags of callers. Make a CUR 2.0 export with INCLUDE_IAM_PRINCIPAL_DATA=TRUE.
    granularity (identity_time_interval)
      Rows are months long: there are no weekly cards, no day on which something was first seen, and a claim counts from the next month on.
      -> Make a report with TimeUnit DAILY.
    refresh_closed
      Refunds, credits and support fees that AWS books to a closed month never arrive.
      -> Set RefreshClosedReports to true.
  has: cost, time, service, product_code, usage_account, usage_type, usage_amount, pricing_unit, line_item_type, billing_period, payer, currency, billing_entity, product_name, region, operation, interval, invoice, list_cost, line_item_id
  cannot be told from a definition: net_cost, commitments, tags
`
	if d := cmp.Diff(out, want); d != "" {
		t.Errorf("output (-got +want)\n%s", d)
	}
}

func TestJSONNamesEachCheck(t *testing.T) {
	code, out, _ := doctor(t, "-format", "json", write(t, "report.json", legacy))
	var got []struct {
		Format string
		Checks []struct{ Code, State, Remedy string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if code != 3 || len(got) != 1 || got[0].Format != "legacy CUR" || len(got[0].Checks) < 20 {
		t.Errorf("status %d, got %+v", code, got)
	}
}

func TestClaimsSayWhatIsNeeded(t *testing.T) {
	report := write(t, "r.csv", "line_item_unblended_cost,identity_time_interval,line_item_product_code,line_item_usage_account_id,line_item_resource_id\n"+
		"1,2026-05-01T00:00:00Z/2026-05-02T00:00:00Z,AmazonBedrock,111122223333,\n")
	claims := write(t, "c.json", `{"version":1,"claims":[
		{"id":"a","anchor":{"kind":"tag","value":"resourceTags/user:team=x"},"workload":"w","from":"2026-05-01T08:00:00Z"}]}`)
	code, out, errs := doctor(t, "-claims", claims, report)
	if code != 3 {
		t.Fatalf("status %d: %s", code, errs)
	}
	for _, want := range []string{"declared (resourceTags/user:team)", "a claim that begins within a day counts from the next day on", "TIME_GRANULARITY=HOURLY"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q\n%s", want, out)
		}
	}
}

// What -define writes has everything, as far as the doctor can see, and all the
// columns there are.
func TestDefinedExportLacksNothing(t *testing.T) {
	for _, args := range [][]string{{"-define"}, {"-define", "-grain", "DAILY", "-overwrite"}} {
		code, out, errs := doctor(t, args...)
		if code != 0 {
			t.Fatalf("%v: status %d: %s", args, code, errs)
		}
		in, err := cur.Inspect("template.json", []byte(out), &cur.InspectOptions{Sessions: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(in) != 1 || len(in[0].Lacking()) > 0 || in[0].Columns != 131 {
			t.Errorf("%v: got %d exports, %d columns, lacking %+v", args, len(in), in[0].Columns, in[0].Lacking())
		}
		if overwrite := strings.Contains(out, `"OVERWRITE_REPORT"`); overwrite != slices.Contains(args, "-overwrite") {
			t.Errorf("%v: overwrites: %v", args, overwrite)
		}
	}
	golden.Equal(t, "testdata/export.json", []byte(func() string { _, out, _ := doctor(t, "-define"); return out }()))
}

// The columns are those of the generator, whose list was taken from a delivered
// manifest and the dictionary, with every option on.
func TestColumnsAreAll(t *testing.T) {
	table, err := (&curtest.Config{Rows: 1}).Table()
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Fields(columns)
	for _, c := range table.Columns() {
		if !slices.Contains(have, c.Name) {
			t.Errorf("column %s is missing", c.Name)
		}
	}
	if got := len(slices.Compact(slices.Sorted(slices.Values(have)))); got != 131 {
		t.Errorf("got %d columns, want 131", got)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no path":             {nil, 2, "give the path"},
		"unknown flag":        {[]string{"-x"}, 2, "not defined"},
		"unknown format":      {[]string{"-format", "xml", "a"}, 2, `-format "xml"`},
		"define and paths":    {[]string{"-define", "a"}, 2, "-define reads nothing"},
		"define, wrong grain": {[]string{"-define", "-grain", "WEEKLY"}, 2, `-grain "WEEKLY"`},
		"all without shapes":  {[]string{"-all", "a"}, 2, "-all goes with -shapes"},
		"shapes and claims":   {[]string{"-shapes", "-claims", "a", "b"}, 2, "does not go with"},
		"no such file":        {[]string{"nowhere.csv"}, 1, "nowhere.csv"},
		"not a report":        {[]string{"main.go"}, 1, "none of its"},
		"JSON of no kind":     {[]string{"testdata/other.json"}, 1, "neither a manifest"},
		"folder, no manifest": {[]string{"testdata"}, 1, "testdata"},
		"an empty file":       {[]string{"testdata/empty.csv"}, 1, "nothing to inspect"},
		"shapes of no report": {[]string{"-shapes", "main.go"}, 1, "none of its"},
		"help":                {[]string{"-h"}, 0, "Usage"},
		"unreadable claims":   {[]string{"-claims", "nowhere.json", "a"}, 1, "nowhere.json"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := doctor(t, tc.args...)
			if code != tc.code || !strings.Contains(errs, tc.says) {
				t.Errorf("status %d, said %q; want %d and %q", code, errs, tc.code, tc.says)
			}
			if out != "" {
				t.Errorf("printed %q", out)
			}
		})
	}
}
