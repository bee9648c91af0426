package main

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spendclaim/spendclaim/internal/golden"
)

// figures are what one workload spends in a month, by component group.
type figures map[string]string

// plan is what the sample months were made to say.
var plan = []struct {
	id, name, owner, portfolio string
	april, may                 figures
}{
	{"chargeback-assistant", "Chargeback Assistant", "owner.risk", "Risk & Payments",
		figures{"runtime": "12", "memory": "8", "model": "150", "other": "0.24"},
		figures{"runtime": "14", "memory": "9", "model": "160", "other": "0.3"}},
	{"customer-support-bot", "Customer Support Bot", "becki.smith", "Customer & Insights",
		figures{"runtime": "56", "memory": "55", "model": "780"},
		figures{"runtime": "60", "memory": "60", "model": "840"}},
	{"data-insights-copilot", "Data Insights Copilot", "owner.insights", "Customer & Insights",
		figures{"runtime": "84", "memory": "185", "code_interpreter": "610", "model": "1280"},
		figures{"runtime": "90", "memory": "200", "code_interpreter": "1240", "model": "1400"}},
	{"document-platform", "Document Platform", "owner.documents", "Customer & Insights",
		figures{"runtime": "28", "memory": "74", "model": "370"},
		figures{"runtime": "30", "memory": "80", "model": "400"}},
	{"fraud-review-agent", "Fraud Review Agent", "owner.risk", "Risk & Payments",
		figures{"runtime": "40", "memory": "20", "code_interpreter": "360", "model": "500"},
		figures{"runtime": "42", "memory": "21", "code_interpreter": "400", "model": "520"}},
	{"kyc-summariser", "KYC Summariser", "owner.risk", "Risk & Payments",
		figures{"runtime": "10", "memory": "5", "code_interpreter": "170", "model": "90"},
		figures{"runtime": "11", "memory": "6", "code_interpreter": "183.53", "model": "95"}},
	{"returns-triage-agent", "Returns Triage Agent", "becki.smith", "Customer & Insights",
		figures{"runtime": "22", "memory": "36", "model": "270"},
		figures{"runtime": "25", "memory": "40", "model": "300"}},
}

