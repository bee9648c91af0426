package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/internal/dynamotest"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

// A server is where a test makes its tables.
type server struct {
	client *dynamodb.Client
	tables atomic.Int64
	prefix string
}

func newServer(tb testing.TB) *server {
	tb.Helper()
	return &server{client: newClient(dynamotest.Endpoint(tb), nil), prefix: fmt.Sprintf("spendclaim-test-%d-", time.Now().UnixNano())}
}

// newClient returns the SDK's client for an endpoint, over a transport of the test's
// where it is not nil.
func newClient(endpoint string, transport http.RoundTripper) *dynamodb.Client {
	or := func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" && dynamotest.Given() {
			return v
		}
		return otherwise
	}
	o := dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       or("AWS_REGION", "eu-central-1"),
		Credentials: credentials.NewStaticCredentialsProvider(
			or("AWS_ACCESS_KEY_ID", "test"), or("AWS_SECRET_ACCESS_KEY", "test"), or("AWS_SESSION_TOKEN", "")),
	}
	if transport != nil {
		o.HTTPClient = &http.Client{Transport: transport}
	}
	return dynamodb.New(o)
}

// table makes an empty table that goes with the test.
func (s *server) table(tb testing.TB) string {
	tb.Helper()
	in := dynamostore.Table(fmt.Sprint(s.prefix, s.tables.Add(1)))
	in.DeletionProtectionEnabled = nil // the test deletes it
	if _, err := s.client.CreateTable(tb.Context(), in); err != nil {
		tb.Fatalf("create table: %v", err)
	}
	tb.Cleanup(func() {
		if _, err := s.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: in.TableName}); err != nil {
			tb.Errorf("delete table: %v", err)
		}
	})
	if dynamotest.Given() {
		w := dynamodb.NewTableExistsWaiter(s.client)
		if err := w.Wait(tb.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, 2*time.Minute); err != nil {
			tb.Fatalf("create table: %v", err)
		}
	}
	return *in.TableName
}

func (s *server) open(tb testing.TB) storage.Driver {
	tb.Helper()
	return open(tb, s.client, s.table(tb))
}

func open(tb testing.TB, c dynamostore.Client, table string) *dynamostore.Driver {
	tb.Helper()
	d, err := dynamostore.Open(tb.Context(), c, table, &dynamostore.Options{Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, newServer(t).open)
}

func TestDurable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	storagetest.RunDurable(t, func(tb testing.TB) func() storage.Driver {
		table := s.table(tb)
		return func() storage.Driver { return open(tb, s.client, table) }
	})
}

func TestModel(t *testing.T) {
	t.Parallel()
	storagetest.RunModel(t, newServer(t).open)
}

func BenchmarkStore(b *testing.B) { storagetest.Bench(b, newServer(b).open) }

func key(sort string) storage.Key { return storage.Key{Partition: "p", Sort: sort} }

func TestOpenRefusals(t *testing.T) {
	s := newServer(t)
	put := func(table string, item map[string]types.AttributeValue) {
		t.Helper()
		if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	empty, foreign, newer := s.table(t), s.table(t), s.table(t)
	put(foreign, map[string]types.AttributeValue{"pk": text("user#1"), "sk": text("x")})
	put(newer, map[string]types.AttributeValue{"pk": text("s/layout"), "sk": text("s/layout"), "v": &types.AttributeValueMemberN{Value: "2"}})
	create := &dynamostore.Options{Create: true}
	tests := []struct {
		name, table string
		o           *dynamostore.Options
		want        error
		text        string
	}{
		{"no such table", "spendclaim-test-absent", create, nil, "ResourceNotFound"},
		{"never set up", empty, nil, nil, "open it with Create"},
		{"another program's", foreign, create, nil, "another program"},
		{"newer layout", newer, create, storage.ErrNewer, "layout 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dynamostore.Open(t.Context(), s.client, tt.table, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), tt.table) {
				t.Errorf("got error %v, want one with %q naming the table", err, tt.text)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
	open(t, s.client, empty)
	if _, err := dynamostore.Open(t.Context(), s.client, empty, nil); err != nil {
		t.Errorf("open after set up: %v", err)
	}
}

// Items that something else wrote or cut are errors, never absent records.
func TestDamagedItemsAreTyped(t *testing.T) {
	s := newServer(t)
	table := s.table(t)
	st := storage.New(open(t, s.client, table), nil)
	put := storage.Put{Key: key("a"), Kind: "k", Data: []byte("x"), Entry: []byte("e")}
	if _, err := st.Commit(t.Context(), storage.Request{}, &storage.Batch{Puts: []storage.Put{put}}); err != nil {
		t.Fatal(err)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	keys := map[string]map[string]types.AttributeValue{
		"record": {"pk": text("r/p"), "sk": text("a")},
		"entry":  {"pk": text("e/p\x1fa"), "sk": text(fmt.Sprintf("%020d", 1))},
	}
	for what, k := range keys {
		got, err := s.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: k})
		if err != nil || len(got.Item) != 5 {
			t.Fatalf("%s: got %v, %v, want pk, sk, v, h and b", what, got, err)
		}
		for _, attribute := range []string{"v", "h", "b"} {
			for _, value := range []types.AttributeValue{nil, &types.AttributeValueMemberBOOL{}} {
				bad := map[string]types.AttributeValue{}
				for name, v := range got.Item {
					bad[name] = v
				}
				if bad[attribute] = value; value == nil {
					delete(bad, attribute)
				}
				if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: bad}); err != nil {
					t.Fatal(err)
				}
				var c *storage.CorruptError
				for _, err := range st.Log(t.Context(), key("a"), 1) {
					if !errors.As(err, &c) || c.Remedy == "" {
						t.Errorf("%s with %s %v: got error %v, want a *CorruptError with a remedy", what, attribute, value, err)
					}
				}
			}
		}
		if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: got.Item}); err != nil {
			t.Fatal(err)
		}
	}
	foreign := map[string]types.AttributeValue{"pk": text("x"), "sk": text("y")}
	if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: foreign}); err != nil {
		t.Fatal(err)
	}
	d := open(t, s.client, table)
	if _, _, err := d.Scan(t.Context(), ""); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("scan over a foreign item: got error %v, want ErrCorrupt", err)
	}
}
