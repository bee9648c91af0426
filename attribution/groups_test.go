package attribution_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
)

// Groups are what lines are before anything is split: the same money, with the anchor
// that parts no longer have.
func TestGroupsAreLinesBeforeTheSplit(t *testing.T) {
	gateway := arn("gateway/shared-Aa1Bb2Cc3D")
	p := roll(t, row(t, "2026-05-04", "10", agent(gateway)), row(t, "2026-05-05", "2", agent(arn("runtime/other"))))
	st := attribute(t, p, index(t, p, nil, shared("s", attribution.KindResource, gateway, "",
		attribution.Share{By: attribution.Evenly, Parts: parts("a,b")})), nil)
	var lines, groups decimal.Decimal
	var split, whole int
	for l := range st.Lines() {
		lines = lines.Add(l.Amounts.Unblended)
		if l.Outcome == attribution.Shared {
			split++
		}
	}
	for l := range st.Groups() {
		groups = groups.Add(l.Amounts.Unblended)
		if l.Outcome == attribution.Shared && l.Anchor.Value == gateway && l.Claim.ID == "s" && l.Workload == "" {
			whole++
		}
	}
	if !lines.Equal(groups) || split != 2 || whole != 1 {
		t.Errorf("lines of %s with %d parts, groups of %s with %d whole; want the same money, 2 and 1", lines, split, groups, whole)
	}
	for l := range st.Groups() {
		if got := st.Index().Assign(l.Key); got.Outcome != l.Outcome {
			t.Errorf("the statement's index says %s, its group %s", got.Outcome, l.Outcome)
		}
	}
}
