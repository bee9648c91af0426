package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// A Projection is a list kept beside the records it lists: a queue of who must act
// next, a registry of a kind. Whoever commits a record commits its listings in the
// same batch; Reindex makes good what was missed, and builds a list that is new.
type Projection struct {
	// From is the kind of the records listed, Kind that of the listings, which are
	// unaudited. Two projections do not share a Kind.
	From, Kind string
	Schema     uint16

	// List returns the listings of a record; Prev, Kind, Schema and Entry are filled
	// in. It depends on the record alone, and no two records have a listing in common.
	List func(Record) ([]Put, error)
}

// Changes counts what Reindex put right.
type Changes struct {
	Created, Corrected, Removed int
}

// Reindex compares every listing of p with the records, and writes, replaces or
// removes those that differ, a record at a time; a list that is right is not written
// to. It may run while others write. Interrupted, it can be repeated. Errors are those
// of List, Get and Update.
func (s *Store) Reindex(ctx context.Context, p Projection) (Changes, error) {
	var c Changes
	err := s.reindex(ctx, &p, &c)
	if err != nil {
		return c, fmt.Errorf("storage: reindex %q: %w", p.Kind, err)
	}
	return c, nil
}

func (s *Store) reindex(ctx context.Context, p *Projection, c *Changes) error {
	// The listings first: one that is there now and belongs to a record is found
	// with it afterwards, for a record comes in the same batch as its listing.
	listings := map[Key]Stamp{}
	err := s.each(ctx, p.Kind, func(r Record) error {
		listings[r.Key] = r.Stamp
		return nil
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, p.From, func(r Record) error { return s.relist(ctx, p, r.Key, listings, c) })
	if err != nil {
		return err
	}
	for k, stamp := range listings {
		_, err := s.commit(ctx, Request{}, &Batch{Deletes: []Delete{{Key: k, Prev: stamp}}}, nil)
		switch {
		case err == nil:
			c.Removed++
		case !errors.Is(err, ErrConflict): // changed since: somebody keeps it
			return err
		}
	}
	return nil
}

// each calls f for every record of a kind.
func (s *Store) each(ctx context.Context, kind string, f func(Record) error) error {
	for cursor := ""; ; {
		if err := s.ready(ctx); err != nil {
			return err
		}
		page, next, err := s.driver.Scan(ctx, cursor)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Entry {
				continue
			}
			e, err := openItem(&page[i])
			if err != nil {
				return err
			}
			if e.kind != kind {
				continue
			}
			if err := f(e.record(page[i].Key)); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		if next == cursor {
			return fmt.Errorf("driver does not advance past cursor %q", cursor)
		}
		cursor = next
	}
}

// relist puts the listings of one record right and takes them off listings.
func (s *Store) relist(ctx context.Context, p *Projection, k Key, listings map[Key]Stamp, c *Changes) error {
	var created, corrected int
	var wanted []Key
	_, err := s.Update(ctx, Request{}, func(tx *Tx) error {
		created, corrected, wanted = 0, 0, nil
		r, err := tx.Get(k)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		puts, err := p.List(r)
		if err != nil {
			return fmt.Errorf("list %s: %w", k, err)
		}
		for _, put := range puts {
			put.Prev, put.Kind, put.Schema, put.Entry = Stamp{}, p.Kind, p.Schema, nil
			wanted = append(wanted, put.Key)
			old, err := tx.Get(put.Key)
			switch {
			case errors.Is(err, ErrNotFound):
				created++
			case err != nil:
				return err
			case old.Kind == p.Kind && old.Schema == p.Schema && bytes.Equal(old.Data, put.Data):
				continue
			default:
				corrected++
			}
			tx.Put(put)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range wanted {
		delete(listings, key)
	}
	c.Created += created
	c.Corrected += corrected
	return nil
}
