package gaps

import (
	"cmp"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/pricing"
)

// Aspects of subjects.
const (
	aspectAccount     = "account"
	aspectRegion      = "region"
	aspectComponent   = "component"
	aspectModel       = "model"
	aspectUsageType   = "usage_type"
	aspectBlank       = "blank"        // a column that has no value in the row
	aspectNotExported = "not_exported" // a column that the export does not have
	aspectProduct     = "product"
)

// unknownValue stands for what nothing tells.
const unknownValue = "unknown"

// unownedDetector finds usage that no claim reaches, or only the default of its
// account. Every such spend is in exactly one gap: of its anchor, or of the column
// that should have named one.
type unownedDetector struct{}

func (unownedDetector) Kinds() []Kind {
	return []Kind{CallerIdentityMissing, ResourceIDMissing, UnclaimedRuntime, UnclaimedMemory, UnallocatedCodeInterpreter, UnclaimedPrincipal, UnclaimedResource}
}

func (unownedDetector) Needs(*View) bool { return true }

func (unownedDetector) Detect(v *View, report func(Finding)) {
	for s := range v.Spends() {
		if !s.Unowned() {
			continue
		}
		f := Finding{Spend: s}
		if s.Anchor.Value == "" {
			f.Kind, f.Subject = anchorless(s)
		} else {
			f.Kind, f.Subject = kindOf(s), Subject{Account: s.Key.UsageAccount, Anchor: s.Anchor}
		}
		report(f)
	}
}

// kindOf tells what an unclaimed anchor is: by the component where that says it, so
// that an interpreter billed under a runtime's id is an interpreter, else by the type
// in the ARN, so that a runtime's data transfer is the runtime's.
func kindOf(s *Spend) Kind {
	if s.Anchor.Kind == attribution.KindRole || s.Anchor.Kind == attribution.KindUser {
		return UnclaimedPrincipal
	}
	switch s.Component.Group() {
	case pricing.GroupRuntime:
		return UnclaimedRuntime
	case pricing.GroupMemory:
		return UnclaimedMemory
	case pricing.GroupCodeInterpreter:
		return UnallocatedCodeInterpreter
	}
	name, _ := resourceName(s.Anchor.Value)
	arn, _ := attribution.ParseARN(name)
	if arn.Service == "bedrock-agentcore" {
		switch what, _, _ := strings.Cut(arn.Resource, "/"); what {
		case "runtime":
			return UnclaimedRuntime
		case "memory":
			return UnclaimedMemory
		case "code-interpreter", "code-interpreter-custom":
			return UnallocatedCodeInterpreter
		}
	}
	return UnclaimedResource
}

// anchorless tells what is missing where a row has nothing to claim it by. A column
// that is not exported is one gap, to be closed in the export; blank cells are a gap
// of each account. Interpreter sessions without an id are interpreter cost, to be
// assigned explicitly.
func anchorless(s *Spend) (Kind, Subject) {
	blank := func(k Kind, c cur.Column) (Kind, Subject) {
		return k, Subject{Account: s.Key.UsageAccount, Aspect: aspectBlank, Value: string(c)}
	}
	reason := s.Reason
	if s.Outcome == attribution.Defaulted {
		// The default of the account hides the reason; the product tells it.
		reason = attribution.ReasonResourceBlank
		if s.Models() {
			reason = attribution.ReasonPrincipalBlank
		}
	}
	switch {
	case reason == attribution.ReasonPrincipalNotExported:
		return CallerIdentityMissing, Subject{Aspect: aspectNotExported, Value: string(cur.ColPrincipal)}
	case reason == attribution.ReasonResourceNotExported:
		return ResourceIDMissing, Subject{Aspect: aspectNotExported, Value: string(cur.ColResource)}
	case s.Component.Group() == pricing.GroupCodeInterpreter:
		return UnallocatedCodeInterpreter, Subject{Account: s.Key.UsageAccount, Aspect: aspectComponent, Value: string(pricing.GroupCodeInterpreter)}
	case reason == attribution.ReasonPrincipalBlank:
		return blank(CallerIdentityMissing, cur.ColPrincipal)
	case reason == attribution.ReasonResourceBlank:
		return blank(ResourceIDMissing, cur.ColResource)
	case s.Models():
		return blank(CallerIdentityMissing, cur.ColPrincipal)
	}
	// A product whose chain looks at neither, or a claim that is not in force yet.
	return UnclaimedResource, Subject{Account: s.Key.UsageAccount, Aspect: aspectProduct, Value: cmp.Or(s.Product, unknownValue)}
}
