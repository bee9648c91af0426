package colscan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func uvarint(n uint64) []byte { return binary.AppendUvarint(nil, n) }

// TestHostileFooters hands footers to the decoder that are small and promise
// much, or are nested deeply.
func TestHostileFooters(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, tt := range []struct {
		name   string
		footer []byte
		want   string
	}{
		{"nothing", nil, "cut short"},
		{"list longer than the footer", join([]byte{0x29, 0xFC}, uvarint(1<<31-1)), "cut short"},
		{"list of a million empty elements", join([]byte{0x29, 0xFC}, uvarint(1_000_000), make([]byte, 1_000_000)), "schema of 1000000 elements"},
		{"element without a name", join([]byte{0x29, 0xFC}, uvarint(1000), make([]byte, 1000)), "without a name"},
		{"million empty row groups", join([]byte{0x49, 0xFC}, uvarint(1_000_000), make([]byte, 1_000_000)), "row group of -1 rows"},
		{"million empty chunks", join([]byte{0x49, 0x1C, 0x19, 0xFC}, uvarint(1_000_000), make([]byte, 1_000_000)), "without metadata"},
		{"million metadata entries", join([]byte{0x59, 0xFC}, uvarint(1_000_000), make([]byte, 1_000_000)), "without a key"},
		{"unknown structure, nested a million deep", join([]byte{0x9C}, bytes.Repeat([]byte{0x1C}, 1_000_000)), "nested too deeply"},
		{"unknown list, nested a million deep", join([]byte{0x99}, bytes.Repeat([]byte{0x19}, 1_000_000)), "nested too deeply"},
		{"unknown map of many", join([]byte{0x9B}, uvarint(1<<40), []byte{0x55}), "cut short"},
		{"string longer than the footer", join([]byte{0x29, 0x1C, 0x48}, uvarint(1<<31)), "cut short"},
		{"encrypted", []byte{0x8C, 0, 0}, "encrypted"},
		{"list where a number belongs", []byte{0x39, 0x10}, "integer expected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			n := allocated(func() { _, err = parseFooter(tt.footer) })
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one saying %q", err, tt.want)
			}
			if n > 1<<20 {
				t.Errorf("%d bytes allocated for a footer of %d", n, len(tt.footer))
			}
		})
	}
}

func TestHostileSchemas(t *testing.T) {
	group := func(name string, n int32) element { return element{name: name, phys: physMissing, children: n} }
	field := func(name string) element { return element{name: name, phys: physInt64} }
	deep := []element{}
	for range 1000 {
		deep = append(deep, group("g", 1))
	}
	for name, elements := range map[string][]element{
		"empty":                  {},
		"a leaf alone":           {field("a")},
		"too few children":       {group("root", 2), field("a")},
		"too many elements":      {group("root", 1), field("a"), field("b")},
		"negative children":      {group("root", -1)},
		"very many children":     {group("root", 1<<31-1), field("a")},
		"nested a thousand deep": append(deep, field("a")),
		"unknown type":           {group("root", 1), {name: "a", phys: 99}},
		"fixed of no length":     {group("root", 1), {name: "a", phys: physFixed}},
		"unknown repetition":     {group("root", 1), {name: "a", phys: physInt64, repetition: 7}},
	} {
		if _, _, err := columnsOf(elements); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error = %v, want one matching ErrFormat", name, err)
		}
	}
}

