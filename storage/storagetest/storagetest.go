// Package storagetest is the conformance suite of storage drivers: a driver
// that passes it keeps the promises of [storage.Driver], and a Store over it
// those of package storage.
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, func(tb testing.TB) storage.Driver { return mystore.New(…) })
//	}
//
// Each case has a rule, one sentence of the contract, which is printed when the
// case fails. The suite is itself tested: drivers with one planted defect each
// must be caught by a named case.
package storagetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// hang is how long a case may take before it counts as one that never ends.
const hang = 2 * time.Minute

// A rule is one case of the suite.
type rule struct {
	name string
	text string // the clause of the contract, printed on failure
	run  func(c *check)
}

// rules returns all cases.
func rules() []rule {
	return slices.Concat(commitRules(), pageRules(), logRules(), lifeRules(), storeRules(), keepRules(), limitRules())
}

// Run runs the suite. open returns a new, empty driver each time; the suite
// closes it. What else has to be cleaned up is registered with tb.Cleanup.
func Run(t *testing.T, open func(tb testing.TB) storage.Driver) {
	t.Helper()
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if err := r.try(open(t), hang); err != nil {
				t.Errorf("%v\nrule: %s", err, r.text)
			}
		})
	}
}

// A check is what a running case works with. Its methods end the case on
// failure; they are for the case's own goroutine.
type check struct {
	ctx context.Context
	d   storage.Driver
	s   *storage.Store // over d
}

// failure is how a case ends early: panicked by check, recovered by try.
type failure struct{ err error }

func (c *check) failf(format string, args ...any) {
	panic(failure{fmt.Errorf(format, args...)})
}

// ok ends the case when err is not nil.
func (c *check) ok(what string, err error) {
	if err != nil {
		c.failf("%s: got error %v, want none", what, err)
	}
}

// is ends the case unless err matches want.
func (c *check) is(what string, err, want error) {
	if !errors.Is(err, want) {
		c.failf("%s: got error %v, want %v", what, err, want)
	}
}

// try runs the case on d, closes d, and returns what rule was broken how.
func (r *rule) try(d storage.Driver, limit time.Duration) error {
	done := make(chan error, 1)
	go func() {
		c := &check{ctx: context.Background(), d: d, s: storage.New(d, nil)}
		defer func() {
			var err error
			switch p := recover().(type) {
			case nil:
				err = d.Close()
			case failure:
				err = p.err
				_ = d.Close()
			default:
				err = fmt.Errorf("panic: %v", p)
			}
			done <- err
		}()
		r.run(c)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		// The goroutine is lost with the driver it waits for.
		return fmt.Errorf("the case did not end within %s", limit)
	}
}

// key returns a key for cases that need just some key.
func key(sort string) storage.Key { return storage.Key{Partition: "p", Sort: sort} }

// write returns a write of body after prev, with a head that depends on both. A
// driver must take any stamp that follows.
func write(k storage.Key, prev storage.Stamp, body string) storage.Write {
	b := append(prev.Head[:], body...)
	b = append(b, k.String()...)
	b = binary.BigEndian.AppendUint64(b, prev.Version)
	next := storage.Stamp{Version: prev.Version + 1, Head: sha256.Sum256(b)}
	return storage.Write{Key: k, Prev: prev, Next: next, Record: []byte(body)}
}

func audited(w storage.Write, entry string) storage.Write {
	w.Entry = []byte(entry)
	return w
}

func batch(w ...storage.Write) *storage.WriteBatch { return &storage.WriteBatch{Writes: w} }

// create commits a new record each and returns the stamps.
func (c *check) create(keys ...storage.Key) []storage.Stamp {
	var stamps []storage.Stamp
	for part := range slices.Chunk(keys, storage.MaxItems) {
		b := new(storage.WriteBatch)
		for _, k := range part {
			w := write(k, storage.Stamp{}, "body of "+k.Sort)
			b.Writes = append(b.Writes, w)
			stamps = append(stamps, w.Next)
		}
		c.ok("create", c.d.Commit(c.ctx, b))
	}
	return stamps
}

// holds ends the case unless the record k has the stamp and body of w.
func (c *check) holds(w storage.Write) {
	it, err := c.d.Get(c.ctx, w.Key)
	c.ok("get "+w.Key.String(), err)
	if it.Key != w.Key || it.Stamp != w.Next || string(it.Body) != string(w.Record) || it.Entry || it.Body == nil {
		c.failf("get %s: got %s %s %.40q, want %s %.40q", w.Key, it.Key, it.Stamp, it.Body, w.Next, w.Record)
	}
}

func (c *check) absent(k storage.Key) {
	_, err := c.d.Get(c.ctx, k)
	c.is("get "+k.String(), err, storage.ErrNotFound)
}

// conflicts ends the case unless err is a conflict over k with these stamps.
func (c *check) conflicts(err error, k storage.Key, want, got storage.Stamp) {
	var conflict *storage.ConflictError
	if !errors.As(err, &conflict) {
		c.failf("commit: got error %v, want a conflict over %s", err, k)
	}
	if conflict.Key != k || conflict.Want != want || conflict.Got != got {
		c.failf("commit: got %v, want a conflict over %s at %s, expected %s", conflict, k, got, want)
	}
}

// pages collects all that q selects, following the cursors.
func (c *check) pages(q storage.Query) []storage.Item {
	var all []storage.Item
	after := ""
	for {
		page, next, err := c.d.Page(c.ctx, q, after)
		c.ok("page", err)
		if q.Limit > 0 && len(page) > q.Limit {
			c.failf("page: got %d items, limit %d", len(page), q.Limit)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		if next == after {
			c.failf("page: cursor %q leads to itself", next)
		}
		after = next
	}
}

func (c *check) scan() []storage.Item {
	var all []storage.Item
	cursor := ""
	for {
		page, next, err := c.d.Scan(c.ctx, cursor)
		c.ok("scan", err)
		all = append(all, page...)
		if next == "" {
			return all
		}
		if next == cursor {
			c.failf("scan: cursor %q leads to itself", next)
		}
		cursor = next
	}
}

func sorts(items []storage.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Key.Sort)
	}
	return out
}

// sameStrings ends the case unless got equals want, and shows where they part.
func (c *check) sameStrings(what string, got, want []string) {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = fmt.Sprintf("%.60q", got[i])
			}
			if i < len(want) {
				w = fmt.Sprintf("%.60q", want[i])
			}
			c.failf("%s: element %d: got %s, want %s (%d elements, want %d)", what, i, g, w, len(got), len(want))
		}
	}
}

// numbered returns n sort keys in bytewise order.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%06d", i)
	}
	return out
}

func keysOf(partition string, sorts []string) []storage.Key {
	out := make([]storage.Key, len(sorts))
	for i, s := range sorts {
		out[i] = storage.Key{Partition: partition, Sort: s}
	}
	return out
}
