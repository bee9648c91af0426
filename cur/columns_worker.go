package cur

import (
	"context"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// blockRows is how many rows are worked on at once: what is held of them stays
// in the processor's cache.
const blockRows = 4096

// rowSet is some rows of a block, ascending.
type rowSet struct {
	rows   []int32
	full   bool    // all rows of the block
	isNeed bool    // the rows that are needed, all of them
	inNeed []int32 // the place of each among those; nil when isNeed
}

func (s *rowSet) begin() { *s = rowSet{rows: s.rows[:0], inNeed: s.inNeed[:0]} }

// amount is a cell of a cost or usage column.
type amount struct {
	n  exact.Num
	ok bool // not blank
}

// timeCell is what the times of a row come to.
type timeCell struct {
	key    [4]int64 // interval, usage start and end
	bucket uint32
	month  Month
}

// columnWorker reads row groups by columns. It belongs to one goroutine.
type columnWorker struct {
	run  *run
	scan colscan.Scanner
	plan *columnPlan
	ctx  context.Context

	// Texts are numbered for the worker, over all its files. Number 0 is "".
	dicts   []dict // by field, then by declared column
	invoice dict
	tuples  map[[4]uint32]uint32 // invoice fields to invoice
	parts   map[partKey]*columnPart
	control []controlEntry
	byKey   map[[4]uint32]uint32

	expect  func(reach)           // see announce
	rows    map[*columnPart]int64 // of the row group being read
	matched int64

	// Memos of the current row group.
	memos     []colscan.Memo[uint32] // by field
	tests     []colscan.Memo[uint64]
	keys      map[fieldKey]*colscan.Memo[uint32] // values of map keys
	ways      map[fieldKey]*colscan.Memo[uint32] // declared columns
	amounts   [NumMeasures]colscan.Memo[amount]
	period    colscan.Memo[Month]
	interval  colscan.Memo[[2]int64]
	start     colscan.Memo[int64]
	end       colscan.Memo[int64]
	region    colscan.Memo[uint32]
	units     colscan.Memo[uint32]
	reserved  colscan.Memo[bool]
	idBits    [][]uint64 // see textBits
	maps      []*colscan.MapVector
	timeCells [4096]timeCell

	// The current block.
	base        int64
	n           int
	serial      uint64
	loaded      []uint64 // by column: the block it was loaded for
	need        rowSet
	match, rest rowSet
	whole       rowSet
	ctl         []uint32 // by row: its control entry
	ctlSame     bool
	all         [numTextFields][]uint32 // by row, of the fields of control
	allSame     [numTextFields]bool
	ids         [][]uint32 // by field: derived ones for the needed rows, others for the set being booked
	spare       [][]uint32
	met, masks  []uint64
	months      []Month
	monthSame   bool
	ivs         [][2]int64
	starts      []int64
	ends        []int64
	buckets     []uint32 // of the rows whose times are read
	timeMonths  []Month
	cost, other []amount
	flags       []bool
	bucket      []uint32
	hash        []uint64
	warmed      uint64 // see columnGroups.warm
	index       []uint32
	groupKey    []uint32
	few, fewAt  []int32
	keyCols     []keyColumn
	varying     []int
	invoiceIDs  []uint32
	periodIDs   []uint32
}

// columnPart is what a worker has of one delivery.
type columnPart struct {
	key    partKey
	groups columnGroups
	rest   columnGroups
	unread int64
}

// controlEntry is one control total; its key is payer, period, currency and
// line item type in the worker's numbers.
type controlEntry struct {
	key  [4]uint32
	part *columnPart
	m    Measures
}

func newColumnWorker(r *run) *columnWorker {
	fields := numTextFields + len(r.spec.Columns)
	w := &columnWorker{run: r, dicts: make([]dict, fields), tuples: make(map[[4]uint32]uint32),
		parts: make(map[partKey]*columnPart), byKey: make(map[[4]uint32]uint32), rows: make(map[*columnPart]int64),
		memos: make([]colscan.Memo[uint32], fields), tests: make([]colscan.Memo[uint64], fields),
		keys: make(map[fieldKey]*colscan.Memo[uint32]), ways: make(map[fieldKey]*colscan.Memo[uint32]),
		idBits: make([][]uint64, fields), ids: make([][]uint32, fields), spare: make([][]uint32, fields)}
	for i := range w.dicts {
		w.dicts[i].id("")
		w.ids[i], w.spare[i] = make([]uint32, blockRows), make([]uint32, blockRows)
	}
	for _, f := range [...]int{fieldPayer, fieldType, fieldCurrency} {
		w.all[f] = make([]uint32, blockRows)
	}
	w.invoiceIDs, w.periodIDs = make([]uint32, blockRows), make([]uint32, blockRows)
	w.ctl, w.bucket, w.index = make([]uint32, blockRows), make([]uint32, blockRows), make([]uint32, blockRows)
	w.met, w.masks, w.hash = make([]uint64, blockRows), make([]uint64, blockRows), make([]uint64, blockRows)
	w.months, w.timeMonths, w.buckets = make([]Month, blockRows), make([]Month, blockRows), make([]uint32, blockRows)
	w.ivs, w.starts, w.ends = make([][2]int64, blockRows), make([]int64, blockRows), make([]int64, blockRows)
	w.cost, w.other, w.flags = make([]amount, blockRows), make([]amount, blockRows), make([]bool, blockRows)
	for m := range w.amounts {
		w.amounts[m].Most = 1024 // converting a double takes a few nanoseconds
	}
	for i := range int32(blockRows) {
		w.whole.rows = append(w.whole.rows, i)
	}
	return w
}

// begin takes up a file.
func (w *columnWorker) begin(p *columnPlan) {
	w.plan = p
	w.loaded = make([]uint64, len(p.cols))
	w.keys, w.ways = make(map[fieldKey]*colscan.Memo[uint32]), make(map[fieldKey]*colscan.Memo[uint32])
	clear(w.rows)
	for i := range w.idBits {
		w.idBits[i] = w.idBits[i][:0]
	}
}

// group reads one row group.
func (w *columnWorker) group(ctx context.Context, g int) error {
	w.ctx = ctx
	rows := w.scan.Begin(w.plan.file, g)
	w.maps = make([]*colscan.MapVector, len(w.plan.maps))
	for w.base = 0; w.base < rows; w.base += int64(w.n) {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.n = int(min(blockRows, rows-w.base))
		w.serial++
		if err := w.block(); err != nil {
			return err
		}
	}
	return w.scan.End(ctx)
}

// block reads and books the rows of one block.
func (w *columnWorker) block() error {
	w.whole = rowSet{rows: w.whole.rows[:blockRows][:w.n], full: true}
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
		if err := w.derive(); err != nil {
			return err
		}
	}
	w.split()
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
	if w.plan.reach[col] == reachAll || w.need.full {
		err = v.Load(w.ctx, w.base, nil, w.n)
	} else {
		err = v.Load(w.ctx, w.base, w.need.rows, 0)
	}
	return &v.Codes, err
}

