package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// namedPart is a part that is to be written.
type namedPart struct {
	name   string
	body   []byte
	digest [32]byte
}

// Commit writes the generation: its parts, then the head in one step. An
// unchanged booking writes nothing. The error is storage.ErrConflict when the
// book changed since the booking was prepared: prepare it again. After any other
// error it may be repeated; what was written is not written again.
func (b *Booking) Commit(ctx context.Context) error {
	if b.Unchanged {
		return nil
	}
	l, g := b.ledger, b.Generation
	fail := func(err error) error {
		return fmt.Errorf("ledger: book payer %q, period %s, generation %d: %w", g.Delivery.Payer, g.Delivery.Period, g.Number, err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	parts, err := b.parts()
	if err != nil {
		return fail(err)
	}
	id, err := b.identity(parts)
	if err != nil {
		return fail(err)
	}
	g.Parts = maps.Clone(b.reuse)
	if g.Parts == nil {
		g.Parts = make(map[string]storage.Part, len(parts))
	}
	for i := range parts {
		p := &parts[i]
		key, err := l.freeKey(ctx, partKey(&g.Delivery, p.name, p.digest))
		if err != nil {
			return fail(err)
		}
		if g.Parts[p.name], err = l.store.WritePart(ctx, key, kindPart, schema, bytes.NewReader(p.body)); err != nil {
			return fail(err)
		}
		p.body = nil // the groups may be large
	}
	g.BookedAt = l.now().UTC()
	data, err := encodeHead(&g)
	if err != nil {
		return fail(err)
	}
	// The content names the command, so that a repetition after a lost answer
	// finds the receipt instead of a conflict.
	req := storage.Request{ID: "ledger/book/" + hex.EncodeToString(id[:]), Digest: id}
	receipt, err := l.store.Commit(ctx, req, &storage.Batch{Puts: []storage.Put{
		{Key: bookKey(g.Delivery.Payer, g.Delivery.Period), Prev: b.stamp, Kind: kindBook, Schema: schema, Data: data, Entry: data},
	}, Checks: untouched(&g)})
	if err != nil {
		return fail(err)
	}
	if receipt.Replayed {
		// Somebody wrote this very generation before, at another time.
		if g, err = l.Generation(ctx, g.Delivery.Payer, g.Delivery.Period, g.Number); err != nil {
			return err
		}
	}
	b.Generation = g
	return nil
}

// parts encodes what is not there already.
func (b *Booking) parts() ([]namedPart, error) {
	totals, err := json.Marshal(totalsOf(b.partial, b.Statements))
	if err != nil {
		return nil, err
	}
	delta, err := json.Marshal(toWireDeltas(b.Delta))
	if err != nil {
		return nil, err
	}
	var out []namedPart
	put := func(name string, body []byte) {
		out = append(out, namedPart{name, body, sha256.Sum256(body)})
	}
	if _, ok := b.reuse[partGroups]; !ok {
		put(partGroups, b.partial.AppendBody(nil))
	}
	if _, ok := b.reuse[partSessions]; !ok && b.sessions != nil {
		put(partSessions, b.sessions.AppendBody(nil))
	}
	if _, ok := b.reuse[partSource]; !ok {
		src, err := json.Marshal(source{b.files, b.partial.Objects()})
		if err != nil {
			return nil, err
		}
		put(partSource, src)
	}
	put(partClaims, b.claims.AppendJSON(nil))
	put(partStatement, totals)
	put(partDelta, delta)
	return out, nil
}

// identity names what is to be committed: the head but for the time of booking,
// which a repetition changes, and the content of the parts.
func (b *Booking) identity(parts []namedPart) (id [32]byte, err error) {
	g := b.Generation
	g.Parts, g.BookedAt = nil, time.Time{}
	head, err := encodeHead(&g)
	if err != nil {
		return id, err
	}
	digests := make(map[string][]byte, len(parts)+len(b.reuse))
	for name, p := range b.reuse {
		digests[name] = p.Digest[:]
	}
	for i := range parts {
		digests[parts[i].name] = parts[i].digest[:]
	}
	list, err := json.Marshal(digests) // in order of names
	if err != nil {
		return id, err
	}
	return sha256.Sum256(append(head, list...)), nil
}
