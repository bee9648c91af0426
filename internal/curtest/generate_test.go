package curtest

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"math/big"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cells copies the rows of a month as texts by name.
func cells(t *testing.T, c *Config, names ...string) [][]string {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for r := range table.Rows() {
		row := make([]string, len(names))
		for i, name := range names {
			row[i] = r.Text(name)
		}
		rows = append(rows, row)
	}
	return rows
}

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is not a number", s)
	}
	return r
}

func digest(t *testing.T, c *Config) [32]byte {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := table.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b.Bytes())
}

func TestSameConfigSameBytes(t *testing.T) {
	one := Config{Seed: 7, Rows: 2000, EDP: 5, Commitments: true}
	if first, again := digest(t, &one), digest(t, &one); first != again {
		t.Error("one config made two files")
	}
	other := one
	other.Seed = 8
	if digest(t, &one) == digest(t, &other) {
		t.Error("two seeds made one file")
	}
}

func TestMonthHasAsManyRowsAsAsked(t *testing.T) {
	for _, c := range []Config{
		{Rows: 1}, {Rows: 999}, {Rows: 5000, AIShare: -1}, {Rows: 5000, AIShare: 100, Clustered: true},
		{Rows: 3000, EDP: 3, ManualDiscounts: true}, {Rows: 3000, UsageOnly: true, Sheet: Sheet{Hourly: true}}, {Rows: 2000, Sheet: Sheet{Period: "2024-02"}},
	} {
		if got := int64(len(cells(t, &c))); got != c.Rows {
			t.Errorf("%+v: %d rows", c, got)
		}
	}
}

func TestCostIsAmountTimesRate(t *testing.T) {
	c := &Config{Rows: 20_000, AIShare: 50, EDP: 7, Commitments: true}
	for i, r := range cells(t, c, "line_item_line_item_type", "line_item_usage_amount", "line_item_unblended_rate", "line_item_unblended_cost") {
		switch r[0] {
		case Usage, CoveredUsage:
			want := new(big.Rat).Mul(rat(t, r[1]), rat(t, r[2])).FloatString(10)
			if rat(t, r[3]).Cmp(rat(t, want)) != 0 {
				t.Fatalf("row %d: %s × %s cost %s, want %s", i+1, r[1], r[2], r[3], want)
			}
		}
		// No more than a double holds, so that Parquet tells the same amounts.
		for _, amount := range []string{r[1], r[3]} {
			x, err := strconv.ParseFloat(amount, 64)
			if err != nil {
				t.Fatal(err)
			}
			if rat(t, strconv.FormatFloat(x, 'g', -1, 64)).Cmp(rat(t, amount)) != 0 {
				t.Fatalf("row %d: %s is no shortest text of a double", i+1, amount)
			}
		}
	}
}

func TestNetAndUnblendedAgreeInBothForms(t *testing.T) {
	for _, manual := range []bool{false, true} {
		c := &Config{Rows: 20_000, AIShare: 50, EDP: 7, ManualDiscounts: manual, Commitments: true}
		net, unblended, told, types := new(big.Rat), new(big.Rat), new(big.Rat), map[string]int{}
		for _, r := range cells(t, c, "line_item_line_item_type", "line_item_unblended_cost", "line_item_net_unblended_cost", "discount_total_discount") {
			types[r[0]]++
			cost := rat(t, r[1])
			if r[0] != EdpDiscount || manual {
				unblended.Add(unblended, cost)
			}
			if r[3] != "" {
				told.Add(told, rat(t, r[3]))
			}
			switch {
			case r[2] != "":
				net.Add(net, rat(t, r[2]))
			case r[0] != EdpDiscount:
				net.Add(net, cost)
			}
		}
		if manual == (types[EdpDiscount] == 0) {
			t.Errorf("manual %v: %d discount rows", manual, types[EdpDiscount])
		}
		if unblended.Add(unblended, told); net.Cmp(unblended) != 0 {
			t.Errorf("manual %v: net %s, want %s", manual, net.FloatString(10), unblended.FloatString(10))
		}
	}
}

