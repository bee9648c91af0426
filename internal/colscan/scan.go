package colscan

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// A Scanner reads one row group column by column, many rows at a time. Where
// [Rows] answers for each row, a Scanner decodes only what it is asked for:
// each column has a [Vector] of its own, which moves forwards over the row
// group, passes pages in which no asked row lies without decompressing them,
// and yields dictionary entries as numbers, so that an entry is looked at once
// and not once a row. Buffers are kept from one row group to the next.
//
// A Scanner belongs to one goroutine. Several may read one [File].
type Scanner struct {
	f       *File
	group   int
	codecs  decompressor
	columns []*Vector // by column of f; nil when not open
	maps    []*MapVector
	free    map[int][]*Vector // by leaf: a leaf's chunks are alike, and need buffers alike
	spare   []*MapVector      // to be opened again
	opened  uint64
	stats   ScanStats
}

// ScanStats count what a Scanner did in the row groups that were ended.
type ScanStats struct {
	Pages   int64 // data pages decompressed
	Skipped int64 // data pages passed without that
	Bytes   int64 // asked of the source
}

// Begin moves to a row group and returns its number of rows. What was open is
// closed without checks: see [Scanner.End].
func (s *Scanner) Begin(f *File, group int) int64 {
	s.release()
	s.f, s.group = f, group
	if cap(s.columns) < len(f.columns) {
		s.columns = make([]*Vector, len(f.columns))
	}
	s.columns = s.columns[:len(f.columns)]
	return f.groups[group].rows
}

// RowGroupRows returns the rows that the footer promises for a row group.
func (f *File) RowGroupRows(group int) int64 { return f.groups[group].rows }

// vector opens the chunk of a leaf that has the given number of entries.
func (s *Scanner) vector(col int, spec *leafSpec, entries int64) *Vector {
	v := &Vector{}
	if free := s.free[spec.index]; len(free) > 0 {
		v, s.free[spec.index] = free[len(free)-1], free[:len(free)-1]
	}
	s.opened++
	v.s, v.col, v.limit, v.id = s, col, entries, s.opened
	v.leaf.spec, v.spec, v.dict = spec, spec, &v.leaf.pages.dict
	v.leaf.pages.spec, v.leaf.pages.codec = spec, &s.codecs
	v.leaf.pages.in.unchecked = s.f.unchecked
	v.leaf.open(s.f.src, &s.f.groups[s.group].chunks[spec.index])
	return v
}

// Column returns the vector of a column of one value to a row, opening it at
// first use. For another column the error matches ErrKind.
func (s *Scanner) Column(col int) (*Vector, error) {
	if v := s.columns[col]; v != nil {
		return v, nil
	}
	c := &s.f.columns[col]
	if c.shape != shapeFlat {
		return nil, &Error{Column: c.Name, Index: col, RowGroup: s.group, Page: -1, Err: fmt.Errorf("%w: it is a %v column", ErrKind, c.Kind)}
	}
	v := s.vector(col, &c.leaves[0], s.f.groups[s.group].rows)
	s.columns[col] = v
	return v, nil
}

// End checks that the columns read hold as many rows as the footer promises,
// without decompressing what is left, and closes them. Maps are not checked:
// their pages do not say how many rows they hold.
func (s *Scanner) End(ctx context.Context) error {
	for _, v := range s.columns {
		if v != nil {
			if err := v.finish(ctx, v.limit); err != nil {
				return err
			}
		}
	}
	s.release()
	return nil
}

func (s *Scanner) release() {
	put := func(v *Vector) {
		p := &v.leaf.pages
		s.stats.Pages += int64(p.loaded)
		s.stats.Skipped += int64(p.page + 1 - p.loaded)
		s.stats.Bytes += p.in.read
		s.put(v)
	}
	for i, v := range s.columns {
		if v != nil {
			put(v)
			s.columns[i] = nil
		}
	}
	for _, m := range s.maps {
		put(m.keys.v)
		put(m.values.v)
		s.spare = append(s.spare, m)
	}
	s.maps = s.maps[:0]
}

// put keeps a vector for the next chunk of its leaf.
func (s *Scanner) put(v *Vector) {
	if s.free == nil {
		s.free = make(map[int][]*Vector)
	}
	s.free[v.spec.index] = append(s.free[v.spec.index], v)
}

