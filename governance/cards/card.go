package cards

import (
	"cmp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// SubjectKind says whom a subject is of.
type SubjectKind string

// The kinds. Rest has no cards: it is what is left of the statement, such as money
// that nothing leads to an owner and what is out of scope.
const (
	Workload SubjectKind = "workload"
	Unowned  SubjectKind = "unowned"
	Rest     SubjectKind = "rest"
)

// Subject is who a card is for. ID is a workload's id; of what is unowned, the
// account, or what Options.Unowned makes of it.
type Subject struct {
	Kind SubjectKind `json:"kind"`
	ID   string      `json:"id,omitempty"`
}

// Of returns the subject of a workload.
func Of(w attribution.WorkloadID) Subject { return Subject{Workload, string(w)} }

// String prints kind and id, "workload/support-bot".
func (s Subject) String() string { return string(s.Kind) + "/" + s.ID }

// Compare orders workloads before what is unowned, and by id.
func (s Subject) Compare(o Subject) int {
	rank := func(k SubjectKind) int {
		switch k {
		case Workload:
			return 0
		case Unowned:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(s.Kind), rank(o.Kind)), strings.Compare(s.ID, o.ID))
}

// Band says how far a figure is from what was expected. A limit belongs to the
// milder band: exactly 2 % more is still neutral and exactly 10 % still amber.
type Band string

// The bands.
const (
	BandNone    Band = ""        // nothing was expected that could be held against it
	BandGreen   Band = "green"   // under, by more than the neutral limit
	BandNeutral Band = "neutral" // within ± 2 %
	BandAmber   Band = "amber"   // over, by up to 10 %
	BandRed     Band = "red"     // over, by more; or anything where nothing was to be used
)

// Against is a figure's standing against what was expected of the card's days. The
// fields are null where that is not known, and Percent where nothing was expected.
type Against struct {
	Expected decimal.NullDecimal `json:"expected"` // ten decimals
	Variance decimal.NullDecimal `json:"variance"` // actual less expected
	Percent  decimal.NullDecimal `json:"percent"`  // the variance, of what was expected; two decimals
	Band     Band                `json:"band,omitempty"`
}

// Line is one component of a card in one unit. A component that was expected and not
// used has a line too.
type Line struct {
	Component     pricing.Component   `json:"component"`
	Unit          pricing.Unit        `json:"unit,omitempty"`
	Usage         decimal.NullDecimal `json:"usage"`
	ExpectedUsage decimal.NullDecimal `json:"expected_usage"`
	Cost          decimal.Decimal     `json:"cost"`
	Against
}

// Key names a card. Cards are of one payer's book, as statements are.
type Key struct {
	Subject  Subject           `json:"subject"`
	Payer    string            `json:"payer"`
	Currency string            `json:"currency"`
	Week     estimate.Interval `json:"week"`
}

// Month returns the first day of the card's month.
func (k Key) Month() time.Time { return estimate.Calendar{}.Month(k.Week.From).From }

// Card is what one subject used in one week.
type Card struct {
	Key
	Basis      estimate.Basis `json:"basis"`
	Generation uint64         `json:"generation"` // of the book
	AsOf       time.Time      `json:"as_of"`      // of its delivery
	// Complete says that rows of all of the week's days have arrived; the card can be
	// opened from then on. Final says that all of it is on invoices.
	Complete bool            `json:"complete"`
	Final    bool            `json:"final"`
	Rows     int64           `json:"rows"`
	Lines    []Line          `json:"lines"` // in the order that reports show components
	Cost     decimal.Decimal `json:"cost"`
	Against
	// Outside is the part of Cost whose days are not in the month; zero as a rule.
	Outside decimal.Decimal `json:"outside"`
	// NotHeld says why there is an estimate and nothing is held against it: it is in
	// another currency or on another basis.
	NotHeld string `json:"not_held,omitempty"`
}

// Money is a part of a month by what is not a component: Cards and the month close
// are cut from it, and journals made of it.
type Money struct {
	Outcome attribution.Outcome    `json:"outcome"`
	Kind    attribution.ChargeKind `json:"kind,omitempty"`
	Reason  attribution.Reason     `json:"reason,omitempty"`
	// Workload is that of a default; the subject is who has to look after it.
	Workload attribution.WorkloadID `json:"workload,omitempty"`
	Account  string                 `json:"account,omitempty"`
	Invoice  string                 `json:"invoice,omitempty"`
	Rows     int64                  `json:"rows"`
	Amount   decimal.Decimal        `json:"amount"`
}

func (m *Money) compare(o *Money) int {
	return cmp.Or(cmp.Compare(m.Outcome, o.Outcome), cmp.Compare(m.Kind, o.Kind), cmp.Compare(m.Reason, o.Reason),
		cmp.Compare(m.Workload, o.Workload), cmp.Compare(m.Account, o.Account), cmp.Compare(m.Invoice, o.Invoice))
}

// onCards reports whether money of an outcome and kind is on weekly cards: usage that
// is, or should be, somebody's.
func onCards(o attribution.Outcome, k attribution.ChargeKind) bool {
	if k != attribution.Usage {
		return false
	}
	switch o {
	case attribution.Claimed, attribution.Shared, attribution.Defaulted, attribution.Unclaimed:
		return true
	}
	return false
}

// OnCards reports whether the money is on weekly cards; all else is on the month close.
func (m *Money) OnCards() bool { return onCards(m.Outcome, m.Kind) }

// Month is what there is of one subject in one month and currency.
type Month struct {
	Subject    Subject
	Payer      string
	Currency   string
	Period     estimate.Interval
	Generation uint64
	// Cards are those of all weeks of the month in which the subject used something
	// or was expected to, in order. A Rest has none.
	Cards []Card
	// Money is all of the subject's money. That which is on cards adds up to them.
	Money []Money
	// Judged is the usage on complete days, and Days how many of the month's are; of
	// what thresholds and forecasts are made.
	Judged decimal.Decimal
	Days   int
}

// Usage adds up the cards.
func (m *Month) Usage() decimal.Decimal {
	sum := decimal.Decimal{}
	for i := range m.Cards {
		sum = sum.Add(m.Cards[i].Cost)
	}
	return sum
}

// Total adds up all money, that of cards included.
func (m *Month) Total() decimal.Decimal {
	sum := decimal.Decimal{}
	for i := range m.Money {
		sum = sum.Add(m.Money[i].Amount)
	}
	return sum
}

// Card returns the card of the week that starts on a day, nil if there is none.
func (m *Month) Card(from time.Time) *Card {
	for i := range m.Cards {
		if m.Cards[i].Week.From.Equal(from) {
			return &m.Cards[i]
		}
	}
	return nil
}
