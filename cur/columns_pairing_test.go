package cur

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPairingNumbersPairs: a number for each pair, from 0 up, whatever the table
// that holds them goes over to, and how often.
func TestPairingNumbersPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f pairing
		want := map[pair]uint32{}
		check := func(p pair, n uint32) {
			if w, ok := want[p]; !ok {
				if want[p] = n; int(n) != len(want)-1 {
					t.Fatalf("new pair %v has number %d, want %d", p, n, len(want)-1)
				}
			} else if n != w {
				t.Fatalf("pair %v has number %d, had %d", p, n, w)
			}
		}
		firsts, seconds := 1, 1
		limit := rapid.SampledFrom([]int{4, 100, 30_000}).Draw(t, "limit")
		rows := rapid.SampledFrom([]int{300, 300, 6000}).Draw(t, "rows")
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			// Numbers of both sides grow, as those of texts do.
			firsts = rapid.IntRange(firsts, max(firsts, limit)).Draw(t, "firsts")
			seconds = rapid.IntRange(seconds, max(seconds, limit)).Draw(t, "seconds")
			side := func(of int, name string) keyColumn {
				if rapid.IntRange(0, 3).Draw(t, name+" same") == 0 {
					return keyColumn{same: true, id: uint32(rapid.IntRange(0, of-1).Draw(t, name))}
				}
				ids, seed := make([]uint32, rows), rapid.Uint32().Draw(t, name+" seed")
				for i := range ids {
					seed = seed*1664525 + 1013904223
					ids[i] = (seed >> 8) % uint32(of)
				}
				return keyColumn{ids: ids}
			}
			a, b := side(firsts, "first"), side(seconds, "second")
			dst := make([]uint32, rows)
			got := f.all(dst, a, b, firsts, seconds)
			for i := range dst {
				check(pair{a.at(i), b.at(i)}, got.at(i))
			}
			p := pair{uint32(rapid.IntRange(0, firsts-1).Draw(t, "one first")), uint32(rapid.IntRange(0, seconds-1).Draw(t, "one second"))}
			check(p, f.one(p.first, p.second))
		}
		for p, n := range want {
			if f.pairs[n] != p {
				t.Fatalf("number %d leads back to %v, want %v", n, f.pairs[n], p)
			}
		}
	})
}
