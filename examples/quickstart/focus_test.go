package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// focusReport is a FOCUS 1.0 export with AWS's columns: an AgentCore runtime, an
// application inference profile, a tagged model call, another account's usage, tax.
const focusReport = `BilledCost,EffectiveCost,ListCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,PricingQuantity,PricingUnit,RegionId,ResourceId,ServiceName,SubAccountId,x_ServiceCode,x_UsageType,Tags
1.79,1.79,1.79,111122223333,USD,2026-05-01T00:00:00Z,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z,Usage,AWS,20,vCPU-Hours,us-east-1,arn:aws:bedrock-agentcore:us-east-1:444455556666:runtime/agent-Ab1Cd2Ef3G,Amazon Bedrock AgentCore,444455556666,AmazonBedrockAgentCore,USE1-Runtime:Consumption-based:vCPU,{}
2.5,2.5,2.5,111122223333,USD,2026-05-01T00:00:00Z,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z,Usage,AWS,1,1K tokens,us-east-1,,Amazon Bedrock,444455556666,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,"{""user:team"": ""search""}"
0.25,0.2,0.5,111122223333,USD,2026-05-01T00:00:00Z,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z,Usage,AWS,1,1K tokens,us-east-1,,Amazon Bedrock,777788889999,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,{}
0.125,0.125,0.125,111122223333,USD,2026-05-01T00:00:00Z,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z,Usage,AWS,1,1K tokens,us-east-1,,Amazon Bedrock,444455556666,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,{}
0.4,0.4,,111122223333,USD,2026-05-01T00:00:00Z,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z,Tax,AWS,,,,,Amazon Bedrock,444455556666,AmazonBedrock,,{}
`

const focusClaims = `{"version": 1, "claims": [
	{"id": "r", "anchor": {"kind": "resource", "value": "arn:aws:bedrock-agentcore:us-east-1:444455556666:runtime/agent-Ab1Cd2Ef3G"}, "workload": "agent", "from": "2026-05-01"},
	{"id": "t", "anchor": {"kind": "tag", "value": "resourceTags/user:team=search"}, "workload": "search", "from": "2026-05-01"},
	{"id": "a", "anchor": {"kind": "account", "value": "777788889999"}, "workload": "lab", "from": "2026-05-01"},
	{"id": "past", "anchor": {"kind": "role", "value": "arn:aws:iam::444455556666:role/agent"}, "workload": "agent", "from": "2026-01-01", "to": "2026-05-01"}
]}`

// A FOCUS export is booked like any other under claims that it can answer. What it
// cannot answer is a warning, and claims that ask it are refused.
func TestFOCUSIsBooked(t *testing.T) {
	workdir(t)
	report := writeFile(t, "focus.csv", focusReport)
	writeFile(t, "claims.json", focusClaims)
	out := succeed(t, "-cur", report, "-claims", "claims.json", "-as-of", "2026-05-25T12:00:00Z", "-db", "focus.db")
	p := &out.Periods[0]
	if out.Rows != 5 || !p.Reconciled || p.Totals.Unblended != "5.065" || p.Totals.NetUnblended != nil || *p.Totals.Amortized != "5.015" {
		t.Errorf("%d rows, reconciled %v, totals %+v", out.Rows, p.Reconciled, p.Totals)
	}
	outcomes := map[string]string{}
	for name, o := range p.Outcomes {
		outcomes[name] = o.Unblended
		for reason := range o.Reasons {
			outcomes[name] = reason + " " + o.Unblended
		}
	}
	want := map[string]string{"claimed": "4.29", "defaulted": "0.25", "unclaimed": "principal_not_exported 0.125", "unallocated": "tax 0.4"}
	if d := cmp.Diff(want, outcomes); d != "" {
		t.Errorf("outcomes (-want +got):\n%s", d)
	}
	column := "line_item_iam_principal"
	if d := cmp.Diff([]note{{"principal_not_exported", &column, 5}}, p.Warnings); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}

	check := unchanged(t, "focus.db")
	writeFile(t, "roles.json", `{"version": 1, "claims": [
		{"id": "role", "anchor": {"kind": "role", "value": "arn:aws:iam::444455556666:role/agent"}, "workload": "agent", "from": "2026-05-01"}]}`)
	wantError(t, "focus-role-claim", refuse(t, "-cur", report, "-claims", "roles.json", "-db", "focus.db"))
	check()
}
