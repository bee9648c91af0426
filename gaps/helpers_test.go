package gaps_test

import (
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/pricing"
)

// approval is a request approved for accounts × regions × groups × models; nil of any
// means all.
type approval struct {
	id                                string
	workload                          attribution.WorkloadID
	from, to                          time.Time
	accounts, regions, groups, models []string
}

var _ gaps.Approval = approval{}

func (a approval) ApprovalID() string                  { return a.id }
func (a approval) ApprovedFor() attribution.WorkloadID { return a.workload }
func (a approval) InForce() (time.Time, time.Time)     { return a.from, a.to }

func (a approval) Outside(k *cur.Key) (out []string) {
	in := func(list []string, v string) bool { return list == nil || slices.Contains(list, v) }
	class := pricing.Classify(pricing.Usage{ProductCode: k.ProductCode, UsageType: k.UsageType, Operation: k.Operation,
		ProductFamily: k.ProductFamily, ProductName: k.ProductName, PricingUnit: k.PricingUnit})
	for _, x := range []struct {
		name string
		ok   bool
	}{
		{"account", in(a.accounts, k.UsageAccount)},
		{"region", in(a.regions, k.Region)},
		{"component", in(a.groups, string(class.Component.Group()))},
		{"model", class.Component.Group() != pricing.GroupModel || in(a.models, k.Model)},
	} {
		if !x.ok {
			out = append(out, x.name)
		}
	}
	return out
}
