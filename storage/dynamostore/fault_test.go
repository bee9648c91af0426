package dynamostore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/internal/dynamotest"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
)

// A fault is what may happen to one HTTP request. applied says whether the server
// sees the request before the client sees the fault.
type fault struct {
	name    string
	only    string // an operation; "" any
	applied bool
	doubt   bool // the client cannot know whether it was applied
	answer  func(r *http.Request, good *http.Response) (*http.Response, error)
}

func answered(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// refusedWith answers as the service does when it refuses a request.
func refusedWith(status int, code, more string) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return answered(r, status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"injected"%s}`, code, more)), nil
	}
}

func reset(*http.Request, *http.Response) (*http.Response, error) {
	return nil, fmt.Errorf("read: %w", syscall.ECONNRESET)
}

func cancelledWith(code string) func(*http.Request, *http.Response) (*http.Response, error) {
	return refusedWith(400, "TransactionCanceledException", fmt.Sprintf(`,"CancellationReasons":[{"Code":%q,"Message":"injected"}]`, code))
}

const commitOp = "TransactWriteItems"

var faults = []fault{
	{name: "throttled", answer: refusedWith(400, "ThrottlingException", "")},
	{name: "capacity exceeded", answer: refusedWith(400, "ProvisionedThroughputExceededException", "")},
	{name: "request limit exceeded", answer: refusedWith(400, "RequestLimitExceeded", "")},
	{name: "throttled within a cancellation", only: commitOp, answer: cancelledWith("ThrottlingError")},
	{name: "capacity exceeded within a cancellation", only: commitOp, answer: cancelledWith("ProvisionedThroughputExceeded")},
	{name: "transaction conflict", only: commitOp, answer: cancelledWith("TransactionConflict")},
	{name: "transaction in progress", only: commitOp, doubt: true, answer: refusedWith(400, "TransactionInProgressException", "")},
	{name: "internal error before", doubt: true, answer: refusedWith(500, "InternalServerError", "")},
	{name: "internal error after", applied: true, doubt: true, answer: refusedWith(500, "InternalServerError", "")},
	{name: "unavailable before", doubt: true, answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return answered(r, 503, "<html>busy</html>"), nil
	}},
	{name: "connection reset before", doubt: true, answer: reset},
	{name: "connection reset after", applied: true, doubt: true, answer: reset},
	{name: "connection refused", answer: func(*http.Request, *http.Response) (*http.Response, error) {
		return nil, fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	}},
	{name: "body cut", applied: true, doubt: true, answer: func(_ *http.Request, good *http.Response) (*http.Response, error) {
		b, err := io.ReadAll(good.Body)
		good.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), failing{}))
		good.Header.Del("X-Amz-Crc32")
		return good, err
	}},
	{name: "answer lost in time", applied: true, doubt: true, answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return nil, timeout{}
	}},
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// timeout is what an http.Client reports when its own time limit passes.
type timeout struct{}

func (timeout) Error() string   { return "timeout awaiting response headers" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// A faulty transport asks pick what to do to each request, and keeps what was sent.
type faulty struct {
	mu   sync.Mutex
	pick func(op string) *fault
	sent [][]byte
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	var hit *fault
	if f.pick != nil {
		hit = f.pick(op)
	}
	f.sent = append(f.sent, body)
	f.mu.Unlock()
	if hit == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	var good *http.Response
	if hit.applied {
		if good, err = http.DefaultTransport.RoundTrip(r); err != nil {
			return nil, err
		}
	}
	return hit.answer(r, good)
}

// set replaces pick and forgets what was sent.
func (f *faulty) set(pick func(op string) *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pick, f.sent = pick, nil
}

// repeated hits the operation n times, then no more.
func repeated(hit *fault, op string, n int) func(string) *fault {
	return func(got string) *fault {
		if got != op || n == 0 {
			return nil
		}
		n--
		return hit
	}
}

// Every fault on every operation: passing, it is waited out and the call takes effect
// once; lasting, it is a typed error that says whether anything was written.
func TestEveryFaultOnEveryOperation(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	s := &server{client: newClient(endpoint, nil), prefix: fmt.Sprintf("spendclaim-test-%d-", time.Now().UnixNano())}
	table := s.table(t)
	var none storage.Stamp
	write := func(sort string, entry bool) storage.Write {
		w := storage.Write{Key: key(sort), Prev: none, Next: storage.Stamp{Version: 1, Head: [32]byte{1}}, Record: []byte("body")}
		if entry {
			w.Entry = []byte("entry")
		}
		return w
	}
	operations := []struct {
		name, op string
		call     func(ctx context.Context, d *dynamostore.Driver, sort string) error
	}{
		{"get", "GetItem", func(ctx context.Context, d *dynamostore.Driver, _ string) error {
			it, err := d.Get(ctx, key("fixed"))
			if err == nil && string(it.Body) != "body" {
				t.Errorf("get: got %q", it.Body)
			}
			return err
		}},
		{"page", "Query", func(ctx context.Context, d *dynamostore.Driver, _ string) error {
			page, _, err := d.Page(ctx, storage.Query{Span: storage.Span{Partition: "p", From: "fixed", To: "fixee"}}, "")
			if err == nil && len(page) != 1 {
				t.Errorf("page: got %d items, want 1", len(page))
			}
			return err
		}},
		{"scan", "Scan", func(ctx context.Context, d *dynamostore.Driver, _ string) error {
			page, _, err := d.Scan(ctx, "")
			if err == nil && len(page) == 0 {
				t.Error("scan: got nothing")
			}
			return err
		}},
		{"commit", commitOp, func(ctx context.Context, d *dynamostore.Driver, sort string) error {
			return d.Commit(ctx, &storage.WriteBatch{Writes: []storage.Write{write(sort, true)}})
		}},
		{"restore", commitOp, func(ctx context.Context, d *dynamostore.Driver, sort string) error {
			w := write(sort, true)
			return d.Restore(ctx, []storage.Item{{Key: w.Key, Stamp: w.Next, Body: w.Record}, {Key: w.Key, Stamp: w.Next, Entry: true, Body: w.Entry}})
		}},
	}
	plain := open(t, s.client, table)
	if err := plain.Commit(t.Context(), &storage.WriteBatch{Writes: []storage.Write{write("fixed", false)}}); err != nil {
		t.Fatal(err)
	}
	const attempts = 3
	ran := 0
	for i := range faults {
		hit := &faults[i]
		for _, o := range operations {
			if hit.only != "" && hit.only != o.op {
				continue
			}
			for _, times := range []int{1, attempts - 1, attempts} {
				ran++
				t.Run(fmt.Sprintf("%s/%s/%d", o.name, hit.name, times), func(t *testing.T) {
					t.Parallel()
					f := new(faulty)
					d, err := dynamostore.Open(t.Context(), newClient(endpoint, f), table, &dynamostore.Options{Attempts: attempts})
					if err != nil {
						t.Fatal(err)
					}
					sort := strings.ReplaceAll(t.Name(), "/", "-")
					f.set(repeated(hit, o.op, times))
					err = o.call(t.Context(), d, sort)
					sent := f.sent
					f.set(nil)
					writes := o.op == commitOp
					switch {
					case times < attempts:
						if err != nil {
							t.Errorf("got error %v, want the fault waited out", err)
						}
					case writes && hit.doubt:
						if !errors.Is(err, storage.ErrUnknownOutcome) {
							t.Errorf("got error %v, want ErrUnknownOutcome", err)
						}
					default:
						if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrUnknownOutcome) {
							t.Errorf("got error %v, want ErrUnavailable", err)
						}
					}
					for _, body := range sent[1:] {
						if !bytes.Equal(body, sent[0]) {
							t.Errorf("an attempt differs from the first:\n%s\n%s", sent[0], body)
						}
					}
					if writes && !bytes.Contains(sent[0], []byte(`"ClientRequestToken"`)) {
						t.Errorf("request has no token: %s", sent[0])
					}
					if !writes {
						return
					}
					_, err = plain.Get(t.Context(), key(sort))
					there := err == nil
					if want := times < attempts || hit.applied; there != want {
						t.Errorf("record: got present %t (%v), want %t", there, err, want)
					}
				})
			}
		}
	}
	t.Logf("%d combinations of fault, operation and number of repetitions", ran)
}

// A fault that lasts until the context ends: the context's error for what wrote
// nothing, an open outcome for what may have.
func TestContextEndsTheWaiting(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	s := &server{client: newClient(endpoint, nil), prefix: fmt.Sprintf("spendclaim-test-%d-", time.Now().UnixNano())}
	table := s.table(t)
	open(t, s.client, table)
	f := new(faulty)
	d, err := dynamostore.Open(t.Context(), newClient(endpoint, f), table, &dynamostore.Options{Attempts: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w := storage.Write{Key: key("a"), Next: storage.Stamp{Version: 1}, Record: []byte("x")}
	for _, tt := range []struct {
		fault string
		want  error
	}{{"throttled", context.DeadlineExceeded}, {"connection reset before", storage.ErrUnknownOutcome}} {
		i := slices.IndexFunc(faults, func(f fault) bool { return f.name == tt.fault })
		f.set(func(string) *fault { return &faults[i] })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := d.Commit(ctx, &storage.WriteBatch{Writes: []storage.Write{w}}); !errors.Is(err, tt.want) {
			t.Errorf("commit, %s: got error %v, want %v", tt.fault, err, tt.want)
		}
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := d.Get(ctx, key("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("get, %s: got error %v, want the context's", tt.fault, err)
		}
		cancel()
	}
}

// An answer without items is not the end, if it names a key to go on after.
func TestEmptyPageIsNotTheEnd(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	s := &server{client: newClient(endpoint, nil), prefix: fmt.Sprintf("spendclaim-test-%d-", time.Now().UnixNano())}
	table := s.table(t)
	st := storage.New(open(t, s.client, table), nil)
	put := storage.Put{Key: key("a"), Kind: "k"}
	if _, err := st.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{put}}); err != nil {
		t.Fatal(err)
	}
	empty := &fault{answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return answered(r, 200, `{"Count":0,"ScannedCount":9,"Items":[],"LastEvaluatedKey":{"pk":{"S":"r/p"},"sk":{"S":"!"}}}`), nil
	}}
	f := &faulty{pick: repeated(empty, "Query", 1)}
	st = storage.New(open(t, newClient(endpoint, f), table), nil)
	n := 0
	for _, err := range st.Range(t.Context(), storage.Span{Partition: "p"}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("got %d records, want 1", n)
	}
}

// Random faults on every request of random commands: in the end each command has
// happened once, or not at all where that was said, and an open outcome is settled
// by asking again.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	mixes := 200
	if os.Getenv("SPENDCLAIM_LONG") == "1" {
		mixes = 10_000
	}
	endpoint := dynamotest.Endpoint(t)
	s := &server{client: newClient(endpoint, nil), prefix: fmt.Sprintf("spendclaim-test-%d-", time.Now().UnixNano())}
	table := s.table(t)
	plain := storage.New(open(t, s.client, table), nil)
	work := make(chan int)
	var wg sync.WaitGroup
	var total counts
	for range 16 {
		wg.Go(func() {
			for i := range work {
				total.add(randomMix(t, endpoint, table, plain, uint64(i)))
			}
		})
	}
	for i := range mixes {
		work <- i
	}
	close(work)
	wg.Wait()
	t.Logf("%d mixes: %d requests, %d of them hit by a fault; %d commands: %d happened once, %d did not happen as said, %d with open outcome settled",
		mixes, total.requests, total.hits, total.done+total.refused, total.done, total.refused, total.open)
	if total.hits == 0 || total.open == 0 {
		t.Error("no fault was met: the test is not testing")
	}
}

type counts struct {
	mu                                  sync.Mutex
	requests, hits, done, refused, open int
}

func (c *counts) add(o *counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests += o.requests
	c.hits += o.hits
	c.done += o.done
	c.refused += o.refused
	c.open += o.open
}

// randomMix runs commands on one record, each adding an entry of its own, while
// requests are hit at random, and then reads without faults what has happened.
func randomMix(t *testing.T, endpoint, table string, plain *storage.Store, seed uint64) *counts {
	rnd := rand.New(rand.NewPCG(7, seed))
	c := new(counts)
	f := new(faulty)
	d, err := dynamostore.Open(t.Context(), newClient(endpoint, f), table, &dynamostore.Options{Attempts: 2})
	if err != nil {
		t.Errorf("mix %d: %v", seed, err)
		return c
	}
	s := storage.New(d, &storage.Options{Attempts: 2})
	k := storage.Key{Partition: "mix", Sort: fmt.Sprint(seed)}
	f.set(func(op string) *fault {
		c.requests++
		if rnd.IntN(10) >= 4 {
			return nil
		}
		hit := &faults[rnd.IntN(len(faults))]
		if hit.only != "" && hit.only != op {
			return nil
		}
		c.hits++
		return hit
	})
	add := func(s *storage.Store, n int) error {
		r := storage.Request{ID: fmt.Sprintf("mix/%d/%d", seed, n)}
		_, err := s.Update(t.Context(), r, func(tx *storage.Tx) error {
			old, err := tx.Get(k)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			tx.Put(storage.Put{Key: k, Kind: "mix", Data: append(old.Data, byte(n)), Entry: []byte{byte(n)}})
			return nil
		})
		return err
	}
	var want []byte
	for n := range 4 {
		err := add(s, n)
		switch {
		case err == nil:
			want = append(want, byte(n))
			c.done++
		case errors.Is(err, storage.ErrUnknownOutcome):
			// The same command again, over a network that works now, tells.
			if err := add(plain, n); err != nil {
				t.Errorf("mix %d: settle: %v", seed, err)
			}
			want = append(want, byte(n))
			c.done++
			c.open++
		case errors.Is(err, storage.ErrUnavailable):
			c.refused++
		default:
			t.Errorf("mix %d: got error %v, want a typed one", seed, err)
		}
	}
	var got []byte
	for r, err := range plain.Log(t.Context(), k, 1) {
		if errors.Is(err, storage.ErrNotFound) && len(want) == 0 {
			break
		}
		if err != nil {
			t.Errorf("mix %d: log: %v", seed, err)
			break
		}
		got = append(got, r.Data...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("mix %d: got commands %v, want %v, each once", seed, got, want)
	}
	return c
}
