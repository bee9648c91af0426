package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/samples"
)

// csvOf opens the CSV text of a sample, however it is packed.
func csvOf(t *testing.T, path string) io.Reader {
	t.Helper()
	b := readFile(t, path)
	switch {
	case strings.HasSuffix(path, ".gz"):
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return z
	case strings.HasSuffix(path, ".zip"):
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	return bytes.NewReader(b)
}

// outOfScope fails the test unless nothing in a period is of an AI product.
func outOfScope(t *testing.T, p *period) {
	t.Helper()
	all := sum{p.Rows, p.Totals.Unblended}
	want := map[string]outcome{"excluded": {all.Rows, all.Unblended, map[string]sum{"out_of_scope": all}}}
	if d := cmp.Diff(want, p.Outcomes); d != "" {
		t.Errorf("outcomes (-want +got):\n%s", d)
	}
	if len(p.Workloads)+len(p.Defaulted)+len(p.Unclaimed) > 0 {
		t.Errorf("workloads %v, defaulted %v, unclaimed %v; want none", p.Workloads, p.Defaulted, p.Unclaimed)
	}
}

func TestRealCSVReportsEqualAnIndependentSum(t *testing.T) {
	for _, c := range []struct {
		path string
		rows int64
		want period // what else the report says
	}{
		{"cur2-haportal-2026-04/ha-project-CUR-daily-1-00001.first1255.csv", 1255,
			period{BillingPeriod: "2026-04", Payer: ptr("147303435917"), Currency: ptr("USD"), State: ptr("provisional")}},
		{"legacy-csv-logzio-2018/test-billing-report-1.csv.gz", 19412,
			period{BillingPeriod: "2018-02", Payer: ptr("486140753397"), Currency: ptr("USD"), State: ptr("provisional")}},
		{"legacy-csv-logzio-2018/test-billing-report-1.csv.zip", 19412,
			period{BillingPeriod: "2018-02", Payer: ptr("486140753397"), Currency: ptr("USD"), State: ptr("provisional")}},
		{"legacy-csv-focusconv-2023-11/sample-anonymous-aws-export-dataset.csv", 1281,
			period{BillingPeriod: "2023-11", Payer: ptr("123412340534"), Currency: ptr("USD"), State: ptr("provisional")}},
		{"minimal-anonymize/sample-legacy-csv.csv", 4,
			period{BillingPeriod: "2025-01", Payer: ptr("123456789012")}},
	} {
		t.Run(c.path, func(t *testing.T) {
			path := samples.Path(t, c.path)
			workdir(t)
			out := succeed(t, "-cur", path)
			if len(out.Periods) != 1 || out.Rows != c.rows || !out.Reconciled || *out.Books != "spendclaim.db" {
				t.Fatalf("%d periods, %d rows, reconciled %v, books in %q", len(out.Periods), out.Rows, out.Reconciled, *out.Books)
			}
			p := &out.Periods[0]
			o := newOracle(t)
			o.csv(csvOf(t, path))
			o.equals(p)
			outOfScope(t, p)
			said := period{BillingPeriod: p.BillingPeriod, Payer: p.Payer, Currency: p.Currency, State: p.State}
			if d := cmp.Diff(c.want, said); d != "" {
				t.Errorf("the report (-want +got):\n%s", d)
			}
		})
	}
}

func TestRealParquetReportsEqualAnIndependentSum(t *testing.T) {
	if testing.Short() {
		t.Skip("a quarter of a million rows, four times")
	}
	files := map[string]string{
		"2018-10": samples.Path(t, "legacy-parquet-workshop-2018", "Oct2018-WorkshopCUR-00001.snappy.parquet"),
		"2018-11": samples.Path(t, "legacy-parquet-workshop-2018", "Nov2018-WorkshopCUR-00001.snappy.parquet"),
	}
	workdir(t)
	both := succeed(t, "-cur", files["2018-10"], "-cur", files["2018-11"], "-db", "both.db")
	if both.Rows != 119307+124340 || len(both.Periods) != 2 || !both.Reconciled {
		t.Errorf("together: %d rows in %d periods, reconciled %v", both.Rows, len(both.Periods), both.Reconciled)
	}
	for month, path := range files {
		alone := succeed(t, "-cur", path, "-db", month+".db")
		o := newOracle(t)
		o.parquet(path)
		if len(alone.Periods) != 1 {
			t.Fatalf("%s alone has %d periods", month, len(alone.Periods))
		}
		together := periodOfMonth(t, both, month)
		for _, p := range []*period{&alone.Periods[0], together} {
			o.equals(p)
			outOfScope(t, p)
		}
		if d := cmp.Diff(&alone.Periods[0], together); d != "" {
			t.Errorf("%s alone (-) and together with the other (+):\n%s", month, d)
		}
	}
}

// The zip holds what the gz holds: the same delivery, whatever it is called.
func TestTheSameContentInAnotherPackingWritesNothing(t *testing.T) {
	gz := samples.Path(t, "legacy-csv-logzio-2018", "test-billing-report-1.csv.gz")
	zipped := samples.Path(t, "legacy-csv-logzio-2018", "test-billing-report-1.csv.zip")
	workdir(t)
	before := succeed(t, "-cur", gz, "-db", "books.db", "-as-of", "2018-03-02T00:00:00Z")
	check := unchanged(t, "books.db")
	for _, asOf := range []string{"2018-03-02T00:00:00Z", "2018-03-05T00:00:00Z"} {
		after := succeed(t, "-cur", zipped, "-db", "books.db", "-as-of", asOf)
		check()
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("as of %s: gz (-) and zip (+):\n%s", asOf, d)
		}
	}
}

