package governance

import (
	"fmt"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/governance/cards"
)

// KindRollUp is the kind of weekly roll-ups of a node of the hierarchy, typically a
// portfolio. Its body is a *[PortfolioWeek]. Its one action is approve, by
// [Desk.ApproveRollUp], which approves the accepted cards first; given again, it
// takes in what was an exception before.
const KindRollUp Kind = "rollup"

// RollUpApproved is the state of a roll-up; what nobody agreed to is inside.
const RollUpApproved State = "approved"

// PortfolioWeek is the body of a roll-up.
type PortfolioWeek struct {
	RollUpDetail
}

// RollUpDetail is the detail of approve: roll-ups of one node and week, by currency.
type RollUpDetail struct {
	RollUps []cards.RollUp `json:"rollups"`
}

// RollUpRef names the roll-up of a node's week.
func RollUpRef(node, payer string, week time.Time) Ref {
	return Ref{Kind: KindRollUp, ID: payer + "/" + week.UTC().Format(time.DateOnly) + "/" + node}
}

// rollUpNode returns the node that a roll-up's id names.
func rollUpNode(id string) string {
	parts := strings.SplitN(id, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

var guardInFull = Guard{"in_full", "what is agreed and the exceptions listed are the total", func(r *ruling) error {
	for _, u := range r.detail.(*RollUpDetail).RollUps {
		sum := u.Agreed.Add(u.MoreAmount)
		for _, e := range u.Exceptions {
			sum = sum.Add(e.Amount)
		}
		if u.Portfolio != rollUpNode(r.cmd.Subject.ID) || !sum.Equal(u.Total) {
			return fmt.Errorf("%s of %s in %s", sum, u.Total, u.Currency)
		}
	}
	return nil
}}

func rollUpRules() *kindRules {
	return &kindRules{
		rows: func() []Transition {
			return rows(KindRollUp, []State{None, RollUpApproved}, "approve", []Role{PortfolioOwner}, RollUpApproved, Transition{Guards: []Guard{guardInFull}, Tell: true})
		},
		final:  []State{RollUpApproved},
		body:   func() any { return new(PortfolioWeek) },
		detail: func(Action) any { return new(RollUpDetail) },
		place:  func(r *ruling) string { return rollUpNode(r.cmd.Subject.ID) },
		apply: func(s *Subject, _ *Event, detail any) error {
			if d, ok := detail.(*RollUpDetail); ok {
				s.Body.(*PortfolioWeek).RollUpDetail = *d
			}
			return nil
		},
		summary: func(s *Subject) any {
			var out []map[string]any
			for _, u := range s.Body.(*PortfolioWeek).RollUps {
				out = append(out, map[string]any{"currency": u.Currency, "total": u.Total, "agreed": u.Agreed, "exceptions": len(u.Exceptions)})
			}
			return out
		},
	}
}
