package storage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// An export is, in format 1, integers big-endian:
//
//	"spendclaim export 1\n"
//	for each item, in canonical order:
//	  role     u8       1 record, 2 entry
//	  key      partition (u16 length, bytes), sort (u16 length, bytes)
//	  version  u64
//	  head     [32]
//	  body     u32 length, bytes: sealed, as drivers keep it
//	0        u8
//	count    u64      of items
//	digest   [32]     SHA-256 of all of the above
//
// Canonical order is by partition and sort key, a record before its entries, entries
// by version. Nothing in it depends on the driver.
const (
	exportTitle  = "spendclaim export "
	exportFormat = 1
	// maxBody bounds a sealed body: the data, and what the envelope adds.
	maxBody = MaxData + 4096
)

// Export writes everything the store holds to w, receipts and chunks included, with
// versions and heads. Stores with the same content give the same bytes, whatever
// their drivers. What it writes is the state of one instant: it is an ErrConflict
// when somebody writes meanwhile. Everything is verified on the way, so errors are
// those of Verify, and those of w. After an error the bytes written are no export.
func (s *Store) Export(ctx context.Context, w io.Writer) (Report, error) {
	var a auditor
	x := &exporter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	x.write([]byte(fmt.Sprintf("%s%d\n", exportTitle, exportFormat)))
	count := uint64(0)
	err := s.walk(ctx, func(it *Item) error {
		if _, err := a.item(it); err != nil {
			return err
		}
		count++
		x.item(it)
		return x.err
	})
	if err == nil {
		err = a.end()
	}
	if err == nil {
		x.write(binary.BigEndian.AppendUint64([]byte{0}, count))
		x.write(x.sum.Sum(nil))
		if err = x.err; err == nil {
			err = x.w.Flush()
		}
	}
	if err != nil {
		return Report{}, fmt.Errorf("storage: export: %w", err)
	}
	return a.report, nil
}

type exporter struct {
	w   *bufio.Writer
	sum hash.Hash
	err error
}

func (x *exporter) write(b []byte) {
	if x.err == nil {
		x.sum.Write(b)
		_, x.err = x.w.Write(b)
	}
}

func (x *exporter) item(it *Item) {
	b := []byte{roleRecord}
	if it.Entry {
		b[0] = roleEntry
	}
	b = appendKey(b, it.Key)
	b = binary.BigEndian.AppendUint64(b, it.Stamp.Version)
	b = append(b, it.Stamp.Head[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(it.Body)))
	x.write(b)
	x.write(it.Body)
}

// ImportOptions adjusts Import. The zero value and nil import into an empty store.
type ImportOptions struct {
	// Resume goes on with an import that was interrupted: what is there must be
	// part of the export.
	Resume bool

	_ struct{}
}

// Import fills the store, which must be empty, with an export: versions, heads,
// logs and receipts stay what they were. Every item is verified before it is written.
// It is an ErrConflict when the store is not empty or holds something else, an
// ErrCorrupt when the export is damaged or cut short, an ErrNewer when a newer
// release wrote it. After an error the store is incomplete: repeat with Resume, or
// throw it away. The driver must be a Restorer.
func (s *Store) Import(ctx context.Context, r io.Reader, o *ImportOptions) (Report, error) {
	if o == nil {
		o = new(ImportOptions)
	}
	report, err := s.restore(ctx, r, o)
	if err != nil {
		return Report{}, fmt.Errorf("storage: import: %w", err)
	}
	return report, nil
}

