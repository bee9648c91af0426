package attribution

import (
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// ChargeKind is what kind of money a row is.
type ChargeKind string

// The charge kinds.
const (
	Usage      ChargeKind = "usage"
	Discount   ChargeKind = "discount"
	Credit     ChargeKind = "credit"
	Refund     ChargeKind = "refund"
	Tax        ChargeKind = "tax"
	Fee        ChargeKind = "fee"
	Commitment ChargeKind = "commitment" // savings plans and reservations: fees and negations
	Other      ChargeKind = "other"      // a line item type this package does not know
)

// KindOf returns the kind of a line item type. AWS's list of types is open: any
// that ends in Discount is a discount, and one that is not known is [Other]. The
// charge categories of FOCUS are known too; its Adjustment says nothing of what it
// adjusts and is Other.
func KindOf(lineItemType string) ChargeKind {
	switch lineItemType {
	case "Usage", "FlatRateSubscription", "SavingsPlanCoveredUsage", "DiscountedUsage":
		return Usage
	case "SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee":
		return Commitment
	case "Credit":
		return Credit
	case "Refund":
		return Refund
	case "Tax":
		return Tax
	case "Fee", "Purchase":
		return Fee
	}
	if isDiscount(lineItemType) {
		return Discount
	}
	return Other
}

func isDiscount(lineItemType string) bool { return strings.HasSuffix(lineItemType, "Discount") }

// Outcome is what became of a row's money. Every row has exactly one.
type Outcome string

// The outcomes.
const (
	Claimed     Outcome = "claimed"     // by a claim on its anchor
	Shared      Outcome = "shared"      // by a claim that splits it
	Defaulted   Outcome = "defaulted"   // only by the claim on its account; gaps count it as unclaimed
	Spread      Outcome = "spread"      // money without an anchor, assigned by rule
	Unclaimed   Outcome = "unclaimed"   // usage that nobody owns
	Unallocated Outcome = "unallocated" // other money whose anchor nobody claimed
	Excluded    Outcome = "excluded"    // no AI spend
	Rejected    Outcome = "rejected"    // could not be read, and was left out as asked
)

// outcomes lists all outcomes in the order they are reported in.
var outcomes = [...]Outcome{Claimed, Shared, Defaulted, Spread, Unclaimed, Unallocated, Excluded, Rejected}

// Reason says why a row has its outcome; "" where the outcome says it all. The
// reason of what is unallocated is its charge kind.
type Reason string

// The reasons of what is unclaimed, in the order they are tried in, of what is
// excluded, and of what is rejected.
const (
	ReasonConflict             Reason = "conflict"               // two claims are equally good
	ReasonClaimNotInForce      Reason = "claim_not_in_force"     // claimed, at another time
	ReasonNoClaim              Reason = "no_claim"               // the anchor is there, and nobody's
	ReasonPrincipalNotExported Reason = "principal_not_exported" // the report has no such column
	ReasonResourceNotExported  Reason = "resource_not_exported"
	ReasonPrincipalBlank       Reason = "principal_blank"
	ReasonResourceBlank        Reason = "resource_blank"
	ReasonNoAnchor             Reason = "no_anchor" // the product has no chain that needs an anchor

	ReasonOutOfScope              Reason = "out_of_scope"
	ReasonInfrastructureUnclaimed Reason = "infrastructure_unclaimed"

	ReasonCostUnreadable Reason = cur.CostUnreadable // of the row, everything but its cost could be read
	ReasonRowUnreadable  Reason = cur.RowUnreadable
)
