package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

var unnamed storage.Request // the zero value, read only

func key(sort string) storage.Key { return storage.Key{Partition: "p", Sort: sort} }

func plain(sort, data string) storage.Put {
	return storage.Put{Key: key(sort), Kind: "plain", Schema: 1, Data: []byte(data)}
}

func audited(sort, data, entry string) storage.Put {
	return storage.Put{Key: key(sort), Kind: "audited", Schema: 1, Data: []byte(data), Entry: []byte(entry)}
}

func mustCommit(t *testing.T, s *storage.Store, puts ...storage.Put) storage.Receipt {
	t.Helper()
	r, err := s.Commit(t.Context(), unnamed, &storage.Batch{Puts: puts})
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return r
}

// spy is a driver that counts calls and may fail the next commits.
type spy struct {
	storage.Driver
	commits int
	gets    int
	fail    []error // one per coming commit; nil passes it on
	between func()  // run once, before the next commit
}

func (s *spy) Commit(ctx context.Context, b *storage.WriteBatch) error {
	s.commits++
	if f := s.between; f != nil {
		s.between = nil
		f()
	}
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		if err != nil {
			return err
		}
	}
	return s.Driver.Commit(ctx, b)
}

func (s *spy) Get(ctx context.Context, k storage.Key) (storage.Item, error) {
	s.gets++
	return s.Driver.Get(ctx, k)
}

func newSpy() (*spy, *storage.Store) {
	d := &spy{Driver: memstore.New()}
	return d, storage.New(d, nil)
}

