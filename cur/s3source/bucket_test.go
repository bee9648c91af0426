package s3source_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/spendclaim/spendclaim/cur/s3source"
)

const bucketName = "synthetic-bucket"

// bucket is as much of S3 as a source asks of it.
type bucket struct {
	t       testing.TB
	url     string
	page    int  // keys on a page of a listing
	ignores bool // If-Match, as some servers do

	mu       sync.Mutex
	objects  map[string][]byte
	versions map[string][]byte // by key and version id
	requests []*http.Request
}

func newBucket(t testing.TB) *bucket {
	b := &bucket{t: t, page: 1000, objects: map[string][]byte{}, versions: map[string][]byte{}}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

func (b *bucket) put(key string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = content
}

// upload puts all files below a folder, by their paths in it.
func (b *bucket) upload(dir string) {
	b.t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, name)
		b.put(filepath.ToSlash(key), content)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func etagOf(content []byte) string {
	sum := md5.Sum(content)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// client returns a client of the bucket whose requests go through transport.
func (b *bucket) client(transport http.RoundTripper) *s3.Client {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return s3.New(s3.Options{BaseEndpoint: &b.url, UsePathStyle: true, Region: "us-east-1",
		Credentials: aws.AnonymousCredentials{}, HTTPClient: &http.Client{Transport: transport}})
}

// source returns a source that does not pause for long.
func (b *bucket) source(transport http.RoundTripper, o s3source.Options) *s3source.Source {
	if o.Backoff == 0 {
		o.Backoff, o.MaxBackoff = time.Millisecond, 4*time.Millisecond
	}
	return s3source.New(b.client(transport), bucketName, &o)
}

var modified = time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, r)
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case name != bucketName:
		refuse(w, r, http.StatusNotFound, "NoSuchBucket")
		return
	case r.URL.Query().Has("list-type"):
		b.list(w, r)
		return
	case strings.HasPrefix(key, "forbidden/"):
		refuse(w, r, http.StatusForbidden, "AccessDenied")
		return
	}
	content, ok := b.objects[key]
	if v := r.URL.Query().Get("versionId"); v != "" {
		content, ok = b.versions[key+"@"+v]
	}
	if !ok {
		refuse(w, r, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etagOf(content))
	w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
	if m := r.Header.Get("If-Match"); m != "" && m != etagOf(content) && !b.ignores {
		refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	if from, to, ok := parseRange(r.Header.Get("Range")); ok {
		if from >= int64(len(content)) {
			refuse(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		to = min(to, int64(len(content))-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(content)))
		w.Header().Set("Content-Length", strconv.FormatInt(to+1-from, 10))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(content[from : to+1])
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		w.Write(content)
	}
}

func parseRange(s string) (from, to int64, ok bool) {
	_, err := fmt.Sscanf(s, "bytes=%d-%d", &from, &to)
	return from, to, err == nil
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
}

func (b *bucket) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit := b.page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		limit = min(limit, n)
	}
	type entry struct {
		Key          string
		LastModified string
		ETag         string
		Size         int
	}
	out := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []entry
	}{}
	for _, k := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(k, q.Get("prefix")) || k <= q.Get("continuation-token") {
			continue
		}
		if len(out.Contents) == limit {
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[limit-1].Key
			break
		}
		// Listings have fractions of a second.
		out.Contents = append(out.Contents, entry{k, modified.Format("2006-01-02T15:04:05") + ".123Z", etagOf(b.objects[k]), len(b.objects[k])})
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(out)
}

// faulty is a transport that spoils answers. spoil is handed each request, the number
// of GETs before it, and the answer, which is nil before it was asked for; it returns
// what to answer instead, or nil.
type faulty struct {
	mu    sync.Mutex
	gets  int
	spoil func(r *http.Request, n int, a *http.Response) (*http.Response, error)
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	n := -1
	if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
		f.mu.Lock()
		n = f.gets
		f.gets++
		f.mu.Unlock()
	}
	if a, err := f.spoil(r, n, nil); a != nil || err != nil {
		return a, err
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return a, err
	}
	b, err := f.spoil(r, n, a)
	if b == nil && err == nil {
		b = a
	}
	return b, err
}

// answer is one that no server gave.
func answer(r *http.Request, status int, code string) *http.Response {
	text := fmt.Sprintf("<Error><Code>%s</Code><Message>asked too often</Message></Error>", code)
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(text))}
}

// cutShort makes the body break off after n bytes, with err.
func cutShort(a *http.Response, n int64, err error) *http.Response {
	b := *a
	b.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(a.Body, n), failing{err}), a.Body}
	return &b
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// same reports whether content is what the bucket has under key.
func (b *bucket) same(key string, content []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Equal(b.objects[key], content)
}
