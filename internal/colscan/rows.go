package colscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Rows is a cursor over the rows of a file, in file order across row groups.
// It belongs to one goroutine.
//
//	rows := f.Rows()
//	defer rows.Close()
//	for rows.Next(ctx) {
//		b, null, err := rows.Text(3)
//		…
//	}
//	return rows.Err()
//
// Values of one row may be asked for in any order and more than once. A column
// that is never asked for is never read.
type Rows struct {
	f      *File
	ctx    context.Context // of the last Next; page reads happen on behalf of it
	group  int
	row    int64 // within the row group
	index  int64
	states []*state
	codecs decompressor
	err    error
	done   bool
}

// state is the reader of one column.
type state struct {
	*column
	leaves   []leaf
	pairs    []Pair // of pairsRow
	pairsRow int64
	null     bool
	sorted   []Pair
	text     []byte
	err      error // reading cannot go on
}

// ctxInterval is how many rows may pass between looks at the context when no
// page is read.
const ctxInterval = 1024

var errNoRow = errors.New("no current row")

// Rows returns a cursor before the first row.
func (f *File) Rows() *Rows {
	return &Rows{f: f, group: -1, index: -1, states: make([]*state, len(f.columns))}
}

// Next moves to the next row. It returns false at the end, after an error and
// when ctx is done; [Rows.Err] tells which. At the end of each row group it
// checks that the columns asked for hold as many rows as the footer promises.
func (r *Rows) Next(ctx context.Context) bool {
	if r.done {
		return false
	}
	r.ctx = ctx
	if r.group >= 0 && r.row+1 < r.f.groups[r.group].rows {
		r.row++
		r.index++
		if r.index%ctxInterval != 0 {
			return true
		}
		if err := ctx.Err(); err != nil {
			return r.stop(err)
		}
		return true
	}
	if err := ctx.Err(); err != nil {
		return r.stop(err)
	}
	if err := r.finishGroup(); err != nil {
		return r.stop(err)
	}
	for {
		r.group++
		if r.group >= len(r.f.groups) {
			return r.stop(nil)
		}
		if r.f.groups[r.group].rows > 0 {
			break
		}
	}
	for _, s := range r.states {
		if s != nil {
			r.openGroup(s)
		}
	}
	r.row = 0
	r.index++
	return true
}

func (r *Rows) stop(err error) bool {
	r.err, r.done = err, true
	return false
}

// openGroup moves the column's leaves to the current row group.
func (r *Rows) openGroup(s *state) {
	s.pairsRow = -1
	for i := range s.leaves {
		l := &s.leaves[i]
		l.open(r.f.src, &r.f.groups[r.group].chunks[l.spec.index])
	}
}

