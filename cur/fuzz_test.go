package cur

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// FuzzParquet opens whatever bytes there are as a report and reads it through cur. A
// small file of each kind is the start; the corpus keeps what a mutation found.
func FuzzParquet(f *testing.F) {
	pairs := []colscan.Pair{{Key: "product_name", Value: "N"}, {Key: "region", Value: "r"}}
	for _, o := range []*colscan.WriterOptions{{Codec: colscan.Uncompressed}, {PageVersion: 1, RowGroupRows: 2}, {Required: true}} {
		f.Add(parquetFile(f, o, append(minimal(1.5, 2.0, 0.0),
			pcol{"identity_time_interval", colscan.String, []any{"2026-05-04T00:00:00Z/2026-05-05T00:00:00Z", "", ""}},
			pcol{"product", colscan.Map, []any{pairs, []colscan.Pair{}, pairs[:1]}},
			pcol{"tags", colscan.String, []any{`{"iamPrincipal/team":"a"}`, "", "{}"}})...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 || string(b[:4]) != "PAR1" {
			return
		}
		readFuzzed(t, b)
	})
}

// readFuzzed reads a report to its end: errors have coordinates, and the control totals
// count the rows that were read.
func readFuzzed(t *testing.T, b []byte) {
	r, err := open(t, b)
	if err != nil {
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("opening fails with %v, no ErrFormat", err)
		}
		return
	}
	defer r.Close()
	var n int64
	failed := false
	for li, err := range r.All() {
		if err != nil {
			// A look-up of the row before may have failed.
			var re *RowError
			if !errors.As(err, &re) || re.Row != n+1 && re.Row != n || re.Source != "in" {
				t.Fatalf("after %d rows: %v", n, err)
			}
			failed = true
			break
		}
		n++
		li.Column("resourceTags/user:x")
		if !KeyOf(li, Hour).Bucket.valid() {
			t.Fatalf("row %d is in bucket %+v", n, KeyOf(li, Hour).Bucket)
		}
	}
	var counted int64
	for _, c := range r.Control() {
		counted += c.Rows
	}
	if counted != n {
		t.Fatalf("%d rows read, control totals count %d", n, counted)
	}
	if failed {
		return
	}
	// What can be read can be rolled up, and its body can be kept.
	rolled, err := rollAll(fstest.MapFS{"f00.csv": {Data: b}}, Rollup{Bucket: Hour, Keys: []Column{"resourceTags/user:x"}, MaxGroups: 1000})
	if err != nil {
		if errors.Is(err, ErrCardinality) {
			return
		}
		t.Fatalf("rows can be read and not rolled up: %v", err)
	}
	var kept int64
	for _, d := range rolled {
		back, err := DecodePartial(d.Partial.AppendBody(nil))
		if err != nil || back.Digest() != d.Partial.Digest() {
			t.Fatalf("the body cannot be kept: %v", err)
		}
		for _, g := range back.Groups() {
			kept += g.Rows
		}
	}
	if kept != n {
		t.Fatalf("%d rows read, %d in groups", n, kept)
	}
}

// FuzzTimes: what parses is a time that a bucket can hold, and both forms of the text
// agree; so do an interval and its halves.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000Z", "2022-07-01 00:00:00.000", "2022-07-01 00:00:00 UTC", "2022-07-01",
		"2026-04-01T00:00:00Z/2026-04-02T00:00:00Z", "2026-04-02T00:00:00Z/2026-04-01T00:00:00Z", "1969-12-31", "2026-02-30", "9999-12-31T23:59:59.999999999Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseTime(s)
		again, err2 := parseTime([]byte(s))
		if !at.Equal(again) || (err == nil) != (err2 == nil) {
			t.Fatalf("as text %v, %v; as bytes %v, %v", at, err, again, err2)
		}
		if err == nil {
			if at.Unix() < 0 || at.Unix() >= maxBucket || at.Location() != time.UTC {
				t.Fatalf("time %v", at)
			}
			if !strings.HasPrefix(s, at.Format(time.DateOnly)) {
				t.Fatalf("%q is read as %v", s, at)
			}
			if len(s) > 10 && s[11:19] != at.Format(time.TimeOnly) {
				t.Fatalf("%q is read as %v", s, at)
			}
		}
		if v, err := parseInterval(s); err == nil {
			a, b, _ := strings.Cut(s, "/")
			from, err := parseTime(a)
			to, err2 := parseTime(b)
			if err != nil || err2 != nil || !v.start.Equal(from) || !v.end.Equal(to) || to.Before(from) {
				t.Fatalf("%q is read as %v", s, v)
			}
		}
	})
}

// FuzzMap: what parses holds texts that a second parse, from memory, finds again.
func FuzzMap(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b"}`, `{"a":1.5e-7,"b":true,"c":null}`, `{"a":"b","a":"c"}`, `{"a":{}}`, `[1]`, `{"a":"\u00e9\"\\"}`, ` {"a" : "b"} `, `{"a":"b"} x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMap(b)
		var c mapCells
		for range 2 {
			again, err2 := c.parse(b)
			if len(b) == 0 || string(b) == "{}" {
				continue
			}
			if (err == nil) != (err2 == nil) || len(m) != len(again) {
				t.Fatalf("%v, %v; from memory %v, %v", m, err, again, err2)
			}
			for k, v := range m {
				if again[k] != v {
					t.Fatalf("key %q: %q, from memory %q", k, v, again[k])
				}
			}
		}
	})
}

// FuzzNames: the spelling of AWS's map is one that normalising leaves alone, and
// folding a name twice is folding it once.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"user:CostCenter", "aws:createdBy", "user:team-name 2", "lineItem/UnblendedCost", "ARN", "É", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := normalizeTag(s); normalizeTag(n) != n {
			t.Fatalf("%q becomes %q, and that %q", s, n, normalizeTag(n))
		}
		if n := fold(s); fold(n) != n {
			t.Fatalf("%q folds to %q, and that to %q", s, n, fold(n))
		}
	})
}
