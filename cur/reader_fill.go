package cur

import (
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// filler makes LineItems of the rows of a block. What all rows have in common is a
// template; of what differs it knows where in the LineItem it goes, which is worth
// finding out once, since callers read into the same one row after row.
type filler struct {
	b       *blocks
	li      *LineItem // whose fields the places below are; nil: none yet
	texts   []fillText
	times   []fillTime
	months  bool
	slots   bool // intervals
	amounts []fillAmount
	all     uint32
	mixed   bool // some amounts are there in some rows only
}

type fillText struct {
	to    *string
	table []string
	refs  []uint32
	field int
}

type fillTime struct {
	to   *time.Time
	from *column[time.Time]
	end  bool
}

type fillAmount struct {
	to   *exact.Num
	from *blockAmounts
	vals []int64 // nil: all are 0
}

// plan finds what differs in the rows that were read.
func (f *filler) plan(b *blocks) {
	f.b, f.li = b, nil
	f.texts, f.times, f.amounts = f.texts[:0], f.times[:0], f.amounts[:0]
	b.tmpl = LineItem{row: b.row}
	for i := range b.texts {
		if c := &b.texts[i]; !c.same {
			f.texts = append(f.texts, fillText{field: i, table: c.table, refs: c.refs})
		} else if c.one != "" {
			b.tmpl.put(i, c.one)
		}
	}
	if f.slots = !b.iv.same; !f.slots {
		b.tmpl.IntervalStart, b.tmpl.IntervalEnd = b.iv.one.start, b.iv.one.end
	}
	if b.start.same {
		b.tmpl.UsageStart = b.start.one
	} else {
		f.times = append(f.times, fillTime{from: &b.start})
	}
	if b.end.same {
		b.tmpl.UsageEnd = b.end.one
	} else {
		f.times = append(f.times, fillTime{from: &b.end, end: true})
	}
	if f.months = !b.period.same; !f.months {
		b.tmpl.BillingPeriod = b.period.one
	}
	for m := range b.amounts {
		if a := &b.amounts[m]; b.some&(1<<m) != 0 {
			x := fillAmount{from: a}
			if a.some {
				x.vals = a.vals
			}
			f.amounts = append(f.amounts, x)
		}
	}
	f.all, f.mixed = b.all, b.all != b.some
}

// aim finds the places in li.
func (f *filler) aim(li *LineItem) {
	f.li = li
	for i := range f.texts {
		f.texts[i].to = textFields[f.texts[i].field].of(li)
	}
	for i := range f.times {
		if f.times[i].to = &li.UsageStart; f.times[i].end {
			f.times[i].to = &li.UsageEnd
		}
	}
	for i := range f.amounts {
		f.amounts[i].to = &li.amounts[f.amounts[i].from.m]
	}
}

// give hands out the next row.
func (b *blocks) give(li *LineItem) {
	i := b.order[b.at]
	b.at++
	b.fill.row(li, int(i))
}

// row makes li the decoded row i.
func (f *filler) row(li *LineItem, i int) {
	if f.li != li {
		f.aim(li)
	}
	b := f.b
	li.begin(&b.tmpl)
	for k := range f.texts {
		v := &f.texts[k]
		*v.to = v.table[v.refs[i]]
	}
	for k := range f.times {
		v := &f.times[k]
		*v.to = v.from.at(i)
	}
	if f.slots {
		iv := b.iv.at(i)
		li.IntervalStart, li.IntervalEnd = iv.start, iv.end
	}
	if f.months {
		li.BillingPeriod = b.period.at(i)
	}
	li.present = f.all
	if f.mixed {
		li.present |= b.present[i]
	}
	for k := range f.amounts {
		v := &f.amounts[k]
		switch {
		case v.vals == nil:
			*v.to = exact.Num{}
		case len(v.from.wide) == 0:
			*v.to = exact.FromSmall(v.vals[i])
		default:
			*v.to = v.from.num(i)
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
