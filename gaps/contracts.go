package gaps

import (
	"context"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// Approval is an approved request: a scope, for a time. It is asked about many groups,
// from one goroutine, and must answer the same each time.
type Approval interface {
	// ApprovalID names the request, for people.
	ApprovalID() string
	// ApprovedFor is the workload that the request was approved for, "" where it has
	// none yet. An approval of one workload says nothing of another's spend.
	ApprovedFor() attribution.WorkloadID
	// InForce is when the approval holds: from, inclusive, to, exclusive. A zero to is
	// open, a zero from has always been.
	InForce() (from, to time.Time)
	// Outside returns what of the key lies outside the approved scope: "account",
	// "region", "component", "model". None means that the scope covers the key. It
	// looks at what was bought and where, and neither at the bucket nor at the line
	// item type. The key's region is the row's as far as it can be told (see [Spend]),
	// "" when it cannot: whether that is inside is for the scope to say.
	Outside(k *cur.Key) []string
}

// Directory knows people. Answers are of an instant, because people move.
type Directory interface {
	// WorkloadOwner returns the budget owner of a workload, "" when it has none or
	// he has left.
	WorkloadOwner(w attribution.WorkloadID, at time.Time) string
	// AccountOwner returns who answers for an account, "" when nobody does.
	AccountOwner(account string, at time.Time) string
	// FinOpsLead returns who has what nobody else has.
	FinOpsLead(at time.Time) string
	// Above returns the units of the hierarchy above a workload, or above an account
	// where the workload is "", innermost first: portfolio, department, and so on.
	Above(w attribution.WorkloadID, account string, at time.Time) []string
}

// Estimates knows which workloads have an estimate.
type Estimates interface {
	// Estimated reports whether a confirmed estimate of the workload is in force on
	// a UTC day.
	Estimated(w attribution.WorkloadID, day time.Time) bool
}

// Remedies carries out what a gap needs, under the rules of whoever keeps claims and
// approvals: it may refuse. Each method returns a reference to what it made, for people
// to follow.
//
// The id is the request's: the same id again must do nothing and return the same
// reference. actor and role are who wants it, rationale why.
type Remedies interface {
	// Assign claims an anchor for a workload from a day on.
	Assign(ctx context.Context, id, actor, role, rationale string, a attribution.Anchor, w attribution.WorkloadID, from time.Time) (reference string, err error)
	// Decide approves, or blocks, an application that runs without a request. The key
	// is an example of its rows; the workload is "" when nobody claims them.
	Decide(ctx context.Context, id, actor, role, rationale string, k *cur.Key, w attribution.WorkloadID, approve bool) (reference string, err error)
	// AddScope asks for an approval to be widened to cover the key.
	AddScope(ctx context.Context, id, actor, role, rationale string, approval string, k *cur.Key) (reference string, err error)
	// Task hands a remedy that is somebody's work (splitting a role, switching a
	// column of the export on, setting an estimate) to a person.
	Task(ctx context.Context, id, actor, role, rationale string, remedy string, a attribution.Anchor, assignee string) (reference string, err error)
}

// SessionStart is the start of a component session, or of a role's session, as found
// in CloudTrail. Session starts are optional; where they are supplied they tell who
// uses what nobody claims, and which roles serve several workloads.
type SessionStart struct {
	At      time.Time
	Account string // that the session ran in
	Role    string // any ARN of the role that started it, or its name
	// Session is the STS session name, "" if unknown.
	Session string
	// Resource is the id of what was started: a code interpreter, a browser, a
	// runtime. "" for the session of a role.
	Resource string
	// By is the id of the resource that the caller ran in, usually a runtime; "" if
	// unknown.
	By string
}
