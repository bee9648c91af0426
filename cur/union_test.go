package cur

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// drawContents draws a partial's contents of few different texts, so that groups of two
// have much in common.
func drawContents(t *rapid.T, spec Spec) Contents {
	text := func(name string) string { return rapid.SampledFrom([]string{"", "a", "aa", "b", "c"}).Draw(t, name) }
	month := func() Month { return Month{int32(rapid.IntRange(1000, 1001).Draw(t, "month"))} }
	measures := func() (m Measures) {
		m.Rows = rapid.Int64Range(1, 9).Draw(t, "rows")
		for _, of := range []Measure{UnblendedCost, Usage, ReservationUnusedRecurringFee} {
			d := decimal.New(rapid.Int64().Draw(t, "amount"), int32(rapid.IntRange(-18, 18).Draw(t, "exponent")))
			if rapid.Bool().Draw(t, "none") {
				continue
			}
			if err := m.Put(of, d); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	c := Contents{Measures: 1<<NumMeasures - 1, Columns: spec.Columns}
	for range rapid.IntRange(0, 12).Draw(t, "groups") {
		k := (&Key{Payer: "p", BillingPeriod: month(), Invoice: Invoice{ID: text("invoice"), LegalEntity: text("entity")},
			ProductCode: text("product"), Resource: text("resource"),
			Bucket: Bucket{Start: rapid.Int64Range(0, 3).Draw(t, "day") * 86400, Span: Day}}).
			WithColumns(spec.Columns, []string{text("tag"), text("tag")})
		c.Groups = append(c.Groups, Group{*k, measures()})
	}
	for range rapid.IntRange(0, 5).Draw(t, "rest") {
		c.Rest = append(c.Rest, RestGroup{RestKey{Payer: "p", BillingPeriod: month(), ProductCode: text("product"), Invoice: Invoice{ID: text("invoice")}}, measures()})
	}
	for range rapid.IntRange(0, 3).Draw(t, "control") {
		c.Control = append(c.Control, Control{ControlKey{Payer: "p", BillingPeriod: month(), LineItemType: text("type")}, measures()})
	}
	for range rapid.IntRange(0, 2).Draw(t, "rejected") {
		c.Rejected = append(c.Rejected, Rejected{RejectedKey{ControlKey: ControlKey{Payer: "p", BillingPeriod: month()}, Reason: CostUnreadable, ProductCode: text("product")}, rapid.Int64Range(1, 9).Draw(t, "rows")})
	}
	c.Unread = rapid.Int64Range(0, 9).Draw(t, "unread")
	return c
}

// Whatever is merged, made here, decoded from a body or merged before, comes to what
// one partial of everything is; and stays as it was.
func TestMergeEqualsAll(t *testing.T) {
	spec := (&Rollup{Keys: []Column{"resourceTags/user:one", "resourceTags/user:two"}}).Spec()
	rapid.Check(t, func(t *rapid.T) {
		var all Contents
		var parts []*Partial
		for range rapid.IntRange(1, 5).Draw(t, "partials") {
			c := drawContents(t, spec)
			p, err := NewPartial(spec, c)
			if err != nil {
				t.Fatal(err)
			}
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 1:
				if p, err = DecodePartial(p.AppendBody(nil)); err != nil {
					t.Fatal(err)
				}
			case 2:
				if last := len(parts) - 1; last >= 0 {
					if p, err = Merge(p, parts[last]); err != nil {
						t.Fatal(err)
					}
					parts = parts[:last]
				}
			}
			parts = append(parts, p)
			all.Measures, all.Columns = c.Measures, c.Columns
			all.Groups = append(all.Groups, c.Groups...)
			all.Rest = append(all.Rest, c.Rest...)
			all.Control = append(all.Control, c.Control...)
			all.Rejected = append(all.Rejected, c.Rejected...)
			all.Unread += c.Unread
		}
		want, err := NewPartial(spec, all)
		if err != nil {
			t.Fatal(err)
		}
		var before [][32]byte
		for _, p := range parts {
			before = append(before, p.Digest())
		}
		got, err := Merge(parts...)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest() != want.Digest() {
			t.Fatalf("merging %d partials: %d groups, want %d", len(parts), got.Len(), want.Len())
		}
		for i, p := range parts {
			if p.Digest() != before[i] {
				t.Errorf("partial %d is another one after merging", i)
			}
		}
	})
}

func TestPlaces(t *testing.T) {
	for _, x := range []struct{ a, b, inA, inB string }{
		{"", "", "[]", "[]"},
		{"ac", "", "[0 1]", "[]"},
		{"", "ac", "[]", "[0 1]"},
		{"ace", "bd", "[0 2 4]", "[1 3]"},
		{"abc", "abc", "[0 1 2]", "[0 1 2]"},
		{"bc", "ab", "[1 2]", "[0 1]"},
	} {
		inA, inB, n := places(len(x.a), len(x.b), func(i, j int) int { return int(x.a[i]) - int(x.b[j]) })
		if fmt.Sprint(inA) != x.inA || fmt.Sprint(inB) != x.inB {
			t.Errorf("places of %q and %q: %v and %v, want %s and %s", x.a, x.b, inA, inB, x.inA, x.inB)
		}
		if last := slices.Max(append(slices.Concat(inA, inB), 0)); n != int(last)+1 && n > 0 {
			t.Errorf("%q and %q have %d places, the last is %d", x.a, x.b, n, last)
		}
	}
}
