package storagetest

import (
	"fmt"
	"slices"

	"github.com/spendclaim/spendclaim/storage"
)

// classes holds sort keys of every kind that is allowed, in bytewise order.
func classes() []string {
	out := []string{
		" ", "!", "#", "$x", "0", "10", "9", "A", "B", "Z", "a", "a ", "a!", "a/", "a/b", "a0", "aa", "b",
		"~", "\u00a0", "é", "ß", "中", "日本", "\ufeff", "\ufffd", "\U0001F600", "\U0010FFFE",
	}
	slices.Sort(out)
	return out
}

func pageRules() []rule {
	span := func(s storage.Span) storage.Query { return storage.Query{Span: s} }
	return []rule{
		{"page/order", "A page is in bytewise order of the sort key, for every class of character; Reverse is the mirror image.", func(c *check) {
			names := classes()
			shuffled := slices.Clone(names)
			slices.SortFunc(shuffled, func(a, b string) int { return len(b) - len(a) })
			c.create(keysOf("p", shuffled)...)
			c.sameStrings("forward", sorts(c.pages(span(storage.Span{Partition: "p"}))), names)
			slices.Reverse(names)
			c.sameStrings("reverse", sorts(c.pages(span(storage.Span{Partition: "p", Reverse: true}))), names)
		}},
		{"page/bounds", "A span holds From and what follows, up to but without To; an empty bound is open; a span that ends before it begins is empty.", pageBounds},
		{"page/limit", "A page holds at most Limit items, and the cursor leads on.", func(c *check) {
			names := numbered(10)
			c.create(keysOf("p", names)...)
			for limit := 1; limit <= 11; limit++ {
				c.sameStrings(fmt.Sprintf("limit %d", limit), sorts(c.pages(span(storage.Span{Partition: "p", Limit: limit}))), names)
			}
		}},
		{"page/partitions", "A page holds records of its partition only, also where one name is the beginning of another.", func(c *check) {
			parts := []string{"a", "a ", "a!", "a/", "a/b", "aa", "á"}
			for _, p := range parts {
				c.create(storage.Key{Partition: p, Sort: "1 " + p}, storage.Key{Partition: p, Sort: "2 " + p})
			}
			for _, p := range append(parts, "b", "A") {
				var want []string
				if slices.Contains(parts, p) {
					want = []string{"1 " + p, "2 " + p}
				}
				c.sameStrings(fmt.Sprintf("partition %q", p), sorts(c.pages(span(storage.Span{Partition: p}))), want)
				slices.Reverse(want)
				c.sameStrings(fmt.Sprintf("partition %q reversed", p), sorts(c.pages(span(storage.Span{Partition: p, Reverse: true}))), want)
			}
		}},
		{"page/many pages", "Following the cursors yields every record once, in both directions.", func(c *check) {
			names := numbered(700)
			c.create(keysOf("p", names)...)
			c.create(keysOf("q", names[:3])...)
			c.sameStrings("forward", sorts(c.pages(span(storage.Span{Partition: "p"}))), names)
			c.sameStrings("part", sorts(c.pages(span(storage.Span{Partition: "p", From: names[5], To: names[650]}))), names[5:650])
			slices.Reverse(names)
			c.sameStrings("reverse", sorts(c.pages(span(storage.Span{Partition: "p", Reverse: true}))), names)
		}},
		{"page/large items", "A page of large items is cut short rather than failing, and nothing is lost.", func(c *check) {
			names := numbered(12)
			for _, name := range names {
				w := write(key(name), storage.Stamp{}, "")
				w.Record = make([]byte, storage.MaxData)
				c.ok("commit", c.d.Commit(c.ctx, batch(w)))
			}
			c.sameStrings("records", sorts(c.pages(span(storage.Span{Partition: "p"}))), names)
		}},
		{"page/copies", "What Page returns belongs to the caller.", func(c *check) {
			c.create(key("a"))
			page, _, err := c.d.Page(c.ctx, span(storage.Span{Partition: "p"}), "")
			c.ok("page", err)
			clear(page[0].Body)
			c.sameStrings("bodies", bodies(c.pages(span(storage.Span{Partition: "p"}))), []string{"body of a"})
		}},
		{"page/writes between pages", "Writes between two pages neither hang nor disturb what was there all the time, even if the record at the cursor goes.", pageWrites},
		{"page/entries stay out", "Entries are not among the records.", func(c *check) {
			c.ok("commit", c.d.Commit(c.ctx, batch(audited(write(key("a"), storage.Stamp{}, "body"), "entry"))))
			c.sameStrings("records", bodies(c.pages(span(storage.Span{Partition: "p"}))), []string{"body"})
		}},
	}
}

func pageBounds(c *check) {
	names := []string{"a", "a/", "a/1", "a/2", "a0", "b"}
	c.create(keysOf("p", names)...)
	bounds := append([]string{"", "A", "a/15", "c"}, names...)
	for _, from := range bounds {
		for _, to := range bounds {
			var want []string
			for _, n := range names {
				if n >= from && (to == "" || n < to) {
					want = append(want, n)
				}
			}
			s := storage.Span{Partition: "p", From: from, To: to}
			c.sameStrings(fmt.Sprintf("[%q, %q)", from, to), sorts(c.pages(storage.Query{Span: s})), want)
			slices.Reverse(want)
			s.Reverse, s.Limit = true, 2
			c.sameStrings(fmt.Sprintf("[%q, %q) reversed", from, to), sorts(c.pages(storage.Query{Span: s})), want)
		}
	}
	c.sameStrings("prefix a/", sorts(c.pages(storage.Query{Span: storage.Prefix("p", "a/")})), []string{"a/", "a/1", "a/2"})
}

func pageWrites(c *check) {
	names := numbered(40)
	stamps := c.create(keysOf("p", names)...)
	for _, reverse := range []bool{false, true} {
		q := storage.Query{Span: storage.Span{Partition: "p", Reverse: reverse, Limit: 7}}
		var got []string
		after, n := "", 0
		for {
			page, next, err := c.d.Page(c.ctx, q, after)
			c.ok("page", err)
			got = append(got, sorts(page)...)
			if next == "" {
				break
			}
			after = next
			// New records on both sides of the cursor, large enough to make a
			// file grow, and the record at the cursor removed and put back.
			last := len(page) - 1
			i := slices.Index(names, page[last].Key.Sort)
			if i < 0 {
				continue // one of the new ones: it may or may not be seen
			}
			w := write(key(fmt.Sprintf("%s-%v-%d", names[i], reverse, n)), storage.Stamp{}, "")
			w.Record = make([]byte, 300<<10)
			n++
			b := batch(w)
			b.Deletes = []storage.Delete{{Key: key(names[i]), Prev: stamps[i]}}
			c.ok("commit between pages", c.d.Commit(c.ctx, b))
			_, _, err = c.d.Page(c.ctx, q, after)
			c.ok("page after the record at its cursor was deleted", err)
			back := write(key(names[i]), storage.Stamp{}, "back")
			c.ok("commit between pages", c.d.Commit(c.ctx, batch(back)))
			stamps[i] = back.Next
		}
		got = slices.DeleteFunc(got, func(s string) bool { return !slices.Contains(names, s) })
		want := slices.Clone(names)
		if reverse {
			slices.Reverse(want)
		}
		c.sameStrings("records that were there", got, want)
	}
}
