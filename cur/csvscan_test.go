package cur

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// scanAll returns copies of all records.
func scanAll(in io.Reader) (records [][]string, err error) {
	s := newCSVScanner(in)
	for {
		if err := s.next(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return records, err
		}
		var record []string
		for i := range s.cells {
			record = append(record, string(s.cell(i)))
		}
		records = append(records, record)
	}
}

// scanParts is scanAll over the first cells of each record, then the others.
func scanParts(in io.Reader, limit int) (records [][]string, err error) {
	s := newCSVScanner(in)
	for {
		if err := s.begin(limit); err != nil {
			if err == io.EOF {
				err = nil
			}
			return records, err
		}
		for i := range s.cells {
			_ = s.cell(i)
		}
		if err := s.resume(); err != nil {
			return records, err
		}
		var record []string // those found first must still be there
		for i := range s.cells {
			record = append(record, string(s.cell(i)))
		}
		records = append(records, record)
	}
}

// sameAsStandard compares the scanner with encoding/csv, which replaces line breaks
// inside quotes and is otherwise of one mind with it.
func sameAsStandard(tb rapid.TB, text []byte) {
	tb.Helper()
	std := csv.NewReader(bytes.NewReader(text))
	std.FieldsPerRecord = -1
	var want [][]string
	var wantErr error
	for {
		record, err := std.Read()
		if err != nil {
			if err != io.EOF {
				wantErr = err
			}
			break
		}
		want = append(want, record)
	}
	for limit := range 4 {
		for name, in := range map[string]io.Reader{"whole": bytes.NewReader(text), "byte by byte": iotest.OneByteReader(bytes.NewReader(text))} {
			got, err := scanParts(in, limit+1)
			for _, record := range got {
				for i := range record {
					record[i] = strings.ReplaceAll(record[i], "\r\n", "\n")
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				tb.Fatalf("%s, %d cells first: records of %q differ (-encoding/csv +scanner):\n%s", name, limit+1, text, d)
			}
			if (err == nil) != (wantErr == nil) || err != nil && !strings.HasSuffix(wantErr.Error(), err.Error()) {
				tb.Fatalf("%s, %d cells first: %q: %v, want %v", name, limit+1, text, err, wantErr)
			}
		}
	}
	for name, in := range map[string]io.Reader{
		"whole": bytes.NewReader(text), "byte by byte": iotest.OneByteReader(bytes.NewReader(text)),
		"with the end": iotest.DataErrReader(bytes.NewReader(text)),
	} {
		got, err := scanAll(in)
		for _, record := range got {
			for i := range record {
				record[i] = strings.ReplaceAll(record[i], "\r\n", "\n")
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			tb.Fatalf("%s: records of %q differ (-encoding/csv +scanner):\n%s", name, text, d)
		}
		if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(wantErr, csv.ErrQuote) && !errors.Is(wantErr, csv.ErrBareQuote) {
			tb.Fatalf("%s: %q: %v, want %v", name, text, err, wantErr)
		}
		if err != nil && !strings.HasSuffix(wantErr.Error(), err.Error()) {
			tb.Fatalf("%s: %q: %v, want %v", name, text, err, wantErr)
		}
	}
}

func TestScannerAgreesWithEncodingCSV(t *testing.T) {
	for _, text := range []string{
		"", "\n", "\r\n", "\r", "a", "a\n", "a\r\n", "a\r", "a,b\n\n\nc\n", ",\n", ",,", `""`, `"",""` + "\n", `"a""b","c` + "\n" + `d"` + "\r\n",
		`"a` + "\r\n" + `b",c`, `a"b`, `"a"b`, `"a`, `"a""`, `"a"` + "\r", `"a"` + "\r" + `b`, "a\rb,c\r\n", "a,\r\n", "\"a\",\r\n", "\n\n\"\"\n",
	} {
		sameAsStandard(t, []byte(text))
	}
	// Records that begin alike, as those of a report do, for some time.
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			begin := rapid.SampledFrom([]string{"a,b,", `"a,""b""",,`, "a,bb,,", ",,,", `"",x,`}).Draw(t, "begin")
			for range rapid.IntRange(1, 6).Draw(t, "records") {
				text = append(text, begin...)
				text = append(text, rapid.SampledFrom([]string{"1", "2,3", `"4""5",6`, "", ",7,8,9", "1\r"}).Draw(t, "rest")...)
				text = append(text, '\n')
			}
		}
		sameAsStandard(t, text)
	})
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "bc", ",", "\n", "\r\n", `"`, `""`, "\r", "é", " "}), 0, 30).Draw(t, "parts")
		sameAsStandard(t, []byte(strings.Join(parts, "")))
	})
}

func TestScannerKeepsLineBreaksInQuotes(t *testing.T) {
	got, err := scanAll(strings.NewReader("\"a\r\nb\"\r\n"))
	if err != nil || len(got) != 1 || got[0][0] != "a\r\nb" {
		t.Errorf("got %q, %v, want the line break as written", got, err)
	}
}

