package attribution

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Share splits the money of an anchor among workloads: of a gateway, a memory
// store or a role that several use. It is split once for each component, unit,
// line item type, metric and bucket of time, so that the parts add up exactly.
type Share struct {
	By    Basis
	Parts []Part
	Table string // of [Weight] rows, for ByTable
}

func (Share) target() {}

// Basis says what a share is split by.
type Basis string

// The bases.
const (
	ByWeight Basis = "fixed" // by the weights of the parts
	Evenly   Basis = "even"
	// ByDirectCost splits in proportion to the unblended cost of the usage that
	// the workloads have in the statement by claims of their own.
	ByDirectCost Basis = "direct_cost"
	// ByTable splits by the table's weights at the start of each bucket.
	ByTable Basis = "table"
	// BySession and ByTag give rows to the part that they match, exactly, and what
	// matches none to the part that matches nothing: there is one. BySession looks
	// at the session of a role, and at component session ids in the resource id.
	BySession Basis = "session"
	ByTag     Basis = "tag"
)

// Part is a workload that has part of a share.
type Part struct {
	Workload WorkloadID
	Weight   decimal.Decimal // for ByWeight; the sum need not be 1 or 100
	// Match is, for BySession, a session name or the beginning of one and a final
	// *; for ByTag, family/key=value, with one family and key in all parts.
	Match string
}

// Weight is a row of a dated table: what a workload weighs from From, inclusive,
// to To, exclusive; a zero To is open. Sessions, minutes and business figures
// serve alike.
type Weight struct {
	Table    string
	Workload WorkloadID
	From     time.Time
	To       time.Time
	Value    decimal.Decimal
}

func (w *Weight) at(t time.Time) bool {
	return !t.Before(w.From) && (w.To.IsZero() || t.Before(w.To))
}

// ErrShare marks a share that cannot be split: weights that are negative, add up
// to zero or are not there.
var ErrShare = errors.New("a share that cannot be split")

// ShareError says which share cannot be split, and when. It is [ErrShare].
type ShareError struct {
	Claim    ClaimID
	From, To time.Time // a zero To is open
	Err      error
}

func (e *ShareError) Error() string {
	return fmt.Sprintf("claim %q, %s: %v: %v", e.Claim, interval(e.From, e.To), ErrShare, e.Err)
}

// Unwrap returns ErrShare and the cause.
func (e *ShareError) Unwrap() []error { return []error{ErrShare, e.Err} }

func interval(from, to time.Time) string {
	if to.IsZero() {
		return "from " + formatTime(from) + " on"
	}
	return "from " + formatTime(from) + " to " + formatTime(to)
}

// maxWeightDigits bounds the digits of a weight before and after its point, so
// that a cell of a table cannot make splitting expensive.
const maxWeightDigits = 40

func checkWeight(w decimal.Decimal) error {
	switch {
	case w.IsNegative():
		return fmt.Errorf("weight %s is negative", w)
	case w.Exponent() < -maxWeightDigits || w.NumDigits()+int(max(w.Exponent(), 0)) > maxWeightDigits:
		return errors.New("weight has too many digits")
	}
	return nil
}

// check refuses a share that can never be split, and one by a table that is
// broken inside the claim's time. A table that has not come as far as the claim
// is not broken yet: splitting says so if there is money.
func (s Share) check(cl *Claim, weights []Weight) error {
	fail := func(format string, args ...any) error {
		return &ShareError{cl.ID, cl.From, cl.To, fmt.Errorf(format, args...)}
	}
	switch s.By {
	case ByWeight, Evenly, ByDirectCost, ByTable, BySession, ByTag:
	default:
		return fail("unknown basis %q", s.By)
	}
	switch {
	case cl.Anchor.Kind == KindAccount:
		return fail("the default owner of an account is one workload")
	case len(s.Parts) == 0:
		return fail("no parts")
	case (s.Table != "") != (s.By == ByTable):
		return fail("basis %q with table %q", s.By, s.Table)
	}
	var sum decimal.Decimal
	for i, p := range s.Parts {
		if err := checkID("workload", string(p.Workload)); err != nil {
			return fail("%w", err)
		}
		if !s.matches() && slices.ContainsFunc(s.Parts[:i], func(o Part) bool { return o.Workload == p.Workload }) {
			return fail("workload %q has two parts", p.Workload)
		}
		if !s.matches() && p.Match != "" {
			return fail("workload %q: basis %q matches nothing", p.Workload, s.By)
		}
		if err := checkWeight(p.Weight); err != nil {
			return fail("workload %q: %w", p.Workload, err)
		}
		if s.By != ByWeight && !p.Weight.IsZero() {
			return fail("workload %q: basis %q takes no weights", p.Workload, s.By)
		}
		sum = sum.Add(p.Weight)
	}
	if s.By == ByWeight && sum.IsZero() {
		return fail("the weights add up to zero")
	}
	switch {
	case s.By == ByTable:
		return s.checkTable(cl, weights)
	case s.matches():
		if err := s.checkMatches(); err != nil {
			return fail("%w", err)
		}
	}
	return nil
}