func (s *Store) restore(ctx context.Context, r io.Reader, o *ImportOptions) (Report, error) {
	if err := s.ready(ctx); err != nil {
		return Report{}, err
	}
	driver, ok := s.driver.(Restorer)
	if !ok {
		return Report{}, errors.New("the driver cannot take over items of another")
	}
	if !o.Resume {
		there, err := s.inventory(ctx)
		if err != nil {
			return Report{}, err
		}
		if n := len(there.items); n > 0 {
			return Report{}, fmt.Errorf("%w: the store is not empty: %d items, the first %s", ErrConflict, n, there.items[0].key)
		}
	}
	var (
		a     auditor
		batch []Item
		size  int
		want  inventory
	)
	flush := func() error {
		err := s.offer(ctx, driver, batch)
		batch, size = nil, 0
		return err
	}
	in := &importer{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	for {
		it, more, err := in.next()
		if err != nil {
			return Report{}, err
		}
		if !more {
			break
		}
		if _, err := a.item(&it); err != nil {
			return Report{}, err
		}
		want.add(identity{key: it.Key, stamp: it.Stamp, entry: it.Entry})
		// The engines' own limits, less room for keys and attribute names.
		cost := len(it.Body) + 2*(len(it.Key.Partition)+len(it.Key.Sort)) + 128
		if len(batch) == MaxItems || size+cost > MaxBatch {
			if err := flush(); err != nil {
				return Report{}, err
			}
		}
		batch, size = append(batch, it), size+cost
	}
	if err := a.end(); err != nil {
		return Report{}, err
	}
	if err := flush(); err != nil {
		return Report{}, err
	}
	got, err := s.inventory(ctx)
	if err == nil && got.sum != want.sum {
		err = fmt.Errorf("%w: the store holds %d items, the export %d: it was not empty, or somebody wrote to it", ErrConflict, len(got.items), len(want.items))
	}
	return a.report, err
}

// offer restores one batch, again while the engine is unavailable. A batch whose
// answer was lost may be repeated, for what is there already is left alone.
func (s *Store) offer(ctx context.Context, driver Restorer, batch []Item) error {
	for attempt := 0; len(batch) > 0; attempt++ {
		err := driver.Restore(ctx, batch)
		again := errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknownOutcome)
		if !again || attempt+1 >= s.attempts || pause(ctx, attempt) != nil {
			return err
		}
	}
	return nil
}

type importer struct {
	r     *bufio.Reader
	sum   hash.Hash
	begun bool
	count uint64
}

var errCut = &CorruptError{Reason: "the export is cut short", Remedy: "use another copy of it"}

// read reads n bytes that the digest covers. It allocates as the bytes arrive.
func (x *importer) read(n int) ([]byte, error) {
	if n <= 4096 {
		b := make([]byte, n)
		got, err := io.ReadFull(x.r, b)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCut
		}
		x.sum.Write(b[:got])
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(x.r, int64(n)))
	if err == nil && len(b) < n {
		err = errCut
	}
	x.sum.Write(b)
	return b, err
}

func (x *importer) bad(reason string) error {
	return &CorruptError{Reason: fmt.Sprintf("item %d of the export: %s", x.count+1, reason), Remedy: "use another copy of it"}
}

// next returns the next item, or false at the end, which it has then checked.
func (x *importer) next() (it Item, more bool, err error) {
	if !x.begun {
		if err := x.title(); err != nil {
			return it, false, err
		}
	}
	role, err := x.read(1)
	if err != nil {
		return it, false, err
	}
	switch role[0] {
	case 0:
		return it, false, x.end()
	case roleRecord, roleEntry:
		it.Entry = role[0] == roleEntry
	default:
		return it, false, x.bad("unknown role")
	}
	for _, half := range []struct {
		text  *string
		limit int
	}{{&it.Key.Partition, MaxPartition}, {&it.Key.Sort, MaxSort}} {
		size, err := x.read(2)
		if err != nil {
			return it, false, err
		}
		b, err := x.read(int(binary.BigEndian.Uint16(size)))
		if err != nil {
			return it, false, err
		}
		if *half.text = string(b); checkName("key", *half.text, half.limit) != nil {
			return it, false, x.bad("not a key")
		}
	}
	b, err := x.read(8 + 32 + 4)
	if err != nil {
		return it, false, err
	}
	it.Stamp = Stamp{Version: binary.BigEndian.Uint64(b), Head: [32]byte(b[8:40])}
	n := binary.BigEndian.Uint32(b[40:])
	if n > maxBody {
		return it, false, x.bad(fmt.Sprintf("body of %d bytes", n))
	}
	it.Body, err = x.read(int(n))
	x.count++
	return it, err == nil, err
}

func (x *importer) title() error {
	line, err := x.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	x.begun = true
	x.sum.Write(line)
	return checkTitle(string(bytes.TrimSuffix(line, []byte("\n"))), exportTitle, exportFormat)
}

// end checks the trailer, and that nothing follows it.
func (x *importer) end() error {
	b, err := x.read(8)
	if err != nil {
		return err
	}
	want := x.sum.Sum(nil)
	digest, err := x.read(len(want))
	if err != nil {
		return err
	}
	if binary.BigEndian.Uint64(b) != x.count || !bytes.Equal(digest, want) {
		return x.bad("count or digest at the end do not match")
	}
	if _, err := x.r.ReadByte(); !errors.Is(err, io.EOF) {
		return x.bad("something follows the end")
	}
	return nil
}
