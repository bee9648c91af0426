package gaps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/storage"
)

// Action is somebody doing something about a gap.
type Action struct {
	Ref Ref
	// Seen is the version of the entry that the decision was made on; 0 means whatever
	// there is. A gap that changed since is [storage.ErrConflict].
	Seen uint64
	// Actor, Role and Rationale are required of every action.
	Actor, Role, Rationale string

	// Workload is who a gap is assigned to. Where ownership is missing and it is given,
	// the anchor is claimed for it; Notify PO without one tells the person again.
	Workload attribution.WorkloadID
	// From is the first day of the claim; zero means the first day the gap was seen.
	From time.Time
	// Block blocks what Approve or Block would approve.
	Block bool
	// Assignee is who is given a task, or told; "" means who the gap says.
	Assignee string

	_ struct{}
}

// check returns what is missing.
func (a *Action) check() error {
	for _, x := range [...]struct{ name, value string }{{"actor", a.Actor}, {"role", a.Role}, {"rationale", a.Rationale}} {
		if x.value == "" {
			return fmt.Errorf("no %s: %w", x.name, ErrAction)
		}
	}
	return nil
}

// Act carries out the remedy of a gap through [Remedies] and notes that it is under
// way. The gap stays open until a statement no longer shows it. A refusal of the remedy
// is returned as it is and changes nothing. Repeating an action that was interrupted,
// with the same Seen, does nothing twice.
//
// Errors: [ErrAction], [ErrState], that of the remedy, or those of the store.
func (b *Book) Act(ctx context.Context, a Action) (*Entry, error) {
	e, err := b.act(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("gaps: act on %s: %w", a.Ref.ID, err)
	}
	return e, nil
}

func (b *Book) act(ctx context.Context, a Action) (*Entry, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	e, err := b.Entry(ctx, a.Ref)
	if err != nil {
		return nil, err
	}
	if err := e.allows(a.Seen); err != nil {
		return nil, err
	}
	reference, told, err := b.remedy(ctx, e, &a)
	if err != nil {
		return nil, err
	}
	// The remedy is done: it is noted whatever happened to the gap meanwhile.
	return b.change(ctx, a.Ref, 0, func(c *change) error {
		if !c.entry.State.Open() {
			return ErrState
		}
		c.event.Action, c.event.Reference = "acted", reference
		c.entry.State, c.entry.Reference, c.entry.Until = Actioned, reference, time.Time{}
		c.entry.Since = c.event.At
		c.entry.Due = c.event.At.Add(b.within(c.entry.Kind))
		if told != nil {
			b.tell(c, c.event.At, *told)
		}
		return nil
	}, a.Actor, a.Role, a.Rationale)
}

// allows reports whether something can be done about an entry.
func (e *Entry) allows(seen uint64) error {
	if seen != 0 && e.Version != seen {
		return fmt.Errorf("seen at version %d, is at %d: %w", seen, e.Version, storage.ErrConflict)
	}
	if !e.State.Open() {
		return fmt.Errorf("it is %s: %w", e.State, ErrState)
	}
	return nil
}

// remedy does what the gap's remedy says.
func (b *Book) remedy(ctx context.Context, e *Entry, a *Action) (reference string, told *Notification, err error) {
	g := e.Latest()
	id := fmt.Sprintf("gap/%s/%d", e.ID, e.Version)
	assignee := cmp.Or(a.Assignee, g.Notify.To)
	anchor := e.Subject.Anchor
	if g.Evidence.Anchor != "" && anchor.Value != "" {
		anchor.Value = g.Evidence.Anchor // a claim may be of any spelling; people know this one
	}
	assign := e.Remedy == AssignToWorkload || e.Kind.ownership() && a.Workload != ""
	if e.Remedy == NotifyPO && !assign {
		if assignee == "" {
			return "", nil, fmt.Errorf("nobody to notify: %w", ErrAction)
		}
		n := Notification{To: assignee, As: g.Notify.As, Why: a.Rationale}
		if a.Assignee != "" && a.Assignee != g.Notify.To {
			n.As = "chosen by " + a.Role
		}
		return "", &n, nil
	}
	if b.o.Remedies == nil {
		return "", nil, fmt.Errorf("remedy %s needs Remedies: %w", e.Remedy, ErrAction)
	}
	switch {
	case assign:
		if a.Workload == "" || anchor.Value == "" {
			return "", nil, fmt.Errorf("assign without a workload or an anchor: %w", ErrAction)
		}
		from := a.From
		if from.IsZero() {
			from, _ = e.Seen()
		}
		reference, err = b.o.Remedies.Assign(ctx, id, a.Actor, a.Role, a.Rationale, anchor, a.Workload, from)
	case e.Remedy == ApproveOrBlock:
		reference, err = b.o.Remedies.Decide(ctx, id, a.Actor, a.Role, a.Rationale, g.Example, e.Subject.Workload, !a.Block)
	case e.Remedy == AddScope:
		reference, err = b.o.Remedies.AddScope(ctx, id, a.Actor, a.Role, a.Rationale, g.Evidence.Approval, g.Example)
	default:
		reference, err = b.o.Remedies.Task(ctx, id, a.Actor, a.Role, a.Rationale, string(e.Remedy), anchor, assignee)
	}
	return reference, nil, err
}

// Suppress leaves a gap alone until a date. It stays open and counted, nobody is told.
func (b *Book) Suppress(ctx context.Context, a Action, until time.Time) (*Entry, error) {
	err := a.check()
	if err == nil && !until.After(b.now()) {
		err = fmt.Errorf("until %s is not in the future: %w", until.Format(time.DateOnly), ErrAction)
	}
	var e *Entry
	if err == nil {
		e, err = b.change(ctx, a.Ref, a.Seen, func(c *change) error {
			c.event.Action, c.entry.State = "suppressed", Suppressed
			c.entry.Until, c.entry.Due = until.UTC(), time.Time{}
			return nil
		}, a.Actor, a.Role, a.Rationale)
	}
	if err != nil {
		return nil, fmt.Errorf("gaps: suppress %s: %w", a.Ref.ID, err)
	}
	return e, nil
}

