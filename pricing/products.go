package pricing

import (
	"context"
	"fmt"
	"strings"
)

// ProductSource pages through the GetProducts operation of the AWS Price List
// query API. The SDK's client becomes one in a few lines; the package links none.
type ProductSource interface {
	// Products returns one page of product documents, each a JSON string as the
	// API returns it, and the token of the next page, blank on the last. The page
	// is that of a service code in a region (the filter regionCode; usage types
	// are matched exactly by the API, so they make poor filters).
	Products(ctx context.Context, service, region, token string) (documents []string, next string, err error)
}

// productDocument is one document of GetProducts.
type productDocument struct {
	Product         listProduct `json:"product"`
	ServiceCode     string      `json:"serviceCode"`
	Version         string      `json:"version"`
	PublicationDate string      `json:"publicationDate"`
	Terms           struct {
		OnDemand map[string]listTerm
	} `json:"terms"`
}

// maxPages bounds a source that never stops: at a hundred documents a page, it is
// a hundred times what any service with model products lists in a region.
const maxPages = 10_000

// ReadProducts reads all products of a service in a region. It fails as
// [ReadPriceList] does, and with whatever error the source returns. A document of
// another region than asked for is refused.
func ReadProducts(ctx context.Context, source ProductSource, service, region string, o *ListOptions) (*PriceList, error) {
	l := newLoader(o)
	l.list.Offer = service
	token, seen := "", map[string]bool{}
	for page := 0; ; page++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("pricing: read products of %s in %s: %w", service, region, err)
		}
		documents, next, err := source.Products(ctx, service, region, token)
		if err != nil {
			return nil, fmt.Errorf("pricing: read products of %s in %s, page %d: %w", service, region, page+1, err)
		}
		for i, body := range documents {
			if err := l.document(service, region, body); err != nil {
				return nil, fmt.Errorf("pricing: read products of %s in %s, page %d, document %d: %w", service, region, page+1, i+1, err)
			}
		}
		if next == "" {
			return l.done()
		}
		if seen[next] || page+1 == maxPages {
			return nil, fmt.Errorf("pricing: read products of %s in %s, page %d: %w: the pages do not end", service, region, page+1, ErrSyntax)
		}
		seen[next], token = true, next
	}
}

// document reads one product document into the list.
func (l *loader) document(service, region, body string) error {
	var d productDocument
	if err := decodeJSON(strings.NewReader(body), &d); err != nil {
		return err
	}
	switch {
	case d.Product.SKU == "" || d.Product.Attributes["usagetype"] == "":
		return fmt.Errorf("%w: no SKU or no usage type", ErrSyntax)
	case d.ServiceCode != "" && d.ServiceCode != service:
		return fmt.Errorf("%w: SKU %s is of service %q", ErrSyntax, d.Product.SKU, d.ServiceCode)
	case d.Product.Attributes["regionCode"] != region:
		return fmt.Errorf("%w: SKU %s is of region %q", ErrSyntax, d.Product.SKU, d.Product.Attributes["regionCode"])
	}
	before := l.list.Published
	if err := l.publication(d.PublicationDate); err != nil {
		return fmt.Errorf("SKU %s: %w", d.Product.SKU, err)
	}
	if l.list.Published.After(before) {
		l.list.Version = d.Version
	} else {
		l.list.Published = before // the newest names the list
	}
	l.product(service, "GetProducts "+service+" "+d.Version, d.Product, d.Terms.OnDemand)
	return nil
}
