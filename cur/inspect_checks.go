package cur

import (
	"fmt"
	"strings"
)

// requirement is one thing that attribution needs, with what is lost without it.
// Where one is met by several columns, any of them will do.
//
// Source of the settings' names: the table dictionary of CUR 2.0 in AWS's
// documentation, and the report definition of the legacy API.
type requirement struct {
	code    string
	need    Need
	columns []Column
	blind   string

	// setting is the table configuration of CUR 2.0 that adds the column; "" where
	// selecting it is enough.
	setting string
	// element is the schema element of a legacy report that adds it.
	element string
	// never says why a legacy report cannot have it; "" where it can.
	never string
	// varies says that a legacy report has the column only when there is something in it.
	varies bool
	// cur says that only CUR needs it: FOCUS says the same by what it has anyway.
	cur bool
	// note is added to the remedy.
	note string
}

const tableCUR2 = "COST_AND_USAGE_REPORT"

// The table configurations of CUR 2.0 that checks speak of.
const (
	settingGrain     = "TIME_GRANULARITY"
	settingResources = "INCLUDE_RESOURCES"
	settingPrincipal = "INCLUDE_IAM_PRINCIPAL_DATA"
)

const elementResources = "RESOURCES"

var requirements = []requirement{
	{code: "cost", need: NeedRead, columns: []Column{measureColumns[UnblendedCost]},
		blind: "There is no cost to attribute."},
	{code: "time", need: NeedRead, columns: []Column{colInterval, colUsageStart},
		blind: "Rows have no day, so that claims cannot be in force for them."},
	{code: "service", need: NeedRead, columns: []Column{ColProductCode, ColUsageType, ColProductName},
		blind: "Nothing says which rows are AI spend."},

	{code: "resource_ids", need: NeedOwner, columns: []Column{ColResource},
		setting: settingResources, element: elementResources,
		blind: "AgentCore rows name no caller, so that without resource ids none of them can be claimed."},
	{code: "caller_identity", need: NeedOwner, columns: []Column{ColPrincipal}, setting: settingPrincipal,
		never: "a legacy report never names the caller",
		blind: "Model calls do not say who made them: roles and users own nothing, and only resources, tags and accounts can be claimed.",
		note:  "Rows have it from 2026-04-08 on. Whether it can be added to an export that exists is reported both ways; a new export is sure to have it."},
	{code: "product_code", need: NeedOwner, columns: []Column{ColProductCode},
		blind: "Products are told apart by usage type alone, and rows that only their product code tells are out of scope."},
	{code: "usage_account", need: NeedOwner, columns: []Column{ColUsageAccount},
		blind: "Claims on accounts match nothing, and ids that name no account cannot be told apart."},

	{code: "usage_type", need: NeedDetail, columns: []Column{ColUsageType},
		blind: "Components (runtime, memory, code interpreter, tokens) cannot be told apart."},
	{code: "usage_amount", need: NeedDetail, columns: []Column{measureColumns[Usage]},
		blind: "There are no volumes to hold against an estimate, such as events or vCPU-hours."},
	{code: "pricing_unit", need: NeedDetail, columns: []Column{ColPricingUnit},
		blind: "Volumes have no unit and are not compared with estimates."},
	{code: "line_item_type", need: NeedDetail, columns: []Column{ColLineItemType},
		blind: "Credits, tax and discounts count as usage."},
	{code: "billing_period", need: NeedDetail, columns: []Column{ColBillingPeriod},
		blind: "A row counts for the month it was used in, also where it is billed in another."},
	{code: "payer", need: NeedDetail, columns: []Column{ColPayer},
		blind: "Books have no payer, and months of two payers cannot be told apart."},
	{code: "currency", need: NeedDetail, columns: []Column{ColCurrency},
		blind: "Amounts have no currency and are compared with no budget."},
	{code: "billing_entity", need: NeedDetail, columns: []Column{ColBillingEntity},
		blind: "Models sold through AWS Marketplace are not recognised as AI spend."},
	{code: "product_name", need: NeedDetail, columns: []Column{ColProductName},
		blind: "Models sold through AWS Marketplace are not recognised as AI spend."},
	{code: "region", need: NeedDetail, columns: []Column{ColRegion},
		blind: "Regions are guessed from usage types, so that approvals by region are checked less well."},
	{code: "operation", need: NeedDetail, columns: []Column{ColOperation},
		blind: "What was called can only be told from the usage type."},
	{code: "interval", need: NeedDetail, columns: []Column{colInterval}, cur: true,
		blind: "A row counts for the day its usage began, which of daily rows may be another than the report's."},
	{code: "invoice", need: NeedDetail, columns: []Column{ColInvoiceID},
		blind: "Whether a month is invoiced cannot be told, and totals are not compared with invoices."},
	{code: "net_cost", need: NeedDetail, columns: []Column{measureColumns[NetUnblendedCost]}, varies: true, cur: true,
		blind: "Discounts that AWS takes off in the net columns are not seen; net cost is null."},
	{code: "list_cost", need: NeedDetail, columns: []Column{measureColumns[PublicOnDemandCost]},
		blind: "What the discount is against list price cannot be told."},
	{code: "commitments", need: NeedDetail, varies: true,
		columns: []Column{measureColumns[ReservationEffectiveCost], measureColumns[SavingsPlanEffectiveCost], measureColumns[EffectiveCost]},
		blind:   "Amortised cost is null."},
	{code: "tags", need: NeedDetail, columns: []Column{"tags", tagMap}, varies: true,
		blind: "Claims on tags match nothing.",
		note:  "Tags must be activated as cost allocation tags too."},
	{code: "caller_tags", need: NeedDetail, columns: []Column{"tags"}, setting: settingPrincipal,
		never: "a legacy report has no tags of callers",
		blind: "Claims on tags of roles and users (iamPrincipal/...) match nothing, and tag names are AWS's normalised ones.",
		note:  "Tags must be activated as cost allocation tags too."},
	{code: "line_item_id", need: NeedDetail, columns: []Column{colLineItemID},
		blind: "A row that somebody asks about cannot be found again."},
}

