package governance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What callers branch on; errors.Is finds them. All but ErrStale and ErrNewer come
// inside a *[TransitionError].
var (
	// ErrTransition: the action is not possible in the subject's state.
	ErrTransition = errors.New("not possible in this state")
	// ErrRole: the actor has none of the roles that may.
	ErrRole = errors.New("none of the actor's roles may")
	// ErrSeparation: the actor, or who he acts for, has taken a part that is
	// kept apart from this one.
	ErrSeparation = errors.New("separation of duties")
	// ErrGuard: a condition of the transition is not met.
	ErrGuard = errors.New("condition not met")
	// ErrScope: something lies outside the approved scope.
	ErrScope = errors.New("outside the approved scope")
	// ErrAnchorClaimed: the anchor has an owner at that time.
	ErrAnchorClaimed = errors.New("anchor is claimed already")
	// ErrRationale: the transition demands a rationale and none was given.
	ErrRationale = errors.New("rationale is missing")
	// ErrDetail: the command's detail is not what the action needs.
	ErrDetail = errors.New("unusable detail")
	// ErrDates: dates are in the wrong order.
	ErrDates = errors.New("dates in the wrong order")
	// ErrUnknownActor: the actor is not in the directory, or has left.
	ErrUnknownActor = errors.New("unknown actor")
	// ErrUnknownSubject: there is no such subject, or no such kind.
	ErrUnknownSubject = errors.New("unknown subject")
	// ErrExists: there is a subject of that id already.
	ErrExists = errors.New("exists already")
	// ErrStale: somebody else was faster. Always carried by a *[ConflictError].
	ErrStale = errors.New("the subject has changed")
)

// TransitionError is a command that was refused: nothing was written.
type TransitionError struct {
	Subject Ref
	From    State
	Action  Action
	Actor   PersonID
	Roles   []Role // what the actor acts as, in the subject's place
	// Allowed is what may be done in this state, by whom.
	Allowed []Allowed
	Err     error

	label func(Role) string
}

// Error names subject, state, role, cause and what is allowed.
func (e *TransitionError) Error() string {
	label := e.label
	if label == nil {
		label = (*Policy)(nil).Label
	}
	state := string(e.From)
	if e.From == None {
		state = "none"
	}
	var roles []string
	for _, r := range e.Roles {
		if r != Anyone {
			roles = append(roles, label(r))
		}
	}
	who := "no role"
	if len(roles) > 0 {
		who = strings.Join(roles, ", ")
	}
	var allowed []string
	for _, a := range e.Allowed {
		var by []string
		for _, r := range a.Roles {
			by = append(by, label(r))
		}
		allowed = append(allowed, fmt.Sprintf("%s (%s)", a.Action, strings.Join(by, ", ")))
	}
	may := "nothing, the state is final"
	if len(allowed) > 0 {
		may = strings.Join(allowed, "; ")
	}
	return fmt.Sprintf("governance: %s %s by %q (%s) in state %s: %v; allowed: %s", e.Action, e.Subject, e.Actor, who, state, e.Err, may)
}

// Unwrap returns the cause.
func (e *TransitionError) Unwrap() error { return e.Err }

// ConflictError says that somebody else changed the subject first, and how it stands
// now. It matches ErrStale; nothing was written.
type ConflictError struct {
	Subject Ref
	Expect  uint64 // the version that the command was meant for
	Version uint64 // the version there is
	State   State
	Since   time.Time
	Latest  Event // what made the present version; zero where it could not be read
	Err     error // why the command is not possible any more, if that is why
}

// Error states the version expected and the present state.
func (e *ConflictError) Error() string {
	s := fmt.Sprintf("governance: %s: %v: version %d was expected, it is version %d, state %s", e.Subject, ErrStale, e.Expect, e.Version, e.State)
	if e.Latest.Action != "" {
		s += fmt.Sprintf(" since %s by %q at %s", e.Latest.Action, e.Latest.Actor, e.Latest.At.UTC().Format(time.RFC3339))
	}
	return s
}

// Unwrap returns ErrStale, and the refusal if there was one.
func (e *ConflictError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrStale}
	}
	return []error{ErrStale, e.Err}
}

// refused makes a *TransitionError of a cause.
func (r *ruling) refused(err error) error {
	var roles []Role
	for _, c := range r.Actors {
		if !slices.Contains(roles, c.Role) {
			roles = append(roles, c.Role)
		}
	}
	return &TransitionError{
		Subject: r.cmd.Subject, From: r.Subject.State, Action: r.cmd.Action, Actor: r.cmd.Actor, Roles: roles,
		Allowed: AllowedIn(r.cmd.Subject.Kind, r.Subject.State), Err: err, label: r.Policy.Label,
	}
}
