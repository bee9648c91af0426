package cur

import (
	"math/bits"
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// columnConds is a predicate over columns. Each condition is a bit; a row
// passes when it has all bits of a clause.
type columnConds struct {
	all     bool        // every row passes
	clauses []uint64    // bits of a clause
	plain   uint64      // conditions on columns that every row is asked for
	fields  []fieldCond // plain ones, cheapest first
	// late ones are asked of the needed rows only: those on derived fields, and
	// plain ones that come with others in every clause.
	// Those on what is billed are judged once for each line: see judgeLines.
	late, lateLines []fieldCond
	conds           []Cond
}

// fieldCond is the conditions on one field, or on declared column
// field-numTextFields.
type fieldCond struct {
	field int
	bits  uint64
}

// isDerived reports whether a field has a second home, so that its column alone
// does not tell its value.
func (p *columnPlan) isDerived(field int) bool {
	switch field {
	case fieldName, fieldModel, fieldRegion:
		return p.product >= 0 || p.region >= 0
	case fieldUnit:
		return true
	}
	return field >= numTextFields
}

// planWhere compiles the predicate; false when the column path cannot evaluate
// it.
func (p *columnPlan) planWhere(spec *Spec, where Where) bool {
	w := &p.conds
	w.all = len(where.Any) == 0
	for _, clause := range where.Any {
		need := uint64(0)
		for _, c := range clause {
			field := fieldOf(c.Column)
			if field < 0 {
				i := slices.Index(spec.Columns, c.Column)
				if i < 0 { // the billing period
					return false
				}
				field = numTextFields + i
			}
			n := slices.IndexFunc(w.conds, c.equal) // clauses have conditions in common
			if n < 0 {
				n, w.conds = len(w.conds), append(w.conds, c)
			}
			if n == 64 || len(where.Any) > 64 {
				return false
			}
			bit := uint64(1) << n
			need |= bit
			list := &w.fields
			if p.isDerived(field) || isLate(where, p, c.Column) {
				list = &w.late
			} else {
				w.plain |= bit
				p.wants(p.text[field], reachTest)
			}
			i := slices.IndexFunc(*list, func(f fieldCond) bool { return f.field == field })
			if i < 0 {
				i = len(*list)
				*list = append(*list, fieldCond{field: field})
			}
			(*list)[i].bits |= bit
		}
		w.clauses = append(w.clauses, need)
	}
	// A clause that asks for more than another lets no further row pass.
	all := slices.Clone(w.clauses)
	w.clauses = slices.DeleteFunc(w.clauses, func(c uint64) bool {
		return slices.ContainsFunc(all, func(less uint64) bool { return less != c && less&^c == 0 })
	})
	for i := 0; i < len(w.late); {
		if f := w.late[i]; slices.Contains(lineFields, f.field) {
			w.lateLines, w.late = append(w.lateLines, f), slices.Delete(w.late, i, i+1)
		} else {
			i++
		}
	}
	// Products first: they rule out most rows of most blocks.
	slices.SortStableFunc(w.fields, func(a, b fieldCond) int { return rankCond(a.field) - rankCond(b.field) })
	return true
}

// isLate reports whether conditions on a column can wait until other plain ones
// have ruled most rows out: in each clause that has one there is one on the
// product as well. Which line item type a row has is known anyway.
func isLate(where Where, p *columnPlan, col Column) bool {
	switch f := fieldOf(col); {
	case f < 0 || f == fieldProduct || f == fieldType || p.text[fieldProduct] < 0:
		return false
	}
	for _, clause := range where.Any {
		has := func(col Column) bool {
			return slices.ContainsFunc(clause, func(c Cond) bool { return c.Column == col })
		}
		if has(col) && !has(ColProductCode) {
			return false
		}
	}
	return true
}

func rankCond(field int) int {
	switch field {
	case fieldProduct:
		return 0
	case fieldEntity:
		return 1
	}
	return 2
}

// bits returns which of the conditions in of a text meets.
func (w *columnConds) bits(of uint64, text string) (met uint64) {
	for i := range w.conds {
		if of>>i&1 != 0 && w.conds[i].match(text) {
			met |= 1 << i
		}
	}
	return met
}

// passes reports whether a row passes that meets the late conditions met, and in
// whose clauses all others are met: bit i of clauses stands for clause i.
func (w *columnConds) passes(clauses, met uint64) bool {
	for i, c := range w.clauses {
		if clauses>>i&1 != 0 && c&^w.plain&^met == 0 {
			return true
		}
	}
	return false
}

// selectRows sets need to the rows of the block that the predicate may pass,
// judged by its plain conditions. Where it can it looks at columns ahead of
// loading them, 64 rows at a time, and shortens the block to what lies in one page
// of each.
func (w *columnWorker) selectRows() error {
	c := &w.plan.conds
	w.need.begin()
	w.maybe = w.maybe[:0]
	if err := w.shorten(w.plan.text[fieldType]); err != nil {
		return err
	}
	if c.all {
		for i := range w.n {
			w.need.rows = append(w.need.rows, int32(i))
		}
		w.need.full = true
		return nil
	}
	for k := range w.open[:len(c.clauses)] {
		set := w.open[k][:(w.n+63)>>6]
		for i := range set {
			set[i] = ^uint64(0)
		}
	}
	for i, f := range c.fields {
		if i > 0 && !w.alive(f.bits) {
			continue // no clause that has one of its conditions can pass
		}
		if err := w.testField(f); err != nil {
			return err
		}
		for k, clause := range c.clauses {
			set := w.open[k][:(w.n+63)>>6]
			for bit := clause & f.bits; bit != 0; bit &= bit - 1 {
				for i, met := range w.sets[bits.TrailingZeros64(bit)][:len(set)] {
					set[i] &= met
				}
			}
		}
	}
	w.enumerate()
	return nil
}

// enumerate lists the rows for which a clause is open, and those of them of which
// late conditions have the last word.
func (w *columnWorker) enumerate() {
	c := &w.plan.conds
	rows, n := w.need.rows[:blockRows], 0
	for at := range (w.n + 63) >> 6 {
		pass, surely := uint64(0), uint64(0)
		for k, clause := range c.clauses {
			open := w.open[k][at]
			if pass |= open; clause&^c.plain == 0 {
				surely |= open
			}
		}
		if left := w.n - at<<6; left < 64 {
			pass &= 1<<left - 1
		}
		for may := pass &^ surely; may != 0; may &= may - 1 {
			w.maybe = append(w.maybe, int32(n+bits.OnesCount64(pass&(may&-may-1))))
		}
		first := int32(at << 6)
		if bits.OnesCount64(pass) < 16 {
			for ; pass != 0; pass &= pass - 1 {
				rows[n] = first + int32(bits.TrailingZeros64(pass))
				n++
			}
			continue
		}
		for i := range int32(min(64, w.n-at<<6)) {
			// No branch: which rows pass follows no pattern.
			rows[n] = first + i
			n += int(pass & 1)
			pass >>= 1
		}
	}
	w.need.rows = rows[:n]
	w.need.full, w.need.dense = n == w.n, 2*n > w.n
}

// shorten moves a column to the block, to look at it ahead, and makes the block no longer
// than that can be done, unless that is little, or rows of another column were loaded
// already.
func (w *columnWorker) shorten(col int) error {
	if col < 0 || w.plan.reach[col] < reachTest {
		return nil
	}
	v, err := w.scan.Column(col)
	if err != nil {
		return err
	}
	n, err := v.Ahead(w.ctx, w.base)
	if err != nil {
		return err
	}
	if !w.fixed && n >= leastRows && n < int64(w.n) {
		w.n = int(n)
		w.whole.rows = w.whole.rows[:n]
	}
	return nil
}

// alive reports whether for some row a clause with one of the conditions bits
// is still open.
func (w *columnWorker) alive(bits uint64) bool {
	for k, clause := range w.plan.conds.clauses {
		if clause&bits == 0 {
			continue
		}
		for _, open := range w.open[k][:(w.n+63)>>6] {
			if open != 0 {
				return true
			}
		}
	}
	return false
}

// testField sets the sets of the conditions on one plain field to the rows that meet
// them.
func (w *columnWorker) testField(f fieldCond) error {
	c := &w.plan.conds
	col := w.plan.text[f.field]
	if col < 0 || f.field == fieldType && w.plan.untyped {
		met := c.bits(f.bits, w.absent(f.field))
		for bit := f.bits; bit != 0; bit &= bit - 1 {
			all := -(met >> bits.TrailingZeros64(bit) & 1)
			set := w.sets[bits.TrailingZeros64(bit)]
			for i := range set {
				set[i] = all
			}
		}
		return nil
	}
	judge := func(v *colscan.Value) (uint64, error) {
		b, err := v.Text()
		if f.field == fieldPrincipal {
			return c.bits(f.bits, Role(string(b))), err
		}
		return c.bits(f.bits, string(b)), err
	}
	if err := w.shorten(col); err != nil {
		return err
	}
	v, err := w.scan.Column(col)
	if err != nil || w.tests[f.field].Look(v, w.base, w.n, f.bits, w.sets, judge) {
		return err
	}
	w.loadWhole(col)
	w.fixed = true
	codes, err := w.load(col)
	if err != nil {
		return err
	}
	met := w.met[:w.n]
	clear(met)
	if err := colscan.Or(codes, met, &w.marks[f.field], judge); err != nil {
		return err
	}
	for bit := f.bits; bit != 0; bit &= bit - 1 {
		cond := bits.TrailingZeros64(bit)
		set := w.sets[cond]
		clear(set)
		for i, m := range met {
			set[i>>6] |= m >> cond & 1 << (i & 63)
		}
	}
	return nil
}

// absent is the value of a field whose column is missing.
func (w *columnWorker) absent(field int) string {
	if field == fieldType && w.plan.untyped {
		return "Usage"
	}
	return ""
}

// split divides the block into the rows that pass and the rest. Derived
// fields of the needed rows have been read.
func (w *columnWorker) split() error {
	c := &w.plan.conds
	for _, f := range c.late {
		if derived(f.field) || len(w.need.rows) == 0 {
			continue
		}
		if w.ids[f.field] == nil {
			w.ids[f.field] = make([]uint32, blockRows)
		}
		if _, err := w.texts(f.field, &w.need, w.ids[f.field]); err != nil {
			return err
		}
	}
	w.match.begin()
	w.rest.begin()
	no := 0
	for k, i := range w.maybe {
		met, row := uint64(0), w.need.rows[i]
		if len(c.lateLines) > 0 {
			line := w.line.id
			if !w.line.same {
				line = w.line.ids[i]
			}
			met |= w.lineMet[line]
		}
		for _, f := range c.late {
			met |= w.textBits(f, w.ids[f.field][i])
		}
		clauses := uint64(0)
		for j := range c.clauses {
			clauses |= w.open[j][row>>6] >> (row & 63) & 1 << j
		}
		if !c.passes(clauses, met) {
			w.maybe[no] = w.maybe[k]
			no++
		}
	}
	w.match.isNeed, w.match.full = no == 0, no == 0 && w.need.full
	if no == 0 {
		w.match.rows = append(w.match.rows, w.need.rows...)
	} else {
		from := int32(0)
		for _, out := range append(w.maybe[:no], int32(len(w.need.rows))) {
			for ; from < out; from++ {
				w.match.rows, w.match.inNeed = append(w.match.rows, w.need.rows[from]), append(w.match.inNeed, from)
			}
			from++
		}
	}
	if w.run.spec.RestUnread {
		return nil
	}
	at := 0
	for i := range int32(w.n) {
		if at < len(w.match.rows) && w.match.rows[at] == i {
			at++
			continue
		}
		w.rest.rows = append(w.rest.rows, i)
	}
	w.rest.full = len(w.rest.rows) == w.n
	return nil
}

// textBits returns which conditions on a field the text of a dictionary id
// meets, working it out once for each text.
func (w *columnWorker) textBits(f fieldCond, id uint32) uint64 {
	known := &w.idBits[f.field]
	for len(*known) <= int(id) {
		n := uint32(len(*known))
		*known = append(*known, w.plan.conds.bits(f.bits, w.dicts[f.field].vals[n]))
	}
	return (*known)[id]
}
