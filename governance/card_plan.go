package governance

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// follower works out what has to be done so that the records of one subject's month
// follow a generation of the statement. It is pure: the same records, the same month
// and the same generation give the same commands.
type follower struct {
	policy     CardPolicy
	generation ledger.Generation
	synced     uint64 // the generation that all cards have followed
	closed     bool   // the books of the month are
	holder     Holder
	month      *cards.Month
	records    records
	// causes of what changed since a generation of the book, exclusive.
	causes func(since uint64) ([]cards.Cause, error)
}

// records are what is on record of one subject's month.
type records struct {
	cards      map[int64]*Subject // by the first day of the week
	adjustment *Subject
	budget     *Subject
}

// follow returns the commands, each on another subject.
func (f *follower) follow() ([]Command, error) {
	var out []Command
	seen := map[int64]bool{}
	for i := range f.month.Cards {
		c := &f.month.Cards[i]
		at := c.Week.From.Unix()
		seen[at] = true
		cmd, err := f.card(f.records.cards[at], c)
		if err != nil {
			return nil, err
		}
		out = append(out, cmd...)
	}
	for _, at := range slices.Sorted(maps.Keys(f.records.cards)) {
		s := f.records.cards[at]
		if seen[at] {
			continue
		}
		// The statement has nothing of that week any more.
		c := s.Body.(*SpendCard).Card
		none := cards.Card{Key: c.Key, Basis: c.Basis, Generation: f.generation.Number, AsOf: f.generation.Delivery.AsOf.UTC(), Complete: c.Complete}
		cmd, err := f.card(s, &none)
		if err != nil {
			return nil, err
		}
		out = append(out, cmd...)
	}
	adjust, err := f.adjust()
	if err != nil {
		return nil, err
	}
	return append(append(out, adjust...), f.cross()...), nil
}

// command makes a command of the desk's own.
func command(s *Subject, ref Ref, a Action, detail any) []Command {
	c := Command{Actor: System, Subject: ref, Action: a, Detail: detail}
	if s != nil {
		c.Expect = s.Version
	}
	return []Command{c}
}

// card brings one card up to the statement.
func (f *follower) card(s *Subject, now *cards.Card) ([]Command, error) {
	detail := CardDetail{Holder: f.holder, Card: *now}
	if s == nil {
		if !now.Complete {
			return nil, nil
		}
		return command(nil, CardRef(now.Key), "open", detail), nil
	}
	b := s.Body.(*SpendCard)
	switch s.State {
	case CardOpen, CardReturned, CardDisputed:
		if sameFigures(&b.Card, now) && b.Holder.equal(&f.holder) {
			return nil, nil
		}
		return command(s, s.Ref, "refresh", detail), nil
	}
	drift := cards.DriftOf(&b.Card, now)
	if sameJSON(drift, b.Drift) && now.Final == b.Final {
		return nil, nil
	}
	if s.State == CardAccepted && f.policy.Materiality.Material(b.Card.Cost, drift.Cost) {
		return command(s, s.Ref, "reopen", detail), nil
	}
	d := DriftDetail{Generation: f.generation.Number, AsOf: f.generation.Delivery.AsOf.UTC(), Final: now.Final, Drift: drift}
	if !drift.Zero() {
		causes, err := f.causes(max(b.Generation, f.synced))
		if err != nil {
			return nil, err
		}
		d.Causes = cards.MergeCauses(b.Causes, causes)
	}
	return command(s, s.Ref, "drift", d), nil
}

// sameFigures reports whether two cards say the same, of whichever generation.
func sameFigures(a, b *cards.Card) bool {
	x, y := *a, *b
	x.Generation, x.AsOf = y.Generation, y.AsOf
	return sameJSON(x, y)
}

// sameJSON reports whether two values are stored alike.
func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// approved returns the approved cards of the month as pinned, in order, with the
// causes that are on record of what they drifted by.
func (f *follower) approved() (out []cards.Card, causes []cards.Cause) {
	for _, at := range slices.Sorted(maps.Keys(f.records.cards)) {
		if s := f.records.cards[at]; s.State == CardApproved {
			b := s.Body.(*SpendCard)
			out = append(out, b.Card)
			causes = cards.MergeCauses(causes, b.Causes)
		}
	}
	return out, causes
}

// adjust cuts, follows, cuts anew or voids the month's adjustment.
func (f *follower) adjust() ([]Command, error) {
	pinned, causes := f.approved()
	s := f.records.adjustment
	if len(pinned) == 0 {
		return nil, nil
	}
	d := cards.DriftingOf(pinned, f.month)
	var taken *cards.Adjustment
	if s != nil && s.State != AdjustmentVoid {
		taken = &s.Body.(*Adjustment).Adjustment
	}
	_, left := d.Left(taken)
	trigger := d.Due(taken, f.closed, f.policy.Materiality)
	action := Action("cut")
	switch {
	case left.IsZero():
		return nil, nil
	case taken == nil && trigger == "":
		return nil, nil
	case taken == nil:
	case s.State == CardAccepted || s.State == CardApproved:
		if trigger == "" {
			return nil, nil
		}
		action = "recut"
	default: // nobody has decided yet: it follows, whatever it was cut for
		action, trigger = "follow", taken.Trigger
		if len(d.Weeks) == 0 && s.Body.(*Adjustment).Approved.IsZero() {
			action = "void"
		}
	}
	more, err := f.causes(f.synced)
	if err != nil {
		return nil, err
	}
	causes = cards.MergeCauses(causes, more)
	key := cards.Key{Subject: f.month.Subject, Payer: f.month.Payer, Currency: f.month.Currency, Week: f.month.Period}
	detail := AdjustmentDetail{Holder: f.holder, Adjustment: d.Adjust(key, f.generation, trigger, causes)}
	return command(s, AdjustmentRef(key), action, detail), nil
}

// cross tells of shares of the month's budget that spending has reached.
func (f *follower) cross() []Command {
	s := f.records.budget
	if s == nil || s.State != BudgetApproved && s.State != BudgetReplanned {
		return nil
	}
	b := s.Body.(*Budget)
	limit := b.Budget.Month(f.month.Period.From)
	if !limit.Valid || b.Budget.Currency != f.month.Currency {
		return nil
	}
	list := cards.Crossed(limit.Decimal, cards.SpendingOf(f.month), f.policy.Thresholds, b.reported(f.month.Period.From))
	if len(list) == 0 {
		return nil
	}
	return command(s, s.Ref, "cross", CrossDetail{Month: f.month.Period.From, Payer: f.month.Payer, Crossings: list})
}
