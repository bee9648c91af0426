package governance

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// KindClaim is the kind of governed claims. A claim lies in the partition of its
// workload, whose actions claim and release make and end it. Its own actions:
// approve, refuse, offer, withdraw_offer, decline, accept.
const KindClaim Kind = "claim"

// The states of a claim. A pending one is back-dated or a share and waits for the
// FinOps Lead, or was assigned by him and waits for the owner: the anchor is kept,
// nothing is attributed yet.
const (
	ClaimPending     State = "pending"
	ClaimActive      State = "active"
	ClaimOffered     State = "offered"
	ClaimRefused     State = "refused"
	ClaimReleased    State = "released"
	ClaimTransferred State = "transferred"
)

// A Claim is a claim that went through governance. [Claim.Attribution] returns what
// it attributes by.
type Claim struct {
	ID        attribution.ClaimID    `json:"id"`
	Workload  attribution.WorkloadID `json:"workload"`
	Anchor    attribution.Anchor     `json:"anchor"`
	Component pricing.Group          `json:"component"`
	Request   string                 `json:"request"` // under whose approval
	Share     *attribution.Share     `json:"share,omitempty"`
	From      time.Time              `json:"from"`
	To        time.Time              `json:"to,omitzero"`
	// RecordedAt is when it was made. A claim from before is back-dated.
	RecordedAt time.Time `json:"recorded_at"`
	ClaimedBy  PersonID  `json:"claimed_by"`
	Assigned   bool      `json:"assigned,omitempty"`    // by the FinOps Lead
	ApprovedBy PersonID  `json:"approved_by,omitempty"` // of a pending claim
	// OfferedTo is the workload that the claim is offered to, and OfferedOwner
	// whose consent it takes; of one that was assigned, the owner at that time.
	OfferedTo    attribution.WorkloadID `json:"offered_to,omitempty"`
	OfferedOwner PersonID               `json:"offered_owner,omitempty"`
}

// Attribution returns the claim as package attribution knows it.
func (c *Claim) Attribution() attribution.Claim {
	return c.interval().attribution()
}

func (c *Claim) interval() HoldInterval {
	return HoldInterval{Claim: c.ID, Workload: c.Workload, Anchor: c.Anchor, Share: c.Share, From: c.From, To: c.To, RecordedAt: c.RecordedAt}
}

func (h HoldInterval) attribution() attribution.Claim {
	var target attribution.Target = attribution.Whole{Workload: h.Workload}
	if h.Share != nil {
		target = *h.Share
	}
	return attribution.Claim{ID: h.Claim, Anchor: h.Anchor, Target: target, From: h.From, To: h.To, RecordedAt: h.RecordedAt}
}

// BackDated reports whether the claim holds for time before it was made.
func (c *Claim) BackDated() bool { return c.From.Before(c.RecordedAt) }

// OfferDetail is the detail of offer on a claim.
type OfferDetail struct {
	To attribution.WorkloadID `json:"to"`
	// Owner is set by the desk: whose consent it takes.
	Owner PersonID `json:"owner,omitempty"`
}

// claimDetail is the detail of hold and hold_pending.
type claimDetail struct {
	Claim
	Asked []PersonID `json:"asked,omitempty"` // the claimer, and who he acted for
}

// claimEnd is the detail of release and accept, whose fields the desk sets.
type claimEnd struct {
	At time.Time `json:"at,omitzero"`
}

func claimRef(w attribution.WorkloadID, id attribution.ClaimID) Ref {
	return Ref{Kind: KindClaim, Workload: w, ID: string(id)}
}

// nextClaim returns the id of the next claim on an anchor.
func nextClaim(anchor string, h *Holding) attribution.ClaimID {
	n := 1
	if h != nil {
		n = h.Claims + 1
	}
	return attribution.ClaimID(fmt.Sprintf("%s.%d", anchor, n))
}

