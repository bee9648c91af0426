package governance

import (
	"errors"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
)

func workloadID(s string) attribution.WorkloadID { return attribution.WorkloadID(s) }

func TestRequestIsApproved(t *testing.T) {
	o := newOffice(t)
	q := request("bot")
	o.must(Command{Actor: "becki", Subject: q, Action: "submit", Detail: ask()})
	got := o.must(Command{ID: "approve", Actor: "lead", Subject: q, Action: "approve", Rationale: "fits", Detail: ApprovalDetail{}})
	if got.Subject.State != RequestApproved || got.Subject.Version != 2 {
		t.Errorf("got %s", asJSON(got.Subject))
	}
	checkHistory(t, o.desk, q)
	again := o.must(Command{ID: "approve", Actor: "lead", Subject: q, Action: "approve", Rationale: "fits", Detail: ApprovalDetail{}})
	if !again.Replayed || again.Subject.Version != 2 || asJSON(again.Event) != asJSON(got.Event) {
		t.Errorf("given again: %s, first %s", asJSON(again), asJSON(got))
	}
	_, err := o.do(Command{Actor: "lead2", Subject: q, Action: "approve", Rationale: "me too", Expect: 1})
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.State != RequestApproved || conflict.Latest.Actor != "lead" {
		t.Errorf("second approval: %v", err)
	}
	_, err = o.do(Command{Actor: "eng", Subject: q, Action: "revoke", Rationale: "no"})
	if !errors.Is(err, ErrRole) {
		t.Errorf("revoked by an engineer: %v", err)
	}
	t.Log(err)
}
