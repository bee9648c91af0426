package governance

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// KindRequest is the kind of business requests. A request lies in the partition of
// the workload that it asks for. Its actions: draft, submit, withdraw, ask_changes,
// resubmit, approve, reject, propose_change, withdraw_change, approve_change,
// reject_change, expire, revoke.
const KindRequest Kind = "request"

// The states of a request. While a change or a renewal is proposed, what was
// approved before stays as it is.
const (
	RequestDrafted         State = "drafted"
	RequestSubmitted       State = "submitted"
	RequestChangesAsked    State = "changes_asked"
	RequestApproved        State = "approved"
	RequestChangeProposed  State = "change_proposed"
	RequestExpired         State = "expired"
	RequestRenewalProposed State = "renewal_proposed"
	RequestRejected        State = "rejected"
	RequestWithdrawn       State = "withdrawn"
	RequestRevoked         State = "revoked"
)

// A Request asks for an AI application to be allowed.
type Request struct {
	RequestDetail
	// Approved is what may be used; null before approval. It is in force in the
	// states approved and change_proposed.
	Approved *Scope `json:"approved,omitempty"`
	// Grants are all scopes that were approved, each until the next took its place,
	// it expired or was revoked.
	Grants []Grant `json:"grants,omitempty"`
	// Proposed is the scope that a change or renewal asks for.
	Proposed *Scope `json:"proposed,omitempty"`
	// Tasks are the ids of those that approvals led to.
	Tasks []string `json:"tasks,omitempty"`
}

// A Grant is a scope and the time it was approved for.
type Grant struct {
	Scope Scope `json:"scope"`
	// From is when it was approved; zero, which is always, for what a retroactive
	// request found running.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
}

// RequestDetail is the detail of draft, submit and resubmit: what is asked for.
type RequestDetail struct {
	Name    string `json:"name"` // of the workload
	UseCase string `json:"use_case"`
	Type    string `json:"type,omitempty"` // of use case, such as infrastructure
	// Owner answers for the money: the budget owner.
	Owner PersonID `json:"owner"`
	// Node is the workload's place in the hierarchy.
	Node  string `json:"node,omitempty"`
	Scope Scope  `json:"scope"`
	// Budget of a month; zero where none is stated yet.
	Budget   decimal.Decimal `json:"budget,omitzero"`
	Currency string          `json:"currency,omitempty"`
	// Retroactive: the application runs already. Anchors are what it was found
	// by, and Reasons why they are taken for one application.
	Retroactive bool                 `json:"retroactive,omitempty"`
	Anchors     []attribution.Anchor `json:"anchors,omitempty"`
	Reasons     []string             `json:"reasons,omitempty"`
	// Payers are those whose bills it was found in.
	Payers []string `json:"payers,omitempty"`
}

// check refuses what cannot be asked for. A draft may leave the owner open.
func (d *RequestDetail) check(draft bool) error {
	if d.Name == "" || d.UseCase == "" {
		return fmt.Errorf("%w: a request has a name and a use case", ErrDetail)
	}
	if err := checkID("owner", string(d.Owner)); err != nil && !(draft && d.Owner == "") {
		return fmt.Errorf("%w: %w", ErrDetail, err)
	}
	switch {
	case d.Budget.IsNegative():
		return fmt.Errorf("%w: budget %s is negative", ErrDetail, d.Budget)
	case !d.Budget.IsZero() && d.Currency == "":
		return fmt.Errorf("%w: a budget needs a currency", ErrDetail)
	}
	return d.Scope.check()
}

// ApprovalDetail is the detail of approve and approve_change: what is allowed, when it
// is less than what was asked for, or for how long.
type ApprovalDetail struct {
	Scope *Scope `json:"scope,omitempty"`
	// Expires takes the place of the scope's expiry. One of the two is required.
	Expires time.Time `json:"expires,omitzero"`
	// Task is set by the desk: the id of the task that it leads to.
	Task string `json:"task,omitempty"`
}

// ScopeDetail is the detail of propose_change: the whole scope that is wanted, or, with
// Add, what is wanted beside what is approved, until when that is.
type ScopeDetail struct {
	Scope Scope `json:"scope"`
	Add   bool  `json:"add,omitempty"`
}

