package estimate

import (
	"slices"

	"github.com/shopspring/decimal"
)

// Reached is the one comparison of this package between a figure and a limit:
// it reports whether value is at least percent per cent of the limit, so that
// exactly 80 % of an estimate has reached its 80 % threshold, and a projection
// of exactly the estimate is over it. Nothing is rounded first.
//
// Of a limit of zero (something that should not be used at all) every share is
// zero; it is reached as soon as value is positive.
func Reached(value, limit, percent decimal.Decimal) bool {
	if limit.Sign() <= 0 {
		return value.GreaterThan(limit)
	}
	return value.Mul(hundred).GreaterThanOrEqual(limit.Mul(percent))
}

// ReachedThresholds returns those of the percentages that a value has reached,
// ascending and without repetition.
func ReachedThresholds(value, limit decimal.Decimal, percents []decimal.Decimal) []decimal.Decimal {
	var reached []decimal.Decimal
	for _, p := range percents {
		if Reached(value, limit, p) {
			reached = append(reached, p)
		}
	}
	slices.SortFunc(reached, decimal.Decimal.Cmp)
	return slices.CompactFunc(reached, decimal.Decimal.Equal)
}

// Verdict is where a figure is heading.
type Verdict string

const (
	VerdictUnknown   Verdict = "unknown"   // no estimate, or no complete day yet
	VerdictOnTrack   Verdict = "on_track"  // the projection stays below the estimate
	VerdictOver      Verdict = "over"      // the projection reaches the estimate
	VerdictExhausted Verdict = "exhausted" // what is used has reached the estimate
)
