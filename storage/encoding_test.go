package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Released encodings never change: this file is only ever added to.
const golden = "testdata/format-1.golden"

func samples() []struct {
	name string
	key  Key
	w    Write
} {
	k := Key{Partition: "books/111122223333", Sort: "2026-05/head"}
	v1 := Put{Key: k, Kind: "ledger.head", Schema: 3, Data: []byte(`{"generation":1}`), Entry: []byte("first")}
	w1 := sealPut(&v1)
	v2 := Put{Key: k, Prev: w1.Next, Kind: "ledger.head", Schema: 3, Data: []byte(`{"generation":2}`), Entry: []byte("restated")}
	w2 := sealPut(&v2)
	chunk := sealPut(&Put{Key: Key{Partition: "é", Sort: "part/00000000"}, Kind: "chunk", Data: []byte{0, 1, 0xff}})
	empty := sealPut(&Put{Key: Key{Partition: "p", Sort: "s"}, Kind: "k", Schema: 65535})
	return []struct {
		name string
		key  Key
		w    Write
	}{{"audited v1", k, w1}, {"audited v2", k, w2}, {"chunk", chunk.Key, chunk}, {"empty", empty.Key, empty}}
}

func TestEncodingsAreThoseReleased(t *testing.T) {
	var b strings.Builder
	for _, s := range samples() {
		fmt.Fprintf(&b, "%s head %x\n%s record %x\n", s.name, s.w.Next.Head, s.name, s.w.Record)
		if s.w.Entry != nil {
			fmt.Fprintf(&b, "%s entry %x\n", s.name, s.w.Entry)
		}
	}
	r := Receipt{Keys: []Key{{"p", "s"}, {"é", "t"}}, Stamps: []Stamp{{Version: 1, Head: [32]byte{1}}, {Version: 300, Head: [32]byte{2}}}}
	fmt.Fprintf(&b, "receipt %x\n", encodeReceipt([32]byte{0xAB}, &r))
	fmt.Fprintf(&b, "receipt key %s\n", receiptKey("load/2026-05/1"))
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("encodings differ from the released ones (-want +got):\n%s", diff)
	}
}

func TestSealedBodiesOpen(t *testing.T) {
	for _, s := range samples() {
		it := Item{Key: s.key, Stamp: s.w.Next, Body: s.w.Record}
		e, err := openItem(&it)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		if e.audited != (s.w.Entry != nil) {
			t.Errorf("%s: got audited %t, want %t", s.name, e.audited, !e.audited)
		}
	}
}

// Every byte of key, stamp and body counts.
func TestAnyChangedByteIsNoticed(t *testing.T) {
	s := samples()[1]
	for _, it := range []Item{
		{Key: s.key, Stamp: s.w.Next, Body: s.w.Record},
		{Key: s.key, Stamp: s.w.Next, Body: s.w.Entry, Entry: true},
	} {
		for i := range it.Body {
			for bit := range 8 {
				bad := it
				bad.Body = bytes.Clone(it.Body)
				bad.Body[i] ^= 1 << bit
				_, err := openItem(&bad)
				if !errors.Is(err, ErrCorrupt) && !(i == 2 && errors.Is(err, ErrNewer)) {
					t.Fatalf("byte %d, bit %d flipped: got error %v, want corrupt", i, bit, err)
				}
			}
		}
		for n := range it.Body {
			bad := it
			bad.Body = it.Body[:n]
			if _, err := openItem(&bad); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("cut to %d bytes: got error %v, want corrupt", n, err)
			}
		}
		for name, bad := range map[string]Item{
			"other sort":      {Key: Key{s.key.Partition, "x"}, Stamp: it.Stamp, Body: it.Body, Entry: it.Entry},
			"other partition": {Key: Key{"x", s.key.Sort}, Stamp: it.Stamp, Body: it.Body, Entry: it.Entry},
			"other version":   {Key: s.key, Stamp: Stamp{it.Stamp.Version + 1, it.Stamp.Head}, Body: it.Body, Entry: it.Entry},
			"other head":      {Key: s.key, Stamp: Stamp{it.Stamp.Version, [32]byte{}}, Body: it.Body, Entry: it.Entry},
			"other role":      {Key: s.key, Stamp: it.Stamp, Body: it.Body, Entry: !it.Entry},
		} {
			var c *CorruptError
			if _, err := openItem(&bad); !errors.As(err, &c) || c.Key != bad.Key || c.Remedy == "" {
				t.Errorf("%s: got error %v, want one naming key and remedy", name, err)
			}
		}
	}
}

// A body of a later format is refused as such, not as damage.
func TestNewerFormatIsNamed(t *testing.T) {
	s := samples()[0]
	body := bytes.Clone(s.w.Record)
	body[2] = envelopeFormat + 1
	_, err := openItem(&Item{Key: s.key, Stamp: s.w.Next, Body: body})
	if !errors.Is(err, ErrNewer) || errors.Is(err, ErrCorrupt) {
		t.Errorf("got error %v, want ErrNewer alone", err)
	}
}

