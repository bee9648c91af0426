package colscan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/spendclaim/spendclaim/internal/colscan"
)

// Files in this test are written by parquet-go, in the shapes and encodings
// that other writers of cost data use.

// leafCase is a leaf, the values to write, and the texts to expect; the empty
// parquet.Value is null.
type leafCase struct {
	name   string
	node   parquet.Node
	kind   colscan.Kind
	values []parquet.Value
	texts  []string
}

const null = "<null>"

func ints(node parquet.Node, kind colscan.Kind, text func(int64) string, values ...int64) (c leafCase) {
	c.node, c.kind = node, kind
	for _, v := range values {
		if node.Type().Kind() == parquet.Int32 {
			c.values = append(c.values, parquet.Int32Value(int32(v)))
		} else {
			c.values = append(c.values, parquet.Int64Value(v))
		}
		c.texts = append(c.texts, text(v))
	}
	return c
}

func decimalText(v int64) string {
	s := new(big.Rat).SetFrac64(v, 1000).FloatString(3)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func leafCases() []leafCase {
	const day = 86400
	plain := func(v int64) string { return strconv.FormatInt(v, 10) }
	at := func(unit int64) func(int64) string {
		return func(v int64) string {
			return time.Unix(0, 0).Add(time.Duration(v * unit)).UTC().Format(time.RFC3339Nano)
		}
	}
	many := []int64{0, 1, -1, 5, 5, 5, 5, 1 << 40, math.MaxInt64, math.MinInt64, -7, 42}
	small := []int64{0, 1, -1, 5, 5, 5, 1 << 20, math.MaxInt32, math.MinInt32, 17}
	for i := range int64(300) { // several delta blocks
		many = append(many, i*i*i)
		small = append(small, i*7%1000)
	}
	moments := []int64{0, 1, 1777593600000, 1777593600001}
	fixed := func(width int, v int64) parquet.Value {
		b := make([]byte, width)
		for i := range b {
			b[i] = byte(v >> min(63, 8*(width-1-i)))
		}
		return parquet.FixedLenByteArrayValue(b)
	}
	cases := []leafCase{
		ints(parquet.Leaf(parquet.Int64Type), colscan.Int64, plain, many...),
		ints(parquet.Int(64), colscan.Int64, plain, many...),
		ints(parquet.Leaf(parquet.Int32Type), colscan.Int64, plain, small...),
		ints(parquet.Int(8), colscan.Int64, plain, -128, 127),
		ints(parquet.Uint(64), colscan.Int64, func(v int64) string { return strconv.FormatUint(uint64(v), 10) }, 0, 1, -1),
		ints(parquet.Uint(32), colscan.Int64, func(v int64) string { return strconv.FormatUint(uint64(uint32(v)), 10) }, 0, 1, -1),
		ints(parquet.Timestamp(parquet.Millisecond), colscan.Timestamp, at(1e6), moments...),
		ints(parquet.Timestamp(parquet.Microsecond), colscan.Timestamp, at(1e3), 0, 1, 1777593600000001),
		ints(parquet.Timestamp(parquet.Nanosecond), colscan.Timestamp, at(1), 0, 1, 1777593600000000001),
		ints(parquet.TimestampAdjusted(parquet.Millisecond, false), colscan.Timestamp, at(1e6), moments...),
		ints(parquet.Date(), colscan.Timestamp, at(day*1e9), 0, 1, -1, 20574),
		ints(parquet.Decimal(3, 9, parquet.Int32Type), colscan.Decimal, decimalText, 0, 1, -1, 1500, 123456789),
		ints(parquet.Decimal(3, 18, parquet.Int64Type), colscan.Decimal, decimalText, 0, 1, -1, 1000, math.MinInt64),
	}
	decimals := leafCase{node: parquet.Decimal(3, 30, parquet.FixedLenByteArrayType(13)), kind: colscan.Decimal}
	varDecimals := leafCase{node: parquet.Decimal(3, 30, parquet.ByteArrayType), kind: colscan.Decimal}
	for _, v := range []int64{0, 1, -1, 1000, math.MaxInt64, math.MinInt64} {
		decimals.values = append(decimals.values, fixed(13, v))
		decimals.texts = append(decimals.texts, decimalText(v))
		varDecimals.values = append(varDecimals.values, parquet.ByteArrayValue(fixed(9, v).ByteArray()))
		varDecimals.texts = append(varDecimals.texts, decimalText(v))
	}
	// A width at which the least number has no sign bytes to spare.
	tight := leafCase{node: parquet.Decimal(3, 18, parquet.FixedLenByteArrayType(8)), kind: colscan.Decimal}
	for _, v := range []int64{0, math.MinInt64, math.MaxInt64, -1} {
		tight.values, tight.texts = append(tight.values, fixed(8, v)), append(tight.texts, decimalText(v))
	}
	int96 := leafCase{node: parquet.Leaf(parquet.Int96Type), kind: colscan.Timestamp}
	for _, tt := range []struct {
		nanos uint64
		day   uint32
		text  string
	}{{0, 2440588, "1970-01-01T00:00:00Z"}, {1, 2440589, "1970-01-02T00:00:00.000000001Z"}, {3_600_000_000_000, 2461162, "2026-05-01T01:00:00Z"}} {
		int96.values = append(int96.values, parquet.Int96Value(deprecated.Int96{uint32(tt.nanos), uint32(tt.nanos >> 32), tt.day}))
		int96.texts = append(int96.texts, tt.text)
	}
	doubles := leafCase{node: parquet.Leaf(parquet.DoubleType), kind: colscan.Double}
	floats := leafCase{node: parquet.Leaf(parquet.FloatType), kind: colscan.Double}
	for _, x := range []float64{0, 0.1, -0.0000018403, 26024.855, 1e21, math.Inf(1), math.NaN()} {
		doubles.values = append(doubles.values, parquet.DoubleValue(x))
		doubles.texts = append(doubles.texts, strconv.FormatFloat(x, 'f', -1, 64))
		floats.values = append(floats.values, parquet.FloatValue(float32(x)))
		floats.texts = append(floats.texts, strconv.FormatFloat(x, 'f', -1, 32))
	}
	bools := leafCase{node: parquet.Leaf(parquet.BooleanType), kind: colscan.Bool}
	for i := range 50 {
		bools.values = append(bools.values, parquet.BooleanValue(i%3 == 0 || i > 30))
		bools.texts = append(bools.texts, strconv.FormatBool(i%3 == 0 || i > 30))
	}
	strs := leafCase{node: parquet.String(), kind: colscan.String}
	for i := range 400 {
		s := []string{"", "AmazonBedrock", fmt.Sprint("AmazonBedrock", i), "x", strings.Repeat("é", i%90)}[i%5]
		strs.values = append(strs.values, parquet.ByteArrayValue([]byte(s)))
		strs.texts = append(strs.texts, s)
	}
	cases = append(cases, decimals, varDecimals, tight, int96, doubles, floats, bools, strs)
	json := strs
	json.node = parquet.JSON()
	cases = append(cases, json)
	for i := range cases {
		cases[i].name = strings.ReplaceAll(fmt.Sprintf("%02d %v", i, cases[i].node.Type()), "/", " ")
	}
	return cases
}

// root is a schema of one column; with several it would sort them.
func writeForeign(t failer, root parquet.Group, rows []parquet.Row, options ...parquet.WriterOption) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[any](&buf, append(options, parquet.NewSchema("r", root))...)
	for len(rows) > 0 {
		n := min(len(rows), 37)
		if _, err := w.WriteRows(rows[:n]); err != nil {
			t.Fatalf("WriteRows: %v", err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return buf.Bytes()
}

func TestForeignLeaves(t *testing.T) {
	// An encoding that does not fit a type is refused by the writer's library,
	// with a panic; those pairs are not listed.
	fits := func(c leafCase, enc string) bool {
		switch kind := c.node.Type().Kind(); enc {
		case "dictionary":
			return kind != parquet.Boolean
		case "delta packed":
			return kind == parquet.Int32 || kind == parquet.Int64
		case "delta length":
			return kind == parquet.ByteArray
		case "delta bytes":
			return kind == parquet.ByteArray || kind == parquet.FixedLenByteArray
		case "rle":
			return kind == parquet.Boolean
		}
		return true
	}
	codecs := []compress.Codec{&parquet.Snappy, &parquet.Uncompressed, &parquet.Gzip, &parquet.Zstd}
	encodings := []string{"plain", "dictionary", "delta packed", "delta length", "delta bytes", "rle"}
	n := 0
	for _, c := range leafCases() {
		for _, enc := range encodings {
			if !fits(c, enc) {
				continue
			}
			for _, version := range []int{1, 2} {
				for _, optional := range []bool{false, true} {
					n++
					codec := codecs[n/3%len(codecs)]
					page := []int{500, 100_000}[n/5%2]
					name := fmt.Sprintf("%s %s v%d optional %v %v %d", c.name, enc, version, optional, codec, page)
					t.Run(name, func(t *testing.T) { testForeignLeaf(t, c, enc, version, optional, codec, page) })
				}
			}
		}
	}
}

func testForeignLeaf(t *testing.T, c leafCase, enc string, version int, optional bool, codec compress.Codec, page int) {
	node := c.node
	switch enc {
	case "plain":
		node = parquet.Encoded(node, &parquet.Plain)
	case "dictionary":
		node = parquet.Encoded(node, &parquet.RLEDictionary)
	case "delta packed":
		node = parquet.Encoded(node, &parquet.DeltaBinaryPacked)
	case "delta length":
		node = parquet.Encoded(node, &parquet.DeltaLengthByteArray)
	case "delta bytes":
		node = parquet.Encoded(node, &parquet.DeltaByteArray)
	case "rle":
		node = parquet.Encoded(node, &parquet.RLE)
	}
	def := 0
	if optional {
		node, def = parquet.Optional(node), 1
	}
	var rows []parquet.Row
	var want []string
	for range 3 { // repeated, so that dictionaries and pages have something to do
		for i, v := range c.values {
			rows, want = append(rows, parquet.Row{v.Level(0, def, 0)}), append(want, c.texts[i])
			if optional && i%4 == 1 {
				for range 1 + i%20 {
					rows, want = append(rows, parquet.Row{parquet.NullValue().Level(0, 0, 0)}), append(want, null)
				}
			}
		}
	}
	b := writeForeign(t, parquet.Group{"c": node}, rows, parquet.DataPageVersion(version),
		parquet.Compression(codec), parquet.PageBufferSize(page))
	f := open(t, b)
	testForeignBlocks(t, f, want)
	if got, want := f.Columns()[0], (colscan.Column{Name: "c", Kind: c.kind, Optional: optional}); got != want {
		t.Fatalf("column = %+v, want %+v", got, want)
	}
	// All rows, then with gaps, so that values are skipped too.
	for _, step := range []int64{1, 3, 50, 1 << 40} {
		asked := func(row int64, _ int) bool { return row%step == step/2 }
		for i, row := range readAll(t, f, asked) {
			got := row[0].Text
			if row[0].Null {
				got = null
			}
			if asked(int64(i), 0) && got != want[i] {
				t.Fatalf("every %d rows: row %d = %q, want %q", step, i, got, want[i])
			}
		}
	}
}

// TestFloatIsShortestDecimal: a FLOAT column means what its digits say, not
// the digits that widening to a double reveals.
func TestFloatIsShortestDecimal(t *testing.T) {
	rows := []parquet.Row{{parquet.FloatValue(0.1)}, {parquet.FloatValue(-3e-7)}, {parquet.FloatValue(0)}, {parquet.FloatValue(16777216)}}
	f := open(t, writeForeign(t, parquet.Group{"c": parquet.Leaf(parquet.FloatType)}, rows))
	cursor := f.Rows()
	defer cursor.Close()
	for _, want := range []float64{0.1, -3e-7, 0, 16777216} {
		cursor.Next(context.Background())
		if got, _, err := cursor.Float(0); got != want || err != nil {
			t.Errorf("Float = %v, %v; want %v", got, err, want)
		}
	}
}

// renamedMap is a map whose repeated group has another name, with optional or
// required values, as several writers make them.
func renamedMap(group string, value parquet.Node) parquet.Node {
	return parquet.Group{group: parquet.Repeated(parquet.Group{"key": parquet.String(), "value": value})}
}

func TestForeignMaps(t *testing.T) {
	text := func(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }
	none := parquet.NullValue()
	for _, tt := range []struct {
		name     string
		node     parquet.Node
		kind     colscan.Kind
		outer    int // levels of the outer group
		valueDef int // of a value that is there, above the entry
		value    func(string) parquet.Value
		want     []string
	}{
		{"annotated", parquet.Map(parquet.String(), parquet.String()), colscan.Map, 0, 0, text,
			[]string{"{}", `{"a":"1","b":"2"}`, "{}", `{"a":"x\"\\\u000a","c":"1"}`}},
		{"optional with optional values", parquet.Optional(parquet.Map(parquet.String(), parquet.Optional(parquet.String()))), colscan.Map, 1, 1, text,
			[]string{"{}", `{"a":"1","b":"2"}`, null, `{"a":"x\"\\\u000a"}`}},
		{"group named map", parquet.Optional(renamedMap("map", parquet.String())), colscan.Map, 1, 0, text,
			[]string{"{}", `{"a":"1","b":"2"}`, null, `{"a":"x\"\\\u000a","c":"1"}`}},
		{"any group name", renamedMap("bag", parquet.Optional(parquet.String())), colscan.Map, 0, 1, text,
			[]string{"{}", `{"a":"1","b":"2"}`, "{}", `{"a":"x\"\\\u000a"}`}},
		{"numbers", parquet.Optional(parquet.Map(parquet.String(), parquet.Optional(parquet.Leaf(parquet.DoubleType)))), colscan.DoubleMap, 1, 1,
			func(s string) parquet.Value { x, _ := strconv.ParseFloat(s, 64); return parquet.DoubleValue(x) },
			[]string{"{}", `{"a":1,"b":2}`, null, `{"a":"NaN"}`}},
		{"whole numbers", parquet.Map(parquet.String(), parquet.Leaf(parquet.Int64Type)), colscan.Map, 0, 0,
			func(s string) parquet.Value { n, _ := strconv.ParseInt(s, 10, 64); return parquet.Int64Value(n) },
			[]string{"{}", `{"a":"1","b":"2"}`, "{}", `{"a":"0","c":"1"}`}},
	} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s v%d", tt.name, version), func(t *testing.T) {
				last := "x\"\\\n"
				if tt.kind == colscan.DoubleMap {
					last = "NaN"
				}
				entry := tt.outer + 1
				row := func(pairs ...string) (r parquet.Row) {
					for i := 0; i < len(pairs); i += 2 {
						r = append(r, text(pairs[i]).Level(min(i, 1), entry, 0))
					}
					for i := 1; i < len(pairs); i += 2 {
						v, def := tt.value(pairs[i]), entry+tt.valueDef
						if pairs[i-1] == "c" && tt.valueDef > 0 {
							v, def = none, entry
						}
						r = append(r, v.Level(min(i-1, 1), def, 1))
					}
					return r
				}
				empty := parquet.Row{none.Level(0, tt.outer, 0), none.Level(0, tt.outer, 1)}
				missing := parquet.Row{none.Level(0, 0, 0), none.Level(0, 0, 1)}
				var rows []parquet.Row
				for range 60 {
					rows = append(rows, empty, row("b", "2", "a", "1"), missing, row("a", last, "c", "1"))
				}
				f := open(t, writeForeign(t, parquet.Group{"m": tt.node}, rows, parquet.DataPageVersion(version), parquet.PageBufferSize(200)))
				if got := f.Columns()[0].Kind; got != tt.kind {
					t.Fatalf("kind = %v, want %v", got, tt.kind)
				}
				for _, step := range []int64{1, 3} {
					for i, r := range readAll(t, f, func(row int64, _ int) bool { return row%step == 0 }) {
						got, want := r[0].Text, tt.want[i%4]
						if r[0].Null {
							got = null
						}
						if int64(i)%step == 0 && got != want {
							t.Fatalf("every %d rows: row %d = %s, want %s", step, i, got, want)
						}
					}
				}
			})
		}
	}
}

