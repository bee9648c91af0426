package cur

import "math"

// invoiceFields is how many fields at the end of lineFields and restFields make up
// the invoice.
const invoiceFields = 4

// merger puts what a worker has of one delivery into its table. Texts enter the
// table only when a group has them.
type merger struct {
	w    *columnWorker
	t    *table
	seen [][]uint32 // by field: number in the table + 1
	ids  []uint32
}

// tables returns what the worker has, finished, by delivery. The worker is of no use
// afterwards.
func (w *columnWorker) tables() map[partKey]*table {
	// What is left is read back by number.
	w.group.slots, w.group.dense, w.both.slots, w.both.dense = nil, nil, nil, nil
	of := make(map[partKey]*table, len(w.parts))
	for key := range w.parts {
		of[key] = newTable(w.run.spec, 0, 0)
	}
	for i := range w.control {
		c := &w.control[i]
		c.m.Rows = c.rows
		of[c.part].addControl(c.key, &c.m)
		if w.run.spec.RestUnread {
			of[c.part].unread += c.rows - c.matched
		}
	}
	for key, t := range of {
		m := &merger{w: w, t: t, seen: make([][]uint32, len(w.dicts)), ids: make([]uint32, len(lineFields)+len(w.dicts))}
		m.groups(key)
		m.rest(key)
		t.finish()
	}
	return of
}

// text returns a text's number in the table.
func (m *merger) text(slot, field int, id uint32) uint32 {
	if m.seen[field] == nil {
		m.seen[field] = make([]uint32, len(m.w.dicts[field].vals))
	}
	to := &m.seen[field][id]
	if *to == 0 {
		*to = m.t.dicts[slot].id(m.w.dicts[field].vals[id]) + 1
	}
	return *to - 1
}

// invoiceID returns the number of the invoice that the last fields of a chain
// make up.
func (m *merger) invoiceID(ids []uint32) uint32 {
	d := m.w.dicts
	return m.t.invoice(Invoice{d[fieldInvoice].vals[ids[0]], d[fieldInvoicing].vals[ids[1]],
		d[fieldLegal].vals[ids[2]], d[fieldBillType].vals[ids[3]]})
}

// slotOf returns the slot that holds a field.
func slotOf(field int) int {
	if field >= numTextFields {
		return fixedSlots + field - numTextFields
	}
	for s, f := range slotFields {
		if f == field {
			return s
		}
	}
	return -1
}

// groups merges the groups of a delivery.
func (m *merger) groups(of partKey) {
	w := m.w
	// Stem and tail are those of a line and an anchor, each of which many have.
	type ends struct{ stem, tail uint32 }
	lines, anchors := make([][]uint32, w.lines.len()), make([][]uint32, w.anchors.len())
	anchorSlots := []int{slotAccount}
	for _, f := range w.anchors.fields {
		anchorSlots = append(anchorSlots, slotOf(f))
	}
	both := make([]ends, w.both.len())
	if len(w.parts) == 1 {
		m.t.stems.reserve(w.both.len())
	}
	for n, p := range w.both.pairs {
		line := lines[p.first]
		if line == nil {
			line = m.line(p.first, of)
			lines[p.first] = line
		}
		if len(line) == 0 {
			both[n].stem = elsewhere
			continue
		}
		anchor := anchors[p.second]
		if anchor == nil {
			anchor = m.anchor(p.second, anchorSlots)
			anchors[p.second] = anchor
		}
		slots := m.t.slots
		copy(slots, line)
		for i, s := range anchorSlots {
			slots[s] = anchor[i]
		}
		both[n] = ends{uint32(m.t.stems.find(slots[:slotBucket])), m.t.tail(slots)}
	}
	m.t.groups.take(&w.groupSums, func(n uint32, into []uint32) bool {
		p := w.group.pairs[n]
		b := both[p.first]
		into[keyStem], into[keyBucket], into[keyTail] = b.stem, w.bucketSlots.vals[p.second], b.tail
		return b.stem != elsewhere
	}, len(w.parts) == 1)
}

// elsewhere is the stem of what belongs to another delivery.
const elsewhere = math.MaxUint32

// line returns the slots that a number of the chain of lines fills; none when it
// belongs to another delivery.
func (m *merger) line(n uint32, of partKey) []uint32 {
	w := m.w
	c := &w.control[w.lines.unwind(n, m.ids)]
	if c.part != of {
		return []uint32{}
	}
	key := make([]uint32, fixedSlots+len(w.run.spec.Columns))
	key[slotPayer], key[slotPeriod] = m.t.dicts[slotPayer].id(c.key.Payer), uint32(c.key.BillingPeriod.n)
	key[slotCurrency], key[slotType] = m.t.dicts[slotCurrency].id(c.key.Currency), m.t.dicts[slotType].id(c.key.LineItemType)
	last := len(lineFields) - invoiceFields
	for i, f := range lineFields[:last] {
		s := slotOf(f)
		key[s] = m.text(s, f, m.ids[i])
	}
	key[slotInvoice] = m.invoiceID(m.ids[last:])
	return key
}

// anchor returns the given slots of a number of the chain of anchors.
func (m *merger) anchor(n uint32, slots []int) []uint32 {
	key := make([]uint32, len(slots))
	key[0] = m.text(slotAccount, fieldAccount, m.w.anchors.unwind(n, m.ids))
	for i, f := range m.w.anchors.fields {
		key[i+1] = m.text(slots[i+1], f, m.ids[i])
	}
	return key
}

// rest merges the groups of the rest of a delivery.
func (m *merger) rest(of partKey) {
	w := m.w
	m.t.rest.take(&w.restSums, func(n uint32, into []uint32) bool {
		c := &w.control[w.rests.unwind(n, m.ids)]
		if c.part != of {
			return false
		}
		k, ids := c.key, m.ids
		into[0], into[1] = m.t.dicts[slotPayer].id(k.Payer), uint32(k.BillingPeriod.n)
		into[2] = m.invoiceID(ids[len(restFields)-invoiceFields:])
		into[3], into[4] = m.text(slotEntity, fieldEntity, ids[2]), m.text(slotProduct, fieldProduct, ids[0])
		into[5], into[6] = m.t.dicts[slotType].id(k.LineItemType), m.text(slotAccount, fieldAccount, ids[1])
		into[7] = m.t.dicts[slotCurrency].id(k.Currency)
		return true
	}, len(w.parts) == 1)
}

// take takes over the sums of numbered groups. key sets the key of one, and
// reports whether it is for g at all; they all are when whole.
func (g *groups) take(from *sumTable, key func(n uint32, into []uint32) bool, whole bool) {
	if whole && g.len() == 0 {
		g.sums, g.keys.n = *from, from.len()
		g.keys.vals = make([]uint32, g.len()*g.keys.stride)
		for i := range g.len() {
			key(uint32(i), g.keys.at(i))
		}
		return
	}
	k := make([]uint32, g.keys.stride)
	for i := range from.len() {
		if key(uint32(i), k) {
			g.sums.addFrom(g.find(k), from, i)
		}
	}
}
