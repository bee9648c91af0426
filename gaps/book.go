package gaps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// What callers branch on, beside errors of package storage.
var (
	// ErrState: the gap is in no state that allows the action.
	ErrState = errors.New("not possible in this state")
	// ErrAction: the action lacks what it needs: an actor, a role, a rationale, a
	// workload.
	ErrAction = errors.New("incomplete action")
)

// State is where a gap stands.
type State string

// The states. A gap that the latest statements still show is open: active, actioned,
// recalled or suppressed.
const (
	Active     State = "active"     // shown, and nobody did anything yet
	Actioned   State = "actioned"   // its remedy is under way; the next statement tells
	Resolved   State = "resolved"   // no statement shows it any more
	Recalled   State = "recalled"   // shown again after it was resolved, or its action was withdrawn
	Suppressed State = "suppressed" // shown, and left alone until a date
)

// Open reports whether statements show gaps in the state.
func (s State) Open() bool { return s != Resolved && s != "" }

// Kinds of the records of a book. Gaps ("gaps.gap") are audited: each change leaves an
// entry with an [Event]. The state of a month ("gaps.month") and the list of what books
// there are ("gaps.bill") are not.
const (
	KindGap   = "gaps.gap"
	KindMonth = "gaps.month"
	KindBill  = "gaps.bill"

	bookSchema = 1
)

// Bill is what gaps are kept apart by: amounts of two currencies cannot be added, and
// two payers' bills are two bills.
type Bill struct {
	Payer    string `json:"payer"`
	Currency string `json:"currency"`
}

func (b Bill) partition() string { return "gaps/" + b.Payer + "/" + b.Currency }

// Order says which of two statements of a month is later: by when AWS wrote the
// delivery, then by the generation of the books.
type Order struct {
	AsOf       time.Time `json:"as_of,omitzero"`
	Generation uint64    `json:"generation,omitempty"`
}

// Compare orders statements of one month.
func (o Order) Compare(p Order) int {
	return cmp.Or(o.AsOf.Compare(p.AsOf), cmp.Compare(o.Generation, p.Generation))
}

// MonthGap is what the latest statement of a billing period shows of a gap.
type MonthGap struct {
	Order Order `json:"order"`
	// Shown is false when the latest statement no longer shows the gap; the rest then
	// is what the last one that did said, and counts nowhere.
	Shown bool `json:"shown"`
	Gap   Gap  `json:"gap"`
}

// Entry is a gap in a book.
type Entry struct {
	Bill
	ID      ID      `json:"id"`
	Kind    Kind    `json:"kind"`
	Remedy  Remedy  `json:"remedy"`
	Subject Subject `json:"subject"`
	State   State   `json:"state"`
	// Since is when the clock started: when the gap came up, came up again, or an
	// action was taken or withdrawn.
	Since time.Time `json:"since"`
	// Until is when a suppression ends.
	Until time.Time `json:"until,omitzero"`
	// Told are those who were told, in order. Due is when the next one is; zero when
	// the clock stands still.
	Told []Told    `json:"told,omitempty"`
	Due  time.Time `json:"due,omitzero"`
	// Reference is what the latest action led to, as the remedy called it.
	Reference string `json:"reference,omitempty"`
	// Months are by billing period, ascending. Query and candidates are kept with the
	// last month that shows the gap.
	Months []MonthGap `json:"months"`

	// Version is that of the record; see [Action.Seen].
	Version uint64 `json:"-"`
}

// Told is a notification that was handed to the outbox.
type Told struct {
	At time.Time `json:"at"`
	Notification
}

// Latest returns what the last month that shows the gap says of it; when none does, the
// last month.
func (e *Entry) Latest() *Gap {
	for i := len(e.Months) - 1; i >= 0; i-- {
		if e.Months[i].Shown {
			return &e.Months[i].Gap
		}
	}
	if len(e.Months) == 0 {
		return &Gap{}
	}
	return &e.Months[len(e.Months)-1].Gap
}

// Spend returns the spend of all months that show the gap.
func (e *Entry) Spend() (d decimal.Decimal) {
	for i := range e.Months {
		if e.Months[i].Shown {
			d = d.Add(e.Months[i].Gap.Evidence.Spend)
		}
	}
	return d
}

// Counted returns the part of Spend that is in no gap of an earlier kind.
func (e *Entry) Counted() (d decimal.Decimal) {
	for i := range e.Months {
		if e.Months[i].Shown {
			d = d.Add(e.Months[i].Gap.Evidence.Counted)
		}
	}
	return d
}

// Seen returns the first and last day of the months that show the gap; zero times for a
// gap without spend.
func (e *Entry) Seen() (first, last time.Time) {
	for i := range e.Months {
		m := &e.Months[i]
		if !m.Shown {
			continue
		}
		if f := m.Gap.Evidence.FirstSeen; !f.IsZero() && (first.IsZero() || f.Before(first)) {
			first = f
		}
		if l := m.Gap.Evidence.LastSeen; l.After(last) {
			last = l
		}
	}
	return first, last
}

