package storage

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits that hold on every driver. They are those of the strictest engine
// (Amazon DynamoDB: 100 actions and 4 MB a transaction, 400 KB an item), less
// what the store adds.
const (
	// MaxItems bounds puts, their entries, deletes, checks, and one more for the
	// receipt when the commit carries a Request.
	MaxItems = 100
	// MaxData bounds the Data of a put, and likewise its Entry.
	MaxData = 350 << 10
	// MaxBatch bounds the bytes of all data, entries and keys of a batch.
	MaxBatch = 3 << 20
	// MaxPartition and MaxSort bound the halves of a key, in bytes.
	MaxPartition = 1024
	MaxSort      = 512

	maxKind = 64

	// reserved begins the partitions of this package.
	reserved = "$"
	// lastRune sorts after everything a key may hold: it closes a Prefix.
	lastRune = unicode.MaxRune
)

// checkName reports why s cannot be a half of a key.
func checkName(what, s string, limit int) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: %s is empty", ErrInvalidKey, what)
	case len(s) > limit:
		return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrInvalidKey, what, len(s), limit)
	}
	return checkText(what, s, false)
}

// checkText reports why s cannot be part of a key. A bound may hold lastRune.
func checkText(what, s string, bound bool) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %s %q is not valid UTF-8", ErrInvalidKey, what, s)
	}
	for i, r := range s {
		if unicode.IsControl(r) || (r == lastRune && !bound) {
			return fmt.Errorf("%w: %s %q holds %U at byte %d", ErrInvalidKey, what, s, r, i)
		}
	}
	return nil
}

// check reports why k cannot be the key of a caller's record.
func (k Key) check() error {
	if err := checkName("partition", k.Partition, MaxPartition); err != nil {
		return err
	}
	if strings.HasPrefix(k.Partition, reserved) {
		return fmt.Errorf("%w: partition %q begins with the reserved %q", ErrInvalidKey, k.Partition, reserved)
	}
	return checkName("sort key", k.Sort, MaxSort)
}

func (s Span) check() error {
	if err := (Key{Partition: s.Partition, Sort: "-"}).check(); err != nil {
		return err
	}
	for _, bound := range []string{s.From, s.To} {
		if err := checkText("bound", bound, true); err != nil {
			return err
		}
		if len(bound) > MaxSort+utf8.UTFMax {
			return fmt.Errorf("%w: bound of %d bytes, at most %d", ErrInvalidKey, len(bound), MaxSort+utf8.UTFMax)
		}
	}
	if s.Limit < 0 {
		return fmt.Errorf("%w: limit %d is negative", ErrInvalidKey, s.Limit)
	}
	return nil
}

func (r Request) check() error {
	if r.ID == "" {
		if r.Digest != [32]byte{} {
			return fmt.Errorf("%w: request has a digest and no id", ErrInvalidKey)
		}
		return nil
	}
	return checkName("request id", r.ID, MaxSort)
}

// checkBatch reports whether b is well formed and within the limits. It looks
// at the batch alone; what the stored records demand is checked when sealing.
func checkBatch(r Request, b *Batch) error {
	items := len(b.Puts) + len(b.Deletes) + len(b.Checks)
	if r.ID != "" {
		items++
	}
	for i := range b.Puts {
		if b.Puts[i].Entry != nil {
			items++
		}
	}
	if items > MaxItems {
		return fmt.Errorf("%w: batch of %d items, at most %d", ErrTooLarge, items, MaxItems)
	}
	seen := make(map[Key]bool, items)
	size := 0
	item := func(k Key, s Stamp) error {
		if err := k.check(); err != nil {
			return err
		}
		if seen[k] {
			return fmt.Errorf("%w: %s appears twice", ErrInvalidBatch, k)
		}
		seen[k] = true
		size += len(k.Partition) + len(k.Sort)
		if s.Version == 0 && !s.IsZero() || s.Version == math.MaxUint64 {
			return fmt.Errorf("%w: %s: stamp %s cannot exist", ErrInvalidBatch, k, s)
		}
		return nil
	}
	for i := range b.Puts {
		p := &b.Puts[i]
		if err := item(p.Key, p.Prev); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		size += p.size() - len(p.Key.Partition) - len(p.Key.Sort)
	}
	for _, d := range b.Deletes {
		if err := item(d.Key, d.Prev); err != nil {
			return err
		}
		if d.Prev.IsZero() {
			return fmt.Errorf("%w: delete of %s names no stamp", ErrInvalidBatch, d.Key)
		}
	}
	for _, c := range b.Checks {
		if err := item(c.Key, c.Stamp); err != nil {
			return err
		}
	}
	if size > MaxBatch {
		return fmt.Errorf("%w: batch of %d bytes, at most %d", ErrTooLarge, size, MaxBatch)
	}
	return nil
}

// check reports what is wrong with a put besides its key and stamp.
func (p *Put) check() error {
	if p.Kind == "" || len(p.Kind) > maxKind || checkText("kind", p.Kind, false) != nil {
		return fmt.Errorf("%w: %s: kind %q is not text of 1 to %d bytes", ErrInvalidBatch, p.Key, p.Kind, maxKind)
	}
	if p.Entry != nil && len(p.Entry) == 0 {
		// Whether nothing or an empty line was meant cannot be told, and an
		// audited record must not become an unaudited one by accident.
		return fmt.Errorf("%w: %s: entry is empty but not nil", ErrInvalidBatch, p.Key)
	}
	if n := max(len(p.Data), len(p.Entry)); n > MaxData {
		return fmt.Errorf("%w: %s: body of %d bytes, at most %d", ErrTooLarge, p.Key, n, MaxData)
	}
	return nil
}

// size is what a put counts towards MaxBatch.
func (p *Put) size() int {
	return len(p.Key.Partition) + len(p.Key.Sort) + len(p.Data) + len(p.Entry)
}
