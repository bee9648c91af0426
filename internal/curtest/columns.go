package curtest

// Kind is the type of a column as the CUR 2.0 table dictionary names it.
type Kind uint8

// Kinds of columns. A map is one JSON object in a CSV cell and a MAP in Parquet;
// discount is the one map with double values.
const (
	String Kind = iota
	Double
	Timestamp
	StringMap
	DoubleMap
)

// Column is one column of a table, named as its header spells it.
type Column struct {
	Name string
	Kind Kind
}

// spec is what the catalogue knows of a column: how it reads where nothing is set,
// and whether the blank is written as two quotes, as five reservation columns do.
type spec struct {
	name   string
	kind   Kind
	absent string
	quoted bool
}

// The columns of a CUR 2.0 export with every option on, in the order of the console
// (alphabetical). Those of April 2026 are taken from a delivered manifest; principal
// and capacity reservations, which that export did not have, from the dictionary.
const (
	cBillBillType = iota
	cBillBillingEntity
	cBillBillingPeriodEndDate
	cBillBillingPeriodStartDate
	cBillInvoiceID
	cBillInvoicingEntity
	cBillPayerAccountID
	cBillPayerAccountName
	cCapacityReservationCapacityReservationARN
	cCapacityReservationCapacityReservationStatus
	cCapacityReservationCapacityReservationType
	cCostCategory
	cDiscount
	cDiscountBundledDiscount
	cDiscountTotalDiscount
	cIdentityLineItemID
	cIdentityTimeInterval
	cLineItemAvailabilityZone
	cLineItemBlendedCost
	cLineItemBlendedRate
	cLineItemCurrencyCode
	cLineItemIamPrincipal
	cLineItemLegalEntity
	cLineItemLineItemDescription
	cLineItemLineItemType
	cLineItemNetUnblendedCost
	cLineItemNetUnblendedRate
	cLineItemNormalizationFactor
	cLineItemNormalizedUsageAmount
	cLineItemOperation
	cLineItemProductCode
	cLineItemResourceID
	cLineItemTaxType
	cLineItemUnblendedCost
	cLineItemUnblendedRate
	cLineItemUsageAccountID
	cLineItemUsageAccountName
	cLineItemUsageAmount
	cLineItemUsageEndDate
	cLineItemUsageStartDate
	cLineItemUsageType
	cLineItemUserIdentifier
	cPricingCurrency
	cPricingLeaseContractLength
	cPricingOfferingClass
	cPricingPublicOnDemandCost
	cPricingPublicOnDemandRate
	cPricingPurchaseOption
	cPricingRateCode
	cPricingRateID
	cPricingTerm
	cPricingUnit
	cProduct
	cProductComment
	cProductFeeCode
	cProductFeeDescription
	cProductFromLocation
	cProductFromLocationType
	cProductFromRegionCode
	cProductInstanceFamily
	cProductInstanceType
	cProductInstancesku
	cProductLocation
	cProductLocationType
	cProductOperation
	cProductPricingUnit
	cProductProductFamily
	cProductRegionCode
	cProductServicecode
	cProductSku
	cProductToLocation
	cProductToLocationType
	cProductToRegionCode
	cProductUsagetype
	cReservationAmortizedUpfrontCostForUsage
	cReservationAmortizedUpfrontFeeForBillingPeriod
	cReservationAvailabilityZone
	cReservationEffectiveCost
	cReservationEndTime
	cReservationModificationStatus
	cReservationNetAmortizedUpfrontCostForUsage
	cReservationNetAmortizedUpfrontFeeForBillingPeriod
	cReservationNetEffectiveCost
	cReservationNetRecurringFeeForUsage
	cReservationNetUnusedAmortizedUpfrontFeeForBillingPeriod
	cReservationNetUnusedRecurringFee
	cReservationNetUpfrontValue
	cReservationNormalizedUnitsPerReservation
	cReservationNumberOfReservations
	cReservationRecurringFeeForUsage
	cReservationReservationARN
	cReservationStartTime
	cReservationSubscriptionID
	cReservationTotalReservedNormalizedUnits
	cReservationTotalReservedUnits
	cReservationUnitsPerReservation
	cReservationUnusedAmortizedUpfrontFeeForBillingPeriod
	cReservationUnusedNormalizedUnitQuantity
	cReservationUnusedQuantity
	cReservationUnusedRecurringFee
	cReservationUpfrontValue
	cResourceTags
	cSavingsPlanAmortizedUpfrontCommitmentForBillingPeriod
	cSavingsPlanEndTime
	cSavingsPlanInstanceTypeFamily
	cSavingsPlanNetAmortizedUpfrontCommitmentForBillingPeriod
	cSavingsPlanNetRecurringCommitmentForBillingPeriod
	cSavingsPlanNetSavingsPlanEffectiveCost
	cSavingsPlanOfferingType
	cSavingsPlanPaymentOption
	cSavingsPlanPurchaseTerm
	cSavingsPlanRecurringCommitmentForBillingPeriod
	cSavingsPlanRegion
	cSavingsPlanSavingsPlanARN
	cSavingsPlanSavingsPlanEffectiveCost
	cSavingsPlanSavingsPlanRate
	cSavingsPlanStartTime
	cSavingsPlanTotalCommitmentToDate
	cSavingsPlanUsedCommitment
	cSplitLineItemActualUsage
	cSplitLineItemNetSplitCost
	cSplitLineItemNetUnusedCost
	cSplitLineItemParentResourceID
	cSplitLineItemPublicOnDemandSplitCost
	cSplitLineItemPublicOnDemandUnusedCost
	cSplitLineItemReservedUsage
	cSplitLineItemSplitCost
	cSplitLineItemSplitUsage
	cSplitLineItemSplitUsageRatio
	cSplitLineItemUnusedCost
	cTags
	numColumns
)

