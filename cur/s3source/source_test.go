package s3source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/cur/s3source"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// aiWhere is the predicate of the main job, as attribution hands it in.
var aiWhere = cur.Where{Any: []cur.Clause{
	{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS"}},
		{Column: cur.ColProductCode, Op: cur.Prefix, Values: []string{"AmazonBedrock"}}},
	{{Column: cur.ColBillingEntity, Op: cur.In, Values: []string{"AWS Marketplace"}},
		{Column: cur.ColProductName, Op: cur.Contains, Values: []string{"bedrock"}}},
}}

// write lays a month out in a folder.
func write(t testing.TB, d curtest.Delivery, c curtest.Config) (dir string, w *curtest.Written) {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if w, err = d.Write(dir, table); err != nil {
		t.Skipf("this system cannot hold the layout: %v", err)
	}
	return dir, w
}

func relative(t testing.TB, dir, name string) string {
	t.Helper()
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

func run(ctx context.Context, src cur.Source, r cur.Rollup, names ...string) ([]cur.Rolled, error) {
	sets, err := cur.Locate(ctx, src, names...)
	if err != nil {
		return nil, err
	}
	var all []cur.Rolled
	for _, s := range sets {
		rolled, err := r.Run(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, rolled...)
	}
	return all, nil
}

func TestDeliveriesReadAsLocalOnesDo(t *testing.T) {
	asOf := time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		spelling curtest.Spelling
		d        curtest.Delivery
	}{
		{"CUR 2.0 gzip, overwritten", curtest.CUR2, curtest.Delivery{}},
		{"CUR 2.0 Parquet, rebased", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, Rebased: true, RowGroup: 170}},
		{"CUR 2.0 Parquet, kept", curtest.CUR2, curtest.Delivery{Format: curtest.Parquet, CreateNew: true, RowGroup: 300}},
		{"legacy zip, overwritten", curtest.LegacyCSV, curtest.Delivery{Format: curtest.CSVZip}},
		{"legacy gzip, kept", curtest.LegacyCSV, curtest.Delivery{CreateNew: true}},
		{"legacy Parquet", curtest.LegacyParquet, curtest.Delivery{Format: curtest.Parquet}},
		{"CSV", curtest.CUR2, curtest.Delivery{Format: curtest.CSV}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.AsOf, tt.d.RowsPerFile = asOf, 400
			dir, w := write(t, tt.d, curtest.Config{Rows: 900, AIShare: 50, LastDay: 23, Sheet: curtest.Sheet{Spelling: tt.spelling}})
			b := newBucket(t)
			b.upload(dir)
			b.put("reports/", nil) // a folder as consoles draw it
			ways := map[string][]string{"manifest": {w.Manifest}, "files": w.Files}
			if !tt.d.CreateNew { // of a kept delivery there are two manifests
				ways["prefix"] = []string{dir}
			}
			for way, paths := range ways {
				var names []string
				for _, p := range paths {
					names = append(names, relative(t, dir, p))
				}
				r := cur.Rollup{Where: aiWhere, Workers: 2, AsOf: asOf}
				want, err := run(t.Context(), cur.Local(), r, paths...)
				if err != nil {
					t.Fatal(err)
				}
				got, err := run(t.Context(), b.source(nil, s3source.Options{}), r, names...)
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if len(got) != 1 || len(want) != 1 {
					t.Fatalf("%s: %d deliveries, want 1", way, len(got))
				}
				if got[0].Partial.Digest() != want[0].Partial.Digest() {
					t.Errorf("%s: the body differs from the local one", way)
				}
				if got[0].Delivery != want[0].Delivery {
					t.Errorf("%s: delivery %+v, local %+v", way, got[0].Delivery, want[0].Delivery)
				}
				for i, o := range got[0].Partial.Objects() {
					if o.ETag == "" || o.Size == 0 || !o.ModTime.Equal(modified) || o.Rows != want[0].Partial.Objects()[i].Rows {
						t.Errorf("%s: provenance %+v", way, o)
					}
				}
				if len(got[0].Files) != len(want[0].Files) {
					t.Errorf("%s: %d files, want %d", way, len(got[0].Files), len(want[0].Files))
				}
			}
		})
	}
}

