package attribution

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spendclaim/spendclaim/cur"
)

// ErrSessions marks a session grain that does not add up to its groups: it is of
// another delivery, or was rolled up in another way.
var ErrSessions = errors.New("the session grain is not that of the groups")

// grain is the groups of a delivery with what is kept of their sessions. Groups
// that sessions are taken out of are assigned by session, and added up again by
// what came of it, so that what nobody takes stays where the group is.
type grain struct {
	book, sessions *cur.Partial
	of             map[int][]int // by group of the book: its groups of sessions
	missing        []missing     // by currency: rows of roles that a bare claim may mean, whose sessions are not kept
}

type missing struct {
	currency string
	rows     int64
}

// grainOf works out which groups are assigned by session. Where the sessions that
// a claim needs are not kept it fails; a lenient one leaves the group as it is.
func (ix *Index) grainOf(ctx context.Context, book, sessions *cur.Partial, lenient bool) (*grain, error) {
	g := &grain{book: book, sessions: sessions}
	if len(ix.cuts.ofRole) == 0 && len(ix.cuts.bare) == 0 && !ix.bySession {
		return g, nil
	}
	if sessions != nil {
		err := ix.fits(book, sessions)
		if err != nil && !lenient {
			return nil, err
		}
		if err != nil {
			sessions = nil
		}
	}
	as := ix.Assigner()
	wanted := map[[sha256.Size]byte]int{}
	k := new(cur.Key) // one for all, as in Attribute
	for i, next, look := 0, 0, 0; i < book.Len(); i = next {
		if i >= look {
			if look = i + ctxEvery; ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
		*k, next = *book.Key(i), i+1
		// A claim for another time takes nothing, but is why nobody has the session.
		if by, _ := as.cutBy(k, true); by == nil {
			if !ix.bySession {
				next = book.Series(i) // nor at any other time
			}
			continue
		}
		if sessions != nil {
			if where := sessions.Spec().Where; where.MatchKey(k) {
				wanted[sessionGroupID(k)] = i
				continue
			}
		}
		by, sure := as.cutBy(k, false)
		if by == nil {
			continue
		}
		if sure && !lenient {
			return nil, &NotStoredError{Column: cur.ColPrincipal, Need: fmt.Sprintf("claim %q", by.ID), Sessions: k.Principal}
		}
		m := book.Sums(i)
		at := slices.IndexFunc(g.missing, func(x missing) bool { return x.currency == k.Currency })
		if at < 0 {
			at, g.missing = len(g.missing), append(g.missing, missing{currency: k.Currency})
		}
		g.missing[at].rows += m.Rows
	}
	return g, g.join(ctx, wanted)
}

// cutBy returns a claim that may take sessions out of a group, at any time or at
// that of the group; sure says that it means sessions of the group's role, and not
// component sessions.
func (as *Assigner) cutBy(k *cur.Key, anyTime bool) (c *Claim, sure bool) {
	sc := as.scope(k)
	if sc.chain == nil || k.Principal == "" {
		return nil, false
	}
	var bare *Claim
	if sc.chain.principals {
		at := k.Bucket.Time()
		if c, bare = as.ix.cuts.takes(k, func(c *Claim) bool { return anyTime || c.at(at) }); c != nil {
			return c, true
		}
	}
	if as.ix.bySession && isRole(k) {
		a := as.Assign(k)
		if a.Claim != nil {
			if s, ok := a.Claim.Target.(Share); ok && s.By == BySession {
				return a.Claim, true
			}
		}
	}
	return bare, false
}

// isRole reports whether the principal of a group is a role that has sessions.
func isRole(k *cur.Key) bool {
	a, ok := ParseARN(k.Principal)
	return ok && a.Service == "sts" && principalAnchor(k).Kind == KindRole
}

// fits refuses a session grain of another rollup.
func (ix *Index) fits(book, sessions *cur.Partial) error {
	a, b := book.Spec(), sessions.Spec()
	want := cur.SessionsOf(ix.rules.SessionKey)
	switch {
	case b.Sessions == "" || a.KeyVersion != b.KeyVersion || a.Bucket != b.Bucket || !slices.Equal(a.Columns, b.Columns):
		return fmt.Errorf("%w: its keys or buckets are others", ErrSessions)
	case b.Sessions != want:
		return fmt.Errorf("%w: session names are kept as %q, and looked for as %q: roll up the files again", ErrNotStored, b.Sessions, want)
	}
	return nil
}

// join finds the groups of sessions that belong to groups of the book, and checks
// that they add up to them.
func (g *grain) join(ctx context.Context, wanted map[[sha256.Size]byte]int) error {
	if len(wanted) == 0 {
		return nil
	}
	g.of = make(map[int][]int, len(wanted))
	sums := make(map[int]*cur.Measures, len(wanted))
	for j := range g.sessions.Len() {
		if j%ctxEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k := g.sessions.Key(j)
		i, ok := wanted[sessionGroupID(k)]
		if !ok {
			continue
		}
		g.of[i] = append(g.of[i], j)
		if sums[i] == nil {
			sums[i] = new(cur.Measures)
		}
		m := g.sessions.Sums(j)
		sums[i].Add(&m)
	}
	for _, i := range wanted {
		m := g.book.Sums(i)
		if sums[i] == nil || !sums[i].Equal(&m) {
			k := g.book.Key(i)
			return fmt.Errorf("%w: sessions of %q, %s, %s do not add up to its group", ErrSessions, k.Principal, k.UsageType, k.Bucket)
		}
	}
	return nil
}

// sessionGroupID identifies a group but for the session of its principal.
func sessionGroupID(k *cur.Key) [sha256.Size]byte {
	b := appendTexts(make([]byte, 0, 512), k.Payer, k.BillingPeriod.String(), k.Invoice.ID, k.Invoice.InvoicingEntity, k.Invoice.LegalEntity,
		k.Invoice.BillType, k.BillingEntity, k.ProductCode, k.ProductFamily, k.ProductName, k.Model, k.UsageType, k.Operation, k.PricingUnit,
		k.LineItemType, k.Currency, k.UsageAccount, k.Region, cur.Role(k.Principal), k.Resource,
		strconv.FormatInt(k.Bucket.Start, 10), k.Bucket.Span.String())
	for _, c := range k.Declared() {
		v, _ := k.Column(c)
		b = appendTexts(b, v)
	}
	return sha256.Sum256(b)
}

// piece is what one assignment says of a group: all of it, or some sessions.
type piece struct {
	sums cur.Measures
	Assignment
}

// pieces appends what became of group i of the book: of the group as a whole
// first, unless sessions were all of it.
func (as *Assigner) pieces(dst []piece, g *grain, i int, k *cur.Key) []piece {
	first := len(dst)
	dst = slices.Grow(dst, 1)[:first+1]
	dst[first].sums, dst[first].Assignment = g.book.Sums(i), as.Assign(k)
	for _, j := range g.of[i] {
		a := as.Assign(g.sessions.Key(j))
		a.Anchor = dst[first].Anchor
		if a.same(&dst[first].Assignment) {
			continue
		}
		m := g.sessions.Sums(j)
		at := first + 1
		for at < len(dst) && !a.same(&dst[at].Assignment) {
			at++
		}
		if at == len(dst) {
			dst = append(dst, piece{Assignment: a})
		}
		dst[at].sums.Add(&m)
		dst[first].sums.Sub(&m)
	}
	if dst[first].sums.Rows == 0 && len(dst) > first+1 {
		dst = slices.Delete(dst, first, first+1)
	}
	if len(dst) > first+1 {
		// The order must not be that of session names, which may be hashed.
		slices.SortStableFunc(dst[first:], func(a, b piece) int { return cmp.Compare(a.path(), b.path()) })
	}
	return dst
}

// path orders assignments of one group.
func (a *Assignment) path() string {
	b := appendTexts(nil, string(a.Outcome), string(a.Reason), string(a.Workload))
	for _, list := range [][]*Claim{{a.Claim}, a.Tied, a.Overridden} {
		for _, c := range list {
			if c != nil {
				b = appendTexts(b, string(c.ID))
			}
		}
		b = append(b, 0)
	}
	return string(b)
}

// same reports whether two assignments of one group say the same.
func (a *Assignment) same(b *Assignment) bool {
	return a.Outcome == b.Outcome && a.Reason == b.Reason && a.Claim == b.Claim && a.Workload == b.Workload &&
		slices.Equal(a.Tied, b.Tied) && slices.Equal(a.Overridden, b.Overridden)
}

// units ranges over what the assignments of group i are of: the group, or its
// sessions.
func (g *grain) units(i int, k *cur.Key) func(yield func(*cur.Key, cur.Measures) bool) {
	return func(yield func(*cur.Key, cur.Measures) bool) {
		if len(g.of[i]) == 0 {
			yield(k, g.book.Sums(i))
			return
		}
		for _, j := range g.of[i] {
			if !yield(g.sessions.Key(j), g.sessions.Sums(j)) {
				return
			}
		}
	}
}