// sessionRequirement is asked for when claims are on sessions.
var sessionRequirement = requirement{code: "sessions", need: NeedOwner, columns: []Column{ColPrincipal}, setting: settingPrincipal,
	never: "a legacy report never names the caller",
	blind: "Claims on sessions of roles match nothing."}

// examination is one export while it is checked.
type examination struct {
	*export
	row    *row
	format Format
}

// check holds the export against one requirement. A requirement that FOCUS meets
// in another way is none there.
func (x *examination) check(q *requirement) Check {
	if q.cur && x.format == FormatFOCUS {
		return Check{}
	}
	if q.code == "service" {
		own := *q
		own.columns = x.row.family.service
		q = &own
	}
	c := Check{Code: q.code, Need: q.need, Column: q.columns[0], State: x.state(q)}
	if c.State == Lacks {
		c.Blind, c.Remedy = q.blind, x.remedy(q)
	}
	return c
}

func (x *examination) state(q *requirement) Status {
	off := x.settings != nil && !x.legacy && q.setting != "" && !strings.EqualFold(x.settings[q.setting], "TRUE")
	switch {
	case x.columns != nil:
		for _, c := range q.columns {
			if x.row.has(c) || c == tagMap && x.spreadTags() {
				if off && x.format == FormatCUR2 {
					return Lacks // the column is selected and stays blank, or is refused
				}
				return Has
			}
		}
		return Lacks
	case x.format == FormatFOCUS:
		for _, c := range q.columns {
			if len(familyFOCUS.names(c)) > 0 {
				return Has
			}
		}
		return Lacks
	case x.legacy && q.never != "":
		return Lacks
	case x.legacy && q.element != "":
		if strings.Contains(x.settings["AdditionalSchemaElements"], q.element) {
			return Has
		}
		return Lacks
	case x.legacy && q.varies:
		return Unknown
	case off:
		return Lacks
	}
	return Has // all columns are selected
}

// spreadTags reports whether tags are columns of their own, as in legacy reports.
func (x *examination) spreadTags() bool {
	for _, h := range x.columns {
		if f := fold(h); strings.HasPrefix(f, "resourcetags") {
			return true
		}
	}
	return false
}

