package governance

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/estimate"
)

// KindWorkload is the kind of workloads: AI applications with a budget owner. Its
// actions: open, ready, extend and count (consequences), claim, assign, claim_bulk,
// claim_next, claim_last, claim_stop, release, confirm, suspend, resume, move,
// offer_owner, withdraw_owner, decline_owner, accept_owner, owner_left, retire,
// release_next, finish.
const KindWorkload Kind = "workload"

// The states of a workload. In claiming, a bulk claim is under way: [Workload].Bulk
// is what it has yet to claim.
const (
	WorkloadPlanned      State = "planned"
	WorkloadReady        State = "ready_to_claim"
	WorkloadClaiming     State = "claiming"
	WorkloadClaimed      State = "claimed"
	WorkloadActive       State = "active"
	WorkloadSuspended    State = "suspended"
	WorkloadOwnerMissing State = "owner_missing"
	WorkloadRetiring     State = "retiring"
	WorkloadRetired      State = "retired"
)

// A Workload is an AI application that somebody owns.
type Workload struct {
	Name    string `json:"name"`
	Request string `json:"request"` // the id of the one that allows it
	// Tasks are those whose handoff can be claimed.
	Tasks  []string    `json:"tasks,omitempty"`
	Owners []Ownership `json:"owners"` // ascending by From
	Nodes  []Placement `json:"nodes,omitempty"`
	// Claims counts those that are pending, active or offered.
	Claims int `json:"claims,omitempty"`
	// Bulk is what a bulk claim has yet to claim, and how it was asked for.
	Bulk *ClaimDetail `json:"bulk,omitempty"`
	// Offered is who the workload is offered to.
	Offered PersonID `json:"offered,omitempty"`
	// Resume is the state that owner_missing took the place of.
	Resume State `json:"resume,omitempty"`
	// Estimates are those that the owner confirmed, by the day they hold from.
	Estimates estimate.Timeline[Estimate] `json:"estimates,omitzero"`
}

// An Ownership is who owns a workload from an instant on.
type Ownership struct {
	From  time.Time `json:"from"`
	Owner PersonID  `json:"owner"`
}

// A Placement is where in the hierarchy a workload is from an instant on.
type Placement struct {
	From time.Time `json:"from"`
	Node string    `json:"node"`
}

// Owner returns who owns the workload now.
func (w *Workload) Owner() PersonID {
	if len(w.Owners) == 0 {
		return ""
	}
	return w.Owners[len(w.Owners)-1].Owner
}

// OwnerAt returns who owned the workload at an instant; before its first owner, him.
func (w *Workload) OwnerAt(t time.Time) PersonID {
	return inForce(w.Owners, t, func(o Ownership) time.Time { return o.From }).Owner
}

// Node returns the workload's node of the hierarchy at an instant, "" if none.
func (w *Workload) Node(t time.Time) string { return nodeAt(w.Nodes, t) }

func nodeAt(nodes []Placement, t time.Time) string {
	return inForce(nodes, t, func(p Placement) time.Time { return p.From }).Node
}

// An Estimate is what a workload is expected to use and cost in a period: volumes by
// component, as an estimate.Pricer prices or solves them, or a sum of money alone.
type Estimate struct {
	Plan estimate.Plan `json:"plan"`
	// Budget is the sum of money for the period, where one is stated.
	Budget decimal.NullDecimal `json:"budget"`
}

// Stated returns the basis and currency of the estimate.
func (e Estimate) Stated() (estimate.Basis, string) {
	basis := e.Plan.Basis
	if basis == "" {
		basis = estimate.UsageUnblended
	}
	return basis, e.Plan.Currency
}

// WorkloadDetail is what a workload is opened with.
type WorkloadDetail struct {
	Name    string   `json:"name"`
	Request string   `json:"request"`
	Owner   PersonID `json:"owner"`
	Node    string   `json:"node,omitempty"`
}

// TaskRef names a task of the workload, by id.
type TaskRef struct {
	Task string `json:"task"`
}

// countDetail is the detail of count.
type countDetail struct {
	More int `json:"more,omitempty"`
	Less int `json:"less,omitempty"`
}

// OwnerDetail is the detail of offer_owner.
type OwnerDetail struct {
	Owner PersonID `json:"owner"`
}

// MoveDetail is the detail of move: another place in the hierarchy, by default from
// now on.
type MoveDetail struct {
	Node string    `json:"node"`
	From time.Time `json:"from,omitzero"`
}

