package attribution

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// The claims file, version 1. The stored form is the same with a recorded_at in
// each claim, compact, in the order of ids.
//
//	{"version": 1,
//	 "claims": [{"id", "anchor": {"kind", "value", "account"?}, "workload", "from", "to"?}],
//	 "workloads": [{"id", "name"?, "owner"?, "portfolio"?}],
//	 "weights": [{"table", "workload", "from", "to"?, "weight"}]}
//
// In place of "workload" a claim may have a share, and weights are numbers or
// texts of numbers:
//
//	"share": {"by": "fixed|even|direct_cost|table|session|tag", "table"?, "parts": [{"workload", "weight"?, "match"?}]}
const claimsVersion = 1

// ParseClaims reads a claims file; name is what errors call it. It is strict: an
// unknown or repeated field, a claim that is not whole and two claims that hold
// one anchor at one time are refused with a *[ClaimError] that names the line.
// Anchors are checked under the default rules.
func ParseClaims(name string, b []byte) (*Claims, error) {
	return parseClaims(name, b, false)
}

// DecodeClaims reads what [Claims.AppendJSON] wrote. Anchors are as good as they
// were under the rules they were checked under.
func DecodeClaims(b []byte) (*Claims, error) { return parseClaims("", b, true) }

// AppendJSON appends the stored form of c to b: the fields of the claims file and
// recorded_at, canonical, so that the same claims are the same bytes.
func (c *Claims) AppendJSON(b []byte) []byte {
	type anchor struct {
		Kind    AnchorKind `json:"kind"`
		Value   string     `json:"value"`
		Account string     `json:"account,omitempty"`
	}
	type part struct {
		Workload WorkloadID `json:"workload"`
		Weight   string     `json:"weight,omitempty"`
		Match    string     `json:"match,omitempty"`
	}
	type share struct {
		By    Basis  `json:"by"`
		Table string `json:"table,omitempty"`
		Parts []part `json:"parts"`
	}
	type claim struct {
		ID         ClaimID    `json:"id"`
		Anchor     anchor     `json:"anchor"`
		Workload   WorkloadID `json:"workload,omitempty"`
		Share      *share     `json:"share,omitempty"`
		From       string     `json:"from"`
		To         string     `json:"to,omitempty"`
		RecordedAt string     `json:"recorded_at,omitempty"`
	}
	type workload struct {
		ID        WorkloadID `json:"id"`
		Name      string     `json:"name,omitempty"`
		Owner     string     `json:"owner,omitempty"`
		Portfolio string     `json:"portfolio,omitempty"`
	}
	type weight struct {
		Table    string     `json:"table"`
		Workload WorkloadID `json:"workload"`
		From     string     `json:"from"`
		To       string     `json:"to,omitempty"`
		Weight   string     `json:"weight"`
	}
	file := struct {
		Version   int        `json:"version"`
		Claims    []claim    `json:"claims"`
		Workloads []workload `json:"workloads,omitempty"`
		Weights   []weight   `json:"weights,omitempty"`
	}{Version: claimsVersion, Claims: []claim{}}
	s := c.sorted()
	for i := range s.Claims {
		cl := &s.Claims[i]
		out := claim{ID: cl.ID, Anchor: anchor(cl.Anchor), From: formatTime(cl.From)}
		switch t := cl.Target.(type) {
		case Whole:
			out.Workload = t.Workload
		case Share:
			out.Share = &share{By: t.By, Table: t.Table, Parts: []part{}}
			for _, p := range t.Parts {
				o := part{Workload: p.Workload, Match: p.Match}
				if t.By == ByWeight {
					o.Weight = p.Weight.String()
				}
				out.Share.Parts = append(out.Share.Parts, o)
			}
		}
		if !cl.To.IsZero() {
			out.To = formatTime(cl.To)
		}
		if !cl.RecordedAt.IsZero() {
			out.RecordedAt = formatTime(cl.RecordedAt)
		}
		file.Claims = append(file.Claims, out)
	}
	for _, w := range s.Workloads {
		file.Workloads = append(file.Workloads, workload(w))
	}
	for _, w := range s.Weights {
		out := weight{Table: w.Table, Workload: w.Workload, From: formatTime(w.From), Weight: w.Value.String()}
		if !w.To.IsZero() {
			out.To = formatTime(w.To)
		}
		file.Weights = append(file.Weights, out)
	}
	// Texts and numbers always encode, and the order of fields is that of the
	// structs above, so the form is canonical.
	text, _ := json.Marshal(file)
	return append(b, text...)
}

