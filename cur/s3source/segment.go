package s3source

import (
	"cmp"
	"slices"

	"github.com/spendclaim/spendclaim/cur"
)

// segment is a part of an object that was fetched, or is being fetched.
type segment struct {
	off, end int64
	used     uint64 // when last
	ready    chan struct{}
	b        []byte // valid, as is err, once ready is closed
	err      error
}

// span is a part of an object.
type span struct{ off, end int64 }

// plan is what is expected to be read, and what is held of it.
type plan struct {
	spans []span // ascending, apart
	held  []*segment
	bytes int64
}

// maxGap is the largest piece nobody asked for that is fetched with its neighbours: a
// request costs about as much time as this many bytes.
const maxGap = 1 << 20

// coalesce joins ranges that are near each other, nearest first, as long as what lies
// between is an eighth of what is wanted at most.
func coalesce(ranges []cur.Range, size int64) []span {
	var all []span
	for _, r := range ranges {
		if s := (span{max(r.Off, 0), min(r.Off+r.Size, size)}); s.off < s.end {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	var want int64
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.off <= out[n-1].end {
			want += max(0, s.end-out[n-1].end)
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		want += s.end - s.off
		out = append(out, s)
	}
	gaps := make([]int, 0, len(out)) // i: between out[i] and out[i+1]
	for i := range len(out) - 1 {
		gaps = append(gaps, i)
	}
	gap := func(i int) int64 { return out[i+1].off - out[i].end }
	slices.SortStableFunc(gaps, func(a, b int) int { return cmp.Compare(gap(a), gap(b)) })
	joined := make([]bool, len(out)) // to the next
	for slack := want / 8; len(gaps) > 0 && gap(gaps[0]) <= min(slack, maxGap); gaps = gaps[1:] {
		slack -= gap(gaps[0])
		joined[gaps[0]] = true
	}
	var merged []span
	for i, s := range out {
		if i > 0 && joined[i-1] {
			merged[len(merged)-1].end = s.end
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// span returns the span that off lies in.
func (p *plan) span(off int64) *span {
	i, _ := slices.BinarySearchFunc(p.spans, off, func(s span, off int64) int {
		if s.end <= off {
			return -1
		}
		return 1
	})
	if i < len(p.spans) && p.spans[i].off <= off {
		return &p.spans[i]
	}
	return nil
}

// find returns the segment that off lies in.
func (p *plan) find(off int64) *segment {
	for _, g := range p.held {
		if g.off <= off && off < g.end {
			return g
		}
	}
	return nil
}

// before returns a segment that ends at off.
func (p *plan) before(off int64) *segment {
	for _, g := range p.held {
		if g.end == off {
			return g
		}
	}
	return nil
}

// clip cuts what the plan holds off the ends of a part around off, which it does not.
func (p *plan) clip(begin, end, off int64) (int64, int64) {
	for _, g := range p.held {
		if g.off > off {
			end = min(end, g.off)
		} else {
			begin = max(begin, g.end)
		}
	}
	return begin, end
}

// maxSegments keeps looking for one cheap.
const maxSegments = 256

// add holds a segment, in place of those that were not used for longest. One that is
// dropped while it is waited for is still there for who waits.
func (p *plan) add(g *segment, limit int64) {
	p.held = append(p.held, g)
	p.bytes += g.end - g.off
	for len(p.held) > 1 && (p.bytes > limit || len(p.held) > maxSegments) {
		oldest := p.held[0]
		for _, h := range p.held {
			if h.used < oldest.used {
				oldest = h
			}
		}
		p.remove(oldest)
	}
}

func (p *plan) remove(g *segment) {
	if i := slices.Index(p.held, g); i >= 0 {
		p.held = slices.Delete(p.held, i, i+1)
		p.bytes -= g.end - g.off
	}
}
