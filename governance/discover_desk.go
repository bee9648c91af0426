package governance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
)

// foundRequest is the id of the requests that Draft makes.
const foundRequest = "found"

// Discover finds what runs without an approved request, as the function Discover does,
// with what the desk knows: approvals, retroactive requests and handoffs.
func (d *Desk) Discover(ctx context.Context, o *DiscoverOptions, statements ...*attribution.Statement) (*Discovery, error) {
	var opt DiscoverOptions
	if o != nil {
		opt = *o
	}
	opt.Rules = d.policy.attribution()
	reg, err := d.Register(ctx)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Discovery, error) { return nil, fmt.Errorf("governance: discover: %w", err) }
	for l, err := range d.Registry(ctx, KindRequest) {
		if err != nil {
			return fail(err)
		}
		s, err := d.Subject(ctx, l.Subject)
		if err != nil {
			return fail(err)
		}
		if q := s.Body.(*Request); q.Retroactive {
			opt.Known = append(opt.Known, KnownApplication{s.Ref, s.State, q.Anchors})
		}
	}
	for l, err := range d.Registry(ctx, KindTask) {
		if err != nil {
			return fail(err)
		}
		if l.State != TaskHandedOver {
			continue
		}
		s, err := d.Subject(ctx, l.Subject)
		if err != nil {
			return fail(err)
		}
		if t := s.Body.(*Task); t.Type != TaskDecommission {
			for _, i := range t.Handoff.all() {
				opt.HandedOver = append(opt.HandedOver, i.Anchor)
			}
		}
	}
	return Discover(reg, &opt, statements...)
}

// Draft drafts a retroactive request for each application that has none, for the FinOps
// Lead to submit with an owner, or to reject. Nothing is approved by it, and drafting
// again changes nothing. It returns the requests it made; where one is refused it goes
// on, and the errors are joined.
func (d *Desk) Draft(ctx context.Context, found *Discovery) ([]Ref, error) {
	reg, err := d.Register(ctx)
	if err != nil {
		return nil, err
	}
	now := d.now().UTC()
	var out []Ref
	var all []error
	for i := range found.Applications {
		a := &found.Applications[i]
		if a.Request != (Ref{}) {
			continue
		}
		draft := a.Draft()
		if account, ok := reg.Account(a.Accounts[0], now); ok {
			// Who answers for the account is asked first.
			draft.Node = account.Node
			if reg.Present(account.Owner, now) {
				draft.Owner = account.Owner
			}
		}
		ref := Ref{Kind: KindRequest, Workload: a.ID, ID: foundRequest}
		// What it was found by is what it is, not what it has cost by now.
		r, err := d.Do(ctx, Command{ID: "discover/" + short(ref.String()), Actor: System, Subject: ref, Action: "draft", Detail: draft})
		switch {
		case errors.Is(err, ErrExists):
		case err != nil:
			all = append(all, err)
		case !r.Replayed:
			out = append(out, ref)
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
	}
	return out, errors.Join(all...)
}

// Draft returns the request that an application would have needed. Who owns it is for
// people to say, and so is the budget: the one suggested is what it costs a month.
func (a *Application) Draft() RequestDetail {
	d := RequestDetail{
		Name: a.Name, UseCase: "found running without an approved request", Retroactive: true, Payers: a.payers,
		Scope: Scope{Accounts: a.Accounts, Regions: a.Regions, Components: a.Components},
	}
	if len(d.Scope.Regions) == 0 {
		d.Scope.Regions = []string{"*"} // the bill does not tell
	}
	for _, c := range a.Components {
		if c == "model" {
			d.Scope.Models = a.Models
			if len(a.Models) == 0 {
				d.Scope.Models = []string{"*"}
			}
		}
	}
	if a.currency != "" && a.Monthly.IsPositive() {
		d.Budget, d.Currency = a.Monthly, a.currency
	}
	for _, x := range a.Anchors {
		d.Anchors = append(d.Anchors, x.Anchor)
	}
	for _, r := range a.Reasons {
		d.Reasons = append(d.Reasons, r.String())
	}
	d.Reasons = append(d.Reasons, strings.TrimSpace(fmt.Sprintf("seen from %s to %s, %s %s by then", date(a.First)[:10], date(a.Last)[:10], a.Spend, a.currency)))
	d.Scope = d.Scope.normal()
	return d
}

// String returns the reason for people.
func (r FoundReason) String() string { return r.Code + ": " + r.Detail }
