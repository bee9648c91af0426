package storagetest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// keepRules are about what a Store does over a whole driver: they hold Scan, Page and
// Restore against each other.
func keepRules() []rule {
	var none storage.Stamp
	return []rule{
		{"keep/verify and export", "Verify and Export go through every record and entry once, in the order of keys, and the export of the same content is the same bytes.", func(c *check) {
			records, entries := c.fillStore()
			var first, again bytes.Buffer
			r, err := c.s.Export(c.ctx, &first)
			c.ok("export", err)
			if r.Records != records || r.Entries != entries {
				c.failf("export: got %d records and %d entries, want %d and %d", r.Records, r.Entries, records, entries)
			}
			_, err = c.s.Verify(c.ctx, &storage.VerifyOptions{Since: &r.Heads})
			c.ok("verify", err)
			_, err = c.s.Export(c.ctx, &again)
			c.ok("export again", err)
			if !bytes.Equal(first.Bytes(), again.Bytes()) {
				c.failf("exports of one store differ")
			}
		}},
		{"keep/resumed import", "An import over what is there already changes nothing; an import into a store that holds anything is refused.", func(c *check) {
			if _, ok := c.d.(storage.Restorer); !ok {
				return
			}
			c.fillStore()
			var b, again bytes.Buffer
			_, err := c.s.Export(c.ctx, &b)
			c.ok("export", err)
			_, err = c.s.Import(c.ctx, bytes.NewReader(b.Bytes()), nil)
			c.is("import into a store that is not empty", err, storage.ErrConflict)
			_, err = c.s.Import(c.ctx, bytes.NewReader(b.Bytes()), &storage.ImportOptions{Resume: true})
			c.ok("resumed import", err)
			_, err = c.s.Export(c.ctx, &again)
			c.ok("export again", err)
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				c.failf("a resumed import of everything changed the store")
			}
		}},
		{"keep/sweep", "A swept part is ErrGone; the parts and records beside it stay.", func(c *check) {
			var parts []storage.Part
			for _, sort := range []string{"1", "1/00000000", "10"} {
				p, err := c.s.WritePart(c.ctx, storage.Key{Partition: "parts", Sort: sort}, "chunk", 1, strings.NewReader(strings.Repeat(sort, storage.MaxData)))
				c.ok("write part", err)
				parts = append(parts, p)
			}
			n, err := c.s.Sweep(c.ctx, []storage.Retired{{Part: parts[0]}}, time.Now())
			c.ok("sweep", err)
			_, err = io.ReadAll(c.s.ReadPart(c.ctx, parts[0]))
			c.is("read of a swept part", err, storage.ErrGone)
			for _, p := range parts[1:] {
				b, err := io.ReadAll(c.s.ReadPart(c.ctx, p))
				c.ok("read of a part beside it", err)
				if int64(len(b)) != p.Size || n != 1 {
					c.failf("swept %d parts, part beside it has %d bytes, want 1 and %d", n, len(b), p.Size)
				}
			}
		}},
		{"keep/reindex", "Reindex writes the listings that are missing, replaces those that are wrong and removes those of nothing.", func(c *check) {
			p := storage.Projection{From: "subject", Kind: "listing", List: func(r storage.Record) ([]storage.Put, error) {
				return []storage.Put{{Key: storage.Key{Partition: "list", Sort: r.Key.Sort}, Data: r.Data}}, nil
			}}
			var puts []storage.Put
			for _, name := range numbered(90) {
				puts = append(puts, storage.Put{Key: key(name), Kind: "subject", Data: []byte(name)})
			}
			c.commit(storage.Request{}, puts...)
			wrong := put(storage.Key{Partition: "list", Sort: "000007"}, none, "wrong")
			wrong.Kind, wrong.Schema = "listing", 0
			stray := wrong
			stray.Key.Sort = "stray"
			c.commit(storage.Request{}, wrong, stray)
			for _, want := range []storage.Changes{{Created: 89, Corrected: 1, Removed: 1}, {}} {
				got, err := c.s.Reindex(c.ctx, p)
				c.ok("reindex", err)
				if got != want {
					c.failf("reindex: got %+v, want %+v", got, want)
				}
			}
			c.sameStrings("list", sorts(c.pages(storage.Query{Span: storage.Span{Partition: "list"}})), numbered(90))
		}},
	}
}

// fillStore commits records of every sort and returns how many records, receipts
// included, and entries there are.
func (c *check) fillStore() (records, entries int) {
	for _, p := range []string{"a", "a/", "b", "é"} {
		for _, sort := range []string{"x", "x/", "x0"} {
			var prev storage.Stamp
			k := storage.Key{Partition: p, Sort: sort}
			for n := range 3 {
				r := storage.Request{ID: fmt.Sprint(p, sort, n)}
				prev = c.commit(r, storage.Put{Key: k, Prev: prev, Kind: "book", Data: fmt.Append(nil, n), Entry: []byte("e")}).Stamp(k)
			}
			c.commit(storage.Request{}, put(storage.Key{Partition: p, Sort: sort + " plain"}, storage.Stamp{}, "x"))
			records, entries = records+5, entries+3
		}
	}
	return records, entries
}
