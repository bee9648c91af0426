package attribution

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/exact"
	"github.com/spendclaim/spendclaim/pricing"
)

// TestMemoIsAMap looks keys up in any order, with runs and repetitions among them.
func TestMemoIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m memo[anchorKey, int]
		want := map[anchorKey]int{}
		var order []anchorKey
		for i, n := range drawn(t, 200, 400) {
			key := anchorKey{principal: fmt.Sprint(n % 7), resource: fmt.Sprint(n)}
			v, isNew := m.of(key)
			if _, known := want[key]; isNew == known || *v != want[key] {
				t.Fatalf("look-up %d of %v: %d, new: %v; want %d, new: %v", i, key, *v, isNew, want[key], !known)
			}
			if isNew {
				order = append(order, key)
			}
			*v += i
			want[key] += i
		}
		n := 0
		for key, v := range m.all {
			if key != order[n] || *v != want[key] {
				t.Fatalf("entry %d: %v is %d, want %v: %d", n, key, *v, order[n], want[order[n]])
			}
			n++
		}
		if n != len(want) || m.n != n {
			t.Fatalf("%d entries, length %d, want %d", n, m.n, len(want))
		}
	})
}

// TestUsagesAreOfEachComponentAndUnit adds to few components and to many.
func TestUsagesAreOfEachComponentAndUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u usages
		var from store[used]
		want := map[componentUnit]int64{}
		kinds := rapid.IntRange(1, 4*fewUsed).Draw(t, "components")
		total := int64(0)
		for i, n := range drawn(t, kinds, 100) {
			of := componentUnit{pricing.Components()[n%2], fmt.Sprint(n)}
			u.add(&from, of, exact.FromInt(int64(i)), &amounts{rows: 1})
			want[of] += int64(i)
			total++
		}
		for x := u.first; x != nil; x = x.next {
			if w, ok := want[x.of]; !ok || !x.usage.Equal(exact.FromInt(w)) {
				t.Fatalf("%v: usage %s, want %d", x.of, x.usage, w)
			}
			delete(want, x.of)
		}
		if got := u.total(); len(want) > 0 || got.rows != total {
			t.Fatalf("%d rows, want %d; not there: %v", got.rows, total, want)
		}
	})
}

// drawn returns up to most numbers below n.
func drawn(t *rapid.T, n, most int) []int {
	size := rapid.IntRange(0, most).Draw(t, "size")
	return rapid.SliceOfN(rapid.IntRange(0, n-1), size, size).Draw(t, "numbers")
}
