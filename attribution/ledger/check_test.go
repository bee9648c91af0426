package ledger_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
)

// summary spells all that statements say, for comparison.
func summary(list []*attribution.Statement) []string {
	out := []string{}
	say := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	for _, s := range list {
		say("%s: %s %s reconciled %t, totals %v, control %v", s.Currency, s.State, s.CompleteThrough, s.Reconciled, s.Totals, s.Control)
		say("claims %x, rules %s, groups %x, delivery %v", s.ClaimsRevision, s.RulesVersion, s.Stored(), s.Delivery)
		say("notes %v %v %v", s.Incomplete, s.Warnings, s.Differences)
		for _, w := range append(s.Workloads(), s.Defaulted()...) {
			say("workload %v", w)
		}
		for _, u := range s.Unclaimed() {
			say("unclaimed %v", u)
		}
		outcomes := s.Outcomes()
		for _, o := range slices.Sorted(maps.Keys(outcomes)) {
			say("outcome %s %v", o, outcomes[o])
		}
		for l := range s.Lines() {
			say("line %v %s %s %v", *l.Key, l.Outcome, l.Workload, l.Amounts)
		}
	}
	return out
}

// checkTotals compares stored totals with the statements they are of: in all,
// and per outcome.
func checkTotals(t T, lines []ledger.Total, list []*attribution.Statement) {
	t.Helper()
	got, want := map[string]string{}, map[string]string{}
	type sum struct {
		rows           int64
		unblended, net decimal.Decimal
	}
	all := map[string]sum{}
	for _, l := range lines {
		for _, k := range []string{l.Currency, l.Currency + " " + string(l.Outcome)} {
			s := all[k]
			s.rows += l.Rows
			s.unblended, s.net = s.unblended.Add(l.Unblended), s.net.Add(l.Net.Decimal)
			all[k] = s
		}
	}
	for k, s := range all {
		got[k] = fmt.Sprint(s.rows, s.unblended, s.net)
	}
	for _, s := range list {
		if s.Totals.Rows == 0 {
			continue
		}
		want[s.Currency] = fmt.Sprint(s.Totals.Rows, s.Totals.Unblended, s.Totals.Net.Decimal)
		for o, a := range s.Outcomes() {
			want[s.Currency+" "+string(o)] = fmt.Sprint(a.Rows, a.Unblended, a.Net.Decimal)
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Fatalf("stored totals and the statement's:\n%s", diff)
	}
}

// months lets cmp compare months.
var months = cmp.Comparer(func(a, b cur.Month) bool { return a == b })

// equal compares lists of lines; cmp, which is slow, only says what differs.
func equal(t T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s, got and want:\n%s", what, cmp.Diff(got, want))
	}
}
