package ledger_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// side is what a generation is made of.
type side struct {
	asOf, execution string
	keys            []cur.Column
	rollup          *cur.Rollup // in place of keys
	rows            []*cur.LineItem
	claims          *attribution.Claims
	rules           *attribution.Rules
	export          string // another than export-1
}

func (s *side) book(t T, d storage.Driver) *ledger.Booking {
	t.Helper()
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: s.keys}
	if s.rollup != nil {
		r = *s.rollup
	}
	rolled := delivery(t, s.asOf, s.execution, rollWith(t, r, s.rows))
	if s.export != "" {
		rolled.Delivery.Export = s.export
	}
	return book(t, open(d, &ledger.Options{Rules: s.rules}), rolled, s.claims, &ledger.BookOptions{Supersede: true})
}

// noAccounts are rules without account defaults; wide ones count Lambda too.
func noAccounts() *attribution.Rules {
	return &attribution.Rules{Chains: map[string][]attribution.Resolver{attribution.ChainAgentCore: {attribution.Resources(), attribution.Tags()}}}
}

func wide() *attribution.Rules {
	r := &attribution.Rules{Scope: attribution.DefaultScope()}
	r.Scope.Infrastructure = []string{"AmazonEC2"}
	return r
}

// customAlias knows one spelling more than the default rules.
func customAlias() *attribution.Rules {
	return &attribution.Rules{Aliases: append(attribution.DefaultAliases(),
		attribution.Alias{Service: "custom", Type: "thing", AsService: "bedrock-agentcore", AsType: "runtime"})}
}

func noAliases() *attribution.Rules { return &attribution.Rules{Aliases: []attribution.Alias{}} }

