package cards_test

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// example stands in for a test in examples, which cannot fail.
type example struct{}

func (example) Helper()                   {}
func (example) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// A generation's totals become cards, week by week. The week of 18 May has no
// complete days after the 23rd, and waits.
func ExampleBook_Months() {
	g := generation(example{}, 1, "2026-05-25T12:00:00Z")
	totals := ordered(use("support-bot", "2026-05-02", "3.30"), use("support-bot", "2026-05-06", "7.05"), use("support-bot", "2026-05-19", "2"),
		use("", "2026-05-05", "0.40", unclaimed("111111111111")))
	b, err := cards.NewBook(g, totals, &cards.Options{Plan: func(s cards.Subject, _ time.Time) *estimate.Plan {
		if s.Kind != cards.Workload {
			return nil
		}
		return plan("31000", "31") // 1.00 a day
	}})
	if err != nil {
		panic(err)
	}
	for m, err := range b.Months() {
		if err != nil {
			panic(err)
		}
		for _, c := range m.Cards {
			if c.Complete {
				expected := "unknown" // null is never zero
				if c.Expected.Valid {
					expected = c.Expected.Decimal.String()
				}
				fmt.Println(c.Subject, c.Week, c.Cost, "of", expected, c.Band)
			}
		}
	}
	// Output:
	// workload/support-bot [2026-05-01, 2026-05-04) 3.3 of 3 amber
	// workload/support-bot [2026-05-04, 2026-05-11) 7.05 of 7 neutral
	// workload/support-bot [2026-05-11, 2026-05-18) 0 of 7 green
	// unowned/111111111111 [2026-05-04, 2026-05-11) 0.4 of unknown
}

// An approved card stays as it is; what comes later is drift, and once that matters
// an adjustment is due.
func ExampleDriftingOf() {
	month := func(number uint64, totals ...ledger.Total) *cards.Month {
		return monthOf(example{}, book(example{}, generation(example{}, number, "2026-05-25T12:00:00Z"), nil, totals...), cards.Of("support-bot"))
	}
	approved := month(1, use("support-bot", "2026-05-06", "288.36")).Cards
	for _, cost := range []string{"289.30", "292.32"} {
		d := cards.DriftingOf(approved, month(2, use("support-bot", "2026-05-06", cost)))
		fmt.Printf("%s approved, drift %s, due %q\n", d.Approved, d.Amount, d.Due(nil, false, cards.Materiality{}))
	}
	// Output:
	// 288.36 approved, drift 0.94, due ""
	// 288.36 approved, drift 3.96, due "material"
}

// A budget's thresholds are reported once each.
func ExampleCrossed() {
	spending := cards.Spending{Used: decimal.NewFromInt(85), Days: 20, Of: 31}
	for _, c := range cards.Crossed(decimal.NewFromInt(100), spending, cards.DefaultThresholds(), []cards.Threshold{{Of: cards.Actual, Percent: decimal.NewFromInt(50)}}) {
		fmt.Println(c.Threshold, c.Value, "of", c.Limit)
	}
	// Output:
	// actual/80 85 of 100
	// forecast/100 131.75 of 100
}
