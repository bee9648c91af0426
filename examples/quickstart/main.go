// Quickstart is the main job end to end: a month of AWS bills in, an owned and
// reconciled statement out.
//
//	go run ./examples/quickstart                      # the embedded, synthetic sample months
//	go run ./examples/quickstart -cur FILE-OR-FOLDER  # your own report
//	go run ./examples/quickstart -db FILE -claims FILE  # the same books under other claims
//
// It shows which workload owns what, what nobody owns, and that the figures add
// up to the export to the last decimal.
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
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
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
	asOf     time.Time
	tags     list
	format   string
	restated bool
}

const usage = `Usage: quickstart [-cur PATH]... [-claims FILE] [-db FILE] [-as-of TIME] [-tag KEY]... [-format text|json] [-restated]

Without -cur and -db it books the embedded sample months, which are synthetic,
into a temporary file. With -db alone it re-attributes what the books hold and
opens no cost file.

`

// errFlags marks a wrong command line, which flag has already reported.
var errFlags = errors.New("wrong flags")

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprint(stderr, usage); fs.PrintDefaults() }
	fs.Var(&o.cur, "cur", "`PATH` of a cost and usage report: a file, a manifest, or a folder with one manifest; repeatable")
	fs.StringVar(&o.claims, "claims", "", "`FILE` of claims (JSON); without it the claims in the books, or the sample's")
	fs.StringVar(&o.db, "db", "", "`FILE` of the books (default ./spendclaim.db with -cur)")
	asOf := fs.String("as-of", "", "`TIME` at which AWS wrote the delivery, RFC 3339; without it folder names and file times tell")
	fs.Var(&o.tags, "tag", "`KEY` of a tag to store for claims, such as resourceTags/user:team; repeatable")
	fs.StringVar(&o.format, "format", "text", "`FORMAT` of the output: text or json")
	fs.BoolVar(&o.restated, "restated", false, "with the sample months: also book the second delivery of May and show the difference")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	fail := func(format string, a ...any) (*options, error) {
		fmt.Fprintf(stderr, "quickstart: "+format+"\n", a...)
		fs.Usage()
		return nil, errFlags
	}
	switch {
	case fs.NArg() > 0:
		return fail("unexpected argument %q: name report files with -cur", fs.Arg(0))
	case o.format != "text" && o.format != "json":
		return fail("-format %q: want text or json", o.format)
	case o.restated && (len(o.cur) > 0 || o.db != ""):
		return fail("-restated goes with the embedded sample months, without -cur and -db")
	case *asOf != "" && len(o.cur) == 0:
		return fail("-as-of goes with -cur")
	case len(o.tags) > 0 && len(o.cur) == 0 && o.db != "":
		return fail("-tag goes with -cur: what to store is settled when the report is read")
	}
	for _, t := range o.tags {
		// Keys of claims have this form, so any other could never be claimed.
		if family, key, ok := strings.Cut(t, "/"); !ok || family == "" || key == "" {
			return fail("-tag %q: want family/key, such as resourceTags/user:team", t)
		}
	}
	if *asOf != "" {
		t, err := time.Parse(time.RFC3339, *asOf)
		if err != nil {
			return fail("-as-of %q: want RFC 3339, such as 2026-05-25T12:00:00Z", *asOf)
		}
		// A slip of the year would close the book to all deliveries to come.
		if now := time.Now().UTC(); t.After(now.Add(24 * time.Hour)) {
			return fail("-as-of %s is later than today, %s", t.UTC().Format(time.DateOnly), now.Format(time.DateOnly))
		}
		o.asOf = t
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
	job := &job{options: o, progress: progressTo(stderr)}
	err = job.run(ctx)
	if job.progress != nil {
		fmt.Fprint(stderr, "\r\x1b[K")
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %s\n", oneLine(err))
		return 1
	}
	out := job.output()
	if o.format == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(out)
	} else {
		err = writeText(stdout, out, job.sample())
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: write output: %v\n", err)
		return 1
	}
	return 0
}

// oneLine says what went wrong in one line, and what to do where the program
// knows.
func oneLine(err error) string {
	s := strings.ReplaceAll(err.Error(), "\n", "; ")
	var lacking *attribution.NotStoredError
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted; nothing was written"
	case errors.As(err, &lacking) && lacking.Sessions != "":
		return s + " (-cur REPORT -claims FILE)"
	case errors.As(err, &lacking) && !lacking.Rows && !lacking.Absent:
		return s + fmt.Sprintf(" (-cur REPORT -tag %s)", string(lacking.Column))
	}
	return s
}

// progressTo returns a callback that shows progress on a terminal, nil where w
// is none.
func progressTo(w io.Writer) func(cur.Progress) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if fi, err := f.Stat(); err != nil || fi.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(p cur.Progress) {
		fmt.Fprintf(f, "\r\x1b[K%d of %d files, %d rows", p.Files, p.Of, p.Rows)
	}
}
