package colscan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The pages of these files are put together here, for no writer cuts them as the format
// allows: the pages of the two leaves of a map anywhere, also inside a row, in runs of
// any length.

// drawnEntry is an entry of a map's leaves.
type drawnEntry struct {
	begins bool   // a row
	def    uint32 // of the key
	key    int    // in keys
	value  int    // in values; -1: null
	own    string // stands for the value in pages that are plain
}

// drawnMap is a map column and how it is written.
type drawnMap struct {
	r            *rand.Rand
	outer        uint32 // level of a map that is there
	nullable     bool   // values may be null
	keys, values []string
	entries      []drawnEntry
	rows         int64
	keyWidth     uint // of references, at least
	valueWidth   uint
	pageEntries  int // to a page, at most
	longestRun   int // in groups of eight
	repeats      bool
	plain        int // of ten pages, how many are plain
	version      int
	lost         int // entries of the values' dictionary that are referred to and not there
}

// runs writes levels or references as runs of drawn lengths.
func (d *drawnMap) runs(refs []uint32, width uint) (b []byte) {
	for len(refs) > 0 {
		same := 1
		for same < len(refs) && refs[same] == refs[0] {
			same++
		}
		if d.repeats && (same > 8 || d.r.IntN(30) == 0) {
			n := same - d.r.IntN(same)
			b = binary.AppendUvarint(b, uint64(n)<<1)
			for i := range (width + 7) / 8 {
				b = append(b, byte(refs[0]>>(8*i)))
			}
			refs = refs[n:]
			continue
		}
		groups := min(1+d.r.IntN(d.longestRun), (len(refs)+7)/8)
		b = binary.AppendUvarint(b, uint64(groups)<<1|1)
		packed := make([]byte, groups*int(width))
		for i, ref := range refs[:min(8*groups, len(refs))] {
			for k := range width {
				if ref>>k&1 != 0 {
					packed[(i*int(width)+int(k))/8] |= 1 << ((i*int(width) + int(k)) % 8)
				}
			}
		}
		b, refs = append(b, packed...), refs[min(8*groups, len(refs)):]
	}
	return b
}

// thriftInts writes fields of 32 bits with ascending numbers, of which the first is
// after last.
func thriftInts(b []byte, last int, fields ...int32) []byte {
	for i, v := range fields {
		delta := byte(1)
		if i == 0 {
			delta = byte(last)
		}
		b = binary.AppendVarint(append(b, delta<<4|5), int64(v))
	}
	return b
}

func plainTexts(texts []string) (b []byte) {
	for _, s := range texts {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

// leaf writes the chunk of a leaf.
func (d *drawnMap) leaf(spec *leafSpec, texts []string, width uint, entry func(e *drawnEntry) (def uint32, ref int)) (b []byte) {
	least := max(width, uint(bits.Len(uint(len(texts)-1))))
	listed := texts
	if spec.index == 1 {
		listed = texts[:len(texts)-d.lost]
	}
	dict := plainTexts(listed)
	b = thriftInts(b, 1, pageDict, int32(len(dict)), int32(len(dict)))
	b = append(thriftInts(append(b, 4<<4|12), 1, int32(len(listed)), encPlain), 0, 0)
	b = append(b, dict...)
	for rest := d.entries; len(rest) > 0; {
		n := min(1+d.r.IntN(d.pageEntries), len(rest))
		var reps, defs, refs []uint32
		var unique []string
		for i := range rest[:n] {
			e := &rest[i]
			def, ref := entry(e)
			defs = append(defs, def)
			reps = append(reps, 1)
			if e.begins {
				reps[i] = 0
			}
			if def == spec.maxDef {
				refs = append(refs, uint32(ref))
				if unique = append(unique, texts[ref]); e.own != "" && spec.index == 1 {
					unique[len(unique)-1] = e.own
				}
			}
		}
		rest = rest[n:]
		var data []byte
		encoding := int32(encRLEDictionary)
		if d.r.IntN(10) < d.plain {
			encoding, data = encPlain, plainTexts(unique)
		} else {
			width := min(least+uint(d.r.IntN(2)), 32)
			data = append([]byte{byte(width)}, d.runs(refs, width)...)
		}
		rep, def := d.runs(reps, 1), d.runs(defs, spec.defWidth())
		if d.version == 2 {
			payload := slices.Concat(rep, def, data)
			b = thriftInts(b, 1, pageDataV2, int32(len(payload)), int32(len(payload)))
			b = thriftInts(append(b, 5<<4|12), 1, int32(n), 0, 0, encoding, int32(len(def)), int32(len(rep)))
			b = append(append(b, 0, 0), payload...)
			continue
		}
		payload := slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(rep))), rep,
			binary.LittleEndian.AppendUint32(nil, uint32(len(def))), def, data)
		b = thriftInts(b, 1, pageData, int32(len(payload)), int32(len(payload)))
		b = thriftInts(append(b, 2<<4|12), 1, int32(n), encoding, encRLE, encRLE)
		b = append(append(b, 0, 0), payload...)
	}
	return b
}

