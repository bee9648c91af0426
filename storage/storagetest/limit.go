package storagetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/spendclaim/spendclaim/storage"
)

func limitRules() []rule {
	var none storage.Stamp
	full := func(k storage.Key) storage.Put {
		p := put(k, none, "")
		p.Data = make([]byte, storage.MaxData)
		return p
	}
	return []rule{
		{"limit/items", "MaxItems counts puts, entries, deletes, checks and the receipt; that many are committed, one more is ErrTooLarge and writes nothing.", func(c *check) {
			named := storage.Request{ID: "r"}
			b := new(storage.Batch)
			for i := range 10 {
				c.commit(storage.Request{}, put(key(fmt.Sprint("d", i)), none, "x"))
			}
			for i := range 10 {
				r, err := c.s.Get(c.ctx, key(fmt.Sprint("d", i)))
				c.ok("get", err)
				b.Deletes = append(b.Deletes, storage.Delete{Key: r.Key, Prev: r.Stamp})
				b.Checks = append(b.Checks, storage.Check{Key: key(fmt.Sprint("c", i))})
				p := put(key(fmt.Sprint("e", i)), none, "x")
				p.Entry = []byte("e")
				b.Puts = append(b.Puts, p)
			}
			for i := len(b.Puts) * 4; i < storage.MaxItems; i++ {
				b.Puts = append(b.Puts, put(key(fmt.Sprint("p", i)), none, "x"))
			}
			_, err := c.s.Commit(c.ctx, named, b) // the receipt is one too many
			c.is("commit of one item too many", err, storage.ErrTooLarge)
			c.absent(b.Puts[0].Key)
			b.Puts = b.Puts[:len(b.Puts)-1]
			_, err = c.s.Commit(c.ctx, named, b)
			c.ok("commit at the limit", err)
		}},
		{"limit/bytes", "MaxData and MaxBatch bytes are committed; one more is ErrTooLarge and writes nothing.", func(c *check) {
			p := full(key("a"))
			p.Entry = make([]byte, storage.MaxData)
			c.commit(storage.Request{}, p)
			p = full(key("b"))
			p.Data = append(p.Data, 0)
			_, err := c.s.Commit(c.ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{p}})
			c.is("commit of a record too large", err, storage.ErrTooLarge)

			b, size := new(storage.Batch), 0
			for i := 0; size < storage.MaxBatch; i++ {
				p := full(storage.Key{Partition: "batch", Sort: fmt.Sprint(i)})
				p.Data = p.Data[:min(len(p.Data), storage.MaxBatch-size-len("batch")-1)]
				size += len(p.Data) + len("batch") + 1
				b.Puts = append(b.Puts, p)
			}
			last := &b.Puts[len(b.Puts)-1]
			last.Data = append(last.Data, 0)
			_, err = c.s.Commit(c.ctx, storage.Request{}, b)
			c.is("commit of a batch too large", err, storage.ErrTooLarge)
			c.absent(b.Puts[0].Key)
			last.Data = last.Data[:len(last.Data)-1]
			_, err = c.s.Commit(c.ctx, storage.Request{}, b)
			c.ok("commit at the limit", err)
		}},
		{"limit/keys", "Keys are non-empty valid UTF-8 without control characters within their lengths; others are ErrInvalidKey and nothing is written.", func(c *check) {
			good := []string{strings.Repeat("x", storage.MaxSort), "é", "a/b c", "\U0010FFFE"}
			for _, s := range good {
				c.commit(storage.Request{}, put(key(s), none, "x"))
			}
			bad := []string{"", strings.Repeat("x", storage.MaxSort+1), "\x00", "a\nb", "\x7f", "\u0085", "\xff", "a\xc3", "\xed\xa0\x80", "\U0010FFFF"}
			for _, s := range bad {
				keys := []storage.Key{{Partition: "p", Sort: s}, {Partition: s, Sort: "s"}}
				if len(s) > storage.MaxSort {
					keys[1].Partition = strings.Repeat(s, 3)
				}
				for _, k := range keys {
					_, err := c.s.Commit(c.ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{put(key("good"), none, "x"), put(k, none, "x")}})
					c.is("commit of "+k.String(), err, storage.ErrInvalidKey)
					_, err = c.s.Get(c.ctx, k)
					c.is("get of "+k.String(), err, storage.ErrInvalidKey)
				}
			}
			_, err := c.s.Get(c.ctx, storage.Key{Partition: "$receipt/00", Sort: "r"})
			c.is("get of a reserved key", err, storage.ErrInvalidKey)
			c.absent(key("good"))
		}},
		{"limit/twice", "A key that appears twice in a batch is ErrInvalidBatch and nothing is written.", func(c *check) {
			stamp := c.commit(storage.Request{}, put(key("a"), none, "x")).Stamp(key("a"))
			p, d, k := put(key("a"), stamp, "y"), storage.Delete{Key: key("a"), Prev: stamp}, storage.Check{Key: key("a"), Stamp: stamp}
			for i, b := range []*storage.Batch{
				{Puts: []storage.Put{p, p}},
				{Puts: []storage.Put{p}, Deletes: []storage.Delete{d}},
				{Puts: []storage.Put{p}, Checks: []storage.Check{k}},
				{Deletes: []storage.Delete{d}, Checks: []storage.Check{k}},
			} {
				_, err := c.s.Commit(c.ctx, storage.Request{}, b)
				c.is(fmt.Sprint("batch ", i), err, storage.ErrInvalidBatch)
			}
			r, err := c.s.Get(c.ctx, key("a"))
			c.ok("get", err)
			if r.Stamp != stamp {
				c.failf("record: got %s, want %s", r.Stamp, stamp)
			}
		}},
		{"limit/cancelled", "A store call whose context is done returns the context's error and writes nothing.", func(c *check) {
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			_, err := c.s.Commit(ctx, storage.Request{ID: "r"}, &storage.Batch{Puts: []storage.Put{put(key("a"), none, "x")}})
			c.is("commit", err, context.Canceled)
			_, err = c.s.Update(ctx, storage.Request{}, func(tx *storage.Tx) error { tx.Put(put(key("a"), none, "x")); return nil })
			c.is("update", err, context.Canceled)
			_, err = c.s.WritePart(ctx, key("a"), "chunk", 1, strings.NewReader("x"))
			c.is("write part", err, context.Canceled)
			if n := len(c.scan()); n != 0 {
				c.failf("items after cancelled calls: got %d, want 0", n)
			}
		}},
	}
}