// A month of 131 columns. How much of it a job needs is the job's business; what is
// fetched is hardly more than that. With the rest left unread, row groups without a row
// that matters cost the few columns that say so.
func TestOnlyNeededColumnsTravel(t *testing.T) {
	c := curtest.Config{Sheet: curtest.Sheet{Hourly: true}, Rows: 20_000, AIShare: 2, Clustered: true, UsageOnly: true,
		Accounts: 60, Roles: 400, Resources: 3000, OtherResources: 20000}
	dir, w := write(t, curtest.Delivery{Format: curtest.Parquet, RowGroup: 2000}, c)
	b := newBucket(t)
	b.upload(dir)
	for _, tt := range []struct {
		name  string
		r     cur.Rollup
		share int64 // of the bytes, per cent
		gets  int64
	}{
		{"everything totalled", cur.Rollup{Where: aiWhere}, 45, 250},
		{"the rest unread", cur.Rollup{Where: aiWhere, RestUnread: true}, 25, 150},
	} {
		src := b.source(nil, s3source.Options{})
		sets, err := cur.Locate(t.Context(), src, relative(t, dir, w.Manifest))
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, f := range sets[0].Files() {
			size += f.Size
		}
		rolled, err := tt.r.Run(t.Context(), sets[0])
		if err != nil {
			t.Fatal(err)
		}
		st, asked := src.Stats(), rolled[0].Stats
		t.Logf("%s: %d of %d bytes fetched (%.1f %%) in %d requests; %d asked for",
			tt.name, st.Bytes, size, 100*float64(st.Bytes)/float64(size), st.Gets, asked.Bytes)
		if asked.RowGroups != 10 || asked.ByRows > 0 || asked.Again {
			t.Errorf("%s: not read by columns: %+v", tt.name, asked)
		}
		if st.Bytes*100 > size*tt.share {
			t.Errorf("%s: %d of %d bytes fetched, want %d %% at most", tt.name, st.Bytes, size, tt.share)
		}
		const ends = 64<<10 + 32<<10 // the footer, the manifest, the file's first bytes
		if st.Bytes > asked.Bytes*5/4+ends+int64(asked.RowGroups)*8<<10 {
			t.Errorf("%s: %d bytes fetched where %d are asked for", tt.name, st.Bytes, asked.Bytes)
		}
		if st.Gets > tt.gets {
			t.Errorf("%s: %d requests: near chunks are not fetched together", tt.name, st.Gets)
		}
		if st.Retries != 0 {
			t.Errorf("%s: %d retries", tt.name, st.Retries)
		}
	}
}