func TestEveryKindOfRowIsThere(t *testing.T) {
	c := &Config{Rows: 60_000, AIShare: 50, EDP: 7, ManualDiscounts: true, Commitments: true, Roles: 40, Resources: 60}
	seen := map[string]int{}
	for _, r := range cells(t, c, "line_item_line_item_type", "line_item_product_code", "line_item_usage_type",
		"line_item_iam_principal", "line_item_resource_id", "bill_billing_entity", "product", "line_item_line_item_description", "pricing_unit") {
		seen["type "+r[0]]++
		seen["code "+r[1]]++
		agent := r[1] == "AmazonBedrockAgentCore"
		if agent && r[3] != "" {
			t.Fatalf("an AgentCore row names %s", r[3])
		}
		if r[5] == awsMarketplace {
			seen["marketplace"]++
			third := strings.Split(r[7], "|")
			if r[0] == Usage && (len(third) != 3 || !strings.HasPrefix(third[2], "Million ") || r[8] != "") {
				t.Fatalf("Marketplace row of %q, unit %q", r[7], r[8])
			}
			if !strings.Contains(r[6], `(Amazon Bedrock Edition)"`) || strings.Contains(r[1], "Bedrock") {
				t.Fatalf("Marketplace row of %s: %s", r[1], r[6])
			}
		}
		for _, part := range []string{":assumed-role/", "/BedrockAgentCore-", "@example.com", ":user/dev-", ":user/BedrockAPIKey-"} {
			if strings.Contains(r[3], part) {
				seen["principal "+part]++
			}
		}
		for _, part := range []string{
			":runtime/", "/runtime-endpoint/", ":memory/", ":code-interpreter-custom/", ":aws:code-interpreter/", ":browser",
			":gateway/", ":evaluator/", ":policy-engine/", ":workload-identity-directory/", ":agent-runtime/", ":memory-store/",
		} {
			if strings.Contains(r[4], part) {
				seen["resource "+part]++
			}
		}
		if agent && r[0] == Usage && r[4] == "" {
			seen["resource blank"]++
		}
		if strings.Contains(r[2], "AgentStudio") || r[2] == "Unheard-Of-Meter" {
			seen["unknown"]++
		}
	}
	want := []string{
		"type Usage", "type Tax", "type Credit", "type Refund", "type Fee", "type EdpDiscount", "type SavingsPlanCoveredUsage",
		"type SavingsPlanNegation", "type SavingsPlanRecurringFee", "code AmazonBedrock", "code AmazonBedrockService",
		"code AmazonBedrockFoundationModels", "code AmazonBedrockAgentCore", "code AmazonCognito", "code AmazonEC2", "marketplace",
		"principal :assumed-role/", "principal /BedrockAgentCore-", "principal @example.com", "principal :user/dev-", "principal :user/BedrockAPIKey-",
		"resource :runtime/", "resource /runtime-endpoint/", "resource :memory/", "resource :code-interpreter-custom/", "resource :aws:code-interpreter/",
		"resource :browser", "resource :gateway/", "resource :evaluator/", "resource :policy-engine/", "resource :workload-identity-directory/",
		"resource :agent-runtime/", "resource :memory-store/", "resource blank", "unknown",
	}
	for _, name := range want {
		if seen[name] == 0 {
			t.Errorf("no row with %s", name)
		}
	}
}

func TestTaxRowsAreMonthLongOnDayOne(t *testing.T) {
	for _, r := range cells(t, &Config{Rows: 2000}, "line_item_line_item_type", "line_item_usage_start_date", "line_item_usage_end_date",
		"identity_time_interval", "line_item_usage_amount", "line_item_usage_type") {
		if r[0] != Tax {
			continue
		}
		want := []string{Tax, "2026-05-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z", "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z", "1.0", ""}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Fatalf("tax row (-want +got):\n%s", diff)
		}
	}
}

func TestIDAndIntervalNameARow(t *testing.T) {
	for _, c := range []Config{{Rows: 30_000, Sheet: Sheet{Hourly: true}}, {Rows: 30_000, Commitments: true}} {
		seen := map[string]bool{}
		for _, r := range cells(t, &c, "identity_line_item_id", "identity_time_interval") {
			if key := r[0] + " " + r[1]; seen[key] || len(r[0]) != lineSize {
				t.Fatalf("%s again, or of %d characters", key, len(r[0]))
			} else {
				seen[key] = true
			}
		}
	}
}

// amounts maps a row's name to what a second delivery may change.
func amounts(t *testing.T, c *Config) map[string]string {
	got := map[string]string{}
	for _, r := range cells(t, c, "identity_line_item_id", "identity_time_interval", "line_item_usage_type",
		"line_item_iam_principal", "line_item_resource_id", "line_item_usage_amount", "line_item_unblended_cost") {
		got[strings.Join(r[:5], " ")] = r[5] + " " + r[6]
	}
	return got
}

func TestSecondDeliveryRestatesAndAdds(t *testing.T) {
	first := Config{Rows: 20_000, AIShare: 50, LastDay: 23, Commitments: true, RowsPerSession: 5}
	second := first
	second.LastDay, second.Restate = 25, 10
	before, after := amounts(t, &first), amounts(t, &second)
	changed := 0
	for key, was := range before {
		is, ok := after[key]
		if !ok {
			t.Fatalf("row %s is gone", key)
		}
		if is != was {
			changed++
		}
	}
	if changed < len(before)/200 || changed > len(before)/50 {
		t.Errorf("%d of %d rows changed, want about one in a hundred", changed, len(before))
	}
	added := map[string]int{}
	for key := range after {
		if _, ok := before[key]; !ok {
			added[strings.Fields(key)[1][:10]]++
		}
	}
	if days := slices.Sorted(maps.Keys(added)); !slices.Equal(days, []string{"2026-05-24", "2026-05-25"}) {
		t.Errorf("days added %v, want the 24th and 25th", days)
	}
}

