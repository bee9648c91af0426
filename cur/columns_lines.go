package cur

import (
	"math/bits"
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// Most columns of a bill have few values, and few combinations of them. Where a
// row group has them in dictionaries, what says what is billed, and who for, is
// packed into two words per row: the numbers of the dictionary entries side by
// side. Words are looked up once per row, and what they stand for is worked out
// once, by the chains that work everything out where this cannot be done.

// wordSource is where some bits of a word come from.
type wordSource struct {
	col int // -1: a key of a map
	key mapKey
}

// packer numbers the words of a row group.
type packer struct {
	sources []wordSource
	sizes   []int  // of the sources' dictionaries
	shifts  []uint // 64 and more are in the second word
	extra   uint   // where bits that are from no column begin

	words [2][]uint64 // the second is not there while nothing is in it
	table []wordSlot
	n     int

	fresh  rowSet // rows with a word not seen before, and its slots
	places []uint32
	ids    []uint32
	none   [chunkRows]uint64 // stays 0
	warm   uint32            // see numberSome; means nothing
}

type wordSlot struct {
	a, b uint64
	id   uint32 // + 1; see packer.number
}

// pending marks an id that is yet to be worked out.
const pending = 1 << 31

func (p *packer) reset() {
	p.sizes, p.shifts, p.extra = p.sizes[:0], p.shifts[:0], 0
	clear(p.table)
	p.n = 0
}

// codes returns the values of a source, and the places of the needed rows there.
func (w *columnWorker) codes(s wordSource) (c *colscan.Codes, pos []int32, err error) {
	if s.col < 0 {
		return w.maps[s.key.m].Key(s.key.key), nil, nil
	}
	if c, err = w.load(s.col); err != nil {
		return nil, nil, err
	}
	return c, w.place(s.col, &w.need), nil
}

// pack packs the needed rows' words: one word when all are the same. extraBits is
// how many bits of others the words have room for, from p.extra on. ok is false
// when the columns do not allow it.
func (w *columnWorker) pack(p *packer, extraBits uint) (same, ok bool, err error) {
	for i, s := range p.sources {
		c, _, err := w.codes(s)
		if err != nil || c.Owns() {
			return false, false, err
		}
		// The dictionary of a map's values is there when the first was asked for.
		if size := c.Size(); i == len(p.sizes) {
			n := uint(bits.Len(uint(size)))
			if p.extra < 64 && p.extra+n > 64 {
				p.extra = 64
			}
			p.sizes, p.shifts = append(p.sizes, size), append(p.shifts, p.extra)
			p.extra += n
		} else if p.sizes[i] != size {
			p.reset()
			return w.pack(p, extraBits)
		}
	}
	if p.extra < 64 && p.extra+extraBits > 64 {
		p.extra = 64
	}
	if p.extra+extraBits > 128 {
		return false, false, nil
	}
	same = true
	var base [2]uint64
	for i, s := range p.sources {
		c, _, err := w.codes(s)
		if err != nil {
			return false, false, err
		}
		if c.Same() {
			base[p.shifts[i]>>6&1] |= c.Entry() << (p.shifts[i] & 63)
		} else {
			same = false
		}
	}
	n := len(w.need.rows)
	if same {
		n = 1
	}
	p.begin(n, p.extra+extraBits > 64)
	for k, words := range p.words {
		for i := range words {
			words[i] = base[k]
		}
	}
	for i, s := range p.sources {
		c, pos, err := w.codes(s)
		if err != nil {
			return false, false, err
		}
		if !c.Same() {
			c.Pack(pos, p.words[p.shifts[i]>>6&1], p.shifts[i]&63)
		}
	}
	return same, true, nil
}

// begin makes room for the words of n rows.
func (p *packer) begin(n int, two bool) {
	for k := range p.words {
		if cap(p.words[k]) == 0 {
			p.words[k] = make([]uint64, blockRows)
		}
		p.words[k] = p.words[k][:n]
	}
	if !two {
		p.words[1] = p.words[1][:0]
	}
}

// widen makes n rows of one.
func (p *packer) widen(n int) {
	for k, words := range p.words {
		if len(words) == 1 {
			words = words[:n]
			for i := range words {
				words[i] = words[0]
			}
			p.words[k] = words
		}
	}
}

// more adds what is from no column to the words of row i.
func (p *packer) more(i int, bits uint64, shift uint) {
	shift += p.extra
	p.words[shift>>6&1][i] |= bits << (shift & 63)
}

// number sets ids to the numbers of the words. Rows whose words are not known yet
// are put into fresh, and their ids are pending.
func (p *packer) number(ids []uint32, need *rowSet) {
	p.fresh.rows, p.fresh.inNeed, p.places = p.fresh.rows[:0], p.fresh.inNeed[:0], p.places[:0]
	if len(p.table) == 0 {
		p.table = make([]wordSlot, 1024)
	}
	first, second := p.words[0], p.words[1]
	for at := 0; at < len(first); at += chunkRows {
		to := min(at+chunkRows, len(first))
		if len(second) > 0 {
			p.numberSome(first[at:to], second[at:to], ids[at:to], int32(at), need)
		} else {
			p.numberSome(first[at:to], p.none[:to-at], ids[at:to], int32(at), need)
		}
	}
}

const chunkRows = 64

// numberSome is number for at most chunkRows rows, from row from on. First all slots
// are touched: the processor waits for many at once, and not for one after the other.
func (p *packer) numberSome(first, second []uint64, ids []uint32, from int32, need *rowSet) {
	var hash [chunkRows]uint64
	second, ids = second[:len(first)], ids[:len(first)]
	table, mask, warm := p.table, uint64(len(p.table)-1), uint32(0)
	for i, a := range first {
		h := wordHash(a, second[i])
		hash[i&(chunkRows-1)] = h
		warm += table[h&mask].id
	}
	p.warm = warm
	for i, a := range first {
		b := second[i]
		at := hash[i&(chunkRows-1)] & mask
		s := &table[at]
		for s.id != 0 && (s.a != a || s.b != b) {
			at = (at + 1) & mask
			s = &table[at]
		}
		if s.id != 0 {
			ids[i] = s.id - 1
			continue
		}
		ids[i] = pending | uint32(len(p.places))
		*s = wordSlot{a, b, ids[i] + 1}
		row := from + int32(i)
		p.fresh.rows, p.fresh.inNeed = append(p.fresh.rows, need.rows[row]), append(p.fresh.inNeed, row)
		p.places = append(p.places, uint32(at))
		if p.n++; 2*p.n > len(table) {
			p.grow()
			mask, table = uint64(len(p.table)-1), p.table
		}
	}
}

func wordHash(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0x9fb21c651e98df25)
	h := (hi ^ lo ^ a) * 0xff51afd7ed558ccd
	return h ^ h>>32
}

