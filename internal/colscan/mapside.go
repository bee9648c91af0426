package colscan

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
)

// mapWindow is how many entries of a map have their levels decoded at once.
const mapWindow = 32768

// mapSide is one of the two leaves of a map: where among its entries it stands, and
// which of the next have a value. Entries count within the window, values too,
// nulls left out.
type mapSide struct {
	v     *Vector
	from  int64 // the entry that the window begins with, in the chunk
	n     int   // entries of the window, all in one page
	total int   // values of the window
	done  int   // those that were consumed

	one [8]byte // see packed
}

// open moves the side to the start of a chunk.
func (s *mapSide) open(v *Vector) { s.v, s.from, s.n, s.total, s.done = v, 0, 0, 0, 0 }

// whole reports whether all entries of the window have a value.
func (s *mapSide) whole() bool { return s.total == s.n }

// Where not all have one, v.set has a bit for each entry that does, and v.ranks how many
// the words before hold.

// has reports whether an entry has a value.
func (s *mapSide) has(e int) bool { return s.whole() || s.v.set[e>>6]>>(e&63)&1 != 0 }

// before returns how many values come before an entry, which may be the window's
// end.
func (s *mapSide) before(e int) int {
	switch {
	case s.whole():
		return e
	case e == s.n:
		return s.total
	}
	return int(s.v.ranks[e>>6]) + bits.OnesCount64(s.v.set[e>>6]&lowBits(e&63))
}

// pass consumes the values before the k-th.
func (s *mapSide) pass(k int) error {
	n := k - s.done
	s.done = k
	if runs := &s.v.leaf.vals.runs; s.v.leaf.vals.encoding == encRLEDictionary && n < runs.left {
		runs.left -= n
		if !runs.repeat {
			runs.bit += n * int(runs.width)
		}
		return nil
	}
	return s.v.leaf.vals.skip(n)
}

// take decodes the next values.
func (s *mapSide) take(refs []uint32) error {
	s.done += len(refs)
	return s.v.take(refs)
}

// end ends the window; the rest of its values are consumed when more of the page
// are wanted.
func (s *mapSide) end(more bool) error {
	n := s.total - s.done
	s.from += int64(s.n)
	s.n, s.total, s.done = 0, 0, 0
	if !more {
		return nil
	}
	return s.v.leaf.vals.skip(n)
}

// begin begins a window of the next n entries, which are in the page.
func (s *mapSide) begin(n int) error {
	l := &s.v.leaf
	l.left -= n
	l.next += int64(n)
	s.n, s.total, s.done = n, n, 0
	if most := l.spec.maxDef; !l.def.covers(n, most) {
		if !s.v.flagsOf(&l.def, n, most) {
			return errLevels
		}
		s.total = s.v.rank(n)
	}
	return nil
}

// reach makes the window hold an entry of the chunk, and passes pages before it.
func (s *mapSide) reach(ctx context.Context, entry int64) error {
	if entry < s.from+int64(s.n) {
		return nil
	}
	err := s.end(entry < s.v.leaf.next+int64(s.v.leaf.left))
	if err == nil {
		err = s.v.reach(ctx, entry)
	}
	if err == nil {
		s.from = entry
		err = s.begin(min(mapWindow, s.v.leaf.left))
	}
	if err != nil {
		s.v.guard(&err)
	}
	return err
}

// value decodes the value of an entry of the chunk, refNull when it is null.
func (s *mapSide) value(ctx context.Context, entry int64) (uint32, error) {
	if err := s.reach(ctx, entry); err != nil {
		return 0, err
	}
	e := int(entry - s.from)
	if !s.has(e) {
		return refNull, nil
	}
	var ref [1]uint32
	err := s.pass(s.before(e))
	if err == nil {
		err = s.take(ref[:])
	}
	if err != nil {
		s.v.guard(&err)
	}
	return ref[0], err
}

// packedRun is a run of references: the k-th value of the window is in the bits from
// base+k*step on. A run that repeats one has no steps.
type packedRun struct {
	bytes      []byte
	base, step int
	mask       uint32
	one        uint32
	end        int32 // of the values that can be read with one load each
}

// covers returns how many rows there are before one with a value that cannot be read so.
func (r *packedRun) covers(rows []span) (n int) {
	n, _ = slices.BinarySearchFunc(rows, r.end, func(row span, end int32) int {
		if max(row.from+1, row.to) > end {
			return 1
		}
		return -1
	})
	return n
}

// packed makes the run current that holds the k-th value.
func (s *mapSide) packed(k int) (r packedRun, ok bool) {
	vals := &s.v.leaf.vals
	if vals.encoding != encRLEDictionary || k >= s.total {
		return r, false
	}
	runs := &vals.runs
	// What pass cannot pass, the decoder that comes next reports.
	if s.pass(k) != nil || runs.left == 0 && !runs.run() {
		return r, false
	}
	end := runs.left
	if r.mask = uint32(1)<<runs.width - 1; runs.repeat {
		if r.one = runs.value; r.one&^r.mask != 0 {
			return r, false
		}
		binary.LittleEndian.PutUint32(s.one[:], r.one)
		r.bytes = s.one[:]
	} else {
		// What lies behind the run in the page is read along with it.
		r.bytes, r.step = runs.packed[runs.bit>>3:], int(runs.width)
		room := 8*len(r.bytes) - 57 - runs.bit&7
		if room < 0 {
			return r, false
		}
		end = min(end, room/r.step+1)
		r.base = runs.bit&7 - s.done*r.step
	}
	r.end = int32(min(s.done+end, s.total))
	return r, true
}

// nth returns the place of the n-th bit of x that is set, counted from 0. There is no
// branch in it, for bits that are looked up here and there follow no pattern.
func nth(x uint64, n int) (place int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	// How many bits are set in each byte and those below it: the byte sought is the first with
	// more than n.
	sums := x - x>>1&0x5555555555555555
	sums = sums&0x3333333333333333 + sums>>2&0x3333333333333333
	sums = (sums + sums>>4) & 0x0f0f0f0f0f0f0f0f * ones
	place = 8 * bits.OnesCount64((uint64(n)*ones|highs-sums)&highs)
	n -= int(sums << 8 >> place & 0xff)
	// The same with the bits of that byte, each in a byte of its own.
	sums = x >> (place & 63) & 0xff * ones & 0x8040201008040201
	sums = (sums + 0x7f7f7f7f7f7f7f7f) >> 7 & ones * ones
	return place + bits.OnesCount64((uint64(n)*ones|highs-sums)&highs)
}
