package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// faultyColumns are columns of text, in which a fault of any kind fits.
var faultyColumns = []string{"bill_payer_account_id", "bill_billing_period_start_date", "line_item_usage_start_date", "line_item_line_item_type",
	"line_item_currency_code", "line_item_product_code", "line_item_usage_amount", "line_item_unblended_cost", "resource_tags"}

// faultyRow is a row of May; edit says what is wrong with it.
func faultyRow(day int, edit map[string]string) []string {
	cells := []string{"111122223333", "2026-05-01T00:00:00Z", fmt.Sprintf("2026-05-%02dT00:00:00Z", day), "Usage", "USD", "AmazonBedrock", "2", "0.5", `{"user_team":"a"}`}
	for i, c := range faultyColumns {
		if v, ok := edit[c]; ok {
			cells[i] = v
		}
	}
	return cells
}

func rowsAsCSV(rows [][]string) []byte {
	var b strings.Builder
	for _, r := range append([][]string{faultyColumns}, rows...) {
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

func rowsAsParquet(t *testing.T, rows [][]string) []byte {
	cols := make([]pcol, len(faultyColumns))
	for i, c := range faultyColumns {
		cols[i] = pcol{c, colscan.String, nil}
		for _, r := range rows {
			cols[i].cells = append(cols[i].cells, r[i])
		}
	}
	return parquetFile(t, &colscan.WriterOptions{RowGroupRows: 7}, cols...)
}

// rollFiles rolls up bare files.
func rollFiles(r Rollup, files ...[]byte) ([]Rolled, error) {
	fsys := fstest.MapFS{}
	var names []string
	for i, f := range files {
		names = append(names, fmt.Sprintf("in-%d", i))
		fsys[names[i]] = &fstest.MapFile{Data: f}
	}
	sets, err := Locate(context.Background(), FS(fsys), names...)
	if err != nil {
		return nil, err
	}
	return r.Run(context.Background(), sets[0])
}

// faultyMonth has thirty rows, of which six are faulty.
func faultyMonth() (rows [][]string, faults []string) {
	edits := map[int]map[string]string{
		3:  {"line_item_unblended_cost": "1.2.3"},
		9:  {"line_item_unblended_cost": "NaN", "line_item_line_item_type": "Tax"},
		10: {"line_item_usage_amount": "1e999"},
		16: {"line_item_usage_start_date": "yesterday"},
		20: {"bill_billing_period_start_date": ""},
		29: {"resource_tags": `{"user_team":"a","user_team":"b"}`},
	}
	for i := range 30 {
		rows = append(rows, faultyRow(1+i%28, edits[i]))
	}
	return rows, []string{"row 4", "row 10", "row 11", "row 17", "row 21", "row 30"}
}

// What is left out is counted, named, and the same by rows and by columns, whatever
// the number of workers.
func TestFaultyRowsAreLeftOutAndCounted(t *testing.T) {
	rows, wantRows := faultyMonth()
	wantRejected := []Rejected{
		{RejectedKey{ControlKey{"111122223333", month(t, "2026-05"), "USD", "Tax"}, "AmazonBedrock", CostUnreadable}, 1},
		{RejectedKey{ControlKey{"111122223333", month(t, "2026-05"), "USD", "Usage"}, "AmazonBedrock", CostUnreadable}, 1},
		{RejectedKey{ControlKey{"111122223333", month(t, "2026-05"), "USD", "Usage"}, "AmazonBedrock", RowUnreadable}, 4},
	}
	bodies := map[string]bool{}
	for name, c := range map[string]struct {
		file    []byte
		workers int
		byRows  bool
	}{
		"CSV":                       {rowsAsCSV(rows), 0, false},
		"Parquet":                   {rowsAsParquet(t, rows), 0, false},
		"Parquet with five workers": {rowsAsParquet(t, rows), 5, false},
		"Parquet by rows":           {rowsAsParquet(t, rows), 0, true},
	} {
		for _, where := range []Where{{}, {Any: []Clause{{{ColProductCode, In, []string{"none"}}}}}} {
			t.Run(fmt.Sprint(name, " ", len(where.Any)), func(t *testing.T) {
				r := Rollup{Keys: []Column{"resource_tags/user_team"}, Where: where, Workers: c.workers, byRows: c.byRows}
				if _, err := rollFiles(r, c.file); err == nil || !strings.Contains(err.Error(), "row 4,") {
					t.Fatalf("without Faults: %v, want the first", err)
				}
				r.Faults.Most = len(wantRows) - 1
				if len(where.Any) > 0 {
					r.Faults.Most-- // nobody looks at the tags of the rest
				}
				last := wantRows[r.Faults.Most]
				if _, err := rollFiles(r, c.file); err == nil || !strings.Contains(err.Error(), last) {
					t.Fatalf("at most %d: %v, want %s", r.Faults.Most, err, last)
				}
				r.Faults.Most++
				want, rejected := wantRows[:r.Faults.Most], wantRejected
				if len(where.Any) > 0 {
					rejected = append(rejected[:2:2], Rejected{rejected[2].Key, 3})
				}
				rolled, err := rollFiles(r, c.file)
				if err != nil || len(rolled) != 1 {
					t.Fatalf("%d deliveries, %v", len(rolled), err)
				}
				p := rolled[0].Partial
				var got []string
				for _, e := range rolled[0].Faults {
					got = append(got, fmt.Sprintf("row %d", e.Row))
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("faults (-want +got):\n%s", d)
				}
				if d := cmp.Diff(rejected, p.Rejected(), cmp.Comparer(func(a, b Month) bool { return a == b })); d != "" {
					t.Errorf("rejected (-want +got):\n%s", d)
				}
				kept := int64(len(rows) - len(want))
				var grouped, control Measures
				for _, g := range p.Groups() {
					grouped.Add(&g.Measures)
				}
				for g := range p.Rest() {
					grouped.Add(&g.Measures)
				}
				for _, c := range p.Control() {
					control.Add(&c.Measures)
				}
				cost := decimal.New(kept*5, -1)
				if grouped.Rows != kept || !grouped.Equal(&control) || !grouped.Sum(UnblendedCost).Equal(cost) {
					t.Errorf("groups %d rows, %s, control %d rows; want %d rows, %s", grouped.Rows, grouped.Sum(UnblendedCost), control.Rows, kept, cost)
				}
				if o := p.Objects(); len(o) != 1 || o[0].Rows != int64(len(rows)) {
					t.Errorf("objects %+v, want one of %d rows", o, len(rows))
				}
				body := p.AppendBody(nil)
				bodies[fmt.Sprint(len(where.Any), string(body))] = true
				back, err := DecodePartial(body)
				if err != nil || !bytes.Equal(back.AppendBody(nil), body) {
					t.Errorf("the body does not come back: %v", err)
				}
			})
		}
	}
	if len(bodies) != 2 {
		t.Errorf("%d bodies of 2 rollups", len(bodies))
	}
}

func month(t *testing.T, s string) Month {
	t.Helper()
	m, err := ParseMonth(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Files that are read side by side leave out what they leave out one by one.
func TestFaultsOfSeveralFiles(t *testing.T) {
	rows, _ := faultyMonth()
	var digests [][32]byte
	var faults [][]string
	for _, workers := range []int{1, 4} {
		for _, as := range []func([][]string) []byte{rowsAsCSV, func(r [][]string) []byte { return rowsAsParquet(t, r) }} {
			r := Rollup{Keys: []Column{"resource_tags/user_team"}, Workers: workers, Faults: Faults{Most: 6}}
			rolled, err := rollFiles(r, as(rows[:8]), as(rows[8:17]), as(rows[17:]))
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, e := range rolled[0].Faults {
				list = append(list, fmt.Sprintf("%s %d", e.Source, e.Row))
			}
			digests, faults = append(digests, rolled[0].Partial.Digest()), append(faults, list)
		}
	}
	for i := range digests {
		if d := cmp.Diff([]string{"in-0 4", "in-1 2", "in-1 3", "in-1 9", "in-2 4", "in-2 13"}, faults[i]); d != "" || digests[i] != digests[0] {
			t.Errorf("run %d: same body %v, faults (-want +got):\n%s", i, digests[i] == digests[0], d)
		}
	}
}

// A row with too few cells says nothing of itself: it belongs with the row before
// it, or with the first that can be read.
func TestRowsThatSayNothing(t *testing.T) {
	good, short := faultyRow(3, nil), []string{"x", "y"}
	for name, rows := range map[string][][]string{"first": {short, good}, "last": {good, short}, "between": {good, short, good}} {
		rolled, err := rollFiles(Rollup{Faults: Faults{Most: 1}}, rowsAsCSV(rows))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []Rejected{{RejectedKey{ControlKey{"111122223333", month(t, "2026-05"), "", ""}, "", RowUnreadable}, 1}}
		if d := cmp.Diff(want, rolled[0].Partial.Rejected(), cmp.Comparer(func(a, b Month) bool { return a == b })); len(rolled) != 1 || d != "" {
			t.Errorf("%s: %d deliveries, rejected (-want +got):\n%s", name, len(rolled), d)
		}
	}
	// Where no row can be read, the file is what is wrong.
	var e *RowError
	if _, err := rollFiles(Rollup{Faults: Faults{Most: 9}}, rowsAsCSV([][]string{short, short})); !errors.As(err, &e) || e.Row != 1 {
		t.Errorf("no row can be read: %v, want the first fault", err)
	}
}

func TestFaultsAreHandedOver(t *testing.T) {
	rows, want := faultyMonth()
	enough := errors.New("enough")
	for name, files := range map[string][][]byte{"CSV": {rowsAsCSV(rows)}, "Parquet": {rowsAsParquet(t, rows)},
		"a good Parquet file and a bad CSV": {rowsAsParquet(t, [][]string{faultyRow(1, nil)}), rowsAsCSV(rows)}} {
		var got []string
		r := Rollup{Keys: []Column{"resource_tags/user_team"}}
		r.Faults.Each = func(e *RowError) error {
			got = append(got, fmt.Sprintf("row %d", e.Row))
			return nil
		}
		rolled, err := rollFiles(r, files...)
		if d := cmp.Diff(want, got); err != nil || d != "" || rolled[0].Faults != nil {
			t.Errorf("%s: %v, faults (-want +got):\n%s", name, err, d)
		}
		calls := 0
		r.Faults.Each = func(*RowError) error {
			if calls++; calls == 3 {
				return enough
			}
			return nil
		}
		if _, err := rollFiles(r, files...); !errors.Is(err, enough) || calls != 3 {
			t.Errorf("%s: %v after %d faults, want %v after 3", name, err, calls, enough)
		}
	}
}

// Damage is no fault of a row.
func TestDamageIsNeverLeftOut(t *testing.T) {
	whole := string(rowsAsCSV([][]string{faultyRow(3, nil), faultyRow(4, nil)}))
	pq := parquetOf(t, 50)
	for name, file := range map[string][]byte{
		"a quote in a cell":    []byte(whole + `a"b,c` + "\n"),
		"a quote never closed": []byte(whole + `"a`),
		"a cut-off file":       pq[:len(pq)/2],
	} {
		r := Rollup{Faults: Faults{Each: func(e *RowError) error { t.Errorf("%s: handed over %v", name, e); return nil }}}
		if _, err := rollFiles(r, file); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := rollFiles(Rollup{Faults: Faults{Most: -1}}, []byte(whole)); err == nil {
		t.Error("a negative number of faults: no error")
	}
}

func TestReaderLeavesRowsOut(t *testing.T) {
	rows, want := faultyMonth()
	src := FS(fstest.MapFS{"in": {Data: rowsAsCSV(rows)}})
	f, err := src.Open(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(t.Context(), f, &ReaderOptions{Faults: Faults{Most: 10}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	// Nobody asked for the tags of row 30.
	if got := len(r.Faults()); n != 25 || got != len(want)-1 || r.Faults()[4].Row != 21 {
		t.Errorf("%d rows and %d faults, want 25 and 5", n, got)
	}
}

func TestMaxRow(t *testing.T) {
	row := faultyRow(3, map[string]string{"resource_tags": `{"user_team":"` + strings.Repeat("x", 1<<20) + `"}`})
	file := rowsAsCSV([][]string{row, faultyRow(4, nil)})
	keys := []Column{"resource_tags/user_team"}
	rolled, err := rollFiles(Rollup{Keys: keys}, file)
	if err != nil || rolled[0].Partial.Len() != 2 {
		t.Errorf("a cell of a mebibyte: %v", err)
	}
	_, err = rollFiles(Rollup{Keys: keys, MaxRow: 1 << 19}, file)
	if !errors.Is(err, errRecord) || !strings.Contains(err.Error(), "MaxRow") {
		t.Errorf("with half of that as MaxRow: %v, want %v", err, errRecord)
	}
	big := rowsAsCSV([][]string{faultyRow(3, map[string]string{"resource_tags": `{"user_team":"` + strings.Repeat("x", 20<<20) + `"}`})})
	if _, err := rollFiles(Rollup{}, big); !errors.Is(err, errRecord) {
		t.Errorf("a cell of 20 MiB: %v, want %v", err, errRecord)
	}
	if _, err := rollFiles(Rollup{MaxRow: 32 << 20}, big); err != nil {
		t.Errorf("a cell of 20 MiB with MaxRow of 32: %v", err)
	}
}

func TestRejectedRowsMergeAndAreKept(t *testing.T) {
	rows, _ := faultyMonth()
	r := Rollup{Faults: Faults{Most: 10}}
	one := func(rows [][]string) *Partial {
		rolled, err := rollFiles(r, rowsAsCSV(rows))
		if err != nil {
			t.Fatal(err)
		}
		return rolled[0].Partial
	}
	whole, a, b := one(rows), one(rows[:12]), one(rows[12:])
	merged, err := Merge(a, b)
	if err != nil || merged.Digest() != whole.Digest() {
		t.Errorf("halves do not merge to the whole: %v", err)
	}
	var groups []Group
	for _, g := range whole.Groups() {
		groups = append(groups, g)
	}
	var columns []Column
	for _, c := range keyColumns {
		if whole.HasColumn(c) {
			columns = append(columns, c)
		}
	}
	again, err := NewPartial(whole.Spec(), Contents{Measures: whole.Measures(), Columns: columns, Groups: groups, Control: whole.Control(), Rejected: whole.Rejected()})
	if err != nil || again.Digest() != whole.Digest() {
		t.Errorf("made again of its contents it is another: %v", err)
	}
	body := whole.AppendBody(nil)
	for name, damage := range map[string][]byte{
		"version 1 with rejected rows":    append([]byte(bodyMagic), body[4:]...),
		"version 2 without":               append([]byte(bodyMagicRejected), one(rows[:3]).AppendBody(nil)[4:]...),
		"version 2 with none, counted":    append(append([]byte(bodyMagicRejected), one(rows[:3]).AppendBody(nil)[4:]...), 0),
		"a reason that no reading gives":  bytes.Replace(body, []byte(CostUnreadable), []byte("cost_unreadably"), 1),
		"cut short in the last of counts": body[:len(body)-1],
	} {
		if _, err := DecodePartial(damage); !errors.Is(err, ErrPartial) {
			t.Errorf("%s: %v, want ErrPartial", name, err)
		}
	}
}

// FuzzFaults rolls up whatever text there is and leaves out what can be left out: no
// row is lost on the way, and the body comes back.
func FuzzFaults(f *testing.F) {
	rows, _ := faultyMonth()
	f.Add(rowsAsCSV(rows[:12]), true)
	f.Add([]byte(strings.Join(faultyColumns, ",")+"\nx\n1,2026-05-01,2026-05-02,Usage,USD,p,1,2,{}\n"), false)
	f.Add([]byte("BilledCost,EffectiveCost,ChargePeriodStart,ServiceName,BillingPeriodStart,Tags\nx,1,2026-05-04,S,2026-05-01,{\n1,1,2026-05-04,S,NULL,\n1,1,2026-05-04,S,2026-05-01,\n"), true)
	f.Fuzz(func(t *testing.T, text []byte, all bool) {
		if len(text) > 3 && (string(text[:2]) == "\x1f\x8b" || string(text[:4]) == "PAR1" || string(text[:2]) == "PK") {
			return // other targets'
		}
		handed := int64(0)
		r := Rollup{Keys: []Column{"resource_tags/user_team"}}
		if !all {
			r.Where = Where{Any: []Clause{{{ColProductCode, In, []string{"AmazonBedrock"}}}}}
		}
		r.Faults.Each = func(e *RowError) error {
			handed++
			if e.Row < 1 || e.Source != "in-0" {
				t.Errorf("fault at %q, row %d", e.Source, e.Row)
			}
			return nil
		}
		rolled, err := rollFiles(r, text)
		if err != nil {
			var e *RowError
			if !errors.As(err, &e) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCardinality) {
				t.Fatal(err)
			}
			return
		}
		var file, kept, rejected int64
		for _, d := range rolled {
			for _, o := range d.Partial.Objects() {
				file += o.Rows
			}
			for _, g := range d.Partial.Groups() {
				kept += g.Rows
			}
			for g := range d.Partial.Rest() {
				kept += g.Rows
			}
			for _, x := range d.Partial.Rejected() {
				rejected += x.Rows
			}
			for _, c := range d.Partial.Control() {
				kept -= c.Rows
			}
			body := d.Partial.AppendBody(nil)
			if p, err := DecodePartial(body); err != nil || !bytes.Equal(p.AppendBody(nil), body) {
				t.Fatalf("body does not come back: %v", err)
			}
		}
		var control int64
		for _, d := range rolled {
			for _, c := range d.Partial.Control() {
				control += c.Rows
			}
		}
		if kept != 0 || rejected != handed || file != control+rejected {
			t.Errorf("%d rows: %d more grouped than counted, %d counted, %d rejected, %d handed over", file, kept, control, rejected, handed)
		}
	})
}
