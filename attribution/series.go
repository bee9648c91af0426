package attribution

import (
	"math"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// A series is groups, one after the other, whose keys are equal but for the bucket:
// what somebody had of something, day by day. A month has ten groups and more to a
// series, and what becomes of them is settled once, unless a claim begins or ends
// among them.

// series adds the sums of the groups after i to got, what became of group i whose key
// is k, as long as the same becomes of them. It returns the number of the first group
// that it did not add, and the bucket of the last that it did.
func (as *Assigner) series(got []piece, g *grain, i int, k *cur.Key) (end int, last cur.Bucket) {
	end, last = i+1, k.Bucket
	if len(g.of[i]) > 0 {
		return end, last // sessions go their own ways
	}
	if _, split := as.ix.poolOf(k, &got[0].Assignment); split {
		return end, last // bucket by bucket
	}
	until := as.until(k)
	if until == k.Bucket.Start {
		return end, last
	}
	end = g.book.Series(i)
	if len(g.of) > 0 || g.book.Key(end-1).Bucket.Start >= until {
		n := i + 1
		for n < end && len(g.of[n]) == 0 && g.book.Key(n).Bucket.Start < until {
			n++
		}
		end = n
	}
	if end > i+1 {
		last, got[0].sums = g.book.Key(end-1).Bucket, g.book.Total(i, end)
	}
	return end, last
}

// until returns the start of the first bucket after k's that may be assigned in
// another way than the group of k, which was assigned last.
func (as *Assigner) until(k *cur.Key) int64 {
	sc := as.last.scoped
	switch {
	case !as.ix.plainScope:
		return k.Bucket.Start
	case sc.chain == nil:
		return math.MaxInt64
	case !sc.chain.plain:
		return k.Bucket.Start
	}
	return as.last.reading.until(k.Bucket.Start)
}

// until returns the first second after t from which on a claim is in force, or is no
// longer.
func (r *reading) until(t int64) int64 {
	first := int64(math.MaxInt64)
	for _, c := range r.claims {
		for _, at := range [...]time.Time{c.From, c.To} {
			second := at.Unix()
			if at.Nanosecond() > 0 {
				second++
			}
			if second > t && !at.IsZero() {
				first = min(first, second)
			}
		}
	}
	return first
}
