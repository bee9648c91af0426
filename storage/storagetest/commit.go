package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spendclaim/spendclaim/storage"
)

func commitRules() []rule {
	var none storage.Stamp
	a, b := key("a"), key("b")
	return []rule{
		{"get/absent", "Get of a record that was never written is ErrNotFound.", func(c *check) {
			c.absent(a)
		}},
		{"get/what was committed", "Get returns key, stamp and body of the latest commit.", func(c *check) {
			w := write(a, none, "one")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			c.holds(w)
			w = write(a, w.Next, "two")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			c.holds(w)
		}},
		{"get/empty body", "A record with an empty body exists.", func(c *check) {
			w := write(a, none, "")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			c.holds(w)
		}},
		{"get/copies", "What Get returns belongs to the caller.", func(c *check) {
			w := write(a, none, "body")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			it, err := c.d.Get(c.ctx, a)
			c.ok("get", err)
			copy(it.Body, "xxxx")
			c.holds(w)
			kept, err := c.d.Get(c.ctx, a)
			c.ok("get", err)
			c.ok("commit", c.d.Commit(c.ctx, batch(write(a, w.Next, "BODY"))))
			if string(kept.Body) != "body" {
				c.failf("body read before a commit: got %q, want %q", kept.Body, "body")
			}
		}},
		{"commit/copies", "Commit keeps nothing of what it was given.", func(c *check) {
			w := audited(write(a, none, "body"), "entry")
			given := w
			given.Record, given.Entry = []byte("body"), []byte("entry")
			c.ok("commit", c.d.Commit(c.ctx, batch(given)))
			copy(given.Record, "xxxx")
			copy(given.Entry, "xxxxx")
			c.holds(w)
			c.sameStrings("log", bodies(c.pages(logOf(a, 1))), []string{"entry"})
		}},
		{"commit/creates once", "The zero Prev means that the record must not exist.", func(c *check) {
			w := write(a, none, "one")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			c.conflicts(c.d.Commit(c.ctx, batch(write(a, none, "other"))), a, none, w.Next)
			c.holds(w)
		}},
		{"commit/stale version", "A write whose Prev.Version is not the stored one is refused.", func(c *check) {
			w1 := write(a, none, "one")
			w2 := write(a, w1.Next, "two")
			c.ok("commit", c.d.Commit(c.ctx, batch(w1)))
			c.ok("commit", c.d.Commit(c.ctx, batch(w2)))
			c.conflicts(c.d.Commit(c.ctx, batch(write(a, w1.Next, "late"))), a, w1.Next, w2.Next)
			c.holds(w2)
		}},
		{"commit/other head", "A write whose Prev.Head is not the stored one is refused, even at the same version.", func(c *check) {
			w := write(a, none, "one")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			forged := w.Next
			forged.Head[31] ^= 1
			c.conflicts(c.d.Commit(c.ctx, batch(write(a, forged, "two"))), a, forged, w.Next)
			c.conflicts(c.d.Commit(c.ctx, &storage.WriteBatch{Deletes: []storage.Delete{{Key: a, Prev: forged}}}), a, forged, w.Next)
			c.conflicts(c.d.Commit(c.ctx, &storage.WriteBatch{Checks: []storage.Check{{Key: a, Stamp: forged}}}), a, forged, w.Next)
			c.holds(w)
		}},
		{"commit/absent record", "A record that does not exist cannot be replaced or deleted.", func(c *check) {
			seen := write(a, none, "one").Next
			c.conflicts(c.d.Commit(c.ctx, batch(write(a, seen, "two"))), a, seen, none)
			c.conflicts(c.d.Commit(c.ctx, &storage.WriteBatch{Deletes: []storage.Delete{{Key: a, Prev: seen}}}), a, seen, none)
			c.absent(a)
		}},
		{"commit/delete", "A delete removes the record; its old stamp is worth nothing then, and it can be created again.", func(c *check) {
			was := c.create(a, b)
			c.ok("delete", c.d.Commit(c.ctx, &storage.WriteBatch{Deletes: []storage.Delete{{Key: a, Prev: was[0]}}}))
			c.absent(a)
			c.sameStrings("page", sorts(c.pages(storage.Query{Span: storage.Span{Partition: "p"}})), []string{"b"})
			c.conflicts(c.d.Commit(c.ctx, batch(write(a, was[0], "late"))), a, was[0], none)
			w := write(a, none, "again")
			c.ok("create", c.d.Commit(c.ctx, batch(w)))
			c.holds(w)
		}},
		{"commit/check", "A check writes nothing and passes exactly when the record is in the state named.", func(c *check) {
			was := c.create(a)[0]
			check := func(k storage.Key, s storage.Stamp) error {
				return c.d.Commit(c.ctx, &storage.WriteBatch{Checks: []storage.Check{{Key: k, Stamp: s}}})
			}
			c.ok("check of the state", check(a, was))
			c.ok("check of absence", check(b, none))
			c.conflicts(check(a, none), a, none, was)
			c.conflicts(check(b, was), b, was, none)
			w := write(a, was, "two")
			c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			c.conflicts(check(a, was), a, was, w.Next)
			c.holds(w)
			c.absent(b)
		}},
		{"commit/check guards writes", "A batch whose check fails writes nothing.", func(c *check) {
			was := c.create(a)[0]
			bad := batch(write(b, none, "new"))
			bad.Checks = []storage.Check{{Key: a, Stamp: none}}
			c.conflicts(c.d.Commit(c.ctx, bad), a, none, was)
			c.absent(b)
		}},
		{"commit/all or nothing", "A batch with one item that fails leaves no trace: no write, no entry, no delete.", allOrNothing},
		{"commit/conflict names the item", "The conflict names the key of the item that failed and the stamps, wherever in the batch it is; the first one if there are several.", conflictNames},
		{"commit/one winner", "Of many concurrent writers who saw the same state exactly one wins.", oneWinner},
		{"commit/independent writers", "Concurrent commits over different records all succeed, each as a whole.", independentWriters},
		{"commit/largest batch", "A batch at the limits of items and bytes is committed.", largestBatch},
		{"commit/largest keys", "Keys at the limits of length are kept apart to the last byte.", func(c *check) {
			p := strings.Repeat("é", storage.MaxPartition/2)
			s := strings.Repeat("s", storage.MaxSort-1)
			ws := []storage.Write{
				write(storage.Key{Partition: p, Sort: s + "a"}, none, "1"),
				write(storage.Key{Partition: p, Sort: s + "b"}, none, "2"),
				write(storage.Key{Partition: p[2:] + "ab", Sort: s + "a"}, none, "3"),
			}
			for i := range ws {
				ws[i] = audited(ws[i], "entry")
			}
			c.ok("commit", c.d.Commit(c.ctx, batch(ws...)))
			for _, w := range ws {
				c.holds(w)
				c.sameStrings("log", bodies(c.pages(logOf(w.Key, 1))), []string{"entry"})
			}
		}},
	}
}

