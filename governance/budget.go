package governance

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// KindBudget is the kind of yearly budgets of workloads; the id is the first month,
// "2026-01", see [BudgetRef]. Its body is a *[Budget].
//
//	set       the annual figure, from Finance; [AnnualDetail]
//	submit    the owner schedules its months; [MonthsDetail]
//	approve   the Portfolio Owner agrees; reject sends it back
//	replan    the owner asks for other months from now on, and why; [MonthsDetail]
//	approve_replan, reject_replan, withdraw_replan
//	cross     spending has reached a share of a month's budget; [CrossDetail], by the
//	          desk, once for each share and month
const KindBudget Kind = "budget"

// The states of a budget.
const (
	BudgetDrafted   State = "drafted"
	BudgetSubmitted State = "submitted"
	BudgetApproved  State = "approved"
	BudgetReplanned State = "replan_requested"
)

// Budget is the body of a budget.
type Budget struct {
	Holder
	Budget estimate.Budget `json:"budget"`
	// Proposed are the months that wait for an answer.
	Proposed []estimate.MonthBudget `json:"proposed,omitempty"`
	// Crossed are the thresholds that were told of.
	Crossed []CrossDetail `json:"crossed,omitempty"`
}

// AnnualDetail is the detail of set.
type AnnualDetail struct {
	Holder
	Annual   decimal.Decimal `json:"annual"`
	Currency string          `json:"currency"`
}

// MonthsDetail is the detail of submit and replan: what each month may cost. Submit
// without months spreads the annual figure, by Weights if there are any.
type MonthsDetail struct {
	Months  []estimate.MonthBudget `json:"months,omitempty"`
	Weights []decimal.Decimal      `json:"weights,omitempty"`
}

// CrossDetail is the detail of cross: thresholds and the month they were reached in,
// by the spending in one payer's book.
type CrossDetail struct {
	Month     time.Time        `json:"month"`
	Payer     string           `json:"payer"`
	Crossings []cards.Crossing `json:"crossings"`
}

// reported returns the thresholds of the month of a day that were told of.
func (b *Budget) reported(in time.Time) (out []cards.Threshold) {
	month := estimate.Calendar{}.Month(in).From
	for _, c := range b.Crossed {
		if c.Month.Equal(month) {
			for _, x := range c.Crossings {
				out = append(out, x.Threshold)
			}
		}
	}
	return out
}

// BudgetRef names the budget of a workload's year that a day is in, where years start
// with a month; 0 is January.
func BudgetRef(workload attribution.WorkloadID, day time.Time, start time.Month) Ref {
	first := estimate.Calendar{}.Month(day).From
	start = cmp.Or(start, time.January)
	for first.Month() != start {
		first = first.AddDate(0, -1, 0)
	}
	return Ref{Kind: KindBudget, Workload: workload, ID: first.Format("2006-01")}
}

var (
	guardOnce = Guard{"once", "nobody was told of the thresholds in that month before", func(r *ruling) error {
		b, d := r.Subject.Body.(*Budget), r.detail.(*CrossDetail)
		reported := b.reported(d.Month)
		for _, x := range d.Crossings {
			if slices.ContainsFunc(reported, func(t cards.Threshold) bool { return t.Of == x.Of && t.Percent.Equal(x.Percent) }) {
				return fmt.Errorf("%s of %s was told of", x.Threshold, d.Month.Format("2006-01"))
			}
			reported = append(reported, x.Threshold)
		}
		return nil
	}}
	guardReached = Guard{"reached", "the values have reached the thresholds of the month's budget", func(r *ruling) error {
		b, d := r.Subject.Body.(*Budget), r.detail.(*CrossDetail)
		limit := b.Budget.Month(d.Month)
		for _, x := range d.Crossings {
			if !limit.Valid || !limit.Decimal.Equal(x.Limit) {
				return fmt.Errorf("%s has no budget of %s", d.Month.Format("2006-01"), x.Limit)
			}
			if x.Of == cards.Actual && !estimate.Reached(x.Value, x.Limit, x.Percent) {
				return fmt.Errorf("%s has not reached %s %% of %s", x.Value, x.Percent, x.Limit)
			}
		}
		return nil
	}}
	guardAsker = Guard{"asker", "the person is the budget's owner, or acts on his behalf", func(r *ruling) error {
		if h := holderOf(r.Subject.Body); !r.is(h.Owner) {
			return fmt.Errorf("the budget is %q's", h.Owner)
		}
		return nil
	}}
)

