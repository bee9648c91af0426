package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spendclaim/spendclaim/storage"
)

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// put is a Put of an unaudited record.
func put(k storage.Key, prev storage.Stamp, data string) storage.Put {
	return storage.Put{Key: k, Prev: prev, Kind: "plain", Schema: 1, Data: []byte(data)}
}

func (c *check) commit(r storage.Request, puts ...storage.Put) storage.Receipt {
	receipt, err := c.s.Commit(c.ctx, r, &storage.Batch{Puts: puts})
	c.ok("commit", err)
	return receipt
}

func storeRules() []rule {
	a := key("a")
	var none storage.Stamp
	var unnamed storage.Request
	return []rule{
		{"store/round trip", "A record read is the record written: kind, schema, data and the stamp of the receipt.", func(c *check) {
			p := storage.Put{Key: a, Kind: "kind", Schema: 7, Data: []byte("data"), Entry: []byte("entry")}
			stamp := c.commit(unnamed, p).Stamp(a)
			r, err := c.s.Get(c.ctx, a)
			c.ok("get", err)
			if r.Key != a || r.Stamp != stamp || stamp.Version != 1 || r.Kind != "kind" || r.Schema != 7 || string(r.Data) != "data" {
				c.failf("get: got %+v, want what was put at %s", r, stamp)
			}
			for e, err := range c.s.Log(c.ctx, a, 0) {
				c.ok("log", err)
				if e.Stamp != stamp || e.Kind != "kind" || e.Schema != 7 || string(e.Data) != "entry" {
					c.failf("log: got %+v, want the entry at %s", e, stamp)
				}
			}
		}},
		{"store/write inside a range", "The loop over a Range may write, also so much that a file must grow.", func(c *check) {
			want := numbered(300)
			for part := range slices.Chunk(want, storage.MaxItems) {
				var puts []storage.Put
				for _, n := range part {
					puts = append(puts, put(key(n), none, "x"))
				}
				c.commit(unnamed, puts...)
			}
			big := string(make([]byte, 300<<10))
			var got []string
			for r, err := range c.s.Range(c.ctx, storage.Span{Partition: "p"}) {
				c.ok("range", err)
				if got = append(got, r.Key.Sort); len(got) <= 30 {
					c.commit(unnamed, put(storage.Key{Partition: "q", Sort: r.Key.Sort}, none, big), put(r.Key, r.Stamp, "y"))
				}
			}
			c.sameStrings("range", got, want)
		}},
		{"store/replay", "A request is committed once; repeating it returns the first receipt, whatever the batch; another digest is ErrReplayMismatch.", func(c *check) {
			r := storage.Request{ID: "r", Digest: [32]byte{1}}
			first := c.commit(r, put(a, none, "x"), put(key("b"), none, "y"))
			again := c.commit(r, put(a, none, "something else"))
			if first.Replayed || !again.Replayed || !slices.Equal(first.Keys, again.Keys) || !slices.Equal(first.Stamps, again.Stamps) {
				c.failf("got %+v and then %+v, want the same and the second replayed", first, again)
			}
			_, err := c.s.Commit(c.ctx, storage.Request{ID: "r", Digest: [32]byte{2}}, nil)
			c.is("commit with another digest", err, storage.ErrReplayMismatch)
			got, err := c.s.Get(c.ctx, a)
			c.ok("get", err)
			if string(got.Data) != "x" {
				c.failf("data after replays: got %q, want %q", got.Data, "x")
			}
		}},
		{"store/update counts", "Concurrent updates of one record all take effect, each once.", updateCounts},
		{"store/update is one instant", "What an update read and did not write is still so when it commits.", func(c *check) {
			c.commit(unnamed, put(a, none, "1"), put(key("b"), none, "1"))
			runs := 0
			_, err := c.s.Update(c.ctx, unnamed, func(tx *storage.Tx) error {
				runs++
				ra, err := tx.Get(a)
				if err != nil {
					return err
				}
				if runs == 1 { // another writer, between the two reads
					b, err := c.s.Get(c.ctx, key("b"))
					if err != nil {
						return err
					}
					if _, err := c.s.Commit(c.ctx, unnamed, &storage.Batch{Puts: []storage.Put{put(a, ra.Stamp, "2"), put(key("b"), b.Stamp, "2")}}); err != nil {
						return err
					}
				}
				rb, err := tx.Get(key("b"))
				if err != nil {
					return err
				}
				tx.Put(put(key("sum"), none, string(ra.Data)+string(rb.Data)))
				return nil
			})
			c.ok("update", err)
			sum, err := c.s.Get(c.ctx, key("sum"))
			c.ok("get", err)
			if runs != 2 || string(sum.Data) != "22" {
				c.failf("got %d runs and %q, want 2 runs and %q", runs, sum.Data, "22")
			}
		}},
		{"store/lost answer", "A commit whose answer is lost is found to have happened, and happens once.", func(c *check) { lostCalls(c, true) }},
		{"store/lost request", "A commit that never reached the engine is offered again, and happens once.", func(c *check) { lostCalls(c, false) }},
		{"store/parts", "A part reads back as it was written, whatever its size, and writing it again is harmless.", func(c *check) {
			for _, size := range []int{0, 1, storage.MaxData, storage.MaxData + 1, storage.MaxBatch + storage.MaxData/2} {
				body := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
				k := storage.Key{Partition: "parts", Sort: fmt.Sprint(size)}
				p, err := c.s.WritePart(c.ctx, k, "chunk", 1, bytes.NewReader(body))
				c.ok("write part", err)
				again, err := c.s.WritePart(c.ctx, k, "chunk", 1, bytes.NewReader(body))
				c.ok("write part again", err)
				var got bytes.Buffer
				_, err = got.ReadFrom(c.s.ReadPart(c.ctx, p))
				c.ok("read part", err)
				if p != again || p.Size != int64(size) || !bytes.Equal(got.Bytes(), body) {
					c.failf("part of %d bytes: wrote %+v, then %+v, read %d bytes", size, p, again, got.Len())
				}
			}
		}},
	}
}