// Two histories that differ anywhere have different heads, also where moving a
// byte from one part to the next gives the same bytes in a row.
func TestHeadsCoverEverything(t *testing.T) {
	base := Put{Key: Key{"p", "s"}, Prev: Stamp{Version: 4, Head: [32]byte{4}}, Kind: "k", Schema: 1, Data: []byte("data"), Entry: []byte("entry")}
	edit := func(f func(p *Put)) Put {
		p := base
		f(&p)
		return p
	}
	puts := map[string]Put{
		"base":            base,
		"partition":       edit(func(p *Put) { p.Key.Partition = "q" }),
		"sort":            edit(func(p *Put) { p.Key.Sort = "t" }),
		"key shifted":     edit(func(p *Put) { p.Key = Key{"ps", ""} }),
		"previous head":   edit(func(p *Put) { p.Prev.Head[31] = 1 }),
		"version":         edit(func(p *Put) { p.Prev.Version++ }),
		"kind":            edit(func(p *Put) { p.Kind = "l" }),
		"schema":          edit(func(p *Put) { p.Schema = 2 }),
		"data":            edit(func(p *Put) { p.Data = []byte("dat") }),
		"data and entry":  edit(func(p *Put) { p.Data, p.Entry = []byte("datae"), []byte("ntry") }),
		"entry":           edit(func(p *Put) { p.Entry = []byte("entri") }),
		"no entry":        edit(func(p *Put) { p.Entry = nil }),
		"empty entry":     edit(func(p *Put) { p.Entry = []byte{} }),
		"kind and schema": edit(func(p *Put) { p.Kind, p.Schema = "k\x00", 1 }),
	}
	seen := map[[32]byte]string{}
	for name, p := range puts {
		h := sealPut(&p).Next.Head
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have one head", name, other)
		}
		seen[h] = name
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.w.Record, s.key.Partition, s.key.Sort)
		f.Add(s.w.Entry, s.key.Partition, s.key.Sort)
		f.Add(s.w.Record[:len(s.w.Record)-1], s.key.Partition, s.key.Sort)
	}
	f.Fuzz(func(t *testing.T, body []byte, partition, sort string) {
		k := Key{partition, sort}
		if e, err := unseal(body, k); err == nil && !bytes.Equal(e.seal(k), body) {
			t.Errorf("%x opens and seals to other bytes", body)
		}
		// With a good checksum the fields themselves are reached.
		if len(body) >= envelopeTrailer && k.check() == nil {
			fixed := binary.BigEndian.AppendUint32(nil, checksum(body, k))
			fixed = append(bytes.Clone(body), fixed...)
			if e, err := unseal(fixed, k); err == nil && !bytes.Equal(e.seal(k), fixed) {
				t.Errorf("%x opens and seals to other bytes", fixed)
			}
		}
	})
}

func FuzzReceipt(f *testing.F) {
	r := Receipt{Keys: []Key{{"p", "s"}, {"é", "t"}}, Stamps: []Stamp{{Version: 1}, {Version: 2, Head: [32]byte{2}}}}
	f.Add(encodeReceipt([32]byte{1}, &r))
	f.Add(encodeReceipt([32]byte{1}, new(Receipt)))
	f.Add([]byte{})
	many, _ := hex.DecodeString(strings.Repeat("00", 32) + "ffff")
	f.Add(many)
	f.Fuzz(func(t *testing.T, b []byte) {
		digest, r, err := decodeReceipt(b)
		if err == nil && !bytes.Equal(encodeReceipt(digest, &r), b) {
			t.Errorf("%x decodes and encodes to other bytes", b)
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "a", "a/b", "$receipt/00", "é", "\x00", "\x7f", "\u0085", "\xff", "\U0010FFFF", strings.Repeat("x", 1025)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, partition, sort string) {
		k := Key{partition, sort}
		err := k.check()
		bad := func(s string, limit int) bool {
			return s == "" || len(s) > limit || !utf8.ValidString(s) ||
				strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.MaxRune })
		}
		want := bad(partition, MaxPartition) || partition[0] == '$' || bad(sort, MaxSort)
		if (err != nil) != want || err != nil && !errors.Is(err, ErrInvalidKey) {
			t.Fatalf("key %s: got error %v, want one: %t", k, err, want)
		}
		if err != nil {
			return
		}
		// A prefix span of any beginning of the key is good and holds the key.
		for i := range sort { // at the beginnings of characters
			s := Prefix(partition, sort[:i])
			if err := s.check(); err != nil || sort < s.From || sort >= s.To {
				t.Fatalf("span of prefix %q does not hold %q (%v)", sort[:i], sort, err)
			}
		}
	})
}
