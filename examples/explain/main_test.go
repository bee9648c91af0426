package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const months = "../quickstart/months/"

// explain runs the program and returns its status and outputs.
func explain(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestExplainsAnAnchor(t *testing.T) {
	code, out, errs := explain(t, "-cur", months+"2026-05-first", "-claims", months+"claims.json",
		"-anchor", "role arn:aws:iam::820723250459:role/finops-csbot-a4f2")
	if code != 0 {
		t.Fatalf("status %d: %s", code, errs)
	}
	for _, want := range []string{"2026-05, usage:", "principal  won: claim c-01", "=> claimed: customer-support-bot, by claim c-01"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

// report has a row of a claimed runtime, one of the same runtime in another
// region, and one line item id in two intervals.
const report = `identity_line_item_id,identity_time_interval,bill_payer_account_id,bill_billing_period_start_date,bill_billing_entity,line_item_product_code,line_item_usage_type,line_item_line_item_type,line_item_currency_code,line_item_usage_account_id,line_item_resource_id,line_item_usage_amount,line_item_unblended_cost
aaa,2026-05-03T00:00:00Z/2026-05-03T01:00:00Z,999999999999,2026-05-01T00:00:00Z,AWS,AmazonBedrockAgentCore,USE1-Runtime:Consumption-based:vCPU,Usage,USD,111111111111,arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1,1,2.5
aaa,2026-05-04T00:00:00Z/2026-05-04T01:00:00Z,999999999999,2026-05-01T00:00:00Z,AWS,AmazonBedrockAgentCore,USE1-Runtime:Consumption-based:vCPU,Usage,USD,111111111111,arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1,1,3.5
bbb,2026-05-03T00:00:00Z/2026-05-03T01:00:00Z,999999999999,2026-05-01T00:00:00Z,AWS,AmazonBedrockAgentCore,EUW1-Runtime:Consumption-based:vCPU,Usage,USD,111111111111,arn:aws:bedrock-agentcore:eu-west-1:111111111111:runtime/bot-1,1,4
`

const claims = `{"version":1,"claims":[
 {"id":"c-1","anchor":{"kind":"resource","value":"arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1"},"workload":"bot","from":"2026-05-01"},
 {"id":"c-2","anchor":{"kind":"account","value":"111111111111"},"workload":"rest","from":"2026-05-01","to":"2026-05-04"}]}`

func written(t *testing.T) (reportPath, claimsPath string) {
	t.Helper()
	dir := t.TempDir()
	reportPath, claimsPath = filepath.Join(dir, "report.csv"), filepath.Join(dir, "claims.json")
	for path, text := range map[string]string{reportPath: report, claimsPath: claims} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return reportPath, claimsPath
}

func TestExplainsALine(t *testing.T) {
	reportPath, claimsPath := written(t)
	code, out, errs := explain(t, "-cur", reportPath, "-claims", claimsPath, "-line", "aaa", "-interval", "2026-05-03T00:00:00Z/2026-05-03T01:00:00Z")
	want := `line aaa, 2026-05-03T00:00:00Z/2026-05-03T01:00:00Z, Usage USE1-Runtime:Consumption-based:vCPU: 2.5 USD
  scope      in_scope: agentcore, runtime_vcpu
  session    no_claim: session bot-1 in account 111111111111
  resource   won: claim c-1 on resource arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1
  tag        absent
  account    overridden: claim c-2 on account 111111111111
  => claimed: bot, by claim c-1; overridden: c-2
`
	if code != 0 || out != want {
		t.Errorf("status %d, errors %q, output:\n%s\nwant:\n%s", code, errs, out, want)
	}
	code, out, errs = explain(t, "-cur", reportPath, "-claims", claimsPath, "-line", "aaa")
	if code != 0 || strings.Count(out, "line aaa") != 2 || strings.Count(out, "not_in_force") != 1 {
		t.Errorf("an id of two intervals: status %d, errors %q, output:\n%s", code, errs, out)
	}
	code, out, errs = explain(t, "-cur", reportPath, "-claims", claimsPath, "-line", "bbb")
	if code != 0 || !strings.Contains(out, "=> defaulted: rest, by claim c-2") {
		t.Errorf("a line of an account's default: status %d, errors %q, output:\n%s", code, errs, out)
	}
}

func TestNearMissesAreNamed(t *testing.T) {
	reportPath, claimsPath := written(t)
	one := strings.Replace(claims, `"to":"2026-05-04"`, `"to":"2026-05-02"`, 1)
	if err := os.WriteFile(claimsPath, []byte(one), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := explain(t, "-cur", reportPath, "-claims", claimsPath, "-anchor", "resource arn:aws:bedrock-agentcore:eu-west-1:111111111111:runtime/bot-1")
	if code != 0 || !strings.Contains(out, "=> unclaimed (claim_not_in_force)") || !strings.Contains(out, "near miss: claim c-1 on resource arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1: other_region") {
		t.Errorf("status %d, errors %q, output:\n%s", code, errs, out)
	}
}

func TestSharesNameTheirParts(t *testing.T) {
	reportPath, claimsPath := written(t)
	one := strings.Replace(claims, `"workload":"bot"`, `"share":{"by":"even","parts":[{"workload":"bot"},{"workload":"ann"}]}`, 1)
	if err := os.WriteFile(claimsPath, []byte(one), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := explain(t, "-cur", reportPath, "-claims", claimsPath, "-anchor", "resource arn:aws:bedrock-agentcore:us-east-1:111111111111:runtime/bot-1")
	if want := "=> shared, by claim c-1, split (even) between ann bot"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("status %d, errors %q, output lacks %q:\n%s", code, errs, want, out)
	}
}

func TestWhatCannotBeExplained(t *testing.T) {
	reportPath, claimsPath := written(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no flags", nil, 2, "give a report"},
		{"anchor and line", []string{"-cur", reportPath, "-claims", claimsPath, "-anchor", "role a", "-line", "x"}, 2, "either -anchor or -line"},
		{"an anchor without kind", []string{"-cur", reportPath, "-claims", claimsPath, "-anchor", "role"}, 2, "want a kind and a value"},
		{"a broken anchor", []string{"-cur", reportPath, "-claims", claimsPath, "-anchor", "resource arn:aws:x"}, 1, "not a whole ARN"},
		{"an anchor of nothing", []string{"-cur", reportPath, "-claims", claimsPath, "-anchor", "resource none"}, 1, "no row in scope"},
		{"a line of nothing", []string{"-cur", reportPath, "-claims", claimsPath, "-line", "zzz"}, 1, `no row of`},
		{"an interval of nothing", []string{"-cur", reportPath, "-claims", claimsPath, "-line", "aaa", "-interval", "x/y"}, 1, "time interval x/y"},
		{"no such report", []string{"-cur", reportPath + "x", "-claims", claimsPath, "-line", "aaa"}, 1, "no such file"},
		{"no such claims", []string{"-cur", reportPath, "-claims", claimsPath + "x", "-line", "aaa"}, 1, "no such file"},
	} {
		code, out, errs := explain(t, tt.args...)
		if code != tt.code || !strings.Contains(errs, tt.want) || out != "" {
			t.Errorf("%s: status %d, output %q, errors %q, want %d and %q", tt.name, code, out, errs, tt.code, tt.want)
		}
	}
}

// Sessions of a role that two workloads share: by anchor, and by the row.
func TestExplainsSessions(t *testing.T) {
	const role = "arn:aws:sts::111111111111:assumed-role/shared-svc"
	dir := t.TempDir()
	reportPath, claimsPath := filepath.Join(dir, "report.csv"), filepath.Join(dir, "claims.json")
	header, _, _ := strings.Cut(report, "\n")
	line := func(id, session, cost string) string {
		return id + ",2026-05-03T00:00:00Z/2026-05-03T01:00:00Z,999999999999,2026-05-01T00:00:00Z,AWS,AmazonBedrock,USE1-Claude-input-tokens,Usage,USD,111111111111,,1," + cost + "," + role + "/" + session + "\n"
	}
	for path, text := range map[string]string{
		reportPath: header + ",line_item_iam_principal\n" + line("aaa", "returns-1", "2") + line("bbb", "documents-1", "3"),
		claimsPath: `{"version":1,"claims":[{"id":"c-1","anchor":{"kind":"role","value":"` + role + `"},"workload":"documents","from":"2026-05-01"},
 {"id":"c-2","anchor":{"kind":"session","value":"` + role + `/returns-*"},"workload":"returns","from":"2026-05-01"}]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"-anchor", "session " + role + "/returns-1"}, []string{"1 rows", "2 USD", "=> claimed: returns, by claim c-2; overridden: c-1"}},
		{[]string{"-anchor", "session documents-1"}, []string{"1 rows", "3 USD", "=> claimed: documents, by claim c-1"}},
		{[]string{"-anchor", "role " + role}, []string{"2 USD", "by claim c-2", "3 USD", "by claim c-1"}},
		{[]string{"-line", "aaa"}, []string{"principal  won: claim c-2 on session", "principal  overridden: claim c-1 on role", "=> claimed: returns, by claim c-2; overridden: c-1"}},
		{[]string{"-line", "bbb"}, []string{"=> claimed: documents, by claim c-1"}},
	} {
		code, out, errs := explain(t, append([]string{"-cur", reportPath, "-claims", claimsPath}, tt.args...)...)
		for _, want := range tt.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%v: status %d, errors %q, output lacks %q:\n%s", tt.args, code, errs, want, out)
			}
		}
	}
}
