package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// BookOptions adjusts one booking. Nil means the defaults.
type BookOptions struct {
	// Supersede lets the delivery's export take over a period that another
	// export is booked for.
	Supersede bool
	// Override books a statement that does not reconcile. It is the reason, and
	// stays on record.
	Override string

	_ struct{}
}

// Booking is a generation worked out but not yet written: what a delivery, or
// new claims, would make of a book. It serves as a preview; Commit writes it.
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

	ledger  *Ledger
	partial *cur.Partial
	files   []cur.Info
	claims  *attribution.Claims
	stamp   storage.Stamp
	parts   []namedPart
	content [32]byte
}

type namedPart struct {
	name string
	body []byte
}

// Prepare works out what a delivery does to its book under the given claims.
// Nothing is written. Errors: ErrOlder, ErrExport, ErrNotReconciled,
// attribution.ErrNotStored.
func (l *Ledger) Prepare(ctx context.Context, r cur.Rolled, c *attribution.Claims, o *BookOptions) (*Booking, error) {
	if o == nil {
		o = &BookOptions{}
	}
	fail := func(err error) (*Booking, error) {
		return nil, fmt.Errorf("ledger: book payer %q, period %s: %w", r.Delivery.Payer, r.Delivery.Period, err)
	}
	if r.Delivery.AsOf.IsZero() {
		return fail(errors.New("nothing says when the delivery was written: give an as-of time"))
	}
	booked, stamp, err := l.head(ctx, r.Delivery.Payer, r.Delivery.Period)
	first := errors.Is(err, ErrNoBook)
	if err != nil && !first {
		return nil, err
	}
	b := &Booking{ledger: l, partial: r.Partial, files: r.Files, stamp: stamp}
	b.Generation = Generation{Number: booked.Number + 1, Previous: booked.Number, Delivery: r.Delivery, Override: o.Override}
	if first {
		return prepared(b, b.attribute(ctx, nil, nil, c))
	}
	old := booked.Delivery
	sameExport := old.Export == r.Delivery.Export
	switch {
	case !sameExport && !o.Supersede:
		return fail(fmt.Errorf("%w: %q, and this delivery is of %q; two exports of one payer hold the same money twice", ErrExport, old.Export, r.Delivery.Export))
	case sameExport && old.Execution == r.Delivery.Execution:
		// The same content under another time is no other delivery.
		b.Generation.Delivery = old
	case sameExport && r.Delivery.AsOf.Before(old.AsOf):
		return fail(fmt.Errorf("%w: this one was written at %s, the booked one at %s", ErrOlder,
			r.Delivery.AsOf.Format("2006-01-02T15:04:05Z"), old.AsOf.Format("2006-01-02T15:04:05Z")))
	}
	return prepared(b, b.attribute(ctx, &booked, nil, c))
}

// Reattribute works out what new claims do to a book, from its stored groups.
// Nothing is written and no cost file is opened.
func (l *Ledger) Reattribute(ctx context.Context, payer string, period cur.Month, c *attribution.Claims) (*Booking, error) {
	booked, stamp, err := l.head(ctx, payer, period)
	if err != nil {
		return nil, err
	}
	p, err := l.Partial(ctx, booked)
	if err != nil {
		return nil, err
	}
	b := &Booking{ledger: l, partial: p, stamp: stamp}
	if b.files, err = l.Files(ctx, booked); err != nil {
		return nil, err
	}
	b.Generation = Generation{Number: booked.Number + 1, Previous: booked.Number, Delivery: booked.Delivery, Override: booked.Override}
	return prepared(b, b.attribute(ctx, &booked, p, c))
}