// EstimateDetail is the detail of confirm: an estimate, and the UTC day it holds from.
type EstimateDetail struct {
	From     time.Time `json:"from"`
	Estimate Estimate  `json:"estimate"`
}

var (
	guardApprovedRequest = Guard{"approved_request", "the workload's request is approved and not expired", func(r *ruling) error {
		_, err := r.scopeInForce(r.workload().Request)
		return err
	}}
	guardPresentOwner = Guard{"present_owner", "the budget owner is a present person of the directory", func(r *ruling) error {
		return r.presentOwner(r.workload().Owner())
	}}
	guardOwnerGone = Guard{"owner_gone", "the budget owner has left or is not in the directory", func(r *ruling) error {
		if r.presentOwner(r.workload().Owner()) == nil {
			return fmt.Errorf("%q is there", r.workload().Owner())
		}
		return nil
	}}
	guardOfferedToMe = Guard{"offered_to", "the workload is offered to the person", func(r *ruling) error {
		if w := r.workload(); !r.is(w.Offered) {
			return fmt.Errorf("it is offered to %q", w.Offered)
		}
		return nil
	}}
	guardNothingClaimed = Guard{"nothing_claimed", "no claim of the workload is left", func(r *ruling) error {
		if n := r.workload().Claims; n > 0 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	}}
	guardSomethingClaimed = Guard{"something_claimed", "the workload has a claim", func(r *ruling) error {
		if r.workload().Claims == 0 {
			return errors.New("it has none")
		}
		return nil
	}}
	guardEstimate = Guard{"estimate", "the estimate is of approved components, in one currency, and not empty", func(r *ruling) error {
		scope, err := r.scopeInForce(r.workload().Request)
		if err != nil {
			return err
		}
		return r.detail.(*EstimateDetail).check(r, scope)
	}}
	guardNewOwner = Guard{"new_owner", "who it is offered to is a present person of the directory, and not the owner", func(r *ruling) error {
		d := r.detail.(*OwnerDetail)
		if d.Owner == r.workload().Owner() {
			return fmt.Errorf("%q owns it", d.Owner)
		}
		return r.presentOwner(d.Owner)
	}}
)

// was holds for workloads that lost their owner in a state.
func was(s State) Guard {
	return Guard{"was_" + string(s), "the workload was " + string(s) + " before its owner went missing", func(r *ruling) error {
		if w := r.workload(); w.Resume != s {
			return fmt.Errorf("it was %s", w.Resume)
		}
		return nil
	}}
}

func (d *EstimateDetail) check(r *ruling, scope *Scope) error {
	p := d.Estimate.Plan
	budget := r.Related[Ref{Kind: KindRequest, Workload: r.cmd.Subject.Workload, ID: r.workload().Request}].Body.(*Request)
	switch {
	case p.Currency == "":
		return fmt.Errorf("%w: an estimate has a currency", ErrDetail)
	case budget.Currency != "" && budget.Currency != p.Currency:
		return fmt.Errorf("%w: the budget is in %s, the estimate in %s", ErrDetail, budget.Currency, p.Currency)
	case !p.Period.From.Before(p.Period.To):
		return fmt.Errorf("%w: the estimate's period %s is no time at all", ErrDates, p.Period)
	case len(p.Targets) == 0 && !d.Estimate.Budget.Valid:
		return fmt.Errorf("%w: the estimate is empty", ErrDetail)
	case d.Estimate.Budget.Valid && d.Estimate.Budget.Decimal.IsNegative():
		return fmt.Errorf("%w: the budget is negative", ErrDetail)
	}
	for _, t := range p.Targets {
		if t.Volume.IsNegative() || t.Cost.Valid && t.Cost.Decimal.IsNegative() {
			return fmt.Errorf("%w: the estimate of %s is negative", ErrDetail, t.Component)
		}
		if err := scope.Allows(r.now, "", "", t.Component.Group(), ""); err != nil {
			return fmt.Errorf("%s: %w", t.Component, err)
		}
	}
	return nil
}

