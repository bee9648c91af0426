package cur

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// Faults says what becomes of rows that cannot be read. The zero Faults ends the
// reading at the first of them, with its coordinates.
//
// Only a row whose cells make no sense can be left out: an amount, a time or a map
// that is none, a blank billing period, a row with too few cells. Damage to the
// file, and quotes that do not match, end the reading in any case, since nobody
// knows what else they took along.
type Faults struct {
	// Most is how many rows may be left out; one more ends the reading. They are
	// collected. 0 means none, or any number where Each is set.
	Most int
	// Each, when set, is handed each faulty row in order, instead of collecting
	// it. Nil leaves the row out; an error ends the reading with that error.
	Each func(*RowError) error
}

func (f *Faults) active() bool { return f.Most != 0 || f.Each != nil }

// faultLog applies Faults and keeps what they collect.
type faultLog struct {
	Faults
	met  int
	rows []*RowError
}

// allow decides whether a faulty row is left out; collected says that it is kept.
func (l *faultLog) allow(e *RowError) (collected bool, err error) {
	if !l.active() {
		return false, e
	}
	if l.met++; l.Most > 0 && l.met > l.Most {
		return false, e
	}
	if l.Each != nil {
		return false, l.Each(e)
	}
	return true, nil
}

// collect makes r apply f and keep what it collects.
func (r *Reader) collect(f Faults) {
	r.faults = &faultLog{Faults: f}
	r.leaveOut = func(e *RowError, _ *LineItem) error {
		collected, err := r.faults.allow(e)
		if collected {
			r.faults.rows = append(r.faults.rows, e)
		}
		return err
	}
}

// Faults returns the rows that were left out and collected so far.
func (r *Reader) Faults() []*RowError {
	if r.faults == nil {
		return nil
	}
	return slices.Clone(r.faults.rows)
}

// Causes that lie in the cells of one row.
var (
	errFields   = errors.New("number of fields")
	errTwice    = errors.New("occurs twice")
	errBackward = errors.New("interval ends before it starts")
)

// fieldsError is errFields.
type fieldsError struct{ has, want int }

func (e fieldsError) Error() string {
	return fmt.Sprintf("row has %d fields, the header %d", e.has, e.want)
}

func (e fieldsError) Is(target error) bool { return target == errFields }

var cellFaults = [...]error{errFields, errTwice, errBackward, errTime, errMap, errBlankPeriod, errNoTime, errCollision,
	exact.ErrSyntax, exact.ErrRange, exact.ErrNotFinite}

// faulty decides what becomes of a row that could not be read: nil leaves it out.
func (r *Reader) faulty(err error, li *LineItem) error {
	err = r.at(err)
	var e *RowError
	if r.leaveOut == nil || !errors.As(err, &e) ||
		!slices.ContainsFunc(cellFaults[:], func(c error) bool { return errors.Is(e.Err, c) }) {
		return err
	}
	if errors.Is(e.Err, errFields) {
		li.reset() // which cell is which is anybody's guess
	} else if li.BillingPeriod.IsZero() {
		// What can be told of the row all the same: texts were read first.
		_ = r.row.times(li)
	}
	if r.row.untyped {
		li.LineItemType = "Usage"
	}
	r.row.err = nil
	if err := r.leaveOut(e, li); err != nil {
		return err
	}
	r.n++
	return nil
}

// isCost reports whether a header is that of a cost column.
func (r *row) isCost(header string) bool {
	for m, at := range r.amount {
		if Measure(m) != Usage && at >= 0 && r.header[at] == header {
			return true
		}
	}
	return false
}

// Why a row was rejected.
const (
	CostUnreadable = "cost_unreadable" // only its cost
	RowUnreadable  = "row_unreadable"
)

// RejectedKey is what rejected rows are counted by: what could be read of them.
// Payer and billing period are those of the delivery that the row is counted in.
type RejectedKey struct {
	ControlKey
	ProductCode string
	Reason      string
}