func updateCounts(c *check) {
	const writers, each = 4, 5
	s := storage.New(c.d, &storage.Options{Attempts: 1000})
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				_, err := s.Update(c.ctx, storage.Request{}, func(tx *storage.Tx) error {
					r, err := tx.Get(key("counter"))
					if err != nil && !errors.Is(err, storage.ErrNotFound) {
						return err
					}
					next := fmt.Sprint(len(r.Data) + 1)
					tx.Put(storage.Put{Key: key("counter"), Kind: "counter", Data: append(r.Data, '|'), Entry: []byte(next)})
					return nil
				})
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	c.ok("update", errors.Join(errs...))
	r, err := c.s.Get(c.ctx, key("counter"))
	c.ok("get", err)
	if len(r.Data) != writers*each || r.Stamp.Version != writers*each {
		c.failf("counter: got %d at version %d, want %d", len(r.Data), r.Stamp.Version, writers*each)
	}
	n := 0
	for e, err := range c.s.Log(c.ctx, key("counter"), 1) {
		c.ok("log", err)
		if n++; string(e.Data) != fmt.Sprint(n) {
			c.failf("entry %d: got %q", n, e.Data)
		}
	}
	if n != writers*each {
		c.failf("log: got %d entries, want %d", n, writers*each)
	}
}

// faulty loses the next commits: before they reach the engine, or after.
type faulty struct {
	storage.Driver
	lose    int
	applied bool
}

func (f *faulty) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if f.lose == 0 {
		return f.Driver.Commit(ctx, b)
	}
	f.lose--
	if f.applied {
		// A conflict is an answer too, and is lost like any other.
		_ = f.Driver.Commit(ctx, b)
	}
	return fmt.Errorf("connection reset: %w", storage.ErrUnknownOutcome)
}

func lostCalls(c *check, applied bool) {
	for lose := range 4 {
		f := &faulty{Driver: c.d, applied: applied}
		s := storage.New(f, nil)
		for _, r := range []storage.Request{{}, {ID: fmt.Sprint("r", lose), Digest: [32]byte{1}}} {
			k := key(fmt.Sprint(r.ID, "k", lose))
			var prev storage.Stamp
			for n := range 3 {
				f.lose = lose
				req := r
				if r.ID != "" {
					req.ID += fmt.Sprint("-", n)
				}
				p := storage.Put{Key: k, Prev: prev, Kind: "counter", Data: []byte(fmt.Sprint(n)), Entry: []byte("e")}
				receipt, err := s.Commit(c.ctx, req, &storage.Batch{Puts: []storage.Put{p}})
				c.ok(fmt.Sprintf("commit with %d lost calls", lose), err)
				got, err := c.s.Get(c.ctx, k)
				c.ok("get", err)
				if got.Stamp != receipt.Stamp(k) || got.Stamp.Version != uint64(n+1) || receipt.Replayed {
					c.failf("record: got %s, receipt %+v, want version %d", got.Stamp, receipt, n+1)
				}
				prev = got.Stamp
			}
		}
	}
}
