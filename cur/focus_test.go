package cur_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// focusColumn is a column of a FOCUS report made from a row of CUR.
type focusColumn struct {
	name string
	kind colscan.Kind
	of   func(*curtest.Row) string
}

// focusColumns are the columns of a FOCUS version that have a like in CUR. The
// mapping is written down here a second time, from the FOCUS side.
func focusColumns(version string) []focusColumn {
	text := func(name, from string) focusColumn {
		return focusColumn{name, colscan.String, func(r *curtest.Row) string { return r.Text(from) }}
	}
	instant := func(name, from string) focusColumn {
		return focusColumn{name, colscan.Timestamp, func(r *curtest.Row) string { return r.Text(from) }}
	}
	covered := func(r *curtest.Row) bool { return r.Text("line_item_line_item_type") == "SavingsPlanCoveredUsage" }
	cols := []focusColumn{
		{"BilledCost", colscan.Double, func(r *curtest.Row) string {
			if covered(r) {
				return "0.0"
			}
			return r.Text("line_item_unblended_cost")
		}},
		{"EffectiveCost", colscan.Double, func(r *curtest.Row) string {
			switch {
			case covered(r):
				return r.Text("savings_plan_savings_plan_effective_cost")
			case r.Text("line_item_line_item_type") == "SavingsPlanRecurringFee":
				return "0.0"
			}
			return r.Text("line_item_unblended_cost")
		}},
		{"ListCost", colscan.Double, func(r *curtest.Row) string { return r.Text("pricing_public_on_demand_cost") }},
		{"ContractedCost", colscan.Double, func(r *curtest.Row) string { return "0.125" }},
		text("BillingAccountId", "bill_payer_account_id"),
		text("BillingCurrency", "line_item_currency_code"),
		instant("BillingPeriodStart", "bill_billing_period_start_date"),
		instant("ChargePeriodStart", "line_item_usage_start_date"),
		instant("ChargePeriodEnd", "line_item_usage_end_date"),
		{"ChargeCategory", colscan.String, func(r *curtest.Row) string {
			switch t := r.Text("line_item_line_item_type"); t {
			case "Usage", "Tax", "Credit":
				return t
			case "SavingsPlanCoveredUsage":
				return "Usage"
			case "Refund":
				return "Adjustment"
			case "Fee", "SavingsPlanRecurringFee":
				return "Purchase"
			default:
				return "Credit"
			}
		}},
		text("ChargeDescription", "line_item_line_item_description"),
		text("InvoiceIssuerName", "bill_invoicing_entity"),
		text("ProviderName", "bill_billing_entity"),
		text("PublisherName", "line_item_legal_entity"),
		{"PricingQuantity", colscan.Double, func(r *curtest.Row) string { return r.Text("line_item_usage_amount") }},
		text("PricingUnit", "pricing_unit"),
		text("RegionId", "product_region_code"),
		text("ResourceId", "line_item_resource_id"),
		{"ServiceName", colscan.String, func(r *curtest.Row) string { return r.Map("product").Value("product_name") }},
		text("SubAccountId", "line_item_usage_account_id"),
		text("x_ServiceCode", "line_item_product_code"),
		text("x_Operation", "line_item_operation"),
		{"Tags", colscan.Map, nil},
	}
	if version == "1.2" {
		return append(cols, text("InvoiceId", "bill_invoice_id"), text("SkuMeter", "line_item_usage_type"))
	}
	return append(cols, text("x_UsageType", "line_item_usage_type"))
}

// focusTags are the tags of a row as FOCUS has them: raw names, no family.
func focusTags(r *curtest.Row) (pairs []colscan.Pair) {
	for _, p := range r.Map("tags").Pairs() {
		if k, ok := strings.CutPrefix(p.Key, "resourceTags/"); ok {
			pairs = append(pairs, colscan.Pair{Key: k, Value: p.Value})
		}
	}
	return pairs
}

// focusRows ranges over the rows that FOCUS has: it knows no negations, for it
// bills nothing for what is covered.
func focusRows(t *curtest.Table, yield func(*curtest.Row)) {
	for r := range t.Rows() {
		if r.Text("line_item_line_item_type") != "SavingsPlanNegation" {
			yield(r)
		}
	}
}

