package attribution_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// asOf is when the earlier statements of these tests were delivered: complete
// through 3 May.
var asOf = time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)

func delivered(d time.Time) *attribution.Options {
	return &attribution.Options{Delivery: cur.Delivery{Payer: "999999999999", Period: cur.MonthOf(asOf), AsOf: d}}
}

func TestDiffLabels(t *testing.T) {
	a, b := arn("runtime/a-1"), arn("runtime/b-1")
	claimA := claim("a", "resource", a, "")
	moved := claimA
	moved.Target = attribution.Whole{Workload: "w-new"}
	invoiced := func(li *cur.LineItem) { li.InvoiceID = "inv-1" }
	s3 := func(li *cur.LineItem) { li.ProductCode = "AmazonS3" }
	principalsFirst := &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {attribution.Accounts()}}}
	account := claim("acct", "account", acct1, "")
	later := asOf.AddDate(0, 0, 2)

	type side struct {
		rows   []*cur.LineItem
		claims []attribution.Claim
		rules  *attribution.Rules
		asOf   time.Time
		rollup *cur.Rollup
	}
	type term struct{ label, outcome, workload, component, unblended string }
	vcpu := "runtime_vcpu"
	tests := []struct {
		name     string
		old, new side
		want     []term
	}{
		{"nothing changed", side{rows: []*cur.LineItem{row(t, "2026-05-02", "1", agent(a))}}, side{rows: []*cur.LineItem{row(t, "2026-05-02", "1", agent(a))}}, nil},
		{"a later day", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a)), row(t, "2026-05-04", "2", agent(a))}, asOf: later},
			[]term{{"new_days", "unclaimed", "", vcpu, "2"}}},
		{"a day that was complete", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1.5", agent(a)), row(t, "2026-05-02", "2", agent(b))}, asOf: later},
			[]term{{"restated", "unclaimed", "", vcpu, "2.5"}}},
		{"a row gone", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}, claims: []attribution.Claim{claimA}},
			side{claims: []attribution.Claim{claimA}}, []term{{"restated", "claimed", "w-a", vcpu, "-1"}}},
		{"money moved inside a component", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}},
			side{rows: []*cur.LineItem{row(t, "2026-05-02", "1", agent(a))}}, []term{{"restated", "unclaimed", "", vcpu, "0"}}},
		{"quantities alone", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", both(agent(a), func(li *cur.LineItem) { put(t, li, cur.Usage, "2") }))}}, []term{{"restated", "unclaimed", "", vcpu, "0"}}},
		{"the rest on days that were complete", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", s3)}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "2", s3)}}, []term{{"restated", "excluded", "", "unknown", "1"}}},
		{"the rest of a month that was over", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", s3)}, asOf: at(t, "2026-06-03")},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "2", s3)}, asOf: at(t, "2026-06-05")}, []term{{"restated", "excluded", "", "unknown", "1"}}},
		{"an invoice", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a)), row(t, "2026-05-03", "1", s3)}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", both(agent(a), invoiced)), row(t, "2026-05-03", "1", both(s3, invoiced))}, asOf: later},
			[]term{{"invoiced", "unclaimed", "", vcpu, "0"}, {"invoiced", "excluded", "", "unknown", "0"}}},
		{"an invoice for a part", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a)), row(t, "2026-05-03", "2", agent(a))}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", both(agent(a), invoiced)), row(t, "2026-05-03", "2", agent(a))}, asOf: later},
			[]term{{"invoiced", "unclaimed", "", vcpu, "0"}}},
		{"a new owner", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}, claims: []attribution.Claim{claimA}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}, claims: []attribution.Claim{moved}},
			[]term{{"ownership", "claimed", "w-a", vcpu, "-1"}, {"ownership", "claimed", "w-new", vcpu, "1"}}},
		{"other rules", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}, claims: []attribution.Claim{claimA, account}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a))}, claims: []attribution.Claim{claimA, account}, rules: principalsFirst},
			[]term{{"rules", "claimed", "w-a", vcpu, "-1"}, {"rules", "defaulted", "w-acct", vcpu, "1"}}},
		{"everything at once", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", agent(a)), row(t, "2026-05-03", "9", s3)}, claims: []attribution.Claim{claimA}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1.5", agent(a)), row(t, "2026-05-05", "4", agent(a)), row(t, "2026-05-03", "10", s3)}, claims: []attribution.Claim{moved}, asOf: later},
			[]term{{"new_days", "claimed", "w-new", vcpu, "4"}, {"new_days", "excluded", "", "unknown", "1"}, {"restated", "claimed", "w-new", vcpu, "0.5"},
				{"ownership", "claimed", "w-a", vcpu, "-1"}, {"ownership", "claimed", "w-new", vcpu, "1"}}},
		{"a tag that only the later groups hold", side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", both(agent(a), tagged("a")))}, rollup: &cur.Rollup{}},
			side{rows: []*cur.LineItem{row(t, "2026-05-03", "1", both(agent(a), tagged("a")))}, claims: []attribution.Claim{claim("tag", "tag", string(teamTag)+"=a", "")}},
			[]term{{"ownership", "claimed", "w-tag", vcpu, "1"}, {"ownership", "unclaimed", "", vcpu, "-1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := func(s side) *attribution.Statement {
				if s.asOf.IsZero() {
					s.asOf = asOf
				}
				if s.rollup == nil {
					s.rollup = &cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: []cur.Column{teamTag}}
				}
				p := rollWith(t, *s.rollup, s.rows)
				all, err := attribution.Attribute(t.Context(), p, index(t, p, s.rules, s.claims...), delivered(s.asOf))
				if err != nil {
					t.Fatal(err)
				}
				return all[0]
			}
			old, new := st(tt.old), st(tt.new)
			terms, err := attribution.Diff(t.Context(), old, new)
			if err != nil {
				t.Fatal(err)
			}
			var got []term
			for _, x := range terms {
				got = append(got, term{string(x.Label), string(x.Outcome), string(x.Workload), string(x.Component), x.Unblended.String()})
				if x.Groups < 1 {
					t.Errorf("term %+v of no groups", x)
				}
			}
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(term{})); d != "" {
				t.Errorf("terms (-want +got):\n%s", d)
			}
			addsUp(t, old, new, terms)
		})
	}
}