// groupsOf sums a workload's components by group.
func groupsOf(t *testing.T, w *workload) figures {
	t.Helper()
	sums := map[string]*amount{}
	for _, c := range w.Components {
		into(sums, c.Group, rat(t, c.Unblended))
	}
	out := figures{}
	for g, a := range sums {
		out[g] = text(a.cost)
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// The two runs are shared by all that looks at their output.
func TestSampleMonths(t *testing.T) {
	workdir(t)
	first, restated := succeed(t), succeed(t, "-restated")
	for name, test := range map[string]func(*testing.T, *output, *output){
		"every figure":                       sampleFigures,
		"May adds up by portfolio":           samplePortfolio,
		"memory is events and retrievals":    sampleMemory,
		"unclaimed":                          sampleUnclaimed,
		"outputs equal raw rows":             sampleRawRows,
		"second delivery replaces the first": sampleReplaced,
		"restated terms are the README's":    sampleRestated,
	} {
		t.Run(name, func(t *testing.T) { test(t, first, restated) })
	}
}

func sampleFigures(t *testing.T, out, _ *output) {
	if len(out.Periods) != 2 || !out.Reconciled {
		t.Fatalf("%d periods, reconciled %v; want April and May, reconciled", len(out.Periods), out.Reconciled)
	}
	for _, m := range []struct {
		month                 string
		of                    func(i int) figures
		state, asOf, complete string
	}{
		{"2026-04", func(i int) figures { return plan[i].april }, "invoiced", "2026-05-06T08:00:00Z", "2026-05-04"},
		{"2026-05", func(i int) figures { return plan[i].may }, "open", "2026-05-25T12:00:00Z", "2026-05-23"},
	} {
		p := periodOfMonth(t, out, m.month)
		if got := []string{*p.State, p.AsOf, p.CompleteThrough, *p.Payer, *p.Currency}; !slices.Equal(got, []string{m.state, m.asOf, m.complete, "741258963014", "USD"}) {
			t.Errorf("%s: got %q", m.month, got)
		}
		if d := cmp.Diff(generation{Number: 1, Cause: "first", Delta: []term{}}, p.Generation); d != "" {
			t.Errorf("%s: generation (-want +got):\n%s", m.month, d)
		}
		if len(p.Defaulted) != 0 || len(p.Workloads) != len(plan) {
			t.Fatalf("%s: %d workloads, %d defaulted; want %d and none", m.month, len(p.Workloads), len(p.Defaulted), len(plan))
		}
		for i := range plan {
			w := &p.Workloads[i]
			if got, want := []string{w.Workload, *w.Name, *w.Owner, *w.Portfolio}, []string{plan[i].id, plan[i].name, plan[i].owner, plan[i].portfolio}; !slices.Equal(got, want) {
				t.Errorf("%s: workload %q, want %q", m.month, got, want)
			}
			if d := cmp.Diff(m.of(i), groupsOf(t, w)); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", m.month, w.Workload, d)
			}
			if len(w.Other) != 0 {
				t.Errorf("%s: %s has %v beside usage", m.month, w.Workload, w.Other)
			}
		}
		for _, code := range []string{
			"AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels", "AmazonBedrockAgentCore",
			"7qgsdebp8sz3z4nnna0dujkhk", // a model on AWS Marketplace
			"AmazonEC2", "AmazonS3", "AWSLambda",
		} {
			if p.Products[code].Rows == 0 {
				t.Errorf("%s: no rows of product %s", m.month, code)
			}
		}
		for _, lineType := range []string{"Usage", "Credit", "Tax", "EdpDiscount"} {
			if p.LineTypes[lineType].Rows == 0 {
				t.Errorf("%s: no rows of type %s", m.month, lineType)
			}
		}
		if len(p.Warnings) != 1 || p.Warnings[0].Code != "unknown_component" {
			t.Errorf("%s: warnings %+v, want one of an unknown usage type", m.month, p.Warnings)
		}
		if p.Outcomes["excluded"].Reasons["out_of_scope"].Rows != p.Outcomes["excluded"].Rows {
			t.Errorf("%s: excluded %+v", m.month, p.Outcomes["excluded"])
		}
	}
}

func samplePortfolio(t *testing.T, out, _ *output) {
	p := periodOfMonth(t, out, "2026-05")
	sums := map[string]*amount{}
	for i := range p.Workloads {
		w := &p.Workloads[i]
		if *w.Portfolio != "Customer & Insights" {
			continue
		}
		for g, x := range groupsOf(t, w) {
			into(sums, g, rat(t, x))
		}
	}
	want := figures{"runtime": "205", "memory": "380", "code_interpreter": "1240", "model": "2940"}
	for g, want := range want {
		if got := text(sums[g].cost); got != want {
			t.Errorf("%s: %s, want %s", g, got, want)
		}
	}
}

func sampleMemory(t *testing.T, out, _ *output) {
	p := periodOfMonth(t, out, "2026-05")
	var got []component
	for _, c := range p.Workloads[1].Components {
		if c.Group == "memory" {
			got = append(got, c)
		}
	}
	want := []component{
		{"memory_short_term", "memory", ptr("Events"), ptr("42000"), "10.5"},
		{"memory_long_term_retrieval", "memory", ptr("Memory-Retrieved"), ptr("99000"), "49.5"},
	}
	if d := cmp.Diff(want, got); p.Workloads[1].Workload != "customer-support-bot" || d != "" {
		t.Errorf("memory of %s (-want +got):\n%s", p.Workloads[1].Workload, d)
	}
}

func sampleUnclaimed(t *testing.T, out, _ *output) {
	if got := periodOfMonth(t, out, "2026-04").Unclaimed; len(got) != 0 {
		t.Errorf("April has unclaimed %+v", got)
	}
	want := []unclaimed{
		{Anchor: ptr("arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/pricing_experiment-Zx81qLm4Tn"), Kind: ptr("resource"),
			Account: ptr("820723250459"), Region: ptr("us-east-1"), Components: []string{"runtime_vcpu", "runtime_memory"},
			FirstSeen: "2026-05-19", LastSeen: "2026-05-23", Unblended: "48.5", Reason: "no_claim"},
		{Anchor: ptr("arn:aws:sts::820723250459:assumed-role/lab-agents-poc"), Kind: ptr("role"),
			Account: ptr("820723250459"), Region: ptr("us-east-1"), Components: []string{"model_input", "model_output"},
			FirstSeen: "2026-05-12", LastSeen: "2026-05-23", Unblended: "31", Reason: "no_claim"},
		{Anchor: ptr("arn:aws:bedrock-agentcore:us-east-1:341755902216:memory/prototype_memory-b3Nv5Cx7Zl"), Kind: ptr("resource"),
			Account: ptr("341755902216"), Region: ptr("us-east-1"), Components: []string{"memory_short_term", "memory_long_term_retrieval"},
			FirstSeen: "2026-05-08", LastSeen: "2026-05-23", Unblended: "12.25", Reason: "no_claim"},
		{Anchor: ptr("arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"), Kind: ptr("resource"),
			Account: ptr("341755902216"), Region: ptr("us-east-1"), Components: []string{"code_interpreter_memory"},
			FirstSeen: "2026-05-04", LastSeen: "2026-05-23", Unblended: "9.45", Reason: "no_claim"},
	}
	got := periodOfMonth(t, out, "2026-05").Unclaimed
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(unclaimed{}, "Rows")); d != "" {
		t.Errorf("May (-want +got):\n%s", d)
	}
}

