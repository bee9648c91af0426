package storage

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Receipts are records of this package: one per request id, spread over 256
// partitions so that no engine sees a hot one, created in the batch they
// witness and never changed or deleted. Their data, in schema 1, is
//
//	digest [32]   of the command
//	count  u16
//	count times: partition (u16 length, bytes), sort (u16 length, bytes), version u64, head [32]
const (
	receiptKind   = "storage.receipt"
	receiptSchema = 1
	receiptFixed  = 34
	receiptItem   = 2 + 2 + 8 + 32
)

func receiptKey(id string) Key {
	sum := sha256.Sum256([]byte(id))
	return Key{Partition: reserved + "receipt/" + hex.EncodeToString(sum[:1]), Sort: id}
}

func encodeReceipt(digest [32]byte, r *Receipt) []byte {
	n := receiptFixed
	for _, k := range r.Keys {
		n += receiptItem + len(k.Partition) + len(k.Sort)
	}
	b := make([]byte, 0, n)
	b = append(b, digest[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Keys)))
	for i, k := range r.Keys {
		b = appendKey(b, k)
		b = binary.BigEndian.AppendUint64(b, r.Stamps[i].Version)
		b = append(b, r.Stamps[i].Head[:]...)
	}
	return b
}

var errReceipt = errors.New("receipt is not well formed")

// decodeReceipt is the inverse of encodeReceipt. It allocates no more than b
// justifies.
func decodeReceipt(b []byte) (digest [32]byte, r Receipt, err error) {
	if len(b) < receiptFixed {
		return digest, r, errReceipt
	}
	digest = [32]byte(b)
	n := int(binary.BigEndian.Uint16(b[32:]))
	b = b[receiptFixed:]
	if n > len(b)/receiptItem {
		return digest, r, errReceipt
	}
	r.Keys, r.Stamps = make([]Key, n), make([]Stamp, n)
	text := func() (string, bool) {
		if len(b) < 2 {
			return "", false
		}
		size := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+size {
			return "", false
		}
		s := string(b[2 : 2+size])
		b = b[2+size:]
		return s, true
	}
	for i := range n {
		var ok1, ok2 bool
		r.Keys[i].Partition, ok1 = text()
		r.Keys[i].Sort, ok2 = text()
		if !ok1 || !ok2 || len(b) < 40 {
			return digest, Receipt{}, errReceipt
		}
		r.Stamps[i] = Stamp{Version: binary.BigEndian.Uint64(b), Head: [32]byte(b[8:40])}
		b = b[40:]
	}
	if len(b) != 0 {
		return digest, Receipt{}, errReceipt
	}
	return digest, r, nil
}

// Receipt returns the receipt of a request that was committed, with Replayed
// set. It is ErrNotFound when the request was not committed and
// ErrReplayMismatch when its id was used with another digest. It saves the work
// before a commit; Commit and Update ask by themselves.
func (s *Store) Receipt(ctx context.Context, r Request) (Receipt, error) {
	got, found, err := s.replay(ctx, r)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("storage: receipt %q: %w", r.ID, err)
	}
	return got, nil
}

// replay looks a request's receipt up. A request without an id has none.
func (s *Store) replay(ctx context.Context, r Request) (Receipt, bool, error) {
	if err := s.ready(ctx); err != nil {
		return Receipt{}, false, err
	}
	if err := r.check(); err != nil {
		return Receipt{}, false, err
	}
	if r.ID == "" {
		return Receipt{}, false, nil
	}
	it, e, err := s.load(ctx, receiptKey(r.ID))
	if errors.Is(err, ErrNotFound) {
		return Receipt{}, false, nil
	}
	if err != nil {
		return Receipt{}, false, err
	}
	if e.schema > receiptSchema {
		return Receipt{}, false, fmt.Errorf("receipt of request %q: %w", r.ID, ErrNewer)
	}
	digest, got, err := decodeReceipt(e.payload)
	if err != nil {
		return Receipt{}, false, damaged(&it, err.Error())
	}
	if digest != r.Digest {
		return Receipt{}, false, fmt.Errorf("%w: id %q", ErrReplayMismatch, r.ID)
	}
	got.Replayed = true
	return got, true, nil
}
