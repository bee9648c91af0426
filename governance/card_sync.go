package governance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage"
)

// SyncOptions adjust how cards follow a statement. Nil and the zero value mean the
// defaults, which are what the desk's workloads and directory say.
type SyncOptions struct {
	// Holder says whose the cards of a subject are at an instant.
	Holder func(ctx context.Context, s cards.Subject, at time.Time) (Holder, error)
	// Plan returns the estimate in force for a subject on a day, nil for none. By
	// default it is the one that the workload's owner confirmed.
	Plan func(s cards.Subject, day time.Time) *estimate.Plan

	_ struct{}
}

// SyncResult says what a run of SyncCards did.
type SyncResult struct {
	Generation uint64         // that the cards follow now
	Subjects   int            // looked at
	Commands   map[Action]int // carried out
}

// SyncCards has the cards of a payer's month follow the newest generation of the
// ledger: it opens cards of weeks whose days are complete, refreshes those that nobody
// has decided on, records on the others what they drift by, cuts adjustments, and
// tells of shares of budgets that were reached. Run it after each booking; running it
// again changes nothing, and a run that was cut short is taken up by the next.
//
// Workloads stream by: memory grows with a key for each, not with cards, days or rows.
// Errors: ledger.ErrNoBook, those of reading the ledger, and those of the store.
func (d *Desk) SyncCards(ctx context.Context, l *ledger.Ledger, payer string, period cur.Month, o *SyncOptions) (SyncResult, error) {
	fail := func(err error) (SyncResult, error) {
		return SyncResult{}, fmt.Errorf("governance: cards of payer %q, %s: %w", payer, period, err)
	}
	y, err := d.newSync(ctx, l, payer, period, o)
	if err != nil {
		return fail(err)
	}
	y.close, err = d.Subject(ctx, CloseRef(payer, period.Start()))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fail(err)
	}
	if err := y.run(ctx); err != nil {
		return fail(err)
	}
	y.result.Generation = y.generation.Number
	return y.result, nil
}

// cardSync is one run of SyncCards.
type cardSync struct {
	desk       *Desk
	ledger     *ledger.Ledger
	options    SyncOptions
	policy     CardPolicy
	directory  *Directory
	now        time.Time
	generation ledger.Generation
	close      *Subject // nil before the first run
	result     SyncResult

	seen    map[string]bool           // subjects and currencies
	labels  map[uint64][]ledger.Delta // differences of generations, once needed
	sums    map[string]*CloseSum
	workers map[cards.Subject]*Workload // of the subject at hand
	plans   map[int]*estimate.Plan      // of the same, by version
	failure error                       // of reading a plan
	batch   []unit
	items   int
}

// unit is a subject's month with the commands that it takes.
type unit struct {
	month    *cards.Month
	commands []Command
}

func (d *Desk) newSync(ctx context.Context, l *ledger.Ledger, payer string, period cur.Month, o *SyncOptions) (*cardSync, error) {
	y := &cardSync{desk: d, ledger: l, policy: d.policy.cards(), now: d.now().UTC().Round(0), labels: map[uint64][]ledger.Delta{}, seen: map[string]bool{}}
	y.result.Commands = map[Action]int{}
	if o != nil {
		y.options = *o
	}
	var err error
	if y.directory, err = d.Directory(ctx); err == nil {
		y.generation, err = l.Head(ctx, payer, period)
	}
	return y, err
}

func (y *cardSync) closed() bool { return y.close != nil && y.close.State == CloseClosed }

func (y *cardSync) run(ctx context.Context) error {
	o := y.policy.options(y.directory, y.generation.Delivery.Period.Start())
	o.Plan = y.options.Plan
	if o.Plan == nil {
		o.Plan = func(s cards.Subject, day time.Time) *estimate.Plan { return y.plan(ctx, s, day) }
	}
	b, err := cards.NewBook(y.generation, y.ledger.ScanTotals(ctx, y.generation), &o)
	if err != nil {
		return err
	}
	y.sums = map[string]*CloseSum{}
	for m, err := range b.Months() {
		if err = cmp.Or(err, y.failure); err != nil {
			return err
		}
		y.sum(m)
		if m.Subject.Kind == cards.Rest {
			continue
		}
		y.seen[m.Subject.String()+" "+m.Currency] = true
		if err := y.take(ctx, m); err != nil {
			return err
		}
	}
	if err := y.gone(ctx, b.Weeks()); err != nil {
		return err
	}
	if err := y.flush(ctx); err != nil {
		return err
	}
	return y.followed(ctx)
}

// sum adds up what the month close says of a statement.
func (y *cardSync) sum(m *cards.Month) {
	s := y.sums[m.Currency]
	if s == nil {
		s = &CloseSum{Currency: m.Currency}
		y.sums[m.Currency] = s
	}
	for i := range m.Money {
		x := &m.Money[i]
		to := &s.Level
		switch {
		case x.OnCards():
			to = &s.OnCards
		case x.Outcome == attribution.Excluded, x.Outcome == attribution.Rejected:
			to = &s.Outside
		}
		*to = to.Add(x.Amount)
	}
}

