package governance

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage"
)

// records reads what is on record of a subject's month.
func (y *cardSync) records(ctx context.Context, m *cards.Month) (records, error) {
	return y.desk.records(ctx, m, y.policy.BudgetYear)
}

func (d *Desk) records(ctx context.Context, m *cards.Month, year time.Month) (records, error) {
	rec := records{cards: map[int64]*Subject{}}
	key := cards.Key{Subject: m.Subject, Payer: m.Payer, Currency: m.Currency, Week: m.Period}
	put := func(s *Subject) {
		if s != nil {
			rec.cards[s.Body.(*SpendCard).Card.Week.From.Unix()] = s
		}
	}
	if m.Subject.Kind == cards.Workload {
		first := CardRef(key).key()
		prefix := strings.TrimSuffix(first.Sort, m.Period.From.Format(time.DateOnly)) + m.Period.From.Format("2006-01")
		for r, err := range d.store.Range(ctx, storage.Prefix(first.Partition, prefix)) {
			if err != nil {
				return rec, err
			}
			s, err := decodeSubject(&r)
			if err != nil {
				return rec, err
			}
			put(s)
		}
	} else {
		for day := m.Period.From; day.Before(m.Period.To); day = day.AddDate(0, 0, 1) {
			if day.Day() > 1 && day.Weekday() != d.policy.cards().Calendar.WeekStart() {
				continue
			}
			key.Week.From = day
			s, err := d.find(ctx, CardRef(key))
			if err != nil {
				return rec, err
			}
			put(s)
		}
		key.Week = m.Period
	}
	decided := func(s *Subject) bool { return s.State == CardApproved }
	var err error
	if slices.ContainsFunc(slices.Collect(maps.Values(rec.cards)), decided) {
		if rec.adjustment, err = d.find(ctx, AdjustmentRef(key)); err != nil {
			return rec, err
		}
	}
	if m.Subject.Kind == cards.Workload {
		rec.budget, err = d.find(ctx, BudgetRef(attribution.WorkloadID(m.Subject.ID), m.Period.From, year))
	}
	return rec, err
}

// find returns a subject, nil if there is none.
func (d *Desk) find(ctx context.Context, ref Ref) (*Subject, error) {
	s, err := d.Subject(ctx, ref)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return s, err
}

// causes returns why a subject's money changed after a generation.
func (y *cardSync) causes(ctx context.Context, m *cards.Month, since uint64) ([]cards.Cause, error) {
	var all []ledger.Delta
	d := &y.generation.Delivery
	for n := since + 1; n <= y.generation.Number; n++ {
		list, ok := y.labels[n]
		if !ok {
			g, err := y.ledger.Generation(ctx, d.Payer, d.Period, n)
			if err == nil {
				list, err = y.ledger.Delta(ctx, g)
			}
			if errors.Is(err, ledger.ErrNoBook) || errors.Is(err, storage.ErrGone) {
				err = nil // swept; what later generations say is what is left to say
			}
			if err != nil {
				return nil, err
			}
			y.labels[n] = list
		}
		all = append(all, list...)
	}
	return cards.Causes(m.Subject, m.Currency, all), nil
}

// holder returns whose a subject is at an instant, by the directory.
func (y *cardSync) holder(ctx context.Context, s cards.Subject, at time.Time) (Holder, error) {
	if y.options.Holder != nil {
		return y.options.Holder(ctx, s, at)
	}
	var h Holder
	if s.Kind == cards.Workload {
		w, err := y.workload(ctx, s)
		if err != nil || w == nil {
			return h, err
		}
		h.Name, h.Owner, h.Node = w.Name, w.OwnerAt(at), w.Node(at)
		if !y.directory.Present(h.Owner, at) {
			h.Owner = "" // the FinOps Lead's, until somebody takes it over
		}
	} else if p, ok := y.directory.Place(s.ID, at); ok && y.policy.Unowned != "" {
		h.Name, h.Node = p.Name, s.ID
	} else if a, ok := y.directory.Account(s.ID, at); ok {
		h.Name, h.Node = a.Name, a.Node
	}
	if p, ok := y.directory.Place(h.Node, at); ok {
		h.Path, h.Fields = y.directory.Path(h.Node, at), p.Fields
	}
	return h, nil
}

// workload reads the workload of a subject, nil if governance knows none. The last one
// is kept: it is asked for its holder and for the plan of each day.
func (y *cardSync) workload(ctx context.Context, s cards.Subject) (*Workload, error) {
	if w, ok := y.workers[s]; ok {
		return w, nil
	}
	found, err := y.desk.find(ctx, Ref{Kind: KindWorkload, Workload: attribution.WorkloadID(s.ID)})
	if err != nil {
		return nil, err
	}
	var w *Workload
	if found != nil {
		w = found.Body.(*Workload)
	}
	y.workers = map[cards.Subject]*Workload{s: w}
	y.plans = nil
	return w, nil
}

// plan returns the estimate that a workload's owner confirmed for a day: one pointer
// for one version, so that days of one version are known to be alike.
func (y *cardSync) plan(ctx context.Context, s cards.Subject, day time.Time) *estimate.Plan {
	if s.Kind != cards.Workload {
		return nil
	}
	w, err := y.workload(ctx, s)
	if err != nil {
		y.failure = errors.Join(y.failure, err)
	}
	if w == nil {
		return nil
	}
	v, ok := w.Estimates.InForce(day)
	if !ok {
		return nil
	}
	p := y.plans[v.Number]
	if p == nil {
		plan := v.Value.Plan
		if len(plan.Targets) == 0 && v.Value.Budget.Valid {
			plan.Targets = []estimate.Target{{Cost: v.Value.Budget}}
		}
		p = &plan
		if y.plans == nil {
			y.plans = map[int]*estimate.Plan{}
		}
		y.plans[v.Number] = p
	}
	return p
}
