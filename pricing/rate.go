package pricing

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Status says how far a rate can be trusted. Only confirmed and published rates
// are given out; the others must be chosen by id, with [RateCard.Choose].
type Status string

// The statuses.
const (
	Confirmed   Status = "confirmed"   // found on billed usage, or agreed in writing
	Published   Status = "published"   // stated by a price list, an offer or a page that sells
	Pending     Status = "pending"     // inferred; nobody has seen it billed or listed
	Conflicting Status = "conflicting" // sources disagree about price or unit
)

// Usable reports whether a rate of this status is given out without being chosen.
func (s Status) Usable() bool { return s == Confirmed || s == Published }

func (s Status) valid() bool {
	return s == Confirmed || s == Published || s == Pending || s == Conflicting
}

// Bracket is the price of each unit from a volume on, up to where the next
// bracket begins. Brackets are graduated: units below From keep their own price.
type Bracket struct {
	From  decimal.Decimal // in single units, within one billing month
	Price decimal.Decimal // of a single unit
}

// Rate is the price of one meter in one region and currency for an interval.
// Prices and quantities are those of a single unit (a token, not a thousand).
type Rate struct {
	ID       string // names the rate within its card, for choosing and for reports
	Meter    Meter
	Region   string    // AWS region code
	Currency string    // ISO 4217 code
	From, To time.Time // in force [From, To), UTC; a zero To is open
	Unit     PricingUnit
	// Brackets hold the price, the first from zero. A first bracket at zero price
	// with a second behind it is a free tier.
	Brackets []Bracket
	Status   Status
	Source   string // who says so: a price list and SKU, a page, an agreement
	Note     string // what to know before relying on it
	// Discount is the percentage that an [Overlay] took off, 0 if none did; the
	// brackets hold the price after it.
	Discount decimal.Decimal
	Chosen   bool // given out because [RateCard.Choose] named it
}

// Flat returns the brackets of a rate that is the same for every volume.
func Flat(price decimal.Decimal) []Bracket { return []Bracket{{Price: price}} }

// Price returns the price of a single unit at the start, past a free tier: what
// a rate is called by when it is called by one figure.
func (r Rate) Price() decimal.Decimal {
	for _, b := range r.Brackets {
		if b.Price.IsPositive() {
			return b.Price
		}
	}
	return decimal.Zero
}

// Free returns the volume per month that costs nothing before a price begins; 0
// if there is no free tier, or if nothing ever costs anything.
func (r Rate) Free() decimal.Decimal {
	for _, b := range r.Brackets {
		if b.Price.IsPositive() {
			return b.From
		}
	}
	return decimal.Zero
}

// Bounds of a quantity: more single units than any bill holds, and finer than any
// meter counts. They keep a slip of the keyboard from becoming an estimate, and
// exponents from becoming memory.
const (
	maxWhole    = 18 // digits before the point
	maxFine     = 18 // zeros behind the point before the first digit
	maxExponent = 60 // either way
)

// checkQuantity returns what is wrong with a quantity, or "". Exponents are looked
// at first: arithmetic on an absurd one would take the memory it names.
func checkQuantity(q decimal.Decimal) string {
	switch digits, exp := q.NumDigits(), int(q.Exponent()); {
	case exp > maxExponent || exp < -maxExponent:
		return "with an absurd exponent"
	case q.IsNegative():
		return "negative"
	case q.IsZero():
		return ""
	case digits+exp > maxWhole:
		return fmt.Sprintf("more than %d digits before the point", maxWhole)
	case digits+exp <= -maxFine:
		return "finer than any meter"
	}
	return ""
}

// Cost returns the exact price of a month's quantity in single units, bracket by
// bracket, unrounded. A negative or absurd quantity is [ErrQuantity].
func (r Rate) Cost(quantity decimal.Decimal) (decimal.Decimal, error) {
	if wrong := checkQuantity(quantity); wrong != "" {
		return decimal.Zero, about("apply", &r, ErrQuantity, wrong)
	}
	total := decimal.Zero
	for i, b := range r.Brackets {
		if quantity.LessThanOrEqual(b.From) {
			break
		}
		upto := quantity
		if i+1 < len(r.Brackets) && r.Brackets[i+1].From.LessThan(quantity) {
			upto = r.Brackets[i+1].From
		}
		total = total.Add(upto.Sub(b.From).Mul(b.Price))
	}
	return total, nil
}

// covers reports whether the rate is in force at an instant.
func (r *Rate) covers(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// overlaps reports whether two intervals share an instant.
func overlaps(from1, to1, from2, to2 time.Time) bool {
	return (to2.IsZero() || from1.Before(to2)) && (to1.IsZero() || from2.Before(to1))
}

// check returns the first thing that is wrong with a rate.
func (r *Rate) check(op string) error {
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"component", string(r.Meter.Component)}, {"region", r.Region}, {"currency", r.Currency}, {"source", r.Source},
	} {
		if strings.TrimSpace(f.value) == "" {
			missing = append(missing, f.name)
		}
	}
	if r.From.IsZero() {
		missing = append(missing, "start")
	}
	switch {
	case len(missing) > 0:
		return about(op, r, ErrRate, "no "+strings.Join(missing, ", no "))
	case !r.Status.valid():
		return about(op, r, ErrRate, fmt.Sprintf("status %q", r.Status))
	case !r.Status.Usable() && r.ID == "":
		return about(op, r, ErrRate, string(r.Status)+", and without an id to choose it by")
	case !r.To.IsZero() && !r.From.Before(r.To):
		return about(op, r, ErrRate, "ends before it starts")
	case r.Unit.Unit == "" || r.Unit.Exp < 0 || r.Unit.Exp > maxScale:
		return about(op, r, ErrUnit, fmt.Sprintf("%q", r.Unit.Unit))
	}
	if want := r.Meter.Component.Unit(); want != "" && r.Unit.Unit != want {
		return about(op, r, ErrUnit, fmt.Sprintf("%q where %s are counted", r.Unit.Unit, want))
	}
	return r.checkBrackets(op)
}

// checkBrackets asks for a start at zero, rising volumes and prices that a unit
// can have.
func (r *Rate) checkBrackets(op string) error {
	if len(r.Brackets) == 0 {
		return about(op, r, ErrBrackets, "none")
	}
	for i, b := range r.Brackets {
		switch {
		case i == 0 && !b.From.IsZero():
			return about(op, r, ErrBrackets, "the first begins at "+b.From.String())
		case i > 0 && !b.From.GreaterThan(r.Brackets[i-1].From):
			return about(op, r, ErrBrackets, fmt.Sprintf("%s follows %s", b.From, r.Brackets[i-1].From))
		case checkQuantity(b.From) != "":
			return about(op, r, ErrBrackets, "volume "+checkQuantity(b.From))
		case checkQuantity(b.Price) != "":
			return about(op, r, ErrBrackets, "price "+checkQuantity(b.Price))
		}
	}
	return nil
}
