package cur

import (
	"fmt"
	"time"
)

// Month is a calendar month in UTC, which is what AWS bills by. The zero Month
// is unknown and prints as "".
type Month struct {
	// n counts months from January of year 0, plus one, so that the zero value
	// means unknown.
	n int32
}

// maxMonth is December of the year 9999.
const maxMonth = 9999*12 + 12

// MonthOf returns the UTC month that t lies in.
func MonthOf(t time.Time) Month {
	y, m, _ := t.UTC().Date()
	return Month{n: int32(y)*12 + int32(m)}
}

// ParseMonth reads "2026-05". An empty text is the zero Month.
func ParseMonth(s string) (Month, error) {
	if s == "" {
		return Month{}, nil
	}
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return Month{}, fmt.Errorf("cur: parse month %q: want YYYY-MM", s)
	}
	return MonthOf(t), nil
}

// IsZero reports whether m is the unknown month.
func (m Month) IsZero() bool { return m.n == 0 }

// Start returns the first instant of m, in UTC.
func (m Month) Start() time.Time {
	return time.Date(int(m.n-1)/12, time.Month((m.n-1)%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// End returns the first instant after m, in UTC.
func (m Month) End() time.Time { return Month{m.n + 1}.Start() }

// Compare orders months by time; the unknown month comes first.
func (m Month) Compare(o Month) int { return int(m.n) - int(o.n) }

// String returns m as "2026-05", or "" when unknown.
func (m Month) String() string {
	if m.n == 0 {
		return ""
	}
	return m.Start().Format("2006-01")
}

// MarshalText returns m as String does.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *Month) UnmarshalText(b []byte) error {
	v, err := ParseMonth(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}

// Span is the length of a bucket of time.
type Span uint8

// The spans, finest first. The zero Span means the default, Day.
const (
	Hour Span = iota + 1
	Day
	MonthSpan
)

// String returns "hour", "day" or "month".
func (s Span) String() string {
	switch s {
	case Hour:
		return "hour"
	case Day, 0:
		return "day"
	case MonthSpan:
		return "month"
	}
	return fmt.Sprintf("span(%d)", uint8(s))
}

// Bucket is the interval of time that a group of rows falls in. It is fixed
// before claims are known, so that one set of stored groups serves every claim.
type Bucket struct {
	// Start is a whole UTC hour, as Unix time in seconds.
	Start int64
	// Span is how long the bucket is.
	Span Span
}

// Time returns the bucket's first instant, in UTC.
func (b Bucket) Time() time.Time { return time.Unix(b.Start, 0).UTC() }

// End returns the first instant after the bucket, in UTC.
func (b Bucket) End() time.Time {
	t := b.Time()
	switch b.Span {
	case Hour:
		return t.Add(time.Hour)
	case MonthSpan:
		return t.AddDate(0, 1, 0)
	}
	return t.AddDate(0, 0, 1)
}

// Compare orders buckets by start, then by span.
func (b Bucket) Compare(o Bucket) int {
	if b.Start != o.Start {
		if b.Start < o.Start {
			return -1
		}
		return 1
	}
	return int(b.Span) - int(o.Span)
}

// String returns the bucket's start as a date, an hour or a month.
func (b Bucket) String() string {
	switch b.Span {
	case Hour:
		return b.Time().Format("2006-01-02T15Z")
	case MonthSpan:
		return b.Time().Format("2006-01")
	}
	return b.Time().Format("2006-01-02")
}

// bucketOf places a row. The span comes from the length of the row's billing
// interval, and is never finer than finest; without an interval the usage start
// stands in for it. A row that lasts longer than a span belongs to the day it
// starts in: recurring fees run from some day to the end of the month, and tax
// carries the month as its usage and the first day as its interval. A row without
// a time, or with one that no bill has, is in no bucket: the zero Bucket.
func bucketOf(li *LineItem, finest Span) Bucket {
	start, span := li.IntervalStart, Day
	if start.IsZero() {
		start = li.UsageStart
		if d := li.UsageEnd.Sub(start); d > 0 && d <= time.Hour {
			span = Hour
		}
	} else if !li.IntervalEnd.IsZero() {
		switch d := li.IntervalEnd.Sub(start); {
		case d <= time.Hour:
			span = Hour
		case d > 24*time.Hour && start.Equal(MonthOf(start).Start()) && li.IntervalEnd.Equal(MonthOf(start).End()):
			span = MonthSpan
		}
		if span == Hour && li.UsageEnd.Sub(li.UsageStart) > time.Hour {
			span = Day
		}
	}
	if finest == 0 {
		finest = Day
	}
	span = max(span, finest)
	// The UTC hour, day and month are found by truncation: Unix time has no
	// leap seconds and AWS bills in UTC.
	sec := start.Unix()
	if sec < 0 || sec >= maxBucket {
		return Bucket{}
	}
	switch span {
	case Hour:
		sec -= sec % 3600
	case Day:
		sec -= sec % 86400
	case MonthSpan:
		sec = MonthOf(start).Start().Unix()
	}
	return Bucket{Start: sec, Span: span}
}

// maxBucket is the end of the year 9999; buckets begin in 1970.
const maxBucket = 253402300800

// valid reports whether b can be kept.
func (b Bucket) valid() bool {
	return b.Start >= 0 && b.Start < maxBucket && b.Start%3600 == 0 && b.Span <= MonthSpan
}