func TestSessionsAreFewOrNew(t *testing.T) {
	few := Config{Rows: 20_000, AIShare: 100, Roles: 10, Sessions: 2}
	many := few
	many.RowsPerSession = 5
	strip := func(arn string) string {
		if i := strings.LastIndex(arn, "/"); strings.Contains(arn, ":assumed-role/") {
			return arn[:i]
		}
		return arn
	}
	names := []string{"line_item_iam_principal", "identity_time_interval", "line_item_usage_type", "line_item_usage_amount", "line_item_resource_id"}
	a, b := cells(t, &few, names...), cells(t, &many, names...)
	sessions := [2]map[string]int{{}, {}}
	for i := range a {
		sessions[0][a[i][0]]++
		sessions[1][b[i][0]]++
		a[i][0], b[i][0] = strip(a[i][0]), strip(b[i][0])
		if diff := cmp.Diff(a[i], b[i]); diff != "" {
			t.Fatalf("row %d differs in more than its session:\n%s", i+1, diff)
		}
	}
	if got := len(sessions[0]); got > 2*10+1 {
		t.Errorf("few sessions: %d principals, want at most 21", got)
	}
	for arn, n := range sessions[1] {
		if strings.Contains(arn, ":assumed-role/") && n > 5 {
			t.Fatalf("%s has %d rows, want at most 5", arn, n)
		}
	}
	if got := len(sessions[1]); got < 1000 {
		t.Errorf("new sessions: %d principals, want more than 1000", got)
	}
}

func TestClusteredProductsFollowOneAnother(t *testing.T) {
	changes := func(clustered bool) int {
		n, last := 0, ""
		for _, r := range cells(t, &Config{Rows: 5000, AIShare: 40, Clustered: clustered, UsageOnly: true}, "line_item_product_code") {
			ai := "other"
			switch {
			case r[0] == "AmazonBedrockAgentCore" || r[0] == "AmazonCognito":
				ai = "agent"
			case strings.HasPrefix(r[0], "AmazonBedrock") || len(r[0]) == 25:
				ai = "model"
			}
			if ai != last {
				n++
			}
			last = ai
		}
		return n
	}
	for i, r := range cells(t, &Config{Rows: 5000, AIShare: 40, Clustered: true, EDP: 7, ManualDiscounts: true}, "line_item_product_code") {
		if ai := strings.HasPrefix(r[0], "AmazonBedrock") || len(r[0]) == 25; ai && i > 5000*42/100 && i < 4900 { // taxes and the like come last
			t.Fatalf("row %d is about AI, behind where it ends", i)
		}
	}
	if got := changes(true); got != 3 {
		t.Errorf("clustered: products change %d times, want 3", got)
	}
	if got := changes(false); got < 1000 {
		t.Errorf("interleaved: products change %d times, want more than 1000", got)
	}
}

func TestInvoicedRowsHaveAnIDPerSeller(t *testing.T) {
	ids := map[string]string{}
	for _, r := range cells(t, &Config{Rows: 3000, AIShare: 50, Invoiced: true}, "bill_billing_entity", "bill_invoice_id") {
		ids[r[0]] = r[1]
	}
	if ids["AWS"] == "" || ids[awsMarketplace] == "" || ids["AWS"] == ids[awsMarketplace] {
		t.Errorf("invoice ids %v, want one for each seller", ids)
	}
}

// TestMemoryDoesNotGrowWithRows compares the live heap early and late in a run.
func TestMemoryDoesNotGrowWithRows(t *testing.T) {
	table, err := (&Config{Rows: 120_000, AIShare: 60, RowsPerSession: 5, EDP: 4, Commitments: true}).Table()
	if err != nil {
		t.Fatal(err)
	}
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	n, early := 0, uint64(0)
	for range table.Rows() {
		if n++; n == 10_000 {
			early = live()
		}
	}
	if late := live(); late > early+256<<10 {
		t.Errorf("live heap grew from %d to %d bytes", early, late)
	}
}

func TestConfigRefusesNonsense(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Sheet: Sheet{Period: "May"}}, `period "May"`},
		{Config{Sheet: Sheet{Omit: []string{"line_item_colour"}}}, `omit "line_item_colour"`},
		{Config{Rows: -1}, "below zero"},
		{Config{AIShare: 101}, "above 100"},
	} {
		if _, err := c.config.Table(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
