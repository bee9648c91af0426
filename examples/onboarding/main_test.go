package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/governance"
	"github.com/spendclaim/spendclaim/internal/golden"
)

// What package gaps needs from approvals, people, estimates and remedies, package
// governance has; neither imports the other.
var (
	_ gaps.Approval  = (*governance.Approval)(nil)
	_ gaps.Directory = (*governance.Register)(nil)
	_ gaps.Estimates = (*governance.Register)(nil)
	_ gaps.Remedies  = governance.Remedies{}
)

type result struct {
	code           int
	stdout, stderr string
}

func runOnboarding(t *testing.T, ctx context.Context, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func TestStory(t *testing.T) {
	r := runOnboarding(t, t.Context())
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit status %d, %s", r.code, r.stderr)
	}
	golden.Equal(t, "testdata/story.txt", []byte(r.stdout))
}

func TestStoryAsJSON(t *testing.T) {
	db := filepath.Join(t.TempDir(), "desk.db")
	r := runOnboarding(t, t.Context(), "-format", "json", "-db", db)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit status %d, %s", r.code, r.stderr)
	}
	var out output
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatal(err)
	}
	// Seven applications by four steps, each part by somebody else.
	if len(out.Onboarded) != 7 {
		t.Errorf("%d applications", len(out.Onboarded))
	}
	people := map[governance.Role]bool{}
	for _, e := range out.Trail {
		people[e.Role] = true
	}
	for _, role := range []governance.Role{governance.ProductOwner, governance.FinOpsLead, governance.CloudEngineer, governance.PortfolioOwner} {
		if !people[role] {
			t.Errorf("%s did nothing", role)
		}
	}
	// The figures that are known of the sample: what nobody owned, what drifted, what was adjusted.
	d := func(s string) decimal.Decimal { return decimal.RequireFromString(s) }
	if !out.Found.Unapproved.Equal(d("101.2")) || len(out.Found.Applications) != 4 {
		t.Errorf("%d applications found, of %s", len(out.Found.Applications), out.Found.Unapproved)
	}
	disputed := 0
	for _, u := range out.RollUps {
		for _, e := range u.Exceptions {
			if disputed++; e.Subject.ID != "customer-support-bot" || !e.Amount.Equal(d("298.58179")) {
				t.Errorf("exception %+v", e)
			}
		}
	}
	if disputed != 1 {
		t.Errorf("%d cards were disputed", disputed)
	}
	drifts := map[string]string{}
	for _, c := range out.Cards {
		if !c.Drift.IsZero() {
			drifts[c.Subject.ID] = c.Drift.String()
		}
	}
	if drifts["document-platform"] != "0.3" || len(drifts) != 4 {
		t.Errorf("drifts %v", drifts)
	}
	for _, a := range out.Adjustments {
		if a.Subject.ID == "document-platform" || a.Subject.ID == "data-insights-copilot" {
			t.Errorf("%s drifts below materiality and is adjusted", a.Subject.ID)
		}
	}
	if len(out.Adjustments) != 2 || len(out.Closes) != 1 {
		t.Fatalf("%d adjustments, %d closes", len(out.Adjustments), len(out.Closes))
	}
	if err := out.Closes[0].Check(); err != nil {
		t.Error(err)
	}
	if len(out.Watched) != 1 || out.Watched[0].State != governance.TaskHandedOver || out.Watched[0].Left == "" {
		t.Errorf("taken down by somebody's word: %+v", out.Watched)
	}
	// The file is kept, and not told over.
	if _, err := os.Stat(db); err != nil {
		t.Error(err)
	}
	if r := runOnboarding(t, t.Context(), "-db", db); r.code != 1 || !strings.Contains(r.stderr, "is there already") || r.stdout != "" {
		t.Errorf("on a file that is there: %+v", r)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		say  string
	}{
		"unknown flag":   {[]string{"-cur", "x"}, 2, "flag provided but not defined"},
		"unknown format": {[]string{"-format", "yaml"}, 2, `-format "yaml"`},
		"an argument":    {[]string{"report.csv"}, 2, `unexpected argument "report.csv"`},
		"no such folder": {[]string{"-db", filepath.Join(t.TempDir(), "none", "desk.db")}, 1, "onboarding: "},
		"help":           {[]string{"-h"}, 0, "Usage: onboarding"},
	} {
		if r := runOnboarding(t, t.Context(), tt.args...); r.code != tt.code || !strings.Contains(r.stderr, tt.say) || r.stdout != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := runOnboarding(t, ctx); r.code != 1 || r.stdout != "" {
		t.Errorf("interrupted: %+v", r)
	}
}
