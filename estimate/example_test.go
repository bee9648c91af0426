package estimate_test

import (
	"fmt"
	"log"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// From traffic to volumes to money.
func ExamplePricer_Price() {
	card, err := pricing.DefaultCard()
	if err != nil {
		log.Fatal(err)
	}
	volumes, err := estimate.Sessions{
		Group:  pricing.GroupCodeInterpreter,
		PerDay: decimal.NewFromInt(100), Minutes: decimal.NewFromInt(2),
		VCPU: decimal.NewFromInt(1), GB: decimal.NewFromInt(2), Days: 30,
	}.Volumes()
	if err != nil {
		log.Fatal(err)
	}
	pricer := &estimate.Pricer{
		Card: card, Region: "us-east-1", Currency: "USD",
		Period: estimate.Calendar{}.Month(date(2026, time.May, 1)),
	}
	e, err := pricer.Price(volumes)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range e.Lines {
		fmt.Println(l.Meter, l.Quantity, l.Unit, "at", l.Rate.Price(), l.Rate.Status, "=", l.Cost)
	}
	fmt.Println("total", e.Total)
	// Output:
	// code_interpreter_vcpu 100 vCPU-hours at 0.0895 published = 8.95
	// code_interpreter_memory 200 GB-hours at 0.00945 published = 1.89
	// total 10.84
}

// What 20 USD a month buy, two thirds of it for memory events.
func ExamplePricer_ByShares() {
	card, err := pricing.DefaultCard()
	if err != nil {
		log.Fatal(err)
	}
	pricer := &estimate.Pricer{
		Card: card, Region: "us-east-1", Currency: "USD",
		Period: estimate.Calendar{}.Month(date(2026, time.May, 1)),
	}
	s, err := pricer.ByShares(decimal.NewFromInt(20), []estimate.Share{
		{Item: estimate.Item{Meter: pricing.Meter{Component: pricing.MemoryShortTerm}}, Weight: decimal.NewFromInt(2)},
		{Item: estimate.Item{Meter: pricing.Meter{Component: pricing.RuntimeVCPU}}, Weight: decimal.NewFromInt(1)},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range s.Lines {
		fmt.Println(l.Meter, l.Quantity, l.Unit, "cost", l.Cost)
	}
	fmt.Println("unspent", s.Unspent)
	// Output:
	// memory_short_term 53333 events cost 13.33325
	// runtime_vcpu 74 vCPU-hours cost 6.623
	// unspent 0.04375
}

// A conversation is 3,000 input tokens, of which 60 % come from the cache, and
// 500 output tokens; how many are there in 1,000 USD?
func ExamplePricer_ByRatio() {
	card, err := pricing.NewRateCard([]pricing.Rate{
		tokenRate(pricing.ModelInput, "3"), tokenRate(pricing.ModelCacheRead, "0.3"), tokenRate(pricing.ModelOutput, "15"),
	})
	if err != nil {
		log.Fatal(err)
	}
	one, err := estimate.Conversations{
		Meter:  pricing.Meter{Model: "Example"},
		PerDay: decimal.NewFromInt(1), Days: 1,
		InputTokens: decimal.NewFromInt(3000), OutputTokens: decimal.NewFromInt(500), CacheRead: decimal.NewFromInt(60),
	}.Volumes()
	if err != nil {
		log.Fatal(err)
	}
	var parts []estimate.Part
	for _, v := range one {
		parts = append(parts, estimate.Part{Item: v.Item, Per: v.Quantity})
	}
	pricer := &estimate.Pricer{
		Card: card, Region: "us-east-1", Currency: "USD",
		Period: estimate.Calendar{}.Month(date(2026, time.May, 1)),
	}
	s, err := pricer.ByRatio(decimal.NewFromInt(1000), parts)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Multiple, "conversations for", s.Total)
	// Output:
	// 85910 conversations for 999.9924
}

func tokenRate(c pricing.Component, perMillion string) pricing.Rate {
	unit := pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}
	return pricing.Rate{
		ID: "example/" + string(c), Meter: pricing.Meter{Component: c, Model: "Example"},
		Region: "us-east-1", Currency: "USD", From: date(2026, time.January, 1), Unit: unit,
		Brackets: pricing.Flat(unit.Price(decimal.RequireFromString(perMillion))),
		Status:   pricing.Confirmed, Source: "agreement",
	}
}

// 42,000 of 50,000 events with data complete through 23 May.
func ExampleTrack() {
	plan := estimate.Plan{
		Period: estimate.Calendar{}.Month(date(2026, time.May, 1)), Currency: "USD",
		Targets: []estimate.Target{{
			Component: pricing.MemoryShortTerm, Unit: pricing.Events, Volume: decimal.NewFromInt(50000),
		}},
	}
	rows := estimate.Actuals{Currency: "USD", Rows: []estimate.Row{{
		Component: pricing.MemoryShortTerm, Unit: pricing.Events, Day: date(2026, time.May, 23),
		Usage: decimal.NewFromInt(42000), Cost: decimal.RequireFromString("10.50"),
	}}}
	fresh := estimate.Freshness{AsOf: time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)}
	t, err := estimate.Track(plan, rows, fresh, &estimate.TrackOptions{Scale: 2})
	if err != nil {
		log.Fatal(err)
	}
	g := t.Lines[0].Volume
	fmt.Printf("%s %% used, %d days left by data, %d by the calendar\n", g.Percent.Decimal, t.DaysLeft, t.CalendarLeft)
	fmt.Printf("%s projected, %s %%: %s\n", g.Projected.Decimal, g.ProjectedPercent.Decimal, g.Verdict)
	fmt.Println("reached on", g.Exhaustion.Format(time.DateOnly))
	// Output:
	// 84 % used, 8 days left by data, 6 by the calendar
	// 56608.7 projected, 113.22 %: over
	// reached on 2026-05-28
}

