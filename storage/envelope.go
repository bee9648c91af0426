package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The envelope is what a driver keeps as a body. Format 1, integers big-endian:
//
//	0   "SC"            marks the bytes as ours
//	2   format   u8     1
//	3   role     u8     1 record, 2 entry
//	4   flags    u8     bit 0: the record is audited
//	5   schema   u16
//	7   version  u64
//	15  head     [32]
//	47  digest   [32]   SHA-256 of the record's data at this version
//	79  kind     u8 length, bytes
//	    payload  u32 length, bytes
//	    crc      u32    CRC32C over all of the above and the length-prefixed key
//
// The digest makes the chain of heads checkable from the log alone: the data
// of earlier versions is gone, its digest stays in the entry.
const (
	envelopeFormat  = 1
	roleRecord      = 1
	roleEntry       = 2
	flagAudited     = 1
	envelopeFixed   = 80
	envelopeTrailer = 4
)

// An envelope is an opened body.
type envelope struct {
	role    byte
	audited bool
	schema  uint16
	stamp   Stamp
	digest  [32]byte
	kind    string
	payload []byte
}

// seal encodes e for the key k.
func (e *envelope) seal(k Key) []byte {
	b := make([]byte, 0, envelopeFixed+len(e.kind)+4+len(e.payload)+envelopeTrailer)
	var flags byte
	if e.audited {
		flags |= flagAudited
	}
	b = append(b, 'S', 'C', envelopeFormat, e.role, flags)
	b = binary.BigEndian.AppendUint16(b, e.schema)
	b = binary.BigEndian.AppendUint64(b, e.stamp.Version)
	b = append(b, e.stamp.Head[:]...)
	b = append(b, e.digest[:]...)
	b = append(b, byte(len(e.kind)))
	b = append(b, e.kind...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.payload)))
	b = append(b, e.payload...)
	return binary.BigEndian.AppendUint32(b, checksum(b, k))
}

// checksum covers the key too, so that a body filed under another key, by a
// damaged index page say, does not pass.
func checksum(b []byte, k Key) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b)
	return crc32.Update(sum, table, appendKey(nil, k))
}

func appendKey(b []byte, k Key) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.Partition)))
	b = append(b, k.Partition...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.Sort)))
	return append(b, k.Sort...)
}

var errEnvelope = errors.New("body is not a sealed record")

// unseal decodes a body kept for the key k. The payload is part of b. The
// error is ErrNewer or says what is damaged.
func unseal(b []byte, k Key) (envelope, error) {
	var e envelope
	if len(b) < 3 || b[0] != 'S' || b[1] != 'C' || b[2] == 0 {
		return e, errEnvelope
	}
	if b[2] > envelopeFormat {
		return e, fmt.Errorf("%w: body has format %d", ErrNewer, b[2])
	}
	if len(b) < envelopeFixed+4+envelopeTrailer {
		return e, fmt.Errorf("%w: cut short at %d bytes", errEnvelope, len(b))
	}
	body, crc := b[:len(b)-envelopeTrailer], binary.BigEndian.Uint32(b[len(b)-envelopeTrailer:])
	if checksum(body, k) != crc {
		return e, errors.New("checksum of key and body does not match")
	}
	// Beyond this point only a writer's defect can be found, yet every length
	// is still compared with what is there.
	e.role = body[3]
	e.audited = body[4]&flagAudited != 0
	e.schema = binary.BigEndian.Uint16(body[5:])
	e.stamp.Version = binary.BigEndian.Uint64(body[7:])
	e.stamp.Head = [32]byte(body[15:47])
	e.digest = [32]byte(body[47:79])
	rest := body[envelopeFixed:]
	n := int(body[79])
	if body[4]&^flagAudited != 0 || (e.role != roleRecord && e.role != roleEntry) || len(rest) < n+4 {
		return e, errEnvelope
	}
	e.kind, rest = string(rest[:n]), rest[n:]
	if uint64(binary.BigEndian.Uint32(rest)) != uint64(len(rest)-4) {
		return e, errEnvelope
	}
	// The capacity ends with the payload: a caller who appends cannot reach
	// bytes that are not its own.
	e.payload = rest[4:len(rest):len(rest)]
	return e, nil
}

// digestOf is the digest of a record's data that envelopes and heads carry.
func digestOf(data []byte) [32]byte { return sha256.Sum256(data) }

// headOf chains a write to the history before it. Variable parts are prefixed
// with their length and the presence of an entry is stated, so that no two
// writes hash the same bytes.
func headOf(prev [32]byte, k Key, version uint64, kind string, schema uint16, digest [32]byte, entry []byte) [32]byte {
	b := make([]byte, 0, 256)
	b = append(b, "spendclaim storage head 1\n"...)
	b = append(b, prev[:]...)
	b = appendKey(b, k)
	b = binary.BigEndian.AppendUint64(b, version)
	b = binary.BigEndian.AppendUint16(b, uint16(len(kind)))
	b = append(b, kind...)
	b = binary.BigEndian.AppendUint16(b, schema)
	b = append(b, digest[:]...)
	if entry == nil {
		b = append(b, 0)
	} else {
		b = append(b, 1)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(len(entry)))
	h := sha256.New()
	h.Write(b)
	h.Write(entry)
	return [32]byte(h.Sum(nil))
}

// sealPut returns the write that a put becomes.
func sealPut(p *Put) Write {
	digest := digestOf(p.Data)
	w := Write{Key: p.Key, Prev: p.Prev}
	w.Next.Version = p.Prev.Version + 1
	w.Next.Head = headOf(p.Prev.Head, p.Key, w.Next.Version, p.Kind, p.Schema, digest, p.Entry)
	e := envelope{
		role: roleRecord, audited: p.Entry != nil, schema: p.Schema,
		stamp: w.Next, digest: digest, kind: p.Kind, payload: p.Data,
	}
	w.Record = e.seal(p.Key)
	if p.Entry != nil {
		e.role, e.payload = roleEntry, p.Entry
		w.Entry = e.seal(p.Key)
	}
	return w
}

// openItem unseals what a driver returned and compares it with what the driver
// keeps in the clear.
func openItem(it *Item) (envelope, error) {
	e, err := unseal(it.Body, it.Key)
	switch {
	case errors.Is(err, ErrNewer):
		return e, fmt.Errorf("%s: %w", it.Key, err)
	case err != nil:
	case (e.role == roleEntry) != it.Entry:
		err = errors.New("record and entry are exchanged")
	case e.stamp != it.Stamp:
		err = fmt.Errorf("stored under stamp %s but sealed as %s", it.Stamp, e.stamp)
	case !it.Entry && e.audited && digestOf(e.payload) != e.digest:
		// The head covers the digest; this ties it to the data. Heads of
		// unaudited records prove nothing, so there the checksum is enough.
		err = errors.New("data does not match its digest")
	}
	if err != nil {
		return e, damaged(it, err.Error())
	}
	return e, nil
}

// damaged is the error for an item that was read but cannot be trusted.
func damaged(it *Item, reason string) error {
	c := &CorruptError{Key: it.Key, Entry: it.Entry, Reason: reason, Remedy: "restore it from an export or a backup"}
	if it.Entry {
		c.Version = it.Stamp.Version
	}
	return c
}

// record returns the opened item as callers see it.
func (e *envelope) record(k Key) Record {
	return Record{Key: k, Stamp: e.stamp, Kind: e.kind, Schema: e.schema, Data: e.payload}
}
