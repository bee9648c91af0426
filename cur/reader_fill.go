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
	amounts []*blockAmounts
	some    [batchRows]uint32 // see refs
}

// batchRows is few enough that the rows stay in the nearest cache.
const batchRows = 32

type batchText struct {
	field int
	table []string
	refs  []uint32
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
			t.amounts = append(t.amounts, a)
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
		putTexts(to, v.field, v.table, t.refs(v.refs, rows))
	}
	if c := &b.iv; !c.same {
		for j, ref := range t.refs(c.refs, rows) {
			iv := &c.table[ref]
			to[j].IntervalStart, to[j].IntervalEnd = iv.start, iv.end
		}
	}
	if c := &b.start; !c.same {
		for j, ref := range t.refs(c.refs, rows) {
			to[j].UsageStart = c.table[ref]
		}
	}
	if c := &b.end; !c.same {
		for j, ref := range t.refs(c.refs, rows) {
			to[j].UsageEnd = c.table[ref]
		}
	}
	if c := &b.period; !c.same {
		for j, ref := range t.refs(c.refs, rows) {
			to[j].BillingPeriod = c.table[ref]
		}
	}
	if b.all != b.some {
		for j, i := range rows {
			to[j].present = b.all | b.present[i]
		}
	}
	for _, a := range t.amounts {
		m, vals := a.m, a.vals
		if len(a.wide) > 0 {
			for j, i := range rows {
				to[j].amounts[m] = a.num(int(i))
			}
			continue
		}
		for j, i := range rows {
			to[j].amounts[m] = exact.FromSmall(vals[i])
		}
	}
}

// refs returns those of rows.
func (t *batch) refs(refs []uint32, rows []int32) []uint32 {
	first := rows[0]
	if int(rows[len(rows)-1]-first) == len(rows)-1 {
		return refs[first:][:len(rows)]
	}
	for j, i := range rows {
		t.some[j] = refs[i]
	}
	return t.some[:len(rows)]
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
func putTexts(to []LineItem, field int, table []string, refs []uint32) {
	to = to[:len(refs)]
	switch field {
	case fieldPayer:
		for j, ref := range refs {
			to[j].Payer = table[ref]
		}
	case fieldInvoice:
		for j, ref := range refs {
			to[j].InvoiceID = table[ref]
		}
	case fieldInvoicing:
		for j, ref := range refs {
			to[j].InvoicingEntity = table[ref]
		}
	case fieldLegal:
		for j, ref := range refs {
			to[j].LegalEntity = table[ref]
		}
	case fieldBillType:
		for j, ref := range refs {
			to[j].BillType = table[ref]
		}
	case fieldEntity:
		for j, ref := range refs {
			to[j].BillingEntity = table[ref]
		}
	case fieldProduct:
		for j, ref := range refs {
			to[j].ProductCode = table[ref]
		}
	case fieldFamily:
		for j, ref := range refs {
			to[j].ProductFamily = table[ref]
		}
	case fieldName:
		for j, ref := range refs {
			to[j].ProductName = table[ref]
		}
	case fieldModel:
		for j, ref := range refs {
			to[j].Model = table[ref]
		}
	case fieldUsageType:
		for j, ref := range refs {
			to[j].UsageType = table[ref]
		}
	case fieldOperation:
		for j, ref := range refs {
			to[j].Operation = table[ref]
		}
	case fieldUnit:
		for j, ref := range refs {
			to[j].PricingUnit = table[ref]
		}
	case fieldType:
		for j, ref := range refs {
			to[j].LineItemType = table[ref]
		}
	case fieldCurrency:
		for j, ref := range refs {
			to[j].Currency = table[ref]
		}
	case fieldAccount:
		for j, ref := range refs {
			to[j].UsageAccount = table[ref]
		}
	case fieldRegion:
		for j, ref := range refs {
			to[j].Region = table[ref]
		}
	case fieldPrincipal:
		for j, ref := range refs {
			to[j].Principal = table[ref]
		}
	case fieldResource:
		for j, ref := range refs {
			to[j].Resource = table[ref]
		}
	case fieldDescription:
		for j, ref := range refs {
			to[j].Description = table[ref]
		}
	case fieldReservation:
		for j, ref := range refs {
			to[j].Reservation = table[ref]
		}
	}
}
