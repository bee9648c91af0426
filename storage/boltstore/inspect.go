package boltstore

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/spendclaim/spendclaim/storage"
)

// What is known here of bbolt's file format, version 2, in the byte order of
// the machine: pages of equal size; a page starts with id u64, flags u16, count
// u16, overflow u32; pages 0 and 1 are metas written in turn, of which the one
// with the higher transaction id is in force:
//
//	magic u32, version u32, page size u32, flags u32, root u64, sequence u64,
//	freelist u64, high-water mark u64, transaction id u64, FNV-1a u64 of these
//
// The engine checks the metas and trusts the rest, and it falls back on the
// older meta without a word.
const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	pageHeader   = 16
	metaBytes    = 64
	noFreelist   = ^uint64(0)
	flagMeta     = 0x04
	flagFreelist = 0x10
	minPage      = 1 << 9
	maxPage      = 1 << 24
)

type meta struct {
	pageSize, root, freelist, pages, txid uint64
}

// readMeta reads the meta page with that number at off and reports whether it is
// intact and in its place: transactions with even numbers write page 0, the others 1.
func readMeta(r io.ReaderAt, number uint64, off int64) (meta, bool) {
	var b [pageHeader + metaBytes]byte
	if n, _ := r.ReadAt(b[:], off); n < len(b) {
		return meta{}, false
	}
	p, e := b[pageHeader:], binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(p[:56])
	m := meta{
		pageSize: uint64(e.Uint32(p[8:])), root: e.Uint64(p[16:]),
		freelist: e.Uint64(p[32:]), pages: e.Uint64(p[40:]), txid: e.Uint64(p[48:]),
	}
	placed := e.Uint64(b[:]) == number && e.Uint16(b[8:]) == flagMeta && m.txid%2 == number
	ok := placed && e.Uint32(p) == boltMagic && e.Uint32(p[4:]) == boltVersion && e.Uint64(p[56:]) == sum.Sum64() &&
		m.pageSize >= minPage && m.pageSize <= maxPage && m.pageSize&(m.pageSize-1) == 0
	return m, ok
}

// inspect reports damage that opening the file with the engine would answer
// with an old state or a crash; with whole, also damage that would leave records out.
// The error is nil, a *storage.CorruptError without its path, or that of reading.
func inspect(r io.ReaderAt, size int64, acceptOlder, whole bool) error {
	m0, ok0 := readMeta(r, 0, 0)
	m1, ok1 := meta{}, false
	if ok0 {
		m1, ok1 = readMeta(r, 1, int64(m0.pageSize))
		ok1 = ok1 && m1.pageSize == m0.pageSize
	} else {
		// The page size stands in the page that is damaged, so try each.
		for off := int64(minPage); off <= maxPage && off < size && !ok1; off <<= 1 {
			m1, ok1 = readMeta(r, 1, off)
			ok1 = ok1 && m1.pageSize == uint64(off)
		}
	}
	m := m0
	switch {
	case !ok0 && !ok1:
		return broken("the file is not a store, or both its meta pages are damaged", restoreFile)
	case ok0 && ok1:
		if m1.txid > m0.txid {
			m = m1
		}
		if older := min(m0.txid, m1.txid); m.txid != older+1 {
			return broken(fmt.Sprintf("the meta pages are of transactions %d and %d, which do not follow each other", older, m.txid), restoreFile)
		}
	case !acceptOlder:
		return broken("a meta page is damaged, so the last commit may be missing",
			"restore the file from a backup, or open it with AcceptOlder")
	case ok1:
		m = m1
	}
	if held := uint64(size) / m.pageSize; m.pages > held {
		return broken(fmt.Sprintf("the file is cut short: %d of %d pages", held, m.pages), restoreFile)
	}
	if m.root < 2 || m.root >= m.pages {
		return broken(fmt.Sprintf("root page %d is outside the %d pages of the file", m.root, m.pages), restoreFile)
	}
	if err := inspectFreelist(r, &m); err != nil || !whole {
		return err
	}
	return checkTree(r, &m)
}

// inspectFreelist checks the header of the list of free pages, which the engine
// copies into memory in the length that it claims to have.
func inspectFreelist(r io.ReaderAt, m *meta) error {
	if m.freelist == noFreelist {
		return nil // rebuilt by the engine; this package never writes such a file
	}
	bad := broken("the list of free pages is damaged", restoreFile)
	if m.freelist < 2 || m.freelist >= m.pages {
		return bad
	}
	var b [pageHeader + 8]byte
	if _, err := r.ReadAt(b[:], int64(m.freelist*m.pageSize)); err != nil {
		return err
	}
	e := binary.NativeEndian
	overflow, count, extra := uint64(e.Uint32(b[12:])), uint64(e.Uint16(b[10:])), uint64(0)
	if count == 0xFFFF { // too many for the header: the true count precedes the list
		count, extra = e.Uint64(b[16:]), 1
	}
	fits := ((overflow+1)*m.pageSize - pageHeader) / 8
	if e.Uint64(b[:]) != m.freelist || e.Uint16(b[8:]) != flagFreelist ||
		overflow >= m.pages-m.freelist || count > fits || count+extra > fits {
		return bad
	}
	return nil
}

func broken(reason, remedy string) error {
	return &storage.CorruptError{Reason: reason, Remedy: remedy}
}