func workloadRules() *kindRules {
	return &kindRules{
		rows:  workloadTable,
		final: []State{WorkloadRetired},
		body:  func() any { return new(Workload) },
		detail: func(a Action) any {
			switch a {
			case "open":
				return new(WorkloadDetail)
			case "ready", "extend":
				return new(TaskRef)
			case "count":
				return new(countDetail)
			case "claim", "assign", "claim_bulk", "claim_next", "claim_last":
				return new(ClaimDetail)
			case "release", "release_next":
				return new(ReleaseDetail)
			case "confirm":
				return new(EstimateDetail)
			case "offer_owner":
				return new(OwnerDetail)
			case "move":
				return new(MoveDetail)
			}
			return nil
		},
		needs:  workloadNeeds,
		place:  workloadPlace,
		decide: decideWorkload,
		apply:  applyWorkload,
		waits:  workloadWaits,
		due: func(s *Subject, dir *Directory, now time.Time) (duty, bool) {
			w := s.Body.(*Workload)
			gone := s.State != WorkloadOwnerMissing && s.State != WorkloadRetiring && s.State != WorkloadRetired && !dir.Present(w.Owner(), now)
			return duty{Action: "owner_left"}, gone
		},
		summary: func(s *Subject) any {
			w := s.Body.(*Workload)
			out := WorkloadSummary{Name: w.Name, Owners: w.Owners, Nodes: w.Nodes, Request: w.Request, Claims: w.Claims}
			for _, v := range w.Estimates.Versions {
				if out.EstimatedFrom.IsZero() || v.From.Before(out.EstimatedFrom) {
					out.EstimatedFrom = v.From
				}
			}
			return out
		},
	}
}

// WorkloadSummary is what the registry says of a workload.
type WorkloadSummary struct {
	Name    string      `json:"name"`
	Owners  []Ownership `json:"owners"`
	Nodes   []Placement `json:"nodes,omitempty"`
	Request string      `json:"request"`
	Claims  int         `json:"claims,omitempty"`
	// EstimatedFrom is the first day that a confirmed estimate holds for.
	EstimatedFrom time.Time `json:"estimated_from,omitzero"`
}

// Owner returns who owns the workload now.
func (w WorkloadSummary) Owner() PersonID { return (&Workload{Owners: w.Owners}).Owner() }

// workloadTable is made once: it is long and looked at by every decision.
var workloadTable = sync.OnceValue(workloadRows)

