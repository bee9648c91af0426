package colscan

import "encoding/binary"

// maxDeltaBlock bounds the block size that a delta header may state.
const maxDeltaBlock = 1 << 16

// delta decodes, one at a time, integers in DELTA_BINARY_PACKED form: a first
// value, then blocks of differences cut into miniblocks of equal bit width.
type delta struct {
	data     []byte // miniblocks and blocks not begun
	minis    int    // miniblocks to a block
	perMini  int    // values to a miniblock
	left     int    // values not delivered
	first    bool   // the first value has not been delivered
	last     int64
	minDelta int64
	widths   []byte // of the miniblocks not begun
	packed   []byte
	width    uint
	bit      int
	inMini   int // values left in the current miniblock
}

func (d *delta) reset(data []byte) error {
	var head [3]uint64
	for i := range head {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return corrupt("delta header cut short")
		}
		head[i], data = v, data[n:]
	}
	first, n := binary.Varint(data)
	if n <= 0 {
		return corrupt("delta header cut short")
	}
	block, minis, count := head[0], head[1], head[2]
	if block == 0 || block > maxDeltaBlock || minis == 0 || minis > block || block%minis != 0 ||
		block/minis%8 != 0 || count > 1<<31 {
		return corrupt("delta header of %d values in blocks of %d and %d miniblocks", count, block, minis)
	}
	*d = delta{data: data[n:], minis: int(minis), perMini: int(block / minis), left: int(count), first: true, last: first}
	return nil
}

// miniblock begins the next miniblock.
func (d *delta) miniblock() error {
	if len(d.widths) == 0 {
		m, n := binary.Varint(d.data)
		if n <= 0 || len(d.data)-n < d.minis {
			return corrupt("delta block cut short")
		}
		d.minDelta = m
		d.widths, d.data = d.data[n:n+d.minis], d.data[n+d.minis:]
	}
	d.width, d.widths = uint(d.widths[0]), d.widths[1:]
	if d.width > 64 {
		return corrupt("delta of %d bits", d.width)
	}
	size := d.perMini * int(d.width) / 8
	if size > len(d.data) {
		// Some writers do not pad the last miniblock of a page.
		if need := (min(d.perMini, d.left)*int(d.width) + 7) / 8; need > len(d.data) {
			return corrupt("delta miniblock cut short")
		}
		size = len(d.data)
	}
	d.packed, d.data, d.bit, d.inMini = d.data[:size], d.data[size:], 0, d.perMini
	return nil
}

func (d *delta) next() (int64, error) {
	if d.left == 0 {
		return 0, corrupt("fewer values than the page promises")
	}
	if d.first {
		d.first = false
		d.left--
		return d.last, nil
	}
	if d.inMini == 0 {
		if err := d.miniblock(); err != nil {
			return 0, err
		}
	}
	d.left--
	d.inMini--
	// Differences wrap around by design.
	d.last += d.minDelta + int64(bitsAt(d.packed, d.bit, d.width))
	d.bit += int(d.width)
	return d.last, nil
}

// end returns what follows the encoded integers, without consuming them.
func (d delta) end() ([]byte, error) {
	if d.first && d.left > 0 {
		d.left--
	}
	for d.left > 0 {
		if err := d.miniblock(); err != nil {
			return nil, err
		}
		d.left -= min(d.left, d.perMini)
	}
	return d.data, nil
}
