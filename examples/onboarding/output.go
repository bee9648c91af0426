package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/governance"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// output is what the program shows; -format json prints it as it stands.
type output struct {
	Schema      int                   `json:"schema"`
	Synthetic   bool                  `json:"synthetic"`
	Onboarded   []onboarded           `json:"onboarded"`
	Found       *governance.Discovery `json:"found"`
	Deny        []string              `json:"deny"`
	Watched     []governance.Watched  `json:"watched"`
	Cards       []shownCard           `json:"cards"`
	RollUps     []cards.RollUp        `json:"rollups"`
	Adjustments []shownAdjustment     `json:"adjustments"`
	Closes      []cards.Close         `json:"closes"`
	Trail       []governance.Event    `json:"trail"`
}

type onboarded struct {
	Workload attribution.WorkloadID `json:"workload"`
	Owner    governance.PersonID    `json:"owner"`
	Node     string                 `json:"node"`
	Claims   int                    `json:"claims"`
	State    governance.State       `json:"state"`
}

type shownCard struct {
	State governance.State `json:"state"`
	governance.CardSummary
}

type shownAdjustment struct {
	State governance.State `json:"state"`
	governance.AdjustmentSummary
}

// writeText prints the story for people.
func writeText(w io.Writer, o *output) error {
	b := bufio.NewWriter(w)
	table := func(rows func(t io.Writer)) {
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		rows(t)
		t.Flush() // into b, whose error is sticky
	}
	fmt.Fprint(b, "Sample months: synthetic data, embedded in this program. People and decisions are invented.\n\nOnboarded: request, approval, build, claim\n")
	table(func(t io.Writer) {
		for _, x := range o.Onboarded {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%d anchors\t%s\n", x.Workload, x.Owner, x.Node, x.Claims, x.State)
		}
	})
	f := o.Found
	fmt.Fprintf(b, "\nFound running without an approved request: %s of %s %s usage\n", f.Unapproved, f.Usage, f.Currency)
	for _, a := range f.Applications {
		fmt.Fprintf(b, "  %s: %s since %s, %s a month at that rate\n", a.ID, a.Spend, a.First.Format(time.DateOnly), a.Monthly)
		for _, x := range a.Anchors {
			fmt.Fprintf(b, "    %s\n", x.Anchor)
		}
		for _, r := range a.Reasons {
			fmt.Fprintf(b, "    - %s\n", r)
		}
	}
	fmt.Fprint(b, "\nRejected: ready to paste\n")
	for _, d := range o.Deny {
		fmt.Fprintf(b, "  %s\n", strings.ReplaceAll(d, "\n", "\n  "))
	}
	for _, x := range o.Watched {
		last := "none"
		if !x.Evidence.LastSpend.IsZero() {
			last = x.Evidence.LastSpend.Format(time.DateOnly)
		}
		fmt.Fprintf(b, "  %s is %s: last spend %s, days complete through %s%s\n", x.Task, x.State, last, x.Evidence.Through.Format(time.DateOnly), prefixed("; ", x.Left))
	}
	fmt.Fprint(b, "\nCards of May, after the second delivery\n")
	table(func(t io.Writer) {
		fmt.Fprint(t, "  week\tof\towner\tstate\tpinned\tdrift\n")
		for _, c := range o.Cards {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", c.Week.From.Format(time.DateOnly), c.Subject.ID, cmp.Or(string(c.Owner), "FinOps Lead"), c.State, c.Cost, c.Drift)
		}
	})
	fmt.Fprint(b, "\nPortfolios, as first approved\n")
	table(func(t io.Writer) {
		for _, u := range o.RollUps {
			fmt.Fprintf(t, "  %s\t%s\t%s %s\tagreed %s\n", u.Week.From.Format(time.DateOnly), u.Portfolio, u.Total, u.Currency, u.Agreed)
			for _, e := range u.Exceptions {
				fmt.Fprintf(t, "  \texcept\t%s\t%s: %s\n", e.Amount, e.Subject.ID, e.Reason)
			}
		}
	})
	fmt.Fprint(b, "\nAdjustments\n")
	for _, a := range o.Adjustments {
		fmt.Fprintf(b, "  %s %s: %s %s, %s, cause %v\n", a.Week.From.Format("2006-01"), a.Subject.ID, a.Amount, a.Currency, a.State, a.Causes)
	}
	fmt.Fprint(b, "\nAudit trail\n")
	table(func(t io.Writer) {
		for _, e := range o.Trail {
			who := string(e.Actor)
			if e.Actor == governance.System && e.For != "" {
				who = "(follows from " + string(e.For) + ")"
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s%s\n", e.At.Format("2006-01-02 15:04"), who, e.Action, e.Subject, e.To, prefixed(": ", e.Rationale))
		}
	})
	return b.Flush()
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
