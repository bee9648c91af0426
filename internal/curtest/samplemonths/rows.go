package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// span is what a delivery covers: the days its targets are for, and further days that
// go on at the same pace.
type span struct {
	start    time.Time // of the month
	days     int
	further  int
	invoiced bool
	restated bool
}

// slot is a day and a session of it.
type slot struct {
	day     time.Time
	session int
}

// entry is one planned usage row.
type entry struct {
	group    *group
	part     int
	slot     slot
	quantity int64 // in the smallest step of the SKU
}

// line names an entry's group and SKU, for ids and restatements.
func (e *entry) line() string { return e.group.key + "/" + strconv.Itoa(e.part) }

func (e *entry) sku() *curtest.SKU { return e.group.parts[e.part].sku }

func (e *entry) amount() decimal.Decimal { return decimal.New(e.quantity, -e.sku().Places) }

// entries cuts a group's target for the span.
func (g *group) entries(s *span) ([]entry, error) {
	target := g.may
	if s.start.Month() == time.April {
		target = g.april
	}
	if target == "" {
		return nil, nil
	}
	totals, err := solve(target, g.parts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.key, err)
	}
	sessions := 1
	if g.caller != nil {
		sessions = g.caller.sessions
	}
	var slots []slot
	var weights []int64
	inside, sum := 0, int64(0)
	for d := range s.days + s.further {
		day := s.start.AddDate(0, 0, d)
		if day.Before(g.since) {
			continue
		}
		for n := range sessions {
			// Sessions of a day are of unlike length.
			w := g.weight(day) * int64(10+n*n)
			slots, weights = append(slots, slot{day, n}), append(weights, w)
			if d < s.days {
				inside, sum = inside+1, sum+w
			}
		}
	}
	var list []entry
	for part, total := range totals {
		got := spread(total, weights[:inside])
		for i, at := range slots {
			q := total * weights[i] / sum
			if i < inside {
				q = got[i]
			}
			if q > 0 {
				list = append(list, entry{g, part, at, q})
			}
		}
	}
	return list, nil
}

// item makes the line item of an entry.
func (e *entry) item(s *span) *curtest.Item {
	g, sku := e.group, e.sku()
	it := &curtest.Item{
		ID:  curtest.StableID(e.line(), strconv.Itoa(e.slot.session)),
		SKU: sku, Account: g.account, Name: accountName(g.account), Resource: g.resource,
		Amount: e.amount(),
	}
	it.Cost = sku.Price(it.Amount)
	it.From, it.To = hours(s, e.slot.day, e.line())
	if g.endpoint && e.slot.day.Day()%3 == 0 {
		it.Resource += "/runtime-endpoint/DEFAULT"
	}
	if g.portfolio != "" {
		it.CostCategory = curtest.NewMap(curtest.Pair{Key: "Portfolio", Value: g.portfolio})
	}
	if g.app != "" {
		it.ResourceTags = curtest.NewMap(curtest.Pair{Key: "user_app", Value: g.app})
		it.Tags = curtest.NewMap(curtest.Pair{Key: "resourceTags/user:app", Value: g.app})
	}
	if c := g.caller; c != nil {
		it.Resource = c.profile
		it.Principal = "arn:aws:sts::" + g.account + ":assumed-role/" + c.role + "/" + c.session(e.slot.day, e.slot.session)
		if c.tenants {
			tenant := [...]string{"acme", "globex", "initech"}[e.slot.session%3]
			it.Tags = curtest.NewMap(curtest.Pair{Key: "iamPrincipal/tenant", Value: tenant})
		}
	}
	return it
}

// hours returns the hours used inside a day, counted from the start of the month.
func hours(s *span, day time.Time, key string) (from, to int) {
	n := int(jitter(key+"/hours", day)-92) / 8 * 8 // 0, 8 or 16 idle hours
	from = int(day.Sub(s.start)/time.Hour) + n/2
	return from, from + 24 - n
}

// restatement changes the amount of one row in the second delivery of May.
type restatement struct {
	line    string
	day     int
	session int
	change  int64 // in the smallest step of the SKU
}

// restatements are all on claimed anchors; one takes money away, one by a price in
// millions of tokens.
func restatements() []restatement {
	return []restatement{
		{"csbot/models/0", 5, 2, 1200},
		{"insights/code/0", 6, 0, 40},
		{"insights/code/1", 6, 0, 80},
		{"fraud/models/1", 8, 0, -120},
		{"documents/memory/2", 10, 0, 600},
		{"csbot/memory/1", 19, 0, 2000},
		{"returns/runtime/0", 19, 0, -3},
	}
}

// restated is a row of the first delivery of May that the second one tells otherwise.
type restated struct {
	ID, Day, Anchor, UsageType, Unit                 string
	AmountBefore, AmountAfter, CostBefore, CostAfter decimal.Decimal
}

// restate changes the entry if it is one of the restated and says what it did.
func (e *entry) restate(s *span) (*restated, error) {
	for _, r := range restatements() {
		if r.line != e.line() || r.day != e.slot.day.Day() || r.session != e.slot.session {
			continue
		}
		before := e.item(s)
		e.quantity += r.change
		if e.quantity <= 0 {
			return nil, fmt.Errorf("samplemonths: restate %s on %d May: nothing would be left", r.line, r.day)
		}
		after := e.item(s)
		return &restated{
			ID: before.ID, Day: e.slot.day.Format(time.DateOnly), Anchor: or(before.Principal, before.Resource),
			UsageType: e.sku().UsageType, Unit: or(e.sku().Unit, "(in the description)"),
			AmountBefore: before.Amount, AmountAfter: after.Amount,
			CostBefore: before.Cost, CostAfter: after.Cost,
		}, nil
	}
	return nil, nil
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
