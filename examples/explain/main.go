// Explain says why money has the owner it has: the steps that led there, the
// claim that won, those it overrode, and the claims that nearly held.
//
//	go run ./examples/explain -cur REPORT -claims FILE -anchor "resource arn:aws:…"
//	go run ./examples/explain -cur REPORT -claims FILE -line ID [-interval START/END]
//
// An anchor is written as in a claims file, its kind first; what it covers in the
// delivery is explained, all of it. A line is one row of the delivery, named by
// its line item id, which AWS keeps unique within a time interval only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	cur, claims    string
	anchor         attribution.Anchor
	line, interval string
}

var errFlags = errors.New("wrong flags")

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.cur, "cur", "", "`PATH` of a cost and usage report: a file, a manifest, or a folder with one manifest")
	fs.StringVar(&o.claims, "claims", "", "`FILE` of claims (JSON)")
	anchor := fs.String("anchor", "", "`\"KIND VALUE\"` of an anchor, as in a claims file")
	account := fs.String("account", "", "`ID` of the usage account, for an anchor that names none")
	fs.StringVar(&o.line, "line", "", "`ID` of a line item")
	fs.StringVar(&o.interval, "interval", "", "`START/END`, the line item's time interval as the report prints it")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	kind, value, _ := strings.Cut(*anchor, " ")
	o.anchor = attribution.Anchor{Kind: attribution.AnchorKind(kind), Value: value, Account: *account}
	problem := ""
	switch {
	case fs.NArg() > 0:
		problem = fmt.Sprintf("unexpected argument %q", fs.Arg(0))
	case o.cur == "" || o.claims == "":
		problem = "give a report with -cur and claims with -claims"
	case (*anchor == "") == (o.line == ""):
		problem = "give either -anchor or -line"
	case *anchor != "" && value == "":
		problem = fmt.Sprintf("-anchor %q: want a kind and a value, such as \"role support-bot\"", *anchor)
	case o.line == "" && o.interval != "":
		problem = "-interval goes with -line"
	}
	if problem != "" {
		fmt.Fprintf(stderr, "explain: %s\n", problem)
		fs.Usage()
		return nil, errFlags
	}
	return o, nil
}

// run is the program; it returns the exit status: 0, 1 for bad input, 2 for a
// wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := o.explain(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "explain: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

func (o *options) explain(ctx context.Context, w io.Writer) error {
	text, err := os.ReadFile(o.claims)
	if err != nil {
		return err
	}
	claims, err := attribution.ParseClaims(o.claims, text)
	if err != nil {
		return err
	}
	sets, err := cur.Locate(ctx, cur.Local(), o.cur)
	if err != nil {
		return err
	}
	rollup := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(claims, nil)}
	// What a session has can only be seen where sessions are kept.
	rollup.Sessions = o.anchor.Kind == attribution.KindSession
	index, err := attribution.NewIndex(claims, nil, rollup.Spec())
	if err != nil {
		return err
	}
	found := false
	for _, set := range sets {
		rolled, err := attribution.RollUp(ctx, &rollup, set, claims, nil)
		if err != nil {
			return err
		}
		if o.line != "" {
			ok, err := o.lines(ctx, w, set, rollup.Spec(), rolled, index)
			if err != nil {
				return err
			}
			found = found || ok
			continue
		}
		for _, r := range rolled {
			ok, err := o.anchors(ctx, w, r, index)
			if err != nil {
				return err
			}
			found = found || ok
		}
	}
	switch {
	case found:
		return nil
	case o.line != "":
		return fmt.Errorf("no row of %s has line item id %q%s", o.cur, o.line, during(o.interval))
	}
	return fmt.Errorf("no row in scope of %s has the anchor %s", o.cur, o.anchor)
}

func during(interval string) string {
	if interval == "" {
		return ""
	}
	return " and time interval " + interval
}

// anchors explains what an anchor covers in a delivery.
func (o *options) anchors(ctx context.Context, w io.Writer, r cur.Rolled, index *attribution.Index) (found bool, err error) {
	statements, err := attribution.Attribute(ctx, r.Partial, index, &attribution.Options{Delivery: r.Delivery, Sessions: r.Sessions})
	if err != nil {
		return false, err
	}
	for _, s := range statements {
		list, err := s.Explain(o.anchor)
		if err != nil {
			return false, err
		}
		for _, e := range list {
			found = true
			p := &printer{w: w}
			p.printf("%s, %s: %d rows, %s to %s, %s %s\n", s.Delivery.Period, e.Kind, e.Rows,
				e.FirstSeen.Format("2006-01-02"), e.LastSeen.Format("2006-01-02"), e.Unblended, s.Currency)
			p.assignment(&e.Assignment, e.Steps, e.NearMisses)
			if p.err != nil {
				return true, p.err
			}
		}
	}
	return found, nil
}

