package s3source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/cur"
)

// one is a client of one object.
type one struct {
	Client
	content []byte
	mu      sync.Mutex
	asked   []span
}

func (c *one) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(int64(len(c.content))), ETag: aws.String(`"e"`), LastModified: aws.Time(time.Unix(1, 0))}, nil
}

func (c *one) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	from, to, _ := strings.Cut(strings.TrimPrefix(*in.Range, "bytes="), "-")
	a, errA := strconv.ParseInt(from, 10, 64)
	z, errZ := strconv.ParseInt(to, 10, 64)
	if errA != nil || errZ != nil || a > z || z >= int64(len(c.content)) || aws.ToString(in.IfMatch) != `"e"` {
		return nil, errors.New("bad request " + *in.Range)
	}
	c.mu.Lock()
	c.asked = append(c.asked, span{a, z + 1})
	c.mu.Unlock()
	return &s3.GetObjectOutput{ETag: aws.String(`"e"`), ContentLength: aws.Int64(z + 1 - a),
		ContentRange: aws.String("bytes " + from + "-" + to + "/" + strconv.Itoa(len(c.content))),
		Body:         io.NopCloser(bytes.NewReader(c.content[a : z+1]))}, nil
}

func contentOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func ranges(t *rapid.T, size int) []cur.Range {
	var out []cur.Range
	for range rapid.IntRange(0, 12).Draw(t, "ranges") {
		out = append(out, cur.Range{Off: int64(rapid.IntRange(0, size).Draw(t, "off")), Size: int64(rapid.IntRange(0, size/4).Draw(t, "size"))})
	}
	return out
}

// Whatever is announced and whoever reads, the bytes are those of the object.
func TestReadAtGivesTheObjectsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 100, 5000, tail - 1, tail, tail + 1, 4 * tail}).Draw(t, "size")
		c := &one{content: contentOf(size)}
		f, err := New(c, "b", &Options{Window: rapid.SampledFrom([]int{1, 100, 5000, 1 << 20}).Draw(t, "window")}).Open(context.Background(), "k")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range rapid.IntRange(0, 2).Draw(t, "plans") {
			done := f.(cur.RemoteFile).Expect(ranges(t, size))
			if rapid.Bool().Draw(t, "over") {
				done()
			}
		}
		type read struct{ off, n int }
		var reads []read
		at := 0
		for range rapid.IntRange(1, 20).Draw(t, "reads") {
			if rapid.Bool().Draw(t, "jump") {
				at = rapid.IntRange(0, size).Draw(t, "at")
			}
			n := rapid.IntRange(0, size/2+1).Draw(t, "n")
			reads = append(reads, read{at, n})
			at = min(at+n, size)
		}
		workers := rapid.IntRange(1, 3).Draw(t, "workers")
		bad := make(chan string, workers*len(reads))
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for _, r := range reads {
					b := make([]byte, r.n)
					n, err := f.ReadAt(b, int64(r.off))
					want := c.content[r.off:min(r.off+r.n, size)]
					if !bytes.Equal(b[:n], want) || err != nil && err != io.EOF || (err == nil) != (n == r.n && r.off < size) {
						bad <- "wrong bytes, or error " + strconv.Quote(errText(err))
					}
				}
			})
		}
		wg.Wait()
		select {
		case s := <-bad:
			t.Fatal(s)
		default:
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestReadAtOutsideTheObject(t *testing.T) {
	f, err := New(&one{content: contentOf(10)}, "b", nil).Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadAt(make([]byte, 1), 10); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v; want io.EOF", n, err)
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); !errors.Is(err, cur.ErrSource) {
		t.Errorf("before the beginning: %v", err)
	}
}

// Announced bytes are fetched once, near ranges together, and little else is.
func TestAnnouncedBytesAreFetchedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 6 * tail
		c := &one{content: contentOf(size)}
		s := New(c, "b", nil)
		f, err := s.Open(context.Background(), "k")
		if err != nil {
			t.Fatal(err)
		}
		all := ranges(t, size)
		want := make([]bool, size)
		need := 0
		for _, r := range all {
			for i := r.Off; i < min(r.Off+r.Size, int64(size)); i++ {
				if !want[i] {
					want[i] = true
					need++
				}
			}
		}
		done := f.(cur.RemoteFile).Expect(all)
		for _, r := range all { // as a column is read: forwards, in pieces
			for off := r.Off; off < min(r.Off+r.Size, int64(size)); off += 1000 {
				n := min(1000, r.Off+r.Size-off, int64(size)-off)
				if _, err := f.ReadAt(make([]byte, n), off); err != nil {
					t.Fatal(err)
				}
			}
		}
		done()
		got := int(s.Stats().Bytes)
		if got > need+need/8 {
			t.Fatalf("%d bytes fetched where %d are wanted", got, need)
		}
		seen := make([]bool, size)
		for _, a := range c.asked {
			for i := a.off; i < a.end; i++ {
				if seen[i] {
					t.Fatalf("byte %d fetched twice", i)
				}
				seen[i] = true
			}
		}
	})
}

func TestCoalesce(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []cur.Range
		want []span
	}{
		{"nothing", nil, nil},
		{"neighbours in any order", []cur.Range{{Off: 10, Size: 10}, {Off: 0, Size: 10}}, []span{{0, 20}}},
		{"overlapping", []cur.Range{{Off: 0, Size: 50}, {Off: 10, Size: 10}, {Off: 40, Size: 20}}, []span{{0, 60}}},
		{"a small gap", []cur.Range{{Off: 0, Size: 40}, {Off: 45, Size: 40}}, []span{{0, 85}}},
		{"a gap beyond an eighth", []cur.Range{{Off: 0, Size: 40}, {Off: 51, Size: 40}}, []span{{0, 40}, {51, 91}}},
		{"the smaller of two gaps", []cur.Range{{Off: 0, Size: 40}, {Off: 47, Size: 20}, {Off: 72, Size: 20}}, []span{{0, 40}, {47, 92}}},
		{"beyond the end", []cur.Range{{Off: 990, Size: 40}, {Off: 2000, Size: 1}, {Off: 5, Size: 0}}, []span{{990, 1000}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := coalesce(tt.in, 1000); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// What is held is bounded, however much is read.
func TestHeldBytesAreBounded(t *testing.T) {
	c := &one{content: contentOf(8 << 20)}
	f, err := New(c, "b", &Options{Window: tail}).Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	o := f.(*object)
	defer o.Expect([]cur.Range{{Off: 0, Size: 7 << 20}})()
	for off := int64(0); off < 7<<20; off += 10_000 {
		if _, err := o.ReadAt(make([]byte, 100), off); err != nil {
			t.Fatal(err)
		}
		if n := o.plans[0].bytes; n > maxHeld*tail {
			t.Fatalf("%d bytes held, want %d at most", n, maxHeld*tail)
		}
	}
	if len(o.plans[0].held) < 32 {
		t.Errorf("%d pieces held: the test reads too little", len(o.plans[0].held))
	}
	f.Close()
	if len(o.plans) != 0 || o.free.held != nil {
		t.Error("a closed file holds something")
	}
}

// Reading on and on without announcement, as a zip is read, takes few requests.
func TestSequentialReadsGrow(t *testing.T) {
	c := &one{content: contentOf(4 << 20)}
	s := New(c, "b", nil)
	f, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(f, 0, 4<<20))
	if err != nil || !bytes.Equal(got, c.content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if st := s.Stats(); st.Gets > 25 || st.Bytes != 4<<20 {
		t.Errorf("%+v: want each byte once, in few requests", st)
	}
}
