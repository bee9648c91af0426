package governance

import (
	"cmp"
	"slices"
	"time"
)

// A Transition is one row of the table: in state From, a person in Role may take
// Action, which leads to To, if the guards agree.
type Transition struct {
	Kind   Kind
	From   State
	Action Action
	Role   Role
	To     State
	Guards []Guard
	// Takes is the part that the person takes by it. Whoever has taken a part
	// that is separated from it is refused; see [Separated].
	Takes Part
	// Why: a rationale must be given.
	Why bool
	// Tell adds a message to the outbox, in the same commit.
	Tell bool
}

// A Guard is a condition of a transition: a name, and a sentence for people.
type Guard struct {
	Name string
	Says string

	check func(*ruling) error
}

// The parts that are kept apart.
const (
	Requester    Part = "requester"     // asked for it
	Approver     Part = "approver"      // approved or refused it
	Implementer  Part = "implementer"   // built it
	CardAccepter Part = "card_accepter" // accepted the card
	CardApprover Part = "card_approver" // approved the card
)

// Separated returns the pairs of parts that one person must not take in one
// subject, whatever his roles, when he took them, or on whose behalf.
func Separated() [][2]Part {
	return [][2]Part{{Approver, Requester}, {Approver, Implementer}, {CardApprover, CardAccepter}}
}

// apartFrom returns the parts that are separated from p.
func apartFrom(p Part) []Part {
	var out []Part
	for _, pair := range Separated() {
		switch p {
		case pair[0]:
			out = append(out, pair[1])
		case pair[1]:
			out = append(out, pair[0])
		}
	}
	return out
}

// kindRules is all that is particular to a kind. Adding a kind is writing one of
// these and naming it in rulesOf; see the package comment.
type kindRules struct {
	// rows of the table; several roles are several rows. They are made where they are
	// looked at, so that naming a kind costs nothing.
	rows func() []Transition
	// final states, in which a subject stays
	final []State
	// body returns an empty body to decode into.
	body func() any
	// detail returns an empty detail of an action to decode into, nil for none.
	detail func(Action) any
	// needs names the subjects that guards and decide look at; it is asked again
	// with what it named loaded, until it names nothing new. May be nil.
	needs func(*ruling) []Ref
	// place says under which node of the hierarchy the subject is, so that roles
	// granted for a subtree count only there; "" where it has none. May be nil.
	place func(*ruling) string
	// decide checks what guards do not, completes the detail and says what
	// follows. May be nil.
	decide func(*ruling) error
	// apply changes the body, which is its own copy, by an event.
	apply func(s *Subject, e *Event, detail any) error
	// waits says who must act next, if anybody in particular. May be nil.
	waits func(*Subject) (Turn, bool)
	// due says what time or the directory demands of a subject of the registry, see
	// [Desk.Tick]. May be nil.
	due func(s *Subject, dir *Directory, now time.Time) (duty, bool)
	// summary returns what the registry of the kind says of a subject. Nil means
	// that the kind has no registry.
	summary func(*Subject) any
	// shelf says in which part of the registry a subject is, for kinds that grow with
	// every week; nil for one part. See [Desk.Shelf].
	shelf func(*Subject) string
}

// rulesOf returns the rules of a kind; nil for a kind that there is none of.
func rulesOf(k Kind) *kindRules {
	switch k {
	case KindPerson:
		return personRules()
	case KindNode:
		return nodeRules()
	case KindAccount:
		return accountRules()
	case KindRequest:
		return requestRules()
	case KindTask:
		return taskRules()
	case KindWorkload:
		return workloadRules()
	case KindClaim:
		return claimRules()
	case KindAnchor:
		return anchorRules()
	case KindCard:
		return cardRules()
	case KindAdjustment:
		return adjustmentRules()
	case KindRollUp:
		return rollUpRules()
	case KindClose:
		return closeRules()
	case KindBudget:
		return budgetRules()
	}
	return nil
}

// Kinds returns all kinds, in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		KindRequest, KindTask, KindWorkload, KindClaim, KindAnchor, KindCard, KindAdjustment, KindRollUp, KindClose, KindBudget,
		KindPerson, KindNode, KindAccount,
	}
}

// Table returns the transition table: all rows of all kinds.
func Table() []Transition {
	var rows []Transition
	for _, k := range Kinds() {
		rows = append(rows, rulesOf(k).rows()...)
	}
	return rows
}

// rowsFrom returns the rows of a kind that leave a state.
func (k *kindRules) rowsFrom(s State) []Transition {
	var rows []Transition
	for _, t := range k.rows() {
		if t.From == s {
			rows = append(rows, t)
		}
	}
	return rows
}

// Allowed is something that may be done in a state.
type Allowed struct {
	Action Action
	Roles  []Role
}

// AllowedIn returns what may be done with a subject of a kind in a state, and by
// whom, as far as the table goes; what only follows from other decisions is not
// listed.
func AllowedIn(k Kind, s State) []Allowed {
	rules := rulesOf(k)
	if rules == nil {
		return nil
	}
	var out []Allowed
	for _, t := range rules.rowsFrom(s) {
		if t.Role == Consequence {
			continue
		}
		i := slices.IndexFunc(out, func(a Allowed) bool { return a.Action == t.Action })
		if i < 0 {
			i, out = len(out), append(out, Allowed{Action: t.Action})
		}
		if !slices.Contains(out[i].Roles, t.Role) {
			out[i].Roles = append(out[i].Roles, t.Role)
		}
	}
	slices.SortFunc(out, func(a, b Allowed) int { return cmp.Compare(a.Action, b.Action) })
	return out
}

// rows builds the rows of one transition: the same for each state and role.
func rows(k Kind, from []State, a Action, roles []Role, to State, t Transition) []Transition {
	var out []Transition
	for _, f := range from {
		for _, r := range roles {
			t.Kind, t.From, t.Action, t.Role, t.To = k, f, a, r, to
			out = append(out, t)
		}
	}
	return out
}
