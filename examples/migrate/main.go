// Command migrate moves a store between a bbolt file and a DynamoDB table, in either
// direction, with versions, histories and receipts as they were.
//
//	migrate -from books.db -to dynamodb:spendclaim
//	migrate -from dynamodb:spendclaim -to books.db
//
// The target must be empty. Stop whatever writes to the source first: the export
// notices a writer and gives up. With -create a table that does not exist is made; where
// CloudFormation makes tables, use table.template.json of package dynamostore instead.
// -checkpoint writes the heads of all histories to a file: keep it apart from the store.
//
// Region and credentials come from AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that this example needs no more than
// the client; a program of yours would use the SDK's config.LoadDefaultConfig.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer, env func(string) string) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(out)
	from := flags.String("from", "", "the store to read: a file, or dynamodb:TABLE")
	to := flags.String("to", "", "the empty store to fill: a file, or dynamodb:TABLE")
	o := options{env: env}
	flags.StringVar(&o.endpoint, "endpoint", "", "address of a DynamoDB-compatible server, instead of AWS")
	flags.BoolVar(&o.create, "create", false, "make the table if it does not exist")
	flags.BoolVar(&o.resume, "resume", false, "go on with a migration that was interrupted")
	checkpoint := flags.String("checkpoint", "", "file to write the heads of all histories to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *from == "" || *to == "" || flags.NArg() > 0 {
		return fmt.Errorf("both -from and -to are needed, and nothing else")
	}
	report, err := migrate(ctx, *from, *to, &o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d records, %d of them with a history of %d entries in all\n", report.Records, report.Audited, report.Entries)
	fmt.Fprintln(out, "verified: the export of the target is the export of the source, byte for byte")
	if *checkpoint == "" {
		return nil
	}
	text, err := report.Heads.MarshalText()
	if err != nil {
		return err
	}
	return os.WriteFile(*checkpoint, text, 0o600)
}
