package s3source_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/cur/s3source"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// spoil is what a fault does to a request or its answer: see faulty.
type spoil func(r *http.Request, n int, a *http.Response) (*http.Response, error)

// Every fault ends in the body that the files have, or in an error that says what it
// is; never in another body.
func TestFaults(t *testing.T) {
	reset := syscall.ECONNRESET
	var months []written
	for _, f := range []curtest.Format{curtest.CSV, curtest.CSVGzip, curtest.CSVZip, curtest.Parquet} {
		months = append(months, month(t, f))
	}
	for _, tt := range []struct {
		name string
		// fault makes a spoil for one run against the bucket; key is the data file's.
		fault   func(b *bucket, key string) spoil
		want    error // nil: all is well in the end
		says    string
		retried bool
	}{
		{"reset in the middle of each body", func(*bucket, string) spoil {
			return func(_ *http.Request, n int, a *http.Response) (*http.Response, error) {
				// Growing pieces: an answer that brings more than before is progress.
				if n >= 0 && a != nil && n%3 != 2 {
					return cutShort(a, a.ContentLength/2, reset), nil
				}
				return nil, nil
			}
		}, nil, "", true},
		{"body that ends too early", func(*bucket, string) spoil {
			return func(_ *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n >= 0 && a != nil && n%2 == 0 {
					return cutShort(a, a.ContentLength*3/4, io.EOF), nil
				}
				return nil, nil
			}
		}, nil, "", true},
		{"connection reset before the answer", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if a == nil && n%2 == 0 {
					return nil, reset
				}
				return nil, nil
			}
		}, nil, "", true},
		{"throttled, then let through", func(*bucket, string) spoil {
			var calls atomic.Int64
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if a == nil && calls.Add(1)%4 != 0 { // also HEAD and listings
					return answer(r, http.StatusServiceUnavailable, "SlowDown"), nil
				}
				return nil, nil
			}
		}, nil, "", true},
		{"throttled for good", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n >= 1 && a == nil {
					return answer(r, http.StatusServiceUnavailable, "SlowDown"), nil
				}
				return nil, nil
			}
		}, cur.ErrSource, "SlowDown", true},
		{"internal errors, then none", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 1 && a == nil {
					return answer(r, http.StatusInternalServerError, "InternalError"), nil
				}
				return nil, nil
			}
		}, nil, "", true},
		{"connections that are closed, for good", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n >= 1 && a == nil {
					return nil, io.ErrUnexpectedEOF // which is no end of a file
				}
				return nil, nil
			}
		}, cur.ErrSource, "unexpected EOF", true},
		{"replaced while it is read", func(b *bucket, key string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 2 && a == nil {
					b.put(key, append(bytes.Clone(b.objects[key]), '\n'))
				}
				if n == 2 && a != nil { // and a stream would not notice by itself
					return cutShort(a, 100, reset), nil
				}
				return nil, nil
			}
		}, cur.ErrChanged, "", false},
		{"replaced, on a server that ignores the condition", func(b *bucket, key string) spoil {
			b.ignores = true
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 2 && a == nil {
					b.put(key, append(bytes.Clone(b.objects[key]), '\n'))
				}
				if n == 1 && a != nil {
					return cutShort(a, 100, reset), nil
				}
				return nil, nil
			}
		}, cur.ErrChanged, "", false},
		{"another range than asked for", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 2 && a == nil {
					from, to, _ := parseRange(r.Header.Get("Range"))
					r = r.Clone(r.Context())
					r.Header.Set("Range", rangeOf(from+1, to+1))
					return http.DefaultTransport.RoundTrip(r)
				}
				return nil, nil
			}
		}, cur.ErrSource, "asked for", false},
		{"the range ignored", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 2 && a == nil {
					r = r.Clone(r.Context())
					r.Header.Del("Range")
					return http.DefaultTransport.RoundTrip(r)
				}
				return nil, nil
			}
		}, cur.ErrSource, "asked for", false},
		{"forbidden in the middle", func(*bucket, string) spoil {
			return func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
				if n == 2 && a == nil {
					return answer(r, http.StatusForbidden, "AccessDenied"), nil
				}
				return nil, nil
			}
		}, cur.ErrSource, "AccessDenied", false},
	} {
		for _, m := range months {
			t.Run(tt.name+" "+[...]string{"gzip", "zip", "CSV", "Parquet"}[m.format], func(t *testing.T) {
				testFault(t, m, tt.fault, tt.want, tt.says, tt.retried)
			})
		}
	}
}