// file writes the map.
func (d *drawnMap) file() *File {
	c := column{Column: Column{Name: "m", Kind: Map, Optional: d.outer > 0}, shape: shapeMap, outerDef: d.outer}
	for i := range 2 {
		c.leaves = append(c.leaves, leafSpec{index: i, phys: physBytes, kind: String, maxDef: d.outer + 1, maxRep: 1})
	}
	if d.nullable {
		c.leaves[1].maxDef++
	}
	b := []byte(magic)
	at := int64(len(b))
	b = append(b, d.leaf(&c.leaves[0], d.keys, d.keyWidth, func(e *drawnEntry) (uint32, int) { return e.def, e.key })...)
	mid := int64(len(b))
	b = append(b, d.leaf(&c.leaves[1], d.values, d.valueWidth, func(e *drawnEntry) (uint32, int) {
		if d.nullable && e.def > d.outer && e.value >= 0 {
			return e.def + 1, e.value
		}
		return e.def, max(e.value, 0)
	})...)
	return &File{src: bytes.NewReader(b), columns: []column{c}, rows: d.rows, unchecked: true, groups: []rowGroup{{rows: d.rows, chunks: []chunk{
		{phys: physBytes, dataPage: at, size: mid - at, present: true},
		{phys: physBytes, dataPage: mid, size: int64(len(b)) - mid, present: true}}}}}
}

// add adds a row of the keys given, with drawn values.
func (d *drawnMap) add(keys []int, nulls int) {
	d.rows++
	if len(keys) == 0 {
		d.entries = append(d.entries, drawnEntry{begins: true, def: uint32(d.r.IntN(int(d.outer) + 1))})
		return
	}
	for i, k := range keys {
		e := drawnEntry{begins: i == 0, def: d.outer + 1, key: k, value: d.r.IntN(len(d.values))}
		if d.nullable && d.r.IntN(100) < nulls {
			e.value = -1
		} else if d.r.IntN(3) == 0 {
			e.own = fmt.Sprint("value ", len(d.entries))
		}
		d.entries = append(d.entries, e)
	}
}

// drawMap draws a map and how it is written. repeated is whether a row may have a key
// twice.
func drawMap(t *rapid.T, repeated bool) *drawnMap {
	d := &drawnMap{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)),
		outer:       rapid.Uint32Range(0, 1).Draw(t, "outer"),
		nullable:    rapid.Bool().Draw(t, "nullable"),
		keyWidth:    rapid.SampledFrom([]uint{0, 0, 3, 13, 32}).Draw(t, "key width"),
		valueWidth:  rapid.SampledFrom([]uint{0, 0, 9, 32}).Draw(t, "value width"),
		pageEntries: rapid.SampledFrom([]int{3, 70, 1000, 1 << 20}).Draw(t, "page entries"),
		longestRun:  rapid.SampledFrom([]int{1, 2, 63, 5000}).Draw(t, "longest run"),
		repeats:     rapid.Bool().Draw(t, "repeats"),
		plain:       rapid.SampledFrom([]int{0, 0, 0, 1, 10}).Draw(t, "plain pages of ten"),
		version:     rapid.IntRange(1, 2).Draw(t, "version")}
	for k := range rapid.SampledFrom([]int{1, 2, 7, 50}).Draw(t, "keys") {
		d.keys = append(d.keys, fmt.Sprintf("%c%d", 'a'+k%3, k))
	}
	for v := range rapid.SampledFrom([]int{1, 3, 40, 700}).Draw(t, "values") {
		d.values = append(d.values, fmt.Sprint("v", v))
	}
	var pool [][]int
	for range rapid.IntRange(1, 12).Draw(t, "shapes") {
		keys := d.r.Perm(len(d.keys))
		keys = keys[:min(len(keys), rapid.SampledFrom([]int{0, 1, 2, 3, 5, 7, 30, 50}).Draw(t, "entries"))]
		if repeated && len(keys) > 0 && d.r.IntN(4) == 0 {
			keys = append(keys, keys[d.r.IntN(len(keys))])
		}
		pool = append(pool, keys)
	}
	nulls := rapid.SampledFrom([]int{0, 1, 50, 100}).Draw(t, "nulls")
	stay := rapid.SampledFrom([]int{1, 2, 500}).Draw(t, "stay")
	keys := pool[0]
	for range rapid.SampledFrom([]int{1, 20, 300, 2000, 10000}).Draw(t, "rows") { // some are more than a window
		if d.r.IntN(stay) == 0 {
			keys = pool[d.r.IntN(len(pool))]
		}
		d.add(keys, nulls)
	}
	return d
}