func squeeze(t *testing.T, codec int32, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&buf)
	if codec == codecZstd {
		w, _ = zstd.NewWriter(&buf)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestDecompressionIsBounded: neither the page header nor the compressed
// stream decides alone how much is allocated.
func TestDecompressionIsBounded(t *testing.T) {
	zeros := make([]byte, 64<<20)
	for _, codec := range []int32{codecGzip, codecZstd} {
		bomb, small := squeeze(t, codec, zeros), squeeze(t, codec, []byte("some text"))
		for _, tt := range []struct {
			name string
			src  []byte
			size int
			ok   bool
		}{
			{"honest", small, 9, true},
			{"header too high, as some writers count levels in", small, 20, true},
			{"header too low", small, 8, false},
			{"header absurd", small, 1 << 31, false},
			{"header beyond what the bytes can justify", small, 100 << 20, false},
			{"bomb behind a modest header", bomb, 100, false},
			{"stream cut", small[:len(small)-5], 9, false},
			{"not a stream", []byte("not a stream"), 9, false},
			{"codec of no bytes", nil, 9, codec == codecZstd}, // a zstd frame sequence may be empty
		} {
			var d decompressor
			var out []byte
			var err error
			n := allocated(func() { out, err = d.decode(codec, nil, tt.src, tt.size) })
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("codec %d, %s: %d bytes, error = %v", codec, tt.name, len(out), err)
			}
			if n > 8<<20 {
				t.Errorf("codec %d, %s: %d bytes allocated", codec, tt.name, n)
			}
			d.close()
		}
	}
	var d decompressor
	// Snappy states its own length: 2^32-1 in five bytes.
	for name, b := range map[string][]byte{"length absurd": {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0}, "empty": {}} {
		if _, err := d.decode(codecSnappy, nil, b, 1<<31-1); !errors.Is(err, ErrFormat) {
			t.Errorf("snappy, %s: error = %v", name, err)
		}
	}
	if _, err := d.decode(99, nil, []byte("x"), 10); !errors.Is(err, ErrFormat) {
		t.Errorf("unknown codec: error = %v", err)
	}
}

func TestHostilePages(t *testing.T) {
	text := &leafSpec{phys: physBytes, kind: String}
	number := &leafSpec{phys: physInt64, kind: Int64}
	var dict dictionary
	for _, tt := range []struct {
		name string
		f    func() error
	}{
		{"dictionary of more entries than bytes", func() error { return dict.build(text, make([]byte, 40), 1<<31-1) }},
		{"dictionary of more numbers than bytes", func() error { return dict.build(number, make([]byte, 40), 6) }},
		{"dictionary entry beyond the end", func() error { return dict.build(text, []byte{9, 0, 0, 0, 'a'}, 1) }},
		{"index beyond the dictionary", func() error {
			d := dictionary{}
			if err := d.build(text, []byte{1, 0, 0, 0, 'a'}, 1); err != nil {
				t.Fatal(err)
			}
			var v values
			if err := v.reset(text, encRLEDictionary, []byte{8, 2, 1}, &d); err != nil {
				t.Fatal(err)
			}
			return v.next(&value{})
		}},
		{"index of 33 bits", func() error {
			return (&values{}).reset(text, encRLEDictionary, []byte{33, 0}, &dictionary{present: true})
		}},
		{"dictionary page missing", func() error { return (&values{}).reset(text, encRLEDictionary, []byte{1, 2, 1}, &dictionary{}) }},
		{"delta of very many values", func() error {
			return (&values{}).reset(number, encDeltaPacked, append([]byte{0x80, 1, 4}, uvarint(1<<40)...), nil)
		}},
		{"delta of blocks too large", func() error {
			return (&values{}).reset(number, encDeltaPacked, append(uvarint(1<<30), 4, 1, 0), nil)
		}},
		{"delta lengths without data", func() error {
			// Two thousand million lengths in a few bytes of header.
			return (&values{}).reset(text, encDeltaLength, append(append([]byte{0x80, 1, 4}, uvarint(1<<31)...), 0), nil)
		}},
		{"delta where strings are", func() error { return (&values{}).reset(text, encDeltaPacked, []byte{1}, nil) }},
		{"unknown encoding", func() error { return (&values{}).reset(text, 42, []byte{1}, nil) }},
		{"prefix of nothing", func() error {
			var v values
			if err := v.reset(text, encDeltaBytes, []byte{0x80, 1, 4, 1, 10, 0x80, 1, 4, 1, 0}, nil); err != nil {
				t.Fatal(err)
			}
			return v.next(&value{})
		}},
	} {
		var err error
		n := allocated(func() { err = tt.f() })
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error = %v, want one matching ErrFormat", tt.name, err)
		}
		if n > 1<<20 {
			t.Errorf("%s: %d bytes allocated", tt.name, n)
		}
	}
}

