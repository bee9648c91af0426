package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// Kinds of records. A change of what any of them, or a part, holds that an older
// release would misread raises the schema.
const (
	kindBook   = "ledger.book"
	kindClaims = "ledger.claims"
	kindPart   = "ledger.part"
	schema     = 1
)

// Partitions.
const (
	partitionBooks  = "ledger/books"
	partitionClaims = "ledger/claims"
	partitionParts  = "ledger/parts/"
)

// Cause says why a generation differs from the one before.
type Cause string

// The causes. Apart from First and Mixed they are the labels of the terms that
// make up the difference, of which Mixed has several. Where no row changed, the
// cause is what did: the delivery (its days, or else a restatement), the claims,
// or the rules, which include what the rollup groups by.
const (
	First Cause = "first"
	Mixed Cause = "mixed"
)

// Generation describes one state of a book, without its contents.
type Generation struct {
	Number         uint64       `json:"number"`   // from 1 on
	Previous       uint64       `json:"previous"` // 0 for the first
	Cause          Cause        `json:"cause"`
	Delivery       cur.Delivery `json:"delivery"`
	SpecDigest     string       `json:"spec"`               // of the rollup
	Columns        []cur.Column `json:"columns,omitempty"`  // declared columns and tag keys that the groups hold
	GroupsDigest   string       `json:"groups"`             // of the stored groups
	SessionsDigest string       `json:"sessions,omitempty"` // of their session grain
	ClaimsRevision string       `json:"claims"`             // of the claims that meet the period
	RulesVersion   string       `json:"rules"`
	Reconciled     bool         `json:"reconciled"`
	// Unreconciled says what does not reconcile, and Override why it was booked
	// all the same.
	Unreconciled []string  `json:"unreconciled,omitempty"`
	Override     string    `json:"override,omitempty"`
	BookedAt     time.Time `json:"booked_at"`
	// States say how final the delivery is, by currency; a currency is left out
	// where the report does not say. Generations of older releases have none.
	States map[string]attribution.State `json:"states,omitempty"`
	// Parts are the contents; the methods of Ledger read them.
	Parts map[string]storage.Part `json:"parts"`
}

// wireHead is the stored form of a Generation: the same, but for its parts.
type wireHead struct {
	plain
	Parts map[string]wirePart `json:"parts,omitempty"`
}

type plain Generation

type wirePart struct {
	Partition string `json:"partition"`
	Sort      string `json:"sort"`
	Chunks    int    `json:"chunks"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
}

func toWire(p storage.Part) wirePart {
	return wirePart{p.Key.Partition, p.Key.Sort, p.Chunks, p.Size, hex.EncodeToString(p.Digest[:])}
}

func (w wirePart) part() (storage.Part, error) {
	p := storage.Part{Key: storage.Key{Partition: w.Partition, Sort: w.Sort}, Chunks: w.Chunks, Size: w.Size}
	sum, err := hex.DecodeString(w.SHA256)
	if err != nil || len(sum) != len(p.Digest) || p.Chunks < 0 || p.Size < 0 {
		return p, fmt.Errorf("part %q is not well formed", w.Sort)
	}
	p.Digest = [32]byte(sum)
	return p, nil
}

// encodeHead makes the record of a generation.
func encodeHead(g *Generation) ([]byte, error) {
	w := wireHead{plain: plain(*g)}
	if len(g.Parts) > 0 {
		w.Parts = make(map[string]wirePart, len(g.Parts))
	}
	for name, p := range g.Parts {
		w.Parts[name] = toWire(p)
	}
	return json.Marshal(w)
}

func decodeGeneration(r storage.Record) (Generation, error) {
	fail := func(err error) (Generation, error) {
		return Generation{}, fmt.Errorf("ledger: read %s: %w", r.Key, err)
	}
	if r.Schema > schema {
		return fail(fmt.Errorf("schema %d: %w", r.Schema, ErrNewer))
	}
	var w wireHead
	if err := json.Unmarshal(r.Data, &w); err != nil {
		return fail(err)
	}
	g := Generation(w.plain)
	if g.Number != r.Stamp.Version {
		return fail(fmt.Errorf("generation %d is kept as version %d", g.Number, r.Stamp.Version))
	}
	g.Parts = make(map[string]storage.Part, len(w.Parts))
	for name, p := range w.Parts {
		part, err := p.part()
		if err != nil {
			return fail(err)
		}
		g.Parts[name] = part
	}
	return g, nil
}

// bookKey names the head of a book. Payers are account numbers; whatever else a
// file says is escaped.
func bookKey(payer string, period cur.Month) storage.Key {
	return storage.Key{Partition: partitionBooks, Sort: url.PathEscape(payer) + "/" + period.String()}
}

// partKey names a part by its content: an attempt that was cut short leaves
// parts that the next one takes up again, and generations share what they have
// in common.
func partKey(d *cur.Delivery, name string, digest [32]byte) storage.Key {
	return storage.Key{
		Partition: partitionParts + url.PathEscape(d.Payer) + "/" + d.Period.String(),
		Sort:      name + "/" + hex.EncodeToString(digest[:]),
	}
}

// Head returns the newest generation of a book. Errors: ErrNoBook, ErrNewer, or
// those of the store.
func (l *Ledger) Head(ctx context.Context, payer string, period cur.Month) (Generation, error) {
	g, _, err := l.head(ctx, payer, period)
	return g, err
}

func (l *Ledger) head(ctx context.Context, payer string, period cur.Month) (Generation, storage.Stamp, error) {
	r, err := l.store.Get(ctx, bookKey(payer, period))
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrNoBook
	}
	if err != nil {
		return Generation{}, storage.Stamp{}, fmt.Errorf("ledger: head of payer %q, period %s: %w", payer, period, err)
	}
	g, err := decodeGeneration(r)
	return g, r.Stamp, err
}

// Heads yields the newest generation of every book, in the order of their keys:
// by payer and period, where payers are account numbers. An error, ErrNewer
// among them, ends the sequence.
func (l *Ledger) Heads(ctx context.Context) iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		for r, err := range l.store.Range(ctx, storage.Span{Partition: partitionBooks}) {
			var g Generation
			if err != nil {
				err = fmt.Errorf("ledger: heads: %w", err)
			} else {
				g, err = decodeGeneration(r)
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// History yields all generations of a book, oldest first, checking the chain of
// the log as it goes. An error, ErrNoBook among them, ends the sequence.
func (l *Ledger) History(ctx context.Context, payer string, period cur.Month) iter.Seq2[Generation, error] {
	return l.history(ctx, payer, period, 1)
}

func (l *Ledger) history(ctx context.Context, payer string, period cur.Month, from uint64) iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		for r, err := range l.store.Log(ctx, bookKey(payer, period), from) {
			var g Generation
			switch {
			case errors.Is(err, storage.ErrNotFound):
				err = fmt.Errorf("ledger: history of payer %q, period %s: %w", payer, period, ErrNoBook)
			case err != nil:
				err = fmt.Errorf("ledger: history of payer %q, period %s: %w", payer, period, err)
			default:
				g, err = decodeGeneration(r)
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// Generation returns one generation of a book by its number, which is how others
// pin what they decided on. ErrNoBook means that the book does not have it.
func (l *Ledger) Generation(ctx context.Context, payer string, period cur.Month, number uint64) (Generation, error) {
	if number > 0 {
		for g, err := range l.history(ctx, payer, period, number) {
			return g, err
		}
	}
	return Generation{}, fmt.Errorf("ledger: generation %d of payer %q, period %s: %w", number, payer, period, ErrNoBook)
}
