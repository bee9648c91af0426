package s3source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/spendclaim/spendclaim/cur"
)

// plain sets the client up for one call: without retries, which are the Source's, and
// without checksums, which S3 has for whole objects alone.
func plain(o *s3.Options) {
	o.Retryer = aws.NopRetryer{}
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// progress is how many bytes an attempt must bring for the next one to count as the
// first again.
const progress = 64 << 10

// attempts counts the attempts at one thing.
type attempts struct {
	s *Source
	n int // that got nowhere, in a row
}

// again waits before the next attempt. It returns the error when there is to be none:
// err itself, or the context's.
func (a *attempts) again(ctx context.Context, err error, got int) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if !passing(err) {
		return err
	}
	if got >= progress {
		a.n = 0
	}
	if a.n++; a.n >= a.s.o.Attempts {
		return fmt.Errorf("%w (attempt %d)", err, a.n)
	}
	a.s.retries.Add(1)
	pause := a.s.o.MaxBackoff
	if shift := a.n - 1; shift < 30 && a.s.o.Backoff < pause>>shift {
		pause = a.s.o.Backoff << shift
	}
	pause -= rand.N(pause/2 + 1)
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-t.C:
		return nil
	}
}

// ended returns why a context ended, as what callers compare with and in its own
// words.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// passing reports whether an error may not occur again.
func passing(err error) bool {
	var broken *brokenError
	return errors.As(err, &broken) || errors.Is(err, errStall) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || // the connection's
		retry.NewStandard().IsErrorRetryable(err)
}

// brokenError marks an answer that broke off.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return "the answer broke off: " + e.err.Error() }

// errStall ends an attempt that brings nothing.
var errStall = errors.New("no byte came for too long")

// try repeats a request whose answer has no body.
func (s *Source) try(ctx context.Context, request func(context.Context) error) error {
	a := attempts{s: s}
	for {
		w := s.watch(ctx)
		err := w.say(request(w.ctx))
		w.stop()
		if err == nil {
			return nil
		}
		if err := a.again(ctx, err, 0); err != nil {
			return err
		}
	}
}

// watch ends an attempt that stalls.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

func (s *Source) watch(ctx context.Context) *watch {
	w := &watch{stall: s.o.Stall}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(w.stall, func() { w.cancel(errStall) })
	return w
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// say gives an error that the watch caused its cause.
func (w *watch) say(err error) error {
	if err != nil && context.Cause(w.ctx) == errStall {
		return errStall
	}
	return err
}

// body is the body of an answer.
type body struct {
	in   io.ReadCloser
	w    *watch
	s    *Source
	left int64 // that the answer has to bring
}

// Read returns io.EOF after the last byte that was asked for; a *brokenError before
// it.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.in.Read(p)
	b.s.bytes.Add(int64(n))
	b.left -= int64(n)
	if n > 0 {
		b.w.timer.Reset(b.w.stall)
	}
	if err != nil && b.left > 0 {
		if b.w.say(err) == errStall {
			return n, errStall
		}
		return n, &brokenError{err}
	}
	return n, nil
}

func (b *body) Close() error {
	b.w.stop()
	return b.in.Close()
}

// open asks for the bytes from off to end of an object, which must be the one that
// was pinned.
func (s *Source) open(ctx context.Context, info cur.Info, off, end int64) (*body, error) {
	s.gets.Add(1)
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &info.Name, VersionId: s.version(info.Name),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, end-1)), IfMatch: aws.String(`"` + info.ETag + `"`),
		RequestPayer: s.payer(), ExpectedBucketOwner: s.owner(),
		SSECustomerAlgorithm: s.key.algorithm, SSECustomerKey: s.key.key, SSECustomerKeyMD5: s.key.sum}
	w := s.watch(ctx)
	out, err := s.client.GetObject(w.ctx, in, plain)
	if err != nil {
		err = w.say(err)
		w.stop()
		// A range beyond the end is one of a smaller object.
		if c := status(err); c == http.StatusPreconditionFailed || c == http.StatusRequestedRangeNotSatisfiable {
			return nil, s.changed(ctx, info)
		}
		return nil, err
	}
	if err := s.check(ctx, info, out, off, end); err != nil {
		w.stop()
		out.Body.Close()
		return nil, err
	}
	return &body{out.Body, w, s, end - off}, nil
}

// check holds the head of an answer against what was asked for.
func (s *Source) check(ctx context.Context, info cur.Info, out *s3.GetObjectOutput, off, end int64) error {
	if etag := unquote(out.ETag); etag != info.ETag {
		return &Error{Op: "read", Bucket: s.bucket, Key: info.Name, Want: info.ETag, Got: etag, Err: cur.ErrChanged}
	}
	want := fmt.Sprintf("bytes %d-%d/%d", off, end-1, info.Size)
	got := aws.ToString(out.ContentRange)
	if got == want {
		return nil
	}
	if got == "" && off == 0 && end == info.Size && aws.ToInt64(out.ContentLength) == info.Size {
		return nil // the whole object, and said so
	}
	if got == "" {
		got = fmt.Sprintf("all %d bytes", aws.ToInt64(out.ContentLength))
	}
	return fmt.Errorf("asked for %q, the answer has %q", want, got)
}

// changed says that an object was replaced, and by what.
func (s *Source) changed(ctx context.Context, info cur.Info) error {
	e := &Error{Op: "read", Bucket: s.bucket, Key: info.Name, Want: info.ETag, Err: cur.ErrChanged}
	if now, err := s.head(ctx, info.Name); err == nil {
		e.Got = now.ETag
	}
	if e.Got == e.Want { // asked for what is there, and refused
		e.Err = fmt.Errorf("%w, or the server does not know its own ETag", cur.ErrChanged)
	}
	return e
}
