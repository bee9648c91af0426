package cur

import (
	"context"
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

const (
	// blockRows is how many rows are worked on at once at most.
	blockRows = 32768
	// denseRows is how many where most of them are needed: what is held of them
	// stays in the processor's cache.
	denseRows = 4096
	// leastRows is how short a block may become so that its rows lie in one page.
	leastRows = 512
)

// rowSet is some rows of a block, ascending.
type rowSet struct {
	rows   []int32
	full   bool    // all rows of the block
	dense  bool    // most rows of the block: loading all costs less than picking them
	isNeed bool    // the rows that are needed, all of them
	inNeed []int32 // the place of each among those; nil when isNeed
}

// places gives the place of each row among the needed ones; nil when they are those.
func (s *rowSet) places() []int32 {
	if s.isNeed {
		return nil
	}
	return s.inNeed
}

func (s *rowSet) begin() { *s = rowSet{rows: s.rows[:0], inNeed: s.inNeed[:0]} }

// intervalCell is what an interval alone comes to.
type intervalCell struct {
	known, enough bool
	bucket, month uint32
}

// timeCell is what the times of a row come to.
type timeCell struct {
	key    timeKey
	known  bool
	bucket uint32 // numbers of the worker
	month  uint32
}

// timeKey is the number of an interval, and usage start and end.
type timeKey struct {
	interval   uint32
	start, end int64
}

// columnWorker reads row groups by columns. It belongs to one goroutine.
type columnWorker struct {
	run  *run
	scan colscan.Scanner
	plan *columnPlan
	ctx  context.Context

	// Texts, and what else keys are made of, are numbered for the worker, over all
	// its files. Number 0 of a text is "".
	dicts         []dict // by field, then by declared column
	intervals     numbering[[2]int64]
	intervalTexts map[string]uint32
	months        numbering[Month]
	bucketSlots   numbering[uint32] // buckets as keys hold them

	expect func(reach) // see announce

	// The keys of the rows, and their sums.
	byControl      [3]pairing // payer and currency, and month, and line item type
	control        []controlEntry
	fees           bool // some are of line item type Fee
	parts          map[partKey]bool
	lines, anchors chain
	both, group    pairing
	rests          chain
	groupSums      sumTable
	restSums       sumTable
	matched        int64

	// Memos of the current row group.
	memos       []colscan.NumberMemo // by field
	tests       []colscan.Test
	marks       []colscan.Memo[uint64]
	keys        map[fieldKey]*colscan.NumberMemo // values of map keys
	ways        map[fieldKey]*colscan.NumberMemo // declared columns
	amountMemos [NumMeasures]colscan.Memo[amount]
	types       colscan.Memo[uint32] // see typesOf
	typesFirst  uint32
	period      colscan.Memo[uint32]
	interval    colscan.Memo[uint32]
	start       colscan.Memo[int64]
	end         colscan.Memo[int64]
	region      colscan.NumberMemo
	units       colscan.Memo[uint32]
	reserved    colscan.Memo[bool]
	idBits      [][]uint64 // see textBits
	maps        []*colscan.MapVector
	timeCells   [4096]timeCell
	intervalsAt []intervalCell // by interval

	linePack   packer
	anchorPack packer
	restPack   packer

	// The current block.
	base        int64
	n           int
	serial      uint64
	loaded      []uint64 // by column: the block it was loaded for
	entire      []uint64 // by column: the block it is loaded for in spite of being tested
	need        rowSet
	match, rest rowSet
	whole       rowSet
	ctl         []uint32 // their control entries: of all rows, or, when ctlNeed, of the needed ones
	ctlSame     bool
	ctlNeed     bool
	tallied     []tallied
	ids         [][]uint32 // by field: of derived fields, for the needed rows
	spare       []uint32
	colIDs      []uint32
	fixed       bool // how long it is: see shorten
	met         []uint64
	sets        [][]uint64 // by condition: a bit for each row
	open        [][]uint64 // by clause: a bit for each row that may still pass
	ivs         []uint32
	starts      []int64
	ends        []int64
	buckets     []uint32 // of the rows whose times are read
	bucketSame  bool
	timeMonths  []uint32
	maybe       []int32 // needed rows of which late conditions have the last word
	few, fewAt  []int32 // see describedUnits
	fewUnits    []uint32
	lineMet     []uint64  // by line: see judgeLines
	line        keyColumn // of the needed rows
	anchor      keyColumn

	// The set being booked.
	lineIDs, anchorIDs, bucketIDs, setCtl, index []uint32

	cells         [NumMeasures]cells
	dense, sparse []*cells // those that are not all 0
	floats        []float64
	other         []amount
	blank, noNet  []bool // by row: cost, net cost
	flags, named  []bool
	zeros         []int64
	warm          int64 // see sumTable.rows

	text *textBlocks // rows of CSV; nil while there were none
}

// numbering numbers values of a kind.
type numbering[T comparable] struct {
	vals []T
	ids  map[T]uint32
}

func (n *numbering[T]) id(v T) uint32 {
	id, ok := n.ids[v]
	if !ok {
		if n.ids == nil {
			n.ids = make(map[T]uint32)
		}
		id = uint32(len(n.vals))
		n.ids[v], n.vals = id, append(n.vals, v)
	}
	return id
}

func newColumnWorker(r *run) *columnWorker {
	fields := numTextFields + len(r.spec.Columns)
	anchors := slices.Clone(anchorFields)
	for i := range r.spec.Columns {
		anchors = append(anchors, numTextFields+i)
	}
	w := &columnWorker{run: r, dicts: make([]dict, fields), parts: make(map[partKey]bool), intervalTexts: make(map[string]uint32),
		lines: newChain(lineFields), anchors: newChain(anchors), rests: newChain(restFields),
		memos: make([]colscan.NumberMemo, fields), tests: make([]colscan.Test, fields), marks: make([]colscan.Memo[uint64], fields),
		keys: make(map[fieldKey]*colscan.NumberMemo), ways: make(map[fieldKey]*colscan.NumberMemo),
		idBits: make([][]uint64, fields), ids: make([][]uint32, fields)}
	w.linePack.bits, w.anchorPack.bits = r.wordBits, r.wordBits
	for i := range w.dicts {
		w.dicts[i].id("")
	}
	for f := range fields {
		if derived(f) {
			w.ids[f] = make([]uint32, blockRows)
		}
	}
	for _, list := range [...]*[]uint32{&w.ctl, &w.spare, &w.colIDs, &w.ivs, &w.buckets, &w.timeMonths,
		&w.lineIDs, &w.anchorIDs, &w.bucketIDs, &w.setCtl, &w.index} {
		*list = make([]uint32, blockRows)
	}
	for _, list := range [...]*[]bool{&w.blank, &w.noNet, &w.flags, &w.named} {
		*list = make([]bool, blockRows)
	}
	w.met, w.need.rows = make([]uint64, blockRows), make([]int32, 0, blockRows)
	w.starts, w.ends = make([]int64, blockRows), make([]int64, blockRows)
	w.zeros = make([]int64, blockRows)
	w.floats, w.other = make([]float64, blockRows), make([]amount, blockRows)
	w.whole.rows = make([]int32, blockRows)
	for i := range w.whole.rows {
		w.whole.rows[i] = int32(i)
	}
	return w
}

// begin takes up a file.
func (w *columnWorker) begin(p *columnPlan) {
	w.plan = p
	w.loaded, w.entire = make([]uint64, len(p.cols)), make([]uint64, len(p.cols))
	for len(w.sets) < len(p.conds.conds) {
		w.sets = append(w.sets, make([]uint64, blockRows/64))
	}
	for len(w.open) < len(p.conds.clauses) {
		w.open = append(w.open, make([]uint64, blockRows/64))
	}
	w.keys, w.ways = make(map[fieldKey]*colscan.NumberMemo), make(map[fieldKey]*colscan.NumberMemo)
	for i := range w.idBits {
		w.idBits[i] = w.idBits[i][:0]
	}
	w.linePack.sources, w.anchorPack.sources, w.restPack.sources = p.lineSources, p.anchorSources, p.restSources
}

// readGroup reads one row group.
func (w *columnWorker) readGroup(ctx context.Context, g int) error {
	rows := w.beginGroup(ctx, g)
	few := false
	for w.base = 0; w.base < rows; w.base += int64(w.n) {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.n = int(min(denseRows, rows-w.base))
		if few {
			w.n = int(min(blockRows, rows-w.base))
		}
		w.serial++
		if err := w.block(); err != nil {
			return err
		}
		few = len(w.need.rows) < w.n/8
	}
	return w.scan.End(ctx)
}

// beginGroup takes up a row group, and returns how many rows it has.
func (w *columnWorker) beginGroup(ctx context.Context, g int) int64 {
	w.ctx = ctx
	w.maps = make([]*colscan.MapVector, len(w.plan.maps))
	w.linePack.reset()
	w.anchorPack.reset()
	w.restPack.reset()
	return w.scan.Begin(w.plan.file, g)
}

// block reads and books the rows of one block.
func (w *columnWorker) block() error {
	w.whole = rowSet{rows: w.whole.rows[:blockRows][:w.n], full: true}
	w.fixed = false
	if err := w.selectRows(); err != nil {
		return err
	}
	w.need.isNeed = true
	if w.plan.timesAll {
		if err := w.times(&w.whole); err != nil {
			return err
		}
	}
	if err := w.controls(); err != nil {
		return err
	}
	if len(w.need.rows) > 0 {
		w.expect(reachNeed)
		if !w.plan.timesAll {
			if err := w.times(&w.need); err != nil {
				return err
			}
		}
		if err := w.loadMaps(); err != nil {
			return err
		}
		if err := w.findLines(); err != nil {
			return err
		}
		if err := w.declared(); err != nil {
			return err
		}
		if err := w.findAnchors(); err != nil {
			return err
		}
	}
	if err := w.split(); err != nil {
		return err
	}
	w.matched += int64(len(w.match.rows))
	return w.bookBlock()
}

// load reads a column for the rows of the block that it is read for.
func (w *columnWorker) load(col int) (*colscan.Codes, error) {
	v, err := w.scan.Column(col)
	if err != nil {
		return nil, err
	}
	if w.loaded[col] == w.serial {
		return &v.Codes, nil
	}
	w.loaded[col] = w.serial
	if w.isWhole(col) {
		err = v.Load(w.ctx, w.base, nil, w.n)
	} else {
		err = v.Load(w.ctx, w.base, w.need.rows, 0)
	}
	return &v.Codes, err
}

// isWhole reports whether a column is loaded for all rows of the block.
func (w *columnWorker) isWhole(col int) bool {
	return w.plan.reach[col] == reachAll || w.need.full || w.need.dense || w.entire[col] == w.serial
}

// loadWhole makes load load all rows of the block of a column that could not be
// looked at ahead.
func (w *columnWorker) loadWhole(col int) { w.entire[col] = w.serial }

// place gives the places of a set's rows among those that a column was loaded
// for; nil when they are the same.
func (w *columnWorker) place(col int, set *rowSet) []int32 {
	if w.isWhole(col) {
		if set.full {
			return nil
		}
		return set.rows
	}
	if set.isNeed {
		return nil
	}
	return set.inNeed
}

// resolve sets dst to what the values of a column in a set come to, and
// reports whether they are all one value.
func resolve[T any](w *columnWorker, col int, set *rowSet, dst []T, m *colscan.Memo[T], f func(*colscan.Value) (T, error)) (same bool, err error) {
	codes, err := w.load(col)
	if err != nil {
		return false, err
	}
	return codes.Same(), colscan.Resolve(codes, w.place(col, set), dst[:len(set.rows)], m, f)
}

// numbers is resolve for the texts of a field.
func (w *columnWorker) numbers(col int, set *rowSet, dst []uint32, m *colscan.NumberMemo, field int) (same bool, err error) {
	codes, err := w.load(col)
	if err != nil {
		return false, err
	}
	return codes.Same(), colscan.Number(codes, w.place(col, set), dst[:len(set.rows)], m, w.number(field))
}

// number is what numbers the texts of a field.
func (w *columnWorker) number(field int) func([][]byte, []uint32) {
	d := &w.dicts[field]
	if field != fieldPrincipal {
		return d.all
	}
	return func(texts [][]byte, ids []uint32) {
		for i, b := range texts {
			if w.run.Sessions {
				texts[i] = []byte(w.run.principal(string(b)))
			} else {
				texts[i] = b[:roleLen(b)]
			}
		}
		d.all(texts, ids)
	}
}

// texts numbers the texts of a field's own column in a set.
func (w *columnWorker) texts(field int, set *rowSet, dst []uint32) (same bool, err error) {
	if col := w.plan.text[field]; col >= 0 {
		return w.numbers(col, set, dst, &w.memos[field], field)
	}
	id := w.dicts[field].id(w.absent(field))
	for i := range set.rows {
		dst[i] = id
	}
	return true, nil
}
