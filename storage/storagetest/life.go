package storagetest

import (
	"context"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
)

// each calls every method of the driver with ctx and hands its error on.
func (c *check) each(ctx context.Context, f func(method string, err error)) {
	_, err := c.d.Get(ctx, key("a"))
	f("Get", err)
	_, _, err = c.d.Page(ctx, storage.Query{Span: storage.Span{Partition: "p"}}, "")
	f("Page", err)
	_, _, err = c.d.Page(ctx, logOf(key("a"), 1), "")
	f("Page of a log", err)
	_, _, err = c.d.Scan(ctx, "")
	f("Scan", err)
	f("Commit", c.d.Commit(ctx, batch(write(key("b"), storage.Stamp{}, "x"))))
	f("Commit of checks", c.d.Commit(ctx, &storage.WriteBatch{Checks: []storage.Check{{Key: key("b")}}}))
	if r, ok := c.d.(storage.Restorer); ok {
		f("Restore", r.Restore(ctx, []storage.Item{{Key: key("r"), Stamp: storage.Stamp{Version: 1}, Body: []byte("x")}}))
	}
}

func lifeRules() []rule {
	return []rule{
		{"context/cancelled before", "A call whose context is done returns the context's error and changes nothing.", func(c *check) {
			c.create(key("a"))
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			c.each(ctx, func(method string, err error) { c.is(method, err, context.Canceled) })
			c.absent(key("b"))
			c.absent(key("r"))
		}},
		{"context/cancelled after", "What was committed stays when the context of the commit is cancelled later.", func(c *check) {
			ctx, cancel := context.WithCancel(c.ctx)
			w := write(key("a"), storage.Stamp{}, "x")
			c.ok("commit", c.d.Commit(ctx, batch(w)))
			cancel()
			c.holds(w)
		}},
		{"close/use after", "Calls after Close fail with ErrClosed, and closing twice is harmless.", func(c *check) {
			c.create(key("a"))
			c.ok("close", c.d.Close())
			c.each(c.ctx, func(method string, err error) { c.is(method, err, storage.ErrClosed) })
			c.ok("second close", c.d.Close())
		}},
	}
}

// RunDurable runs the cases for drivers that keep their state. open returns a
// function that opens the same state each time it is called, at first an empty
// one; no two drivers are open at once.
func RunDurable(t *testing.T, open func(tb testing.TB) func() storage.Driver) {
	t.Helper()
	for _, r := range durableRules() {
		t.Run(r.name, func(t *testing.T) {
			reopen := open(t)
			d := &reopened{Driver: reopen(), open: reopen}
			if err := (&rule{run: r.run}).try(d, hang); err != nil {
				t.Errorf("%v\nrule: %s", err, r.text)
			}
		})
	}
}

// reopened is a driver that can be closed and opened again under its user.
type reopened struct {
	storage.Driver
	open func() storage.Driver
}

func (c *check) reopen() {
	r := c.d.(*reopened)
	c.ok("close", r.Driver.Close())
	r.Driver = r.open()
}

func durableRules() []rule {
	return []rule{
		{"durable/everything", "Records, stamps, entries and deletions outlive Close.", func(c *check) {
			want := c.fill()
			gone := c.create(key("gone"))[0]
			c.ok("delete", c.d.Commit(c.ctx, &storage.WriteBatch{Deletes: []storage.Delete{{Key: key("gone"), Prev: gone}}}))
			for range 2 {
				c.reopen()
				var got []string
				for _, it := range c.scan() {
					got = append(got, describe(it))
				}
				c.sameStrings("scan", sorted(got), want)
				c.absent(key("gone"))
			}
		}},
		{"durable/stamps", "A stamp seen before Close is good after it, and a stale one is still refused.", func(c *check) {
			w1 := write(key("a"), storage.Stamp{}, "1")
			c.ok("commit", c.d.Commit(c.ctx, batch(w1)))
			c.reopen()
			w2 := write(key("a"), w1.Next, "2")
			c.ok("commit", c.d.Commit(c.ctx, batch(w2)))
			c.reopen()
			c.conflicts(c.d.Commit(c.ctx, batch(write(key("a"), w1.Next, "late"))), key("a"), w1.Next, w2.Next)
			c.holds(w2)
		}},
		{"durable/cursors", "A cursor outlives Close.", func(c *check) {
			names := numbered(20)
			c.create(keysOf("p", names)...)
			entries, _ := c.history(key("x"), 20)
			after, logged := "", ""
			var got []string
			q := storage.Query{Span: storage.Span{Partition: "p", To: "x", Limit: 6}}
			l := logOf(key("x"), 1)
			l.Limit = 6
			var log []string
			for range 4 {
				page, next, err := c.d.Page(c.ctx, q, after)
				c.ok("page", err)
				got, after = append(got, sorts(page)...), next
				page, next, err = c.d.Page(c.ctx, l, logged)
				c.ok("page of a log", err)
				log, logged = append(log, bodies(page)...), next
				c.reopen()
			}
			c.sameStrings("records", got, names)
			c.sameStrings("log", log, entries)
		}},
		{"durable/receipts", "A request that was committed is replayed after Close.", func(c *check) {
			r := storage.Request{ID: "r", Digest: [32]byte{1}}
			b := &storage.Batch{Puts: []storage.Put{{Key: key("a"), Kind: "k", Data: []byte("x")}}}
			first, err := c.s.Commit(c.ctx, r, b)
			c.ok("commit", err)
			c.reopen()
			again, err := c.s.Commit(c.ctx, r, b)
			c.ok("commit again", err)
			if !again.Replayed || again.Stamp(key("a")) != first.Stamp(key("a")) {
				c.failf("second commit: got %+v, want a replay of %+v", again, first)
			}
		}},
	}
}