// Each delivery of the sample against a sum over its raw rows.
func sampleRawRows(t *testing.T, first, second *output) {
	t.Chdir(t.TempDir())
	copyMonths(t)
	april := newOracle(t)
	for name, b := range dataOf(t, "months/2026-04") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(name, err)
		}
		april.csv(z)
	}
	april.equals(periodOfMonth(t, first, "2026-04"))
	april.equals(periodOfMonth(t, second, "2026-04"))
	for folder, out := range map[string]*output{"months/2026-05-first": first, "months/2026-05-second": second} {
		o := newOracle(t)
		for name := range dataOf(t, folder) {
			o.parquet(name)
		}
		o.equals(periodOfMonth(t, out, "2026-05"))
	}
}

// dataOf returns the data files of a sample folder.
func dataOf(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(folder, "data"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out[name] = readFile(t, name)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%s: %d data files, %v", folder, len(out), err)
	}
	return out
}

func sampleReplaced(t *testing.T, before, after *output) {
	if d := cmp.Diff(periodOfMonth(t, before, "2026-04"), periodOfMonth(t, after, "2026-04")); d != "" {
		t.Errorf("April differs:\n%s", d)
	}
	old, p := periodOfMonth(t, before, "2026-05"), periodOfMonth(t, after, "2026-05")
	if len(after.Periods) != 2 || p.Rows != 2988 || p.AsOf != "2026-05-27T12:00:00Z" || p.CompleteThrough != "2026-05-25" || *p.State != "open" || !p.Reconciled {
		t.Errorf("%d periods; May has %d rows, as of %s, complete through %s, %s, reconciled %v",
			len(after.Periods), p.Rows, p.AsOf, p.CompleteThrough, *p.State, p.Reconciled)
	}
	if g := p.Generation; g.Number != 2 || g.Previous == nil || *g.Previous != 1 || g.Cause != "mixed" {
		t.Errorf("generation %+v", g)
	}
	checkDelta(t, old, p)
	labels := map[string]bool{}
	for _, d := range p.Generation.Delta {
		labels[d.Term] = true
	}
	if !labels["new_days"] || !labels["restated"] || len(labels) != 2 {
		t.Errorf("terms are of %v, want new days and restated rows", labels)
	}
}

