package colscan_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// A writer of version 2 pages that gives up a dictionary goes on with a DELTA encoding
// in the same chunk. The library that files are written with here falls back to PLAIN
// alone, so such a chunk is joined from two of its files.
func TestDictionaryFallsBackToDelta(t *testing.T) {
	for _, tt := range []struct {
		name  string
		node  parquet.Node
		delta parquet.Node
		value func(i int) parquet.Value
		text  func(i int) string
	}{
		{"bytes", parquet.String(), parquet.Encoded(parquet.String(), &parquet.DeltaByteArray),
			func(i int) parquet.Value { return parquet.ByteArrayValue([]byte(fmt.Sprint("line-item-", i*i))) },
			func(i int) string { return fmt.Sprint("line-item-", i*i) }},
		{"lengths", parquet.String(), parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray),
			func(i int) parquet.Value { return parquet.ByteArrayValue([]byte(fmt.Sprint("line-item-", i*i))) },
			func(i int) string { return fmt.Sprint("line-item-", i*i) }},
		{"integers", parquet.Leaf(parquet.Int64Type), parquet.Encoded(parquet.Leaf(parquet.Int64Type), &parquet.DeltaBinaryPacked),
			func(i int) parquet.Value { return parquet.Int64Value(int64(i * i * i)) },
			func(i int) string { return fmt.Sprint(i * i * i) }},
	} {
		for _, version := range []int{1, 2} {
			for _, optional := range []bool{false, true} {
				for _, codec := range []compress.Codec{&parquet.Snappy, &parquet.Uncompressed} {
					t.Run(fmt.Sprintf("%s v%d optional %v %v", tt.name, version, optional, codec), func(t *testing.T) {
						dict, delta := parquet.Encoded(tt.node, &parquet.RLEDictionary), tt.delta
						def := 0
						if optional {
							dict, delta, def = parquet.Optional(dict), parquet.Optional(delta), 1
						}
						var rows [2][]parquet.Row
						var want []string
						for part := range rows {
							for i := range 150 {
								if i += part * 1000; optional && i%7 == 3 {
									rows[part], want = append(rows[part], parquet.Row{parquet.NullValue().Level(0, 0, 0)}), append(want, null)
									continue
								}
								k := i
								if part == 0 {
									k = i % 10 // what a dictionary is good for
								}
								rows[part], want = append(rows[part], parquet.Row{tt.value(k).Level(0, def, 0)}), append(want, tt.text(k))
							}
						}
						options := []parquet.WriterOption{parquet.DataPageVersion(version), parquet.Compression(codec), parquet.PageBufferSize(300)}
						b := join(t, writeForeign(t, parquet.Group{"c": dict}, rows[0], options...), writeForeign(t, parquet.Group{"c": delta}, rows[1], options...))
						f := open(t, b)
						testForeignBlocks(t, f, want)
						for i, row := range readAll(t, f, every) {
							got := row[0].Text
							if row[0].Null {
								got = null
							}
							if got != want[i] {
								t.Fatalf("row %d = %q, want %q", i, got, want[i])
							}
						}
						if f.NumRows() != int64(len(want)) {
							t.Errorf("%d rows, want %d", f.NumRows(), len(want))
						}
					})
				}
			}
		}
	}
}

// join appends the pages of the only chunk of b to those of a.
func join(t *testing.T, a, b []byte) []byte {
	t.Helper()
	metadata := func(b []byte) (*format.FileMetaData, *format.ColumnMetaData) {
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		m := f.Metadata()
		if len(m.RowGroups) != 1 || len(m.RowGroups[0].Columns) != 1 {
			t.Fatal("not one chunk")
		}
		return m, &m.RowGroups[0].Columns[0].MetaData
	}
	meta, first := metadata(a)
	more, second := metadata(b)
	start := first.DataPageOffset
	if d := first.DictionaryPageOffset; d > 0 {
		start = min(start, d)
	}
	pages := slices.Concat(a[start:start+first.TotalCompressedSize], b[second.DataPageOffset:second.DataPageOffset+second.TotalCompressedSize])
	first.DataPageOffset += 4 - start
	first.DictionaryPageOffset += 4 - start
	first.TotalCompressedSize += second.TotalCompressedSize
	first.TotalUncompressedSize += second.TotalUncompressedSize
	first.NumValues += second.NumValues
	first.Encoding = append(first.Encoding, second.Encoding...)
	meta.RowGroups[0].NumRows += more.NumRows
	meta.NumRows += more.NumRows
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.Concat([]byte("PAR1"), pages, footer, binary.LittleEndian.AppendUint32(nil, uint32(len(footer))), []byte("PAR1"))
	if _, err := colscan.Open(bytes.NewReader(out), int64(len(out))); err != nil {
		t.Fatal(err)
	}
	return out
}
