package s3source

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spendclaim/spendclaim/cur"
)

// Client is what is used of an S3 client. *s3.Client implements it. It must be safe
// for concurrent use.
type Client interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Options are the options of [New]; nil means all defaults.
type Options struct {
	// RequesterPays says that the caller agrees to pay for requests to a bucket that
	// asks for that.
	RequesterPays bool
	// BucketOwner is the account that is expected to own the bucket; requests fail
	// when another does. Blank means any.
	BucketOwner string
	// CustomerKey is the 256-bit key of objects encrypted with SSE-C.
	CustomerKey []byte
	// Versions names the version to read of some keys. Others are read as they are.
	Versions map[string]string

	// Attempts is how often in a row a request is sent without getting anywhere; 5 by
	// default.
	Attempts int
	// Backoff is the pause before the second attempt, 100 ms by default. It doubles
	// with each further one up to MaxBackoff, 10 s by default. Pauses are shortened at
	// random, by up to half.
	Backoff, MaxBackoff time.Duration
	// Stall is how long an answer may bring nothing before it is given up; 30 s by
	// default.
	Stall time.Duration
	// Window bounds what is fetched ahead of need in one request; 1 MiB by default. A
	// row group holds up to as many windows as it has columns that are needed, 64 at
	// most.
	Window int

	_ struct{}
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Attempts = cmp.Or(max(d.Attempts, 0), 5)
	d.Backoff = cmp.Or(max(d.Backoff, 0), 100*time.Millisecond)
	d.MaxBackoff = cmp.Or(max(d.MaxBackoff, 0), 10*time.Second)
	d.Stall = cmp.Or(max(d.Stall, 0), 30*time.Second)
	d.Window = cmp.Or(max(d.Window, 0), 1<<20)
	return d
}

// Stats count what a Source asked for.
type Stats struct {
	Gets, Heads, Lists int64 // requests, those tried again counted each time
	Retries            int64
	Bytes              int64 // of objects, received
}

// Source reads objects of one bucket. It is safe for concurrent use and holds no
// connections of its own.
type Source struct {
	client Client
	bucket string
	o      Options
	key    customerKey

	gets, heads, lists, retries, bytes atomic.Int64
}

var _ cur.Source = (*Source)(nil)

// customerKey is the key of SSE-C as it is sent.
type customerKey struct{ algorithm, key, sum *string }

// New returns a Source of a bucket.
func New(client Client, bucket string, o *Options) *Source {
	s := &Source{client: client, bucket: bucket, o: o.withDefaults()}
	if k := s.o.CustomerKey; len(k) > 0 {
		sum := md5.Sum(k) // S3 checks the key's transmission with it
		s.key = customerKey{aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(k)),
			aws.String(base64.StdEncoding.EncodeToString(sum[:]))}
	}
	return s
}

// ParseURI returns the parts of s3://bucket/key. The key may be blank.
func ParseURI(uri string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	if bucket, key, _ = strings.Cut(rest, "/"); !ok || bucket == "" {
		return "", "", fmt.Errorf("s3source: parse %q: not of the form s3://bucket/key", uri)
	}
	return bucket, key, nil
}

// Stats returns what was asked for so far.
func (s *Source) Stats() Stats {
	return Stats{s.gets.Load(), s.heads.Load(), s.lists.Load(), s.retries.Load(), s.bytes.Load()}
}

// Open pins an object as it is now. Reads of the file end with ctx.
func (s *Source) Open(ctx context.Context, name string) (cur.File, error) {
	info, err := s.head(ctx, name)
	if err != nil {
		return nil, err
	}
	return newObject(ctx, s, info), nil
}

// Stat describes an object, or a prefix under which there are objects as a folder.
func (s *Source) Stat(ctx context.Context, name string) (cur.Info, error) {
	var err error = &Error{Op: "stat", Bucket: s.bucket, Key: name, Err: fs.ErrNotExist}
	if folder(name) != "" && !strings.HasSuffix(name, "/") {
		var info cur.Info
		if info, err = s.head(ctx, name); err == nil || !errors.Is(err, fs.ErrNotExist) || dataName(name) {
			return info, err
		}
	}
	found := false
	listing := s.list(ctx, name, 1, func(cur.Info) { found = true })
	if listing != nil {
		return cur.Info{}, listing
	}
	if !found {
		return cur.Info{}, err
	}
	return cur.Info{Name: name, Dir: true}, nil
}

