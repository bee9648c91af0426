package gaps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/cur"
)

// maxClauses bounds a query. Beyond it anchors are left out and the account stands for
// them, which a comment in the query says.
const maxClauses = 100

// query returns the SQL for the rows of a gap: Athena's, over a CUR 2.0 table. Values
// are literals, so that the text can be pasted; every quote in them is doubled.
func (e *evidence) query(b *building) string {
	type anchor struct{ account, principal, resource string }
	types := map[anchor]map[string]bool{}
	var first, last time.Time
	note := func(a anchor, p *part) {
		if types[a] == nil {
			types[a] = map[string]bool{}
		}
		types[a][p.spend.Key.UsageType] = true
	}
	for i := range b.parts {
		p := &b.parts[i]
		k := p.spend.Key
		note(anchor{k.UsageAccount, k.Principal, k.Resource}, p)
		p.each(func(d *day) {
			if t := d.time(); first.IsZero() || t.Before(first) {
				first = t
			}
			if t := d.time(); t.After(last) {
				last = t
			}
		})
	}
	cut := len(types) > maxClauses
	if cut {
		types = map[anchor]map[string]bool{}
		for i := range b.parts {
			note(anchor{account: b.parts[i].spend.Key.UsageAccount}, &b.parts[i])
		}
	}
	anchors := make([]anchor, 0, len(types))
	for a := range types {
		anchors = append(anchors, a)
	}
	slices.SortFunc(anchors, func(x, y anchor) int {
		return cmp.Or(cmp.Compare(x.account, y.account), cmp.Compare(x.principal, y.principal), cmp.Compare(x.resource, y.resource))
	})
	var q strings.Builder
	if cut {
		fmt.Fprintf(&q, "-- more than %d anchors: accounts stand for them\n", maxClauses)
	}
	fmt.Fprintf(&q, "SELECT *\nFROM %s\nWHERE billing_period = %s\n", identifier(e.opts.Table), literal(e.Statement.Delivery.Period.String()))
	if payer := e.Statement.Delivery.Payer; payer != "" {
		fmt.Fprintf(&q, "  AND %s\n", equal(cur.ColPayer, payer))
	}
	fmt.Fprintf(&q, "  AND line_item_usage_start_date >= TIMESTAMP %s\n  AND line_item_usage_start_date < TIMESTAMP %s\n",
		literal(first.Format(time.DateTime)), literal(last.AddDate(0, 0, 1).Format(time.DateTime)))
	q.WriteString("  AND line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription')\n  AND (")
	for i, a := range anchors {
		if i > 0 {
			q.WriteString("\n    OR ")
		}
		q.WriteString("(")
		conditions := []string{equal(cur.ColUsageAccount, a.account)}
		if !cut {
			conditions = append(conditions, principal(a.principal), equal(cur.ColResource, a.resource))
		}
		conditions = append(conditions, in(cur.ColUsageType, sorted(types[a])))
		q.WriteString(strings.Join(conditions, " AND ") + ")")
	}
	q.WriteString(")")
	return q.String()
}

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
