package attribution

import "hash/maphash"

// memo keeps values by key. It is quick for keys that come in much the same order again
// and again, as those of groups do: usage types follow one another, and each has many
// of the anchors that the one before had, in the same order. So what was looked up
// after a key the last time is tried first, and then no text is hashed.
// The zero memo is empty.
type memo[K comparable, V any] struct {
	seed    maphash.Seed
	heads   []*kept[K, V] // of the entries with the same lowest bits of the hash
	n       int
	last    *kept[K, V]
	entries store[kept[K, V]]
}

type kept[K comparable, V any] struct {
	key   K
	hash  uint64
	next  *kept[K, V] // what was looked up after this, the last time
	chain *kept[K, V] // the next under one head
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
	if m.n == len(m.heads) {
		m.grow()
	}
	hash := maphash.Comparable(m.seed, key)
	head := &m.heads[hash&uint64(len(m.heads)-1)]
	e := *head
	for e != nil && (e.hash != hash || e.key != key) {
		e = e.chain
	}
	if isNew = e == nil; isNew {
		e = m.entries.one()
		e.key, e.hash, e.chain = key, hash, *head
		*head = e
		m.n++
	}
	if m.last = e; before != nil {
		before.next = e
	}
	return &e.value, isNew
}

// grow makes room for as many entries again.
func (m *memo[K, V]) grow() {
	if m.n == 0 {
		m.seed = maphash.MakeSeed()
	}
	m.heads = make([]*kept[K, V], max(8, 2*m.n))
	for _, some := range m.entries.some {
		for i := range some {
			e := &some[i]
			head := &m.heads[e.hash&uint64(len(m.heads)-1)]
			e.chain, *head = *head, e
		}
	}
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
