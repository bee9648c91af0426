package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
)

type options struct {
	endpoint       string
	create, resume bool
	env            func(string) string
}

// migrate exports the one store to a temporary file, imports that into the other, and
// exports the other to compare. The file in between makes the copy independent of
// either engine, and is what a backup would be.
func migrate(ctx context.Context, from, to string, o *options) (report storage.Report, err error) {
	source, err := open(ctx, from, false, o)
	if err != nil {
		return report, err
	}
	defer source.Close()
	file, err := os.CreateTemp("", "spendclaim-export-*")
	if err != nil {
		return report, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	want := sha256.New()
	if report, err = source.Export(ctx, io.MultiWriter(file, want)); err != nil {
		return report, fmt.Errorf("%s: %w", from, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return report, err
	}

	// Only now, when the source was read to its end, is the target touched.
	target, err := open(ctx, to, true, o)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if _, err := target.Import(ctx, file, &storage.ImportOptions{Resume: o.resume}); err != nil {
		return report, fmt.Errorf("%s: %w", to, err)
	}
	got := sha256.New()
	if _, err := target.Export(ctx, got); err != nil {
		return report, fmt.Errorf("%s: %w", to, err)
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return report, fmt.Errorf("%s: its export differs from that of %s", to, from)
	}
	return report, nil
}

// open opens the store of that name: a file unless it begins with "dynamodb:".
func open(ctx context.Context, name string, target bool, o *options) (*storage.Store, error) {
	table, ok := strings.CutPrefix(name, "dynamodb:")
	if !ok {
		d, err := boltstore.Open(name, &boltstore.Options{Create: target, ReadOnly: !target})
		if err != nil {
			return nil, err
		}
		return storage.New(d, nil), nil
	}
	client, err := connect(o)
	if err != nil {
		return nil, err
	}
	if target && o.create {
		if err := create(ctx, client, table); err != nil {
			return nil, err
		}
	}
	d, err := dynamostore.Open(ctx, client, table, &dynamostore.Options{Create: target})
	if err != nil {
		return nil, err
	}
	return storage.New(d, nil), nil
}

func connect(o *options) (*dynamodb.Client, error) {
	region, id, secret := o.env("AWS_REGION"), o.env("AWS_ACCESS_KEY_ID"), o.env("AWS_SECRET_ACCESS_KEY")
	if region == "" || id == "" || secret == "" {
		return nil, errors.New("AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have to be set")
	}
	client := dynamodb.Options{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, o.env("AWS_SESSION_TOKEN")),
		// A call that hangs is one whose outcome is open; it is bounded here.
		HTTPClient: &http.Client{Timeout: 30 * time.Second},
	}
	if o.endpoint != "" {
		client.BaseEndpoint = aws.String(o.endpoint)
	}
	return dynamodb.New(client), nil
}

// create makes the table and waits until it can be used. One that exists is kept.
func create(ctx context.Context, client *dynamodb.Client, table string) error {
	_, err := client.CreateTable(ctx, dynamostore.Table(table))
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create table %q: %w", table, err)
	}
	w := dynamodb.NewTableExistsWaiter(client)
	if err := w.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table}, 5*time.Minute); err != nil {
		return fmt.Errorf("wait for table %q: %w", table, err)
	}
	return nil
}
