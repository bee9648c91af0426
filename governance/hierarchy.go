package governance

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// KindNode is the kind of the hierarchy's nodes, KindAccount that of AWS accounts.
// Their actions: put, close, reopen.
const (
	KindNode    Kind = "node"
	KindAccount Kind = "account"
)

// The states of a node and of an account.
const (
	EntryOpen   State = "open"
	EntryClosed State = "closed"
)

// maxDepth bounds the hierarchy.
const maxDepth = 16

// A Node is a place in the financial hierarchy.
type Node struct {
	Level string `json:"level"`
	// Places are what the node was at which time, ascending by From.
	Places []Place `json:"places"`
	Closed bool    `json:"closed,omitempty"`
}

// A Place is what a node is from an instant on.
type Place struct {
	From   time.Time `json:"from"`
	Name   string    `json:"name,omitempty"`
	Parent string    `json:"parent,omitempty"` // a node of a higher level; "" at the top
	Owner  PersonID  `json:"owner,omitempty"`
	Fields
}

// Fields are what Finance books by. Blank ones are those of the node above.
type Fields struct {
	Entity        string `json:"entity,omitempty"`
	CostCentre    string `json:"cost_centre,omitempty"`
	LedgerAccount string `json:"ledger_account,omitempty"`
}

// or fills what is blank.
func (f Fields) or(o Fields) Fields {
	return Fields{
		Entity:        cmp.Or(f.Entity, o.Entity),
		CostCentre:    cmp.Or(f.CostCentre, o.CostCentre),
		LedgerAccount: cmp.Or(f.LedgerAccount, o.LedgerAccount),
	}
}

// At returns what the node is at an instant; before its first place it is that.
func (n *Node) At(t time.Time) Place {
	return inForce(n.Places, t, func(p Place) time.Time { return p.From })
}

// An Account is an AWS account and who answers for it.
type Account struct {
	Terms  []AccountTerm `json:"terms"` // ascending by From
	Closed bool          `json:"closed,omitempty"`
}

// An AccountTerm is what an account is from an instant on.
type AccountTerm struct {
	From  time.Time `json:"from"`
	Name  string    `json:"name,omitempty"`
	Owner PersonID  `json:"owner,omitempty"`
	Node  string    `json:"node,omitempty"`
}

// At returns what the account is at an instant; before its first term it is that.
func (a *Account) At(t time.Time) AccountTerm {
	return inForce(a.Terms, t, func(p AccountTerm) time.Time { return p.From })
}

// NodeDetail is the detail of put on a node: what it is from From on, by default now.
// An earlier From rewrites what the directory says of the past; what was decided by
// then stays decided.
type NodeDetail struct {
	Level string `json:"level,omitempty"` // required for a new node, and stays
	Place
}

// AccountDetail is the detail of put on an account.
type AccountDetail struct {
	AccountTerm
}

var guardHierarchy = Guard{"hierarchy", "the node's level is one of the policy's, and its parent is there, of a higher level, and not below it", func(r *ruling) error {
	d := r.detail.(*NodeDetail)
	levels := r.Policy.levels()
	level := d.Level
	if n, ok := r.Subject.Body.(*Node); ok && n != nil {
		if level != "" && level != n.Level {
			return fmt.Errorf("level %s stays", n.Level)
		}
		level = n.Level
	}
	at := slices.Index(levels, level)
	if at < 0 {
		return fmt.Errorf("level %q is none of %q", level, levels)
	}
	if d.Parent == "" {
		return nil
	}
	p := r.Related[Ref{Kind: KindNode, ID: d.Parent}]
	if p == nil || p.State != EntryOpen {
		return fmt.Errorf("parent %q is not there", d.Parent)
	}
	if up := p.Body.(*Node).Level; slices.Index(levels, up) >= at {
		return fmt.Errorf("parent %q is at level %s, which is not above %s", d.Parent, up, level)
	}
	return nil
}}

var guardAccountID = Guard{"account_id", "an account's id has twelve digits", func(r *ruling) error {
	if !isAccount(r.cmd.Subject.ID) {
		return fmt.Errorf("%q has not", r.cmd.Subject.ID)
	}
	return nil
}}

func isAccount(s string) bool {
	return len(s) == 12 && !slices.ContainsFunc([]byte(s), func(b byte) bool { return b < '0' || b > '9' })
}

// entryRows are the rows of nodes and accounts alike.
func entryRows(k Kind, put []Guard) []Transition {
	admin := []Role{FinOpsLead, Scheduler}
	return slices.Concat(
		rows(k, []State{None}, "put", admin, EntryOpen, Transition{Guards: put}),
		rows(k, []State{EntryOpen}, "put", admin, EntryOpen, Transition{Guards: put}),
		rows(k, []State{EntryOpen}, "close", admin, EntryClosed, Transition{}),
		rows(k, []State{EntryClosed}, "reopen", admin, EntryOpen, Transition{}),
	)
}

func nodeRules() *kindRules {
	return &kindRules{
		rows: func() []Transition { return entryRows(KindNode, []Guard{guardHierarchy}) },
		body: func() any { return new(Node) },
		detail: func(a Action) any {
			if a == "put" {
				return new(NodeDetail)
			}
			return nil
		},
		needs: func(r *ruling) []Ref {
			if d, ok := r.detail.(*NodeDetail); ok && d.Parent != "" {
				return []Ref{{Kind: KindNode, ID: d.Parent}}
			}
			return nil
		},
		decide: func(r *ruling) error {
			if d, ok := r.detail.(*NodeDetail); ok {
				d.From = orNow(d.From, r.now)
			}
			return nil
		},
		apply: func(s *Subject, e *Event, detail any) error {
			n := s.Body.(*Node)
			n.Closed = e.Action == "close"
			if d, ok := detail.(*NodeDetail); ok {
				n.Level = cmp.Or(n.Level, d.Level)
				n.Places = dated(n.Places, d.Place, func(p Place) time.Time { return p.From })
			}
			return nil
		},
		summary: func(s *Subject) any { return s.Body },
	}
}

func accountRules() *kindRules {
	return &kindRules{
		rows: func() []Transition { return entryRows(KindAccount, []Guard{guardAccountID}) },
		body: func() any { return new(Account) },
		detail: func(a Action) any {
			if a == "put" {
				return new(AccountDetail)
			}
			return nil
		},
		decide: func(r *ruling) error {
			if d, ok := r.detail.(*AccountDetail); ok {
				d.From = orNow(d.From, r.now)
			}
			return nil
		},
		apply: func(s *Subject, e *Event, detail any) error {
			a := s.Body.(*Account)
			a.Closed = e.Action == "close"
			if d, ok := detail.(*AccountDetail); ok {
				a.Terms = dated(a.Terms, d.AccountTerm, func(t AccountTerm) time.Time { return t.From })
			}
			return nil
		},
		summary: func(s *Subject) any { return s.Body },
	}
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t.UTC()
}

// inForce returns the last term that has begun by an instant, or else the first.
func inForce[T any](list []T, at time.Time, from func(T) time.Time) (out T) {
	for i, t := range list {
		if i == 0 || !at.Before(from(t)) {
			out = t
		}
	}
	return out
}

// dated inserts a term into an ascending list, in place of one from the same instant.
func dated[T any](list []T, t T, from func(T) time.Time) []T {
	i, found := slices.BinarySearchFunc(list, from(t), func(x T, at time.Time) int { return from(x).Compare(at) })
	if found {
		list[i] = t
		return list
	}
	return slices.Insert(list, i, t)
}
