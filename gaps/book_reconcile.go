package gaps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// month is the state of a billing period in a book.
type month struct {
	Order    Order      `json:"order"`
	Now      time.Time  `json:"now"` // the clock of the report
	Done     bool       `json:"done"`
	Coverage []Coverage `json:"coverage"`
}

// Reconciled says what a report changed. Numbers are of gaps.
type Reconciled struct {
	// Stale: a later statement of the period was reconciled before; nothing changed.
	Stale                               bool
	Opened, Updated, Resolved, Recalled int
}

// batch is how many gaps one update writes. Each takes a record, its entry and a
// message, and reads what it writes; the store allows 100 items.
const batch = 16

// Reconcile holds the book against the gaps of a statement: new gaps are opened, others
// updated, and those that the statement no longer shows leave its period. A gap that no
// period shows any more is resolved, one that comes back is recalled. Gaps of kinds that
// the report did not look for stay as they are.
//
// generation is that of the books the statement is from, 0 without books. A statement
// older than the one its period was reconciled with last changes nothing, and neither
// does the same one again. Of one statement judged twice, with other approvals say, the
// later judgement counts.
//
// A reconciliation that is interrupted is finished by repeating it. Errors are those of
// the store; [storage.ErrConflict] means that somebody else reconciled at the same time.
func (b *Book) Reconcile(ctx context.Context, r *Report, generation uint64) (Reconciled, error) {
	out, err := b.reconcile(ctx, r, Order{r.Delivery.AsOf.UTC(), generation})
	if err != nil {
		err = fmt.Errorf("gaps: reconcile %s %s: %w", r.Delivery.Payer, r.Delivery.Period, err)
	}
	return out, err
}

// errSuperseded ends a reconciliation that a later one overtook.
var errSuperseded = errors.New("a later statement is being reconciled")

func (b *Book) reconcile(ctx context.Context, r *Report, order Order) (Reconciled, error) {
	bill := Bill{r.Delivery.Payer, r.Currency}
	key := monthKey(bill, r.Delivery.Period)
	head, stamp, err := b.month(ctx, key)
	if err != nil {
		return Reconciled{}, err
	}
	c := order.Compare(head.Order)
	if !stamp.IsZero() && (c < 0 || c == 0 && r.Now.Before(head.Now)) {
		return Reconciled{Stale: true}, nil
	}
	shown := map[ID]*Gap{}
	for i := range r.Gaps {
		shown[r.Gaps[i].ID] = &r.Gaps[i]
	}
	rc := &reconciliation{b: b, r: r, bill: bill, order: order, shown: shown, at: b.now()}
	todo, err := rc.plan(ctx)
	if err != nil {
		return Reconciled{}, err
	}
	next := month{Order: order, Now: r.Now.UTC(), Coverage: r.Coverage}
	same := head
	same.Now, same.Done = next.Now, next.Done
	if len(todo) == 0 && head.Done && equalJSON(same, next) {
		return Reconciled{}, nil
	}
	// The period is marked first, so that an older statement is refused from here on,
	// and again when all is done.
	if err := b.mark(ctx, bill, key, stamp, next); err != nil {
		return Reconciled{}, err
	}
	for chunk := range slices.Chunk(todo, batch) {
		if err := rc.write(ctx, key, chunk); errors.Is(err, errSuperseded) {
			return Reconciled{Stale: true}, nil
		} else if err != nil {
			return rc.out, err
		}
	}
	_, stamp, err = b.month(ctx, key)
	if err != nil {
		return rc.out, err
	}
	next.Done = true
	return rc.out, b.mark(ctx, bill, key, stamp, next)
}

func monthKey(bill Bill, m cur.Month) storage.Key {
	return storage.Key{Partition: bill.partition(), Sort: "month/" + m.String()}
}

// month reads the state of a period; the stamp is zero where there is none.
func (b *Book) month(ctx context.Context, key storage.Key) (m month, s storage.Stamp, err error) {
	rec, err := b.store.Get(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return m, s, nil
	case err == nil:
		err = decode(rec, KindMonth, &m)
	}
	return m, rec.Stamp, err
}

