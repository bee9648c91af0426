package governance

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/governance/cards"
)

// KindClose is the kind of month closes, one for each payer and month. Its body is a
// *[MonthClose]. It has the money that is on no weekly card (tax, credits, discounts,
// fees and what is spread), and lists by name and amount what nobody has agreed to.
//
//	sync   the cards have followed a generation of the statement; by the desk
//	close  the FinOps Lead closes the books; see [Desk.CloseMonth]
//
// What a statement says of a closed month later is cut into adjustments.
const KindClose Kind = "close"

// The states of a month close.
const (
	CloseOpen   State = "open"
	CloseClosed State = "closed"
)

// MonthClose is the body of a month close.
type MonthClose struct {
	Payer string    `json:"payer"`
	Month time.Time `json:"month"` // its first day
	// Generation is the one that all cards have followed, and Sums what it says.
	Generation uint64     `json:"generation"`
	AsOf       time.Time  `json:"as_of"`
	Sums       []CloseSum `json:"sums"`
	// Closes is what was closed, by currency; nil before.
	Closes []cards.Close `json:"closes,omitempty"`
}

// CloseSum is what a statement says in one currency: what is on cards, what is of the
// month, and what is excluded or rejected.
type CloseSum struct {
	Currency string          `json:"currency"`
	OnCards  decimal.Decimal `json:"on_cards"`
	Level    decimal.Decimal `json:"month_level"`
	Outside  decimal.Decimal `json:"outside"`
}

// SyncDetail is the detail of sync.
type SyncDetail struct {
	Generation uint64     `json:"generation"`
	AsOf       time.Time  `json:"as_of"`
	Sums       []CloseSum `json:"sums"`
}

// CloseDetail is the detail of close.
type CloseDetail struct {
	Closes []cards.Close `json:"closes"`
}

// CloseRef names the month close of a payer and month.
func CloseRef(payer string, month time.Time) Ref {
	return Ref{Kind: KindClose, ID: payer + "/" + month.UTC().Format("2006-01")}
}

var (
	guardMonthOver = Guard{"month_over", "the month is over and all of its days are complete", func(r *ruling) error {
		c := r.Subject.Body.(*MonthClose)
		p := r.Policy.cards()
		if last := c.Month.AddDate(0, 1, -1); !p.fresh(c.AsOf).Complete(last) {
			return fmt.Errorf("the delivery of %s does not complete %s", date(c.AsOf), last.Format(time.DateOnly))
		}
		return nil
	}}
	guardAddsUp = Guard{"adds_up", "approved, adjusted, drifting and open money, that of the month and that outside of the scope are the statement that all cards have followed", func(r *ruling) error {
		b, d := r.Subject.Body.(*MonthClose), r.detail.(*CloseDetail)
		for i := range d.Closes {
			c := &d.Closes[i]
			if err := c.Check(); err != nil {
				return err
			}
			if c.Payer != b.Payer || !c.Month.From.Equal(b.Month) || c.Generation != b.Generation {
				return fmt.Errorf("it is of payer %q, %s, generation %d", c.Payer, c.Month, c.Generation)
			}
		}
		for _, s := range b.Sums {
			found := false
			for _, c := range d.Closes {
				found = found || c.Currency == s.Currency && c.Statement.Equal(decimal.Sum(s.OnCards, s.Level, s.Outside))
			}
			if !found {
				return fmt.Errorf("the statement in %q is not in it", s.Currency)
			}
		}
		return nil
	}}
	guardExceptions = Guard{"exceptions_named", "where exceptions stand the rationale says why the books are closed over them", func(r *ruling) error {
		n := 0
		for _, c := range r.detail.(*CloseDetail).Closes {
			n += len(c.Exceptions) + c.More
		}
		if n > 0 && strings.TrimSpace(r.cmd.Rationale) == "" {
			return fmt.Errorf("%d exceptions and no rationale", n)
		}
		return nil
	}}
)

func closeRows() []Transition {
	k, system := KindClose, []Role{Scheduler}
	table := rows(k, []State{None, CloseOpen}, "sync", system, CloseOpen, Transition{})
	table = append(table, rows(k, []State{CloseClosed}, "sync", system, CloseClosed, Transition{})...)
	table = append(table, rows(k, []State{CloseOpen}, "close", []Role{FinOpsLead}, CloseClosed,
		Transition{Guards: []Guard{guardMonthOver, guardAddsUp, guardExceptions}, Tell: true})...)
	return table
}

func closeRules() *kindRules {
	return &kindRules{
		rows:  closeRows,
		final: []State{CloseClosed},
		body:  func() any { return new(MonthClose) },
		detail: func(a Action) any {
			if a == "close" {
				return new(CloseDetail)
			}
			return new(SyncDetail)
		},
		decide: func(r *ruling) error {
			d, ok := r.detail.(*SyncDetail)
			if !ok {
				return nil
			}
			d.AsOf = d.AsOf.UTC()
			if b, ok := r.Subject.Body.(*MonthClose); ok && d.Generation < b.Generation {
				return fmt.Errorf("%w: generation %d after %d", ErrDates, d.Generation, b.Generation)
			}
			payer, month, _ := strings.Cut(r.cmd.Subject.ID, "/")
			if _, err := time.Parse("2006-01", month); err != nil || payer+"/"+month != r.cmd.Subject.ID {
				return fmt.Errorf("%w: %q names no payer and month", ErrDetail, r.cmd.Subject.ID)
			}
			return nil
		},
		apply: func(s *Subject, e *Event, detail any) error {
			c := s.Body.(*MonthClose)
			switch d := detail.(type) {
			case *SyncDetail:
				c.Generation, c.AsOf, c.Sums = d.Generation, d.AsOf, d.Sums
				if c.Month.IsZero() {
					payer, month, _ := strings.Cut(s.Ref.ID, "/")
					at, err := time.Parse("2006-01", month)
					if err != nil {
						return err
					}
					c.Payer, c.Month = payer, at
				}
			case *CloseDetail:
				c.Closes = d.Closes
			}
			return nil
		},
		waits: func(s *Subject) (Turn, bool) {
			if s.State != CloseOpen {
				return Turn{}, false
			}
			return Turn{Role: FinOpsLead, Due: s.Body.(*MonthClose).Month.AddDate(0, 1, 8)}, true
		},
		summary: func(s *Subject) any {
			c := s.Body.(*MonthClose)
			return map[string]any{"generation": c.Generation, "sums": c.Sums}
		},
	}
}
