package colscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A File is an open Parquet file. It is immutable; any number of [Rows] may
// read it at the same time when its source allows that.
type File struct {
	src     io.ReaderAt
	columns []column
	groups  []rowGroup
	rows    int64
	meta    []keyValue

	unchecked bool // see chunkReader
}

const magic = "PAR1"

// Open reads the footer of the Parquet file of the given size in r, and
// nothing else. An error matches ErrFormat unless reading itself failed.
func Open(r io.ReaderAt, size int64) (f *File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = corrupt("footer: %v", p)
		}
		if err != nil {
			f, err = nil, fmt.Errorf("colscan: open: %w", err)
		}
	}()
	const tail = int64(len(magic) + 4)
	if size < int64(len(magic))+tail {
		return nil, corrupt("%d bytes are no file", size)
	}
	var head, end [8]byte
	if err := readFull(r, head[:4], 0); err != nil {
		return nil, err
	}
	if err := readFull(r, end[:], size-tail); err != nil {
		return nil, err
	}
	if string(head[:4]) != magic || string(end[4:]) != magic {
		if string(end[4:]) == "PARE" {
			return nil, corrupt("file is encrypted")
		}
		return nil, corrupt("the marks %q at both ends are missing", magic)
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-tail-int64(len(magic)) {
		return nil, corrupt("footer of %d bytes in a file of %d", length, size)
	}
	b := make([]byte, length)
	if err := readFull(r, b, size-tail-length); err != nil {
		return nil, err
	}
	meta, err := parseFooter(b)
	if err != nil {
		return nil, err
	}
	columns, leaves, err := columnsOf(meta.elements)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if err := checkGroups(&meta, leaves, size-tail-length); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return &File{src: r, columns: columns, groups: meta.groups, rows: meta.rows, meta: meta.meta}, nil
}

// checkGroups holds the row groups against the schema and the bytes before
// the footer.
func checkGroups(f *footer, leaves []element, end int64) error {
	var rows int64
	for i := range f.groups {
		g := &f.groups[i]
		if rows+g.rows < rows {
			return corrupt("row group %d of %d rows", i, g.rows)
		}
		rows += g.rows
		if len(g.chunks) != len(leaves) {
			return corrupt("row group %d has %d chunks for %d fields", i, len(g.chunks), len(leaves))
		}
		for j := range g.chunks {
			c, start := &g.chunks[j], g.chunks[j].start()
			switch {
			case c.encrypted:
				return corrupt("column %q is encrypted", leaves[j].name)
			case c.external:
				return corrupt("column %q is not in the file", leaves[j].name)
			case c.phys != leaves[j].phys:
				return corrupt("column %q of type %d in row group %d, of type %d in the schema",
					leaves[j].name, c.phys, i, leaves[j].phys)
			case c.size < 0 || start < 0 || start > end || c.size > end-start:
				return corrupt("column %q in row group %d lies outside the file", leaves[j].name, i)
			}
		}
	}
	if rows != f.rows {
		return corrupt("%d rows in the row groups, %d in the footer", rows, f.rows)
	}
	return nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return corrupt("file ends at %d", off+int64(n))
	}
	return fmt.Errorf("reading %d bytes at %d: %w", len(b), off, err)
}

// Columns returns the columns in file order. Names may repeat, also with
// differences of case only; callers tell them apart by index.
func (f *File) Columns() []Column {
	out := make([]Column, len(f.columns))
	for i := range f.columns {
		out[i] = f.columns[i].Column
	}
	return out
}

// NumRows returns the rows that the footer promises.
func (f *File) NumRows() int64 { return f.rows }

// NumRowGroups returns the number of row groups.
func (f *File) NumRowGroups() int { return len(f.groups) }

// Lookup returns the first value under key in the footer's metadata.
func (f *File) Lookup(key string) (value string, ok bool) {
	for _, kv := range f.meta {
		if kv.key == key {
			return kv.value, true
		}
	}
	return "", false
}
