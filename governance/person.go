package governance

import (
	"fmt"
	"slices"
	"time"
)

// KindPerson is the kind of people of the directory. Its actions: put, grant,
// revoke, delegate, end_delegation, break_glass, leave.
const KindPerson Kind = "person"

// The states of a person.
const (
	PersonPresent State = "present"
	PersonLeft    State = "left"
)

// A Person is somebody of the directory.
type Person struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// Roles are those granted, also in the past.
	Roles       []Assignment `json:"roles,omitempty"`
	Delegations []Delegation `json:"delegations,omitempty"`
	// Emergencies are roles taken by breaking the glass.
	Emergencies []Assignment `json:"emergencies,omitempty"`
	// Left is from when on the person is gone; zero while there is no date.
	Left time.Time `json:"left,omitzero"`
}

// An Assignment gives a role from From, inclusive, to To, exclusive; a zero To is open.
type Assignment struct {
	Role Role `json:"role"`
	// Node is the node of the hierarchy that the role counts for, with what is
	// below it; "" is everywhere.
	Node string    `json:"node,omitempty"`
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

func (a Assignment) holds(now time.Time) bool {
	return !now.Before(a.From) && (a.To.IsZero() || now.Before(a.To))
}

func (a Assignment) check() error {
	switch {
	case !a.Role.grantable():
		return fmt.Errorf("%w: role %q cannot be granted", ErrDetail, a.Role)
	case a.From.IsZero():
		return fmt.Errorf("%w: role %s has no beginning", ErrDates, a.Role)
	case !a.To.IsZero() && !a.From.Before(a.To):
		return fmt.Errorf("%w: role %s ends at %s, before it begins at %s", ErrDates, a.Role, date(a.To), date(a.From))
	}
	if a.Node != "" {
		if err := checkID("node", a.Node); err != nil {
			return fmt.Errorf("%w: %w", ErrDetail, err)
		}
	}
	return nil
}

// A Delegation is a role that somebody else holds and lets this person act in, for
// a stated time.
type Delegation struct {
	Assignment
	By PersonID `json:"by"`
}

func (p *Person) present(now time.Time) bool { return p.Left.IsZero() || now.Before(p.Left) }

// date prints a time for messages.
func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// PersonDetail is the detail of put: what the directory says of a person from From on,
// by default now. Roles that the person has and that are not listed end then.
type PersonDetail struct {
	From  time.Time    `json:"from,omitzero"`
	Name  string       `json:"name,omitempty"`
	Email string       `json:"email,omitempty"`
	Roles []Assignment `json:"roles,omitempty"`
}

// RoleDetail is the detail of grant, revoke, delegate, end_delegation and
// break_glass. Revoking ends at To, by default now. A delegation is for a stated
// time; broken glass lasts as long as [Policy].BreakGlass says.
type RoleDetail struct {
	Role Role      `json:"role"`
	Node string    `json:"node,omitempty"`
	From time.Time `json:"from,omitzero"` // by default now
	To   time.Time `json:"to,omitzero"`
	// By is set by the desk: who delegates.
	By PersonID `json:"by,omitempty"`
}

// LeaveDetail is the detail of leave.
type LeaveDetail struct {
	At time.Time `json:"at,omitzero"` // by default now
}

// selfOnly and others are guards on whose record a person acts on.
var (
	guardSelf = Guard{"self", "the person acts for himself", func(r *ruling) error {
		if r.cmd.Subject.ID != string(r.cmd.Actor) {
			return fmt.Errorf("%q is not %q", r.cmd.Actor, r.cmd.Subject.ID)
		}
		return nil
	}}
	guardOther = Guard{"other", "nobody delegates to himself", func(r *ruling) error {
		if r.cmd.Subject.ID == string(r.cmd.Actor) {
			return fmt.Errorf("%q is the actor himself", r.cmd.Actor)
		}
		return nil
	}}
	guardHolds = Guard{"holds", "the role delegated is the person's own, at least as widely, and not delegated to him", func(r *ruling) error {
		d := r.detail.(*RoleDetail)
		by := r.Related[Ref{Kind: KindPerson, ID: string(r.cmd.Actor)}]
		if by == nil || !by.Body.(*Person).grants(Assignment{Role: d.Role, Node: d.Node}, r.now) {
			return fmt.Errorf("%q does not hold %s", r.cmd.Actor, r.Policy.Label(d.Role))
		}
		return nil
	}}
)

func personRules() *kindRules {
	admin := []Role{FinOpsLead, Scheduler}
	present := []State{PersonPresent}
	return &kindRules{
		rows: func() []Transition {
			return slices.Concat(
				rows(KindPerson, []State{None, PersonLeft}, "put", admin, PersonPresent, Transition{}),
				rows(KindPerson, present, "put", admin, PersonPresent, Transition{}),
				rows(KindPerson, present, "grant", admin, PersonPresent, Transition{}),
				rows(KindPerson, present, "revoke", admin, PersonPresent, Transition{}),
				rows(KindPerson, present, "delegate", []Role{Anyone}, PersonPresent, Transition{Guards: []Guard{guardOther, guardHolds}, Tell: true}),
				rows(KindPerson, present, "end_delegation", []Role{Anyone, FinOpsLead}, PersonPresent, Transition{}),
				rows(KindPerson, present, "break_glass", []Role{Anyone}, PersonPresent, Transition{Guards: []Guard{guardSelf}, Why: true, Tell: true}),
				rows(KindPerson, present, "leave", admin, PersonLeft, Transition{Tell: true}),
			)
		},
		body: func() any { return new(Person) },
		detail: func(a Action) any {
			switch a {
			case "put":
				return new(PersonDetail)
			case "leave":
				return new(LeaveDetail)
			}
			return new(RoleDetail)
		},
		needs: func(r *ruling) []Ref {
			if r.cmd.Action == "delegate" {
				return []Ref{{Kind: KindPerson, ID: string(r.cmd.Actor)}}
			}
			return nil
		},
		decide:  decidePerson,
		apply:   applyPerson,
		summary: func(s *Subject) any { return s.Body },
	}
}

func decidePerson(r *ruling) error {
	switch d := r.detail.(type) {
	case *PersonDetail:
		d.From = orNow(d.From, r.now)
		for i := range d.Roles {
			a := &d.Roles[i]
			if a.From.IsZero() {
				a.From = d.From
			}
			a.From, a.To = a.From.UTC(), a.To.UTC()
			if err := a.check(); err != nil {
				return err
			}
		}
	case *LeaveDetail:
		if d.At.IsZero() {
			d.At = r.now
		}
		d.At = d.At.UTC()
	case *RoleDetail:
		return r.role(d)
	}
	return nil
}

// role checks and completes the detail of what is done with one role.
func (r *ruling) role(d *RoleDetail) error {
	if d.By != "" {
		return fmt.Errorf("%w: by is the desk's to say", ErrDetail)
	}
	if d.From.IsZero() || r.cmd.Action == "break_glass" {
		d.From = r.now
	}
	p := r.Subject.Body.(*Person)
	switch r.cmd.Action {
	case "delegate":
		d.By = r.cmd.Actor
		if d.To.IsZero() {
			return fmt.Errorf("%w: a delegation ends", ErrDates)
		}
	case "break_glass":
		d.To = r.now.Add(r.Policy.breakGlass())
	case "revoke", "end_delegation":
		if d.To.IsZero() {
			d.To = r.now
		}
		if d.To.Before(r.now) {
			return fmt.Errorf("%w: what was done until now stays done; it can end now or later", ErrDates)
		}
		if r.cmd.Action == "end_delegation" {
			if r.row.Role == Anyone {
				d.By = r.cmd.Actor
			}
			if !slices.ContainsFunc(p.Delegations, func(x Delegation) bool { return x.ends(d) }) {
				return fmt.Errorf("%w: no such delegation", ErrDetail)
			}
		} else if !slices.ContainsFunc(p.Roles, func(x Assignment) bool { return x.ends(d) }) {
			return fmt.Errorf("%w: %s is not granted", ErrDetail, r.Policy.Label(d.Role))
		}
		d.From, d.To = time.Time{}, d.To.UTC()
		return nil
	}
	d.From, d.To = d.From.UTC(), d.To.UTC()
	return Assignment{Role: d.Role, Node: d.Node, From: d.From, To: d.To}.check()
}

// ends reports whether d ends the assignment before its time.
func (a Assignment) ends(d *RoleDetail) bool {
	return a.Role == d.Role && a.Node == d.Node && (a.To.IsZero() || a.To.After(d.To))
}

func (a Delegation) ends(d *RoleDetail) bool {
	return (d.By == "" || d.By == a.By) && a.Assignment.ends(d)
}

func applyPerson(s *Subject, e *Event, detail any) error {
	p := s.Body.(*Person)
	switch d := detail.(type) {
	case *PersonDetail:
		p.Name, p.Email, p.Left = d.Name, d.Email, time.Time{}
		p.Roles = assign(p.Roles, d.Roles, d.From)
	case *LeaveDetail:
		p.Left = d.At
	case *RoleDetail:
		a := Assignment{Role: d.Role, Node: d.Node, From: d.From, To: d.To}
		switch e.Action {
		case "grant":
			p.Roles = append(p.Roles, a)
		case "delegate":
			p.Delegations = append(p.Delegations, Delegation{a, d.By})
		case "break_glass":
			p.Emergencies = append(p.Emergencies, a)
		case "revoke":
			for i := range p.Roles {
				if p.Roles[i].ends(d) {
					p.Roles[i].To = d.To
				}
			}
		case "end_delegation":
			for i := range p.Delegations {
				if p.Delegations[i].ends(d) {
					p.Delegations[i].To = d.To
				}
			}
		}
	}
	return nil
}

// assign replaces the roles in force or to come at an instant by others. What was in
// force before it stays on record.
func assign(have, want []Assignment, now time.Time) []Assignment {
	var out []Assignment
	same := func(a, b Assignment) bool {
		return a.Role == b.Role && a.Node == b.Node && a.From.Equal(b.From) && a.To.Equal(b.To)
	}
	for _, a := range have {
		kept := slices.ContainsFunc(want, func(b Assignment) bool { return same(a, b) })
		switch {
		case kept || !a.To.IsZero() && !a.To.After(now):
		case !a.From.Before(now):
			continue // never was in force
		default:
			a.To = now
		}
		out = append(out, a)
	}
	for _, b := range want {
		if !slices.ContainsFunc(out, func(a Assignment) bool { return same(a, b) }) {
			out = append(out, b)
		}
	}
	return out
}
