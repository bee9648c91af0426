package colscan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// smallFile is a file with every kind of column and page, some kilobytes long.
func smallFile(t failer, o colscan.WriterOptions) []byte {
	tb := table{Columns: []colscan.Column{
		{Name: "product", Kind: colscan.String, Optional: true},
		{Name: "id", Kind: colscan.String},
		{Name: "cost", Kind: colscan.Double, Optional: true},
		{Name: "count", Kind: colscan.Int64, Optional: true},
		{Name: "flag", Kind: colscan.Bool},
		{Name: "start", Kind: colscan.Timestamp},
		{Name: "tags", Kind: colscan.Map, Optional: true},
		{Name: "discount", Kind: colscan.DoubleMap},
	}}
	for i := range 120 {
		tb.Rows = append(tb.Rows, []cell{
			{Text: fmt.Sprint("product", i%5), Null: i%11 == 0}, {Text: fmt.Sprint("line-item-", i*i)},
			{Text: strconv.Itoa(i), Null: i%3 == 0}, {Text: strconv.Itoa(i % 4)}, {Text: strconv.FormatBool(i%7 < 3)},
			{Text: "2026-05-01T00:00:00Z"}, {Text: fmt.Sprintf(`{"team":"%d","env":"prod"}`, i%6), Null: i%5 == 0}, {Text: `{"edp":0.5}`},
		})
	}
	o.RowGroupRows, o.PageBytes = 70, 300
	return tb.write(t, &o)
}

// drain reads everything in every form and returns the first error. It does
// not look at page checksums: exports have none, and with them damage would
// not reach the decoders. The footer may promise any number of rows, so there
// is a limit.
func drain(b []byte) error {
	f, err := colscan.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	colscan.IgnoreChecksums(f)
	rows := f.Rows()
	defer rows.Close()
	columns := f.Columns()
	var first error
	note := func(_ any, _ bool, err error) {
		if err != nil && !errors.Is(err, colscan.ErrKind) && first == nil {
			first = err
		}
	}
	var pairs []colscan.Pair
	for rows.Next(context.Background()) && rows.Index() < 5000 && first == nil {
		for i := range columns {
			t, n, err := rows.Text(i)
			note(t, n, err)
			x, n, err := rows.Float(i)
			note(x, n, err)
			at, n, err := rows.Time(i)
			note(at, n, err)
			pairs, n, err = rows.Map(i, pairs[:0])
			note(pairs, n, err)
		}
	}
	if first == nil {
		first = rows.Err()
	}
	return first
}

// checkDamaged drains bytes that may be damaged: any error must match
// ErrFormat, none may come from a panic, and the allocations stay in bounds.
func checkDamaged(t failer, what string, b []byte) (failed bool) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := drain(b)
	runtime.ReadMemStats(&after)
	if err != nil && !errors.Is(err, colscan.ErrFormat) {
		t.Fatalf("%s: error = %v, want one matching ErrFormat", what, err)
	}
	if err != nil && strings.Contains(err.Error(), "panic") {
		t.Fatalf("%s: %v", what, err)
	}
	// Ten leaves of two row groups could each ask for a page of 4 MiB by the
	// header alone; anything more needs bytes in the file.
	const limit = 64 << 20
	if n := after.TotalAlloc - before.TotalAlloc; n > limit+uint64(len(b))*100 {
		t.Fatalf("%s: %d bytes allocated for a file of %d", what, n, len(b))
	}
	return err != nil
}

func layouts() []colscan.WriterOptions {
	return []colscan.WriterOptions{
		{}, {PageVersion: 1}, {Codec: colscan.Uncompressed}, {Codec: colscan.Gzip, Required: true},
		{Codec: colscan.Zstd, DictionaryLimit: -1}, {Codec: colscan.Uncompressed, PageVersion: 1, DictionaryLimit: 20},
	}
}

// TestFlippedBytes damages one to three bytes at a time.
func TestFlippedBytes(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 60
	}
	rng := rand.New(rand.NewPCG(7, 7))
	failed := 0
	for i, o := range layouts() {
		good := smallFile(t, o)
		if checkDamaged(t, "undamaged", good) {
			t.Fatalf("layout %d does not read: %v", i, drain(good))
		}
		for range n {
			b := bytes.Clone(good)
			what := fmt.Sprintf("layout %d", i)
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(b))
				b[at] ^= byte(1 + rng.IntN(255))
				what += fmt.Sprintf(", byte %d = %#x", at, b[at])
			}
			if checkDamaged(t, what, b) {
				failed++
			}
		}
	}
	t.Logf("%d of %d damaged files refused", failed, n*len(layouts()))
	if failed < n*len(layouts())/4 {
		t.Errorf("only %d of %d damaged files refused: does the damage reach the decoders?", failed, n*len(layouts()))
	}
}