// addsUp checks that terms lead from one statement to the other, in total and in
// every cell.
func addsUp(t interface{ Errorf(string, ...any) }, old, new *attribution.Statement, terms []attribution.Term) {
	type cell struct {
		outcome   attribution.Outcome
		workload  attribution.WorkloadID
		component string
	}
	cells := func(s *attribution.Statement, sign int64, into map[cell]decimal.Decimal) {
		add := func(c cell, d decimal.Decimal) { into[c] = into[c].Add(d.Mul(decimal.NewFromInt(sign))) }
		rest := s.Totals.Unblended
		for l := range s.Lines() {
			add(cell{l.Outcome, l.Workload, string(l.Component)}, l.Amounts.Unblended)
			rest = rest.Sub(l.Amounts.Unblended)
		}
		add(cell{"excluded", "", "unknown"}, rest)
	}
	want, total := map[cell]decimal.Decimal{}, decimal.Zero
	cells(new, 1, want)
	cells(old, -1, want)
	for _, x := range terms {
		c := cell{x.Outcome, x.Workload, string(x.Component)}
		want[c] = want[c].Sub(x.Unblended)
		total = total.Add(x.Unblended)
	}
	for c, d := range want {
		if !d.IsZero() {
			t.Errorf("terms leave %s of %+v unexplained", d, c)
		}
	}
	if d := new.Totals.Unblended.Sub(old.Totals.Unblended); !d.Equal(total) {
		t.Errorf("terms add up to %s, not %s", total, d)
	}
}

