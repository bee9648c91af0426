package cur

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// The body of a partial, version 1. Integers are uvarints, texts a length and
// their bytes, sums as exact.Num encodes them.
//
//	"SCP1"  spec as canonical JSON
//	count of measures, their names; count of columns, their names; unread rows
//	per dictionary slot: count, texts in ascending order
//	groups: count, then each: key, rows, net rows, blank costs, sums
//	rest:   the same
//	control: count, then each: payer, period, currency, line item type, counts, sums
//
// With rejected rows it is version 2, which begins with "SCP2" and ends with
//
//	rejected: count, then each: payer, period, currency, line item type, product
//	code, reason, rows
//
// Sums are written for the measures the files had columns for, in their order.
// Groups are in ascending order of their keys. Nothing in it depends on how the
// rows were split or in which order they came.
const (
	bodyMagic         = "SCP1"
	bodyMagicRejected = "SCP2"
)

// AppendBody appends the canonical body of p to b.
func (p *Partial) AppendBody(b []byte) []byte {
	t := p.t
	if len(t.rejected) == 0 {
		b = append(b, bodyMagic...)
	} else {
		b = append(b, bodyMagicRejected...)
	}
	b = appendText(b, string(t.spec.json()))
	b = binary.AppendUvarint(b, uint64(len(measureList(t.measures))))
	for _, m := range measureList(t.measures) {
		b = appendText(b, m.String())
	}
	cols := slices.Concat(keyColumns[:], t.spec.Columns)
	b = binary.AppendUvarint(b, uint64(countBits(t.columns)))
	for i, c := range cols {
		if t.columns.has(i) {
			b = appendText(b, string(c))
		}
	}
	b = binary.AppendUvarint(b, uint64(t.unread))
	for s := range t.dicts {
		if numeric(s) {
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(t.dicts[s].vals)))
		for _, v := range t.dicts[s].vals {
			b = appendText(b, v)
		}
	}
	b = binary.AppendUvarint(b, uint64(t.groups.len()))
	slots := make([]uint32, len(t.dicts))
	for i := range t.groups.len() {
		t.slotsOf(i, slots)
		b = t.appendGroup(b, slots, &t.groups, i)
	}
	b = binary.AppendUvarint(b, uint64(t.rest.len()))
	for i := range t.rest.len() {
		b = t.appendGroup(b, t.rest.keys.at(i), &t.rest, i)
	}
	b = binary.AppendUvarint(b, uint64(len(t.control)))
	for _, k := range slices.SortedFunc(maps.Keys(t.control), ControlKey.Compare) {
		b = appendText(b, k.Payer)
		b = binary.AppendUvarint(b, uint64(k.BillingPeriod.n))
		b = appendText(b, k.Currency)
		b = appendText(b, k.LineItemType)
		b = appendMeasures(b, t.measures, t.control[k])
	}
	if len(t.rejected) > 0 {
		b = p.appendRejected(b)
	}
	return b
}

func (t *table) appendGroup(b []byte, slots []uint32, g *groups, i int) []byte {
	for _, k := range slots {
		b = binary.AppendUvarint(b, uint64(k))
	}
	m := g.measures(i)
	return appendMeasures(b, t.measures, &m)
}

