package governance

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// CardPolicy is what an installation may set about spend cards. The zero value is the
// default.
type CardPolicy struct {
	// Calendar says on which day weeks start; Monday by default.
	Calendar estimate.Calendar
	// Horizon is how many days before a delivery's as-of time its days count as
	// complete; 0 means two.
	Horizon int
	// Neutral and Amber are the limits of bands in per cent; 0 means 2 and 10.
	Neutral, Amber decimal.Decimal
	// Unowned is the level of the hierarchy that usage without an owner is put together
	// by, such as "portfolio": where its account belonged when the month began. What
	// belongs nowhere, and all of it where Unowned is blank, is by account.
	Unowned string
	// Materiality is how much drift is put up with; see cards.Materiality.
	Materiality cards.Materiality
	// Within is how long a card may wait for one decision before it is overdue; 0
	// means seven days. Each such time it goes on waiting somebody higher is told.
	Within time.Duration
	// Thresholds are the shares of a month's budget that are told of; nil means
	// cards.DefaultThresholds.
	Thresholds []cards.Threshold
	// Suspense is what is booked by where nobody owns the money, or the directory
	// leaves a field blank.
	Suspense Fields
	// BudgetYear is the month that budget years start with; 0 means January.
	BudgetYear time.Month

	_ struct{}
}

func (p *Policy) cards() CardPolicy {
	var c CardPolicy
	if p != nil {
		c = p.Cards
	}
	if c.Within <= 0 {
		c.Within = 7 * 24 * time.Hour
	}
	if c.Thresholds == nil {
		c.Thresholds = cards.DefaultThresholds()
	}
	if c.BudgetYear == 0 {
		c.BudgetYear = time.January
	}
	c.Calendar.AcrossMonths = false
	return c
}

// options returns how books of cards of a month are made under the policy.
func (c *CardPolicy) options(d *Directory, month time.Time) cards.Options {
	o := cards.Options{Calendar: c.Calendar, Horizon: c.Horizon, Neutral: c.Neutral, Amber: c.Amber}
	if c.Unowned != "" && d != nil {
		level := c.Unowned
		o.Unowned = func(account string, _ attribution.WorkloadID) string {
			if a, ok := d.Account(account, month); ok {
				if n := d.Ancestor(a.Node, level, month); n != "" {
					return n
				}
			}
			return account
		}
	}
	return o
}

// fresh returns which days a delivery completes.
func (c *CardPolicy) fresh(asOf time.Time) estimate.Freshness {
	return estimate.Freshness{AsOf: asOf, Horizon: c.Horizon}
}
