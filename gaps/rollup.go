package gaps

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// By is what open gap spend is added up by.
type By string

// What spend can be added up by.
const (
	ByKind    By = "kind"
	ByAccount By = "account"
	ByOwner   By = "owner" // who hears of a gap first
	ByAge     By = "age"   // of the first day a gap was seen
)

// ages are the bounds of the classes of age, in whole days.
var ages = [...]struct {
	below int
	name  string
}{{8, "0-7 days"}, {31, "8-30 days"}, {91, "31-90 days"}}

const oldest = "over 90 days"

// Total is a line of a roll-up.
type Total struct {
	Bill
	Value string `json:"value"` // "" where nothing is known
	Gaps  int    `json:"gaps"`
	// Counted holds every row once, for the first kind in the order of [Kinds]: it adds
	// up over the lines, and over the bill to what all open gaps hold.
	Counted decimal.Decimal `json:"counted"`
	// Overlapping is the spend of the gaps as each states it. Rows in gaps of several
	// kinds are in it several times: it must not be added up across kinds.
	Overlapping decimal.Decimal `json:"overlapping"`
}

// RollUp adds up what open gaps hold, suppressed ones included, by one thing. Amounts of
// several bills are never added: each has lines of its own. Lines are sorted by bill,
// then kinds in their order, ages by age, anything else by value. A gap with rows in
// several accounts is a gap of each; its Overlapping stands with the first.
func RollUp(entries []*Entry, by By, now time.Time) []Total {
	type key struct {
		Bill
		value string
	}
	type sum struct {
		gaps             int
		counted, overlap decimal.Decimal
	}
	sums := map[key]*sum{}
	of := func(e *Entry, value string) *sum {
		k := key{e.Bill, value}
		if sums[k] == nil {
			sums[k] = &sum{}
		}
		return sums[k]
	}
	for _, e := range entries {
		if !e.State.Open() {
			continue
		}
		if by == ByAccount {
			accounts := e.byAccount()
			for i, a := range accounts {
				s := of(e, a.Account)
				s.gaps++
				s.counted = s.counted.Add(a.Counted)
				if i == 0 {
					s.overlap = s.overlap.Add(e.Spend())
				}
			}
			if len(accounts) > 0 {
				continue
			}
		}
		s := of(e, valueOf(e, by, now))
		s.gaps++
		s.counted = s.counted.Add(e.Counted())
		s.overlap = s.overlap.Add(e.Spend())
	}
	out := make([]Total, 0, len(sums))
	for k, s := range sums {
		out = append(out, Total{k.Bill, k.value, s.gaps, s.counted, s.overlap})
	}
	slices.SortFunc(out, func(a, b Total) int {
		c := cmp.Or(cmp.Compare(a.Payer, b.Payer), cmp.Compare(a.Currency, b.Currency))
		switch by {
		case ByKind:
			c = cmp.Or(c, compareKinds(Kind(a.Value), Kind(b.Value)))
		case ByAge:
			c = cmp.Or(c, cmp.Compare(agePlace(a.Value), agePlace(b.Value)))
		}
		return cmp.Or(c, cmp.Compare(a.Value, b.Value))
	})
	return out
}

func valueOf(e *Entry, by By, now time.Time) string {
	switch by {
	case ByKind:
		return string(e.Kind)
	case ByOwner:
		return e.Latest().Notify.To
	case ByAge:
		return e.age(now)
	}
	return e.Subject.Account
}

// age returns the class of age of a gap.
func (e *Entry) age(now time.Time) string {
	days, ok := e.Age(now)
	if !ok {
		return ""
	}
	for _, a := range ages {
		if days < a.below {
			return a.name
		}
	}
	return oldest
}

func agePlace(name string) int {
	for i, a := range ages {
		if a.name == name {
			return i
		}
	}
	return len(ages)
}

// Age returns how many whole days ago, UTC, the gap was first seen; for a gap that has no
// rows, since when the book knows it. ok is false when neither is known.
func (e *Entry) Age(now time.Time) (days int, ok bool) {
	first, _ := e.Seen()
	if first.IsZero() {
		first = e.Since
	}
	if first.IsZero() {
		return 0, false
	}
	return max(0, int(now.UTC().Truncate(24*time.Hour).Sub(first.Truncate(24*time.Hour))/(24*time.Hour))), true
}

// byAccount adds up Counted by account over the months that show the gap.
func (e *Entry) byAccount() []AccountAmount {
	var out []AccountAmount
	for i := range e.Months {
		if !e.Months[i].Shown {
			continue
		}
		for _, a := range e.Months[i].Gap.Evidence.ByAccount {
			at, ok := slices.BinarySearchFunc(out, a.Account, func(x AccountAmount, s string) int { return cmp.Compare(x.Account, s) })
			if !ok {
				out = slices.Insert(out, at, AccountAmount{Account: a.Account})
			}
			out[at].Counted = out[at].Counted.Add(a.Counted)
		}
	}
	return out
}