// catalogue is read only.
var catalogue = [numColumns]spec{
	cBillBillType:                                      {name: "bill_bill_type", kind: String},
	cBillBillingEntity:                                 {name: "bill_billing_entity", kind: String},
	cBillBillingPeriodEndDate:                          {name: "bill_billing_period_end_date", kind: Timestamp},
	cBillBillingPeriodStartDate:                        {name: "bill_billing_period_start_date", kind: Timestamp},
	cBillInvoiceID:                                     {name: "bill_invoice_id", kind: String},
	cBillInvoicingEntity:                               {name: "bill_invoicing_entity", kind: String},
	cBillPayerAccountID:                                {name: "bill_payer_account_id", kind: String},
	cBillPayerAccountName:                              {name: "bill_payer_account_name", kind: String},
	cCapacityReservationCapacityReservationARN:         {name: "capacity_reservation_capacity_reservation_arn", kind: String},
	cCapacityReservationCapacityReservationStatus:      {name: "capacity_reservation_capacity_reservation_status", kind: String},
	cCapacityReservationCapacityReservationType:        {name: "capacity_reservation_capacity_reservation_type", kind: String},
	cCostCategory:                                      {name: "cost_category", kind: StringMap, absent: "{}"},
	cDiscount:                                          {name: "discount", kind: DoubleMap, absent: "{}"},
	cDiscountBundledDiscount:                           {name: "discount_bundled_discount", kind: Double},
	cDiscountTotalDiscount:                             {name: "discount_total_discount", kind: Double},
	cIdentityLineItemID:                                {name: "identity_line_item_id", kind: String},
	cIdentityTimeInterval:                              {name: "identity_time_interval", kind: String},
	cLineItemAvailabilityZone:                          {name: "line_item_availability_zone", kind: String},
	cLineItemBlendedCost:                               {name: "line_item_blended_cost", kind: Double},
	cLineItemBlendedRate:                               {name: "line_item_blended_rate", kind: String},
	cLineItemCurrencyCode:                              {name: "line_item_currency_code", kind: String},
	cLineItemIamPrincipal:                              {name: "line_item_iam_principal", kind: String},
	cLineItemLegalEntity:                               {name: "line_item_legal_entity", kind: String},
	cLineItemLineItemDescription:                       {name: "line_item_line_item_description", kind: String},
	cLineItemLineItemType:                              {name: "line_item_line_item_type", kind: String},
	cLineItemNetUnblendedCost:                          {name: "line_item_net_unblended_cost", kind: Double},
	cLineItemNetUnblendedRate:                          {name: "line_item_net_unblended_rate", kind: String},
	cLineItemNormalizationFactor:                       {name: "line_item_normalization_factor", kind: Double, absent: "0.0"},
	cLineItemNormalizedUsageAmount:                     {name: "line_item_normalized_usage_amount", kind: Double, absent: "0.0"},
	cLineItemOperation:                                 {name: "line_item_operation", kind: String},
	cLineItemProductCode:                               {name: "line_item_product_code", kind: String},
	cLineItemResourceID:                                {name: "line_item_resource_id", kind: String},
	cLineItemTaxType:                                   {name: "line_item_tax_type", kind: String},
	cLineItemUnblendedCost:                             {name: "line_item_unblended_cost", kind: Double},
	cLineItemUnblendedRate:                             {name: "line_item_unblended_rate", kind: String},
	cLineItemUsageAccountID:                            {name: "line_item_usage_account_id", kind: String},
	cLineItemUsageAccountName:                          {name: "line_item_usage_account_name", kind: String},
	cLineItemUsageAmount:                               {name: "line_item_usage_amount", kind: Double},
	cLineItemUsageEndDate:                              {name: "line_item_usage_end_date", kind: Timestamp},
	cLineItemUsageStartDate:                            {name: "line_item_usage_start_date", kind: Timestamp},
	cLineItemUsageType:                                 {name: "line_item_usage_type", kind: String},
	cLineItemUserIdentifier:                            {name: "line_item_user_identifier", kind: String},
	cPricingCurrency:                                   {name: "pricing_currency", kind: String},
	cPricingLeaseContractLength:                        {name: "pricing_lease_contract_length", kind: String},
	cPricingOfferingClass:                              {name: "pricing_offering_class", kind: String},
	cPricingPublicOnDemandCost:                         {name: "pricing_public_on_demand_cost", kind: Double},
	cPricingPublicOnDemandRate:                         {name: "pricing_public_on_demand_rate", kind: String},
	cPricingPurchaseOption:                             {name: "pricing_purchase_option", kind: String},
	cPricingRateCode:                                   {name: "pricing_rate_code", kind: String},
	cPricingRateID:                                     {name: "pricing_rate_id", kind: String},
	cPricingTerm:                                       {name: "pricing_term", kind: String},
	cPricingUnit:                                       {name: "pricing_unit", kind: String},
	cProduct:                                           {name: "product", kind: StringMap, absent: "{}"},
	cProductComment:                                    {name: "product_comment", kind: String},
	cProductFeeCode:                                    {name: "product_fee_code", kind: String},
	cProductFeeDescription:                             {name: "product_fee_description", kind: String},
	cProductFromLocation:                               {name: "product_from_location", kind: String},
	cProductFromLocationType:                           {name: "product_from_location_type", kind: String},
	cProductFromRegionCode:                             {name: "product_from_region_code", kind: String},
	cProductInstanceFamily:                             {name: "product_instance_family", kind: String},
	cProductInstanceType:                               {name: "product_instance_type", kind: String},
	cProductInstancesku:                                {name: "product_instancesku", kind: String},
	cProductLocation:                                   {name: "product_location", kind: String},
	cProductLocationType:                               {name: "product_location_type", kind: String},
	cProductOperation:                                  {name: "product_operation", kind: String},
	cProductPricingUnit:                                {name: "product_pricing_unit", kind: String},
	cProductProductFamily:                              {name: "product_product_family", kind: String},
	cProductRegionCode:                                 {name: "product_region_code", kind: String},
	cProductServicecode:                                {name: "product_servicecode", kind: String},
	cProductSku:                                        {name: "product_sku", kind: String},
	cProductToLocation:                                 {name: "product_to_location", kind: String},
	cProductToLocationType:                             {name: "product_to_location_type", kind: String},
	cProductToRegionCode:                               {name: "product_to_region_code", kind: String},
	cProductUsagetype:                                  {name: "product_usagetype", kind: String},
	cReservationAmortizedUpfrontCostForUsage:           {name: "reservation_amortized_upfront_cost_for_usage", kind: Double, absent: "0.0"},
	cReservationAmortizedUpfrontFeeForBillingPeriod:    {name: "reservation_amortized_upfront_fee_for_billing_period", kind: Double, absent: "0.0"},
	cReservationAvailabilityZone:                       {name: "reservation_availability_zone", kind: String},
	cReservationEffectiveCost:                          {name: "reservation_effective_cost", kind: Double, absent: "0.0"},
	cReservationEndTime:                                {name: "reservation_end_time", kind: String},
	cReservationModificationStatus:                     {name: "reservation_modification_status", kind: String},
	cReservationNetAmortizedUpfrontCostForUsage:        {name: "reservation_net_amortized_upfront_cost_for_usage", kind: Double},
	cReservationNetAmortizedUpfrontFeeForBillingPeriod: {name: "reservation_net_amortized_upfront_fee_for_billing_period", kind: Double},
	cReservationNetEffectiveCost:                       {name: "reservation_net_effective_cost", kind: Double},
	cReservationNetRecurringFeeForUsage:                {name: "reservation_net_recurring_fee_for_usage", kind: Double},
	cReservationNetUnusedAmortizedUpfrontFeeForBillingPeriod:  {name: "reservation_net_unused_amortized_upfront_fee_for_billing_period", kind: Double},
	cReservationNetUnusedRecurringFee:                         {name: "reservation_net_unused_recurring_fee", kind: Double},
	cReservationNetUpfrontValue:                               {name: "reservation_net_upfront_value", kind: Double},
	cReservationNormalizedUnitsPerReservation:                 {name: "reservation_normalized_units_per_reservation", kind: String, quoted: true},
	cReservationNumberOfReservations:                          {name: "reservation_number_of_reservations", kind: String, quoted: true},
	cReservationRecurringFeeForUsage:                          {name: "reservation_recurring_fee_for_usage", kind: Double, absent: "0.0"},
	cReservationReservationARN:                                {name: "reservation_reservation_a_r_n", kind: String},
	cReservationStartTime:                                     {name: "reservation_start_time", kind: String},
	cReservationSubscriptionID:                                {name: "reservation_subscription_id", kind: String},
	cReservationTotalReservedNormalizedUnits:                  {name: "reservation_total_reserved_normalized_units", kind: String, quoted: true},
	cReservationTotalReservedUnits:                            {name: "reservation_total_reserved_units", kind: String, quoted: true},
	cReservationUnitsPerReservation:                           {name: "reservation_units_per_reservation", kind: String, quoted: true},
	cReservationUnusedAmortizedUpfrontFeeForBillingPeriod:     {name: "reservation_unused_amortized_upfront_fee_for_billing_period", kind: Double, absent: "0.0"},
	cReservationUnusedNormalizedUnitQuantity:                  {name: "reservation_unused_normalized_unit_quantity", kind: Double, absent: "0.0"},
	cReservationUnusedQuantity:                                {name: "reservation_unused_quantity", kind: Double, absent: "0.0"},
	cReservationUnusedRecurringFee:                            {name: "reservation_unused_recurring_fee", kind: Double, absent: "0.0"},
	cReservationUpfrontValue:                                  {name: "reservation_upfront_value", kind: Double, absent: "0.0"},
	cResourceTags:                                             {name: "resource_tags", kind: StringMap, absent: "{}"},
	cSavingsPlanAmortizedUpfrontCommitmentForBillingPeriod:    {name: "savings_plan_amortized_upfront_commitment_for_billing_period", kind: Double, absent: "0.0"},
	cSavingsPlanEndTime:                                       {name: "savings_plan_end_time", kind: String},
	cSavingsPlanInstanceTypeFamily:                            {name: "savings_plan_instance_type_family", kind: String},
	cSavingsPlanNetAmortizedUpfrontCommitmentForBillingPeriod: {name: "savings_plan_net_amortized_upfront_commitment_for_billing_period", kind: Double},
	cSavingsPlanNetRecurringCommitmentForBillingPeriod:        {name: "savings_plan_net_recurring_commitment_for_billing_period", kind: Double},
	cSavingsPlanNetSavingsPlanEffectiveCost:                   {name: "savings_plan_net_savings_plan_effective_cost", kind: Double},
	cSavingsPlanOfferingType:                                  {name: "savings_plan_offering_type", kind: String},
	cSavingsPlanPaymentOption:                                 {name: "savings_plan_payment_option", kind: String},
	cSavingsPlanPurchaseTerm:                                  {name: "savings_plan_purchase_term", kind: String},
	cSavingsPlanRecurringCommitmentForBillingPeriod:           {name: "savings_plan_recurring_commitment_for_billing_period", kind: Double, absent: "0.0"},
	cSavingsPlanRegion:                                        {name: "savings_plan_region", kind: String},
	cSavingsPlanSavingsPlanARN:                                {name: "savings_plan_savings_plan_a_r_n", kind: String},
	cSavingsPlanSavingsPlanEffectiveCost:                      {name: "savings_plan_savings_plan_effective_cost", kind: Double, absent: "0.0"},
	cSavingsPlanSavingsPlanRate:                               {name: "savings_plan_savings_plan_rate", kind: Double, absent: "0.0"},
	cSavingsPlanStartTime:                                     {name: "savings_plan_start_time", kind: String},
	cSavingsPlanTotalCommitmentToDate:                         {name: "savings_plan_total_commitment_to_date", kind: Double, absent: "0.0"},
	cSavingsPlanUsedCommitment:                                {name: "savings_plan_used_commitment", kind: Double, absent: "0.0"},
	cSplitLineItemActualUsage:                                 {name: "split_line_item_actual_usage", kind: Double},
	cSplitLineItemNetSplitCost:                                {name: "split_line_item_net_split_cost", kind: Double},
	cSplitLineItemNetUnusedCost:                               {name: "split_line_item_net_unused_cost", kind: Double},
	cSplitLineItemParentResourceID:                            {name: "split_line_item_parent_resource_id", kind: String},
	cSplitLineItemPublicOnDemandSplitCost:                     {name: "split_line_item_public_on_demand_split_cost", kind: Double},
	cSplitLineItemPublicOnDemandUnusedCost:                    {name: "split_line_item_public_on_demand_unused_cost", kind: Double},
	cSplitLineItemReservedUsage:                               {name: "split_line_item_reserved_usage", kind: Double},
	cSplitLineItemSplitCost:                                   {name: "split_line_item_split_cost", kind: Double},
	cSplitLineItemSplitUsage:                                  {name: "split_line_item_split_usage", kind: Double},
	cSplitLineItemSplitUsageRatio:                             {name: "split_line_item_split_usage_ratio", kind: Double},
	cSplitLineItemUnusedCost:                                  {name: "split_line_item_unused_cost", kind: Double},
	cTags:                                                     {name: "tags", kind: StringMap, absent: "{}"},
}
