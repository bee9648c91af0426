package colscan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"pgregory.net/rapid"
)

// blockReader reads files through a Scanner, so many rows at a time, and says
// of each asked row what Rows says of it.
type blockReader struct {
	colscan.Scanner
	memos  map[int]*colscan.Memo[cell]
	table  map[int]*colscan.Memo[cell] // for tables
	counts map[int]*colscan.NumberMemo
	texts  []string // by number
	number map[string]uint32
	test   colscan.Test
	tally  colscan.Memo[cell]
	floats bool // amounts are loaded at once
	blind  bool // nothing is looked at ahead
	looks  int  // blocks that were looked at ahead
	sets   [][]uint64
}

// traits are conditions on values, as bits.
func traits(c cell) (met uint64) {
	if c.Null {
		met |= 1
	}
	if strings.ContainsAny(c.Text, "a1") {
		met |= 1 << 3
	}
	return met | uint64(len(c.Text)%2)<<40
}

const someTraits = 1<<3 | 1<<40

func cellTraits(v *colscan.Value) (uint64, error) {
	c, err := textCell(v)
	return traits(c), err
}

// look looks at the next rows ahead of loading them. It returns what compares that with
// the values of some of them; nil where they cannot be looked at.
func (s *blockReader) look(v *colscan.Vector, base int64, n int) (check func(rows []int32, cells []cell) error, err error) {
	ahead, err := v.Ahead(context.Background(), base)
	if err != nil || ahead < int64(n) {
		return nil, err
	}
	if s.sets == nil {
		s.sets = make([][]uint64, 41)
	}
	sets := s.sets
	for _, c := range []int{0, 3, 40} {
		sets[c] = slices.Grow(sets[c][:0], (n+63)/64)[:(n+63)/64]
		for i := range sets[c] {
			sets[c][i] = 0xdeadbeef
		}
	}
	of := uint64(someTraits | base&1)
	if !s.test.Look(v, base, n, of, sets, cellTraits) {
		return nil, nil
	}
	counts := map[cell]int64{}
	counted := colscan.Tally(v, base, n, &s.tally, textCell, func(c cell, n int64) { counts[c] += n })
	s.looks++
	return func(rows []int32, cells []cell) error {
		for i, row := range rows {
			for _, c := range []int{0, 3, 40} {
				got, want := sets[c][row/64]>>(row%64)&1, traits(cells[i])>>c&1
				if of>>c&1 == 0 {
					want, got = 0, 0
				}
				if got != want {
					return fmt.Errorf("row %d: condition %d is %d ahead, want %d for %+v", base+int64(row), c, got, want, cells[i])
				}
			}
			counts[cells[i]]--
		}
		for c, n := range counts {
			if counted && n < 0 {
				return fmt.Errorf("rows from %d: %+v was counted %d times too few", base, c, -n)
			}
		}
		if total := sum(counts); counted && total != int64(n-len(rows)) {
			return fmt.Errorf("rows from %d: %d counted, want %d", base, total+int64(len(rows)), n)
		}
		return nil
	}, nil
}

