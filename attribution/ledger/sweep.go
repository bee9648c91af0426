package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// Parts are shared: generations with the same groups name the same part, and a
// later generation may come back to the content of an earlier one. So a part may
// only be removed when no head can come to name it any more. A tombstone sees to
// that. It is written in one commit with a check that the head is still the one
// whose generations were looked at, and every commit of a head checks that none
// of its parts has a tombstone: whichever of the two comes first, the other
// fails and looks again. Tombstones are small and are kept for good.
const (
	kindTombstone       = "ledger.tombstone"
	partitionTombstones = "ledger/swept/"
)

func tombstoneKey(part storage.Key) storage.Key {
	return storage.Key{Partition: partitionTombstones + part.Partition, Sort: part.Sort}
}

// Sweep removes the contents of the generations of a book that were replaced
// longer than the grace period ago, as far as no later generation shares them,
// and returns how many parts it removed. The head is never touched. Whoever
// still reads a swept generation gets storage.ErrGone; its description stays in
// the history. Repeating an interrupted sweep finishes it. The error is
// storage.ErrConflict when the book changed meanwhile: sweep again.
func (l *Ledger) Sweep(ctx context.Context, payer string, period cur.Month, grace time.Duration) (swept int, err error) {
	head, stamp, err := l.head(ctx, payer, period)
	if err != nil {
		return 0, err
	}
	fail := func(err error) (int, error) {
		return swept, fmt.Errorf("ledger: sweep payer %q, period %s: %w", payer, period, err)
	}
	now := l.now()
	live := map[storage.Key]bool{}
	old := map[storage.Key]storage.Retired{}
	var previous *Generation
	for g, err := range l.History(ctx, payer, period) {
		if err != nil {
			return swept, err
		}
		if previous != nil {
			for _, p := range previous.Parts {
				// A part of several old generations retired with the last of them.
				old[p.Key] = storage.Retired{Part: p, At: g.BookedAt}
				if !g.BookedAt.Before(now.Add(-grace)) {
					live[p.Key] = true
				}
			}
		}
		previous = &g
	}
	for _, p := range head.Parts {
		live[p.Key] = true
	}
	for key, r := range old {
		if live[key] {
			continue
		}
		_, err := l.store.Commit(ctx, storage.Request{}, &storage.Batch{
			Puts:   []storage.Put{{Key: tombstoneKey(key), Kind: kindTombstone, Schema: schema, Data: []byte(r.At.UTC().Format(time.RFC3339Nano))}},
			Checks: []storage.Check{{Key: bookKey(payer, period), Stamp: stamp}},
		})
		// One that is there is left from a sweep that was cut short, or is done.
		var c *storage.ConflictError
		done := errors.As(err, &c) && c.Key == tombstoneKey(key)
		if err != nil && !done {
			return fail(err)
		}
		n, err := l.store.Sweep(ctx, []storage.Retired{r}, r.At.Add(1))
		if err != nil {
			return fail(err)
		}
		if !done {
			swept += n
		}
	}
	return swept, nil
}

// freeKey returns the key to write a part under: the one its content gives, or
// where that has a tombstone, the next that has none.
func (l *Ledger) freeKey(ctx context.Context, key storage.Key) (storage.Key, error) {
	content := key.Sort
	for n := 2; ; n++ {
		_, err := l.store.Get(ctx, tombstoneKey(key))
		if errors.Is(err, storage.ErrNotFound) {
			return key, nil
		}
		if err != nil {
			return key, err
		}
		key.Sort = content + "-" + strconv.Itoa(n)
	}
}

// untouched are the checks that no part of a generation has a tombstone.
func untouched(g *Generation) (out []storage.Check) {
	for _, p := range g.Parts {
		out = append(out, storage.Check{Key: tombstoneKey(p.Key)})
	}
	return out
}