// place gives the places of a set's rows among those that a column was loaded
// for; nil when they are the same.
func (w *columnWorker) place(col int, set *rowSet) []int32 {
	if w.plan.reach[col] == reachAll || w.need.full {
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

// of numbers a text.
func (d *dict) of(b []byte) uint32 {
	if string(b) == d.last {
		return d.lastID
	}
	if id, ok := d.ids[string(b)]; ok {
		d.last, d.lastID = d.vals[id], id
		return id
	}
	return d.id(string(b))
}

// number is the resolver of the texts of a field.
func (w *columnWorker) number(field int) func(*colscan.Value) (uint32, error) {
	d := &w.dicts[field]
	return func(v *colscan.Value) (uint32, error) {
		b, err := v.Text()
		if field == fieldPrincipal && err == nil {
			return d.id(w.run.principal(string(b))), nil
		}
		return d.of(b), err
	}
}

// texts numbers the texts of a field's own column in a set.
func (w *columnWorker) texts(field int, set *rowSet, dst []uint32) (same bool, err error) {
	if col := w.plan.text[field]; col >= 0 {
		return resolve(w, col, set, dst, &w.memos[field], w.number(field))
	}
	id := w.dicts[field].id(w.absent(field))
	for i := range set.rows {
		dst[i] = id
	}
	return true, nil
}

// controls finds the control entry, and with it the delivery, of every row.
func (w *columnWorker) controls() (err error) {
	same := true
	for _, f := range [...]int{fieldPayer, fieldCurrency, fieldType} {
		if w.allSame[f], err = w.texts(f, &w.whole, w.all[f]); err != nil {
			return err
		}
		same = same && w.allSame[f]
	}
	w.monthSame = false
	if col := w.plan.period; col >= 0 {
		w.monthSame, err = resolve(w, col, &w.whole, w.months, &w.period, w.month)
		if err != nil {
			return err
		}
	} else {
		for i := range w.n {
			w.months[i] = w.timeMonths[i]
		}
	}
	var last [4]uint32
	for i := range w.n {
		k := [4]uint32{w.all[fieldPayer][i], uint32(w.months[i].n), w.all[fieldCurrency][i], w.all[fieldType][i]}
		if i > 0 && k == last {
			w.ctl[i] = w.ctl[i-1]
			continue
		}
		last = k
		id, ok := w.byKey[k]
		if !ok {
			if id, err = w.newControl(k); err != nil {
				return err
			}
		}
		w.ctl[i] = id
		if same && w.monthSame {
			for j := range w.n {
				w.ctl[j] = id
			}
			break
		}
	}
	w.ctlSame = same && w.monthSame
	return nil
}

func (w *columnWorker) newControl(k [4]uint32) (uint32, error) {
	key := partKey{w.dicts[fieldPayer].vals[k[0]], Month{int32(k[1])}}
	if w.run.set.manifest != nil {
		key.period = Month{}
	}
	p := w.parts[key]
	if p == nil {
		if len(w.parts) == maxParts {
			return 0, errDecline
		}
		p = &columnPart{key: key}
		p.groups.stride, p.rest.stride = fixedSlots+len(w.run.spec.Columns), len(restSlots)
		w.parts[key] = p
	}
	id := uint32(len(w.control))
	w.byKey[k] = id
	w.control = append(w.control, controlEntry{key: k, part: p})
	return id, nil
}

// month resolves a billing period.
func (w *columnWorker) month(v *colscan.Value) (Month, error) {
	t, err := w.time(w.plan.period, v)
	if err == nil && t.IsZero() {
		err = errBlankPeriod
	}
	if err != nil {
		return Month{}, err
	}
	return MonthOf(t), nil
}
