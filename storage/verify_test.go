package storage_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func TestVerifyNamesTheFirstBreak(t *testing.T) {
	k := storage.Key{Partition: "p", Sort: "a"}
	isEntry := func(version uint64) func(storage.Item) bool {
		return func(it storage.Item) bool { return it.Key == k && it.Entry && it.Stamp.Version == version }
	}
	isRecord := func(it storage.Item) bool { return it.Key == k && !it.Entry }
	without := func(f func(storage.Item) bool) func([]storage.Item) []storage.Item {
		return func(items []storage.Item) []storage.Item { return slices.DeleteFunc(items, f) }
	}
	// An older state of the same store, and one in which history went otherwise.
	older := items(t, audited("a", "data 1", "1"))
	other := items(t, audited("a", "1", "E1"), audited("a", "2", "e2"), audited("a", "3", "e3"))
	replace := func(from []storage.Item, f func(storage.Item) bool) func([]storage.Item) []storage.Item {
		return func(to []storage.Item) []storage.Item {
			out := slices.DeleteFunc(to, f)
			for _, it := range from {
				if f(it) {
					out = append(out, it)
				}
			}
			return out
		}
	}
	tests := []struct {
		name    string
		tamper  func([]storage.Item) []storage.Item
		version uint64 // of the entry named; 0: the record
		reason  string
	}{
		{"first entry gone", without(isEntry(1)), 1, "entry is missing"},
		{"entry gone", without(isEntry(2)), 2, "entry is missing"},
		{"last entry gone", without(isEntry(3)), 3, "entry is missing"},
		{"record gone", without(isRecord), 1, "record of this entry is missing"},
		{"record rolled back", replace(older, isRecord), 2, "ahead of its record"},
		{"entry of another history", replace(other, isEntry(2)), 2, "chain of heads"},
		{"record of another history", replace(other, isRecord), 3, "different writes"},
		{"entry damaged", func(items []storage.Item) []storage.Item {
			for i := range items {
				if isEntry(2)(items[i]) {
					items[i].Body[len(items[i].Body)-5] ^= 1
				}
			}
			return items
		}, 2, "checksum"},
		{"record damaged", func(items []storage.Item) []storage.Item {
			for i := range items {
				if isRecord(items[i]) {
					items[i].Body[90] ^= 1
				}
			}
			return items
		}, 0, "checksum"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tampered(t, history(t, "1", "2", "3"), tt.tamper)
			_, err := s.Verify(t.Context(), nil)
			var c *storage.CorruptError
			if !errors.As(err, &c) || c.Key != k || c.Entry != (tt.version > 0) || c.Version != tt.version || !strings.Contains(c.Reason, tt.reason) {
				t.Errorf("got error %v, want %q for version %d of %s", err, tt.reason, tt.version, k)
			}
			if _, err := s.Export(t.Context(), new(bytes.Buffer)); !errors.Is(err, storage.ErrCorrupt) {
				t.Errorf("export: got error %v, want ErrCorrupt", err)
			}
		})
	}
}

// items returns what a store holds after the puts, each following the one before.
func items(t *testing.T, puts ...storage.Put) []storage.Item {
	t.Helper()
	d := memstore.New()
	s := storage.New(d, nil)
	var prev storage.Stamp
	for _, p := range puts {
		p.Prev = prev
		prev = mustCommit(t, s, p).Stamp(p.Key)
	}
	all, _, err := d.Scan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A whole history that was rewritten, cut or removed fits itself; an earlier
// checkpoint shows it.
func TestCheckpointShowsARewrittenHistory(t *testing.T) {
	store := func(puts ...storage.Put) *storage.Store {
		d := memstore.New()
		if err := d.Restore(t.Context(), items(t, puts...)); err != nil {
			t.Fatal(err)
		}
		return storage.New(d, nil)
	}
	one, two, three := audited("a", "1", "e1"), audited("a", "2", "e2"), audited("a", "3", "e3")
	report, err := store(one, two).Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Heads.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var since storage.Checkpoint
	if err := since.UnmarshalText(text); err != nil || since.Len() != 1 {
		t.Fatalf("checkpoint read back: %d records, %v", since.Len(), err)
	}
	tests := []struct {
		name string
		s    *storage.Store
		want string
	}{
		{"unchanged", store(one, two), ""},
		{"continued", store(one, two, three), ""},
		{"rewritten", store(one, audited("a", "2", "forged"), three), "rewritten"},
		{"rewritten at the start", store(audited("a", "0", "forged"), two, three), "rewritten"},
		{"cut", store(one), "older than the checkpoint"},
		{"removed", store(plain("b", "x")), "it is gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.s.Verify(t.Context(), nil); err != nil {
				t.Fatalf("without checkpoint: got error %v, want a store that fits itself", err)
			}
			_, err := tt.s.Verify(t.Context(), &storage.VerifyOptions{Since: &since})
			if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

// forgetful leaves a record out of listings, as a damaged index page may.
type forgetful struct{ *memstore.Driver }

func (d forgetful) Page(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
	page, next, err := d.Driver.Page(ctx, q, after)
	return slices.DeleteFunc(page, func(it storage.Item) bool { return it.Key.Sort == "a" && !it.Entry }), next, err
}

func TestVerifyComparesListingsWithTheScan(t *testing.T) {
	s := storage.New(forgetful{history(t, "1", "2")}, nil)
	var c *storage.CorruptError
	if _, err := s.Verify(t.Context(), nil); !errors.As(err, &c) || c.Key.Sort != "a" || !strings.Contains(c.Reason, "scan") {
		t.Errorf("got error %v, want one naming the record that a listing leaves out", err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	report, err := filled(f).Verify(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	good, err := report.Heads.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-10])
	f.Add(bytes.Replace(good, []byte(" 1\n"), []byte(" 2\n"), 1))
	f.Add([]byte("spendclaim checkpoint 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c storage.Checkpoint
		err := c.UnmarshalText(b)
		if err != nil {
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNewer) {
				t.Errorf("got error %v, want ErrCorrupt or ErrNewer", err)
			}
			return
		}
		if _, err := c.MarshalText(); err != nil {
			t.Error(err)
		}
	})
}