// Stats returns what was done so far.
func (s *Scanner) Stats() ScanStats { return s.stats }

// Close releases the buffers.
func (s *Scanner) Close() {
	s.codecs.close()
	*s = Scanner{}
}

// Codes are the values of some rows of a column, as references to dictionary
// entries where the file has a dictionary. [Resolve] turns them into what the
// caller makes of values.
type Codes struct {
	spec  *leafSpec
	dict  *dictionary
	id    uint64 // of the chunk, for memos
	refs  []uint32
	bits  []uint64 // numbers that are in no dictionary
	texts [][]byte // strings that are in none, in arena
	arena []byte
	begun bool
	same  bool
	owns  bool // some are in no dictionary
	first uint32
}

// Same reports that all values loaded are known to be one value, or all null.
// Values may be equal without it.
func (c *Codes) Same() bool { return c.same }

// Owns reports whether some of the values loaded are in no dictionary.
func (c *Codes) Owns() bool { return c.owns }

// Size returns the number of dictionary entries of the chunk.
func (c *Codes) Size() int { return c.dict.size() }

// Null reports whether value i is null.
func (c *Codes) Null(i int) bool {
	if c.same {
		return c.first == refNull
	}
	return c.refs[i] == refNull
}

func (c *Codes) begin(n int) {
	c.bits, c.texts, c.arena = c.bits[:0], c.texts[:0], c.arena[:0]
	c.begun, c.same, c.owns = false, false, false
	if cap(c.refs) < n {
		c.refs = make([]uint32, n)
	}
	c.refs = c.refs[:n]
}

// note says that the values decoded next are all ref, mixed that they are not.
func (c *Codes) note(ref uint32) {
	if !c.begun {
		c.begun, c.same, c.first = true, true, ref
	} else if c.first != ref {
		c.same = false
	}
}

func (c *Codes) mixed() { c.begun, c.same = true, false }

// A Vector reads the values of one column in a row group, forwards only.
type Vector struct {
	Codes
	leaf    leaf
	s       *Scanner
	col     int
	limit   int64
	scratch []uint32
	run     []uint32 // see gather
	places  []int32  // see ordinals
	set     []uint64 // see flagsOf
	ranks   []int32  // see rank
}

// Load decodes the rows base+sel[0], base+sel[1], …, which must ascend and lie
// behind those loaded before. A nil sel means the n rows from base on. What was
// loaded before is void.
func (v *Vector) Load(ctx context.Context, base int64, sel []int32, n int) (err error) {
	defer v.guard(&err)
	return v.load(ctx, base, sel, n, true)
}

