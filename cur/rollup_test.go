package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"
)

// header is a small CUR 2.0 header.
const header = "bill_payer_account_id,bill_billing_period_start_date,bill_billing_entity,identity_time_interval," +
	"line_item_line_item_type,line_item_product_code,line_item_usage_type,line_item_resource_id,line_item_iam_principal," +
	"line_item_usage_amount,line_item_unblended_cost,line_item_net_unblended_cost,line_item_currency_code,product\n"

// aRow is a row of that header.
type aRow struct {
	payer, period, day, kind, product, usageType, resource, principal, usage, cost, net, currency string
}

func (r aRow) csv() string {
	return strings.Join([]string{r.payer, r.period + "-01T00:00:00.000Z", "AWS", r.day + "T00:00:00Z/" + r.day + "T01:00:00Z", r.kind, r.product,
		r.usageType, r.resource, r.principal, r.usage, r.cost, r.net, r.currency, `"{""product_name"":""P""}"`}, ",") + "\n"
}

// rowsGen draws rows with many equal keys.
func rowsGen() *rapid.Generator[[]aRow] {
	num := rapid.Custom(func(t *rapid.T) string {
		s := strconv.FormatInt(rapid.Int64Range(-1e12, 1e12).Draw(t, "n"), 10)
		if rapid.Bool().Draw(t, "exp") {
			s += fmt.Sprintf("E-%d", rapid.IntRange(0, 12).Draw(t, "e"))
		}
		return s
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) aRow {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		return aRow{
			payer: pick("payer", "111111111111", "111111111111", "222222222222"), period: "2026-05",
			day:  pick("day", "2026-05-01", "2026-05-02", "2026-05-03"),
			kind: pick("kind", "Usage", "Usage", "Credit", "EdpDiscount"), product: pick("product", "AmazonBedrock", "AmazonBedrockAgentCore", "AmazonEC2"),
			usageType: pick("usage type", "USE1-a", "USE1-b"), resource: pick("resource", "", "r1", "r2"),
			principal: pick("principal", "", "arn:aws:sts::1:assumed-role/R/s1", "arn:aws:sts::1:assumed-role/R/s2"),
			usage:     num.Draw(t, "usage"), cost: num.Draw(t, "cost"), net: pick("net", "", num.Draw(t, "net")),
			currency: pick("currency", "USD", "EUR"),
		}
	}), 0, 60)
}

// filesOf writes rows to csv files.
func filesOf(parts [][]aRow) fstest.MapFS {
	m := fstest.MapFS{}
	for i, rows := range parts {
		var b strings.Builder
		b.WriteString(header)
		for _, r := range rows {
			b.WriteString(r.csv())
		}
		m[fmt.Sprintf("f%02d.csv", i)] = &fstest.MapFile{Data: []byte(b.String()), ModTime: time.Unix(1780000000, 0)}
	}
	return m
}

func rollAll(m fstest.MapFS, r Rollup) ([]Rolled, error) {
	var names []string
	for i := range len(m) {
		names = append(names, fmt.Sprintf("f%02d.csv", i))
	}
	sets, err := Locate(context.Background(), FS(m), names...)
	if err != nil || len(sets) == 0 {
		return nil, err
	}
	return r.Run(context.Background(), sets[0])
}

var aiOnly = Where{Any: []Clause{{{Column: ColProductCode, Op: Prefix, Values: []string{"AmazonBedrock"}}}}}

