package cards

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// account collects the totals of one subject.
type account struct {
	key    accountKey
	weeks  []week // by number; made on first use
	money  map[Money]*Money
	judged decimal.Decimal
}

// week collects the usage of one week.
type week struct {
	lines    map[meter]*Line
	rows     int64
	cost     decimal.Decimal
	outside  decimal.Decimal
	loose    bool // some rows are on no invoice yet
	unsigned bool // some have no invoice of their own, for they were shared
}

// meter is the finest thing that usage is added within.
type meter struct {
	component pricing.Component
	unit      pricing.Unit
}

// dayOf reads the day, UTC, of a total's bucket, which is a day or an hour.
func dayOf(bucket string) (time.Time, error) {
	if len(bucket) > len(time.DateOnly) {
		bucket = bucket[:len(time.DateOnly)]
	}
	return time.Parse(time.DateOnly, bucket)
}

// add books a total.
func (b *Book) add(a *account, t *ledger.Total) error {
	k := Money{Outcome: t.Outcome, Kind: t.Kind, Reason: t.Reason, Account: t.Account, Invoice: t.Invoice}
	if a.key.subject.Kind != Workload {
		k.Workload = t.Workload
	}
	if a.money == nil {
		a.money = map[Money]*Money{}
	}
	m := a.money[k]
	if m == nil {
		m = new(Money)
		*m = k
		a.money[k] = m
	}
	m.Rows += t.Rows
	m.Amount = m.Amount.Add(t.Unblended)
	if !onCards(t.Outcome, t.Kind) {
		return nil
	}
	day, err := dayOf(t.Bucket)
	if err != nil {
		return fmt.Errorf("usage of %s in bucket %q: weekly cards need days: %w", a.key.subject, t.Bucket, estimate.ErrPeriod)
	}
	if a.weeks == nil {
		a.weeks = make([]week, len(b.weeks))
	}
	i, inside := b.weekOf(day)
	w := &a.weeks[i]
	if w.lines == nil {
		w.lines = map[meter]*Line{}
	}
	unit, usage := pricing.Unit(t.Unit), t.Usage
	if p, err := pricing.ParseUnit(t.Unit, t.Component); err == nil && usage.Valid {
		unit, usage.Decimal = p.Unit, p.Quantity(usage.Decimal)
	}
	l := w.lines[meter{t.Component, unit}]
	if l == nil {
		l = &Line{Component: t.Component, Unit: unit, Usage: decimal.NullDecimal{Valid: true}}
		w.lines[meter{t.Component, unit}] = l
	}
	l.Usage = decimal.NullDecimal{Valid: l.Usage.Valid && usage.Valid, Decimal: l.Usage.Decimal.Add(usage.Decimal)}
	l.Cost = l.Cost.Add(t.Unblended)
	w.cost = w.cost.Add(t.Unblended)
	w.rows += t.Rows
	if !inside {
		w.outside = w.outside.Add(t.Unblended)
	}
	if b.fresh.Complete(day) {
		a.judged = a.judged.Add(t.Unblended)
	}
	switch {
	case t.Outcome == attribution.Shared:
		w.unsigned = true
	case t.Invoice == "":
		w.loose = true
	}
	return nil
}

// weekOf returns the number of a day's week; of a day outside of the month, that of
// the nearest.
func (b *Book) weekOf(day time.Time) (i int, inside bool) {
	switch {
	case day.Before(b.period.From):
		return 0, false
	case !day.Before(b.period.To):
		return len(b.weeks) - 1, false
	}
	for i := range b.weeks {
		if day.Before(b.weeks[i].To) {
			return i, true
		}
	}
	return len(b.weeks) - 1, false // not reached: the weeks cover the month
}

// month makes the month of an account.
func (b *Book) month(a *account) *Month {
	complete, _ := b.fresh.Cut(b.period)
	m := &Month{Subject: a.key.subject, Payer: b.generation.Delivery.Payer, Currency: a.key.currency, Period: b.period,
		Generation: b.generation.Number, Judged: a.judged, Days: complete.Days()}
	for _, x := range a.money {
		m.Money = append(m.Money, *x)
	}
	slices.SortFunc(m.Money, func(x, y Money) int { return x.compare(&y) })
	if a.key.subject.Kind == Rest {
		return m
	}
	ex := b.expectation(a.key)
	for i, period := range b.weeks {
		w := week{}
		if a.weeks != nil {
			w = a.weeks[i]
		}
		if w.rows == 0 && !ex.some(i) {
			continue
		}
		m.Cards = append(m.Cards, b.card(a.key, period, &w, ex, i))
	}
	return m
}

func (b *Book) card(k accountKey, period estimate.Interval, w *week, ex *expectation, i int) Card {
	g := &b.generation
	c := Card{
		Key:   Key{Subject: k.subject, Payer: g.Delivery.Payer, Currency: k.currency, Week: period},
		Basis: estimate.UsageUnblended, Generation: g.Number, AsOf: g.Delivery.AsOf.UTC(),
		Complete: b.Openable(period), Rows: w.rows, Cost: w.cost, Outside: w.outside, NotHeld: ex.notHeld,
	}
	state := g.States[k.currency]
	c.Final = c.Complete && !w.loose && (!w.unsigned && w.rows > 0 || state == attribution.Invoiced)
	for _, l := range w.lines {
		c.Lines = append(c.Lines, *l)
	}
	c.Lines = ex.lines(c.Lines, i)
	slices.SortFunc(c.Lines, compareLines)
	for j := range c.Lines {
		l := &c.Lines[j]
		l.Against = b.limits.against(l.Cost, ex.cost(meter{l.Component, l.Unit}, i))
	}
	c.Against = b.limits.against(c.Cost, ex.total(i))
	return c
}

// compareLines orders lines as reports show components; those outside of the fixed
// vocabulary follow by name.
func compareLines(x, y Line) int {
	all := pricing.Components()
	place := func(c pricing.Component) int {
		if i := slices.Index(all, c); i >= 0 {
			return i
		}
		return len(all)
	}
	return cmp.Or(cmp.Compare(place(x.Component), place(y.Component)), cmp.Compare(x.Component, y.Component), cmp.Compare(x.Unit, y.Unit))
}
