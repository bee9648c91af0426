package storagetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// mutant is a sound driver with one planted defect: the fields that are set
// replace or disturb methods.
type mutant struct {
	storage.Driver
	commit func(ctx context.Context, b *storage.WriteBatch) error
	get    func(ctx context.Context, k storage.Key) (storage.Item, error)
	page   func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error)
	scan   func(ctx context.Context, cursor string) ([]storage.Item, string, error)
	close  func() error
}

func (m *mutant) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if m.commit != nil {
		return m.commit(ctx, b)
	}
	return m.Driver.Commit(ctx, b)
}

func (m *mutant) Get(ctx context.Context, k storage.Key) (storage.Item, error) {
	if m.get != nil {
		return m.get(ctx, k)
	}
	return m.Driver.Get(ctx, k)
}

func (m *mutant) Page(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
	if m.page != nil {
		return m.page(ctx, q, after)
	}
	return m.Driver.Page(ctx, q, after)
}

func (m *mutant) Scan(ctx context.Context, cursor string) ([]storage.Item, string, error) {
	if m.scan != nil {
		return m.scan(ctx, cursor)
	}
	return m.Driver.Scan(ctx, cursor)
}

func (m *mutant) Close() error {
	if m.close != nil {
		return m.close()
	}
	return m.Driver.Close()
}

// present is the stamp stored under k.
func (m *mutant) present(k storage.Key) storage.Stamp {
	it, _ := m.Driver.Get(context.Background(), k)
	return it.Stamp
}

// edited passes a copy of the batch's writes through f before committing it.
func (m *mutant) edited(f func(w *storage.Write)) {
	m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
		c := *b
		c.Writes = slices.Clone(b.Writes)
		for i := range c.Writes {
			f(&c.Writes[i])
		}
		return m.Driver.Commit(ctx, &c)
	}
}

// paged passes what Page returned through f.
func (m *mutant) paged(f func(q storage.Query, page []storage.Item, next string) ([]storage.Item, string)) {
	m.page = func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
		page, next, err := m.Driver.Page(ctx, q, after)
		if err == nil {
			page, next = f(q, page, next)
		}
		return page, next, err
	}
}

