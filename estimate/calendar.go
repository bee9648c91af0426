package estimate

import (
	"fmt"
	"time"
)

// Interval is a half-open range of UTC days, [From, To).
type Interval struct {
	From time.Time
	To   time.Time // exclusive
}

// Day returns the UTC day that t falls on, at midnight.
func Day(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Days returns how many days the interval holds; a reversed interval holds none.
func (i Interval) Days() int {
	return max(0, daysBetween(i.From, i.To))
}

// Contains reports whether the UTC day of t lies in the interval.
func (i Interval) Contains(t time.Time) bool {
	d := Day(t)
	return !d.Before(Day(i.From)) && d.Before(Day(i.To))
}

// String prints the interval as [2026-05-01, 2026-06-01).
func (i Interval) String() string {
	return fmt.Sprintf("[%s, %s)", i.From.UTC().Format(time.DateOnly), i.To.UTC().Format(time.DateOnly))
}

// valid reports whether the interval has at least a day and starts and ends on
// UTC midnights.
func (i Interval) valid() bool {
	return i.Days() > 0 && Day(i.From).Equal(i.From) && Day(i.To).Equal(i.To)
}

// daysBetween counts the midnights passed from one UTC day to another. UTC has
// no daylight saving, so every day is 24 hours.
func daysBetween(from, to time.Time) int {
	const day = 24 * 60 * 60 // in seconds: a Duration ends after 292 years
	return int((Day(to).Unix() - Day(from).Unix()) / day)
}

// A Calendar cuts time into weeks and months. It is handed to whatever needs
// one, so that cards, budgets and answers of one installation never disagree on
// where a week starts. The zero value is the default: weeks start on Monday and
// are clipped to months, so that every day of a month is in exactly one week of
// that month and weekly figures add up to monthly ones.
type Calendar struct {
	// AcrossMonths keeps weeks whole where a month ends inside them.
	AcrossMonths bool

	shift uint8 // days from Monday to the first day of the week
}

// NewCalendar returns a Calendar whose weeks start on the given weekday.
func NewCalendar(weekStart time.Weekday) Calendar {
	return Calendar{shift: fromMonday(weekStart)}
}

// WeekStart returns the first day of the week.
func (c Calendar) WeekStart() time.Weekday {
	return (time.Monday + time.Weekday(c.shift)) % 7
}

// fromMonday counts the days from Monday to w, for any integer.
func fromMonday(w time.Weekday) uint8 { return uint8(((w-time.Monday)%7 + 7) % 7) }

// Week returns the week that t falls in, clipped to t's month unless the
// calendar keeps weeks across months.
func (c Calendar) Week(t time.Time) Interval {
	d := Day(t)
	back := (int(fromMonday(d.Weekday())) - int(c.shift) + 7) % 7
	week := Interval{From: d.AddDate(0, 0, -back), To: d.AddDate(0, 0, 7-back)}
	if c.AcrossMonths {
		return week
	}
	month := c.Month(d)
	if week.From.Before(month.From) {
		week.From = month.From
	}
	if week.To.After(month.To) {
		week.To = month.To
	}
	return week
}

// Month returns the calendar month that t falls in.
func (c Calendar) Month(t time.Time) Interval {
	y, m, _ := t.UTC().Date()
	first := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	return Interval{From: first, To: first.AddDate(0, 1, 0)}
}

// Year returns the twelve months that start with the month of t: a budget year
// need not start in January.
func (c Calendar) Year(t time.Time) Interval {
	first := c.Month(t).From
	return Interval{From: first, To: first.AddDate(1, 0, 0)}
}

// Weeks returns the weeks that touch a period, in order.
func (c Calendar) Weeks(period Interval) []Interval { return touching(period, c.Week) }

// Months returns the months that touch a period, in order.
func (c Calendar) Months(period Interval) []Interval { return touching(period, c.Month) }

func touching(period Interval, at func(time.Time) Interval) []Interval {
	var all []Interval
	for d := Day(period.From); d.Before(Day(period.To)); d = all[len(all)-1].To {
		all = append(all, at(d))
	}
	return all
}

// Freshness says how far cost rows can be trusted to be complete. AWS delivers a
// day's rows over the following days, so the last days of a delivery are always
// too low: judged as they stand, every workload looks as if it had just stopped.
type Freshness struct {
	AsOf    time.Time // when AWS wrote the delivery
	Horizon int       // whole days held back; 0 means 2, negative means none
}

// defaultHorizon is how many days AWS is given to complete a day's rows.
const defaultHorizon = 2

// CompleteThrough returns the last complete day: the UTC date of AsOf minus the
// horizon. It is the zero time if AsOf is.
func (f Freshness) CompleteThrough() time.Time {
	if f.AsOf.IsZero() {
		return time.Time{}
	}
	horizon := f.Horizon
	if horizon == 0 {
		horizon = defaultHorizon
	}
	return Day(f.AsOf).AddDate(0, 0, -max(horizon, 0))
}

// Complete reports whether the rows of t's UTC day have all arrived.
func (f Freshness) Complete(t time.Time) bool {
	return !f.AsOf.IsZero() && !Day(t).After(f.CompleteThrough())
}

// Cut splits a period into its complete days and the provisional days after
// them. Either may be empty.
func (f Freshness) Cut(period Interval) (complete, provisional Interval) {
	at := Day(period.From)
	if !f.AsOf.IsZero() {
		at = f.CompleteThrough().AddDate(0, 0, 1)
	}
	if at.Before(period.From) {
		at = period.From
	}
	if at.After(period.To) {
		at = period.To
	}
	return Interval{From: period.From, To: at}, Interval{From: at, To: period.To}
}
