// Gaps shows what spends without an owner, an approval or an estimate, and what to do
// about it.
//
//	go run ./examples/gaps                              # the embedded, synthetic sample months
//	go run ./examples/gaps -db gaps.db                  # the same, kept in a file
//	go run ./examples/gaps -db gaps.db -assign GAP -to WORKLOAD -as PERSON -because TEXT
//	go run ./examples/gaps -db gaps.db                  # once more: the gap is closed
//	go run ./examples/gaps -cur REPORT -claims FILE     # your own report
//
// Approvals and estimates are governance's to know; without it their kinds are silent,
// which the output says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/gaps"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return fmt.Sprint(*l) }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// options are the flags.
type options struct {
	cur      list
	claims   string
	db       string
	format   string
	lead     string
	people   map[string]string // account to owner
	limit    decimal.NullDecimal
	restated bool
	all      bool

	assign         gaps.ID
	to             attribution.WorkloadID
	actor, because string
}

const usage = `Usage: gaps [-cur PATH]... [-claims FILE] [-db FILE] [-format text|json] [-limit AMOUNT] [-account-owner ID=NAME]... [-lead NAME] [-all]
       gaps -db FILE -assign GAP -to WORKLOAD -as PERSON -because TEXT

Without -cur it shows the embedded sample months, which are synthetic. Without -db
everything is kept in a temporary file, which is removed.

`

// errFlags marks a wrong command line, which flag has already reported.
var errFlags = errors.New("wrong flags")

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{people: map[string]string{}}
	fs := flag.NewFlagSet("gaps", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprint(stderr, usage); fs.PrintDefaults() }
	fs.Var(&o.cur, "cur", "`PATH` of a cost and usage report: a file, a manifest, or a folder with one manifest; repeatable")
	fs.StringVar(&o.claims, "claims", "", "`FILE` of claims (JSON); without it the claims in the books, or the sample's")
	fs.StringVar(&o.db, "db", "", "`FILE` of books and gaps")
	fs.StringVar(&o.format, "format", "text", "`FORMAT` of the output: text or json")
	fs.StringVar(&o.lead, "lead", "FinOps Lead", "`NAME` of who hears of what nobody else has")
	fs.BoolVar(&o.restated, "restated", false, "with the sample months: the second delivery of May too")
	fs.BoolVar(&o.all, "all", false, "resolved gaps too")
	limit := fs.String("limit", "", "`AMOUNT` from which on gaps are routed, in the currency of the bill")
	var owners list
	fs.Var(&owners, "account-owner", "`ID=NAME` of who answers for an account; repeatable")
	assign := fs.String("assign", "", "id of the `GAP` to assign to a workload")
	to := fs.String("to", "", "`WORKLOAD` that a gap is assigned to")
	fs.StringVar(&o.actor, "as", "", "`PERSON` who assigns")
	fs.StringVar(&o.because, "because", "", "`TEXT`: why it is assigned")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	o.assign, o.to = gaps.ID(*assign), attribution.WorkloadID(*to)
	fail := func(format string, a ...any) (*options, error) {
		fmt.Fprintf(stderr, "gaps: "+format+"\n", a...)
		fs.Usage()
		return nil, errFlags
	}
	switch {
	case fs.NArg() > 0:
		return fail("unexpected argument %q: name report files with -cur", fs.Arg(0))
	case o.format != "text" && o.format != "json":
		return fail("-format %q: want text or json", o.format)
	case o.restated && len(o.cur) > 0:
		return fail("-restated goes with the embedded sample months, without -cur")
	case o.assign == "" && (o.to != "" || o.actor != "" || o.because != ""):
		return fail("-to, -as and -because go with -assign")
	case o.assign != "" && (o.db == "" || o.to == "" || o.actor == "" || o.because == ""):
		return fail("-assign needs -db, -to, -as and -because")
	}
	for _, x := range owners {
		account, name, ok := strings.Cut(x, "=")
		if !ok || account == "" || name == "" {
			return fail("-account-owner %q: want ID=NAME", x)
		}
		o.people[account] = name
	}
	if *limit != "" {
		d, err := amount(*limit)
		if err != nil {
			return fail("-limit %q: want an amount, such as 25.00", *limit)
		}
		o.limit = decimal.NewNullDecimal(d)
	}
	return o, nil
}

// amount reads an amount that a person would write: no exponent, no sign.
func amount(s string) (decimal.Decimal, error) {
	if len(s) > 20 || strings.Trim(s, "0123456789.") != "" {
		return decimal.Zero, errFlags
	}
	return decimal.NewFromString(s)
}

// run is the program; it returns the exit status: 0, 1 for bad input, 2 for a wrong
// command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	out, err := (&job{options: o}).run(ctx)
	if err == nil {
		err = write(stdout, out, o.format)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gaps: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

func write(w io.Writer, out *output, format string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(out)
	}
	return writeText(w, out)
}