func TestForeignStructsAndLists(t *testing.T) {
	inner := parquet.Optional(parquet.Group{"amount": parquet.Optional(parquet.Leaf(parquet.DoubleType)), "kind": parquet.String()})
	rows := []parquet.Row{
		{parquet.DoubleValue(1.5).Level(0, 2, 0), parquet.ByteArrayValue([]byte("edp")).Level(0, 1, 1)},
		{parquet.NullValue().Level(0, 1, 0), parquet.ByteArrayValue([]byte("")).Level(0, 1, 1)},
		{parquet.NullValue().Level(0, 0, 0), parquet.NullValue().Level(0, 0, 1)},
	}
	f := open(t, writeForeign(t, parquet.Group{"discount": inner}, rows))
	want := [][]cell{{{Text: `{"amount":"1.5","kind":"edp"}`}}, {{Text: `{"kind":""}`}}, {{Null: true}}}
	if diff := cmp.Diff(want, readAll(t, f, every)); diff != "" || f.Columns()[0].Kind != colscan.Map {
		t.Errorf("structure: kind %v (-want +got)\n%s", f.Columns()[0].Kind, diff)
	}
	list := parquet.List(parquet.String())
	f = open(t, writeForeign(t, parquet.Group{"l": list}, []parquet.Row{{parquet.NullValue().Level(0, 0, 0)}}))
	cursor := f.Rows()
	defer cursor.Close()
	cursor.Next(context.Background())
	if _, _, err := cursor.Text(0); !errors.Is(err, colscan.ErrKind) || f.Columns()[0].Kind != colscan.Other {
		t.Errorf("list: kind %v, error = %v", f.Columns()[0].Kind, err)
	}
	if cursor.Next(context.Background()) || cursor.Err() != nil {
		t.Errorf("a column that cannot be read disturbs the rows: %v", cursor.Err())
	}
}