// Any split of the input into files, in any order, gives byte-identical bodies.
func TestSplitsAndOrdersGiveTheSameBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsGen().Draw(t, "rows")
		r := Rollup{}
		if rapid.Bool().Draw(t, "where") {
			r.Where = aiOnly
		}
		whole, err := rollAll(filesOf([][]aRow{rows}), r)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(rows).Draw(t, "order")
		var parts [][]aRow
		for len(shuffled) > 0 {
			n := rapid.IntRange(1, len(shuffled)).Draw(t, "part")
			parts, shuffled = append(parts, shuffled[:n]), shuffled[n:]
		}
		// Equal files would rightly be refused.
		split, err := rollAll(filesOf(parts), r)
		if errors.Is(err, ErrDuplicate) {
			t.Skip("two files of the same content")
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(split) != len(whole) {
			t.Fatalf("%d deliveries, want %d", len(split), len(whole))
		}
		for i := range whole {
			if !bytes.Equal(split[i].Partial.AppendBody(nil), whole[i].Partial.AppendBody(nil)) {
				t.Fatalf("bodies differ for %d parts", len(parts))
			}
		}
	})
}

// Merging the partials of single rows gives the partial of all of them; bodies
// survive encoding; groups, rest and control add up to the rows.
func TestMergeAndEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsGen().Draw(t, "rows")
		for i := range rows {
			rows[i].payer = "111111111111"
		}
		if len(rows) == 0 {
			return
		}
		r := Rollup{Where: aiOnly, Keys: []Column{"product/product_name", ColResource}}
		whole, err := rollAll(filesOf([][]aRow{rows}), r)
		if err != nil {
			t.Fatal(err)
		}
		var ones []*Partial
		for _, row := range rows {
			one, err := rollAll(filesOf([][]aRow{{row}}), r)
			if err != nil {
				t.Fatal(err)
			}
			ones = append(ones, one[0].Partial.WithObjects(nil))
		}
		cut := rapid.IntRange(1, len(ones)).Draw(t, "cut")
		merged, err := Merge(ones[:cut]...)
		if err == nil && cut < len(ones) {
			var tail *Partial
			if tail, err = Merge(ones[cut:]...); err == nil {
				merged, err = Merge(tail, merged)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		body := merged.AppendBody(nil)
		if merged.Digest() != whole[0].Partial.Digest() {
			t.Fatal("merged body differs from the whole")
		}
		back, err := DecodePartial(body)
		if err != nil {
			t.Fatal(err)
		}
		want := new(big.Rat)
		for _, row := range rows {
			c, _ := new(big.Rat).SetString(row.cost)
			want.Add(want, c)
		}
		got, control, n := new(big.Rat), new(big.Rat), int64(0)
		for i, g := range back.Groups() {
			got.Add(got, g.Sum(UnblendedCost).Rat())
			n += g.Rows
			if i > 0 && back.Key(i-1).Compare(&g.Key) >= 0 {
				t.Fatal("groups out of order")
			}
			if v, ok := g.Key.Column("product/product_name"); !ok || v != "P" {
				t.Fatalf("declared column = %q, %v", v, ok)
			}
			if strings.Contains(g.Key.Principal, "/s") {
				t.Fatalf("principal %q kept its session", g.Key.Principal)
			}
		}
		for g := range back.Rest() {
			got.Add(got, g.Sum(UnblendedCost).Rat())
			n += g.Rows
		}
		for _, c := range back.Control() {
			control.Add(control, c.Sum(UnblendedCost).Rat())
		}
		if got.Cmp(want) != 0 || control.Cmp(want) != 0 || n != int64(len(rows)) {
			t.Fatalf("groups and rest %v in %d rows, control %v; want %v in %d", got, n, control, want, len(rows))
		}
	})
}

