package attribution

import "hash/maphash"

// memo keeps values by key. It is quick for keys that come in much the same order again
// and again, as those of groups do: usage types follow one another, and each has many
// of the anchors that the one before had, in the same order. So what was looked up
// after a key the last time is tried first, and then no text is hashed.
// The zero memo is empty.
type memo[K comparable, V any] struct {
	seed    maphash.Seed
	at      map[uint64]*kept[K, V] // by hash, for which the texts need not be moved when it grows
	last    *kept[K, V]
	entries store[kept[K, V]]
}

type kept[K comparable, V any] struct {
	key   K
	next  *kept[K, V] // what was looked up after this, the last time
	same  *kept[K, V] // another of the same hash
	value V
}

// of returns the value of a key, and whether it is a new one, which is zero. The value
// stays where it is.
func (m *memo[K, V]) of(key K) (v *V, isNew bool) {
	before := m.last
	if before != nil {
		if before.key == key {
			return &before.value, false
		}
		if e := before.next; e != nil && e.key == key {
			m.last = e
			return &e.value, false
		}
	}
	if m.at == nil {
		m.seed, m.at = maphash.MakeSeed(), map[uint64]*kept[K, V]{}
	}
	h := maphash.Comparable(m.seed, key)
	e := m.at[h]
	for e != nil && e.key != key {
		e = e.same
	}
	if isNew = e == nil; isNew {
		e = m.entries.one()
		e.key, e.same = key, m.at[h]
		m.at[h] = e
	}
	if m.last = e; before != nil {
		before.next = e
	}
	return &e.value, isNew
}

// len returns the number of entries.
func (m *memo[K, V]) len() (n int) {
	for _, some := range m.entries.some {
		n += len(some)
	}
	return n
}

// all ranges over the entries, in the order they were made in.
func (m *memo[K, V]) all(yield func(K, *V) bool) {
	for _, some := range m.entries.some {
		for i := range some {
			if !yield(some[i].key, &some[i].value) {
				return
			}
		}
	}
}

// store hands out zero values from memory that is asked for many at a time. They are
// given back all together, when nobody has any of them.
type store[T any] struct{ some [][]T }

// Values are asked for in numbers that double, up to most.
const mostStored = 128

func (s *store[T]) one() *T {
	n := len(s.some)
	if n == 0 || len(s.some[n-1]) == cap(s.some[n-1]) {
		s.some = append(s.some, make([]T, 0, min(1<<min(n, 16), mostStored)))
		n++
	}
	last := s.some[n-1]
	last = last[:len(last)+1]
	s.some[n-1] = last
	return &last[len(last)-1]
}