var (
	guardReceiver = Guard{"receiver", "the person is the owner of the workload that the claim is offered to", func(r *ruling) error {
		to := r.Related[workloadRef(r.Subject.Body.(*Claim).OfferedTo)]
		if to == nil || !r.is(to.Body.(*Workload).Owner()) {
			return errors.New("he is not")
		}
		return nil
	}}
	guardReceives = Guard{"receives", "the other workload is claimed or active, has an approved request, and its scope allows the component there", func(r *ruling) error {
		c := r.Subject.Body.(*Claim)
		to := r.Related[workloadRef(c.OfferedTo)]
		if to == nil || to.State != WorkloadClaimed && to.State != WorkloadActive && to.State != WorkloadReady {
			return fmt.Errorf("workload %q is not open for claims", c.OfferedTo)
		}
		return r.allowedFor(to, c)
	}}
	guardAssigned = Guard{"assigned", "the FinOps Lead assigned it", func(r *ruling) error {
		if !r.Subject.Body.(*Claim).Assigned {
			return errors.New("it was claimed")
		}
		return nil
	}}
	guardNotAssigned = Guard{"not_assigned", "the owner claimed it himself", func(r *ruling) error {
		if r.Subject.Body.(*Claim).Assigned {
			return errors.New("it was assigned, and is the owner's to approve")
		}
		return nil
	}}
	guardWhole = Guard{"whole", "the claim is not a share", func(r *ruling) error {
		if r.Subject.Body.(*Claim).Share != nil {
			return errors.New("it is: release it and claim it anew")
		}
		return nil
	}}
)

// allowedFor checks a claim's component and place against the scope of another
// workload.
func (r *ruling) allowedFor(to *Subject, c *Claim) error {
	q := r.Related[Ref{Kind: KindRequest, Workload: to.Ref.Workload, ID: to.Body.(*Workload).Request}]
	if q == nil || q.State != RequestApproved && q.State != RequestChangeProposed {
		return fmt.Errorf("workload %q has no approved request", to.Ref.Workload)
	}
	item := HandoffItem{Anchor: c.Anchor, Component: c.Component}
	account, region, err := item.where()
	if err != nil {
		account, region = c.Anchor.Account, ""
	}
	return q.Body.(*Request).Approved.Allows(r.now, account, region, c.Component, "")
}

func claimRules() *kindRules {
	k, po, lead := KindClaim, []Role{ProductOwner}, []Role{FinOpsLead}
	from := func(s ...State) []State { return s }
	return &kindRules{
		rows: func() []Transition {
			return slices.Concat(
				rows(k, from(None), "hold", []Role{Consequence}, ClaimActive, Transition{}),
				rows(k, from(None), "hold_pending", []Role{Consequence}, ClaimPending, Transition{}),
				rows(k, from(ClaimPending), "approve", lead, ClaimActive, Transition{Guards: []Guard{guardNotAssigned}, Takes: Approver, Why: true}),
				rows(k, from(ClaimPending), "approve", po, ClaimActive, Transition{Guards: []Guard{guardAssigned, guardOwnerOf}, Takes: Approver}),
				rows(k, from(ClaimPending), "refuse", po, ClaimRefused, Transition{Guards: []Guard{guardAssigned, guardOwnerOf}, Takes: Approver, Why: true, Tell: true}),
				rows(k, from(ClaimPending), "refuse", lead, ClaimRefused, Transition{Takes: Approver, Why: true, Tell: true}),
				rows(k, from(ClaimActive), "offer", po, ClaimOffered, Transition{Guards: []Guard{guardOwnerOf, guardWhole}, Tell: true}),
				rows(k, from(ClaimOffered), "withdraw_offer", po, ClaimActive, Transition{Guards: []Guard{guardOwnerOf}}),
				rows(k, from(ClaimOffered), "decline", po, ClaimActive, Transition{Guards: []Guard{guardReceiver}, Tell: true}),
				rows(k, from(ClaimOffered), "accept", po, ClaimTransferred, Transition{Guards: []Guard{guardReceiver, guardReceives}, Tell: true}),
				rows(k, from(ClaimPending, ClaimActive, ClaimOffered), "release", []Role{Consequence}, ClaimReleased, Transition{}),
			)
		},
		final: []State{ClaimRefused, ClaimReleased, ClaimTransferred},
		body:  func() any { return new(Claim) },
		detail: func(a Action) any {
			switch a {
			case "hold", "hold_pending":
				return new(claimDetail)
			case "offer":
				return new(OfferDetail)
			case "release", "accept":
				return new(claimEnd)
			}
			return nil
		},
		needs: claimNeeds,
		place: func(r *ruling) string {
			// What a receiver may do depends on where his own workload is.
			if c, ok := r.Subject.Body.(*Claim); ok && (r.cmd.Action == "accept" || r.cmd.Action == "decline") {
				if to := r.Related[workloadRef(c.OfferedTo)]; to != nil {
					return to.Body.(*Workload).Node(r.now)
				}
				return ""
			}
			if w := r.workload(); w != nil {
				return w.Node(r.now)
			}
			return ""
		},
		decide: decideClaim,
		apply:  applyClaim,
		waits: func(s *Subject) (Turn, bool) {
			switch s.State {
			case ClaimPending:
				if c := s.Body.(*Claim); c.Assigned {
					return Turn{Person: c.OfferedOwner, Role: ProductOwner}, true
				}
				return Turn{Role: FinOpsLead}, true
			case ClaimOffered:
				return Turn{Person: s.Body.(*Claim).OfferedOwner, Role: ProductOwner}, true
			}
			return Turn{}, false
		},
	}
}

