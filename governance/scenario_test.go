package governance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// A step is one line of a scenario. Lines that begin with space go on with the line
// before; # begins a comment. The forms:
//
//	at TIME                                the clock says so from now on
//	person ID ROLE [NODE]                  somebody of the directory
//	node ID LEVEL                          a node of the hierarchy
//	deliver FOLDER TIME                    books a sample month, and has the cards follow it
//	tick                                   does what time demands
//	as WHO ACTION SUBJECT [because "WHY"] [with JSON] expect STATE
//	as WHO ACTION SUBJECT [because "WHY"] [with JSON] expect error TEXT
//	look SUBJECT expect STATE
//
// A subject is KIND/WORKLOAD/ID or KIND/ID. Of claims, #1 is the first of the workload;
// a card or adjustment of a delivered month is card/WORKLOAD/DAY, a roll-up
// rollup/NODE/DAY, a close close/MONTH.
type step struct {
	line               int
	verb               string
	args               []string
	who, action        string
	subject, why       string
	detail             json.RawMessage
	want, wantError    string
	expects, refusedAs bool
}

// A scriptError is a line that is no step.
type scriptError struct {
	line int
	err  string
}

func (e *scriptError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.err) }

var (
	because = regexp.MustCompile(`^because ("(?:[^"\\]|\\.)*") ?`)
	fields  = map[string][2]int{"at": {1, 1}, "person": {2, 3}, "node": {2, 2}, "deliver": {2, 2}, "tick": {0, 0}, "look": {1, 1}}
)

// parseScript reads a scenario.
func parseScript(text string) ([]step, error) {
	var lines []string
	var numbers []int
	for i, l := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(l) == "" || strings.HasPrefix(l, "#"):
		case l[0] == ' ' || l[0] == '\t':
			if len(lines) == 0 {
				return nil, &scriptError{i + 1, "nothing to go on with"}
			}
			lines[len(lines)-1] += " " + strings.TrimSpace(l)
		default:
			lines, numbers = append(lines, strings.TrimSpace(l)), append(numbers, i+1)
		}
	}
	var out []step
	for i, l := range lines {
		s, err := parseStep(l)
		if err != nil {
			return nil, &scriptError{numbers[i], err.Error()}
		}
		s.line = numbers[i]
		out = append(out, s)
	}
	return out, nil
}

func parseStep(l string) (s step, err error) {
	if i := strings.LastIndex(l, " expect "); i >= 0 {
		s.expects, s.want = true, strings.TrimSpace(l[i+len(" expect "):])
		l = l[:i]
		if rest, ok := strings.CutPrefix(s.want, "error "); ok {
			s.refusedAs, s.want, s.wantError = true, "", rest
		}
	}
	s.verb, l, _ = strings.Cut(l, " ")
	if s.verb == "as" {
		words := strings.SplitN(l, " ", 4)
		if len(words) < 3 || slices.Contains(words[:min(3, len(words))], "") || !s.expects || s.want == "" && s.wantError == "" {
			return s, errors.New("as WHO ACTION SUBJECT expect STATE")
		}
		s.who, s.action, s.subject = words[0], words[1], words[2]
		rest := ""
		if len(words) == 4 {
			rest = words[3]
		}
		if m := because.FindStringSubmatch(rest + " "); m != nil {
			if s.why, err = strconv.Unquote(m[1]); err != nil {
				return s, fmt.Errorf("because %s: %w", m[1], err)
			}
			rest = strings.TrimPrefix(rest+" ", m[0])
		}
		rest = strings.TrimSpace(rest)
		if detail, ok := strings.CutPrefix(rest, "with "); ok {
			if s.detail = json.RawMessage(detail); !json.Valid(s.detail) {
				return s, fmt.Errorf("with %s: no JSON", detail)
			}
			rest = ""
		}
		if rest != "" {
			return s, fmt.Errorf("%q is neither because nor with", rest)
		}
		return s, nil
	}
	n, ok := fields[s.verb]
	s.args = strings.Fields(l)
	switch {
	case !ok:
		return s, fmt.Errorf("no verb %q", s.verb)
	case len(s.args) < n[0] || len(s.args) > n[1]:
		return s, fmt.Errorf("%s takes %d to %d words", s.verb, n[0], n[1])
	case s.expects != (s.verb == "look") || s.refusedAs || s.expects && s.want == "":
		return s, fmt.Errorf("%s expects nothing, but look a state", s.verb)
	}
	return s, nil
}

// stage is what a scenario is played on.
type stage struct {
	*books
	book ledger.Generation
}

func (g *stage) ref(text string) (Ref, error) {
	parts := strings.SplitN(text, "/", 3)
	kind := Kind(parts[0])
	last := parts[len(parts)-1]
	payer := g.book.Delivery.Payer
	switch {
	case len(parts) == 2 && kind == KindWorkload:
		return workload(last), nil
	case len(parts) == 2 && kind == KindClose:
		return Ref{Kind: kind, ID: payer + "/" + last}, nil
	case len(parts) == 2:
		return Ref{Kind: kind, ID: last}, nil
	case len(parts) != 3:
		return Ref{}, fmt.Errorf("%q is no subject", text)
	case kind == KindCard || kind == KindAdjustment || kind == KindRollUp:
		day, err := time.Parse(time.DateOnly, last)
		k := cards.Key{Subject: cards.Of(attribution.WorkloadID(parts[1])), Payer: payer, Currency: "USD"}
		k.Week.From = day
		switch kind {
		case KindAdjustment:
			return AdjustmentRef(k), err
		case KindRollUp:
			return RollUpRef(parts[1], payer, day), err
		}
		return CardRef(k), err
	case kind == KindClaim && strings.HasPrefix(last, "#"):
		n, err := strconv.Atoi(last[1:])
		for s, err := range g.desk.In(g.t.Context(), workload(parts[1]), KindClaim) {
			if err != nil {
				return Ref{}, err
			}
			if n--; n == 0 {
				return s.Ref, nil
			}
		}
		return Ref{}, errors.Join(err, fmt.Errorf("no claim %s", text))
	}
	return Ref{Kind: kind, Workload: workloadID(parts[1]), ID: last}, nil
}

