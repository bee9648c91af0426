package governance

import (
	"context"
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/governance/journal"
)

// Journal makes the entries that Finance posts for a payer's month: all money in scope
// of the newest generation, by the entity, cost centre and ledger account that its
// workload had when the month ended, so that a later re-organisation moves nothing.
// What nobody owns, and what the directory leaves blank, is booked by
// [CardPolicy].Suspense. Excluded and rejected rows are not in it.
//
// An accrual is of what is on no invoice yet; see journal.Reverse for when it is.
// Of the sync options the Holder counts.
func (d *Desk) Journal(ctx context.Context, l *ledger.Ledger, payer string, period cur.Month, t journal.Type, o *SyncOptions, jo *journal.Options) ([]journal.Line, error) {
	fail := func(err error) ([]journal.Line, error) {
		return nil, fmt.Errorf("governance: journal of payer %q, %s: %w", payer, period, err)
	}
	y, err := d.newSync(ctx, l, payer, period, o)
	if err != nil {
		return fail(err)
	}
	opt := y.policy.options(y.directory, period.Start())
	b, err := cards.NewBook(y.generation, l.ScanTotals(ctx, y.generation), &opt)
	if err != nil {
		return fail(err)
	}
	at := period.End().Add(-time.Nanosecond)
	var items []journal.Item
	for m, err := range b.Months() {
		if err != nil {
			return fail(err)
		}
		h, err := y.holder(ctx, m.Subject, at)
		if err != nil {
			return fail(err)
		}
		f := h.Fields.or(y.policy.Suspense)
		for _, x := range m.Money {
			if x.Outcome == attribution.Excluded || x.Outcome == attribution.Rejected || t == journal.Accrual && x.Invoice != "" {
				continue
			}
			p := journal.Posting{Entity: f.Entity, CostCentre: f.CostCentre, LedgerAccount: f.LedgerAccount, Payer: payer, Month: period.String(),
				Currency: m.Currency, Invoice: x.Invoice, Kind: x.Kind, Generation: y.generation.Number}
			if m.Subject.Kind == cards.Workload {
				p.Workload = attribution.WorkloadID(m.Subject.ID)
			}
			items = append(items, journal.Item{Posting: p, Amount: x.Amount})
		}
	}
	lines, err := journal.New(t, items, jo)
	if err != nil {
		return fail(err)
	}
	return lines, nil
}
