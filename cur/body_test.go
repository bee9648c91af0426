package cur

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"
)

func decimalOf(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

// seedBodies are bodies small enough to serve as a fuzz corpus.
func seedBodies(tb testing.TB) [][]byte {
	row := aRow{payer: "111111111111", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "AmazonBedrock", usageType: "USE1-a",
		principal: "arn:aws:sts::1:assumed-role/R/s1", usage: "3", cost: "1.81E-8", currency: "USD"}
	rest := row
	rest.product, rest.cost = "AmazonEC2", "99999999999999999999999999.5"
	var out [][]byte
	for _, r := range []Rollup{{}, {Where: aiOnly}, {Keys: []Column{"resourceTags/user:team"}}} {
		rolled, err := rollAll(filesOf([][]aRow{{row, rest}}), r)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, rolled[0].Partial.AppendBody(nil))
	}
	rows, _ := faultyMonth()
	rolled, err := rollFiles(Rollup{Faults: Faults{Most: 10}}, rowsAsCSV(rows))
	if err != nil {
		tb.Fatal(err)
	}
	out = append(out, rolled[0].Partial.AppendBody(nil))
	return out
}

func TestDecodePartialRefusesDamage(t *testing.T) {
	for _, body := range seedBodies(t) {
		if _, err := DecodePartial(body); err != nil {
			t.Fatal(err)
		}
		for n := range body {
			if _, err := DecodePartial(body[:n]); !errors.Is(err, ErrPartial) {
				t.Fatalf("cut to %d of %d bytes: %v, want ErrPartial", n, len(body), err)
			}
		}
		if _, err := DecodePartial(append(body[:len(body):len(body)], 0)); !errors.Is(err, ErrPartial) {
			t.Errorf("a byte too many: %v, want ErrPartial", err)
		}
	}
}

func FuzzDecodePartial(f *testing.F) {
	for _, b := range seedBodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePartial(b)
		if err != nil {
			if !errors.Is(err, ErrPartial) {
				t.Fatalf("error %v is no ErrPartial", err)
			}
			return
		}
		// What decodes is canonical, and usable.
		if string(p.AppendBody(nil)) != string(b) {
			t.Fatal("body changed on the way")
		}
		for i := range p.Len() {
			p.Key(i)
			p.Sums(i)
		}
		for range p.Rest() {
		}
		p.Control()
	})
}

// Bodies that say what a canonical one says in another way are none: two bodies of
// the same groups would have two digests.
func TestDecodePartialRefusesOtherForms(t *testing.T) {
	li := &LineItem{Payer: "p", UsageStart: written, BillingPeriod: MonthOf(written), LineItemType: "Usage"}
	if err := li.Set(UnblendedCost, decimalOf(1)); err != nil {
		t.Fatal(err)
	}
	p, err := (&Rollup{}).Rows(seqOf(li))
	if err != nil {
		t.Fatal(err)
	}
	decode := func(change func(*table)) error {
		q, err := DecodePartial(p.AppendBody(nil))
		if err != nil {
			t.Fatal(err)
		}
		change(q.t)
		_, err = DecodePartial(q.AppendBody(nil))
		return err
	}
	if err := decode(func(*table) {}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*table){
		"a text that no group has":  func(t *table) { t.dicts[slotPayer].vals = []string{"p", "q"} },
		"texts out of order":        func(t *table) { t.dicts[slotPayer].vals = []string{"q", "p"} },
		"an invoice that is none":   func(t *table) { t.dicts[slotInvoice].vals = []string{"x"} },
		"more rows than there are":  func(t *table) { t.groups.sums.at(0).rows = maxCount + 1 },
		"rows below zero":           func(t *table) { t.groups.sums.at(0).rows = -1 },
		"more net rows than rows":   func(t *table) { t.groups.sums.at(0).net = 2 },
		"unread below zero":         func(t *table) { t.unread = -1 },
		"a month after year 9999":   func(t *table) { t.stems.vals[slotPeriod] = maxMonth + 1 },
		"a bucket after year 9999":  func(t *table) { t.groups.keys.vals[keyBucket] = maxBucket / 3600 << 2 },
		"columns out of order":      func(t *table) { t.spec.Columns = []Column{"b", "a"} },
		"a column of every key":     func(t *table) { t.spec.Columns = []Column{ColPayer} },
		"a control total too large": func(t *table) { t.control[ControlKey{}] = &Measures{Rows: maxCount + 1} },
		"a group twice": func(t *table) {
			g := &t.groups
			m := g.measures(0)
			g.keys.append(g.keys.at(0))
			g.add(g.sums.grow(), &m)
		},
	} {
		if err := decode(change); !errors.Is(err, ErrPartial) {
			t.Errorf("%s: %v, want ErrPartial", name, err)
		}
	}
}

func TestNewPartialRefusesWhatCannotBeKept(t *testing.T) {
	spec := (&Rollup{}).Spec()
	group := func(change func(*Group)) Contents {
		g := Group{Key: Key{Bucket: Bucket{Start: 3600, Span: Hour}}, Measures: Measures{Rows: 1}}
		change(&g)
		return Contents{Groups: []Group{g}}
	}
	if _, err := NewPartial(spec, group(func(*Group) {})); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Contents{
		"rows below zero":        group(func(g *Group) { g.Rows = -1 }),
		"half an hour":           group(func(g *Group) { g.Key.Bucket.Start = 1800 }),
		"a bucket before 1970":   group(func(g *Group) { g.Key.Bucket.Start = -3600 }),
		"a span that is none":    group(func(g *Group) { g.Key.Bucket.Span = 7 }),
		"a month before year 0":  group(func(g *Group) { g.Key.BillingPeriod = Month{-1} }),
		"rest rows below zero":   {Rest: []RestGroup{{Measures: Measures{Rows: -1}}}},
		"control of many rows":   {Control: []Control{{Measures: Measures{Rows: maxCount + 1}}}},
		"unread rows below zero": {Unread: -1},
	} {
		if _, err := NewPartial(spec, c); !errors.Is(err, ErrPartial) {
			t.Errorf("%s: %v, want ErrPartial", name, err)
		}
	}
	spec.Columns = []Column{"b", "a"}
	if _, err := NewPartial(spec, Contents{}); !errors.Is(err, ErrPartial) {
		t.Errorf("columns out of order: %v, want ErrPartial", err)
	}
	spec.Columns = []Column{"a"}
	if _, err := NewPartial(spec, group(func(*Group) {})); !errors.Is(err, ErrMismatch) {
		t.Errorf("group without the declared column: %v, want ErrMismatch", err)
	}
}

// Sums of measures without a column are not in the body, so they are not in the
// partial either.
func TestNewPartialLeavesOutAbsentMeasures(t *testing.T) {
	g := Group{Key: Key{Bucket: Bucket{Span: Day}}, Measures: Measures{Rows: 1}}
	for _, m := range []Measure{UnblendedCost, Usage, SavingsPlanUsedCommitment} {
		if err := g.Put(m, decimalOf(1)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := NewPartial((&Rollup{}).Spec(), Contents{Measures: MeasureSet(0).with(UnblendedCost), Groups: []Group{g}})
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodePartial(p.AppendBody(nil))
	if err != nil {
		t.Fatal(err)
	}
	a, b := p.Sums(0), back.Sums(0)
	if !a.Equal(&b) || a.Sum(UnblendedCost).String() != "1" || !a.Sum(Usage).IsZero() {
		t.Errorf("kept %+v, decoded %+v", a, b)
	}
}