// dataName reports whether a name is that of a file and never of a folder, which
// spares a listing for each place where a file is not.
func dataName(name string) bool {
	for _, s := range [...]string{".json", ".csv", ".gz", ".zip", ".parquet"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// folder returns the prefix that a folder's name stands for.
func folder(name string) string {
	if name == "" || name == "." || name == "/" {
		return ""
	}
	return strings.TrimSuffix(name, "/") + "/"
}

// List describes the objects under a prefix.
func (s *Source) List(ctx context.Context, dir string) ([]cur.Info, error) {
	var out []cur.Info
	err := s.list(ctx, dir, 0, func(i cur.Info) {
		// A key that ends in a slash is how consoles draw an empty folder.
		if !strings.HasSuffix(i.Name, "/") {
			out = append(out, i)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b cur.Info) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// list hands the objects under a folder to yield, one page of limit when that is
// set.
func (s *Source) list(ctx context.Context, dir string, limit int32, yield func(cur.Info)) error {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(folder(dir)),
		RequestPayer: s.payer(), ExpectedBucketOwner: s.owner()}
	if limit > 0 {
		in.MaxKeys = &limit
	}
	for {
		var page *s3.ListObjectsV2Output
		err := s.try(ctx, func(ctx context.Context) (err error) {
			s.lists.Add(1)
			page, err = s.client.ListObjectsV2(ctx, in, plain)
			return err
		})
		if err != nil {
			return s.fail("list", folder(dir), err)
		}
		for _, o := range page.Contents {
			yield(infoOf(aws.ToString(o.Key), aws.ToInt64(o.Size), o.LastModified, o.ETag))
		}
		next := page.NextContinuationToken
		if limit > 0 || !aws.ToBool(page.IsTruncated) {
			return nil
		}
		if aws.ToString(next) == "" || aws.ToString(next) == aws.ToString(in.ContinuationToken) {
			return s.fail("list", folder(dir), errors.New("the listing goes on without saying where"))
		}
		in.ContinuationToken = next
	}
}

// head describes an object.
func (s *Source) head(ctx context.Context, key string) (cur.Info, error) {
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, VersionId: s.version(key),
		RequestPayer: s.payer(), ExpectedBucketOwner: s.owner(),
		SSECustomerAlgorithm: s.key.algorithm, SSECustomerKey: s.key.key, SSECustomerKeyMD5: s.key.sum}
	var out *s3.HeadObjectOutput
	err := s.try(ctx, func(ctx context.Context) (err error) {
		s.heads.Add(1)
		out, err = s.client.HeadObject(ctx, in, plain)
		return err
	})
	switch {
	case err != nil:
		return cur.Info{}, s.fail("stat", key, err)
	case out.ContentLength == nil || *out.ContentLength < 0 || aws.ToString(out.ETag) == "":
		return cur.Info{}, s.fail("stat", key, errors.New("the answer has no size or no ETag"))
	}
	return infoOf(key, *out.ContentLength, out.LastModified, out.ETag), nil
}

func infoOf(key string, size int64, at *time.Time, etag *string) cur.Info {
	// Listings know fractions of a second that other answers do not.
	return cur.Info{Name: key, Size: size, ModTime: aws.ToTime(at).UTC().Truncate(time.Second), ETag: unquote(etag)}
}

// unquote returns an ETag without its quotation marks.
func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func (s *Source) version(key string) *string {
	if v := s.o.Versions[key]; v != "" {
		return &v
	}
	return nil
}

func (s *Source) payer() types.RequestPayer {
	if s.o.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

func (s *Source) owner() *string {
	if s.o.BucketOwner != "" {
		return &s.o.BucketOwner
	}
	return nil
}
