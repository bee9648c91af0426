package cur_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// container is a format that files are damaged in.
type container struct {
	name    string
	content []byte
	// checked formats have checksums over all content: no error means nothing lost.
	checked bool
	// ended formats say how long they are.
	ended bool
	// pieces are column chunks, whose pages can be swapped where they begin.
	pieces []cur.Range
}

// pieces lists the column chunks of a Parquet file.
func pieces(t *testing.T, content []byte) (out []cur.Range) {
	t.Helper()
	f, err := colscan.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for g := range f.NumRowGroups() {
		for c := range f.Columns() {
			for off, size := range f.Chunks(g, c) {
				out = append(out, cur.Range{Off: off, Size: size})
			}
		}
	}
	return out
}

func containers(t *testing.T) []container {
	t.Helper()
	month := curtest.Config{Rows: 250, AIShare: 60, EDP: 7}
	legacy := month
	legacy.Spelling = curtest.LegacyParquet
	text := asCSV(t, month)
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	if _, err := g.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	a := zip.NewWriter(&archive)
	w, err := a.Create("month.csv")
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	all := []container{
		{name: "CSV", content: text},
		{name: "CSV.gz", content: z.Bytes(), checked: true, ended: true},
		{name: "zip", content: archive.Bytes(), checked: true, ended: true},
		{name: "FOCUS CSV", content: focusCSV(t, "1.2", table(t, month))},
		{name: "CUR 2.0 Parquet", content: asParquet(t, month), ended: true},
		{name: "legacy Parquet", content: asParquet(t, legacy), ended: true},
		{name: "FOCUS Parquet", content: focusParquet(t, "1.2", table(t, month)), ended: true},
	}
	// AWS writes no page checksums. The files of the second writer have none either.
	for _, name := range []string{"v1-dictionary-millis", "v2-dictionary-then-plain-micros", "v2-delta-millis", "v1-required-int96-plain"} {
		content, err := os.ReadFile("testdata/arrow/" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, container{name: "Parquet without checksums, " + name, content: content, ended: true})
	}
	for i := range all {
		if strings.Contains(all[i].name, "Parquet") {
			all[i].pieces = pieces(t, all[i].content)
		}
	}
	return all
}

// damage spoils a copy of b: cut off, zeroed, flipped, or with two pieces swapped.
func damage(rng *rand.Rand, b []byte, pieces []cur.Range) (out []byte, what string) {
	out = bytes.Clone(b)
	swap := func(one, two, n int) ([]byte, string) {
		copy(out[one:], b[two:two+n])
		copy(out[two:], b[one:one+n])
		return out, fmt.Sprintf("%d bytes at %d and %d swapped", n, one, two)
	}
	kind := rng.IntN(4)
	if kind == 3 && len(pieces) > 1 && rng.IntN(2) == 0 {
		i := rng.IntN(len(pieces) - 1)
		a, z := pieces[i], pieces[i+1+rng.IntN(len(pieces)-1-i)]
		return swap(int(a.Off), int(z.Off), int(min(a.Size, z.Size)))
	}
	switch kind {
	case 0:
		n := rng.IntN(len(b))
		return out[:n], fmt.Sprintf("cut off at %d", n)
	case 1:
		at := rng.IntN(len(b))
		n := min(1+rng.IntN(1<<rng.IntN(13)), len(b)-at)
		clear(out[at : at+n])
		return out, fmt.Sprintf("%d zeros at %d", n, at)
	case 2:
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(b))
			if rng.IntN(4) == 0 { // where lengths and counts are
				at = len(b) - 1 - rng.IntN(min(len(b), 4096))
			}
			out[at] ^= byte(1 + rng.IntN(255))
			what += fmt.Sprintf("byte %d is %#x ", at, out[at])
		}
		return out, what
	default:
		n := 1 + rng.IntN(min(4096, len(b)/3))
		one := rng.IntN(len(b) - 2*n)
		two := one + n + rng.IntN(len(b)-one-2*n+1)
		return swap(one, two, n)
	}
}

// damagedFiles is how many files are damaged of each format.
func damagedFiles(t *testing.T) int {
	switch {
	case os.Getenv("SPENDCLAIM_LONG") == "1":
		return 5000
	case testing.Short():
		return 40
	}
	return 200
}

// place is what an error names beside the file.
var place = regexp.MustCompile(`row \d|row group \d|column "|header|footer|gzip|zip|marks|columns is one of a cost report|no column for|bytes are no file|ends too early|line \d|page`)

