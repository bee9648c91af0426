package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// batch makes LineItems of rows of a block, some at once and field by field: the
// loops over one field are short, and what all rows of the block have in common is
// set once.
type batch struct {
	rows     [batchRows]LineItem
	from, to int // the places in blocks.order that rows are of
	same     int // of rows: those that have what all rows of the block have in common
	tmpl     LineItem

	texts   []batchText
	amounts []batchAmount
}

// batchRows is few enough that the rows stay in the nearest cache.
const batchRows = 16

type batchText struct {
	field int
	table []string
	refs  []uint32
}

type batchAmount struct {
	from *blockAmounts
	vals []int64 // nil: all are 0
}

// give returns the next row to hand out.
func (b *blocks) give() *LineItem {
	if b.at == b.batch.to {
		b.batch.next(b)
	}
	li := &b.batch.rows[b.at-b.batch.from]
	b.at++
	return li
}

// plan finds what differs in the rows that were decoded.
func (t *batch) plan(b *blocks) {
	t.from, t.to, t.same = 0, 0, 0
	t.texts, t.amounts = t.texts[:0], t.amounts[:0]
	t.tmpl = LineItem{row: b.row, present: b.all}
	for i := range b.texts {
		if c := &b.texts[i]; !c.same {
			t.texts = append(t.texts, batchText{i, c.table, c.refs})
		} else if c.one != "" {
			t.tmpl.put(i, c.one)
		}
	}
	// Where these differ from row to row they are set with each row.
	t.tmpl.IntervalStart, t.tmpl.IntervalEnd = b.iv.one.start, b.iv.one.end
	t.tmpl.UsageStart, t.tmpl.UsageEnd = b.start.one, b.end.one
	t.tmpl.BillingPeriod = b.period.one
	for m := range b.amounts {
		if a := &b.amounts[m]; b.some&(1<<m) != 0 && a.some {
			t.amounts = append(t.amounts, batchAmount{a, a.vals})
		}
	}
}

// next makes the next rows of order.
func (t *batch) next(b *blocks) {
	rows := b.order[b.at:min(b.at+batchRows, len(b.order))]
	t.from, t.to = b.at, b.at+len(rows)
	for ; t.same < len(rows); t.same++ {
		t.rows[t.same] = t.tmpl
	}
	t.fill(b, t.rows[:len(rows)], rows)
}

// look makes a LineItem of the decoded row i for looking at it. It is void after the
// next.
func (b *blocks) look(i int32) *LineItem {
	b.probe[0] = b.batch.tmpl
	b.batch.fill(b, b.probe[:], b.places.rows[i:i+1])
	return &b.probe[0]
}

// fill sets what differs in rows decoded.
func (t *batch) fill(b *blocks, to []LineItem, rows []int32) {
	for k := range t.texts {
		v := &t.texts[k]
		putTexts(to, v.field, v.table, v.refs, rows)
	}
	if !b.iv.same {
		for j, i := range rows {
			iv := &b.iv.table[b.iv.refs[i]]
			to[j].IntervalStart, to[j].IntervalEnd = iv.start, iv.end
		}
	}
	if !b.start.same {
		for j, i := range rows {
			to[j].UsageStart = b.start.table[b.start.refs[i]]
		}
	}
	if !b.end.same {
		for j, i := range rows {
			to[j].UsageEnd = b.end.table[b.end.refs[i]]
		}
	}
	if !b.period.same {
		for j, i := range rows {
			to[j].BillingPeriod = b.period.table[b.period.refs[i]]
		}
	}
	if b.all != b.some {
		for j, i := range rows {
			to[j].present = b.all | b.present[i]
		}
	}
	for k := range t.amounts {
		v := &t.amounts[k]
		m := v.from.m
		if len(v.from.wide) > 0 {
			for j, i := range rows {
				to[j].amounts[m] = v.from.num(int(i))
			}
			continue
		}
		for j, i := range rows {
			to[j].amounts[m] = exact.FromSmall(v.vals[i])
		}
	}
}

// num returns the amount of row i.
func (c *cells) num(i int) exact.Num {
	at, found := slices.BinarySearchFunc(c.wide, int32(i), func(w wideCell, i int32) int { return int(w.i) - int(i) })
	if found {
		return c.wide[at].n
	}
	return exact.FromSmall(c.vals[i])
}

// putTexts sets the field of a place in textFields.
func putTexts(to []LineItem, field int, table []string, refs []uint32, rows []int32) {
	to = to[:len(rows)]
	switch field {
	case fieldPayer:
		for j, i := range rows {
			to[j].Payer = table[refs[i]]
		}
	case fieldInvoice:
		for j, i := range rows {
			to[j].InvoiceID = table[refs[i]]
		}
	case fieldInvoicing:
		for j, i := range rows {
			to[j].InvoicingEntity = table[refs[i]]
		}
	case fieldLegal:
		for j, i := range rows {
			to[j].LegalEntity = table[refs[i]]
		}
	case fieldBillType:
		for j, i := range rows {
			to[j].BillType = table[refs[i]]
		}
	case fieldEntity:
		for j, i := range rows {
			to[j].BillingEntity = table[refs[i]]
		}
	case fieldProduct:
		for j, i := range rows {
			to[j].ProductCode = table[refs[i]]
		}
	case fieldFamily:
		for j, i := range rows {
			to[j].ProductFamily = table[refs[i]]
		}
	case fieldName:
		for j, i := range rows {
			to[j].ProductName = table[refs[i]]
		}
	case fieldModel:
		for j, i := range rows {
			to[j].Model = table[refs[i]]
		}
	case fieldUsageType:
		for j, i := range rows {
			to[j].UsageType = table[refs[i]]
		}
	case fieldOperation:
		for j, i := range rows {
			to[j].Operation = table[refs[i]]
		}
	case fieldUnit:
		for j, i := range rows {
			to[j].PricingUnit = table[refs[i]]
		}
	case fieldType:
		for j, i := range rows {
			to[j].LineItemType = table[refs[i]]
		}
	case fieldCurrency:
		for j, i := range rows {
			to[j].Currency = table[refs[i]]
		}
	case fieldAccount:
		for j, i := range rows {
			to[j].UsageAccount = table[refs[i]]
		}
	case fieldRegion:
		for j, i := range rows {
			to[j].Region = table[refs[i]]
		}
	case fieldPrincipal:
		for j, i := range rows {
			to[j].Principal = table[refs[i]]
		}
	case fieldResource:
		for j, i := range rows {
			to[j].Resource = table[refs[i]]
		}
	case fieldDescription:
		for j, i := range rows {
			to[j].Description = table[refs[i]]
		}
	case fieldReservation:
		for j, i := range rows {
			to[j].Reservation = table[refs[i]]
		}
	}
}
