package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/governance"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// brownfield finds what runs without a request: one application is adopted, one is
// rejected and taken down.
func (s *story) brownfield(ctx context.Context) error {
	g, err := s.deliver(ctx, "2026-05-first")
	if err != nil {
		return err
	}
	statements, err := s.ledger.Statements(ctx, g)
	if err != nil {
		return err
	}
	found, err := s.desk.Discover(ctx, nil, statements...)
	if err != nil {
		return err
	}
	s.out.Found = found
	if _, err := s.desk.Draft(ctx, found); err != nil {
		return err
	}
	for i := range found.Applications {
		a := &found.Applications[i]
		ref := governance.Ref{Kind: governance.KindRequest, Workload: a.ID, ID: "found"}
		switch {
		case strings.Contains(string(a.ID), "pricing-experiment"):
			err = s.adopt(ctx, ref, a)
		case strings.Contains(string(a.ID), "lab-agents"):
			err = s.reject(ctx, ref, statements)
		}
		if err != nil {
			return err
		}
	}
	// Approved for the past, the claims change who has the money of May.
	claims, err := s.desk.SaveClaims(ctx, s.ledger)
	if err != nil {
		return err
	}
	b, err := s.ledger.Reattribute(ctx, g.Delivery.Payer, g.Delivery.Period, claims)
	if err == nil {
		err = b.Commit(ctx)
	}
	return err
}

// adopt has somebody own what was found, and the engineer confirm what is there.
func (s *story) adopt(ctx context.Context, ref governance.Ref, a *governance.Application) error {
	s.trail = append(s.trail, ref, taskRef(ref), workloadRef(ref.Workload))
	d := a.Draft()
	d.Owner, d.Node, d.UseCase = becki, "ci", "tries prices on returns before they are shown"
	if _, err := s.do(ctx, becki, ref, "submit", "", d); err != nil {
		return err
	}
	s.now = s.now.Add(time.Hour)
	until := governance.ApprovalDetail{Expires: at("2026-09-01T00:00:00Z")}
	if _, err := s.do(ctx, lead, ref, "approve", "an experiment that is worth its money, until September", until); err != nil {
		return err
	}
	var items []governance.HandoffItem
	for _, x := range a.Anchors {
		items = append(items, governance.HandoffItem{Anchor: x.Anchor, Component: x.Components[0]})
	}
	if err := s.build(ctx, ref, governance.Handoff{Items: items}); err != nil {
		return err
	}
	return s.own(ctx, becki, ref.Workload, items, a.First, a.Monthly)
}

// reject has what was found taken down. That it is, only statements can say.
func (s *story) reject(ctx context.Context, ref governance.Ref, statements []*attribution.Statement) error {
	s.trail = append(s.trail, ref, taskRef(ref))
	s.now = s.now.Add(time.Hour)
	if _, err := s.do(ctx, lead, ref, "reject", "nobody knows whose it is", nil); err != nil {
		return err
	}
	t, err := s.desk.Subject(ctx, taskRef(ref))
	if err != nil {
		return err
	}
	s.out.Deny = t.Body.(*governance.Task).Deny
	if err := s.build(ctx, ref, governance.Handoff{Note: "denied by SCP, function deleted"}); err != nil {
		return err
	}
	s.out.Watched, err = s.desk.Watch(ctx, statements...)
	return err
}

// weeks are those of May whose days are complete with the first delivery.
func weeks() []time.Time {
	return []time.Time{at("2026-05-01T00:00:00Z"), at("2026-05-04T00:00:00Z"), at("2026-05-11T00:00:00Z")}
}

// book returns the newest generation of May.
func (s *story) book(ctx context.Context) (ledger.Generation, error) {
	for g, err := range s.ledger.Heads(ctx) {
		if err != nil {
			return g, err
		}
		if g.Delivery.Period.String() == "2026-05" {
			return g, nil
		}
	}
	return ledger.Generation{}, fmt.Errorf("no book of May")
}

// cards opens the cards of May. Owners accept theirs but for one, which is disputed; the
// portfolios approve over it, and it is upheld.
func (s *story) cards(ctx context.Context) error {
	g, err := s.book(ctx)
	if err != nil {
		return err
	}
	s.now = at("2026-05-26T09:00:00Z")
	if _, err := s.desk.SyncCards(ctx, s.ledger, g.Delivery.Payer, g.Delivery.Period, nil); err != nil {
		return err
	}
	disputed := cardRef(g, "customer-support-bot", weeks()[2])
	s.trail = append(s.trail, disputed)
	if err := s.accept(ctx, disputed); err != nil {
		return err
	}
	if _, err := s.do(ctx, becki, disputed, "dispute", "twice the usual on Tuesday", nil); err != nil {
		return err
	}
	if err := s.approve(ctx, g, true); err != nil {
		return err
	}
	s.now = s.now.Add(24 * time.Hour)
	if _, err := s.do(ctx, lead, disputed, "uphold", "the load test, announced on the 10th", nil); err != nil {
		return err
	}
	return s.approve(ctx, g, false)
}