// mapRow is what a MapVector says of a row.
type mapRow struct {
	values []string
	holds  uint64
}

// loadMap reads rows through a MapVector, by blocks; those asked for.
func loadMap(s *Scanner, f *File, wanted, prefixes []string, block int64, asked func(int64) bool, each func(int64, mapRow)) error {
	ctx := context.Background()
	rows := s.Begin(f, 0)
	m, err := s.Map(0, wanted, prefixes)
	if err != nil {
		return err
	}
	memos := make([]Memo[string], len(wanted))
	for base := int64(0); base < rows; base += block {
		var sel []int32
		for i := range min(block, rows-base) {
			if asked(base + i) {
				sel = append(sel, int32(i))
			}
		}
		if err := m.Load(ctx, base, sel); err != nil {
			return err
		}
		out := make([]mapRow, len(sel))
		texts := make([]string, len(sel))
		for k := range wanted {
			c := m.Key(k)
			if err := Resolve(c, nil, texts, &memos[k], func(v *Value) (string, error) {
				b, err := v.Text()
				if v.Null() {
					b = []byte("<null>")
				}
				return string(b), err
			}); err != nil {
				return err
			}
			for i, text := range texts {
				out[i].values = append(out[i].values, text)
				if c.Null(i) != (text == "<null>") || c.Same() && text != texts[0] {
					return fmt.Errorf("key %q of row %d: %q, null %v, all the same %v", wanted[k], sel[i], text, c.Null(i), c.Same())
				}
			}
		}
		for i := range out {
			for p := range prefixes {
				if m.Holds(i, p) {
					out[i].holds |= 1 << p
				}
			}
			each(base+int64(sel[i]), out[i])
		}
	}
	return nil
}

