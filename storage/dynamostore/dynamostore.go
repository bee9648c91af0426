// Package dynamostore is the storage driver for one Amazon DynamoDB table. It
// keeps the contract of package storage over the network: commits are transactions,
// reads are strongly consistent, and what the network leaves open is said.
//
// # Layout
//
// One table, two string keys, no index. A record is the item (pk "r/" + partition,
// sk sort); an entry is the item (pk "e/" + partition, U+001F, sort; sk version as 20
// digits), so that IAM can tell entries from records by their leading key. Every
// item has v, the version (N); h, the head (B, 32 bytes); b, the sealed body (B).
// The item ("s/layout", "s/layout") holds the number of this layout. [Table] is the
// definition; table.template.json in this folder is the same for CloudFormation, with
// policies for readers, writers and operators.
//
// # Commits
//
// A commit is one TransactWriteItems call with a condition on every item, of which
// the cancellation reasons are read item by item. Throttling and conflicts between
// transactions are waited out within the context, with jitter; a call of which the
// answer was lost is repeated. Every attempt carries the same token and the same
// bytes, so that the service applies it once however often it arrives. What is still
// open after the last attempt is an error matching storage.ErrUnknownOutcome, which
// a Store resolves through the receipt of a commit that carries a Request.
//
// # Caveats
//
// IAM can deny updating and deleting entries, and writing outside transactions. It
// cannot tell a put that creates from one that overwrites: that is what the
// conditions here, the chained heads and exported checkpoints are for.
// Transactions cost twice the write units of plain writes. Global tables with
// several writing Regions do not keep the promises made here.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/storage"
)

var (
	_ storage.Driver   = (*Driver)(nil)
	_ storage.Restorer = (*Driver)(nil)
	_ Client           = (*dynamodb.Client)(nil)
)

// A Client is what this package needs of *dynamodb.Client. No call fetches several
// keys at once, so there are no unprocessed keys to mistake for absent ones.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Options adjusts Open. The zero value and nil open a table that was set up.
type Options struct {
	// Create sets up a table that is empty. Without it an empty table is an error,
	// for it may be the wrong one.
	Create bool

	// Attempts bounds how often one call is made while the service is unavailable
	// or its answers are lost. 0 means 5.
	Attempts int

	_ struct{}
}

// A Driver reads and writes one table. It is safe for concurrent use; use Open.
type Driver struct {
	client   Client
	table    string
	attempts int

	mu     sync.RWMutex // held for reading by calls, so that Close can wait for them
	closed bool
}

// Open returns a driver over the table, which must exist as [Table] defines it. The
// client stays the caller's: Close does not close it. Retries of the client are
// switched off for the calls made here, which have their own. Errors match
// storage.ErrNewer, storage.ErrUnavailable, or are those of the service.
func Open(ctx context.Context, c Client, table string, o *Options) (*Driver, error) {
	if o == nil {
		o = new(Options)
	}
	d := &Driver{client: c, table: table, attempts: 5}
	if o.Attempts > 0 {
		d.attempts = o.Attempts
	}
	if err := d.prepare(ctx, o.Create); err != nil {
		return nil, fmt.Errorf("dynamostore: open %q: %w", table, err)
	}
	return d, nil
}

const (
	layout    = 1
	layoutKey = "s/layout"
)

// prepare compares the table's layout with the one known here.
func (d *Driver) prepare(ctx context.Context, create bool) error {
	read := func() (bool, error) {
		item, err := d.getItem(ctx, key(layoutKey, layoutKey))
		if err != nil || len(item) == 0 {
			return false, err
		}
		n, _ := item["v"].(*types.AttributeValueMemberN)
		switch {
		case n == nil:
			return false, &storage.CorruptError{Path: d.table, Reason: "the table's layout item is damaged", Remedy: restoreTable}
		case n.Value != strconv.Itoa(layout):
			return false, fmt.Errorf("%w: layout %s, this release knows %d", storage.ErrNewer, n.Value, layout)
		}
		return true, nil
	}
	found, err := read()
	if err != nil || found {
		return err
	}
	if !create {
		return errors.New("the table was never set up; if it is the right one, open it with Create")
	}
	page, err := d.scanPage(ctx, nil, 1)
	if err != nil {
		return err
	}
	if len(page.Items) > 0 {
		if found, err = read(); err != nil || found { // somebody else has just set it up
			return err
		}
		return errors.New("the table holds items of another program")
	}
	item := key(layoutKey, layoutKey)
	item["v"] = number(layout)
	err = d.transact(ctx, []types.TransactWriteItem{{Put: &types.Put{
		TableName: aws.String(d.table), Item: item, ConditionExpression: aws.String(ifAbsent),
	}}})
	var c *cancelled
	if errors.As(err, &c) || errors.Is(err, storage.ErrUnknownOutcome) {
		// Two who set up at once, or an answer that was lost: what is there tells.
		if found, again := read(); again != nil || found {
			return again
		}
	}
	return err
}

// Close implements storage.Driver.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

// during runs f as a call that Close waits for.
func (d *Driver) during(ctx context.Context, f func() error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f()
}

// Table returns the definition of a table, for CreateTable: on-demand capacity,
// encrypted, protected from deletion. It is the one in table.template.json, which
// adds point-in-time recovery, for CreateTable cannot ask for it.
func Table(name string) *dynamodb.CreateTableInput {
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	return &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		AttributeDefinitions: []types.AttributeDefinition{text("pk"), text("sk")},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		BillingMode:               types.BillingModePayPerRequest,
		DeletionProtectionEnabled: aws.Bool(true),
		SSESpecification:          &types.SSESpecification{Enabled: aws.Bool(true)},
	}
}
