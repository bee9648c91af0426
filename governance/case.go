package governance

import (
	"slices"
	"time"
)

// fill reads all that the decision on a command may look at. Within an update the
// commit depends on what was read: a role that is withdrawn meanwhile counts as
// withdrawn. load returns nil for a subject that there is not.
func (k *Case) fill(c Command, now time.Time, load func(Ref) (*Subject, error)) error {
	var err error
	if k.Actors, err = actors(c, now, load); err != nil {
		return err
	}
	rules := rulesOf(c.Subject.Kind)
	if rules == nil {
		return nil
	}
	bound := slices.ContainsFunc(k.Actors, func(a Capacity) bool { return a.Node != "" })
	k.Related = map[Ref]*Subject{}
	for asked := map[Ref]bool{}; ; {
		more := false
		for _, ref := range k.wants(rules, c, now, bound) {
			if asked[ref] || ref.check() != nil {
				continue
			}
			asked[ref], more = true, true
			got, err := load(ref)
			if err != nil {
				return err
			}
			if got != nil {
				k.Related[ref] = got
			}
		}
		if !more {
			return nil
		}
	}
}

// wants returns what the rules of a kind ask for, given what is loaded, and the
// hierarchy above the subject where a capacity is bound to a part of it.
func (k *Case) wants(rules *kindRules, c Command, now time.Time, bound bool) []Ref {
	r := &ruling{Case: *k, cmd: c, now: now}
	if r.decode(rules) != nil {
		return nil // Decide says it
	}
	var want []Ref
	if rules.needs != nil {
		want = rules.needs(r)
	}
	if bound && rules.place != nil {
		for _, node := range r.above(rules.place(r)) {
			want = append(want, Ref{Kind: KindNode, ID: node})
		}
	}
	return want
}

// actors returns what the actor of a command may act as.
func actors(c Command, now time.Time, load func(Ref) (*Subject, error)) ([]Capacity, error) {
	switch {
	case c.Role == Consequence:
		return []Capacity{{Role: Consequence}}, nil
	case c.Actor == System:
		return []Capacity{{Role: Scheduler}}, nil
	case checkID("person", string(c.Actor)) != nil:
		return nil, nil
	}
	person := func(id PersonID) (*Person, error) {
		got, err := load(Ref{Kind: KindPerson, ID: string(id)})
		if got == nil || err != nil {
			return nil, err
		}
		return got.Body.(*Person), nil
	}
	p, err := person(c.Actor)
	if p == nil || err != nil {
		return nil, err
	}
	delegators := map[PersonID]*Person{}
	for _, d := range p.Delegations {
		if !d.holds(now) {
			continue
		}
		if delegators[d.By], err = person(d.By); err != nil {
			return nil, err
		}
	}
	return Capacities(p, delegators, now), nil
}
