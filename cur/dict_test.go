package cur

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDictNumbersTexts: a number for each text, from 0 up, in whatever way it is asked for,
// which leads back to the text, also when what the text was read from has changed.
func TestDictNumbersTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d dict
		var want []string
		number := func(s string) uint32 {
			if i := slices.Index(want, s); i >= 0 {
				return uint32(i)
			}
			want = append(want, s)
			return uint32(len(want) - 1)
		}
		text := rapid.Custom(func(t *rapid.T) string {
			n := rapid.IntRange(0, 300).Draw(t, "number")
			return strings.Repeat("x", n%3) + strconv.Itoa(n)[n%2:]
		})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "way") {
			case 0:
				if s := text.Draw(t, "text"); d.id(s) != number(s) {
					t.Fatalf("%q has number %d, want %d", s, d.id(s), number(s))
				}
			case 1:
				s := text.Draw(t, "text")
				b := []byte(s)
				if got := d.of(b); got != number(s) {
					t.Fatalf("%q has number %d, want %d", s, got, number(s))
				}
				clear(b)
			default:
				list := rapid.SliceOfN(text, 0, 150).Draw(t, "texts")
				texts, ids := make([][]byte, len(list)), make([]uint32, len(list))
				for i, s := range list {
					texts[i] = []byte(s)
				}
				d.all(texts, ids)
				for i, s := range list {
					if ids[i] != number(s) {
						t.Fatalf("%q has number %d among %d, want %d", s, ids[i], len(list), number(s))
					}
					clear(texts[i])
				}
			}
		}
		if !slices.Equal(d.vals, want) {
			t.Fatalf("numbers lead to %q, want %q", d.vals, want)
		}
		for old, to := range d.sort() {
			if d.vals[to] != want[old] {
				t.Fatalf("sorted, %q has become %q", want[old], d.vals[to])
			}
		}
		if !slices.IsSorted(d.vals) {
			t.Fatalf("not sorted: %q", d.vals)
		}
	})
}

// TestDictKeepsKnownTextsWithoutAllocating: looking a text up costs no memory.
func TestDictKeepsKnownTextsWithoutAllocating(t *testing.T) {
	var d dict
	long := []byte("arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/support-0519/runtime-endpoint/default")
	texts, ids := [][]byte{long, []byte("b"), nil}, make([]uint32, 3)
	d.all(texts, ids)
	if n := testing.AllocsPerRun(100, func() { d.all(texts, ids); d.of(long); d.id("b") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
