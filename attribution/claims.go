package attribution

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spendclaim/spendclaim/cur"
)

// ClaimID identifies a claim.
type ClaimID string

// WorkloadID identifies a workload. Ids are apart from names, so that a workload
// can be renamed without changing who owned what.
type WorkloadID string

// Claim binds an anchor to a target from From, inclusive, to To, exclusive; a
// zero To is open. It counts for a bucket of time when it is in force at the
// bucket's start.
type Claim struct {
	ID     ClaimID
	Anchor Anchor
	Target Target
	From   time.Time
	To     time.Time
	// RecordedAt is when the books learned of the claim; zero when not booked.
	// It changes no amount.
	RecordedAt time.Time
}

// at reports whether the claim is in force at t.
func (c *Claim) at(t time.Time) bool {
	return !t.Before(c.From) && (c.To.IsZero() || t.Before(c.To))
}

// Target is where the money of a claimed anchor goes: [Whole] gives it to one
// workload, [Share] splits it. The set is closed; a switch over it lists its members.
type Target interface{ target() }

// Whole gives everything to one workload.
type Whole struct{ Workload WorkloadID }

func (Whole) target() {}

// Workload is an application that owns what its claims catch.
type Workload struct {
	ID        WorkloadID
	Name      string
	Owner     string // budget owner
	Portfolio string
}

// Claims are claims, and what is known of the workloads they name. A workload
// that is claimed for need not be listed.
type Claims struct {
	Claims    []Claim
	Workloads []Workload
	Weights   []Weight // the tables that shares are split by
}

// maxID bounds ids, which become parts of storage keys.
const maxID = 256

// Validate checks every claim under the rules' aliases; nil rules are the
// default. The error is a *[ClaimError] that names the first claim that cannot be
// used. It is [ErrClaimConflict], with a *[ConflictError] inside, for two claims
// that hold one canonical anchor at one time.
func (c *Claims) Validate(r *Rules) error {
	if r != nil {
		c = c.HashSessions(r.SessionKey)
	}
	if err := c.validate(r.checks()); err != nil {
		return err // not a nil *ClaimError inside an error
	}
	return nil
}

// validate is Validate with a typed error.
func (c *Claims) validate(by checks) *ClaimError {
	type holder struct {
		claim     *Claim
		partition string
	}
	// Claims are told apart by canonical anchor: who may not hold it twice is the
	// thing, not its spelling.
	held := make(map[canon][]holder, len(c.Claims))
	ids := make(map[ClaimID]int, len(c.Claims))
	if err := checkWeights(c.Weights); err != nil {
		return &ClaimError{Err: err}
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		fail := func(err error) *ClaimError { return &ClaimError{Claim: cl.ID, N: i + 1, Err: err} }
		if err := checkID("id", string(cl.ID)); err != nil {
			return fail(err)
		}
		if n, ok := ids[cl.ID]; ok {
			return fail(fmt.Errorf("claim %d has this id as well", n))
		}
		ids[cl.ID] = i + 1
		switch t := cl.Target.(type) {
		case Whole:
			if err := checkID("workload", string(t.Workload)); err != nil {
				return fail(err)
			}
		case Share: // checked below: its error names the interval
		default:
			return fail(errors.New("no target"))
		}
		if !cl.To.IsZero() && !cl.From.Before(cl.To) {
			return fail(fmt.Errorf("from %s to %s is no time at all", formatTime(cl.From), formatTime(cl.To)))
		}
		if cl.From.Year() > 9999 || cl.To.Year() > 9999 || cl.From.Year() < 0 {
			return fail(errors.New("years have four digits"))
		}
		if s, ok := cl.Target.(Share); ok {
			if err := s.check(cl, c.Weights); err != nil {
				return fail(err)
			}
		}
		if by.stored {
			continue // under rules that are not known here
		}
		anchor, partition, err := cl.Anchor.canonical(by.aliases)
		if err != nil {
			return fail(fmt.Errorf("anchor: %w", err))
		}
		if by.hashed && anchor.form == formRoleSessionPrefix {
			return fail(fmt.Errorf("anchor: value %q: session names are hashed, and the beginning of one cannot be: give whole names", cl.Anchor.Value))
		}
		for _, h := range held[anchor] {
			if partition != h.partition && partition != "" && h.partition != "" {
				continue
			}
			if from, to, ok := overlap(h.claim, cl); ok {
				return fail(&ConflictError{Anchor: cl.Anchor, A: h.claim.ID, B: cl.ID, From: from, To: to})
			}
		}
		held[anchor] = append(held[anchor], holder{cl, partition})
	}
	seen := make(map[WorkloadID]bool, len(c.Workloads))
	for i := range c.Workloads {
		id := c.Workloads[i].ID
		if err := checkID("workload id", string(id)); err != nil {
			return &ClaimError{Err: err}
		}
		if seen[id] {
			return &ClaimError{Err: fmt.Errorf("workload %q is listed twice", id)}
		}
		seen[id] = true
	}
	return nil
}