func allOrNothing(c *check) {
	var none storage.Stamp
	was := c.create(key("kept"), key("doomed"), key("moved"))
	for i, at := range []string{"first", "middle", "last"} {
		ws := []storage.Write{
			audited(write(key("new1"), none, "x"), "e"),
			write(key("kept"), was[0], "changed"),
			audited(write(key("new2"), none, "x"), "e"),
		}
		stale := write(key("moved"), none, "y") // exists, so this fails
		ws = append(ws[:i+(i/2)], append([]storage.Write{stale}, ws[i+(i/2):]...)...)
		b := batch(ws...)
		b.Deletes = []storage.Delete{{Key: key("doomed"), Prev: was[1]}}
		c.conflicts(c.d.Commit(c.ctx, b), key("moved"), none, was[2])
		c.sameStrings("records after a batch that failed at its "+at+" write",
			sorts(c.pages(storage.Query{Span: storage.Span{Partition: "p"}})), []string{"doomed", "kept", "moved"})
		if it, err := c.d.Get(c.ctx, key("kept")); err != nil || it.Stamp != was[0] {
			c.failf("record after a failed batch: got %s, %v, want %s", it.Stamp, err, was[0])
		}
		for _, k := range []storage.Key{key("new1"), key("new2")} {
			if n := len(c.pages(logOf(k, 1))); n != 0 {
				c.failf("entries of %s after a failed batch: got %d, want 0", k, n)
			}
		}
	}
}