func TestRecordsAreHeldToTheirKind(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	a := mustCommit(t, s, audited("a", "1", "e1")).Stamps[0]
	p := mustCommit(t, s, plain("p", "1")).Stamps[0]
	prev := func(put storage.Put, s storage.Stamp) storage.Put { put.Prev = s; return put }
	kind := func(put storage.Put, k string) storage.Put { put.Kind = k; return put }
	bare := audited("a", "2", "")
	bare.Entry = nil
	withEntry := plain("p", "2")
	withEntry.Entry = []byte("e")
	tests := []struct {
		name  string
		batch storage.Batch
		want  error
	}{
		{"audited record without entry", storage.Batch{Puts: []storage.Put{prev(bare, a)}}, storage.ErrAudited},
		{"unaudited record with entry", storage.Batch{Puts: []storage.Put{prev(withEntry, p)}}, storage.ErrAudited},
		{"audited record deleted", storage.Batch{Deletes: []storage.Delete{{Key: key("a"), Prev: a}}}, storage.ErrAudited},
		{"kind changed", storage.Batch{Puts: []storage.Put{prev(kind(plain("p", "2"), "other"), p)}}, storage.ErrAudited},
		{"kind changed on audited record", storage.Batch{Puts: []storage.Put{prev(kind(audited("a", "2", "e"), "other"), a)}}, storage.ErrAudited},
		{"empty entry", storage.Batch{Puts: []storage.Put{{Key: key("n"), Kind: "k", Entry: []byte{}}}}, storage.ErrInvalidBatch},
		{"no kind", storage.Batch{Puts: []storage.Put{{Key: key("n")}}}, storage.ErrInvalidBatch},
		{"long kind", storage.Batch{Puts: []storage.Put{{Key: key("n"), Kind: strings.Repeat("k", 65)}}}, storage.ErrInvalidBatch},
		{"stamp with a head and no version", storage.Batch{Puts: []storage.Put{prev(plain("n", ""), storage.Stamp{Head: a.Head})}}, storage.ErrInvalidBatch},
		{"delete of nothing", storage.Batch{Deletes: []storage.Delete{{Key: key("n")}}}, storage.ErrInvalidBatch},
		{"last version", storage.Batch{Puts: []storage.Put{prev(plain("n", ""), storage.Stamp{Version: 1<<64 - 1})}}, storage.ErrInvalidBatch},
		{"stale put", storage.Batch{Puts: []storage.Put{prev(plain("p", "2"), a)}}, storage.ErrConflict},
		{"stale delete", storage.Batch{Deletes: []storage.Delete{{Key: key("p"), Prev: a}}}, storage.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Commit(t.Context(), unnamed, &tt.batch); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
	for k, want := range map[string]storage.Stamp{"a": a, "p": p} {
		if r, err := s.Get(t.Context(), key(k)); err != nil || r.Stamp != want {
			t.Errorf("record %q after refusals: got %s, %v, want %s", k, r.Stamp, err, want)
		}
	}
	if _, err := s.Commit(t.Context(), unnamed, &storage.Batch{Deletes: []storage.Delete{{Key: key("p"), Prev: p}}}); err != nil {
		t.Errorf("delete of an unaudited record: %v", err)
	}
}

func TestOptionsAuditedRulesFirstPuts(t *testing.T) {
	s := storage.New(memstore.New(), &storage.Options{Audited: func(kind string) bool { return kind == "audited" }})
	mustCommit(t, s, audited("a", "1", "e"), plain("p", "1"))
	bare, with := audited("b", "1", ""), plain("q", "1")
	bare.Entry, with.Entry = nil, []byte("e")
	for _, p := range []storage.Put{bare, with} {
		if _, err := s.Commit(t.Context(), unnamed, &storage.Batch{Puts: []storage.Put{p}}); !errors.Is(err, storage.ErrAudited) {
			t.Errorf("first put of a %q, entry %q: got error %v, want ErrAudited", p.Kind, p.Entry, err)
		}
	}
}

func TestBadRequestsNeverReachTheDriver(t *testing.T) {
	d, s := newSpy()
	for name, call := range map[string]func() error{
		"id": func() error { _, err := s.Commit(t.Context(), storage.Request{ID: "a\n"}, nil); return err },
		"long id": func() error {
			_, err := s.Receipt(t.Context(), storage.Request{ID: strings.Repeat("x", 513)})
			return err
		},
		"digest alone": func() error { _, err := s.Commit(t.Context(), storage.Request{Digest: [32]byte{1}}, nil); return err },
		"bound": func() error {
			for _, err := range s.Range(t.Context(), storage.Span{Partition: "p", From: "\xff"}) {
				return err
			}
			return nil
		},
		"long bound": func() error {
			for _, err := range s.Range(t.Context(), storage.Span{Partition: "p", To: strings.Repeat("x", 600)}) {
				return err
			}
			return nil
		},
		"limit": func() error {
			for _, err := range s.Range(t.Context(), storage.Span{Partition: "p", Limit: -1}) {
				return err
			}
			return nil
		},
		"part": func() error {
			_, err := s.WritePart(t.Context(), key(strings.Repeat("x", 510)), "chunk", 1, strings.NewReader(""))
			return err
		},
	} {
		if err := call(); !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("%s: got error %v, want ErrInvalidKey", name, err)
		}
	}
	if d.commits+d.gets != 0 {
		t.Errorf("driver calls: got %d commits and %d gets, want none", d.commits, d.gets)
	}
	if _, err := s.Commit(t.Context(), unnamed, nil); err != nil || d.commits != 0 {
		t.Errorf("empty commit: got error %v and %d driver calls, want none", err, d.commits)
	}
}

func TestErrorsNameWhatTheyAreAbout(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	mustCommit(t, s, plain("a", "1"))
	_, err := s.Get(t.Context(), key("b"))
	if got, want := fmt.Sprint(err), `storage: get "p"/"b": not found`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err = s.Commit(t.Context(), unnamed, &storage.Batch{Puts: []storage.Put{plain("a", "2")}})
	var c *storage.ConflictError
	if !errors.As(err, &c) || c.Key != key("a") || !c.Want.IsZero() || c.Got.Version != 1 {
		t.Errorf("got %+v, want a conflict over a at version 1", c)
	}
	if got, want := fmt.Sprint(err), `storage: commit: conflict: "p"/"a" is at v1@`; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	cause := errors.New("short read")
	corrupt := &storage.CorruptError{Path: "x.db", Key: key("a"), Entry: true, Version: 3, Reason: "reason", Remedy: "remedy", Err: cause}
	if got, want := corrupt.Error(), `corrupt file "x.db" entry 3 of record "p"/"a": reason: short read (remedy)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(corrupt, storage.ErrCorrupt) || !errors.Is(corrupt, cause) {
		t.Errorf("%v matches neither ErrCorrupt nor its cause", corrupt)
	}
}

func TestUnavailableIsOfferedAgain(t *testing.T) {
	d, s := newSpy()
	d.fail = []error{storage.ErrUnavailable, storage.ErrUnavailable}
	mustCommit(t, s, plain("a", "1"))
	if d.commits != 3 {
		t.Errorf("commits: got %d, want 3", d.commits)
	}
	d.commits, d.fail = 0, slices.Repeat([]error{fmt.Errorf("throttled: %w", storage.ErrUnavailable)}, 50)
	s = storage.New(d, &storage.Options{Attempts: 3})
	if _, err := s.Commit(t.Context(), unnamed, &storage.Batch{Puts: []storage.Put{plain("b", "1")}}); !errors.Is(err, storage.ErrUnavailable) || d.commits != 3 {
		t.Errorf("got error %v after %d commits, want ErrUnavailable after 3", err, d.commits)
	}
	full := errors.New("disk full")
	d.commits, d.fail = 0, []error{full}
	if _, err := s.Commit(t.Context(), unnamed, &storage.Batch{Puts: []storage.Put{plain("b", "1")}}); !errors.Is(err, full) || d.commits != 1 {
		t.Errorf("got error %v after %d commits, want the engine's after 1", err, d.commits)
	}
}

// What cannot be found out is said to be unknown; what can, is not.
func TestUnknownOutcome(t *testing.T) {
	ctx := t.Context()
	lost := storage.ErrUnknownOutcome
	batch := func(sort, data string) *storage.Batch { return &storage.Batch{Puts: []storage.Put{plain(sort, data)}} }

	t.Run("another writer came between", func(t *testing.T) {
		d, s := newSpy()
		d.fail = []error{lost}
		d.between = func() {
			if _, err := storage.New(d.Driver, nil).Commit(ctx, unnamed, batch("a", "theirs")); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Commit(ctx, unnamed, batch("a", "ours")); !errors.Is(err, lost) || !errors.Is(err, storage.ErrConflict) {
			t.Errorf("without a request: got error %v, want an unknown outcome over a conflict", err)
		}
	})
	t.Run("another writer came between a named commit", func(t *testing.T) {
		d, s := newSpy()
		d.fail = []error{lost}
		d.between = func() {
			if _, err := storage.New(d.Driver, nil).Commit(ctx, unnamed, batch("a", "theirs")); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Commit(ctx, storage.Request{ID: "r"}, batch("a", "ours")); errors.Is(err, lost) || !errors.Is(err, storage.ErrConflict) {
			t.Errorf("with a request: got error %v, want a plain conflict: the receipt is absent", err)
		}
	})
	t.Run("no answer at all", func(t *testing.T) {
		d, s := newSpy()
		d.fail = slices.Repeat([]error{lost}, 50)
		if _, err := s.Commit(ctx, storage.Request{ID: "r"}, batch("a", "x")); !errors.Is(err, lost) {
			t.Errorf("got error %v, want an unknown outcome", err)
		}
		d.fail = nil
		if r, err := s.Commit(ctx, storage.Request{ID: "r"}, batch("a", "x")); err != nil || r.Replayed {
			t.Errorf("repeated: got %+v, %v, want it written now", r, err)
		}
	})
	t.Run("unknown, then closed", func(t *testing.T) {
		d, s := newSpy()
		d.fail = []error{lost, storage.ErrClosed}
		if _, err := s.Commit(ctx, unnamed, batch("a", "x")); !errors.Is(err, lost) || !errors.Is(err, storage.ErrClosed) {
			t.Errorf("got error %v, want an unknown outcome and the later error", err)
		}
	})
	t.Run("cancelled while waiting", func(t *testing.T) {
		d, s := newSpy()
		d.fail = slices.Repeat([]error{lost}, 50)
		ctx, cancel := context.WithCancel(ctx)
		d.between = cancel
		if _, err := s.Commit(ctx, unnamed, batch("a", "x")); !errors.Is(err, lost) || d.commits != 1 {
			t.Errorf("got error %v after %d commits, want an unknown outcome after 1", err, d.commits)
		}
	})
}

func TestReceiptOfTheSameRequestWins(t *testing.T) {
	ctx := t.Context()
	d, s := newSpy()
	r := storage.Request{ID: "approve/7", Digest: [32]byte{7}}
	if _, err := s.Receipt(ctx, r); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("receipt before the commit: got error %v, want ErrNotFound", err)
	}
	var theirs storage.Receipt
	d.between = func() { // the same command, committed by another process first
		var err error
		if theirs, err = storage.New(d.Driver, nil).Commit(ctx, r, &storage.Batch{Puts: []storage.Put{plain("a", "theirs")}}); err != nil {
			t.Error(err)
		}
	}
	ours, err := s.Commit(ctx, r, &storage.Batch{Puts: []storage.Put{plain("a", "ours")}})
	if err != nil || !ours.Replayed {
		t.Fatalf("got %+v, %v, want the other's receipt", ours, err)
	}
	theirs.Replayed = true
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("receipt (-theirs +ours):\n%s", diff)
	}
	if got, err := s.Receipt(ctx, r); err != nil || !cmp.Equal(got, ours) {
		t.Errorf("receipt: got %+v, %v, want %+v", got, err, ours)
	}
	r.Digest[0] = 8
	if _, err := s.Receipt(ctx, r); !errors.Is(err, storage.ErrReplayMismatch) {
		t.Errorf("receipt with another digest: got error %v, want ErrReplayMismatch", err)
	}
	if got := ours.Stamp(key("z")); !got.IsZero() {
		t.Errorf("stamp of a key not written: got %s, want none", got)
	}
}

// A command that changes nothing is remembered too.
func TestEmptyNamedCommitLeavesAReceipt(t *testing.T) {
	_, s := newSpy()
	r := storage.Request{ID: "nothing to do"}
	for _, want := range []bool{false, true} {
		got, err := s.Commit(t.Context(), r, nil)
		if err != nil || got.Replayed != want {
			t.Errorf("got %+v, %v, want replayed %t", got, err, want)
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	ctx := t.Context()
	s := storage.New(memstore.New(), nil)
	mustCommit(t, s, plain("a", "1"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, get := s.Get(ctx, key("a"))
	_, commit := s.Commit(ctx, unnamed, nil)
	_, upd := s.Update(ctx, unnamed, func(*storage.Tx) error { return nil })
	_, receipt := s.Receipt(ctx, storage.Request{ID: "r"})
	_, write := s.WritePart(ctx, key("a"), "chunk", 1, strings.NewReader(""))
	_, read := io.ReadAll(s.ReadPart(ctx, storage.Part{Key: key("a"), Chunks: 1}))
	var rng, log error
	for _, rng = range s.Range(ctx, storage.Span{Partition: "p"}) {
	}
	for _, log = range s.Log(ctx, key("a"), 0) {
	}
	for name, err := range map[string]error{"get": get, "commit": commit, "update": upd, "receipt": receipt, "range": rng, "log": log, "write": write, "read": read} {
		if !errors.Is(err, storage.ErrClosed) {
			t.Errorf("%s: got error %v, want ErrClosed", name, err)
		}
	}
}

func TestPartsThatAreNotWhole(t *testing.T) {
	ctx := t.Context()
	s := storage.New(memstore.New(), nil)
	body := bytes.Repeat([]byte("x"), storage.MaxData+10)
	p, err := s.WritePart(ctx, key("part"), "chunk", 1, bytes.NewReader(body))
	if err != nil || p.Chunks != 2 {
		t.Fatalf("write: got %+v, %v, want 2 chunks", p, err)
	}
	if _, err := s.WritePart(ctx, key("part"), "chunk", 1, strings.NewReader("other")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("other body under the same key: got error %v, want a conflict", err)
	}
	broken := errors.New("disk on fire")
	if _, err := s.WritePart(ctx, key("part3"), "chunk", 1, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("failing body: got error %v, want its own", err)
	}
	for name, f := range map[string]func(p *storage.Part){
		"digest": func(p *storage.Part) { p.Digest[0] ^= 1 },
		"size":   func(p *storage.Part) { p.Size++ },
		"fewer":  func(p *storage.Part) { p.Chunks-- },
	} {
		bad := p
		f(&bad)
		if _, err := io.ReadAll(s.ReadPart(ctx, bad)); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("part with another %s: got error %v, want ErrCorrupt", name, err)
		}
	}
	// A crash in the middle of writing: the first chunk is missing, the last is
	// there. Writing again completes the part.
	first, err := s.Get(ctx, key("part/00000000"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, unnamed, &storage.Batch{Deletes: []storage.Delete{{Key: first.Key, Prev: first.Stamp}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(s.ReadPart(ctx, p)); !errors.Is(err, storage.ErrGone) {
		t.Errorf("part without a chunk: got error %v, want ErrGone", err)
	}
	again, err := s.WritePart(ctx, key("part"), "chunk", 1, iotest.OneByteReader(bytes.NewReader(body)))
	if err != nil || again != p {
		t.Errorf("written again: got %+v, %v, want %+v", again, err, p)
	}
	if err := iotest.TestReader(s.ReadPart(ctx, p), body); err != nil {
		t.Error(err)
	}
}
