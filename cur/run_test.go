package cur

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"
)

// rowOf is a row of the usual kind, of a payer and a month.
func rowOf(payer, month, cost string) aRow {
	return aRow{payer: payer, period: month, day: month + "-04", kind: "Usage", product: "P", cost: cost, currency: "USD"}
}

// Each delivery of bare files is as new as its own newest file, whatever else is
// read along with it.
func TestAsOfOfBareFilesIsTheirOwn(t *testing.T) {
	april := filesOf([][]aRow{{rowOf("1", "2026-04", "1")}})["f00.csv"]
	may := filesOf([][]aRow{{rowOf("1", "2026-05", "1")}})["f00.csv"]
	april.ModTime, may.ModTime = written.AddDate(0, -1, 0), written
	both, err := rollAll(fstest.MapFS{"f00.csv": may, "f01.csv": april}, Rollup{})
	if err != nil || len(both) != 2 {
		t.Fatalf("%d deliveries, %v", len(both), err)
	}
	if got := both[0].Delivery.AsOf; !got.Equal(april.ModTime) {
		t.Errorf("April is as of %s, want %s", got, april.ModTime)
	}
	if len(both[0].Files) != 1 || both[0].Files[0].Name != "f01.csv" {
		t.Errorf("April's files are %+v", both[0].Files)
	}
	alone, err := rollAll(fstest.MapFS{"f00.csv": april}, Rollup{})
	if err != nil || alone[0].Delivery != both[0].Delivery {
		t.Errorf("April alone is %+v, %v, beside May %+v", alone[0].Delivery, err, both[0].Delivery)
	}
}

// tagged gives every file an ETag, as a bucket does.
type tagged struct{ Source }

func (s tagged) Open(ctx context.Context, name string) (File, error) {
	f, err := s.Source.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return taggedFile{f}, nil
}

type taggedFile struct{ File }

func (f taggedFile) Info() Info {
	i := f.File.Info()
	i.ETag = "etag of " + i.Name
	return i
}

// The content names a delivery of bare files also where the source has ETags: a gzip
// and a zip of one text are the same.
func TestExecutionOfBareFilesIsTheirContent(t *testing.T) {
	text := []byte(header + aLine)
	src := fstest.MapFS{"a.csv": {Data: text}, "b.csv.gz": {Data: gzipOf(t, text)}}
	var executions []string
	for _, s := range []Source{FS(src), tagged{FS(src)}} {
		for name := range src {
			sets, err := Locate(context.Background(), s, name)
			if err != nil {
				t.Fatal(err)
			}
			rolled, err := (&Rollup{}).Run(context.Background(), sets[0])
			if err != nil {
				t.Fatal(err)
			}
			executions = append(executions, rolled[0].Delivery.Execution)
		}
		sets, err := Locate(context.Background(), s, "a.csv", "b.csv.gz")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&Rollup{}).Run(context.Background(), sets[0]); !errors.Is(err, ErrDuplicate) {
			t.Errorf("both packings together: %v, want ErrDuplicate", err)
		}
	}
	for _, e := range executions {
		if e != executions[0] {
			t.Errorf("executions %q, want one", executions)
		}
	}
}

// MaxGroups bounds what is held in all, not in each delivery.
func TestMaxGroupsCountsAllDeliveries(t *testing.T) {
	var rows []aRow
	for i := range 10 {
		r := rowOf(strconv.Itoa(i%3), "2026-05", "1")
		r.resource = strconv.Itoa(i)
		rows = append(rows, r)
	}
	m := filesOf([][]aRow{rows})
	if _, err := rollAll(m, Rollup{MaxGroups: 10}); err != nil {
		t.Errorf("ten groups of ten: %v", err)
	}
	if _, err := rollAll(m, Rollup{MaxGroups: 9}); !errors.Is(err, ErrCardinality) {
		t.Errorf("ten groups of nine: %v, want ErrCardinality", err)
	}
	nothing := Where{Any: []Clause{{{Column: ColProductCode, Op: In, Values: []string{"none"}}}}}
	for i := range rows {
		rows[i].product = strconv.Itoa(i)
	}
	_, err := rollAll(filesOf([][]aRow{rows}), Rollup{Where: nothing, MaxGroups: 9})
	if !errors.Is(err, ErrCardinality) || !strings.Contains(err.Error(), `"line_item_product_code"`) {
		t.Errorf("ten groups in the rest: %v, want ErrCardinality naming line_item_product_code", err)
	}
}

