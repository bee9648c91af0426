package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// BookOptions adjusts one booking. Nil means the defaults.
type BookOptions struct {
	// Supersede lets the delivery's export take over a period that another
	// export is booked for. It must still not be older than what is booked.
	Supersede bool
	// Override books a statement that does not reconcile. It is the reason, and
	// stays on record. A statement that reconciles needs none and keeps none.
	Override string

	_ struct{}
}

// Booking is a generation worked out but not yet written: what a delivery, or
// new claims, would make of a book. It serves as a preview; Commit writes it. It
// is used by one goroutine.
type Booking struct {
	// Generation is what Commit will write; when Unchanged, what is booked.
	Generation Generation
	// Unchanged: groups, claims and rules are those of the booked generation.
	Unchanged bool
	// Statements are the book's, one for each currency.
	Statements []*attribution.Statement
	// Delta is the difference to the generation before; its terms add up to the
	// difference of the totals. Empty for the first generation.
	Delta []Delta

	ledger   *Ledger
	partial  *cur.Partial
	sessions *cur.Partial // the session grain, where there is one
	files    []cur.Info
	claims   *attribution.Claims
	stamp    storage.Stamp
	reuse    map[string]storage.Part // parts that the generation before has
}

// Prepare works out what a delivery does to its book under the given claims, nil
// for none. Nothing is written. A delivery that names no payer, period or
// execution gets what its rows agree on, and its content's digest. Claims are
// kept as given; see [Ledger.Record] for the time they were recorded.
//
// Errors: ErrOlder, ErrExport, ErrNotReconciled, attribution.ErrNotStored,
// attribution.ErrClaims, storage.ErrTooLarge, or those of reading the book.
func (l *Ledger) Prepare(ctx context.Context, r cur.Rolled, c *attribution.Claims, o *BookOptions) (*Booking, error) {
	if o == nil {
		o = &BookOptions{}
	}
	d, err := identify(r)
	fail := func(err error) (*Booking, error) {
		return nil, fmt.Errorf("ledger: book payer %q, period %s: %w", d.Payer, d.Period, err)
	}
	if err != nil {
		return fail(err)
	}
	booked, stamp, err := l.head(ctx, d.Payer, d.Period)
	first := errors.Is(err, ErrNoBook)
	if err != nil && !first {
		return nil, err
	}
	b := &Booking{ledger: l, partial: r.Partial, sessions: r.Sessions, files: r.Files, stamp: stamp}
	if first {
		return b.attributed(ctx, d, nil, nil, c, o.Override)
	}
	if d, err = l.accept(ctx, &booked, d, o.Supersede); err != nil {
		return fail(err)
	}
	return b.attributed(ctx, d, &booked, nil, c, o.Override)
}

// Reattribute works out what new claims do to a book, from its stored groups.
// Nothing is written and no cost file is opened. A statement that is on record
// with an override keeps it for as long as the same things do not reconcile.
//
// Errors: ErrNoBook, ErrNotReconciled, attribution.ErrNotStored,
// attribution.ErrClaims, or those of reading the book.
func (l *Ledger) Reattribute(ctx context.Context, payer string, period cur.Month, c *attribution.Claims) (*Booking, error) {
	booked, stamp, err := l.head(ctx, payer, period)
	if err != nil {
		return nil, err
	}
	old, err := l.groups(ctx, booked)
	if err != nil {
		return nil, err
	}
	b := &Booking{ledger: l, partial: old.groups, sessions: old.sessions, stamp: stamp, reuse: map[string]storage.Part{}}
	for _, name := range [...]string{partGroups, partSource, partSessions} {
		if p, ok := booked.Parts[name]; ok {
			b.reuse[name] = p
		}
	}
	return b.attributed(ctx, booked.Delivery, &booked, old, c, "")
}

