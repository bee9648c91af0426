package main

import (
	"encoding/csv"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// want is the table of the contract: runtime, memory, code interpreter, models. The
// invented usage type comes on top of Chargeback Assistant.
func want(april bool) map[string]string {
	rows := []struct{ workload, april, may string }{
		{"customer-support-bot", "56 55 - 780", "60 60 - 840"},
		{"returns-triage-agent", "22 36 - 270", "25 40 - 300"},
		{"data-insights-copilot", "84 185 610 1280", "90 200 1240 1400"},
		{"document-platform", "28 74 - 370", "30 80 - 400"},
		{"fraud-review-agent", "40 20 360 500", "42 21 400 520"},
		{"chargeback-assistant", "12 8 - 150", "14 9 - 160"},
		{"kyc-summariser", "10 5 170 90", "11 6 183.53 95"},
	}
	table := map[string]string{"chargeback-assistant unknown": "0.3"}
	if april {
		table["chargeback-assistant unknown"] = "0.24"
	}
	for _, r := range rows {
		figures := strings.Fields(r.may)
		if april {
			figures = strings.Fields(r.april)
		}
		for i, component := range []string{"runtime", "memory", "code_interpreter", "models"} {
			if figures[i] != "-" {
				table[r.workload+" "+component] = figures[i]
			}
		}
	}
	return table
}

func usageOf(l line) bool { return l["line_item_line_item_type"] == "Usage" && isAI(l) }

// byWorkload sums claimed usage per workload and component, unclaimed usage per anchor.
func byWorkload(t *testing.T, rows []line) (claimed, unclaimed map[string]string) {
	x := readClaims(t)
	claimed = sums(t, rows, func(l line) string {
		if owner, _ := x.owner(l); usageOf(l) && owner != "" {
			return owner + " " + component(l)
		}
		return ""
	})
	unclaimed = sums(t, rows, func(l line) string {
		if owner, anchor := x.owner(l); usageOf(l) && owner == "" {
			return l["line_item_usage_account_id"] + " " + l["product_region_code"] + " " + anchor
		}
		return ""
	})
	return claimed, unclaimed
}

func TestFiguresOfTheTable(t *testing.T) {
	for _, c := range []struct {
		name      string
		april     bool
		unclaimed map[string]string
	}{
		{"2026-04", true, map[string]string{}},
		{"2026-05-first", false, map[string]string{
			"820723250459 us-east-1 arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/pricing_experiment-Zx81qLm4Tn": "48.5",
			"341755902216 us-east-1 arn:aws:bedrock-agentcore:us-east-1:341755902216:memory/prototype_memory-b3Nv5Cx7Zl":    "12.25",
			"341755902216 us-east-1 arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1":        "9.45",
			"820723250459 us-east-1 820723250459/lab-agents-poc":                                                            "31",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			claimed, unclaimed := byWorkload(t, read(t, c.name))
			if diff := cmp.Diff(want(c.april), claimed); diff != "" {
				t.Errorf("claimed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.unclaimed, unclaimed); diff != "" {
				t.Errorf("unclaimed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPortfolioSumsOfMay(t *testing.T) {
	portfolio := map[string]bool{"customer-support-bot": true, "returns-triage-agent": true, "data-insights-copilot": true, "document-platform": true}
	x := readClaims(t)
	got := sums(t, read(t, "2026-05-first"), func(l line) string {
		if owner, _ := x.owner(l); usageOf(l) && portfolio[owner] {
			return component(l)
		}
		return ""
	})
	want := map[string]string{"runtime": "205", "memory": "380", "code_interpreter": "1240", "models": "2940"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Customer & Insights (-want +got):\n%s", diff)
	}
}

func TestMemoryOfCustomerSupportBotIsCounted(t *testing.T) {
	got := map[string]*big.Rat{}
	for _, l := range read(t, "2026-05-first") {
		if strings.Contains(l["line_item_resource_id"], "customer_support_memory") {
			_, meter, _ := strings.Cut(l["line_item_usage_type"], "based:")
			if got[meter] == nil {
				got[meter] = new(big.Rat)
			}
			got[meter].Add(got[meter], rat(t, l["line_item_usage_amount"]))
		}
	}
	if e, r := text(got["Short-Term-Memory"]), text(got["Long-Term-Memory-Retrieval"]); e != "42000" || r != "99000" || len(got) != 2 {
		t.Errorf("events %s, retrievals %s of %d meters, want 42000 and 99000 of 2", e, r, len(got))
	}
}

func TestFirstSeenAndLevelShift(t *testing.T) {
	rows := read(t, "2026-05-first")
	first := map[string]string{}
	last := ""
	for _, l := range rows {
		last = max(last, l.day())
		for _, name := range []string{"pricing_experiment", "prototype_memory"} {
			if strings.Contains(l["line_item_resource_id"], name) && (first[name] == "" || l.day() < first[name]) {
				first[name] = l.day()
			}
		}
	}
	if first["pricing_experiment"] != "2026-05-19" || first["prototype_memory"] != "2026-05-08" {
		t.Errorf("first seen %v, want the runtime on 2026-05-19 and the memory on 2026-05-08", first)
	}
	if last != "2026-05-23" {
		t.Errorf("last day %s, want 2026-05-23", last)
	}
	low, high := new(big.Rat), big.NewRat(1_000_000, 1)
	for day, cost := range sums(t, rows, func(l line) string {
		if strings.Contains(l["line_item_resource_id"], "data_insights_sandbox") {
			return l.day()
		}
		return ""
	}) {
		switch c := rat(t, cost); {
		case day < "2026-05-11" && c.Cmp(low) > 0:
			low = c
		case day >= "2026-05-11" && c.Cmp(high) < 0:
			high = c
		}
	}
	if double := new(big.Rat).Mul(low, big.NewRat(2, 1)); high.Cmp(double) < 0 {
		t.Errorf("code interpreter: least of a day from 11 May on %s, want twice the most before, %s", text(high), text(low))
	}
}

// TestAlsoPresent pins what is neither usage of a workload nor unclaimed.
func TestAlsoPresent(t *testing.T) {
	for _, c := range []struct {
		name string
		want map[string]string
	}{
		{"2026-04", map[string]string{
			"Credit AmazonBedrockAgentCore 820723250459": "-12.5", "Credit AmazonBedrock 341755902216": "-8.75", "Credit AmazonS3 820723250459": "-0.0000000007",
			"Tax AmazonBedrock 820723250459": "18.4", "Tax AmazonBedrock 341755902216": "42.1",
			"Tax AmazonBedrockAgentCore 820723250459": "11.85", "Tax AmazonBedrockAgentCore 341755902216": "150.3",
			"Tax AmazonEC2 341755902216": "3.12", "Tax AmazonS3 341755902216": "0.42",
		}},
		{"2026-05-first", map[string]string{
			"Credit AmazonBedrockAgentCore 820723250459": "-20", "Credit AmazonBedrock 341755902216": "-15.5", "Credit AmazonS3 820723250459": "-0.0000000009",
			"Tax AmazonBedrock 820723250459": "19.25", "Tax AmazonBedrock 341755902216": "44.6",
			"Tax AmazonBedrockAgentCore 820723250459": "12.9", "Tax AmazonBedrockAgentCore 341755902216": "164.05",
			"Tax AmazonEC2 341755902216": "2.61", "Tax AmazonS3 341755902216": "0.35",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := read(t, c.name)
			discounts := 0
			got := sums(t, rows, func(l line) string {
				switch kind := l["line_item_line_item_type"]; kind {
				case "EdpDiscount":
					discounts++
					return ""
				case "Usage":
					return ""
				default:
					if l["line_item_resource_id"]+l["line_item_iam_principal"] != "" {
						t.Errorf("a %s row has an anchor", kind)
					}
					return kind + " " + l["line_item_product_code"] + " " + l["line_item_usage_account_id"]
				}
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("credits and tax (-want +got):\n%s", diff)
			}
			if discounts != 1 {
				t.Errorf("%d discount rows, want 1", discounts)
			}
			codes, market := map[string]bool{}, 0
			for _, l := range rows {
				codes[l["line_item_product_code"]] = true
				if l["bill_billing_entity"] == "AWS Marketplace" {
					market++
					if strings.Contains(l["line_item_product_code"], "Bedrock") || !strings.Contains(l["product"], "Claude Sonnet 4.5 (Amazon Bedrock Edition)") && !strings.Contains(l["product"], "Claude Haiku 4.5 (Amazon Bedrock Edition)") {
						t.Fatalf("Marketplace row of product %s: %s", l["line_item_product_code"], l["product"])
					}
				}
			}
			for _, code := range []string{"AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels", "AmazonBedrockAgentCore", "AmazonEC2", "AmazonS3", "AWSLambda"} {
				if !codes[code] {
					t.Errorf("no row of %s", code)
				}
			}
			if market == 0 {
				t.Error("no Marketplace row")
			}
		})
	}
}

// TestNetAndUnblendedAgree checks the two forms of the discount against each other.
func TestNetAndUnblendedAgree(t *testing.T) {
	for _, name := range []string{"2026-04", "2026-05-first", "2026-05-second"} {
		net, unblended, filled := new(big.Rat), new(big.Rat), 0
		for _, l := range read(t, name) {
			cost := rat(t, l["line_item_unblended_cost"])
			unblended.Add(unblended, cost)
			switch {
			case l["line_item_net_unblended_cost"] != "":
				filled++
				net.Add(net, rat(t, l["line_item_net_unblended_cost"]))
			case l["line_item_line_item_type"] != "EdpDiscount":
				net.Add(net, cost)
			}
		}
		if net.Cmp(unblended) != 0 || filled == 0 {
			t.Errorf("%s: net %s with %d cells, unblended %s", name, text(net), filled, text(unblended))
		}
	}
}

// TestEveryRowIsPriced checks each usage row against the rate it names itself.
func TestEveryRowIsPriced(t *testing.T) {
	for _, name := range []string{"2026-04", "2026-05-first", "2026-05-second"} {
		seen := map[string]bool{}
		for i, l := range read(t, name) {
			id := l["identity_line_item_id"] + " " + l["identity_time_interval"]
			if seen[id] {
				t.Fatalf("%s row %d: %s twice", name, i+1, id)
			}
			seen[id] = true
			wantInvoice := name == "2026-04"
			if got := l["bill_invoice_id"] != ""; got != wantInvoice {
				t.Fatalf("%s row %d: invoice id %q", name, i+1, l["bill_invoice_id"])
			}
			if l["line_item_line_item_type"] != "Usage" {
				continue
			}
			amount := rat(t, l["line_item_usage_amount"])
			exact := new(big.Rat).Mul(amount, rat(t, l["line_item_unblended_rate"]))
			if cost := rat(t, l["line_item_unblended_cost"]); cost.Cmp(rat(t, exact.FloatString(10))) != 0 {
				t.Fatalf("%s row %d: cost %s, want %s", name, i+1, text(cost), exact.FloatString(10))
			}
			whole := new(big.Rat).Mul(amount, big.NewRat(1000, 1))
			if l["pricing_unit"] == "1K tokens" || l["line_item_product_code"] == "AmazonBedrockAgentCore" {
				whole = amount
			}
			if isAI(l) && !whole.IsInt() {
				t.Fatalf("%s row %d: %s %s is no whole amount", name, i+1, text(amount), l["pricing_unit"])
			}
		}
	}
}

// TestSecondDeliveryOfMay compares row by row: only the listed rows differ, and all
// other news is of the 24th and 25th.
func TestSecondDeliveryOfMay(t *testing.T) {
	plan, err := plannedMonths()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]restated{}
	for _, r := range plan[2].Restated {
		listed[r.ID+" "+r.Day] = r
	}
	if len(listed) != len(restatements()) {
		t.Fatalf("%d rows restated, want %d", len(listed), len(restatements()))
	}
	key := func(l line) string { return l["identity_line_item_id"] + " " + l.day() }
	first := map[string]line{}
	for _, l := range read(t, "2026-05-first") {
		first[key(l)] = l
	}
	readme, err := os.ReadFile(filepath.Join(months, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	further := map[string]int{}
	for _, l := range read(t, "2026-05-second") {
		was, known := first[key(l)]
		delete(first, key(l))
		if !known {
			further[l.day()]++
			continue
		}
		r, isListed := listed[key(l)]
		if !isListed {
			if diff := cmp.Diff(was, l); diff != "" {
				t.Fatalf("a row that is not listed differs:\n%s", diff)
			}
			continue
		}
		if d := r.Day; d != "2026-05-19" && (d < "2026-05-04" || d > "2026-05-10") {
			t.Errorf("a row of %s is restated", d)
		}
		if got := text(rat(t, was["line_item_unblended_cost"])); got != r.CostBefore.String() {
			t.Errorf("%s: cost before %s, listed %s", r.UsageType, got, r.CostBefore)
		}
		if got := text(rat(t, l["line_item_unblended_cost"])); got != r.CostAfter.String() || got == r.CostBefore.String() {
			t.Errorf("%s: cost after %s, listed %s", r.UsageType, got, r.CostAfter)
		}
		if !strings.Contains(string(readme), "| "+r.CostBefore.String()+" | "+r.CostAfter.String()+" |") {
			t.Errorf("README does not list %s to %s", r.CostBefore, r.CostAfter)
		}
	}
	if len(first) != 0 {
		t.Errorf("%d rows of the first delivery are gone", len(first))
	}
	if len(further) != 2 || further["2026-05-24"] == 0 || further["2026-05-25"] == 0 {
		t.Errorf("new rows by day %v, want 2026-05-24 and 2026-05-25", further)
	}
}

// TestNamesAskedFor checks the session, the tag, the shared role and the markers.
func TestNamesAskedFor(t *testing.T) {
	found := map[string]int{}
	for _, l := range read(t, "2026-05-first") {
		if l["bill_payer_account_name"] != "SYNTHETIC Example Payer" || l["bill_payer_account_id"] != payer {
			t.Fatalf("payer %s %s", l["bill_payer_account_id"], l["bill_payer_account_name"])
		}
		p := l["line_item_iam_principal"]
		for _, part := range []string{
			":assumed-role/finops-csbot-a4f2/7f3c91e2-support-0519", "/BedrockAgentCore-", ":assumed-role/AgentExecutionRole/",
			":assumed-role/finops-shared-svc/returns-triage-05", ":assumed-role/finops-shared-svc/document-platform-05",
		} {
			if strings.Contains(p, part) {
				found[part]++
			}
		}
		if strings.Contains(l["tags"], `"iamPrincipal/tenant":"acme"`) {
			found["acme"]++
		}
		if strings.HasPrefix(l["line_item_resource_id"], "arn:aws:bedrock:us-east-1:341755902216:agent-runtime/") {
			found["shape"]++
		}
	}
	for _, name := range []string{"acme", "shape"} {
		if found[name] == 0 {
			t.Errorf("no row with %s", name)
		}
	}
	if len(found) != 7 {
		t.Errorf("found %v, want 7 names", slices.Sorted(maps.Keys(found)))
	}
}

func TestMetricsAverages(t *testing.T) {
	f, err := os.Open(filepath.Join(months, "metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	minutes, sessions := map[string]*big.Rat{}, map[string]*big.Rat{}
	add := func(block string, r []string) {
		if minutes[block] == nil {
			minutes[block], sessions[block] = new(big.Rat), new(big.Rat)
		}
		sessions[block].Add(sessions[block], rat(t, r[3]))
		minutes[block].Add(minutes[block], rat(t, r[4]))
	}
	for _, r := range records[1:] {
		if r[1] != "data-insights-copilot" || r[2] != "code_interpreter" {
			continue
		}
		add(r[0][:7], r)
		switch day := r[0]; {
		case day >= "2026-05-24":
		case day >= "2026-05-11":
			add("first", r)
			add("shifted", r)
		case day >= "2026-05-01":
			add("first", r)
			add("before", r)
		}
	}
	// The average of May is the same with and without the second delivery's days.
	for block, want := range map[string]string{"2026-04": "2.8", "2026-05": "4.2", "first": "4.2"} {
		if got := text(new(big.Rat).Quo(minutes[block], sessions[block])); got != want {
			t.Errorf("minutes a session in %s: %s, want %s", block, got, want)
		}
	}
	perDay := func(r *big.Rat, days int64) *big.Rat { return new(big.Rat).Quo(r, big.NewRat(days, 1)) }
	if perDay(sessions["shifted"], 13).Cmp(perDay(sessions["before"], 10)) <= 0 {
		t.Error("sessions are not more from 11 May on")
	}
}