// allocatedBy measures what f allocates.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Damage ends in an error that names file and place, or is nowhere to be seen: in no
// panic, in no allocation that the file does not justify, and, where there are
// checksums, in no other result.
func TestCorruptedFiles(t *testing.T) {
	roll := func(content []byte) (rolled []cur.Rolled, err error) {
		sets, err := cur.Locate(context.Background(), cur.FS(fstest.MapFS{"damaged.file": {Data: content}}), "damaged.file")
		if err != nil {
			return nil, err
		}
		return (&cur.Rollup{Where: aiWhere, Keys: tagKeys}).Run(context.Background(), sets[0])
	}
	for _, c := range containers(t) {
		t.Run(c.name, func(t *testing.T) {
			var clean []cur.Rolled
			var err error
			usual := allocatedBy(func() { clean, err = roll(c.content) })
			if err != nil {
				t.Fatal(err)
			}
			// Columns first, then rows; and a page of four megabytes in each of the few
			// columns that damage hits, which a header alone can ask for.
			limit := 3*usual + 48<<20
			rng := rand.New(rand.NewPCG(3, 200))
			refused, unseen, other, most := 0, 0, 0, uint64(0)
			n := damagedFiles(t)
			if strings.Contains(c.name, "without checksums") {
				n /= 4 // there are four of them
			}
			for range n {
				b, what := damage(rng, c.content, c.pieces)
				var rolled []cur.Rolled
				used := allocatedBy(func() { rolled, err = roll(b) })
				if most = max(most, used); used > limit {
					t.Errorf("%s: %d bytes allocated for a file of %d; undamaged %d", what, used, len(b), usual)
				}
				if err != nil {
					refused++
					checkRefusal(t, what, err)
					continue
				}
				switch {
				case len(rolled) == 1 && rolled[0].Partial.Digest() == clean[0].Partial.Digest():
					unseen++
				case c.checked && len(b) > 0:
					t.Errorf("%s: read as something else", what)
				case c.ended && len(b) > 0 && len(b) < len(c.content):
					t.Errorf("%s: read as if whole", what)
				default:
					other++
				}
			}
			t.Logf("%d files: %d refused, %d read as undamaged, %d otherwise; at most %d KB allocated, %d KB undamaged",
				n, refused, unseen, other, most>>10, usual>>10)
			if refused < n/3 {
				t.Errorf("%d of %d files refused: the damage is too slight", refused, n)
			}
		})
	}
}

// A zip whose directory points outside of the file blames the file, not its source.
func TestZipThatPointsOutside(t *testing.T) {
	content := containers(t)[2].content
	refused := 0
	directory := bytes.LastIndex(content, []byte("PK\x01\x02"))
	end := bytes.LastIndex(content, []byte("PK\x05\x06"))
	for what, at := range map[string]int{"place of the entry": directory + 42, "size of the directory": end + 12, "place of the directory": end + 16} {
		for _, v := range []uint32{1, 40_000, 1 << 31, 1<<32 - 16} {
			b := bytes.Clone(content)
			binary.LittleEndian.PutUint32(b[at:], v)
			sets, err := cur.Locate(context.Background(), cur.FS(fstest.MapFS{"damaged.file": {Data: b}}), "damaged.file")
			if err != nil {
				t.Fatal(err)
			}
			// A size that is too small by far is no loss.
			if _, err := new(cur.Rollup).Run(context.Background(), sets[0]); err != nil {
				refused++
				checkRefusal(t, fmt.Sprint(what, " ", v), err)
			}
		}
	}
	if refused < 10 {
		t.Errorf("%d refused of 12", refused)
	}
}

func checkRefusal(t *testing.T, what string, err error) {
	t.Helper()
	var row *cur.RowError
	typed := errors.As(err, &row)
	for _, kind := range []error{cur.ErrFormat, cur.ErrMissingColumn, cur.ErrTruncated, cur.ErrMixed, cur.ErrDuplicate, cur.ErrManifest, cur.ErrCardinality} {
		typed = typed || errors.Is(err, kind)
	}
	if !typed {
		t.Errorf("%s: error of no kind: %v", what, err)
	}
	if !strings.Contains(err.Error(), "damaged.file") {
		t.Errorf("%s: error names no file: %v", what, err)
	}
	if !place.MatchString(err.Error()) {
		t.Errorf("%s: error names no place: %v", what, err)
	}
	if strings.Contains(err.Error(), "runtime error") || strings.Contains(err.Error(), "panic") {
		t.Errorf("%s: a panic inside: %v", what, err)
	}
}

// A manifest that is damaged is refused, or still names the files that it named.
func TestCorruptedManifests(t *testing.T) {
	for name, s := range map[string]curtest.Spelling{"CUR 2.0": curtest.CUR2, "legacy": curtest.LegacyCSV} {
		t.Run(name, func(t *testing.T) { testCorruptedManifests(t, s) })
	}
}

func testCorruptedManifests(t *testing.T, spelling curtest.Spelling) {
	d := curtest.Delivery{RowsPerFile: 100}
	w, err := d.Write(t.TempDir(), table(t, curtest.Config{Rows: 250, Sheet: curtest.Sheet{Spelling: spelling}}))
	if err != nil {
		t.Fatal(err)
	}
	want := roll(t, cur.Rollup{}, w.Manifest)[0].Partial.Digest()
	content, err := os.ReadFile(w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 201))
	refused, same := 0, 0
	n := damagedFiles(t)
	for range n {
		b, what := damage(rng, content, nil)
		if err := os.WriteFile(w.Manifest, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var rolled []cur.Rolled
		used := allocatedBy(func() {
			var sets []*cur.Set
			if sets, err = cur.Locate(context.Background(), cur.Local(), w.Manifest); err == nil {
				rolled, err = new(cur.Rollup).Run(context.Background(), sets[0])
			}
		})
		if used > 64<<20 {
			t.Errorf("%s: %d bytes allocated", what, used)
		}
		switch {
		case err != nil:
			refused++
			if !strings.Contains(err.Error(), "Manifest.json") || !errors.Is(err, cur.ErrManifest) && !errors.Is(err, cur.ErrDuplicate) {
				t.Errorf("%s: error = %v, want one of the manifest", what, err)
			}
		case rolled[0].Partial.Digest() == want:
			same++ // ids, columns and sizes are not what is summed
		default:
			t.Errorf("%s: another month than the manifest's", what)
		}
	}
	t.Logf("%d manifests: %d refused, %d followed", n, refused, same)
	if refused < n/3 {
		t.Errorf("%d of %d manifests refused: the damage is too slight", refused, n)
	}
}
