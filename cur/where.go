package cur

import "strings"

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
			if strings.Contains(strings.ToLower(v), strings.ToLower(want)) {
				return true
			}
		}
	}
	return false
}