// A column that is no payer makes a delivery of every row; that ends early.
func TestTooManyDeliveries(t *testing.T) {
	rows := make([]aRow, maxParts+1)
	for i := range rows {
		rows[i] = rowOf(strconv.Itoa(i), "2026-05", "1")
	}
	_, err := rollAll(filesOf([][]aRow{rows}), Rollup{})
	if !errors.Is(err, ErrCardinality) || !strings.Contains(err.Error(), `"bill_payer_account_id"`) {
		t.Errorf("got %v, want ErrCardinality naming the payer", err)
	}
}

func TestRollupsThatCannotBeKept(t *testing.T) {
	many := make([]Column, maxKeys+1)
	for i := range many {
		many[i] = Column("c" + strconv.Itoa(i))
	}
	for want, r := range map[string]Rollup{
		`unknown operator "like"`: {Where: Where{Any: []Clause{{{Column: ColPayer, Op: "like"}}}}},
		"no bucket span(9)":       {Bucket: 9},
		"at most -1 groups":       {MaxGroups: -1},
		"41 keys, at most 40":     {Keys: many},
	} {
		if _, err := rollAll(filesOf([][]aRow{{}}), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := r.Rows(func(func(*LineItem, error) bool) {}); err == nil {
			t.Errorf("Rows takes it: %s", want)
		}
	}
}

// What a caller changes after asking for a spec changes no stored partial.
func TestSpecSharesNothing(t *testing.T) {
	r := Rollup{Keys: []Column{"b", "a", "b", ColPayer}, Where: Where{Any: []Clause{{{Column: ColProductCode, Op: In, Values: []string{"P"}}}}}}
	spec := r.Spec()
	digest := spec.Digest()
	if fmt.Sprint(spec.Columns) != "[a b]" {
		t.Errorf("columns %v, want a and b", spec.Columns)
	}
	r.Where.Any[0][0].Values[0], r.Keys[0] = "Q", "z"
	r.Where.Any[0][0].Op = Prefix
	if spec.Digest() != digest {
		t.Error("the spec changed with the rollup")
	}
}

func seqOf(rows ...*LineItem) iter.Seq2[*LineItem, error] {
	return func(yield func(*LineItem, error) bool) {
		for _, li := range rows {
			if !yield(li, nil) {
				return
			}
		}
	}
}

func TestRowsByHand(t *testing.T) {
	at := time.Date(2026, 5, 4, 13, 0, 0, 0, time.UTC)
	good := &LineItem{UsageStart: at, BillingPeriod: MonthOf(at), Payer: "1"}
	for name, bad := range map[string]*LineItem{
		"no time":        {BillingPeriod: MonthOf(at)},
		"before bills":   {UsageStart: time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)},
		"after calendar": {UsageStart: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"no such month":  {UsageStart: at, BillingPeriod: MonthOf(time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC))},
	} {
		_, err := (&Rollup{}).Rows(seqOf(good, bad))
		var re *RowError
		if !errors.As(err, &re) || re.Row != 2 {
			t.Errorf("%s: %v, want an error of row 2", name, err)
		}
	}
	if k := KeyOf(&LineItem{}, Day); k.Bucket != (Bucket{}) {
		t.Errorf("a row without time is in bucket %+v", k.Bucket)
	}
	// An interval without end says nothing of its length.
	if k := KeyOf(&LineItem{IntervalStart: at}, Hour); k.Bucket.Span != Day {
		t.Errorf("span %v, want a day", k.Bucket.Span)
	}
	for _, m := range []Measure{UnblendedWhereNetBlank, ReservationFee, Measure(NumMeasures)} {
		if err := good.Set(m, decimalOf(1)); err == nil {
			t.Errorf("Set takes %v, which no column holds", m)
		}
	}
	if err := good.Set(UnblendedCost, decimalOf(2)); err != nil {
		t.Fatal(err)
	}
	good.SetColumn("team", "a")
	p, err := (&Rollup{Keys: []Column{"team"}}).Rows(seqOf(good, good))
	if err != nil || p.Len() != 1 {
		t.Fatalf("%v", err)
	}
	sums := p.Sums(0)
	if v, _ := p.Key(0).Column("team"); v != "a" || sums.Rows != 2 || sums.Sum(UnblendedCost).String() != "4" {
		t.Errorf("key %+v, sums %+v", p.Key(0), sums)
	}
}