func TestMergeRefuses(t *testing.T) {
	rolled, err := rollAll(filesOf([][]aRow{{{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "P", cost: "1"}}}), Rollup{})
	if err != nil {
		t.Fatal(err)
	}
	p := rolled[0].Partial
	if _, err := Merge(p, p); !errors.Is(err, ErrDuplicate) {
		t.Errorf("merging a partial with itself: %v, want ErrDuplicate", err)
	}
	other, err := rollAll(filesOf([][]aRow{{{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "P", cost: "2"}}}), Rollup{Bucket: Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Merge(p, other[0].Partial); !errors.Is(err, ErrMismatch) {
		t.Errorf("merging different specs: %v, want ErrMismatch", err)
	}
	if _, err := Merge(); !errors.Is(err, ErrMismatch) {
		t.Errorf("merging nothing: %v, want ErrMismatch", err)
	}
}

// The table grows; sums must not be lost on the way.
func TestManyGroups(t *testing.T) {
	const n = 70_000
	spec := (&Rollup{}).Spec()
	tab := newTable(spec, 1<<NumMeasures-1, 0)
	want := new(big.Rat)
	for round := range 2 {
		for i := range n {
			k := Key{UsageType: strconv.Itoa(i % 300), Resource: strconv.Itoa(i), LineItemType: "Usage"}
			var m Measures
			m.Rows = 1
			if err := m.Put(UnblendedCost, decimalOf(int64(i+round))); err != nil {
				t.Fatal(err)
			}
			if i%1000 == 0 {
				if err := m.Put(ReservationUnusedRecurringFee, decimalOf(7)); err != nil {
					t.Fatal(err)
				}
			}
			tab.groups.add(tab.groups.find(tab.intern(&k)), &m)
			want.Add(want, new(big.Rat).SetInt64(int64(i+round)))
		}
	}
	tab.finish()
	p := &Partial{t: tab}
	if p.Len() != n {
		t.Fatalf("%d groups, want %d", p.Len(), n)
	}
	got, sparse := new(big.Rat), 0
	for i, g := range p.Groups() {
		got.Add(got, g.Sum(UnblendedCost).Rat())
		id, _ := strconv.Atoi(g.Key.Resource)
		if want := int64(2*id + 1); g.Sum(UnblendedCost).IntPart() != want {
			t.Fatalf("group %d: %v, want %d", i, g.Sum(UnblendedCost), want)
		}
		if !g.Sum(ReservationUnusedRecurringFee).IsZero() {
			sparse++
			if id%1000 != 0 {
				t.Fatalf("group of resource %d has another's measure", id)
			}
		}
	}
	if got.Cmp(want) != 0 || sparse != n/1000 {
		t.Errorf("sum %v, want %v; %d sparse, want %d", got, want, sparse, n/1000)
	}
	back, err := DecodePartial(p.AppendBody(nil))
	if err != nil || back.Digest() != p.Digest() {
		t.Errorf("decoding a large body: %v", err)
	}
}

func TestMaxGroups(t *testing.T) {
	var rows []aRow
	for i := range 10 {
		rows = append(rows, aRow{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "P", resource: strconv.Itoa(i), cost: "1"})
	}
	_, err := rollAll(filesOf([][]aRow{rows}), Rollup{MaxGroups: 5})
	if !errors.Is(err, ErrCardinality) || !strings.Contains(err.Error(), `"line_item_resource_id"`) {
		t.Errorf("got %v, want ErrCardinality naming line_item_resource_id", err)
	}
	if _, err := rollAll(filesOf([][]aRow{rows}), Rollup{MaxGroups: 10}); err != nil {
		t.Errorf("exactly MaxGroups groups: %v", err)
	}
}

func TestRestUnread(t *testing.T) {
	rows := []aRow{
		{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "AmazonBedrock", cost: "1"},
		{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "AmazonEC2", cost: "2"},
	}
	rolled, err := rollAll(filesOf([][]aRow{rows}), Rollup{Where: aiOnly, RestUnread: true})
	if err != nil {
		t.Fatal(err)
	}
	if p := rolled[0].Partial; p.Unread() != 1 || p.Len() != 1 {
		t.Errorf("unread %d, groups %d, want 1 and 1", p.Unread(), p.Len())
	}
}

func TestRunStopsOnCancel(t *testing.T) {
	m := filesOf([][]aRow{{{payer: "1", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "P", cost: "1"}}})
	ctx, cancel := context.WithCancel(context.Background())
	sets, err := Locate(ctx, FS(m), "f00.csv")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := (&Rollup{}).Run(ctx, sets[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// Where means the same for a row and for the key it is grouped under.
func TestWhereAgreesOnRowsAndKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		li := &LineItem{ProductCode: pick("product", "AmazonBedrock", "amazonbedrock", "X"), ProductName: pick("name", "Claude (Amazon Bedrock Edition)", ""),
			Principal: pick("principal", "arn:aws:sts::1:assumed-role/R/s", ""), BillingPeriod: MonthOf(time.Unix(1780000000, 0)), UsageStart: time.Unix(1780000000, 0)}
		cond := Cond{Column: Column(pick("column", string(ColProductCode), string(ColProductName), string(ColPrincipal), string(ColBillingPeriod))),
			Op:     Op(pick("op", string(In), string(FoldIn), string(Prefix), string(Contains))),
			Values: []string{pick("value", "AmazonBedrock", "bedrock", "arn:aws:sts::1:assumed-role/R", "2026-05", "s")}}
		w := Where{Any: []Clause{{cond}}}
		byRow, byKey, compiled := w.MatchRow(li), w.MatchKey(KeyOf(li, Day)), compile(w).match(li)
		if byRow != byKey || byRow != compiled {
			t.Fatalf("row %v, key %v, compiled %v for %+v", byRow, byKey, compiled, cond)
		}
	})
}

func TestWhereOutsideTheKeyIsRefused(t *testing.T) {
	r := Rollup{Where: Where{Any: []Clause{{{Column: "line_item_availability_zone", Op: In, Values: []string{"a"}}}}}}
	if _, err := rollAll(filesOf([][]aRow{{}}), r); err == nil || !strings.Contains(err.Error(), "declare it in Keys") {
		t.Errorf("got %v", err)
	}
}

// A series is the days of one thing, and its total what they add up to, whatever the
// sums: small numbers that no longer fit one, measures that are kept apart, rows in
// more than one piece of memory.
func TestSeriesAddUp(t *testing.T) {
	spec := (&Rollup{Keys: []Column{"resourceTags/user:team"}}).Spec()
	tab := newTable(spec, 1<<NumMeasures-1, 0)
	for i := range 1200 {
		k := (&Key{Resource: strconv.Itoa(i % 3), Bucket: Bucket{Start: int64(i/3) * 86400, Span: Day}}).
			WithColumns(spec.Columns, []string{strconv.Itoa(i / 150)})
		var m Measures
		m.Rows, m.NetRows, m.CostBlank = 1, int64(i%2), int64(i%5)
		for _, of := range []Measure{UnblendedCost, Usage, ReservationUnusedRecurringFee} {
			if err := m.Put(of, decimalOf(int64(i)).Shift(int32(i%12))); err != nil {
				t.Fatal(err)
			}
		}
		tab.groups.add(tab.groups.find(tab.intern(k)), &m)
	}
	tab.finish()
	p := &Partial{t: tab}
	series := 0
	for i := 0; i < p.Len(); series++ {
		var want Measures
		end := i
		for ; end < p.Len(); end++ {
			a, b := *p.Key(i), *p.Key(end)
			if b.Bucket = a.Bucket; a.Compare(&b) != 0 {
				break
			}
			m := p.Sums(end)
			want.Add(&m)
		}
		if got := p.Series(i); got != end {
			t.Fatalf("series from %d ends at %d, want %d", i, got, end)
		}
		if got := p.Total(i, end); !got.Equal(&want) {
			t.Errorf("groups %d to %d add up to %+v, want %+v", i, end, got, want)
		}
		if got := p.Total(i, i); !got.Equal(&Measures{}) {
			t.Errorf("no groups add up to %+v", got)
		}
		i = end
	}
	if series < 6 {
		t.Errorf("%d series, want three resources with two tags", series)
	}
}