// Two statements that differ in rows, in claims or in rules alone are joined by
// terms of that alone.
func TestDiffOfOneThing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamilies(t)
		f.anchors = append(f.anchors, sessionsOfRoles...)
		rows := rapid.SliceOfN(rapid.Custom(f.drawRow), 1, 20).Draw(t, "rows")
		claims := &attribution.Claims{Claims: f.drawClaims(t)}
		rules := &attribution.Rules{}
		statement := func(when time.Time) *attribution.Statement {
			r := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}}
			p, err := r.Rows(seq(rows))
			if err != nil {
				t.Fatal(err)
			}
			o := delivered(when)
			r.Sessions = true
			if o.Sessions, err = r.Rows(seq(rows)); err != nil {
				t.Fatal(err)
			}
			return splitStatement(t, p, claims, rules, o)
		}
		old := statement(asOf)
		want := []attribution.Label{attribution.Ownership}
		switch rapid.IntRange(0, 2).Draw(t, "what changes") {
		case 0:
			want, rows = []attribution.Label{attribution.NewDays, attribution.Restated, attribution.Invoicing}, rapid.SliceOfN(rapid.Custom(f.drawRow), 1, 20).Draw(t, "later")
		case 1:
			claims = &attribution.Claims{Claims: f.drawClaims(t)}
		case 2:
			want = []attribution.Label{attribution.RuleBased}
			rules = &attribution.Rules{Scope: attribution.Scope{Infrastructure: []string{"AWSLambda"}},
				Chains: map[string][]attribution.Resolver{attribution.ChainBedrock: {attribution.Profiles(), attribution.Tags(), attribution.Principals(), attribution.Accounts()}}}
		}
		new := statement(asOf)
		terms, err := attribution.Diff(t.Context(), old, new)
		if err != nil {
			t.Fatal(err)
		}
		addsUp(t, old, new, terms)
		for _, x := range terms {
			if !slices.Contains(want, x.Label) {
				t.Errorf("a term of %s where only %v can be: %+v", x.Label, want, x)
			}
		}
	})
}

// Any two statements of one period are joined by their terms.
func TestDiffAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamilies(t)
		rows := rapid.SliceOfN(rapid.Custom(f.drawRow), 0, 20).Draw(t, "rows")
		statement := func(name string, rows []*cur.LineItem, asOf time.Time) *attribution.Statement {
			rules := &attribution.Rules{}
			if rapid.Bool().Draw(t, name+" rules") {
				rules.Scope.Infrastructure = []string{"AWSLambda"}
			}
			if rapid.Bool().Draw(t, name+" chains") {
				rules.Chains = map[string][]attribution.Resolver{attribution.ChainAgentCore: {attribution.Principals(), attribution.Accounts(), attribution.Resources()}}
			}
			// What both can express: the rollups hold everything that any rules need.
			r := cur.Rollup{Keys: []cur.Column{teamTag, tenantTag}, Bucket: rapid.SampledFrom([]cur.Span{cur.Day, cur.Hour}).Draw(t, name+" bucket")}
			if rapid.Bool().Draw(t, name+" where") {
				r.Where = attribution.Scope{Infrastructure: []string{"AWSLambda"}}.Where()
			}
			p, err := r.Rows(seq(rows))
			if err != nil {
				t.Fatal(err)
			}
			rules.Spread = drawSpread(t)
			o := delivered(asOf)
			claims := f.drawShares(t)
			if rapid.Bool().Draw(t, name+" sessions") {
				r.Sessions = true
				if o.Sessions, err = r.Rows(seq(rows)); err != nil {
					t.Fatal(err)
				}
				with := f
				with.anchors = append(slices.Clone(f.anchors), sessionsOfRoles...)
				claims = with.drawShares(t)
			}
			return splitStatement(t, p, claims, rules, o)
		}
		// The later delivery: some rows kept, some on an invoice, some dropped,
		// some new.
		var later []*cur.LineItem
		for _, li := range rows {
			switch rapid.IntRange(0, 3).Draw(t, "fate") {
			case 0:
				later = append(later, li)
			case 1:
				c := *li
				c.InvoiceID = "inv-1"
				later = append(later, &c)
			case 2:
				later = append(later, rapid.Custom(f.drawRow).Draw(t, "instead"))
			}
		}
		old := statement("old", rows, asOf)
		new := statement("new", later, asOf.AddDate(0, 0, rapid.IntRange(0, 30).Draw(t, "days later")))
		terms, err := attribution.Diff(t.Context(), old, new)
		if err != nil {
			t.Fatal(err)
		}
		addsUp(t, old, new, terms)
	})
}

