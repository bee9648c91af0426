package cur

import (
	"testing"
	"time"
)

func TestMonth(t *testing.T) {
	m, err := ParseMonth("2026-12")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.String(), "2026-12"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got, want := m.Start(), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Start() = %v, want %v", got, want)
	}
	if got, want := m.End(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("End() = %v, want %v", got, want)
	}
	if (Month{}).String() != "" || !(Month{}).IsZero() {
		t.Error("the zero Month is not unknown")
	}
	for _, bad := range []string{"2026", "2026-13", "26-01", "2026-05-01"} {
		if _, err := ParseMonth(bad); err == nil {
			t.Errorf("ParseMonth(%q) succeeded", bad)
		}
	}
}

func TestBucketOf(t *testing.T) {
	at := func(s string) time.Time {
		v, err := parseTime(s)
		if s != "" && err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name                       string
		from, to, useStart, useEnd string
		finest                     Span
		want                       string
		wantSpan                   Span
	}{
		{"hour folds into day", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", 0, "2026-05-04T00:00:00Z", Day},
		{"hour on request", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", Hour, "2026-05-04T13:00:00Z", Hour},
		{"day is never made finer", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z", "2026-05-04T23:00:00Z", "2026-05-05T00:00:00Z", Hour, "2026-05-04T00:00:00Z", Day},
		{"month report", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", 0, "2026-05-01T00:00:00Z", MonthSpan},
		{"recurring fee from mid-month", "2018-10-09T00:00:00Z", "2018-11-01T00:00:00Z", "2018-10-09T00:00:00Z", "2018-11-01T00:00:00Z", Hour, "2018-10-09T00:00:00Z", Day},
		{"tax belongs to the day of its interval", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", 0, "2026-05-01T00:00:00Z", Day},
		{"tax of an hourly report", "2026-05-01T00:00:00Z", "2026-05-01T01:00:00Z", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", Hour, "2026-05-01T00:00:00Z", Day},
		{"no interval", "", "", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", Hour, "2026-05-04T13:00:00Z", Hour},
		{"no interval, long", "", "", "2026-05-04T13:00:00Z", "2026-05-09T14:00:00Z", Hour, "2026-05-04T00:00:00Z", Day},
		{"months on request", "2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", "", "", MonthSpan, "2026-05-01T00:00:00Z", MonthSpan},
	} {
		t.Run(c.name, func(t *testing.T) {
			li := &LineItem{IntervalStart: at(c.from), IntervalEnd: at(c.to), UsageStart: at(c.useStart), UsageEnd: at(c.useEnd)}
			got := bucketOf(li, c.finest)
			if !got.Time().Equal(at(c.want)) || got.Span != c.wantSpan {
				t.Errorf("bucket = %v %v, want %v %v", got.Time(), got.Span, c.want, c.wantSpan)
			}
		})
	}
}

func TestParseTimeForms(t *testing.T) {
	want := time.Date(2022, 7, 1, 13, 4, 5, 0, time.UTC)
	for _, s := range []string{"2022-07-01T13:04:05Z", "2022-07-01T13:04:05.000Z", "2022-07-01 13:04:05", "2022-07-01 13:04:05.000", "2022-07-01 13:04:05.000 UTC"} {
		if got, err := parseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "2022", "2022-07-01T", "2022-07-01T25:00:00Z", "2022-04-31", "2022-07-01T13:04:05+02:00", "1969-12-31T23:00:00Z", "2022-07-01T13:04:05.Z", "2022-07-01X13:04:05Z", "NULL"} {
		if got, err := parseTime(s); err == nil {
			t.Errorf("parseTime(%q) = %v, want an error", s, got)
		}
	}
}
