package ledger

import (
	"errors"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/storage"
)

// What callers branch on. storage.ErrConflict is another: somebody else wrote
// first.
var (
	// ErrNoBook: nothing is booked for the payer and period.
	ErrNoBook = errors.New("no such book")
	// ErrOlder: the delivery was written before the one that is booked.
	ErrOlder = errors.New("older than the booked delivery")
	// ErrExport: another export is authoritative for the payer and period.
	ErrExport = errors.New("another export is booked")
	// ErrNotReconciled: the statement does not add up to its control totals, or
	// is incomplete.
	ErrNotReconciled = errors.New("statement does not reconcile")
	// ErrRules: the generation was booked under other rules than the ledger's.
	ErrRules = errors.New("booked under other rules")
	// ErrNewer: the record was written by a later release.
	ErrNewer = storage.ErrNewer
)

// Options adjusts a Ledger. The zero value and nil mean the defaults.
type Options struct {
	// Rules say what is in scope and which claim wins; nil means the default
	// rules. They must not change while the ledger is in use.
	Rules *attribution.Rules
	// Horizon is how many days before a delivery's as-of time its days count as
	// complete; 0 means two. It is applied when statements are made and is no
	// part of a generation.
	Horizon int
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	_ struct{}
}

// Ledger keeps books in a store. It is safe for concurrent use, as far as the
// store is: of two writers of one book, one wins and the other gets
// storage.ErrConflict.
type Ledger struct {
	store   *storage.Store
	rules   *attribution.Rules
	horizon int
	now     func() time.Time
}

// New returns a ledger over s, which stays the caller's to close.
func New(s *storage.Store, o *Options) *Ledger {
	if o == nil {
		o = &Options{}
	}
	l := &Ledger{store: s, rules: o.Rules, horizon: o.Horizon, now: o.Now}
	if l.rules == nil {
		l.rules = &attribution.Rules{}
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l
}

// Freshness says how far the rows of a generation can be trusted to be complete.
// It is worked out from the delivery and the ledger's horizon alone, which is the
// one place to set it.
type Freshness struct {
	Generation uint64
	AsOf       time.Time
	Horizon    int // in days: 0 is none
	// CompleteThrough is the last complete day; later ones are provisional.
	CompleteThrough time.Time
}

// Freshness returns that of a generation: its statements say the same.
func (l *Ledger) Freshness(g Generation) Freshness {
	asOf := g.Delivery.AsOf
	return Freshness{g.Number, asOf, l.days(), attribution.CompleteThrough(asOf, l.horizon)}
}

// Complete reports whether all rows of a time's day, UTC, have arrived.
func (f Freshness) Complete(t time.Time) bool {
	return !f.CompleteThrough.IsZero() && t.Before(f.CompleteThrough.AddDate(0, 0, 1))
}

// days is the horizon in days, as package attribution takes it.
func (l *Ledger) days() int {
	if l.horizon == 0 {
		return 2
	}
	return max(l.horizon, 0)
}
