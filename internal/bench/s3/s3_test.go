package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/cur/s3source"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// TestSource reads deliveries from a real server as they are read from folders.
func TestSource(t *testing.T) {
	server, err := Start(t.Context(), t.TempDir())
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		name string
		test func(*testing.T, *Server)
	}{
		{"deliveries", testDeliveries}, {"pages of listings", testPages}, {"replaced object", testReplaced},
		{"versions", testVersions}, {"refusals", testRefusals}, {"parts of an upload", testMultipart},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, server) })
	}
}

// bucket makes a bucket named after the test.
func bucket(t *testing.T, s *Server) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-", ".", "-", ",", "").Replace(t.Name()))
	if len(name) > 60 {
		name = name[:60]
	}
	if _, err := s.Client(secret).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return name
}

func put(t *testing.T, s *Server, bucket, key string, content []byte) *s3.PutObjectOutput {
	t.Helper()
	out, err := s.Client(secret).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func upload(t *testing.T, s *Server, bucket, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err == nil {
			put(t, s, bucket, key(t, dir, name), content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T, dir, name string) string {
	t.Helper()
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

func write(t *testing.T, d curtest.Delivery, c curtest.Config) (dir string, w *curtest.Written) {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if w, err = d.Write(dir, table); err != nil {
		t.Fatal(err)
	}
	return dir, w
}

func roll(ctx context.Context, src cur.Source, name ...string) (cur.Rolled, error) {
	sets, err := cur.Locate(ctx, src, name...)
	if err != nil {
		return cur.Rolled{}, err
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), Workers: 4, AsOf: time.Unix(1780000000, 0)}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		return cur.Rolled{}, err
	}
	if len(sets) != 1 || len(rolled) != 1 {
		return cur.Rolled{}, fmt.Errorf("%d sets, %d deliveries", len(sets), len(rolled))
	}
	return rolled[0], nil
}

func testDeliveries(t *testing.T, s *Server) {
	for _, tt := range []struct {
		name     string
		spelling curtest.Spelling
		d        curtest.Delivery
	}{
		{"gzip", curtest.CUR2, curtest.Delivery{}},
		{"parquet", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, RowGroup: 700}},
		{"parquet rebased", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, Rebased: true}},
		{"parquet kept", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, CreateNew: true, AsOf: time.Unix(1780000000, 0)}},
		{"legacy zip", curtest.LegacyCSV, curtest.Delivery{Format: curtest.CSVZip}},
		{"legacy gzip kept", curtest.LegacyCSV, curtest.Delivery{CreateNew: true}},
		{"legacy parquet", curtest.LegacyParquet, curtest.Delivery{Format: curtest.Parquet}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.RowsPerFile = 2000
			dir, w := write(t, tt.d, curtest.Config{Rows: 6000, AIShare: 30, Sheet: curtest.Sheet{Spelling: tt.spelling}})
			b := bucket(t, s)
			upload(t, s, b, dir)
			want, err := roll(t.Context(), cur.Local(), w.Manifest)
			if err != nil {
				t.Fatal(err)
			}
			names := []string{key(t, dir, w.Manifest)}
			if !tt.d.CreateNew {
				names = append(names, strings.Split(names[0], "/")[0]) // the prefix of all
			}
			if tt.d.Rebased {
				names[1] = ""
			}
			for _, name := range names {
				src := s3source.New(s.Client(secret), b, nil)
				got, err := roll(t.Context(), src, name)
				if err != nil {
					t.Fatalf("%q: %v", name, err)
				}
				if got.Partial.Digest() != want.Partial.Digest() || got.Delivery != want.Delivery {
					t.Errorf("%q: %+v differs from the local %+v", name, got.Delivery, want.Delivery)
				}
				var size int64
				for _, o := range got.Partial.Objects() {
					size += o.Size
					if o.ETag == "" || o.Size == 0 {
						t.Errorf("%q: provenance %+v", name, o)
					}
				}
				t.Logf("%q: %+v of %d bytes", name, src.Stats(), size)
			}
		})
	}
}

func testPages(t *testing.T, s *Server) {
	b := bucket(t, s)
	const n = 1100 // more than a page
	for i := range n {
		put(t, s, b, fmt.Sprintf("reports/data/%04d.csv", i), []byte("x"))
	}
	src := s3source.New(s.Client(secret), b, nil)
	infos, err := src.List(t.Context(), "reports")
	if err != nil || len(infos) != n || infos[n-1].Name != "reports/data/1099.csv" {
		t.Fatalf("%d objects, %v; want %d", len(infos), err, n)
	}
	if st := src.Stats(); st.Lists < 2 {
		t.Errorf("%d pages", st.Lists)
	}
	if i, err := src.Stat(t.Context(), "reports/data/0000.csv"); err != nil || !i.Same(infos[0]) {
		t.Errorf("listed %+v, is %+v, %v", infos[0], i, err)
	}
}

