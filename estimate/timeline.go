package estimate

import (
	"fmt"
	"slices"
	"time"
)

// Dated is what a [Timeline] holds versions of: an [Estimate], a [Budget], or
// anything else that states its basis and currency.
type Dated interface {
	Stated() (Basis, string)
}

// A Version is one state of an estimate or budget. Versions are numbered from 1
// and never rewritten: a change of mind is another version.
type Version[T Dated] struct {
	Number      int
	From        time.Time // effective from this UTC day on
	RecordedAt  time.Time // when it was written down
	ConfirmedAt time.Time // zero while it is a draft
	Value       T
}

// State is where a version stands on a day.
type State string

const (
	Draft      State = "draft"      // not confirmed; nothing is held against it
	Confirmed  State = "confirmed"  // confirmed, its first day is still to come
	InForce    State = "in_force"   // what actuals of the day are held against
	Superseded State = "superseded" // another confirmed version has taken its place
)

// A Timeline is the versions of one estimate or budget. All are on one basis and
// in one currency. Methods return a new Timeline and leave the old as it was; the
// zero value is empty.
//
// On a day the version in force is the confirmed one with the latest From not
// after the day, among several from one day the one with the highest number. So a
// version that is to start in July does not end what holds in June, and a version
// confirmed late for a past month leaves later ones alone.
type Timeline[T Dated] struct {
	Versions []Version[T]
}

// Draft adds a version as a draft. Another basis than that of the versions there
// are is ErrBasis, another currency ErrCurrency.
func (t Timeline[T]) Draft(value T, from, recordedAt time.Time) (Timeline[T], error) {
	fail := func(detail string, err error) (Timeline[T], error) {
		return t, &Error{Op: fmt.Sprintf("draft version %d", len(t.Versions)+1), Interval: oneDay(from), Detail: detail, Err: err}
	}
	if len(t.Versions) > 0 {
		was, wasIn := t.Versions[0].Value.Stated()
		is, in := value.Stated()
		if was != is {
			return fail(quote(string(is))+" after "+quote(string(was)), ErrBasis)
		}
		if wasIn != in {
			return fail(quote(in)+" after "+quote(wasIn), ErrCurrency)
		}
	}
	if from.IsZero() || !Day(from).Equal(from) {
		return fail("want the start of a UTC day", ErrPeriod)
	}
	return Timeline[T]{append(slices.Clone(t.Versions), Version[T]{
		Number: len(t.Versions) + 1, From: from.UTC(), RecordedAt: recordedAt.UTC(), Value: value,
	})}, nil
}

// Confirm confirms a draft. Who may do so is not decided here. A version that
// does not exist or is confirmed already is ErrVersion.
func (t Timeline[T]) Confirm(number int, at time.Time) (Timeline[T], error) {
	fail := func(detail string) (Timeline[T], error) {
		return t, &Error{Op: fmt.Sprintf("confirm version %d", number), Detail: detail, Err: ErrVersion}
	}
	i := t.index(number)
	switch {
	case i < 0:
		return fail("there is none")
	case !t.Versions[i].ConfirmedAt.IsZero():
		return fail("confirmed at " + t.Versions[i].ConfirmedAt.Format(time.RFC3339))
	case at.IsZero() || at.Before(t.Versions[i].RecordedAt):
		return fail("confirmed before it was recorded")
	}
	t.Versions = slices.Clone(t.Versions)
	t.Versions[i].ConfirmedAt = at.UTC()
	return t, nil
}

func (t Timeline[T]) index(number int) int {
	return slices.IndexFunc(t.Versions, func(v Version[T]) bool { return v.Number == number })
}

// InForce returns the version that holds on the UTC day of a time.
func (t Timeline[T]) InForce(day time.Time) (Version[T], bool) {
	best := -1
	for i, v := range t.Versions {
		if v.ConfirmedAt.IsZero() || v.From.After(Day(day)) {
			continue
		}
		if best < 0 || v.From.After(t.Versions[best].From) ||
			v.From.Equal(t.Versions[best].From) && v.Number > t.Versions[best].Number {
			best = i
		}
	}
	if best < 0 {
		return Version[T]{}, false
	}
	return t.Versions[best], true
}

// State returns where a version stands on a UTC day, blank if there is no such
// version.
func (t Timeline[T]) State(number int, day time.Time) State {
	i := t.index(number)
	if i < 0 {
		return ""
	}
	v := t.Versions[i]
	holds, ok := t.InForce(day)
	switch {
	case v.ConfirmedAt.IsZero():
		return Draft
	case v.From.After(Day(day)):
		return Confirmed
	case ok && holds.Number == number:
		return InForce
	}
	return Superseded
}

// KnownAt returns the timeline as it stood at an instant: versions recorded later
// are gone, and those confirmed later are drafts.
func (t Timeline[T]) KnownAt(at time.Time) Timeline[T] {
	var known []Version[T]
	for _, v := range t.Versions {
		if v.RecordedAt.After(at) {
			continue
		}
		if v.ConfirmedAt.After(at) {
			v.ConfirmedAt = time.Time{}
		}
		known = append(known, v)
	}
	return Timeline[T]{known}
}
