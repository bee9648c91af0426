package cur_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// A file that is not the one located ends the run; it is not read as if it were.
func TestReplacedSinceLocated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	content := asCSV(t, curtest.Config{Rows: 50})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"other size": func() error { return os.WriteFile(path, append(content, "\n"...), 0o600) },
		"other time": func() error { return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)) },
	} {
		sets, err := cur.Locate(t.Context(), cur.Local(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := new(cur.Rollup).Run(t.Context(), sets[0]); !errors.Is(err, cur.ErrChanged) || !strings.Contains(err.Error(), "x.csv") {
			t.Errorf("%s: error = %v, want one matching ErrChanged", name, err)
		}
	}
}

// failing is a source whose files cannot be read beyond a place. It counts reads.
type failing struct {
	cur.Source
	from int64
	err  error
	n    *int
}

type failingFile struct {
	cur.File
	s failing
}

func (s failing) Open(ctx context.Context, name string) (cur.File, error) {
	*s.n++
	f, err := s.Source.Open(ctx, name)
	return failingFile{f, s}, err
}

func (f failingFile) ReadAt(b []byte, off int64) (int, error) {
	if off >= f.s.from && off < f.Info().Size-60_000 {
		return 0, f.s.err
	}
	return f.File.ReadAt(b, off)
}

// What a source fails with is not the file's fault, and reading everything again row
// by row would only meet it again.
func TestErrorsOfTheSource(t *testing.T) {
	content := asParquet(t, curtest.Config{Rows: 5000})
	n := 0
	src := failing{cur.FS(fstest.MapFS{"x": {Data: content}}), 4, errSource{}, &n}
	sets, err := cur.Locate(t.Context(), src, "x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = new(cur.Rollup).Run(t.Context(), sets[0])
	if !errors.Is(err, cur.ErrSource) || errors.Is(err, cur.ErrFormat) {
		t.Errorf("error = %v, want the source's alone", err)
	}
	if n != 1 {
		t.Errorf("the file was opened %d times, want once", n)
	}
}

type errSource struct{}

func (errSource) Error() string        { return "no route to the bucket" }
func (errSource) Is(target error) bool { return target == cur.ErrSource }

// A remote file is told of what is read of it, and streamed where it is text.
func TestRemoteFiles(t *testing.T) {
	for name, content := range map[string][]byte{
		"Parquet": asParquet(t, curtest.Config{Rows: 3000, AIShare: 30}), "CSV": asCSV(t, curtest.Config{Rows: 3000, AIShare: 30}),
	} {
		want := rollBytes(t, cur.Rollup{Where: aiWhere}, content)
		src := &remote{Source: cur.FS(fstest.MapFS{"in": {Data: content}})}
		sets, err := cur.Locate(t.Context(), src, "in")
		if err != nil {
			t.Fatal(err)
		}
		rolled, err := (&cur.Rollup{Where: aiWhere}).Run(t.Context(), sets[0])
		if err != nil {
			t.Fatal(err)
		}
		if rolled[0].Partial.Digest() != want.Digest() {
			t.Errorf("%s: another body", name)
		}
		if name == "Parquet" && (src.expected < 10 || src.expected >= 135 || src.open != 0 || src.streams != 1) { // one: the digest
			t.Errorf("%s: %d ranges expected, %d not ended, %d streams", name, src.expected, src.open, src.streams)
		}
		if name == "CSV" && (src.expected != 0 || src.streams != 1) {
			t.Errorf("%s: %d ranges expected, %d streams", name, src.expected, src.streams)
		}
		if src.unclosed != 0 {
			t.Errorf("%s: %d streams not closed", name, src.unclosed)
		}
	}
}

type remote struct {
	cur.Source
	expected, open, streams, unclosed int
}

type remoteFile struct {
	cur.File
	s *remote
}

func (s *remote) Open(ctx context.Context, name string) (cur.File, error) {
	f, err := s.Source.Open(ctx, name)
	return remoteFile{f, s}, err
}

func (f remoteFile) Expect(ranges []cur.Range) (done func()) {
	f.s.expected += len(ranges)
	f.s.open++
	return func() { f.s.open-- }
}

func (f remoteFile) Stream(off int64) io.ReadCloser {
	f.s.streams++
	f.s.unclosed++
	return &remoteStream{io.NewSectionReader(f, off, f.Info().Size-off), f.s}
}

type remoteStream struct {
	io.Reader
	s *remote
}

func (r *remoteStream) Close() error { r.s.unclosed--; return nil }

// However little is read at once, ReadAt is that of the system's file.
func TestLocalFilesAreReadAsAsked(t *testing.T) {
	const mostRead = 32 << 10 // at once
	content := make([]byte, 3*mostRead+17)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := cur.Local().Open(t.Context(), filepath.ToSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	whole, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.Int64Range(0, int64(len(content))+9).Draw(t, "offset")
		got := make([]byte, rapid.SampledFrom([]int{0, 1, 17, mostRead - 1, mostRead, mostRead + 1, 2 * mostRead, len(content), len(content) + 5}).Draw(t, "size"))
		want := bytes.Clone(got)
		n, err := f.ReadAt(got, off)
		wantN, wantErr := whole.ReadAt(want, off)
		if n != wantN || (err == nil) != (wantErr == nil) || errors.Is(err, io.EOF) != errors.Is(wantErr, io.EOF) || !bytes.Equal(got, want) {
			t.Errorf("%d bytes at %d: %d, %v; want %d, %v", len(got), off, n, err, wantN, wantErr)
		}
	})
}
