package governance

import (
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// maxBatch is how many anchors one commit claims or releases: each costs four items
// of the store's hundred, and a pending one a fifth.
const maxBatch = 12

// ClaimDetail is the detail of claim, assign and claim_bulk: anchors of handoffs, to be
// claimed from From on, by default from now. Earlier than now is back-dated.
// More than twelve anchors are a bulk claim. claim_next and claim_last take none. What
// the FinOps Lead assigns need not be in a handoff, and waits for the owner to approve.
type ClaimDetail struct {
	Items []ClaimItem `json:"items,omitempty"`
	From  time.Time   `json:"from,omitzero"`
	// What follows is set by the desk: who claimed and for whom, when, and how many
	// anchors a bulk claim asked for.
	By    PersonID   `json:"by,omitempty"`
	Asked []PersonID `json:"asked,omitempty"`
	At    time.Time  `json:"at,omitzero"`
	Total int        `json:"total,omitempty"`
}

// A ClaimItem is an anchor to claim.
type ClaimItem struct {
	Anchor attribution.Anchor `json:"anchor"`
	// Component, and where the anchor does not say it account and region, are needed
	// for what is assigned.
	Component pricing.Group `json:"component,omitempty"`
	Account   string        `json:"account,omitempty"`
	Region    string        `json:"region,omitempty"`
	// Share splits the anchor's money; such a claim waits for the FinOps Lead. The
	// basis table is not possible.
	Share *attribution.Share `json:"share,omitempty"`
}

// ReleaseDetail is the detail of release: claims of the workload, to end at At, by
// default now.
type ReleaseDetail struct {
	Claims []attribution.ClaimID `json:"claims"`
	At     time.Time             `json:"at,omitzero"`
}

var (
	guardHandedOver = Guard{"handed_over", "the anchors are in a handoff of the workload, or assigned, and lie in the approved scope", func(r *ruling) error {
		scope, err := r.scopeInForce(r.workload().Request)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, i := range r.items() {
			id, err := anchorID(r.Policy, i.Anchor)
			if err != nil {
				return err
			}
			if seen[id] {
				return fmt.Errorf("%w: %s comes twice", ErrDetail, i.Anchor)
			}
			seen[id] = true
			handed := r.handed(id)
			if handed == nil && r.cmd.Action == "assign" {
				handed = &HandoffItem{Anchor: i.Anchor, Component: i.Component, Account: i.Account, Region: i.Region}
			}
			if handed == nil {
				return fmt.Errorf("%w: %s is in no handoff", ErrScope, i.Anchor)
			}
			if err := handed.inside(*scope, r.now); err != nil {
				return err
			}
		}
		return nil
	}}
	guardFree = Guard{"unclaimed", "nobody holds the anchor in the claim's time", func(r *ruling) error {
		for _, i := range r.items() {
			id, err := anchorID(r.Policy, i.Anchor)
			if err != nil {
				return err
			}
			held := r.Related[anchorRef(id)]
			if held == nil {
				continue
			}
			if err := held.Body.(*Holding).free(HoldInterval{Anchor: i.Anchor, From: r.from()}); err != nil {
				return err
			}
		}
		return nil
	}}
	guardNextOfBulk = Guard{"more_than_a_batch", "more is left than one commit can claim", func(r *ruling) error {
		if n := r.workload().left(); n <= maxBatch {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	}}
	guardLastOfBulk = Guard{"a_batch", "no more is left than one commit can claim", func(r *ruling) error {
		if n := r.workload().left(); n > maxBatch {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	}}
)

// left counts what a bulk claim has yet to claim.
func (w *Workload) left() int {
	if w.Bulk == nil {
		return 0
	}
	return len(w.Bulk.Items)
}

// items returns the anchors that a claim command claims, or begins to.
func (r *ruling) items() []ClaimItem {
	if w := r.workload(); w != nil && w.Bulk != nil && (r.cmd.Action == "claim_next" || r.cmd.Action == "claim_last") {
		return w.Bulk.Items[:min(maxBatch, len(w.Bulk.Items))]
	}
	if d, ok := r.detail.(*ClaimDetail); ok {
		return d.Items
	}
	return nil
}

// from returns when the claims of a command begin.
func (r *ruling) from() time.Time {
	if w := r.workload(); w != nil && w.Bulk != nil && (r.cmd.Action == "claim_next" || r.cmd.Action == "claim_last") {
		return w.Bulk.From
	}
	return orNow(r.detail.(*ClaimDetail).From, r.now)
}

// handed returns the handoff item of an anchor, nil where there is none.
func (r *ruling) handed(anchor string) *HandoffItem {
	for _, id := range r.workload().Tasks {
		t := r.Related[Ref{Kind: KindTask, Workload: r.cmd.Subject.Workload, ID: id}]
		if t == nil || t.State != TaskHandedOver {
			continue
		}
		for _, i := range t.Body.(*Task).Handoff.all() {
			if got, err := anchorID(r.Policy, i.Anchor); err == nil && got == anchor {
				return &i
			}
		}
	}
	return nil
}

// claim decides claim, claim_bulk, claim_next and claim_last.
func (r *ruling) claim(d *ClaimDetail) error {
	items, w := r.items(), r.workload()
	switch r.cmd.Action {
	case "claim_next", "claim_last":
		if w.Bulk == nil {
			return fmt.Errorf("%w: no bulk claim is under way", ErrGuard)
		}
		if len(d.Items) > 0 || !d.From.IsZero() {
			return fmt.Errorf("%w: what is next is the bulk claim's to say", ErrDetail)
		}
		*d = ClaimDetail{Items: items, From: w.Bulk.From, By: w.Bulk.By, Asked: w.Bulk.Asked, At: w.Bulk.At}
	default:
		*d = ClaimDetail{Items: items, From: r.from(), By: r.cmd.Actor, Asked: r.people(), At: r.now}
	}
	limit := maxBatch
	if r.cmd.Action == "claim_bulk" {
		limit = maxItems
	}
	switch {
	case len(items) == 0:
		return fmt.Errorf("%w: no anchor", ErrDetail)
	case len(items) > limit:
		return fmt.Errorf("%w: %d anchors, at most %d", ErrDetail, len(items), limit)
	}
	if r.cmd.Action == "claim_bulk" {
		d.Total = len(items)
		return r.checkShares(items)
	}
	if err := r.checkShares(items); err != nil {
		return err
	}
	for _, i := range items {
		if err := r.hold(d, i); err != nil {
			return err
		}
	}
	return nil
}

// checkShares refuses shares that could not be attributed by.
func (r *ruling) checkShares(items []ClaimItem) error {
	for _, i := range items {
		if i.Share == nil {
			continue
		}
		if i.Share.By == attribution.ByTable {
			return fmt.Errorf("%w: %s: shares by table are not governed", ErrDetail, i.Anchor)
		}
		one := attribution.Claims{Claims: []attribution.Claim{{ID: "share", Anchor: i.Anchor, Target: *i.Share, From: r.now}}}
		if err := one.Validate(r.Policy.attribution()); err != nil {
			return fmt.Errorf("%w: %w", ErrDetail, err)
		}
	}
	return nil
}

// hold claims one anchor.
func (r *ruling) hold(d *ClaimDetail, i ClaimItem) error {
	canonical, err := i.Anchor.Canonical(r.Policy.attribution())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDetail, err)
	}
	id := short(canonical)
	var held *Holding
	if s := r.Related[anchorRef(id)]; s != nil {
		held = s.Body.(*Holding)
	}
	c := Claim{
		ID: nextClaim(id, held), Workload: r.cmd.Subject.Workload, Anchor: i.Anchor, Component: i.Component,
		Request: r.workload().Request, Share: i.Share, From: d.From, RecordedAt: d.At, ClaimedBy: d.By,
	}
	if handed := r.handed(id); handed != nil {
		c.Component = handed.Component
	}
	if r.cmd.Action == "assign" {
		c.Assigned, c.OfferedOwner = true, r.workload().Owner()
	}
	interval := c.interval()
	interval.Pending = c.BackDated() || c.Share != nil || c.Assigned
	action := Action("hold")
	if interval.Pending {
		action = "hold_pending"
	}
	r.follow(claimRef(c.Workload, c.ID), action, claimDetail{Claim: c, Asked: d.Asked})
	r.follow(anchorRef(id), "hold", holdDetail{Canonical: canonical, HoldInterval: interval})
	return nil
}

func applyClaims(w *Workload, e *Event, d *ClaimDetail) {
	if e.Action == "claim_bulk" {
		w.Bulk = d
		return
	}
	w.Claims += len(d.Items)
	if w.Bulk == nil {
		return
	}
	w.Bulk.Items = w.Bulk.Items[len(d.Items):]
	if len(w.Bulk.Items) == 0 {
		w.Bulk = nil
	}
}

// release decides release and release_next.
func (r *ruling) release(d *ReleaseDetail) error {
	d.At = orNow(d.At, r.now)
	slices.Sort(d.Claims)
	d.Claims = slices.Compact(d.Claims)
	switch {
	case len(d.Claims) == 0:
		return fmt.Errorf("%w: no claim", ErrDetail)
	case len(d.Claims) > maxBatch:
		return fmt.Errorf("%w: %d claims, at most %d", ErrDetail, len(d.Claims), maxBatch)
	case d.At.Before(r.now):
		return fmt.Errorf("%w: what was owned until now stays owned; release at %s is before", ErrDates, date(d.At))
	}
	for _, id := range d.Claims {
		ref := claimRef(r.cmd.Subject.Workload, id)
		s := r.Related[ref]
		if s == nil {
			return fmt.Errorf("%w: no claim %s", ErrDetail, id)
		}
		c := s.Body.(*Claim)
		anchor, err := anchorID(r.Policy, c.Anchor)
		if err != nil {
			return err
		}
		r.follow(ref, "release", claimEnd{At: d.At})
		if s.State == ClaimPending {
			r.follow(anchorRef(anchor), "drop", endDetail{Claim: id})
		} else {
			r.follow(anchorRef(anchor), "end", endDetail{Claim: id, At: d.At})
		}
	}
	return nil
}
