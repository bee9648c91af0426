// Onboarding shows how an AI application comes to have an owner, and every dollar
// somebody who accepted it: four people take applications through request, approval,
// build and claim; what ran already is found, and adopted or rejected; then the cards of
// May are accepted, disputed, approved, restated and adjusted. The bill is the embedded,
// synthetic sample; people, decisions and their times are the program's own.
//
//	go run ./examples/onboarding                 # in a temporary file
//	go run ./examples/onboarding -db desk.db     # kept, for a look at it afterwards
//	go run ./examples/onboarding -format json
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `Usage: onboarding [-db FILE] [-format text|json]

Shows the sample months, which are synthetic. Without -db everything is kept in a
temporary file, which is removed.

`

// options are the flags.
type options struct{ db, format string }

// errFlags marks a wrong command line, which flag has already reported.
var errFlags = errors.New("wrong flags")

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("onboarding", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprint(stderr, usage); fs.PrintDefaults() }
	fs.StringVar(&o.db, "db", "", "new `FILE` of books and decisions")
	fs.StringVar(&o.format, "format", "text", "`FORMAT` of the output: text or json")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	fail := func(format string, a ...any) (*options, error) {
		fmt.Fprintf(stderr, "onboarding: "+format+"\n", a...)
		fs.Usage()
		return nil, errFlags
	}
	switch {
	case fs.NArg() > 0:
		return fail("unexpected argument %q", fs.Arg(0))
	case o.format != "text" && o.format != "json":
		return fail("-format %q: want text or json", o.format)
	}
	return o, nil
}

// run is the program; it returns the exit status: 0, 1 when something fails, 2 for a
// wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	out, err := tell(ctx, o.db)
	if err == nil {
		err = write(stdout, out, o.format)
	}
	if err != nil {
		fmt.Fprintf(stderr, "onboarding: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
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
