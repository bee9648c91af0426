package cur

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Rollup sums rows exactly by what they have in common. The zero Rollup groups
// every row at the full key, in buckets of a day.
type Rollup struct {
	// Where says which rows are grouped; the zero Where, all. The others fold
	// into few groups, so that they cost no memory and totals still cover them.
	Where Where
	// Keys are further columns, or tag keys, to group by. What is not stored
	// cannot be claimed later without reading the files again.
	Keys []Column
	// RestUnread leaves rows outside Where unread: control totals count them, and
	// their costs are then in no total, which the result says.
	RestUnread bool
	// Bucket is the finest bucket of time; the zero Span means Day. Buckets are
	// never finer than the report.
	Bucket Span
	// MaxGroups ends a rollup that comes to hold more groups, over all its
	// deliveries, with ErrCardinality; 0 means 4,194,304.
	MaxGroups int
	// Sessions keeps the session of a role in the principal of a key, for a rollup
	// beside the book's; see [SplitSession]. Predicates still see the role alone.
	// With a SessionKey, of 16 bytes at least, names are hashed before they are
	// kept; see [HashSession].
	Sessions   bool
	SessionKey []byte
	// AsOf overrides when the delivery was written.
	AsOf time.Time
	// Progress, when set, is called now and then, and at the end of each file,
	// from one goroutine at a time.
	Progress func(Progress)
	// Workers is how many row groups of Parquet files, or files of CSV, are read at
	// the same time; 0 means 1. Each worker holds groups of its own until the end. The result
	// does not depend on it.
	Workers int

	// Faults says what becomes of rows that cannot be read. Rows left out are
	// counted, see [Partial.Rejected], and a statement of them is incomplete. With
	// Faults, files in which there is a fault are read row by row.
	Faults Faults
	// MaxRow is that of ReaderOptions.
	MaxRow int

	byRows   bool // for tests: read everything row by row
	wordBits uint // for tests: see packer

	_ struct{}
}

// Progress says how far a rollup is.
type Progress struct {
	File  string // being read
	Files int    // finished
	Of    int    // files in all
	Rows  int64  // read
}

// Rolled is the partial of one delivery.
type Rolled struct {
	Delivery Delivery
	Partial  *Partial
	// Sessions is the session grain of some of the rows, where somebody rolled it
	// up beside the partial; nil otherwise. Run leaves it to its caller.
	Sessions *Partial
	// Files are what the delivery consists of, the manifest included.
	Files []Info
	// Faults are the rows that were left out and collected.
	Faults []*RowError
	// Stats are those of the run, which may have had other deliveries too.
	Stats Stats
}

const (
	defaultMaxGroups = 4 << 20
	// groupsLimit is what a table can number.
	groupsLimit = 1 << 31
	// maxParts bounds the deliveries that bare files can make: a column that is
	// no payer would make one of every row.
	maxParts = 4096
)

// maxKeys is how many columns a key can declare.
const maxKeys = 40

// Spec returns the spec of the groups that r makes.
func (r *Rollup) Spec() Spec {
	keys := slices.Clone(r.Keys)
	slices.Sort(keys)
	keys = slices.DeleteFunc(slices.Compact(keys), func(c Column) bool { return slices.Contains(keyColumns[:], c) })
	return Spec{KeyVersion: keyVersion, Where: r.Where.clone(), Columns: keys, RestUnread: r.RestUnread,
		Bucket: r.Bucket.String(), Sessions: r.sessions(), Measures: slices.Clone(measureNames[:])}
}

// Run reads a set and returns the partial of each delivery in it. A manifest's
// period is the delivery's, whatever its rows say. Bare files are one delivery
// for each payer and billing period found in their rows.
//
// Errors: *RowError for a row that cannot be read, ErrFormat for a file, ErrChanged
// for one replaced since it was located, ErrMixed
// for files of one delivery whose headers differ, ErrDuplicate for content given
// twice, ErrCardinality, or the context's.
func (r *Rollup) Run(ctx context.Context, s *Set) ([]Rolled, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	// No row is left out at first: a second reading would hand it over twice.
	first := *r
	first.Faults = Faults{}
	run := newRun(&first, s)
	if columns, err := run.files(ctx); err != nil && (columns || r.Faults.active()) && !final(err) {
		again := *r
		again.byRows = true
		run = newRun(&again, s)
		run.stats.Again = true
		if _, err := run.files(ctx); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	run.stats.Rows = run.rows
	return run.result()
}

// final reports whether an error would be the same however the files are read.
func final(err error) bool {
	return errors.Is(err, ErrSource) || errors.Is(err, ErrChanged) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// check refuses specs that cannot be kept.
func (r *Rollup) check() error {
	if len(r.Keys) > maxKeys {
		return fmt.Errorf("cur: rollup: %d keys, at most %d", len(r.Keys), maxKeys)
	}
	if r.Bucket > MonthSpan {
		return fmt.Errorf("cur: rollup: no bucket %s", r.Bucket)
	}
	if r.Faults.Most < 0 || r.MaxRow < 0 {
		return fmt.Errorf("cur: rollup: at most %d faults, rows of %d bytes", r.Faults.Most, r.MaxRow)
	}
	if r.MaxGroups < 0 {
		return fmt.Errorf("cur: rollup: at most %d groups", r.MaxGroups)
	}
	if err := r.checkSessions(); err != nil {
		return err
	}
	spec := r.Spec()
	for _, clause := range r.Where.Any {
		for _, c := range clause {
			if !spec.Has(c.Column) {
				return fmt.Errorf("cur: rollup: predicate on column %q, which is no part of the key; declare it in Keys", c.Column)
			}
			if !c.Op.known() {
				return fmt.Errorf("cur: rollup: predicate on column %q: unknown operator %q", c.Column, c.Op)
			}
		}
	}
	return nil
}

// Rows rolls up rows of any source into one partial, whatever payers and periods
// they have. All columns of CUR count as there. A row without a time is a *RowError that
// counts rows from 1 and names no file.
func (r *Rollup) Rows(rows iter.Seq2[*LineItem, error]) (*Partial, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	run := newRun(r, nil)
	t := newTable(run.spec, (1<<NumMeasures-1)&^(1<<EffectiveCost), 1<<(len(keyColumns)+len(run.spec.Columns))-1)
	n := int64(0)
	for li, err := range rows {
		if err != nil {
			return nil, err
		}
		if n++; bucketOf(li, Hour) == (Bucket{}) || li.BillingPeriod.n < 0 || li.BillingPeriod.n > maxMonth {
			return nil, &RowError{Row: n, Err: errNoTime}
		}
		var m Measures
		li.measure(&m, t.measures)
		unread := t.unread
		if err := run.add(t, li); err != nil {
			return nil, err
		}
		if t.unread > unread {
			m = Measures{Rows: 1}
		}
		t.addControl(ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType}, &m)
	}
	t.finish()
	return &Partial{t: t}, nil
}