func rangeOf(from, to int64) string {
	return "bytes=" + strconv.FormatInt(from, 10) + "-" + strconv.FormatInt(to, 10)
}

func testFault(t *testing.T, m written, fault func(*bucket, string) spoil, want error, says string, retried bool) {
	b := newBucket(t)
	b.upload(m.dir)
	key := relative(t, m.dir, m.w.Files[0])
	transport := &faulty{spoil: func(*http.Request, int, *http.Response) (*http.Response, error) { return nil, nil }}
	// A short window, so that there are requests enough to spoil one.
	src := b.source(transport, s3source.Options{Window: 32 << 10, Attempts: 4})
	// Faults begin once the delivery is located.
	sets, err := cur.Locate(t.Context(), src, relative(t, m.dir, m.w.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	transport.gets = 0
	transport.spoil = fault(b, key)
	if m.format != curtest.Parquet && m.format != curtest.CSVZip {
		// One stream has no third request of its own.
		inner := transport.spoil
		transport.spoil = func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
			out, err := inner(r, n, a)
			if out == nil && err == nil && a != nil && n == 1 {
				return cutShort(a, 5000, syscall.ECONNRESET), nil
			}
			return out, err
		}
	}
	rolled, err := (&cur.Rollup{Where: aiWhere}).Run(t.Context(), sets[0])
	if want == nil {
		if err != nil {
			t.Fatal(err)
		}
		if rolled[0].Partial.Digest() != m.digest {
			t.Error("the body differs from the local one")
		}
		if rolled[0].Stats.Again {
			t.Error("everything was read twice")
		}
		if retried && src.Stats().Retries == 0 {
			t.Error("no request was tried again: the fault did not happen")
		}
		return
	}
	var e *s3source.Error
	if !errors.Is(err, want) || !errors.As(err, &e) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error = %v, want one matching %v that says %q", err, want, says)
	}
	if e.Bucket != bucketName || e.Key != key {
		t.Errorf("error = %v, names %s/%s", err, e.Bucket, e.Key)
	}
	if errors.Is(err, cur.ErrFormat) || errors.Is(err, cur.ErrTruncated) {
		t.Errorf("error = %v blames the file", err)
	}
	if want == cur.ErrChanged && (e.Want == "" || e.Got == "" || e.Want == e.Got || !strings.Contains(err.Error(), e.Want) || !strings.Contains(err.Error(), e.Got)) {
		t.Errorf("error = %v, ETags %q and %q", err, e.Want, e.Got)
	}
}

// written is a month on disk and what a local run makes of it.
type written struct {
	dir    string
	w      *curtest.Written
	digest [32]byte
	format curtest.Format
}

func month(t *testing.T, format curtest.Format) written {
	t.Helper()
	dir, w := write(t, curtest.Delivery{Format: format, RowGroup: 700}, curtest.Config{Rows: 1500, AIShare: 50})
	rolled, err := run(t.Context(), cur.Local(), cur.Rollup{Where: aiWhere}, w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	return written{dir, w, rolled[0].Partial.Digest(), format}
}

// A file replaced after it was located, and before it is opened.
func TestReplacedBeforeOpening(t *testing.T) {
	m := month(t, curtest.CSVGzip)
	b := newBucket(t)
	b.upload(m.dir)
	src := b.source(nil, s3source.Options{})
	sets, err := cur.Locate(t.Context(), src, relative(t, m.dir, m.w.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	key := relative(t, m.dir, m.w.Files[0])
	before := strings.Trim(etagOf(b.objects[key]), `"`)
	other := bytes.Clone(b.objects[key])
	other[len(other)/2] ^= 1 // of the same size
	b.put(key, other)
	_, err = new(cur.Rollup).Run(t.Context(), sets[0])
	if !errors.Is(err, cur.ErrChanged) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), before) ||
		!strings.Contains(err.Error(), strings.Trim(etagOf(other), `"`)) {
		t.Errorf("error = %v, want one naming the file and both ETags", err)
	}
}

// hanging is a body that brings n bytes and then nothing until its request ends.
type hanging struct {
	io.ReadCloser
	ctx  context.Context
	left int
}

func (h *hanging) Read(p []byte) (int, error) {
	if h.left == 0 {
		<-h.ctx.Done()
		return 0, h.ctx.Err()
	}
	n, err := h.ReadCloser.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

func hang(times int) *faulty {
	return &faulty{spoil: func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
		if a == nil || n < 1 || n > times {
			return nil, nil
		}
		slow := *a
		slow.Body = &hanging{a.Body, r.Context(), 300}
		return &slow, nil
	}}
}

func TestASlowLinkEndsWithTheContext(t *testing.T) {
	for _, format := range []curtest.Format{curtest.CSVGzip, curtest.CSVZip, curtest.Parquet} {
		m := month(t, format)
		b := newBucket(t)
		b.upload(m.dir)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := run(ctx, b.source(hang(1<<30), s3source.Options{Window: 32 << 10}), cur.Rollup{}, relative(t, m.dir, m.w.Manifest))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want the deadline's", err)
		}
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("it took %s to end", d)
		}
	}
}