// formatTime spells a time as the claims file does: a date where it is one.
func formatTime(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// parseTime reads a date, which means its first instant in UTC, or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a date (2026-05-01) nor a time (2026-05-01T00:00:00Z)", s)
	}
	return t.UTC(), nil
}

func parseClaims(name string, b []byte, stored bool) (*Claims, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	p := &claimsParser{name: name, b: b, stored: stored, dec: json.NewDecoder(bytes.NewReader(b))}
	p.dec.UseNumber()
	if err := p.file(); err != nil {
		return nil, err
	}
	if err := p.out.validate(checks{aliases: DefaultAliases(), stored: stored}); err != nil {
		err.Source = name
		if err.N > 0 {
			err.Line = p.lines[err.N-1]
		}
		return nil, err
	}
	return &p.out, nil
}

// claimsParser reads a claims file token by token: it is stricter than decoding
// into structs (case of names, repeated names) and knows the line of everything.
type claimsParser struct {
	name   string
	b      []byte
	stored bool
	dec    *json.Decoder
	out    Claims
	lines  []int // where each claim begins
	n      int   // the claim being read, from 1; 0: none
	id     ClaimID
}

// fail gives an error its coordinates: those of the token read last.
func (p *claimsParser) fail(format string, args ...any) error {
	return p.at(p.dec.InputOffset(), fmt.Errorf(format, args...))
}

func (p *claimsParser) at(offset int64, err error) error {
	return &ClaimError{Source: p.name, Line: p.line(offset), Claim: p.id, N: p.n, Err: err}
}

func (p *claimsParser) line(offset int64) int {
	offset = min(max(offset, 0), int64(len(p.b)))
	return 1 + bytes.Count(p.b[:offset], []byte("\n"))
}

// next returns where the next token begins: between tokens there is nothing but
// white space, commas and colons.
func (p *claimsParser) next() int64 {
	i := p.dec.InputOffset()
	for i < int64(len(p.b)) && strings.IndexByte(" \t\r\n,:", p.b[i]) >= 0 {
		i++
	}
	return i
}

// token returns the next token.
func (p *claimsParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	var syntax *json.SyntaxError
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return nil, p.at(int64(len(p.b)), errors.New("ends too early"))
	case errors.As(err, &syntax):
		return nil, p.at(p.next(), err)
	case err != nil:
		return nil, p.at(p.dec.InputOffset(), err)
	}
	return t, nil
}

// open reads an opening brace or bracket.
func (p *claimsParser) open(what string, d json.Delim) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != d {
		return p.fail("%s is not %s", what, map[json.Delim]string{'{': "an object", '[': "a list"}[d])
	}
	return nil
}

