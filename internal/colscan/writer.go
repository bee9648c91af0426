package colscan

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// Codec is how a [Writer] compresses pages.
type Codec uint8

// The codecs. Cost exports use Snappy.
const (
	Snappy Codec = iota
	Gzip
	Zstd
	Uncompressed
)

// WriterOptions are the options of [NewWriter]; nil means all defaults.
type WriterOptions struct {
	// RowGroupRows is the number of rows to a row group, 100,000 by default.
	// A row group is held in memory, compressed, until it is written.
	RowGroupRows int
	// PageVersion is the version of the data pages, 1 or 2; 2 by default.
	PageVersion int
	// PageBytes is about how much a page holds before compression, 256 KiB by
	// default.
	PageBytes int
	// DictionaryLimit is the size in bytes beyond which a column, but of truth values,
	// gives up its dictionary for the rest of the row group; 1 MiB by default,
	// negative for no dictionaries at all.
	DictionaryLimit int
	// Required makes every column required, as legacy exports do: a value
	// that is not set is blank, zero, 1970 or an empty map.
	Required bool
	// KeyValue is the metadata for the footer.
	KeyValue map[string]string
	Codec    Codec

	_ struct{}
}

const (
	defaultRowGroupRows    = 100_000
	defaultPageBytes       = 256 << 10
	defaultDictionaryLimit = 1 << 20
	// batchRows is how many rows are gathered before the columns take them.
	batchRows = 512
)

// A Writer writes rows to a Parquet file: values are set by column index, in
// any order, and [Writer.EndRow] ends the row. A value that is not set is null
// in an optional column. Errors stick: the first one is returned by EndRow and
// Close, so Set methods need no checks. The bytes are a function of the
// columns, options and rows alone.
type Writer struct {
	w       *parquet.GenericWriter[any]
	columns []outColumn
	group   int // rows to a row group
	rows    int // in the current row group
	batch   int // rows gathered
	arena   []byte
	err     error
}

// outColumn is a column to write: one leaf, or two for a map.
type outColumn struct {
	Column
	leaf     int
	def      int // definition level of a value, or of an empty map
	set      bool
	blank    parquet.Value // see blankOf
	values   []parquet.Value
	items    []parquet.Value // of a map's value leaf
	keySink  *parquet.ColumnWriter
	itemSink *parquet.ColumnWriter
}

// NewWriter returns a Writer of a file with the given columns. Columns of kind
// Decimal and Other cannot be written; that error, too, waits for EndRow.
func NewWriter(w io.Writer, columns []Column, o *WriterOptions) *Writer {
	var opt WriterOptions
	if o != nil {
		opt = *o
	}
	out := &Writer{group: opt.RowGroupRows}
	if out.group <= 0 {
		out.group = defaultRowGroupRows
	}
	root := orderedGroup{}
	leaf := 0
	for _, c := range columns {
		c.Optional = c.Optional && !opt.Required
		oc := outColumn{Column: c, leaf: leaf}
		if c.Optional {
			oc.def = 1
		}
		oc.blank = oc.blankOf()
		n, leaves := nodeOf(c, opt.DictionaryLimit >= 0)
		if n == nil {
			out.err = fmt.Errorf("colscan: write column %q: %w: it is a %v column", c.Name, ErrKind, c.Kind)
			return out
		}
		leaf += leaves
		root.fields = append(root.fields, orderedField{n, c.Name})
		out.columns = append(out.columns, oc)
	}
	config, err := opt.config(parquet.NewSchema("spendclaim", root), leaf)
	if err != nil {
		out.err = fmt.Errorf("colscan: write: %w", err)
		return out
	}
	// Cost exports carry no statistics. As a field of config this default
	// cannot be switched off.
	out.w = parquet.NewGenericWriter[any](w, config, parquet.DataPageStatistics(false))
	sinks := out.w.ColumnWriters()
	for i := range out.columns {
		c := &out.columns[i]
		c.keySink = sinks[c.leaf]
		if c.Kind == Map || c.Kind == DoubleMap {
			c.itemSink = sinks[c.leaf+1]
		}
	}
	return out
}