// identify completes what a delivery says of itself and refuses one that cannot
// be told from others.
func identify(r cur.Rolled) (cur.Delivery, error) {
	d := r.Delivery
	if r.Partial == nil {
		return d, errors.New("the delivery has no partial")
	}
	if d.AsOf.IsZero() {
		return d, errors.New("nothing says when the delivery was written: give an as-of time")
	}
	d.AsOf = d.AsOf.UTC()
	var payers []string
	var periods []cur.Month
	for _, c := range r.Partial.Control() {
		payers, periods = append(payers, c.Key.Payer), append(periods, c.Key.BillingPeriod)
	}
	slices.Sort(payers)
	slices.SortFunc(periods, cur.Month.Compare)
	payers, periods = slices.Compact(payers), slices.Compact(periods)
	// Rows of several payers under no name would be a book that nobody can find.
	switch {
	case d.Payer == "" && len(payers) > 1:
		return d, fmt.Errorf("the delivery names no payer and has rows of %q and %q", payers[0], payers[1])
	case d.Period.IsZero() && len(periods) > 1:
		return d, fmt.Errorf("the delivery names no billing period and has rows of %q and %q", periods[0], periods[1])
	}
	if d.Payer == "" && len(payers) == 1 {
		d.Payer = payers[0]
	}
	if d.Period.IsZero() && len(periods) == 1 {
		d.Period = periods[0]
	}
	if d.Execution == "" {
		// Two deliveries without an execution are not one delivery.
		sum := r.Partial.Digest()
		d.Execution = hex.EncodeToString(sum[:])
	}
	for _, s := range [...]string{d.Payer, d.Export, d.Execution} {
		if !utf8.ValidString(s) {
			return d, fmt.Errorf("%q is not UTF-8", s)
		}
	}
	return d, nil
}

