package gaps

import (
	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// regionKey is what a row's place is a function of.
type regionKey struct{ region, usageType, operation, code, family, name, unit, resource string }

// place is where a row was used and of which model, as far as that can be told.
type place struct {
	region, from string
	disagree     []string
	model        string
}

// placeOf tells the region of a row: the product region, else the region of the usage
// type's billing prefix, else that of the resource's ARN. A region that a later source
// contradicts stands, and is a warning; nothing is guessed where all are silent.
func placeOf(k *cur.Key, known map[regionKey]place) place {
	key := regionKey{k.Region, k.UsageType, k.Operation, k.ProductCode, k.ProductFamily, k.ProductName, k.PricingUnit, k.Resource}
	if p, ok := known[key]; ok {
		return p
	}
	class := pricing.Classify(pricing.Usage{ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit})
	arn, _ := attribution.ParseARN(k.Resource)
	p := place{model: class.Model}
	for _, source := range [...]struct{ name, region string }{{"product", k.Region}, {"usage_type", class.Region}, {"arn", arn.Region}} {
		switch {
		case source.region == "":
		case p.region == "":
			p.region, p.from = source.region, source.name
		case p.region != source.region:
			p.disagree = append(p.disagree, source.name+" "+source.region)
		}
	}
	known[key] = p
	return p
}
