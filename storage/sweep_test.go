package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func TestSweptPartsAreGoneAfterTheGracePeriod(t *testing.T) {
	s := storage.New(memstore.New(), nil)
	body := strings.Repeat("x", 2*storage.MaxData+5)
	write := func(sort string) storage.Part {
		p, err := s.WritePart(t.Context(), storage.Key{Partition: "p", Sort: sort}, "chunk", 1, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old, alike, younger := write("gen/1"), write("gen/1/00000000"), write("gen/2")
	mustCommit(t, s, plain("gen/1/notes", "no chunk"))
	now := time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC)
	retired := []storage.Retired{{Part: old, At: now.Add(-48 * time.Hour)}, {Part: younger, At: now.Add(-time.Hour)}}

	// A reader that pinned the part and has begun.
	pinned := s.ReadPart(t.Context(), old)
	if _, err := io.ReadFull(pinned, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice: repeating is harmless
		n, err := s.Sweep(t.Context(), retired, now.Add(-24*time.Hour))
		if err != nil || n != 1 {
			t.Fatalf("sweep: got %d, %v, want 1 part", n, err)
		}
	}
	if _, err := io.ReadAll(pinned); !errors.Is(err, storage.ErrGone) {
		t.Errorf("reader that had begun: got error %v, want ErrGone", err)
	}
	if _, err := io.ReadAll(s.ReadPart(t.Context(), old)); !errors.Is(err, storage.ErrGone) {
		t.Errorf("swept part: got error %v, want ErrGone", err)
	}
	for _, p := range []storage.Part{alike, younger} {
		if b, err := io.ReadAll(s.ReadPart(t.Context(), p)); err != nil || string(b) != body {
			t.Errorf("part %s: got %d bytes, %v, want it whole", p.Key, len(b), err)
		}
	}
	if _, err := s.Get(t.Context(), key("gen/1/notes")); err != nil {
		t.Errorf("record beside the chunks: %v", err)
	}
}

// stopping fails commits after some.
type stopping struct {
	*memstore.Driver
	left int
}

func (d *stopping) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if d.left--; d.left < 0 {
		return errors.New("process died")
	}
	return d.Driver.Commit(ctx, b)
}

func TestInterruptedSweepIsFinished(t *testing.T) {
	d := &stopping{Driver: memstore.New(), left: 1 << 20}
	s := storage.New(d, nil)
	key := storage.Key{Partition: "p", Sort: "gen/1"}
	p := storage.Part{Key: key, Chunks: 150}
	for n := range p.Chunks {
		mustCommit(t, s, plain(fmt.Sprintf("gen/1/%08d", n), "x"))
	}
	d.left = 1
	retired := []storage.Retired{{Part: p}}
	if n, err := s.Sweep(t.Context(), retired, time.Now()); err == nil || n != 0 {
		t.Fatalf("sweep that dies: got %d, %v, want an error", n, err)
	}
	if _, err := io.ReadAll(s.ReadPart(t.Context(), p)); !errors.Is(err, storage.ErrGone) {
		t.Errorf("half-swept part: got error %v, want ErrGone", err)
	}
	d.left = 1 << 20
	if n, err := s.Sweep(t.Context(), retired, time.Now()); err != nil || n != 1 {
		t.Errorf("sweep: got %d, %v, want 1", n, err)
	}
	for r, err := range s.Range(t.Context(), storage.Span{Partition: "p"}) {
		t.Errorf("left over: %v, %v", r.Key, err)
	}
}