// mutants maps each defect to the case that must catch it.
var mutants = []struct {
	defect string
	caught string
	plant  func(m *mutant)
}{
	{"skips the version check", "commit/stale version", func(m *mutant) {
		m.edited(func(w *storage.Write) {
			if w.Prev.Version != 0 {
				w.Prev = m.present(w.Key)
			}
		})
	}},
	{"compares versions and not heads", "commit/other head", func(m *mutant) {
		m.edited(func(w *storage.Write) {
			if s := m.present(w.Key); s.Version == w.Prev.Version {
				w.Prev = s
			}
		})
	}},
	{"takes the zero Prev for any", "commit/creates once", func(m *mutant) {
		m.edited(func(w *storage.Write) {
			if w.Prev.IsZero() {
				w.Prev = m.present(w.Key)
			}
		})
	}},
	{"applies half a batch", "commit/all or nothing", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			for _, w := range b.Writes {
				if err := m.Driver.Commit(ctx, batch(w)); err != nil {
					return err
				}
			}
			return m.Driver.Commit(ctx, &storage.WriteBatch{Deletes: b.Deletes, Checks: b.Checks})
		}
	}},
	{"ignores checks", "commit/check guards writes", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			return m.Driver.Commit(ctx, &storage.WriteBatch{Writes: b.Writes, Deletes: b.Deletes})
		}
	}},
	{"lets two writers win", "commit/one winner", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			for _, w := range b.Writes {
				if m.present(w.Key) != w.Prev {
					return &storage.ConflictError{Key: w.Key, Want: w.Prev, Got: m.present(w.Key)}
				}
			}
			time.Sleep(time.Millisecond) // check, then act
			c := *b
			c.Writes = slices.Clone(b.Writes)
			for i := range c.Writes {
				c.Writes[i].Prev = m.present(c.Writes[i].Key)
			}
			return m.Driver.Commit(ctx, &c)
		}
	}},
	{"names the wrong key in a conflict", "commit/conflict names the item", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			err := m.Driver.Commit(ctx, b)
			var c *storage.ConflictError
			if errors.As(err, &c) && len(b.Writes) > 0 {
				c.Key = b.Writes[0].Key
			}
			return err
		}
	}},
	{"does not say what it found", "commit/check", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			err := m.Driver.Commit(ctx, b)
			var c *storage.ConflictError
			if errors.As(err, &c) {
				c.Got = storage.Stamp{}
			}
			return err
		}
	}},
	{"overwrites an entry", "log/never overwritten", func(m *mutant) {
		forged := map[storage.Key][]byte{}
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			err := m.Driver.Commit(ctx, b)
			if !errors.Is(err, storage.ErrCorrupt) {
				return err
			}
			c := *b
			c.Writes = slices.Clone(b.Writes)
			for i := range c.Writes {
				forged[c.Writes[i].Key] = c.Writes[i].Entry
				c.Writes[i].Entry = nil
			}
			return m.Driver.Commit(ctx, &c)
		}
		m.paged(func(_ storage.Query, page []storage.Item, next string) ([]storage.Item, string) {
			for i := range page {
				if e := forged[page[i].Key]; page[i].Entry && e != nil {
					page[i].Body = bytes.Clone(e)
				}
			}
			return page, next
		})
	}},
	{"drops entries", "log/written with the record", func(m *mutant) {
		m.edited(func(w *storage.Write) { w.Entry = nil })
	}},
	{"returns a page out of order", "page/order", func(m *mutant) {
		m.paged(func(_ storage.Query, page []storage.Item, next string) ([]storage.Item, string) {
			slices.Reverse(page)
			return page, next
		})
	}},
	{"drops the record at a page's end", "page/many pages", func(m *mutant) {
		m.paged(func(q storage.Query, page []storage.Item, next string) ([]storage.Item, string) {
			if next != "" && q.Log == "" {
				page = page[:len(page)-1]
			}
			return page, next
		})
	}},
	{"repeats the record at a page's end", "page/many pages", func(m *mutant) {
		m.page = func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
			page, next, err := m.Driver.Page(ctx, q, after)
			if after != "" && q.Log == "" && err == nil {
				it, _ := m.Driver.Get(ctx, storage.Key{Partition: q.Partition, Sort: after})
				page = append([]storage.Item{it}, page...)
			}
			return page, next, err
		}
	}},
	{"includes To", "page/bounds", func(m *mutant) {
		m.page = func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
			if q.To != "" {
				q.To += "\x00"
			}
			return m.Driver.Page(ctx, q, after)
		}
	}},
	{"ignores the limit", "page/limit", func(m *mutant) {
		m.page = func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
			q.Limit = 0
			return m.Driver.Page(ctx, q, after)
		}
	}},
	{"mixes partitions with one prefix", "page/partitions", func(m *mutant) {
		m.paged(func(q storage.Query, page []storage.Item, next string) ([]storage.Item, string) {
			if next == "" && q.Log == "" && !q.Reverse {
				more, _, _ := m.Driver.Page(context.Background(), storage.Query{Span: storage.Span{Partition: q.Partition + "/"}}, "")
				page = append(page, more...)
			}
			return page, next
		})
	}},
	{"keeps the slices of a commit", "commit/copies", func(m *mutant) {
		kept := map[storage.Key][]byte{}
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			err := m.Driver.Commit(ctx, b)
			for _, w := range b.Writes {
				kept[w.Key] = w.Record
			}
			return err
		}
		m.get = func(ctx context.Context, k storage.Key) (storage.Item, error) {
			it, err := m.Driver.Get(ctx, k)
			it.Body = bytes.Clone(kept[k])
			return it, err
		}
	}},
	{"hands out its memory", "get/copies", func(m *mutant) {
		last := map[storage.Stamp]storage.Item{}
		m.get = func(ctx context.Context, k storage.Key) (storage.Item, error) {
			it, err := m.Driver.Get(ctx, k)
			if old, ok := last[it.Stamp]; ok {
				return old, err
			}
			last[it.Stamp] = it
			return it, err
		}
	}},
	{"takes an empty body for absence", "get/empty body", func(m *mutant) {
		m.get = func(ctx context.Context, k storage.Key) (storage.Item, error) {
			it, err := m.Driver.Get(ctx, k)
			if err == nil && len(it.Body) == 0 {
				return storage.Item{}, storage.ErrNotFound
			}
			return it, err
		}
	}},
	{"reads stale", "get/what was committed", func(m *mutant) {
		cache := map[storage.Key]storage.Item{}
		m.get = func(ctx context.Context, k storage.Key) (storage.Item, error) {
			if it, ok := cache[k]; ok {
				return it, nil
			}
			it, err := m.Driver.Get(ctx, k)
			if err == nil {
				cache[k] = it
			}
			return it, err
		}
	}},
	{"holds its lock between pages", "page/writes between pages", func(m *mutant) {
		var mu sync.Mutex
		m.page = func(ctx context.Context, q storage.Query, after string) ([]storage.Item, string, error) {
			if after == "" {
				mu.Lock()
			}
			page, next, err := m.Driver.Page(ctx, q, after)
			if next == "" {
				mu.Unlock()
			}
			return page, next, err
		}
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			mu.Lock()
			defer mu.Unlock()
			return m.Driver.Commit(ctx, b)
		}
	}},
	{"scans records only", "scan/everything", func(m *mutant) {
		m.scan = func(ctx context.Context, cursor string) ([]storage.Item, string, error) {
			page, next, err := m.Driver.Scan(ctx, cursor)
			return slices.DeleteFunc(page, func(it storage.Item) bool { return it.Entry }), next, err
		}
	}},
	{"leaves a partition out of a scan", "keep/verify and export", func(m *mutant) {
		m.scan = func(ctx context.Context, cursor string) ([]storage.Item, string, error) {
			page, next, err := m.Driver.Scan(ctx, cursor)
			return slices.DeleteFunc(page, func(it storage.Item) bool { return it.Key.Partition == "é" }), next, err
		}
	}},
	{"leaves a record out of listings", "keep/verify and export", func(m *mutant) {
		m.paged(func(_ storage.Query, page []storage.Item, next string) ([]storage.Item, string) {
			return slices.DeleteFunc(page, func(it storage.Item) bool { return it.Key.Sort == "x/" && !it.Entry }), next
		})
	}},
	{"ignores a cancelled context", "context/cancelled before", func(m *mutant) {
		m.commit = func(_ context.Context, b *storage.WriteBatch) error {
			return m.Driver.Commit(context.Background(), b)
		}
	}},
	{"works on after Close", "close/use after", func(m *mutant) {
		m.close = func() error { return nil }
	}},
	{"reports a conflict as unavailable", "commit/creates once", func(m *mutant) {
		m.commit = func(ctx context.Context, b *storage.WriteBatch) error {
			if err := m.Driver.Commit(ctx, b); err != nil {
				return storage.ErrUnavailable
			}
			return nil
		}
	}},
	{"cuts keys short", "commit/largest keys", func(m *mutant) {
		m.get = func(ctx context.Context, k storage.Key) (storage.Item, error) {
			if len(k.Sort) > 255 {
				it, _, err := m.Driver.Page(ctx, storage.Query{Span: storage.Prefix(k.Partition, k.Sort[:255])}, "")
				if err != nil || len(it) == 0 {
					return storage.Item{}, storage.ErrNotFound
				}
				return it[0], nil
			}
			return m.Driver.Get(ctx, k)
		}
	}},
}

func TestMutantsAreCaught(t *testing.T) {
	byName := map[string]rule{}
	for _, r := range rules() {
		if _, ok := byName[r.name]; ok || r.text == "" || !strings.HasSuffix(r.text, ".") {
			t.Errorf("case %q: its name must be unique and its rule a sentence, got %q", r.name, r.text)
		}
		byName[r.name] = r
	}
	for _, tt := range mutants {
		t.Run(tt.defect, func(t *testing.T) {
			r, ok := byName[tt.caught]
			if !ok {
				t.Fatalf("there is no case %q", tt.caught)
			}
			m := &mutant{Driver: memstore.New()}
			tt.plant(m)
			err := r.try(m, 2*time.Second)
			if err == nil {
				t.Fatalf("case %q did not catch a driver that %s", tt.caught, tt.defect)
			}
			t.Log(err)
		})
	}
}

// A panic of a driver is a finding, not the end of the suite.
func TestPanicIsAFinding(t *testing.T) {
	m := &mutant{Driver: memstore.New()}
	m.get = func(context.Context, storage.Key) (storage.Item, error) { panic("boom") }
	r := commitRules()[0]
	if err := r.try(m, time.Second); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v, want an error naming the panic", err)
	}
}