// accept decides whether a delivery may follow the booked generation, and
// returns it as it is to be booked.
func (l *Ledger) accept(ctx context.Context, booked *Generation, d cur.Delivery, supersede bool) (cur.Delivery, error) {
	old := booked.Delivery
	same := func(o *cur.Delivery) bool { return o.Export == d.Export && o.Execution == d.Execution }
	switch {
	case same(&old):
		// The same content under another time is no other delivery.
		return old, nil
	case old.Export != d.Export && !supersede:
		return d, fmt.Errorf("%w: %q, and this delivery is of %q; two exports of one payer hold the same money twice", ErrExport, old.Export, d.Export)
	case d.AsOf.Before(old.AsOf):
		return d, fmt.Errorf("%w: this one was written at %s, the booked one at %s", ErrOlder, instant(d.AsOf), instant(old.AsOf))
	}
	// A file that was copied has a new time, and its content is still the old.
	for g, err := range l.History(ctx, old.Payer, old.Period) {
		if err != nil {
			return d, err
		}
		if same(&g.Delivery) {
			return d, fmt.Errorf("%w: this one is that of generation %d, written at %s, the booked one was written at %s",
				ErrOlder, g.Number, instant(g.Delivery.AsOf), instant(old.AsOf))
		}
	}
	return d, nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// attributed fills in generation, statements and difference. booked is the
// generation before, nil for the first; old has its groups where they are at hand.
func (b *Booking) attributed(ctx context.Context, d cur.Delivery, booked *Generation, old *state, c *attribution.Claims, override string) (*Booking, error) {
	l, g := b.ledger, &b.Generation
	g.Delivery = d
	fail := func(err error) (*Booking, error) { return nil, b.failed(err) }
	if c == nil {
		c = &attribution.Claims{}
	}
	if err := l.storable(c); err != nil {
		return fail(err)
	}
	c = c.HashSessions(l.rules.SessionKey)
	b.claims = c
	spec, groups, rev := b.partial.Spec().Digest(), b.partial.Digest(), c.Revision(d.Period)
	*g = Generation{Number: 1, Cause: First, Delivery: d,
		SpecDigest: hex.EncodeToString(spec[:]), GroupsDigest: hex.EncodeToString(groups[:]),
		ClaimsRevision: hex.EncodeToString(rev[:]), RulesVersion: l.rules.Version(), Columns: b.partial.Spec().Columns}
	if err := b.keepSessions(ctx, booked); err != nil {
		return nil, err
	}
	var err error
	if b.Statements, err = l.statements(ctx, b.state()); err != nil {
		return fail(err)
	}
	if booked != nil {
		g.Number, g.Previous = booked.Number+1, booked.Number
		if booked.GroupsDigest == g.GroupsDigest && booked.SessionsDigest == g.SessionsDigest && sameDelivery(&booked.Delivery, &d) &&
			booked.ClaimsRevision == g.ClaimsRevision && booked.RulesVersion == g.RulesVersion {
			b.Generation, b.Unchanged = *booked, true
			if b.Delta, err = l.Delta(ctx, *booked); err != nil {
				return nil, err
			}
			return b, nil
		}
	}
	if err := b.reconcile(booked, override); err != nil {
		return fail(err)
	}
	if booked != nil {
		if booked.GroupsDigest == g.GroupsDigest {
			if b.reuse == nil {
				b.reuse = map[string]storage.Part{}
			}
			b.reuse[partGroups] = booked.Parts[partGroups]
		}
		if err := b.diff(ctx, booked, old); err != nil {
			return nil, err
		}
	}
	if err := b.fits(); err != nil {
		return fail(err)
	}
	return b, nil
}

// state is what the booking makes of the book.
func (b *Booking) state() state {
	return state{b.Statements, b.partial, b.sessions, b.claims, b.Generation.Delivery}
}

// keepSessions settles the session grain: a delivery that is booked already keeps
// the one it has, unless it comes with another.
func (b *Booking) keepSessions(ctx context.Context, booked *Generation) (err error) {
	g := &b.Generation
	if b.sessions == nil && booked != nil && booked.GroupsDigest == g.GroupsDigest {
		if part, ok := booked.Parts[partSessions]; ok {
			if b.sessions, err = b.ledger.Sessions(ctx, *booked); err != nil {
				return err
			}
			if b.reuse == nil {
				b.reuse = map[string]storage.Part{}
			}
			b.reuse[partSessions] = part
		}
	}
	if b.sessions != nil {
		sum := b.sessions.Digest()
		g.SessionsDigest = hex.EncodeToString(sum[:])
	}
	return nil
}

// failed names the book of an error that does not.
func (b *Booking) failed(err error) error {
	d := &b.Generation.Delivery
	return fmt.Errorf("ledger: book payer %q, period %s: %w", d.Payer, d.Period, err)
}

// sameDelivery compares instants, however they are spelled.
func sameDelivery(a, b *cur.Delivery) bool {
	x, y := *a, *b
	x.AsOf, y.AsOf = time.Time{}, time.Time{}
	return x == y && a.AsOf.Equal(b.AsOf)
}

// storable refuses claims that could not be used, or could not be read back.
func (l *Ledger) storable(c *attribution.Claims) error {
	if err := c.Validate(l.rules); err != nil {
		return err
	}
	_, err := attribution.DecodeClaims(c.AppendJSON(nil))
	return err
}

// reconcile states what does not reconcile and refuses it without an override.
func (b *Booking) reconcile(booked *Generation, override string) error {
	g := &b.Generation
	for _, s := range b.Statements {
		if s.State != "" {
			if g.States == nil {
				g.States = map[string]attribution.State{}
			}
			g.States[s.Currency] = s.State
		}
		for _, n := range s.Incomplete {
			g.Unreconciled = append(g.Unreconciled, fmt.Sprintf("%s: %s, %d rows", named(s.Currency), n.Code, n.Rows))
		}
		for _, d := range s.Differences {
			g.Unreconciled = append(g.Unreconciled, named(s.Currency)+": "+d.String())
		}
		if !s.Reconciled && len(s.Incomplete)+len(s.Differences) == 0 {
			g.Unreconciled = append(g.Unreconciled, named(s.Currency)+": not reconciled")
		}
	}
	// A head is one record, and what follows would not tell more.
	const most = 50
	if n := len(g.Unreconciled) - most; n > 0 {
		g.Unreconciled = append(g.Unreconciled[:most:most], fmt.Sprintf("and %d more", n))
	}
	if g.Reconciled = len(g.Unreconciled) == 0; g.Reconciled {
		return nil
	}
	g.Override = strings.TrimSpace(override)
	if g.Override == "" && booked != nil && sameDelivery(&booked.Delivery, &g.Delivery) && slices.Equal(booked.Unreconciled, g.Unreconciled) {
		g.Override = booked.Override
	}
	if g.Override == "" {
		list := g.Unreconciled
		if n := len(list) - 3; n > 0 {
			list = append(list[:3:3], fmt.Sprintf("and %d more", n))
		}
		return fmt.Errorf("%w: %s", ErrNotReconciled, strings.Join(list, "; "))
	}
	return nil
}

// named names a currency for a reader.
func named(currency string) string {
	if currency == "" {
		return "no currency"
	}
	return currency
}

// fits refuses a head that would not fit into one record, before anything is
// written: names of exports and columns come from files.
func (b *Booking) fits() error {
	const parts = 32 << 10 // more than the names of parts can take
	head, err := encodeHead(&b.Generation)
	if err != nil {
		return err
	}
	if n := len(head) + parts; n > storage.MaxData {
		return fmt.Errorf("head of %d bytes, at most %d: %w", n, storage.MaxData, storage.ErrTooLarge)
	}
	return nil
}
