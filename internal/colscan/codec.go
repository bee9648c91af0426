package colscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Codecs, by their numbers in the format.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
)

const (
	// maxPage bounds a page, compressed or not. Writers aim at one megabyte.
	maxPage = 256 << 20
	// freePage is what a page may decompress to, however small it is.
	freePage = 4 << 20
	// maxExpansion is how many bytes a compressed byte may stand for beyond
	// freePage. Deflate cannot exceed 1032 and Snappy 22; a zstd page that
	// does is legal, yet no cost report holds four megabytes of one value in
	// one page. So a page header alone allocates four megabytes at most.
	maxExpansion = 1032
)

// decompressor holds the state of the codecs; the zero value is ready. It is
// used by one goroutine.
type decompressor struct {
	shared []byte // see chunkReader.payloadOnce
	once   []byte // see pageReader.once
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	src    bytes.Reader
}

func (d *decompressor) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
	*d = decompressor{}
}

// roomy rounds the size of a buffer that is kept up to a power of two, a large one to
// a quarter of a megabyte: the pages of a chunk differ a little in size, and so do the
// dictionaries of files. A buffer that grew with each of them would leave its
// predecessors to the collector, the more the longer the file; and memory that is new to
// the process costs the time to get it from the system.
func roomy(n int) int {
	const step = 1 << 18
	if n > 4*step {
		return (n + step - 1) &^ (step - 1)
	}
	return 1 << bits.Len(uint(n-1))
}

// decode decompresses src into dst's capacity or into a new buffer. size is
// what the page header promises: an upper bound, since some writers count the
// levels in.
func (d *decompressor) decode(codec int32, dst, src []byte, size int) ([]byte, error) {
	if codec == codecNone {
		return src, nil
	}
	if codec == codecSnappy {
		n, err := snappy.DecodedLen(src)
		if err != nil || n > size {
			return nil, corrupt("snappy block of %d bytes in a page of %d", n, size)
		}
		size = n
	}
	if size > maxPage || size > freePage && size/maxExpansion > len(src) {
		return nil, corrupt("page of %d bytes compressed to %d", size, len(src))
	}
	if cap(dst) < size+1 { // one more, to notice what is too long
		dst = make([]byte, 0, roomy(size+1))
	}
	var out []byte
	var err error
	switch codec {
	case codecSnappy:
		out, err = snappy.Decode(dst[:cap(dst)], src)
	case codecGzip:
		out, err = d.gunzip(dst[:size+1], src)
	case codecZstd:
		out, err = d.unzstd(dst[:0:size+1], src)
	default:
		return nil, corrupt("codec %s is not supported", codecName(codec))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: decompressing: %w", ErrFormat, err)
	}
	if len(out) > size {
		return nil, corrupt("page holds more than the %d bytes it promises", size)
	}
	return out, nil
}

// literal returns what a Snappy block stands for when it is one literal, which is how
// numbers and packed indexes that do not compress are written: they can stay where they
// were read. size is as for decode.
func literal(codec int32, src []byte, size int) (b []byte, ok bool) {
	n, at := binary.Uvarint(src)
	if codec != codecSnappy || at <= 0 || at == len(src) || n == 0 || n > uint64(size) || src[at]&3 != 0 {
		return nil, false
	}
	less := uint64(src[at] >> 2) // the length less one, or how many bytes hold it
	at++
	if less >= 60 {
		var wide [8]byte
		k := copy(wide[:less-59], src[at:])
		less, at = binary.LittleEndian.Uint64(wide[:]), at+k
	}
	if less != n-1 || uint64(len(src)-at) != n {
		return nil, false
	}
	return src[at:], true
}

func (d *decompressor) gunzip(dst, src []byte) ([]byte, error) {
	d.src.Reset(src)
	var err error
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.src)
	} else {
		err = d.gzip.Reset(&d.src)
	}
	if err != nil {
		d.gzip = nil
		return nil, err
	}
	// Not io.ReadFull: it reports a stream that ends early and a stream that
	// was cut by the same error.
	n := 0
	for n < len(dst) {
		k, err := d.gzip.Read(dst[n:])
		n += k
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return dst[:n], nil
}

func (d *decompressor) unzstd(dst, src []byte) ([]byte, error) {
	if d.zstd == nil {
		var err error
		// Capped to dst, the decoder does not trust the frame header's size.
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(maxPage))
		if err != nil {
			return nil, err
		}
	}
	return d.zstd.DecodeAll(src, dst)
}