func workloadRows() []Transition {
	k := KindWorkload
	po, lead, desk, clock := []Role{ProductOwner}, []Role{FinOpsLead}, []Role{Consequence}, []Role{Scheduler}
	from := func(s ...State) []State { return s }
	ends := []Role{ProductOwner, FinOpsLead, Scheduler}
	owner := []Guard{guardOwnerOf}
	claims := []Guard{guardOwnerOf, guardApprovedRequest, guardHandedOver, guardFree}
	live := from(WorkloadPlanned, WorkloadReady, WorkloadClaiming, WorkloadClaimed, WorkloadActive, WorkloadSuspended)
	all := append(slices.Clone(live), WorkloadOwnerMissing, WorkloadRetiring)
	out := slices.Concat(
		rows(k, from(None), "open", desk, WorkloadPlanned, Transition{}),
		rows(k, from(WorkloadPlanned), "ready", desk, WorkloadReady, Transition{Tell: true}),
		rows(k, from(WorkloadReady, WorkloadClaimed), "claim", po, WorkloadClaimed, Transition{Guards: claims}),
		rows(k, from(WorkloadActive), "claim", po, WorkloadActive, Transition{Guards: claims}),
		rows(k, from(WorkloadClaimed), "assign", lead, WorkloadClaimed, Transition{Guards: claims[1:], Why: true, Tell: true}),
		rows(k, from(WorkloadActive), "assign", lead, WorkloadActive, Transition{Guards: claims[1:], Why: true, Tell: true}),
		rows(k, from(WorkloadReady, WorkloadClaimed), "claim_bulk", po, WorkloadClaiming, Transition{Guards: claims[:3], Tell: true}),
		rows(k, from(WorkloadClaiming), "claim_next", po, WorkloadClaiming, Transition{Guards: append([]Guard{guardNextOfBulk}, claims...)}),
		rows(k, from(WorkloadClaiming), "claim_next", clock, WorkloadClaiming, Transition{Guards: append([]Guard{guardNextOfBulk}, claims[1:]...)}),
		rows(k, from(WorkloadClaiming), "claim_last", po, WorkloadClaimed, Transition{Guards: append([]Guard{guardLastOfBulk}, claims...)}),
		rows(k, from(WorkloadClaiming), "claim_last", clock, WorkloadClaimed, Transition{Guards: append([]Guard{guardLastOfBulk}, claims[1:]...)}),
		rows(k, from(WorkloadClaiming), "claim_stop", po, WorkloadClaimed, Transition{Guards: owner, Why: true}),
		rows(k, from(WorkloadClaimed), "confirm", po, WorkloadActive, Transition{
			Guards: []Guard{guardOwnerOf, guardApprovedRequest, guardPresentOwner, guardSomethingClaimed, guardEstimate}, Tell: true,
		}),
		rows(k, from(WorkloadActive), "confirm", po, WorkloadActive, Transition{Guards: []Guard{guardOwnerOf, guardApprovedRequest, guardEstimate}}),
		rows(k, from(WorkloadActive), "suspend", po, WorkloadSuspended, Transition{Guards: owner, Why: true, Tell: true}),
		rows(k, from(WorkloadActive), "suspend", []Role{FinOpsLead, Consequence}, WorkloadSuspended, Transition{Why: true, Tell: true}),
		rows(k, from(WorkloadSuspended), "resume", lead, WorkloadActive, Transition{Guards: []Guard{guardApprovedRequest, guardPresentOwner}, Why: true, Tell: true}),
		rows(k, from(WorkloadRetiring), "release_next", ends, WorkloadRetiring, Transition{}),
		rows(k, from(WorkloadRetiring), "finish", ends, WorkloadRetired, Transition{Guards: []Guard{guardNothingClaimed}, Tell: true}),
	)
	for _, s := range all {
		out = append(out, rows(k, from(s), "count", desk, s, Transition{})...)
		if s != WorkloadRetiring {
			out = append(out, rows(k, from(s), "retire", po, WorkloadRetiring, Transition{Guards: owner, Why: true, Tell: true})...)
			out = append(out, rows(k, from(s), "retire", lead, WorkloadRetiring, Transition{Why: true, Tell: true})...)
			out = append(out, rows(k, from(s), "move", lead, s, Transition{})...)
			out = append(out, rows(k, from(s), "offer_owner", lead, s, Transition{Guards: []Guard{guardOwnerGone, guardNewOwner}, Tell: true})...)
			out = append(out, rows(k, from(s), "decline_owner", []Role{Anyone}, s, Transition{Guards: []Guard{guardOfferedToMe}, Tell: true})...)
			out = append(out, rows(k, from(s), "withdraw_owner", []Role{ProductOwner, FinOpsLead}, s, Transition{})...)
		}
		if s != WorkloadPlanned && s != WorkloadRetiring {
			out = append(out, rows(k, from(s), "extend", desk, s, Transition{})...)
		}
	}
	for _, s := range live {
		out = append(out, rows(k, from(s), "offer_owner", po, s, Transition{Guards: []Guard{guardOwnerOf, guardNewOwner}, Tell: true})...)
		out = append(out, rows(k, from(s), "accept_owner", po, s, Transition{Guards: []Guard{guardOfferedToMe}, Tell: true})...)
		out = append(out, rows(k, from(s), "owner_left", clock, WorkloadOwnerMissing, Transition{Guards: []Guard{guardOwnerGone}, Tell: true})...)
		guards := []Guard{was(s), guardOfferedToMe}
		if s == WorkloadActive {
			guards = append(guards, guardApprovedRequest)
		}
		out = append(out, rows(k, from(WorkloadOwnerMissing), "accept_owner", po, s, Transition{Guards: guards, Tell: true})...)
	}
	for _, s := range from(WorkloadClaimed, WorkloadActive, WorkloadSuspended) {
		out = append(out, rows(k, from(s), "release", po, s, Transition{Guards: owner, Why: true})...)
	}
	return out
}

