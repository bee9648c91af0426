package colscan

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Page types and encodings, by their numbers in the format.
const (
	pageData   = 0
	pageIndex  = 1
	pageDict   = 2
	pageDataV2 = 3

	encPlain           = 0
	encPlainDictionary = 2
	encRLE             = 3
	encDeltaPacked     = 5
	encDeltaLength     = 6
	encDeltaBytes      = 7
	encRLEDictionary   = 8
)

const (
	// readAhead is the least that is asked of the source at once.
	readAhead = 64 << 10
	// headerWindow is the first guess at the size of a page header; headers
	// with statistics can be longer.
	headerWindow = 256
	maxHeader    = 16 << 20
)

// pageHeader is what precedes a page.
type pageHeader struct {
	kind         int32
	uncompressed int32
	compressed   int32
	crc          uint32
	hasCRC       bool
	values       int32 // entries, nulls counted
	encoding     int32
	defEncoding  int32
	repEncoding  int32
	defBytes     int32 // version 2 only
	repBytes     int32
	plain        bool // version 2: the values are not compressed
	complete     bool // the structure that belongs to kind was there
}

func parsePageHeader(t *thrift) (h pageHeader) {
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			return h
		}
		switch id {
		case 1:
			h.kind = t.int32(typ)
		case 2:
			h.uncompressed = t.int32(typ)
		case 3:
			h.compressed = t.int32(typ)
		case 4:
			h.crc, h.hasCRC = uint32(t.int32(typ)), true
		case 5, 7, 8:
			if t.isStruct(typ) {
				parseInnerHeader(t, id, &h)
			}
		default:
			t.skip(typ)
		}
	}
}

// parseInnerHeader decodes the header of a data page (id 5), a dictionary
// page (7) or a version 2 data page (8).
func parseInnerHeader(t *thrift, outer int16, h *pageHeader) {
	switch {
	case outer == 5 && h.kind == pageData, outer == 7 && h.kind == pageDict, outer == 8 && h.kind == pageDataV2:
		h.complete = true
	default:
		t.skip(thriftStruct)
		return
	}
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			return
		}
		switch {
		case id == 1:
			h.values = t.int32(typ)
		case outer == 8 && id == 4, outer != 8 && id == 2:
			h.encoding = t.int32(typ)
		case outer == 5 && id == 3:
			h.defEncoding = t.int32(typ)
		case outer == 5 && id == 4:
			h.repEncoding = t.int32(typ)
		case outer == 8 && id == 5:
			h.defBytes = t.int32(typ)
		case outer == 8 && id == 6:
			h.repBytes = t.int32(typ)
		case outer == 8 && id == 7:
			h.plain = typ == thriftFalse
			t.skip(typ)
		default: // also num_nulls and num_rows, which some writers get wrong
			t.skip(typ)
		}
	}
}

func (h *pageHeader) check() error {
	if h.compressed < 0 || h.uncompressed < 0 || h.values < 0 || h.defBytes < 0 || h.repBytes < 0 ||
		h.compressed > maxPage {
		return corrupt("page header with sizes %d, %d and %d values", h.compressed, h.uncompressed, h.values)
	}
	if !h.complete && h.kind != pageIndex {
		return corrupt("page header of type %d is incomplete", h.kind)
	}
	return nil
}

// chunkReader hands out the bytes of one chunk in sequence.
type chunkReader struct {
	src io.ReaderAt
	off int64 // of the next byte to read from src
	end int64
	buf []byte // read but not consumed
	mem []byte // what buf is cut from, kept for reuse
	// unchecked leaves page checksums alone; tests of damaged files need it.
	unchecked bool
	read      int64 // bytes asked of src since the last reset
}

func (c *chunkReader) reset(src io.ReaderAt, start, size int64) {
	c.src, c.off, c.end, c.buf, c.read = src, start, start+size, nil, 0
}

func (c *chunkReader) remaining() int64 { return int64(len(c.buf)) + c.end - c.off }

// peek returns the next n bytes, or all that remain if they are fewer. The
// bytes are valid until the next peek.
func (c *chunkReader) peek(n int) ([]byte, error) {
	if int64(n) > c.remaining() {
		n = int(c.remaining())
	}
	if n <= len(c.buf) {
		return c.buf[:n], nil
	}
	want := int(min(int64(max(n, readAhead)), c.remaining()))
	from := 0
	if len(c.buf) > 0 { // and there is room behind it, it stays where it is
		from = cap(c.mem) - cap(c.buf)
	}
	if from+want > cap(c.mem) {
		mem := c.mem
		if cap(mem) < want {
			mem = make([]byte, roomy(want))
		}
		copy(mem[:want], c.buf)
		c.mem, from = mem, 0
	}
	mem := c.mem[:cap(c.mem)]
	if err := c.fill(mem[from+len(c.buf) : from+want]); err != nil {
		return nil, err
	}
	c.buf = mem[from : from+want]
	return c.buf[:n], nil
}

