package governance

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// KindAdjustment is the kind of adjustment cards: what approved cards of one subject
// and month have come to differ by, one for each however often a month is restated.
// Its body is an *[Adjustment]. [Desk.SyncCards] cuts it when the slice is invoiced,
// when the drift is material, or when a closed month changes, and cuts it anew when
// the same becomes true of what it does not hold; people decide on it as on a card.
const KindAdjustment Kind = "adjustment"

// AdjustmentVoid is the state of an adjustment whose drift has gone away before
// anybody decided on it.
const AdjustmentVoid State = "void"

// Adjustment is the body of an adjustment card.
type Adjustment struct {
	Holder
	// Adjustment is the drift that it takes, all of it since the cards were approved,
	// whatever it took before.
	Adjustment cards.Adjustment `json:"adjustment"`
	// Approved is how much of it was approved before it was cut anew.
	Approved    decimal.Decimal   `json:"approved"`
	Within      time.Duration     `json:"within"`
	Reason      string            `json:"reason,omitempty"`
	Correction  *CorrectionDetail `json:"correction,omitempty"`
	Escalations []Escalation      `json:"escalations,omitempty"`
}

// AdjustmentDetail is the detail of cut, follow, recut and void.
type AdjustmentDetail struct {
	Holder
	Adjustment cards.Adjustment `json:"adjustment"`
	Within     time.Duration    `json:"within,omitempty"`
}

// AdjustmentRef names the adjustment of a subject's month, of any week in it.
func AdjustmentRef(k cards.Key) Ref {
	return subjectRef(KindAdjustment, k.Subject, k.Payer+"/"+k.Currency+"/"+k.Week.From.Format("2006-01"))
}

func adjustmentKey(a *cards.Adjustment) cards.Key {
	return cards.Key{Subject: a.Subject, Payer: a.Payer, Currency: a.Currency, Week: a.Month}
}

func adjustmentRows() []Transition {
	k, system := KindAdjustment, []Role{Scheduler}
	table := rows(k, []State{None, AdjustmentVoid}, "cut", system, CardOpen, Transition{Tell: true})
	table = append(table, cardRows(k)...)
	for _, s := range []State{CardOpen, CardReturned, CardDisputed} {
		table = append(table, rows(k, []State{s}, "follow", system, s, Transition{})...)
		table = append(table, rows(k, []State{s}, "void", system, AdjustmentVoid, Transition{})...)
	}
	table = append(table, rows(k, []State{CardAccepted, CardApproved}, "recut", system, CardOpen, Transition{Tell: true})...)
	return table
}

func adjustmentRules() *kindRules {
	return &kindRules{
		rows: adjustmentRows,
		body: func() any { return new(Adjustment) },
		detail: func(a Action) any {
			switch a {
			case "cut", "follow", "recut", "void":
				return new(AdjustmentDetail)
			}
			return decisionDetail(a)
		},
		needs:  holderNeeds,
		place:  func(r *ruling) string { return holderOf(r.Subject.Body).Node },
		decide: decideAdjustment,
		apply:  applyAdjustment,
		waits: func(s *Subject) (Turn, bool) {
			a := s.Body.(*Adjustment)
			return cardTurn(s, &a.Holder, a.Within)
		},
		summary: func(s *Subject) any {
			a := s.Body.(*Adjustment)
			return AdjustmentSummary{Holder: a.Holder, Key: adjustmentKey(&a.Adjustment), Amount: a.Adjustment.Amount, Approved: a.Approved,
				Trigger: a.Adjustment.Trigger, Causes: a.Adjustment.Causes}
		},
		shelf: func(s *Subject) string {
			a := &s.Body.(*Adjustment).Adjustment
			return a.Payer + "/" + a.Month.From.Format("2006-01")
		},
	}
}

// AdjustmentSummary is what the registry says of an adjustment.
type AdjustmentSummary struct {
	Holder
	cards.Key                 // the week is the month
	Amount    decimal.Decimal `json:"amount"`
	Approved  decimal.Decimal `json:"approved"` // of it, before it was cut anew
	Trigger   cards.Trigger   `json:"trigger"`
	Causes    []cards.Cause   `json:"causes"`
}

func decideAdjustment(r *ruling) error {
	switch d := r.detail.(type) {
	case *AdjustmentDetail:
		if got := AdjustmentRef(adjustmentKey(&d.Adjustment)); got != r.cmd.Subject {
			return fmt.Errorf("%w: the figures are of %s", ErrDetail, got)
		}
		if (estimate.Calendar{}).Month(d.Adjustment.Month.From) != d.Adjustment.Month {
			return fmt.Errorf("%w: %s is not a month", ErrDetail, d.Adjustment.Month)
		}
		p := r.Policy.cards()
		d.Within = p.Within
	case *EscalationDetail:
		r.escalate(d)
	}
	return nil
}

func applyAdjustment(s *Subject, e *Event, detail any) error {
	a := s.Body.(*Adjustment)
	switch d := detail.(type) {
	case *AdjustmentDetail:
		if e.Action == "recut" && e.From == CardApproved {
			a.Approved = a.Adjustment.Amount
		}
		a.Holder, a.Adjustment, a.Within = d.Holder, d.Adjustment, d.Within
	case *CorrectionDetail:
		a.Correction = d
	case *EscalationDetail:
		a.Escalations = append(a.Escalations, Escalation{e.At, e.To, d.To})
	}
	switch e.Action {
	case "dispute", "return":
		a.Reason = e.Rationale
	case "accept", "uphold":
		a.Correction = nil
	}
	return nil
}