// checkTable looks at every interval in which the table says one thing.
func (s Share) checkTable(cl *Claim, weights []Weight) error {
	var rows []*Weight
	var cuts []time.Time
	var until time.Time // how far the table has come
	open := false
	for i := range weights {
		w := &weights[i]
		if w.Table != s.Table || !slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Workload == w.Workload }) {
			continue
		}
		rows = append(rows, w)
		cuts = append(cuts, w.From)
		if open = open || w.To.IsZero(); !w.To.IsZero() {
			cuts = append(cuts, w.To)
		}
		if w.To.After(until) {
			until = w.To
		}
	}
	end := cl.To
	if end.IsZero() && !open {
		end = until
	}
	if len(rows) == 0 {
		return &ShareError{cl.ID, cl.From, cl.To, fmt.Errorf("table %q has no rows of its workloads", s.Table)}
	}
	cuts = append(cuts, cl.From)
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	for i, from := range cuts {
		if from.Before(cl.From) || !end.IsZero() && !from.Before(end) {
			continue
		}
		to := end
		if i+1 < len(cuts) && (end.IsZero() || cuts[i+1].Before(end)) {
			to = cuts[i+1]
		}
		if _, err := s.tableAt(rows, from); err != nil {
			return &ShareError{cl.ID, from, to, err}
		}
	}
	return nil
}

// tableAt returns the weights of the parts at a time.
func (s Share) tableAt(rows []*Weight, t time.Time) ([]decimal.Decimal, error) {
	out := make([]decimal.Decimal, len(s.Parts))
	var sum decimal.Decimal
	for i, p := range s.Parts {
		at := slices.IndexFunc(rows, func(w *Weight) bool { return w.Table == s.Table && w.Workload == p.Workload && w.at(t) })
		if at < 0 {
			return nil, fmt.Errorf("table %q has no weight of workload %q", s.Table, p.Workload)
		}
		out[i] = rows[at].Value
		sum = sum.Add(out[i])
	}
	if sum.IsZero() {
		return nil, fmt.Errorf("the weights of table %q add up to zero", s.Table)
	}
	return out, nil
}

// checkWeights refuses tables with rows that are none, or that say two things of
// one workload at one time.
func checkWeights(weights []Weight) error {
	type series struct {
		table    string
		workload WorkloadID
	}
	seen := map[series][]*Weight{}
	for i := range weights {
		w := &weights[i]
		fail := func(err error) error {
			return fmt.Errorf("table %q, workload %q, %s: %w", w.Table, w.Workload, interval(w.From, w.To), err)
		}
		if err := cmp.Or(checkID("table", w.Table), checkID("workload", string(w.Workload)), checkWeight(w.Value)); err != nil {
			return fail(err)
		}
		switch {
		case !w.To.IsZero() && !w.From.Before(w.To):
			return fail(errors.New("no time at all"))
		case w.From.Year() > 9999 || w.To.Year() > 9999 || w.From.Year() < 0:
			return fail(errors.New("years have four digits"))
		}
		k := series{w.Table, w.Workload}
		seen[k] = append(seen[k], w)
	}
	for _, rows := range seen {
		slices.SortFunc(rows, func(a, b *Weight) int { return a.From.Compare(b.From) })
		for i, w := range rows[1:] {
			if before := rows[i]; before.To.IsZero() || before.To.After(w.From) {
				return fmt.Errorf("table %q, workload %q: two weights %s", w.Table, w.Workload, interval(w.From, before.To))
			}
		}
	}
	return nil
}
