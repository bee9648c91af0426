package cur

import "github.com/spendclaim/spendclaim/internal/exact"

// tally adds rows handed out to the control totals, column by column.
type tally struct {
	keys   []tallyKey // that rows had lately
	slots  []uint8    // by row decoded: the place of its key in keys
	places []uint8    // by entry of the table of line item types
	few    cells      // a measure that is derived
	marked []bool
}

// maxTally is how many keys rows of a block may have to be added up together.
// Reports have a handful: payer, currency and month are the same for hours.
const maxTally = 16

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
	if t.slots == nil {
		t.slots, t.marked = make([]uint8, readerBlock), make([]bool, readerBlock)
		t.few.mem = make([]int64, readerBlock)
	}
	one, ok := t.assign(b, rows)
	if !ok {
		// Too many keys, which no report has: row by row.
		for _, i := range rows {
			k := b.key(int(i))
			b.look(i).measure(b.rd.totals(&k), b.rd.have)
		}
		return
	}
	t.countRows(b, rows, one)
	for m := range b.amounts {
		if a := &b.amounts[m]; a.some {
			t.add(&a.cells, rows, one)
		}
	}
	cost := &b.amounts[UnblendedCost]
	if !cost.some {
		return
	}
	if b.rd.have.Has(UnblendedWhereNetBlank) && b.all&(1<<NetUnblendedCost) == 0 {
		marked := t.marked[:len(cost.vals)]
		for i := range marked {
			marked[i] = !b.has(NetUnblendedCost, i)
		}
		t.derived(UnblendedWhereNetBlank, &cost.cells, marked, rows, one)
	}
	if arn := &b.texts[fieldReservation]; b.rd.have.Has(ReservationFee) && !(arn.same && arn.one == "") {
		marked, some := t.marked[:len(cost.vals)], false
		for i := range marked {
			marked[i] = b.texts[fieldType].at(i) == "Fee" && arn.at(i) != ""
			some = some || marked[i]
		}
		if some {
			t.derived(ReservationFee, &cost.cells, marked, rows, one)
		}
	}
}

// has reports whether a row decoded has a cell of a measure.
func (b *blocks) has(m Measure, i int) bool {
	return b.all&(1<<m) != 0 || b.some&(1<<m) != 0 && b.present[i]&(1<<m) != 0
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

// assign finds the totals that rows belong to; one is true when they are the same
// for all, and then slots[0] says which.
func (t *tally) assign(b *blocks, rows []int32) (one, ok bool) {
	if len(t.keys) == maxTally {
		t.keys = t.keys[:0]
	}
	kind := &b.texts[fieldType]
	if b.texts[fieldPayer].same && b.texts[fieldCurrency].same && b.period.same {
		k := b.key(0)
		if kind.same {
			t.slots[0], ok = t.slot(b, &k)
			return true, ok
		}
		if len(kind.table) < maxTally {
			t.places = t.places[:0]
			for _, k.LineItemType = range kind.table {
				s, ok := t.slot(b, &k)
				if !ok {
					return false, false
				}
				t.places = append(t.places, s)
			}
			for _, i := range rows {
				t.slots[i] = t.places[kind.refs[i]]
			}
			return false, true
		}
	}
	for _, i := range rows {
		k := b.key(int(i))
		if t.slots[i], ok = t.slot(b, &k); !ok {
			return false, false
		}
	}
	return false, true
}

// countRows counts rows, and those with and without some cells.
func (t *tally) countRows(b *blocks, rows []int32, one bool) {
	var all, net, blank [maxTally]int64
	const hasNet, hasCost = 1 << NetUnblendedCost, 1 << UnblendedCost
	mixed := (b.all^b.some)&(hasNet|hasCost) != 0
	if one && !mixed {
		all[t.slots[0]] = int64(len(rows))
	}
	if !one || mixed {
		for _, i := range rows {
			s := t.slots[0]
			if !one {
				s = t.slots[i]
			}
			if all[s&(maxTally-1)]++; mixed {
				present := b.all | b.present[i]
				net[s&(maxTally-1)] += int64(present >> NetUnblendedCost & 1)
				blank[s&(maxTally-1)] += int64(^present >> UnblendedCost & 1)
			}
		}
	}
	for s := range t.keys {
		if all[s] == 0 {
			continue
		}
		if !mixed {
			net[s], blank[s] = all[s]*int64(b.all>>NetUnblendedCost&1), all[s]*int64(^b.all>>UnblendedCost&1)
		}
		m := t.keys[s].m
		m.Rows += all[s]
		m.NetRows += net[s]
		m.CostBlank += blank[s]
	}
}

// derived adds the costs of the rows that are marked.
func (t *tally) derived(m Measure, cost *cells, marked []bool, rows []int32, one bool) {
	if t.few.choose(m, cost, marked) || len(t.few.wide) > 0 {
		t.add(&t.few, rows, one)
	}
}

// add adds the cells of rows.
func (t *tally) add(c *cells, rows []int32, one bool) {
	if len(c.wide) > 0 || !t.addSmall(c, rows, one) {
		for _, i := range rows {
			s := t.slots[0]
			if !one {
				s = t.slots[i]
			}
			t.keys[s].m.sums[c.m].Acc(c.num(int(i)))
		}
	}
}

// addSmall adds cells that are small; false, and nothing is added, when a sum of
// them is not.
func (t *tally) addSmall(c *cells, rows []int32, one bool) bool {
	var sums [maxTally]int64
	vals, over := c.vals, int64(0)
	if one {
		sum := int64(0)
		for _, i := range rows {
			v := vals[i]
			next := sum + v
			over |= (sum ^ next) & (v ^ next)
			sum = next
		}
		sums[t.slots[0]] = sum
	} else {
		slots := t.slots[:len(vals)]
		for _, i := range rows {
			v, sum := vals[i], &sums[slots[i]&(maxTally-1)]
			next := *sum + v
			over |= (*sum ^ next) & (v ^ next)
			*sum = next
		}
	}
	if over < 0 {
		return false
	}
	for s := range t.keys {
		if sums[s] != 0 {
			t.keys[s].m.sums[c.m].Acc(exact.FromSmall(sums[s]))
		}
	}
	return true
}
