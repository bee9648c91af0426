package storage_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// filled returns a store with records of every sort: audited and not, receipts,
// chunks, keys of which one is the beginning of another.
func filled(t testing.TB) *storage.Store {
	t.Helper()
	s := storage.New(memstore.New(), nil)
	commit := func(id string, puts ...storage.Put) storage.Receipt {
		t.Helper()
		r := storage.Request{ID: id}
		if id != "" {
			r.Digest = [32]byte{1}
		}
		receipt, err := s.Commit(t.Context(), r, &storage.Batch{Puts: puts})
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	for _, k := range []storage.Key{{Partition: "p", Sort: "a"}, {Partition: "p", Sort: "a/"}, {Partition: "p/", Sort: "a"}, {Partition: "é", Sort: "z"}} {
		prev := storage.Stamp{}
		for n := range 3 {
			put := storage.Put{Key: k, Prev: prev, Kind: "book", Schema: 2, Data: []byte(fmt.Sprint("data ", n)), Entry: []byte(fmt.Sprint("entry ", n))}
			prev = commit(fmt.Sprint(k.Partition, k.Sort, n), put).Stamp(k)
		}
	}
	commit("", storage.Put{Key: storage.Key{Partition: "p", Sort: "b"}, Kind: "plain", Data: nil})
	first := commit("", storage.Put{Key: storage.Key{Partition: "p", Sort: "c"}, Kind: "plain", Data: []byte{0, 1}})
	commit("", storage.Put{Key: storage.Key{Partition: "p", Sort: "c"}, Prev: first.Stamps[0], Kind: "plain", Data: []byte{2}})
	if _, err := s.WritePart(t.Context(), storage.Key{Partition: "parts", Sort: "x"}, "chunk", 1, strings.NewReader("a body")); err != nil {
		t.Fatal(err)
	}
	return s
}

func export(t testing.TB, s *storage.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImportedStoreIsTheOneExported(t *testing.T) {
	from := filled(t)
	var b bytes.Buffer
	report, err := from.Export(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	if report.Records != 4+2+12+1 || report.Audited != 4 || report.Entries != 12 || report.Heads.Len() != 4 {
		t.Errorf("export: got report %+v, want 19 records, 4 of them audited, 12 entries", report)
	}
	to := storage.New(memstore.New(), nil)
	imported, err := to.Import(t.Context(), bytes.NewReader(b.Bytes()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, imported, cmp.AllowUnexported(storage.Checkpoint{}), cmp.Comparer(sameCheckpoint)); diff != "" {
		t.Errorf("report of import (-export +import):\n%s", diff)
	}
	if !bytes.Equal(b.Bytes(), export(t, to)) {
		t.Error("export of the imported store differs from the first")
	}
	k := storage.Key{Partition: "p", Sort: "a"}
	r, err := to.Get(t.Context(), k)
	if err != nil || r.Stamp.Version != 3 || string(r.Data) != "data 2" {
		t.Errorf("record: got %+v, %v, want version 3", r, err)
	}
	if again, err := to.Receipt(t.Context(), storage.Request{ID: "pa2", Digest: [32]byte{1}}); err != nil || again.Stamp(k) != r.Stamp {
		t.Errorf("receipt: got %+v, %v, want the one of the export", again, err)
	}
}

func sameCheckpoint(a, b storage.Checkpoint) bool {
	x, _ := a.MarshalText()
	y, _ := b.MarshalText()
	return bytes.Equal(x, y)
}

// Released formats never change: files of each are kept and stay readable.
func TestExportsAndCheckpointsAreThoseReleased(t *testing.T) {
	s := filled(t)
	report, err := s.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Heads.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"export-1.golden": export(t, s), "checkpoint-1.golden": text} {
		path := filepath.Join("testdata", name)
		if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes that differ from the %d released", name, len(got), len(want))
		}
	}
}

func TestImportRefusals(t *testing.T) {
	good := export(t, filled(t))
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	tests := []struct {
		name string
		in   []byte
		want error
		text string
	}{
		{"nothing", nil, storage.ErrCorrupt, "begin with"},
		{"another file", []byte("PK\x03\x04 zip"), storage.ErrCorrupt, "begin with"},
		{"newer format", edit(func(b []byte) []byte { return bytes.Replace(b, []byte("export 1\n"), []byte("export 2\n"), 1) }), storage.ErrNewer, "format 2"},
		{"something behind", append(bytes.Clone(good), 'x'), storage.ErrCorrupt, "follows"},
		{"twice", append(bytes.Clone(good), good...), storage.ErrCorrupt, "follows"},
		{"another digest", edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), storage.ErrCorrupt, "digest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := storage.New(memstore.New(), nil)
			_, err := s.Import(t.Context(), bytes.NewReader(tt.in), nil)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got error %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
	full := filled(t)
	if _, err := full.Import(t.Context(), bytes.NewReader(good), nil); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("import into a store with records: got error %v, want ErrConflict", err)
	}
}

// Cut anywhere or with any byte changed, an export is refused.
func TestImportNoticesAnyDamage(t *testing.T) {
	good := export(t, filled(t))
	step := 7
	if testing.Short() {
		step = 97
	}
	for at := 0; at < len(good); at += step {
		s := storage.New(memstore.New(), nil)
		if _, err := s.Import(t.Context(), bytes.NewReader(good[:at]), nil); !errors.Is(err, storage.ErrCorrupt) {
			t.Fatalf("cut at %d: got error %v, want ErrCorrupt", at, err)
		}
		b := bytes.Clone(good)
		b[at] ^= 0x10
		s = storage.New(memstore.New(), nil)
		if _, err := s.Import(t.Context(), bytes.NewReader(b), nil); !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNewer) {
			t.Fatalf("byte %d changed: got error %v, want ErrCorrupt", at, err)
		}
	}
}

func TestInterruptedImportResumes(t *testing.T) {
	good := export(t, filled(t))
	d := memstore.New()
	s := storage.New(d, nil)
	items, _, err := filledDriver(t).Scan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Restore(t.Context(), items[:9]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), bytes.NewReader(good), nil); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("import into a store with records: got error %v, want ErrConflict", err)
	}
	if _, err := s.Import(t.Context(), bytes.NewReader(good), &storage.ImportOptions{Resume: true}); err != nil {
		t.Errorf("resumed import: %v", err)
	}
	if !bytes.Equal(export(t, s), good) {
		t.Error("export after a resumed import differs")
	}
	// A record that is not in the export is noticed at the end.
	mustCommit(t, s, plain("stranger", "x"))
	if _, err := s.Import(t.Context(), bytes.NewReader(good), &storage.ImportOptions{Resume: true}); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("resumed import beside a stranger: got error %v, want ErrConflict", err)
	}
}

