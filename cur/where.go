package cur

import (
	"slices"
	"strings"
)

// Where is a predicate over rows, as data: it is part of a rollup's spec, can be
// stored, compared and handed to another engine. A row passes when every
// condition of at least one clause holds. The zero Where passes every row.
type Where struct {
	Any []Clause `json:"any,omitempty"`
}

// Clause is a list of conditions that must all hold.
type Clause []Cond

// Cond compares one column of [Key] with values; any of them may match.
// Comparison is exact, but for Contains and FoldIn, which ignore case.
type Cond struct {
	Column Column   `json:"column"`
	Op     Op       `json:"op"`
	Values []string `json:"values"`
}

// Op is how a Cond compares.
type Op string

// The operators.
const (
	In       Op = "in"       // the column equals a value
	FoldIn   Op = "fold_in"  // the column equals a value but for case
	Prefix   Op = "prefix"   // the column starts with a value
	Contains Op = "contains" // a value occurs in the column, whatever its case
)

func (o Op) known() bool { return o == In || o == FoldIn || o == Prefix || o == Contains }

// clone returns a copy that shares nothing with w.
func (w Where) clone() Where {
	any := slices.Clone(w.Any)
	for i, clause := range any {
		any[i] = slices.Clone(clause)
		for j := range clause {
			any[i][j].Values = slices.Clone(clause[j].Values)
		}
	}
	return Where{Any: any}
}

// match evaluates w; get returns a column's value.
func (w *Where) match(get func(Column) string) bool {
	if len(w.Any) == 0 {
		return true
	}
	for _, clause := range w.Any {
		if clause.match(get) {
			return true
		}
	}
	return false
}

// MatchKey reports whether the rows of k pass w. It agrees with what a rollup
// does row by row, for every column is part of the key.
func (w *Where) MatchKey(k *Key) bool {
	return w.match(func(c Column) string { v, _ := k.Column(c); return v })
}

// MatchRow reports whether li passes w: whether its key does.
func (w *Where) MatchRow(li *LineItem) bool {
	return w.match(func(c Column) string { return keyText(li, c) })
}

// keyText is the value that a column has in the key of li.
func keyText(li *LineItem, c Column) string {
	switch c {
	case ColPrincipal:
		return Role(li.Principal)
	case ColBillingPeriod:
		return li.BillingPeriod.String()
	}
	v, _ := li.Column(c)
	return v
}

func (c Clause) match(get func(Column) string) bool {
	for i := range c {
		if !c[i].match(get(c[i].Column)) {
			return false
		}
	}
	return true
}

func (c *Cond) match(v string) bool {
	for _, want := range c.Values {
		switch c.Op {
		case In:
			if v == want {
				return true
			}
		case FoldIn:
			if strings.EqualFold(v, want) {
				return true
			}
		case Prefix:
			if strings.HasPrefix(v, want) {
				return true
			}
		case Contains:
			if containsFold(v, want) {
				return true
			}
		}
	}
	return false
}

// containsFold reports whether sub occurs in s, whatever its case. Plain ASCII,
// which is nearly everything in a bill, costs no allocation.
func containsFold(s, sub string) bool {
	if !ascii(s) || !ascii(sub) {
		return strings.Contains(strings.ToLower(s), strings.ToLower(sub))
	}
next:
	for i := 0; i+len(sub) <= len(s); i++ {
		for j := range len(sub) {
			if lower(s[i+j]) != lower(sub[j]) {
				continue next
			}
		}
		return true
	}
	return false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// compiled is a Where whose columns are resolved to fields of LineItem.
type compiled [][]struct {
	Cond
	field int // index into textFields, -1 for columns reached by name
}

func compile(w Where) compiled {
	c := make(compiled, len(w.Any))
	for i, clause := range w.Any {
		c[i] = make([]struct {
			Cond
			field int
		}, len(clause))
		for j, cond := range clause {
			c[i][j].Cond = cond
			c[i][j].field = -1
			if cond.Column != ColPrincipal { // the key has no session
				c[i][j].field = slices.IndexFunc(textFields[:], func(f textField) bool { return f.column == cond.Column })
			}
		}
	}
	return c
}

func (c compiled) match(li *LineItem) bool {
	if len(c) == 0 {
		return true
	}
next:
	for _, clause := range c {
		for i := range clause {
			cond, v := &clause[i], ""
			if cond.field >= 0 {
				v = *textFields[cond.field].of(li)
			} else {
				v = keyText(li, cond.Column)
			}
			if !cond.match(v) {
				continue next
			}
		}
		return true
	}
	return false
}