// checkDelta holds the terms of a difference against the two outputs: they add up
// in all, in each outcome, and in each component of each workload.
func checkDelta(t *testing.T, old, new *period) {
	t.Helper()
	type place struct{ outcome, workload, component string }
	got, want := map[place]*amount{}, map[place]*amount{}
	for _, d := range new.Generation.Delta {
		x := rat(t, d.Unblended)
		into(got, place{"all", "", ""}, x)
		into(got, place{d.Outcome, "", ""}, x)
		if d.Workload != nil {
			into(got, place{d.Outcome, *d.Workload, d.Component}, x)
		}
	}
	for _, side := range []struct {
		p    *period
		sign int64
	}{{old, -1}, {new, 1}} {
		p := side.p
		sign := func(amount string) *big.Rat {
			x := rat(t, amount)
			return x.Mul(x, big.NewRat(side.sign, 1))
		}
		into(want, place{"all", "", ""}, sign(p.Totals.Unblended))
		for name, o := range p.Outcomes {
			into(want, place{name, "", ""}, sign(o.Unblended))
		}
		for outcome, list := range map[string][]workload{"claimed": p.Workloads, "defaulted": p.Defaulted} {
			for _, w := range list {
				for _, c := range w.Components {
					into(want, place{outcome, w.Workload, c.Component}, sign(c.Unblended))
				}
			}
		}
	}
	spell := func(m map[place]*amount) map[place]string {
		out := map[place]string{}
		for k, a := range m {
			if s := text(a.cost); s != "0" {
				out[k] = s
			}
		}
		return out
	}
	if d := cmp.Diff(spell(want), spell(got)); d != "" {
		t.Errorf("%s: difference of the outputs (-) against the terms (+):\n%s", new.BillingPeriod, d)
	}
}

// The restated rows are listed in the sample's README; the terms are those and
// no others.
func sampleRestated(t *testing.T, _, after *output) {
	owner := map[string]string{
		"finops-csbot-a4f2": "customer-support-bot", "customer_support_memory": "customer-support-bot",
		"data_insights_sandbox": "data-insights-copilot", "docplat-store": "document-platform",
		"AgentExecutionRole-fraud-review": "fraud-review-agent", "returns_triage": "returns-triage-agent",
	}
	meter := map[string]string{
		"input-tokens": "model_input", "output_tokens": "model_output",
		"CodeInterpreter:Consumption-based:vCPU": "code_interpreter_vcpu", "CodeInterpreter:Consumption-based:Memory": "code_interpreter_memory",
		"Long-Term-Memory-Retrieval": "memory_long_term_retrieval", "Runtime:Consumption-based:vCPU": "runtime_vcpu",
	}
	find := func(m map[string]string, cell string) string {
		found := ""
		for part, v := range m {
			if strings.Contains(cell, part) {
				if found != "" {
					t.Fatalf("%q is of %s and %s", cell, found, v)
				}
				found = v
			}
		}
		if found == "" {
			t.Fatalf("%q is of nothing this test knows", cell)
		}
		return found
	}
	readme, err := fs.ReadFile(months, "months/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(readme), "restates\n")
	if !ok {
		t.Fatal("the README lists no restated rows")
	}
	type place struct{ workload, component string }
	want := map[place]*amount{}
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 10 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "2026-") {
			continue
		}
		rows++
		x := rat(t, strings.TrimSpace(cells[8]))
		into(want, place{find(owner, cells[2]), find(meter, cells[3])}, x.Sub(x, rat(t, strings.TrimSpace(cells[7]))))
	}
	if rows < 5 {
		t.Fatalf("read %d rows of the README's table", rows)
	}
	got := map[place]string{}
	for _, d := range periodOfMonth(t, after, "2026-05").Generation.Delta {
		if d.Term == "restated" {
			if d.Outcome != "claimed" {
				t.Errorf("restated %+v", d)
				continue
			}
			got[place{*d.Workload, d.Component}] = d.Unblended
		}
	}
	spelled := map[place]string{}
	for k, a := range want {
		spelled[k] = text(a.cost)
	}
	if d := cmp.Diff(spelled, got); d != "" {
		t.Errorf("README (-) against terms (+):\n%s", d)
	}
}

// What a reader of the text sees.
func TestTextOfTheSampleMonths(t *testing.T) {
	for name, args := range map[string][]string{"sample.txt": nil, "restated.txt": {"-restated"}} {
		t.Run(name, func(t *testing.T) {
			workdir(t)
			r := quickstart(t, args...)
			if r.code != 0 || r.stderr != "" {
				t.Fatalf("exit status %d, stderr %q", r.code, r.stderr)
			}
			_, path, ok := strings.Cut(r.stdout, "The books are in ")
			path, _, _ = strings.Cut(path, "\n")
			if info, err := os.Stat(path); !ok || err != nil || info.Size() == 0 {
				t.Errorf("the books at %q: %v", path, err)
			}
			golden.Equal(t, testdata(t, name), []byte(strings.ReplaceAll(r.stdout, path, "$TMP/spendclaim.db")))
		})
	}
}