// Withdraw takes back an action or a suppression: the gap is recalled, and its clock
// starts anew. What the action led to is not undone here. A gap that is neither actioned
// nor suppressed is [ErrState].
func (b *Book) Withdraw(ctx context.Context, a Action) (*Entry, error) {
	err := a.check()
	var e *Entry
	if err == nil {
		e, err = b.change(ctx, a.Ref, a.Seen, func(c *change) error {
			if s := c.entry.State; s != Actioned && s != Suppressed {
				return fmt.Errorf("it is %s: %w", s, ErrState)
			}
			c.event.Action, c.entry.State = "withdrawn", Recalled
			c.entry.Since, c.entry.Until, c.entry.Reference = c.event.At, time.Time{}, ""
			switch {
			case len(c.entry.Told) > 0:
				c.entry.Due = c.event.At.Add(b.within(c.entry.Kind))
			case c.entry.Material(): // since it was suppressed
				b.tell(c, c.event.At, c.entry.Latest().Notify)
			}
			return nil
		}, a.Actor, a.Role, a.Rationale)
	}
	if err != nil {
		return nil, fmt.Errorf("gaps: withdraw %s: %w", a.Ref.ID, err)
	}
	return e, nil
}

// change updates one open entry.
func (b *Book) change(ctx context.Context, r Ref, seen uint64, f func(*change) error, actor, role, rationale string) (*Entry, error) {
	var out *Entry
	at := b.now()
	receipt, err := b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		e, err := load(tx, r)
		switch {
		case err != nil:
			return err
		case e == nil:
			return storage.ErrNotFound
		}
		if err := e.allows(seen); err != nil {
			return err
		}
		c := &change{e.clone(), Event{At: at, Actor: actor, Role: role, Rationale: rationale, From: e.State}}
		if err := f(c); err != nil {
			return err
		}
		c.event.To = c.entry.State
		out = c.entry
		return b.put(tx, c)
	})
	if err != nil {
		return nil, err
	}
	if s := receipt.Stamp(r.key()); !s.IsZero() {
		out.Version = s.Version
	}
	return out, nil
}

// Escalate moves the clock on for all gaps of a bill: those whose time is up are told to
// the next person, those whose suppression is over are active again. Actioned gaps that
// are still shown when their time is up are told on as well. It returns how many gaps
// changed. Calling it again at the same time changes nothing.
func (b *Book) Escalate(ctx context.Context, bill Bill) (changed int, err error) {
	at := b.now()
	var due []Ref
	for e, err := range b.Entries(ctx, bill) {
		if err != nil {
			return 0, fmt.Errorf("gaps: escalate: %w", err)
		}
		if e.due(at) {
			due = append(due, e.Ref())
		}
	}
	for _, r := range due {
		_, err := b.change(ctx, r, 0, func(c *change) error {
			if !c.entry.due(at) {
				return errNotDue
			}
			c.event.At = at
			if c.entry.State == Suppressed {
				b.settle(c, at)
				return nil
			}
			b.escalate(c, at)
			return nil
		}, system, system, "")
		switch {
		case errors.Is(err, errNotDue), errors.Is(err, ErrState):
		case err != nil:
			return changed, fmt.Errorf("gaps: escalate %s: %w", r.ID, err)
		default:
			changed++
		}
	}
	return changed, nil
}

var errNotDue = errors.New("not due")

// due reports whether the clock has something to do.
func (e *Entry) due(at time.Time) bool {
	switch {
	case e.State == Suppressed:
		return !at.Before(e.Until)
	case !e.State.Open():
		return false
	}
	return !e.Due.IsZero() && !at.Before(e.Due)
}

// escalate tells the next person who was not told yet. When everybody was, the clock
// stands still.
func (b *Book) escalate(c *change, at time.Time) {
	c.event.Action, c.event.Rationale = "escalated", fmt.Sprintf("nothing was done in %s", b.within(c.entry.Kind))
	told := map[string]bool{}
	for _, t := range c.entry.Told {
		told[t.To] = true
	}
	g := c.entry.Latest()
	for _, n := range append([]Notification{g.Notify}, g.Escalate...) {
		if n.To != "" && !told[n.To] {
			b.tell(c, at, n)
			return
		}
	}
	c.entry.Due = time.Time{}
	c.event.Rationale += "; everybody was told"
}

// Message is the body of what a book sends: enough to write a ticket from.
type Message struct {
	Bill
	Gap      ID              `json:"gap"`
	Kind     Kind            `json:"kind"`
	Remedy   Remedy          `json:"remedy"`
	Event    string          `json:"event"` // opened, recalled, resumed, told, acted or escalated
	Told     Notification    `json:"told"`
	Anchor   string          `json:"anchor"`
	Account  string          `json:"account"`
	Spend    decimal.Decimal `json:"spend"`
	Why      string          `json:"why"`
	Due      time.Time       `json:"due,omitzero"`
	Resolved bool            `json:"resolved"`
}

func messageOf(c *change) Message {
	e, g := c.entry, c.entry.Latest()
	return Message{Bill: e.Bill, Gap: e.ID, Kind: e.Kind, Remedy: e.Remedy, Event: c.event.Action, Told: c.event.Told.Notification,
		Anchor: g.Evidence.Anchor, Account: e.Subject.Account, Spend: e.Spend(), Why: g.Evidence.Why, Due: e.Due, Resolved: e.State == Resolved}
}