// mark writes the state of a period, and lists the bill where it is new.
func (b *Book) mark(ctx context.Context, bill Bill, key storage.Key, seen storage.Stamp, m month) error {
	_, err := b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		rec, err := tx.Get(key)
		switch {
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		case rec.Stamp != seen:
			return &storage.ConflictError{Key: key, Want: seen, Got: rec.Stamp}
		}
		tx.Put(storage.Put{Key: key, Kind: KindMonth, Schema: bookSchema, Data: encode(m)})
		list := storage.Key{Partition: "gaps", Sort: bill.Payer + "/" + bill.Currency}
		if _, err := tx.Get(list); errors.Is(err, storage.ErrNotFound) {
			tx.Put(storage.Put{Key: list, Kind: KindBill, Schema: bookSchema, Data: encode(bill)})
		} else if err != nil {
			return err
		}
		return nil
	})
	return err
}

// reconciliation is one under way.
type reconciliation struct {
	b     *Book
	r     *Report
	bill  Bill
	order Order
	shown map[ID]*Gap
	at    time.Time
	out   Reconciled
}

// plan lists the gaps that change, by id.
func (rc *reconciliation) plan(ctx context.Context) ([]ID, error) {
	var todo []ID
	met := map[ID]bool{}
	for e, err := range rc.b.Entries(ctx, rc.bill) {
		if err != nil {
			return nil, err
		}
		met[e.ID] = true
		if rc.next(e, e.ID) != nil {
			todo = append(todo, e.ID)
		}
	}
	for id := range rc.shown {
		if !met[id] {
			todo = append(todo, id)
		}
	}
	slices.Sort(todo)
	return todo, nil
}

