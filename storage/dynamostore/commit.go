package dynamostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/storage"
)

const (
	ifAbsent = "attribute_not_exists(pk)"
	ifStamp  = "v = :v AND h = :h"
)

// A part is what one action of a transaction stands for.
type part struct {
	key   storage.Key
	want  storage.Stamp
	entry uint64 // not 0: the action creates this entry of the record
}

// condition returns the expression that a record is in the state s.
func condition(s storage.Stamp) (*string, attributes) {
	if s.IsZero() {
		return aws.String(ifAbsent), nil
	}
	return aws.String(ifStamp), attributes{":v": number(s.Version), ":h": binary(s.Head[:])}
}

// actions translates a batch: what the service is to do, and what each of it means.
func (d *Driver) actions(b *storage.WriteBatch) ([]types.TransactWriteItem, []part) {
	n := 2*len(b.Writes) + len(b.Deletes) + len(b.Checks)
	acts, parts := make([]types.TransactWriteItem, 0, n), make([]part, 0, n)
	// The old item comes back with a refusal, and names the stamp found.
	const old = types.ReturnValuesOnConditionCheckFailureAllOld
	for i := range b.Writes {
		w := &b.Writes[i]
		cond, values := condition(w.Prev)
		acts = append(acts, types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String(d.table), Item: encode(&storage.Item{Key: w.Key, Stamp: w.Next, Body: w.Record}),
			ConditionExpression: cond, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old,
		}})
		parts = append(parts, part{key: w.Key, want: w.Prev})
		if w.Entry == nil {
			continue
		}
		acts = append(acts, types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String(d.table), Item: encode(&storage.Item{Key: w.Key, Stamp: w.Next, Entry: true, Body: w.Entry}),
			ConditionExpression: aws.String(ifAbsent),
		}})
		parts = append(parts, part{key: w.Key, want: w.Prev, entry: w.Next.Version})
	}
	for _, del := range b.Deletes {
		cond, values := condition(del.Prev)
		acts = append(acts, types.TransactWriteItem{Delete: &types.Delete{
			TableName: aws.String(d.table), Key: recordKey(del.Key),
			ConditionExpression: cond, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old,
		}})
		parts = append(parts, part{key: del.Key, want: del.Prev})
	}
	for _, c := range b.Checks {
		cond, values := condition(c.Stamp)
		acts = append(acts, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: aws.String(d.table), Key: recordKey(c.Key),
			ConditionExpression: cond, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old,
		}})
		parts = append(parts, part{key: c.Key, want: c.Stamp})
	}
	return acts, parts
}

// Commit implements storage.Driver.
func (d *Driver) Commit(ctx context.Context, b *storage.WriteBatch) error {
	return d.during(ctx, func() error {
		acts, parts := d.actions(b)
		if len(acts) == 0 {
			return nil
		}
		err := d.transact(ctx, acts)
		var c *cancelled
		if !errors.As(err, &c) {
			return err
		}
		refused := d.refusal(c, parts)
		if !c.doubt {
			return refused
		}
		// An earlier attempt may have been applied, though the service should have
		// known its token. Heads cover key, history and data: a record that is where
		// this batch takes it was taken there by this batch.
		var conflict *storage.ConflictError
		if errors.As(refused, &conflict) {
			for i := range b.Writes {
				if b.Writes[i].Key == conflict.Key && b.Writes[i].Next == conflict.Got {
					return nil
				}
			}
		}
		return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, refused)
	})
}

// refusal names the first part whose condition failed.
func (d *Driver) refusal(c *cancelled, parts []part) error {
	for i, r := range c.reasons {
		if i >= len(parts) || aws.ToString(r.Code) != reasonCondition {
			continue
		}
		p := parts[i]
		if p.entry > 0 {
			return &storage.CorruptError{
				Path: d.table, Key: p.key, Entry: true, Version: p.entry,
				Reason: "the log is ahead of its record", Remedy: "restore the record from an export",
			}
		}
		got, ok := stampOf(r.Item)
		if !ok && len(r.Item) > 0 {
			return &storage.CorruptError{Path: d.table, Key: p.key, Reason: "an item lacks its version or head", Remedy: restoreTable}
		}
		return &storage.ConflictError{Key: p.key, Want: p.want, Got: got}
	}
	return c
}

// Restore implements storage.Restorer. At most 100 items of 4 MB fit one call.
func (d *Driver) Restore(ctx context.Context, items []storage.Item) error {
	if len(items) > storage.MaxItems {
		return fmt.Errorf("%w: restore of %d items, at most %d", storage.ErrTooLarge, len(items), storage.MaxItems)
	}
	return d.during(ctx, func() error {
		left := items
		for len(left) > 0 {
			acts := make([]types.TransactWriteItem, len(left))
			for i := range left {
				acts[i].Put = &types.Put{
					TableName: aws.String(d.table), Item: encode(&left[i]), ConditionExpression: aws.String(ifAbsent),
					ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				}
			}
			err := d.transact(ctx, acts)
			var c *cancelled
			if !errors.As(err, &c) {
				return err
			}
			// What is there already in the same state is passed over; the rest is
			// tried again as a whole.
			kept, err := d.differing(left, c)
			if err != nil {
				return err
			}
			if len(kept) == len(left) {
				return c
			}
			left = kept
		}
		return nil
	})
}

// differing returns the items that the service did not report as being there.
func (d *Driver) differing(items []storage.Item, c *cancelled) ([]storage.Item, error) {
	kept := make([]storage.Item, 0, len(items))
	for i := range items {
		if i >= len(c.reasons) || aws.ToString(c.reasons[i].Code) != reasonCondition {
			kept = append(kept, items[i])
			continue
		}
		old, _, err := d.decode(c.reasons[i].Item)
		if err != nil {
			return nil, err
		}
		if old.Stamp != items[i].Stamp || !bytes.Equal(old.Body, items[i].Body) {
			return nil, &storage.ConflictError{Key: items[i].Key, Want: items[i].Stamp, Got: old.Stamp}
		}
	}
	return kept, nil
}