// The message about a manifest that names no period does not depend on the order in
// which a map is walked.
func TestManifestWithoutPeriod(t *testing.T) {
	const m = `{"executionId":"e","exportArn":"arn:aws:bcm-data-exports:us-east-1:1:export/ai","dataFiles":["s3://b/x.csv"]}`
	april := strings.Replace(aLine, "2026-05-01T", "2026-04-01T", 1)
	june := strings.Replace(aLine, "2026-05-01T", "2026-06-01T", 1)
	for range 20 {
		s, err := locateOne(t, fstest.MapFS{"m.json": mapFile(m), "x.csv": mapFile(header + aLine + june + april)}, "m.json")
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&Rollup{}).Run(context.Background(), s)
		if want := `cur: rollup: manifest "m.json" names no billing period and its rows have 2026-04 and 2026-05: unusable manifest`; err == nil || err.Error() != want {
			t.Fatalf("got  %v\nwant %s", err, want)
		}
	}
	s, err := locateOne(t, fstest.MapFS{"m.json": mapFile(m), "x.csv": mapFile(header + aLine)}, "m.json")
	if err != nil {
		t.Fatal(err)
	}
	rolled, err := (&Rollup{}).Run(context.Background(), s)
	if err != nil || rolled[0].Delivery.Period.String() != "2026-05" {
		t.Errorf("period %v, %v, want that of the rows", rolled[0].Delivery.Period, err)
	}
}

func TestFilesThatVanish(t *testing.T) {
	m := fstest.MapFS{"f00.csv": mapFile(header + aLine)}
	sets, err := Locate(context.Background(), FS(m), "f00.csv")
	if err != nil {
		t.Fatal(err)
	}
	delete(m, "f00.csv")
	if _, err := (&Rollup{}).Run(context.Background(), sets[0]); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"f00.csv"`) {
		t.Errorf("got %v, want fs.ErrNotExist naming the file", err)
	}
}

func TestProgress(t *testing.T) {
	var got []string
	r := Rollup{Progress: func(p Progress) { got = append(got, fmt.Sprintf("%s %d/%d %d", p.File, p.Files, p.Of, p.Rows)) }}
	if _, err := rollAll(filesOf([][]aRow{{rowOf("1", "2026-05", "1")}, {rowOf("1", "2026-05", "2"), rowOf("1", "2026-05", "3")}}), r); err != nil {
		t.Fatal(err)
	}
	if want := "[f00.csv 1/2 1 f01.csv 2/2 3]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestContainsFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aAbBkKK éİıſ-")), 0, 12, -1)
		s, sub := text.Draw(t, "s"), rapid.StringOfN(rapid.RuneFrom([]rune("aAbBkKſé")), 0, 3, -1).Draw(t, "sub")
		if got, want := containsFold(s, sub), strings.Contains(strings.ToLower(s), strings.ToLower(sub)); got != want {
			t.Fatalf("containsFold(%q, %q) = %v, want %v", s, sub, got, want)
		}
	})
}
