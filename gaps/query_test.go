package gaps_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// sql evaluates the conditions that queries are made of over rows: AND, OR and
// parentheses over comparisons of a column with literals. What it does not know fails
// the test, so that a query which Athena would read in another way is noticed.
type sql struct {
	t     testing.TB
	text  string
	value func(column string) string
}

func (q *sql) fail(what string) {
	q.t.Helper()
	q.t.Fatalf("%s at %.60q", what, q.text)
}

func (q *sql) space() { q.text = strings.TrimLeft(q.text, " \n") }

func (q *sql) take(s string) bool {
	q.space()
	rest, ok := strings.CutPrefix(q.text, s)
	if ok {
		q.text = rest
	}
	return ok
}

func (q *sql) want(s string) {
	q.t.Helper()
	if !q.take(s) {
		q.fail("want " + s)
	}
}

func (q *sql) or() bool {
	v := q.and()
	for q.take("OR ") {
		w := q.and()
		v = v || w
	}
	return v
}

func (q *sql) and() bool {
	v := q.one()
	for q.take("AND ") {
		w := q.one()
		v = v && w
	}
	return v
}

func (q *sql) one() bool {
	if q.take("(") {
		v := q.or()
		q.want(")")
		return v
	}
	left := q.operand()
	switch {
	case q.take("="):
		return left == q.literal()
	case q.take("BETWEEN"):
		low := q.literal()
		q.want("AND")
		high := q.literal()
		return low <= left && left <= high
	case q.take("LIKE"):
		pattern := q.literal()
		q.want(`ESCAPE '\'`)
		prefix, ok := strings.CutSuffix(pattern, "%")
		if !ok {
			q.fail("a pattern without %")
		}
		return strings.HasPrefix(left, strings.NewReplacer(`\_`, "_", `\%`, "%", `\\`, `\`).Replace(prefix))
	case q.take("IN ("):
		found := q.literal() == left
		for q.take(",") {
			found = q.literal() == left || found
		}
		q.want(")")
		return found
	}
	q.fail("no comparison")
	return false
}

func (q *sql) operand() string {
	switch {
	case q.take("coalesce("):
		v := q.column()
		q.want(", '')")
		return v
	case q.take("date("):
		v := q.column()
		q.want(")")
		return v[:len(time.DateOnly)]
	}
	return q.column()
}

func (q *sql) column() string {
	n := strings.IndexFunc(q.text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	name := q.text[:n]
	q.text = q.text[n:]
	return q.value(name)
}

func (q *sql) literal() string {
	q.take("DATE ")
	q.want("'")
	var b strings.Builder
	for {
		i := strings.IndexByte(q.text, '\'')
		if i < 0 {
			q.fail("an open literal")
		}
		b.WriteString(q.text[:i])
		if q.text = q.text[i+1:]; !strings.HasPrefix(q.text, "'") {
			return b.String()
		}
		b.WriteByte('\'')
		q.text = q.text[1:]
	}
}

// queried sums the rows that a query returns.
func queried(t testing.TB, query string, rows []*cur.LineItem) (sum decimal.Decimal) {
	t.Helper()
	_, where, ok := strings.Cut(query, "\nWHERE ")
	if !ok || !strings.HasPrefix(query, "SELECT *\nFROM \"cur2\"") {
		t.Fatalf("query %q", query)
	}
	for _, li := range rows {
		q := &sql{t, where, func(column string) string {
			switch column {
			case "billing_period":
				return li.BillingPeriod.String()
			case "line_item_usage_start_date":
				return li.UsageStart.Format(time.DateTime)
			case "bill_payer_account_id":
				return li.Payer
			case "line_item_line_item_type":
				return li.LineItemType
			case "line_item_usage_account_id":
				return li.UsageAccount
			case "line_item_iam_principal":
				return li.Principal
			case "line_item_resource_id":
				return li.Resource
			case "line_item_usage_type":
				return li.UsageType
			}
			t.Fatalf("column %q", column)
			return ""
		}}
		match := q.or()
		if q.space(); q.text != "" {
			q.fail("the end")
		}
		if match {
			cost, _ := li.UnblendedCost()
			sum = sum.Add(cost)
		}
	}
	return sum
}

func TestQueriesReturnTheRowsOfTheirGaps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := plant(rt)
		for _, g := range w.detect(t).Gaps {
			if g.Kind == gaps.DeadClaim {
				if g.Evidence.Query != "" {
					rt.Errorf("a dead claim has rows: %s", g.Evidence.Query)
				}
				continue
			}
			if got := queried(t, g.Evidence.Query, w.rows); !got.Equal(g.Evidence.Spend) {
				rt.Errorf("%s: rows of %s, want %s\n%s", label(&g), got, g.Evidence.Spend, g.Evidence.Query)
			}
		}
	})
}

// Names come from reports and claims; none may end a literal.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"plain", "it's", `a\b%c_d`, "';--", "''", "\x00\n\x1b[2J", "ä\u2028", `\+000041`} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, resource, principal, usageType string) {
		clean := func(s string) string { return strings.ToValidUTF8(s, "?") }
		rows := []*cur.LineItem{row("2026-05-04", "7", func(li *cur.LineItem) {
			li.Resource, li.Principal, li.UsageType = clean(resource), clean("arn:aws:sts::1:assumed-role/"+principal+"/s"), clean(usageType)
		}), row("2026-05-04", "1", func(li *cur.LineItem) { li.Resource = "another" })}
		s := scene{rows: rows, detectors: only(gaps.UnclaimedRuntime)}
		for _, g := range s.detect(t).Gaps {
			q := g.Evidence.Query
			if i := strings.IndexFunc(q, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0x2028 }); i >= 0 {
				t.Errorf("a control character in %q", q)
			}
			if strings.Contains(q, "U&'") {
				continue // which the evaluator does not read
			}
			if got := queried(t, q, rows); !got.Equal(g.Evidence.Spend) {
				t.Errorf("rows of %s, want %s: %s", got, g.Evidence.Spend, q)
			}
		}
	})
}

func TestQueriesOfManyAnchorsNameAccounts(t *testing.T) {
	var s scene
	for i := range 101 {
		id := arn(fmt.Sprintf("runtime/r%03d-Aa1Bb2Cc3D", i))
		s.rows = append(s.rows, row("2026-05-04", "1", func(li *cur.LineItem) { li.Resource = id }))
		s.claim(fmt.Sprint(i), attribution.KindResource, id, "", "w")
	}
	s.options.Table = `athena."my cur`
	g := s.detect(t).Gaps[0]
	want := `-- more than 100 anchors: accounts stand for them
SELECT *
FROM "athena"."""my cur"
WHERE billing_period = '2026-05'
  AND bill_payer_account_id = '999999999999'
  AND line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription')
  AND date(line_item_usage_start_date) BETWEEN DATE '2026-05-04' AND DATE '2026-05-04'
  AND ((line_item_usage_account_id = '111122223333' AND line_item_usage_type = 'USE1-Runtime:Consumption-based:vCPU'))`
	if g.Kind != gaps.OwnerMissing || g.Evidence.Query != want {
		t.Errorf("%s:\n%s\nwant\n%s", g.Kind, g.Evidence.Query, want)
	}
}
