package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

func key(sort string) storage.Key { return storage.Key{Partition: "p", Sort: sort} }

// books makes a file with some records and returns its path.
func books(tb testing.TB, records int) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "books.db")
	d, err := boltstore.OpenNoSync(path, &boltstore.Options{Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	s := storage.New(d, nil)
	for i := range records {
		p := storage.Put{Key: key(sortOf(i)), Kind: "k", Data: bytes.Repeat([]byte{byte(i)}, 300), Entry: []byte("e")}
		if _, err := s.Commit(tb.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{p}}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func sortOf(i int) string {
	return strings.Repeat("k", i%7+1) + string(rune('a'+i%26)) + strings.Repeat("i", i/26)
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestOpenRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := read(t, books(t, 20))
	page := os.Getpagesize()
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	foreign := filepath.Join(dir, "foreign.db")
	if db, err := bbolt.Open(foreign, 0o600, nil); err != nil {
		t.Fatal(err)
	} else {
		err = errors.Join(db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }), db.Close())
		if err != nil {
			t.Fatal(err)
		}
	}
	bare := filepath.Join(dir, "bare.db")
	if db, err := bbolt.Open(bare, 0o600, nil); err != nil {
		t.Fatal(err)
	} else if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	newer := write("newer.db", good)
	if db, err := bbolt.Open(newer, 0o600, nil); err != nil {
		t.Fatal(err)
	} else {
		err = errors.Join(db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("storage")).Put([]byte("layout"), []byte("2"))
		}), db.Close())
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		path string
		want error
		text string
	}{
		{"missing", filepath.Join(dir, "missing.db"), fs.ErrNotExist, "creation was not asked for"},
		{"folder", dir, nil, "not a regular file"},
		{"empty", write("empty.db", nil), storage.ErrCorrupt, "the file is empty (restore"},
		{"hundred bytes", write("short.db", make([]byte, 100)), storage.ErrCorrupt, ""},
		{"text", write("text.db", bytes.Repeat([]byte("cost,and,usage\n"), 9000)), storage.ErrCorrupt, "not a store"},
		{"both metas zero", write("zero.db", edit(func(b []byte) []byte { clear(b[:2*page]); return b })), storage.ErrCorrupt, "meta"},
		{"first meta damaged", write("meta0.db", edit(func(b []byte) []byte { b[40] ^= 1; return b })), storage.ErrCorrupt, "AcceptOlder"},
		{"second meta damaged", write("meta1.db", edit(func(b []byte) []byte { b[page+40] ^= 1; return b })), storage.ErrCorrupt, "AcceptOlder"},
		{"first meta over the second", write("copy1.db", edit(func(b []byte) []byte { copy(b[page:2*page], b[:page]); return b })), storage.ErrCorrupt, "AcceptOlder"},
		{"second meta over the first", write("copy0.db", edit(func(b []byte) []byte { copy(b[:page], b[page:2*page]); return b })), storage.ErrCorrupt, "AcceptOlder"},
		{"cut to half", write("half.db", edit(func(b []byte) []byte { return b[:len(b)/2] })), storage.ErrCorrupt, "cut short"},
		{"cut by a byte", write("byte.db", cut(good, page)), storage.ErrCorrupt, "cut short"},
		{"cut to two pages", write("two.db", good[:2*page]), storage.ErrCorrupt, "cut short"},
		{"list of free pages too long", write("free.db", edit(longFreelist)), storage.ErrCorrupt, "free pages"},
		{"another program's", foreign, nil, "another program"},
		{"never set up", bare, storage.ErrCorrupt, "open it with Create"},
		{"newer layout", newer, storage.ErrNewer, `layout "2"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, o := range []*boltstore.Options{nil, {ReadOnly: true}} {
				var before []byte
				if info, err := os.Stat(tt.path); err == nil && info.Mode().IsRegular() {
					before = read(t, tt.path)
				}
				d, err := boltstore.Open(tt.path, o)
				if err == nil {
					d.Close()
					t.Fatal("opened")
				}
				if tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got error %v, want %v with %q", err, tt.want, tt.text)
				}
				if !strings.Contains(err.Error(), tt.path) {
					t.Errorf("error does not name the file: %v", err)
				}
				var c *storage.CorruptError
				if errors.As(err, &c) && (c.Path != tt.path || c.Remedy == "") {
					t.Errorf("got %+v, want path and remedy", c)
				}
				if _, err := os.Stat(tt.path); err == nil && before != nil && !bytes.Equal(before, read(t, tt.path)) {
					t.Error("the refused file was changed")
				} else if err != nil && before != nil {
					t.Error("the refused file is gone")
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "missing.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("opening a missing file made one")
	}
}

// cut takes one byte off the last page that the newer meta claims.
func cut(b []byte, page int) []byte {
	pages := uint64(0)
	for _, off := range []int{0, page} {
		pages = max(pages, binary.NativeEndian.Uint64(b[off+16+40:]))
	}
	return b[:int(pages)*page-1]
}

// longFreelist makes the list of free pages claim more elements than it has.
func longFreelist(b []byte) []byte {
	page := os.Getpagesize()
	for _, off := range []int{0, page} {
		list := int(binary.NativeEndian.Uint64(b[off+16+32:])) * page
		binary.NativeEndian.PutUint16(b[list+10:], 0xFFFF)
		binary.NativeEndian.PutUint64(b[list+16:], 1<<40)
	}
	return b
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new.db")
	if _, err := boltstore.Open(path, &boltstore.Options{Create: true, ReadOnly: true}); err == nil {
		t.Error("Create with ReadOnly: got no error")
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, empty} {
		for _, o := range []*boltstore.Options{{Create: true}, {Create: true}, nil, {ReadOnly: true}} {
			d, err := boltstore.Open(p, o)
			if err != nil {
				t.Fatalf("open with %+v: %v", o, err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := boltstore.Open(filepath.Join(dir, "no", "such", "folder.db"), &boltstore.Options{Create: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("create in a missing folder: got error %v, want fs.ErrNotExist", err)
	}
	// A process that died between making the file and setting it up.
	bare := filepath.Join(dir, "bare.db")
	if db, err := bbolt.Open(bare, 0o600, nil); err != nil {
		t.Fatal(err)
	} else if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := boltstore.Open(bare, &boltstore.Options{Create: true})
	if err != nil {
		t.Fatalf("create over an unfinished creation: %v", err)
	}
	d.Close()
}

func TestOpeningAndReadingChangesNoByte(t *testing.T) {
	path := books(t, 50)
	before := read(t, path)
	for _, o := range []*boltstore.Options{nil, {Create: true}, {ReadOnly: true}} {
		d, err := boltstore.Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		s := storage.New(d, nil)
		n := 0
		for r, err := range s.Range(t.Context(), storage.Span{Partition: "p"}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range s.Log(t.Context(), r.Key, 0) {
				if err != nil {
					t.Fatal(err)
				}
			}
			n++
		}
		if n != 50 {
			t.Errorf("records: got %d, want 50", n)
		}
		// Refused writes, and a batch that only checks, leave no trace either.
		if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{{Key: key(sortOf(0)), Kind: "k"}}}); err == nil {
			t.Error("create over a record: got no error")
		}
		if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Checks: []storage.Check{{Key: key("absent")}}}); err != nil {
			t.Errorf("check: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, read(t, path)) {
			t.Fatalf("file opened with %+v and only read has changed", o)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := books(t, 3)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	var open []*boltstore.Driver
	for range 2 { // two readers at once
		d, err := boltstore.Open(path, &boltstore.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		open = append(open, d)
	}
	for _, d := range open {
		s := storage.New(d, nil)
		if _, err := s.Get(t.Context(), key(sortOf(1))); err != nil {
			t.Errorf("get: %v", err)
		}
		_, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{{Key: key("n"), Kind: "k"}}})
		if !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("commit: got error %v, want ErrReadOnly", err)
		}
		if err := d.Restore(t.Context(), nil); !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("restore: got error %v, want ErrReadOnly", err)
		}
	}
}

func TestLockedFileIsNamedAndWaitedFor(t *testing.T) {
	path := books(t, 1)
	first, err := boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []boltstore.Options{{}, {ReadOnly: true}, {Create: true}} {
		o.Timeout = 120 * time.Millisecond
		start := time.Now()
		_, err := boltstore.Open(path, &o)
		if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("open with %+v: got error %v, want ErrUnavailable naming the file", o, err)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("open with %+v waited %s", o, waited)
		}
	}
	closed := make(chan error)
	go func() {
		time.Sleep(60 * time.Millisecond)
		closed <- first.Close()
	}()
	second, err := boltstore.Open(path, &boltstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Errorf("open while the other closes: %v", err)
	} else {
		second.Close()
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestAcceptOlder(t *testing.T) {
	path, page := books(t, 10), os.Getpagesize()
	b := read(t, path)
	newer := 0
	if binary.NativeEndian.Uint64(b[page+16+48:]) > binary.NativeEndian.Uint64(b[16+48:]) {
		newer = page
	}
	clear(b[newer+16 : newer+80])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := boltstore.Open(path, nil); !errors.Is(err, storage.ErrCorrupt) {
		t.Fatalf("open: got error %v, want ErrCorrupt", err)
	}
	d, err := boltstore.Open(path, &boltstore.Options{AcceptOlder: true})
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	if _, err := s.Get(t.Context(), key(sortOf(9))); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("record of the last commit: got error %v, want ErrNotFound", err)
	}
	if _, err := s.Get(t.Context(), key(sortOf(8))); err != nil {
		t.Errorf("record of the commit before: %v", err)
	}
	// The next commit writes the damaged page anew.
	if _, err := s.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{{Key: key("n"), Kind: "k"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = boltstore.Open(path, nil); err != nil {
		t.Fatalf("open after a commit: %v", err)
	}
	d.Close()
}

func FuzzInspect(f *testing.F) {
	good := read(f, books(f, 5))
	page := os.Getpagesize()
	// Metas and free list are enough to get through; the rest is a size.
	f.Add(good, int64(len(good)), true)
	f.Add(good[:2*page], int64(2*page), false)
	f.Add(longFreelist(bytes.Clone(good)), int64(len(good)), true)
	f.Add([]byte{}, int64(0), false)
	f.Fuzz(func(t *testing.T, b []byte, size int64, older bool) {
		if size < 0 || size > 1<<26 {
			return // memory is in proportion to the size that a file has
		}
		err := boltstore.Inspect(bytes.NewReader(b), size, older, true)
		// With good checksums the fields behind them are reached.
		for _, off := range []int{0, page} {
			if len(b) < off+80 {
				continue
			}
			b = bytes.Clone(b)
			binary.NativeEndian.PutUint32(b[off+16:], 0xED0CDAED)
			binary.NativeEndian.PutUint32(b[off+20:], 2)
			h := fnv.New64a()
			h.Write(b[off+16 : off+72])
			binary.NativeEndian.PutUint64(b[off+72:], h.Sum64())
		}
		err2 := boltstore.Inspect(bytes.NewReader(b), size, older, true)
		for _, err := range []error{err, err2} {
			var c *storage.CorruptError
			if errors.As(err, &c) && (c.Reason == "" || c.Remedy == "") {
				t.Errorf("got %+v, want reason and remedy", c)
			}
		}
	})
}
