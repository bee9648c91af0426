package pricing

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What callers branch on. Every error about a rate is a [*RateError] around one
// of these.
var (
	// ErrSyntax: a price list, offer or rate file is not of its format.
	ErrSyntax = errors.New("malformed")
	// ErrNoRate: the card holds no rate for what was asked. The message says
	// which part is missing: component, model, region, currency, meter or date.
	ErrNoRate = errors.New("no rate")
	// ErrUnvalidatedRate: there is a rate, but its sources disagree or nobody has
	// confirmed it, and it was not chosen.
	ErrUnvalidatedRate = errors.New("rate not validated")
	// ErrOverlap: two rates, or two discounts, claim the same meter at one time.
	ErrOverlap = errors.New("overlapping")
	// ErrBrackets: the volume brackets of a rate have a gap, an overlap, no start
	// at zero or a negative price.
	ErrBrackets = errors.New("broken brackets")
	// ErrCurrency: a price list states no price in the currency asked for.
	ErrCurrency = errors.New("other currency")
	// ErrUnit: a pricing unit is not known, or is not the one of its component.
	ErrUnit = errors.New("unknown unit")
	// ErrQuantity: a quantity is negative, or too large or fine to be one.
	ErrQuantity = errors.New("impossible quantity")
	// ErrRate: a rate lacks what every rate must have: a component, a region, a
	// currency, a start, a status and a source.
	ErrRate = errors.New("incomplete rate")
)

// RateError says of which rate an error speaks. Fields that do not matter to it
// are zero: a lookup has an At, a clash of rates a From and a To.
type RateError struct {
	Op        string // what was being done: "look up", "load", "overlay", …
	Component Component
	Model     string
	Meter     string // tier, routing and variant, where they are not the plain ones
	Region    string
	Currency  string
	At        time.Time // the day asked for
	From, To  time.Time // the interval in question; a zero To is open
	Source    string    // file line, SKU or rate id that it was found at
	Detail    string    // what is missing or wrong
	Err       error
}

// Error reads "pricing: look up rate of runtime_vcpu in us-east-1, USD, at
// 2026-05-01: no rate: …".
func (e *RateError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pricing: %s rate of %s", e.Op, e.Component)
	var of []string
	for _, s := range []string{e.Model, e.Meter} {
		if s != "" {
			of = append(of, s)
		}
	}
	if len(of) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(of, ", "))
	}
	if e.Region != "" {
		fmt.Fprintf(&b, " in %s", e.Region)
	}
	if e.Currency != "" {
		fmt.Fprintf(&b, ", %s", e.Currency)
	}
	if !e.At.IsZero() {
		fmt.Fprintf(&b, ", at %s", stamp(e.At))
	}
	if !e.From.IsZero() || !e.To.IsZero() {
		fmt.Fprintf(&b, ", %s", interval(e.From, e.To))
	}
	if e.Source != "" {
		fmt.Fprintf(&b, " [%s]", e.Source)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	return b.String()
}

// Unwrap returns the sentinel.
func (e *RateError) Unwrap() error { return e.Err }

// about returns the error for a rate.
func about(op string, r *Rate, err error, detail string) *RateError {
	return &RateError{
		Op: op, Component: r.Meter.Component, Model: r.Meter.Model, Meter: r.Meter.manner(),
		Region: r.Region, Currency: r.Currency, From: r.From, To: r.To,
		Source: r.ID, Detail: detail, Err: err,
	}
}

// interval writes a half-open interval.
func interval(from, to time.Time) string {
	if to.IsZero() {
		return "[" + stamp(from) + ", open)"
	}
	return "[" + stamp(from) + ", " + stamp(to) + ")"
}

// stamp writes an instant as a date where it is one.
func stamp(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}
