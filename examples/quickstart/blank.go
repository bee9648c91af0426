package main

import (
	"context"
	"errors"

	"github.com/spendclaim/spendclaim/cur"
)

// unblendedColumn is where a row has its cost; files that spell it otherwise are
// told of under this name.
const unblendedColumn = "line_item_unblended_cost"

var errBlankCost = errors.New("blank cost")

// firstBlank returns the first row without a cost, in the order of files and rows;
// nil where it finds none. A rollup counts such rows and does not say where they
// are; who was refused because of one wants to know.
func firstBlank(ctx context.Context, sets []*cur.Set) error {
	for _, s := range sets {
		for _, info := range s.Files() {
			if at := firstBlankOf(ctx, info.Name); at != nil {
				return at
			}
		}
	}
	return nil
}

// firstBlankOf is firstBlank of one file. What cannot be read has none: it was read
// before, and the manifest has no rows.
func firstBlankOf(ctx context.Context, name string) error {
	f, err := cur.Local().Open(ctx, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	r, err := cur.NewReader(ctx, f, nil)
	if err != nil {
		return nil
	}
	defer r.Close()
	var li cur.LineItem
	for n := int64(1); r.Read(&li) == nil; n++ {
		if _, ok := li.UnblendedCost(); !ok {
			return &cur.RowError{Source: name, Row: n, Column: unblendedColumn, Err: errBlankCost}
		}
	}
	return nil
}
