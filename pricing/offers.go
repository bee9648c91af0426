package pricing

import (
	"fmt"
	"io"
	"time"
)

// OfferOptions says what the rate card of an agreement offer leaves out.
type OfferOptions struct {
	From time.Time // required: when the offer's prices begin; offers state no date
	// Region is that of dimensions without a billing prefix. Blank refuses them.
	Region   string
	Currency string // of the offer, which states none; USD by default
	// Model is the model as bills name it, "Claude Opus 5". By default the offer's
	// model id, which [ModelKey] does not always bring together with the bill's.
	Model string
	// Offer is the id of the one offer to read, where there are several. Blank reads
	// all; where they price a dimension differently, its rates are conflicting.
	Offer string
	// Skip is as in [ListOptions].
	Skip func(*RateError) bool

	_ struct{}
}

// offerDocument is the response of ListFoundationModelAgreementOffers.
type offerDocument struct {
	ModelID string `json:"modelId"`
	Offers  []struct {
		OfferID     string `json:"offerId"`
		TermDetails struct {
			UsageBasedPricingTerm struct {
				RateCard []struct {
					Description string `json:"description"`
					Dimension   string `json:"dimension"`
					Price       string `json:"price"`
					Unit        string `json:"unit"`
				} `json:"rateCard"`
			} `json:"usageBasedPricingTerm"`
		} `json:"termDetails"`
	} `json:"offers"`
}

// ReadOffers reads the AWS Marketplace rate cards of a model's agreement offers.
// Dimensions are the usage types of the bill without "MP:" and "-Units", with a
// billing prefix (Claude) or without one (OpenAI). It fails as [ReadPriceList]
// does.
func ReadOffers(r io.Reader, o *OfferOptions) (*PriceList, error) {
	var doc offerDocument
	if err := decodeJSON(r, &doc); err != nil {
		return nil, fmt.Errorf("pricing: read offers: %w", err)
	}
	if o == nil || o.From.IsZero() {
		return nil, fmt.Errorf("pricing: read offers of %s: %w: no start; offers state none", doc.ModelID, ErrRate)
	}
	if doc.ModelID == "" || len(doc.Offers) == 0 {
		return nil, fmt.Errorf("pricing: read offers: %w: no modelId or no offers", ErrSyntax)
	}
	l := newLoader(&ListOptions{Currency: o.Currency, Skip: o.Skip})
	l.list.Offer = doc.ModelID
	found := false
	for _, offer := range doc.Offers {
		if o.Offer != "" && offer.OfferID != o.Offer {
			continue
		}
		found = true
		for _, row := range offer.TermDetails.UsageBasedPricingTerm.RateCard {
			d := listDimension{
				Description: row.Description, Unit: row.Unit, BeginRange: "0", EndRange: "Inf",
				PricePerUnit: map[string]string{l.options.currency(): row.Price},
			}
			l.dimension(o, doc.ModelID, offer.OfferID, row.Dimension, d)
		}
	}
	if !found {
		return nil, fmt.Errorf("pricing: read offers of %s: offer %q: %w", doc.ModelID, o.Offer, ErrNoRate)
	}
	return l.done()
}

// dimension turns one row of a rate card into a rate.
func (l *loader) dimension(o *OfferOptions, model, offer, dimension string, d listDimension) {
	if o.Model != "" {
		model = o.Model
	}
	c := Classify(Usage{ProductCode: "AmazonBedrockFoundationModels", UsageType: dimension, Model: model})
	if c.Region == "" {
		c.Region = o.Region
	}
	r := Rate{
		ID: offer + "/" + dimension, Meter: c.Meter(), Region: c.Region, Currency: l.options.currency(),
		Status: Published, Source: "agreement offer " + offer + ", " + dimension,
	}
	if r.Region == "" {
		l.fault(&r, ErrRate, "no region: the dimension has no billing prefix")
		return
	}
	t := listTerm{EffectiveDate: o.From.UTC().Format(time.RFC3339Nano), PriceDimensions: map[string]listDimension{"": d}}
	if r, ok := l.term(r, t); ok {
		if err := r.check("load"); err != nil {
			l.faults = append(l.faults, err)
			return
		}
		l.list.Rates = append(l.list.Rates, r)
	}
}
