package cur

import (
	"iter"
	"slices"
	"strings"
)

// union returns the sum of some finished tables, at least one, that have one spec. What
// they hold is in order, so that texts, stems, tails and groups are each gone through
// once, side by side: nothing is looked up and nothing sorted.
func union(tables ...*table) *table {
	switch n := len(tables); n {
	case 1:
		return tables[0]
	case 2:
		return tables[0].union(tables[1])
	default:
		return union(tables[:n/2]...).union(union(tables[n/2:]...))
	}
}

// union is union of two tables.
func (a *table) union(b *table) *table {
	t := newTable(a.spec, a.measures, a.columns)
	inA, inB := make([][]uint32, len(t.dicts)), make([][]uint32, len(t.dicts))
	for s := range t.dicts {
		if !numeric(s) {
			t.dicts[s].vals, inA[s], inB[s] = unionTexts(a.dicts[s].vals, b.dicts[s].vals)
		}
	}
	t.splitInvoices()
	keysA, keysB := make([][]uint32, keyParts), make([][]uint32, keyParts)
	keysA[keyStem], keysB[keyStem] = t.stems.union(&a.stems, &b.stems, inA[:slotBucket], inB[:slotBucket])
	if len(t.spec.Columns) > 0 {
		keysA[keyTail], keysB[keyTail] = t.tails.union(&a.tails, &b.tails, inA[fixedSlots:], inB[fixedSlots:])
	}
	t.groups.union(&a.groups, &b.groups, keysA, keysB)
	restA, restB := make([][]uint32, len(restSlots)), make([][]uint32, len(restSlots))
	for i, s := range restSlots {
		restA[i], restB[i] = inA[s], inB[s]
	}
	t.rest.union(&a.rest, &b.rest, restA, restB)
	for _, from := range [...]*table{a, b} {
		for k, m := range from.control {
			t.addControl(k, m)
		}
		t.unread += from.unread
		for k, rows := range from.rejected {
			t.reject(k, rows)
		}
	}
	return t
}

// unionTexts returns the texts of two lists in order, and the place of each.
func unionTexts(a, b []string) (all []string, inA, inB []uint32) {
	inA, inB, n := places(len(a), len(b), func(i, j int) int { return strings.Compare(a[i], b[j]) })
	all = make([]string, n)
	for i, at := range inA {
		all[at] = a[i]
	}
	for j, at := range inB {
		all[at] = b[j]
	}
	return all, inA, inB
}

// union makes s the tuples of two sets, and returns the number of each. By ofA and ofB
// the integers of either are renumbered, place by place (nil: kept as they are).
func (s *tupleSet) union(a, b *tupleSet, ofA, ofB [][]uint32) (inA, inB []uint32) {
	x, y := a.renumbered(ofA), b.renumbered(ofB)
	inA, inB, s.n = places(x.n, y.n, func(i, j int) int { return slices.Compare(x.at(i), y.at(j)) })
	s.vals = make([]uint32, s.n*s.stride)
	for i, at := range inA {
		copy(s.at(int(at)), x.at(i))
	}
	for j, at := range inB {
		copy(s.at(int(at)), y.at(j))
	}
	return inA, inB
}

// renumbered returns the tuples with other integers, in the same order.
func (s *tupleSet) renumbered(of [][]uint32) *tupleSet {
	vals := slices.Clone(s.vals)
	for k, rank := range of {
		for at := k; rank != nil && at < len(vals); at += s.stride {
			vals[at] = rank[vals[at]]
		}
	}
	return &tupleSet{stride: s.stride, n: s.n, vals: vals}
}

// union makes g the groups of two, whose keys are renumbered as tuples are. There may be
// millions, and each is gone to once: keys and sums together.
func (g *groups) union(a, b *groups, ofA, ofB [][]uint32) {
	x, y := a.keys.renumbered(ofA), b.keys.renumbered(ofB)
	g.keys.vals = make([]uint32, 0, len(x.vals)+len(y.vals))
	for i, j := range sideBySide(x.n, y.n, func(i, j int) int { return slices.Compare(x.at(i), y.at(j)) }) {
		if i < 0 {
			g.keys.append(y.at(j))
			g.sums.appendFrom(&b.sums, j)
			continue
		}
		n := g.keys.append(x.at(i))
		g.sums.appendFrom(&a.sums, i)
		if j >= 0 {
			g.sums.addFrom(n, &b.sums, j)
		}
	}
}

// places returns the place of each of n and of m things, which are in order, in the
// order of all of them, and how many places there are: things that are equal share one.
func places(n, m int, compare func(i, j int) int) (inA, inB []uint32, all int) {
	inA, inB = make([]uint32, n), make([]uint32, m)
	for i, j := range sideBySide(n, m, compare) {
		if i >= 0 {
			inA[i] = uint32(all)
		}
		if j >= 0 {
			inB[j] = uint32(all)
		}
		all++
	}
	return inA, inB, all
}

// sideBySide goes through n and m things, each in order, in the order of all of them. It
// yields both numbers of things that are equal, and else that of the one and -1.
func sideBySide(n, m int, compare func(i, j int) int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for i, j := 0, 0; i < n || j < m; {
			order := 0
			switch {
			case j == m:
				order = -1
			case i == n:
				order = 1
			default:
				order = compare(i, j)
			}
			one, other := -1, -1
			if order <= 0 {
				one, i = i, i+1
			}
			if order >= 0 {
				other, j = j, j+1
			}
			if !yield(one, other) {
				return
			}
		}
	}
}