// Compare orders rejected rows.
func (k RejectedKey) Compare(o RejectedKey) int {
	return cmp.Or(k.ControlKey.Compare(o.ControlKey), cmp.Compare(k.ProductCode, o.ProductCode), cmp.Compare(k.Reason, o.Reason))
}

// Rejected counts rows that were left out. They are in no group and in no control
// total, and nothing is known of their cost.
type Rejected struct {
	Key  RejectedKey
	Rows int64
}

// check refuses what no reading gives.
func (r Rejected) check() error {
	if r.Rows <= 0 || r.Rows > maxCount || r.Key.Reason != CostUnreadable && r.Key.Reason != RowUnreadable {
		return fmt.Errorf("%d rows rejected for %q", r.Rows, r.Key.Reason)
	}
	return nil
}

// Rejected returns the rows that were left out, in order of their keys.
func (p *Partial) Rejected() []Rejected {
	out := make([]Rejected, 0, len(p.t.rejected))
	for _, k := range slices.SortedFunc(maps.Keys(p.t.rejected), RejectedKey.Compare) {
		out = append(out, Rejected{k, p.t.rejected[k]})
	}
	return out
}

func (t *table) reject(k RejectedKey, rows int64) {
	if _, ok := t.rejected[k]; !ok {
		if t.rejected == nil {
			t.rejected = make(map[RejectedKey]int64)
		}
		k = RejectedKey{ControlKey{strings.Clone(k.Payer), k.BillingPeriod, strings.Clone(k.Currency), strings.Clone(k.LineItemType)},
			strings.Clone(k.ProductCode), k.Reason}
	}
	t.rejected[k] += rows
}

// leftOut is a row that was left out before a row told which delivery the file is
// of.
type leftOut struct {
	key       RejectedKey
	fault     *RowError
	collected bool
}

// leaveOut books a row that cannot be read.
func (r *run) leaveOut(rd *Reader, e *RowError, li *LineItem) error {
	collected, err := r.faults.allow(e)
	if err != nil {
		return err
	}
	x := leftOut{RejectedKey{ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType}, li.ProductCode, RowUnreadable}, e, collected}
	if !li.BillingPeriod.IsZero() {
		p, err := r.part(rd, li)
		if err != nil {
			return err
		}
		if rd.row.isCost(e.Column) {
			x.key.Reason = CostUnreadable
		}
		return r.rejectIn(p, x)
	}
	if r.last == nil {
		r.pending = append(r.pending, x)
		return nil
	}
	return r.rejectNear(rd, r.last, x)
}

// rejectNear books a row that does not say what it is of with the row before it.
func (r *run) rejectNear(rd *Reader, p *part, x leftOut) error {
	x.key.Payer, x.key.BillingPeriod = rd.lastKey.Payer, rd.lastKey.BillingPeriod
	return r.rejectIn(p, x)
}

func (r *run) rejectIn(p *part, x leftOut) error {
	p.reject(x.key, 1)
	p.rows++
	r.rows++
	if x.collected {
		p.faults = append(p.faults, x.fault)
	}
	if len(p.rejected) > r.limit {
		return fmt.Errorf("cur: rollup: more than %d kinds of rejected rows: %w", r.limit, ErrCardinality)
	}
	return nil
}

// settle books the rows that waited for one that could be read. Where none came,
// the file as a whole is what is wrong.
func (r *run) settle(rd *Reader, p *part) error {
	for _, x := range r.pending {
		if p == nil {
			return x.fault
		}
		if err := r.rejectNear(rd, p, x); err != nil {
			return err
		}
	}
	r.pending = r.pending[:0]
	return nil
}

// uncount takes the row read last out of the control totals again.
func (r *Reader) uncount(li *LineItem) {
	r.forget(li)
	r.last.Rows--
}

// lookUpFailed turns a failed look-up in the row just read into a row left out.
// Other errors it returns.
func (r *run) lookUpFailed(rd *Reader, li *LineItem, err error) error {
	if rd.row.err == nil || rd.leaveOut == nil {
		return err
	}
	rd.n-- // faulty counts the row
	if err := rd.faulty(err, li); err != nil {
		return err
	}
	rd.uncount(li)
	return nil
}