// gone takes the subjects that have cards and nothing in the statement any more.
func (y *cardSync) gone(ctx context.Context, weeks []estimate.Interval) error {
	d := &y.generation.Delivery
	for _, w := range weeks {
		for l, err := range y.desk.Shelf(ctx, KindCard, cardShelf(cards.Key{Payer: d.Payer, Week: w})) {
			if err != nil {
				return err
			}
			var c CardSummary
			if err := json.Unmarshal(l.Summary, &c); err != nil {
				return err
			}
			id := c.Subject.String() + " " + c.Currency
			if y.seen[id] {
				continue
			}
			y.seen[id] = true
			complete, _ := y.policy.fresh(d.AsOf).Cut(monthOf(d.Period))
			m := &cards.Month{Subject: c.Subject, Payer: d.Payer, Currency: c.Currency, Period: monthOf(d.Period), Generation: y.generation.Number, Days: complete.Days()}
			if err := y.take(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func monthOf(m cur.Month) estimate.Interval { return estimate.Interval{From: m.Start(), To: m.End()} }

// maxUnits bounds the items of the store that one commit of a run may take; the rest
// of what there is (the receipt, records that are only read) needs some room.
const maxUnits = 90

// weigh returns how many items of the store a command takes at most: the subject, its
// entry and its lists, and a message.
func weigh(c *Command) int {
	switch c.Action {
	case "open", "drift":
		return 4
	case "refresh", "follow":
		return 5
	}
	return 7
}

// take works out what a subject's month takes, and puts it with others.
func (y *cardSync) take(ctx context.Context, m *cards.Month) error {
	y.result.Subjects++
	list, err := y.follow(ctx, m)
	if err != nil || len(list) == 0 {
		return err
	}
	weight := 0
	for i := range list {
		weight += weigh(&list[i])
	}
	if y.items+weight > maxUnits {
		if err := y.flush(ctx); err != nil {
			return err
		}
	}
	y.batch = append(y.batch, unit{m, list})
	y.items += weight
	return nil
}

// follow reads what is on record and works out the commands.
func (y *cardSync) follow(ctx context.Context, m *cards.Month) ([]Command, error) {
	rec, err := y.records(ctx, m)
	if err != nil {
		return nil, err
	}
	if len(rec.cards) == 0 && len(m.Cards) == 0 {
		return nil, nil
	}
	h, err := y.holder(ctx, m.Subject, y.now)
	if err != nil {
		return nil, err
	}
	f := follower{policy: y.policy, generation: y.generation, closed: y.closed(), holder: h, month: m, records: rec,
		causes: func(since uint64) ([]cards.Cause, error) { return y.causes(ctx, m, since) }}
	if y.close != nil {
		f.synced = y.close.Body.(*MonthClose).Generation
	}
	return f.follow()
}

// flush carries out what was put together, in one commit. Where a decision came in
// between, each subject is looked at again on its own.
func (y *cardSync) flush(ctx context.Context) error {
	batch := y.batch
	y.batch, y.items = nil, 0
	if len(batch) == 0 {
		return nil
	}
	var all []Command
	for _, u := range batch {
		all = append(all, u.commands...)
	}
	err := y.carryOut(ctx, all)
	if !stale(err) {
		return err
	}
	for _, u := range batch {
		for attempt := 0; ; attempt++ {
			list, err := y.follow(ctx, u.month)
			if err == nil {
				err = y.carryOut(ctx, list)
			}
			if err == nil {
				break
			}
			if !stale(err) || attempt == 8 {
				return err
			}
		}
	}
	return nil
}

// stale reports whether somebody decided on a subject since it was read.
func stale(err error) bool {
	return errors.Is(err, ErrStale) || errors.Is(err, ErrExists) || errors.Is(err, storage.ErrConflict)
}

func (y *cardSync) carryOut(ctx context.Context, list []Command) error {
	if len(list) == 0 {
		return nil
	}
	if err := y.desk.together(ctx, list, y.now); err != nil {
		return err
	}
	for _, c := range list {
		y.result.Commands[c.Action]++
	}
	return nil
}

// together carries out commands of the desk's own in one commit, all or none. Their
// ids are made of what they are.
func (d *Desk) together(ctx context.Context, list []Command, now time.Time) error {
	var names []string
	for i := range list {
		c := &list[i]
		digest, err := c.digest()
		if err != nil {
			return err
		}
		c.ID = "sync/" + short(fmt.Sprintf("%s %s %d %x", c.Subject, c.Action, c.Expect, digest))
		names = append(names, c.ID)
	}
	id := short(strings.Join(names, " "))
	r := storage.Request{ID: "gov-sync/" + id}
	copy(r.Digest[:], id)
	_, err := d.store.Update(ctx, r, func(tx *storage.Tx) error {
		s := session{desk: d, tx: tx, now: now, wrote: map[Ref]*Subject{}}
		for _, c := range list {
			if err := s.carryOut(c); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// followed records that all cards follow the generation.
func (y *cardSync) followed(ctx context.Context) error {
	g := &y.generation
	detail := SyncDetail{Generation: g.Number, AsOf: g.Delivery.AsOf.UTC()}
	for _, c := range slices.Sorted(maps.Keys(y.sums)) {
		detail.Sums = append(detail.Sums, *y.sums[c])
	}
	if y.close != nil {
		b := y.close.Body.(*MonthClose)
		if b.Generation == g.Number && sameJSON(b.Sums, detail.Sums) {
			return nil
		}
	}
	err := y.desk.together(ctx, command(y.close, CloseRef(g.Delivery.Payer, g.Delivery.Period.Start()), "sync", detail), y.now)
	if stale(err) {
		return nil // another run was as far
	}
	return err
}
