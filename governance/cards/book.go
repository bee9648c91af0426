package cards

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
)

// Options adjust how cards are made. Nil and the zero value mean the defaults.
type Options struct {
	// Calendar says on which day weeks start. They are always clipped to months.
	Calendar estimate.Calendar
	// Horizon is how many days before the delivery's as-of time its days count as
	// complete, as in estimate.Freshness.
	Horizon int
	// Unowned names the subject of usage without an owner, by its account, and by the
	// workload of the default that caught it if there is one; by default the account.
	// It is called with one account for many rows and should be fast.
	Unowned func(account string, defaulted attribution.WorkloadID) string
	// Plan returns the estimate that is in force for a subject on a day; nil means that
	// there is none. A target without a component is expected of the subject as a
	// whole. Returning one plan for many days, not a copy for each, is faster.
	Plan func(s Subject, day time.Time) *estimate.Plan
	// Neutral and Amber are the limits of bands, in per cent; 0 means 2 and 10.
	Neutral, Amber decimal.Decimal

	_ struct{}
}

// Book makes cards of one generation of the ledger. It is immutable and may be used
// by many goroutines as far as the totals it is given may.
type Book struct {
	generation ledger.Generation
	totals     iter.Seq2[ledger.Total, error]
	options    Options
	limits     limits
	period     estimate.Interval
	fresh      estimate.Freshness
	weeks      []estimate.Interval
}

// NewBook makes a book of a generation and its totals, in their order, as
// [ledger.Ledger.ScanTotals] yields them. The totals are ranged over several times.
func NewBook(g ledger.Generation, totals iter.Seq2[ledger.Total, error], o *Options) (*Book, error) {
	b := &Book{generation: g, totals: totals}
	if o != nil {
		b.options = *o
	}
	if g.Delivery.Period.IsZero() {
		return nil, fmt.Errorf("cards: book of payer %q: no billing period", g.Delivery.Payer)
	}
	b.options.Calendar.AcrossMonths = false
	b.limits = limitsOf(o)
	b.period = estimate.Interval{From: g.Delivery.Period.Start(), To: g.Delivery.Period.End()}
	b.fresh = estimate.Freshness{AsOf: g.Delivery.AsOf, Horizon: b.options.Horizon}
	b.weeks = b.options.Calendar.Weeks(b.period)
	return b, nil
}

// Generation returns the generation that the cards are made of.
func (b *Book) Generation() ledger.Generation { return b.generation }

// Weeks returns the weeks of the month, in order.
func (b *Book) Weeks() []estimate.Interval { return slices.Clone(b.weeks) }

// Openable reports whether all days of a week are complete.
func (b *Book) Openable(week estimate.Interval) bool {
	return b.fresh.Complete(week.To.AddDate(0, 0, -1))
}

// failed names the book of an error.
func (b *Book) failed(err error) error {
	d := &b.generation.Delivery
	return fmt.Errorf("cards: generation %d of payer %q, period %s: %w", b.generation.Number, d.Payer, d.Period, err)
}

// Months yields what there is of each subject: workloads by currency and id, then
// per currency what is unowned, then the rest. Together they are the statement. The
// pointer is the caller's to keep. An error ends the sequence.
func (b *Book) Months() iter.Seq2[*Month, error] {
	return func(yield func(*Month, error) bool) {
		s, err := b.aside()
		if err != nil {
			yield(nil, b.failed(err))
			return
		}
		for w, err := range b.merged(s) {
			if err != nil {
				yield(nil, b.failed(err))
				return
			}
			delete(s.accounts, w.key)
			if !yield(b.month(w), nil) {
				return
			}
		}
		// What is left has no usage of its own by day: workloads with month-level money
		// alone, what is unowned, the rest.
		keys := slices.SortedFunc(maps.Keys(s.accounts), accountKey.compare)
		for _, k := range keys {
			if !yield(b.month(s.accounts[k]), nil) {
				return
			}
		}
	}
}

// accountKey is what makes one month.
type accountKey struct {
	currency string
	subject  Subject
}

func (k accountKey) compare(o accountKey) int {
	return cmp.Or(k.subject.Compare(Subject{Kind: o.subject.Kind}), cmp.Compare(k.currency, o.currency), k.subject.Compare(o.subject))
}

// sorted holds what is set aside while workloads stream by.
type sorted struct {
	accounts map[accountKey]*account
	shared   bool // there is usage that was shared
}

func (s *sorted) at(k accountKey) *account {
	a := s.accounts[k]
	if a == nil {
		a = &account{key: k}
		s.accounts[k] = a
	}
	return a
}

// aside collects everything but the usage that workloads have by claims, which is
// nearly all there is: that one is in order of workloads and can stream.
func (b *Book) aside() (*sorted, error) {
	s := &sorted{accounts: map[accountKey]*account{}}
	for t, err := range b.totals {
		if err != nil {
			return nil, err
		}
		k := accountKey{currency: t.Currency}
		switch t.Outcome {
		case attribution.Claimed, attribution.Shared:
			if t.Kind == attribution.Usage {
				s.shared = s.shared || t.Outcome == attribution.Shared
				continue
			}
			k.subject = Of(t.Workload)
		case attribution.Spread:
			k.subject = Of(t.Workload)
		case attribution.Unclaimed, attribution.Defaulted:
			k.subject = Subject{Unowned, b.unowned(&t)}
		default:
			k.subject = Subject{Kind: Rest}
		}
		if err := b.add(s.at(k), &t); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (b *Book) unowned(t *ledger.Total) string {
	if b.options.Unowned == nil {
		return t.Account
	}
	return b.options.Unowned(t.Account, t.Workload)
}

// merged yields the accounts of workloads with usage: claimed and shared usage each
// come in order of workloads, and are merged.
func (b *Book) merged(s *sorted) iter.Seq2[*account, error] {
	return func(yield func(*account, error) bool) {
		claimed, stop := iter.Pull2(b.usage(attribution.Claimed))
		defer stop()
		shared := func() (ledger.Total, error, bool) { return ledger.Total{}, nil, false }
		if s.shared {
			var stop func()
			shared, stop = iter.Pull2(b.usage(attribution.Shared))
			defer stop()
		}
		c, cErr, more := claimed()
		h, hErr, moreShared := shared()
		var at *account
		for more || moreShared {
			if err := cmp.Or(cErr, hErr); err != nil {
				yield(nil, err)
				return
			}
			fromShared := !more || moreShared && cmp.Or(cmp.Compare(h.Currency, c.Currency), cmp.Compare(h.Workload, c.Workload)) < 0
			t := c
			if fromShared {
				t = h
			}
			if k := (accountKey{t.Currency, Of(t.Workload)}); at == nil || at.key != k {
				if at != nil && !yield(at, nil) {
					return
				}
				if at = s.accounts[k]; at == nil { // it may have money of other kinds
					at = &account{key: k}
				}
			}
			if err := b.add(at, &t); err != nil {
				yield(nil, err)
				return
			}
			if fromShared {
				h, hErr, moreShared = shared()
			} else {
				c, cErr, more = claimed()
			}
		}
		if at != nil {
			yield(at, nil)
		}
	}
}

// usage yields the usage totals of an outcome.
func (b *Book) usage(of attribution.Outcome) iter.Seq2[ledger.Total, error] {
	return func(yield func(ledger.Total, error) bool) {
		for t, err := range b.totals {
			if (err != nil || t.Outcome == of && t.Kind == attribution.Usage) && !yield(t, err) {
				return
			}
		}
	}
}
