package main

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// sampleMonth is one delivery of a sample month, planned.
type sampleMonth struct {
	Name     string // of its folder
	AsOf     time.Time
	Table    *curtest.Table
	Restated []restated
	Rows     int
	delivery curtest.Delivery
}

// plannedMonths returns April, then the first and second delivery of May.
func plannedMonths() ([]*sampleMonth, error) {
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	var list []*sampleMonth
	for _, m := range []struct {
		name   string
		asOf   time.Time
		format curtest.Format
		span   span
	}{
		{"2026-04", time.Date(2026, 5, 6, 8, 0, 0, 0, time.UTC), curtest.CSVGzip, span{start: april, days: 30, invoiced: true}},
		{"2026-05-first", time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC), curtest.Parquet, span{start: may(1), days: 23}},
		{"2026-05-second", time.Date(2026, 5, 27, 12, 0, 0, 0, time.UTC), curtest.Parquet, span{start: may(1), days: 23, further: 2, restated: true}},
	} {
		month := &sampleMonth{Name: m.name, AsOf: m.asOf}
		items, err := month.items(&m.span)
		if err != nil {
			return nil, err
		}
		month.Rows = len(items)
		slices.SortStableFunc(month.Restated, func(a, b restated) int { return strings.Compare(a.Day, b.Day) })
		sheet := curtest.Sheet{
			Period: m.span.start.Format("2006-01"), Payer: payer, PayerName: "SYNTHETIC Example Payer",
			// Discounts come as rows, and such an export has no columns for them.
			Omit: []string{"discount", "discount_total_discount"},
		}
		if month.Table, err = sheet.Table(slices.Values(items)); err != nil {
			return nil, err
		}
		month.delivery = delivery(m.name, m.asOf, m.format)
		list = append(list, month)
	}
	return list, nil
}

// delivery names the export. The folder that AWS would put below the billing period has
// colons in its name, which not every file system takes; so the time stands in the
// prefix of the URIs, and the files keep the part from data/ on.
func delivery(name string, asOf time.Time, f curtest.Format) curtest.Delivery {
	execution := curtest.StableUUID("execution", name)
	d := curtest.Delivery{
		Bucket: "synthetic-billing-exports", Export: "spendclaim-synthetic-daily", Execution: execution,
		Prefix: "kept/" + asOf.Format("2006-01-02T15:04:05.000Z") + "-" + execution,
		AsOf:   asOf, Format: f, Rebased: true, Level: 9,
	}
	if f == curtest.Parquet {
		d.RowsPerFile = 1500
	}
	return d
}

// items plans the whole delivery. A line's days follow one another, since rows that are
// alike compress well side by side; the files AWS writes have no order to keep to.
func (m *sampleMonth) items(s *span) ([]*curtest.Item, error) {
	var items []*curtest.Item
	p := newPrices()
	edp := discountDay(s.start.Month())
	off := decimal.Decimal{}
	plan := groups(p)
	for i := range plan {
		entries, err := plan[i].entries(s)
		if err != nil {
			return nil, err
		}
		for j := range entries {
			e := &entries[j]
			if s.restated {
				r, err := e.restate(s)
				if err != nil {
					return nil, err
				}
				if r != nil {
					m.Restated = append(m.Restated, *r)
				}
			}
			it := e.item(s)
			if e.slot.day.Day() == edp {
				off = off.Add(discounted(it))
			}
			items = append(items, it)
		}
	}
	rest := services()
	for i := range rest {
		for d := range s.days + s.further {
			items = append(items, rest[i].item(s, s.start.AddDate(0, 0, d), i))
		}
	}
	for _, c := range credits(p, s.start.Month(), rest) {
		items = append(items, c.item(s))
	}
	for _, l := range levies(p, rest) {
		items = append(items, l.item(s))
	}
	items = append(items, discountItem(s, p.proIn, off))
	if s.invoiced {
		for _, it := range items {
			it.Invoice = invoice(it)
		}
	}
	return items, nil
}

// invoice is one number per seller.
func invoice(it *curtest.Item) string {
	if it.SKU.Entity == "AWS" {
		return "SYN-2026-04-0001"
	}
	return "SYN-2026-04-0002"
}
