package cur

import (
	"cmp"
	"math/bits"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// Most columns of a bill have few values, and few combinations of them. Where a
// row group has them in dictionaries, what says what is billed, and who for, is
// packed into a word per row: the numbers of the dictionary entries side by side.
// Words are looked up once per row, and what they stand for is worked out once, by the
// chains that work everything out where this cannot be done. Where one word has no room
// for all columns, there are several: each begins with the number of the one before.

// wordSource is where some bits of a word come from.
type wordSource struct {
	col int // -1: a key of a map
	key mapKey
}

// packer numbers the words of a row group.
type packer struct {
	bits    uint // of a word; 0 means 64
	sources []wordSource
	sizes   []int // of the sources' dictionaries
	extras  int   // how many numbers there may be of what is from no column
	stages  []wordStage
	known   []uint32 // what the numbers of the last words stand for
	off     bool     // nearly every row has a word of its own

	// Words of which the description has the last word, and what they and a unit come
	// to: see learnLines.
	marked int
	units  pairing
	lines  []uint32

	// The current block.
	codes  []*colscan.Codes // by source
	picked []bool           // by source: its values are those of all rows
	words  []uint64
	parts  [2][]colscan.Part
	fresh  rowSet // rows with a word not seen before, in order of the words' numbers
	ids    []uint32
}

// wordStage is what is packed into one word: some sources, above the number of
// the word before.
type wordStage struct {
	from, to int    // sources
	shifts   []uint // of these
	top      uint   // how many bits are used
	table    wordTable
}

// stageBits is how many bits the next word has for the number of a word; there are not
// more numbers.
const stageBits = 20

func (p *packer) reset() {
	p.sizes, p.stages, p.off = p.sizes[:0], p.stages[:0], false
}

// layOut finds room for the sources, and for numbers below extras that are from no
// column, in the last word. False means that one has more bits than a word.
func (p *packer) layOut(extras int) bool {
	room := cmp.Or(p.bits, 64)
	p.stages, p.known = p.stages[:0], p.known[:0]
	p.marked, p.units, p.lines = 0, pairing{}, p.lines[:0]
	var s *wordStage
	next := func(from int) {
		top := uint(0)
		if len(p.stages) > 0 {
			top = stageBits
		}
		if n := len(p.stages); n < cap(p.stages) { // with the memory it had
			p.stages = p.stages[:n+1]
		} else {
			p.stages = append(p.stages, wordStage{})
		}
		s = &p.stages[len(p.stages)-1]
		s.from, s.to, s.shifts, s.top = from, from, s.shifts[:0], top
		s.table.reset()
	}
	next(0)
	for i, size := range p.sizes {
		n := uint(bits.Len(uint(size)))
		if s.top+n > room {
			if next(i); s.top+n > room {
				return false
			}
		}
		s.shifts, s.to, s.top = append(s.shifts, s.top), i+1, s.top+n
	}
	n := uint(bits.Len(uint(extras)))
	if p.extras = 1<<n - 1; s.top+n > room {
		next(len(p.sizes))
	}
	return s.top+n <= room
}

// codesOf returns the values of a source, and the places of a set's rows there.
func (w *columnWorker) codesOf(s wordSource, set *rowSet) (c *colscan.Codes, pos []int32, err error) {
	if s.col < 0 {
		return w.maps[s.key.m].Key(s.key.key), nil, nil
	}
	if c, err = w.load(s.col); err != nil {
		return nil, nil, err
	}
	return c, w.place(s.col, set), nil
}

// pack sets ids to the numbers of the words of a set's rows, of one row when all are the
// same, and fresh to the rows with new ones. Words have room for extra, whose numbers
// are below extras. ok is false when the columns do not allow it.
func (w *columnWorker) pack(p *packer, set *rowSet, ids []uint32, extra keyColumn, extras int) (same, ok bool, err error) {
	if p.off {
		return false, false, nil
	}
	same, p.codes, p.picked = extra.same, p.codes[:0], p.picked[:0]
	var at []int32
	changed := len(p.stages) == 0 || extras > p.extras
	for i, s := range p.sources {
		c, pos, err := w.codesOf(s, set)
		if err != nil || c.Owns() {
			return false, false, err
		}
		if pos != nil {
			at = pos
		}
		p.codes, p.picked = append(p.codes, c), append(p.picked, pos != nil)
		same = same && c.Same()
		// The dictionary of a map's values is there when the first was asked for.
		if size := c.Size(); i == len(p.sizes) {
			p.sizes, changed = append(p.sizes, size), true
		} else if p.sizes[i] != size {
			p.sizes[i], changed = size, true
		}
	}
	if changed && !p.layOut(extras) {
		p.stages = p.stages[:0] // anew with the next block
		return false, false, nil
	}
	n := len(set.rows)
	if same {
		n = 1
	}
	if cap(p.words) < n {
		p.words = make([]uint64, blockRows)
	}
	words, ids := p.words[:n], ids[:n]
	for i := range p.stages {
		p.fill(i, words, at, ids, extra)
		t := &p.stages[i].table
		if i > 0 && p.stages[i-1].table.n >= 1<<stageBits {
			return false, false, nil
		}
		t.number(words, ids)
	}
	p.findFresh(n, set)
	return same, true, nil
}

// fill puts the words of a stage together. ids are the numbers of those before.
func (p *packer) fill(stage int, words []uint64, at []int32, ids []uint32, extra keyColumn) {
	s, base := &p.stages[stage], uint64(0)
	p.parts = [2][]colscan.Part{p.parts[0][:0], p.parts[1][:0]}
	if stage > 0 {
		p.parts[0] = append(p.parts[0], colscan.PartOf(ids, 0))
	}
	for i, c := range p.codes[s.from:s.to] {
		shift, k := s.shifts[i], 0
		if p.picked[s.from+i] {
			k = 1
		}
		if c.Same() {
			base += c.Word(shift)
		} else {
			p.parts[k] = append(p.parts[k], c.Part(shift))
		}
	}
	if stage == len(p.stages)-1 && p.extras > 0 {
		if extra.same {
			base += uint64(extra.id+1) << s.top
		} else {
			p.parts[0] = append(p.parts[0], colscan.PartOf(extra.ids, s.top))
		}
	}
	for i := range words {
		words[i] = base
	}
	colscan.Pack(words, nil, p.parts[0])
	colscan.Pack(words, at, p.parts[1])
}

// findFresh sets fresh to the first rows of the new ones among the last words.
func (p *packer) findFresh(n int, set *rowSet) {
	t := &p.stages[len(p.stages)-1].table
	p.fresh.rows, p.fresh.inNeed = p.fresh.rows[:0], append(p.fresh.inNeed[:0], t.fresh...)
	for _, i := range t.fresh {
		p.fresh.rows = append(p.fresh.rows, set.rows[i])
	}
	if len(t.fresh) > 0 && cap(p.ids) < len(t.fresh) {
		p.ids = make([]uint32, blockRows)
	}
	// Where words do not repeat, looking them up is in vain.
	p.off = t.n > 1<<16 && len(t.fresh) > n/2
}

// settle makes what words stand for of their numbers.
func (p *packer) settle(ids []uint32) {
	known := p.known
	for i, n := range ids {
		ids[i] = known[n]
	}
}

// wordTable numbers words, from 0 up.
type wordTable struct {
	slots []wordSlot
	shift uint // of the hash: what is left is a slot
	n     int
	fresh []int32 // where the words given numbers last were first, in their order
}

type wordSlot struct {
	word uint64
	id   uint32 // + 1; 0 when the slot is empty
}

func (t *wordTable) reset() {
	clear(t.slots)
	t.n = 0
}

// number sets ids to the numbers of words.
func (t *wordTable) number(words []uint64, ids []uint32) {
	if t.fresh = t.fresh[:0]; t.slots == nil {
		t.slots, t.shift = make([]wordSlot, 1<<10), 64-10
	}
	slots, shift := t.slots, t.shift&63
	ids = ids[:len(words)]
	for i, word := range words {
		at := wordHash(word) >> shift
		if s := &slots[at]; s.word == word && s.id != 0 {
			ids[i] = s.id - 1
			continue
		}
		ids[i] = t.find(word, at, int32(i))
		slots, shift = t.slots, t.shift&63
	}
}

// find looks a word up that is not in its first slot, and numbers it if it is new.
func (t *wordTable) find(word, at uint64, row int32) uint32 {
	mask := uint64(len(t.slots) - 1)
	for {
		s := &t.slots[at]
		if s.id == 0 {
			*s = wordSlot{word, uint32(t.n) + 1}
			break
		}
		if s.word == word {
			return s.id - 1
		}
		at = (at + 1) & mask
	}
	t.n++
	t.fresh = append(t.fresh, row)
	if least := 2 * t.n; least > len(t.slots) || 2*least > len(t.slots) && len(t.slots) < 1<<15 {
		t.grow()
	}
	return uint32(t.n) - 1
}

// grow makes the table twice as large.
func (t *wordTable) grow() {
	old := t.slots
	t.slots = fresh[wordSlot](2 * len(old))
	t.shift--
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		at := wordHash(s.word) >> t.shift
		for t.slots[at].id != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}

// wordHash mixes a word; the upper bits are the better ones.
func wordHash(w uint64) uint64 { return (w ^ w>>32) * 0x9fb21c651e98df25 }