func focusCSV(tb testing.TB, version string, t *curtest.Table) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	cols := focusColumns(version)
	cells := make([]string, len(cols))
	for i, c := range cols {
		cells[i] = c.name
	}
	_ = w.Write(cells)
	focusRows(t, func(r *curtest.Row) {
		for i, c := range cols {
			if c.kind != colscan.Map {
				cells[i] = c.of(r)
				continue
			}
			var pairs []string
			for _, p := range focusTags(r) {
				pairs = append(pairs, fmt.Sprintf("%q: %q", p.Key, p.Value))
			}
			cells[i] = "{" + strings.Join(pairs, ", ") + "}"
		}
		_ = w.Write(cells)
	})
	w.Flush()
	if err := w.Error(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func focusParquet(tb testing.TB, version string, t *curtest.Table) []byte {
	tb.Helper()
	var b bytes.Buffer
	cols := focusColumns(version)
	columns := make([]colscan.Column, len(cols))
	for i, c := range cols {
		columns[i] = colscan.Column{Name: c.name, Kind: c.kind, Optional: true}
	}
	w := colscan.NewWriter(&b, columns, &colscan.WriterOptions{RowGroupRows: 900})
	focusRows(t, func(r *curtest.Row) {
		for i, c := range cols {
			if c.kind == colscan.Map {
				w.SetMap(i, focusTags(r))
				continue
			}
			switch text := c.of(r); {
			case text == "":
			case c.kind == colscan.Double:
				x, err := strconv.ParseFloat(text, 64)
				if err != nil {
					tb.Fatal(err)
				}
				w.SetFloat(i, x)
			case c.kind == colscan.Timestamp:
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					tb.Fatal(err)
				}
				w.SetTime(i, at)
			default:
				w.SetText(i, text)
			}
		}
		if err := w.EndRow(); err != nil {
			tb.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// billed sums what both formats know of a bill, by everything that both know.
func billed(p *cur.Partial, from cur.Measure) (total *big.Rat, rows map[string]*big.Rat) {
	total, rows = new(big.Rat), map[string]*big.Rat{}
	for _, g := range p.Groups() {
		k := g.Key
		x := g.Sum(from).Rat()
		total.Add(total, x)
		if k.LineItemType != "Usage" { // other kinds go by other names
			continue
		}
		id := strings.Join([]string{k.Payer, k.BillingPeriod.String(), k.Invoice.InvoicingEntity, k.Invoice.LegalEntity, k.BillingEntity,
			k.ProductCode, k.ProductName, k.UsageType, k.Operation, k.PricingUnit, k.Currency, k.UsageAccount, k.Region, k.Resource, k.Bucket.String()}, "|")
		if rows[id] == nil {
			rows[id] = new(big.Rat)
		}
		rows[id].Add(rows[id], x)
	}
	return total, rows
}

// A FOCUS month and a CUR month of one bill give the same billed totals, and the
// same amounts wherever both say the same of a row.
func TestFOCUSAndCURGiveTheSameBill(t *testing.T) {
	for _, commitments := range []bool{false, true} {
		month := table(t, curtest.Config{Rows: 3000, AIShare: 60, Invoiced: true, Commitments: commitments, Sheet: curtest.Sheet{Hourly: true}})
		var b bytes.Buffer
		if _, err := month.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		cur2 := rollBytes(t, cur.Rollup{}, b.Bytes())
		for _, version := range []string{"1.0", "1.2"} {
			t.Run(fmt.Sprintf("%s commitments %v", version, commitments), func(t *testing.T) {
				r := cur.Rollup{Keys: []cur.Column{"resourceTags/user:team", "ContractedCost"}}
				asText, asColumns := rollBytes(t, r, focusCSV(t, version, month)), rollBytes(t, r, focusParquet(t, version, month))
				if asText.Digest() != asColumns.Digest() {
					t.Error("CSV and Parquet of one FOCUS report give different bodies")
				}
				p := rollBytes(t, cur.Rollup{}, focusCSV(t, version, month))
				for from, to := range map[cur.Measure]cur.Measure{cur.UnblendedCost: cur.UnblendedCost, cur.PublicOnDemandCost: cur.PublicOnDemandCost, cur.Usage: cur.Usage} {
					want, wantRows := billed(cur2, from)
					got, gotRows := billed(p, to)
					if from == cur.UnblendedCost && want.Cmp(got) != 0 {
						t.Errorf("billed %s, unblended in CUR %s", got.FloatString(12), want.FloatString(12))
					}
					if commitments {
						continue // covered usage is billed at 0 here, and at a price taken back there
					}
					if d := cmp.Diff(wantRows, gotRows, ratComparer); d != "" {
						t.Errorf("%s (-CUR +FOCUS):\n%.2000s", from, d)
					}
				}
				if p.HasColumn(cur.ColPrincipal) || !p.HasColumn(cur.ColResource) || p.HasColumn(cur.ColInvoiceID) != (version == "1.2") {
					t.Error("columns: FOCUS has resources and no principal, and invoice ids from 1.2 on")
				}
				if m := p.Measures(); !m.Has(cur.EffectiveCost) || m.Has(cur.NetUnblendedCost) || m.Has(cur.ReservationFee) || cur2.Measures().Has(cur.EffectiveCost) {
					t.Errorf("measures %b, of CUR %b", m, cur2.Measures())
				}
				teams := map[string]bool{}
				for _, g := range asText.Groups() {
					team, _ := g.Key.Column("resourceTags/user:team")
					contracted, _ := g.Key.Column("ContractedCost")
					if teams[team] = true; contracted != "0.125" {
						t.Fatalf("contracted cost %q", contracted)
					}
				}
				if len(teams) < 2 {
					t.Errorf("teams %v: the tags do not reach the key", teams)
				}
			})
		}
	}
}

// The sample has text NULL for what is missing, a stray column, times with a blank
// and no service code.
func TestFOCUSQuirks(t *testing.T) {
	const head = "BilledCost,EffectiveCost,ChargePeriodStart,ChargePeriodEnd,ServiceName,ResourceId,Id,Tags,PricingQuantity\n"
	p := rollBytes(t, cur.Rollup{Keys: []cur.Column{"resourceTags/user:team", "Tags/team"}},
		[]byte(head+`1.5,NULL,2026-05-04 10:00:00,2026-05-04 11:00:00,Amazon Bedrock,NULL,7,"{""team"": ""a""}",NULL`+"\n"))
	for _, g := range p.Groups() {
		plain, _ := g.Key.Column("resourceTags/user:team")
		own, _ := g.Key.Column("Tags/team")
		got := fmt.Sprintf("%s %s %q %q %q %q %s", g.Sum(cur.UnblendedCost), g.Key.Bucket, g.Key.ProductName, g.Key.ProductCode, g.Key.Resource, plain+own, g.Key.LineItemType)
		if want := `1.5 2026-05-04 "Amazon Bedrock" "" "" "aa" Usage`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// In CUR the text NULL is what it says.
	p = rollBytes(t, cur.Rollup{}, []byte("line_item_unblended_cost,line_item_usage_start_date,line_item_product_code,line_item_resource_id\n1,2026-05-04,x,NULL\n"))
	if r := p.Key(0).Resource; r != "NULL" {
		t.Errorf("resource %q in CUR, want NULL", r)
	}
}
