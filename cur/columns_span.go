package cur

import (
	"slices"
	"sync"
)

// A row group is handed to one worker whole. One that finds nothing left to read takes
// half of what another has not begun: then the last row groups of a month, or the only
// one, end together, and no worker looks on.
//
// What is shared is read twice in part: the dictionary of each column, page headers,
// the keys of maps from the first row on. Both parts check at their end that the columns
// that they opened hold the rows that the footer promises, as one that reads all does.

// leastShare is how few rows are worth sharing. What is read twice takes as long as
// 200,000 rows of which few are needed, or 60,000 of which most are.
const leastShare = 12 * blockRows

// seams is for tests, in which row groups are small.
type seams struct {
	least int64                    // instead of leastShare
	block int                      // how long blocks are at most
	begun func(s *span, row int64) // called when a block begins
}

// span is the rows of a row group that one worker reads, or a file of CSV.
type span struct {
	f     *columnFile
	group int
	from  int64

	mu   sync.Mutex
	next int64 // first row that is not begun
	end  int64
}

// claim begins a block at a row, n rows of it at most, and returns how many it may be;
// 0 at the end. A block that ends sooner is followed by one that begins where it ended.
func (s *span) claim(row int64, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = int(min(int64(n), s.end-row))
	s.next = row + int64(n)
	return n
}

// left returns how many rows are not begun.
func (s *span) left() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end - s.next
}

// cut takes off the second half of what is not begun, less what the seam costs who takes
// it; nil when there are fewer rows than least.
func (s *span) cut(least int64) *span {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.end - s.next
	if left < least {
		return nil
	}
	from := s.end - (left-least/2+1)/2
	part := &span{f: s.f, group: s.group, from: from, next: from, end: s.end}
	s.end = from
	return part
}

// hand notes that a worker reads a span. That of a RemoteFile is not shared: what is
// announced of it is fetched once for each who reads it.
func (q *columnQueue) hand(s *span) *span {
	s.f.left++
	if _, remote := s.f.f.(RemoteFile); !remote && s.f.plan != nil && q.Workers > 1 {
		q.reading = append(q.reading, s)
	}
	return s
}

// share takes half of the span that has most left; nil when that is too little.
func (q *columnQueue) share() *span {
	for {
		least := int64(leastShare)
		if q.seams != nil {
			least = q.seams.least
		}
		var from *span
		most := least
		for _, s := range q.reading {
			if n := s.left(); n >= most {
				from, most = s, n
			}
		}
		if from == nil {
			return nil
		}
		if part := from.cut(least); part != nil { // else its worker has gone on
			return q.hand(part)
		}
	}
}

// release notes that a span has been read.
func (q *columnQueue) release(s *span) {
	s.f.left--
	q.reading = slices.DeleteFunc(q.reading, func(o *span) bool { return o == s })
}
