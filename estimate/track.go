package estimate

import (
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

// A Target is what one component was estimated at over the period. Cost may be
// unknown, for volumes that were estimated before their rate was.
type Target struct {
	Component pricing.Component
	Unit      pricing.Unit
	Volume    decimal.Decimal
	Cost      decimal.NullDecimal
}

// Plan is an estimate as actuals are held against: targets of one period, in
// one currency and on one basis.
type Plan struct {
	Period   Interval
	Basis    Basis
	Currency string
	Targets  []Target
}

// TrackOptions change how actuals are judged; nil means all defaults.
type TrackOptions struct {
	// Today is the day that DaysLeft counts from; by default the date of the
	// delivery.
	Today time.Time
	// Scale is the number of decimals of run rates and projections; 0 means 10.
	// Verdicts and dates are taken before rounding.
	Scale int32

	_ struct{}
}

// A Tracking is actual against estimate over one period. Everything is judged on
// complete days; what later days hold so far is shown as provisional and decides
// nothing.
type Tracking struct {
	Period       Interval
	Basis        Basis
	Currency     string
	Through      time.Time // last complete day that is judged; zero if there is none yet
	DaysComplete int       // complete days of the period
	DaysLeft     int       // days of the period after Through
	CalendarLeft int       // days of the period after today
	Lines        []Progress
	Cost         Gauge // of all lines, estimated or not; its estimate is unknown if one target's cost is
	Outside      int   // rows of days outside the period, which are left out
}

// Progress is one component's actual against its estimate. A component that was
// used without having been estimated has a line with unknown estimates.
type Progress struct {
	Component pricing.Component
	Unit      pricing.Unit
	Volume    Gauge
	Cost      Gauge
}

// Gauge is one figure against its estimate. A value that cannot be known is
// null, never zero: a percentage of no estimate, a run rate of no days.
type Gauge struct {
	Estimate         decimal.NullDecimal
	Used             decimal.Decimal // on complete days
	Provisional      decimal.Decimal // on later days, so far
	Remaining        decimal.NullDecimal
	Percent          decimal.NullDecimal // of the estimate that is used; two decimals
	RunRate          decimal.NullDecimal // per complete day
	Projected        decimal.NullDecimal // at the period's end, at the run rate
	ProjectedPercent decimal.NullDecimal // two decimals
	Verdict          Verdict
	// Exhaustion is the day on which the estimate is reached: the day it
	// happened, or the day it will at the run rate. Zero if not in the period.
	Exhaustion time.Time
}

// Track holds actuals against a plan. The errors it returns wrap ErrPeriod,
// ErrBasis, ErrCurrency, ErrUnit or ErrQuantity.
func Track(p Plan, a Actuals, f Freshness, opts *TrackOptions) (*Tracking, error) {
	o := TrackOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Scale <= 0 {
		o.Scale = valueScale
	}
	if o.Today.IsZero() {
		o.Today = f.AsOf
	}
	if err := checkSides(p, a); err != nil {
		return nil, err
	}
	tk := &tracker{plan: p, scale: o.Scale, lines: map[meter]*line{}}
	if err := tk.takeTargets(); err != nil {
		return nil, err
	}
	complete, _ := f.Cut(p.Period)
	tk.complete = complete
	if err := tk.takeRows(a.Rows); err != nil {
		return nil, err
	}
	t := &Tracking{
		Period: p.Period, Basis: p.Basis.orDefault(), Currency: p.Currency, Outside: tk.outside,
		DaysComplete: complete.Days(), DaysLeft: p.Period.Days() - complete.Days(),
		CalendarLeft: p.Period.Days(),
	}
	if t.DaysComplete > 0 {
		t.Through = complete.To.AddDate(0, 0, -1)
	}
	if !o.Today.IsZero() {
		rest := Interval{From: Day(o.Today).AddDate(0, 0, 1), To: p.Period.To}
		t.CalendarLeft = min(rest.Days(), p.Period.Days())
	}
	tk.report(t)
	return t, nil
}

// checkSides refuses to hold apples against pears.
func checkSides(p Plan, a Actuals) error {
	fail := func(detail string, err error) error {
		return &Error{Op: "track", Interval: p.Period, Detail: detail, Err: err}
	}
	switch {
	case !p.Period.valid():
		return fail("want whole UTC days", ErrPeriod)
	case p.Basis.orDefault() != a.Basis.orDefault():
		return fail("estimate "+quote(string(p.Basis.orDefault()))+", actual "+quote(string(a.Basis.orDefault())), ErrBasis)
	case p.Currency != a.Currency:
		return fail("estimate "+quote(p.Currency)+", actual "+quote(a.Currency), ErrCurrency)
	}
	return nil
}

// line collects the figures of one meter.
type line struct {
	target *Target
	volume series
	cost   series
}

// series is one figure by day, over complete days, and what came after them.
type series struct {
	byDay       map[time.Time]decimal.Decimal
	used, later decimal.Decimal
}

func (s *series) add(day time.Time, v decimal.Decimal, complete bool) {
	if !complete {
		s.later = s.later.Add(v)
		return
	}
	if s.byDay == nil {
		s.byDay = map[time.Time]decimal.Decimal{}
	}
	s.byDay[day] = s.byDay[day].Add(v)
	s.used = s.used.Add(v)
}

// tracker holds what is known while rows are read.
type tracker struct {
	plan     Plan
	scale    int32
	complete Interval
	lines    map[meter]*line
	outside  int
}

func (tk *tracker) takeTargets() error {
	for _, t := range tk.plan.Targets {
		fail := func(detail string, err error) error {
			return &Error{Op: "track", Component: t.Component, Interval: tk.plan.Period, Detail: detail, Err: err}
		}
		if !plausible(t.Volume) || t.Volume.IsNegative() || t.Cost.Valid && (!plausible(t.Cost.Decimal) || t.Cost.Decimal.IsNegative()) {
			return fail("estimate", ErrQuantity)
		}
		if other := tk.unitOf(t.Component); other != "" && other != t.Unit {
			return fail("estimated in "+quote(string(other))+" and in "+quote(string(t.Unit)), ErrUnit)
		}
		m := meter{t.Component, t.Unit}
		l := tk.lines[m]
		if l == nil {
			tk.lines[m] = &line{target: &t}
			continue
		}
		// Several lines of one component, such as one for each model, are held
		// together against rows that do not tell them apart.
		sum := *l.target
		sum.Volume = sum.Volume.Add(t.Volume)
		sum.Cost.Valid = sum.Cost.Valid && t.Cost.Valid
		sum.Cost.Decimal = sum.Cost.Decimal.Add(t.Cost.Decimal)
		l.target = &sum
	}
	return nil
}

// unitOf returns the unit that a component is estimated in, if it is.
func (tk *tracker) unitOf(c pricing.Component) pricing.Unit {
	for _, t := range tk.plan.Targets {
		if t.Component == c {
			return t.Unit
		}
	}
	return ""
}

func (tk *tracker) takeRows(rows []Row) error {
	for _, r := range rows {
		if err := checkRow("track", r); err != nil {
			return err
		}
		if !tk.plan.Period.Contains(r.Day) {
			tk.outside++
			continue
		}
		m := meter{r.Component, r.Unit}
		l := tk.lines[m]
		if l == nil {
			if unit := tk.unitOf(r.Component); unit != "" {
				return &Error{
					Op: "track", Component: r.Component, Interval: oneDay(r.Day),
					Detail: "estimated in " + quote(string(unit)) + ", used in " + quote(string(r.Unit)), Err: ErrUnit,
				}
			}
			l = &line{}
			tk.lines[m] = l
		}
		day, complete := Day(r.Day), tk.complete.Contains(r.Day)
		l.volume.add(day, r.Usage, complete)
		l.cost.add(day, r.Cost, complete)
	}
	return nil
}

func (tk *tracker) report(t *Tracking) {
	meters := make([]meter, 0, len(tk.lines))
	for m := range tk.lines {
		meters = append(meters, m)
	}
	slices.SortFunc(meters, meter.compare)
	total, estimate := series{}, decimal.NullDecimal{Valid: true}
	for _, m := range meters {
		l := tk.lines[m]
		var volume, cost decimal.NullDecimal
		if l.target != nil {
			volume, cost = known(l.target.Volume), l.target.Cost
			estimate.Valid = estimate.Valid && cost.Valid
			estimate.Decimal = estimate.Decimal.Add(cost.Decimal)
		}
		t.Lines = append(t.Lines, Progress{
			Component: m.component, Unit: m.unit,
			Volume: tk.gauge(volume, l.volume), Cost: tk.gauge(cost, l.cost),
		})
		for day, v := range l.cost.byDay {
			total.add(day, v, true)
		}
		total.later = total.later.Add(l.cost.later)
	}
	if len(tk.plan.Targets) == 0 {
		estimate = decimal.NullDecimal{}
	}
	t.Cost = tk.gauge(estimate, total)
}

// gauge judges one figure. All comparisons are between exact values.
func (tk *tracker) gauge(estimate decimal.NullDecimal, s series) Gauge {
	g := Gauge{Used: s.used, Provisional: s.later, Verdict: VerdictUnknown}
	if estimate.Valid {
		g.Estimate = known(estimate.Decimal)
		g.Remaining = known(estimate.Decimal.Sub(s.used))
		g.Percent = percentOf(s.used.Rat(), estimate.Decimal)
	}
	days, length := int64(tk.complete.Days()), int64(tk.plan.Period.Days())
	if days == 0 {
		return g
	}
	perDay := new(big.Rat).Quo(s.used.Rat(), big.NewRat(days, 1))
	projected := new(big.Rat).Mul(perDay, big.NewRat(length, 1))
	g.RunRate, g.Projected = known(round(perDay, tk.scale, halfUp)), known(round(projected, tk.scale, halfUp))
	if !estimate.Valid {
		return g
	}
	limit := estimate.Decimal
	g.ProjectedPercent = percentOf(projected, limit)
	// used × length ≥ limit × days is the projection's comparison without its
	// division.
	scaled := limit.Mul(decimal.NewFromInt(days))
	switch {
	case Reached(s.used, limit, hundred):
		g.Verdict = VerdictExhausted
		g.Exhaustion = tk.reachedOn(s, limit)
	case Reached(s.used.Mul(decimal.NewFromInt(length)), scaled, hundred):
		g.Verdict = VerdictOver
		needed := new(big.Rat).Quo(limit.Sub(s.used).Rat(), perDay) // days, in parts
		after := round(needed, 0, away).IntPart()
		g.Exhaustion = tk.complete.To.AddDate(0, 0, int(after)-1)
	default:
		g.Verdict = VerdictOnTrack
	}
	return g
}

// reachedOn returns the complete day on which the running sum reached a limit.
func (tk *tracker) reachedOn(s series, limit decimal.Decimal) time.Time {
	sum := decimal.Decimal{}
	for d := tk.complete.From; d.Before(tk.complete.To); d = d.AddDate(0, 0, 1) {
		if sum = sum.Add(s.byDay[d]); Reached(sum, limit, hundred) {
			return d
		}
	}
	return time.Time{} // not reached: the caller knows that it is
}

// percentOf returns what share of a limit a value is; null for a limit of zero.
func percentOf(value *big.Rat, limit decimal.Decimal) decimal.NullDecimal {
	if limit.IsZero() {
		return decimal.NullDecimal{}
	}
	share := new(big.Rat).Quo(value, limit.Rat())
	return known(round(share.Mul(share, hundred.Rat()), percentScale, halfUp))
}

func known(d decimal.Decimal) decimal.NullDecimal { return decimal.NewNullDecimal(d) }

func quote(s string) string {
	if s == "" {
		return "none"
	}
	return `"` + s + `"`
}
