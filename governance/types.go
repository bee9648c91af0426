package governance

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spendclaim/spendclaim/attribution"
)

// Kind is what sort of thing a subject is.
type Kind string

// State is where a subject stands. [None] is the state of one that does not exist.
type State string

// None is the state before a subject's first event.
const None State = ""

// Action is what a command asks for.
type Action string

// PersonID identifies a person of the directory.
type PersonID string

// System is the actor behind what time and configuration demand: importing a
// directory, opening cards, escalating. It decides nothing that people are kept
// apart for.
const System PersonID = "system"

// Role is what a person acts as. The ids are fixed, labels are [Policy].Labels.
type Role string

// The roles of people, and three that nobody is granted.
const (
	ProductOwner   Role = "product_owner"
	PortfolioOwner Role = "portfolio_owner"
	FinOpsLead     Role = "finops_lead"
	CloudEngineer  Role = "cloud_engineer"

	// Anyone is every present person of the directory.
	Anyone Role = "anyone"
	// Scheduler is what the actor [System] acts as.
	Scheduler Role = "scheduler"
	// Consequence is how the desk itself acts, in the commit of the decision
	// that made it necessary. No command from outside can have it.
	Consequence Role = "consequence"
)

// grantable reports whether people can be granted the role.
func (r Role) grantable() bool {
	switch r {
	case ProductOwner, PortfolioOwner, FinOpsLead, CloudEngineer:
		return true
	}
	return false
}

// Part is a part in a decision that one person must not take together with
// another, see [Separated].
type Part string

// Ref names a subject. What belongs to a workload lies in its partition and has
// its id; the ID of a workload's own subject is empty.
type Ref struct {
	Kind     Kind                   `json:"kind"`
	Workload attribution.WorkloadID `json:"workload,omitempty"`
	ID       string                 `json:"id,omitempty"`
}

// String returns the reference for messages: kind, workload and id.
func (r Ref) String() string {
	s := string(r.Kind)
	if r.Workload != "" {
		s += "/" + string(r.Workload)
	}
	if r.ID != "" {
		s += "/" + r.ID
	}
	return s
}

// maxID bounds ids that are given from outside, so that keys made of several of
// them stay within the store's limits.
const maxID = 128

// checkID refuses texts that cannot serve as an id.
func checkID(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("blank %s", what)
	case strings.TrimSpace(id) != id:
		return fmt.Errorf("%s %q begins or ends with space", what, id)
	case len(id) > maxID:
		return fmt.Errorf("%s of %d bytes, at most %d", what, len(id), maxID)
	case !utf8.ValidString(id), strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == unicode.MaxRune }):
		return fmt.Errorf("%s %q holds control characters or broken UTF-8", what, id)
	}
	return nil
}

// A Command asks for a change of one subject.
type Command struct {
	// ID names the command for good: the same command given again changes
	// nothing and tells what it did the first time.
	ID      string
	Actor   PersonID
	Subject Ref
	Action  Action
	// Role is what the actor wants to act as; blank picks the first that may.
	Role Role
	// Expect is the version of the subject that the actor saw. Another is a
	// *[ConflictError]; 0 expects nothing.
	Expect uint64
	// Rationale is why; some transitions demand it.
	Rationale string
	// Detail is what the action needs to know: the struct that the action's
	// documentation names, or its JSON as json.RawMessage.
	Detail any
}

// An Event is what became of a command: a line of the subject's history. Applied
// in order, the events of a subject make its state.
type Event struct {
	Command string    `json:"command"`
	Subject Ref       `json:"subject"`
	Version uint64    `json:"version"` // of the subject, after the event
	Action  Action    `json:"action"`
	From    State     `json:"from,omitempty"`
	To      State     `json:"to"`
	At      time.Time `json:"at"`
	Actor   PersonID  `json:"actor"`
	Role    Role      `json:"role"`
	// For is who delegated the role to the actor; of a consequence, whose
	// decision it follows from.
	For PersonID `json:"for,omitempty"`
	// BreakGlass says that the role was taken in an emergency and not granted.
	BreakGlass bool   `json:"break_glass,omitempty"`
	Rationale  string `json:"rationale,omitempty"`
	// Takes is who took which separated part by it.
	Takes map[Part][]PersonID `json:"takes,omitempty"`
	// Detail is what the event changes in the subject's body.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// A Subject is something that is decided on, in one state of its history.
type Subject struct {
	Ref     Ref
	State   State
	Version uint64 // the number of its events
	// Since is when it came into its state.
	Since time.Time
	// Parts are the people who took separated parts, for good.
	Parts map[Part][]PersonID
	// Body is what the kind keeps: *[Request], *[Task], *[Workload], *[Claim],
	// *[Holding], *[Person], *[Node], *[Account], or what the kind's documentation
	// names. It is not to be written to.
	Body any
}

// A Result is what a command did.
type Result struct {
	Event   Event
	Subject Subject // after the command; of a replay, as it is now
	// Replayed: the command had been carried out before and changed nothing.
	Replayed bool
}

// Policy is what an installation may set. The zero Policy, and nil, are the default.
// It must not change while a desk uses it.
type Policy struct {
	// Labels are what people call the roles, for messages and diagrams.
	Labels map[Role]string
	// Levels are those of the hierarchy, the top first; nil means
	// business_unit, department, portfolio, product. A node lies under one of any
	// higher level.
	Levels []string
	// Portfolio is the level whose nodes are the portfolios; "" means portfolio.
	Portfolio string
	// BreakGlass is how long a role taken in an emergency lasts; 0 means four hours.
	BreakGlass time.Duration
	// Attribution are the rules that claims are attributed under; their aliases
	// say which spellings are one anchor.
	Attribution *attribution.Rules
	// Quiet is for how many days, complete ones, what is taken down must not spend
	// before its task is over; 0 means seven.
	Quiet int
	// Cards is about spend cards.
	Cards CardPolicy

	_ struct{}
}

// Label returns what the installation calls a role.
func (p *Policy) Label(r Role) string {
	if p != nil && p.Labels[r] != "" {
		return p.Labels[r]
	}
	switch r {
	case ProductOwner:
		return "Product Owner"
	case PortfolioOwner:
		return "Portfolio Owner"
	case FinOpsLead:
		return "FinOps Lead"
	case CloudEngineer:
		return "Cloud Engineer"
	case Anyone:
		return "anyone"
	case Scheduler:
		return "scheduler"
	case Consequence:
		return "consequence"
	}
	return string(r)
}

func (p *Policy) levels() []string {
	if p == nil || p.Levels == nil {
		return []string{"business_unit", "department", "portfolio", "product"}
	}
	return p.Levels
}

func (p *Policy) portfolio() string {
	if p == nil || p.Portfolio == "" {
		return "portfolio"
	}
	return p.Portfolio
}

func (p *Policy) breakGlass() time.Duration {
	if p == nil || p.BreakGlass <= 0 {
		return 4 * time.Hour
	}
	return p.BreakGlass
}

func (p *Policy) attribution() *attribution.Rules {
	if p == nil {
		return nil
	}
	return p.Attribution
}
