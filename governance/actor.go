package governance

import (
	"slices"
	"time"
)

// Capacities returns what a person may act as at an instant: his own roles, those
// he took in an emergency, and those that people delegated to him who hold them
// themselves and are still there. A person that has left, or is not there yet, has
// none. delegators are the persons named in his delegations.
func Capacities(p *Person, delegators map[PersonID]*Person, now time.Time) []Capacity {
	if p == nil || !p.present(now) {
		return nil
	}
	var out []Capacity
	add := func(c Capacity) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	// His own roles come first: who has a role needs nobody's.
	for _, a := range p.Roles {
		if a.holds(now) {
			add(Capacity{Role: a.Role, Node: a.Node})
		}
	}
	for _, d := range p.Delegations {
		by := delegators[d.By]
		if !d.holds(now) || by == nil || !by.present(now) || !by.grants(d.Assignment, now) {
			continue
		}
		add(Capacity{Role: d.Role, Node: d.Node, For: d.By})
	}
	for _, b := range p.Emergencies {
		if b.holds(now) {
			add(Capacity{Role: b.Role, Node: b.Node, BreakGlass: true})
		}
	}
	return append(out, Capacity{Role: Anyone})
}

// grants reports whether a person holds a role himself, at least as widely.
func (p *Person) grants(want Assignment, now time.Time) bool {
	return slices.ContainsFunc(p.Roles, func(a Assignment) bool {
		return a.holds(now) && a.Role == want.Role && (a.Node == "" || a.Node == want.Node)
	})
}
