package gaps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// maxClauses bounds a query. Beyond it anchors are left out and the account stands for
// them, which a comment in the query says.
const maxClauses = 100

// clause is what some rows of a gap have in common, but for their usage types.
type clause struct{ account, principal, resource, days string }

// query returns the SQL for the rows of a gap: Athena's, over a CUR 2.0 table. Values
// are literals, so that the text can be pasted; every quote in them is doubled. What
// tells rows apart beyond account, caller, resource, usage type and day (a tag that
// somebody claims, a session of a role) is not in it.
func (e *evidence) query(b *building) string {
	clauses := e.clauses(b, func(p *part) clause {
		k := p.spend.Key
		return clause{k.UsageAccount, k.Principal, k.Resource, p.dates()}
	})
	cut := len(clauses) > maxClauses
	if cut {
		clauses = e.clauses(b, func(p *part) clause { return clause{account: p.spend.Key.UsageAccount, days: b.dates()} })
	}
	order := slices.SortedFunc(maps.Keys(clauses), func(x, y clause) int {
		return cmp.Or(cmp.Compare(x.account, y.account), cmp.Compare(x.principal, y.principal), cmp.Compare(x.resource, y.resource), cmp.Compare(x.days, y.days))
	})
	var q strings.Builder
	if cut {
		fmt.Fprintf(&q, "-- more than %d anchors: accounts stand for them\n", maxClauses)
	}
	fmt.Fprintf(&q, "SELECT *\nFROM %s\nWHERE billing_period = %s\n", identifier(e.opts.Table), literal(e.Statement.Delivery.Period.String()))
	if payer := e.Statement.Delivery.Payer; payer != "" {
		fmt.Fprintf(&q, "  AND %s\n", equal(cur.ColPayer, payer))
	}
	q.WriteString("  AND line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription')\n")
	// Days that all rows have in common are said once.
	same := !slices.ContainsFunc(order, func(c clause) bool { return c.days != order[0].days })
	if same {
		fmt.Fprintf(&q, "  AND %s\n", order[0].days)
	}
	q.WriteString("  AND (")
	for i, c := range order {
		if i > 0 {
			q.WriteString("\n    OR ")
		}
		conditions := []string{equal(cur.ColUsageAccount, c.account)}
		if !cut {
			conditions = append(conditions, principal(c.principal), equal(cur.ColResource, c.resource))
		}
		conditions = append(conditions, in(cur.ColUsageType, sorted(clauses[c])))
		if !same {
			conditions = append(conditions, c.days)
		}
		q.WriteString("(" + strings.Join(conditions, " AND ") + ")")
	}
	q.WriteString(")")
	return q.String()
}

// clauses collects the usage types of the rows that have a clause in common.
func (e *evidence) clauses(b *building, of func(*part) clause) map[clause]map[string]bool {
	out := map[clause]map[string]bool{}
	for i := range b.parts {
		c := of(&b.parts[i])
		if out[c] == nil {
			out[c] = map[string]bool{}
		}
		out[c][b.parts[i].spend.Key.UsageType] = true
	}
	return out
}

// dates is the condition on the days of a part.
func (p *part) dates() string {
	days := map[int64]bool{}
	p.each(func(d *day) { days[d.at] = true })
	return dates(days)
}

// dates is the condition on the days of all parts.
func (b *building) dates() string {
	days := map[int64]bool{}
	for i := range b.parts {
		b.parts[i].each(func(d *day) { days[d.at] = true })
	}
	return dates(days)
}

// dates is a condition on the day of a row: a range where the days have no hole.
func dates(set map[int64]bool) string {
	days := slices.Sorted(maps.Keys(set))
	if len(days) == 0 {
		return "false"
	}
	day := func(at int64) string { return "DATE '" + time.Unix(at, 0).UTC().Format(time.DateOnly) + "'" }
	column := fmt.Sprintf("date(%s)", columnUsageStart)
	first, last := days[0], days[len(days)-1]
	if last-first == int64(len(days)-1)*secondsPerDay {
		return fmt.Sprintf("%s BETWEEN %s AND %s", column, day(first), day(last))
	}
	texts := make([]string, len(days))
	for i, at := range days {
		texts[i] = day(at)
	}
	return fmt.Sprintf("%s IN (%s)", column, strings.Join(texts, ", "))
}

const columnUsageStart cur.Column = "line_item_usage_start_date"

// equal compares a column; a blank is null or an empty text.
func equal(c cur.Column, value string) string {
	if value == "" {
		return fmt.Sprintf("coalesce(%s, '') = ''", c)
	}
	return fmt.Sprintf("%s = %s", c, literal(value))
}

func in(c cur.Column, values []string) string {
	if len(values) == 1 {
		return equal(c, values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = literal(v)
	}
	return fmt.Sprintf("coalesce(%s, '') IN (%s)", c, strings.Join(quoted, ", "))
}

// principal compares the caller, whose session the stored groups no longer have.
func principal(value string) string {
	if !strings.Contains(value, ":assumed-role/") {
		return equal(cur.ColPrincipal, value)
	}
	pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(value) + "/%"
	return fmt.Sprintf(`(%s OR %s LIKE %s ESCAPE '\')`, equal(cur.ColPrincipal, value), cur.ColPrincipal, literal(pattern))
}

// literal writes a text as a literal of SQL. A control character would let a
// value reach a terminal or another line; it is written by its number.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if !strings.ContainsFunc(s, unprintable) {
		return quoted
	}
	var b strings.Builder
	b.WriteString("U&'")
	for _, r := range s {
		switch {
		case r == '\'':
			b.WriteString("''")
		case r == '\\':
			b.WriteString(`\\`)
		case unprintable(r):
			fmt.Fprintf(&b, `\+%06X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + "'"
}

func unprintable(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029
}

// identifier writes the name of a table, dots between its parts.
func identifier(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}