// fill reads b from the source, and counts it.
func (c *chunkReader) fill(b []byte) error {
	got, err := c.src.ReadAt(b, c.off)
	if got < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			return corrupt("file ends at %d inside a chunk", c.off+int64(got))
		}
		return fmt.Errorf("reading %d bytes at %d: %w", len(b), c.off, err)
	}
	c.off += int64(got)
	c.read += int64(got)
	return nil
}

// consume passes n bytes, which need not have been read.
func (c *chunkReader) consume(n int) {
	if n <= len(c.buf) {
		c.buf = c.buf[n:]
		return
	}
	c.off += int64(n - len(c.buf))
	c.buf = nil
}

// header decodes and consumes the next page header; io.EOF at the chunk's end.
func (c *chunkReader) header() (pageHeader, error) {
	if c.remaining() == 0 {
		return pageHeader{}, io.EOF
	}
	for window := headerWindow; ; window *= 4 {
		b, err := c.peek(window)
		if err != nil {
			return pageHeader{}, err
		}
		t := thrift{b: b}
		h := parsePageHeader(&t)
		if t.err == errThriftShort && len(b) == window && window < maxHeader {
			continue
		}
		if t.err != nil {
			if errors.Is(t.err, ErrFormat) {
				return pageHeader{}, t.err
			}
			return pageHeader{}, corrupt("page header: %v", t.err)
		}
		if err := h.check(); err != nil {
			return pageHeader{}, err
		}
		c.consume(t.pos)
		if int64(h.compressed) > c.remaining() {
			return pageHeader{}, corrupt("page of %d bytes where %d remain", h.compressed, c.remaining())
		}
		return h, nil
	}
}

// payload returns and consumes the bytes of the page.
func (c *chunkReader) payload(h *pageHeader) ([]byte, error) {
	b, err := c.peek(int(h.compressed))
	if err != nil {
		return nil, err
	}
	c.consume(len(b))
	return b, c.checksum(h, b)
}

// small reports whether a page is read into the chunk's own buffer, where it stays until
// the next header is read.
func (c *chunkReader) small(h *pageHeader) bool {
	return int(h.compressed) <= max(len(c.buf), readAhead)
}

// payloadOnce is payload for bytes that are needed only until the next page: one that is
// not small is read into memory that all columns share, and which therefore is in
// the processor's cache, and the chunk's own buffer stays small. The next header is read
// with it.
func (c *chunkReader) payloadOnce(h *pageHeader, shared *[]byte) ([]byte, error) {
	if c.small(h) {
		return c.payload(h)
	}
	n := int(h.compressed)
	whole := int(min(int64(n+headerWindow), c.remaining()))
	if cap(*shared) < whole {
		*shared = make([]byte, roomy(whole))
	}
	b := (*shared)[:whole]
	if err := c.fill(b[copy(b, c.buf):]); err != nil {
		return nil, err
	}
	if cap(c.mem) < headerWindow {
		c.mem = make([]byte, headerWindow)
	}
	c.buf = c.mem[:copy(c.mem[:headerWindow], b[n:])]
	return b[:n], c.checksum(h, b[:n])
}

// checksum compares the checksum of a page, where it has one.
func (c *chunkReader) checksum(h *pageHeader, b []byte) error {
	if h.hasCRC && !c.unchecked && crc32.ChecksumIEEE(b) != h.crc {
		return corrupt("page checksum does not match")
	}
	return nil
}

// pageReader walks the pages of one leaf.
type pageReader struct {
	spec  *leafSpec
	codec *decompressor
	in    chunkReader
	id    int32 // codec of the chunk
	page  int   // data pages begun, less one
	buf   []byte
	// once says that nothing of the page is needed when another column's is read.
	once bool
	// literal says that the last page was one Snappy literal.
	literal bool
	// levels are those of the page, where they are not part of buf.
	levels []byte
	dict   dictionary
	// epoch changes with the dictionary, for caches of its entries.
	epoch int
	// loaded counts the data pages decompressed since the last reset.
	loaded int
}

func (p *pageReader) reset(src io.ReaderAt, c *chunk) {
	p.in.reset(src, c.start(), c.size)
	p.id, p.page, p.loaded = c.codec, -1, 0
	p.dict.present = false
}

// next passes to the next data page of more than skip entries, without
// decoding those before it, and returns its header and how many entries were
// passed. A chunk's end is io.EOF.
func (p *pageReader) next(ctx context.Context, skip int64) (h pageHeader, passed int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return h, passed, err
		}
		if h, err = p.in.header(); err != nil {
			return h, passed, err
		}
		switch h.kind {
		case pageDict:
			if err := p.readDictionary(&h); err != nil {
				return h, passed, err
			}
		case pageIndex:
			p.in.consume(int(h.compressed))
		case pageData, pageDataV2:
			p.page++
			if int64(h.values) > skip-passed {
				return h, passed, nil
			}
			passed += int64(h.values)
			p.in.consume(int(h.compressed))
		default:
			return h, passed, corrupt("page of type %d", h.kind)
		}
	}
}

