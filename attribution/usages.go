package attribution

import (
	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// usages are components by what they are counted in. Most have two or three of them: a
// list, the one that was used last first. Where there are many, a map finds them.
type usages struct {
	first *used
	n     int
	many  map[componentUnit]*used // nil: few
}

// fewUsed is how many components are searched one by one.
const fewUsed = 8

type componentUnit struct {
	component pricing.Component
	unit      string
}

// used is an entry of usages.
type used struct {
	of componentUnit
	component
	next *used
}

// component sums usage, which is added only inside one unit.
type component struct {
	amounts
	usage exact.Num
}

func (u *usages) total() (t amounts) {
	for c := u.first; c != nil; c = c.next {
		t.add(&c.amounts)
	}
	return t
}

// add adds usage and what it cost. An entry that is not there yet is taken from a store.
func (u *usages) add(from *store[used], of componentUnit, usage exact.Num, x *amounts) {
	c := u.find(of)
	if c == nil {
		c = from.one()
		c.of = of
		u.put(c)
	}
	c.add(x)
	c.usage.Acc(usage)
}

// find returns an entry, nil if it is not there.
func (u *usages) find(of componentUnit) *used {
	if u.first == nil || u.first.of == of {
		return u.first
	}
	if u.many != nil {
		return u.many[of]
	}
	for before := u.first; before.next != nil; before = before.next {
		if c := before.next; c.of == of {
			before.next, c.next, u.first = c.next, u.first, c
			return c
		}
	}
	return nil
}

// put adds an entry that is not there.
func (u *usages) put(c *used) {
	c.next, u.first = u.first, c
	u.n++
	switch {
	case u.many != nil:
		u.many[c.of] = c
	case u.n > fewUsed:
		u.many = make(map[componentUnit]*used, 2*u.n)
		for ; c != nil; c = c.next {
			u.many[c.of] = c
		}
	}
}
