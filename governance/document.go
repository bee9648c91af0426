package governance

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Document is what a file says of the directory, from Effective on. What it does not
// name stays as it is.
type Document struct {
	Version   int       `json:"version"` // 1
	Effective time.Time `json:"effective,omitzero"`

	People   []PersonEntry  `json:"people,omitempty"`
	Nodes    []NodeEntry    `json:"nodes,omitempty"`
	Accounts []AccountEntry `json:"accounts,omitempty"`
}

// A PersonEntry is a person of a document. Roles without a From begin at the
// document's Effective. A person with Left is one who leaves.
type PersonEntry struct {
	ID    PersonID     `json:"id"`
	Name  string       `json:"name,omitempty"`
	Email string       `json:"email,omitempty"`
	Roles []Assignment `json:"roles,omitempty"`
	Left  time.Time    `json:"left,omitzero"`
}

// A NodeEntry is a node of a document.
type NodeEntry struct {
	ID     string   `json:"id"`
	Level  string   `json:"level"`
	Name   string   `json:"name,omitempty"`
	Parent string   `json:"parent,omitempty"`
	Owner  PersonID `json:"owner,omitempty"`
	Fields
}

// An AccountEntry is an account of a document.
type AccountEntry struct {
	ID    string   `json:"id"`
	Name  string   `json:"name,omitempty"`
	Owner PersonID `json:"owner,omitempty"`
	Node  string   `json:"node,omitempty"`
}

// DocumentError says where a document cannot be used. It is ErrDetail.
type DocumentError struct {
	Source string
	Line   int    // 0 when unknown
	Entry  string // such as person "x"; "" when none is meant
	Err    error
}

// Error states the place and the cause.
func (e *DocumentError) Error() string {
	s := "governance: directory " + e.Source
	if e.Line > 0 {
		s += fmt.Sprintf(": line %d", e.Line)
	}
	if e.Entry != "" {
		s += ": " + e.Entry
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns ErrDetail and the cause.
func (e *DocumentError) Unwrap() []error { return []error{ErrDetail, e.Err} }

// maxDocument bounds the bytes of a document.
const maxDocument = 64 << 20

// ParseDocument reads a directory in JSON; name is what errors call it. It is strict:
// unknown and repeated fields, entries that come twice and ids that cannot be ids are
// refused with a *[DocumentError].
func ParseDocument(name string, b []byte) (*Document, error) {
	fail := func(line int, err error) (*Document, error) {
		return nil, &DocumentError{Source: name, Line: line, Err: err}
	}
	if len(b) > maxDocument {
		return fail(0, fmt.Errorf("%d bytes, at most %d", len(b), maxDocument))
	}
	if at, err := repeated(b); err != nil {
		return fail(lineOf(b, at), err)
	}
	var d Document
	if err := strict(b, &d); err != nil {
		at := int64(0)
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			at = syntax.Offset
		case errors.As(err, &typ):
			at = typ.Offset
		}
		return fail(lineOf(b, at), err)
	}
	if d.Version != 1 {
		return fail(0, fmt.Errorf("version %d, want 1", d.Version))
	}
	d.normal()
	if entry, err := d.check(); err != nil {
		return nil, &DocumentError{Source: name, Entry: entry, Err: err}
	}
	return &d, nil
}

func lineOf(b []byte, at int64) int {
	if at <= 0 || at > int64(len(b)) {
		return 0
	}
	return 1 + bytes.Count(b[:at], []byte("\n"))
}

// repeated looks for a field that an object has twice, of which encoding/json would
// silently take the last; case is folded as encoding/json does.
func repeated(b []byte) (int64, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	type level struct {
		object, key bool
		seen        map[string]bool
	}
	var open []level
	for {
		t, err := dec.Token()
		if err != nil {
			return 0, nil // strict says it
		}
		top := len(open) - 1
		if top >= 0 && open[top].object && open[top].key {
			if text, ok := t.(string); ok {
				folded := strings.ToLower(text)
				if open[top].seen[folded] {
					return dec.InputOffset(), fmt.Errorf("field %q comes twice", text)
				}
				open[top].seen[folded] = true
				open[top].key = false
				continue
			}
		}
		switch t {
		case json.Delim('{'):
			open = append(open, level{object: true, key: true, seen: map[string]bool{}})
			continue
		case json.Delim('['):
			open = append(open, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
		if len(open) == 0 {
			return 0, nil
		}
		open[len(open)-1].key = open[len(open)-1].object
	}
}

// The columns of the three tables. The first one is required and tells which it is.
var (
	personColumns  = []string{"person", "name", "email", "role", "node", "from", "to", "left"}
	nodeColumns    = []string{"node", "level", "name", "parent", "owner", "entity", "cost_centre", "ledger_account"}
	accountColumns = []string{"account", "name", "owner", "node"}
)

// ParseDocumentCSV reads one table of a directory: people (a line for each role), nodes or
// accounts, told apart by the first column of the header: person, node or account. The
// other columns are, in any order and as far as needed: name, email, role, node, from,
// to, left; level, name, parent, owner, entity, cost_centre, ledger_account; name,
// owner, node. Errors are those of [ParseDocument].
func ParseDocumentCSV(name string, b []byte) (*Document, error) {
	fail := func(line int, err error) (*Document, error) {
		return nil, &DocumentError{Source: name, Line: line, Err: err}
	}
	if len(b) > maxDocument {
		return fail(0, fmt.Errorf("%d bytes, at most %d", len(b), maxDocument))
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	header, err := r.Read()
	if err != nil {
		return fail(1, fmt.Errorf("header: %w", err))
	}
	var known []string
	for _, k := range [][]string{personColumns, nodeColumns, accountColumns} {
		if header[0] == k[0] {
			known = k
		}
	}
	if known == nil {
		return fail(1, fmt.Errorf("first column %q is none of person, node, account", header[0]))
	}
	for i, h := range header {
		if !slices.Contains(known, h) {
			return fail(1, fmt.Errorf("column %q is none of %q", h, known))
		}
		if slices.Index(header, h) != i {
			return fail(1, fmt.Errorf("column %q comes twice", h))
		}
	}
	d := &Document{Version: 1}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			line := 0
			var syntax *csv.ParseError
			if errors.As(err, &syntax) {
				line, err = syntax.Line, syntax.Err
			}
			return fail(line, err)
		}
		line, _ := r.FieldPos(0)
		cell := func(column string) string {
			if i := slices.Index(header, column); i >= 0 {
				return strings.TrimSpace(cells[i])
			}
			return ""
		}
		if err := d.row(known[0], cell); err != nil {
			return fail(line, err)
		}
	}
	d.normal()
	if entry, err := d.check(); err != nil {
		return nil, &DocumentError{Source: name, Entry: entry, Err: err}
	}
	return d, nil
}

// row adds a line of a table.
func (d *Document) row(table string, cell func(string) string) error {
	switch table {
	case "node":
		d.Nodes = append(d.Nodes, NodeEntry{
			ID: cell("node"), Level: cell("level"), Name: cell("name"), Parent: cell("parent"), Owner: PersonID(cell("owner")),
			Fields: Fields{Entity: cell("entity"), CostCentre: cell("cost_centre"), LedgerAccount: cell("ledger_account")},
		})
		return nil
	case "account":
		d.Accounts = append(d.Accounts, AccountEntry{ID: cell("account"), Name: cell("name"), Owner: PersonID(cell("owner")), Node: cell("node")})
		return nil
	}
	var times [3]time.Time
	for i, column := range []string{"from", "to", "left"} {
		var err error
		if times[i], err = parseDate(cell(column)); err != nil {
			return fmt.Errorf("%s: %w", column, err)
		}
	}
	p := PersonEntry{ID: PersonID(cell("person")), Name: cell("name"), Email: cell("email"), Left: times[2]}
	if role := cell("role"); role != "" {
		p.Roles = []Assignment{{Role: Role(role), Node: cell("node"), From: times[0], To: times[1]}}
	} else if cell("node") != "" || !times[0].IsZero() || !times[1].IsZero() {
		return errors.New("node, from and to are of a role, and there is none")
	}
	i := slices.IndexFunc(d.People, func(o PersonEntry) bool { return o.ID == p.ID })
	if i < 0 {
		d.People = append(d.People, p)
		return nil
	}
	had := &d.People[i]
	for _, pair := range [][2]string{{had.Name, p.Name}, {had.Email, p.Email}} {
		if pair[1] != "" && pair[0] != pair[1] {
			return fmt.Errorf("person %q is %q here and %q above", p.ID, pair[1], pair[0])
		}
	}
	if !p.Left.IsZero() && !p.Left.Equal(had.Left) {
		return fmt.Errorf("person %q has two dates of leaving", p.ID)
	}
	had.Roles = append(had.Roles, p.Roles...)
	return nil
}

// parseDate reads a date, 00:00 UTC, or a time in RFC 3339; blank is zero.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date nor RFC 3339", s)
	}
	return t.UTC(), nil
}