// Material reports whether a month that shows the gap reaches the limit.
func (e *Entry) Material() bool {
	return slices.ContainsFunc(e.Months, func(m MonthGap) bool { return m.Shown && m.Gap.Material })
}

// Event is an entry of a gap's history.
type Event struct {
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Role      string    `json:"role"`
	Action    string    `json:"action"` // opened, updated, resolved, recalled, told, acted, withdrawn, suppressed, resumed or escalated
	Rationale string    `json:"rationale"`
	From      State     `json:"from"`
	To        State     `json:"to"`
	// Period and Order are of the statement that caused it, where one did.
	Period    cur.Month       `json:"period,omitzero"`
	Order     Order           `json:"order,omitzero"`
	Spend     decimal.Decimal `json:"spend"` // of the gap, afterwards
	Reference string          `json:"reference,omitempty"`
	Told      *Told           `json:"told,omitempty"`
}

// BookOptions adjust a Book. Nil and the zero value mean the defaults.
type BookOptions struct {
	// Remedies carries out actions; nil allows only those that notify.
	Remedies Remedies
	// Within is how long somebody has who was told, before the next one is; 0 means a
	// week. WithinOf says otherwise for some kinds.
	Within   time.Duration
	WithinOf map[Kind]time.Duration
	// Box names the outbox; "" means "gaps".
	Box string
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	_ struct{}
}

// Book keeps gaps over statements and months, and what was done about them.
type Book struct {
	store *storage.Store
	box   *outbox.Box
	o     BookOptions
}

// NewBook returns a book over s, which stays the caller's to close. What is to be sent
// lies in its outbox; see package outbox for sending it.
func NewBook(s *storage.Store, o *BookOptions) *Book {
	b := &Book{store: s}
	if o != nil {
		b.o = *o
	}
	b.o.Within = cmp.Or(b.o.Within, 7*24*time.Hour)
	b.box = outbox.New(s, cmp.Or(b.o.Box, "gaps"))
	return b
}

func (b *Book) now() time.Time {
	if b.o.Now != nil {
		return b.o.Now().UTC()
	}
	return time.Now().UTC()
}

func (b *Book) within(k Kind) time.Duration { return cmp.Or(b.o.WithinOf[k], b.o.Within) }

// Ref names a gap in a book.
type Ref struct {
	Bill
	ID ID
}

func (r Ref) key() storage.Key {
	return storage.Key{Partition: r.partition(), Sort: "gap/" + string(r.ID)}
}

// Ref returns the name of an entry.
func (e *Entry) Ref() Ref { return Ref{e.Bill, e.ID} }

// Entry returns a gap. The error is [storage.ErrNotFound] when there is none, or another
// of the store's.
func (b *Book) Entry(ctx context.Context, r Ref) (*Entry, error) {
	rec, err := b.store.Get(ctx, r.key())
	if err != nil {
		return nil, fmt.Errorf("gaps: entry %s: %w", r.ID, err)
	}
	return decodeEntry(rec)
}

// Entries yields all gaps of a bill, in the order of their ids, resolved ones included.
// An error ends the sequence.
func (b *Book) Entries(ctx context.Context, bill Bill) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for rec, err := range b.store.Range(ctx, storage.Prefix(bill.partition(), "gap/")) {
			var e *Entry
			if err == nil {
				e, err = decodeEntry(rec)
			}
			if err != nil {
				yield(nil, fmt.Errorf("gaps: entries of %s: %w", bill.Payer, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Bills yields the bills that have gaps.
func (b *Book) Bills(ctx context.Context) iter.Seq2[Bill, error] {
	return func(yield func(Bill, error) bool) {
		for rec, err := range b.store.Range(ctx, storage.Span{Partition: "gaps"}) {
			var bill Bill
			if err == nil {
				err = decode(rec, KindBill, &bill)
			}
			if err != nil {
				yield(Bill{}, fmt.Errorf("gaps: bills: %w", err))
				return
			}
			if !yield(bill, nil) {
				return
			}
		}
	}
}

// History yields the events of a gap, oldest first, checking the chain of its record.
// An error ends the sequence.
func (b *Book) History(ctx context.Context, r Ref) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for rec, err := range b.store.Log(ctx, r.key(), 0) {
			var ev Event
			if err == nil {
				err = json.Unmarshal(rec.Data, &ev)
			}
			if err != nil {
				yield(Event{}, fmt.Errorf("gaps: history of %s: %w", r.ID, err))
				return
			}
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func decodeEntry(rec storage.Record) (*Entry, error) {
	e := &Entry{Version: rec.Stamp.Version}
	return e, decode(rec, KindGap, e)
}

// decode reads a record of this package.
func decode(rec storage.Record, kind string, into any) error {
	switch {
	case rec.Kind != kind:
		return fmt.Errorf("record %s is of kind %q: %w", rec.Key, rec.Kind, storage.ErrCorrupt)
	case rec.Schema > bookSchema:
		return fmt.Errorf("record %s has schema %d: %w", rec.Key, rec.Schema, storage.ErrNewer)
	}
	if err := json.Unmarshal(rec.Data, into); err != nil {
		return fmt.Errorf("record %s: %w: %w", rec.Key, storage.ErrCorrupt, err)
	}
	return nil
}
