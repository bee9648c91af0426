package attribution_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// TestIdentityHasTeeth spoils a sound partial in one place at a time.
func TestIdentityHasTeeth(t *testing.T) {
	other := func(li *cur.LineItem) { li.ProductCode = "AmazonS3" }
	net := row(t, "2026-05-03", "3", agent("r"))
	put(t, net, cur.NetUnblendedCost, "2")
	rolled := roll(t, row(t, "2026-05-03", "3", agent("r")), row(t, "2026-05-04", "4", agent("s")), row(t, "2026-05-04", "0", agent("free")), net,
		row(t, "2026-05-04", "5", kind("Tax")), row(t, "2026-05-04", "6", other), row(t, "2026-05-04", "-6", both(other, kind("Credit"))))
	one := func(m cur.Measure, v string) cur.Measures {
		p := roll(t, row(t, "2026-05-03", v, nil))
		s := p.Sums(0)
		if m != cur.UnblendedCost {
			t.Fatal("only costs")
		}
		return s
	}
	tests := []struct {
		name  string
		spoil func(*cur.Contents)
		sound bool
	}{
		{"nothing spoiled", func(*cur.Contents) {}, true},
		{"a group dropped", func(c *cur.Contents) { c.Groups = c.Groups[1:] }, false},
		{"a group doubled", func(c *cur.Contents) { c.Groups = append(c.Groups, c.Groups[0]) }, false},
		{"a free group dropped", func(c *cur.Contents) {
			for i, g := range c.Groups {
				if g.Key.Resource == "free" {
					c.Groups = append(c.Groups[:i], c.Groups[i+1:]...)
					return
				}
			}
			t.Fatal("no free group")
		}, false},
		{"a rest group dropped", func(c *cur.Contents) { c.Rest = c.Rest[1:] }, false},
		{"a rest group doubled", func(c *cur.Contents) { c.Rest = append(c.Rest, c.Rest[0]) }, false},
		{"money moved between line item types", func(c *cur.Contents) {
			for i := range c.Groups {
				if c.Groups[i].Key.LineItemType == "Tax" {
					c.Groups[i].Key.LineItemType = "Usage"
				}
			}
		}, false},
		{"money moved between currencies", func(c *cur.Contents) { c.Groups[0].Key.Currency = "EUR" }, false},
		{"the smallest decimal", func(c *cur.Contents) { d := one(cur.UnblendedCost, "0.000000000000000001"); c.Groups[0].Add(&d) }, false},
		{"a control total dropped", func(c *cur.Contents) { c.Control = c.Control[1:] }, false},
		{"a row not counted", func(c *cur.Contents) { c.Control[0].Rows-- }, false},
		{"a net cell not summed", func(c *cur.Contents) {
			for i := range c.Control {
				if c.Control[i].Key.LineItemType == "Usage" {
					m := c.Control[i].Measures
					if err := m.Put(cur.NetUnblendedCost, m.Sum(cur.NetUnblendedCost).Add(m.Sum(cur.NetUnblendedCost))); err != nil {
						t.Fatal(err)
					}
					c.Control[i].Measures = m
				}
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := contents(rolled)
			tt.spoil(&c)
			p, err := cur.NewPartial(rolled.Spec(), c)
			if err != nil {
				t.Fatal(err)
			}
			all, err := attribution.Attribute(t.Context(), p, index(t, p, nil, claim("c", "resource", "r", "")), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range all {
				if st.Reconciled != tt.sound || (len(st.Differences) == 0) != tt.sound {
					t.Errorf("%s: reconciled %v, want %v; differences %v", st.Currency, st.Reconciled, tt.sound, st.Differences)
				}
			}
		})
	}
}