// The columns that name a row.
const (
	columnID       cur.Column = "identity_line_item_id"
	columnInterval cur.Column = "identity_time_interval"
)

// lines explains the rows of a delivery that have the id.
func (o *options) lines(ctx context.Context, w io.Writer, set *cur.Set, spec cur.Spec, rolled []cur.Rolled, index *attribution.Index) (found bool, err error) {
	// What the report has no column for is told from what is blank.
	if len(rolled) > 0 {
		index = index.For(rolled[0].Partial)
	}
	names := map[string]bool{}
	for _, r := range rolled {
		for _, object := range r.Partial.Objects() {
			names[object.Name] = true
		}
	}
	for _, info := range set.Files() {
		if !names[info.Name] {
			continue // the manifest
		}
		ok, err := o.file(ctx, w, info.Name, spec, index)
		if err != nil {
			return found, err
		}
		found = found || ok
	}
	return found, nil
}

// file explains the rows of a file that have the id.
func (o *options) file(ctx context.Context, w io.Writer, name string, spec cur.Spec, index *attribution.Index) (found bool, err error) {
	f, err := cur.Local().Open(ctx, name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r, err := cur.NewReader(ctx, f, nil)
	if err != nil {
		return false, err
	}
	defer r.Close()
	for li, err := range r.All() {
		if err != nil {
			return found, err
		}
		id, ok := li.Column(columnID)
		if !ok {
			return found, fmt.Errorf("%s has no column %q: explain an anchor instead", name, columnID)
		}
		interval, _ := li.Column(columnInterval)
		if id != o.line || o.interval != "" && interval != o.interval {
			continue
		}
		found = true
		values := make([]string, len(spec.Columns))
		for i, c := range spec.Columns {
			values[i], _ = li.Column(c)
		}
		k := cur.KeyOf(li, cur.Day).WithColumns(spec.Columns, values)
		k.Principal = li.Principal // a row has a session, which may be somebody's
		cost, _ := li.UnblendedCost()
		p := &printer{w: w}
		p.printf("line %s, %s, %s %s: %s %s\n", id, interval, li.LineItemType, li.UsageType, cost, li.Currency)
		a := index.Assign(k)
		p.assignment(&a, index.Explain(k), index.NearMisses(k))
		if p.err != nil {
			return true, p.err
		}
	}
	return found, nil
}

// printer prints until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) assignment(a *attribution.Assignment, steps []attribution.Step, near []attribution.NearMiss) {
	for _, s := range steps {
		p.printf("  %-10s %s", s.Link, s.Verdict)
		switch {
		case s.Product != "":
			p.printf(": %s, %s", s.Product, a.Component)
		case s.Claim != nil:
			p.printf(": claim %s on %s", s.Claim.ID, s.Claim.Anchor)
		case s.Anchor.Value != "":
			p.printf(": %s", s.Anchor)
		}
		if !s.Cut.IsZero() {
			p.printf("; a boundary inside the bucket counts from %s on", s.Cut.Format("2006-01-02T15:04Z"))
		}
		p.printf("\n")
	}
	p.printf("  => %s", a.Outcome)
	switch {
	case a.Workload != "":
		p.printf(": %s, by claim %s", a.Workload, a.Claim.ID)
	case a.Claim != nil:
		p.printf(", by claim %s", a.Claim.ID)
		if s, ok := a.Claim.Target.(attribution.Share); ok {
			p.printf(", split (%s) between", s.By)
			for _, part := range s.Parts {
				p.printf(" %s", part.Workload)
			}
		}
	case a.Reason != "":
		p.printf(" (%s)", a.Reason)
	}
	for i, c := range a.Overridden {
		p.printf("%s %s", []string{"; overridden:", ","}[min(i, 1)], c.ID)
	}
	p.printf("\n")
	for _, m := range near {
		p.printf("  near miss: claim %s on %s: %s\n", m.Claim.ID, m.Claim.Anchor, m.Why)
	}
}