func (p *Partial) appendRejected(b []byte) []byte {
	list := p.Rejected()
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, r := range list {
		b = appendText(b, r.Key.Payer)
		b = binary.AppendUvarint(b, uint64(r.Key.BillingPeriod.n))
		for _, s := range [...]string{r.Key.Currency, r.Key.LineItemType, r.Key.ProductCode, r.Key.Reason} {
			b = appendText(b, s)
		}
		b = binary.AppendUvarint(b, uint64(r.Rows))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendMeasures(b []byte, have MeasureSet, m *Measures) []byte {
	b = binary.AppendUvarint(b, uint64(m.Rows))
	b = binary.AppendUvarint(b, uint64(m.NetRows))
	b = binary.AppendUvarint(b, uint64(m.CostBlank))
	for _, f := range measureList(have) {
		b = m.sums[f].AppendBinary(b)
	}
	return b
}

// measureList returns the measures of a set in their order.
func measureList(s MeasureSet) []Measure {
	list := make([]Measure, 0, NumMeasures)
	for m := range Measure(NumMeasures) {
		if s.Has(m) {
			list = append(list, m)
		}
	}
	return list
}

func countBits(s columnSet) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// DecodePartial reads a body that AppendBody wrote, of this version or an
// earlier one. Anything else, including a body that is not in canonical form,
// is ErrPartial.
func DecodePartial(body []byte) (*Partial, error) {
	d := bodyReader{b: body}
	p, err := d.partial()
	if err == nil && len(d.b) != 0 {
		err = fmt.Errorf("%d bytes after the end", len(d.b))
	}
	// One check for every promise of canonical form: a body that the same
	// partial would not be written as is not a body.
	if err == nil && !bytes.Equal(p.AppendBody(make([]byte, 0, len(body))), body) {
		err = fmt.Errorf("not in canonical form")
	}
	if err != nil {
		return nil, fmt.Errorf("cur: decode partial: %w: %w", ErrPartial, err)
	}
	return p, nil
}

// bodyReader reads a body from the front of b.
type bodyReader struct{ b []byte }

func (d *bodyReader) uint(limit uint64) (uint64, error) {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > limit {
		return 0, fmt.Errorf("bad integer, %d bytes before the end", len(d.b))
	}
	d.b = d.b[n:]
	return v, nil
}

// count reads the number of things that follow; each takes at least one byte,
// so that no allocation is larger than the body justifies.
func (d *bodyReader) count() (int, error) {
	v, err := d.uint(uint64(len(d.b)))
	return int(v), err
}

func (d *bodyReader) text() (string, error) {
	n, err := d.count()
	if err != nil || n > len(d.b) {
		return "", fmt.Errorf("bad text, %d bytes before the end", len(d.b))
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s, nil
}

func (d *bodyReader) texts() ([]string, error) {
	n, err := d.count()
	if err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		if out[i], err = d.text(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *bodyReader) measures(have []Measure) (m Measures, err error) {
	limit := uint64(maxCount)
	for _, c := range [...]*int64{&m.Rows, &m.NetRows, &m.CostBlank} {
		v, err := d.uint(limit)
		if err != nil {
			return m, err
		}
		*c = int64(v)
		limit = uint64(m.Rows)
	}
	for _, f := range have {
		if m.sums[f], d.b, err = exact.DecodeBinary(d.b); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (d *bodyReader) partial() (*Partial, error) {
	rejected := bytes.HasPrefix(d.b, []byte(bodyMagicRejected))
	if !rejected && !bytes.HasPrefix(d.b, []byte(bodyMagic)) {
		return nil, fmt.Errorf("begins neither with %q nor with %q", bodyMagic, bodyMagicRejected)
	}
	d.b = d.b[len(bodyMagic):]
	text, err := d.text()
	if err != nil {
		return nil, err
	}
	var spec Spec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return nil, err
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	t := newTable(spec, 0, 0)
	names, err := d.texts()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		i := slices.Index(measureNames[:], n)
		if i < 0 {
			return nil, fmt.Errorf("unknown measure %q", n)
		}
		t.measures = t.measures.with(Measure(i))
	}
	if names, err = d.texts(); err != nil {
		return nil, err
	}
	cols := slices.Concat(keyColumns[:], spec.Columns)
	for _, n := range names {
		i := slices.Index(cols, Column(n))
		if i < 0 {
			return nil, fmt.Errorf("unknown column %q", n)
		}
		t.columns |= 1 << i
	}
	unread, err := d.uint(maxCount)
	if err != nil {
		return nil, err
	}
	t.unread = int64(unread)
	for s := range t.dicts {
		if numeric(s) {
			continue
		}
		if t.dicts[s].vals, err = d.texts(); err != nil {
			return nil, err
		}
		if !sortedUnique(t.dicts[s].vals) {
			return nil, fmt.Errorf("texts out of order")
		}
	}
	for _, v := range t.dicts[slotInvoice].vals {
		if bytes.Count([]byte(v), []byte{0}) != 3 {
			return nil, fmt.Errorf("bad invoice")
		}
	}
	t.splitInvoices()
	all := make([]int, len(t.dicts))
	used := make([][]bool, len(t.dicts))
	for s := range all {
		all[s], used[s] = s, make([]bool, len(t.dicts[s].vals))
	}
	// Appended without the hash tables: a finished table is only read.
	if err := d.groups(t, &t.groups, all, used, t.appendKey); err != nil {
		return nil, err
	}
	t.sortTails()
	if err := d.groups(t, &t.rest, restSlots[:], used, func(slots []uint32) { t.rest.keys.append(slots) }); err != nil {
		return nil, err
	}
	for s := range used {
		// The same groups would have been written without it.
		if slices.Contains(used[s], false) {
			return nil, fmt.Errorf("a text that no group has")
		}
	}
	if err := d.controls(t); err != nil {
		return nil, err
	}
	if rejected {
		err = d.rejected(t)
	}
	return &Partial{t: t}, err
}

// appendKey appends the key of a group that comes after all others. It is only with
// the last stem that it can have one in common.
func (t *table) appendKey(slots []uint32) {
	stem := t.stems.n - 1
	if stem < 0 || !slices.Equal(t.stems.at(stem), slots[:slotBucket]) {
		stem = t.stems.append(slots[:slotBucket])
	}
	t.groups.keys.append([]uint32{keyStem: uint32(stem), keyBucket: slots[slotBucket], keyTail: t.tail(slots)})
}

// sortTails puts the tails in order, which came as groups have them. The order of groups
// is that of what the tails hold, and stays.
func (t *table) sortTails() {
	if len(t.spec.Columns) == 0 {
		return
	}
	rank := ranks(t.tails.sort(make([][]uint32, t.tails.stride)))
	for i := range t.groups.len() {
		tail := &t.groups.keys.at(i)[keyTail]
		*tail = rank[*tail]
	}
}

// groups reads the groups of g, whose key has the given slots and is appended by keep,
// and marks the texts they use.
func (d *bodyReader) groups(t *table, g *groups, slots []int, used [][]bool, keep func(key []uint32)) error {
	n, err := d.count()
	if err != nil {
		return err
	}
	have := measureList(t.measures)
	key, last := make([]uint32, len(slots)), make([]uint32, len(slots))
	for i := range n {
		for j, s := range slots {
			var limit uint64
			switch {
			case s == slotPeriod:
				limit = maxMonth
			case s == slotBucket:
				limit = maxBucket/3600<<2 - 1
			case len(t.dicts[s].vals) == 0:
				return fmt.Errorf("key without texts")
			default:
				limit = uint64(len(t.dicts[s].vals) - 1)
			}
			v, err := d.uint(limit)
			if err != nil {
				return err
			}
			if key[j] = uint32(v); !numeric(s) {
				used[s][v] = true
			}
		}
		if i > 0 && slices.Compare(last, key) >= 0 {
			return fmt.Errorf("groups out of order")
		}
		copy(last, key)
		m, err := d.measures(have)
		if err != nil {
			return err
		}
		keep(key)
		g.add(g.sums.grow(), &m)
	}
	return nil
}

func (d *bodyReader) controls(t *table) error {
	n, err := d.count()
	if err != nil {
		return err
	}
	have := measureList(t.measures)
	for range n {
		var k ControlKey
		if k.Payer, err = d.text(); err != nil {
			return err
		}
		v, err := d.uint(maxMonth)
		if err != nil {
			return err
		}
		k.BillingPeriod.n = int32(v)
		if k.Currency, err = d.text(); err != nil {
			return err
		}
		if k.LineItemType, err = d.text(); err != nil {
			return err
		}
		m, err := d.measures(have)
		if err != nil {
			return err
		}
		t.addControl(k, &m)
	}
	return nil
}

func (d *bodyReader) rejected(t *table) error {
	n, err := d.count()
	if err != nil {
		return err
	}
	for range n {
		var r Rejected
		if r.Key.Payer, err = d.text(); err != nil {
			return err
		}
		v, err := d.uint(maxMonth)
		if err != nil {
			return err
		}
		r.Key.BillingPeriod.n = int32(v)
		for _, s := range [...]*string{&r.Key.Currency, &r.Key.LineItemType, &r.Key.ProductCode, &r.Key.Reason} {
			if *s, err = d.text(); err != nil {
				return err
			}
		}
		if v, err = d.uint(maxCount); err != nil {
			return err
		}
		r.Rows = int64(v)
		if err := r.check(); err != nil {
			return err
		}
		t.reject(r.Key, r.Rows)
	}
	return nil
}

func sortedUnique(s []string) bool {
	for i := 1; i < len(s); i++ {
		if s[i-1] >= s[i] {
			return false
		}
	}
	return true
}
