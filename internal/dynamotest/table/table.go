// Package table gives tests of other packages a storage driver over an empty DynamoDB
// table on the server of package dynamotest, so that they need not know the SDK.
package table

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spendclaim/spendclaim/internal/dynamotest"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
)

// Open returns a driver over a table that goes with the test. Without a server it
// skips the test, or fails it, as [dynamotest.Endpoint] does.
func Open(tb testing.TB) storage.Driver {
	tb.Helper()
	or := func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" && dynamotest.Given() {
			return v
		}
		return otherwise
	}
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(dynamotest.Endpoint(tb)), Region: or("AWS_REGION", "eu-central-1"),
		Credentials: credentials.NewStaticCredentialsProvider(
			or("AWS_ACCESS_KEY_ID", "test"), or("AWS_SECRET_ACCESS_KEY", "test"), or("AWS_SESSION_TOKEN", "")),
	})
	in := dynamostore.Table(fmt.Sprintf("spendclaim-test-%d", time.Now().UnixNano()))
	in.DeletionProtectionEnabled = nil // the test deletes it
	if _, err := client.CreateTable(tb.Context(), in); err != nil {
		tb.Fatalf("create table: %v", err)
	}
	tb.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: in.TableName}); err != nil {
			tb.Errorf("delete table: %v", err)
		}
	})
	d, err := dynamostore.Open(tb.Context(), client, *in.TableName, &dynamostore.Options{Create: true})
	if err != nil {
		tb.Fatalf("open table: %v", err)
	}
	return d
}
