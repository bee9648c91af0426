package colscan

import (
	"encoding/binary"
	"errors"
)

// Wire types of Thrift's compact protocol, in which Parquet writes its footer
// and page headers.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// maxThriftDepth bounds the nesting of what is skipped. Parquet's own
// structures are five deep; a hostile footer could be millions deep, and a Go
// stack overflow cannot be recovered from.
const maxThriftDepth = 32

// errThriftShort means that the bytes end inside a structure. For a page
// header, read through a window, it means that more bytes are needed.
var errThriftShort = errors.New("metadata cut short")

// thrift decodes from b. The first error sticks: afterwards everything reads
// as zero and every loop over fields ends, so callers check err once.
type thrift struct {
	b   []byte
	pos int
	err error
}

func (t *thrift) fail(err error) {
	if t.err == nil {
		t.err = err
	}
	t.pos = len(t.b)
}

func (t *thrift) byte() byte {
	if t.pos >= len(t.b) {
		t.fail(errThriftShort)
		return 0
	}
	t.pos++
	return t.b[t.pos-1]
}

func (t *thrift) uvarint() uint64 {
	v, n := binary.Uvarint(t.b[t.pos:])
	switch {
	case n == 0:
		t.fail(errThriftShort)
		return 0
	case n < 0:
		t.fail(corrupt("metadata integer of more than 64 bits"))
		return 0
	}
	t.pos += n
	return v
}

func (t *thrift) varint() int64 {
	u := t.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (t *thrift) binary() []byte {
	n := t.uvarint()
	if n > uint64(len(t.b)-t.pos) {
		t.fail(errThriftShort)
		return nil
	}
	b := t.b[t.pos : t.pos+int(n)]
	t.pos += int(n)
	return b
}

// field reads the header of the next field of a structure; last is the id of
// the field before it, 0 at first. ok is false at the end of the structure.
func (t *thrift) field(last *int16) (id int16, typ byte, ok bool) {
	head := t.byte()
	if t.err != nil || head == 0 {
		return 0, 0, false
	}
	if delta := head >> 4; delta != 0 {
		*last += int16(delta)
	} else {
		*last = int16(t.varint())
	}
	return *last, head & 15, t.err == nil
}

// list reads the header of a list. Each element takes a byte at least, so a
// list longer than what remains is an error before anything is made of it.
func (t *thrift) list(typ byte) (n int, elem byte) {
	if typ != thriftList && typ != thriftSet {
		t.fail(corrupt("metadata list expected"))
		return 0, 0
	}
	head := t.byte()
	size := uint64(head >> 4)
	if size == 15 {
		size = t.uvarint()
	}
	if size > uint64(len(t.b)-t.pos) {
		t.fail(errThriftShort)
		return 0, 0
	}
	return int(size), head & 15
}

// int reads a field that should hold an integer.
func (t *thrift) int(typ byte) int64 {
	switch typ {
	case thriftByte:
		return int64(int8(t.byte()))
	case thriftI16, thriftI32, thriftI64:
		return t.varint()
	}
	t.fail(corrupt("metadata integer expected"))
	return 0
}

// int32 is int for fields of at most 32 bits.
func (t *thrift) int32(typ byte) int32 {
	v := t.int(typ)
	if int64(int32(v)) != v {
		t.fail(corrupt("metadata integer of more than 32 bits"))
		return 0
	}
	return int32(v)
}

// text reads a field that should hold a string.
func (t *thrift) text(typ byte) string {
	if typ != thriftBinary {
		t.fail(corrupt("metadata string expected"))
		return ""
	}
	return string(t.binary())
}

// isStruct reports whether a field holds a structure, and fails otherwise.
func (t *thrift) isStruct(typ byte) bool {
	if typ != thriftStruct {
		t.fail(corrupt("metadata structure expected"))
	}
	return t.err == nil
}

// skip passes over a field's value.
func (t *thrift) skip(typ byte) { t.skipNested(typ, 0) }

func (t *thrift) skipNested(typ byte, depth int) {
	if depth > maxThriftDepth {
		t.fail(corrupt("metadata nested too deeply"))
		return
	}
	switch typ {
	case thriftTrue, thriftFalse: // the value is in the type
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.uvarint()
	case thriftDouble:
		t.advance(8)
	case thriftUUID:
		t.advance(16)
	case thriftBinary:
		t.binary()
	case thriftList, thriftSet:
		n, elem := t.list(typ)
		for i := 0; i < n && t.err == nil; i++ {
			t.skipElement(elem, depth+1)
		}
	case thriftMap:
		n := t.uvarint()
		if n == 0 {
			return
		}
		types := t.byte()
		for i := uint64(0); i < n && t.err == nil; i++ {
			t.skipElement(types>>4, depth+1)
			t.skipElement(types&15, depth+1)
		}
	case thriftStruct:
		var last int16
		for {
			_, typ, ok := t.field(&last)
			if !ok {
				return
			}
			t.skipNested(typ, depth+1)
		}
	default:
		t.fail(corrupt("metadata of unknown type %d", typ))
	}
}

// skipElement passes over an element of a container, where a bool takes a byte.
func (t *thrift) skipElement(typ byte, depth int) {
	if typ == thriftTrue || typ == thriftFalse {
		t.byte()
		return
	}
	t.skipNested(typ, depth)
}

func (t *thrift) advance(n int) {
	if n > len(t.b)-t.pos {
		t.fail(errThriftShort)
		return
	}
	t.pos += n
}
