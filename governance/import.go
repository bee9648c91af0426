package governance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// An Imported says what an import did.
type Imported struct {
	Changed   int // commands carried out
	Unchanged int // entries that said what the directory says
}

// Import brings the directory to what a document says, from its Effective on, by
// default from now. Each entry is a command of its own, so that every change is in its
// subject's history; one that says what is known already is none. The id names the
// import: interrupted, it goes on when it is given again. Whoever the document does not
// name stays as he is. The actor is [System] where there are no people yet.
//
// What was decided before stays decided: cards keep the place they were approved at,
// and subjects the people who took part.
func (d *Desk) Import(ctx context.Context, id string, actor PersonID, doc *Document) (Imported, error) {
	var out Imported
	dir, err := d.Directory(ctx)
	if err != nil {
		return out, err
	}
	now := d.now().UTC().Round(0)
	at := orNow(doc.Effective, now)
	if entry, err := doc.check(); err != nil {
		return out, &DocumentError{Source: id, Entry: entry, Err: err}
	}
	commands, unchanged, err := doc.commands(dir, d.policy, at)
	if err != nil {
		return out, &DocumentError{Source: id, Err: err}
	}
	out.Unchanged = unchanged
	for _, c := range commands {
		digest, err := c.digest()
		if err != nil {
			return out, err
		}
		// Named by what they change, they are the same when the import is resumed and
		// others have been carried out.
		c.Actor = actor
		c.ID = "import/" + short(fmt.Sprintf("%s %s %s %x", id, c.Subject, c.Action, digest))
		r, err := d.Do(ctx, c)
		if err != nil {
			return out, fmt.Errorf("governance: import %q: %w", id, err)
		}
		if r.Replayed {
			out.Unchanged++
		} else {
			out.Changed++
		}
	}
	return out, nil
}

// commands returns what takes the directory to the document: nodes from the top, then
// people, then accounts.
func (d *Document) commands(dir *Directory, p *Policy, at time.Time) (out []Command, unchanged int, err error) {
	add := func(changed bool, ref Ref, a Action, detail any) {
		if changed {
			out = append(out, Command{Subject: ref, Action: a, Detail: detail})
		} else {
			unchanged++
		}
	}
	levels := p.levels()
	nodes := slices.Clone(d.Nodes)
	slices.SortStableFunc(nodes, func(a, b NodeEntry) int {
		return cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level))
	})
	for _, n := range nodes {
		had := dir.nodes[n.ID]
		place := Place{From: at, Name: n.Name, Parent: n.Parent, Owner: n.Owner, Fields: n.Fields}
		same := false
		if had != nil {
			was := had.At(at)
			was.From = at
			same = was == place && had.Level == n.Level
		}
		add(!same, Ref{Kind: KindNode, ID: n.ID}, "put", NodeDetail{Level: n.Level, Place: place})
	}
	for _, e := range d.People {
		had := dir.people[e.ID]
		ref := Ref{Kind: KindPerson, ID: string(e.ID)}
		roles := slices.Clone(e.Roles)
		for i := range roles {
			if roles[i].From.IsZero() {
				roles[i].From = at
				// One that is in force goes on from when it began.
				if was := had.inForce(roles[i], at); !was.IsZero() {
					roles[i].From = was
				}
			}
			if err := roles[i].check(); err != nil {
				return nil, 0, fmt.Errorf("person %q: %w", e.ID, err)
			}
		}
		same := had != nil && had.Name == e.Name && had.Email == e.Email && had.sameRoles(roles, at)
		switch {
		case !e.Left.IsZero() && had != nil && had.Left.Equal(e.Left):
			add(false, ref, "", nil)
		case !e.Left.IsZero():
			if had == nil || !had.Left.IsZero() {
				add(true, ref, "put", PersonDetail{From: at, Name: e.Name, Email: e.Email, Roles: roles})
			}
			add(true, ref, "leave", LeaveDetail{At: e.Left})
		default:
			add(!same || !had.Left.IsZero(), ref, "put", PersonDetail{From: at, Name: e.Name, Email: e.Email, Roles: roles})
		}
	}
	for _, a := range d.Accounts {
		had := dir.accounts[a.ID]
		term := AccountTerm{From: at, Name: a.Name, Owner: a.Owner, Node: a.Node}
		same := false
		if had != nil {
			was := had.At(at)
			was.From = at
			same = was == term
		}
		add(!same, Ref{Kind: KindAccount, ID: a.ID}, "put", AccountDetail{term})
	}
	return out, unchanged, nil
}

// inForce returns when a role of the person that is in force at an instant began, and
// that ends as want does; zero where there is none.
func (p *Person) inForce(want Assignment, at time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	for _, a := range p.Roles {
		if a.Role == want.Role && a.Node == want.Node && a.holds(at) && a.To.Equal(want.To) {
			return a.From
		}
	}
	return time.Time{}
}

// sameRoles reports whether the roles in force or to come at an instant are those.
func (p *Person) sameRoles(want []Assignment, at time.Time) bool {
	var have []Assignment
	for _, a := range p.Roles {
		if a.To.IsZero() || a.To.After(at) {
			have = append(have, a)
		}
	}
	equal := func(a, b Assignment) bool {
		return a.Role == b.Role && a.Node == b.Node && a.From.Equal(b.From) && a.To.Equal(b.To)
	}
	return len(have) == len(want) && !slices.ContainsFunc(want, func(b Assignment) bool {
		return !slices.ContainsFunc(have, func(a Assignment) bool { return equal(a, b) })
	})
}
