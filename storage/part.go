package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// A Part says where a body is that is too large for one record, and what it is.
// Its chunks are unaudited records of one kind, created and never changed. On
// their own they mean nothing: a part counts from the commit that writes its
// Part value into some record, typically the head of a generation, so that a
// set of parts appears at once or not at all.
type Part struct {
	Key    Key      // chunk n is the record {Key.Partition, Key.Sort + "/" + n with 8 digits}
	Chunks int      // number of chunks; an empty body has none
	Size   int64    // bytes of the body
	Digest [32]byte // SHA-256 of the body
}

const chunkDigits = 8

func (p *Part) chunk(n int) Key {
	return Key{Partition: p.Key.Partition, Sort: fmt.Sprintf("%s/%0*d", p.Key.Sort, chunkDigits, n)}
}

// WritePart reads body to its end and stores it as chunks under k. The chunks
// are committed in several batches. Repeating it, after a crash say, with the
// same body is harmless: chunks that are there already are passed over. Another
// body under the same key is an ErrConflict; so a key should name the attempt or
// the content. Errors are those of Commit, and those of body.
func (s *Store) WritePart(ctx context.Context, k Key, kind string, schema uint16, body io.Reader) (Part, error) {
	p := Part{Key: k}
	err := s.writeChunks(ctx, &p, kind, schema, body)
	if err != nil {
		return Part{}, fmt.Errorf("storage: write part %s: %w", k, err)
	}
	return p, nil
}

func (s *Store) writeChunks(ctx context.Context, p *Part, kind string, schema uint16, body io.Reader) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	// Checked for an empty body too: whether a key is good must not depend on
	// the amount of data.
	if err := (Key{Partition: p.Key.Partition, Sort: p.chunk(0).Sort}).check(); err != nil {
		return err
	}
	sum := sha256.New()
	var b Batch
	size := 0
	for eof := false; !eof; {
		data := make([]byte, MaxData)
		n, err := io.ReadFull(body, data)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			eof = true
		case err != nil:
			return err
		}
		sum.Write(data[:n])
		if n > 0 {
			put := Put{Key: p.chunk(p.Chunks), Kind: kind, Schema: schema, Data: data[:n]}
			if size+put.size() > MaxBatch {
				if err := s.create(ctx, &b); err != nil {
					return err
				}
				b, size = Batch{}, 0
			}
			b.Puts = append(b.Puts, put)
			size += put.size()
			p.Chunks++
			p.Size += int64(n)
		}
	}
	sum.Sum(p.Digest[:0])
	return s.create(ctx, &b)
}

// create commits puts that create records, passing over those that are there
// with the same content: a head covers key and content, so equal stamps at
// version 1 mean equal records.
func (s *Store) create(ctx context.Context, b *Batch) error {
	for len(b.Puts) > 0 {
		_, err := s.commit(ctx, Request{}, b, nil)
		var c *ConflictError
		if !errors.As(err, &c) {
			return err
		}
		kept := b.Puts[:0:0]
		for _, p := range b.Puts {
			if p.Key == c.Key && sealPut(&p).Next == c.Got {
				continue
			}
			kept = append(kept, p)
		}
		if len(kept) == len(b.Puts) {
			return err
		}
		b.Puts = kept
	}
	return nil
}

// ReadPart returns a reader over the body of p, chunk by chunk; it is used by
// one goroutine. Its error is ErrGone when a chunk is not there and ErrCorrupt
// when the body is not the one that was written: what was read before is then
// not to be trusted. Other errors are those of Get.
func (s *Store) ReadPart(ctx context.Context, p Part) io.Reader {
	return &partReader{store: s, ctx: ctx, part: p, sum: sha256.New()}
}

type partReader struct {
	store *Store
	ctx   context.Context
	part  Part
	next  int
	size  int64
	sum   hash.Hash
	chunk []byte
	err   error
}

func (r *partReader) Read(b []byte) (int, error) {
	for len(r.chunk) == 0 && r.err == nil {
		r.err = r.advance()
	}
	if len(r.chunk) == 0 {
		return 0, r.err
	}
	n := copy(b, r.chunk)
	r.chunk = r.chunk[n:]
	return n, nil
}

// advance loads the next chunk, or ends with io.EOF after comparing the whole.
// The last chunk is handed out only when the digest fits, so that a reader of a
// one-chunk part never sees bytes it should not trust.
func (r *partReader) advance() error {
	if r.next < r.part.Chunks {
		k := r.part.chunk(r.next)
		e, err := r.store.get(r.ctx, k)
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: chunk %d of %d is missing", ErrGone, r.next+1, r.part.Chunks)
		}
		if err != nil {
			return fmt.Errorf("storage: read part %s: %w", r.part.Key, err)
		}
		r.sum.Write(e.payload)
		r.size += int64(len(e.payload))
		r.next++
		r.chunk = e.payload
	}
	if r.next < r.part.Chunks {
		return nil
	}
	if r.size != r.part.Size || [32]byte(r.sum.Sum(nil)) != r.part.Digest {
		r.chunk = nil
		return fmt.Errorf("storage: read part %s: %w", r.part.Key, &CorruptError{
			Key:    r.part.Key,
			Reason: "chunks do not add up to the part that was written",
			Remedy: "restore it from an export or a backup",
		})
	}
	if len(r.chunk) > 0 {
		return nil
	}
	return io.EOF
}
