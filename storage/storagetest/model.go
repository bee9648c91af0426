package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/storage"
)

// RunModel runs random sequences of commits, updates and reads through a Store
// over one driver from open and compares every result with a model made of
// maps. The number and length of the sequences are rapid's flags.
func RunModel(t *testing.T, open func(tb testing.TB) storage.Driver) {
	t.Helper()
	d := open(t)
	s := storage.New(d, nil)
	// All sequences share the driver, each in a partition of its own: opening
	// one per sequence would be most of the time.
	var sequence atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			store: s, partition: fmt.Sprintf("sequence %d", sequence.Add(1)),
			records: map[string]modelRecord{}, logs: map[string][]string{}, receipts: map[string]storage.Receipt{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit": m.commit,
			"update": m.update,
			"replay": m.replay,
			"range":  m.scan,
			"log":    m.log,
			"":       m.invariant,
		})
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

type modelRecord struct {
	stamp   storage.Stamp
	data    string
	audited bool
}

type model struct {
	store     *storage.Store
	partition string
	records   map[string]modelRecord
	logs      map[string][]string
	receipts  map[string]storage.Receipt
	stale     []storage.Stamp // stamps that were in force once
}

// name draws one of few keys, so that operations meet. Those that begin with
// "A" are audited.
func name(t *rapid.T) string { return names().Draw(t, "key") }

func names() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"A1", "A2", "A/3", "b", "b/", "b0", "é", "z"})
}

func (m *model) key(name string) storage.Key {
	return storage.Key{Partition: m.partition, Sort: name}
}

// stamp draws the stamp in force, mostly, else none or one that was.
func (m *model) stamp(t *rapid.T, name string) storage.Stamp {
	n := rapid.IntRange(0, 9).Draw(t, "stamp")
	switch {
	case n == 0:
		return storage.Stamp{}
	case n == 1 && len(m.stale) > 0:
		return rapid.SampledFrom(m.stale).Draw(t, "stale")
	}
	return m.records[name].stamp
}

func (m *model) put(t *rapid.T, name string, prev storage.Stamp) storage.Put {
	p := storage.Put{Key: m.key(name), Prev: prev, Kind: "plain", Schema: 1}
	p.Data = []byte(rapid.StringN(0, 20, -1).Draw(t, "data"))
	if strings.HasPrefix(name, "A") {
		p.Kind, p.Entry = "audited", []byte(fmt.Sprintf("entry %d", len(m.logs[name])))
	}
	return p
}

// apply changes the model as a successful commit would.
func (m *model) apply(b *storage.Batch, receipt storage.Receipt) {
	for i := range b.Puts {
		p := &b.Puts[i]
		if old := m.records[p.Key.Sort].stamp; !old.IsZero() {
			m.stale = append(m.stale, old)
		}
		m.records[p.Key.Sort] = modelRecord{stamp: receipt.Stamp(p.Key), data: string(p.Data), audited: p.Entry != nil}
		if p.Entry != nil {
			m.logs[p.Key.Sort] = append(m.logs[p.Key.Sort], string(p.Entry))
		}
	}
	for _, d := range b.Deletes {
		m.stale = append(m.stale, d.Prev)
		delete(m.records, d.Key.Sort)
	}
}

// commit commits a random batch, which may be refused.
func (m *model) commit(t *rapid.T) {
	b := new(storage.Batch)
	conflict, audit := false, false
	for _, n := range rapid.SliceOfNDistinct(names(), 0, 5, rapid.ID[string]).Draw(t, "keys") {
		s := m.stamp(t, n)
		switch op := rapid.IntRange(0, 5).Draw(t, "op"); {
		case op < 4:
			b.Puts = append(b.Puts, m.put(t, n, s))
		case op == 4 && !s.IsZero():
			b.Deletes = append(b.Deletes, storage.Delete{Key: m.key(n), Prev: s})
			audit = audit || m.records[n].audited && m.records[n].stamp == s
		default:
			b.Checks = append(b.Checks, storage.Check{Key: m.key(n), Stamp: s})
		}
		conflict = conflict || m.records[n].stamp != s
	}
	var r storage.Request
	if rapid.Bool().Draw(t, "named") {
		r.ID = fmt.Sprintf("%s/%d", m.partition, len(m.receipts))
	}
	receipt, err := m.store.Commit(context.Background(), r, b)
	switch {
	case err == nil && (conflict || audit):
		t.Fatalf("commit: got success, want a refusal (conflict %t, audit %t)", conflict, audit)
	case err == nil:
		m.apply(b, receipt)
		if r.ID != "" {
			m.receipts[r.ID] = receipt
		}
	case conflict && errors.Is(err, storage.ErrConflict), audit && errors.Is(err, storage.ErrAudited):
	default:
		t.Fatalf("commit: got error %v (conflict %t, audit %t)", err, conflict, audit)
	}
}

