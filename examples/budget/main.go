// Budget turns money into the volumes it buys, and volumes into money, with the
// rate, its status and its source beside each line.
//
//	go run ./examples/budget                                  # the embedded sample plan, both ways
//	go run ./examples/budget -volume memory_short_term=50000  # volumes in, dollars out
//	go run ./examples/budget -budget 100 -share memory_short_term=2 -share runtime_vcpu=1
//	go run ./examples/budget -budget 100 -ratio memory_short_term=6 -ratio memory_long_term_retrieval=2
//	go run ./examples/budget -budget 100 -volume memory_short_term=50000 -free runtime_vcpu
//	go run ./examples/budget -plan FILE                       # the same and traffic, from a file
//
// Rates come from the card of package pricing. They are dated data with sources,
// not a quotation: lay your own over them with -rates.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

func main() {
	os.Exit(run(os.Args[1:], time.Now(), os.Stdout, os.Stderr))
}

const usage = `Usage: budget [-plan FILE] [-volume METER=N]... [-budget AMOUNT (-share METER=WEIGHT... | -ratio METER=N... | -free METER)]
              [-region R] [-currency C] [-month YYYY-MM] [-rates FILE] [-choose RATE]... [-format text|json]

A METER is a component, such as memory_short_term, and for models the model
behind a colon: "model_input:Claude Opus 5". Without flags the embedded sample
plan, which is synthetic, is worked out in both directions.

`

// errFlags marks a wrong command line, which has already been reported.
var errFlags = errors.New("wrong flags")

// options are the flags.
type options struct {
	plan    string
	request request // what the flags ask for; the file's where a plan is given
	rates   string
	choose  []string
	format  string
}

// run is the program; it returns the exit status: 0, 1 for bad input, 2 for a
// wrong command line.
func run(args []string, now time.Time, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	result, err := work(o, now)
	if err == nil {
		err = write(stdout, o.format, result)
	}
	if err != nil {
		// Several faults of one file come joined; scripts want one line.
		fmt.Fprintf(stderr, "budget: %s\n", clean(strings.ReplaceAll(err.Error(), "\n", "; ")))
		return 1
	}
	return 0
}

func write(w io.Writer, format string, r *result) error {
	if format == "text" {
		return writeText(w, r)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	q := &o.request
	fs := flag.NewFlagSet("budget", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprint(stderr, usage); fs.PrintDefaults() }
	fs.StringVar(&o.plan, "plan", "", "plan file (JSON), such as examples/budget/sample.json")
	fs.StringVar(&o.rates, "rates", "", "file of private rates, laid over the card")
	fs.StringVar(&o.format, "format", "text", "text or json")
	fs.StringVar(&q.Region, "region", "", "AWS region (default us-east-1)")
	fs.StringVar(&q.Currency, "currency", "", "currency of the budget and the rates (default USD)")
	fs.StringVar(&q.Month, "month", "", "month, such as 2026-05 (default this one)")
	fs.Func("choose", "id of a pending or conflicting rate to use; repeatable", func(s string) error {
		o.choose = append(o.choose, s)
		return nil
	})
	budget := &spending{}
	hasBudget := false
	fs.Func("budget", "sum of money to turn into volumes", func(s string) (err error) {
		hasBudget = true
		budget.Amount, err = number(s)
		return err
	})
	fs.Func("volume", "METER=N: a volume to price, or a fixed line beside -free; repeatable", func(s string) error {
		m, n, err := meterAndNumber(s)
		q.Volumes = append(q.Volumes, volume{Meter: m, Quantity: n})
		return err
	})
	fs.Func("share", "METER=WEIGHT: a line and its weight in the budget; repeatable", func(s string) error {
		m, n, err := meterAndNumber(s)
		budget.Shares = append(budget.Shares, share{Meter: m, Weight: n})
		return err
	})
	fs.Func("ratio", "METER=N: a line and how much of it a multiple holds; repeatable", func(s string) error {
		m, n, err := meterAndNumber(s)
		budget.Ratio = append(budget.Ratio, part{Meter: m, Per: n})
		return err
	})
	fs.Func("free", "METER: the line that takes what -volume leaves of the budget", func(s string) error {
		m, err := parseMeter(s)
		budget.Free = &line{Meter: m}
		return err
	})
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	fail := func(format string, a ...any) (*options, error) {
		fmt.Fprintf(stderr, "budget: "+format+"\n", a...)
		fs.Usage()
		return nil, errFlags
	}
	kinds := budget.kinds()
	switch {
	case fs.NArg() > 0:
		return fail("unexpected argument %q", fs.Arg(0))
	case o.format != "text" && o.format != "json":
		return fail("-format %q: want text or json", o.format)
	case o.plan != "" && (len(q.Volumes) > 0 || hasBudget || kinds > 0):
		return fail("-plan holds volumes and budget: give them in the file")
	case hasBudget && kinds != 1:
		return fail("-budget goes with one of -share, -ratio and -free")
	case !hasBudget && kinds > 0:
		return fail("-share, -ratio and -free go with -budget")
	}
	if q.Month != "" {
		if _, err := time.Parse("2006-01", q.Month); err != nil {
			return fail("-month %q: want a month, such as 2026-05", q.Month)
		}
	}
	if hasBudget {
		if budget.Free != nil {
			budget.Fixed, q.Volumes = q.Volumes, nil
		}
		q.Budget = budget
	}
	return o, nil
}

// number reads a plain decimal. What is absurd is refused where it is used.
func number(s string) (decimal.Decimal, error) {
	d, err := decimal.NewFromString(s)
	if err != nil {
		return d, fmt.Errorf("want a number, not %q", s)
	}
	return d, nil
}

func meterAndNumber(s string) (meter, decimal.Decimal, error) {
	at := strings.LastIndex(s, "=")
	if at < 0 {
		return meter{}, decimal.Decimal{}, errors.New("want METER=NUMBER")
	}
	m, err := parseMeter(s[:at])
	if err != nil {
		return meter{}, decimal.Decimal{}, err
	}
	n, err := number(s[at+1:])
	return m, n, err
}

func parseMeter(s string) (meter, error) {
	component, model, _ := strings.Cut(s, ":")
	if component == "" {
		return meter{}, errors.New("want a component")
	}
	return meter{Component: pricing.Component(component), Model: model}, nil
}