// normal brings times to UTC.
func (d *Document) normal() {
	d.Effective = d.Effective.UTC()
	for i := range d.People {
		p := &d.People[i]
		p.Left = p.Left.UTC()
		for j := range p.Roles {
			p.Roles[j].From, p.Roles[j].To = p.Roles[j].From.UTC(), p.Roles[j].To.UTC()
		}
	}
}

// printable refuses times outside of the years that RFC 3339 can write. A zone can
// bring a time there that was inside.
func printable(times ...time.Time) error {
	for _, t := range times {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return fmt.Errorf("a time in the year %d", y)
		}
	}
	return nil
}

// check returns the first entry that cannot be used.
func (d *Document) check() (entry string, err error) {
	if err := printable(d.Effective); err != nil {
		return "effective", err
	}
	seen := map[string]bool{}
	name := func(what, id string) (string, error) {
		entry := fmt.Sprintf("%s %q", what, id)
		if err := checkID("id", id); err != nil {
			return entry, err
		}
		if seen[entry] {
			return entry, errors.New("comes twice")
		}
		seen[entry] = true
		return entry, nil
	}
	for _, p := range d.People {
		if entry, err = name("person", string(p.ID)); err != nil {
			return entry, err
		}
		if p.ID == System {
			return entry, errors.New("is no person")
		}
		if err := printable(p.Left); err != nil {
			return entry, err
		}
		for _, a := range p.Roles {
			if err := printable(a.From, a.To); err != nil {
				return entry, err
			}
			if a.From.IsZero() {
				a.From = d.Effective.Add(1) // whatever it will be
			}
			if err := a.check(); err != nil {
				return entry, err
			}
		}
	}
	for _, n := range d.Nodes {
		if entry, err = name("node", n.ID); err != nil {
			return entry, err
		}
		if n.Level == "" {
			return entry, errors.New("has no level")
		}
	}
	for _, a := range d.Accounts {
		if entry, err = name("account", a.ID); err != nil {
			return entry, err
		}
		if !isAccount(a.ID) {
			return entry, errors.New("has not twelve digits")
		}
	}
	return "", nil
}
