package main

import (
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

const (
	// groupRows makes two row groups of the month.
	groupRows = 24
	// decimals are of ten places, as costs are, in sixteen bytes.
	scale, precision, decimalBytes = 10, 38, 16
)

func (f *fixture) write(w io.Writer, t *curtest.Table) error {
	cols := t.Columns()
	root, leaves, err := f.schema(cols)
	if err != nil {
		return err
	}
	out, err := file.NewParquetWriterWithError(w, root, file.WithWriterProps(f.properties(leaves)))
	if err != nil {
		return err
	}
	var rows []*curtest.Row
	for r := range t.Rows() {
		row := *r
		rows = append(rows, &row)
	}
	for len(rows) > 0 {
		n := min(groupRows, len(rows))
		if err := f.rowGroup(out, cols, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return out.Close()
}

func (f *fixture) properties(leaves map[string]parquet.Type) *parquet.WriterProperties {
	codec := f.codec
	if codec == compress.Codecs.Uncompressed && !strings.Contains(f.name, "uncompressed") {
		codec = compress.Codecs.Snappy // the zero value
	}
	version := parquet.DataPageV1
	if f.v2 {
		version = parquet.DataPageV2
	}
	props := []parquet.WriterProperty{
		parquet.WithDataPageVersion(version), parquet.WithCompression(codec), parquet.WithDictionaryDefault(!f.plain),
		parquet.WithDataPageSize(400), parquet.WithBatchSize(8), parquet.WithStats(false), parquet.WithCreatedBy("arrowfixtures"),
	}
	if f.limit > 0 {
		props = append(props, parquet.WithDictionaryPageSizeLimit(f.limit))
	}
	for path, typ := range leaves {
		e := parquet.Encodings.Plain
		switch typ {
		case parquet.Types.ByteArray:
			e = f.text
		case parquet.Types.Int64:
			e = f.number
		case parquet.Types.Double:
			e = f.double
		}
		if f.plain {
			props = append(props, parquet.WithEncodingFor(path, e))
		}
	}
	return parquet.NewWriterProperties(props...)
}

// schema also returns the type of each leaf by its path.
func (f *fixture) schema(cols []curtest.Column) (*schema.GroupNode, map[string]parquet.Type, error) {
	var fields schema.FieldList
	leaves := make(map[string]parquet.Type)
	rep := parquet.Repetitions.Optional
	if f.required {
		rep = parquet.Repetitions.Required
	}
	add := func(n schema.Node, err error) error {
		fields = append(fields, n)
		return err
	}
	leaf := func(name string, logical schema.LogicalType, typ parquet.Type, length int) error {
		leaves[name] = typ
		return add(schema.NewPrimitiveNodeLogical(name, rep, logical, typ, length, -1))
	}
	for _, c := range cols {
		var err error
		switch kind := c.Kind; {
		case kind == curtest.StringMap && !f.json:
			group := f.group
			if group == "" {
				group = "key_value"
			}
			for _, part := range []string{"key", "value"} {
				leaves[c.Name+"."+group+"."+part] = parquet.Types.ByteArray
			}
			err = add(f.mapNode(c.Name, group, rep))
		case kind == curtest.Double && f.decimal:
			err = leaf(c.Name, schema.NewDecimalLogicalType(precision, scale), parquet.Types.FixedLenByteArray, decimalBytes)
		case kind == curtest.Double:
			err = leaf(c.Name, schema.NoLogicalType{}, parquet.Types.Double, -1)
		case kind == curtest.Timestamp && f.times == int96:
			err = leaf(c.Name, schema.NoLogicalType{}, parquet.Types.Int96, -1)
		case kind == curtest.Timestamp && f.times != asText:
			unit := map[times]schema.TimeUnitType{millis: schema.TimeUnitMillis, micros: schema.TimeUnitMicros, nanos: schema.TimeUnitNanos}[f.times]
			err = leaf(c.Name, schema.NewTimestampLogicalType(true, unit), parquet.Types.Int64, -1)
		default:
			err = leaf(c.Name, schema.StringLogicalType{}, parquet.Types.ByteArray, -1)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	return root, leaves, err
}

func (f *fixture) mapNode(name, group string, rep parquet.Repetition) (schema.Node, error) {
	text := schema.StringLogicalType{}
	key, err := schema.NewPrimitiveNodeLogical("key", parquet.Repetitions.Required, text, parquet.Types.ByteArray, -1, -1)
	if err != nil {
		return nil, err
	}
	value, err := schema.NewPrimitiveNodeLogical("value", rep, text, parquet.Types.ByteArray, -1, -1)
	if err != nil {
		return nil, err
	}
	var entry schema.Node
	pair := schema.FieldList{key, value}
	if f.legacy {
		entry, err = schema.NewGroupNodeConverted(group, parquet.Repetitions.Repeated, pair, schema.ConvertedTypes.MapKeyValue, -1)
	} else {
		entry, err = schema.NewGroupNode(group, parquet.Repetitions.Repeated, pair, -1)
	}
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNodeLogical(name, rep, schema.FieldList{entry}, schema.MapLogicalType{}, -1)
}

// rowGroup writes rows as a row group, one column after the other.
func (f *fixture) rowGroup(out *file.Writer, cols []curtest.Column, rows []*curtest.Row) error {
	g, err := out.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for i, c := range cols {
		if c.Kind == curtest.StringMap && !f.json {
			if err := f.mapColumn(g, c.Name, rows); err != nil {
				return err
			}
			continue
		}
		texts, levels := make([]string, 0, len(rows)), make([]int16, 0, len(rows))
		for _, r := range rows {
			s := r.At(i)
			if s == "" && !f.required {
				levels = append(levels, 0)
				continue
			}
			texts, levels = append(texts, s), append(levels, 1)
		}
		if f.required {
			levels = nil
		}
		w, err := g.NextColumn()
		if err == nil {
			err = f.column(w, texts, levels)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return g.Close()
}

// column writes texts as what the column's type makes of them. A blank, which only
// required columns have, is zero.
func (f *fixture) column(w file.ColumnChunkWriter, texts []string, levels []int16) error {
	switch w := w.(type) {
	case *file.ByteArrayColumnChunkWriter:
		vals := make([]parquet.ByteArray, len(texts))
		for i, s := range texts {
			vals[i] = parquet.ByteArray(s)
		}
		_, err := w.WriteBatch(vals, levels, nil)
		return err
	case *file.Float64ColumnChunkWriter:
		vals := make([]float64, len(texts))
		for i, s := range texts {
			if s == "" {
				continue
			}
			var err error
			if vals[i], err = strconv.ParseFloat(s, 64); err != nil {
				return err
			}
		}
		_, err := w.WriteBatch(vals, levels, nil)
		return err
	case *file.FixedLenByteArrayColumnChunkWriter:
		vals := make([]parquet.FixedLenByteArray, len(texts))
		for i, s := range texts {
			var err error
			if vals[i], err = fixed(s); err != nil {
				return err
			}
		}
		_, err := w.WriteBatch(vals, levels, nil)
		return err
	case *file.Int64ColumnChunkWriter:
		vals := make([]int64, len(texts))
		for i, s := range texts {
			at, err := instant(s)
			if err != nil {
				return err
			}
			switch f.times {
			case millis:
				vals[i] = at.UnixMilli()
			case micros:
				vals[i] = at.UnixMicro()
			default:
				vals[i] = at.UnixNano()
			}
		}
		_, err := w.WriteBatch(vals, levels, nil)
		return err
	case *file.Int96ColumnChunkWriter:
		vals := make([]parquet.Int96, len(texts))
		for i, s := range texts {
			at, err := instant(s)
			if err != nil {
				return err
			}
			const day, epoch = 24 * 60 * 60, 2440588 // the Julian day of 1970-01-01
			n := uint64(at.Unix()%day) * 1e9
			vals[i] = parquet.NewInt96([3]uint32{uint32(n), uint32(n >> 32), uint32(at.Unix()/day + epoch)})
		}
		_, err := w.WriteBatch(vals, levels, nil)
		return err
	}
	return fmt.Errorf("no writer for %T", w)
}

func instant(s string) (time.Time, error) {
	if s == "" {
		return time.Unix(0, 0), nil
	}
	return time.Parse(time.RFC3339, s)
}

// fixed is the two's complement of a decimal at the columns' scale.
func fixed(s string) (parquet.FixedLenByteArray, error) {
	if s == "" {
		s = "0"
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("amount %q", s)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(scale), nil)))
	if !r.IsInt() {
		return nil, fmt.Errorf("amount %q has more than %d places", s, scale)
	}
	n := new(big.Int).Set(r.Num())
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	return n.FillBytes(make([]byte, decimalBytes)), nil
}

// mapColumn writes the two leaves of a map. A row without one has an empty map, every
// other such row a null where that can be.
func (f *fixture) mapColumn(g file.SerialRowGroupWriter, name string, rows []*curtest.Row) error {
	outer := int16(1) // the level of a map that is there
	if f.required {
		outer = 0
	}
	var keys, values []parquet.ByteArray
	var reps, keyDefs, valueDefs []int16
	for i, r := range rows {
		var pairs []curtest.Pair
		if m := r.Map(name); m != nil {
			pairs = m.Pairs()
		}
		if len(pairs) == 0 {
			def := outer
			if i%2 == 0 {
				def = 0
			}
			reps, keyDefs, valueDefs = append(reps, 0), append(keyDefs, def), append(valueDefs, def)
			continue
		}
		for j, p := range pairs {
			keys, values = append(keys, parquet.ByteArray(p.Key)), append(values, parquet.ByteArray(p.Value))
			reps, keyDefs = append(reps, int16(min(j, 1))), append(keyDefs, outer+1)
			valueDefs = append(valueDefs, 2*outer+1) // optional values are one level deeper
		}
	}
	for _, part := range []struct {
		values []parquet.ByteArray
		defs   []int16
	}{{keys, keyDefs}, {values, valueDefs}} {
		w, err := g.NextColumn()
		if err != nil {
			return err
		}
		text, ok := w.(*file.ByteArrayColumnChunkWriter)
		if !ok {
			return fmt.Errorf("column %s: no writer for %T", name, w)
		}
		if _, err := text.WriteBatch(part.values, part.defs, reps); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
	return nil
}
