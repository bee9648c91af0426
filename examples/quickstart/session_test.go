package main

import (
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/cur"
)

// sessionClaims are claims on sessions of the role that two workloads share, and on
// one session by its name.
const sessionClaims = `
    {"id": "s-documents", "anchor": {"kind": "session", "value": "arn:aws:sts::341755902216:assumed-role/finops-shared-svc/document-platform-*"}, "workload": "document-platform", "from": "2026-04-01"},
    {"id": "s-returns", "anchor": {"kind": "session", "value": "finops-shared-svc/returns-triage-*", "account": "341755902216"}, "workload": "returns-triage-agent", "from": "2026-04-01"},
    {"id": "s-support", "anchor": {"kind": "session", "value": "7f3c91e2-support-0519"}, "workload": "support-trial", "from": "2026-05-01"},`

// ofSession sums, row by row, what the May delivery has of a session.
func ofSession(t *testing.T, name string) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	sets, err := cur.Locate(t.Context(), cur.Local(), "months/2026-05-first")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range sets[0].Files() {
		if !strings.HasSuffix(info.Name, ".parquet") {
			continue
		}
		f, err := cur.Local().Open(t.Context(), info.Name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := cur.NewReader(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		var li cur.LineItem
		for err = r.Read(&li); err == nil; err = r.Read(&li) {
			if cost, ok := li.UnblendedCost(); ok && strings.HasSuffix(li.Principal, "/"+name) {
				sum.Add(sum, cost.Rat())
			}
		}
		if err := errors.Join(ignore(err, io.EOF), r.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

func ignore(err, which error) error {
	if errors.Is(err, which) {
		return nil
	}
	return err
}

// The fat role's sessions tell two workloads apart, and each has its exact part.
// What no session claim takes stays with the role's own.
func TestSessionsOfASharedRole(t *testing.T) {
	workdir(t)
	before := bookMonths(t)
	of := func(out *output, month, id string) *big.Rat {
		t.Helper()
		for _, w := range periodOfMonth(t, out, month).Workloads {
			if w.Workload == id {
				return rat(t, groupsOf(t, &w)["model"])
			}
		}
		return new(big.Rat)
	}
	replace(t, "months/claims.json", `"claims": [`, `"claims": [`+sessionClaims)

	// The books hold no sessions; the report has to be read once more for them,
	// though it has not changed.
	r := quickstart(t, "-db", "books.db", "-claims", "months/claims.json")
	if r.code != 1 || !strings.Contains(r.stderr, "needs the sessions of") || !strings.Contains(r.stderr, "-cur REPORT") {
		t.Errorf("without the report: exit status %d, stderr %q", r.code, r.stderr)
	}
	after := succeed(t, "-cur", "months/2026-04", "-cur", "months/2026-05-first", "-claims", "months/claims.json", "-db", "books.db")

	support := ofSession(t, "7f3c91e2-support-0519")
	if support.Sign() <= 0 {
		t.Fatal("the session asked for has no cost")
	}
	for _, tt := range []struct {
		month, id string
		moved     *big.Rat
	}{
		{"2026-04", "document-platform", big.NewRat(-54, 1)},
		{"2026-04", "returns-triage-agent", big.NewRat(54, 1)},
		{"2026-05", "document-platform", big.NewRat(-60, 1)},
		{"2026-05", "returns-triage-agent", big.NewRat(60, 1)},
		{"2026-05", "support-trial", support},
		{"2026-05", "customer-support-bot", new(big.Rat).Neg(support)},
		{"2026-05", "fraud-review-agent", new(big.Rat)},
	} {
		got := new(big.Rat).Sub(of(after, tt.month, tt.id), of(before, tt.month, tt.id))
		if got.Cmp(tt.moved) != 0 {
			t.Errorf("%s, %s: models moved by %s, want %s", tt.month, tt.id, text(got), text(tt.moved))
		}
	}
	for _, p := range after.Periods {
		if !p.Reconciled || p.Generation.Cause != "ownership" {
			t.Errorf("%s: reconciled %v, cause %s", p.BillingPeriod, p.Reconciled, p.Generation.Cause)
		}
	}

	// From now on the sessions are in the books.
	removeReports(t)
	replace(t, "months/claims.json", `"workload": "returns-triage-agent", "from": "2026-04-01"},
    {"id": "s-support"`, `"workload": "kyc-summariser", "from": "2026-04-01"},
    {"id": "s-support"`)
	again := succeed(t, "-db", "books.db", "-claims", "months/claims.json")
	if got := new(big.Rat).Sub(of(again, "2026-05", "kyc-summariser"), of(after, "2026-05", "kyc-summariser")); text(got) != "60" {
		t.Errorf("from the books, models moved by %s, want 60", text(got))
	}
}
