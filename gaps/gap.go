package gaps

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Gap is what one statement shows of a gap.
type Gap struct {
	ID       ID        `json:"id"`
	Kind     Kind      `json:"kind"`
	Remedy   Remedy    `json:"remedy"`
	Payer    string    `json:"payer"`
	Currency string    `json:"currency"`
	Period   cur.Month `json:"period"`
	Subject  Subject   `json:"subject"`
	Evidence Evidence  `json:"evidence"`
	// Candidates are the workloads that could own it, best first; none where it is
	// not ownership that is missing.
	Candidates []Candidate `json:"candidates,omitempty"`
	// Notify says who should hear of it, Escalate who after that, one after the other,
	// when nothing is done.
	Notify   Notification   `json:"notify"`
	Escalate []Notification `json:"escalate,omitempty"`
	// Material says that the gap reaches its limit; one that does not is stored and
	// reported, but routed to nobody.
	Material bool `json:"material"`
	// Example is the key of the gap's most expensive rows, nil for a gap without any.
	Example *cur.Key `json:"example,omitempty"`
}

// Evidence is what a gap rests on. All money is usage at unblended cost.
type Evidence struct {
	// Anchor is one spelling as billed; "" where the rows have none.
	Anchor     string              `json:"anchor"`
	Accounts   []string            `json:"accounts"`
	Regions    []string            `json:"regions"` // without those that are unknown
	Components []pricing.Component `json:"components"`
	FirstSeen  time.Time           `json:"first_seen,omitzero"` // days, UTC, in the statement
	LastSeen   time.Time           `json:"last_seen,omitzero"`
	Rows       int64               `json:"rows"`
	// Spend is all that is in the gap, provisional days included. Counted is what is
	// in no gap of an earlier kind: it adds up across gaps.
	Spend   decimal.Decimal `json:"spend"`
	Counted decimal.Decimal `json:"counted"`
	// ByAccount is Counted by account; it adds up to it.
	ByAccount []AccountAmount `json:"by_account,omitempty"`
	// RunRate is per complete day since the first, Projected what the billing period
	// comes to at that rate; null as long as no day is complete.
	RunRate   decimal.NullDecimal `json:"run_rate"`
	Projected decimal.NullDecimal `json:"projected"`
	Why       string              `json:"why"`
	// Steps led to the assignment of the most expensive rows.
	Steps      []attribution.Step `json:"-"`
	NearMisses []NearMiss         `json:"near_misses,omitempty"`
	Claims     []string           `json:"claims,omitempty"`
	Approval   string             `json:"approval,omitempty"`
	Warnings   []string           `json:"warnings,omitempty"`
	// Query returns the gap's rows from a CUR 2.0 table in Athena.
	Query string `json:"query,omitempty"`
}

// AccountAmount is what an account has of a gap.
type AccountAmount struct {
	Account string          `json:"account"`
	Counted decimal.Decimal `json:"counted"`
}

// NearMiss is a claim that nearly reaches a gap.
type NearMiss struct {
	Claim    attribution.ClaimID      `json:"claim"`
	Anchor   string                   `json:"anchor"`
	Workload []attribution.WorkloadID `json:"workloads"`
	Why      attribution.Miss         `json:"why"`
	// Dead says that the claim takes hold of nothing else either: the claim and the
	// gap are most likely one mistake.
	Dead bool `json:"dead"`
}

// Candidate is a workload that could own what nobody owns. It is never booked by
// itself.
type Candidate struct {
	Workload attribution.WorkloadID `json:"workload"`
	Owner    string                 `json:"owner"`
	// Score is the sum of the reasons' points. It orders candidates and is no
	// probability.
	Score   int      `json:"score"`
	Reasons []Reason `json:"reasons"`
}

// Reason is one thing that speaks for a candidate.
type Reason struct {
	Code   string `json:"code"` // session, execution_role, near_miss, tag, naming, account, region or overlap
	Points int    `json:"points"`
	Detail string `json:"detail"`
}

// Notification is who should hear of a gap, and why that person.
type Notification struct {
	To  string `json:"to"` // "" when nobody is known
	As  string `json:"as"` // workload_owner, account_owner or finops_lead
	Why string `json:"why"`
}