func (g *stage) play(s *step) error {
	switch s.verb {
	case "at":
		t, err := time.Parse(time.RFC3339, s.args[0])
		g.now = t
		return err
	case "person", "node":
		detail := any(PersonDetail{Roles: []Assignment{{Role: Role(s.args[1]), From: noon.AddDate(-1, 0, 0)}}})
		if len(s.args) == 3 {
			detail.(PersonDetail).Roles[0].Node = s.args[2]
		}
		if s.verb == "node" {
			detail = NodeDetail{Level: s.args[1], Place: Place{From: noon.AddDate(-1, 0, 0), Name: s.args[0]}}
		}
		g.must(Command{Actor: System, Subject: Ref{Kind: Kind(s.verb), ID: s.args[0]}, Action: "put", Detail: detail})
		return nil
	case "deliver":
		g.book = g.deliver(s.args[0], s.args[1])
		g.follow(g.book)
		return nil
	case "tick":
		_, err := g.desk.Tick(g.t.Context())
		return err
	}
	subject := s.subject
	if s.verb == "look" {
		subject = s.args[0]
	}
	ref, err := g.ref(subject)
	if err != nil {
		return err
	}
	if s.verb == "look" {
		if got := g.subject(ref).State; string(got) != s.want {
			return fmt.Errorf("%s is %s, want %s", ref, got, s.want)
		}
		return nil
	}
	g.n++
	c := Command{ID: fmt.Sprintf("s%d", g.n), Actor: PersonID(s.who), Subject: ref, Action: Action(s.action), Rationale: s.why}
	if s.detail != nil {
		c.Detail = s.detail
	}
	r, err := g.give(c)
	switch {
	case s.refusedAs && (err == nil || !strings.Contains(err.Error(), s.wantError)):
		return fmt.Errorf("%s, %v, want an error with %q", r.Subject.State, err, s.wantError)
	case s.refusedAs:
		return nil
	case err != nil:
		return err
	case string(r.Subject.State) != s.want:
		return fmt.Errorf("%s is %s, want %s", ref, r.Subject.State, s.want)
	}
	return nil
}

// give gives a command to the desk, by the way that its kind takes.
func (g *stage) give(c Command) (Result, error) {
	switch {
	case c.Subject.Kind == KindRollUp:
		parts := strings.SplitN(c.Subject.ID, "/", 3)
		week, err := time.Parse(time.DateOnly, parts[1])
		if err != nil {
			return Result{}, err
		}
		return g.desk.ApproveRollUp(g.t.Context(), c, RollUpOf{Node: parts[2], Payer: parts[0], Week: week})
	case c.Subject.Kind == KindClose && c.Action == "close":
		payer, text, _ := strings.Cut(c.Subject.ID, "/")
		month, err := cur.ParseMonth(text)
		if err != nil {
			return Result{}, err
		}
		return g.desk.CloseMonth(g.t.Context(), g.ledger, payer, month, c)
	}
	return g.desk.Do(g.t.Context(), c)
}

// TestScenarios plays testdata/*.txt, which are documentation as well.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			g := &stage{books: sampleBooks(t)}
			for i := range steps {
				if err := g.play(&steps[i]); err != nil {
					t.Fatalf("%s:%d: %v", f, steps[i].line, err)
				}
			}
		})
	}
}

func TestScriptsThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		" at noon":                       "line 1: nothing to go on with",
		"# so\n\nsing loudly":            `line 3: no verb "sing"`,
		"as becki submit":                "line 1: as WHO ACTION SUBJECT expect STATE",
		"as becki submit request/bot/1":  "line 1: as WHO ACTION SUBJECT expect STATE",
		"as a b c with {] expect d":      "line 1: with {]: no JSON",
		"as a b c so expect d":           `line 1: "so" is neither because nor with`,
		"at":                             "line 1: at takes 1 to 1 words",
		"tick expect 1":                  "line 1: tick expects nothing, but look a state",
		"look workload/bot":              "line 1: look expects nothing, but look a state",
		`as a b c because "\q" expect d`: `line 1: because "\q": invalid syntax`,
	} {
		if _, err := parseScript(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzScript: whatever is read is a step that can be played or an error with its line.
func FuzzScript(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`as a b c because "x \" y" with {"a":" expect "} expect error no`)
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parseScript(text)
		var at *scriptError
		if err != nil && (!errors.As(err, &at) || at.line < 1 || at.line > strings.Count(text, "\n")+1) {
			t.Fatalf("%v names no line", err)
		}
		for _, s := range steps {
			if s.verb == "as" && (s.who == "" || s.action == "" || s.subject == "" || s.want == "" && s.wantError == "" || s.detail != nil && !json.Valid(s.detail)) {
				t.Fatalf("%+v", s)
			}
		}
	})
}
