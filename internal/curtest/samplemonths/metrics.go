package main

import (
	"fmt"
	"strings"
	"time"
)

// meter is what the agents themselves count: sessions and minutes of a component.
type meter struct {
	workload, component string
	sessions            int64 // a month of thirty days
	tenths              int64 // minutes per session, times ten, in April
	mayTenths           int64 // the same in May
	weight              func(time.Time) int64
	long                func(time.Time) int64 // length of a session on a day, for weight
}

func meters() []meter {
	flat := func(time.Time) int64 { return 1 }
	list := []meter{
		{workload: "customer-support-bot", component: "runtime", sessions: 30000, tenths: 40, mayTenths: 40},
		{workload: "returns-triage-agent", component: "runtime", sessions: 6000, tenths: 60, mayTenths: 60},
		{workload: "data-insights-copilot", component: "runtime", sessions: 9000, tenths: 90, mayTenths: 90},
		{
			// 2.8 minutes on average in April and 4.2 in May, where the sessions from the 11th
			// on are more than those before and two thirds longer.
			workload: "data-insights-copilot", component: "code_interpreter", sessions: 61500, tenths: 28, mayTenths: 42,
			weight: func(day time.Time) int64 {
				if day.Before(may(11)) {
					return 1
				}
				return 2
			},
			long: func(day time.Time) int64 {
				if day.Before(may(11)) {
					return 280
				}
				return 468
			},
		},
		{workload: "document-platform", component: "runtime", sessions: 4000, tenths: 50, mayTenths: 50},
		{workload: "fraud-review-agent", component: "runtime", sessions: 3000, tenths: 70, mayTenths: 70},
		{workload: "fraud-review-agent", component: "code_interpreter", sessions: 30000, tenths: 30, mayTenths: 30},
		{workload: "chargeback-assistant", component: "runtime", sessions: 1200, tenths: 50, mayTenths: 50},
		{workload: "kyc-summariser", component: "runtime", sessions: 900, tenths: 40, mayTenths: 40},
		{workload: "kyc-summariser", component: "code_interpreter", sessions: 14000, tenths: 30, mayTenths: 30},
	}
	for i := range list {
		m := &list[i]
		if m.weight == nil {
			m.weight = flat
		}
		if m.long == nil {
			m.long = flat
		}
	}
	return list
}

// metricsCSV returns the table of sessions and minutes per workload, component and day,
// through the last day of the second delivery. Both are whole and add up to the stated
// averages: over April, over 1 to 23 May, and over 24 and 25 May alike.
func metricsCSV() string {
	var b strings.Builder
	b.WriteString("day,workload,component,sessions,minutes,source\n")
	for _, m := range meters() {
		april := m.sessions
		// A block of days has a multiple of ten sessions, so that its minutes are whole.
		m.block(&b, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), 30, april, m.tenths)
		first, further := april*23/30, april*2/30
		if m.mayTenths != m.tenths { // more sessions after the shift
			first, further = 60550, 45170*2/13
		}
		m.block(&b, may(1), 23, first/10*10, m.mayTenths)
		m.block(&b, may(24), 2, further/10*10, m.mayTenths)
	}
	return b.String()
}

func (m *meter) block(b *strings.Builder, start time.Time, days int, sessions, tenths int64) {
	count := make([]int64, days)
	pace := steady(m.workload + "/" + m.component)
	for i := range count {
		day := start.AddDate(0, 0, i)
		count[i] = pace(day) * m.weight(day)
	}
	count = spread(sessions, count)
	length := make([]int64, days)
	for i := range length {
		length[i] = count[i] * m.long(start.AddDate(0, 0, i))
	}
	length = spread(sessions*tenths/10, length)
	for i := range count {
		fmt.Fprintf(b, "%s,%s,%s,%d,%d,synthetic\n",
			start.AddDate(0, 0, i).Format(time.DateOnly), m.workload, m.component, count[i], length[i])
	}
}
