package cur

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codes returns the codes of what is lacking.
func codes(in Inspection) (out []string) {
	for _, c := range in.Lacking() {
		out = append(out, c.Code)
	}
	return out
}

func inspectOne(t *testing.T, text string, o *InspectOptions) Inspection {
	t.Helper()
	in, err := Inspect("x", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(in) != 1 {
		t.Fatalf("got %d inspections, want 1", len(in))
	}
	return in[0]
}

// state returns the state of one check.
func state(t *testing.T, in Inspection, code string) Status {
	t.Helper()
	i := slices.IndexFunc(in.Checks, func(c Check) bool { return c.Code == code })
	if i < 0 {
		t.Fatalf("no check %s", code)
	}
	return in.Checks[i].State
}

const fullQuery = "SELECT identity_line_item_id, identity_time_interval, bill_payer_account_id, bill_billing_period_start_date, " +
	"bill_invoice_id, bill_billing_entity, line_item_product_code, line_item_usage_type, line_item_operation, line_item_resource_id, " +
	"line_item_iam_principal, line_item_usage_account_id, line_item_usage_amount, line_item_unblended_cost, line_item_net_unblended_cost, " +
	"line_item_line_item_type, line_item_currency_code, pricing_unit, pricing_public_on_demand_cost, product, resource_tags, tags, " +
	"reservation_effective_cost FROM COST_AND_USAGE_REPORT"

// get prints a definition as the API of Data Exports does.
func get(query string, settings ...string) string {
	return `{"Export": {"Name": "ai", "DataQuery": {"QueryStatement": "` + query + `", "TableConfigurations": {"COST_AND_USAGE_REPORT": {` +
		strings.Join(settings, ",") + `}}}}}`
}

const (
	daily     = `"TIME_GRANULARITY": "DAILY"`
	resources = `"INCLUDE_RESOURCES": "TRUE"`
	principal = `"INCLUDE_IAM_PRINCIPAL_DATA": "TRUE"`
)

func TestInspectDefinitions(t *testing.T) {
	for name, tc := range map[string]struct {
		text       string
		o          *InspectOptions
		want       []string
		sufficient bool
	}{
		"everything on": {get(fullQuery, daily, resources, principal), nil, nil, true},
		"asterisk":      {get("SELECT * FROM COST_AND_USAGE_REPORT", daily, resources, principal), nil, nil, true},
		"settings off": {get(fullQuery, daily), nil,
			[]string{"resource_ids", "caller_identity", "caller_tags"}, false},
		"setting on, column not selected": {get(strings.Replace(fullQuery, "line_item_resource_id, ", "", 1), daily, resources, principal), nil,
			[]string{"resource_ids"}, false},
		"settings in any case": {get(fullQuery, daily, `"include_resources": "true"`, principal), nil, nil, true},
		"months":               {get(fullQuery, `"TIME_GRANULARITY": "MONTHLY"`, resources, principal), nil, []string{"granularity"}, true},
		"days where hours are claimed": {get(fullQuery, daily, resources, principal), &InspectOptions{Bucket: Hour},
			[]string{"granularity"}, false},
		"a tag without maps": {get(strings.Replace(fullQuery, "resource_tags, tags, ", "", 1), daily, resources, principal),
			&InspectOptions{Columns: []Column{"resourceTags/user:team"}}, []string{"declared", "tags", "caller_tags"}, false},
		"a tag with maps": {get(fullQuery, daily, resources, principal),
			&InspectOptions{Columns: []Column{"resourceTags/user:team"}}, nil, true},
		"sessions without callers": {get(fullQuery, daily, resources), &InspectOptions{Sessions: true},
			[]string{"caller_identity", "sessions", "caller_tags"}, false},
		"of FOCUS": {get("SELECT * FROM FOCUS_1_2_AWS"), nil, []string{"caller_identity", "line_item_id"}, false},
		"legacy, all on": {`{"ReportDefinitions": [{"ReportName": "r", "TimeUnit": "HOURLY", "AdditionalSchemaElements": ["RESOURCES"], "RefreshClosedReports": true}]}`, nil,
			[]string{"caller_identity", "caller_tags"}, false},
		"legacy, all off": {`{"ReportName": "r", "TimeUnit": "MONTHLY"}`, nil,
			[]string{"resource_ids", "caller_identity", "caller_tags", "granularity", "refresh_closed"}, false},
		"CloudFormation": {`{"Resources": {"B": {"Type": "AWS::S3::Bucket"}, "E": {"Type": "AWS::BCMDataExports::Export", "Properties": ` +
			get(fullQuery, daily, resources, principal) + `}}}`, nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := inspectOne(t, tc.text, tc.o)
			if d := cmp.Diff(codes(in), tc.want); d != "" {
				t.Errorf("lacks (-got +want)\n%s", d)
			}
			if in.Sufficient() != tc.sufficient {
				t.Errorf("sufficient: got %v, want %v", in.Sufficient(), tc.sufficient)
			}
			for _, c := range in.Lacking() {
				if c.Blind == "" || c.Remedy == "" {
					t.Errorf("%s: no blind spot or no remedy: %+v", c.Code, c)
				}
			}
		})
	}
}

