package storagetest

import (
	"fmt"
	"slices"

	"github.com/spendclaim/spendclaim/storage"
)

func logOf(k storage.Key, since uint64) storage.Query {
	return storage.Query{Span: storage.Span{Partition: k.Partition}, Log: k.Sort, Since: since}
}

func bodies(items []storage.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, string(it.Body))
	}
	return out
}

// history commits n audited versions of the record k and returns the entries.
func (c *check) history(k storage.Key, n int) (entries []string, last storage.Stamp) {
	for i := range n {
		e := fmt.Sprintf("%s entry %d", k.Sort, i+1)
		w := audited(write(k, last, fmt.Sprint(i+1)), e)
		c.ok("commit", c.d.Commit(c.ctx, batch(w)))
		entries, last = append(entries, e), w.Next
	}
	return entries, last
}

func logRules() []rule {
	a := key("a")
	return []rule{
		{"log/written with the record", "The entry of a write is kept under the version that the write creates, with its stamp.", func(c *check) {
			var prev storage.Stamp
			for i := range 3 {
				w := audited(write(a, prev, "body"), fmt.Sprint("entry ", i+1))
				c.ok("commit", c.d.Commit(c.ctx, batch(w)))
				page := c.pages(logOf(a, w.Next.Version))
				if len(page) != 1 || !page[0].Entry || page[0].Key != a || page[0].Stamp != w.Next || string(page[0].Body) != string(w.Entry) {
					c.failf("log from %d: got %v, want the one entry at %s", w.Next.Version, page, w.Next)
				}
				prev = w.Next
			}
			c.sameStrings("log", bodies(c.pages(logOf(a, 0))), []string{"entry 1", "entry 2", "entry 3"})
		}},
		{"log/order and pages", "A log is in order of version and is read in full across pages, from any version on.", func(c *check) {
			want, _ := c.history(a, 300) // versions beyond one byte
			c.sameStrings("log", bodies(c.pages(logOf(a, 1))), want)
			c.sameStrings("log from 257", bodies(c.pages(logOf(a, 257))), want[256:])
			c.sameStrings("log from 301", bodies(c.pages(logOf(a, 301))), nil)
			q := logOf(a, 250)
			q.Limit = 7
			c.sameStrings("log in pages of 7", bodies(c.pages(q)), want[249:])
		}},
		{"log/apart", "A log holds the entries of its record only, also where one key is the beginning of another.", func(c *check) {
			for _, k := range append(keysOf("p", classes()), storage.Key{Partition: "p/a", Sort: "a"}, storage.Key{Partition: "pa", Sort: "a"}) {
				want, _ := c.history(k, 2)
				c.sameStrings("log of "+k.String(), bodies(c.pages(logOf(k, 1))), want)
			}
			for _, k := range keysOf("p", classes()) {
				if n := len(c.pages(logOf(k, 1))); n != 2 {
					c.failf("log of %s: got %d entries, want 2", k, n)
				}
			}
		}},
		{"log/none", "A write without an entry leaves none.", func(c *check) {
			c.create(a)
			c.sameStrings("log", bodies(c.pages(logOf(a, 0))), nil)
		}},
		{"log/never overwritten", "An entry is never replaced or removed, not even when its record was deleted and its version comes again; a commit that would is an ErrCorrupt and writes nothing.", func(c *check) {
			want, last := c.history(a, 1)
			c.ok("delete", c.d.Commit(c.ctx, &storage.WriteBatch{Deletes: []storage.Delete{{Key: a, Prev: last}}}))
			c.sameStrings("log after the record went", bodies(c.pages(logOf(a, 1))), want)
			b := batch(write(key("b"), storage.Stamp{}, "x"), audited(write(a, storage.Stamp{}, "again"), "forged"))
			c.is("commit over an entry", c.d.Commit(c.ctx, b), storage.ErrCorrupt)
			c.sameStrings("log", bodies(c.pages(logOf(a, 1))), want)
			c.absent(a)
			c.absent(key("b"))
		}},
		{"scan/everything", "Scan returns every record and every entry of every partition once, with stamps and bodies.", func(c *check) {
			want := c.fill()
			var got []string
			for _, it := range c.scan() {
				got = append(got, describe(it))
			}
			slices.Sort(got)
			c.sameStrings("scan", got, want)
		}},
		{"scan/copies", "What Scan returns belongs to the caller.", func(c *check) {
			c.create(a)
			for range 2 {
				for _, it := range c.scan() {
					if string(it.Body) != "body of a" {
						c.failf("scan: got body %q, want %q", it.Body, "body of a")
					}
					clear(it.Body)
				}
			}
		}},
		{"restore/as scanned", "A driver with Restore takes over what Scan returned; doing so again changes nothing; an item that differs is a conflict and nothing is restored.", restore},
	}
}

// fill writes records and entries in several partitions and returns what Scan
// must show of them, sorted.
func (c *check) fill() []string {
	var want []string
	add := func(ws ...storage.Write) {
		for part := range slices.Chunk(ws, storage.MaxItems/2) {
			c.ok("commit", c.d.Commit(c.ctx, batch(part...)))
		}
		for _, w := range ws {
			if w.Entry != nil {
				want = append(want, describe(storage.Item{Key: w.Key, Stamp: w.Next, Entry: true, Body: w.Entry}))
			}
		}
	}
	for _, p := range []string{"p", "p/q", "z", "$s"} {
		var first, second []storage.Write
		for _, n := range numbered(150) {
			w := audited(write(storage.Key{Partition: p, Sort: n}, storage.Stamp{}, "1"), "e1")
			first = append(first, w)
			w = audited(write(w.Key, w.Next, "2"), "e2")
			second = append(second, w)
			want = append(want, describe(storage.Item{Key: w.Key, Stamp: w.Next, Body: w.Record}))
		}
		add(first...)
		add(second...)
	}
	slices.Sort(want)
	return want
}

func describe(it storage.Item) string {
	return fmt.Sprintf("%t %s %d %x %s", it.Entry, it.Key, it.Stamp.Version, it.Stamp.Head, it.Body)
}

func restore(c *check) {
	r, ok := c.d.(storage.Restorer)
	if !ok {
		return // optional
	}
	w1 := audited(write(key("a"), storage.Stamp{}, "one"), "e1")
	w2 := audited(write(key("a"), w1.Next, "two"), "e2")
	items := []storage.Item{
		{Key: w2.Key, Stamp: w2.Next, Body: w2.Record},
		{Key: w1.Key, Stamp: w1.Next, Entry: true, Body: w1.Entry},
		{Key: w2.Key, Stamp: w2.Next, Entry: true, Body: w2.Entry},
	}
	for range 2 {
		c.ok("restore", r.Restore(c.ctx, items))
		c.holds(w2)
		c.sameStrings("log", bodies(c.pages(logOf(w2.Key, 1))), []string{"e1", "e2"})
	}
	other := write(key("b"), storage.Stamp{}, "new")
	bad := []storage.Item{{Key: other.Key, Stamp: other.Next, Body: other.Record}, items[1]}
	bad[1].Body = []byte("forged")
	c.is("restore of a forged entry", r.Restore(c.ctx, bad), storage.ErrConflict)
	c.absent(other.Key)
	w3 := audited(write(w2.Key, w2.Next, "three"), "e3")
	c.ok("commit after restore", c.d.Commit(c.ctx, batch(w3)))
	c.holds(w3)
}