func (o *WriterOptions) config(schema *parquet.Schema, leaves int) (*parquet.WriterConfig, error) {
	c := parquet.DefaultWriterConfig()
	c.Schema = schema
	// The library's default names the build, which would make files differ.
	c.CreatedBy = "spendclaim"
	c.KeyValueMetadata = o.KeyValue
	c.SkipPageBounds = append(c.SkipPageBounds, schema.Columns()...)
	c.PageBufferSize = defaultPageBytes
	if o.PageBytes > 0 {
		c.PageBufferSize = o.PageBytes
	}
	c.DictionaryMaxBytes = defaultDictionaryLimit
	if o.DictionaryLimit > 0 {
		c.DictionaryMaxBytes = int64(o.DictionaryLimit)
	}
	switch o.PageVersion {
	case 0, 1, 2:
		if o.PageVersion > 0 {
			c.DataPageVersion = o.PageVersion
		}
	default:
		return nil, fmt.Errorf("no page version %d", o.PageVersion)
	}
	codecs := [...]compress.Codec{Snappy: &parquet.Snappy, Gzip: &parquet.Gzip, Zstd: &parquet.Zstd, Uncompressed: &parquet.Uncompressed}
	if int(o.Codec) >= len(codecs) {
		return nil, fmt.Errorf("no codec %d", o.Codec)
	}
	c.Compression = codecs[o.Codec]
	return c, c.Validate()
}

// nodeOf returns the schema of a column and its number of leaves.
func nodeOf(c Column, dictionary bool) (parquet.Node, int) {
	coded := func(n parquet.Node) parquet.Node {
		if dictionary {
			n = parquet.Encoded(n, &parquet.RLEDictionary)
		}
		return n
	}
	text := coded(parquet.String())
	var n parquet.Node
	leaves := 1
	switch c.Kind {
	case String:
		n = text
	case Double:
		n = coded(parquet.Leaf(parquet.DoubleType))
	case Int64:
		n = coded(parquet.Int(64))
	case Bool:
		n = parquet.Leaf(parquet.BooleanType)
	case Timestamp:
		n = coded(parquet.Timestamp(parquet.Millisecond))
	case Map:
		n, leaves = parquet.Map(text, parquet.Optional(text)), 2
	case DoubleMap:
		n, leaves = parquet.Map(text, parquet.Optional(coded(parquet.Leaf(parquet.DoubleType)))), 2
	default:
		return nil, 0
	}
	if c.Optional {
		n = parquet.Optional(n)
	}
	return n, leaves
}

// orderedGroup is a schema root that keeps the order of its fields and lets
// names repeat; the library's own group is a map and sorts.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

func (g orderedGroup) Fields() []parquet.Field { return g.fields }

type orderedField struct {
	parquet.Node
	name string
}

func (f orderedField) Name() string { return f.name }

// Value is not used: the Writer hands over columns, never Go structures.
func (f orderedField) Value(reflect.Value) reflect.Value { return reflect.Value{} }

// value sets the current row's value of a column of one of the given kinds.
func (w *Writer) value(col int, v parquet.Value, kind Kind) {
	c := w.column(col, kind, kind)
	if c == nil {
		return
	}
	c.values = append(c.values, v.Level(0, c.def, c.leaf))
}

// column returns a column to be set, or nil after noting what is wrong.
func (w *Writer) column(col int, kind, alternative Kind) *outColumn {
	if w.err != nil {
		return nil
	}
	c := &w.columns[col]
	switch {
	case c.Kind != kind && c.Kind != alternative:
		w.err = fmt.Errorf("colscan: write column %q: %w: it is a %v column", c.Name, ErrKind, c.Kind)
	case c.set:
		w.err = fmt.Errorf("colscan: write column %q: set twice in one row", c.Name)
	}
	if w.err != nil {
		return nil
	}
	c.set = true
	return c
}

// bytes copies s to where it stays until the batch is written.
func (w *Writer) bytes(s string) []byte {
	n := len(w.arena)
	w.arena = append(w.arena, s...)
	return w.arena[n:len(w.arena):len(w.arena)]
}

// SetText sets a String column.
func (w *Writer) SetText(col int, s string) {
	w.value(col, parquet.ByteArrayValue(w.bytes(s)), String)
}