var (
	guardRequester = Guard{"requester", "the person asked for it", func(r *ruling) error {
		if !slices.ContainsFunc(r.people(), func(p PersonID) bool { return slices.Contains(r.Subject.Parts[Requester], p) }) {
			return fmt.Errorf("%q did not", r.cmd.Actor)
		}
		return nil
	}}
	guardNamedOwner = Guard{"named_owner", "the budget owner is a present person of the directory", func(r *ruling) error {
		return r.presentOwner(r.owner())
	}}
	guardNewWorkload = Guard{"new_workload", "there is no workload of this id yet: the scope of one that is there changes in its own request", func(r *ruling) error {
		if r.workload() != nil {
			return fmt.Errorf("workload %q is there", r.cmd.Subject.Workload)
		}
		return nil
	}}
	guardWithinAsked = Guard{"within_asked", "what is approved was asked for, and expires after now", func(r *ruling) error {
		q := r.Subject.Body.(*Request)
		asked := q.Scope
		if q.Proposed != nil {
			asked = *q.Proposed
		}
		scope, err := r.detail.(*ApprovalDetail).scope(asked)
		switch {
		case err != nil:
			return err
		case scope.Expires.IsZero():
			return errors.New("an approval expires: give the date")
		case !scope.Expires.After(r.now):
			return fmt.Errorf("%w: it would expire %s, before now", ErrDates, date(scope.Expires))
		}
		return scope.within(asked)
	}}
	guardExpired = Guard{"expired", "the approval's expiry has passed", func(r *ruling) error {
		q := r.Subject.Body.(*Request)
		switch {
		case q.Approved == nil:
			return errors.New("nothing is approved")
		case q.Approved.Expires.After(r.now):
			return fmt.Errorf("it expires %s", date(q.Approved.Expires))
		}
		return nil
	}}
)

// presentOwner checks a budget owner against the directory.
func (r *ruling) presentOwner(id PersonID) error {
	p := r.Related[Ref{Kind: KindPerson, ID: string(id)}]
	switch {
	case id == "":
		return errors.New("no budget owner is named")
	case p == nil:
		return fmt.Errorf("budget owner %q is not in the directory", id)
	case !p.Body.(*Person).present(r.now):
		return fmt.Errorf("budget owner %q has left", id)
	}
	return nil
}

// scope returns what an approval allows of what was asked for.
func (d *ApprovalDetail) scope(asked Scope) (Scope, error) {
	out := asked
	if d.Scope != nil {
		out = *d.Scope
		out.Expires = cmp.Or(out.Expires, asked.Expires)
	}
	if !d.Expires.IsZero() {
		out.Expires = d.Expires
	}
	return out.normal(), out.check()
}

// within reports what s allows that wide does not.
func (s Scope) within(wide Scope) error {
	wide.Expires = time.Time{}
	for _, a := range s.Accounts {
		if err := wide.Allows(time.Time{}, a, "", "", ""); err != nil {
			return err
		}
	}
	for _, region := range s.Regions {
		if err := wide.Allows(time.Time{}, "", region, "", ""); err != nil {
			return err
		}
	}
	for _, c := range s.Components {
		if err := wide.Allows(time.Time{}, "", "", c, ""); err != nil {
			return err
		}
	}
	for _, m := range s.Models {
		if err := wide.Allows(time.Time{}, "", "", pricing.GroupModel, m); err != nil {
			return err
		}
	}
	return nil
}