// grow makes the table twice as large.
func (p *packer) grow() {
	old := p.table
	p.table = make([]wordSlot, 2*len(old))
	mask := uint64(len(p.table) - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		at := wordHash(s.a, s.b) & mask
		for p.table[at].id != 0 {
			at = (at + 1) & mask
		}
		if p.table[at] = s; (s.id-1)&pending != 0 {
			p.places[(s.id-1)&^pending] = uint32(at)
		}
	}
}

// settle gives the fresh words their numbers, and ids theirs.
func (p *packer) settle(fresh keyColumn, ids []uint32) {
	number := func(i uint32) uint32 {
		if fresh.same {
			return fresh.id
		}
		return fresh.ids[i]
	}
	for i, at := range p.places {
		p.table[at].id = number(uint32(i)) + 1
	}
	for i, id := range ids {
		if id&pending != 0 {
			ids[i] = number(id &^ pending)
		}
	}
}

// extraBits is how many bits of a line's word say which control total a row has, and
// what unit its description.
const (
	controlBits = 7
	unitBits    = 8
)

// findLines numbers what is billed in the needed rows, and finds which of the late
// conditions on it they meet.
func (w *columnWorker) findLines() error {
	p, n := &w.linePack, len(w.need.rows)
	same, ok, err := w.pack(p, controlBits+unitBits)
	if err != nil {
		return err
	}
	if err := w.describedUnits(); err != nil {
		return err
	}
	units := len(w.few) > 0
	if !ok || len(w.control) > 1<<controlBits || units && slices.Max(w.fewUnits) >= 1<<unitBits-1 {
		w.line, err = w.workOutLines(&w.need, w.lineIDs)
		return err
	}
	ctl := w.controlOf(&w.need, w.setCtl)
	if same && (units || !ctl.same) {
		p.widen(n)
		same = false
	}
	for i := range p.words[0] {
		id := ctl.id
		if !ctl.same {
			id = ctl.ids[i]
		}
		p.more(i, uint64(id), 0)
	}
	for i, at := range w.fewAt {
		p.more(int(at), uint64(w.fewUnits[i]+1), controlBits)
	}
	ids := w.lineIDs[:len(p.words[0])]
	p.number(ids, &w.need)
	if len(p.places) > 0 {
		if cap(p.ids) < len(p.places) {
			p.ids = make([]uint32, blockRows)
		}
		fresh, err := w.workOutLines(&p.fresh, p.ids)
		if err != nil {
			return err
		}
		p.settle(fresh, ids)
	}
	w.line = keyColumn{ids: ids, same: same, id: ids[0]}
	return nil
}