func workloadNeeds(r *ruling) []Ref {
	if d, ok := r.detail.(*MoveDetail); ok && d.Node != "" {
		return []Ref{{Kind: KindNode, ID: d.Node}}
	}
	w, ok := r.Subject.Body.(*Workload)
	if !ok || r.cmd.Role == Consequence {
		return nil
	}
	out := []Ref{}
	request := Ref{Kind: KindRequest, Workload: r.cmd.Subject.Workload, ID: w.Request}
	switch r.cmd.Action {
	case "claim", "assign", "claim_bulk", "claim_next", "claim_last":
		out = append(out, request)
		for _, t := range w.Tasks {
			out = append(out, Ref{Kind: KindTask, Workload: r.cmd.Subject.Workload, ID: t})
		}
		if r.cmd.Action != "claim_bulk" {
			for _, i := range r.items() {
				if id, err := anchorID(r.Policy, i.Anchor); err == nil {
					out = append(out, anchorRef(id))
				}
			}
		}
	case "confirm", "resume":
		out = append(out, request, Ref{Kind: KindPerson, ID: string(w.Owner())})
	case "accept_owner":
		out = append(out, request)
	case "owner_left":
		out = append(out, Ref{Kind: KindPerson, ID: string(w.Owner())})
	case "offer_owner":
		out = append(out, Ref{Kind: KindPerson, ID: string(w.Owner())}, Ref{Kind: KindPerson, ID: string(r.detail.(*OwnerDetail).Owner)})
	case "release", "release_next":
		for _, id := range r.detail.(*ReleaseDetail).Claims {
			out = append(out, claimRef(r.cmd.Subject.Workload, id))
		}
	}
	return out
}

func workloadPlace(r *ruling) string {
	if w := r.workload(); w != nil {
		return w.Node(r.now)
	}
	return ""
}

func decideWorkload(r *ruling) error {
	switch d := r.detail.(type) {
	case *ClaimDetail:
		return r.claim(d)
	case *ReleaseDetail:
		return r.release(d)
	case *EstimateDetail:
		d.From = estimate.Day(orNow(d.From, r.now))
		if d.Estimate.Plan.Basis == "" {
			d.Estimate.Plan.Basis = estimate.UsageUnblended
		}
		_, err := r.workload().Estimates.Draft(d.Estimate, d.From, r.now)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDetail, err)
		}
	case *MoveDetail:
		n := r.Related[Ref{Kind: KindNode, ID: d.Node}]
		if n == nil || n.State != EntryOpen {
			return fmt.Errorf("%w: no node %q", ErrDetail, d.Node)
		}
		d.From = orNow(d.From, r.now)
	case nil:
		if r.cmd.Action == "withdraw_owner" && r.row.Role == ProductOwner && !r.is(r.workload().Owner()) {
			return fmt.Errorf("%w: he is not the owner", ErrGuard)
		}
	}
	return nil
}

func applyWorkload(s *Subject, e *Event, detail any) error {
	w := s.Body.(*Workload)
	switch d := detail.(type) {
	case *WorkloadDetail:
		w.Name, w.Request = d.Name, d.Request
		w.Owners = []Ownership{{e.At, d.Owner}}
		if d.Node != "" {
			w.Nodes = []Placement{{e.At, d.Node}}
		}
	case *TaskRef:
		if !slices.Contains(w.Tasks, d.Task) {
			w.Tasks = append(w.Tasks, d.Task)
		}
	case *countDetail:
		w.Claims += d.More - d.Less
	case *ClaimDetail:
		applyClaims(w, e, d)
	case *ReleaseDetail:
		w.Claims -= len(d.Claims)
	case *EstimateDetail:
		next, err := w.Estimates.Draft(d.Estimate, d.From, e.At)
		if err == nil {
			next, err = next.Confirm(len(next.Versions), e.At)
		}
		w.Estimates = next
		return err
	case *OwnerDetail:
		w.Offered = d.Owner
	case *MoveDetail:
		w.Nodes = dated(w.Nodes, Placement{d.From, d.Node}, func(p Placement) time.Time { return p.From })
	}
	switch e.Action {
	case "claim_stop":
		w.Bulk = nil
	case "accept_owner":
		w.Owners = dated(w.Owners, Ownership{e.At, w.Offered}, func(o Ownership) time.Time { return o.From })
		w.Offered, w.Resume = "", ""
	case "decline_owner", "withdraw_owner":
		w.Offered = ""
	case "owner_left":
		w.Resume = e.From
	case "retire":
		w.Bulk, w.Offered = nil, ""
	}
	return nil
}

func workloadWaits(s *Subject) (Turn, bool) {
	w := s.Body.(*Workload)
	switch {
	case w.Offered != "":
		return Turn{Person: w.Offered, Role: ProductOwner}, true
	case s.State == WorkloadReady, s.State == WorkloadClaiming, s.State == WorkloadClaimed:
		return Turn{Person: w.Owner(), Role: ProductOwner}, true
	case s.State == WorkloadOwnerMissing, s.State == WorkloadSuspended, s.State == WorkloadRetiring:
		return Turn{Role: FinOpsLead}, true
	}
	return Turn{}, false
}