func TestDiffRefusesWhatCannotBeCompared(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", nil))
	st := func(edit func(*cur.Delivery)) *attribution.Statement {
		o := delivered(asOf)
		edit(&o.Delivery)
		return attribute(t, p, index(t, p, nil), o)
	}
	base := st(func(*cur.Delivery) {})
	for i, edit := range []func(*cur.Delivery){
		func(d *cur.Delivery) { d.Payer = "other" },
		func(d *cur.Delivery) { d.Period = month(t, "2026-04") },
	} {
		if _, err := attribution.Diff(t.Context(), base, st(edit)); !errors.Is(err, attribution.ErrNotComparable) {
			t.Errorf("case %d: %v, want ErrNotComparable", i, err)
		}
	}
	euros := roll(t, row(t, "2026-05-03", "1", func(li *cur.LineItem) { li.Currency = "EUR" }))
	if _, err := attribution.Diff(t.Context(), base, attribute(t, euros, index(t, euros, nil), delivered(asOf))); !errors.Is(err, attribution.ErrNotComparable) {
		t.Errorf("another currency: %v, want ErrNotComparable", err)
	}
	// Each side has a tag that the other lacks and needs: no order will do.
	with := func(c cur.Column) *attribution.Statement {
		p := rollWith(t, cur.Rollup{Keys: []cur.Column{c}}, []*cur.LineItem{row(t, "2026-05-03", "1", nil)})
		return attribute(t, p, index(t, p, nil, claim("t", "tag", fmt.Sprintf("%s=a", c), "")), delivered(asOf))
	}
	if _, err := attribution.Diff(t.Context(), with("a/b"), with("a/c")); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("statements of disjoint tags: %v, want ErrNotStored", err)
	}
}

// Groups that are cut finer say nothing of invoices, and nothing at all.
func TestDiffOfFinerGroups(t *testing.T) {
	rows := []*cur.LineItem{row(t, "2026-05-03", "1", both(agent("x"), tagged("a"))), row(t, "2026-05-03", "2", both(agent("x"), tagged("b"))),
		row(t, "2026-05-03", "4", both(agent("x"), tagged("a"), func(li *cur.LineItem) { li.InvoiceID = "inv-1" }))}
	coarse, fine := rollWith(t, cur.Rollup{}, rows), rollWith(t, cur.Rollup{Keys: []cur.Column{teamTag}}, rows)
	c := claim("c", "resource", "x", "")
	for name, pair := range map[string][2]*cur.Partial{"finer": {coarse, fine}, "coarser": {fine, coarse}} {
		terms, err := attribution.Diff(t.Context(), attribute(t, pair[0], index(t, pair[0], nil, c), delivered(asOf)), attribute(t, pair[1], index(t, pair[1], nil, c), delivered(asOf)))
		if err != nil || len(terms) > 0 {
			t.Errorf("%s: terms %+v, %v, want none", name, terms, err)
		}
	}
}

func TestDiffStopsWithItsContext(t *testing.T) {
	p := roll(t, row(t, "2026-05-03", "1", agent("x")))
	a, b := attribute(t, p, index(t, p, nil), delivered(asOf)), attribute(t, p, index(t, p, nil, claim("c", "resource", "x", "")), delivered(asOf))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := attribution.Diff(ctx, a, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Diff: %v, want context.Canceled", err)
	}
}