func TestListingsHavePages(t *testing.T) {
	b := newBucket(t)
	b.page = 3
	var want []string
	for i := range 10 {
		key := fmt.Sprintf("p/data/%02d.csv", i)
		b.put(key, []byte("x"))
		want = append(want, key)
	}
	b.put("p-other/x.csv", []byte("not below p/"))
	b.put("p/data/", nil)
	src := b.source(nil, s3source.Options{})
	infos, err := src.List(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range infos {
		got = append(got, i.Name)
		// What a listing says must be what a look says.
		if s, err := src.Stat(t.Context(), i.Name); err != nil || !i.Same(s) {
			t.Errorf("listed %+v, is %+v, %v", i, s, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
	if n := src.Stats().Lists; n != 4 {
		t.Errorf("%d pages, want 4", n)
	}
}

func TestStat(t *testing.T) {
	b := newBucket(t)
	b.put("reports/export/data/x.csv", []byte("12345"))
	src := b.source(nil, s3source.Options{})
	for _, name := range []string{"reports", "reports/", "reports/export", "", "."} {
		if i, err := src.Stat(t.Context(), name); err != nil || !i.Dir || i.Name != name {
			t.Errorf("Stat(%q) = %+v, %v; want a folder", name, i, err)
		}
	}
	if i, err := src.Stat(t.Context(), "reports/export/data/x.csv"); err != nil || i.Dir || i.Size != 5 || i.ETag != "827ccb0eea8a706c4c34a16891f84e7b" || !i.ModTime.Equal(modified) {
		t.Errorf("Stat = %+v, %v", i, err)
	}
	for _, name := range []string{"nothing", "nothing/", "reports/nothing.csv", "rep"} {
		if _, err := src.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "s3://"+bucketName+"/"+name) {
			t.Errorf("Stat(%q): error = %v", name, err)
		}
	}
	before := src.Stats().Lists
	if _, err := src.Stat(t.Context(), "a/b/c.parquet"); err == nil || src.Stats().Lists != before {
		t.Errorf("a data file's name was looked for as a folder's")
	}
}

func TestRefusalsNameTheObject(t *testing.T) {
	b := newBucket(t)
	src := b.source(nil, s3source.Options{})
	for name, want := range map[string]error{"forbidden/x.csv": fs.ErrPermission, "missing/x.csv": fs.ErrNotExist} {
		_, err := src.Open(t.Context(), name)
		var e *s3source.Error
		if !errors.As(err, &e) || e.Bucket != bucketName || e.Key != name || !errors.Is(err, want) || !errors.Is(err, cur.ErrSource) {
			t.Errorf("Open(%q): error = %v, want one matching %v", name, err, want)
		}
	}
	if n := src.Stats().Retries; n != 0 {
		t.Errorf("%d retries of what stays refused", n)
	}
	other := s3source.New(b.client(nil), "other-bucket", nil)
	if _, err := other.List(t.Context(), "reports"); err == nil || !strings.Contains(err.Error(), "s3://other-bucket/reports/") {
		t.Errorf("List: error = %v", err)
	}
}

// A manifest whose data files may not be read says which one, not that it is missing.
func TestForbiddenDataFile(t *testing.T) {
	b := newBucket(t)
	b.put("x-Manifest.json", []byte(`{"executionId":"1","dataFiles":["s3://b/forbidden/x.csv"]}`))
	_, err := cur.Locate(t.Context(), b.source(nil, s3source.Options{}), "x-Manifest.json")
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "forbidden/x.csv") {
		t.Errorf("error = %v", err)
	}
}

// Keys with empty parts are other keys than those without.
func TestKeysWithEmptyParts(t *testing.T) {
	b := newBucket(t)
	b.put("pre//x/20260501-20260601/x-Manifest.json", []byte(`{"assemblyId":"a","reportKeys":["pre//x/20260501-20260601/a/x-1.csv.gz"]}`))
	b.put("pre//x/20260501-20260601/a/x-1.csv.gz", nil)
	sets, err := cur.Locate(t.Context(), b.source(nil, s3source.Options{}), "pre//x/20260501-20260601/x-Manifest.json")
	if err != nil || len(sets) != 1 || sets[0].Files()[1].Name != "pre//x/20260501-20260601/a/x-1.csv.gz" {
		t.Errorf("%v, %v", sets, err)
	}
}

func TestOptionsOnTheWire(t *testing.T) {
	b := newBucket(t)
	b.put("p/x.csv", []byte("head\nrow\n"))
	b.versions["p/x.csv@v7"] = []byte("an older one\n")
	src := b.source(nil, s3source.Options{RequesterPays: true, BucketOwner: "111122223333",
		CustomerKey: []byte("0123456789abcdef0123456789abcdef"), Versions: map[string]string{"p/x.csv": "v7"}})
	f, err := src.Open(t.Context(), "p/x.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if content, err := io.ReadAll(io.NewSectionReader(f, 0, f.Info().Size)); err != nil || string(content) != "an older one\n" {
		t.Errorf("read %q, %v; want the version asked for", content, err)
	}
	if _, err := src.List(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if len(b.requests) != 3 {
		t.Fatalf("%d requests, want 3", len(b.requests))
	}
	for _, r := range b.requests {
		want := map[string]string{"x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": "111122223333"}
		if !r.URL.Query().Has("list-type") {
			want["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
			want["x-amz-server-side-encryption-customer-key"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
			want["x-amz-server-side-encryption-customer-key-md5"] = "hRasmdxgYDKV3nvbahU1MA=="
		}
		if r.Method == http.MethodGet && !r.URL.Query().Has("list-type") {
			want["If-Match"] = etagOf([]byte("an older one\n"))
		}
		for k, v := range want {
			if r.Header.Get(k) != v {
				t.Errorf("%s %s: header %s = %q, want %q", r.Method, r.URL, k, r.Header.Get(k), v)
			}
		}
	}
}

func TestParseURI(t *testing.T) {
	for _, tt := range []struct{ uri, bucket, key string }{
		{"s3://b/reports/x.csv", "b", "reports/x.csv"}, {"s3://b", "b", ""}, {"s3://b/", "b", ""}, {"s3://b//x", "b", "/x"},
		{"https://b/x", "", ""}, {"s3:///x", "", ""}, {"b/x", "", ""}, {"", "", ""},
	} {
		bucket, key, err := s3source.ParseURI(tt.uri)
		if bucket != tt.bucket || key != tt.key || (err == nil) != (tt.bucket != "") {
			t.Errorf("ParseURI(%q) = %q, %q, %v; want %q, %q", tt.uri, bucket, key, err, tt.bucket, tt.key)
		}
	}
}