// TestDelta compares the terms between two generations, exactly, and the cause.
func TestDelta(t *testing.T) {
	r := func(day, cost, resource string, edits ...func(*cur.LineItem)) *cur.LineItem {
		return row(t, day, cost, resource, edits...)
	}
	rows := func(list ...*cur.LineItem) []*cur.LineItem { return list }
	base := rows(r("2026-05-04", "1.10", "r1"), r("2026-05-05", "2.20", "r2"), r("2026-05-05", "5", "", other))
	owned := claims(claim("c1", "r1", "w1"))
	byAccount := claims(attribution.Claim{ID: "c", Anchor: attribution.Anchor{Kind: attribution.KindAccount, Value: account},
		Target: attribution.Whole{Workload: "w"}, From: at(t, "2026-05-01")})
	custom := claim("c2", "", "w3")
	custom.Anchor.Value = "arn:aws:custom:us-east-1:" + account + ":thing/r1"
	wideScope := wide().Scope
	wideRollup := &cur.Rollup{Where: wideScope.Where()}
	for _, tc := range []struct {
		name     string
		old, new side
		want     []string
		cause    ledger.Cause
	}{
		{"rows of new days", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-12", execution: "2", rows: append(rows(r("2026-05-09", "0.0000000001", "r1")), base...), claims: owned},
			[]string{"USD new_days claimed w1 0.0000000001", "USD ownership claimed w1 1.1", "USD ownership unclaimed  -1.1"}, ledger.Mixed},
		{"new days alone", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-12", execution: "2", rows: append(rows(r("2026-05-09", "3", "r1")), base...)},
			[]string{"USD new_days unclaimed  3"}, "new_days"},
		{"restated days", side{asOf: "2026-05-10", execution: "1", rows: base, claims: owned},
			side{asOf: "2026-05-12", execution: "2", rows: rows(r("2026-05-04", "1.05", "r1"), base[1], base[2]), claims: owned},
			[]string{"USD restated claimed w1 -0.05"}, "restated"},
		{"rows taken back", side{asOf: "2026-05-10", execution: "1", rows: base, claims: owned},
			side{asOf: "2026-05-12", execution: "2", rows: base[1:], claims: owned},
			[]string{"USD restated claimed w1 -1.1"}, "restated"},
		{"rows of other services", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-10", execution: "2", rows: append(rows(r("2026-05-05", "0.5", "", other)), base...)},
			[]string{"USD restated excluded  0.5"}, "restated"},
		{"restated and new", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-12", execution: "2", rows: rows(r("2026-05-04", "1", "r1"), base[1], base[2], r("2026-05-10", "4", "r1"))},
			[]string{"USD new_days unclaimed  4", "USD restated unclaimed  -0.1"}, ledger.Mixed},
		{"invoiced", side{asOf: "2026-06-03", execution: "1", rows: base[:2]},
			side{asOf: "2026-06-05", execution: "2", rows: rows(r("2026-05-04", "1.10", "r1", invoice("7")), r("2026-05-05", "2.20", "r2", invoice("7")))},
			[]string{"USD invoiced unclaimed  0"}, "invoiced"},
		{"another export", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-12", execution: "1", rows: rows(base[0], base[2]), export: "export-2"},
			[]string{"USD restated unclaimed  -2.2"}, "restated"},
		{"claims moved", side{asOf: "2026-05-10", execution: "1", rows: base, claims: owned},
			side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(claim("c1", "r1", "w2"), claim("c2", "r2", "w2"))},
			[]string{"USD ownership claimed w1 -1.1", "USD ownership claimed w2 3.3", "USD ownership unclaimed  -2.2"}, "ownership"},
		{"rules changed", side{asOf: "2026-05-10", execution: "1", rows: base, claims: byAccount},
			side{asOf: "2026-05-10", execution: "1", rows: base, claims: byAccount, rules: noAccounts()},
			[]string{"USD rules defaulted w -3.3", "USD rules unclaimed  3.3"}, "rules"},
		{"rules and claims changed, and a delivery came", side{asOf: "2026-05-10", execution: "1", rows: base, claims: byAccount},
			side{asOf: "2026-05-12", execution: "2", rows: append(rows(r("2026-05-09", "3", "r1")), base...), claims: owned, rules: noAccounts()},
			[]string{"USD new_days claimed w1 3", "USD ownership claimed w1 1.1", "USD ownership unclaimed  -1.1", "USD rules defaulted w -3.3", "USD rules unclaimed  3.3"}, ledger.Mixed},

		// No row changed: the cause is what did.
		{"a delivery of a later day says the same", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-11", execution: "2", rows: base}, nil, "new_days"},
		{"a delivery of the same day says the same", side{asOf: "2026-05-10T01:00:00Z", execution: "1", rows: base},
			side{asOf: "2026-05-10T23:00:00Z", execution: "2", rows: base}, nil, "restated"},
		{"the last day becomes complete", side{asOf: "2026-06-01", execution: "1", rows: base},
			side{asOf: "2026-06-02", execution: "2", rows: base}, nil, "new_days"},
		{"all days were complete", side{asOf: "2026-06-02", execution: "1", rows: base},
			side{asOf: "2026-06-03", execution: "2", rows: base}, nil, "restated"},
		{"a claim that catches nothing", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(claim("c", "nothing", "w"))}, nil, "ownership"},
		{"a claim that catches nothing, with a delivery", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-11", execution: "2", rows: base, claims: claims(claim("c", "nothing", "w"))}, nil, ledger.Mixed},
		{"rules that move nothing", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-10", execution: "1", rows: base, rules: noAccounts()}, nil, "rules"},

		// The spec of the groups changed.
		{"a tag is stored too", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-10", execution: "1", rows: base, keys: []cur.Column{teamTag}}, nil, "rules"},
		{"hours are stored", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-10", execution: "1", rows: base, rollup: &cur.Rollup{Where: attribution.DefaultScope().Where(), Bucket: cur.Hour}}, nil, "rules"},
		{"a tag is stored and claimed", side{asOf: "2026-05-10", execution: "1", rows: rows(r("2026-05-04", "1", "r1", tag(teamTag, "a")), r("2026-05-04", "2", "r1", tag(teamTag, "b")))},
			side{asOf: "2026-05-10", execution: "1", keys: []cur.Column{teamTag}, claims: claims(tagClaim("c", teamTag, "a", "w")),
				rows: rows(r("2026-05-04", "1", "r1", tag(teamTag, "a")), r("2026-05-04", "2", "r1", tag(teamTag, "b")))},
			[]string{"USD ownership claimed w 1", "USD ownership unclaimed  -1"}, "ownership"},
		{"one claimed tag takes the place of another", side{asOf: "2026-05-10", execution: "1", keys: []cur.Column{teamTag},
			claims: claims(tagClaim("c1", teamTag, "a", "w1"), claim("c3", "r2", "w3")),
			rows:   rows(r("2026-05-04", "1", "r1", tag(teamTag, "a"), tag(envTag, "x")), r("2026-05-04", "2", "r2", tag(envTag, "x")))},
			side{asOf: "2026-05-11", execution: "2", keys: []cur.Column{envTag}, claims: claims(tagClaim("c2", envTag, "x", "w2")),
				rows: rows(r("2026-05-04", "1", "r1", tag(teamTag, "a"), tag(envTag, "x")), r("2026-05-04", "2.5", "r2", tag(envTag, "x")))},
			[]string{"USD restated claimed w3 0.5", "USD ownership claimed w1 -1", "USD ownership claimed w2 3.5", "USD ownership claimed w3 -2.5", "USD ownership unclaimed  0"}, ledger.Mixed},

		// The rules are no longer those of the generation before.
		{"wider rules over groups that hold the rows", side{asOf: "2026-05-10", execution: "1", rows: base, rollup: wideRollup, claims: claims(claim("c", "r1", "w1"))},
			side{asOf: "2026-05-10", execution: "1", rows: base, rollup: wideRollup, rules: wide(),
				claims: claims(claim("c", "r1", "w1"))}, []string{"USD rules excluded  5", "USD rules excluded  -5"}, "rules"},
		{"wider rules over groups that left the rows out", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-11", execution: "2", rows: append(rows(r("2026-05-09", "3", "r1")), base...), rollup: wideRollup, rules: wide()},
			[]string{"USD rules unclaimed  3", "USD rules excluded  5", "USD rules excluded  -5"}, "rules"},
		{"claims that are in conflict under the new rules", side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(claim("c1", "r1", "w1"), custom)},
			side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(claim("c1", "r1", "w2")), rules: customAlias()},
			[]string{"USD rules claimed w1 -1.1", "USD rules claimed w2 1.1"}, "rules"},
		{"a spelling that the old rules did not know", side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(custom)},
			side{asOf: "2026-05-10", execution: "1", rows: base, claims: claims(custom), rules: customAlias()},
			[]string{"USD rules claimed w3 1.1", "USD rules unclaimed  -1.1"}, "rules"},

		// Currencies.
		{"a currency appears", side{asOf: "2026-05-10", execution: "1", rows: base},
			side{asOf: "2026-05-12", execution: "2", rows: append(rows(r("2026-05-05", "9", "r1", currency("CNY")), r("2026-05-10", "8", "", other, currency("CNY"))), base...), claims: owned},
			[]string{"CNY new_days excluded  8", "CNY restated claimed w1 9", "USD ownership claimed w1 1.1", "USD ownership unclaimed  -1.1"}, ledger.Mixed},
		{"a currency goes", side{asOf: "2026-05-10", execution: "1", rows: append(rows(r("2026-05-05", "9", "r1", currency("CNY"))), base...), claims: owned},
			side{asOf: "2026-05-10", execution: "2", rows: base, claims: owned},
			[]string{"CNY restated claimed w1 -9"}, "restated"},
		{"one currency takes the place of another, under other rules", side{asOf: "2026-05-10", execution: "1", rows: rows(r("2026-05-05", "9", "r1", currency("CNY"))), claims: byAccount},
			side{asOf: "2026-05-10", execution: "2", rows: base[:1], claims: byAccount, rules: noAccounts()},
			[]string{"CNY restated unclaimed  -9", "CNY rules defaulted w -9", "CNY rules unclaimed  9", "USD restated unclaimed  1.1"}, ledger.Mixed},
		{"a month of nothing fills", side{asOf: "2026-05-03", execution: "1"},
			side{asOf: "2026-05-10", execution: "2", rows: base}, []string{"USD new_days unclaimed  3.3", "USD new_days excluded  5"}, "new_days"},
		{"a month empties", side{asOf: "2026-05-10", execution: "1", rows: base[:1]},
			side{asOf: "2026-05-11", execution: "2"}, []string{"USD restated unclaimed  -1.1"}, "restated"},
		{"nothing stays nothing", side{asOf: "2026-05-03", execution: "1"},
			side{asOf: "2026-05-04", execution: "2"}, nil, "new_days"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, d storage.Driver) {
				first := tc.old.book(t, d)
				if first.Generation.Cause != ledger.First || len(first.Delta) != 0 {
					t.Errorf("first generation: cause %q, %d terms, want %q and none", first.Generation.Cause, len(first.Delta), ledger.First)
				}
				b := tc.new.book(t, d)
				if b.Unchanged {
					t.Fatal("nothing was booked")
				}
				want := tc.want
				if want == nil {
					want = []string{}
				}
				if diff := cmp.Diff(deltas(b.Delta), want); diff != "" {
					t.Errorf("terms, got and want:\n%s", diff)
				}
				if b.Generation.Cause != tc.cause {
					t.Errorf("cause %q, want %q", b.Generation.Cause, tc.cause)
				}
				checkSum(t, b.Delta, first.Statements, b.Statements)
			})
		})
	}
}

