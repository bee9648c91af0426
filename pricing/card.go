package pricing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// RateCard holds rates by meter, region and currency over time. It is immutable
// and may be shared; [RateCard.Overlay] and [RateCard.Choose] return new cards. The
// zero value holds no rate.
type RateCard struct {
	rates map[place][]Rate // by From; overlapping only where rivals conflict
}

// place is where a rate may be looked up, with spellings folded.
type place struct {
	meter    Meter
	region   string
	currency string
}

func placeOf(m Meter, region, currency string) place {
	return place{m.key(), region, currency}
}

// NewRateCard builds a card of rates that are complete and do not overlap. Only
// conflicting rates may overlap one another: they are rivals until one is chosen.
// Everything that is wrong is returned at once, joined, each a [*RateError].
func NewRateCard(rates []Rate) (*RateCard, error) {
	c := &RateCard{rates: map[place][]Rate{}}
	var faults []error
	ids := map[string]bool{}
	for _, r := range rates {
		r = normal(r)
		if err := r.check("add"); err != nil {
			faults = append(faults, err)
			continue
		}
		if r.ID != "" && ids[r.ID] {
			faults = append(faults, about("add", &r, ErrRate, "its id is taken"))
			continue
		}
		ids[r.ID] = true
		p := placeOf(r.Meter, r.Region, r.Currency)
		c.rates[p] = append(c.rates[p], r)
	}
	for _, p := range c.places() {
		byStart(c.rates[p])
		faults = append(faults, clashes(c.rates[p])...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

// normal returns a rate that shares nothing with the caller's and is in UTC.
func normal(r Rate) Rate {
	r.From = r.From.UTC()
	if !r.To.IsZero() {
		r.To = r.To.UTC()
	}
	r.Brackets = slices.Clone(r.Brackets)
	return r
}

func byStart(rates []Rate) {
	slices.SortStableFunc(rates, func(a, b Rate) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID)) })
}

// clashes reports the rates of one place that claim the same time. All pairs are
// looked at: an open rate early on reaches past its neighbour.
func clashes(rates []Rate) []error {
	var faults []error
	for i := range rates {
		for j := i + 1; j < len(rates); j++ {
			a, b := &rates[i], &rates[j]
			if !overlaps(a.From, a.To, b.From, b.To) {
				break // sorted by start, so the rest begins later still
			}
			if a.Status == Conflicting && b.Status == Conflicting && !a.Chosen && !b.Chosen {
				continue
			}
			fault := about("add", b, ErrOverlap, fmt.Sprintf("another is in force %s [%s]", interval(a.From, a.To), a.ID))
			fault.From, fault.To = laterOf(a.From, b.From), earlierEnd(a.To, b.To)
			faults = append(faults, fault)
		}
	}
	return faults
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlierEnd compares ends of intervals, of which a zero one is the latest.
func earlierEnd(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// places lists what the card holds, in the order reports show it.
func (c *RateCard) places() []place {
	var all []place
	for p := range c.rates {
		all = append(all, p)
	}
	order := map[Component]int{}
	for i, known := range Components() {
		order[known] = i
	}
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(
			cmp.Compare(order[a.meter.Component], order[b.meter.Component]),
			cmp.Compare(a.meter.Component, b.meter.Component),
			cmp.Compare(a.meter.Model, b.meter.Model),
			cmp.Compare(a.region, b.region),
			cmp.Compare(a.currency, b.currency),
			cmp.Compare(a.meter.String(), b.meter.String()),
		)
	})
	return all
}

// Rates returns all rates, by component, model, region and start. The slice is
// the caller's.
func (c *RateCard) Rates() []Rate {
	var all []Rate
	for _, p := range c.places() {
		for _, r := range c.rates[p] {
			all = append(all, normal(r))
		}
	}
	return all
}

// Query asks for the rate of a meter on a day. Nothing in it has a default.
type Query struct {
	Meter    Meter
	Region   string
	Currency string
	At       time.Time
}