func sum(counts map[cell]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// readFloats reads the rows of a block as numbers.
func (s *blockReader) readFloats(v *colscan.Vector, base int64, sel []int32, n int) (ok bool, cells []cell, err error) {
	dst, null := make([]float64, len(sel)), make([]bool, len(sel))
	if ok, err = v.LoadFloats(context.Background(), base, sel, n, dst, null); !ok || err != nil {
		return ok, nil, err
	}
	cells = make([]cell, len(sel))
	if v.Same() {
		one, err := colscan.First(&v.Codes, textCell)
		for i := range cells {
			cells[i] = one
		}
		return true, cells, err
	}
	for i, x := range dst {
		if cells[i].Null = null[i]; !null[i] {
			cells[i].Text = strconv.FormatFloat(x, 'f', -1, 64)
		}
	}
	return true, cells, nil
}

func textCell(v *colscan.Value) (cell, error) {
	b, err := v.Text()
	return cell{string(b), v.Null()}, err
}

func (s *blockReader) memo(col int) *colscan.Memo[cell] {
	if s.memos == nil {
		s.memos = map[int]*colscan.Memo[cell]{}
	}
	if s.memos[col] == nil {
		s.memos[col] = new(colscan.Memo[cell])
	}
	return s.memos[col]
}

// read calls each with the values of column col, in file order.
func (s *blockReader) read(f *colscan.File, col, block int, limit int64, asked func(row int64) bool, each func(row int64, c cell)) error {
	ctx := context.Background()
	from := int64(0)
	for g := range f.NumRowGroups() {
		rows := min(s.Begin(f, g), limit)
		for base := int64(0); base < rows; base += int64(block) {
			var sel []int32
			n := int(min(int64(block), rows-base))
			for i := range n {
				if asked(from + base + int64(i)) {
					sel = append(sel, int32(i))
				}
			}
			if len(sel) == 0 {
				continue
			}
			v, err := s.Column(col)
			if err != nil {
				return err
			}
			var check func([]int32, []cell) error
			if !s.blind {
				check, err = s.look(v, base, n)
			}
			if err != nil {
				return err
			}
			if s.floats {
				ok, cells, err := s.readFloats(v, base, sel, n)
				if err != nil {
					return err
				}
				for i := range cells {
					each(from+base+int64(sel[i]), cells[i])
				}
				if ok {
					continue
				}
			}
			if len(sel) == n {
				err = v.Load(ctx, base, nil, n)
			} else {
				err = v.Load(ctx, base, sel, 0)
			}
			if err != nil {
				return err
			}
			dst := make([]cell, len(sel))
			if err := colscan.Resolve(&v.Codes, nil, dst, s.memo(col), textCell); err != nil {
				return err
			}
			if check != nil {
				if err := check(sel, dst); err != nil {
					return err
				}
			}
			for i, c := range dst {
				if v.Same() && c != dst[0] {
					return fmt.Errorf("values %q and %q are said to be the same", dst[0].Text, c.Text)
				}
				if v.Null(i) != c.Null {
					return fmt.Errorf("row %d: null is %v and %v", base+int64(sel[i]), v.Null(i), c.Null)
				}
				each(from+base+int64(sel[i]), c)
			}
			if err := checkWords(&v.Codes, dst); err != nil {
				return err
			}
			if err := s.sameTable(v, col, nil, dst); err != nil {
				return err
			}
			if err := s.sameTable(v, col, []int32{0, int32(len(sel) - 1)}, []cell{dst[0], dst[len(dst)-1]}); err != nil {
				return err
			}
			if g%2 == 0 {
				err = s.sameNumbers(v, col, nil, dst)
			} else {
				err = s.sameNumbers(v, col, []int32{int32(len(sel) - 1), 0}, []cell{dst[len(dst)-1], dst[0]})
			}
			if err != nil {
				return err
			}
			// A part of what was loaded, in another order.
			last := []cell{{}}
			if err := colscan.Resolve(&v.Codes, []int32{int32(len(sel) - 1)}, last, s.memo(col), textCell); err != nil || last[0] != dst[len(dst)-1] {
				return fmt.Errorf("last value alone: %+v, %v, want %+v", last[0], err, dst[len(dst)-1])
			}
		}
		if limit > rows {
			if err := s.End(ctx); err != nil {
				return err
			}
		}
		from += s.Begin(f, g)
	}
	return nil
}

// sameTable checks that a column's table gives the values that Resolve gave.
func (s *blockReader) sameTable(v *colscan.Vector, col int, pos []int32, want []cell) error {
	if s.table == nil {
		s.table = map[int]*colscan.Memo[cell]{}
	}
	if s.table[col] == nil {
		s.table[col] = new(colscan.Memo[cell])
	}
	refs := make([]uint32, len(want))
	table, ok, err := colscan.Table(&v.Codes, pos, refs, col%2 == 0, s.table[col], textCell)
	if ok == (v.Same() || v.Owns()) || err != nil {
		return fmt.Errorf("there is a table: %v, %v", ok, err)
	}
	for i, ref := range refs {
		if ok && table[ref] != want[i] {
			return fmt.Errorf("value %d is %+v in the table, want %+v", i, table[ref], want[i])
		}
	}
	return nil
}

// sameNumbers checks that values are given the numbers of the texts that Resolve gave.
func (s *blockReader) sameNumbers(v *colscan.Vector, col int, pos []int32, want []cell) error {
	if s.counts == nil {
		s.counts, s.number = map[int]*colscan.NumberMemo{}, map[string]uint32{}
	}
	if s.counts[col] == nil {
		s.counts[col] = new(colscan.NumberMemo)
	}
	ids := make([]uint32, len(want))
	err := colscan.Number(&v.Codes, pos, ids, s.counts[col], func(texts [][]byte, ids []uint32) {
		for i, b := range texts {
			id, ok := s.number[string(b)]
			if !ok {
				id = uint32(len(s.texts))
				s.number[string(b)], s.texts = id, append(s.texts, string(b))
			}
			ids[i], texts[i] = id, nil
		}
	})
	if err != nil {
		return err
	}
	for i, id := range ids {
		if s.texts[id] != want[i].Text {
			return fmt.Errorf("value %d is numbered as %q, want %q", i, s.texts[id], want[i].Text)
		}
	}
	return nil
}

// readMap is read for the keys of a map column.
func (s *blockReader) readMap(f *colscan.File, col, block int, limit int64, keys []string, asked func(row int64) bool, each func(row int64, key int, c cell, holds bool)) error {
	ctx := context.Background()
	from := int64(0)
	for g := range f.NumRowGroups() {
		rows := min(s.Begin(f, g), limit)
		m, err := s.Map(col, keys, []string{"k"})
		if err != nil {
			return err
		}
		for base := int64(0); base < rows; base += int64(block) {
			var sel []int32
			for i := range int(min(int64(block), rows-base)) {
				if asked(from + base + int64(i)) {
					sel = append(sel, int32(i))
				}
			}
			if err := m.Load(ctx, base, sel); err != nil {
				return err
			}
			dst := make([]cell, len(sel))
			for k := range keys {
				if err := colscan.Resolve(m.Key(k), nil, dst, s.memo(col), textCell); err != nil {
					return err
				}
				for i, c := range dst {
					each(from+base+int64(sel[i]), k, c, m.Holds(i, 0))
				}
			}
		}
		if err := s.End(ctx); err != nil {
			return err
		}
		from += s.Begin(f, g)
	}
	return nil
}

const noLimit = 1 << 40

// TestScannerReadsWhatRowsRead compares blocks with rows over drawn tables in
// drawn layouts.
func TestScannerReadsWhatRowsRead(t *testing.T) {
	kinds := []colscan.Kind{colscan.String, colscan.Double, colscan.Int64, colscan.Bool, colscan.Timestamp, colscan.Map, colscan.DoubleMap}
	rapid.Check(t, func(t *rapid.T) {
		o := &colscan.WriterOptions{
			RowGroupRows:    rapid.SampledFrom([]int{0, 7, 600}).Draw(t, "group"),
			PageVersion:     rapid.IntRange(0, 2).Draw(t, "version"),
			PageBytes:       rapid.SampledFrom([]int{0, 64, 1000}).Draw(t, "page"),
			DictionaryLimit: rapid.SampledFrom([]int{0, -1, 40}).Draw(t, "dictionary"),
			Required:        rapid.Bool().Draw(t, "required"),
			Codec:           rapid.SampledFrom([]colscan.Codec{colscan.Snappy, colscan.Uncompressed}).Draw(t, "codec"),
		}
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		tb := table{Columns: []colscan.Column{{Name: "c", Kind: kind, Optional: rapid.Bool().Draw(t, "optional")}}}
		var distinct []cell
		for range rapid.IntRange(1, 12).Draw(t, "distinct") {
			if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
				distinct = append(distinct, cell{Null: true})
			} else {
				distinct = append(distinct, cell{Text: drawCell(kind).Draw(t, "cell")})
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "runs") {
			c := rapid.SampledFrom(distinct).Draw(t, "value")
			for range rapid.SampledFrom([]int{1, 1, 1, 2, 9, 200}).Draw(t, "times") {
				tb.Rows = append(tb.Rows, []cell{c})
			}
		}
		b := tb.write(t, o)
		f := open(t, b)
		want := readAll(t, f, every)
		period := rapid.SampledFrom([]int64{1, 2, 7, 64, 500}).Draw(t, "period")
		dense := rapid.Int64Range(1, period).Draw(t, "of them")
		asked := func(row int64) bool { return row%period < dense }
		block := rapid.SampledFrom([]int{1, 10, 64, 1000, 1 << 20}).Draw(t, "block")
		var s blockReader
		s.floats = rapid.Bool().Draw(t, "as numbers")
		defer s.Close()
		seen := map[int64]bool{}
		var err error
		if kind == colscan.Map || kind == colscan.DoubleMap {
			keys := []string{"b", "zz", "k2", "a"}
			err = s.readMap(f, 0, block, noLimit, keys, asked, func(row int64, key int, c cell, holds bool) {
				seen[row] = true
				var w cell
				w.Null = true
				begins := false
				for _, p := range pairsOf(want[row][0].Text) {
					if p.Key == keys[key] {
						w = cell{Text: p.Value}
					}
					begins = begins || p.Key[0] == 'k'
				}
				if c != w || holds != begins {
					t.Fatalf("row %d, key %q = %+v, %v, want %+v, %v", row, keys[key], c, holds, w, begins)
				}
			})
		} else {
			err = s.read(f, 0, block, noLimit, asked, func(row int64, c cell) {
				seen[row] = true
				if c != want[row][0] {
					t.Fatalf("row %d = %+v, want %+v", row, c, want[row][0])
				}
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range int64(len(tb.Rows)) {
			if seen[row] != asked(row) {
				t.Fatalf("row %d: delivered %v, asked %v", row, seen[row], asked(row))
			}
		}
	})
}

// TestDictionariesAreLookedAtAhead makes sure that what the tests above compare is there.
func TestDictionariesAreLookedAtAhead(t *testing.T) {
	for _, tt := range []struct {
		name     string
		distinct int
		limit    int
		looks    int
	}{
		{"one entry", 1, 0, 10},
		{"one bit", 2, 0, 10},
		{"three bits", 8, 0, 10},
		{"four bits", 12, 0, 10},
		{"six bits", 60, 0, 10},
		{"nine bits", 400, 0, 10},
		{"too many entries", 5000, 0, 0},
		{"no dictionary", 8, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tb := table{Columns: []colscan.Column{{Name: "c", Kind: colscan.String, Optional: true}}}
			for i := range 10_000 {
				c := cell{Text: fmt.Sprint(i * 7919 % 10_007 % tt.distinct)}
				if tt.distinct > 1 && i%50 == 49 {
					c = cell{Null: true}
				}
				tb.Rows = append(tb.Rows, []cell{c})
			}
			f := open(t, tb.write(t, &colscan.WriterOptions{DictionaryLimit: tt.limit}))
			want := readAll(t, f, every)
			var s blockReader
			defer s.Close()
			err := s.read(f, 0, 1000, noLimit, func(int64) bool { return true }, func(row int64, c cell) {
				if c != want[row][0] {
					t.Errorf("row %d = %+v, want %+v", row, c, want[row][0])
				}
			})
			if err != nil || s.looks != tt.looks {
				t.Errorf("%d blocks looked at ahead, %v, want %d", s.looks, err, tt.looks)
			}
		})
	}
}

// testForeignBlocks reads the one column of a file of TestForeignLeaves in
// blocks.
func testForeignBlocks(t *testing.T, f *colscan.File, want []string) {
	t.Helper()
	for _, step := range []int64{1, 3, 50} {
		var s blockReader
		err := s.read(f, 0, 40, noLimit, func(row int64) bool { return row%step == 0 }, func(row int64, c cell) {
			got := c.Text
			if c.Null {
				got = null
			}
			if got != want[row] {
				t.Errorf("every %d rows, in blocks: row %d = %q, want %q", step, row, got, want[row])
			}
		})
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPagesWithoutHitsAreSkipped counts what is decompressed.
func TestPagesWithoutHitsAreSkipped(t *testing.T) {
	tb := table{Columns: []colscan.Column{{Name: "c", Kind: colscan.String}}}
	for i := range 5000 {
		tb.Rows = append(tb.Rows, []cell{{Text: fmt.Sprintf("%08d", i)}})
	}
	f := open(t, tb.write(t, &colscan.WriterOptions{PageBytes: 4096, DictionaryLimit: -1}))
	var s blockReader
	got := 0
	err := s.read(f, 0, 1000, noLimit, func(row int64) bool { return row >= 2000 && row < 2010 }, func(row int64, c cell) {
		if got++; c.Text != fmt.Sprintf("%08d", row) {
			t.Errorf("row %d = %q", row, c.Text)
		}
	})
	st := s.Stats()
	if err != nil || got != 10 || st.Pages > 2 || st.Skipped < 8 || st.Bytes == 0 {
		t.Errorf("%d rows, %v, %+v: want 10 rows from at most two pages, and at least eight skipped", got, err, st)
	}
}

// drainScan reads everything in blocks, as drain does in rows.
func drainScan(b []byte) error {
	f, err := colscan.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	colscan.IgnoreChecksums(f)
	var first error
	for col, c := range f.Columns() {
		for _, step := range []int64{1, 9} {
			s := blockReader{blind: step > 1}
			asked := func(row int64) bool { return row%step == 0 }
			if c.Kind == colscan.Map || c.Kind == colscan.DoubleMap {
				err = s.readMap(f, col, 100, 5000, []string{"a", "k1"}, asked, func(int64, int, cell, bool) {})
			} else {
				err = s.read(f, col, 100, 5000, asked, func(int64, cell) {})
			}
			s.Close()
			if err != nil && !errors.Is(err, colscan.ErrKind) && first == nil {
				first = err
			}
		}
	}
	return first
}

// TestScannerSurvivesFlippedBytes damages files byte by byte.
func TestScannerSurvivesFlippedBytes(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 17
	}
	for i, o := range layouts() {
		whole := smallFile(t, o)
		if err := drainScan(whole); err != nil {
			t.Fatalf("layout %d: %v", i, err)
		}
		for at := i % step; at < len(whole); at += step {
			b := bytes.Clone(whole)
			b[at] ^= byte(1 << (at % 8))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := drainScan(b)
			runtime.ReadMemStats(&after)
			if err != nil && (!errors.Is(err, colscan.ErrFormat) || strings.Contains(err.Error(), "panic")) {
				t.Fatalf("layout %d, byte %d: %v, want an error matching ErrFormat", i, at, err)
			}
			n := after.TotalAlloc - before.TotalAlloc
			if limit := uint64(128<<20 + len(b)*200); n > limit {
				t.Fatalf("layout %d, byte %d: %d bytes allocated, want at most %d", i, at, n, limit)
			}
		}
	}
}