// object reads an object, handing each name to field, which reads the value. Names
// are compared as they are, and each may occur once: a second "from" that quietly
// replaces the first would move money.
func (p *claimsParser) object(what string, field func(name string) error) error {
	if err := p.open(what, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			return p.fail("field %q is given twice", name)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

// list reads a list, calling item for each of its items.
func (p *claimsParser) list(what string, item func() error) error {
	if err := p.open(what, '['); err != nil {
		return err
	}
	for p.dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

// text reads a text; null counts as none.
func (p *claimsParser) text(name string, to *string) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case string:
		*to = t
	case nil:
	default:
		return p.fail("field %q is not a text", name)
	}
	return nil
}

// time reads a date or a time; given is false for null.
func (p *claimsParser) time(name string, to *time.Time) (given bool, err error) {
	t, err := p.token()
	if err != nil || t == nil {
		return false, err
	}
	s, ok := t.(string)
	if !ok {
		return false, p.fail("field %q is not a text", name)
	}
	if *to, err = parseTime(s); err != nil {
		return false, p.fail("field %q: %w", name, err)
	}
	return true, nil
}

func (p *claimsParser) unknown(name string) error { return p.fail("unknown field %q", name) }

func (p *claimsParser) file() error {
	if !utf8.Valid(p.b) {
		return p.at(0, errors.New("not UTF-8"))
	}
	version := false
	err := p.object("the file", func(name string) error {
		switch name {
		case "version":
			t, err := p.token()
			if err != nil {
				return err
			}
			if n, ok := t.(json.Number); !ok || n.String() != "1" {
				return p.fail("version %v is not known; this program reads version %d", t, claimsVersion)
			}
			version = true
			return nil
		case "claims":
			return p.list("field \"claims\"", p.claim)
		case "workloads":
			return p.list("field \"workloads\"", p.workload)
		case "weights":
			return p.list("field \"weights\"", p.weight)
		}
		return p.unknown(name)
	})
	if err != nil {
		return err
	}
	if !version {
		return p.fail("field \"version\" is missing")
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return p.fail("more follows the end")
	}
	return nil
}

// claim reads a claim as far as its form goes; what it says is checked when all are
// read, for an anchor's other owner may come later.
func (p *claimsParser) claim() error {
	var c Claim
	var id, workload string
	var anchor, from bool
	var share *Share
	p.n, p.id = len(p.out.Claims)+1, ""
	p.lines = append(p.lines, p.line(p.next()))
	err := p.object("a claim", func(name string) (err error) {
		switch name {
		case "id":
			err = p.text(name, &id)
			p.id = ClaimID(id)
			return err
		case "anchor":
			anchor = true
			return p.anchor(&c.Anchor)
		case "workload":
			return p.text(name, &workload)
		case "share":
			share = new(Share)
			return p.share(share)
		case "from":
			from, err = p.time(name, &c.From)
			return err
		case "to":
			_, err = p.time(name, &c.To)
			return err
		case "recorded_at":
			if p.stored {
				_, err = p.time(name, &c.RecordedAt)
				return err
			}
		}
		return p.unknown(name)
	})
	switch {
	case err != nil:
		return err
	case !anchor:
		return p.fail("field \"anchor\" is missing")
	case !from:
		return p.fail("field \"from\" is missing")
	case share != nil && workload != "":
		return p.fail("a claim has a workload or a share, not both")
	}
	c.ID, c.Target = ClaimID(id), Whole{WorkloadID(workload)}
	if share != nil {
		c.Target = *share
	}
	p.out.Claims = append(p.out.Claims, c)
	p.n, p.id = 0, ""
	return nil
}

func (p *claimsParser) anchor(a *Anchor) error {
	return p.object("field \"anchor\"", func(name string) error {
		switch name {
		case "kind":
			return p.text(name, (*string)(&a.Kind))
		case "value":
			return p.text(name, &a.Value)
		case "account":
			return p.text(name, &a.Account)
		}
		return p.unknown(name)
	})
}

func (p *claimsParser) workload() error {
	var w Workload
	err := p.object("a workload", func(name string) error {
		switch name {
		case "id":
			return p.text(name, (*string)(&w.ID))
		case "name":
			return p.text(name, &w.Name)
		case "owner":
			return p.text(name, &w.Owner)
		case "portfolio":
			return p.text(name, &w.Portfolio)
		}
		return p.unknown(name)
	})
	if err != nil {
		return err
	}
	if err := checkID("workload id", string(w.ID)); err != nil {
		return p.fail("%w", err)
	}
	for i := range p.out.Workloads {
		if p.out.Workloads[i].ID == w.ID {
			return p.fail("workload %q is listed twice", w.ID)
		}
	}
	p.out.Workloads = append(p.out.Workloads, w)
	return nil
}