// Lookup returns the rate in force. Nothing is fallen back to: not another
// region, not the regional price of a global call, not the price of last year.
// A missing rate is a [*RateError] around [ErrNoRate] that says what is missing; a
// rate that is pending or conflicting, and not chosen, one around
// [ErrUnvalidatedRate] that names the candidates.
func (c *RateCard) Lookup(q Query) (Rate, error) {
	var found []*Rate
	all := c.rates[placeOf(q.Meter, q.Region, q.Currency)]
	for i := range all {
		if all[i].covers(q.At) {
			found = append(found, &all[i])
		}
	}
	switch {
	case len(found) == 0:
		return Rate{}, q.fail(ErrNoRate, c.missing(q))
	case len(found) == 1 && (found[0].Status.Usable() || found[0].Chosen):
		return normal(*found[0]), nil
	}
	return Rate{}, q.fail(ErrUnvalidatedRate, candidates(found))
}

// fail returns the error of a lookup.
func (q Query) fail(err error, detail string) *RateError {
	return &RateError{
		Op: "look up", Component: q.Meter.Component, Model: q.Meter.Model, Meter: q.Meter.manner(),
		Region: q.Region, Currency: q.Currency, At: q.At, Err: err, Detail: detail,
	}
}

// candidates lists rates that may be chosen.
func candidates(rates []*Rate) string {
	var s []string
	for _, r := range rates {
		s = append(s, fmt.Sprintf("%s (%s)", r.ID, r.Status))
	}
	return "choose one of " + strings.Join(s, ", ")
}

// missing says which part of a query the card has nothing for. Parts are tried in
// the order in which they narrow, so the first that leaves nothing is the gap.
func (c *RateCard) missing(q Query) string {
	left := c.places()
	want := placeOf(q.Meter, q.Region, q.Currency)
	for _, part := range []struct {
		name string
		same func(place) bool
	}{
		{"component " + string(q.Meter.Component), func(p place) bool { return p.meter.Component == want.meter.Component }},
		{fmt.Sprintf("model %q", q.Meter.Model), func(p place) bool { return p.meter.Model == want.meter.Model }},
		{fmt.Sprintf("region %q", q.Region), func(p place) bool { return p.region == want.region }},
		{fmt.Sprintf("currency %q", q.Currency), func(p place) bool { return p.currency == want.currency }},
	} {
		var kept []place
		for _, p := range left {
			if part.same(p) {
				kept = append(kept, p)
			}
		}
		if left = kept; len(left) == 0 {
			return "the card has nothing for " + part.name
		}
	}
	var others []string
	for _, p := range left {
		if p.meter != want.meter {
			others = append(others, cmp.Or(p.meter.manner(), "plain"))
			continue
		}
		var in []string
		for _, r := range c.rates[p] {
			in = append(in, interval(r.From, r.To))
		}
		return "the card has none for that date, but for " + strings.Join(in, ", ")
	}
	return fmt.Sprintf("the card has no %s meter of it, but %s", cmp.Or(q.Meter.manner(), "plain"), strings.Join(others, ", "))
}

// Between returns the rates in force over [from, to), cut to it, in order and
// without a hole: what to price a month with whose rates change within it. It
// fails as [RateCard.Lookup] does, the error holding the first instant not covered.
func (c *RateCard) Between(m Meter, region, currency string, from, to time.Time) ([]Rate, error) {
	var out []Rate
	for at := from.UTC(); at.Before(to); {
		r, err := c.Lookup(Query{Meter: m, Region: region, Currency: currency, At: at})
		if err != nil {
			return nil, err
		}
		r.From = at
		if r.To.IsZero() || r.To.After(to) {
			r.To = to.UTC()
		}
		// A rate that starts inside this one can only be its rival, and rivals
		// are refused above; so the next instant to ask for is the end of this.
		out, at = append(out, r), r.To
	}
	return out, nil
}

// Choose returns a card in which the named rates are given out although their
// status is pending or conflicting, and their rivals are gone for that time. Their status
// remains, so that what is priced with them can say so. An id that the card lacks,
// and two ids that are rivals, are errors.
func (c *RateCard) Choose(ids ...string) (*RateCard, error) {
	rates := c.Rates()
	for _, id := range ids {
		at := slices.IndexFunc(rates, func(r Rate) bool { return r.ID == id && id != "" })
		if at < 0 {
			return nil, fmt.Errorf("pricing: choose rate %q: %w", id, ErrNoRate)
		}
		rates[at].Chosen = true
	}
	var won, rest []Rate
	for _, r := range rates {
		if r.Chosen {
			won = append(won, r)
		} else {
			rest = append(rest, r)
		}
	}
	for _, r := range won {
		rest = carveAll(rest, placeOf(r.Meter, r.Region, r.Currency), r.From, r.To)
	}
	return NewRateCard(append(won, rest...))
}