// rewritten is a real report of which some services were renamed to AI ones, and
// what the claims in it must come to.
type rewritten struct {
	path      string
	rows      int64
	total     *big.Rat
	outcomes  map[string]*amount // by outcome, or outcome and reason
	owned     map[string]*amount // by workload and component
	unclaimed map[string]*amount // by anchor and reason
}

// rewrite makes AgentCore runtimes of EC2 rows and Bedrock model calls of S3 and
// GuardDuty rows.
// Amounts, types, dates and everything else stay as AWS wrote them.
func rewrite(t *testing.T, in io.Reader, path string) *rewritten {
	t.Helper()
	const region = "eu-central-1"
	runtime := func(n int) string {
		return fmt.Sprintf("arn:aws:bedrock-agentcore:%s:486140753397:runtime/agent_%d-Ab1Cd2Ef3G", region, n)
	}
	const profile = "arn:aws:bedrock:" + region + ":486140753397:application-inference-profile/ab12cd34ef56"
	w := &rewritten{path: path, total: new(big.Rat), outcomes: map[string]*amount{}, owned: map[string]*amount{}, unclaimed: map[string]*amount{}}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, out := csv.NewReader(in), csv.NewWriter(f)
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := columnsOf(head)
	if err := out.Write(head); err != nil {
		t.Fatal(err)
	}
	runtimes := map[string]int{}
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		set := func(column, value string) { row[at[column]] = value }
		kind, resource := row[at["lineItem/LineItemType"]], row[at["lineItem/ResourceId"]]
		from, component, product := row[at["lineItem/UsageStartDate"]][:10], "", row[at["lineItem/ProductCode"]]
		switch product {
		case "AmazonEC2":
			usageType, name := "EUC1-Runtime:Consumption-based:vCPU", "runtime_vcpu"
			if w.rows%2 == 0 {
				usageType, name = "EUC1-Runtime:Consumption-based:Memory", "runtime_memory"
			}
			component = name
			set("lineItem/ProductCode", "AmazonBedrockAgentCore")
			set("lineItem/UsageType", usageType)
			if resource != "" {
				if _, ok := runtimes[resource]; !ok {
					runtimes[resource] = len(runtimes) % 4
				}
				resource = runtime(runtimes[resource])
			}
		case "AmazonS3", "AmazonGuardDuty":
			component = "model_input"
			set("lineItem/ProductCode", "AmazonBedrock")
			set("lineItem/UsageType", "EUC1-Nova2.0Lite-input-tokens")
			if resource != "" {
				resource = profile
			}
		}
		set("lineItem/ResourceId", resource)
		if component != "" {
			set("product/region", region)
		}
		if err := out.Write(row); err != nil {
			t.Fatal(err)
		}
		cost := rat(t, row[at["lineItem/UnblendedCost"]])
		w.rows++
		w.total.Add(w.total, cost)

		// The claims: agent_0 is alpha's, agent_1 is beta's from the 20th on, the
		// profile is gamma's, the rest nobody's.
		owner, reason := "", ""
		switch {
		case component == "":
			reason = "out_of_scope"
		case resource == runtime(0):
			owner = "alpha"
		case resource == runtime(1) && from >= "2018-02-20":
			owner = "beta"
		case resource == profile:
			owner = "gamma"
		case kind != "Usage":
			reason = strings.ToLower(kind)
		case resource == runtime(1):
			reason = "claim_not_in_force"
		case product != "AmazonEC2":
			reason = "principal_not_exported"
		case resource == "":
			reason = "resource_blank"
		default:
			reason = "no_claim"
		}
		switch {
		case owner != "":
			if kind != "Usage" {
				component = strings.ToLower(kind)
			}
			into(w.outcomes, "claimed", cost)
			into(w.owned, owner+" "+component, cost)
		case component == "":
			into(w.outcomes, "excluded "+reason, cost)
		case kind != "Usage":
			into(w.outcomes, "unallocated "+reason, cost)
		default:
			into(w.outcomes, "unclaimed "+reason, cost)
			into(w.unclaimed, strings.Join([]string{resource, row[at["lineItem/UsageAccountId"]], region, reason}, " "), cost)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		t.Fatal(err)
	}
	return w
}

