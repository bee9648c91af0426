package estimate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spendclaim/spendclaim/estimate"
	"pgregory.net/rapid"
)

func intervals(all []estimate.Interval) []string {
	var s []string
	for _, i := range all {
		s = append(s, i.String())
	}
	return s
}

func TestWeeksOfMay(t *testing.T) {
	sunday := estimate.NewCalendar(time.Sunday)
	across := estimate.Calendar{AcrossMonths: true}
	for _, tt := range []struct {
		name string
		c    estimate.Calendar
		want []string
	}{
		{"Monday, clipped", estimate.Calendar{}, []string{
			"[2026-05-01, 2026-05-04)", "[2026-05-04, 2026-05-11)", "[2026-05-11, 2026-05-18)",
			"[2026-05-18, 2026-05-25)", "[2026-05-25, 2026-06-01)",
		}},
		{"Sunday, clipped", sunday, []string{
			"[2026-05-01, 2026-05-03)", "[2026-05-03, 2026-05-10)", "[2026-05-10, 2026-05-17)",
			"[2026-05-17, 2026-05-24)", "[2026-05-24, 2026-05-31)", "[2026-05-31, 2026-06-01)",
		}},
		{"Monday, across months", across, []string{
			"[2026-04-27, 2026-05-04)", "[2026-05-04, 2026-05-11)", "[2026-05-11, 2026-05-18)",
			"[2026-05-18, 2026-05-25)", "[2026-05-25, 2026-06-01)",
		}},
	} {
		if diff := cmp.Diff(tt.want, intervals(tt.c.Weeks(month("2026-05")))); diff != "" {
			t.Errorf("%s: weeks (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWeekStart(t *testing.T) {
	if got := (estimate.Calendar{}).WeekStart(); got != time.Monday {
		t.Errorf("default week start = %s, want Monday", got)
	}
	for w := time.Sunday; w <= time.Saturday; w++ {
		c := estimate.NewCalendar(w)
		c.AcrossMonths = true
		if got := c.WeekStart(); got != w {
			t.Errorf("NewCalendar(%s).WeekStart() = %s", w, got)
		}
		if got := c.Week(day("2026-05-25")).From.Weekday(); got != w {
			t.Errorf("week of a %s calendar starts on %s", w, got)
		}
	}
}

func TestMonthsAndYears(t *testing.T) {
	c := estimate.Calendar{}
	year := c.Year(day("2026-07-15"))
	if got, want := year.String(), "[2026-07-01, 2027-07-01)"; got != want {
		t.Errorf("year = %s, want %s", got, want)
	}
	if months := c.Months(year); len(months) != 12 || months[7] != month("2027-02") {
		t.Errorf("months = %v", months)
	}
	if got := month("2024-02").Days(); got != 29 {
		t.Errorf("February 2024 has %d days, want 29", got)
	}
	// Another time zone's first of June is still the last of May in UTC.
	east := time.FixedZone("east", 9*60*60)
	if got := c.Month(time.Date(2026, 6, 1, 3, 0, 0, 0, east)); got != month("2026-05") {
		t.Errorf("month = %s, want May", got)
	}
	if back := (estimate.Interval{From: day("2026-05-02"), To: day("2026-05-01")}); back.Days() != 0 || len(c.Weeks(back)) != 0 {
		t.Errorf("reversed interval has %d days", back.Days())
	}
}

// TestWeeksPartitionMonths: clipped weeks cover each day of a month once.
func TestWeeksPartitionMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := estimate.NewCalendar(time.Weekday(rapid.IntRange(-20, 20).Draw(t, "start")))
		d := day("2000-01-01").AddDate(0, 0, rapid.IntRange(0, 40000).Draw(t, "day"))
		m := c.Month(d)
		at := m.From
		for _, w := range c.Weeks(m) {
			if !w.From.Equal(at) || w.Days() < 1 || w.Days() > 7 {
				t.Fatalf("week %s of %s does not follow %s", w, m, at)
			}
			if at = w.To; at.Before(m.To) && at.Weekday() != c.WeekStart() {
				t.Fatalf("week %s ends on a %s", w, at.Weekday())
			}
		}
		if !at.Equal(m.To) {
			t.Fatalf("weeks of %s end at %s", m, at)
		}
		if w := c.Week(d); !w.Contains(d) {
			t.Fatalf("week of %s is %s", d, w)
		}
	})
}

func TestCompleteThrough(t *testing.T) {
	noon := day("2026-05-25").Add(12 * time.Hour)
	for _, tt := range []struct {
		name string
		f    estimate.Freshness
		want string
	}{
		{"default horizon", estimate.Freshness{AsOf: noon}, "2026-05-23"},
		{"three days", estimate.Freshness{AsOf: noon, Horizon: 3}, "2026-05-22"},
		{"none", estimate.Freshness{AsOf: noon, Horizon: -1}, "2026-05-25"},
		{"over a month's end", estimate.Freshness{AsOf: day("2026-05-01")}, "2026-04-29"},
		{"another zone", estimate.Freshness{AsOf: time.Date(2026, 5, 26, 1, 0, 0, 0, time.FixedZone("east", 7200))}, "2026-05-23"},
	} {
		through := tt.f.CompleteThrough()
		if !through.Equal(day(tt.want)) {
			t.Errorf("%s: complete through %s, want %s", tt.name, through, tt.want)
		}
		if !tt.f.Complete(through.Add(23*time.Hour)) || tt.f.Complete(through.AddDate(0, 0, 1)) {
			t.Errorf("%s: Complete disagrees with CompleteThrough", tt.name)
		}
	}
	if f := (estimate.Freshness{}); !f.CompleteThrough().IsZero() || f.Complete(day("2026-05-01")) {
		t.Errorf("without an as-of, days are complete")
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct{ asOf, complete, provisional string }{
		{"2026-05-25", "[2026-05-01, 2026-05-24)", "[2026-05-24, 2026-06-01)"},
		{"2026-05-02", "[2026-05-01, 2026-05-01)", "[2026-05-01, 2026-06-01)"},
		{"2026-05-03", "[2026-05-01, 2026-05-02)", "[2026-05-02, 2026-06-01)"},
		{"2026-04-01", "[2026-05-01, 2026-05-01)", "[2026-05-01, 2026-06-01)"},
		{"2026-07-01", "[2026-05-01, 2026-06-01)", "[2026-06-01, 2026-06-01)"},
	} {
		complete, provisional := estimate.Freshness{AsOf: day(tt.asOf)}.Cut(month("2026-05"))
		if complete.String() != tt.complete || provisional.String() != tt.provisional {
			t.Errorf("as of %s: cut = %s %s, want %s %s", tt.asOf, complete, provisional, tt.complete, tt.provisional)
		}
	}
}
