package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// shape is what rows have in common once digits and names are masked.
type shape struct {
	Product   string `json:"product_code"`
	UsageType string `json:"usage_type"`
	Resource  string `json:"resource_id"`
	Principal string `json:"principal"`
	Operation string `json:"operation"`
	Unit      string `json:"unit"`
}

// counted is a shape and how many rows have it.
type counted struct {
	shape
	Rows int64 `json:"rows"`
}

// maxShapes bounds the memory that shapes take; rows of further ones are counted
// together.
const maxShapes = 2000

// shapes counts the shapes of rows.
type shapes struct {
	rows  map[shape]int64
	Other int64 // rows of shapes beyond the bound
	// Masking costs more than reading, and ids repeat.
	ids map[string]string
}

func newShapes() *shapes {
	return &shapes{rows: map[shape]int64{}, ids: map[string]string{}}
}

func (s *shapes) add(li *cur.LineItem) {
	k := shape{
		Product:   maskWord(li.ProductCode),
		UsageType: usagePattern(li.ProductCode, li.UsageType),
		Resource:  s.id(li.Resource),
		Principal: s.id(li.Principal),
		Operation: maskWord(li.Operation),
		Unit:      maskWord(li.PricingUnit),
	}
	if _, known := s.rows[k]; !known && len(s.rows) >= maxShapes {
		s.Other++
		return
	}
	s.rows[k]++
}

func (s *shapes) id(id string) string {
	m, ok := s.ids[id]
	if !ok {
		m = maskID(id)
		if len(s.ids) >= maxShapes {
			clear(s.ids)
		}
		s.ids[strings.Clone(id)] = m
	}
	return m
}

// usagePattern is a usage type without the region it begins with.
func usagePattern(product, usageType string) string {
	if _, rest, ok := strings.Cut(usageType, "-"); ok &&
		pricing.Classify(pricing.Usage{ProductCode: product, UsageType: usageType}).Region != "" {
		return "<REGION>-" + maskWord(rest)
	}
	return maskWord(usageType)
}

// sorted returns the shapes by product, usage type and falling number of rows.
func (s *shapes) sorted() []counted {
	out := make([]counted, 0, len(s.rows))
	for k, n := range s.rows {
		out = append(out, counted{k, n})
	}
	slices.SortFunc(out, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.UsageType, b.UsageType), cmp.Compare(b.Rows, a.Rows),
			cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Unit, b.Unit))
	})
	return out
}

// printShapes reads the files of the paths row by row and prints their shapes.
func (o *options) printShapes(ctx context.Context, w io.Writer) error {
	opts := &cur.ReaderOptions{Columns: []cur.Column{cur.ColProductCode, cur.ColProductFamily, cur.ColProductName, cur.ColBillingEntity,
		cur.ColUsageType, cur.ColResource, cur.ColPrincipal, cur.ColOperation, cur.ColPricingUnit}}
	if !o.all {
		opts.Where = attribution.DefaultScope().Where()
	}
	src := cur.Local()
	sets, err := cur.Locate(ctx, src, o.paths...)
	if err != nil {
		return err
	}
	found := newShapes()
	for _, set := range sets {
		for _, file := range set.Files() {
			if m := set.Manifest(); m != nil && file.Name == m.Name {
				continue
			}
			if err := found.read(ctx, src, file.Name, opts); err != nil {
				return err
			}
		}
	}
	return found.print(w, o.format)
}

func (s *shapes) read(ctx context.Context, src cur.Source, name string, opts *cur.ReaderOptions) (err error) {
	f, err := src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := cur.NewReader(ctx, f, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for li, err := range r.All() {
		if err != nil {
			return err
		}
		s.add(li)
	}
	return nil
}

func (s *shapes) print(w io.Writer, format string) error {
	list := s.sorted()
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(struct {
			Shapes []counted `json:"shapes"`
			Other  int64     `json:"rows_of_other_shapes"`
		}{list, s.Other})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no rows in scope (with -all: every product)")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "product\tusage type\trows\tresource id\tprincipal\toperation\tunit")
	for _, c := range list {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", c.Product, c.UsageType, c.Rows,
			orDash(c.Resource), orDash(c.Principal), orDash(c.Operation), orDash(c.Unit))
	}
	if err := t.Flush(); err != nil || s.Other == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "and %d rows of other shapes\n", s.Other)
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