// TestMapVectorReadsWhatRowsRead compares keys read by columns with whole maps read row
// by row, over maps and pages of any shape.
func TestMapVectorReadsWhatRowsRead(t *testing.T) {
	wanted := []string{"a0", "missing", "b1", "c5", "a33"}
	prefixes := []string{"b", "a3", "", "c5"}
	rapid.Check(t, func(t *rapid.T) {
		d := drawMap(t, rapid.IntRange(0, 4).Draw(t, "repeated keys") == 0)
		f := d.file()
		wanted, prefixes := wanted[:rapid.IntRange(0, len(wanted)).Draw(t, "wanted")], prefixes[:rapid.IntRange(0, len(prefixes)).Draw(t, "prefixes")]
		period := rapid.SampledFrom([]int64{1, 2, 7, 64, 500}).Draw(t, "period")
		dense := rapid.Int64Range(1, period).Draw(t, "of them")
		asked := func(row int64) bool { return (row*7919)%period < dense }
		block := rapid.SampledFrom([]int64{1, 10, 64, 1000, 1 << 20}).Draw(t, "block")

		var want []mapRow
		twice := false
		rows := f.Rows()
		defer rows.Close()
		for rows.Next(context.Background()) {
			pairs, _, err := rows.Map(0, nil)
			if err != nil {
				t.Fatalf("row %d: %v", rows.Index(), err)
			}
			row := mapRow{}
			for _, key := range wanted {
				text, n := "<null>", 0
				for _, p := range pairs {
					if p.Key == key {
						text, n = p.Value, n+1
					}
				}
				row.values = append(row.values, text)
				twice = twice || n > 1 && asked(rows.Index())
			}
			for i, prefix := range prefixes {
				if slices.ContainsFunc(pairs, func(p Pair) bool { return strings.HasPrefix(p.Key, prefix) }) {
					row.holds |= 1 << i
				}
			}
			want = append(want, row)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		var s Scanner
		defer s.Close()
		for range 2 { // the second time with the buffers of the first
			seen := int64(0)
			err := loadMap(&s, f, wanted, prefixes, block, asked, func(row int64, got mapRow) {
				if seen++; !slices.Equal(got.values, want[row].values) || got.holds != want[row].holds {
					t.Fatalf("row %d = %+v, want %+v", row, got, want[row])
				}
			})
			if twice {
				if err == nil || !strings.Contains(err.Error(), "twice") || !errors.Is(err, ErrFormat) {
					t.Fatalf("error = %v, want one that says a key occurs twice", err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for row := range d.rows {
				if asked(row) {
					seen--
				}
			}
			if seen != 0 {
				t.Fatalf("%d rows more than asked for", seen)
			}
		}
	})
}

// TestMapVectorRefuses: what is wrong with a map is noticed where it is asked for.
func TestMapVectorRefuses(t *testing.T) {
	// Key 0 is asked for. Most rows have it, with value 0.
	made := func(change func(d *drawnMap), keys ...int) *drawnMap {
		d := &drawnMap{r: rand.New(rand.NewPCG(1, 2)), keys: []string{"b", "a"}, values: []string{"u", "v", "w"},
			pageEntries: 5000, longestRun: 500, version: 1}
		for row := range 300 {
			if d.add([]int{0, 1}, 0); row == 200 {
				d.add(keys, 0)
			}
		}
		for i := range d.entries {
			d.entries[i].value = 0
		}
		if change != nil {
			change(d)
		}
		return d
	}
	for name, tt := range map[string]struct {
		d    *drawnMap
		more int64 // rows that the footer promises in vain
		want string
	}{
		"nothing wrong":              {made(nil, 1, 0), 0, ""},
		"row without begin":          {made(func(d *drawnMap) { d.entries[0].begins = false }, 0, 1), 0, "row 0 does not begin"},
		"key twice":                  {made(nil, 0, 1, 0), 0, `key "b" occurs twice`},
		"key nobody asked for twice": {made(nil, 1, 0, 1), 0, ""},
		"value beyond the dictionary": {made(func(d *drawnMap) { d.lost, d.entries[404].value = 1, 2 }, 0, 1),
			0, "dictionary index 2 of 2"},
		"value beyond the dictionary that nobody asked for": {made(func(d *drawnMap) { d.lost, d.entries[405].value = 1, 2 }, 0, 1), 0, ""},
		"too many pairs":             {made(nil, slices.Repeat([]int{1}, maxPairs+1)...), 0, "map of more than"},
		"fewer rows than the footer": {made(nil, 0, 1), 1, "map has 301 rows"},
		"far fewer rows":             {made(nil, 0, 1), 1 << 40, "map has 301 rows"},
	} {
		f := tt.d.file()
		var s Scanner
		s.Begin(f, 0)
		m, err := s.Map(0, []string{"b"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for row := int64(0); row < 300 && err == nil; row += 3 {
			err = m.Load(context.Background(), row, []int32{0, 1, 2})
		}
		if err == nil && tt.more > 0 {
			err = m.Load(context.Background(), 300+tt.more, []int32{0})
		}
		var where *Error
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &where) || where.Column != "m" {
			t.Errorf("%s: error = %v, want one that says %q", name, err, tt.want)
		}
		s.Close()
	}
}

// TestMapOfOneKeyOverAndOver: rows that one repeating run covers have the key as often as it
// says, and no other.
func TestMapOfOneKeyOverAndOver(t *testing.T) {
	d := &drawnMap{r: rand.New(rand.NewPCG(1, 2)), keys: []string{"b", "a"}, values: []string{"u"},
		pageEntries: 5000, longestRun: 500, version: 1, repeats: true}
	for range 100 {
		d.add([]int{1, 1}, 0)
	}
	var s Scanner
	defer s.Close()
	err := loadMap(&s, d.file(), []string{"b"}, []string{"a"}, 10, func(int64) bool { return true }, func(row int64, got mapRow) {
		if got.values[0] != "<null>" || got.holds != 1 {
			t.Errorf("row %d = %+v, want no value", row, got)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