func requestRules() *kindRules {
	k, po, lead := KindRequest, []Role{ProductOwner}, []Role{FinOpsLead}
	change := []Guard{guardNamedOwner, guardWithinAsked}
	isNew := []Guard{guardNewWorkload}
	approve := append(isNew, change...)
	from := func(s ...State) []State { return s }
	return &kindRules{
		rows: func() []Transition {
			return slices.Concat(
				rows(k, from(None), "draft", []Role{FinOpsLead, Scheduler}, RequestDrafted, Transition{Guards: isNew, Tell: true}),
				rows(k, from(None, RequestDrafted), "submit", po, RequestSubmitted, Transition{Guards: isNew, Takes: Requester, Tell: true}),
				rows(k, from(RequestDrafted), "submit", lead, RequestSubmitted, Transition{Guards: isNew, Takes: Requester, Tell: true}),
				rows(k, from(RequestChangesAsked), "resubmit", po, RequestSubmitted, Transition{Takes: Requester, Tell: true}),
				rows(k, from(RequestSubmitted, RequestChangesAsked), "withdraw", po, RequestWithdrawn, Transition{Guards: []Guard{guardRequester}}),
				rows(k, from(RequestSubmitted), "ask_changes", lead, RequestChangesAsked, Transition{Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestSubmitted), "approve", lead, RequestApproved, Transition{Guards: approve, Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestDrafted, RequestSubmitted), "reject", lead, RequestRejected, Transition{Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestApproved), "propose_change", po, RequestChangeProposed, Transition{Takes: Requester, Tell: true}),
				rows(k, from(RequestExpired), "propose_change", po, RequestRenewalProposed, Transition{Takes: Requester, Tell: true}),
				rows(k, from(RequestChangeProposed), "approve_change", lead, RequestApproved, Transition{Guards: change, Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestRenewalProposed), "approve_change", lead, RequestApproved, Transition{Guards: change, Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestChangeProposed), "reject_change", lead, RequestApproved, Transition{Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestRenewalProposed), "reject_change", lead, RequestExpired, Transition{Takes: Approver, Why: true, Tell: true}),
				rows(k, from(RequestChangeProposed), "withdraw_change", po, RequestApproved, Transition{Guards: []Guard{guardRequester}}),
				rows(k, from(RequestRenewalProposed), "withdraw_change", po, RequestExpired, Transition{Guards: []Guard{guardRequester}}),
				rows(k, from(RequestApproved), "expire", []Role{Scheduler}, RequestExpired, Transition{Guards: []Guard{guardExpired}, Tell: true}),
				rows(k, from(RequestChangeProposed), "expire", []Role{Scheduler}, RequestRenewalProposed, Transition{Guards: []Guard{guardExpired}, Tell: true}),
				rows(k, from(RequestApproved, RequestChangeProposed, RequestExpired, RequestRenewalProposed), "revoke", lead, RequestRevoked, Transition{Takes: Approver, Why: true, Tell: true}),
			)
		},
		final: []State{RequestRejected, RequestWithdrawn, RequestRevoked},
		body:  func() any { return new(Request) },
		detail: func(a Action) any {
			switch a {
			case "draft", "submit", "resubmit":
				return new(RequestDetail)
			case "approve", "approve_change":
				return new(ApprovalDetail)
			case "propose_change":
				return new(ScopeDetail)
			}
			return nil
		},
		needs:  requestNeeds,
		place:  requestPlace,
		decide: decideRequest,
		apply:  applyRequest,
		waits:  requestWaits,
		due: func(s *Subject, _ *Directory, now time.Time) (duty, bool) {
			q := s.Body.(*Request)
			over := (s.State == RequestApproved || s.State == RequestChangeProposed) && !q.Approved.Expires.After(now)
			return duty{Action: "expire"}, over
		},
		summary: func(s *Subject) any {
			q := s.Body.(*Request)
			return RequestSummary{Name: q.Name, Owner: q.Owner, Node: q.Node, Grants: q.Grants}
		},
	}
}

// RequestSummary is what the registry says of a request.
type RequestSummary struct {
	Name   string   `json:"name"`
	Owner  PersonID `json:"owner,omitempty"`
	Node   string   `json:"node,omitempty"`
	Grants []Grant  `json:"grants,omitempty"`
}

func requestNeeds(r *ruling) []Ref {
	workload := workloadRef(r.cmd.Subject.Workload)
	out := []Ref{workload}
	q, ok := r.Subject.Body.(*Request)
	if !ok {
		return out
	}
	out = append(out, Ref{Kind: KindPerson, ID: string(r.owner())})
	if r.cmd.Action == "revoke" {
		for _, t := range q.Tasks {
			out = append(out, Ref{Kind: KindTask, Workload: workload.Workload, ID: t})
		}
	}
	return out
}

// owner returns the budget owner of a request's workload: who it names, until the
// workload is there and may change hands.
func (r *ruling) owner() PersonID {
	if w := r.workload(); w != nil && w.Request == r.cmd.Subject.ID {
		return w.Owner()
	}
	return r.Subject.Body.(*Request).Owner
}

func requestPlace(r *ruling) string {
	if d, ok := r.detail.(*RequestDetail); ok && r.Subject.State == None {
		return d.Node
	}
	return r.Subject.Body.(*Request).Node
}

func decideRequest(r *ruling) error {
	switch d := r.detail.(type) {
	case *RequestDetail:
		d.Scope = d.Scope.normal()
		return d.check(r.cmd.Action == "draft")
	case *ScopeDetail:
		if have := r.Subject.Body.(*Request).Approved; d.Add && have != nil {
			d.Scope = Scope{
				Accounts: append(slices.Clone(have.Accounts), d.Scope.Accounts...), Regions: append(slices.Clone(have.Regions), d.Scope.Regions...),
				Components: append(slices.Clone(have.Components), d.Scope.Components...), Models: append(slices.Clone(have.Models), d.Scope.Models...),
				Expires: have.Expires,
			}
		}
		d.Scope = d.Scope.normal()
		return d.Scope.check()
	case *ApprovalDetail:
		q := r.Subject.Body.(*Request)
		asked := q.Scope
		if q.Proposed != nil {
			asked = *q.Proposed
		}
		scope, err := d.scope(asked)
		if err != nil {
			return err
		}
		return r.approve(q, d, scope)
	}
	switch r.cmd.Action {
	case "reject":
		if q := r.Subject.Body.(*Request); q.Retroactive {
			r.open(TaskDecommission, 1, q.Scope, q)
		}
	case "revoke":
		return r.revoke()
	}
	return nil
}