func budgetRows() []Transition {
	k := KindBudget
	po, portfolio, lead, system := []Role{ProductOwner}, []Role{PortfolioOwner}, []Role{FinOpsLead, Scheduler}, []Role{Scheduler}
	from := func(s ...State) []State { return s }
	asked := Transition{Guards: []Guard{guardAsker}, Takes: Requester}
	crossing := Transition{Guards: []Guard{guardReached, guardOnce}, Tell: true}
	why := asked
	why.Why, why.Tell = true, true
	return slices.Concat(
		rows(k, from(None, BudgetDrafted), "set", lead, BudgetDrafted, Transition{}),
		rows(k, from(BudgetDrafted), "submit", po, BudgetSubmitted, asked),
		rows(k, from(BudgetSubmitted), "approve", portfolio, BudgetApproved, Transition{Takes: Approver, Tell: true}),
		rows(k, from(BudgetSubmitted), "reject", portfolio, BudgetDrafted, Transition{Takes: Approver, Why: true, Tell: true}),
		rows(k, from(BudgetApproved), "replan", po, BudgetReplanned, why),
		rows(k, from(BudgetReplanned), "approve_replan", portfolio, BudgetApproved, Transition{Takes: Approver, Tell: true}),
		rows(k, from(BudgetReplanned), "reject_replan", portfolio, BudgetApproved, Transition{Takes: Approver, Why: true, Tell: true}),
		rows(k, from(BudgetReplanned), "withdraw_replan", po, BudgetApproved, Transition{Guards: []Guard{guardAsker}}),
		rows(k, from(BudgetApproved), "cross", system, BudgetApproved, crossing),
		rows(k, from(BudgetReplanned), "cross", system, BudgetReplanned, crossing),
		// A budget that is in force may change hands.
		rows(k, from(BudgetApproved), "hand_over", system, BudgetApproved, Transition{}),
	)
}

func budgetRules() *kindRules {
	return &kindRules{
		rows: budgetRows,
		body: func() any { return new(Budget) },
		detail: func(a Action) any {
			switch a {
			case "set":
				return new(AnnualDetail)
			case "submit", "replan":
				return new(MonthsDetail)
			case "cross":
				return new(CrossDetail)
			case "hand_over":
				return new(Holder)
			}
			return nil
		},
		place:  budgetPlace,
		decide: decideBudget,
		apply:  applyBudget,
		waits: func(s *Subject) (Turn, bool) {
			b := s.Body.(*Budget)
			switch s.State {
			case BudgetDrafted:
				return Turn{Person: b.Owner, Role: ProductOwner, Node: b.Node}, b.Owner != ""
			case BudgetSubmitted, BudgetReplanned:
				return Turn{Role: PortfolioOwner, Node: b.Node}, true
			}
			return Turn{}, false
		},
		summary: func(s *Subject) any {
			b := s.Body.(*Budget)
			return map[string]any{"name": b.Name, "owner": b.Owner, "node": b.Node, "annual": b.Budget.Annual, "currency": b.Budget.Currency}
		},
	}
}

func budgetPlace(r *ruling) string {
	if d, ok := r.detail.(*AnnualDetail); ok && r.Subject.State == None {
		return d.Node
	}
	return holderOf(r.Subject.Body).Node
}

func decideBudget(r *ruling) error {
	fail := func(err error) error { return fmt.Errorf("%w: %w", ErrDetail, err) }
	switch d := r.detail.(type) {
	case *AnnualDetail:
		first, err := time.Parse("2006-01", r.cmd.Subject.ID)
		if err != nil {
			return fmt.Errorf("%w: %q is no first month of a year", ErrDetail, r.cmd.Subject.ID)
		}
		if _, err := estimate.Spread(d.Annual, d.Currency, first, nil); err != nil {
			return fail(err)
		}
	case *MonthsDetail:
		b := r.Subject.Body.(*Budget)
		if r.cmd.Action == "replan" {
			next, err := cards.Replan(b.Budget, d.Months, r.now)
			if err != nil {
				return fail(err)
			}
			d.Months = next.Months // the event says the whole plan
			break
		}
		next := b.Budget
		if len(d.Months) == 0 {
			spread, err := estimate.Spread(b.Budget.Annual, b.Budget.Currency, b.Budget.Year.From, d.Weights)
			if err != nil {
				return fail(err)
			}
			d.Months, d.Weights = spread.Months, nil
		}
		next.Months = d.Months
		if err := next.Check(); err != nil {
			return fail(err)
		}
	case *CrossDetail:
		d.Month = estimate.Calendar{}.Month(d.Month).From
	}
	return nil
}

func applyBudget(s *Subject, e *Event, detail any) error {
	b := s.Body.(*Budget)
	switch d := detail.(type) {
	case *AnnualDetail:
		first, err := time.Parse("2006-01", s.Ref.ID)
		if err != nil {
			return err
		}
		b.Holder = d.Holder
		b.Budget = estimate.Budget{Year: estimate.Calendar{}.Year(first), Basis: estimate.UsageUnblended, Currency: d.Currency, Annual: d.Annual}
	case *MonthsDetail:
		b.Proposed = d.Months
	case *CrossDetail:
		b.Crossed = append(b.Crossed, *d)
	case *Holder:
		b.Holder = *d
	}
	switch e.Action {
	case "approve", "approve_replan":
		b.Budget.Months, b.Proposed = b.Proposed, nil
	case "reject", "reject_replan", "withdraw_replan":
		b.Proposed = nil
	}
	return nil
}