// TestRowCountIsChecked: the footer promises more or fewer rows than the
// columns hold.
func TestRowCountIsChecked(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, []Column{{Name: "text", Kind: String}, {Name: "null", Kind: Double, Optional: true}, {Name: "tags", Kind: Map}},
		&WriterOptions{PageBytes: 100, RowGroupRows: 2000})
	for i := range 3000 {
		w.SetText(0, fmt.Sprint("v", i))
		w.SetMap(2, []Pair{{"k", "v"}})
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, delta := range []int64{-2, -1, 0, 1, 5} {
		for col := range 3 {
			for _, every := range []int64{1, 7, 1 << 40} {
				f, err := Open(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
				if err != nil {
					t.Fatal(err)
				}
				f.groups[0].rows += delta
				rows := f.Rows()
				for err == nil && rows.Next(context.Background()) {
					if rows.Index()%every == 0 {
						_, _, err = rows.Text(col)
					}
				}
				if err == nil {
					err = rows.Err()
				}
				rows.Close()
				if (err == nil) != (delta == 0) || err != nil && !errors.Is(err, ErrFormat) {
					t.Errorf("%+d rows, column %d, every %d: error = %v", delta, col, every, err)
				}
			}
		}
	}
}

// brokenReader fails like a network, after some bytes.
type brokenReader struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("connection reset")

func (r brokenReader) ReadAt(b []byte, off int64) (int, error) {
	if off >= r.from && off < r.from+1000 {
		return 0, errBroken
	}
	return r.ReaderAt.ReadAt(b, off)
}

// TestSourceErrorsAreNotFormatErrors: a retry may help, so they stay apart.
func TestSourceErrorsAreNotFormatErrors(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, []Column{{Name: "text", Kind: String}}, nil)
	for i := range 5000 {
		w.SetText(0, fmt.Sprint("v", i))
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := int64(buf.Len())
	for _, from := range []int64{0, 4, size - 900} {
		src := brokenReader{bytes.NewReader(buf.Bytes()), from}
		f, err := Open(src, size)
		if err == nil {
			rows := f.Rows()
			rows.Next(context.Background())
			_, _, err = rows.Text(0)
			rows.Close()
		}
		if !errors.Is(err, errBroken) || errors.Is(err, ErrFormat) {
			t.Errorf("failure from %d on: error = %v", from, err)
		}
	}
}

// TestPanicsBecomeErrors: whatever slips through is still no crash.
func TestPanicsBecomeErrors(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, []Column{{Name: "text", Kind: String}}, nil)
	w.SetText(0, "a")
	if err := errors.Join(w.EndRow(), w.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f.groups[0].chunks = nil
	rows := f.Rows()
	defer rows.Close()
	rows.Next(context.Background())
	_, _, err = rows.Text(0)
	var where *Error
	if !errors.Is(err, ErrFormat) || !errors.As(err, &where) || where.Column != "text" {
		t.Errorf("error = %v", err)
	}
}

func TestHostileGroups(t *testing.T) {
	leaves := []element{{name: "a", phys: physInt64}}
	good := func() *footer {
		return &footer{rows: 5, groups: []rowGroup{{rows: 5, chunks: []chunk{{phys: physInt64, dataPage: 4, size: 96, present: true}}}}}
	}
	if err := checkGroups(good(), leaves, 100); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(f *footer){
		"rows do not add up":   func(f *footer) { f.rows = 6 },
		"rows overflow":        func(f *footer) { f.groups[0].rows = 1<<63 - 1; f.groups = append(f.groups, f.groups[0]) },
		"chunk missing":        func(f *footer) { f.groups[0].chunks = nil },
		"chunk of other type":  func(f *footer) { f.groups[0].chunks[0].phys = physBytes },
		"chunk beyond the end": func(f *footer) { f.groups[0].chunks[0].size = 97 },
		"chunk after the end":  func(f *footer) { f.groups[0].chunks[0].dataPage = 101 },
		"negative offset":      func(f *footer) { f.groups[0].chunks[0].dataPage = -1 },
		"negative size":        func(f *footer) { f.groups[0].chunks[0].size = -1 },
		"other file":           func(f *footer) { f.groups[0].chunks[0].external = true },
		"encrypted":            func(f *footer) { f.groups[0].chunks[0].encrypted = true },
	} {
		f := good()
		spoil(f)
		if err := checkGroups(f, leaves, 100); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error = %v, want one matching ErrFormat", name, err)
		}
	}
}

