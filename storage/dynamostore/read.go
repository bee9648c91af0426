package dynamostore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spendclaim/spendclaim/storage"
)

func (d *Driver) getItem(ctx context.Context, k attributes) (attributes, error) {
	in := &dynamodb.GetItemInput{TableName: aws.String(d.table), Key: k, ConsistentRead: aws.Bool(true)}
	out, err := retried(ctx, d, func(by func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
		return d.client.GetItem(ctx, in, by)
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// Get implements storage.Driver.
func (d *Driver) Get(ctx context.Context, k storage.Key) (it storage.Item, err error) {
	err = d.during(ctx, func() error {
		a, err := d.getItem(ctx, recordKey(k))
		if err != nil {
			return err
		}
		if len(a) == 0 {
			return storage.ErrNotFound
		}
		it, _, err = d.decode(a)
		return err
	})
	return it, err
}

// Page implements storage.Driver. The cursor is the sort key that the service
// would go on after. A page of the service ends at 1 MB, and may be empty while more
// follows.
func (d *Driver) Page(ctx context.Context, q storage.Query, after string) (page []storage.Item, next string, err error) {
	err = d.during(ctx, func() error {
		if q.Log == "" && q.To != "" && q.From >= q.To {
			return nil // the service refuses a stretch that ends before it begins
		}
		in := d.query(q)
		pk := stringOf(in.ExpressionAttributeValues[":p"])
		if after != "" {
			in.ExclusiveStartKey = key(pk, after)
		}
		if q.Limit > 0 {
			in.Limit = aws.Int32(int32(min(q.Limit, 1<<20)))
		}
		out, err := retried(ctx, d, func(by func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
			return d.client.Query(ctx, in, by)
		})
		if err != nil {
			return err
		}
		if page, err = d.decodeAll(out.Items); err != nil {
			return err
		}
		if q.Log == "" && q.To != "" {
			// Only BETWEEN bounds both sides, and it includes the end.
			for i := range page {
				if page[i].Key.Sort == q.To {
					page = append(page[:i], page[i+1:]...)
					break
				}
			}
		}
		next = stringOf(out.LastEvaluatedKey["sk"])
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}

// query translates q, but for the cursor and the limit.
func (d *Driver) query(q storage.Query) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{TableName: aws.String(d.table), ConsistentRead: aws.Bool(true)}
	if q.Log != "" {
		in.KeyConditionExpression = aws.String("pk = :p AND sk >= :from")
		in.ExpressionAttributeValues = attributes{
			":p": text(entryPartition(q.Partition, q.Log)), ":from": text(entrySort(q.Since)),
		}
		return in
	}
	in.ScanIndexForward = aws.Bool(!q.Reverse)
	in.ExpressionAttributeValues = attributes{":p": text(recordPrefix + q.Partition)}
	condition := "pk = :p"
	switch {
	case q.From != "" && q.To != "":
		condition += " AND sk BETWEEN :from AND :to"
	case q.From != "":
		condition += " AND sk >= :from"
	case q.To != "":
		condition += " AND sk < :to"
	}
	if q.From != "" {
		in.ExpressionAttributeValues[":from"] = text(q.From)
	}
	if q.To != "" {
		in.ExpressionAttributeValues[":to"] = text(q.To)
	}
	in.KeyConditionExpression = aws.String(condition)
	return in
}

func (d *Driver) scanPage(ctx context.Context, start attributes, limit int32) (*dynamodb.ScanOutput, error) {
	in := &dynamodb.ScanInput{TableName: aws.String(d.table), ConsistentRead: aws.Bool(true), ExclusiveStartKey: start}
	if limit > 0 {
		in.Limit = aws.Int32(limit)
	}
	return retried(ctx, d, func(by func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
		return d.client.Scan(ctx, in, by)
	})
}

// Scan implements storage.Driver. The cursor is the length of the partition key, a
// blank, and both keys of the item to go on after.
func (d *Driver) Scan(ctx context.Context, cursor string) (page []storage.Item, next string, err error) {
	err = d.during(ctx, func() error {
		var start attributes
		if cursor != "" {
			length, keys, _ := strings.Cut(cursor, " ")
			n, err := strconv.Atoi(length)
			if err != nil || n < 0 || n > len(keys) {
				return fmt.Errorf("dynamostore: cursor %q is not one of Scan", cursor)
			}
			start = key(keys[:n], keys[n:])
		}
		out, err := d.scanPage(ctx, start, 0)
		if err != nil {
			return err
		}
		if pk := stringOf(out.LastEvaluatedKey["pk"]); pk != "" {
			next = strconv.Itoa(len(pk)) + " " + pk + stringOf(out.LastEvaluatedKey["sk"])
		}
		page, err = d.decodeAll(out.Items)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}
