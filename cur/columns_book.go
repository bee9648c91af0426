package cur

import "github.com/spendclaim/spendclaim/internal/colscan"

// This file brings the rows of a block to their groups. The key of a row is
// followed column by column to a number, in two chains that meet: what is
// billed, and who is billed for it.

// A chain numbers what some columns of rows have in common, beginning with a
// number that the caller has.
type chain struct {
	fields   []int
	pairings []pairing // by field
}

// Fields that hang together follow one another, and those with many values come
// first, so that the arrays of the pairings stay small.
var (
	lineFields = []int{fieldUsageType, fieldProduct, fieldOperation, fieldFamily, fieldName, fieldModel, fieldUnit,
		fieldRegion, fieldEntity, fieldInvoice, fieldInvoicing, fieldLegal, fieldBillType}
	anchorFields = []int{fieldPrincipal, fieldResource}
	restFields   = []int{fieldProduct, fieldAccount, fieldEntity, fieldInvoice, fieldInvoicing, fieldLegal, fieldBillType}
)

func newChain(fields []int) chain { return chain{fields, make([]pairing, len(fields))} }

// len returns how many numbers the chain has given.
func (c *chain) len() int { return c.pairings[len(c.pairings)-1].len() }

// unwind sets ids to what a number of the chain stands for, by field, and
// returns the number that the chain began with.
func (c *chain) unwind(n uint32, ids []uint32) uint32 {
	for i := len(c.pairings) - 1; i >= 0; i-- {
		p := c.pairings[i].pairs[n]
		ids[i], n = p.second, p.first
	}
	return n
}

// follow numbers the rows of a set along a chain. starts is how many numbers there
// are that it may begin with.
func (w *columnWorker) follow(c *chain, at keyColumn, starts int, set *rowSet, dst []uint32) (keyColumn, error) {
	return w.followFrom(c, 0, at, starts, set, dst)
}

// followFrom is follow from some field on.
func (w *columnWorker) followFrom(c *chain, from int, at keyColumn, starts int, set *rowSet, dst []uint32) (keyColumn, error) {
	dst = dst[:len(set.rows)]
	for i := from; i < len(c.fields); i++ {
		field := c.fields[i]
		next, err := w.column(field, set)
		if err != nil {
			return at, err
		}
		at = c.pairings[i].all(dst, at, next, starts, len(w.dicts[field].vals))
		starts = c.pairings[i].len()
	}
	return at, nil
}

// column returns the numbers of a field's texts in a set; those of a derived field
// only in the set it was derived for. They are void with the next call.
func (w *columnWorker) column(field int, set *rowSet) (c keyColumn, err error) {
	if derived(field) {
		return keyColumn{ids: w.ids[field][:len(set.rows)]}, nil
	}
	col := w.plan.text[field]
	if col < 0 {
		return keyColumn{same: true, id: w.dicts[field].id(w.absent(field))}, nil
	}
	codes, err := w.load(col)
	if err != nil {
		return c, err
	}
	c.ids = w.colIDs[:len(set.rows)]
	if codes.Same() {
		c.ids, c.same = c.ids[:1], true
	}
	if err = colscan.Number(codes, w.place(col, set), c.ids, &w.memos[field], w.number(field)); c.same {
		c.id = c.ids[0]
	}
	return c, err
}

// bookBlock books the rows of the block.
func (w *columnWorker) bookBlock() error {
	w.countRows()
	if len(w.match.rows) > 0 {
		if err := w.bookGroups(); err != nil {
			return err
		}
	}
	if len(w.rest.rows) > 0 {
		return w.bookRest()
	}
	return nil
}

func (w *columnWorker) bookGroups() error {
	line, anchor := w.line, w.anchor
	bucket := keyColumn{same: w.bucketSame, id: w.buckets[0], ids: w.buckets}
	set := &w.match
	if w.plan.timesAll {
		bucket = bucket.pick(w.bucketIDs, set.rows)
	}
	if !set.isNeed {
		line, anchor = line.pick(w.lineIDs, set.inNeed), anchor.pick(w.anchorIDs, set.inNeed)
		if !w.plan.timesAll {
			bucket = bucket.pick(w.bucketIDs, set.inNeed)
		}
	}
	index := w.index[:len(set.rows)]
	both := w.both.all(index, line, anchor, w.lines.len(), w.anchors.len())
	group := w.group.all(index, both, bucket, w.both.len(), len(w.bucketSlots.vals))
	if w.group.len() > w.run.limit {
		return errDecline // the row path names the column
	}
	w.groupSums.extend(w.group.len())
	return w.sum(&w.groupSums, set, group.fill(index))
}

func (w *columnWorker) bookRest() error {
	set := &w.rest
	index := w.index[:len(set.rows)]
	group, err := w.restGroups(set)
	if err != nil {
		return err
	}
	if w.rests.len() > w.run.limit {
		return errDecline
	}
	w.restSums.extend(w.rests.len())
	return w.sum(&w.restSums, set, group.fill(index))
}

// restGroups numbers the groups of the rest: by the words of their columns, and by the
// chain for words not seen before.
func (w *columnWorker) restGroups(set *rowSet) (keyColumn, error) {
	p := &w.restPack
	same, ok, err := w.pack(p, set, w.index, w.controlOf(set, w.setCtl), len(w.control))
	if err != nil {
		return keyColumn{}, err
	}
	if !ok {
		return w.follow(&w.rests, w.controlOf(set, w.index), len(w.control), set, w.index)
	}
	if fresh := &p.fresh; len(fresh.rows) > 0 {
		c, err := w.follow(&w.rests, w.controlOf(fresh, p.ids), len(w.control), fresh, p.ids)
		if err != nil {
			return keyColumn{}, err
		}
		for i := range fresh.rows {
			p.known = append(p.known, c.at(i))
		}
	}
	ids := w.index[:len(set.rows)]
	if same {
		ids = ids[:1]
	}
	p.settle(ids)
	return keyColumn{ids: ids, same: same, id: ids[0]}, nil
}

// pick returns the numbers at some places, which ascend: dst may be where the
// numbers are.
func (c keyColumn) pick(dst []uint32, places []int32) keyColumn {
	if c.same {
		return c
	}
	dst = dst[:len(places)]
	for i, at := range places {
		dst[i] = c.ids[at]
	}
	return keyColumn{ids: dst}
}

// fill returns the numbers as a list, in dst where they are none yet.
func (c keyColumn) fill(dst []uint32) []uint32 {
	if !c.same {
		return c.ids
	}
	for i := range dst {
		dst[i] = c.id
	}
	return dst
}
