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

// series returns the end of the series of which the same becomes as of group i: the
// number of the first group after it of which that is not so, and the bucket of the
// last before. The key of group i is k; it was assigned last, as a says, and no sessions
// are taken out of it.
func (as *Assigner) series(a *Assignment, g *grain, i int, k *cur.Key) (end int, last cur.Bucket) {
	end, last = i+1, k.Bucket
	if _, split := as.ix.poolOf(k, a); split {
		return end, last // bucket by bucket
	}
	until := as.until(k)
	if until == k.Bucket.Start {
		return end, last
	}
	if end = g.book.Series(i); end == i+1 {
		return end, last
	}
	last = g.book.Key(end - 1).Bucket
	if len(g.of) == 0 && last.Start < until {
		return end, last
	}
	n := i + 1
	for last = k.Bucket; n < end && len(g.of[n]) == 0; n++ { // sessions go their own ways
		b := g.book.Key(n).Bucket
		if b.Start >= until {
			break
		}
		last = b
	}
	return n, last
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
