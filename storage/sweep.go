package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Retired names a part that no record points at any more, and since when.
type Retired struct {
	Part Part
	At   time.Time
}

// Sweep deletes the chunks of the parts that were retired before cutoff, which the
// caller takes a grace period back from now, so that readers that hold an older
// pointer can finish. Those that take longer get ErrGone from ReadPart. It returns
// how many of the parts, from the first, are gone for certain. Repeating it, after a
// crash say, is harmless. That no record points at a part is for the caller to know;
// the pointer has to be replaced in a commit before the part is retired. Errors are
// those of Commit.
func (s *Store) Sweep(ctx context.Context, parts []Retired, cutoff time.Time) (swept int, err error) {
	for i := range parts {
		if !parts[i].At.Before(cutoff) {
			continue
		}
		if err := s.sweep(ctx, &parts[i].Part); err != nil {
			return swept, fmt.Errorf("storage: sweep part %s: %w", parts[i].Part.Key, err)
		}
		swept++
	}
	return swept, nil
}

// sweep deletes from the front: a part without its first chunk is gone at once for
// every reader that begins.
func (s *Store) sweep(ctx context.Context, p *Part) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	span := Prefix(p.Key.Partition, p.Key.Sort+"/")
	if err := span.check(); err != nil {
		return err
	}
	var b Batch
	for r, err := range s.Range(ctx, span) {
		if err != nil {
			return err
		}
		if !p.owns(r.Key) {
			continue
		}
		b.Deletes = append(b.Deletes, Delete{Key: r.Key, Prev: r.Stamp})
		if len(b.Deletes) == MaxItems {
			if err := s.drop(ctx, &b); err != nil {
				return err
			}
			b = Batch{}
		}
	}
	return s.drop(ctx, &b)
}

// owns reports whether k is the key of a chunk of p. Keys of other parts may begin
// alike.
func (p *Part) owns(k Key) bool {
	prefix := p.Key.Sort + "/"
	if len(k.Sort) != len(prefix)+chunkDigits {
		return false
	}
	n, err := strconv.ParseUint(k.Sort[len(prefix):], 10, 32)
	return err == nil && p.chunk(int(n)) == k && int(n) < p.Chunks
}

// drop commits deletions, passing over records that are gone already.
func (s *Store) drop(ctx context.Context, b *Batch) error {
	for len(b.Deletes) > 0 {
		_, err := s.commit(ctx, Request{}, b, nil)
		var c *ConflictError
		if !errors.As(err, &c) || !c.Got.IsZero() {
			return err
		}
		kept := b.Deletes[:0:0]
		for _, d := range b.Deletes {
			if d.Key != c.Key {
				kept = append(kept, d)
			}
		}
		b.Deletes = kept
	}
	return nil
}
