package attribution_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// TestMetrics has a row per line item type, of a report with every column.
func TestMetrics(t *testing.T) {
	tests := []struct {
		lineItemType   string
		cells          map[cur.Measure]string // the unblended cost is 10
		reservation    string
		net, amortized string
	}{
		{"Usage", map[cur.Measure]string{cur.NetUnblendedCost: "9"}, "", "9", "10"},
		{"Usage", nil, "", "10", "10"}, // net blank: no discount
		{"FlatRateSubscription", nil, "", "10", "10"},
		{"SavingsPlanCoveredUsage", map[cur.Measure]string{cur.SavingsPlanEffectiveCost: "7"}, "", "10", "7"},
		{"SavingsPlanNegation", nil, "", "10", "0"},
		{"SavingsPlanRecurringFee", map[cur.Measure]string{cur.SavingsPlanTotalCommitment: "5", cur.SavingsPlanUsedCommitment: "3.5"}, "", "10", "1.5"},
		{"SavingsPlanUpfrontFee", nil, "", "10", "0"},
		{"DiscountedUsage", map[cur.Measure]string{cur.ReservationEffectiveCost: "4"}, "", "10", "4"},
		{"RIFee", map[cur.Measure]string{cur.ReservationUnusedAmortizedUpfrontFee: "1", cur.ReservationUnusedRecurringFee: "2"}, "", "10", "3"},
		{"Fee", nil, "", "10", "10"},
		{"Fee", nil, "arn:aws:ec2:us-east-1:111111111111:reserved-instances/r", "10", "0"},
		{"EdpDiscount", nil, "", "0", "10"}, // net blank: the discounted rows have it
		{"EdpDiscount", map[cur.Measure]string{cur.NetUnblendedCost: "1"}, "", "1", "10"},
		{"PrivateRateDiscount", nil, "", "0", "10"},
		{"BundledDiscount", nil, "", "0", "10"},
		{"Credit", map[cur.Measure]string{cur.NetUnblendedCost: "10"}, "", "10", "10"},
		{"Refund", nil, "", "10", "10"},
		{"Tax", nil, "", "10", "10"},
		{"SomethingNew", nil, "", "10", "10"},
	}
	for _, tt := range tests {
		li := row(t, "2026-05-03", "10", kind(tt.lineItemType))
		li.Reservation = tt.reservation
		for m, v := range tt.cells {
			put(t, li, m, v)
		}
		p := roll(t, li)
		st := attribute(t, p, index(t, p, nil), nil)
		if !st.Reconciled {
			t.Errorf("%s: not reconciled: %v", tt.lineItemType, st.Differences)
		}
		for metric, c := range map[string]struct {
			got  decimal.NullDecimal
			want string
		}{"net": {st.Totals.Net, tt.net}, "amortized": {st.Totals.Amortized, tt.amortized}} {
			if !c.got.Valid || c.got.Decimal.String() != c.want {
				t.Errorf("%s, reservation %q, cells %v: %s %v, want %s", tt.lineItemType, tt.reservation, tt.cells, metric, c.got, c.want)
			}
		}
		if got := st.Totals.Unblended.String(); got != "10" {
			t.Errorf("%s: unblended %s, want 10", tt.lineItemType, got)
		}
	}
}

func TestMetricsAreNullWithoutTheirColumns(t *testing.T) {
	set := func(m ...cur.Measure) (s cur.MeasureSet) {
		for _, m := range m {
			s |= 1 << m
		}
		return s
	}
	few := set(cur.UnblendedCost)
	tests := []struct {
		name           string
		types          []string
		measures       cur.MeasureSet
		net, amortized bool
	}{
		{"usage needs no commitment columns", []string{"Usage", "Tax", "EdpDiscount"}, few, false, true},
		{"covered usage does", []string{"Usage", "SavingsPlanCoveredUsage"}, few, false, false},
		{"a fee may be of a reservation", []string{"Fee"}, few, false, false},
		{"a fee with the reservation's column", []string{"Fee"}, few | set(cur.ReservationFee), false, true},
		{"one of two columns", []string{"SavingsPlanRecurringFee"}, few | set(cur.SavingsPlanTotalCommitment), false, false},
		{"net", []string{"Usage"}, few | set(cur.NetUnblendedCost), true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rows []*cur.LineItem
			for _, typ := range tt.types {
				rows = append(rows, row(t, "2026-05-03", "1", kind(typ)))
			}
			full := roll(t, rows...)
			c := contents(full)
			c.Measures = tt.measures
			p, err := cur.NewPartial(full.Spec(), c)
			if err != nil {
				t.Fatal(err)
			}
			st := attribute(t, p, index(t, p, nil), nil)
			if st.Totals.Net.Valid != tt.net || st.Totals.Amortized.Valid != tt.amortized {
				t.Errorf("net there %v, amortized there %v, want %v and %v", st.Totals.Net.Valid, st.Totals.Amortized.Valid, tt.net, tt.amortized)
			}
			if !st.Reconciled {
				t.Errorf("not reconciled: %v", st.Differences)
			}
			for _, u := range st.Unclaimed() {
				for _, c := range u.Components {
					if c.Usage.Valid {
						t.Errorf("usage %v of a report without usage amounts", c.Usage)
					}
				}
			}
		})
	}
}

func TestNetCheckIsReported(t *testing.T) {
	usage := row(t, "2026-05-03", "10", nil)
	put(t, usage, cur.NetUnblendedCost, "9")
	discount := row(t, "2026-05-03", "-1", kind("EdpDiscount"))
	for _, tt := range []struct {
		name string
		rows []*cur.LineItem
		want []attribution.Note
	}{
		{"discounts in both forms cancel", []*cur.LineItem{usage, discount}, nil},
		{"discounts in the net column alone", []*cur.LineItem{usage}, []attribution.Note{{Code: "net_differs", Column: "line_item_net_unblended_cost", Rows: 1}}},
	} {
		p := roll(t, tt.rows...)
		st := attribute(t, p, index(t, p, nil), nil)
		if len(st.Warnings) != len(tt.want) || len(tt.want) == 1 && st.Warnings[0] != tt.want[0] {
			t.Errorf("%s: warnings %v, want %v", tt.name, st.Warnings, tt.want)
		}
		if !st.Reconciled {
			t.Errorf("%s: not reconciled: the check is a warning", tt.name)
		}
	}
}
