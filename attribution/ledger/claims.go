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

var claimsKey = storage.Key{Partition: partitionClaims, Sort: "current"}

// claimsHead is the record that names the current claims; its log names all
// sets that were ever current.
type claimsHead struct {
	Claims int          `json:"claims"` // how many
	Part   storage.Part `json:"part"`
}

// CurrentClaims returns the claims saved last, none if there are none.
func (l *Ledger) CurrentClaims(ctx context.Context) (*attribution.Claims, error) {
	c, _, err := l.currentClaims(ctx)
	return c, err
}

func (l *Ledger) currentClaims(ctx context.Context) (*attribution.Claims, storage.Stamp, error) {
	r, err := l.store.Get(ctx, claimsKey)
	if errors.Is(err, storage.ErrNotFound) {
		return &attribution.Claims{}, storage.Stamp{}, nil
	}
	if err != nil {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: %w", err)
	}
	var h claimsHead
	if r.Schema > schema {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: schema %d: %w", r.Schema, ErrNewer)
	}
	if err := json.Unmarshal(r.Data, &h); err != nil {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: %w", err)
	}
	b, err := io.ReadAll(l.store.ReadPart(ctx, h.Part))
	if err != nil {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: %w", err)
	}
	c, err := attribution.DecodeClaims(b)
	if err != nil {
		return nil, storage.Stamp{}, fmt.Errorf("ledger: current claims: %w", err)
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
	// Claims are compared by their canonical form.
	form := func(c attribution.Claim) string {
		c.RecordedAt = time.Time{}
		return string((&attribution.Claims{Claims: []attribution.Claim{c}}).AppendJSON(nil))
	}
	known := make(map[string]time.Time, len(before.Claims))
	for _, b := range before.Claims {
		known[form(b)] = b.RecordedAt
	}
	out := *c
	out.Claims = slices.Clone(c.Claims)
	now := l.now().UTC()
	for i := range out.Claims {
		n := &out.Claims[i]
		if at, ok := known[form(*n)]; ok {
			n.RecordedAt = at
		} else if n.RecordedAt.IsZero() {
			n.RecordedAt = now
		}
	}
	return &out
}

// SaveClaims makes c the current claims and returns them with the time each was
// recorded, see [Ledger.Record]. Saving what is current writes nothing. Books
// are not touched: see [Ledger.Reattribute]. Claims that overlap are
// attribution.ErrClaimConflict.
func (l *Ledger) SaveClaims(ctx context.Context, c *attribution.Claims) (*attribution.Claims, error) {
	if err := c.Validate(l.rules); err != nil {
		return nil, err
	}
	before, stamp, err := l.currentClaims(ctx)
	if err != nil {
		return nil, err
	}
	c = l.record(before, c)
	body := c.AppendJSON(nil)
	if bytes.Equal(body, before.AppendJSON(nil)) && (len(c.Claims) > 0 || !stamp.IsZero()) {
		return c, nil
	}
	sum := sha256.Sum256(body)
	part, err := l.store.WritePart(ctx, storage.Key{Partition: partitionParts + "claims", Sort: hex.EncodeToString(sum[:16])}, kindPart, schema, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ledger: save claims: %w", err)
	}
	data, err := json.Marshal(claimsHead{len(c.Claims), part})
	if err != nil {
		return nil, fmt.Errorf("ledger: save claims: %w", err)
	}
	_, err = l.store.Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{
		{Key: claimsKey, Prev: stamp, Kind: kindClaims, Schema: schema, Data: data, Entry: data},
	}})
	if err != nil {
		return nil, fmt.Errorf("ledger: save claims: %w", err)
	}
	return c, nil
}
