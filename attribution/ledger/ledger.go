package ledger

import (
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/storage"
)

// Options adjusts a Ledger. The zero value and nil mean the defaults.
type Options struct {
	// Rules say what is in scope and which claim wins; nil means the default
	// rules.
	Rules *attribution.Rules
	// Horizon is how many days before a delivery's as-of time its days count as
	// complete; 0 means two.
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