// update moves the data of one record to the end of another.
func (m *model) update(t *rapid.T) {
	from, to := name(t), name(t)
	if from == to {
		t.Skip("one record")
	}
	p := m.put(t, to, storage.Stamp{})
	receipt, err := m.store.Update(context.Background(), storage.Request{}, func(tx *storage.Tx) error {
		src, err := tx.Get(m.key(from))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		dst, err := tx.Get(m.key(to))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		p.Data = append(dst.Data, src.Data...)
		if src.Kind == "plain" {
			tx.Delete(src.Key)
		}
		tx.Put(p)
		return nil
	})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	if want := m.records[to].data + m.records[from].data; string(p.Data) != want {
		t.Fatalf("update read %q, want %q", p.Data, want)
	}
	b := &storage.Batch{Puts: []storage.Put{p}}
	if src, ok := m.records[from]; ok && !src.audited {
		b.Deletes = []storage.Delete{{Key: m.key(from), Prev: src.stamp}}
	}
	m.apply(b, receipt)
}

func (m *model) replay(t *rapid.T) {
	if len(m.receipts) == 0 {
		t.Skip("nothing to replay")
	}
	n := rapid.IntRange(0, len(m.receipts)-1).Draw(t, "request")
	id := fmt.Sprintf("%s/%d", m.partition, n)
	want := m.receipts[id]
	got, err := m.store.Commit(context.Background(), storage.Request{ID: id}, &storage.Batch{Puts: []storage.Put{m.put(t, name(t), storage.Stamp{})}})
	if err != nil || !got.Replayed || !slices.Equal(got.Keys, want.Keys) || !slices.Equal(got.Stamps, want.Stamps) {
		t.Fatalf("replay of %q: got %+v, %v, want %+v", id, got, err, want)
	}
}

// scan compares a random span.
func (m *model) scan(t *rapid.T) {
	bound := rapid.SampledFrom([]string{"", "A", "A1", "B", "b", "b/", "c", "é"})
	span := storage.Span{
		Partition: m.partition, From: bound.Draw(t, "from"), To: bound.Draw(t, "to"),
		Reverse: rapid.Bool().Draw(t, "reverse"), Limit: rapid.IntRange(0, 3).Draw(t, "limit"),
	}
	var want []string
	for n := range m.records {
		if n >= span.From && (span.To == "" || n < span.To) {
			want = append(want, n)
		}
	}
	if slices.Sort(want); span.Reverse {
		slices.Reverse(want)
	}
	if span.Limit > 0 {
		want = want[:min(span.Limit, len(want))]
	}
	var got []string
	for r, err := range m.store.Range(context.Background(), span) {
		if err != nil {
			t.Fatalf("range over %+v: %v", span, err)
		}
		got = append(got, r.Key.Sort)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("range over %+v: got %q, want %q", span, got, want)
	}
}

func (m *model) log(t *rapid.T) {
	n := name(t)
	want := m.logs[n]
	from := rapid.IntRange(0, len(want)+1).Draw(t, "from")
	want = want[min(max(from-1, 0), len(want)):]
	var got []string
	for r, err := range m.store.Log(context.Background(), m.key(n), uint64(from)) {
		if errors.Is(err, storage.ErrNotFound) && m.records[n].stamp.IsZero() {
			continue
		}
		if err != nil {
			t.Fatalf("log of %q: %v", n, err)
		}
		got = append(got, string(r.Data))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("log of %q from %d: got %q, want %q", n, from, got, want)
	}
}

// invariant compares all records.
func (m *model) invariant(t *rapid.T) {
	n := 0
	for r, err := range m.store.Range(context.Background(), storage.Span{Partition: m.partition}) {
		if err != nil {
			t.Fatalf("range: %v", err)
		}
		want, ok := m.records[r.Key.Sort]
		if !ok || r.Stamp != want.stamp || string(r.Data) != want.data {
			t.Fatalf("record %q: got %s %q, want %s %q (present %t)", r.Key.Sort, r.Stamp, r.Data, want.stamp, want.data, ok)
		}
		if want.audited && r.Stamp.Version != uint64(len(m.logs[r.Key.Sort])) {
			t.Fatalf("record %q: version %d, %d entries", r.Key.Sort, r.Stamp.Version, len(m.logs[r.Key.Sort]))
		}
		n++
	}
	if n != len(m.records) {
		t.Fatalf("got %d records, want %d", n, len(m.records))
	}
}
