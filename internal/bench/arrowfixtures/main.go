// Command arrowfixtures writes one small month by arrow-go in every shape that writers
// of cost reports use, for a reader that was only ever tested with files of another
// library to be tested with.
//
//	go run ./arrowfixtures ../../cur/testdata/arrow
//
// The month is written as CSV beside them: whatever the shape, a file holds the same
// rows. What is written is a function of this program, of the month generator and of
// arrow-go's version; the test that reads the files needs none of them.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// times says how timestamps are stored.
type times int

const (
	millis times = iota
	micros
	nanos
	int96
	asText
)

// fixture is one shape of file. The zero value has pages of version 1, dictionaries,
// milliseconds, nullable columns, Snappy, and maps as the format wants them.
type fixture struct {
	name     string
	v2       bool
	plain    bool             // no dictionaries
	limit    int64            // of a dictionary in bytes; the chunk then goes on without one
	text     parquet.Encoding // of texts without dictionary
	number   parquet.Encoding // of integers without dictionary
	double   parquet.Encoding // of doubles without dictionary
	times    times
	required bool
	group    string // the repeated group of a map; "" means key_value
	legacy   bool   // the group is annotated as writers before 2.4 did
	json     bool   // maps are text
	decimal  bool   // amounts are decimals
	codec    compress.Compression
}

var fixtures = []fixture{
	{name: "v1-dictionary-millis"},
	{name: "v2-dictionary-millis", v2: true},
	{name: "v1-dictionary-micros-group-map", times: micros, group: "map", legacy: true},
	{name: "v2-dictionary-int96-group-entries", v2: true, times: int96, group: "entries"},
	{name: "v1-dictionary-then-plain-int96", limit: 600, times: int96},
	{name: "v2-dictionary-then-plain-micros", v2: true, limit: 600, times: micros},
	{name: "v1-plain-millis", plain: true},
	{name: "v2-plain-int96", v2: true, plain: true, times: int96},
	{name: "v1-delta-millis", plain: true, text: parquet.Encodings.DeltaByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	{name: "v2-delta-millis", v2: true, plain: true, text: parquet.Encodings.DeltaByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	{name: "v2-delta-length-micros", v2: true, plain: true, times: micros, text: parquet.Encodings.DeltaLengthByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	{name: "v1-delta-length-nanos", plain: true, times: nanos, text: parquet.Encodings.DeltaLengthByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	{name: "v1-required-millis", required: true},
	{name: "v1-required-int96-plain", required: true, plain: true, times: int96},
	{name: "v2-required-delta-micros-group-map", v2: true, required: true, plain: true, times: micros, group: "map",
		text: parquet.Encodings.DeltaByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	{name: "v2-required-dictionary-then-plain", v2: true, required: true, limit: 600},
	{name: "v1-json-maps", json: true},
	{name: "v2-json-maps-required-text-times", v2: true, json: true, required: true, times: asText},
	{name: "v2-decimals", v2: true, decimal: true},
	{name: "v1-decimals-plain-required", decimal: true, plain: true, required: true},
	{name: "v1-gzip", codec: compress.Codecs.Gzip},
	{name: "v2-zstd", v2: true, codec: compress.Codecs.Zstd},
	{name: "v2-uncompressed-delta", v2: true, plain: true, codec: compress.Codecs.Uncompressed,
		text: parquet.Encodings.DeltaByteArray, number: parquet.Encodings.DeltaBinaryPacked},
	// No writer of cost reports uses these; a reader may refuse them, by name.
	{name: "refused-brotli", codec: compress.Codecs.Brotli},
	{name: "refused-lz4", v2: true, codec: compress.Codecs.Lz4Raw},
	{name: "refused-byte-stream-split", v2: true, plain: true, double: parquet.Encodings.ByteStreamSplit},
}

// columns are those of the month: all that a key and its measures are made of, and one
// that no dictionary is good for.
var columns = []string{
	"bill_bill_type", "bill_billing_entity", "bill_billing_period_start_date", "bill_invoice_id", "bill_payer_account_id",
	"identity_line_item_id", "identity_time_interval", "line_item_currency_code", "line_item_iam_principal",
	"line_item_line_item_type", "line_item_net_unblended_cost", "line_item_operation", "line_item_product_code",
	"line_item_resource_id", "line_item_unblended_cost", "line_item_usage_account_id", "line_item_usage_amount",
	"line_item_usage_end_date", "line_item_usage_start_date", "line_item_usage_type", "pricing_public_on_demand_cost",
	"pricing_unit", "product", "product_product_family", "product_region_code", "resource_tags",
}

func month() (*curtest.Table, error) {
	all, err := new(curtest.Config).Table()
	if err != nil {
		return nil, err
	}
	c := curtest.Config{Rows: 40, AIShare: 70, EDP: 7, Roles: 6, Resources: 8, OtherResources: 8}
	for _, col := range all.Columns() {
		if !slices.Contains(columns, col.Name) {
			c.Omit = append(c.Omit, col.Name)
		}
	}
	return c.Table()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: arrowfixtures FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	t, err := month()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if _, err := t.WriteCSV(&text); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "month.csv"), text.Bytes(), 0o644); err != nil {
		return err
	}
	for _, f := range fixtures {
		var b bytes.Buffer
		if err := f.write(&b, t); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name+".parquet"), b.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Printf("%7d %s\n", b.Len(), f.name)
	}
	return nil
}
