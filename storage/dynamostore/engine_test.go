package dynamostore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

// What the store costs over the SDK's client itself, for the same items: the store
// writes conditionally, with checksums and chained heads. Times are those of the local
// server, not of AWS.
func BenchmarkBesideClient(b *testing.B) {
	srv := newServer(b)
	s := storage.New(srv.open(b), nil)
	table := srv.table(b)
	item := func(pk, sk string, size int) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk},
			"v": &types.AttributeValueMemberN{Value: "1"}, "h": &types.AttributeValueMemberB{Value: make([]byte, 32)},
			"b": &types.AttributeValueMemberB{Value: make([]byte, size+90)}, // and the envelope
		}
	}
	transact := func(items ...map[string]types.AttributeValue) error {
		in := new(dynamodb.TransactWriteItemsInput)
		for _, it := range items {
			in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: it}})
		}
		_, err := srv.client.TransactWriteItems(b.Context(), in)
		return err
	}
	commit := func(puts ...storage.Put) error {
		_, err := s.Commit(b.Context(), storage.Request{}, &storage.Batch{Puts: puts})
		return err
	}
	b.Run("commit of one audited record", func(b *testing.B) {
		k := storage.Key{Partition: "audited", Sort: b.Name()}
		storagetest.Beside(b, func(int) error { return update(b, s, k) }, func(i int) error {
			return transact(item("r", b.Name(), 1024), item("e", fmt.Sprintf("%s%08d", b.Name(), i), 256))
		})
	})
	round := 0 // the function is run several times, and records are created once
	b.Run("commit of 100 new records", func(b *testing.B) {
		round++
		storagetest.Beside(b, func(i int) error {
			puts := make([]storage.Put, 100)
			for j := range puts {
				puts[j] = storage.Put{Key: storage.Key{Partition: "many", Sort: fmt.Sprintf("%d/%08d/%02d", round, i, j)}, Kind: "k", Data: make([]byte, 256)}
			}
			return commit(puts...)
		}, func(i int) error {
			items := make([]map[string]types.AttributeValue, 100)
			for j := range items {
				items[j] = item("many", fmt.Sprintf("%d/%08d/%02d", round, i, j), 256)
			}
			return transact(items...)
		})
	})
	b.Run("range over 1000 records", func(b *testing.B) {
		partition := fmt.Sprint("page", round)
		round++
		for part := range 10 {
			var puts []storage.Put
			var items []map[string]types.AttributeValue
			for j := range 100 {
				sort := fmt.Sprintf("%02d/%02d", part, j)
				puts = append(puts, storage.Put{Key: storage.Key{Partition: partition, Sort: sort}, Kind: "k", Data: make([]byte, 256)})
				items = append(items, item(partition, sort, 256))
			}
			if err := commit(puts...); err != nil {
				b.Fatal(err)
			}
			if err := transact(items...); err != nil {
				b.Fatal(err)
			}
		}
		storagetest.Beside(b, func(int) error {
			n := 0
			for _, err := range s.Range(b.Context(), storage.Span{Partition: partition}) {
				if err != nil {
					return err
				}
				n++
			}
			return thousand(n)
		}, func(int) error {
			n := 0
			p := dynamodb.NewQueryPaginator(srv.client, &dynamodb.QueryInput{
				TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :p"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: partition}},
			})
			for p.HasMorePages() {
				page, err := p.NextPage(b.Context())
				if err != nil {
					return err
				}
				n += len(page.Items)
			}
			return thousand(n)
		})
	})
}

// update writes the next version of an audited record.
func update(b *testing.B, s *storage.Store, k storage.Key) error {
	_, err := s.Update(b.Context(), storage.Request{}, func(tx *storage.Tx) error {
		if _, err := tx.Get(k); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		tx.Put(storage.Put{Key: k, Kind: "k", Data: make([]byte, 1024), Entry: make([]byte, 256)})
		return nil
	})
	return err
}

func thousand(n int) error {
	if n != 1000 {
		return fmt.Errorf("got %d records, want 1000", n)
	}
	return nil
}