func TestInspectNamesTheSetting(t *testing.T) {
	for name, tc := range map[string]struct{ text, code, want string }{
		"switch":                 {get(fullQuery, daily, principal), "resource_ids", "Set INCLUDE_RESOURCES=TRUE in the table configuration of COST_AND_USAGE_REPORT."},
		"select":                 {get("SELECT line_item_unblended_cost FROM COST_AND_USAGE_REPORT", daily, resources, principal), "resource_ids", "Select line_item_resource_id in the export's query."},
		"both":                   {"line_item_unblended_cost,line_item_usage_type,identity_time_interval", "resource_ids", "Set INCLUDE_RESOURCES=TRUE in the table configuration of COST_AND_USAGE_REPORT, and select line_item_resource_id in the query."},
		"legacy":                 {`{"ReportName": "r", "TimeUnit": "DAILY"}`, "resource_ids", "Add RESOURCES to the report's AdditionalSchemaElements."},
		"caller, legacy":         {`{"ReportName": "r", "TimeUnit": "DAILY"}`, "caller_identity", "None here: a legacy report never names the caller. Make a CUR 2.0 export with INCLUDE_IAM_PRINCIPAL_DATA=TRUE."},
		"caller, FOCUS":          {"BilledCost,EffectiveCost,ChargePeriodStart,ServiceName", "caller_identity", "FOCUS does not have it. Make a CUR 2.0 export (COST_AND_USAGE_REPORT) beside this one, and book one of the two."},
		"resource ids, FOCUS":    {"BilledCost,EffectiveCost,ChargePeriodStart,ServiceName", "resource_ids", "Select ResourceId in the export's query."},
		"hours":                  {get(fullQuery, `"TIME_GRANULARITY": "MONTHLY"`), "granularity", "Set TIME_GRANULARITY=DAILY in the table configuration of COST_AND_USAGE_REPORT."},
		"legacy granularity":     {`{"ReportName": "r", "TimeUnit": "MONTHLY"}`, "granularity", "Make a report with TimeUnit DAILY."},
		"legacy, closed reports": {`{"ReportName": "r", "TimeUnit": "DAILY"}`, "refresh_closed", "Set RefreshClosedReports to true."},
	} {
		t.Run(name, func(t *testing.T) {
			in := inspectOne(t, tc.text, nil)
			i := slices.IndexFunc(in.Checks, func(c Check) bool { return c.Code == tc.code })
			if i < 0 {
				t.Fatalf("no check %s", tc.code)
			}
			if got := in.Checks[i].Remedy; got != tc.want {
				t.Errorf("remedy\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// What a header lacks is what reading it refuses, and nothing else is.
func TestInspectSaysWhatReadingRefuses(t *testing.T) {
	for header, want := range map[string][]string{
		"line_item_unblended_cost,identity_time_interval,line_item_usage_type": nil,
		"identity_time_interval,line_item_usage_type":                          {"cost"},
		"lineItem/UnblendedCost,lineItem/ProductCode":                          {"time"},
		"line_item_unblended_cost,identity_time_interval":                      {"service"},
		"BilledCost,EffectiveCost,ChargePeriodStart,x_ServiceCode":             nil,
	} {
		in := inspectOne(t, header, nil)
		var got []string
		for _, c := range in.Lacking() {
			if c.Need == NeedRead {
				got = append(got, c.Code)
			}
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want)\n%s", header, d)
		}
		if err := recognise(strings.Split(header, ",")).complete(); (err != nil) != (len(want) > 0) {
			t.Errorf("%s: reading says %v, inspection %v", header, err, want)
		}
	}
}

func TestInspectManifests(t *testing.T) {
	const cur2 = `{"executionId":"e","exportArn":"arn:aws:bcm-data-exports:us-east-1:111122223333:export/x","dataFiles":["s3://b/p/x/data/BILLING_PERIOD=2026-05/x-00001.csv.gz"],
		"columns":[{"name":"line_item_unblended_cost","type":"double"},{"name":"line_item_usage_start_date","type":"timestamp"},{"name":"line_item_product_code","type":"string"}]}`
	in := inspectOne(t, cur2, nil)
	if in.Of != OfManifest || in.Columns != 3 || !slices.Contains(codes(in), "caller_identity") {
		t.Errorf("got %s, %d columns, lacking %v", in.Of, in.Columns, codes(in))
	}
	if got := state(t, in, "granularity"); got != Unknown {
		t.Errorf("granularity of a manifest: got %s, want %s", got, Unknown)
	}
	const legacy = `{"assemblyId":"a","reportName":"r","reportKeys":["p/r/20260501-20260601/r-1.csv.gz"],"billingPeriod":{"start":"20260501T000000.000Z"},
		"columns":[{"category":"lineItem","name":"UnblendedCost"},{"category":"lineItem","name":"UsageStartDate"},{"category":"lineItem","name":"UsageType"},{"category":"resourceTags","name":"user:team"}]}`
	in = inspectOne(t, legacy, &InspectOptions{Columns: []Column{"resourceTags/user:team", "resourceTags/user:other"}})
	if in.Format != FormatLegacy || state(t, in, "tags") != Has {
		t.Errorf("got %s, tags %s", in.Format, state(t, in, "tags"))
	}
	if got := in.Lacking(); !slices.ContainsFunc(got, func(c Check) bool { return c.Column == "resourceTags/user:other" }) ||
		slices.ContainsFunc(got, func(c Check) bool { return c.Column == "resourceTags/user:team" }) {
		t.Errorf("lacks %v", got)
	}
}

func TestInspectRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		is   error
		says string
	}{
		"nothing":             {"", ErrInspect, "empty file"},
		"another table":       {"a,b,c\n1,2,3\n", ErrInspect, `the first is "a"`},
		"broken JSON":         {"{\n  \"Export\": nil}", ErrInspect, "line 2, column 15"},
		"other JSON":          {`{"a": 1}`, ErrInspect, "neither a manifest"},
		"a list":              {`[1]`, ErrInspect, "line 1"},
		"no query":            {`{"Export": {"Name": "x"}}`, ErrInspect, `export "x" has no DataQuery`},
		"not a query":         {get("DELETE everything"), ErrInspect, "does not begin with SELECT"},
		"no table":            {get("SELECT a, b"), ErrInspect, "no table after FROM"},
		"a comma too many":    {get("SELECT a,, b FROM COST_AND_USAGE_REPORT"), ErrInspect, "column 2 has no name"},
		"no exports":          {`{"ReportDefinitions": []}`, ErrInspect, "neither a manifest"},
		"unusable manifest":   {`{"dataFiles": ["s3://b/k"], "reportKeys": []}`, ErrManifest, "dataFiles and reportKeys"},
		"a manifest, no list": {`{"executionId":"e","dataFiles":["s3://b/k"]}`, ErrInspect, "lists no columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Inspect("the/file.json", []byte(tc.text), nil)
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "the/file.json") {
				t.Errorf("got %v, want %v that says %q", err, tc.is, tc.says)
			}
		})
	}
}

func TestParseQuery(t *testing.T) {
	for q, want := range map[string][]string{
		"select a from t": {"a"},
		"SELECT a AS b, product.region, tags['x, y'] AS c FROM t": {"b", "region", "c"},
		"SELECT `a`,\n\t\"b\" FROM t WHERE a = 'from'":            {"a", "b"},
		"SELECT concat(a, b) AS ab, c FROM t":                     {"ab", "c"},
		"SELECT * FROM t":                                         nil,
	} {
		got, table, err := parseQuery(q)
		if err != nil || table != "T" {
			t.Errorf("%s: got table %q, %v", q, table, err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want)\n%s", q, d)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, s := range []string{get(fullQuery, daily, resources), "line_item_unblended_cost,line_item_usage_type,identity_time_interval",
		`{"ReportDefinitions":[{"ReportName":"r","TimeUnit":"DAILY"}]}`, `{"Resources":{"E":{"Type":"AWS::BCMDataExports::Export","Properties":{}}}}`,
		`{"executionId":"e","dataFiles":["s3://b/k"],"columns":[{"name":"BilledCost"}]}`, "[", `{"DataQuery":{"QueryStatement":"SELECT '"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := Inspect("f", b, &InspectOptions{Columns: []Column{"resourceTags/user:team"}, Sessions: true})
		if err != nil {
			if !errors.Is(err, ErrInspect) && !errors.Is(err, ErrManifest) && !errors.Is(err, ErrDuplicate) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		for _, i := range in {
			for _, c := range i.Checks {
				if (c.State == Lacks) != (c.Remedy != "") {
					t.Fatalf("%s is %s and its remedy %q", c.Code, c.State, c.Remedy)
				}
			}
		}
	})
}
