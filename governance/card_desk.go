package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// RollUpOf names the cards of a roll-up: those at a node of the hierarchy or below it,
// of the week that starts on a day.
type RollUpOf struct {
	Node  string
	Payer string
	Week  time.Time // any time in it
}

// RollUp adds up the cards of a node's week as they stand, one roll-up for each
// currency. Cards that are approved count where they were when that was done.
func (d *Desk) RollUp(ctx context.Context, of RollUpOf) ([]cards.RollUp, error) {
	ups, _, err := d.rollUp(ctx, of)
	return ups, err
}

// rollUp also returns the cards, in the order of the registry.
func (d *Desk) rollUp(ctx context.Context, of RollUpOf) ([]cards.RollUp, []*Subject, error) {
	p := d.policy.cards()
	week := p.Calendar.Week(of.Week)
	var standing []cards.Standing
	var found []*Subject
	var currencies []string
	for l, err := range d.Shelf(ctx, KindCard, cardShelf(cards.Key{Payer: of.Payer, Week: week})) {
		if err != nil {
			return nil, nil, err
		}
		var c CardSummary
		if err := json.Unmarshal(l.Summary, &c); err != nil {
			return nil, nil, fmt.Errorf("governance: roll-up of %q: %s: %w", of.Node, l.Subject, err)
		}
		if !slices.Contains(c.Path, of.Node) {
			continue
		}
		s, err := d.Subject(ctx, l.Subject)
		if err != nil {
			return nil, nil, err
		}
		b := s.Body.(*SpendCard)
		standing = append(standing, b.standing(s.State))
		found = append(found, s)
		currencies = append(currencies, b.Card.Currency)
	}
	slices.Sort(currencies)
	o := p.options(nil, week.From)
	var out []cards.RollUp
	for _, c := range slices.Compact(currencies) {
		out = append(out, cards.NewRollUp(of.Node, week, c, standing, &o))
	}
	return out, found, nil
}

// standing is how a card stands in roll-ups and closes.
func (c *SpendCard) standing(s State) cards.Standing {
	return cards.Standing{Subject: c.Card.Subject, Name: c.Name, Week: c.Card.Week, Currency: c.Card.Currency, Approval: cards.Approval(s), Reason: c.reason(s),
		Lines: c.Card.Lines, Cost: c.Card.Cost, Drift: c.Drift.Cost, Against: c.Card.Against}
}

// reason is why the card is where it is.
func (c *SpendCard) reason(s State) string {
	if s == CardDisputed || s == CardReturned {
		return c.Reason
	}
	return ""
}

// ApproveRollUp approves every accepted card of a node's week, as the command's actor,
// and then records the roll-up, whose exceptions are what nobody has agreed to. The
// command's subject, action and detail are filled in. Given again after an
// interruption it goes on; given again later, under another id, it takes in what was
// agreed to since.
//
// A card that its approver may not approve, for he accepted it or it is not in his
// part of the hierarchy, ends it with that refusal.
func (d *Desk) ApproveRollUp(ctx context.Context, c Command, of RollUpOf) (Result, error) {
	_, found, err := d.rollUp(ctx, of)
	if err != nil {
		return Result{}, err
	}
	p := d.policy.cards()
	c.Subject, c.Action, c.Detail = RollUpRef(of.Node, of.Payer, p.Calendar.Week(of.Week).From), "approve", nil
	if len(found) == 0 {
		return Result{}, (&ruling{Case: Case{Policy: d.policy, Subject: Subject{Ref: c.Subject}}, cmd: c}).refused(fmt.Errorf("%w: no card of that week is at %q or below", ErrUnknownSubject, of.Node))
	}
	for _, s := range found {
		if s.State != CardAccepted {
			continue
		}
		_, err := d.Do(ctx, Command{ID: "rollup/" + short(c.ID+" "+s.Ref.String()), Actor: c.Actor, Role: c.Role, Subject: s.Ref, Action: "approve",
			Expect: s.Version, Rationale: c.Rationale})
		if err != nil {
			return Result{}, err
		}
	}
	ups, _, err := d.rollUp(ctx, of)
	if err != nil {
		return Result{}, err
	}
	c.Detail = RollUpDetail{RollUps: ups}
	return d.Do(ctx, c)
}

