package cur

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// ReaderOptions say which part of a file is of interest. What is not is hardly
// read: of Parquet, neither other columns nor pages without a row that passes.
type ReaderOptions struct {
	// Columns are what the fields and amounts of rows are filled from; nil means
	// all that LineItem has. The others are blank and absent. Payer, billing
	// period, line item type and currency, by which control totals are kept, and
	// the columns of Where are always there. So is every column that LineItem has
	// no field for: it is read when [LineItem.Column] asks.
	Columns []Column
	// Where passes over rows that [Where.MatchRow] does not match. What is wrong
	// in them may go unnoticed, and control totals leave them out.
	Where Where
	// Faults says what becomes of rows that cannot be read.
	Faults Faults
	// MaxRow bounds a row of CSV, and with it the memory that a quote which nobody
	// closes can take; 0 means 16 MiB.
	MaxRow int

	byRows bool // without blocks
	summed bool // see Reader.digest

	_ struct{}
}

// Reader reads the rows of one file: CSV (plain, gzip or zip) or Parquet, in any
// of the formats of this package, told apart by content and header. It is used
// by one goroutine.
type Reader struct {
	ctx     context.Context
	info    Info
	row     *row
	text    io.Reader // of CSV
	ahead   *ahead    // decompresses the text; nil where there is nothing to decompress
	blocks  *blocks   // reads the rows of Parquet; nil: row reads them one by one
	where   compiled
	format  Format
	n       int64 // rows read or passed over
	err     error // sticky
	have    MeasureSet
	control map[ControlKey]*Measures
	lastKey ControlKey
	last    *Measures
	summed  bool      // the digest will be asked for
	sum     hash.Hash // of the decompressed text; nil for Parquet
	file    File
	close   []func() error

	maxRow   int
	leaveOut func(*RowError, *LineItem) error // decides on faulty rows; nil: none is left out
	faults   *faultLog
}

// NewReader reads the header of f. It does not take f over: the caller closes
// it after the Reader. ErrFormat means that f is no cost and usage report, or
// that it is damaged. An empty file has no header, no columns and no rows. The
// context ends reading between rows. Nil options mean all of every row.
func NewReader(ctx context.Context, f File, o *ReaderOptions) (*Reader, error) {
	r := &Reader{ctx: ctx, info: f.Info(), file: f, control: make(map[ControlKey]*Measures), maxRow: maxRecord}
	if o != nil {
		if err := o.check(); err != nil {
			return nil, err
		}
		r.maxRow, r.summed = cmp.Or(o.MaxRow, maxRecord), o.summed
		r.collect(o.Faults)
	}
	dec, err := r.open(f)
	if err == nil {
		r.close = append(r.close, dec.close)
		r.row, r.format, err = bind(dec, r.info.Name)
	}
	if errors.Is(err, errNoHeader) {
		r.err = io.EOF
		return r, nil
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("cur: open %q: %w", r.info.Name, err)
	}
	r.have = r.row.measures()
	if o != nil {
		if o.Columns != nil {
			r.have = r.row.project(o, r.have)
		}
		r.where = compile(o.Where)
	}
	if d, ok := dec.(*parquetDecoder); ok && (o == nil || !o.byRows && !o.Faults.active()) {
		if r.blocks = newBlocks(r, d); r.blocks != nil {
			r.close = append(r.close, r.blocks.close)
		}
	}
	return r, nil
}

func (o *ReaderOptions) check() error {
	if o.Faults.Most < 0 || o.MaxRow < 0 {
		return fmt.Errorf("cur: open: at most %d faults, rows of %d bytes", o.Faults.Most, o.MaxRow)
	}
	for _, clause := range o.Where.Any {
		for _, c := range clause {
			if !c.Op.known() {
				return fmt.Errorf("cur: open: predicate on column %q: unknown operator %q", c.Column, c.Op)
			}
		}
	}
	return nil
}

