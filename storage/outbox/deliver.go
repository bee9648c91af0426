package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// Options adjusts Deliver. The zero value and nil mean the defaults.
type Options struct {
	// Lease is how long a sink may take before somebody else may offer the message
	// again. 0 means five minutes.
	Lease time.Duration

	// Backoff is how long a message that failed waits before it is offered again; it
	// doubles with each failure, up to a day. 0 means one minute.
	Backoff time.Duration

	// Attempts is how often a message is offered before it is parked. 0 means 12.
	Attempts int

	// Now is the clock. nil means time.Now.
	Now func() time.Time

	_ struct{}
}

// A Result counts what became of the messages that one Deliver went through.
type Result struct {
	Delivered int // the sink took them
	Failed    int // the sink did not, and they will be offered again
	Parked    int // the same, and they will not; or they were parked before
	Waiting   int // not due, or offered by somebody else just now
}

// maxFailure bounds what is kept of a sink's error, so that it fits any record.
const maxFailure = 500

// Deliver offers every message that is due to the sink, once, and marks those that it
// took. An error of the sink is kept with its message and stops nothing; an error of
// Deliver is the store's or the context's. A message whose context ends while the sink
// has it counts as failed.
func (b *Box) Deliver(ctx context.Context, sink func(context.Context, Message) error, o *Options) (Result, error) {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.Lease <= 0 {
		opt.Lease = 5 * time.Minute
	}
	if opt.Backoff <= 0 {
		opt.Backoff = time.Minute
	}
	if opt.Attempts <= 0 {
		opt.Attempts = 12
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	var res Result
	for m, err := range b.Pending(ctx) {
		if err == nil {
			err = b.offer(ctx, &m, sink, &opt, &res)
		}
		if err != nil {
			return res, fmt.Errorf("outbox: deliver from %q: %w", b.name, err)
		}
	}
	return res, nil
}

func (b *Box) offer(ctx context.Context, m *Message, sink func(context.Context, Message) error, o *Options, res *Result) error {
	if m.Parked {
		res.Parked++
		return nil
	}
	if m.Next.After(o.Now()) {
		res.Waiting++
		return nil
	}
	claimed, err := b.claim(ctx, m, o)
	if err != nil || !claimed {
		if !claimed {
			res.Waiting++
		}
		return err
	}
	failure := sink(ctx, *m)
	// What the sink did is written down even when the context has just ended.
	ctx = context.WithoutCancel(ctx)
	if failure == nil {
		res.Delivered++
		return b.settle(ctx, m, o)
	}
	if m.Parked = m.Attempts >= o.Attempts; m.Parked {
		res.Parked++
	} else {
		res.Failed++
	}
	return b.fail(ctx, m, failure, o)
}

// claim takes the message for the length of the lease, unless somebody else was
// faster. m becomes what is stored.
func (b *Box) claim(ctx context.Context, m *Message, o *Options) (bool, error) {
	claimed := false
	_, err := b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		claimed = false
		r, err := tx.Get(b.message(m.ID))
		if errors.Is(err, storage.ErrNotFound) {
			return nil // delivered by somebody else
		}
		if err != nil {
			return err
		}
		now, err := open(&r)
		if err != nil || now.Parked || now.Next.After(o.Now()) {
			return err
		}
		now.Attempts++
		now.Next = o.Now().Add(o.Lease).UTC()
		p, err := b.put(&now)
		if err != nil {
			return err
		}
		tx.Put(p)
		*m, claimed = now, true
		return nil
	})
	return claimed && err == nil, err
}

// settle replaces the message by its mark.
func (b *Box) settle(ctx context.Context, m *Message, o *Options) error {
	sum := digest(m.Topic, m.Body)
	data, err := json.Marshal(stamped{sum[:], o.Now().UTC()})
	if err != nil {
		return err
	}
	_, err = b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		_, err := tx.Get(b.mark(m.ID))
		if err == nil {
			return nil // somebody else delivered it too
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if _, err := tx.Get(b.message(m.ID)); err != nil {
			return err
		}
		tx.Delete(b.message(m.ID))
		tx.Put(storage.Put{Key: b.mark(m.ID), Kind: KindMark, Schema: schema, Data: data})
		return nil
	})
	return err
}

// fail gives the message back, for later or for good, unless the lease ran out and
// somebody else has it now.
func (b *Box) fail(ctx context.Context, m *Message, failure error, o *Options) error {
	wait := o.Backoff
	for i := 1; i < m.Attempts && wait < 24*time.Hour; i++ {
		wait *= 2
	}
	_, err := b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		r, err := tx.Get(b.message(m.ID))
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := open(&r)
		if err != nil || now.Attempts != m.Attempts {
			return err
		}
		now.Next = o.Now().Add(min(wait, 24*time.Hour)).UTC()
		now.Parked = m.Parked
		now.Failure = failure.Error()
		if len(now.Failure) > maxFailure {
			now.Failure = now.Failure[:maxFailure]
		}
		p, err := b.put(&now)
		if err == nil {
			tx.Put(p)
		}
		return err
	})
	return err
}

// Release makes a parked message due again, with its count of attempts at zero. It is
// storage.ErrNotFound when there is no such message.
func (b *Box) Release(ctx context.Context, id string) error {
	_, err := b.store.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
		r, err := tx.Get(b.message(id))
		if err != nil {
			return err
		}
		m, err := open(&r)
		if err != nil || !m.Parked {
			return err
		}
		m.Parked, m.Attempts, m.Next = false, 0, time.Time{}
		p, err := b.put(&m)
		if err == nil {
			tx.Put(p)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("outbox: release %q: %w", id, err)
	}
	return nil
}