// checkSum compares the sum of terms with the difference of the totals.
func checkSum(t T, list []ledger.Delta, from, to []*attribution.Statement) {
	t.Helper()
	want := map[string]decimal.Decimal{}
	for c, d := range totals(to) {
		want[c] = want[c].Add(d)
	}
	for c, d := range totals(from) {
		want[c] = want[c].Sub(d)
	}
	if diff := cmp.Diff(sums(list), texts(want)); diff != "" {
		t.Fatalf("sum of terms, and difference of totals:\n%s", diff)
	}
}

// TestRulesOfABook: what other rules make of reading and writing a book.
func TestRulesOfABook(t *testing.T) {
	d := memstore.New()
	rows := []*cur.LineItem{row(t, "2026-05-04", "1", "r1"), row(t, "2026-05-04", "5", "", other)}
	r := delivery(t, "2026-05-10", "1", roll(t, nil, rows...))
	g := book(t, open(d, nil), r, nil, nil).Generation
	l := open(d, &ledger.Options{Rules: noAccounts()})
	if _, err := l.Statements(ctx, g); !errors.Is(err, ledger.ErrRules) {
		t.Errorf("Statements under other rules: %v, want ErrRules", err)
	}
	if lines, err := l.Totals(ctx, g); err != nil || len(lines) != 2 {
		t.Errorf("Totals under other rules = %v, %v, want 2 lines", lines, err)
	}
	if got, err := l.Booked(ctx, r.Files, nil); err != nil || len(got) != 1 {
		t.Errorf("Booked under rules that the groups suffice for = %v, %v, want the book", got, err)
	}
	// Wider rules need rows that were not stored: the files are to be opened.
	l = open(d, &ledger.Options{Rules: wide()})
	if got, err := l.Booked(ctx, r.Files, nil); err != nil || len(got) != 0 {
		t.Errorf("Booked under rules that the groups do not suffice for = %v, %v, want none", got, err)
	}
	if _, err := l.Reattribute(ctx, payer, month(t, "2026-05"), nil); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("Reattribute under such rules: %v, want ErrNotStored", err)
	}
	if _, err := l.Prepare(ctx, r, nil, nil); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("Prepare of too little under such rules: %v, want ErrNotStored", err)
	}
}

func TestClaimsThatGroupsCannotExpress(t *testing.T) {
	l := open(memstore.New(), nil)
	r := delivery(t, "2026-05-10", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1", tag(teamTag, "a"))))
	tagged := claims(tagClaim("c", teamTag, "a", "w"))
	if _, err := l.Prepare(ctx, r, tagged, nil); !errors.Is(err, attribution.ErrNotStored) {
		t.Errorf("Prepare: %v, want ErrNotStored", err)
	}
	book(t, l, r, nil, nil)
	_, err := l.Reattribute(ctx, payer, month(t, "2026-05"), tagged)
	var e *attribution.NotStoredError
	if !errors.As(err, &e) || e.Column != teamTag {
		t.Errorf("Reattribute: %v, want ErrNotStored naming %s", err, teamTag)
	}
}