// TestUnpaddedMiniblock: some writers end a page with the bytes that the last
// values need, not with a whole miniblock.
func TestUnpaddedMiniblock(t *testing.T) {
	// Four values 7, 8, 10, 13: least difference 1, then 0, 1, 2 in two bits.
	head := []byte{0x80, 1, 4, 4, 14, 2, 2, 0, 0, 0}
	var d delta
	if err := d.reset(append(head, 0b100100)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{7, 8, 10, 13} {
		if got, err := d.next(); got != want || err != nil {
			t.Errorf("next = %d, %v; want %d", got, err, want)
		}
	}
	if _, err := d.next(); !errors.Is(err, ErrFormat) {
		t.Errorf("a fifth value: error = %v", err)
	}
	if err := d.reset(head); err != nil {
		t.Fatal(err)
	}
	_, e1 := d.next()
	if _, err := d.next(); e1 != nil || !errors.Is(err, ErrFormat) {
		t.Errorf("without its byte: errors = %v, %v", e1, err)
	}
}

// TestPlainPageOfCompressedChunk: version 2 pages say for themselves whether
// they are compressed.
func TestPlainPageOfCompressedChunk(t *testing.T) {
	spec := &leafSpec{phys: physInt64, kind: Int64}
	payload := []byte{42, 0, 0, 0, 0, 0, 0, 0}
	p := pageReader{spec: spec, codec: &decompressor{}, id: codecSnappy}
	p.in.reset(bytes.NewReader(payload), 0, int64(len(payload)))
	var rep, def hybrid
	var vals values
	h := pageHeader{kind: pageDataV2, uncompressed: 8, compressed: 8, values: 1, plain: true}
	var got value
	if err := errors.Join(p.load(&h, &rep, &def, &vals), vals.next(&got)); err != nil || got.bits != 42 {
		t.Errorf("value = %d, %v; want 42", got.bits, err)
	}
	parsed := parsePageHeader(&thrift{b: []byte{0x15, 6, 0x5C | 0x20, 0x72, 0x00, 0x00}})
	if !parsed.plain || !parsed.complete {
		t.Errorf("header = %+v, want a version 2 page that is not compressed", parsed)
	}
}

func TestMapIsBounded(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, []Column{{Name: "m", Kind: Map}}, nil)
	w.SetMap(0, make([]Pair, maxPairs))
	err := w.EndRow()
	w.SetMap(0, make([]Pair, maxPairs+1))
	if err := errors.Join(err, w.EndRow(), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, skip := range []bool{false, true} {
		f, err := Open(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		rows := f.Rows()
		defer rows.Close()
		rows.Next(context.Background())
		if pairs, _, err := rows.Map(0, nil); len(pairs) != maxPairs || err != nil {
			t.Fatalf("%d pairs, %v; want %d", len(pairs), err, maxPairs)
		}
		if rows.Next(context.Background()); skip {
			rows.Next(context.Background())
			err = rows.Err()
		} else {
			_, _, err = rows.Map(0, nil)
		}
		if !errors.Is(err, ErrFormat) {
			t.Errorf("skip %v: error = %v, want one matching ErrFormat", skip, err)
		}
	}
}
