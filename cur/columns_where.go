package cur

import (
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
			if len(w.conds) == 64 {
				return false
			}
			bit := uint64(1) << len(w.conds)
			w.conds = append(w.conds, c)
			need |= bit
			list := &w.fields
			if p.isDerived(field) || isLate(where, p, c.Column) {
				list = &w.late
			} else {
				w.plain |= bit
				p.wants(p.text[field], reachAll)
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

// passes reports whether a row that meets the conditions met passes some
// clause, as far as the conditions in known go.
func (w *columnConds) passes(met, known uint64) bool {
	for _, c := range w.clauses {
		if c&known&^met == 0 {
			return true
		}
	}
	return false
}

// selectRows sets need to the rows of the block that the predicate may pass,
// judged by its plain conditions.
func (w *columnWorker) selectRows() error {
	c := &w.plan.conds
	w.need.begin()
	if c.all {
		for i := range w.n {
			w.need.rows = append(w.need.rows, int32(i))
		}
		w.need.full = true
		w.maybe = w.maybe[:0]
		return nil
	}
	met := w.met[:w.n]
	clear(met)
	known := uint64(0)
	for i, f := range c.fields {
		if i > 0 && !w.alive(met, known, f.bits) {
			continue // its conditions stay unmet; no clause that has one can pass
		}
		if err := w.testField(f, met); err != nil {
			return err
		}
		known |= f.bits
	}
	rows, n := w.need.rows[:blockRows], 0
	// What is known of most rows is what is known of the row before.
	last, passes, surely := uint64(0), c.passes(0, c.plain), c.passes(0, ^uint64(0))
	w.maybe = w.maybe[:0]
	for i, m := range met {
		if m != last {
			last, passes, surely = m, c.passes(m, c.plain), c.passes(m, ^uint64(0))
		}
		if passes {
			if rows[n] = int32(i); !surely {
				w.maybe = append(w.maybe, int32(n))
			}
			n++
		}
	}
	w.need.rows = rows[:n]
	w.need.full = len(w.need.rows) == w.n
	return nil
}

// alive reports whether for some row a clause with one of the conditions bits
// is still open.
func (w *columnWorker) alive(met []uint64, known, bits uint64) bool {
	for _, clause := range w.plan.conds.clauses {
		if clause&bits == 0 {
			continue
		}
		want := clause & known
		for _, m := range met {
			if want&^m == 0 {
				return true
			}
		}
	}
	return false
}

// testField adds the conditions on one plain field that the rows meet.
func (w *columnWorker) testField(f fieldCond, met []uint64) error {
	c := &w.plan.conds
	col := w.plan.text[f.field]
	if col < 0 || f.field == fieldType && w.plan.untyped {
		bits := c.bits(f.bits, w.absent(f.field))
		for i := range met {
			met[i] |= bits
		}
		return nil
	}
	codes, err := w.load(col)
	if err != nil {
		return err
	}
	return colscan.Or(codes, met, &w.tests[f.field], func(v *colscan.Value) (uint64, error) {
		b, err := v.Text()
		if f.field == fieldPrincipal {
			return c.bits(f.bits, Role(string(b))), err
		}
		return c.bits(f.bits, string(b)), err
	})
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
		met := w.met[w.need.rows[i]]
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
		if !c.passes(met, ^uint64(0)) {
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