func ExampleExplain() {
	cell := func(model string, tokens, cost int64) estimate.Cell {
		return estimate.Cell{
			Component: pricing.ModelInput, Unit: pricing.Tokens, Variant: model,
			Usage: decimal.NewFromInt(tokens), Cost: decimal.NewFromInt(cost),
		}
	}
	v, err := estimate.Explain(estimate.Comparison{
		Currency: "USD",
		Before:   []estimate.Cell{cell("small", 80, 8), cell("large", 20, 10)},
		After:    []estimate.Cell{cell("small", 20, 2), cell("large", 100, 55)},
		Gained:   []estimate.Cell{cell("large", 20, 11)}, // another workload's until May
	})
	if err != nil {
		log.Fatal(err)
	}
	t := v.Total
	fmt.Println(t.Difference, "= price", t.Price, "+ volume", t.Volume, "+ mix", t.Mix, "+ attribution", t.Attribution)
	// Output:
	// 39 = price 4 + volume 0 + mix 24 + attribution 11
}

func ExampleCalendar() {
	for _, w := range (estimate.Calendar{}).Weeks(estimate.Calendar{}.Month(date(2026, time.May, 1))) {
		fmt.Println(w)
	}
	// Output:
	// [2026-05-01, 2026-05-04)
	// [2026-05-04, 2026-05-11)
	// [2026-05-11, 2026-05-18)
	// [2026-05-18, 2026-05-25)
	// [2026-05-25, 2026-06-01)
}

func ExampleFreshness() {
	f := estimate.Freshness{AsOf: time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)}
	fmt.Println(f.CompleteThrough().Format(time.DateOnly))
	// Output: 2026-05-23
}

// A budget in draft, confirmed, and in force from July on.
func ExampleTimeline() {
	b, err := estimate.Spread(decimal.NewFromInt(1000), "USD", date(2026, time.July, 1), nil)
	if err != nil {
		log.Fatal(err)
	}
	var budgets estimate.Timeline[estimate.Budget]
	if budgets, err = budgets.Draft(*b, date(2026, time.July, 1), date(2026, time.June, 10)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(budgets.State(1, date(2026, time.July, 1)))
	if budgets, err = budgets.Confirm(1, date(2026, time.June, 12)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(budgets.State(1, date(2026, time.June, 30)))
	if v, ok := budgets.InForce(date(2026, time.July, 15)); ok {
		fmt.Println("in force:", v.Value.Month(date(2026, time.July, 15)).Decimal, "for July")
	}
	// Output:
	// draft
	// confirmed
	// in force: 83.34 for July
}

func ExampleNewForecast() {
	var points []estimate.Point
	for d := date(2026, time.May, 4); d.Before(date(2026, time.May, 25)); d = d.AddDate(0, 0, 1) {
		value := decimal.NewFromInt(100)
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			value = decimal.NewFromInt(30)
		}
		points = append(points, estimate.Point{Day: d, Value: value})
	}
	f, err := estimate.NewForecast(points, estimate.Calendar{}.Month(date(2026, time.May, 1)), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(f.Days), "days left, expected", f.Total.Expected.StringFixed(2))
	// Output: 7 days left, expected 560.00
}
