package attribution

import (
	"errors"
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// What callers branch on; errors.Is finds them.
var (
	// ErrClaims marks claims, or a claims file, that cannot be used.
	ErrClaims = errors.New("unusable claims")
	// ErrClaimConflict marks two claims that hold one anchor at one time.
	ErrClaimConflict = errors.New("two claims on one anchor")
	// ErrNotStored marks claims and rules that need a column which the stored
	// groups do not have. The files have to be rolled up again with it.
	ErrNotStored = errors.New("not stored")
	// ErrNotComparable marks statements whose difference has no meaning.
	ErrNotComparable = errors.New("statements of different things")
)

// ClaimError says which claim, or which line of a claims file, cannot be used.
// It is [ErrClaims].
type ClaimError struct {
	Source string  // the file; "" for claims made by a program
	Line   int     // 0 when unknown
	Claim  ClaimID // "" when no claim, or one without id, is meant
	N      int     // the claim's place, from 1; 0 when no claim is meant
	Err    error
}

func (e *ClaimError) Error() string {
	s := "attribution: claims"
	if e.Source != "" {
		s += fmt.Sprintf(" %q", e.Source)
	}
	if e.Line > 0 {
		s += fmt.Sprintf(": line %d", e.Line)
	}
	if e.N > 0 {
		s += fmt.Sprintf(": claim %d", e.N)
		if e.Claim != "" {
			s += fmt.Sprintf(" %q", e.Claim)
		}
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns ErrClaims and the cause.
func (e *ClaimError) Unwrap() []error { return []error{ErrClaims, e.Err} }

// ConflictError names two claims that hold one anchor at one time. It is
// [ErrClaimConflict].
type ConflictError struct {
	Anchor   Anchor    // as claim B spells it
	A, B     ClaimID   // A comes first in the list
	From, To time.Time // the time both hold; a zero To is open
}

func (e *ConflictError) Error() string {
	to := "on"
	if !e.To.IsZero() {
		to = "to " + formatTime(e.To)
	}
	return fmt.Sprintf("claim %q holds %s as well, from %s %s: %v", e.A, e.Anchor, formatTime(e.From), to, ErrClaimConflict)
}

// Is reports whether target is ErrClaimConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrClaimConflict }

// NotStoredError says what needs a column that the stored groups lack. It is
// [ErrNotStored].
type NotStoredError struct {
	Column cur.Column
	Need   string    // what needs it: `claim "c-1"`, `resolver "teams"`, `product "bedrock"`
	Rows   bool      // the groups have the column, but left the needed rows out
	Absent bool      // no report of this format has the column
	Period cur.Month // of the stored groups, when known
	// Sessions is a role whose sessions the column has to hold, and does not.
	Sessions string
}

func (e *NotStoredError) Error() string {
	if e.Absent {
		return fmt.Sprintf("attribution: %s needs column %q, which no FOCUS export has: %v; give the CUR 2.0 export of the same account, or claim by resource, tag or account", e.Need, e.Column, ErrNotStored)
	}
	of := ""
	if !e.Period.IsZero() {
		of = " of " + e.Period.String()
	}
	if e.Sessions != "" {
		return fmt.Sprintf("attribution: %s needs the sessions of %q, which are not kept with the groups%s: %v; roll up the files again under the claim", e.Need, e.Sessions, of, ErrNotStored)
	}
	if e.Rows {
		return fmt.Sprintf("attribution: %s needs rows, by column %q, that the stored groups%s leave out: %v; roll up the files again", e.Need, e.Column, of, ErrNotStored)
	}
	return fmt.Sprintf("attribution: %s needs column %q, which the stored groups%s lack: %v; roll up the files again with it", e.Need, e.Column, of, ErrNotStored)
}

// Is reports whether target is ErrNotStored.
func (e *NotStoredError) Is(target error) bool { return target == ErrNotStored }
