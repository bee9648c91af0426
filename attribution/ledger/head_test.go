package ledger

import (
	"reflect"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// FuzzDecodeHead: whatever bytes a head holds, it is refused or is a generation
// that encodes to the same.
func FuzzDecodeHead(f *testing.F) {
	part := storage.Part{Key: storage.Key{Partition: "ledger/parts/1/2026-05", Sort: "groups/00"}, Chunks: 1, Size: 9, Digest: [32]byte{1}}
	full := Generation{Number: 1, Cause: First, Delivery: cur.Delivery{Payer: "1", AsOf: time.Date(2026, 5, 1, 0, 0, 0, 1, time.UTC)},
		Columns: []cur.Column{"a/b"}, Reconciled: true, Parts: map[string]storage.Part{"groups": part}}
	for _, g := range []Generation{{Number: 1}, full} {
		b, err := encodeHead(&g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"number":1,"parts":{"groups":{"sha256":"00","size":-1}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := storage.Record{Key: bookKey("1", cur.Month{}), Stamp: storage.Stamp{Version: 1}, Schema: schema, Data: b}
		g, err := decodeGeneration(r)
		if err != nil {
			return
		}
		if g.Number != 1 {
			t.Fatalf("number %d, want that of the record", g.Number)
		}
		if r.Data, err = encodeHead(&g); err != nil {
			t.Fatalf("encode: %v", err)
		}
		again, err := decodeGeneration(r)
		if err != nil {
			t.Fatalf("decode again: %v", err)
		}
		third, err := encodeHead(&again)
		if err != nil || !reflect.DeepEqual(third, r.Data) {
			t.Fatalf("encodes to %s, then to %s", r.Data, third)
		}
	})
}
