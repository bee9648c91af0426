// Doctor says what an export lacks for attributing AI spend, what nobody can see
// for want of it, and the setting that puts it right.
//
//	go run ./examples/doctor [-claims FILE] PATH...
//	go run ./examples/doctor -shapes FILE...
//	go run ./examples/doctor -define > export.json
//
// A PATH is a cost report, a folder with one manifest, a manifest, or the
// definition of an export as the AWS command line prints it. With -shapes the
// ids and names in reports are masked and counted, so that what AWS writes can be
// shown to others. With -define a CloudFormation template is written that makes an
// export with everything in it.
//
// The exit status is 0 when nothing is missing that reading or ownership needs,
// 3 when something is, 1 for input that cannot be read, 2 for a wrong command line.
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
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	paths          []string
	claims, format string
	shapes, all    bool
	define         bool
	grain          string
	overwrite      bool
}

var errFlags = errors.New("wrong flags")

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("doctor", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.claims, "claims", "", "`FILE` of claims (JSON), whose needs are checked too")
	fs.StringVar(&o.format, "format", "text", "`text` or json")
	fs.BoolVar(&o.shapes, "shapes", false, "print the shapes of ids in reports, digits and names masked")
	fs.BoolVar(&o.all, "all", false, "with -shapes: all products, not only AI")
	fs.BoolVar(&o.define, "define", false, "write the definition of an export that has everything (CloudFormation)")
	fs.StringVar(&o.grain, "grain", "HOURLY", "with -define: `HOURLY` or DAILY rows")
	fs.BoolVar(&o.overwrite, "overwrite", false, "with -define: overwrite deliveries instead of keeping each")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errFlags
	}
	o.paths = fs.Args()
	problem := ""
	switch {
	case o.format != "text" && o.format != "json":
		problem = fmt.Sprintf("-format %q: want text or json", o.format)
	case o.define && (o.shapes || o.claims != "" || len(o.paths) > 0):
		problem = "-define reads nothing: give it alone"
	case o.define && o.grain != "HOURLY" && o.grain != "DAILY":
		problem = fmt.Sprintf("-grain %q: want HOURLY or DAILY", o.grain)
	case o.shapes && o.claims != "":
		problem = "-claims does not go with -shapes"
	case o.all && !o.shapes:
		problem = "-all goes with -shapes"
	case !o.define && len(o.paths) == 0:
		problem = "give the path of a report, a manifest or a definition"
	}
	if problem != "" {
		fmt.Fprintf(stderr, "doctor: %s\n", problem)
		fs.Usage()
		return nil, errFlags
	}
	return o, nil
}

// run is the program; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	sufficient := true
	switch {
	case o.define:
		err = define(stdout, o.grain, o.overwrite)
	case o.shapes:
		err = o.printShapes(ctx, stdout)
	default:
		sufficient, err = o.inspect(ctx, stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "doctor: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	case !sufficient:
		return 3
	}
	return 0
}

// inspect prints what each path lacks.
func (o *options) inspect(ctx context.Context, w io.Writer) (sufficient bool, err error) {
	needs, err := o.needs()
	if err != nil {
		return false, err
	}
	var all []cur.Inspection
	for _, path := range o.paths {
		in, err := inspect(ctx, path, needs)
		if err != nil {
			return false, err
		}
		all = append(all, in...)
	}
	sufficient = true
	for i := range all {
		sufficient = sufficient && all[i].Sufficient()
	}
	if o.format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return sufficient, e.Encode(all)
	}
	p := &printer{w: w}
	for i := range all {
		p.inspection(&all[i])
	}
	return sufficient, p.err
}

// needs are what claims need of an export.
func (o *options) needs() (*cur.InspectOptions, error) {
	if o.claims == "" {
		return nil, nil
	}
	b, err := os.ReadFile(o.claims)
	if err != nil {
		return nil, err
	}
	c, err := attribution.ParseClaims(o.claims, b)
	if err != nil {
		return nil, err
	}
	needs := &cur.InspectOptions{Columns: attribution.Columns(c, nil)}
	for i := range c.Claims {
		claim := &c.Claims[i]
		// A component's session is in the resource id, which is looked for anyway.
		if claim.Anchor.Kind == attribution.KindSession && strings.Contains(claim.Anchor.Value, "assumed-role/") {
			needs.Sessions = true
		}
		for _, t := range []time.Time{claim.From, claim.To} {
			if !t.Equal(t.UTC().Truncate(24 * time.Hour)) {
				needs.Bucket = cur.Hour
			}
		}
	}
	return needs, nil
}

// inspect tells what is at a path: a description in JSON, or a report, of which
// one file is enough.
func inspect(ctx context.Context, path string, needs *cur.InspectOptions) ([]cur.Inspection, error) {
	src := cur.Local()
	info, err := src.Stat(ctx, path)
	if err != nil {
		return nil, err
	}
	if !info.Dir && strings.HasSuffix(strings.ToLower(path), ".json") {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return cur.Inspect(path, b, needs)
	}
	sets, err := cur.Locate(ctx, src, path)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		for _, file := range set.Files() {
			if m := set.Manifest(); m != nil && file.Name == m.Name || file.Size == 0 {
				continue
			}
			f, err := src.Open(ctx, file.Name)
			if err != nil {
				return nil, err
			}
			in, err := cur.InspectFile(ctx, f, needs)
			if err = errors.Join(err, f.Close()); err != nil {
				return nil, err
			}
			if m := set.Manifest(); m != nil {
				in.Export = m.Export
			}
			return []cur.Inspection{in}, nil
		}
	}
	return nil, fmt.Errorf("%s: %w: it holds no rows and no header", path, cur.ErrInspect)
}