// open tells the container by its first bytes.
func (r *Reader) open(f File) (decoder, error) {
	size := r.info.Size
	if size == 0 {
		return nil, errNoHeader
	}
	magic := make([]byte, min(4, size))
	if _, err := f.ReadAt(magic, 0); err != nil && err != io.EOF {
		return nil, err
	}
	var text io.Reader
	if !bytes.HasPrefix(magic, []byte("PAR1")) && !bytes.HasPrefix(magic, []byte("PK\x03\x04")) {
		s := sequential(f)
		r.close = append(r.close, s.Close)
		text = s
	}
	switch {
	case bytes.HasPrefix(magic, []byte("PAR1")):
		pf, err := colscan.Open(f, size)
		if errors.Is(err, colscan.ErrFormat) {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		} else if err != nil {
			return nil, err
		}
		return newParquet(r.ctx, pf), nil
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bufio.NewReaderSize(text, 64<<10)) // fewer calls than by itself
		if err != nil {
			return nil, damaged("gzip", err)
		}
		r.close = append(r.close, z.Close)
		r.ahead = &ahead{in: z}
		text = r.ahead
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		e, err := openZip(f, size)
		if err != nil {
			return nil, err
		}
		r.close = append(r.close, e.Close)
		r.ahead = &ahead{in: e}
		text = r.ahead
	}
	r.text = text
	if r.summed {
		r.sum = sha256.New()
		text = io.TeeReader(text, r.sum)
	}
	d, err := newCSV(text, r.maxRow)
	if err != nil && err != errNoHeader {
		return nil, damaged("header", err)
	}
	return d, err
}

// openZip opens the one file of a zip.
func openZip(f File, size int64) (io.ReadCloser, error) {
	// The section keeps a damaged directory from asking f for places outside of it,
	// which would be errors of its source.
	z, err := zip.NewReader(io.NewSectionReader(f, 0, size), size)
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, io.EOF) {
		// The directory is at the end: one that is not there was cut off.
		return nil, fmt.Errorf("%w: %w: %w", ErrFormat, ErrTruncated, err)
	}
	if err != nil {
		return nil, damaged("zip", err)
	}
	if len(z.File) != 1 {
		return nil, fmt.Errorf("%w: zip holds %d files, want one", ErrFormat, len(z.File))
	}
	e, err := z.File[0].Open()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, damaged("zip", err)
	}
	return e, nil
}

// damaged says where a file is damaged. What its source failed with is not the
// file's fault and stays what it is.
func damaged(part string, err error) error {
	switch err := textError(err); {
	case errors.Is(err, ErrFormat):
		return fmt.Errorf("%s: %w", part, err)
	case errors.Is(err, ErrTruncated), errors.Is(err, errQuote), errors.Is(err, errBareQuote), errors.Is(err, errRecord):
		return fmt.Errorf("%w: %s: %w", ErrFormat, part, err)
	}
	return fmt.Errorf("%s: %w", part, err)
}

// Format returns the family the header belongs to, FormatUnknown for an empty
// file.
func (r *Reader) Format() Format { return r.format }

// Columns returns the header as spelled.
func (r *Reader) Columns() []string {
	if r.row == nil {
		return nil
	}
	return slices.Clone(r.row.header)
}

// Read fills li with the next row, overwriting what was there. Strings may be
// kept, as may copies of li but for its look-ups, which are valid until the next
// Read. A string that is kept may keep some 16 KiB of others alive: to hold few of
// very many, use strings.Clone. io.EOF comes after the last row. Any other error is
// the context's, or a *RowError with file, row, column and cell, and is final:
// every later call returns it again.
func (r *Reader) Read(li *LineItem) error {
	if b := r.blocks; b != nil && b.at < len(b.order) && r.err == nil && r.row.err == nil {
		*li = *b.give() // in short what read does
		return nil
	}
	if r.err == nil {
		r.err = r.read(li)
	}
	return r.err
}

func (r *Reader) read(li *LineItem) error {
	if err := r.row.err; err != nil {
		return err // a look-up in the row before failed
	}
	if b := r.blocks; b != nil {
		b.count()
		ok, err := b.next()
		if ok {
			*li = *b.give()
			return nil
		}
		if c := r.ctx.Err(); c != nil {
			return r.at(c)
		}
		if err == nil {
			r.n = b.first
			return io.EOF
		}
		// One of the rows ahead cannot be read, or something in them takes
		// reading them one by one, which then says what and where.
		r.n = b.leave()
		r.blocks = nil
	}
	for {
		err := r.advance()
		if err == io.EOF {
			return err
		}
		n := r.n
		if err == nil {
			err = r.take(li)
		}
		switch {
		case err != nil:
			if err := r.faulty(err, li); err != nil {
				return err
			}
		case r.n == n:
			r.n++ // passed over
		default:
			return nil
		}
	}
}

