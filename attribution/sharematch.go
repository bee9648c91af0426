package attribution

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spendclaim/spendclaim/cur"
)

// matches reports whether the share gives each row to one part, by what the row
// says, and not each part its portion of the money.
func (s *Share) matches() bool { return s.By == BySession || s.By == ByTag }

// checkMatches refuses parts that a row could match two of, or none.
func (s *Share) checkMatches() error {
	rest, column := 0, ""
	for i, p := range s.Parts {
		if p.Match == "" {
			rest++
			continue
		}
		if slices.ContainsFunc(s.Parts[:i], func(o Part) bool { return o.Match == p.Match }) {
			return fmt.Errorf("two parts match %q", p.Match)
		}
		if !utf8.ValidString(p.Match) || strings.ContainsFunc(p.Match, unicode.IsControl) {
			return fmt.Errorf("match %q holds control characters or broken UTF-8", p.Match)
		}
		if s.By == BySession {
			if name := strings.TrimSuffix(p.Match, "*"); name == "" || strings.ContainsAny(name, "*/:") {
				return fmt.Errorf("match %q is not a session id, nor the beginning of one and a final *", p.Match)
			}
			continue
		}
		c, err := Anchor{Kind: KindTag, Value: p.Match}.tag()
		if err != nil {
			return err
		}
		if column != "" && c.account != column {
			return fmt.Errorf("parts match tags %q and %q: one row may have both", column, c.account)
		}
		column = c.account
	}
	if rest != 1 {
		return fmt.Errorf("%d parts match nothing: one has to, which has what no other part matches", rest)
	}
	if len(s.Parts) == 1 {
		return errors.New("no part matches anything")
	}
	return nil
}

// match returns the workload whose part the rows of a group match.
func (s *Share) match(ix *Index, k *cur.Key) (w WorkloadID) {
	var names []string
	if s.By == BySession {
		names = ix.sessionNames(k)
	}
	longest := -1
	for i := range s.Parts {
		p := &s.Parts[i]
		n := -1
		switch begin, isPrefix := strings.CutSuffix(p.Match, "*"); {
		case p.Match == "":
			n = 0
		case s.By == ByTag:
			column, value, _ := strings.Cut(p.Match, "=")
			if got, _ := k.Column(cur.Column(column)); got == value {
				n = 1
			}
		case !isPrefix && slices.Contains(names, p.Match):
			n = 1 << 30 // a whole name before any beginning
		case isPrefix && slices.ContainsFunc(names, func(s string) bool {
			return strings.HasPrefix(s, begin) && !strings.HasPrefix(s, cur.HashedSession)
		}):
			n = len(begin)
		}
		// Of two sessions in one resource id that match as closely, the first
		// workload's counts: parts are in order.
		if n > longest {
			longest, w = n, p.Workload
		}
	}
	return w
}

// sessionNames lists the sessions of a group, under the names they are claimed by
// and as they are.
func (ix *Index) sessionNames(k *cur.Key) (out []string) {
	if _, name, ok := cur.SplitSession(k.Principal); ok {
		out = append(out, name)
	}
	for _, c := range sessions(nil, k) {
		out = append(out, c.Anchor.Value)
	}
	if len(ix.rules.SessionKey) > 0 {
		for _, name := range out {
			out = append(out, ix.sessionName(name))
		}
	}
	return out
}