// load is Load. Where all values are the same, lazy leaves their references unset.
func (v *Vector) load(ctx context.Context, base int64, sel []int32, n int, lazy bool) error {
	if sel != nil {
		n = len(sel)
	}
	v.begin(n)
	if lazy && n > 0 {
		from, to := base, base+int64(n)
		if sel != nil {
			from, to = base+int64(sel[0]), base+int64(sel[n-1])+1
		}
		if err := v.reach(ctx, from); err != nil {
			return err
		}
		if to-from <= int64(v.leaf.left) && v.uniform(int(to-from), nil) {
			return nil
		}
	}
	if sel == nil {
		return v.loadAll(ctx, base, v.refs)
	}
	for i := 0; i < len(sel); {
		if err := v.reach(ctx, base+int64(sel[i])); err != nil {
			return err
		}
		j := v.inPage(base, sel, i)
		if err := v.pick(sel[i:j], v.refs[i:j]); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// inPage returns the end of the selected rows from sel[i] on that lie in the current page.
func (v *Vector) inPage(base int64, sel []int32, i int) (j int) {
	end := v.leaf.next + int64(v.leaf.left) - base // of the page
	if j = len(sel); int64(sel[j-1]) >= end {
		for j = i + 1; int64(sel[j]) < end; j++ {
		}
	}
	return j
}

func (v *Vector) loadAll(ctx context.Context, base int64, dst []uint32) error {
	for len(dst) > 0 {
		if err := v.reach(ctx, base); err != nil {
			return err
		}
		k := min(len(dst), v.leaf.left)
		if err := v.dense(dst[:k]); err != nil {
			return err
		}
		dst, base = dst[k:], base+int64(k)
	}
	return nil
}

// reach moves to an entry and begins the page it lies in.
func (v *Vector) reach(ctx context.Context, row int64) error {
	l := &v.leaf
	if row < l.next {
		return fmt.Errorf("row %d is behind row %d", row, l.next)
	}
	if row > l.next {
		if err := l.seek(ctx, row, v.limit); err != nil {
			return err
		}
	}
	for l.left == 0 {
		if _, err := l.advance(ctx, 0); err == io.EOF {
			return l.errShort(v.limit)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// pick decodes selected rows of the current page, at the first of which the
// leaf stands.
func (v *Vector) pick(sel []int32, dst []uint32) error {
	span := int(sel[len(sel)-1]-sel[0]) + 1
	if span == len(sel) {
		return v.dense(dst)
	}
	if v.uniform(span, dst) {
		return nil
	}
	l := &v.leaf
	l.next += int64(span)
	l.left -= span
	if l.spec.maxDef == 0 || l.def.covers(span, l.spec.maxDef) {
		return v.gather(sel, sel[0], span, dst)
	}
	at, values, err := v.ordinals(sel, span, dst)
	switch {
	case err != nil:
		return err
	case len(at) == len(sel):
		return v.gather(at, 0, values, dst)
	case len(at) == 0:
		v.note(refNull)
		return l.vals.skip(values)
	}
	if cap(v.scratch) < len(sel) {
		v.scratch = make([]uint32, len(sel))
	}
	refs := v.scratch[:len(at)+1] // one more, which stands where the next value would
	if err := v.gather(at, 0, values, refs[:len(at)]); err != nil {
		return err
	}
	v.mixed()
	next := 0
	for i, null := range dst {
		dst[i] = refs[next] | null
		next += int(null + 1)
	}
	return nil
}

func (v *Vector) finish(ctx context.Context, entries int64) (err error) {
	defer v.guard(&err)
	l := &v.leaf
	if err := l.seek(ctx, entries, entries); err != nil {
		return err
	}
	if l.left == 0 {
		if _, _, err := l.pages.next(ctx, 0); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return corrupt("column has more than %d entries", entries)
}

// guard completes an error with its coordinates, and turns a panic into one.
func (v *Vector) guard(err *error) {
	if p := recover(); p != nil {
		*err = corrupt("panic: %v", p)
	}
	if *err == nil {
		return // before the next line, which allocates
	}
	var located *Error
	if errors.As(*err, &located) {
		return
	}
	*err = &Error{Column: v.s.f.columns[v.col].Name, Index: v.col, RowGroup: v.s.group, Page: v.leaf.pages.page, Err: *err}
}

// Opened returns the columns read in the current row group so far, maps
// included, by index.
func (s *Scanner) Opened() (columns []int) {
	for i, v := range s.columns {
		if v != nil {
			columns = append(columns, i)
		}
	}
	for _, m := range s.maps {
		columns = append(columns, m.keys.v.col)
	}
	return columns
}

// Decompress reads and decompresses the pages of a column in the current row
// group and does nothing with them: what no reader of the column can do without.
func (s *Scanner) Decompress(ctx context.Context, col int) (size int64, err error) {
	c := &s.f.columns[col]
	for i := range c.leaves {
		v := s.vector(col, &c.leaves[i], 0)
		n, err := v.drain(ctx)
		s.put(v)
		if err != nil {
			return size, err
		}
		size += n
	}
	return size, nil
}

func (v *Vector) drain(ctx context.Context) (size int64, err error) {
	defer v.guard(&err)
	p := &v.leaf.pages
	for {
		h, _, err := p.next(ctx, 0)
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		if h.values == 0 {
			continue
		}
		b, err := p.in.payloadOnce(&h, &p.codec.shared)
		if err != nil {
			return size, err
		}
		from, levels := b, int64(0)
		if h.kind == pageDataV2 {
			if levels = int64(h.repBytes) + int64(h.defBytes); levels > int64(len(b)) {
				return size, errLevels
			}
			from = b[levels:]
		}
		if p.id != codecNone && !h.plain && len(from) > 0 {
			if from, err = p.codec.decode(p.id, p.buf, from, int(h.uncompressed)); err != nil {
				return size, err
			}
			p.buf = from
		}
		size += int64(len(from)) + levels
	}
}
