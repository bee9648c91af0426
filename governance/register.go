package governance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// A Register is the directory with the workloads and approvals there are: a copy, read
// at one time, that answers for any instant. Package gaps asks it who owns what and
// what was allowed. It is immutable and may be shared.
type Register struct {
	*Directory
	workloads map[attribution.WorkloadID]WorkloadSummary
	approvals []*Approval
}

// Register reads the register.
func (d *Desk) Register(ctx context.Context) (*Register, error) {
	dir, err := d.Directory(ctx)
	if err != nil {
		return nil, err
	}
	out := &Register{Directory: dir, workloads: map[attribution.WorkloadID]WorkloadSummary{}}
	for l, err := range d.Registry(ctx, KindWorkload) {
		var w WorkloadSummary
		if err == nil {
			err = json.Unmarshal(l.Summary, &w)
		}
		if err != nil {
			return nil, fmt.Errorf("governance: register: %w", err)
		}
		out.workloads[l.Subject.Workload] = w
	}
	for l, err := range d.Registry(ctx, KindRequest) {
		var q RequestSummary
		if err == nil {
			err = json.Unmarshal(l.Summary, &q)
		}
		if err != nil {
			return nil, fmt.Errorf("governance: register: %w", err)
		}
		for i := range q.Grants {
			out.approvals = append(out.approvals, &Approval{Request: l.Subject, Grant: q.Grants[i]})
		}
	}
	return out, nil
}

// Workload returns what the registry says of a workload.
func (r *Register) Workload(id attribution.WorkloadID) (WorkloadSummary, bool) {
	w, ok := r.workloads[id]
	return w, ok
}

// Approvals returns every scope that was ever approved, with its time.
func (r *Register) Approvals() []*Approval { return slices.Clone(r.approvals) }

// WorkloadOwner returns the budget owner of a workload at an instant; "" when it has
// none or he has left.
func (r *Register) WorkloadOwner(w attribution.WorkloadID, at time.Time) string {
	owner := (&Workload{Owners: r.workloads[w].Owners}).OwnerAt(at)
	if !r.Present(owner, at) {
		return ""
	}
	return string(owner)
}

// AccountOwner returns who answers for an account at an instant; "" when nobody does
// or he has left.
func (r *Register) AccountOwner(account string, at time.Time) string {
	t, _ := r.Account(account, at)
	if !r.Present(t.Owner, at) {
		return ""
	}
	return string(t.Owner)
}

// FinOpsLead returns who is FinOps Lead everywhere at an instant, the first by id; ""
// where nobody is.
func (r *Register) FinOpsLead(at time.Time) string {
	if all := r.Holders(FinOpsLead, "", at); len(all) > 0 {
		return string(all[0])
	}
	return ""
}

// Above returns the nodes above a workload, or above an account where the workload is
// "", innermost first.
func (r *Register) Above(w attribution.WorkloadID, account string, at time.Time) []string {
	if w != "" {
		return r.Path(nodeAt(r.workloads[w].Nodes, at), at)
	}
	t, _ := r.Account(account, at)
	return r.Path(t.Node, at)
}

// Estimated reports whether a confirmed estimate of a workload is in force on a day.
func (r *Register) Estimated(w attribution.WorkloadID, day time.Time) bool {
	from := r.workloads[w].EstimatedFrom
	return !from.IsZero() && !day.Before(from)
}

// An Approval is a scope that a request was approved with, for a time.
type Approval struct {
	Request Ref
	Grant
}

// ApprovalID names the request.
func (a *Approval) ApprovalID() string { return a.Request.String() }

// ApprovedFor returns the workload that the request was approved for.
func (a *Approval) ApprovedFor() attribution.WorkloadID { return a.Request.Workload }

// InForce returns when the approval holds: from, inclusive, to, exclusive. A zero from
// is always.
func (a *Approval) InForce() (from, to time.Time) { return a.From, a.To }

// Outside returns what of a bill's key lies outside the scope: account, region,
// component, model. A region or model that the key does not tell is outside unless the
// scope allows any.
func (a *Approval) Outside(k *cur.Key) []string {
	class := pricing.Classify(pricing.Usage{
		ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit,
	})
	model := class.Model
	if model == "" {
		model = k.Model
	}
	var out []string
	if !slices.Contains(a.Scope.Accounts, k.UsageAccount) {
		out = append(out, "account")
	}
	if !slices.Contains(a.Scope.Regions, k.Region) && !slices.Contains(a.Scope.Regions, "*") {
		out = append(out, "region")
	}
	group := class.Component.Group()
	if !slices.Contains(a.Scope.Components, group) {
		out = append(out, "component")
	}
	if group == pricing.GroupModel && !slices.Contains(a.Scope.Models, "*") && !slices.Contains(a.Scope.Models, modelKey(model)) {
		out = append(out, "model")
	}
	return out
}
