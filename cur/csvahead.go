package cur

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// ahead reads text some blocks ahead of who asks for it, in a goroutine of its own:
// decompression and splitting then share no processor. The goroutine runs between
// start and stop only; without it ahead reads when asked.
type ahead struct {
	in   io.Reader
	rest []byte // of the block handed out last
	buf  []byte
	err  error // what in ended with, once the blocks are used up

	full chan aheadBlock
	free chan []byte
	end  context.CancelFunc
	wait sync.WaitGroup
}

type aheadBlock struct {
	b   []byte
	err error
}

const (
	// aheadSize is large enough that handing a block over costs nothing next to
	// filling it, aheadBlocks enough to even out short stalls.
	aheadSize   = 128 << 10
	aheadBlocks = 4
)

// start begins to read ahead. It is nothing to start twice, or where there is but
// one processor.
func (a *ahead) start(ctx context.Context) {
	if a.end != nil || a.err != nil || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	ctx, a.end = context.WithCancel(ctx)
	full, free := make(chan aheadBlock, aheadBlocks), make(chan []byte, aheadBlocks)
	for range aheadBlocks {
		free <- nil // made when first filled: a file may be small
	}
	a.full, a.free = full, free
	a.wait.Go(func() { a.run(ctx, full, free) })
}

func (a *ahead) run(ctx context.Context, full chan<- aheadBlock, free <-chan []byte) {
	defer close(full)
	defer func() {
		if p := recover(); p != nil {
			full <- aheadBlock{nil, fmt.Errorf("%w: %v", ErrFormat, p)}
		}
	}()
	for {
		var b []byte
		select {
		case <-ctx.Done():
			return
		case b = <-free:
		}
		if ctx.Err() != nil {
			return
		}
		if b == nil {
			b = make([]byte, aheadSize)
		}
		n, err := readFull(a.in, b)
		full <- aheadBlock{b[:n], err} // as many fit as there are blocks
		if err != nil {
			return
		}
	}
}

// readFull reads until b is full or in ends.
func readFull(in io.Reader, b []byte) (n int, err error) {
	for idle := 0; n < len(b) && err == nil; idle++ {
		var k int
		if k, err = in.Read(b[n:]); k > 0 {
			idle = 0
		} else if idle == 100 && err == nil {
			err = io.ErrNoProgress
		}
		n += k
	}
	return n, err
}

// stop ends the goroutine and waits for it. What it has read is not lost.
func (a *ahead) stop() {
	if a.end == nil {
		return
	}
	a.end()
	a.wait.Wait()
	a.end = nil
}

// feed hands what is left to sink. Blocks are void once sink returns.
func (a *ahead) feed(sink func([]byte) error) error {
	b := a.rest
	a.rest = nil
	for {
		if err := sink(b); err != nil {
			return err
		}
		switch {
		case a.err == io.EOF:
			return nil
		case a.err != nil:
			return a.err
		case a.buf != nil:
			a.free <- a.buf
			a.buf = nil
		}
		if a.full == nil {
			return feed(a.in, sink)
		}
		block, ok := <-a.full
		if !ok {
			a.full = nil // stopped
			continue
		}
		a.buf, b, a.err = block.b[:cap(block.b)], block.b, block.err
	}
}

// feed hands a text to sink.
func feed(in io.Reader, sink func([]byte) error) error {
	switch in := in.(type) {
	case *ahead:
		return in.feed(sink)
	case *gzip.Reader:
		// It hands out its own window, which spares a copy of the whole text.
		_, err := in.WriteTo(sinkWriter(sink))
		return err
	}
	b := make([]byte, aheadSize)
	for {
		n, err := readFull(in, b)
		if err := sink(b[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

type sinkWriter func([]byte) error

func (w sinkWriter) Write(b []byte) (int, error) {
	if err := w(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (a *ahead) Read(b []byte) (n int, err error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.full == nil {
			return a.in.Read(b)
		}
		if a.buf != nil {
			a.free <- a.buf
			a.buf = nil
		}
		block, ok := <-a.full
		if !ok {
			a.full = nil // stopped
			continue
		}
		a.buf, a.rest, a.err = block.b[:cap(block.b)], block.b, block.err
	}
	n = copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}
