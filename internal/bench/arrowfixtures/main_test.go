package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// The committed files are of the shapes that their names claim, as arrow-go reads them.
func TestCommittedFilesAreWhatTheyClaim(t *testing.T) {
	const dir = "../../../cur/testdata/arrow"
	names, err := filepath.Glob(dir + "/*.parquet")
	if err != nil || len(names) != len(fixtures) {
		t.Fatalf("%d files, %v; want %d", len(names), err, len(fixtures))
	}
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			r, err := file.OpenParquetFile(filepath.Join(dir, f.name+".parquet"), false)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if r.NumRowGroups() != 2 || r.NumRows() != 40 {
				t.Errorf("%d row groups, %d rows", r.NumRowGroups(), r.NumRows())
			}
			// An id that no dictionary is good for, a double, and a time.
			f.check(t, r, "identity_line_item_id", f.text)
			f.check(t, r, "line_item_unblended_cost", f.double)
			f.check(t, r, "line_item_usage_start_date", f.number)
		})
	}
}

func (f *fixture) check(t *testing.T, r *file.Reader, column string, fallback parquet.Encoding) {
	t.Helper()
	i := r.MetaData().Schema.ColumnIndexByName(column)
	if i < 0 {
		t.Fatalf("no column %s", column)
	}
	typ := r.MetaData().Schema.Column(i).PhysicalType()
	chunk, err := r.MetaData().RowGroup(0).ColumnChunk(i)
	if err != nil {
		t.Fatal(err)
	}
	if want := f.codec; chunk.Compression() != want && !(want == compress.Codecs.Uncompressed && chunk.Compression() == compress.Codecs.Snappy) {
		t.Errorf("%s: codec %v", column, chunk.Compression())
	}
	pages, err := r.RowGroup(0).GetColumnPageReader(i)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for pages.Next() {
		p := pages.Page()
		s := fmt.Sprintf("%T %v", p, parquet.Encoding(p.Encoding()))
		if !slices.Contains(got, s) {
			got = append(got, s)
		}
	}
	if pages.Err() != nil {
		t.Fatal(pages.Err())
	}
	all := strings.Join(got, ", ")
	t.Logf("%s: %s: %s", column, typ, all)
	want := []string{map[bool]string{false: "DataPageV1", true: "DataPageV2"}[f.v2]}
	if f.plain && !(typ == parquet.Types.ByteArray && column != "identity_line_item_id") {
		switch typ {
		case parquet.Types.Int96, parquet.Types.FixedLenByteArray:
			fallback = parquet.Encodings.Plain
		case parquet.Types.ByteArray:
			fallback = f.text
		}
		want = append(want, fallback.String())
	}
	if !f.plain && typ != parquet.Types.Int96 { // of which arrow-go makes no dictionaries
		want = append(want, "DICTIONARY")
	}
	if f.limit > 0 && column == "identity_line_item_id" {
		want = append(want, parquet.Encodings.Plain.String())
	}
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%s: pages are %s, want some of %s", column, all, w)
		}
	}
	if column == "line_item_usage_start_date" {
		if want := map[times]parquet.Type{int96: parquet.Types.Int96, asText: parquet.Types.ByteArray}; f.times >= int96 && typ != want[f.times] || f.times < int96 && typ != parquet.Types.Int64 {
			t.Errorf("%s is of type %v", column, typ)
		}
	}
}