// prepared keeps an unfinished booking from its caller.
func prepared(b *Booking, err error) (*Booking, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

// attribute fills in statements and difference. booked is the generation before,
// nil for the first; oldGroups are its groups where they are at hand.
func (b *Booking) attribute(ctx context.Context, booked *Generation, oldGroups *cur.Partial, c *attribution.Claims) error {
	l, g := b.ledger, &b.Generation
	if err := c.Validate(l.rules); err != nil {
		return err
	}
	spec, groups, rev := b.partial.Spec().Digest(), b.partial.Digest(), c.Revision(g.Delivery.Period)
	g.SpecDigest, g.GroupsDigest, g.ClaimsRevision = hex.EncodeToString(spec[:]), hex.EncodeToString(groups[:]), hex.EncodeToString(rev[:])
	g.RulesVersion = l.rules.Version()
	g.Columns = b.partial.Spec().Columns
	b.claims = c
	var err error
	if b.Statements, err = l.statements(ctx, b.partial, c, g.Delivery); err != nil {
		return err
	}
	g.Reconciled = true
	for _, s := range b.Statements {
		g.Reconciled = g.Reconciled && s.Reconciled
	}
	if booked == nil {
		g.Cause = First
	} else if booked.GroupsDigest == g.GroupsDigest && booked.Delivery == g.Delivery &&
		booked.ClaimsRevision == g.ClaimsRevision && booked.RulesVersion == g.RulesVersion {
		b.Generation, b.Unchanged = *booked, true
		return l.partJSON(ctx, booked, partDelta, &b.Delta)
	}
	if !g.Reconciled && g.Override == "" {
		return fmt.Errorf("ledger: book payer %q, period %s: %w", g.Delivery.Payer, g.Delivery.Period, ErrNotReconciled)
	}
	if booked == nil {
		return nil
	}
	return b.diff(ctx, booked, oldGroups)
}

// statements attributes groups under the ledger's rules.
func (l *Ledger) statements(ctx context.Context, p *cur.Partial, c *attribution.Claims, d cur.Delivery) ([]*attribution.Statement, error) {
	ix, err := attribution.NewIndex(c, l.rules, p.Spec())
	if err != nil {
		return nil, err
	}
	return attribution.Attribute(ctx, p, ix, &attribution.Options{Delivery: d, Horizon: l.horizon})
}

// Commit writes the generation: its parts, then the head in one step. An
// unchanged booking writes nothing. The error is storage.ErrConflict when the
// book changed since the booking was prepared.
func (b *Booking) Commit(ctx context.Context) error {
	if b.Unchanged {
		return nil
	}
	l, g := b.ledger, &b.Generation
	if err := b.encode(); err != nil {
		return err
	}
	fail := func(err error) error {
		return fmt.Errorf("ledger: book payer %q, period %s, generation %d: %w", g.Delivery.Payer, g.Delivery.Period, g.Number, err)
	}
	g.Parts = make(map[string]storage.Part, len(b.parts))
	for _, p := range b.parts {
		part, err := l.store.WritePart(ctx, g.partKey(b.content, p.name), kindPart, schema, bytes.NewReader(p.body))
		if err != nil {
			return fail(err)
		}
		g.Parts[p.name] = part
	}
	g.BookedAt = l.now().UTC()
	data, err := json.Marshal(g)
	if err != nil {
		return fail(err)
	}
	key := bookKey(g.Delivery.Payer, g.Delivery.Period)
	// The content names the command, so that a repetition after a lost answer
	// finds the receipt instead of a conflict.
	req := storage.Request{ID: "book/" + key.Sort + "/" + strconv.FormatUint(g.Number, 10) + "/" + hex.EncodeToString(b.content[:8]), Digest: b.content}
	_, err = l.store.Commit(ctx, req, &storage.Batch{Puts: []storage.Put{
		{Key: key, Prev: b.stamp, Kind: kindBook, Schema: schema, Data: data, Entry: data},
	}})
	if err != nil {
		return fail(err)
	}
	return nil
}

// encode makes the parts and the digest over them.
func (b *Booking) encode() error {
	totals, err := json.Marshal(totalsOf(b.Statements))
	if err != nil {
		return err
	}
	delta, err := json.Marshal(b.Delta)
	if err != nil {
		return err
	}
	src, err := json.Marshal(source{b.files, b.partial.Objects()})
	if err != nil {
		return err
	}
	// What the head will say takes part in naming the attempt, but for the time
	// of booking, which a repetition changes.
	head, err := json.Marshal(b.Generation)
	if err != nil {
		return err
	}
	b.parts = []namedPart{
		{partGroups, b.partial.AppendBody(nil)},
		{partClaims, b.claims.AppendJSON(nil)},
		{partStatement, totals},
		{partDelta, delta},
		{partSource, src},
	}
	h := sha256.New()
	h.Write(head)
	for _, p := range b.parts {
		sum := sha256.Sum256(p.body)
		h.Write(sum[:])
	}
	h.Sum(b.content[:0])
	return nil
}