func (p *pageReader) readDictionary(h *pageHeader) error {
	if p.dict.present || p.page >= 0 {
		return corrupt("dictionary page out of place")
	}
	if h.encoding != encPlain && h.encoding != encPlainDictionary {
		return corrupt("dictionary of encoding %s", encodingName(h.encoding))
	}
	in, src, err := p.read(h, &p.dict.mem, p.dict.literal)
	if err != nil {
		return err
	}
	if p.id == codecNone {
		// The read buffer is about to be reused; the dictionary stays.
		p.dict.mem = append(p.dict.mem[:0], src...)
		src = p.dict.mem
	} else if src, err = p.unpack(src, int(h.uncompressed), in, false, &p.dict.mem, &p.dict.literal); err != nil {
		return err
	}
	p.epoch++
	return p.dict.build(p.spec, src, int(h.values))
}

// place is where a page was read to.
type place int

const (
	inChunk  place = iota // the chunk's own buffer, where it stays until the next header is read
	inShared              // memory that all columns share
	inPlace               // where it is to be decompressed to
)

// read reads a page that is to be decompressed to into. A large one that is thought to
// be a literal, as the one before it was, is read to where it can stay.
func (p *pageReader) read(h *pageHeader, into *[]byte, guess bool) (in place, b []byte, err error) {
	to := &p.codec.shared
	switch {
	case p.in.small(h):
	case guess:
		in, to = inPlace, into
	default:
		in = inShared
	}
	b, err = p.in.payloadOnce(h, to)
	return in, b, err
}

// unpack decompresses what read has read. A literal stays where it lies: in place, or in
// the chunk's buffer when it is needed no longer than that lasts. guess becomes whether it
// was one, for the next page.
func (p *pageReader) unpack(b []byte, size int, in place, passing bool, into *[]byte, guess *bool) ([]byte, error) {
	same, ok := literal(p.id, b, size)
	if *guess = ok; ok && (in == inPlace || in == inChunk && passing) {
		return same, nil
	}
	if in == inPlace { // it must not be decompressed to where it lies
		*into, p.codec.shared = p.codec.shared, *into
	}
	b, err := p.codec.decode(p.id, *into, b, size)
	if err == nil {
		*into = b
	}
	return b, err
}

// load decompresses the data page of header h and sets up its three streams:
// repetition levels, definition levels and values.
func (p *pageReader) load(h *pageHeader, rep, def *hybrid, vals *values) error {
	p.loaded++
	packed := p.id != codecNone && !h.plain
	into := &p.buf
	if p.once {
		into = &p.codec.once
	}
	var in place
	var b []byte
	var err error
	if packed {
		in, b, err = p.read(h, into, p.literal)
	} else {
		b, err = p.in.payload(h)
	}
	if err != nil {
		return err
	}
	size := int(h.uncompressed)
	var repBytes, defBytes []byte
	if h.kind == pageDataV2 {
		levels := int64(h.repBytes) + int64(h.defBytes)
		if levels > int64(len(b)) {
			return corrupt("levels of %d bytes in a page of %d", levels, len(b))
		}
		own := b[:levels]
		if in != inChunk { // what was read is void with the next page of any column
			p.levels = append(p.levels[:0], own...)
			own = p.levels
		}
		repBytes, defBytes, b = own[:h.repBytes], own[h.repBytes:], b[levels:]
	}
	// A page of nulls alone may hold no values at all, not even an empty
	// compressed block.
	if packed && len(b) > 0 {
		if b, err = p.unpack(b, size, in, true, into, &p.literal); err != nil {
			return err
		}
	}
	if h.kind == pageData {
		if repBytes, b, err = levelsV1(b, p.spec.maxRep, h.repEncoding); err != nil {
			return err
		}
		if defBytes, b, err = levelsV1(b, p.spec.maxDef, h.defEncoding); err != nil {
			return err
		}
	}
	rep.reset(repBytes, uint(p.spec.maxRep)) // at most one level deep, so one bit
	def.reset(defBytes, p.spec.defWidth())
	return vals.reset(p.spec, h.encoding, b, &p.dict)
}

// levelsV1 cuts the levels off a version 1 page, where they are preceded by
// their length.
func levelsV1(b []byte, max uint32, encoding int32) (levels, rest []byte, err error) {
	if max == 0 {
		return nil, b, nil
	}
	if encoding != encRLE {
		return nil, nil, corrupt("levels of encoding %s are not supported", encodingName(encoding))
	}
	return lengthPrefixed(b)
}