func claimNeeds(r *ruling) []Ref {
	c, ok := r.Subject.Body.(*Claim)
	if !ok || r.cmd.Role == Consequence {
		return nil
	}
	out := []Ref{workloadRef(c.Workload)}
	other := c.OfferedTo
	if d, ok := r.detail.(*OfferDetail); ok {
		other = d.To
	}
	if other == "" {
		return out
	}
	out = append(out, workloadRef(other))
	if to := r.Related[workloadRef(other)]; to != nil && r.cmd.Action == "accept" {
		out = append(out, Ref{Kind: KindRequest, Workload: other, ID: to.Body.(*Workload).Request})
	}
	if id, err := anchorID(r.Policy, c.Anchor); err == nil && r.cmd.Action == "accept" {
		out = append(out, anchorRef(id))
	}
	return out
}

func decideClaim(r *ruling) error {
	if d, ok := r.detail.(*claimDetail); ok {
		if r.cmd.Action == "hold_pending" {
			r.takes = map[Part][]PersonID{Requester: d.Asked}
		}
		return nil
	}
	c := r.Subject.Body.(*Claim)
	id, err := anchorID(r.Policy, c.Anchor)
	if err != nil {
		return err
	}
	switch r.cmd.Action {
	case "approve":
		r.follow(anchorRef(id), "confirm", endDetail{Claim: c.ID})
	case "refuse":
		r.follow(anchorRef(id), "drop", endDetail{Claim: c.ID})
		r.follow(workloadRef(c.Workload), "count", countDetail{Less: 1})
	case "offer":
		d := r.detail.(*OfferDetail)
		to := r.Related[workloadRef(d.To)]
		switch {
		case d.To == c.Workload:
			return fmt.Errorf("%w: it is %q's already", ErrDetail, d.To)
		case to == nil:
			return fmt.Errorf("%w: no workload %q", ErrDetail, d.To)
		}
		d.Owner = to.Body.(*Workload).Owner()
	case "accept":
		return r.transfer(c, id)
	}
	return nil
}

// transfer ends a claim now and begins the receiver's.
func (r *ruling) transfer(c *Claim, anchor string) error {
	r.detail.(*claimEnd).At = r.now
	held := r.Related[anchorRef(anchor)]
	to := r.Related[workloadRef(c.OfferedTo)]
	if held == nil {
		return fmt.Errorf("%w: the anchor has no record", ErrGuard)
	}
	next := *c
	next.ID, next.Workload, next.Request = nextClaim(anchor, held.Body.(*Holding)), c.OfferedTo, to.Body.(*Workload).Request
	next.From, next.RecordedAt, next.ClaimedBy = r.now, r.now, r.cmd.Actor
	if c.From.After(r.now) {
		next.From = c.From // not in force yet
	}
	next.OfferedTo, next.OfferedOwner, next.ApprovedBy = "", "", ""
	interval := next.interval()
	r.follow(anchorRef(anchor), "move", endDetail{Claim: c.ID, At: r.now, Next: &interval})
	r.follow(claimRef(next.Workload, next.ID), "hold", claimDetail{Claim: next})
	r.follow(workloadRef(c.Workload), "count", countDetail{Less: 1})
	r.follow(workloadRef(next.Workload), "count", countDetail{More: 1})
	return nil
}

func applyClaim(s *Subject, e *Event, detail any) error {
	c := s.Body.(*Claim)
	switch d := detail.(type) {
	case *claimDetail:
		*c = d.Claim
	case *OfferDetail:
		c.OfferedTo, c.OfferedOwner = d.To, d.Owner
	case *claimEnd:
		c.To = d.At
		if !c.From.Before(c.To) {
			c.To = c.From // it never came into force
		}
	}
	switch e.Action {
	case "approve":
		c.ApprovedBy = e.Actor
	case "withdraw_offer", "decline":
		c.OfferedTo, c.OfferedOwner = "", ""
	}
	return nil
}
