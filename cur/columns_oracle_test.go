package cur

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// oracleSums are the sums of a group in another library's decimals.
type oracleSums struct {
	rows                   int64
	cost, usage, net, list decimal.Decimal
}

// oracleOf adds a generated month up from the generator's own cells, which no reader
// has seen, by what tells most groups apart.
func oracleOf(t *testing.T, c curtest.Config, where func(product string) bool) map[string]oracleSums {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) decimal.Decimal {
		if s == "" {
			return decimal.Decimal{}
		}
		d, err := decimal.NewFromString(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	out := make(map[string]oracleSums)
	for r := range table.Rows() {
		if !where(r.Text("line_item_product_code")) {
			continue
		}
		principal := r.Text("line_item_iam_principal")
		if role, rest, ok := strings.Cut(principal, ":assumed-role/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			principal = role + ":assumed-role/" + name
		}
		k := strings.Join([]string{r.Text("line_item_usage_account_id"), r.Text("line_item_product_code"), r.Text("line_item_usage_type"),
			r.Text("line_item_operation"), r.Text("line_item_line_item_type"), principal, r.Text("line_item_resource_id"),
			r.Text("identity_time_interval")[:len("2026-05-01")]}, "|")
		s := out[k]
		s.rows++
		s.cost, s.usage = s.cost.Add(number(r.Text("line_item_unblended_cost"))), s.usage.Add(number(r.Text("line_item_usage_amount")))
		s.net, s.list = s.net.Add(number(r.Text("line_item_net_unblended_cost"))), s.list.Add(number(r.Text("pricing_public_on_demand_cost")))
		out[k] = s
	}
	return out
}

// TestColumnsEqualAnOracle: sums by columns are those that another library adds up,
// beyond the growth of every table, whatever the order of files and the number of
// workers. SPENDCLAIM_LONG=1 takes months of a million rows.
func TestColumnsEqualAnOracle(t *testing.T) {
	rows, groups := int64(80_000), 32_000
	switch {
	case os.Getenv("SPENDCLAIM_LONG") == "1":
		rows = 1_000_000
	case testing.Short():
		rows, groups = 6_000, 2_000
	}
	ai := []string{"AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels", "AmazonBedrockAgentCore"}
	for _, m := range []struct {
		name  string
		share int
		r     Rollup
		where func(string) bool
	}{
		{"2 % AI, all rows", 2, Rollup{}, func(string) bool { return true }},
		{"70 % AI", 70, Rollup{Where: Where{Any: []Clause{{{ColProductCode, In, ai}}}}, RestUnread: true},
			func(product string) bool { return slices.Contains(ai, product) }},
	} {
		t.Run(m.name, func(t *testing.T) {
			c := curtest.Config{Sheet: curtest.Sheet{Hourly: true}, Rows: rows, AIShare: m.share, EDP: 7,
				Accounts: 60, Roles: 3000, Resources: 3000, OtherResources: 20_000}
			want := oracleOf(t, c, m.where)
			set := monthFiles(t, c, curtest.Delivery{RowsPerFile: rows / 4, RowGroup: int(rows / 10)}, t.TempDir())
			var first []byte
			for _, workers := range []int{1, 2} {
				m.r.Workers = workers
				rolled, err := m.r.Run(context.Background(), set)
				if err != nil {
					t.Fatal(err)
				}
				p := rolled[0].Partial
				if st := rolled[0].Stats; st.Again || st.ByRows > 0 || st.RowGroups < 10 {
					t.Errorf("the column path was not used: %+v", st)
				}
				if p.Len() <= groups {
					t.Errorf("%d groups, want more than %d", p.Len(), groups)
				}
				if body := p.AppendBody(nil); first == nil {
					first = body
				} else if string(body) != string(first) {
					t.Errorf("%d workers: another body", workers)
				}
				sameAsOracle(t, p, want)
				slices.Reverse(set.files)
			}
			t.Logf("%d rows in %d groups", rows, len(want))
		})
	}
}

func sameAsOracle(t *testing.T, p *Partial, want map[string]oracleSums) {
	t.Helper()
	got := make(map[string]oracleSums)
	for _, g := range p.Groups() {
		k := &g.Key
		text := strings.Join([]string{k.UsageAccount, k.ProductCode, k.UsageType, k.Operation, k.LineItemType, k.Principal, k.Resource,
			k.Bucket.Time().Format("2006-01-02")}, "|")
		s := got[text]
		s.rows += g.Rows
		s.cost, s.usage = s.cost.Add(g.Sum(UnblendedCost)), s.usage.Add(g.Sum(Usage))
		s.net, s.list = s.net.Add(g.Sum(NetUnblendedCost)), s.list.Add(g.Sum(PublicOnDemandCost))
		got[text] = s
	}
	if len(got) != len(want) {
		t.Errorf("%d groups, want %d", len(got), len(want))
	}
	bad := 0
	for k, w := range want {
		g := got[k]
		if g.rows == w.rows && g.cost.Equal(w.cost) && g.usage.Equal(w.usage) && g.net.Equal(w.net) && g.list.Equal(w.list) {
			continue
		}
		if bad++; bad < 4 {
			t.Errorf("%s: %v, want %v", k, g, w)
		}
	}
	if bad > 0 {
		t.Errorf("%d groups differ", bad)
	}
}
