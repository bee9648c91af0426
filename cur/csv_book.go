package cur

import (
	"bytes"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// textRows is how many rows of text are booked at once. Little is held of them, so
// that it stays in the processor's nearest cache.
const textRows = 1024

// textBlock holds rows that are to be booked, column by column as the column path
// does, so that its tables do the rest.
type textBlock struct {
	n            int
	ctl          []uint32
	line         []uint32 // of rows that are grouped
	rest         []uint32 // of others: the number of their group
	bucket       []uint32
	anchor       []uint32
	declared     [][]uint32 // columns
	blank, noNet []bool     // cost, net cost
	cells        [denseMeasures]cells
	used         uint32 // measures that are not all 0
	more         []moreAmount
}

// moreAmount is an amount that cells have no room for.
type moreAmount struct {
	i int
	m Measure
	n exact.Num
}

// textBlocks are the rows that are grouped, and the others.
type textBlocks struct{ groups, rest textBlock }

func newTextBlock(w *columnWorker) textBlock {
	ids := func() []uint32 { return make([]uint32, textRows) }
	b := textBlock{ctl: ids(), line: ids(), rest: ids(), bucket: ids(), anchor: ids(), blank: make([]bool, textRows), noNet: make([]bool, textRows)}
	for range w.run.spec.Columns {
		b.declared = append(b.declared, ids())
	}
	for m := range b.cells {
		b.cells[m] = cells{m: Measure(m), mem: make([]int64, textRows)}
	}
	return b
}

// lineAmount is an amount in the tail of a line.
type lineAmount struct {
	m Measure
	amount
	v     int64
	small bool
}

// book books a row that is grouped.
func (t *textFile) book(l *textLine, u *lineUse) (err error) {
	b := &t.w.text.groups
	i := b.n
	if u.line == 0 {
		u.line = t.w.lineFor(l.ctl, u.item) + 1
	}
	b.ctl[i], b.line[i] = l.ctl, u.line-1
	if b.bucket[i], err = t.bucket(l); err != nil {
		return err
	}
	b.anchor[i] = t.anchor(l)
	if err := t.declared(l, b, i); err != nil {
		return err
	}
	if err := t.amounts(l, u, b, i); err != nil {
		return err
	}
	if b.n++; b.n == textRows {
		return t.w.bookText()
	}
	return nil
}

// bookRest books a row that is not.
func (t *textFile) bookRest(l *textLine, u *lineUse) error {
	w, b := t.w, &t.w.text.rest
	i := b.n
	if u.rest == nil {
		for _, f := range restFields {
			u.rest = append(u.rest, w.dicts[f].id(*textFields[f].of(u.item)))
		}
	}
	// What the row path would find wrong in a row is found here too.
	if _, err := t.bucket(l); err != nil {
		return err
	}
	at := l.ctl
	for k, f := range restFields {
		id := u.rest[k]
		if col := t.row.text[f]; f == fieldAccount && col >= 0 {
			id = w.dicts[f].of(t.cell(l, col))
		}
		at = w.rests.pairings[k].one(at, id)
	}
	b.ctl[i], b.rest[i] = l.ctl, at
	if err := t.amounts(l, u, b, i); err != nil {
		return err
	}
	if b.n++; b.n == textRows {
		return w.bookTextRest()
	}
	return nil
}

// amounts reads the amounts of a row.
func (t *textFile) amounts(l *textLine, u *lineUse, b *textBlock, i int) error {
	b.blank[i], b.noNet[i] = true, true
	for m := range b.cells {
		b.cells[m].mem[i] = 0
	}
	for _, a := range t.inHead {
		if err := b.put(i, a.m, t.d.cell(a.col)); err != nil {
			return err
		}
	}
	if !l.read {
		if err := t.readAmounts(l); err != nil {
			return err
		}
	}
	seen := uint32(0) // written otherwise than in the line
	if !t.placed {
		for k := range t.other {
			col := t.other[k].col
			if n := t.measure[col]; n >= 0 {
				m := t.inTail[n].m
				seen |= 1 << m
				if err := b.put(i, m, t.cell(l, col)); err != nil {
					return err
				}
			}
		}
	}
	for k := range l.amounts {
		if a := &l.amounts[k]; seen>>a.m&1 == 0 {
			b.set(i, a.m, a.n, a.v, a.small)
		}
	}
	fee := t.have.Has(ReservationFee) && u.item.LineItemType == "Fee" && len(t.cell(l, t.row.text[fieldReservation])) > 0
	blankNet := b.noNet[i] && t.have.Has(UnblendedWhereNetBlank)
	if b.blank[i] || !fee && !blankNet {
		return nil
	}
	cost := exact.FromSmall(b.cells[UnblendedCost].mem[i])
	for k := len(b.more) - 1; k >= 0 && b.more[k].i == i; k-- {
		if b.more[k].m == UnblendedCost {
			cost = b.more[k].n
		}
	}
	v, small := cost.Small()
	if blankNet {
		b.set(i, UnblendedWhereNetBlank, cost, v, small)
	}
	if fee {
		b.set(i, ReservationFee, cost, v, small)
	}
	return nil
}

// readAmounts reads the amounts of a line's tail.
func (t *textFile) readAmounts(l *textLine) error {
	for _, a := range t.inTail {
		var b []byte
		if l.tail == nil {
			b = t.d.cell(a.col) // the line is that of the current row alone
		} else {
			c, from := a.col-t.head, 0
			if c > 0 {
				from = int(l.ends[c-1]) + 1
			}
			if b = l.tail[from:l.ends[c]]; len(b) > 1 && b[0] == '"' {
				b = bytes.ReplaceAll(b[1:len(b)-1], []byte(`""`), []byte{'"'})
			}
			b = t.d.value(b)
		}
		if len(b) == 0 {
			continue
		}
		n, err := exact.Parse(b)
		if err != nil {
			return errDecline // which row has it is for the row path to say
		}
		// Of a cost it counts that it is there.
		if v, ok := n.Small(); a.m == UnblendedCost || a.m == NetUnblendedCost || !ok || v != 0 {
			l.amounts = append(l.amounts, lineAmount{a.m, amount{n, true}, v, ok})
		}
	}
	l.read = true
	return nil
}

// put reads a cell of an amount.
func (b *textBlock) put(i int, m Measure, cell []byte) error {
	if len(cell) == 0 {
		return nil
	}
	v, ok := exact.ParseSmall(cell)
	if ok {
		b.set(i, m, exact.Num{}, v, true)
		return nil
	}
	n, err := exact.Parse(cell)
	if err != nil {
		return errDecline
	}
	v, ok = n.Small()
	b.set(i, m, n, v, ok)
	return nil
}

// set books an amount: v where it is small, else n.
func (b *textBlock) set(i int, m Measure, n exact.Num, v int64, small bool) {
	switch m {
	case UnblendedCost:
		b.blank[i] = false
	case NetUnblendedCost:
		b.noNet[i] = false
	}
	switch {
	case !small:
		b.more = append(b.more, moreAmount{i, m, n})
	case v == 0:
	case int(m) < denseMeasures:
		b.cells[m].mem[i] = v
		b.used |= 1 << m
	default:
		b.more = append(b.more, moreAmount{i, m, exact.FromSmall(v)})
	}
}

// bookText books the rows that are grouped.
func (w *columnWorker) bookText() error {
	b := &w.text.groups
	n := b.n
	if n == 0 {
		return nil
	}
	anchor, last := keyColumn{ids: b.anchor[:n]}, len(anchorFields)-1
	for k, ids := range b.declared {
		starts, f := w.anchors.pairings[last+k].len(), numTextFields+k
		anchor = w.anchors.pairings[last+k+1].all(w.anchorIDs[:n], anchor, keyColumn{ids: ids[:n]}, starts, len(w.dicts[f].vals))
	}
	index := w.index[:n]
	both := w.both.all(index, keyColumn{ids: b.line[:n]}, anchor, w.lines.len(), w.anchors.len())
	group := w.group.all(index, both, keyColumn{ids: b.bucket[:n]}, w.both.len(), len(w.bucketSlots.vals))
	if w.group.len() > w.run.limit {
		return errDecline // the row path names the column
	}
	w.groupSums.extend(w.group.len())
	w.addText(b, &w.groupSums, group.fill(index))
	return nil
}

// bookTextRest books the others.
func (w *columnWorker) bookTextRest() error {
	b := &w.text.rest
	if b.n == 0 {
		return nil
	}
	if w.rests.len() > w.run.limit {
		return errDecline
	}
	w.restSums.extend(w.rests.len())
	w.addText(b, &w.restSums, b.rest[:b.n])
	return nil
}

// addText adds the amounts of a block to groups and to control totals.
func (w *columnWorker) addText(b *textBlock, t *sumTable, index []uint32) {
	n := b.n
	w.dense, w.sparse = w.dense[:0], w.sparse[:0]
	for m := range b.cells {
		if b.used>>m&1 != 0 {
			c := &b.cells[m]
			c.vals = c.mem[:n]
			w.dense = append(w.dense, c)
		}
	}
	w.addUp(t, index, b.blank[:n], b.noNet[:n])
	w.addControl(keyColumn{ids: b.ctl[:n]}, b.blank[:n], b.noNet[:n])
	for _, a := range b.more {
		t.addMore(int(index[a.i]), a.m, a.n)
		w.control[b.ctl[a.i]].m.sums[a.m].Acc(a.n)
	}
	b.n, b.used, b.more = 0, 0, b.more[:0]
}

// controlFor returns the number of the control total of a row.
func (w *columnWorker) controlFor(li *LineItem) (uint32, error) {
	at := w.byControl[0].one(w.dicts[fieldPayer].id(li.Payer), w.dicts[fieldCurrency].id(li.Currency))
	at = w.byControl[1].one(at, w.months.id(li.BillingPeriod))
	at = w.byControl[2].one(at, w.dicts[fieldType].id(li.LineItemType))
	for int(at) >= len(w.control) {
		if err := w.newControl(); err != nil {
			return 0, err
		}
	}
	return at, nil
}

// lineFor returns the number of what a row is billed for.
func (w *columnWorker) lineFor(ctl uint32, li *LineItem) uint32 {
	at := ctl
	for i, f := range w.lines.fields {
		at = w.lines.pairings[i].one(at, w.dicts[f].id(*textFields[f].of(li)))
	}
	return at
}