// advance moves to the next row.
func (r *Reader) advance() error {
	if r.n&0x3ff == 0 {
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	r.row.n = r.n + 1
	return r.row.dec.next()
}

// take fills li with the current row, and counts it when it passes.
func (r *Reader) take(li *LineItem) error {
	if err := r.row.fill(li); err != nil {
		return err
	}
	if !r.where.match(li) {
		return r.row.err
	}
	r.n++
	li.measure(r.totals(&ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType}), r.have)
	return nil
}

// at gives an error of the row being read its file and row.
func (r *Reader) at(err error) error {
	if c := r.ctx.Err(); c != nil && errors.Is(err, c) {
		return fmt.Errorf("cur: read %q: %w", r.info.Name, err)
	}
	var e *RowError
	if !errors.As(err, &e) {
		e = &RowError{Err: err}
	}
	e.Source, e.Row = r.info.Name, r.n+1
	return e
}

// totals returns the control totals of rows of a key. They owe nothing to any
// grouping.
func (r *Reader) totals(k *ControlKey) *Measures {
	if r.last == nil || *k != r.lastKey {
		m := r.control[*k]
		if m == nil {
			own := ControlKey{strings.Clone(k.Payer), k.BillingPeriod, strings.Clone(k.Currency), strings.Clone(k.LineItemType)}
			m = new(Measures)
			r.control[own] = m
		}
		r.last, r.lastKey = m, *k
	}
	return r.last
}

// readAhead decompresses in a goroutine until stopAhead.
func (r *Reader) readAhead() {
	if r.ahead != nil {
		r.ahead.start(r.ctx)
	}
}

func (r *Reader) stopAhead() {
	if r.ahead != nil {
		r.ahead.stop()
	}
}

// All ranges over the rows that are left. A row that is yielded is for looking at
// until the next one: [LineItem.Clone] it to keep it or to change it, for what is
// changed in place may stay so in later rows. A failure ends the sequence with (nil, error); the end of the file ends
// it without one. The sequence can be used once. While it lasts a compressed file
// is decompressed by a goroutine of its own.
func (r *Reader) All() iter.Seq2[*LineItem, error] {
	return func(yield func(*LineItem, error) bool) {
		r.readAhead()
		defer r.stopAhead()
		var li LineItem
		for {
			for b := r.blocks; b != nil && b.at < len(b.order) && r.err == nil && r.row.err == nil; {
				if !yield(b.give(), nil) { // in short what Read does
					return
				}
			}
			switch err := r.Read(&li); {
			case err == io.EOF:
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(&li, nil):
				return
			}
		}
	}
}

// Control returns the totals of the rows read so far, of the amounts read.
func (r *Reader) Control() []Control {
	if r.blocks != nil {
		r.blocks.count()
	}
	out := make([]Control, 0, len(r.control))
	for k, m := range r.control {
		if m.Rows > 0 { // none is left where the only row was rejected
			out = append(out, Control{k, *m})
		}
	}
	slices.SortFunc(out, func(a, b Control) int { return a.Key.Compare(b.Key) })
	return out
}

// digest returns the SHA-256 of the content once all rows were read: of the
// decompressed text, for which the reader must have been told beforehand, or of the
// file for Parquet.
func (r *Reader) digest() (string, error) {
	h := r.sum
	if h == nil {
		h = sha256.New()
		whole := sequential(r.file)
		defer whole.Close()
		in := ctxReader{r.ctx, whole}
		if _, err := io.CopyBuffer(h, in, make([]byte, 256<<10)); err != nil {
			return "", fmt.Errorf("cur: read %q: %w", r.info.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ctxReader ends with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// Close releases what the Reader holds, but not the file.
func (r *Reader) Close() error {
	r.stopAhead()
	var errs []error
	for _, f := range slices.Backward(r.close) {
		errs = append(errs, f())
	}
	r.close = nil
	return errors.Join(errs...)
}
