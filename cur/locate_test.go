package cur

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const manifest2 = `{"executionId":"exec-1","exportArn":"arn:aws:bcm-data-exports:us-east-1:111111111111:export/ai","columns":[{"name":"a","type":"string"}],
"dataFiles":["s3://bucket/prefix/ai/data/BILLING_PERIOD=2026-05/ai-00001.csv"]}`

var written = time.Date(2026, 5, 25, 10, 0, 0, 0, time.UTC)

func mapFile(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), ModTime: written} }

func locateOne(t *testing.T, m fstest.MapFS, path string) (*Set, error) {
	t.Helper()
	sets, err := Locate(context.Background(), FS(m), path)
	if err != nil {
		return nil, err
	}
	if len(sets) != 1 {
		t.Fatalf("%d sets, want 1", len(sets))
	}
	return sets[0], nil
}

func TestManifestFindsItsFiles(t *testing.T) {
	for name, data := range map[string]string{
		"whole bucket":        "copy/prefix/ai/data/BILLING_PERIOD=2026-05/ai-00001.csv",
		"from the export on":  "copy/data/BILLING_PERIOD=2026-05/ai-00001.csv",
		"beside the manifest": "copy/prefix/ai/metadata/BILLING_PERIOD=2026-05/ai-00001.csv",
	} {
		t.Run(name, func(t *testing.T) {
			m := fstest.MapFS{
				"copy/prefix/ai/metadata/BILLING_PERIOD=2026-05/ai-Manifest.json": mapFile(manifest2),
				data: mapFile(header + aLine),
			}
			s, err := locateOne(t, m, "copy")
			if err != nil {
				t.Fatal(err)
			}
			rolled, err := (&Rollup{}).Run(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			d := rolled[0].Delivery
			if d.Export != "arn:aws:bcm-data-exports:us-east-1:111111111111:export/ai" || d.Execution != "exec-1" ||
				d.Period.String() != "2026-05" || d.Payer != "111111111111" || !d.AsOf.Equal(written) {
				t.Errorf("delivery %+v", d)
			}
			if len(rolled[0].Files) != 2 {
				t.Errorf("files %+v, want manifest and data file", rolled[0].Files)
			}
		})
	}
}

func TestMissingDataFileNamesThePlacesTried(t *testing.T) {
	_, err := locateOne(t, fstest.MapFS{"copy/m/ai-Manifest.json": mapFile(manifest2)}, "copy/m/ai-Manifest.json")
	if !errors.Is(err, ErrManifest) {
		t.Fatalf("got %v, want ErrManifest", err)
	}
	for _, want := range []string{"s3://bucket/prefix/ai/data/BILLING_PERIOD=2026-05/ai-00001.csv",
		`"copy/m/prefix/ai/data/BILLING_PERIOD=2026-05/ai-00001.csv" "copy/prefix/`, `"copy/m/data/`, `"copy/m/ai-00001.csv"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s:\n%v", want, err)
		}
	}
}

func TestAsOf(t *testing.T) {
	folder := "d/metadata/BILLING_PERIOD=2026-05/2026-05-26T15:24:15.653Z-04e9e487/ai-Manifest.json"
	for _, c := range []struct {
		name string
		m    fstest.MapFS
		path string
		over time.Time
		want string
	}{
		{"execution folder", fstest.MapFS{folder: mapFile(manifest2), "d/data/BILLING_PERIOD=2026-05/ai-00001.csv": mapFile(header + aLine)}, folder, time.Time{}, "2026-05-26T15:24:15.653Z"},
		{"manifest's time", fstest.MapFS{"d/m.json": mapFile(manifest2), "d/ai-00001.csv": mapFile(header + aLine)}, "d/m.json", time.Time{}, "2026-05-25T10:00:00Z"},
		{"newest file of a manifest without a time", fstest.MapFS{"d/m.json": {Data: []byte(manifest2)}, "d/ai-00001.csv": mapFile(header + aLine)}, "d/m.json", time.Time{}, "2026-05-25T10:00:00Z"},
		{"newest file", fstest.MapFS{"a.csv": mapFile(header + aLine)}, "a.csv", time.Time{}, "2026-05-25T10:00:00Z"},
		{"caller", fstest.MapFS{"a.csv": mapFile(header + aLine)}, "a.csv", time.Date(2026, 5, 30, 0, 0, 0, 0, time.UTC), "2026-05-30T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := locateOne(t, c.m, c.path)
			if err != nil {
				t.Fatal(err)
			}
			rolled, err := (&Rollup{AsOf: c.over}).Run(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := rolled[0].Delivery.AsOf.Format(time.RFC3339Nano); got != c.want {
				t.Errorf("as of %s, want %s", got, c.want)
			}
		})
	}
}

func TestForeignPeriodStaysInTheManifestsDelivery(t *testing.T) {
	april := strings.Replace(aLine, "2026-05-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z", 1)
	s, err := locateOne(t, fstest.MapFS{"d/BILLING_PERIOD=2026-05/m.json": mapFile(manifest2), "d/BILLING_PERIOD=2026-05/ai-00001.csv": mapFile(header + aLine + april)}, "d/BILLING_PERIOD=2026-05/m.json")
	if err != nil {
		t.Fatal(err)
	}
	rolled, err := (&Rollup{}).Run(context.Background(), s)
	if err != nil || len(rolled) != 1 {
		t.Fatalf("%d deliveries, %v, want one", len(rolled), err)
	}
	if c := rolled[0].Partial.Control(); len(c) != 2 || c[0].Key.BillingPeriod.String() != "2026-04" {
		t.Errorf("control totals %+v, want one for each month", c)
	}
}

func TestBareFilesAreOneDeliveryPerPeriod(t *testing.T) {
	april := strings.Replace(aLine, "2026-05-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z", 1)
	m := fstest.MapFS{"f00.csv": mapFile(header + aLine), "f01.csv": mapFile("extra_column," + header + "x," + april), "f02.csv": mapFile(header)}
	// The months may differ in their columns; files of one month may not.
	both, err := rollAll(m, Rollup{})
	if err != nil || len(both) != 2 {
		t.Fatalf("%d deliveries, %v, want two", len(both), err)
	}
	alone, err := rollAll(fstest.MapFS{"f00.csv": m["f00.csv"]}, Rollup{})
	if err != nil {
		t.Fatal(err)
	}
	if both[1].Delivery != alone[0].Delivery || both[1].Delivery.Execution == both[0].Delivery.Execution {
		t.Errorf("May beside April is %+v, alone %+v: want one delivery", both[1].Delivery, alone[0].Delivery)
	}
	_, err = rollAll(fstest.MapFS{"f00.csv": m["f00.csv"], "f01.csv": mapFile("extra_column," + header + "x," + aLine)}, Rollup{})
	if !errors.Is(err, ErrMixed) || !strings.Contains(err.Error(), `"extra_column"`) || !strings.Contains(err.Error(), `"f00.csv" and "f01.csv"`) {
		t.Errorf("two headers in one month: %v, want ErrMixed naming files and column", err)
	}
	_, err = rollAll(fstest.MapFS{"f00.csv": m["f00.csv"], "f01.csv": m["f00.csv"]}, Rollup{})
	if !errors.Is(err, ErrDuplicate) {
		t.Errorf("one content twice: %v, want ErrDuplicate", err)
	}
}

func TestEmptyDeliveries(t *testing.T) {
	rolled, err := rollAll(fstest.MapFS{"f00.csv": mapFile(header), "f01.csv": mapFile("")}, Rollup{})
	if err != nil || len(rolled) != 0 {
		t.Errorf("files without rows: %d deliveries, %v, want none", len(rolled), err)
	}
	s, err := locateOne(t, fstest.MapFS{"d/BILLING_PERIOD=2026-05/ai-Manifest.json": mapFile(manifest2), "d/BILLING_PERIOD=2026-05/ai-00001.csv": mapFile("")}, "d")
	if err != nil {
		t.Fatal(err)
	}
	rolled, err = (&Rollup{}).Run(context.Background(), s)
	if err != nil || len(rolled) != 1 || rolled[0].Delivery.Payer != "111111111111" || rolled[0].Partial.Len() != 0 {
		t.Errorf("manifest with blanked chunks: %+v, %v, want a zero month", rolled, err)
	}
}

func TestFoldersWithoutOneManifest(t *testing.T) {
	for name, m := range map[string]fstest.MapFS{
		"none": {"d/a.csv": mapFile(header)},
		"two":  {"d/a-Manifest.json": mapFile(manifest2), "d/b-Manifest.json": mapFile(manifest2)},
	} {
		if _, err := Locate(context.Background(), FS(m), "d"); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v, want ErrManifest", name, err)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for text, want := range map[string]error{
		`{}`: ErrManifest, `[`: ErrManifest, `{"dataFiles":[],"reportKeys":[]}`: ErrManifest,
		`{"dataFiles":[]}`: ErrManifest, // no execution
		`{"executionId":"e","dataFiles":["s3://b/x","s3://b/x"]}`:                                               ErrDuplicate,
		`{"assemblyId":"e","reportKeys":["x"],"billingPeriod":{"start":"soon"}}`:                                ErrManifest,
		`{"executionId":"e","dataFiles":["s3://b/BILLING_PERIOD=2026-77/x"]}`:                                   ErrManifest,
		`{"executionId":"e","dataFiles":["s3://b/../../etc/x.csv"]}`:                                            ErrManifest,
		`{"executionId":"e","dataFiles":["s3://bucket"]}`:                                                       ErrManifest,
		`{"executionId":"e","dataFiles":[""]}`:                                                                  ErrManifest,
		`{"executionId":"e","dataFiles":["s3://b/BILLING_PERIOD=2026-04/x","s3://b/BILLING_PERIOD=2026-05/y"]}`: ErrManifest,
	} {
		if _, err := ParseManifest("m.json", []byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// Keys are taken as they are: nothing in them is escaped, whatever they look like.
func TestKeysOfDataFiles(t *testing.T) {
	for file, want := range map[string]string{
		"s3://bucket/prefix/x.csv.gz":                   "prefix/x.csv.gz",
		"s3://bucket//prefix/x.csv.gz":                  "prefix/x.csv.gz",
		"/prefix/x.csv.gz":                              "prefix/x.csv.gz",
		"//prefix/x.csv.gz":                             "prefix/x.csv.gz",
		"prefix/x.csv.gz":                               "prefix/x.csv.gz",
		"s3://bucket/100%/a b?c#d/%2e%2e/x.csv":         "100%/a b?c#d/%2e%2e/x.csv",
		"s3://bucket/2026-04-16T15:24:15.653Z-04/x.csv": "2026-04-16T15:24:15.653Z-04/x.csv",
	} {
		if got := keyOf(file); got != want {
			t.Errorf("keyOf(%q) = %q, want %q", file, got, want)
		}
	}
}

// A legacy manifest may write its keys with a leading slash; a byte order mark before
// a manifest is none of its content.
func TestLegacyManifestWithSlashes(t *testing.T) {
	const m = "\xef\xbb\xbf" + `{"assemblyId":"a","account":"1","reportName":"r","billingPeriod":{"start":"20260501T000000.000Z","end":"20260601T000000.000Z"},"reportKeys":["/p/r/20260501-20260601/a/r-1.csv.gz"]}`
	s, err := locateOne(t, fstest.MapFS{"copy/p/r/20260501-20260601/r-Manifest.json": mapFile(m),
		"copy/p/r/20260501-20260601/a/r-1.csv.gz": mapFile(string(gzipOf(t, []byte(header+aLine))))}, "copy")
	if err != nil {
		t.Fatal(err)
	}
	rolled, err := (&Rollup{}).Run(context.Background(), s)
	if err != nil || rolled[0].Delivery.Period.String() != "2026-05" || rolled[0].Delivery.Export != "r" || rolled[0].Delivery.Execution != "a" {
		t.Errorf("got %+v, %v", rolled, err)
	}
}

// The bucket's path says the period; that of a copy only where the bucket's does not.
func TestPeriodOfAManifest(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"m.json", "s3://b/BILLING_PERIOD=2026-05/x.csv", "2026-05"},
		{"BILLING_PERIOD=2026-04/m.json", "s3://b/billing_period=2026-05/x.csv", "2026-05"},
		{"BILLING_PERIOD=2026-04/m.json", "s3://b/x.csv", "2026-04"},
		{"m.json", "s3://b/x.csv", ""},
	} {
		m, err := ParseManifest(c.name, []byte(`{"executionId":"e","dataFiles":["`+c.file+`"]}`))
		if err != nil || m.Period.String() != c.want {
			t.Errorf("manifest %s of %s: period %v, %v, want %s", c.name, c.file, m.Period, err, c.want)
		}
	}
}

func TestTheSameManifestTwiceIsRefused(t *testing.T) {
	m := fstest.MapFS{"d/ai-Manifest.json": mapFile(manifest2), "d/ai-00001.csv": mapFile(header + aLine)}
	for _, paths := range [][]string{{"d", "d/ai-Manifest.json"}, {"d/ai-Manifest.json", "./d/ai-Manifest.json"}} {
		if _, err := Locate(context.Background(), FS(m), paths...); !errors.Is(err, ErrDuplicate) {
			t.Errorf("%q: %v, want ErrDuplicate", paths, err)
		}
	}
}

func TestPathsOfTheOperatingSystem(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "data", "BILLING_PERIOD=2026-05")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{filepath.Join(dir, "ai-Manifest.json"): manifest2, filepath.Join(sub, "ai-00001.csv"): header + aLine} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, dir + string(filepath.Separator), filepath.Join(dir, "ai-Manifest.json")} {
		sets, err := Locate(context.Background(), Local(), path)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range sets[0].Files() {
			if strings.Contains(i.Name, "\\") {
				t.Errorf("file %q is not spelled with slashes", i.Name)
			}
		}
		if _, err := (&Rollup{}).Run(context.Background(), sets[0]); err != nil {
			t.Error(err)
		}
	}
}

// Copies of legacy buckets begin where somebody began to copy.
func TestLegacyManifestsFindTheirFiles(t *testing.T) {
	manifest := func(key string) string {
		return `{"assemblyId":"a-1","account":"111111111111","reportName":"rep","reportKeys":["` + key + `"],"billingPeriod":{"start":"20260501T000000.000Z","end":"20260601T000000.000Z"}}`
	}
	const (
		padded   = "a/prefix/rep/rep/year=2026/month=05/rep-00001.snappy.parquet"
		unpadded = "/a/prefix/rep/rep/year=2026/month=5/rep-00001.snappy.parquet"
		kept     = "a/prefix/rep/20260501-20260601/16e57707/rep-1.csv.gz"
	)
	for name, c := range map[string]struct{ key, manifest, data string }{
		"the bucket":                          {padded, "a/prefix/rep/20260501-20260601/rep-Manifest.json", padded},
		"the bucket, month of one digit":      {unpadded, "a/prefix/rep/20260501-20260601/rep-Manifest.json", unpadded[1:]},
		"without the prefix":                  {padded, "copy/rep/20260501-20260601/rep-Manifest.json", "copy/rep/rep/year=2026/month=05/rep-00001.snappy.parquet"},
		"without prefix and report":           {unpadded, "copy/20260501-20260601/rep-Manifest.json", "copy/rep/year=2026/month=5/rep-00001.snappy.parquet"},
		"from the year on":                    {unpadded, "20260501-20260601/rep-Manifest.json", "year=2026/month=5/rep-00001.snappy.parquet"},
		"the manifest in the report's folder": {unpadded, "copy/rep-Manifest.json", "copy/rep/year=2026/month=5/rep-00001.snappy.parquet"},
		"kept versions without the prefix":    {kept, "copy/20260501-20260601/rep-Manifest.json", "copy/20260501-20260601/16e57707/rep-1.csv.gz"},
		"kept versions, the manifest apart":   {kept, "copy/rep-Manifest.json", "copy/20260501-20260601/16e57707/rep-1.csv.gz"},
		"kept versions, the period alone":     {kept, "may/rep-Manifest.json", "may/16e57707/rep-1.csv.gz"},
		"kept versions, the version alone":    {kept, "16e57707/rep-Manifest.json", "16e57707/rep-1.csv.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := locateOne(t, fstest.MapFS{c.manifest: mapFile(manifest(c.key)), c.data: mapFile(header + aLine),
				// Another month and another report are not looked at.
				"copy/rep/year=2026/month=6/rep-00001.snappy.parquet": mapFile("x"), "other/year=2026/month=5/rep-00001.snappy.parquet": mapFile("x")}, c.manifest)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Files()[1].Name; got != c.data {
				t.Errorf("found %q, want %q", got, c.data)
			}
		})
	}
	if _, err := locateOne(t, fstest.MapFS{"copy/rep-Manifest.json": mapFile(manifest(padded)), "copy/rep/year=2026/month=06/rep-00001.snappy.parquet": mapFile("x")},
		"copy/rep-Manifest.json"); !errors.Is(err, ErrManifest) {
		t.Errorf("only the file of another month: %v, want ErrManifest", err)
	}
	for key, want := range map[string]string{unpadded: "2026-05", padded: "2026-05", kept: "2026-05", "rep-1.csv": ""} {
		m, err := ParseManifest("m.json", []byte(`{"assemblyId":"a","reportKeys":["`+key+`"]}`))
		if err != nil || m.Period.String() != want {
			t.Errorf("%s: period %q, %v, want %q", key, m.Period, err, want)
		}
	}
	if _, err := ParseManifest("m.json", []byte(strings.Replace(manifest(padded), "20260501T", "20260601T", 1))); !errors.Is(err, ErrManifest) {
		t.Errorf("a file of another month: %v, want ErrManifest", err)
	}
}
