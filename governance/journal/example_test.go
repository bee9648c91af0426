package journal_test

import (
	"os"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/governance/journal"
)

// An invoice of 10.01 is shared by three cost centres in thirds.
func ExampleNew() {
	third := decimal.RequireFromString("3.3366666667")
	var items []journal.Item
	for _, centre := range []string{"cc-100", "cc-200", "cc-300"} {
		items = append(items, journal.Item{Posting: journal.Posting{Entity: "DE01", CostCentre: centre, LedgerAccount: "6540",
			Payer: "999999999999", Month: "2026-05", Currency: "USD", Invoice: "inv-1", Workload: "bot", Kind: "usage", Generation: 3}, Amount: third})
	}
	lines, err := journal.New(journal.Actual, items, nil)
	if err != nil {
		panic(err)
	}
	if err := journal.WriteCSV(os.Stdout, lines); err != nil {
		panic(err)
	}
	// Output:
	// type,entity,cost_centre,ledger_account,period,currency,amount_minor,minor_digits,workload,kind,generation,invoice,reversal,payer,month,exact,residual
	// actual,DE01,cc-100,6540,2026-05,USD,334,2,bot,usage,3,inv-1,false,999999999999,2026-05,3.3366666667,0.0033333333
	// actual,DE01,cc-200,6540,2026-05,USD,334,2,bot,usage,3,inv-1,false,999999999999,2026-05,3.3366666667,0.0033333333
	// actual,DE01,cc-300,6540,2026-05,USD,333,2,bot,usage,3,inv-1,false,999999999999,2026-05,3.3366666667,-0.0066666667
}
