package cur

import (
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// Measure is a quantity that is summed per group. Metrics, such as amortised
// cost, are formulas over measures; they belong to package attribution.
type Measure uint8

// The measures. Unless noted each is the sum of one column.
const (
	Usage Measure = iota
	UnblendedCost
	NetUnblendedCost
	// UnblendedWhereNetBlank sums the unblended cost of rows whose net cell is
	// there but blank, which AWS writes for "no discount".
	UnblendedWhereNetBlank
	PublicOnDemandCost
	ReservationEffectiveCost
	SavingsPlanEffectiveCost
	SavingsPlanTotalCommitment
	SavingsPlanUsedCommitment
	ReservationAmortizedUpfrontFee
	SavingsPlanAmortizedUpfrontCommitment
	ReservationUnusedAmortizedUpfrontFee
	ReservationUnusedRecurringFee
	// ReservationFee sums the unblended cost of rows of type Fee that name a
	// reservation: up-front payments, which amortised cost leaves out.
	ReservationFee
	// EffectiveCost sums the cost that a FOCUS report has amortised itself. All
	// FOCUS reports have it, and no other report does.
	EffectiveCost

	NumMeasures = int(iota)
)

// denseMeasures is how many measures, from the first on, most AI rows have; a
// group holds memory for the others only when one of them is not zero.
const denseMeasures = int(PublicOnDemandCost) + 1

// measureColumns gives the column each measure needs.
var measureColumns = [NumMeasures]Column{
	Usage:                                 "line_item_usage_amount",
	UnblendedCost:                         "line_item_unblended_cost",
	NetUnblendedCost:                      "line_item_net_unblended_cost",
	UnblendedWhereNetBlank:                "line_item_net_unblended_cost",
	PublicOnDemandCost:                    "pricing_public_on_demand_cost",
	ReservationEffectiveCost:              "reservation_effective_cost",
	SavingsPlanEffectiveCost:              "savings_plan_savings_plan_effective_cost",
	SavingsPlanTotalCommitment:            "savings_plan_total_commitment_to_date",
	SavingsPlanUsedCommitment:             "savings_plan_used_commitment",
	ReservationAmortizedUpfrontFee:        "reservation_amortized_upfront_fee_for_billing_period",
	SavingsPlanAmortizedUpfrontCommitment: "savings_plan_amortized_upfront_commitment_for_billing_period",
	ReservationUnusedAmortizedUpfrontFee:  "reservation_unused_amortized_upfront_fee_for_billing_period",
	ReservationUnusedRecurringFee:         "reservation_unused_recurring_fee",
	ReservationFee:                        colReservationARN,
	EffectiveCost:                         "EffectiveCost",
}

// measureNames are the names in the header of a stored partial; they never
// change.
var measureNames = [NumMeasures]string{
	"usage", "unblended", "net", "unblended_where_net_blank", "public_on_demand",
	"reservation_effective", "savings_plan_effective", "savings_plan_total_commitment",
	"savings_plan_used_commitment", "reservation_amortized_upfront",
	"savings_plan_amortized_upfront", "reservation_unused_upfront",
	"reservation_unused_recurring", "reservation_fee", "effective",
}

// String returns the measure's name.
func (m Measure) String() string {
	if int(m) < NumMeasures {
		return measureNames[m]
	}
	return "unknown measure"
}

// MeasureSet says which measures a report has columns for: a measure that is
// not in the set is absent, which is not the same as zero.
type MeasureSet uint32

// Has reports whether m is in the set.
func (s MeasureSet) Has(m Measure) bool { return s&(1<<m) != 0 }

func (s MeasureSet) with(m Measure) MeasureSet { return s | 1<<m }

// Measures are the exact sums of a group of rows. Amounts are in the group's
// currency, usage in its pricing unit.
type Measures struct {
	Rows      int64 // rows summed
	NetRows   int64 // rows whose net cost cell was there and not blank
	CostBlank int64 // rows whose unblended cost cell was blank
	sums      [NumMeasures]exact.Num
}

// Sum returns the sum of measure m. It is 0 for a measure that the report has
// no column for; [Partial.Measures] tells the two apart.
func (m *Measures) Sum(of Measure) decimal.Decimal { return m.sums[of].Decimal() }

// Exact is Sum in the form the module adds in.
func (m *Measures) Exact(of Measure) exact.Num { return m.sums[of] }

// Put sets the sum of a measure, for groups made by another engine. It refuses
// numbers that no bill can hold.
func (m *Measures) Put(of Measure, d decimal.Decimal) error {
	n, err := exact.FromDecimal(d)
	if err == nil {
		m.sums[of] = n
	}
	return err
}

// Add adds o to m.
func (m *Measures) Add(o *Measures) {
	m.Rows += o.Rows
	m.NetRows += o.NetRows
	m.CostBlank += o.CostBlank
	for i := range m.sums {
		if !o.sums[i].IsZero() {
			m.sums[i].Acc(o.sums[i])
		}
	}
}

// Sub takes o from m: what is left when some of the rows are counted elsewhere.
func (m *Measures) Sub(o *Measures) {
	m.Rows -= o.Rows
	m.NetRows -= o.NetRows
	m.CostBlank -= o.CostBlank
	for i := range m.sums {
		if !o.sums[i].IsZero() {
			m.sums[i] = m.sums[i].Sub(o.sums[i])
		}
	}
}

// Equal reports whether both hold the same counts and sums.
func (m *Measures) Equal(o *Measures) bool {
	if m.Rows != o.Rows || m.NetRows != o.NetRows || m.CostBlank != o.CostBlank {
		return false
	}
	for i := range m.sums {
		if !m.sums[i].Equal(o.sums[i]) {
			return false
		}
	}
	return true
}