// replacing is a client that replaces the object before the nth ranged request.
type replacing struct {
	s3source.Client
	at      int64
	n       atomic.Int64
	replace func()
}

func (r *replacing) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if r.n.Add(1) == r.at {
		r.replace()
	}
	return r.Client.GetObject(ctx, in, o...)
}

func testReplaced(t *testing.T, s *Server) {
	dir, w := write(t, curtest.Delivery{Format: curtest.Parquet, RowGroup: 1000}, curtest.Config{Rows: 6000, AIShare: 30})
	b := bucket(t, s)
	upload(t, s, b, dir)
	data := key(t, dir, w.Files[0])
	content, err := os.ReadFile(w.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(content)
	other[len(other)/2] ^= 1
	client := &replacing{Client: s.Client(secret), at: 5, replace: func() { put(t, s, b, data, other) }}
	_, err = roll(t.Context(), s3source.New(client, b, nil), key(t, dir, w.Manifest))
	var e *s3source.Error
	if !errors.Is(err, cur.ErrChanged) || !errors.As(err, &e) || e.Key != data || e.Want == "" || e.Got == "" || e.Want == e.Got {
		t.Fatalf("error = %v, want one naming %s and both ETags", err, data)
	}
	t.Log(err)
}

func testVersions(t *testing.T, s *Server) {
	b := bucket(t, s)
	if _, err := s.Client(secret).PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &b,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	older := put(t, s, b, "x.csv", []byte("the older\n"))
	put(t, s, b, "x.csv", []byte("the newer one\n"))
	for version, want := range map[string]string{"": "the newer one\n", aws.ToString(older.VersionId): "the older\n"} {
		f, err := s3source.New(s.Client(secret), b, &s3source.Options{Versions: map[string]string{"x.csv": version}}).Open(t.Context(), "x.csv")
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, f.Info().Size)
		if _, err := f.ReadAt(got, 0); err != nil || string(got) != want {
			t.Errorf("version %q: read %q, %v; want %q", version, got, err, want)
		}
		f.Close()
	}
}

func testRefusals(t *testing.T, s *Server) {
	b := bucket(t, s)
	put(t, s, b, "x.csv", []byte("x"))
	for _, tt := range []struct {
		name   string
		client *s3.Client
		bucket string
		key    string
		want   error
	}{
		{"missing key", s.Client(secret), b, "missing.csv", fs.ErrNotExist},
		{"missing bucket", s.Client(secret), "no-such-bucket", "x.csv", fs.ErrNotExist},
		{"wrong secret", s.Client("another secret"), b, "x.csv", fs.ErrPermission},
	} {
		_, err := s3source.New(tt.client, tt.bucket, nil).Open(t.Context(), tt.key)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "s3://"+tt.bucket+"/"+tt.key) {
			t.Errorf("%s: error = %v", tt.name, err)
		}
	}
}

// An object that was uploaded in parts has an ETag that is no digest.
func testMultipart(t *testing.T, s *Server) {
	dir, w := write(t, curtest.Delivery{Format: curtest.CSV}, curtest.Config{Rows: 7000, AIShare: 30})
	b := bucket(t, s)
	content, err := os.ReadFile(w.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	c, name := s.Client(secret), key(t, dir, w.Files[0])
	begun, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &b, Key: &name})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, rest := int32(1), content; len(rest) > 0; i++ {
		n := min(len(rest), 5<<20)
		p, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &b, Key: &name, UploadId: begun.UploadId, PartNumber: &i, Body: bytes.NewReader(rest[:n])})
		if err != nil {
			t.Fatal(err)
		}
		parts, rest = append(parts, types.CompletedPart{ETag: p.ETag, PartNumber: &i}), rest[n:]
	}
	if _, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &name, UploadId: begun.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}); err != nil {
		t.Fatal(err)
	}
	got, err := roll(t.Context(), s3source.New(c, b, nil), name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := roll(t.Context(), cur.Local(), w.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	if got.Partial.Digest() != want.Partial.Digest() || got.Delivery.Execution != want.Delivery.Execution || len(parts) < 2 || !strings.Contains(got.Files[0].ETag, "-") {
		t.Errorf("%+v of %d parts differs from the local %+v", got.Files, len(parts), want.Files)
	}
}
