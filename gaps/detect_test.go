package gaps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// reporting is a detector that reports what it is told to.
type reporting struct{ f func(*gaps.View) gaps.Finding }

func (reporting) Kinds() []gaps.Kind                               { return []gaps.Kind{"mine"} }
func (reporting) Needs(*gaps.View) bool                            { return true }
func (r reporting) Detect(v *gaps.View, report func(gaps.Finding)) { report(r.f(v)) }

func TestFindingsThatCannotBeUsedAreNamed(t *testing.T) {
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1")}}
	st := s.statement(t)
	for want, f := range map[string]gaps.Finding{
		"without a kind":    {Remedy: "r", Subject: gaps.Subject{Account: acct1}},
		"without a remedy":  {Kind: "mine", Subject: gaps.Subject{Account: acct1}},
		"without a subject": {Kind: "mine", Remedy: "r"},
	} {
		_, err := gaps.Detect(t.Context(), gaps.Input{Statement: st}, &gaps.Options{Detectors: []gaps.Detector{reporting{func(*gaps.View) gaps.Finding { return f }}}})
		if err == nil || !strings.Contains(err.Error(), "gaps: detect [mine]: finding ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestInputsThatDoNotFitAreRefused(t *testing.T) {
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1")}}
	st := s.statement(t)
	s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
	if _, err := gaps.Detect(t.Context(), gaps.Input{Statement: st, Claims: &s.claims}, nil); !errors.Is(err, gaps.ErrClaims) {
		t.Errorf("other claims: %v", err)
	}
	if _, err := gaps.Detect(t.Context(), gaps.Input{}, nil); err == nil {
		t.Error("no statement is no error")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := gaps.Detect(ctx, gaps.Input{Statement: st}, nil); !errors.Is(err, why) {
		t.Errorf("cancelled: %v", err)
	}
}

// The order of claims, approvals and sessions says nothing.
func TestDetectionDoesNotDependOnOrder(t *testing.T) {
	w := rankWorld(3)
	for i := range 20 {
		w.approvals = append(w.approvals, approval{id: string(rune('a' + i)), workload: w.claims.Claims[i].Target.(attribution.Whole).Workload, regions: []string{"eu-west-1"}, accounts: []string{"100000000001"}})
	}
	a := w.detect(t)
	reverse := func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}
	reverse(len(w.approvals), func(i, j int) { w.approvals[i], w.approvals[j] = w.approvals[j], w.approvals[i] })
	reverse(len(w.sessions), func(i, j int) { w.sessions[i], w.sessions[j] = w.sessions[j], w.sessions[i] })
	reverse(len(w.rows), func(i, j int) { w.rows[i], w.rows[j] = w.rows[j], w.rows[i] })
	reverse(len(w.claims.Claims), func(i, j int) { w.claims.Claims[i], w.claims.Claims[j] = w.claims.Claims[j], w.claims.Claims[i] })
	b := w.detect(t)
	strip := func(r *gaps.Report) (out []string) {
		for _, g := range r.Gaps {
			line := string(g.ID) + g.Evidence.Spend.String() + g.Evidence.Counted.String() + g.Evidence.Why + g.Evidence.Query + g.Notify.To + g.Notify.Why + g.Evidence.Approval
			for _, c := range g.Candidates {
				line += "\n" + string(c.Workload) + c.Reasons[0].Detail
			}
			out = append(out, line)
		}
		return out
	}
	if d := cmp.Diff(strip(a), strip(b)); d != "" || len(a.Gaps) < 80 {
		t.Errorf("%d gaps (-as given +reversed):\n%s", len(a.Gaps), d)
	}
}

// A role that changes hands has one user at a time; sessions that two claim have two.
func TestSharedRolesAreSharedAtOneTime(t *testing.T) {
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1", model(role("app"))), row("2026-05-14", "2", model(role("app")))}, detectors: only(gaps.SharedRole)}
	s.claim("a", attribution.KindRole, "app", acct1, "a").To = at("2026-05-10")
	s.claim("b", attribution.KindRole, "app", acct1, "b").From = at("2026-05-10")
	if got := kindsOf(s.detect(t)); len(got) != 0 {
		t.Errorf("handed over: %v", got)
	}
	// Two profiles of two workloads behind one role that nobody claims.
	s = scene{detectors: only(gaps.SharedRole)}
	for i, w := range []attribution.WorkloadID{"a", "b"} {
		profile := "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/" + string(w)
		s.claim(string(w), attribution.KindProfile, profile, "", w)
		s.rows = append(s.rows, row("2026-05-04", string(rune('1'+i)), model(role("app")), func(li *cur.LineItem) { li.Resource = profile }))
	}
	s.rows = append(s.rows, row("2026-05-05", "7", model(role("app")), func(li *cur.LineItem) { li.Resource = s.rows[0].Resource }))
	r := s.detect(t)
	if len(r.Gaps) != 1 || r.Gaps[0].Evidence.Spend.String() != "3" || r.Gaps[0].Evidence.Why != "workloads a, b use one role" {
		t.Errorf("two profiles: %+v", r.Gaps)
	}
}