// filledDriver returns the driver of a store that filled would return.
func filledDriver(t *testing.T) storage.Driver {
	t.Helper()
	d := memstore.New()
	if _, err := storage.New(d, nil).Import(t.Context(), bytes.NewReader(export(t, filled(t))), nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// busyWriter commits a record each time the store below it is scanned.
type busyWriter struct {
	*memstore.Driver
	n int
}

func (d *busyWriter) Scan(ctx context.Context, cursor string) ([]storage.Item, string, error) {
	page, next, err := d.Driver.Scan(ctx, cursor)
	d.n++
	put := storage.Put{Key: storage.Key{Partition: "new", Sort: fmt.Sprint(d.n)}, Kind: "k"}
	_, _ = storage.New(d.Driver, nil).Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{put}})
	return page, next, err
}

func TestExportIsOfOneInstant(t *testing.T) {
	s := storage.New(&busyWriter{Driver: memstore.New()}, nil)
	var b bytes.Buffer
	if _, err := s.Export(t.Context(), &b); !errors.Is(err, storage.ErrConflict) || !strings.Contains(err.Error(), "stop the writers") {
		t.Errorf("export beside a writer: got error %v, want ErrConflict", err)
	}
	if _, err := s.Verify(t.Context(), nil); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("verify beside a writer: got error %v, want ErrConflict", err)
	}
}

func FuzzImport(f *testing.F) {
	good := export(f, filled(f))
	f.Add(good)
	f.Add(good[:200])
	f.Add([]byte("spendclaim export 1\n\x01\x00\x01p\x00\x01s\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := storage.New(memstore.New(), nil)
		_, err := s.Import(t.Context(), bytes.NewReader(b), nil)
		if err != nil {
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNewer) {
				t.Errorf("got error %v, want ErrCorrupt or ErrNewer", err)
			}
			return
		}
		if !bytes.Equal(export(t, s), b) {
			t.Error("an export that was imported comes out differently")
		}
	})
}