func (r *Rows) finishGroup() error {
	if r.group < 0 {
		return nil
	}
	for col, s := range r.states {
		if s == nil {
			continue
		}
		if err := r.finish(col, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rows) finish(col int, s *state) (err error) {
	if s.err != nil {
		return s.err
	}
	defer r.guard(col, &err)
	for i := range s.leaves {
		if err := s.leaves[i].finish(r.ctx, r.f.groups[r.group].rows); err != nil {
			return err
		}
	}
	return nil
}

// Err returns what ended the iteration, nil at the regular end.
func (r *Rows) Err() error { return r.err }

// Close releases the cursor's buffers. Values handed out are void.
func (r *Rows) Close() error {
	r.done = true
	r.states = make([]*state, len(r.f.columns))
	r.codecs.close()
	return nil
}

// Index returns the 0-based number of the current row in the file.
func (r *Rows) Index() int64 { return r.index }

// RowGroup returns the 0-based number of the current row group.
func (r *Rows) RowGroup() int { return r.group }

// column returns the reader of a column, opening it at first use.
func (r *Rows) column(col int) (*state, error) {
	if r.done || r.group < 0 {
		return nil, errNoRow
	}
	if col < 0 || col >= len(r.states) {
		return nil, fmt.Errorf("%w: file has %d columns", ErrKind, len(r.states))
	}
	if s := r.states[col]; s != nil {
		return s, s.err
	}
	c := &r.f.columns[col]
	if c.shape == shapeOther {
		return nil, fmt.Errorf("%w: it is nested or of an unknown type", ErrKind)
	}
	s := &state{column: c, leaves: make([]leaf, len(c.leaves))}
	for i := range s.leaves {
		l := &s.leaves[i]
		l.spec = &c.leaves[i]
		l.pages.spec, l.pages.codec = l.spec, &r.codecs
		l.pages.in.unchecked = r.f.unchecked
	}
	r.openGroup(s)
	r.states[col] = s
	return s, nil
}

// flat returns the current value of a column of one leaf.
func (r *Rows) flat(col int) (*leafSpec, *value, error) {
	s, err := r.column(col)
	if err != nil {
		return nil, nil, err
	}
	if s.shape != shapeFlat {
		return nil, nil, fmt.Errorf("%w: it is a %v column", ErrKind, s.Kind)
	}
	l := &s.leaves[0]
	return l.spec, &l.cur, l.at(r.ctx, r.row, r.f.groups[r.group].rows)
}

// guard completes an error with its coordinates, and turns a panic into one.
// An error that leaves a reader in an unknown place is kept, so that the
// column answers with it from then on.
func (r *Rows) guard(col int, err *error) {
	if p := recover(); p != nil {
		*err = corrupt("panic: %v", p)
	}
	if *err == nil {
		return
	}
	var located *Error
	if errors.As(*err, &located) {
		return
	}
	e := &Error{Index: col, RowGroup: max(r.group, 0), Page: -1, Err: *err}
	if col >= 0 && col < len(r.f.columns) {
		e.Column = r.f.columns[col].Name
		if s := r.states[col]; s != nil {
			e.Page = s.leaves[0].pages.page
			// One bad value leaves the reader of a flat column where it was.
			var bad valueError
			if !errors.Is(*err, ErrKind) && !(s.shape == shapeFlat && errors.As(*err, &bad)) {
				s.err = e
			}
		}
	}
	*err = e
}

// Text returns the current value of the column as text. Strings are as in the
// file; numbers, truth values and decimals are in plain notation, DOUBLE and
// FLOAT as their shortest decimal; timestamps are in RFC 3339; a map is one
// JSON object with sorted keys, without the entries whose value is null, the
// last of equal keys, and with NaN and infinities as strings.
//
// The bytes are valid until the next call of [Rows.Next] and must not be
// changed. The error matches ErrKind when the column is nested otherwise.
func (r *Rows) Text(col int) (b []byte, null bool, err error) {
	defer r.guard(col, &err)
	s, err := r.column(col)
	if err != nil {
		return nil, false, err
	}
	if s.shape != shapeFlat {
		if err := r.readPairs(s); err != nil || s.null {
			return nil, s.null, err
		}
		s.sorted = append(s.sorted[:0], s.pairs...)
		s.text = appendObject(s.text[:0], s.sorted, s.Kind == DoubleMap)
		return s.text, false, nil
	}
	l := &s.leaves[0]
	if err := l.at(r.ctx, r.row, r.f.groups[r.group].rows); err != nil || l.cur.null {
		return nil, l.cur.null, err
	}
	if l.spec.kind == String {
		return l.cur.bytes, false, nil
	}
	s.text, err = appendText(s.text[:0], l.spec, &l.cur)
	return s.text, false, err
}

// maxExactInt is the greatest n such that all integers up to n are doubles.
const maxExactInt = 1 << 53

// Float returns the current value of a Double column, or of an Int64 column
// whose value a double holds exactly; a FLOAT becomes the double of the same
// shortest decimal. Another column's error matches ErrKind.
func (r *Rows) Float(col int) (x float64, null bool, err error) {
	defer r.guard(col, &err)
	spec, v, err := r.flat(col)
	if err != nil || v.null {
		return 0, err == nil, err
	}
	switch spec.kind {
	case Double:
		return float(spec, v), false, nil
	case Int64:
		n := int64(v.bits)
		if n > maxExactInt || n < -maxExactInt {
			return 0, false, fmt.Errorf("%w: integer %d is no exact double", ErrKind, n)
		}
		return float64(n), false, nil
	}
	return 0, false, fmt.Errorf("%w: it is a %v column", ErrKind, spec.kind)
}

// Int returns the current value of an Int64 column. Another column's error
// matches ErrKind, as does an unsigned value beyond int64.
func (r *Rows) Int(col int) (n int64, null bool, err error) {
	defer r.guard(col, &err)
	spec, v, err := r.flat(col)
	if err != nil || v.null {
		return 0, err == nil, err
	}
	if spec.kind != Int64 || spec.unsigned && v.bits > math.MaxInt64 {
		return 0, false, fmt.Errorf("%w: it is a %v column", ErrKind, spec.kind)
	}
	return int64(v.bits), false, nil
}

// Time returns the current value of a Timestamp column, in UTC. Another
// column's error matches ErrKind.
func (r *Rows) Time(col int) (t time.Time, null bool, err error) {
	defer r.guard(col, &err)
	spec, v, err := r.flat(col)
	if err != nil || v.null {
		return time.Time{}, err == nil, err
	}
	if spec.kind != Timestamp {
		return time.Time{}, false, fmt.Errorf("%w: it is a %v column", ErrKind, spec.kind)
	}
	t, err = instant(spec, v)
	return t, false, err
}

// Map appends the pairs of the current value of a Map or DoubleMap column to
// dst, in file order, values as [Rows.Text] writes them. Entries whose value
// is null are left out. The strings outlive the cursor. Another column's error
// matches ErrKind: a string column holding JSON is the caller's to parse.
func (r *Rows) Map(col int, dst []Pair) (pairs []Pair, null bool, err error) {
	defer r.guard(col, &err)
	s, err := r.column(col)
	if err != nil {
		return dst, false, err
	}
	if s.shape == shapeFlat {
		return dst, false, fmt.Errorf("%w: it is a %v column", ErrKind, s.Kind)
	}
	if err := r.readPairs(s); err != nil {
		return dst, false, err
	}
	return append(dst, s.pairs...), s.null, nil
}

// readPairs makes s.pairs the pairs of the current row.
func (r *Rows) readPairs(s *state) error {
	if s.pairsRow == r.row {
		return nil
	}
	s.pairs, s.null = s.pairs[:0], false
	rows := r.f.groups[r.group].rows
	var err error
	if s.shape == shapeMap {
		err = r.readMap(s, rows)
	} else {
		err = r.readStruct(s, rows)
	}
	s.pairsRow = r.row
	return err
}

func (r *Rows) readStruct(s *state, rows int64) error {
	for i := range s.leaves {
		l := &s.leaves[i]
		if err := l.at(r.ctx, r.row, rows); err != nil {
			return err
		}
		if l.cur.def < s.outerDef {
			s.null = true
		}
		if l.cur.null {
			continue
		}
		v, err := l.name(appendText)
		if err != nil {
			return err
		}
		s.pairs = append(s.pairs, Pair{l.spec.name, v})
	}
	return nil
}

// readMap reads the keys and the values of one row side by side; their pages
// end in different places.
func (r *Rows) readMap(s *state, rows int64) error {
	keys, vals := &s.leaves[0], &s.leaves[1]
	if err := keys.seekRepeated(r.ctx, r.row, rows); err != nil {
		return err
	}
	if err := vals.seekRepeated(r.ctx, r.row, rows); err != nil {
		return err
	}
	for n := 0; ; n++ {
		kerr, verr := keys.peek(r.ctx), vals.peek(r.ctx)
		if kerr != nil && kerr != io.EOF {
			return kerr
		}
		if verr != nil && verr != io.EOF {
			return verr
		}
		more := kerr == nil && (n == 0 || keys.repL != 0)
		if other := verr == nil && (n == 0 || vals.repL != 0); more != other {
			return corrupt("map with more keys than values, or fewer")
		}
		if !more {
			if n == 0 {
				return keys.errShort(rows)
			}
			break
		}
		if n == maxPairs {
			return errPairs
		}
		if n == 0 && (keys.repL != 0 || vals.repL != 0) {
			return corrupt("row %d does not begin a map", r.row)
		}
		entry := keys.defL > s.outerDef
		if entry != (vals.defL > s.outerDef) || n > 0 && !entry {
			return corrupt("map with a key and no value, or the reverse")
		}
		s.null = keys.defL < s.outerDef
		if err := r.takePair(s, keys, vals, entry); err != nil {
			return err
		}
	}
	keys.next++
	vals.next++
	return nil
}

// takePair consumes one entry on both sides.
func (r *Rows) takePair(s *state, keys, vals *leaf, entry bool) error {
	if err := keys.take(); err != nil {
		return err
	}
	if err := vals.take(); err != nil {
		return err
	}
	if !entry || vals.cur.null {
		return nil
	}
	if keys.cur.null {
		return corrupt("map key is null")
	}
	k, err := keys.name(appendText)
	if err != nil {
		return err
	}
	v, err := vals.name(appendText)
	if err != nil {
		return err
	}
	s.pairs = append(s.pairs, Pair{k, v})
	return nil
}
