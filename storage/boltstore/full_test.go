package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// fill commits records until the file cannot grow, and returns how many were
// committed. The error says what was not as it should be.
func fill(s *storage.Store) (int, error) {
	ctx := context.Background()
	n := 0
	for ; ; n++ {
		p := storage.Put{Key: key(fmt.Sprintf("%06d", n)), Kind: "k", Data: make([]byte, 20_000), Entry: []byte("e")}
		_, err := s.Commit(ctx, storage.Request{ID: fmt.Sprint(n)}, &storage.Batch{Puts: []storage.Put{p}})
		if err != nil {
			if errors.Is(err, storage.ErrCorrupt) || errors.Is(err, storage.ErrConflict) {
				return n, fmt.Errorf("commit without room: got error %w, want the system's", err)
			}
			break
		}
		if n > 5000 {
			return n, errors.New("the disk does not get full")
		}
	}
	return n, readable(s, n)
}

// readable checks that the first n records are there and no other.
func readable(s *storage.Store, n int) error {
	ctx := context.Background()
	got := 0
	for r, err := range s.Range(ctx, storage.Span{Partition: "p"}) {
		if err != nil || len(r.Data) != 20_000 {
			return fmt.Errorf("record %d: %d bytes, %w", got, len(r.Data), err)
		}
		got++
	}
	if got != n {
		return fmt.Errorf("got %d records, want the %d that were committed", got, n)
	}
	_, err := s.Verify(ctx, nil)
	return err
}

// fillUntilFull is a child under a limit of file size, which it sets itself.
func fillUntilFull(path string) error {
	if err := limitFileSize(1 << 20); err != nil {
		return err
	}
	d, err := boltstore.Open(path, &boltstore.Options{Create: true})
	if err != nil {
		return err
	}
	s := storage.New(d, nil)
	n, err := fill(s)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	fmt.Println(n)
	return nil
}

// A file that may not grow: the commit fails, and everything else goes on.
func TestFileSizeLimitLeavesEverythingReadable(t *testing.T) {
	if !canLimit {
		t.Skip("this system sets no limits of file size")
	}
	path := filepath.Join(t.TempDir(), "limited.db")
	cmd := child("fill", path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	var n int
	if _, err := fmt.Sscan(strings.TrimSpace(string(out)), &n); err != nil || n < 5 {
		t.Fatalf("child said %q, want how many records it committed", out)
	}
	afterwards(t, path, n)
}

// afterwards opens the file with room again.
func afterwards(t *testing.T, path string, n int) {
	t.Helper()
	d, err := boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	defer s.Close()
	if err := readable(s, n); err != nil {
		t.Errorf("after opening again: %v", err)
	}
}

// A disk that is full.
func TestFullDiskLeavesEverythingReadable(t *testing.T) {
	dir := t.TempDir()
	unmount, err := smallDisk(dir, 4<<20)
	if err != nil {
		t.Skipf("no small file system can be mounted here (%v); the limit of file size stands in for it", err)
	}
	defer unmount()
	path := filepath.Join(dir, "full.db")
	d, err := boltstore.Open(path, &boltstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	n, err := fill(s)
	if err != nil {
		t.Error(err)
	}
	// It stays usable for what fits: bbolt keeps room in its free pages.
	if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Checks: []storage.Check{{Key: key("absent")}}}); err != nil {
		t.Errorf("check on a full disk: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d records fit", n)
	afterwards(t, path, n)
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
}