func conflictNames(c *check) {
	var none storage.Stamp
	names := numbered(9)
	was := c.create(keysOf("p", names)...)
	wrong := storage.Stamp{Version: 7, Head: [32]byte{7}}
	stampAt := func(i int, bad ...int) storage.Stamp {
		for _, j := range bad {
			if i == j {
				return wrong
			}
		}
		return was[i]
	}
	build := func(bad ...int) *storage.WriteBatch {
		b := new(storage.WriteBatch)
		for i, name := range names {
			k, s := key(name), stampAt(i, bad...)
			switch i / 3 {
			case 0:
				b.Writes = append(b.Writes, write(k, s, "new"))
			case 1:
				b.Deletes = append(b.Deletes, storage.Delete{Key: k, Prev: s})
			default:
				b.Checks = append(b.Checks, storage.Check{Key: k, Stamp: s})
			}
		}
		return b
	}
	for i := range names {
		c.conflicts(c.d.Commit(c.ctx, build(i)), key(names[i]), wrong, was[i])
		for j := i + 1; j < len(names); j++ {
			c.conflicts(c.d.Commit(c.ctx, build(j, i)), key(names[i]), wrong, was[i])
		}
	}
	c.conflicts(c.d.Commit(c.ctx, batch(write(key("other"), none, "x"), write(key("absent"), wrong, "x"))), key("absent"), wrong, none)
}

func oneWinner(c *check) {
	const writers, rounds = 16, 8
	var prev storage.Stamp
	for round := range rounds {
		var won atomic.Int32
		var winner atomic.Pointer[storage.Write]
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				w := write(key("prize"), prev, fmt.Sprintf("round %d writer %d", round, i))
				if errs[i] = c.d.Commit(c.ctx, batch(w)); errs[i] == nil {
					won.Add(1)
					winner.Store(&w)
				}
			})
		}
		wg.Wait()
		if n := won.Load(); n != 1 {
			c.failf("round %d: got %d winners of %d, want 1 (errors %v)", round, n, writers, errors.Join(errs...))
		}
		for _, err := range errs {
			if err != nil && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrUnavailable) {
				c.failf("round %d: got error %v, want a conflict", round, err)
			}
		}
		c.holds(*winner.Load())
		prev = winner.Load().Next
	}
}

func independentWriters(c *check) {
	const writers, rounds = 4, 10
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			x, y := key(fmt.Sprintf("x%d", i)), key(fmt.Sprintf("y%d", i))
			var px, py storage.Stamp
			for n := range rounds {
				body := fmt.Sprint(n)
				wx, wy := write(x, px, body), write(y, py, body)
				if errs[i] = c.d.Commit(c.ctx, batch(wx, wy)); errs[i] != nil {
					return
				}
				px, py = wx.Next, wy.Next
			}
		})
	}
	wg.Wait()
	c.ok("commit", errors.Join(errs...))
	for _, it := range c.pages(storage.Query{Span: storage.Span{Partition: "p"}}) {
		if it.Stamp.Version != rounds || string(it.Body) != fmt.Sprint(rounds-1) {
			c.failf("%s: got version %d, body %q", it.Key, it.Stamp.Version, it.Body)
		}
	}
}

func largestBatch(c *check) {
	c.create(keysOf("many", numbered(storage.MaxItems))...)
	b := new(storage.WriteBatch)
	// The envelope's overhead comes on top of what callers may give.
	body := bytes.Repeat([]byte{0xA5}, storage.MaxData+512)
	for i := range storage.MaxBatch / storage.MaxData {
		w := write(key(fmt.Sprint(i)), storage.Stamp{}, "")
		w.Record = body
		b.Writes = append(b.Writes, w)
	}
	c.ok("commit", c.d.Commit(c.ctx, b))
	for _, w := range b.Writes {
		c.holds(w)
	}
	if n := len(c.pages(storage.Query{Span: storage.Span{Partition: "many"}})); n != storage.MaxItems {
		c.failf("records of a full batch: got %d, want %d", n, storage.MaxItems)
	}
}
