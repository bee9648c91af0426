package gaps

import (
	"cmp"
	"slices"
)

// Kind is a way in which spend lacks an owner, an approval or something else that it
// has to have. The vocabulary is open: detectors of one's own add theirs.
type Kind string

// The kinds of Amazon Bedrock AgentCore.
const (
	UnclaimedRuntime           Kind = "unclaimed_runtime"            // a runtime that nobody claims
	UnclaimedMemory            Kind = "unclaimed_memory"             // a memory store that nobody claims
	NoBudgetAllocation         Kind = "no_budget_allocation"         // an application without an approved request
	OutOfApprovedScope         Kind = "out_of_approved_scope"        // account, region, component or model beyond the approval
	UnallocatedCodeInterpreter Kind = "unallocated_code_interpreter" // interpreter cost that nobody claims
)

// The kinds of model calls. Calls beyond an approval are OutOfApprovedScope.
const (
	RoleRecommendation  Kind = "role_recommendation"   // a broad, shared or human role calls models
	NotBusinessApproved Kind = "not_business_approved" // calls without an approved request
	UnclaimedPrincipal  Kind = "unclaimed_principal"   // a role or user that nobody claims
	SharedRole          Kind = "shared_role"           // one role, several workloads
)

// The kinds of both.
const (
	UnclaimedResource     Kind = "unclaimed_resource"      // any other resource that nobody claims
	UnknownComponent      Kind = "unknown_component"       // a usage type that is not known
	CallerIdentityMissing Kind = "caller_identity_missing" // the export names no caller
	ResourceIDMissing     Kind = "resource_id_missing"     // the export names no resource
	OwnerMissing          Kind = "owner_missing"           // a workload without a budget owner
	DeadClaim             Kind = "dead_claim"              // a claim that takes hold of nothing
	EstimateMissing       Kind = "estimate_missing"        // a spending workload without an estimate
)

// Remedy is what is to be done about a gap, in the words that FinOps people use.
type Remedy string

// The remedies.
const (
	NotifyPO             Remedy = "Notify PO"
	AssignToWorkload     Remedy = "Assign to Workload"
	ApproveOrBlock       Remedy = "Approve or Block"
	AddScope             Remedy = "Add Scope"
	AssignDistinctRole   Remedy = "Assign Distinct Role"
	SplitRole            Remedy = "Split Role"
	MapComponent         Remedy = "Map Component"
	ExportCallerIdentity Remedy = "Export Caller Identity"
	ExportResourceIDs    Remedy = "Export Resource IDs"
	NameOwner            Remedy = "Name Owner"
	CorrectClaim         Remedy = "Correct Claim"
	SetEstimate          Remedy = "Set Estimate"
)

// kinds lists the kinds in the order in which rows are counted, with their remedies:
// what keeps a row from being owned at all comes first, then ownership, approval,
// accountability, and what is only advice last.
var kinds = [...]struct {
	kind   Kind
	remedy Remedy
}{
	{CallerIdentityMissing, ExportCallerIdentity},
	{ResourceIDMissing, ExportResourceIDs},
	{UnclaimedRuntime, NotifyPO},
	{UnclaimedMemory, AssignToWorkload},
	{UnallocatedCodeInterpreter, AssignToWorkload},
	{UnclaimedPrincipal, NotifyPO},
	{UnclaimedResource, AssignToWorkload},
	{NoBudgetAllocation, ApproveOrBlock},
	{NotBusinessApproved, ApproveOrBlock},
	{OutOfApprovedScope, AddScope},
	{OwnerMissing, NameOwner},
	{EstimateMissing, SetEstimate},
	{SharedRole, SplitRole},
	{RoleRecommendation, AssignDistinctRole},
	{UnknownComponent, MapComponent},
	{DeadClaim, CorrectClaim},
}

// Kinds returns the kinds of this package in the order in which rows are counted: a
// row in gaps of several kinds counts for the first. Kinds of other detectors come
// after them, by name. The slice is the caller's.
func Kinds() []Kind {
	out := make([]Kind, len(kinds))
	for i := range kinds {
		out[i] = kinds[i].kind
	}
	return out
}

// Remedy returns the remedy of a kind of this package, "" for any other: its detector
// names one in each finding.
func (k Kind) Remedy() Remedy {
	if i := k.place(); i < len(kinds) {
		return kinds[i].remedy
	}
	return ""
}

// place is the kind's place in the order; those of other detectors share the last.
func (k Kind) place() int {
	for i := range kinds {
		if kinds[i].kind == k {
			return i
		}
	}
	return len(kinds)
}

// compareKinds is the order in which rows are counted.
func compareKinds(a, b Kind) int {
	return cmp.Or(cmp.Compare(a.place(), b.place()), cmp.Compare(a, b))
}

// ownership reports whether gaps of the kind are spend that no claim reaches, which is
// what candidates can be named for.
func (k Kind) ownership() bool {
	return slices.Contains([]Kind{UnclaimedRuntime, UnclaimedMemory, UnallocatedCodeInterpreter, UnclaimedPrincipal, UnclaimedResource}, k)
}
