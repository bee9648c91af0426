package estimate

import (
	"errors"
	"strings"

	"github.com/spendclaim/spendclaim/pricing"
)

// What callers branch on. Each is wrapped in an [*Error] that says where.
var (
	ErrQuantity = errors.New("quantity is negative or absurd")
	ErrMix      = errors.New("empty or unusable mix")
	ErrRate     = errors.New("no positive rate")
	ErrUnit     = errors.New("units differ")
	ErrCurrency = errors.New("currencies differ")
	ErrBasis    = errors.New("bases differ")
	ErrPeriod   = errors.New("unusable period")
	ErrBudget   = errors.New("budget is exceeded")
	ErrPoints   = errors.New("too few or broken points")
	ErrVersion  = errors.New("version cannot be changed so")
)

// Error is what every function here returns for input that it refuses: the
// operation, and as far as they are known the component and the interval.
type Error struct {
	Op        string // what was being done, such as "solve"
	Component pricing.Component
	Interval  Interval // zero if no period matters
	Detail    string   // the values that are wrong
	Err       error    // one of the sentinels, or an error of pricing
}

// Error prints "estimate: op component interval: detail: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("estimate: " + e.Op)
	if e.Component != "" {
		b.WriteString(" " + string(e.Component))
	}
	if e.Interval != (Interval{}) {
		b.WriteString(" " + e.Interval.String())
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	b.WriteString(": " + e.Err.Error())
	return b.String()
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }
