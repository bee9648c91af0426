package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/storage"
)

// claimsKey names the record of the current claims; its log names all sets that
// were ever current.
func claimsKey() storage.Key {
	return storage.Key{Partition: partitionClaims, Sort: "current"}
}

// claimsHead is that record.
type claimsHead struct {
	Claims int      `json:"claims"` // how many
	Part   wirePart `json:"part"`
}

// CurrentClaims returns the claims saved last, none if there are none.
func (l *Ledger) CurrentClaims(ctx context.Context) (*attribution.Claims, error) {
	c, _, err := l.currentClaims(ctx)
	return c, err
}

func (l *Ledger) currentClaims(ctx context.Context) (*attribution.Claims, storage.Stamp, error) {
	fail := func(err error) (*attribution.Claims, storage.Stamp, error) {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: %w", err)
	}
	r, err := l.store.Get(ctx, claimsKey())
	if errors.Is(err, storage.ErrNotFound) {
		return &attribution.Claims{}, storage.Stamp{}, nil
	}
	if err != nil {
		return fail(err)
	}
	if r.Schema > schema {
		return fail(fmt.Errorf("schema %d: %w", r.Schema, ErrNewer))
	}
	var h claimsHead
	if err := json.Unmarshal(r.Data, &h); err != nil {
		return fail(err)
	}
	part, err := h.Part.part()
	if err != nil {
		return fail(err)
	}
	b, err := io.ReadAll(l.store.ReadPart(ctx, part))
	if err != nil {
		return fail(err)
	}
	c, err := attribution.DecodeClaims(b)
	if err != nil {
		return fail(err)
	}
	return c, r.Stamp, nil
}

// Record returns c with the time each claim was recorded: the earlier time for a
// claim that is current and has not changed, now for one that is new and says
// none. Nothing is written.
func (l *Ledger) Record(ctx context.Context, c *attribution.Claims) (*attribution.Claims, error) {
	before, err := l.CurrentClaims(ctx)
	if err != nil {
		return nil, err
	}
	return l.record(before, c), nil
}

func (l *Ledger) record(before, c *attribution.Claims) *attribution.Claims {
	if c == nil {
		return &attribution.Claims{}
	}
	// Claims are compared by their canonical form.
	form := func(c attribution.Claim) string {
		c.RecordedAt = time.Time{}
		return string((&attribution.Claims{Claims: []attribution.Claim{c}}).AppendJSON(nil))
	}
	known := make(map[string]time.Time, len(before.Claims))
	for _, b := range before.Claims {
		known[form(b)] = b.RecordedAt
	}
	out := *c.HashSessions(l.rules.SessionKey) // as they are stored
	out.Claims = slices.Clone(out.Claims)
	now := l.now().UTC()
	for i := range out.Claims {
		n := &out.Claims[i]
		if at := known[form(*n)]; !at.IsZero() {
			n.RecordedAt = at
		} else if n.RecordedAt.IsZero() {
			n.RecordedAt = now
		}
	}
	return &out
}

// SaveClaims makes c the current claims and returns them with the time each was
// recorded, see [Ledger.Record]. Saving what is current writes nothing. Books
// are not touched: see [Ledger.Reattribute].
//
// Errors: attribution.ErrClaims, attribution.ErrClaimConflict for claims that
// overlap, storage.ErrConflict when somebody else saved claims at the same time.
func (l *Ledger) SaveClaims(ctx context.Context, c *attribution.Claims) (*attribution.Claims, error) {
	fail := func(err error) (*attribution.Claims, error) {
		return nil, fmt.Errorf("ledger: save claims: %w", err)
	}
	if c == nil {
		c = &attribution.Claims{}
	}
	if err := l.storable(c); err != nil {
		return fail(err)
	}
	before, stamp, err := l.currentClaims(ctx)
	if err != nil {
		return nil, err
	}
	c = l.record(before, c)
	body := c.AppendJSON(nil)
	if bytes.Equal(body, before.AppendJSON(nil)) {
		return c, nil
	}
	sum := sha256.Sum256(body)
	part, err := l.store.WritePart(ctx, storage.Key{Partition: partitionParts + "claims", Sort: hex.EncodeToString(sum[:])}, kindPart, schema, bytes.NewReader(body))
	if err != nil {
		return fail(err)
	}
	data, err := json.Marshal(claimsHead{len(c.Claims), toWire(part)})
	if err != nil {
		return fail(err)
	}
	_, err = l.store.Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{
		{Key: claimsKey(), Prev: stamp, Kind: kindClaims, Schema: schema, Data: data, Entry: data},
	}})
	if err != nil {
		return fail(err)
	}
	return c, nil
}