// MonthClose works out where all of a payer's month stands, for each currency: what is
// approved, adjusted, drifting and open, what is of the month as a whole, and by name
// and amount what nobody has agreed to. Nothing is written. The cards have to have
// followed the newest generation, see [Desk.SyncCards]; a Close whose Check fails says
// that they have not.
func (d *Desk) MonthClose(ctx context.Context, l *ledger.Ledger, payer string, period cur.Month) ([]cards.Close, error) {
	fail := func(err error) ([]cards.Close, error) {
		return nil, fmt.Errorf("governance: close of payer %q, %s: %w", payer, period, err)
	}
	g, err := l.Head(ctx, payer, period)
	if err != nil {
		return fail(err)
	}
	dir, err := d.Directory(ctx)
	if err != nil {
		return fail(err)
	}
	p := d.policy.cards()
	o := p.options(dir, period.Start())
	var closing cards.Closing
	seen := map[string]bool{}
	add := func(m *cards.Month) error {
		if seen[m.Subject.String()+" "+m.Currency] {
			return nil
		}
		seen[m.Subject.String()+" "+m.Currency] = true
		rec, err := d.records(ctx, m, p.BudgetYear)
		if err != nil {
			return err
		}
		closing.Add(m, rec.state())
		return nil
	}
	b, err := cards.NewBook(g, l.ScanTotals(ctx, g), &o)
	if err != nil {
		return fail(err)
	}
	for m, err := range b.Months() {
		if err == nil {
			err = add(m)
		}
		if err != nil {
			return fail(err)
		}
	}
	for _, w := range b.Weeks() {
		for x, err := range d.Shelf(ctx, KindCard, cardShelf(cards.Key{Payer: payer, Week: w})) {
			var c CardSummary
			if err == nil {
				err = json.Unmarshal(x.Summary, &c)
			}
			if err == nil {
				err = add(&cards.Month{Subject: c.Subject, Payer: payer, Currency: c.Currency, Period: monthOf(period), Generation: g.Number})
			}
			if err != nil {
				return fail(err)
			}
		}
	}
	return closing.Closes(), nil
}

// state is what a close says of records.
func (r *records) state() *cards.State {
	s := &cards.State{}
	for _, c := range r.cards {
		b := c.Body.(*SpendCard)
		s.Name = b.Name
		s.Cards = append(s.Cards, b.standing(c.State))
	}
	if a := r.adjustment; a != nil && a.State != AdjustmentVoid {
		b := a.Body.(*Adjustment)
		s.Adjustment = &cards.Standing{Subject: b.Adjustment.Subject, Name: b.Name, Week: b.Adjustment.Month, Currency: b.Adjustment.Currency,
			Approval: cards.Approval(a.State), Reason: b.Reason, Cost: b.Adjustment.Amount}
	}
	return s
}

// CloseMonth closes the books of a payer's month as the command's actor: it works out
// [Desk.MonthClose] and carries the command out with it. The command's subject, action
// and detail are filled in; with exceptions it has to have a rationale.
func (d *Desk) CloseMonth(ctx context.Context, l *ledger.Ledger, payer string, period cur.Month, c Command) (Result, error) {
	closes, err := d.MonthClose(ctx, l, payer, period)
	if err != nil {
		return Result{}, err
	}
	c.Subject, c.Action, c.Detail = CloseRef(payer, period.Start()), "close", CloseDetail{Closes: closes}
	return d.Do(ctx, c)
}

// EscalateCards tells of cards and adjustments on which a decision is overdue: first
// the Portfolio Owner, and each time the same wait goes on for as long again, the
// FinOps Lead. Each is told of once. It returns how many were; where one is refused
// it goes on, and the errors are joined.
func (d *Desk) EscalateCards(ctx context.Context) (int, error) {
	now := d.now().UTC().Round(0)
	dir, err := d.Directory(ctx)
	if err != nil {
		return 0, err
	}
	turns := []Turn{{Role: FinOpsLead}, {Role: PortfolioOwner}, {Role: ProductOwner}}
	for id := range dir.people {
		turns = append(turns, Turn{Person: id})
	}
	done := 0
	var all []error
	for _, t := range turns {
		for l, err := range d.Queue(ctx, t) {
			if err != nil {
				return done, errors.Join(append(all, err)...)
			}
			if l.Subject.Kind != KindCard && l.Subject.Kind != KindAdjustment || l.Turn.Due.After(now) {
				continue
			}
			ok, err := d.escalate(ctx, l.Subject, now)
			if ok {
				done++
			}
			if err != nil {
				all = append(all, err)
			}
		}
	}
	return done, errors.Join(all...)
}

func (d *Desk) escalate(ctx context.Context, ref Ref, now time.Time) (bool, error) {
	s, err := d.Subject(ctx, ref)
	if err != nil {
		return false, err
	}
	if _, due := overdue(s); now.Before(due) {
		return false, nil
	}
	_, err = d.do(ctx, Command{ID: "escalate/" + short(fmt.Sprintf("%s %d", ref, s.Version)), Actor: System, Subject: ref, Action: "escalate", Expect: s.Version}, now)
	if errors.Is(err, ErrStale) {
		return false, nil // it moved on
	}
	return err == nil, err
}