func TestAnAnswerThatStallsIsAskedForAgain(t *testing.T) {
	m := month(t, curtest.CSVGzip)
	b := newBucket(t)
	b.upload(m.dir)
	began := time.Now()
	silent := &faulty{spoil: func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
		if a != nil || n != 1 {
			return nil, nil
		}
		<-r.Context().Done() // no answer at all
		return nil, r.Context().Err()
	}}
	for _, tt := range []struct {
		times     int
		transport http.RoundTripper
		want      error
	}{{2, hang(2), nil}, {1 << 30, hang(1 << 30), cur.ErrSource}, {1, silent, nil}} {
		src := b.source(tt.transport, s3source.Options{Stall: 40 * time.Millisecond, Attempts: 4})
		rolled, err := run(t.Context(), src, cur.Rollup{Where: aiWhere}, relative(t, m.dir, m.w.Manifest))
		if !errors.Is(err, tt.want) || src.Stats().Retries == 0 {
			t.Fatalf("%d stalls: error = %v, %+v", tt.times, err, src.Stats())
		}
		if tt.want == nil && rolled[0].Partial.Digest() != m.digest {
			t.Error("the body differs from the local one")
		}
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
}

// Retries are bounded by the source's own options, not multiplied by the client's.
func TestAttemptsAreCounted(t *testing.T) {
	b := newBucket(t)
	b.put("x.csv", bytes.Repeat([]byte("x"), 100<<10))
	var calls atomic.Int64
	refuse := &faulty{spoil: func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
		calls.Add(1)
		return answer(r, http.StatusServiceUnavailable, "SlowDown"), nil
	}}
	_, err := b.source(refuse, s3source.Options{Attempts: 3}).Stat(t.Context(), "x.csv")
	if err == nil || calls.Load() != 3 {
		t.Errorf("%d requests, error = %v; want 3", calls.Load(), err)
	}
	// Without a bound on time the pauses would be hours.
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	began := time.Now()
	_, err = b.source(refuse, s3source.Options{Backoff: time.Hour, MaxBackoff: time.Hour}).Stat(ctx, "x.csv")
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: error = %v", time.Since(began), err)
	}
}

// An answer that brings something each time is no reason to give up.
func TestProgressIsNoFailure(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	b := newBucket(t)
	b.put("x.csv", content)
	drip := &faulty{spoil: func(r *http.Request, n int, a *http.Response) (*http.Response, error) {
		if n < 0 || a == nil {
			return nil, nil
		}
		return cutShort(a, 70<<10, syscall.ECONNRESET), nil
	}}
	src := b.source(drip, s3source.Options{Attempts: 2})
	f, err := src.Open(t.Context(), "x.csv")
	if err != nil {
		t.Fatal(err)
	}
	s := f.(cur.RemoteFile).Stream(0)
	defer s.Close()
	got, err := io.ReadAll(s)
	if err != nil || !b.same("x.csv", got) {
		t.Errorf("read %d bytes of %d, %v", len(got), len(content), err)
	}
	if st := src.Stats(); st.Gets < 14 || st.Bytes != int64(len(content)) {
		t.Errorf("%+v: want each byte once, in many requests", st)
	}
}