// approve opens what an approval leads to: the workload, and the task that builds
// what is new.
func (r *ruling) approve(q *Request, d *ApprovalDetail, scope Scope) error {
	what, build := TaskCreate, scope
	switch {
	case r.cmd.Action == "approve_change" && q.Approved != nil:
		what, build = TaskChange, scope.beyond(*q.Approved)
	case q.Retroactive:
		what = TaskAdopt
	}
	// The event says what was approved, whole.
	*d = ApprovalDetail{Scope: &scope}
	if r.cmd.Action == "approve" {
		r.follow(workloadRef(r.cmd.Subject.Workload), "open", WorkloadDetail{Name: q.Name, Request: r.cmd.Subject.ID, Owner: q.Owner, Node: q.Node})
	}
	if len(build.Components) == 0 {
		return nil // only shorter, or later
	}
	build.Accounts, build.Regions, build.Models, build.Expires = scope.Accounts, scope.Regions, scope.Models, scope.Expires
	d.Task = r.open(what, len(q.Tasks)+1, build, q)
	return nil
}

// open opens task number n of the request and returns its id.
func (r *ruling) open(what TaskType, n int, scope Scope, q *Request) string {
	id := fmt.Sprintf("%s-%d", r.cmd.Subject.ID, n)
	approvers := append(slices.Clone(r.Subject.Parts[Approver]), r.people()...)
	slices.Sort(approvers)
	d := TaskDetail{
		Request: r.cmd.Subject.ID, Type: what, Scope: scope, Steps: stepsFor(what, scope), Anchors: q.Anchors, Payers: q.Payers,
		Approvers: slices.Compact(approvers), Requesters: r.Subject.Parts[Requester],
	}
	if what == TaskDecommission {
		d.Anchors = r.takenDown(q)
		d.Deny, d.Undenied = Deny(d.Anchors)
	}
	r.follow(Ref{Kind: KindTask, Workload: r.cmd.Subject.Workload, ID: id}, "open", d)
	return id
}

// beyond returns the scope with those components alone that have something to build
// which old did not allow: all of them where there are new accounts or regions.
func (s Scope) beyond(old Scope) Scope {
	places := Scope{Accounts: s.Accounts, Regions: s.Regions}
	if places.within(old) != nil {
		return s
	}
	out := s
	out.Components = nil
	for _, c := range s.Components {
		if !slices.Contains(old.Components, c) {
			out.Components = append(out.Components, c)
		}
	}
	return out
}

// revoke suspends the workload, cancels what is being built and has it taken down.
func (r *ruling) revoke() error {
	q := r.Subject.Body.(*Request)
	if w := r.Related[workloadRef(r.cmd.Subject.Workload)]; w != nil && w.State == WorkloadActive {
		r.follow(w.Ref, "suspend", nil)
	}
	for _, id := range q.Tasks {
		t := r.Related[Ref{Kind: KindTask, Workload: r.cmd.Subject.Workload, ID: id}]
		if t != nil && (t.State == TaskOpen || t.State == TaskInProgress) {
			r.follow(t.Ref, "cancel", nil)
		}
	}
	if q.Approved == nil {
		return fmt.Errorf("%w: nothing is approved", ErrGuard)
	}
	r.open(TaskDecommission, len(q.Tasks)+1, *q.Approved, q)
	return nil
}

func applyRequest(s *Subject, e *Event, detail any) error {
	q := s.Body.(*Request)
	switch d := detail.(type) {
	case *RequestDetail:
		q.RequestDetail = *d
	case *ScopeDetail:
		q.Proposed = &d.Scope
	case *ApprovalDetail:
		q.Approved, q.Proposed = d.Scope, nil
		q.end(e.At)
		g := Grant{Scope: *d.Scope, From: e.At, To: d.Scope.Expires}
		if q.Retroactive && len(q.Grants) == 0 {
			g.From = time.Time{}
		}
		q.Grants = append(q.Grants, g)
		if d.Task != "" {
			q.Tasks = append(q.Tasks, d.Task)
		}
	}
	switch e.Action {
	case "reject_change", "withdraw_change":
		q.Proposed = nil
	case "revoke":
		q.Proposed = nil
		q.end(e.At)
	}
	return nil
}

// end ends the latest grant, where it is still in force.
func (q *Request) end(at time.Time) {
	if n := len(q.Grants); n > 0 && q.Grants[n-1].To.After(at) {
		q.Grants[n-1].To = at
	}
}

func requestWaits(s *Subject) (Turn, bool) {
	q := s.Body.(*Request)
	switch s.State {
	case RequestSubmitted, RequestChangeProposed, RequestRenewalProposed, RequestDrafted:
		return Turn{Role: FinOpsLead}, true
	case RequestChangesAsked, RequestExpired:
		who := q.Owner
		if asked := s.Parts[Requester]; len(asked) > 0 {
			who = asked[0]
		}
		return Turn{Person: who, Role: ProductOwner}, true
	}
	return Turn{}, false
}
