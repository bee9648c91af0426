package curtest

import (
	"fmt"
	"iter"
)

// Config describes a generated month. The zero value is a small month of May 2026 with
// every column; each zero field means the default named beside it.
type Config struct {
	Sheet          // Period "2026-05", Payer and PayerName synthetic ones
	Seed    uint64 // another seed, another month
	Rows    int64  // of the whole month; 1,000
	AIShare int    // per cent of usage rows that are Bedrock or AgentCore, half of each; 20, negative: none

	Accounts       int // usage accounts; 4
	Roles          int // principals that call models; 20
	Resources      int // AgentCore resources; 40
	OtherResources int // resources of other services; 500

	// Sessions is how many session names each role has; 4. With RowsPerSession that
	// many model rows in a row are one session and no session name comes back.
	Sessions       int
	RowsPerSession int

	Clustered bool // products follow one another; otherwise they are interleaved

	LastDay  int  // usage of later days is not there yet; 0: the month is complete
	Restate  int  // of 1,000 usage rows that many have another amount than with 0
	Invoiced bool // every row has an invoice id

	// EDP is a discount in per cent on all that AWS itself sells; none. It fills the net
	// columns, and is told in the discount map or, with ManualDiscounts, in rows of its
	// own, which take the place of discount and discount_total_discount.
	EDP             int
	ManualDiscounts bool

	Commitments bool // part of EC2 is covered by a savings plan, with negations and fees
	UsageOnly   bool // no tax, credit, refund, fee or discount rows
}

func (c *Config) withDefaults() Config {
	d := *c
	for _, f := range []struct {
		field *int
		value int
	}{
		{&d.AIShare, 20}, {&d.Accounts, 4}, {&d.Roles, 20}, {&d.Resources, 40},
		{&d.OtherResources, 500}, {&d.Sessions, 4}, {&d.LastDay, 31},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if d.Rows == 0 {
		d.Rows = 1000
	}
	d.Period = or(d.Period, "2026-05")
	d.Payer = or(d.Payer, "741258963014")
	d.PayerName = or(d.PayerName, "SYNTHETIC payer")
	if d.ManualDiscounts {
		d.Omit = append(append([]string(nil), d.Omit...), "discount", "discount_total_discount")
	}
	return d
}

// Table returns the month as a table. Rows come in one order, whatever the columns.
func (c *Config) Table() (*Table, error) {
	d := c.withDefaults()
	if d.Rows < 0 || d.Accounts < 0 || d.Roles < 0 || d.Resources < 0 || d.OtherResources < 0 ||
		d.Sessions < 0 || d.RowsPerSession < 0 || d.LastDay < 0 || d.AIShare > 100 || d.EDP < 0 || d.EDP > 100 {
		return nil, fmt.Errorf("curtest: config %+v: a count below zero or a share above 100", d)
	}
	clock, err := newClock(d.Period, d.Hourly)
	if err != nil {
		return nil, err
	}
	var items iter.Seq[*Item] = func(yield func(*Item) bool) {
		newMonth(&d, clock).run(yield)
	}
	return d.Sheet.Table(items)
}