func (x *examination) remedy(q *requirement) string {
	var s string
	switch {
	case x.format == FormatFOCUS:
		if names := familyFOCUS.names(q.columns[0]); len(names) > 0 {
			s = "Select " + names[0] + " in the export's query."
		} else {
			return fmt.Sprintf("FOCUS does not have it. Make a CUR 2.0 export (%s) beside this one, and book one of the two.", tableCUR2)
		}
	case x.legacy || x.format == FormatLegacy || x.format == FormatAthena:
		switch {
		case q.never != "":
			return fmt.Sprintf("None here: %s. Make a CUR 2.0 export with %s=TRUE.", q.never, q.setting)
		case q.element != "":
			s = "Add " + q.element + " to the report's AdditionalSchemaElements."
		case q.varies:
			s = "None here if the account has none: a legacy report has these columns only in months that have values for them."
		default:
			s = "Deliver the report with all its columns; AWS writes this one always."
		}
	default:
		column := string(q.columns[0])
		on := q.setting != "" && strings.EqualFold(x.settings[q.setting], "TRUE")
		selected := x.columns != nil && x.row.has(q.columns[0]) || x.columns == nil && x.settings != nil
		switch {
		case q.setting != "" && !on && selected:
			s = fmt.Sprintf("Set %s=TRUE in the table configuration of %s.", q.setting, tableCUR2)
		case q.setting != "" && !on:
			s = fmt.Sprintf("Set %s=TRUE in the table configuration of %s, and select %s in the query.", q.setting, tableCUR2, column)
		default:
			s = fmt.Sprintf("Select %s in the export's query.", column)
		}
	}
	if q.note != "" {
		s += " " + q.note
	}
	return s
}

// declared checks the columns that claims are on. A tag's map may be there and
// the tag in no row: that only a rollup can tell.
func (x *examination) declared(columns []Column) (out []Check) {
	for _, c := range columns {
		q := requirement{code: "declared", need: NeedOwner, columns: []Column{c}, blind: fmt.Sprintf("Claims on %s match nothing.", c)}
		state := Unknown
		if x.columns != nil {
			state = Lacks
			if f := fieldOf(c); f >= 0 && x.row.has(c) || f < 0 && len(x.row.resolve(c)) > 0 {
				state = Has
			}
		}
		check := Check{Code: q.code, Need: q.need, Column: c, State: state}
		if state == Lacks {
			check.Blind = q.blind
			family, _, isKey := strings.Cut(string(c), "/")
			switch {
			case isKey && x.format == FormatCUR2:
				check.Remedy = fmt.Sprintf("Select tags and %s in the export's query, and activate the tag.", family)
			case isKey:
				check.Remedy = "Activate the tag; rows have it from the next day on."
			default:
				check.Remedy = x.remedy(&q)
			}
		}
		out = append(out, check)
	}
	return out
}

// granularity checks how long rows are. Days are enough for cards and for claims
// that begin and end with days.
func (x *examination) granularity(bucket Span) Check {
	c := Check{Code: "granularity", Need: NeedDetail, Column: colInterval, State: Unknown}
	want := "DAILY"
	if bucket == Hour {
		want, c.Need = "HOURLY", NeedOwner
	}
	switch {
	case x.grain == "":
		return c
	case x.grain == "HOURLY", x.grain == "DAILY" && want == "DAILY":
		c.State = Has
		return c
	case x.grain == "MONTHLY":
		c.Blind = "Rows are months long: there are no weekly cards, no day on which something was first seen, and a claim counts from the next month on."
	default:
		c.Blind = "Rows are days long: a claim that begins within a day counts from the next day on."
	}
	c.State = Lacks
	switch {
	case x.legacy || x.format == FormatLegacy || x.format == FormatAthena:
		c.Remedy = fmt.Sprintf("Make a report with TimeUnit %s.", want)
	case x.format == FormatFOCUS:
		c.Remedy = "Export " + strings.ToLower(want) + " rows."
	default:
		c.Remedy = fmt.Sprintf("Set %s=%s in the table configuration of %s.", settingGrain, want, tableCUR2)
	}
	return c
}

// refresh checks whether a month that was closed is written again, which legacy
// reports do only on request.
func (x *examination) refresh() Check {
	if !x.legacy {
		return Check{}
	}
	c := Check{Code: "refresh_closed", Need: NeedDetail, State: Has}
	if !strings.EqualFold(x.settings["RefreshClosedReports"], "true") {
		c.State = Lacks
		c.Blind = "Refunds, credits and support fees that AWS books to a closed month never arrive."
		c.Remedy = "Set RefreshClosedReports to true."
	}
	return c
}