// A record longer than the buffer grows it; one without end is refused before it
// swallows the file.
func TestLongRecords(t *testing.T) {
	for _, n := range []int{csvBuffer - 1, csvBuffer, csvBuffer + 1, 5*csvBuffer + 17} {
		text := "a," + strings.Repeat("x", n) + "\nb,y\n"
		got, err := scanAll(strings.NewReader(text))
		if err != nil || len(got) != 2 || len(got[0][1]) != n || got[1][1] != "y" {
			t.Fatalf("cell of %d bytes: %d records, %v", n, len(got), err)
		}
	}
	endless := io.MultiReader(strings.NewReader(header+aLine+`"open `), zeros{})
	d, err := newCSV(endless, maxRecord)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.next(); err != nil {
		t.Fatal(err)
	}
	if err := d.next(); !errors.Is(err, errRecord) {
		t.Errorf("endless record: %v, want %v", err, errRecord)
	}
	if n := cap(d.s.buf); n > 4*maxRecord {
		t.Errorf("an endless record takes %d bytes", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Rows before the place where a source fails are read; the failure is the
// source's, not the file's.
func TestFailingSource(t *testing.T) {
	broken := errors.New("connection reset")
	text := header + aLine + aLine + aLine[:40]
	d, err := newCSV(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), maxRecord)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := d.next(); err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
	}
	if err := d.next(); err != broken {
		t.Errorf("got %v, want %v", err, broken)
	}
	if _, err := newCSV(iotest.ErrReader(broken), maxRecord); err != broken {
		t.Errorf("header: %v, want %v", err, broken)
	}
	if _, err := newCSV(stuck{}, maxRecord); err != io.ErrNoProgress {
		t.Errorf("a source that gives nothing: %v, want %v", err, io.ErrNoProgress)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// Cells are asked for in any order and more than once; unescaping happens once.
func TestCellsAreStable(t *testing.T) {
	s := newCSVScanner(strings.NewReader(`"a""b",c,"""",""""""` + "\n"))
	if err := s.next(); err != nil {
		t.Fatal(err)
	}
	want := []string{`a"b`, "c", `"`, `""`}
	for _, i := range []int{2, 0, 0, 3, 1, 2, 3} {
		if got := string(s.cell(i)); got != want[i] {
			t.Errorf("cell %d = %q, want %q", i, got, want[i])
		}
	}
}

// What texts remembers is bounded, and what it returned stays what it was.
func TestTextsAreBounded(t *testing.T) {
	var c texts
	var kept []string
	buf := make([]byte, 0, 8192)
	for i := range 3 * maxTexts {
		buf = append(buf[:0], strings.Repeat("x", i%200)...)
		buf = append(buf, string(rune('0'+i%75))...)
		buf = append(buf, bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 2)...)
		s := c.of(buf)
		if s != string(buf) {
			t.Fatalf("text %d = %q, want %q", i, s, buf)
		}
		kept = append(kept, s+"|"+string(buf))
		if len(c.seen) > maxTexts || c.size > maxTextBytes {
			t.Fatalf("%d texts of %d bytes are remembered", len(c.seen), c.size)
		}
	}
	for _, k := range kept {
		if n := len(k) / 2; k[:n] != k[n+1:] {
			t.Fatalf("a text changed: %q", k)
		}
	}
	big := bytes.Repeat([]byte("y"), maxText+1)
	if c.of(big); slices.Contains([]string{c.last}, string(big)) || c.seen[string(big)] != "" {
		t.Error("a huge text is remembered")
	}
}

func TestMapCellsAreBounded(t *testing.T) {
	var c mapCells
	for i := range 3 * maxMapCells {
		cell := []byte(`{"k":"` + strings.Repeat("v", i%500) + string(rune('a'+i%26)) + `","n":` + strings.Repeat("1", 1+i%30) + `}`)
		m, err := c.parse(cell)
		if err != nil || m["k"] != strings.Repeat("v", i%500)+string(rune('a'+i%26)) {
			t.Fatalf("cell %d: %v, %v", i, m, err)
		}
		if len(c.seen) > maxMapCells || c.size > maxMapCellBytes {
			t.Fatalf("%d cells of %d bytes are remembered", len(c.seen), c.size)
		}
	}
	if _, err := c.parse([]byte(`{"k":"` + strings.Repeat("v", maxText) + `"}`)); err != nil || c.size > maxMapCellBytes {
		t.Error(err)
	}
}

func FuzzCSVScanner(f *testing.F) {
	f.Add([]byte("a,b\n\"c\"\"d\",\"e\nf\"\r\n"))
	f.Add([]byte("a\r\n\r\n\"b\"\r"))
	f.Fuzz(func(t *testing.T, b []byte) { sameAsStandard(t, b) })
}
