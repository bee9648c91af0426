package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// sieve is what of a predicate can be told from single columns. Each condition is
// a bit; a row that lacks one in every clause is ruled out before anything else of
// it is read.
type sieve struct {
	clauses []uint64 // the bits that each needs
	sure    []uint64 // the same of those that need nothing else
	conds   []Cond
	fields  []sieveField
	exact   bool // what passes the sieve passes the predicate

	verdicts []verdict // by conditions met; nil: they are too many
	doubts   bool      // of some row of the block that may pass something else decides

	met   []uint64 // by row of the block
	known uint64
}

// sieveField is the conditions on one field.
type sieveField struct {
	field int
	col   int // -1: missing
	bits  uint64
	memo  colscan.Memo[uint64]
}

// plan compiles the conditions on fields that one column alone tells.
func (s *sieve) plan(r *row, where compiled) {
	s.exact = true
	for _, clause := range where {
		need, all := uint64(0), true
		for _, c := range clause {
			field := fieldOf(c.Column)
			if field < 0 || r.second(field) || len(s.conds) == 64 {
				s.exact, all = false, false
				continue
			}
			if at := slices.IndexFunc(s.conds, c.Cond.equal); at >= 0 {
				need |= 1 << at
				continue
			}
			bit := uint64(1) << len(s.conds)
			need |= bit
			s.conds = append(s.conds, c.Cond)
			i := slices.IndexFunc(s.fields, func(f sieveField) bool { return f.field == field })
			if i < 0 {
				i = len(s.fields)
				s.fields = append(s.fields, sieveField{field: field, col: r.text[field]})
			}
			s.fields[i].bits |= bit
		}
		if s.clauses = append(s.clauses, need); all {
			s.sure = append(s.sure, need)
		}
	}
	// Products first: they rule out most.
	slices.SortStableFunc(s.fields, func(a, b sieveField) int { return rankCond(a.field) - rankCond(b.field) })
	if len(s.conds) <= maxVerdicts {
		s.verdicts = make([]verdict, 1<<len(s.conds))
		for met := range s.verdicts {
			s.verdicts[met] = s.judge(uint64(met))
		}
	}
}

// verdict is what the sieve says of a row.
type verdict uint8

const (
	passes   verdict = 1 << iota // the row may pass
	doubtful                     // and something else decides
)

// maxVerdicts is for how many conditions verdicts are worked out beforehand.
const maxVerdicts = 10

// judge returns the verdict on a row that meets the conditions met.
func (s *sieve) judge(met uint64) verdict {
	switch {
	case !s.passes(met):
		return 0
	case slices.ContainsFunc(s.sure, func(c uint64) bool { return c&^met == 0 }):
		return passes
	}
	return passes | doubtful
}

func (c *Cond) equal(o Cond) bool {
	return c.Column == o.Column && c.Op == o.Op && slices.Equal(c.Values, o.Values)
}

// second reports whether a field has a second home, so that its column alone does
// not tell its value.
func (r *row) second(field int) bool {
	switch field {
	case fieldName, fieldModel:
		return r.product >= 0
	case fieldRegion:
		return r.product >= 0 || r.region >= 0
	case fieldUnit:
		return true
	case fieldType:
		return r.untyped
	}
	return false
}

// test returns which of the conditions of a text meets.
func (s *sieve) test(of uint64, text string) (met uint64) {
	for i := range s.conds {
		if of>>i&1 != 0 && s.conds[i].match(text) {
			met |= 1 << i
		}
	}
	return met
}

// passes reports whether a row that meets the conditions met passes some clause.
func (s *sieve) passes(met uint64) bool {
	for _, c := range s.clauses {
		if c&^met == 0 {
			return true
		}
	}
	return false
}

// alive reports whether for some row a clause that has one of the conditions bits
// is still open.
func (s *sieve) alive(met []uint64, bits uint64) bool {
	last, open := ^met[0], false
	for _, m := range met {
		if m != last {
			if last, open = m, s.open(m, s.known, bits); open {
				return true
			}
		}
	}
	return false
}

// open reports whether a row that meets the conditions met of those known may still
// pass a clause that has one of the conditions bits.
func (s *sieve) open(met, known, bits uint64) bool {
	for _, c := range s.clauses {
		if c&bits != 0 && c&known&^met == 0 {
			return true
		}
	}
	return false
}

// sift sets b.sel to the rows of the block that may pass.
func (s *sieve) sift(b *blocks) error {
	b.sel, s.doubts = nil, !s.exact
	if len(s.fields) == 0 {
		return nil
	}
	if s.met == nil {
		s.met = make([]uint64, readerBlock)
	}
	met := s.met[:b.n]
	clear(met)
	s.known = 0
	for i := range s.fields {
		f := &s.fields[i]
		if i > 0 && !s.alive(met, f.bits) {
			continue // its conditions stay unmet: no clause that has one can pass
		}
		if err := s.field(b, f, met); err != nil {
			return err
		}
		s.known |= f.bits
	}
	if b.selected == nil {
		b.selected = make([]int32, readerBlock)
	}
	n, doubts := 0, verdict(0)
	if s.verdicts != nil {
		verdicts, selected := s.verdicts, b.selected[:readerBlock]
		for i, m := range met {
			v := verdicts[m]
			doubts |= v
			selected[n] = int32(i)
			n += int(v & passes) // no branch: which rows pass follows no pattern
		}
	} else {
		last, v := ^met[0], verdict(0)
		for i, m := range met {
			if m != last {
				last, v = m, s.judge(m)
			}
			doubts |= v
			b.selected[n] = int32(i)
			n += int(v & passes)
		}
	}
	s.doubts = doubts&doubtful != 0
	if n < b.n {
		b.sel = b.selected[:n]
	}
	return nil
}

// doubted reports whether something else decides on a row of the block that may pass.
func (s *sieve) doubted(row int) bool {
	met := uint64(0)
	if len(s.fields) > 0 {
		met = s.met[row]
	}
	if s.verdicts != nil {
		return s.verdicts[met]&doubtful != 0
	}
	return s.judge(met)&doubtful != 0
}

// field adds the conditions on a field that the rows meet.
func (s *sieve) field(b *blocks, f *sieveField, met []uint64) error {
	if f.col < 0 {
		bits := s.test(f.bits, "")
		for i := range met {
			met[i] |= bits
		}
		return nil
	}
	v, err := b.scan.Column(f.col)
	if l := &b.loaded[f.col]; err == nil && l.serial != b.serial {
		*l = loaded{b.serial, true}
		err = v.Load(b.ctx, b.from, nil, b.n)
	}
	if err != nil {
		return err
	}
	return colscan.Or(&v.Codes, met, &f.memo, func(v *colscan.Value) (uint64, error) {
		t, err := v.Text()
		if f.field == fieldPrincipal {
			return s.test(f.bits, Role(string(t))), err
		}
		return s.test(f.bits, string(t)), err
	})
}
