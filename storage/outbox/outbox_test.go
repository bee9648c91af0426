package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
	"github.com/spendclaim/spendclaim/storage/outbox"
)

// A clock is moved by the test.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)} }

func add(t *testing.T, s *storage.Store, b *outbox.Box, m outbox.Message) error {
	t.Helper()
	_, err := s.Update(t.Context(), storage.Request{}, func(tx *storage.Tx) error { return b.Add(tx, m) })
	return err
}

// A sink keeps the ids it was offered and fails those in failing.
type sink struct {
	mu      sync.Mutex
	got     []string
	failing map[string]error
}

func (s *sink) take(_ context.Context, m outbox.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, m.ID)
	return s.failing[m.ID]
}

func TestMessagesAreDeliveredOnceInOrder(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b, other := outbox.New(s, "jira"), outbox.New(s, "chat")
	for _, id := range []string{"3", "1", "2"} {
		if err := add(t, s, b, outbox.Message{ID: id, Topic: "gap", Body: []byte("body " + id)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(t, s, other, outbox.Message{ID: "1", Body: []byte("other box")}); err != nil {
		t.Fatal(err)
	}
	var k sink
	c := newClock()
	for range 2 {
		res, err := b.Deliver(t.Context(), k.take, &outbox.Options{Now: c.Now})
		if err != nil || res.Failed+res.Parked+res.Waiting > 0 {
			t.Errorf("deliver: got %+v, %v", res, err)
		}
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(k.got, want) {
		t.Errorf("offered: got %q, want %q once", k.got, want)
	}
	if at, ok, err := b.Delivered(t.Context(), "2"); err != nil || !ok || !at.Equal(c.now) {
		t.Errorf("mark: got %s, %t, %v", at, ok, err)
	}
	if _, ok, err := other.Delivered(t.Context(), "1"); err != nil || ok {
		t.Errorf("message of another box: got delivered %t, %v", ok, err)
	}
	// Added again, by a command that is repeated, it is not offered again.
	if err := add(t, s, b, outbox.Message{ID: "2", Topic: "gap", Body: []byte("body 2")}); err != nil {
		t.Errorf("add again: %v", err)
	}
	for m := range b.Pending(t.Context()) {
		t.Errorf("pending: got %q, want nothing", m.ID)
	}
}

func TestAddRefusesAnotherMessageUnderAnID(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	m := outbox.Message{ID: "1", Topic: "t", Body: []byte("x")}
	for _, delivered := range []bool{false, true} {
		if err := add(t, s, b, m); err != nil {
			t.Fatal(err)
		}
		for _, other := range []outbox.Message{{ID: "1", Topic: "t", Body: []byte("y")}, {ID: "1", Topic: "", Body: []byte("x")}} {
			if err := add(t, s, b, other); !errors.Is(err, outbox.ErrMismatch) {
				t.Errorf("delivered %t: got error %v, want ErrMismatch", delivered, err)
			}
		}
		if _, err := b.Deliver(t.Context(), new(sink).take, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(t, s, b, outbox.Message{ID: "a\nb"}); !errors.Is(err, storage.ErrInvalidKey) {
		t.Errorf("id with a line feed: got error %v, want ErrInvalidKey", err)
	}
}

// A message and the decision it speaks of are there together or not at all.
func TestMessageFollowsItsUpdate(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	failed := errors.New("decision refused")
	_, err := s.Update(t.Context(), storage.Request{}, func(tx *storage.Tx) error {
		if err := b.Add(tx, outbox.Message{ID: "1"}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatalf("update: got error %v", err)
	}
	for m := range b.Pending(t.Context()) {
		t.Errorf("pending: got %q, want nothing", m.ID)
	}
}

func TestFailuresWaitAndAreParked(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	for _, id := range []string{"bad", "good"} {
		if err := add(t, s, b, outbox.Message{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	c := newClock()
	o := &outbox.Options{Now: c.Now, Attempts: 3, Backoff: time.Minute}
	k := sink{failing: map[string]error{"bad": errors.New("503 " + strings.Repeat("x", 600))}}
	steps := []struct {
		after time.Duration
		want  outbox.Result
	}{
		{0, outbox.Result{Delivered: 1, Failed: 1}},
		{59 * time.Second, outbox.Result{Waiting: 1}},
		{2 * time.Second, outbox.Result{Failed: 1}},
		{61 * time.Second, outbox.Result{Waiting: 1}}, // the wait has doubled
		{60 * time.Second, outbox.Result{Parked: 1}},
		{1000 * time.Hour, outbox.Result{Parked: 1}},
	}
	for i, step := range steps {
		c.now = c.now.Add(step.after)
		got, err := b.Deliver(t.Context(), k.take, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
	for m, err := range b.Pending(t.Context()) {
		if err != nil || !m.Parked || m.Attempts != 3 || len(m.Failure) != 500 || !strings.HasPrefix(m.Failure, "503") {
			t.Errorf("parked message: got %+v, %v", m, err)
		}
	}
	delete(k.failing, "bad")
	if err := b.Release(t.Context(), "bad"); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Deliver(t.Context(), k.take, o); err != nil || got.Delivered != 1 {
		t.Errorf("released: got %+v, %v, want it delivered", got, err)
	}
	if err := b.Release(t.Context(), "bad"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("release of a delivered message: got error %v, want ErrNotFound", err)
	}
}

// A process that dies with a message in hand: after the lease it is offered again.
func TestMessageInHandIsOfferedAfterTheLease(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	if err := add(t, s, b, outbox.Message{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	c := newClock()
	o := &outbox.Options{Now: c.Now, Lease: time.Minute}
	func() {
		defer func() { _ = recover() }()
		_, _ = b.Deliver(t.Context(), func(context.Context, outbox.Message) error { panic("process died") }, o)
	}()
	var k sink
	for _, step := range []struct {
		after time.Duration
		want  outbox.Result
	}{{0, outbox.Result{Waiting: 1}}, {61 * time.Second, outbox.Result{Delivered: 1}}} {
		c.now = c.now.Add(step.after)
		if got, err := b.Deliver(t.Context(), k.take, o); err != nil || got != step.want {
			t.Errorf("got %+v, %v, want %+v", got, err, step.want)
		}
	}
}

// Several deliver at once: each message is taken once, for no lease runs out.
func TestDeliverersShareABox(t *testing.T) {
	s := storage.New(memstore.New(), &storage.Options{Attempts: 100})
	b := outbox.New(s, "jira")
	const messages = 60
	for i := range messages {
		if err := add(t, s, b, outbox.Message{ID: fmt.Sprintf("%03d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	var k sink
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := b.Deliver(t.Context(), k.take, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(k.got)
	if n := len(slices.Compact(slices.Clone(k.got))); n != messages || len(k.got) != messages {
		t.Errorf("got %d offers of %d messages, want %d of each", len(k.got), n, messages)
	}
}

// losing reports commits as unknown after applying them, every other time.
type losing struct {
	storage.Driver
	n int
}

func (l *losing) Commit(ctx context.Context, b *storage.WriteBatch) error {
	err := l.Driver.Commit(ctx, b)
	if l.n++; err == nil && l.n%2 == 0 {
		return storage.ErrUnknownOutcome
	}
	return err
}

func TestLostAnswersLoseNoMessage(t *testing.T) {
	s := storage.New(&losing{Driver: memstore.New()}, nil)
	b := outbox.New(s, "jira")
	for i := range 20 {
		if err := add(t, s, b, outbox.Message{ID: fmt.Sprint(i + 10)}); err != nil {
			t.Fatal(err)
		}
	}
	var k sink
	if res, err := b.Deliver(t.Context(), k.take, nil); err != nil || res.Delivered != 20 {
		t.Errorf("got %+v, %v, want 20 delivered", res, err)
	}
}

func TestCancelledDeliveryKeepsWhatTheSinkDid(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	for _, id := range []string{"1", "2"} {
		if err := add(t, s, b, outbox.Message{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	res, err := b.Deliver(ctx, func(context.Context, outbox.Message) error { cancel(); return nil }, nil)
	if !errors.Is(err, context.Canceled) || res.Delivered != 1 {
		t.Errorf("got %+v, %v, want one delivered and the context's error", res, err)
	}
	if _, ok, err := b.Delivered(t.Context(), "1"); err != nil || !ok {
		t.Errorf("first message: got delivered %t, %v", ok, err)
	}
}

// Stored bytes of schema 1, as released; a newer schema is refused.
func TestRecordsAreThoseReleased(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	b := outbox.New(s, "jira")
	if err := add(t, s, b, outbox.Message{ID: "1", Topic: "gap", Body: []byte("body")}); err != nil {
		t.Fatal(err)
	}
	get := func(k storage.Key) storage.Record {
		t.Helper()
		r, err := s.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := get(storage.Key{Partition: "outbox/jira", Sort: "1"})
	if got, want := string(r.Data), `{"topic":"gap","body":"Ym9keQ=="}`; got != want || r.Kind != outbox.KindMessage || r.Schema != 1 {
		t.Errorf("message: got %s %d %s, want %s", r.Kind, r.Schema, got, want)
	}
	if _, err := b.Deliver(t.Context(), new(sink).take, &outbox.Options{Now: newClock().Now}); err != nil {
		t.Fatal(err)
	}
	r = get(storage.Key{Partition: "outbox/jira/delivered", Sort: "1"})
	if got, want := string(r.Data), `{"digest":"aCNfhLkCGkzhtP0saYMmYNYJGzdbzwifpzRJubJE+tU=","delivered":"2026-06-01T08:00:00Z"}`; got != want || r.Kind != outbox.KindMark || r.Schema != 1 {
		t.Errorf("mark: got %s %d %s, want %s", r.Kind, r.Schema, got, want)
	}
	for schema, data := range map[uint16]string{2: "{}", 1: "not json"} {
		put := storage.Put{Key: storage.Key{Partition: "outbox/x", Sort: "1"}, Kind: outbox.KindMessage, Schema: schema, Data: []byte(data)}
		s := storage.New(memstore.New(), nil)
		if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{put}}); err != nil {
			t.Fatal(err)
		}
		want := storage.ErrCorrupt
		if schema > 1 {
			want = storage.ErrNewer
		}
		if _, err := outbox.New(s, "x").Deliver(t.Context(), new(sink).take, nil); !errors.Is(err, want) {
			t.Errorf("schema %d: got error %v, want %v", schema, err, want)
		}
	}
}

func ExampleBox() {
	ctx := context.Background()
	s := storage.New(memstore.New(), nil)
	box := outbox.New(s, "chat")

	// The message is added with the decision.
	_, err := s.Update(ctx, storage.Request{ID: "approve/br-1"}, func(tx *storage.Tx) error {
		tx.Put(storage.Put{Key: storage.Key{Partition: "request", Sort: "br-1"}, Kind: "request", Data: []byte("approved")})
		return box.Add(tx, outbox.Message{ID: "2026-06-01T08:00:00Z/br-1", Topic: "approved", Body: []byte("br-1 was approved")})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Later, by whatever runs from time to time:
	res, err := box.Deliver(ctx, func(_ context.Context, m outbox.Message) error {
		fmt.Printf("%s: %s\n", m.Topic, m.Body)
		return nil
	}, nil)
	fmt.Println(res.Delivered, err)
	// Output:
	// approved: br-1 was approved
	// 1 <nil>
}
