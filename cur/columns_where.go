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
	derived []fieldCond
	conds   []Cond
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
			if p.isDerived(field) {
				list = &w.derived
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
	// Products first: they rule out most rows of most blocks.
	slices.SortStableFunc(w.fields, func(a, b fieldCond) int { return rankCond(a.field) - rankCond(b.field) })
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
	var last uint64
	passes := c.passes(0, c.plain)
	for i, m := range met {
		if m != last {
			last, passes = m, c.passes(m, c.plain)
		}
		if passes {
			w.need.rows = append(w.need.rows, int32(i))
		}
	}
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
	bits := w.masks[:w.n]
	memo := &w.tests[f.field]
	err = colscan.Resolve(codes, nil, bits, memo, func(v *colscan.Value) (uint64, error) {
		b, err := v.Text()
		if f.field == fieldPrincipal {
			return c.bits(f.bits, Role(string(b))), err
		}
		return c.bits(f.bits, string(b)), err
	})
	if err != nil {
		return err
	}
	for i, b := range bits {
		met[i] |= b
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
func (w *columnWorker) split() {
	c := &w.plan.conds
	w.match.begin()
	w.rest.begin()
	if len(c.derived) == 0 {
		w.match.rows = append(w.match.rows, w.need.rows...)
		w.match.isNeed, w.match.full = true, w.need.full
	} else {
		for i, row := range w.need.rows {
			met := w.met[row]
			for _, f := range c.derived {
				met |= w.textBits(f, w.ids[f.field][i])
			}
			if c.passes(met, ^uint64(0)) {
				w.match.rows = append(w.match.rows, row)
				w.match.inNeed = append(w.match.inNeed, int32(i))
			}
		}
		w.match.isNeed = len(w.match.rows) == len(w.need.rows)
		w.match.full = len(w.match.rows) == w.n
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
