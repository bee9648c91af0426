package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Commit applies the batch as a whole or not at all. With a Request it happens
// once: if the request was committed before, the batch is not looked at and the
// first receipt is returned with Replayed set.
//
// Records that the batch replaces or deletes are read first, to hold them to
// their kind; Update has read them already. An engine that is unavailable is
// asked again, with the same batch, for as long as ctx and Options.Attempts
// allow.
//
// Errors match ErrConflict, ErrReplayMismatch, ErrInvalidKey, ErrInvalidBatch,
// ErrTooLarge, ErrAudited, ErrReadOnly, ErrCorrupt, ErrNewer, ErrUnavailable,
// ErrUnknownOutcome, ErrClosed. Except for ErrUnknownOutcome nothing was
// written.
func (s *Store) Commit(ctx context.Context, r Request, b *Batch) (Receipt, error) {
	receipt, found, err := s.replay(ctx, r)
	if err == nil && !found {
		if b == nil {
			b = new(Batch)
		}
		receipt, err = s.commit(ctx, r, b, nil)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("storage: commit: %w", err)
	}
	return receipt, nil
}

// commit is Commit without the first look at the receipt. known holds records
// that the caller has read; the zero envelope stands for "there is none".
func (s *Store) commit(ctx context.Context, r Request, b *Batch, known map[Key]envelope) (Receipt, error) {
	if err := checkBatch(r, b); err != nil {
		return Receipt{}, err
	}
	receipt, wb, err := s.seal(ctx, r, b, known)
	if err == nil && len(wb.Writes)+len(wb.Deletes)+len(wb.Checks) > 0 {
		err = s.apply(ctx, wb)
	}
	if err == nil {
		return receipt, nil
	}
	if r.ID != "" && (errors.Is(err, ErrConflict) || errors.Is(err, ErrUnknownOutcome)) {
		// Either this very request was committed by someone else in the
		// meantime, or by an earlier attempt of ours whose answer was lost. The
		// receipt is written with the batch, so it tells.
		got, found, lookup := s.replay(ctx, r)
		var conflict *ConflictError
		switch {
		case errors.Is(lookup, ErrReplayMismatch):
			return Receipt{}, lookup
		case lookup == nil && found:
			got.Replayed = !errors.Is(err, ErrUnknownOutcome)
			return got, nil
		case lookup == nil && errors.As(err, &conflict):
			return Receipt{}, conflict // a receipt that is absent settles the doubt
		}
	}
	return Receipt{}, err
}

// seal turns a batch into what the driver sees. The receipt, if any, comes
// first, so that a conflict over it is the one reported.
func (s *Store) seal(ctx context.Context, r Request, b *Batch, known map[Key]envelope) (Receipt, *WriteBatch, error) {
	var receipt Receipt
	wb := &WriteBatch{Deletes: b.Deletes, Checks: b.Checks}
	if r.ID != "" {
		wb.Writes = append(wb.Writes, Write{}) // filled below, when the stamps are known
	}
	for i := range b.Puts {
		p := &b.Puts[i]
		if err := s.admit(ctx, p, known); err != nil {
			return receipt, nil, err
		}
		w := sealPut(p)
		wb.Writes = append(wb.Writes, w)
		receipt.Keys = append(receipt.Keys, w.Key)
		receipt.Stamps = append(receipt.Stamps, w.Next)
	}
	for _, d := range b.Deletes {
		old, err := s.current(ctx, d.Key, d.Prev, known)
		if err != nil {
			return receipt, nil, err
		}
		if old.audited {
			return receipt, nil, fmt.Errorf("%w: %s is audited (%s) and cannot be deleted", ErrAudited, d.Key, old.kind)
		}
	}
	if r.ID != "" {
		wb.Writes[0] = sealPut(&Put{
			Key: receiptKey(r.ID), Kind: receiptKind, Schema: receiptSchema,
			Data: encodeReceipt(r.Digest, &receipt),
		})
	}
	return receipt, wb, nil
}

// admit holds a put to its kind.
func (s *Store) admit(ctx context.Context, p *Put, known map[Key]envelope) error {
	audited := p.Entry != nil
	if s.audited != nil && s.audited(p.Kind) != audited {
		return fmt.Errorf("%w: %s: kind %q: audited %t, entry given %t", ErrAudited, p.Key, p.Kind, !audited, audited)
	}
	if p.Prev.IsZero() {
		return nil
	}
	old, err := s.current(ctx, p.Key, p.Prev, known)
	if err != nil {
		return err
	}
	if old.kind != p.Kind {
		return fmt.Errorf("%w: %s is a %q and cannot become a %q", ErrAudited, p.Key, old.kind, p.Kind)
	}
	if old.audited != audited {
		return fmt.Errorf("%w: %s: kind %q: audited %t, entry given %t", ErrAudited, p.Key, p.Kind, old.audited, audited)
	}
	return nil
}

// current returns the record k, which must be in the state prev. That it still
// is when the batch commits is for the driver to decide: prev's head covers all
// that is judged here.
func (s *Store) current(ctx context.Context, k Key, prev Stamp, known map[Key]envelope) (envelope, error) {
	e, ok := known[k]
	if !ok {
		var err error
		if _, e, err = s.load(ctx, k); err != nil && !errors.Is(err, ErrNotFound) {
			return e, err
		}
	}
	if e.stamp != prev {
		return e, &ConflictError{Key: k, Want: prev, Got: e.stamp}
	}
	return e, nil
}

// apply offers one batch, always the same bytes, until the driver decides.
func (s *Store) apply(ctx context.Context, wb *WriteBatch) error {
	unknown := false
	for attempt := 0; ; attempt++ {
		err := s.driver.Commit(ctx, wb)
		var conflict *ConflictError
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrUnknownOutcome):
			unknown = true
		case errors.Is(err, ErrUnavailable):
		case !unknown:
			return err
		case errors.As(err, &conflict) && wb.wrote(conflict):
			return nil // the attempt whose answer was lost had succeeded
		default:
			return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		if attempt+1 < s.attempts {
			if pause(ctx, attempt) == nil {
				continue
			}
		}
		if unknown && !errors.Is(err, ErrUnknownOutcome) {
			return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return err
	}
}

// wrote reports whether what the conflict found is what b writes. Heads cover
// key, history, data and entry, so equal stamps mean the same write; and a batch
// is written as a whole.
func (b *WriteBatch) wrote(c *ConflictError) bool {
	for i := range b.Writes {
		if b.Writes[i].Key == c.Key {
			return b.Writes[i].Next == c.Got
		}
	}
	return false
}

// pause waits before another attempt: at most 5 ms at first, doubling up to
// 640 ms, a random half of it so that contenders part.
func pause(ctx context.Context, attempt int) error {
	most := 5 * time.Millisecond << min(attempt, 7)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
