package governance

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the documentation of the transition table, with a diagram for each
// kind, under the policy's labels.
func Markdown(p *Policy) []byte {
	var b bytes.Buffer
	b.WriteString("# Transitions\n\nMade from the transition table of package governance; a test keeps it current.\n\n")
	b.WriteString("Separated parts, which one person never takes in one subject:")
	for i, pair := range Separated() {
		if i > 0 {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " %s and %s", pair[0], pair[1])
	}
	b.WriteString(".\n")
	guards := map[string]string{}
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n```mermaid\n%s```\n\n", k, Mermaid(k, p))
		b.WriteString("| From | Action | Role | To | Guards | Takes | |\n|---|---|---|---|---|---|---|\n")
		for _, row := range merged(rulesOf(k).rows()) {
			t := row.Transition
			var names, notes []string
			for _, g := range t.Guards {
				names = append(names, g.Name)
				guards[g.Name] = g.Says
			}
			if t.Why {
				notes = append(notes, "rationale")
			}
			if t.Tell {
				notes = append(notes, "message")
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", stateName(t.From), t.Action, labels(p, row.roles), t.To,
				strings.Join(names, ", "), t.Takes, strings.Join(notes, ", "))
		}
	}
	b.WriteString("\n## Guards\n\n| Guard | Holds when |\n|---|---|\n")
	names := make([]string, 0, len(guards))
	for n := range guards {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, "| %s | %s |\n", n, guards[n])
	}
	return b.Bytes()
}

// Mermaid returns the diagram of a kind, under the policy's labels; nothing for a
// kind that there is none of.
func Mermaid(k Kind, p *Policy) []byte {
	rules := rulesOf(k)
	if rules == nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("stateDiagram-v2\n")
	for _, row := range merged(rules.rows()) {
		fmt.Fprintf(&b, "    %s --> %s: %s (%s)\n", cmp.Or(string(row.From), "[*]"), row.To, row.Action, labels(p, row.roles))
	}
	for _, s := range rules.final {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	return b.Bytes()
}

// mergedRow is rows that differ in nothing but the role.
type mergedRow struct {
	Transition
	roles []Role
}

func merged(rows []Transition) []mergedRow {
	var out []mergedRow
	for _, t := range rows {
		i := slices.IndexFunc(out, func(m mergedRow) bool {
			return m.From == t.From && m.Action == t.Action && m.To == t.To && m.Takes == t.Takes && m.Why == t.Why && m.Tell == t.Tell &&
				slices.EqualFunc(m.Guards, t.Guards, func(a, b Guard) bool { return a.Name == b.Name })
		})
		if i < 0 {
			i, out = len(out), append(out, mergedRow{Transition: t})
		}
		out[i].roles = append(out[i].roles, t.Role)
	}
	return out
}

func labels(p *Policy, roles []Role) string {
	var out []string
	for _, r := range roles {
		out = append(out, p.Label(r))
	}
	return strings.Join(out, ", ")
}

func stateName(s State) string { return cmp.Or(string(s), "–") }