// workOutLines follows the chain of lines for needed rows.
func (w *columnWorker) workOutLines(set *rowSet, dst []uint32) (keyColumn, error) {
	if err := w.derive(set); err != nil {
		return keyColumn{}, err
	}
	line, err := w.follow(&w.lines, w.controlOf(set, w.setCtl), len(w.control), set, dst)
	if err != nil {
		return line, err
	}
	return line, w.judgeLines(line, set)
}

// judgeLines notes which late conditions on their fields lines meet.
func (w *columnWorker) judgeLines(line keyColumn, set *rowSet) error {
	for len(w.lineMet) < w.lines.len() {
		w.lineMet = append(w.lineMet, 0)
	}
	for k, f := range w.plan.conds.lateLines {
		c, err := w.column(f.field, set)
		if err != nil {
			return err
		}
		for i := range set.rows {
			id, text := line.id, c.id
			if !line.same {
				id = line.ids[i]
			}
			if !c.same {
				text = c.ids[i]
			}
			if k == 0 {
				w.lineMet[id] = 0
			}
			w.lineMet[id] |= w.textBits(f, text)
		}
	}
	return nil
}

// findAnchors numbers who the needed rows are billed for.
func (w *columnWorker) findAnchors() error {
	p := &w.anchorPack
	same, ok, err := w.pack(p, 0)
	if err != nil {
		return err
	}
	var at keyColumn
	if ok {
		ids := w.anchorIDs[:len(p.words[0])]
		p.number(ids, &w.need)
		if len(p.places) > 0 {
			if cap(p.ids) < len(p.places) {
				p.ids = make([]uint32, blockRows)
			}
			fresh, err := w.workOutAnchors(&p.fresh, p.ids)
			if err != nil {
				return err
			}
			p.settle(fresh, ids)
		}
		at = keyColumn{ids: ids, same: same, id: ids[0]}
	} else if at, err = w.workOutAnchors(&w.need, w.anchorIDs); err != nil {
		return err
	}
	w.anchor, err = w.followFrom(&w.anchors, len(anchorFields), at, w.anchors.pairings[len(anchorFields)-1].len(), &w.need, w.anchorIDs)
	return err
}

// workOutAnchors follows the chain of anchors for needed rows, up to the columns
// that rollups declare.
func (w *columnWorker) workOutAnchors(set *rowSet, dst []uint32) (keyColumn, error) {
	account, err := w.column(fieldAccount, set)
	if err != nil {
		return account, err
	}
	if !account.same { // the next column goes to the same place
		copy(dst, account.ids)
		account.ids = dst[:len(set.rows)]
	}
	c := chain{w.anchors.fields[:len(anchorFields)], w.anchors.pairings[:len(anchorFields)]}
	return w.followFrom(&c, 0, account, len(w.dicts[fieldAccount].vals), set, dst)
}