// write applies the changes to some gaps, as they are now.
func (rc *reconciliation) write(ctx context.Context, head storage.Key, ids []ID) error {
	var out Reconciled
	_, err := rc.b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		out = rc.out
		rec, err := tx.Get(head)
		if err != nil {
			return err
		}
		var m month
		if err := decode(rec, KindMonth, &m); err != nil {
			return err
		}
		if m.Order.Compare(rc.order) != 0 || m.Now.After(rc.r.Now) {
			return errSuperseded
		}
		for _, id := range ids {
			old, err := load(tx, Ref{rc.bill, id})
			if err != nil {
				return err
			}
			c := rc.next(old, id)
			if c == nil {
				continue
			}
			out.count(c.event.Action)
			if err := rc.b.put(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		rc.out = out
	}
	return err
}

func (r *Reconciled) count(action string) {
	switch action {
	case "opened":
		r.Opened++
	case "resolved":
		r.Resolved++
	case "recalled":
		r.Recalled++
	default:
		r.Updated++
	}
}

// load reads an entry within an update; nil if there is none.
func load(tx *storage.Tx, r Ref) (*Entry, error) {
	rec, err := tx.Get(r.key())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeEntry(rec)
}

// change is an entry's next state with the event that leads there and what is to be
// sent.
type change struct {
	entry *Entry
	event Event
}

// next returns what the statement makes of an entry, nil for a new one; the result is
// nil when it changes nothing.
func (rc *reconciliation) next(old *Entry, id ID) *change {
	g := rc.shown[id]
	e := &Entry{Bill: rc.bill, ID: id}
	if old != nil {
		e = old.clone()
	} else if g == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(e.Months, rc.r.Delivery.Period, func(m MonthGap, p cur.Month) int { return m.Gap.Period.Compare(p) })
	switch {
	case found && e.Months[at].Order.Compare(rc.order) > 0:
		return nil // which the period's mark, written first, rules out
	case g != nil:
		e.Kind, e.Remedy, e.Subject = g.Kind, g.Remedy, g.Subject
		m := MonthGap{rc.order, true, *g}
		if found {
			e.Months[at] = m
		} else {
			e.Months = slices.Insert(e.Months, at, m)
		}
	case found && e.Months[at].Shown && slices.Contains(rc.r.Looked, e.Kind):
		e.Months[at].Order, e.Months[at].Shown = rc.order, false
	}
	e.trim()
	c := &change{e, Event{At: rc.at, Actor: system, Role: system, Period: rc.r.Delivery.Period, Order: rc.order}}
	rc.b.settle(c, rc.at)
	if old != nil && equalJSON(old, e) || c.entry.State == "" {
		return nil
	}
	if c.event.Action == "" {
		c.event.Action, c.event.Rationale = "updated", "a statement says something else of it"
	}
	return c
}

// system acts where nobody does.
const system = "spendclaim"

// settle finds the state of an entry whose months may have changed, and who is to be
// told. It is the same whenever it is asked: what it did once it does not do again.
func (b *Book) settle(c *change, at time.Time) {
	e, ev := c.entry, &c.event
	ev.From = e.State
	shown := slices.ContainsFunc(e.Months, func(m MonthGap) bool { return m.Shown })
	say := func(action, why string, to State) { ev.Action, ev.Rationale, e.State = action, why, to }
	switch {
	case shown && e.State == "":
		say("opened", "a statement shows it", Active)
		e.Since = at
	case shown && e.State == Resolved:
		say("recalled", "a statement shows it again", Recalled)
		e.Since, e.Until, e.Told, e.Reference = at, time.Time{}, nil, ""
	case shown && e.State == Suppressed && !at.Before(e.Until):
		say("resumed", "the suppression is over", Active)
		e.Since, e.Until = at, time.Time{}
	case !shown && e.State.Open():
		say("resolved", "no statement shows it any more", Resolved)
		e.Due, e.Until = time.Time{}, time.Time{}
	}
	ev.To = e.State
	if (e.State == Active || e.State == Recalled) && e.Material() {
		switch {
		case len(e.Told) == 0:
			b.tell(c, at, e.Latest().Notify)
		case e.Due.IsZero() && ev.Action == "resumed":
			e.Due = at.Add(b.within(e.Kind))
		}
	}
}

// tell notes that somebody is told, and starts the clock.
func (b *Book) tell(c *change, at time.Time, n Notification) {
	t := Told{at, n}
	c.entry.Told = append(c.entry.Told, t)
	c.entry.Due = at.Add(b.within(c.entry.Kind))
	c.event.Told = &t
	if c.event.Action == "" {
		c.event.Action, c.event.Rationale = "told", n.Why
	}
}

// put writes a changed entry with its event, and hands on what is to be sent.
func (b *Book) put(tx *storage.Tx, c *change) error {
	c.event.Spend = c.entry.Spend()
	tx.Put(storage.Put{Key: c.entry.Ref().key(), Kind: KindGap, Schema: bookSchema, Data: encode(c.entry), Entry: encode(c.event)})
	if c.event.Told == nil {
		return nil
	}
	// Ids begin with the time, so that messages leave in order; the entry's version
	// tells apart what is sent at one instant.
	id := fmt.Sprintf("%s/%s/%d", c.event.At.Format("20060102T150405Z"), c.entry.ID, c.entry.Version+1)
	return b.box.Add(tx, outbox.Message{ID: id, Topic: Topic, Body: encode(messageOf(c))})
}

// Topic is that of the messages of a book; their bodies are JSON of a [Message].
const Topic = "gap"

// clone copies an entry as far as it is changed.
func (e *Entry) clone() *Entry {
	c := *e
	c.Months, c.Told = slices.Clone(e.Months), slices.Clone(e.Told)
	return &c
}

// trim leaves what is long with the last month that shows the gap.
func (e *Entry) trim() {
	last := e.Latest()
	for i := range e.Months {
		if g := &e.Months[i].Gap; g != last {
			g.Candidates, g.Example, g.Evidence.Query, g.Evidence.NearMisses = nil, nil, "", nil
		}
	}
}

// encode writes what this package stores. Its types hold nothing that JSON cannot.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // refused by the store as a record without data
	}
	return b
}

func equalJSON(a, b any) bool { return bytes.Equal(encode(a), encode(b)) }

// CoverageOf returns the coverage of a bill by period, as last reconciled.
func (b *Book) CoverageOf(ctx context.Context, bill Bill) (map[cur.Month][]Coverage, error) {
	out := map[cur.Month][]Coverage{}
	for rec, err := range b.store.Range(ctx, storage.Prefix(bill.partition(), "month/")) {
		var m month
		if err == nil {
			err = decode(rec, KindMonth, &m)
		}
		var period cur.Month
		if err == nil {
			period, err = cur.ParseMonth(rec.Key.Sort[len("month/"):])
		}
		if err != nil {
			return nil, fmt.Errorf("gaps: coverage of %s: %w", bill.Payer, err)
		}
		out[period] = m.Coverage
	}
	return maps.Clone(out), nil
}
