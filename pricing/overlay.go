package pricing

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Overlay is what a customer pays apart from the list: rates of its own, and
// discounts on listed ones.
type Overlay struct {
	// Rates replace listed ones of the same meter, region and currency for as long
	// as they are in force. No discount is taken off them.
	Rates []Rate
	// Discounts are taken off listed rates. Two that meet on one rate at one time
	// are refused, because whether they add or compound is the agreement's to say.
	Discounts []Discount
}

// Discount takes a percentage off listed rates for an interval. Blank fields
// match everything.
type Discount struct {
	Group     Group
	Component Component
	Model     string
	Region    string
	From, To  time.Time       // [From, To), UTC; a zero To is open
	Percent   decimal.Decimal // 12.5 takes an eighth off; at most 100
	Source    string          // the agreement
}

func (d *Discount) matches(r *Rate) bool {
	return (d.Group == "" || d.Group == r.Meter.Component.Group()) &&
		(d.Component == "" || d.Component == r.Meter.Component) &&
		(d.Model == "" || ModelKey(d.Model) == ModelKey(r.Meter.Model)) &&
		(d.Region == "" || d.Region == r.Region)
}

// about returns the error for a discount.
func (d *Discount) about(err error, detail string) *RateError {
	return &RateError{
		Op: "discount", Component: cmp.Or(d.Component, Component(d.Group), "all components"), Model: d.Model, Region: d.Region,
		From: d.From, To: d.To, Source: d.Source, Err: err, Detail: detail,
	}
}

// check returns the first thing that is wrong with a discount.
func (d *Discount) check() error {
	hundred := decimal.New(1, 2)
	switch {
	case d.From.IsZero():
		return d.about(ErrRate, "no start")
	case !d.To.IsZero() && !d.From.Before(d.To):
		return d.about(ErrRate, "ends before it starts")
	case strings.TrimSpace(d.Source) == "":
		return d.about(ErrRate, "no source")
	case checkQuantity(d.Percent) != "":
		return d.about(ErrRate, "percentage "+checkQuantity(d.Percent))
	case d.Percent.IsZero() || d.Percent.GreaterThan(hundred):
		return d.about(ErrRate, d.Percent.String()+" percent")
	}
	return nil
}

// Overlay returns a card in which the overlay's rates and discounts hold on their
// days and the listed rates on all others. A listed rate that an overlay cuts into
// keeps its id up to the cut; later pieces add the day they begin, and so does a
// rate of the overlay whose id is taken. Laying a later price list over an earlier
// one therefore keeps both, each for its time.
func (c *RateCard) Overlay(o Overlay) (*RateCard, error) {
	listed, faults := discounted(c.Rates(), o.Discounts)
	var own []Rate
	for _, r := range o.Rates {
		r = normal(r)
		if err := r.check("overlay"); err != nil {
			faults = append(faults, err)
			continue
		}
		own = append(own, r)
		listed = carveAll(listed, placeOf(r.Meter, r.Region, r.Currency), r.From, r.To)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	taken := map[string]bool{}
	for _, r := range listed {
		taken[r.ID] = true
	}
	for i, r := range own {
		if r.ID != "" && taken[r.ID] {
			own[i].ID = r.ID + "@" + stamp(r.From) // a SKU at its next price
		}
	}
	return NewRateCard(append(listed, own...))
}

// discounted takes discounts off rates, cutting each at the discount's edges.
func discounted(rates []Rate, discounts []Discount) ([]Rate, []error) {
	var faults []error
	for _, d := range discounts {
		d.From, d.To = d.From.UTC(), utcOrOpen(d.To)
		if err := d.check(); err != nil {
			faults = append(faults, err)
			continue
		}
		var out []Rate
		hit := false
		for _, r := range rates {
			if !d.matches(&r) || !overlaps(r.From, r.To, d.From, d.To) {
				out = append(out, r)
				continue
			}
			hit = true
			if !r.Discount.IsZero() {
				fault := about("discount", &r, ErrOverlap, d.Source+" meets "+r.Note)
				fault.From, fault.To = laterOf(r.From, d.From), earlierEnd(r.To, d.To)
				faults = append(faults, fault)
			}
			for _, piece := range pieces(r, d.From, d.To) {
				if overlaps(piece.From, piece.To, d.From, d.To) {
					piece = d.off(piece)
				}
				out = append(out, piece)
			}
		}
		if rates = out; !hit {
			faults = append(faults, d.about(ErrNoRate, "it would change nothing"))
		}
	}
	return rates, faults
}

func utcOrOpen(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// off returns a rate after the discount. Percentages are hundredths, so every
// price is exact.
func (d *Discount) off(r Rate) Rate {
	keep := decimal.New(1, 2).Sub(d.Percent).Shift(-2)
	r.Brackets = slices.Clone(r.Brackets)
	for i := range r.Brackets {
		r.Brackets[i].Price = r.Brackets[i].Price.Mul(keep)
	}
	r.Discount = d.Percent
	r.Note = strings.TrimPrefix(r.Note+"; "+d.Percent.String()+"% off: "+d.Source, "; ")
	return r
}

// carveAll takes the interval [from, to) out of the rates of a place.
func carveAll(rates []Rate, p place, from, to time.Time) []Rate {
	var out []Rate
	for _, r := range rates {
		if placeOf(r.Meter, r.Region, r.Currency) != p || !overlaps(r.From, r.To, from, to) {
			out = append(out, r)
			continue
		}
		for _, piece := range pieces(r, from, to) {
			if !overlaps(piece.From, piece.To, from, to) {
				out = append(out, piece)
			}
		}
	}
	return out
}

// pieces cuts a rate at the edges of [from, to), which it overlaps.
func pieces(r Rate, from, to time.Time) []Rate {
	out := []Rate{r}
	for _, cut := range []time.Time{from, to} {
		last := out[len(out)-1]
		if cut.IsZero() || !last.From.Before(cut) || !last.To.IsZero() && !cut.Before(last.To) {
			continue
		}
		head, tail := last, last
		head.To, tail.From = cut, cut
		if tail.ID != "" {
			tail.ID = r.ID + "@" + stamp(cut)
		}
		out = append(out[:len(out)-1], head, tail)
	}
	return out
}
