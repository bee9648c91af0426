package dynamostore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spendclaim/spendclaim/storage"
)

const (
	recordPrefix = "r/"
	entryPrefix  = "e/"
	// separator parts the halves of a key. Keys hold no control characters.
	separator = "\x1f"

	restoreTable = "restore the table to a point in time before"
)

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func number(n uint64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(n, 10)}
}

func key(pk, sk string) attributes { return attributes{"pk": text(pk), "sk": text(sk)} }

// Entries of one record are a partition of their own: writers of other records
// never meet there.
func entryPartition(partition, sort string) string {
	return entryPrefix + partition + separator + sort
}

// entrySort is in the order of versions.
func entrySort(version uint64) string { return fmt.Sprintf("%020d", version) }

func recordKey(k storage.Key) attributes { return key(recordPrefix+k.Partition, k.Sort) }

func entryKey(k storage.Key, version uint64) attributes {
	return key(entryPartition(k.Partition, k.Sort), entrySort(version))
}

// encode returns the item of a record or an entry.
func encode(it *storage.Item) attributes {
	a := recordKey(it.Key)
	if it.Entry {
		a = entryKey(it.Key, it.Stamp.Version)
	}
	a["v"] = number(it.Stamp.Version)
	a["h"] = binary(it.Stamp.Head[:])
	a["b"] = binary(it.Body)
	return a
}

// stringOf returns a string attribute, "" when it is none.
func stringOf(a types.AttributeValue) string {
	if s, ok := a.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// stampOf decodes the stamp of an item.
func stampOf(a attributes) (storage.Stamp, bool) {
	n, ok1 := a["v"].(*types.AttributeValueMemberN)
	h, ok2 := a["h"].(*types.AttributeValueMemberB)
	if !ok1 || !ok2 || len(h.Value) != len(storage.Stamp{}.Head) {
		return storage.Stamp{}, false
	}
	version, err := strconv.ParseUint(n.Value, 10, 64)
	return storage.Stamp{Version: version, Head: [32]byte(h.Value)}, err == nil && version > 0
}

// decode is the inverse of encode. Items of this package that are neither records
// nor entries are passed over (skip).
func (d *Driver) decode(a attributes) (it storage.Item, skip bool, err error) {
	pk, sk := stringOf(a["pk"]), stringOf(a["sk"])
	bad := func(reason string) (storage.Item, bool, error) {
		return it, false, &storage.CorruptError{
			Path: d.table, Key: it.Key, Entry: it.Entry, Version: it.Stamp.Version,
			Reason: reason, Remedy: restoreTable,
		}
	}
	version := ""
	switch {
	case pk == layoutKey:
		return it, true, nil
	case strings.HasPrefix(pk, recordPrefix):
		it.Key = storage.Key{Partition: pk[len(recordPrefix):], Sort: sk}
	case strings.HasPrefix(pk, entryPrefix):
		partition, sort, ok := strings.Cut(pk[len(entryPrefix):], separator)
		it.Key, it.Entry, version = storage.Key{Partition: partition, Sort: sort}, true, sk
		if !ok {
			return bad("an entry's key has no separator")
		}
	default:
		return bad(fmt.Sprintf("item %q is not one of a store", pk))
	}
	stamp, ok := stampOf(a)
	body, isBody := a["b"].(*types.AttributeValueMemberB)
	if !ok || !isBody {
		return bad("an item lacks its version, head or body")
	}
	it.Stamp, it.Body = stamp, body.Value
	if it.Body == nil {
		it.Body = []byte{}
	}
	if it.Entry && version != entrySort(stamp.Version) {
		return bad(fmt.Sprintf("an entry is stored as version %q", version))
	}
	return it, false, nil
}

// decodeAll decodes a page.
func (d *Driver) decodeAll(page []attributes) ([]storage.Item, error) {
	items := make([]storage.Item, 0, len(page))
	for _, a := range page {
		it, skip, err := d.decode(a)
		if err != nil {
			return nil, err
		}
		if !skip {
			items = append(items, it)
		}
	}
	return items, nil
}
