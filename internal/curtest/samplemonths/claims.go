package main

import (
	"encoding/json"
	"fmt"
)

// The claims file, as its format is documented.
type claimsFile struct {
	Version   int        `json:"version"`
	Claims    []claim    `json:"claims"`
	Workloads []workload `json:"workloads"`
}

type claim struct {
	ID       string `json:"id"`
	Anchor   anchor `json:"anchor"`
	Workload string `json:"workload"`
	From     string `json:"from"`
}

type anchor struct {
	Kind    string `json:"kind"`
	Value   string `json:"value"`
	Account string `json:"account,omitempty"`
}

type workload struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Owner     string `json:"owner"`
	Portfolio string `json:"portfolio"`
}

// claimed pairs each workload with what it claims. Roles are claimed in the forms that
// people have at hand: an ARN, one with a path, a name with its account.
func claimed() []struct {
	workload
	anchors []anchor
} {
	role := func(account, name string) anchor {
		return anchor{Kind: "role", Value: "arn:aws:iam::" + account + ":role/" + name}
	}
	at := func(value string) anchor { return anchor{Kind: "resource", Value: value} }
	on := func(account, tail string) anchor { return at(arn(account, tail)) }
	return []struct {
		workload
		anchors []anchor
	}{
		{workload{"customer-support-bot", "Customer Support Bot", "becki.smith", insights}, []anchor{
			role(customer, "finops-csbot-a4f2"),
			on(customer, "runtime/customer_support_bot-Qe7Rt2Ya9L"),
			on(customer, "memory/customer_support_memory-m4Kp81ZxQw"),
		}},
		{workload{"returns-triage-agent", "Returns Triage Agent", "becki.smith", insights}, []anchor{
			role(customer, "AgentExecutionRole"),
			on(customer, "runtime/returns_triage-Hn5Vb0Jc3D"),
			on(customer, "memory/returns_triage_memory-t2Ws6EdRf8"),
		}},
		{workload{"data-insights-copilot", "Data Insights Copilot", "owner.insights", insights}, []anchor{
			role(platform, "AgentExecutionRole-data-insights"),
			on(platform, "runtime/data_insights_copilot-Lk3Jh7Gf2S"),
			on(platform, "memory/data_insights_memory-y6Tr4Ew2Qa"),
			on(platform, "code-interpreter-custom/data_insights_sandbox-P0o9I8u7Yt"),
		}},
		{workload{"document-platform", "Document Platform", "owner.documents", insights}, []anchor{
			role(platform, "AgentExecutionRole-document-platform"),
			role(platform, "finops-shared-svc"),
			at("arn:aws:bedrock:us-east-1:341755902216:agent-runtime/docplat7c"),
			at("arn:aws:bedrock:us-east-1:341755902216:memory-store/docplat-store"),
		}},
		{workload{"fraud-review-agent", "Fraud Review Agent", "owner.risk", risk}, []anchor{
			role(platform, "agents/risk/AgentExecutionRole-fraud-review"),
			on(platform, "runtime/fraud_review-Xc4Vb6Nm8A"),
			on(platform, "memory/fraud_review_memory-s1Df3Gh5Jk"),
			on(platform, "code-interpreter-custom/fraud_review_sandbox-Z2x4C6v8Bn"),
		}},
		{workload{"chargeback-assistant", "Chargeback Assistant", "owner.risk", risk}, []anchor{
			role(platform, "AgentExecutionRole-chargeback"),
			on(platform, "runtime/chargeback_assistant-Wq1Er3Ty5U"),
			on(platform, "memory/chargeback_memory-o7Iu5Yt3Re"),
		}},
		{workload{"kyc-summariser", "KYC Summariser", "owner.risk", risk}, []anchor{
			{Kind: "role", Value: "AgentExecutionRole-kyc", Account: platform},
			on(platform, "runtime/kyc_summariser-Aa1Ss2Dd3F"),
			on(platform, "memory/kyc_memory-g4Hh5Jj6Kk"),
			on(platform, "code-interpreter-custom/kyc_sandbox-L7z8X9c0Vb"),
		}},
	}
}

// claimsJSON returns the claims file of the sample.
func claimsJSON() ([]byte, error) {
	f := claimsFile{Version: 1}
	for _, c := range claimed() {
		f.Workloads = append(f.Workloads, c.workload)
		for _, a := range c.anchors {
			f.Claims = append(f.Claims, claim{
				ID: fmt.Sprintf("c-%02d", len(f.Claims)+1), Anchor: a, Workload: c.ID, From: "2026-04-01",
			})
		}
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("samplemonths: encode claims: %w", err)
	}
	return append(text, '\n'), nil
}