// SetFloat sets a Double column.
func (w *Writer) SetFloat(col int, x float64) { w.value(col, parquet.DoubleValue(x), Double) }

// SetInt sets an Int64 column.
func (w *Writer) SetInt(col int, n int64) { w.value(col, parquet.Int64Value(n), Int64) }

// SetBool sets a Bool column.
func (w *Writer) SetBool(col int, b bool) { w.value(col, parquet.BooleanValue(b), Bool) }

// SetTime sets a Timestamp column, in milliseconds; the rest is cut off.
func (w *Writer) SetTime(col int, t time.Time) {
	w.value(col, parquet.Int64Value(t.UnixMilli()), Timestamp)
}

// SetMap sets a Map column, or with values that are decimal text a DoubleMap
// column, to the pairs in the order given.
func (w *Writer) SetMap(col int, pairs []Pair) {
	c := w.column(col, Map, DoubleMap)
	if c == nil {
		return
	}
	if len(pairs) == 0 {
		c.empty(c.def)
		return
	}
	for i, p := range pairs {
		item := parquet.ByteArrayValue(w.bytes(p.Value))
		if c.Kind == DoubleMap {
			x, err := strconv.ParseFloat(p.Value, 64)
			if err != nil {
				w.err = fmt.Errorf("colscan: write column %q: %w", c.Name, err)
				return
			}
			item = parquet.DoubleValue(x)
		}
		rep := min(i, 1)
		c.values = append(c.values, parquet.ByteArrayValue(w.bytes(p.Key)).Level(rep, c.def+1, c.leaf))
		c.items = append(c.items, item.Level(rep, c.def+2, c.leaf+1))
	}
}

// empty appends a map without entries, or null, by the definition level.
func (c *outColumn) empty(def int) {
	c.values = append(c.values, parquet.NullValue().Level(0, def, c.leaf))
	c.items = append(c.items, parquet.NullValue().Level(0, def, c.leaf+1))
}

// blankOf returns what a column of one leaf holds where nothing was set.
func (c *outColumn) blankOf() parquet.Value {
	var v parquet.Value
	switch {
	case c.Optional:
		v = parquet.NullValue()
	case c.Kind == String:
		v = parquet.ByteArrayValue(nil)
	case c.Kind == Double:
		v = parquet.DoubleValue(0)
	case c.Kind == Bool:
		v = parquet.BooleanValue(false)
	default:
		v = parquet.Int64Value(0)
	}
	return v.Level(0, 0, c.leaf)
}

// EndRow ends the current row.
func (w *Writer) EndRow() error {
	if w.err != nil {
		return w.err
	}
	for i := range w.columns {
		c := &w.columns[i]
		switch {
		case c.set:
			c.set = false
		case c.itemSink != nil:
			c.empty(0) // null when optional, else empty
		default:
			c.values = append(c.values, c.blank)
		}
	}
	w.batch++
	w.rows++
	if w.batch == batchRows || w.rows == w.group {
		w.flush()
	}
	if w.rows == w.group && w.err == nil {
		w.rows = 0
		w.fail(w.w.Flush())
	}
	return w.err
}

// flush hands the gathered rows to the columns.
func (w *Writer) flush() {
	for i := range w.columns {
		c := &w.columns[i]
		c.values = w.send(c.keySink, c.values)
		if c.itemSink != nil {
			c.items = w.send(c.itemSink, c.items)
		}
	}
	w.batch, w.arena = 0, w.arena[:0]
}

func (w *Writer) send(sink *parquet.ColumnWriter, values []parquet.Value) []parquet.Value {
	if w.err == nil && len(values) > 0 {
		_, err := sink.WriteRowValues(values)
		w.fail(err)
	}
	clear(values)
	return values[:0]
}

func (w *Writer) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("colscan: write: %w", err)
	}
}

var errClosed = errors.New("colscan: write: closed")

// Close writes what is left and the footer. It does not close the underlying
// writer.
func (w *Writer) Close() error {
	switch {
	case w.err == errClosed:
		return nil
	case w.err != nil:
		return w.err
	}
	w.flush()
	if w.err == nil {
		w.fail(w.w.Close())
	}
	if err := w.err; err != nil {
		return err
	}
	w.err = errClosed
	return nil
}