// checkID refuses texts that cannot serve as an id.
func checkID(what, id string) error {
	switch {
	case strings.TrimSpace(id) == "":
		return fmt.Errorf("blank %s", what)
	case len(id) > maxID:
		return fmt.Errorf("%s of %d bytes, at most %d", what, len(id), maxID)
	case !utf8.ValidString(id), strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("%s %q holds control characters or broken UTF-8", what, id)
	}
	return nil
}

// overlap returns the time that both claims hold; a zero end is open.
func overlap(a, b *Claim) (from, to time.Time, ok bool) {
	from, to = a.From, a.To
	if b.From.After(from) {
		from = b.From
	}
	if to.IsZero() || !b.To.IsZero() && b.To.Before(to) {
		to = b.To
	}
	return from, to, to.IsZero() || from.Before(to)
}

// Revision identifies the claims that intersect a billing period, by id: the
// part of a statement's identity that claims are, with the weights that shares
// among them are split by. Names of workloads and the time of recording take no
// part in it, for they move no money.
func (c *Claims) Revision(m cur.Month) [32]byte {
	var in Claims
	meets := func(from, to time.Time) bool { return meetsMonth(m, from, to) }
	tables := map[string]bool{}
	for _, cl := range c.Claims {
		if meets(cl.From, cl.To) {
			cl.RecordedAt = time.Time{}
			in.Claims = append(in.Claims, cl)
			if s, ok := cl.Target.(Share); ok {
				tables[s.Table] = true
			}
		}
	}
	for _, w := range c.Weights {
		if tables[w.Table] && meets(w.From, w.To) {
			in.Weights = append(in.Weights, w)
		}
	}
	return sha256.Sum256(in.AppendJSON(nil))
}

// meetsMonth reports whether an interval meets a month; every one meets the
// unknown month.
func meetsMonth(m cur.Month, from, to time.Time) bool {
	return m.IsZero() || from.Before(m.End()) && (to.IsZero() || to.After(m.Start()))
}

// Columns returns the columns, beside those that every key has, that groups must
// be rolled up with for the claims and rules to be applied: hand them to
// [cur.Rollup] as Keys. Nil rules are the default. Claims that Validate refuses
// need nothing.
func Columns(c *Claims, r *Rules) []cur.Column {
	var none cur.Spec
	var out []cur.Column
	for _, n := range needs(c, r.withDefaults()) {
		if !none.Has(n.column) {
			out = append(out, n.column)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sorted returns the claims by id, the workloads by id and the weights by table,
// workload and time.
func (c *Claims) sorted() Claims {
	s := Claims{slices.Clone(c.Claims), slices.Clone(c.Workloads), slices.Clone(c.Weights)}
	for i := range s.Claims {
		if t, ok := s.Claims[i].Target.(Share); ok {
			t.Parts = slices.Clone(t.Parts)
			slices.SortFunc(t.Parts, func(a, b Part) int {
				return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Match, b.Match))
			})
			s.Claims[i].Target = t
		}
	}
	slices.SortFunc(s.Claims, func(a, b Claim) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Workloads, func(a, b Workload) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Weights, func(a, b Weight) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Workload, b.Workload), a.From.Compare(b.From))
	})
	return s
}