const rewrittenClaims = `{"version": 1, "claims": [
	{"id": "a", "anchor": {"kind": "resource", "value": "arn:aws:bedrock-agentcore:eu-central-1:486140753397:runtime/agent_0-Ab1Cd2Ef3G"}, "workload": "alpha", "from": "2018-01-01"},
	{"id": "b", "anchor": {"kind": "resource", "value": "arn:aws:bedrock-agentcore:eu-central-1:486140753397:runtime/agent_1-Ab1Cd2Ef3G"}, "workload": "beta", "from": "2018-02-20"},
	{"id": "c", "anchor": {"kind": "profile", "value": "arn:aws:bedrock:eu-central-1:486140753397:application-inference-profile/ab12cd34ef56"}, "workload": "gamma", "from": "2018-01-01"}
]}
`

func TestRealReportWithAIRowsRunsTheWholeWay(t *testing.T) {
	in := csvOf(t, samples.Path(t, "legacy-csv-logzio-2018", "test-billing-report-1.csv.gz"))
	workdir(t)
	w := rewrite(t, in, "rewritten.csv")
	writeFile(t, "claims.json", rewrittenClaims)
	out := succeed(t, "-cur", w.path, "-claims", "claims.json")
	p := &out.Periods[0]
	if len(out.Periods) != 1 || p.Rows != w.rows || p.Totals.Unblended != text(w.total) || !p.Reconciled {
		t.Errorf("%d periods, %d rows, %s, reconciled %v; want 1, %d, %s", len(out.Periods), p.Rows, p.Totals.Unblended, p.Reconciled, w.rows, text(w.total))
	}
	outcomes := map[string]sum{}
	for name, o := range p.Outcomes {
		if len(o.Reasons) == 0 {
			outcomes[name] = sum{o.Rows, o.Unblended}
		}
		for reason, s := range o.Reasons {
			outcomes[name+" "+reason] = s
		}
	}
	if d := cmp.Diff(sums(w.outcomes), outcomes); d != "" {
		t.Errorf("outcomes (-oracle +output):\n%s", d)
	}
	owned := map[string]string{}
	for _, wl := range p.Workloads {
		for _, c := range wl.Components {
			key := wl.Workload + " " + c.Component
			if owned[key] != "" {
				owned[key] = text(new(big.Rat).Add(rat(t, owned[key]), rat(t, c.Unblended))) // one more unit
			} else {
				owned[key] = c.Unblended
			}
		}
		for kind, x := range wl.Other {
			owned[wl.Workload+" "+kind] = x
		}
	}
	if d := cmp.Diff(costs(w.owned), owned); d != "" {
		t.Errorf("workloads (-oracle +output):\n%s", d)
	}
	nobody := map[string]sum{}
	for _, u := range p.Unclaimed {
		nobody[strings.Join([]string{or(u.Anchor, ""), *u.Account, *u.Region, u.Reason}, " ")] = sum{u.Rows, u.Unblended}
	}
	if d := cmp.Diff(sums(w.unclaimed), nobody); d != "" {
		t.Errorf("unclaimed (-oracle +output):\n%s", d)
	}
	// The rewriting would prove little if it left one of these out.
	for _, o := range []string{"claimed", "unclaimed no_claim", "unclaimed claim_not_in_force", "unclaimed principal_not_exported", "unclaimed resource_blank", "excluded out_of_scope"} {
		if a := w.outcomes[o]; a == nil || a.cost.Sign() == 0 {
			t.Errorf("the rewritten report has no money that is %s", o)
		}
	}
}

// costs spells sums without their rows.
func costs(m map[string]*amount) map[string]string {
	out := map[string]string{}
	for k, a := range m {
		out[k] = text(a.cost)
	}
	return out
}
