package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The engine's own check runs in a goroutine of its own, where a fault on a page that
// is not there cannot be caught, so the file is checked here, by reading it. More of
// the format, for that:
//
// After the header a page has count elements of 16 bytes, and then, without a gap and
// in their order, what they point to; pos counts from the element's first byte.
//
//	branch element: pos u32, key size u32, page u64
//	leaf element:   flags u32, pos u32, key size u32, value size u32
//
// The key of a branch element is a lower bound for the page below. A leaf element with
// flag 1 is a bucket: its value is root page u64, sequence u64, and, where the root is
// 0, the bucket's only page itself.
const (
	flagBranch = 0x01
	flagLeaf   = 0x02
	flagBucket = 0x01
	element    = 16
	bucketSize = 16
	maxDepth   = 64 // of pages; a sound file of any size is far below
)

// A checker goes through every page that the meta leads to. With each page seen
// once, every key in its place and under its checksum, and no page unaccounted for,
// no record can be missing.
type checker struct {
	r    io.ReaderAt
	meta meta
	seen []bool // by page: reached from the root, or free
}

// checkTree reports damage to any page, and to any item.
func checkTree(r io.ReaderAt, m *meta) error {
	c := &checker{r: r, meta: *m, seen: make([]bool, m.pages)}
	c.seen[0], c.seen[1] = true, true
	if err := c.freelist(); err != nil {
		return err
	}
	if err := c.page(m.root, "", nil, nil, 0); err != nil {
		return err
	}
	if i := slices.Index(c.seen, false); i >= 0 {
		return c.bad(uint64(i), "nothing leads to it and it is not free")
	}
	return nil
}

func (c *checker) bad(page uint64, reason string) error {
	return broken(fmt.Sprintf("page %d: %s", page, reason), restoreFile)
}

// take marks a page and those that it overflows into.
func (c *checker) take(id, overflow uint64) error {
	if id < 2 || id >= c.meta.pages || overflow >= c.meta.pages-id {
		return c.bad(id, "outside the file")
	}
	for i := id; i <= id+overflow; i++ {
		if c.seen[i] {
			return c.bad(i, "used twice, or used and free")
		}
		c.seen[i] = true
	}
	return nil
}

// read returns a page with all it overflows into.
func (c *checker) read(id uint64) ([]byte, error) {
	if id < 2 || id >= c.meta.pages {
		return nil, c.bad(id, "outside the file")
	}
	b := make([]byte, c.meta.pageSize)
	if _, err := c.r.ReadAt(b, int64(id*c.meta.pageSize)); err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(b[12:]))
	if err := c.take(id, overflow); err != nil {
		return nil, err
	}
	if overflow > 0 {
		b = append(b, make([]byte, overflow*c.meta.pageSize)...)
		if _, err := c.r.ReadAt(b[c.meta.pageSize:], int64((id+1)*c.meta.pageSize)); err != nil {
			return nil, err
		}
	}
	if binary.NativeEndian.Uint64(b) != id {
		return nil, c.bad(id, "it is another page")
	}
	return b, nil
}

// freelist marks the free pages. inspectFreelist has checked that the list fits.
func (c *checker) freelist() error {
	if c.meta.freelist == noFreelist {
		return broken("the file was written without a list of free pages", restoreFile)
	}
	b, err := c.read(c.meta.freelist)
	if err != nil {
		return err
	}
	count, ids := uint64(binary.NativeEndian.Uint16(b[10:])), b[pageHeader:]
	if count == 0xFFFF {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	for i := range count {
		if err := c.take(binary.NativeEndian.Uint64(ids[8*i:]), 0); err != nil {
			return err
		}
	}
	return nil
}

// page checks a page of the bucket and all below it. Its keys lie in [from, to); nil
// leaves a side open.
func (c *checker) page(id uint64, bucket string, from, to []byte, depth int) error {
	b, err := c.read(id)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return c.bad(id, "too many levels")
	}
	return c.elements(b, id, bucket, from, to, depth)
}

// elements checks the elements of a page, which is in b, or of a bucket's only one.
func (c *checker) elements(b []byte, id uint64, bucket string, from, to []byte, depth int) error {
	e := binary.NativeEndian
	flags, count := e.Uint16(b[8:]), int(e.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf || flags == flagBranch && count == 0 {
		return c.bad(id, "neither branch nor leaf")
	}
	end := pageHeader + count*element // of what is accounted for
	if end > len(b) {
		return c.bad(id, "more elements than fit")
	}
	keys, next := make([][]byte, count+1), make([]uint64, count)
	keys[count] = to
	for i := range count {
		at := pageHeader + i*element
		x := b[at : at+element]
		pos, size, value := e.Uint32(x), e.Uint32(x[4:]), uint32(0)
		if flags == flagBranch {
			next[i] = e.Uint64(x[8:])
		} else {
			pos, size, value = e.Uint32(x[4:]), e.Uint32(x[8:]), e.Uint32(x[12:])
		}
		if uint64(at)+uint64(pos) != uint64(end) || uint64(size)+uint64(value) > uint64(len(b)-end) {
			return c.bad(id, fmt.Sprintf("element %d is not where it belongs", i))
		}
		key := b[end : end+int(size)]
		end += int(size) + int(value)
		switch {
		case i == 0 && bytes.Compare(key, from) < 0, i > 0 && bytes.Compare(key, keys[i-1]) <= 0, to != nil && bytes.Compare(key, to) >= 0:
			return c.bad(id, fmt.Sprintf("key %d is out of order", i))
		}
		keys[i] = key
		if flags == flagLeaf {
			if err := c.leaf(id, e.Uint32(x), bucket, key, b[end-int(value):end], depth); err != nil {
				return err
			}
		}
	}
	if flags == flagLeaf {
		return nil
	}
	for i := range count {
		if err := c.page(next[i], bucket, keys[i], keys[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks one element: a bucket, or an item of one.
func (c *checker) leaf(id uint64, flags uint32, bucket string, key, v []byte, depth int) error {
	items := bucket == bucketRecords || bucket == bucketEntries
	switch {
	case flags == flagBucket && !items && len(v) >= bucketSize:
		if bucket != "" {
			key = []byte(bucket) // of another program: refused later, and by that name
		}
		if root := binary.NativeEndian.Uint64(v); root != 0 {
			return c.page(root, string(key), nil, nil, depth+1)
		}
		if inner := v[bucketSize:]; len(inner) >= pageHeader && depth < maxDepth {
			return c.elements(inner, id, string(key), nil, nil, depth+1)
		}
	case flags == 0 && items:
		if len(v) >= itemHeader && sound(key, v) {
			return nil
		}
		return c.bad(id, fmt.Sprintf("checksum of item %q does not match", key))
	case flags == 0 && bucket != "":
		return nil // the layout, which is read right after this, or another program's
	}
	return c.bad(id, "an element is of no known sort")
}

// sum is the checksum of an item: over its key, stamp and body.
func sum(key, v []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	s := crc32.Update(0, table, key)
	s = crc32.Update(s, table, v[:stampBytes])
	return crc32.Update(s, table, v[itemHeader:])
}

// sound reports whether an item is the one that was written under the key.
func sound(key, v []byte) bool {
	return binary.BigEndian.Uint32(v[stampBytes:]) == sum(key, v)
}
