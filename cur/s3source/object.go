package s3source

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/spendclaim/spendclaim/cur"
)

const (
	// tail is what is fetched of a file's end at once: the footer of a Parquet file
	// with a few row groups, the directory of a zip.
	tail = 64 << 10
	// maxHeld is how many windows a plan holds.
	maxHeld = 64
)

// object is an open object.
type object struct {
	ctx  context.Context
	s    *Source
	info cur.Info

	mu    sync.Mutex
	free  plan    // what nobody announced
	plans []*plan // of Expect
	clock uint64
}

var _ cur.RemoteFile = (*object)(nil)

func newObject(ctx context.Context, s *Source, info cur.Info) *object {
	return &object{ctx: ctx, s: s, info: info}
}

func (o *object) Info() cur.Info { return o.info }

// Close drops what is held. Reading goes on to work, and holds it again.
func (o *object) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.free, o.plans = plan{}, nil
	return nil
}

// Expect plans the reading of ranges: see cur.RemoteFile.
func (o *object) Expect(ranges []cur.Range) (done func()) {
	p := &plan{spans: coalesce(ranges, o.info.Size)}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.plans = append(o.plans, p)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for i := range o.plans {
			if o.plans[i] == p {
				o.plans = append(o.plans[:i:i], o.plans[i+1:]...)
				return
			}
		}
	}
}

// ReadAt implements io.ReaderAt.
func (o *object) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, o.s.fail("read", o.info.Name, fmt.Errorf("%w: offset %d", fs.ErrInvalid, off))
	}
	if off >= o.info.Size {
		return 0, io.EOF
	}
	if int64(len(b)) > o.info.Size-off {
		b, err = b[:o.info.Size-off], io.EOF
	}
	for n < len(b) {
		at := off + int64(n)
		g, fetch := o.segment(at, len(b)-n)
		if g == nil {
			// More than is ever held: straight to where it is wanted.
			if err := o.fill(b[n:], at); err != nil {
				return n, err
			}
			return len(b), err
		}
		if fetch {
			g.b = make([]byte, g.end-g.off)
			g.err = o.fill(g.b, g.off)
			o.drop(g)
			close(g.ready)
		} else {
			<-g.ready // the reader that fetches it ends with the same context
		}
		if g.err != nil {
			return n, g.err
		}
		n += copy(b[n:], g.b[at-g.off:])
	}
	return n, err
}

// segment returns the segment that holds the byte at off, and whether the caller has
// to fetch it; nil when n bytes are too many to hold.
func (o *object) segment(off int64, n int) (g *segment, fetch bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock++
	if g := o.free.find(off); g != nil {
		g.used = o.clock
		return g, false
	}
	p, window := &o.free, int64(o.s.o.Window)
	begin, end := off, min(off+int64(n), o.info.Size)
	for _, q := range o.plans {
		if g := q.find(off); g != nil {
			g.used = o.clock
			return g, false
		}
		if s := q.span(off); s != nil && p == &o.free {
			p, end = q, min(max(end, off+window), s.end)
		}
	}
	if p == &o.free {
		if from := o.info.Size - tail; off >= from {
			begin, end = max(0, from), o.info.Size
		} else if q := o.free.before(off); q != nil {
			// One byte after the other: each time twice as many.
			end = min(max(end, off+min(2*(q.end-q.off), window)), o.info.Size)
		}
	}
	begin, end = o.free.clip(begin, end, off)
	for _, q := range o.plans {
		begin, end = q.clip(begin, end, off)
	}
	if end-begin > max(window, tail) {
		return nil, false
	}
	g = &segment{off: begin, end: end, used: o.clock, ready: make(chan struct{})}
	p.add(g, maxHeld*max(window, tail))
	return g, true
}

// drop forgets a segment that could not be fetched.
func (o *object) drop(g *segment) {
	if g.err == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.free.remove(g)
	for _, p := range o.plans {
		p.remove(g)
	}
}

// fill reads b from off on, with as many requests as that takes.
func (o *object) fill(b []byte, off int64) error {
	a := attempts{s: o.s}
	for n := 0; n < len(b); {
		k, err := o.once(b[n:], off+int64(n))
		if n += k; err == nil {
			continue
		}
		if err := a.again(o.ctx, err, k); err != nil {
			return o.s.fail("read", o.info.Name, err)
		}
	}
	return nil
}

// once reads what one request brings of b.
func (o *object) once(b []byte, off int64) (int, error) {
	in, err := o.s.open(o.ctx, o.info, off, off+int64(len(b)))
	if err != nil {
		return 0, err
	}
	defer in.Close()
	n := 0
	for n < len(b) {
		k, err := in.Read(b[n:])
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Stream reads the object from off on in one request, or as many as it takes.
func (o *object) Stream(off int64) io.ReadCloser {
	return &stream{o: o, off: max(off, 0), a: attempts{s: o.s}}
}

// stream is a body that goes on where it broke off.
type stream struct {
	o   *object
	off int64
	in  *body // nil: to be asked for
	got int   // bytes of in
	a   attempts
	err error
}

func (s *stream) Read(p []byte) (int, error) {
	for s.err == nil && len(p) > 0 {
		if s.off >= s.o.info.Size {
			s.err = io.EOF
			break
		}
		var n int
		var err error
		if s.in == nil {
			s.got = 0
			s.in, err = s.o.s.open(s.o.ctx, s.o.info, s.off, s.o.info.Size)
		}
		if err == nil {
			n, err = s.in.Read(p)
			s.off += int64(n)
			s.got += n
		}
		if err != nil && s.in != nil {
			s.in.Close()
			s.in = nil
		}
		if n > 0 {
			if err != nil {
				s.err = s.pause(err)
			}
			return n, nil
		}
		if err != nil {
			s.err = s.pause(err)
		}
	}
	return 0, s.err
}

func (s *stream) pause(err error) error {
	if err := s.a.again(s.o.ctx, err, s.got); err != nil {
		return s.o.s.fail("read", s.o.info.Name, err)
	}
	return nil
}

// Close ends the request.
func (s *stream) Close() error {
	if s.err == nil {
		s.err = fs.ErrClosed
	}
	if s.in == nil {
		return nil
	}
	in := s.in
	s.in = nil
	return in.Close()
}
