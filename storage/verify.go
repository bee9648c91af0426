package storage

import (
	"context"
	"errors"
	"fmt"
)

// A Report says what Verify, Export or Import went through.
type Report struct {
	Records int // receipts and chunks included
	Audited int // records among them that have a log
	Entries int
	// Heads are those of all audited records. Keep them where whoever can write to
	// the store cannot, and hand them to a later Verify.
	Heads Checkpoint
}

// VerifyOptions adjusts Verify. The zero value and nil compare the store with itself.
type VerifyOptions struct {
	// Since is an earlier checkpoint: every record in it must still be there, and
	// its log must lead through the stamp it had then.
	Since *Checkpoint

	_ struct{}
}

// Verify reads everything and checks every checksum, every log and every chain of
// heads. It returns at the first break, in the order of keys: an ErrCorrupt naming
// record or entry. It is an ErrConflict when somebody wrote meanwhile and an ErrNewer
// when something was written in a format of a newer release; other errors are those
// of Get.
//
// Chains show that no entry was changed, lost or slipped in. Whoever can write to the
// engine itself can rewrite a whole chain, which only an earlier checkpoint shows.
func (s *Store) Verify(ctx context.Context, o *VerifyOptions) (Report, error) {
	var a auditor
	if o != nil {
		a.since = o.Since
	}
	err := s.walk(ctx, func(it *Item) error {
		_, err := a.item(it)
		return err
	})
	if err == nil {
		err = a.end()
	}
	if err != nil {
		return Report{}, fmt.Errorf("storage: verify: %w", err)
	}
	return a.report, nil
}

// An auditor is shown all items of a store in canonical order and reports the first
// that does not fit what came before it.
type auditor struct {
	since  *Checkpoint
	report Report

	last   identity
	began  bool
	record envelope // the latest record
	key    Key
	prev   [32]byte // head of the latest entry of it
	next   uint64   // version of the entry that has to follow
	seen   int      // heads of since that were passed
}

// item checks one item and returns it opened.
func (a *auditor) item(it *Item) (envelope, error) {
	id := identity{key: it.Key, stamp: it.Stamp, entry: it.Entry}
	if a.began && a.last.order(&id) >= 0 {
		return envelope{}, damaged(it, "items are not in order, or there twice")
	}
	a.last, a.began = id, true
	e, err := openItem(it)
	if err != nil {
		return e, err
	}
	if it.Entry {
		return e, a.entry(it, &e)
	}
	if err := a.endRecord(); err != nil {
		return e, err
	}
	a.record, a.key, a.prev, a.next = e, it.Key, [32]byte{}, 1
	a.record.payload = nil
	a.report.Records++
	if e.audited {
		a.report.Audited++
		a.report.Heads.heads = append(a.report.Heads.heads, head{it.Key, e.stamp})
		return e, a.compare(it)
	}
	if e.stamp.Version == 1 && headOf([32]byte{}, it.Key, 1, e.kind, e.schema, digestOf(e.payload), nil) != e.stamp.Head {
		return e, damaged(it, "head does not belong to the data")
	}
	return e, nil
}

func (a *auditor) entry(it *Item, e *envelope) error {
	rec := &a.record
	a.report.Entries++
	switch {
	case a.next == 0 || a.key != it.Key:
		return damaged(it, "the record of this entry is missing")
	case !rec.audited:
		return damaged(it, "the record of this entry is not audited")
	case it.Stamp.Version > rec.stamp.Version:
		return damaged(it, "the log is ahead of its record")
	case it.Stamp.Version != a.next:
		return damaged(&Item{Key: it.Key, Entry: true, Stamp: Stamp{Version: a.next}}, "entry is missing")
	case headOf(a.prev, it.Key, a.next, e.kind, e.schema, e.digest, e.payload) != e.stamp.Head:
		return damaged(it, "entry does not continue the chain of heads")
	case a.next == rec.stamp.Version && (e.stamp != rec.stamp || e.digest != rec.digest || e.kind != rec.kind || e.schema != rec.schema):
		return damaged(it, "last entry and record belong to different writes")
	}
	if was, ok := a.since.stamp(it.Key); ok && was.Version == a.next && was != e.stamp {
		return damaged(it, fmt.Sprintf("history was rewritten: the checkpoint has %s, the log %s", was, e.stamp))
	}
	a.prev = e.stamp.Head
	a.next++
	return nil
}

// compare holds an audited record to the earlier checkpoint.
func (a *auditor) compare(it *Item) error {
	was, ok := a.since.stamp(it.Key)
	if !ok {
		return nil
	}
	a.seen++
	if it.Stamp.Version < was.Version {
		return damaged(it, fmt.Sprintf("record is older than the checkpoint: %s, was %s", it.Stamp, was))
	}
	return nil
}

func (a *auditor) endRecord() error {
	if a.next > 0 && a.record.audited && a.next <= a.record.stamp.Version {
		return damaged(&Item{Key: a.key, Entry: true, Stamp: Stamp{Version: a.next}}, "entry is missing")
	}
	return nil
}

func (a *auditor) end() error {
	if err := a.endRecord(); err != nil {
		return err
	}
	if a.since == nil || a.seen == len(a.since.heads) {
		return nil
	}
	for _, h := range a.since.heads {
		if _, ok := a.report.Heads.stamp(h.key); !ok {
			return damaged(&Item{Key: h.key}, fmt.Sprintf("the checkpoint has it at %s, and it is gone", h.stamp))
		}
	}
	return errors.New("checkpoint holds a record twice") // UnmarshalText lets none through
}
