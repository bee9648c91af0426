package governance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Directory is what is known of people, hierarchy and accounts: a copy, read at one
// time, that answers for any instant. It is immutable and may be shared.
type Directory struct {
	people   map[PersonID]*Person
	nodes    map[string]*Node
	accounts map[string]*Account
}

// Directory reads the directory.
func (d *Desk) Directory(ctx context.Context) (*Directory, error) {
	out := &Directory{people: map[PersonID]*Person{}, nodes: map[string]*Node{}, accounts: map[string]*Account{}}
	for _, k := range []Kind{KindPerson, KindNode, KindAccount} {
		for l, err := range d.Registry(ctx, k) {
			if err != nil {
				return nil, err
			}
			body := rulesOf(k).body()
			if err := json.Unmarshal(l.Summary, body); err != nil {
				return nil, fmt.Errorf("governance: directory: %s: %w", l.Subject, err)
			}
			switch b := body.(type) {
			case *Person:
				out.people[PersonID(l.Subject.ID)] = b
			case *Node:
				out.nodes[l.Subject.ID] = b
			case *Account:
				out.accounts[l.Subject.ID] = b
			}
		}
	}
	return out, nil
}

// Person returns a person; ok is false where the directory has none of that id.
func (d *Directory) Person(id PersonID) (p Person, ok bool) {
	if found := d.people[id]; found != nil {
		return *found, true
	}
	return Person{}, false
}

// Present reports whether a person is in the directory and has not left by an instant.
func (d *Directory) Present(id PersonID, at time.Time) bool {
	p := d.people[id]
	return p != nil && p.present(at)
}

// Holders returns the people who hold a role themselves at an instant, for a node or
// for one above it, by id.
func (d *Directory) Holders(r Role, node string, at time.Time) []PersonID {
	path := d.Path(node, at)
	var out []PersonID
	for _, id := range slices.Sorted(maps.Keys(d.people)) {
		p := d.people[id]
		if p.present(at) && slices.ContainsFunc(p.Roles, func(a Assignment) bool {
			return a.holds(at) && a.Role == r && (a.Node == "" || slices.Contains(path, a.Node))
		}) {
			out = append(out, id)
		}
	}
	return out
}

// Path returns a node and those above it as they were at an instant, the node first.
func (d *Directory) Path(node string, at time.Time) []string {
	var path []string
	for n := d.nodes[node]; n != nil && len(path) < maxDepth && !slices.Contains(path, node); n = d.nodes[node] {
		path = append(path, node)
		node = n.At(at).Parent
	}
	return path
}

// Ancestor returns the node of a level that a node was under at an instant, itself
// included; "" if it was under none.
func (d *Directory) Ancestor(node, level string, at time.Time) string {
	for _, n := range d.Path(node, at) {
		if d.nodes[n].Level == level {
			return n
		}
	}
	return ""
}

// Place returns what a node was at an instant; blank ledger fields are those of the
// nodes above.
func (d *Directory) Place(node string, at time.Time) (p Place, ok bool) {
	for i, id := range d.Path(node, at) {
		if here := d.nodes[id].At(at); i == 0 {
			p, ok = here, true
		} else {
			p.Fields = p.Fields.or(here.Fields)
		}
	}
	return p, ok
}

// Account returns what an account was at an instant.
func (d *Directory) Account(id string, at time.Time) (t AccountTerm, ok bool) {
	a := d.accounts[id]
	if a == nil {
		return AccountTerm{}, false
	}
	return a.At(at), true
}

// Accounts returns the ids of all accounts, sorted.
func (d *Directory) Accounts() []string { return slices.Sorted(maps.Keys(d.accounts)) }

// Nodes returns the ids of all nodes of a level, sorted; "" is every level.
func (d *Directory) Nodes(level string) []string {
	var out []string
	for id, n := range d.nodes {
		if level == "" || n.Level == level {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