// TestFlippedFooter damages the metadata alone, where counts, sizes and
// offsets are.
func TestFlippedFooter(t *testing.T) {
	good := smallFile(t, colscan.WriterOptions{})
	footer := int(uint32(good[len(good)-8]) | uint32(good[len(good)-7])<<8)
	step := 3
	if testing.Short() {
		step = 17
	}
	for at := len(good) - 8 - footer; at < len(good); at += step {
		for _, x := range []byte{0x01, 0x80, 0xFF} {
			b := bytes.Clone(good)
			b[at] ^= x
			checkDamaged(t, fmt.Sprintf("byte %d ^ %#x", at, x), b)
		}
	}
}

// TestTruncated cuts a file at every length: each is refused.
func TestTruncated(t *testing.T) {
	good := smallFile(t, colscan.WriterOptions{})
	for n := range len(good) {
		if err := drain(good[:n]); !errors.Is(err, colscan.ErrFormat) {
			t.Fatalf("file cut to %d of %d bytes: error = %v", n, len(good), err)
		}
	}
	// The same with the end of the file kept: bytes are missing in the middle,
	// so that the footer is there and the chunks are not where it says.
	for n := 10; n < len(good)/2; n += 37 {
		b := append(bytes.Clone(good[:4]), good[4+n:]...)
		checkDamaged(t, fmt.Sprintf("%d bytes cut out", n), b)
	}
}

// TestErrorsNamePlaces damages the payload of a page and looks at the message.
func TestErrorsNamePlaces(t *testing.T) {
	tb := table{Columns: []colscan.Column{{Name: "a", Kind: colscan.Int64}, {Name: "b/c", Kind: colscan.String}}}
	for i := range 3000 {
		tb.Rows = append(tb.Rows, []cell{{Text: strconv.Itoa(i)}, {Text: fmt.Sprint("value ", i)}})
	}
	b := tb.write(t, &colscan.WriterOptions{Codec: colscan.Uncompressed, PageBytes: 5000, RowGroupRows: 2000, DictionaryLimit: -1})
	at := bytes.Index(b, []byte("value 2900"))
	b[at-1] = 0x7F // the highest byte of its length
	f := open(t, b)
	rows := f.Rows()
	defer rows.Close()
	var err error
	for err == nil && rows.Next(context.Background()) {
		_, _, err = rows.Text(1)
	}
	var where *colscan.Error
	if !errors.As(err, &where) || !errors.Is(err, colscan.ErrFormat) {
		t.Fatalf("error = %v, want an *Error matching ErrFormat", err)
	}
	// The checksum finds it at the page's first row.
	if where.Column != "b/c" || where.Index != 1 || where.RowGroup != 1 || where.Page < 1 || rows.RowGroup() != 1 {
		t.Errorf("error is at column %q (%d), row group %d, page %d", where.Column, where.Index, where.RowGroup, where.Page)
	}
	want := fmt.Sprintf(`colscan: read column "b/c", row group 1, page %d: malformed Parquet: page checksum does not match`, where.Page)
	if err.Error() != want {
		t.Errorf("message = %s\nwant      %s", err, want)
	}
	// The error sticks to the column, the other column goes on, and the end of
	// the row group, where counts are compared, reports it.
	if _, _, again := rows.Text(1); !errors.Is(again, colscan.ErrFormat) {
		t.Errorf("second Text: error = %v", again)
	}
	if _, _, err := rows.Text(0); err != nil {
		t.Errorf("undamaged column: error = %v", err)
	}
	for rows.Next(context.Background()) {
	}
	if !errors.Is(rows.Err(), colscan.ErrFormat) {
		t.Errorf("Err = %v, want one matching ErrFormat", rows.Err())
	}
}

// FuzzRead opens and reads arbitrary bytes.
func FuzzRead(f *testing.F) {
	for _, o := range layouts() {
		f.Add(smallFile(f, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		checkDamaged(t, "input", b)
		if err := drainScan(b); err != nil && (!errors.Is(err, colscan.ErrFormat) || strings.Contains(err.Error(), "panic")) {
			t.Fatalf("in blocks: %v, want an error matching ErrFormat", err)
		}
	})
}