// accept has everybody accept the cards and adjustments that wait for them.
func (s *story) accept(ctx context.Context, but governance.Ref) error {
	for _, turn := range []governance.Turn{
		{Person: becki}, {Person: "owner.insights"}, {Person: "owner.documents"}, {Person: "owner.risk"}, {Role: governance.FinOpsLead},
	} {
		who := turn.Person
		if who == "" {
			who = lead
		}
		var refs []governance.Ref
		for l, err := range s.desk.Queue(ctx, turn) {
			if err != nil {
				return err
			}
			if l.State == governance.CardOpen && l.Subject != but && (l.Subject.Kind == governance.KindCard || l.Subject.Kind == governance.KindAdjustment) {
				refs = append(refs, l.Subject)
			}
		}
		for _, ref := range refs {
			if _, err := s.do(ctx, who, ref, "accept", "", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// approve has the Portfolio Owners approve their weeks, exceptions listed.
func (s *story) approve(ctx context.Context, g ledger.Generation, show bool) error {
	s.now = s.now.Add(time.Hour)
	for _, week := range weeks() {
		for _, p := range []struct {
			node string
			by   governance.PersonID
		}{{"ci", dana}, {"rp", piet}} {
			s.n++
			r, err := s.desk.ApproveRollUp(ctx, governance.Command{ID: fmt.Sprintf("step-%03d", s.n), Actor: p.by},
				governance.RollUpOf{Node: p.node, Payer: g.Delivery.Payer, Week: week})
			if err != nil {
				return err
			}
			if show {
				s.out.RollUps = append(s.out.RollUps, r.Subject.Body.(*governance.PortfolioWeek).RollUps...)
			}
		}
	}
	return nil
}

// restated books the second delivery of May, which says something else of approved weeks.
func (s *story) restated(ctx context.Context) error {
	g, err := s.deliver(ctx, "2026-05-second")
	if err != nil {
		return err
	}
	s.now = at("2026-05-28T09:00:00Z")
	if _, err := s.desk.SyncCards(ctx, s.ledger, g.Delivery.Payer, g.Delivery.Period, nil); err != nil {
		return err
	}
	k := cards.Key{Subject: cards.Of("customer-support-bot"), Payer: g.Delivery.Payer, Currency: "USD"}
	k.Week.From = weeks()[1]
	adjustment := governance.AdjustmentRef(k)
	s.trail = append(s.trail, governance.CardRef(k), adjustment)
	if _, err := s.do(ctx, becki, adjustment, "accept", "", nil); err != nil {
		return err
	}
	s.now = s.now.Add(time.Hour)
	if _, err := s.do(ctx, dana, adjustment, "approve", "", nil); err != nil {
		return err
	}
	for _, week := range weeks() {
		for l, err := range s.desk.Shelf(ctx, governance.KindCard, g.Delivery.Payer+"/"+week.Format(time.DateOnly)) {
			if err != nil {
				return err
			}
			c := shownCard{State: l.State}
			if err := json.Unmarshal(l.Summary, &c.CardSummary); err != nil {
				return err
			}
			s.out.Cards = append(s.out.Cards, c)
		}
	}
	for l, err := range s.desk.Shelf(ctx, governance.KindAdjustment, g.Delivery.Payer+"/2026-05") {
		if err != nil {
			return err
		}
		a := shownAdjustment{State: l.State}
		if err := json.Unmarshal(l.Summary, &a.AdjustmentSummary); err != nil {
			return err
		}
		s.out.Adjustments = append(s.out.Adjustments, a)
	}
	statements, err := s.ledger.Statements(ctx, g)
	if err != nil {
		return err
	}
	if s.out.Watched, err = s.desk.Watch(ctx, statements...); err != nil {
		return err
	}
	s.out.Closes, err = s.desk.MonthClose(ctx, s.ledger, g.Delivery.Payer, g.Delivery.Period)
	return err
}

func cardRef(g ledger.Generation, w attribution.WorkloadID, week time.Time) governance.Ref {
	k := cards.Key{Subject: cards.Of(w), Payer: g.Delivery.Payer, Currency: "USD"}
	k.Week.From = week
	return governance.CardRef(k)
}

// audit reads the history of what the story was about.
func (s *story) audit(ctx context.Context) error {
	var refs []governance.Ref
	for _, ref := range s.trail {
		if slices.Contains(refs, ref) {
			continue
		}
		refs = append(refs, ref)
		for e, err := range s.desk.History(ctx, ref) {
			if err != nil {
				return err
			}
			s.out.Trail = append(s.out.Trail, e)
		}
	}
	slices.SortStableFunc(s.out.Trail, func(a, b governance.Event) int { return a.At.Compare(b.At) })
	return nil
}
