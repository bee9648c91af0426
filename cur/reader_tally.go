package cur

import "github.com/spendclaim/spendclaim/internal/exact"

// tally adds rows handed out to the control totals, column by column.
type tally struct {
	keys   []tallyKey // that rows had lately
	refs   []uint32   // by row decoded: a place in slots
	slots  []uint8    // places in keys
	own    []uint32   // refs, where no column has them
	few    cells      // a measure that is derived
	marked []bool
}

// maxTally is how many keys rows of a block may have to be added up together.
// Reports have a handful: payer, currency and month are the same for hours.
const maxTally = 16

// maxTallied bounds the small amounts of which a block's sum is sure to be small.
const maxTallied = (1<<63 - 1) / readerBlock

// tallyKey is the totals of the rows of a key.
type tallyKey struct {
	key ControlKey
	m   *Measures
}

// count adds the rows handed out since the last call to the control totals.
func (b *blocks) count() {
	rows := b.order[b.counted:b.at]
	b.counted = b.at
	if len(rows) == 0 {
		return
	}
	t := &b.tally
	if t.own == nil {
		t.own, t.marked = make([]uint32, readerBlock), make([]bool, readerBlock)
		t.few.mem = make([]int64, readerBlock)
	}
	if !t.assign(b, rows) {
		// Too many keys, which no report has: row by row.
		for _, i := range rows {
			k := b.key(int(i))
			b.look(i).measure(b.rd.totals(&k), b.rd.have)
		}
		return
	}
	t.countRows(b, rows)
	for m := range b.amounts {
		if a := &b.amounts[m]; a.some {
			t.add(&a.cells, rows, a.large)
		}
	}
	cost := &b.amounts[UnblendedCost]
	if !cost.some {
		return
	}
	const net = 1 << NetUnblendedCost
	switch {
	case !b.rd.have.Has(UnblendedWhereNetBlank) || b.all&net != 0:
	case b.some&net == 0:
		whole := cost.cells
		whole.m = UnblendedWhereNetBlank
		t.add(&whole, rows, cost.large)
	default:
		marked := t.marked[:len(cost.vals)]
		for i, has := range b.present[:len(marked)] {
			marked[i] = has&net == 0
		}
		t.derived(UnblendedWhereNetBlank, cost, marked, rows)
	}
	if arn := &b.texts[fieldReservation]; b.rd.have.Has(ReservationFee) && !(arn.same && arn.one == "") {
		marked, some := t.marked[:len(cost.vals)], false
		for i := range marked {
			marked[i] = b.texts[fieldType].at(i) == "Fee" && arn.at(i) != ""
			some = some || marked[i]
		}
		if some {
			t.derived(ReservationFee, cost, marked, rows)
		}
	}
}

// key returns what the totals of a row are kept by.
func (b *blocks) key(i int) ControlKey {
	return ControlKey{b.texts[fieldPayer].at(i), b.period.at(i), b.texts[fieldCurrency].at(i), b.texts[fieldType].at(i)}
}

// slot returns the place of a key in keys.
func (t *tally) slot(b *blocks, k *ControlKey) (slot uint8, ok bool) {
	for i := range t.keys {
		if t.keys[i].key == *k {
			return uint8(i), true
		}
	}
	if len(t.keys) == maxTally {
		return 0, false
	}
	t.keys = append(t.keys, tallyKey{*k, b.rd.totals(k)})
	return uint8(len(t.keys) - 1), true
}

// assign finds the totals that rows belong to; false when they are too many.
func (t *tally) assign(b *blocks, rows []int32) bool {
	if len(t.keys) == maxTally {
		t.keys = t.keys[:0]
	}
	t.slots = t.slots[:0]
	kind := &b.texts[fieldType]
	if b.texts[fieldPayer].same && b.texts[fieldCurrency].same && b.period.same {
		k := b.key(0)
		if kind.same {
			s, ok := t.slot(b, &k)
			t.refs, t.slots = nil, append(t.slots, s)
			return ok
		}
		if len(kind.table) < maxTally {
			for _, k.LineItemType = range kind.table {
				s, ok := t.slot(b, &k)
				if !ok {
					return false
				}
				t.slots = append(t.slots, s)
			}
			t.refs = kind.refs
			return true
		}
	}
	t.refs = t.own
	for s := range uint8(maxTally) {
		t.slots = append(t.slots, s)
	}
	for _, i := range rows {
		k := b.key(int(i))
		s, ok := t.slot(b, &k)
		if t.refs[i] = uint32(s); !ok {
			return false
		}
	}
	return true
}

// countRows counts rows, and those with and without some cells.
func (t *tally) countRows(b *blocks, rows []int32) {
	var all, net, blank [maxTally]int64
	const hasNet, hasCost = 1 << NetUnblendedCost, 1 << UnblendedCost
	mixed := (b.all^b.some)&(hasNet|hasCost) != 0
	switch {
	case mixed:
		for _, i := range rows {
			s := t.ref(i)
			all[s]++
			present := b.all | b.present[i]
			net[s] += int64(present >> NetUnblendedCost & 1)
			blank[s] += int64(^present >> UnblendedCost & 1)
		}
	case t.refs == nil:
		all[0] = int64(len(rows))
	default:
		for _, i := range rows {
			all[t.refs[i]&(maxTally-1)]++
		}
	}
	for r, s := range t.slots {
		if all[r] == 0 {
			continue
		}
		if !mixed {
			net[r], blank[r] = all[r]*int64(b.all>>NetUnblendedCost&1), all[r]*int64(^b.all>>UnblendedCost&1)
		}
		m := t.keys[s].m
		m.Rows += all[r]
		m.NetRows += net[r]
		m.CostBlank += blank[r]
	}
}

// ref returns the place in slots of row i.
func (t *tally) ref(i int32) uint32 {
	if t.refs == nil {
		return 0
	}
	return t.refs[i] & (maxTally - 1)
}

// derived adds the costs of the rows that are marked.
func (t *tally) derived(m Measure, cost *blockAmounts, marked []bool, rows []int32) {
	if t.few.choose(m, &cost.cells, marked) {
		t.add(&t.few, rows, cost.large)
	}
}

// add adds the cells of rows; large says that some are not below maxTallied.
func (t *tally) add(c *cells, rows []int32, large bool) {
	vals := c.vals
	if large || len(c.wide) > 0 {
		for _, i := range rows {
			t.keys[t.slots[t.ref(i)]].m.sums[c.m].Acc(c.num(int(i)))
		}
		return
	}
	// Rows of one key follow one another, and each would wait for the sum before: odd
	// rows have sums of their own.
	var even, odd [maxTally]int64
	switch {
	case t.refs == nil:
		for _, i := range rows {
			even[0] += vals[i]
		}
	default:
		refs := t.refs[:len(vals)]
		for ; len(rows) > 1; rows = rows[2:] {
			i, j := rows[0], rows[1]
			even[refs[i]&(maxTally-1)] += vals[i]
			odd[refs[j]&(maxTally-1)] += vals[j]
		}
		for _, i := range rows {
			even[refs[i]&(maxTally-1)] += vals[i]
		}
	}
	for r, s := range t.slots {
		if sum := even[r] + odd[r]; sum != 0 {
			t.keys[s].m.sums[c.m].Acc(exact.FromSmall(sum))
		}
	}
}
